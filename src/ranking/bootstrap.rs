//! How sure scores are: whole groups of ballots drawn again (dempo.md, section 6.2).

use super::aggregation::{Aggregation, Method, RankError, aggregate};
use super::plackett_luce::Choices;
use super::resampling::{interval, times};
use super::votes::{Votes, Wins};
use crate::progress::{Cancelled, Progress};

/// Scores of resampled votes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// One row a resample that had an answer, one score a model.
    pub scores: Vec<Vec<f64>>,
    /// Resamples without an answer, such as ones in which a model never lost. Intervals leave them out and are then too
    /// narrow.
    pub failed: usize,
}

/// Why there is no bootstrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BootstrapError {
    /// One group cannot be resampled.
    #[error("there are fewer than two groups of ballots to draw again")]
    OneGroup,
    /// No resample had an answer.
    #[error("no resample had an answer")]
    NoAnswer(RankError),
    /// The caller asked for the end.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl BootstrapError {
    /// The reason with the names of the models and a way out.
    pub fn words(&self, models: &[String]) -> String {
        match self {
            Self::NoAnswer(reason) => format!("{self}: {}", reason.words(models)),
            Self::OneGroup => format!("{self}: judge more questions, or draw questions rather than clauses"),
            Self::Cancelled(_) => self.to_string(),
        }
    }
}

/// Draws as many groups as there are, `resamples` times. Resample `k` comes from stream `k` of `seed`.
///
/// # Errors
/// [`BootstrapError`].
pub fn bootstrap(
    method: Method,
    votes: &Votes,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Bootstrap, BootstrapError> {
    let groups = votes.groups.len();
    if groups < 2 {
        return Err(BootstrapError::OneGroup);
    }
    let scores = scores_of(method, votes);
    let mut found = Bootstrap { scores: Vec::with_capacity(resamples), failed: 0 };
    let mut last = None;
    for resample in 0..resamples {
        progress.report(resample as u64, resamples as u64);
        progress.checkpoint()?;
        match scores(&votes.weights_of(&times(groups, seed, resample))) {
            Ok(scores) => found.scores.push(scores),
            Err(error) => {
                found.failed += 1;
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if found.scores.is_empty() => Err(BootstrapError::NoAnswer(error)),
        _ => Ok(found),
    }
}

/// Scores as a function of the weights of ballots.
type Scoring<'a> = Box<dyn Fn(&[f64]) -> Result<Vec<f64>, RankError> + 'a>;

/// How `method` scores these votes whatever their weights. Plackett-Luce looks first where all votes together have their maximum.
fn scores_of(method: Method, votes: &Votes) -> Scoring<'_> {
    if method == Method::PlackettLuce {
        let choices = Choices::new(votes);
        let start = choices.fit(votes, &votes.weights(), &vec![0.0; votes.models.len()]);
        let start = start.unwrap_or_else(|_| vec![0.0; votes.models.len()]);
        return Box::new(move |weights| choices.fit(votes, weights, &start));
    }
    Box::new(move |weights| aggregate(method, votes, weights).map(|Aggregation { scores, .. }| scores))
}

/// Pairwise counts of the same resamples as [`bootstrap`] draws, one table each.
///
/// # Errors
/// [`BootstrapError::OneGroup`], [`BootstrapError::Cancelled`].
pub fn bootstrap_wins(
    votes: &Votes,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Vec<Wins>, BootstrapError> {
    let groups = votes.groups.len();
    if groups < 2 {
        return Err(BootstrapError::OneGroup);
    }
    let mut found = Vec::with_capacity(resamples);
    for resample in 0..resamples {
        progress.report(resample as u64, resamples as u64);
        progress.checkpoint()?;
        found.push(votes.wins(&votes.weights_of(&times(groups, seed, resample))));
    }
    Ok(found)
}

impl Bootstrap {
    /// Percentile interval of each score at `level` (0.95 for 95 %).
    pub fn intervals(&self, level: f64) -> Vec<[f64; 2]> {
        let models = self.scores.first().map_or(0, Vec::len);
        (0..models).map(|model| interval(self.scores.iter().map(|scores| scores[model]), level)).collect()
    }

    /// Interval of the difference between two scores.
    pub fn difference(&self, a: usize, b: usize, level: f64) -> [f64; 2] {
        interval(self.scores.iter().map(|scores| scores[a] - scores[b]), level)
    }

    /// The share of resamples in which each model has each rank, best first. Models with equal scores share their ranks.
    pub fn rank_probabilities(&self) -> Vec<Vec<f64>> {
        let models = self.scores.first().map_or(0, Vec::len);
        let mut shares = vec![vec![0.0; models]; models];
        for scores in &self.scores {
            for (model, share) in shares.iter_mut().enumerate() {
                let above = scores.iter().filter(|&&other| other > scores[model]).count();
                let same = scores.iter().filter(|&&other| other == scores[model]).count();
                (above..above + same).for_each(|rank| share[rank] += 1.0 / (same * self.scores.len()) as f64);
            }
        }
        shares
    }

    /// The share of resamples in which one score is above another; equal ones count half.
    pub fn above(&self, a: usize, b: usize) -> f64 {
        let of = |scores: &Vec<f64>| match scores[a].total_cmp(&scores[b]) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        self.scores.iter().map(of).sum::<f64>() / self.scores.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::ranking::votes::examples::rankings;

    #[test]
    fn the_seed_decides_and_ranks_sum_to_one() {
        let votes = rankings(&[("ABC", 9), ("ACB", 6), ("BAC", 5), ("CBA", 4)]);
        let found = bootstrap(Method::BradleyTerry, &votes, 200, 7, &Silent).unwrap();
        assert_eq!(found, bootstrap(Method::BradleyTerry, &votes, 200, 7, &Silent).unwrap());
        assert_ne!(found, bootstrap(Method::BradleyTerry, &votes, 200, 8, &Silent).unwrap());
        let ranks = found.rank_probabilities();
        for at in 0..3 {
            assert!((ranks[at].iter().sum::<f64>() - 1.0).abs() < 1e-9);
            assert!((ranks.iter().map(|row| row[at]).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert!((found.above(0, 1) + found.above(1, 0) - 1.0).abs() < 1e-12);
    }

    /// Borda of two models is a share of wins, whose standard error is known.
    #[test]
    fn intervals_of_a_share_are_those_of_the_binomial() {
        let votes = rankings(&[("AB", 250), ("BA", 150)]);
        let found = bootstrap(Method::Borda, &votes, 2000, 1, &Silent).unwrap();
        let [low, high] = found.intervals(0.95)[0];
        let error = 1.96 * (0.625f64 * 0.375 / 400.0).sqrt();
        assert!((low - (0.625 - error)).abs() < 0.006 && (high - (0.625 + error)).abs() < 0.006, "{low} {high}");
    }

    #[test]
    fn resamples_without_an_answer_are_counted() {
        let votes = rankings(&[("AB", 3), ("BA", 1)]);
        let found = bootstrap(Method::BradleyTerry, &votes, 500, 1, &Silent).unwrap();
        // (3/4)^4 of them never draw the second kind, (1/4)^4 never the first.
        assert!((found.failed as f64 / 500.0 - 0.32).abs() < 0.07, "{}", found.failed);
        let votes = rankings(&[("AB", 1)]);
        assert_eq!(bootstrap(Method::Borda, &votes, 5, 1, &Silent), Err(BootstrapError::OneGroup));
    }
}
