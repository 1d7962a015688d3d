//! What a collection asks, whom, and how.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dempo::constitution::Constitution;
use crate::eigenbench::protocol::{Form, Protocol};
use crate::eigenbench::sampling::{Group, Population, Scheme, planned_calls};
use crate::eigenbench::scenario::{Scenario, check_scenarios};
use crate::jobs::judge::{check_budget, check_temperature};
use crate::jobs::speaker::Speaker;
use crate::providers::price::{Estimate, Planned, Price, PriceTable};

/// Characters of a response and of a reflection, and of one choice in its tags, that estimates expect.
const EXPECTED: (u64, u64) = (1500, 50);

/// A language model, alone or under a persona: one model of the population, which responds and judges.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// As it is called in tables; never told to anybody who is asked.
    pub name: String,
    /// Goes before the system text of whatever it is asked; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub persona: String,
    pub speaker: Speaker,
}

/// A collection of judgements (eigenbench.md, sections 2 and 3).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectSpec {
    pub version: u32,
    /// Each is judged by on its own; responses are shared. Clauses are the criteria, questions are not used.
    pub constitutions: Vec<Arc<Constitution>>,
    pub scenarios: Arc<Vec<Scenario>>,
    pub models: Vec<Participant>,
    /// Names of the models that judge; all of them where this is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judges: Vec<String>,
    pub scheme: Scheme,
    #[serde(default)]
    pub form: Form,
    #[serde(default)]
    pub protocol: Protocol,
    /// How often a verdict of which a part cannot be read is asked for again.
    pub repairs: u16,
    pub response_temperature: f64,
    pub judge_temperature: f64,
    /// Tokens at most.
    pub longest_response: u32,
    pub longest_reflection: u32,
    pub longest_verdict: u32,
    pub seed: u64,
    /// US dollars that may be spent; `None` is no limit.
    #[serde(default)]
    pub budget: Option<f64>,
    #[serde(default)]
    pub prices: PriceTable,
}

impl CollectSpec {
    /// The authors' settings: one judge and a group of four a scenario, at most 4,096 tokens, temperature 1.
    pub fn of(constitution: Arc<Constitution>, scenarios: Arc<Vec<Scenario>>) -> Self {
        Self {
            version: 1,
            constitutions: vec![constitution],
            scenarios,
            models: Vec::new(),
            judges: Vec::new(),
            scheme: Scheme::RandomJudgeGroup { size: 4, groups: 1 },
            form: Form::default(),
            protocol: Protocol::default(),
            repairs: 1,
            response_temperature: 1.0,
            judge_temperature: 1.0,
            longest_response: 4096,
            longest_reflection: 4096,
            longest_verdict: 4096,
            seed: 0,
            budget: None,
            prices: PriceTable::default(),
        }
    }

    /// Who is drawn from.
    pub fn population(&self) -> Population {
        let judges =
            (0..).zip(&self.models).filter(|(_, model)| self.judges.is_empty() || self.judges.contains(&model.name));
        Population { models: self.models.len() as u16, judges: judges.map(|(place, _)| place).collect() }
    }

    /// Who judges whom under which scenario.
    pub fn plan(&self) -> Vec<Group> {
        self.scheme.plan(&self.population(), self.scenarios.len() as u32, self.seed)
    }

    /// Criteria of one constitution.
    pub fn criteria(&self, constitution: usize) -> Vec<&str> {
        self.constitutions[constitution].clauses.iter().map(|clause| clause.text.as_str()).collect()
    }

    /// About what the collection asks and costs, if nothing fails and texts are as long as is usual.
    pub fn estimate(&self) -> Estimate {
        let plan = self.plan();
        let scenario =
            self.scenarios.iter().map(|one| one.text.len() as u64).sum::<u64>() / self.scenarios.len().max(1) as u64;
        let (text, choice) = EXPECTED;
        let mut planned = Vec::new();
        for (place, model) in (0_u16..).zip(&self.models) {
            let persona = model.persona.len() as u64;
            let shown: BTreeSet<u32> =
                plan.iter().filter(|group| group.members.contains(&place)).map(|group| group.scenario).collect();
            let judged: Vec<Group> = plan.iter().filter(|group| group.judge == place).cloned().collect();
            let calls = planned_calls(&judged);
            let speaker = model.speaker.model();
            let one = |calls, prompt_characters, answer_characters| Planned {
                model: speaker,
                calls,
                prompt_characters,
                answer_characters,
            };
            planned.push(one(
                shown.len() as u64,
                persona + self.protocol.response_system.len() as u64 + scenario,
                text,
            ));
            for constitution in 0..self.constitutions.len() {
                let criteria = self.criteria(constitution);
                let common = persona + scenario + criteria.iter().map(|one| one.len() as u64 + 4).sum::<u64>();
                let Protocol { reflection_system, reflection, comparison_system, comparison, .. } = &self.protocol;
                let reflecting = common + (reflection_system.len() + reflection.len()) as u64 + text;
                let comparing = common + (comparison_system.len() + comparison.len()) as u64 + 4 * text;
                planned.push(one(calls.reflections, reflecting, text));
                planned.push(one(calls.comparisons, comparing, choice * self.form.choices(criteria.len()) as u64));
            }
        }
        let mut prices = self.prices.clone();
        for own in self.models.iter().map(|model| &model.speaker).filter(|speaker| speaker.is_free()) {
            prices.0.insert(own.model().to_owned(), Price::FREE);
        }
        prices.estimate(&planned)
    }

    /// # Errors
    /// The first thing that is wrong, with its remedy.
    pub fn check(&self) -> Result<(), String> {
        if self.constitutions.is_empty() {
            return Err("no constitution is named. Import one, or take one that ships with the program".into());
        }
        for constitution in &self.constitutions {
            constitution.check().map_err(|e| e.to_string())?;
        }
        check_scenarios(&self.scenarios)?;
        self.protocol.check().map_err(|e| e.to_string())?;
        if self.models.len() < 2 {
            return Err("fewer than two models are in the population. Add another".into());
        }
        if self.models.len() > usize::from(u16::MAX) {
            return Err("more than 65,535 models are in the population. Split it".into());
        }
        let mut names = BTreeSet::new();
        for model in &self.models {
            if model.name.trim().is_empty() {
                return Err("a model has no name. Give it one".into());
            }
            if !names.insert(model.name.as_str()) {
                return Err(format!("two models are called {:?}. Give each its own name", model.name));
            }
            model.speaker.check().map_err(|problem| format!("{}: {problem}", model.name))?;
        }
        if let Some(stranger) = self.judges.iter().find(|judge| !names.contains(judge.as_str())) {
            return Err(format!("{stranger:?} is to judge and is not in the population. Add it as a model"));
        }
        self.scheme.check(&self.population()).map_err(|e| e.to_string())?;
        if self.longest_response == 0 || self.longest_reflection == 0 || self.longest_verdict == 0 {
            return Err("responses, reflections and verdicts need at least one token".into());
        }
        check_temperature(self.response_temperature)?;
        check_temperature(self.judge_temperature)?;
        check_budget(self.budget)
    }
}
