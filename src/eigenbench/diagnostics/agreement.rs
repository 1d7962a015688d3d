//! Whether judges agree.

use std::collections::BTreeMap;

use crate::eigenbench::comparisons::{Choice, Comparison};

/// How unlike two values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Distance {
    /// Alike or not.
    Nominal,
    /// The square of their difference.
    Interval,
}

impl Distance {
    fn between(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Nominal => f64::from(u8::from(a != b)),
            Self::Interval => (a - b) * (a - b),
        }
    }
}

/// Krippendorff's alpha (Krippendorff 2011): 1 less the disagreement within units over the disagreement by chance. Each unit
/// holds what was said of it, one value a judge; units with fewer than two values say nothing. `None` where no unit is left or
/// all values are alike.
pub fn krippendorff_alpha(units: &[Vec<f64>], distance: Distance) -> Option<f64> {
    let told: Vec<&Vec<f64>> = units.iter().filter(|unit| unit.len() > 1).collect();
    let all: f64 = told.iter().map(|unit| unit.len() as f64).sum();
    let mut observed = 0.0;
    // How often each value occurs: values are few, units many.
    let mut values: Vec<(f64, f64)> = Vec::new();
    for unit in &told {
        let within: f64 = unit.iter().flat_map(|&a| unit.iter().map(move |&b| distance.between(a, b))).sum();
        observed += within / (unit.len() as f64 - 1.0);
        for &value in *unit {
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, count)) => *count += 1.0,
                None => values.push((value, 1.0)),
            }
        }
    }
    let pairs = values.iter().flat_map(|&(a, n)| values.iter().map(move |&(b, m)| n * m * distance.between(a, b)));
    let expected: f64 = pairs.sum::<f64>() / (all - 1.0);
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Krippendorff's alpha of judges on reconciled rows: a unit is one pair of models under one scenario and criterion, a value the
/// sign of a judge's choices over both orders and all looks. Each pair counts in both directions, so that alpha does not depend on
/// which model is named first. `None` where no two judges saw the same pair.
pub fn agreement(rows: &[Comparison], distance: Distance) -> Option<f64> {
    type Unit = (u32, u16, u16, u16);
    let mut nets: BTreeMap<Unit, BTreeMap<u16, i32>> = BTreeMap::new();
    for row in rows {
        let (low, high) = (row.first.min(row.second), row.first.max(row.second));
        let net = match row.choice {
            Choice::Tie => 0,
            Choice::First if row.first == low => 1,
            Choice::Second if row.second == low => 1,
            _ => -1,
        };
        *nets.entry((row.scenario, row.criterion, low, high)).or_default().entry(row.judge).or_default() += net;
    }
    let values = |judges: &BTreeMap<u16, i32>, sign: i32| -> Vec<f64> {
        judges.values().map(|net| f64::from(sign * net.signum())).collect()
    };
    let units: Vec<Vec<f64>> = nets.values().flat_map(|judges| [values(judges, 1), values(judges, -1)]).collect();
    krippendorff_alpha(&units, distance)
}

/// Sums of absolute differences between the rows of a trust matrix of `models` columns, `[judges, judges]`: 0 where two judges trust alike, 2 where
/// they trust nobody in common.
pub fn trust_distances(matrix: &[f64], models: usize) -> Vec<f64> {
    let (judges, n) = (matrix.len() / models.max(1), models);
    let row = |judge: usize| &matrix[judge * n..][..n];
    let distance = |a: usize, b: usize| row(a).iter().zip(row(b)).map(|(a, b)| (a - b).abs()).sum::<f64>();
    (0..judges).flat_map(|a| (0..judges).map(move |b| (a, b))).map(|(a, b)| distance(a, b)).collect()
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    /// Four observers, twelve units, with gaps: the example of Krippendorff 2011, whose alphas are printed there.
    #[test]
    fn alphas_are_the_printed_ones() {
        let gap = f64::NAN;
        let observers = [
            [1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 4.0, 1.0, 2.0, gap, gap, gap],
            [1.0, 2.0, 3.0, 3.0, 2.0, 2.0, 4.0, 1.0, 2.0, 5.0, gap, 3.0],
            [gap, 3.0, 3.0, 3.0, 2.0, 3.0, 4.0, 2.0, 2.0, 5.0, 1.0, gap],
            [1.0, 2.0, 3.0, 3.0, 2.0, 4.0, 4.0, 1.0, 2.0, 5.0, 1.0, gap],
        ];
        let unit = |at: usize| observers.iter().map(|values| values[at]).filter(|value| !value.is_nan()).collect();
        let units: Vec<Vec<f64>> = (0..12).map(unit).collect();
        let nominal = krippendorff_alpha(&units, Distance::Nominal).unwrap();
        let interval = krippendorff_alpha(&units, Distance::Interval).unwrap();
        assert!((nominal - 0.743).abs() < 5e-4 && (interval - 0.849).abs() < 5e-4, "{nominal} {interval}");
        assert_eq!(krippendorff_alpha(&[vec![1.0], vec![2.0]], Distance::Nominal), None);
        assert_eq!(krippendorff_alpha(&[vec![1.0, 1.0]], Distance::Nominal), None);
    }

    #[test]
    fn names_do_not_matter_to_agreement() {
        let rows = |names: [u16; 3]| -> Vec<Comparison> {
            let said = [(0, 0, 1, First), (1, 1, 0, Second), (0, 1, 2, First), (1, 1, 2, Tie), (0, 0, 2, Second)];
            said.map(|(judge, a, b, choice)| Comparison {
                scenario: 0,
                criterion: 0,
                pass: 0,
                judge,
                first: names[a],
                second: names[b],
                choice,
            })
            .to_vec()
        };
        let alpha = |names| agreement(&rows(names), Distance::Interval).unwrap();
        assert!(
            (alpha([0, 1, 2]) - alpha([2, 1, 0])).abs() < 1e-12 && (alpha([0, 1, 2]) - alpha([1, 0, 2])).abs() < 1e-12
        );
        assert_eq!(agreement(&rows([0, 1, 2])[..1], Distance::Nominal), None);
        let same = agreement(&rows([0, 1, 2])[..2], Distance::Nominal);
        assert_eq!(same, Some(1.0));
    }

    #[test]
    fn distances_between_rows_of_trust() {
        let found = trust_distances(&[0.75, 0.25, 0.25, 0.75], 2);
        assert_eq!(found, [0.0, 1.0, 1.0, 0.0]);
    }
}
