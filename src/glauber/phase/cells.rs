//! One cell of the diagram: what was seen, and what is drawn.

use super::Estimate;
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::mixing::{Contraction, DriftCount, check_level, contraction};
use crate::glauber::temperature::Temperature;
use crate::statistics::{CrossingEstimate, Lifetime, Stream, censored_share, crossing_estimate};

/// What was seen at one temperature and length.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PhaseCell {
    pub temperature: Temperature,
    /// Free sites.
    pub n: u32,
    /// Coalescence time of each pair in steps, or the cap.
    pub pairs: Vec<Lifetime>,
    /// First steps of pairs started at distance 1, where run.
    pub neighbours: Option<DriftCount>,
    /// One value of an intensive order parameter (a mean over sites) for each independent chain; may be empty.
    pub order: Vec<f64>,
}

/// What the diagram shows of a cell.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CellResult {
    pub temperature: Temperature,
    pub n: u32,
    pub pairs: u64,
    pub t_couple: CrossingEstimate,
    /// `log10(t_couple / n)`, the colour; `None` where `censored` (hatched) or where chains start equal (0 steps).
    pub log10_sweeps: Option<f64>,
    /// What `log10(t_couple / n)` is at least where censored: the end of observation.
    pub log10_sweeps_at_least: Option<f64>,
    pub censored: bool,
    /// Share of pairs that had not met.
    pub censored_share: f64,
    pub kappa: Option<Contraction>,
    /// `n Var(order parameter)`.
    pub susceptibility: Option<Estimate>,
}

/// Summarises a cell for the diagram; errors as [`crate::glauber::mixing::summarise`].
pub fn cell_result(cell: &PhaseCell, level: f64, resamples: u32, seed: u64) -> Result<CellResult, ConditionalsError> {
    check_level(level)?;
    let t_couple = crossing_estimate(&cell.pairs, level, resamples, seed).ok_or_else(|| {
        ConditionalsError::Invalid(format!(
            "no pairs at temperature {}, {} sites: run at least one pair and one resample",
            cell.temperature, cell.n
        ))
    })?;
    let sweeps = |steps: u64| (steps > 0).then(|| (steps as f64 / f64::from(cell.n.max(1))).log10());
    let censored = t_couple.estimate.time().is_none();
    let susceptibility = susceptibility(cell.n, &cell.order).map(|value| {
        let resampled: Vec<f64> = (0..resamples)
            .filter_map(|r| susceptibility(cell.n, &resampled(&cell.order, &mut Stream::new(seed, u64::from(r)))))
            .collect();
        Estimate::new(value, &resampled)
    });
    Ok(CellResult {
        temperature: cell.temperature,
        n: cell.n,
        pairs: cell.pairs.len() as u64,
        t_couple,
        log10_sweeps: t_couple.estimate.time().and_then(sweeps),
        log10_sweeps_at_least: sweeps(t_couple.estimate.at_least()).filter(|_| censored),
        censored,
        censored_share: censored_share(&cell.pairs),
        kappa: cell.neighbours.map(|steps| contraction(cell.n, steps)).transpose()?.flatten(),
        susceptibility,
    })
}

/// `n` times the sample variance; `None` for fewer than two values or one that is not finite.
pub(super) fn susceptibility(n: u32, order: &[f64]) -> Option<f64> {
    let m = order.len() as f64;
    if order.len() < 2 {
        return None;
    }
    let mean = order.iter().sum::<f64>() / m;
    let variance = order.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (m - 1.0);
    Some(f64::from(n) * variance).filter(|x| x.is_finite())
}

/// As many values drawn with replacement.
pub(super) fn resampled(values: &[f64], stream: &mut Stream) -> Vec<f64> {
    values.iter().map(|_| values[stream.below(values.len() as u64) as usize]).collect()
}
