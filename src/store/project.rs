//! A project: a folder with `project.sqlite` and the user's files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};

use super::folder::{self, Contents, DATABASE, FolderLock};
use super::sample::Sample;
use super::values::now;
use super::{StoreError, schema};
use crate::jobs::spec::RunSpec;

/// A database in the making; it gets its real name once it is whole.
const UNFINISHED: &str = "project.sqlite-new";

/// What a start page shows of a project.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ProjectInfo {
    pub name: String,
    pub directory: PathBuf,
    pub description: String,
}

/// An open project. One writer per folder: opening takes a lock that ends with the process.
#[derive(Debug)]
pub struct Project {
    info: ProjectInfo,
    connection: Connection,
    /// Specs of runs that were read: they never change, and those of lotteries hold everybody.
    pub(super) specs: RefCell<BTreeMap<i64, RunSpec>>,
    /// Held for as long as anything in this process writes to the folder; a reader has none.
    _lock: Option<Arc<FolderLock>>,
}

impl Project {
    /// Makes a new project in `directory`, which must be empty or not exist.
    pub fn create(directory: &Path, name: &str) -> Result<Self, StoreError> {
        let made = folder::claim_empty(directory)?;
        let result = folder::locate(directory).and_then(|path| {
            let lock = FolderLock::take(&path)?;
            let sample = Sample { name: name.to_owned(), ..Sample::default() };
            make_database(&path, &sample).and_then(|()| Self::writer(path, lock.clone())).inspect_err(|_| lock.undo())
        });
        if made && result.is_err() {
            // Only succeeds on the empty folder made above.
            fs::remove_dir(directory).ok();
        }
        result
    }

    /// Opens a project; a sample (a folder with `project.toml` and no database) gets its database now, and its
    /// `[[run]]` entries become queued runs. Runs left "running" become "interrupted".
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = folder::locate(directory)?;
        if FolderLock::held(&path).is_some() {
            return Err(FolderLock::elsewhere(&path));
        }
        let sample = match folder::examine(&path)? {
            Contents::Database => None,
            Contents::Sample => Some(Sample::read(&path)?),
        };
        let lock = FolderLock::take(&path)?;
        let open = || {
            match &sample {
                Some(sample) if !path.join(DATABASE).exists() => make_database(&path, sample)?,
                _ => {}
            }
            let project = Self::writer(path.clone(), lock.clone())?;
            project.interrupt_stale()?;
            Ok(project)
        };
        open().inspect_err(|_| lock.undo())
    }

    /// A further writing connection for another thread of the process that has the project open; opens it otherwise.
    pub(crate) fn open_beside(directory: &Path) -> Result<Self, StoreError> {
        let path = folder::locate(directory)?;
        match FolderLock::held(&path) {
            Some(lock) => Self::writer(path, lock),
            None => Self::open(&path),
        }
    }

    /// A read-only connection to a project that this process (or another) has open: no lock, no migration.
    pub fn open_reader(directory: &Path) -> Result<Self, StoreError> {
        let path = folder::locate(directory)?;
        let database = path.join(DATABASE);
        if !fs::symlink_metadata(&database).is_ok_and(|metadata| metadata.is_file()) {
            return Err(StoreError::project(
                "there is no project database in this folder",
                "Open the project first: a sample gets its database then",
                &path,
            ));
        }
        let failed = |error| StoreError::database(&error, &database);
        let connection = schema::connect(&database, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        connection.pragma_update(None, "query_only", true).map_err(failed)?;
        if schema::check(&connection, &database)? < schema::VERSION {
            return Err(StoreError::project(
                "this project was saved by an older Kleroterion",
                "Open it once for writing, which brings it up to date",
                &path,
            ));
        }
        Ok(Self {
            info: read_info(&connection, path).map_err(failed)?,
            connection,
            specs: RefCell::default(),
            _lock: None,
        })
    }

    /// Opens the database for writing under a lock that the process holds.
    fn writer(directory: PathBuf, lock: Arc<FolderLock>) -> Result<Self, StoreError> {
        let database = directory.join(DATABASE);
        let failed = |error| StoreError::database(&error, &database);
        let mut connection = schema::connect(&database, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        if connection.is_readonly("main").map_err(failed)? {
            return Err(StoreError::read_only(&database));
        }
        let version = schema::check(&connection, &database)?;
        if version < schema::VERSION {
            let backup = directory.join(format!("{DATABASE}-before-{}", schema::VERSION));
            copy_database(&connection, &backup)?;
            schema::migrate(&mut connection).map_err(failed)?;
            schema::check(&connection, &database)?;
        }
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        let info = read_info(&connection, directory).map_err(failed)?;
        Ok(Self { info, connection, specs: RefCell::default(), _lock: Some(lock) })
    }

    pub fn info(&self) -> &ProjectInfo {
        &self.info
    }

    /// Copies the whole project (database by the backup API, then the user's files) to a new folder. Work that was
    /// under way is marked interrupted in the copy, so that only one of the two goes on with it.
    pub fn duplicate(&self, to: &Path) -> Result<(), StoreError> {
        if std::path::absolute(to).is_ok_and(|to| to.starts_with(&self.info.directory)) {
            return Err(StoreError::project(
                "a copy cannot lie inside the project it copies",
                "Choose a folder beside it",
                to,
            ));
        }
        let made = folder::claim_empty(to)?;
        let copy = || {
            folder::copy_user_files(&self.info.directory, to)?;
            let unfinished = to.join(UNFINISHED);
            copy_database(&self.connection, &unfinished)?;
            finish(to, |connection| {
                connection.execute(
                    "UPDATE run SET state = 'interrupted' WHERE state IN ('queued', 'running', 'paused')",
                    [],
                )?;
                Ok(())
            })
        };
        copy().inspect_err(|_| {
            // The folder was empty or absent before: what lies in it now is half a copy.
            if made {
                fs::remove_dir_all(to).ok();
            } else if let Ok(entries) = fs::read_dir(to) {
                for path in entries.flatten().map(|entry| entry.path()) {
                    if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.ok();
                }
            }
        })
    }

    /// A path given by a project's contents, made absolute; fails if it leaves the folder (`..`, links, absolute).
    pub fn inside(&self, relative: &Path) -> Result<PathBuf, StoreError> {
        folder::inside(&self.info.directory, relative)
    }

    /// The first thing SQLite's integrity check finds wrong with the database, if anything. Reads all of it.
    pub fn damage(&self) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            Ok((found != "ok").then_some(found))
        })
    }

    /// Named lists of sentences in the project, e.g. from CSV or text imports; sorted by name.
    pub fn sentence_lists(&self) -> Result<Vec<(String, Vec<String>)>, StoreError> {
        self.read(|connection| {
            let mut lists: Vec<(String, Vec<String>)> = Vec::new();
            let mut statement = connection.prepare_cached(
                "SELECT l.id, l.name, s.text FROM sentence_list l LEFT JOIN sentence s ON s.list = l.id
                 ORDER BY l.name, l.id, s.ordinal",
            )?;
            let mut rows = statement.query([])?;
            let mut last = None;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if last != Some(id) {
                    lists.push((row.get(1)?, Vec::new()));
                    last = Some(id);
                }
                if let (Some(text), Some((_, sentences))) = (row.get(2)?, lists.last_mut()) {
                    sentences.push(text);
                }
            }
            Ok(lists)
        })
    }

    /// Stores or replaces a named list of sentences.
    pub fn put_sentence_list(&self, name: &str, sentences: &[String]) -> Result<(), StoreError> {
        self.write(|transaction| put_list(transaction, name, sentences))
    }

    /// A draft form (autosaved, JSON) by its key, such as `certify`.
    pub fn draft(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT json FROM draft WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    pub fn put_draft(&self, key: &str, json: &str) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO draft (key, json, changed) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET json = excluded.json, changed = excluded.changed",
                )?
                .execute(params![key, json, now()])
                .map(drop)
        })
    }

    /// Reads from one snapshot of the database.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let run = || {
            let snapshot = Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred)?;
            let value = query(&snapshot)?;
            snapshot.finish()?;
            Ok(value)
        };
        run().map_err(|error| self.explain(&error))
    }

    /// Writes in one transaction: all of it is kept, or nothing.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = || {
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::database(error, &self.info.directory.join(DATABASE))
    }
}

pub(super) fn put_list(connection: &Connection, name: &str, sentences: &[String]) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sentence_list WHERE name = ?1", [name])?;
    connection.execute("INSERT INTO sentence_list (name) VALUES (?1)", [name])?;
    let list = connection.last_insert_rowid();
    let mut insert = connection.prepare_cached("INSERT INTO sentence (list, ordinal, text) VALUES (?1, ?2, ?3)")?;
    for (ordinal, text) in (0_i64..).zip(sentences) {
        insert.execute(params![list, ordinal, text])?;
    }
    Ok(())
}

fn read_info(connection: &Connection, directory: PathBuf) -> rusqlite::Result<ProjectInfo> {
    let value = |key: &str| {
        connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, String>(0))
            .optional()
            .map(Option::unwrap_or_default)
    };
    Ok(ProjectInfo { name: value("name")?, description: value("description")?, directory })
}

/// Makes `project.sqlite` under another name and renames it once it is whole, so that no crash leaves half a project.
fn make_database(directory: &Path, sample: &Sample) -> Result<(), StoreError> {
    let path = directory.join(UNFINISHED);
    discard(&path);
    let fill = |connection: &mut Connection| {
        schema::found(connection)?;
        let transaction = connection.transaction()?;
        for (key, value) in [("name", &sample.name), ("description", &sample.description), ("created", &now())] {
            transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [key, value])?;
        }
        for (name, sentences) in &sample.lists {
            put_list(&transaction, name, sentences)?;
        }
        for spec in &sample.runs {
            super::runs::insert(&transaction, spec, &crate::jobs::device())?;
        }
        transaction.commit()
    };
    finish(directory, fill)
}

/// Opens (or makes) the unfinished database, lets `fill` complete it, and gives it its real name; on failure it is removed.
fn finish(directory: &Path, fill: impl FnOnce(&mut Connection) -> rusqlite::Result<()>) -> Result<(), StoreError> {
    let (unfinished, path) = (directory.join(UNFINISHED), directory.join(DATABASE));
    let work = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = schema::connect(&unfinished, flags)?;
        fill(&mut connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.close().map_err(|(_, error)| error)
    };
    work()
        .map_err(|error| StoreError::database(&error, &path))
        .and_then(|()| {
            fs::rename(&unfinished, &path)
                .map_err(|error| StoreError::file(&error, "making the project database", &path))
        })
        .inspect_err(|_| discard(&unfinished))
}

/// Removes a database that never became a project's, with SQLite's companions.
fn discard(path: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Absent is the usual case; a file that stays is overwritten by the next attempt.
        fs::remove_file(PathBuf::from(name)).ok();
    }
}

/// A copy of the whole database as of now, by the backup API. An older file at `to` is replaced; a failed copy removed.
fn copy_database(from: &Connection, to: &Path) -> Result<(), StoreError> {
    discard(to);
    let copy = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut target = Connection::open_with_flags(to, flags)?;
        let backup = Backup::new(from, &mut target)?;
        // All pages in one step: a step for each few pages would start again after every write by another connection.
        while !matches!(backup.step(-1)?, StepResult::Done) {
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(backup);
        target.close().map_err(|(_, error)| error)
    };
    copy().map_err(|error: rusqlite::Error| {
        discard(to);
        StoreError::database(&error, to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_loses_nothing_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::create(&folder.path().join("p"), "Full").unwrap();
        project.put_sentence_list("kept", &["the river rose .".to_owned()]).unwrap();
        let pages: i64 = project.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        project.connection.pragma_update(None, "max_page_count", pages).unwrap();
        let long: Vec<String> = (0..10_000).map(|k| format!("sentence {k} of a list that does not fit")).collect();
        let error = project.put_sentence_list("kept", &long).unwrap_err().to_string();
        assert!(error.starts_with("the disk is full. Free some space"), "{error}");
        assert_eq!(project.sentence_lists().unwrap(), [("kept".to_owned(), vec!["the river rose .".to_owned()])]);
        project.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        project.put_sentence_list("kept", &long).unwrap();
        assert_eq!(project.sentence_lists().unwrap()[0].1.len(), 10_000);
    }

    #[test]
    fn an_older_schema_is_backed_up_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        drop(Project::create(&path, "Old").unwrap());
        // A version 1 project: what the first migration alone makes.
        fs::remove_file(path.join(DATABASE)).unwrap();
        let old = Connection::open(path.join(DATABASE)).unwrap();
        old.pragma_update(None, "application_id", schema::APPLICATION_ID).unwrap();
        old.execute_batch(include_str!("migrations/01_runs.sql")).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute("INSERT INTO meta VALUES ('name', 'Old')", []).unwrap();
        old.close().unwrap();
        let reader = Project::open_reader(&path).unwrap_err().to_string();
        assert!(reader.starts_with("this project was saved by an older Kleroterion"), "{reader}");

        let project = Project::open(&path).unwrap();
        assert_eq!(project.info().name, "Old");
        assert_eq!(schema::version(&project.connection).unwrap(), schema::VERSION);
        let backup = Connection::open(path.join(format!("{DATABASE}-before-{}", schema::VERSION))).unwrap();
        assert_eq!(schema::version(&backup).unwrap(), 1);
        let name: String = backup.query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
        assert_eq!(name, "Old");
    }

    #[test]
    fn a_connection_defends_itself() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::create(&folder.path().join("p"), "Safe").unwrap();
        let on = |setting| project.connection.db_config(setting).unwrap();
        use rusqlite::config::DbConfig;
        assert!(on(DbConfig::SQLITE_DBCONFIG_DEFENSIVE) && on(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY));
        assert!(!on(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA) && !on(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER));
        assert!(!on(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW));
        assert!(project.connection.execute("ATTACH ':memory:' AS other", []).is_err());
        let mode: String = project.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        let reader = Project::open_reader(&folder.path().join("p")).unwrap();
        assert!(reader.put_draft("certify", "{}").is_err());
    }
}
