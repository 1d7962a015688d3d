//! Language models behind an endpoint: requests, replies and whoever answers them, in the form of OpenAI's chat
//! completions that vLLM, llama.cpp, Ollama, LM Studio and OpenRouter share (eigenbench.md, section 13).
//!
//! [`chat`] has the question, the reply and the trait of whoever answers; [`settings`] says how to reach a provider and
//! [`http`] asks it, on `key` (the secret), [`keyring`]
//! (where the system keeps it), `answer` (reading bodies), `failure` (what a failure means, in words),
//! `retry` (waits) and [`pace`] (calls at once). [`pool`] asks many questions of several at once under a budget,
//! [`price`] says what they cost, [`probe`] tests a provider. [`mock`] is nobody, for trying
//! things out.

mod answer;
pub mod chat;
mod failure;
pub mod http;
mod key;
pub mod keyring;
pub mod mock;
pub mod pace;
pub mod pool;
pub mod price;
pub mod probe;
mod retry;
pub mod settings;
