//! Thousands of coupled pairs and single chains over a grid of cells, advanced together and resumable at any moment.

use super::basins::Basins;
use super::cell::{Cell, Chains, Record, check_count};
use super::draw::{Drawing, Known};
use super::foresight::{Foresight, laws_of};
use super::questions::Asked;
use super::tally::{DriftSum, Summary, Tally, grid_time};
use super::wave::{Answer, Place, Sinks, Wave, WaveState};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Precision, Row, ask_into};
use crate::progress::Progress;
use crate::statistics::Counter;

/// Most steps that share one batch: bounds the wait for a cancel where questions repeat, or none are asked.
const MOST_UNITS: usize = 4096;

/// Most rows of one batch.
const MOST_BATCH_ROWS: usize = 1 << 16;

/// How an ensemble asks its models. Precision and batch shape decide the last bits of a network's logits: the same
/// options give the same results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    pub precision: Precision,
    /// Most rows in one call to a model, from 2 to 65 536. Their logits take `8 rows V` bytes.
    pub batch_rows: usize,
    /// Ask equal questions of a batch once. Saves evaluations of networks; costs more than it saves on tiny toys.
    pub dedupe: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { precision: Precision::F32, batch_rows: 256, dedupe: true }
    }
}

impl Options {
    /// Refuses a batch of impossible size.
    pub(super) fn check(&self) -> Result<(), ConditionalsError> {
        if (2..=MOST_BATCH_ROWS).contains(&self.batch_rows) {
            return Ok(());
        }
        Err(ConditionalsError::Invalid(format!(
            "a batch of {} rows is not possible, a pair needs both of its in one: allow from 2 to {MOST_BATCH_ROWS}",
            self.batch_rows
        )))
    }
}

/// How long one call to [`Ensemble::advance`] runs. How calls are split never changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Budget {
    /// Steps of every live pair.
    Rounds(u64),
    /// Site updates (two in a step of a pair that has not met), to the end of the batch that reaches them.
    Updates(u64),
}

/// When a pair met or a chain escaped, or that it had not (`met` false: censored at `time`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Meeting {
    pub cell: usize,
    pub pair: u64,
    /// Steps of X (single-site updates).
    pub time: u64,
    pub met: bool,
}

/// Tokens that one chain chose, following those of its segment before.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Segment {
    pub cell: usize,
    pub pair: u64,
    /// Whether they are Y's.
    pub second: bool,
    /// One token a step, [`super::token_bytes`] bytes each, little-endian; [`super::Trace`] makes states of them.
    pub tokens: Vec<u8>,
}

/// What happened since the batch before: to be kept together with [`Ensemble::snapshot`], in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Batch {
    pub meetings: Vec<Meeting>,
    pub segments: Vec<Segment>,
    /// Site updates made.
    pub updates: u64,
    /// Rows that the models evaluated for steps. Quenches that find basins come on top: how many depends on which basins are
    /// still known.
    pub rows: u64,
}

/// What is kept of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CellState {
    pub waves: Vec<WaveState>,
    pub tally: Tally,
    /// Pairs that met, or chains that escaped.
    pub ended: u64,
    /// Pairs or chains that did not.
    pub censored: u64,
}

/// Where a round stands: the next pair to step, in the order of models, cells, waves and slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct Cursor {
    /// Index of the model; the number of models for cells that ask nothing.
    pub(super) group: usize,
    pub(super) place: Place,
}

impl Cursor {
    pub(super) fn at(group: usize, cell: usize, wave: usize, slot: usize) -> Self {
        Self { group, place: Place { cell, wave, slot } }
    }
}

/// An ensemble at one moment, without its models and cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EnsembleState {
    pub cells: Vec<CellState>,
    cursor: Option<Cursor>,
    /// What no batch has handed over: not empty only after an error.
    pending: Batch,
}

/// One cell while it runs.
pub(super) struct Run {
    pub(super) cell: Cell,
    pub(super) counter: Counter,
    pub(super) waves: Vec<Wave>,
    tally: Tally,
    ended: u64,
    censored: u64,
}

/// One step of a batch: who, where, and which rows answer.
pub(super) struct Unit {
    pub(super) place: Place,
    pub(super) site: usize,
    pub(super) x: u32,
    pub(super) y: u32,
}

/// All cells of a run, advanced together so that cells of one model share its batches.
pub struct Ensemble<'m> {
    models: Vec<&'m dyn Conditionals>,
    options: Options,
    runs: Vec<Run>,
    /// `None` between rounds.
    cursor: Option<Cursor>,
    pending: Batch,
    units: Vec<Unit>,
    asked: Asked,
    logits: Vec<f64>,
    drawing: Drawing,
    /// Of the spaces in which chains end with their basin.
    basins: Vec<Basins>,
}

impl<'m> Ensemble<'m> {
    /// All cells at their starts.
    pub fn new(
        models: Vec<&'m dyn Conditionals>,
        cells: Vec<Cell>,
        options: Options,
    ) -> Result<Self, ConditionalsError> {
        let mut ensemble = Self::empty(models, options)?;
        for cell in cells {
            ensemble.add(cell)?;
        }
        Ok(ensemble)
    }

    fn empty(models: Vec<&'m dyn Conditionals>, options: Options) -> Result<Self, ConditionalsError> {
        options.check()?;
        Ok(Self {
            models,
            options,
            runs: Vec::new(),
            cursor: None,
            pending: Batch::default(),
            units: Vec::new(),
            asked: Asked::default(),
            logits: Vec::new(),
            drawing: Drawing::default(),
            basins: Vec::new(),
        })
    }

    /// The ensemble as it was kept, with the cells it had: those given to [`Self::new`] and [`Self::add`], in their order.
    pub fn resume(
        models: Vec<&'m dyn Conditionals>,
        cells: Vec<Cell>,
        options: Options,
        state: EnsembleState,
    ) -> Result<Self, ConditionalsError> {
        let mut ensemble = Self::empty(models, options)?;
        if cells.len() != state.cells.len() {
            return Err(ConditionalsError::Invalid(format!(
                "{} cells were kept, but {} are resumed: the state belongs to another run",
                state.cells.len(),
                cells.len()
            )));
        }
        for (cell, kept) in cells.into_iter().zip(state.cells) {
            cell.check(&ensemble.models)?;
            check_kept(&cell, &kept)?;
            let waves = kept.waves.into_iter().map(|wave| Wave::resume(&cell, wave)).collect();
            let counter = Counter::new(cell.seed);
            let CellState { tally, ended, censored, .. } = kept;
            ensemble.runs.push(Run { cell, counter, waves, tally, ended, censored });
        }
        ensemble.cursor = state.cursor;
        ensemble.pending = state.pending;
        Ok(ensemble)
    }

    /// What [`Self::resume`] needs. Taken right after a batch, and kept with it, it loses and repeats nothing.
    pub fn snapshot(&self) -> EnsembleState {
        let kept = |run: &Run| CellState {
            waves: run.waves.iter().map(|wave| wave.state.clone()).collect(),
            tally: run.tally.clone(),
            ended: run.ended,
            censored: run.censored,
        };
        EnsembleState {
            cells: self.runs.iter().map(kept).collect(),
            cursor: self.cursor,
            pending: self.pending.clone(),
        }
    }

    /// Adds a cell, which begins with the next round, and gives its number.
    pub fn add(&mut self, cell: Cell) -> Result<usize, ConditionalsError> {
        cell.check(&self.models)?;
        let (counter, count) = (Counter::new(cell.seed), cell.count);
        let tally = Tally { drift: vec![DriftSum::default(); cell.space.free().len() + 1], ..Tally::default() };
        self.runs.push(Run { cell, counter, waves: Vec::new(), tally, ended: 0, censored: 0 });
        let index = self.runs.len() - 1;
        self.extend(index, count)?;
        Ok(index)
    }

    /// Adds `more` pairs to a cell; they begin with the next round, from time 0.
    pub fn extend(&mut self, cell: usize, more: u64) -> Result<(), ConditionalsError> {
        self.extend_recording(cell, more, u64::MAX)
    }

    /// Adds `more` pairs to a cell as [`Self::extend`] does, of which those below number `recorded` keep their tokens if
    /// the cell records.
    pub fn extend_recording(&mut self, cell: usize, more: u64, recorded: u64) -> Result<(), ConditionalsError> {
        let run = find(&mut self.runs, cell)?;
        if more == 0 {
            return Ok(());
        }
        let first = run.count();
        check_count(first.saturating_add(more))?;
        let met = self.pending.meetings.len();
        let wave = Wave::begin((&run.cell, cell), (first, more), recorded, &mut self.pending);
        run.ended += (self.pending.meetings.len() - met) as u64;
        if run.cell.chains.is_pairs() {
            wave.count_distances(&run.cell, &mut run.tally);
        }
        run.waves.push(wave);
        Ok(())
    }

    /// Ends a cell: its pairs that have not met are censored where they stand. What decides to stop should not look at
    /// the pairs still apart, or the censoring is informative.
    pub fn stop(&mut self, cell: usize) -> Result<(), ConditionalsError> {
        let (cursor, groups) = (self.cursor, self.models.len());
        let run = find(&mut self.runs, cell)?;
        let group = run.group(groups);
        let met = self.pending.meetings.len();
        for (wave_index, wave) in run.waves.iter_mut().enumerate() {
            let stepped = |slot| cursor.is_some_and(|at| Cursor::at(group, cell, wave_index, slot) < at);
            wave.stop(&run.cell, cell, stepped, &mut self.pending);
        }
        run.censored += (self.pending.meetings.len() - met) as u64;
        Ok(())
    }

    /// Whether no pair is left to step.
    pub fn finished(&self) -> bool {
        self.runs.iter().all(Run::finished)
    }

    /// Whether no pair of a cell is left to step; `None` if there is no such cell.
    pub fn cell_finished(&self, cell: usize) -> Option<bool> {
        self.runs.get(cell).map(Run::finished)
    }

    /// The pairs of a cell that have neither met nor escaped nor been censored, as if censored where they stand: with the
    /// meetings so far they make a survival curve while the run goes on. Empty if there is no such cell.
    pub fn apart(&self, cell: usize) -> Vec<Meeting> {
        let Some(run) = self.runs.get(cell) else { return Vec::new() };
        let group = run.group(self.models.len());
        let mut apart = Vec::new();
        for (index, wave) in run.waves.iter().enumerate() {
            let stepped = |slot| self.cursor.is_some_and(|at| Cursor::at(group, cell, index, slot) < at);
            wave.apart(cell, stepped, &mut apart);
        }
        apart
    }

    /// Number of pairs of a cell whose tokens are recorded: its first ones, where every wave but the last is recorded as a
    /// whole. 0 if there is no such cell.
    pub fn recorded(&self, cell: usize) -> u64 {
        let Some(run) = self.runs.get(cell).filter(|run| run.cell.record != Record::Nothing) else { return 0 };
        let of = |wave: &Wave| wave.state.recorded.saturating_sub(wave.state.first).min(wave.state.count);
        run.waves.iter().map(of).sum()
    }

    /// The cells, in the order of their numbers.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.runs.iter().map(|run| &run.cell)
    }

    /// What a cell has shown so far; `None` if there is no such cell.
    pub fn summary(&self, cell: usize) -> Option<Summary> {
        self.runs.get(cell).map(|run| Summary::new(run.count(), run.ended, run.censored, &run.complete_tally()))
    }

    /// What a cell has counted so far, with pairs that have met counting 0 at all later times; `None` if there is no such
    /// cell.
    pub fn tally(&self, cell: usize) -> Option<Tally> {
        self.runs.get(cell).map(Run::complete_tally)
    }

    /// Steps all live pairs until the budget is spent or none is left.
    ///
    /// On an error (cancelled, the model failed) nothing is lost or half done: a later call, or a resumed snapshot, goes
    /// on from the batch of rows that was not answered, and hands over what happened before.
    pub fn advance(&mut self, budget: Budget, progress: &dyn Progress) -> Result<Batch, ConditionalsError> {
        let outcome = self.spend(budget, progress);
        for (cell, run) in self.runs.iter_mut().enumerate() {
            run.waves.iter_mut().for_each(|wave| wave.flush(cell, &mut self.pending));
        }
        outcome.map(|()| std::mem::take(&mut self.pending))
    }

    fn spend(&mut self, budget: Budget, progress: &dyn Progress) -> Result<(), ConditionalsError> {
        let (mut rounds, mut updates) = (0, 0);
        let total = self.runs.iter().map(Run::count).sum();
        let mut done: u64 = self.runs.iter().map(|run| run.ended + run.censored).sum();
        loop {
            let spent = match budget {
                Budget::Rounds(most) => rounds >= most,
                Budget::Updates(most) => updates >= most,
            };
            if spent || (self.cursor.is_none() && self.finished()) {
                return Ok(());
            }
            progress.checkpoint()?;
            let cursor = self.cursor.unwrap_or_else(|| {
                for run in &mut self.runs {
                    run.waves.iter_mut().for_each(|wave| wave.begin_round(&run.cell, run.counter));
                }
                Cursor::default()
            });
            self.cursor = Some(cursor);
            let (met, before) = (self.pending.meetings.len(), self.pending.updates);
            if self.step_batch(cursor)? {
                updates += self.pending.updates - before;
                done += (self.pending.meetings.len() - met) as u64;
                progress.report(done, total);
            } else {
                self.leave_basins(progress)?;
                done += (self.pending.meetings.len() - met) as u64;
                self.end_round();
                rounds += 1;
            }
        }
    }

    /// Asks and steps the next batch of the round; false if the round has none left.
    fn step_batch(&mut self, cursor: Cursor) -> Result<bool, ConditionalsError> {
        self.units.clear();
        let (rows, next) =
            gather(&self.runs, cursor, self.models.len(), self.options, &mut self.units, &mut self.asked);
        if self.units.is_empty() {
            return Ok(false);
        }
        let asked = rows.len() as u64;
        let group = cursor_group(&self.runs, &self.units, self.models.len());
        let (mut vocabulary, mut laws) = (0, None);
        if let Some(model) = self.models.get(group) {
            vocabulary = model.vocabulary();
            match model.laws() {
                Some(backend) => {
                    let Self { runs, units, options, drawing, .. } = self;
                    laws = Some(laws_of(runs, units, Foresight { backend, options: *options, cursor }, drawing)?);
                }
                None => ask_into(*model, &rows, self.options.precision, &mut self.logits)?,
            }
            self.pending.rows += asked;
        }
        let mut laws = laws.iter().flatten().map(|law| Known::Law(law));
        for unit in &self.units {
            let run = &mut self.runs[unit.place.cell];
            let mut known = |k: u32| match laws.next() {
                Some(law) => law,
                None => Known::Logits(&self.logits[k as usize * vocabulary..][..vocabulary]),
            };
            let answer = match (vocabulary, unit.x == unit.y) {
                (0, _) => Answer::Nothing,
                (_, true) => Answer::One(known(unit.x)),
                (_, false) => Answer::Two([known(unit.x), known(unit.y)]),
            };
            let (met, draws) = (self.pending.meetings.len(), run.tally.draws);
            let mut sinks = Sinks { drawing: &mut self.drawing, tally: &mut run.tally, batch: &mut self.pending };
            run.waves[unit.place.wave].step((&run.cell, run.counter), unit.place, unit.site, answer, &mut sinks);
            self.pending.updates += run.tally.draws - draws;
            for meeting in &self.pending.meetings[met..] {
                if meeting.met { run.ended += 1 } else { run.censored += 1 }
            }
        }
        self.cursor = Some(next);
        Ok(true)
    }

    /// Quenches the states that chains have come to in this round, and ends those that left the basin of their start.
    fn leave_basins(&mut self, progress: &dyn Progress) -> Result<(), ConditionalsError> {
        let Self { models, options, runs, pending, basins, .. } = self;
        for (index, run) in runs.iter_mut().enumerate().filter(|(_, run)| run.cell.chains == Chains::Basin) {
            let Run { cell, waves, ended, censored, .. } = run;
            let here = |basins: &Basins| basins.model == cell.model && basins.space == cell.space;
            let place = basins.iter().position(here).unwrap_or_else(|| {
                basins.push(Basins::new(cell.model, cell.space.clone()));
                basins.len() - 1
            });
            let known = &mut basins[place];
            known.tidy();
            let joined = |wave: &Wave| wave.state.joined && wave.live() > 0;
            let states = waves
                .iter()
                .filter(|wave| joined(wave))
                .flat_map(|wave| (0..wave.live()).flat_map(|slot| [wave.y(&*cell, slot), wave.x(&*cell, slot)]));
            known.learn(models[cell.model], states, *options, progress)?;
            for wave in waves.iter_mut().filter(|wave| joined(wave)) {
                let met = pending.meetings.len();
                wave.leave(cell, index, |start, now| known.of(start) != known.of(now), pending);
                for meeting in &pending.meetings[met..] {
                    if meeting.met { *ended += 1 } else { *censored += 1 }
                }
            }
        }
        Ok(())
    }

    fn end_round(&mut self) {
        for (index, run) in self.runs.iter_mut().enumerate() {
            for wave in run.waves.iter_mut().filter(|wave| wave.state.joined && wave.live() > 0) {
                wave.end_round(&run.cell, index, &mut run.tally, &mut self.pending);
            }
        }
        self.cursor = None;
    }
}

impl Run {
    /// Pairs or chains begun.
    fn count(&self) -> u64 {
        self.waves.iter().map(|wave| wave.state.count).sum()
    }

    fn finished(&self) -> bool {
        self.waves.iter().all(|wave| wave.live() == 0)
    }

    /// Which cells it shares batches with: those of its model, or those that ask nothing.
    pub(super) fn group(&self, models: usize) -> usize {
        if self.cell.temperature.get().is_infinite() { models } else { self.cell.model }
    }

    /// The tally with waves of which every pair has met counting 0 at all later times.
    fn complete_tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        if matches!(self.cell.chains, Chains::Pairs { .. }) {
            for wave in self.waves.iter().filter(|wave| wave.live() == 0 && !wave.state.stopped) {
                let later = tally.distances.iter_mut().enumerate();
                let later = later.filter(|(place, _)| grid_time(*place) > wave.state.time);
                later.for_each(|(_, sum)| sum.count += wave.state.count);
            }
        }
        tally
    }
}

fn find(runs: &mut [Run], cell: usize) -> Result<&mut Run, ConditionalsError> {
    let cells = runs.len();
    runs.get_mut(cell)
        .ok_or_else(|| ConditionalsError::Invalid(format!("there is no cell number {cell}: {cells} were added")))
}

/// The group of a batch's units, which all share one.
fn cursor_group(runs: &[Run], units: &[Unit], models: usize) -> usize {
    units.first().map_or(models, |unit| runs[unit.place.cell].group(models))
}

/// The next steps of a round from `cursor` on that fit one batch of one model, their questions, and where they end.
fn gather<'a>(
    runs: &'a [Run],
    cursor: Cursor,
    models: usize,
    options: Options,
    units: &mut Vec<Unit>,
    asked: &mut Asked,
) -> (Vec<Row<'a>>, Cursor) {
    let mut rows: Vec<Row<'a>> = Vec::with_capacity(options.batch_rows);
    if options.dedupe {
        asked.clear(options.batch_rows);
    }
    let Cursor { group: first_group, place: first } = cursor;
    for group in first_group..=models {
        let first = if group == first_group { first } else { Place::default() };
        for (cell, run) in runs.iter().enumerate().skip(first.cell).filter(|(_, run)| run.group(models) == group) {
            let first_wave = if cell == first.cell { first.wave } else { 0 };
            for (wave_index, wave) in run.waves.iter().enumerate().skip(first_wave) {
                if !wave.state.joined {
                    continue;
                }
                let resumed = (cell, wave_index) == (first.cell, first.wave);
                for slot in if resumed { first.slot } else { 0 }..wave.live() {
                    let place = Place { cell, wave: wave_index, slot };
                    if rows.len() + 2 > options.batch_rows || units.len() >= MOST_UNITS {
                        return (rows, Cursor { group, place });
                    }
                    let site = wave.site(&run.cell, run.counter, slot);
                    let (mut x, mut y) = (0, 0);
                    if group < models {
                        let mut question = |state: &'a [u32]| {
                            let row = Row { state, position: site };
                            if options.dedupe {
                                return asked.place(&mut rows, row);
                            }
                            rows.push(row);
                            rows.len() as u32 - 1
                        };
                        let state = wave.x(&run.cell, slot);
                        x = question(state);
                        y = x;
                        if wave.both_move(&run.cell, slot) {
                            let other = wave.y(&run.cell, slot);
                            let elsewhere = wave.state.distances[slot] - u32::from(state[site] != other[site]);
                            if elsewhere > 0 {
                                y = question(other);
                            }
                        }
                    }
                    units.push(Unit { place, site, x, y });
                }
            }
        }
        if !units.is_empty() {
            return (rows, Cursor { group: group + 1, place: Place::default() });
        }
    }
    (rows, Cursor { group: models + 1, place: Place::default() })
}

/// Refuses a kept state that does not fit its cell.
fn check_kept(cell: &Cell, kept: &CellState) -> Result<(), ConditionalsError> {
    let width = cell.space.template().len();
    let n = cell.space.free().len();
    let fits = |wave: &WaveState| {
        let live = wave.pairs.len();
        let states = |states: &[u32]| {
            states.len() == live * width && states.chunks_exact(width).all(|state| cell.space.holds(state))
        };
        let distances = wave.distances.len() == live && wave.distances.iter().all(|&d| d as usize <= n);
        states(&wave.x) && states(&wave.y) && distances && wave.status.len() == live
    };
    if kept.waves.iter().all(fits) && kept.tally.drift.len() == n + 1 {
        return Ok(());
    }
    Err(ConditionalsError::Invalid("the kept state does not fit its cell: it belongs to another run".to_owned()))
}

#[cfg(test)]
#[path = "tests/ensemble.rs"]
mod tests;
