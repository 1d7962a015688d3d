//! `kleroterion eigenbench report`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::terminal::TerminalProgress;
use super::fit::{FitOptions, board, print};
use crate::eigenbench::diagnostics::{
    Distance, agreement, coverage, diagnose_judges, longer_shares, trust_distances, variance_shares,
};
use crate::eigenbench::leaderboard::{Leaderboard, LeaderboardError};
use crate::eigenbench::reconcile::reconcile;
use crate::jobs::collect::{COVERAGE, CollectSpec, Coverage, LENGTHS, Lengths, comparisons};
use crate::jobs::spec::RunSpec;
use crate::store::{ComparisonRow, Project, RunId};

/// Resamples behind intervals where the user does not say.
const RESAMPLES: u32 = 200;

/// Report on a collection.
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

/// A collection and the project that holds it.
pub(super) fn collection(project: &Project, run: i64) -> Result<(RunId, CollectSpec), Failure> {
    let row = project.run(RunId(run)).map_err(Failure::input)?;
    match row.spec {
        RunSpec::Collect(spec) => Ok((row.id, spec)),
        _ => Err(Failure::Input(format!("run {run} is no collection ({})", row.kind))),
    }
}

impl Report {
    pub(super) fn run(self) -> Outcome {
        let project = Project::open_reader(&self.project).map_err(Failure::input)?;
        let (run, spec) = collection(&project, self.run)?;
        let rows = project.comparison_rows(run).map_err(Failure::internal)?;
        let lost: Option<Coverage> = project.document(run, COVERAGE).map_err(Failure::internal)?;
        let lengths: Option<Lengths> = project.document(run, LENGTHS).map_err(Failure::internal)?;
        if lost.is_none() {
            eprintln!("the collection has not ended; this is what there is so far");
        }
        let progress = TerminalProgress::new();
        let mut reports = Vec::new();
        for constitution in 0..spec.constitutions.len() {
            reports.push(self.one(&spec, &rows, constitution, lengths.as_ref(), &progress)?);
        }
        progress.finish();
        let totals = project.call_totals(run).map_err(Failure::internal)?;
        let report = json!({
            "run": self.run, "complete": lost.is_some(), "constitutions": reports, "coverage": lost,
            "calls": {
                "answered": totals.answered, "failed": totals.failed, "prompt_tokens": totals.prompt_tokens,
                "completion_tokens": totals.completion_tokens, "dollars": totals.cost,
            },
        });
        output::write_json(self.json.as_deref(), &report)
    }

    /// Everything about one constitution; where its rows determine no leaderboard, why.
    fn one(
        &self,
        spec: &CollectSpec,
        rows: &[ComparisonRow],
        constitution: usize,
        lengths: Option<&Lengths>,
        progress: &TerminalProgress,
    ) -> Result<Value, Failure> {
        let models: Vec<String> = spec.models.iter().map(|model| model.name.clone()).collect();
        let n = models.len();
        let rows = comparisons(spec, rows, Some(constitution));
        let settings = self.options.spec(&models, self.seed, RESAMPLES)?;
        let name = &spec.constitutions[constitution].name;
        let found = match board(&models, &rows, &settings, progress) {
            Ok(found) => Ok(found),
            Err(LeaderboardError::Cancelled(_)) => return Err(Failure::Cancelled),
            Err(problem) => Err(problem.to_string()),
        };
        eprintln!("{name}: {} judgements", rows.len());
        match &found {
            Ok(found) => print(found),
            Err(problem) => eprintln!("no leaderboard: {problem}"),
        }
        let length = |scenario: u32, model: u16| {
            lengths.and_then(|lengths| *lengths.get(scenario as usize)?.get(usize::from(model))?)
        };
        let mut reconciled = rows.clone();
        reconcile(&mut reconciled);
        let judges: Vec<Value> = diagnose_judges(n, &rows)
            .iter()
            .zip(longer_shares(n, &reconciled, length))
            .zip(&models)
            .map(|((judge, longer), name)| {
                let mut value = json!(judge);
                value["name"] = json!(name);
                value["longer_share"] = json!(longer);
                value["self_preference_excess"] = json!(judge.self_preference.map(|own| own.excess()));
                value
            })
            .collect();
        let seen = coverage(n, n, &rows);
        let mut report = json!({
            "constitution": name,
            "leaderboard": found.as_ref().ok(),
            "problem": found.as_ref().err(),
            "judges": judges,
            "krippendorff_alpha": {
                "nominal": agreement(&reconciled, Distance::Nominal),
                "interval": agreement(&reconciled, Distance::Interval),
            },
            "coverage": seen.chunks_exact(n).collect::<Vec<_>>(),
        });
        if let Ok(found) = &found {
            let flat: Vec<f64> = found.matrix.concat();
            report["trust_distances"] = json!(trust_distances(&flat, n).chunks_exact(n).collect::<Vec<_>>());
            report["variance_shares"] = variance(spec, found);
        }
        Ok(report)
    }
}

/// How trust and Elo split between language models and personas, where every language model speaks under every persona.
fn variance(spec: &CollectSpec, found: &Leaderboard) -> Value {
    let (mut speakers, mut personas) = (Vec::new(), Vec::new());
    for model in &spec.models {
        if !speakers.contains(&&model.speaker) {
            speakers.push(&model.speaker);
        }
        if !personas.contains(&&model.persona) {
            personas.push(&model.persona);
        }
    }
    let place =
        |speaker, persona| spec.models.iter().position(|model| &model.speaker == speaker && &model.persona == persona);
    let grid: Option<Vec<usize>> =
        speakers.iter().flat_map(|speaker| personas.iter().map(|persona| place(*speaker, *persona))).collect();
    let Some(grid) = grid.filter(|grid| grid.len() == spec.models.len() && speakers.len() > 1 && personas.len() > 1)
    else {
        return Value::Null;
    };
    let shares = |values: &[f64]| {
        let values: Vec<f64> = grid.iter().map(|&place| values[place]).collect();
        variance_shares(&values, personas.len())
    };
    json!({ "trust": shares(&found.trust), "elo": shares(&found.elo) })
}
