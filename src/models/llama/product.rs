//! Matrix products of slices on the CPU, with a factor and a running sum, which candle's own product lacks.

use gemm::Parallelism;

use crate::models::training::real::Real;

/// A matrix within a slice: its numbers, the distance between its rows, and between its columns.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    values: &'a [T],
    row: usize,
    column: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows of `width` numbers, one after the other.
    pub(super) fn rows(values: &'a [T], width: usize) -> Self {
        Self { values, row: width, column: 1 }
    }

    pub(super) fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// Whether a product may use every core.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    One,
    All,
}

/// Writes `factor a b`, (rows, inner) by (inner, columns), over `out`, whose rows are `stride` apart; adds it to what
/// is there where `add`. A sum over `inner` is never split between threads, so their number changes no bit.
pub(super) fn product<T: Real>(
    out: (&mut [T], usize),
    (rows, columns, inner): (usize, usize, usize),
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    factor: T,
    add: bool,
    cores: Cores,
) {
    let (out, stride) = out;
    let target = Matrix { values: &*out, row: stride, column: 1 };
    assert!(target.holds(rows, columns) && a.holds(rows, inner) && b.holds(inner, columns), "a product out of bounds");
    assert!(stride >= columns, "rows of the result overlap");
    let threads = match cores {
        Cores::One => 1,
        Cores::All => rayon::current_num_threads(),
    };
    // SAFETY: the assertions above keep every index that strides and sizes can form inside its slice, and the rows of
    // the result apart.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            T::ONE,
            factor,
            false,
            false,
            false,
            if threads > 1 { Parallelism::Rayon(threads) } else { Parallelism::None },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_sums_of_products() {
        let a: Vec<f64> = (0..15).map(|i| (i as f64).sin()).collect();
        let b: Vec<f64> = (0..20).map(|i| (i as f64).cos()).collect();
        let mut out = vec![1.0; 3 * 7];
        product((&mut out, 7), (3, 4, 5), Matrix::rows(&a, 5), Matrix::rows(&b, 5).transposed(), 2.0, true, Cores::All);
        for i in 0..3 {
            for j in 0..7 {
                let sum: f64 = (0..5).map(|k| if j < 4 { a[i * 5 + k] * b[j * 5 + k] } else { 0.0 }).sum();
                assert!((out[i * 7 + j] - (1.0 + 2.0 * sum)).abs() < 1e-12);
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn a_slice_too_short_is_refused() {
        let (a, mut out) = (vec![0.0f32; 5], vec![0.0f32; 4]);
        product((&mut out, 2), (2, 2, 3), Matrix::rows(&a, 3), Matrix::rows(&a, 2), 1.0, false, Cores::One);
    }
}
