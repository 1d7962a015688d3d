//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `pool` and `quotas` are what a user edits; `problem` is their mathematics (types of people, integer counts, rows of
//! bounds). `feasibility`, `conflict`, `reach`, `relaxation` and `sensitivity` say what quotas mean for a pool that
//! `census` has counted once.

mod bound;
mod branching;
pub mod census;
pub mod certificate;
mod column_generation;
mod cones;
pub mod conflict;
pub mod decomposition;
pub mod draw;
#[cfg(test)]
mod exhaustive;
pub mod fairness;
pub mod feasibility;
pub mod goldilocks;
pub mod legacy;
pub mod leximin;
pub mod lottery;
pub mod nash;
pub mod pairs;
pub mod pool;
pub mod problem;
pub mod program;
pub mod quotas;
pub mod random;
pub mod reach;
pub mod relaxation;
pub mod relaxed_leximin;
pub mod replacement;
pub mod sampled;
pub mod seating;
pub mod sensitivity;
mod simplex;
pub mod transparent;
pub mod uniform;

pub use bound::out_of_reach;
