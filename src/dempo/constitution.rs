//! A constitution: clauses that answers are judged by, and questions that put each of them to the test (dempo.md,
//! section 6).

use std::collections::{BTreeMap, BTreeSet};

/// One principle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Unlike every other of its constitution.
    pub id: String,
    pub text: String,
}

/// A question that stands on its own and makes models differ under one clause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Unlike every other of its constitution.
    pub id: String,
    /// Id of its clause.
    pub clause: String,
    pub text: String,
}

/// Clauses and questions, as they are edited, shipped and sent to judges.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constitution {
    pub name: String,
    pub clauses: Vec<Clause>,
    #[serde(default)]
    pub questions: Vec<Question>,
}

/// What makes a constitution unfit for judging. Places count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstitutionError {
    #[error("the constitution has no clause. Import a list of clauses or take the one that ships with the program")]
    NoClause,
    #[error("clause {} has no text. Write it or take the clause out", .0 + 1)]
    EmptyClause(usize),
    #[error("two clauses are called {0:?}. Give each its own id")]
    SameClause(String),
    #[error("question {0:?} has no text. Write it or take the question out")]
    EmptyQuestion(String),
    #[error("two questions are called {0:?}. Give each its own id")]
    SameQuestion(String),
    #[error("question {question:?} belongs to clause {clause:?}, which the constitution does not have")]
    UnknownClause { question: String, clause: String },
}

impl Constitution {
    /// Out of a text with one clause a line; empty lines and bullets or numbers before a clause are left out. Clauses are
    /// called `1`, `2`, ….
    pub fn from_lines(name: &str, text: &str) -> Self {
        let clauses = text.lines().map(without_bullet).filter(|line| !line.is_empty()).enumerate();
        let clauses = clauses.map(|(place, text)| Clause { id: (place + 1).to_string(), text: text.to_owned() });
        Self { name: name.to_owned(), clauses: clauses.collect(), questions: Vec::new() }
    }

    /// Place of a clause.
    pub fn place_of(&self, clause: &str) -> Option<usize> {
        self.clauses.iter().position(|known| known.id == clause)
    }

    /// With at most so many questions of each clause, the first ones.
    pub fn first_questions(&self, most: usize) -> Self {
        let mut counts = BTreeMap::<&str, usize>::new();
        let mut kept = Self { questions: Vec::new(), ..self.clone() };
        for question in &self.questions {
            let count = counts.entry(&question.clause).or_default();
            *count += 1;
            if *count <= most {
                kept.questions.push(question.clone());
            }
        }
        kept
    }

    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConstitutionError> {
        if self.clauses.is_empty() {
            return Err(ConstitutionError::NoClause);
        }
        let mut known = BTreeSet::new();
        for (place, clause) in self.clauses.iter().enumerate() {
            if clause.text.trim().is_empty() {
                return Err(ConstitutionError::EmptyClause(place));
            }
            if !known.insert(clause.id.as_str()) {
                return Err(ConstitutionError::SameClause(clause.id.clone()));
            }
        }
        let mut seen = BTreeSet::new();
        for question in &self.questions {
            if question.text.trim().is_empty() {
                return Err(ConstitutionError::EmptyQuestion(question.id.clone()));
            }
            if !seen.insert(question.id.as_str()) {
                return Err(ConstitutionError::SameQuestion(question.id.clone()));
            }
            if !known.contains(question.clause.as_str()) {
                let (question, clause) = (question.id.clone(), question.clause.clone());
                return Err(ConstitutionError::UnknownClause { question, clause });
            }
        }
        Ok(())
    }
}

/// A line without what lists put before their items: `- `, `* `, `• `, `3. `, `3) `.
fn without_bullet(line: &str) -> &str {
    let line = line.trim();
    for bullet in ["- ", "* ", "• "] {
        if let Some(rest) = line.strip_prefix(bullet) {
            return rest.trim();
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    match rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) {
        Some(rest) if digits > 0 => rest.trim(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_any_dress_is_one_clause_a_line() {
        let text = "1. Be kind.\n\n- Be honest. \n* 3. dimensions matter\n2024 was a year\n12) Help.";
        let read = Constitution::from_lines("test", text);
        let texts: Vec<&str> = read.clauses.iter().map(|clause| clause.text.as_str()).collect();
        assert_eq!(texts, ["Be kind.", "Be honest.", "3. dimensions matter", "2024 was a year", "Help."]);
        assert_eq!(read.clauses[4].id, "5");
        assert_eq!(read.check(), Ok(()));
    }

    #[test]
    fn what_is_unfit_is_named() {
        let mut tried = Constitution::default();
        assert_eq!(tried.check(), Err(ConstitutionError::NoClause));
        tried = Constitution::from_lines("test", "Be kind.\nBe honest.");
        let question = |id: &str, clause: &str, text: &str| Question {
            id: id.to_owned(),
            clause: clause.to_owned(),
            text: text.to_owned(),
        };
        tried.questions = vec![question("a", "1", "Why?"), question("a", "2", "How?")];
        assert_eq!(tried.check(), Err(ConstitutionError::SameQuestion("a".into())));
        tried.questions[1] = question("b", "7", "How?");
        assert!(tried.check().unwrap_err().to_string().contains("\"7\""));
        tried.questions[1] = question("b", "2", " ");
        assert_eq!(tried.check(), Err(ConstitutionError::EmptyQuestion("b".into())));
        tried.questions.clear();
        tried.clauses[1].id = "1".into();
        assert_eq!(tried.check(), Err(ConstitutionError::SameClause("1".into())));
    }
}
