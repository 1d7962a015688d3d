//! States of many chains at equal distances in time.

use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::space::Space;

/// Snapshots of chains, plain data. Chains may have different lengths; each has at least one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Snapshots {
    /// Sweep of the first snapshot of every chain; 0 where it is the start.
    pub first_sweep: u64,
    /// Sweeps between two snapshots, at least 1. A sweep is n single-site steps, n the number of free sites.
    pub every: u64,
    /// `[chain][snapshot]` states.
    pub chains: Vec<Vec<Vec<u32>>>,
}

impl Snapshots {
    /// Refuses what cannot be analysed: no chains, an empty chain, a state outside `space`.
    pub fn check(&self, model: &dyn Conditionals, space: &Space) -> Result<(), ConditionalsError> {
        let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
        if self.every == 0 {
            return invalid("the snapshots are 0 sweeps apart: record one every sweep or more".to_owned());
        }
        if self.chains.is_empty() {
            return invalid("there are no chains: run at least one before its trajectory is read".to_owned());
        }
        for (chain, states) in self.chains.iter().enumerate() {
            if states.is_empty() {
                return invalid(format!("chain {} has no snapshot: leave it out", chain + 1));
            }
            if let Some(at) = states.iter().position(|state| !space.holds(state)) {
                let text: Vec<String> = states[at].iter().map(|&token| model.text(token)).collect();
                return invalid(format!(
                    "snapshot {} of chain {} (\"{}\") is outside the space: read chains of one length, template and vocabulary",
                    at + 1,
                    chain + 1,
                    text.join(" ")
                ));
            }
        }
        Ok(())
    }

    /// Number of snapshots of all chains.
    pub fn len(&self) -> usize {
        self.chains.iter().map(Vec::len).sum()
    }

    /// Whether there is no snapshot.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sweep at which snapshot `k` of a chain was taken.
    pub fn sweep(&self, k: usize) -> u64 {
        self.first_sweep + k as u64 * self.every
    }

    /// All states, one chain after another: the order of every pooled list here.
    pub fn pooled(&self) -> Vec<&[u32]> {
        self.chains.iter().flatten().map(Vec::as_slice).collect()
    }

    /// Chain of each pooled state.
    pub fn chain_of(&self) -> Vec<usize> {
        self.chains.iter().enumerate().flat_map(|(chain, states)| vec![chain; states.len()]).collect()
    }

    /// Parts a pooled list by chains.
    pub fn by_chain<T: Clone>(&self, pooled: &[T]) -> Vec<Vec<T>> {
        let mut start = 0;
        self.chains
            .iter()
            .map(|states| {
                start += states.len();
                pooled[start - states.len()..start].to_vec()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn snapshots_are_pooled_and_parted() {
        let snapshots =
            Snapshots { first_sweep: 10, every: 5, chains: vec![vec![vec![0, 0], vec![0, 1]], vec![vec![1, 1]]] };
        assert_eq!((snapshots.len(), snapshots.sweep(2)), (3, 20));
        assert_eq!(snapshots.chain_of(), [0, 0, 1]);
        assert_eq!(snapshots.by_chain(&snapshots.pooled()), [vec![&[0, 0][..], &[0, 1]], vec![&[1, 1]]]);
    }

    #[test]
    fn bad_snapshots_are_named() {
        let toy = toys::parse("ising:n=2").unwrap();
        let space = Space::whole(toy.as_ref(), 2).unwrap();
        let problem = |every, chains: Vec<Vec<Vec<u32>>>| {
            Snapshots { first_sweep: 0, every, chains }.check(toy.as_ref(), &space).unwrap_err().to_string()
        };
        assert!(problem(0, vec![vec![vec![0, 0]]]).contains("0 sweeps apart"));
        assert!(problem(1, vec![]).contains("no chains"));
        assert!(problem(1, vec![vec![vec![0, 0]], vec![]]).contains("chain 2"));
        assert!(problem(1, vec![vec![vec![0, 0], vec![0, 1, 1]]]).contains("snapshot 2 of chain 1"));
    }
}
