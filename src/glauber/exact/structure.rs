//! Every rectangle and the exact influence matrix of an enumerated chain (glauber.md 2.1, 3.1).

use super::super::influence::InfluenceMatrix;
use super::super::rectangle::Rectangle;
use super::chain::ExactChain;
use super::stationary::total_variation;

/// All rectangles inside the space.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rectangles {
    /// How many there are: `C(n,2) q^(n-2) C(q,2)^2`.
    pub count: u64,
    /// Largest |R| at temperature 1, nats; restricting the vocabulary leaves each R unchanged (P2).
    pub max_abs_r_at_1: f64,
    /// The first rectangle that attains it, positions in the whole sequence; `None` where there are no rectangles.
    pub largest: Option<Rectangle>,
    /// Its context, a whole sequence; what stands at the two positions does not matter.
    pub context: Vec<u32>,
}

/// Scans every rectangle: for two tokens at a site the largest |R| is the range of their difference in D.
pub(super) fn rectangles(chain: &ExactChain) -> Rectangles {
    let (n, q, states) = (chain.sites() as u64, chain.alphabet(), chain.states());
    let pairs = (q * (q - 1) / 2) as u64;
    let contexts = if n < 2 { 0 } else { (states / (q * q)) as u64 };
    let mut best = (0.0, None, Vec::new());
    let position = |site: usize| chain.space().free()[site];
    let token = |place: usize| chain.space().allowed()[place];
    let mut field = vec![0.0; q * q];
    for (i, j) in (0..chain.sites()).flat_map(|i| (i + 1..chain.sites()).map(move |j| (i, j))) {
        let (at_i, at_j, step_i, step_j) = (chain.logits(i), chain.logits(j), chain.stride(i), chain.stride(j));
        for corner in (0..states).filter(|&x| chain.digit(x, i) == 0 && chain.digit(x, j) == 0) {
            for (k, entry) in field.iter_mut().enumerate() {
                let state = corner + k / q * step_i + k % q * step_j;
                *entry = at_i[state] - at_j[state];
            }
            for (a, a2) in (0..q).flat_map(|a| (a + 1..q).map(move |a2| (a, a2))) {
                let difference = |b: usize| field[a * q + b] - field[a2 * q + b];
                let (mut least, mut most) = (0, 0);
                for b in 1..q {
                    if difference(b) < difference(least) {
                        least = b;
                    }
                    if difference(b) > difference(most) {
                        most = b;
                    }
                }
                let r = difference(most) - difference(least);
                if best.1.is_none() || r > best.0 {
                    // Where all differences are equal any two columns do.
                    let (b, b2) = if least == most { (0, 1) } else { (least.min(most), least.max(most)) };
                    let (a, a2, b, b2) = (token(a), token(a2), token(b), token(b2));
                    best = (r, Some(Rectangle { i: position(i), j: position(j), a, a2, b, b2 }), chain.tokens(corner));
                }
            }
        }
    }
    Rectangles {
        count: (n * n.saturating_sub(1) / 2).saturating_mul(contexts).saturating_mul(pairs).saturating_mul(pairs),
        max_abs_r_at_1: best.0,
        largest: best.1,
        context: best.2,
    }
}

/// Exact `C_ij = max over x, y that differ only at j of TV(p_i(. | x), p_i(. | y))`, free sites in order.
pub(super) fn influence(chain: &ExactChain) -> InfluenceMatrix {
    let (n, q, states) = (chain.sites(), chain.alphabet(), chain.states());
    let mut matrix = InfluenceMatrix::zero(n);
    let mut laws = vec![vec![0.0; q]; q];
    for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j) {
        let (p, step_i, step_j) = (chain.held(i), chain.stride(i), chain.stride(j));
        let mut most = 0.0f64;
        for corner in (0..states).filter(|&x| chain.digit(x, i) == 0 && chain.digit(x, j) == 0) {
            for (b, law) in laws.iter_mut().enumerate() {
                law.iter_mut().enumerate().for_each(|(a, entry)| *entry = p[corner + a * step_i + b * step_j]);
            }
            for (b, one) in laws.iter().enumerate() {
                for other in &laws[b + 1..] {
                    most = most.max(total_variation(one, other));
                }
            }
        }
        matrix.set(i, j, most.min(1.0));
    }
    matrix
}
