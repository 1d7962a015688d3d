//! Where chains will stand, walked ahead of them as far as laws are kept.
//!
//! Every draw has an address, so the next steps of a chain are known before it takes them, up to the first context whose law
//! has to be evaluated. When a batch has few such contexts of its own, those that other chains are about to reach are evaluated
//! with it: each of them will be needed, and a network answers many rows for little more than the price of a few. No result
//! depends on it, since a law has the same bits whenever it is asked for.

use std::sync::Arc;

use super::cell::{Cell, Chains, Record};
use super::draw::{Drawing, Known};
use super::scan::Schedule;
use super::wave::{Answer, draw};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::law::Law;
use crate::statistics::Counter;

/// Most steps that a chain is walked ahead of itself: bounds what is in vain when a run is stopped.
pub(super) const HORIZON: u64 = 512;

/// One chain or pair, some steps ahead.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead {
    /// Steps of X.
    pub(super) time: u64,
    pub(super) x: Vec<u32>,
    /// Of single chains, the start.
    pub(super) y: Vec<u32>,
    /// Whether the pair has met, so that X alone goes on.
    pub(super) met: bool,
    /// Whether no step is left.
    pub(super) over: bool,
}

/// A step that cannot be taken yet: its site, and whose laws are not kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    pub(super) site: usize,
    pub(super) x: bool,
    pub(super) y: bool,
}

impl Ahead {
    /// Walks on until `until` steps are made, or to the first step whose laws `kept` does not give, which is returned.
    pub(super) fn walk(
        &mut self,
        (cell, counter, pair): (&Cell, Counter, u64),
        until: u64,
        drawing: &mut Drawing,
        kept: &mut impl FnMut(&[u32], usize) -> Result<Option<Arc<Law>>, ConditionalsError>,
    ) -> Result<Option<Blocked>, ConditionalsError> {
        let free = cell.space.free();
        let schedule = Schedule::new(cell.scan, cell.seed, pair, free.len());
        let (lag, mut order) = (cell.chains.lag(), Vec::new());
        while !self.over && self.time < until.min(cell.cap) {
            let time = self.time + 1;
            let site = free[schedule.site(time, &mut order)];
            let both = cell.chains.is_pairs() && self.time >= lag && !self.met;
            let x = kept(&self.x, site)?;
            let apart = both && (0..self.x.len()).any(|other| other != site && self.x[other] != self.y[other]);
            let y = if apart { kept(&self.y, site)? } else { None };
            let answer = match (&x, apart, &y) {
                (Some(x), false, _) => Answer::One(Known::Law(x)),
                (Some(x), true, Some(y)) => Answer::Two([Known::Law(x), Known::Law(y)]),
                _ => return Ok(Some(Blocked { site, x: x.is_none(), y: apart && y.is_none() })),
            };
            let (x, y) = draw(cell, counter.at(pair, time), answer, both, drawing);
            self.time = time;
            self.x[site] = x.token;
            if let Some(y) = y {
                self.y[site] = y.token;
            }
            match cell.chains {
                Chains::Pairs { .. } if time >= lag && self.x == self.y => {
                    self.met = true;
                    self.over = cell.record != Record::ToCap;
                }
                Chains::Single { radius: Some(radius) } => {
                    self.over = cell.space.hamming(&self.x, &self.y) > radius as usize && cell.record != Record::ToCap;
                }
                _ => {}
            }
        }
        Ok(None)
    }
}
