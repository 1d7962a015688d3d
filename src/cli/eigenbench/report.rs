//! `kleroterion eigenbench report`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::terminal::TerminalProgress;
use super::fit::{FitOptions, print, told};
use crate::eigenbench::findings::{Findings, Settings};
use crate::jobs::collect::{COVERAGE, Coverage, Judgements};
use crate::jobs::spec::RunSpec;
use crate::store::{Project, RunId};

/// Resamples behind intervals where the user does not say.
const RESAMPLES: u32 = 200;

/// Report on judgements that a run collected or took in.
#[derive(Args)]
pub(crate) struct Report {
    /// The project's folder.
    #[arg(long, value_name = "DIR")]
    project: PathBuf,
    /// The run's number.
    #[arg(long, value_name = "N")]
    run: i64,
    /// Seed of starts and resamples.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    options: FitOptions,
    /// Write the report as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The judgements of a run, collected or imported.
pub(super) fn judgements(project: &Project, run: i64) -> Result<(RunId, RunSpec, Judgements), Failure> {
    let row = project.run(RunId(run)).map_err(Failure::input)?;
    match Judgements::load(project, row.id, &row.spec).map_err(Failure::internal)? {
        Some(found) => Ok((row.id, row.spec, found)),
        None if matches!(row.spec, RunSpec::ImportComparisons(_)) => {
            Err(Failure::Input(format!("run {run} has not taken in its file. Carry it out with `run --run {run}`")))
        }
        None => Err(Failure::Input(format!("run {run} has no judgements of models on one another ({})", row.kind))),
    }
}

impl Report {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let (run, spec, found) = judgements(&project, self.run)?;
        let lost: Option<Coverage> = project.document(run, COVERAGE).map_err(Failure::internal)?;
        let complete = lost.is_some() || matches!(spec, RunSpec::ImportComparisons(_));
        if !complete {
            eprintln!("the collection has not ended; this is what there is so far");
        }
        let progress = TerminalProgress::new();
        let mut reports = Vec::new();
        for constitution in 0..found.constitutions.len() {
            reports.push(self.one(&found, constitution, &progress)?);
        }
        progress.finish();
        let totals = project.call_totals(run).map_err(Failure::internal)?;
        let report = json!({
            "run": self.run, "complete": complete, "constitutions": reports, "coverage": lost,
            "calls": {
                "answered": totals.answered, "failed": totals.failed, "prompt_tokens": totals.prompt_tokens,
                "completion_tokens": totals.completion_tokens, "dollars": totals.cost,
            },
        });
        output::write_json(self.json.as_deref(), &report)
    }

    /// Everything about one constitution; where its rows determine no leaderboard, why.
    fn one(&self, judgements: &Judgements, constitution: usize, progress: &TerminalProgress) -> Result<Value, Failure> {
        let (models, outside) = (&judgements.models, &judgements.outside);
        let rows = judgements.comparisons(Some(constitution));
        let settings = self.options.spec(models, self.seed, RESAMPLES)?;
        let name = &judgements.constitutions[constitution].name;
        let settings = Settings { board: settings, ..Settings::default() };
        let found = Findings::compute(&judgements.judged(Some(constitution)), &settings, progress)
            .map_err(|_| Failure::Cancelled)?;
        eprintln!("{name}: {} judgements", rows.len());
        match &found.board {
            Ok(board) => {
                told(board);
                print(board);
            }
            Err(problem) => eprintln!("no leaderboard: {problem}"),
        }
        let judges: Vec<Value> = found
            .judges
            .iter()
            .zip(&found.longer)
            .zip(models.iter().chain(outside))
            .map(|((judge, longer), name)| {
                let mut value = json!(judge);
                value["name"] = json!(name);
                value["longer_share"] = json!(longer);
                value["self_preference_excess"] = json!(judge.self_preference.map(|own| own.excess()));
                value
            })
            .collect();
        let [nominal, interval] = found.alpha;
        let mut report = json!({
            "constitution": name,
            "leaderboard": found.board.as_ref().ok(),
            "problem": found.board.as_ref().err(),
            "judges": judges,
            "krippendorff_alpha": { "nominal": nominal, "interval": interval },
            "coverage": found.coverage,
        });
        if found.board.is_ok() {
            report["trust_distances"] = json!(found.distances);
            report["variance_shares"] = match &found.personas {
                Ok(split) => json!({ "trust": split.trust, "elo": split.elo }),
                Err(_) => Value::Null,
            };
        }
        // The leaderboard and what is said of judges stand above.
        let mut more = json!(found);
        for above in ["board", "judges", "longer", "coverage", "alpha", "distances", "models", "outside"] {
            more.as_object_mut().map(|more| more.remove(above));
        }
        report["findings"] = more;
        Ok(report)
    }
}
