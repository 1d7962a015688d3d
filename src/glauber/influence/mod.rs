//! Cross-token influence and the mixing bounds that follow from it (glauber.md section 3; Dobrushin 1970; Bubley and
//! Dyer 1997; Hayes 2006).

mod sampled;
#[cfg(test)]
mod tests;

pub use sampled::{
    InfluenceAt, InfluenceSpec, Replacements, SampledInfluence, StateInfluence, influence_of_state, merge,
    sampled_influence,
};

use super::conditionals::ConditionalsError;

/// A non-negative matrix `[n, n]` of influences: row = influenced site, column = influencing site; zero diagonal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InfluenceMatrix {
    /// Number of sites n.
    pub sites: usize,
    /// Row-major `[n, n]`.
    pub values: Vec<f64>,
}

impl InfluenceMatrix {
    /// No influence at all.
    pub fn zero(sites: usize) -> Self {
        Self { sites, values: vec![0.0; sites * sites] }
    }

    /// Influence of site `j` on site `i`; both below [`InfluenceMatrix::sites`].
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.sites + j]
    }

    pub(super) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.sites + j] = value;
    }

    /// `alpha_col = max_j sum_i C_ij`: path coupling in the Hamming metric.
    pub fn alpha_col(&self) -> f64 {
        (0..self.sites).map(|j| (0..self.sites).map(|i| self.get(i, j)).sum()).fold(0.0, f64::max)
    }

    /// `alpha_row = max_i sum_j C_ij`: Dobrushin's condition.
    pub fn alpha_row(&self) -> f64 {
        (0..self.sites).map(|i| (0..self.sites).map(|j| self.get(i, j)).sum()).fold(0.0, f64::max)
    }

    /// Spectral radius (Hayes 2006), to a relative 1e-10 or the last of 100,000 iterations, never below the true one by
    /// more than that: it is the upper Collatz-Wielandt bound.
    pub fn spectral_radius(&self) -> f64 {
        let n = self.sites;
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        if n == 0 || largest == 0.0 {
            return 0.0;
        }
        // A shift by the identity makes the iteration aperiodic. A vanishing positive background keeps every entry of
        // the vector positive, as the bound needs; it moves the radius by less than the tolerance.
        let (shift, background) = (largest, largest * 1e-14);
        let mut vector = vec![1.0; n];
        let mut upper = f64::INFINITY;
        for _ in 0..100_000 {
            let total: f64 = vector.iter().sum();
            let next: Vec<f64> = (0..n)
                .map(|i| {
                    let row = &self.values[i * n..][..n];
                    row.iter().zip(&vector).map(|(c, x)| c * x).sum::<f64>() + shift * vector[i] + background * total
                })
                .collect();
            let ratios = next.iter().zip(&vector).map(|(after, before)| after / before);
            let (low, high) = ratios.fold((f64::INFINITY, 0.0f64), |(low, high), r| (low.min(r), high.max(r)));
            upper = upper.min(high - shift);
            if high - low <= 1e-10 * high {
                break;
            }
            let scale = next.iter().copied().fold(0.0, f64::max);
            vector = next.into_iter().map(|x| (x / scale).max(f64::MIN_POSITIVE)).collect();
        }
        upper.max(0.0)
    }
}

/// `ceil(n (ln n + ln 1/eps) / (1 - alpha))` single-site steps, an upper bound on t_mix(eps) where `alpha < 1` bounds the
/// total influence; `None`, "no bound", where `alpha >= 1` (glauber.md 3.1). `eps` in (0, 1).
pub fn contraction_bound(sites: usize, alpha: f64, eps: f64) -> Option<u64> {
    let n = sites as f64;
    let steps = n * (n.ln() + (1.0 / eps).ln()) / (1.0 - alpha);
    (alpha < 1.0 && (0.0..1e18).contains(&steps)).then_some(steps.ceil() as u64)
}

/// Sharp bound on the total variation between `softmax(u / tau)` and `softmax((u + h) / tau)` when h oscillates by
/// `oscillation = max h - min h` nats: `tanh(oscillation / (4 tau))` (Birkhoff; glauber.md 3.2).
pub fn tanh_bound(oscillation: f64, tau: f64) -> f64 {
    if oscillation == 0.0 { 0.0 } else { (oscillation / (4.0 * tau)).tanh() }
}

/// Column sums of a matrix, for thresholds.
fn largest_column(sites: usize, entry: impl Fn(usize, usize) -> f64) -> f64 {
    (0..sites).map(|j| (0..sites).filter(|&i| i != j).map(|i| entry(i, j)).sum()).fold(0.0, f64::max)
}

fn invalid<T>(problem: impl Into<String>) -> Result<T, ConditionalsError> {
    Err(ConditionalsError::Invalid(problem.into()))
}
