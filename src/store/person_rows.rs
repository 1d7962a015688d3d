//! What people chose between responses of a collection.

use rusqlite::params;

use super::values::{now, unreadable, unsigned};
use super::{Project, RunId, StoreError};
use crate::eigenbench::comparisons::Choice;

/// One choice of one person. Numbers are places in the run's spec.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PersonComparison {
    pub person: String,
    pub constitution: u16,
    pub scenario: u32,
    pub criterion: u16,
    /// Whose response was on the left.
    pub first: u16,
    pub second: u16,
    pub choice: Choice,
}

impl Project {
    /// Keeps choices; one that the same person made between the same two in the same order is replaced.
    pub(crate) fn put_person_comparisons(&self, run: RunId, rows: &[PersonComparison]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO person_comparison VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for row in rows {
                let PersonComparison { person, constitution, scenario, criterion, first, second, choice } = row;
                let figure = choice.figure();
                insert.execute(params![
                    run.0,
                    person,
                    constitution,
                    scenario,
                    criterion,
                    first,
                    second,
                    figure,
                    now()
                ])?;
            }
            Ok(())
        })
    }

    /// Takes a choice back.
    pub(crate) fn remove_person_comparison(&self, run: RunId, row: &PersonComparison) -> Result<(), StoreError> {
        self.write(|transaction| {
            let PersonComparison { person, constitution, scenario, criterion, first, second, .. } = row;
            transaction.execute(
                "DELETE FROM person_comparison WHERE run = ?1 AND person = ?2 AND constitution = ?3 AND scenario = ?4
                 AND criterion = ?5 AND first = ?6 AND second = ?7",
                params![run.0, person, constitution, scenario, criterion, first, second],
            )?;
            Ok(())
        })
    }

    /// Choices by person, constitution, scenario, criterion and pair.
    pub fn person_comparisons(&self, run: RunId) -> Result<Vec<PersonComparison>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM person_comparison WHERE run = ?1
                     ORDER BY person, constitution, scenario, criterion, first, second",
                )?
                .query_map([run.0], |row| {
                    let figure: u8 = unsigned(row, "choice")?;
                    Ok(PersonComparison {
                        person: row.get("person")?,
                        constitution: unsigned(row, "constitution")?,
                        scenario: unsigned(row, "scenario")?,
                        criterion: unsigned(row, "criterion")?,
                        first: unsigned(row, "first")?,
                        second: unsigned(row, "second")?,
                        choice: Choice::of_figure(figure)
                            .ok_or_else(|| unreadable(format!("choice = {figure} is none")))?,
                    })
                })?
                .collect()
        })
    }
}
