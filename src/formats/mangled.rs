//! What spreadsheets do to text, undone where that is certain and told where it is likely.

use std::borrow::Cow;

use super::table::TableWarning;
use crate::sortition::table::{SomeRows, Table, TableFull, is_lost};

/// Columns of more distinct texts than this hold names or numbers, not values that could be ranges.
const FEW: usize = 200;

/// A cell without what spreadsheets add to it: spaces at its ends (with those that do not break and those of no width),
/// `="00123"` around text that looks like a number, and the apostrophe that marks such text.
pub(super) fn clean(cell: &str) -> Cow<'_, str> {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
    let trimmed = cell.trim_matches(blank);
    let inner = trimmed.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(inner) = inner {
        return Cow::Owned(clean(&inner.replace("\"\"", "\"")).into_owned());
    }
    // An apostrophe before a letter belongs to a name.
    match trimmed.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || "=+-@'".contains(c)) => clean(rest),
        _ => Cow::Borrowed(trimmed),
    }
}

/// Repairs whole columns and tells what cannot be repaired.
pub(super) fn repair(table: &mut Table) -> Result<Vec<TableWarning>, TableFull> {
    let mut warnings = Vec::new();
    for column in 0..table.width() {
        let name = || table.name(column).to_owned();
        let mut pointed = false;
        let whole = !table.any_text(column, |text| {
            pointed |= !text.is_empty();
            !(text.is_empty() || pointed_whole(text).is_some())
        });
        if let Some(text) = first(table, column, is_lost) {
            let rows = SomeRows::of(table, column, is_lost);
            warnings.push(TableWarning::Lost { column: name(), text, rows });
        }
        if let Some(text) = first(table, column, is_shortened) {
            let rows = SomeRows::of(table, column, is_shortened);
            warnings.push(TableWarning::Shortened { column: name(), text, rows });
        }
        warnings.extend(ranges_as_dates(table, column));
        if whole && pointed {
            warnings.push(TableWarning::WholeNumbers { column: name() });
            table.rewrite(column, |text| pointed_whole(text).unwrap_or(text).to_owned())?;
        }
    }
    Ok(warnings)
}

fn first(table: &Table, column: usize, test: impl Fn(&str) -> bool) -> Option<String> {
    let mut found = None;
    table.any_text(column, |text| {
        let passes = test(text);
        if passes {
            found = Some(text.to_owned());
        }
        passes
    });
    found
}

/// "12" where the text is "12.0".
fn pointed_whole(text: &str) -> Option<&str> {
    let whole = text.strip_suffix(".0")?;
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(whole)
}

/// "1.23457E+11".
fn is_shortened(text: &str) -> bool {
    let Some((digits, power)) = text.split_once("E+") else { return false };
    let mantissa = digits.split_once(['.', ',']).map_or(digits, |(whole, _)| whole);
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
    mantissa.len() == 1 && all_digits(digits) && power.len() >= 2 && power.bytes().all(|byte| byte.is_ascii_digit())
}

/// Dates in a column of few texts, of which others are ranges of numbers: "15-Oct" was "10-15".
fn ranges_as_dates(table: &Table, column: usize) -> Option<TableWarning> {
    let mut texts = 0;
    let (mut date, mut range) = (None, None);
    table.any_text(column, |text| {
        texts += 1;
        if date.is_none() && is_date(text) {
            date = Some(text.to_owned());
        }
        if range.is_none() && is_range(text) {
            range = Some(text.to_owned());
        }
        texts > FEW
    });
    let (Some(text), Some(like), true) = (date, range, texts <= FEW) else { return None };
    let rows = SomeRows::of(table, column, is_date);
    Some(TableWarning::RangeAsDate { column: table.name(column).to_owned(), text, like, rows })
}

/// "16-29", "16 – 29", "16 to 29".
fn is_range(text: &str) -> bool {
    let digits = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    ["-", "–", "to"]
        .iter()
        .any(|between| text.split_once(between).is_some_and(|(low, high)| digits(low.trim()) && digits(high.trim())))
}

/// "15-Oct", "Oct-15", "2024-10-15".
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', ' ', '.']).filter(|part| !part.is_empty()).collect();
    let digits = |part: &str, most| part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [day, month] => (digits(day, 2) && is_month(month)) || (is_month(day) && digits(month, 4)),
        [year, month, day] => {
            year.len() == 4
                && digits(year, 4)
                && month.len() == 2
                && digits(month, 2)
                && day.len() == 2
                && digits(day, 2)
        }
        _ => false,
    }
}

/// The short names of months in English, German, French and Spanish.
fn is_month(text: &str) -> bool {
    const MONTHS: [&str; 27] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mrz", "mär", "mai", "okt",
        "dez", "janv", "févr", "mars", "avr", "juin", "juil", "août", "sept", "ene", "dic",
    ];
    MONTHS.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(texts: &[&str]) -> Table {
        let mut table = Table::new(["a".to_owned()]);
        for (row, text) in texts.iter().enumerate() {
            table.push(row as u32 + 2, [*text]).unwrap();
        }
        table
    }

    #[test]
    fn marks_of_text_are_taken_off() {
        for (cell, cleaned) in [
            ("  a b\t", "a b"),
            ("\u{a0}x\u{200b}", "x"),
            ("=\"00123\"", "00123"),
            ("=\"say \"\"x\"\"\"", "say \"x\""),
            ("'007", "007"),
            ("'=1+1", "=1+1"),
            ("'t Hooft", "'t Hooft"),
            ("=SUM(A1)", "=SUM(A1)"),
            ("''12", "12"),
        ] {
            assert_eq!(clean(cell), cleaned, "{cell:?}");
        }
    }

    #[test]
    fn whole_numbers_lose_their_point_only_together() {
        let mut table = column(&["1.0", "", "12.0", "-3.0"]);
        assert_eq!(repair(&mut table).unwrap(), [TableWarning::WholeNumbers { column: "a".into() }]);
        assert_eq!((0..4).map(|row| table.cell(row, 0)).collect::<Vec<_>>(), ["1", "", "12", "-3"]);
        let mut table = column(&["1.0", "1.5"]);
        assert!(repair(&mut table).unwrap().is_empty());
        assert_eq!(table.cell(0, 0), "1.0");
        assert!(repair(&mut column(&["", ""])).unwrap().is_empty());
    }

    #[test]
    fn what_is_lost_is_told() {
        let told = |texts: &[&str]| {
            let warnings = repair(&mut column(texts)).unwrap();
            assert_eq!(warnings.len(), 1, "{texts:?}: {warnings:?}");
            warnings[0].to_string()
        };
        assert!(told(&["x", "########", "####"]).starts_with("column \"a\", rows 3, 4: \"########\" stands where"));
        assert!(told(&["#N/A"]).starts_with("column \"a\", row 2: \"#N/A\""));
        assert!(told(&["1.23457E+11", "7"]).contains("shortened"));
        assert!(
            told(&["16-29", "15-Oct", "15-Oct"])
                .starts_with("column \"a\", rows 3, 4: \"15-Oct\" may be a range such as 16-29")
        );
        assert!(told(&["30-44", "2024-10-15"]).contains("took for a date"));
        assert!(repair(&mut column(&["15-Oct", "16-Oct"])).unwrap().is_empty());
    }
}
