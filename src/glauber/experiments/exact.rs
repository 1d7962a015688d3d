//! One exact run: a few tokens, a few sites, everything known.

use super::perfect::PerfectSpec;
use super::{Template, Vocabulary, space};
use crate::glauber::cftp;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::exact::{self, ExactResult, ExactSpec};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;

/// What an exact run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ExactRunSpec {
    pub version: u32,
    pub model: String,
    /// The allowed tokens q; states number q^n.
    pub vocabulary: Vocabulary,
    /// Free sites n; with a template, as many as it leaves free.
    pub length: usize,
    #[serde(default)]
    pub template: Option<Template>,
    pub temperature: Temperature,
    /// Keeps the stationary law, one number for each state.
    #[serde(default)]
    pub keep_law: bool,
    /// Draws perfect samples and compares them with the stationary law; at most 4,096 states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perfect: Option<PerfectSpec>,
}

impl ExactRunSpec {
    /// The run's space; refuses perfect samples where they cannot be drawn, before anything is enumerated.
    pub fn space(&self, model: &dyn Conditionals) -> Result<Space, ConditionalsError> {
        let space = space(model, self.length, &self.vocabulary, self.template.as_ref())?;
        if let Some(perfect) = &self.perfect {
            perfect.check()?;
            let states = cftp::startable(&space);
            let problem = match (self.temperature == Temperature::ZERO, states) {
                (true, _) => {
                    "at temperature 0 there is no single stationary law: choose a positive temperature".to_owned()
                }
                (_, Err(error)) => error.to_string(),
                (false, Ok(_)) => return Ok(space),
            };
            return Err(ConditionalsError::Invalid(format!("perfect samples cannot be drawn here: {problem}")));
        }
        Ok(space)
    }
}

/// Enumerates the space of `spec` on a loaded model; the stationary law is listed if it is to be kept or compared.
pub fn enumerate(
    spec: &ExactRunSpec,
    model: &dyn Conditionals,
    progress: &dyn Progress,
) -> Result<ExactResult, ConditionalsError> {
    let space = spec.space(model)?;
    let keep_law = spec.keep_law || spec.perfect.is_some();
    let settings = ExactSpec { keep_law, ..ExactSpec::new(spec.temperature) };
    exact::exact(model, &space, &settings, progress)
}
