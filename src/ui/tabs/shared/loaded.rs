//! Results of a run, read on a background thread and kept up to date.

use crate::store::{Project, RunId, StoreError};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;

/// Something read from the store for one run, read again whenever that run's results grow.
pub struct Loaded<T> {
    of: Option<(RunId, u64)>,
    value: Requested<Result<T, StoreError>>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { of: None, value: Requested::default() }
    }
}

impl<T: Send + 'static> Loaded<T> {
    /// Keeps up with `run`; `read` gets the value known so far and makes the query for the next.
    pub fn follow<Q>(&mut self, context: &TabContext<'_>, run: RunId, read: impl FnOnce(Option<&T>) -> Q)
    where
        Q: FnOnce(&Project) -> Result<T, StoreError> + Send + 'static,
    {
        let version = context.versions.get(&run).copied().unwrap_or(0);
        if self.of.is_some_and(|(of, _)| of != run) {
            self.of = None;
            self.value.clear();
        }
        let known = self.value.get().and_then(|value| value.as_ref().ok());
        if self.of != Some((run, version)) {
            let query = read(known);
            if !self.value.waiting() {
                self.of = Some((run, version));
                context.query(&mut self.value, query);
            }
        }
    }
    /// What is there, if anything.
    pub fn get(&mut self) -> Option<&Result<T, StoreError>> {
        self.value.get()
    }
    /// The version last asked for.
    pub fn version(&self) -> u64 {
        self.of.map_or(0, |(_, version)| version)
    }
    /// The run that is read, if any.
    pub fn run(&self) -> Option<RunId> {
        self.of.map(|(run, _)| run)
    }
}
