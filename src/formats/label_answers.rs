//! Answers of models to questions with a key, as CSV: a column `question`, one column a model, and where wanted `key`; and scores of
//! models to hold an order against: `model` and a column of numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::eigenbench::label_recovery::LabelAnswers;

/// Names under which a table may hold the right label.
const KEYS: [&str; 3] = ["key", "correct", "right"];
/// Answers that are none.
const BLANKS: [&str; 4] = ["", "-", "none", "na"];

/// Why a file has no answers, or no scores.
#[derive(Debug, thiserror::Error)]
pub enum LabelAnswersError {
    #[error("the table cannot be read: {error}. Give a CSV file with a header ({})", path.display())]
    Unreadable { path: PathBuf, error: String },
    #[error("there is no column \"{column}\": {needed} ({})", path.display())]
    Column { path: PathBuf, column: &'static str, needed: &'static str },
    #[error("line {line}: {reason} ({})", path.display())]
    Row { path: PathBuf, line: u64, reason: String },
    #[error("{problem} ({})", path.display())]
    Unfit { path: PathBuf, problem: String },
}

fn reader(path: &Path) -> Result<(csv::Reader<std::fs::File>, Vec<String>), LabelAnswersError> {
    let unreadable =
        |error: csv::Error| LabelAnswersError::Unreadable { path: path.to_owned(), error: error.to_string() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?;
    let header = header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    Ok((reader, header))
}

/// Reads answers. Labels may be any short texts; letters of either case are the same; `key`, `correct` or `right` names the column of
/// right labels, which may also be one label for all questions, given as `right_everywhere`.
///
/// # Errors
/// [`LabelAnswersError`].
pub fn read(path: &Path, right_everywhere: Option<&str>) -> Result<LabelAnswers, LabelAnswersError> {
    let (mut reader, header) = reader(path)?;
    let named = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let needed = "the table needs question, one column of answers a model, and where wanted key";
    let question =
        named("question").ok_or(LabelAnswersError::Column { path: path.to_owned(), column: "question", needed })?;
    let key = KEYS.iter().find_map(|name| named(name));
    let columns: Vec<usize> = (0..header.len()).filter(|&at| at != question && Some(at) != key).collect();
    if columns.len() < 2 {
        let problem = "there are answers of fewer than two models. Give one column a model".to_owned();
        return Err(LabelAnswersError::Unfit { path: path.to_owned(), problem });
    }
    let mut labels: BTreeMap<String, u16> = BTreeMap::new();
    let mut label = |text: &str| -> Option<u16> {
        let text = text.to_lowercase();
        if BLANKS.contains(&text.as_str()) {
            return None;
        }
        let next = labels.len() as u16;
        Some(*labels.entry(text).or_insert(next))
    };
    let everywhere = right_everywhere.and_then(&mut label);
    let (mut answers, mut right) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record
            .map_err(|error| LabelAnswersError::Unreadable { path: path.to_owned(), error: error.to_string() })?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| record.get(at).unwrap_or("");
        if let Some(key) = key {
            let reason = "the right label is missing. Fill it in, or take the column out for all questions".to_owned();
            let wrong = LabelAnswersError::Row { path: path.to_owned(), line, reason };
            right.push(label(cell(key)).ok_or(wrong)?);
        } else if let Some(everywhere) = everywhere {
            right.push(everywhere);
        }
        answers.push(columns.iter().map(|&at| label(cell(at))).collect());
    }
    if answers.is_empty() {
        return Err(LabelAnswersError::Unfit { path: path.to_owned(), problem: "there are no questions".to_owned() });
    }
    Ok(LabelAnswers {
        models: columns.iter().map(|&at| header[at].clone()).collect(),
        key: (!right.is_empty()).then_some(right),
        answers,
    })
}

/// Reads scores of `models` from the column `score`, or the first column of numbers beside `model`. Models that the table does not
/// have are `None`.
///
/// # Errors
/// [`LabelAnswersError`].
pub fn read_scores(path: &Path, models: &[String]) -> Result<Vec<Option<f64>>, LabelAnswersError> {
    let (mut reader, header) = reader(path)?;
    let needed = "the table needs model and a column of scores";
    let named = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let model = named("model").ok_or(LabelAnswersError::Column { path: path.to_owned(), column: "model", needed })?;
    let column = named("score").or_else(|| (0..header.len()).find(|&at| at != model));
    let column = column.ok_or(LabelAnswersError::Column { path: path.to_owned(), column: "score", needed })?;
    let mut scores = vec![None; models.len()];
    for record in reader.records() {
        let record = record
            .map_err(|error| LabelAnswersError::Unreadable { path: path.to_owned(), error: error.to_string() })?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = record.get(column).unwrap_or("");
        let reason = format!("the score {text:?} is no number. Correct it");
        let score = text.parse::<f64>().ok().filter(|score| score.is_finite());
        let score = score.ok_or(LabelAnswersError::Row { path: path.to_owned(), line, reason })?;
        if let Some(place) = models.iter().position(|known| Some(known.as_str()) == record.get(model)) {
            scores[place] = Some(score);
        }
    }
    if scores.iter().flatten().count() < 2 {
        let problem =
            "fewer than two models of the answers have a score. Models are told apart by their names".to_owned();
        return Err(LabelAnswersError::Unfit { path: path.to_owned(), problem });
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.csv");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn letters_blanks_and_keys_are_read() {
        let (_folder, path) = file("question,m,n,Key\n1,A,b,a\n2,,B,c\n");
        let found = read(&path, None).unwrap();
        assert_eq!(found.models, ["m", "n"]);
        let key = found.key.unwrap();
        assert_eq!(found.answers[0][0], Some(key[0]));
        assert_eq!((found.answers[1][0], found.answers[0][1]), (None, found.answers[1][1]));
        assert!(!found.answers.iter().flatten().any(|answer| *answer == Some(key[1])));
        let (_folder, path) = file("question,m,n\n1,A,B\n");
        let found = read(&path, Some("a")).unwrap();
        assert_eq!(found.key.unwrap(), [found.answers[0][0].unwrap()]);
        assert_eq!(read(&path, None).unwrap().key, None);
    }

    #[test]
    fn what_is_wrong_names_the_line_and_the_way_out() {
        let problem = |text: &str| {
            let (_folder, path) = file(text);
            read(&path, None).unwrap_err().to_string()
        };
        assert!(problem("m,n\nA,B\n").contains("no column \"question\""));
        assert!(problem("question,m\n1,A\n").contains("fewer than two"));
        assert!(problem("question,m,n,key\n1,A,B,A\n2,A,B,\n").contains("line 3: the right label is missing"));
        assert!(problem("question,m,n\n").contains("no questions"));
        let names = ["m".to_owned(), "n".to_owned(), "o".to_owned()];
        let (_folder, path) = file("model,published\nm,0.5\nn,0.25\n");
        assert_eq!(read_scores(&path, &names).unwrap(), [Some(0.5), Some(0.25), None]);
        let (_folder, path) = file("model,published\nm,much\n");
        assert!(read_scores(&path, &names).unwrap_err().to_string().contains("line 2"));
        let (_folder, path) = file("model,published\nx,1\n");
        assert!(read_scores(&path, &names).unwrap_err().to_string().contains("fewer than two"));
    }
}
