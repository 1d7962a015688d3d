//! A masked language model and its tokenizer as the family of conditionals the science asks for.

use std::sync::Arc;

use super::device::accelerator;
use super::error::ModelError;
use super::masked_lm::MaskedLm;
use super::tokenizer::MlmTokenizer;
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row, check_rows};

/// The conditionals of a masked language model: the law at a site that holds the mask token, given all other sites.
///
/// States have no start and end tokens; they are put around each state as the tokenizer's post-processor does.
pub struct MaskedLmConditionals {
    model: MaskedLm,
    tokenizer: Arc<MlmTokenizer>,
}

impl MaskedLmConditionals {
    /// Pairs a model with its tokenizer; fails if their vocabularies disagree or no site is left beside start and end.
    pub fn new(model: MaskedLm, tokenizer: Arc<MlmTokenizer>) -> Result<Self, ModelError> {
        tokenizer.check(model.vocabulary())?;
        let frame = tokenizer.prefix().len() + tokenizer.suffix().len();
        if model.max_length() <= frame {
            return Err(ModelError::Config {
                setting: "max_position_embeddings".to_owned(),
                problem: format!("leaves no site beside the {frame} start and end tokens"),
            });
        }
        Ok(Self { model, tokenizer })
    }

    /// The tokenizer, shared.
    pub fn tokenizer(&self) -> &Arc<MlmTokenizer> {
        &self.tokenizer
    }

    /// The model, shared.
    pub fn model(&self) -> &MaskedLm {
        &self.model
    }

    /// Start tokens, the state as it is, end tokens.
    pub(super) fn framed(&self, state: &[u32]) -> Vec<u32> {
        [self.tokenizer.prefix(), state, self.tokenizer.suffix()].concat()
    }

    /// Start tokens, the state with its site masked, end tokens.
    fn sequence(&self, row: &Row<'_>) -> Vec<u32> {
        let mut sequence = self.framed(row.state);
        sequence[self.tokenizer.prefix().len() + row.position] = self.tokenizer.mask();
        sequence
    }
}

impl Conditionals for MaskedLmConditionals {
    fn sites(&self) -> (usize, usize) {
        let frame = self.tokenizer.prefix().len() + self.tokenizer.suffix().len();
        (1, self.model.max_length() - frame)
    }

    fn vocabulary(&self) -> usize {
        self.model.vocabulary()
    }

    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        let vocabulary = self.vocabulary();
        check_rows(rows, self.sites(), vocabulary)?;
        let start = self.tokenizer.prefix().len();
        let asked = |rows: &mut dyn Iterator<Item = &Row<'_>>| {
            let (sequences, positions): (Vec<Vec<u32>>, Vec<usize>) =
                rows.map(|row| (self.sequence(row), start + row.position)).unzip();
            let answer = self.model.logits(&sequences, &positions, precision);
            answer.map_err(|error| ConditionalsError::Backend(error.to_string()))
        };
        if rows.windows(2).all(|pair| pair[0].state.len() == pair[1].state.len()) {
            return asked(&mut rows.iter());
        }
        let mut values = vec![0.0; rows.len() * vocabulary];
        // Rows of one length travel together, in their given order, so which rows share a pass depends on the batch alone.
        // The model splits long calls itself.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&k| rows[k].state.len());
        for group in order.chunk_by(|&a, &b| rows[a].state.len() == rows[b].state.len()) {
            let logits = asked(&mut group.iter().map(|&k| &rows[k]))?;
            for (answer, &k) in group.iter().enumerate() {
                values[k * vocabulary..(k + 1) * vocabulary].copy_from_slice(logits.row(answer));
            }
        }
        Ok(Logits::new(values, vocabulary))
    }

    fn deterministic(&self) -> bool {
        // On a graphics processor the order of sums, and so the last bits, may change from call to call.
        self.model.on_processor()
    }

    fn row_wise(&self, precision: Precision) -> bool {
        self.model.row_wise(precision)
    }

    fn offsets(&self) -> Option<&[f64]> {
        Some(self.model.bias())
    }

    fn arithmetic(&self) -> String {
        match accelerator().filter(|_| !self.model.on_processor()) {
            None => "CPU, f32 and f64".to_owned(),
            Some(device) => format!("{device} in {}; CPU in f64", self.model.fast_type().words()),
        }
    }

    fn ordinary(&self, token: u32) -> bool {
        self.tokenizer.ordinary(token)
    }

    fn continuation(&self, token: u32) -> bool {
        self.tokenizer.continuation(token)
    }

    fn text(&self, token: u32) -> String {
        self.tokenizer.text(token)
    }

    fn token(&self, text: &str) -> Option<u32> {
        self.tokenizer.token(text)
    }

    fn tokenize(&self, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
        self.tokenizer.encode(sentence).map_err(ConditionalsError::Sentence)
    }
}
