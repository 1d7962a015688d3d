//! Where a run writes what it finds: its rows in a project, or nowhere.

use std::collections::BTreeMap;

use crate::glauber::certify::CertifyResult;
use crate::glauber::conditionals::ModelIdentity;
use crate::glauber::survey::{Record, Stratum};
use crate::store::{Project, RunId, RunRow, StoreError, SurveySubjectRow, TrainingPoint, VerificationRow};

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

impl<'a> Ledger<'a> {
    /// Leaves nothing behind.
    pub(super) fn nowhere() -> Self {
        Self { stored: None }
    }

    pub(super) fn of(project: &'a Project, row: &RunRow, clock: &'a dyn Fn() -> f64, committed: &'a dyn Fn()) -> Self {
        let models = row.models_json.clone();
        Self { stored: Some(Stored { project, run: row.id, before: row.seconds, clock, committed, models }) }
    }

    fn commit(&self, write: impl FnOnce(&Stored<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
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

    /// Records the models; fails with their names if an earlier sitting evaluated other weights.
    pub(super) fn models(&self, models: &[ModelIdentity]) -> Result<Result<(), String>, StoreError> {
        let Some(stored) = &self.stored else { return Ok(Ok(())) };
        if let Some(earlier) = &stored.models {
            let earlier: Vec<ModelIdentity> =
                serde_json::from_str(earlier).map_err(|error| StoreError::Database(error.to_string()))?;
            let changed = earlier.iter().zip(models).find(|(was, is)| was != is).map(|(was, _)| was.reference.clone());
            return Ok(match changed {
                Some(reference) => Err(reference),
                None => Ok(()),
            });
        }
        let json = serde_json::to_string(models).map_err(|error| StoreError::Database(error.to_string()))?;
        stored.project.set_models(stored.run, &json)?;
        Ok(Ok(()))
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
        self.commit(|stored| stored.project.add_survey_records(stored.run, records, stored.before + (stored.clock)()))
    }

    pub(super) fn strata(&self, strata: &[Stratum]) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_survey_strata(stored.run, strata))
    }

    pub(super) fn point(&self, point: &TrainingPoint) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.add_training_point(stored.run, point, stored.before + (stored.clock)()))
    }

    pub(super) fn verification(&self, found: &VerificationRow) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.put_verification(stored.run, found))
    }

    /// Records the seconds worked, at the end of a sitting.
    pub(super) fn seconds(&self) -> Result<(), StoreError> {
        self.commit(|stored| stored.project.set_seconds(stored.run, stored.before + (stored.clock)()))
    }
}
