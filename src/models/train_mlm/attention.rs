//! Multi-head self-attention as one operation with its gradient.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};
use rayon::prelude::*;

use crate::models::training::real::{Real, by_dtype, slice, with_slices};

/// Scaled dot-product attention (Vaswani et al. 2017). `qkv` is (sequences * width, 3 * hidden): for each place its
/// query, key and value. Sequence `i` attends within its first `lengths[i]` places; the places behind give zeros.
pub(super) fn attention(qkv: &Tensor, heads: usize, lengths: Vec<usize>) -> Result<Tensor> {
    qkv.apply_op1(Attention { heads, lengths })
}

struct Attention {
    heads: usize,
    lengths: Vec<usize>,
}

/// One sequence's sizes.
#[derive(Clone, Copy)]
struct Block {
    heads: usize,
    length: usize,
    /// Numbers per head.
    size: usize,
}

impl Block {
    /// Query (0), key (1) or value (2) of each head, out of rows of all three.
    fn unpack<T: Real>(self, rows: &[T], part: usize, parts: usize) -> CpuStorage {
        let hidden = self.heads * self.size;
        let mut values = Vec::with_capacity(hidden * self.length);
        for head in 0..self.heads {
            for row in rows.chunks(parts * hidden).take(self.length) {
                values.extend_from_slice(&row[part * hidden + head * self.size..][..self.size]);
            }
        }
        T::to_cpu_storage_owned(values)
    }

    /// The reverse of `unpack`.
    fn pack<T: Real>(self, storage: CpuStorage, rows: &mut [T], part: usize, parts: usize) -> Result<()> {
        let hidden = self.heads * self.size;
        let values = T::cpu_storage_data(storage)?;
        for (head, values) in values.chunks(self.length * self.size).enumerate() {
            for (row, values) in rows.chunks_mut(parts * hidden).zip(values.chunks(self.size)) {
                row[part * hidden + head * self.size..][..self.size].copy_from_slice(values);
            }
        }
        Ok(())
    }

    fn places(self) -> Layout {
        Layout::contiguous((self.heads, self.length, self.size))
    }

    fn square(self) -> Layout {
        Layout::contiguous((self.heads, self.length, self.length))
    }

    fn scale<T: Real>(self) -> T {
        T::from_f64(1.0 / (self.size as f64).sqrt())
    }

    /// `a b^T` for each head: (length, size) by (length, size).
    fn outer(self, a: &CpuStorage, b: &CpuStorage) -> Result<CpuStorage> {
        a.matmul(b, (self.heads, self.length, self.length, self.size), &self.places(), &self.places().transpose(1, 2)?)
    }

    /// `a b` or `a^T b` for each head: (length, length) by (length, size).
    fn apply(self, a: &CpuStorage, transposed: bool, b: &CpuStorage) -> Result<CpuStorage> {
        let a_layout = if transposed { self.square().transpose(1, 2)? } else { self.square() };
        a.matmul(b, (self.heads, self.length, self.size, self.length), &a_layout, &self.places())
    }

    /// softmax(q k^T / sqrt(size)) for each head.
    fn weights<T: Real>(self, q: &CpuStorage, k: &CpuStorage) -> Result<Vec<T>> {
        let mut weights = T::cpu_storage_data(self.outer(q, k)?)?;
        let scale = self.scale::<T>();
        for row in weights.chunks_mut(self.length) {
            let largest = row.iter().copied().fold(row[0], |a, b| if b > a { b } else { a });
            row.iter_mut().for_each(|x| *x = Real::exp((*x - largest) * scale));
            let sum = row.iter().copied().fold(T::ZERO, |a, b| a + b);
            row.iter_mut().for_each(|x| *x /= sum);
        }
        Ok(weights)
    }

    fn forward<T: Real>(self, rows: &[T], out: &mut [T]) -> Result<()> {
        let [q, k, v] = [0, 1, 2].map(|part| self.unpack(rows, part, 3));
        let weights = T::to_cpu_storage_owned(self.weights::<T>(&q, &k)?);
        self.pack(self.apply(&weights, false, &v)?, out, 0, 1)
    }

    /// Gradient of the rows, computing the weights anew: cheaper than to keep them.
    fn backward<T: Real>(self, rows: &[T], grad: &[T], out: &mut [T]) -> Result<()> {
        let [q, k, v] = [0, 1, 2].map(|part| self.unpack(rows, part, 3));
        let grad = self.unpack(grad, 0, 1);
        let weights = self.weights::<T>(&q, &k)?;
        let mut scores = T::cpu_storage_data(self.outer(&grad, &v)?)?;
        let scale = self.scale::<T>();
        for (to_score, weight) in scores.chunks_mut(self.length).zip(weights.chunks(self.length)) {
            let mean = to_score.iter().zip(weight).fold(T::ZERO, |sum, (g, w)| sum + *g * *w);
            to_score.iter_mut().zip(weight).for_each(|(g, w)| *g = *w * (*g - mean) * scale);
        }
        let (weights, scores) = (T::to_cpu_storage_owned(weights), T::to_cpu_storage_owned(scores));
        self.pack(self.apply(&scores, false, &k)?, out, 0, 3)?;
        self.pack(self.apply(&scores, true, &q)?, out, 1, 3)?;
        self.pack(self.apply(&weights, true, &grad)?, out, 2, 3)
    }
}

impl Attention {
    /// Places per sequence, and numbers per place in the result.
    fn sizes(&self, shape: &Shape) -> Result<(usize, usize)> {
        let (rows, packed) = shape.dims2()?;
        Ok((rows / self.lengths.len(), packed / 3))
    }

    fn block(&self, length: usize, hidden: usize) -> Block {
        Block { heads: self.heads, length, size: hidden / self.heads }
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (width, hidden) = self.sizes(layout.shape())?;
        let places = width * self.lengths.len();
        let storage = by_dtype!(qkv.dtype(), T => {
            let mut out: Vec<T> = vec![0.0; places * hidden];
            out.par_chunks_mut(width * hidden)
                .zip(slice::<T>(qkv, layout)?.par_chunks(width * 3 * hidden))
                .zip(&self.lengths)
                .try_for_each(|((out, rows), &length)| self.block(length, hidden).forward(rows, out))?;
            T::to_cpu_storage_owned(out)
        });
        Ok((storage, (places, hidden).into()))
    }

    fn bwd(&self, qkv: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (width, hidden) = self.sizes(qkv.shape())?;
        by_dtype!(qkv.dtype(), T => with_slices!(T; rows = qkv, grads = grad; {
            let mut out: Vec<T> = vec![0.0; rows.len()];
            out.par_chunks_mut(width * 3 * hidden)
                .zip(rows.par_chunks(width * 3 * hidden))
                .zip(grads.par_chunks(width * hidden))
                .zip(&self.lengths)
                .try_for_each(|(((out, rows), grads), &length)| {
                    self.block(length, hidden).backward(rows, grads, out)
                })?;
            Tensor::from_vec(out, qkv.shape(), qkv.device()).map(Some)
        }))
    }
}
