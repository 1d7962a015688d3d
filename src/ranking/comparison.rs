//! Models side by side: how often one is put above the other, and whether that could be chance (dempo.md, section 6.2).

use super::aggregation::Method;
use super::bootstrap::Bootstrap;
use super::resampling::interval;
use super::votes::Wins;

/// Two models.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Places of the two; the first has the higher score.
    pub models: [usize; 2],
    /// Share of votes that put the first above, ties counting half; `None` where they never met.
    pub win_rate: Option<f64>,
    /// Its interval.
    pub win_rate_interval: Option<[f64; 2]>,
    /// Mean over votes of +1 where the first is above, -1 where it is below and 0 for a tie: from -1 to 1.
    pub margin: Option<f64>,
    /// Its interval.
    pub margin_interval: Option<[f64; 2]>,
    /// Difference of their scores.
    pub difference: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// The odds of the first against the second, `e^difference`, where scores are log abilities.
    pub odds_ratio: Option<f64>,
    /// Its interval.
    pub odds_ratio_interval: Option<[f64; 2]>,
    /// Two-sided p-value of no difference, from the resamples: twice the smaller share on either side of 0, counting the
    /// votes themselves as one more resample.
    pub p_value: f64,
    /// The same after Holm's correction for all pairs.
    pub holm: f64,
}

/// All pairs of models, the best first. `scores` and `resampled` are those of `method`; `wins_resampled` may be empty, and
/// then shares of votes have no intervals.
pub fn comparisons(
    method: Method,
    scores: &[f64],
    wins: &Wins,
    resampled: &Bootstrap,
    wins_resampled: &[Wins],
    level: f64,
) -> Vec<Comparison> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let mut all = Vec::new();
    for (place, &first) in order.iter().enumerate() {
        for &second in &order[place + 1..] {
            let drawn = resampled.scores.len() as f64;
            let above = resampled.above(first, second) * drawn;
            let p_value = (2.0 * (above.min(drawn - above) + 1.0) / (drawn + 1.0)).min(1.0);
            let win_rate = wins.share(first, second);
            let rates: Vec<f64> = wins_resampled.iter().filter_map(|wins| wins.share(first, second)).collect();
            let win_rate_interval = (!rates.is_empty()).then(|| interval(rates.into_iter(), level));
            let difference = scores[first] - scores[second];
            let of_difference = resampled.difference(first, second, level);
            let logarithmic = method.log_abilities();
            all.push(Comparison {
                models: [first, second],
                win_rate,
                win_rate_interval,
                margin: win_rate.map(margin),
                margin_interval: win_rate_interval.map(|interval| interval.map(margin)),
                difference,
                interval: of_difference,
                odds_ratio: logarithmic.then(|| difference.exp()),
                odds_ratio_interval: logarithmic.then(|| of_difference.map(f64::exp)),
                p_value,
                holm: 1.0,
            });
        }
    }
    let adjusted = holm(&all.iter().map(|pair| pair.p_value).collect::<Vec<f64>>());
    all.iter_mut().zip(adjusted).for_each(|(pair, adjusted)| pair.holm = adjusted);
    all
}

/// The share above less the share below, of the share above with ties as halves.
fn margin(win_rate: f64) -> f64 {
    2.0 * win_rate - 1.0
}

/// Holm's step-down correction (1979): p-values that may be held against a level together.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, &at) in order.iter().enumerate() {
        largest = largest.max(((p_values.len() - rank) as f64 * p_values[at]).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holms_example() {
        // R: p.adjust(c(.01, .04, .03, .005), "holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, known) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - known).abs() < 1e-12, "{adjusted:?}");
        }
    }

    #[test]
    fn pairs_come_in_the_order_of_scores() {
        let table =
            |a_over_b: f64| Wins::of_table(&[vec![0.0, a_over_b, 2.0], vec![3.0, 0.0, 0.0], vec![2.0, 0.0, 0.0]]);
        let wins = table(1.0);
        let resampled = Bootstrap { scores: vec![vec![0.0, 1.0, -1.0], vec![0.5, 0.25, -1.0]], failed: 0 };
        let again = [table(1.0), table(3.0)];
        let pairs = comparisons(Method::BradleyTerry, &[0.1, 0.4, -0.5], &wins, &resampled, &again, 0.5);
        assert_eq!(pairs.iter().map(|pair| pair.models).collect::<Vec<_>>(), [[1, 0], [1, 2], [0, 2]]);
        assert_eq!((pairs[0].win_rate, pairs[0].margin), (Some(0.75), Some(0.5)));
        // Shares of 1/2 and 3/4: quartiles a quarter of the way from either.
        let [low, high] = pairs[0].win_rate_interval.unwrap();
        assert!((low - 0.5625).abs() < 1e-12 && (high - 0.6875).abs() < 1e-12);
        let [low, high] = pairs[0].margin_interval.unwrap();
        assert!((low - 0.125).abs() < 1e-12 && (high - 0.375).abs() < 1e-12);
        assert!((pairs[0].odds_ratio.unwrap() - 0.3f64.exp()).abs() < 1e-12);
        // Differences of -1/4 and 1.
        let [low, high] = pairs[0].odds_ratio_interval.unwrap();
        assert!((low - 0.0625f64.exp()).abs() < 1e-12 && (high - 0.6875f64.exp()).abs() < 1e-12);
        assert_eq!((pairs[1].win_rate, pairs[1].margin_interval), (None, None));
        // One of two resamples on either side.
        assert_eq!(pairs[0].p_value, 1.0);
        assert!((pairs[1].p_value - 2.0 / 3.0).abs() < 1e-12);
        let counted = comparisons(Method::Borda, &[0.1, 0.4, -0.5], &wins, &resampled, &[], 0.5);
        assert_eq!((counted[0].odds_ratio, counted[0].margin_interval), (None, None));
    }
}
