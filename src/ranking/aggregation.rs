//! The methods behind one door, and why one may have no answer.

use std::str::FromStr;

use super::kemeny::Consensus;
use super::mallows::Dispersion;
use super::votes::{Votes, Wins};
use super::{borda, bradley_terry, copeland, kemeny, mallows, plackett_luce};

/// A way from votes to scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Log abilities behind pairwise odds.
    BradleyTerry,
    /// Log abilities behind repeated choices.
    PlackettLuce,
    /// Models below on average.
    Borda,
    /// Opponents beaten less opponents lost to.
    Copeland,
    /// Votes won less votes lost.
    CopelandNet,
    /// The order that most votes agree with.
    Kemeny,
    /// Rankings scattered around one order.
    Mallows,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::BradleyTerry,
        Self::PlackettLuce,
        Self::Borda,
        Self::Copeland,
        Self::CopelandNet,
        Self::Kemeny,
        Self::Mallows,
    ];

    /// As typed on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BradleyTerry => "bradley-terry",
            Self::PlackettLuce => "plackett-luce",
            Self::Borda => "borda",
            Self::Copeland => "copeland",
            Self::CopelandNet => "copeland-net",
            Self::Kemeny => "kemeny",
            Self::Mallows => "mallows",
        }
    }

    /// Whether scores are log abilities, whose differences are log odds.
    pub fn log_abilities(self) -> bool {
        matches!(self, Self::BradleyTerry | Self::PlackettLuce)
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|method| method.name()).collect();
            format!("{text:?} is no method: choose one of {}", names.join(", "))
        })
    }
}

/// What a method makes of votes.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Aggregation {
    /// One score a model; more is better.
    pub scores: Vec<f64>,
    /// Of a law of votes, at its maximum.
    pub log_likelihood: Option<f64>,
    /// Of Kemeny and Mallows.
    pub consensus: Option<Consensus>,
    /// Of Mallows.
    pub dispersion: Option<Dispersion>,
}

impl Aggregation {
    pub(super) fn of(scores: Vec<f64>) -> Self {
        Self { scores, ..Self::default() }
    }
}

/// Why votes have no scores by a method. Models are places in [`Votes::models`]; [`RankError::words`] names them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RankError {
    /// Fewer than two models.
    #[error("there are fewer than two models to rank")]
    TooFew,
    /// Exact Kemeny would take too long.
    #[error("{models} models are too many for the exact Kemeny order (at most {most})", most = kemeny::MOST_MODELS)]
    TooMany { models: usize },
    /// Some models never lost to the others, or never met them.
    #[error("some models never lost to the others")]
    Separated { above: Vec<usize>, below: Vec<usize> },
    /// Two models were never compared.
    #[error("two models were never compared")]
    NeverMet { a: usize, b: usize },
    /// A tie where the method knows none.
    #[error("Plackett-Luce knows no ties")]
    Ties { a: usize, b: usize },
    /// A ballot ranks some of the models only.
    #[error("a ballot ranks {seated} of {models} models, and Mallows needs all of them")]
    Incomplete { seated: usize, models: usize },
    /// All rankings are the same.
    #[error("all rankings are the same, so that their dispersion has no estimate")]
    Unanimous,
    /// The search for the maximum ended without one.
    #[error("the likelihood has no maximum that could be reached")]
    NoMaximum,
}

impl RankError {
    /// The reason with the names of the models and a way out.
    pub fn words(&self, models: &[String]) -> String {
        let names =
            |places: &[usize]| places.iter().map(|&place| models[place].as_str()).collect::<Vec<_>>().join(", ");
        match self {
            Self::Separated { above, below } => format!(
                "{} never lost to {} (or never met them), so that no finite abilities fit: add comparisons between the two \
                 groups, leave one out, or use borda, copeland or kemeny",
                names(above),
                names(below)
            ),
            Self::NeverMet { a, b } => format!(
                "{} and {} were never compared: add such comparisons or use bradley-terry, which needs no direct ones",
                models[*a], models[*b]
            ),
            Self::Ties { a, b } => format!(
                "{} and {} are tied on a ballot, and Plackett-Luce knows no ties: use bradley-terry, where a tie is half a win",
                models[*a], models[*b]
            ),
            Self::Incomplete { .. } => format!("{self}: use plackett-luce or bradley-terry for such ballots"),
            Self::TooMany { .. } => format!("{self}: use borda or copeland, or leave some out"),
            Self::Unanimous => format!("{self}: the other methods have answers"),
            Self::TooFew | Self::NoMaximum => self.to_string(),
        }
    }
}

/// Scores by `method` of ballots cast with these `weights`.
///
/// # Errors
/// As each method says.
pub fn aggregate(method: Method, votes: &Votes, weights: &[f64]) -> Result<Aggregation, RankError> {
    if votes.models.len() < 2 {
        return Err(RankError::TooFew);
    }
    match method {
        Method::PlackettLuce => plackett_luce::plackett_luce(votes, weights),
        Method::Mallows => mallows::mallows(votes, weights),
        Method::BradleyTerry => bradley_terry::bradley_terry(&votes.wins(weights)),
        Method::Borda => borda::borda(&votes.wins(weights)),
        Method::Copeland => Ok(copeland::classical(&votes.wins(weights))),
        Method::CopelandNet => Ok(copeland::net(&votes.wins(weights))),
        Method::Kemeny => kemeny::kemeny(&votes.wins(weights)),
    }
}

/// Whether some models never lost to the others (Ford's condition for finite abilities).
pub(super) fn separated(wins: &Wins) -> Result<(), RankError> {
    let models = wins.models();
    // From whom a chain of wins leads up to everybody, and down to everybody.
    for upwards in [true, false] {
        let mut reached = vec![false; models];
        let mut open = vec![0];
        reached[0] = true;
        while let Some(model) = open.pop() {
            for (other, reached) in reached.iter_mut().enumerate().filter(|(_, reached)| !**reached) {
                let won = if upwards { wins.of(other, model) } else { wins.of(model, other) };
                if won > 0.0 {
                    *reached = true;
                    open.push(other);
                }
            }
        }
        if reached.contains(&false) {
            // Nobody outside beat anybody inside (upwards), or the other way round.
            let side = |within: bool| (0..models).filter(|&model| reached[model] == within).collect();
            let (above, below) = (side(upwards), side(!upwards));
            return Err(RankError::Separated { above, below });
        }
    }
    Ok(())
}
