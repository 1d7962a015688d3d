//! Tables from files: CSV in the dialects of spreadsheets, the first visible sheet of a workbook or a named one, and JSON
//! with an object a line. What is damaged is repaired where the repair is certain, told as a warning where it is likely,
//! and refused with its row where it is plain.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{decode, delimited, json_lines, mangled, workbook};
use crate::sortition::table::{SomeRows, Table, TableFull, unlike_names};

/// Largest file that is read whole.
const MAX_BYTES: u64 = 1 << 30;
/// Most rows of a table.
pub const MAX_ROWS: usize = 5_000_000;
/// Most columns: a spreadsheet has no more.
const MAX_COLUMNS: usize = 16_384;

/// A table as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadTable {
    /// The rows; each has the number that a spreadsheet shows for it, or its line where the file holds JSON.
    pub table: Table,
    /// Name of the file.
    pub source: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What the file was taken for.
    pub layout: Layout,
    /// What the reader should know before using it.
    pub warnings: Vec<TableWarning>,
}

/// How a table was laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Text with this delimiter.
    Delimited(char),
    /// One sheet of a workbook, with the names of all its sheets.
    Workbook { sheet: String, sheets: Vec<String> },
    /// Objects of JSON.
    Json,
}

/// Why a file gives no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableProblem {
    /// The file cannot be opened or read.
    #[error("the file cannot be read: {0}. Check the name and your permission")]
    Unreadable(String),
    /// More bytes than are read whole.
    #[error("the file is larger than {} MB. Leave out columns that are not needed, or split it", MAX_BYTES >> 20)]
    TooLarge,
    /// More rows than a table may have.
    #[error("the table has more than {MAX_ROWS} rows. Split it, or leave out people who cannot be chosen")]
    TooManyRows,
    /// More columns than a table may have.
    #[error("row {row} has more than {MAX_COLUMNS} cells. Check the delimiter of the file")]
    TooManyColumns { row: u32 },
    /// A column with more text than fits.
    #[error(transparent)]
    Full(#[from] TableFull),
    /// Nothing but blank rows.
    #[error("the table is empty. Its first row must name the columns, with a row for each person or value below")]
    Empty,
    /// A header alone.
    #[error("the table names its columns in row {header} and has no rows below. Add a row for each person or value")]
    NoRows { header: u32 },
    /// Bytes that no text has.
    #[error("row {row} holds bytes that are no text. Save the table as CSV in UTF-8, as xlsx, or as JSON lines")]
    Binary { row: u32 },
    /// Bytes that the encoding does not know.
    #[error(
        "row {row} is not in {encoding}, as the rest of the file is. Save it again as \"CSV UTF-8\", or correct the row"
    )]
    Undecodable { row: u32, encoding: &'static str },
    /// A quotation mark that nothing closes.
    #[error("row {row} opens a quotation mark (line {line}) that is never closed. Close it, or take it out")]
    OpenQuote { row: u32, line: u32 },
    /// Text after a closing quotation mark.
    #[error(
        "row {row} has text after a closing quotation mark (line {line}): an earlier mark may be missing its end. \
         Write \"\" for a mark inside quotes"
    )]
    StrayQuote { row: u32, line: u32 },
    /// Rows with more filled cells than the header names.
    #[error(
        "{rows} {have} more cells than the {expected} columns of the header. Put quotes around cells that hold a {delimiter}, \
         or name the columns", have = if rows.all == 1 { "has" } else { "have" }
    )]
    TooWide { rows: SomeRows, expected: usize, delimiter: &'static str },
    /// A workbook of before 2007, or one under a password.
    #[error("this is an old .xls workbook, or one under a password. Save it as xlsx without a password, or as CSV")]
    OldWorkbook,
    /// A workbook that is broken.
    #[error("the workbook cannot be read: {0}. Open it in a spreadsheet and save it again as xlsx, or as CSV")]
    Workbook(String),
    /// The sheet that was asked for is not there.
    #[error("there is no sheet \"{wanted}\". The workbook has {}", quoted(known))]
    NoSheet { wanted: String, known: Vec<String> },
    /// A line that is no JSON.
    #[error("line {line} is no JSON: {reason}. Write one object a line")]
    Json { line: u32, reason: String },
    /// A line that holds something else than an object.
    #[error("line {line} holds {found} where an object is needed. Write one object a line, {{\"column\": \"value\"}}")]
    NotAnObject { line: u32, found: &'static str },
    /// The same key twice in an object.
    #[error("line {line} names \"{key}\" twice. Keep one of them")]
    KeyTwice { line: u32, key: String },
    /// A number that 64 bits do not hold exactly.
    #[error("line {line}: the number of \"{key}\" is too long to be kept exactly. Write it in quotes, as text")]
    LongNumber { line: u32, key: String },
}

/// A file that gives no table, the reason first, the path last.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} ({})", .path.display())]
pub struct TableError {
    /// What is wrong, with its row and the remedy.
    pub problem: TableProblem,
    /// The file.
    pub path: PathBuf,
}

/// What was assumed, repaired or left as it is while reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableWarning {
    /// The encoding was guessed.
    #[error("the text is not marked as UTF-8 and was read as {0}. Check letters with accents")]
    Encoding(&'static str),
    /// Text looks as if UTF-8 had been read as Windows-1252 and saved.
    #[error(
        "row {row} holds letters such as \"Ã©\": the text was saved in a wrong encoding before. Export it again as UTF-8"
    )]
    TwiceEncoded { row: u32 },
    /// Rows with fewer cells than the header names; the rest were taken as blank.
    #[error("{rows}: fewer cells than the {expected} columns of the header; the rest are blank")]
    ShortRows { rows: SomeRows, expected: usize },
    /// Columns without a name.
    #[error("columns without a name were called {}", quoted(.0))]
    Unnamed(Vec<String>),
    /// Columns whose names stood before.
    #[error("column names that stand twice were told apart: {}", quoted(.0))]
    NamedTwice(Vec<String>),
    /// Whole numbers that were written with a point.
    #[error("column \"{column}\": numbers such as 1.0 were read as 1")]
    WholeNumbers { column: String },
    /// Cells of signs that a spreadsheet puts where it cannot show a value.
    #[error(
        "column \"{column}\", {rows}: \"{text}\" stands where a value was lost. Widen the column or mend the formula, and export again"
    )]
    Lost { column: String, text: String, rows: SomeRows },
    /// Long numbers that a spreadsheet shortened.
    #[error(
        "column \"{column}\", {rows}: \"{text}\" is a long number that a spreadsheet shortened. Format the column as text, and export again"
    )]
    Shortened { column: String, text: String, rows: SomeRows },
    /// A date among ranges of numbers.
    #[error(
        "column \"{column}\", {rows}: \"{text}\" may be a range such as {like} that a spreadsheet took for a date. Rename the value"
    )]
    RangeAsDate { column: String, text: String, like: String, rows: SomeRows },
    /// Formulas whose results were not saved.
    #[error(
        "column \"{column}\", {rows}: formulas without a stored result, read as blank. Open the workbook in a spreadsheet and save it"
    )]
    Formulas { column: String, rows: SomeRows },
    /// Lists of JSON that became one text.
    #[error("\"{key}\" holds lists; their items were joined with \"; \"")]
    Lists { key: String },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// Reads the table at `path`. `sheet` picks a sheet of a workbook by name; otherwise the first visible one with cells is
/// taken. What the file is shows in its content, not in its name.
pub fn read(path: &Path, sheet: Option<&str>) -> Result<ReadTable, TableError> {
    let failed = |problem| TableError { problem, path: path.into() };
    let unreadable = |error: std::io::Error| failed(TableProblem::Unreadable(error.to_string()));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(failed(TableProblem::TooLarge));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let (table, layout, warnings) = parse(&bytes, sheet).map_err(failed)?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let source = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(ReadTable { table, source, sha256, layout, warnings })
}

/// The table that these bytes hold.
fn parse(bytes: &[u8], sheet: Option<&str>) -> Result<(Table, Layout, Vec<TableWarning>), TableProblem> {
    let (mut table, layout, mut warnings) = if bytes.starts_with(b"PK\x03\x04") {
        workbook::read(bytes, sheet)?
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(TableProblem::OldWorkbook);
    } else {
        let (text, assumed) = decode::decode(bytes)?;
        let (table, layout, warnings) = if is_json(&text) { json_lines::read(&text)? } else { delimited_table(&text)? };
        (table, layout, assumed.into_iter().chain(warnings).collect())
    };
    warnings.extend(mangled::repair(&mut table)?);
    Ok((table, layout, warnings))
}

/// Whether text begins as an object of JSON does, or as an array of them; a header may begin with a bracket too.
fn is_json(text: &str) -> bool {
    let mut signs = text.chars().filter(|c| !c.is_whitespace());
    matches!((signs.next(), signs.next()), (Some('{'), Some('"' | '}')) | (Some('['), Some('{' | ']')))
}

fn delimited_table(text: &str) -> Result<(Table, Layout, Vec<TableWarning>), TableProblem> {
    let (records, delimiter) = delimited::records(text);
    let named = match delimiter {
        ',' => "comma",
        ';' => "semicolon",
        '\t' => "tab",
        _ => "delimiter",
    };
    let mut sheet = Sheet::new(Some(named));
    for record in records {
        let record = record?;
        sheet.row(record.row, &record.cells)?;
    }
    let (table, warnings) = sheet.finish()?;
    Ok((table, Layout::Delimited(delimiter), warnings))
}

/// Rows under a header, as they come from a spreadsheet.
pub(super) struct Sheet {
    /// The name of the delimiter where the cells of a row are told apart by one; a row of another width is suspect then.
    delimiter: Option<&'static str>,
    header: u32,
    table: Option<Table>,
    wide: SomeRows,
    short: SomeRows,
}

impl Sheet {
    pub(super) fn new(delimiter: Option<&'static str>) -> Self {
        let (wide, short) = (SomeRows::default(), SomeRows::default());
        Self { delimiter, header: 0, table: None, wide, short }
    }

    /// Takes the row of this number; the first one with a filled cell is the header, blank ones are passed over.
    pub(super) fn row(&mut self, row: u32, cells: &[Cow<'_, str>]) -> Result<(), TableProblem> {
        if cells.len() > MAX_COLUMNS {
            return Err(TableProblem::TooManyColumns { row });
        }
        let Some(last) = cells.iter().rposition(|cell| !mangled::clean(cell).is_empty()) else { return Ok(()) };
        let Some(table) = &mut self.table else {
            self.header = row;
            self.table = Some(Table::new(cells.iter().map(|cell| mangled::clean(cell).into_owned())));
            return Ok(());
        };
        if table.len() == MAX_ROWS {
            return Err(TableProblem::TooManyRows);
        }
        if last >= table.width() {
            if self.delimiter.is_some() {
                self.wide.add(row);
                return Ok(());
            }
            while last >= table.width() {
                table.add_column(String::new());
            }
        }
        if cells.len() < table.width() && self.delimiter.is_some() {
            self.short.add(row);
        }
        let cleaned: Vec<Cow<'_, str>> = cells.iter().map(|cell| mangled::clean(cell)).collect();
        table.push(row, cleaned.iter().map(|cell| &**cell))?;
        Ok(())
    }

    /// The table, once all rows were taken; columns without a name are called by their letter, or go if they are blank.
    pub(super) fn finish(self) -> Result<(Table, Vec<TableWarning>), TableProblem> {
        let Some(mut table) = self.table else { return Err(TableProblem::Empty) };
        let expected = table.width();
        if self.wide.all > 0 {
            let delimiter = self.delimiter.unwrap_or_default();
            return Err(TableProblem::TooWide { rows: self.wide, expected, delimiter });
        }
        if table.is_empty() {
            return Err(TableProblem::NoRows { header: self.header });
        }
        let mut warnings = Vec::new();
        if self.short.all > 0 {
            warnings.push(TableWarning::ShortRows { rows: self.short, expected });
        }
        let mut unnamed = Vec::new();
        let mut names = Vec::with_capacity(expected);
        let mut place = 0;
        for column in 0..expected {
            let name = table.name(place).to_owned();
            if name.is_empty() && !table.any_text(place, |text| !text.is_empty()) {
                table.remove_column(place);
                continue;
            }
            if name.is_empty() {
                let called = format!("column {}", letters(column));
                unnamed.push(called.clone());
                names.push(called);
            } else {
                names.push(name);
            }
            place += 1;
        }
        if !unnamed.is_empty() {
            warnings.push(TableWarning::Unnamed(unnamed));
        }
        let (names, changed) = unlike_names(names);
        if !changed.is_empty() {
            warnings.push(TableWarning::NamedTwice(changed.iter().map(|&place| names[place].clone()).collect()));
        }
        table.rename(names);
        Ok((table, warnings))
    }
}

/// The letters that a spreadsheet shows above a column: A, B, … Z, AA.
pub(super) fn letters(column: usize) -> String {
    let mut rest = column + 1;
    let mut letters = String::new();
    while rest > 0 {
        letters.insert(0, (b'A' + ((rest - 1) % 26) as u8) as char);
        rest = (rest - 1) / 26;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::foundation::table_csv;
    use proptest::prelude::*;

    fn rows(table: &Table) -> Vec<Vec<&str>> {
        (0..table.len()).map(|row| (0..table.width()).map(|column| table.cell(row, column)).collect()).collect()
    }

    fn refused(bytes: &[u8]) -> String {
        parse(bytes, None).unwrap_err().to_string()
    }

    #[test]
    fn files_of_every_dress_give_the_same_table() {
        let utf16: Vec<u8> = "\u{feff}id;name\r\n1;Zoë\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            &b"id,name\n1,Zo\xc3\xab\n"[..],
            b"\xef\xbb\xbf\r\n\r\nid ,\"name\"\r\n\r\n 1, Zo\xc3\xab \r\n,\r\n",
            b"sep=;\nid;name\n=\"1\";Zo\xeb",
            b"id\tname\r'1\tZo\xc3\xab\r",
            b"id,name,,\n1.0,Zo\xc3\xab,,\n",
            b"{\"id\": 1, \"name\": \"Zo\\u00eb\"}\n",
            &utf16,
        ] {
            let (table, ..) = parse(bytes, None).unwrap();
            assert_eq!(table.names().collect::<Vec<_>>(), ["id", "name"], "{bytes:?}");
            assert_eq!(rows(&table), [["1", "Zoë"]], "{bytes:?}");
        }
    }

    #[test]
    fn rows_of_other_widths_are_told() {
        let told = refused(b"a,b\n1,2\n3,4,5\n6,7,\n8,9,10\n");
        assert!(
            told.starts_with(
                "rows 3, 5 have more cells than the 2 columns of the header. Put quotes around cells that hold a comma"
            ),
            "{told}"
        );
        let (table, _, warnings) = parse(b"a,b\n1\n2,3\n", None).unwrap();
        assert_eq!(rows(&table), [["1", ""], ["2", "3"]]);
        assert_eq!(warnings, [TableWarning::ShortRows { rows: SomeRows::from_iter([2]), expected: 2 }]);
        assert_eq!(warnings[0].to_string(), "row 2: fewer cells than the 2 columns of the header; the rest are blank");
    }

    #[test]
    fn names_of_columns_are_made_whole() {
        let (table, _, warnings) = parse(b"a,,a,\n1,2,3,\n", None).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["a", "column B", "a (2)"]);
        let expected = [TableWarning::Unnamed(vec!["column B".into()]), TableWarning::NamedTwice(vec!["a (2)".into()])];
        assert_eq!(warnings, expected);
        assert_eq!([0, 25, 26, 27, 701, 702].map(letters), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
    }

    #[test]
    fn what_is_no_table_is_refused_with_a_remedy() {
        assert!(refused(b"").starts_with("the table is empty. Its first row must name the columns"));
        assert!(refused(b"\n , \n\n").starts_with("the table is empty"));
        assert!(refused(b"\nid,a\n,\n").starts_with("the table names its columns in row 2 and has no rows below"));
        assert!(refused(b"\xd0\xcf\x11\xe0\xa1\xb1").contains("Save it as xlsx without a password"));
        assert!(refused(b"id\n\"a\n").starts_with("row 2 opens a quotation mark (line 2) that is never closed"));
        assert!(refused(b"%PDF\0\0\x01\n").contains("bytes that are no text"));
        assert!(
            refused("a\n".repeat(3).replace('a', &",".repeat(MAX_COLUMNS)).as_bytes()).contains("Check the delimiter")
        );
        let missing = read(Path::new("nowhere/people.csv"), None).unwrap_err().to_string();
        assert!(
            missing.starts_with("the file cannot be read: ") && missing.ends_with("(nowhere/people.csv)"),
            "{missing}"
        );
    }

    #[test]
    fn a_file_is_named_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, "id\nabc\n").unwrap();
        let table = read(&path, None).unwrap();
        assert_eq!((&*table.source, table.layout), ("people.csv", Layout::Delimited(',')));
        assert_eq!(table.sha256, "d6c8099682285e8811bcd249ac6aec9667daa6d71cb04056c6706f1eb6c64327");
    }

    proptest! {
        /// What is written is read again, whatever the cells hold.
        #[test]
        fn tables_come_back(
            names in proptest::collection::vec("[a-zé][a-z ,;\"\t]{0,6}", 1..5),
            cells in proptest::collection::vec(proptest::collection::vec("[a-zé'=#0-9.,;\"\t\n\r -]{0,6}", 4), 1..12),
        ) {
            let (names, _) = unlike_names(names.iter().map(|name| name.trim().to_owned()).collect());
            let mut table = Table::new(names.clone());
            for (row, cells) in cells.iter().enumerate() {
                let mut cells: Vec<String> = cells.iter().map(|cell| mangled::clean(cell).into_owned()).collect();
                // A blank row is passed over, so every row has something to tell.
                cells[0].push('x');
                table.push(row as u32 + 2, cells.iter().map(String::as_str)).unwrap();
            }
            mangled::repair(&mut table).unwrap();
            let written = table_csv(&table, 0..table.len());
            let (again, layout, _) = parse(written.as_bytes(), None).unwrap();
            prop_assert_eq!(layout, Layout::Delimited(','));
            prop_assert_eq!(again, table);
        }
    }
}
