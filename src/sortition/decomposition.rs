//! From expected counts to a lottery over whole panels (dempo.md, section 3.3 B and C; Grötschel, Lovász and Schrijver's
//! peeling): a panel on the smallest face around what is left is taken out with the largest weight that leaves the rest
//! within the quotas, until nothing is left.

use super::branching::{Plan, whole};
use super::lottery::{TypeLottery, TypePanel};
use super::panels::Panels;
use super::problem::{PersonType, Problem, RowKind};
use super::program::Unsolved;
use super::sampled::occurring;
use crate::progress::Progress;
use crate::statistics::Stream;

/// Counts this close to a whole number are whole.
const WHOLE: f64 = 1e-8;
/// Weight that may be left over; the panels found share it.
const NOTHING: f64 = 1e-9;
/// Branches that a search for a panel on a face may take before the face is held to have none.
const BRANCHES: u64 = 2_000;

/// From so many types on a panel is looked for among some of them only.
const MANY: usize = 2_000;
/// Types of each quota that are looked among at first.
const FEW: usize = 20;

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
    // Each face lies in the one before, so that the last basis is near the next vertex.
    let mut program = Panels::new(problem);
    let mut rest = expected.to_vec();
    let mut left = 1.0;
    let mut panels = Vec::new();
    let mut among = if problem.types.len() < MANY { usize::MAX } else { FEW };
    while left > NOTHING {
        progress.report(((1.0 - left) * 1e6) as u64, 1_000_000);
        progress.checkpoint()?;
        let face = Face::around(problem, &rest);
        let Some(counts) = face.panel(problem, &mut program, &mut among, &mut stream, progress)? else { break };
        let weight = face.largest_weight(problem, &counts).min(1.0);
        for (rest, &count) in rest.iter_mut().zip(&counts) {
            *rest = if weight < 1.0 { (*rest - weight * f64::from(count)) / (1.0 - weight) } else { f64::from(count) };
        }
        let probability = if weight > 1.0 - 1e-7 { left } else { left * weight };
        panels.push(TypePanel { counts: occurring(&counts), probability });
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
        // Rounding must not carry a count past the people that there are.
        let within = |(&count, kind): (&f64, &PersonType)| around(count.clamp(0.0, f64::from(kind.size())));
        let (low, high) = point.iter().zip(&problem.types).map(within).unzip();
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
}

impl Face {
    /// A whole panel on the face that takes much of the large fractional parts, looked for among the types that have the
    /// `among` largest ones under a quota; where there is none, among more, also for the panels to come.
    ///
    /// Few types make small programs, and those with large parts bear a large weight: fewer panels are needed.
    fn panel(
        &self,
        problem: &Problem,
        program: &mut Panels,
        among: &mut usize,
        stream: &mut Stream,
        progress: &dyn Progress,
    ) -> Result<Option<Vec<u32>>, Unsolved> {
        loop {
            let open = self.largest_parts(problem, *among);
            let found = self.panel_among(problem, program, open.as_deref(), stream, progress)?;
            if found.is_some() || open.is_none() {
                return Ok(found);
            }
            *among = among.saturating_mul(2);
        }
    }

    /// For each type whether its fractional part is among the `most` largest under a quota; `None` where all are.
    fn largest_parts(&self, problem: &Problem, most: usize) -> Option<Vec<bool>> {
        let quotas = || problem.rows.iter().take_while(|row| matches!(row.kind, RowKind::Quota { .. }));
        if quotas().all(|row| row.types.len() <= most) {
            return None;
        }
        let part = |t: u32| self.point[t as usize] - self.low[t as usize];
        let mut chosen = vec![false; self.low.len()];
        for row in quotas() {
            let fractional = |&t: &u32| self.low[t as usize] < self.high[t as usize];
            let mut types: Vec<u32> = row.types.iter().copied().filter(fractional).collect();
            if types.len() > most {
                types.select_nth_unstable_by(most, |&a, &b| part(b).total_cmp(&part(a)).then(a.cmp(&b)));
                types.truncate(most);
            }
            types.into_iter().for_each(|t| chosen[t as usize] = true);
        }
        Some(chosen)
    }

    /// A panel on the face in which types that are not `open` stay at their lower bounds.
    fn panel_among(
        &self,
        problem: &Problem,
        program: &mut Panels,
        open: Option<&[bool]>,
        stream: &mut Stream,
        progress: &dyn Progress,
    ) -> Result<Option<Vec<u32>>, Unsolved> {
        for (t, (&low, &high)) in self.low.iter().zip(&self.high).enumerate() {
            let high = if open.is_none_or(|open| open[t]) { high } else { low };
            let cost = if low < high { 0.5 - (self.point[t] - low) + 1e-3 * stream.unit() } else { 0.0 };
            program.simplex.set_bounds(t, low, high);
            program.simplex.set_cost(t, cost);
        }
        for (row, &(_, low, high)) in self.rows.iter().enumerate() {
            program.set_limits(row, low, high);
        }
        let found = whole(&mut program.simplex, Plan::any(BRANCHES), progress)?;
        let counts: Option<Vec<u32>> = found.best.map(|best| best.iter().map(|&count| count as u32).collect());
        Ok(counts.filter(|counts| problem.admits(counts)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::{Attribute, Pool};
    use super::super::quotas::{AttributeQuotas, Quotas, ValueQuota};
    use super::*;
    use crate::progress::Silent;

    /// People of skewed, independent values, under quotas of their own shares.
    fn crowd(people: u64, size: u32) -> Problem {
        let mut stream = Stream::new(5, 0);
        let values = [3, 6, 8, 5, 9, 4];
        let rows: Vec<Vec<u16>> = (0..people)
            .map(|_| values.iter().map(|&count| (stream.unit() * stream.unit() * f64::from(count)) as u16).collect())
            .collect();
        let named = |(k, &count): (usize, &u32)| Attribute {
            name: format!("a{k}"),
            values: (0..count).map(|value| format!("v{value}")).collect(),
        };
        let attributes: Vec<Attribute> = values.iter().enumerate().map(named).collect();
        let ids = (0..people).map(|person| person.to_string()).collect();
        let pool = Pool::new(attributes, ids, &rows, Vec::new()).unwrap();
        let quota = |(k, attribute): (usize, &Attribute)| {
            let share = |(value, count): (&String, usize)| {
                ValueQuota::from_share(value, count as f64 / people as f64, size, 0.1)
            };
            let values = attribute.values.iter().zip(pool.counts(k)).map(share).collect();
            AttributeQuotas { name: attribute.name.clone(), values }
        };
        let attributes = pool.attributes().iter().enumerate().map(quota).collect();
        Problem::new(&pool, &Quotas { size, attributes }, false).unwrap()
    }

    #[test]
    fn many_types_are_split_into_fewer_panels_than_there_are_types() {
        let problem = crowd(6_000, 30);
        let types = problem.types.len();
        assert!(types > MANY, "{types} types");
        // Everybody's chance the same: a point within quotas of the people's own shares.
        let expected: Vec<f64> = problem.types.iter().map(|kind| 30.0 * f64::from(kind.size()) / 6_000.0).collect();
        let found = peel(&problem, &expected, 1, &Silent).unwrap();
        assert!(found.missing <= NOTHING, "{} left over", found.missing);
        assert!(found.lottery.panels.len() < types / 2, "{} panels of {types} types", found.lottery.panels.len());
        let split = found.lottery.expected_counts(types);
        let off = split.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-7, "{off}");
        for panel in &found.lottery.panels {
            let mut counts = vec![0; types];
            panel.counts.iter().for_each(|&(t, count)| counts[t as usize] = count);
            assert!(problem.admits(&counts));
        }
        assert_eq!(peel(&problem, &expected, 1, &Silent).unwrap(), found);
    }
}
