//! Intervals of proportions and means.

use statrs::distribution::{ContinuousCDF, Normal};

use super::special::beta_quantile;

/// Quantile of the standard normal law; `p` in (0, 1).
pub fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// Quantile of Student's t law with `degrees > 0` degrees of freedom; `p` in (0, 1).
pub fn student_t_quantile(p: f64, degrees: f64) -> f64 {
    // T^2 / (degrees + T^2) has a beta law, and the middle 2 |p - 1/2| of T is what lies below its square.
    let square = beta_quantile(2.0 * (p - 0.5).abs(), 0.5, degrees / 2.0);
    (degrees * square / (1.0 - square)).sqrt().copysign(p - 0.5)
}

/// Half the width of the interval of a mean at confidence `level` (0.95 for 95 %), from the standard error that `n`
/// independent observations gave: Student's t with `n - 1` degrees of freedom. `None` below two observations, which say
/// nothing of their spread, and where the error is not finite.
///
/// Source: Student 1908, The probable error of a mean.
pub fn mean_half_width(standard_error: f64, n: usize, level: f64) -> Option<f64> {
    let degrees = n.checked_sub(1).filter(|&degrees| degrees > 0)?;
    standard_error.is_finite().then(|| student_t_quantile(0.5 + level / 2.0, degrees as f64) * standard_error)
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
    fn quantiles_of_student_s_t() {
        // Tables of the t law at 97.5 %, and the closed forms tan(pi (p - 1/2)) for 1 degree, (2p - 1) / sqrt(2p (1 - p)) for 2.
        let known = [(3.0, 3.182446305284263), (4.0, 2.7764451051977987), (9.0, 2.2621571627409915)];
        for (degrees, value) in known.into_iter().chain([(30.0, 2.0422724563012373), (120.0, 1.9799304050824413)]) {
            assert!((student_t_quantile(0.975, degrees) - value).abs() < 1e-9, "{degrees}");
        }
        for p in [0.6, 0.9, 0.975, 0.999] {
            let one = (std::f64::consts::PI * (p - 0.5f64)).tan();
            assert!((student_t_quantile(p, 1.0) / one - 1.0).abs() < 1e-9, "{p}");
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            assert!((student_t_quantile(p, 2.0) - two).abs() < 1e-9, "{p}");
            assert!((student_t_quantile(1.0 - p, 5.0) + student_t_quantile(p, 5.0)).abs() < 1e-9, "{p}");
        }
        assert!(student_t_quantile(0.5, 3.0).abs() < 1e-12);
        // Many observations: the normal law, from above.
        let many = student_t_quantile(0.975, 1e6) - normal_quantile(0.975);
        assert!(many > 0.0 && many < 1e-5, "{many}");
    }

    #[test]
    fn one_observation_has_no_interval() {
        assert_eq!(mean_half_width(0.1, 1, 0.95), None);
        assert_eq!(mean_half_width(0.1, 0, 0.95), None);
        assert_eq!(mean_half_width(f64::NAN, 5, 0.95), None);
        assert!((mean_half_width(0.1, 5, 0.95).unwrap() - 0.2776445).abs() < 1e-7);
    }

    #[test]
    fn normal_quantile_of_975() {
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-9);
    }
}
