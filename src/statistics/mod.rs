//! Intervals, bootstrap, survival, correlations, recorded random streams and more, on plain slices.

mod bootstrap;
mod classification;
mod clopper_pearson;
mod convergence;
mod correlation;
mod counter;
mod exponentiality;
mod exponentials;
mod goodness_of_fit;
mod intervals;
mod kmeans;
mod lag_coupling;
mod lbfgs;
mod line;
mod logistic;
pub mod markov_state_model;
mod pca;
mod quantiles;
mod random;
mod recurrence;
mod separation;
mod special;
mod survival;
mod tobit;

pub use bootstrap::{Cluster, cluster_bootstrap_means};
pub use classification::{CalibrationBin, auc_interval, brier_score, calibration_curve, roc_auc, stratified_holdout};
pub use clopper_pearson::{clopper_pearson, clopper_pearson_lower, clopper_pearson_upper};
pub use convergence::{Convergence, convergence, effective_size, r_hat};
pub use correlation::{pearson, ranks, spearman};
pub use counter::{Counter, Moment};
pub use exponentiality::{
    ExponentialMean, Exponentiality, HazardBin, P_VALUE_METHOD, exponential_mean, exponentiality, hazards,
};
pub use exponentials::exponentials;
pub use goodness_of_fit::{GoodnessOfFit, LEAST_EXPECTED, goodness_of_fit};
pub use intervals::{mean_half_width, normal_quantile, student_t_quantile, wilson, wilson_share, zero_count_upper};
pub use kmeans::{KMeans, silhouette};
pub use lag_coupling::{LagBound, lag_bounds};
pub use lbfgs::{Minimum, minimise};
pub use line::{LineFit, line_fit};
pub use logistic::{Logistic, choose_penalty};
pub use pca::Pca;
pub use quantiles::{quantile, sorted};
pub use random::Stream;
pub use recurrence::{RecurrenceMeasures, recurrence_measures};
pub use separation::{Rule, Separation, SeparationError, occupancy_separation, separation};
pub(crate) use special::{chi_square_survival, log_normal_survival, solve_positive};
pub use survival::{
    Crossing, CrossingEstimate, KaplanMeier, Lifetime, RestrictedMean, SurvivalPoint, censored_share,
    crossing_estimate, resample_counts, sorted_lifetimes, weighted_crossing,
};
pub use tobit::{TobitCell, TobitFit, tobit};

/// `log sum_k exp(x_k)` without overflow; `-inf` for an empty sum.
pub fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    largest + values.map(|x| (x - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::log_sum_exp;

    #[test]
    fn log_sum_exp_neither_overflows_nor_underflows() {
        let two = |x: f64| log_sum_exp([x, x].into_iter()) - x;
        for x in [-1e4, -1.0, 0.0, 1.0, 1e4] {
            assert!((two(x) - 2f64.ln()).abs() < 1e-11, "{x}");
        }
        assert_eq!(log_sum_exp(std::iter::empty()), f64::NEG_INFINITY);
    }
}
