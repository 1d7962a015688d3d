//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `pool` and `quotas` are what a user edits; `problem` is their mathematics (types of people, integer counts, rows of
//! bounds); `program` poses linear and integer programs to the solvers.

pub mod lottery;
pub mod pool;
pub mod problem;
pub mod program;
pub mod quotas;
