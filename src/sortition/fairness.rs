//! How even chances are, whom they favour, and why.

use super::pool::Pool;
use super::problem::{Problem, RowKind};
use super::quotas::Quotas;
use crate::statistics::{pearson, quantile, sorted};

/// Figures of everybody's chances.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evenness {
    /// People (n), and members of a panel as the sum of the chances (k).
    pub people: usize,
    pub size: f64,
    pub minimum: f64,
    /// Quantile of 5 %.
    pub p05: f64,
    pub median: f64,
    pub mean: f64,
    /// Quantile of 95 %.
    pub p95: f64,
    pub maximum: f64,
    /// Largest over smallest; `None` where somebody has no chance.
    pub ratio: Option<f64>,
    /// Share of people with less than half of k/n.
    pub under_half: f64,
    /// Share of people with no chance at all.
    pub none: f64,
    /// `sum_i (2 i - n - 1) pi_(i) / (n sum pi)`: 0 where all are equal.
    pub gini: f64,
    /// `exp(mean ln pi)`; 0 where somebody has no chance.
    pub geometric_mean: f64,
    /// Entropy of `pi / k` in nats; at most `ln n`.
    pub entropy: f64,
    /// Kish's effective number of people, `(sum pi)^2 / sum pi^2`.
    pub effective: f64,
    /// Share of all chances that the 1, 5 and 10 % with the largest have (at least one person).
    pub top: [f64; 3],
}

/// The figures of `inclusion`; `None` without people or without any chance.
pub fn evenness(inclusion: &[f64]) -> Option<Evenness> {
    let order = sorted(inclusion);
    let (people, size) = (order.len(), order.iter().sum::<f64>());
    let (minimum, maximum) = (*order.first()?, *order.last()?);
    if size.is_nan() || size <= 0.0 {
        return None;
    }
    let n = people as f64;
    let rank = |(i, pi): (usize, &f64)| (2.0 * (i + 1) as f64 - n - 1.0) * pi;
    let top = |percent: usize| {
        let count = (people * percent).div_ceil(100).max(1);
        order[people - count..].iter().sum::<f64>() / size
    };
    let share = |keep: &dyn Fn(f64) -> bool| order.iter().filter(|&&pi| keep(pi)).count() as f64 / n;
    let positive = order.iter().filter(|&&pi| pi > 0.0);
    Some(Evenness {
        people,
        size,
        minimum,
        p05: quantile(&order, 0.05),
        median: quantile(&order, 0.5),
        mean: size / n,
        p95: quantile(&order, 0.95),
        maximum,
        ratio: (minimum > 0.0).then(|| maximum / minimum),
        under_half: share(&|pi| pi < 0.5 * size / n),
        none: share(&|pi| pi <= 0.0),
        gini: order.iter().enumerate().map(rank).sum::<f64>() / (n * size),
        geometric_mean: if minimum > 0.0 { (order.iter().map(|pi| pi.ln()).sum::<f64>() / n).exp() } else { 0.0 },
        entropy: -positive.map(|pi| pi / size * (pi / size).ln()).sum::<f64>(),
        effective: size * size / order.iter().map(|pi| pi * pi).sum::<f64>(),
        top: [top(1), top(5), top(10)],
    })
}

/// The chances at the percentiles 0 to 100, as in the figures of "Fair algorithms for selecting citizens' assemblies".
pub fn percentile_curve(inclusion: &[f64]) -> Vec<f64> {
    let order = sorted(inclusion);
    (0..=100).map(|percent| quantile(&order, f64::from(percent) / 100.0)).collect()
}

/// How the seats that one value may expect compare with its target and its share of the pool, and what its people's
/// chances are like.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ValueChances {
    pub attribute: String,
    pub value: String,
    /// The share of the population that the quota was made from.
    pub target: Option<f64>,
    /// Bounds as shares of the panel.
    pub bounds: [f64; 2],
    /// Share of the pool.
    pub pool: f64,
    /// Share of the seats, in expectation.
    pub expected: f64,
    /// Mean chance of its people over k/n: above 1 the quotas favour them. `None` without people.
    pub relative: Option<f64>,
    /// The share of seats that its bounds come nearest to the pool's share with, over that: below 1 the maximum holds the
    /// value down, above 1 the minimum lifts it, at 1 its own quota does neither. `None` without people.
    pub pressure: Option<f64>,
}

/// Expected composition by value of every attribute with quotas, in the order of the quotas.
pub fn composition(pool: &Pool, quotas: &Quotas, inclusion: &[f64]) -> Vec<ValueChances> {
    let seats: f64 = inclusion.iter().sum();
    let k = f64::from(quotas.size);
    let n = pool.len() as f64;
    let mut rows = Vec::new();
    for quota in &quotas.attributes {
        let Some(place) = pool.attributes().iter().position(|attribute| attribute.name == quota.name) else { continue };
        for bounds in &quota.values {
            let known = pool.attributes()[place].values.iter().position(|value| *value == bounds.value);
            let mut people = 0u32;
            let mut sum = 0.0;
            for (person, chance) in inclusion.iter().enumerate() {
                if known == Some(usize::from(pool.values(person)[place])) {
                    people += 1;
                    sum += chance;
                }
            }
            let share = f64::from(people) / n;
            let limits = if bounds.slack { [0.0, 1.0] } else { [f64::from(bounds.min) / k, f64::from(bounds.max) / k] };
            let mean = |value: f64| (people > 0).then_some(value);
            rows.push(ValueChances {
                attribute: quota.name.clone(),
                value: bounds.value.clone(),
                target: bounds.target,
                bounds: limits,
                pool: share,
                expected: sum / seats,
                relative: mean(sum / f64::from(people) / (seats / n)),
                pressure: mean(share.max(limits[0]).min(limits[1]) / share),
            });
        }
    }
    rows
}

/// One attribute's part in a type's ratio product.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Push {
    /// Attribute and value as places in the quotas.
    pub attribute: usize,
    pub value: usize,
    /// Share of the seats meant for the value over its share of the pool.
    pub ratio: f64,
}

/// Why a type of people has a large or small chance.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TypeExplanation {
    /// Place in [`Problem::types`].
    pub kind: usize,
    /// Chance of each of its people.
    pub chance: f64,
    /// Product of the ratios of its values (the "ratio product" of Flanigan et al. 2021): above 1 its quotas ask for more
    /// of such people than the pool offers.
    pub ratio_product: f64,
    /// The attributes' parts, the strongest push away from 1 first.
    pub pushes: Vec<Push>,
}

/// Explanations of all types with how well they explain.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Explanations {
    pub types: Vec<TypeExplanation>,
    /// Correlation over people of the logarithms of ratio product and chance, among those where both are positive; `None`
    /// where either is constant.
    pub correlation: Option<f64>,
}

/// Explains chances by ratios of seats to people, value by value. The share of seats meant for a value is its target, or the
/// middle of its bounds scaled so that each attribute's sum to 1, and for slack values the pool's own share.
pub fn explain(problem: &Problem, quotas: &Quotas, inclusion: &[f64]) -> Explanations {
    let people = problem.people() as f64;
    let ratios: Vec<Vec<f64>> = quotas
        .attributes
        .iter()
        .enumerate()
        .map(|(attribute, quota)| {
            let mut pool = vec![0.0; quota.values.len()];
            for row in &problem.rows {
                if let RowKind::Quota { attribute: own, value } = row.kind
                    && own == attribute
                {
                    let size = |&t: &u32| f64::from(problem.types[t as usize].size());
                    pool[value] = row.types.iter().map(size).sum::<f64>() / people;
                }
            }
            let meant: Vec<f64> = quota
                .values
                .iter()
                .zip(&pool)
                .map(|(value, pool)| match (value.target, value.slack) {
                    (Some(target), _) => target,
                    (None, true) => *pool,
                    (None, false) => (f64::from(value.min) + f64::from(value.max)) / (2.0 * f64::from(quotas.size)),
                })
                .collect();
            let sum: f64 = meant.iter().sum();
            meant.iter().zip(&pool).map(|(meant, pool)| if *pool > 0.0 { meant / sum / pool } else { 1.0 }).collect()
        })
        .collect();
    let mut types = Vec::with_capacity(problem.types.len());
    let (mut products, mut chances) = (Vec::new(), Vec::new());
    for (kind, people) in problem.types.iter().enumerate() {
        let mut pushes: Vec<Push> = people
            .values
            .iter()
            .enumerate()
            .map(|(attribute, &value)| Push {
                attribute,
                value: usize::from(value),
                ratio: ratios[attribute][usize::from(value)],
            })
            .collect();
        let ratio_product: f64 = pushes.iter().map(|push| push.ratio).product();
        pushes.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
        let own = people.members.iter().map(|&person| inclusion[person as usize]);
        let chance = own.sum::<f64>() / f64::from(people.size());
        if chance > 0.0 && ratio_product > 0.0 {
            products.extend(people.members.iter().map(|_| ratio_product.ln()));
            chances.extend(people.members.iter().map(|&person| inclusion[person as usize].max(f64::MIN_POSITIVE).ln()));
        }
        types.push(TypeExplanation { kind, chance, ratio_product, pushes });
    }
    Explanations { types, correlation: correlation(&products, &chances) }
}

/// Pearson's correlation, unless one side varies by no more than rounding.
fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let varies = |values: &[f64]| {
        let order = sorted(values);
        order.first().zip(order.last()).is_some_and(|(low, high)| high - low > 1e-9)
    };
    if varies(x) && varies(y) { pearson(x, y) } else { None }
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, SQUARE_BOUNDS};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_square_under_leximin_and_nash() {
        let leximin =
            evenness(&[2.0 / 3.0, 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6.]).unwrap();
        assert!((leximin.gini - 2.0 / 9.0).abs() < 1e-12 && (leximin.geometric_mean - 0.1944215).abs() < 1e-7);
        assert!(
            (leximin.effective - 6.0).abs() < 1e-12 && leximin.ratio.is_some_and(|ratio| (ratio - 4.0).abs() < 1e-12)
        );
        assert!((leximin.top[2] - 1.0 / 3.0).abs() < 1e-12 && leximin.under_half == 0.0);
        let (a, b, c) = (5.0 / 9.0, 5.0 / 36.0, 2.0 / 9.0);
        let nash = evenness(&[a, b, b, b, b, c, c, c, c]).unwrap();
        assert!((nash.gini - 0.2407407).abs() < 1e-7 && (nash.geometric_mean - 0.1996563).abs() < 1e-7);
    }

    #[test]
    fn equal_and_absent_chances() {
        let equal = evenness(&[0.25; 8]).unwrap();
        assert!(equal.gini.abs() < 1e-15 && (equal.entropy - 8f64.ln()).abs() < 1e-12 && equal.effective == 8.0);
        let some = evenness(&[0.0, 0.5, 0.5]).unwrap();
        assert!(some.ratio.is_none() && some.geometric_mean == 0.0 && (some.none - 1.0 / 3.0).abs() < 1e-15);
        assert!(evenness(&[]).is_none() && evenness(&[0.0, 0.0]).is_none());
        assert_eq!(percentile_curve(&[0.1, 0.3])[50], 0.2);
    }

    #[test]
    fn who_is_favoured_and_why() {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 1), (&["M", "O"], 4), (&["F", "O"], 2), (&["M", "Y"], 2)];
        let (pool, quotas) = instances::instance(2, &SQUARE_BOUNDS, &people);
        let chances = [2.0 / 3.0, 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6., 1. / 6.];
        let rows = composition(&pool, &quotas, &chances);
        let women = &rows[0];
        assert!((women.expected - 0.5).abs() < 1e-12 && (women.pool - 1.0 / 3.0).abs() < 1e-12);
        assert!((women.relative.unwrap() - 1.5).abs() < 1e-12 && (women.pressure.unwrap() - 1.5).abs() < 1e-12);
        assert!(rows[1].pressure.unwrap() < 1.0 && rows.len() == 4);
        let problem = Problem::new(&pool, &quotas, false).unwrap();
        let why = explain(&problem, &quotas, &chances);
        // FY: twice half the seats over a third of the pool.
        assert!((why.types[0].ratio_product - 2.25).abs() < 1e-12 && (why.types[0].chance - 2.0 / 3.0).abs() < 1e-12);
        assert!(why.correlation.unwrap() > 0.6, "{:?}", why.correlation);
    }

    proptest! {
        #[test]
        fn figures_keep_their_limits(chances in proptest::collection::vec(0.001..1.0f64, 1..60), by in 0.1..1.0f64) {
            let found = evenness(&chances).unwrap();
            let n = chances.len() as f64;
            prop_assert!((-1e-12..1.0).contains(&found.gini));
            prop_assert!(found.geometric_mean <= found.mean + 1e-12 && found.entropy <= n.ln() + 1e-12);
            prop_assert!(found.effective <= n + 1e-9 && found.minimum <= found.p05 && found.p95 <= found.maximum);
            let scaled = evenness(&chances.iter().map(|pi| pi * by).collect::<Vec<_>>()).unwrap();
            prop_assert!((scaled.gini - found.gini).abs() < 1e-9 && (scaled.effective / found.effective - 1.0).abs() < 1e-9);
        }
    }
}
