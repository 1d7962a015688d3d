//! Maximum Nash welfare: the lottery with the largest geometric mean of chances (Flanigan, Gölz, Gupta, Hennig and
//! Procaccia, "Fair algorithms for selecting citizens' assemblies", Nature 2021), over the relaxed problem.
//!
//! Optimal chances `pi` satisfy `sum_i p_i / pi_i <= n` for the chances `p` of every lottery. The largest left side over
//! the relaxed problem is bounded by arithmetic, and by the inequality of arithmetic and geometric means no lottery has a
//! geometric mean above `bound / n` times that of `pi`: a certificate that believes no solver.

use super::bound::{largest, out_of_reach};
use super::cones::{Affine, ConeProgram, Relative, included};
use super::problem::Problem;
use super::program::Unsolved;
use crate::progress::Progress;

/// Expected counts of the largest geometric mean, with the proof of how large any could be.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Nash {
    /// Expected count of each type.
    pub counts: Vec<f64>,
    /// Types whose people are in no panel; the geometric mean is of all others.
    pub excluded: Vec<bool>,
    /// Geometric mean of the chances of all people who are not excluded.
    pub geometric_mean: f64,
    /// No lottery has a geometric mean above this.
    pub bound: f64,
    /// Largest amount by which the expected counts miss a quota or the size of the panel.
    pub residual: f64,
}

/// Largest amount by which expected counts miss a row or the size.
pub(super) fn residual(problem: &Problem, counts: &[f64]) -> f64 {
    let miss = |sum: f64, min: u32, max: u32| (f64::from(min) - sum).max(sum - f64::from(max)).max(0.0);
    let rows = problem.rows.iter().map(|row| {
        let sum: f64 = row.types.iter().map(|&t| counts[t as usize]).sum();
        miss(sum, row.min, row.max)
    });
    rows.fold(miss(counts.iter().sum(), problem.size, problem.size), f64::max)
}

/// Maximum Nash welfare over the relaxed problem. `unreachable` marks types that are known to be in no panel (or is
/// empty); types that the relaxed quotas already rule out are found here.
pub fn nash(problem: &Problem, unreachable: &[bool], progress: &dyn Progress) -> Result<Nash, Unsolved> {
    progress.stage("maximising the geometric mean of chances");
    let mut excluded = out_of_reach(problem, progress)?;
    excluded.iter_mut().zip(unreachable).for_each(|(out, &known)| *out |= known);
    if excluded.iter().all(|&out| out) {
        return Err(Unsolved::Infeasible);
    }
    let mut program = ConeProgram::default();
    let relative = Relative::new(problem, &excluded, &mut program);
    for (t, _) in included(problem, &excluded) {
        let logarithm = program.column(-relative.shares[t]);
        if let Some(chance) = relative.columns[t] {
            program.exponential(Affine::column(logarithm), Affine::column(chance));
        }
    }
    let counts = relative.counts(problem, &program.solve(progress)?);
    let people: f64 = included(problem, &excluded).map(|(_, size)| size).sum();
    let mut weights = vec![0.0; counts.len()];
    let mut logarithms = 0.0;
    for (t, size) in included(problem, &excluded) {
        if counts[t] <= 0.0 {
            return Err(Unsolved::Failed("a type of people in reach was left without a chance".into()));
        }
        weights[t] = size / counts[t];
        logarithms += size * (counts[t] / size).ln();
    }
    let (_, worth) = largest(problem, &excluded, &weights, progress)?;
    let geometric_mean = (logarithms / people).exp();
    let residual = residual(problem, &counts);
    Ok(Nash { counts, excluded, geometric_mean, bound: geometric_mean * worth / people, residual })
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, square};
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn the_square() {
        let found = nash(&square(), &[], &Silent).unwrap();
        // 5/9 for the young woman, so 4/9 of an FO with an MY.
        for (count, known) in found.counts.iter().zip([5.0 / 9.0, 4.0 / 9.0, 4.0 / 9.0, 5.0 / 9.0]) {
            assert!((count - known).abs() < 1e-6, "{:?}", found.counts);
        }
        assert!((found.geometric_mean - 0.1996563).abs() < 1e-7);
        assert!(found.bound >= found.geometric_mean - 1e-12 && found.bound < found.geometric_mean + 1e-7, "{found:?}");
        assert!(found.residual < 1e-7);
    }

    #[test]
    fn people_out_of_reach_are_left_out() {
        let bounds = [("gender", "F", 1, 1), ("gender", "M", 2, 2), ("age", "Y", 3, 3), ("age", "O", 0, 1)];
        let people: [(&[&str], usize); 3] = [(&["F", "Y"], 2), (&["F", "O"], 3), (&["M", "Y"], 4)];
        let problem = instances::problem(3, &bounds, &people);
        let found = nash(&problem, &[], &Silent).unwrap();
        assert_eq!(found.excluded, [false, true, false]);
        assert!((found.geometric_mean - 0.5).abs() < 1e-7 && found.counts[1] == 0.0, "{found:?}");
    }

    #[test]
    fn what_cannot_be_met_is_infeasible() {
        let people: [(&[&str], usize); 2] = [(&["F"], 1), (&["M"], 3)];
        let problem = instances::problem(2, &[("gender", "F", 2, 2), ("gender", "M", 0, 0)], &people);
        assert_eq!(nash(&problem, &[], &Silent), Err(Unsolved::Infeasible));
    }
}
