//! Rows of the `run` table.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::values::{MAX_JSON, from_json, from_word, json, now, unreadable};
use super::{Project, StoreError};
use crate::jobs::spec::RunSpec;

/// Primary key of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RunId(pub i64);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Queued,
    Running,
    Paused,
    Interrupted,
    Done,
    Failed,
    Cancelled,
}

/// Everything that made a run, and where it stands.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RunRow {
    pub id: RunId,
    pub kind: String,
    pub spec: RunSpec,
    /// SHA-256 of the canonical spec JSON.
    pub spec_sha256: String,
    pub seed: u64,
    /// JSON of the `ModelIdentity` list, once loaded.
    pub models_json: Option<String>,
    /// JSON object: input file -> SHA-256.
    pub inputs_json: Option<String>,
    pub program_version: String,
    pub git_commit: Option<String>,
    pub device: String,
    pub state: RunState,
    /// RFC 3339, UTC.
    pub created: String,
    pub started: Option<String>,
    pub finished: Option<String>,
    /// Seconds spent working, over all sittings.
    pub seconds: f64,
    pub error: Option<String>,
    pub archived: bool,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    pub at: String,
    pub level: String,
    pub message: String,
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    pub kind: Option<String>,
    pub archived: bool,
}

impl RunState {
    /// The word that is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

const COLUMNS: &str = "id, kind, spec_sha256, seed, models, inputs, program_version, git_commit, device, state, \
                       created, started, finished, seconds, error, archived";

/// A row of [`COLUMNS`]; its spec is read and parsed once for each connection.
fn row(connection: &Connection, specs: &RefCell<BTreeMap<i64, RunSpec>>, row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let id: i64 = row.get("id")?;
    let known = specs.borrow().get(&id).cloned();
    let spec = match known {
        Some(spec) => spec,
        None => {
            let mut select = connection.prepare_cached("SELECT spec FROM run WHERE id = ?1")?;
            let text: String = select.query_row([id], |row| row.get(0))?;
            let read: RunSpec = from_json(&text)
                .map_err(|error| unreadable(format!("the spec of run {id} cannot be read: {error}")))?;
            specs.borrow_mut().insert(id, read.clone());
            read
        }
    };
    Ok(RunRow {
        id: RunId(id),
        kind: row.get("kind")?,
        spec,
        spec_sha256: row.get("spec_sha256")?,
        seed: row.get::<_, i64>("seed")?.cast_unsigned(),
        models_json: row.get("models")?,
        inputs_json: row.get("inputs")?,
        program_version: row.get("program_version")?,
        git_commit: row.get("git_commit")?,
        device: row.get("device")?,
        state: from_word(row.get("state")?)?,
        created: row.get("created")?,
        started: row.get("started")?,
        finished: row.get("finished")?,
        seconds: row.get("seconds")?,
        error: row.get("error")?,
        archived: row.get("archived")?,
    })
}

/// Adds a queued run.
pub(super) fn insert(connection: &Connection, spec: &RunSpec, device: &str) -> rusqlite::Result<RunId> {
    let text = json(spec)?;
    if text.len() > MAX_JSON {
        return Err(unreadable(format!("the run's spec has {} MB, more than {}", text.len() >> 20, MAX_JSON >> 20)));
    }
    connection.execute(
        "INSERT INTO run (kind, spec, spec_sha256, seed, program_version, git_commit, device, state, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8)",
        params![
            spec.kind(),
            text,
            spec.sha256(),
            spec.seed().cast_signed(),
            env!("CARGO_PKG_VERSION"),
            option_env!("KLEROTERION_COMMIT"),
            device,
            now(),
        ],
    )?;
    Ok(RunId(connection.last_insert_rowid()))
}

fn note(connection: &Connection, id: RunId, level: &str, message: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO run_log (run, ordinal, at, level, message)
             VALUES (?1, (SELECT COALESCE(MAX(ordinal), -1) + 1 FROM run_log WHERE run = ?1), ?2, ?3, ?4)",
        )?
        .execute(params![id.0, now(), level, message])
        .map(drop)
}

impl Project {
    /// Newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM run WHERE archived = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY id DESC"
                ))?
                .query_map(params![filter.archived, filter.kind], |found| row(connection, &self.specs, found))?
                .collect()
        })
    }

    pub fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?
                .query_row([id.0], |found| row(connection, &self.specs, found))
                .optional()
        })?
        .ok_or(StoreError::NoSuchRun(id.0))
    }

    /// Oldest first.
    pub fn log(&self, id: RunId) -> Result<Vec<LogLine>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT at, level, message FROM run_log WHERE run = ?1 ORDER BY ordinal")?
                .query_map([id.0], |row| Ok(LogLine { at: row.get(0)?, level: row.get(1)?, message: row.get(2)? }))?
                .collect()
        })
    }

    /// Hides a run from lists, or shows it again; nothing is deleted.
    pub fn archive(&self, id: RunId, archived: bool) -> Result<(), StoreError> {
        self.change(id, "UPDATE run SET archived = ?2 WHERE id = ?1", params![id.0, archived])
    }

    /// Adds a queued run that is to be worked on `device` (in words).
    pub(crate) fn add_run(&self, spec: &RunSpec, device: &str) -> Result<RunId, StoreError> {
        self.write(|transaction| insert(transaction, spec, device))
    }

    /// Queued runs, oldest first.
    pub(crate) fn queued(&self) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE state = 'queued' ORDER BY id"))?
                .query_map([], |found| row(connection, &self.specs, found))?
                .collect()
        })
    }

    /// Puts a run that stopped before its end back into the queue; an error says why another one cannot go on.
    pub(crate) fn queue(&self, id: RunId) -> Result<(), StoreError> {
        let changed = self.write(|transaction| {
            transaction.execute(
                "UPDATE run SET state = 'queued', finished = NULL, error = NULL
                 WHERE id = ?1 AND state IN ('interrupted', 'failed', 'cancelled', 'queued')",
                [id.0],
            )
        })?;
        if changed > 0 {
            return Ok(());
        }
        let state = self.run(id)?.state.word();
        Err(StoreError::project(
            format!("run {} is {state} and cannot be resumed", id.0),
            "Start it again as a new run",
            &self.info().directory,
        ))
    }

    /// Takes a queued run into work; false if it is not queued (any more).
    pub(crate) fn begin(&self, id: RunId, device: &str) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let changed = transaction.execute(
                "UPDATE run SET state = 'running', started = COALESCE(started, ?2), finished = NULL, error = NULL,
                 device = ?3 WHERE id = ?1 AND state = 'queued'",
                params![id.0, now(), device],
            )?;
            Ok(changed > 0)
        })
    }

    /// Records where a run stands, with the reason where it ended badly, and a line in its log.
    pub(crate) fn set_state(&self, id: RunId, state: RunState, message: Option<&str>) -> Result<(), StoreError> {
        let ended = matches!(state, RunState::Done | RunState::Failed | RunState::Cancelled).then(now);
        let error = matches!(state, RunState::Failed).then_some(message).flatten();
        self.write(|transaction| {
            transaction.execute(
                "UPDATE run SET state = ?2, finished = ?3, error = ?4 WHERE id = ?1",
                params![id.0, state.word(), ended, error],
            )?;
            let level = if state == RunState::Failed { "error" } else { "info" };
            note(transaction, id, level, message.unwrap_or(state.word()))
        })
    }

    /// Seconds of work over all sittings.
    pub(crate) fn set_seconds(&self, id: RunId, seconds: f64) -> Result<(), StoreError> {
        self.change(id, "UPDATE run SET seconds = ?2 WHERE id = ?1", params![id.0, seconds])
    }

    /// Records which models a run evaluates, as JSON.
    pub(crate) fn set_models(&self, id: RunId, models: &str) -> Result<(), StoreError> {
        self.change(id, "UPDATE run SET models = ?2 WHERE id = ?1", params![id.0, models])
    }

    /// Records the hashes of a run's input files, as JSON.
    pub(crate) fn set_inputs(&self, id: RunId, inputs: &str) -> Result<(), StoreError> {
        self.change(id, "UPDATE run SET inputs = ?2 WHERE id = ?1", params![id.0, inputs])
    }

    /// Adds a line (`info`, `warning` or `error`) to a run's log.
    pub(crate) fn note(&self, id: RunId, level: &str, message: &str) -> Result<(), StoreError> {
        self.write(|transaction| note(transaction, id, level, message))
    }

    /// What a process that ended left running was interrupted.
    pub(super) fn interrupt_stale(&self) -> Result<(), StoreError> {
        let stale: Vec<i64> = self.read(|connection| {
            connection
                .prepare("SELECT id FROM run WHERE state IN ('running', 'paused')")?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        for id in stale {
            let message = "the program ended while this run was under way; Resume goes on from the last saved batch";
            self.set_state(RunId(id), RunState::Interrupted, Some(message))?;
        }
        Ok(())
    }

    fn change(&self, id: RunId, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        match self.write(|transaction| transaction.prepare_cached(sql)?.execute(values))? {
            0 => Err(StoreError::NoSuchRun(id.0)),
            _ => Ok(()),
        }
    }
}
