//! Rows of collections: what judges chose, with the calls behind each choice.

use rusqlite::params;

use super::values::{unreadable, unsigned};
use super::{CallId, Project, RunId, StoreError};
use crate::eigenbench::comparisons::Choice;

/// The calls behind a judgement; `None` where the run is not stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CallsBehind {
    /// The reply that the choice was read from.
    pub verdict: Option<CallId>,
    /// Of the first and of the second response.
    pub responses: [Option<CallId>; 2],
    /// The judge's own on the first and on the second response.
    pub reflections: [Option<CallId>; 2],
}

/// One judgement. Numbers are places in the run's spec.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ComparisonRow {
    pub constitution: u16,
    pub scenario: u32,
    /// Number of the group under its scenario.
    pub pass: u32,
    pub judge: u16,
    pub first: u16,
    pub second: u16,
    /// 0 where the whole constitution was judged.
    pub criterion: u16,
    pub choice: Choice,
    pub calls: CallsBehind,
}

impl Project {
    /// Replaces the rows of a run: they are derived from its calls.
    pub(crate) fn put_comparison_rows(&self, run: RunId, rows: &[ComparisonRow]) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM comparison_row WHERE run = ?1", [run.0])?;
            insert(transaction, run, rows)
        })
    }

    /// Adds rows; ones that are there are replaced.
    pub(crate) fn add_comparison_rows(&self, run: RunId, rows: &[ComparisonRow]) -> Result<(), StoreError> {
        self.write(|transaction| insert(transaction, run, rows))
    }

    /// Rows by constitution, scenario, pass, judge, pair and criterion.
    pub fn comparison_rows(&self, run: RunId) -> Result<Vec<ComparisonRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM comparison_row WHERE run = ?1
                     ORDER BY constitution, scenario, pass, judge, first, second, criterion",
                )?
                .query_map([run.0], |row| {
                    let call = |column: &str| row.get::<_, Option<i64>>(column).map(|id| id.map(CallId));
                    let figure: u8 = unsigned(row, "choice")?;
                    Ok(ComparisonRow {
                        constitution: unsigned(row, "constitution")?,
                        scenario: unsigned(row, "scenario")?,
                        pass: unsigned(row, "pass")?,
                        judge: unsigned(row, "judge")?,
                        first: unsigned(row, "first")?,
                        second: unsigned(row, "second")?,
                        criterion: unsigned(row, "criterion")?,
                        choice: Choice::of_figure(figure)
                            .ok_or_else(|| unreadable(format!("choice = {figure} is none")))?,
                        calls: CallsBehind {
                            verdict: call("verdict")?,
                            responses: [call("first_response")?, call("second_response")?],
                            reflections: [call("first_reflection")?, call("second_reflection")?],
                        },
                    })
                })?
                .collect()
        })
    }
}

fn insert(transaction: &rusqlite::Transaction<'_>, run: RunId, rows: &[ComparisonRow]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR REPLACE INTO comparison_row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    let id = |call: Option<CallId>| call.map(|call| call.0);
    for row in rows {
        let CallsBehind { verdict, responses, reflections } = row.calls;
        insert.execute(params![
            run.0,
            row.constitution,
            row.scenario,
            row.pass,
            row.judge,
            row.first,
            row.second,
            row.criterion,
            row.choice.figure(),
            id(verdict),
            id(responses[0]),
            id(responses[1]),
            id(reflections[0]),
            id(reflections[1])
        ])?;
    }
    Ok(())
}
