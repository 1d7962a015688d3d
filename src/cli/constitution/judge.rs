//! Answers, verdicts, and questions written by a model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::Common;
use super::super::demand::{Failure, Outcome};
use super::super::output;
use super::super::run::carry_out;
use super::{constitution, speakers};
use crate::dempo::judging::Comparing;
use crate::formats::verdicts;
use crate::jobs::judge::{JudgeSpec, Judged, QuestionsSpec};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::providers::price::PriceTable;

/// What answers may cost.
#[derive(Args)]
pub(in crate::cli) struct Money {
    /// US dollars at most: no call starts that might pass it.
    #[arg(long, value_name = "DOLLARS")]
    pub(in crate::cli) budget: Option<f64>,
    /// US dollars per million tokens read and written: MODEL=PROMPT,COMPLETION.
    #[arg(long, value_name = "PRICE")]
    price: Vec<String>,
    /// Environment variable that holds the providers' key, where it is not the usual one.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) key_variable: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// All answers to a question in one order.
    Listwise,
    /// Two answers at a time.
    Pairwise,
}

/// Answer and judge.
#[derive(Args)]
pub(crate) struct Judge {
    #[command(flatten)]
    common: Common,
    /// A whole judging as JSON, as the window exports it; other settings are then left out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["constitution", "model", "judge"])]
    spec: Option<PathBuf>,
    /// A shipped name or a file.
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "spec")]
    constitution: Option<String>,
    /// Further questions for its clauses.
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Ask only the first N questions of each clause.
    #[arg(long, value_name = "N")]
    per_clause: Option<usize>,
    /// Who is compared (repeat): NAME=local:MODEL[+ADAPTER], file:ANSWERS, PRESET:MODEL or URL#MODEL.
    #[arg(long, value_name = "NAME=WHO")]
    model: Vec<String>,
    /// Who judges (repeat): as --model, or NAME=words:WANTED,…/UNWANTED,… which counts words.
    #[arg(long, value_name = "NAME=WHO")]
    judge: Vec<String>,
    /// How answers are compared.
    #[arg(long, value_enum, default_value = "listwise")]
    comparing: Way,
    /// Looks of each judge at each question.
    #[arg(long, default_value_t = 5)]
    passes: u16,
    /// How often a reply that cannot be read is asked for again.
    #[arg(long, default_value_t = 3)]
    retries: u16,
    /// Tokens of an answer at most.
    #[arg(long, default_value_t = 256)]
    longest_answer: u32,
    /// Tokens of a verdict at most.
    #[arg(long, default_value_t = 512)]
    longest_verdict: u32,
    #[arg(long, default_value_t = 0.0)]
    answer_temperature: f64,
    #[arg(long, default_value_t = 0.0)]
    judge_temperature: f64,
    #[command(flatten)]
    money: Money,
    /// Write rankings as JSON lines for `rankings score`, with their question, clause and judge.
    #[arg(long, value_name = "FILE")]
    rankings: Option<PathBuf>,
}

/// Prices as they are typed.
pub(in crate::cli) fn prices(money: &Money) -> Result<PriceTable, Failure> {
    let mut table = PriceTable::default();
    for text in &money.price {
        let (model, price) = speakers::price(text).map_err(Failure::Input)?;
        table.0.insert(model, price);
    }
    table.check().map_err(Failure::Input)?;
    Ok(table)
}

impl Judge {
    fn spec(&self) -> Result<JudgeSpec, Failure> {
        if let Some(path) = &self.spec {
            return read_spec(path);
        }
        let name = self.constitution.as_deref().unwrap_or_default();
        let mut constitution = constitution(name, self.questions.as_deref())?;
        if let Some(most) = self.per_clause {
            constitution = constitution.first_questions(most);
        }
        let key = self.money.key_variable.as_deref();
        let entrants = self.model.iter().map(|text| speakers::entrant(text, key)).collect::<Result<_, _>>();
        let judges = self.judge.iter().map(|text| speakers::judge(text, key)).collect::<Result<_, _>>();
        Ok(JudgeSpec {
            entrants: entrants.map_err(Failure::Input)?,
            judges: judges.map_err(Failure::Input)?,
            comparing: if self.comparing == Way::Listwise { Comparing::Listwise } else { Comparing::Pairwise },
            passes: self.passes,
            retries: self.retries,
            longest_answer: self.longest_answer,
            answer_temperature: self.answer_temperature,
            longest_verdict: self.longest_verdict,
            judge_temperature: self.judge_temperature,
            seed: self.common.seed,
            budget: self.money.budget,
            prices: prices(&self.money)?,
            ..JudgeSpec::of(Arc::new(constitution))
        })
    }

    pub(super) fn run(self) -> Outcome {
        let spec = self.spec()?;
        spec.check().map_err(Failure::Input)?;
        let RunOutcome::Judge(judged) = carry_out(&self.common, &RunSpec::Judge(spec.clone()))? else {
            return Err(Failure::Internal("a judging returned another kind of result".into()));
        };
        for warning in judged.coverage.warnings() {
            eprintln!("{warning}");
        }
        eprintln!("{} answers, {} verdicts", judged.answers.len(), judged.verdicts.verdicts.len());
        if let Some(path) = &self.rankings {
            let text = verdicts::rankings(&judged.verdicts);
            crate::formats::whole_file::write(path, text.as_bytes()).map_err(|error| {
                Failure::Input(format!("the rankings cannot be written: {error} ({})", path.display()))
            })?;
        }
        output::write_json(self.common.json.as_deref(), &report(&spec, &judged))
    }
}

fn report(spec: &JudgeSpec, judged: &Judged) -> Value {
    let questions = &spec.constitution.questions;
    let answers: Vec<Value> = judged
        .answers
        .iter()
        .map(|answer| {
            json!({
                "question": questions[answer.question as usize].id,
                "model": spec.entrants[usize::from(answer.model)].name,
                "ending": answer.ending,
                "answer": answer.text,
            })
        })
        .collect();
    json!({
        "constitution": spec.constitution.name,
        "models": judged.verdicts.models,
        "judges": judged.verdicts.judges,
        "coverage": judged.coverage,
        "answers": answers,
        "verdicts": verdicts::named(&judged.verdicts),
        "seed": spec.seed,
    })
}

fn read_spec(path: &Path) -> Result<JudgeSpec, Failure> {
    let wrong = |problem: String| Failure::Input(format!("{problem} ({})", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("the settings cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| wrong(format!("the settings are no judging: {error}")))
}

/// Write questions.
#[derive(Args)]
pub(crate) struct Questions {
    #[command(flatten)]
    common: Common,
    /// A whole writing of questions as JSON; other settings are then left out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["constitution", "writer"])]
    spec: Option<PathBuf>,
    /// A shipped name or a file.
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "spec")]
    constitution: Option<String>,
    /// Who writes: local:MODEL[+ADAPTER], PRESET:MODEL or URL#MODEL.
    #[arg(long, value_name = "WHO", required_unless_present = "spec")]
    writer: Option<String>,
    /// Questions a clause.
    #[arg(long, default_value_t = 40)]
    count: u32,
    #[arg(long, default_value_t = 0.7)]
    temperature: f64,
    #[command(flatten)]
    money: Money,
    /// Where to write the constitution with its questions, as JSON.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Questions {
    pub(super) fn run(self) -> Outcome {
        let spec = match &self.spec {
            Some(path) => {
                let wrong = |problem: String| Failure::Input(format!("{problem} ({})", path.display()));
                let text =
                    std::fs::read_to_string(path).map_err(|e| wrong(format!("the settings cannot be read: {e}")))?;
                serde_json::from_str(&text)
                    .map_err(|e| wrong(format!("the settings are no writing of questions: {e}")))?
            }
            None => {
                let constitution = constitution(self.constitution.as_deref().unwrap_or_default(), None)?;
                let key = self.money.key_variable.as_deref();
                let writer =
                    speakers::speaker(self.writer.as_deref().unwrap_or_default(), key).map_err(Failure::Input)?;
                QuestionsSpec {
                    count: self.count,
                    temperature: self.temperature,
                    seed: self.common.seed,
                    budget: self.money.budget,
                    prices: prices(&self.money)?,
                    ..QuestionsSpec::of(Arc::new(constitution), writer)
                }
            }
        };
        let RunOutcome::Questions(found) = carry_out(&self.common, &RunSpec::Questions(spec.clone()))? else {
            return Err(Failure::Internal("a writing of questions returned another kind of result".into()));
        };
        let mut whole = (*spec.constitution).clone();
        whole.questions.extend(found.questions.iter().cloned());
        let text = serde_json::to_vec_pretty(&whole).map_err(Failure::internal)?;
        crate::formats::whole_file::write(&self.out, &text).map_err(|error| {
            Failure::Input(format!("the questions cannot be written: {error} ({})", self.out.display()))
        })?;
        eprintln!("{} questions for {} clauses", found.questions.len(), whole.clauses.len());
        if !found.without.is_empty() {
            eprintln!("none for the clauses {}", found.without.join(", "));
        }
        output::write_json(self.common.json.as_deref(), &json!(found))
    }
}
