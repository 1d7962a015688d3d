//! What to loosen so that a panel exists: the cheapest changes of the quotas, several of them, none containing another.

use std::collections::{BTreeMap, BTreeSet};

use super::branching::{Plan, whole};
use super::census::{Bound, Census};
use super::quotas::Quotas;
use super::simplex::Simplex;
use crate::progress::{Cancelled, Progress};

/// Branches that each search for a cheapest relaxation, or for a panel under it, may take.
const BRANCHES: u64 = 5_000;
/// Searches for one set of relaxations, after which it is given as far as it goes.
const SEARCHES: usize = 400;

/// What one unit of loosening costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Price {
    /// Every place counts the same.
    #[default]
    People,
    /// A place less of a lower bound costs 1 + 2 / min, so that small groups keep their seats; one more of an upper
    /// bound costs 1.
    Protective,
}

/// How far bounds may be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// To the flexible limits of each value.
    Flexible,
    /// To 0 and to the size of the panel.
    Free,
}

/// What is wanted of relaxations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// How many different ones.
    pub count: usize,
    /// What they cost.
    pub price: Price,
    /// How far bounds may be moved; without a wish, to the flexible limits where any value has some beyond its bounds.
    pub limits: Option<Limits>,
    /// Whether relaxations may differ only in how far the same bounds move. Otherwise none moves all the bounds that
    /// another, cheaper one moves.
    pub alike: bool,
    /// Attributes and values whose bounds stay.
    pub locked: Vec<(String, String)>,
    /// People, by place in the pool, of whom each must have a panel.
    pub reachable: Vec<u32>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { count: 5, price: Price::People, limits: None, alike: false, locked: Vec::new(), reachable: Vec::new() }
    }
}

/// One bound that moves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The attribute.
    pub attribute: String,
    /// The value.
    pub value: String,
    /// Which bound.
    pub bound: Bound,
    /// What it was.
    pub from: u32,
    /// What it becomes.
    pub to: u32,
}

/// Changes with which a panel exists, and without any part of which none does.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Relaxation {
    /// The changes, in the order of the quotas.
    pub changes: Vec<Change>,
    /// Places by which bounds move in all.
    pub people: u32,
    /// Whether it is known that no smaller part of the changes suffices.
    pub minimal: bool,
}

/// Relaxations, the cheapest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Relaxations {
    /// They.
    pub found: Vec<Relaxation>,
    /// Whether it is known that nothing cheaper was missed, and that there are no others where fewer were found than
    /// were wished for.
    pub complete: bool,
}

/// One bound of one quota row that may move.
#[derive(Clone, Copy, Debug)]
struct Movable {
    row: usize,
    bound: Bound,
    most: u32,
    cost: f64,
}

struct Search<'a> {
    census: &'a Census,
    quotas: &'a Quotas,
    limits: Vec<(u32, u32)>,
    movable: Vec<Movable>,
    /// Types of which there must be a panel.
    wanted: Vec<usize>,
    /// Those of them that have a panel of their own in the program; the others were never left out so far.
    own: Vec<usize>,
    step: f64,
}

/// By how much each movable bound moves.
type Moves = Vec<u32>;

impl Search<'_> {
    /// The program: panels by types, one for each type that needs its own, and at the end the movable bounds. Each
    /// panel has the rows of the quotas twice, once for the lower ends and once for the upper ones, and the size: a bound
    /// that moves for one panel must not push another.
    fn program(&self) -> (Simplex, usize) {
        let (rows, types) = (self.limits.len(), self.census.types());
        let size = f64::from(self.quotas.size);
        let panels: Vec<Option<usize>> = match self.own.is_empty() {
            true => vec![None],
            false => self.own.iter().copied().map(Some).collect(),
        };
        // With one panel both ends are one row.
        let upper = if panels.len() > 1 { rows } else { 0 };
        let length = rows + upper + 1;
        let ends = |&(min, max): &(u32, u32)| (f64::from(min), f64::from(max));
        let far = 2.0 * (self.census.people() as f64 + size);
        let both = self.limits.iter().map(ends);
        let limits: Vec<(f64, f64)> = match upper {
            0 => both.chain([(size, size)]).collect(),
            _ => both.clone().map(|(min, _)| (min, min + far)).chain(both.map(|(_, max)| (max - far, max))).collect(),
        };
        let limits = limits.into_iter().chain((upper > 0).then_some((size, size)));
        let mut simplex = Simplex::new(panels.iter().flat_map(|_| limits.clone()).collect());
        for (number, own) in panels.iter().enumerate() {
            let start = number * length;
            for (t, kind) in self.census.skeleton().types.iter().enumerate() {
                let lower_ends = self.census.rows_of(t);
                let upper_ends = self.census.rows_of(t).filter(|_| upper > 0).map(|row| row + upper);
                let all = lower_ends.chain(upper_ends).chain([length - 1]);
                let terms = all.map(|row| ((start + row) as u32, 1.0)).collect();
                let lower = f64::from(u8::from(*own == Some(t)));
                simplex.column(terms, 0.0, lower, f64::from(kind.size()));
            }
            for household in self.census.households() {
                let column = |&t: &u32| (number * types + t as usize, 1.0);
                simplex.lazy_row(household.iter().map(column).collect(), 0.0, 1.0);
            }
        }
        let first = simplex.width();
        for movable in &self.movable {
            let (by, end) = if movable.bound == Bound::Min { (1.0, 0) } else { (-1.0, upper) };
            let row = |number| ((number * length + end + movable.row) as u32, by);
            simplex.column((0..panels.len()).map(row).collect(), movable.cost, 0.0, f64::from(movable.most));
        }
        (simplex, first)
    }

    /// The cheapest moves within caps; the second part says whether that is known to be so, or that there are none.
    fn cheapest(&mut self, caps: &Moves, progress: &dyn Progress) -> Result<(Option<Moves>, bool), Cancelled> {
        loop {
            let (mut simplex, first) = self.program();
            caps.iter().enumerate().for_each(|(place, &cap)| simplex.set_bounds(first + place, 0.0, f64::from(cap)));
            let plan = Plan { first, step: self.step, nodes: BRANCHES, any: false };
            let answer = whole(&mut simplex, plan, progress)?;
            let Some(values) = answer.best else { return Ok((None, answer.complete)) };
            let moves: Moves = values[first..].iter().map(|&by| by as u32).collect();
            // People who need no panel of their own so far may have lost theirs.
            let open: Vec<usize> = self.wanted.iter().copied().filter(|t| !self.own.contains(t)).collect();
            let mut left_out = None;
            for t in open {
                if self.possible(&moves, Some(t), progress)? != Some(true) {
                    left_out = Some(t);
                    break;
                }
            }
            match left_out {
                None => return Ok((Some(moves), answer.complete)),
                Some(t) => self.own.push(t),
            }
        }
    }

    /// Of moves that cost the same, ones on fewer bounds: what several bounds share may be one bound's alone.
    fn concentrated(&mut self, mut moves: Moves, progress: &dyn Progress) -> Result<Moves, Cancelled> {
        let mut place = 0;
        while place < moves.len() {
            if moves[place] > 0 && moves.iter().filter(|by| **by > 0).count() > 1 {
                let most =
                    |(other, &by): (usize, &u32)| if by > 0 && other != place { self.movable[other].most } else { 0 };
                let caps = moves.iter().enumerate().map(most).collect();
                if let (Some(fewer), _) = self.cheapest(&caps, progress)?
                    && self.cost(&fewer) <= self.cost(&moves) + 1e-9
                {
                    moves = fewer;
                }
            }
            place += 1;
        }
        Ok(moves)
    }

    /// Whether a panel exists after these moves, with somebody of a type where one is given; it is a real one.
    fn possible(&self, moves: &Moves, with: Option<usize>, progress: &dyn Progress) -> Result<Option<bool>, Cancelled> {
        let changed = apply(self.quotas, &self.changes(moves));
        let mut simplex = self.census.simplex(&self.census.limits(&changed), changed.size, true, 0);
        if let Some(t) = with {
            let (_, upper) = simplex.bounds(t);
            simplex.set_bounds(t, 1.0, upper);
        }
        let answer = whole(&mut simplex, Plan::any(BRANCHES), progress)?;
        let Some(counts) = answer.best else { return Ok(answer.complete.then_some(false)) };
        let pairs = counts.iter().enumerate().map(|(t, &count)| (t as u32, count as u32));
        let panel: Vec<(u32, u32)> = pairs.filter(|&(_, count)| count > 0).collect();
        Ok(self.census.admits(&changed, &panel).then_some(true))
    }

    /// Whether these moves give what is wanted.
    fn suffice(&self, moves: &Moves, progress: &dyn Progress) -> Result<Option<bool>, Cancelled> {
        if self.wanted.is_empty() {
            return self.possible(moves, None, progress);
        }
        let mut all = Some(true);
        for &t in &self.wanted {
            match self.possible(moves, Some(t), progress)? {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => all = None,
            }
        }
        Ok(all)
    }

    /// Takes back what is not needed; whether nothing more can be taken back is known.
    fn reduced(&self, mut moves: Moves, progress: &dyn Progress) -> Result<(Moves, bool), Cancelled> {
        let mut sure = true;
        for place in 0..moves.len() {
            while moves[place] > 0 {
                moves[place] -= 1;
                match self.suffice(&moves, progress)? {
                    Some(true) => {}
                    answer => {
                        moves[place] += 1;
                        sure &= answer.is_some();
                        break;
                    }
                }
            }
        }
        Ok((moves, sure))
    }

    fn changes(&self, moves: &Moves) -> Vec<Change> {
        let change = |(movable, &by): (&Movable, &u32)| {
            let (attribute, value) = self.census.places(movable.row);
            let name = &self.quotas.attributes[attribute];
            let (min, max) = self.limits[movable.row];
            let (from, to) = if movable.bound == Bound::Min { (min, min - by) } else { (max, max + by) };
            let (attribute, value) = (name.name.clone(), name.values[value].value.clone());
            Change { attribute, value, bound: movable.bound, from, to }
        };
        self.movable.iter().zip(moves).filter(|(_, by)| **by > 0).map(change).collect()
    }

    fn cost(&self, moves: &Moves) -> f64 {
        self.movable.iter().zip(moves).map(|(movable, &by)| movable.cost * f64::from(by)).sum()
    }
}

/// The quotas after changes; flexible limits widen with the bounds where they must.
pub fn apply(quotas: &Quotas, changes: &[Change]) -> Quotas {
    let mut changed = quotas.clone();
    for change in changes {
        let attributes = changed.attributes.iter_mut().filter(|attribute| attribute.name == change.attribute);
        for quota in attributes.flat_map(|attribute| &mut attribute.values).filter(|q| q.value == change.value) {
            match change.bound {
                Bound::Min => (quota.min, quota.min_flex) = (change.to, quota.min_flex.min(change.to)),
                Bound::Max => (quota.max, quota.max_flex) = (change.to, quota.max_flex.max(change.to)),
            }
        }
    }
    changed
}

/// The bounds that may move, and by how much.
fn movable(census: &Census, quotas: &Quotas, wishes: &Wishes) -> Vec<Movable> {
    let values = || quotas.attributes.iter().flat_map(|attribute| attribute.values.iter().map(move |q| (attribute, q)));
    let flexible =
        values().any(|(_, quota)| !quota.slack && (quota.min_flex < quota.min || quota.max_flex > quota.max));
    let limits = wishes.limits.unwrap_or(if flexible { Limits::Flexible } else { Limits::Free });
    let mut movable = Vec::new();
    for (row, (attribute, quota)) in values().enumerate() {
        let locked = wishes.locked.iter().any(|(name, value)| *name == attribute.name && *value == quota.value);
        if locked || quota.slack {
            continue;
        }
        let (lowest, highest) = match limits {
            Limits::Flexible => (quota.min_flex, quota.max_flex),
            Limits::Free => (0, quotas.size),
        };
        // Beyond the people there are an upper bound has nothing to give.
        let highest = highest.min(census.people_in(row));
        let cost = match wishes.price {
            Price::People => 1.0,
            Price::Protective => 1.0 + 2.0 / f64::from(quota.min.max(1)),
        };
        let (down, up) = (quota.min.saturating_sub(lowest), highest.saturating_sub(quota.max));
        if down > 0 {
            movable.push(Movable { row, bound: Bound::Min, most: down, cost });
        }
        if up > 0 {
            movable.push(Movable { row, bound: Bound::Max, most: up, cost: 1.0 });
        }
    }
    movable
}

/// The cheapest relaxations of quotas that the census fits, each checked by a panel. Empty and complete where nothing
/// that may move helps; one without changes where nothing is needed.
///
/// Reiter's tree: where a relaxation was found, every other one that does not contain it moves at least one of its
/// bounds less far (or, where they are not to be alike, not at all), so the search goes on once for each of them.
pub fn relax(
    census: &Census,
    quotas: &Quotas,
    wishes: &Wishes,
    progress: &dyn Progress,
) -> Result<Relaxations, Cancelled> {
    progress.stage("looking for the smallest changes");
    let movable = movable(census, quotas, wishes);
    let person =
        |person: &u32| census.skeleton().types.iter().position(|kind| kind.members.binary_search(person).is_ok());
    let wanted: BTreeSet<usize> = wishes.reachable.iter().filter_map(person).collect();
    let mut search = Search {
        census,
        quotas,
        limits: census.limits(quotas),
        movable,
        wanted: wanted.into_iter().collect(),
        own: Vec::new(),
        step: if wishes.price == Price::People { 1.0 } else { 1e-4 },
    };
    let mut relaxations = Relaxations { found: Vec::new(), complete: true };
    let mut taken: Vec<Moves> = Vec::new();
    let caps: Moves = search.movable.iter().map(|movable| movable.most).collect();
    let mut known: BTreeSet<Moves> = BTreeSet::from([caps.clone()]);
    // Searches that are done, by cost and order; and those still to do.
    let mut done: BTreeMap<(u64, usize), (Moves, Moves, bool)> = BTreeMap::new();
    let mut todo = vec![caps];
    let mut searches = 0;
    loop {
        for caps in std::mem::take(&mut todo) {
            if searches >= SEARCHES {
                relaxations.complete = false;
                break;
            }
            searches += 1;
            progress.report(relaxations.found.len() as u64, wishes.count as u64);
            let (moves, sure) = search.cheapest(&caps, progress)?;
            relaxations.complete &= sure;
            if let Some(mut moves) = moves {
                if !wishes.alike {
                    moves = search.concentrated(moves, progress)?;
                }
                let rank = ((search.cost(&moves) * 1e6).round() as u64, searches);
                done.insert(rank, (caps, moves, sure));
            }
        }
        let Some((_, (caps, moves, sure))) = done.pop_first() else { break };
        let covers = |found: u32, by: u32| if wishes.alike { found <= by } else { found == 0 || by > 0 };
        let contained = taken.iter().find(|found| found.iter().zip(&moves).all(|(&found, &by)| covers(found, by)));
        let split = match contained {
            Some(found) => found.clone(),
            None => {
                // What is cheapest is minimal, but where the search gave up it may not be the cheapest.
                let (moves, minimal) = if sure { (moves, true) } else { search.reduced(moves, progress)? };
                if search.suffice(&moves, progress)? != Some(true) {
                    relaxations.complete = false;
                    continue;
                }
                if taken.contains(&moves) {
                    continue;
                }
                let people = moves.iter().sum();
                relaxations.found.push(Relaxation { changes: search.changes(&moves), people, minimal });
                taken.push(moves.clone());
                if relaxations.found.len() >= wishes.count {
                    break;
                }
                moves
            }
        };
        for (place, &by) in split.iter().enumerate().filter(|(_, by)| **by > 0) {
            let mut less = caps.clone();
            less[place] = if wishes.alike { less[place].min(by - 1) } else { 0 };
            if known.insert(less.clone()) {
                todo.push(less);
            }
        }
    }
    Ok(relaxations)
}
