//! What a trained policy prefers, on pairs it need not have seen.

use std::path::PathBuf;

use super::JobError;
use crate::dempo::monitor::{GroupRow, by_name};
use crate::dempo::objective::Objective;
use crate::dempo::training::{Policy, Visited};
use crate::formats::preferences::PreferenceFile;
use crate::models::llama::{
    self, AdamW, AdamWSettings, Arithmetic, Keep, LlamaPolicy, OpenSettings, TemplateChoice, Trained,
};
use crate::progress::Progress;

/// What is evaluated on what.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateSpec {
    /// The model the adapter belongs to, which is the reference.
    pub model: String,
    /// A PEFT adapter's folder.
    pub adapter: PathBuf,
    pub preferences: PathBuf,
    pub objective: Objective,
    pub longest: usize,
    pub template: TemplateChoice,
    /// Pairs computed at once.
    pub together: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// Every rater's pairs, in the order of the file.
    pub raters: Vec<GroupRow>,
    /// Over all raters, each counting alike.
    pub all: GroupRow,
    /// By pair, with its place in the file.
    pub pairs: Vec<Visited>,
}

/// Rewards of the pairs' answers under the adapted model, held to the model without its adapter.
///
/// # Errors
/// Files or models that cannot be read or do not fit, or cancellation.
pub fn evaluate(spec: &EvaluateSpec, progress: &dyn Progress) -> Result<Evaluation, JobError> {
    spec.objective.check().map_err(JobError::Input)?;
    let file = PreferenceFile::open(&spec.preferences, progress)?;
    let settings = OpenSettings {
        trained: Trained::Adapter(llama::read_settings(&spec.adapter)?, 0),
        arithmetic: Arithmetic::Auto,
        template: spec.template,
    };
    let mut model = llama::open(&spec.model, &settings, progress)?;
    model.network.load_adapter(&spec.adapter)?;
    let (network, tokenizer) = (model.network, model.tokenizer);
    let longest = spec.longest.min(network.config().positions);
    let tokens = |pair: usize| {
        let preference = file.read(pair).map_err(|e| e.to_string())?;
        let tokenized = tokenizer.preference(&preference, longest);
        tokenized.map(|tokenized| tokenized.tree).map_err(|e| format!("pair {}: {e}", preference.id))
    };
    let optimiser = AdamW::new(AdamWSettings::default(), &network)?;
    let mut policy = LlamaPolicy { network, optimiser, keep: Keep::Inputs, tokens: Box::new(tokens) };
    progress.stage("comparing answers");
    let places: Vec<usize> = (0..file.len()).collect();
    let mut pairs = Vec::with_capacity(places.len());
    for part in places.chunks(spec.together.max(1)) {
        progress.checkpoint()?;
        let (own, base) = (policy.laws(part, false)?, policy.laws(part, true)?);
        for ((&pair, own), base) in part.iter().zip(&own).zip(&base) {
            let loss = spec.objective.pair(&own.log_probs, &base.log_probs);
            pairs.push(Visited {
                pair,
                rater: file.rater_of(pair),
                weight: 1.0,
                loss: loss.loss,
                chosen: own.log_probs.chosen,
                rejected: own.log_probs.rejected,
                reward_chosen: loss.reward_chosen,
                reward_rejected: loss.reward_rejected,
            });
        }
        progress.report(pairs.len() as u64, places.len() as u64);
    }
    let (raters, all) = by_name(file.raters(), &pairs);
    Ok(Evaluation { raters, all, pairs })
}
