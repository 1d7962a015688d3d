//! Rank aggregation: from judges' rankings and pairwise choices to scores of models, with the certainty that the votes give
//! (dempo.md, section 6).
//!
//! `votes` holds what was cast; `bradley_terry`, `plackett_luce`, `borda`, `copeland`, `kemeny` and `mallows` make scores of
//! it; `bootstrap` says how sure they are, `comparison` sets models side by side, `reliability` asks whether judges agree
//! with one another, `held_out` how well two laws of rankings foretell votes that they have not seen.

pub mod aggregation;
mod ascent;
pub mod bootstrap;
mod borda;
pub mod bradley_terry;
pub mod comparison;
mod copeland;
pub mod held_out;
pub mod iia;
pub mod kemeny;
pub mod length;
pub mod mallows;
pub mod plackett_luce;
pub mod position;
pub mod reliability;
mod resampling;
pub mod transitivity;
pub mod verdicts;
pub mod votes;

pub use aggregation::{Aggregation, Method, aggregate};
