//! Two laboratories that need no collection: what a group gains that puts itself first, and whether judging finds who is right.

mod collusion;
mod label_recovery;
mod live_series;

pub use collusion::CollusionLab;
pub use label_recovery::LabelRecoveryLab;
