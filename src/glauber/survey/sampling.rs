//! What a survey will look at: the order of its items, and the pair of sites of each.

use std::collections::BTreeSet;

use super::{Distance, Plausibility, Subject, SurveySpec};
use crate::glauber::conditionals::Conditionals;
use crate::statistics::Stream;

/// Most rectangles per stratum and context: their number is part of the number of the random stream.
pub(super) const MOST_PER_CONTEXT: u32 = 1 << 20;

/// All items of one subject in one context, in order of plausibility, distance, repetition.
pub(super) struct Cell {
    /// Number of the first item.
    pub first: u64,
    pub context: usize,
    pub subject: usize,
    /// The strata of which this context has a pair of sites.
    strata: Vec<(Plausibility, Distance)>,
    per_context: u64,
}

/// One rectangle to be: where it belongs and its own stream of random numbers.
pub(super) struct Item {
    pub number: u64,
    pub plausibility: Plausibility,
    pub distance: Distance,
    pub stream: Stream,
}

impl Cell {
    /// Number of items.
    pub(super) fn len(&self) -> u64 {
        self.strata.len() as u64 * self.per_context
    }
    /// Item `k` of this cell. Its draws depend on the seed, the context and the stratum and not on the subject: two
    /// models are asked the same questions in the same context as far as their vocabularies allow.
    pub(super) fn item(&self, k: u64, seed: u64) -> Item {
        let (plausibility, distance) = self.strata[(k / self.per_context) as usize];
        let stratum = (plausibility as u64) << 3 | distance as u64;
        let number = (self.context as u64) << 32 | stratum << 27 | (k % self.per_context);
        Item { number: self.first + k, plausibility, distance, stream: Stream::new(seed, number) }
    }
}

/// The cells in order: context after context, in each the subjects, so that a survey that is under way shows all of
/// them. A context without a pair of sites at a distance is left out of that stratum.
pub(super) fn cells(spec: &SurveySpec, subjects: &[Subject]) -> Vec<Cell> {
    let plausibilities: BTreeSet<Plausibility> = spec.plausibilities.iter().copied().collect();
    let distances: BTreeSet<Distance> = spec.distances.iter().copied().collect();
    let contexts = subjects.iter().map(|subject| subject.contexts.len()).max().unwrap_or(0);
    let per_context = u64::from(spec.per_context.min(MOST_PER_CONTEXT));
    let mut cells = Vec::new();
    let mut first = 0;
    for context in 0..contexts {
        for (subject, owner) in subjects.iter().enumerate() {
            let Some(state) = owner.contexts.get(context) else { continue };
            let sites = sites(owner.model.as_ref(), state);
            let present: Vec<Distance> =
                distances.iter().copied().filter(|&d| pairs(&sites, d).next().is_some()).collect();
            let strata: Vec<_> = plausibilities.iter().flat_map(|&p| present.iter().map(move |&d| (p, d))).collect();
            let cell = Cell { first, context, subject, strata, per_context };
            first += cell.len();
            if cell.len() > 0 {
                cells.push(cell);
            }
        }
    }
    cells
}

/// How many records the survey will hold.
pub fn plan(spec: &SurveySpec, subjects: &[Subject]) -> u64 {
    cells(spec, subjects).last().map_or(0, |cell| cell.first + cell.len())
}

/// Sites that hold an ordinary token: an unknown word or the like has no plausible alternatives.
pub(super) fn sites(model: &dyn Conditionals, state: &[u32]) -> Vec<usize> {
    (0..state.len()).filter(|&site| model.ordinary(state[site])).collect()
}

/// Pairs `i < j` of `sites` (ascending) at this distance, in order.
pub(super) fn pairs(sites: &[usize], distance: Distance) -> impl Iterator<Item = (usize, usize)> {
    sites.iter().enumerate().flat_map(move |(k, &i)| {
        sites[k + 1..].iter().map(move |&j| (i, j)).filter(move |&(i, j)| distance.holds(j - i))
    })
}
