//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `pool` and `quotas` are what a user edits; `problem` is their mathematics (types of people, integer counts, rows of
//! 
pub mod legacy;
pub mod lottery;
pub mod pool;
pub mod problem;
pub mod program;
pub mod quotas;
pub mod random;
pub mod sampled;
pub mod uniform;
