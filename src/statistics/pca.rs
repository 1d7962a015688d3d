//! Principal components with a fixed sign, on rows of numbers.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Side};

/// Rows that enter the covariance in one product; the sum over blocks is taken in this order.
const BLOCK_ROWS: usize = 512;

/// A fitted basis: points are centred on `mean` and read along `components`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pca {
    /// `[width]`.
    pub mean: Vec<f64>,
    /// Row-major `[k, width]`: orthonormal directions, the one of largest variance first. In each the entry of largest
    /// magnitude (the first of equals) is positive.
    pub components: Vec<f64>,
    /// Variance along each direction, divisor `points - 1`.
    pub variances: Vec<f64>,
    /// Variance of the points in all directions together.
    pub total_variance: f64,
}

impl Pca {
    /// Fits at most `k` directions to row-major `points` of `width` numbers each.
    ///
    /// Directions without variance (below 1e-12 of the first) are left out, so fewer than `k` may come back. `None` for
    /// fewer than two points, numbers that are not finite, or points all alike. Costs O(points x width x min(points,
    /// width)).
    pub fn fit<T: Copy + Into<f64>>(points: &[T], width: usize, k: usize) -> Option<Self> {
        let rows = points.len().checked_div(width)?;
        if rows < 2 || points.len() != rows * width {
            return None;
        }
        let mut mean = vec![0.0; width];
        for row in points.chunks_exact(width) {
            mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x.into());
        }
        mean.iter_mut().for_each(|sum| *sum /= rows as f64);
        if !mean.iter().all(|m| m.is_finite()) {
            return None;
        }
        let centred = |row: usize, column: usize| points[row * width + column].into() - mean[column];
        let (directions, mut variances) =
            if rows <= width { from_gram(rows, width, centred)? } else { from_covariance(rows, width, centred)? };
        let total_variance =
            (0..rows).map(|r| (0..width).map(|c| centred(r, c).powi(2)).sum::<f64>()).sum::<f64>() / (rows - 1) as f64;
        let first = variances.first().copied().filter(|v| *v > 0.0 && v.is_finite())?;
        variances.truncate(k);
        variances.retain(|&variance| variance > 1e-12 * first);
        let mut components = directions;
        components.truncate(variances.len() * width);
        components.chunks_exact_mut(width).for_each(fix_sign);
        Some(Self { mean, components, variances, total_variance })
    }

    /// Numbers per point.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Number of directions.
    pub fn dimensions(&self) -> usize {
        self.variances.len()
    }

    /// Share of the variance along each direction, in [0, 1].
    pub fn explained(&self) -> Vec<f64> {
        self.variances.iter().map(|v| (v / self.total_variance).min(1.0)).collect()
    }

    /// Coordinates of row-major `points`, row-major `[points, k]`.
    pub fn project<T: Copy + Into<f64>>(&self, points: &[T]) -> Vec<f64> {
        let width = self.width();
        points
            .chunks_exact(width)
            .flat_map(|row| {
                self.components.chunks_exact(width).map(move |direction| {
                    direction.iter().zip(row).zip(&self.mean).map(|((d, &x), m)| d * (x.into() - m)).sum::<f64>()
                })
            })
            .collect()
    }
}

/// Turns `direction` so that its entry of largest magnitude, the first of equals, is positive.
fn fix_sign(direction: &mut [f64]) {
    let largest = direction.iter().fold(0.0, |best: f64, &x| if x.abs() > best.abs() { x } else { best });
    if largest < 0.0 {
        direction.iter_mut().for_each(|x| *x = -*x);
    }
}

/// Eigenpairs of a symmetric matrix, the largest eigenvalue first: `column(k)[row]` and values.
fn eigenpairs(matrix: &Mat<f64>) -> Option<(impl Fn(usize, usize) -> f64, Vec<f64>)> {
    let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    let n = matrix.nrows();
    let values: Vec<f64> = (0..n).rev().map(|k| eigen.S().column_vector()[k]).collect();
    Some((move |row: usize, k: usize| eigen.U()[(row, n - 1 - k)], values))
}

type Directions = (Vec<f64>, Vec<f64>);

/// Through the `[width, width]` covariance.
fn from_covariance(rows: usize, width: usize, centred: impl Fn(usize, usize) -> f64) -> Option<Directions> {
    let mut covariance = Mat::<f64>::zeros(width, width);
    for start in (0..rows).step_by(BLOCK_ROWS) {
        let block = Mat::from_fn(BLOCK_ROWS.min(rows - start), width, |r, c| centred(start + r, c));
        matmul(covariance.as_mut(), Accum::Add, block.transpose(), block.as_ref(), 1.0 / (rows - 1) as f64, Par::Seq);
    }
    let (vector, values) = eigenpairs(&covariance)?;
    let directions = (0..width).flat_map(|k| (0..width).map(move |c| (c, k))).map(|(c, k)| vector(c, k)).collect();
    Some((directions, values))
}

/// Through the `[points, points]` inner products: cheaper where there are fewer points than numbers in each.
fn from_gram(rows: usize, width: usize, centred: impl Fn(usize, usize) -> f64) -> Option<Directions> {
    let points = Mat::from_fn(rows, width, &centred);
    let mut gram = Mat::<f64>::zeros(rows, rows);
    let scale = 1.0 / (rows - 1) as f64;
    matmul(gram.as_mut(), Accum::Replace, points.as_ref(), points.transpose(), scale, Par::Seq);
    let (vector, values) = eigenpairs(&gram)?;
    let mut directions = Vec::with_capacity(rows * width);
    for k in 0..rows {
        let mut direction = vec![0.0; width];
        for r in 0..rows {
            let weight = vector(r, k);
            direction.iter_mut().enumerate().for_each(|(c, sum)| *sum += weight * points[(r, c)]);
        }
        let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        // A direction without variance has no length; it is left out by its eigenvalue.
        if norm > 0.0 {
            direction.iter_mut().for_each(|x| *x /= norm);
        }
        directions.extend(direction);
    }
    Some((directions, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Stream;

    #[test]
    fn four_points_by_hand() {
        // Deviations (+-2, +-1) along the axes rotated by 45 degrees: variances 8/3 and 2/3.
        let s = 0.5f64.sqrt();
        let points = [2.0 * s, 2.0 * s, -2.0 * s, -2.0 * s, -s, s, s, -s].map(|x| x + 3.0);
        let pca = Pca::fit(&points, 2, 5).unwrap();
        assert_eq!(pca.dimensions(), 2);
        for (found, known) in pca.variances.iter().zip([8.0 / 3.0, 2.0 / 3.0]) {
            assert!((found - known).abs() < 1e-12);
        }
        assert!((pca.total_variance - 10.0 / 3.0).abs() < 1e-12);
        assert!((pca.explained()[0] - 0.8).abs() < 1e-12);
        assert!((pca.components[0] - s).abs() < 1e-12 && (pca.components[1] - s).abs() < 1e-12);
        let projected = pca.project(&points);
        assert!((projected[0] - 2.0).abs() < 1e-12 && projected[1].abs() < 1e-12);
        assert!((projected[5].abs() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_two_ways_agree_and_components_are_orthonormal() {
        let mut stream = Stream::new(5, 0);
        let (rows, width) = (12, 12);
        let points: Vec<f64> = (0..rows * width).map(|k| (stream.unit() - 0.5) * (1.0 + (k % width) as f64)).collect();
        let gram = Pca::fit(&points, width, 4).unwrap();
        let mean = &gram.mean;
        let (mut directions, values) = from_covariance(rows, width, |r, c| points[r * width + c] - mean[c]).unwrap();
        directions.chunks_exact_mut(width).for_each(fix_sign);
        for k in 0..4 {
            assert!((values[k] - gram.variances[k]).abs() < 1e-10);
            for c in 0..width {
                assert!((directions[k * width + c] - gram.components[k * width + c]).abs() < 1e-8);
            }
            for l in 0..4 {
                let dot: f64 =
                    (0..width).map(|c| gram.components[k * width + c] * gram.components[l * width + c]).sum();
                assert!((dot - f64::from(u8::from(k == l))).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn points_without_spread_have_no_components() {
        assert_eq!(Pca::fit(&[1.0f32, 2.0, 1.0, 2.0], 2, 2), None);
        assert_eq!(Pca::fit(&[1.0f32, 2.0], 2, 2), None);
        assert_eq!(Pca::fit(&[f64::NAN, 2.0, 1.0, 2.0], 2, 2), None);
        assert_eq!(Pca::fit(&[0.0f32, 0.0, 1.0, 1.0, 2.0, 2.0], 2, 2).unwrap().dimensions(), 1, "a line");
    }
}
