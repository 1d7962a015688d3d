//! Intervals, bootstrap, quantiles, correlations and recorded random streams, on plain slices.

mod bootstrap;
mod correlation;
mod intervals;
mod quantiles;
mod random;

pub use bootstrap::{Cluster, cluster_bootstrap_means};
pub use correlation::{pearson, ranks, spearman};
pub use intervals::{normal_quantile, wilson, zero_count_upper};
pub use quantiles::{quantile, sorted};
pub use random::Stream;

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
