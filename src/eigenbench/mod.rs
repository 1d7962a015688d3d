//! EigenBench: models judge each other (arXiv 2509.01938; eigenbench.md).
//!
//! Collecting: `protocol` is what evaluees and judges are asked, `choices` reads verdicts, `sampling` says who judges whom.
//! Fitting: `comparisons` counts rows, `reconcile` holds both orders of a pair against each other, `existence` asks whether the
//! rows determine anything, `btd` is the low-rank Bradley-Terry-Davidson model and its fit, `trust` the matrix, its stationary
//! law and Elo, `lens_map` the picture that does not depend on the fit's gauge, `uncertainty` the bootstrap,
//! `choice_of_dimension` the cross-validation; `leaderboard` does all of it, `two_runs` holds two
//! of them against each other. Whether to believe it: `diagnostics`.

pub mod btd;
pub mod choice_of_dimension;
pub mod choices;
pub mod collusion;
pub mod comparisons;
pub mod diagnostics;
pub mod existence;
pub mod findings;
pub mod label_recovery;
pub mod leaderboard;
pub mod lens_map;
pub mod people;
pub mod people_agreement;
pub mod protocol;
pub mod reconcile;
pub mod sampling;
pub mod scenario;
pub mod trust;
pub mod two_runs;
pub mod uncertainty;
