//! What a draw needs of a row of logits: which tokens it can give, and how likely each is.

use super::temperature::Temperature;

/// How far below the largest scaled logit a token stops counting for draws, nats: its probability is less than 2^-57.
const NEGLIGIBLE: f64 = 40.0;

/// The law of a draw at one temperature: the tokens that a draw of 53 bits can give, and their probabilities.
///
/// In total variation it is at most `V 2^-57` away from [`Temperature::law`]. At low temperatures it holds a handful of a
/// large vocabulary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Law {
    tokens: Vec<u32>,
    weights: Vec<f64>,
    lead: Option<f64>,
}

impl Law {
    /// Makes it the law of `allowed` tokens at a temperature: softmax of `logits[token] / tau` over them, or at 0 the largest
    /// logit, ties going to the token that `allowed` names first.
    ///
    /// `logits` are one finite row, nats; `allowed` is not empty and inside the row.
    pub fn set<L: Copy + Into<f64>>(&mut self, temperature: Temperature, logits: &[L], allowed: &[u32]) {
        self.tokens.clear();
        self.weights.clear();
        let at = |token: u32| -> f64 { logits[token as usize].into() };
        if temperature == Temperature::ZERO {
            let (mut token, mut best, mut second) = (allowed[0], f64::NEG_INFINITY, f64::NEG_INFINITY);
            for &candidate in allowed {
                let value = at(candidate);
                if value > best {
                    (token, second, best) = (candidate, best, value);
                } else {
                    second = second.max(value);
                }
            }
            self.tokens.push(token);
            self.weights.push(1.0);
            self.lead = Some(best - second);
            return;
        }
        let tau = temperature.get();
        let largest = allowed.iter().map(|&token| at(token)).fold(f64::NEG_INFINITY, f64::max);
        let least = largest - NEGLIGIBLE * tau;
        let mut sum = 0.0;
        for &token in allowed {
            let logit = at(token);
            if logit >= least {
                let weight = ((logit - largest) / tau).exp();
                sum += weight;
                self.tokens.push(token);
                self.weights.push(weight);
            }
        }
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        self.lead = None;
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
            drawn.set(tau, &logits, &allowed);
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
    fn at_temperature_zero_the_largest_leads() {
        let mut law = Law::default();
        law.set(Temperature::ZERO, &[9.0f32, 1.0, 4.0, 4.0], &[1, 2, 3]);
        assert_eq!((law.tokens(), law.weights(), law.lead()), (&[2][..], &[1.0][..], Some(0.0)));
        law.set(Temperature::ZERO, &[9.0, 1.0, 4.0, 4.0], &[0, 2]);
        assert_eq!((law.tokens(), law.lead()), (&[0][..], Some(5.0)));
        law.set(Temperature::ZERO, &[9.0], &[0]);
        assert_eq!(law.lead(), Some(f64::INFINITY));
    }
}
