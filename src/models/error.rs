//! Why a model could not be had or asked.

use std::path::PathBuf;

/// Why a model could not be had or asked. Every message names the file, the tensor or the setting, and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// `model_type` names no encoder of this program.
    #[error("the architecture {found:?} is not one this program reads; it reads {known}")]
    UnknownArchitecture { found: String, known: String },
    /// The checkpoint tells real from replaced tokens; it has no law over the vocabulary.
    #[error(
        "this {architecture} checkpoint is a discriminator ({reason}): it says which tokens were replaced and gives no \
         probabilities over the vocabulary. Take a masked language model, such as the generator it was trained with"
    )]
    Discriminator { architecture: String, reason: String },
    /// A weight the configuration calls for is not in the file.
    #[error(
        "the tensor {name:?} is missing. Check that the weights belong to config.json and were saved with their masked-LM \
         head ({file})"
    )]
    MissingTensor { name: String, file: String },
    /// A weight has another shape than the configuration calls for.
    #[error(
        "the tensor {name:?} has shape {got:?}, but config.json calls for {expected:?}. Check that both come from one model"
    )]
    WrongShape { name: String, expected: Vec<usize>, got: Vec<usize> },
    /// A setting of `config.json` that is absent, malformed or not supported.
    #[error("the setting {setting:?} of config.json {problem}")]
    Config { setting: String, problem: String },
    /// A file that cannot be read.
    #[error("{problem}. {remedy} ({})", path.display())]
    Unreadable { path: PathBuf, problem: String, remedy: String },
    /// Tokenizer and embedding table disagree.
    #[error(
        "the tokenizer has {tokenizer} tokens, but config.json gives the model {model}. Check that both come from one model, \
         or that tokens added to the tokenizer were added to the model ({})", file.display()
    )]
    VocabularyMismatch { tokenizer: usize, model: usize, file: PathBuf },
    /// A sequence the model has no positions for, or sequences of unlike lengths in one batch.
    #[error("a sequence of {got} tokens, start and end included, but {expected} fit here")]
    Length { got: usize, expected: String },
    /// A token id outside the vocabulary.
    #[error("token id {token} is outside the vocabulary of {vocabulary}")]
    Token { token: u32, vocabulary: usize },
    /// A position outside the sequence.
    #[error("position {position} is outside a sequence of {length} tokens")]
    Position { position: usize, length: usize },
    /// A logit is infinite or not a number.
    #[error(
        "the model gave a logit that is not a finite number ({value} for token {token}). Its weights may be damaged, \
             or too large for {arithmetic}"
    )]
    NonFinite { value: f64, token: usize, arithmetic: &'static str },
    /// The arithmetic library or the device failed.
    #[error("the computation failed: {0}")]
    Device(String),
    /// A hub could not be reached, or refused.
    #[error("{0}")]
    Hub(String),
    /// The caller asked for the loading or fetching to end.
    #[error(transparent)]
    Cancelled(#[from] crate::progress::Cancelled),
    #[error("{0}")]
    Other(String),
}

impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        Self::Device(error.to_string())
    }
}
