//! The authors' files of evaluations (eigenbench.md, section 2.1): JSON lines, or an array in one file, with an object for each
//! ordered comparison. Models are told apart by name: their numbers differ from run to run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::comparisons::{Names, ReadComparisons};
use crate::eigenbench::choices::{Reading as ChoiceReading, read_choices};
use crate::eigenbench::comparisons::{Choice, Comparison};
use crate::eigenbench::protocol::{Form, Scope};

/// Texts of an object that judges or evaluees wrote.
const TEXTS: [&str; 5] = ["eval1 response", "eval2 response", "eval1 reflection", "eval2 reflection", "judge response"];

/// Name of the criterion where one choice was made by the whole constitution.
pub const WHOLE: &str = "whole";

/// Evaluations that gave no choice, or not all, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Losses {
    /// A text is missing or empty.
    pub without_text: u64,
    /// A text is the message of a failed call, stored as if somebody had written it: it or a judgement of it is no data.
    pub failed_calls: u64,
    /// A model was compared with itself.
    pub with_itself: u64,
    /// Verdicts of which no choice could be read.
    pub unread: u64,
    /// Choices that could not be read in verdicts of which others could.
    pub missing_choices: u64,
    /// Choices that were read though they were not in exactly the form asked for.
    pub tolerated_choices: u64,
}

/// What was said in one evaluation that gave rows; numbers are places among the file's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Places of its rows.
    pub rows: Range<usize>,
    /// Criteria, one a line.
    pub constitution: usize,
    /// Of the first and of the second; `None` where the file has no such field.
    pub responses: [Option<usize>; 2],
    pub reflections: [Option<usize>; 2],
    pub verdict: usize,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadEvaluations {
    /// Rows with their names; a criterion is named by its text, or `whole`.
    pub comparisons: ReadComparisons,
    /// By scenario.
    pub scenario_texts: Vec<String>,
    /// Constitutions, responses, reflections and verdicts, each once.
    pub texts: Vec<String>,
    /// In the order of the rows.
    pub said: Vec<Said>,
    /// Objects.
    pub evaluations: u64,
    pub losses: Losses,
    /// Losses by judge's name.
    pub by_judge: BTreeMap<String, Losses>,
}

/// Why a file gives no evaluations.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationsError {
    #[error("the evaluations cannot be read: {error}. Check the name and your permission ({})", path.display())]
    Unreadable { path: PathBuf, error: String },
    #[error("evaluation {number} (line {line}): {problem} ({})", path.display())]
    Entry { path: PathBuf, number: usize, line: usize, problem: String },
    #[error("no choice could be read from {evaluations} evaluations ({})", path.display())]
    Nothing { path: PathBuf, evaluations: u64 },
}

/// Whether a text is the message of a failed call that was stored in the place of an answer.
fn is_failed_call(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("Error in ") && text.lines().next().is_some_and(|line| line.contains("API call"))
}

/// Reads evaluations: JSON lines, or an array of such objects. Both orders of a pass are told by their texts: a pair whose
/// responses or reflections differ was judged in another pass.
///
/// # Errors
/// [`EvaluationsError`]; an evaluation that gives no choice is counted, not refused.
pub fn read(path: &Path) -> Result<ReadEvaluations, EvaluationsError> {
    let unreadable = |error: String| EvaluationsError::Unreadable { path: path.to_owned(), error };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut found = Reading::default();
    let entry = |number: usize, line: usize, problem: String| {
        let path = path.to_owned();
        EvaluationsError::Entry { path, number, line, problem }
    };
    if text.trim_start().starts_with('[') {
        let items: Vec<Map<String, Value>> =
            serde_json::from_str(text).map_err(|error| unreadable(format!("it is no array of objects: {error}")))?;
        for (place, item) in items.iter().enumerate() {
            found.add(item).map_err(|problem| entry(place + 1, 1, problem))?;
        }
    } else {
        let last = text.lines().count();
        let mut number = 0;
        for (line, content) in (1..).zip(text.lines()) {
            if content.trim().is_empty() {
                continue;
            }
            number += 1;
            match serde_json::from_str(content) {
                Ok(item) => found.add(&item).map_err(|problem| entry(number, line, problem))?,
                // A program that was killed left half a line.
                Err(_) if line == last && number > 1 && !text.ends_with('\n') => {}
                Err(error) => return Err(entry(number, line, format!("it is no object: {error}"))),
            }
        }
    }
    found.finished().ok_or(EvaluationsError::Nothing { path: path.to_owned(), evaluations: found.evaluations })
}

#[derive(Default)]
struct Reading {
    models: Names,
    scenarios: Names,
    /// By number and text.
    scenario_places: BTreeMap<(Option<u64>, String), u32>,
    scenario_texts: Vec<String>,
    texts: Names,
    said: Vec<Said>,
    criteria: Names,
    passes: Names,
    rows: Vec<Comparison>,
    evaluations: u64,
    losses: Losses,
    by_judge: BTreeMap<String, Losses>,
}

impl Reading {
    fn add(&mut self, item: &Map<String, Value>) -> Result<(), String> {
        let name = |field: &str| match item.get(&format!("{field}_name")).or_else(|| item.get(field)) {
            Some(Value::String(name)) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(format!("it has no \"{field}_name\"")),
        };
        let (judge, first, second) = (name("judge")?, name("eval1")?, name("eval2")?);
        let text = |field: &str| item.get(field).and_then(Value::as_str).unwrap_or_default();
        self.evaluations += 1;
        let mut lost = Losses::default();
        let present: Vec<&str> = TEXTS.into_iter().filter(|field| item.contains_key(*field)).map(text).collect();
        let reply = text("judge response");
        if first == second {
            lost.with_itself += 1;
        } else if present.iter().any(|text| is_failed_call(text)) {
            lost.failed_calls += 1;
        } else if reply.trim().is_empty() || present.iter().any(|text| text.trim().is_empty()) {
            lost.without_text += 1;
        } else {
            let number = item.get("scenario_index").and_then(Value::as_u64);
            let scenario = self.scenario(number, text("scenario"));
            let pass = self.passes.place(&pass_of(&first, &second, &text));
            let choices = self.choices(text("constitution"), reply, &mut lost);
            let mut place = |name: &str| {
                u16::try_from(self.models.place(name)).map_err(|_| "there are more than 65,536 models".to_owned())
            };
            let (judge, first, second) = (place(&judge)?, place(&first)?, place(&second)?);
            let start = self.rows.len();
            for (criterion, choice) in choices {
                let criterion = self.criteria.place(&criterion);
                let criterion =
                    u16::try_from(criterion).map_err(|_| "there are more than 65,536 criteria".to_owned())?;
                self.rows.push(Comparison { scenario, criterion, pass, judge, first, second, choice });
            }
            if self.rows.len() > start {
                let mut kept = |field: &str| item.contains_key(field).then(|| self.texts.place(text(field)) as usize);
                let said = Said {
                    rows: start..self.rows.len(),
                    responses: [kept("eval1 response"), kept("eval2 response")],
                    reflections: [kept("eval1 reflection"), kept("eval2 reflection")],
                    constitution: self.texts.place(text("constitution")) as usize,
                    verdict: self.texts.place(reply) as usize,
                };
                self.said.push(said);
            }
        }
        self.losses.take(&lost);
        self.by_judge.entry(judge).or_default().take(&lost);
        Ok(())
    }

    /// The place of a scenario. It is called by its number, where it has one; files that were put together may give one number
    /// to several texts.
    fn scenario(&mut self, number: Option<u64>, text: &str) -> u32 {
        let known = self.scenario_places.get(&(number, text.to_owned())).copied();
        known.unwrap_or_else(|| {
            let mut name = number.map_or_else(|| text.to_owned(), |number| number.to_string());
            while self.scenarios.names.contains(&name) {
                name.push('\'');
            }
            let place = self.scenarios.place(&name);
            self.scenario_texts.push(text.to_owned());
            self.scenario_places.insert((number, text.to_owned()), place);
            place
        })
    }

    /// The criteria that a reply chooses by, with its choices.
    fn choices(&self, constitution: &str, reply: &str, lost: &mut Losses) -> Vec<(String, Choice)> {
        let criteria: Vec<&str> = constitution.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let by_criterion = read_choices(reply, criteria.len(), Form::default());
        // Old runs asked for one choice by the whole constitution.
        let whole = read_choices(reply, criteria.len(), Form { scope: Scope::Whole, ties: true });
        let any = by_criterion.readings.iter().any(|reading| reading.choice().is_some());
        let (names, verdict) = if any { (criteria, by_criterion) } else { (vec![WHOLE], whole) };
        let mut found = Vec::new();
        for (name, reading) in names.iter().zip(&verdict.readings) {
            match reading.choice() {
                Some(choice) => {
                    lost.tolerated_choices += u64::from(!matches!(reading, ChoiceReading::Strict(_)));
                    found.push(((*name).to_owned(), choice));
                }
                None => lost.missing_choices += 1,
            }
        }
        if found.is_empty() {
            lost.missing_choices = 0;
            lost.unread += 1;
        }
        found
    }

    fn finished(&mut self) -> Option<ReadEvaluations> {
        if self.rows.is_empty() {
            return None;
        }
        let comparisons = ReadComparisons {
            models: std::mem::take(&mut self.models.names),
            scenarios: std::mem::take(&mut self.scenarios.names),
            criteria: std::mem::take(&mut self.criteria.names),
            rows: std::mem::take(&mut self.rows),
        };
        Some(ReadEvaluations {
            comparisons,
            scenario_texts: std::mem::take(&mut self.scenario_texts),
            texts: std::mem::take(&mut self.texts.names),
            said: std::mem::take(&mut self.said),
            evaluations: self.evaluations,
            losses: self.losses.clone(),
            by_judge: std::mem::take(&mut self.by_judge),
        })
    }
}

impl Losses {
    /// Each kind of loss that there is, in words.
    pub fn words(&self) -> Vec<String> {
        let of = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
        [
            of(self.failed_calls, "evaluations are of failed calls that were stored as texts"),
            of(self.without_text, "evaluations lack a text"),
            of(self.with_itself, "evaluations compare a model with itself"),
            of(self.unread, "evaluations hold no choice that can be read"),
            of(self.missing_choices, "choices are missing in verdicts that hold others"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn take(&mut self, other: &Self) {
        self.without_text += other.without_text;
        self.failed_calls += other.failed_calls;
        self.with_itself += other.with_itself;
        self.unread += other.unread;
        self.missing_choices += other.missing_choices;
        self.tolerated_choices += other.tolerated_choices;
    }
}

/// What both orders of one pass share and other passes do not: responses and reflections, whichever comes first.
fn pass_of<'a>(first: &str, second: &str, text: &dyn Fn(&str) -> &'a str) -> String {
    let side = |name: &str, at: u8| {
        (name.to_owned(), text(&format!("eval{at} response")), text(&format!("eval{at} reflection")))
    };
    let mut sides = [side(first, 1), side(second, 2)];
    sides.sort();
    let mut hash = Sha256::new();
    for (name, response, reflection) in &sides {
        for part in [name.as_str(), *response, *reflection] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    format!("{:x}", hash.finalize())
}

/// One ordered comparison as the authors write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation<'a> {
    pub constitution: &'a [&'a str],
    pub scenario: (u32, &'a str),
    /// Number and name.
    pub judge: (u16, &'a str),
    /// Number, name, response and reflection of the first and of the second.
    pub evaluees: [(u16, &'a str, &'a str, &'a str); 2],
    pub verdict: &'a str,
}

impl Evaluation<'_> {
    /// One line, without its end.
    pub fn line(&self) -> String {
        let [first, second] = self.evaluees;
        json!({
            "constitution": self.constitution.join("\n"),
            "scenario": self.scenario.1, "scenario_index": self.scenario.0,
            "eval1": first.0, "eval1_name": first.1, "eval1 response": first.2, "eval1 reflection": first.3,
            "eval2": second.0, "eval2_name": second.1, "eval2 response": second.2, "eval2 reflection": second.3,
            "judge": self.judge.0, "judge_name": self.judge.1, "judge response": self.verdict,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(first: (&str, &str), second: (&str, &str), verdict: &str) -> String {
        let on = |response: &str| format!("On {response}.");
        // Numbers that mean nothing: models are known by name.
        Evaluation {
            constitution: &["Be kind.", "Be brief."],
            scenario: (7, "A matter."),
            judge: (3, "zoe"),
            evaluees: [(9, first.0, first.1, &on(first.1)), (2, second.0, second.1, &on(second.1))],
            verdict,
        }
        .line()
    }

    fn read_as(name: &str, text: &str) -> Result<ReadEvaluations, EvaluationsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    const BOTH: &str = "<criterion_1_choice>1</criterion_1_choice><criterion_2_choice>0</criterion_2_choice>";

    #[test]
    fn lines_and_arrays_are_read_by_name() {
        let lines = [line(("ann", "a"), ("ben", "b"), BOTH), line(("ben", "b"), ("ann", "a"), BOTH)];
        for (name, text) in [("e.jsonl", lines.join("\n")), ("e.json", format!("[{}]", lines.join(",")))] {
            let read = read_as(name, &text).unwrap();
            let found = &read.comparisons;
            assert_eq!(found.models, ["zoe", "ann", "ben"]);
            assert_eq!(found.criteria, ["Be kind.", "Be brief."]);
            assert_eq!((found.rows.len(), read.evaluations, &read.losses), (4, 2, &Losses::default()));
            assert_eq!((found.rows[0].first, found.rows[0].second, found.rows[0].choice), (1, 2, Choice::First));
        }
    }

    /// The authors' reader drops a pair that was judged in two passes; here both orders of each pass find each other.
    #[test]
    fn repeated_passes_are_told_by_their_texts() {
        let mut first = read_as(
            "e.jsonl",
            &[
                line(("ann", "a"), ("ben", "b"), BOTH),
                line(("ann", "A"), ("ben", "B"), BOTH),
                line(("ben", "B"), ("ann", "A"), BOTH),
                line(("ben", "b"), ("ann", "a"), BOTH),
            ]
            .join("\n"),
        )
        .unwrap()
        .comparisons
        .rows;
        let passes: Vec<u32> = first.iter().filter(|row| row.criterion == 0).map(|row| row.pass).collect();
        assert_eq!((passes[0], passes[1]), (passes[3], passes[2]));
        assert_ne!(passes[0], passes[1]);
        assert_eq!(crate::eigenbench::reconcile::reconcile(&mut first).first, 2);
        assert_eq!(first.len(), 8);
    }

    #[test]
    fn what_is_no_judgement_is_counted_by_reason() {
        let text = [
            line(("ann", "a"), ("ben", "b"), BOTH),
            line(("ann", "Error in OpenRouter API call: 429"), ("ben", "b"), BOTH),
            line(("ann", "a"), ("ben", ""), BOTH),
            line(("ann", "a"), ("ben", "b"), "Error in API call"),
            line(("ann", "a"), ("ben", "b"), "I would rather not."),
            line(("ann", "a"), ("ben", "b"), "<criterion_2_choice> 2 </criterion_2_choice>"),
            line(("ann", "a"), ("ann", "b"), BOTH),
            line(("ann", "I say: Error in my API call taught me."), ("ben", "b"), BOTH),
        ];
        let read = read_as("e.jsonl", &text.join("\n")).unwrap();
        let known = Losses {
            without_text: 1,
            failed_calls: 2,
            with_itself: 1,
            unread: 1,
            missing_choices: 1,
            tolerated_choices: 1,
        };
        assert_eq!(read.losses, known);
        assert_eq!(read.by_judge["zoe"], known);
        // The authors keep criteria only up to the first that is missing; the second one is kept here.
        assert_eq!(read.comparisons.rows.iter().filter(|row| row.criterion == 1).count(), 3);
        assert_eq!(read.comparisons.rows.len(), 5);
    }

    #[test]
    fn one_number_of_two_texts_is_two_scenarios() {
        let one = line(("ann", "a"), ("ben", "b"), BOTH);
        let read = read_as("e.jsonl", &[one.clone(), one.replace("A matter.", "Another."), one].join("\n")).unwrap();
        assert_eq!(read.comparisons.scenarios, ["7", "7'"]);
        assert_eq!(read.comparisons.rows.iter().filter(|row| row.scenario == 0).count(), 4);
    }

    #[test]
    fn one_choice_by_the_whole_constitution_is_read() {
        let read = read_as("e.jsonl", &line(("ann", "a"), ("ben", "b"), "<choice>2</choice>")).unwrap();
        assert_eq!(read.comparisons.criteria, ["whole"]);
        assert_eq!(read.comparisons.rows[0].choice, Choice::Second);
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_others_are_refused() {
        let whole = line(("ann", "a"), ("ben", "b"), BOTH);
        assert_eq!(read_as("e.jsonl", &format!("{whole}\n{}", &whole[..40])).unwrap().evaluations, 1);
        let error = read_as("e.jsonl", &format!("{{\"x\n{whole}\n")).unwrap_err().to_string();
        assert!(error.contains("evaluation 1 (line 1)"), "{error}");
        assert!(read_as("e.jsonl", "{\"judge_name\": \"a\"}\n").unwrap_err().to_string().contains("eval1_name"));
        let none = read_as("e.jsonl", &line(("ann", "a"), ("ben", "b"), "no")).unwrap_err().to_string();
        assert!(none.contains("from 1 evaluations"), "{none}");
    }
}
