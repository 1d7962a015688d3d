//! Uniform lotteries: a list of M numbered panels of which a ball or a dice draws one (Flanigan, Kehne and Procaccia, "Fair
//! sortition made transparent", 2021).
//!
//! Every panel of a lottery by types gets a whole number of the M places: by dependent rounding, or by an integer program
//! that keeps the largest deviation of anybody's chance small. The seats that a type then has in all M panels go around
//! among its people in passes of random order, so that any two of them stand in the same number of panels, give or take
//! one: nobody's chance is off by more than 1/M on top of their type's.

use super::lottery::{Lottery, Panel, TypeLottery};
use super::problem::Problem;
use super::program::{Effort, Program, Unsolved};
use crate::progress::{Cancelled, Progress};
use crate::statistics::Stream;

/// Dependent roundings that exchanges start from; in large lotteries, where every exchange takes long, fewer.
const STARTS: u64 = 16;
const FEW_STARTS: u64 = 3;

/// Entries of the table of panels by types above which a lottery is large.
const LARGE: usize = 10_000;

/// How places are given to panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Rounding {
    /// Dependent rounding: every panel's number of places is its expectation rounded up or down at random, keeping both
    /// the sum and every expectation (Gandhi, Khuller, Parthasarathy and Srinivasan 2006).
    Dependent,
    /// The smallest largest deviation that an integer program finds within its branches, started from the best
    /// that exchanges of single places make of several dependent roundings. For large lotteries the exchanges alone:
    /// a single branch of their program takes longer than all of them.
    Program {
        /// Most branches: a number, so that the answer does not depend on speed.
        branches: u64,
    },
}

/// A list of equally likely numbered panels.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Transparent {
    /// The M panels in the order of their numbers, each with probability 1/M; an order of random.
    pub list: Lottery,
    /// Places of each panel of the lottery that was rounded; they sum to M.
    pub places: Vec<u32>,
    /// Largest difference of anybody's chance from the lottery's.
    pub deviation: f64,
    /// Largest difference of any type's chance a person, before its seats are given to people.
    pub type_deviation: f64,
    /// Whether no other number of places could have a smaller `type_deviation`, as far as the solver is believed.
    pub optimal: bool,
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransparentError {
    /// Nothing to round.
    #[error("the lottery has no panels: compute it first")]
    NoPanels,
    /// Too few or too many numbers.
    #[error("{0} numbered panels: use from 1 to 100000")]
    Count(u32),
    /// The caller asked for the end.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What rounding is measured by: for each panel, counts over sizes by type.
struct Shares<'a> {
    panels: Vec<Vec<(usize, f64)>>,
    expected: Vec<f64>,
    count: f64,
    lottery: &'a TypeLottery,
}

impl<'a> Shares<'a> {
    fn new(problem: &Problem, lottery: &'a TypeLottery, count: u32) -> Self {
        let share = |&(t, seats): &(u32, u32)| {
            let kind = &problem.types[t as usize];
            (t as usize, f64::from(seats) / f64::from(kind.size()))
        };
        let panels: Vec<Vec<(usize, f64)>> =
            lottery.panels.iter().map(|panel| panel.counts.iter().map(share).collect()).collect();
        let total: f64 = lottery.panels.iter().map(|panel| panel.probability).sum();
        let mut expected = vec![0.0; problem.types.len()];
        for (panel, own) in lottery.panels.iter().zip(&panels) {
            own.iter().for_each(|&(t, share)| expected[t] += panel.probability / total * share);
        }
        Self { panels, expected, count: f64::from(count), lottery }
    }

    /// Everybody's chance by type less what it should be.
    fn differences(&self, places: &[u32]) -> Vec<f64> {
        let mut differences: Vec<f64> = self.expected.iter().map(|expected| -expected).collect();
        for (&number, own) in places.iter().zip(&self.panels) {
            own.iter().for_each(|&(t, share)| differences[t] += f64::from(number) / self.count * share);
        }
        differences
    }

    fn deviation(&self, places: &[u32]) -> f64 {
        self.differences(places).into_iter().map(f64::abs).fold(0.0, f64::max)
    }

    /// The places that the probabilities ask for, not whole.
    fn wanted(&self) -> Vec<f64> {
        let total: f64 = self.lottery.panels.iter().map(|panel| panel.probability).sum();
        self.lottery.panels.iter().map(|panel| panel.probability / total * self.count).collect()
    }

    /// Moves single places between panels, the best move first, while that lowers the sum of eighth powers of all
    /// differences: a smooth stand-in for the largest one, which alone would end at the first tie.
    fn exchange(&self, places: &mut [u32], progress: &dyn Progress) -> Result<(), Cancelled> {
        let eighth = |x: f64| {
            let fourth = x * x * x * x;
            fourth * fourth
        };
        loop {
            progress.checkpoint()?;
            // In units of a thousandth of a place, so that powers of small differences keep their digits.
            let scale = 1e3 * self.count;
            let differences: Vec<f64> = self.differences(places).into_iter().map(|by| by * scale).collect();
            let sum: f64 = differences.iter().copied().map(eighth).sum();
            let mut best = (-1e-9 * sum, None);
            let mut without = differences.clone();
            for from in (0..places.len()).filter(|&from| places[from] > 0) {
                let mut lost = 0.0;
                for &(t, share) in &self.panels[from] {
                    without[t] = differences[t] - share * 1e3;
                    lost += eighth(without[t]) - eighth(differences[t]);
                }
                for to in (0..places.len()).filter(|&to| to != from) {
                    let gain = |&(t, share): &(usize, f64)| eighth(without[t] + share * 1e3) - eighth(without[t]);
                    let change = lost + self.panels[to].iter().map(gain).sum::<f64>();
                    if change < best.0 {
                        best = (change, Some((from, to)));
                    }
                }
                self.panels[from].iter().for_each(|&(t, _)| without[t] = differences[t]);
            }
            let Some((from, to)) = best.1 else { return Ok(()) };
            places[from] -= 1;
            places[to] += 1;
        }
    }

    /// The integer program; `None` where it finds nothing better than `known` within its branches.
    fn program(
        &self,
        known: f64,
        branches: u64,
        progress: &dyn Progress,
    ) -> Result<Option<(Vec<u32>, bool)>, Cancelled> {
        // In units of one place, so that coefficients are of order 1.
        let mut program = Program::default();
        let largest = program.column(1.0, 0.0, known * self.count);
        let columns: Vec<usize> = self
            .wanted()
            .into_iter()
            .map(|wanted| {
                let (low, high) = ((wanted.floor() - 1.0).max(0.0), (wanted.ceil() + 1.0).min(self.count));
                program.whole(0.0, low, high)
            })
            .collect();
        program.constrain(columns.iter().map(|&column| (column, 1.0)).collect(), self.count, self.count);
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.expected.len()];
        for (&column, own) in columns.iter().zip(&self.panels) {
            own.iter().for_each(|&(t, share)| rows[t].push((column, share)));
        }
        for (terms, expected) in rows.into_iter().zip(&self.expected).filter(|(terms, _)| !terms.is_empty()) {
            let middle = expected * self.count;
            let with = |by: f64| terms.iter().copied().chain([(largest, by)]).collect();
            program.constrain(with(-1.0), f64::NEG_INFINITY, middle);
            program.constrain(with(1.0), middle, f64::INFINITY);
        }
        match program.solve(Effort { gap: 0.0, nodes: branches }, progress) {
            Ok(vertex) => {
                let places = columns.iter().map(|&column| vertex.values[column].max(0.0) as u32).collect();
                Ok(Some((places, vertex.optimal)))
            }
            Err(Unsolved::Cancelled(cancelled)) => Err(cancelled),
            Err(_) => Ok(None),
        }
    }
}

/// Rounds every wanted number up or down at random, keeping the sum (which is whole up to rounding) and expectations.
fn dependent(wanted: &[f64], count: u32, stream: &mut Stream) -> Vec<u32> {
    let mut places: Vec<u32> = wanted.iter().map(|number| (number + 1e-9).floor() as u32).collect();
    let mut rests: Vec<f64> =
        wanted.iter().zip(&places).map(|(number, whole)| (number - f64::from(*whole)).max(0.0)).collect();
    let mut open: Option<usize> = None;
    for next in 0..wanted.len() {
        let Some(held) = open else {
            open = (rests[next] > 1e-9).then_some(next);
            continue;
        };
        if rests[next] <= 1e-9 {
            continue;
        }
        // One of the two becomes whole; what the other gains it loses.
        let (up, down) = ((1.0 - rests[held]).min(rests[next]), rests[held].min(1.0 - rests[next]));
        let shift = if stream.unit() * (up + down) < down { up } else { -down };
        rests[held] += shift;
        rests[next] -= shift;
        let settle = |place: usize, rests: &mut [f64], places: &mut [u32]| {
            let whole = rests[place] <= 1e-9 || rests[place] >= 1.0 - 1e-9;
            if rests[place] >= 1.0 - 1e-9 {
                places[place] += 1;
            }
            if whole {
                rests[place] = 0.0;
            }
            whole
        };
        let whole = [held, next].map(|place| settle(place, &mut rests, &mut places));
        open = [held, next].into_iter().zip(whole).find(|(_, whole)| !whole).map(|(place, _)| place);
    }
    // What rounding of the probabilities left over goes to the largest rests.
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| rests[b].total_cmp(&rests[a]));
    let given: u32 = places.iter().sum();
    order.iter().cycle().take(count.saturating_sub(given) as usize).for_each(|&place| places[place] += 1);
    places
}

/// A list of `count` numbered panels from `lottery`.
pub fn transparent(
    problem: &Problem,
    lottery: &TypeLottery,
    count: u32,
    rounding: Rounding,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Transparent, TransparentError> {
    if lottery.panels.is_empty() {
        return Err(TransparentError::NoPanels);
    }
    if !(1..=100_000).contains(&count) {
        return Err(TransparentError::Count(count));
    }
    progress.stage("giving numbers to panels");
    let shares = Shares::new(problem, lottery, count);
    let mut places = dependent(&shares.wanted(), count, &mut Stream::new(seed, 0));
    let mut optimal = false;
    if let Rounding::Program { branches } = rounding {
        let mut known = f64::INFINITY;
        let large = shares.panels.iter().map(Vec::len).sum::<usize>() > LARGE;
        let starts = if large { FEW_STARTS } else { STARTS };
        for start in 0..starts {
            progress.report(start, starts);
            let mut other = dependent(&shares.wanted(), count, &mut Stream::new(seed, start + 2));
            shares.exchange(&mut other, progress)?;
            let deviation = shares.deviation(&other);
            if deviation < known {
                (known, places) = (deviation, other);
            }
        }
        if !large
            && branches > 0
            && let Some((found, proven)) = shares.program(known, branches, progress)?
            && found.iter().sum::<u32>() == count
            && shares.deviation(&found) <= known
        {
            (places, optimal) = (found, proven);
        }
    }
    let panels = seat_all(problem, lottery, &places, &mut Stream::new(seed, 1));
    let probability = 1.0 / f64::from(count);
    let list = Lottery { panels: panels.into_iter().map(|members| Panel { members, probability }).collect() };
    let mut chances = vec![0.0; problem.people()];
    list.panels.iter().flat_map(|panel| &panel.members).for_each(|&person| chances[person as usize] += probability);
    let mut deviation = 0.0f64;
    for (kind, expected) in problem.types.iter().zip(&shares.expected) {
        for &person in &kind.members {
            deviation = deviation.max((chances[person as usize] - expected).abs());
        }
    }
    let type_deviation = shares.deviation(&places);
    Ok(Transparent { list, places, deviation, type_deviation, optimal })
}

/// Members of all panels in a random order of panels; the seats of a type go around among its people in passes of random
/// order.
fn seat_all(problem: &Problem, lottery: &TypeLottery, places: &[u32], stream: &mut Stream) -> Vec<Vec<u32>> {
    let numbered: Vec<usize> =
        places.iter().enumerate().flat_map(|(panel, &times)| std::iter::repeat_n(panel, times as usize)).collect();
    let order = stream.distinct(numbered.len(), numbered.len());
    let mut queues: Vec<Vec<u32>> = vec![Vec::new(); problem.types.len()];
    let seat = |number: usize| {
        let mut members: Vec<u32> = Vec::with_capacity(problem.size as usize);
        for &(t, seats) in &lottery.panels[numbered[number]].counts {
            let people = &problem.types[t as usize].members;
            let queue = &mut queues[t as usize];
            let first = members.len();
            for _ in 0..seats {
                if queue.is_empty() {
                    queue.extend(stream.distinct(people.len(), people.len()).into_iter().map(|place| people[place]));
                }
                // Where a pass begins within a panel, whoever is seated already waits for the next panel. Somebody else is
                // always left, as a panel has no more seats for a type than there are people.
                let Some(place) = queue.iter().rposition(|person| !members[first..].contains(person)) else { break };
                members.push(queue.remove(place));
            }
        }
        members.sort_unstable();
        members
    };
    order.into_iter().map(seat).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lottery::TypePanel;
    use super::super::sampled::instances::square;
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    fn lottery(first: f64) -> TypeLottery {
        TypeLottery {
            panels: vec![
                TypePanel { counts: vec![(0, 1), (3, 1)], probability: first },
                TypePanel { counts: vec![(1, 1), (2, 1)], probability: 1.0 - first },
            ],
        }
    }

    #[test]
    fn a_list_of_numbers() {
        let problem = square();
        for rounding in [Rounding::Dependent, Rounding::Program { branches: 1000 }] {
            let found = transparent(&problem, &lottery(5.0 / 9.0), 1000, rounding, 7, &Silent).unwrap();
            assert_eq!(found.list.panels.len(), 1000);
            assert_eq!(found.places.iter().sum::<u32>(), 1000);
            assert!(found.places[0] == 555 || found.places[0] == 556);
            assert!(found.deviation <= found.type_deviation + 1e-3 + 1e-12 && found.type_deviation < 1e-3);
            for panel in &found.list.panels {
                let mut counts = [0; 4];
                for person in &panel.members {
                    counts[problem.types.iter().position(|kind| kind.members.contains(person)).unwrap()] += 1;
                }
                assert!(problem.admits(&counts), "{panel:?}");
            }
            assert_eq!(found, transparent(&problem, &lottery(5.0 / 9.0), 1000, rounding, 7, &Silent).unwrap());
        }
        let best = transparent(&problem, &lottery(5.0 / 9.0), 1000, Rounding::Program { branches: 1000 }, 7, &Silent);
        let best = best.unwrap();
        assert!(best.places == [556, 444] && best.optimal, "{:?}", best.places);
    }

    #[test]
    fn expectations_are_kept() {
        let problem = square();
        let mut first = 0;
        for seed in 0..400 {
            first += transparent(&problem, &lottery(0.55), 2, Rounding::Dependent, seed, &Silent).unwrap().places[0];
        }
        // 1.1 places each: one, and another in a tenth of the lists.
        assert!((f64::from(first) / 400.0 - 1.1).abs() < 5.0 * (0.09f64 / 400.0).sqrt(), "{first}");
    }

    #[test]
    fn what_cannot_be_rounded() {
        let refused =
            |lottery: TypeLottery, count| transparent(&square(), &lottery, count, Rounding::Dependent, 1, &Silent);
        assert_eq!(refused(TypeLottery::default(), 10).unwrap_err(), TransparentError::NoPanels);
        assert_eq!(refused(lottery(0.5), 0).unwrap_err(), TransparentError::Count(0));
    }

    proptest! {
        #[test]
        fn rounding_keeps_the_sum(parts in proptest::collection::vec(0.01..1.0f64, 1..30), count in 1..500u32, seed in 0..99u64) {
            let sum: f64 = parts.iter().sum();
            let wanted: Vec<f64> = parts.iter().map(|part| part / sum * f64::from(count)).collect();
            let places = dependent(&wanted, count, &mut Stream::new(seed, 0));
            prop_assert_eq!(places.iter().sum::<u32>(), count);
            for (place, wanted) in places.iter().zip(&wanted) {
                prop_assert!((f64::from(*place) - wanted).abs() < 1.0 + 1e-6);
            }
        }
    }
}
