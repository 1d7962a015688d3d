//! candle: masked language models, their tokenizers, where they come from, and how they are trained.
//!
//! Nothing outside this module mentions candle.

mod cache;
mod check;
mod conditionals;
mod config;
mod deberta;
mod device;
mod error;
mod hash;
mod head;
pub mod hub;
mod kernels;
mod library;
mod loader;
mod masked_lm;
mod modern_bert;
mod post_norm;
mod random;
mod shipped;
mod tokenizer;
mod weights;

pub use cache::{CacheCounts, CachedConditionals};
pub use check::{CheckReport, check};
pub use conditionals::MaskedLmConditionals;
pub use error::ModelError;
pub use library::{Library, LoadedModel, ModelSource};
pub use masked_lm::MaskedLm;
pub use tokenizer::MlmTokenizer;

/// What `train-mlm` does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainMlmSpec {
    pub version: u32,
    /// Plain text, one paragraph per line; relative paths are inside the project.
    pub text: std::path::PathBuf,
    /// Folder that receives the model in the Hugging Face layout, its checkpoints and its loss curve.
    pub out: std::path::PathBuf,
    pub vocabulary: u32,
    pub hidden: u32,
    pub layers: u32,
    pub heads: u32,
    pub intermediate: u32,
    /// Longest piece in tokens, with start and end tokens.
    pub length: u32,
    /// Pieces per step.
    pub batch: u32,
    pub steps: u64,
    pub learning_rate: f64,
    pub warmup_steps: u64,
    pub weight_decay: f64,
    /// Share of tokens masked.
    pub masked: f64,
    /// Share of paragraphs held out for validation.
    pub validation: f64,
    /// Steps between validations, and between checkpoints.
    pub validate_every: u64,
    pub checkpoint_every: u64,
    pub seed: u64,
}
