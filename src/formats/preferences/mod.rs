//! Preferences from files: PRISM's, JSON lines, CSV, Parquet and what TRL trains on, all read as streams; and the one form
//! that everything else works with, a preference a line.

mod columns;
mod file;
mod import;
mod lines;
mod parquet_rows;
mod prism;
mod record;
mod sink;

use std::fmt;
use std::path::PathBuf;

pub use columns::Field;
pub use file::{PreferenceFile, write_preferences};
pub use import::{Format, ImportOptions, Source, import};
pub use sink::ImportReport;

use crate::progress::Cancelled;

/// Bad lines that a message names.
const NAMED: usize = 5;

/// A line, or a row, that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Lines that cannot be read: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BadLines {
    pub count: u64,
    pub first: Vec<BadLine>,
}

impl BadLines {
    fn add(&mut self, line: u64, reason: String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(BadLine { line, reason });
        }
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<String> = self.first.iter().map(BadLine::to_string).collect();
        f.write_str(&first.join("; "))?;
        if self.count > self.first.len() as u64 { f.write_str("; …") } else { Ok(()) }
    }
}

/// Why there are no preferences.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    #[error("the preferences cannot be read: {reason}. Check the path and your permission ({path})", path = .path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{bad} of {lines} lines cannot be read ({bad_lines}). Mend them, or leave them out with --skip-malformed ({path})",
        bad = .bad_lines.count, path = .path.display())]
    Lines { path: PathBuf, lines: u64, bad_lines: BadLines },
    #[error("no preference is left of what the file holds: {dropped}. Check that it is what it was taken for ({path})",
        path = .path.display())]
    Nothing { path: PathBuf, dropped: String },
    #[error("no column says whose preferences these are: there are {names}. Name it with --column rater=NAME ({path})",
        path = .path.display())]
    NoRaters { path: PathBuf, names: String },
    #[error("there is no column for the {field} among {names}. Name it with --column {field}=NAME ({path})",
        path = .path.display())]
    NoColumn { path: PathBuf, field: &'static str, names: String },
    #[error("the folder has neither utterances.jsonl nor conversations.jsonl. Give the folder of PRISM's files ({path})",
        path = .path.display())]
    NoPrism { path: PathBuf },
    #[error("the file is one JSON array. Write one object a line, such as with `jq -c '.[]'` ({path})", path = .path.display())]
    Array { path: PathBuf },
    #[error("line {line} has the id \"{id}\" of an earlier line. Import the source again with `preferences import` ({path})",
        path = .path.display())]
    SameId { path: PathBuf, line: u64, id: String },
    #[error("line {line} cannot be learned from: {reason}. Import the source with `preferences import` ({path})",
        path = .path.display())]
    Unusable { path: PathBuf, line: u64, reason: String },
    #[error("there is no pair {pair}: the file has {pairs} ({path})", path = .path.display())]
    NoPair { path: PathBuf, pair: usize, pairs: usize },
    #[error("pair {pair} is not what it was: the file changed while it was in use. Open it again ({path})", path = .path.display())]
    Changed { path: PathBuf, pair: usize },
    #[error("the preferences cannot be written: {reason}. Choose another place ({path})", path = .path.display())]
    Unwritable { path: PathBuf, reason: String },
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
