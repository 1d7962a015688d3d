//! An escape run: the anchor and its margin first, then chains at all temperatures, committed about once a second.

use super::chains::{COMMIT, Pace, Pending, REFRESH, RESULT, Slices, options};
use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::chain::{Batch, Ensemble, EnsembleState};
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
        let mut pending = Pending::default();
        let (mut commits, mut summaries, mut slices) = (Pace::new(COMMIT), Pace::new(REFRESH), Slices(1024));
        self.progress.stage("chains leaving the anchor");
        loop {
            let finished = ensemble.finished();
            let advanced = if finished { Ok(Batch::default()) } else { slices.advance(&mut ensemble, self.progress) };
            let stopped = match advanced {
                Ok(batch) => {
                    // At once: a summary that left out who has just escaped would err towards long times.
                    meetings.extend(batch.meetings.iter().copied());
                    pending.take_over(batch);
                    None
                }
                Err(error) => Some(error),
            };
            if finished || stopped.is_some() || commits.is_due() {
                let batch = pending.take();
                let state = EscapeState { ball: ball.clone(), ensemble: ensemble.snapshot() };
                commits.paced(|| self.ledger.chain_batch::<(), _>(&batch, &[], &state))?;
            }
            if let Some(stopped) = stopped {
                return Err(stopped.into());
            }
            if finished {
                break;
            }
            if summaries.is_due() && self.ledger.project().is_some() {
                summaries.paced(|| -> Result<(), JobError> {
                    let so_far = escape::result(spec, &*conditionals, &ball, &ensemble, &meetings)?;
                    self.ledger.document(RESULT, &so_far).map_err(JobError::from)
                })?;
            }
        }
        self.progress.stage("summing up");
        let result = escape::result(spec, &*conditionals, &ball, &ensemble, &meetings)?;
        self.ledger.document(RESULT, &result)?;
        model.rest();
        Ok(RunOutcome::Escape(Box::new(result)))
    }
}
