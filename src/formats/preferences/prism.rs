//! PRISM's files (Kirk et al. 2024): replies with scores in `utterances.jsonl`, or else inside `conversations.jsonl`, and
//! what is known of raters in `survey.jsonl`.
//!
//! Utterances are read twice: first to find where each conversation stands, then conversation by conversation. In PRISM's
//! own file the lines of a conversation stand together; where they do not they are put together, and counted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::PreferencesError;
use super::import::{ImportOptions, Unwritable, finish, refuse_malformed};
use super::lines::Lines;
use super::sink::{ImportReport, Sink};
use crate::dempo::pairs::{Conversation, Reply, Turn, pairs};
use crate::dempo::preference::Dropped;
use crate::progress::Progress;

/// What the file writes for a reply without text.
const EMPTY: &str = "EMPTY STRING";

/// A line of `utterances.jsonl`, as far as pairs need it.
#[derive(Deserialize)]
struct Utterance {
    utterance_id: String,
    conversation_id: String,
    user_id: String,
    turn: u32,
    #[serde(default)]
    within_turn_id: u32,
    user_prompt: String,
    model_response: String,
    #[serde(default)]
    model_name: Option<String>,
    score: Option<f64>,
    if_chosen: Option<bool>,
}

/// A line of `conversations.jsonl`.
#[derive(Deserialize)]
struct History {
    conversation_id: String,
    user_id: String,
    conversation_history: Vec<Said>,
}

/// A message of it.
#[derive(Deserialize)]
struct Said {
    turn: u32,
    role: String,
    content: String,
    #[serde(default)]
    within_turn_id: Option<u32>,
    #[serde(default)]
    if_chosen: Option<bool>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    model_name: Option<String>,
}

/// Neighbouring lines of one conversation.
struct Stretch {
    offset: u64,
    end: u64,
    first_line: u64,
}

/// Where a conversation stands.
struct Whereabouts {
    rater: String,
    stretches: Vec<Stretch>,
    scattered: bool,
}

pub(super) fn read(
    folder: &Path,
    options: &ImportOptions,
    mut sink: Sink,
    unwritable: Unwritable,
    progress: &dyn Progress,
) -> Result<ImportReport, PreferencesError> {
    let (utterances, histories) = (folder.join("utterances.jsonl"), folder.join("conversations.jsonl"));
    let mut reading = Reading { options, sink: &mut sink, unwritable, progress };
    let (path, conversations, scattered) = if utterances.is_file() {
        let (conversations, scattered) = reading.utterances(&utterances)?;
        (utterances, conversations, scattered)
    } else if histories.is_file() {
        (histories.clone(), reading.histories(&histories)?, 0)
    } else {
        return Err(PreferencesError::NoPrism { path: folder.into() });
    };
    finish(&path, options, &sink)?;
    let survey = folder.join("survey.jsonl");
    let known = if survey.is_file() {
        Some(survey_of(&survey, options, &mut sink, progress)?)
    } else {
        sink.note("there is no survey.jsonl: nothing is known of the raters".to_owned());
        None
    };
    let described = |rater: &String| known.as_ref().is_some_and(|known| known.get(rater) == Some(&true));
    let without = sink.raters().keys().filter(|rater| !described(rater)).count() as u64;
    let idle = known.as_ref().map(|known| known.keys().filter(|id| !sink.raters().contains_key(*id)).count() as u64);
    let has_survey = known.is_some();
    let mut report = sink.report("prism");
    report.raters_without_demographics = has_survey.then_some(without);
    report.raters_without_pairs = idle;
    report.conversations = Some(conversations);
    report.scattered_conversations = scattered;
    Ok(report)
}

struct Reading<'r, 'w> {
    options: &'r ImportOptions,
    sink: &'r mut Sink<'w>,
    unwritable: Unwritable<'r>,
    progress: &'r dyn Progress,
}

impl Reading<'_, '_> {
    /// Conversations, and how many of them were scattered.
    fn utterances(&mut self, path: &Path) -> Result<(u64, u64), PreferencesError> {
        self.progress.stage("finding conversations");
        let (ids, places) = self.find(path)?;
        refuse_malformed(path, self.options, self.sink)?;
        self.progress.stage("pairing replies");
        let mut lines = Lines::open(path)?;
        for (number, (id, place)) in ids.iter().zip(&places).enumerate() {
            if number.is_multiple_of(64) {
                self.progress.checkpoint()?;
                self.progress.report(number as u64, ids.len() as u64);
            }
            let conversation = self.conversation(path, &mut lines, id, place)?;
            self.take(&conversation)?;
        }
        Ok((ids.len() as u64, places.iter().filter(|place| place.scattered).count() as u64))
    }

    /// Where each conversation stands, in the order of their first lines; malformed lines are counted.
    fn find(&mut self, path: &Path) -> Result<(Vec<String>, Vec<Whereabouts>), PreferencesError> {
        let mut lines = Lines::open(path)?;
        let mut known: HashMap<String, usize> = HashMap::new();
        let (mut ids, mut places): (Vec<String>, Vec<Whereabouts>) = (Vec::new(), Vec::new());
        let mut last = None;
        while let Some(line) = lines.next()? {
            if line.is_blank() {
                continue;
            }
            self.sink.lines += 1;
            let (number, offset, end) = (line.number, line.offset, line.offset + line.bytes.len() as u64);
            let place = match line.parse::<Utterance>() {
                Err(reason) => {
                    self.sink.malformed.add(number, reason);
                    continue;
                }
                Ok(one) => {
                    let next = ids.len();
                    let place = *known.entry(one.conversation_id).or_insert_with_key(|id| {
                        ids.push(id.clone());
                        places.push(Whereabouts {
                            rater: one.user_id.clone(),
                            stretches: Vec::new(),
                            scattered: false,
                        });
                        next
                    });
                    if places[place].rater != one.user_id {
                        let (id, rater) = (&ids[place], &places[place].rater);
                        let reason =
                            format!("conversation {id} is {rater}'s in an earlier line, and {}'s here", one.user_id);
                        self.sink.malformed.add(number, reason);
                        continue;
                    }
                    place
                }
            };
            let stretches = &mut places[place].stretches;
            match stretches.last_mut() {
                // Up to a line end or two between neighbours.
                Some(stretch) if last == Some(place) && offset - stretch.end <= 2 => stretch.end = end,
                _ => stretches.push(Stretch { offset, end, first_line: number }),
            }
            places[place].scattered |= last != Some(place) && places[place].stretches.len() > 1;
            last = Some(place);
            if number.is_multiple_of(1024) {
                self.progress.checkpoint()?;
                let (done, total) = lines.progress();
                self.progress.report(done, total);
            }
        }
        Ok((ids, places))
    }

    /// Reads one conversation from its places.
    fn conversation(
        &mut self,
        path: &Path,
        lines: &mut Lines,
        id: &str,
        place: &Whereabouts,
    ) -> Result<Conversation, PreferencesError> {
        let mut turns: BTreeMap<u32, (String, Vec<(u32, Reply)>)> = BTreeMap::new();
        let mut seen = HashSet::new();
        for stretch in &place.stretches {
            lines.jump(stretch.offset)?;
            while let Some(line) = lines.next()? {
                if line.offset >= stretch.end {
                    break;
                }
                if line.is_blank() {
                    continue;
                }
                let said = line.parse::<Utterance>().ok().filter(|said| said.conversation_id == id);
                let Some(said) = said else {
                    let reason = format!("line {} changed while it was read", stretch.first_line + line.number - 1);
                    return Err(PreferencesError::Unreadable { path: path.into(), reason });
                };
                if !seen.insert(said.utterance_id.clone()) {
                    *self.sink.dropped.entry(Dropped::DuplicateReply).or_default() += 1;
                    continue;
                }
                let reply = Reply {
                    id: said.utterance_id,
                    text: if said.model_response == EMPTY { String::new() } else { said.model_response },
                    score: said.score,
                    chosen: said.if_chosen == Some(true),
                    model: said.model_name,
                };
                let turn = turns.entry(said.turn).or_insert_with(|| (said.user_prompt, Vec::new()));
                turn.1.push((said.within_turn_id, reply));
            }
        }
        let turn = |(number, (prompt, mut replies)): (u32, (String, Vec<(u32, Reply)>))| {
            replies.sort_by_key(|(place, _)| *place);
            Turn { number, prompt: asked(prompt), replies: replies.into_iter().map(|(_, reply)| reply).collect() }
        };
        let turns = turns.into_iter().map(turn).collect();
        Ok(Conversation { id: id.to_owned(), rater: place.rater.clone(), turns })
    }

    fn histories(&mut self, path: &Path) -> Result<u64, PreferencesError> {
        self.progress.stage("pairing replies");
        let note = "there is no utterances.jsonl: replies were taken from conversations.jsonl";
        self.sink.note(note.to_owned());
        let mut lines = Lines::open(path)?;
        let mut conversations = 0;
        while let Some(line) = lines.next()? {
            if line.is_blank() {
                continue;
            }
            self.sink.lines += 1;
            let number = line.number;
            match line.parse::<History>() {
                Ok(history) => {
                    conversations += 1;
                    let conversation = from_history(history);
                    self.take(&conversation)?;
                }
                Err(reason) => self.sink.malformed.add(number, reason),
            }
            if number.is_multiple_of(64) {
                self.progress.checkpoint()?;
                let (done, total) = lines.progress();
                self.progress.report(done, total);
            }
        }
        Ok(conversations)
    }

    fn take(&mut self, conversation: &Conversation) -> Result<(), PreferencesError> {
        let found = pairs(conversation, self.options.pairing, &mut self.sink.dropped);
        found.iter().try_for_each(|pair| self.sink.take(pair).map_err(self.unwritable))
    }
}

fn asked(prompt: String) -> String {
    if prompt == EMPTY { String::new() } else { prompt }
}

fn from_history(history: History) -> Conversation {
    let mut turns: BTreeMap<u32, Turn> = BTreeMap::new();
    for (place, said) in history.conversation_history.into_iter().enumerate() {
        let number = said.turn;
        let turn = turns.entry(number).or_insert_with(|| Turn { number, prompt: String::new(), replies: Vec::new() });
        if said.role == "user" {
            turn.prompt = asked(said.content);
        } else {
            // The file has no ids of its own for replies.
            let id = format!("{}-{number}-{}", history.conversation_id, said.within_turn_id.unwrap_or(place as u32));
            turn.replies.push(Reply {
                id,
                text: if said.content == EMPTY { String::new() } else { said.content },
                score: said.score,
                chosen: said.if_chosen == Some(true),
                model: said.model_name,
            });
        }
    }
    Conversation { id: history.conversation_id, rater: history.user_id, turns: turns.into_values().collect() }
}

/// The raters of the survey, and whether it knows anything of them that quotas look at.
fn survey_of(
    path: &Path,
    options: &ImportOptions,
    sink: &mut Sink,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, bool>, PreferencesError> {
    const KNOWN: [&str; 7] =
        ["age", "gender", "education", "employment_status", "marital_status", "ethnicity", "religion"];
    #[derive(Deserialize)]
    struct Row {
        user_id: String,
        #[serde(flatten)]
        rest: serde_json::Map<String, Value>,
    }
    progress.stage("reading the survey");
    let mut known = BTreeMap::new();
    let mut bad = super::BadLines::default();
    let mut lines = Lines::open(path)?;
    let mut read = 0;
    while let Some(line) = lines.next()? {
        if line.is_blank() {
            continue;
        }
        read += 1;
        let number = line.number;
        match line.parse::<Row>() {
            Ok(row) => {
                let told = |name: &&str| row.rest.get(*name).is_some_and(|value| !value.is_null());
                known.insert(row.user_id, KNOWN.iter().any(told));
            }
            Err(reason) => bad.add(number, reason),
        }
    }
    if bad.count > 0 {
        if !options.skip_malformed {
            return Err(PreferencesError::Lines { path: path.into(), lines: read, bad_lines: bad });
        }
        sink.note(format!("{} lines of survey.jsonl cannot be read and were left out ({bad})", bad.count));
    }
    Ok(known)
}
