//! Sheets of xlsx workbooks: the values of cells as a spreadsheet would show them in a plain format. Dates become
//! `2026-02-04`, with the time if there is one; formulas give their stored results.

use std::borrow::Cow;
use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use super::table::{Layout, Sheet, TableProblem, TableWarning, letters};
use crate::sortition::table::{SomeRows, Table};

/// Reads one sheet: that of the given name, or the first visible one with rows.
pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<(Table, Layout, Vec<TableWarning>), TableProblem> {
    let broken = |error: XlsxError| TableProblem::Workbook(error.to_string());
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).map_err(broken)?;
    let sheets: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    let names: Vec<String> = sheets.iter().map(|(name, _)| name.clone()).collect();
    let candidates: Vec<&String> = match wanted {
        Some(wanted) => {
            let named = |name: &&String| name.trim().to_lowercase() == wanted.trim().to_lowercase();
            let found: Vec<&String> = names.iter().filter(named).take(1).collect();
            if found.is_empty() {
                return Err(TableProblem::NoSheet { wanted: wanted.to_owned(), known: names });
            }
            found
        }
        None => sheets.iter().filter(|(_, visible)| *visible).map(|(name, _)| name).collect(),
    };
    for name in candidates {
        match sheet(&mut workbook, name) {
            Err(TableProblem::Empty) if wanted.is_none() => (),
            Err(problem) => return Err(problem),
            Ok((table, warnings)) => {
                return Ok((table, Layout::Workbook { sheet: name.clone(), sheets: names.clone() }, warnings));
            }
        }
    }
    Err(TableProblem::Empty)
}

fn sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<(Table, Vec<TableWarning>), TableProblem> {
    let broken = |error: XlsxError| TableProblem::Workbook(error.to_string());
    let mut cells = workbook.worksheet_cells_reader(name).map_err(broken)?;
    let mut sheet = Sheet::new(None);
    let mut without_result: Vec<(usize, SomeRows)> = Vec::new();
    let (mut number, mut row) = (0, Vec::new());
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(broken)? {
        let (at, column) = (cell.pos.0 + 1, cell.pos.1 as usize);
        if at != number {
            sheet.row(number, &row)?;
            row.clear();
            number = at;
        }
        let text = text(cell.value);
        if cell.formula.is_some() && text.is_empty() {
            match without_result.iter_mut().find(|(known, _)| *known == column) {
                Some((_, rows)) => rows.add(number),
                None => without_result.push((column, SomeRows::from_iter([number]))),
            }
        }
        if row.len() <= column {
            row.resize(column + 1, Cow::Borrowed(""));
        }
        row[column] = text;
    }
    sheet.row(number, &row)?;
    let (table, mut warnings) = sheet.finish()?;
    let formulas = |(column, rows)| TableWarning::Formulas { column: letters(column), rows };
    warnings.extend(without_result.into_iter().map(formulas));
    Ok((table, warnings))
}

/// The text of a cell.
fn text(value: DataRef<'_>) -> Cow<'_, str> {
    match value {
        DataRef::Empty => Cow::Borrowed(""),
        DataRef::SharedString(text) => Cow::Borrowed(text),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cow::Owned(text),
        DataRef::Int(number) => Cow::Owned(number.to_string()),
        DataRef::Float(number) => Cow::Owned(number.to_string()),
        DataRef::Bool(true) => Cow::Borrowed("TRUE"),
        DataRef::Bool(false) => Cow::Borrowed("FALSE"),
        DataRef::DateTime(moment) => Cow::Owned(date(&moment)),
        DataRef::Error(error) => Cow::Owned(error.to_string()),
    }
}

fn date(moment: &ExcelDateTime) -> String {
    let serial = moment.as_f64();
    if moment.is_duration() {
        let seconds = (serial * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if serial < 1.0 {
        return time;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if serial.fract() == 0.0 { date } else { format!("{date} {time}") }
}
