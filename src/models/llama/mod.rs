//! Llama (Touvron et al. 2023; Llama 2, 3 and 3.x) as a policy that can be trained: log-probabilities of answers, their
//! gradient written out by hand, low-rank adapters, optimiser, generation.
//!
//! Nothing here rests on candle's automatic differentiation, in which the gradient of several operations stops without a
//! word and frozen weights cost as much as trained ones: a tensor is trained if and only if it is among the
//! [`Parameters`], and a step without a gradient for one of them is an error.

mod adapter;
mod attention;
mod block;
mod check;
mod composed_attention;
mod config;
mod generate;
mod head;
mod linear;
mod network;
mod open;
mod optimiser;
mod parameters;
mod pointwise;
mod policy;
mod product;
mod rope;
mod text;
mod update_size;

pub use adapter::{check_adapter, read_settings, write_initial_adapter};
pub use check::{TrainCheckReport, check};
pub use config::{LlamaConfig, RopeScaling};
pub use generate::GenerationSettings;
pub use network::{ADAPTABLE, BranchLaw, Keep, LoraSettings, Network, Pass, TokenTree, Trained};
pub use open::{
    Arithmetic, OpenLlama, OpenSettings, copy_model, copy_settings, open, open_tokenizer, random, shipped_llamas,
};
pub use optimiser::{AdamW, AdamWSettings};
pub use policy::{LlamaPolicy, PairTokens};
pub use text::{ConversationTokenizer, TemplateChoice, Tokenized};
pub use update_size::{TensorUpdate, UpdateSize, update_size};

#[cfg(test)]
mod tests;
