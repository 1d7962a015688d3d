//! Does the chain at one lag foretell what is counted at its multiples?

use super::shares::percentile_interval;
use super::{MarkovStateModel, TransitionCounts};
use crate::statistics::Stream;

/// Probability of being in a set again `multiple` lags after being in it (on its stationary law), foretold and counted.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChapmanKolmogorov {
    pub set: usize,
    /// Number of lags.
    pub multiple: usize,
    /// From the power of the transition matrix.
    pub predicted: f64,
    /// From transitions counted at that many lags; `None` where none leads from the set.
    pub estimated: Option<f64>,
    /// 95 % percentile interval of the estimate over resampled chains. The error of the prediction is not in it.
    pub interval: Option<[f64; 2]>,
}

/// Tests multiples 1 to `multiples` of `lag` for each of `sets` sets; `set_of[state]` is `None` for a state in no set.
///
/// The weights within a set are those of the stationary law at `lag`. `None` where no model can be estimated; sets
/// without a state in the connected set are left out. Draws come from `seed` alone.
#[expect(clippy::too_many_arguments, reason = "one test of one model; a struct for it would be used once")]
pub fn chapman_kolmogorov(
    paths: &[Vec<Option<usize>>],
    states: usize,
    lag: usize,
    multiples: usize,
    set_of: &[Option<usize>],
    sets: usize,
    resamples: usize,
    seed: u64,
) -> Option<Vec<ChapmanKolmogorov>> {
    let model = MarkovStateModel::estimate(&TransitionCounts::new(paths, states, lag).total(), states, lag)?;
    let k = model.active.len();
    let members: Vec<Vec<usize>> =
        (0..sets).map(|set| (0..k).filter(|&i| set_of[model.active[i]] == Some(set)).collect()).collect();
    let weights: Vec<Vec<f64>> = (0..sets)
        .map(|set| {
            let mut law = vec![0.0; k];
            members[set].iter().for_each(|&i| law[i] = model.stationary[i]);
            let sum: f64 = law.iter().sum();
            law.iter_mut().for_each(|p| *p /= sum);
            law
        })
        .collect();
    let present: Vec<usize> = (0..sets).filter(|&set| !members[set].is_empty()).collect();
    let mut laws = weights.clone();
    let mut found = Vec::new();
    for multiple in 1..=multiples {
        laws.iter_mut().for_each(|law| *law = step(law, &model.transition, k));
        let counts = TransitionCounts::new(paths, states, lag * multiple);
        let estimate = |counts: &[u64], set: usize| {
            let (mut stay, mut known) = (0.0, 0.0);
            for &i in &members[set] {
                let row = &counts[model.active[i] * states..][..states];
                let total: u64 = model.active.iter().map(|&j| row[j]).sum();
                if total > 0 {
                    let inside: u64 = members[set].iter().map(|&j| row[model.active[j]]).sum();
                    stay += weights[set][i] * inside as f64 / total as f64;
                    known += weights[set][i];
                }
            }
            (known > 0.0).then(|| stay / known)
        };
        let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); sets];
        if counts.chains() > 1 {
            let mut stream = Stream::new(seed, multiple as u64);
            for _ in 0..resamples {
                let again = counts.resample(&mut stream);
                present.iter().for_each(|&set| drawn[set].extend(estimate(&again, set)));
            }
        }
        let total = counts.total();
        found.extend(present.iter().map(|&set| ChapmanKolmogorov {
            set,
            multiple,
            predicted: members[set].iter().map(|&i| laws[set][i]).sum(),
            estimated: estimate(&total, set),
            interval: percentile_interval(&drawn[set]),
        }));
    }
    Some(found)
}

fn step(law: &[f64], transition: &[f64], k: usize) -> Vec<f64> {
    let mut next = vec![0.0; k];
    for (i, p) in law.iter().enumerate() {
        next.iter_mut().zip(&transition[i * k..]).for_each(|(sum, q)| *sum += p * q);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::super::tests::paths;
    use super::*;

    #[test]
    fn a_markov_chain_passes() {
        let paths = paths(&[&[0.95, 0.05], &[0.05, 0.95]], 40, 2000, 8);
        let found = chapman_kolmogorov(&paths, 2, 1, 5, &[Some(0), Some(1)], 2, 100, 1).unwrap();
        assert_eq!(found.len(), 10);
        for test in &found {
            let exact = 0.5 + 0.5 * 0.9f64.powi(test.multiple as i32);
            assert!((test.predicted - exact).abs() < 0.02, "{test:?}");
            let [lower, upper] = test.interval.unwrap();
            assert!(lower - 0.01 < test.predicted && test.predicted < upper + 0.01, "{test:?}");
            assert!(test.estimated.unwrap() >= lower && test.estimated.unwrap() <= upper);
        }
    }

    #[test]
    fn a_lumped_chain_with_memory_fails() {
        // A path that stays exactly five steps in each state: at lag 1 it looks like leaving with probability 1/5.
        let path: Vec<Option<usize>> = (0..2000).map(|t| Some(t / 5 % 2)).collect();
        let paths = vec![path; 3];
        let found = chapman_kolmogorov(&paths, 2, 1, 5, &[Some(0), Some(1)], 2, 50, 1).unwrap();
        let fifth = found.iter().find(|test| test.multiple == 5 && test.set == 0).unwrap();
        assert!(fifth.predicted > 0.5 && fifth.estimated == Some(0.0), "{fifth:?}");
        let empty = chapman_kolmogorov(&paths, 2, 1, 1, &[Some(0), Some(0)], 2, 10, 1).unwrap();
        assert_eq!(empty.len(), 1, "the set without states is left out");
    }
}
