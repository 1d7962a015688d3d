//! How single chains move: Glauber dynamics, or the reversible reference chain (glauber.md section 2.5).

use crate::glauber::chain::{Acceptance, Cell, Energy, MetropolisSpec, Scan};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::temperature::Temperature;

/// The kernel of a single chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Dynamics {
    /// Each step draws its token from the conditional.
    #[default]
    Glauber,
    /// Metropolis-Hastings on the model's energy, at the run's temperature: each step proposes a token from the
    /// conditional and accepts it so that the law `exp(-E / temperature)` is kept.
    Metropolis {
        energy: Energy,
        /// Temperature of the conditionals that propose.
        proposal: Temperature,
    },
}

impl Dynamics {
    /// Whether these are Glauber dynamics.
    pub fn is_glauber(&self) -> bool {
        *self == Self::Glauber
    }

    /// Refuses what these dynamics do not have; the error says what to choose.
    pub fn check(&self, scan: Scan, temperature: Temperature) -> Result<(), ConditionalsError> {
        let Self::Metropolis { proposal, .. } = self else { return Ok(()) };
        let problem = if scan != Scan::Random {
            format!("Metropolis-Hastings draws its positions at random, not by the {scan} scan: choose the random scan")
        } else if temperature == Temperature::ZERO || *proposal == Temperature::ZERO {
            "Metropolis-Hastings needs temperatures above 0, of its law and of its proposals: choose positive ones"
                .to_owned()
        } else {
            return Ok(());
        };
        Err(ConditionalsError::Invalid(problem))
    }

    /// The reference chains that stand for the chains of `cell`; `None` for Glauber dynamics.
    pub fn reference(&self, cell: &Cell) -> Option<MetropolisSpec> {
        let &Self::Metropolis { energy, proposal } = self else { return None };
        Some(MetropolisSpec {
            energy,
            temperature: cell.temperature,
            proposal,
            start: cell.start.clone(),
            chains: cell.count,
            seed: cell.seed,
            record: true,
        })
    }
}

/// What reference chains accepted, and what that took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReferenceReport {
    #[serde(flatten)]
    pub acceptance: Acceptance,
    /// Forward rows of the model: one for each proposal, n - 1 more for the energy of each novel one; equal rows of a
    /// batch count once.
    pub rows: u64,
}

impl ReferenceReport {
    /// Rows for each step; Glauber dynamics takes one at most.
    pub fn rows_per_step(&self) -> Option<f64> {
        (self.acceptance.steps > 0).then(|| self.rows as f64 / self.acceptance.steps as f64)
    }
}
