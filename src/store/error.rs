//! What can be wrong with a project, in words that say what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

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

impl StoreError {
    /// A problem with the project at `path`, and what the user can do about it.
    pub(super) fn project(problem: impl Into<String>, remedy: impl Into<String>, path: &Path) -> Self {
        Self::Project { problem: problem.into(), remedy: remedy.into(), path: path.to_owned() }
    }

    /// What an error of the database at `path` means to its user.
    pub(super) fn database(error: &rusqlite::Error, path: &Path) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::project(
                "the disk is full",
                "Free some space and try again; everything saved before is still there",
                path,
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::read_only(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::project(
                    "another program is writing to this project",
                    "Wait until it has finished, or close it, and try again",
                    path,
                )
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::damaged(&error.to_string(), path),
            Some(ErrorCode::SystemIoFailure) => Self::project(
                format!("the disk cannot be read or written: {error}"),
                "Check the disk and its connection, and try again",
                path,
            ),
            _ => Self::Database(error.to_string()),
        }
    }

    /// The folder or its database may not be written.
    pub(super) fn read_only(path: &Path) -> Self {
        Self::project(
            "this project may not be written to",
            "Allow writing to the folder and its files, or copy the folder to a place of your own and open the copy",
            path,
        )
    }

    /// The database is cut short or its pages contradict each other.
    pub(super) fn damaged(detail: &str, path: &Path) -> Self {
        Self::project(
            format!("the project database is damaged: {detail}"),
            "Put a backup in its place (files named project.sqlite-before-… are backups), or start a new project and copy \
             your own files there",
            path,
        )
    }

    /// What a failed file operation on `path` means to its user. `doing` completes "while …".
    pub(super) fn file(error: &std::io::Error, doing: &str, path: &Path) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::read_only(path),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::project(
                "the disk is full",
                "Free some space and try again; everything saved before is still there",
                path,
            ),
            _ => Self::project(
                format!("a file operation failed while {doing}: {error}"),
                "Check that the disk is connected and the file exists, and try again",
                path,
            ),
        }
    }
}
