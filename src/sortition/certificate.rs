//! Why a lottery is as fair as it says: what can be checked without a solver, and what cannot.

use super::bound::{Multipliers, bound, sharp_multipliers};
use super::lottery::TypeLottery;
use super::objective::Objective;
use super::problem::Problem;
use super::relaxed_leximin::{Stage, excess};
use crate::progress::Silent;

/// Chances that differ by no more than this are the same: the tolerance within which a lottery is called exact.
pub const TOLERANCE: f64 = 1e-6;

/// What carries the claim that no lottery is fairer.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Proof {
    /// Multipliers of each stage over expected counts: checked by arithmetic.
    Multipliers { stages: Vec<Stage> },
    /// The figure of all chances that Nash or Goldilocks makes as good as can be, the bound that no lottery's is better
    /// than, and the multipliers that show it by arithmetic.
    Objective { objective: Objective, multipliers: Multipliers, value: f64, bound: f64 },
    /// Chance and bound of each stage over whole panels. The bounds hold if the integer solver is right that no panel is
    /// worth more than it found.
    Panels { stages: Vec<(f64, f64)> },
}

/// The claim that comes with a lottery.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Certificate {
    /// Chance of each type's people that the rule asks for; in the order of [`Problem::types`].
    pub chances: Vec<f64>,
    /// Types of people who can be in no panel; their chances are 0.
    pub unreachable: Vec<u32>,
    /// What shows that no lottery is fairer.
    pub proof: Proof,
    /// Largest difference between the lottery's chances and `chances`.
    pub deviation: f64,
}

/// What a check of a certificate against its lottery found, by arithmetic alone.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Checked {
    /// Largest difference between the lottery's chances and the certificate's.
    pub deviation: f64,
    /// How far the lottery may be from the fairest: the largest difference between the bound of a stage and its chance,
    /// or between the bound of an objective and its value (relative).
    pub gap: f64,
    /// Whether both are within [`TOLERANCE`].
    pub exact: bool,
    /// How many types of people who can be drawn no stage speaks of: none for LEXIMIN, all above the lowest chance for
    /// MAXIMIN.
    pub open: usize,
    /// Types said to be in no panel of which arithmetic does not show it: the relaxed quotas admit them, and only an integer
    /// solver says that no whole panel does.
    pub unshown: Vec<u32>,
}

/// Why a certificate does not hold.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Probabilities do not sum to 1.
    #[error("the probabilities sum to {0}, not to 1")]
    Total(f64),
    /// A probability is not between 0 and 1.
    #[error("panel {panel} has the probability {probability}")]
    Probability { panel: usize, probability: f64 },
    /// A panel breaks a quota.
    #[error("panel {0} does not meet the quotas")]
    Panel(usize),
    /// The certificate is of another problem.
    #[error("the certificate is of {found} types of people, the pool has {expected}")]
    Types { found: usize, expected: usize },
    /// A stage claims more than its multipliers prove.
    #[error("stage {stage} claims that no lottery exceeds {claimed}; its multipliers prove only {proven}")]
    Stage { stage: usize, claimed: f64, proven: f64 },
    /// A chance is not between 0 and 1.
    #[error("type {0} of people is said to have a chance that is not between 0 and 1")]
    Chance(usize),
    /// The stages do not fit each other.
    #[error("stage {stage} {problem}")]
    Order { stage: usize, problem: &'static str },
}

impl Certificate {
    /// Checks the lottery and the claim from scratch: every panel against the quotas in whole numbers, the chances by
    /// summation, each stage's bound by weak duality.
    pub fn check(&self, problem: &Problem, lottery: &TypeLottery) -> Result<Checked, CertificateError> {
        let types = problem.types.len();
        if self.chances.len() != types {
            return Err(CertificateError::Types { found: self.chances.len(), expected: types });
        }
        if let Some(&t) = self.unreachable.iter().find(|&&t| t as usize >= types) {
            return Err(CertificateError::Types { found: t as usize + 1, expected: types });
        }
        if let Some(t) = self.chances.iter().position(|chance| !(-TOLERANCE..=1.0 + TOLERANCE).contains(chance)) {
            return Err(CertificateError::Chance(t));
        }
        check_panels(problem, lottery)?;
        let deviation = deviation(problem, lottery, &self.chances);
        let (gap, open) = match &self.proof {
            Proof::Multipliers { stages } => self.check_stages(problem, stages)?,
            Proof::Objective { objective, multipliers, value, bound } => {
                (self.check_objective(problem, *objective, multipliers, (*value, *bound))?, 0)
            }
            Proof::Panels { stages } => (self.check_claims(stages)?, 0),
        };
        let exact = deviation <= TOLERANCE && gap <= TOLERANCE;
        Ok(Checked { deviation, gap, exact, open, unshown: self.unshown(problem) })
    }

    /// The unreachable types of which multipliers do not show that all of them together have less than one seat. A solver
    /// looks for the multipliers, arithmetic judges them.
    fn unshown(&self, problem: &Problem) -> Vec<u32> {
        if self.unreachable.is_empty() {
            return Vec::new();
        }
        let none = vec![false; problem.types.len()];
        let shown = |types: &[u32]| {
            let mut weights = vec![0.0; none.len()];
            types.iter().for_each(|&t| weights[t as usize] = 1.0);
            let found = sharp_multipliers(problem, &none, &weights, &Silent);
            found.is_ok_and(|found| bound(problem, &none, &weights, &found) < 0.99)
        };
        // All at once, then each by itself where some can be seated.
        if shown(&self.unreachable) {
            return Vec::new();
        }
        self.unreachable.iter().copied().filter(|&t| !shown(&[t])).collect()
    }

    fn check_objective(
        &self,
        problem: &Problem,
        objective: Objective,
        multipliers: &Multipliers,
        (value, bound): (f64, f64),
    ) -> Result<f64, CertificateError> {
        let wrong = |problem| CertificateError::Order { stage: 0, problem };
        if multipliers.rows.len() != problem.rows.len() {
            return Err(wrong("has multipliers of other quotas"));
        }
        let out = |t: usize| self.unreachable.contains(&(t as u32));
        let excluded: Vec<bool> = (0..problem.types.len()).map(out).collect();
        let counts: Vec<f64> =
            problem.types.iter().zip(&self.chances).map(|(kind, chance)| chance * f64::from(kind.size())).collect();
        let proven = objective.bounded(problem, &excluded, &counts, multipliers);
        let (own, proven) = proven.ok_or_else(|| wrong("gives somebody no chance who can be drawn"))?;
        // Counts are chances times sizes only to rounding.
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
        if !close(own, value) {
            return Err(wrong("claims another figure than its chances have"));
        }
        if !close(proven, bound) {
            return Err(CertificateError::Stage { stage: 0, claimed: bound, proven });
        }
        Ok(((proven - own) / own).abs())
    }

    /// The gap of stages that rest on a solver's word; their chances have to be those of the certificate.
    fn check_claims(&self, stages: &[(f64, f64)]) -> Result<f64, CertificateError> {
        let out = |t: usize| self.unreachable.contains(&(t as u32));
        let own: Vec<f64> = (0..self.chances.len()).filter(|&t| !out(t)).map(|t| self.chances[t]).collect();
        let lowest = own.iter().copied().fold(f64::INFINITY, f64::min);
        let mut gap = 0.0f64;
        for (stage, &(chance, bound)) in stages.iter().enumerate() {
            let near = |own: &f64| (own - chance).abs() <= TOLERANCE;
            if !own.iter().any(near) || (stage == 0 && !near(&lowest)) || !bound.is_finite() {
                return Err(CertificateError::Order { stage, problem: "claims a chance that nobody has" });
            }
            gap = gap.max(bound - chance);
        }
        if stages.is_empty() {
            return Err(CertificateError::Order { stage: 0, problem: "is missing" });
        }
        Ok(gap)
    }

    /// The gap of stages by arithmetic, and how many types they do not speak of.
    fn check_stages(&self, problem: &Problem, stages: &[Stage]) -> Result<(f64, usize), CertificateError> {
        let types = problem.types.len();
        let mut floor = vec![None; types];
        let mut out = vec![false; types];
        for &t in &self.unreachable {
            out[t as usize] = true;
            floor[t as usize] = Some(0.0);
        }
        let mut gap = 0.0f64;
        for (number, stage) in stages.iter().enumerate() {
            let wrong = |problem| CertificateError::Order { stage: number, problem };
            if stage.multipliers.rows.len() != problem.rows.len() {
                return Err(wrong("has multipliers of other quotas"));
            }
            let open = (0..types).filter(|&t| floor[t].is_none());
            let lowest = open.map(|t| self.chances[t]).fold(f64::INFINITY, f64::min);
            if lowest < stage.chance - TOLERANCE {
                return Err(wrong("claims a chance that somebody lacks"));
            }
            if stage.fixed.is_empty() {
                return Err(wrong("fixes nobody"));
            }
            let mut seen = vec![false; types];
            for &t in &stage.fixed {
                match seen.get_mut(t as usize) {
                    Some(seen) if !*seen && floor[t as usize].is_none() => *seen = true,
                    _ => return Err(wrong("fixes a type twice, or one that there is not")),
                }
            }
            let fixed: Vec<(u32, f64)> = stage.fixed.iter().map(|&t| (t, self.chances[t as usize])).collect();
            let excess = excess(problem, &floor, &out, (lowest, &fixed), &stage.multipliers);
            if excess > stage.excess + TOLERANCE {
                let (claimed, proven) = (stage.excess, excess);
                return Err(CertificateError::Stage { stage: number, claimed, proven });
            }
            let spread = fixed.iter().map(|(_, chance)| chance - lowest).fold(0.0, f64::max);
            gap = gap.max(excess).max(spread);
            for &t in &stage.fixed {
                floor[t as usize] = Some(self.chances[t as usize]);
            }
        }
        if stages.is_empty() {
            return Err(CertificateError::Order { stage: 0, problem: "is missing" });
        }
        Ok((gap, floor.iter().filter(|floor| floor.is_none()).count()))
    }
}

/// Whether a lottery is one: whole panels within the quotas, probabilities from 0 to 1 that sum to 1.
pub fn check_panels(problem: &Problem, lottery: &TypeLottery) -> Result<(), CertificateError> {
    let mut total = 0.0;
    for (panel, row) in lottery.panels.iter().enumerate() {
        let probability = row.probability;
        if !(0.0..=1.0 + 1e-9).contains(&probability) {
            return Err(CertificateError::Probability { panel, probability });
        }
        let mut counts = vec![0; problem.types.len()];
        for &(t, count) in &row.counts {
            *counts.get_mut(t as usize).ok_or(CertificateError::Panel(panel))? += count;
        }
        if !problem.admits(&counts) {
            return Err(CertificateError::Panel(panel));
        }
        total += probability;
    }
    if (total - 1.0).abs() > 1e-9 { Err(CertificateError::Total(total)) } else { Ok(()) }
}

/// Largest difference between the chances of a lottery and `chances` (one a type).
pub fn deviation(problem: &Problem, lottery: &TypeLottery, chances: &[f64]) -> f64 {
    let expected = lottery.expected_counts(problem.types.len());
    let chance = |(kind, count): (&super::problem::PersonType, &f64)| count / f64::from(kind.size());
    let own = problem.types.iter().zip(&expected).map(chance);
    own.zip(chances).map(|(own, asked)| (own - asked).abs()).fold(0.0, f64::max)
}
