//! The statistics that critical temperatures and finite-size scaling need, for the data and each bootstrap resample.

use super::cells::{PhaseCell, resampled, susceptibility};
use super::growth::{GrowthModel, Sorted, draw, fit, once};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::mixing::{check_level, contraction};
use crate::progress::Progress;
use crate::statistics::{Stream, TobitFit, normal_quantile};

/// Streams of the order parameters: no resample of pairs has these numbers.
const ORDER: u64 = 1 << 62;
/// Streams of kappa.
const KAPPA: u64 = 1 << 63;

/// One set of pairs, summarised over the grid. Temperatures ascend; `[length][temperature]` where two indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Snapshot {
    /// c of M4.
    pub slope: Vec<Option<f64>>,
    /// AICc(M1) - AICc(M4).
    pub lead: Vec<Option<f64>>,
    /// At the longest length that has it anywhere.
    pub kappa: Vec<Option<f64>>,
    /// `log t_couple` where reached.
    pub log_time: Vec<Vec<Option<f64>>>,
    pub susceptibility: Vec<Vec<Option<f64>>>,
}

/// The data and its bootstrap resamples, from which [`super::critical()`] and [`super::finite_size()`] read.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshots {
    /// Finite temperatures, ascending.
    pub(super) temperatures: Vec<f64>,
    /// Ascending.
    pub(super) lengths: Vec<u32>,
    pub(super) full: Snapshot,
    pub(super) resampled: Vec<Snapshot>,
    /// Whether a cell is there and censored.
    pub(super) censored: Vec<Vec<bool>>,
    pub(super) level: f64,
    pub(super) seed: u64,
}

/// Cells of one temperature, ascending by length, and the number of the first in all.
struct Column {
    cells: Vec<Sorted>,
    first: usize,
    starts: [Option<TobitFit>; 2],
}

/// Summarises a grid of cells and `resamples` bootstrap versions of it (whole pairs drawn within each cell).
///
/// Cells without pairs and at infinite temperature are left out; the grid may have holes. Errors: two cells at one
/// place, a level outside (0, 1), impossible first steps, cancelled.
pub fn snapshots(
    cells: &[PhaseCell],
    level: f64,
    resamples: u32,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Snapshots, ConditionalsError> {
    check_level(level)?;
    let mut cells: Vec<&PhaseCell> =
        cells.iter().filter(|cell| cell.temperature.get().is_finite() && !cell.pairs.is_empty()).collect();
    cells.sort_by(|x, y| x.temperature.get().total_cmp(&y.temperature.get()).then(x.n.cmp(&y.n)));
    if let Some([cell, _]) = cells.array_windows().find(|[x, y]| x.temperature == y.temperature && x.n == y.n) {
        return Err(ConditionalsError::Invalid(format!(
            "two cells at temperature {}, {} sites: put their pairs into one",
            cell.temperature, cell.n
        )));
    }
    let mut temperatures: Vec<f64> = cells.iter().map(|cell| cell.temperature.get()).collect();
    temperatures.dedup();
    let mut lengths: Vec<u32> = cells.iter().map(|cell| cell.n).collect();
    lengths.sort_unstable();
    lengths.dedup();

    let mut kappas = Vec::new();
    for cell in &cells {
        kappas.push(cell.neighbours.map(|steps| contraction(cell.n, steps)).transpose()?.flatten());
    }
    let longest = cells.iter().zip(&kappas).filter(|(_, kappa)| kappa.is_some()).map(|(cell, _)| cell.n).max();

    let mut columns = Vec::new();
    let mut first = 0;
    for column in cells.chunk_by(|x, y| x.temperature == y.temperature) {
        let sorted: Vec<Sorted> = column.iter().map(|cell| Sorted::new(cell)).collect();
        let weights = once(&sorted);
        let start = |model| fit(&sorted, &weights, model, None).map(|(fit, _)| fit);
        let starts = [start(GrowthModel::NLogN), start(GrowthModel::NExponential)];
        columns.push(Column { cells: sorted, first, starts });
        first += column.len();
    }

    let take = |resample: Option<u32>| {
        let blank = || vec![vec![None; temperatures.len()]; lengths.len()];
        let mut found = Snapshot { log_time: blank(), susceptibility: blank(), ..Snapshot::default() };
        for (tau, column) in columns.iter().enumerate() {
            let weights = match resample {
                Some(r) => draw(&column.cells, r, column.first, seed),
                None => once(&column.cells),
            };
            let [slow, fast] = [(GrowthModel::NExponential, 1), (GrowthModel::NLogN, 0)]
                .map(|(model, k)| fit(&column.cells, &weights, model, column.starts[k].as_ref()));
            found.slope.push(slow.as_ref().map(|(fit, _)| fit.beta[1]));
            found.lead.push(fast.zip(slow).map(|((_, fast), (_, slow))| fast - slow));
            let mut kappa = None;
            for (k, (sorted, weights)) in column.cells.iter().zip(&weights).enumerate() {
                let Ok(n) = lengths.binary_search(&sorted.n) else { continue };
                let (log_time, known) = sorted.log_time(weights, level);
                found.log_time[n][tau] = known.then_some(log_time);
                let at = column.first + k;
                let number = resample.map(|r| u64::from(r) << 32 | at as u64);
                let order = &cells[at].order;
                found.susceptibility[n][tau] = match number {
                    Some(number) if !order.is_empty() => {
                        susceptibility(sorted.n, &resampled(order, &mut Stream::new(seed, ORDER | number)))
                    }
                    _ => susceptibility(sorted.n, order),
                };
                if Some(sorted.n) == longest {
                    // Normal, with the spread that the interval has.
                    kappa = kappas[at].map(|kappa| match number {
                        Some(number) => {
                            let u = Stream::new(seed, KAPPA | number).unit().clamp(1e-12, 1.0 - 1e-12);
                            kappa.kappa + (kappa.upper - kappa.lower) / (2.0 * 1.96) * normal_quantile(u)
                        }
                        None => kappa.kappa,
                    });
                }
            }
            found.kappa.push(kappa);
        }
        found
    };
    let full = take(None);
    let mut all = Vec::with_capacity(resamples as usize);
    for r in 0..resamples {
        progress.checkpoint()?;
        progress.report(u64::from(r), u64::from(resamples));
        all.push(take(Some(r)));
    }
    let mut censored = vec![vec![false; temperatures.len()]; lengths.len()];
    for (tau, column) in columns.iter().enumerate() {
        for sorted in &column.cells {
            if let Ok(n) = lengths.binary_search(&sorted.n) {
                censored[n][tau] = full.log_time[n][tau].is_none();
            }
        }
    }
    Ok(Snapshots { temperatures, lengths, full, resampled: all, censored, level, seed })
}
