//! `kleroterion project`: make, look at and copy projects.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use crate::formats::sentences;
use crate::store::{Project, RunFilter, RunId};

#[derive(Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a new project in an empty or new folder.
    New(New),
    /// Say what a project holds; a sample gets its database.
    Show(Show),
    /// List the runs of a project.
    Runs(Show),
    /// Say exactly what made a run: spec, seed, hashes, version, log.
    Provenance(Provenance),
    /// Copy a project to a new folder.
    Duplicate(Duplicate),
    /// Store a file of sentences in a project under a name.
    Import(Import),
}

/// Make a new project.
#[derive(Args)]
pub(crate) struct New {
    dir: PathBuf,
    /// The project's name (default: the folder's).
    #[arg(long)]
    name: Option<String>,
}

/// Look at a project.
#[derive(Args)]
pub(crate) struct Show {
    dir: PathBuf,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Say what made a run.
#[derive(Args)]
pub(crate) struct Provenance {
    dir: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Copy a project.
#[derive(Args)]
pub(crate) struct Duplicate {
    dir: PathBuf,
    to: PathBuf,
}

/// Import sentences.
#[derive(Args)]
pub(crate) struct Import {
    dir: PathBuf,
    /// One sentence per line, or CSV with a column named `sentence`.
    #[arg(long, value_name = "FILE")]
    sentences: PathBuf,
    /// Name of the list (default: the file's).
    #[arg(long)]
    name: Option<String>,
}

impl ProjectCommand {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::New(command) => {
                let folder_name = command.dir.file_name().map(|n| n.to_string_lossy().into_owned());
                let name = command.name.or(folder_name).unwrap_or_else(|| "Untitled".to_owned());
                Project::create(&command.dir, &name).map_err(Failure::input)?;
                eprintln!("project {name:?} made in {}", command.dir.display());
                Ok(())
            }
            Self::Show(command) => show(command, false),
            Self::Runs(command) => show(command, true),
            Self::Provenance(command) => provenance(command),
            Self::Duplicate(command) => {
                Project::open(&command.dir).and_then(|p| p.duplicate(&command.to)).map_err(Failure::input)
            }
            Self::Import(command) => import(command),
        }
    }
}

fn show(command: Show, only_runs: bool) -> Outcome {
    let project = Project::open(&command.dir).map_err(Failure::input)?;
    let runs = project.runs(&RunFilter::default()).map_err(Failure::internal)?;
    let lists = project.sentence_lists().map_err(Failure::internal)?;
    if !only_runs {
        let info = project.info();
        eprintln!("{} ({})", info.name, info.directory.display());
        eprintln!("{}", info.description);
        for (name, sentences) in &lists {
            eprintln!("sentence list {name:?}: {} sentences", sentences.len());
        }
    }
    for run in &runs {
        let state = serde_json::to_value(run.state).map_err(Failure::internal)?;
        let state = state.as_str().unwrap_or_default();
        eprintln!("run {:>4}  {:<10} {:<12} {}  {:.1} s", run.id.0, run.kind, state, run.created, run.seconds);
    }
    let lists: Vec<_> = lists.iter().map(|(name, s)| json!({ "name": name, "sentences": s.len() })).collect();
    let report = if only_runs {
        json!({ "runs": runs })
    } else {
        json!({ "project": project.info(), "sentence_lists": lists, "runs": runs })
    };
    output::write_json(command.json.as_deref(), &report)
}

fn provenance(command: Provenance) -> Outcome {
    let project = Project::open(&command.dir).map_err(Failure::input)?;
    let run = project.run(RunId(command.run)).map_err(Failure::input)?;
    let log = project.log(run.id).map_err(Failure::internal)?;
    let text = serde_json::to_string_pretty(&run).map_err(Failure::internal)?;
    eprintln!("{text}\nReproduce it: {}", run.spec.command_line());
    for line in &log {
        eprintln!("{} {:<5} {}", line.at, line.level, line.message);
    }
    let report = json!({ "run": run, "log": log, "command_line": run.spec.command_line() });
    output::write_json(command.json.as_deref(), &report)
}

fn import(command: Import) -> Outcome {
    let project = Project::open(&command.dir).map_err(Failure::input)?;
    let list = sentences::read(&command.sentences).map_err(Failure::input)?;
    let stem = command.sentences.file_stem().map(|n| n.to_string_lossy().into_owned());
    let name = command.name.or(stem).unwrap_or_else(|| "Sentences".to_owned());
    project.put_sentence_list(&name, &list).map_err(Failure::input)?;
    eprintln!("{} sentences stored as {name:?}", list.len());
    Ok(())
}
