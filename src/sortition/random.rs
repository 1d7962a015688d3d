//! Simple random samples: everybody has the chance k/n, and the quotas are met by luck or not at all.

use super::problem::Problem;
use super::sampled::{SampleError, SampledChances, Tally};
use crate::progress::{Cancelled, Progress};
use crate::statistics::{Stream, wilson};

/// What plain draws of k of n people gave.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RandomSamples {
    /// Everybody's exact chance in a plain draw, k/n.
    pub chance: f64,
    /// Plain draws made.
    pub draws: u64,
    /// Those among them that meet every quota and household rule.
    pub accepted: u64,
    /// Wilson's interval of the share accepted.
    pub acceptance: [f64; 2],
    /// Everybody's chance where draws are repeated until one meets the quotas (rejection sampling, which is uniform over
    /// all panels); `None` where no draw did.
    pub conditional: Option<SampledChances>,
}

/// Draw number `draw` of `seed`: k of n people, as places in the pool, ascending, whatever the quotas say.
pub fn plain_draw(problem: &Problem, seed: u64, draw: u64) -> Vec<u32> {
    let mut people: Vec<u32> = Stream::new(seed, draw)
        .distinct(problem.size as usize, problem.people())
        .into_iter()
        .map(|person| person as u32)
        .collect();
    people.sort_unstable();
    people
}

/// Makes `draws` plain draws and says how many meet the quotas. Intervals hold with confidence `level` each.
pub fn samples(
    problem: &Problem,
    seed: u64,
    draws: u64,
    level: f64,
    progress: &dyn Progress,
) -> Result<RandomSamples, Cancelled> {
    progress.stage("drawing simple random samples");
    let mut kind = vec![0; problem.people()];
    for (t, people) in problem.types.iter().enumerate() {
        people.members.iter().for_each(|&person| kind[person as usize] = t);
    }
    let mut tally = Tally::new(problem.types.len());
    let mut counts = vec![0; problem.types.len()];
    let mut accepted = 0;
    for draw in 0..draws {
        if draw % 256 == 0 {
            progress.checkpoint()?;
            progress.report(draw, draws);
        }
        counts.fill(0);
        plain_draw(problem, seed, draw).iter().for_each(|&person| counts[kind[person as usize]] += 1);
        let meets = problem.admits(&counts);
        accepted += u64::from(meets);
        tally.add(meets.then_some(&counts));
    }
    let conditional = match tally.finish(problem, level) {
        Ok(chances) => Some(chances),
        Err(SampleError::NoPanel { .. }) => None,
        Err(SampleError::Cancelled(cancelled)) => return Err(cancelled),
    };
    let chance = f64::from(problem.size) / problem.people() as f64;
    Ok(RandomSamples { chance, draws, accepted, acceptance: wilson(accepted, draws, level), conditional })
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances;
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn rejection_is_uniform_over_panels() {
        let problem = instances::square();
        let found = samples(&problem, 2, 40_000, 0.9999, &Silent).unwrap();
        // 4 + 4 of 36 pairs are panels.
        assert!(found.acceptance[0] < 8.0 / 36.0 && 8.0 / 36.0 < found.acceptance[1], "{:?}", found.acceptance);
        let conditional = found.conditional.unwrap();
        let expected = instances::uniform_counts(&problem);
        for (kind, expected) in problem.types.iter().zip(expected) {
            let known = expected / f64::from(kind.size());
            let [low, high] = conditional.interval[kind.members[0] as usize];
            assert!(low < known && known < high);
        }
        assert_eq!(conditional.failed + conditional.panels, 40_000);
    }

    #[test]
    fn quotas_that_luck_never_meets() {
        let people: [(&[&str], usize); 2] = [(&["F"], 1), (&["M"], 3)];
        let problem = instances::problem(2, &[("gender", "F", 2, 2), ("gender", "M", 0, 0)], &people);
        let found = samples(&problem, 1, 100, 0.95, &Silent).unwrap();
        assert!(found.accepted == 0 && found.conditional.is_none() && found.acceptance[1] < 0.04);
        assert_eq!(plain_draw(&problem, 1, 3), plain_draw(&problem, 1, 3));
    }
}
