//! How the coupling time grows with length at one temperature: four laws by censored likelihood, local exponents.

use super::Estimate;
use super::cells::PhaseCell;
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::mixing::check_level;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::{
    Lifetime, Stream, TobitCell, TobitFit, resample_counts, sorted_lifetimes, tobit, weighted_crossing,
};

/// Lead in AICc from which a law is called better.
const DECISIVE: f64 = 10.0;

/// A law of growth: `log T = mu(n) + sd * epsilon` with standard normal errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowthModel {
    /// M1: `mu = log a + log(n log n)`.
    NLogN,
    /// M2: `mu = log a + p log n`.
    Power,
    /// M3: `mu = log a + c n`.
    Exponential,
    /// M4: `mu = log a + log n + c n`.
    NExponential,
}

impl GrowthModel {
    /// M1 to M4.
    pub const ALL: [Self; 4] = [Self::NLogN, Self::Power, Self::Exponential, Self::NExponential];

    /// What is written beside a curve.
    pub fn formula(self) -> &'static str {
        match self {
            Self::NLogN => "a n log n",
            Self::Power => "a n^p",
            Self::Exponential => "a e^(c n)",
            Self::NExponential => "a n e^(c n)",
        }
    }

    /// Whether the law outgrows every power of n.
    pub fn exponential(self) -> bool {
        matches!(self, Self::Exponential | Self::NExponential)
    }

    /// Free parameters, the spread included.
    fn parameters(self) -> f64 {
        if self == Self::NLogN { 2.0 } else { 3.0 }
    }

    /// Covariates at `n`, and the part of mu without a parameter.
    fn design(self, n: f64) -> (Vec<f64>, f64) {
        match self {
            Self::NLogN => (vec![1.0], (n * n.ln()).ln()),
            Self::Power => (vec![1.0, n.ln()], 0.0),
            Self::Exponential => (vec![1.0, n], 0.0),
            Self::NExponential => (vec![1.0, n], n.ln()),
        }
    }
}

/// One fitted law.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GrowthFit {
    pub model: GrowthModel,
    /// Natural log of `a` (steps).
    pub log_a: Estimate,
    /// `p` of M2, `c` of M3 and M4 (per site).
    pub slope: Option<Estimate>,
    /// Spread of `log T` about the law.
    pub sd: f64,
    pub log_likelihood: f64,
    pub aicc: f64,
    /// Above the best of the four.
    pub delta: f64,
    /// Akaike weight among those fitted.
    pub weight: f64,
}

impl GrowthFit {
    /// The law's median time at length `n`, steps.
    pub fn median(&self, n: f64) -> f64 {
        let (x, offset) = self.model.design(n);
        let slope = self.slope.map_or(0.0, |slope| slope.value * x.get(1).copied().unwrap_or(0.0));
        (self.log_a.value + slope + offset).exp()
    }
}

/// Growth of `t_couple` between two neighbouring lengths.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LocalExponent {
    /// The two lengths.
    pub n: [u32; 2],
    /// `d log t / d log n`: just above 1 for n log n.
    pub log_log: Estimate,
    /// `d log t / d n`, per site.
    pub per_site: Estimate,
    /// The longer cell is censored: both exponents are at least this, and open upwards.
    pub at_least: bool,
}

/// How coupling times grow with length at one temperature.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Growth {
    pub temperature: Temperature,
    /// Pairs in the fits, and those left out: equal from the start, or of fewer than two sites.
    pub pairs: u64,
    pub left_out: u64,
    /// In the order of [`GrowthModel::ALL`]; empty where the data do not determine all four.
    pub fits: Vec<GrowthFit>,
    pub best: Option<GrowthModel>,
    pub exponents: Vec<LocalExponent>,
    /// The local exponent keeps rising: of those known (not only bounded), the last is no smaller than the one before
    /// it, and larger than the first in 97.5 % of resamples.
    pub rising: bool,
    /// The finding in one sentence.
    pub words: String,
    /// Bootstrap resamples of pairs, and those in which some law could not be fitted.
    pub resamples: u32,
    pub failed_resamples: u32,
    pub seed: u64,
}

/// The pairs of one cell, sorted.
pub(super) struct Sorted {
    pub n: u32,
    pub lifetimes: Vec<Lifetime>,
}

impl Sorted {
    pub(super) fn new(cell: &PhaseCell) -> Self {
        Self { n: cell.n, lifetimes: sorted_lifetimes(&cell.pairs) }
    }

    fn fits(&self, lifetime: &Lifetime) -> bool {
        self.n >= 2 && lifetime.time > 0
    }

    /// The cell as the likelihood needs it under `model`, lifetime k counted `weights[k]` times.
    fn tobit_cell(&self, model: GrowthModel, weights: &[u32]) -> TobitCell {
        let (x, offset) = model.design(f64::from(self.n));
        let mut cell = TobitCell { x, ..TobitCell::default() };
        for (lifetime, &weight) in self.lifetimes.iter().zip(weights) {
            if weight == 0 || !self.fits(lifetime) {
                continue;
            }
            let (y, weight) = ((lifetime.time as f64).ln() - offset, f64::from(weight));
            match (lifetime.event, cell.censored.last_mut()) {
                (true, _) => {
                    cell.events += weight;
                    cell.sum += weight * y;
                    cell.sum_squares += weight * y * y;
                }
                (false, Some(last)) if last.0 == y => last.1 += weight,
                (false, _) => cell.censored.push((y, weight)),
            }
        }
        cell
    }

    /// `log t_couple`: the value and whether it is known, or only what it is at least.
    pub(super) fn log_time(&self, weights: &[u32], level: f64) -> (f64, bool) {
        let crossing = weighted_crossing(&self.lifetimes, weights, level);
        ((crossing.at_least().max(1) as f64).ln(), crossing.time().is_some())
    }
}

/// Fits `model` to weighted cells and its AICc; `None` where no maximum exists.
pub(super) fn fit(
    cells: &[Sorted],
    weights: &[Vec<u32>],
    model: GrowthModel,
    start: Option<&TobitFit>,
) -> Option<(TobitFit, f64)> {
    let usable = cells.iter().zip(weights).filter(|(cell, _)| cell.n >= 2);
    let rows: Vec<TobitCell> = usable.map(|(cell, weights)| cell.tobit_cell(model, weights)).collect();
    let found = tobit(&rows, start)?;
    let total = |row: &TobitCell| row.events + row.censored.iter().map(|(_, weight)| weight).sum::<f64>();
    let (pairs, k) = (rows.iter().map(total).sum::<f64>(), model.parameters());
    let room = pairs - k - 1.0;
    (room > 0.0).then(|| {
        let aicc = 2.0 * (k - found.log_likelihood) + 2.0 * k * (k + 1.0) / room;
        (found, aicc)
    })
}

/// Weights of one resample: whole pairs drawn within each cell. Stream numbers hold the resample and the cell.
pub(super) fn draw(cells: &[Sorted], resample: u32, first_cell: usize, seed: u64) -> Vec<Vec<u32>> {
    let number = |k: usize| u64::from(resample) << 32 | (first_cell + k) as u64;
    let counts = |(k, cell): (usize, &Sorted)| resample_counts(cell.lifetimes.len(), &mut Stream::new(seed, number(k)));
    cells.iter().enumerate().map(counts).collect()
}

/// Every pair once.
pub(super) fn once(cells: &[Sorted]) -> Vec<Vec<u32>> {
    cells.iter().map(|cell| vec![1; cell.lifetimes.len()]).collect()
}

/// Fits the four laws to the cells of one temperature (any order of lengths) and measures local exponents.
///
/// Errors: cells of several temperatures, a level outside (0, 1), cancelled. What the data cannot tell is left empty
/// and `words` says why.
pub fn growth(
    cells: &[PhaseCell],
    level: f64,
    resamples: u32,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Growth, ConditionalsError> {
    check_level(level)?;
    let invalid = |problem: &str| ConditionalsError::Invalid(problem.to_owned());
    let temperature = cells.first().ok_or_else(|| invalid("no cells: run some lengths first"))?.temperature;
    if cells.iter().any(|cell| cell.temperature != temperature) {
        return Err(invalid("cells of several temperatures: fit one temperature at a time"));
    }
    let mut sorted: Vec<Sorted> = cells.iter().filter(|cell| !cell.pairs.is_empty()).map(Sorted::new).collect();
    sorted.sort_by_key(|cell| cell.n);
    if sorted.windows(2).any(|pair| pair[0].n == pair[1].n) {
        return Err(invalid("two cells have the same length: put their pairs into one"));
    }
    let all = once(&sorted);
    let full: Vec<_> = GrowthModel::ALL.iter().filter_map(|&model| fit(&sorted, &all, model, None)).collect();
    let complete = full.len() == GrowthModel::ALL.len();

    let mut parameters: Vec<Vec<Vec<f64>>> = vec![Vec::new(); GrowthModel::ALL.len()];
    let mut steps: Vec<[Vec<f64>; 2]> = vec![Default::default(); sorted.len().saturating_sub(1)];
    let mut rises = 0u32;
    let mut failed = 0;
    for r in 0..resamples {
        progress.checkpoint()?;
        let weights = draw(&sorted, r, 0, seed);
        if complete {
            let fitted: Option<Vec<_>> = GrowthModel::ALL
                .iter()
                .zip(&full)
                .map(|(&model, (start, _))| fit(&sorted, &weights, model, Some(start)))
                .collect();
            match fitted {
                Some(fitted) => parameters.iter_mut().zip(fitted).for_each(|(all, (fit, _))| all.push(fit.beta)),
                None => failed += 1,
            }
        }
        let exponents = local(&sorted, &weights, level);
        for (values, found) in steps.iter_mut().zip(&exponents) {
            if let Some((log_log, per_site, at_least)) = *found {
                let open = |x: f64| if at_least { f64::INFINITY } else { x };
                values[0].push(open(log_log));
                values[1].push(open(per_site));
            }
        }
        let known: Vec<f64> = exponents.iter().flatten().filter(|e| !e.2).map(|e| e.0).collect();
        rises += u32::from(known.len() >= 2 && known[known.len() - 1] > known[0]);
    }

    let own = local(&sorted, &all, level);
    let mut exponents = Vec::new();
    for (k, found) in own.iter().enumerate() {
        if let Some((log_log, per_site, at_least)) = *found {
            // What is only at least has no interval: its value already is a lower bound.
            let estimate = |value: f64, values: &[f64]| match at_least {
                true => Estimate { value, lower: None, upper: None },
                false => Estimate::new(value, values),
            };
            exponents.push(LocalExponent {
                n: [sorted[k].n, sorted[k + 1].n],
                log_log: estimate(log_log, &steps[k][0]),
                per_site: estimate(per_site, &steps[k][1]),
                at_least,
            });
        }
    }
    // One that is only a lower bound could be any larger number: it speaks neither way.
    let values: Vec<f64> = exponents.iter().filter(|e| !e.at_least).map(|e| e.log_log.value).collect();
    let rising = matches!(values.as_slice(), [.., before, last] if last >= before)
        && resamples > 0
        && f64::from(rises) >= 0.975 * f64::from(resamples);

    let fits = if complete { fits(&full, &parameters) } else { Vec::new() };
    let best = fits.iter().min_by(|x, y| x.aicc.total_cmp(&y.aicc)).map(|fit| fit.model);
    let left_out: usize = sorted.iter().map(|cell| cell.lifetimes.iter().filter(|l| !cell.fits(l)).count()).sum();
    let pairs: usize = sorted.iter().map(|cell| cell.lifetimes.len()).sum();
    Ok(Growth {
        temperature,
        pairs: (pairs - left_out) as u64,
        left_out: left_out as u64,
        words: words(&fits, rising),
        fits,
        best,
        exponents,
        rising,
        resamples,
        failed_resamples: failed,
        seed,
    })
}

/// Exponents between neighbouring lengths: log-log, per site, and whether they are only lower bounds. `None` where the
/// shorter cell is censored.
fn local(cells: &[Sorted], weights: &[Vec<u32>], level: f64) -> Vec<Option<(f64, f64, bool)>> {
    let times: Vec<(f64, bool)> = cells.iter().zip(weights).map(|(cell, w)| cell.log_time(w, level)).collect();
    let between = |(cells, times): (&[Sorted], &[(f64, bool)])| {
        let [(low, known), (high, reached)] = [times[0], times[1]];
        let (n, m) = (f64::from(cells[0].n), f64::from(cells[1].n));
        known.then(|| ((high - low) / (m / n).ln(), (high - low) / (m - n), !reached))
    };
    cells.windows(2).zip(times.windows(2)).map(between).collect()
}

fn fits(full: &[(TobitFit, f64)], parameters: &[Vec<Vec<f64>>]) -> Vec<GrowthFit> {
    let best = full.iter().map(|(_, aicc)| *aicc).fold(f64::INFINITY, f64::min);
    let sum: f64 = full.iter().map(|(_, aicc)| (-(aicc - best) / 2.0).exp()).sum();
    let one = |(k, &model): (usize, &GrowthModel)| {
        let ((fit, aicc), resampled) = (&full[k], &parameters[k]);
        let parameter = |at: usize| {
            let values: Vec<f64> = resampled.iter().map(|beta| beta[at]).collect();
            Estimate::new(fit.beta[at], &values)
        };
        GrowthFit {
            model,
            log_a: parameter(0),
            slope: (fit.beta.len() > 1).then(|| parameter(1)),
            sd: fit.sd,
            log_likelihood: fit.log_likelihood,
            aicc: *aicc,
            delta: aicc - best,
            weight: (-(aicc - best) / 2.0).exp() / sum,
        }
    };
    GrowthModel::ALL.iter().enumerate().map(one).collect()
}

/// The finding in one sentence. "Super-polynomial" is said only if an exponential law leads the power law by more than
/// 10 in AICc and the local exponent keeps rising (glauber.md section 5.3).
fn words(fits: &[GrowthFit], rising: bool) -> String {
    let [n_log_n, power, exponential, n_exponential] = fits else {
        return "Growth not determined: too few pairs met, or at too few lengths. Raise the cap or add lengths.".into();
    };
    let exponential = if exponential.aicc < n_exponential.aicc { exponential } else { n_exponential };
    let p = power.slope.map_or(f64::NAN, |slope| slope.value);
    let lead = power.aicc - exponential.aicc;
    if lead > DECISIVE && rising {
        return format!(
            "Super-polynomial on these lengths: {} leads every power of n by {lead:.1} in AICc, and the local exponent \
             keeps rising.",
            exponential.model.formula()
        );
    }
    let polynomial = n_log_n.aicc.min(power.aicc);
    let growth = if n_log_n.aicc <= power.aicc + 2.0 && polynomial < exponential.aicc {
        "n log n fits best".to_owned()
    } else if polynomial < exponential.aicc {
        format!("a power n^{p:.2} fits best")
    } else if lead > DECISIVE {
        format!("{} fits best, by {lead:.1} in AICc over n^{p:.2}", exponential.model.formula())
    } else {
        format!("{} fits best, but only by {lead:.1} in AICc over n^{p:.2}", exponential.model.formula())
    };
    let why = if lead > DECISIVE { ", as the local exponent does not keep rising" } else { "" };
    format!("Super-polynomial not established{why}: {growth}.")
}
