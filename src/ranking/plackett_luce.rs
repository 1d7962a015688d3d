//! Plackett-Luce: rankings as repeated choices, each model chosen from those left in proportion to its ability (Plackett
//! 1975; Hunter 2004; dempo.md, section 6.1). The true maximum: at every stage all models that are left are in the
//! denominator.

use std::collections::BTreeMap;

use super::aggregation::{Aggregation, RankError, separated};
use super::ascent::{Point, maximise};
use super::votes::{Ballot, Votes};

/// Log abilities of mean 0 of greatest likelihood, of ballots cast with these `weights`.
///
/// # Errors
/// [`RankError::Ties`] where a ballot is a tie, [`RankError::Separated`] as in Bradley-Terry.
pub fn plackett_luce(votes: &Votes, weights: &[f64]) -> Result<Aggregation, RankError> {
    let choices = Choices::new(votes);
    let scores = choices.fit(votes, weights, &vec![0.0; votes.models.len()])?;
    let log_likelihood = Some(choices.point(&choices.counted(votes, weights)?, &scores).value);
    Ok(Aggregation { log_likelihood, ..Aggregation::of(scores) })
}

/// The log-likelihood of ballots under given log abilities.
///
/// # Errors
/// [`RankError::Ties`] where a ballot is a tie.
pub fn log_likelihood(votes: &Votes, weights: &[f64], abilities: &[f64]) -> Result<f64, RankError> {
    let choices = Choices::new(votes);
    Ok(choices.point(&choices.counted(votes, weights)?, abilities).value)
}

/// Every ballot as choices from sets of models. However many rankings there are, their likelihood depends on two things
/// alone: how often each model was chosen while others were left, and how often each set was chosen from. Few models make few
/// sets (26 of five models), so that votes that were drawn again are fitted without another look at the ballots.
pub(super) struct Choices {
    sets: Vec<Vec<u16>>,
    /// Of each ballot the sets that it chose from, first to last.
    faced: Vec<Vec<u32>>,
}

/// How often each model was chosen, and each set chosen from.
pub(super) struct Counts {
    chosen: Vec<f64>,
    faced: Vec<f64>,
}

impl Choices {
    /// Choices of the ballots of `votes`, in their order.
    pub(super) fn new(votes: &Votes) -> Self {
        let mut places: BTreeMap<Vec<u16>, u32> = BTreeMap::new();
        let mut sets = Vec::new();
        let mut of = |order: &[u16]| -> Vec<u32> {
            (0..order.len().saturating_sub(1))
                .map(|stage| {
                    let mut left = order[stage..].to_vec();
                    left.sort_unstable();
                    *places.entry(left).or_insert_with_key(|left| {
                        sets.push(left.clone());
                        sets.len() as u32 - 1
                    })
                })
                .collect()
        };
        let faced = votes.ballots.iter().map(|ballot| match ballot {
            Ballot::Order(order) => of(order),
            Ballot::Tie(..) => Vec::new(),
        });
        let faced = faced.collect();
        Self { sets, faced }
    }

    /// What ballots cast with these weights come to.
    pub(super) fn counted(&self, votes: &Votes, weights: &[f64]) -> Result<Counts, RankError> {
        let mut counts = Counts { chosen: vec![0.0; votes.models.len()], faced: vec![0.0; self.sets.len()] };
        let cast = votes.ballots.iter().zip(&self.faced).zip(weights).filter(|(_, weight)| **weight > 0.0);
        for ((ballot, faced), &weight) in cast {
            match ballot {
                Ballot::Order(order) => {
                    for (&model, &set) in order.iter().zip(faced) {
                        counts.chosen[usize::from(model)] += weight;
                        counts.faced[set as usize] += weight;
                    }
                }
                &Ballot::Tie(a, b) => return Err(RankError::Ties { a: a.into(), b: b.into() }),
            }
        }
        Ok(counts)
    }

    /// Log abilities of mean 0 of greatest likelihood; `start` says where to look first.
    pub(super) fn fit(&self, votes: &Votes, weights: &[f64], start: &[f64]) -> Result<Vec<f64>, RankError> {
        let counts = self.counted(votes, weights)?;
        separated(&votes.wins(weights))?;
        maximise(start, |abilities| self.point(&counts, abilities)).ok_or(RankError::NoMaximum)
    }

    fn point(&self, counts: &Counts, abilities: &[f64]) -> Point {
        let models = abilities.len();
        let mut point = Point { value: 0.0, gradient: counts.chosen.clone(), curvature: vec![0.0; models * models] };
        let largest = abilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sizes: Vec<f64> = abilities.iter().map(|ability| (ability - largest).exp()).collect();
        for (chosen, ability) in counts.chosen.iter().zip(abilities) {
            point.value += chosen * (ability - largest);
        }
        for (set, &times) in self.sets.iter().zip(&counts.faced).filter(|(_, times)| **times > 0.0) {
            let sum: f64 = set.iter().map(|&model| sizes[usize::from(model)]).sum();
            point.value -= times * sum.ln();
            for (at, &model) in set.iter().enumerate() {
                let model = usize::from(model);
                let share = sizes[model] / sum;
                let expected = times * share;
                point.gradient[model] -= expected;
                point.curvature[model * models + model] += expected * (1.0 - share);
                for &other in &set[..at] {
                    let other = usize::from(other);
                    let shared = expected * (sizes[other] / sum);
                    point.curvature[model * models + other] -= shared;
                    point.curvature[other * models + model] -= shared;
                }
            }
        }
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::bradley_terry::bradley_terry;
    use crate::ranking::votes::examples::rankings;

    /// dempo.md, section 12, check 12.
    #[test]
    fn ten_rankings_of_three_models() {
        let votes = rankings(&[("ABC", 5), ("ACB", 2), ("BAC", 2), ("CBA", 1)]);
        let found = plackett_luce(&votes, &votes.weights()).unwrap();
        for (score, known) in found.scores.iter().zip([0.967586, 0.031391, -0.998977]) {
            assert!((score - known).abs() < 1e-6, "{:?}", found.scores);
        }
        assert!((found.log_likelihood.unwrap() + 13.831042).abs() < 1e-6);
        // No direction leads up from there.
        for model in 0..3 {
            for by in [1e-4, -1e-4] {
                let mut other = found.scores.clone();
                other[model] += by;
                assert!(log_likelihood(&votes, &votes.weights(), &other).unwrap() < found.log_likelihood.unwrap());
            }
        }
    }

    #[test]
    fn rankings_of_two_are_bradley_terry() {
        let votes = rankings(&[("AB", 5), ("BC", 4), ("CA", 3), ("BA", 2), ("CB", 1)]);
        let choices = plackett_luce(&votes, &votes.weights()).unwrap();
        let pairs = bradley_terry(&votes.wins(&votes.weights())).unwrap();
        for (a, b) in choices.scores.iter().zip(&pairs.scores) {
            assert!((a - b).abs() < 1e-10);
        }
    }
}
