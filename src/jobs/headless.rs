//! One sitting of a run on the calling thread: with a project or leaving nothing behind.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::ledger::Ledger;
use super::spec::RunSpec;
use super::work::{Bench, JobError, RunOutcome};
use crate::models::Library;
use crate::progress::Progress;
use crate::store::{Project, RunId, RunState};

/// Carries out `spec` on the calling thread. With a project it becomes a stored run; without, nothing is left behind.
///
/// # Errors
/// What was wrong with the question or with us; a stored run is then failed, or cancelled if `progress` ended it.
pub fn run_headless(
    project: Option<&Project>,
    library: Arc<Library>,
    spec: &RunSpec,
    progress: &dyn Progress,
) -> Result<RunOutcome, JobError> {
    match project {
        Some(project) => {
            let run = project.add_run(spec, &super::device())?;
            run_stored(project, library, run, progress)
        }
        None => {
            let bench = Bench { library: &library, ledger: Ledger::nowhere(), progress };
            guarded(&bench, spec)
        }
    }
}

/// Carries out a run that the project holds, from what earlier sittings committed.
///
/// # Errors
/// As [`run_headless`]; also if there is no such run or it is done already.
pub fn run_stored(
    project: &Project,
    library: Arc<Library>,
    run: RunId,
    progress: &dyn Progress,
) -> Result<RunOutcome, JobError> {
    let asked_too_much = |error: crate::store::StoreError| JobError::Input(error.to_string());
    project.queue(run).map_err(asked_too_much)?;
    if !project.begin(run, &super::device())? {
        return Err(JobError::Internal(format!("run {} left the queue meanwhile", run.0)));
    }
    let began = Instant::now();
    let sitting = Sitting {
        project,
        library: &library,
        run,
        progress,
        clock: &|| began.elapsed().as_secs_f64(),
        committed: &|| {},
        stopped_as: &|| RunState::Cancelled,
    };
    sitting.carry_out().1
}

/// One sitting of a run that is in work.
pub(super) struct Sitting<'a> {
    pub(super) project: &'a Project,
    pub(super) library: &'a Library,
    pub(super) run: RunId,
    pub(super) progress: &'a dyn Progress,
    /// Seconds worked in this sitting.
    pub(super) clock: &'a dyn Fn() -> f64,
    /// Called after rows were committed.
    pub(super) committed: &'a dyn Fn(),
    /// What a run that was stopped from outside becomes.
    pub(super) stopped_as: &'a dyn Fn() -> RunState,
}

impl Sitting<'_> {
    /// Does the work and writes where it ended; a panic becomes a failed run.
    pub(super) fn carry_out(&self) -> (RunState, Result<RunOutcome, JobError>) {
        let (outcome, ended) = match self.project.run(self.run) {
            Ok(row) => {
                let ledger = Ledger::of(self.project, &row, self.clock, self.committed);
                let bench = Bench { library: self.library, ledger, progress: self.progress };
                let outcome = guarded(&bench, &row.spec);
                (outcome, bench.ledger.seconds())
            }
            Err(error) => (Err(error.into()), Ok(())),
        };
        let (state, message) = match &outcome {
            Ok(outcome) => (RunState::Done, outcome.warning().map(str::to_owned)),
            Err(JobError::Cancelled) => ((self.stopped_as)(), None),
            Err(error) => (RunState::Failed, Some(error.to_string())),
        };
        // What cannot be written now (a full disk) leaves a stale row, which the next opening marks interrupted.
        match ended.and_then(|()| self.project.set_state(self.run, state, message.as_deref())) {
            Ok(()) => (state, outcome),
            Err(error) => (RunState::Failed, outcome.and(Err(error.into()))),
        }
    }
}

/// The work, with a panic in it told as a defect.
fn guarded(bench: &Bench<'_>, spec: &RunSpec) -> Result<RunOutcome, JobError> {
    // Nothing that the work touched is used again: its transaction rolls back, its models are dropped.
    catch_unwind(AssertUnwindSafe(|| bench.carry_out(spec))).unwrap_or_else(|panic| {
        Err(JobError::Internal(format!("a defect of the program ended this run: {}. Please report it", words(&*panic))))
    })
}

/// The message of a panic.
pub(super) fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it left no message")
}
