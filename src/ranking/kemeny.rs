//! Kemeny: the order that most pairwise votes agree with, exactly, by dynamic programming over sets (dempo.md, section 6.1).

use super::aggregation::{Aggregation, RankError};
use super::votes::Wins;

/// Models up to which the order is found; the time doubles with each.
pub const MOST_MODELS: usize = 20;
/// Votes that count as equal.
const SAME: f64 = 1e-9;

/// The order that agrees with most votes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Consensus {
    /// Models as places, best first. Of several best orders the one that puts the models named first highest.
    pub order: Vec<usize>,
    /// Votes that agree with it.
    pub agreeing: f64,
    /// Orders that as many votes agree with.
    pub orders: f64,
}

/// The consensus; each model's score is how many it leaves below.
///
/// # Errors
/// [`RankError::TooMany`] beyond [`MOST_MODELS`].
pub fn kemeny(wins: &Wins) -> Result<Aggregation, RankError> {
    let consensus = consensus(wins)?;
    let mut scores = vec![0.0; wins.models()];
    for (place, &model) in consensus.order.iter().enumerate() {
        scores[model] = (wins.models() - 1 - place) as f64;
    }
    Ok(Aggregation { consensus: Some(consensus), ..Aggregation::of(scores) })
}

/// The best order.
///
/// # Errors
/// [`RankError::TooMany`] beyond [`MOST_MODELS`].
pub(super) fn consensus(wins: &Wins) -> Result<Consensus, RankError> {
    let models = wins.models();
    if models > MOST_MODELS {
        return Err(RankError::TooMany { models });
    }
    // For every set of models that fill the last places: votes that agree with its best order, and how many orders are best.
    let sets = 1usize << models;
    let mut best = vec![0.0; sets];
    let mut orders = vec![1.0; sets];
    for set in 1..sets {
        let (mut most, mut ways) = (f64::NEG_INFINITY, 0.0);
        for first in members(set) {
            let (agreeing, own) = (led_by(wins, &best, set, first), orders[set & !(1 << first)]);
            if agreeing > most + SAME {
                (most, ways) = (agreeing, own);
            } else if agreeing > most - SAME {
                ways += own;
            }
        }
        (best[set], orders[set]) = (most, ways);
    }
    let mut order = Vec::with_capacity(models);
    let mut set = sets - 1;
    while set != 0 {
        let leads = |first: &usize| led_by(wins, &best, set, *first) > best[set] - SAME;
        let first = members(set).find(leads).ok_or(RankError::NoMaximum)?;
        order.push(first);
        set &= !(1 << first);
    }
    Ok(Consensus { order, agreeing: best[sets - 1], orders: orders[sets - 1] })
}

fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |model| set >> model & 1 == 1)
}

/// Votes that agree where `first` leads a set and the others follow as well as they can.
fn led_by(wins: &Wins, best: &[f64], set: usize, first: usize) -> f64 {
    let rest = set & !(1 << first);
    best[rest] + members(rest).map(|below| wins.of(first, below)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn orders(models: usize) -> Vec<Vec<usize>> {
        if models == 0 {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for order in orders(models - 1) {
            for place in 0..models {
                let mut longer = order.clone();
                longer.insert(place, models - 1);
                all.push(longer);
            }
        }
        all
    }

    proptest! {
        /// The best of all orders, and as many as there are.
        #[test]
        fn no_order_agrees_with_more_votes(counts in proptest::collection::vec(0u8..6, 25)) {
            let rows: Vec<Vec<f64>> = counts.chunks(5).map(|row| row.iter().map(|&count| f64::from(count)).collect()).collect();
            let wins = Wins::of_table(&rows);
            let found = consensus(&wins).unwrap();
            let agreeing = |order: &Vec<usize>| -> f64 {
                (0..5).flat_map(|place| order[place + 1..].iter().map(move |&below| (order[place], below)))
                    .map(|(above, below)| wins.of(above, below)).sum()
            };
            let all: Vec<f64> = orders(5).iter().map(agreeing).collect();
            let most = all.iter().copied().fold(0.0, f64::max);
            prop_assert_eq!(found.agreeing, most);
            prop_assert_eq!(agreeing(&found.order), most);
            prop_assert_eq!(found.orders, all.iter().filter(|&&votes| votes == most).count() as f64);
        }
    }
}
