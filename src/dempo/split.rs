//! Raters who are kept for evaluation: all pairs of a rater are on one side.

use crate::statistics::Stream;

/// Raters by side.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RaterSplit {
    /// One entry for every rater: whether the rater is held out.
    held_out: Vec<bool>,
}

/// The share cannot be held out.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    #[error("{0} is no share of raters to hold out: give one from 0 to below 1, such as 0.1")]
    Share(f64),
    #[error("{raters} raters cannot be parted: hold nobody out, or import the preferences of more raters")]
    TooFew { raters: usize },
}

impl RaterSplit {
    /// Holds out `share` of `raters`, drawn by `seed` without regard to who they are: the nearest whole number, at least one
    /// unless the share is 0, and never all.
    ///
    /// # Errors
    /// [`SplitError`] for a share outside `[0, 1)`, or a positive one of fewer than two raters.
    pub fn new(raters: usize, share: f64, seed: u64) -> Result<Self, SplitError> {
        if !(0.0..1.0).contains(&share) {
            return Err(SplitError::Share(share));
        }
        let mut held_out = vec![false; raters];
        if share > 0.0 {
            if raters < 2 {
                return Err(SplitError::TooFew { raters });
            }
            let count = ((share * raters as f64).round() as usize).clamp(1, raters - 1);
            Stream::new(seed, 0).distinct(count, raters).into_iter().for_each(|rater| held_out[rater] = true);
        }
        Ok(Self { held_out })
    }

    /// Whether the rater is kept for evaluation.
    pub fn is_held_out(&self, rater: u32) -> bool {
        self.held_out.get(rater as usize).copied().unwrap_or(false)
    }

    /// Places of the pairs whose raters are held out, in the order of the source.
    pub fn held_out_pairs(&self, rater_of: &[u32]) -> Vec<usize> {
        let own = rater_of.iter().enumerate().filter(|(_, rater)| self.is_held_out(**rater));
        own.map(|(pair, _)| pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::{Scheme, Transform, WeightedSet};
    use super::*;

    #[test]
    fn no_rater_is_on_both_sides() {
        let rater_of: Vec<u32> = (0..300).map(|pair| pair * 7 % 20).collect();
        let split = RaterSplit::new(20, 0.25, 4).unwrap();
        let train = WeightedSet::new(&rater_of, 20, &Scheme::Full, Transform::None).unwrap();
        let train = train.without(|rater| split.is_held_out(rater)).unwrap();
        let kept = split.held_out_pairs(&rater_of);
        assert_eq!((train.len() + kept.len(), train.raters_used()), (300, 15));
        assert!(kept.iter().all(|&pair| train.shares()[rater_of[pair] as usize] == 0.0));
        assert_eq!(split, RaterSplit::new(20, 0.25, 4).unwrap());
        assert_ne!(split, RaterSplit::new(20, 0.25, 5).unwrap());
    }

    #[test]
    fn small_shares_hold_out_one_and_large_ones_leave_one() {
        let held =
            |raters, share| RaterSplit::new(raters, share, 0).unwrap().held_out.iter().filter(|&&out| out).count();
        assert_eq!((held(5, 0.01), held(2, 0.99), held(5, 0.0), held(0, 0.0)), (1, 1, 0, 0));
        assert_eq!(RaterSplit::new(5, 1.0, 0), Err(SplitError::Share(1.0)));
        assert_eq!(RaterSplit::new(1, 0.5, 0), Err(SplitError::TooFew { raters: 1 }));
    }
}
