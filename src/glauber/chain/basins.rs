//! Which basin a state belongs to: the attractor of argmax dynamics that it leads to (see [`crate::glauber::quench`]).

use std::collections::HashMap;

use super::ensemble::Options;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::quench::{QuenchSettings, quench};
use crate::glauber::space::Space;
use crate::progress::{Cancelled, Progress};

/// Sweeps after which a quench that has not come back to a state gives up.
const MOST_SWEEPS: usize = 10_000;
/// Tokens of states kept with their basins. Forgetting costs a quench and never changes an answer.
const MOST_TOKENS: usize = 1 << 25;

/// The basins of one space on one model, as far as they were asked for.
pub(super) struct Basins {
    pub(super) model: usize,
    pub(super) space: Space,
    /// Number of the attractor, by state.
    known: HashMap<Vec<u32>, usize>,
    /// Numbers of attractors, by their smallest state.
    attractors: HashMap<Vec<u32>, usize>,
}

impl Basins {
    pub(super) fn new(model: usize, space: Space) -> Self {
        Self { model, space, known: HashMap::new(), attractors: HashMap::new() }
    }

    /// The basin of a state; `None` if it has not been learnt.
    pub(super) fn of(&self, state: &[u32]) -> Option<usize> {
        self.known.get(state).copied()
    }

    /// Makes room for new states.
    pub(super) fn tidy(&mut self) {
        if self.known.len().saturating_mul(self.space.template().len()) > MOST_TOKENS {
            self.known.clear();
        }
    }

    /// Quenches the `states` that are not known, all at once.
    pub(super) fn learn<'s>(
        &mut self,
        model: &dyn Conditionals,
        states: impl Iterator<Item = &'s [u32]>,
        options: Options,
        progress: &dyn Progress,
    ) -> Result<(), ConditionalsError> {
        let new: Vec<&[u32]> = states.filter(|state| !self.known.contains_key(*state)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let settings =
            QuenchSettings { max_sweeps: MOST_SWEEPS, batch_rows: options.batch_rows, precision: options.precision };
        let found = quench(model, &self.space, &new, &settings, &Within(progress))?;
        for (state, label) in new.into_iter().zip(&found.labels) {
            let cycle = label.and_then(|label| found.attractors.get(label)?.cycle.first());
            let Some(smallest) = cycle else {
                return Err(ConditionalsError::Invalid(format!(
                    "the state {:?} has reached no attractor after {MOST_SWEEPS} sweeps at temperature 0, so its basin is \
                     unknown: count escapes by distance instead",
                    model.sentence(state)
                )));
            };
            let next = self.attractors.len();
            let number = *self.attractors.entry(smallest.clone()).or_insert(next);
            self.known.insert(state.to_vec(), number);
        }
        Ok(())
    }
}

/// Quenches are a part of the step under way: they pass on a cancel, and tell nothing.
struct Within<'a>(&'a dyn Progress);

impl Progress for Within<'_> {
    fn stage(&self, _: &str) {}
    fn report(&self, _: u64, _: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.0.checkpoint()
    }
}
