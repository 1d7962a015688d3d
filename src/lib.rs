//! Kleroterion: whose values does a language model carry?
//!
//! The science (`glauber`, `statistics`) takes plain data and a [`progress::Progress`]; `models` gives it conditionals,
//! `jobs` runs it on worker threads, `store` keeps what it finds, `figures` draws it, `ui` and `cli` show it.
//! ARCHITECTURE.md has the map and the rules that `tests/layers.rs` enforces.

// A file of integration tests may unwrap anywhere; the program may not.
#![warn(clippy::unwrap_used)]

pub mod cli;
pub mod dempo;
pub mod eigenbench;
pub mod figures;
pub mod formats;
pub mod glauber;
pub mod jobs;
pub mod models;
pub mod progress;
pub mod providers;
pub mod ranking;
pub mod sortition;
pub mod statistics;
pub mod store;
pub mod ui;
