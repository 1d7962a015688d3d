//! The same programs posed to HiGHS (a C++ library under MIT), where the crate is built with the feature `highs`: a second
//! opinion. What a certificate says is checked by arithmetic, not by either solver.

use ::highs::{HighsModelStatus, HighsSolutionStatus, RowProblem, Sense, SolvedModel};

use super::program::{Effort, Program, Unsolved, Vertex};
use crate::progress::Progress;

/// Distance from bounds, from whole numbers and from optimality that HiGHS allows itself; its own default is 1e-6 or 1e-7.
const TOLERANCE: f64 = 1e-9;

/// What HiGHS is to look for.
#[derive(Clone, Copy, PartialEq)]
enum Aim {
    Cheapest,
    /// Anything that meets the constraints: costs are left out.
    Any,
}

/// A vertex, or the best whole answer where columns are whole, with the contract of [`Program::solve`].
///
/// On one thread and from a fixed seed, so that an answer depends on the program alone. The caller is asked before and
/// after: HiGHS cannot be resumed where a node limit stopped it, so that a search under way is not interrupted.
///
/// # Errors
/// As [`Program::solve`].
pub fn solve(program: &Program, effort: Effort, progress: &dyn Progress) -> Result<Vertex, Unsolved> {
    progress.checkpoint()?;
    let solved = run(program, effort, Aim::Cheapest)?;
    progress.checkpoint()?;
    let whole = program.columns.iter().any(|column| column.integer);
    let optimal = match solved.status() {
        HighsModelStatus::Optimal => !whole || effort.gap == 0.0 || solved.mip_gap() == 0.0,
        // Without columns nothing is left to be chosen: bounds hold of nothing, or they do not.
        HighsModelStatus::ModelEmpty if program.constraints.iter().all(|row| row.lower <= 0.0 && row.upper >= 0.0) => {
            true
        }
        HighsModelStatus::ModelEmpty | HighsModelStatus::Infeasible => return Err(Unsolved::Infeasible),
        // Of whole columns HiGHS says so as soon as real ones would be: whether anything is there at all is still open.
        HighsModelStatus::Unbounded if !whole => return Err(Unsolved::Unbounded),
        HighsModelStatus::Unbounded | HighsModelStatus::UnboundedOrInfeasible => {
            let found = run(program, Effort::ANY, Aim::Any)?;
            progress.checkpoint()?;
            return Err(match (found.primal_solution_status(), found.status()) {
                (HighsSolutionStatus::Feasible, _) => Unsolved::Unbounded,
                (_, HighsModelStatus::Infeasible) => Unsolved::Infeasible,
                (_, status) => gave_up(status),
            });
        }
        // Of nodes, or of answers where any will do.
        HighsModelStatus::ReachedSolutionLimit if solved.primal_solution_status() == HighsSolutionStatus::Feasible => {
            false
        }
        HighsModelStatus::ReachedSolutionLimit => return Err(Unsolved::NodeLimit(effort.nodes)),
        status => return Err(gave_up(status)),
    };
    let solution = solved.get_solution();
    let value = |(column, &value): (&super::program::Column, &f64)| match column.integer {
        true => value.round() + 0.0,
        false => value,
    };
    let values: Vec<f64> = program.columns.iter().zip(solution.columns()).map(value).collect();
    let cost = program.columns.iter().zip(&values).map(|(column, value)| column.cost * value).sum();
    Ok(Vertex { values, cost, optimal })
}

fn gave_up(status: HighsModelStatus) -> Unsolved {
    Unsolved::Failed(format!("HiGHS says {status:?}"))
}

/// HiGHS's run, whatever came of it.
fn run(program: &Program, effort: Effort, aim: Aim) -> Result<SolvedModel, Unsolved> {
    let mut problem = RowProblem::default();
    let columns: Vec<_> = program
        .columns
        .iter()
        .map(|column| {
            let cost = if aim == Aim::Any { 0.0 } else { column.cost };
            problem.add_column_with_integrality(cost, column.lower..=column.upper, column.integer)
        })
        .collect();
    for row in &program.constraints {
        problem.add_row(row.lower..=row.upper, row.terms.iter().map(|&(column, by)| (columns[column], by)));
    }
    let refused = |what: &str| Unsolved::Failed(format!("HiGHS refuses {what}"));
    let mut model = problem.try_optimise(Sense::Minimise).map_err(|_| refused("the program"))?;
    let nodes = i32::try_from(effort.nodes).unwrap_or(i32::MAX);
    let answers = if effort.gap.is_infinite() { 1 } else { i32::MAX };
    let limits = [("mip_max_nodes", nodes), ("mip_max_improving_sols", answers)];
    for (name, value) in [("threads", 1), ("random_seed", 0)].into_iter().chain(limits) {
        model.try_set_option(name, value).map_err(|_| refused(name))?;
    }
    for (name, value) in [
        // Before there is any answer the gap is infinite: that must not be good enough.
        ("mip_rel_gap", effort.gap.min(1e9)),
        ("mip_abs_gap", 0.0),
        ("primal_feasibility_tolerance", TOLERANCE),
        ("dual_feasibility_tolerance", TOLERANCE),
        ("mip_feasibility_tolerance", TOLERANCE),
    ] {
        model.try_set_option(name, value).map_err(|_| refused(name))?;
    }
    model.try_set_option("parallel", "off").map_err(|_| refused("parallel"))?;
    model.try_solve().map_err(|_| Unsolved::Failed("HiGHS stopped with an error".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Cancelled, Silent};
    use crate::statistics::Stream;

    /// A program of up to 7 columns and 7 rows with small whole coefficients; real columns may have no upper bound. Two of three
    /// programs are built around a point that meets their constraints.
    fn random(stream: &mut Stream) -> Program {
        let mut program = Program::default();
        let mut number = |low: i64, high: i64| (low + stream.below((high - low + 1) as u64) as i64) as f64;
        let (whole_share, built) = (number(0, 2), number(0, 2) > 0.0);
        let mut point = Vec::new();
        for _ in 0..number(1, 7) as usize {
            let (cost, lower, above) = (number(-5, 5), number(-3, 2), number(0, 6));
            point.push(lower + number(0, above as i64));
            match number(1, 2) <= whole_share {
                true => program.whole(cost, lower, lower + above),
                false if number(0, 2) == 0.0 => program.column(cost, lower, f64::INFINITY),
                false => program.column(cost, lower, lower + above),
            };
        }
        for _ in 0..number(0, 7) as usize {
            let mut terms = Vec::new();
            for column in 0..program.columns.len() {
                let by = number(-4, 4);
                if by != 0.0 && number(0, 2) > 0.0 {
                    terms.push((column, by));
                }
            }
            let sum: f64 = terms.iter().map(|&(column, by)| by * point[column]).sum();
            let (below, above) = (number(0, 5), number(1, 6));
            let at = if built { sum } else { number(-9, 9) };
            match number(0, 3) as u8 {
                0 => program.constrain(terms, at - below, f64::INFINITY),
                1 => program.constrain(terms, f64::NEG_INFINITY, at + above),
                2 => program.constrain(terms, at - below, at + above),
                _ => program.constrain(terms, at, at),
            };
        }
        program
    }

    /// What the values break: a column's bounds or wholeness, or a constraint, by more than a hair.
    fn broken(program: &Program, values: &[f64]) -> Option<String> {
        const HAIR: f64 = 1e-6;
        let within = |value: f64, lower: f64, upper: f64| value >= lower - HAIR && value <= upper + HAIR;
        let columns = program.columns.iter().zip(values).enumerate();
        let column = columns.into_iter().find_map(|(place, (column, &value))| {
            let fits = within(value, column.lower, column.upper) && (!column.integer || value.fract() == 0.0);
            (!fits).then(|| format!("column {place} is {value}"))
        });
        column.or_else(|| {
            program.constraints.iter().enumerate().find_map(|(place, row)| {
                let sum = row.terms.iter().map(|&(column, by)| by * values[column]).sum();
                (!within(sum, row.lower, row.upper)).then(|| format!("constraint {place} is {sum}"))
            })
        })
    }

    #[test]
    fn both_solvers_agree_on_random_programs() {
        let (mut solved, mut infeasible, mut unbounded, mut whole) = (0, 0, 0, 0);
        for number in 0..400 {
            let program = random(&mut Stream::new(20, number));
            let ours = solve(&program, Effort::EXACT, &Silent);
            let theirs = program.solve_by_microlp(Effort::EXACT, &Silent);
            match (&ours, &theirs) {
                (Ok(a), Ok(b)) => {
                    let near = (a.cost - b.cost).abs() <= 1e-6 * b.cost.abs().max(1.0);
                    assert!(near && a.optimal && b.optimal, "program {number}: {a:?}, {b:?}\n{program:?}");
                    assert_eq!(broken(&program, &a.values), None, "program {number}: {a:?}\n{program:?}");
                    solved += 1;
                    whole += usize::from(program.columns.iter().any(|column| column.integer));
                }
                (Err(a), Err(b)) => {
                    assert_eq!(a, b, "program {number}: {program:?}");
                    infeasible += usize::from(*a == Unsolved::Infeasible);
                    unbounded += usize::from(*a == Unsolved::Unbounded);
                }
                _ => panic!("program {number}: {ours:?}, {theirs:?}\n{program:?}"),
            }
        }
        assert_eq!(solved + infeasible + unbounded, 400);
        assert!(
            solved > 100 && whole > 50 && infeasible > 50 && unbounded > 10,
            "{solved} {whole} {infeasible} {unbounded}"
        );
    }

    /// Forty things of odd weights of which exactly so much is to be packed: no relaxation settles it.
    fn odd_weights() -> Program {
        let mut program = Program::default();
        let mut stream = Stream::new(4, 0);
        let terms = (0..40).map(|_| (program.whole(-1.0, 0.0, 1.0), 1.0 + stream.below(9999) as f64)).collect();
        program.constrain(terms, 50_001.0, 50_001.0);
        program
    }

    #[test]
    fn an_answer_depends_on_the_program_alone() {
        let alone = solve(&odd_weights(), Effort::EXACT, &Silent).unwrap();
        let answers: Vec<Vertex> = std::thread::scope(|scope| {
            let solve = || solve(&odd_weights(), Effort::EXACT, &Silent).unwrap();
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(solve)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|answer| *answer == alone));
        assert!(alone.optimal && alone.values.iter().all(|value| value.fract() == 0.0));
    }

    #[test]
    fn a_first_answer_is_not_called_the_best() {
        let best = solve(&odd_weights(), Effort::EXACT, &Silent).unwrap();
        let first = solve(&odd_weights(), Effort::ANY, &Silent).unwrap();
        assert!(!first.optimal && first.cost >= best.cost, "{} {}", first.cost, best.cost);
        assert_eq!(broken(&odd_weights(), &first.values), None);
    }

    #[test]
    fn the_node_limit_ends_a_search() {
        match solve(&odd_weights(), Effort { gap: 0.0, nodes: 1 }, &Silent) {
            Ok(found) => assert!(!found.optimal),
            Err(error) => assert_eq!(error, Unsolved::NodeLimit(1)),
        }
    }

    #[test]
    fn a_program_without_columns_is_judged_by_its_bounds() {
        let mut program = Program::default();
        assert!(solve(&program, Effort::EXACT, &Silent).unwrap().values.is_empty());
        program.constrain(Vec::new(), 1.0, 2.0);
        assert_eq!(solve(&program, Effort::EXACT, &Silent).unwrap_err(), Unsolved::Infeasible);
    }

    #[test]
    fn whole_columns_can_be_infeasible_where_costs_would_fall_without_end() {
        let mut program = Program::default();
        let (free, half) = (program.column(-1.0, 0.0, f64::INFINITY), program.whole(0.0, 0.0, 1.0));
        program.constrain(vec![(half, 2.0)], 1.0, 1.0);
        program.constrain(vec![(free, 1.0), (half, 1.0)], 0.0, f64::INFINITY);
        assert_eq!(solve(&program, Effort::EXACT, &Silent).unwrap_err(), Unsolved::Infeasible);
    }

    #[test]
    fn a_cancelled_caller_gets_no_answer() {
        struct Stopped;
        impl Progress for Stopped {
            fn stage(&self, _name: &str) {}
            fn report(&self, _done: u64, _total: u64) {}
            fn checkpoint(&self) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        assert_eq!(solve(&odd_weights(), Effort::ANY, &Stopped).unwrap_err(), Unsolved::Cancelled(Cancelled));
    }
}
