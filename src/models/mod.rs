//! candle: masked language models, their tokenizers, where they come from, and how they are trained.
//!
//! Nothing outside this module mentions candle.

mod library;
pub mod train_mlm;

pub use library::{Library, LoadedModel, ModelError, ModelSource};
pub use train_mlm::TrainMlmSpec;
