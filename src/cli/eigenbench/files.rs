//! `kleroterion eigenbench import` and `export`: the EigenBench authors' files of evaluations.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::super::demand::{Failure, Outcome};
use super::super::run::carry_out;
use super::super::{Common, output};
use super::report::judgements;
use crate::eigenbench::choices::read_choices;
use crate::formats::comparisons::{self, ReadComparisons};
use crate::formats::evaluations::{self, Evaluation, Losses};
use crate::formats::whole_file;
use crate::jobs::collect::{JudgedBy, Judgements};
use crate::jobs::import_comparisons::{ComparisonSource, ImportComparisonsSpec};
use crate::jobs::spec::RunSpec;
use crate::store::{CallId, CallsBehind, ComparisonRow, Project, RunFilter};

/// Makes a file that was read without objection a run of the project, if one is named; gives the run's number.
pub(super) fn keep(common: &Common, file: &Path, source: ComparisonSource) -> Result<Option<i64>, Failure> {
    let Some(project) = &common.project else { return Ok(None) };
    let absolute = |path: &Path| std::path::absolute(path).map_err(Failure::input);
    let (file, folder) = (absolute(file)?, absolute(project)?);
    // What lies in the project's folder moves with it.
    let file = file.strip_prefix(&folder).map_or(file.clone(), Path::to_path_buf);
    let spec =
        RunSpec::ImportComparisons(ImportComparisonsSpec { source: Some(source), ..ImportComparisonsSpec::of(file) });
    carry_out(common, &spec)?;
    let project = Project::open_reader(project).map_err(Failure::internal)?;
    let filter = RunFilter { kind: Some(spec.kind().to_owned()), archived: false };
    let newest = project.runs(&filter).map_err(Failure::internal)?.first().map(|run| run.id.0);
    if let Some(run) = newest {
        eprintln!("kept as run {run}");
    }
    Ok(newest)
}

/// Import judgements.
#[derive(Args)]
pub(crate) struct Import {
    #[command(flatten)]
    common: Common,
    /// evaluations.jsonl, an array of evaluations as JSON, or comparisons as CSV.
    file: PathBuf,
    /// Where to write comparisons as CSV for `eigenbench fit`; may be left out where a project keeps them.
    #[arg(long, value_name = "FILE", required_unless_present = "project")]
    out: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let source = ComparisonSource::of(&self.file);
        let mut report = json!({});
        let found = match source {
            ComparisonSource::Evaluations => {
                let read = evaluations::read(&self.file).map_err(Failure::input)?;
                eprint!("{} evaluations, ", read.evaluations);
                report = json!({
                    "evaluations": read.evaluations, "losses": read.losses, "by_judge": read.by_judge,
                });
                lost(read.comparisons, &read.losses)
            }
            ComparisonSource::Comparisons => {
                lost(comparisons::read(&self.file).map_err(Failure::input)?, &Losses::default())
            }
        };
        if let Some(out) = &self.out {
            write_comparisons(out, &found)?;
        }
        if let Some(run) = keep(&self.common, &self.file, source)? {
            report["run"] = json!(run);
        }
        report["rows"] = json!(found.rows.len());
        report["models"] = json!(found.models);
        report["scenarios"] = json!(found.scenarios.len());
        report["criteria"] = json!(found.criteria);
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// Says what was read and what was lost.
fn lost(found: ReadComparisons, losses: &Losses) -> ReadComparisons {
    eprintln!("{} judgements of {} models", found.rows.len(), found.models.len());
    losses.words().iter().for_each(|words| eprintln!("{words}"));
    found
}

fn write_comparisons(out: &Path, found: &ReadComparisons) -> Result<(), Failure> {
    let refused = |error| Failure::Input(format!("the comparisons cannot be written: {error} ({})", out.display()));
    comparisons::write(out, found).map_err(refused)
}

/// Export judgements.
#[derive(Args)]
pub(crate) struct Export {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Where to write evaluations as JSON lines, or comparisons where the name ends in .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let (_, _, found) = judgements(&project, self.run)?;
        if ComparisonSource::of(&self.out) == ComparisonSource::Comparisons {
            write_comparisons(&self.out, &named(&found))?;
            eprintln!("{} judgements ({})", found.rows.len(), self.out.display());
            return Ok(());
        }
        if found.rows.iter().any(|row| row.calls == CallsBehind::default()) {
            return Err(Failure::Input(format!(
                "run {} was imported from a table, which holds no texts. Export it as comparisons: give --out a name that \
                 ends in .csv",
                self.run
            )));
        }
        // One line a verdict, whose rows follow one another.
        let look = |row: &ComparisonRow| (row.constitution, row.scenario, row.pass, row.judge, row.first, row.second);
        let verdicts: Vec<&[ComparisonRow]> = found.rows.chunk_by(|a, b| look(a) == look(b)).collect();
        let text = |call: Option<CallId>| -> Result<String, Failure> {
            // Old files have no reflections.
            let Some(call) = call else { return Ok(String::new()) };
            let gone = || {
                Failure::Input(format!(
                    "a call behind run {} was deleted with the run that made it. Export before deleting runs",
                    self.run
                ))
            };
            let call = project.call(call).map_err(Failure::internal)?.ok_or_else(gone)?;
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
                let judged_by = &found.constitutions[usize::from(row.constitution)];
                let reply = text(row.calls.verdict)?;
                // Where a repair gave a part of the choices, or a file mixed constitutions, no one reply says what the rows do.
                let said = if says(&reply, judged_by, verdict) { reply } else { tags(judged_by, verdict) };
                let criteria: Vec<&str> = judged_by.texts.iter().map(String::as_str).collect();
                let line = Evaluation {
                    constitution: &criteria,
                    scenario: (row.scenario, &found.scenarios[row.scenario as usize].text),
                    judge: (row.judge, found.judge(row.judge)),
                    evaluees: [
                        (row.first, found.judge(row.first), &first.0, &first.1),
                        (row.second, found.judge(row.second), &second.0, &second.1),
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

/// Judgements with everybody's names, as they are written to a table.
fn named(found: &Judgements) -> ReadComparisons {
    ReadComparisons {
        models: [found.models.as_slice(), &found.outside].concat(),
        scenarios: found.scenarios.iter().map(|scenario| scenario.id.clone()).collect(),
        criteria: found.criteria(),
        rows: found.comparisons(None),
    }
}

/// Whether all choices of a verdict can be read from one reply.
fn says(reply: &str, judged_by: &JudgedBy, verdict: &[ComparisonRow]) -> bool {
    let read = read_choices(reply, judged_by.texts.len(), judged_by.form);
    let of = |row: &ComparisonRow| read.readings.get(usize::from(row.criterion)).and_then(|reading| reading.choice());
    verdict.iter().all(|row| of(row) == Some(row.choice))
}

/// A verdict in the form that was asked for.
fn tags(judged_by: &JudgedBy, verdict: &[ComparisonRow]) -> String {
    let line = |row: &ComparisonRow| {
        let tag = judged_by.form.tag(usize::from(row.criterion));
        format!("<{tag}>{}</{tag}>", row.choice.figure())
    };
    verdict.iter().map(line).collect::<Vec<_>>().join("\n")
}
