//! Ranks that models were given (dempo.md, section 6): how often each, how often among the best, and how decided each
//! question was between two models.

use super::resampling::{LEVEL, Sums, interval};
use super::verdicts::{Cluster, Verdicts};
use super::votes::{Ballot, Votes};

/// Ranks of one model among complete rankings.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Ranks {
    /// Place in [`Verdicts::models`].
    pub model: usize,
    /// Share of rankings in which it had each rank, the best first.
    pub shares: Vec<f64>,
    /// Share of rankings in which it was among the first k, for k = 1, 2, …
    pub among_first: Vec<f64>,
    /// 95 % intervals of those over clusters; `None` where there are fewer than two.
    pub among_first_intervals: Option<Vec<[f64; 2]>>,
    /// Mean rank, from 0.
    pub mean: f64,
}

/// One row a model. Only rankings of all models count: what place two of five have among all is not known. Empty where there
/// are none.
pub fn ranks(verdicts: &Verdicts, by: Cluster, resamples: usize, seed: u64) -> Vec<Ranks> {
    let models = verdicts.models.len();
    // Rankings of each cluster, and how often each model had each rank.
    let mut sums = Sums::new(verdicts.clusters(by), 1 + models * models);
    for verdict in &verdicts.verdicts {
        let Ballot::Order(order) = &verdict.ballot else { continue };
        if order.len() == models {
            let row = sums.of(verdicts.cluster_of(verdict.question, by));
            row[0] += 1.0;
            order.iter().enumerate().for_each(|(rank, &model)| row[1 + usize::from(model) * models + rank] += 1.0);
        }
    }
    let sums = sums.nonempty();
    if sums.len() == 0 {
        return Vec::new();
    }
    let total = sums.total();
    let among = |sums: &[f64]| -> Vec<f64> {
        let of = |model: usize| {
            sums[1 + model * models..][..models].iter().scan(0.0, |sum, count| {
                *sum += count / sums[0];
                Some(*sum)
            })
        };
        (0..models).flat_map(of).collect()
    };
    let mut drawn: Vec<Vec<f64>> = Vec::with_capacity(resamples);
    sums.resample(resamples, seed, |sums| drawn.push(among(sums)));
    let all = among(&total);
    let of = |model: usize| {
        let shares: Vec<f64> = total[1 + model * models..][..models].iter().map(|count| count / total[0]).collect();
        let places = model * models..(model + 1) * models;
        let intervals =
            places.clone().map(|at| interval(drawn.iter().map(|row| row[at]), LEVEL)).collect::<Vec<[f64; 2]>>();
        Ranks {
            model,
            mean: shares.iter().enumerate().map(|(rank, share)| rank as f64 * share).sum(),
            among_first: all[places].to_vec(),
            among_first_intervals: (!drawn.is_empty()).then_some(intervals),
            shares,
        }
    };
    (0..models).map(of).collect()
}

/// How decided questions were between two models.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Margins {
    /// Places in [`Votes::models`].
    pub models: [usize; 2],
    /// Groups whose margin (share of ballots that put the first above, less the share that put it below) lies in each of
    /// [`MARGIN_BINS`] equal parts of -1 to 1.
    pub groups: Vec<u64>,
    /// Mean over groups.
    pub mean: f64,
    /// Groups that are of one mind, for the first and for the second.
    pub unanimous: [u64; 2],
}

/// An odd number, so that undecided groups have a part of their own.
pub const MARGIN_BINS: usize = 11;

/// All pairs of models that met in some group, in order of their places; groups are what [`Votes`] has them to be, usually
/// questions.
pub fn margins(votes: &Votes) -> Vec<Margins> {
    let models = votes.models.len();
    let mut all: Vec<Margins> = (0..models)
        .flat_map(|a| (a + 1..models).map(move |b| [a, b]))
        .map(|models| Margins { models, groups: vec![0; MARGIN_BINS], mean: 0.0, unanimous: [0, 0] })
        .collect();
    for group in &votes.groups {
        let wins = votes.wins_of(group);
        for pair in &mut all {
            let [a, b] = pair.models;
            let Some(share) = wins.share(a, b) else { continue };
            let bin = ((share * MARGIN_BINS as f64) as usize).min(MARGIN_BINS - 1);
            pair.groups[bin] += 1;
            pair.mean += 2.0 * share - 1.0;
            pair.unanimous[0] += u64::from(share == 1.0);
            pair.unanimous[1] += u64::from(share == 0.0);
        }
    }
    all.retain(|pair| pair.groups.iter().sum::<u64>() > 0);
    all.iter_mut().for_each(|pair| pair.mean /= pair.groups.iter().sum::<u64>() as f64);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::examples::verdicts;

    #[test]
    fn ranks_of_three_rankings() {
        let all = verdicts(
            "ABC",
            &[(0, 0, 0, "ABC", "ABC"), (0, 0, 1, "ABC", "ACB"), (1, 0, 0, "ABC", "BAC"), (1, 0, 1, "AB", "BA")],
        );
        let found = ranks(&all, Cluster::Question, 300, 1);
        let third = 1.0 / 3.0;
        assert_eq!(found[0].shares, [2.0 * third, third, 0.0]);
        assert_eq!(found[1].shares, [third, third, third]);
        assert_eq!(found[0].among_first, [2.0 * third, 1.0, 1.0]);
        assert!((found[0].mean - third).abs() < 1e-12);
        // Question 0 alone has A first always, question 1 alone never.
        assert_eq!(found[0].among_first_intervals.as_ref().unwrap()[0], [0.0, 1.0]);
        let pairs = verdicts("ABC", &[(0, 0, 0, "AB", "AB")]);
        assert!(ranks(&pairs, Cluster::Question, 10, 1).is_empty());
    }

    #[test]
    fn margins_of_three_questions() {
        let all = verdicts(
            "AB",
            &[
                (0, 0, 0, "AB", "AB"),
                (0, 0, 1, "AB", "AB"),
                (1, 0, 0, "AB", "A=B"),
                (2, 0, 0, "AB", "AB"),
                (2, 0, 1, "AB", "BA"),
                (2, 0, 2, "AB", "BA"),
            ],
        );
        let found = margins(&all.votes(Cluster::Question));
        // Margins 1, 0 and -1/3.
        assert_eq!(found[0].groups, [0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(found[0].unanimous, [1, 0]);
        assert!((found[0].mean - 2.0 / 9.0).abs() < 1e-12);
    }
}
