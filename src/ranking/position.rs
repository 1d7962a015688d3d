//! Position bias: whether a judge prefers answers for where they are shown (dempo.md, section 6).

use super::resampling::{LEVEL, Sums, interval};
use super::verdicts::{Cluster, Verdict, Verdicts};
use crate::statistics::Stream;

/// A place in the order shown.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Position {
    /// Mean rank of the answers shown there, from 0 (best) to (number shown - 1).
    pub mean_rank: f64,
    /// 95 % interval over clusters; `None` where there are fewer than two.
    pub mean_rank_interval: Option<[f64; 2]>,
    /// Share of verdicts in which the answer shown there came first, a tie of two counting half.
    pub first: f64,
    /// Its interval.
    pub first_interval: Option<[f64; 2]>,
}

/// What positions do in the verdicts of one judge, or of all.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PositionBias {
    /// Place in [`Verdicts::judges`]; `None`: all of them.
    pub judge: Option<u16>,
    /// Verdicts that it comes from: those that rank all that were shown and show as many answers as most verdicts do.
    pub verdicts: u64,
    /// Other verdicts.
    pub left_out: u64,
    /// One a place in the order shown, the first place first.
    pub positions: Vec<Position>,
    /// Pearson's correlation of place shown and rank; positive where what is shown first is preferred.
    pub correlation: Option<f64>,
    /// Its interval.
    pub correlation_interval: Option<[f64; 2]>,
    /// Chance that orders drawn at random would make mean ranks differ as much between places. All verdicts on a question
    /// get the same new order, so that passes count as one look. Ranks are those above what each model has on average.
    pub p_value: f64,
    /// Whether every model was always shown at one place: then nobody can tell places from models, and the p-value says
    /// nothing.
    pub fixed_order: bool,
}

/// Verdicts that rank each of `shown` answers, with those ranks by place shown.
struct Used<'a> {
    shown: usize,
    verdicts: Vec<(&'a Verdict, Vec<f64>)>,
    left_out: u64,
}

impl<'a> Used<'a> {
    fn new(verdicts: &'a Verdicts, judge: Option<u16>) -> Option<Self> {
        let of_judge = verdicts.verdicts.iter().filter(|verdict| judge.is_none_or(|judge| verdict.judge == judge));
        let mut all: Vec<(&Verdict, Vec<f64>)> = Vec::new();
        let mut left_out = 0;
        for verdict in of_judge {
            match verdict.ranks().into_iter().collect::<Option<Vec<f64>>>() {
                Some(ranks) if ranks.len() > 1 => all.push((verdict, ranks)),
                _ => left_out += 1,
            }
        }
        let mut often = vec![0u64; verdicts.models.len() + 1];
        all.iter().for_each(|(verdict, _)| often[verdict.shown.len()] += 1);
        let shown = (0..often.len()).max_by_key(|&shown| often[shown]).filter(|&shown| often[shown] > 0)?;
        let before = all.len();
        all.retain(|(verdict, _)| verdict.shown.len() == shown);
        left_out += (before - all.len()) as u64;
        Some(Self { shown, verdicts: all, left_out })
    }

    /// Ranks less the mean rank of the model, by verdict and place shown, so that a good model's luck with places is none.
    fn surplus(&self, models: usize) -> Vec<Vec<f64>> {
        let mut means = vec![(0.0, 0.0); models];
        for (verdict, ranks) in &self.verdicts {
            for (&model, rank) in verdict.shown.iter().zip(ranks) {
                let mean = &mut means[usize::from(model)];
                *mean = (mean.0 + rank, mean.1 + 1.0);
            }
        }
        let of = |(verdict, ranks): &(&Verdict, Vec<f64>)| {
            let surplus =
                |(&model, rank): (&u16, &f64)| rank - means[usize::from(model)].0 / means[usize::from(model)].1;
            verdict.shown.iter().zip(ranks).map(surplus).collect()
        };
        self.verdicts.iter().map(of).collect()
    }

    fn fixed_order(&self, models: usize) -> bool {
        let mut places: Vec<Option<usize>> = vec![None; models];
        self.verdicts.iter().all(|(verdict, _)| {
            verdict
                .shown
                .iter()
                .enumerate()
                .all(|(place, &model)| *places[usize::from(model)].get_or_insert(place) == place)
        })
    }
}

/// All judges together first, then, where there are several, each judge; none where no verdict ranks all that was shown.
/// Intervals are over clusters; `permutations` orders are drawn for the p-value.
pub fn position_bias(
    verdicts: &Verdicts,
    by: Cluster,
    resamples: usize,
    permutations: usize,
    seed: u64,
) -> Vec<PositionBias> {
    let judges = verdicts.judges.len() as u16;
    let each = if judges > 1 { judges } else { 0 };
    let all = std::iter::once(None).chain((0..each).map(Some));
    all.filter_map(|judge| bias(verdicts, judge, by, resamples, permutations, seed)).collect()
}

fn bias(
    verdicts: &Verdicts,
    judge: Option<u16>,
    by: Cluster,
    resamples: usize,
    permutations: usize,
    seed: u64,
) -> Option<PositionBias> {
    let used = Used::new(verdicts, judge)?;
    let shown = used.shown;
    // Of each cluster: verdicts, then for each place the sum of ranks, of firsts, and of squared ranks.
    let mut sums = Sums::new(verdicts.clusters(by), 1 + 3 * shown);
    for (verdict, ranks) in &used.verdicts {
        let row = sums.of(verdicts.cluster_of(verdict.question, by));
        row[0] += 1.0;
        let tied = ranks.contains(&0.5);
        for (place, &rank) in ranks.iter().enumerate() {
            row[1 + place] += rank;
            row[1 + shown + place] += if tied { 0.5 } else { f64::from(u8::from(rank == 0.0)) };
            row[1 + 2 * shown + place] += rank * rank;
        }
    }
    let sums = sums.nonempty();
    let total = sums.total();
    // One pass over the resamples for all statistics.
    let mut drawn: Vec<Vec<f64>> = Vec::with_capacity(resamples);
    sums.resample(resamples, seed, |sums| {
        let mut row: Vec<f64> = sums[1..=2 * shown].iter().map(|sum| sum / sums[0]).collect();
        row.push(correlation(sums, shown).unwrap_or(f64::NAN));
        drawn.push(row);
    });
    let of = |column: usize| {
        let values: Vec<f64> = drawn.iter().map(|row| row[column]).filter(|value| value.is_finite()).collect();
        (!values.is_empty()).then(|| interval(values.into_iter(), LEVEL))
    };
    let position = |place: usize| Position {
        mean_rank: total[1 + place] / total[0],
        mean_rank_interval: of(place),
        first: total[1 + shown + place] / total[0],
        first_interval: of(shown + place),
    };
    Some(PositionBias {
        judge,
        verdicts: used.verdicts.len() as u64,
        left_out: used.left_out,
        positions: (0..shown).map(position).collect(),
        correlation: correlation(&total, shown),
        correlation_interval: of(2 * shown),
        p_value: permuted(&used, verdicts, permutations, seed),
        fixed_order: used.fixed_order(verdicts.models.len()),
    })
}

/// Pearson's correlation of place and rank, from sums as in [`bias`].
fn correlation(sums: &[f64], shown: usize) -> Option<f64> {
    let n = sums[0] * shown as f64;
    let ranks = &sums[1..=shown];
    let squares: f64 = sums[1 + 2 * shown..].iter().sum();
    let middle = (shown as f64 - 1.0) / 2.0;
    let mean = ranks.iter().sum::<f64>() / n;
    let products: f64 = ranks.iter().enumerate().map(|(place, sum)| (place as f64 - middle) * sum).sum();
    let spread_of_places = n * (shown as f64 * shown as f64 - 1.0) / 12.0;
    let spread_of_ranks = squares - n * mean * mean;
    let scale = (spread_of_places * spread_of_ranks).sqrt();
    (scale > 0.0).then(|| (products / scale).clamp(-1.0, 1.0))
}

/// A permutation test whose statistic is the variance of mean ranks between places.
fn permuted(used: &Used<'_>, verdicts: &Verdicts, permutations: usize, seed: u64) -> f64 {
    let shown = used.shown;
    // Verdicts on one question with one order shown move together.
    let surplus = used.surplus(verdicts.models.len());
    let mut blocks: std::collections::BTreeMap<(u32, &[u16]), Vec<f64>> = std::collections::BTreeMap::new();
    for ((verdict, _), ranks) in used.verdicts.iter().zip(&surplus) {
        let block = blocks.entry((verdict.question, &verdict.shown)).or_insert_with(|| vec![0.0; shown]);
        block.iter_mut().zip(ranks).for_each(|(sum, rank)| *sum += rank);
    }
    // Several orders of one question, such as both orders of a pair, are drawn anew each for itself.
    let blocks: Vec<Vec<f64>> = blocks.into_values().collect();
    let spread = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum::<f64>();
    let mut observed = vec![0.0; shown];
    for block in &blocks {
        observed.iter_mut().zip(block).for_each(|(sum, value)| *sum += value);
    }
    // Rounding must not make an equal spread a smaller one.
    let observed = spread(&observed) * (1.0 - 1e-9);
    let mut as_large = 0u64;
    let mut order: Vec<usize> = (0..shown).collect();
    for permutation in 0..permutations {
        let mut stream = Stream::new(seed, (1 << 63) | permutation as u64);
        let mut sums = vec![0.0; shown];
        for block in &blocks {
            for at in (1..shown).rev() {
                order.swap(at, stream.below(at as u64 + 1) as usize);
            }
            order.iter().zip(block).for_each(|(&place, value)| sums[place] += value);
        }
        as_large += u64::from(spread(&sums) >= observed);
    }
    (as_large + 1) as f64 / (permutations + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::examples::{drawn, relabelled, verdicts};
    use crate::statistics::pearson;

    #[test]
    fn ranks_by_place_of_four_verdicts() {
        let all = verdicts(
            "ABC",
            &[(0, 0, 0, "ABC", "ABC"), (0, 0, 1, "ABC", "BAC"), (1, 0, 0, "CBA", "CAB"), (2, 0, 0, "BAC", "BC")],
        );
        let found = &position_bias(&all, Cluster::Question, 50, 50, 1)[0];
        // Ranks by place: 0 1 2, 1 0 2, and C B A at 0 2 1; the last verdict ranks two of three.
        assert_eq!((found.verdicts, found.left_out, found.fixed_order), (3, 1, false));
        let means: Vec<f64> = found.positions.iter().map(|place| place.mean_rank).collect();
        assert_eq!(means, [1.0 / 3.0, 1.0, 5.0 / 3.0]);
        let firsts: Vec<f64> = found.positions.iter().map(|place| place.first).collect();
        assert_eq!(firsts, [2.0 / 3.0, 1.0 / 3.0, 0.0]);
        let known =
            pearson(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0], &[0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 0.0, 2.0, 1.0]);
        assert!((found.correlation.unwrap() - known.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn ties_of_two_are_half_a_win_for_either_place() {
        let all = verdicts(
            "AB",
            &[(0, 0, 0, "AB", "A=B"), (1, 0, 0, "BA", "BA"), (2, 0, 0, "AB", "BA"), (3, 0, 0, "AB", "AB")],
        );
        let found = &position_bias(&all, Cluster::Question, 50, 50, 1)[0];
        assert_eq!(found.positions[0].first, 0.625);
        assert_eq!(found.positions[0].mean_rank, 0.375);
    }

    #[test]
    fn a_judge_who_prefers_the_first_is_found_out_and_another_is_not() {
        let abilities = [0.5, 0.1, -0.1, -0.5];
        let biased = &position_bias(&drawn(&abilities, 200, 3, 0.5, 7), Cluster::Question, 200, 200, 1)[0];
        assert!(biased.p_value < 0.01, "{biased:?}");
        assert!(biased.correlation_interval.unwrap()[0] > 0.0);
        assert!(biased.positions[0].mean_rank_interval.unwrap()[1] < 1.5 && biased.positions[0].first > 0.3);
        // Twenty fair judges: p-values are spread over the unit interval.
        let fair: Vec<f64> = (0..20)
            .map(|seed| {
                position_bias(&drawn(&abilities, 100, 3, 0.0, seed), Cluster::Question, 10, 100, seed)[0].p_value
            })
            .collect();
        let below = |limit: f64| fair.iter().filter(|p| **p < limit).count();
        assert!(below(0.05) <= 4 && below(0.5) >= 4 && below(0.5) <= 16, "{fair:?}");
    }

    /// Models shown in one order only: their quality is no bias.
    #[test]
    fn a_fixed_order_shows_no_bias_and_says_so() {
        let all = verdicts("ABC", &[(0, 0, 0, "ABC", "ABC"), (1, 0, 0, "ABC", "ABC"), (2, 0, 0, "ABC", "ABC")]);
        let found = &position_bias(&all, Cluster::Question, 10, 99, 1)[0];
        assert!(found.fixed_order && found.p_value == 1.0, "{found:?}");
        assert_eq!(found.positions[0].mean_rank, 0.0);
    }

    #[test]
    fn judges_are_looked_at_together_and_alone() {
        let all = verdicts(
            "AB",
            &[(0, 0, 0, "AB", "AB"), (1, 0, 0, "BA", "BA"), (0, 1, 0, "AB", "BA"), (1, 1, 0, "BA", "AB")],
        );
        let found = position_bias(&all, Cluster::Question, 10, 10, 1);
        let firsts: Vec<(Option<u16>, f64)> = found.iter().map(|row| (row.judge, row.positions[0].first)).collect();
        assert_eq!(firsts, [(None, 0.5), (Some(0), 1.0), (Some(1), 0.0)]);
    }

    #[test]
    fn names_of_models_do_not_matter() {
        let all = drawn(&[0.5, 0.0, -0.5], 30, 2, 0.3, 4);
        let one = &position_bias(&all, Cluster::Clause, 50, 50, 1)[0];
        let other = &position_bias(&relabelled(&all, &[2, 0, 1]), Cluster::Clause, 50, 50, 1)[0];
        assert_eq!((&one.positions, one.correlation_interval), (&other.positions, other.correlation_interval));
    }
}
