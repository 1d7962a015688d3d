//! Lists of sentences: plain text with one sentence per line, or CSV with a column named `sentence` (or one column).

use std::path::{Path, PathBuf};

/// Largest file that is read whole.
const MAX_BYTES: u64 = 64 << 20;

/// Why a sentence file was refused.
#[derive(Debug, thiserror::Error)]
pub enum SentencesError {
    #[error("the sentence file cannot be read: {reason}. Check the name and your permission ({path})", path = .path.display())]
    Unreadable { reason: String, path: PathBuf },
    #[error("the sentence file is larger than {limit} MB. Split it into smaller lists ({path})", limit = MAX_BYTES >> 20, path = .path.display())]
    TooLarge { path: PathBuf },
    #[error("line {line} is not UTF-8 text. Save the file as UTF-8 ({path})", path = .path.display())]
    NotUtf8 { line: usize, path: PathBuf },
    #[error("row {row}: {reason}. Correct the row, or save one sentence per line as .txt ({path})", path = .path.display())]
    Row { row: u64, reason: String, path: PathBuf },
    #[error("the CSV has columns {columns:?} and none is named \"sentence\". Rename the column that holds the sentences ({path})", path = .path.display())]
    NoColumn { columns: Vec<String>, path: PathBuf },
    #[error("no sentences were found. Put one sentence on each line ({path})", path = .path.display())]
    Empty { path: PathBuf },
}

/// Reads `path`; `.csv` and `.tsv` are tables, anything else is one sentence per line. Blank lines are passed over.
pub fn read(path: &Path) -> Result<Vec<String>, SentencesError> {
    let unreadable =
        |reason: std::io::Error| SentencesError::Unreadable { reason: reason.to_string(), path: path.into() };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(SentencesError::TooLarge { path: path.into() });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| SentencesError::NotUtf8 {
        line: bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1,
        path: path.into(),
    })?;
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let sentences = match extension.as_str() {
        "csv" => table(text, b',', path)?,
        "tsv" => table(text, b'\t', path)?,
        _ => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    };
    if sentences.is_empty() {
        return Err(SentencesError::Empty { path: path.into() });
    }
    Ok(sentences)
}

fn table(text: &str, delimiter: u8, path: &Path) -> Result<Vec<String>, SentencesError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
    let mut records = Vec::new();
    for (index, record) in reader.records().enumerate() {
        records.push(record.map_err(|error| SentencesError::Row {
            row: index as u64 + 1,
            reason: match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("{len} cells where the first row has {expected_len}; put quotes around text with commas")
                }
                _ => error.to_string(),
            },
            path: path.into(),
        })?);
    }
    let Some(first) = records.first() else { return Ok(Vec::new()) };
    let named = first.iter().position(|cell| cell.trim().eq_ignore_ascii_case("sentence"));
    let (column, skip) = match named {
        Some(column) => (column, 1),
        None if first.len() == 1 => (0, 0),
        None => {
            return Err(SentencesError::NoColumn {
                columns: first.iter().map(str::to_owned).collect(),
                path: path.into(),
            });
        }
    };
    Ok(records
        .iter()
        .skip(skip)
        .filter_map(|record| record.get(column))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn lines_and_tables_give_the_same_sentences() {
        let expected = vec!["the river rose .".to_owned(), "bread, then salt .".to_owned()];
        for (name, text) in [
            ("a.txt", "\u{feff}the river rose .\n\n  bread, then salt .  \r\n"),
            ("a.csv", "id,sentence\n1,the river rose .\n2,\"bread, then salt .\"\n"),
            ("a.tsv", "Sentence\tid\nthe river rose .\t1\nbread, then salt .\t2\n"),
        ] {
            let (_folder, path) = written(name, text.as_bytes());
            assert_eq!(read(&path).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn errors_name_row_and_remedy() {
        let (_f, path) = written("a.csv", b"id,sentence\n1,a,b\n");
        assert!(read(&path).unwrap_err().to_string().starts_with("row 2: 3 cells where the first row has 2"));
        let (_f, path) = written("a.csv", b"id,text\n1,a\n");
        assert!(matches!(read(&path), Err(SentencesError::NoColumn { .. })));
        let (_f, path) = written("a.txt", b"fine\n\xff\xfe\n");
        assert!(matches!(read(&path), Err(SentencesError::NotUtf8 { line: 2, .. })));
        let (_f, path) = written("a.txt", b"\n \n");
        assert!(matches!(read(&path), Err(SentencesError::Empty { .. })));
    }
}
