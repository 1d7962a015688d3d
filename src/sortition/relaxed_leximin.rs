//! Relaxed leximin: the leximin order over expected counts that meet the quotas, whether or not they are a mixture of
//! whole panels (dempo.md, section 3.3 A). Its chances bound those of every lottery in the leximin order; each stage
//! keeps multipliers that prove its value by arithmetic.

use super::bound::{Multipliers, out_of_reach};
use super::panels::Panels;
use super::problem::{PersonType, Problem};
use super::program::{Program, Unsolved};
use crate::progress::{Cancelled, Progress};

/// A proof is sharp enough when it leaves no more than this above a stage's chance.
const SHARP: f64 = 1e-7;
/// A type whose share of the price of a stage's chance is at least this cannot do better: of an interior optimum, price
/// times distance is far below this times [`SHARP`].
const BINDING: f64 = 1e-6;

/// People a seat from which on there is a crowd.
const CROWD: f64 = 100.0;

/// One stage: the lowest chance that can still be raised, raised as far as it goes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stage {
    /// The chance that everybody not fixed before has at least.
    pub chance: f64,
    /// In any lottery that gives those fixed before their chances and everybody else at least `chance`, the chances of
    /// those fixed here (one person a type) sum to at most this more than they do in this one; by arithmetic from
    /// `multipliers`. Where it is next to nothing, none of them can be better off unless somebody is worse off.
    pub excess: f64,
    /// Types fixed at this stage.
    pub fixed: Vec<u32>,
    /// Multipliers of the rows and of the size that bound the sum of the chances of these types (one person a type).
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
    let mut program = Panels::new(problem);
    let mut stages: Vec<Stage> = Vec::new();
    let mut counts = vec![0.0; types];
    while stages.len() < last && face.floor.iter().any(Option::is_none) {
        let fixed = face.floor.iter().filter(|floor| floor.is_some()).count();
        progress.report(fixed as u64, types as u64);
        let raised = face.raise(progress)?;
        let most = raised.shares.iter().map(|&(_, share)| share).fold(0.0, f64::max).min(BINDING);
        let fixed = raised.shares.iter().filter(|(_, share)| *share >= most);
        let own = |t: u32| (t, raised.counts[t as usize] / sizes[t as usize]);
        let fixed: Vec<(u32, f64)> = fixed.map(|&(t, _)| own(t)).collect();
        let stage = prove(problem, &mut program, &face.floor, &out, (raised.chance, &fixed), progress)?;
        // Never above the stage's chance: what rounding adds would leave later stages no room.
        fixed.iter().for_each(|&(t, chance)| face.floor[t as usize] = Some(chance.min(raised.chance)));
        for (pinned, &price) in face.pinned.iter_mut().zip(&raised.prices) {
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
    chance: f64,
    counts: Vec<f64>,
    /// Of each open type its share in the price of the chance.
    shares: Vec<(u32, f64)>,
    /// Prices of the rows of the problem.
    prices: Vec<f64>,
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
        let scale = scale(problem);
        let chance = program.column(-1.0, 0.0, scale);
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
            program.constrain(vec![(place[t], scale / sizes[t]), (chance, -1.0)], 0.0, f64::INFINITY);
        }
        let found = program.solve_interior(progress)?;
        let reached = open.iter().map(|&t| found.values[place[t]] / sizes[t]).fold(f64::INFINITY, f64::min);
        // The price of "this type has at least the chance", spread over its people.
        let prices: Vec<f64> = found.multipliers[first..].iter().map(|price| price.max(0.0)).collect();
        let total: f64 = prices.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(Unsolved::Failed("a stage of leximin came without prices".into()));
        }
        let shares = open.iter().zip(&prices).map(|(&t, price)| (t as u32, price / total)).collect();
        let price = |at: &Option<usize>| at.map_or(0.0, |at| -found.multipliers[at] / (total * scale));
        let counts = (0..sizes.len())
            .map(|t| self.floor[t].map_or_else(|| found.values[place[t]], |chance| chance * sizes[t]))
            .collect();
        let prices = constraint[1..].iter().map(price).collect();
        Ok(Raised { chance: reached.clamp(0.0, 1.0), counts, shares, prices })
    }
}

/// What chances are multiplied by for the solver, whose tolerances are absolute: those of a crowd are small, and what is
/// missing to each of them sums up over everybody.
fn scale(problem: &Problem) -> f64 {
    let people = problem.people() as f64 / f64::from(problem.size);
    if people > CROWD { people } else { 1.0 }
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

/// The stage that fixes these types at this chance, with the sharpest proof that is found: that of the size alone, which is
/// sharp where nobody has room left, or prices of the whole problem.
fn prove(
    problem: &Problem,
    program: &mut Panels,
    floor: &[Option<f64>],
    out: &[bool],
    (chance, fixed): (f64, &[(u32, f64)]),
    progress: &dyn Progress,
) -> Result<Stage, Unsolved> {
    let excess = |own: &Multipliers| excess(problem, floor, out, (chance, fixed), own);
    let largest = fixed.iter().map(|&(t, _)| 1.0 / f64::from(problem.types[t as usize].size())).fold(0.0, f64::max);
    let size = Multipliers { rows: vec![0.0; problem.rows.len()], size: largest };
    let (mut best, mut multipliers) = (excess(&size), size);
    if best >= SHARP {
        let found = priced(problem, program, floor, out, (chance, fixed), progress)?;
        let excess = excess(&found);
        if excess < best {
            (best, multipliers) = (excess, found);
        }
    }
    let fixed = fixed.iter().map(|&(t, _)| t).collect();
    Ok(Stage { chance, excess: best, fixed, multipliers })
}

/// Multipliers that bound the sum of the chances of the `fixed` types. Whatever becomes of the program, they are only as good
/// as the arithmetic says.
fn priced(
    problem: &Problem,
    program: &mut Panels,
    floor: &[Option<f64>],
    out: &[bool],
    (chance, fixed): (f64, &[(u32, f64)]),
    progress: &dyn Progress,
) -> Result<Multipliers, Cancelled> {
    for (t, (kind, (floor, &out))) in problem.types.iter().zip(floor.iter().zip(out)).enumerate() {
        let size = f64::from(kind.size());
        let (low, high) = if out { (0.0, 0.0) } else { ((size * floor.unwrap_or(chance)).min(size), size) };
        program.simplex.set_bounds(t, low, high);
        program.simplex.set_cost(t, 0.0);
    }
    for &(t, _) in fixed {
        program.simplex.set_cost(t as usize, -1.0 / f64::from(problem.types[t as usize].size()));
    }
    program.simplex.solve(progress)?;
    Ok(Multipliers::of_minimum(&program.prices(problem)))
}

/// How much more the `fixed` types can have together (one person of each) than the chances beside them, in a lottery that
/// gives those fixed before their `floor` and everybody else at least `lowest`; by arithmetic.
pub(super) fn excess(
    problem: &Problem,
    floor: &[Option<f64>],
    out: &[bool],
    (lowest, fixed): (f64, &[(u32, f64)]),
    multipliers: &Multipliers,
) -> f64 {
    let mut objective = vec![0.0; problem.types.len()];
    fixed.iter().for_each(|&(t, _)| objective[t as usize] = 1.0 / f64::from(problem.types[t as usize].size()));
    let limit = |(kind, (floor, &out)): (&PersonType, (&Option<f64>, &bool))| {
        let size = f64::from(kind.size());
        if out { (0.0, 0.0) } else { (size * floor.unwrap_or(lowest), size) }
    };
    let limits: Vec<(f64, f64)> = problem.types.iter().zip(floor.iter().zip(out)).map(limit).collect();
    multipliers.bound(problem, &limits, &objective) - fixed.iter().map(|(_, chance)| chance).sum::<f64>()
}
