//! The rectangle test: does any joint distribution have these conditionals? (spec: glauber.md sections 2.1, 2.2)
//!
//! Fix a context, tokens a != a' at site i and b != b' at site j. Conditionals of one joint give
//! `LOR_i = LOR_j`, so `R = (LOR_i - LOR_j) / tau != 0` certifies that no joint exists.

use super::conditionals::{Conditionals, ConditionalsError, Logits, Precision};
use crate::progress::Progress;

/// Tokens at the corners of one rectangle: `a`, `a2` at site `i`, `b`, `b2` at site `j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Rectangle {
    pub i: usize,
    pub j: usize,
    pub a: u32,
    pub a2: u32,
    pub b: u32,
    pub b2: u32,
}

/// The eight logits of a rectangle in the order
/// `l_i(a|b), l_i(a2|b), l_i(a|b2), l_i(a2|b2), l_j(b|a), l_j(b2|a), l_j(b|a2), l_j(b2|a2)`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Corners(pub [f64; 8]);

impl Corners {
    /// Log odds ratio seen from site i, nats at tau = 1.
    pub fn lor_i(&self) -> f64 {
        let l = &self.0;
        (l[0] - l[1]) - (l[2] - l[3])
    }
    /// Log odds ratio seen from site j, nats at tau = 1.
    pub fn lor_j(&self) -> f64 {
        let l = &self.0;
        (l[4] - l[5]) - (l[6] - l[7])
    }
    /// R at temperature `tau`; proportional to 1/tau exactly.
    pub fn r(&self, tau: f64) -> f64 {
        (self.lor_i() - self.lor_j()) / tau
    }
}

/// All rectangles over token sets A (at i) and B (at j) in one context, from |A| + |B| forward rows.
#[derive(Clone, Debug)]
pub struct Block {
    pub i: usize,
    pub j: usize,
    pub tokens_a: Vec<u32>,
    pub tokens_b: Vec<u32>,
    /// Row `k`: logits at site i while j holds `tokens_b[k]`. Shape `[|B|, V]`.
    pub at_i: Logits,
    /// Row `k`: logits at site j while i holds `tokens_a[k]`. Shape `[|A|, V]`.
    pub at_j: Logits,
}

impl Block {
    /// Scores the |A| + |B| rows in one batch (`alone` = false) or one row at a time (`alone` = true).
    pub fn evaluate(
        _model: &dyn Conditionals,
        _state: &[u32],
        _sites: (usize, usize),
        _tokens_a: &[u32],
        _tokens_b: &[u32],
        _precision: Precision,
        _alone: bool,
        _progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        todo!()
    }
    /// `D[a, b] = l_i(a|b) - l_j(b|a)`, row-major `[|A|, |B|]`, nats.
    pub fn d(&self) -> Vec<f64> {
        todo!()
    }
    /// D with row and column means removed: the rectangle field.
    pub fn centred(&self) -> Vec<f64> {
        todo!()
    }
    /// Root mean square of the centred D: the block's incompatibility, nats.
    pub fn rms(&self) -> f64 {
        todo!()
    }
    /// The corners at rows `a`, `a2` and columns `b`, `b2` (indices into the token sets).
    pub fn corners(&self, _a: usize, _a2: usize, _b: usize, _b2: usize) -> Corners {
        todo!()
    }
    /// log p of the eight corners at temperature `tau` (softmax in f64 over the whole vocabulary), order of [`Corners`].
    pub fn log_probabilities(&self, _a: usize, _a2: usize, _b: usize, _b2: usize, _tau: f64) -> [f64; 8] {
        todo!()
    }
    /// Indices `(a, a2, b, b2)` of the rectangle with the largest |R|, and that |R| at tau = 1.
    pub fn largest(&self) -> ((usize, usize, usize, usize), f64) {
        todo!()
    }
}
