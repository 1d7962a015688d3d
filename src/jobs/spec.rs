//! The full, versioned description of a run: everything that makes its result.

use std::path::PathBuf;
use std::sync::Arc;

use super::collect::{CollectSpec, Participant};
use super::import_comparisons::ImportComparisonsSpec;
use super::judge::{ImportVerdictsSpec, JudgeSpec, QuestionsSpec};
use super::speaker::Speaker;
use super::train::{ImportTrlSpec, TrainSpec};
use crate::glauber::certify::CertifySpec;
use crate::glauber::experiments::escape::EscapeSpec;
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::experiments::phase::PhaseSpec;
use crate::glauber::experiments::trajectories::TrajectoriesSpec;
use crate::glauber::survey::SurveySpec;
use crate::sortition::audit::AuditFile;
use crate::sortition::lottery_run::LotterySpec;

/// What a run does.
#[expect(clippy::large_enum_variant, reason = "a handful live at once")]
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RunSpec {
    Certify(CertifySpec),
    Survey(SurveySpec),
    /// Coupled pairs at one temperature and length.
    Mix(MixSpec),
    /// A small space, exactly.
    Exact(ExactRunSpec),
    /// Chains from one anchor until they leave its neighbourhood.
    Escape(EscapeSpec),
    /// A diagram over temperature and length.
    Phase(PhaseSpec),
    /// Single chains, and where they go.
    Trajectories(TrajectoriesSpec),
    /// A lottery over panels of a pool, under quotas.
    Lottery(LotterySpec),
    TrainMlm(crate::models::TrainMlmSpec),
    /// Preference training of a Llama.
    Train(TrainSpec),
    /// Takes in a preference training that TRL carried out.
    ImportTrl(ImportTrlSpec),
    /// Models answer the questions of a constitution, and judges compare the answers.
    Judge(JudgeSpec),
    /// Takes in verdicts of judges that were given elsewhere.
    ImportVerdicts(ImportVerdictsSpec),
    /// A model writes questions for the clauses of a constitution.
    Questions(QuestionsSpec),
    /// Models respond to scenarios and judge one another's responses.
    Collect(CollectSpec),
    /// Takes in judgements of models on one another that were given elsewhere.
    ImportComparisons(ImportComparisonsSpec),
    /// Downloads a hub model into the cache.
    Fetch(FetchSpec),
    /// Re-evaluates a certificate.
    Verify(VerifySpec),
    /// Checks a panel's audit file from scratch.
    VerifyPanel(VerifyPanelSpec),
}

/// What a download fetches.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FetchSpec {
    pub version: u32,
    /// `owner/name`, optionally `@revision`.
    pub model: String,
}

/// Which certificate is verified, as its JSON text.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct VerifySpec {
    pub version: u32,
    pub certificate: String,
}

/// Which audit file is checked.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct VerifyPanelSpec {
    pub version: u32,
    /// Its name, without its folder.
    pub name: String,
    pub audit: Arc<AuditFile>,
}

impl RunSpec {
    /// `certify`, `survey`, … as stored and shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Certify(_) => "certify",
            Self::Survey(_) => "survey",
            Self::Mix(_) => "mix",
            Self::Exact(_) => "exact",
            Self::Escape(_) => "escape",
            Self::Phase(_) => "phase",
            Self::Trajectories(_) => "trajectories",
            Self::Lottery(_) => "lottery",
            Self::TrainMlm(_) => "train-mlm",
            Self::Train(_) => "train",
            Self::ImportTrl(_) => "import-trl",
            Self::Judge(_) => "judge",
            Self::ImportVerdicts(_) => "import-verdicts",
            Self::Questions(_) => "questions",
            Self::Collect(_) => "collect",
            Self::ImportComparisons(_) => "import-comparisons",
            Self::Fetch(_) => "fetch",
            Self::Verify(_) => "verify",
            Self::VerifyPanel(_) => "verify-panel",
        }
    }
    /// The recorded seed of every random choice in the run; 0 where there is none.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Certify(spec) => spec.seed,
            Self::Survey(spec) => spec.seed,
            Self::Mix(spec) => spec.seed,
            Self::Escape(spec) => spec.seed,
            Self::Phase(spec) => spec.seed,
            Self::Trajectories(spec) => spec.seed,
            Self::Lottery(spec) => spec.seed,
            Self::TrainMlm(spec) => spec.seed,
            Self::Train(spec) => spec.seed,
            Self::Judge(spec) => spec.seed,
            Self::Questions(spec) => spec.seed,
            Self::Collect(spec) => spec.seed,
            Self::Exact(spec) => spec.perfect.as_ref().map_or(0, |perfect| perfect.seed),
            Self::Fetch(_)
            | Self::Verify(_)
            | Self::VerifyPanel(_)
            | Self::ImportTrl(_)
            | Self::ImportVerdicts(_)
            | Self::ImportComparisons(_) => 0,
        }
    }
    /// The model reference the run asks for, if it asks for one by name.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Certify(spec) => Some(&spec.model),
            Self::Survey(spec) => Some(&spec.model),
            Self::Mix(spec) => Some(&spec.model),
            Self::Exact(spec) => Some(&spec.model),
            Self::Escape(spec) => Some(&spec.model),
            Self::Phase(spec) => Some(&spec.model),
            Self::Trajectories(spec) => Some(&spec.model),
            Self::Train(spec) => Some(&spec.model),
            Self::Fetch(spec) => Some(&spec.model),
            Self::Questions(spec) => Some(spec.writer.model()),
            Self::Judge(_)
            | Self::ImportVerdicts(_)
            | Self::ImportComparisons(_)
            | Self::Collect(_)
            | Self::Lottery(_)
            | Self::TrainMlm(_)
            | Self::ImportTrl(_)
            | Self::Verify(_)
            | Self::VerifyPanel(_) => None,
        }
    }
    /// Everybody whom a judging, a writing of questions or a collection asks.
    pub fn speakers(&self) -> impl Iterator<Item = &Speaker> {
        let judging = if let Self::Judge(spec) = self { Some(spec) } else { None };
        let writer = if let Self::Questions(spec) = self { Some(&spec.writer) } else { None };
        let population: &[Participant] = if let Self::Collect(spec) = self { &spec.models } else { &[] };
        let population = population.iter().map(|model| &model.speaker);
        judging.into_iter().flat_map(JudgeSpec::speakers).chain(writer).chain(population)
    }

    /// Files that a judging takes answers from.
    pub fn answer_files(&self) -> impl Iterator<Item = &PathBuf> {
        let judging = if let Self::Judge(spec) = self { Some(spec) } else { None };
        judging.into_iter().flat_map(JudgeSpec::answer_files)
    }

    /// SHA-256 of the canonical spec JSON (fields in the order of their declaration, no spaces), hex.
    pub fn sha256(&self) -> String {
        let json = serde_json::to_vec(self).expect("a spec has text keys and no failing values");
        super::sha256(&json)
    }
}
