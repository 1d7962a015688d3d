//! An escape run: the anchor and its margin first, then chains at all temperatures, committed about once a second.

use super::chains::{RESULT, options};
use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::chain::{Ensemble, EnsembleState};
use crate::glauber::experiments::escape::{self, Ball, EscapeSpec};

/// From where an escape run goes on.
#[derive(serde::Serialize, serde::Deserialize)]
struct EscapeState {
    ball: Ball,
    ensemble: EnsembleState,
}

impl Bench<'_> {
    pub(super) fn escape(&self, spec: &EscapeSpec) -> Result<RunOutcome, JobError> {
        spec.check()?;
        let model = match &spec.template {
            Some(_) => self.open(&spec.model)?,
            None => self.open_at(&spec.model, spec.length)?,
        };
        self.models(std::slice::from_ref(&model.identity))?;
        let conditionals = model.for_chains();
        let space = spec.space(&*conditionals)?;
        let options = options(model.is_toy());
        let (ball, mut ensemble, mut meetings) = match self.ledger.chains::<EscapeState>()? {
            Some((EscapeState { ball, ensemble }, meetings)) => {
                self.ledger.note("info", &format!("going on after {} escapes", meetings.len()))?;
                let cells = spec.cells(&space, &ball.anchor);
                (ball, Ensemble::resume(vec![&*conditionals], cells, options, ensemble)?, meetings)
            }
            None => {
                let ball = spec.ball(&*conditionals, &space, self.progress)?;
                let cells = spec.cells(&space, &ball.anchor);
                (ball, Ensemble::new(vec![&*conditionals], cells, options)?, Vec::new())
            }
        };
        self.progress.stage("chains leaving the anchor");
        self.chains_to_the_end(
            &mut ensemble,
            &mut meetings,
            |_| {},
            |ensemble| EscapeState { ball: ball.clone(), ensemble },
            |ensemble, meetings| {
                let so_far = escape::result(spec, &*conditionals, &ball, ensemble, meetings)?;
                self.ledger.document(RESULT, &so_far).map_err(JobError::from)
            },
        )?;
        self.progress.stage("summing up");
        let result = escape::result(spec, &*conditionals, &ball, &ensemble, &meetings)?;
        self.ledger.document(RESULT, &result)?;
        model.rest();
        Ok(RunOutcome::Escape(Box::new(result)))
    }
}
