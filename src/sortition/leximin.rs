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
    let (mut lottery, missing) = decompose(problem, &relaxed.counts, seed, progress)?;
    if missing <= 0.0 {
        return Ok(certified(problem, lottery, relaxed));
    }
    let mut columns = Columns::new(problem, &lottery);
    let unreachable = columns.cover(progress)?.ok_or(Unsolved::Infeasible)?;
    if unreachable == relaxed.out_of_reach {
        let (near, short) = columns.approach(&chances_of(problem, &relaxed.counts), progress)?;
        if short <= TOLERANCE {
            lottery = near;
            return Ok(certified(problem, lottery, relaxed));
        }
    }
    let reached = columns.leximin(&unreachable, last, progress)?;
    let chances = if last == usize::MAX {
        reached.chances
    } else {
        chances_of(problem, &reached.lottery.expected_counts(problem.types.len()))
    };
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

/// A lottery with the `expected` counts of each type, and the weight for which no panels were found (0: none).
pub fn decompose(
    problem: &Problem,
    expected: &[f64],
    seed: u64,
    progress: &dyn Progress,
) -> Result<(TypeLottery, f64), Unsolved> {
    let mut best = peel(problem, expected, seed, progress)?;
    for attempt in 1..PEELINGS {
        if best.missing <= TOLERANCE / 10.0 {
            break;
        }
        let other = peel(problem, expected, seed.wrapping_add(attempt << 32), progress)?;
        if other.missing < best.missing {
            best = other;
        }
    }
    Ok((best.lottery, if best.missing <= TOLERANCE / 10.0 { 0.0 } else { best.missing }))
}

fn chances_of(problem: &Problem, counts: &[f64]) -> Vec<f64> {
    problem.types.iter().zip(counts).map(|(kind, count)| count / f64::from(kind.size())).collect()
}

fn places(marks: &[bool]) -> Vec<u32> {
    marks.iter().enumerate().filter(|&(_, &mark)| mark).map(|(t, _)| t as u32).collect()
}
