//! Numbers read off each snapshot.

use std::collections::HashMap;

use super::{Embedded, Snapshots};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask};
use crate::glauber::space::Space;
use crate::progress::Progress;
use crate::statistics::log_sum_exp;

/// What one snapshot shows.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotObservables {
    /// Sweeps since the chain began; times n for single-site steps.
    pub sweep: u64,
    /// Free sites that differ from the chain's first snapshot.
    pub hamming_to_start: usize,
    /// Cosine of the embeddings of this and the first snapshot, in [-1, 1].
    pub cosine_to_start: f64,
    /// Share of free sites that differ from the snapshot before, per sweep; `None` at the first snapshot.
    ///
    /// Net changes: with more than one sweep between snapshots a lower bound of the edit rate of single sweeps.
    pub edit_rate: Option<f64>,
    /// Different tokens over free sites, in (0, 1]; low where the chain repeats itself.
    pub distinct_token_share: f64,
    /// Sites (of the whole state) that differ from the snapshot before.
    pub changed: Vec<usize>,
    /// `sum_i log p_i(x_i | x_-i)` over free sites at tau = 1 over the allowed tokens, nats; `None` where not asked for.
    pub pseudo_log_likelihood: Option<f64>,
}

/// Observables `[chain][snapshot]`; `pseudo_log_likelihoods` are pooled, in the order of [`Snapshots::pooled`].
pub fn observables(
    snapshots: &Snapshots,
    space: &Space,
    embedded: &Embedded,
    pseudo_log_likelihoods: Option<&[f64]>,
) -> Vec<Vec<SnapshotObservables>> {
    let n = space.free().len() as f64;
    let mut pooled = 0;
    let mut all = Vec::with_capacity(snapshots.chains.len());
    for states in &snapshots.chains {
        let start = pooled;
        let chain = states.iter().enumerate().map(|(k, state)| {
            let before = k.checked_sub(1).map(|k| &states[k]);
            let changed: Vec<usize> = before.map_or_else(Vec::new, |before| {
                space.free().iter().copied().filter(|&site| before[site] != state[site]).collect()
            });
            let mut tokens: Vec<u32> = space.free().iter().map(|&site| state[site]).collect();
            tokens.sort_unstable();
            tokens.dedup();
            SnapshotObservables {
                sweep: snapshots.sweep(k),
                hamming_to_start: space.hamming(&states[0], state),
                cosine_to_start: embedded.cosine(start, start + k),
                edit_rate: before.map(|_| changed.len() as f64 / n / snapshots.every as f64),
                distinct_token_share: tokens.len() as f64 / n,
                changed,
                pseudo_log_likelihood: pseudo_log_likelihoods.map(|values| values[start + k]),
            }
        });
        all.push(chain.collect());
        pooled += states.len();
    }
    all
}

/// `sum_i log p_i(x_i | x_-i)` of each state over the free sites at tau = 1, softmax over the allowed tokens, nats.
///
/// n rows for each different state, `batch_rows` per call.
pub fn pseudo_log_likelihoods(
    model: &dyn Conditionals,
    space: &Space,
    states: &[&[u32]],
    precision: Precision,
    batch_rows: usize,
    progress: &dyn Progress,
) -> Result<Vec<f64>, ConditionalsError> {
    let mut known: HashMap<&[u32], usize> = HashMap::with_capacity(states.len());
    let mut distinct: Vec<&[u32]> = Vec::new();
    for &state in states {
        known.entry(state).or_insert_with(|| {
            distinct.push(state);
            distinct.len() - 1
        });
    }
    progress.stage("pseudo-log-likelihoods");
    let rows: Vec<(usize, Row<'_>)> = distinct
        .iter()
        .enumerate()
        .flat_map(|(k, &state)| space.free().iter().map(move |&position| (k, Row { state, position })))
        .collect();
    let mut values = vec![0.0; distinct.len()];
    let mut done = 0;
    for batch in rows.chunks(batch_rows.max(1)) {
        progress.checkpoint()?;
        let asked: Vec<Row<'_>> = batch.iter().map(|&(_, row)| row).collect();
        let logits = ask(model, &asked, precision)?;
        for (line, &(k, row)) in batch.iter().enumerate() {
            let logit = |token: u32| logits.row(line)[token as usize];
            let normaliser = log_sum_exp(space.allowed().iter().map(|&token| logit(token)));
            values[k] += logit(row.state[row.position]) - normaliser;
        }
        done += batch.len();
        progress.report(done as u64, rows.len() as u64);
    }
    Ok(states.iter().map(|state| values[known[state]]).collect())
}

#[cfg(test)]
mod tests {
    use super::super::OneHot;
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn a_short_chain_by_hand() {
        let toy = toys::parse("potts:n=4,q=3").unwrap();
        let space = Space::new(toy.as_ref(), vec![2, 0, 0, 0], &[0], vec![0, 1, 2]).unwrap();
        let states = [[2, 0, 0, 1], [2, 1, 0, 1], [2, 0, 1, 2]].map(|s| s.to_vec());
        let snapshots = Snapshots { first_sweep: 0, every: 2, chains: vec![states.to_vec()] };
        let one_hot = OneHot { sites: 4, vocabulary: 3 };
        let embedded = Embedded::new(&one_hot, &snapshots.pooled(), false, &Silent).unwrap();
        let found = observables(&snapshots, &space, &embedded, None);
        let [first, second, third] = &found[0][..] else { panic!("three snapshots") };
        assert_eq!((first.hamming_to_start, first.edit_rate, first.cosine_to_start), (0, None, 1.0));
        assert!(first.changed.is_empty() && (first.distinct_token_share - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!((second.sweep, second.hamming_to_start, second.changed.as_slice()), (2, 1, &[1][..]));
        assert!((second.edit_rate.unwrap() - 1.0 / 6.0).abs() < 1e-15, "one of three sites in two sweeps");
        assert!((second.cosine_to_start - 0.75).abs() < 1e-6, "three of four sites agree");
        assert_eq!((third.hamming_to_start, third.changed.as_slice()), (2, &[1, 2, 3][..]));
        assert_eq!(third.distinct_token_share, 1.0);
    }

    #[test]
    fn pseudo_log_likelihoods_of_the_pair() {
        let toy = toys::parse("table-pair").unwrap();
        let space = Space::whole(toy.as_ref(), 2).unwrap();
        let states: [&[u32]; 3] = [&[0, 0], &[0, 1], &[0, 0]];
        for batch in [1, 3, 100] {
            let found = pseudo_log_likelihoods(toy.as_ref(), &space, &states, Precision::F64, batch, &Silent).unwrap();
            for (value, known) in found.iter().zip([0.99f64 * 0.5, 0.01 * 0.5, 0.99 * 0.5]) {
                assert!((value - known.ln()).abs() < 1e-12);
            }
        }
    }
}
