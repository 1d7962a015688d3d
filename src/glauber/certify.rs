//! The certify run: one context, two sites, two token sets, every rectangle among them, certificates for the largest.

use super::certificate::{Assessment, Certificate};
use super::conditionals::{Conditionals, ConditionalsError, ModelIdentity};
use super::rectangle::Rectangle;
use crate::progress::Progress;

/// Which tokens stand for one site.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenChoice {
    /// The k likeliest ordinary tokens at the site, given the sentence with that site masked.
    Top(u32),
    /// k uniform ordinary tokens, from the run's seed.
    Random(u32),
    /// Typed token texts.
    Typed(Vec<String>),
}

/// What a certify run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CertifySpec {
    pub version: u32,
    pub model: String,
    pub sentence: String,
    /// Two different sites, counted from 0 among the sentence's tokens.
    pub positions: (usize, usize),
    pub tokens_a: TokenChoice,
    pub tokens_b: TokenChoice,
    pub temperature: f64,
    pub seed: u64,
}

/// One rectangle with its assessment.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AssessedRectangle {
    /// Indices into the token sets.
    pub at: (usize, usize, usize, usize),
    pub rectangle: Rectangle,
    pub assessment: Assessment,
}

/// What a certify run found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CertifyResult {
    pub tokens: Vec<u32>,
    pub texts: Vec<String>,
    pub tokens_a: Vec<u32>,
    pub texts_a: Vec<String>,
    pub tokens_b: Vec<u32>,
    pub texts_b: Vec<String>,
    /// f64 logits l_i(a|b), row-major [|A|, |B|], and the normaliser log sum_v exp(l/tau) of each column b.
    pub logits_i: Vec<f64>,
    pub normaliser_i: Vec<f64>,
    /// f64 logits l_j(b|a), row-major [|A|, |B|], and the normaliser of each row a.
    pub logits_j: Vec<f64>,
    pub normaliser_j: Vec<f64>,
    /// Double-centred D, row-major [|A|, |B|], nats.
    pub centred: Vec<f64>,
    pub rms: f64,
    /// Every rectangle, in lexicographic order of `at`.
    pub rectangles: Vec<AssessedRectangle>,
    pub max_abs_r: f64,
    /// Certificate of the rectangle with the largest |R|; its verdict may be `NoCertificate`.
    pub certificate: Certificate,
}

/// Runs the whole of `spec` on a loaded model.
pub fn certify(
    _spec: &CertifySpec,
    _model: &dyn Conditionals,
    _identity: &ModelIdentity,
    _progress: &dyn Progress,
) -> Result<CertifyResult, ConditionalsError> {
    todo!()
}

/// The ordinary tokens of a choice at `site` of `state`.
pub fn choose(
    _choice: &TokenChoice,
    _model: &dyn Conditionals,
    _state: &[u32],
    _site: usize,
    _seed: u64,
) -> Result<Vec<u32>, ConditionalsError> {
    todo!()
}
