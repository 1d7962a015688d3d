//! Rows of judgements, and their counts: the fit's cost then does not depend on how many rows there are.

use std::collections::BTreeMap;

/// What a judge said of two responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Neither is better.
    Tie,
    /// The one shown first is better.
    First,
    /// The one shown second is better.
    Second,
}

/// One judgement; models are places in a list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The scenario, by its place in order of appearance.
    pub scenario: u32,
    /// Who judged.
    pub judge: u16,
    /// Whose response came first.
    pub first: u16,
    /// Whose came second.
    pub second: u16,
    /// What was chosen.
    pub choice: Choice,
}

/// What became of both orders of one pair.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Orders {
    /// Pairs that were judged in both orders with strict choices.
    pub pairs: u64,
    /// Of these, the same model was chosen in both.
    pub consistent: u64,
    /// Whichever came first was chosen in both.
    pub first: u64,
    /// Whichever came second was chosen in both.
    pub second: u64,
}

/// Makes ties of strict choices that contradict each other in the two orders of one pass (section 3.3): whichever came first
/// (or second) was chosen, which says nothing of the models. A single order, and a tie beside a strict choice, stay as they
/// are. Where one pair was judged several times, the first judgement of one order belongs to the first of the other, and so on.
pub fn reconcile(rows: &mut [Comparison]) -> Orders {
    let mut passes: BTreeMap<(u32, u16, u16, u16), [Vec<usize>; 2]> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let key = (row.scenario, row.judge, row.first.min(row.second), row.first.max(row.second));
        passes.entry(key).or_default()[usize::from(row.first > row.second)].push(place);
    }
    let mut orders = Orders::default();
    for [one, other] in passes.into_values() {
        for (a, b) in one.into_iter().zip(other) {
            if rows[a].choice == Choice::Tie || rows[b].choice == Choice::Tie {
                continue;
            }
            orders.pairs += 1;
            if rows[a].choice != rows[b].choice {
                orders.consistent += 1;
                continue;
            }
            if rows[a].choice == Choice::First {
                orders.first += 1;
            } else {
                orders.second += 1;
            }
            (rows[a].choice, rows[b].choice) = (Choice::Tie, Choice::Tie);
        }
    }
    orders
}

/// How often one judge chose what between two models in one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Who judged.
    pub judge: u16,
    /// Whose response came first.
    pub first: u16,
    /// Whose came second.
    pub second: u16,
    /// Ties, first, second.
    pub counts: [f64; 3],
}

impl Cell {
    /// All rows of the cell.
    pub fn rows(&self) -> f64 {
        self.counts.iter().sum()
    }
}

/// Counts of rows where row `r` counts `weights[r]` times, cells in the order of judge, first, second.
pub fn counted(rows: &[Comparison], weights: impl Fn(usize) -> f64) -> Vec<Cell> {
    let mut cells: BTreeMap<(u16, u16, u16), [f64; 3]> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let weight = weights(place);
        if weight > 0.0 {
            let counts = cells.entry((row.judge, row.first, row.second)).or_default();
            counts[row.choice as usize] += weight;
        }
    }
    cells.into_iter().map(|((judge, first, second), counts)| Cell { judge, first, second, counts }).collect()
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    fn row(first: u16, choice: Choice) -> Comparison {
        Comparison { scenario: 0, judge: 0, first, second: 1 - first, choice }
    }

    /// eigenbench.md, section 14, check 7.
    #[test]
    fn the_table_of_both_orders() {
        for (one, other, kept) in [
            (First, Second, (First, Second)),
            (Second, First, (Second, First)),
            (First, First, (Tie, Tie)),
            (Second, Second, (Tie, Tie)),
            (Tie, First, (Tie, First)),
            (Second, Tie, (Second, Tie)),
            (Tie, Tie, (Tie, Tie)),
        ] {
            let mut rows = [row(0, one), row(1, other)];
            reconcile(&mut rows);
            assert_eq!((rows[0].choice, rows[1].choice), kept);
        }
        let mut single = [row(0, First)];
        assert_eq!(reconcile(&mut single), Orders::default());
        assert_eq!(single[0].choice, First);
        // Two passes: four rows in, four rows out, the first of them contradicting itself.
        let mut passes = [row(0, First), row(1, First), row(0, First), row(1, Second)];
        let orders = reconcile(&mut passes);
        assert_eq!(passes.map(|row| row.choice), [Tie, Tie, First, Second]);
        assert_eq!(orders, Orders { pairs: 2, consistent: 1, first: 1, second: 0 });
    }
}
