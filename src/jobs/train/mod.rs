//! A preference training: preferences weighed and visited in order, a policy that learns from them, reports as they come,
//! and a checkpoint from which the run goes on to the same bytes.

pub mod chat;
pub mod evaluate;
pub mod gradients;
mod pairs;
mod record;
mod reference;
mod spec;
pub mod trl;
pub mod update;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::work::{Bench, JobError, RunOutcome, hash_file};
use crate::dempo::monitor::{Groups, Sample};
use crate::dempo::objective::PairLogProbs;
use crate::dempo::preference::{Message, Role};
use crate::dempo::training::{EvaluationReport, PolicyError, StepReport, Training};
use crate::formats::preferences::{PreferenceFile, PreferencesError};
use crate::models::ModelError;
use crate::models::llama::{self, AdamW, GenerationSettings, Keep, LlamaPolicy, OpenLlama, OpenSettings, Trained};
use pairs::Pairs;
use record::Record;
use reference::{References, references};

pub use pairs::{Outlook, outlook};
pub use spec::{RaterScheme, Tensors, TrainSpec};
pub use trl::ImportTrlSpec;

/// Names of a training's documents in a project.
pub const PLAN: &str = "plan";
pub const GROUPS: &str = "groups";
pub const RESULT: &str = "result";

const CHECKPOINT: &str = "checkpoint.safetensors";
const STEPS: &str = "steps.jsonl";
const EVALUATIONS: &str = "evaluations.jsonl";
const SAMPLES: &str = "samples.jsonl";
const REFERENCE: &str = "reference.bin";
/// Longest answer to a sample prompt, in tokens.
const SAMPLE_TOKENS: usize = 80;

/// What a run will do, known before its first step.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainPlan {
    #[serde(flatten)]
    pub outlook: Outlook,
    /// Numbers that are trained, of how many.
    pub trained: u64,
    pub parameters: u64,
    /// Raters' ids, by their places.
    pub rater_ids: Vec<String>,
    /// `plain` or `tokenizer`.
    pub template: llama::TemplateChoice,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainResult {
    pub plan: TrainPlan,
    pub steps: Vec<StepReport>,
    pub evaluations: Vec<EvaluationReport>,
    pub samples: Vec<Sample>,
    /// Folder of the adapter or model.
    pub out: PathBuf,
}

/// The caller's part of a checkpoint.
#[derive(serde::Serialize, serde::Deserialize)]
struct State {
    spec: TrainSpec,
    preferences_sha256: String,
    weights_sha256: String,
    /// Steps taken.
    steps: u64,
}

impl From<PolicyError> for JobError {
    fn from(error: PolicyError) -> Self {
        match error {
            PolicyError::Cancelled(_) => Self::Cancelled,
            PolicyError::Failed(_) | PolicyError::Diverged(_) => Self::Input(error.to_string()),
        }
    }
}

impl From<ModelError> for JobError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled(_) => Self::Cancelled,
            ModelError::Device(_) => Self::Internal(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<PreferencesError> for JobError {
    fn from(error: PreferencesError) -> Self {
        match error {
            PreferencesError::Cancelled(_) => Self::Cancelled,
            _ => Self::Input(error.to_string()),
        }
    }
}

/// The run's folder with what it holds.
struct Folder {
    path: PathBuf,
    steps: Record<StepReport>,
    evaluations: Record<EvaluationReport>,
    samples: Record<Sample>,
}

impl Folder {
    fn open(path: PathBuf, steps: u64) -> Result<Self, JobError> {
        Ok(Self {
            steps: Record::open(path.join(STEPS), |report: &StepReport| report.step <= steps)?,
            evaluations: Record::open(path.join(EVALUATIONS), |report: &EvaluationReport| report.step <= steps)?,
            samples: Record::open(path.join(SAMPLES), |sample: &Sample| sample.step <= steps)?,
            path,
        })
    }

    fn sync(&self) -> Result<(), JobError> {
        self.steps.sync()?;
        self.evaluations.sync()?;
        self.samples.sync()
    }
}

impl Bench<'_> {
    pub(super) fn train(&self, spec: &TrainSpec) -> Result<RunOutcome, JobError> {
        spec.check().map_err(JobError::Input)?;
        let preferences = self.place(&spec.preferences)?;
        let out = self.place(&spec.out)?;
        std::fs::create_dir_all(&out).map_err(|e| {
            JobError::Input(format!("the output folder cannot be made: {e}. Choose another ({})", out.display()))
        })?;
        let file = PreferenceFile::open(&preferences, self.progress)?;
        let mut inputs = BTreeMap::from([(spec.preferences.to_string_lossy().into_owned(), file.sha256().to_owned())]);
        let groups = match &spec.people {
            None => None,
            Some(people) => {
                let path = self.place(people)?;
                inputs.insert(people.to_string_lossy().into_owned(), hash_file(&path, self.progress)?);
                Some(groups(&path, file.raters())?)
            }
        };
        self.ledger.inputs(&inputs)?;
        let pairs = Pairs::new(spec, &file)?;
        let model = self.open_llama(spec)?;
        self.models(std::slice::from_ref(&model.identity))?;
        let plan =
            pairs.plan(&file, model.network.trained_numbers(), model.identity.parameters, model.tokenizer.template());
        self.ledger.document(PLAN, &plan)?;
        if let Some(groups) = &groups {
            self.ledger.document(GROUPS, groups)?;
        }
        let result = self.learn(spec, &file, &pairs, model, plan, out)?;
        self.ledger.document(RESULT, &summary(&result))?;
        Ok(RunOutcome::Train(Box::new(result)))
    }

    fn open_llama(&self, spec: &TrainSpec) -> Result<OpenLlama, JobError> {
        let trained = match &spec.tensors {
            Tensors::Adapter(lora) => Trained::Adapter(lora.clone(), spec.seed),
            Tensors::Everything => Trained::Everything,
        };
        let settings = OpenSettings { trained, arithmetic: spec.arithmetic, template: spec.template };
        let place = super::work::folder_of(self.ledger.project(), &spec.model);
        self.ledger.note("info", &format!("loading {}", spec.model))?;
        let mut model = llama::open(place.as_deref().unwrap_or(&spec.model), &settings, self.progress)?;
        model.identity.reference = spec.model.clone();
        Ok(model)
    }

    fn learn(
        &self,
        spec: &TrainSpec,
        file: &PreferenceFile,
        pairs: &Pairs,
        model: OpenLlama,
        plan: TrainPlan,
        out: PathBuf,
    ) -> Result<TrainResult, JobError> {
        let OpenLlama { identity, network, tokenizer } = model;
        let longest = spec.longest.min(network.config().positions);
        if longest < spec.longest {
            self.ledger
                .note("warning", &format!("{} reads at most {longest} tokens; longer texts are cut", spec.model))?;
        }
        let tokens = |pair: usize| {
            let preference = file.read(pair).map_err(|e| e.to_string())?;
            let tokenized = tokenizer.preference(&preference, longest);
            tokenized.map(|tokenized| tokenized.tree).map_err(|e| format!("pair {}: {e}", preference.id))
        };
        let optimiser = AdamW::new(spec.optimiser, &network)?;
        let keep = if spec.checkpointing { Keep::Inputs } else { Keep::Activations };
        let mut policy = LlamaPolicy { network, optimiser, keep, tokens: Box::new(tokens) };
        // Trained tensors are still those of the file, so the policy is its own reference.
        let references = match spec.objective.reference_free {
            true => References::new(),
            false => {
                let key = super::sha256(
                    format!(
                        "{} {} {} {:?} {:?} {}",
                        identity.weights_sha256,
                        identity.tokenizer_sha256,
                        file.sha256(),
                        plan.template,
                        spec.arithmetic,
                        longest
                    )
                    .as_bytes(),
                );
                let path = out.join(REFERENCE);
                references(&path, &key, &pairs.looked_at(), spec.together, &mut policy, self.progress)?
            }
        };
        let checkpoint = out.join(CHECKPOINT);
        let mut done = match policy.restore::<State>(&checkpoint)? {
            None => 0,
            Some(state) => {
                self.same_training(spec, &state, file, &identity.weights_sha256, &checkpoint)?;
                self.ledger.note("info", &format!("going on after step {}", state.steps))?;
                state.steps
            }
        };
        let mut folder = Folder::open(out, done)?;
        for report in folder.steps.reports() {
            self.ledger.training_step(report)?;
        }
        for report in folder.evaluations.reports() {
            self.ledger.training_evaluation(report)?;
        }
        // Where the objective leaves the reference out, nothing was asked and nothing is looked at.
        let nothing = PairLogProbs { chosen: 0.0, rejected: 0.0, chosen_tokens: 0, rejected_tokens: 0 };
        let reference = |pair: usize| references.get(&pair).copied().unwrap_or(nothing);
        let training = Training {
            objective: &spec.objective,
            rate: &spec.learning_rate,
            steps: plan.outlook.steps,
            window: pairs.schedule.window(),
            together: spec.together,
            reference: &reference,
        };
        self.progress.stage("training");
        let save = |policy: &LlamaPolicy<'_>, folder: &Folder, steps: u64| -> Result<(), JobError> {
            folder.sync()?;
            let state = State {
                spec: spec.clone(),
                preferences_sha256: file.sha256().to_owned(),
                weights_sha256: identity.weights_sha256.clone(),
                steps,
            };
            Ok(policy.save(&checkpoint, &state)?)
        };
        let mut saved = done;
        let outcome = (|| -> Result<(), JobError> {
            loop {
                let looks = done % spec.evaluate_every == 0 || done == plan.outlook.steps;
                if looks && folder.evaluations.reports().last().is_none_or(|last| last.step < done) {
                    if !pairs.held_out.is_empty() {
                        self.progress.stage("looking at held-out raters");
                        let report = training.evaluate(&mut policy, done, &pairs.held_out, self.progress)?;
                        self.ledger.training_evaluation(&report)?;
                        folder.evaluations.add(report)?;
                    }
                    if !spec.sample_prompts.is_empty()
                        && folder.samples.reports().last().is_none_or(|last| last.step < done)
                    {
                        self.progress.stage("answering the sample questions");
                        for sample in self.samples(spec, &mut policy, &tokenizer, done)? {
                            folder.samples.add(sample)?;
                        }
                        self.ledger.document("samples", &folder.samples.reports())?;
                    }
                    self.progress.stage("training");
                }
                self.progress.report(done, plan.outlook.steps);
                if done == plan.outlook.steps {
                    return Ok(());
                }
                let visits = pairs.schedule.batch(done);
                let report = training.step(&mut policy, done, &visits, self.progress)?;
                self.ledger.training_step(&report)?;
                folder.steps.add(report)?;
                done += 1;
                if done % spec.checkpoint_every == 0 {
                    save(&policy, &folder, done)?;
                    saved = done;
                }
            }
        })();
        // Stopped between two steps, the whole state is there; inside one, that of the last checkpoint counts.
        let whole = folder.steps.reports().last().map_or(0, |last| last.step) == policy.steps();
        if saved < done && whole {
            save(&policy, &folder, done)?;
        }
        outcome?;
        self.progress.stage("writing the model");
        let whole = spec.tensors == Tensors::Everything;
        if !whole {
            policy.network.save_adapter(&folder.path, &spec.model)?;
        }
        if whole || spec.merge {
            policy.network.save_merged(&folder.path)?;
            let place = super::work::folder_of(self.ledger.project(), &spec.model);
            llama::copy_settings(place.as_deref().unwrap_or(&spec.model), &folder.path, self.progress)?;
        }
        let Folder { path, steps, evaluations, samples } = folder;
        Ok(TrainResult {
            plan,
            steps: steps.into_reports(),
            evaluations: evaluations.into_reports(),
            samples: samples.into_reports(),
            out: path,
        })
    }

    /// Refuses to go on where the settings, the preferences or the model are not those the checkpoint was made with.
    fn same_training(
        &self,
        spec: &TrainSpec,
        state: &State,
        file: &PreferenceFile,
        weights_sha256: &str,
        checkpoint: &Path,
    ) -> Result<(), JobError> {
        let mut differences = spec.differences(&state.spec);
        if state.preferences_sha256 != file.sha256() {
            differences.push("preferences: their content has changed".into());
        }
        if state.weights_sha256 != weights_sha256 {
            differences.push("model: its weights have changed".into());
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(JobError::Input(format!(
            "the output folder holds a checkpoint of another training ({}). Choose another output folder, or give the same \
             settings and files to go on ({})",
            differences.join("; "),
            checkpoint.display()
        )))
    }

    fn samples(
        &self,
        spec: &TrainSpec,
        policy: &mut LlamaPolicy<'_>,
        tokenizer: &llama::ConversationTokenizer,
        step: u64,
    ) -> Result<Vec<Sample>, JobError> {
        let settings = GenerationSettings { longest: SAMPLE_TOKENS, ..GenerationSettings::default() };
        let mut samples = Vec::new();
        for prompt in &spec.sample_prompts {
            let ids = tokenizer.prompt(&[Message::new(Role::User, prompt.clone())])?;
            let ids = policy.network.generate(&ids, &settings, true, &mut |_| true, self.progress)?;
            let answer = tokenizer.decode(&ids)?.trim().to_owned();
            samples.push(Sample { step, prompt: prompt.clone(), answer });
        }
        Ok(samples)
    }
}

/// The attributes of the raters, out of a table of people.
fn groups(path: &Path, raters: &[String]) -> Result<Groups, JobError> {
    let read = crate::formats::table::read(path, None).map_err(|e| JobError::Input(e.to_string()))?;
    Groups::new(&read.table, raters).map_err(|problem| JobError::Input(format!("{problem} ({})", path.display())))
}

/// What a project keeps beside the steps, which have rows of their own.
fn summary(result: &TrainResult) -> TrainResult {
    TrainResult { steps: Vec::new(), evaluations: Vec::new(), ..result.clone() }
}
