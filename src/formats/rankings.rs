//! Rankings as JSON lines and pairwise choices as CSV, as judges' programs write them.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::ranking::votes::{Ballot, Collector, Votes};

/// Bad lines that a message names.
const NAMED: usize = 5;

/// How to read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The field or column whose value puts ballots into one group; without it every line is a group of its own.
    pub group: Option<String>,
    /// Whether lines that cannot be read are left out rather than an error.
    pub skip_bad_lines: bool,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Ballots with the lines that were left out.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadVotes {
    /// The ballots.
    pub votes: Votes,
    /// Lines left out; empty unless they may be.
    pub left_out: Vec<BadLine>,
}

/// Why a file has no ballots.
#[derive(Debug, thiserror::Error)]
pub enum RankingsError {
    /// The file cannot be read at all.
    #[error("the rankings cannot be read: {error}. Check the path ({path})", path = path.display())]
    Unreadable { path: PathBuf, error: String },
    /// Some lines are not what they should be.
    #[error("{bad} of {lines} lines of {path} cannot be read ({}). Mend them, or leave them out with --skip-bad-lines",
        named(first), path = path.display())]
    Lines { path: PathBuf, lines: u64, bad: usize, first: Vec<BadLine> },
    /// A CSV file lacks a column.
    #[error("{path} has no column \"{column}\": it needs left, right and winner (left, right or tie)", path = path.display())]
    Column { path: PathBuf, column: String },
    /// There is nothing in the file.
    #[error("{path} holds no ballots", path = path.display())]
    Empty { path: PathBuf },
}

fn named(first: &[BadLine]) -> String {
    first.iter().map(BadLine::to_string).collect::<Vec<_>>().join("; ")
}

/// Rankings as JSON lines: objects with `models` (names; those ranked where it is missing) and `rankings` (lists of names,
/// best first, one a judge's pass). Other fields may name groups.
///
/// # Errors
/// [`RankingsError`].
pub fn read_rankings(path: &Path, reading: &Reading) -> Result<ReadVotes, RankingsError> {
    let text = text(path)?;
    let mut collected = Collected::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match record(line, reading, number) {
            Ok((group, models, orders)) => {
                collected.collector.models(&models);
                for order in orders {
                    let order = order.iter().map(|name| collected.collector.model(name)).collect();
                    collected.collector.cast(&group, Ballot::Order(order), 1);
                }
            }
            Err(reason) => collected.bad.push(BadLine { line: number, reason }),
        }
        collected.lines += 1;
    }
    collected.finish(path, reading)
}

/// Pairwise choices as CSV with the columns `left`, `right`, `winner` (`left`, `right` or `tie`) and, where equal rows are
/// counted rather than repeated, `count`.
///
/// # Errors
/// [`RankingsError`].
pub fn read_pairs(path: &Path, reading: &Reading) -> Result<ReadVotes, RankingsError> {
    let text = text(path)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| RankingsError::Unreadable { path: path.to_owned(), error: error.to_string() };
    let header = reader.headers().map_err(unreadable)?.clone();
    let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let column = |name: &str| {
        place(name).ok_or_else(|| RankingsError::Column { path: path.to_owned(), column: name.to_owned() })
    };
    let (left, right, winner) = (column("left")?, column("right")?, column("winner")?);
    let group = reading.group.as_deref().map(column).transpose()?;
    let count = place("count");
    let mut collected = Collected::default();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let line = row.position().map_or(0, csv::Position::line);
        collected.lines += 1;
        let cell = |at: usize| row.get(at).unwrap_or("");
        let read = || -> Result<(&str, &str, u32), String> {
            let (left, right) = (cell(left), cell(right));
            if left.is_empty() || right.is_empty() {
                return Err("a model's name is missing".into());
            }
            if left == right {
                return Err(format!("{left} is compared with itself"));
            }
            let times = count.map_or("1", cell);
            let times = times.parse().map_err(|_| format!("the count \"{times}\" is no whole number"))?;
            Ok((left, right, times))
        };
        let ballot = read().and_then(|(left, right, times)| {
            let places = (collected.collector.model(left), collected.collector.model(right));
            let ballot = match cell(winner).to_lowercase().as_str() {
                "left" => Ballot::Order(vec![places.0, places.1]),
                "right" => Ballot::Order(vec![places.1, places.0]),
                "tie" => Ballot::Tie(places.0.min(places.1), places.0.max(places.1)),
                other => return Err(format!("the winner is \"{other}\": write left, right or tie")),
            };
            Ok((ballot, times))
        });
        match ballot {
            Ok((ballot, times)) => {
                let group = group.map_or_else(|| line.to_string(), |at| cell(at).to_owned());
                if times > 0 {
                    collected.collector.cast(&group, ballot, times);
                }
            }
            Err(reason) => collected.bad.push(BadLine { line, reason }),
        }
    }
    collected.finish(path, reading)
}

#[derive(Default)]
struct Collected {
    collector: Collector,
    lines: u64,
    bad: Vec<BadLine>,
}

impl Collected {
    fn finish(self, path: &Path, reading: &Reading) -> Result<ReadVotes, RankingsError> {
        let Self { collector, lines, bad } = self;
        if !bad.is_empty() && !reading.skip_bad_lines {
            let first = bad.iter().take(NAMED).cloned().collect();
            return Err(RankingsError::Lines { path: path.to_owned(), lines, bad: bad.len(), first });
        }
        let votes = collector.votes();
        if votes.groups.is_empty() {
            return Err(RankingsError::Empty { path: path.to_owned() });
        }
        Ok(ReadVotes { votes, left_out: bad })
    }
}

/// A file's text without a mark of its byte order.
pub(super) fn text(path: &Path) -> Result<String, RankingsError> {
    let bytes = std::fs::read(path)
        .map_err(|error| RankingsError::Unreadable { path: path.to_owned(), error: error.to_string() })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| RankingsError::Unreadable { path: path.to_owned(), error: "it is not UTF-8 text".into() })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

type Record = (String, Vec<String>, Vec<Vec<String>>);

/// Group, models and rankings of one line.
fn record(line: &str, reading: &Reading, number: u64) -> Result<Record, String> {
    let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| format!("no JSON object ({error})"))?;
    let rankings = fields.get("rankings").ok_or("the field \"rankings\" is missing")?;
    let orders: Vec<Vec<String>> =
        serde_json::from_value(rankings.clone()).map_err(|_| "\"rankings\" is no list of lists of names".to_owned())?;
    let models: Option<Vec<String>> = match fields.get("models") {
        None => None,
        Some(models) => {
            Some(serde_json::from_value(models.clone()).map_err(|_| "\"models\" is no list of names".to_owned())?)
        }
    };
    for order in &orders {
        if order.len() < 2 {
            return Err("a ranking names fewer than two models".into());
        }
        let mut seen = HashSet::new();
        if let Some(twice) = order.iter().find(|name| !seen.insert(*name)) {
            return Err(format!("{twice} stands in one ranking twice"));
        }
        if let Some(models) = &models
            && let Some(unknown) = order.iter().find(|name| !models.contains(name))
        {
            return Err(format!("{unknown} is ranked but not among \"models\""));
        }
    }
    let group = match &reading.group {
        None => number.to_string(),
        Some(field) => match fields.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Some(_) => return Err(format!("the field \"{field}\" is neither text nor a number")),
            None => return Err(format!("the field \"{field}\" is missing")),
        },
    };
    Ok((group, models.unwrap_or_default(), orders))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rankings");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_line_is_a_group_unless_a_field_says_otherwise() {
        let (_folder, path) = written(concat!(
            "{\"question\": 1, \"models\": [\"a\", \"b\", \"c\"], \"rankings\": [[\"b\", \"a\"], [\"b\", \"a\"]]}\n\n",
            "{\"question\": 1, \"rankings\": [[\"a\", \"b\", \"c\"]]}\n",
        ));
        let read = read_rankings(&path, &Reading::default()).unwrap().votes;
        assert_eq!(read.models, ["a", "b", "c"]);
        assert_eq!(read.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(read.weights(), [2.0, 1.0]);
        let reading = Reading { group: Some("question".into()), ..Reading::default() };
        assert_eq!(read_rankings(&path, &reading).unwrap().votes.groups.len(), 1);
        let reading = Reading { group: Some("clause".into()), ..Reading::default() };
        let error = read_rankings(&path, &reading).unwrap_err().to_string();
        assert!(error.contains("line 1: the field \"clause\" is missing"), "{error}");
    }

    #[test]
    fn bad_lines_are_named_and_may_be_left_out() {
        let (_folder, path) = written(concat!(
            "{\"models\": [\"a\", \"b\"], \"rankings\": [[\"a\", \"b\"]]}\n",
            "not json\n",
            "{\"models\": [\"a\", \"b\"], \"rankings\": [[\"a\", \"a\"]]}\n",
            "{\"models\": [\"a\", \"b\"], \"rankings\": [[\"a\", \"z\"]]}\n",
        ));
        let error = read_rankings(&path, &Reading::default()).unwrap_err().to_string();
        for part in
            ["3 of 4 lines", "line 2: no JSON object", "line 3: a stands in one ranking twice", "line 4: z is ranked"]
        {
            assert!(error.contains(part), "{error}");
        }
        let reading = Reading { skip_bad_lines: true, ..Reading::default() };
        let read = read_rankings(&path, &reading).unwrap();
        assert_eq!((read.left_out.len(), read.votes.groups.len()), (3, 1));
    }

    #[test]
    fn pairs_may_be_counted_and_say_which_row_is_wrong() {
        let (_folder, path) = written("left,right,winner,count\na,b,left,3\nb,a,LEFT,1\na,c,tie,2\n");
        let votes = read_pairs(&path, &Reading::default()).unwrap().votes;
        let wins = votes.wins(&votes.weights());
        assert_eq!((wins.of(0, 1), wins.of(1, 0), wins.of(0, 2), wins.of(2, 0)), (3.0, 1.0, 1.0, 1.0));
        let (_folder, path) = written("left,right,winner\na,b,left\na,a,left\na,b,both\n");
        let error = read_pairs(&path, &Reading::default()).unwrap_err().to_string();
        assert!(error.contains("line 3: a is compared with itself") && error.contains("line 4"), "{error}");
        let (_folder, path) = written("left,right\na,b\n");
        assert!(read_pairs(&path, &Reading::default()).unwrap_err().to_string().contains("no column \"winner\""));
    }
}
