//! Mallows: rankings scattered around one order, the less likely the more pairs they turn round (dempo.md, section 6.1).

use super::aggregation::{Aggregation, RankError};
use super::kemeny::consensus;
use super::votes::{Ballot, Votes, Wins};

/// How closely rankings keep to the consensus.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Dispersion {
    /// `P(ranking)` is in proportion to `exp(-phi * distance)`, the distance being Kendall's; 0: all rankings are as likely.
    pub phi: f64,
    /// Logarithm of the normalising constant.
    pub ln_z: f64,
    /// The chance that a ranking keeps the order of two neighbours of the consensus.
    pub adjacent: f64,
    /// Pairs that a ranking turns round on average.
    pub mean_distance: f64,
    /// Rankings that the estimate comes from.
    pub rankings: f64,
}

/// `ln Z` of `models` models.
pub fn ln_z(models: usize, phi: f64) -> f64 {
    if phi == 0.0 {
        return (1..=models).map(|i| (i as f64).ln()).sum();
    }
    let ln_rest = |x: f64| (-(-x).exp_m1()).ln();
    (1..=models).map(|i| ln_rest(i as f64 * phi)).sum::<f64>() - models as f64 * ln_rest(phi)
}

/// The chance that a ranking keeps the order of two models whose places in the consensus differ by `gap`.
pub fn keeps(gap: usize, phi: f64) -> f64 {
    if phi == 0.0 {
        return 0.5;
    }
    let term = |k: usize| k as f64 / -(-(k as f64) * phi).exp_m1();
    term(gap + 1) - term(gap)
}

/// Log-likelihood of `rankings` complete rankings at a mean distance from the consensus.
pub fn log_likelihood(models: usize, phi: f64, rankings: f64, mean_distance: f64) -> f64 {
    -rankings * (phi * mean_distance + ln_z(models, phi))
}

/// The consensus with the dispersion of greatest likelihood. Scores are the log-odds scale of neighbours: a place is worth
/// `phi`, and they sum to 0.
///
/// # Errors
/// [`RankError::Incomplete`] where ballots do not rank all models (pairs will do where all were asked equally often),
/// [`RankError::Unanimous`] where all rankings are the same, [`RankError::TooMany`] as in Kemeny.
pub fn mallows(votes: &Votes, weights: &[f64]) -> Result<Aggregation, RankError> {
    let wins = votes.wins(weights);
    let rankings = rankings(votes, weights, &wins)?;
    let consensus = consensus(&wins)?;
    let models = wins.models();
    let mean_distance = turned(&wins, &consensus.order) / rankings;
    let phi = dispersion(models, mean_distance).ok_or(RankError::Unanimous)?;
    let mut scores = vec![0.0; models];
    for (place, &model) in consensus.order.iter().enumerate() {
        scores[model] = phi * ((models - 1) as f64 / 2.0 - place as f64);
    }
    let dispersion = Dispersion { phi, ln_z: ln_z(models, phi), adjacent: keeps(1, phi), mean_distance, rankings };
    Ok(Aggregation {
        log_likelihood: Some(log_likelihood(models, phi, rankings, mean_distance)),
        consensus: Some(consensus),
        dispersion: Some(dispersion),
        ..Aggregation::of(scores)
    })
}

/// Pairs of all rankings together that stand against an order.
pub(super) fn turned(wins: &Wins, order: &[usize]) -> f64 {
    let below =
        |(place, &above): (usize, &usize)| order[place + 1..].iter().map(|&below| wins.of(below, above)).sum::<f64>();
    order.iter().enumerate().map(below).sum()
}

/// How many complete rankings there are, or as pairwise choices could have come from.
pub(super) fn rankings(votes: &Votes, weights: &[f64], wins: &Wins) -> Result<f64, RankError> {
    let models = votes.models.len();
    let short = |(ballot, weight): (&Ballot, &f64)| {
        let seated = if let Ballot::Order(order) = ballot { order.len() } else { 2 };
        *weight > 0.0 && seated < models
    };
    let Some((ballot, _)) = votes.ballots.iter().zip(weights).find(|&pair| short(pair)) else {
        return Ok(weights.iter().sum());
    };
    let pair = wins.met(0, 1);
    let even = (0..models).all(|a| (a + 1..models).all(|b| wins.met(a, b) == pair));
    let pairs_only = votes.ballots.iter().all(|ballot| !matches!(ballot, Ballot::Order(order) if order.len() > 2));
    if even && pairs_only && pair > 0.0 {
        return Ok(pair);
    }
    let seated = if let Ballot::Order(order) = ballot { order.len() } else { 2 };
    Err(RankError::Incomplete { seated, models })
}

/// The dispersion at which the expected distance is the mean one; `None` where that is 0.
fn dispersion(models: usize, mean_distance: f64) -> Option<f64> {
    let m = models as f64;
    if mean_distance >= m * (m - 1.0) / 4.0 {
        return Some(0.0);
    }
    if mean_distance <= 0.0 {
        return None;
    }
    let expected =
        |phi: f64| m / phi.exp_m1() - (1..=models).map(|i| i as f64 / (i as f64 * phi).exp_m1()).sum::<f64>();
    let (mut low, mut high) = (1e-12, 1.0);
    while expected(high) > mean_distance {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if expected(middle) > mean_distance {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::votes::examples::rankings as cast;

    /// dempo.md, section 12, check 12.
    #[test]
    fn the_constant_and_likelihood_of_the_published_fit() {
        let phi = 0.2192488571646825;
        assert!((ln_z(5, phi) - 3.7906242482).abs() < 1e-9);
        assert!((keeps(1, phi) - 0.5545936957755).abs() < 1e-12);
        assert!((log_likelihood(5, phi, 12_000.0, 4.1004166667) + 56_275.6309953).abs() < 1e-4);
    }

    #[test]
    fn the_estimate_is_the_best_and_chances_sum_to_one() {
        let votes = cast(&[("ABC", 5), ("ACB", 2), ("BAC", 2), ("CBA", 1)]);
        let found = mallows(&votes, &votes.weights()).unwrap();
        let dispersion = found.dispersion.unwrap();
        assert_eq!(found.consensus.unwrap().order, [0, 1, 2]);
        // Distances 0, 1, 1 and 3.
        assert!((dispersion.mean_distance - 0.7).abs() < 1e-12);
        let at = |phi: f64| log_likelihood(3, phi, 10.0, 0.7);
        assert!((at(dispersion.phi) - found.log_likelihood.unwrap()).abs() < 1e-12);
        assert!(at(dispersion.phi * 1.001) < at(dispersion.phi) && at(dispersion.phi * 0.999) < at(dispersion.phi));
        let all: f64 =
            [0, 1, 1, 2, 2, 3].iter().map(|&d| (-dispersion.phi * f64::from(d) - dispersion.ln_z).exp()).sum();
        assert!((all - 1.0).abs() < 1e-12);
        // Two neighbours keep their order in ABC, ACB and CAB.
        let kept: f64 = [0, 1, 2].iter().map(|&d| (-dispersion.phi * f64::from(d) - dispersion.ln_z).exp()).sum();
        assert!((keeps(1, dispersion.phi) - kept).abs() < 1e-12);
    }

    #[test]
    fn no_order_at_all_and_one_order_only() {
        let votes = cast(&[("ABC", 1), ("CBA", 1)]);
        assert_eq!(mallows(&votes, &votes.weights()).unwrap().dispersion.unwrap().phi, 0.0);
        let votes = cast(&[("ABC", 4)]);
        assert_eq!(mallows(&votes, &votes.weights()), Err(RankError::Unanimous));
        let votes = cast(&[("ABC", 4), ("AB", 1)]);
        assert_eq!(mallows(&votes, &votes.weights()), Err(RankError::Incomplete { seated: 2, models: 3 }));
    }
}
