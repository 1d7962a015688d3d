//! Exact mode: the whole truth about a chain on a small space (glauber.md 2.1, 5.4 and 9).
//!
//! Everything that sampling estimates elsewhere is computed here by enumeration: stationary laws of three scans, d(t) and
//! the mixing time, spectrum and gaps, entropy production, every rectangle, the influence matrix and basins.

mod arnoldi;
mod basins;
mod chain;
mod mixing;
mod spectrum;
mod stationary;
mod structure;
#[cfg(test)]
mod tests;

pub use basins::{Basin, Bottleneck, MOST_BASINS};
pub use chain::{ExactChain, MOST_STATES};
pub use mixing::{Distance, Starts};
pub use spectrum::{MOST_EIGENVALUES, Spectrum, SpectrumMethod};
pub use stationary::{MOST_DENSE, Method, RESIDUAL, Stationary};
pub use structure::Rectangles;

use super::conditionals::{Conditionals, ConditionalsError};
use super::influence::{InfluenceMatrix, contraction_bound};
use super::space::Space;
use super::temperature::Temperature;
use crate::progress::Progress;

/// What is asked of exact mode beside the space and the temperature.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ExactSpec {
    pub temperature: Temperature,
    /// Starts to follow where there are too many states to follow all, whole sequences; the least probable state and the
    /// extremes of the slowest mode are added.
    pub starts: Vec<Vec<u32>>,
    /// Most steps followed from those starts.
    pub most_steps: u64,
    /// Largest k of the pseudo-spectral gap, 1 to 64.
    pub pseudo_gap_bound: u32,
    /// Sets of states, as whole sequences, whose bottleneck ratio is wanted.
    pub sets: Vec<Vec<Vec<u32>>>,
    /// Whether the result lists the stationary law.
    pub keep_law: bool,
}

impl ExactSpec {
    /// No starts or sets of one's own, 20,000 steps, k up to 8, the law listed.
    pub fn new(temperature: Temperature) -> Self {
        Self {
            temperature,
            starts: Vec::new(),
            most_steps: 20_000,
            pseudo_gap_bound: 8,
            sets: Vec::new(),
            keep_law: true,
        }
    }
}

/// How a stationary law was found and how well it is kept by the dynamics.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Found {
    pub method: Method,
    /// Total variation between the law and what one step (one sweep) makes of it.
    pub residual: f64,
}

impl Found {
    fn of(stationary: &Stationary) -> Self {
        Self { method: stationary.method, residual: stationary.residual }
    }
}

/// Stationary law of a scan, beside that of the random scan.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ScanLaw {
    pub found: Found,
    /// TV from the stationary law of the random scan: 0 where the conditionals are compatible.
    pub tv_from_random: f64,
    /// `[states]`; `None` where the law was not to be kept.
    pub law: Option<Vec<f64>>,
}

/// Exact influences and the mixing bound that they give.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ExactInfluence {
    /// `C_ij`, the exact supremum over the space.
    pub matrix: InfluenceMatrix,
    pub alpha_col: f64,
    pub alpha_row: f64,
    pub rho: f64,
    /// `ceil(n (ln n + ln 4) / (1 - alpha_col))`, an upper bound on t_mix(1/4); `None`: no bound, `alpha_col >= 1`.
    pub mixing_upper: Option<u64>,
}

/// Everything exact mode finds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ExactResult {
    /// Number of states N = q^n; all numbers concern the chain restricted to the q tokens.
    pub states: u64,
    /// Free sites n.
    pub sites: usize,
    /// The q allowed tokens.
    pub tokens: Vec<u32>,
    pub temperature: Temperature,
    /// Distinct contexts asked, `n q^(n-1)`.
    pub contexts: u64,
    /// Closed classes of the random scan. With more than one (temperature 0, or probabilities below f64) there is no
    /// unique stationary law and all that rests on it is `None`.
    pub closed_classes: u64,
    /// Exact mixing time t_mix(1/4) in steps; `None` where not all starts were followed or it is beyond 2^62.
    pub t_mix: Option<u64>,
    /// The mixing time is at least this: 1 + the last time at which some start was still further than 1/4.
    pub t_mix_lower: Option<u64>,
    /// Whether `d` is d(t) or a lower bound on it.
    pub d_over: Option<Starts>,
    /// The curve d(t), ascending in t, not equally spaced.
    pub d: Vec<Distance>,
    /// The starts followed, where not all were.
    pub starts: Vec<Vec<u32>>,
    /// Stationary law of the random scan `[states]`, in base q with the first free site counting most.
    pub pi: Option<Vec<f64>>,
    pub random_scan: Option<Found>,
    /// Free sites in order, seen after the last.
    pub systematic_scan: Option<ScanLaw>,
    /// A new random order each sweep; `None` also where n is too large for the mean over orders.
    pub permutation_scan: Option<ScanLaw>,
    /// Second-largest eigenvalue modulus and absolute gap of the random scan; the rest in `spectrum`.
    pub slem: Option<f64>,
    pub gap: Option<f64>,
    pub spectrum: Option<Spectrum>,
    pub influence: ExactInfluence,
    /// Nats per step; `None` without a unique stationary law, or infinite (a move with no way back).
    pub entropy_production: Option<f64>,
    /// Largest `|pi_x P_xy - pi_y P_yx|`.
    pub largest_flux: Option<f64>,
    /// Largest |R| over all rectangles at the temperature; `None` at temperature 0, where it is infinite unless 0.
    pub max_abs_r: Option<f64>,
    pub rectangles: Rectangles,
    /// Number of attractors of the argmax dynamics, and the largest basins.
    pub basin_count: u64,
    pub basins: Vec<Basin>,
    /// For each set of the spec; `None` without a unique stationary law, or where a side has no mass.
    pub bottlenecks: Vec<Option<Bottleneck>>,
}

/// Enumerates the chain of `model` on `space` and computes all of [`ExactResult`].
///
/// At most [`MOST_STATES`] states; up to [`MOST_DENSE`] all starts are followed, above it some. The result is the same
/// on every run: nothing is random and sums have a fixed order.
pub fn exact(
    model: &dyn Conditionals,
    space: &Space,
    spec: &ExactSpec,
    progress: &dyn Progress,
) -> Result<ExactResult, ConditionalsError> {
    if !(1..=64).contains(&spec.pseudo_gap_bound) {
        let k = spec.pseudo_gap_bound;
        return Err(ConditionalsError::Invalid(format!("{k} powers for the pseudo-spectral gap: choose 1 to 64")));
    }
    if let Some(state) = spec.starts.iter().chain(spec.sets.iter().flatten()).find(|state| !space.holds(state)) {
        let words: Vec<String> = state.iter().map(|&token| model.text(token)).collect();
        return Err(ConditionalsError::Invalid(format!(
            "{:?} is not a state of the space: use the template's length and frozen tokens, and allowed ones elsewhere",
            words.join(" ")
        )));
    }
    let chain = ExactChain::over(model, space, spec.temperature, progress)?;
    of_chain(&chain, spec, progress)
}

fn of_chain(chain: &ExactChain, spec: &ExactSpec, progress: &dyn Progress) -> Result<ExactResult, ConditionalsError> {
    progress.stage("rectangles, influence and basins");
    progress.checkpoint()?;
    let rectangles = structure::rectangles(chain);
    progress.checkpoint()?;
    let matrix = structure::influence(chain);
    progress.checkpoint()?;
    let quench = basins::quench(chain);
    progress.stage("stationary laws");
    let random = stationary::random_scan(chain, progress)?;
    let law = random.as_ref().map(|found| found.law.as_slice());
    let (basins, basin_count) = basins::basins(chain, &quench, law);
    let (alpha_col, tau) = (matrix.alpha_col(), spec.temperature.get());
    let mut result = ExactResult {
        states: chain.states() as u64,
        sites: chain.sites(),
        tokens: chain.space().allowed().to_vec(),
        temperature: spec.temperature,
        contexts: (chain.sites() * (chain.states() / chain.alphabet())) as u64,
        closed_classes: stationary::random_scan_classes(chain).len() as u64,
        t_mix: None,
        t_mix_lower: None,
        d_over: None,
        d: Vec::new(),
        starts: Vec::new(),
        pi: None,
        random_scan: random.as_ref().map(Found::of),
        systematic_scan: None,
        permutation_scan: None,
        slem: None,
        gap: None,
        spectrum: None,
        influence: ExactInfluence {
            alpha_col,
            alpha_row: matrix.alpha_row(),
            rho: matrix.spectral_radius(),
            mixing_upper: contraction_bound(chain.sites(), alpha_col, 0.25),
            matrix,
        },
        entropy_production: None,
        largest_flux: None,
        max_abs_r: Some(rectangles.max_abs_r_at_1)
            .map(|r| if r == 0.0 { 0.0 } else { r / tau })
            .filter(|r| r.is_finite()),
        rectangles,
        basin_count,
        basins,
        bottlenecks: vec![None; spec.sets.len()],
    };
    let Some(law) = law else { return Ok(result) };
    result.entropy_production = Some(chain.entropy_production(law)).filter(|sigma| sigma.is_finite());
    result.largest_flux = Some(chain.largest_flux(law));
    for (set, bottleneck) in spec.sets.iter().zip(&mut result.bottlenecks) {
        let mut inside: Vec<usize> = set.iter().filter_map(|state| chain.index(state)).collect();
        inside.sort_unstable();
        *bottleneck = chain.bottleneck(law, |state| inside.binary_search(&state).is_ok());
    }
    let order: Vec<usize> = (0..chain.sites()).collect();
    let scan = |found: Stationary| ScanLaw {
        found: Found::of(&found),
        tv_from_random: stationary::total_variation(law, &found.law),
        law: spec.keep_law.then_some(found.law),
    };
    result.systematic_scan = stationary::systematic_scan(chain, &order, progress)?.map(scan);
    result.permutation_scan = stationary::permutation_scan(chain, progress)?.map(scan);
    let found = spectrum::spectrum(chain, law, spec.pseudo_gap_bound, progress)?;
    let mixing = if chain.states() <= MOST_DENSE {
        mixing::over_all_starts(chain, law, progress)?
    } else {
        let from = starts(chain, law, spec, found.slowest.as_deref());
        mixing::over_chosen_starts(chain, law, from, spec.most_steps, progress)?
    };
    (result.slem, result.gap) = (Some(found.spectrum.slem), Some(found.spectrum.gap));
    result.spectrum = Some(found.spectrum);
    result.t_mix = mixing.quarter.filter(|_| mixing.starts == Starts::All);
    result.t_mix_lower = Some(mixing.above_at.map_or(0, |t| t + 1));
    result.starts = mixing.from.iter().map(|&state| chain.tokens(state)).collect();
    (result.d_over, result.d) = (Some(mixing.starts), mixing.curve);
    result.pi = spec.keep_law.then(|| law.to_vec());
    Ok(result)
}

/// The spec's starts, the least probable state and the extremes of the slowest mode: `TV(P^t(x, .), pi)` falls like
/// `slem^t` times the mode's size at x.
fn starts(chain: &ExactChain, law: &[f64], spec: &ExactSpec, slowest: Option<&[f64]>) -> Vec<usize> {
    let first = |better: &dyn Fn(usize, usize) -> bool| {
        (0..chain.states()).fold(0, |best, state| if better(state, best) { state } else { best })
    };
    let mut starts: Vec<usize> = spec.starts.iter().filter_map(|state| chain.index(state)).collect();
    starts.push(first(&|x, y| law[x] < law[y]));
    if let Some(mode) = slowest {
        starts.push(first(&|x, y| mode[x] < mode[y]));
        starts.push(first(&|x, y| mode[x] > mode[y]));
    }
    let mut kept: Vec<usize> = Vec::new();
    for start in starts {
        if !kept.contains(&start) {
            kept.push(start);
        }
    }
    kept
}
