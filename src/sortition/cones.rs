//! Convex programs over the expected counts of types: linear rows together with exponential and power cones, for clarabel.
//! Their answers are proposals; what is claimed of them comes from bounds that need no solver's word.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use super::problem::Problem;
use super::program::Unsolved;
use crate::progress::Progress;

/// `sum of coefficient times column + constant`.
pub(super) struct Affine(pub Vec<(usize, f64)>, pub f64);

impl Affine {
    pub(super) fn column(place: usize) -> Self {
        Self(vec![(place, 1.0)], 0.0)
    }
}

/// Minimise costs where affine expressions lie in cones.
#[derive(Default)]
pub(super) struct ConeProgram {
    costs: Vec<f64>,
    zero: Vec<Affine>,
    nonnegative: Vec<Affine>,
    curved: Vec<(SupportedConeT<f64>, [Affine; 3])>,
}

impl ConeProgram {
    /// A new unknown without bounds; returns its place.
    pub(super) fn column(&mut self, cost: f64) -> usize {
        self.costs.push(cost);
        self.costs.len() - 1
    }

    pub(super) fn equals_zero(&mut self, expression: Affine) {
        self.zero.push(expression);
    }

    pub(super) fn at_least_zero(&mut self, expression: Affine) {
        self.nonnegative.push(expression);
    }

    /// `exp(low) <= high`.
    pub(super) fn exponential(&mut self, low: Affine, high: Affine) {
        self.curved.push((SupportedConeT::ExponentialConeT(), [low, Affine(Vec::new(), 1.0), high]));
    }

    /// `|low| <= a^share b^(1 - share)` with `a, b >= 0`.
    pub(super) fn power(&mut self, share: f64, a: Affine, b: Affine, low: Affine) {
        self.curved.push((SupportedConeT::PowerConeT(share), [a, b, low]));
    }

    /// One value a column, as accurate as the solver gets (checked by whoever uses them).
    pub(super) fn solve(self, progress: &dyn Progress) -> Result<Vec<f64>, Unsolved> {
        progress.checkpoint()?;
        let mut cones =
            vec![SupportedConeT::ZeroConeT(self.zero.len()), SupportedConeT::NonnegativeConeT(self.nonnegative.len())];
        let mut rows: Vec<Affine> = self.zero.into_iter().chain(self.nonnegative).collect();
        for (cone, expressions) in self.curved {
            cones.push(cone);
            rows.extend(expressions);
        }
        let width = self.costs.len();
        let mut entries: Vec<Vec<(usize, f64)>> = vec![Vec::new(); width];
        for (row, Affine(terms, _)) in rows.iter().enumerate() {
            terms.iter().for_each(|&(column, by)| entries[column].push((row, -by)));
        }
        let starts: Vec<usize> = std::iter::once(0)
            .chain(entries.iter().scan(0, |sum, column| {
                *sum += column.len();
                Some(*sum)
            }))
            .collect();
        let (places, values) = entries.into_iter().flatten().unzip();
        let matrix = CscMatrix::new(rows.len(), width, starts, places, values);
        let constants: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let none = CscMatrix::zeros((width, width));
        let mut proposal = Err(Unsolved::Failed("no attempt".into()));
        // Steep cones defeat one setting and not the next; each is tried until one converges.
        for (equilibrate_enable, max_step_fraction) in [(false, 0.99), (true, 0.99), (false, 0.9), (true, 0.8)] {
            // Near the optimum the objective is flat: chances are only as accurate as the root of its own accuracy.
            let settings = DefaultSettings {
                verbose: false,
                max_threads: 1,
                max_iter: 100,
                tol_gap_abs: 1e-13,
                tol_gap_rel: 1e-13,
                tol_feas: 1e-11,
                equilibrate_enable,
                max_step_fraction,
                ..DefaultSettings::default()
            };
            let mut solver = DefaultSolver::new(&none, &self.costs, &matrix, &constants, &cones, settings)
                .map_err(|error| Unsolved::Failed(error.to_string()))?;
            solver.solve();
            progress.checkpoint()?;
            let solution = &solver.solution;
            match solution.status {
                SolverStatus::PrimalInfeasible => return Err(Unsolved::Infeasible),
                SolverStatus::DualInfeasible => return Err(Unsolved::Unbounded),
                SolverStatus::Solved | SolverStatus::AlmostSolved => return Ok(solution.x.clone()),
                // Short of convergence the last point is still a proposal; the bound will say what it is worth.
                _ if proposal.is_err() && solution.x.iter().all(|value| value.is_finite()) => {
                    proposal = Ok(solution.x.clone());
                }
                status if proposal.is_err() => proposal = Err(Unsolved::Failed(format!("{status:?}"))),
                _ => {}
            }
        }
        proposal
    }
}

/// Unknown relative chances `r_t = (c_t / m_t) / (k / n)` of the types that are not excluded, within the quotas.
pub(super) struct Relative {
    /// The column of each type; `None` where it is excluded.
    pub columns: Vec<Option<usize>>,
    /// Each type's share of the people who are not excluded.
    pub shares: Vec<f64>,
    unit: f64,
}

impl Relative {
    /// Adds the columns and the rows of the relaxed problem: counts from 0 to the types' sizes, k in all, quotas.
    pub(super) fn new(problem: &Problem, excluded: &[bool], program: &mut ConeProgram) -> Self {
        let people: f64 = included(problem, excluded).map(|(_, size)| size).sum();
        let unit = f64::from(problem.size) / people;
        let columns: Vec<Option<usize>> = excluded.iter().map(|&out| (!out).then(|| program.column(0.0))).collect();
        let term = |t: usize| columns[t].map(|column| (column, f64::from(problem.types[t].size()) * unit));
        program.equals_zero(Affine((0..columns.len()).filter_map(term).collect(), -f64::from(problem.size)));
        for &column in columns.iter().flatten() {
            program.at_least_zero(Affine(vec![(column, -1.0)], 1.0 / unit));
        }
        for row in &problem.rows {
            let terms: Vec<(usize, f64)> = row.types.iter().filter_map(|&t| term(t as usize)).collect();
            let most: u32 = row.types.iter().map(|&t| problem.types[t as usize].size()).sum();
            if row.min == row.max {
                program.equals_zero(Affine(terms, -f64::from(row.min)));
                continue;
            }
            if row.max < most.min(problem.size) {
                let negative = terms.iter().map(|&(column, by)| (column, -by)).collect();
                program.at_least_zero(Affine(negative, f64::from(row.max)));
            }
            if row.min > 0 {
                program.at_least_zero(Affine(terms, -f64::from(row.min)));
            }
        }
        let share = |t: usize| if excluded[t] { 0.0 } else { f64::from(problem.types[t].size()) / people };
        let shares = (0..problem.types.len()).map(share).collect();
        Self { columns, shares, unit }
    }

    /// Expected counts of the types from an answer.
    pub(super) fn counts(&self, problem: &Problem, answer: &[f64]) -> Vec<f64> {
        let count = |(column, kind): (&Option<usize>, &super::problem::PersonType)| {
            let size = f64::from(kind.size());
            column.map_or(0.0, |column| (answer[column] * self.unit * size).clamp(0.0, size))
        };
        self.columns.iter().zip(&problem.types).map(count).collect()
    }
}

/// The types that are not excluded with their sizes.
pub(super) fn included<'a>(problem: &'a Problem, excluded: &'a [bool]) -> impl Iterator<Item = (usize, f64)> + 'a {
    let sizes = problem.types.iter().map(|kind| f64::from(kind.size())).enumerate();
    sizes.filter(|&(t, _)| !excluded[t])
}
