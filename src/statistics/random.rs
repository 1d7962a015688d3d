//! Random draws from a recorded seed.
//!
//! The draws are written out here, from raw ChaCha words and exact arithmetic, so that neither a new version of a
//! crate nor another platform's mathematics library changes a result that a seed is meant to reproduce.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One stream of random numbers: the same seed and number always give the same draws.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// Stream `number` of `seed`; streams of one seed are independent.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(number);
        Self(generator)
    }
    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
    /// Uniform in `0..bound` without bias; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Multiply and keep the high word; the low words that would favour some answers are drawn again.
        let refused = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= refused {
                return (product >> 64) as u64;
            }
        }
    }
    /// `k` different numbers below `bound` in the order drawn; all of them, shuffled, where `k >= bound`.
    pub fn distinct(&mut self, k: usize, bound: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..bound).collect();
        let k = k.min(bound);
        for at in 0..k {
            let other = at + self.below((bound - at) as u64) as usize;
            places.swap(at, other);
        }
        places.truncate(k);
        places
    }
    /// An index drawn with the given weights (not negative, not all zero): the first whose running sum exceeds the draw.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let mut last = 0;
        for (k, &weight) in weights.iter().enumerate() {
            if weight > 0.0 {
                last = k;
                if left < weight {
                    return k;
                }
                left -= weight;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_reproducible_and_differ() {
        let draw = |seed, number| {
            (0..8).map(|_| 0).scan(Stream::new(seed, number), |s, _: i32| Some(s.below(1000))).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn draws_have_their_laws() {
        let mut stream = Stream::new(7, 0);
        let mut counts = [0u32; 3];
        let mut weighted = [0u32; 3];
        for _ in 0..30_000 {
            counts[stream.below(3) as usize] += 1;
            weighted[stream.weighted(&[1.0, 0.0, 3.0])] += 1;
            assert!((0.0..1.0).contains(&stream.unit()));
        }
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 410), "{counts:?}");
        assert!(weighted[1] == 0 && weighted[0].abs_diff(7_500) < 375, "{weighted:?}");
    }

    #[test]
    fn distinct_draws_are_distinct() {
        let mut all = Stream::new(3, 1).distinct(10, 6);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5]);
        assert_eq!(Stream::new(3, 1).distinct(2, 100).len(), 2);
        assert!(Stream::new(3, 1).distinct(2, 0).is_empty());
    }
}
