//! `kleroterion eigenbench import-people` and `export-people`: what people chose between responses of a run.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::report::judgements;
use crate::formats::people_comparisons;
use crate::store::{PersonComparison, Project};

/// Take in what people chose elsewhere between responses of a run.
#[derive(Args)]
pub(crate) struct ImportPeople {
    /// CSV with person, scenario, first, second and choice (0 for a tie, 1 or 2), and where there are several criteria criterion.
    file: PathBuf,
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Write what was taken in as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl ImportPeople {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open(&self.project).map_err(Failure::input)?;
        let (run, _, found) = judgements(&project, self.run)?;
        let read = people_comparisons::read(&self.file, &found.names()).map_err(Failure::input)?;
        let rows: Vec<PersonComparison> = read.into_iter().map(|choice| found.kept(choice)).collect();
        project.put_person_comparisons(run, &rows).map_err(Failure::internal)?;
        let people: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.person.as_str()).collect();
        eprintln!("{} choices of {} people are kept with run {}", rows.len(), people.len(), run.0);
        output::write_json(self.json.as_deref(), &json!({ "run": run.0, "choices": rows.len(), "people": people }))
    }
}

/// Write what people chose between responses of a run.
#[derive(Args)]
pub(crate) struct ExportPeople {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Where to write the CSV.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl ExportPeople {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let (run, _, found) = judgements(&project, self.run)?;
        let choices = found.choices();
        if choices.is_empty() {
            return Err(Failure::Input(format!(
                "nobody has judged in run {}. Judge in the window, or import choices",
                run.0
            )));
        }
        people_comparisons::write(&self.out, &found.names(), &choices).map_err(|error| {
            Failure::Input(format!("the choices were not written: {error} ({})", self.out.display()))
        })?;
        eprintln!("{} choices are in {}", choices.len(), self.out.display());
        output::write_json(None, &json!({ "run": run.0, "choices": choices.len() }))
    }
}
