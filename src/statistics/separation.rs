//! Lower bounds on the total variation between two laws from held-out samples: to show that chains have *not* mixed.
//!
//! For any set S of states, `TV(P, Q) >= P(S) - Q(S)`. S is learnt on one part of the chains and measured on the other,
//! so that the bound is honest whatever was learnt (glauber.md section 5.2).

use std::collections::BTreeMap;

use super::Stream;
use super::clopper_pearson::{clopper_pearson_lower, clopper_pearson_upper};
use super::special::solve_positive;

/// Ridge penalty of the logistic regression on standardised features.
const RIDGE: f64 = 1.0;
/// Confidence of each side of a bound.
const ONE_SIDE: f64 = 0.975;
/// Fewest samples on each side: one half learns, the other is measured.
const FEWEST: usize = 8;

/// What was learnt to tell the two samples apart.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    /// One feature above (or below) a threshold.
    Threshold { feature: usize, threshold: f64, above: bool },
    /// Logistic regression with L2 penalty: `intercept + weights . features > 0`.
    Logistic { intercept: f64, weights: Vec<f64> },
    /// The state lies in one of these basins.
    Basins { labels: Vec<u32> },
}

impl Rule {
    /// Whether a feature vector is taken to come from the first sample; a basin is its label as the only feature.
    fn first(&self, features: &[f64]) -> bool {
        match self {
            Self::Threshold { feature, threshold, above } => (features[*feature] > *threshold) == *above,
            Self::Logistic { intercept, weights } => {
                intercept + weights.iter().zip(features).map(|(w, x)| w * x).sum::<f64>() > 0.0
            }
            Self::Basins { labels } => labels.iter().any(|&label| f64::from(label) == features[0]),
        }
    }
}

/// A lower bound on total variation from one rule on held-out chains.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Separation {
    pub rule: Rule,
    /// Chains the rule was measured on, from each side, and how many of them it told right.
    pub held_out: [u64; 2],
    pub right: [u64; 2],
    /// Mean of the two sides' shares of right answers.
    pub accuracy: f64,
    /// `2 accuracy - 1`: the estimate of `P(S) - Q(S)`.
    pub estimate: f64,
    /// TV is at least this with confidence 95 % (Clopper-Pearson on both sides, 2.5 % each; valid also where the chains
    /// of the two sides are coupled). Not below 0.
    pub lower: f64,
    pub seed: u64,
}

impl Separation {
    /// The largest lower bound that so many held-out chains could have given: every one told right.
    pub fn attainable(&self) -> f64 {
        let side = |held_out: u64| clopper_pearson_lower(held_out, held_out, ONE_SIDE);
        (side(self.held_out[0]) + side(self.held_out[1]) - 1.0).max(0.0)
    }
}

/// Why no bound was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeparationError {
    #[error("{got} chains on one side: at least {FEWEST} are needed, half to learn and half to measure")]
    Few { got: usize },
    #[error("the states have no features, or not all equally many finite ones")]
    Features,
}

/// Learns on half of the chains which start a state came from and measures it on the others.
///
/// `a[k]`, `b[k]`: features of *one* state of chain k from each start (several states of a chain are not independent).
/// Chains with the same index stay on the same side of the split, so coupled pairs may be given. The rule is the better
/// of a threshold and a logistic regression, chosen within the learning half.
pub fn separation(a: &[Vec<f64>], b: &[Vec<f64>], seed: u64) -> Result<Separation, SeparationError> {
    let width = a.first().map_or(0, Vec::len);
    let sound = |x: &Vec<f64>| x.len() == width && x.iter().all(|v| v.is_finite());
    if width == 0 || !a.iter().chain(b).all(sound) {
        return Err(SeparationError::Features);
    }
    let [learn_a, learn_b, test_a, test_b] = halves(a, b, seed)?;
    let (near_a, far_a) = learn_a.split_at(learn_a.len() * 2 / 3);
    let (near_b, far_b) = learn_b.split_at(learn_b.len() * 2 / 3);
    let score = |rule: &Rule| {
        let (right_a, right_b) = right(rule, far_a, far_b);
        right_a as f64 / far_a.len() as f64 + right_b as f64 / far_b.len() as f64
    };
    let simple = threshold(near_a, near_b);
    let linear = logistic(near_a, near_b);
    let rule = match linear {
        Some(linear) if score(&linear) > score(&simple) => logistic(&learn_a, &learn_b),
        _ => None,
    };
    Ok(measured(rule.unwrap_or_else(|| threshold(&learn_a, &learn_b)), &test_a, &test_b, seed))
}

/// Lower bound from the basins in which chains from two starts are found: S is the set of basins that the first start
/// favours in the learning half.
pub fn occupancy_separation(a: &[u32], b: &[u32], seed: u64) -> Result<Separation, SeparationError> {
    let features = |labels: &[u32]| -> Vec<Vec<f64>> { labels.iter().map(|&l| vec![f64::from(l)]).collect() };
    let (fa, fb) = (features(a), features(b));
    let [learn_a, learn_b, test_a, test_b] = halves(&fa, &fb, seed)?;
    let mut favour: BTreeMap<u32, f64> = BTreeMap::new();
    for (side, sign) in [(&learn_a, 1.0), (&learn_b, -1.0)] {
        for x in side {
            // Labels are small whole numbers; they survive the way through a float.
            *favour.entry(x[0] as u32).or_default() += sign / side.len() as f64;
        }
    }
    let labels = favour.into_iter().filter(|&(_, d)| d > 0.0).map(|(label, _)| label).collect();
    Ok(measured(Rule::Basins { labels }, &test_a, &test_b, seed))
}

type Half<'a> = Vec<&'a [f64]>;

/// Learning and measured halves of both sides, split by chain number.
fn halves<'a>(a: &'a [Vec<f64>], b: &'a [Vec<f64>], seed: u64) -> Result<[Half<'a>; 4], SeparationError> {
    let got = a.len().min(b.len());
    if got < FEWEST {
        return Err(SeparationError::Few { got });
    }
    // Chains beyond the shorter side are dealt out on their own.
    let longest = a.len().max(b.len());
    let mut stream = Stream::new(seed, 0);
    let mut order = stream.distinct(got, got);
    order.extend(stream.distinct(longest - got, longest - got).into_iter().map(|k| k + got));
    let mut parts: [Half<'a>; 4] = Default::default();
    for (place, &chain) in order.iter().enumerate() {
        let part = place % 2 * 2;
        if let Some(x) = a.get(chain) {
            parts[part].push(x);
        }
        if let Some(x) = b.get(chain) {
            parts[part + 1].push(x);
        }
    }
    Ok(parts)
}

fn right(rule: &Rule, a: &[&[f64]], b: &[&[f64]]) -> (usize, usize) {
    (a.iter().filter(|x| rule.first(x)).count(), b.iter().filter(|x| !rule.first(x)).count())
}

fn measured(rule: Rule, a: &[&[f64]], b: &[&[f64]], seed: u64) -> Separation {
    let (right_a, right_b) = right(&rule, a, b);
    let held_out = [a.len() as u64, b.len() as u64];
    let right = [right_a as u64, right_b as u64];
    let share = |k: usize| right[k] as f64 / held_out[k] as f64;
    let accuracy = (share(0) + share(1)) / 2.0;
    let wrong_b = clopper_pearson_upper(held_out[1] - right[1], held_out[1], ONE_SIDE);
    let lower = (clopper_pearson_lower(right[0], held_out[0], ONE_SIDE) - wrong_b).max(0.0);
    Separation { rule, held_out, right, accuracy, estimate: 2.0 * accuracy - 1.0, lower, seed }
}

/// The threshold on one feature with the most right answers (sides weighted equally); ties to the first.
fn threshold(a: &[&[f64]], b: &[&[f64]]) -> Rule {
    let mut best = (f64::NEG_INFINITY, Rule::Threshold { feature: 0, threshold: 0.0, above: true });
    for feature in 0..a[0].len() {
        let steps = |side: &[&[f64]], weight: f64| side.iter().map(move |x| (x[feature], weight)).collect::<Vec<_>>();
        let mut values = steps(a, 1.0 / a.len() as f64);
        values.extend(steps(b, -1.0 / b.len() as f64));
        values.sort_by(|x, y| x.0.total_cmp(&y.0));
        let mut below = 0.0;
        for (k, &(value, weight)) in values.iter().enumerate() {
            below += weight;
            let Some(&(next, _)) = values.get(k + 1) else { break };
            // `below` is the first sample's lead under the threshold; above it, the lead is the opposite.
            if next > value && f64::abs(below) > best.0 {
                let threshold = value + (next - value) / 2.0;
                best = (below.abs(), Rule::Threshold { feature, threshold, above: below < 0.0 });
            }
        }
    }
    best.1
}

/// Ridge logistic regression by damped Newton steps on standardised features; `None` where it does not settle.
fn logistic(a: &[&[f64]], b: &[&[f64]]) -> Option<Rule> {
    let width = a[0].len();
    let d = width + 1;
    let n = (a.len() + b.len()) as f64;
    let all = || a.iter().chain(b);
    let means: Vec<f64> = (0..width).map(|f| all().map(|x| x[f]).sum::<f64>() / n).collect();
    let scales: Vec<f64> = (0..width)
        .map(|f| {
            let sd = (all().map(|x| (x[f] - means[f]).powi(2)).sum::<f64>() / n).sqrt();
            if sd > 0.0 { sd } else { 1.0 }
        })
        .collect();
    // Last entry: the intercept's.
    let row = |x: &&&[f64]| -> Vec<f64> { (0..width).map(|f| (x[f] - means[f]) / scales[f]).chain([1.0]).collect() };
    let rows: Vec<(Vec<f64>, f64, f64)> = (a.iter().map(|x| (row(&x), 1.0, 0.5 * n / a.len() as f64)))
        .chain(b.iter().map(|x| (row(&x), -1.0, 0.5 * n / b.len() as f64)))
        .collect();
    let dot = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let loss = |w: &[f64]| {
        let misfit = |(x, y, weight): &(Vec<f64>, f64, f64)| {
            let m = -y * dot(x, w);
            weight * (m.max(0.0) + (-m.abs()).exp().ln_1p())
        };
        rows.iter().map(misfit).sum::<f64>() + 0.5 * RIDGE * w[..width].iter().map(|w| w * w).sum::<f64>()
    };
    let mut w = vec![0.0; d];
    for _ in 0..50 {
        let mut gradient: Vec<f64> =
            w.iter().enumerate().map(|(k, w)| if k < width { -RIDGE * w } else { 0.0 }).collect();
        let mut curvature = vec![0.0; d * d];
        for k in 0..width {
            curvature[k * d + k] = RIDGE;
        }
        for (x, y, weight) in &rows {
            let p = 1.0 / (1.0 + (y * dot(x, &w)).exp());
            for i in 0..d {
                gradient[i] += weight * y * p * x[i];
                for j in 0..d {
                    curvature[i * d + j] += weight * p * (1.0 - p) * x[i] * x[j];
                }
            }
        }
        let step = solve_positive(&curvature, &gradient)?;
        let decrement = dot(&step, &gradient);
        if decrement < 1e-10 {
            break;
        }
        let before = loss(&w);
        let moved = |size: f64| -> Vec<f64> { w.iter().zip(&step).map(|(w, s)| w + size * s).collect() };
        let next = (0..40).map(|k| moved(0.5f64.powi(k))).find(|next| loss(next) < before);
        let Some(next) = next else { break };
        w = next;
    }
    let weights: Vec<f64> = w[..width].iter().zip(&scales).map(|(w, s)| w / s).collect();
    let intercept = w[width] - dot(&means, &weights);
    weights.iter().all(|w| w.is_finite()).then_some(Rule::Logistic { intercept, weights })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::normal_quantile;

    /// `n` normal vectors of width 3 whose first two entries are shifted.
    fn sample(n: usize, shift: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut stream = Stream::new(seed, 5);
        let mut normal = || normal_quantile(stream.unit().clamp(1e-12, 1.0 - 1e-12));
        (0..n).map(|_| vec![normal() + shift, normal() + shift, normal()]).collect()
    }

    #[test]
    fn the_same_law_gives_no_bound() {
        let above =
            (0..100).filter(|&s| separation(&sample(60, 0.0, s), &sample(60, 0.0, s + 1000), s).unwrap().lower > 0.0);
        assert!(above.count() <= 5);
    }

    #[test]
    fn bounds_stay_below_the_truth_and_come_near() {
        // N((s, s, 0), 1) against N((-s, -s, 0), 1): TV = 2 Phi(s sqrt 2) - 1 along the diagonal; s = 1: 0.8427.
        let truth = 0.842_700_8;
        let mut over = 0;
        for seed in 0..40 {
            let found = separation(&sample(400, 1.0, seed), &sample(400, -1.0, seed + 500), seed).unwrap();
            over += u32::from(found.lower > truth);
            assert!(found.lower > 0.55, "{found:?}");
            assert!(found.estimate > found.lower && found.held_out == [200, 200]);
        }
        assert!(over <= 3, "{over} of 40 bounds exceed the truth");
        let found = separation(&sample(4000, 1.0, 1), &sample(4000, -1.0, 2), 3).unwrap();
        // One feature alone gives 0.6827; both together are found by the regression.
        assert!(matches!(found.rule, Rule::Logistic { .. }) && (found.estimate - truth).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn apart_is_apart() {
        let a: Vec<_> = (0..40).map(|k| vec![0.0, f64::from(k)]).collect();
        let b: Vec<_> = (0..30).map(|k| vec![7.0, f64::from(k)]).collect();
        let found = separation(&a, &b, 1).unwrap();
        assert_eq!((found.accuracy, found.right), (1.0, found.held_out));
        // Clopper-Pearson by hand: 20 of 20 and 0 of 15 at 2.5 % each.
        let known = 0.025f64.powf(1.0 / 20.0) - (1.0 - 0.025f64.powf(1.0 / 15.0));
        assert!((found.lower - known).abs() < 1e-12, "{found:?}");
        assert_eq!(found, separation(&a, &b, 1).unwrap());
        // All were told right, so no more was attainable. Four of each held out could show nothing, six something.
        assert!((found.attainable() - found.lower).abs() < 1e-12);
        let attainable = |chains: usize| separation(&a[..chains], &b[..chains], 1).unwrap().attainable();
        assert!(attainable(8) == 0.0 && attainable(10) == 0.0 && attainable(12) > 0.08);
    }

    #[test]
    fn basins_separate() {
        let a: Vec<u32> = (0..100).map(|k| if k % 10 == 0 { 2 } else { 1 }).collect();
        let b: Vec<u32> = (0..100).map(|k| if k % 5 == 0 { 1 } else { 2 + k % 3 }).collect();
        let found = occupancy_separation(&a, &b, 4).unwrap();
        assert_eq!(found.rule, Rule::Basins { labels: vec![1] });
        assert!(found.lower > 0.4 && found.lower < 0.7 && (found.estimate - 0.7).abs() < 0.15, "{found:?}");
        assert_eq!(occupancy_separation(&a, &a, 4).unwrap().lower, 0.0);
    }

    #[test]
    fn too_little_is_said() {
        assert_eq!(separation(&sample(7, 0.0, 1), &sample(50, 0.0, 2), 1), Err(SeparationError::Few { got: 7 }));
        assert_eq!(separation(&[vec![]], &[vec![]], 1), Err(SeparationError::Features));
        assert_eq!(occupancy_separation(&[1], &[1], 1), Err(SeparationError::Few { got: 1 }));
    }
}
