//! candle: masked language models, their tokenizers, where they come from, and how they are trained.
//!
//! Nothing outside this module mentions candle.

mod cache;
mod check;
mod conditionals;
mod config;
mod deberta;
mod device;
mod embeddings;
mod error;
mod hash;
mod head;
pub mod hub;
mod kernels;
mod library;
pub mod llama;
mod loader;
mod masked_lm;
mod modern_bert;
mod post_norm;
mod random;
mod shipped;
mod tokenizer;
pub mod train_mlm;
mod training;
mod weights;

pub use cache::{CacheCounts, CachedConditionals};
pub use check::{CheckReport, CheckedType, check};
pub use conditionals::MaskedLmConditionals;
pub use device::{FastType, accelerator};
pub use error::ModelError;
pub use library::{Library, LoadedModel, ModelSource};
pub use masked_lm::MaskedLm;
pub use tokenizer::MlmTokenizer;
pub use train_mlm::TrainMlmSpec;
