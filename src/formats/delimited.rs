//! Text with delimiters, as spreadsheets write it: commas, semicolons or tabs, quotes around cells that hold one of
//! these or a line end, and a first line `sep=;` that some write.
//!
//! Rows are counted as a spreadsheet shows them: a cell with line ends inside stays in one row, empty rows count, and a
//! `sep=` line does not.

use std::borrow::Cow;

use super::table::TableProblem;

/// A row with its number, from 1, and the number of the line it begins in.
pub(super) struct Record<'a> {
    pub(super) row: u32,
    pub(super) cells: Vec<Cow<'a, str>>,
}

/// Reads rows one after another.
pub(super) struct Records<'a> {
    text: &'a str,
    at: usize,
    row: u32,
    line: u32,
    delimiter: u8,
}

/// The rows of `text`, and the delimiter it was found to have.
pub(super) fn records(text: &str) -> (Records<'_>, char) {
    let first = text.lines().next().unwrap_or("");
    let named = first.trim_start_matches('"').strip_prefix("sep=").and_then(|rest| rest.bytes().next());
    let (at, line, delimiter) = match named {
        Some(delimiter) if delimiter.is_ascii() => {
            let end = text.find('\n').map_or(text.len(), |end| end + 1);
            (end, 2, delimiter)
        }
        _ => (0, 1, guess(text)),
    };
    (Records { text, at, row: 0, line, delimiter }, delimiter as char)
}

/// The delimiter that cuts the first rows into the most columns of the same number; at the same number, the comma. One
/// that leaves quotation marks open, or within cells that are not quoted, is taken for lack of a better one only.
fn guess(text: &str) -> u8 {
    let score = |delimiter: u8| {
        let first = Records { text, at: 0, row: 0, line: 1, delimiter }.take(30);
        let (mut clean, mut header, mut alike) = (true, None, 0);
        for record in first {
            let Ok(Record { cells, .. }) = record else {
                clean = false;
                break;
            };
            // A quoted cell with a mark in it is not borrowed: its marks were doubled.
            clean &= !cells.iter().any(|cell| matches!(cell, Cow::Borrowed(text) if text.contains('"')));
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                let width = *header.get_or_insert(cells.len());
                alike += usize::from(width == cells.len());
            }
        }
        match header {
            Some(columns) if columns > 1 => (true, clean, alike * columns, delimiter == b','),
            _ => (false, false, 0, delimiter == b','),
        }
    };
    [b',', b';', b'\t'].into_iter().max_by_key(|&delimiter| score(delimiter)).unwrap_or(b',')
}

impl<'a> Records<'a> {
    /// The cell at `self.at`, with what ends it: the delimiter, a line end, or the end of the text.
    fn cell(&mut self) -> Result<Cow<'a, str>, TableProblem> {
        let bytes = self.text.as_bytes();
        // Some programs put a space between delimiter and quote.
        let blanks = bytes[self.at..].iter().take_while(|&&byte| byte == b' ').count();
        if bytes.get(self.at + blanks) == Some(&b'"') {
            self.at += blanks + 1;
            return self.quoted();
        }
        let start = self.at;
        while let Some(&byte) = bytes.get(self.at) {
            if byte == self.delimiter || byte == b'\n' || byte == b'\r' {
                break;
            }
            self.at += 1;
        }
        Ok(Cow::Borrowed(&self.text[start..self.at]))
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, TableProblem> {
        let bytes = self.text.as_bytes();
        let (row, line, mut start) = (self.row, self.line, self.at);
        let mut cell: Cow<'a, str> = Cow::Borrowed("");
        loop {
            match bytes.get(self.at) {
                None => return Err(TableProblem::OpenQuote { row, line }),
                Some(b'"') if bytes.get(self.at + 1) == Some(&b'"') => {
                    cell.to_mut().push_str(&self.text[start..=self.at]);
                    self.at += 2;
                    start = self.at;
                }
                Some(b'"') => {
                    cell += &self.text[start..self.at];
                    self.at += 1;
                    break;
                }
                Some(byte) => {
                    self.line += u32::from(*byte == b'\n');
                    self.at += 1;
                }
            }
        }
        while bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match bytes.get(self.at) {
            None | Some(b'\n' | b'\r') => Ok(cell),
            Some(&byte) if byte == self.delimiter => Ok(cell),
            Some(_) => Err(TableProblem::StrayQuote { row, line: self.line }),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, TableProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        if self.at >= bytes.len() {
            return None;
        }
        self.row += 1;
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok(cell) => cells.push(cell),
                Err(problem) => {
                    self.at = bytes.len();
                    return Some(Err(problem));
                }
            }
            match bytes.get(self.at) {
                Some(&byte) if byte == self.delimiter => self.at += 1,
                Some(b'\r') => {
                    // A lone carriage return ends a line too: old spreadsheets of the Macintosh.
                    self.at += 1 + usize::from(bytes.get(self.at + 1) == Some(&b'\n'));
                    break;
                }
                Some(_) => {
                    self.at += 1;
                    break;
                }
                None => break,
            }
        }
        self.line += 1;
        Some(Ok(Record { row: self.row, cells }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        let whole = |record: Record<'_>| (record.row, record.cells.into_iter().map(Cow::into_owned).collect());
        records(text).0.map(|record| whole(record.unwrap())).collect()
    }

    #[test]
    fn delimiters_are_found() {
        for (text, delimiter) in [
            ("id,name\n1,\"a;b;c\"\n", ','),
            ("id;name\n1;3,5\n2;4,7\n", ';'),
            ("id\tname\n1\ta, b\n", '\t'),
            ("sep=;\nid;a,b,c\n", ';'),
            ("\"sep=\t\"\nid\tb\n", '\t'),
            ("id\n1\n", ','),
            ("note\na; b\nc; d\n", ','),
            ("a,\"a;\"\n\";;x\",\";a\"\n", ','),
            ("a,\"b;;;\"\nx,\";a\"\"\"\n", ','),
            ("size\n5\" pipe\n", ','),
            ("a;b\n5\" pipe;1,5\n", ';'),
            ("name;age\nA, B;3\nC, D;4\n", ';'),
        ] {
            assert_eq!(records(text).1, delimiter, "{text:?}");
        }
        assert_eq!(rows("sep=;\nid;a\n1;2\n")[0], (1, vec!["id".into(), "a".into()]));
    }

    #[test]
    fn quotes_line_ends_and_rows() {
        let found = rows("a,b\r\n\r\n\"x\"\"y\", \"two\nlines\" ,5\" pipe\rlast,");
        let expected: [(u32, Vec<&str>); 4] =
            [(1, vec!["a", "b"]), (2, vec![""]), (3, vec!["x\"y", "two\nlines", "5\" pipe"]), (4, vec!["last", ""])];
        assert_eq!(found, expected.map(|(row, cells)| (row, cells.into_iter().map(str::to_owned).collect())));
    }

    #[test]
    fn broken_quotes_name_their_row_and_line() {
        let problem = |text| records(text).0.find_map(Result::err).unwrap();
        assert_eq!(problem("a,b\n\"x\ny\",1\n\"open,2\n3,4\n"), TableProblem::OpenQuote { row: 3, line: 4 });
        assert_eq!(problem("a,b\n\"x\" y,1\n"), TableProblem::StrayQuote { row: 2, line: 2 });
        // A quote that was never closed swallows the rows up to the next one.
        assert_eq!(problem("a,b\n\"open,1\n2,\"x\"\n"), TableProblem::StrayQuote { row: 2, line: 3 });
    }
}
