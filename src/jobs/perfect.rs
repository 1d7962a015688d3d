//! An exact run: the enumeration, then perfect samples beside it, committed about once a second.

use super::chains::{COMMIT, PERFECT, Pace, RESULT};
use super::work::{Bench, JobError, RunOutcome};
use crate::glauber::cftp::PerfectSampler;
use crate::glauber::chain::Batch;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::experiments::exact::{self, ExactRunSpec};
use crate::glauber::experiments::perfect::{PerfectResult, PerfectSpec, PerfectState};

impl Bench<'_> {
    pub(super) fn enumerated(&self, spec: &ExactRunSpec, model: &dyn Conditionals) -> Result<RunOutcome, JobError> {
        let mut result = exact::enumerate(spec, model, self.progress)?;
        let law = result.pi.clone();
        if !spec.keep_law {
            result.pi = None;
            for scan in [&mut result.systematic_scan, &mut result.permutation_scan].into_iter().flatten() {
                scan.law = None;
            }
        }
        self.ledger.document(RESULT, &result)?;
        let perfect = spec.perfect.as_ref().map(|perfect| self.perfect(spec, perfect, model, law)).transpose()?;
        Ok(RunOutcome::Exact { result: Box::new(result), perfect })
    }

    fn perfect(
        &self,
        spec: &ExactRunSpec,
        perfect: &PerfectSpec,
        model: &dyn Conditionals,
        law: Option<Vec<f64>>,
    ) -> Result<PerfectResult, JobError> {
        let mut state = match self.ledger.chains::<PerfectState>()? {
            Some((kept, _)) => {
                self.ledger.note("info", &format!("going on after {} perfect samples", kept.drawn()))?;
                kept
            }
            None => PerfectState::default(),
        };
        let told = |state: &PerfectState, law: &[f64], problem| {
            let found = PerfectResult::new(perfect, state, law, problem);
            self.ledger.document(PERFECT, &found)?;
            Ok(found)
        };
        let Some(law) = law else {
            let problem = "the chain has no single stationary law at this temperature: some probabilities are below what \
                           f64 holds";
            return told(&state, &[], Some(problem.to_owned()));
        };
        let sampler = PerfectSampler::new(model, spec.space(model)?, spec.temperature, self.progress)?;
        self.progress.stage("perfect samples");
        let mut commits = Pace::new(COMMIT);
        while state.drawn() < perfect.samples {
            match state.advance(perfect, &sampler, self.progress) {
                Ok(()) => {}
                Err(error @ ConditionalsError::Invalid(_)) => {
                    self.ledger.note("warning", &error.to_string())?;
                    return told(&state, &law, Some(error.to_string()));
                }
                Err(error) => {
                    self.ledger.chain_batch::<(), _>(&Batch::default(), &[], &state)?;
                    return Err(error.into());
                }
            }
            self.progress.report(state.drawn(), perfect.samples);
            if commits.is_due() {
                commits.paced(|| -> Result<(), JobError> {
                    self.ledger.chain_batch::<(), _>(&Batch::default(), &[], &state)?;
                    told(&state, &law, None).map(drop)
                })?;
            }
        }
        told(&state, &law, None)
    }
}
