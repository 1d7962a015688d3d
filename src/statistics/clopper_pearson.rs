//! Exact intervals of a proportion (Clopper and Pearson 1934).

use super::special::beta_quantile;

/// One-sided lower bound of a proportion at confidence `level`; 0 without successes.
pub fn clopper_pearson_lower(successes: u64, n: u64, level: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    let (k, n) = (successes.min(n) as f64, n as f64);
    beta_quantile(1.0 - level, k, n - k + 1.0)
}

/// One-sided upper bound of a proportion at confidence `level`; 1 without failures.
pub fn clopper_pearson_upper(successes: u64, n: u64, level: f64) -> f64 {
    if successes >= n {
        return 1.0;
    }
    let (k, n) = (successes as f64, n as f64);
    beta_quantile(level, k + 1.0, n - k)
}

/// Two-sided interval at confidence `level`: each side misses with probability at most `(1 - level) / 2`.
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> [f64; 2] {
    let side = 0.5 + level / 2.0;
    [clopper_pearson_lower(successes, n, side), clopper_pearson_upper(successes, n, side)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::zero_count_upper;

    #[test]
    fn known_intervals() {
        // The often tabulated interval of 5 in 10.
        let [lower, upper] = clopper_pearson(5, 10, 0.95);
        assert!((lower - 0.1870860).abs() < 5e-7 && (upper - 0.8129140).abs() < 5e-7, "{lower} {upper}");
        assert!((clopper_pearson_upper(0, 300, 0.95) - zero_count_upper(300)).abs() < 1e-12);
        assert!((clopper_pearson_lower(20, 20, 0.95) - 0.05f64.powf(0.05)).abs() < 1e-12);
        assert_eq!((clopper_pearson(0, 0, 0.95), clopper_pearson(4, 4, 0.95)[1]), ([0.0, 1.0], 1.0));
    }

    #[test]
    fn the_ends_are_where_the_binomial_tail_is_the_error() {
        // P(X >= 7 | n = 12, p = lower) = 0.05, summed out.
        let p = clopper_pearson_lower(7, 12, 0.95);
        let choose = |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
        let tail: f64 = (7..=12).map(|k| choose(12, k) * p.powi(k as i32) * (1.0 - p).powi(12 - k as i32)).sum();
        assert!((tail - 0.05).abs() < 1e-12);
    }
}
