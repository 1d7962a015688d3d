//! One exact run: a few tokens, a few sites, everything known.

use super::{Template, Vocabulary, space};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::exact::{self, ExactResult, ExactSpec};
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
}

/// Runs the whole of `spec` on a loaded model.
pub fn run(
    spec: &ExactRunSpec,
    model: &dyn Conditionals,
    progress: &dyn Progress,
) -> Result<ExactResult, ConditionalsError> {
    let space = space(model, spec.length, &spec.vocabulary, spec.template.as_ref())?;
    let settings = ExactSpec { keep_law: spec.keep_law, ..ExactSpec::new(spec.temperature) };
    exact::exact(model, &space, &settings, progress)
}
