//! A training that is carried out elsewhere, by TRL and Accelerate: the job as files, and what comes back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Bench, JobError, Pairs, Tensors, TrainPlan, TrainResult, TrainSpec};
use crate::dempo::training::StepReport;
use crate::formats::preferences::PreferenceFile;
use crate::formats::whole_file;
use crate::jobs::work::{RunOutcome, folder_of};
use crate::models::llama;
use crate::progress::Progress;

const SCRIPT: &str = include_str!("../../../assets/trl/train.py");
const REQUIREMENTS: &str = include_str!("../../../assets/trl/requirements.txt");
const SETTINGS: &str = "settings.json";
const PAIRS: &str = "pairs.jsonl";
const VISITS: &str = "visits.jsonl";
const INITIAL: &str = "initial_adapter.safetensors";

/// What a job's settings hold beside the spec.
const PLAN: &str = "plan";

fn failed(path: &Path, problem: impl std::fmt::Display) -> JobError {
    JobError::Input(format!(
        "the job cannot be written: {problem}. Choose a folder that can be written ({})",
        path.display()
    ))
}

/// Writes the training as a job into `job`: token ids, visits with their weights, settings, the first adapter, and the
/// script that trains on them.
///
/// # Errors
/// As the training itself, or a folder that cannot be written or holds something else.
pub fn export(spec: &TrainSpec, job: &Path, progress: &dyn Progress) -> Result<TrainPlan, JobError> {
    spec.check().map_err(JobError::Input)?;
    if std::fs::read_dir(job).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(failed(job, "the folder is not empty"));
    }
    std::fs::create_dir_all(job).map_err(|e| failed(job, e))?;
    let file = PreferenceFile::open(&spec.preferences, progress)?;
    let pairs = Pairs::new(spec, &file)?;
    let (config, tokenizer) = llama::open_tokenizer(&spec.model, spec.template, progress)?;

    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    let mut order = Vec::new();
    progress.stage("writing visits");
    let path = job.join(VISITS);
    let mut visits = BufWriter::new(std::fs::File::create(&path).map_err(|e| failed(&path, e))?);
    for step in 0..pairs.schedule.steps() {
        progress.checkpoint()?;
        for visit in pairs.schedule.batch(step) {
            let place = *places.entry(visit.pair).or_insert_with(|| {
                order.push(visit.pair);
                order.len() - 1
            });
            writeln!(visits, "{}", json!({"pair": place, "weight": visit.weight})).map_err(|e| failed(&path, e))?;
        }
        progress.report(step, pairs.schedule.steps());
    }
    visits.flush().map_err(|e| failed(&path, e))?;
    progress.stage("writing pairs");
    let path = job.join(PAIRS);
    let mut rows = BufWriter::new(std::fs::File::create(&path).map_err(|e| failed(&path, e))?);
    for (done, pair) in order.iter().enumerate() {
        progress.checkpoint()?;
        let preference = file.read(*pair)?;
        let tree = tokenizer.preference(&preference, spec.longest.min(config.positions))?.tree;
        let row = json!({
            "id": preference.id, "rater": preference.rater, "prompt_ids": tree.prompt, "chosen_ids": tree.branches[0],
            "rejected_ids": tree.branches[1],
        });
        writeln!(rows, "{row}").map_err(|e| failed(&path, e))?;
        progress.report(done as u64, order.len() as u64);
    }
    rows.flush().map_err(|e| failed(&path, e))?;

    let mut settings = serde_json::to_value(spec).map_err(|e| failed(job, e))?;
    let shipped = llama::shipped_llamas().iter().any(|(name, _)| *name == spec.model);
    if shipped {
        let folder = job.join("model");
        std::fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
        llama::copy_model(&spec.model, &folder)?;
        settings["model"] = json!("model");
    }
    let trained = match &spec.tensors {
        Tensors::Adapter(lora) => {
            settings["initial_adapter"] = json!(INITIAL);
            llama::write_initial_adapter(&config, lora, spec.seed, &job.join(INITIAL))?
        }
        Tensors::Everything => config.parameters(),
    };
    let plan = pairs.plan(&file, trained, config.parameters(), tokenizer.template());
    settings[PLAN] = serde_json::to_value(&plan).map_err(|e| failed(job, e))?;
    settings["reference_model"] = json!(spec.model);
    let text = serde_json::to_string_pretty(&settings).map_err(|e| failed(job, e))?;
    for (name, text) in [(SETTINGS, text.as_str()), ("train.py", SCRIPT), ("requirements.txt", REQUIREMENTS)] {
        let path = job.join(name);
        whole_file::write(&path, text.as_bytes()).map_err(|e| failed(&path, e))?;
    }
    Ok(plan)
}

/// A job that was carried out elsewhere and is taken into the project.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ImportTrlSpec {
    pub version: u32,
    /// The folder that [`export`] wrote.
    pub job: PathBuf,
    /// Where its script wrote the adapter and `log.jsonl`; `trained` in the job's folder unless it was told otherwise.
    pub trained: PathBuf,
}

impl Bench<'_> {
    pub(in crate::jobs) fn import_trl(&self, spec: &ImportTrlSpec) -> Result<RunOutcome, JobError> {
        let (job, trained) = (self.place(&spec.job)?, self.place(&spec.trained)?);
        let wrong = |path: &Path, problem: String| {
            JobError::Input(format!(
                "{problem}. Name a job of `train export-trl` that was carried out ({})",
                path.display()
            ))
        };
        let path = job.join(SETTINGS);
        let text =
            std::fs::read_to_string(&path).map_err(|e| wrong(&path, format!("the settings cannot be read: {e}")))?;
        let mut settings: Value =
            serde_json::from_str(&text).map_err(|e| wrong(&path, format!("the settings are damaged: {e}")))?;
        let plan: TrainPlan = serde_json::from_value(settings[PLAN].take())
            .map_err(|e| wrong(&path, format!("the settings hold no plan: {e}")))?;
        let model = settings["reference_model"].as_str().unwrap_or_default().to_owned();
        let steps = read_log(&trained.join("log.jsonl"), plan.outlook.steps)?;
        if settings["tensors"]["train"] == "adapter" {
            let place = folder_of(self.ledger.project(), &model);
            llama::check_adapter(place.as_deref().unwrap_or(&model), &trained, self.progress)?;
        }
        self.ledger.document(super::PLAN, &plan)?;
        for step in &steps {
            self.progress.checkpoint()?;
            self.ledger.training_step(step)?;
        }
        let result = TrainResult { plan, steps, evaluations: Vec::new(), samples: Vec::new(), out: trained };
        self.ledger.document(super::RESULT, &super::summary(&result))?;
        Ok(RunOutcome::Train(Box::new(result)))
    }
}

/// The steps of a job's log, which must be all of them, in order, with finite numbers.
fn read_log(path: &Path, planned: u64) -> Result<Vec<StepReport>, JobError> {
    let wrong = |problem: String| {
        JobError::Input(format!(
            "{problem}. Let the job run to its end, and take its whole folder ({})",
            path.display()
        ))
    };
    let file = std::fs::File::open(path).map_err(|e| wrong(format!("the job's log cannot be read: {e}")))?;
    let mut steps: Vec<StepReport> = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| wrong(format!("the job's log cannot be read: {e}")))?;
        let report: StepReport = serde_json::from_str(&line)
            .map_err(|e| wrong(format!("line {} of the job's log is no step: {e}", number + 1)))?;
        if report.step != steps.len() as u64 + 1 {
            return Err(wrong(format!("line {} of the job's log is step {}", number + 1, report.step)));
        }
        steps.push(report);
    }
    if steps.len() as u64 != planned {
        return Err(wrong(format!("the job's log has {} of {planned} steps", steps.len())));
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_not_whole_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let line = |step: u64| {
            json!({"step": step, "loss": 0.6, "learning_rate": 1e-3, "gradient_norm": 1.0, "tokens": 9, "reward_chosen": 0.1,
                "reward_rejected": 0.0, "margin": 0.1, "accuracy": 1.0, "log_prob_chosen": -3.0, "log_prob_rejected": -4.0})
            .to_string()
        };
        std::fs::write(&path, [line(1), line(2)].join("\n")).unwrap();
        let steps = read_log(&path, 2).unwrap();
        assert_eq!((steps.len(), steps[1].margin, steps[1].entropy), (2, 0.1, None));
        assert!(read_log(&path, 3).unwrap_err().to_string().contains("2 of 3 steps"));
        std::fs::write(&path, [line(1), line(3)].join("\n")).unwrap();
        assert!(read_log(&path, 2).unwrap_err().to_string().contains("line 2"));
        std::fs::write(&path, "{}").unwrap();
        assert!(read_log(&path, 1).unwrap_err().to_string().contains("no step"));
    }
}
