//! Linear and integer programs, posed once for the solvers behind them: microlp (simplex, branch and bound), or HiGHS in its
//! place with the feature `highs`, and clarabel (interior point, with multipliers). No answer of a solver is believed
//! where it matters: panels are checked in integers, optima by weak duality, with the same arithmetic whichever it was.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use crate::progress::{Cancelled, Progress};

/// Branch-and-bound nodes between two looks at the caller: a number, not a time, so that answers do not depend on speed.
const NODES_A_SLICE: u64 = 200;

/// Residuals below which an answer that the interior-point solver did not call finished is still one.
const ROUGH: f64 = 1e-7;

/// One unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Its price; programs are minimised.
    pub cost: f64,
    /// Lowest value, finite.
    pub lower: f64,
    /// Highest value; may be infinite where the column is real.
    pub upper: f64,
    /// Whether it must be whole.
    pub integer: bool,
}

/// `lower <= sum of coefficient times column <= upper`; either bound may be infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Columns with their coefficients.
    pub terms: Vec<(usize, f64)>,
    /// Lowest sum.
    pub lower: f64,
    /// Highest sum.
    pub upper: f64,
}

/// Minimise the costs under the constraints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// The unknowns.
    pub columns: Vec<Column>,
    /// What binds them.
    pub constraints: Vec<Constraint>,
}

/// Why a program has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsolved {
    /// Nothing meets the constraints, as far as the solver can tell.
    #[error("nothing meets the constraints")]
    Infeasible,
    /// Costs fall without end.
    #[error("the costs fall without end")]
    Unbounded,
    /// The solver gave up.
    #[error("the solver gave up: {0}")]
    Failed(String),
    /// The node limit was met before any answer was found.
    #[error("no answer within {0} branches")]
    NodeLimit(u64),
    /// The caller asked for the end.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How hard to look for a best whole answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Relative distance from the best at which an answer is good enough.
    pub gap: f64,
    /// Most branch-and-bound nodes.
    pub nodes: u64,
}

impl Effort {
    /// To the proven optimum, however long it takes.
    pub const EXACT: Self = Self { gap: 0.0, nodes: u64::MAX };
    /// The first answer found.
    pub const ANY: Self = Self { gap: f64::INFINITY, nodes: u64::MAX };
}

/// An answer of the simplex or of branch and bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Vertex {
    /// One value a column; whole ones are exactly whole.
    pub values: Vec<f64>,
    /// Their costs.
    pub cost: f64,
    /// Whether the solver claims that nothing is cheaper.
    pub optimal: bool,
}

/// An interior answer of a linear program with the multipliers of its constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Interior {
    /// One value a column.
    pub values: Vec<f64>,
    /// The costs.
    pub cost: f64,
    /// One multiplier a constraint: what the least cost changes by for one unit more of the binding bound (positive where
    /// the lower bound binds, negative where the upper one does).
    pub multipliers: Vec<f64>,
    /// Whether full accuracy was reached; otherwise the solver stopped at its reduced one.
    pub accurate: bool,
}

impl Program {
    /// A new unknown; returns its place.
    pub fn column(&mut self, cost: f64, lower: f64, upper: f64) -> usize {
        self.columns.push(Column { cost, lower, upper, integer: false });
        self.columns.len() - 1
    }

    /// A new whole unknown; returns its place.
    pub fn whole(&mut self, cost: f64, lower: f64, upper: f64) -> usize {
        self.columns.push(Column { cost, lower, upper, integer: true });
        self.columns.len() - 1
    }

    /// A new constraint; returns its place.
    pub fn constrain(&mut self, terms: Vec<(usize, f64)>, lower: f64, upper: f64) -> usize {
        self.constraints.push(Constraint { terms, lower, upper });
        self.constraints.len() - 1
    }

    /// A vertex by the simplex, or the best whole answer by branch and bound where columns are whole: by HiGHS with the
    /// feature `highs`, else by microlp.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn solve(&self, effort: Effort, progress: &dyn Progress) -> Result<Vertex, Unsolved> {
        #[cfg(feature = "highs")]
        return super::highs::solve(self, effort, progress);
        #[cfg(not(feature = "highs"))]
        self.solve_by_microlp(effort, progress)
    }

    /// What [`Program::solve`] does without the feature `highs`: microlp, which looks at the caller between slices of
    /// nodes. It can be asked beside HiGHS, for a second opinion.
    ///
    /// # Errors
    /// Why there is no answer.
    pub fn solve_by_microlp(&self, effort: Effort, progress: &dyn Progress) -> Result<Vertex, Unsolved> {
        use microlp::{ComparisonOp, OptimizationDirection, Problem, ResumeOptions, SolveOptions, TerminationReason};
        progress.checkpoint()?;
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| match column.integer {
                true => problem.add_integer_var(column.cost, (column.lower as i32, column.upper as i32)),
                false => problem.add_var(column.cost, (column.lower, column.upper)),
            })
            .collect();
        for constraint in &self.constraints {
            let terms: Vec<_> = constraint.terms.iter().map(|&(column, by)| (columns[column], by)).collect();
            if constraint.lower == constraint.upper {
                problem.add_constraint(&terms, ComparisonOp::Eq, constraint.lower);
                continue;
            }
            if constraint.lower > f64::NEG_INFINITY {
                problem.add_constraint(&terms, ComparisonOp::Ge, constraint.lower);
            }
            if constraint.upper < f64::INFINITY {
                problem.add_constraint(&terms, ComparisonOp::Le, constraint.upper);
            }
        }
        let mut options = SolveOptions::default();
        options.mip_gap = effort.gap.min(1e9);
        options.node_limit = Some(NODES_A_SLICE.min(effort.nodes));
        let mut outcome = problem.solve_with(options).map_err(failure)?;
        let mut nodes = NODES_A_SLICE;
        while matches!(outcome.termination_reason(), TerminationReason::NodeLimit | TerminationReason::TimeLimit) {
            progress.checkpoint()?;
            let found = outcome.solution().is_some();
            if nodes >= effort.nodes || (found && effort.gap.is_infinite()) {
                break;
            }
            let mut options = ResumeOptions::default();
            options.node_limit = Some(NODES_A_SLICE.min(effort.nodes - nodes));
            outcome = outcome.resume_with(options).map_err(failure)?;
            nodes = nodes.saturating_add(NODES_A_SLICE);
        }
        let optimal = outcome.termination_reason() == TerminationReason::ProvenOptimal;
        let Ok(solution) = outcome.into_solution() else { return Err(Unsolved::NodeLimit(effort.nodes)) };
        let value = |(place, &column): (usize, &microlp::Variable)| match self.columns[place].integer {
            true => solution.var_value(column).round() + 0.0,
            false => solution.var_value(column),
        };
        let values: Vec<f64> = columns.iter().enumerate().map(value).collect();
        let cost = self.columns.iter().zip(&values).map(|(column, value)| column.cost * value).sum();
        Ok(Vertex { values, cost, optimal })
    }

    /// An interior optimum of the linear program (whole columns count as real ones), with multipliers.
    pub fn solve_interior(&self, progress: &dyn Progress) -> Result<Interior, Unsolved> {
        progress.checkpoint()?;
        let width = self.columns.len();
        // clarabel's form: minimise q x with A x + s = b, s in a cone: zero for equalities, nonnegative otherwise.
        let mut entries: Vec<Vec<(usize, f64)>> = vec![Vec::new(); width];
        let mut bounds = Vec::new();
        // For each constraint: the rows of its lower and upper bound.
        let mut places = vec![(None, None); self.constraints.len()];
        for (place, constraint) in self.constraints.iter().enumerate() {
            if constraint.lower == constraint.upper {
                constraint.terms.iter().for_each(|&(column, by)| entries[column].push((bounds.len(), by)));
                places[place].1 = Some(bounds.len());
                bounds.push(constraint.upper);
            }
        }
        let equalities = bounds.len();
        for (place, constraint) in self.constraints.iter().enumerate() {
            if constraint.lower == constraint.upper {
                continue;
            }
            if constraint.lower > f64::NEG_INFINITY {
                constraint.terms.iter().for_each(|&(column, by)| entries[column].push((bounds.len(), -by)));
                places[place].0 = Some(bounds.len());
                bounds.push(-constraint.lower);
            }
            if constraint.upper < f64::INFINITY {
                constraint.terms.iter().for_each(|&(column, by)| entries[column].push((bounds.len(), by)));
                places[place].1 = Some(bounds.len());
                bounds.push(constraint.upper);
            }
        }
        for (place, column) in self.columns.iter().enumerate() {
            entries[place].push((bounds.len(), -1.0));
            bounds.push(-column.lower);
            if column.upper < f64::INFINITY {
                entries[place].push((bounds.len(), 1.0));
                bounds.push(column.upper);
            }
        }
        let mut starts = vec![0];
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for column in &mut entries {
            column.sort_unstable_by_key(|&(row, _)| row);
            rows.extend(column.iter().map(|&(row, _)| row));
            values.extend(column.iter().map(|&(_, by)| by));
            starts.push(rows.len());
        }
        let matrix = CscMatrix::new(bounds.len(), width, starts, rows, values);
        let costs: Vec<f64> = self.columns.iter().map(|column| column.cost).collect();
        let cones =
            [SupportedConeT::ZeroConeT(equalities), SupportedConeT::NonnegativeConeT(bounds.len() - equalities)];
        let settings = DefaultSettings {
            verbose: false,
            max_threads: 1,
            tol_gap_abs: 1e-9,
            tol_gap_rel: 1e-9,
            tol_feas: 1e-9,
            ..DefaultSettings::default()
        };
        let quadratic = CscMatrix::zeros((width, width));
        let mut solver = DefaultSolver::new(&quadratic, &costs, &matrix, &bounds, &cones, settings)
            .map_err(|error| Unsolved::Failed(error.to_string()))?;
        solver.solve();
        progress.checkpoint()?;
        let accurate = match solver.solution.status {
            SolverStatus::Solved => true,
            SolverStatus::AlmostSolved => false,
            // It turns on the spot just before the end: what it has is as good as its residuals.
            SolverStatus::MaxIterations | SolverStatus::InsufficientProgress
                if solver.solution.r_prim < ROUGH && solver.solution.r_dual < ROUGH =>
            {
                false
            }
            SolverStatus::PrimalInfeasible | SolverStatus::AlmostPrimalInfeasible => return Err(Unsolved::Infeasible),
            SolverStatus::DualInfeasible | SolverStatus::AlmostDualInfeasible => return Err(Unsolved::Unbounded),
            status => return Err(Unsolved::Failed(format!("{status:?}"))),
        };
        let z = &solver.solution.z;
        let multiplier = |&(lower, upper): &(Option<usize>, Option<usize>)| {
            lower.map_or(0.0, |row: usize| z[row]) - upper.map_or(0.0, |row: usize| z[row])
        };
        let multipliers = places.iter().map(multiplier).collect();
        let values = solver.solution.x.clone();
        let cost = self.columns.iter().zip(&values).map(|(column, value)| column.cost * value).sum();
        Ok(Interior { values, cost, multipliers, accurate })
    }
}

/// microlp's reasons in ours.
fn failure(error: microlp::Error) -> Unsolved {
    match error {
        microlp::Error::Infeasible => Unsolved::Infeasible,
        microlp::Error::Unbounded => Unsolved::Unbounded,
        other => Unsolved::Failed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// Most of x + 2 y with x + y <= 4, x + 3 y <= 6.
    fn example() -> Program {
        let mut program = Program::default();
        let (x, y) = (program.column(-1.0, 0.0, f64::INFINITY), program.whole(-2.0, 0.0, 9.0));
        program.constrain(vec![(x, 1.0), (y, 1.0)], f64::NEG_INFINITY, 4.0);
        program.constrain(vec![(x, 1.0), (y, 3.0)], f64::NEG_INFINITY, 6.0);
        program
    }

    #[test]
    fn both_solvers_find_the_optimum_and_its_prices() {
        let vertex = example().solve(Effort::EXACT, &Silent).unwrap();
        assert!(vertex.optimal && (vertex.cost + 5.0).abs() < 1e-7);
        let interior = example().solve_interior(&Silent).unwrap();
        assert!((interior.cost + 5.0).abs() < 1e-7);
        // One unit more of either bound is worth half a unit.
        assert!(interior.multipliers.iter().all(|price| (price + 0.5).abs() < 1e-6), "{:?}", interior.multipliers);
    }

    #[test]
    fn an_equality_has_a_signed_price() {
        let mut program = Program::default();
        let x = program.column(3.0, 0.0, f64::INFINITY);
        program.constrain(vec![(x, 1.0)], 2.0, 2.0);
        let interior = program.solve_interior(&Silent).unwrap();
        assert!((interior.multipliers[0] - 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_infeasible_is_told_apart_from_the_unbounded() {
        let mut program = Program::default();
        let x = program.column(-1.0, 0.0, f64::INFINITY);
        assert_eq!(program.solve(Effort::EXACT, &Silent).unwrap_err(), Unsolved::Unbounded);
        assert_eq!(program.solve_interior(&Silent).unwrap_err(), Unsolved::Unbounded);
        program.constrain(vec![(x, 1.0)], f64::NEG_INFINITY, -1.0);
        assert_eq!(program.solve(Effort::EXACT, &Silent).unwrap_err(), Unsolved::Infeasible);
        assert_eq!(program.solve_interior(&Silent).unwrap_err(), Unsolved::Infeasible);
    }
}
