//! Trajectories as a run: single chains kept whole, then everything that is read off them.

use super::{StartChoice, Template, Vocabulary, space};
use crate::glauber::chain::{Cell, Chains, Record, Scan, Trace};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::probe::{Baseline, BaselineKind, PoliticalInput, ProbeSettings, marginal_draws};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::glauber::trajectories::{
    Embeddings, Part, Snapshots, TrajectoryInput, TrajectoryResult, TrajectorySpec, analyse,
};
use crate::progress::Progress;
use crate::statistics::{Convergence, Separation, convergence};

/// Most snapshots of a run.
pub const MOST_SNAPSHOTS: u64 = 200_000;
/// Principal components whose convergence is diagnosed.
const DIAGNOSED: usize = 3;

/// What a trajectories run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrajectoriesSpec {
    pub version: u32,
    pub model: String,
    /// Free sites; with a template, as many as it leaves free.
    pub length: usize,
    pub temperature: Temperature,
    pub scan: Scan,
    /// With two typed sentences every other chain starts from the second, and how far they stay apart is bounded.
    pub start: StartChoice,
    pub chains: u64,
    pub sweeps: u64,
    /// Sweeps between snapshots.
    pub every: u64,
    #[serde(default)]
    pub vocabulary: Vocabulary,
    #[serde(default)]
    pub template: Option<Template>,
    pub analysis: TrajectorySpec,
    /// Lists and rules of the political probe; `None` leaves it out.
    pub political: Option<ProbeSettings>,
    /// Sentences for the probe's corpus baseline.
    #[serde(default)]
    pub corpus: Vec<String>,
    /// Also runs the chains on random weights of the model's shape, as the probe's baseline.
    #[serde(default)]
    pub random_baseline: bool,
    pub seed: u64,
}

impl TrajectoriesSpec {
    /// Refuses what cannot run, before a model is loaded.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let problem = if self.length == 0 && self.template.is_none() {
            "a chain of length 0 has nothing to move: choose a length of at least 1".to_owned()
        } else if self.chains == 0 || self.sweeps == 0 || self.every == 0 {
            "choose at least one chain, one sweep, and a snapshot every sweep or more".to_owned()
        } else if self.every > self.sweeps {
            format!("a snapshot every {} sweeps of {} leaves the start alone: choose fewer", self.every, self.sweeps)
        } else if self.chains.saturating_mul(self.sweeps / self.every + 1) > MOST_SNAPSHOTS {
            format!("more than {MOST_SNAPSHOTS} snapshots: choose fewer chains or more sweeps between snapshots")
        } else if self.random_baseline && self.political.is_none() {
            "random weights are a baseline of the political probe: ask for the probe, or leave them out".to_owned()
        } else {
            return match &self.political {
                Some(settings) => settings.lists.check(),
                None => Ok(()),
            };
        };
        Err(ConditionalsError::Invalid(problem))
    }

    /// The chains on `model` (index 0 of an ensemble).
    pub fn cell(&self, model: &dyn Conditionals) -> Result<Cell, ConditionalsError> {
        self.check()?;
        let space = space(model, self.length, &self.vocabulary, self.template.as_ref())?;
        let start = match self.start.start(model, &space)? {
            // Single chains start from X: the two sentences in turn.
            crate::glauber::chain::Start::Given(pairs) => {
                crate::glauber::chain::Start::Same(pairs.into_iter().flatten().collect())
            }
            other => other,
        };
        Ok(Cell {
            model: 0,
            temperature: self.temperature,
            scan: self.scan,
            chains: Chains::Single { radius: None },
            start,
            count: self.chains,
            cap: self.sweeps.saturating_mul(space.free().len() as u64),
            record: Record::ToCap,
            seed: self.seed,
            space,
        })
    }

    /// Snapshots of the chains of `cell`, from the bytes of their segments; a chain that still runs has fewer.
    pub fn snapshots(&self, cell: &Cell, tokens: &[Vec<u8>]) -> Result<Snapshots, ConditionalsError> {
        let chains = recorded_states(cell, tokens, self.every * cell.space.free().len() as u64)?;
        Ok(Snapshots { first_sweep: 0, every: self.every, chains })
    }
}

/// The states of single chains after every `between` steps, the start first, from the bytes of their segments.
pub(super) fn recorded_states(
    cell: &Cell,
    tokens: &[Vec<u8>],
    between: u64,
) -> Result<Vec<Vec<Vec<u32>>>, ConditionalsError> {
    (0u64..)
        .zip(tokens)
        .map(|(chain, tokens)| {
            let [start, _] = cell.start.pair(&cell.space, cell.seed, chain);
            let trace = Trace::new(&cell.space, cell.scan, cell.seed, chain, 0, start, tokens.clone())?;
            let mut states = Vec::new();
            trace.replay(|step, state| {
                if step % between == 0 {
                    states.push(state.to_vec());
                }
            });
            Ok(states)
        })
        .collect()
}

/// All that is needed to read the recorded chains of a run without asking its model again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub cell: Cell,
    /// By token id.
    texts: Vec<String>,
    continuations: Vec<bool>,
}

impl Reading {
    /// How a token is shown.
    pub fn text(&self, token: u32) -> &str {
        self.texts.get(token as usize).map_or("", String::as_str)
    }

    /// A state as one line of text, as [`Conditionals::sentence`] writes it.
    pub fn sentence(&self, state: &[u32]) -> String {
        let mut sentence = String::new();
        for &token in state {
            let text = self.text(token);
            if self.continuations.get(token as usize) == Some(&true) {
                sentence.push_str(text.strip_prefix("##").unwrap_or(text));
            } else {
                if !sentence.is_empty() {
                    sentence.push(' ');
                }
                sentence.push_str(text);
            }
        }
        sentence
    }
}

impl TrajectoriesSpec {
    /// What `model` says of this run's chains and its tokens.
    pub fn reading(&self, model: &dyn Conditionals) -> Result<Reading, ConditionalsError> {
        let tokens = 0..model.vocabulary() as u32;
        Ok(Reading {
            cell: self.cell(model)?,
            texts: tokens.clone().map(|token| model.text(token)).collect(),
            continuations: tokens.map(|token| model.continuation(token)).collect(),
        })
    }
}

/// Convergence of one number along the chains: a diagnostic, never a proof of mixing.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Diagnostic {
    /// `principal component 1`, `Hamming distance to the start`, ….
    pub name: String,
    pub convergence: Convergence,
}

/// What a trajectories run found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrajectoriesResult {
    #[serde(flatten)]
    pub analysis: TrajectoryResult,
    /// Total variation between chains from the two typed starts at the end, bounded from below by a held-out
    /// classifier; `None` for other starts or too few chains.
    pub separation: Option<Separation>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads everything off the snapshots. `random` are snapshots of the same chains on random weights; `part` is called with
/// each finished stage.
#[expect(clippy::too_many_arguments, reason = "one run's parts; a struct would be used once")]
pub fn read(
    spec: &TrajectoriesSpec,
    model: &dyn Conditionals,
    space: &Space,
    embeddings: &dyn Embeddings,
    snapshots: &Snapshots,
    random: Option<&Snapshots>,
    part: &mut dyn FnMut(Part<'_>) -> Result<(), String>,
    progress: &dyn Progress,
) -> Result<TrajectoriesResult, ConditionalsError> {
    let distances: Vec<Vec<f64>> = snapshots
        .chains
        .iter()
        .map(|states| states.iter().map(|state| space.hamming(state, &states[0]) as f64).collect())
        .collect();
    let apart = convergence(&distances);
    let iat_sweeps = apart.map(|found| found.autocorrelation_time * spec.every as f64).filter(|iat| iat.is_finite());
    let separation = match spec.start {
        StartChoice::Typed(..) => separate(embeddings, snapshots, spec.seed, progress)?,
        _ => None,
    };
    let text = |state: &Vec<u32>| model.sentence(state);
    let sentences: Vec<Vec<String>> = snapshots.chains.iter().map(|states| states.iter().map(text).collect()).collect();
    let baselines = if spec.political.is_some() { baselines(spec, model, snapshots, random) } else { Vec::new() };
    let tokenize = |sentence: &str| model.tokenize(sentence);
    let political = spec.political.as_ref().map(|settings| PoliticalInput {
        settings,
        sentences: &sentences,
        tokenize: &tokenize,
        baselines: &baselines,
        temperature: spec.temperature,
    });
    let input = TrajectoryInput {
        model,
        space,
        embeddings,
        snapshots,
        iat_sweeps,
        tv_lower_bound: separation.as_ref().map(|found| found.lower.max(0.0)),
        political,
    };
    let analysis = analyse(&input, &spec.analysis, progress, part)?;
    let mut diagnostics: Vec<Diagnostic> = apart
        .map(|convergence| Diagnostic { name: "Hamming distance to the start".to_owned(), convergence })
        .into_iter()
        .collect();
    let dimensions = analysis.projection.dimensions;
    for component in 0..dimensions.min(DIAGNOSED) {
        let along: Vec<Vec<f64>> = analysis
            .projection
            .coordinates
            .iter()
            .map(|chain| chain.chunks_exact(dimensions).map(|point| point[component]).collect())
            .collect();
        if let Some(convergence) = convergence(&along) {
            diagnostics.push(Diagnostic { name: format!("principal component {}", component + 1), convergence });
        }
    }
    Ok(TrajectoriesResult { analysis, separation, diagnostics })
}

/// The last snapshots of the chains from the first start against those from the second.
fn separate(
    embeddings: &dyn Embeddings,
    snapshots: &Snapshots,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<Separation>, ConditionalsError> {
    let last: Vec<&[u32]> = snapshots.chains.iter().filter_map(|states| states.last()).map(Vec::as_slice).collect();
    // Too few chains to hold some out are no error: the bound is left out.
    super::singles::separate(embeddings, &last, seed, progress)
}

fn baselines(
    spec: &TrajectoriesSpec,
    model: &dyn Conditionals,
    snapshots: &Snapshots,
    random: Option<&Snapshots>,
) -> Vec<Baseline> {
    let text = |states: &[Vec<u32>]| states.iter().map(|state| model.sentence(state)).collect::<Vec<_>>();
    let mut baselines = Vec::new();
    let corpus: Vec<(Vec<u32>, String)> = spec
        .corpus
        .iter()
        .filter_map(|sentence| {
            Some((model.tokenize(sentence).ok().filter(|state| !state.is_empty())?, sentence.clone()))
        })
        .collect();
    if !corpus.is_empty() {
        let (states, sentences) = corpus.into_iter().unzip();
        baselines.push(Baseline { kind: BaselineKind::Corpus, sentences, states, chain: None });
    }
    let pooled = snapshots.pooled();
    let states = marginal_draws(&pooled, pooled.len().min(1000), spec.seed);
    baselines.push(Baseline { kind: BaselineKind::IidMarginals, sentences: text(&states), states, chain: None });
    if let Some(random) = random {
        let states: Vec<Vec<u32>> = random.chains.iter().flatten().cloned().collect();
        let chain = Some(random.chain_of());
        baselines.push(Baseline { kind: BaselineKind::RandomInit, sentences: text(&states), states, chain });
    }
    baselines
}
