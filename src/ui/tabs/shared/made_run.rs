//! What a form makes of its draft: the run and what it may cost, worked out again only where the draft changed.

use std::sync::Arc;

use crate::jobs::spec::RunSpec;
use crate::providers::price::Estimate;
use crate::ui::format;

/// The newest draft that was gone through, and what came of it.
pub struct MadeRun<D>(Option<Made<D>>);

struct Made<D> {
    draft: D,
    run: Arc<Result<RunSpec, String>>,
    estimate: Option<Estimate>,
}

impl<D> Default for MadeRun<D> {
    fn default() -> Self {
        Self(None)
    }
}

impl<D: Clone + PartialEq> MadeRun<D> {
    /// Works the draft out: `make` gives the run with its estimate, or what is missing.
    pub fn follow(&mut self, draft: &D, make: impl FnOnce(&D) -> Result<(RunSpec, Estimate), String>) {
        if self.0.as_ref().is_some_and(|made| made.draft == *draft) {
            return;
        }
        let made = make(draft).map_err(|problem| format!("{}.", format::sentence(&problem).trim_end_matches('.')));
        let (run, estimate) = match made {
            Ok((run, estimate)) => (Ok(run), Some(estimate)),
            Err(problem) => (Err(problem), None),
        };
        self.0 = Some(Made { draft: draft.clone(), run: Arc::new(run), estimate });
    }

    /// The run that the form describes now, or what is missing.
    pub fn run(&self) -> Arc<Result<RunSpec, String>> {
        match &self.0 {
            Some(made) => made.run.clone(),
            None => Arc::new(Err("The form is being read.".to_owned())),
        }
    }

    /// What it may cost.
    pub fn estimate(&self) -> Option<Estimate> {
        self.0.as_ref().and_then(|made| made.estimate)
    }
}
