//! LEGACY, the greedy stratified draw that practitioners used before fair lotteries: as described by Flanigan, Gölz,
//! Gupta, Hennig and Procaccia, "Fair algorithms for selecting citizens' assemblies", Nature 2021.
//!
//! Seat by seat: of all values that still have people, take the one with the largest share of outstanding minimum to
//! people left, `(min - selected) / remaining` (the first in the order of the quotas where several are equal), seat one
//! of its people at random, and drop everybody who has a value whose maximum is reached, or who lives with somebody
//! seated. Where a minimum can no longer be met or nobody is left, the attempt fails. Everybody's chance depends on all
//! of that and has no closed form: it is counted from draws.

use super::problem::{Problem, RowKind};
use super::sampled::{SampleError, SampledChances, Tally, rows_of_types};
use crate::progress::Progress;
use crate::statistics::Stream;

/// The state of one attempt.
struct Attempt<'a> {
    problem: &'a Problem,
    rows_of: &'a [Vec<u32>],
    counts: Vec<u32>,
    /// People of each type who may still be seated.
    left: Vec<u32>,
    /// For each row: seated, and still to be seated.
    seated: Vec<u32>,
    remaining: Vec<u32>,
}

impl Attempt<'_> {
    /// The row whose people are served next, where one stands out; an error where a minimum can no longer be met.
    fn most_urgent(&self) -> Result<Option<usize>, ()> {
        let mut best: Option<(usize, i64, i64)> = None;
        for (place, row) in self.problem.rows.iter().enumerate() {
            let (outstanding, people) =
                (i64::from(row.min) - i64::from(self.seated[place]), i64::from(self.remaining[place]));
            if outstanding > people {
                return Err(());
            }
            let quota = matches!(row.kind, RowKind::Quota { .. });
            // Fractions are compared in whole numbers, so that ties are ties.
            if quota && people > 0 && best.is_none_or(|(_, over, under)| outstanding * under > over * people) {
                best = Some((place, outstanding, people));
            }
        }
        Ok(best.map(|(place, _, _)| place))
    }

    fn drop_type(&mut self, t: usize) {
        for &row in &self.rows_of[t] {
            self.remaining[row as usize] -= self.left[t];
        }
        self.left[t] = 0;
    }

    fn seat(&mut self, t: usize) {
        self.counts[t] += 1;
        self.left[t] -= 1;
        for &row in &self.rows_of[t] {
            let place = row as usize;
            self.remaining[place] -= 1;
            self.seated[place] += 1;
            if self.seated[place] >= self.problem.rows[place].max {
                let problem = self.problem;
                problem.rows[place].types.iter().for_each(|&other| self.drop_type(other as usize));
            }
        }
    }
}

/// Attempt number `draw` of `seed`: a panel as counts of types, or `None` where the greedy walk ran into a dead end.
pub fn attempt(problem: &Problem, seed: u64, draw: u64) -> Option<Vec<u32>> {
    attempt_with(problem, &rows_of_types(problem), seed, draw)
}

fn attempt_with(problem: &Problem, rows_of: &[Vec<u32>], seed: u64, draw: u64) -> Option<Vec<u32>> {
    let mut stream = Stream::new(seed, draw);
    let left: Vec<u32> = problem.types.iter().map(|kind| kind.size()).collect();
    let remaining = problem.rows.iter().map(|row| row.types.iter().map(|&t| left[t as usize]).sum()).collect();
    let (counts, seated) = (vec![0; left.len()], vec![0; problem.rows.len()]);
    let mut state = Attempt { problem, rows_of, counts, left, seated, remaining };
    let closed = |place: &usize| problem.rows[*place].max == 0;
    for place in (0..problem.rows.len()).filter(closed) {
        problem.rows[place].types.iter().for_each(|&t| state.drop_type(t as usize));
    }
    for _ in 0..problem.size {
        let t = match state.most_urgent().ok()? {
            Some(row) => {
                let mut person = stream.below(u64::from(state.remaining[row])) as u32;
                let mut types = problem.rows[row].types.iter();
                *types.find(|&&t| within(&mut person, state.left[t as usize]))? as usize
            }
            None => {
                let everybody: u32 = state.left.iter().sum();
                let mut person = stream.below(u64::from(everybody)) as u32;
                state.left.iter().position(|&people| within(&mut person, people))?
            }
        };
        state.seat(t);
    }
    problem.admits(&state.counts).then_some(state.counts)
}

/// Whether `person` counts below `people`; otherwise passes them by.
fn within(person: &mut u32, people: u32) -> bool {
    let here = *person < people;
    if !here {
        *person -= people;
    }
    here
}

/// Everybody's chance under LEGACY from `draws` attempts; failed ones are counted, and the chances are those of an attempt
/// that succeeds. Intervals hold with confidence `level` each.
pub fn chances(
    problem: &Problem,
    seed: u64,
    draws: u64,
    level: f64,
    progress: &dyn Progress,
) -> Result<SampledChances, SampleError> {
    progress.stage("drawing greedy panels");
    let rows_of = rows_of_types(problem);
    let mut tally = Tally::new(problem.types.len());
    for draw in 0..draws {
        if draw % 64 == 0 {
            progress.checkpoint()?;
            progress.report(draw, draws);
        }
        tally.add(attempt_with(problem, &rows_of, seed, draw).as_deref());
    }
    tally.finish(problem, level)
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, problem, square};
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn the_square_by_hand() {
        // Ratios of F 1/3, M 1/6, Y 1/3, O 1/6: a woman comes first, FY with chance 1/3 (then an MO), else an FO and an MY.
        let found = chances(&square(), 5, 20_000, 0.999, &Silent).unwrap();
        assert_eq!(found.failed, 0);
        for (person, known) in [(0, 1.0 / 3.0), (1, 1.0 / 12.0), (5, 1.0 / 3.0), (7, 1.0 / 3.0)] {
            let [low, high] = found.interval[person];
            assert!(low < known && known < high, "{person}: {low} {high}");
            assert!(high - low < 0.03);
        }
    }

    #[test]
    fn support_is_feasible_and_failures_are_counted() {
        // Two people who differ in everything; for the last two nobody does. The first row is among the most urgent and gives
        // one of 000, 001 and 011: a third of all attempts fail.
        let bounds = [
            ("a", "0", 1, 1),
            ("a", "1", 1, 1),
            ("b", "0", 1, 1),
            ("b", "1", 1, 1),
            ("c", "0", 1, 1),
            ("c", "1", 1, 1),
        ];
        let people: [(&[&str], usize); 6] = [
            (&["0", "0", "0"], 1),
            (&["1", "1", "1"], 1),
            (&["0", "0", "1"], 1),
            (&["1", "1", "0"], 2),
            (&["0", "1", "1"], 1),
            (&["1", "0", "1"], 1),
        ];
        let problem = problem(2, &bounds, &people);
        let every = instances::every_panel(&problem);
        let found = chances(&problem, 9, 3000, 0.95, &Silent).unwrap();
        assert!(found.failed.abs_diff(1000) < 130 && found.failed + found.panels == 3000, "{}", found.failed);
        for draw in 0..200 {
            if let Some(counts) = attempt(&problem, 9, draw) {
                assert!(every.iter().any(|(panel, _)| *panel == counts));
            }
        }
        assert_eq!(attempt(&problem, 9, 7), attempt(&problem, 9, 7));
        assert!((found.inclusion.iter().sum::<f64>() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_seat_is_an_error() {
        let people: [(&[&str], usize); 2] = [(&["F"], 1), (&["M"], 3)];
        let problem = problem(2, &[("gender", "F", 2, 2), ("gender", "M", 0, 0)], &people);
        let error = chances(&problem, 1, 50, 0.95, &Silent).unwrap_err();
        assert_eq!(error, SampleError::NoPanel { attempts: 50 });
    }
}
