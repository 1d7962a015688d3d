//! What was lost between a scenario and a choice: said, never dropped silently.

use super::CollectSpec;
use crate::eigenbench::choices::Reading;
use crate::eigenbench::protocol::Scope;
use crate::providers::chat::{Ending, Reply};
use crate::providers::price::PriceTable;

/// Texts of one kind, by how they ended. Only whole ones are shown to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TextCounts {
    /// The sum of all others.
    pub wanted: u64,
    pub whole: u64,
    /// Cut at the longest length.
    pub truncated: u64,
    /// Cut by the provider's filter.
    pub filtered: u64,
    /// Marked as a refusal by the provider.
    pub refused: u64,
    /// Without text.
    pub empty: u64,
    /// Calls that failed in this sitting, however often they were repeated.
    pub failed: u64,
    /// Not asked for: what had to be shown is missing.
    pub skipped: u64,
}

impl TextCounts {
    pub(super) fn add(&mut self, reply: Result<&Reply, &String>) {
        self.wanted += 1;
        let count = match reply {
            Err(_) => &mut self.failed,
            Ok(reply) if reply.text.trim().is_empty() && reply.ending == Ending::Whole => &mut self.empty,
            Ok(reply) => match reply.ending {
                Ending::Whole => &mut self.whole,
                Ending::Truncated => &mut self.truncated,
                Ending::Filtered => &mut self.filtered,
                Ending::Refused => &mut self.refused,
                Ending::Empty => &mut self.empty,
            },
        };
        *count += 1;
    }

    pub(super) fn skip(&mut self) {
        self.wanted += 1;
        self.skipped += 1;
    }
}

/// Choices, by how they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChoiceCounts {
    /// Of verdicts that were asked for; the sum of the next five.
    pub wanted: u64,
    pub strict: u64,
    pub tolerant: u64,
    pub missing: u64,
    /// Something else than a figure that was asked for.
    pub not_allowed: u64,
    pub contradictory: u64,
    /// Of those read: in the reply to a repair.
    pub repaired: u64,
}

impl ChoiceCounts {
    fn add(&mut self, reading: &Reading, repaired: bool) {
        self.wanted += 1;
        let count = match reading {
            Reading::Strict(_) => &mut self.strict,
            Reading::Tolerant(_) => &mut self.tolerant,
            Reading::Missing => &mut self.missing,
            Reading::NotAllowed(_) => &mut self.not_allowed,
            Reading::Contradictory => &mut self.contradictory,
        };
        *count += 1;
        self.repaired += u64::from(repaired && reading.choice().is_some());
    }

    /// Choices that there are.
    pub fn read(&self) -> u64 {
        self.strict + self.tolerant
    }
}

/// One model.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelCoverage {
    pub name: String,
    /// Its responses to scenarios.
    pub responses: TextCounts,
    /// Its reflections as a judge.
    pub reflections: TextCounts,
    /// Its verdicts, by their first replies.
    pub verdicts: TextCounts,
    /// Verdicts that were asked for again.
    pub repairs: u64,
    /// What its verdicts hold.
    pub choices: ChoiceCounts,
}

/// One criterion.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CriterionCoverage {
    pub constitution: String,
    /// The clause's id; `whole` where the whole constitution was judged.
    pub criterion: String,
    pub choices: ChoiceCounts,
}

/// What the replies that a collection rests on cost, whichever run asked for them.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    pub replies: u64,
    /// As far as providers say.
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars, as far as they are known.
    pub dollars: f64,
    /// Replies whose cost is not known.
    pub unpriced: u64,
}

impl Cost {
    pub(super) fn add(&mut self, model: &str, reply: &Reply, prices: &PriceTable) {
        self.replies += 1;
        if let Some(usage) = reply.usage {
            self.prompt_tokens += usage.prompt_tokens;
            self.completion_tokens += usage.completion_tokens;
        }
        match prices.cost(model, reply) {
            Some(dollars) => self.dollars += dollars,
            None => self.unpriced += 1,
        }
    }
}

/// Of a whole collection.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Coverage {
    /// By model.
    pub models: Vec<ModelCoverage>,
    /// By constitution and criterion.
    pub criteria: Vec<CriterionCoverage>,
    pub cost: Cost,
}

impl Coverage {
    pub(super) fn of(spec: &CollectSpec) -> Self {
        let model = |name: &String| ModelCoverage { name: name.clone(), ..Default::default() };
        let mut criteria = Vec::new();
        for constitution in &spec.constitutions {
            for place in 0..spec.form.choices(constitution.clauses.len()) {
                let criterion = match spec.form.scope {
                    Scope::Whole => "whole".to_owned(),
                    Scope::PerCriterion => constitution.clauses[place].id.clone(),
                };
                let constitution = constitution.name.clone();
                criteria.push(CriterionCoverage { constitution, criterion, choices: ChoiceCounts::default() });
            }
        }
        Self { models: spec.models.iter().map(|one| model(&one.name)).collect(), criteria, cost: Cost::default() }
    }

    /// Counts what became of one choice; `criterion` counts over all constitutions.
    pub(super) fn choice(&mut self, judge: u16, criterion: usize, reading: &Reading, repaired: bool) {
        self.models[usize::from(judge)].choices.add(reading, repaired);
        self.criteria[criterion].choices.add(reading, repaired);
    }

    /// What the user should hear of.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for model in &self.models {
            let kinds = [
                ("responses of", &model.responses),
                ("reflections of", &model.reflections),
                ("comparisons by", &model.verdicts),
            ];
            for (kind, counts) in kinds {
                let reasons = [
                    (counts.truncated, "cut at the longest length"),
                    (counts.filtered, "filtered"),
                    (counts.refused, "refused"),
                    (counts.empty, "empty"),
                    (counts.failed, "failed"),
                    (counts.skipped, "not asked for, since a text is missing"),
                ];
                let told: Vec<String> = reasons
                    .iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, reason)| format!("{count} {reason}"))
                    .collect();
                if !told.is_empty() {
                    warnings.push(format!("of {} {kind} {}: {}", counts.wanted, model.name, told.join(", ")));
                }
            }
            let choices = &model.choices;
            if choices.read() < choices.wanted {
                let lost = choices.wanted - choices.read();
                warnings.push(format!("{lost} of {} choices of {} could not be read", choices.wanted, model.name));
            }
        }
        warnings
    }
}
