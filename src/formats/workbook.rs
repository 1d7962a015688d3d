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

#[cfg(test)]
mod tests {
    use super::*;

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
        })
    }

    /// An archive of files that are not compressed.
    fn zip(files: &[(String, String)]) -> Vec<u8> {
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for (name, text) in files {
            let start = archive.len() as u32;
            let mut about = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            about.extend(crc32(text.as_bytes()).to_le_bytes());
            about.extend((text.len() as u32).to_le_bytes());
            about.extend((text.len() as u32).to_le_bytes());
            about.extend((name.len() as u16).to_le_bytes());
            about.extend([0, 0]);
            archive.extend(b"PK\x03\x04".iter().chain(&about).chain(name.as_bytes()).chain(text.as_bytes()));
            directory.extend(b"PK\x01\x02\x14\x00".iter().chain(&about));
            directory.extend([0; 10]);
            directory.extend(start.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (start, number) = (archive.len() as u32, (files.len() as u16).to_le_bytes());
        archive.extend(&directory);
        archive.extend(b"PK\x05\x06\0\0\0\0".iter().chain(&number).chain(&number));
        archive.extend((directory.len() as u32).to_le_bytes().iter().chain(&start.to_le_bytes()).chain(&[0, 0]));
        archive
    }

    /// A workbook with these sheets: name, attributes of its entry, and the rows as XML. Style 1 is a date, style 2 a time
    /// that goes on counting.
    fn workbook(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006";
        let (mut entries, mut relations, mut files) = (String::new(), String::new(), Vec::new());
        for (place, (name, attributes, rows)) in sheets.iter().enumerate() {
            let id = place + 1;
            entries += &format!("<sheet name=\"{name}\" sheetId=\"{id}\" r:id=\"rId{id}\" {attributes}/>");
            relations += &format!(
                "<Relationship Id=\"rId{id}\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet{id}.xml\"/>"
            );
            let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
            files.push((format!("xl/worksheets/sheet{id}.xml"), sheet));
        }
        relations += &format!("<Relationship Id=\"rId90\" Type=\"{relation}/styles\" Target=\"styles.xml\"/>");
        relations +=
            &format!("<Relationship Id=\"rId91\" Type=\"{relation}/sharedStrings\" Target=\"sharedStrings.xml\"/>");
        let rels = |inner: &str| format!("<Relationships xmlns=\"{package}/relationships\">{inner}</Relationships>");
        let whole =
            format!("<Relationship Id=\"rId1\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/>");
        let styles = "<numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"[h]:mm:ss\"/></numFmts><cellXfs count=\"3\">\
                      <xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs>";
        files.extend([
            ("[Content_Types].xml".to_owned(), format!("<Types xmlns=\"{package}/content-types\"></Types>")),
            ("_rels/.rels".to_owned(), rels(&whole)),
            ("xl/_rels/workbook.xml.rels".to_owned(), rels(&relations)),
            (
                "xl/workbook.xml".to_owned(),
                format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relation}\"><sheets>{entries}</sheets></workbook>"),
            ),
            ("xl/styles.xml".to_owned(), format!("<styleSheet xmlns=\"{main}\">{styles}</styleSheet>")),
            (
                "xl/sharedStrings.xml".to_owned(),
                format!("<sst xmlns=\"{main}\"><si><t>id</t></si><si><t xml:space=\"preserve\"> José </t></si></sst>"),
            ),
        ]);
        zip(&files)
    }

    const PEOPLE: &str = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c><c r=\"B2\" t=\"inlineStr\"><is><t>born</t></is></c>\
        <c r=\"C2\" t=\"inlineStr\"><is><t>age</t></is></c></row>\
        <row r=\"4\"><c r=\"A4\" t=\"s\"><v>1</v></c><c r=\"B4\" s=\"1\"><v>45943</v></c><c r=\"C4\"><v>3</v></c>\
        <c r=\"E4\" t=\"b\"><v>1</v></c></row>\
        <row r=\"5\"><c r=\"A5\"><v>123456789012</v></c><c r=\"B5\" s=\"1\"><v>45943.75</v></c>\
        <c r=\"C5\"><f>1/8</f><v>0.125</v></c></row>\
        <row r=\"6\"><c r=\"A6\"><v>7</v></c><c r=\"B6\" s=\"2\"><v>1.5</v></c><c r=\"C6\"><f>A6+1</f></c></row>\
        <row r=\"7\"><c r=\"A7\"><v>8</v></c><c r=\"B7\" s=\"1\"><v>0.25</v></c><c r=\"C7\" t=\"e\"><v>#N/A</v></c></row>";

    #[test]
    fn cells_are_read_as_they_are_shown() {
        let (table, layout, warnings) = read(&workbook(&[("Empty", "", ""), ("People", "", PEOPLE)]), None).unwrap();
        let sheets = vec!["Empty".to_owned(), "People".to_owned()];
        assert_eq!(layout, Layout::Workbook { sheet: "People".into(), sheets });
        assert_eq!(table.names().collect::<Vec<_>>(), ["id", "born", "age", "column E"]);
        let row = |row| (0..table.width()).map(|column| table.cell(row, column)).collect::<Vec<_>>();
        assert_eq!(row(0), ["José", "2025-10-13", "3", "TRUE"]);
        assert_eq!(row(1), ["123456789012", "2025-10-13 18:00:00", "0.125", ""]);
        assert_eq!(row(2), ["7", "36:00:00", "", ""]);
        assert_eq!(row(3), ["8", "06:00:00", "#N/A", ""]);
        assert_eq!((0..4).map(|row| table.source_row(row)).collect::<Vec<_>>(), [4, 5, 6, 7]);
        assert_eq!(warnings[0], TableWarning::Unnamed(vec!["column E".into()]));
        assert_eq!(warnings[1], TableWarning::Formulas { column: "C".into(), rows: SomeRows::from_iter([6]) });
    }

    #[test]
    fn sheets_are_chosen() {
        let other = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row><row r=\"2\"><c r=\"A2\"><v>5</v></c></row>";
        let bytes = workbook(&[("Hidden", "state=\"hidden\"", PEOPLE), ("Quotas", "", other), ("People", "", PEOPLE)]);
        assert_eq!(read(&bytes, None).unwrap().0.cell(0, 0), "5");
        assert_eq!(read(&bytes, Some(" people ")).unwrap().0.len(), 4);
        assert_eq!(read(&bytes, Some("hidden")).unwrap().0.len(), 4);
        let known = ["Hidden", "Quotas", "People"].map(str::to_owned).to_vec();
        let problem = TableProblem::NoSheet { wanted: "Respondents".into(), known };
        assert_eq!(read(&bytes, Some("Respondents")).unwrap_err(), problem);
        assert!(problem.to_string().ends_with("The workbook has \"Hidden\", \"Quotas\", \"People\""));
    }

    #[test]
    fn what_is_no_workbook_is_refused() {
        assert!(matches!(read(b"PK\x03\x04 nothing", None), Err(TableProblem::Workbook(_))));
        assert!(matches!(read(&zip(&[("a.txt".into(), "x".into())]), None), Err(TableProblem::Workbook(_))));
        assert_eq!(read(&workbook(&[("Empty", "", "")]), None).unwrap_err(), TableProblem::Empty);
        let header = "<row r=\"3\"><c r=\"A3\" t=\"s\"><v>0</v></c></row>";
        assert_eq!(read(&workbook(&[("People", "", header)]), None).unwrap_err(), TableProblem::NoRows { header: 3 });
    }
}
