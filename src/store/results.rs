//! Typed results of training and verification runs (certify and survey have files of their own).

use rusqlite::{OptionalExtension, params};

use super::values::{real, signed, unsigned};
use super::{Project, RunId, StoreError};
use crate::glauber::certificate::Difference;

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
    pub differences: Vec<Difference>,
}

impl Project {
    /// Points in the order of their steps.
    pub fn training_curve(&self, run: RunId) -> Result<Vec<TrainingPoint>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT * FROM training_point WHERE run = ?1 ORDER BY step")?
                .query_map([run.0], |row| {
                    Ok(TrainingPoint {
                        step: unsigned(row, "step")?,
                        loss: real(row, "loss")?,
                        learning_rate: real(row, "learning_rate")?,
                        cross_entropy: row.get("cross_entropy")?,
                        accuracy: row.get("accuracy")?,
                    })
                })?
                .collect()
        })
    }

    /// Adds a point; training resumed from a checkpoint passes the same steps again and replaces their points.
    pub(crate) fn add_training_point(&self, run: RunId, point: &TrainingPoint, seconds: f64) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO training_point VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    run.0,
                    signed(point.step)?,
                    point.loss,
                    point.learning_rate,
                    point.cross_entropy,
                    point.accuracy
                ])?;
            transaction.execute("UPDATE run SET seconds = ?2 WHERE id = ?1", params![run.0, seconds])?;
            Ok(())
        })
    }

    pub fn verification(&self, run: RunId) -> Result<Option<VerificationRow>, StoreError> {
        self.read(|connection| {
            let ok = connection
                .query_row("SELECT ok FROM verification WHERE run = ?1", [run.0], |row| row.get(0))
                .optional()?;
            let differences = connection
                .prepare_cached(
                    "SELECT field, recorded, found FROM verification_difference WHERE run = ?1 ORDER BY ordinal",
                )?
                .query_map([run.0], |row| {
                    Ok(Difference { field: row.get(0)?, recorded: row.get(1)?, found: row.get(2)? })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(ok.map(|ok| VerificationRow { ok, differences }))
        })
    }

    /// Stores (or replaces) what a verification found.
    pub(crate) fn put_verification(&self, run: RunId, found: &VerificationRow) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM verification WHERE run = ?1", [run.0])?;
            transaction.execute("INSERT INTO verification VALUES (?1, ?2)", params![run.0, found.ok])?;
            for (ordinal, difference) in (0_i64..).zip(&found.differences) {
                transaction.execute(
                    "INSERT INTO verification_difference VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![run.0, ordinal, difference.field, difference.recorded, difference.found],
                )?;
            }
            Ok(())
        })
    }
}
