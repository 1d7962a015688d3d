//! Certificates of incompatibility: what was measured, how wrong it can be, and what follows (glauber.md section 2.3).

mod file;
mod theorem;
mod verification;

pub use file::CertificateError;
pub use verification::{Verification, examine, verify};

use super::conditionals::{Conditionals, ConditionalsError, ModelIdentity, Precision};
use super::hexfloat;
use super::rectangle::{Block, Corners, Rectangle};
use crate::progress::Progress;

/// What `kind` says in every certificate file.
pub const KIND: &str = "kleroterion-certificate";
/// Version of the file's layout and of the wording of its theorem.
pub const SCHEMA: u32 = 1;

/// What may be said of one rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// R differs from zero by far more than the rounding error: no joint distribution has these conditionals.
    Certified,
    /// R may be zero: nothing is shown.
    NoCertificate,
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

impl Assessment {
    /// Both tests of glauber.md section 2.3, from the corners of one rectangle: f32 in a batch, f32 alone, f64 in a
    /// batch, f64 alone. `repeated` says whether a second f32 batch of the same shape gave the same bits.
    ///
    /// The thresholds are applied at tau = 1, where P2 puts the question: R is proportional to 1/tau, so a family that is
    /// incompatible at one temperature is so at all, and the verdict must not depend on the one asked for.
    pub fn new(
        f32_batch: &Corners,
        f32_alone: &Corners,
        f64_batch: &Corners,
        f64_alone: &Corners,
        repeated: bool,
        tau: f64,
    ) -> Self {
        let at = |tau: f64| [f32_batch, f32_alone, f64_batch, f64_alone].map(|corners| corners.r(tau));
        let [r32, r32_alone, r64, r64_alone] = at(1.0);
        let (e32, e64) = errors(r32, r32_alone, r64, r64_alone);
        let c1 = c1(r32, r64, e32, e64);
        let c2 = repeated.then(|| {
            let largest = f32_batch.0.iter().fold(0.0, |most: f64, l| most.max(l.abs()));
            // Eight additions in f64, unit roundoff 2^-53, margin 8.
            verdict(r32.abs() > 64.0 * (-53f64).exp2() * largest)
        });
        // The recorded errors follow from the recorded R's exactly, for whoever checks the file.
        let [r32, r32_alone, r64, r64_alone] = at(tau);
        let (e32, e64) = errors(r32, r32_alone, r64, r64_alone);
        Self { r32, r32_alone, r64, r64_alone, e32, e64, c1, c2 }
    }
}

/// `e32` and `e64` of glauber.md section 2.3 (C1); 2^-29 is the ratio of the two unit roundoffs, 100 a margin.
fn errors(r32: f64, r32_alone: f64, r64: f64, r64_alone: f64) -> (f64, f64) {
    let e32 = (r32 - r64_alone).abs().max((r32_alone - r64_alone).abs());
    let e64 = (r64 - r64_alone).abs().max(100.0 * (-29f64).exp2() * e32);
    (e32, e64)
}

/// The C1 test, all at tau = 1. Sign and size of the f32 result are a check on the program, not on rounding.
fn c1(r32: f64, r64: f64, e32: f64, e64: f64) -> Verdict {
    verdict(r64.abs() > f64::max(1e-9, 100.0 * e64) && r32 * r64 > 0.0 && e32 < 0.1 * r64.abs())
}

fn verdict(certified: bool) -> Verdict {
    if certified { Verdict::Certified } else { Verdict::NoCertificate }
}

/// Whether `tau` can divide logits.
pub(super) fn check_temperature(tau: f64) -> Result<(), ConditionalsError> {
    // Beyond these bounds R/tau could leave the range of f64.
    if (1e-6..=1e6).contains(&tau) {
        return Ok(());
    }
    Err(ConditionalsError::Invalid(format!("the temperature is {tau}: choose a positive number from 1e-6 to 1e6")))
}

/// Evaluates one rectangle four ways and says what follows (C1, and C2 where the backend is deterministic).
///
/// Every evaluation is of the same four rows; the f32 batch is run twice for C2. The corners are those of the f64 batch.
pub fn assess(
    model: &dyn Conditionals,
    state: &[u32],
    rectangle: Rectangle,
    temperature: f64,
    progress: &dyn Progress,
) -> Result<(Corners, Assessment), ConditionalsError> {
    check_temperature(temperature)?;
    let Rectangle { i, j, a, a2, b, b2 } = rectangle;
    if a == a2 || b == b2 {
        return Err(ConditionalsError::Invalid("a rectangle needs two different tokens at each position".into()));
    }
    let corners = |precision, alone| {
        Block::evaluate(model, state, (i, j), &[a, a2], &[b, b2], precision, alone, progress)
            .map(|block| block.corners(0, 1, 0, 1))
    };
    let f32_batch = corners(Precision::F32, false)?;
    let repeated = model.deterministic() && same_bits(&corners(Precision::F32, false)?, &f32_batch);
    let f32_alone = corners(Precision::F32, true)?;
    let f64_batch = corners(Precision::F64, false)?;
    let f64_alone = corners(Precision::F64, true)?;
    Ok((f64_batch, Assessment::new(&f32_batch, &f32_alone, &f64_batch, &f64_alone, repeated, temperature)))
}

fn same_bits(a: &Corners, b: &Corners) -> bool {
    a.0.map(f64::to_bits) == b.0.map(f64::to_bits)
}

/// Makes the certificate of a rectangle; its verdict may be `NoCertificate`.
pub fn certify(
    model: &dyn Conditionals,
    identity: &ModelIdentity,
    state: &[u32],
    rectangle: Rectangle,
    temperature: f64,
    progress: &dyn Progress,
) -> Result<Certificate, ConditionalsError> {
    let (corners, assessment) = assess(model, state, rectangle, temperature, progress)?;
    let mut logits_hex = corners.0.map(|_| String::new());
    for (text, value) in logits_hex.iter_mut().zip(corners.0) {
        *text = hex(value)?;
    }
    let mut certificate = Certificate {
        kind: KIND.to_owned(),
        schema: SCHEMA,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        model: identity.clone(),
        tokens: state.to_vec(),
        texts: state.iter().map(|&token| model.text(token)).collect(),
        rectangle,
        rectangle_texts: [rectangle.a, rectangle.a2, rectangle.b, rectangle.b2].map(|token| model.text(token)),
        temperature,
        logits_hex,
        r_hex: hex(assessment.r64)?,
        assessment,
        theorem: String::new(),
        arithmetic: model.arithmetic(),
    };
    certificate.theorem = theorem::text(&certificate);
    Ok(certificate)
}

fn hex(value: f64) -> Result<String, ConditionalsError> {
    hexfloat::write(value).ok_or_else(|| ConditionalsError::Backend(format!("a number to be certified is {value}")))
}

#[cfg(test)]
mod tests;
