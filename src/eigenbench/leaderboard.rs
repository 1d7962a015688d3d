//! From rows of judgements to a leaderboard, with everything that is told of it.

use super::btd::{Btd, Fit, FitSpec, fit};
use super::choice_of_dimension::{HeldOutLoss, cross_validate};
use super::comparisons::{Comparison, counted};
use super::existence::{Obstacle, obstacles, weak_judges};
use super::lens_map::{LensMap, lens_map};
use super::reconcile::{Orders, reconcile};
use super::trust::{Settling, TrustError, anchored_elo, elo, trust_matrix};
use super::uncertainty::{Interval, Unit, bootstrap};
use crate::progress::{Cancelled, Progress};

/// What to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderboardSpec {
    pub fit: FitSpec,
    pub settling: Settling,
    /// Whether a judge without rows trusts all models alike; else it is refused.
    pub dangling: bool,
    /// Whether contradictions between both orders become ties.
    pub reconcile: bool,
    /// Refits for intervals; 0 gives none.
    pub resamples: u32,
    /// What is drawn again.
    pub unit: Unit,
    /// Folds of scenarios for held-out loss of the dimensions 1 to that of the fit.
    pub folds: Option<usize>,
    /// Models whose mean Elo is 1500; all of them where there is none.
    pub anchors: Vec<usize>,
}

/// Elo of one model over resamples.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NamedInterval {
    pub name: String,
    #[serde(flatten)]
    pub interval: Interval,
}

/// How sure a leaderboard is.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Intervals {
    pub cluster: Unit,
    pub resamples: usize,
    /// Resamples without one leaderboard.
    pub without_answer: usize,
    /// By model, without anchors.
    pub elo: Vec<NamedInterval>,
    /// Of Elo with the anchors' mean at 1500 in every resample, where there are anchors: an anchor alone does not move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchored_elo: Option<Vec<NamedInterval>>,
    /// Share of resamples in which the model of the row is above that of the column.
    pub above: Vec<Vec<f64>>,
}

/// A leaderboard.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Leaderboard {
    pub models: Vec<String>,
    /// Judges outside the population, who are not judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
    /// Sums to 1.
    pub trust: Vec<f64>,
    pub elo: Vec<f64>,
    /// Elo with the anchors' mean at 1500, where there are anchors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchored_elo: Option<Vec<f64>>,
    /// Trust of judges (rows; those outside the population last) in models.
    pub matrix: Vec<Vec<f64>>,
    pub mean_nll: f64,
    pub objective: f64,
    pub slope: f64,
    pub starts: u32,
    pub starts_agreeing: u32,
    /// Propensity to ties of each judge.
    pub lambda: Vec<f64>,
    pub scores: Vec<Vec<f64>>,
    pub lens_map: Option<LensMap>,
    /// Contradictions that became ties, where they did.
    pub orders: Option<Orders>,
    pub rows: usize,
    pub scenarios: usize,
    /// Judges whose own rows have no finite fit.
    pub warnings: Vec<String>,
    pub power_steps: Option<u32>,
    pub periodic: bool,
    pub spec: FitSpec,
    #[serde(flatten)]
    pub settling: Settling,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Vec<HeldOutLoss>>,
}

/// Why there is no leaderboard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaderboardError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The rows do not determine it; with names and a way out.
    #[error("{0}")]
    Undetermined(String),
    /// Without a ridge a judge has no finite fit.
    #[error("{0}; add a ridge, such as 0.001")]
    Unbounded(String),
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Computes a leaderboard of `models` from rows that may still contradict themselves; judges from place `models.len()` on are
/// called `outside`.
///
/// # Errors
/// [`LeaderboardError`].
pub fn leaderboard(
    models: &[String],
    outside: &[String],
    rows: &[Comparison],
    spec: &LeaderboardSpec,
    progress: &dyn Progress,
) -> Result<Leaderboard, LeaderboardError> {
    let n = models.len();
    let mut rows = rows.to_vec();
    let orders = spec.reconcile.then(|| reconcile(&mut rows));
    let cells = counted(&rows, |_| 1.0);
    let judges = [models, outside].concat();
    let words = |found: &[Obstacle]| found.iter().map(|own| own.words(&judges)).collect::<Vec<_>>();
    let found = obstacles(n, &cells, spec.dangling);
    if !found.is_empty() {
        return Err(LeaderboardError::Undetermined(words(&found).join("; ")));
    }
    let warnings = words(&weak_judges(n, &cells));
    if spec.fit.ridge == 0.0 && !warnings.is_empty() {
        return Err(LeaderboardError::Unbounded(warnings.join("; ")));
    }
    let Fit { mut model, mean_nll, objective, slope, starts_agreeing } = fit(n, &cells, spec.fit, None, progress)?;
    let mut matrix = trust_matrix(&model);
    let board = spec.settling.settle(&matrix, n)?;
    let scenarios: std::collections::BTreeSet<u32> = rows.iter().map(|row| row.scenario).collect();
    let by_rows = |flat: &[f64]| flat.chunks_exact(n).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let intervals = match spec.resamples {
        0 => None,
        _ => Some(intervals(models, &rows, &model, spec, progress)?),
    };
    let held_out = match spec.folds {
        Some(folds) => {
            let dimensions: Vec<usize> = (1..=spec.fit.dimension).collect();
            Some(cross_validate(n, &rows, &dimensions, folds, spec.fit, progress)?)
        }
        None => None,
    };
    // The fit knows judges up to the last that has rows; those after it prefer nobody.
    model.lenses.resize(judges.len() * model.dimension, 0.0);
    model.log_ties.resize(judges.len(), 0.0);
    matrix.resize(judges.len() * n, 1.0 / n as f64);
    Ok(Leaderboard {
        models: models.to_vec(),
        outside: outside.to_vec(),
        elo: elo(&board.trust),
        anchored_elo: (!spec.anchors.is_empty()).then(|| anchored_elo(&board.trust, &spec.anchors)),
        trust: board.trust,
        matrix: by_rows(&matrix),
        mean_nll,
        objective,
        slope,
        starts: spec.fit.starts,
        starts_agreeing,
        lambda: model.log_ties.iter().map(|log| log.exp()).collect(),
        scores: by_rows(&model.scores()),
        lens_map: lens_map(&model),
        orders,
        rows: rows.len(),
        scenarios: scenarios.len(),
        warnings,
        power_steps: board.power_steps,
        periodic: board.periodic,
        spec: spec.fit,
        settling: spec.settling.clone(),
        intervals,
        held_out,
    })
}

fn intervals(
    models: &[String],
    rows: &[Comparison],
    best: &Btd,
    spec: &LeaderboardSpec,
    progress: &dyn Progress,
) -> Result<Intervals, Cancelled> {
    let mut drawn = bootstrap(rows, best, spec.fit, &spec.settling, spec.unit, spec.resamples, progress)?;
    let n = models.len();
    let named = |found: Vec<Interval>| {
        let one = |(interval, name): (Interval, &String)| NamedInterval { name: name.clone(), interval };
        found.into_iter().zip(models).map(one).collect::<Vec<NamedInterval>>()
    };
    let elo = named(drawn.intervals());
    let above = (0..n).map(|a| (0..n).map(|b| drawn.above(a, b)).collect()).collect();
    let anchored_elo = (!spec.anchors.is_empty()).then(|| {
        for own in &mut drawn.elo {
            let mean = spec.anchors.iter().map(|&anchor| own[anchor]).sum::<f64>() / spec.anchors.len() as f64;
            own.iter_mut().for_each(|rating| *rating += 1500.0 - mean);
        }
        named(drawn.intervals())
    });
    let (cluster, resamples, without_answer) = (spec.unit, drawn.elo.len(), drawn.failed);
    Ok(Intervals { cluster, resamples, without_answer, elo, anchored_elo, above })
}
