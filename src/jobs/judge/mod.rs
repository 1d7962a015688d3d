//! A judging: models answer the questions of a constitution, judges compare the answers, and every reply is kept as it comes,
//! so that a run goes on where it was stopped and asks nothing twice.

mod coverage;
mod questions;
mod spec;
mod verdicts;

use std::collections::BTreeMap;
use std::path::Path;

use super::calls::Switchboard;
use super::speaker::Speaker;
use super::work::{Bench, JobError, RunOutcome, hash_file};
use crate::dempo::judging::prompts::{STOPS, cut_at_stops};
use crate::formats::answers::read_answers;
use crate::providers::chat::{ChatRequest, Ending};
use crate::store::AnswerRow;

pub use coverage::{Coverage, JudgeCoverage, ModelCoverage};
pub use questions::WrittenQuestions;
pub use spec::{AnswersFrom, Entrant, ImportVerdictsSpec, Judge, JudgeSpec, JudgedBy, QuestionsSpec};
pub(super) use spec::{check_budget, check_temperature};
pub use verdicts::{Judged, collected};

/// Names of documents in a project: what was lost on the way, and the questions that were written.
pub const COVERAGE: &str = "coverage";
pub const QUESTIONS: &str = "questions";

/// Requests that are made up at once; their texts are in memory together.
const BATCH: usize = 512;

impl Bench<'_> {
    pub(super) fn judge(&self, spec: &JudgeSpec) -> Result<RunOutcome, JobError> {
        spec.check().map_err(JobError::Input)?;
        let mut coverage = Coverage::of(spec);
        self.inputs_of(spec)?;
        let mut board = Switchboard::new(self, speakers(spec), spec.budget, &spec.prices)?;
        let answers = self.answers(spec, &mut board, &mut coverage)?;
        let verdicts = self.verdicts(spec, &answers, &mut board, &mut coverage)?;
        self.ledger.document(COVERAGE, &coverage)?;
        for warning in coverage.warnings() {
            self.ledger.note("warning", &warning)?;
        }
        let verdicts = collected(spec, &answers, &verdicts);
        Ok(RunOutcome::Judge(Box::new(Judged { answers, verdicts, coverage })))
    }

    /// Records the files that answers are taken from.
    fn inputs_of(&self, spec: &JudgeSpec) -> Result<(), JobError> {
        let mut inputs = BTreeMap::new();
        for entrant in &spec.entrants {
            if let AnswersFrom::File(path) = &entrant.answers {
                inputs.insert(path.display().to_string(), hash_file(&self.place(path)?, self.progress)?);
            }
        }
        if inputs.is_empty() { Ok(()) } else { Ok(self.ledger.inputs(&inputs)?) }
    }

    /// Everybody's answers, by question and model.
    fn answers(
        &self,
        spec: &JudgeSpec,
        board: &mut Switchboard<'_, '_>,
        coverage: &mut Coverage,
    ) -> Result<Vec<AnswerRow>, JobError> {
        board.stage("answering");
        let mut all: BTreeMap<(u32, u16), AnswerRow> = BTreeMap::new();
        for answer in self.ledger.answers()? {
            all.insert((answer.question, answer.model), answer);
        }
        let mut imported = Vec::new();
        for (model, entrant) in (0_u16..).zip(&spec.entrants) {
            if let AnswersFrom::File(path) = &entrant.answers {
                imported.extend(self.imported(spec, model, path)?.into_iter().filter(|answer| {
                    // What an earlier sitting took over stays.
                    !all.contains_key(&(answer.question, answer.model))
                }));
            }
        }
        self.ledger.add_answers(&imported)?;
        all.extend(imported.into_iter().map(|answer| ((answer.question, answer.model), answer)));
        let mut wanted = Vec::new();
        for question in 0..spec.constitution.questions.len() as u32 {
            for (model, entrant) in (0_u16..).zip(&spec.entrants) {
                if matches!(entrant.answers, AnswersFrom::Speaker(_)) && !all.contains_key(&(question, model)) {
                    wanted.push((question, model));
                }
            }
        }
        // Each local model is opened once.
        wanted.sort_by_key(|&(question, model)| (board.local_place(usize::from(model)), question));
        let total = wanted.len() as u64;
        for (batch, part) in wanted.chunks(BATCH).enumerate() {
            let requests = part
                .iter()
                .map(|&(question, model)| (usize::from(model), question_of(spec, question, model)))
                .collect();
            board.ask(requests, (batch * BATCH) as u64, total, &mut |place, answered| {
                let (question, model) = part[place];
                let Ok(reply) = answered.reply else {
                    coverage.models[usize::from(model)].failed += 1;
                    return Ok(());
                };
                let text = cut_at_stops(&reply.text).to_owned();
                let ending = if text.is_empty() { Ending::Empty } else { reply.ending };
                let answer = AnswerRow { question, model, call: answered.call, ending, text };
                self.ledger.add_answers(std::slice::from_ref(&answer))?;
                all.insert((question, model), answer);
                Ok(())
            })?;
        }
        let answers: Vec<AnswerRow> = all.into_values().collect();
        coverage.count(&answers);
        Ok(answers)
    }

    /// The answers of a file to questions of the constitution.
    fn imported(&self, spec: &JudgeSpec, model: u16, path: &Path) -> Result<Vec<AnswerRow>, JobError> {
        let answers =
            read_answers(&self.place(path)?, &spec.constitution).map_err(|e| JobError::Input(e.to_string()))?;
        if answers.unknown > 0 {
            let name = &spec.entrants[usize::from(model)].name;
            let problem = format!("{} answers of {name} are to other questions and are left out", answers.unknown);
            self.ledger.note("warning", &problem)?;
        }
        let row = |(question, text): (usize, String)| AnswerRow {
            question: question as u32,
            model,
            call: None,
            ending: if text.trim().is_empty() { Ending::Empty } else { Ending::Whole },
            text,
        };
        Ok(answers.by_question.into_iter().map(row).collect())
    }
}

/// Speakers by place: the entrants first, then the judges. Those that are never asked are stand-ins.
fn speakers(spec: &JudgeSpec) -> Vec<Speaker> {
    let nobody = || Speaker::Local { model: String::new(), adapter: None, template: Default::default() };
    let entrants = spec.entrants.iter().map(|entrant| match &entrant.answers {
        AnswersFrom::Speaker(speaker) => speaker.clone(),
        AnswersFrom::File(_) => nobody(),
    });
    let judges = spec.judges.iter().map(|judge| match &judge.by {
        JudgedBy::Speaker(speaker) => speaker.clone(),
        JudgedBy::Words(_) => nobody(),
    });
    entrants.chain(judges).collect()
}

/// What is asked of a model that is compared.
fn question_of(spec: &JudgeSpec, question: u32, model: u16) -> ChatRequest {
    let entrant = &spec.entrants[usize::from(model)];
    let name = match &entrant.answers {
        AnswersFrom::Speaker(speaker) => speaker.model().to_owned(),
        AnswersFrom::File(_) => String::new(),
    };
    ChatRequest {
        model: name,
        messages: spec.prompts.question(&entrant.instructions, &spec.constitution.questions[question as usize].text),
        temperature: spec.answer_temperature,
        longest: spec.longest_answer,
        stop: STOPS.map(str::to_owned).to_vec(),
        seed: Some(spec.seed),
        sample: 0,
    }
}
