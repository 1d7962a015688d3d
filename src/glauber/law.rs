//! What a draw needs of a row of logits: which tokens it can give, and how likely each is.

use super::temperature::Temperature;
use crate::statistics::exponentials;

/// How far below the largest scaled logit a token stops counting for draws, nats: its probability is less than 2^-57.
const NEGLIGIBLE: f64 = 40.0;

/// The law of a draw at one temperature: tokens and their probabilities.
///
/// Where those that a draw of 53 bits can give are at most half of the allowed ones, it holds them alone: in total variation it
/// is at most `V 2^-57` away from [`Temperature::law`], and at low temperatures it holds a handful of a large vocabulary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Law {
    tokens: Vec<u32>,
    weights: Vec<f64>,
    lead: Option<f64>,
}

impl Law {
    /// Makes it the law of `allowed` tokens at a temperature: softmax of their logits over tau, or at 0 the largest logit, ties
    /// going to the token that `allowed` names first.
    ///
    /// The logit of a token is `logits[token]`, nats, plus `offsets[token]` if there are offsets; all are finite. `allowed` is not
    /// empty and inside the row.
    pub fn set<L: Copy + Into<f64>>(
        &mut self,
        temperature: Temperature,
        logits: &[L],
        offsets: Option<&[f64]>,
        allowed: &[u32],
    ) {
        let Self { tokens, weights, lead } = self;
        tokens.clear();
        weights.clear();
        let logit = |token: u32| -> f64 {
            let token = token as usize;
            offsets.map_or_else(|| logits[token].into(), |offsets| logits[token].into() + offsets[token])
        };
        if temperature == Temperature::ZERO {
            let (mut token, mut best, mut second) = (allowed[0], f64::NEG_INFINITY, f64::NEG_INFINITY);
            for &candidate in allowed {
                let value = logit(candidate);
                if value > best {
                    (token, second, best) = (candidate, best, value);
                } else {
                    second = second.max(value);
                }
            }
            tokens.push(token);
            weights.push(1.0);
            *lead = Some(best - second);
            return;
        }
        let tau = temperature.get();
        let first = allowed[0];
        let run = allowed.iter().zip(first..).fold(true, |run, (&token, next)| run & (token == next));
        let range = first as usize..first as usize + allowed.len();
        match offsets {
            Some(offsets) if run => {
                weights.extend(
                    logits[range.clone()].iter().zip(&offsets[range]).map(|(&logit, offset)| logit.into() + offset),
                );
            }
            None if run => weights.extend(logits[range].iter().map(|&logit| logit.into())),
            _ => weights.extend(allowed.iter().map(|&token| logit(token))),
        }
        let largest = largest(weights);
        let least = largest - NEGLIGIBLE * tau;
        let count: usize = weights.iter().map(|&value| usize::from(value >= least)).sum();
        if count > allowed.len() / 2 {
            tokens.extend_from_slice(allowed);
        } else {
            tokens.extend(allowed.iter().zip(&*weights).filter(|(_, value)| **value >= least).map(|(token, _)| token));
            weights.retain(|&value| value >= least);
        }
        let sum = exponentials(weights, largest, tau);
        let factor = 1.0 / sum;
        weights.iter_mut().for_each(|weight| *weight *= factor);
        *lead = None;
    }

    /// The tokens, in the order in which they were allowed.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Their probabilities.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// At temperature 0: by how much the largest logit leads, nats. `None` at other temperatures.
    pub fn lead(&self) -> Option<f64> {
        self.lead
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        size_of_val::<[u32]>(&self.tokens) + size_of_val::<[f64]>(&self.weights)
    }
}

/// The largest of some numbers, several compared at a time.
fn largest(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (whole, rest) = values.as_chunks::<8>();
    let mut best = [f64::NEG_INFINITY; 8];
    for chunk in whole {
        best.iter_mut().zip(chunk).for_each(|(best, &value)| *best = larger(*best, value));
    }
    best.into_iter().chain(rest.iter().copied()).fold(f64::NEG_INFINITY, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_draw_sees_is_left_out() {
        let logits: Vec<f64> = (0..1000).map(|k| f64::from(k % 37) * 0.7 - f64::from(k) * 0.01).collect();
        let allowed: Vec<u32> = (0..1000).collect();
        for tau in [0.05, 0.3, 1.0, 4.0] {
            let (tau, mut whole, mut drawn) = (Temperature::new(tau).unwrap(), Vec::new(), Law::default());
            tau.law(&logits, &allowed, &mut whole);
            drawn.set(tau, &logits, None, &allowed);
            let mut apart: f64 = whole.iter().sum();
            for (&token, q) in drawn.tokens().iter().zip(drawn.weights()) {
                apart += (whole[token as usize] - q).abs() - whole[token as usize];
            }
            assert!(apart.abs() < 1e-12, "{tau}: {apart:e}");
            assert_eq!(drawn.tokens().len() < 500, tau.get() < 0.5, "{tau}: {}", drawn.tokens().len());
            assert_eq!(drawn.lead(), None);
        }
    }

    #[test]
    fn offsets_and_gaps_give_the_same_bits() {
        let below: Vec<f32> = (0..300).map(|k| (k as f32 * 0.37).sin() * 9.0).collect();
        let offsets: Vec<f64> = (0..300).map(|k| f64::from(k) * 1e-3 - 0.1).collect();
        let whole: Vec<f64> = below.iter().zip(&offsets).map(|(&below, offset)| f64::from(below) + offset).collect();
        for allowed in [(7..290).collect::<Vec<u32>>(), (0..300).step_by(3).collect(), vec![1, 3, 2, 4]] {
            for tau in [0.0, 0.1, 0.5, 2.0] {
                let (tau, mut a, mut b) = (Temperature::new(tau).unwrap(), Law::default(), Law::default());
                a.set(tau, &below, Some(&offsets), &allowed);
                b.set(tau, &whole, None, &allowed);
                assert_eq!(a, b);
                if tau != Temperature::ZERO {
                    let mut known = Vec::new();
                    tau.law(&whole, &allowed, &mut known);
                    let at = |token| known[allowed.iter().position(|&other| other == token).unwrap()];
                    assert!(a.tokens().iter().zip(a.weights()).all(|(&token, &p)| (at(token) - p).abs() < 1e-15));
                }
            }
        }
    }

    #[test]
    fn at_temperature_zero_the_largest_leads() {
        let mut law = Law::default();
        law.set(Temperature::ZERO, &[9.0f32, 1.0, 4.0, 4.0], None, &[1, 2, 3]);
        assert_eq!((law.tokens(), law.weights(), law.lead()), (&[2][..], &[1.0][..], Some(0.0)));
        law.set(Temperature::ZERO, &[9.0, 1.0, 4.0, 4.0], None, &[0, 2]);
        assert_eq!((law.tokens(), law.lead()), (&[0][..], Some(5.0)));
        law.set(Temperature::ZERO, &[9.0], None, &[0]);
        assert_eq!(law.lead(), Some(f64::INFINITY));
    }
}
