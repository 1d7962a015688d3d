//! Perfect samples, as the form of the exact mode has them.

use serde::{Deserialize, Serialize};

use crate::figures::number;
use crate::glauber::cftp::MOST_STARTS;
use crate::glauber::experiments::perfect::PerfectSpec;
use crate::glauber::temperature::Temperature;

/// The cross-check; a tick that keeps its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PerfectDraft {
    pub on: bool,
    pub samples: u64,
    pub most_steps: u64,
}

impl Default for PerfectDraft {
    fn default() -> Self {
        let PerfectSpec { samples, most_steps, .. } = PerfectSpec::default();
        Self { on: false, samples, most_steps }
    }
}

impl PerfectDraft {
    /// What enters the spec; the error says why samples cannot be drawn. `states` are those of the typed tokens.
    pub(super) fn spec(
        &self,
        states: Option<u64>,
        temperature: Temperature,
        seed: u64,
    ) -> Result<Option<PerfectSpec>, String> {
        if !self.on {
            return Ok(None);
        }
        if temperature == Temperature::ZERO {
            return Err(
                "At temperature 0 there is no single stationary law to draw from: choose a positive temperature, or \
                        untick the perfect samples."
                    .to_owned(),
            );
        }
        if states.is_none_or(|states| states > MOST_STARTS as u64) {
            return Err(format!(
                "Perfect samples start all states at once, at most {} of them: choose fewer tokens or a shorter chain, or \
                 untick the perfect samples.",
                number::count(MOST_STARTS as u64)
            ));
        }
        let spec = PerfectSpec { samples: self.samples, most_steps: self.most_steps, seed };
        spec.check().map_err(|error| crate::ui::format::sentence(&format!("{error}.")))?;
        Ok(Some(spec))
    }

    pub(super) fn set(&mut self, spec: Option<&PerfectSpec>) {
        self.on = spec.is_some();
        if let Some(spec) = spec {
            (self.samples, self.most_steps) = (spec.samples, spec.most_steps);
        }
    }
}
