//! That nothing meets the rows of a [`Simplex`], in exact arithmetic (Farkas): whole multipliers made of the solver's.

use super::simplex::Simplex;

impl Simplex {
    /// After a solve that ended infeasible: whole multipliers of the rows that show it in exact arithmetic. For all
    /// columns within their bounds, the weighted sum of the rows (upper limits where the multiplier is positive, lower
    /// ones where it is negative) stays below what the columns make of it. Bounds and coefficients must be whole.
    pub(super) fn proof(&self) -> Option<Vec<i64>> {
        let scales = (1..=24).chain([30, 36, 48, 60, 120, 1_000, 100_000, 10_000_000]);
        for scale in scales {
            for sign in [1.0, -1.0] {
                let scaled = |price: &f64| (price * sign * f64::from(scale)).round() as i64;
                let weights: Vec<i64> = self.multipliers.iter().map(scaled).collect();
                if self.proves(&weights) {
                    return Some(weights);
                }
            }
        }
        None
    }

    /// Whether the weighted rows cannot be met by columns within their bounds, in exact arithmetic.
    fn proves(&self, weights: &[i64]) -> bool {
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i128);
        let extreme = |weight: i128, (lower, upper): (f64, f64)| {
            let bound = if weight > 0 { whole(upper)? } else { whole(lower)? };
            weight.checked_mul(bound)
        };
        let mut most: i128 = 0;
        for (&weight, &limits) in weights.iter().zip(&self.limits) {
            if weight != 0 {
                let Some(term) = extreme(i128::from(weight), limits) else { return false };
                most += term;
            }
        }
        for (column, &bounds) in self.columns.iter().zip(&self.bounds) {
            let mut weight: i128 = 0;
            for &(row, by) in column {
                let Some(by) = whole(by) else { return false };
                weight -= i128::from(weights[row as usize]) * by;
            }
            if weight != 0 {
                let Some(term) = extreme(weight, bounds) else { return false };
                most += term;
            }
        }
        most < 0
    }
}
