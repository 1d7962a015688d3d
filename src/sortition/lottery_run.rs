//! One lottery: from a pool and its quotas to everybody's chance, by any of the rules.

use super::algorithm::Algorithm;
use super::certificate::{Certificate, CertificateError, TOLERANCE};
use super::fairness::{Evenness, evenness};
use super::goldilocks::GoldilocksSettings;
use super::leximin::{Found, leximin, maximin};
use super::lottery::{Lottery, TypeLottery};
use super::objective::{Objective, best_lottery};
use super::pool::Pool;
use super::problem::Problem;
use super::program::Unsolved;
use super::quotas::{QuotaError, Quotas};
use super::sampled::{SampleError, SampledChances};
use super::seating::seat;
use super::{legacy, random, uniform};
use crate::progress::{Cancelled, Progress};

/// The result's name among the documents of a run.
pub const RESULT: &str = "lottery";
/// Confidence of the intervals of estimated chances.
const LEVEL: f64 = 0.95;

/// What a lottery is held over and how; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LotterySpec {
    pub version: u32,
    pub pool: Pool,
    pub quotas: Quotas,
    /// No two people of one household on a panel.
    pub one_per_household: bool,
    pub algorithm: Algorithm,
    /// Draws of the rules whose chances are estimated.
    pub draws: u64,
    pub seed: u64,
}

/// How far a lottery is from what its rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Within [`TOLERANCE`], by a check that uses no solver where the proof allows it.
    Exact,
    /// Up to the gap that stands beside it: for estimated chances half the width of the widest interval.
    Gap,
}

/// Counts behind estimated chances.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// Panels counted, and attempts that gave none.
    pub panels: u64,
    pub failed: u64,
    /// Interval of everybody's chance, of confidence `level` each.
    pub intervals: Vec<[f64; 2]>,
    pub level: f64,
}

/// What a lottery found. People are places in the pool.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LotteryResult {
    pub algorithm: Algorithm,
    pub status: Status,
    /// Largest distance from what the rule asks for, in probability (of Nash and Goldilocks: relative, of the objective).
    pub gap: f64,
    /// Everybody's chance.
    pub inclusion: Vec<f64>,
    /// The lottery that can be drawn from; for an estimated rule equally likely panels that it drew.
    pub lottery: Lottery,
    /// Counted by types, as the certificate is.
    pub types: TypeLottery,
    /// People who can be on no panel.
    pub unreachable: Vec<u32>,
    /// What shows that the lottery is what the rule asks for; estimated rules have none.
    pub certificate: Option<Certificate>,
    /// Where chances are estimated.
    pub estimate: Option<Estimate>,
    /// Figures of the chances.
    pub evenness: Evenness,
}

/// Why there is no lottery.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LotteryError {
    #[error(transparent)]
    Quotas(#[from] QuotaError),
    /// No panel meets the quotas.
    #[error("no panel meets the quotas: `panel check` names what stands in the way and the smallest changes that help")]
    Infeasible,
    #[error(transparent)]
    Sample(SampleError),
    /// A solver failed where it should not.
    #[error("the lottery could not be computed: {0}")]
    Solver(String),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<Unsolved> for LotteryError {
    fn from(error: Unsolved) -> Self {
        match error {
            Unsolved::Infeasible => Self::Infeasible,
            Unsolved::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Solver(other.to_string()),
        }
    }
}

impl From<SampleError> for LotteryError {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Sample(other),
        }
    }
}

impl From<CertificateError> for LotteryError {
    fn from(error: CertificateError) -> Self {
        Self::Solver(format!("the certificate of the lottery does not hold: {error}"))
    }
}

/// Holds the whole of `spec`.
pub fn run(spec: &LotterySpec, progress: &dyn Progress) -> Result<LotteryResult, LotteryError> {
    let problem = Problem::new(&spec.pool, &spec.quotas, spec.one_per_household)?;
    match spec.algorithm {
        Algorithm::Leximin => computed(spec, &problem, leximin(&problem, spec.seed, progress)?),
        Algorithm::Maximin => computed(spec, &problem, maximin(&problem, spec.seed, progress)?),
        Algorithm::Nash => computed(spec, &problem, best_lottery(&problem, Objective::Nash, spec.seed, progress)?),
        Algorithm::Goldilocks => {
            let objective = Objective::Goldilocks(GoldilocksSettings::default());
            computed(spec, &problem, best_lottery(&problem, objective, spec.seed, progress)?)
        }
        Algorithm::Legacy => {
            let chances = legacy::chances(&problem, spec.seed, spec.draws, LEVEL, progress)?;
            estimated(spec, &problem, chances)
        }
        Algorithm::Uniform => {
            let settings = uniform::UniformSettings { sweeps: spec.draws, ..Default::default() };
            let chances = uniform::chances(&problem, settings, spec.seed, LEVEL, progress)?.chances;
            estimated(spec, &problem, chances)
        }
        Algorithm::Random => {
            let drawn = random::samples(&problem, spec.seed, spec.draws, LEVEL, progress)?;
            let attempts = drawn.draws;
            estimated(spec, &problem, drawn.conditional.ok_or(SampleError::NoPanel { attempts })?)
        }
    }
}

fn computed(spec: &LotterySpec, problem: &Problem, found: Found) -> Result<LotteryResult, LotteryError> {
    let checked = found.certificate.check(problem, &found.lottery)?;
    let lottery = seat(problem, &found.lottery, spec.seed);
    let inclusion = lottery.inclusion(spec.pool.len());
    let out = |&t: &u32| problem.types[t as usize].members.iter().copied();
    let mut unreachable: Vec<u32> = found.certificate.unreachable.iter().flat_map(out).collect();
    unreachable.sort_unstable();
    Ok(LotteryResult {
        algorithm: spec.algorithm,
        status: if checked.exact { Status::Exact } else { Status::Gap },
        gap: checked.gap.max(checked.deviation),
        evenness: figures(&inclusion)?,
        inclusion,
        lottery,
        types: found.lottery,
        unreachable,
        certificate: Some(found.certificate),
        estimate: None,
    })
}

fn estimated(spec: &LotterySpec, problem: &Problem, found: SampledChances) -> Result<LotteryResult, LotteryError> {
    let gap = found.interval.iter().map(|[low, high]| 0.5 * (high - low)).fold(0.0, f64::max);
    let exact = gap <= TOLERANCE;
    let SampledChances { inclusion, interval, level, panels, failed, sample } = found;
    Ok(LotteryResult {
        algorithm: spec.algorithm,
        status: if exact { Status::Exact } else { Status::Gap },
        gap,
        evenness: figures(&inclusion)?,
        inclusion,
        lottery: seat(problem, &sample, spec.seed),
        types: sample,
        unreachable: Vec::new(),
        certificate: None,
        estimate: Some(Estimate { panels, failed, intervals: interval, level }),
    })
}

fn figures(inclusion: &[f64]) -> Result<Evenness, LotteryError> {
    evenness(inclusion).ok_or_else(|| LotteryError::Solver("nobody has a chance".into()))
}
