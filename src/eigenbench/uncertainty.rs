//! How sure a leaderboard is (eigenbench.md, section 6): scenarios drawn again, or rows as in the paper. Rows of one scenario
//! are not independent, so that rows understate.

use super::btd::{Btd, FitSpec, fit};
use super::comparisons::{Cell, Choice, Comparison, counted};
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
    let sums = Sums::of(rows, unit);
    let mut found = Resampled { elo: Vec::with_capacity(resamples as usize), failed: 0 };
    for resample in 0..resamples {
        progress.report(u64::from(resample), u64::from(resamples));
        progress.checkpoint()?;
        let mut stream = Stream::new(spec.seed, (1 << 32) + u64::from(resample));
        let many = sums.units();
        let mut times = vec![0u32; many];
        (0..many).for_each(|_| times[stream.below(many as u64) as usize] += 1);
        let cells = sums.cells(&times);
        let refit = fit(best.models(), &cells, FitSpec { starts: 0, ..spec }, Some(best), &crate::progress::Silent)?;
        match settling.settle(&trust_matrix(&refit.model), best.models()) {
            Ok(found_trust) => found.elo.push(elo(&found_trust.trust)),
            Err(_) => found.failed += 1,
        }
    }
    Ok(found)
}

/// Counts of what is drawn again, so that a resample adds up counts instead of looking at names.
struct Sums {
    /// All cells, without their counts.
    cells: Vec<Cell>,
    /// Where each unit's counts begin, and where the last one's end.
    begins: Vec<usize>,
    /// Cell, choice and count.
    counts: Vec<(u32, Choice, u32)>,
}

impl Sums {
    fn of(rows: &[Comparison], unit: Unit) -> Self {
        let cells: Vec<Cell> =
            counted(rows, |_| 1.0).into_iter().map(|cell| Cell { counts: [0.0; 3], ..cell }).collect();
        let key = |cell: &Cell| (cell.judge, cell.first, cell.second);
        let place = |row: &Comparison| {
            cells.binary_search_by_key(&(row.judge, row.first, row.second), key).expect("every row was counted") as u32
        };
        let mut all: Vec<(u32, u32, Choice)> = (rows.iter().zip(0..))
            .map(|(row, number)| (if unit == Unit::Scenario { row.scenario } else { number }, place(row), row.choice))
            .collect();
        all.sort_unstable();
        let units = match unit {
            Unit::Scenario => all.last().map_or(0, |last| last.0 as usize + 1),
            Unit::Rows => rows.len(),
        };
        let mut begins = vec![0; units + 1];
        let mut counts = Vec::new();
        for same in all.chunk_by(|a, b| a == b) {
            let (unit, cell, choice) = same[0];
            counts.push((cell, choice, same.len() as u32));
            begins[unit as usize + 1] = counts.len();
        }
        // A number that no scenario has holds nothing.
        (1..begins.len()).for_each(|at| begins[at] = begins[at].max(begins[at - 1]));
        Self { cells, begins, counts }
    }

    fn units(&self) -> usize {
        self.begins.len() - 1
    }

    /// Cells that have rows where unit `u` counts `times[u]` times.
    fn cells(&self, times: &[u32]) -> Vec<Cell> {
        let mut cells = self.cells.clone();
        for (place, &times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
            for &(cell, choice, count) in &self.counts[self.begins[place]..self.begins[place + 1]] {
                cells[cell as usize].counts[choice as usize] += f64::from(times * count);
            }
        }
        cells.retain(|cell| cell.rows() > 0.0);
        cells
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_units_add_up_to_those_of_their_rows() {
        let row = |number: u32| Comparison {
            // A scenario without rows lies between.
            scenario: [0, 2, 3][number as usize % 3],
            criterion: 0,
            pass: 0,
            judge: (number % 2) as u16,
            first: (number % 5) as u16,
            second: 5,
            choice: Choice::of_figure((number / 7 % 3) as u8).unwrap(),
        };
        let rows: Vec<Comparison> = (0..200).map(row).collect();
        for unit in [Unit::Scenario, Unit::Rows] {
            let sums = Sums::of(&rows, unit);
            assert_eq!(sums.units(), if unit == Unit::Scenario { 4 } else { 200 });
            let times: Vec<u32> = (0..sums.units() as u32).map(|place| place * 3 % 4).collect();
            let weight = |place: usize| match unit {
                Unit::Scenario => f64::from(times[rows[place].scenario as usize]),
                Unit::Rows => f64::from(times[place]),
            };
            assert_eq!(sums.cells(&times), counted(&rows, weight));
        }
    }
}
