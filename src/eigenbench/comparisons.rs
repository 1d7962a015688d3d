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
