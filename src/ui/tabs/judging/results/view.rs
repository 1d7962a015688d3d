//! Findings as they are shown: computed once, on a background thread, and told apart by a number.

use std::ops::Deref;

use crate::progress::{Cancelled, Progress};
use crate::ranking::findings::Findings;
pub use crate::ranking::findings::{MethodScores, Scored, Settings};
use crate::ranking::verdicts::Verdicts;

/// Numbers behind every part of the results.
#[derive(Clone, Debug)]
pub struct ResultsView {
    /// Another one for every view.
    pub serial: u64,
    found: Findings,
}

impl ResultsView {
    /// Computes everything.
    ///
    /// # Errors
    /// [`Cancelled`] where `progress` says so.
    pub fn compute(
        verdicts: &Verdicts,
        settings: &Settings,
        serial: u64,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        Ok(Self { serial, found: Findings::compute(verdicts, settings, progress)? })
    }
}

impl Deref for ResultsView {
    type Target = Findings;

    fn deref(&self) -> &Findings {
        &self.found
    }
}
