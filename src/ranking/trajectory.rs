//! How shares of wins settle as questions accumulate (dempo.md, section 6).

use super::by_clause::shares;
use super::votes::Votes;

/// After some of the questions.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Settling {
    /// Groups so far.
    pub groups: usize,
    /// Each model's share of all comparisons that were won so far.
    pub shares: Vec<f64>,
}

/// Shares after the first groups of `votes` in their order, at no more than `points` numbers of groups that are evenly spread
/// and end with all of them.
pub fn trajectory(votes: &Votes, points: usize) -> Vec<Settling> {
    let groups = votes.groups.len();
    let points = points.min(groups);
    let mut weights = vec![0.0; votes.ballots.len()];
    let mut seen = 0;
    let mut found = Vec::with_capacity(points);
    for point in 1..=points {
        let until = groups * point / points;
        for group in &votes.groups[seen..until] {
            group.cast.iter().for_each(|&(ballot, times)| weights[ballot as usize] += f64::from(times));
        }
        seen = until;
        found.extend(shares(&votes.wins(&weights)).map(|shares| Settling { groups: until, shares }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::Cluster;
    use crate::ranking::verdicts::examples::{drawn, verdicts};

    #[test]
    fn shares_after_each_question() {
        let all = verdicts(
            "AB",
            &[(0, 0, 0, "AB", "AB"), (1, 0, 0, "AB", "BA"), (2, 0, 0, "AB", "A=B"), (3, 0, 0, "AB", "AB")],
        );
        let found = trajectory(&all.votes(Cluster::Question), 10);
        let of_a: Vec<(usize, f64)> = found.iter().map(|point| (point.groups, point.shares[0])).collect();
        assert_eq!(of_a, [(1, 1.0), (2, 0.5), (3, 0.5), (4, 0.625)]);
    }

    #[test]
    fn the_last_point_is_everything() {
        let votes = drawn(&[0.5, 0.0, -0.5], 100, 2, 0.0, 1).votes(Cluster::Question);
        let found = trajectory(&votes, 7);
        assert_eq!(found.len(), 7);
        let last = found.last().unwrap();
        assert_eq!((last.groups, Some(last.shares.clone())), (100, shares(&votes.wins(&votes.weights()))));
    }
}
