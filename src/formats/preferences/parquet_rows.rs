//! Parquet files, row group by row group. Snappy, the usual compression, and none are read; others need a library in C.

use std::fs::File;
use std::path::Path;

use parquet::basic::Compression;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field as Cell, Row};
use serde_json::{Map, Number, Value};

use super::PreferencesError;
use super::import::Records;
use crate::progress::Progress;

pub(super) fn read(path: &Path, records: &mut Records, progress: &dyn Progress) -> Result<(), PreferencesError> {
    let unreadable = |reason: String| PreferencesError::Unreadable { path: path.into(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|error| unreadable(error.to_string()))?;
    let about = reader.metadata();
    let columns = about.row_groups().iter().flat_map(|group| group.columns());
    let other = columns
        .map(|column| column.compression())
        .find(|codec| !matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY));
    if let Some(codec) = other {
        return Err(unreadable(format!(
            "it is compressed with {codec}, which this program does not read. Write it again with Snappy, or as JSON lines \
             (pandas.read_parquet(\"in.parquet\").to_json(\"out.jsonl\", orient=\"records\", lines=True))"
        )));
    }
    let names: Vec<String> =
        about.file_metadata().schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    records.check_names(&names, false)?;
    let total = about.file_metadata().num_rows().max(0) as u64;
    let rows = reader.get_row_iter(None).map_err(|error| unreadable(error.to_string()))?;
    for (number, row) in (1..).zip(rows) {
        records.take(number, Ok(object(&row.map_err(|error| unreadable(error.to_string()))?)))?;
        if number.is_multiple_of(1024) {
            progress.checkpoint()?;
            progress.report(number, total);
        }
    }
    Ok(())
}

fn object(row: &Row) -> Map<String, Value> {
    row.get_column_iter().map(|(name, cell)| (name.clone(), value(cell))).collect()
}

/// A cell as JSON; dates and the like, which no field of a preference is, as their text.
fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Byte(number) => Value::from(*number),
        Cell::Short(number) => Value::from(*number),
        Cell::Int(number) => Value::from(*number),
        Cell::Long(number) => Value::from(*number),
        Cell::UByte(number) => Value::from(*number),
        Cell::UShort(number) => Value::from(*number),
        Cell::UInt(number) => Value::from(*number),
        Cell::ULong(number) => Value::from(*number),
        Cell::Float(number) => Number::from_f64(f64::from(*number)).map_or(Value::Null, Value::Number),
        Cell::Double(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        Cell::Str(text) => Value::String(text.clone()),
        Cell::Bytes(bytes) => Value::String(String::from_utf8_lossy(bytes.data()).into_owned()),
        Cell::Group(row) => Value::Object(object(row)),
        Cell::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        other => Value::String(other.to_string()),
    }
}
