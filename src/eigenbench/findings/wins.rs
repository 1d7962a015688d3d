//! Who wins against whom, as counted: no model stands between the judgements and these shares.

use std::collections::BTreeMap;

use crate::eigenbench::comparisons::{Choice, Comparison};

/// Standard normal quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// How a model fared against another.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct WinShare {
    /// Share of points: a win is one, a tie half.
    pub share: f64,
    /// Judgements.
    pub rows: u64,
    /// 95 %, with all judgements of a scenario together as one observation; `None` below two scenarios.
    pub interval: Option<[f64; 2]>,
}

/// Shares of the models of the rows against those of the columns, `[models][models]`; `None` where two never met.
pub fn win_matrix(models: usize, rows: &[Comparison]) -> Vec<Vec<Option<WinShare>>> {
    // Points and judgements of the lower against the higher place, by scenario.
    let mut met: BTreeMap<(u16, u16), BTreeMap<u32, [f64; 2]>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.first != row.second) {
        let points = of_first(row.choice);
        let (pair, points) = if row.first < row.second {
            ((row.first, row.second), points)
        } else {
            ((row.second, row.first), 1.0 - points)
        };
        let sums = met.entry(pair).or_default().entry(row.scenario).or_default();
        sums[0] += points;
        sums[1] += 1.0;
    }
    let mut matrix = vec![vec![None; models]; models];
    for ((a, b), scenarios) in met {
        let own = share(scenarios.values());
        let turned = WinShare {
            share: 1.0 - own.share,
            interval: own.interval.map(|[low, high]| [1.0 - high, 1.0 - low]),
            ..own
        };
        matrix[usize::from(a)][usize::from(b)] = Some(own);
        matrix[usize::from(b)][usize::from(a)] = Some(turned);
    }
    matrix
}

/// Shares of points of each model against all others together; `None` where it was not judged.
pub fn points(models: usize, rows: &[Comparison]) -> Vec<Option<WinShare>> {
    let mut met: Vec<BTreeMap<u32, [f64; 2]>> = vec![BTreeMap::new(); models];
    for row in rows.iter().filter(|row| row.first != row.second) {
        let first = of_first(row.choice);
        for (model, points) in [(row.first, first), (row.second, 1.0 - first)] {
            let sums = met[usize::from(model)].entry(row.scenario).or_default();
            sums[0] += points;
            sums[1] += 1.0;
        }
    }
    met.iter().map(|scenarios| (!scenarios.is_empty()).then(|| share(scenarios.values()))).collect()
}

/// Points of the response that came first.
fn of_first(choice: Choice) -> f64 {
    match choice {
        Choice::Tie => 0.5,
        Choice::First => 1.0,
        Choice::Second => 0.0,
    }
}

/// A ratio of sums with its cluster-robust interval.
fn share<'a>(clusters: impl Iterator<Item = &'a [f64; 2]> + Clone) -> WinShare {
    let [points, all] = clusters.clone().fold([0.0; 2], |[p, n], [points, rows]| [p + points, n + rows]);
    let share = points / all;
    let count = clusters.clone().count() as f64;
    let squares: f64 = clusters.map(|[points, rows]| (points - share * rows).powi(2)).sum();
    let interval = (count > 1.0).then(|| {
        let half = Z * (squares * count / (count - 1.0)).sqrt() / all;
        [(share - half).max(0.0), (share + half).min(1.0)]
    });
    WinShare { share, rows: all as u64, interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scenario: u32, first: u16, second: u16, choice: Choice) -> Comparison {
        Comparison { scenario, criterion: 0, pass: 0, judge: 0, first, second, choice }
    }

    #[test]
    fn points_of_a_judge_are_those_against_all_others() {
        let rows = [row(0, 0, 1, Choice::First), row(0, 2, 0, Choice::Tie), row(1, 1, 2, Choice::Second)];
        let found = points(4, &rows);
        let share = |model: usize| found[model].map(|own| (own.share, own.rows));
        assert_eq!([share(0), share(1), share(2), share(3)], [Some((0.75, 2)), Some((0.0, 2)), Some((0.75, 2)), None]);
        // Of two models alone they are the win matrix.
        let two = [row(0, 0, 1, Choice::First), row(1, 1, 0, Choice::First), row(2, 0, 1, Choice::Tie)];
        assert_eq!(points(2, &two)[0], win_matrix(2, &two)[0][1]);
    }

    #[test]
    fn a_tie_counts_half_for_both() {
        let rows = [row(0, 0, 1, Choice::First), row(0, 1, 0, Choice::Tie), row(1, 1, 0, Choice::First)];
        let found = win_matrix(3, &rows);
        let own = found[0][1].unwrap();
        assert_eq!((own.share, own.rows), (0.5, 3));
        assert_eq!(found[1][0].unwrap().share, 0.5);
        assert_eq!(found[0][2], None);
        // Sums by scenario are 1.5 of 2 and 0 of 1: deviations 0.5 and -0.5, so that the half width is Z sqrt(0.5 * 2) / 3.
        let [low, high] = own.interval.unwrap();
        assert!((low - 0.0).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
        let many: Vec<Comparison> =
            (0..40).map(|s| row(s, 0, 1, if s % 4 == 0 { Choice::Second } else { Choice::First })).collect();
        let own = win_matrix(2, &many)[0][1].unwrap();
        let known = Z * (0.75_f64 * 0.25 / 39.0).sqrt();
        let [low, high] = own.interval.unwrap();
        assert!((high - own.share - known).abs() < 1e-12 && (own.share - low - known).abs() < 1e-12);
    }
}
