//! The political-content probe: three instruments side by side (glauber.md section 6; the instruments are our own).
//!
//! It says whether a sentence speaks of politics, government, law, war or elections. It says nothing about the side a
//! sentence takes, and no claim of that kind follows from it.

mod instruments;
mod lists;
mod political;

pub use instruments::{Instrument, InstrumentReport, Probe, ProbeReport, ProbeSettings, Scores};
pub use lists::{ProbeLists, Statement};
pub use political::{
    Baseline, BaselineKind, BaselineShare, InstrumentResult, PoliticalInput, PoliticalResult, RateEstimate, ShareAt,
    marginal_draws, political,
};
