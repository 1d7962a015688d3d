//! Rules that make one figure of all chances as good as it can be: what the figure is, how far any lottery could be better,
//! and the lottery that attains it.

use super::bound::{Multipliers, bound, out_of_reach, sharp_multipliers};
use super::certificate::{Certificate, Proof, TOLERANCE, deviation};
use super::cones::included;
use super::goldilocks::{self, GoldilocksSettings};
use super::leximin::{Found, decompose, unreachable_types};
use super::nash;
use super::problem::Problem;
use super::program::Unsolved;
use crate::progress::Progress;

/// Seats by which expected counts miss a quota for rounding only.
const MET: f64 = 1e-9;

/// What is made as good as it can be, over all people who are in some panel.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum Objective {
    /// The geometric mean of the chances, as large as possible (maximum Nash welfare).
    Nash,
    /// The Goldilocks figure, as small as possible.
    Goldilocks(GoldilocksSettings),
}

impl Objective {
    /// The figure of expected counts, and the weights of counts whose largest sum bounds the figure of every lottery;
    /// `None` where somebody who is not excluded has no chance.
    fn linearised(self, problem: &Problem, excluded: &[bool], counts: &[f64]) -> Option<(f64, Vec<f64>)> {
        if included(problem, excluded).any(|(t, _)| counts[t].is_nan() || counts[t] <= 0.0) {
            return None;
        }
        Some(match self {
            Self::Nash => nash::linearised(problem, excluded, counts),
            Self::Goldilocks(settings) => goldilocks::linearised(problem, excluded, counts, settings),
        })
    }

    /// The figure of expected counts, and a bound that the figure of no lottery is better than, by arithmetic alone: true
    /// for any multipliers, sharp for good ones. `None` where somebody
    /// who is not excluded has no chance.
    pub fn bounded(
        self,
        problem: &Problem,
        excluded: &[bool],
        counts: &[f64],
        multipliers: &Multipliers,
    ) -> Option<(f64, f64)> {
        let (value, weights) = self.linearised(problem, excluded, counts)?;
        let furthest = bound(problem, excluded, &weights, multipliers);
        let here: f64 = counts.iter().zip(&weights).map(|(count, weight)| count * weight).sum();
        Some(match self {
            // The arithmetic mean of quotients is no smaller than their geometric one.
            Self::Nash => (value, value * furthest / here),
            // A convex function lies above its tangents.
            Self::Goldilocks(_) => (value, value - (furthest - here)),
        })
    }

    /// Expected counts that are best over the relaxed problem, as far as the solver gets.
    fn solve(self, problem: &Problem, excluded: &[bool], progress: &dyn Progress) -> Result<Vec<f64>, Unsolved> {
        match self {
            Self::Nash => nash::solve(problem, excluded, progress),
            Self::Goldilocks(settings) => goldilocks::solve(problem, excluded, settings, progress),
        }
    }
}

/// Expected counts with a figure that no lottery can be much better than.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Optimum {
    /// What was made as good as it can be.
    pub objective: Objective,
    /// Expected count of each type.
    pub counts: Vec<f64>,
    /// Types whose people are in no panel; the figure is of all others.
    pub excluded: Vec<bool>,
    /// The figure.
    pub value: f64,
    /// No lottery has a better one.
    pub bound: f64,
    /// What shows the bound: see [`Objective::bounded`].
    pub multipliers: Multipliers,
    /// Largest amount by which the expected counts miss a quota or the size of the panel.
    pub residual: f64,
}

/// Largest amount by which expected counts miss a row or the size.
fn residual(problem: &Problem, counts: &[f64]) -> f64 {
    let miss = |sum: f64, min: u32, max: u32| (f64::from(min) - sum).max(sum - f64::from(max)).max(0.0);
    let rows = problem.rows.iter().map(|row| {
        let sum: f64 = row.types.iter().map(|&t| counts[t as usize]).sum();
        miss(sum, row.min, row.max)
    });
    rows.fold(miss(counts.iter().sum(), problem.size, problem.size), f64::max)
}

/// The optimum over the relaxed problem: chances in a second, before any panel is known. `unreachable` marks types that are
/// known to be in no panel (or is empty); types that the relaxed quotas already rule out are found here.
pub fn optimum(
    problem: &Problem,
    objective: Objective,
    unreachable: &[bool],
    progress: &dyn Progress,
) -> Result<Optimum, Unsolved> {
    progress.stage(match objective {
        Objective::Nash => "maximising the geometric mean of chances",
        Objective::Goldilocks(_) => "balancing high and low chances",
    });
    let mut excluded = out_of_reach(problem, progress)?;
    excluded.iter_mut().zip(unreachable).for_each(|(out, &known)| *out |= known);
    if excluded.iter().all(|&out| out) {
        return Err(Unsolved::Infeasible);
    }
    let counts = match equal_chances(problem, &excluded) {
        Some(counts) => counts,
        None => objective.solve(problem, &excluded, progress)?,
    };
    let without = || Unsolved::Failed("somebody who can be drawn was left without a chance".into());
    let (_, weights) = objective.linearised(problem, &excluded, &counts).ok_or_else(without)?;
    let multipliers = sharp_multipliers(problem, &excluded, &weights, progress)?;
    let (value, bound) = objective.bounded(problem, &excluded, &counts, &multipliers).ok_or_else(without)?;
    let residual = residual(problem, &counts);
    Ok(Optimum { objective, counts, excluded, value, bound, multipliers, residual })
}

/// Expected counts that give everybody who is not excluded the same chance, where the quotas allow them: no figure of any rule
/// is better then, as means of higher order are no smaller.
fn equal_chances(problem: &Problem, excluded: &[bool]) -> Option<Vec<f64>> {
    let people: f64 = included(problem, excluded).map(|(_, size)| size).sum();
    let each = f64::from(problem.size) / people;
    let mut counts = vec![0.0; problem.types.len()];
    included(problem, excluded).for_each(|(t, size)| counts[t] = each * size);
    (each <= 1.0 && residual(problem, &counts) <= MET).then_some(counts)
}

/// A lottery with the optimum's chances and its certificate. Where whole panels cannot attain them, the lottery comes as near
/// as panels can, and the certificate says by how much it deviates.
pub fn best_lottery(
    problem: &Problem,
    objective: Objective,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Found, Unsolved> {
    let mut found = optimum(problem, objective, &[], progress)?;
    let mut split = decompose(problem, &found.counts, seed, progress)?;
    if split.short > TOLERANCE {
        // People whom no whole panel can have keep the others from what the relaxation promised them.
        let unreachable = unreachable_types(problem, &split.lottery, progress)?;
        if unreachable != found.excluded {
            found = optimum(problem, objective, &unreachable, progress)?;
            split = decompose(problem, &found.counts, seed, progress)?;
        }
    }
    let lottery = split.lottery;
    let chances = chances(problem, &found.counts);
    let deviation = deviation(problem, &lottery, &chances);
    let places = found.excluded.iter().enumerate().filter(|&(_, &out)| out);
    let unreachable = places.map(|(t, _)| t as u32).collect();
    let Optimum { objective, multipliers, value, bound, .. } = found;
    let proof = Proof::Objective { objective, multipliers, value, bound };
    Ok(Found { lottery, certificate: Certificate { chances, unreachable, proof, deviation } })
}

fn chances(problem: &Problem, counts: &[f64]) -> Vec<f64> {
    problem.types.iter().zip(counts).map(|(kind, count)| count / f64::from(kind.size())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, every_panel, square};
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    const RULES: [Objective; 2] =
        [Objective::Nash, Objective::Goldilocks(GoldilocksSettings { order: 50.0, weight: 1.0 })];

    #[test]
    fn people_out_of_reach_are_left_out() {
        let bounds = [("gender", "F", 1, 1), ("gender", "M", 2, 2), ("age", "Y", 3, 3), ("age", "O", 0, 1)];
        let people: [(&[&str], usize); 3] = [(&["F", "Y"], 2), (&["F", "O"], 3), (&["M", "Y"], 4)];
        let problem = instances::problem(3, &bounds, &people);
        for rule in RULES {
            let found = optimum(&problem, rule, &[], &Silent).unwrap();
            assert_eq!(found.excluded, [false, true, false]);
            assert!((found.counts[0] - 1.0).abs() < 1e-7 && found.counts[1] == 0.0, "{found:?}");
        }
    }

    #[test]
    fn equal_chances_are_taken_where_quotas_allow_them() {
        let bounds = [("g", "a", 1, 3), ("g", "b", 2, 4)];
        let people: [(&[&str], usize); 2] = [(&["a"], 40), (&["b"], 60)];
        let problem = instances::problem(5, &bounds, &people);
        assert_eq!(equal_chances(&problem, &[false; 2]), Some(vec![2.0, 3.0]));
        for (rule, best) in RULES.into_iter().zip([0.05, 2.0]) {
            let found = optimum(&problem, rule, &[], &Silent).unwrap();
            assert!((found.value - best).abs() < 1e-12 && (found.bound - best).abs() < 1e-9, "{found:?}");
        }
        // Two of three seats for the rarer value leave no room for them.
        let tight = instances::problem(3, &[("g", "a", 2, 2), ("g", "b", 1, 1)], &people);
        assert_eq!(equal_chances(&tight, &[false; 2]), None);
    }

    #[test]
    fn what_cannot_be_met_is_infeasible() {
        let people: [(&[&str], usize); 2] = [(&["F"], 1), (&["M"], 3)];
        let problem = instances::problem(2, &[("gender", "F", 2, 2), ("gender", "M", 0, 0)], &people);
        for rule in RULES {
            assert_eq!(optimum(&problem, rule, &[], &Silent), Err(Unsolved::Infeasible));
        }
    }

    #[test]
    fn lotteries_come_with_certificates_that_hold() {
        for rule in RULES {
            let found = best_lottery(&square(), rule, 1, &Silent).unwrap();
            let checked = found.certificate.check(&square(), &found.lottery).unwrap();
            assert!(checked.exact, "{checked:?}");
            // The proof does not carry other chances.
            let mut other = found.certificate.clone();
            other.chances = vec![0.5, 0.25, 0.25, 0.125];
            assert!(other.check(&square(), &found.lottery).is_err());
        }
    }

    #[test]
    fn parity_leaves_one_panel() {
        // One of each value of three attributes: only 000 and 111 fit each other, though the relaxed quotas have more.
        let bounds = [
            ("a", "0", 1, 1),
            ("a", "1", 1, 1),
            ("b", "0", 1, 1),
            ("b", "1", 1, 1),
            ("c", "0", 1, 1),
            ("c", "1", 1, 1),
        ];
        let people: [(&[&str], usize); 5] = [
            (&["0", "0", "0"], 1),
            (&["1", "1", "1"], 1),
            (&["0", "1", "1"], 1),
            (&["1", "0", "1"], 1),
            (&["1", "1", "0"], 1),
        ];
        let problem = instances::problem(2, &bounds, &people);
        for rule in RULES {
            let found = best_lottery(&problem, rule, 1, &Silent).unwrap();
            assert_eq!(found.lottery.panels.len(), 1);
            assert_eq!(found.certificate.unreachable.len(), 3);
            assert!(found.certificate.check(&problem, &found.lottery).unwrap().exact);
        }
    }

    proptest! {
        /// No mixture of panels has a better figure than the bound, whatever the multipliers.
        #[test]
        fn bounds_bound(x in 0.01..0.99f64, y in 0.01..0.99f64, multipliers in proptest::array::uniform5(-9.0..9.0f64)) {
            let problem = square();
            let panels = every_panel(&problem);
            let mix = |x: f64| -> Vec<f64> {
                (0..4).map(|t| x * f64::from(panels[0].0[t]) + (1.0 - x) * f64::from(panels[1].0[t])).collect()
            };
            let none = [false; 4];
            let multipliers = Multipliers { rows: multipliers[..4].to_vec(), size: multipliers[4] };
            let figure = |rule: Objective, x: f64| rule.bounded(&problem, &none, &mix(x), &multipliers).unwrap().0;
            let (_, nash) = Objective::Nash.bounded(&problem, &none, &mix(x), &multipliers).unwrap();
            prop_assert!(figure(Objective::Nash, y) <= nash + 1e-9);
            let (_, goldilocks) = RULES[1].bounded(&problem, &none, &mix(x), &multipliers).unwrap();
            prop_assert!(figure(RULES[1], y) >= goldilocks - 1e-9);
        }
    }
}
