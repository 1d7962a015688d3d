//! Whole answers by branching on a [`Simplex`]: depth first, so that an answer comes early, with an exact proof of every
//! branch that is closed because nothing meets its rows.

use super::simplex::{Simplex, Status};
use crate::progress::{Cancelled, Progress};

/// Distance from a whole number that counts as none.
const WHOLE: f64 = 1e-6;

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// The cheapest whole answer found: one number a column.
    pub best: Option<Vec<i64>>,
    /// Its costs.
    pub cost: f64,
    /// Whether the search went to its end. Without an answer, every branch was then closed by an exact proof.
    pub complete: bool,
}

/// A column that was given a narrower range, the range it had, and the range that is still to be tried.
struct Branch {
    column: usize,
    before: (f64, f64),
    other: Option<(f64, f64)>,
}

/// How a search goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// Columns from here on are branched on before the others.
    pub first: usize,
    /// The smallest difference between the costs of two answers.
    pub step: f64,
    /// Most programs to be solved.
    pub nodes: u64,
    /// Whether the first answer will do, whatever it costs.
    pub any: bool,
}

impl Plan {
    /// Any whole answer.
    pub(super) const fn any(nodes: u64) -> Self {
        Self { first: usize::MAX, step: 1.0, nodes, any: true }
    }
}

/// The cheapest whole answer, or the first one where the plan asks for any.
pub(super) fn whole(simplex: &mut Simplex, plan: Plan, progress: &dyn Progress) -> Result<Answer, Cancelled> {
    let mut answer = Answer { best: None, cost: f64::INFINITY, complete: false };
    let mut path: Vec<Branch> = Vec::new();
    let ended = explore(simplex, plan, progress, &mut answer, &mut path);
    for branch in path.iter().rev() {
        simplex.set_bounds(branch.column, branch.before.0, branch.before.1);
    }
    ended.map(|()| answer)
}

fn explore(
    simplex: &mut Simplex,
    plan: Plan,
    progress: &dyn Progress,
    answer: &mut Answer,
    path: &mut Vec<Branch>,
) -> Result<(), Cancelled> {
    let Plan { first, step, nodes, any } = plan;
    let first = first.min(simplex.width());
    let mut sure = true;
    for _ in 0..nodes {
        progress.checkpoint()?;
        let next = match simplex.solve(progress)? {
            Status::Infeasible => {
                sure &= simplex.proof().is_some();
                None
            }
            Status::Stalled => {
                sure = false;
                None
            }
            Status::Solved if simplex.cost() > answer.cost - step + WHOLE * step => None,
            Status::Solved => match fractional(simplex, first) {
                Some(column) => Some(column),
                None => {
                    answer.cost = simplex.cost();
                    answer.best = Some((0..simplex.width()).map(|c| simplex.value(c).round() as i64).collect());
                    if any {
                        answer.complete = true;
                        return Ok(());
                    }
                    None
                }
            },
        };
        if let Some(column) = next {
            let before = simplex.bounds(column);
            let down = (simplex.value(column) + WHOLE).floor();
            path.push(Branch { column, before, other: Some((before.0, down)) });
            simplex.set_bounds(column, down + 1.0, before.1);
            continue;
        }
        loop {
            let Some(branch) = path.last_mut() else {
                answer.complete = sure;
                return Ok(());
            };
            if let Some((lower, upper)) = branch.other.take() {
                simplex.set_bounds(branch.column, lower, upper);
                break;
            }
            simplex.set_bounds(branch.column, branch.before.0, branch.before.1);
            path.pop();
        }
    }
    Ok(())
}

/// The column to branch on: of those that are not whole the one nearest to its next whole number.
fn fractional(simplex: &Simplex, first: usize) -> Option<usize> {
    let nearest = |columns: std::ops::Range<usize>| {
        let part = |column: usize| {
            let value = simplex.value(column);
            let part = value - value.floor();
            (part > WHOLE && part < 1.0 - WHOLE).then_some((column, part))
        };
        columns.filter_map(part).fold(None, |best: Option<(usize, f64)>, (column, part)| match best {
            Some((_, largest)) if largest + WHOLE >= part => best,
            _ => Some((column, part)),
        })
    };
    nearest(first..simplex.width()).or_else(|| nearest(0..first)).map(|(column, _)| column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// The same least costs as trying every whole answer.
        #[test]
        fn finds_the_cheapest_whole_answer(
            entries in proptest::collection::vec(-2i8..3, 15),
            costs in proptest::collection::vec(-3i8..4, 5),
            limits in proptest::collection::vec((-4i8..8, 0u8..3), 3),
        ) {
            let mut simplex = Simplex::new(limits.iter().map(|&(l, s)| (f64::from(l), f64::from(l) + f64::from(s))).collect());
            for column in 0..5 {
                let terms = (0..3).map(|row| (row as u32, f64::from(entries[row * 5 + column]))).collect();
                simplex.column(terms, f64::from(costs[column]), 0.0, 2.0);
            }
            let mut least: Option<i32> = None;
            for code in 0..3i32.pow(5) {
                let values: Vec<i32> = (0..5).map(|column| code / 3i32.pow(column) % 3).collect();
                let meets = limits.iter().enumerate().all(|(row, &(low, span))| {
                    let sum: i32 = (0..5).map(|column| i32::from(entries[row * 5 + column]) * values[column]).sum();
                    sum >= i32::from(low) && sum <= i32::from(low) + i32::from(span)
                });
                let cost: i32 = values.iter().zip(&costs).map(|(value, &cost)| value * i32::from(cost)).sum();
                if meets && least.is_none_or(|least| cost < least) {
                    least = Some(cost);
                }
            }
            let answer = whole(&mut simplex, Plan { any: false, ..Plan::any(100_000) }, &Silent).unwrap();
            prop_assert!(answer.complete);
            prop_assert_eq!(answer.best.is_some(), least.is_some());
            if let Some(least) = least {
                prop_assert!((answer.cost - f64::from(least)).abs() < 1e-6);
            }
            prop_assert!(simplex.bounds(0) == (0.0, 2.0));
        }
    }
}
