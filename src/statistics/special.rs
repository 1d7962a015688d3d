//! Special functions of the normal, beta and chi-square laws, and the small linear solver that the fits need.

use statrs::function::{beta::beta_reg, erf::erfc, gamma::gamma_lr, gamma::gamma_ur};

/// Where the tail of the normal law is left to the continued fraction.
const TAIL: f64 = 5.0;

/// Mills' ratio `(1 - Phi(z)) / phi(z)` by its continued fraction (Laplace), for `z` of at least 5.
fn mills(z: f64) -> f64 {
    1.0 / (1..=80).rev().fold(z, |rest, k| z + f64::from(k) / rest)
}

/// Log density of the standard normal law.
pub fn log_normal_density(z: f64) -> f64 {
    -0.5 * z * z - 0.5 * std::f64::consts::TAU.ln()
}

/// `log P(Z > z)` of the standard normal law, without underflow in the upper tail.
pub fn log_normal_survival(z: f64) -> f64 {
    if z > TAIL { log_normal_density(z) + mills(z).ln() } else { (0.5 * erfc(z / std::f64::consts::SQRT_2)).ln() }
}

/// Hazard of the standard normal law, `phi(z) / P(Z > z)` (inverse Mills ratio).
pub fn normal_hazard(z: f64) -> f64 {
    if z > TAIL { 1.0 / mills(z) } else { (log_normal_density(z) - log_normal_survival(z)).exp() }
}

/// The `x` in `[low, high]` at which an increasing function reaches `target`, to the last bits by bisection.
fn reach(target: f64, mut low: f64, mut high: f64, value: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if value(middle) < target { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// Quantile of the beta law with positive shapes `a`, `b`; `p` in [0, 1].
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    reach(p, 0.0, 1.0, |x| beta_reg(a, b, x))
}

/// Quantile of the chi-square law with `degrees > 0` degrees of freedom; `p` in [0, 1).
pub fn chi_square_quantile(p: f64, degrees: f64) -> f64 {
    let value = |x: f64| if x > 0.0 { gamma_lr(degrees / 2.0, x / 2.0) } else { 0.0 };
    let mut high = degrees.max(1.0);
    while value(high) < p && high < 1e300 {
        high *= 2.0;
    }
    reach(p, 0.0, high, value)
}

/// `P(X > x)` of the chi-square law with `degrees > 0` degrees of freedom.
pub fn chi_square_survival(x: f64, degrees: f64) -> f64 {
    if x > 0.0 { gamma_ur(degrees / 2.0, x / 2.0) } else { 1.0 }
}

/// Solves `a x = b` for a symmetric positive definite `a` (row-major, `d * d`) by Cholesky; `None` where it is not.
pub fn solve_positive(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let d = b.len();
    let mut l = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let rest = a[i * d + j] - (0..j).map(|k| l[i * d + k] * l[j * d + k]).sum::<f64>();
            if i == j {
                // Relative to the entry: what is left of a singular direction is rounding.
                if rest.is_nan() || rest <= 1e-14 * a[i * d + i].abs() {
                    return None;
                }
                l[i * d + i] = rest.sqrt();
            } else {
                l[i * d + j] = rest / l[j * d + j];
            }
        }
    }
    let mut x = b.to_vec();
    for i in 0..d {
        x[i] = (x[i] - (0..i).map(|k| l[i * d + k] * x[k]).sum::<f64>()) / l[i * d + i];
    }
    for i in (0..d).rev() {
        x[i] = (x[i] - (i + 1..d).map(|k| l[k * d + i] * x[k]).sum::<f64>()) / l[i * d + i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_tails() {
        // Tables of the normal law: P(Z > 1.96), and log P(Z > 10) = -53.2312851505.
        let at = log_normal_survival(1.959963984540054) - 0.025f64.ln();
        assert!(at.abs() < 1e-10, "{at}");
        assert!((log_normal_survival(10.0) + 53.231285150512).abs() < 1e-9);
        assert!((normal_hazard(0.0) - (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-12);
        let across = |f: fn(f64) -> f64| (f(TAIL + 1e-9) - f(TAIL - 1e-9)).abs();
        assert!(across(log_normal_survival) < 1e-7 && across(normal_hazard) < 1e-7, "the two branches meet");
        assert!(log_normal_survival(1e3).is_finite() && (normal_hazard(1e3) - 1000.001).abs() < 1e-3);
        assert_eq!(log_normal_survival(-40.0), 0.0);
    }

    #[test]
    fn quantiles_of_chi_square_and_beta() {
        assert!((chi_square_quantile(0.95, 1.0) - 3.841458820694124).abs() < 1e-9);
        assert!((chi_square_quantile(0.025, 10.0) - 3.246972780236842).abs() < 1e-9);
        assert!((chi_square_survival(chi_square_quantile(0.9, 7.0), 7.0) - 0.1).abs() < 1e-12);
        // The maximum of 3 uniform draws: x^3 = 0.05.
        assert!((beta_quantile(0.05, 3.0, 1.0) - 0.05f64.cbrt()).abs() < 1e-12);
    }

    #[test]
    fn a_small_system() {
        let x = solve_positive(&[4.0, 2.0, 2.0, 3.0], &[8.0, 8.0]).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
        assert_eq!(solve_positive(&[1.0, 1.0, 1.0, 1.0], &[1.0, 1.0]), None);
    }
}
