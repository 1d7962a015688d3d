//! Points of a space in which states that mean alike lie near each other.

use std::collections::HashMap;

use crate::glauber::conditionals::{Conditionals, ConditionalsError, Row, check_rows};
use crate::progress::Progress;

/// Largest width of a one-hot embedding; toys beyond it are embedded by their token counts.
const MOST_ONE_HOT: usize = 4096;

/// Maps states to vectors. The masked-LM implementation takes the mean of the last hidden layer.
pub trait Embeddings: Send + Sync {
    /// Numbers per state.
    fn width(&self) -> usize;
    /// Row-major `[states, width]`, raw (not normalised), in the order asked. States may differ in length.
    fn embed(&self, states: &[&[u32]], progress: &dyn Progress) -> Result<Vec<f32>, ConditionalsError>;
    /// What the numbers are, in words, kept with every result.
    fn description(&self) -> String;
}

/// One number per site and token: 1 where the site holds the token. For toys with a fixed number of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneHot {
    pub sites: usize,
    pub vocabulary: usize,
}

impl Embeddings for OneHot {
    fn width(&self) -> usize {
        self.sites * self.vocabulary
    }
    fn embed(&self, states: &[&[u32]], progress: &dyn Progress) -> Result<Vec<f32>, ConditionalsError> {
        progress.checkpoint()?;
        let mut values = vec![0.0; states.len() * self.width()];
        for (state, out) in states.iter().zip(values.chunks_exact_mut(self.width())) {
            check_tokens(state, (self.sites, self.sites), self.vocabulary)?;
            state.iter().enumerate().for_each(|(site, &token)| out[site * self.vocabulary + token as usize] = 1.0);
        }
        Ok(values)
    }
    fn description(&self) -> String {
        format!("one-hot: {} sites x {} tokens", self.sites, self.vocabulary)
    }
}

/// How often each token stands in the state; blind to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCounts {
    pub vocabulary: usize,
}

impl Embeddings for TokenCounts {
    fn width(&self) -> usize {
        self.vocabulary
    }
    fn embed(&self, states: &[&[u32]], progress: &dyn Progress) -> Result<Vec<f32>, ConditionalsError> {
        progress.checkpoint()?;
        let mut values = vec![0.0; states.len() * self.vocabulary];
        for (state, out) in states.iter().zip(values.chunks_exact_mut(self.vocabulary)) {
            check_tokens(state, (1, usize::MAX), self.vocabulary)?;
            state.iter().for_each(|&token| out[token as usize] += 1.0);
        }
        Ok(values)
    }
    fn description(&self) -> String {
        format!("token counts over {} tokens", self.vocabulary)
    }
}

/// Length and every token of a state, no site being masked.
fn check_tokens(state: &[u32], sites: (usize, usize), vocabulary: usize) -> Result<(), ConditionalsError> {
    check_rows(&[Row { state, position: 0 }], sites, vocabulary)?;
    match state.first() {
        Some(&token) if token as usize >= vocabulary => Err(ConditionalsError::Token { token, vocabulary }),
        _ => Ok(()),
    }
}

/// The embedding a backend without hidden layers gets: one-hot where sites are fixed and few, token counts elsewhere.
pub fn for_toy(model: &dyn Conditionals) -> Box<dyn Embeddings> {
    let ((min, max), vocabulary) = (model.sites(), model.vocabulary());
    if min == max && max.saturating_mul(vocabulary) <= MOST_ONE_HOT {
        Box::new(OneHot { sites: max, vocabulary })
    } else {
        Box::new(TokenCounts { vocabulary })
    }
}

/// Embedded states at length 1, each different state kept once.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    width: usize,
    rows: Vec<f32>,
    index: Vec<usize>,
}

impl Embedded {
    /// Embeds `states`, each different one once, and scales every vector to length 1.
    ///
    /// With `centre` the mean over all states (repeats counted) of the unit vectors is subtracted and the rest scaled to
    /// length 1 again: it takes away the direction that all sentences share (anisotropy). A vector of length 0 stays 0.
    pub fn new(
        embeddings: &dyn Embeddings,
        states: &[&[u32]],
        centre: bool,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let width = embeddings.width();
        let mut known: HashMap<&[u32], usize> = HashMap::with_capacity(states.len());
        let mut distinct: Vec<&[u32]> = Vec::new();
        let mut index = Vec::with_capacity(states.len());
        for &state in states {
            let fresh = distinct.len();
            let row = *known.entry(state).or_insert_with(|| {
                distinct.push(state);
                fresh
            });
            index.push(row);
        }
        let mut rows = embeddings.embed(&distinct, progress)?;
        if width == 0 || rows.len() != distinct.len() * width || !rows.iter().all(|x| x.is_finite()) {
            return Err(ConditionalsError::Backend(format!(
                "{} numbers came back for {} states of width {width}, or not all are finite",
                rows.len(),
                distinct.len()
            )));
        }
        rows.chunks_exact_mut(width).for_each(to_unit_length);
        let mut embedded = Self { width, rows, index };
        if centre && !embedded.index.is_empty() {
            let mean = embedded.mean();
            for row in embedded.rows.chunks_exact_mut(width) {
                row.iter_mut().zip(&mean).for_each(|(x, m)| *x = (f64::from(*x) - m) as f32);
                to_unit_length(row);
            }
        }
        Ok(embedded)
    }

    /// Numbers per state.
    pub fn width(&self) -> usize {
        self.width
    }
    /// Number of states, repeats counted.
    pub fn len(&self) -> usize {
        self.index.len()
    }
    /// Whether there is no state.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
    /// Unit vector of state `k`.
    pub fn row(&self, k: usize) -> &[f32] {
        &self.rows[self.index[k] * self.width..][..self.width]
    }
    /// Unit vectors of the different states, row-major; [`Self::index`] says which state has which.
    pub fn distinct(&self) -> &[f32] {
        &self.rows
    }
    /// Row of [`Self::distinct`] of each state.
    pub fn index(&self) -> &[usize] {
        &self.index
    }
    /// Mean vector over all states.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.width];
        for k in 0..self.len() {
            mean.iter_mut().zip(self.row(k)).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        mean.iter_mut().for_each(|sum| *sum /= self.len().max(1) as f64);
        mean
    }
    /// Cosine of states `k` and `l`, in [-1, 1]; 0 where one has length 0.
    pub fn cosine(&self, k: usize, l: usize) -> f64 {
        // Equal states have cosine 1 whatever rounding says, so that their distance is exactly 0.
        if self.index[k] == self.index[l] && self.row(k).iter().any(|&x| x != 0.0) {
            return 1.0;
        }
        dot(self.row(k), self.row(l)).clamp(-1.0, 1.0)
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// What is left after centring is rounding where it is shorter than this.
const NO_LENGTH: f64 = 1e-6;

fn to_unit_length(row: &mut [f32]) {
    let length = dot(row, row).sqrt();
    if length > NO_LENGTH {
        row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    } else {
        row.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn toys_are_embedded_by_sites_or_by_counts() {
        let ising = toys::parse("ising:n=3").unwrap();
        let one_hot = for_toy(ising.as_ref());
        assert_eq!(one_hot.width(), 6);
        assert_eq!(one_hot.embed(&[&[0, 1, 1]], &Silent).unwrap(), [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        assert!(one_hot.embed(&[&[0, 1]], &Silent).is_err() && one_hot.embed(&[&[2, 1, 1]], &Silent).is_err());
        let product = toys::parse("product:n=8,v=1000").unwrap();
        let counts = for_toy(product.as_ref());
        assert_eq!(counts.width(), 1000);
        let row = counts.embed(&[&[3, 3, 999]], &Silent).unwrap();
        assert_eq!((row[3], row[999], row.iter().sum::<f32>()), (2.0, 1.0, 3.0));
        assert_eq!(counts.embed(&[&[1000]], &Silent), Err(ConditionalsError::Token { token: 1000, vocabulary: 1000 }));
    }

    #[test]
    fn vectors_have_length_one_and_repeats_are_kept_once() {
        let counts = TokenCounts { vocabulary: 2 };
        let states: [&[u32]; 3] = [&[0, 0, 0], &[1], &[0, 0, 0]];
        let plain = Embedded::new(&counts, &states, false, &Silent).unwrap();
        assert_eq!((plain.row(0), plain.row(1), plain.row(2)), (&[1.0, 0.0][..], &[0.0, 1.0][..], &[1.0, 0.0][..]));
        assert_eq!((plain.distinct().len(), plain.index()), (4, &[0, 1, 0][..]));
        assert_eq!((plain.cosine(0, 1), plain.cosine(0, 2)), (0.0, 1.0));
        let centred = Embedded::new(&counts, &states, true, &Silent).unwrap();
        assert!((centred.cosine(0, 1) + 1.0).abs() < 1e-6, "around their mean the two are opposite");
        let alone = Embedded::new(&counts, &states[..1], true, &Silent).unwrap();
        assert_eq!((alone.row(0), alone.cosine(0, 0)), (&[0.0, 0.0][..], 0.0), "nothing is left of one state");
    }
}
