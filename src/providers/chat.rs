//! One question to a language model, what came back, and the trait of whoever answers.

use crate::dempo::preference::Message;
use crate::progress::{Cancelled, Progress};

/// A conversation to be continued, with everything that decides the answer.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChatRequest {
    /// As the provider names it.
    pub model: String,
    pub messages: Vec<Message>,
    /// 0 asks for the likeliest answer.
    pub temperature: f64,
    /// Tokens of the answer at most.
    pub longest: u32,
    /// Texts before which the answer ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Sent where the provider takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Tells repeated questions apart: equal requests with equal numbers are one call.
    pub sample: u32,
}

impl ChatRequest {
    /// What makes two calls the same: SHA-256 of who answers and of the whole request, hexadecimal.
    pub fn key(&self, provider: &str) -> String {
        use sha2::{Digest, Sha256};
        let text = serde_json::to_vec(&(provider, self)).expect("a request has text keys and no failing values");
        format!("{:x}", Sha256::digest(text))
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// By itself.
    Whole,
    /// At the longest length allowed.
    Truncated,
    /// The provider's filter cut it.
    Filtered,
    /// The provider marked it as a refusal.
    Refused,
    /// Without any text.
    Empty,
}

/// Tokens that were paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    /// Without reasoning; empty where there was no text.
    pub text: String,
    /// Reasoning that the provider sent apart or in `<think>` blocks; never shown to judges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    pub ending: Ending,
    /// `None` where the provider does not say.
    pub usage: Option<Usage>,
    /// US dollars, where the provider says.
    pub cost: Option<f64>,
    /// From the first attempt to the end.
    pub seconds: f64,
    /// What earlier attempts failed with, in words; never a key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<String>,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ChatError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No further question to this provider can succeed (a wrong key, an unknown model, no credit).
    #[error("{0}")]
    Stopped(String),
    /// This question failed, however often it was repeated; another may succeed.
    #[error("{0}")]
    Failed(String),
}

/// Whoever answers: an endpoint or a model of this machine.
pub trait Chat: Send + Sync {
    /// Names it in [`ChatRequest::key`]: an endpoint's address, or what identifies a local model's weights.
    fn identity(&self) -> &str;

    /// Calls that may be under way at once, as of now; at least 1.
    fn at_once(&self) -> usize;

    /// Answers, repeating where that can help. May be called from several threads.
    ///
    /// # Errors
    /// [`ChatError`].
    fn ask(&self, request: &ChatRequest, progress: &dyn Progress) -> Result<Reply, ChatError>;
}
