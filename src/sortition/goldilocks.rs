//! Goldilocks: neither too little nor too much chance for anybody (Baharav and Flanigan, "Fair, manipulation-robust, and
//! transparent sortition", 2024), over the relaxed problem.
//!
//! Our reading of the objective, from the paper's summary and its published settings (p = 50, weight 1), as the formula
//! itself was not at hand: minimise `M_p(r) + weight * M_p(1/r)`, where `r_i = pi_i / (k/n)` is a chance relative to an
//! unconstrained draw's and `M_p` the power mean over all people (their p-norm up to a constant factor). A large `p` comes
//! close to the largest chance plus `weight` times the inverse of the smallest. The objective is convex; its gradient and
//! a bound by weak duality say how far any other lottery could get below.

use super::cones::{Affine, ConeProgram, Relative, included};
use super::problem::Problem;
use super::program::Unsolved;
use crate::progress::Progress;

/// How strictly extremes are punished.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GoldilocksSettings {
    /// Order of the power means, from 1 to 200.
    pub order: f64,
    /// Weight of low chances against high ones, positive.
    pub weight: f64,
}

impl Default for GoldilocksSettings {
    fn default() -> Self {
        Self { order: 50.0, weight: 1.0 }
    }
}

impl GoldilocksSettings {
    /// Whether the objective is defined and convex, and the solver known to cope with it.
    pub fn usable(self) -> bool {
        (1.0..=200.0).contains(&self.order) && self.weight > 0.0 && self.weight.is_finite()
    }
}

/// The power mean of order `p` of positive values under shares that sum to 1, with its gradient.
fn power_mean(values: &[(f64, f64)], p: f64) -> (f64, Vec<f64>) {
    // Relative to the largest, no power overflows.
    let largest = values.iter().map(|&(value, _)| value).fold(0.0, f64::max);
    let sum: f64 = values.iter().map(|&(value, share)| share * (value / largest).powf(p)).sum();
    let mean = largest * sum.powf(1.0 / p);
    let gradient = values.iter().map(|&(value, share)| share * (value / mean).powf(p - 1.0)).collect();
    (mean, gradient)
}

/// The objective at relative chances with their shares of the people, and its gradient by the relative chances.
fn objective(chances: &[(f64, f64)], settings: GoldilocksSettings) -> (f64, Vec<f64>) {
    let GoldilocksSettings { order, weight } = settings;
    let (high, rising) = power_mean(chances, order);
    let inverse: Vec<(f64, f64)> = chances.iter().map(|&(chance, share)| (1.0 / chance, share)).collect();
    let (low, falling) = power_mean(&inverse, order);
    let slope =
        |((rising, falling), (inverse, _)): ((f64, f64), &(f64, f64))| rising - weight * falling * inverse * inverse;
    (high + weight * low, rising.into_iter().zip(falling).zip(&inverse).map(slope).collect())
}

/// The objective of expected counts over everybody not excluded, and the weights of counts that it falls by: a gradient with
/// its sign turned.
pub(super) fn linearised(
    problem: &Problem,
    excluded: &[bool],
    counts: &[f64],
    settings: GoldilocksSettings,
) -> (f64, Vec<f64>) {
    let people: f64 = included(problem, excluded).map(|(_, size)| size).sum();
    let unit = f64::from(problem.size) / people;
    let chances: Vec<(f64, f64)> =
        included(problem, excluded).map(|(t, size)| (counts[t] / (size * unit), size / people)).collect();
    let (objective, gradient) = objective(&chances, settings);
    let mut weights = vec![0.0; counts.len()];
    for ((t, size), slope) in included(problem, excluded).zip(&gradient) {
        weights[t] = -slope / (size * unit);
    }
    (objective, weights)
}

/// Expected counts of the least objective over the relaxed problem without the `excluded` types.
pub(super) fn solve(
    problem: &Problem,
    excluded: &[bool],
    settings: GoldilocksSettings,
    progress: &dyn Progress,
) -> Result<Vec<f64>, Unsolved> {
    let GoldilocksSettings { order, weight } = settings;
    if !settings.usable() {
        let range = "use an order from 1 to 200 and a positive weight";
        return Err(Unsolved::Failed(format!("order {order} and weight {weight} are out of range: {range}")));
    }
    let mut program = ConeProgram::default();
    let relative = Relative::new(problem, excluded, &mut program);
    let (high, low) = (program.column(1.0), program.column(weight));
    let (mut high_sum, mut low_sum) = (vec![(high, -1.0)], vec![(low, -1.0)]);
    for (t, _) in included(problem, excluded) {
        let Some(chance) = relative.columns[t] else { continue };
        // share x^p <= a m^(p-1) for the part a of each chance in its mean m, and the same for an inverse of at least
        // 1 / x. The share stands by its root beside x, so that no coefficient is large or small.
        let root = relative.shares[t].powf(1.0 / order);
        let scaled = |column| Affine(vec![(column, root)], 0.0);
        let (part, inverse, inverse_part) = (program.column(0.0), program.column(0.0), program.column(0.0));
        program.power(1.0 / order, Affine::column(part), Affine::column(high), scaled(chance));
        program.power(0.5, Affine::column(chance), Affine::column(inverse), Affine(Vec::new(), 1.0));
        program.power(1.0 / order, Affine::column(inverse_part), Affine::column(low), scaled(inverse));
        high_sum.push((part, 1.0));
        low_sum.push((inverse_part, 1.0));
    }
    program.equals_zero(Affine(high_sum, 0.0));
    program.equals_zero(Affine(low_sum, 0.0));
    let answer = program.solve(progress)?;
    Ok(relative.counts(problem, &answer))
}

#[cfg(test)]
mod tests {
    use super::super::objective::{Objective, optimum};
    use super::super::sampled::instances::{self, square};
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn the_square_against_a_search_along_its_line() {
        // Chances of the square: x, (1 - x) / 2 twice for two, x / 4 for four.
        let problem = square();
        for settings in [
            GoldilocksSettings { order: 2.0, weight: 1.0 },
            GoldilocksSettings { order: 50.0, weight: 1.0 },
            GoldilocksSettings { order: 50.0, weight: 0.1 },
        ] {
            let value = |x: f64| {
                let unit = 2.0 / 9.0;
                let chances = [(x, 1.0), ((1.0 - x) / 2.0, 4.0), (x / 4.0, 4.0)];
                let mean = |f: &dyn Fn(f64) -> f64| {
                    let sum: f64 = chances.iter().map(|&(pi, people)| people / 9.0 * f(pi / unit)).sum();
                    sum.powf(1.0 / settings.order)
                };
                mean(&|r| r.powf(settings.order)) + settings.weight * mean(&|r| r.powf(-settings.order))
            };
            let best = (1..10_000).map(|i| value(f64::from(i) / 10_000.0)).fold(f64::INFINITY, f64::min);
            let found = optimum(&problem, Objective::Goldilocks(settings), &[], &Silent).unwrap();
            assert!(found.value < best + 1e-6 && found.bound <= best + 1e-9, "{found:?} {best}");
            assert!(found.value - found.bound < 1e-5, "{found:?}");
            assert!((value(found.counts[0]) - found.value).abs() < 1e-6);
        }
    }

    #[test]
    fn equal_chances_where_they_are_possible() {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 1), (&["M", "O"], 1), (&["F", "O"], 3), (&["M", "Y"], 3)];
        let problem = instances::problem(2, &instances::SQUARE_BOUNDS, &people);
        let found = optimum(&problem, Objective::Goldilocks(GoldilocksSettings::default()), &[], &Silent).unwrap();
        assert!((found.value - 2.0).abs() < 1e-6 && found.bound > 2.0 - 1e-6, "{found:?}");
    }

    #[test]
    fn settings_out_of_range() {
        let settings = GoldilocksSettings { order: 0.5, weight: 1.0 };
        let refused = optimum(&square(), Objective::Goldilocks(settings), &[], &Silent).unwrap_err();
        assert!(refused.to_string().contains("order 0.5"), "{refused}");
    }
}
