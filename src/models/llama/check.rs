//! Comparing our training with another program's: the same model, adapter and pairs, step by step.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use serde::Deserialize;

use super::network::{Keep, Network, TokenTree, Trained};
use super::optimiser::{AdamW, AdamWSettings};
use super::policy::pair_laws;
use super::{LlamaConfig, read_settings};
use crate::dempo::objective::{Objective, PairLoss};
use crate::glauber::conditionals::Precision;
use crate::models::error::ModelError;
use crate::models::weights::Weights;

/// Relative difference allowed in double precision. transformers rounds every normalisation (and, in its eager attention,
/// the softmax) to single precision even in a model of doubles: two of its own settings differ by some 1e-8. With those
/// roundings taken out of it, its losses and ours agree to 1e-15 (the test of this module).
const DOUBLE_TOLERANCE: f64 = 1e-6;

/// What another program got: `reference.json` beside a model and an adapter.
#[derive(Deserialize)]
struct Reference {
    beta: f64,
    pairs: Vec<Pair>,
    steps: Vec<Step>,
    final_norms: std::collections::BTreeMap<String, f64>,
    #[serde(default = "usual_rate")]
    learning_rate: f64,
}

fn usual_rate() -> f64 {
    1e-3
}

#[derive(Deserialize)]
struct Pair {
    prompt: Vec<u32>,
    chosen: Vec<u32>,
    rejected: Vec<u32>,
    weight: f64,
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    pair_losses: Vec<f64>,
    policy_logps: Vec<[f64; 2]>,
    reference_logps: Vec<[f64; 2]>,
    grad_norm: f64,
    grad_norms: std::collections::BTreeMap<String, f64>,
}

/// How far our training is from the other program's, relative to its numbers.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TrainCheckReport {
    /// Our loss before each step.
    pub losses: Vec<f64>,
    /// Over steps and pairs.
    pub max_rel_loss: f64,
    /// Over steps, pairs and both policies.
    pub max_rel_logp: f64,
    /// Over steps and trained tensors.
    pub max_rel_grad_norm: f64,
    /// Over the trained tensors' lengths after the last step.
    pub max_rel_final_norm: f64,
    pub tolerance: f64,
    pub ok: bool,
}

/// Trains the adapter of `folder` as its `reference.json` says (AdamW with learning rate 0.001 on all pairs, weights
/// normalised once) and compares.
///
/// # Errors
/// [`ModelError`] for a file that cannot be read or does not fit the others.
pub fn check(folder: &Path, precision: Precision) -> Result<TrainCheckReport, ModelError> {
    let path = folder.join("reference.json");
    let unreadable = |path: &Path, problem: String| ModelError::Unreadable {
        path: PathBuf::from(path),
        problem,
        remedy: "The folder needs config.json, model.safetensors, a PEFT adapter and reference.json".into(),
    };
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|e| unreadable(path, format!("the file cannot be read: {e}")))
    };
    let reference: Reference = serde_json::from_str(&read(&path)?)
        .map_err(|e| unreadable(&path, format!("the reference does not have the form expected: {e}")))?;
    let pairs = reference.pairs.len();
    let fits = |step: &Step| {
        step.pair_losses.len() == pairs && step.policy_logps.len() == pairs && step.reference_logps.len() == pairs
    };
    if pairs == 0 || !reference.steps.iter().all(fits) {
        return Err(unreadable(&path, "the steps and the pairs of the reference differ in number".into()));
    }
    let config = LlamaConfig::parse(&read(&folder.join("config.json"))?)?;
    let (dtype, tolerance) = match precision {
        Precision::F32 => (DType::F32, 1e-4),
        Precision::F64 => (DType::F64, DOUBLE_TOLERANCE),
    };
    let weights = Weights::from_folder(folder)?;
    let trained = Trained::Adapter(read_settings(folder)?, 0);
    let mut network = Network::new(config, &weights, &trained, dtype, &Device::Cpu)?;
    network.load_adapter(folder)?;
    let settings = AdamWSettings { longest_gradient: None, ..AdamWSettings::default() };
    let mut optimiser = AdamW::new(settings, &network)?;
    let objective = Objective { beta: reference.beta, ..Objective::default() };

    let trees: Vec<TokenTree> = reference
        .pairs
        .iter()
        .map(|p| TokenTree { prompt: p.prompt.clone(), branches: vec![p.chosen.clone(), p.rejected.clone()] })
        .collect();
    let sum: f64 = reference.pairs.iter().map(|pair| pair.weight).sum();
    let weights: Vec<f64> = reference.pairs.iter().map(|pair| pair.weight * pairs as f64 / sum).collect();
    let base = pair_laws(&network.pass(&trees, Keep::Inputs, false)?.branches());
    let mut report = TrainCheckReport {
        losses: Vec::new(),
        max_rel_loss: 0.0,
        max_rel_logp: 0.0,
        max_rel_grad_norm: 0.0,
        max_rel_final_norm: 0.0,
        tolerance,
        ok: false,
    };
    for step in &reference.steps {
        let pass = network.pass(&trees, Keep::Activations, true)?;
        let policy = pair_laws(&pass.branches());
        let losses: Vec<PairLoss> =
            policy.iter().zip(&base).map(|(p, r)| objective.pair(&p.log_probs, &r.log_probs)).collect();
        let loss = losses.iter().zip(&weights).map(|(pair, w)| pair.loss * w).sum::<f64>() / pairs as f64;
        report.losses.push(loss);
        worst(&mut report.max_rel_loss, loss, step.loss);
        for (at, pair) in losses.iter().enumerate() {
            worst(&mut report.max_rel_loss, pair.loss, step.pair_losses[at]);
            for (ours, theirs) in
                [(policy[at].log_probs, step.policy_logps[at]), (base[at].log_probs, step.reference_logps[at])]
            {
                worst(&mut report.max_rel_logp, ours.chosen, theirs[0]);
                worst(&mut report.max_rel_logp, ours.rejected, theirs[1]);
            }
        }
        let factors: Vec<f64> = losses
            .iter()
            .zip(&weights)
            .flat_map(|(pair, w)| [pair.by_chosen * w / pairs as f64, pair.by_rejected * w / pairs as f64])
            .collect();
        network.backward(pass, &factors)?;
        let norms = network.gradient_norms()?;
        for (name, norm) in &norms {
            match step.grad_norms.get(name) {
                Some(theirs) => worst(&mut report.max_rel_grad_norm, *norm, *theirs),
                None => return Err(unreadable(&path, format!("the reference has no gradient of {name}"))),
            }
        }
        let norm = optimiser.step(&mut network, reference.learning_rate)?;
        worst(&mut report.max_rel_grad_norm, norm, step.grad_norm);
    }
    for (name, norm) in network.trained_norms()? {
        match reference.final_norms.get(&name) {
            Some(theirs) => worst(&mut report.max_rel_final_norm, norm, *theirs),
            None => return Err(unreadable(&path, format!("the reference has no final length of {name}"))),
        }
    }
    report.ok = [report.max_rel_loss, report.max_rel_logp, report.max_rel_grad_norm, report.max_rel_final_norm]
        .iter()
        .all(|difference| *difference <= tolerance);
    Ok(report)
}

/// Keeps the larger of `so_far` and the relative difference of `ours`; a number that is not finite is infinitely far.
fn worst(so_far: &mut f64, ours: f64, theirs: f64) {
    let difference = (ours - theirs).abs() / theirs.abs().max(1e-12);
    *so_far = so_far.max(if difference.is_finite() { difference } else { f64::INFINITY });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first losses and the first gradient's length that transformers and PEFT give for the folder in double
    /// precision throughout: their normalisation and rotary tables replaced by the same formulas in doubles.
    const DOUBLES: [f64; 5] =
        [0.6778918424650874, 0.6238626591507167, 0.5742420810063782, 0.5288935264957743, 0.4875774322748648];

    #[test]
    fn training_follows_the_reference_step_by_step() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/dpo_parity");
        if !folder.is_dir() {
            println!("skipped: {} is not here", folder.display());
            return;
        }
        let doubles = check(&folder, Precision::F64).unwrap();
        assert!(doubles.ok, "{doubles:?}");
        for (ours, theirs) in doubles.losses.iter().zip(DOUBLES) {
            assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
        }
        let singles = check(&folder, Precision::F32).unwrap();
        assert!(singles.ok, "{singles:?}");
    }
}
