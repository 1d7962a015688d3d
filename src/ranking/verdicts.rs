//! Verdicts of judges on the answers to questions: what was shown in which order, and what each judge made of it.

use super::votes::Ballot;

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Verdict {
    /// Place in [`Verdicts::questions`].
    pub question: u32,
    /// Place in [`Verdicts::judges`].
    pub judge: u16,
    /// Which of a judge's repeated looks, from 0.
    pub pass: u16,
    /// Models in the order in which their answers were shown, as places in [`Verdicts::models`].
    pub shown: Vec<u16>,
    /// All that were shown, or two of which neither is better.
    pub ballot: Ballot,
}

/// A question of a clause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QuestionPlace {
    pub id: String,
    /// Place in [`Verdicts::clauses`].
    pub clause: u32,
}

/// Everything that was judged.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Verdicts {
    pub models: Vec<String>,
    pub judges: Vec<String>,
    pub clauses: Vec<String>,
    pub questions: Vec<QuestionPlace>,
    /// Words of each model's answer, by question and model; `None` where there is no answer at hand.
    pub lengths: Vec<Vec<Option<u32>>>,
    pub verdicts: Vec<Verdict>,
}
