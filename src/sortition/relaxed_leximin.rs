//! Relaxed leximin: the leximin order over expected counts that meet the quotas, whether or not they are a mixture of
//! whole panels (dempo.md, section 3.3 A). Its chances bound those of every lottery in the leximin order; each stage
//! keeps multipliers that prove its value by arithmetic.

use super::bound::{Multipliers, out_of_reach};
use super::problem::Problem;
use super::program::{Program, Unsolved};
use crate::progress::Progress;

/// A proof is sharp enough when it leaves no more than this above a stage's chance.
const SHARP: f64 = 1e-7;
/// A type whose share of the price of a stage's chance is at least this cannot do better: of an interior optimum, price
/// times distance is far below this times [`SHARP`].
const BINDING: f64 = 1e-6;

/// One stage: the lowest chance that can still be raised, raised as far as it goes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stage {
    /// The chance that everybody not fixed before has at least.
    pub chance: f64,
    /// No lottery that gives those fixed before their chances gives everybody else more than this; by arithmetic from
    /// `weights` and `multipliers`.
    pub bound: f64,
    /// Types fixed at this stage.
    pub fixed: Vec<u32>,
    /// Weights of the proof on the types not fixed before, for one person of the type; their sum over people is 1.
    pub weights: Vec<(u32, f64)>,
    /// Multipliers of the rows and of the size.
    pub multipliers: Multipliers,
}

/// Expected counts in the leximin order over the relaxed problem, with the proof of each stage.
#[derive(Clone, Debug, PartialEq)]
pub struct RelaxedLeximin {
    /// Expected count of each type.
    pub counts: Vec<f64>,
    /// Chance of each type's people as fixed by the stages.
    pub chances: Vec<f64>,
    /// Types that no expected counts reach; their chances are 0.
    pub out_of_reach: Vec<bool>,
    /// In order.
    pub stages: Vec<Stage>,
}

/// The leximin order over the relaxed problem; `last` ends it after so many stages (1: maximin). Types marked
/// `unreachable` count as out of reach (empty: none are known to be).
pub fn relaxed_leximin(
    problem: &Problem,
    unreachable: &[bool],
    last: usize,
    progress: &dyn Progress,
) -> Result<RelaxedLeximin, Unsolved> {
    progress.stage("finding the fairest chances");
    let types = problem.types.len();
    let mut out = out_of_reach(problem, progress)?;
    out.iter_mut().zip(unreachable).for_each(|(out, &known)| *out |= known);
    if out.iter().all(|&out| out) {
        return Err(Unsolved::Infeasible);
    }
    let sizes: Vec<f64> = problem.types.iter().map(|kind| f64::from(kind.size())).collect();
    let mut face = Face {
        problem,
        floor: out.iter().map(|&out| out.then_some(0.0)).collect(),
        pinned: vec![None; problem.rows.len()],
    };
    let mut stages: Vec<Stage> = Vec::new();
    let mut counts = vec![0.0; types];
    while stages.len() < last && face.floor.iter().any(Option::is_none) {
        let fixed = face.floor.iter().filter(|floor| floor.is_some()).count();
        progress.report(fixed as u64, types as u64);
        let raised = face.raise(progress)?;
        let mut stage = raised.stage;
        let share = |&(t, weight): &(u32, f64)| weight * sizes[t as usize];
        let most = stage.weights.iter().map(share).fold(0.0, f64::max).min(BINDING);
        stage.fixed = stage.weights.iter().filter(|w| share(w) >= most).map(|&(t, _)| t).collect();
        stage.prove(problem, &face.floor, &out, progress)?;
        for &t in &stage.fixed {
            let t = t as usize;
            face.floor[t] = Some(stage.chance.min(raised.counts[t] / sizes[t]));
        }
        for (pinned, &price) in face.pinned.iter_mut().zip(&raised.prices.rows) {
            if pinned.is_none() && price.abs() >= BINDING {
                *pinned = Some(price > 0.0);
            }
        }
        counts = raised.counts;
        stages.push(stage);
    }
    let lowest = stages.last().map_or(0.0, |stage| stage.chance);
    let chances = face.floor.iter().map(|floor| floor.unwrap_or(lowest)).collect();
    Ok(RelaxedLeximin { counts, chances, out_of_reach: out, stages })
}

/// The face of the relaxed problem that earlier stages left: what they fixed is constant, what they priced is tight.
struct Face<'a> {
    problem: &'a Problem,
    /// Chances of the fixed types.
    floor: Vec<Option<f64>>,
    /// Rows met with equality: at their upper bound (true) or at their lower one.
    pinned: Vec<Option<bool>>,
}

/// A stage before its proof.
struct Raised {
    stage: Stage,
    counts: Vec<f64>,
    /// As the solver has them, for the face.
    prices: Multipliers,
}

impl Face<'_> {
    /// Raises the lowest chance of the types that are not fixed. Where rounding of earlier stages makes the face empty,
    /// rows give way by as little as the solver can live with.
    fn raise(&self, progress: &dyn Progress) -> Result<Raised, Unsolved> {
        let mut last = Unsolved::Infeasible;
        for slack in [1e-10, 1e-9, 1e-8, 1e-7, 1e-6] {
            match self.raise_with(slack, progress) {
                Err(error @ (Unsolved::Infeasible | Unsolved::Unbounded | Unsolved::Failed(_))) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    fn raise_with(&self, slack: f64, progress: &dyn Progress) -> Result<Raised, Unsolved> {
        let problem = self.problem;
        let sizes: Vec<f64> = problem.types.iter().map(|kind| f64::from(kind.size())).collect();
        let open: Vec<usize> = (0..sizes.len()).filter(|&t| self.floor[t].is_none()).collect();
        let mut place = vec![usize::MAX; sizes.len()];
        let mut program = Program::default();
        for &t in &open {
            place[t] = program.column(0.0, 0.0, sizes[t]);
        }
        let chance = program.column(-1.0, 0.0, 1.0);
        // The size is a row of all types, always tight.
        let everybody: Vec<u32> = (0..sizes.len() as u32).collect();
        let k = f64::from(problem.size);
        let mut rows: Vec<(&[u32], f64, f64)> = vec![(&everybody, k, k)];
        for (row, pinned) in problem.rows.iter().zip(&self.pinned) {
            let (min, max) = (f64::from(row.min), f64::from(row.max));
            rows.push(match pinned {
                Some(true) => (&row.types, max, max),
                Some(false) => (&row.types, min, min),
                None => (&row.types, min, max),
            });
        }
        let mut tight = Independent::default();
        let mut constraint = vec![None; rows.len()];
        for (number, &(types, min, max)) in rows.iter().enumerate() {
            let held: f64 = types.iter().map(|&t| self.floor[t as usize].unwrap_or(0.0) * sizes[t as usize]).sum();
            let terms: Vec<(usize, f64)> =
                types.iter().map(|&t| place[t as usize]).filter(|&p| p != usize::MAX).map(|p| (p, 1.0)).collect();
            if terms.is_empty() || (min == max && !tight.add(&terms, open.len())) {
                continue;
            }
            let (min, max) =
                if min == max { (min - held, max - held) } else { (min - held - slack, max - held + slack) };
            constraint[number] = Some(program.constrain(terms, min, max));
        }
        let first = program.constraints.len();
        for &t in &open {
            program.constrain(vec![(place[t], 1.0 / sizes[t]), (chance, -1.0)], 0.0, f64::INFINITY);
        }
        let found = program.solve_interior(progress)?;
        let reached = open.iter().map(|&t| found.values[place[t]] / sizes[t]).fold(f64::INFINITY, f64::min);
        // The price of "this type has at least the chance", spread over its people.
        let prices: Vec<f64> = found.multipliers[first..].iter().map(|price| price.max(0.0)).collect();
        let total: f64 = prices.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(Unsolved::Failed("a stage of leximin came without prices".into()));
        }
        let weights = open.iter().zip(&prices).map(|(&t, price)| (t as u32, price / total / sizes[t])).collect();
        let price = |at: &Option<usize>| at.map_or(0.0, |at| -found.multipliers[at] / total);
        let prices = Multipliers { rows: constraint[1..].iter().map(price).collect(), size: price(&constraint[0]) };
        let counts = (0..sizes.len())
            .map(|t| self.floor[t].map_or_else(|| found.values[place[t]], |chance| chance * sizes[t]))
            .collect();
        let chance = reached.clamp(0.0, 1.0);
        let stage = Stage { chance, bound: f64::INFINITY, fixed: Vec::new(), weights, multipliers: prices.clone() };
        Ok(Raised { stage, counts, prices })
    }
}

/// Rows of equations that say something new, kept in echelon form.
#[derive(Default)]
struct Independent {
    rows: Vec<(usize, Vec<f64>)>,
}

impl Independent {
    /// Whether the equation with these `terms` follows from none of those before.
    fn add(&mut self, terms: &[(usize, f64)], columns: usize) -> bool {
        let mut row = vec![0.0; columns];
        terms.iter().for_each(|&(column, by)| row[column] = by);
        for (pivot, earlier) in &self.rows {
            let by = row[*pivot];
            if by != 0.0 {
                row.iter_mut().zip(earlier).for_each(|(entry, &other)| *entry -= by * other);
                row[*pivot] = 0.0;
            }
        }
        let Some((pivot, largest)) = row
            .iter()
            .copied()
            .enumerate()
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
            .filter(|(_, by)| by.abs() > 1e-7)
        else {
            return false;
        };
        row.iter_mut().for_each(|entry| *entry /= largest);
        self.rows.push((pivot, row));
        true
    }
}

impl Stage {
    /// Looks for multipliers with a sharp bound: those of the face are right at the first stage only, later ones need
    /// prices of what earlier stages fixed, so the stage is solved once more with floors that leave an interior.
    fn prove(
        &mut self,
        problem: &Problem,
        floor: &[Option<f64>],
        out: &[bool],
        progress: &dyn Progress,
    ) -> Result<(), Unsolved> {
        self.bound = stage_bound(problem, floor, out, &self.weights, &self.multipliers);
        for slack in [1e-9, 1e-8, 1e-7] {
            if self.bound - self.chance < SHARP {
                break;
            }
            let (weights, multipliers) = match elastic(problem, floor, out, slack, progress) {
                Ok(found) => found,
                Err(Unsolved::Cancelled(cancelled)) => return Err(cancelled.into()),
                Err(_) => continue,
            };
            let bound = stage_bound(problem, floor, out, &weights, &multipliers);
            if bound < self.bound {
                (self.bound, self.weights, self.multipliers) = (bound, weights, multipliers);
            }
        }
        Ok(())
    }
}

/// Weights and multipliers of a stage whose floors lie `slack` lower.
fn elastic(
    problem: &Problem,
    floor: &[Option<f64>],
    out: &[bool],
    slack: f64,
    progress: &dyn Progress,
) -> Result<(Vec<(u32, f64)>, Multipliers), Unsolved> {
    let mut program = Program::default();
    let sizes: Vec<f64> = problem.types.iter().map(|kind| f64::from(kind.size())).collect();
    for (t, &size) in sizes.iter().enumerate() {
        let low = floor[t].map_or(0.0, |chance| size * (chance - slack).max(0.0));
        program.column(0.0, low, if out[t] { 0.0 } else { size });
    }
    let chance = program.column(-1.0, 0.0, 1.0);
    for row in &problem.rows {
        let terms = row.types.iter().map(|&t| (t as usize, 1.0)).collect();
        program.constrain(terms, f64::from(row.min), f64::from(row.max));
    }
    let k = f64::from(problem.size);
    program.constrain((0..sizes.len()).map(|t| (t, 1.0)).collect(), k, k);
    let open: Vec<usize> = (0..sizes.len()).filter(|&t| floor[t].is_none()).collect();
    for &t in &open {
        program.constrain(vec![(t, 1.0 / sizes[t]), (chance, -1.0)], 0.0, f64::INFINITY);
    }
    let found = program.solve_interior(progress)?;
    let prices = &found.multipliers[problem.rows.len() + 1..];
    let total: f64 = prices.iter().map(|price| price.max(0.0)).sum();
    if total.is_nan() || total <= 0.0 {
        return Err(Unsolved::Failed("a stage of leximin came without prices".into()));
    }
    let weights = open.iter().zip(prices).map(|(&t, price)| (t as u32, price.max(0.0) / total / sizes[t])).collect();
    Ok((weights, Multipliers::of_minimum(&found.multipliers[..=problem.rows.len()]).scaled(1.0 / total)))
}

/// No lottery that gives the fixed types at least their `floor` gives all others more than this.
pub(super) fn stage_bound(
    problem: &Problem,
    floor: &[Option<f64>],
    out: &[bool],
    weights: &[(u32, f64)],
    multipliers: &Multipliers,
) -> f64 {
    let mut objective = vec![0.0; problem.types.len()];
    weights.iter().for_each(|&(t, weight)| objective[t as usize] = weight);
    let limits: Vec<(f64, f64)> = problem
        .types
        .iter()
        .zip(floor.iter().zip(out))
        .map(|(kind, (floor, &out))| {
            let size = f64::from(kind.size());
            (floor.map_or(0.0, |chance| size * chance), if out { 0.0 } else { size })
        })
        .collect();
    multipliers.bound(problem, &limits, &objective)
}
