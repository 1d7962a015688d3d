//! The tokens that a chain chose, stored compactly, and the states they make.

use super::scan::{Scan, Schedule};
use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::space::Space;

/// Bytes that hold one token of `space`: 1, 2 or 4, by its largest allowed id.
pub fn token_bytes(space: &Space) -> usize {
    match space.allowed().last() {
        Some(&largest) if largest > 0xFFFF => 4,
        Some(&largest) if largest > 0xFF => 2,
        _ => 1,
    }
}

/// Appends `token` in `bytes` bytes, little-endian.
pub(super) fn write_token(token: u32, bytes: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&token.to_le_bytes()[..bytes]);
}

/// Reads tokens of `bytes` bytes each, little-endian.
fn read_token(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |token, &byte| token << 8 | u32::from(byte))
}

/// One chain's whole course: its start and the token of every step. The site of a step is a function of the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<'a> {
    space: &'a Space,
    schedule: Schedule,
    /// Steps of the schedule before this chain's first: the lag, for Y.
    lag: u64,
    start: Vec<u32>,
    tokens: Vec<u8>,
    bytes: usize,
}

impl<'a> Trace<'a> {
    /// The course of X (`lag` 0), or of Y (the cell's lag), of pair or chain number `pair`: `start` is
    /// [`super::Start::pair`]'s, `tokens` the bytes of its [`super::Segment`]s one after the other.
    ///
    /// Y's course ends when the pair meets: from there it is X's, `lag` steps behind.
    pub fn new(
        space: &'a Space,
        scan: Scan,
        seed: u64,
        pair: u64,
        lag: u64,
        start: Vec<u32>,
        tokens: Vec<u8>,
    ) -> Result<Self, ConditionalsError> {
        let bytes = token_bytes(space);
        let invalid = |problem: &str| Err(ConditionalsError::Invalid(format!("{problem}: it belongs to another run")));
        if !space.holds(&start) {
            return invalid("the start of a trace is not in the space");
        }
        if !tokens.len().is_multiple_of(bytes) {
            return invalid("a trace ends in the middle of a token");
        }
        if tokens.chunks_exact(bytes).any(|token| space.allowed().binary_search(&read_token(token)).is_err()) {
            return invalid("a trace holds a token that is not allowed");
        }
        Ok(Self { space, schedule: Schedule::new(scan, seed, pair, space.free().len()), lag, start, tokens, bytes })
    }

    /// Number of steps.
    pub fn steps(&self) -> u64 {
        (self.tokens.len() / self.bytes) as u64
    }

    /// The site that step `step` updated, counted in the whole state, and its new token. Steps count from 1.
    fn update(&self, step: u64, order: &mut Vec<u32>) -> (usize, u32) {
        let at = (step - 1) as usize * self.bytes;
        let site = self.space.free()[self.schedule.site(step + self.lag, order)];
        (site, read_token(&self.tokens[at..at + self.bytes]))
    }

    /// The position (in the whole sequence) and the new token of each step, in order.
    pub fn updates(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let mut order = Vec::new();
        (1..=self.steps()).map(move |step| self.update(step, &mut order))
    }

    /// The state after `step` steps; `None` beyond the end. Looks back only as far as each site's last update.
    pub fn state(&self, step: u64) -> Option<Vec<u32>> {
        if step > self.steps() {
            return None;
        }
        let mut state = self.start.clone();
        let mut known = vec![false; state.len()];
        let (mut missing, mut order) = (self.space.free().len(), Vec::new());
        for step in (1..=step).rev() {
            let (site, token) = self.update(step, &mut order);
            if !known[site] {
                (state[site], known[site]) = (token, true);
                missing -= 1;
                if missing == 0 {
                    break;
                }
            }
        }
        Some(state)
    }

    /// Calls `each` with the step and the state after it, from the start (step 0) to the end.
    pub fn replay(&self, mut each: impl FnMut(u64, &[u32])) {
        let (mut state, mut order) = (self.start.clone(), Vec::new());
        each(0, &state);
        for step in 1..=self.steps() {
            let (site, token) = self.update(step, &mut order);
            state[site] = token;
            each(step, &state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn states_are_rebuilt_from_tokens() {
        let toy = toys::parse("potts:n=4,q=1000").unwrap();
        for (largest, bytes) in [(9, 1), (999, 2)] {
            let space = Space::new(toy.as_ref(), vec![7, 0, 0, 0], &[0], vec![0, 3, largest]).unwrap();
            assert_eq!(token_bytes(&space), bytes);
            let mut tokens = Vec::new();
            [3, largest, 0, largest, 3, 3, 0].iter().for_each(|&token| write_token(token, bytes, &mut tokens));
            for scan in Scan::ALL {
                let trace = Trace::new(&space, scan, 5, 2, 3, vec![7, 0, 0, 0], tokens.clone()).unwrap();
                assert_eq!((trace.steps(), trace.state(8)), (7, None));
                let (mut steps, mut before) = (0, vec![7, 0, 0, 0]);
                trace.replay(|step, state| {
                    assert_eq!(trace.state(step).unwrap(), state);
                    assert!(space.hamming(state, &before) <= 1);
                    before = state.to_vec();
                    steps += 1;
                });
                assert_eq!(steps, 8);
            }
            let systematic = Trace::new(&space, Scan::Systematic, 5, 2, 0, vec![7, 0, 0, 0], tokens).unwrap();
            assert_eq!(systematic.state(4).unwrap(), [7, largest, largest, 0]);
        }
    }

    #[test]
    fn tokens_of_another_run_are_refused() {
        let toy = toys::parse("potts:n=2,q=1000").unwrap();
        let space = Space::new(toy.as_ref(), vec![0, 0], &[], vec![0, 300]).unwrap();
        let trace = |start: &[u32], tokens: &[u8]| {
            Trace::new(&space, Scan::Random, 0, 0, 0, start.to_vec(), tokens.to_vec()).map(|_| ())
        };
        assert_eq!(trace(&[0, 300], &[44, 1]), Ok(()));
        assert!(trace(&[0, 1], &[]).is_err() && trace(&[0, 0], &[44]).is_err() && trace(&[0, 0], &[44, 2]).is_err());
    }
}
