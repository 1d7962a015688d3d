//! Live questions to the model behind the form: the sentence's tokens, the likeliest tokens at a position.

use std::collections::BTreeMap;

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
            Questions { tokens: Some(Asked { question: question("new"), answer: None }), likely: BTreeMap::new() };
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
