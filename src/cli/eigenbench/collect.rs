//! `kleroterion eigenbench collect`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::Common;
use super::super::constitution::{Money, constitution, prices, speakers};
use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::run::carry_out;
use crate::eigenbench::protocol::{Form, Scope};
use crate::eigenbench::sampling::Scheme;
use crate::eigenbench::scenario::Scenario;
use crate::formats::comparisons::ReadComparisons;
use crate::formats::{comparisons, scenarios};
use crate::jobs::collect::{CollectSpec, Collected, Participant};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::store::ComparisonRow;

#[derive(Clone, Copy, ValueEnum)]
enum SchemeName {
    /// A judge and a group of models, all alike likely.
    #[value(alias = "uniform")]
    RandomJudgeGroup,
    /// The same, rare judges and models more often.
    #[value(alias = "adaptive-inverse-count")]
    Adaptive,
    /// Every judge, every pair.
    AllToAll,
    /// Models that join a known population meet some of it.
    AddModels,
}

/// Collect judgements.
#[derive(Args)]
pub(crate) struct Collect {
    #[command(flatten)]
    common: Common,
    /// A whole collection as JSON; other settings are then left out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["constitution", "model", "judge"])]
    spec: Option<PathBuf>,
    /// Whose clauses are the criteria: a shipped name or a file (repeat; each is judged by on its own).
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "spec")]
    constitution: Vec<String>,
    /// What is responded to: `everyday`, which ships with the program, or a file (JSON, a table, a text with one a line).
    #[arg(long, value_name = "NAME|FILE", default_value = "everyday")]
    scenarios: String,
    /// Only the first N scenarios.
    #[arg(long, value_name = "N")]
    first: Option<usize>,
    /// A model of the population (repeat): NAME=WHO or NAME=WHO;PERSONA, where WHO is local:MODEL[+ADAPTER], PRESET:MODEL or
    /// URL#MODEL and PERSONA a text.
    #[arg(long, value_name = "NAME=WHO")]
    model: Vec<String>,
    /// Only these models judge (repeat its name).
    #[arg(long, value_name = "NAME")]
    judge: Vec<String>,
    /// Who judges whom.
    #[arg(long, value_enum, default_value = "random-judge-group")]
    scheme: SchemeName,
    /// Models in a group [default: 4, or all where there are fewer].
    #[arg(long, value_name = "N")]
    group: Option<u16>,
    /// Groups a scenario.
    #[arg(long, value_name = "N", default_value_t = 1)]
    groups: u16,
    /// Of the adaptive scheme: how strongly rare ones are preferred.
    #[arg(long, value_name = "X", default_value_t = 2.0)]
    alpha: f64,
    /// Of add-models: how many of the first models are known already.
    #[arg(long, value_name = "N", required_if_eq("scheme", "add-models"))]
    known: Option<u16>,
    /// Of add-models: known models in each group.
    #[arg(long, value_name = "N", default_value_t = 2)]
    old: u16,
    /// Ask for one choice by the whole constitution instead of one by each criterion.
    #[arg(long)]
    whole: bool,
    /// Allow no ties.
    #[arg(long)]
    no_ties: bool,
    /// How often a verdict of which a part cannot be read is asked for again.
    #[arg(long, default_value_t = 1)]
    repairs: u16,
    #[arg(long, default_value_t = 1.0)]
    response_temperature: f64,
    #[arg(long, default_value_t = 1.0)]
    judge_temperature: f64,
    /// Tokens of a response at most.
    #[arg(long, default_value_t = 4096)]
    longest_response: u32,
    /// Tokens of a reflection at most.
    #[arg(long, default_value_t = 4096)]
    longest_reflection: u32,
    /// Tokens of a verdict at most.
    #[arg(long, default_value_t = 4096)]
    longest_verdict: u32,
    #[command(flatten)]
    money: Money,
    /// Say how many calls are planned and about what they cost, and ask nobody.
    #[arg(long)]
    estimate: bool,
    /// Write comparisons as CSV for `eigenbench fit`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `NAME=WHO;PERSONA`.
fn participant(text: &str, key_variable: Option<&str>) -> Result<Participant, String> {
    let (name, rest) = speakers::named(text)?;
    let (who, persona) = rest.split_once(';').unwrap_or((rest, ""));
    let speaker = speakers::speaker(who.trim(), key_variable)?;
    Ok(Participant { name: name.to_owned(), persona: persona.trim().to_owned(), speaker })
}

fn read_scenarios(name: &str, first: Option<usize>) -> Result<Vec<Scenario>, Failure> {
    let mut found = if name == "everyday" {
        scenarios::shipped()
    } else {
        let read = scenarios::read(Path::new(name)).map_err(Failure::input)?;
        read.warnings.iter().for_each(|warning| eprintln!("{warning}"));
        if read.repeated > 0 {
            eprintln!("{} scenarios stand in the file twice and are asked once", read.repeated);
        }
        read.scenarios
    };
    found.truncate(first.unwrap_or(usize::MAX));
    Ok(found)
}

impl Collect {
    fn spec(&self) -> Result<CollectSpec, Failure> {
        if let Some(path) = &self.spec {
            let wrong = |problem: String| Failure::Input(format!("{problem} ({})", path.display()));
            let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("the settings cannot be read: {e}")))?;
            return serde_json::from_str(&text).map_err(|e| wrong(format!("the settings are no collection: {e}")));
        }
        let all = self.constitution.iter().map(|name| constitution(name, None).map(Arc::new));
        let constitutions: Vec<_> = all.collect::<Result<_, _>>()?;
        let key = self.money.key_variable.as_deref();
        let models = self.model.iter().map(|text| participant(text, key)).collect::<Result<_, _>>();
        let size = self.group.unwrap_or(self.model.len().min(4) as u16);
        let scheme = match self.scheme {
            SchemeName::RandomJudgeGroup => Scheme::RandomJudgeGroup { size, groups: self.groups },
            SchemeName::Adaptive => Scheme::AdaptiveInverseCount { size, groups: self.groups, alpha: self.alpha },
            SchemeName::AllToAll => Scheme::AllToAll,
            SchemeName::AddModels => Scheme::AddModels { known: self.known.unwrap_or_default(), old: self.old },
        };
        let scope = if self.whole { Scope::Whole } else { Scope::PerCriterion };
        let scenarios = Arc::new(read_scenarios(&self.scenarios, self.first)?);
        let Some(first) = constitutions.first().cloned() else {
            return Err(Failure::Input("no constitution is named. Give --constitution".into()));
        };
        Ok(CollectSpec {
            constitutions,
            models: models.map_err(Failure::Input)?,
            judges: self.judge.clone(),
            scheme,
            form: Form { scope, ties: !self.no_ties },
            repairs: self.repairs,
            response_temperature: self.response_temperature,
            judge_temperature: self.judge_temperature,
            longest_response: self.longest_response,
            longest_reflection: self.longest_reflection,
            longest_verdict: self.longest_verdict,
            seed: self.common.seed,
            budget: self.money.budget,
            prices: prices(&self.money)?,
            ..CollectSpec::of(first, scenarios)
        })
    }

    pub(super) fn run(self) -> Outcome {
        let spec = self.spec()?;
        spec.check().map_err(Failure::Input)?;
        let estimate = spec.estimate();
        let dollars = estimate.dollars.map_or_else(|| "an unknown price".to_owned(), |d| format!("US$ {d:.2}"));
        eprintln!("about {} calls for {dollars}", estimate.calls);
        let planned = json!({
            "calls": estimate.calls, "prompt_tokens": estimate.prompt_tokens,
            "completion_tokens": estimate.completion_tokens, "dollars": estimate.dollars,
        });
        if self.estimate {
            return output::write_json(self.common.json.as_deref(), &json!({ "estimate": planned }));
        }
        let RunOutcome::Collect(collected) = carry_out(&self.common, &RunSpec::Collect(spec.clone()))? else {
            return Err(Failure::Internal("a collection returned another kind of result".into()));
        };
        collected.coverage.warnings().iter().for_each(|warning| eprintln!("{warning}"));
        eprintln!("{} judgements", collected.rows.len());
        if let Some(path) = &self.out {
            comparisons::write(path, &named(&spec, &collected)).map_err(|error| {
                Failure::Input(format!("the comparisons cannot be written: {error} ({})", path.display()))
            })?;
        }
        let rows: Vec<Value> = collected.rows.iter().map(|row| line(&spec, row)).collect();
        let report = json!({
            "models": spec.models.iter().map(|model| &model.name).collect::<Vec<_>>(),
            "constitutions": spec.constitutions.iter().map(|one| &one.name).collect::<Vec<_>>(),
            "scheme": spec.scheme, "seed": spec.seed,
            "estimate": planned,
            "rows": rows,
            "coverage": { "models": collected.coverage.models, "criteria": collected.coverage.criteria },
            "cost": collected.coverage.cost,
        });
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// The name of a criterion: its constitution's and its clause's.
fn criterion(spec: &CollectSpec, constitution: usize, place: usize) -> String {
    let of = &spec.constitutions[constitution];
    match spec.form.scope {
        Scope::Whole => of.name.clone(),
        Scope::PerCriterion => format!("{}/{}", of.name, of.clauses[place].id),
    }
}

/// A row with names.
fn line(spec: &CollectSpec, row: &ComparisonRow) -> Value {
    let name = |place: u16| &spec.models[usize::from(place)].name;
    json!({
        "scenario": spec.scenarios[row.scenario as usize].id, "pass": row.pass,
        "judge": name(row.judge), "eval1": name(row.first), "eval2": name(row.second),
        "criterion": criterion(spec, usize::from(row.constitution), usize::from(row.criterion)),
        "choice": row.choice.figure(), "call": row.calls.verdict,
    })
}

/// Rows with everybody's names, as they are written to a file.
fn named(spec: &CollectSpec, collected: &Collected) -> ReadComparisons {
    let places = |(at, one): (usize, &Arc<crate::dempo::constitution::Constitution>)| {
        (0..spec.form.choices(one.clauses.len())).map(move |place| (at, place))
    };
    let criteria = spec.constitutions.iter().enumerate().flat_map(places);
    ReadComparisons {
        models: spec.models.iter().map(|model| model.name.clone()).collect(),
        scenarios: spec.scenarios.iter().map(|one| one.id.clone()).collect(),
        criteria: criteria.map(|(at, place)| criterion(spec, at, place)).collect(),
        rows: crate::jobs::collect::comparisons(spec, &collected.rows, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::speaker::Speaker;

    #[test]
    fn a_model_may_have_a_persona() {
        let found = participant("Monk=ollama:llama3;You are a monk; be brief.", None).unwrap();
        assert_eq!((found.name.as_str(), found.persona.as_str()), ("Monk", "You are a monk; be brief."));
        assert!(matches!(found.speaker, Speaker::Provider { model, .. } if model == "llama3"));
        assert_eq!(participant("A=local:ekklesia", None).unwrap().persona, "");
        assert!(participant("ollama:llama3", None).is_err());
    }
}
