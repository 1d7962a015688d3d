//! The database's shape: migrations, what a database of each version must contain, and how a connection is hardened.
//!
//! A project may come from a stranger. Before anything is written or any table is read, the stored schema is compared,
//! text for text, with what our own migrations make; a trigger, view or index that we did not put there is refused.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::StoreError;

/// `KLRO`, in the database header: tells our projects from other programs' databases.
pub(super) const APPLICATION_ID: u32 = 0x4b4c_524f;

/// In order; a released file never changes, further ones are added.
const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/01_runs.sql")),
    M::up(include_str!("migrations/02_results.sql")),
    M::up(include_str!("migrations/03_chains.sql")),
    M::up(include_str!("migrations/04_panels.sql")),
    M::up(include_str!("migrations/05_training.sql")),
    M::up(include_str!("migrations/06_judging.sql")),
    M::up(include_str!("migrations/07_collecting.sql")),
    M::up(include_str!("migrations/08_call_sums.sql")),
    M::up(include_str!("migrations/09_people.sql")),
];

const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

/// The schema version this program writes (`user_version`).
pub(super) const VERSION: usize = STEPS.len();

/// How long a statement waits for another connection's transaction.
const BUSY: Duration = Duration::from_secs(20);

/// Longest text, blob or row, in bytes: room for the logits of large token sets, not for a bomb.
const MAX_LENGTH: i32 = 1 << 29;

/// One row of `sqlite_schema`: type, name, table, SQL.
type Entry = (String, String, String, Option<String>);

/// What a database of version `k + 1` contains.
static EXPECTED: LazyLock<Vec<Vec<Entry>>> = LazyLock::new(|| {
    (1..=VERSION)
        .map(|version| {
            let mut memory = Connection::open_in_memory().expect("SQLite opens a database in memory");
            MIGRATIONS.to_version(&mut memory, version).expect("our own migrations are valid SQL");
            entries(&memory).expect("a fresh schema can be read")
        })
        .collect()
});

fn entries(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    connection
        .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect()
}

/// Opens the database at `path` with every defence on, before its schema is used for anything.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    Ok(connection)
}

/// Creates the schema of this program's version in an empty database.
pub(super) fn found(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate(connection)
}

/// Brings a checked database to this program's version, in one transaction for each step.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    MIGRATIONS.to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err,
        other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
    })
}

/// The schema version of the database, as its header says.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

/// A database written by a later program.
pub(super) fn newer(version: usize, path: &Path) -> StoreError {
    StoreError::project(
        format!("this project was saved by a newer Kleroterion (schema {version}; this program knows {VERSION})"),
        "Update Kleroterion, then open it again",
        path,
    )
}

/// Fails unless the database holds exactly what our migrations put there; nothing in it has been executed yet.
/// Returns its version.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let database = |error| StoreError::database(&error, path);
    let id: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(database)?;
    if id != APPLICATION_ID {
        return Err(foreign(path));
    }
    let version = version(connection).map_err(database)?;
    if version > VERSION {
        return Err(newer(version, path));
    }
    let Some(expected) = version.checked_sub(1).and_then(|k| EXPECTED.get(k)) else { return Err(foreign(path)) };
    let found = entries(connection).map_err(database)?;
    if let Some((kind, name, ..)) = found.iter().find(|entry| !expected.contains(entry)) {
        return Err(StoreError::project(
            format!("this project database was altered: it has a {kind} {name:?} that Kleroterion did not make"),
            "Do not trust it: ask its sender for the original, or put a backup in its place",
            path,
        ));
    }
    if let Some((kind, name, ..)) = expected.iter().find(|entry| !found.contains(entry)) {
        return Err(StoreError::damaged(&format!("its {kind} {name:?} is missing"), path));
    }
    Ok(version)
}

/// An SQLite database that is not ours.
pub(super) fn foreign(path: &Path) -> StoreError {
    StoreError::project(
        "this database belongs to another program",
        "Open a folder that Kleroterion made, or move the file away to start a new project here",
        path,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid_and_make_no_code() {
        MIGRATIONS.validate().unwrap();
        for entries in EXPECTED.iter() {
            assert!(entries.iter().all(|(kind, ..)| kind == "table" || kind == "index"));
        }
        assert!(EXPECTED[VERSION - 1].len() > EXPECTED[0].len());
    }
}
