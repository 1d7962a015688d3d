//! What every chain of the form has: coupling, scan, start, vocabulary.

use serde::{Deserialize, Serialize};

use crate::glauber::chain::{Coupling, Scan};
use crate::glauber::experiments::{StartChoice, Vocabulary};

/// Where pairs start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartKind {
    #[default]
    Uniform,
    Opposite,
    Neighbours,
    Sentences,
    Typed,
}

/// Which tokens may stand at the free positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VocabularyKind {
    #[default]
    Whole,
    WholeWords,
    Typed,
}

/// Dynamics of the chains. All ways to choose keep their values, so that trying another loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChainDraft {
    pub coupling: Coupling,
    pub scan: Scan,
    pub start: StartKind,
    /// A named sentence list of the project; without one the typed lines count.
    pub list: Option<String>,
    /// One sentence per line.
    pub lines: String,
    /// Typed starts of X and Y.
    pub from: String,
    pub to: String,
    pub vocabulary: VocabularyKind,
    /// Token texts between spaces.
    pub typed: String,
}

/// The tokens between spaces, in order, each once.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for token in text.split_whitespace() {
        if !tokens.iter().any(|seen| seen == token) {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

pub(super) fn typed_or_whole(tokens: Vec<String>) -> Vocabulary {
    if tokens.is_empty() { Vocabulary::Whole } else { Vocabulary::Typed(tokens) }
}

/// The sentences of a named list, or the typed lines.
pub fn listed(list: Option<&String>, lines: &str, lists: &[(String, Vec<String>)]) -> Vec<String> {
    if let Some(name) = list {
        let found = lists.iter().find(|(list, _)| list == name);
        return found.map(|(_, sentences)| sentences.clone()).unwrap_or_default();
    }
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

impl ChainDraft {
    /// The sentences chains may start from.
    pub fn sentences(&self, lists: &[(String, Vec<String>)]) -> Vec<String> {
        listed(self.list.as_ref(), &self.lines, lists)
    }

    /// What enters the spec; the error says what is missing.
    pub fn start(&self, lists: &[(String, Vec<String>)]) -> Result<StartChoice, String> {
        Ok(match self.start {
            StartKind::Uniform => StartChoice::Uniform,
            StartKind::Opposite => StartChoice::Opposite,
            StartKind::Neighbours => StartChoice::Neighbours,
            StartKind::Sentences => {
                let sentences = self.sentences(lists);
                if sentences.len() < 2 {
                    return Err("Pairs that start from sentences need at least two: pick a list, or type some lines."
                        .to_owned());
                }
                StartChoice::Sentences(sentences)
            }
            StartKind::Typed => {
                let (from, to) = (self.from.trim(), self.to.trim());
                if from.is_empty() || to.is_empty() {
                    return Err("Type both starting sentences, the one of X and the one of Y.".to_owned());
                }
                StartChoice::Typed(from.to_owned(), to.to_owned())
            }
        })
    }

    /// What enters the spec; the error says what is missing.
    pub fn vocabulary(&self) -> Result<Vocabulary, String> {
        match self.vocabulary {
            VocabularyKind::Whole => Ok(Vocabulary::Whole),
            VocabularyKind::WholeWords => Ok(Vocabulary::WholeWords),
            VocabularyKind::Typed => match tokens(&self.typed) {
                typed if typed.len() < 2 => {
                    Err("Type at least two tokens the chains may use, between spaces.".to_owned())
                }
                typed => Ok(Vocabulary::Typed(typed)),
            },
        }
    }

    /// Takes over a spec's choices.
    pub fn set(&mut self, scan: Scan, coupling: Coupling, start: &StartChoice, vocabulary: &Vocabulary) {
        (self.scan, self.coupling) = (scan, coupling);
        match start {
            StartChoice::Uniform => self.start = StartKind::Uniform,
            StartChoice::Opposite => self.start = StartKind::Opposite,
            StartChoice::Neighbours => self.start = StartKind::Neighbours,
            StartChoice::Sentences(sentences) => {
                (self.start, self.list, self.lines) = (StartKind::Sentences, None, sentences.join("\n"));
            }
            StartChoice::Typed(from, to) => {
                (self.start, self.from, self.to) = (StartKind::Typed, from.clone(), to.clone());
            }
        }
        match vocabulary {
            Vocabulary::Whole => self.vocabulary = VocabularyKind::Whole,
            Vocabulary::WholeWords => self.vocabulary = VocabularyKind::WholeWords,
            Vocabulary::Typed(tokens) => (self.vocabulary, self.typed) = (VocabularyKind::Typed, tokens.join(" ")),
        }
    }
}
