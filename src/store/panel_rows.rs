//! Rows of the pool tables: people that panels are drawn from, one row a person.

use rusqlite::{OptionalExtension, params};

use super::values::{from_json, json, now, signed, unreadable};
use super::{Project, StoreError};
use crate::sortition::pool::{Attribute, Pool};

/// Pools that are kept, so that an import can be undone; older ones are forgotten.
const KEPT: i64 = 4;

/// People as they were imported.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPool {
    /// Number in the project.
    pub id: i64,
    /// Name of the file they came from, without its folder.
    pub source: String,
    /// SHA-256 of that file, hexadecimal; of the pool itself where there was no file.
    pub sha256: String,
    /// When, as RFC 3339 in UTC.
    pub imported: String,
    /// How the columns of the file were read, as JSON.
    pub mapping: String,
    pub pool: Pool,
}

impl Project {
    /// A pool with its people, if it is there.
    pub fn pool(&self, id: i64) -> Result<Option<StoredPool>, StoreError> {
        self.read(|connection| {
            let head = connection
                .prepare_cached("SELECT source, sha256, imported, mapping, attributes FROM pool WHERE id = ?1")?
                .query_row([id], |row| {
                    let attributes: Vec<Attribute> = from_json(&row.get::<_, String>(4)?)?;
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, attributes))
                })
                .optional()?;
            let Some((source, sha256, imported, mapping, attributes)) = head else { return Ok(None) };
            let (mut ids, mut values, mut households) = (Vec::new(), Vec::new(), Vec::new());
            let mut statement = connection
                .prepare_cached("SELECT name, answers, household FROM pool_person WHERE pool = ?1 ORDER BY ordinal")?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                ids.push(row.get::<_, String>(0)?);
                let answers: Vec<u8> = row.get(1)?;
                values.push(
                    answers.chunks(2).map(|pair| pair.iter().rev().fold(0, |n, &b| n << 8 | u16::from(b))).collect(),
                );
                households.push(row.get::<_, String>(2)?);
            }
            if households.iter().all(String::is_empty) {
                households.clear();
            }
            let pool = Pool::new(attributes, ids, &values, households).map_err(unreadable)?;
            Ok(Some(StoredPool { id, source, sha256, imported, mapping, pool }))
        })
    }

    /// Stores a pool and gives its number; the oldest ones make room.
    pub fn put_pool(&self, source: &str, sha256: &str, mapping: &str, pool: &Pool) -> Result<i64, StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO pool (source, sha256, imported, mapping, attributes) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![source, sha256, now(), mapping, json(&pool.attributes())?],
            )?;
            let id = transaction.last_insert_rowid();
            let mut insert = transaction.prepare_cached("INSERT INTO pool_person VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (person, name) in pool.ids().iter().enumerate() {
                let answers: Vec<u8> = pool.values(person).iter().flat_map(|value| value.to_le_bytes()).collect();
                let household = pool.household(person).unwrap_or_default();
                insert.execute(params![id, signed(person as u64)?, name, answers, household])?;
            }
            transaction
                .execute("DELETE FROM pool WHERE id NOT IN (SELECT id FROM pool ORDER BY id DESC LIMIT ?1)", [KEPT])?;
            Ok(id)
        })
    }

    /// Deletes every pool with its people.
    pub fn forget_pools(&self) -> Result<(), StoreError> {
        self.write(|transaction| transaction.execute("DELETE FROM pool", []).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::sample_pool;

    #[test]
    fn people_come_back_as_they_were_and_old_pools_make_room() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::create(&folder.path().join("p"), "Town").unwrap();
        let pool = sample_pool::pool().unwrap();
        let first = project.put_pool("people.csv", "abc", "{}", &pool).unwrap();
        let found = project.pool(first).unwrap().unwrap();
        assert_eq!((found.pool, found.source.as_str()), (pool.clone(), "people.csv"));
        let alone = Pool::new(Vec::new(), vec!["one".into()], &[Vec::new()], Vec::new()).unwrap();
        for _ in 0..KEPT {
            project.put_pool("other.csv", "def", "{}", &alone).unwrap();
        }
        assert!(project.pool(first).unwrap().is_none());
        assert_eq!(project.pool(first + 1).unwrap().unwrap().pool, alone);
        project.forget_pools().unwrap();
        assert!(project.pool(first + 1).unwrap().is_none());
    }
}
