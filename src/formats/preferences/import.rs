//! From a source of any layout to the one form.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::columns::{Columns, Field};
use super::lines::Lines;
use super::record::{EVERYONE, preference};
use super::sink::{ImportReport, Sink};
use super::{PreferencesError, parquet_rows, prism};
use crate::dempo::pairs::Pairing;
use crate::formats::whole_file;
use crate::progress::Progress;

/// What a file is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// What its name, content and first record say.
    #[default]
    Auto,
    /// An object a line, with a rater.
    JsonLines,
    /// A table of text, with a rater.
    Csv,
    /// An object a line as TRL's datasets have them; without a rater all pairs are those of one.
    Trl,
    /// A Parquet file; with a rater, or as TRL's datasets.
    Parquet,
}

/// Where preferences come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder of PRISM's files.
    Prism(PathBuf),
    /// One file.
    File(PathBuf, Format),
}

/// How a source is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
    /// Which of PRISM's replies are put beside each other.
    pub pairing: Pairing,
    /// Whether lines that cannot be read are left out rather than an error.
    pub skip_malformed: bool,
    /// Columns that the user named.
    pub columns: BTreeMap<Field, String>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self { pairing: Pairing::All { delta: 0.0 }, skip_malformed: false, columns: BTreeMap::new() }
    }
}

/// Reads `source` as a stream and writes its preferences to `out`, whole or not at all.
///
/// # Errors
/// [`PreferencesError`]; nothing is written then. Malformed lines are all counted before they are refused.
pub fn import(
    source: &Source,
    out: &Path,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport, PreferencesError> {
    let unwritable =
        |error: std::io::Error| PreferencesError::Unwritable { path: out.into(), reason: error.to_string() };
    whole_file::write_with(out, unwritable, |file| {
        let mut sink = Sink::new(file);
        progress.stage("reading preferences");
        match source {
            Source::Prism(folder) => prism::read(folder, options, sink, &unwritable, progress),
            Source::File(path, format) => {
                let format = read_file(path, *format, options, &mut sink, &unwritable, progress)?;
                finish(path, options, &sink)?;
                Ok(sink.report(format))
            }
        }
    })
}

/// Refuses malformed lines, unless they may be left out.
pub(super) fn refuse_malformed(path: &Path, options: &ImportOptions, sink: &Sink) -> Result<(), PreferencesError> {
    if sink.malformed.count > 0 && !options.skip_malformed {
        return Err(PreferencesError::Lines {
            path: path.into(),
            lines: sink.lines,
            bad_lines: sink.malformed.clone(),
        });
    }
    Ok(())
}

/// Refuses what must not be written.
pub(super) fn finish(path: &Path, options: &ImportOptions, sink: &Sink) -> Result<(), PreferencesError> {
    refuse_malformed(path, options, sink)?;
    if sink.pairs() == 0 {
        return Err(PreferencesError::Nothing { path: path.into(), dropped: sink.dropped_in_words() });
    }
    Ok(())
}

/// How a writer's failures are told.
pub(super) type Unwritable<'u> = &'u dyn Fn(std::io::Error) -> PreferencesError;

/// Takes records, whatever file they are from.
pub(super) struct Records<'r, 'w> {
    path: &'r Path,
    columns: Columns<'r>,
    sink: &'r mut Sink<'w>,
    unwritable: Unwritable<'r>,
    /// Whether pairs need a rater; `None` until the first record says.
    raters: Option<bool>,
}

impl Records<'_, '_> {
    /// One record, or why it cannot be read.
    pub(super) fn take(
        &mut self,
        row: u64,
        record: Result<Map<String, Value>, String>,
    ) -> Result<(), PreferencesError> {
        self.sink.lines += 1;
        let record = match record {
            Ok(record) => record,
            Err(reason) => {
                self.sink.malformed.add(row, reason);
                return Ok(());
            }
        };
        let with_raters = match self.raters {
            Some(known) => known,
            None => {
                // The first record tells whether the file has raters at all.
                let known = self.columns.has(&record, Field::Rater);
                self.raters = Some(known);
                if !known {
                    self.sink.note(format!(
                        "no column says whose preferences these are: all count as those of one rater, \"{EVERYONE}\""
                    ));
                }
                known
            }
        };
        if let Some(name) = self.columns.weight(&record) {
            let note = format!("the weights in the column \"{name}\" were not taken: schemes make weights");
            self.sink.note(note);
        }
        match preference(&record, &self.columns, row) {
            Ok(pair) if !with_raters && !pair.rater.is_empty() => {
                let reason = format!("it names the rater {}, though the first line names none", pair.rater);
                self.sink.malformed.add(row, reason);
                Ok(())
            }
            Ok(mut pair) => {
                if !with_raters {
                    pair.rater = EVERYONE.to_owned();
                }
                self.sink.take(&pair).map_err(self.unwritable)
            }
            Err(reason) => {
                self.sink.malformed.add(row, reason);
                Ok(())
            }
        }
    }

    /// Refuses a table without the columns that every pair needs.
    pub(super) fn check_names(&mut self, names: &[String], rater_needed: bool) -> Result<(), PreferencesError> {
        let empty: Map<String, Value> = names.iter().map(|name| (name.clone(), Value::String(String::new()))).collect();
        let told = || names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        for field in [Field::Chosen, Field::Rejected] {
            if self.columns.get(&empty, field).is_none() {
                let (path, names) = (self.path.into(), told());
                return Err(PreferencesError::NoColumn { path, field: field.name(), names });
            }
        }
        let has_rater = self.columns.get(&empty, Field::Rater).is_some();
        if rater_needed && !has_rater {
            return Err(PreferencesError::NoRaters { path: self.path.into(), names: told() });
        }
        if has_rater {
            self.raters = Some(true);
        }
        Ok(())
    }
}

/// Reads one file; gives the name of its layout.
fn read_file(
    path: &Path,
    format: Format,
    options: &ImportOptions,
    sink: &mut Sink,
    unwritable: Unwritable,
    progress: &dyn Progress,
) -> Result<&'static str, PreferencesError> {
    let columns = Columns(&options.columns);
    let mut records = Records { path, columns, sink, unwritable, raters: None };
    match recognised(path, format)? {
        Format::Csv => read_csv(path, &mut records, progress).map(|()| "csv"),
        Format::Parquet => parquet_rows::read(path, &mut records, progress).map(|()| "parquet"),
        Format::JsonLines => read_lines(path, &mut records, true, progress).map(|()| "jsonl"),
        Format::Trl | Format::Auto => read_lines(path, &mut records, false, progress)
            .map(|()| if records.raters == Some(true) && format == Format::Auto { "jsonl" } else { "trl" }),
    }
}

/// What a file is by its first bytes and its name.
fn recognised(path: &Path, format: Format) -> Result<Format, PreferencesError> {
    let unreadable =
        |error: std::io::Error| PreferencesError::Unreadable { path: path.into(), reason: error.to_string() };
    if format != Format::Auto {
        return Ok(format);
    }
    let mut first = Vec::new();
    if path.is_file() {
        File::open(path).and_then(|file| file.take(512).read_to_end(&mut first)).map_err(unreadable)?;
    }
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first);
    let sign = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let ends = |name: &str| path.extension().is_some_and(|end| end.eq_ignore_ascii_case(name));
    Ok(match sign {
        _ if first.starts_with(b"PAR1") => Format::Parquet,
        Some(b'{' | b'[') => Format::Auto,
        None => Format::Auto,
        _ if ends("json") || ends("jsonl") || ends("ndjson") => Format::Auto,
        Some(_) => Format::Csv,
    })
}

fn read_lines(
    path: &Path,
    records: &mut Records,
    rater_needed: bool,
    progress: &dyn Progress,
) -> Result<(), PreferencesError> {
    let mut lines = Lines::open(path)?;
    let mut first = true;
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        let number = line.number;
        if first && line.bytes.trim_ascii_start().starts_with(b"[") {
            return Err(PreferencesError::Array { path: path.into() });
        }
        let record = line.parse::<Map<String, Value>>();
        if first
            && let Ok(record) = &record
            && rater_needed
        {
            let names: Vec<String> = record.keys().cloned().collect();
            records.check_names(&names, rater_needed)?;
        }
        first = false;
        records.take(number, record)?;
        if records.sink.lines.is_multiple_of(1024) {
            progress.checkpoint()?;
            let (done, total) = lines.progress();
            progress.report(done, total);
        }
    }
    Ok(())
}

fn read_csv(path: &Path, records: &mut Records, progress: &dyn Progress) -> Result<(), PreferencesError> {
    let unreadable = |reason: String| PreferencesError::Unreadable { path: path.into(), reason };
    let mut file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let total = file.metadata().map_err(|error| unreadable(error.to_string()))?.len();
    let delimiter = delimiter(&mut file).map_err(|error| unreadable(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
    let header = reader.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    records.check_names(&names, true)?;
    let mut row = csv::StringRecord::new();
    loop {
        let read = reader.read_record(&mut row);
        let line = match &read {
            Ok(true) => row.position().map_or(0, csv::Position::line),
            Ok(false) => return Ok(()),
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(unreadable(error.to_string())),
            Err(error) => error.position().map_or(0, csv::Position::line),
        };
        let record = match read {
            Ok(_) => {
                let cell = |(name, text): (&String, &str)| (name.clone(), Value::String(text.to_owned()));
                Ok(names.iter().zip(&row).filter(|(_, text)| !text.is_empty()).map(cell).collect())
            }
            Err(error) => Err(match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("the row has {len} cells, the header {expected_len}")
                }
                csv::ErrorKind::Utf8 { .. } => "the row is not in UTF-8".to_owned(),
                _ => error.to_string(),
            }),
        };
        records.take(line, record)?;
        if records.sink.lines.is_multiple_of(1024) {
            progress.checkpoint()?;
            progress.report(reader.position().byte(), total);
        }
    }
}

/// The likeliest delimiter of the first line; the file stands at its beginning again.
fn delimiter(file: &mut File) -> std::io::Result<u8> {
    let mut first = Vec::new();
    file.by_ref().take(1 << 16).read_to_end(&mut first)?;
    file.rewind()?;
    let line = first.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |sign: u8| line.iter().filter(|&&byte| byte == sign).count();
    // Of equal counts the last is taken: a comma.
    Ok([b'\t', b';', b','].into_iter().max_by_key(|&sign| count(sign)).unwrap_or(b','))
}
