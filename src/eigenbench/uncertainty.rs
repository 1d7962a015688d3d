//! How sure a leaderboard is (eigenbench.md, section 6): scenarios drawn again, or rows as in the paper. Rows of one scenario
//! are not independent, so that rows understate.

use super::btd::{Btd, FitSpec, fit};
use super::comparisons::{Comparison, counted};
use super::trust::{Settling, elo, trust_matrix};
use crate::progress::{Cancelled, Progress};
use crate::statistics::{Stream, quantile, sorted};

/// What is drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// All rows of a scenario together.
    Scenario,
    /// Row by row, as in the paper.
    Rows,
}

/// Elo of one model over resamples.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// 2.5 % quantile of Elo.
    pub lower: f64,
    /// 97.5 % quantile.
    pub upper: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Best and worst rank in 95 % of resamples, 1 being the top.
    pub ranks: [usize; 2],
}

/// Resampled leaderboards.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampled {
    /// Elo of each model, one row a resample.
    pub elo: Vec<Vec<f64>>,
    /// Resamples without one leaderboard.
    pub failed: usize,
}

/// Refits `resamples` times from the fit of all rows; resample `b` comes from stream `b` of `spec.seed`.
///
/// # Errors
/// When the caller asks for the end.
pub fn bootstrap(
    rows: &[Comparison],
    best: &Btd,
    spec: FitSpec,
    settling: &Settling,
    unit: Unit,
    resamples: u32,
    progress: &dyn Progress,
) -> Result<Resampled, Cancelled> {
    let scenarios = rows.iter().map(|row| row.scenario as usize + 1).max().unwrap_or(0);
    let mut found = Resampled { elo: Vec::with_capacity(resamples as usize), failed: 0 };
    for resample in 0..resamples {
        progress.report(u64::from(resample), u64::from(resamples));
        progress.checkpoint()?;
        let mut stream = Stream::new(spec.seed, (1 << 32) + u64::from(resample));
        let many = if unit == Unit::Scenario { scenarios } else { rows.len() };
        let mut times = vec![0u32; many];
        (0..many).for_each(|_| times[stream.below(many as u64) as usize] += 1);
        let weight = |row: usize| match unit {
            Unit::Scenario => f64::from(times[rows[row].scenario as usize]),
            Unit::Rows => f64::from(times[row]),
        };
        let cells = counted(rows, weight);
        let refit = fit(best.models(), &cells, FitSpec { starts: 0, ..spec }, Some(best), &crate::progress::Silent)?;
        match settling.settle(&trust_matrix(&refit.model), best.models()) {
            Ok(found_trust) => found.elo.push(elo(&found_trust.trust)),
            Err(_) => found.failed += 1,
        }
    }
    Ok(found)
}

impl Resampled {
    /// Intervals of each model.
    pub fn intervals(&self) -> Vec<Interval> {
        let models = self.elo.first().map_or(0, Vec::len);
        let ranks: Vec<Vec<usize>> = self.elo.iter().map(|row| ranks(row)).collect();
        let n = self.elo.len() as f64;
        (0..models)
            .map(|model| {
                let values: Vec<f64> = self.elo.iter().map(|row| row[model]).collect();
                let mean = values.iter().sum::<f64>() / n;
                let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
                let places = sorted(&ranks.iter().map(|ranks| ranks[model] as f64).collect::<Vec<f64>>());
                let values = sorted(&values);
                let ends = [quantile(&places, 0.025).floor() as usize, quantile(&places, 0.975).ceil() as usize];
                Interval {
                    lower: quantile(&values, 0.025),
                    upper: quantile(&values, 0.975),
                    deviation: variance.sqrt(),
                    ranks: ends,
                }
            })
            .collect()
    }

    /// The share of resamples in which one model is above another.
    pub fn above(&self, a: usize, b: usize) -> f64 {
        self.elo.iter().filter(|row| row[a] > row[b]).count() as f64 / self.elo.len() as f64
    }
}

fn ranks(elo: &[f64]) -> Vec<usize> {
    elo.iter().map(|own| 1 + elo.iter().filter(|other| *other > own).count()).collect()
}
