//! Intervals of proportions.

use statrs::distribution::{ContinuousCDF, Normal};

/// Quantile of the standard normal law; `p` in (0, 1).
pub fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// Wilson's score interval of a proportion at confidence `level` (0.95 for 95 %); `[0, 1]` without observations.
///
/// Source: Wilson 1927; glauber.md section 2.4 (97 of 100 gives [0.9155, 0.9897]).
pub fn wilson(successes: u64, n: u64, level: f64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    wilson_share(successes as f64 / n as f64, n as f64, level)
}

/// Wilson's score interval around a share `p` known as well as from `n > 0` independent observations; `n` need not be whole
/// (an effective number of draws).
pub fn wilson_share(p: f64, n: f64, level: f64) -> [f64; 2] {
    let z = normal_quantile(0.5 + level / 2.0);
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the two ends the bound is exact; rounding must not leave a hair above 0 or below 1.
    let lower = if p <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let upper = if p >= 1.0 { 1.0 } else { (centre + half).min(1.0) };
    [lower, upper]
}

/// Exact one-sided upper 95 % bound of a proportion seen 0 times in `m`: `1 - 0.05^(1/m)`; 1 for `m` = 0.
pub fn zero_count_upper(m: u64) -> f64 {
    if m == 0 { 1.0 } else { -(0.05f64.ln() / m as f64).exp_m1() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_of_97_in_100() {
        let [lower, upper] = wilson(97, 100, 0.95);
        assert!((lower - 0.9155).abs() < 5e-5 && (upper - 0.9897).abs() < 5e-5, "{lower} {upper}");
    }

    #[test]
    fn wilson_at_the_ends() {
        let [lower, upper] = wilson(0, 10, 0.95);
        // With p = 0 Wilson's upper bound is z^2 / (n + z^2).
        let z2 = 1.959963984540054f64.powi(2);
        assert!(lower == 0.0 && (upper - z2 / (10.0 + z2)).abs() < 1e-9);
        assert_eq!(wilson(10, 10, 0.95)[1], 1.0);
        assert_eq!(wilson(0, 0, 0.95), [0.0, 1.0]);
    }

    #[test]
    fn nothing_seen_in_300() {
        assert!((zero_count_upper(300) - 0.00994).abs() < 5e-6, "{}", zero_count_upper(300));
        assert!((zero_count_upper(1) - 0.95).abs() < 1e-15);
        assert_eq!(zero_count_upper(0), 1.0);
    }

    #[test]
    fn normal_quantile_of_975() {
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-9);
    }
}
