//! Judges look at answers, and what they say is read.

use std::collections::BTreeMap;

use super::coverage::Coverage;
use super::{BATCH, JudgeSpec, JudgedBy};
use crate::dempo::judging::prompts::label;
use crate::dempo::judging::{Comparing, Display, ShownAnswer, WordRule, displays, read_ballot};
use crate::dempo::preference::Message;
use crate::jobs::calls::Switchboard;
use crate::jobs::work::{Bench, JobError};
use crate::providers::chat::ChatRequest;
use crate::ranking::verdicts::{QuestionPlace, Verdict, Verdicts};
use crate::ranking::votes::Ballot;
use crate::store::{AnswerRow, VerdictRow};

/// What a judging came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    pub answers: Vec<AnswerRow>,
    pub verdicts: Verdicts,
    pub coverage: Coverage,
}

/// One look of one judge, as far as it has come.
struct Look {
    judge: u16,
    question: u32,
    pass: u16,
    display: Display,
    messages: Vec<Message>,
}

/// Answers by question: models with text, ascending.
struct Answers<'a>(Vec<BTreeMap<u16, &'a str>>);

impl<'a> Answers<'a> {
    fn new(spec: &JudgeSpec, rows: &'a [AnswerRow]) -> Self {
        let mut by_question = vec![BTreeMap::new(); spec.constitution.questions.len()];
        for row in rows.iter().filter(|row| !row.text.trim().is_empty()) {
            by_question[row.question as usize].insert(row.model, row.text.as_str());
        }
        Self(by_question)
    }

    fn present(&self, question: u32) -> Vec<u16> {
        self.0[question as usize].keys().copied().collect()
    }

    fn of(&self, question: u32, model: u16) -> &'a str {
        self.0[question as usize].get(&model).copied().unwrap_or_default()
    }
}

impl Bench<'_> {
    /// All verdicts, those of earlier sittings and of people included.
    pub(super) fn verdicts(
        &self,
        spec: &JudgeSpec,
        answers: &[AnswerRow],
        board: &mut Switchboard<'_, '_>,
        coverage: &mut Coverage,
    ) -> Result<Vec<VerdictRow>, JobError> {
        board.stage("judging");
        let answers = Answers::new(spec, answers);
        let mut all = self.ledger.verdicts()?;
        let mut looked: Vec<Vec<(u32, u16, u32)>> = Vec::new();
        for judge in &spec.judges {
            let own = all.iter().filter(|row| row.judge == judge.name);
            let mut own: Vec<(u32, u16, u32)> = own.map(|row| (row.question, row.pass, row.pair)).collect();
            own.sort_unstable();
            looked.push(own);
        }
        let mut wanted: Vec<(u16, u32, u16, Display)> = Vec::new();
        for (judge, one) in (0_u16..).zip(&spec.judges) {
            let mut by_rule = Vec::new();
            for question in 0..spec.constitution.questions.len() as u32 {
                let present = answers.present(question);
                let id = &spec.constitution.questions[question as usize].id;
                for pass in 0..spec.passes {
                    for display in displays(spec.comparing, id, spec.seed, pass, &present) {
                        let counts = &mut coverage.judges[usize::from(judge)];
                        counts.looks += 1;
                        if looked[usize::from(judge)].binary_search(&(question, pass, display.pair)).is_ok() {
                            continue;
                        }
                        match &one.by {
                            JudgedBy::Words(rule) => {
                                by_rule.push(by_words(spec, rule, &answers, &one.name, question, pass, display));
                            }
                            JudgedBy::Speaker(_) => wanted.push((judge, question, pass, display)),
                        }
                    }
                }
            }
            self.ledger.add_verdicts(&by_rule)?;
            all.extend(by_rule);
        }
        let first = spec.entrants.len();
        wanted.sort_by_key(|(judge, question, ..)| (board.local_place(first + usize::from(*judge)), *question));
        let total = wanted.len() as u64;
        for (batch, part) in wanted.chunks(BATCH).enumerate() {
            let looks = part.iter().map(|(judge, question, pass, display)| Look {
                judge: *judge,
                question: *question,
                pass: *pass,
                messages: shown_messages(spec, &answers, *question, display),
                display: display.clone(),
            });
            self.look(spec, looks.collect(), ((batch * BATCH) as u64, total), board, coverage, &mut all)?;
        }
        all.sort_by(|a, b| (a.question, &a.judge, a.pass, a.pair).cmp(&(b.question, &b.judge, b.pass, b.pair)));
        coverage.count_verdicts(&all);
        Ok(all)
    }

    /// Asks for verdicts, and again for those that cannot be read.
    fn look(
        &self,
        spec: &JudgeSpec,
        mut looks: Vec<Look>,
        (done, total): (u64, u64),
        board: &mut Switchboard<'_, '_>,
        coverage: &mut Coverage,
        all: &mut Vec<VerdictRow>,
    ) -> Result<(), JobError> {
        let pair = spec.comparing == Comparing::Pairwise;
        let batch = looks.len();
        for attempt in 0..=spec.retries {
            let requests = looks
                .iter()
                .map(|look| (spec.entrants.len() + usize::from(look.judge), judging_request(spec, look)))
                .collect();
            let mut again: Vec<(usize, Vec<Message>)> = Vec::new();
            let finished = done + (batch - looks.len()) as u64;
            board.ask(requests, finished, total, &mut |place, answered| {
                let look = &looks[place];
                let counts = &mut coverage.judges[usize::from(look.judge)];
                let Ok(reply) = answered.reply else {
                    counts.failed += 1;
                    return Ok(());
                };
                match read_ballot(&reply.text, &look.display.shown, pair) {
                    Ok(ballot) => {
                        let row = VerdictRow {
                            judge: spec.judges[usize::from(look.judge)].name.clone(),
                            question: look.question,
                            pass: look.pass,
                            pair: look.display.pair,
                            replies: attempt + 1,
                            call: answered.call,
                            shown: look.display.shown.clone(),
                            ballot,
                        };
                        self.ledger.add_verdicts(std::slice::from_ref(&row))?;
                        all.push(row);
                    }
                    Err(_) if attempt == spec.retries => counts.unread += 1,
                    Err(problem) => {
                        again.push((place, spec.prompts.repaired(look.messages.clone(), &reply.text, &problem)));
                    }
                }
                Ok(())
            })?;
            if again.is_empty() {
                break;
            }
            // In the order of the looks, whichever reply came first.
            again.sort_by_key(|&(place, _)| place);
            let mut messages: BTreeMap<usize, Vec<Message>> = again.into_iter().collect();
            looks = looks
                .into_iter()
                .enumerate()
                .filter_map(|(place, look)| messages.remove(&place).map(|messages| Look { messages, ..look }))
                .collect();
        }
        Ok(())
    }
}

fn judging_request(spec: &JudgeSpec, look: &Look) -> ChatRequest {
    let model = match &spec.judges[usize::from(look.judge)].by {
        JudgedBy::Speaker(speaker) => speaker.model().to_owned(),
        JudgedBy::Words(_) => String::new(),
    };
    ChatRequest {
        model,
        messages: look.messages.clone(),
        temperature: spec.judge_temperature,
        longest: spec.longest_verdict,
        stop: Vec::new(),
        seed: Some(spec.seed),
        // Two passes may show the same order; they are two looks all the same.
        sample: u32::from(look.pass),
    }
}

fn shown_messages(spec: &JudgeSpec, answers: &Answers<'_>, question: u32, display: &Display) -> Vec<Message> {
    let asked = &spec.constitution.questions[question as usize];
    let clause = spec.constitution.place_of(&asked.clause).map_or("", |place| &spec.constitution.clauses[place].text);
    let shown: Vec<ShownAnswer<'_>> = (0..)
        .zip(&display.shown)
        .map(|(place, &model)| ShownAnswer { label: label(place), text: answers.of(question, model) })
        .collect();
    spec.prompts.judging(clause, &asked.text, &shown, spec.comparing == Comparing::Pairwise)
}

fn by_words(
    spec: &JudgeSpec,
    rule: &WordRule,
    answers: &Answers<'_>,
    judge: &str,
    question: u32,
    pass: u16,
    display: Display,
) -> VerdictRow {
    let Display { pair, shown } = display;
    let texts: Vec<&str> = shown.iter().map(|&model| answers.of(question, model)).collect();
    let ballot = match (spec.comparing, &shown[..]) {
        (Comparing::Pairwise, &[a, b]) if rule.ties(texts[0], texts[1]) => Ballot::Tie(a.min(b), a.max(b)),
        _ => {
            let id = &spec.constitution.questions[question as usize].id;
            Ballot::Order(rule.order(&shown, &texts, &format!("{id}:{}:{pass}", spec.seed)))
        }
    };
    VerdictRow { judge: judge.to_owned(), question, pass, pair, replies: 1, call: None, shown, ballot }
}

/// Rows of a judging in the form that is ranked: judges of the spec first, then people in the order of their names.
pub fn collected(spec: &JudgeSpec, answers: &[AnswerRow], rows: &[VerdictRow]) -> Verdicts {
    let constitution = &spec.constitution;
    let models: Vec<String> = spec.entrants.iter().map(|entrant| entrant.name.clone()).collect();
    let mut judges: Vec<String> = spec.judges.iter().map(|judge| judge.name.clone()).collect();
    let mut people: Vec<&String> = rows.iter().map(|row| &row.judge).filter(|name| !judges.contains(name)).collect();
    people.sort_unstable();
    people.dedup();
    judges.extend(people.into_iter().cloned());
    let places: BTreeMap<&str, u16> = judges.iter().map(String::as_str).zip(0..).collect();
    let mut lengths = vec![vec![None; models.len()]; constitution.questions.len()];
    for answer in answers.iter().filter(|answer| !answer.text.trim().is_empty()) {
        lengths[answer.question as usize][usize::from(answer.model)] =
            Some(answer.text.split_whitespace().count() as u32);
    }
    let verdicts = rows.iter().map(|row| Verdict {
        question: row.question,
        judge: places[row.judge.as_str()],
        pass: row.pass,
        shown: row.shown.clone(),
        ballot: row.ballot.clone(),
    });
    let questions = constitution.questions.iter().map(|question| QuestionPlace {
        id: question.id.clone(),
        clause: constitution.place_of(&question.clause).unwrap_or(0) as u32,
    });
    let verdicts = verdicts.collect();
    Verdicts {
        models,
        clauses: constitution.clauses.iter().map(|clause| clause.text.clone()).collect(),
        questions: questions.collect(),
        lengths,
        verdicts,
        judges,
    }
}
