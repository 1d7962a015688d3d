//! What people chose between responses of a collection, as CSV: `person, scenario, criterion, first, second, choice`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::eigenbench::comparisons::Choice;

/// What a collection calls its things; numbers of a choice are places in these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub models: Vec<String>,
    /// Ids of scenarios.
    pub scenarios: Vec<String>,
    /// Counted over all constitutions.
    pub criteria: Vec<String>,
}

/// One choice of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonChoice {
    pub person: String,
    pub scenario: u32,
    pub criterion: u16,
    pub first: u16,
    pub second: u16,
    pub choice: Choice,
}

/// Why a file gives no choices.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error("the table cannot be read: {error}. Give a CSV file with a header ({})", path.display())]
    Unreadable { path: PathBuf, error: String },
    #[error("there is no column \"{column}\": the table needs person, scenario, first, second, choice, and where wanted criterion ({})", path.display())]
    Column { path: PathBuf, column: &'static str },
    #[error("line {line}: {reason} ({})", path.display())]
    Row { path: PathBuf, line: u64, reason: String },
    #[error("there are no choices in the file ({})", path.display())]
    Empty { path: PathBuf },
}

/// Reads choices on the responses of a collection. Scenarios go by their ids or numbers from 1, models by their names, criteria by
/// their texts or ids, or by numbers from 1 over all constitutions; an empty criterion is the only one there is. `choice` is 0 or tie,
/// 1 or first, 2 or second.
///
/// # Errors
/// [`PeopleError`]; nothing is taken then.
pub fn read(path: &Path, names: &Names) -> Result<Vec<PersonChoice>, PeopleError> {
    let unreadable = |error: csv::Error| PeopleError::Unreadable { path: path.to_owned(), error: error.to_string() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let named =
        |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let column = |name: &'static str| named(name).ok_or(PeopleError::Column { path: path.to_owned(), column: name });
    let [person, scenario, first, second, choice] =
        [column("person")?, column("scenario")?, column("first")?, column("second")?, column("choice")?];
    let criterion = named("criterion");
    let Names { models, scenarios, criteria } = names;
    let mut rows = Vec::new();
    let mut known = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |reason: String| PeopleError::Row { path: path.to_owned(), line, reason };
        let cell = |at: usize| record.get(at).unwrap_or("");
        let name = cell(person);
        if name.is_empty() {
            return Err(wrong("the person has no name. Give a pseudonym".into()));
        }
        if models.iter().any(|model| model == name) {
            return Err(wrong(format!("{name} is a model of the run. Give the person another name")));
        }
        let model = |text: &str| {
            let place = models.iter().position(|model| model == text);
            place
                .map(|place| place as u16)
                .ok_or_else(|| wrong(format!("no model is called {text:?}. There are {}", models.join(", "))))
        };
        let (a, b) = (model(cell(first))?, model(cell(second))?);
        if a == b {
            return Err(wrong(format!("{} is compared with itself", cell(first))));
        }
        let wanted = cell(scenario);
        let by_id = scenarios.iter().position(|own| own == wanted);
        let by_number = || wanted.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < scenarios.len());
        let scenario = by_id
            .or_else(by_number)
            .ok_or_else(|| wrong(format!("there is no scenario {wanted:?}. Give its id or its number from 1")))?;
        let wanted = criterion.map_or("", cell);
        let place = match wanted {
            "" if criteria.len() == 1 => Some(0),
            "" => None,
            text => {
                let named = criteria.iter().position(|own| {
                    own == text || own.split_once(": ").is_some_and(|(id, rest)| id == text || rest == text)
                });
                named.or_else(|| {
                    text.parse::<usize>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < criteria.len())
                })
            }
        };
        let place = place.ok_or_else(|| {
            wrong(format!("there is no criterion {wanted:?}. Give its text, its id or its number from 1"))
        })? as u16;
        let choice = match cell(choice).to_lowercase().as_str() {
            "0" | "tie" => Choice::Tie,
            "1" | "first" => Choice::First,
            "2" | "second" => Choice::Second,
            other => return Err(wrong(format!("the choice is {other:?}: write 0 for a tie, 1 or 2"))),
        };
        let pair = (name.to_owned(), scenario, place, a.min(b), a.max(b), a < b);
        if let Some(before) = known.insert(pair, line) {
            return Err(wrong(format!(
                "line {before} has a choice of this person between the same two. Leave one of them"
            )));
        }
        rows.push(PersonChoice {
            person: name.to_owned(),
            scenario: scenario as u32,
            criterion: place,
            first: a,
            second: b,
            choice,
        });
    }
    if rows.is_empty() {
        return Err(PeopleError::Empty { path: path.to_owned() });
    }
    Ok(rows)
}

/// Choices as a table that [`read`] takes, its header first.
pub fn table(names: &Names, rows: &[PersonChoice]) -> Vec<Vec<String>> {
    let header = ["person", "scenario", "criterion", "first", "second", "choice"].map(str::to_owned).to_vec();
    let name = |of: &[String], place: usize| of.get(place).cloned().unwrap_or_default();
    let cells = |row: &PersonChoice| {
        vec![
            row.person.clone(),
            name(&names.scenarios, row.scenario as usize),
            name(&names.criteria, usize::from(row.criterion)),
            name(&names.models, usize::from(row.first)),
            name(&names.models, usize::from(row.second)),
            row.choice.figure().to_string(),
        ]
    };
    std::iter::once(header).chain(rows.iter().map(cells)).collect()
}

/// Writes choices as [`read`] takes them.
///
/// # Errors
/// Whatever the operating system refuses.
pub fn write(path: &Path, names: &Names, rows: &[PersonChoice]) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in table(names, rows) {
        writer.write_record(line)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    super::whole_file::write(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        Names {
            models: list(&["m", "n"]),
            scenarios: list(&["first-one", "other"]),
            criteria: list(&["1: Be kind.", "2: Be brief."]),
        }
    }

    fn read_text(text: &str) -> Result<Vec<PersonChoice>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, &names()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn scenarios_and_criteria_go_by_id_text_or_number() {
        let found = read_text(
            "person,scenario,criterion,first,second,choice\nAda,first-one,Be brief.,m,n,1\nAda,2,1,n,m,tie\nBen,other,2: Be brief.,m,n,second\n",
        )
        .unwrap();
        let short: Vec<_> = found.iter().map(|row| (row.scenario, row.criterion, row.first, row.choice)).collect();
        assert_eq!(short, [(0, 1, 0, Choice::First), (1, 0, 1, Choice::Tie), (1, 1, 0, Choice::Second)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("again.csv");
        write(&path, &names(), &found).unwrap();
        assert_eq!(read(&path, &names()).unwrap(), found);
    }

    #[test]
    fn what_is_wrong_names_the_line_and_the_way_out() {
        let problem = |row: &str| {
            read_text(&format!("person,scenario,criterion,first,second,choice\nAda,1,1,m,n,0\n{row}\n")).unwrap_err()
        };
        assert!(problem("Ada,1,1,m,x,1").contains("line 3: no model is called \"x\". There are m, n"));
        assert!(problem("Ada,9,1,m,n,1").contains("no scenario \"9\""));
        assert!(problem("Ada,1,,m,n,1").contains("no criterion"));
        assert!(problem("Ada,1,1,m,m,1").contains("compared with itself"));
        assert!(problem("Ada,1,1,m,n,better").contains("write 0 for a tie"));
        assert!(problem("Ada,1,1,m,n,2").contains("line 2 has a choice"));
        assert!(problem(",1,1,m,n,1").contains("no name") && problem("m,1,1,m,n,1").contains("is a model"));
        assert!(read_text("person,scenario,first,second\n").unwrap_err().contains("no column \"choice\""));
        assert!(read_text("person,scenario,criterion,first,second,choice\n").unwrap_err().contains("no choices"));
    }
}
