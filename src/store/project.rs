//! A project: a folder with `project.sqlite` and the user's files.

use std::path::{Path, PathBuf};

use super::StoreError;

/// What a start page shows of a project.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProjectInfo {
    pub name: String,
    pub directory: PathBuf,
    pub description: String,
}

/// An open project. One writer per folder: opening takes a lock that ends with the process.
pub struct Project {}

impl Project {
    /// Makes a new project in `directory`, which must be empty or not exist.
    pub fn create(_directory: &Path, _name: &str) -> Result<Self, StoreError> {
        todo!()
    }
    /// Opens a project; a sample (a folder with `project.toml` and no database) gets its database now, and its
    /// `[[run]]` entries become queued runs. Runs left "running" become "interrupted".
    pub fn open(_directory: &Path) -> Result<Self, StoreError> {
        todo!()
    }
    /// A read-only connection to a project that this process (or another) has open: no lock, no migration.
    pub fn open_reader(_directory: &Path) -> Result<Self, StoreError> {
        todo!()
    }
    pub fn info(&self) -> &ProjectInfo {
        todo!()
    }
    /// Copies the whole project (database by the backup API) to a new folder.
    pub fn duplicate(&self, _to: &Path) -> Result<(), StoreError> {
        todo!()
    }
    /// A path given by a project's contents, made absolute; fails if it leaves the folder (`..`, links, absolute).
    pub fn inside(&self, _relative: &Path) -> Result<PathBuf, StoreError> {
        todo!()
    }
    /// Named lists of sentences in the project, e.g. from CSV or text imports.
    pub fn sentence_lists(&self) -> Result<Vec<(String, Vec<String>)>, StoreError> {
        todo!()
    }
    /// Stores or replaces a named list of sentences.
    pub fn put_sentence_list(&self, _name: &str, _sentences: &[String]) -> Result<(), StoreError> {
        todo!()
    }
    /// A draft form (autosaved, JSON) by its key, such as `certify`.
    pub fn draft(&self, _key: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }
    pub fn put_draft(&self, _key: &str, _json: &str) -> Result<(), StoreError> {
        todo!()
    }
}
