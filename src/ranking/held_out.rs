//! Whether a law of rankings foretells votes that it has not seen (dempo.md, section 6.1): fitted on some groups of
//! ballots, judged on the others.

use super::aggregation::{Method, RankError, aggregate};
use super::mallows;
use super::plackett_luce;
use super::votes::Votes;
use crate::statistics::Stream;

/// Log-likelihoods on both sides.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HeldOut {
    /// Rankings that the law was fitted to.
    pub train_rankings: f64,
    /// Their log-likelihood.
    pub train: f64,
    /// Rankings kept back.
    pub test_rankings: f64,
    /// Their log-likelihood under the law fitted to the others.
    pub test: f64,
}

/// Keeps back `share` of the groups, drawn by `seed`. `None` for methods that are no law of rankings.
///
/// # Errors
/// As the method says of the groups that are left.
pub fn held_out(method: Method, votes: &Votes, share: f64, seed: u64) -> Result<Option<HeldOut>, RankError> {
    if !matches!(method, Method::PlackettLuce | Method::Mallows) {
        return Ok(None);
    }
    let groups = votes.groups.len();
    let kept = ((groups as f64 * share).round() as usize).min(groups);
    let mut train = vec![1; groups];
    let mut test = vec![0; groups];
    for place in Stream::new(seed, u64::MAX).distinct(kept, groups) {
        (train[place], test[place]) = (0, 1);
    }
    let (train, test) = (votes.weights_of(&train), votes.weights_of(&test));
    let fitted = aggregate(method, votes, &train)?;
    let unseen = match (&fitted.consensus, &fitted.dispersion) {
        (Some(consensus), Some(dispersion)) => {
            let wins = votes.wins(&test);
            let rankings = mallows::rankings(votes, &test, &wins)?;
            let mean = if rankings > 0.0 { mallows::turned(&wins, &consensus.order) / rankings } else { 0.0 };
            mallows::log_likelihood(votes.models.len(), dispersion.phi, rankings, mean)
        }
        _ => plackett_luce::log_likelihood(votes, &test, &fitted.scores)?,
    };
    Ok(Some(HeldOut {
        train_rankings: train.iter().sum(),
        train: fitted.log_likelihood.unwrap_or(f64::NAN),
        test_rankings: test.iter().sum(),
        test: unseen,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::votes::examples::rankings;

    #[test]
    fn both_sides_together_are_all_rankings() {
        let votes = rankings(&[("ABC", 40), ("ACB", 20), ("BAC", 20), ("CBA", 10)]);
        for method in [Method::PlackettLuce, Method::Mallows] {
            let found = held_out(method, &votes, 0.2, 3).unwrap().unwrap();
            assert_eq!((found.train_rankings, found.test_rankings), (72.0, 18.0));
            // All 6 orders equally likely is the worst that a fit can do on its own side.
            assert!(found.train > -72.0 * 6f64.ln() && found.train < 0.0);
            assert!(found.test < 0.0);
        }
        assert_eq!(held_out(Method::Borda, &votes, 0.2, 3).unwrap(), None);
    }
}
