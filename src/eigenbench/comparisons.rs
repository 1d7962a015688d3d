//! Rows of judgements, and their counts: the fit's cost then does not depend on how many rows there are.

use std::collections::BTreeMap;

/// What a judge said of two responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Neither is better.
    Tie,
    /// The one shown first is better.
    First,
    /// The one shown second is better.
    Second,
}

impl Choice {
    /// Of the figure that files use: 0 for a tie, 1 for the first, 2 for the second.
    pub fn of_figure(figure: u8) -> Option<Self> {
        [Self::Tie, Self::First, Self::Second].get(usize::from(figure)).copied()
    }

    /// 0, 1 or 2.
    pub fn figure(self) -> u8 {
        self as u8
    }

    /// The same choice where the two responses are shown the other way round.
    pub fn turned(self) -> Self {
        match self {
            Self::Tie => Self::Tie,
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// One judgement; models are places in a list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The scenario, by its place in order of appearance.
    pub scenario: u32,
    /// The criterion that was judged by; 0 where there is one alone.
    pub criterion: u16,
    /// Which of several looks of one judge at one pair under one scenario; both orders of a look share it.
    pub pass: u32,
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
