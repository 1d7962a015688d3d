//! `kleroterion eigenbench fit`: comparisons to a leaderboard with intervals.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Common;
use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::terminal::TerminalProgress;
use super::files::keep;
use crate::eigenbench::btd::FitSpec;
use crate::eigenbench::leaderboard::{Leaderboard, LeaderboardError, LeaderboardSpec, leaderboard};
use crate::eigenbench::trust::{PreTrust, Settling};
use crate::eigenbench::uncertainty::Unit;
use crate::formats::comparisons::{ReadComparisons, read};
use crate::jobs::import_comparisons::ComparisonSource;

#[derive(Clone, Copy, ValueEnum)]
enum Cluster {
    /// All rows of a scenario together: rows of one are not independent.
    Scenario,
    /// Row by row, as in the paper; intervals come out too narrow.
    Rows,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dangling {
    /// An error.
    Refuse,
    /// It trusts all models alike.
    Uniform,
}

/// How rows become a leaderboard.
#[derive(Args)]
pub(super) struct FitOptions {
    /// Dimension of judges' lenses.
    #[arg(long, value_name = "D", default_value_t = 2)]
    dim: usize,
    /// Ridge on all parameters beside the mean negative log-likelihood; 0 is the plain maximum of the likelihood.
    #[arg(long, value_name = "X", default_value_t = 1e-3)]
    ridge: f64,
    /// Share of trust that is dealt out equally at every step.
    #[arg(long, value_name = "A", default_value_t = 0.0)]
    damping: f64,
    /// Damped trust goes back to this model (repeat), instead of to all alike.
    #[arg(long, value_name = "MODEL")]
    pre_trust: Vec<String>,
    /// Descents from different starts.
    #[arg(long, value_name = "N", default_value_t = 10)]
    starts: u32,
    /// Refit so many resamples, for 95 % intervals.
    #[arg(long, value_name = "N")]
    bootstrap: Option<u32>,
    /// What is drawn again.
    #[arg(long, value_enum, default_value = "scenario")]
    cluster: Cluster,
    /// What a judge without rows is.
    #[arg(long, value_enum, default_value = "refuse")]
    dangling: Dangling,
    /// Leave choices as they are where both orders of a pair contradict each other (otherwise they count as ties).
    #[arg(long)]
    as_is: bool,
    /// Held-out loss of dimensions 1 to D, by folds of scenarios.
    #[arg(long, value_name = "FOLDS")]
    cross_validate: Option<usize>,
    /// Also give Elo with the mean of these models at 1500 (repeat), so that leaderboards of two populations compare.
    #[arg(long, value_name = "MODEL")]
    anchor: Vec<String>,
}

impl FitOptions {
    /// Checks the settings; `resamples` is how many refits there are where the user does not say.
    pub(super) fn spec(&self, models: &[String], seed: u64, resamples: u32) -> Result<LeaderboardSpec, Failure> {
        self.check()?;
        let place = |flag: &str, name: &String| {
            let known = models.iter().position(|model| model == name);
            known.ok_or_else(|| {
                Failure::Input(format!("{flag} {name}: there is no such model. There are {}", models.join(", ")))
            })
        };
        Ok(LeaderboardSpec {
            fit: FitSpec { dimension: self.dim, ridge: self.ridge, starts: self.starts, seed },
            settling: Settling {
                damping: self.damping,
                pre_trust: match self.pre_trust.is_empty() {
                    true => PreTrust::Equal,
                    false => PreTrust::Models(
                        self.pre_trust.iter().map(|name| place("--pre-trust", name)).collect::<Result<_, _>>()?,
                    ),
                },
            },
            dangling: self.dangling == Dangling::Uniform,
            reconcile: !self.as_is,
            resamples: self.bootstrap.unwrap_or(resamples),
            unit: match self.cluster {
                Cluster::Scenario => Unit::Scenario,
                Cluster::Rows => Unit::Rows,
            },
            folds: self.cross_validate,
            anchors: self.anchor.iter().map(|name| place("--anchor", name)).collect::<Result<_, _>>()?,
        })
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = |message: String| Err(Failure::Input(message));
        if self.dim == 0 {
            return wrong("--dim 0: judges need at least one dimension".into());
        }
        if !(0.0..=1.0).contains(&self.damping) {
            return wrong(format!("--damping {}: give a share from 0 to 1", self.damping));
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return wrong(format!("--ridge {}: give a number that is not negative", self.ridge));
        }
        if self.starts == 0 {
            return wrong("--starts 0: at least one start is needed".into());
        }
        if self.cross_validate.is_some_and(|folds| folds < 2) {
            return wrong("--cross-validate needs at least 2 folds".into());
        }
        Ok(())
    }
}

/// What the user should hear of a leaderboard.
pub(super) fn told(board: &Leaderboard) {
    if let Some(orders) = &board.orders
        && orders.first + orders.second > 0
    {
        let contradicting = orders.first + orders.second;
        eprintln!(
            "{contradicting} of {} pairs contradict themselves when turned round and count as ties",
            orders.pairs
        );
    }
    board.warnings.iter().for_each(|warning| eprintln!("warning: {warning}; the ridge decides here"));
}

/// The leaderboard of a file of comparisons.
#[derive(Args)]
pub(crate) struct FitCommand {
    #[command(flatten)]
    common: Common,
    /// CSV with scenario, judge, eval1, eval2 and choice (0 tie, 1 first, 2 second), and where wanted criterion and pass; models
    /// by names or numbers.
    #[arg(long, value_name = "CSV")]
    comparisons: PathBuf,
    #[command(flatten)]
    options: FitOptions,
}

impl FitCommand {
    pub(super) fn run(self) -> Outcome {
        self.options.check()?;
        let mut read = read(&self.comparisons).map_err(Failure::input)?;
        let judged = read.evaluees_first();
        let ReadComparisons { models, rows, .. } = read;
        let (models, outside) = models.split_at(judged);
        let spec = self.options.spec(models, self.common.seed, 0)?;
        let run = keep(&self.common, &self.comparisons, ComparisonSource::Comparisons)?;
        let started = Instant::now();
        let progress = TerminalProgress::new();
        let found = leaderboard(models, outside, &rows, &spec, &progress).map_err(|error| match error {
            LeaderboardError::Cancelled(_) => Failure::Cancelled,
            other => Failure::Input(format!("{other} ({})", self.comparisons.display())),
        })?;
        progress.finish();
        told(&found);
        print(&found);
        let mut report = json!(found);
        if let Some(run) = run {
            report["run"] = json!(run);
        }
        report["seconds"] = json!(started.elapsed().as_secs_f64());
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// The leaderboard for people.
pub(super) fn print(board: &Leaderboard) {
    let mut rows: Vec<(f64, String)> = (board.models.iter().zip(&board.elo))
        .enumerate()
        .map(|(place, (name, &elo))| {
            let interval = board.intervals.as_ref().map_or_else(String::new, |intervals| {
                let own = &intervals.elo[place].interval;
                format!("  [{:.1}, {:.1}]", own.lower, own.upper)
            });
            (elo, format!("{elo:>9.1}{interval}  {name}"))
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.iter().for_each(|(_, line)| eprintln!("{line}"));
    eprintln!("{} of {} starts agree; mean loss {:.6}", board.starts_agreeing, board.starts, board.mean_nll);
}
