//! A model writes questions for every clause.

use super::QUESTIONS;
use super::spec::QuestionsSpec;
use crate::dempo::constitution::Question;
use crate::dempo::judging::read_questions;
use crate::dempo::preference::Message;
use crate::jobs::calls::Switchboard;
use crate::jobs::work::{Bench, JobError, RunOutcome};
use crate::providers::chat::ChatRequest;

/// Questions that were written, and what was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WrittenQuestions {
    /// By clause, in the order of the constitution.
    pub questions: Vec<Question>,
    /// Clauses, by their ids, whose writer's reply could not be read or failed.
    pub without: Vec<String>,
    /// Clauses for which fewer questions came than were asked for.
    pub short: Vec<String>,
}

impl Bench<'_> {
    pub(in crate::jobs) fn questions(&self, spec: &QuestionsSpec) -> Result<RunOutcome, JobError> {
        spec.check().map_err(JobError::Input)?;
        let clauses = &spec.constitution.clauses;
        let mut board = Switchboard::new(self, vec![spec.writer.clone()], spec.budget, &spec.prices)?;
        let mut written: Vec<Vec<String>> = vec![Vec::new(); clauses.len()];
        let mut wanted: Vec<(usize, Vec<Message>)> = clauses
            .iter()
            .enumerate()
            .map(|(place, clause)| (place, spec.prompts.writing(&clause.text, spec.count as usize)))
            .collect();
        board.stage("writing questions");
        let total = clauses.len() as u64;
        for _attempt in 0..=spec.retries {
            let requests = wanted.iter().map(|(_, messages)| (0, request(spec, messages.clone()))).collect();
            let mut again = Vec::new();
            let done = total - wanted.len() as u64;
            board.ask(requests, done, total, &mut |place, answered| {
                let (clause, messages) = &wanted[place];
                let Ok(reply) = answered.reply else { return Ok(()) };
                match read_questions(&reply.text) {
                    Ok(questions) => written[*clause] = questions,
                    Err(problem) => {
                        again.push((*clause, spec.prompts.repaired(messages.clone(), &reply.text, &problem)));
                    }
                }
                Ok(())
            })?;
            if again.is_empty() {
                break;
            }
            again.sort_by_key(|&(clause, _)| clause);
            wanted = again;
        }
        let found = named(spec, written);
        for (clauses, problem) in [(&found.without, "no questions"), (&found.short, "fewer questions than asked for")] {
            if !clauses.is_empty() {
                self.ledger.note("warning", &format!("{problem} for clauses {}", clauses.join(", ")))?;
            }
        }
        self.ledger.document(QUESTIONS, &found)?;
        Ok(RunOutcome::Questions(found))
    }
}

fn request(spec: &QuestionsSpec, messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        model: spec.writer.model().to_owned(),
        messages,
        temperature: spec.temperature,
        longest: spec.longest,
        stop: Vec::new(),
        seed: Some(spec.seed),
        sample: 0,
    }
}

/// Gives questions ids that the constitution does not have yet: `clause.1`, `clause.2`, ….
fn named(spec: &QuestionsSpec, written: Vec<Vec<String>>) -> WrittenQuestions {
    let mut found = WrittenQuestions::default();
    for (clause, texts) in spec.constitution.clauses.iter().zip(written) {
        if texts.is_empty() {
            found.without.push(clause.id.clone());
        } else if texts.len() < spec.count as usize {
            found.short.push(clause.id.clone());
        }
        let taken = |id: &String| spec.constitution.questions.iter().any(|question| question.id == *id);
        let mut ids = (1..).map(|number| format!("{}.{number}", clause.id)).filter(|id| !taken(id));
        for text in texts.into_iter().take(spec.count as usize) {
            let id = ids.next().expect("there are numbers without end");
            found.questions.push(Question { id, clause: clause.id.clone(), text });
        }
    }
    found
}
