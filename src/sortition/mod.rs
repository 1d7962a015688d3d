//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `table`, `mapping` and `import` make pools of people's own tables; `pool` and `quotas` are what a user edits; `problem` is
//! their mathematics (types of people, integer counts, rows of bounds); `program` poses linear and integer programs to the
//! solvers. Rules: `leximin` (and maximin), `objective` (Nash, Goldilocks), `legacy`, `random`, `uniform`; `lottery_run`
//! holds any of them, `certificate` says how fair a lottery is and `audit` lets a stranger check it. What becomes of
//! chances: `fairness`, `pairs`, `transparent`, `draw`, `replacement`. Whether quotas can be met and what would help:
//! `feasibility`, `conflict`, `reach`, `relaxation`, `sensitivity`.

pub mod algorithm;
pub mod audit;
pub mod before;
mod bound;
mod branching;
pub mod census;
pub mod certificate;
mod column_generation;
mod cones;
pub mod conflict;
pub mod decomposition;
pub mod draw;
mod dual;
mod exchange;
#[cfg(test)]
mod exhaustive;
pub mod fairness;
pub mod feasibility;
pub mod goldilocks;
#[cfg(feature = "highs")]
pub mod highs;
pub mod household;
pub mod import;
pub mod import_report;
mod infeasibility;
pub mod legacy;
pub mod leximin;
pub mod lottery;
pub mod lottery_run;
pub mod mapping;
mod nash;
pub mod objective;
pub mod pairs;
mod panels;
pub mod pool;
pub mod presets;
pub mod prism;
pub mod problem;
pub mod program;
pub mod quota_table;
pub mod quotas;
pub mod random;
pub mod reach;
pub mod relaxation;
pub mod relaxed_leximin;
pub mod replacement;
pub mod sample_pool;
pub mod sampled;
pub mod seating;
pub mod sensitivity;
mod simplex;
pub mod size_sensitivity;
pub mod spelling;
pub mod suggestion;
pub mod table;
pub mod transparent;
pub mod uniform;

pub use bound::out_of_reach;
