//! Which run a tab shows: one that was chosen by hand, or else the newest.

use crate::store::{RunId, RunRow};
use crate::ui::context::TabContext;

/// The choice, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct PickedRun(Option<RunId>);

impl PickedRun {
    /// Shows `run` from now on.
    pub fn pick(&mut self, run: RunId) {
        self.0 = Some(run);
    }

    /// Takes over what a picker gave, if anything.
    pub fn take(&mut self, picked: Option<RunId>) {
        self.0 = picked.or(self.0);
    }

    /// Follows the newest run again.
    pub fn follow_newest(&mut self) {
        self.0 = None;
    }

    /// The run to show, among those that `shows` lets through.
    pub fn current<'a>(self, context: &TabContext<'a>, shows: fn(&RunRow) -> bool) -> Option<&'a RunRow> {
        let all = || context.runs.iter().filter(|run| shows(run));
        let picked = self.0.and_then(|id| all().find(|run| run.id == id));
        picked.or_else(|| all().next())
    }
}
