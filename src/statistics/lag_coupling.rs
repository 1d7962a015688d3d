//! Distance to stationarity from pairs that meet at a lag (Biswas, Jacob and Vanetti 2019, arXiv 1905.09971).

use super::normal_quantile;
use super::survival::Lifetime;

/// An upper bound on `TV(pi_t, pi)` at one time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LagBound {
    /// Steps.
    pub step: u64,
    /// Estimate of `E[max(0, ceil((T - L - t) / L))]`, not clipped at 1. Where pairs did not meet this is only what the
    /// expectation is at least, and no bound.
    pub value: f64,
    pub standard_error: f64,
    /// Upper end of the one-sided 95 % interval of the expectation (normal); `None` where no upper bound is known:
    /// pairs that did not meet, or fewer than two pairs, or no pair with a positive term to estimate a spread from.
    pub upper: Option<f64>,
    /// Whether every pair that matters here met, so that `value` estimates an upper bound.
    pub is_bound: bool,
}

/// Bounds from meeting times `T = inf{t >= L : X_t = Y_(t-L)}` of pairs whose first chain is `lag` = L steps ahead.
///
/// Empty without pairs or with lag 0. No reversibility is needed.
pub fn lag_bounds(meetings: &[Lifetime], lag: u64, steps: &[u64]) -> Vec<LagBound> {
    if meetings.is_empty() || lag == 0 {
        return Vec::new();
    }
    let n = meetings.len() as f64;
    let one = |&step: &u64| {
        let term = |m: &Lifetime| m.time.saturating_sub(lag.saturating_add(step)).div_ceil(lag) as f64;
        let sum: f64 = meetings.iter().map(term).sum();
        let value = sum / n;
        let squares: f64 = meetings.iter().map(|m| (term(m) - value).powi(2)).sum();
        let standard_error = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 };
        // A pair that has not met can contribute at any step.
        let is_bound = meetings.iter().all(|m| m.event);
        let known = is_bound && n > 1.0 && sum > 0.0;
        let upper = known.then(|| value + normal_quantile(0.95) * standard_error);
        LagBound { step, value, standard_error, upper, is_bound }
    };
    steps.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Stream;

    /// TV between t random-scan steps of 8 fair bits from all zeros and the uniform law, from the law of the number of
    /// updated sites.
    fn fair_bits_distance(t: u64) -> f64 {
        let mut updated = [0.0; 9];
        updated[0] = 1.0;
        for _ in 0..t {
            let mut next = [0.0; 9];
            for k in 0..=8 {
                next[k] += updated[k] * k as f64 / 8.0;
                if k < 8 {
                    next[k + 1] += updated[k] * (8 - k) as f64 / 8.0;
                }
            }
            updated = next;
        }
        let choose = |n: usize, k: usize| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
        let difference = |ones: usize| {
            // The k updated sites are a uniform set; it must hold all ones, and all its bits are fair.
            let of_state: f64 = (ones..=8)
                .map(|k| updated[k] * choose(8 - ones, k - ones) / choose(8, k) * 0.5f64.powi(k as i32))
                .sum();
            choose(8, ones) * (of_state - 1.0 / 256.0).abs()
        };
        (0..=8).map(difference).sum::<f64>() / 2.0
    }

    #[test]
    fn a12_eight_fair_bits() {
        let lag = 40;
        let meetings: Vec<Lifetime> = (0..40_000)
            .map(|pair| {
                let mut stream = Stream::new(12, pair);
                let mut ahead = 0u32;
                for _ in 0..lag {
                    let (site, bit) = (stream.below(8), stream.below(2) as u32);
                    ahead = ahead & !(1 << site) | bit << site;
                }
                // The same site and bit in both from here: sites agree once touched.
                let (mut differing, mut time) = (ahead, lag);
                while differing != 0 {
                    differing &= !(1 << stream.below(8));
                    time += 1;
                }
                Lifetime::event(time)
            })
            .collect();
        let steps: Vec<u64> = (0..=60).collect();
        let bounds = lag_bounds(&meetings, lag, &steps);
        for bound in &bounds {
            assert!(bound.value >= fair_bits_distance(bound.step), "{bound:?}");
        }
        for (t, exact, known) in [(5, 0.5662, 0.941), (10, 0.3078, 0.718), (20, 0.0773, 0.256), (30, 0.0200, 0.0705)] {
            let found = bounds[t];
            assert!((fair_bits_distance(t as u64) - exact).abs() < 5e-5, "{t}");
            assert!((found.value - known).abs() < 0.012 && found.is_bound, "{found:?}");
            assert!(found.upper.unwrap() > found.value && found.standard_error < 0.004);
        }
    }

    #[test]
    fn a_pair_that_did_not_meet_leaves_no_bound() {
        let found = lag_bounds(&[Lifetime::event(12), Lifetime::censored(50)], 10, &[0, 100]);
        // ceil(2/10) and ceil(40/10) at t = 0.
        assert_eq!((found[0].value, found[0].is_bound, found[0].upper), (2.5, false, None));
        assert!(!found[1].is_bound);
        let met = lag_bounds(&[Lifetime::event(12), Lifetime::event(31)], 10, &[0, 11, 21]);
        assert_eq!(met.iter().map(|b| b.value).collect::<Vec<_>>(), [2.0, 0.5, 0.0]);
        assert_eq!(met[2].upper, None);
        assert!(lag_bounds(&[], 10, &[0]).is_empty() && lag_bounds(&[Lifetime::event(1)], 0, &[0]).is_empty());
    }
}
