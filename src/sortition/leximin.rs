//! LEXIMIN and MAXIMIN lotteries with their certificates (dempo.md, section 3.3): the relaxed optimum, split into panels;
//! where whole panels cannot keep what the relaxation promises, panel by panel.

use super::certificate::{Certificate, Proof, TOLERANCE, deviation};
use super::column_generation::Columns;
use super::decomposition::peel;
use super::lottery::TypeLottery;
use super::problem::Problem;
use super::program::Unsolved;
use super::relaxed_leximin::{RelaxedLeximin, relaxed_leximin};
use crate::progress::Progress;

/// Peelings that are tried, each with other random prices, before panels are looked for one by one.
const PEELINGS: u64 = 3;
/// Weight without a panel that is shared among the panels found: far below [`TOLERANCE`].
const LEFT_OVER: f64 = 1e-7;

/// A lottery counted by types, with its certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The lottery.
    pub lottery: TypeLottery,
    /// What shows how fair it is.
    pub certificate: Certificate,
}

/// The leximin lottery: the lowest chance as high as any lottery has it, then the next lowest, and so on.
pub fn leximin(problem: &Problem, seed: u64, progress: &dyn Progress) -> Result<Found, Unsolved> {
    fairest(problem, usize::MAX, seed, progress)
}

/// A lottery whose lowest chance is as high as any lottery has it. Of all such lotteries it splits the point that the
/// interior-point solver ends at, in the middle of the optimal face, so that nobody above the lowest chance is pushed
/// down to it without need.
pub fn maximin(problem: &Problem, seed: u64, progress: &dyn Progress) -> Result<Found, Unsolved> {
    fairest(problem, 1, seed, progress)
}

fn fairest(problem: &Problem, last: usize, seed: u64, progress: &dyn Progress) -> Result<Found, Unsolved> {
    let relaxed = relaxed_leximin(problem, &[], last, progress)?;
    let split = decompose(problem, &relaxed.counts, seed, progress)?;
    if split.short <= TOLERANCE {
        return Ok(certified(problem, split.lottery, relaxed));
    }
    let mut columns = Columns::new(problem, &split.lottery);
    let unreachable = columns.cover(progress)?.ok_or(Unsolved::Infeasible)?;
    if unreachable != relaxed.out_of_reach {
        // Some have no chance although the relaxation gave them one: the fairest for all others may still split.
        let without = relaxed_leximin(problem, &unreachable, last, progress)?;
        let split = decompose(problem, &without.counts, seed, progress)?;
        if split.short <= TOLERANCE {
            return Ok(certified(problem, split.lottery, without));
        }
    }
    let reached = columns.leximin(&unreachable, last, progress)?;
    let expected = reached.lottery.expected_counts(problem.types.len());
    let chances = if last == usize::MAX { reached.chances } else { chances_of(problem, &expected) };
    let deviation = deviation(problem, &reached.lottery, &chances);
    let unreachable = places(&unreachable);
    let certificate = Certificate { chances, unreachable, proof: Proof::Panels { stages: reached.stages }, deviation };
    Ok(Found { lottery: reached.lottery, certificate })
}

fn certified(problem: &Problem, lottery: TypeLottery, relaxed: RelaxedLeximin) -> Found {
    let chances = chances_of(problem, &relaxed.counts);
    let deviation = deviation(problem, &lottery, &chances);
    let unreachable = places(&relaxed.out_of_reach);
    let proof = Proof::Multipliers { stages: relaxed.stages };
    Found { lottery, certificate: Certificate { chances, unreachable, proof, deviation } }
}

/// Panels that come as near to expected counts as whole panels can.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The lottery.
    pub lottery: TypeLottery,
    /// Everybody's chance falls short of the expected one by at most this.
    pub short: f64,
}

/// Splits the `expected` counts of each type into a lottery: by peeling, else panel by panel.
pub fn decompose(problem: &Problem, expected: &[f64], seed: u64, progress: &dyn Progress) -> Result<Split, Unsolved> {
    let mut best = peel(problem, expected, seed, progress)?;
    for attempt in 1..PEELINGS {
        if best.missing <= LEFT_OVER {
            break;
        }
        let other = peel(problem, expected, seed.wrapping_add(attempt << 32), progress)?;
        if other.missing < best.missing {
            best = other;
        }
    }
    if best.missing <= LEFT_OVER {
        return Ok(Split { lottery: best.lottery, short: best.missing });
    }
    let mut columns = Columns::new(problem, &best.lottery);
    columns.cover(progress)?.ok_or(Unsolved::Infeasible)?;
    let (lottery, short) = columns.approach(&chances_of(problem, expected), progress)?;
    Ok(Split { lottery, short })
}

/// For each type whether no panel has anybody of it; `known` are panels found already.
pub fn unreachable_types(
    problem: &Problem,
    known: &TypeLottery,
    progress: &dyn Progress,
) -> Result<Vec<bool>, Unsolved> {
    Columns::new(problem, known).cover(progress)?.ok_or(Unsolved::Infeasible)
}

fn chances_of(problem: &Problem, counts: &[f64]) -> Vec<f64> {
    problem.types.iter().zip(counts).map(|(kind, count)| count / f64::from(kind.size())).collect()
}

fn places(marks: &[bool]) -> Vec<u32> {
    marks.iter().enumerate().filter(|&(_, &mark)| mark).map(|(t, _)| t as u32).collect()
}
