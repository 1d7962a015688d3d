//! What a judge's verdict says (eigenbench.md, section 3.4). The tags that were asked for are read first; what they do not give
//! is looked for in other dress. Every criterion that can be read is kept, whichever others cannot.

use std::collections::BTreeMap;

use serde_json::Value;

use super::comparisons::Choice;
use super::protocol::{Form, Scope};

/// What was found of one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// In its tag, exactly as asked for.
    Strict(Choice),
    /// In another dress: case, spaces, a JSON object, `Criterion 1: 2`.
    Tolerant(Choice),
    /// Nowhere.
    Missing,
    /// Something that is no choice, as it was written.
    NotAllowed(String),
    /// Several times, not always the same.
    Contradictory,
}

impl Reading {
    /// The choice, if there is one.
    pub fn choice(&self) -> Option<Choice> {
        match self {
            Self::Strict(choice) | Self::Tolerant(choice) => Some(*choice),
            _ => None,
        }
    }
}

/// A verdict on all criteria, in their order; one reading where the whole was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadVerdict {
    pub readings: Vec<Reading>,
    form: Form,
}

impl ReadVerdict {
    /// Whether every choice was read.
    pub fn is_whole(&self) -> bool {
        self.readings.iter().all(|reading| reading.choice().is_some())
    }

    /// What is wrong with it, in words that the judge can be told; `None` where nothing is.
    pub fn problem(&self) -> Option<String> {
        let allowed = if self.form.ties { "0, 1 or 2" } else { "1 or 2" };
        let mut problems = Vec::new();
        let missing = |reading: &Reading| matches!(reading, Reading::Missing);
        let tags = |wanted: fn(&Reading) -> bool| {
            let places = self.readings.iter().enumerate().filter(|(_, reading)| wanted(reading));
            places.map(|(place, _)| format!("<{}>", self.form.tag(place))).collect::<Vec<_>>()
        };
        let absent = tags(missing);
        if !absent.is_empty() {
            problems.push(format!("{} missing", listed(&absent)));
        }
        for (place, reading) in self.readings.iter().enumerate() {
            let tag = self.form.tag(place);
            match reading {
                Reading::NotAllowed(text) => problems.push(format!("<{tag}> holds {text:?}, not {allowed}")),
                Reading::Contradictory => problems.push(format!("<{tag}> is given twice, with different figures")),
                _ => {}
            }
        }
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// Takes from a second reply what the first did not give; what was read first stays.
    pub fn completed_by(&mut self, second: &Self) {
        for (own, other) in self.readings.iter_mut().zip(&second.readings) {
            if own.choice().is_none() {
                own.clone_from(other);
            }
        }
    }
}

fn listed(tags: &[String]) -> String {
    match tags {
        [one] => format!("{one} is"),
        _ => format!("{} are", tags.join(", ")),
    }
}

/// Reads a verdict on `criteria` criteria.
pub fn read_choices(reply: &str, criteria: usize, form: Form) -> ReadVerdict {
    let count = form.choices(criteria);
    let in_json = json_choices(reply, count, form);
    let in_tags = loose_tags(reply, count, form);
    let in_lines = lines(reply, count, form);
    let reading = |place: usize| {
        let strict = strict(reply, &form.tag(place));
        if let Some(reading) = read(&strict, form, true) {
            return reading;
        }
        let others = [&in_tags, &in_json, &in_lines].into_iter().filter_map(|found| found.get(&place));
        others.filter_map(|texts| read(texts, form, false)).next().unwrap_or(Reading::Missing)
    };
    ReadVerdict { readings: (0..count).map(reading).collect(), form }
}

/// What texts for one choice come to; `None` where there is none. A strict one must be a bare figure, else the tolerant
/// readings have their turn.
fn read(texts: &[String], form: Form, exactly: bool) -> Option<Reading> {
    let mut found: Option<Choice> = None;
    let mut odd = None;
    for text in texts {
        match choice(text, form, exactly) {
            Some(choice) if found.is_some_and(|known| known != choice) => return Some(Reading::Contradictory),
            Some(choice) => found = Some(choice),
            None => odd = odd.or_else(|| Some(text.trim().chars().take(40).collect::<String>())),
        }
    }
    match (found, odd) {
        (Some(choice), None) if exactly => Some(Reading::Strict(choice)),
        (Some(choice), None) => Some(Reading::Tolerant(choice)),
        (_, Some(_)) if exactly => None,
        // A figure beside a placeholder that was copied from the question.
        (Some(choice), Some(_)) => Some(Reading::Tolerant(choice)),
        (None, Some(odd)) => Some(Reading::NotAllowed(odd)),
        (None, None) => None,
    }
}

/// A figure, bare or (not `exactly`) among marks, or in words.
fn choice(text: &str, form: Form, exactly: bool) -> Option<Choice> {
    let choice = if exactly {
        match text {
            "0" => Choice::Tie,
            "1" => Choice::First,
            "2" => Choice::Second,
            _ => return None,
        }
    } else {
        let marks = |c: char| c.is_whitespace() || "*_`\"'()[]{}.,;:#".contains(c);
        match text.trim_matches(marks).to_ascii_lowercase().as_str() {
            "0" | "tie" | "neither" | "equal" | "draw" => Choice::Tie,
            "1" | "first" | "first response" | "response 1" | "the first" => Choice::First,
            "2" | "second" | "second response" | "response 2" | "the second" => Choice::Second,
            _ => return None,
        }
    };
    (form.ties || choice != Choice::Tie).then_some(choice)
}

/// The contents of a tag, letter by letter.
fn strict(reply: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut found = Vec::new();
    let mut rest = reply;
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        let Some(end) = rest.find(&close) else { break };
        found.push(rest[..end].to_owned());
        rest = &rest[end + close.len()..];
    }
    found
}

type Found = BTreeMap<usize, Vec<String>>;

/// Contents of tags in any case, with spaces, hyphens or nothing for underscores; a closing tag may be missing.
fn loose_tags(reply: &str, count: usize, form: Form) -> Found {
    let mut found = Found::new();
    let mut rest = reply;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        let Some(end) = rest.find('>') else { break };
        if rest.starts_with('/') {
            continue;
        }
        let Some(place) = place_of(&rest[..end], form).filter(|&place| place < count) else { continue };
        rest = &rest[end + 1..];
        let content = rest.split(['<', '\n']).find(|part| !part.trim().is_empty()).unwrap_or_default();
        found.entry(place).or_default().push(content.to_owned());
    }
    found
}

/// The place of the choice that `name` (`Criterion 3 choice`, `criterion_3`, `3`, `choice`) means.
fn place_of(name: &str, form: Form) -> Option<usize> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match form.scope {
        Scope::Whole => ["choice", "verdict", "answer"].contains(&plain.as_str()).then_some(0),
        Scope::PerCriterion => {
            let plain = plain.strip_prefix("criterion").unwrap_or(&plain);
            let plain = plain.strip_suffix("choice").unwrap_or(plain);
            plain.parse::<usize>().ok()?.checked_sub(1)
        }
    }
}

/// Choices in JSON values of the reply: `{"criterion_1_choice": 1}`, `{"choices": [1, 2]}`, `[{"criterion": 1, "choice": 2}]`.
fn json_choices(reply: &str, count: usize, form: Form) -> Found {
    let mut found = Found::new();
    let mut rest = reply;
    while let Some(at) = rest.find(['{', '[']) {
        let mut values = serde_json::Deserializer::from_str(&rest[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                let end = values.byte_offset();
                collect(&value, count, form, &mut found);
                rest = &rest[at + end.max(1)..];
            }
            _ => rest = &rest[at + 1..],
        }
    }
    found
}

fn collect(value: &Value, count: usize, form: Form, found: &mut Found) {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(items) if items.len() == count && items.iter().all(|item| text(item).is_some()) => {
            for (place, item) in items.iter().enumerate() {
                found.entry(place).or_default().extend(text(item));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, count, form, found)),
        Value::Object(fields) => {
            let own = fields.get("criterion").and_then(text).zip(fields.get("choice").and_then(text));
            if let Some((criterion, chosen)) = own {
                if let Some(place) = place_of(&criterion, form).filter(|&place| place < count) {
                    found.entry(place).or_default().push(chosen);
                }
                return;
            }
            for (key, value) in fields {
                match (place_of(key, form).filter(|&place| place < count), text(value)) {
                    (Some(place), Some(chosen)) => found.entry(place).or_default().push(chosen),
                    _ => collect(value, count, form, found),
                }
            }
        }
        _ => {}
    }
}

/// Lines such as `Criterion 1: 2` or `criterion_1_choice = first`.
fn lines(reply: &str, count: usize, form: Form) -> Found {
    let mut found = Found::new();
    for line in reply.lines() {
        let Some((name, content)) = line.split_once([':', '=']) else { continue };
        let says_so =
            name.to_ascii_lowercase().contains(if form.scope == Scope::Whole { "choice" } else { "criterion" });
        // A sentence about a criterion is no choice.
        if says_so
            && choice(content, form, false).is_some()
            && let Some(place) = place_of(name, form).filter(|&place| place < count)
        {
            found.entry(place).or_default().push(content.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    fn read(reply: &str) -> Vec<Reading> {
        read_choices(reply, 3, Form::default()).readings
    }

    fn tags(figures: [&str; 3]) -> String {
        let tag = |(n, figure): (usize, &&str)| format!("<criterion_{n}_choice>{figure}</criterion_{n}_choice>");
        (1..).zip(&figures).map(tag).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_was_asked_for_is_read_strictly() {
        let known = [Reading::Strict(Second), Reading::Strict(Tie), Reading::Strict(First)];
        assert_eq!(read(&tags(["2", "0", "1"])), known);
        assert_eq!(read(&format!("I think 1: first.\n{}\nDone <b>.", tags(["2", "0", "1"]))), known);
    }

    #[test]
    fn other_dresses_are_read_too() {
        let known = [Reading::Tolerant(Second), Reading::Tolerant(Tie), Reading::Tolerant(First)];
        for reply in [
            "<Criterion 1 Choice> 2 </Criterion 1 Choice>\n<CRITERION_2_CHOICE>**0**</CRITERION_2_CHOICE><criterion-3-choice>first",
            "```json\n{\"criterion_1_choice\": 2, \"criterion_2_choice\": \"0\", \"criterion_3_choice\": 1}\n```",
            "{\"choices\": [2, 0, 1]}",
            "Here: [{\"criterion\": 1, \"choice\": 2}, {\"criterion\": \"2\", \"choice\": 0}, {\"criterion\": 3, \"choice\": 1}]",
            "{\"verdict\": {\"1\": 2, \"2\": 0, \"3\": 1}}",
            "Criterion 1: 2\n**Criterion 2:** tie\ncriterion_3_choice = 1",
        ] {
            assert_eq!(read(reply), known, "{reply}");
        }
    }

    #[test]
    fn all_criteria_that_can_be_read_are_kept() {
        let verdict = read_choices(
            "<criterion_1_choice>1</criterion_1_choice><criterion_3_choice>2</criterion_3_choice>",
            3,
            Form::default(),
        );
        assert_eq!(verdict.readings, [Reading::Strict(First), Reading::Missing, Reading::Strict(Second)]);
        assert_eq!(verdict.problem().unwrap(), "<criterion_2_choice> is missing");
        let nothing = read_choices("I would rather not.", 3, Form::default());
        assert!(nothing.problem().unwrap().ends_with("<criterion_3_choice> are missing"));
        let mut repaired = verdict;
        repaired.completed_by(&read_choices(&tags(["2", "0", "1"]), 3, Form::default()));
        assert_eq!(repaired.readings, [Reading::Strict(First), Reading::Strict(Tie), Reading::Strict(Second)]);
        assert!(repaired.is_whole() && repaired.problem().is_none());
    }

    #[test]
    fn what_is_no_choice_is_told() {
        let three = read(&tags(["3", "0", "1"]));
        assert_eq!(three[0], Reading::NotAllowed("3".into()));
        let twice = read(&format!("{}\n{}", tags(["1", "0", "1"]), tags(["2", "0", "1"])));
        assert_eq!(twice, [Reading::Contradictory, Reading::Strict(Tie), Reading::Strict(First)]);
        let strict = Form { ties: false, ..Form::default() };
        let verdict = read_choices(&tags(["0", "2", "1"]), 3, strict);
        assert_eq!(verdict.readings[0], Reading::NotAllowed("0".into()));
        assert_eq!(verdict.problem().unwrap(), "<criterion_1_choice> holds \"0\", not 1 or 2");
        assert_eq!(read("<criterion_1_choice>1")[0], Reading::Tolerant(First));
        assert_eq!(read("<criterion_9_choice>1</criterion_9_choice>"), vec![Reading::Missing; 3]);
    }

    #[test]
    fn a_whole_constitution_has_one_choice() {
        let whole = Form { scope: Scope::Whole, ties: true };
        let read = |reply: &str| read_choices(reply, 8, whole).readings;
        assert_eq!(read("<choice>2</choice>"), [Reading::Strict(Second)]);
        assert_eq!(read("<Choice>\n 2\n</Choice>"), [Reading::Tolerant(Second)]);
        assert_eq!(read("{\"choice\": 0}"), [Reading::Tolerant(Tie)]);
        assert_eq!(read("Choice: first"), [Reading::Tolerant(First)]);
        assert_eq!(read("The choice is hard."), [Reading::Missing]);
    }
}
