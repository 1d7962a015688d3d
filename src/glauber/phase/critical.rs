//! Critical temperatures, each with its interval or the reason why this grid does not show it.

use super::Estimate;
use super::snapshots::{Snapshot, Snapshots};

/// Share of resamples in which a temperature must be found for its interval to be told.
const FOUND: f64 = 0.95;

/// One estimate of a critical temperature.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CriticalTemperature {
    /// `tau` by linear interpolation; no interval where fewer than 95 % of resamples show one.
    Found { tau: Estimate, found_share: f64 },
    /// Not reached in this grid.
    NotReached { reason: String },
}

impl CriticalTemperature {
    /// The temperature where found.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Found { tau, .. } => Some(tau.value),
            Self::NotReached { .. } => None,
        }
    }

    fn new(snapshots: &Snapshots, read: impl Fn(&Snapshot) -> Result<f64, String>) -> Self {
        match read(&snapshots.full) {
            Ok(value) => {
                let found: Vec<f64> = snapshots.resampled.iter().filter_map(|s| read(s).ok()).collect();
                let found_share = found.len() as f64 / snapshots.resampled.len().max(1) as f64;
                let told: &[f64] = if found_share >= FOUND { &found } else { &[] };
                Self::Found { tau: Estimate::new(value, told), found_share }
            }
            Err(reason) => Self::NotReached { reason },
        }
    }
}

impl std::fmt::Display for CriticalTemperature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found { tau: Estimate { value, lower: Some(lower), upper: Some(upper) }, .. } => {
                write!(f, "{value:.3} [{lower:.3}, {upper:.3}]")
            }
            Self::Found { tau, found_share } => {
                write!(f, "{:.3} (found in {:.0} % of resamples: no interval)", tau.value, 100.0 * found_share)
            }
            Self::NotReached { reason } => write!(f, "not reached in this grid: {reason}"),
        }
    }
}

/// The steepest place of one length's curve, and where it bends.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LengthCritical {
    pub n: u32,
    /// Steepest fall of `log t_couple` with tau: tau_c4 at this length.
    pub steepest: CriticalTemperature,
    /// Largest curvature of `log t_couple` against 1/tau. Where times follow Arrhenius' law below a transition (so in
    /// the Curie-Weiss model) the curve against tau only steepens as tau falls and no place is steepest; this bend
    /// marks it.
    pub bend: CriticalTemperature,
}

/// Critical temperatures (glauber.md section 5.3).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Critical {
    /// tau_c1: where c of M4 crosses 0. A finite grid of n log n data gives c > 0 too, so this errs upwards.
    pub growth_rate: CriticalTemperature,
    /// tau_c2: where AICc(M1) = AICc(M4).
    pub model_change: CriticalTemperature,
    /// tau_c3: where kappa changes sign at the longest length that has it; its resamples are normal, from its interval.
    pub contraction: CriticalTemperature,
    /// tau_c4: [`LengthCritical::steepest`] at the longest length.
    pub steepest: CriticalTemperature,
    pub by_length: Vec<LengthCritical>,
    pub resamples: u32,
    pub seed: u64,
}

/// Reads the critical temperatures off a grid.
pub fn critical(grid: &Snapshots) -> Critical {
    let taus = &grid.temperatures;
    let negated = |values: &[Option<f64>]| -> Vec<Option<f64>> { values.iter().map(|x| x.map(|x| -x)).collect() };
    let by_length: Vec<LengthCritical> = grid
        .lengths
        .iter()
        .enumerate()
        .map(|(k, &n)| LengthCritical {
            n,
            steepest: CriticalTemperature::new(grid, |s| steepest(taus, &s.log_time[k])),
            bend: CriticalTemperature::new(grid, |s| bend(taus, &s.log_time[k])),
        })
        .collect();
    let none = || CriticalTemperature::NotReached { reason: "no cells: run some".into() };
    Critical {
        growth_rate: CriticalTemperature::new(grid, |s| falls_through_zero(taus, &s.slope, "the growth rate c")),
        model_change: CriticalTemperature::new(grid, |s| {
            falls_through_zero(taus, &s.lead, "the lead of n e^(cn) over n log n")
        }),
        contraction: CriticalTemperature::new(grid, |s| {
            falls_through_zero(taus, &negated(&s.kappa), "expansion (-kappa)")
        }),
        steepest: by_length.last().map_or_else(none, |last| last.steepest.clone()),
        by_length,
        resamples: grid.resampled.len() as u32,
        seed: grid.seed,
    }
}

/// Known places of a curve.
fn known(taus: &[f64], values: &[Option<f64>]) -> Vec<(f64, f64)> {
    taus.iter().zip(values).filter_map(|(&tau, value)| value.map(|value| (tau, value))).collect()
}

/// The hottest place where values go from positive to not positive as tau rises, by linear interpolation.
fn falls_through_zero(taus: &[f64], values: &[Option<f64>], name: &str) -> Result<f64, String> {
    let known = known(taus, values);
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return Err(format!("{name} is not known at any temperature"));
    };
    let crossing = known.windows(2).rev().find(|w| w[0].1 > 0.0 && w[1].1 <= 0.0);
    match crossing {
        Some(&[(low, above), (high, below)]) => Ok(low + (high - low) * above / (above - below)),
        _ if last.1 > 0.0 => Err(format!("{name} is still positive at {}: add higher temperatures", last.0)),
        _ => Err(format!("{name} is not positive even at {}: add lower temperatures", first.0)),
    }
}

/// Falls of a curve between neighbouring known temperatures: the middle, and minus the slope.
pub(super) fn falls(taus: &[f64], log_time: &[Option<f64>]) -> Vec<(f64, f64)> {
    known(taus, log_time).windows(2).map(|w| (w[0].0.midpoint(w[1].0), (w[0].1 - w[1].1) / (w[1].0 - w[0].0))).collect()
}

/// The place of the largest value strictly inside.
fn peak(values: &[(f64, f64)], what: &str) -> Result<f64, String> {
    if values.len() < 3 {
        return Err("too few temperatures at which t_couple is known: add some, or raise the cap".into());
    }
    let best = (0..values.len()).fold(0, |best, k| if values[k].1 > values[best].1 { k } else { best });
    if best == 0 {
        return Err(format!("{what} at the coldest known place: add lower temperatures or raise the cap"));
    }
    if best + 1 == values.len() {
        return Err(format!("{what} at the hottest known place: add higher temperatures"));
    }
    Ok(values[best].0)
}

fn steepest(taus: &[f64], log_time: &[Option<f64>]) -> Result<f64, String> {
    peak(&falls(taus, log_time), "the curve is steepest")
}

fn bend(taus: &[f64], log_time: &[Option<f64>]) -> Result<f64, String> {
    // Ascending in 1/tau; argmax dynamics has none.
    let curve: Vec<(f64, f64)> =
        known(taus, log_time).into_iter().rev().filter(|p| p.0 > 0.0).map(|p| (1.0 / p.0, p.1)).collect();
    let slope = |w: &[(f64, f64)]| (w[0].0.midpoint(w[1].0), (w[1].1 - w[0].1) / (w[1].0 - w[0].0));
    let slopes: Vec<(f64, f64)> = curve.windows(2).map(slope).collect();
    let mut turns: Vec<(f64, f64)> = slopes.windows(2).map(slope).map(|(beta, turn)| (1.0 / beta, turn)).collect();
    turns.reverse();
    peak(&turns, "the curve bends most")
}
