//! Rows of judgings: answers to questions, and verdicts on them.

use rusqlite::params;

use super::values::{from_json, from_word, json, now, unsigned, word};
use super::{CallId, Project, RunId, StoreError};
use crate::providers::chat::Ending;
use crate::ranking::votes::Ballot;

/// One model's answer to one question.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AnswerRow {
    /// Places in the run's spec.
    pub question: u32,
    pub model: u16,
    /// The call it came from; `None` where it was imported.
    pub call: Option<CallId>,
    pub ending: Ending,
    pub text: String,
}

/// One verdict of one judge.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct VerdictRow {
    pub judge: String,
    /// Place in the run's spec.
    pub question: u32,
    pub pass: u16,
    /// Which pair of the question; 0 where all answers are ranked at once.
    pub pair: u32,
    /// Replies until one could be read; 1 for people and rules.
    pub replies: u16,
    /// The call it came from; `None` where a person or a rule judged.
    pub call: Option<CallId>,
    /// Models in the order in which their answers were shown.
    pub shown: Vec<u16>,
    pub ballot: Ballot,
}

impl Project {
    /// Keeps answers; ones that are there stay.
    pub(crate) fn add_answers(&self, run: RunId, answers: &[AnswerRow]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO answer VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for answer in answers {
                let AnswerRow { question, model, call, ending, text } = answer;
                insert.execute(params![run.0, question, model, call.map(|call| call.0), word(ending)?, text])?;
            }
            Ok(())
        })
    }

    /// Answers by question and model.
    pub fn answers(&self, run: RunId) -> Result<Vec<AnswerRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT * FROM answer WHERE run = ?1 ORDER BY question, model")?
                .query_map([run.0], |row| {
                    Ok(AnswerRow {
                        question: unsigned(row, "question")?,
                        model: unsigned(row, "model")?,
                        call: row.get::<_, Option<i64>>("call")?.map(CallId),
                        ending: from_word(row.get("ending")?)?,
                        text: row.get("text")?,
                    })
                })?
                .collect()
        })
    }

    /// Keeps verdicts; one of the same judge on the same look is replaced.
    pub(crate) fn add_verdicts(&self, run: RunId, verdicts: &[VerdictRow]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut insert = transaction
                .prepare_cached("INSERT OR REPLACE INTO verdict VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
            for row in verdicts {
                let VerdictRow { judge, question, pass, pair, replies, call, shown, ballot } = row;
                let call = call.map(|call| call.0);
                insert.execute(params![
                    run.0,
                    judge,
                    question,
                    pass,
                    pair,
                    replies,
                    call,
                    now(),
                    json(shown)?,
                    json(ballot)?
                ])?;
            }
            Ok(())
        })
    }

    /// Takes back a verdict of a person.
    pub(crate) fn remove_verdict(&self, run: RunId, verdict: &VerdictRow) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "DELETE FROM verdict WHERE run = ?1 AND judge = ?2 AND question = ?3 AND pass = ?4 AND pair = ?5",
                )?
                .execute(params![run.0, verdict.judge, verdict.question, verdict.pass, verdict.pair])
                .map(drop)
        })
    }

    /// Verdicts by question, judge, pass and pair.
    pub fn verdicts(&self, run: RunId) -> Result<Vec<VerdictRow>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT * FROM verdict WHERE run = ?1 ORDER BY question, judge, pass, pair")?
                .query_map([run.0], |row| {
                    Ok(VerdictRow {
                        judge: row.get("judge")?,
                        question: unsigned(row, "question")?,
                        pass: unsigned(row, "pass")?,
                        pair: unsigned(row, "pair")?,
                        replies: unsigned(row, "replies")?,
                        call: row.get::<_, Option<i64>>("call")?.map(CallId),
                        shown: from_json(&row.get::<_, String>("shown")?)?,
                        ballot: from_json(&row.get::<_, String>("ballot")?)?,
                    })
                })?
                .collect()
        })
    }
}
