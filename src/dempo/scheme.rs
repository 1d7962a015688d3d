//! Whose preferences count how much: from raters' chances to weights of pairs (dempo.md, sections 5.1, 5.3 and 5.4).

use crate::statistics::{quantile, sorted};

/// Whose losses are averaged, and how.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case")]
pub enum Scheme {
    /// Every member of one panel alike: rater weight `1/k`, pair weight `1/(k n_i)`.
    Hard { panel: Vec<u32> },
    /// Everybody by their chance `pi_i` to be on the panel, one entry a rater: rater weight `pi_i/k`, pair weight
    /// `pi_i/(k n_i)`. The expectation of [`Scheme::Hard`] over panels.
    Soft { inclusion: Vec<f64> },
    /// Every rater alike: `1/n`, `1/(n n_i)`.
    Full,
    /// Every pair alike, so that raters count by how many pairs they have.
    Pooled,
    /// Every pair of some raters alike, such as those of a sample that somebody balanced already.
    Subset { raters: Vec<u32> },
}

/// A change to raters' weights before they are shared among pairs. Any but `None` gives up the closed form: the weights are
/// no longer an expectation over panels.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "transform", rename_all = "kebab-case")]
pub enum Transform {
    #[default]
    None,
    SquareRoot,
    Square,
    /// Weights below the lower quantile of the positive ones, or above the upper one, are moved there.
    Clip {
        low: f64,
        high: f64,
    },
}

impl Transform {
    fn apply(self, weights: &mut [f64]) {
        match self {
            Self::None => {}
            Self::SquareRoot => weights.iter_mut().for_each(|weight| *weight = weight.sqrt()),
            Self::Square => weights.iter_mut().for_each(|weight| *weight *= *weight),
            Self::Clip { low, high } => {
                let positive: Vec<f64> = weights.iter().copied().filter(|&weight| weight > 0.0).collect();
                if positive.is_empty() {
                    return;
                }
                let order = sorted(&positive);
                let (low, high) = (quantile(&order, low), quantile(&order, high));
                weights.iter_mut().filter(|weight| **weight > 0.0).for_each(|weight| *weight = weight.clamp(low, high));
            }
        }
    }
}

/// Why weights cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SchemeError {
    #[error("there are no pairs to weigh: import preferences first")]
    NoPairs,
    #[error("there are more pairs than 2^32: split the file")]
    TooManyPairs,
    #[error("pair {pair} is of rater {rater}, but there are {raters} raters: import the preferences again")]
    Rater { pair: usize, rater: u32, raters: usize },
    #[error("the scheme names rater {rater}, but there are {raters}: make it for these preferences")]
    UnknownRater { rater: u32, raters: usize },
    #[error("rater {rater} is named twice: a panel has every member once")]
    Twice { rater: u32 },
    #[error("there are {chances} chances for {raters} raters: make them for these preferences")]
    Chances { chances: usize, raters: usize },
    #[error("rater {rater} has the chance {chance}, which is not between 0 and 1: compute the lottery again")]
    Chance { rater: usize, chance: f64 },
    #[error(
        "the quantiles {low} and {high} do not clip: give two between 0 and 1, the lower first, such as 0.05 and 0.95"
    )]
    Quantiles { low: f64, high: f64 },
    #[error("nobody with a weight has any pairs: choose a panel or a lottery over the raters of these preferences")]
    NothingLeft,
}

/// A pair that counts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WeightedPair {
    /// Place of the pair among all pairs.
    pub pair: usize,
    /// Weight, with mean 1 over the pairs of a set.
    pub weight: f64,
    /// Place of its rater among all raters.
    pub rater: u32,
}

/// Pairs with positive weights, normalised once over all of them: `w_x N / sum w`. They must not be normalised again in a
/// batch: with one pair a batch every weight would become 1.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WeightedSet {
    pairs: Vec<WeightedPair>,
    /// Share of each rater in the objective, one entry for every rater; sums to 1.
    shares: Vec<f64>,
    closed_form: bool,
}

impl WeightedSet {
    /// Weighs pairs whose raters are `rater_of` (places below `raters`). Raters without pairs have no share.
    ///
    /// # Errors
    /// [`SchemeError`]: what does not belong to these raters, or a scheme that leaves nothing.
    pub fn new(rater_of: &[u32], raters: usize, scheme: &Scheme, transform: Transform) -> Result<Self, SchemeError> {
        let counts = pairs_per_rater(rater_of, raters)?;
        if let Transform::Clip { low, high } = transform
            && !(0.0 <= low && low < high && high <= 1.0)
        {
            return Err(SchemeError::Quantiles { low, high });
        }
        let mut shares = rater_weights(scheme, &counts)?;
        counts.iter().zip(&mut shares).filter(|(count, _)| **count == 0).for_each(|(_, share)| *share = 0.0);
        transform.apply(&mut shares);
        let pooled = matches!(scheme, Scheme::Pooled | Scheme::Subset { .. });
        Self::from_shares(rater_of, &counts, shares, !pooled && transform == Transform::None)
    }

    fn from_shares(
        rater_of: &[u32],
        counts: &[u64],
        mut shares: Vec<f64>,
        closed_form: bool,
    ) -> Result<Self, SchemeError> {
        let total: f64 = shares.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(SchemeError::NothingLeft);
        }
        shares.iter_mut().for_each(|share| *share /= total);
        let used: u64 = counts.iter().zip(&shares).filter(|(_, share)| **share > 0.0).map(|(count, _)| count).sum();
        let weight = |rater: usize| shares[rater] / counts[rater] as f64 * used as f64;
        let pairs = rater_of.iter().enumerate().filter(|(_, rater)| shares[**rater as usize] > 0.0);
        let pairs = pairs.map(|(pair, &rater)| WeightedPair { pair, weight: weight(rater as usize), rater }).collect();
        Ok(Self { pairs, shares, closed_form })
    }

    /// The set without some raters, such as those who are held out, normalised anew.
    ///
    /// # Errors
    /// [`SchemeError::NothingLeft`] where nobody else has a weight.
    pub fn without(&self, left_out: impl Fn(u32) -> bool) -> Result<Self, SchemeError> {
        let mut shares = self.shares.clone();
        for (rater, share) in (0..).zip(&mut shares) {
            if left_out(rater) {
                *share = 0.0;
            }
        }
        let mut pairs: Vec<WeightedPair> =
            self.pairs.iter().copied().filter(|pair| shares[pair.rater as usize] > 0.0).collect();
        let total: f64 = shares.iter().sum();
        if total.is_nan() || total <= 0.0 {
            return Err(SchemeError::NothingLeft);
        }
        shares.iter_mut().for_each(|share| *share /= total);
        let sum: f64 = pairs.iter().map(|pair| pair.weight).sum();
        let scale = pairs.len() as f64 / sum;
        pairs.iter_mut().for_each(|pair| pair.weight *= scale);
        Ok(Self { pairs, shares, closed_form: self.closed_form })
    }

    /// The pairs that count, in the order of the source.
    pub fn pairs(&self) -> &[WeightedPair] {
        &self.pairs
    }

    /// How many pairs count (N).
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether no pair counts; never so for a set that was made.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Every rater's share in the objective, zero for those who are dropped; sums to 1.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Whether the objective is the sum over raters of shares times their mean losses as the scheme says, so that Soft is
    /// the expectation of Hard: not for pooled pairs, nor after a transform.
    pub fn closed_form(&self) -> bool {
        self.closed_form
    }

    /// Raters who count.
    pub fn raters_used(&self) -> usize {
        self.shares.iter().filter(|share| **share > 0.0).count()
    }

    /// Raters who do not count, as places: they have no weight or no pairs.
    pub fn dropped(&self) -> Vec<u32> {
        (0..).zip(&self.shares).filter(|(_, share)| **share <= 0.0).map(|(rater, _)| rater).collect()
    }

    /// Kish's effective number of raters, `(sum w)^2 / sum w^2` over their shares.
    pub fn effective_raters(&self) -> f64 {
        effective(self.shares.iter().copied())
    }

    /// Kish's effective number of pairs.
    pub fn effective_pairs(&self) -> f64 {
        effective(self.pairs.iter().map(|pair| pair.weight))
    }

    /// By how much unequal shares inflate the variance of a mean over raters: raters used over effective raters.
    pub fn design_effect(&self) -> f64 {
        self.raters_used() as f64 / self.effective_raters()
    }
}

fn effective(weights: impl Iterator<Item = f64>) -> f64 {
    let (sum, squares) = weights.fold((0.0, 0.0), |(sum, squares), weight| (sum + weight, squares + weight * weight));
    sum * sum / squares
}

/// How many pairs each rater has (n_i).
///
/// # Errors
/// [`SchemeError`] without pairs, or where a pair's rater is not among the raters.
pub fn pairs_per_rater(rater_of: &[u32], raters: usize) -> Result<Vec<u64>, SchemeError> {
    if rater_of.is_empty() {
        return Err(SchemeError::NoPairs);
    }
    if u32::try_from(rater_of.len()).is_err() {
        return Err(SchemeError::TooManyPairs);
    }
    let mut counts = vec![0; raters];
    for (pair, &rater) in rater_of.iter().enumerate() {
        *counts.get_mut(rater as usize).ok_or(SchemeError::Rater { pair, rater, raters })? += 1;
    }
    Ok(counts)
}

/// Weight of each rater's mean loss, up to a common factor.
fn rater_weights(scheme: &Scheme, counts: &[u64]) -> Result<Vec<f64>, SchemeError> {
    let raters = counts.len();
    match scheme {
        Scheme::Hard { panel } => members(panel, raters),
        Scheme::Soft { inclusion } => {
            if inclusion.len() != raters {
                return Err(SchemeError::Chances { chances: inclusion.len(), raters });
            }
            // Sums of probabilities may exceed 1 by their rounding.
            match inclusion.iter().position(|chance| !(0.0..=1.0 + 1e-9).contains(chance)) {
                Some(rater) => Err(SchemeError::Chance { rater, chance: inclusion[rater] }),
                None => Ok(inclusion.clone()),
            }
        }
        Scheme::Full => Ok(vec![1.0; raters]),
        Scheme::Pooled => Ok(counts.iter().map(|&count| count as f64).collect()),
        Scheme::Subset { raters: some } => {
            let chosen = members(some, raters)?;
            Ok(chosen.iter().zip(counts).map(|(chosen, &count)| chosen * count as f64).collect())
        }
    }
}

fn members(panel: &[u32], raters: usize) -> Result<Vec<f64>, SchemeError> {
    let mut weights = vec![0.0; raters];
    for &rater in panel {
        let weight = weights.get_mut(rater as usize).ok_or(SchemeError::UnknownRater { rater, raters })?;
        if *weight > 0.0 {
            return Err(SchemeError::Twice { rater });
        }
        *weight = 1.0;
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Four raters with 1, 2, 3 and 4 pairs.
    const RATER_OF: [u32; 10] = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3];

    fn set(scheme: &Scheme, transform: Transform) -> WeightedSet {
        WeightedSet::new(&RATER_OF, 4, scheme, transform).unwrap()
    }

    fn close(found: &[f64], known: &[f64]) {
        assert!(found.len() == known.len() && found.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn each_scheme_shares_as_it_says() {
        let hard = set(&Scheme::Hard { panel: vec![3, 0] }, Transform::None);
        close(hard.shares(), &[0.5, 0.0, 0.0, 0.5]);
        // Five pairs, of which one is half of the objective.
        close(&hard.pairs().iter().map(|pair| pair.weight).collect::<Vec<_>>(), &[2.5, 0.625, 0.625, 0.625, 0.625]);
        assert_eq!((hard.dropped(), hard.raters_used(), hard.effective_raters()), (vec![1, 2], 2, 2.0));
        let soft = set(&Scheme::Soft { inclusion: vec![0.75, 0.75, 0.25, 0.25] }, Transform::None);
        close(soft.shares(), &[0.375, 0.375, 0.125, 0.125]);
        close(&[soft.pairs()[0].weight, soft.pairs()[9].weight], &[3.75, 0.3125]);
        close(&[soft.effective_raters(), soft.design_effect()], &[3.2, 1.25]);
        close(set(&Scheme::Full, Transform::None).shares(), &[0.25; 4]);
        let pooled = set(&Scheme::Pooled, Transform::None);
        close(pooled.shares(), &[0.1, 0.2, 0.3, 0.4]);
        close(&pooled.pairs().iter().map(|pair| pair.weight).collect::<Vec<_>>(), &[1.0; 10]);
        assert_eq!((pooled.effective_pairs(), pooled.closed_form(), hard.closed_form()), (10.0, false, true));
        close(set(&Scheme::Subset { raters: vec![1, 2] }, Transform::None).shares(), &[0.0, 0.4, 0.6, 0.0]);
    }

    #[test]
    fn transforms_change_raters_weights_and_are_told() {
        let soft = Scheme::Soft { inclusion: vec![0.64, 0.16, 0.04, 0.0] };
        let square_root = set(&soft, Transform::SquareRoot);
        close(square_root.shares(), &[8.0 / 14.0, 4.0 / 14.0, 2.0 / 14.0, 0.0]);
        assert!(!square_root.closed_form());
        close(set(&soft, Transform::Square).shares(), &[0.4096 / 0.4368, 0.0256 / 0.4368, 0.0016 / 0.4368, 0.0]);
        // The rater without a chance is not lifted to the lower quantile.
        let clipped = set(&soft, Transform::Clip { low: 0.5, high: 1.0 });
        close(clipped.shares(), &[0.64 / 0.96, 0.16 / 0.96, 0.16 / 0.96, 0.0]);
    }

    #[test]
    fn leaving_raters_out_is_the_scheme_of_the_rest() {
        let soft = Scheme::Soft { inclusion: vec![0.75, 0.75, 0.25, 0.25] };
        let without = set(&soft, Transform::None).without(|rater| rater == 0).unwrap();
        let direct = set(&Scheme::Soft { inclusion: vec![0.0, 0.75, 0.25, 0.25] }, Transform::None);
        close(without.shares(), direct.shares());
        for (one, other) in without.pairs().iter().zip(direct.pairs()) {
            assert!(one.pair == other.pair && (one.weight - other.weight).abs() < 1e-12);
        }
        assert_eq!(without.without(|_| true), Err(SchemeError::NothingLeft));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let made = |scheme: Scheme| WeightedSet::new(&RATER_OF, 4, &scheme, Transform::None).unwrap_err();
        assert_eq!(made(Scheme::Hard { panel: vec![4] }), SchemeError::UnknownRater { rater: 4, raters: 4 });
        assert_eq!(made(Scheme::Hard { panel: vec![1, 1] }), SchemeError::Twice { rater: 1 });
        assert_eq!(made(Scheme::Hard { panel: vec![] }), SchemeError::NothingLeft);
        assert_eq!(made(Scheme::Soft { inclusion: vec![1.0] }), SchemeError::Chances { chances: 1, raters: 4 });
        let bad = made(Scheme::Soft { inclusion: vec![0.5, 1.5, 0.0, 0.0] });
        assert_eq!(bad, SchemeError::Chance { rater: 1, chance: 1.5 });
        let clip = Transform::Clip { low: 0.9, high: 0.1 };
        let refused = WeightedSet::new(&RATER_OF, 4, &Scheme::Full, clip).unwrap_err();
        assert_eq!(refused, SchemeError::Quantiles { low: 0.9, high: 0.1 });
        assert_eq!(WeightedSet::new(&[], 4, &Scheme::Full, Transform::None), Err(SchemeError::NoPairs));
        let stray = WeightedSet::new(&[0, 7], 4, &Scheme::Full, Transform::None);
        assert_eq!(stray, Err(SchemeError::Rater { pair: 1, rater: 7, raters: 4 }));
        // A panel whose only members have no pairs.
        let idle = WeightedSet::new(&[0], 2, &Scheme::Hard { panel: vec![1] }, Transform::None);
        assert_eq!(idle, Err(SchemeError::NothingLeft));
    }

    proptest! {
        #[test]
        fn weights_have_mean_one_and_shares_sum_to_one(
            rater_of in proptest::collection::vec(0u32..12, 1..200),
            inclusion in proptest::collection::vec(0.01..1.0f64, 12),
            power in 0..3,
        ) {
            let transform = [Transform::None, Transform::SquareRoot, Transform::Square][power as usize];
            let soft = WeightedSet::new(&rater_of, 12, &Scheme::Soft { inclusion }, transform).unwrap();
            let sum: f64 = soft.pairs().iter().map(|pair| pair.weight).sum();
            prop_assert!((sum - soft.len() as f64).abs() < 1e-9 * sum);
            prop_assert!((soft.shares().iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let (raters, pairs) = (soft.effective_raters(), soft.effective_pairs());
            prop_assert!(raters >= 1.0 - 1e-9 && raters <= soft.raters_used() as f64 + 1e-9);
            prop_assert!(pairs >= 1.0 - 1e-9 && pairs <= soft.len() as f64 + 1e-9);
            // A rater's pairs together have the rater's share.
            for (rater, share) in (0..).zip(soft.shares()) {
                let own: f64 = soft.pairs().iter().filter(|pair| pair.rater == rater).map(|pair| pair.weight).sum();
                prop_assert!((own / soft.len() as f64 - share).abs() < 1e-12);
            }
        }
    }
}
