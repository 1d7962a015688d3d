//! Krylov methods for operators too large for a dense matrix; deterministic, in a fixed order of summation.

use faer::Mat;

use super::super::conditionals::ConditionalsError;
use crate::progress::Progress;
use crate::statistics::Stream;

/// Dimension of the Krylov space from which a fixed vector is taken.
const FIXED_DIMENSION: usize = 24;
/// Dimension of the Krylov space from which a leading eigenvalue is taken.
const LEADING_DIMENSION: usize = 48;
/// Restarts before the residual is reported as it is.
const MOST_RESTARTS: usize = 24;
/// Relative residual at which restarts end.
const TOLERANCE: f64 = 1e-11;

pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

fn backend(what: &str) -> ConditionalsError {
    ConditionalsError::Backend(format!("{what} did not converge"))
}

/// An orthonormal basis of a Krylov space with the operator's matrix in it.
struct Krylov {
    /// `dimension + 1` vectors, or `dimension` where the space is invariant.
    basis: Vec<Vec<f64>>,
    /// `[column][row]`, column k has k + 2 entries.
    columns: Vec<Vec<f64>>,
}

impl Krylov {
    fn new(
        start: &[f64],
        dimension: usize,
        apply: &mut dyn FnMut(&[f64], &mut [f64]),
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let length = dot(start, start).sqrt();
        let mut krylov = Self { basis: vec![start.iter().map(|x| x / length).collect()], columns: Vec::new() };
        for k in 0..dimension.min(start.len()) {
            progress.checkpoint()?;
            let mut next = vec![0.0; start.len()];
            apply(&krylov.basis[k], &mut next);
            let before = dot(&next, &next).sqrt();
            let mut column = vec![0.0; k + 2];
            // Twice is enough: after the second pass the basis is orthogonal to working precision.
            for _ in 0..2 {
                for (entry, vector) in column.iter_mut().zip(&krylov.basis) {
                    let share = dot(vector, &next);
                    *entry += share;
                    next.iter_mut().zip(vector).for_each(|(x, v)| *x -= share * v);
                }
            }
            let left = dot(&next, &next).sqrt();
            let invariant = left <= 1e-14 * before.max(f64::MIN_POSITIVE);
            column[k + 1] = if invariant { 0.0 } else { left };
            krylov.columns.push(column);
            if invariant {
                break;
            }
            next.iter_mut().for_each(|x| *x /= left);
            krylov.basis.push(next);
        }
        Ok(krylov)
    }

    fn dimension(&self) -> usize {
        self.columns.len()
    }

    fn entry(&self, row: usize, column: usize) -> f64 {
        self.columns[column].get(row).copied().unwrap_or(0.0)
    }

    fn combine(&self, weights: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.basis[0].len()];
        for (&weight, vector) in weights.iter().zip(&self.basis) {
            sum.iter_mut().zip(vector).for_each(|(x, v)| *x += weight * v);
        }
        sum
    }
}

/// The vector of a Krylov space from `start` that `apply` moves least: the refined Arnoldi method for the known
/// eigenvalue 1 (Jia 1997; Golub and Greif 2006).
pub(super) fn fixed_vector(
    start: &[f64],
    apply: &mut dyn FnMut(&[f64], &mut [f64]),
    progress: &dyn Progress,
) -> Result<Vec<f64>, ConditionalsError> {
    let krylov = Krylov::new(start, FIXED_DIMENSION, apply, progress)?;
    let m = krylov.dimension();
    let moved = Mat::from_fn(m + 1, m, |row, column| krylov.entry(row, column) - f64::from(u8::from(row == column)));
    let svd = moved.thin_svd().map_err(|_| backend("a singular value decomposition"))?;
    let weights: Vec<f64> = (0..m).map(|row| svd.V()[(row, m - 1)]).collect();
    Ok(krylov.combine(&weights))
}

/// The largest eigenvalue in modulus of an operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leading {
    pub(super) modulus: f64,
    /// Norm of what the operator leaves of the unit Ritz vector beyond its eigenvalue.
    pub(super) residual: f64,
    /// The Ritz vector's real part.
    pub(super) vector: Vec<f64>,
}

/// Leading eigenvalue by restarted Arnoldi from a fixed pseudo-random vector.
///
/// `apply` must map into the subspace of interest: the component outside it is removed from the start by one call.
pub(super) fn leading(
    size: usize,
    apply: &mut dyn FnMut(&[f64], &mut [f64]),
    progress: &dyn Progress,
) -> Result<Leading, ConditionalsError> {
    let mut stream = Stream::new(0, 0);
    let drawn: Vec<f64> = (0..size).map(|_| 2.0 * stream.unit() - 1.0).collect();
    let mut start = vec![0.0; size];
    apply(&drawn, &mut start);
    let mut best = Leading { modulus: 0.0, residual: 0.0, vector: start.clone() };
    if dot(&start, &start).sqrt() <= 1e-14 * dot(&drawn, &drawn).sqrt() {
        return Ok(best);
    }
    for restart in 0..MOST_RESTARTS {
        progress.report(restart as u64, MOST_RESTARTS as u64);
        let krylov = Krylov::new(&start, LEADING_DIMENSION, apply, progress)?;
        let m = krylov.dimension();
        let small = Mat::from_fn(m, m, |row, column| krylov.entry(row, column));
        let eigen = small.eigen().map_err(|_| backend("an eigenvalue iteration"))?;
        let modulus = |k: usize| eigen.S().column_vector()[k].norm();
        let top = (0..m).fold(0, |top, k| if modulus(k) > modulus(top) { k } else { top });
        let part = |of: fn(faer::c64) -> f64| (0..m).map(|row| of(eigen.U()[(row, top)])).collect::<Vec<f64>>();
        let (real, imaginary) = (part(|z| z.re), part(|z| z.im));
        let length = (dot(&real, &real) + dot(&imaginary, &imaginary)).sqrt();
        let last = real[m - 1].hypot(imaginary[m - 1]) / length;
        let residual = krylov.entry(m, m - 1) * last;
        best = Leading { modulus: modulus(top), residual, vector: krylov.combine(&real) };
        if residual <= TOLERANCE * best.modulus || m < LEADING_DIMENSION.min(size) {
            break;
        }
        // Both parts of a complex pair stay in the next space.
        let both: Vec<f64> = real.iter().zip(&imaginary).map(|(r, i)| r + i).collect();
        start = krylov.combine(&both);
    }
    Ok(best)
}
