//! How two chains draw their tokens together (glauber.md section 5.1).

use std::fmt;
use std::str::FromStr;

/// A joint law of two tokens whose marginals are the two chains' conditionals. Every one is faithful: chains that have
/// met go on as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coupling {
    /// Agrees as often as any coupling can: with probability 1 - TV.
    #[default]
    Maximal,
    /// `argmax(log p_v + g_v)` with the same Gumbel noise g for all chains: couples any number of them at once.
    Gumbel,
    /// Inverse distribution functions at one shared uniform; depends on the order of tokens.
    InverseCdf,
    /// Independent draws while the chains are apart: the slowest, a control.
    Independent,
}

impl Coupling {
    /// All couplings.
    pub const ALL: [Self; 4] = [Self::Maximal, Self::Gumbel, Self::InverseCdf, Self::Independent];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Maximal => "maximal",
            Self::Gumbel => "gumbel",
            Self::InverseCdf => "inverse-cdf",
            Self::Independent => "independent",
        }
    }

    /// Probability that the two tokens agree, for laws `p` and `q` over the same tokens (each sums to 1).
    ///
    /// Maximal: `sum_v min(p_v, q_v)`. Gumbel: `sum_v 1 / sum_w max(p_w / p_v, q_w / q_v)`, in O(V log V).
    /// Inverse CDF: the overlap of the cells. Independent: `sum_v p_v q_v`.
    pub fn agreement(self, p: &[f64], q: &[f64]) -> f64 {
        match self {
            Self::Maximal => overlap(p, q),
            Self::Gumbel => gumbel_agreement(p, q),
            Self::InverseCdf => cell_overlap(p, q),
            Self::Independent => p.iter().zip(q).map(|(p, q)| p * q).sum(),
        }
    }
}

/// `sum_v min(p_v, q_v)`, that is 1 - TV.
pub(super) fn overlap(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p.min(*q)).sum()
}

/// A token v wins both races of exponential clocks iff `E_w >= E_v max(p_w / p_v, q_w / q_v)` for every other w.
fn gumbel_agreement(p: &[f64], q: &[f64]) -> f64 {
    // `p_w / p_v >= q_w / q_v` iff `p_w / q_w >= p_v / q_v`: behind v in the order of that ratio p decides, before it q.
    let mut order: Vec<usize> = (0..p.len().min(q.len())).filter(|&v| p[v] > 0.0 || q[v] > 0.0).collect();
    order.sort_by(|&v, &w| (p[v] / q[v]).total_cmp(&(p[w] / q[w])));
    let mut later_p: f64 = order.iter().map(|&v| p[v]).sum();
    let (mut earlier_q, mut sum) = (0.0, 0.0);
    for &v in &order {
        later_p -= p[v];
        if p[v] > 0.0 && q[v] > 0.0 {
            sum += 1.0 / (1.0 + later_p.max(0.0) / p[v] + earlier_q / q[v]);
        }
        earlier_q += q[v];
    }
    sum
}

/// Sum over tokens of the length that their cells of [0, 1) share.
fn cell_overlap(p: &[f64], q: &[f64]) -> f64 {
    let (mut below_p, mut below_q, mut sum) = (0.0f64, 0.0f64, 0.0);
    for (p, q) in p.iter().zip(q) {
        let (above_p, above_q) = (below_p + p, below_q + q);
        sum += (above_p.min(above_q) - below_p.max(below_q)).max(0.0);
        (below_p, below_q) = (above_p, above_q);
    }
    sum
}

impl fmt::Display for Coupling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Coupling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|coupling| coupling.name() == text.trim())
            .ok_or_else(|| format!("{text:?} is not a coupling: type maximal, gumbel, inverse-cdf or independent"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn law(weights: &[f64]) -> Vec<f64> {
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| w / sum).collect()
    }

    #[test]
    fn names_are_written_and_read() {
        for coupling in Coupling::ALL {
            assert_eq!(coupling.to_string().parse(), Ok(coupling));
            assert_eq!(serde_json::to_string(&coupling).unwrap(), format!("\"{coupling}\""));
        }
        assert!("optimal".parse::<Coupling>().unwrap_err().contains("inverse-cdf"));
    }

    #[test]
    fn a9_three_tokens() {
        let (p, q) = ([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]);
        let agree = |coupling: Coupling| coupling.agreement(&p, &q);
        assert_eq!((agree(Coupling::Maximal), agree(Coupling::InverseCdf)), (0.5, 0.0));
        assert!((agree(Coupling::Gumbel) - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(agree(Coupling::Independent), 0.25);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a9_two_tokens_make_three_couplings_alike(a in 0.0f64..1.0, b in 0.0f64..1.0) {
            let (p, q) = ([a, 1.0 - a], [b, 1.0 - b]);
            for coupling in [Coupling::Maximal, Coupling::Gumbel, Coupling::InverseCdf] {
                prop_assert!((coupling.agreement(&p, &q) - (1.0 - (a - b).abs())).abs() < 1e-14);
            }
        }

        #[test]
        fn a9_gumbel_lies_between_its_bounds(
            weights in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 2..12), cut in 0usize..3,
        ) {
            let (mut p, q): (Vec<f64>, Vec<f64>) = weights.into_iter().map(|(a, b)| (a.powi(4) + 1e-9, b + 1e-9)).unzip();
            // Also laws without full support.
            p[..cut.min(1)].fill(0.0);
            let (p, q) = (law(&p), law(&q));
            let tv = 1.0 - Coupling::Maximal.agreement(&p, &q);
            let gumbel = Coupling::Gumbel.agreement(&p, &q);
            prop_assert!(gumbel >= (1.0 - tv) / (1.0 + tv) - 1e-12 && gumbel <= 1.0 - tv + 1e-12, "{} {}", gumbel, tv);
            let direct: f64 = (0..p.len()).filter(|&v| p[v] > 0.0 && q[v] > 0.0).map(|v| {
                1.0 / p.iter().zip(&q).map(|(a, b)| (a / p[v]).max(b / q[v])).sum::<f64>()
            }).sum();
            prop_assert!((gumbel - direct).abs() < 1e-12);
            prop_assert!(Coupling::InverseCdf.agreement(&p, &q) <= 1.0 - tv + 1e-12);
            prop_assert!((Coupling::Gumbel.agreement(&q, &p) - gumbel).abs() < 1e-12);
        }
    }
}
