//! What a tab may see of the program while it draws.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::requested::Requested;
use crate::jobs::session::{Answer, Session};
use crate::store::{Project, RunId, RunRow, StoreError};

/// Progress of a run that is under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunProgress {
    pub stage: String,
    pub done: u64,
    pub total: u64,
    pub rate: Option<f64>,
    pub seconds_left: Option<f64>,
    /// Seconds worked before the stretch that began at `since`, which is set while the run works.
    pub worked: f64,
    pub since: Option<std::time::Instant>,
}

impl RunProgress {
    /// Seconds worked until now, pauses left out.
    pub fn seconds_worked(&self) -> f64 {
        self.worked + self.since.map_or(0.0, |since| since.elapsed().as_secs_f64())
    }
}

/// A model a form can offer.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelChoice {
    /// What goes into the spec.
    pub reference: String,
    pub description: String,
}

/// Borrowed for one frame.
pub struct TabContext<'a> {
    pub project: &'a crate::store::ProjectInfo,
    /// All runs that are not archived, newest first.
    pub runs: &'a [RunRow],
    pub progress: &'a BTreeMap<RunId, RunProgress>,
    /// Grows whenever a run's results or state changed: ask again when it does.
    pub versions: &'a BTreeMap<RunId, u64>,
    pub session: &'a Session,
    /// Answers of the session that arrived since the last frame.
    pub answers: &'a [Answer],
    /// Shipped models, models used in this project, and toys.
    pub models: &'a [ModelChoice],
    /// Named sentence lists of the project.
    pub sentence_lists: &'a [(String, Vec<String>)],
    pub directory: &'a PathBuf,
    pub wake: &'a Arc<dyn Fn() + Send + Sync>,
}

impl TabContext<'_> {
    /// Runs a query on a read-only connection of a background thread.
    pub fn query<T: Send + 'static>(
        &self,
        into: &mut Requested<Result<T, StoreError>>,
        query: impl FnOnce(&Project) -> Result<T, StoreError> + Send + 'static,
    ) {
        let (directory, wake) = (self.directory.clone(), self.wake.clone());
        into.ask(move || wake(), move || Project::open_reader(&directory).and_then(|project| query(&project)));
    }
}
