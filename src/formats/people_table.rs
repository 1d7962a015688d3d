//! Tables of people from spreadsheets: CSV (comma, semicolon or tab) and the first sheet of an Excel workbook, as text.

use std::path::Path;

use calamine::{Data, Reader as _};
use sha2::{Digest, Sha256};

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 512 << 20;

/// A table as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PeopleTable {
    /// Name of the file.
    pub source: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells, trimmed; every row as long as the header. Row `k` is line `k + 2` of the sheet where no cell holds a line end.
    pub rows: Vec<Vec<String>>,
}

/// Reads the table at `path`; errors say what to do and end with the path.
pub fn read(path: &Path) -> Result<PeopleTable, String> {
    let place = path.display();
    let size = std::fs::metadata(path).map_err(|error| format!("The file could not be read: {error}. {place}"))?.len();
    if size > MAX_BYTES {
        return Err(format!(
            "The file is larger than {} MB: leave out columns that are not needed. {place}",
            MAX_BYTES >> 20
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("The file could not be read: {error}. {place}"))?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let source = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let mut rows = match ending.as_deref() {
        Some("xlsx") => workbook(bytes),
        Some("xls" | "ods" | "numbers") => Err("Save it as xlsx or CSV first".to_owned()),
        _ => text(&bytes),
    }
    .map_err(|problem| format!("{problem}. {place}"))?
    .into_iter();
    let header = rows.next().filter(|header| header.iter().any(|name| !name.is_empty()));
    let header = header.ok_or_else(|| format!("The table is empty: its first row should name the columns. {place}"))?;
    if let Some(twice) = header.iter().enumerate().find(|(k, name)| !name.is_empty() && header[..*k].contains(name)) {
        return Err(format!("The column “{}” stands twice: rename one of them. {place}", twice.1));
    }
    let rows = rows
        .filter(|row| row.iter().any(|cell| !cell.is_empty()))
        .map(|mut row| {
            row.resize(header.len(), String::new());
            row
        })
        .collect();
    Ok(PeopleTable { source, sha256, header, rows })
}

fn text(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        format!("Line {line} is not in UTF-8: save the table as “CSV UTF-8”, or as xlsx")
    })?;
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(count).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut width = 0;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!("Row {} cannot be read: {error}", rows.len() + 1))?;
        if rows.is_empty() {
            width = record.len();
        }
        if record.iter().skip(width).any(|cell| !cell.trim().is_empty()) {
            return Err(format!(
                "Row {} has {} cells where the header has {width}: quote cells that hold a “{}”",
                rows.len() + 1,
                record.len(),
                delimiter as char
            ));
        }
        rows.push(record.iter().take(width).map(|cell| cell.trim().to_owned()).collect());
    }
    Ok(rows)
}

fn workbook(bytes: Vec<u8>) -> Result<Vec<Vec<String>>, String> {
    let broken = |error: calamine::XlsxError| format!("The workbook cannot be read: {error}");
    let mut workbook: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).map_err(broken)?;
    let sheet = workbook.worksheet_range_at(0).ok_or("The workbook has no sheet")?.map_err(broken)?;
    let cell = |cell: &Data| match cell {
        Data::Empty => String::new(),
        other => other.to_string().trim().to_owned(),
    };
    Ok(sheet.rows().map(|row| row.iter().map(cell).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, bytes: &[u8]) -> Result<PeopleTable, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn spreadsheets_come_in_several_dresses() {
        for bytes in ["\u{feff}id,age\r\n1, old \r\n\r\n2,\r\n", "id;age\n1;old\n2\n", "id\tage\n1\told\n2\t\n"] {
            let table = table("people.csv", bytes.as_bytes()).unwrap();
            assert_eq!(table.header, ["id", "age"]);
            assert_eq!(table.rows, [["1", "old"], ["2", ""]]);
        }
    }

    #[test]
    fn what_is_no_table_is_told_with_its_row() {
        for (bytes, told) in [
            (&b"id,name\n1,Jos\xe9\n"[..], "Line 2 is not in UTF-8"),
            (b"", "The table is empty"),
            (b"id,id\n1,2\n", "stands twice"),
            (b"id,age\n1,a,b\n", "Row 2 has 3 cells where the header has 2"),
        ] {
            let error = table("people.csv", bytes).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
