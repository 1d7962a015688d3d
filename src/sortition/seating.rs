//! From a lottery counted by types to one over panels of named people that gives everybody of a type exactly the same
//! chance.
//!
//! The panels lie one after the other on a line of length 1. Where a type has `f` or `f + 1` seats in every panel, its people
//! follow each other along its seats, each for as long as their chance (McNaughton's wrap-around rule), so that a type cuts
//! the line once a person at most. Where its seats differ by more, they are handed panel by panel to whoever has had the
//! least so far, and a panel in which that could not end even is cut for the type.

use super::lottery::{Lottery, Panel, TypeLottery};
use super::problem::Problem;
use crate::statistics::Counter;

/// Chances this small are rounding.
const NOTHING: f64 = 1e-13;

/// Who sits in one panel for one type: people with the part of the panel's probability, from `from` to `to`.
struct Sitting {
    person: usize,
    from: f64,
    to: f64,
}

/// People of one type with the chance that each still has to get.
struct Needs(Vec<f64>);

/// Seats people. The order of the people in a type follows `seed`; equal chances do not depend on it.
pub fn seat(problem: &Problem, lottery: &TypeLottery, seed: u64) -> Lottery {
    let panels = &lottery.panels;
    let lengths: Vec<f64> = panels.iter().map(|panel| panel.probability).collect();
    let mut seats = vec![Vec::new(); problem.types.len()];
    for (place, panel) in panels.iter().enumerate() {
        panel.counts.iter().for_each(|&(t, count)| seats[t as usize].push((place, count as usize)));
    }
    // Of one type at a time: thousands of types in thousands of panels do not fit memory.
    let mut counts = vec![0; panels.len()];
    let mut sittings: Vec<Vec<(u32, Sitting)>> = panels.iter().map(|_| Vec::new()).collect();
    for (t, (kind, seats)) in problem.types.iter().zip(&seats).enumerate() {
        counts.fill(0);
        seats.iter().for_each(|&(panel, count)| counts[panel] = count);
        let people = kind.members.len();
        let mut places = vec![0; people];
        Counter::new(seed).at(t as u64, 0).shuffle(0, &mut places);
        let least = counts.iter().copied().min().unwrap_or(0);
        let own = match counts.iter().all(|&count| count <= least + 1) {
            true => along_the_line(&lengths, &counts, least, people),
            false => panel_by_panel(&lengths, &counts, people),
        };
        for (panel, sitting) in own {
            sittings[panel].push((kind.members[places[sitting.person] as usize], sitting));
        }
    }
    let mut seated = Vec::new();
    for (sittings, &probability) in sittings.iter().zip(&lengths) {
        let mut cuts: Vec<f64> = sittings.iter().flat_map(|(_, sitting)| [sitting.from, sitting.to]).collect();
        cuts.extend([0.0, probability]);
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

/// Seats of a type that has `least` seats or one more in every panel.
fn along_the_line(lengths: &[f64], counts: &[usize], least: usize, people: usize) -> Vec<(usize, Sitting)> {
    let seats: f64 = lengths.iter().zip(counts).map(|(length, &count)| length * count as f64).sum();
    let each = seats / people as f64;
    let (mut person, mut left) = (0, each);
    let mut sittings: Vec<(usize, Sitting)> = Vec::new();
    let mut follow = |panel: usize, mut from: f64, end: f64, sittings: &mut Vec<(usize, Sitting)>| {
        while end - from > NOTHING {
            if left <= NOTHING && person + 1 < people {
                (person, left) = (person + 1, left + each);
            }
            let to = if person + 1 < people { end.min(from + left) } else { end };
            sittings.push((panel, Sitting { person, from, to }));
            left -= to - from;
            from = to;
        }
    };
    // The seats that only some panels have come first.
    for (panel, &length) in lengths.iter().enumerate().filter(|&(panel, _)| counts[panel] > least) {
        follow(panel, 0.0, length, &mut sittings);
    }
    // Whoever is last there goes on with the seats of all panels, which begin where this person does not sit already. The
    // rounds follow the same order, and nobody's part is longer than a round, so nobody meets themselves.
    let last = sittings.last().map(|(_, sitting)| sitting.person);
    let taken: Vec<(usize, f64, f64)> = sittings
        .iter()
        .filter(|(_, sitting)| Some(sitting.person) == last)
        .map(|&(panel, Sitting { from, to, .. })| (panel, from, to))
        .collect();
    let mut round: Vec<(usize, f64, f64)> = Vec::new();
    for (panel, &length) in lengths.iter().enumerate() {
        // Within a panel the last person sits in one piece at most.
        match taken.iter().find(|(at, _, _)| *at == panel) {
            Some(&(_, from, to)) => round.extend([(panel, 0.0, from), (panel, to, length)]),
            None => round.push((panel, 0.0, length)),
        }
    }
    round.extend(taken);
    for _ in 0..least {
        round.iter().for_each(|&(panel, from, to)| follow(panel, from, to, &mut sittings));
    }
    sittings
}

/// Seats of a type in panels that have very different numbers of them.
fn panel_by_panel(lengths: &[f64], counts: &[usize], people: usize) -> Vec<(usize, Sitting)> {
    let seats: f64 = lengths.iter().zip(counts).map(|(length, &count)| length * count as f64).sum();
    let mut needs = Needs(vec![seats / people as f64; people]);
    // The probability of panels still to come, by their number of seats.
    let mut coming = vec![0.0; people + 1];
    lengths.iter().zip(counts).for_each(|(length, &count)| coming[count] += length);
    // Long panels first: short ones fit in where long ones left unevenness.
    let mut order: Vec<usize> = (0..lengths.len()).filter(|&panel| counts[panel] > 0).collect();
    order.sort_by(|&a, &b| lengths[b].total_cmp(&lengths[a]));
    let mut sittings = Vec::new();
    for panel in order {
        let (count, length) = (counts[panel], lengths[panel]);
        coming[count] = (coming[count] - length).max(0.0);
        sittings.extend(needs.share(count, length, &coming).into_iter().map(|sitting| (panel, sitting)));
    }
    sittings
}

impl Needs {
    /// Hands out `count` seats of a panel with this `probability`.
    fn share(&mut self, count: usize, probability: f64, coming: &[f64]) -> Vec<Sitting> {
        let people = self.0.len();
        let mut by_need: Vec<usize> = (0..people).collect();
        by_need.sort_by(|&a, &b| self.0[b].total_cmp(&self.0[a]));
        let whole = |person| Sitting { person, from: 0.0, to: probability };
        let mut after = self.0.clone();
        by_need[..count].iter().for_each(|&person| after[person] -= probability);
        if count == people || can_end_even(&after, coming) {
            self.0 = after;
            return by_need[..count].iter().map(|&person| whole(person)).collect();
        }
        // As level as possible: everybody gets what lies above one common level, at most the whole part.
        let parts = level(&self.0, probability, count as f64 * probability);
        let mut sittings = Vec::new();
        let mut at = 0.0;
        for (person, part) in parts.into_iter().enumerate().filter(|&(_, part)| part > NOTHING) {
            self.0[person] -= part;
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

    proptest! {
        /// Panels whose counts of each type differ by one at most are cut no more often than there are people.
        #[test]
        fn even_panels_are_cut_once_a_person(weights in proptest::collection::vec(1u32..50, 4), seed in 0u64..100) {
            let bounds = [("g", "a", 0, 6), ("g", "b", 0, 6), ("g", "c", 0, 6)];
            let people: [(&[&str], usize); 3] = [(&["a"], 5), (&["b"], 3), (&["c"], 7)];
            let problem = instances::problem(6, &bounds, &people);
            let counts = [[2, 2, 2], [3, 1, 2], [2, 1, 3], [3, 2, 1]];
            let total: u32 = weights.iter().sum();
            let panels = counts.iter().zip(&weights).map(|(counts, &weight)| TypePanel {
                counts: counts.iter().enumerate().map(|(t, &count)| (t as u32, count)).collect(),
                probability: f64::from(weight) / f64::from(total),
            });
            let lottery = TypeLottery { panels: panels.collect() };
            let seated = seat(&problem, &lottery, seed);
            check(&problem, &lottery, &seated);
            // The type c has from one to three seats: handed out panel by panel.
            prop_assert!(seated.panels.len() <= 4 + 5 + 3 + 4 * 8, "{}", seated.panels.len());
            let even = TypeLottery { panels: lottery.panels[..2].to_vec() };
            let sum: f64 = even.panels.iter().map(|panel| panel.probability).sum();
            let even = TypeLottery {
                panels: even.panels.into_iter().map(|p| TypePanel { probability: p.probability / sum, ..p }).collect(),
            };
            let seated = seat(&problem, &even, seed);
            check(&problem, &even, &seated);
            prop_assert!(seated.panels.len() <= 2 + 4 + 3 + 7, "{}", seated.panels.len());
        }
    }
}
