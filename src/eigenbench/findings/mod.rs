//! Everything that can be said of judgements at once: the leaderboard with its intervals, who wins against whom, what judges are
//! like, criteria, length, personas, and how much of it hangs on choices (eigenbench.md, sections 4 to 8).

mod length_aware;
mod personas;
mod residuals;
#[cfg(test)]
mod tests;
mod variants;
mod wins;

use std::collections::BTreeSet;

use faer::Mat;

use super::btd::{FitSpec, fit};
use super::comparisons::{Comparison, counted};
use super::diagnostics::{
    Distance, JudgeDiagnosis, agreement, coverage, diagnose_judges, longer_shares, trust_distances,
};
use super::existence::obstacles;
use super::leaderboard::{Leaderboard, LeaderboardError, LeaderboardSpec, leaderboard};
use super::reconcile::reconcile;
use super::trust::{Settling, elo, trust_matrix};
use super::uncertainty::Unit;
use crate::progress::{Cancelled, Progress};

pub use length_aware::{LengthAware, fit_length_aware};
pub use personas::{PersonaSplit, persona_split};
pub use residuals::{CalibrationBin, Residual};
pub use variants::Variant;
pub use wins::{WinShare, points, win_matrix};

/// Refits for the intervals of one criterion.
const CRITERION_RESAMPLES: u32 = 100;

/// What was judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    pub models: Vec<String>,
    /// Judges outside the population, at places from the number of models on.
    pub outside: Vec<String>,
    /// By the criterion of a row.
    pub criteria: Vec<String>,
    /// Of each model: which language model speaks; empty where it is not known.
    pub language_models: Vec<u16>,
    /// Of each model, empty for none.
    pub personas: Vec<String>,
    /// Words of responses, `[scenarios][models]`; empty where they are not known.
    pub lengths: Vec<Vec<Option<u32>>>,
    pub rows: Vec<Comparison>,
}

impl Judged {
    /// The name of a judge, in the population or outside.
    pub fn judge(&self, place: u16) -> &str {
        let place = usize::from(place);
        let outside = || self.outside.get(place - self.models.len());
        self.models.get(place).or_else(outside).map_or("?", String::as_str)
    }

    /// How many judges there may be.
    pub fn judges(&self) -> usize {
        self.models.len() + self.outside.len()
    }
}

/// What to compute, and from which judgements.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub board: LeaderboardSpec,
    /// Criteria whose judgements count; all where it is empty.
    pub criteria: BTreeSet<u16>,
    /// Judges whose judgements do not count.
    pub judges_left_out: BTreeSet<u16>,
    /// Whether judgements of a judge on itself count.
    pub self_judging: bool,
    /// Only the leaderboard, without intervals, and what is counted: while judgements keep coming in.
    pub quick: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            board: LeaderboardSpec {
                fit: FitSpec { dimension: 2, ridge: 1e-3, starts: 10, seed: 0 },
                settling: Settling::default(),
                dangling: false,
                reconcile: true,
                resamples: 200,
                unit: Unit::Scenario,
                folds: None,
                anchors: Vec::new(),
            },
            criteria: BTreeSet::new(),
            judges_left_out: BTreeSet::new(),
            self_judging: true,
            quick: false,
        }
    }
}

/// The leaderboard by one criterion alone.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CriterionBoard {
    /// The criterion's place.
    pub criterion: u16,
    pub rows: usize,
    /// Elo of each model with its 95 % interval over scenarios, or why there is none.
    pub elo: Result<Vec<CriterionElo>, String>,
}

/// Elo of a model by one criterion.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CriterionElo {
    pub elo: f64,
    pub interval: Option<[f64; 2]>,
}

/// A leaderboard of the criterion-conditioned fit: judges have a lens for each criterion, models one disposition for all
/// (section 4).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Conditioned {
    /// Elo by criterion and model, `[criteria][models]`.
    pub elo: Vec<Vec<f64>>,
    /// Trust by criterion, judge (those outside the population last) and model; a judge without judgements by a criterion trusts
    /// all alike.
    pub trust: Vec<Vec<Vec<f64>>>,
    /// Mean negative log-likelihood, and that of the merged fit of the same rows.
    pub mean_nll: f64,
    pub mean_nll_merged: f64,
}

/// The effect of length.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LengthEffect {
    /// By judge; positive where it likes the longer response.
    pub effects: Vec<f64>,
    /// The leaderboard with the effect taken out.
    pub elo: Vec<f64>,
    pub mean_nll: f64,
    pub mean_nll_without: f64,
    pub rows: usize,
}

/// How much hangs on what.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Robustness {
    pub variants: Vec<Variant>,
    pub without_judges: Vec<Variant>,
    pub without_models: Vec<Variant>,
    pub residuals: Vec<Residual>,
    pub calibration: Vec<CalibrationBin>,
    /// Size of the second eigenvalue of the trust matrix: how fast trust settles.
    pub second_eigenvalue: Option<f64>,
    /// Elo where all judges weigh alike.
    pub uniform: Vec<f64>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Findings {
    pub models: Vec<String>,
    pub outside: Vec<String>,
    /// Judgements that count.
    pub rows: usize,
    /// Or why there is none.
    pub board: Result<Leaderboard, String>,
    pub wins: Vec<Vec<Option<WinShare>>>,
    /// The same by each judge alone, those outside the population last.
    pub wins_by_judge: Vec<Vec<Vec<Option<WinShare>>>>,
    /// Share of points of each model against all others together, by each judge alone, `[judges][models]`.
    pub points_by_judge: Vec<Vec<Option<WinShare>>>,
    /// By judge, those outside the population last.
    pub judges: Vec<JudgeDiagnosis>,
    /// Of each judge's strict choices between responses of unlike length, the share that chose the longer.
    pub longer: Vec<Option<f64>>,
    /// Judgements of each judge with each model, `[judges][models]`.
    pub coverage: Vec<Vec<u64>>,
    /// Krippendorff's alpha, nominal and interval.
    pub alpha: [Option<f64>; 2],
    /// Sums of absolute differences between rows of trust, `[judges][judges]`.
    pub distances: Vec<Vec<f64>>,
    pub by_criterion: Vec<CriterionBoard>,
    pub conditioned: Option<Conditioned>,
    pub length: Result<LengthEffect, String>,
    pub personas: Result<PersonaSplit, String>,
    pub robustness: Option<Robustness>,
}

/// What variants are fitted from.
struct Material<'a> {
    models: &'a [String],
    outside: &'a [String],
    /// Reconciled where that is asked for.
    rows: &'a [Comparison],
    fit: FitSpec,
    settling: &'a Settling,
    dangling: bool,
    reconciled: bool,
}

impl Material<'_> {
    fn name(&self, judge: u16) -> &str {
        let place = usize::from(judge);
        let outside = || self.outside.get(place - self.models.len());
        self.models.get(place).or_else(outside).map_or("?", String::as_str)
    }
}

impl Findings {
    /// Computes all of it.
    ///
    /// # Errors
    /// When the caller asks for the end.
    pub fn compute(judged: &Judged, settings: &Settings, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let (n, judges) = (judged.models.len(), judged.judges());
        let counts = |row: &&Comparison| {
            (settings.criteria.is_empty() || settings.criteria.contains(&row.criterion))
                && !settings.judges_left_out.contains(&row.judge)
                && (settings.self_judging || (row.judge != row.first && row.judge != row.second))
        };
        let given: Vec<Comparison> = judged.rows.iter().filter(counts).copied().collect();
        let mut reconciled = given.clone();
        reconcile(&mut reconciled);
        let spec = LeaderboardSpec {
            resamples: if settings.quick { 0 } else { settings.board.resamples },
            folds: if settings.quick { None } else { settings.board.folds },
            fit: FitSpec {
                starts: if settings.quick { settings.board.fit.starts.min(2) } else { settings.board.fit.starts },
                ..settings.board.fit
            },
            ..settings.board.clone()
        };
        progress.stage("fitting the leaderboard");
        let board = match leaderboard(&judged.models, &judged.outside, &given, &spec, progress) {
            Ok(board) => Ok(board),
            Err(LeaderboardError::Cancelled(cancelled)) => return Err(cancelled),
            Err(problem) => Err(problem.to_string()),
        };
        let length = |scenario: u32, model: u16| *judged.lengths.get(scenario as usize)?.get(usize::from(model))?;
        let by_rows = |flat: Vec<f64>, width: usize| flat.chunks_exact(width.max(1)).map(<[f64]>::to_vec).collect();
        let distances = board.as_ref().map(|board| by_rows(trust_distances(&board.matrix.concat(), n), judges));
        let of_judge = |judge: usize| -> Vec<Comparison> {
            reconciled.iter().filter(|row| usize::from(row.judge) == judge).copied().collect()
        };
        let mut found = Self {
            models: judged.models.clone(),
            outside: judged.outside.clone(),
            rows: given.len(),
            wins: win_matrix(n, &reconciled),
            wins_by_judge: (0..judges).map(|judge| win_matrix(n, &of_judge(judge))).collect(),
            points_by_judge: (0..judges).map(|judge| points(n, &of_judge(judge))).collect(),
            judges: diagnose_judges(judges, &given),
            longer: longer_shares(judges, &reconciled, length),
            coverage: coverage(judges, n, &given).chunks_exact(n.max(1)).map(<[u64]>::to_vec).collect(),
            alpha: [Distance::Nominal, Distance::Interval].map(|distance| agreement(&reconciled, distance)),
            distances: distances.unwrap_or_default(),
            by_criterion: Vec::new(),
            conditioned: None,
            length: Err("Lengths are compared once judgements rest.".to_owned()),
            personas: match &board {
                Ok(board) => persona_split(&judged.language_models, &judged.personas, &board.trust, &board.elo),
                Err(problem) => Err(problem.clone()),
            },
            robustness: None,
            board,
        };
        if settings.quick {
            return Ok(found);
        }
        let rows = if spec.reconcile { &reconciled } else { &given };
        let material = Material {
            models: &judged.models,
            outside: &judged.outside,
            rows,
            fit: spec.fit,
            settling: &spec.settling,
            dangling: spec.dangling,
            reconciled: spec.reconcile,
        };
        progress.stage("fitting each criterion");
        found.by_criterion = by_criterion(&material, &spec, progress)?;
        found.conditioned = conditioned(&material, found.board.as_ref().ok(), progress)?;
        progress.stage("fitting the effect of length");
        found.length = length_effect(&material, &judged.lengths, progress)?;
        if let Ok(board) = &found.board {
            progress.stage("leaving out one at a time");
            let (residuals, calibration) = residuals::residuals(&counted(rows, |_| 1.0), &board.scores, &board.lambda);
            found.robustness = Some(Robustness {
                variants: variants::sensitivity(&material, &given, progress)?,
                without_judges: variants::without_judges(&material, progress)?,
                without_models: variants::without_models(&material, &board.elo, progress)?,
                residuals,
                calibration,
                second_eigenvalue: second_eigenvalue(&board.matrix[..n]),
                uniform: uniform(&board.matrix[..n]),
            });
        }
        Ok(found)
    }
}

/// Elo where every judge of the population weighs alike.
fn uniform(matrix: &[Vec<f64>]) -> Vec<f64> {
    let n = matrix.len();
    elo(&(0..n).map(|model| matrix.iter().map(|row| row[model]).sum::<f64>() / n as f64).collect::<Vec<f64>>())
}

/// The second largest size of an eigenvalue; `None` where the decomposition fails or there is one model alone.
fn second_eigenvalue(matrix: &[Vec<f64>]) -> Option<f64> {
    let n = matrix.len();
    let values = Mat::from_fn(n, n, |i, j| matrix[i][j]).eigenvalues().ok()?;
    let mut sizes: Vec<f64> = values.iter().map(|value| value.re.hypot(value.im)).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    sizes.get(1).copied()
}

fn by_criterion(
    material: &Material<'_>,
    spec: &LeaderboardSpec,
    progress: &dyn Progress,
) -> Result<Vec<CriterionBoard>, Cancelled> {
    let criteria: BTreeSet<u16> = material.rows.iter().map(|row| row.criterion).collect();
    let all = criteria.len() as u64;
    let mut boards = Vec::with_capacity(criteria.len());
    for (done, criterion) in criteria.into_iter().enumerate() {
        progress.report(done as u64, all);
        progress.checkpoint()?;
        let rows: Vec<Comparison> = material.rows.iter().filter(|row| row.criterion == criterion).copied().collect();
        let own = LeaderboardSpec {
            resamples: spec.resamples.min(CRITERION_RESAMPLES),
            folds: None,
            // The rows are reconciled already, and a criterion alone may leave a judge without rows.
            reconcile: false,
            dangling: true,
            anchors: Vec::new(),
            fit: FitSpec { starts: spec.fit.starts.min(3), ..spec.fit },
            ..spec.clone()
        };
        let found = leaderboard(material.models, material.outside, &rows, &own, &Quiet(progress));
        let elo = match found {
            Ok(board) => {
                let interval = |model: usize| {
                    let own = &board.intervals.as_ref()?.elo[model].interval;
                    Some([own.lower, own.upper])
                };
                Ok(board.elo.iter().enumerate().map(|(m, &elo)| CriterionElo { elo, interval: interval(m) }).collect())
            }
            Err(LeaderboardError::Cancelled(cancelled)) => return Err(cancelled),
            Err(problem) => Err(problem.to_string()),
        };
        boards.push(CriterionBoard { criterion, rows: rows.len(), elo });
    }
    Ok(boards)
}

/// Passes on whether to stop, and reports nothing: what is counted here is a part of something larger.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn stage(&self, _name: &str) {}

    fn report(&self, _done: u64, _total: u64) {}

    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.0.checkpoint()
    }
}

/// The criterion-conditioned fit: judge `i` by criterion `c` is a judge of its own, at place `n + c J + i`, so that lenses and
/// ties are its own and dispositions are shared. The places of the population itself stay without rows.
fn conditioned(
    material: &Material<'_>,
    merged: Option<&Leaderboard>,
    progress: &dyn Progress,
) -> Result<Option<Conditioned>, Cancelled> {
    let criteria: Vec<u16> =
        material.rows.iter().map(|row| row.criterion).collect::<BTreeSet<u16>>().into_iter().collect();
    let (n, judges) = (material.models.len(), material.models.len() + material.outside.len());
    let places = n + criteria.len() * judges;
    let Some(merged) = merged.filter(|_| criteria.len() > 1 && places <= usize::from(u16::MAX)) else {
        return Ok(None);
    };
    let place = |row: &Comparison| {
        let criterion = criteria.iter().position(|known| *known == row.criterion).unwrap_or_default();
        (n + criterion * judges + usize::from(row.judge)) as u16
    };
    let rows: Vec<Comparison> = material.rows.iter().map(|row| Comparison { judge: place(row), ..*row }).collect();
    let cells = counted(&rows, |_| 1.0);
    if !obstacles(n, &cells, true).is_empty() {
        return Ok(None);
    }
    let spec = FitSpec { starts: material.fit.starts.min(3), ridge: material.fit.ridge.max(1e-6), ..material.fit };
    let found = fit(n, &cells, spec, None, &Quiet(progress))?;
    let matrix = trust_matrix(&found.model);
    let trust_by = |criterion: usize| -> Vec<Vec<f64>> {
        // Judges of the population first, as the leaderboard wants them; one that the cells do not reach trusts all alike.
        let row = |judge: usize| {
            let at = (n + criterion * judges + judge) * n;
            matrix.get(at..at + n).map_or_else(|| vec![1.0 / n as f64; n], <[f64]>::to_vec)
        };
        (0..judges).map(row).collect()
    };
    let trust: Vec<Vec<Vec<f64>>> = (0..criteria.len()).map(trust_by).collect();
    let board = |own: &Vec<Vec<f64>>| material.settling.settle(&own.concat(), n).map(|found| elo(&found.trust)).ok();
    let elo: Option<Vec<Vec<f64>>> = trust.iter().map(board).collect();
    Ok(elo.map(|elo| Conditioned { elo, trust, mean_nll: found.mean_nll, mean_nll_merged: merged.mean_nll }))
}

fn length_effect(
    material: &Material<'_>,
    lengths: &[Vec<Option<u32>>],
    progress: &dyn Progress,
) -> Result<Result<LengthEffect, String>, Cancelled> {
    let n = material.models.len();
    let spec = FitSpec { starts: material.fit.starts.min(2), ..material.fit };
    let Some(found) = fit_length_aware(n, material.rows, lengths, spec, progress)? else {
        return Ok(Err("The lengths of responses are not known (yet).".to_owned()));
    };
    let settled = material.settling.settle(&trust_matrix(&found.model), n);
    Ok(settled
        .map(|settled| LengthEffect {
            effects: found.effects,
            elo: elo(&settled.trust),
            mean_nll: found.mean_nll,
            mean_nll_without: found.mean_nll_without,
            rows: found.rows,
        })
        .map_err(|problem| problem.to_string()))
}

/// Scenarios that bring an interval of this half width down to `wanted`, if it shrinks with their root (section 6); at least those
/// that there are.
pub fn scenarios_wanted(scenarios: usize, half_width: f64, wanted: f64) -> usize {
    let more = (half_width / wanted).powi(2);
    if more <= 1.0 { scenarios } else { (scenarios as f64 * more).ceil() as usize }
}
