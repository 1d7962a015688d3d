//! One recorded pair of a mix run, to be read step by step.

use std::collections::BTreeMap;

use super::mix::{MAIN, MixSpec};
use crate::glauber::chain::Trace;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};

/// Most steps that are read; what was recorded beyond them stays in the project.
pub const MOST_STEPS: usize = 100_000;

/// Both chains of one pair: where they started and what each step wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct PairCourse {
    pub pair: u64,
    /// The positions that move, in the whole sequence.
    pub free: Vec<usize>,
    /// Whole sequences before the first step.
    pub starts: [Vec<u32>; 2],
    /// Position and new token of each step, of X and of Y: both write the same position.
    pub updates: [Vec<(u32, u32)>; 2],
    /// Hamming distance after each step, step 0 first.
    pub distances: Vec<u32>,
    /// Text of every token that occurs.
    pub texts: BTreeMap<u32, String>,
    /// Steps recorded; more than are read here if there are more than [`MOST_STEPS`].
    pub recorded: u64,
}

impl PairCourse {
    /// Reads pair number `pair` from the bytes of its two chains' segments.
    pub fn read(
        spec: &MixSpec,
        model: &dyn Conditionals,
        pair: u64,
        tokens: [Vec<u8>; 2],
    ) -> Result<Self, ConditionalsError> {
        let cells = spec.cells(model)?;
        let Some(cell) = cells.get(MAIN) else {
            return Err(ConditionalsError::Invalid("the run has no pairs".to_owned()));
        };
        let starts = cell.start.pair(&cell.space, cell.seed, pair);
        let mut updates = [Vec::new(), Vec::new()];
        let mut recorded = 0;
        for ((updates, start), tokens) in updates.iter_mut().zip(&starts).zip(tokens) {
            let trace = Trace::new(&cell.space, cell.scan, cell.seed, pair, 0, start.clone(), tokens)?;
            recorded = recorded.max(trace.steps());
            *updates = trace.updates().take(MOST_STEPS).map(|(site, token)| (site as u32, token)).collect();
        }
        let [mut x, mut y] = starts.clone();
        let mut distances = vec![cell.space.hamming(&x, &y) as u32];
        for (&(site, a), &(_, b)) in updates[0].iter().zip(&updates[1]) {
            (x[site as usize], y[site as usize]) = (a, b);
            distances.push(cell.space.hamming(&x, &y) as u32);
        }
        let written = updates.iter().flatten().map(|&(_, token)| token);
        let texts = starts.iter().flatten().copied().chain(written).map(|token| (token, model.text(token))).collect();
        Ok(Self { pair, free: cell.space.free().to_vec(), starts, updates, distances, texts, recorded })
    }

    /// Steps that both chains can be read for.
    pub fn steps(&self) -> usize {
        self.distances.len() - 1
    }

    /// The whole sequence of chain 0 (X) or 1 (Y) after `step` steps; looks back only as far as each site's last update.
    pub fn state(&self, chain: usize, step: usize) -> Vec<u32> {
        let mut state = self.starts[chain].clone();
        let mut known = vec![false; state.len()];
        let mut missing = self.free.len();
        for &(site, token) in self.updates[chain].iter().take(step).rev() {
            let site = site as usize;
            if !known[site] {
                (state[site], known[site]) = (token, true);
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::chain::{Budget, Coupling, Ensemble, Options, Scan};
    use crate::glauber::experiments::{StartChoice, Vocabulary};
    use crate::glauber::temperature::Temperature;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn a_recorded_pair_is_read_to_its_meeting() {
        let toy = toys::parse("potts:n=4,q=3").unwrap();
        let spec = MixSpec {
            version: 1,
            model: "potts:q=3".to_owned(),
            length: 4,
            temperature: Temperature::ONE,
            scan: Scan::Random,
            coupling: Coupling::Maximal,
            start: StartChoice::Opposite,
            pairs: 3,
            cap_sweeps: 200,
            lag_sweeps: 0,
            vocabulary: Vocabulary::Whole,
            template: None,
            record: true,
            theory: None,
            singles: None,
            seed: 5,
        };
        let cells = spec.cells(toy.as_ref()).unwrap();
        let mut ensemble = Ensemble::new(vec![toy.as_ref()], cells, Options::default()).unwrap();
        let (mut tokens, mut met) = ([Vec::new(), Vec::new()], 0);
        while !ensemble.finished() {
            let batch = ensemble.advance(Budget::Rounds(50), &Silent).unwrap();
            for part in batch.segments.into_iter().filter(|part| part.cell == MAIN && part.pair == 1) {
                tokens[usize::from(part.second)].extend(part.tokens);
            }
            met = batch.meetings.iter().find(|m| m.cell == MAIN && m.pair == 1).map_or(met, |m| m.time);
        }
        let course = PairCourse::read(&spec, toy.as_ref(), 1, tokens).unwrap();
        assert_eq!(course.distances[0], 4, "opposite everywhere");
        assert_eq!((course.steps() as u64, course.distances.last()), (met, Some(&0)));
        assert_eq!(course.state(0, course.steps()), course.state(1, course.steps()));
        assert_eq!(course.state(0, 0), course.starts[0]);
    }
}
