//! Perfect samples beside an enumerated stationary law: two independent ways to the same numbers.
//!
//! Source: glauber.md section 5.4 (cross-checks); Propp and Wilson 1996.

use std::collections::BTreeMap;

use crate::glauber::cftp::PerfectSampler;
use crate::glauber::conditionals::ConditionalsError;
use crate::progress::Progress;
use crate::statistics::{GoodnessOfFit, goodness_of_fit};

/// Most draws of a run.
pub const MOST_SAMPLES: u64 = 1_000_000;
/// Most steps from the past that a draw may be given.
pub const MOST_STEPS: u64 = 1 << 40;

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PerfectSpec {
    pub samples: u64,
    /// A draw that all states have not become one by then ends the check: leaving it out would bias the others.
    pub most_steps: u64,
    pub seed: u64,
}

impl Default for PerfectSpec {
    fn default() -> Self {
        Self { samples: 2000, most_steps: 1 << 24, seed: 0 }
    }
}

impl PerfectSpec {
    /// Refuses what cannot run.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let problem = if !(1..=MOST_SAMPLES).contains(&self.samples) {
            format!("{} perfect samples: choose 1 to {MOST_SAMPLES}", self.samples)
        } else if !(1..=MOST_STEPS).contains(&self.most_steps) {
            format!("{} steps from the past: choose 1 to {MOST_STEPS}", self.most_steps)
        } else {
            return Ok(());
        };
        Err(ConditionalsError::Invalid(problem))
    }
}

/// How many draws were decided from one depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Depth {
    /// All states had become one after so many steps; after half as many they had not.
    pub steps: u64,
    pub draws: u64,
}

/// Draws so far: what a later sitting goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PerfectState {
    /// How often each state was drawn, in the order of the stationary law.
    pub counts: Vec<u64>,
    depths: BTreeMap<u64, u64>,
    drawn: u64,
}

impl PerfectState {
    /// Draws made.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    /// Makes the next draw.
    pub fn advance(
        &mut self,
        spec: &PerfectSpec,
        sampler: &PerfectSampler,
        progress: &dyn Progress,
    ) -> Result<(), ConditionalsError> {
        let draw = sampler.draw(spec.seed, self.drawn, spec.most_steps, progress)?;
        self.counts.resize(sampler.states(), 0);
        self.counts[draw.number] += 1;
        *self.depths.entry(draw.steps).or_default() += 1;
        self.drawn += 1;
        Ok(())
    }
}

/// Perfect samples compared with the enumerated stationary law.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PerfectResult {
    /// Draws made, and draws asked for.
    pub drawn: u64,
    pub samples: u64,
    pub most_steps: u64,
    pub seed: u64,
    /// How far back the draws had to start, ascending.
    pub depths: Vec<Depth>,
    /// How often each state was drawn, in the order of the stationary law.
    pub counts: Vec<u64>,
    /// `[states]`: the enumerated law that they are compared with.
    pub law: Vec<f64>,
    /// `None` before the first draw, or where the check could not be finished.
    pub fit: Option<GoodnessOfFit>,
    /// Why the check could not be finished.
    pub problem: Option<String>,
}

impl PerfectResult {
    /// What the draws show beside `law`, or why they ended early.
    pub fn new(spec: &PerfectSpec, state: &PerfectState, law: &[f64], problem: Option<String>) -> Self {
        // Draws that end at the first which takes too long favour states that are reached soon.
        let fit = if problem.is_none() { goodness_of_fit(&state.counts, law) } else { None };
        Self {
            drawn: state.drawn,
            samples: spec.samples,
            most_steps: spec.most_steps,
            seed: spec.seed,
            depths: state.depths.iter().map(|(&steps, &draws)| Depth { steps, draws }).collect(),
            counts: state.counts.clone(),
            law: law.to_vec(),
            fit,
            problem,
        }
    }

    /// The depth that was enough for half of the draws.
    pub fn median_depth(&self) -> Option<u64> {
        let mut seen = 0;
        self.depths
            .iter()
            .find(|depth| {
                seen += depth.draws;
                2 * seen >= self.drawn
            })
            .map(|depth| depth.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::exact::ExactChain;
    use crate::glauber::space::Space;
    use crate::glauber::temperature::Temperature;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn draws_agree_with_the_law_and_not_with_another() {
        let toy = toys::parse("curie-weiss:n=5,beta=0.8").unwrap();
        let space = Space::whole(toy.as_ref(), 5).unwrap();
        let sampler = PerfectSampler::new(toy.as_ref(), space, Temperature::ONE, &Silent).unwrap();
        let law = |tau: f64| ExactChain::new(toy.as_ref(), tau).unwrap().random_scan_law().unwrap();
        let spec = PerfectSpec { samples: 4000, ..PerfectSpec::default() };
        let mut state = PerfectState::default();
        for _ in 0..spec.samples {
            state.advance(&spec, &sampler, &Silent).unwrap();
        }
        let found = PerfectResult::new(&spec, &state, &law(1.0), None);
        let fit = found.fit.unwrap();
        assert_eq!((found.drawn, fit.total, found.depths.iter().map(|d| d.draws).sum::<u64>()), (4000, 4000, 4000));
        assert!(fit.p_value.unwrap() > 1e-3 && fit.tv < fit.tv_upper, "{fit:?}");
        assert!((fit.tv / fit.tv_expected - 1.0).abs() < 0.5, "{fit:?}");
        assert!(found.median_depth().is_some_and(|depth| depth >= 5 && depth % 5 == 0));
        let other = PerfectResult::new(&spec, &state, &law(2.0), None).fit.unwrap();
        assert!(other.p_value.unwrap() < 1e-12 && other.tv > other.tv_upper, "{other:?}");
        let stopped = PerfectResult::new(&spec, &state, &law(1.0), Some("stopped".to_owned()));
        assert_eq!(stopped.fit, None, "draws that were cut short are not compared");
    }
}
