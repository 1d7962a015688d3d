//! Whole experiments with chains, from what a run records to what it finds: one mixing cell, an exact small space, a phase
//! diagram, trajectories. They put chains, couplings and statistics together; they know no store and no clock.

pub mod course;
pub mod escape;
pub mod exact;
pub mod mix;
pub mod perfect;
pub mod phase;
mod settings;
mod starts;
pub mod theory;
pub mod trajectories;

pub use settings::{Template, Vocabulary, space};
pub use starts::StartChoice;
