//! Chances of two people to sit together.

use super::lottery::{Lottery, TypeLottery};
use super::problem::Problem;

/// Most people for a full table of pairs (8 bytes a pair).
pub const MOST_FOR_TABLE: usize = 2000;

/// Everybody's chance to sit with everybody else.
#[derive(Clone, Debug, PartialEq)]
pub struct PairTable {
    people: usize,
    /// Row-major; on the diagonal the chance to be drawn at all.
    values: Vec<f64>,
}

impl PairTable {
    /// The exact table of a lottery over a pool of `people`; `None` above [`MOST_FOR_TABLE`].
    pub fn new(lottery: &Lottery, people: usize) -> Option<Self> {
        if people > MOST_FOR_TABLE {
            return None;
        }
        let mut values = vec![0.0; people * people];
        for panel in &lottery.panels {
            for &one in &panel.members {
                let row = &mut values[one as usize * people..][..people];
                panel.members.iter().for_each(|&other| row[other as usize] += panel.probability);
            }
        }
        Some(Self { people, values })
    }

    /// The chance that both are drawn; for a person with itself, the chance to be drawn.
    pub fn get(&self, one: usize, other: usize) -> f64 {
        self.values[one * self.people + other]
    }

    /// The `count` pairs most likely to sit together, the most likely first, ties by place.
    pub fn top(&self, count: usize) -> Vec<(u32, u32, f64)> {
        let mut pairs: Vec<(u32, u32, f64)> = Vec::new();
        for one in 0..self.people {
            for other in one + 1..self.people {
                let chance = self.get(one, other);
                if chance > 0.0 {
                    pairs.push((one as u32, other as u32, chance));
                }
            }
            // Cut now and then, so that a large pool does not need all its pairs at once.
            if pairs.len() > 4 * count + 100_000 {
                keep_top(&mut pairs, count);
            }
        }
        keep_top(&mut pairs, count);
        pairs
    }

    /// Variance over the lottery of a panel's mean of `values`, one a person, for panels of `size`:
    /// `sum_ij (pi_ij - pi_i pi_j) v_i v_j / k^2`.
    pub fn variance_of_mean(&self, values: &[f64], size: u32) -> f64 {
        let mut sum = 0.0;
        for (one, a) in values.iter().enumerate() {
            for (other, b) in values.iter().enumerate() {
                sum += (self.get(one, other) - self.get(one, one) * self.get(other, other)) * a * b;
            }
        }
        sum / f64::from(size).powi(2)
    }
}

fn keep_top(pairs: &mut Vec<(u32, u32, f64)>, count: usize) {
    pairs.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    pairs.truncate(count);
}

/// Whom `person` sits with, and how likely: everybody with a chance, the most likely first, ties by place. Exact, and for
/// pools of any size.
pub fn partners(lottery: &Lottery, people: usize, person: u32) -> Vec<(u32, f64)> {
    let mut chances = vec![0.0; people];
    for panel in lottery.panels.iter().filter(|panel| panel.members.binary_search(&person).is_ok()) {
        panel.members.iter().for_each(|&other| chances[other as usize] += panel.probability);
    }
    let everybody = chances.into_iter().enumerate().map(|(other, chance)| (other as u32, chance));
    let mut partners: Vec<(u32, f64)> = everybody.filter(|&(other, chance)| other != person && chance > 0.0).collect();
    partners.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    partners
}

/// The chance of one person of type `one` and another of type `other` to sit together, where people are drawn uniformly
/// within their types: `E[c_t c_u] / (m_t m_u)`, within a type `E[c_t (c_t - 1)] / (m_t (m_t - 1))`; 0 within a type of one.
pub fn type_pair(problem: &Problem, lottery: &TypeLottery, one: u32, other: u32) -> f64 {
    let size = |t: u32| f64::from(problem.types[t as usize].size());
    let mut expected = 0.0;
    for panel in &lottery.panels {
        let count =
            |t: u32| panel.counts.iter().find(|&&(kind, _)| kind == t).map_or(0.0, |&(_, count)| f64::from(count));
        let second = if one == other { count(one) - 1.0 } else { count(other) };
        expected += panel.probability * count(one) * second;
    }
    let pairs = size(one) * if one == other { size(one) - 1.0 } else { size(other) };
    if pairs > 0.0 { expected / pairs } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::lottery::{Panel, TypePanel};
    use super::super::sampled::{instances::square, seat};
    use super::*;
    use crate::statistics::Stream;
    use proptest::prelude::*;

    fn panel(members: &[u32], probability: f64) -> Panel {
        Panel { members: members.to_vec(), probability }
    }

    #[test]
    fn the_variance_of_the_worked_example() {
        let lottery = Lottery { panels: vec![panel(&[0, 1], 0.5), panel(&[0, 2], 0.25), panel(&[1, 3], 0.25)] };
        let table = PairTable::new(&lottery, 4).unwrap();
        assert!((table.variance_of_mean(&[0.2, 0.5, 0.9, 1.4], 2) - 0.06).abs() < 1e-12);
        assert_eq!(table.top(1), [(0, 1, 0.5)]);
        assert_eq!(partners(&lottery, 4, 1), [(0, 0.5), (3, 0.25)]);
        assert!(PairTable::new(&lottery, MOST_FOR_TABLE + 1).is_none());
    }

    #[test]
    fn types_say_what_seated_people_say() {
        let problem = square();
        let types = TypeLottery {
            panels: vec![
                TypePanel { counts: vec![(1, 1), (3, 2)], probability: 0.25 },
                TypePanel { counts: vec![(2, 2), (3, 1)], probability: 0.75 },
            ],
        };
        // Two of four MO in a quarter of the draws.
        assert!((type_pair(&problem, &types, 3, 3) - 0.25 * 2.0 / 12.0).abs() < 1e-15);
        assert!((type_pair(&problem, &types, 2, 3) - 0.75 * 2.0 / 8.0).abs() < 1e-15);
        assert_eq!(type_pair(&problem, &types, 0, 0), 0.0);
        let mut stream = Stream::new(1, 0);
        let draws = 40_000;
        let mut panels = Vec::new();
        for draw in 0..draws {
            let counts = &types.panels[usize::from(draw % 4 > 0)].counts;
            panels.push(panel(&seat(&problem, counts, &mut stream), 1.0 / f64::from(draws)));
        }
        let table = PairTable::new(&Lottery { panels }, 9).unwrap();
        let within = type_pair(&problem, &types, 3, 3);
        assert!((table.get(1, 2) - within).abs() < 5.0 * (within / f64::from(draws)).sqrt());
    }

    proptest! {
        /// A person's chances with all others sum to (k - 1) times their own.
        #[test]
        fn chances_with_others_sum_up(seed in 0..1000u64, panels in 1..12usize) {
            let mut stream = Stream::new(seed, 0);
            let panels: Vec<Panel> = (0..panels)
                .map(|_| {
                    let mut members: Vec<u32> = stream.distinct(4, 11).into_iter().map(|person| person as u32).collect();
                    members.sort_unstable();
                    Panel { members, probability: 1.0 / panels as f64 }
                })
                .collect();
            let lottery = Lottery { panels };
            let table = PairTable::new(&lottery, 11).unwrap();
            for (person, pi) in lottery.inclusion(11).into_iter().enumerate() {
                let sum: f64 = (0..11).filter(|&other| other != person).map(|other| table.get(person, other)).sum();
                prop_assert!((sum - 3.0 * pi).abs() < 1e-12);
                let sparse: f64 = partners(&lottery, 11, person as u32).iter().map(|partner| partner.1).sum();
                prop_assert!((sparse - sum).abs() < 1e-12);
            }
        }
    }
}
