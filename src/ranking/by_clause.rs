//! Clause by clause: who wins where, which clauses tell models apart, and which models do alike everywhere (dempo.md,
//! section 6).

use super::verdicts::{Cluster, Verdicts};
use super::votes::Wins;
use crate::statistics::{quantile, sorted};

/// One clause.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ClauseShares {
    /// Place in [`Verdicts::clauses`].
    pub clause: u32,
    /// Questions with a verdict.
    pub questions: u64,
    /// Comparisons of two models; a ranking is one for each of its pairs.
    pub comparisons: f64,
    /// Each model's share of all comparisons that were won, ties counting half; the shares sum to 1.
    pub shares: Vec<f64>,
    /// How little the clause tells models apart: entropy of the shares over the logarithm of the number of models. 1 where
    /// all win as often. Rankings that are all the same give [`least_difficulty`].
    pub difficulty: f64,
}

/// Clauses with a comparison, in their order.
pub fn clause_shares(verdicts: &Verdicts) -> Vec<ClauseShares> {
    let votes = verdicts.votes(Cluster::Clause);
    let mut questions = vec![0u64; verdicts.clauses.len()];
    let mut judged = vec![false; verdicts.questions.len()];
    verdicts.verdicts.iter().for_each(|verdict| judged[verdict.question as usize] = true);
    for (place, _) in verdicts.questions.iter().zip(&judged).filter(|(_, judged)| **judged) {
        questions[place.clause as usize] += 1;
    }
    // Groups are the clauses that have a question with a verdict, in order.
    let clauses = (0..).zip(&questions).filter(|(_, questions)| **questions > 0);
    let mut found = Vec::new();
    for (group, (clause, &questions)) in votes.groups.iter().zip(clauses) {
        let wins = votes.wins_of(group);
        let Some(shares) = shares(&wins) else { continue };
        let comparisons = won(&wins).iter().sum();
        found.push(ClauseShares { clause, questions, comparisons, difficulty: entropy(&shares), shares });
    }
    found
}

/// Comparisons that each model won.
fn won(wins: &Wins) -> Vec<f64> {
    let models = wins.models();
    (0..models).map(|a| (0..models).filter(|b| *b != a).map(|b| wins.of(a, b)).sum()).collect()
}

/// Each model's share of the comparisons that were won; `None` without any.
pub fn shares(wins: &Wins) -> Option<Vec<f64>> {
    let won = won(wins);
    let all: f64 = won.iter().sum();
    (all > 0.0).then(|| won.iter().map(|won| won / all).collect())
}

/// Entropy over its largest value; 1 for a single model.
fn entropy(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
    if shares.len() < 2 { 1.0 } else { sum / (shares.len() as f64).ln() }
}

/// The difficulty of a clause on which every ranking of so many models is the same: the best wins `models - 1` comparisons of
/// each ranking, the next one less, and so on.
pub fn least_difficulty(models: usize) -> f64 {
    let all = (models * models.saturating_sub(1)) as f64 / 2.0;
    entropy(&(0..models).map(|place| place as f64 / all.max(1.0)).collect::<Vec<f64>>())
}

/// Spread of a model's shares over clauses: a narrow one does alike whatever the clause asks.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Consistency {
    /// Place in [`Verdicts::models`].
    pub model: usize,
    /// Least, lower quartile, median, upper quartile and largest share.
    pub five: [f64; 5],
    /// Clause of the least share, and of the largest.
    pub extremes: [u32; 2],
}

/// One row a model; empty without clauses.
pub fn consistency(clauses: &[ClauseShares]) -> Vec<Consistency> {
    let models = clauses.first().map_or(0, |clause| clause.shares.len());
    let of = |model: usize| {
        let values: Vec<f64> = clauses.iter().map(|clause| clause.shares[model]).collect();
        let ordered = sorted(&values);
        let five = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&ordered, p));
        let first =
            |value: f64| clauses.iter().find(|clause| clause.shares[model] == value).map_or(0, |found| found.clause);
        Consistency { model, five, extremes: [first(five[0]), first(five[4])] }
    };
    (0..models).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::examples::{relabelled, verdicts};

    fn example() -> Verdicts {
        let mut all = verdicts(
            "ABC",
            &[
                (0, 0, 0, "ABC", "ABC"),
                (0, 0, 1, "ABC", "ABC"),
                (1, 0, 0, "ABC", "CBA"),
                (2, 0, 0, "ABC", "ABC"),
                (3, 0, 0, "AB", "A=B"),
            ],
        );
        all.clauses = ["one", "unasked", "three"].map(str::to_owned).to_vec();
        for (question, clause) in [(0, 0), (1, 2), (2, 2), (3, 2)] {
            all.questions[question].clause = clause;
        }
        all
    }

    #[test]
    fn shares_sum_to_one_in_each_clause() {
        let found = clause_shares(&example());
        assert_eq!(found.iter().map(|row| (row.clause, row.questions)).collect::<Vec<_>>(), [(0, 1), (2, 3)]);
        // Twice ABC: A wins 4 of 6, B 2. Then ABC, CBA and a tie of A and B: 2.5, 2.5 and 2 of 7.
        let close = |found: &[f64], known: [f64; 3]| found.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&found[0].shares, [2.0 / 3.0, 1.0 / 3.0, 0.0]));
        assert!(close(&found[1].shares, [2.5 / 7.0, 2.5 / 7.0, 2.0 / 7.0]));
        assert_eq!((found[0].comparisons, found[1].comparisons), (6.0, 7.0));
        // All rankings alike: as easy as can be.
        assert!((found[0].difficulty - least_difficulty(3)).abs() < 1e-12);
        let thirds = (2.0f64 / 3.0 * 1.5f64.ln() + 3f64.ln() / 3.0) / 3f64.ln();
        assert!((found[0].difficulty - thirds).abs() < 1e-12);
        assert!(found[1].difficulty > 0.99 && found[1].difficulty < 1.0);
    }

    #[test]
    fn consistency_is_the_spread_over_clauses() {
        let clauses: Vec<ClauseShares> = [0.1, 0.5, 0.2, 0.4, 0.3]
            .iter()
            .zip(0..)
            .map(|(&a, clause)| ClauseShares {
                clause,
                questions: 1,
                comparisons: 10.0,
                shares: vec![a, 1.0 - a],
                difficulty: 1.0,
            })
            .collect();
        let found = consistency(&clauses);
        assert_eq!(found[0].five, [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(found[0].extremes, [0, 1]);
        assert_eq!(found[1].extremes, [1, 0]);
        assert!(consistency(&[]).is_empty());
    }

    #[test]
    fn models_by_other_places_have_the_same_shares() {
        let all = example();
        let turned = relabelled(&all, &[1, 2, 0]);
        for (a, b) in clause_shares(&all).iter().zip(clause_shares(&turned)) {
            assert_eq!(b.shares, [a.shares[2], a.shares[0], a.shares[1]]);
            assert!((a.difficulty - b.difficulty).abs() < 1e-12);
        }
    }
}
