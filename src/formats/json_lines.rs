//! JSON with one object a line (or one array of objects), flattened into a table: the value under `religion` and there
//! under `simplified` stands in the column `religion.simplified`. Lists of plain values are joined with "; "; lists that
//! hold lists or objects stand as their JSON. `null` is a blank.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::mangled;
use super::table::{Layout, MAX_ROWS, TableProblem, TableWarning};
use crate::sortition::table::Table;

/// Whole numbers of this size and more are not kept exactly by 64-bit binary fractions.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads objects; rows have the number of their line, in an array that of their item.
pub(super) fn read(text: &str) -> Result<(Table, Layout, Vec<TableWarning>), TableProblem> {
    let mut rows = Rows::default();
    if text.trim_start().starts_with('[') {
        let mut json = serde_json::Deserializer::from_str(text);
        let done = Items(&mut rows).deserialize(&mut json).and_then(|()| json.end());
        done.map_err(|error| rows.problem.take().unwrap_or_else(|| no_json(&error, error.line() as u32)))?;
    } else {
        for (line, object) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line = line as u32 + 1;
            let mut json = serde_json::Deserializer::from_str(object);
            let done = Row { rows: &mut rows, number: line }.deserialize(&mut json).and_then(|()| json.end());
            done.map_err(|error| rows.problem.take().unwrap_or_else(|| no_json(&error, line)))?;
        }
    }
    if rows.table.is_empty() {
        return Err(TableProblem::Empty);
    }
    Ok((rows.table, Layout::Json, rows.lists.into_iter().map(|key| TableWarning::Lists { key }).collect()))
}

fn no_json(error: &serde_json::Error, line: u32) -> TableProblem {
    let told = error.to_string();
    let what = told.rfind(" at line ").map_or(&told[..], |end| &told[..end]);
    TableProblem::Json { line, reason: format!("{what} at character {}", error.column()) }
}

#[derive(Default)]
struct Rows {
    table: Table,
    places: HashMap<String, usize>,
    /// The keys that held lists.
    lists: Vec<String>,
    /// The cells of the object being read.
    cells: Vec<(String, String)>,
    /// Why reading stopped, where it was not for the JSON.
    problem: Option<TableProblem>,
}

impl Rows {
    /// Stops the reader of JSON for a reason of ours.
    fn refuse<E: serde::de::Error>(&mut self, problem: TableProblem) -> E {
        self.problem = Some(problem);
        E::custom("refused")
    }

    fn push(&mut self, number: u32) -> Result<(), TableProblem> {
        if self.table.len() == MAX_ROWS {
            return Err(TableProblem::TooManyRows);
        }
        for (key, _) in &self.cells {
            if !self.places.contains_key(key) {
                self.places.insert(key.clone(), self.table.width());
                self.table.add_column(key.clone());
            }
        }
        let mut row = vec![""; self.table.width()];
        for (key, text) in &self.cells {
            row[self.places[key]] = text;
        }
        Ok(self.table.push(number, row)?)
    }
}

/// An array of objects.
struct Items<'r>(&'r mut Rows);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut number = 1;
        while items.next_element_seed(Row { rows: self.0, number })?.is_some() {
            number += 1;
        }
        Ok(())
    }
}

/// One object, which becomes a row.
struct Row<'r> {
    rows: &'r mut Rows,
    number: u32,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Row { rows, number } = self;
        rows.cells.clear();
        Node { rows, number, path: None }.deserialize(json)?;
        rows.push(number).map_err(|problem| rows.refuse(problem))
    }
}

/// A value somewhere in an object; `path` is none for the object itself.
struct Node<'r> {
    rows: &'r mut Rows,
    number: u32,
    path: Option<String>,
}

impl Node<'_> {
    fn plain<E: serde::de::Error>(self, text: &str, found: &'static str) -> Result<(), E> {
        let Node { rows, number: line, path } = self;
        let Some(key) = path else { return Err(rows.refuse(TableProblem::NotAnObject { line, found })) };
        if rows.cells.iter().any(|(known, _)| *known == key) {
            return Err(rows.refuse(TableProblem::KeyTwice { line, key }));
        }
        rows.cells.push((key, mangled::clean(text).into_owned()));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            let path = self.path.as_ref().map_or_else(|| key.clone(), |path| format!("{path}.{key}"));
            entries.next_value_seed(Node { rows: self.rows, number: self.number, path: Some(path) })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<serde_json::Value>()? {
            list.push(item);
        }
        let plain: Option<Vec<String>> = list.iter().map(plain_text).collect();
        let text = match plain {
            Some(texts) => texts.join("; "),
            None => serde_json::to_string(&list).map_err(A::Error::custom)?,
        };
        if let Some(key) = self.path.as_ref().filter(|key| !self.rows.lists.contains(key)) {
            self.rows.lists.push(key.clone());
        }
        self.plain(&text, "a list")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.plain(text, "text")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.plain(if value { "true" } else { "false" }, "true or false")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.plain(&number.to_string(), "a number")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.plain(&number.to_string(), "a number")
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        if number.abs() >= EXACT {
            let (line, key) = (self.number, self.path.unwrap_or_default());
            return Err(self.rows.refuse(TableProblem::LongNumber { line, key }));
        }
        self.plain(&number.to_string(), "a number")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.plain("", "null")
    }
}

/// The text of a plain value.
fn plain_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => Some(String::new()),
        serde_json::Value::Bool(value) => Some(value.to_string()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_become_rows() {
        let text = "{\"user_id\":\"u1\",\"age\":30,\"religion\":{\"simplified\":\"None\",\"self_described\":null}}\n\n\
                    {\"user_id\":\"u2\",\"fast\":true,\"uses\":[\"a\",2],\"turns\":[{\"k\":1}],\"share\":0.25}\n";
        let (table, layout, warnings) = read(text).unwrap();
        assert_eq!(layout, Layout::Json);
        let names = "user_id age religion.simplified religion.self_described fast uses turns share";
        assert_eq!(table.names().collect::<Vec<_>>().join(" "), names);
        let row = |row| (0..table.width()).map(|column| table.cell(row, column)).collect::<Vec<_>>();
        assert_eq!(row(0), ["u1", "30", "None", "", "", "", "", ""]);
        assert_eq!(row(1), ["u2", "", "", "", "true", "a; 2", "[{\"k\":1}]", "0.25"]);
        assert_eq!((table.source_row(0), table.source_row(1)), (1, 3));
        assert_eq!(warnings, ["uses", "turns"].map(|key| TableWarning::Lists { key: key.into() }));
    }

    #[test]
    fn an_array_of_objects_reads_alike() {
        let (table, ..) = read("[\n{\"a\": 25.0},\n{\"a\": \"x\"}]").unwrap();
        assert_eq!((table.cell(0, 0), table.cell(1, 0), table.source_row(1)), ("25", "x", 2));
    }

    #[test]
    fn refusals_name_their_line() {
        let refused = |text| read(text).unwrap_err();
        assert_eq!(refused("{\"a\":1}\n3\n"), TableProblem::NotAnObject { line: 2, found: "a number" });
        assert_eq!(refused("{\"a\":1}\n[1]\n"), TableProblem::NotAnObject { line: 2, found: "a list" });
        assert_eq!(refused("{\"a\":1,\"a\":2}"), TableProblem::KeyTwice { line: 1, key: "a".into() });
        let long = TableProblem::LongNumber { line: 2, key: "id".into() };
        assert_eq!(refused("{\"id\":18446744073709551615}\n{\"id\":184467440737095516160}"), long);
        assert!(matches!(refused("{\"a\":1}\n{\"a\":"), TableProblem::Json { line: 2, .. }));
        assert!(matches!(refused("[\n{\"a\":1},\n{]"), TableProblem::Json { line: 3, .. }));
        assert_eq!(refused("[]"), TableProblem::Empty);
    }
}
