//! EigenBench: models judge each other (arXiv 2509.01938; eigenbench.md). What is here is the fit: from comparisons to a
//! low-rank Bradley-Terry-Davidson model, a trust matrix and a leaderboard, with how sure it is.
//!
//! `comparisons` counts rows, `existence` asks whether they determine anything, `btd` is the model and its fit, `trust` the
//! matrix, its stationary law and Elo, `lens_map` the picture that does not depend on the fit's gauge, `uncertainty` the
//! bootstrap, `choice_of_dimension` the cross-validation.

pub mod btd;
pub mod choice_of_dimension;
pub mod comparisons;
pub mod existence;
pub mod lens_map;
pub mod trust;
pub mod uncertainty;
