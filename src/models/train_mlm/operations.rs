//! The network's operations with their gradients, each one pass over memory, on the CPU in f32 and f64.
//!
//! candle's own layer norm and softmax have no backward (the gradient stops there without a word), and its
//! compositions of elementary operations cost a pass and an allocation each. The derivatives here are checked against
//! central differences in the tests of `network`.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Layout, Result, Shape, Tensor, WithDType};
use rayon::prelude::*;

use crate::models::training::real::{Real, add_into, by_dtype, exponentials, slice, surprise, with_slices};

/// Rows whose gradients are summed as one term: fixes the order of the sum whatever the number of threads.
const ROWS_PER_TERM: usize = 128;

/// `x W^T + b` for rows of `x`; W is (out, in), b is (out).
pub(super) fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.apply_op3(weight, bias, Linear)
}

struct Linear;

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, inner) = x_layout.shape().dims2()?;
        let outer = weight_layout.dims()[0];
        let product = x.matmul(weight, (1, rows, outer, inner), x_layout, &weight_layout.transpose(0, 1)?)?;
        let storage = by_dtype!(product.dtype(), T => {
            let bias = slice::<T>(bias, bias_layout)?;
            let mut values = T::cpu_storage_data(product)?;
            values.par_chunks_mut(outer * ROWS_PER_TERM).for_each(|rows| {
                rows.chunks_mut(outer).for_each(|row| add_into(row, bias));
            });
            T::to_cpu_storage_owned(values)
        });
        Ok((storage, (rows, outer).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let ones = Tensor::ones((1, grad.dim(0)?), grad.dtype(), grad.device())?;
        Ok((
            Some(grad.matmul(&weight.detach())?),
            Some(grad.t()?.matmul(&x.detach())?),
            Some(ones.matmul(&grad)?.squeeze(0)?),
        ))
    }
}

/// The Gaussian error linear unit x Φ(x), by the error function and not its tanh approximation.
pub(super) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.apply_op1(Gelu)
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let storage = by_dtype!(x.dtype(), T => {
            let mut values = slice::<T>(x, layout)?.to_vec();
            values.par_chunks_mut(1 << 14).for_each(|chunk| {
                chunk.iter_mut().for_each(|x| *x *= x.normal().0);
            });
            T::to_cpu_storage_owned(values)
        });
        Ok((storage, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        by_dtype!(x.dtype(), T => with_slices!(T; x_values = x, grad_values = grad; {
            let mut values = grad_values.to_vec();
            values.par_chunks_mut(1 << 14).zip(x_values.par_chunks(1 << 14)).for_each(|(grad, x)| {
                for (grad, x) in grad.iter_mut().zip(x) {
                    let (distribution, density) = x.normal();
                    *grad *= distribution + *x * density;
                }
            });
            Tensor::from_vec(values, x.shape(), x.device()).map(Some)
        }))
    }
}

/// Layer normalisation of rows with scale and shift (Ba et al. 2016), by the two-pass variance.
pub(super) fn layer_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, epsilon: f64) -> Result<Tensor> {
    x.apply_op3(scale, shift, LayerNorm { epsilon })
}

struct LayerNorm {
    epsilon: f64,
}

impl LayerNorm {
    /// Mean and inverse deviation of a row.
    fn moments<T: Real>(&self, row: &[T]) -> (T, T) {
        let count = T::from_f64(row.len() as f64);
        let sum = |values: &mut dyn Iterator<Item = T>| values.fold(T::ZERO, |a, b| a + b);
        let mean = sum(&mut row.iter().copied()) / count;
        let variance = sum(&mut row.iter().map(|x| (*x - mean) * (*x - mean))) / count;
        (mean, T::ONE / Real::sqrt(variance + T::from_f64(self.epsilon)))
    }
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, width) = x_layout.shape().dims2()?;
        let storage = by_dtype!(x.dtype(), T => {
            let (scale, shift) = (slice::<T>(scale, scale_layout)?, slice::<T>(shift, shift_layout)?);
            let mut values = slice::<T>(x, x_layout)?.to_vec();
            values.par_chunks_mut(width * ROWS_PER_TERM).for_each(|rows| {
                for row in rows.chunks_mut(width) {
                    let (mean, inverse) = self.moments(row);
                    for ((x, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
                        *x = (*x - mean) * inverse * *scale + *shift;
                    }
                }
            });
            T::to_cpu_storage_owned(values)
        });
        Ok((storage, x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, width) = x.dims2()?;
        by_dtype!(x.dtype(), T => with_slices!(T; x_values = x, scale_values = scale, grad_values = grad; {
            let mut to_x = grad_values.to_vec();
            let terms: Vec<(Vec<T>, Vec<T>)> = to_x
                .par_chunks_mut(width * ROWS_PER_TERM)
                .zip(x_values.par_chunks(width * ROWS_PER_TERM))
                .map(|(grads, xs)| self.backward_rows(grads, xs, scale_values))
                .collect();
            let (mut to_scale, mut to_shift) = (vec![T::ZERO; width], vec![T::ZERO; width]);
            for (scale_term, shift_term) in &terms {
                add_into(&mut to_scale, scale_term);
                add_into(&mut to_shift, shift_term);
            }
            Ok((
                Some(Tensor::from_vec(to_x, x.shape(), x.device())?),
                Some(Tensor::from_vec(to_scale, width, x.device())?),
                Some(Tensor::from_vec(to_shift, width, x.device())?),
            ))
        }))
    }
}

impl LayerNorm {
    /// Turns the gradients of some result rows into those of `xs`; returns their shares of scale and shift.
    fn backward_rows<T: Real>(&self, grads: &mut [T], xs: &[T], scale: &[T]) -> (Vec<T>, Vec<T>) {
        let width = scale.len();
        let count = T::from_f64(width as f64);
        let (mut to_scale, mut to_shift) = (vec![T::ZERO; width], vec![T::ZERO; width]);
        for (grad, x) in grads.chunks_mut(width).zip(xs.chunks(width)) {
            let (mean, inverse) = self.moments(x);
            let (mut sum, mut along) = (T::ZERO, T::ZERO);
            for i in 0..width {
                let normal = (x[i] - mean) * inverse;
                to_scale[i] += grad[i] * normal;
                to_shift[i] += grad[i];
                grad[i] *= scale[i];
                sum += grad[i];
                along += grad[i] * normal;
            }
            let (sum, along) = (sum / count, along / count);
            for (grad, x) in grad.iter_mut().zip(x) {
                *grad = inverse * (*grad - sum - (*x - mean) * inverse * along);
            }
        }
        (to_scale, to_shift)
    }
}

/// Token, position and (single) type embeddings, summed: a row for each id, with `width` ids to a sequence.
pub(super) fn embed(words: &Tensor, positions: &Tensor, types: &Tensor, ids: Vec<u32>, width: usize) -> Result<Tensor> {
    words.apply_op3(positions, types, Embed { ids, width })
}

struct Embed {
    ids: Vec<u32>,
    width: usize,
}

impl CustomOp3 for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn cpu_fwd(
        &self,
        words: &CpuStorage,
        words_layout: &Layout,
        positions: &CpuStorage,
        positions_layout: &Layout,
        types: &CpuStorage,
        types_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, hidden) = words_layout.shape().dims2()?;
        let storage = by_dtype!(words.dtype(), T => {
            let words = slice::<T>(words, words_layout)?;
            let positions = slice::<T>(positions, positions_layout)?;
            let types = &slice::<T>(types, types_layout)?[..hidden];
            let mut values = Vec::with_capacity(self.ids.len() * hidden);
            for (place, &id) in self.ids.iter().enumerate() {
                let word = &words[id as usize * hidden..][..hidden];
                let position = &positions[place % self.width * hidden..][..hidden];
                values.extend(word.iter().zip(position).zip(types).map(|((w, p), t)| *w + *p + *t));
            }
            T::to_cpu_storage_owned(values)
        });
        Ok((storage, (self.ids.len(), hidden).into()))
    }

    fn bwd(
        &self,
        words: &Tensor,
        positions: &Tensor,
        types: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, hidden) = words.dims2()?;
        by_dtype!(words.dtype(), T => with_slices!(T; grads = grad; {
            let mut to_words = vec![T::ZERO; words.elem_count()];
            let mut to_positions = vec![T::ZERO; positions.elem_count()];
            let mut to_types = vec![T::ZERO; types.elem_count()];
            for (place, (&id, grad)) in self.ids.iter().zip(grads.chunks(hidden)).enumerate() {
                add_into(&mut to_words[id as usize * hidden..][..hidden], grad);
                add_into(&mut to_positions[place % self.width * hidden..][..hidden], grad);
            }
            // Every place has one position, so their sum is the gradient of the one type used.
            to_positions.chunks(hidden).for_each(|grad| add_into(&mut to_types[..hidden], grad));
            Ok((
                Some(Tensor::from_vec(to_words, words.shape(), words.device())?),
                Some(Tensor::from_vec(to_positions, positions.shape(), positions.device())?),
                Some(Tensor::from_vec(to_types, types.shape(), types.device())?),
            ))
        }))
    }
}

/// Mean over rows of -log softmax(row)\[target\], in nats; a scalar.
pub(super) fn cross_entropy(logits: &Tensor, targets: Vec<u32>) -> Result<Tensor> {
    logits.apply_op1(CrossEntropy { targets })
}

struct CrossEntropy {
    targets: Vec<u32>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, classes) = layout.shape().dims2()?;
        let storage = by_dtype!(logits.dtype(), T => {
            let losses: Vec<f64> = slice::<T>(logits, layout)?
                .par_chunks(classes)
                .zip(&self.targets)
                .map_init(Vec::new, |terms, (row, &target)| surprise(row, target, terms).0)
                .collect();
            T::to_cpu_storage_owned(vec![T::from_f64(losses.iter().sum::<f64>() / rows as f64)])
        });
        Ok((storage, ().into()))
    }

    fn bwd(&self, logits: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (rows, classes) = logits.dims2()?;
        let factor = grad.to_dtype(DType::F64)?.to_scalar::<f64>()? / rows as f64;
        by_dtype!(logits.dtype(), T => with_slices!(T; logit_values = logits; {
            let mut values = vec![T::ZERO; logit_values.len()];
            values.par_chunks_mut(classes).zip(logit_values.par_chunks(classes)).zip(&self.targets).for_each_init(
                Vec::new,
                |terms, ((out, row), &target)| {
                    let (_, sum) = exponentials(row, terms);
                    let scale = T::from_f64(factor / sum);
                    out.iter_mut().zip(terms.iter()).for_each(|(out, term)| *out = *term * scale);
                    out[target as usize] -= T::from_f64(factor);
                },
            );
            Tensor::from_vec(values, logits.shape(), logits.device()).map(Some)
        }))
    }
}
