//! Transitions counted at a lag, chain by chain, and the sets between which they lead both ways.

use std::collections::BTreeMap;

use crate::statistics::Stream;

/// Sliding-window transition counts of each chain, kept apart so that whole chains can be resampled.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionCounts {
    states: usize,
    lag: usize,
    /// Of each chain: from, to, how often; ascending.
    chains: Vec<Vec<(usize, usize, u64)>>,
}

impl TransitionCounts {
    /// Counts label pairs `lag` steps apart. Labels are below `states`; a pair with a missing label is left out.
    pub fn new(paths: &[Vec<Option<usize>>], states: usize, lag: usize) -> Self {
        let count = |path: &Vec<Option<usize>>| {
            let mut pairs: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for (from, to) in path.iter().zip(path.iter().skip(lag.max(1))) {
                if let (Some(from), Some(to)) = (from, to) {
                    *pairs.entry((*from, *to)).or_default() += 1;
                }
            }
            pairs.into_iter().map(|((from, to), count)| (from, to, count)).collect()
        };
        Self { states, lag: lag.max(1), chains: paths.iter().map(count).collect() }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Steps of the path between the ends of a transition.
    pub fn lag(&self) -> usize {
        self.lag
    }

    /// Number of chains.
    pub fn chains(&self) -> usize {
        self.chains.len()
    }

    /// All chains together, row-major `[states, states]`.
    pub fn total(&self) -> Vec<u64> {
        self.sum(0..self.chains.len())
    }

    /// As many chains drawn with replacement, row-major `[states, states]`.
    pub fn resample(&self, stream: &mut Stream) -> Vec<u64> {
        let n = self.chains.len();
        self.sum((0..n).map(|_| stream.below(n as u64) as usize))
    }

    fn sum(&self, chains: impl Iterator<Item = usize>) -> Vec<u64> {
        let mut counts = vec![0; self.states * self.states];
        for chain in chains {
            for &(from, to, count) in &self.chains[chain] {
                counts[from * self.states + to] += count;
            }
        }
        counts
    }
}

/// The strongly connected set with most transitions inside, ascending; of equals the one with the lowest state.
///
/// `None` where no transition has both ends in one set.
pub(super) fn connected_set(counts: &[u64], states: usize) -> Option<Vec<usize>> {
    let component = components(counts, states);
    let mut inside = vec![0u64; states];
    for i in 0..states {
        for j in 0..states {
            if component[i] == component[j] {
                inside[component[i]] += counts[i * states + j];
            }
        }
    }
    let mut best: Option<usize> = None;
    for &set in &component {
        if inside[set] > best.map_or(0, |best| inside[best]) {
            best = Some(set);
        }
    }
    best.map(|best| (0..states).filter(|&i| component[i] == best).collect())
}

/// Number of the strongly connected component of each state (Tarjan 1972, with its own stack instead of recursion).
fn components(counts: &[u64], states: usize) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut order = vec![NONE; states];
    let mut low = vec![0; states];
    let mut component = vec![NONE; states];
    let (mut next, mut sets) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    for root in 0..states {
        if order[root] != NONE {
            continue;
        }
        let mut calls = vec![(root, 0usize)];
        order[root] = next;
        low[root] = next;
        next += 1;
        open.push(root);
        while let Some((state, edge)) = calls.last_mut() {
            let state = *state;
            if *edge < states {
                let to = *edge;
                *edge += 1;
                if counts[state * states + to] == 0 {
                    continue;
                }
                if order[to] == NONE {
                    order[to] = next;
                    low[to] = next;
                    next += 1;
                    open.push(to);
                    calls.push((to, 0));
                } else if component[to] == NONE {
                    low[state] = low[state].min(order[to]);
                }
                continue;
            }
            calls.pop();
            if let Some(&(parent, _)) = calls.last() {
                low[parent] = low[parent].min(low[state]);
            }
            if low[state] == order[state] {
                while let Some(member) = open.pop() {
                    component[member] = sets;
                    if member == state {
                        break;
                    }
                }
                sets += 1;
            }
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_counted_within_chains() {
        let path = |labels: &[usize]| labels.iter().map(|&l| Some(l)).collect::<Vec<_>>();
        let paths = [path(&[0, 1, 0, 1]), vec![Some(1), None, Some(1), Some(1)]];
        assert_eq!(TransitionCounts::new(&paths, 2, 1).total(), [0, 2, 1, 1]);
        assert_eq!(TransitionCounts::new(&paths, 2, 2).total(), [1, 0, 0, 2]);
        assert_eq!(TransitionCounts::new(&paths, 2, 9).total(), [0; 4]);
    }

    #[test]
    fn the_most_travelled_set_is_taken() {
        // 0 <-> 1 five times, 2 <-> 3 once, 1 -> 2 once.
        let mut counts = vec![0u64; 16];
        for (from, to, count) in [(0, 1, 5), (1, 0, 5), (2, 3, 1), (3, 2, 1), (1, 2, 1)] {
            counts[from * 4 + to] = count;
        }
        assert_eq!(connected_set(&counts, 4), Some(vec![0, 1]));
        counts[3 * 4] = 1;
        assert_eq!(connected_set(&counts, 4), Some(vec![0, 1, 2, 3]));
    }

    proptest! {
        #[test]
        fn components_are_mutual_reachability(edges in proptest::collection::vec((0usize..7, 0usize..7), 0..20)) {
            let mut counts = vec![0u64; 49];
            edges.iter().for_each(|&(i, j)| counts[i * 7 + j] = 1);
            let mut reach = [[false; 7]; 7];
            (0..7).for_each(|i| reach[i][i] = true);
            edges.iter().for_each(|&(i, j)| reach[i][j] = true);
            for k in 0..7 { for i in 0..7 { for j in 0..7 {
                reach[i][j] |= reach[i][k] && reach[k][j];
            } } }
            let component = components(&counts, 7);
            for i in 0..7 { for j in 0..7 {
                prop_assert_eq!(component[i] == component[j], reach[i][j] && reach[j][i]);
            } }
        }
    }
}
