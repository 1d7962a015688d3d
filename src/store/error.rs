//! What can be wrong with a project, in words that say what to do.

use std::path::PathBuf;

/// Every variant's message puts the problem first, a remedy next, the path last.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{problem}. {remedy} ({path})", path = .path.display())]
    Project { problem: String, remedy: String, path: PathBuf },
    #[error("the project database refused: {0}")]
    Database(String),
    #[error("run {0} is not in this project")]
    NoSuchRun(i64),
}
