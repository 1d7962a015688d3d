//! `kleroterion eigenbench import` and `export`: the EigenBench authors' files of evaluations.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::report::collection;
use crate::formats::evaluations::{self, Evaluation};
use crate::formats::{comparisons, whole_file};
use crate::jobs::collect::CollectSpec;
use crate::store::{CallId, ComparisonRow, Project};

/// Import evaluations.
#[derive(Args)]
pub(crate) struct Import {
    /// evaluations.jsonl, or an array of evaluations as JSON.
    file: PathBuf,
    /// Where to write comparisons as CSV for `eigenbench fit`.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write what was read and what was lost as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let read = evaluations::read(&self.file).map_err(Failure::input)?;
        comparisons::write(&self.out, &read.comparisons).map_err(|error| {
            Failure::Input(format!("the comparisons cannot be written: {error} ({})", self.out.display()))
        })?;
        let found = &read.comparisons;
        eprintln!("{} evaluations, {} judgements of {} models", read.evaluations, found.rows.len(), found.models.len());
        let lost = &read.losses;
        for (count, reason) in [
            (lost.failed_calls, "are of failed calls that were stored as texts"),
            (lost.without_text, "lack a text"),
            (lost.with_itself, "compare a model with itself"),
            (lost.unread, "hold no choice that can be read"),
        ] {
            if count > 0 {
                eprintln!("{count} evaluations {reason}");
            }
        }
        if lost.missing_choices > 0 {
            eprintln!("{} choices are missing in verdicts that hold others", lost.missing_choices);
        }
        let report = json!({
            "evaluations": read.evaluations, "rows": found.rows.len(), "models": found.models,
            "scenarios": found.scenarios.len(), "criteria": found.criteria,
            "losses": read.losses, "by_judge": read.by_judge,
        });
        output::write_json(self.json.as_deref(), &report)
    }
}

/// Export a collection.
#[derive(Args)]
pub(crate) struct Export {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Where to write evaluations as JSON lines.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let (run, spec) = collection(&project, self.run)?;
        let rows = project.comparison_rows(run).map_err(Failure::internal)?;
        // One line a verdict, whose rows follow one another.
        let look = |row: &ComparisonRow| (row.constitution, row.scenario, row.pass, row.judge, row.first, row.second);
        let verdicts: Vec<&[ComparisonRow]> = rows.chunk_by(|a, b| look(a) == look(b)).collect();
        let text = |call: Option<CallId>| -> Result<String, Failure> {
            let gone = || {
                Failure::Input(format!(
                    "a call behind run {} was deleted with the run that made it. Export before deleting runs",
                    self.run
                ))
            };
            let call = project.call(call.ok_or_else(gone)?).map_err(Failure::internal)?.ok_or_else(gone)?;
            Ok(call.reply.map(|reply| reply.text).unwrap_or_default())
        };
        let refused = |error: std::io::Error| {
            Failure::Input(format!("the evaluations cannot be written: {error} ({})", self.out.display()))
        };
        whole_file::write_with(&self.out, refused, |file| {
            for verdict in &verdicts {
                let row = &verdict[0];
                let texts = |at: usize| Ok((text(row.calls.responses[at])?, text(row.calls.reflections[at])?));
                let [first, second]: [(String, String); 2] = [texts(0)?, texts(1)?];
                // Where a repair gave a part of the choices no one reply holds them all.
                let said = match verdict.iter().all(|other| other.calls.verdict == row.calls.verdict) {
                    true => text(row.calls.verdict)?,
                    false => tags(&spec, verdict),
                };
                let name = |place: u16| spec.models[usize::from(place)].name.as_str();
                let line = Evaluation {
                    constitution: &spec.criteria(usize::from(row.constitution)),
                    scenario: (row.scenario, &spec.scenarios[row.scenario as usize].text),
                    judge: (row.judge, name(row.judge)),
                    evaluees: [
                        (row.first, name(row.first), &first.0, &first.1),
                        (row.second, name(row.second), &second.0, &second.1),
                    ],
                    verdict: &said,
                }
                .line();
                writeln!(file, "{line}").map_err(refused)?;
            }
            Ok(())
        })?;
        eprintln!("{} evaluations ({})", verdicts.len(), self.out.display());
        Ok(())
    }
}

/// A verdict in the form that was asked for.
fn tags(spec: &CollectSpec, verdict: &[ComparisonRow]) -> String {
    let line = |row: &ComparisonRow| {
        let tag = spec.form.tag(usize::from(row.criterion));
        format!("<{tag}>{}</{tag}>", row.choice.figure())
    };
    verdict.iter().map(line).collect::<Vec<_>>().join("\n")
}
