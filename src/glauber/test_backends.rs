//! Backends for tests: toys whose arithmetic is as untidy as a real model's.

use std::sync::atomic::{AtomicU32, Ordering};

use super::conditionals::{Conditionals, ConditionalsError, Logits, ModelIdentity, Precision, Row};
use super::toys;

/// The identity of a toy, with a made-up hash.
pub(super) fn identity(text: &str) -> ModelIdentity {
    ModelIdentity {
        reference: text.to_owned(),
        architecture: "toy".to_owned(),
        revision: None,
        weights_sha256: format!("{:064x}", text.len()),
        config_sha256: String::new(),
        tokenizer_sha256: String::new(),
        parameters: 8,
    }
}

/// Error in f32 and f64 for each row that travels in a call; so near each other that those of f64 decide e64.
pub(super) const NOISE: (f64, f64) = (1e-9, 1e-12);

/// A toy whose logit of token 0 at site 0, given token 0 at site 1, errs in proportion to the rows of the call.
pub(super) struct Noisy {
    toy: Box<dyn Conditionals>,
    /// Also errs by how often it was asked: no bit repeats.
    restless: bool,
    asked: AtomicU32,
}

impl Noisy {
    pub(super) fn new(text: &str, restless: bool) -> Self {
        Self { toy: toys::parse(text).unwrap(), restless, asked: AtomicU32::new(0) }
    }
}

impl Conditionals for Noisy {
    fn sites(&self) -> (usize, usize) {
        self.toy.sites()
    }
    fn vocabulary(&self) -> usize {
        self.toy.vocabulary()
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        let exact = self.toy.logits(rows, Precision::F64)?;
        let asked = if self.restless { self.asked.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let noise = if precision == Precision::F32 { NOISE.0 } else { NOISE.1 };
        let mut values = Vec::new();
        for (k, row) in rows.iter().enumerate() {
            values.extend_from_slice(exact.row(k));
            if row.position == 0 && row.state[1] == 0 {
                values[k * exact.vocabulary()] += noise * (rows.len() as f64 + f64::from(asked));
            }
        }
        Ok(Logits::new(values, exact.vocabulary()))
    }
}
