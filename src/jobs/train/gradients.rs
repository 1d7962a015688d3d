//! How far schemes pull a model in the same direction: gradients of several schemes over the same preferences at the same
//! weights.

use std::collections::HashMap;
use std::path::PathBuf;

use super::pairs::Pairs;
use super::{JobError, RaterScheme, Tensors, TrainSpec};
use crate::dempo::gradients::{Alignment, GradientError, Gradients, Reference, Weighting};
use crate::dempo::objective::PairLogProbs;
use crate::dempo::training::{Policy, PolicyError};
use crate::formats::preferences::PreferenceFile;
use crate::models::llama::{self, AdamW, Keep, LlamaPolicy, OpenLlama, OpenSettings, Trained};
use crate::progress::Progress;

/// Which weights the gradients are taken at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// Those that the training of the spec begins with.
    #[default]
    Start,
    /// Those that a training left in this folder: an adapter, or a whole model where every tensor is trained.
    Trained(PathBuf),
}

/// What is differentiated: the preferences, the model, the objective, the held-out raters and the transform are those of a
/// training; its own scheme counts only where it is among `schemes`.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientSpec {
    /// With paths that hold as they are.
    pub training: TrainSpec,
    pub schemes: Vec<RaterScheme>,
    pub at: At,
    /// Draws of raters, from the training's seed; without, all raters are looked at.
    pub sample: Option<usize>,
}

impl From<GradientError> for JobError {
    fn from(error: GradientError) -> Self {
        match error {
            GradientError::Policy(error) => error.into(),
            other => Self::Input(other.to_string()),
        }
    }
}

/// Lengths of the schemes' gradients and the cosines between them.
///
/// # Errors
/// Files or models that cannot be read or do not fit, schemes that leave nobody, or cancellation.
pub fn gradients(spec: &GradientSpec, progress: &dyn Progress) -> Result<Alignment, JobError> {
    let training = &spec.training;
    training.check().map_err(JobError::Input)?;
    let file = PreferenceFile::open(&training.preferences, progress)?;
    let schemes = spec
        .schemes
        .iter()
        .map(|scheme| {
            let own = TrainSpec { scheme: scheme.clone(), ..training.clone() };
            let pairs =
                Pairs::new(&own, &file).map_err(|error| JobError::Input(format!("{}: {error}", scheme.name())))?;
            Ok(Weighting { name: scheme.name().to_owned(), shares: pairs.set.shares().to_vec() })
        })
        .collect::<Result<Vec<_>, JobError>>()?;
    let mut pairs_of: Vec<Vec<usize>> = vec![Vec::new(); file.raters().len()];
    file.raters_of_pairs().iter().enumerate().for_each(|(pair, &rater)| pairs_of[rater as usize].push(pair));

    let OpenLlama { network, tokenizer, .. } = open(spec, progress)?;
    let longest = training.longest.min(network.config().positions);
    let tokens = |pair: usize| {
        let preference = file.read(pair).map_err(|e| e.to_string())?;
        let tokenized = tokenizer.preference(&preference, longest);
        tokenized.map(|tokenized| tokenized.tree).map_err(|e| format!("pair {}: {e}", preference.id))
    };
    let known = before(spec, &pairs_of, &tokens, progress)?;
    let nothing = PairLogProbs { chosen: 0.0, rejected: 0.0, chosen_tokens: 0, rejected_tokens: 0 };
    let look_up = |pair: usize| known.get(&pair).copied().unwrap_or(nothing);
    let reference = match (&spec.at, &training.tensors) {
        (At::Start, _) => Reference::Itself,
        (At::Trained(_), Tensors::Adapter(_)) => Reference::WithoutAdapter,
        (At::Trained(_), Tensors::Everything) => Reference::Known(&look_up),
    };
    let optimiser = AdamW::new(training.optimiser, &network)?;
    let keep = if training.checkpointing { Keep::Inputs } else { Keep::Activations };
    let mut policy = LlamaPolicy { network, optimiser, keep, tokens: Box::new(tokens) };
    progress.stage("gathering gradients");
    let gradients =
        Gradients { objective: &training.objective, reference, together: training.together, pairs: &pairs_of };
    Ok(gradients.align(&mut policy, &schemes, spec.sample, training.seed, progress)?)
}

/// The policy at the weights that are asked for.
fn open(spec: &GradientSpec, progress: &dyn Progress) -> Result<OpenLlama, JobError> {
    let training = &spec.training;
    let settings = |trained| OpenSettings { trained, arithmetic: training.arithmetic, template: training.template };
    Ok(match (&training.tensors, &spec.at) {
        (Tensors::Everything, At::Trained(folder)) => {
            llama::open(&folder.display().to_string(), &settings(Trained::Everything), progress)?
        }
        (Tensors::Everything, At::Start) => llama::open(&training.model, &settings(Trained::Everything), progress)?,
        (Tensors::Adapter(lora), At::Start) => {
            llama::open(&training.model, &settings(Trained::Adapter(lora.clone(), training.seed)), progress)?
        }
        (Tensors::Adapter(_), At::Trained(folder)) => {
            let lora = llama::read_settings(folder)?;
            let mut open = llama::open(&training.model, &settings(Trained::Adapter(lora, training.seed)), progress)?;
            open.network.load_adapter(folder)?;
            open
        }
    })
}

/// Laws of all pairs before the training, where the trained model no longer holds them.
fn before(
    spec: &GradientSpec,
    pairs_of: &[Vec<usize>],
    tokens: &dyn Fn(usize) -> Result<llama::TokenTree, String>,
    progress: &dyn Progress,
) -> Result<HashMap<usize, PairLogProbs>, JobError> {
    let training = &spec.training;
    let mut known = HashMap::new();
    if spec.at == At::Start || training.tensors != Tensors::Everything || training.objective.reference_free {
        return Ok(known);
    }
    let settings =
        OpenSettings { trained: Trained::Nothing, arithmetic: training.arithmetic, template: training.template };
    let network = llama::open(&training.model, &settings, progress)?.network;
    let optimiser = AdamW::new(training.optimiser, &network)?;
    let mut policy = LlamaPolicy { network, optimiser, keep: Keep::Inputs, tokens: Box::new(tokens) };
    progress.stage("asking the model before the training");
    let all: Vec<usize> = pairs_of.iter().flatten().copied().collect();
    for part in all.chunks(training.together.max(1)) {
        progress.checkpoint()?;
        progress.report(known.len() as u64, all.len() as u64);
        let laws = policy.laws(part, true).map_err(|error: PolicyError| JobError::from(error))?;
        known.extend(part.iter().copied().zip(laws.into_iter().map(|law| law.log_probs)));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::dempo::gradients::Differentiable;
    use crate::dempo::population::{Population, Size};
    use crate::formats::population_files::write_population;
    use crate::models::llama::{Arithmetic, LoraSettings};
    use crate::progress::Silent;

    /// Check 11 of dempo.md, second half, on a real network in double precision: three panels of two of four raters.
    #[test]
    fn a_networks_soft_gradient_is_the_expectation_of_its_hard_ones() {
        let folder = tempfile::tempdir().unwrap();
        let made = Population::new(Size { raters: 40, pairs_per_rater: 2, panel: 4 }, 5).unwrap();
        write_population(folder.path(), &made).unwrap();
        let file = PreferenceFile::open(&folder.path().join("preferences.jsonl"), &Silent).unwrap();
        let ids: Vec<String> = file.raters()[..4].to_vec();
        let panels = [([0, 1], 0.5), ([0, 2], 0.25), ([1, 3], 0.25)];
        let chances = [0.75, 0.75, 0.25, 0.25];
        let inclusion: BTreeMap<String, f64> = ids.iter().cloned().zip(chances).collect();
        let lora =
            LoraSettings { rank: 2, targets: ["q_proj".into(), "down_proj".into()].into(), ..Default::default() };
        let training = TrainSpec {
            model: "ekklesia".into(),
            preferences: folder.path().join("preferences.jsonl"),
            out: folder.path().join("out"),
            held_out: 0.0,
            longest: 96,
            tensors: Tensors::Adapter(lora),
            arithmetic: Arithmetic::F64,
            ..TrainSpec::default()
        };
        let soft = RaterScheme::Soft { inclusion };
        let hard = |members: [usize; 2]| RaterScheme::Hard { panel: members.map(|at| ids[at].clone()).to_vec() };
        let mut schemes = vec![soft];
        schemes.extend(panels.iter().map(|(members, _)| hard(*members)));
        let spec = GradientSpec { training, schemes: schemes.clone(), at: At::Start, sample: None };
        let found = gradients(&spec, &Silent).unwrap();
        // |sum lambda g_P|^2 and its product with g_soft, out of the lengths and the cosines alone.
        let norm = |at: usize| found.schemes[at].norm.value;
        let product = |a: usize, b: usize| found.cosines[a][b].unwrap().value * norm(a) * norm(b);
        let squares: f64 = (0..3)
            .flat_map(|a| (0..3).map(move |b| (a, b)))
            .map(|(a, b)| panels[a].1 * panels[b].1 * product(a + 1, b + 1))
            .sum();
        let across: f64 = (0..3).map(|a| panels[a].1 * product(0, a + 1)).sum();
        let distance = (squares - 2.0 * across + norm(0) * norm(0)).max(0.0).sqrt();
        assert!(norm(0) > 1e-6 && distance / norm(0) < 1e-6, "{distance} {}", norm(0));
        assert!(found.cosines[1][2].unwrap().value < 0.999, "the panels differ");
        assert_eq!((found.looked_at, found.sampled), (4, false));

        // One by one: the first rater's own gradient in the network, taken through the policy, is what the sums are made of.
        let open = super::open(&spec, &Silent).unwrap();
        let (tokenizer, network) = (open.tokenizer, open.network);
        let trained = network.trained_numbers() as usize;
        let optimiser = AdamW::new(spec.training.optimiser, &network).unwrap();
        let tokens = |pair: usize| Ok(tokenizer.preference(&file.read(pair).unwrap(), 96).unwrap().tree);
        let mut policy = LlamaPolicy { network, optimiser, keep: Keep::Inputs, tokens: Box::new(tokens) };
        assert!(matches!(policy.take_gradient(), Err(PolicyError::Failed(_))), "nothing was gathered yet");
        policy.learn(&[0], &mut |laws| vec![[0.0, 0.0]; laws.len()]).unwrap();
        assert_eq!((policy.take_gradient().unwrap().len(), found.dimensions), (trained, trained));
    }
}
