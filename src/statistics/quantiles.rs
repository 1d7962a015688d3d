//! Sample quantiles.

/// A sorted copy in the total order of floats.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut copy = values.to_vec();
    copy.sort_by(f64::total_cmp);
    copy
}

/// Quantile of type 7 (Hyndman and Fan 1996): linear between order statistics. `sorted` ascending, `p` in [0, 1];
/// `NaN` of an empty sample.
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let h = p.clamp(0.0, 1.0) * last as f64;
    let below = (h.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (h - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_7_quantiles_of_one_to_ten() {
        let x: Vec<f64> = (1..=10).map(f64::from).collect();
        // R: quantile(1:10, c(0, .05, .25, .5, .95, 1), type = 7)
        for (p, known) in [(0.0, 1.0), (0.05, 1.45), (0.25, 3.25), (0.5, 5.5), (0.95, 9.55), (1.0, 10.0)] {
            assert!((quantile(&x, p) - known).abs() < 1e-12, "{p}");
        }
        assert_eq!(quantile(&[4.0], 0.3), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(sorted(&[2.0, -1.0, 0.5]), [-1.0, 0.5, 2.0]);
    }
}
