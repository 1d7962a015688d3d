//! `kleroterion train`: preference training of a Llama, and comparing it with another program's.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::demand::{Failure, Outcome};
use super::run::{carry_out, failure};
use super::terminal::TerminalProgress;
use super::train_diagnostics::{GradientsCommand, UpdateSizes};
use super::{Common, output};
use crate::dempo::objective::Objective;
use crate::dempo::rater_lottery::{RaterLottery, last_draw};
use crate::dempo::training::{EvaluationReport, StepReport};
use crate::glauber::conditionals::Precision;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::jobs::train::evaluate::{EvaluateSpec, evaluate};
use crate::jobs::train::{ImportTrlSpec, TrainResult, TrainSpec, trl};
use crate::models::llama;
use crate::sortition::audit::AuditFile;

/// Train a Llama on preferences weighed by a panel or a lottery.
#[derive(Subcommand)]
pub(crate) enum Train {
    /// Repeat another program's training of a small model, step by step, and compare.
    Check(Check),
    /// Train as a file of settings says. Run again with the same file to resume.
    Run(Run),
    /// See what a trained adapter prefers: rewards, margins and accuracy on pairs, by rater.
    Evaluate(Evaluate),
    /// Measure how far trainings moved their weights, tensor by tensor.
    UpdateSize(UpdateSizes),
    /// See whether schemes pull a model in the same direction: lengths of their gradients and cosines between them.
    Gradients(GradientsCommand),
    /// Write a training as a job for TRL and Accelerate, to be carried out on a larger machine.
    ExportTrl(ExportTrl),
    /// Take in the adapter and the log of such a job.
    ImportTrl(ImportTrl),
}

impl Train {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Check(check) => check.run(),
            Self::Run(run) => run.run(),
            Self::Evaluate(evaluate) => evaluate.run(),
            Self::UpdateSize(sizes) => sizes.run(),
            Self::Gradients(gradients) => gradients.run(),
            Self::ExportTrl(export) => export.run(),
            Self::ImportTrl(import) => import.run(),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum CheckType {
    F32,
    F64,
}

#[derive(Args)]
pub(crate) struct Check {
    /// Folder with config.json, model.safetensors, a PEFT adapter and reference.json.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Arithmetic; the allowed relative difference is 1e-4 in f32 and 1e-6 in f64.
    #[arg(long, value_enum, default_value_t = CheckType::F32)]
    dtype: CheckType,
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Check {
    fn run(self) -> Outcome {
        let precision = match self.dtype {
            CheckType::F32 => Precision::F32,
            CheckType::F64 => Precision::F64,
        };
        let report = llama::check(&self.folder, precision).map_err(Failure::input)?;
        eprintln!(
            "{} steps; largest relative differences: loss {:.1e}, log-probability {:.1e}, gradient {:.1e}, weights {:.1e}; {}",
            report.losses.len(),
            report.max_rel_loss,
            report.max_rel_logp,
            report.max_rel_grad_norm,
            report.max_rel_final_norm,
            if report.ok { "within" } else { "not within" },
        );
        output::write_json(self.json.as_deref(), &serde_json::to_value(&report).map_err(Failure::internal)?)?;
        if report.ok { Ok(()) } else { Err(Failure::Negative) }
    }
}

#[derive(Args)]
pub(crate) struct Run {
    /// Settings as JSON, or as TOML where the name ends so. Paths in it start at the file's folder. A scheme may name an audit
    /// file of a lottery: {"scheme": "hard", "lottery": "audit.json"} takes the panel drawn last, "soft" everybody's chance.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Run {
    fn run(self) -> Outcome {
        let spec = read_spec(&self.spec)?;
        let RunOutcome::Train(result) = carry_out(&self.common, &RunSpec::Train(spec))? else {
            return Err(Failure::Internal("a training run returned another kind of result".into()));
        };
        tell(&result);
        output::write_json(self.common.json.as_deref(), &report(&result)?)
    }
}

#[derive(Args)]
pub(crate) struct Evaluate {
    /// The model the adapter belongs to: shipped name, folder or hub name.
    #[arg(long, default_value = "ekklesia")]
    model: String,
    /// The adapter's folder, as `train run` or PEFT wrote it.
    #[arg(long, value_name = "DIR")]
    adapter: PathBuf,
    /// Preferences, as `preferences import` writes them.
    #[arg(long, value_name = "FILE")]
    preferences: PathBuf,
    /// How strongly the policy was held to the model: scales the rewards.
    #[arg(long, default_value_t = 0.1)]
    beta: f64,
    /// Longest prompt with its longer answer, in tokens.
    #[arg(long, default_value_t = 3072)]
    longest: usize,
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Evaluate {
    fn run(self) -> Outcome {
        let spec = EvaluateSpec {
            model: self.model,
            adapter: self.adapter,
            preferences: self.preferences,
            objective: Objective { beta: self.beta, ..Objective::default() },
            longest: self.longest,
            template: llama::TemplateChoice::Auto,
            together: 8,
        };
        let progress = TerminalProgress::new();
        let found = evaluate(&spec, &progress);
        progress.finish();
        let found = found.map_err(failure)?;
        for row in found.raters.iter().take(20).chain([&found.all]) {
            eprintln!("{}: {} pairs, accuracy {:.3}, margin {:.3}", row.name, row.pairs, row.accuracy, row.margin);
        }
        output::write_json(self.json.as_deref(), &serde_json::to_value(&found).map_err(Failure::internal)?)
    }
}

#[derive(Args)]
pub(crate) struct ExportTrl {
    /// Settings, as for `train run`.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
    /// An empty folder for the job.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the plan as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl ExportTrl {
    fn run(self) -> Outcome {
        let spec = read_spec(&self.spec)?;
        let progress = TerminalProgress::new();
        let plan = trl::export(&spec, &self.out, &progress);
        progress.finish();
        let plan = plan.map_err(failure)?;
        eprintln!(
            "{} steps, {} visits of {} pairs; carry out train.py there ({})",
            plan.outlook.steps,
            plan.outlook.visits,
            plan.outlook.pairs,
            self.out.display()
        );
        output::write_json(self.json.as_deref(), &serde_json::to_value(&plan).map_err(Failure::internal)?)
    }
}

#[derive(Args)]
pub(crate) struct ImportTrl {
    /// Folder that `train export-trl` wrote.
    #[arg(value_name = "DIR")]
    job: PathBuf,
    /// Folder its script wrote to (default: `trained` in the job's folder).
    #[arg(long, value_name = "DIR")]
    trained: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl ImportTrl {
    fn run(self) -> Outcome {
        let job = std::path::absolute(&self.job).map_err(Failure::input)?;
        let trained = match self.trained {
            Some(trained) => std::path::absolute(trained).map_err(Failure::input)?,
            None => job.join("trained"),
        };
        let spec = RunSpec::ImportTrl(ImportTrlSpec { version: 1, job, trained });
        let RunOutcome::Train(result) = carry_out(&self.common, &spec)? else {
            return Err(Failure::Internal("an imported training is another kind of result".into()));
        };
        tell(&result);
        output::write_json(self.common.json.as_deref(), &report(&result)?)
    }
}

fn tell(result: &TrainResult) {
    let plan = &result.plan;
    eprintln!(
        "{} steps, {} visits of {} pairs by {} raters (worth {:.1} equal ones); {} numbers trained of {}",
        plan.outlook.steps,
        plan.outlook.visits,
        plan.outlook.pairs,
        plan.outlook.raters,
        plan.outlook.effective_raters,
        plan.trained,
        plan.parameters
    );
    if plan.outlook.without_pairs > 0 {
        eprintln!("{} people of the scheme have no preferences in the file", plan.outlook.without_pairs);
    }
    if let Some(last) = result.evaluations.last() {
        eprintln!(
            "held out: loss {:.4} (standard error {:.4} over {} raters), accuracy {:.3} ({:.3})",
            last.loss, last.loss_error, last.raters, last.accuracy, last.accuracy_error
        );
    }
    eprintln!("{}", result.out.display());
}

/// The contract's JSON: every step without its visits (those are in steps.jsonl of the output folder), and the last figures.
fn report(result: &TrainResult) -> Result<Value, Failure> {
    let steps: Vec<StepReport> =
        result.steps.iter().map(|step| StepReport { visits: Vec::new(), ..step.clone() }).collect();
    let evaluations: Vec<EvaluationReport> =
        result.evaluations.iter().map(|report| EvaluationReport { visits: Vec::new(), ..report.clone() }).collect();
    let last = steps.last();
    let mut value = json!({
        "plan": result.plan,
        "steps": steps,
        "evaluations": evaluations,
        "samples": result.samples,
        "final": {
            "step": result.plan.outlook.steps,
            "loss": last.map(|step| step.loss),
            "held_out": evaluations.last(),
            "out": result.out,
        },
    });
    strip_empty_visits(&mut value);
    Ok(value)
}

fn strip_empty_visits(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("visits").is_some_and(|visits| visits.as_array().is_some_and(Vec::is_empty)) {
                map.remove("visits");
            }
            map.values_mut().for_each(strip_empty_visits);
        }
        Value::Array(list) => list.iter_mut().for_each(strip_empty_visits),
        _ => {}
    }
}

/// Reads a file of settings; paths in it start at its folder.
pub(super) fn read_spec(path: &Path) -> Result<TrainSpec, Failure> {
    let wrong = |problem: String| Failure::Input(format!("{problem} ({})", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|e| wrong(format!("the settings cannot be read: {e}. Check the name and your permission")))?;
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    let mut value: Value = if is_toml {
        toml::from_str(&text).map_err(|e| wrong(format!("the settings are no TOML: {e}")))?
    } else {
        serde_json::from_str(&text).map_err(|e| wrong(format!("the settings are no JSON: {e}")))?
    };
    let folder = std::path::absolute(path).map_err(Failure::input)?;
    let folder = folder.parent().unwrap_or(Path::new("")).to_path_buf();
    let place = |text: &str| folder.join(text);
    if let Some(lottery) = value.pointer_mut("/scheme").and_then(Value::as_object_mut)
        && let Some(file) = lottery.remove("lottery")
    {
        let file = place(file.as_str().unwrap_or_default());
        fill_scheme(lottery, &file)?;
    }
    for name in ["preferences", "people", "out"] {
        if let Some(Value::String(text)) = value.get(name) {
            value[name] = json!(place(text));
        }
    }
    if let Some(Value::String(model)) = value.get("model")
        && (model.starts_with("./") || model.starts_with("../"))
    {
        value["model"] = json!(place(model));
    }
    let spec: TrainSpec = serde_json::from_value(value).map_err(|e| wrong(format!("a setting cannot be: {e}")))?;
    spec.check().map_err(wrong)?;
    Ok(spec)
}

/// Names the panel or the chances of an audit file in a scheme.
pub(super) fn fill_scheme(scheme: &mut serde_json::Map<String, Value>, path: &Path) -> Result<(), Failure> {
    let wrong = |problem: String| Failure::Input(format!("{problem} ({})", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("the lottery cannot be read: {e}")))?;
    let file: AuditFile = serde_json::from_str(&text).map_err(|e| {
        wrong(format!("this is no audit file of a lottery: {e}. `panel lottery` and the Panel tab write them"))
    })?;
    match scheme.get("scheme").and_then(Value::as_str) {
        Some("hard") => {
            let members = last_draw(&file).ok_or_else(|| {
                wrong("nothing was drawn from this lottery yet; draw a panel, or train on its chances (soft)".into())
            })?;
            scheme.insert("panel".into(), json!(members));
        }
        Some("soft") => {
            let lottery = RaterLottery::new(&file, &[]).map_err(|e| wrong(e.to_string()))?;
            let inclusion: std::collections::BTreeMap<&String, f64> =
                lottery.people.iter().zip(lottery.inclusion.iter().copied()).collect();
            scheme.insert("inclusion".into(), json!(inclusion));
        }
        other => {
            return Err(wrong(format!(
                "a lottery says nothing for the scheme {other:?}; it makes a hard or a soft panel"
            )));
        }
    }
    Ok(())
}
