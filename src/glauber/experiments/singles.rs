//! Single chains from two start laws: how far the laws of their states still are apart, from below, and whether numbers
//! along the chains agree.
//!
//! Coupled pairs bound mixing from above; these chains bound it from below, and diagnose it (Vehtari et al. 2021).

use super::starts::{fitting, typed};
use super::theory::attractors;
use super::trajectories::{Diagnostic, recorded_states};
use crate::glauber::chain::{Cell, Chains, Record, Start};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::space::Space;
use crate::glauber::trajectories::{Embedded, Embeddings};
use crate::progress::Progress;
use crate::statistics::{Separation, convergence, separation};

/// Most states that are read of these chains: one a sweep of each.
const MOST_STATES: u64 = 200_000;
/// Quenches from uniform states that look for anchors.
const QUENCHES: u32 = 16;

/// A law of starting states.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartLaw {
    /// Uniform on the space.
    Uniform,
    /// One of these sentences, drawn anew for each chain.
    Sentences(Vec<String>),
    /// The anchor of a basin: the zero-temperature attractor to which the most (1), second most (2), … of 16 quenches
    /// from uniform states lead; of a cycle its smallest state.
    Anchor(u32),
    /// This sentence, for every chain.
    Typed(String),
}

impl StartLaw {
    fn start(
        &self,
        model: &dyn Conditionals,
        space: &Space,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Start, ConditionalsError> {
        let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
        Ok(match self {
            Self::Uniform => Start::Uniform,
            Self::Sentences(sentences) => {
                let states = fitting(model, space, sentences)?;
                if states.is_empty() {
                    return invalid(format!(
                        "none of {} sentences can start a chain of {} tokens: give one that is as long and uses allowed \
                         tokens only",
                        sentences.len(),
                        space.template().len()
                    ));
                }
                Start::Corpus(states)
            }
            Self::Anchor(rank) => {
                let found = attractors(QUENCHES, model, space, seed, progress)?;
                let state = (*rank as usize).checked_sub(1).and_then(|at| found.get(at)?.cycle.first());
                let Some(state) = state else {
                    return invalid(format!(
                        "there is no anchor {rank}: {QUENCHES} quenches from uniform states led to {} attractors; choose \
                         one of them, counted from 1, or another start",
                        found.len()
                    ));
                };
                Start::Same(vec![state.clone()])
            }
            Self::Typed(sentence) => Start::Same(vec![typed(model, space, sentence)?]),
        })
    }
}

/// Which single chains run beside the pairs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SinglesSpec {
    /// The two laws, A and B.
    pub laws: [StartLaw; 2],
    /// Chains from each; all are independent of one another.
    pub chains: u64,
    /// Sweeps after which A and B are compared, ascending. The chains run to the last.
    pub times: Vec<u64>,
}

impl Default for SinglesSpec {
    fn default() -> Self {
        Self { laws: [StartLaw::Uniform, StartLaw::Anchor(1)], chains: 16, times: vec![1, 2, 5, 10, 20] }
    }
}

/// A lower bound on the distance of the two laws at one time.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SeparationAt {
    pub sweep: u64,
    /// Single-site steps.
    pub step: u64,
    /// Bounds the total variation between the law of the chains from A and that of those from B at this time; each time
    /// has its own confidence of 95 %. `None` for fewer chains than can be split into learning and held-out ones.
    pub found: Option<Separation>,
}

/// What the single chains showed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SinglesResult {
    /// Chains from each law.
    pub chains: u64,
    /// Where the first chain of each law started, as text.
    pub first: [String; 2],
    /// Split R-hat (rank-normalised) and effective sizes over the chains of both laws, one value a sweep, first half
    /// left out. Diagnostics, never a proof of mixing.
    pub diagnostics: Vec<Diagnostic>,
    pub separations: Vec<SeparationAt>,
}

impl SinglesSpec {
    /// Refuses what cannot run, before a model is loaded.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let last = self.times.last().copied().unwrap_or(0);
        let problem = if self.chains < 2 {
            format!("{} single chains from each start: choose at least 2, or leave them out", self.chains)
        } else if last == 0 || self.times.windows(2).any(|pair| pair[0] >= pair[1]) {
            "the times to compare at must ascend and end after the start: choose sweeps such as 1, 5, 20".to_owned()
        } else if last.saturating_add(1).saturating_mul(self.chains.saturating_mul(2)) > MOST_STATES {
            format!("more than {MOST_STATES} states of single chains: choose fewer chains or shorter times")
        } else {
            return Ok(());
        };
        Err(ConditionalsError::Invalid(problem))
    }

    /// The chains beside `pairs`: in the same space, under the same dynamics, and to the end whatever the pairs do. Those
    /// from A have even numbers, those from B odd ones.
    pub fn cell(
        &self,
        pairs: &Cell,
        model: &dyn Conditionals,
        progress: &dyn Progress,
    ) -> Result<Cell, ConditionalsError> {
        let [a, b] = &self.laws;
        let starts =
            [a.start(model, &pairs.space, pairs.seed, progress)?, b.start(model, &pairs.space, pairs.seed, progress)?];
        let last = self.times.last().copied().unwrap_or(0);
        Ok(Cell {
            chains: Chains::Single { radius: None },
            start: Start::InTurn(Box::new(starts)),
            count: 2 * self.chains,
            cap: last.saturating_mul(pairs.space.free().len() as u64),
            record: Record::ToCap,
            ..pairs.clone()
        })
    }

    /// Reads the chains of [`Self::cell`] off their recorded tokens.
    pub fn read(
        &self,
        cell: &Cell,
        tokens: &[Vec<u8>],
        model: &dyn Conditionals,
        embeddings: &dyn Embeddings,
        progress: &dyn Progress,
    ) -> Result<SinglesResult, ConditionalsError> {
        let n = cell.space.free().len() as u64;
        // By chain, then by sweep.
        let states = recorded_states(cell, tokens, n)?;
        let first = [0, 1].map(|chain| states.get(chain).map_or_else(String::new, |states| model.sentence(&states[0])));
        progress.stage("telling the two starts apart");
        let separations = self
            .times
            .iter()
            .map(|&sweep| {
                let at: Vec<&[u32]> =
                    states.iter().filter_map(|states| states.get(sweep as usize)).map(Vec::as_slice).collect();
                let found = separate(embeddings, &at, cell.seed, progress)?;
                Ok(SeparationAt { sweep, step: sweep * n, found })
            })
            .collect::<Result<_, ConditionalsError>>()?;
        Ok(SinglesResult { chains: self.chains, first, diagnostics: diagnostics(&cell.space, &states), separations })
    }
}

/// Convergence of functions of the state along the second half of the chains (`[chain][sweep]`).
fn diagnostics(space: &Space, states: &[Vec<Vec<u32>>]) -> Vec<Diagnostic> {
    let Some(reference) = states.first().and_then(|chain| chain.first()) else { return Vec::new() };
    let n = space.free().len() as f64;
    let along = |name: &str, of: &dyn Fn(&[u32]) -> f64| {
        let late = |chain: &Vec<Vec<u32>>| chain[chain.len() / 2..].iter().map(|state| of(state)).collect();
        let values: Vec<Vec<f64>> = states.iter().map(late).collect();
        convergence(&values).map(|convergence| Diagnostic { name: name.to_owned(), convergence })
    };
    let distinct = |state: &[u32]| {
        let mut tokens: Vec<u32> = space.free().iter().map(|&site| state[site]).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.len() as f64 / n
    };
    [
        along("share of different tokens", &distinct),
        along("overlap with the start of the first chain", &|state| 1.0 - space.hamming(reference, state) as f64 / n),
        along("token at the first free position (its id)", &|state| f64::from(state[space.free()[0]])),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Chains of even number against those of odd number, by one state of each: total variation bounded from below by a
/// held-out classifier on the embedded states. `None` for too few chains.
pub(super) fn separate(
    embeddings: &dyn Embeddings,
    states: &[&[u32]],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<Separation>, ConditionalsError> {
    // Not centred: a mean over all states would carry the held-out ones into what is learnt, and the bound would no longer
    // hold whatever was learnt.
    let embedded = Embedded::new(embeddings, states, false, progress)?;
    let row = |k: usize| embedded.row(k).iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let side = |odd: usize| (odd..states.len()).step_by(2).map(row).collect::<Vec<_>>();
    Ok(separation(&side(0), &side(1), seed).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::chain::{Budget, Coupling, Ensemble, Options, Scan};
    use crate::glauber::temperature::Temperature;
    use crate::glauber::toys;
    use crate::glauber::trajectories::for_toy;
    use crate::progress::Silent;

    /// The single chains of `spec` on a toy of eight sites under a systematic scan.
    fn run(toy: &str, tau: f64, spec: &SinglesSpec) -> Result<SinglesResult, ConditionalsError> {
        let model = toys::parse(toy).unwrap();
        let space = Space::whole(model.as_ref(), 8).unwrap();
        let pairs = Cell {
            model: 0,
            space,
            temperature: Temperature::new(tau).unwrap(),
            scan: Scan::Systematic,
            chains: Chains::pairs(Coupling::Maximal),
            start: Start::Uniform,
            count: 1,
            cap: 8,
            record: Record::Nothing,
            seed: 4,
        };
        spec.check()?;
        let cell = spec.cell(&pairs, model.as_ref(), &Silent)?;
        let mut ensemble = Ensemble::new(vec![model.as_ref()], vec![cell.clone()], Options::default())?;
        let mut tokens = vec![Vec::new(); cell.count as usize];
        while !ensemble.finished() {
            for segment in ensemble.advance(Budget::Rounds(100), &Silent)?.segments {
                tokens[segment.pair as usize].extend(segment.tokens);
            }
        }
        spec.read(&cell, &tokens, model.as_ref(), &*for_toy(model.as_ref()), &Silent)
    }

    #[test]
    fn wells_stay_apart_and_free_sites_are_forgotten_in_one_sweep() {
        let [plus, minus] = ["+ + + + + + + +", "- - - - - - - -"].map(str::to_owned);
        let laws = [StartLaw::Typed(plus.clone()), StartLaw::Typed(minus)];
        let spec = SinglesSpec { laws, chains: 40, times: vec![0, 1, 20] };
        let cold = run("curie-weiss:n=8,beta=1", 0.2, &spec).unwrap();
        assert_eq!((&cold.first[0], cold.separations[2].step), (&plus, 160));
        for at in &cold.separations {
            // 20 + 20 held out, all told right: each side at least 0.8316 with confidence 97.5 % (0.025^(1/20)).
            let found = at.found.as_ref().unwrap();
            assert!((found.lower - (2.0 * 0.025f64.powf(1.0 / 20.0) - 1.0)).abs() < 1e-9, "{found:?}");
        }
        // Chains stuck in two wells disagree.
        let overlap = cold.diagnostics.iter().find(|found| found.name.starts_with("overlap")).unwrap();
        assert!(overlap.convergence.r_hat.is_none_or(|r_hat| r_hat > 1.5), "{overlap:?}");
        // Without interaction one systematic sweep draws every site anew: the total variation is 0.
        let free = run("curie-weiss:n=8,beta=0", 1.0, &spec).unwrap();
        let lower: Vec<f64> = free.separations.iter().map(|at| at.found.as_ref().unwrap().lower).collect();
        assert!(lower[0] > 0.6 && lower[1..] == [0.0, 0.0], "{lower:?}");
        let overlap = free.diagnostics.iter().find(|found| found.name.starts_with("overlap")).unwrap();
        assert!(overlap.convergence.r_hat.is_some_and(|r_hat| r_hat < 1.1), "{overlap:?}");
        assert!(overlap.convergence.bulk_ess > 200.0, "80 chains of 11 independent draws");
    }

    #[test]
    fn anchors_and_sentences_are_starts() {
        let law = |a, b| SinglesSpec { laws: [a, b], chains: 8, times: vec![4] };
        let listed = StartLaw::Sentences(vec!["+".to_owned(), "+ + + + + + + -".to_owned()]);
        let found = run("curie-weiss:n=8,beta=1.5", 0.2, &law(StartLaw::Anchor(1), listed)).unwrap();
        assert!(found.first[0] == "+ + + + + + + +" || found.first[0] == "- - - - - - - -", "{:?}", found.first);
        assert_eq!(found.first[1], "+ + + + + + + -", "the short sentence is left out");
        let problem = |spec: SinglesSpec| run("curie-weiss:n=8,beta=1.5", 0.2, &spec).unwrap_err().to_string();
        assert!(problem(law(StartLaw::Anchor(3), StartLaw::Uniform)).contains("led to 2 attractors"));
        assert!(problem(law(StartLaw::Sentences(Vec::new()), StartLaw::Uniform)).contains("none of 0"));
        assert!(problem(SinglesSpec { times: vec![5, 5], ..SinglesSpec::default() }).contains("ascend"));
        assert!(problem(SinglesSpec { chains: 1, ..SinglesSpec::default() }).contains("at least 2"));
        assert!(problem(SinglesSpec { times: vec![1 << 40], ..SinglesSpec::default() }).contains("fewer chains"));
    }
}
