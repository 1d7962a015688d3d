//! The dynamics of single chains: Glauber, or the reversible reference chain.

use clap::{Args, ValueEnum};

use super::demand::Failure;
use crate::glauber::chain::Energy;
use crate::glauber::experiments::{Dynamics, ReferenceReport};
use crate::glauber::temperature::Temperature;

/// How chains move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kernel {
    /// Each step draws from the conditional.
    #[default]
    Glauber,
    /// Metropolis-Hastings on the energy, reversible.
    Metropolis,
}

/// The energy of the reference chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum EnergyChoice {
    /// Of raw logits.
    Raw,
    /// Of log-probabilities over the allowed tokens.
    #[default]
    Normalised,
}

/// How single chains move.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct DynamicsArgs {
    /// Glauber dynamics, or Metropolis-Hastings on the model's energy as a reversible reference chain, which takes up to
    /// n forward rows a step (an energy is a sum over all n tokens).
    #[arg(long, value_name = "D", value_enum, default_value_t)]
    dynamics: Kernel,
    /// Energy of the reference chain: minus the sum of raw logits, or of log-probabilities.
    #[arg(long, value_name = "E", value_enum)]
    energy: Option<EnergyChoice>,
    /// Temperature of the reference chain's proposals; that of the run without it.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    proposal_temperature: Option<Temperature>,
}

impl DynamicsArgs {
    /// The dynamics at a run's temperature.
    pub(crate) fn choice(&self, temperature: Temperature) -> Result<Dynamics, Failure> {
        match self.dynamics {
            Kernel::Glauber if self.energy.is_some() || self.proposal_temperature.is_some() => Err(Failure::Input(
                "--energy and --proposal-temperature belong to the reference chain: add --dynamics metropolis, or leave \
                 them out"
                    .to_owned(),
            )),
            Kernel::Glauber => Ok(Dynamics::Glauber),
            Kernel::Metropolis => Ok(Dynamics::Metropolis {
                energy: match self.energy.unwrap_or_default() {
                    EnergyChoice::Raw => Energy::Raw,
                    EnergyChoice::Normalised => Energy::Normalised,
                },
                proposal: self.proposal_temperature.unwrap_or(temperature),
            }),
        }
    }
}

/// Tells what reference chains accepted.
pub(crate) fn describe(found: &ReferenceReport) {
    let share = |rate: Option<f64>| rate.map_or_else(|| "none".to_owned(), |rate| format!("{:.1} %", 100.0 * rate));
    eprintln!(
        "Metropolis-Hastings: {} of novel proposals accepted, {} of steps moved; {} forward rows, {:.2} a step",
        share(found.acceptance.rate()),
        share(found.acceptance.novel_transition_rate()),
        found.rows,
        found.rows_per_step().unwrap_or(0.0)
    );
}
