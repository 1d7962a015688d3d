//! Lists of people by their ids: one a line, or a table with a column of ids and, if wished, one that says why.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::decode::decode;
use super::delimited::records;
use crate::sortition::before::Named;
use crate::sortition::pool::Pool;

/// Largest file that is read.
const MAX_BYTES: u64 = 64 << 20;
/// Headers that a column of ids may have beside the one that is asked for.
const ID_NAMES: [&str; 3] = ["id", "nationbuilder_id", "user_id"];
/// Headers of the column that says why.
const WHY_NAMES: [&str; 3] = ["why", "reason", "note"];

/// Why a list of people was refused.
#[derive(Debug, thiserror::Error)]
pub enum NamedPeopleError {
    #[error("the list of people cannot be read: {reason}. Check the name and your permission ({path})", path = .path.display())]
    Unreadable { reason: String, path: PathBuf },
    #[error("the list of people is larger than {limit} MB ({path})", limit = MAX_BYTES >> 20, path = .path.display())]
    TooLarge { path: PathBuf },
    #[error("row {row}: there is no id. Write one in each row, or take the row out ({path})", path = .path.display())]
    NoId { row: u32, path: PathBuf },
    #[error("nobody is named. Write one id on each line, or a table with a column \"id\" ({path})", path = .path.display())]
    Nobody { path: PathBuf },
    #[error("nobody among the people has the id {id:?}: correct it, or take it out ({path})", path = .path.display())]
    Unknown { id: String, path: PathBuf },
    #[error("{id:?} is named twice: take one of the two out ({path})", path = .path.display())]
    Twice { id: String, path: PathBuf },
}

/// The people of a list, as places in `pool`, with why they are named; a list that names somebody who is not there, or
/// somebody twice, is refused as a whole. `id` is the header of the column of ids in the file of the people.
pub fn read_among(path: &Path, id: Option<&str>, pool: &Pool) -> Result<Vec<Named>, NamedPeopleError> {
    let listed = read(path, id)?;
    let mut places: HashMap<&str, (u32, bool)> =
        pool.ids().iter().map(String::as_str).zip((0..).map(|place| (place, false))).collect();
    let mut found = Vec::with_capacity(listed.len());
    for (id, why) in listed {
        match places.get_mut(id.as_str()) {
            None => return Err(NamedPeopleError::Unknown { id, path: path.into() }),
            Some((_, true)) => return Err(NamedPeopleError::Twice { id, path: path.into() }),
            Some((place, taken)) => {
                *taken = true;
                found.push((*place, why));
            }
        }
    }
    Ok(found)
}

/// Ids with why they are named (empty where the file does not say), in the order of the file; the first row is a header
/// where one of its cells is `id` or a usual name for ids.
pub fn read(path: &Path, id: Option<&str>) -> Result<Vec<(String, String)>, NamedPeopleError> {
    let unreadable = |reason: String| NamedPeopleError::Unreadable { reason, path: path.into() };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(NamedPeopleError::TooLarge { path: path.into() });
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let (text, _) = decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
    named(&text, id).map_err(|problem| match problem {
        Problem::NoId(row) => NamedPeopleError::NoId { row, path: path.into() },
        Problem::Nobody => NamedPeopleError::Nobody { path: path.into() },
        Problem::Table(reason) => unreadable(reason),
    })
}

#[derive(Debug, PartialEq)]
enum Problem {
    /// The row has no id.
    NoId(u32),
    Nobody,
    Table(String),
}

fn named(text: &str, id: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let (rows, _) = records(text);
    let mut people: Vec<(String, String)> = Vec::new();
    let (mut id_column, mut why_column) = (0, Some(1));
    let mut first = true;
    for record in rows {
        let record = record.map_err(|error| Problem::Table(error.to_string()))?;
        let cells: Vec<&str> = record.cells.iter().map(|cell| cell.trim()).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        if std::mem::take(&mut first) {
            let at = |names: &[&str]| {
                cells.iter().position(|cell| names.iter().any(|name| cell.to_lowercase() == name.to_lowercase()))
            };
            if let Some(column) = id.and_then(|id| at(&[id])).or_else(|| at(&ID_NAMES)) {
                (id_column, why_column) = (column, at(&WHY_NAMES));
                continue;
            }
        }
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        if cell(id_column).is_empty() {
            return Err(Problem::NoId(record.row));
        }
        people.push((cell(id_column).to_owned(), why_column.map_or_else(String::new, |why| cell(why).to_owned())));
    }
    if people.is_empty() { Err(Problem::Nobody) } else { Ok(people) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[(&str, &str)]) -> Vec<(String, String)> {
        found.iter().map(|&(id, why)| (id.to_owned(), why.to_owned())).collect()
    }

    #[test]
    fn ids_come_bare_or_in_a_table() {
        assert_eq!(named("p1\n\np 2\r\n", None), Ok(pairs(&[("p1", ""), ("p 2", "")])));
        assert_eq!(named("p1,a witness\np2,\n", None), Ok(pairs(&[("p1", "a witness"), ("p2", "")])));
        let table = "name,ID,why\nAnn,p1,\"pilot, 2024\"\nBo,p2,\n";
        assert_eq!(named(table, None), Ok(pairs(&[("p1", "pilot, 2024"), ("p2", "")])));
        assert_eq!(named("who,x\np1,p2\n", Some("X")), Ok(pairs(&[("p2", "")])));
        assert_eq!(named("id,why\n,x\n", None), Err(Problem::NoId(2)));
        assert_eq!(named("id\n", None), Err(Problem::Nobody));
    }
}
