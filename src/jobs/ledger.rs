//! Where a run writes what it finds: its rows in a project, or nowhere.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dempo::training::{EvaluationReport, StepReport};
use crate::glauber::certify::CertifyResult;
use crate::glauber::chain::{Batch, Meeting};
use crate::glauber::conditionals::ModelIdentity;
use crate::glauber::survey::{Record, Stratum};
use crate::providers::chat::{ChatRequest, Reply};
use crate::providers::price::PriceTable;
use crate::store::{
    AnswerRow, CallId, ChainCellRow, ComparisonRow, Project, RunId, RunRow, StoreError, SurveySubjectRow,
    TrainingPoint, VerdictRow, VerificationRow,
};

/// The rows of one run. Every method does nothing where the run is not stored.
pub(super) struct Ledger<'a> {
    stored: Option<Stored<'a>>,
}

struct Stored<'a> {
    project: &'a Project,
    run: RunId,
    /// Seconds of earlier sittings.
    before: f64,
    /// Seconds of this sitting.
    clock: &'a dyn Fn() -> f64,
    /// Called after rows were committed.
    committed: &'a dyn Fn(),
    /// What an earlier sitting evaluated.
    models: Option<String>,
}

impl Stored<'_> {
    /// Seconds of all sittings until now.
    fn seconds(&self) -> f64 {
        self.before + (self.clock)()
    }
}

impl<'a> Ledger<'a> {
    /// Leaves nothing behind.
    pub(super) fn nowhere() -> Self {
        Self { stored: None }
    }

    pub(super) fn of(project: &'a Project, row: &RunRow, clock: &'a dyn Fn() -> f64, committed: &'a dyn Fn()) -> Self {
        let models = row.models_json.clone();
        Self { stored: Some(Stored { project, run: row.id, before: row.seconds, clock, committed, models }) }
    }

    /// Writes, records the seconds worked so far, and tells.
    fn commit(&self, write: impl FnOnce(&Stored<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let Some(stored) = &self.stored else { return Ok(()) };
        write(stored)?;
        stored.project.set_seconds(stored.run, stored.seconds())?;
        (stored.committed)();
        Ok(())
    }

    /// Writes something that records the seconds itself, and tells.
    fn tell(&self, write: impl FnOnce(&Stored<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let Some(stored) = &self.stored else { return Ok(()) };
        write(stored)?;
        (stored.committed)();
        Ok(())
    }

    pub(super) fn project(&self) -> Option<&'a Project> {
        self.stored.as_ref().map(|stored| stored.project)
    }

    pub(super) fn note(&self, level: &str, message: &str) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.note(stored.run, level, message))
    }

    /// Records the models as far as they are loaded; fails with the reference of one that had other weights in an
    /// earlier sitting.
    pub(super) fn models(&self, models: &[ModelIdentity]) -> Result<Result<(), String>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(Ok(())) };
        if let Some(earlier) = &stored.models {
            let earlier: Vec<ModelIdentity> =
                serde_json::from_str(earlier).map_err(|error| StoreError::Database(error.to_string()))?;
            let changed = earlier.iter().zip(models).find(|(was, is)| was != is).map(|(was, _)| was.reference.clone());
            if let Some(reference) = changed {
                return Ok(Err(reference));
            }
            if models.len() <= earlier.len() {
                return Ok(Ok(()));
            }
        }
        let json = serde_json::to_string(models).map_err(|error| StoreError::Database(error.to_string()))?;
        self.commit(|stored| stored.project.set_models(stored.run, &json)).map(Ok)
    }

    /// Records input files (as the spec names them) with their SHA-256.
    pub(super) fn inputs(&self, hashes: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let json = serde_json::to_string(hashes).map_err(|error| StoreError::Database(error.to_string()))?;
        self.commit(|stored| stored.project.set_inputs(stored.run, &json))
    }

    pub(super) fn certify(&self, result: &CertifyResult) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_certify_result(stored.run, result))
    }

    /// Records of earlier sittings.
    pub(super) fn earlier_records(&self) -> Result<Vec<Record>, StoreError> {
        match &self.stored {
            Some(stored) => stored.project.survey_records(stored.run, 0, u64::MAX),
            None => Ok(Vec::new()),
        }
    }

    /// Records which subjects are surveyed, unless an earlier sitting has.
    pub(super) fn subjects(&self, subjects: &[SurveySubjectRow], resumed: bool) -> Result<(), StoreError> {
        self.commit(|stored| if resumed { Ok(()) } else { stored.project.put_survey_subjects(stored.run, subjects) })
    }

    pub(super) fn records(&self, records: &[Record]) -> Result<(), StoreError> {
        self.tell(|stored| stored.project.add_survey_records(stored.run, records, stored.seconds()))
    }

    pub(super) fn strata(&self, strata: &[Stratum]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_survey_strata(stored.run, strata))
    }

    /// From where an earlier sitting of chains left off, with the meetings that it committed.
    pub(super) fn chains<C: DeserializeOwned>(&self) -> Result<Option<(C, Vec<Meeting>)>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(None) };
        let Some(state) = stored.project.chain_checkpoint(stored.run)? else { return Ok(None) };
        Ok(Some((state, stored.project.chain_meetings(stored.run, None)?)))
    }

    /// Tokens of every chain of a cell that were committed, by chain.
    pub(super) fn chain_tokens(&self, cell: u32, chains: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(vec![Vec::new(); chains as usize]) };
        (0..chains).map(|chain| stored.project.chain_tokens(stored.run, cell, chain, false)).collect()
    }

    /// Commits what chains did together with the state to go on from.
    pub(super) fn chain_batch<S: Serialize, C: Serialize>(
        &self,
        batch: &Batch,
        cells: &[ChainCellRow<S>],
        state: &C,
    ) -> Result<(), StoreError> {
        self.tell(|stored| stored.project.add_chain_batch(stored.run, batch, cells, state, stored.seconds()))
    }

    pub(super) fn document(&self, name: &str, document: &impl Serialize) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_document(stored.run, name, document))
    }

    /// A document of an earlier sitting.
    pub(super) fn kept<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.stored.as_ref().map_or(Ok(None), |stored| stored.project.document(stored.run, name))
    }

    pub(super) fn point(&self, point: &TrainingPoint) -> Result<(), StoreError> {
        self.tell(|stored| stored.project.add_training_point(stored.run, point, stored.seconds()))
    }

    pub(super) fn training_step(&self, report: &StepReport) -> Result<(), StoreError> {
        self.tell(|stored| stored.project.add_training_step(stored.run, report, stored.seconds()))
    }

    pub(super) fn training_evaluation(&self, report: &EvaluationReport) -> Result<(), StoreError> {
        self.tell(|stored| stored.project.add_training_evaluation(stored.run, report, stored.seconds()))
    }

    pub(super) fn verification(&self, found: &VerificationRow) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_verification(stored.run, found))
    }

    /// Keeps a call; `None` where the run is not stored.
    pub(super) fn call(
        &self,
        provider: &str,
        request: &ChatRequest,
        reply: Result<&Reply, &str>,
    ) -> Result<Option<CallId>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(None) };
        let call = stored.project.add_call(stored.run, provider, request, reply, stored.seconds())?;
        (stored.committed)();
        Ok(Some(call))
    }

    /// Keeps calls that were answered elsewhere; none where the run is not stored.
    pub(super) fn calls(&self, provider: &str, calls: &[(ChatRequest, Reply)]) -> Result<Vec<CallId>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(Vec::new()) };
        let kept = stored.project.add_calls(stored.run, provider, calls, stored.seconds())?;
        (stored.committed)();
        Ok(kept)
    }

    /// US dollars that the calls of earlier sittings cost, as far as is known.
    pub(super) fn paid(&self, prices: &PriceTable) -> Result<f64, StoreError> {
        let Some(stored) = &self.stored else { return Ok(0.0) };
        let calls = stored.project.calls_by_model(stored.run)?;
        Ok(calls.iter().filter_map(|own| prices.sum(&own.model, own.dollars, own.without_dollars)).sum())
    }

    /// Answers of earlier sittings.
    pub(super) fn answers(&self) -> Result<Vec<AnswerRow>, StoreError> {
        self.stored.as_ref().map_or(Ok(Vec::new()), |stored| stored.project.answers(stored.run))
    }

    pub(super) fn add_answers(&self, answers: &[AnswerRow]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.add_answers(stored.run, answers))
    }

    /// Verdicts of earlier sittings and of people.
    pub(super) fn verdicts(&self) -> Result<Vec<VerdictRow>, StoreError> {
        self.stored.as_ref().map_or(Ok(Vec::new()), |stored| stored.project.verdicts(stored.run))
    }

    pub(super) fn add_verdicts(&self, verdicts: &[VerdictRow]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.add_verdicts(stored.run, verdicts))
    }

    /// Replaces the judgements of a collection, which are derived from its calls.
    pub(super) fn put_comparisons(&self, rows: &[ComparisonRow]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_comparison_rows(stored.run, rows))
    }

    pub(super) fn add_comparisons(&self, rows: &[ComparisonRow]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.add_comparison_rows(stored.run, rows))
    }

    /// Records the seconds worked, at the end of a sitting.
    pub(super) fn seconds(&self) -> Result<(), StoreError> {
        self.commit(|_| Ok(()))
    }
}
