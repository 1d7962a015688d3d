//! What was lost between a question and a verdict: said, never dropped silently.

use super::JudgeSpec;
use crate::providers::chat::Ending;
use crate::store::{AnswerRow, VerdictRow};

/// One model's answers, by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelCoverage {
    pub name: String,
    pub questions: u64,
    pub whole: u64,
    /// Cut at the longest length; judged as they are.
    pub truncated: u64,
    /// Cut by the provider's filter; judged as they are where there is text.
    pub filtered: u64,
    /// Marked as a refusal by the provider; judged as they are.
    pub refused: u64,
    /// Without text: not shown to judges.
    pub empty: u64,
    /// Calls that failed in this sitting: not shown to judges.
    pub failed: u64,
}

/// One judge's looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JudgeCoverage {
    pub name: String,
    /// Looks at two answers or more.
    pub looks: u64,
    /// Verdicts that are there.
    pub verdicts: u64,
    /// Of them, after a reply that could not be read.
    pub repaired: u64,
    /// Replies that could not be read, however often they were asked for again.
    pub unread: u64,
    /// Calls that failed.
    pub failed: u64,
}

/// Of a whole judging.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Coverage {
    pub models: Vec<ModelCoverage>,
    pub judges: Vec<JudgeCoverage>,
}

impl Coverage {
    pub(super) fn of(spec: &JudgeSpec) -> Self {
        let questions = spec.constitution.questions.len() as u64;
        let model = |name: &String| ModelCoverage { name: name.clone(), questions, ..Default::default() };
        let judge = |name: &String| JudgeCoverage { name: name.clone(), ..Default::default() };
        Self {
            models: spec.entrants.iter().map(|entrant| model(&entrant.name)).collect(),
            judges: spec.judges.iter().map(|one| judge(&one.name)).collect(),
        }
    }

    /// Counts answers by how they ended.
    pub(super) fn count(&mut self, answers: &[AnswerRow]) {
        for answer in answers {
            let model = &mut self.models[usize::from(answer.model)];
            let count = match answer.ending {
                _ if answer.text.trim().is_empty() => &mut model.empty,
                Ending::Whole | Ending::Empty => &mut model.whole,
                Ending::Truncated => &mut model.truncated,
                Ending::Filtered => &mut model.filtered,
                Ending::Refused => &mut model.refused,
            };
            *count += 1;
        }
    }

    /// Counts verdicts of the judges that are models or rules.
    pub(super) fn count_verdicts(&mut self, verdicts: &[VerdictRow]) {
        for verdict in verdicts {
            if let Some(judge) = self.judges.iter_mut().find(|judge| judge.name == verdict.judge) {
                judge.verdicts += 1;
                judge.repaired += u64::from(verdict.replies > 1);
            }
        }
    }

    /// What the user should hear of.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for model in &self.models {
            let there = model.whole + model.truncated + model.filtered + model.refused;
            if there < model.questions {
                let lost = model.questions - there;
                warnings.push(format!("{lost} of {} questions have no answer of {}", model.questions, model.name));
            }
        }
        for judge in &self.judges {
            if judge.verdicts < judge.looks {
                let lost = judge.looks - judge.verdicts;
                warnings.push(format!("{lost} of {} looks of {} gave no verdict", judge.looks, judge.name));
            }
        }
        warnings
    }
}
