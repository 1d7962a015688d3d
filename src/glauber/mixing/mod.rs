//! What coupled pairs of one cell show about mixing (glauber.md sections 3.4 and 5.2).
//!
//! A coupling time bounds mixing from above for the starts that were run, and only for those.

mod contraction;
#[cfg(test)]
mod tests;

pub use contraction::{Contraction, contraction};

use super::conditionals::ConditionalsError;
use crate::statistics::{
    Crossing, CrossingEstimate, KaplanMeier, Lifetime, RestrictedMean, censored_share, crossing_estimate,
};

/// Number and sums of Hamming distances of all pairs at one step, those that have met counting as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HammingCount {
    pub step: u64,
    pub count: u64,
    pub sum: u64,
    pub squares: u64,
}

/// Number and sums of `d_(t+1) - d_t` over all steps that began at distance `h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DriftCount {
    pub h: u32,
    pub count: u64,
    pub sum: i64,
    pub squares: u64,
}

/// What was seen of the coupled pairs of one cell.
#[derive(Clone, Copy, Debug)]
pub struct PairCell<'a> {
    /// Free sites n; a sweep is n steps.
    pub sites: u32,
    /// Coalescence time of each pair in steps, or the cap without it.
    pub pairs: &'a [Lifetime],
    /// Ascending by step; may be empty.
    pub hamming: &'a [HammingCount],
    /// Ascending by distance; may be empty.
    pub drift: &'a [DriftCount],
    /// First steps of pairs that *started* at distance 1, for kappa.
    pub neighbours: Option<DriftCount>,
}

/// How a summary is made.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SummaryOptions {
    /// eps of `t_couple(eps)`.
    pub level: f64,
    /// Bootstrap resamples of pairs.
    pub resamples: u32,
    pub seed: u64,
}

impl Default for SummaryOptions {
    fn default() -> Self {
        Self { level: 0.25, resamples: 1000, seed: 1 }
    }
}

/// S(t) just after one time, with its 95 % log-log interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SurvivalRow {
    pub step: u64,
    /// `step / n`.
    pub sweep: f64,
    pub s: f64,
    pub lower: f64,
    pub upper: f64,
    pub at_risk: u64,
    /// Greenwood's variance of `s`.
    pub variance: f64,
}

/// Mean Hamming distance of the pairs at one step.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HammingRow {
    pub step: u64,
    pub mean: f64,
    /// `None` for fewer than two pairs.
    pub standard_error: Option<f64>,
}

/// Mean change of the Hamming distance in one step from distance `h`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DriftRow {
    pub h: u32,
    pub drift: f64,
    /// Treats steps as independent: too small where few pairs linger at `h`. `None` for fewer than two steps.
    pub standard_error: Option<f64>,
    /// Steps seen.
    pub n: u64,
}

/// What the command `mix` writes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MixingSummary {
    pub sites: u32,
    pub pairs: u64,
    /// One row for each distinct time.
    pub survival: Vec<SurvivalRow>,
    pub t_couple: CrossingEstimate,
    /// Share of pairs that had not met at the cap.
    pub censored_share: f64,
    pub median: Crossing,
    /// Mean of min(T, end of observation).
    pub restricted_mean: RestrictedMean,
    pub hamming: Vec<HammingRow>,
    pub drift: Vec<DriftRow>,
    /// `n (1 - E[d_1])` of pairs started at distance 1; positive: contraction on average.
    pub kappa: Option<Contraction>,
}

/// Mean and standard error from a count and two sums.
fn moments(count: u64, sum: f64, squares: f64) -> (f64, Option<f64>) {
    let m = count as f64;
    let mean = sum / m;
    let variance = ((squares - sum * mean) / (m - 1.0)).max(0.0);
    (mean, (count > 1).then(|| (variance / m).sqrt()))
}

/// Summarises one cell. Errors: no pairs, no free site, a level outside (0, 1), no resamples, impossible first steps.
pub fn summarise(cell: PairCell<'_>, options: SummaryOptions) -> Result<MixingSummary, ConditionalsError> {
    let invalid = |problem: &str| ConditionalsError::Invalid(problem.to_owned());
    if cell.sites == 0 {
        return Err(invalid("no free site: leave at least one free to move"));
    }
    check_level(options.level)?;
    let t_couple = crossing_estimate(cell.pairs, options.level, options.resamples, options.seed)
        .ok_or_else(|| invalid("nothing to summarise: run at least one pair and one resample"))?;
    let curve = KaplanMeier::new(cell.pairs);
    let restricted_mean =
        curve.restricted_mean(u64::MAX).ok_or_else(|| invalid("nothing to summarise: run at least one pair"))?;
    let hamming = cell.hamming.iter().filter(|row| row.count > 0).map(|row| {
        let (mean, standard_error) = moments(row.count, row.sum as f64, row.squares as f64);
        HammingRow { step: row.step, mean, standard_error }
    });
    let drift = cell.drift.iter().filter(|row| row.count > 0).map(|row| {
        let (drift, standard_error) = moments(row.count, row.sum as f64, row.squares as f64);
        DriftRow { h: row.h, drift, standard_error, n: row.count }
    });
    Ok(MixingSummary {
        sites: cell.sites,
        pairs: curve.n,
        survival: curve
            .points
            .iter()
            .map(|p| SurvivalRow {
                step: p.time,
                sweep: p.time as f64 / f64::from(cell.sites),
                s: p.s,
                lower: p.lower,
                upper: p.upper,
                at_risk: p.at_risk,
                variance: p.variance,
            })
            .collect(),
        t_couple,
        censored_share: censored_share(cell.pairs),
        median: curve.crossing(0.5),
        restricted_mean,
        hamming: hamming.collect(),
        drift: drift.collect(),
        kappa: cell.neighbours.map(|steps| contraction(cell.sites, steps)).transpose()?.flatten(),
    })
}

/// Refuses an eps outside (0, 1).
pub(super) fn check_level(level: f64) -> Result<(), ConditionalsError> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(ConditionalsError::Invalid(format!("a survival level of {level}: choose one between 0 and 1, such as 0.25")))
}
