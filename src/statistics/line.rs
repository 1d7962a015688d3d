//! A straight line through estimates of known errors.

/// `y = intercept + slope x`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LineFit {
    pub slope: f64,
    pub intercept: f64,
    /// Standard error of the slope. Where the points stray from the line by more than their errors say, it is larger by
    /// that factor (the Birge ratio, Birge 1932).
    pub slope_error: f64,
    /// Weighted mean of x, where the line is known best, and its standard error there (larger by the same factor).
    pub centre: f64,
    pub centre_error: f64,
    /// Weighted sum of squared residuals over its degrees of freedom; `None` for two points.
    pub chi_square_per_degree: Option<f64>,
}

impl LineFit {
    /// The line at `x`.
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }

    /// Standard error of the line at `x`.
    pub fn error_at(&self, x: f64) -> f64 {
        self.centre_error.hypot((x - self.centre) * self.slope_error)
    }
}

/// Weighted least squares through `[x, y, standard error of y]`; `None` for fewer than two different x, or an error that
/// is not positive.
pub fn line_fit(points: &[[f64; 3]]) -> Option<LineFit> {
    if points.iter().any(|[x, y, e]| !(x.is_finite() && y.is_finite() && *e > 0.0 && e.is_finite())) {
        return None;
    }
    let weight = |e: f64| 1.0 / (e * e);
    let sum = |f: &dyn Fn(f64, f64) -> f64| points.iter().map(|&[x, y, e]| weight(e) * f(x, y)).sum::<f64>();
    let total = sum(&|_, _| 1.0);
    let (mean_x, mean_y) = (sum(&|x, _| x) / total, sum(&|_, y| y) / total);
    let spread = sum(&|x, _| (x - mean_x).powi(2));
    if points.len() < 2 || spread <= 1e-12 * sum(&|x, _| x * x) {
        return None;
    }
    let slope = sum(&|x, y| (x - mean_x) * (y - mean_y)) / spread;
    let intercept = mean_y - slope * mean_x;
    let rest = sum(&|x, y| (y - intercept - slope * x).powi(2));
    let per_degree = (points.len() > 2).then(|| rest / (points.len() - 2) as f64);
    let birge = per_degree.map_or(1.0, |ratio| ratio.sqrt().max(1.0));
    Some(LineFit {
        slope,
        intercept,
        slope_error: spread.recip().sqrt() * birge,
        centre: mean_x,
        centre_error: total.recip().sqrt() * birge,
        chi_square_per_degree: per_degree,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_by_hand() {
        // y = 1 + 2x exactly: the error of the slope is 1 / sqrt(sum (x - 1)^2 / 0.01) = 0.1 / sqrt 2.
        let fit = line_fit(&[[0.0, 1.0, 0.1], [1.0, 3.0, 0.1], [2.0, 5.0, 0.1]]).unwrap();
        assert!((fit.slope - 2.0).abs() < 1e-12 && (fit.intercept - 1.0).abs() < 1e-12);
        assert!((fit.slope_error - 0.1 / 2f64.sqrt()).abs() < 1e-12);
        assert!(fit.chi_square_per_degree.unwrap() < 1e-20);
        // At its centre x = 1 the line has error 0.1 / sqrt 3; one further, sqrt(0.01 / 3 + 0.01 / 2).
        assert!((fit.at(3.0) - 7.0).abs() < 1e-12 && (fit.centre - 1.0).abs() < 1e-12);
        assert!((fit.error_at(1.0) - 0.1 / 3f64.sqrt()).abs() < 1e-12);
        assert!((fit.error_at(2.0) - (0.01f64 / 3.0 + 0.01 / 2.0).sqrt()).abs() < 1e-12);
        // The middle strays by 3 errors from the line of the ends: residuals -0.1, 0.2, -0.1 in errors of 0.1 make 6.
        let bent = line_fit(&[[0.0, 1.0, 0.1], [1.0, 3.3, 0.1], [2.0, 5.0, 0.1]]).unwrap();
        assert!((bent.chi_square_per_degree.unwrap() - 6.0).abs() < 1e-9);
        assert!((bent.slope_error - 0.1 / 2f64.sqrt() * 6f64.sqrt()).abs() < 1e-12);
        // A precise point outweighs a vague one.
        let pulled = line_fit(&[[0.0, 0.0, 1e-6], [1.0, 1.0, 1e-6], [1.0, 9.0, 10.0]]).unwrap();
        assert!((pulled.slope - 1.0).abs() < 1e-6);
        assert_eq!(line_fit(&[[1.0, 2.0, 0.1], [1.0, 3.0, 0.1]]), None);
        assert_eq!(line_fit(&[[1.0, 2.0, 0.0], [2.0, 3.0, 0.1]]), None);
    }
}
