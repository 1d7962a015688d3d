//! Comparing a model with logits that a reference implementation gave for it.

use std::path::Path;

use super::device::FastType;
use super::error::ModelError;
use super::masked_lm::MaskedLm;
use crate::glauber::conditionals::Precision;

/// Arithmetic in which a model is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedType {
    /// The fast passes: on the first accelerator of the build, else on the processor.
    F32,
    F64,
    /// The fast passes as an accelerator may run them, on the processor.
    Half(FastType),
}

/// How far a model is from its reference.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CheckReport {
    pub architecture: String,
    /// Positions compared.
    pub rows: usize,
    /// Largest absolute difference of a logit, in nats.
    pub max_abs_diff: f64,
    pub tolerance: f64,
    pub ok: bool,
}

/// What a reference file holds: padded sequences, and one logit row per position that is not padding.
#[derive(serde::Deserialize)]
struct Reference {
    input_ids: Vec<Vec<u32>>,
    attention_mask: Vec<Vec<u8>>,
    lengths: Vec<usize>,
    logits_rows: Vec<Vec<Vec<f64>>>,
}

/// Evaluates the model in `dir` on the sequences of the file `reference` and compares every logit.
///
/// Errors: those of [`MaskedLm::from_folder`] and [`MaskedLm::all_logits`]; [`ModelError::Unreadable`] for a reference file
/// that is damaged, pads elsewhere than at the end, or has no rows.
pub fn check(dir: &Path, reference: &Path, checked: CheckedType, tolerance: f64) -> Result<CheckReport, ModelError> {
    let unreadable = |problem: String| ModelError::Unreadable {
        path: reference.to_owned(),
        problem,
        remedy: "A reference holds input_ids, attention_mask, lengths and logits_rows".into(),
    };
    let text =
        std::fs::read_to_string(reference).map_err(|e| unreadable(format!("the reference cannot be read: {e}")))?;
    let parsed: Reference =
        serde_json::from_str(&text).map_err(|e| unreadable(format!("the reference is damaged: {e}")))?;
    let sequences = parsed.input_ids.len();
    if [parsed.attention_mask.len(), parsed.lengths.len(), parsed.logits_rows.len()] != [sequences; 3] {
        return Err(unreadable("the reference's lists differ in length".into()));
    }
    let (model, precision) = match checked {
        CheckedType::F32 => (MaskedLm::from_folder(dir)?, Precision::F32),
        CheckedType::F64 => (MaskedLm::from_folder(dir)?, Precision::F64),
        CheckedType::Half(fast_type) => (MaskedLm::from_folder_in(dir, fast_type)?, Precision::F32),
    };
    let (mut rows, mut max_abs_diff) = (0, 0.0f64);
    for (k, ids) in parsed.input_ids.iter().enumerate() {
        let length = parsed.lengths[k];
        let mask = &parsed.attention_mask[k];
        if length > ids.len()
            || mask.len() != ids.len()
            || !mask.iter().enumerate().all(|(i, &m)| (m == 1) == (i < length))
        {
            return Err(unreadable(format!("sequence {k} of the reference pads elsewhere than at its end")));
        }
        let expected = &parsed.logits_rows[k];
        if expected.len() != length || expected.iter().any(|row| row.len() != model.vocabulary()) {
            return Err(unreadable(format!("the logits of sequence {k} of the reference have another shape")));
        }
        let got = model.all_logits(&ids[..length], precision)?;
        for (i, expected) in expected.iter().enumerate() {
            let differences = got.row(i).iter().zip(expected).map(|(a, b)| (a - b).abs());
            // Unlike max, this lets a difference that is not a number through.
            max_abs_diff = differences.fold(max_abs_diff, |most, d| if d <= most { most } else { d });
        }
        rows += length;
    }
    if rows == 0 {
        return Err(unreadable("the reference has no rows".into()));
    }
    Ok(CheckReport {
        architecture: model.architecture().to_owned(),
        rows,
        max_abs_diff,
        tolerance,
        ok: max_abs_diff <= tolerance,
    })
}
