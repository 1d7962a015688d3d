//! The mean of the losses of a panel's members, over panels: its expectation is Soft, and its variance is exact
//! (dempo.md, sections 5.2 and 5.3).
//!
//! `E[Hard(P)] = sum_P lambda_P 1/k sum_{i in P} L_i = sum_i pi_i/k L_i = Soft`, for anything linear in the raters' losses
//! (gradients too), where all panels have `k` members and every rater's loss is a mean of its own. It does not hold for the
//! mean over a panel's pooled pairs, for minimisers, or after weights were transformed.

use crate::sortition::lottery::Lottery;

/// What the lottery says about the panel's mean of one number a rater.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// Members of a panel (k).
    pub size: usize,
    /// Expectation of the panel's mean, panel by panel.
    pub expected_hard: f64,
    /// `sum_i pi_i/k L_i`.
    pub soft: f64,
    /// How far the two are apart: rounding alone.
    pub difference: f64,
    /// Variance from panel to panel, `sum_P lambda_P (Hard(P) - Soft)^2`.
    pub variance: f64,
    /// The same by chances of pairs, `1/k^2 sum_ij (pi_ij - pi_i pi_j) L_i L_j`.
    pub variance_by_pairs: f64,
    /// Root of the variance.
    pub standard_deviation: f64,
    /// Least and largest mean of a panel with a chance.
    pub range: [f64; 2],
    /// The means between which 95 % of draws lie: quantiles 2.5 % and 97.5 % of the lottery.
    pub central: [f64; 2],
}

/// Why a lottery does not have the closed form.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum IdentityError {
    #[error("the lottery has no panels: compute it first")]
    NoPanels,
    #[error("panel {number} has {found} members, the first {expected}: the closed form needs panels of one size")]
    Sizes { number: usize, found: usize, expected: usize },
    #[error("panel {number} names person {member}, but there are {people} losses: give one for everybody")]
    Member { number: usize, member: u32, people: usize },
    #[error("the probabilities sum to {0}, not to 1: compute the lottery again")]
    Sum(f64),
    #[error("the loss of person {0} is no finite number")]
    Loss(usize),
}

/// Evaluates both sides of the identity and both forms of the variance, for one number a person.
///
/// # Errors
/// [`IdentityError`] where the lottery does not have the closed form.
pub fn identity(lottery: &Lottery, losses: &[f64]) -> Result<Identity, IdentityError> {
    let size = size_of(lottery, losses)?;
    let k = size as f64;
    let mean = |members: &[u32]| members.iter().map(|&one| losses[one as usize]).sum::<f64>() / k;
    let inclusion = lottery.inclusion(losses.len());
    let soft = inclusion.iter().zip(losses).map(|(chance, loss)| chance / k * loss).sum::<f64>();
    let mut means: Vec<(f64, f64)> =
        lottery.panels.iter().map(|panel| (mean(&panel.members), panel.probability)).collect();
    let expected_hard = means.iter().map(|(mean, chance)| mean * chance).sum::<f64>();
    let variance = means.iter().map(|(mean, chance)| chance * (mean - expected_hard).powi(2)).sum::<f64>();
    means.retain(|(_, chance)| *chance > 0.0);
    means.sort_by(|a, b| a.0.total_cmp(&b.0));
    let range = [means.first(), means.last()].map(|end| end.map_or(f64::NAN, |(mean, _)| *mean));
    Ok(Identity {
        size,
        expected_hard,
        soft,
        difference: expected_hard - soft,
        variance,
        variance_by_pairs: variance_by_pairs(lottery, &inclusion, losses) / (k * k),
        standard_deviation: variance.sqrt(),
        range,
        central: [0.025, 0.975].map(|share| drawn_below(&means, share)),
    })
}

fn size_of(lottery: &Lottery, losses: &[f64]) -> Result<usize, IdentityError> {
    let first = lottery.panels.first().ok_or(IdentityError::NoPanels)?;
    let (expected, people) = (first.members.len(), losses.len());
    for (number, panel) in (1..).zip(&lottery.panels) {
        let found = panel.members.len();
        if found != expected || found == 0 {
            return Err(IdentityError::Sizes { number, found, expected });
        }
        if let Some(&member) = panel.members.iter().find(|member| **member as usize >= people) {
            return Err(IdentityError::Member { number, member, people });
        }
    }
    let sum: f64 = lottery.panels.iter().map(|panel| panel.probability).sum();
    if (sum - 1.0).abs().is_nan() || (sum - 1.0).abs() > 1e-6 {
        return Err(IdentityError::Sum(sum));
    }
    match losses.iter().position(|loss| !loss.is_finite()) {
        Some(person) => Err(IdentityError::Loss(person)),
        None => Ok(expected),
    }
}

/// `sum_ij (pi_ij - pi_i pi_j) L_i L_j`, a row of chances at a time, so that pools of any size fit.
fn variance_by_pairs(lottery: &Lottery, inclusion: &[f64], losses: &[f64]) -> f64 {
    let mut panels_of: Vec<Vec<usize>> = vec![Vec::new(); losses.len()];
    for (number, panel) in lottery.panels.iter().enumerate() {
        panel.members.iter().for_each(|&member| panels_of[member as usize].push(number));
    }
    let mut sum = 0.0;
    let mut together = vec![0.0; losses.len()];
    for (one, panels) in panels_of.iter().enumerate() {
        if panels.is_empty() {
            continue;
        }
        together.fill(0.0);
        for panel in panels.iter().map(|&number| &lottery.panels[number]) {
            panel.members.iter().for_each(|&other| together[other as usize] += panel.probability);
        }
        let row = together.iter().zip(inclusion).zip(losses);
        sum += losses[one] * row.map(|((both, other), loss)| (both - inclusion[one] * other) * loss).sum::<f64>();
    }
    sum
}

/// The least mean with at least `share` of the probability at or below it; `means` ascending.
fn drawn_below(means: &[(f64, f64)], share: f64) -> f64 {
    let mut sum = 0.0;
    for (mean, chance) in means {
        sum += chance;
        if sum >= share {
            return *mean;
        }
    }
    means.last().map_or(f64::NAN, |(mean, _)| *mean)
}

/// The two sides where losses are pooled over pairs instead of averaged rater by rater; with unequal numbers of pairs they
/// differ, which is why schemes are defined by raters.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pooled {
    /// `sum_P lambda_P (sum_{i in P} n_i L_i / sum_{i in P} n_i)`.
    pub expected_hard: f64,
    /// `sum_i pi_i n_i L_i / sum_i pi_i n_i`.
    pub soft: f64,
}

/// Evaluates both pooled means for `pairs` (n_i) and mean losses a rater; panels without any pairs are passed over, and
/// `None` where all are.
///
/// # Errors
/// [`IdentityError`] where the lottery does not fit the losses.
pub fn pooled(lottery: &Lottery, losses: &[f64], pairs: &[u64]) -> Result<Option<Pooled>, IdentityError> {
    size_of(lottery, losses)?;
    let pairs: Vec<f64> = (0..losses.len()).map(|person| pairs.get(person).map_or(0.0, |&n| n as f64)).collect();
    let inclusion = lottery.inclusion(losses.len());
    let ratio = |people: &mut dyn Iterator<Item = (usize, f64)>| {
        let (loss, all) = people.fold((0.0, 0.0), |(loss, all), (person, chance)| {
            (loss + chance * pairs[person] * losses[person], all + chance * pairs[person])
        });
        (all > 0.0).then(|| loss / all)
    };
    let (mut hard, mut chance) = (0.0, 0.0);
    for panel in &lottery.panels {
        if let Some(mean) = ratio(&mut panel.members.iter().map(|&member| (member as usize, 1.0))) {
            hard += panel.probability * mean;
            chance += panel.probability;
        }
    }
    let soft = ratio(&mut inclusion.into_iter().enumerate());
    Ok(soft.filter(|_| chance > 0.0).map(|soft| Pooled { expected_hard: hard / chance, soft }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::lottery::Panel;
    use crate::statistics::Stream;
    use proptest::prelude::*;

    fn lottery(panels: &[(&[u32], f64)]) -> Lottery {
        let panel = |&(members, probability): &(&[u32], f64)| Panel { members: members.to_vec(), probability };
        Lottery { panels: panels.iter().map(panel).collect() }
    }

    /// dempo.md, section 12, check 10.
    #[test]
    fn the_expectation_of_hard_is_soft() {
        let lottery = lottery(&[(&[0, 1], 0.5), (&[0, 2], 0.25), (&[1, 3], 0.25)]);
        let losses = [0.2, 0.5, 0.9, 1.4];
        assert_eq!(lottery.inclusion(4), [0.75, 0.75, 0.25, 0.25]);
        let found = identity(&lottery, &losses).unwrap();
        let known = [
            (found.expected_hard, 0.55),
            (found.soft, 0.55),
            (found.variance, 0.06),
            (found.variance_by_pairs, 0.06),
            (found.range[0], 0.35),
            (found.range[1], 0.95),
        ];
        assert!(known.iter().all(|(found, known)| (found - known).abs() < 1e-15), "{found:?}");
        assert_eq!((found.size, found.central), (2, [0.35, 0.95]));
        let pooled = pooled(&lottery, &losses, &[1, 1, 1, 7]).unwrap().unwrap();
        assert!((pooled.expected_hard - 0.634375).abs() < 1e-12 && (pooled.soft - 0.914_285_714_285).abs() < 1e-11);
        // With as many pairs each, pooling is the closed form.
        let even = super::pooled(&lottery, &losses, &[3; 4]).unwrap().unwrap();
        assert!((even.expected_hard - 0.55).abs() < 1e-12 && (even.soft - 0.55).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_closed_form_is_told() {
        let losses = [1.0, 2.0, 3.0];
        let of = |panels: &[(&[u32], f64)]| identity(&lottery(panels), &losses).unwrap_err();
        assert_eq!(of(&[]), IdentityError::NoPanels);
        let sizes = IdentityError::Sizes { number: 2, found: 1, expected: 2 };
        assert_eq!(of(&[(&[0, 1], 0.5), (&[2], 0.5)]), sizes);
        assert_eq!(of(&[(&[0, 3], 1.0)]), IdentityError::Member { number: 1, member: 3, people: 3 });
        assert_eq!(of(&[(&[0, 1], 0.5)]), IdentityError::Sum(0.5));
        let nan = identity(&lottery(&[(&[0], 1.0)]), &[1.0, f64::NAN]).unwrap_err();
        assert_eq!(nan, IdentityError::Loss(1));
    }

    proptest! {
        #[test]
        fn both_sides_and_both_variances_agree(seed in 0..500u64, people in 4..40usize, panels in 1..20usize) {
            let mut stream = Stream::new(seed, 0);
            let k = 1 + stream.below(people as u64 / 2) as usize;
            let drawn: Vec<(Vec<u32>, f64)> = (0..panels).map(|_| {
                let mut members: Vec<u32> = stream.distinct(k, people).into_iter().map(|one| one as u32).collect();
                members.sort_unstable();
                (members, stream.unit() + 0.01)
            }).collect();
            let sum: f64 = drawn.iter().map(|(_, weight)| weight).sum();
            let lottery = Lottery {
                panels: drawn.into_iter().map(|(members, weight)| Panel { members, probability: weight / sum }).collect(),
            };
            let losses: Vec<f64> = (0..people).map(|_| 3.0 * stream.unit() - 1.0).collect();
            let found = identity(&lottery, &losses).unwrap();
            prop_assert!(found.difference.abs() < 1e-12);
            prop_assert!((found.variance - found.variance_by_pairs).abs() < 1e-12);
            prop_assert!(found.range[0] <= found.central[0] && found.central[1] <= found.range[1]);
        }
    }
}
