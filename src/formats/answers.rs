//! Answers to the questions of a constitution that were made elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::dempo::constitution::Constitution;

/// What a file of answers holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadAnswers {
    /// By the question's place.
    pub by_question: BTreeMap<usize, String>,
    /// Lines that answer no question of the constitution.
    pub unknown: usize,
}

/// Why a file of answers cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswersError {
    #[error("the answers cannot be read: {error}. Check the name and your permission ({})", path.display())]
    Unreadable { path: PathBuf, error: String },
    #[error("line {line} is no answer: {problem}. Each line is an object with \"question\" (its id or text) and \"answer\" ({})", path.display())]
    Line { path: PathBuf, line: usize, problem: String },
    #[error("line {line} answers question {question:?} a second time. Keep one answer a question ({})", path.display())]
    Twice { path: PathBuf, line: usize, question: String },
    #[error("no line answers a question of this constitution. Name questions by their ids or texts ({})", path.display())]
    Nothing { path: PathBuf },
}

/// Reads JSON lines with `question` (id or text) and `answer`.
///
/// # Errors
/// [`AnswersError`], naming file and line.
pub fn read_answers(path: &Path, constitution: &Constitution) -> Result<ReadAnswers, AnswersError> {
    let path = path.to_path_buf();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| AnswersError::Unreadable { path: path.clone(), error: error.to_string() })?;
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, question) in constitution.questions.iter().enumerate().rev() {
        places.insert(question.text.trim(), place);
    }
    for (place, question) in constitution.questions.iter().enumerate() {
        places.insert(&question.id, place);
    }
    let mut found = ReadAnswers::default();
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    for (line, content) in lines.filter(|(_, content)| !content.trim().is_empty()) {
        let line = line + 1;
        let wrong = |problem: String| AnswersError::Line { path: path.clone(), line, problem };
        let fields: Map<String, Value> = serde_json::from_str(content).map_err(|e| wrong(e.to_string()))?;
        let field = |name: &str| match fields.get(name) {
            Some(Value::String(text)) => Ok(text.trim().to_owned()),
            Some(Value::Number(number)) if name == "question" => Ok(number.to_string()),
            Some(_) => Err(wrong(format!("its {name:?} is no text"))),
            None => Err(wrong(format!("it has no {name:?}"))),
        };
        let (question, answer) = (field("question")?, field("answer")?);
        let Some(&place) = places.get(question.as_str()) else {
            found.unknown += 1;
            continue;
        };
        if found.by_question.insert(place, answer).is_some() {
            return Err(AnswersError::Twice { path, line, question });
        }
    }
    if found.by_question.is_empty() { Err(AnswersError::Nothing { path }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dempo::constitution::Question;

    fn constitution() -> Constitution {
        let mut made = Constitution::from_lines("test", "Be kind.");
        for (id, text) in [("a", "Why?"), ("b", "How?")] {
            made.questions.push(Question { id: id.into(), clause: "1".into(), text: text.into() });
        }
        made
    }

    fn read(text: &str) -> Result<ReadAnswers, AnswersError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        std::fs::write(&path, text).unwrap();
        read_answers(&path, &constitution())
    }

    #[test]
    fn questions_are_known_by_id_or_text() {
        let text = "{\"question\": \"b\", \"answer\": \"So.\", \"model\": \"m\"}\n\n{\"question\": \"Why?\", \
                    \"answer\": \"Because.\"}\n{\"question\": \"Who?\", \"answer\": \"I.\"}\n";
        let found = read(text).unwrap();
        assert_eq!(found.by_question, BTreeMap::from([(0, "Because.".into()), (1, "So.".into())]));
        assert_eq!(found.unknown, 1);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let problem = |text: &str| read(text).unwrap_err().to_string();
        assert!(problem("{\"question\": \"a\"}").starts_with("line 1 is no answer: it has no \"answer\""));
        let twice = "{\"question\": \"a\", \"answer\": \"x\"}\n{\"question\": \"Why?\", \"answer\": \"y\"}";
        assert!(problem(twice).starts_with("line 2 answers question \"Why?\" a second time"));
        assert!(problem("{\"question\": \"z\", \"answer\": \"x\"}").starts_with("no line answers"));
        assert!(problem("not json").starts_with("line 1"));
    }
}
