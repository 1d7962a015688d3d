//! The phase diagram as a run: cells of a grid over temperature and length for one or more models, worked on a few at a
//! time, coarse picture first, until each is known well enough.

use super::theory::{Theory, TheorySpec, theory};
use super::{KeepTokens, StartChoice, Vocabulary, space};
use crate::glauber::chain::{
    Batch, Budget, Cell, Chains, Coupling, CurvePoint, DriftPoint, Ensemble, EnsembleState, Meeting, Options, Record,
    Scan, Start, Trace, token_bytes,
};
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::mixing::DriftCount;
use crate::glauber::phase::{
    CellResult, Critical, Decision, FiniteSize, Grid, Growth, PhaseCell, Policy, Work, cell_result, critical,
    finite_size, growth, order_of_work, snapshots,
};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::Lifetime;

/// Cells that run at once: enough to fill a model's batches, few enough that a coarse picture comes soon.
const LIVE: usize = 8;
/// Rounds between two looks at which cells need pairs.
const ROUNDS: u64 = 8;
/// Pairs of neighbours behind a cell's kappa.
const NEIGHBOURS: u64 = 64;
/// Most cells of a diagram.
pub const MOST_CELLS: usize = 4096;
/// Bootstrap resamples behind a cell's interval, and behind fits and critical temperatures.
const CELL_RESAMPLES: u32 = 400;
const FIT_RESAMPLES: u32 = 200;

/// What a phase run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PhaseSpec {
    pub version: u32,
    pub model: String,
    /// Further models and controls, each a diagram of its own; a toy is taken at each length.
    #[serde(default)]
    pub beside: Vec<String>,
    pub grid: Grid,
    pub scan: Scan,
    pub coupling: Coupling,
    pub start: StartChoice,
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// Pairs added to a cell at a time, and most of a cell.
    pub batch: u64,
    pub most_pairs: u64,
    /// A cell is finished once its interval is narrower than this share of its coupling time.
    pub relative_width: f64,
    /// Single chains of each cell, in couples, whose overlap after `order_sweeps` is the order parameter; 0 for none.
    pub order_chains: u64,
    pub order_sweeps: u64,
    /// Influence and margin at each length; `None` leaves them out.
    #[serde(default)]
    pub theory: Option<TheorySpec>,
    /// Which pairs keep the token of every step.
    #[serde(default = "KeepTokens::nothing")]
    pub keep_tokens: KeepTokens,
    pub seed: u64,
}

impl PhaseSpec {
    /// Models in the order of subjects.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.model.as_str()).chain(self.beside.iter().map(String::as_str))
    }

    /// Refuses what cannot run, before a model is loaded.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let Grid { temperatures, lengths, cap_sweeps } = &self.grid;
        let cells = temperatures.len() * lengths.len() * (1 + self.beside.len());
        let problem = if temperatures.is_empty() || lengths.is_empty() {
            "the grid is empty: choose at least one temperature and one length".to_owned()
        } else if cells > MOST_CELLS {
            format!("{cells} cells are more than {MOST_CELLS}: choose fewer temperatures, lengths or models")
        } else if lengths.contains(&0) {
            "a chain of length 0 has nothing to move: choose lengths of at least 1".to_owned()
        } else if *cap_sweeps == 0 || self.batch == 0 || self.most_pairs < self.batch {
            "allow at least one sweep, one pair at a time, and as many pairs in all as are added at a time".to_owned()
        } else if !(self.relative_width > 0.0 && self.relative_width.is_finite()) {
            format!("an interval of width {}: choose a positive share, such as 0.2", self.relative_width)
        } else if repeated(temperatures) || repeated(lengths) {
            "a temperature or a length stands twice in the grid: leave each once".to_owned()
        } else if self.order_chains > 0 && (self.order_chains < 4 || self.order_sweeps == 0) {
            "an order parameter needs at least 4 chains and one sweep; 0 chains leave it out".to_owned()
        } else {
            return Ok(());
        };
        Err(ConditionalsError::Invalid(problem))
    }

    fn policy(&self) -> Policy {
        Policy {
            relative_width: self.relative_width,
            batch: self.batch,
            most: self.most_pairs,
            resamples: CELL_RESAMPLES,
            seed: self.seed,
            ..Policy::default()
        }
    }
}

fn repeated<T: PartialEq>(list: &[T]) -> bool {
    list.iter().enumerate().any(|(k, x)| list[..k].contains(x))
}

/// A model at one length.
pub struct Subject<'m> {
    /// Which of the spec's models.
    pub subject: usize,
    pub length: u32,
    /// What it is called at this length.
    pub name: String,
    pub model: &'m dyn Conditionals,
}

/// A place of the diagram.
#[derive(Clone, Debug)]
struct Place {
    /// Index among the [`Subject`]s.
    model: usize,
    temperature: Temperature,
    /// Where it stands on the grid: temperature, length.
    place: [usize; 2],
}

/// From where a phase run goes on, beside the meetings that were handed over.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PhaseState {
    ensemble: EnsembleState,
    /// Order parameters by cell; empty until measured.
    order: Vec<Vec<f64>>,
    /// By model and length.
    theory: Vec<Option<Theory>>,
}

/// What is kept of a cell: the diagram's numbers and the curves behind them.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CellSummary {
    /// `None` before the first pairs have ended.
    pub result: Option<CellResult>,
    pub curve: Vec<CurvePoint>,
    pub drift: Vec<DriftPoint>,
    pub draws: u64,
    pub near_ties: u64,
    /// Pairs that keep the token of every step: the first ones of the cell.
    #[serde(default)]
    pub kept: u64,
}

/// What the whole grid of one model says.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PhaseFindings {
    pub subject: usize,
    /// One entry for each temperature with at least two lengths.
    pub fits: Vec<Growth>,
    pub critical: Option<Critical>,
    pub finite_size: Option<FiniteSize>,
    /// One entry for each length for which theory was asked.
    pub theory: Vec<Theory>,
}

/// A phase run at work.
pub struct PhaseRun<'m> {
    spec: &'m PhaseSpec,
    subjects: &'m [Subject<'m>],
    policy: Policy,
    places: Vec<Place>,
    spaces: Vec<Space>,
    ensemble: Ensemble<'m>,
    /// Ended pairs by cell.
    lifetimes: Vec<Vec<Lifetime>>,
    /// What was decided when a cell had so many ended pairs.
    decisions: Vec<Option<(usize, Decision, Option<f64>)>>,
    changed: Vec<bool>,
    order: Vec<Vec<f64>>,
    theory: Vec<Option<Theory>>,
    /// Nothing has been done since a state was taken up.
    resumed: bool,
    /// The stage that was told last: telling it again would begin its rate anew.
    told: &'static str,
}

impl<'m> PhaseRun<'m> {
    /// All cells at their starts, or as `kept` left them with the meetings that were handed over until then.
    ///
    /// `subjects` are the models at the grid's lengths, in the order of models and then of lengths.
    pub fn new(
        spec: &'m PhaseSpec,
        subjects: &'m [Subject<'m>],
        kept: Option<(PhaseState, &[Meeting])>,
    ) -> Result<Self, ConditionalsError> {
        spec.check()?;
        let (mut places, mut cells, mut spaces) = (Vec::new(), Vec::new(), Vec::new());
        for (model, subject) in subjects.iter().enumerate() {
            let space = space(subject.model, subject.length as usize, &spec.vocabulary, None)?;
            let start = spec.start.start(subject.model, &space)?;
            let column = spec.grid.lengths.iter().position(|&length| length == subject.length).unwrap_or(0);
            for (row, &temperature) in spec.grid.temperatures.iter().enumerate() {
                places.push(Place { model, temperature, place: [row, column] });
                let pairs = Cell {
                    model,
                    space: space.clone(),
                    temperature,
                    scan: spec.scan,
                    chains: Chains::pairs(spec.coupling),
                    start: start.clone(),
                    count: 0,
                    cap: spec.grid.cap(subject.length),
                    record: if spec.keep_tokens == KeepTokens::None { Record::Nothing } else { Record::UntilEnd },
                    seed: spec.seed,
                };
                let start = Start::Neighbours(Vec::new());
                let neighbours = Cell { start, cap: 1, record: Record::Nothing, ..pairs.clone() };
                cells.extend([pairs, neighbours]);
            }
            spaces.push(space);
        }
        let models = subjects.iter().map(|subject| subject.model).collect();
        let count = places.len();
        let resumed = kept.is_some();
        let mut lifetimes = vec![Vec::new(); count];
        let (ensemble, order, theory) = match kept {
            None => {
                (Ensemble::new(models, cells, Options::default())?, vec![Vec::new(); count], vec![None; subjects.len()])
            }
            Some((state, meetings)) => {
                for meeting in meetings.iter().filter(|meeting| meeting.cell % 2 == 0 && meeting.cell / 2 < count) {
                    lifetimes[meeting.cell / 2].push(lifetime(meeting));
                }
                (Ensemble::resume(models, cells, Options::default(), state.ensemble)?, state.order, state.theory)
            }
        };
        let policy = spec.policy();
        let (decisions, changed) = (vec![None; count], vec![true; count]);
        Ok(Self {
            spec,
            subjects,
            policy,
            places,
            spaces,
            ensemble,
            lifetimes,
            decisions,
            changed,
            order,
            theory,
            resumed,
            told: "",
        })
    }

    /// What a later sitting needs, beside the meetings handed over until now.
    pub fn state(&self) -> PhaseState {
        PhaseState { ensemble: self.ensemble.snapshot(), order: self.order.clone(), theory: self.theory.clone() }
    }

    /// Goes on for a while; `None` once nothing is left to do. What pairs a cell gets depends on its own pairs alone, so
    /// the end does not depend on how the work was cut.
    pub fn step(&mut self, progress: &dyn Progress) -> Result<Option<Batch>, ConditionalsError> {
        if std::mem::take(&mut self.resumed) {
            // What an interrupted batch had done is handed over before anything is decided from the pairs so far.
            let batch = self.ensemble.advance(Budget::Rounds(0), &Muted(progress))?;
            self.take_in(&batch);
            return Ok(Some(batch));
        }
        let coarse = self.lifetimes.iter().all(|pairs| !pairs.is_empty());
        if coarse && self.theorise(progress)? {
            return Ok(Some(Batch::default()));
        }
        self.refill()?;
        if !self.ensemble.finished() {
            self.enter("coupling pairs", progress);
            let batch = self.ensemble.advance(Budget::Rounds(ROUNDS), &Muted(progress))?;
            self.take_in(&batch);
            let finished = (0..self.places.len()).filter(|&cell| self.is_finished(cell)).count();
            progress.report(finished as u64, self.places.len() as u64);
            return Ok(Some(batch));
        }
        match self.order.iter().position(Vec::is_empty).filter(|_| self.spec.order_chains > 0) {
            Some(cell) => {
                self.enter("measuring order parameters", progress);
                progress.report(cell as u64, self.places.len() as u64);
                self.order[cell] = self.overlaps(cell, progress)?;
                self.changed[cell] = true;
                Ok(Some(Batch::default()))
            }
            None => Ok(None),
        }
    }

    fn enter(&mut self, stage: &'static str, progress: &dyn Progress) {
        if self.told != stage {
            progress.stage(stage);
            self.told = stage;
        }
    }

    fn take_in(&mut self, batch: &Batch) {
        for meeting in &batch.meetings {
            let cell = meeting.cell / 2;
            self.changed[cell] = true;
            if meeting.cell % 2 == 0 {
                self.lifetimes[cell].push(lifetime(meeting));
            }
        }
    }

    /// Gives pairs to the cells that need them most, as many cells as there is room for.
    fn refill(&mut self) -> Result<(), ConditionalsError> {
        let live = (0..self.places.len()).filter(|&cell| self.is_live(cell)).count();
        if live >= LIVE {
            return Ok(());
        }
        let shape = [self.spec.grid.temperatures.len(), self.spec.grid.lengths.len()];
        let idle: Vec<usize> = (0..self.places.len()).filter(|&cell| !self.is_live(cell)).collect();
        let works: Vec<Work> = idle
            .iter()
            .map(|&cell| {
                let (decision, width) = self.decision(cell);
                let pairs = self.lifetimes[cell].len() as u64;
                Work { place: self.places[cell].place, shape, pairs, decision, width }
            })
            .collect();
        for next in order_of_work(&works).into_iter().take(LIVE - live) {
            let cell = idle[next];
            if let Decision::More { pairs } = works[next].decision {
                if works[next].pairs == 0 {
                    self.ensemble.extend(2 * cell + 1, NEIGHBOURS)?;
                }
                let recorded = self.recorded_below(cell);
                self.ensemble.extend_recording(2 * cell, pairs, recorded)?;
            }
        }
        Ok(())
    }

    /// The number below which the next pairs of a cell, all of whose pairs have ended, keep their tokens. It depends on
    /// the cell's own pairs alone.
    fn recorded_below(&self, cell: usize) -> u64 {
        let ended = &self.lifetimes[cell];
        let kept = self.ensemble.recorded(2 * cell);
        if kept < ended.len() as u64 {
            return 0;
        }
        let model = self.places[cell].model;
        // Both chains of a pair.
        let step = 2 * token_bytes(&self.spaces[model]) as u64;
        let used: u64 = ended.iter().map(|pair| pair.time * step).sum();
        let most = step.saturating_mul(self.spec.grid.cap(self.subjects[model].length));
        self.spec.keep_tokens.below(kept, used, most, self.places.len() as u64)
    }

    fn is_live(&self, cell: usize) -> bool {
        self.ensemble.cell_finished(2 * cell) == Some(false)
    }

    fn is_finished(&self, cell: usize) -> bool {
        let decided =
            self.decisions[cell].is_some_and(|(_, decision, _)| matches!(decision, Decision::Finished { .. }));
        decided && !self.is_live(cell)
    }

    /// What the policy says of a cell all of whose pairs have ended.
    fn decision(&mut self, cell: usize) -> (Decision, Option<f64>) {
        let count = self.lifetimes[cell].len();
        match self.decisions[cell] {
            Some((at, decision, width)) if at == count => (decision, width),
            _ => {
                let pairs = crate::statistics::sorted_lifetimes(&self.lifetimes[cell]);
                let policy = &self.policy;
                let decision = policy.decide(&pairs);
                let found = crate::statistics::crossing_estimate(&pairs, policy.level, policy.resamples, policy.seed);
                let width = found.and_then(|found| found.relative_width());
                self.decisions[cell] = Some((count, decision, width));
                (decision, width)
            }
        }
    }

    /// Theory for the next length that lacks it; false if none does.
    fn theorise(&mut self, progress: &dyn Progress) -> Result<bool, ConditionalsError> {
        let Some(settings) = &self.spec.theory else { return Ok(false) };
        let Some(next) = self.theory.iter().position(Option::is_none) else { return Ok(false) };
        self.told = "";
        progress.stage("sampling influence and margins");
        let model = self.subjects[next].model;
        let taus = &self.spec.grid.temperatures;
        self.theory[next] = Some(theory(settings, model, &self.spaces[next], taus, self.spec.seed, progress)?);
        Ok(true)
    }

    /// Share of sites at which two independent chains agree after the order sweeps, one value for each couple.
    fn overlaps(&self, cell: usize, progress: &dyn Progress) -> Result<Vec<f64>, ConditionalsError> {
        let Place { model, temperature, .. } = self.places[cell];
        let (subject, space) = (&self.subjects[model], &self.spaces[model]);
        let sites = space.free().len();
        let single = Cell {
            model: 0,
            space: space.clone(),
            temperature,
            scan: self.spec.scan,
            chains: Chains::Single { radius: None },
            start: self.spec.start.start(subject.model, space)?,
            count: self.spec.order_chains,
            cap: self.spec.order_sweeps * sites as u64,
            record: Record::ToCap,
            seed: self.spec.seed,
        };
        let start = single.start.clone();
        let mut ensemble = Ensemble::new(vec![subject.model], vec![single], Options::default())?;
        let mut tokens = vec![Vec::new(); self.spec.order_chains as usize];
        while !ensemble.finished() {
            let batch = ensemble.advance(Budget::Rounds(64), &Muted(progress))?;
            for segment in batch.segments {
                tokens[segment.pair as usize].extend(segment.tokens);
            }
        }
        let states = (0u64..)
            .zip(tokens)
            .map(|(pair, tokens)| {
                let [x, _] = start.pair(space, self.spec.seed, pair);
                let trace = Trace::new(space, self.spec.scan, self.spec.seed, pair, 0, x, tokens)?;
                trace
                    .state(trace.steps())
                    .ok_or_else(|| ConditionalsError::Invalid("a trace without an end".to_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (couples, _) = states.as_chunks::<2>();
        Ok(couples.iter().map(|[x, y]| 1.0 - space.hamming(x, y) as f64 / sites as f64).collect())
    }

    /// Number of cells.
    pub fn cells(&self) -> usize {
        self.places.len()
    }

    /// Model (index among the subjects), temperature, cap in steps of a cell, and whether it is finished.
    pub fn cell(&self, cell: usize) -> (usize, Temperature, u64, bool) {
        let Place { model, temperature, .. } = self.places[cell];
        (model, temperature, self.spec.grid.cap(self.subjects[model].length), self.is_finished(cell))
    }

    /// The cells that changed since the last call.
    pub fn changed(&mut self) -> Vec<usize> {
        (0..self.changed.len()).filter(|&cell| std::mem::take(&mut self.changed[cell])).collect()
    }

    fn phase_cell(&self, cell: usize) -> PhaseCell {
        let Place { model, temperature, .. } = self.places[cell];
        let steps = self.ensemble.tally(2 * cell + 1).and_then(|tally| tally.drift.get(1).copied());
        let steps = steps.filter(|steps| steps.count > 0);
        PhaseCell {
            temperature,
            n: self.subjects[model].length,
            pairs: crate::statistics::sorted_lifetimes(&self.lifetimes[cell]),
            neighbours: steps.map(|sum| DriftCount { h: 1, count: sum.count, sum: sum.sum, squares: sum.squares }),
            order: self.order[cell].clone(),
        }
    }

    /// A cell's numbers as they stand.
    pub fn summary(&self, cell: usize) -> Result<CellSummary, ConditionalsError> {
        let kept = self.phase_cell(cell);
        let summary = self.ensemble.summary(2 * cell);
        let result = match kept.pairs.is_empty() {
            true => None,
            false => Some(cell_result(&kept, self.policy.level, CELL_RESAMPLES, self.spec.seed)?),
        };
        let (curve, drift, draws, near_ties) = summary
            .map_or_else(Default::default, |summary| (summary.curve, summary.drift, summary.draws, summary.near_ties));
        Ok(CellSummary { result, curve, drift, draws, near_ties, kept: self.ensemble.recorded(2 * cell) })
    }

    /// Fits, critical temperatures and finite-size scaling of each model, from what has been seen.
    pub fn findings(&self, progress: &dyn Progress) -> Result<Vec<PhaseFindings>, ConditionalsError> {
        let subjects = 1 + self.spec.beside.len();
        (0..subjects).map(|subject| self.findings_of(subject, progress)).collect()
    }

    fn findings_of(&self, subject: usize, progress: &dyn Progress) -> Result<PhaseFindings, ConditionalsError> {
        let own = |place: &Place| self.subjects[place.model].subject == subject;
        let cells: Vec<PhaseCell> = (0..self.places.len())
            .filter(|&cell| own(&self.places[cell]) && !self.lifetimes[cell].is_empty())
            .map(|cell| self.phase_cell(cell))
            .collect();
        let (level, seed) = (self.policy.level, self.spec.seed);
        let mut fits = Vec::new();
        for &temperature in &self.spec.grid.temperatures {
            let row: Vec<PhaseCell> = cells.iter().filter(|cell| cell.temperature == temperature).cloned().collect();
            if row.len() >= 2 {
                fits.push(growth(&row, level, FIT_RESAMPLES, seed, progress)?);
            }
        }
        let (critical, finite_size) = if cells.is_empty() {
            (None, None)
        } else {
            let grid = snapshots(&cells, level, FIT_RESAMPLES, seed, progress)?;
            let critical = critical(&grid);
            let finite_size = finite_size(&grid, &critical);
            (Some(critical), Some(finite_size))
        };
        let theory = self.theory.iter().zip(self.subjects).filter(|(_, model)| model.subject == subject);
        let theory = theory.filter_map(|(theory, _)| theory.clone()).collect();
        Ok(PhaseFindings { subject, fits, critical, finite_size, theory })
    }
}

fn lifetime(meeting: &Meeting) -> Lifetime {
    Lifetime { time: meeting.time, event: meeting.met }
}

/// Passes checkpoints on, and keeps the inner counts to itself: the run counts cells.
struct Muted<'a>(&'a dyn Progress);

impl Progress for Muted<'_> {
    fn stage(&self, _: &str) {}
    fn report(&self, _: u64, _: u64) {}
    fn checkpoint(&self) -> Result<(), crate::progress::Cancelled> {
        self.0.checkpoint()
    }
}
