//! Sortition: pools of people, quotas, and lotteries over panels that meet them.
//!
//! `table`, `mapping` and `import` make pools of people's own tables; `pool` and `quotas` are what a user edits; `problem`
//! is their mathematics (types of people, integer counts, rows of bounds); `program` poses linear and integer programs to
//! the solvers.

pub mod household;
pub mod import;
pub mod import_report;
pub mod lottery;
pub mod mapping;
pub mod pool;
pub mod presets;
pub mod prism;
pub mod problem;
pub mod program;
pub mod quota_table;
pub mod quotas;
pub mod spelling;
pub mod suggestion;
pub mod table;
