//! From a lottery counted by types to one over panels of named people that gives everybody of a type exactly the same
//! chance.
//!
//! A type's seats are handed to whoever of it has had the least so far. Where that alone could not end even, the panel is
//! split: within its probability the seats go round (McNaughton's wrap-around rule), so that each gets its part.

use super::lottery::{Lottery, Panel, TypeLottery};
use super::problem::Problem;
use crate::statistics::Counter;

/// Chances this small are rounding.
const NOTHING: f64 = 1e-13;

/// Panels are split into parts no finer than this before people are seated.
const FINEST: f64 = 1e-3;

/// Who sits in one panel for one type: people with the part of the panel's probability, from `from` to `to`.
struct Sitting {
    person: usize,
    from: f64,
    to: f64,
}

/// People of one type with the chance that each still has to get.
struct Needs {
    /// Members in an order shuffled by the seed.
    order: Vec<u32>,
    needs: Vec<f64>,
}

/// Seats people. The order of the panels and of the people in a type follow `seed`; equal chances do not depend on it.
pub fn seat(problem: &Problem, lottery: &TypeLottery, seed: u64) -> Lottery {
    let expected = lottery.expected_counts(problem.types.len());
    let shared = problem.types.iter().zip(&expected).filter(|(kind, count)| kind.size() > 1 && **count > NOTHING);
    let least = shared.map(|(kind, count)| count / f64::from(kind.size())).fold(1.0, f64::min).max(FINEST);
    let mut panels: Vec<(&[(u32, u32)], f64)> = Vec::new();
    for panel in &lottery.panels {
        // Parts as large as the smallest chance, so that people get whole parts, then what is left.
        let parts = (panel.probability / least + 1e-9) as usize;
        panels.extend(std::iter::repeat_n((&*panel.counts, least), parts));
        let rest = panel.probability - least * parts as f64;
        if rest > NOTHING {
            panels.push((&panel.counts, rest));
        }
    }
    // Large parts first: small ones fit in where large ones left unevenness.
    panels.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut types: Vec<Needs> = problem
        .types
        .iter()
        .zip(&expected)
        .enumerate()
        .map(|(t, (kind, &count))| {
            let mut places = vec![0; kind.members.len()];
            Counter::new(seed).at(t as u64, 0).shuffle(0, &mut places);
            let order: Vec<u32> = places.into_iter().map(|place| kind.members[place as usize]).collect();
            let needs = vec![count / order.len() as f64; order.len()];
            Needs { order, needs }
        })
        .collect();
    // For each type the parts that are still to come, by the number of its seats in them.
    let mut coming: Vec<Vec<f64>> = problem.types.iter().map(|kind| vec![0.0; kind.members.len() + 1]).collect();
    for &(counts, probability) in &panels {
        counts.iter().for_each(|&(t, count)| coming[t as usize][count as usize] += probability);
    }
    let mut seated = Vec::new();
    for (counts, probability) in panels {
        let mut sittings: Vec<(u32, Sitting)> = Vec::new();
        let mut cuts = vec![0.0, probability];
        for &(t, count) in counts {
            let coming = &mut coming[t as usize];
            coming[count as usize] = (coming[count as usize] - probability).max(0.0);
            let needs = &mut types[t as usize];
            for sitting in needs.share(count as usize, probability, coming) {
                cuts.extend([sitting.from, sitting.to]);
                sittings.push((needs.order[sitting.person], sitting));
            }
        }
        cuts.sort_by(f64::total_cmp);
        cuts.dedup_by(|later, earlier| *later - *earlier < NOTHING);
        for part in cuts.windows(2) {
            let middle = 0.5 * (part[0] + part[1]);
            let mut members: Vec<u32> = sittings
                .iter()
                .filter(|(_, sitting)| sitting.from <= middle && middle < sitting.to)
                .map(|&(person, _)| person)
                .collect();
            members.sort_unstable();
            seated.push(Panel { members, probability: part[1] - part[0] });
        }
    }
    let total: f64 = seated.iter().map(|panel| panel.probability).sum();
    seated.iter_mut().for_each(|panel| panel.probability /= total);
    Lottery { panels: seated }
}

impl Needs {
    /// Hands out `count` seats of a panel with this `probability`.
    fn share(&mut self, count: usize, probability: f64, coming: &[f64]) -> Vec<Sitting> {
        let people = self.needs.len();
        let mut by_need: Vec<usize> = (0..people).collect();
        by_need.sort_by(|&a, &b| self.needs[b].total_cmp(&self.needs[a]));
        let whole = |person| Sitting { person, from: 0.0, to: probability };
        let mut after = self.needs.clone();
        by_need[..count].iter().for_each(|&person| after[person] -= probability);
        if count == people || can_end_even(&after, coming) {
            self.needs = after;
            return by_need[..count].iter().map(|&person| whole(person)).collect();
        }
        // As level as possible: everybody gets what lies above one common level, at most the whole part.
        let parts = level(&self.needs, probability, count as f64 * probability);
        let mut sittings = Vec::new();
        let mut at = 0.0;
        for (person, part) in parts.into_iter().enumerate().filter(|&(_, part)| part > NOTHING) {
            self.needs[person] -= part;
            // Around the clock of this panel: a seat that ends begins again for the next person.
            let end = at + part;
            sittings.push(Sitting { person, from: at, to: end.min(probability) });
            if end > probability + NOTHING {
                sittings.push(Sitting { person, from: 0.0, to: end - probability });
            }
            at = if end >= probability - NOTHING { (end - probability).max(0.0) } else { end };
        }
        sittings
    }
}

/// Whether `needs` can be met exactly by the parts to come: those with the largest needs are never too many for the seats
/// that are open at once (Gale's condition; `coming[c]` is the probability of parts with `c` seats).
fn can_end_even(needs: &[f64], coming: &[f64]) -> bool {
    let mut sorted = needs.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    if sorted.last().is_some_and(|&least| least < -NOTHING) {
        return false;
    }
    let mut open: f64 = coming.iter().skip(1).sum();
    let (mut asked, mut room) = (0.0, 0.0);
    for (rank, need) in sorted.iter().enumerate() {
        asked += need;
        // The person of this rank adds a seat in every part that has more seats than those before.
        room += open;
        open -= coming.get(rank + 1).copied().unwrap_or(0.0);
        if asked > room + NOTHING * (rank + 1) as f64 {
            return false;
        }
    }
    true
}

/// Parts `min(most, max(0, need - level))` that sum to `total`.
fn level(needs: &[f64], most: f64, total: f64) -> Vec<f64> {
    let parts = |level: f64| needs.iter().map(move |need| (need - level).clamp(0.0, most));
    let (mut low, mut high) =
        (needs.iter().copied().fold(f64::INFINITY, f64::min) - most, needs.iter().copied().fold(0.0, f64::max));
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if parts(middle).sum::<f64>() > total { low = middle } else { high = middle }
    }
    let mut found: Vec<f64> = parts(0.5 * (low + high)).collect();
    // Rounding is given to those who are strictly between.
    let short = total - found.iter().sum::<f64>();
    let between: Vec<usize> = (0..found.len()).filter(|&i| found[i] > 0.0 && found[i] < most).collect();
    between.iter().for_each(|&i| found[i] += short / between.len() as f64);
    found
}

#[cfg(test)]
mod tests {
    use super::super::leximin::leximin;
    use super::super::lottery::TypePanel;
    use super::super::sampled::instances::{self, square};
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    fn check(problem: &Problem, lottery: &TypeLottery, seated: &Lottery) {
        let mut place = vec![0; problem.people()];
        for (t, kind) in problem.types.iter().enumerate() {
            kind.members.iter().for_each(|&person| place[person as usize] = t);
        }
        for panel in &seated.panels {
            assert_eq!(panel.members.len(), problem.size as usize);
            assert!(panel.members.windows(2).all(|pair| pair[0] < pair[1]), "somebody sits twice");
            let mut counts = vec![0; problem.types.len()];
            panel.members.iter().for_each(|&person| counts[place[person as usize]] += 1);
            assert!(problem.admits(&counts));
        }
        let expected = lottery.expected_counts(problem.types.len());
        let inclusion = seated.inclusion(problem.people());
        for (kind, count) in problem.types.iter().zip(expected) {
            for &person in &kind.members {
                let chance = count / f64::from(kind.size());
                assert!(
                    (inclusion[person as usize] - chance).abs() < 1e-10,
                    "{} not {chance}",
                    inclusion[person as usize]
                );
            }
        }
    }

    #[test]
    fn everybody_of_a_type_has_the_same_chance() {
        let problem = square();
        let found = leximin(&problem, 0, &Silent).unwrap();
        let seated = seat(&problem, &found.lottery, 7);
        check(&problem, &found.lottery, &seated);
        assert!(seated.panels.len() <= 9, "{} panels", seated.panels.len());
        assert_eq!(seated, seat(&problem, &found.lottery, 7));
    }

    proptest! {
        /// Any lottery over the panels of a small problem, with awkward probabilities.
        #[test]
        fn any_lottery_can_be_seated(weights in proptest::collection::vec(1u32..50, 4), seed in 0u64..100) {
            let bounds = [("g", "a", 0, 5), ("g", "b", 0, 5), ("g", "c", 0, 5)];
            let people: [(&[&str], usize); 3] = [(&["a"], 5), (&["b"], 3), (&["c"], 7)];
            let problem = instances::problem(5, &bounds, &people);
            let counts: [Vec<(u32, u32)>; 4] = [vec![(0, 5)], vec![(0, 2), (1, 3)], vec![(1, 1), (2, 4)], vec![(0, 1), (1, 1), (2, 3)]];
            let total: u32 = weights.iter().sum();
            let panels = counts.into_iter().zip(&weights).map(|(counts, &weight)| TypePanel {
                counts,
                probability: f64::from(weight) / f64::from(total),
            });
            let lottery = TypeLottery { panels: panels.collect() };
            check(&problem, &lottery, &seat(&problem, &lottery, seed));
        }
    }
}
