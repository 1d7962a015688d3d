//! The one thing the science asks of a model: logits at one masked site given all others.

use crate::progress::Cancelled;

/// Arithmetic in which a backend evaluates its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision: the program as deployed.
    F32,
    /// Double precision: the same stored weights, read as exact reals.
    F64,
}

/// One question: the law at `position` when that site is masked and the others hold `state`.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Token ids of the `n` free sites, without the model's own start and end tokens.
    pub state: &'a [u32],
    /// The masked site, counted from 0; `state[position]` is ignored.
    pub position: usize,
}

/// Raw logits, one row per question, before any temperature. Shape `[rows, vocabulary]`, nats.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    values: Vec<f64>,
    vocabulary: usize,
}

impl Logits {
    /// Panics unless `values` holds whole rows of `vocabulary` entries.
    pub fn new(values: Vec<f64>, vocabulary: usize) -> Self {
        assert!(vocabulary > 0 && values.len().is_multiple_of(vocabulary), "whole rows");
        Self { values, vocabulary }
    }
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.vocabulary
    }
    /// Entries per row.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }
    /// The logits of question `k`.
    pub fn row(&self, k: usize) -> &[f64] {
        &self.values[k * self.vocabulary..(k + 1) * self.vocabulary]
    }
}

/// Why conditionals could not be evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConditionalsError {
    /// The state has a length the backend does not take.
    #[error("a state of {got} tokens, but the model takes {min} to {max}")]
    Length { got: usize, min: usize, max: usize },
    /// A token id outside the vocabulary.
    #[error("token id {token} is outside the vocabulary of {vocabulary}")]
    Token { token: u32, vocabulary: usize },
    /// A masked site outside the state.
    #[error("position {position} is outside a state of {length} tokens")]
    Position { position: usize, length: usize },
    /// The backend failed (out of memory, device lost, non-finite logits).
    #[error("the model could not be evaluated: {0}")]
    Backend(String),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A family of strictly positive conditionals p_i(. | x_-i), given by logits (spec: glauber.md section 1).
pub trait Conditionals: Send + Sync {
    /// Smallest and largest number of sites; equal for tables and spin models.
    fn sites(&self) -> (usize, usize);
    /// Entries per logit row.
    fn vocabulary(&self) -> usize;
    /// Logits for each question. The order of rows in the answer is that of the questions.
    ///
    /// `F32` may differ in its last bits with the batch a row travels in; one row alone is a batch of one.
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError>;
    /// Whether a repeated call with the same batch returns the same bits (needed for a C2 certificate).
    fn deterministic(&self) -> bool {
        true
    }
    /// Whether `token` may stand in a state or be drawn: not `[PAD]`, `[MASK]`, `[unused7]` and the like.
    fn ordinary(&self, token: u32) -> bool {
        (token as usize) < self.vocabulary()
    }
    /// Whether `token` continues a word (`##ing`); `false` where words have no pieces.
    fn continuation(&self, _token: u32) -> bool {
        false
    }
    /// How `token` is shown and typed.
    fn text(&self, token: u32) -> String {
        token.to_string()
    }
    /// The id of a typed token, if the vocabulary has it.
    fn token(&self, text: &str) -> Option<u32> {
        text.trim().parse().ok().filter(|&t: &u32| (t as usize) < self.vocabulary())
    }
    /// Splits a typed sentence into a state. Backends without a tokenizer read white-space separated token texts.
    fn tokenize(&self, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
        sentence
            .split_whitespace()
            .map(|word| {
                self.token(word)
                    .ok_or_else(|| ConditionalsError::Backend(format!("{word:?} is not one of this model's tokens")))
            })
            .collect()
    }
}

/// What exactly was evaluated; every field enters certificates and run records.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelIdentity {
    /// How the user named it: shipped name, folder, hub name or toy text.
    pub reference: String,
    /// `bert`, `modernbert`, … or `toy`.
    pub architecture: String,
    /// Commit of a hub model.
    pub revision: Option<String>,
    /// SHA-256, hex, of the weight file(s); for a toy, of its canonical text.
    pub weights_sha256: String,
    /// SHA-256, hex, of `config.json`; empty for a toy.
    pub config_sha256: String,
    /// SHA-256, hex, of `tokenizer.json` or `vocab.txt`; empty for a toy.
    pub tokenizer_sha256: String,
    /// Number of weights.
    pub parameters: u64,
}
