//! Pairs that began together and step together: all that live have made the same number of steps.

use std::sync::Arc;

use super::ahead::{Ahead, Blocked, HORIZON};
use super::cell::{Cell, Chains, Record};
use super::coupling::Coupling;
use super::draw::{Drawing, Drawn, Known};
use super::ensemble::{Batch, Meeting, Segment};
use super::scan::{Scan, permute, random_site, systematic_site};
use super::tally::{DistanceSum, Tally};
use super::trace::{token_bytes, write_token};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::law::Law;
use crate::statistics::{Counter, Moment};

/// How far a pair has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not met, not escaped.
    Apart,
    /// Met or escaped, and X is still recorded.
    Ended,
    /// Leaves the wave when the round ends.
    Gone,
}

/// What is kept of a wave. A slot is the place of a live pair; slots keep the order of pair numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WaveState {
    /// Number of its first pair.
    pub first: u64,
    /// Pairs it began with.
    pub count: u64,
    /// Steps that all its live pairs have made (some one more, while a round is under way).
    pub time: u64,
    /// Whether it takes part in the round under way.
    pub joined: bool,
    /// Whether the caller ended it early.
    pub stopped: bool,
    /// Numbers of the live pairs.
    pub pairs: Vec<u64>,
    /// Their states, `[live, tokens of a state]`; of single chains `y` holds the start.
    pub x: Vec<u32>,
    pub y: Vec<u32>,
    /// Their Hamming distances; meaningless before the lag.
    pub distances: Vec<u32>,
    pub status: Vec<Status>,
    /// Distances after the round under way.
    pub round: DistanceSum,
    /// Pairs of lower number are recorded, where the cell records at all.
    #[serde(default = "all_recorded")]
    pub recorded: u64,
}

/// What waves did before they could choose.
fn all_recorded() -> u64 {
    u64::MAX
}

/// Tokens of one pair since they were last handed over.
#[derive(Clone, Debug, Default)]
struct Log {
    x: Vec<u8>,
    y: Vec<u8>,
}

/// Where a live pair is: indices of cell, wave and slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    pub(super) cell: usize,
    pub(super) wave: usize,
    pub(super) slot: usize,
}

/// The model's answer for one step.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    /// Infinite temperature: nothing was asked.
    Nothing,
    /// One conditional, for X alone or for two chains in one context.
    One(Known<'a>),
    Two([Known<'a>; 2]),
}

/// What a step adds to.
pub(super) struct Sinks<'a> {
    pub(super) drawing: &'a mut Drawing,
    pub(super) tally: &'a mut Tally,
    pub(super) batch: &'a mut Batch,
}

pub(super) struct Wave {
    pub(super) state: WaveState,
    /// `[live, free sites]` under the permutation scan: the order of the present sweep.
    order: Vec<u32>,
    /// One for each live pair whose tokens are recorded: the first slots.
    logs: Vec<Log>,
    /// One for each live pair, once they are walked ahead.
    ahead: Vec<Ahead>,
}

impl Wave {
    /// `count` pairs from number `first` on, at their starts; those below number `recorded` keep their tokens if the cell
    /// records. Those that start together have met at time 0.
    pub(super) fn begin(
        (cell, cell_index): (&Cell, usize),
        (first, count): (u64, u64),
        recorded: u64,
        batch: &mut Batch,
    ) -> Self {
        let mut state = WaveState { first, count, recorded, ..WaveState::default() };
        let comparable = cell.chains.lag() == 0;
        for pair in first..first + count {
            let [x, mut y] = cell.start.pair(&cell.space, cell.seed, pair);
            if !cell.chains.is_pairs() {
                y.clone_from(&x);
            }
            let distance = cell.space.hamming(&x, &y) as u32;
            let mut status = Status::Apart;
            if comparable && cell.chains.is_pairs() {
                state.round.sum += u64::from(distance);
                state.round.squares += u64::from(distance).pow(2);
                if distance == 0 {
                    batch.meetings.push(Meeting { cell: cell_index, pair, time: 0, met: true });
                    status = if cell.record == Record::ToCap { Status::Ended } else { Status::Gone };
                }
            }
            if status != Status::Gone {
                state.pairs.push(pair);
                state.x.extend(x);
                state.y.extend(y);
                state.distances.push(distance);
                state.status.push(status);
            }
        }
        state.round.count = count;
        Self::resume(cell, state)
    }

    /// A wave as it was kept.
    pub(super) fn resume(cell: &Cell, state: WaveState) -> Self {
        let recorded = state.pairs.partition_point(|&pair| pair < state.recorded);
        let logs = if cell.record == Record::Nothing { 0 } else { recorded };
        let mut wave = Self { state, order: Vec::new(), logs: vec![Log::default(); logs], ahead: Vec::new() };
        wave.arrange(cell, Counter::new(cell.seed));
        wave
    }

    pub(super) fn live(&self) -> usize {
        self.state.pairs.len()
    }

    pub(super) fn x<'a>(&'a self, cell: &Cell, slot: usize) -> &'a [u32] {
        let width = cell.space.template().len();
        &self.state.x[slot * width..][..width]
    }

    pub(super) fn y<'a>(&'a self, cell: &Cell, slot: usize) -> &'a [u32] {
        let width = cell.space.template().len();
        &self.state.y[slot * width..][..width]
    }

    /// Whether Y moves in the coming step of `slot`.
    pub(super) fn both_move(&self, cell: &Cell, slot: usize) -> bool {
        let pairs = matches!(cell.chains, Chains::Pairs { lag, .. } if self.state.time >= lag);
        pairs && self.state.status[slot] == Status::Apart
    }

    /// Writes the orders of the sweep to which the coming step belongs.
    fn arrange(&mut self, cell: &Cell, counter: Counter) {
        if cell.scan == Scan::Permutation {
            let n = cell.space.free().len();
            self.order.resize(self.live() * n, 0);
            for (order, &pair) in self.order.chunks_exact_mut(n).zip(&self.state.pairs) {
                permute(counter, pair, self.state.time + 1, order);
            }
        }
    }

    /// The site, counted in the whole state, that the coming step of `slot` updates.
    pub(super) fn site(&self, cell: &Cell, counter: Counter, slot: usize) -> usize {
        let (n, time) = (cell.space.free().len(), self.state.time + 1);
        cell.space.free()[match cell.scan {
            Scan::Random => random_site(counter, self.state.pairs[slot], time, n),
            Scan::Systematic => systematic_site(time, n),
            Scan::Permutation => self.order[slot * n + systematic_site(time, n)] as usize,
        }]
    }

    /// Walks the pair of a slot ahead as far as laws are kept; gives the step at which it must wait. `stepped` says whether
    /// it has made the step of the round under way.
    pub(super) fn look_ahead(
        &mut self,
        (cell, counter): (&Cell, Counter),
        slot: usize,
        stepped: bool,
        drawing: &mut Drawing,
        kept: &mut impl FnMut(&[u32], usize) -> Result<Option<Arc<Law>>, ConditionalsError>,
    ) -> Result<Option<Blocked>, ConditionalsError> {
        if self.ahead.is_empty() {
            self.ahead.resize(self.live(), Ahead::default());
        }
        let time = self.state.time + u64::from(stepped);
        if self.ahead[slot].time < time || self.ahead[slot].x.is_empty() {
            let (x, y) = (self.x(cell, slot).to_vec(), self.y(cell, slot).to_vec());
            let (met, over) = match self.state.status[slot] {
                Status::Apart => (false, false),
                Status::Ended => (true, false),
                Status::Gone => (true, true),
            };
            self.ahead[slot] = Ahead { time, x, y, met, over };
        }
        self.ahead[slot].walk((cell, counter, self.state.pairs[slot]), time + HORIZON, drawing, kept)
    }

    /// Where [`Self::look_ahead`] left the pair of a slot: X's state, or Y's.
    pub(super) fn ahead(&self, slot: usize, second: bool) -> &[u32] {
        if second { &self.ahead[slot].y } else { &self.ahead[slot].x }
    }

    /// Takes part in the round that begins.
    pub(super) fn begin_round(&mut self, cell: &Cell, counter: Counter) {
        self.state.joined = true;
        self.state.round = DistanceSum::default();
        if self.live() > 0 && self.state.time.is_multiple_of(cell.space.free().len() as u64) {
            self.arrange(cell, counter);
        }
    }

    /// One step of the pair in a slot, at `site`.
    pub(super) fn step(
        &mut self,
        (cell, counter): (&Cell, Counter),
        place: Place,
        site: usize,
        answer: Answer<'_>,
        sinks: &mut Sinks<'_>,
    ) {
        let (slot, time) = (place.slot, self.state.time + 1);
        let both = self.both_move(cell, slot);
        let at = slot * cell.space.template().len() + site;
        let moment = counter.at(self.state.pairs[slot], time);
        let (x, y) = draw(cell, moment, answer, both, sinks.drawing);
        sinks.tally.draws += 1 + u64::from(both);
        sinks.tally.near_ties += u64::from(x.near) + u64::from(y.is_some_and(|y| y.near));
        let (x, y) = (x.token, y.map(|y| y.token));

        let state = &mut self.state;
        let (lag, status) = (cell.chains.lag(), state.status[slot]);
        let differed = state.x[at] != state.y[at];
        state.x[at] = x;
        if let Some(y) = y {
            state.y[at] = y;
        }
        // Single chains are compared with their start, pairs from the lag until they meet.
        let compared = time > lag && (both || !cell.chains.is_pairs());
        if compared {
            let before = state.distances[slot];
            let differ = state.x[at] != state.y[at];
            state.distances[slot] = before + u32::from(differ) - u32::from(differed);
            let drift = &mut sinks.tally.drift[before as usize];
            drift.count += 1;
            drift.sum += i64::from(differ) - i64::from(differed);
            drift.squares += u64::from(differ != differed);
        }
        let mut distance = state.distances[slot];
        if time == lag {
            let width = cell.space.template().len();
            let (x, y) = (&state.x[slot * width..][..width], &state.y[slot * width..][..width]);
            distance = cell.space.hamming(x, y) as u32;
            state.distances[slot] = distance;
        }
        if time >= lag {
            state.round.count += 1;
            state.round.sum += u64::from(distance);
            state.round.squares += u64::from(distance) * u64::from(distance);
        }
        if let Some(log) = self.logs.get_mut(slot) {
            let bytes = token_bytes(&cell.space);
            write_token(x, bytes, &mut log.x);
            if let Some(y) = y {
                write_token(y, bytes, &mut log.y);
            }
        }
        let ends = match cell.chains {
            Chains::Pairs { .. } => time >= lag && distance == 0,
            Chains::Single { radius } => radius.is_some_and(|radius| distance > radius),
            // Known once the states of the whole round are quenched.
            Chains::Basin => return,
        };
        if status == Status::Apart && (ends || time >= cell.cap) {
            let pair = state.pairs[slot];
            sinks.batch.meetings.push(Meeting { cell: place.cell, pair, time, met: ends });
            state.status[slot] = Status::Ended;
        }
        if time >= cell.cap || (state.status[slot] == Status::Ended && cell.record != Record::ToCap) {
            state.status[slot] = Status::Gone;
        }
    }

    /// Ends the chains for which `left` says so of their start and their state, and those at the cap, after the step that all
    /// have made.
    pub(super) fn leave(
        &mut self,
        cell: &Cell,
        cell_index: usize,
        left: impl Fn(&[u32], &[u32]) -> bool,
        batch: &mut Batch,
    ) {
        let time = self.state.time + 1;
        for slot in 0..self.live() {
            let met = self.state.status[slot] == Status::Apart && left(self.y(cell, slot), self.x(cell, slot));
            let (state, over) = (&mut self.state, time >= cell.cap);
            if state.status[slot] == Status::Apart && (met || over) {
                batch.meetings.push(Meeting { cell: cell_index, pair: state.pairs[slot], time, met });
                state.status[slot] = Status::Ended;
            }
            if over || (state.status[slot] == Status::Ended && cell.record != Record::ToCap) {
                state.status[slot] = Status::Gone;
            }
        }
    }

    /// All live pairs have made their step.
    pub(super) fn end_round(&mut self, cell: &Cell, cell_index: usize, tally: &mut Tally, batch: &mut Batch) {
        self.state.time += 1;
        self.count_distances(cell, tally);
        if self.state.status.contains(&Status::Gone) {
            self.sweep_out(cell, cell_index, batch);
        }
    }

    /// Adds the distances at the present time; pairs that have met count 0, chains that have escaped do not count.
    pub(super) fn count_distances(&self, cell: &Cell, tally: &mut Tally) {
        if self.state.time >= cell.chains.lag() {
            let count = if cell.chains.is_pairs() { self.state.count } else { self.state.round.count };
            tally.add_distances(self.state.time, DistanceSum { count, ..self.state.round });
        }
    }

    /// Removes the slots that are gone; the others keep their order.
    fn sweep_out(&mut self, cell: &Cell, cell_index: usize, batch: &mut Batch) {
        let state = &mut self.state;
        for (slot, log) in self.logs.iter_mut().enumerate() {
            if state.status[slot] == Status::Gone {
                hand_over(log, cell_index, state.pairs[slot], batch);
            }
        }
        let keep: Vec<bool> = state.status.iter().map(|status| *status != Status::Gone).collect();
        retain(&mut state.pairs, 1, &keep);
        retain(&mut state.distances, 1, &keep);
        retain(&mut state.x, cell.space.template().len(), &keep);
        retain(&mut state.y, cell.space.template().len(), &keep);
        retain(&mut self.order, cell.space.free().len(), &keep);
        retain(&mut self.logs, 1, &keep);
        retain(&mut self.ahead, 1, &keep);
        retain(&mut state.status, 1, &keep);
    }

    /// Hands the recorded tokens to the batch.
    pub(super) fn flush(&mut self, cell_index: usize, batch: &mut Batch) {
        for (log, &pair) in self.logs.iter_mut().zip(&self.state.pairs) {
            hand_over(log, cell_index, pair, batch);
        }
    }

    /// The pairs still apart, as if censored where they stand. `stepped` says which slots have made the step of the round
    /// under way.
    pub(super) fn apart(&self, cell: usize, stepped: impl Fn(usize) -> bool, apart: &mut Vec<Meeting>) {
        let state = &self.state;
        for slot in (0..self.live()).filter(|&slot| state.status[slot] == Status::Apart) {
            let time = state.time + u64::from(state.joined && stepped(slot));
            apart.push(Meeting { cell, pair: state.pairs[slot], time, met: false });
        }
    }

    /// Ends every pair where it stands; `stepped` as for [`Self::apart`].
    pub(super) fn stop(&mut self, cell: &Cell, cell_index: usize, stepped: impl Fn(usize) -> bool, batch: &mut Batch) {
        if self.live() == 0 {
            return;
        }
        self.state.stopped = true;
        self.apart(cell_index, stepped, &mut batch.meetings);
        self.state.status.fill(Status::Gone);
        self.sweep_out(cell, cell_index, batch);
    }
}

/// Draws X's token, and Y's where both move.
pub(super) fn draw(
    cell: &Cell,
    moment: Moment,
    answer: Answer<'_>,
    both: bool,
    drawing: &mut Drawing,
) -> (Drawn, Option<Drawn>) {
    let coupling = match cell.chains {
        Chains::Pairs { coupling, .. } => coupling,
        Chains::Single { .. } | Chains::Basin => Coupling::InverseCdf,
    };
    let (allowed, temperature) = (cell.space.allowed(), cell.temperature);
    let mut one = |known| drawing.one(coupling, temperature, allowed, known, moment);
    let [x, y]: [Drawn; 2] = match (both, answer) {
        (false, Answer::Nothing) => [one(None); 2],
        (false, Answer::One(known) | Answer::Two([known, _])) => [one(Some(known)); 2],
        (true, Answer::One(known)) if coupling != Coupling::Independent => [one(Some(known)); 2],
        (true, Answer::One(known)) => drawing.two(coupling, temperature, allowed, Some([known; 2]), moment),
        (true, Answer::Two(known)) => drawing.two(coupling, temperature, allowed, Some(known), moment),
        (true, Answer::Nothing) => drawing.two(coupling, temperature, allowed, None, moment),
    };
    (x, both.then_some(y))
}

fn hand_over(log: &mut Log, cell: usize, pair: u64, batch: &mut Batch) {
    for (second, tokens) in [(false, &mut log.x), (true, &mut log.y)] {
        if !tokens.is_empty() {
            batch.segments.push(Segment { cell, pair, second, tokens: std::mem::take(tokens) });
        }
    }
}

/// Keeps the blocks of `width` items whose flag is set, in their order.
fn retain<T>(items: &mut Vec<T>, width: usize, keep: &[bool]) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        keep[(at - 1) / width]
    });
}
