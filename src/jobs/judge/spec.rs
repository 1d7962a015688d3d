//! What a judging compares, by whom, and how; and what a writing of questions asks for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dempo::constitution::Constitution;
use crate::dempo::judging::{Comparing, Prompts, WordRule};
use crate::jobs::speaker::Speaker;
use crate::providers::price::PriceTable;
use crate::ranking::verdicts::Verdicts;

/// Labels are letters.
pub const MOST_MODELS: usize = 26;

/// Where a compared model's answers come from.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswersFrom {
    /// It is asked.
    Speaker(Speaker),
    /// A file of answers: JSON lines with `question` (its id or text) and `answer`.
    File(PathBuf),
}

/// A model that is compared.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entrant {
    /// As it is called in tables.
    pub name: String,
    /// Goes before every question in place of [`Prompts::answer_system`]: one model may be compared with itself under
    /// several instructions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instructions: String,
    pub answers: AnswersFrom,
}

/// Who judges.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JudgedBy {
    Speaker(Speaker),
    /// No model: a count of words, for trying the lab and for checks.
    Words(WordRule),
}

/// A judge. People who judge in the window need not be named.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    pub name: String,
    pub by: JudgedBy,
}

/// A judging: answers to the questions of a constitution, and verdicts on them (dempo.md, section 6).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeSpec {
    pub version: u32,
    pub constitution: Arc<Constitution>,
    pub entrants: Vec<Entrant>,
    /// May be empty: then people judge.
    pub judges: Vec<Judge>,
    #[serde(default)]
    pub comparing: Comparing,
    /// Looks of each judge at each question, each in another order.
    pub passes: u16,
    /// How often a reply that cannot be read is asked for again.
    pub retries: u16,
    /// Tokens of an answer at most.
    pub longest_answer: u32,
    pub answer_temperature: f64,
    /// Tokens of a verdict at most; judges that think aloud need many.
    pub longest_verdict: u32,
    pub judge_temperature: f64,
    #[serde(default)]
    pub prompts: Prompts,
    pub seed: u64,
    /// US dollars that may be spent; `None` is no limit.
    #[serde(default)]
    pub budget: Option<f64>,
    #[serde(default)]
    pub prices: PriceTable,
}

impl JudgeSpec {
    /// The paper's settings: greedy answers of at most 256 tokens, five passes of a judge at temperature 0, three retries.
    pub fn of(constitution: Arc<Constitution>) -> Self {
        Self {
            version: 1,
            constitution,
            entrants: Vec::new(),
            judges: Vec::new(),
            comparing: Comparing::Listwise,
            passes: 5,
            retries: 3,
            longest_answer: 256,
            answer_temperature: 0.0,
            longest_verdict: 512,
            judge_temperature: 0.0,
            prompts: Prompts::default(),
            seed: 0,
            budget: None,
            prices: PriceTable::default(),
        }
    }

    /// Entrants and judges that are asked.
    pub fn speakers(&self) -> impl Iterator<Item = &Speaker> {
        let entrants = self.entrants.iter().filter_map(|entrant| match &entrant.answers {
            AnswersFrom::Speaker(speaker) => Some(speaker),
            AnswersFrom::File(_) => None,
        });
        let judges = self.judges.iter().filter_map(|judge| match &judge.by {
            JudgedBy::Speaker(speaker) => Some(speaker),
            JudgedBy::Words(_) => None,
        });
        entrants.chain(judges)
    }

    /// Files that answers are taken from.
    pub fn answer_files(&self) -> impl Iterator<Item = &PathBuf> {
        self.entrants.iter().filter_map(|entrant| match &entrant.answers {
            AnswersFrom::File(path) => Some(path),
            AnswersFrom::Speaker(_) => None,
        })
    }

    /// # Errors
    /// The first thing that is wrong, with its remedy.
    pub fn check(&self) -> Result<(), String> {
        self.constitution.check().map_err(|e| e.to_string())?;
        self.prompts.check().map_err(|e| e.to_string())?;
        if self.constitution.questions.is_empty() {
            return Err("the constitution has no questions. Write or import some, or have a model write them".into());
        }
        if self.entrants.len() < 2 {
            return Err("fewer than two models are compared. Add another".into());
        }
        if self.entrants.len() > MOST_MODELS {
            return Err(format!(
                "{} models are compared, more than {MOST_MODELS}. Split them into several judgings",
                self.entrants.len()
            ));
        }
        let mut names = BTreeSet::new();
        for entrant in &self.entrants {
            if entrant.name.trim().is_empty() {
                return Err("a model that is compared has no name. Give it one".into());
            }
            if !names.insert(entrant.name.as_str()) {
                return Err(format!("two models are called {:?}. Give each its own name", entrant.name));
            }
            if let AnswersFrom::Speaker(speaker) = &entrant.answers {
                real(speaker).map_err(|problem| format!("{}: {problem}", entrant.name))?;
            }
        }
        let mut names = BTreeSet::new();
        for judge in &self.judges {
            if judge.name.trim().is_empty() {
                return Err("a judge has no name. Give it one".into());
            }
            if !names.insert(judge.name.as_str()) {
                return Err(format!("two judges are called {:?}. Give each its own name", judge.name));
            }
            match &judge.by {
                JudgedBy::Speaker(speaker) => real(speaker),
                JudgedBy::Words(rule) => rule.check(),
            }
            .map_err(|problem| format!("{}: {problem}", judge.name))?;
        }
        if self.passes == 0 {
            return Err("judges look 0 times. Let them look at least once".into());
        }
        if self.longest_answer == 0 || self.longest_verdict == 0 {
            return Err("answers and verdicts need at least one token".into());
        }
        for temperature in [self.answer_temperature, self.judge_temperature] {
            check_temperature(temperature)?;
        }
        check_budget(self.budget)
    }
}

/// Takes in verdicts that were given elsewhere.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportVerdictsSpec {
    pub version: u32,
    /// Name of the file they come from.
    pub source: String,
    pub verdicts: Arc<Verdicts>,
}

/// A writing of questions by a model (dempo.md, section 6: 40 a clause at temperature 0.7).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionsSpec {
    pub version: u32,
    /// Its own questions are left as they are.
    pub constitution: Arc<Constitution>,
    pub writer: Speaker,
    /// Questions a clause.
    pub count: u32,
    pub temperature: f64,
    pub longest: u32,
    pub retries: u16,
    #[serde(default)]
    pub prompts: Prompts,
    pub seed: u64,
    #[serde(default)]
    pub budget: Option<f64>,
    #[serde(default)]
    pub prices: PriceTable,
}

impl QuestionsSpec {
    /// The paper's settings.
    pub fn of(constitution: Arc<Constitution>, writer: Speaker) -> Self {
        Self {
            version: 1,
            constitution,
            writer,
            count: 40,
            temperature: 0.7,
            longest: 8192,
            retries: 3,
            prompts: Prompts::default(),
            seed: 0,
            budget: None,
            prices: PriceTable::default(),
        }
    }

    /// # Errors
    /// The first thing that is wrong, with its remedy.
    pub fn check(&self) -> Result<(), String> {
        self.constitution.check().map_err(|e| e.to_string())?;
        self.prompts.check().map_err(|e| e.to_string())?;
        real(&self.writer)?;
        if self.count == 0 || self.longest == 0 {
            return Err("ask for at least one question of at least one token".into());
        }
        check_temperature(self.temperature)?;
        check_budget(self.budget)
    }
}

/// # Errors
/// Where no provider takes such a temperature.
pub(in crate::jobs) fn check_temperature(temperature: f64) -> Result<(), String> {
    if (0.0..=2.0).contains(&temperature) {
        return Ok(());
    }
    Err(format!("the temperature {temperature} is not between 0 and 2"))
}

/// Checks one who answers or judges by a constitution.
fn real(speaker: &Speaker) -> Result<(), String> {
    match speaker {
        Speaker::Mock { .. } => Err("a mock persona only plays EigenBench. Choose a language model".into()),
        other => other.check(),
    }
}

/// # Errors
/// Where it is no amount.
pub(in crate::jobs) fn check_budget(budget: Option<f64>) -> Result<(), String> {
    match budget {
        Some(dollars) if !(dollars.is_finite() && dollars >= 0.0) => {
            Err(format!("a budget of {dollars} US dollars cannot be kept. Give an amount of 0 or more, or none"))
        }
        _ => Ok(()),
    }
}
