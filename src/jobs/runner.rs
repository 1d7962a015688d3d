//! Worker threads that take queued runs from a project, one after the other, and tell what happens.

use std::path::Path;
use std::sync::Arc;

use super::spec::RunSpec;
use crate::models::Library;
use crate::store::{RunId, RunState, StoreError};

/// What a worker reports; at most ten a second for each run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run entered a state (also written to its row).
    State { run: RunId, state: RunState, message: Option<String> },
    /// Stage and progress with rate (units per second) and seconds left, once they can be told.
    Progress { run: RunId, stage: String, done: u64, total: u64, rate: Option<f64>, seconds_left: Option<f64> },
    /// New rows were committed for this run: views of its results may be refreshed.
    Results { run: RunId },
}

/// Runs of one project. Dropping it pauses nothing: call [`Runner::shut_down`] first.
pub struct Runner {}

impl Runner {
    /// Starts the worker thread(s) on the project at `directory`. `wake` is called after each event.
    pub fn new(
        _directory: &Path,
        _library: Arc<Library>,
        _wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, StoreError> {
        todo!()
    }
    /// Stores the run as queued and returns its id. Blocks only for one small transaction.
    pub fn start(&self, _spec: &RunSpec) -> Result<RunId, StoreError> {
        todo!()
    }
    /// Asks a running run to hold at its next checkpoint.
    pub fn pause(&self, _run: RunId) {
        todo!()
    }
    /// Lets a paused run go on, or queues an interrupted, failed or cancelled one to continue from its last commit.
    pub fn resume(&self, _run: RunId) -> Result<(), StoreError> {
        todo!()
    }
    /// Takes a run out of the queue or stops it at its next checkpoint; what it committed stays.
    pub fn cancel(&self, _run: RunId) {
        todo!()
    }
    /// Events since the last call, oldest first. Never blocks.
    pub fn drain(&self) -> Vec<Event> {
        todo!()
    }
    /// Whether anything is queued, running or paused.
    pub fn busy(&self) -> bool {
        todo!()
    }
    /// Marks running work interrupted (it resumes when the project is next opened) and joins the workers.
    pub fn shut_down(self) {
        todo!()
    }
}
