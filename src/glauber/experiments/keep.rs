//! Which pairs of a diagram keep the token of every step.

use std::fmt;
use std::str::FromStr;

/// Bytes that a run's tokens may take under [`KeepTokens::Budgeted`]: each cell has an equal share.
pub const TOKEN_BUDGET: u64 = 500_000_000;

/// Which pairs of a cell keep the token of every step of both chains, until they meet or the cap. They are always the
/// first ones of the cell, so that a number says which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepTokens {
    /// As many as are sure to fit the cell's share of [`TOKEN_BUDGET`], even if those still running never meet.
    #[default]
    Budgeted,
    /// All, whatever they take.
    All,
    /// So many of each cell.
    First(u64),
    None,
}

impl KeepTokens {
    /// What runs did before they could choose.
    pub(super) fn nothing() -> Self {
        Self::None
    }

    /// The number below which pairs of a cell are kept, at a moment when all its pairs so far have ended and all were
    /// kept (`used` bytes). `cells` share the budget; a pair takes `most` bytes at most.
    pub fn below(self, pairs: u64, used: u64, most: u64, cells: u64) -> u64 {
        match self {
            Self::Budgeted => pairs + (TOKEN_BUDGET / cells.max(1)).saturating_sub(used) / most.max(1),
            Self::All => u64::MAX,
            Self::First(count) => count,
            Self::None => 0,
        }
    }

    /// Most bytes that a run of `pairs` pairs in each cell keeps; `cells` are the most bytes of a pair of each.
    pub fn most_bytes(self, pairs: u64, cells: &[u64]) -> u64 {
        let all = |pairs: u64| cells.iter().fold(0u64, |sum, &most| sum.saturating_add(most.saturating_mul(pairs)));
        match self {
            Self::Budgeted => all(pairs).min(TOKEN_BUDGET),
            Self::All => all(pairs),
            Self::First(count) => all(pairs.min(count)),
            Self::None => 0,
        }
    }
}

impl fmt::Display for KeepTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budgeted => f.write_str("budgeted"),
            Self::All => f.write_str("all"),
            Self::First(count) => write!(f, "first:{count}"),
            Self::None => f.write_str("none"),
        }
    }
}

impl FromStr for KeepTokens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "budgeted" => Ok(Self::Budgeted),
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            other => {
                let count = other.strip_prefix("first:").and_then(|count| count.parse().ok());
                count.map(Self::First).ok_or_else(|| {
                    format!("{other:?} says not which tokens to keep: use budgeted, all, first:8 or none")
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_exceeded() {
        // 50 cells have 10 MB each: eight pairs of 1.2 MB, and more where earlier ones met before the cap.
        let (cells, most) = (50, 1_200_000);
        assert_eq!(KeepTokens::Budgeted.below(0, 0, most, cells), 8);
        assert_eq!(KeepTokens::Budgeted.below(4, most, most, cells), 11, "four met early");
        assert_eq!(KeepTokens::Budgeted.below(8, 8 * most, most, cells), 8);
        assert_eq!(KeepTokens::Budgeted.below(0, 0, u64::MAX, cells), 0, "one that may not fit is not begun");
        assert_eq!(KeepTokens::Budgeted.most_bytes(1000, &[most; 50]), TOKEN_BUDGET);
        assert_eq!(KeepTokens::First(2).most_bytes(1000, &[most, 5]), 2 * (most + 5));
        // The diagram of 1,000 cells of 64 sites, 64 pairs, 30 sweeps, 2 bytes a token: 492 MB if no pair ever met.
        let pair = 2 * 2 * 30 * 64;
        assert_eq!(KeepTokens::Budgeted.most_bytes(64, &[pair; 1000]), 491_520_000);
    }

    #[test]
    fn choices_are_written_as_they_are_read() {
        for keep in [KeepTokens::Budgeted, KeepTokens::All, KeepTokens::First(8), KeepTokens::None] {
            assert_eq!(keep.to_string().parse(), Ok(keep));
            let json = serde_json::to_string(&keep).unwrap();
            assert_eq!(serde_json::from_str::<KeepTokens>(&json).unwrap(), keep);
        }
        assert!("first:many".parse::<KeepTokens>().unwrap_err().contains("first:8"));
    }
}
