//! Plackett-Luce: rankings as repeated choices, each model chosen from those left in proportion to its ability (Plackett
//! 1975; Hunter 2004; dempo.md, section 6.1). The true maximum: at every stage all models that are left are in the
//! denominator.

use super::aggregation::{Aggregation, RankError, separated};
use super::ascent::{Point, maximise};
use super::votes::{Ballot, Votes};

/// Log abilities of mean 0 of greatest likelihood, of ballots cast with these `weights`.
///
/// # Errors
/// [`RankError::Ties`] where a ballot is a tie, [`RankError::Separated`] as in Bradley-Terry.
pub fn plackett_luce(votes: &Votes, weights: &[f64]) -> Result<Aggregation, RankError> {
    let cast = cast(votes, weights)?;
    separated(&votes.wins(weights))?;
    let models = votes.models.len();
    let scores = maximise(models, |abilities| point(models, &cast, abilities)).ok_or(RankError::NoMaximum)?;
    let log_likelihood = Some(point(models, &cast, &scores).value);
    Ok(Aggregation { log_likelihood, ..Aggregation::of(scores) })
}

/// The log-likelihood of ballots under given log abilities.
///
/// # Errors
/// [`RankError::Ties`] where a ballot is a tie.
pub fn log_likelihood(votes: &Votes, weights: &[f64], abilities: &[f64]) -> Result<f64, RankError> {
    Ok(point(votes.models.len(), &cast(votes, weights)?, abilities).value)
}

type Cast<'a> = Vec<(&'a [u16], f64)>;

fn cast<'a>(votes: &'a Votes, weights: &[f64]) -> Result<Cast<'a>, RankError> {
    let of = |(ballot, &weight): (&'a Ballot, &f64)| match ballot {
        Ballot::Order(order) => Ok((order.as_slice(), weight)),
        &Ballot::Tie(a, b) => Err(RankError::Ties { a: a.into(), b: b.into() }),
    };
    votes.ballots.iter().zip(weights).filter(|(_, weight)| **weight > 0.0).map(of).collect()
}

fn point(models: usize, cast: &Cast<'_>, abilities: &[f64]) -> Point {
    let mut point = Point { value: 0.0, gradient: vec![0.0; models], curvature: vec![0.0; models * models] };
    let largest = abilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sizes: Vec<f64> = abilities.iter().map(|ability| (ability - largest).exp()).collect();
    for &(order, weight) in cast {
        // What is left before each choice but the last, which is none.
        let mut left = vec![0.0; order.len()];
        let mut sum = 0.0;
        for (stage, &model) in order.iter().enumerate().rev() {
            sum += sizes[usize::from(model)];
            left[stage] = sum;
        }
        // Sums over the stages before and at each place of 1 / left and of 1 / left^2.
        let (mut once, mut twice) = (0.0, 0.0);
        let mut before: Vec<(usize, f64)> = Vec::with_capacity(order.len());
        for (place, &model) in order.iter().enumerate() {
            let model = usize::from(model);
            if place + 1 < order.len() {
                point.value += weight * (abilities[model] - largest - left[place].ln());
                point.gradient[model] += weight;
                once += 1.0 / left[place];
                twice += 1.0 / (left[place] * left[place]);
            }
            let size = sizes[model];
            point.gradient[model] -= weight * size * once;
            point.curvature[model * models + model] += weight * (size * once - size * size * twice);
            for &(other, twice) in &before {
                let shared = weight * size * sizes[other] * twice;
                point.curvature[model * models + other] -= shared;
                point.curvature[other * models + model] -= shared;
            }
            before.push((model, twice));
        }
    }
    point
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
