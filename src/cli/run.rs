//! `kleroterion run`: carries out a stored run; also the path every computing command takes.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::demand::{Failure, Outcome};
use super::terminal::TerminalProgress;
use super::{Common, output};
use crate::jobs::runner::{JobError, RunOutcome, run_headless, run_stored};
use crate::jobs::spec::RunSpec;
use crate::models::Library;
use crate::store::{Project, RunId};

/// Carry out (or resume) a run that a project holds.
#[derive(Args)]
pub(crate) struct Run {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Write the run's row as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Run {
    pub(crate) fn run(self) -> Outcome {
        let project = Project::open(&self.project).map_err(Failure::input)?;
        let progress = TerminalProgress::new();
        let done = run_stored(&project, Arc::new(Library::default()), RunId(self.run), &progress);
        progress.finish();
        done.map_err(failure)?;
        let row = project.run(RunId(self.run)).map_err(Failure::internal)?;
        output::write_json(self.json.as_deref(), &serde_json::to_value(&row).map_err(Failure::internal)?)
    }
}

/// Runs `spec` in the project the user named, or leaving nothing behind.
pub(crate) fn carry_out(common: &Common, spec: &RunSpec) -> Result<RunOutcome, Failure> {
    if let Some(threads) = common.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(Failure::input)?;
    }
    let project = common.project.as_deref().map(Project::open).transpose().map_err(Failure::input)?;
    let progress = TerminalProgress::new();
    let outcome = run_headless(project.as_ref(), Arc::new(Library::default()), spec, &progress);
    progress.finish();
    outcome.map_err(failure)
}

/// Bad input, cancellation and defects keep their exit codes apart.
pub(crate) fn failure(error: JobError) -> Failure {
    match error {
        JobError::Cancelled => Failure::Cancelled,
        JobError::Input(message) => Failure::Input(message),
        JobError::Internal(message) => Failure::Internal(message),
    }
}
