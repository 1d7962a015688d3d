//! Certificates of incompatibility: what was measured, how wrong it can be, and what follows (glauber.md section 2.3).

use super::conditionals::{Conditionals, ConditionalsError, ModelIdentity};
use super::rectangle::{Corners, Rectangle};
use crate::progress::Progress;

/// What may be said of one rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// R differs from zero by far more than the rounding error: no joint distribution has these conditionals.
    Certified,
    /// R may be zero: nothing is shown.
    NoCertificate,
    /// Only f32 was evaluated and |R| > 1e-3: evidence, never a certificate.
    Evidence,
}

/// R from four evaluations, its error bounds and the verdict. All in nats at the asked temperature.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Assessment {
    /// f32, rows in one batch / each row alone; f64, batch / alone.
    pub r32: f64,
    pub r32_alone: f64,
    pub r64: f64,
    pub r64_alone: f64,
    /// `max(|R32-R64s|, |R32s-R64s|)`.
    pub e32: f64,
    /// `max(|R64-R64s|, 100 * 2^-29 * e32)`: the error bound shown beside R.
    pub e64: f64,
    /// C1, about the real-number function of the stored weights.
    pub c1: Verdict,
    /// C2, about the deployed f32 program; `None` where bit equality was not established.
    pub c2: Option<Verdict>,
}

/// A certificate file, schema version 1. Floats that matter are also kept as C99 hexadecimal floats.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Certificate {
    /// Always `"kleroterion-certificate"`.
    pub kind: String,
    pub schema: u32,
    pub program_version: String,
    pub model: ModelIdentity,
    /// Full context: ids and texts of every site.
    pub tokens: Vec<u32>,
    pub texts: Vec<String>,
    pub rectangle: Rectangle,
    /// Texts of a, a2, b, b2.
    pub rectangle_texts: [String; 4],
    pub temperature: f64,
    /// The eight f64 logits (batched) as hex floats, order of [`Corners`].
    pub logits_hex: [String; 8],
    pub r_hex: String,
    pub assessment: Assessment,
    /// The statement, in words.
    pub theorem: String,
    /// Device and kernels the evaluation used, in words.
    pub arithmetic: String,
}

/// One thing in which a re-evaluation and the file disagree.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// Field of the certificate.
    pub field: String,
    pub recorded: String,
    pub found: String,
}

/// Evaluates one rectangle four ways and says what follows (C1, and C2 where the backend is deterministic).
pub fn assess(
    _model: &dyn Conditionals,
    _state: &[u32],
    _rectangle: Rectangle,
    _temperature: f64,
    _progress: &dyn Progress,
) -> Result<(Corners, Assessment), ConditionalsError> {
    todo!()
}

/// Makes the certificate of a rectangle; its verdict may be `NoCertificate`.
pub fn certify(
    _model: &dyn Conditionals,
    _identity: &ModelIdentity,
    _state: &[u32],
    _rectangle: Rectangle,
    _temperature: f64,
    _progress: &dyn Progress,
) -> Result<Certificate, ConditionalsError> {
    todo!()
}

/// Re-evaluates `certificate` from its contents alone; an empty answer means it verifies.
pub fn verify(
    _certificate: &Certificate,
    _model: &dyn Conditionals,
    _identity: &ModelIdentity,
    _progress: &dyn Progress,
) -> Result<Vec<Difference>, ConditionalsError> {
    todo!()
}
