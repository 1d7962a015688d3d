//! How far the schemes pull a policy in the same direction: lengths of their gradients at the same weights, and the cosines
//! between them (dempo.md, section 11, figure F9).
//!
//! Every scheme is a weighting of the same raters' mean losses, so its gradient is the same weighting of the raters' mean
//! gradients, `g_s = sum_i w_si g_i`. One pass over the raters suffices: it keeps either the sums of the schemes, or the
//! gradients of a sample of raters, whose inner products give any weighting and any resampling of raters.

use super::objective::{Objective, PairLogProbs};
use super::training::{Policy, PolicyError};
use crate::progress::Progress;
use crate::statistics::Stream;

/// Resamples of raters behind a standard error.
pub const RESAMPLES: usize = 500;

/// A policy that hands out the gradient that it has gathered.
pub trait Differentiable: Policy {
    /// Takes the gradient gathered by [`Policy::learn`], all trained numbers in a fixed order, and forgets it.
    ///
    /// # Errors
    /// [`PolicyError`] where a trained tensor has none.
    fn take_gradient(&mut self) -> Result<Vec<f64>, PolicyError>;
}

/// Where the laws of the reference come from.
#[derive(Clone, Copy)]
pub enum Reference<'a> {
    /// The policy has not been trained: it is its own reference.
    Itself,
    /// The policy without its adapter.
    WithoutAdapter,
    /// Known beforehand, by the pair's place.
    Known(&'a dyn Fn(usize) -> PairLogProbs),
}

/// A weighting of the raters, by a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighting {
    pub name: String,
    /// Share of each rater, one entry for every rater; sums to 1.
    pub shares: Vec<f64>,
}

/// A number with its standard error, where it rests on a sample.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub error: Option<f64>,
}

/// The gradient of one scheme.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemeGradient {
    pub name: String,
    /// Raters who count in the scheme, and those of them who were looked at.
    pub raters: usize,
    pub looked_at: usize,
    /// Euclidean length over all trained numbers.
    pub norm: Estimate,
}

/// Lengths and directions of the schemes' gradients.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Alignment {
    pub schemes: Vec<SchemeGradient>,
    /// `cosines[a][b]` between schemes `a` and `b`; none where a gradient is zero.
    pub cosines: Vec<Vec<Option<Estimate>>>,
    /// Raters who count in any scheme, those looked at, and their pairs.
    pub raters: usize,
    pub looked_at: usize,
    pub pairs: usize,
    /// Whether raters were drawn rather than all looked at: then numbers are estimates.
    pub sampled: bool,
    /// Draws, in which a rater may come several times; where all were looked at, each once.
    pub draws: usize,
    /// Numbers that are trained.
    pub dimensions: usize,
}

/// Why there is no alignment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GradientError {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("there is no scheme to compare: name at least one")]
    NoScheme,
    #[error("the scheme {name} has {shares} shares for {raters} raters: make it for these preferences")]
    Shares { name: String, shares: usize, raters: usize },
    #[error("a sample of {sample} raters is too small: draw at least 2, or look at all")]
    SmallSample { sample: usize },
    #[error("none of the {sample} sampled raters counts in {name}: sample more raters, or look at all")]
    NotSampled { name: String, sample: usize },
}

/// Inner products of some vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    size: usize,
    /// Row-major, symmetric.
    products: Vec<f64>,
}

impl Gram {
    /// The inner products of `vectors`, all of one length.
    pub fn new<T: Copy + Into<f64>>(vectors: &[Vec<T>]) -> Self {
        let size = vectors.len();
        let mut products = vec![0.0; size * size];
        for (a, one) in vectors.iter().enumerate() {
            for (b, other) in vectors[..=a].iter().enumerate() {
                let product = one.iter().zip(other).map(|(&x, &y)| x.into() * y.into()).sum::<f64>();
                products[a * size + b] = product;
                products[b * size + a] = product;
            }
        }
        Self { size, products }
    }

    /// The inner product of two weightings of the vectors.
    pub fn product(&self, one: &[f64], other: &[f64]) -> f64 {
        let rows = self.products.chunks_exact(self.size.max(1)).zip(one).filter(|(_, weight)| **weight != 0.0);
        rows.map(|(row, weight)| weight * row.iter().zip(other).map(|(product, other)| product * other).sum::<f64>())
            .sum()
    }

    /// The length of a weighting of the vectors.
    pub fn length(&self, weights: &[f64]) -> f64 {
        self.product(weights, weights).max(0.0).sqrt()
    }

    /// The cosine between two weightings; none where one of them is zero.
    pub fn cosine(&self, one: &[f64], other: &[f64]) -> Option<f64> {
        let lengths = self.length(one) * self.length(other);
        (lengths > 0.0).then(|| (self.product(one, other) / lengths).clamp(-1.0, 1.0))
    }
}

/// What is differentiated, and where.
pub struct Gradients<'a> {
    pub objective: &'a Objective,
    pub reference: Reference<'a>,
    /// Pairs that are computed together; changes memory, and the sums only by rounding.
    pub together: usize,
    /// The pairs of every rater, by the rater's place.
    pub pairs: &'a [Vec<usize>],
}

impl Gradients<'_> {
    /// The gradient of one rater's mean loss.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn of_rater(
        &self,
        policy: &mut dyn Differentiable,
        rater: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<f64>, PolicyError> {
        let own = &self.pairs[rater];
        for part in own.chunks(self.together.max(1)) {
            progress.checkpoint()?;
            let asked = matches!(self.reference, Reference::WithoutAdapter) && !self.objective.reference_free;
            let base = if asked { policy.laws(part, true)? } else { Vec::new() };
            policy.learn(part, &mut |laws| {
                let slopes = part.iter().enumerate().zip(laws).map(|((at, &pair), law)| {
                    let reference = match self.reference {
                        Reference::Known(known) => known(pair),
                        Reference::WithoutAdapter => base.get(at).unwrap_or(law).log_probs,
                        Reference::Itself => law.log_probs,
                    };
                    let loss = self.objective.pair(&law.log_probs, &reference);
                    [loss.by_chosen, loss.by_rejected].map(|slope| slope / own.len() as f64)
                });
                slopes.collect()
            })?;
        }
        policy.take_gradient()
    }

    /// The alignment of `schemes` over every rater who counts in one of them, or over `sample` draws from `seed`; a sample
    /// that is no smaller than the whole is the whole.
    ///
    /// Raters are drawn with replacement by their mean share over the schemes, `q`, and count `w/q` in a scheme, normalised
    /// to 1: a scheme of few raters is then sampled as well as one of many.
    ///
    /// # Errors
    /// [`GradientError`].
    pub fn align(
        &self,
        policy: &mut dyn Differentiable,
        schemes: &[Weighting],
        sample: Option<usize>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Alignment, GradientError> {
        let counting = self.counting(schemes)?;
        match sample.filter(|&sample| sample < counting.len()) {
            None => self.exact(policy, schemes, &counting, progress),
            Some(sample) if sample < 2 => Err(GradientError::SmallSample { sample }),
            Some(sample) => {
                let draw = Draws::new(schemes, &counting, sample, seed);
                self.sampled(policy, schemes, &draw, counting.len(), seed, progress)
            }
        }
    }

    /// Raters with pairs and with a share in some scheme.
    fn counting(&self, schemes: &[Weighting]) -> Result<Vec<usize>, GradientError> {
        if schemes.is_empty() {
            return Err(GradientError::NoScheme);
        }
        let raters = self.pairs.len();
        if let Some(wrong) = schemes.iter().find(|scheme| scheme.shares.len() != raters) {
            return Err(GradientError::Shares { name: wrong.name.clone(), shares: wrong.shares.len(), raters });
        }
        let counts =
            |&rater: &usize| !self.pairs[rater].is_empty() && schemes.iter().any(|scheme| scheme.shares[rater] > 0.0);
        Ok((0..raters).filter(counts).collect())
    }

    fn exact(
        &self,
        policy: &mut dyn Differentiable,
        schemes: &[Weighting],
        raters: &[usize],
        progress: &dyn Progress,
    ) -> Result<Alignment, GradientError> {
        let mut sums: Vec<Vec<f64>> = vec![Vec::new(); schemes.len()];
        for (done, &rater) in raters.iter().enumerate() {
            progress.report(done as u64, raters.len() as u64);
            let gradient = self.of_rater(policy, rater, progress)?;
            for (sum, scheme) in sums.iter_mut().zip(schemes) {
                let share = scheme.shares[rater];
                sum.resize(gradient.len(), 0.0);
                if share > 0.0 {
                    sum.iter_mut().zip(&gradient).for_each(|(sum, slope)| *sum += share * slope);
                }
            }
        }
        let gram = Gram::new(&sums);
        let alone: Vec<Vec<f64>> = (0..schemes.len())
            .map(|at| (0..schemes.len()).map(|other| f64::from(u8::from(at == other))).collect())
            .collect();
        let dimensions = sums.first().map_or(0, Vec::len);
        let found = measured(&gram, &alone);
        Ok(self.report(schemes, (raters, raters.len()), (raters.len(), false), dimensions, &found, None))
    }

    fn sampled(
        &self,
        policy: &mut dyn Differentiable,
        schemes: &[Weighting],
        drawn: &Draws,
        of: usize,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Alignment, GradientError> {
        let count = drawn.draws.len();
        let weights = drawn.weights(&drawn.draws);
        if let Some(at) = weights.iter().position(Option::is_none) {
            return Err(GradientError::NotSampled { name: schemes[at].name.clone(), sample: count });
        }
        let weights: Vec<Vec<f64>> = weights.into_iter().flatten().collect();
        let mut gradients: Vec<Vec<f32>> = Vec::with_capacity(drawn.raters.len());
        for (done, &rater) in drawn.raters.iter().enumerate() {
            progress.report(done as u64, drawn.raters.len() as u64);
            let gradient = self.of_rater(policy, rater, progress)?;
            gradients.push(gradient.into_iter().map(|slope| slope as f32).collect());
        }
        let gram = Gram::new(&gradients);
        let errors = resampled(&gram, drawn, seed);
        let dimensions = gradients.first().map_or(0, Vec::len);
        let found = measured(&gram, &weights);
        Ok(self.report(schemes, (&drawn.raters, of), (count, true), dimensions, &found, Some(&errors)))
    }

    fn report(
        &self,
        schemes: &[Weighting],
        (raters, of): (&[usize], usize),
        (draws, sampled): (usize, bool),
        dimensions: usize,
        found: &Measured,
        errors: Option<&Measured>,
    ) -> Alignment {
        let finite = |error: Option<f64>| error.filter(|error| error.is_finite());
        let scheme = |(at, scheme): (usize, &Weighting)| SchemeGradient {
            name: scheme.name.clone(),
            raters: (0..self.pairs.len())
                .filter(|&rater| scheme.shares[rater] > 0.0 && !self.pairs[rater].is_empty())
                .count(),
            looked_at: raters.iter().filter(|&&rater| scheme.shares[rater] > 0.0).count(),
            norm: Estimate { value: found.norms[at], error: finite(errors.map(|errors| errors.norms[at])) },
        };
        let row = |a: usize| {
            (0..schemes.len())
                .map(|b| {
                    let error = errors.and_then(|errors| errors.cosines[a][b]);
                    found.cosines[a][b].map(|value| Estimate { value, error: finite(error) })
                })
                .collect()
        };
        Alignment {
            schemes: schemes.iter().enumerate().map(scheme).collect(),
            cosines: (0..schemes.len()).map(row).collect(),
            raters: of,
            looked_at: raters.len(),
            pairs: raters.iter().map(|&rater| self.pairs[rater].len()).sum(),
            sampled,
            draws,
            dimensions,
        }
    }
}

/// Lengths and cosines of some weightings.
struct Measured {
    norms: Vec<f64>,
    cosines: Vec<Vec<Option<f64>>>,
}

fn measured(gram: &Gram, weights: &[Vec<f64>]) -> Measured {
    Measured {
        norms: weights.iter().map(|weights| gram.length(weights)).collect(),
        cosines: weights.iter().map(|one| weights.iter().map(|other| gram.cosine(one, other)).collect()).collect(),
    }
}

/// Raters drawn by their mean share over the schemes.
struct Draws {
    /// The different raters drawn, ascending.
    raters: Vec<usize>,
    /// Each draw as a place in `raters`.
    draws: Vec<usize>,
    /// For every scheme, what a draw of each of `raters` counts: `w/q`.
    counts: Vec<Vec<f64>>,
}

impl Draws {
    fn new(schemes: &[Weighting], counting: &[usize], sample: usize, seed: u64) -> Self {
        let mean =
            |&rater: &usize| schemes.iter().map(|scheme| scheme.shares[rater]).sum::<f64>() / schemes.len() as f64;
        let chances: Vec<f64> = counting.iter().map(mean).collect();
        let mut stream = Stream::new(seed, 0);
        let drawn: Vec<usize> = (0..sample).map(|_| stream.weighted(&chances)).collect();
        let mut places = drawn.clone();
        places.sort_unstable();
        places.dedup();
        let count =
            |scheme: &Weighting| places.iter().map(|&place| scheme.shares[counting[place]] / chances[place]).collect();
        Self {
            raters: places.iter().map(|&place| counting[place]).collect(),
            draws: drawn.iter().map(|place| places.partition_point(|other| other < place)).collect(),
            counts: schemes.iter().map(count).collect(),
        }
    }

    /// Each scheme's weights of the drawn raters under `draws`, summing to 1; none where the draws have nobody of it.
    fn weights(&self, draws: &[usize]) -> Vec<Option<Vec<f64>>> {
        let mut times = vec![0.0; self.raters.len()];
        draws.iter().for_each(|&at| times[at] += 1.0);
        let weights = |counts: &Vec<f64>| {
            let weights: Vec<f64> = counts.iter().zip(&times).map(|(count, times)| count * times).collect();
            let sum: f64 = weights.iter().sum();
            (sum > 0.0).then(|| weights.iter().map(|weight| weight / sum).collect())
        };
        self.counts.iter().map(weights).collect()
    }
}

/// Standard errors by drawing as many of the draws again, with replacement. Resamples in which a scheme has nobody say
/// nothing about it and are left out.
fn resampled(gram: &Gram, drawn: &Draws, seed: u64) -> Measured {
    let (count, schemes) = (drawn.draws.len(), drawn.counts.len());
    let mut norms: Vec<Vec<f64>> = vec![Vec::new(); schemes];
    let mut cosines: Vec<Vec<Vec<f64>>> = vec![vec![Vec::new(); schemes]; schemes];
    for resample in 0..RESAMPLES {
        let mut stream = Stream::new(seed, 1 + resample as u64);
        let again: Vec<usize> = (0..count).map(|_| drawn.draws[stream.below(count as u64) as usize]).collect();
        let weights = drawn.weights(&again);
        for (a, one) in weights.iter().enumerate() {
            let Some(one) = one else { continue };
            norms[a].push(gram.length(one));
            for (b, other) in weights.iter().enumerate() {
                cosines[a][b].extend(other.as_ref().and_then(|other| gram.cosine(one, other)));
            }
        }
    }
    let error = |values: &Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (values.len() as f64 - 1.0)).sqrt()
    };
    Measured {
        norms: norms.iter().map(error).collect(),
        cosines: cosines.iter().map(|row| row.iter().map(|values| Some(error(values))).collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::training::PairLaw;
    use super::*;
    use crate::progress::Silent;

    /// A policy with three numbers `t`: ln p of pair x's chosen answer is `t . f_x`, of the rejected one 0.
    struct Plane {
        t: [f64; 3],
        features: Vec<[f64; 3]>,
        gradient: [f64; 3],
    }

    impl Plane {
        fn new(t: [f64; 3], features: Vec<[f64; 3]>) -> Self {
            Self { t, features, gradient: [0.0; 3] }
        }
    }

    fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    impl Policy for Plane {
        fn laws(&mut self, pairs: &[usize], reference: bool) -> Result<Vec<PairLaw>, PolicyError> {
            let law = |&pair: &usize| {
                let chosen = if reference { 0.0 } else { dot(self.t, self.features[pair]) };
                let log_probs = PairLogProbs { chosen, rejected: 0.0, chosen_tokens: 1, rejected_tokens: 1 };
                PairLaw { log_probs, entropy: 0.0 }
            };
            Ok(pairs.iter().map(law).collect())
        }
        fn learn(
            &mut self,
            pairs: &[usize],
            slopes: &mut dyn FnMut(&[PairLaw]) -> Vec<[f64; 2]>,
        ) -> Result<Vec<PairLaw>, PolicyError> {
            let laws = self.laws(pairs, false)?;
            for ([chosen, _], &pair) in slopes(&laws).iter().zip(pairs) {
                (0..3).for_each(|d| self.gradient[d] += chosen * self.features[pair][d]);
            }
            Ok(laws)
        }
        fn step(&mut self, _: f64) -> Result<f64, PolicyError> {
            Err(PolicyError::Failed("nothing is trained here".into()))
        }
    }

    impl Differentiable for Plane {
        fn take_gradient(&mut self) -> Result<Vec<f64>, PolicyError> {
            Ok(std::mem::take(&mut self.gradient).to_vec())
        }
    }

    fn weighting(name: &str, shares: &[f64]) -> Weighting {
        Weighting { name: name.into(), shares: shares.to_vec() }
    }

    fn align(
        plane: &mut Plane,
        pairs: &[Vec<usize>],
        schemes: &[Weighting],
        sample: Option<usize>,
    ) -> Result<Alignment, GradientError> {
        let objective = Objective { beta: 1.0, ..Objective::default() };
        let gradients = Gradients { objective: &objective, reference: Reference::WithoutAdapter, together: 2, pairs };
        gradients.align(plane, schemes, sample, 7, &Silent)
    }

    /// By hand: at t = 0 every slope is -1/2, so rater a's mean gradient is -(2, 0, 0)/2 and rater b's -(0, 4, 0)/2.
    #[test]
    fn lengths_and_cosines_of_two_raters_are_those_by_hand() {
        let features = vec![[1.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 4.0, 0.0]];
        let pairs = [vec![0, 1], vec![2]];
        let schemes = [weighting("a", &[1.0, 0.0]), weighting("b", &[0.0, 1.0]), weighting("full", &[0.5, 0.5])];
        let found = align(&mut Plane::new([0.0; 3], features), &pairs, &schemes, None).unwrap();
        let norms: Vec<f64> = found.schemes.iter().map(|scheme| scheme.norm.value).collect();
        let expected = [1.0, 2.0, 1.25f64.sqrt()];
        assert!(norms.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{norms:?}");
        let cosine = |a: usize, b: usize| found.cosines[a][b].unwrap().value;
        assert!(cosine(0, 1).abs() < 1e-12 && (cosine(0, 0) - 1.0).abs() < 1e-12);
        assert!((cosine(0, 2) - 0.5 / 1.25f64.sqrt()).abs() < 1e-12 && (cosine(2, 0) - cosine(0, 2)).abs() < 1e-15);
        assert_eq!((found.pairs, found.looked_at, found.raters, found.sampled, found.dimensions), (3, 2, 2, false, 3));
        assert!(found.schemes.iter().all(|scheme| scheme.norm.error.is_none()));
    }

    fn crowd(raters: usize) -> (Plane, Vec<Vec<usize>>) {
        let mut stream = Stream::new(3, 9);
        let pairs: Vec<Vec<usize>> = (0..raters)
            .scan(0, |next, rater| {
                Some(
                    (0..rater % 3 + 1)
                        .map(|_| {
                            *next += 1;
                            *next - 1
                        })
                        .collect(),
                )
            })
            .collect();
        let count = pairs.iter().map(Vec::len).sum();
        let features = (0..count).map(|_| [1.0 + stream.unit(), stream.unit() - 0.5, stream.unit() - 0.5]).collect();
        (Plane::new([0.3, -0.2, 0.5], features), pairs)
    }

    /// Check 11 of dempo.md, second half, and section 5.2: lottery of check 10 over four raters with 1 to 3 pairs.
    #[test]
    fn the_gradient_of_soft_is_the_expectation_of_hards() {
        let (mut plane, pairs) = crowd(4);
        let schemes = [
            weighting("soft", &[0.375, 0.375, 0.125, 0.125]),
            weighting("first", &[0.5, 0.5, 0.0, 0.0]),
            weighting("second", &[0.5, 0.0, 0.5, 0.0]),
            weighting("third", &[0.0, 0.5, 0.0, 0.5]),
        ];
        let objective = Objective { beta: 1.0, ..Objective::default() };
        let gradients =
            Gradients { objective: &objective, reference: Reference::WithoutAdapter, together: 1, pairs: &pairs };
        let own: Vec<Vec<f64>> = (0..4).map(|rater| gradients.of_rater(&mut plane, rater, &Silent).unwrap()).collect();
        let of = |shares: &[f64]| -> Vec<f64> {
            (0..3).map(|d| own.iter().zip(shares).map(|(gradient, share)| share * gradient[d]).sum()).collect()
        };
        let hards = [(1, 0.5), (2, 0.25), (3, 0.25)].map(|(at, chance)| (of(&schemes[at].shares), chance));
        let expected: Vec<f64> = (0..3).map(|d| hards.iter().map(|(hard, chance)| chance * hard[d]).sum()).collect();
        let found = align(&mut plane, &pairs, &schemes, None).unwrap();
        let length = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
        assert!((found.schemes[0].norm.value / length - 1.0).abs() < 1e-6);
        // And not only in length: cosines to each panel are those of the expectation.
        for (at, (hard, _)) in hards.iter().enumerate() {
            let product: f64 = expected.iter().zip(hard).map(|(a, b)| a * b).sum();
            let cosine = product / length / hard.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((found.cosines[0][at + 1].unwrap().value / cosine - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_sample_is_labelled_and_its_error_covers_the_truth() {
        let (mut plane, pairs) = crowd(120);
        let shares: Vec<f64> = (0..120).map(|rater| f64::from(1 + rater % 4) / 300.0).collect();
        let panel: Vec<f64> = (0..120).map(|rater| if rater % 12 == 5 { 0.1 } else { 0.0 }).collect();
        let schemes = [weighting("soft", &shares), weighting("full", &[1.0 / 120.0; 120]), weighting("hard", &panel)];
        let all = align(&mut plane, &pairs, &schemes, None).unwrap();
        let some = align(&mut plane, &pairs, &schemes, Some(40)).unwrap();
        assert_eq!((some.sampled, some.draws, some.raters), (true, 40, 120));
        assert!((25..=40).contains(&some.looked_at) && some.schemes[2].looked_at >= 5, "the small panel is seen");
        for (estimate, truth) in some.schemes.iter().zip(&all.schemes) {
            let error = estimate.norm.error.unwrap();
            assert!(
                error > 0.0 && (estimate.norm.value - truth.norm.value).abs() < 4.0 * error,
                "{estimate:?} {truth:?}"
            );
        }
        let (cosine, truth) = (some.cosines[0][1].unwrap(), all.cosines[0][1].unwrap().value);
        assert!((cosine.value - truth).abs() < 4.0 * cosine.error.unwrap(), "{cosine:?} {truth}");
        let whole = align(&mut plane, &pairs, &schemes, Some(120)).unwrap();
        assert_eq!(whole, all, "a sample of everybody is no sample");
    }

    #[test]
    fn what_says_nothing_is_refused_or_none() {
        let (mut plane, pairs) = crowd(300);
        let mut one = vec![0.0; 300];
        one[0] = 1.0;
        let full = weighting("full", &[1.0 / 300.0; 300]);
        let fifty: Vec<Weighting> = [vec![weighting("one", &one)], vec![full.clone(); 49]].concat();
        let few = align(&mut plane, &pairs, &fifty, Some(2));
        assert!(matches!(few, Err(GradientError::NotSampled { .. })), "{few:?}");
        assert!(matches!(align(&mut plane, &pairs, &[full], Some(1)), Err(GradientError::SmallSample { sample: 1 })));
        assert_eq!(align(&mut plane, &pairs, &[], None), Err(GradientError::NoScheme));
        let short = align(&mut plane, &pairs, &[weighting("short", &[1.0])], None);
        assert!(matches!(short, Err(GradientError::Shares { shares: 1, raters: 300, .. })));
        // Two opposite pairs of one rater pull nowhere.
        let mut still = Plane::new([0.0; 3], vec![[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]);
        let none = align(&mut still, &[vec![0, 1]], &[weighting("a", &[1.0])], None).unwrap();
        assert_eq!((none.schemes[0].norm.value, none.cosines[0][0]), (0.0, None));
    }
}
