//! `kleroterion eigenbench fit`: comparisons to a leaderboard with intervals.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Common;
use super::demand::{Failure, Outcome};
use super::output;
use super::terminal::TerminalProgress;
use crate::eigenbench::btd::{Fit, FitSpec, fit};
use crate::eigenbench::choice_of_dimension::cross_validate;
use crate::eigenbench::comparisons::{Comparison, Orders, counted, reconcile};
use crate::eigenbench::existence::{Obstacle, obstacles, weak_judges};
use crate::eigenbench::lens_map::lens_map;
use crate::eigenbench::trust::{eigentrust, elo, trust_matrix};
use crate::eigenbench::uncertainty::{Unit, bootstrap};
use crate::formats::comparisons::{ReadComparisons, read};

/// Models judge each other: from comparisons to a leaderboard.
#[derive(Subcommand)]
pub(crate) enum Eigenbench {
    /// Fit judges' lenses, the trust matrix and Elo to comparisons.
    Fit(FitCommand),
}

impl Eigenbench {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Fit(command) => command.run(),
        }
    }
}

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

/// The leaderboard of a file of comparisons.
#[derive(Args)]
pub(crate) struct FitCommand {
    #[command(flatten)]
    common: Common,
    /// CSV with scenario, judge, eval1, eval2 and choice (0 tie, 1 first, 2 second); models by names or numbers.
    #[arg(long, value_name = "CSV")]
    comparisons: PathBuf,
    /// Dimension of judges' lenses.
    #[arg(long, value_name = "D", default_value_t = 2)]
    dim: usize,
    /// Ridge on all parameters beside the mean negative log-likelihood; 0 is the plain maximum of the likelihood.
    #[arg(long, value_name = "X", default_value_t = 1e-3)]
    ridge: f64,
    /// Share of trust that is dealt out equally at every step.
    #[arg(long, value_name = "A", default_value_t = 0.0)]
    damping: f64,
    /// Descents from different starts.
    #[arg(long, value_name = "N", default_value_t = 10)]
    starts: u32,
    /// Refit so many resamples, for 95 % intervals.
    #[arg(long, value_name = "N", default_value_t = 0)]
    bootstrap: u32,
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
}

impl FitCommand {
    fn run(self) -> Outcome {
        self.check()?;
        let ReadComparisons { models, scenarios, mut rows } = read(&self.comparisons).map_err(Failure::input)?;
        let n = models.len();
        let orders = if self.as_is { None } else { Some(reconcile(&mut rows)) };
        if let Some(Orders { pairs, first, second, .. }) = &orders
            && first + second > 0
        {
            eprintln!("{} of {pairs} pairs contradict themselves when turned round and count as ties", first + second);
        }
        let cells = counted(&rows, |_| 1.0);
        let words = |found: &[Obstacle]| found.iter().map(|own| own.words(&models)).collect::<Vec<_>>();
        let found = obstacles(n, &cells, self.dangling == Dangling::Uniform);
        if !found.is_empty() {
            return Err(Failure::Input(format!("{} ({})", words(&found).join("; "), self.comparisons.display())));
        }
        let weak = words(&weak_judges(n, &cells));
        if self.ridge == 0.0 && !weak.is_empty() {
            return Err(Failure::Input(format!("{}; add a ridge (--ridge 0.001)", weak.join("; "))));
        }
        weak.iter().for_each(|warning| eprintln!("warning: {warning}; the ridge decides here"));
        let started = Instant::now();
        let spec = FitSpec { dimension: self.dim, ridge: self.ridge, starts: self.starts, seed: self.common.seed };
        let progress = TerminalProgress::new();
        let fitted = fit(n, &cells, spec, None, &progress).map_err(|_| Failure::Cancelled)?;
        let matrix = trust_matrix(&fitted.model);
        let board = eigentrust(&matrix, self.damping, None).map_err(Failure::input)?;
        let seconds = started.elapsed().as_secs_f64();
        let ratings = elo(&board.trust);
        let mut report = json!({
            "models": models, "trust": board.trust, "elo": ratings,
            "matrix": matrix.chunks_exact(n).collect::<Vec<_>>(),
            "mean_nll": fitted.mean_nll, "objective": fitted.objective, "slope": fitted.slope,
            "starts": self.starts, "starts_agreeing": fitted.starts_agreeing,
            "lambda": fitted.model.log_ties.iter().map(|log| log.exp()).collect::<Vec<_>>(),
            "scores": fitted.model.scores().chunks_exact(n).collect::<Vec<_>>(),
            "lens_map": lens_map(&fitted.model),
            "orders": orders, "rows": rows.len(), "scenarios": scenarios.len(), "warnings": weak,
            "power_steps": board.power_steps, "periodic": board.periodic,
            "spec": spec, "damping": self.damping, "seconds": seconds,
        });
        if self.bootstrap > 0 {
            report["intervals"] = self.intervals(&models, &rows, &fitted, spec, &progress)?;
        }
        if let Some(folds) = self.cross_validate {
            let dimensions: Vec<usize> = (1..=self.dim).collect();
            let losses = cross_validate(n, &rows, &dimensions, folds, spec, &progress);
            report["held_out"] = json!(losses.map_err(|_| Failure::Cancelled)?);
        }
        progress.finish();
        print(&report);
        output::write_json(self.common.json.as_deref(), &report)
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

    fn intervals(
        &self,
        models: &[String],
        rows: &[Comparison],
        fitted: &Fit,
        spec: FitSpec,
        progress: &TerminalProgress,
    ) -> Result<Value, Failure> {
        let unit = match self.cluster {
            Cluster::Scenario => Unit::Scenario,
            Cluster::Rows => Unit::Rows,
        };
        let drawn = bootstrap(rows, &fitted.model, spec, self.damping, unit, self.bootstrap, progress)
            .map_err(|_| Failure::Cancelled)?;
        let n = models.len();
        let above: Vec<Vec<f64>> = (0..n).map(|a| (0..n).map(|b| drawn.above(a, b)).collect()).collect();
        let rows: Vec<Value> = drawn
            .intervals()
            .iter()
            .zip(models)
            .map(|(interval, name)| {
                let mut row = json!(interval);
                row["name"] = json!(name);
                row
            })
            .collect();
        Ok(json!({
            "cluster": unit, "resamples": drawn.elo.len(), "without_answer": drawn.failed, "elo": rows, "above": above,
        }))
    }
}

/// The leaderboard for people.
fn print(report: &Value) {
    let names = report["models"].as_array().into_iter().flatten();
    let mut rows: Vec<(f64, String)> = names
        .enumerate()
        .map(|(place, name)| {
            let elo = report["elo"][place].as_f64().unwrap_or(f64::NAN);
            let own = &report["intervals"]["elo"][place];
            let interval = match (own["lower"].as_f64(), own["upper"].as_f64()) {
                (Some(lower), Some(upper)) => format!("  [{lower:.1}, {upper:.1}]"),
                _ => String::new(),
            };
            (elo, format!("{elo:>9.1}{interval}  {}", name.as_str().unwrap_or_default()))
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.iter().for_each(|(_, line)| eprintln!("{line}"));
    let agreeing = (report["starts_agreeing"].as_u64(), report["starts"].as_u64());
    if let (Some(agreeing), Some(starts)) = agreeing {
        eprintln!(
            "{agreeing} of {starts} starts agree; mean loss {:.6}",
            report["mean_nll"].as_f64().unwrap_or(f64::NAN)
        );
    }
}
