//! Influence estimated at real size from sampled pairs of states (glauber.md 3.3).
//!
//! Maxima over a sample are lower bounds on the suprema, and everything derived from them is too low or, where it is a
//! bound on mixing, too optimistic; the names say so.

use super::super::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use super::super::space::Space;
use super::super::temperature::Temperature;
use super::{InfluenceMatrix, contraction_bound, invalid, largest_column, tanh_bound};
use crate::progress::Progress;
use crate::statistics::{Stream, quantile, sorted};

/// Rows that travel in one call.
const BATCH_ROWS: usize = 64;
/// Most replacement tokens at one site.
const MOST_REPLACEMENTS: usize = 1024;

/// Where the replacement tokens at an influencing site come from.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacements {
    /// Different draws from the conditional at that site at this temperature; where it has no mass left (near
    /// temperature 0) the largest remaining logits.
    Conditional { temperature: Temperature },
    /// Different draws, uniform over the allowed tokens.
    Uniform,
}

/// What is sampled at each state; the whole of it but the states, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InfluenceSpec {
    /// Each is served by the same forward rows.
    pub temperatures: Vec<Temperature>,
    /// Replacement tokens K at each site, none equal to the one that stands there; fewer where fewer are allowed.
    pub replacements: usize,
    pub rule: Replacements,
    pub precision: Precision,
    pub seed: u64,
}

impl InfluenceSpec {
    fn check(&self, space: &Space) -> Result<(), ConditionalsError> {
        if self.temperatures.is_empty() {
            return invalid("there is no temperature: give at least one");
        }
        if !(1..=MOST_REPLACEMENTS).contains(&self.replacements) {
            let k = self.replacements;
            return invalid(format!("{k} replacement tokens at each site: choose 1 to {MOST_REPLACEMENTS}"));
        }
        if space.free().len() < 2 || space.allowed().len() < 2 {
            return invalid("influence needs at least two free sites and two allowed tokens");
        }
        Ok(())
    }
}

/// What one state says about the influences; to be kept and merged by [`merge`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StateInfluence {
    /// Place of the state in the caller's list.
    pub state: u64,
    /// Free sites n.
    pub sites: usize,
    /// Replacement tokens K that were used at each site.
    pub replacements: usize,
    /// TV between the laws at i before and after replacement k at j: `[temperature, i, j, k]`; 0 for i = j.
    pub distances: Vec<f64>,
    /// Oscillation of the difference of logits at i, nats: `[i, j, k]`; 0 for i = j.
    pub oscillations: Vec<f64>,
    /// Forward rows asked.
    pub rows: u64,
}

/// Influences that the state `tokens`, number `state` of the caller's list, shows.
///
/// Asks n rows of the state itself and `n (n - 1) K` of its neighbours, at most 64 at a time. The draws depend on
/// `spec.seed` and `state` alone. Memory is that of `n + 64` rows over the vocabulary and of one law a temperature.
pub fn influence_of_state(
    model: &dyn Conditionals,
    space: &Space,
    spec: &InfluenceSpec,
    state: u64,
    tokens: &[u32],
    progress: &dyn Progress,
) -> Result<StateInfluence, ConditionalsError> {
    spec.check(space)?;
    if !space.holds(tokens) {
        return invalid(format!(
            "state {} is not of the space: it must have the template's length and frozen tokens, and allowed ones elsewhere",
            state + 1
        ));
    }
    let (free, allowed) = (space.free(), space.allowed());
    let (n, k) = (free.len(), spec.replacements.min(allowed.len() - 1));
    let mut own = Vec::with_capacity(n);
    for sites in free.chunks(BATCH_ROWS) {
        progress.checkpoint()?;
        let rows: Vec<Row<'_>> = sites.iter().map(|&position| Row { state: tokens, position }).collect();
        let logits = ask(model, &rows, spec.precision)?;
        own.extend(
            (0..rows.len()).map(|row| allowed.iter().map(|&t| logits.row(row)[t as usize]).collect::<Vec<f64>>()),
        );
    }
    let mut stream = Stream::new(spec.seed, state);
    let neighbours: Vec<Vec<u32>> = free
        .iter()
        .zip(&own)
        .flat_map(|(&position, logits)| {
            draw(spec.rule, logits, allowed, tokens[position], k, &mut stream)
                .into_iter()
                .map(move |token| (position, token))
        })
        .map(|(position, token)| {
            let mut neighbour = tokens.to_vec();
            neighbour[position] = token;
            neighbour
        })
        .collect();
    let mut found = StateInfluence {
        state,
        sites: n,
        replacements: k,
        distances: vec![0.0; spec.temperatures.len() * n * n * k],
        oscillations: vec![0.0; n * n * k],
        rows: (n + n * (n - 1) * k) as u64,
    };
    let places: Vec<u32> = (0..allowed.len() as u32).collect();
    let (mut laws, mut law, mut done) = (vec![Vec::new(); spec.temperatures.len()], Vec::new(), n as u64);
    for (i, (&position, before)) in free.iter().zip(&own).enumerate() {
        for (temperature, law) in spec.temperatures.iter().zip(&mut laws) {
            temperature.law(before, &places, law);
        }
        // Neighbour j k + r has replacement r at site j.
        let asked: Vec<usize> = (0..n * k).filter(|place| place / k != i).collect();
        for batch in asked.chunks(BATCH_ROWS) {
            progress.checkpoint()?;
            let rows: Vec<Row<'_>> = batch.iter().map(|&at| Row { state: &neighbours[at], position }).collect();
            let answers = ask(model, &rows, spec.precision)?;
            for (row, &place) in batch.iter().enumerate() {
                let after = answers.row(row);
                let differences = allowed.iter().zip(before).map(|(&t, b)| after[t as usize] - b);
                let (low, high) =
                    differences.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
                found.oscillations[i * n * k + place] = high - low;
                for (t, (temperature, own)) in spec.temperatures.iter().zip(&laws).enumerate() {
                    temperature.law(after, allowed, &mut law);
                    let l1: f64 = own.iter().zip(&law).map(|(a, b)| (a - b).abs()).sum();
                    found.distances[(t * n + i) * n * k + place] = (l1 / 2.0).min(1.0);
                }
            }
            done += batch.len() as u64;
            progress.report(done, found.rows);
        }
    }
    Ok(found)
}

/// `k` different allowed tokens other than `present`; `logits` over `allowed`.
pub(super) fn draw(
    rule: Replacements,
    logits: &[f64],
    allowed: &[u32],
    present: u32,
    k: usize,
    stream: &mut Stream,
) -> Vec<u32> {
    let others: Vec<usize> = (0..allowed.len()).filter(|&place| allowed[place] != present).collect();
    let Replacements::Conditional { temperature } = rule else {
        return stream.distinct(k, others.len()).into_iter().map(|place| allowed[others[place]]).collect();
    };
    let places: Vec<u32> = (0..allowed.len() as u32).collect();
    let mut law = Vec::new();
    temperature.law(logits, &places, &mut law);
    let mut left: Vec<usize> = others;
    let mut weights: Vec<f64> = left.iter().map(|&place| law[place]).collect();
    let mut drawn = Vec::with_capacity(k);
    while drawn.len() < k {
        let at = if weights.iter().any(|&w| w > 0.0) {
            stream.weighted(&weights)
        } else {
            (0..left.len()).fold(0, |best, at| if logits[left[at]] > logits[left[best]] { at } else { best })
        };
        weights.remove(at);
        drawn.push(allowed[left.remove(at)]);
    }
    drawn
}

/// Influences at one temperature, over all sampled contexts.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InfluenceAt {
    pub temperature: Temperature,
    /// Largest TV seen: a lower bound on C.
    pub max_lower: InfluenceMatrix,
    /// Mean TV: the typical influence, an estimate for these states and replacements, not a bound on C.
    pub mean: InfluenceMatrix,
    /// 95 % quantile (type 7) of TV over states and replacements.
    pub quantile_95: InfluenceMatrix,
    /// `alpha_col`, `alpha_row` and rho of `max_lower`: lower bounds on those of C.
    pub alpha_col_lower: f64,
    pub alpha_row_lower: f64,
    pub rho_lower: f64,
    /// `alpha_col` of `mean`.
    pub alpha_col_mean: f64,
    /// `max_j sum_i tanh(delta_ij / 4 tau)` with the sampled oscillations.
    pub tanh_alpha: f64,
    /// `ceil(n (ln n + ln 4) / (1 - alpha_col_lower))`: what the contraction theorem would give for t_mix(1/4) if the
    /// sample had found the supremum. Since it may not have, this is optimistic. `None`: no bound, alpha >= 1.
    pub optimistic_mixing: Option<u64>,
    /// The same with `1 - tau_D / tau`; `None` at or below the sampled threshold.
    pub optimistic_mixing_by_threshold: Option<u64>,
}

/// Influences of all sampled states.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SampledInfluence {
    /// States merged, and replacements at each site of each.
    pub states: u64,
    pub replacements: usize,
    /// Forward rows asked.
    pub rows: u64,
    /// Largest oscillation delta seen, nats: a lower bound.
    pub oscillation_lower: InfluenceMatrix,
    /// `tau_D = max_j sum_i delta_ij / 4` with `oscillation_lower`: a lower bound on the threshold above which
    /// contraction is certain.
    pub threshold_lower: f64,
    /// In the order of the spec.
    pub at: Vec<InfluenceAt>,
}

/// Merges the states' shares; the result does not depend on their order, but each state must come once.
///
/// Holds all shares' distances, `states * temperatures * n^2 * K` numbers, for the quantiles.
pub fn merge(spec: &InfluenceSpec, shares: &[StateInfluence]) -> Result<SampledInfluence, ConditionalsError> {
    let mut shares: Vec<&StateInfluence> = shares.iter().collect();
    shares.sort_by_key(|share| share.state);
    let Some(first) = shares.first() else { return invalid("no state was sampled: give at least one") };
    let (n, k) = (first.sites, first.replacements);
    let entries = n * n * k;
    let alike = |share: &&StateInfluence| {
        share.sites == n
            && share.replacements == k
            && share.oscillations.len() == entries
            && share.distances.len() == entries * spec.temperatures.len()
    };
    if !shares.iter().all(alike) || shares.windows(2).any(|pair| pair[0].state == pair[1].state) {
        return invalid("the states' shares are not of one run: each state once, all with the same sites and spec");
    }
    let mut oscillation_lower = InfluenceMatrix::zero(n);
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j).collect();
    for &(i, j) in &pairs {
        let all = shares.iter().flat_map(|share| &share.oscillations[(i * n + j) * k..][..k]);
        oscillation_lower.set(i, j, all.copied().fold(0.0, f64::max));
    }
    let threshold_lower = largest_column(n, |i, j| oscillation_lower.get(i, j)) / 4.0;
    let at = spec.temperatures.iter().enumerate().map(|(t, &temperature)| {
        let mut matrices = [(); 3].map(|()| InfluenceMatrix::zero(n));
        for &(i, j) in &pairs {
            let all = shares.iter().flat_map(|share| &share.distances[((t * n + i) * n + j) * k..][..k]);
            let values = sorted(&all.copied().collect::<Vec<f64>>());
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let largest = values.last().copied().unwrap_or(0.0);
            for (matrix, value) in matrices.iter_mut().zip([largest, mean, quantile(&values, 0.95)]) {
                matrix.set(i, j, value);
            }
        }
        let [max_lower, mean, quantile_95] = matrices;
        let (alpha, tau) = (max_lower.alpha_col(), temperature.get());
        let tanh_alpha = largest_column(n, |i, j| tanh_bound(oscillation_lower.get(i, j), tau));
        let relative = if threshold_lower == 0.0 { 0.0 } else { threshold_lower / tau };
        InfluenceAt {
            temperature,
            alpha_col_lower: alpha,
            alpha_row_lower: max_lower.alpha_row(),
            rho_lower: max_lower.spectral_radius(),
            alpha_col_mean: mean.alpha_col(),
            tanh_alpha,
            optimistic_mixing: contraction_bound(n, alpha, 0.25),
            optimistic_mixing_by_threshold: contraction_bound(n, relative, 0.25),
            max_lower,
            mean,
            quantile_95,
        }
    });
    Ok(SampledInfluence {
        states: shares.len() as u64,
        replacements: k,
        rows: shares.iter().map(|share| share.rows).sum(),
        threshold_lower,
        at: at.collect(),
        oscillation_lower,
    })
}

/// [`influence_of_state`] over all `states` in order, merged.
pub fn sampled_influence(
    model: &dyn Conditionals,
    space: &Space,
    spec: &InfluenceSpec,
    states: &[Vec<u32>],
    progress: &dyn Progress,
) -> Result<SampledInfluence, ConditionalsError> {
    let mut shares = Vec::with_capacity(states.len());
    for (state, tokens) in states.iter().enumerate() {
        progress.stage(&format!("influence at state {} of {}", state + 1, states.len()));
        shares.push(influence_of_state(model, space, spec, state as u64, tokens, progress)?);
    }
    merge(spec, &shares)
}
