//! Everything that can be said of verdicts, and verdicts from elsewhere.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Common;
use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::run::carry_out;
use super::super::terminal::TerminalProgress;
use crate::formats::verdicts;
use crate::jobs::judge::{ImportVerdictsSpec, collected};
use crate::jobs::spec::RunSpec;
use crate::ranking::findings::{Findings, Settings};
use crate::ranking::verdicts::{Cluster, Selection, Unit, Verdicts};
use crate::store::{Project, RunId};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drawn {
    /// All verdicts on a question together.
    Question,
    /// All verdicts on a clause's questions together.
    Clause,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Counted {
    /// Every verdict.
    Votes,
    /// Each question once for each pair, as its majority has it.
    Majorities,
}

/// Say what verdicts show.
#[derive(Args)]
pub(crate) struct Results {
    /// Verdicts as JSON lines, or pairs as CSV.
    #[arg(long, value_name = "FILE", required_unless_present = "project", conflicts_with = "project")]
    verdicts: Option<PathBuf>,
    /// The project's folder.
    #[arg(long, value_name = "DIR", requires = "run")]
    project: Option<PathBuf>,
    /// The run's number.
    #[arg(long, value_name = "N", requires = "project")]
    run: Option<i64>,
    /// What counts as one comparison.
    #[arg(long, value_enum, default_value = "votes")]
    unit: Counted,
    /// What is drawn again together for intervals.
    #[arg(long, value_enum, default_value = "question")]
    cluster: Drawn,
    /// How often.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    bootstrap: usize,
    /// Only verdicts of this judge (repeat).
    #[arg(long, value_name = "NAME")]
    judge: Vec<String>,
    /// Seed of the resamples.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write everything as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Results {
    pub(super) fn run(self) -> Outcome {
        let all = self.read()?;
        let mut selection = Selection::default();
        if !self.judge.is_empty() {
            let place = |name: &String| {
                let known = all.judges.iter().position(|judge| judge == name);
                known.map(|place| place as u16).ok_or_else(|| {
                    Failure::Input(format!("nobody called {name:?} judged. The judges are {}", all.judges.join(", ")))
                })
            };
            selection.judges = Some(self.judge.iter().map(place).collect::<Result<BTreeSet<u16>, _>>()?);
        }
        let settings = Settings {
            selection,
            unit: if self.unit == Counted::Votes { Unit::Votes } else { Unit::Majorities },
            cluster: if self.cluster == Drawn::Question { Cluster::Question } else { Cluster::Clause },
            resamples: self.bootstrap,
            seed: self.seed,
        };
        let progress = TerminalProgress::new();
        let found = Findings::compute(&all, &settings, &progress);
        progress.finish();
        let found = found.map_err(|_| Failure::Cancelled)?;
        for row in &found.methods {
            match &row.outcome {
                Ok(scored) => {
                    eprintln!("{}", row.method.name());
                    for &model in &found.order {
                        let [low, high] = scored.intervals.get(model).copied().unwrap_or([f64::NAN; 2]);
                        let score = scored.found.scores[model];
                        eprintln!("{score:>12.4}  [{low:.4}, {high:.4}]  {}", found.model(model));
                    }
                }
                Err(reason) => eprintln!("{}: {reason}", row.method.name()),
            }
        }
        output::write_json(self.json.as_deref(), &json!(found))
    }

    fn read(&self) -> Result<Verdicts, Failure> {
        let (Some(project), Some(run)) = (&self.project, self.run) else {
            let path = self.verdicts.as_deref().unwrap_or_else(|| std::path::Path::new(""));
            return verdicts::read(path, false).map_err(Failure::input);
        };
        let project = Project::open_reader(project).map_err(Failure::input)?;
        let row = project.run(RunId(run)).map_err(Failure::input)?;
        match &row.spec {
            RunSpec::Judge(spec) => {
                let answers = project.answers(row.id).map_err(Failure::internal)?;
                let rows = project.verdicts(row.id).map_err(Failure::internal)?;
                Ok(collected(spec, &answers, &rows))
            }
            RunSpec::ImportVerdicts(spec) => Ok((*spec.verdicts).clone()),
            _ => Err(Failure::Input(format!("run {run} is no judging ({})", row.kind))),
        }
    }
}

/// Import verdicts.
#[derive(Args)]
pub(crate) struct ImportVerdicts {
    #[command(flatten)]
    common: Common,
    /// Rankings as JSON lines, or pairs as CSV.
    file: PathBuf,
}

impl ImportVerdicts {
    pub(super) fn run(self) -> Outcome {
        let all = verdicts::read(&self.file, false).map_err(Failure::input)?;
        let (models, judged) = (all.models.clone(), all.verdicts.len());
        let source = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let spec = ImportVerdictsSpec { version: 1, source, verdicts: Arc::new(all) };
        carry_out(&self.common, &RunSpec::ImportVerdicts(spec))?;
        eprintln!("{judged} verdicts on {} models", models.len());
        output::write_json(self.common.json.as_deref(), &json!({ "models": models, "verdicts": judged }))
    }
}
