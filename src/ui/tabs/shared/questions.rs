//! Live questions to the model behind the form: the sentence's tokens, the likeliest tokens at a position.

use std::collections::BTreeMap;

use crate::glauber::experiments::TypedStarts;
use crate::glauber::experiments::course::PairCourse;
use crate::glauber::experiments::mix::MixSpec;
use crate::jobs::session::{Answer, Question, Session};

/// Id, text, probability at temperature 1.
pub type LikelyToken = (u32, String, f64);

/// What is known of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Live<'a, T: ?Sized> {
    /// Nothing to ask yet.
    Nothing,
    /// Asked; the previous answer, where it still helps.
    Waiting(Option<&'a T>),
    Ready(&'a T),
    Failed(&'a str),
}

impl<'a, T: ?Sized> Live<'a, T> {
    /// The answer, if it is to the present question.
    pub fn ready(self) -> Option<&'a T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

/// A question with its answer; the answer before it stays until the new one arrives.
struct Asked<T> {
    question: Question,
    answer: Option<(Question, Result<T, String>)>,
}

impl<T> Asked<T> {
    fn live(&self) -> Live<'_, T> {
        match &self.answer {
            Some((question, Ok(value))) if *question == self.question => Live::Ready(value),
            Some((question, Err(problem))) if *question == self.question => Live::Failed(problem),
            Some((_, Ok(value))) => Live::Waiting(Some(value)),
            _ => Live::Waiting(None),
        }
    }
}

/// Asks each question once and keeps its answer.
#[derive(Default)]
pub struct Questions {
    tokens: Option<Asked<Vec<(u32, String)>>>,
    /// By site: the session keeps one open question per site.
    likely: BTreeMap<usize, Asked<Vec<LikelyToken>>>,
    texts: Option<Asked<Vec<String>>>,
    pair: Option<Asked<Box<PairCourse>>>,
    starts: Option<Asked<Vec<Option<String>>>>,
}

impl Questions {
    /// Takes in the frame's answers; those to questions no longer asked are dropped.
    pub fn listen(&mut self, answers: &[Answer]) {
        for answer in answers {
            match answer {
                Answer::Tokens { question, tokens } => {
                    if let Some(asked) = self.tokens.as_mut().filter(|asked| asked.question == *question) {
                        asked.answer = Some((question.clone(), tokens.clone()));
                    }
                }
                Answer::Likely { question, tokens } => {
                    if let Some(asked) = self.likely.values_mut().find(|asked| asked.question == *question) {
                        asked.answer = Some((question.clone(), tokens.clone()));
                    }
                }
                Answer::Texts { question, texts } => {
                    if let Some(asked) = self.texts.as_mut().filter(|asked| asked.question == *question) {
                        asked.answer = Some((question.clone(), texts.clone()));
                    }
                }
                Answer::Pair { question, course } => {
                    if let Some(asked) = self.pair.as_mut().filter(|asked| asked.question == *question) {
                        asked.answer = Some((question.clone(), course.clone()));
                    }
                }
                Answer::Starts { question, problems } => {
                    if let Some(asked) = self.starts.as_mut().filter(|asked| asked.question == *question) {
                        asked.answer = Some((question.clone(), problems.clone()));
                    }
                }
                Answer::Reading { .. } => {}
            }
        }
    }

    /// The tokens of `sentence` under `model`; asks when the pair is new.
    pub fn tokens(&mut self, session: &Session, model: &str, sentence: &str) -> Live<'_, Vec<(u32, String)>> {
        let (model, sentence) = (model.trim().to_owned(), sentence.trim().to_owned());
        if model.is_empty() || sentence.is_empty() {
            self.tokens = None;
            return Live::Nothing;
        }
        let question = Question::Tokens { model, sentence };
        let asked = self.tokens.get_or_insert_with(|| {
            session.ask(question.clone());
            Asked { question: question.clone(), answer: None }
        });
        renew(asked, question, session);
        asked.live()
    }

    /// The `k` likeliest tokens at `site` of `sentence` under `model`; asks when the question is new.
    pub fn likely(
        &mut self,
        session: &Session,
        model: &str,
        sentence: &str,
        site: usize,
        k: usize,
    ) -> Live<'_, Vec<LikelyToken>> {
        let (model, sentence) = (model.trim().to_owned(), sentence.trim().to_owned());
        let question = Question::Likely { model, sentence, site, k };
        let asked = self.likely.entry(site).or_insert_with(|| {
            session.ask(question.clone());
            Asked { question: question.clone(), answer: None }
        });
        renew(asked, question, session);
        asked.live()
    }

    /// The texts of `tokens` under `model`; asks when the question is new.
    pub fn texts(&mut self, session: &Session, model: &str, tokens: &[u32]) -> Live<'_, Vec<String>> {
        let same = |asked: &Asked<Vec<String>>| matches!(&asked.question, Question::Texts { model: known, tokens: of } if known == model && of == tokens);
        if !self.texts.as_ref().is_some_and(same) {
            let question = Question::Texts { model: model.to_owned(), tokens: tokens.to_vec() };
            session.ask(question.clone());
            self.texts = Some(Asked { question, answer: None });
        }
        self.texts.as_ref().map_or(Live::Nothing, Asked::live)
    }

    /// For each of some typed starts why no chain can start there, if so; asks when they are new.
    pub fn starts(&mut self, session: &Session, asked: TypedStarts) -> Live<'_, Vec<Option<String>>> {
        let question = Question::Starts { asked: Box::new(asked) };
        let asked = self.starts.get_or_insert_with(|| {
            session.ask(question.clone());
            Asked { question: question.clone(), answer: None }
        });
        renew(asked, question, session);
        asked.live()
    }

    /// Asks for the course of a recorded pair; [`Self::course`] has the answer.
    pub fn ask_pair(&mut self, session: &Session, spec: &MixSpec, pair: u64, tokens: [Vec<u8>; 2]) {
        let question = Question::Pair { spec: Box::new(spec.clone()), pair, tokens };
        session.ask(question.clone());
        self.pair = Some(Asked { question, answer: None });
    }

    /// The course asked for last.
    pub fn course(&self) -> Live<'_, Box<PairCourse>> {
        self.pair.as_ref().map_or(Live::Nothing, Asked::live)
    }
}

/// Asks again when the question changed.
fn renew<T>(asked: &mut Asked<T>, question: Question, session: &Session) {
    if asked.question != question {
        session.ask(question.clone());
        asked.question = question;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(sentence: &str) -> Question {
        Question::Tokens { model: "agora".to_owned(), sentence: sentence.to_owned() }
    }

    #[test]
    fn a_stale_answer_never_replaces_the_question_asked_last() {
        let mut questions =
            Questions { tokens: Some(Asked { question: question("new"), answer: None }), ..Questions::default() };
        questions.listen(&[Answer::Tokens { question: question("old"), tokens: Ok(vec![(1, "old".to_owned())]) }]);
        let asked = questions.tokens.as_ref().unwrap();
        assert_eq!(asked.live(), Live::Waiting(None));
        questions.listen(&[Answer::Tokens { question: question("new"), tokens: Err("too long".to_owned()) }]);
        assert_eq!(questions.tokens.as_ref().unwrap().live(), Live::Failed("too long"));
    }

    #[test]
    fn the_previous_answer_stays_while_the_next_is_awaited() {
        let tokens = vec![(1, "old".to_owned())];
        let asked = Asked { question: question("new"), answer: Some((question("old"), Ok(tokens.clone()))) };
        assert_eq!(asked.live(), Live::Waiting(Some(&tokens)));
    }
}
