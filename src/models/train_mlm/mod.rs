//! Trains a masked language model in the layout of BERT (Devlin et al. 2019, arXiv:1810.04805), and the WordPiece
//! vocabulary it reads with, from plain text.
//!
//! The result is a folder in the Hugging Face layout. Everything random is a function of the seed and of a counter
//! (step, epoch, batch), so a training that was interrupted goes on from its checkpoint to the same bytes it would
//! have ended with, whatever the number of threads.
//!
//! Every masked position is shown as `[MASK]`: BERT's random and kept tokens are left out, because the model is wanted
//! for its conditionals p(token | the other tokens), and a conditional is asked for with the mask in place.

mod attention;
mod checkpoint;
mod corpus;
mod network;
mod operations;
mod optimiser;
mod output;
mod spec;
mod trainer;
mod wordpiece;

use std::path::{Path, PathBuf};

use crate::progress::{Cancelled, Progress};

pub use spec::TrainMlmSpec;

/// One line of the training's report.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainingProgress {
    /// Steps taken.
    pub step: u64,
    /// Training loss, exponentially smoothed; nats per masked token.
    pub loss: f64,
    pub learning_rate: f64,
    /// Cross-entropy on the held-out paragraphs in nats per masked token, where measured at this step.
    pub cross_entropy: Option<f64>,
    /// Share of held-out masked tokens whose likeliest guess is right, where measured at this step.
    pub accuracy: Option<f64>,
}

/// One pass over the held-out paragraphs, with the same masks every time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Validation {
    pub step: u64,
    /// Nats per masked token.
    pub cross_entropy: f64,
    /// Standard error of the cross-entropy over masked tokens (as if they were independent).
    pub standard_error: f64,
    /// Share of masked tokens whose likeliest guess is right.
    pub accuracy: f64,
    /// Masked tokens measured.
    pub tokens: u64,
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainReport {
    pub validation: Vec<Validation>,
    /// Trained numbers in the model.
    pub parameters: u64,
    /// Tokens in the vocabulary, special ones included; fewer than asked for where the text has no more.
    pub vocabulary: u64,
    /// Wall-clock seconds, over all sittings.
    pub seconds: f64,
    /// Smoothed training loss at the end, nats per masked token.
    pub final_loss: f64,
}

/// Why a training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A checkpoint was written where at least one step had been taken.
    #[error("cancelled; start the same training again to go on from its checkpoint")]
    Cancelled,
    /// A setting that cannot be.
    #[error("{problem}; {remedy}")]
    Setting { problem: String, remedy: String },
    /// A file or folder that cannot be read, written, or used.
    #[error("{problem}; {remedy}: {}", path.display())]
    File { problem: String, remedy: String, path: PathBuf },
    /// The loss is no longer a number.
    #[error("the loss is no longer finite at step {step}; lower the learning rate or lengthen the warm-up")]
    Diverged { step: u64 },
    /// Whoever receives the report lines refused one.
    #[error("the training curve could not be recorded: {0}")]
    Report(String),
    #[error("the tokenizer could not be built: {0}")]
    Tokenizer(String),
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl From<Cancelled> for TrainError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl TrainError {
    fn setting(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Setting { problem: problem.into(), remedy: remedy.into() }
    }

    fn file(problem: impl Into<String>, remedy: impl Into<String>, path: &Path) -> Self {
        Self::File { problem: problem.into(), remedy: remedy.into(), path: path.to_path_buf() }
    }
}

/// Trains a model as `spec` says. Relative paths of the spec start at `root`.
///
/// A report line goes to `on_point` every 10 steps, at every validation and after the last step. Where `spec.out`
/// holds a checkpoint of the same training, it goes on from there, and the report lines after that checkpoint come
/// again with the same values; the output is bit for bit that of an uninterrupted training. A finished training only
/// returns its report.
///
/// # Errors
/// [`TrainError::Cancelled`] after a checkpoint was written; otherwise what is wrong with the settings, the text or the
/// output folder, with a remedy. An error from `on_point` writes a checkpoint and ends the training.
pub fn train(
    spec: &TrainMlmSpec,
    root: &Path,
    on_point: &mut dyn FnMut(&TrainingProgress) -> Result<(), String>,
    progress: &dyn Progress,
) -> Result<TrainReport, TrainError> {
    trainer::train(spec, root, on_point, progress)
}
