//! candle: masked language models, their tokenizers, where they come from, and how they are trained.
//!
//! Nothing outside this module mentions candle.

mod check;
mod config;
mod deberta;
mod device;
mod error;
mod head;
mod kernels;
mod library;
mod loader;
mod masked_lm;
mod modern_bert;
mod post_norm;
pub mod train_mlm;
mod weights;

pub use check::{CheckReport, check};
pub use error::ModelError;
pub use library::{Library, LoadedModel, ModelSource};
pub use masked_lm::MaskedLm;
pub use train_mlm::TrainMlmSpec;
