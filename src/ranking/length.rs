//! Length bias: whether longer answers win (dempo.md, section 6). It need not be a fault: a longer answer may be the better
//! one.

use super::resampling::{LEVEL, Sums, interval};
use super::verdicts::{Cluster, Verdicts};

/// What length does in the verdicts of one judge, or of all.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LengthBias {
    /// Place in [`Verdicts::judges`]; `None`: all of them.
    pub judge: Option<u16>,
    /// Pairs of answers that a verdict decided and whose lengths are known and differ.
    pub pairs: u64,
    /// Share of them that the longer answer won.
    pub longer_wins: f64,
    /// 95 % interval over clusters; `None` where there are fewer than two.
    pub interval: Option<[f64; 2]>,
    /// Pearson's correlation of words and rank over all answers of all verdicts, rank 0 being best: negative where longer
    /// answers do better. `None` where lengths or ranks do not differ.
    pub correlation: Option<f64>,
    /// Its interval.
    pub correlation_interval: Option<[f64; 2]>,
}

/// Columns of the sums: pairs, won by the longer, then answers and their moments.
const WIDTH: usize = 8;

/// All judges together first, then, where there are several, each judge; those without a pair to look at are left out.
pub fn length_bias(verdicts: &Verdicts, by: Cluster, resamples: usize, seed: u64) -> Vec<LengthBias> {
    let judges = verdicts.judges.len() as u16;
    let each = if judges > 1 { judges } else { 0 };
    let all = std::iter::once(None).chain((0..each).map(Some));
    all.filter_map(|judge| bias(verdicts, judge, by, resamples, seed)).collect()
}

fn bias(verdicts: &Verdicts, judge: Option<u16>, by: Cluster, resamples: usize, seed: u64) -> Option<LengthBias> {
    let mut sums = Sums::new(verdicts.clusters(by), WIDTH);
    for verdict in verdicts.verdicts.iter().filter(|verdict| judge.is_none_or(|judge| verdict.judge == judge)) {
        let lengths = verdicts.lengths.get(verdict.question as usize);
        let words = |model: u16| lengths.and_then(|of| of.get(usize::from(model)).copied().flatten());
        let row = sums.of(verdicts.cluster_of(verdict.question, by));
        verdict.pairs(|above, below, tied| {
            if let (Some(won), Some(lost)) = (words(above), words(below))
                && !tied
                && won != lost
            {
                row[0] += 1.0;
                row[1] += f64::from(u8::from(won > lost));
            }
        });
        for (&model, rank) in verdict.shown.iter().zip(verdict.ranks()) {
            if let (Some(words), Some(rank)) = (words(model), rank) {
                let words = f64::from(words);
                let of_answer = [1.0, words, rank, words * words, rank * rank, words * rank];
                row[2..].iter_mut().zip(of_answer).for_each(|(sum, value)| *sum += value);
            }
        }
    }
    let sums = sums.nonempty();
    if sums.len() == 0 {
        return None;
    }
    let total = sums.total();
    let share = |sums: &[f64]| (sums[0] > 0.0).then(|| sums[1] / sums[0]);
    let mut drawn: Vec<[Option<f64>; 2]> = Vec::with_capacity(resamples);
    sums.resample(resamples, seed, |sums| drawn.push([share(sums), correlation(sums)]));
    let of = |at: usize| {
        let values: Vec<f64> = drawn.iter().filter_map(|row| row[at]).collect();
        (!values.is_empty()).then(|| interval(values.into_iter(), LEVEL))
    };
    Some(LengthBias {
        judge,
        pairs: total[0] as u64,
        longer_wins: share(&total)?,
        interval: of(0),
        correlation: correlation(&total),
        correlation_interval: of(1),
    })
}

fn correlation(sums: &[f64]) -> Option<f64> {
    let [n, x, y, xx, yy, xy] = *sums[2..].first_chunk::<6>()?;
    if n < 2.0 {
        return None;
    }
    let scale = (xx - x * x / n).max(0.0).sqrt() * (yy - y * y / n).max(0.0).sqrt();
    (scale > 1e-9 * n).then(|| ((xy - x * y / n) / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::examples::{drawn, verdicts};
    use crate::statistics::pearson;

    #[test]
    fn longer_answers_of_three_questions() {
        let mut all = verdicts(
            "ABC",
            &[(0, 0, 0, "ABC", "ABC"), (1, 0, 0, "CBA", "CAB"), (2, 0, 0, "AB", "A=B"), (1, 1, 0, "AB", "BA")],
        );
        all.lengths =
            vec![vec![Some(30), Some(20), Some(20)], vec![Some(10), Some(40), None], vec![Some(9), Some(5), None]];
        let found = length_bias(&all, Cluster::Question, 200, 1);
        // Question 0: A over B and C, both shorter; B and C are as long. Question 1: the first judge puts A (10) over B (40),
        // the second B over A. A tie decides nothing.
        assert_eq!((found[0].pairs, found[0].longer_wins), (4, 0.75));
        let judges: Vec<(Option<u16>, u64, f64)> =
            found.iter().map(|row| (row.judge, row.pairs, row.longer_wins)).collect();
        assert_eq!(judges, [(None, 4, 0.75), (Some(0), 3, 2.0 / 3.0), (Some(1), 1, 1.0)]);
        let words = [30.0, 20.0, 20.0, 40.0, 10.0, 9.0, 5.0, 10.0, 40.0];
        let ranks = [0.0, 1.0, 2.0, 2.0, 1.0, 0.5, 0.5, 1.0, 0.0];
        assert!((found[0].correlation.unwrap() - pearson(&words, &ranks).unwrap()).abs() < 1e-12);
        assert!(found[0].interval.is_some() && found[2].interval.is_none(), "judge 1 saw one question");
    }

    #[test]
    fn unknown_lengths_say_nothing() {
        assert!(length_bias(&drawn(&[0.1, -0.1], 5, 2, 0.0, 1), Cluster::Question, 10, 1).is_empty());
    }

    /// Answers of the better model are longer in one set of verdicts, and lengths are coins in the other.
    #[test]
    fn planted_lengths_are_found_and_random_ones_are_not() {
        let mut all = drawn(&[0.8, 0.0, -0.8], 300, 2, 0.0, 5);
        all.lengths = vec![vec![Some(120), Some(100), Some(80)]; 300];
        let found = &length_bias(&all, Cluster::Question, 200, 1)[0];
        assert!(found.interval.unwrap()[0] > 0.6 && found.correlation_interval.unwrap()[1] < -0.3, "{found:?}");
        all.lengths = (0..300).map(|q: u32| (0..3).map(|m| Some(50 + (q * 37 + m * 91) % 53)).collect()).collect();
        let found = &length_bias(&all, Cluster::Question, 200, 1)[0];
        let [low, high] = found.interval.unwrap();
        assert!(low < 0.53 && high > 0.47, "{found:?}");
    }
}
