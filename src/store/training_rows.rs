//! Rows of preference trainings: steps and evaluations, with the pairs they visited.

use rusqlite::params;

use super::values::{from_json, json, signed};
use super::{Project, RunId, StoreError};
use crate::dempo::training::{EvaluationReport, StepReport, Visited};

/// A step without its visits, and when it was done.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingStepRow {
    pub report: StepReport,
    /// Seconds worked until then.
    pub seconds: f64,
}

impl Project {
    /// Adds a step; a training resumed from a checkpoint takes the same steps again and replaces their rows.
    pub(crate) fn add_training_step(&self, run: RunId, report: &StepReport, seconds: f64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let bare = StepReport { visits: Vec::new(), ..report.clone() };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO training_step VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![run.0, signed(report.step)?, seconds, json(&bare)?, json(&report.visits)?])?;
            transaction.execute("UPDATE run SET seconds = ?2 WHERE id = ?1", params![run.0, seconds])?;
            Ok(())
        })
    }

    /// Adds an evaluation, or replaces it.
    pub(crate) fn add_training_evaluation(
        &self,
        run: RunId,
        report: &EvaluationReport,
        seconds: f64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let bare = EvaluationReport { visits: Vec::new(), ..report.clone() };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO training_evaluation VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![run.0, signed(report.step)?, json(&bare)?, json(&report.visits)?])?;
            transaction.execute("UPDATE run SET seconds = ?2 WHERE id = ?1", params![run.0, seconds])?;
            Ok(())
        })
    }

    /// Steps after `after`, without their visits, in order.
    pub fn training_steps(&self, run: RunId, after: u64) -> Result<Vec<TrainingStepRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT report, seconds FROM training_step WHERE run = ?1 AND step > ?2 ORDER BY step")?
                .query_map(params![run.0, signed(after)?], |row| {
                    Ok(TrainingStepRow { report: from_json(&row.get::<_, String>(0)?)?, seconds: row.get(1)? })
                })?
                .collect()
        })
    }

    /// What the steps from `first` to `last` visited, in order.
    pub fn training_visits(&self, run: RunId, first: u64, last: u64) -> Result<Vec<Visited>, StoreError> {
        self.read(|connection| {
            let lists: Vec<Vec<Visited>> = connection
                .prepare_cached(
                    "SELECT visits FROM training_step WHERE run = ?1 AND step BETWEEN ?2 AND ?3 ORDER BY step",
                )?
                .query_map(params![run.0, signed(first)?, signed(last)?], |row| from_json(&row.get::<_, String>(0)?))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(lists.concat())
        })
    }

    /// Evaluations in order; the last one's visits are there, the others' are not.
    pub fn training_evaluations(&self, run: RunId) -> Result<Vec<EvaluationReport>, StoreError> {
        self.read(|connection| {
            let mut reports: Vec<EvaluationReport> = connection
                .prepare_cached("SELECT report FROM training_evaluation WHERE run = ?1 ORDER BY step")?
                .query_map([run.0], |row| from_json(&row.get::<_, String>(0)?))?
                .collect::<rusqlite::Result<_>>()?;
            if let Some(last) = reports.last_mut() {
                let visits: String = connection.query_row(
                    "SELECT visits FROM training_evaluation WHERE run = ?1 AND step = ?2",
                    params![run.0, signed(last.step)?],
                    |row| row.get(0),
                )?;
                last.visits = from_json(&visits)?;
            }
            Ok(reports)
        })
    }
}
