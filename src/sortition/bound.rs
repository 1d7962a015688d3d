//! Bounds on linear objectives over the relaxed problem, by arithmetic alone (weak duality): any multipliers give a true
//! bound, good ones a sharp one, so that no solver has to be believed.

use super::problem::{PersonType, Problem};
use super::program::{Program, Unsolved};
use crate::progress::Progress;

/// The relaxed problem as a linear program over expected counts, which are its columns; the rows of the problem are its
/// constraints in order, then the size of the panel. `excluded` types have count 0.
fn relaxed(problem: &Problem, excluded: &[bool], costs: &[f64]) -> Program {
    let mut program = Program::default();
    for ((kind, &out), &cost) in problem.types.iter().zip(excluded).zip(costs) {
        program.column(cost, 0.0, if out { 0.0 } else { f64::from(kind.size()) });
    }
    for row in &problem.rows {
        let terms = row.types.iter().map(|&t| (t as usize, 1.0)).collect();
        program.constrain(terms, f64::from(row.min), f64::from(row.max));
    }
    let size = f64::from(problem.size);
    program.constrain((0..costs.len()).map(|t| (t, 1.0)).collect(), size, size);
    program
}

/// Multipliers of the rows of a problem and of the size of its panels: positive where an upper bound is what holds an
/// objective down, negative where a lower one is.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Multipliers {
    /// One a row of [`Problem::rows`].
    pub rows: Vec<f64>,
    /// That of the size.
    pub size: f64,
}

impl Multipliers {
    /// From the prices of a minimum (positive at lower bounds): rows first, the size last.
    pub(super) fn of_minimum(prices: &[f64]) -> Self {
        let (size, rows) = prices.split_last().map_or((0.0, &[][..]), |(size, rows)| (-size, rows));
        Self { rows: rows.iter().map(|price| -price).collect(), size }
    }

    /// `sum_t objective_t c_t` is at most this for all expected counts `c` of the relaxed problem with `c_t` within
    /// `limits_t`, hence for all lotteries over panels that keep these limits; true for any multipliers.
    pub(super) fn bound(&self, problem: &Problem, limits: &[(f64, f64)], objective: &[f64]) -> f64 {
        let mut reduced = objective.to_vec();
        let mut total = f64::from(problem.size) * self.size;
        for (row, &price) in problem.rows.iter().zip(&self.rows) {
            total += price * f64::from(if price > 0.0 { row.max } else { row.min });
            row.types.iter().for_each(|&t| reduced[t as usize] -= price);
        }
        for (&(low, high), &worth) in limits.iter().zip(&reduced) {
            let worth = worth - self.size;
            total += worth * if worth > 0.0 { high } else { low };
        }
        total
    }
}

/// [`Multipliers::bound`] for counts that only `excluded` types are kept from.
pub(super) fn bound(problem: &Problem, excluded: &[bool], weights: &[f64], multipliers: &Multipliers) -> f64 {
    let limit = |(kind, &out): (&PersonType, &bool)| (0.0, if out { 0.0 } else { f64::from(kind.size()) });
    let limits: Vec<(f64, f64)> = problem.types.iter().zip(excluded).map(limit).collect();
    multipliers.bound(problem, &limits, weights)
}

/// The multipliers that bound `sum_t weights_t c_t` most sharply over the relaxed problem without the `excluded` types, as
/// far as the solver finds them.
pub(super) fn sharp_multipliers(
    problem: &Problem,
    excluded: &[bool],
    weights: &[f64],
    progress: &dyn Progress,
) -> Result<Multipliers, Unsolved> {
    let costs: Vec<f64> = weights.iter().map(|weight| -weight).collect();
    let interior = relaxed(problem, excluded, &costs).solve_interior(progress)?;
    Ok(Multipliers::of_minimum(&interior.multipliers))
}

/// For each type, whether nobody of it can be in any panel already because of the relaxed quotas. Types that are not
/// reported may still be out of reach of whole panels.
pub fn out_of_reach(problem: &Problem, progress: &dyn Progress) -> Result<Vec<bool>, Unsolved> {
    // Seats below this chance count as none; the cap lets one program show many types to be in reach.
    const NONE: f64 = 1e-6;
    const CAP: f64 = 0.01;
    let none = vec![false; problem.types.len()];
    let mut open = vec![true; problem.types.len()];
    loop {
        let mut program = relaxed(problem, &none, &vec![0.0; open.len()]);
        for t in (0..open.len()).filter(|&t| open[t]) {
            let seat = program.column(-1.0, 0.0, CAP);
            program.constrain(vec![(t, 1.0), (seat, -1.0)], 0.0, f64::INFINITY);
        }
        let found = program.solve_interior(progress)?;
        let before = open.iter().filter(|&&open| open).count();
        open.iter_mut().zip(&found.values).for_each(|(open, &count)| *open &= count <= NONE);
        let after = open.iter().filter(|&&open| open).count();
        if after == 0 || after == before {
            break;
        }
    }
    if open.iter().any(|&open| open) {
        let weights: Vec<f64> = open.iter().map(|&open| f64::from(u8::from(open))).collect();
        let bound = bound(problem, &none, &weights, &sharp_multipliers(problem, &none, &weights, progress)?);
        if bound > NONE * 10.0 * weights.iter().sum::<f64>() {
            return Err(Unsolved::Failed(format!("types without seats could still have {bound:.1e}")));
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, every_panel, square};
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    #[test]
    fn the_bound_is_sharp_where_the_relaxation_is() {
        let problem = square();
        let sharp = |excluded: &[bool], weights: &[f64]| {
            bound(&problem, excluded, weights, &sharp_multipliers(&problem, excluded, weights, &Silent).unwrap())
        };
        assert!((sharp(&[false; 4], &[1.0, 0.0, 0.0, 3.0]) - 4.0).abs() < 1e-6);
        assert!((sharp(&[false, false, false, true], &[1.0, 0.5, 0.0, 3.0]) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn who_is_out_of_reach() {
        // Old people are all women, and the women's seats are all for the young.
        let bounds = [("gender", "F", 1, 1), ("gender", "M", 2, 2), ("age", "Y", 3, 3), ("age", "O", 0, 1)];
        let people: [(&[&str], usize); 3] = [(&["F", "Y"], 2), (&["F", "O"], 3), (&["M", "Y"], 4)];
        let problem = instances::problem(3, &bounds, &people);
        assert_eq!(out_of_reach(&problem, &Silent).unwrap(), [false, true, false]);
        assert_eq!(out_of_reach(&square(), &Silent).unwrap(), [false; 4]);
    }

    proptest! {
        /// Whatever the multipliers, no panel exceeds the bound.
        #[test]
        fn any_multipliers_bound(
            weights in proptest::array::uniform4(-3.0..3.0f64),
            multipliers in proptest::array::uniform5(-3.0..3.0f64),
        ) {
            let problem = square();
            let multipliers = Multipliers { rows: multipliers[..4].to_vec(), size: multipliers[4] };
            let bound = bound(&problem, &[false; 4], &weights, &multipliers);
            for (counts, _) in every_panel(&problem) {
                let worth: f64 = counts.iter().zip(&weights).map(|(&count, weight)| f64::from(count) * weight).sum();
                prop_assert!(worth <= bound + 1e-9);
            }
        }
    }
}
