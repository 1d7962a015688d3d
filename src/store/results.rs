//! Typed result tables, one family per run kind.

use super::{Project, RunId, StoreError};
use crate::glauber::certify::CertifyResult;
use crate::glauber::survey::{Record, Stratum};

/// One validation of a training run.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainingPoint {
    pub step: u64,
    /// Training loss, exponentially smoothed; nats per masked token.
    pub loss: f64,
    pub learning_rate: f64,
    /// Validation cross-entropy (nats per masked token) and accuracy, where measured at this step.
    pub cross_entropy: Option<f64>,
    pub accuracy: Option<f64>,
}

/// What a verification run found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct VerificationRow {
    pub ok: bool,
    pub differences: Vec<crate::glauber::certificate::Difference>,
}

impl Project {
    pub fn certify_result(&self, _run: RunId) -> Result<Option<CertifyResult>, StoreError> {
        todo!()
    }
    /// Records of a survey from item `first` on, at most `limit`.
    pub fn survey_records(&self, _run: RunId, _first: u64, _limit: u64) -> Result<Vec<Record>, StoreError> {
        todo!()
    }
    /// Strata as of the last commit (final once the run is done), with the subjects' names.
    pub fn survey_strata(&self, _run: RunId) -> Result<(Vec<String>, Vec<Stratum>), StoreError> {
        todo!()
    }
    pub fn training_curve(&self, _run: RunId) -> Result<Vec<TrainingPoint>, StoreError> {
        todo!()
    }
    pub fn verification(&self, _run: RunId) -> Result<Option<VerificationRow>, StoreError> {
        todo!()
    }
}
