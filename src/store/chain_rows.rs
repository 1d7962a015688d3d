//! Rows of chain runs: cells, meetings, recorded tokens, checkpoints, and named documents.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::values::{from_json, json, signed, unreadable, unsigned};
use super::{Project, RunId, StoreError};
use crate::glauber::chain::{Batch, Meeting};
use crate::glauber::temperature::Temperature;

/// One cell of a grid over temperature and length, with its summary as of the last commit.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainCellRow<S> {
    pub cell: u32,
    /// Which of the run's models, counted from 0, and what it is called at this length.
    pub subject: u32,
    pub model: String,
    pub length: u32,
    pub temperature: Temperature,
    /// Most steps of a chain.
    pub cap: u64,
    /// Nothing more will be computed for this cell.
    pub finished: bool,
    pub summary: S,
}

fn put_cells<S: Serialize>(
    transaction: &Transaction<'_>,
    run: RunId,
    cells: &[ChainCellRow<S>],
) -> rusqlite::Result<()> {
    let mut insert =
        transaction.prepare_cached("INSERT OR REPLACE INTO chain_cell VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    for row in cells {
        insert.execute(params![
            run.0,
            row.cell,
            row.subject,
            row.model,
            row.length,
            row.temperature.to_string(),
            signed(row.cap)?,
            row.finished,
            json(&row.summary)?,
        ])?;
    }
    Ok(())
}

fn put_checkpoint<C: Serialize>(transaction: &Transaction<'_>, run: RunId, state: &C) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO chain_checkpoint VALUES (?1, ?2)")?;
    insert.execute(params![run.0, json(state)?])?;
    Ok(())
}

impl Project {
    /// Commits what happened since the commit before, the changed cells, and the state to go on from.
    pub(crate) fn add_chain_batch<S: Serialize, C: Serialize>(
        &self,
        run: RunId,
        batch: &Batch,
        cells: &[ChainCellRow<S>],
        state: &C,
        seconds: f64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut meeting = transaction.prepare_cached("INSERT INTO chain_meeting VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for Meeting { cell, pair, time, met } in &batch.meetings {
                meeting.execute(params![run.0, signed(*cell as u64)?, signed(*pair)?, signed(*time)?, met])?;
            }
            let mut segment = transaction.prepare_cached(
                "INSERT INTO chain_segment (run, cell, pair, second, tokens) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for part in &batch.segments {
                let cell = signed(part.cell as u64)?;
                segment.execute(params![run.0, cell, signed(part.pair)?, part.second, part.tokens])?;
            }
            put_cells(transaction, run, cells)?;
            put_checkpoint(transaction, run, state)?;
            transaction.execute("UPDATE run SET seconds = ?2 WHERE id = ?1", params![run.0, seconds])?;
            Ok(())
        })
    }

    /// The state that an earlier sitting left, if it left one.
    pub(crate) fn chain_checkpoint<C: DeserializeOwned>(&self, run: RunId) -> Result<Option<C>, StoreError> {
        self.read(|connection| {
            let text: Option<String> = connection
                .query_row("SELECT state FROM chain_checkpoint WHERE run = ?1", [run.0], |row| row.get(0))
                .optional()?;
            text.as_deref().map(from_json).transpose()
        })
    }

    /// Cells in their order, with their summaries as of the last commit.
    pub fn chain_cells<S: DeserializeOwned>(&self, run: RunId) -> Result<Vec<ChainCellRow<S>>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT * FROM chain_cell WHERE run = ?1 ORDER BY cell")?
                .query_map([run.0], |row| {
                    Ok(ChainCellRow {
                        cell: unsigned(row, "cell")?,
                        subject: unsigned(row, "subject")?,
                        model: row.get("model")?,
                        length: unsigned(row, "length")?,
                        temperature: row
                            .get::<_, String>("temperature")?
                            .parse()
                            .map_err(|problem: String| unreadable(problem))?,
                        cap: unsigned(row, "cap")?,
                        finished: row.get("finished")?,
                        summary: from_json(&row.get::<_, String>("summary")?)?,
                    })
                })?
                .collect()
        })
    }

    /// Meetings of one cell, or of all, by cell and pair.
    pub fn chain_meetings(&self, run: RunId, cell: Option<u32>) -> Result<Vec<Meeting>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM chain_meeting WHERE run = ?1 AND (?2 IS NULL OR cell = ?2) ORDER BY cell, pair",
                )?
                .query_map(params![run.0, cell], |row| {
                    Ok(Meeting {
                        cell: unsigned(row, "cell")?,
                        pair: unsigned(row, "pair")?,
                        time: unsigned(row, "time")?,
                        met: row.get("met")?,
                    })
                })?
                .collect()
        })
    }

    /// All recorded tokens of one chain, in the bytes of its segments.
    pub fn chain_tokens(&self, run: RunId, cell: u32, pair: u64, second: bool) -> Result<Vec<u8>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT tokens FROM chain_segment WHERE run = ?1 AND cell = ?2 AND pair = ?3 AND second = ?4
                 ORDER BY ordinal",
            )?;
            let mut rows = statement.query(params![run.0, cell, signed(pair)?, second])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.extend(row.get::<_, Vec<u8>>(0)?);
            }
            Ok(all)
        })
    }

    /// Stores (or replaces) a named document of a run.
    pub(crate) fn put_document(&self, run: RunId, name: &str, document: &impl Serialize) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO run_document VALUES (?1, ?2, ?3)",
                params![run.0, name, json(document)?],
            )?;
            Ok(())
        })
    }

    /// A named document of a run, if it is there.
    pub fn document<D: DeserializeOwned>(&self, run: RunId, name: &str) -> Result<Option<D>, StoreError> {
        self.read(|connection| {
            let text: Option<String> = connection
                .query_row("SELECT json FROM run_document WHERE run = ?1 AND name = ?2", params![run.0, name], |row| {
                    row.get(0)
                })
                .optional()?;
            text.as_deref().map(from_json).transpose()
        })
    }
}
