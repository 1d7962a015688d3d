//! Runs: what to do ([`spec`]), how it speaks ([`context`]), and the threads that do it ([`runner`]).

pub mod runner;
pub mod session;
pub mod spec;
