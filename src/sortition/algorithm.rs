//! The rules by which a panel can be drawn, by name.

use std::fmt;
use std::str::FromStr;

/// A rule for drawing panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// The lowest chance as high as possible, then the next, and so on (Flanigan et al., Nature 2021).
    Leximin,
    /// The lowest chance as high as possible, the others as they fall.
    Maximin,
    /// The product of all chances as high as possible.
    Nash,
    /// Neither very low nor very high chances (Baharav and Flanigan 2024).
    Goldilocks,
    /// Greedy by the scarcest value; its chances are only known by trying.
    Legacy,
    /// Every panel that meets the quotas with the same probability.
    Uniform,
    /// A simple random sample, drawn again until it meets the quotas by chance.
    Random,
}

impl Algorithm {
    /// All of them, the recommended one first.
    pub const ALL: [Self; 7] =
        [Self::Leximin, Self::Maximin, Self::Nash, Self::Goldilocks, Self::Legacy, Self::Uniform, Self::Random];

    /// As typed on the command line and stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leximin => "leximin",
            Self::Maximin => "maximin",
            Self::Nash => "nash",
            Self::Goldilocks => "goldilocks",
            Self::Legacy => "legacy",
            Self::Uniform => "uniform",
            Self::Random => "random",
        }
    }

    /// Whether its chances are estimated from draws rather than computed.
    pub fn is_sampled(self) -> bool {
        matches!(self, Self::Legacy | Self::Uniform | Self::Random)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|algorithm| algorithm.name()).collect();
            format!("{text:?} is no algorithm: choose one of {}", names.join(", "))
        })
    }
}
