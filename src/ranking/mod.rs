//! Rank aggregation: from judges' rankings and pairwise choices to scores of models, with the certainty that the votes give
//! (dempo.md, section 6).
//!
//! `verdicts` holds what judges saw and said, `votes` the ballots of it; `bradley_terry`, `plackett_luce`, `borda`, `copeland`,
//! `kemeny` and `mallows` make scores of them; `bootstrap` says how sure they are, `comparison` sets models side by side.
//! Whether to believe it: `reliability` and `agreement` ask whether judges agree, `position` and `length` what else sways them,
//! `iia` and `transitivity` whether one scale fits, `held_out` how well two laws of rankings foretell votes that they have not
//! seen. `by_clause`, `ranks` and `trajectory` look closer.

pub mod aggregation;
pub mod agreement;
mod ascent;
pub mod bootstrap;
mod borda;
pub mod bradley_terry;
pub mod by_clause;
pub mod comparison;
mod copeland;
pub mod findings;
pub mod held_out;
pub mod iia;
pub mod kemeny;
pub mod length;
pub mod mallows;
pub mod plackett_luce;
pub mod position;
pub mod ranks;
pub mod reliability;
mod resampling;
pub mod trajectory;
pub mod transitivity;
pub mod verdicts;
pub mod votes;

pub use aggregation::{Aggregation, Method, aggregate};
