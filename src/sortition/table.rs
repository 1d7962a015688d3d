//! A table of text as people send it: columns with names, rows with the numbers they have in their file.
//!
//! A column keeps each distinct text once and a number a cell, so that a million rows stay small, values are counted
//! without comparing texts, and a cell or a whole value can be edited at any time.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Most bytes of distinct text in one column: places in it are 32-bit.
const MAX_TEXT: usize = u32::MAX as usize;
/// Rows that a message names before it only counts them.
const NAMED: usize = 5;
/// A free place of an index.
const FREE: u32 = u32::MAX;

/// Distinct texts, numbered in the order they came.
#[derive(Clone, Debug, Default)]
struct Texts {
    text: String,
    /// Where each text ends in `text`.
    ends: Vec<u32>,
    /// Open addressing over the numbers of the texts; its length is a power of two, twice their number or more.
    index: Vec<u32>,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.text[start..self.ends[number] as usize]
    }

    /// The place of `text` in the index: its own, or the free one where it belongs.
    fn slot(&self, text: &str) -> usize {
        let mask = self.index.len() - 1;
        let mut slot = BuildHasherDefault::<DefaultHasher>::default().hash_one(text) as usize & mask;
        while self.index[slot] != FREE && self.get(self.index[slot]) != text {
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The number of `text`, which is added if it is new; none when there is no room for it.
    fn intern(&mut self, text: &str) -> Option<u32> {
        if (self.len() + 1) * 2 > self.index.len() {
            self.index = vec![FREE; (self.index.len() * 2).max(16)];
            for number in 0..self.len() as u32 {
                let slot = self.slot(self.get(number));
                self.index[slot] = number;
            }
        }
        let slot = self.slot(text);
        if self.index[slot] == FREE {
            if self.text.len() + text.len() > MAX_TEXT {
                return None;
            }
            self.index[slot] = self.len() as u32;
            self.text.push_str(text);
            self.ends.push(self.text.len() as u32);
        }
        Some(self.index[slot])
    }
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// One number of `texts` a row.
    cells: Vec<u32>,
    texts: Texts,
}

/// A cell that found no room: a column holds more than 4 GB of distinct text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the column '{column}' holds more than 4 GB of text: leave out long texts, or split the table")]
pub struct TableFull {
    column: String,
}

/// Rows that something holds for: the first few, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SomeRows {
    /// The numbers of the first ones in their source.
    pub first: Vec<u32>,
    /// All of them.
    pub all: usize,
}

impl SomeRows {
    /// One more row.
    pub fn add(&mut self, row: u32) {
        if self.first.len() < NAMED {
            self.first.push(row);
        }
        self.all += 1;
    }

    /// The rows of a table whose texts in a column pass a test.
    pub fn of(table: &Table, column: usize, test: impl FnMut(&str) -> bool) -> Self {
        let (rows, all) = table.rows_where(column, NAMED, test);
        Self { first: rows.into_iter().map(|row| table.source_row(row)).collect(), all }
    }
}

impl FromIterator<u32> for SomeRows {
    fn from_iter<I: IntoIterator<Item = u32>>(rows: I) -> Self {
        let mut some = Self::default();
        rows.into_iter().for_each(|row| some.add(row));
        some
    }
}

impl fmt::Display for SomeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.first.iter().map(u32::to_string).collect();
        f.write_str(if self.all == 1 { "row " } else { "rows " })?;
        f.write_str(&numbers.join(", "))?;
        match self.all - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Rows of text under named columns. Two tables are equal if names, cells and row numbers are.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    /// The number of each row in its source, as the reader of the source counts.
    rows: Vec<u32>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let same_cells = |column: usize| (0..self.len()).all(|row| self.cell(row, column) == other.cell(row, column));
        self.rows == other.rows && self.names().eq(other.names()) && (0..self.width()).all(same_cells)
    }
}

impl Table {
    /// An empty table with these columns.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let column = |name| Column { name, cells: Vec::new(), texts: Texts::default() };
        Self { columns: names.into_iter().map(column).collect(), rows: Vec::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The name of a column.
    pub fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// Renames all columns, in order.
    pub fn rename(&mut self, names: Vec<String>) {
        for (column, name) in self.columns.iter_mut().zip(names) {
            column.name = name;
        }
    }

    /// The column of this name; failing that, the first one whose name differs only in case and outer spaces.
    pub fn column(&self, name: &str) -> Option<usize> {
        let folded = name.trim().to_lowercase();
        let exact = self.columns.iter().position(|column| column.name == name);
        exact.or_else(|| self.columns.iter().position(|column| column.name.trim().to_lowercase() == folded))
    }

    /// A cell.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let column = &self.columns[column];
        column.texts.get(column.cells[row])
    }

    /// The number of a row in its source.
    pub fn source_row(&self, row: usize) -> u32 {
        self.rows[row]
    }

    /// Adds a row; cells that are not given are empty, and cells beyond the last column are passed over.
    pub fn push<'a>(&mut self, source_row: u32, cells: impl IntoIterator<Item = &'a str>) -> Result<(), TableFull> {
        let mut cells = cells.into_iter();
        for place in 0..self.columns.len() {
            let column = &mut self.columns[place];
            let number = column.texts.intern(cells.next().unwrap_or(""));
            match number {
                Some(number) => column.cells.push(number),
                None => {
                    // The row is taken back, so that the table stays whole.
                    for column in &mut self.columns[..place] {
                        column.cells.pop();
                    }
                    return Err(TableFull { column: self.columns[place].name.clone() });
                }
            }
        }
        self.rows.push(source_row);
        Ok(())
    }

    /// Adds a column whose cells are empty so far.
    pub fn add_column(&mut self, name: String) {
        let mut texts = Texts::default();
        let empty = texts.intern("").unwrap_or_default();
        self.columns.push(Column { name, cells: vec![empty; self.len()], texts });
    }

    /// Takes a column out.
    pub fn remove_column(&mut self, column: usize) {
        self.columns.remove(column);
    }

    /// Writes a cell.
    pub fn set(&mut self, row: usize, column: usize, text: &str) -> Result<(), TableFull> {
        let column = &mut self.columns[column];
        let number = column.texts.intern(text).ok_or_else(|| TableFull { column: column.name.clone() })?;
        column.cells[row] = number;
        Ok(())
    }

    /// Replaces each cell of a column by what `change` makes of its text; it is asked once a distinct text.
    pub fn rewrite(&mut self, column: usize, mut change: impl FnMut(&str) -> String) -> Result<(), TableFull> {
        let column = &mut self.columns[column];
        let mut texts = Texts::default();
        let numbers: Option<Vec<u32>> =
            (0..column.texts.len() as u32).map(|number| texts.intern(&change(column.texts.get(number)))).collect();
        let numbers = numbers.ok_or_else(|| TableFull { column: column.name.clone() })?;
        for cell in &mut column.cells {
            *cell = numbers[*cell as usize];
        }
        column.texts = texts;
        Ok(())
    }

    /// The distinct texts of a column with how many rows have each, and for each row its text's place among them; in the
    /// order of their first rows.
    pub fn distinct(&self, column: usize) -> (Vec<(&str, usize)>, Vec<u32>) {
        let column = &self.columns[column];
        let mut places = vec![FREE; column.texts.len()];
        let mut found: Vec<(&str, usize)> = Vec::new();
        let mut rows = Vec::with_capacity(column.cells.len());
        for &cell in &column.cells {
            let place = &mut places[cell as usize];
            if *place == FREE {
                *place = found.len() as u32;
                found.push((column.texts.get(cell), 0));
            }
            found[*place as usize].1 += 1;
            rows.push(*place);
        }
        (found, rows)
    }

    /// Whether any cell of a column holds a text for which `test` holds; asked once a distinct text, so texts that no
    /// cell holds any more (after edits) may be asked too.
    pub fn any_text(&self, column: usize, mut test: impl FnMut(&str) -> bool) -> bool {
        let texts = &self.columns[column].texts;
        (0..texts.len() as u32).any(|number| test(texts.get(number)))
    }

    /// The first rows of a column for whose texts `test` holds, `most` of them, and how many there are in all.
    pub fn rows_where(&self, column: usize, most: usize, mut test: impl FnMut(&str) -> bool) -> (Vec<usize>, usize) {
        let column = &self.columns[column];
        let passes: Vec<bool> = (0..column.texts.len() as u32).map(|number| test(column.texts.get(number))).collect();
        let (mut rows, mut all) = (Vec::new(), 0);
        for (row, &cell) in column.cells.iter().enumerate() {
            if passes[cell as usize] {
                all += 1;
                if rows.len() < most {
                    rows.push(row);
                }
            }
        }
        (rows, all)
    }
}

/// Whether a spreadsheet put this where it could not show a value: "####", "#N/A".
pub fn is_lost(text: &str) -> bool {
    let signs = text.len() >= 3 && text.bytes().all(|byte| byte == b'#');
    signs || ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"].contains(&text)
}

/// Names that are told apart: a second column of the same name becomes `name (2)`, and so on. Gives the names with the
/// places of those that were changed.
pub fn unlike_names(names: Vec<String>) -> (Vec<String>, Vec<usize>) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for name in &names {
        seen.insert(name.clone(), 0);
    }
    let (mut unlike, mut changed) = (Vec::with_capacity(names.len()), Vec::new());
    for (place, name) in names.into_iter().enumerate() {
        let times = seen.entry(name.clone()).or_insert(0);
        *times += 1;
        if *times == 1 {
            unlike.push(name);
            continue;
        }
        let mut number = *times;
        let mut other = format!("{name} ({number})");
        while seen.contains_key(&other) {
            number += 1;
            other = format!("{name} ({number})");
        }
        seen.insert(other.clone(), 1);
        changed.push(place);
        unlike.push(other);
    }
    (unlike, changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn cells_are_kept_counted_and_edited() {
        let mut table = Table::new(names(&["id", "colour"]));
        for (row, cells) in [["a", "red"], ["b", "blue"], ["c", "red"]].iter().enumerate() {
            table.push(row as u32 + 2, cells.iter().copied()).unwrap();
        }
        table.push(9, ["d"]).unwrap();
        assert_eq!((table.len(), table.width(), table.source_row(3)), (4, 2, 9));
        assert_eq!(table.distinct(1), (vec![("red", 2), ("blue", 1), ("", 1)], vec![0, 1, 0, 2]));
        assert_eq!(table.column(" Colour "), Some(1));
        table.set(1, 1, "red").unwrap();
        table.rewrite(1, |text| if text == "red" { "rouge".into() } else { text.into() }).unwrap();
        table.add_column("note".into());
        assert_eq!(table.distinct(1).0, [("rouge", 3), ("", 1)]);
        assert_eq!((table.cell(0, 2), table.cell(3, 0)), ("", "d"));
        assert_eq!(table.rows_where(1, 2, |text| text == "rouge"), (vec![0, 1], 3));
        table.remove_column(1);
        assert_eq!(table.names().collect::<Vec<_>>(), ["id", "note"]);
    }

    #[test]
    fn many_texts_keep_their_numbers() {
        let mut table = Table::new(names(&["id"]));
        for row in 0..5000_u32 {
            table.push(row, [format!("p{row}").as_str()]).unwrap();
        }
        assert!((0..5000).all(|row| table.cell(row, 0) == format!("p{row}")));
        assert_eq!(table.distinct(0).0.len(), 5000);
    }

    #[test]
    fn like_names_are_told_apart() {
        let (unlike, changed) = unlike_names(names(&["a", "b", "a", "a (2)", "a"]));
        assert_eq!(unlike, ["a", "b", "a (3)", "a (2)", "a (4)"]);
        assert_eq!(changed, [2, 4]);
    }
}
