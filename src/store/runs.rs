//! Rows of the `run` table.

use super::{Project, StoreError};
use crate::jobs::spec::RunSpec;

/// Primary key of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RunId(pub i64);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Queued,
    Running,
    Paused,
    Interrupted,
    Done,
    Failed,
    Cancelled,
}

/// Everything that made a run, and where it stands.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub kind: String,
    pub spec: RunSpec,
    /// SHA-256 of the canonical spec JSON.
    pub spec_sha256: String,
    pub seed: u64,
    /// JSON of the `ModelIdentity` list, once loaded.
    pub models_json: Option<String>,
    /// JSON object: input file -> SHA-256.
    pub inputs_json: Option<String>,
    pub program_version: String,
    pub git_commit: Option<String>,
    pub device: String,
    pub state: RunState,
    /// RFC 3339, UTC.
    pub created: String,
    pub started: Option<String>,
    pub finished: Option<String>,
    /// Seconds spent working, over all sittings.
    pub seconds: f64,
    pub error: Option<String>,
    pub archived: bool,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    pub at: String,
    pub level: String,
    pub message: String,
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    pub kind: Option<String>,
    pub archived: bool,
}

impl Project {
    /// Newest first.
    pub fn runs(&self, _filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        todo!()
    }
    pub fn run(&self, _id: RunId) -> Result<RunRow, StoreError> {
        todo!()
    }
    pub fn log(&self, _id: RunId) -> Result<Vec<LogLine>, StoreError> {
        todo!()
    }
    /// Hides a run from lists, or shows it again; nothing is deleted.
    pub fn archive(&self, _id: RunId, _archived: bool) -> Result<(), StoreError> {
        todo!()
    }
}
