//! Semantic trajectories: where chains go, where they stay, where they come back to (glauber.md section 6).
//!
//! The paper's topic; all method details are reconstructed. [`analyse`] runs everything; each stage is a function of its
//! own, and finished stages are handed out as [`Part`]s so that a window can show them before the rest is done.

mod analysis;
mod basins;
mod dwell;
mod embeddings;
mod observables;
mod projection;
mod recurrence;
mod snapshots;

pub use analysis::{BasinKind, Basins, CoreSets, Part, TrajectoryInput, TrajectoryResult, TrajectorySpec, analyse};
pub use basins::{
    AttractorBasin, AttractorBasins, ClusterBasin, ClusterBasins, ClusterCount, ClusterSettings, MetastableBasin,
    MetastableBasins, MetastableSettings, Microstates, Relaxation, StartDependence, attractor_basins, cluster_basins,
    metastable_basins,
};
pub use dwell::{BasinDwell, Dwell, DwellObservation, RecurrenceRule, ReturnObservation, dwell};
pub use embeddings::{Embedded, Embeddings, OneHot, TokenCounts, for_toy};
pub use observables::{SnapshotObservables, observables, pseudo_log_likelihoods};
pub use projection::{Projection, project};
pub use recurrence::{RecurrencePlot, RecurrenceResult, RecurrenceSettings, recurrence};
pub use snapshots::Snapshots;
