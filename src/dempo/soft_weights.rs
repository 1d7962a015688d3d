//! What the transforms of Soft's weights do, side by side (dempo.md, section 11, figure F8; section 5.4).

use super::scheme::{Scheme, SchemeError, Transform, WeightedSet};

/// The transforms that are compared unless others are named: those of the paper's ablation, clipped at 5 and 95 %.
pub const USUAL: [Transform; 4] =
    [Transform::None, Transform::SquareRoot, Transform::Square, Transform::Clip { low: 0.05, high: 0.95 }];

/// Soft under one transform.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TransformedWeights {
    #[serde(flatten)]
    pub transform: Transform,
    /// Whether the objective is still the expectation of Hard's: only without a transform.
    pub closed_form: bool,
    /// Raters who count, and as how many equal ones.
    pub raters: usize,
    pub effective_raters: f64,
    pub effective_pairs: f64,
    pub design_effect: f64,
    /// Least and largest weight of a rater who counts, over the mean.
    pub least: f64,
    pub most: f64,
    /// `[chance to be on the panel, weight over the mean of those who count]` of every rater who counts, by chance ascending.
    pub curve: Vec<[f64; 2]>,
}

/// Soft's weights of raters with these chances under each of `transforms`; pairs are of the raters `rater_of`.
///
/// # Errors
/// [`SchemeError`] for chances or quantiles that cannot be.
pub fn soft_weights(
    rater_of: &[u32],
    inclusion: &[f64],
    transforms: &[Transform],
) -> Result<Vec<TransformedWeights>, SchemeError> {
    let soft = Scheme::Soft { inclusion: inclusion.to_vec() };
    let one = |&transform: &Transform| {
        let set = WeightedSet::new(rater_of, inclusion.len(), &soft, transform)?;
        let raters = set.raters_used();
        let counting = inclusion.iter().zip(set.shares()).filter(|(_, share)| **share > 0.0);
        let mut curve: Vec<[f64; 2]> = counting.map(|(chance, share)| [*chance, share * raters as f64]).collect();
        curve.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let weights = || curve.iter().map(|point| point[1]);
        Ok(TransformedWeights {
            transform,
            closed_form: set.closed_form(),
            raters,
            effective_raters: set.effective_raters(),
            effective_pairs: set.effective_pairs(),
            design_effect: set.design_effect(),
            least: weights().fold(f64::INFINITY, f64::min),
            most: weights().fold(0.0, f64::max),
            curve,
        })
    };
    transforms.iter().map(one).collect()
}

impl Transform {
    /// In the window, in tables and legends.
    pub fn words(self) -> String {
        match self {
            Self::None => "as they are".to_owned(),
            Self::SquareRoot => "square roots".to_owned(),
            Self::Square => "squares".to_owned(),
            Self::Clip { low, high } => {
                format!("clipped at {} and {} %", round(100.0 * low), round(100.0 * high))
            }
        }
    }
}

/// A percentile without needless digits.
fn round(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three raters with one pair each and chances .64, .16, .04, and one without a pair.
    #[test]
    fn weights_and_effective_raters_are_those_by_hand() {
        let found = soft_weights(&[0, 1, 2], &[0.64, 0.16, 0.04, 0.5], &USUAL).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let [none, root, square, clip] = found.as_slice() else { panic!("four transforms") };
        assert!(close(none.effective_raters, 0.84 * 0.84 / (0.64f64.powi(2) + 0.16f64.powi(2) + 0.04f64.powi(2))));
        assert!(close(root.effective_raters, 1.4 * 1.4 / 0.84));
        let (sum, squares) = (0.4096 + 0.0256 + 0.0016, 0.4096f64.powi(2) + 0.0256f64.powi(2) + 0.0016f64.powi(2));
        assert!(close(square.effective_raters, sum * sum / squares));
        assert!(none.closed_form && [root, square, clip].iter().all(|one| !one.closed_form));
        assert!(close(none.curve[0][1], 3.0 * 0.04 / 0.84) && close(root.curve[2][1], 3.0 * 0.8 / 1.4));
        assert_eq!(root.curve.iter().map(|point| point[0]).collect::<Vec<_>>(), [0.04, 0.16, 0.64]);
        assert!(close(none.most, 3.0 * 0.64 / 0.84) && close(none.least, 3.0 * 0.04 / 0.84) && none.raters == 3);
        // Quantiles 5 and 95 % of the three weights: .04 + .1 * .12 and .16 + .9 * .48.
        let (low, high) = (0.052, 0.592);
        assert!(close(clip.curve[0][1], 3.0 * low / (low + 0.16 + high)), "{:?}", clip.curve);
        // Milder weights are worth more raters.
        assert!(square.effective_raters < none.effective_raters && none.effective_raters < root.effective_raters);
    }

    #[test]
    fn transforms_have_names_and_quantiles_are_checked() {
        assert_eq!(USUAL.map(Transform::words)[3], "clipped at 5 and 95 %");
        let wrong = soft_weights(&[0], &[0.5], &[Transform::Clip { low: 0.9, high: 0.1 }]);
        assert!(matches!(wrong, Err(SchemeError::Quantiles { .. })));
    }
}
