//! Whole experiments with chains, from what a run records to what it finds: one mixing cell, an exact small space, a phase
//! diagram, trajectories. They put chains, couplings and statistics together; they know no store and no clock.

pub mod course;
pub mod exact;
mod keep;
pub mod mix;
pub mod perfect;
pub mod phase;
mod settings;
pub mod singles;
mod starts;
pub mod theory;
pub mod trajectories;

pub use keep::{KeepTokens, TOKEN_BUDGET};
pub use settings::{Template, Vocabulary, space};
pub use starts::StartChoice;
