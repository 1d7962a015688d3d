//! How values become columns and back: enumerations as their serde words, arrays as little-endian blobs, times as text.

use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest JSON text that is read from a database.
pub(super) const MAX_JSON: usize = 64 << 20;

/// A stored value that cannot be what we wrote.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}

/// The time now: RFC 3339, UTC, milliseconds.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A unit variant's serde name.
pub(super) fn word(value: &impl Serialize) -> rusqlite::Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(unreadable(format!("{other} is not a word"))),
        Err(error) => Err(unreadable(error)),
    }
}

/// The value whose serde name is `word`.
pub(super) fn from_word<T: DeserializeOwned>(word: String) -> rusqlite::Result<T> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(unreadable)
}

/// `value` as JSON text.
pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(unreadable)
}

/// Reads JSON text within bounds of size and (serde_json's own) depth.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    if text.len() > MAX_JSON {
        return Err(unreadable(format!("a text of {} bytes is larger than {MAX_JSON}", text.len())));
    }
    serde_json::from_str(text).map_err(unreadable)
}

/// Token ids as a blob.
pub(super) fn tokens_blob(tokens: &[u32]) -> Vec<u8> {
    tokens.iter().flat_map(|token| token.to_le_bytes()).collect()
}

pub(super) fn tokens(blob: &[u8]) -> rusqlite::Result<Vec<u32>> {
    let (words, rest) = blob.as_chunks::<4>();
    if rest.is_empty() {
        Ok(words.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    } else {
        Err(unreadable("a blob of token ids with a broken end"))
    }
}

/// Reals as a blob.
pub(super) fn reals_blob(reals: &[f64]) -> Vec<u8> {
    reals.iter().flat_map(|real| real.to_le_bytes()).collect()
}

pub(super) fn reals(blob: &[u8]) -> rusqlite::Result<Vec<f64>> {
    let (words, rest) = blob.as_chunks::<8>();
    if rest.is_empty() {
        Ok(words.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    } else {
        Err(unreadable("a blob of reals with a broken end"))
    }
}

/// A real column: SQLite keeps NaN as NULL.
pub(super) fn real(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<f64> {
    row.get::<_, Option<f64>>(column).map(|value| value.unwrap_or(f64::NAN))
}

/// An unsigned integer column.
pub(super) fn unsigned<T: TryFrom<i64>>(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<T> {
    let value: i64 = row.get(column)?;
    T::try_from(value).map_err(|_| unreadable(format!("{column} = {value} is out of range")))
}

/// An index or count as SQLite's signed integer.
pub(super) fn signed(value: u64) -> rusqlite::Result<i64> {
    i64::try_from(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
