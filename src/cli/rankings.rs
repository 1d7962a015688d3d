//! `kleroterion rankings score`: rankings or pairwise choices to scores, with how sure they are.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Common;
use super::demand::{Failure, Outcome};
use super::output;
use super::run::carry_out;
use super::terminal::TerminalProgress;
use crate::formats::rankings::{ReadVotes, Reading, read_pairs, read_rankings};
use crate::formats::verdicts;
use crate::jobs::judge::ImportVerdictsSpec;
use crate::jobs::spec::RunSpec;
use crate::ranking::bootstrap::{Bootstrap, BootstrapError, bootstrap, bootstrap_wins};
use crate::ranking::comparison::comparisons;
use crate::ranking::held_out::held_out;
use crate::ranking::mallows::keeps;
use crate::ranking::reliability::reliability;
use crate::ranking::votes::Votes;
use crate::ranking::{Aggregation, Method, aggregate};

/// Rank models by judges' votes.
#[derive(Subcommand)]
pub(crate) enum Rankings {
    /// Score models by one of seven methods.
    Score(Score),
}

impl Rankings {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Score(score) => score.run(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unit {
    /// Every ranking counts.
    Votes,
    /// Each group counts once on each pair, as its majority has it.
    Majorities,
}

/// Scores with intervals.
#[derive(Args)]
pub(crate) struct Score {
    #[command(flatten)]
    common: Common,
    /// JSON lines with `models` and `rankings` (lists of names, best first, one a judge's pass).
    #[arg(long, value_name = "JSONL", required_unless_present = "pairs", conflicts_with = "pairs")]
    rankings: Option<PathBuf>,
    /// CSV with left, right, winner (left, right or tie) and, if you like, count.
    #[arg(long, value_name = "CSV")]
    pairs: Option<PathBuf>,
    /// bradley-terry, plackett-luce, borda, copeland, copeland-net, kemeny or mallows.
    #[arg(long, value_name = "NAME")]
    method: Method,
    /// Draw whole groups of votes again so often, for 95 % intervals.
    #[arg(long, value_name = "N", default_value_t = 0)]
    bootstrap: usize,
    /// The field or column whose values are the groups (default: each line is one).
    #[arg(long, value_name = "FIELD")]
    cluster: Option<String>,
    /// What counts as one comparison.
    #[arg(long, value_enum, default_value = "votes")]
    unit: Unit,
    /// Keep back this share of the groups and judge the fit on them (plackett-luce, mallows).
    #[arg(long, value_name = "SHARE")]
    held_out: Option<f64>,
    /// Leave out lines that cannot be read; how many is printed.
    #[arg(long)]
    skip_bad_lines: bool,
}

/// Of intervals.
const LEVEL: f64 = 0.95;

impl Score {
    pub(crate) fn run(self) -> Outcome {
        if let Some(share) = self.held_out
            && !(share > 0.0 && share < 1.0)
        {
            return Err(Failure::Input(format!("--held-out {share}: give a share between 0 and 1, such as 0.2")));
        }
        let ReadVotes { votes, left_out } = self.read()?;
        self.store()?;
        if !left_out.is_empty() {
            eprintln!("{} lines were left out, the first: {}", left_out.len(), left_out[0]);
        }
        let reliability = reliability(&votes);
        let votes = if self.unit == Unit::Majorities { votes.majorities() } else { votes };
        let method = self.method;
        let weights = votes.weights();
        let failure = |error: crate::ranking::aggregation::RankError| Failure::Input(error.words(&votes.models));
        let found = aggregate(method, &votes, &weights).map_err(failure)?;
        let resampled = self.resample(method, &votes)?;
        let mut report = json!({
            "method": method.name(),
            "unit": if self.unit == Unit::Votes { "votes" } else { "majorities" },
            "groups": votes.groups.len(),
            "left_out": left_out.len(),
            "results": results(&votes, &found, resampled.as_ref()),
        });
        details(&mut report, &votes, &found);
        if let Some(reliability) = reliability {
            report["reliability"] = json!(reliability);
        }
        if let Some(share) = self.held_out {
            let kept = held_out(method, &votes, share, self.common.seed).map_err(failure)?;
            let kept = kept.ok_or_else(|| {
                Failure::Input("--held-out needs a law of rankings: plackett-luce or mallows".to_owned())
            })?;
            eprintln!("held out: {:.4} nats a ranking", -kept.test / kept.test_rankings);
            report["held_out"] = json!(kept);
        }
        if let Some(resampled) = &resampled {
            let progress = TerminalProgress::new();
            let wins = bootstrap_wins(&votes, self.bootstrap, self.common.seed, &progress);
            progress.finish();
            let wins = wins.map_err(|error| refused(&error, &votes))?;
            let pairs = comparisons(method, &found.scores, &votes.wins(&weights), resampled, &wins, LEVEL);
            report["bootstrap"] = json!({
                "resamples": resampled.scores.len(), "without_answer": resampled.failed, "level": LEVEL,
                "seed": self.common.seed, "rank_probabilities": resampled.rank_probabilities(), "models": votes.models,
            });
            report["comparisons"] = pairs
                .iter()
                .map(|pair| {
                    let [a, b] = pair.models;
                    json!({
                        "above": votes.models[a], "below": votes.models[b], "win_rate": pair.win_rate,
                        "win_rate_interval": pair.win_rate_interval, "margin": pair.margin,
                        "margin_interval": pair.margin_interval, "difference": pair.difference,
                        "lower": pair.interval[0], "upper": pair.interval[1], "odds_ratio": pair.odds_ratio,
                        "odds_ratio_interval": pair.odds_ratio_interval, "p_value": pair.p_value, "holm": pair.holm,
                    })
                })
                .collect();
        }
        print(&report);
        output::write_json(self.common.json.as_deref(), &report)
    }

    /// Keeps the verdicts in the project that the user named, where the Judging tab shows them.
    fn store(&self) -> Outcome {
        let (Some(path), true) = (self.rankings.as_ref().or(self.pairs.as_ref()), self.common.project.is_some()) else {
            return Ok(());
        };
        let verdicts = verdicts::read(path, self.skip_bad_lines).map_err(Failure::input)?;
        let source = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let spec = ImportVerdictsSpec { version: 1, source, verdicts: Arc::new(verdicts) };
        carry_out(&self.common, &RunSpec::ImportVerdicts(spec)).map(drop)
    }

    fn read(&self) -> Result<ReadVotes, Failure> {
        let reading = Reading { group: self.cluster.clone(), skip_bad_lines: self.skip_bad_lines };
        match (&self.rankings, &self.pairs) {
            (Some(path), _) => read_rankings(path, &reading),
            (None, Some(path)) => read_pairs(path, &reading),
            (None, None) => return Err(Failure::Input("give --rankings or --pairs".to_owned())),
        }
        .map_err(Failure::input)
    }

    fn resample(&self, method: Method, votes: &Votes) -> Result<Option<Bootstrap>, Failure> {
        if self.bootstrap == 0 {
            return Ok(None);
        }
        let progress = TerminalProgress::new();
        let drawn = bootstrap(method, votes, self.bootstrap, self.common.seed, &progress);
        progress.finish();
        let drawn = drawn.map_err(|error| refused(&error, votes))?;
        if drawn.failed > 0 {
            let all = drawn.failed + drawn.scores.len();
            eprintln!("{} of {all} resamples had no finite answer: the intervals are too narrow", drawn.failed);
        }
        Ok(Some(drawn))
    }
}

fn refused(error: &BootstrapError, votes: &Votes) -> Failure {
    match error {
        BootstrapError::Cancelled(_) => Failure::Cancelled,
        BootstrapError::NoAnswer(reason) => Failure::Input(format!("{error}: {}", reason.words(&votes.models))),
        BootstrapError::OneGroup => Failure::Input(format!("{error}: leave --cluster out or name another field")),
    }
}

/// Models with their scores, best first.
fn results(votes: &Votes, found: &Aggregation, resampled: Option<&Bootstrap>) -> Value {
    let intervals = resampled.map(|resampled| resampled.intervals(LEVEL));
    let mut order: Vec<usize> = (0..votes.models.len()).collect();
    order.sort_by(|&a, &b| found.scores[b].total_cmp(&found.scores[a]).then(a.cmp(&b)));
    let row = |&model: &usize| {
        let mut row = json!({ "name": votes.models[model], "score": found.scores[model] });
        if let Some(intervals) = &intervals {
            (row["lower"], row["upper"]) = (json!(intervals[model][0]), json!(intervals[model][1]));
        }
        row
    };
    order.iter().map(row).collect()
}

/// What some methods say beyond scores.
fn details(report: &mut Value, votes: &Votes, found: &Aggregation) {
    if let Some(log_likelihood) = found.log_likelihood {
        report["log_likelihood"] = json!(log_likelihood);
    }
    if let Some(consensus) = &found.consensus {
        let order: Vec<&String> = consensus.order.iter().map(|&model| &votes.models[model]).collect();
        report["order"] = json!(order);
        report["agreeing"] = json!(consensus.agreeing);
        report["best_orders"] = json!(consensus.orders);
        if let Some(dispersion) = &found.dispersion {
            report["dispersion"] = json!(dispersion);
            let gaps = 1..consensus.order.len();
            report["keeps_order"] =
                gaps.map(|gap| json!({ "gap": gap, "chance": keeps(gap, dispersion.phi) })).collect();
        }
    }
}

/// The table for people.
fn print(report: &Value) {
    for row in report["results"].as_array().into_iter().flatten() {
        let name = row["name"].as_str().unwrap_or_default();
        let score = row["score"].as_f64().unwrap_or(f64::NAN);
        match (row["lower"].as_f64(), row["upper"].as_f64()) {
            (Some(lower), Some(upper)) => eprintln!("{score:>12.4}  [{lower:.4}, {upper:.4}]  {name}"),
            _ => eprintln!("{score:>12.4}  {name}"),
        }
    }
}
