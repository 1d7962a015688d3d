//! Language models behind an endpoint: requests, replies and whoever answers them, in the form of OpenAI's chat
//! completions that vLLM, llama.cpp, Ollama, LM Studio and OpenRouter share (eigenbench.md, section 13).

pub mod chat;
