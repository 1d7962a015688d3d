//! One cell of a grid of experiments: which chains run, on what, from where and for how long.

use super::coupling::Coupling;
use super::scan::Scan;
use super::start::Start;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;

/// What runs in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chains {
    /// Coupled pairs: Y follows X by `lag` steps, and both update the same site. They meet at
    /// `T = min { t >= lag : X_t = Y_(t - lag) }`, and go on as one.
    Pairs { coupling: Coupling, lag: u64 },
    /// Single chains, their Hamming distance counted from their own start. With a radius a chain ends at
    /// `T = min { t : d(X_t, X_0) > radius }`, its escape; without one it runs to the cap.
    Single { radius: Option<u32> },
    /// Single chains that end at `T = min { t : basin(X_t) != basin(X_0) }`: the first state that argmax dynamics leads to
    /// another attractor than their start.
    Basin,
}

impl Chains {
    /// Ordinary coupled pairs, without a lag.
    pub fn pairs(coupling: Coupling) -> Self {
        Self::Pairs { coupling, lag: 0 }
    }

    /// Steps by which Y follows X.
    pub(super) fn lag(self) -> u64 {
        match self {
            Self::Pairs { lag, .. } => lag,
            Self::Single { .. } | Self::Basin => 0,
        }
    }

    pub(super) fn is_pairs(self) -> bool {
        matches!(self, Self::Pairs { .. })
    }
}

/// Which chosen tokens are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// None.
    #[default]
    Nothing,
    /// Those of every step until the pair meets (both chains), the chain escapes, or the cap.
    UntilEnd,
    /// Those of every step up to the cap; after a meeting X alone goes on and stands for both.
    ToCap,
}

/// The chains of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Index of its model among the ensemble's models.
    pub model: usize,
    pub space: Space,
    pub temperature: Temperature,
    pub scan: Scan,
    pub chains: Chains,
    pub start: Start,
    /// Number of pairs, or of single chains, to begin with.
    pub count: u64,
    /// Most steps of X, single-site updates; who has not ended by then is censored.
    pub cap: u64,
    pub record: Record,
    /// Seed of starts and steps; cells with one seed share their noise.
    pub seed: u64,
}

impl Cell {
    /// Refuses what cannot run on `models`; the error says what to change.
    pub fn check(&self, models: &[&dyn Conditionals]) -> Result<(), ConditionalsError> {
        let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
        let Some(model) = models.get(self.model) else {
            return invalid(format!("there is no model number {}: {} are loaded", self.model, models.len()));
        };
        let (vocabulary, (min, max)) = (model.vocabulary(), model.sites());
        let got = self.space.template().len();
        if got < min || got > max {
            return Err(ConditionalsError::Length { got, min, max });
        }
        let known = |token: &&u32| **token as usize >= vocabulary;
        let frozen = self.space.template().iter().enumerate();
        let frozen = frozen.filter(|(site, _)| self.space.free().binary_search(site).is_err()).map(|(_, token)| token);
        if let Some(&token) = self.space.allowed().iter().chain(frozen).find(known) {
            return Err(ConditionalsError::Token { token, vocabulary });
        }
        if self.cap == 0 {
            return invalid("the cap is 0 steps: allow at least one".to_owned());
        }
        let (lag, n) = (self.chains.lag(), self.space.free().len() as u64);
        if lag >= self.cap {
            return invalid(format!(
                "a lag of {lag} steps leaves no time before the cap of {}: raise the cap",
                self.cap
            ));
        }
        if self.scan != Scan::Random && lag % n != 0 {
            return invalid(format!(
                "under the {} scan both chains must be at the same place of a sweep: make the lag of {lag} a multiple \
                 of {n}, or scan at random",
                self.scan
            ));
        }
        check_count(self.count)?;
        self.start.check(&self.space, self.chains.is_pairs())
    }
}

/// Most pairs of one cell.
const MOST_PAIRS: u64 = 1 << 24;

/// Refuses more pairs, or chains, than could be kept.
pub(super) fn check_count(count: u64) -> Result<(), ConditionalsError> {
    if count <= MOST_PAIRS {
        return Ok(());
    }
    Err(ConditionalsError::Invalid(format!("{count} pairs cannot be kept: run at most {MOST_PAIRS} in a cell")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn cells_that_cannot_run_say_why() {
        let toy = toys::parse("potts:n=4,q=3").unwrap();
        let other = toys::parse("ising:n=4").unwrap();
        let cell = Cell {
            model: 0,
            space: Space::whole(toy.as_ref(), 4).unwrap(),
            temperature: Temperature::ZERO,
            scan: Scan::Systematic,
            chains: Chains::Pairs { coupling: Coupling::Gumbel, lag: 8 },
            start: Start::Uniform,
            count: 2,
            cap: 20,
            record: Record::Nothing,
            seed: 0,
        };
        let models = [toy.as_ref(), other.as_ref()];
        assert_eq!(cell.check(&models), Ok(()));
        let problem = |change: &dyn Fn(&mut Cell)| {
            let mut changed = cell.clone();
            change(&mut changed);
            changed.check(&models).unwrap_err().to_string()
        };
        assert!(problem(&|cell| cell.model = 2).contains("no model number 2"));
        assert!(problem(&|cell| cell.model = 1).contains("token id 2"));
        assert!(problem(&|cell| cell.cap = 0).contains("at least one"));
        assert!(problem(&|cell| cell.count = 1 << 40).contains("at most"));
        assert!(problem(&|cell| cell.cap = 8).contains("raise the cap"));
        let lag = |lag| move |cell: &mut Cell| cell.chains = Chains::Pairs { coupling: Coupling::Gumbel, lag };
        assert!(problem(&lag(6)).contains("multiple of 4"));
        assert!(problem(&|cell| cell.start = Start::Same(vec![vec![0; 3]])).contains("state 1"));
    }
}
