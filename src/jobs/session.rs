//! Live questions to a model: tokens of a sentence, likely tokens at a site, the words of recorded chains.
//!
//! One thread, newest question first: an answer to an older question of the same kind is never delivered.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::chains::at_length;
use super::headless::words;
use crate::glauber::conditionals::{Conditionals, Precision, Row};
use crate::glauber::experiments::TypedStarts;
use crate::glauber::experiments::course::PairCourse;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::experiments::trajectories::{Reading, TrajectoriesSpec};
use crate::models::Library;
use crate::progress::{Cancelled, Progress};

/// What the form asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// Load `model` and split `sentence`.
    Tokens { model: String, sentence: String },
    /// The `k` likeliest ordinary tokens at `site` of the sentence with that site masked.
    Likely { model: String, sentence: String, site: usize, k: usize },
    /// The texts of these tokens.
    Texts { model: String, tokens: Vec<u32> },
    /// The course of a recorded pair, from the bytes of its two chains' segments.
    Pair { spec: Box<MixSpec>, pair: u64, tokens: [Vec<u8>; 2] },
    /// Whether typed sentences can start chains.
    Starts { asked: Box<TypedStarts> },
    /// What the model says of the recorded chains of a run: starts, free sites, the texts of its tokens.
    Reading { spec: Box<TrajectoriesSpec> },
}

/// What came back; it repeats the question so that a stale answer can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Tokens {
        question: Question,
        tokens: Result<Vec<(u32, String)>, String>,
    },
    /// Token id, text, probability.
    Likely {
        question: Question,
        tokens: Result<Vec<(u32, String, f64)>, String>,
    },
    /// In the order of the question.
    Texts {
        question: Question,
        texts: Result<Vec<String>, String>,
    },
    Pair {
        question: Question,
        course: Result<Box<PairCourse>, String>,
    },
    /// For each sentence why it cannot, if so.
    Starts {
        question: Question,
        problems: Result<Vec<Option<String>>, String>,
    },
    Reading {
        question: Question,
        reading: Result<Arc<Reading>, String>,
    },
}

/// The thread and its mailbox. Dropping it ends the thread after the question in hand.
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    library: Arc<Library>,
    wake: Arc<dyn Fn() + Send + Sync>,
    mail: Mutex<Mail>,
    arrived: Condvar,
}

/// Questions of which only the newest is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Tokens,
    Likely(usize),
    Texts,
    Pair,
    Starts,
    Reading,
}

impl Question {
    fn kind(&self) -> Kind {
        match self {
            Self::Tokens { .. } => Kind::Tokens,
            Self::Likely { site, .. } => Kind::Likely(*site),
            Self::Texts { .. } => Kind::Texts,
            Self::Pair { .. } => Kind::Pair,
            Self::Starts { .. } => Kind::Starts,
            Self::Reading { .. } => Kind::Reading,
        }
    }

    /// The reference under which the asked model is opened; chains of a toy are read at their length.
    fn model(&self) -> Result<String, String> {
        match self {
            Self::Tokens { model, .. } | Self::Likely { model, .. } | Self::Texts { model, .. } => Ok(model.clone()),
            Self::Pair { spec, .. } if spec.template.is_none() => at_length(&spec.model, spec.length),
            Self::Pair { spec, .. } => Ok(spec.model.clone()),
            Self::Starts { asked } if asked.template.is_none() => at_length(&asked.model, asked.length),
            Self::Starts { asked } => Ok(asked.model.clone()),
            Self::Reading { spec } if spec.template.is_none() => at_length(&spec.model, spec.length),
            Self::Reading { spec } => Ok(spec.model.clone()),
        }
    }
}

impl Answer {
    /// The question it answers.
    pub fn question(&self) -> &Question {
        match self {
            Self::Tokens { question, .. }
            | Self::Likely { question, .. }
            | Self::Texts { question, .. }
            | Self::Pair { question, .. }
            | Self::Starts { question, .. }
            | Self::Reading { question, .. } => question,
        }
    }
}

#[derive(Default)]
struct Mail {
    asked: u64,
    /// The newest question of each kind, by number.
    newest: BTreeMap<Kind, u64>,
    /// Unanswered questions, oldest first.
    open: Vec<(u64, Question)>,
    answers: Vec<Answer>,
    closing: bool,
}

fn locked(mutex: &Mutex<Mail>) -> MutexGuard<'_, Mail> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Starts the thread. `wake` is called after each answer.
    pub fn new(library: Arc<Library>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let shared = Arc::new(Shared { library, wake, mail: Mutex::default(), arrived: Condvar::new() });
        let thread = shared.clone();
        thread::spawn(move || thread.answer_all());
        Self { shared }
    }

    /// Replaces any unanswered question of the same kind (for `Likely`: of the same site).
    pub fn ask(&self, question: Question) {
        let mut mail = locked(&self.shared.mail);
        mail.asked += 1;
        let (number, kind) = (mail.asked, question.kind());
        mail.newest.insert(kind, number);
        mail.open.retain(|(_, old)| old.kind() != kind);
        mail.open.push((number, question));
        drop(mail);
        self.shared.arrived.notify_all();
    }

    /// Answers since the last call. Never blocks.
    pub fn drain(&self) -> Vec<Answer> {
        std::mem::take(&mut locked(&self.shared.mail).answers)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        locked(&self.shared.mail).closing = true;
        self.shared.arrived.notify_all();
    }
}

/// Ends a loading when nobody waits for it any more.
struct WhileOpen<'a>(&'a Shared);

impl Progress for WhileOpen<'_> {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if locked(&self.0.mail).closing { Err(Cancelled) } else { Ok(()) }
    }
}

impl Shared {
    fn answer_all(&self) {
        // The model last asked is kept, so that the next question does not load it again.
        let mut kept = None;
        while let Some((number, question)) = self.next() {
            let answer = match catch_unwind(AssertUnwindSafe(|| self.answer(&question, &mut kept))) {
                Ok(answer) => answer,
                Err(panic) => failed(question, format!("a defect of the program: {}", words(&*panic))),
            };
            let mut mail = locked(&self.mail);
            let kind = answer.question().kind();
            if mail.newest.get(&kind) == Some(&number) {
                mail.answers.push(answer);
                drop(mail);
                (self.wake)();
            }
        }
    }

    /// The newest question; `None` when the session ends.
    fn next(&self) -> Option<(u64, Question)> {
        let mut mail = locked(&self.mail);
        loop {
            if mail.closing {
                return None;
            }
            if let Some(question) = mail.open.pop() {
                return Some(question);
            }
            mail = self.arrived.wait(mail).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&self, question: &Question, kept: &mut Option<(String, crate::models::LoadedModel)>) -> Answer {
        let model = match question.model() {
            Ok(model) => model,
            Err(problem) => return failed(question.clone(), problem),
        };
        if kept.as_ref().is_none_or(|(reference, _)| *reference != model) {
            match self.library.open(&model, &WhileOpen(self)) {
                Ok(loaded) => *kept = Some((model, loaded)),
                Err(error) => return failed(question.clone(), error.to_string()),
            }
        }
        let Some((_, loaded)) = kept else { return failed(question.clone(), "no model".to_owned()) };
        // The same site is asked again whenever the form changes around it.
        let conditionals = &*loaded.cached();
        match question {
            Question::Tokens { sentence, .. } => {
                let tokens = conditionals
                    .tokenize(sentence)
                    .map(|tokens| tokens.into_iter().map(|token| (token, conditionals.text(token))).collect())
                    .map_err(|error| error.to_string());
                Answer::Tokens { question: question.clone(), tokens }
            }
            Question::Likely { sentence, site, k, .. } => {
                Answer::Likely { question: question.clone(), tokens: likely(conditionals, sentence, *site, *k) }
            }
            Question::Texts { tokens, .. } => {
                let text = |&token: &u32| {
                    let known = (token as usize) < conditionals.vocabulary();
                    known.then(|| conditionals.text(token)).ok_or_else(|| format!("the model has no token {token}"))
                };
                Answer::Texts { question: question.clone(), texts: tokens.iter().map(text).collect() }
            }
            Question::Pair { spec, pair, tokens } => {
                let course = PairCourse::read(spec, conditionals, *pair, tokens.clone());
                let course = course.map(Box::new).map_err(|error| error.to_string());
                Answer::Pair { question: question.clone(), course }
            }
            Question::Starts { asked } => {
                let problems = asked.problems(conditionals).map_err(|error| error.to_string());
                Answer::Starts { question: question.clone(), problems }
            }
            Question::Reading { spec } => {
                let reading = spec.reading(conditionals).map(Arc::new).map_err(|error| error.to_string());
                Answer::Reading { question: question.clone(), reading }
            }
        }
    }
}

fn failed(question: Question, reason: String) -> Answer {
    match question {
        Question::Tokens { .. } => Answer::Tokens { question, tokens: Err(reason) },
        Question::Likely { .. } => Answer::Likely { question, tokens: Err(reason) },
        Question::Texts { .. } => Answer::Texts { question, texts: Err(reason) },
        Question::Pair { .. } => Answer::Pair { question, course: Err(reason) },
        Question::Starts { .. } => Answer::Starts { question, problems: Err(reason) },
        Question::Reading { .. } => Answer::Reading { question, reading: Err(reason) },
    }
}

/// The `k` likeliest ordinary tokens with their probabilities over the whole vocabulary at temperature 1; equal ones in
/// the order of their ids. Evaluated in f32, which the eye does not tell from f64.
fn likely(model: &dyn Conditionals, sentence: &str, site: usize, k: usize) -> Result<Vec<(u32, String, f64)>, String> {
    let told = |error: crate::glauber::conditionals::ConditionalsError| error.to_string();
    let state = model.tokenize(sentence).map_err(told)?;
    let logits = model.logits(&[Row { state: &state, position: site }], Precision::F32).map_err(told)?;
    let row = logits.row(0);
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = row.iter().map(|logit| (logit - largest).exp()).sum();
    let mut tokens: Vec<u32> = (0..row.len() as u32).filter(|&token| model.ordinary(token)).collect();
    tokens.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b)));
    tokens.truncate(k);
    Ok(tokens
        .into_iter()
        .map(|token| (token, model.text(token), (row[token as usize] - largest).exp() / total))
        .collect())
}
