//! Implied timescales and stationary shares with intervals from whole chains drawn anew.

use super::{MarkovStateModel, TransitionCounts};
use crate::statistics::{Stream, quantile, sorted};

/// One implied timescale, in steps of the path.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Timescale {
    /// `None` where the eigenvalue decays at once or never.
    pub value: Option<f64>,
    /// 95 % percentile interval over resampled chains; `None` with fewer than two chains or no resample that has it.
    pub interval: Option<[f64; 2]>,
    /// Resamples in which this timescale exists; the interval rests on them alone.
    pub resamples: usize,
    /// Whether the eigenvalue is one of a complex pair: the relaxation circulates.
    pub oscillates: bool,
}

/// The slowest timescales at one lag.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimescalesAtLag {
    /// Steps of the path.
    pub lag: usize,
    /// States of the connected set the timescales belong to.
    pub active_states: usize,
    /// Share of all counted transitions inside that set.
    pub counted_share: f64,
    /// Longest first.
    pub timescales: Vec<Timescale>,
}

/// The `how_many` slowest implied timescales; `None` where no model can be estimated at this lag.
///
/// In each of `resamples` resamples the connected set is found anew. Draws come from `seed` alone.
pub fn implied_timescales(
    counts: &TransitionCounts,
    how_many: usize,
    resamples: usize,
    seed: u64,
) -> Option<TimescalesAtLag> {
    let model = MarkovStateModel::estimate(&counts.total(), counts.states(), counts.lag())?;
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); how_many];
    for_each_resample(counts, resamples, seed, |again| {
        for (values, value) in drawn.iter_mut().zip(again.timescales()) {
            values.extend(value);
        }
    });
    let timescales = model
        .timescales()
        .into_iter()
        .zip(&model.eigenvalues[1..])
        .zip(drawn)
        .map(|((value, eigenvalue), drawn)| Timescale {
            value,
            interval: percentile_interval(&drawn),
            resamples: drawn.len(),
            oscillates: eigenvalue[1].abs() > 1e-9,
        })
        .collect();
    Some(TimescalesAtLag {
        lag: counts.lag(),
        active_states: model.active.len(),
        counted_share: model.counted_share,
        timescales,
    })
}

/// A share with its bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct BootstrapShare {
    pub share: f64,
    /// 95 % percentile interval over resampled chains; `None` with fewer than two chains.
    pub interval: Option<[f64; 2]>,
}

/// Stationary share of each of `sets` sets of states; `set_of[state]` is `None` for a state in no set.
///
/// `None` where no model can be estimated. States outside the connected set have no share.
pub fn stationary_shares(
    counts: &TransitionCounts,
    set_of: &[Option<usize>],
    sets: usize,
    resamples: usize,
    seed: u64,
) -> Option<Vec<BootstrapShare>> {
    let shares = |model: &MarkovStateModel| {
        let mut shares = vec![0.0; sets];
        for (&state, law) in model.active.iter().zip(&model.stationary) {
            if let Some(set) = set_of[state] {
                shares[set] += law;
            }
        }
        shares
    };
    let model = MarkovStateModel::estimate(&counts.total(), counts.states(), counts.lag())?;
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); sets];
    for_each_resample(counts, resamples, seed, |again| {
        drawn.iter_mut().zip(shares(again)).for_each(|(values, share)| values.push(share));
    });
    Some(
        shares(&model)
            .into_iter()
            .zip(drawn)
            .map(|(share, drawn)| BootstrapShare { share, interval: percentile_interval(&drawn) })
            .collect(),
    )
}

fn for_each_resample(counts: &TransitionCounts, resamples: usize, seed: u64, mut each: impl FnMut(&MarkovStateModel)) {
    if counts.chains() < 2 {
        return;
    }
    let mut stream = Stream::new(seed, counts.lag() as u64);
    for _ in 0..resamples {
        let drawn = counts.resample(&mut stream);
        if let Some(model) = MarkovStateModel::estimate(&drawn, counts.states(), counts.lag()) {
            each(&model);
        }
    }
}

/// 2.5 % and 97.5 % quantiles; `None` without values.
pub(super) fn percentile_interval(values: &[f64]) -> Option<[f64; 2]> {
    let values = sorted(values);
    (!values.is_empty()).then(|| [quantile(&values, 0.025), quantile(&values, 0.975)])
}

#[cfg(test)]
mod tests {
    use super::super::tests::paths;
    use super::*;

    #[test]
    fn shares_of_an_uneven_pair() {
        // pi = (0.04, 0.02) / 0.06 = (2/3, 1/3).
        let paths = paths(&[&[0.98, 0.02], &[0.04, 0.96]], 60, 1500, 4);
        let counts = TransitionCounts::new(&paths, 2, 2);
        let found = stationary_shares(&counts, &[Some(1), Some(0)], 2, 200, 7).unwrap();
        let [lower, upper] = found[1].interval.unwrap();
        assert!((found[1].share - 2.0 / 3.0).abs() < 0.03 && lower < 2.0 / 3.0 && 2.0 / 3.0 < upper, "{found:?}");
        assert!((found[0].share + found[1].share - 1.0).abs() < 1e-12);
        assert_eq!(found, stationary_shares(&counts, &[Some(1), Some(0)], 2, 200, 7).unwrap());
    }

    #[test]
    fn one_chain_has_no_interval() {
        let paths = paths(&[&[0.9, 0.1], &[0.1, 0.9]], 1, 500, 1);
        let counts = TransitionCounts::new(&paths, 2, 1);
        let found = implied_timescales(&counts, 5, 100, 1).unwrap();
        assert_eq!((found.timescales.len(), found.timescales[0].interval), (1, None));
        assert_eq!(stationary_shares(&counts, &[None, Some(0)], 1, 100, 1).unwrap()[0].interval, None);
    }
}
