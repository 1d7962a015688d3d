//! Scenarios that evaluees answer: those that ship with the program, and others out of JSON, tables and plain text.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::decode;
use super::table::{self, TableError, TableProblem, TableWarning};
use crate::eigenbench::scenario::{Scenario, check_scenarios};

/// Endings of files that hold tables; everything else is text or JSON.
const TABLES: [&str; 8] = ["csv", "tsv", "xlsx", "xlsm", "xlsb", "ods", "jsonl", "ndjson"];
/// Names under which a table may hold the texts.
const TEXTS: [&str; 4] = ["text", "scenario", "prompt", "question"];

/// Scenarios as they stand in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadScenarios {
    pub scenarios: Vec<Scenario>,
    /// Texts that stood in the file before, and are left out.
    pub repeated: usize,
    /// What was assumed while reading.
    pub warnings: Vec<TableWarning>,
}

/// Why a file gives no scenarios.
#[derive(Debug, thiserror::Error)]
pub enum ScenariosError {
    /// The file cannot be read, or is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("{problem}. Give a list of texts or of objects with \"id\" and \"text\" ({})", path.display())]
    Json { path: PathBuf, problem: String },
    #[error("there is no column of texts: the table needs text (or scenario), and where wanted id ({})", path.display())]
    Column { path: PathBuf },
    #[error("{problem} ({})", path.display())]
    Unfit { path: PathBuf, problem: String },
}

/// The scenarios that ship with the program: 120 everyday matters, written for it.
pub fn shipped() -> Vec<Scenario> {
    serde_json::from_str(include_str!("../../assets/scenarios/everyday.json")).expect("a test reads them")
}

/// Reads scenarios: a JSON list of texts or of objects with `text` and where wanted `id`, a table with such columns, or plain
/// text with a scenario a line (a paragraph, where lines stand between blank ones). Without an id a scenario is called by its
/// number, from 1. A text that was read before is left out: lists of dilemmas often have each twice.
///
/// # Errors
/// [`ScenariosError`].
pub fn read(path: &Path) -> Result<ReadScenarios, ScenariosError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let (given, warnings) = if ending.as_deref().is_some_and(|ending| TABLES.contains(&ending)) {
        from_table(path)?
    } else {
        let failed = |problem| TableError { problem, path: path.to_owned() };
        let bytes = std::fs::read(path).map_err(|error| failed(TableProblem::Unreadable(error.to_string())))?;
        let (text, assumed) = decode::decode(&bytes).map_err(failed)?;
        let is_json = ending.as_deref() == Some("json") || text.trim_start().starts_with(['[', '{']);
        let given = if is_json { from_json(path, &text)? } else { from_text(&text) };
        (given, assumed.into_iter().collect())
    };
    let mut scenarios: Vec<Scenario> = Vec::with_capacity(given.len());
    let mut seen = std::collections::BTreeSet::new();
    let mut repeated = 0;
    for (place, (id, text)) in given.into_iter().enumerate() {
        let text = text.trim().to_owned();
        if !text.is_empty() && !seen.insert(text.clone()) {
            repeated += 1;
            continue;
        }
        scenarios.push(Scenario { id: id.unwrap_or_else(|| (place + 1).to_string()), text });
    }
    match check_scenarios(&scenarios) {
        Ok(()) => Ok(ReadScenarios { scenarios, repeated, warnings }),
        Err(problem) => Err(ScenariosError::Unfit { path: path.to_owned(), problem }),
    }
}

type Given = Vec<(Option<String>, String)>;

fn from_table(path: &Path) -> Result<(Given, Vec<TableWarning>), ScenariosError> {
    let read = table::read(path, None)?;
    let table = &read.table;
    let text = TEXTS.iter().find_map(|name| table.column(name));
    let text = text.ok_or_else(|| ScenariosError::Column { path: path.to_owned() })?;
    let id = table.column("id");
    let own = |row| id.map(|id| table.cell(row, id).trim().to_owned()).filter(|own| !own.is_empty());
    Ok(((0..table.len()).map(|row| (own(row), table.cell(row, text).to_owned())).collect(), read.warnings))
}

fn from_json(path: &Path, text: &str) -> Result<Given, ScenariosError> {
    let wrong = |problem: String| ScenariosError::Json { path: path.to_owned(), problem };
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(format!("this is no JSON: {error}")))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut fields) => match fields.remove("scenarios") {
            Some(Value::Array(items)) => items,
            _ => return Err(wrong("the object holds no list \"scenarios\"".into())),
        },
        _ => return Err(wrong("the JSON is no list".into())),
    };
    let item = |(place, item): (usize, Value)| match item {
        Value::String(text) => Ok((None, text)),
        Value::Object(fields) => {
            let text = TEXTS.iter().find_map(|name| fields.get(*name).and_then(Value::as_str));
            let text = text.ok_or_else(|| wrong(format!("item {} of the list has no \"text\"", place + 1)))?;
            let id = match fields.get("id") {
                Some(Value::String(id)) => Some(id.clone()),
                Some(Value::Number(id)) => Some(id.to_string()),
                _ => None,
            };
            Ok((id, text.to_owned()))
        }
        _ => Err(wrong(format!("item {} of the list is no text", place + 1))),
    };
    items.into_iter().enumerate().map(item).collect()
}

fn from_text(text: &str) -> Given {
    let paragraphs = text.replace("\r\n", "\n");
    let filled = |part: &&str| !part.trim().is_empty();
    let blocks: Vec<&str> = paragraphs.split("\n\n").filter(filled).collect();
    // Blank lines alone between single lines are a matter of taste.
    let parts: Vec<&str> = if blocks.len() > 1 && blocks.iter().any(|block| block.trim().contains('\n')) {
        blocks
    } else {
        paragraphs.lines().filter(filled).collect()
    };
    parts.into_iter().map(|part| (None, part.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(name: &str, text: &str) -> Result<ReadScenarios, ScenariosError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn those_that_ship_are_fit() {
        let shipped = shipped();
        assert_eq!(shipped.len(), 120);
        assert_eq!(check_scenarios(&shipped), Ok(()));
    }

    #[test]
    fn lists_in_any_dress_are_read() {
        let known = [("1", "Why me?"), ("2", "My brother, again.")];
        for (name, text) in [
            ("a.json", "[\"Why me?\", \" My brother, again.\"]"),
            ("a.json", "{\"scenarios\": [{\"id\": 1, \"text\": \"Why me?\"}, {\"scenario\": \"My brother, again.\"}]}"),
            ("a.txt", "Why me?\n\nMy brother, again.\n"),
            ("a.csv", "id,text\n1,Why me?\n2,\"My brother, again.\"\n"),
            ("a.jsonl", "{\"scenario\": \"Why me?\"}\n{\"scenario\": \"My brother, again.\"}\n"),
        ] {
            let read = read_as(name, text).unwrap();
            let found: Vec<(&str, &str)> = read.scenarios.iter().map(|one| (&*one.id, &*one.text)).collect();
            assert_eq!(found, known, "{name} {text}");
        }
        let paragraphs = read_as("a.txt", "Why\nme?\n\nAgain.").unwrap();
        assert_eq!(paragraphs.scenarios[0].text, "Why\nme?");
    }

    #[test]
    fn a_text_that_comes_twice_is_read_once() {
        let read = read_as("a.json", "[\"Why?\", \"How?\", \"Why?\"]").unwrap();
        assert_eq!((read.scenarios.len(), read.repeated), (2, 1));
    }

    #[test]
    fn what_holds_no_scenarios_is_told() {
        for (name, text, part) in [
            ("a.json", "{\"x\": 1}", "no list \"scenarios\""),
            ("a.json", "[1]", "item 1 of the list is no text"),
            ("a.json", "[", "no JSON"),
            ("a.csv", "id,words\n1,Why?\n", "no column of texts"),
            ("a.txt", "\n", "no scenarios"),
            ("a.json", "[{\"id\": \"a\", \"text\": \"x\"}, {\"id\": \"a\", \"text\": \"y\"}]", "called \"a\""),
        ] {
            let error = read_as(name, text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
