//! What a run of each kind does: opens its models, calls the science, writes what it finds.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::collect::Collected;
use super::import_comparisons::ImportedComparisons;
use super::judge::{Coverage, Judged, WrittenQuestions};
use super::ledger::Ledger;
use super::spec::{RunSpec, VerifyPanelSpec, VerifySpec};
use super::train::TrainResult;
use crate::glauber::certificate::{self, Certificate};
use crate::glauber::certify::{self, CertifyResult, CertifySpec, TokenChoice};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, ModelIdentity};
use crate::glauber::exact::ExactResult;
use crate::glauber::experiments::escape::EscapeFindings;
use crate::glauber::experiments::mix::MixResult;
use crate::glauber::experiments::perfect::PerfectResult;
use crate::glauber::experiments::phase::{CellSummary, PhaseFindings};
use crate::glauber::experiments::trajectories::TrajectoriesResult;
use crate::glauber::survey::{Record, Stratum};
use crate::models::train_mlm::{self, TrainError, TrainReport};
use crate::models::{Library, LoadedModel, TrainMlmSpec};
use crate::progress::{Cancelled, Progress};
use crate::sortition::audit::{self, AuditCheck};
use crate::sortition::lottery_run::{self, LotteryError, LotteryResult, LotterySpec};
use crate::store::{ChainCellRow, Project, StoreError, TrainingPoint, VerificationRow};

/// Largest certificate that is read, in bytes.
const MAX_CERTIFICATE: usize = 16 << 20;

/// What a run found.
#[derive(Clone, Debug)]
pub enum RunOutcome {
    Certify(Box<CertifyResult>),
    /// Names of the subjects, in the order that records count them.
    Survey {
        subjects: Vec<String>,
        records: Vec<Record>,
        strata: Vec<Stratum>,
    },
    Mix(Box<MixResult>),
    /// The enumeration, and the perfect samples that were compared with it.
    Exact {
        result: Box<ExactResult>,
        perfect: Option<PerfectResult>,
    },
    Escape(Box<EscapeFindings>),
    Phase {
        cells: Vec<ChainCellRow<CellSummary>>,
        findings: Vec<PhaseFindings>,
    },
    Trajectories(Box<TrajectoriesResult>),
    Lottery(Box<LotteryResult>),
    TrainMlm(TrainReport),
    Train(Box<TrainResult>),
    Judge(Box<Judged>),
    Questions(WrittenQuestions),
    Collect(Box<Collected>),
    ImportComparisons(Box<ImportedComparisons>),
    /// What is in the cache now.
    Fetch {
        identity: ModelIdentity,
    },
    Verify(VerificationRow),
    VerifyPanel(Vec<AuditCheck>),
}

impl RunOutcome {
    /// What everybody should hear of a run that ended well and yet found something wrong.
    pub(super) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Verify(found) if !found.ok => Some("the certificate does not verify"),
            Self::VerifyPanel(checks) if !checks.iter().all(AuditCheck::holds) => {
                Some("the audit file does not verify")
            }
            _ => None,
        }
    }
}

/// Why a run ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("cancelled")]
    Cancelled,
    /// What was asked cannot be done; the message says what to change.
    #[error("{0}")]
    Input(String),
    /// A defect, a full disk, a lost device.
    #[error("{0}")]
    Internal(String),
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<ConditionalsError> for JobError {
    fn from(error: ConditionalsError) -> Self {
        match error {
            ConditionalsError::Cancelled(_) => Self::Cancelled,
            ConditionalsError::Backend(_) => Self::Internal(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<LotteryError> for JobError {
    fn from(error: LotteryError) -> Self {
        match error {
            LotteryError::Cancelled(_) => Self::Cancelled,
            LotteryError::Solver(_) => Self::Internal(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<TrainError> for JobError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Cancelled => Self::Cancelled,
            TrainError::Setting { .. } | TrainError::File { .. } | TrainError::Diverged { .. } => {
                Self::Input(error.to_string())
            }
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// What a run works with.
pub(super) struct Bench<'a> {
    pub(super) library: &'a Library,
    pub(super) ledger: Ledger<'a>,
    pub(super) progress: &'a dyn Progress,
}

impl Bench<'_> {
    /// Carries out the whole of `spec`, from what earlier sittings left.
    pub(super) fn carry_out(&self, spec: &RunSpec) -> Result<RunOutcome, JobError> {
        self.progress.checkpoint()?;
        match spec {
            RunSpec::Certify(spec) => self.certify(spec),
            RunSpec::Survey(spec) => self.survey(spec),
            RunSpec::Mix(spec) => self.mix(spec),
            RunSpec::Exact(spec) => self.exact(spec),
            RunSpec::Escape(spec) => self.escape(spec),
            RunSpec::Phase(spec) => self.phase(spec),
            RunSpec::Trajectories(spec) => self.trajectories(spec),
            RunSpec::Lottery(spec) => self.lottery(spec),
            RunSpec::TrainMlm(spec) => self.train_mlm(spec),
            RunSpec::Train(spec) => self.train(spec),
            RunSpec::ImportTrl(spec) => self.import_trl(spec),
            RunSpec::Judge(spec) => self.judge(spec),
            RunSpec::Questions(spec) => self.questions(spec),
            // They stand in the spec, which never changes.
            RunSpec::ImportVerdicts(spec) => Ok(RunOutcome::Judge(Box::new(Judged {
                answers: Vec::new(),
                verdicts: (*spec.verdicts).clone(),
                coverage: Coverage::default(),
            }))),
            RunSpec::Collect(spec) => self.collect(spec),
            RunSpec::ImportComparisons(spec) => self.import_comparisons(spec),
            RunSpec::Fetch(spec) => {
                let model = self.open(&spec.model)?;
                self.models(std::slice::from_ref(&model.identity))?;
                Ok(RunOutcome::Fetch { identity: model.identity })
            }
            RunSpec::Verify(spec) => self.verify(spec),
            RunSpec::VerifyPanel(spec) => self.verify_panel(spec),
        }
    }

    /// Opens a model by its reference; `./name` is a folder of the project where it has one of that name.
    pub(super) fn open(&self, reference: &str) -> Result<LoadedModel, JobError> {
        let place = folder_of(self.ledger.project(), reference);
        self.ledger.note("info", &format!("loading {reference}"))?;
        let opened = self.library.open(place.as_deref().unwrap_or(reference), self.progress);
        // A cancelled download says so in its own words.
        self.progress.checkpoint()?;
        let mut model = opened.map_err(|error| JobError::Input(error.to_string()))?;
        if place.is_some() {
            // Records name the model as its user did, which holds wherever the project is moved.
            model.identity.reference = reference.to_owned();
        }
        Ok(model)
    }

    /// A path of a spec: inside the project where it is relative and there is one.
    pub(super) fn place(&self, path: &Path) -> Result<PathBuf, JobError> {
        match self.ledger.project() {
            Some(project) if path.is_relative() => project.inside(path).map_err(|e| JobError::Input(e.to_string())),
            _ => Ok(path.to_path_buf()),
        }
    }

    /// Records what is evaluated; a resumed run must not mix weights.
    pub(super) fn models(&self, identities: &[ModelIdentity]) -> Result<(), JobError> {
        self.ledger.models(identities)?.map_err(|reference| {
            JobError::Input(format!(
                "the model {reference} has changed since this run began. Start it again as a new run"
            ))
        })
    }

    fn certify(&self, spec: &CertifySpec) -> Result<RunOutcome, JobError> {
        let model = self.open(&spec.model)?;
        self.models(std::slice::from_ref(&model.identity))?;
        let conditionals = &*model.conditionals;
        // Typing errors are told here, as wrong input; later they would be failures of the model.
        tokenize(conditionals, &spec.sentence).map_err(JobError::Input)?;
        for choice in [&spec.tokens_a, &spec.tokens_b] {
            let TokenChoice::Typed(tokens) = choice else { continue };
            if let Some(unknown) = tokens.iter().find(|token| conditionals.token(token).is_none()) {
                return Err(JobError::Input(format!(
                    "{unknown:?} is not one token of {}. Type tokens as the model shows them",
                    spec.model
                )));
            }
        }
        let result = certify::certify(spec, conditionals, &model.identity, self.progress)?;
        self.ledger.certify(&result)?;
        Ok(RunOutcome::Certify(Box::new(result)))
    }

    fn verify(&self, spec: &VerifySpec) -> Result<RunOutcome, JobError> {
        let wrong = |reason: String| {
            JobError::Input(format!("this is not a certificate: {reason}. Choose a file that Certify exported"))
        };
        if spec.certificate.len() > MAX_CERTIFICATE {
            return Err(wrong(format!("it is larger than {} MB", MAX_CERTIFICATE >> 20)));
        }
        let certificate: Certificate = serde_json::from_str(&spec.certificate).map_err(|e| wrong(e.to_string()))?;
        if certificate.kind != "kleroterion-certificate" {
            return Err(wrong(format!("its kind is {:?}", certificate.kind)));
        }
        let model = self.open(&certificate.model.reference)?;
        self.models(std::slice::from_ref(&model.identity))?;
        let differences = certificate::verify(&certificate, &*model.conditionals, &model.identity, self.progress)?;
        let found = VerificationRow { ok: differences.is_empty(), differences };
        self.ledger.verification(&found)?;
        Ok(RunOutcome::Verify(found))
    }

    fn verify_panel(&self, spec: &VerifyPanelSpec) -> Result<RunOutcome, JobError> {
        let checks = spec.audit.checks(self.progress)?;
        self.ledger.document(audit::CHECKS, &checks)?;
        Ok(RunOutcome::VerifyPanel(checks))
    }

    fn lottery(&self, spec: &LotterySpec) -> Result<RunOutcome, JobError> {
        let result = lottery_run::run(spec, self.progress)?;
        self.ledger.document(lottery_run::RESULT, &result)?;
        Ok(RunOutcome::Lottery(Box::new(result)))
    }

    fn train_mlm(&self, spec: &TrainMlmSpec) -> Result<RunOutcome, JobError> {
        let root = self.ledger.project().map_or(PathBuf::new(), |project| project.info().directory.clone());
        if let Some(project) = self.ledger.project() {
            for path in [&spec.text, &spec.out] {
                if path.is_relative() {
                    project.inside(path).map_err(|error| JobError::Input(error.to_string()))?;
                }
            }
        }
        self.progress.stage("reading the text");
        let hash = hash_file(&root.join(&spec.text), self.progress)?;
        self.ledger.inputs(&BTreeMap::from([(spec.text.to_string_lossy().into_owned(), hash)]))?;
        self.ledger.note("info", &format!("training towards {} steps", spec.steps))?;
        let mut record = |point: &train_mlm::TrainingProgress| {
            let point = TrainingPoint {
                step: point.step,
                loss: point.loss,
                learning_rate: point.learning_rate,
                cross_entropy: point.cross_entropy,
                accuracy: point.accuracy,
            };
            self.ledger.point(&point).map_err(|error| error.to_string())
        };
        Ok(RunOutcome::TrainMlm(train_mlm::train(spec, &root, &mut record, self.progress)?))
    }
}

/// The absolute path of the project's folder that `reference` (`./name`) names, if there is one.
pub(super) fn folder_of(project: Option<&Project>, reference: &str) -> Option<String> {
    let relative = reference.strip_prefix("./")?;
    let path = project?.inside(Path::new(relative)).ok()?;
    if path.is_dir() { path.into_os_string().into_string().ok() } else { None }
}

/// A sentence's tokens, or why it has none, with the sentence.
pub(super) fn tokenize(model: &dyn Conditionals, sentence: &str) -> Result<Vec<u32>, String> {
    model.tokenize(sentence).map_err(|error| match error {
        ConditionalsError::Sentence(reason) => format!("the sentence {sentence:?} cannot be read: {reason}"),
        other => format!("the sentence {sentence:?} does not fit: {other}"),
    })
}

pub(super) fn hash_file(path: &Path, progress: &dyn Progress) -> Result<String, JobError> {
    let unreadable = |error: std::io::Error| {
        JobError::Input(format!(
            "a file cannot be read: {error}. Check the name and your permission ({})",
            path.display()
        ))
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        progress.checkpoint()?;
        match file.read(&mut chunk).map_err(unreadable)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(&chunk[..read]),
        }
    }
}
