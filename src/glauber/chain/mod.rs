//! Glauber dynamics: scans, couplings, starts, and ensembles of coupled pairs (glauber.md sections 1 and 5).
//!
//! A step draws the site I of its scan and then `x_I ~ p_I^tau(. | x_-I)`. Every draw is addressed by seed, pair and
//! step ([`crate::statistics::Counter`]), so a pair's course depends neither on which others run beside it nor on how
//! the work was split, as far as the model's logits do not depend on the batch they were computed in.

mod ahead;
mod basins;
mod cell;
mod coupling;
pub(in crate::glauber) mod draw;
mod ensemble;
mod foresight;
mod metropolis;
mod questions;
mod scan;
mod start;
mod tally;
mod trace;
mod wave;

pub use cell::{Cell, Chains, Record};
pub use coupling::Coupling;
pub use draw::NEAR;
pub use ensemble::{Batch, Budget, CellState, Ensemble, EnsembleState, Meeting, Options, Segment};
pub use metropolis::{Acceptance, Energy, Metropolis, MetropolisBatch, MetropolisSpec, MetropolisState};
pub use scan::{Scan, Schedule};
pub use start::Start;
pub use tally::{Contraction, CurvePoint, DistanceSum, DriftPoint, DriftSum, Summary, Tally, grid_place, grid_time};
pub use trace::{Trace, token_bytes};
pub use wave::{Status, WaveState};

/// What a draw is for: draws of different lanes are independent.
pub(in crate::glauber) mod lane {
    /// The site of a step.
    pub(in crate::glauber) const SITE: u32 = 0;
    /// The coin of a coupling, and the token.
    pub(in crate::glauber) const TOKEN: u32 = 1;
    /// Tokens drawn apart.
    pub(in crate::glauber) const OTHER: u32 = 2;
    /// Gumbel noise, indexed by token.
    pub(in crate::glauber) const NOISE: u32 = 3;
    /// Whether a proposal is accepted.
    pub(in crate::glauber) const ACCEPT: u32 = 4;
    /// The order of a sweep; uses one lane for each site from here on.
    pub(in crate::glauber) const ORDER: u32 = 1 << 16;
}

#[cfg(test)]
#[path = "tests/acceptance.rs"]
mod tests;
