//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `pool` and `quotas` are what a user edits; `problem` is their mathematics (types of people, integer counts, rows of
//! bounds); `program` poses linear and integer programs to the solvers. Rules: `leximin` (and maximin), `objective` (Nash,
//! Goldilocks), `legacy`, `random`, `uniform`. What becomes of their chances: `fairness`, `pairs`, `transparent`, `draw`,
//! `replacement`.

mod bound;
pub mod certificate;
mod column_generation;
mod cones;
pub mod decomposition;
pub mod draw;
pub mod fairness;
pub mod goldilocks;
pub mod legacy;
pub mod leximin;
pub mod lottery;
mod nash;
pub mod objective;
pub mod pairs;
pub mod pool;
pub mod problem;
pub mod program;
pub mod quotas;
pub mod random;
pub mod relaxed_leximin;
pub mod replacement;
pub mod sampled;
pub mod seating;
pub mod transparent;
pub mod uniform;

pub use bound::out_of_reach;
