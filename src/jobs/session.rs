//! Live questions to a model while a form is filled in: tokens of a sentence, likely tokens at a site.
//!
//! One thread, newest question first: an answer to an older question of the same kind is never delivered.

use std::sync::Arc;

use crate::models::Library;

/// What the form asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Load `model` and split `sentence`.
    Tokens { model: String, sentence: String },
    /// The `k` likeliest ordinary tokens at `site` of the sentence with that site masked.
    Likely { model: String, sentence: String, site: usize, k: usize },
}

/// What came back; it repeats the question so that a stale answer can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Tokens {
        question: Question,
        tokens: Result<Vec<(u32, String)>, String>,
    },
    /// Token id, text, probability.
    Likely {
        question: Question,
        tokens: Result<Vec<(u32, String, f64)>, String>,
    },
}

/// The thread and its mailbox.
pub struct Session {}

impl Session {
    pub fn new(_library: Arc<Library>, _wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        todo!()
    }
    /// Replaces any unanswered question of the same kind (for `Likely`: of the same site).
    pub fn ask(&self, _question: Question) {
        todo!()
    }
    /// Answers since the last call. Never blocks.
    pub fn drain(&self) -> Vec<Answer> {
        todo!()
    }
}
