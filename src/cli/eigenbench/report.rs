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
        let (n, all) = (models.len(), models.len() + outside.len());
        let rows = judgements.comparisons(Some(constitution));
        let settings = self.options.spec(models, self.seed, RESAMPLES)?;
        let name = &judgements.constitutions[constitution].name;
        let found = match board(models, outside, &rows, &settings, progress) {
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
            let lengths = judgements.lengths.as_ref()?;
            *lengths.get(scenario as usize)?.get(usize::from(model))?
        };
        let mut reconciled = rows.clone();
        reconcile(&mut reconciled);
        let judges: Vec<Value> = diagnose_judges(all, &rows)
            .iter()
            .zip(longer_shares(all, &reconciled, length))
            .zip(models.iter().chain(outside))
            .map(|((judge, longer), name)| {
                let mut value = json!(judge);
                value["name"] = json!(name);
                value["longer_share"] = json!(longer);
                value["self_preference_excess"] = json!(judge.self_preference.map(|own| own.excess()));
                value
            })
            .collect();
        let seen = coverage(all, n, &rows);
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
            report["variance_shares"] = variance(judgements, found);
        }
        Ok(report)
    }
}

/// How trust and Elo split between language models and personas, where every language model speaks under every persona.
fn variance(judgements: &Judgements, found: &Leaderboard) -> Value {
    let models: Vec<(u16, &str)> =
        judgements.language_models.iter().copied().zip(judgements.personas.iter().map(String::as_str)).collect();
    let (mut speakers, mut personas) = (Vec::new(), Vec::new());
    for (speaker, persona) in &models {
        if !speakers.contains(speaker) {
            speakers.push(*speaker);
        }
        if !personas.contains(persona) {
            personas.push(*persona);
        }
    }
    let place = |speaker, persona| models.iter().position(|model| *model == (speaker, persona));
    let grid: Option<Vec<usize>> =
        speakers.iter().flat_map(|speaker| personas.iter().map(|persona| place(*speaker, *persona))).collect();
    let Some(grid) = grid.filter(|grid| grid.len() == models.len() && speakers.len() > 1 && personas.len() > 1) else {
        return Value::Null;
    };
    let shares = |values: &[f64]| {
        let values: Vec<f64> = grid.iter().map(|&place| values[place]).collect();
        variance_shares(&values, personas.len())
    };
    json!({ "trust": shares(&found.trust), "elo": shares(&found.elo) })
}
