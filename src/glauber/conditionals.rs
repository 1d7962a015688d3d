//! The one thing the science asks of a model: logits at one masked site given all others.

use std::sync::Arc;

use super::law::Law;
use super::temperature::Temperature;
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
    /// What was asked makes no sense (equal positions, too few tokens, a temperature that is not positive).
    #[error("{0}")]
    Invalid(String),
    /// Typed text has no tokens here; the message names what, where, and what to do.
    #[error("{0}")]
    Sentence(String),
    /// The caller could not keep a finished batch.
    #[error("the results could not be kept: {0}")]
    Commit(String),
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
    /// `F32` may differ in its last bits with the batch a row travels in; one row alone is a batch of one. Each call must
    /// evaluate anew, never answer from a cache: a certificate compares evaluations of the same rows. Caches for chains
    /// belong above this trait.
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError>;
    /// As [`Self::logits`], but into `out`, whose old content goes: backends of a few tokens answer without allocating.
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        let logits = self.logits(rows, precision)?;
        if logits.vocabulary() != self.vocabulary() {
            return Err(ConditionalsError::Backend(format!(
                "rows of {} logits came back, {} were asked",
                logits.vocabulary(),
                self.vocabulary()
            )));
        }
        *out = logits.values;
        Ok(())
    }
    /// Whether a repeated call with the same batch returns the same bits (needed for a C2 certificate).
    fn deterministic(&self) -> bool {
        true
    }
    /// Whether the bits of a row's logits are the same in whatever batch it travels, so that batches may be cut at will.
    fn row_wise(&self, _precision: Precision) -> bool {
        false
    }
    /// What is added to the logit of each token at the very end, if anything: without it logits in [`Precision::F32`] may be
    /// single-precision numbers, which whoever keeps them can hold in half the bytes.
    fn offsets(&self) -> Option<&[f64]> {
        None
    }
    /// The laws it keeps for draws; `None` for a backend that keeps nothing.
    fn laws(&self) -> Option<&dyn Laws> {
        None
    }
    /// Device and kernels that evaluate the logits, in words, for certificates.
    fn arithmetic(&self) -> String {
        "CPU, f32 and f64".to_owned()
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
    /// A state as one line of text: tokens between spaces, pieces of a word joined to it.
    fn sentence(&self, state: &[u32]) -> String {
        let mut sentence = String::new();
        for &token in state {
            let text = self.text(token);
            if self.continuation(token) {
                sentence.push_str(text.strip_prefix("##").unwrap_or(&text));
            } else {
                if !sentence.is_empty() {
                    sentence.push(' ');
                }
                sentence.push_str(&text);
            }
        }
        sentence
    }
    /// The id of a typed token, if the vocabulary has it.
    fn token(&self, text: &str) -> Option<u32> {
        text.trim().parse().ok().filter(|&t: &u32| (t as usize) < self.vocabulary())
    }
    /// Splits a typed sentence into a state. Backends without a tokenizer read token texts between
    /// white space, or one word of single-character tokens.
    fn tokenize(&self, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
        let mut words: Vec<String> = sentence.split_whitespace().map(str::to_owned).collect();
        if let [word] = words.as_slice()
            && self.token(word).is_none()
        {
            // `+-++` or `0110`: one token a character.
            words = word.chars().map(String::from).collect();
        }
        let token = |(position, word): (usize, &String)| {
            self.token(word).ok_or_else(|| {
                ConditionalsError::Sentence(format!(
                    "{word:?} at position {position} (counted from 0) of {sentence:?} is not one of this model's tokens. \
                     Type tokens as the model shows them"
                ))
            })
        };
        words.iter().enumerate().map(token).collect()
    }
}

/// A draw to be made: a question, and the law that its answer is to become.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    pub row: Row<'a>,
    pub temperature: Temperature,
    /// The tokens that may be drawn, not empty and inside the vocabulary.
    pub allowed: &'a Arc<[u32]>,
}

/// A backend that remembers laws: a chain in a context seen before needs neither the model nor its logits.
///
/// The bits of a law depend on its draw alone, never on what was asked before or beside it.
pub trait Laws: Send + Sync {
    /// Writes the law of each draw that needs no evaluation, in the order of `draws`, and `None` for the others.
    fn kept(
        &self,
        draws: &[Draw<'_>],
        precision: Precision,
        laws: &mut Vec<Option<Arc<Law>>>,
    ) -> Result<(), ConditionalsError>;
    /// The law of each draw, in the order of `draws`. All that are not kept are evaluated together.
    fn evaluated(&self, draws: &[Draw<'_>], precision: Precision) -> Result<Vec<Arc<Law>>, ConditionalsError>;
}

/// Checks questions before a backend looks at them: length of each state, masked site, token ids (the token at the
/// masked site is ignored).
pub fn check_rows(rows: &[Row<'_>], sites: (usize, usize), vocabulary: usize) -> Result<(), ConditionalsError> {
    for row in rows {
        let (got, (min, max)) = (row.state.len(), sites);
        if got < min || got > max {
            return Err(ConditionalsError::Length { got, min, max });
        }
        if row.position >= got {
            return Err(ConditionalsError::Position { position: row.position, length: got });
        }
        let outside = |&(site, &token): &(usize, &u32)| site != row.position && token as usize >= vocabulary;
        if let Some((_, &token)) = row.state.iter().enumerate().find(outside) {
            return Err(ConditionalsError::Token { token, vocabulary });
        }
    }
    Ok(())
}

/// Asks `model` and refuses an answer of the wrong shape or with a logit that is not finite: a NaN must never reach a
/// verdict, where every comparison with it is false.
pub fn ask(model: &dyn Conditionals, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
    let logits = model.logits(rows, precision)?;
    if logits.vocabulary() != model.vocabulary() || logits.rows() != rows.len() {
        return Err(ConditionalsError::Backend(format!(
            "{} rows of {} logits came back, {} rows of {} were asked",
            logits.rows(),
            logits.vocabulary(),
            rows.len(),
            model.vocabulary()
        )));
    }
    check_finite(&logits.values)?;
    Ok(logits)
}

/// As [`ask`], with the answer in `out`, row-major `[rows, vocabulary]`.
pub fn ask_into(
    model: &dyn Conditionals,
    rows: &[Row<'_>],
    precision: Precision,
    out: &mut Vec<f64>,
) -> Result<(), ConditionalsError> {
    model.logits_into(rows, precision, out)?;
    let asked = rows.len() * model.vocabulary();
    if out.len() != asked {
        return Err(ConditionalsError::Backend(format!("{} logits came back, {asked} were asked", out.len())));
    }
    check_finite(out)
}

/// Refuses a logit that is not finite.
pub fn check_finite(values: &[f64]) -> Result<(), ConditionalsError> {
    if values.iter().fold(true, |finite, value| finite & value.is_finite()) {
        return Ok(());
    }
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(ConditionalsError::Backend(format!("a logit is {value}"))),
        None => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_checked() {
        let check = |state: &[u32], position| check_rows(&[Row { state, position }], (2, 3), 5);
        assert_eq!(check(&[0, 4], 1), Ok(()));
        assert_eq!(check(&[0, 99], 1), Ok(()), "the masked site is ignored");
        assert_eq!(check(&[0], 0), Err(ConditionalsError::Length { got: 1, min: 2, max: 3 }));
        assert_eq!(check(&[0, 1], 2), Err(ConditionalsError::Position { position: 2, length: 2 }));
        assert_eq!(check(&[5, 1], 1), Err(ConditionalsError::Token { token: 5, vocabulary: 5 }));
    }

    /// A backend that answers what it is told to.
    struct Says(Logits);
    impl Conditionals for Says {
        fn sites(&self) -> (usize, usize) {
            (1, 9)
        }
        fn vocabulary(&self) -> usize {
            2
        }
        fn logits(&self, _: &[Row<'_>], _: Precision) -> Result<Logits, ConditionalsError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn answers_are_checked() {
        let row = [Row { state: &[0, 1], position: 0 }];
        let asked =
            |values: &[f64], vocabulary| ask(&Says(Logits::new(values.to_vec(), vocabulary)), &row, Precision::F64);
        assert!(asked(&[0.5, 1.0], 2).is_ok());
        assert!(asked(&[0.5, f64::NAN], 2).unwrap_err().to_string().contains("NaN"));
        assert!(asked(&[0.5, 1.0, 2.0, 3.0], 2).is_err());
        assert!(asked(&[0.5, 1.0, 2.0], 3).is_err());
        let mut out = vec![7.0];
        let mut into = |values: &[f64], vocabulary| {
            ask_into(&Says(Logits::new(values.to_vec(), vocabulary)), &row, Precision::F64, &mut out)
                .map(|()| out.clone())
        };
        assert_eq!(into(&[0.5, 1.0], 2), Ok(vec![0.5, 1.0]));
        assert!(into(&[0.5, f64::INFINITY], 2).unwrap_err().to_string().contains("inf"));
        assert!(into(&[0.5, 1.0, 2.0, 3.0], 2).is_err() && into(&[0.5, 1.0, 2.0], 3).is_err());
    }

    #[test]
    fn states_are_typed_as_words_or_as_single_characters() {
        let backend = Says(Logits::new(vec![0.0; 2], 2));
        let tokens = |sentence| backend.tokenize(sentence);
        assert_eq!(tokens("0 1\t1"), Ok(vec![0, 1, 1]));
        assert_eq!(tokens("011"), Ok(vec![0, 1, 1]));
        assert_eq!(tokens("1"), Ok(vec![1]));
        assert_eq!(tokens(""), Ok(vec![]));
        assert!(tokens("0 2").unwrap_err().to_string().contains("\"2\""));
        assert!(tokens("012").unwrap_err().to_string().contains("\"012\""));
    }
}
