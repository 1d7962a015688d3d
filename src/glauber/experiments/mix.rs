//! One cell: coupled pairs at one temperature and length, how fast they meet and what bounds follow.

use super::singles::{SinglesResult, SinglesSpec};
use super::theory::{Theory, TheorySpec};
use super::{StartChoice, Template, Vocabulary, space};
use crate::glauber::chain::{Cell, Chains, Coupling, Ensemble, Meeting, Record, Scan, Tally, grid_time};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::mixing::{DriftCount, HammingCount, MixingSummary, PairCell, SummaryOptions, summarise};
use crate::glauber::temperature::Temperature;
use crate::statistics::{LagBound, Lifetime, lag_bounds};

/// Most pairs of a cell.
pub const MOST_PAIRS: u64 = 100_000;
/// Most sweeps of a chain.
pub const MOST_SWEEPS: u64 = 1_000_000_000;

/// What a mix run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MixSpec {
    pub version: u32,
    pub model: String,
    /// Free sites; with a template, as many as it leaves free.
    pub length: usize,
    pub temperature: Temperature,
    pub scan: Scan,
    pub coupling: Coupling,
    pub start: StartChoice,
    pub pairs: u64,
    /// Most sweeps (n steps each) of a chain; who has not met by then is censored.
    pub cap_sweeps: u64,
    /// Also runs as many pairs of which one follows the other by this many sweeps, for L-lag bounds; 0 for none.
    #[serde(default)]
    pub lag_sweeps: u64,
    #[serde(default)]
    pub vocabulary: Vocabulary,
    #[serde(default)]
    pub template: Option<Template>,
    /// Keeps every token that the pairs choose, so that each can be read step by step.
    #[serde(default)]
    pub record: bool,
    /// Influence and margin, sampled; `None` leaves them out.
    #[serde(default)]
    pub theory: Option<TheorySpec>,
    /// Single chains from two start laws, for diagnostics and lower bounds; `None` leaves them out.
    #[serde(default)]
    pub singles: Option<SinglesSpec>,
    pub seed: u64,
}

/// The cells of a mix run by their place.
pub const MAIN: usize = 0;
/// Pairs that start as neighbours and make one step, for kappa.
pub const NEIGHBOURS: usize = 1;
/// Lagged pairs, where they are asked for.
pub const LAGGED: usize = 2;

impl MixSpec {
    /// Refuses what cannot run, before a model is loaded.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let problem = if self.length == 0 && self.template.is_none() {
            "a chain of length 0 has nothing to move: choose a length of at least 1".to_owned()
        } else if !(1..=MOST_PAIRS).contains(&self.pairs) {
            format!("{} pairs: choose 1 to {MOST_PAIRS}", self.pairs)
        } else if !(1..=MOST_SWEEPS).contains(&self.cap_sweeps) {
            format!("a cap of {} sweeps: choose 1 to {MOST_SWEEPS}", self.cap_sweeps)
        } else if self.lag_sweeps >= self.cap_sweeps {
            format!("the lag of {} sweeps must be shorter than the cap of {}", self.lag_sweeps, self.cap_sweeps)
        } else {
            return self.singles.as_ref().map_or(Ok(()), SinglesSpec::check);
        };
        Err(ConditionalsError::Invalid(problem))
    }

    /// The run's cells on `model` (index 0 of an ensemble): the pairs, neighbours for the contraction, lagged pairs.
    pub fn cells(&self, model: &dyn Conditionals) -> Result<Vec<Cell>, ConditionalsError> {
        self.check()?;
        let space = space(model, self.length, &self.vocabulary, self.template.as_ref())?;
        let sweep = space.free().len() as u64;
        let main = Cell {
            model: 0,
            start: self.start.start(model, &space)?,
            space,
            temperature: self.temperature,
            scan: self.scan,
            chains: Chains::pairs(self.coupling),
            count: self.pairs,
            cap: self.cap_sweeps.saturating_mul(sweep),
            record: if self.record { Record::UntilEnd } else { Record::Nothing },
            seed: self.seed,
        };
        let mut cells = vec![main];
        let alone = cells[MAIN].space.allowed().len() < 2;
        if !alone {
            let start = StartChoice::Neighbours.start(model, &cells[MAIN].space)?;
            cells.push(Cell { start, cap: 1, record: Record::Nothing, ..cells[MAIN].clone() });
        }
        if self.lag_sweeps > 0 && !alone {
            let chains = Chains::Pairs { coupling: self.coupling, lag: self.lag_sweeps.saturating_mul(sweep) };
            let start = StartChoice::Uniform.start(model, &cells[MAIN].space)?;
            cells.push(Cell { chains, start, record: Record::Nothing, ..cells[MAIN].clone() });
        }
        Ok(cells)
    }
}

/// What a mix run found.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MixResult {
    /// Coalescence of the pairs: survival, `t_couple`, censoring, Hamming distance, drift, kappa.
    #[serde(flatten)]
    pub summary: MixingSummary,
    /// Steps of a chain at most.
    pub cap: u64,
    /// Pairs that still ran when this was written; 0 once the run is done.
    pub running: u64,
    /// TV bounds from lagged pairs; empty without a lag.
    pub lag: u64,
    pub lag_bounds: Vec<LagBound>,
    /// Tokens drawn, and those that another batch shape might decide otherwise.
    pub draws: u64,
    pub near_ties: u64,
    pub theory: Option<Theory>,
    /// What the single chains showed; `None` until all have ended.
    #[serde(default)]
    pub singles: Option<SinglesResult>,
}

/// Puts together what the ensemble of [`MixSpec::cells`] has shown so far, pairs that still run being censored where they
/// stand; `None` before the first step. `meetings` are all that were handed over.
pub fn result(
    spec: &MixSpec,
    ensemble: &Ensemble<'_>,
    meetings: &[Meeting],
    theory: Option<&Theory>,
) -> Result<Option<MixResult>, ConditionalsError> {
    let (Some(cell), Some(tally), Some(summary)) =
        (ensemble.cells().nth(MAIN), ensemble.tally(MAIN), ensemble.summary(MAIN))
    else {
        return Ok(None);
    };
    let of = |cell: usize| -> Vec<Lifetime> {
        let ended = meetings.iter().filter(move |meeting| meeting.cell == cell);
        let ended = ended.map(|meeting| Lifetime { time: meeting.time, event: meeting.met });
        let running = ensemble.apart(cell).into_iter().map(|pair| Lifetime::censored(pair.time));
        crate::statistics::sorted_lifetimes(&ended.chain(running).collect::<Vec<_>>())
    };
    let pairs = of(MAIN);
    if pairs.is_empty() {
        return Ok(None);
    }
    let hamming: Vec<HammingCount> = tally
        .distances
        .iter()
        .enumerate()
        .map(|(place, sum)| HammingCount {
            step: grid_time(place),
            count: sum.count,
            sum: sum.sum,
            squares: sum.squares,
        })
        .collect();
    let drift_counts = |tally: &Tally| -> Vec<DriftCount> {
        let sums = (0u32..).zip(&tally.drift);
        sums.map(|(h, sum)| DriftCount { h, count: sum.count, sum: sum.sum, squares: sum.squares }).collect()
    };
    let neighbours = ensemble.tally(NEIGHBOURS).and_then(|tally| drift_counts(&tally).get(1).copied());
    let drift = drift_counts(&tally);
    let cells = PairCell {
        sites: cell.space.free().len() as u32,
        pairs: &pairs,
        hamming: &hamming,
        drift: &drift,
        neighbours: neighbours.filter(|steps| steps.count > 0),
    };
    let options = SummaryOptions { seed: spec.seed, ..SummaryOptions::default() };
    let lag = spec.lag_sweeps * cell.space.free().len() as u64;
    let lagged = if lag > 0 { of(LAGGED) } else { Vec::new() };
    let steps: Vec<u64> = hamming.iter().map(|count| count.step).collect();
    Ok(Some(MixResult {
        summary: summarise(cells, options)?,
        cap: cell.cap,
        running: ensemble.apart(MAIN).len() as u64,
        lag,
        lag_bounds: if lagged.is_empty() { Vec::new() } else { lag_bounds(&lagged, lag, &steps) },
        draws: summary.draws,
        near_ties: summary.near_ties,
        theory: theory.cloned(),
        singles: None,
    }))
}
