//! Maximum Nash welfare: the lottery with the largest geometric mean of chances (Flanigan, Gölz, Gupta, Hennig and
//! Procaccia, "Fair algorithms for selecting citizens' assemblies", Nature 2021), over the relaxed problem.
//!
//! Optimal chances `pi` satisfy `sum_i p_i / pi_i <= n` for the chances `p` of every lottery. The largest left side over
//! the relaxed problem is bounded by arithmetic, and by the inequality of arithmetic and geometric means no lottery has a
//! geometric mean above `bound / n` times that of `pi`: a certificate that believes no solver.

use super::cones::{Affine, ConeProgram, Relative, included};
use super::problem::Problem;
use super::program::Unsolved;
use crate::progress::Progress;

/// The geometric mean of the chances of everybody not excluded, and the weights of `sum_i p_i / pi_i` by counts.
pub(super) fn linearised(problem: &Problem, excluded: &[bool], counts: &[f64]) -> (f64, Vec<f64>) {
    let mut weights = vec![0.0; counts.len()];
    let (mut logarithms, mut people) = (0.0, 0.0);
    for (t, size) in included(problem, excluded) {
        weights[t] = size / counts[t];
        logarithms += size * (counts[t] / size).ln();
        people += size;
    }
    ((logarithms / people).exp(), weights)
}

/// Expected counts of the largest geometric mean over the relaxed problem without the `excluded` types.
pub(super) fn solve(problem: &Problem, excluded: &[bool], progress: &dyn Progress) -> Result<Vec<f64>, Unsolved> {
    let mut program = ConeProgram::default();
    let relative = Relative::new(problem, excluded, &mut program);
    for (t, _) in included(problem, excluded) {
        let logarithm = program.column(-relative.shares[t]);
        if let Some(chance) = relative.columns[t] {
            program.exponential(Affine::column(logarithm), Affine::column(chance));
        }
    }
    let answer = program.solve(progress)?;
    Ok(relative.counts(problem, &answer))
}

#[cfg(test)]
mod tests {
    use super::super::objective::{Objective, optimum};
    use super::super::sampled::instances::square;
    use crate::progress::Silent;

    #[test]
    fn the_square() {
        let found = optimum(&square(), Objective::Nash, &[], &Silent).unwrap();
        // 5/9 for the young woman, so 4/9 of an FO with an MY.
        for (count, known) in found.counts.iter().zip([5.0 / 9.0, 4.0 / 9.0, 4.0 / 9.0, 5.0 / 9.0]) {
            assert!((count - known).abs() < 1e-6, "{:?}", found.counts);
        }
        assert!((found.value - 0.1996563).abs() < 1e-7);
        assert!(found.bound >= found.value - 1e-12 && found.bound < found.value + 1e-7, "{found:?}");
        assert!(found.residual < 1e-7);
    }
}
