//! Markov state models of labelled paths, without detailed balance (glauber.md section 6, B3; Prinz et al. 2011).
//!
//! Paths are labels at equal distances in time; one step of a path is the unit of all lags and timescales here.

mod chapman_kolmogorov;
mod counts;
mod metastable;
mod shares;

pub use chapman_kolmogorov::{ChapmanKolmogorov, chapman_kolmogorov};
pub use counts::TransitionCounts;
pub use metastable::{MetastableSets, largest_timescale_gap, metastable_sets};
pub use shares::{BootstrapShare, Timescale, TimescalesAtLag, implied_timescales, stationary_shares};

use faer::Mat;

/// The maximum likelihood chain at one lag on the strongly connected set that holds most of the counted transitions.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MarkovStateModel {
    /// Steps of the path between the two ends of a counted transition.
    pub lag: usize,
    /// States of the strongly connected set, ascending; rows and columns below follow it.
    pub active: Vec<usize>,
    /// States that appear in any counted transition.
    pub visited: usize,
    /// Share of all counted transitions that stay within the set.
    pub counted_share: f64,
    /// Row-major `[k, k]`, rows sum to 1. Not forced to be reversible.
    pub transition: Vec<f64>,
    /// The law the transition matrix keeps, `[k]`.
    pub stationary: Vec<f64>,
    /// Eigenvalues as `[real, imaginary]`, the largest modulus first; the first is 1.
    pub eigenvalues: Vec<[f64; 2]>,
}

impl MarkovStateModel {
    /// Estimates from counts row-major `[states, states]`; `None` where no transition stays in a connected set or the
    /// eigenvalues cannot be found.
    pub fn estimate(counts: &[u64], states: usize, lag: usize) -> Option<Self> {
        let active = counts::connected_set(counts, states)?;
        let k = active.len();
        let mut transition = vec![0.0; k * k];
        let mut inside = 0u64;
        for (row, &i) in active.iter().enumerate() {
            let total: u64 = active.iter().map(|&j| counts[i * states + j]).sum();
            inside += total;
            for (column, &j) in active.iter().enumerate() {
                transition[row * k + column] = counts[i * states + j] as f64 / total as f64;
            }
        }
        let all: u64 = counts.iter().sum();
        let visited =
            (0..states).filter(|&i| (0..states).any(|j| counts[i * states + j] + counts[j * states + i] > 0)).count();
        let stationary = stationary_law(&transition, k);
        let eigenvalues = eigenvalues(&transition, k)?;
        Some(Self {
            lag,
            active,
            visited,
            counted_share: inside as f64 / all as f64,
            transition,
            stationary,
            eigenvalues,
        })
    }

    /// `t_k = -lag / ln |lambda_k|` for k = 1, 2, … (the eigenvalue 1 left out), in steps of the path, longest first.
    pub fn timescales(&self) -> Vec<Option<f64>> {
        let of = |&[re, im]: &[f64; 2]| implied_timescale(self.lag as f64, re.hypot(im));
        self.eigenvalues.iter().skip(1).map(of).collect()
    }
}

/// `-lag / ln modulus`; `None` for a modulus of 0 or of 1 and more (within rounding), which decays at once or never.
pub fn implied_timescale(lag: f64, modulus: f64) -> Option<f64> {
    (modulus > 0.0 && modulus < 1.0 - 1e-12).then(|| -lag / modulus.ln())
}

/// The stationary law of an irreducible stochastic matrix by the algorithm of Grassmann, Taksar and Heyman (1985),
/// which never subtracts and so keeps small probabilities accurate.
fn stationary_law(transition: &[f64], k: usize) -> Vec<f64> {
    let mut p = transition.to_vec();
    for last in (1..k).rev() {
        let leaving: f64 = p[last * k..last * k + last].iter().sum();
        for i in 0..last {
            p[i * k + last] /= leaving;
            for j in 0..last {
                p[i * k + j] += p[i * k + last] * p[last * k + j];
            }
        }
    }
    let mut law = vec![1.0; k];
    for state in 1..k {
        law[state] = (0..state).map(|i| law[i] * p[i * k + state]).sum();
    }
    let sum: f64 = law.iter().sum();
    law.iter_mut().for_each(|x| *x /= sum);
    law
}

/// Order of eigenvalues: modulus, then real part, then imaginary part, the largest first.
///
/// Moduli within 1e-12 count as equal, so that rounding does not part a conjugate pair.
fn larger_first(a: &[f64; 2], b: &[f64; 2]) -> std::cmp::Ordering {
    let grain = |x: f64| (x * 1e12).round();
    let key = |&[re, im]: &[f64; 2]| [grain(re.hypot(im)), grain(re), grain(im)];
    let (a, b) = (key(a), key(b));
    b[0].total_cmp(&a[0]).then(b[1].total_cmp(&a[1])).then(b[2].total_cmp(&a[2]))
}

fn eigenvalues(transition: &[f64], k: usize) -> Option<Vec<[f64; 2]>> {
    let matrix = Mat::from_fn(k, k, |i, j| transition[i * k + j]);
    let mut values: Vec<[f64; 2]> = matrix.eigenvalues().ok()?.iter().map(|value| [value.re, value.im]).collect();
    values.sort_by(larger_first);
    Some(values)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::statistics::Stream;

    /// Paths of `chains` chains of a row-stochastic matrix, each from state `chain % states`.
    pub(crate) fn paths(matrix: &[&[f64]], chains: usize, steps: usize, seed: u64) -> Vec<Vec<Option<usize>>> {
        (0..chains)
            .map(|chain| {
                let mut stream = Stream::new(seed, chain as u64);
                let mut state = chain % matrix.len();
                (0..steps)
                    .map(|_| {
                        let now = state;
                        state = stream.weighted(matrix[state]);
                        Some(now)
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn two_states_have_the_timescale_of_the_specification() {
        let model = MarkovStateModel::estimate(&[98, 2, 2, 98], 2, 1).unwrap();
        assert!((model.timescales()[0].unwrap() - 24.4966).abs() < 5e-5, "{:?}", model.timescales());
        assert_eq!(model.stationary, [0.5, 0.5]);
        // Mean dwell 1 / eps.
        assert!((1.0 / model.transition[1] - 50.0).abs() < 1e-12);
        assert_eq!((model.active.as_slice(), model.counted_share), (&[0, 1][..], 1.0));
        let square = MarkovStateModel::estimate(&[9608, 392, 392, 9608], 2, 2).unwrap();
        assert!((square.timescales()[0].unwrap() - 24.4966).abs() < 5e-5, "the same at twice the lag");
    }

    #[test]
    fn two_states_are_recovered_from_paths() {
        let paths = paths(&[&[0.98, 0.02], &[0.02, 0.98]], 40, 2000, 3);
        for lag in [1, 5, 20] {
            let counts = TransitionCounts::new(&paths, 2, lag);
            let found = implied_timescales(&counts, 3, 100, 1).unwrap();
            let first = &found.timescales[0];
            let (value, [lower, upper]) = (first.value.unwrap(), first.interval.unwrap());
            assert!((value - 24.4966).abs() < 2.5, "lag {lag}: {value}");
            assert!(lower < 24.4966 && 24.4966 < upper, "lag {lag}: {lower} {upper}");
        }
    }

    #[test]
    fn a_circulating_chain_is_not_made_reversible() {
        // 0 -> 1 -> 2 -> 0 with probability 0.9, else stay: eigenvalues 1 and 0.1 + 0.9 e^{+-2 pi i / 3}.
        let counts = [1, 9, 0, 0, 1, 9, 9, 0, 1];
        let model = MarkovStateModel::estimate(&counts, 3, 1).unwrap();
        assert!((model.transition[1] - 0.9).abs() < 1e-15 && model.transition[2] == 0.0);
        let [re, im] = model.eigenvalues[1];
        assert!((re + 0.35).abs() < 1e-12 && (im.abs() - 0.9 * 3f64.sqrt() / 2.0).abs() < 1e-12);
        assert_eq!(model.eigenvalues[1][1], -model.eigenvalues[2][1]);
        assert!(model.stationary.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-15));
    }

    #[test]
    fn the_stationary_law_is_kept() {
        let matrix = [0.5, 0.3, 0.2, 0.1, 0.8, 0.1, 0.25, 0.25, 0.5];
        let law = stationary_law(&matrix, 3);
        for j in 0..3 {
            let next: f64 = (0..3).map(|i| law[i] * matrix[i * 3 + j]).sum();
            assert!((next - law[j]).abs() < 1e-15);
        }
    }

    #[test]
    fn timescales_without_decay_are_no_numbers() {
        assert_eq!(implied_timescale(1.0, 1.0), None);
        assert_eq!(implied_timescale(1.0, 0.0), None);
        assert_eq!(MarkovStateModel::estimate(&[0, 1, 0, 0], 2, 1), None, "nothing ever returns");
        let periodic = MarkovStateModel::estimate(&[0, 5, 5, 0], 2, 1).unwrap();
        assert_eq!(periodic.timescales(), [None]);
    }
}
