//! From expected counts to a lottery over whole panels (dempo.md, section 3.3 B and C; Grötschel, Lovász and Schrijver's
//! peeling): a panel on the smallest face around what is left is taken out with the largest weight that leaves the rest
//! within the quotas, until nothing is left.

use super::lottery::{TypeLottery, TypePanel};
use super::problem::Problem;
use super::program::{Effort, Program, Unsolved};
use super::sampled::rows_of_types;
use crate::progress::Progress;
use crate::statistics::Stream;

/// Counts this close to a whole number are whole.
const WHOLE: f64 = 1e-8;
/// Weight that may be left over; the panels found share it.
const NOTHING: f64 = 1e-9;
/// Branches that a search for a panel on a face may take before the face is held to have none.
const BRANCHES: u64 = 2_000;

/// A lottery with given expected counts, as far as one was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Decomposition {
    /// The lottery; its probabilities sum to 1.
    pub lottery: TypeLottery,
    /// Weight for which no panel was found; 0 where the peeling went through.
    pub missing: f64,
}

/// Peels panels off the `expected` counts of each type, which meet the quotas as expectations.
pub fn peel(
    problem: &Problem,
    expected: &[f64],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Decomposition, Unsolved> {
    progress.stage("splitting the chances into panels");
    let mut stream = Stream::new(seed, 0);
    let rows = rows_of_types(problem);
    let mut rest = expected.to_vec();
    let mut left = 1.0;
    let mut panels = Vec::new();
    while left > NOTHING {
        progress.report(((1.0 - left) * 1e6) as u64, 1_000_000);
        progress.checkpoint()?;
        let face = Face::around(problem, &rest);
        let Some(counts) = face.panel(problem, &rows, &mut stream, progress)? else { break };
        let weight = face.largest_weight(problem, &counts).min(1.0);
        for (rest, &count) in rest.iter_mut().zip(&counts) {
            *rest = if weight < 1.0 { (*rest - weight * f64::from(count)) / (1.0 - weight) } else { f64::from(count) };
        }
        let probability = if weight > 1.0 - 1e-7 { left } else { left * weight };
        panels.push(TypePanel { counts: super::sampled::occurring(&counts), probability });
        left -= probability;
    }
    let missing = left.max(0.0);
    let total: f64 = panels.iter().map(|panel| panel.probability).sum();
    if total > 0.0 {
        panels.iter_mut().for_each(|panel| panel.probability /= total);
    }
    Ok(Decomposition { lottery: TypeLottery { panels }, missing })
}

/// The smallest face of the quotas' box around a point: every count and every row between the whole numbers around it.
struct Face {
    point: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// Sum, lower and upper bound of each row of the problem.
    rows: Vec<(f64, f64, f64)>,
}

fn around(value: f64) -> (f64, f64) {
    let near = value.round();
    if (value - near).abs() < WHOLE { (near, near) } else { (value.floor(), value.ceil()) }
}

impl Face {
    fn around(problem: &Problem, point: &[f64]) -> Self {
        let (low, high) = point.iter().map(|&count| around(count.max(0.0))).unzip();
        let rows = problem
            .rows
            .iter()
            .map(|row| {
                let sum: f64 = row.types.iter().map(|&t| point[t as usize]).sum();
                let (low, high) = around(sum);
                (sum, low.max(f64::from(row.min)), high.min(f64::from(row.max)))
            })
            .collect();
        Self { point: point.to_vec(), low, high, rows }
    }

    /// How far beyond the face's walls the remainder stays when `counts` is taken out: the largest weight.
    fn largest_weight(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let room = |point: f64, taken: f64, low: f64, high: f64| {
            // The remainder (point - w taken) / (1 - w) has to stay within low and high.
            let below = if taken > low { (point - low) / (taken - low) } else { f64::INFINITY };
            let above = if taken < high { (high - point) / (high - taken) } else { f64::INFINITY };
            below.min(above)
        };
        let mut weight = f64::INFINITY;
        for (t, &count) in counts.iter().enumerate() {
            weight = weight.min(room(self.point[t], f64::from(count), self.low[t], self.high[t]));
        }
        for (row, &(sum, low, high)) in problem.rows.iter().zip(&self.rows) {
            let taken: u32 = row.types.iter().map(|&t| counts[t as usize]).sum();
            weight = weight.min(room(sum, f64::from(taken), low, high));
        }
        weight.max(0.0)
    }

    /// A whole panel on the face that takes much of the large fractional parts.
    fn panel(
        &self,
        problem: &Problem,
        rows: &[Vec<u32>],
        stream: &mut Stream,
        progress: &dyn Progress,
    ) -> Result<Option<Vec<u32>>, Unsolved> {
        let types = self.point.len();
        let open: Vec<usize> = (0..types).filter(|&t| self.low[t] < self.high[t]).collect();
        let mut counts: Vec<u32> = self.low.iter().map(|&low| low as u32).collect();
        if open.is_empty() {
            return Ok(problem.admits(&counts).then_some(counts));
        }
        // Each open count is its lower whole number plus 0 or 1.
        let mut program = Program::default();
        let mut place = vec![usize::MAX; types];
        for &t in &open {
            let part = self.point[t] - self.low[t];
            place[t] = program.whole(0.5 - part + 1e-3 * stream.unit(), 0.0, 1.0);
        }
        let mut terms: Vec<Vec<(usize, f64)>> = vec![Vec::new(); problem.rows.len()];
        for &t in &open {
            rows[t].iter().for_each(|&row| terms[row as usize].push((place[t], 1.0)));
        }
        let base = |row: &super::problem::Row| -> f64 { row.types.iter().map(|&t| self.low[t as usize]).sum() };
        for ((row, &(_, low, high)), terms) in problem.rows.iter().zip(&self.rows).zip(terms) {
            let base = base(row);
            if !terms.is_empty() && (low > base || high < base + terms.len() as f64) {
                program.constrain(terms, low - base, high - base);
            }
        }
        let seated: f64 = self.low.iter().sum();
        let seats = f64::from(problem.size) - seated;
        program.constrain((0..open.len()).map(|column| (column, 1.0)).collect(), seats, seats);
        let found = match program.solve(Effort { gap: 0.05, nodes: BRANCHES }, progress) {
            Ok(found) => found,
            Err(Unsolved::Infeasible | Unsolved::NodeLimit(_) | Unsolved::Failed(_)) => return Ok(None),
            Err(other) => return Err(other),
        };
        for (&t, value) in open.iter().zip(&found.values) {
            counts[t] += *value as u32;
        }
        Ok(problem.admits(&counts).then_some(counts))
    }
}
