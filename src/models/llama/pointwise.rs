//! Row-wise and pointwise operations with their gradients, each one pass over memory on the CPU.
//!
//! Gradients are written out by hand: candle's own normalisation and softmax have none (the gradient stops there
//! without a word), and its compositions cost a pass and an allocation each. On an accelerator the same formulas are
//! compositions of its operations.

use candle_core::{D, Result, Tensor, WithDType};
use rayon::prelude::*;

use crate::models::training::real::{Real, add_into, by_dtype, with_slices};

/// Rows whose gradients are summed as one term: fixes the order of the sum whatever the number of threads.
const ROWS_PER_TERM: usize = 64;

fn sum_of_squares<T: Real>(row: &[T]) -> T {
    const LANES: usize = 16;
    let mut lanes = [T::ZERO; LANES];
    for block in row.chunks(LANES) {
        lanes.iter_mut().zip(block).for_each(|(lane, x)| *lane += *x * *x);
    }
    lanes.iter().fold(T::ZERO, |sum, lane| sum + *lane)
}

fn inverse_root<T: Real>(row: &[T], epsilon: f64) -> T {
    T::ONE / Real::sqrt(sum_of_squares(row) / T::from_f64(row.len() as f64) + T::from_f64(epsilon))
}

/// Root-mean-square normalisation (Zhang and Sennrich 2019) of rows of `x` (rows, width), times `scale` (width).
pub(super) fn rms_norm(x: &Tensor, scale: &Tensor, epsilon: f64) -> Result<Tensor> {
    if !x.device().is_cpu() {
        let wide = x.to_dtype(candle_core::DType::F32)?;
        let inverse = ((wide.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?.recip())?;
        return wide.broadcast_mul(&inverse)?.to_dtype(x.dtype())?.broadcast_mul(scale);
    }
    let width = x.dim(D::Minus1)?;
    by_dtype!(x.dtype(), T => with_slices!(T; x_values = x, scale_values = scale; {
        let mut out: Vec<T> = x_values.to_vec();
        out.par_chunks_mut(width * ROWS_PER_TERM).for_each(|rows| {
            for row in rows.chunks_mut(width) {
                let inverse = inverse_root(row, epsilon);
                row.iter_mut().zip(scale_values).for_each(|(x, scale)| *x = *x * inverse * *scale);
            }
        });
        Tensor::from_vec(out, x.shape(), x.device())
    }))
}

/// Gradients of [`rms_norm`] by `x`, added to `through`, and by `scale` where `for_scale`.
pub(super) fn rms_norm_backward(
    x: &Tensor,
    scale: &Tensor,
    epsilon: f64,
    grad: &Tensor,
    through: Option<&Tensor>,
    for_scale: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    if !x.device().is_cpu() {
        return composed_rms_norm_backward(x, scale, epsilon, grad, through, for_scale);
    }
    let width = x.dim(D::Minus1)?;
    let zeros;
    let (through, adds) = match through {
        Some(through) => (through, true),
        None => {
            zeros = grad.clone();
            (&zeros, false)
        }
    };
    by_dtype!(x.dtype(), T => with_slices!(T; xs = x, scales = scale, grads = grad, base = through; {
        let mut out: Vec<T> = if adds { base.to_vec() } else { vec![T::ZERO; xs.len()] };
        let terms: Vec<Vec<T>> = out
            .par_chunks_mut(width * ROWS_PER_TERM)
            .zip(xs.par_chunks(width * ROWS_PER_TERM))
            .zip(grads.par_chunks(width * ROWS_PER_TERM))
            .map(|((out, xs), grads)| {
                let mut to_scale = if for_scale { vec![T::ZERO; width] } else { Vec::new() };
                for ((out, x), grad) in out.chunks_mut(width).zip(xs.chunks(width)).zip(grads.chunks(width)) {
                    let inverse = inverse_root(x, epsilon);
                    let along = x.iter().zip(grad).zip(scales).fold(T::ZERO, |sum, ((x, g), s)| sum + *x * *g * *s);
                    let back = along * inverse * inverse * inverse / T::from_f64(width as f64);
                    for i in 0..width {
                        out[i] += grad[i] * scales[i] * inverse - x[i] * back;
                    }
                    to_scale.iter_mut().zip(x).zip(grad).for_each(|((sum, x), g)| *sum += *x * *g * inverse);
                }
                to_scale
            })
            .collect();
        let to_scale = if for_scale {
            let mut sum = vec![T::ZERO; width];
            terms.iter().for_each(|term| add_into(&mut sum, term));
            Some(Tensor::from_vec(sum, width, x.device())?)
        } else {
            None
        };
        Ok((Tensor::from_vec(out, x.shape(), x.device())?, to_scale))
    }))
}

fn composed_rms_norm_backward(
    x: &Tensor,
    scale: &Tensor,
    epsilon: f64,
    grad: &Tensor,
    through: Option<&Tensor>,
    for_scale: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let wide_type = if x.dtype() == candle_core::DType::F64 { x.dtype() } else { candle_core::DType::F32 };
    let (wide, wide_grad) = (x.to_dtype(wide_type)?, grad.to_dtype(wide_type)?);
    let width = x.dim(D::Minus1)? as f64;
    let inverse = ((wide.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?.recip())?;
    let scaled = wide_grad.broadcast_mul(&scale.to_dtype(wide_type)?)?;
    let along = (wide.mul(&scaled)?.sum_keepdim(D::Minus1)? / width)?;
    let back = along.mul(&inverse.powf(3.0)?)?;
    let to_x = scaled.broadcast_mul(&inverse)?.sub(&wide.broadcast_mul(&back)?)?.to_dtype(x.dtype())?;
    let to_x = match through {
        Some(through) => through.add(&to_x)?,
        None => to_x,
    };
    let to_scale = match for_scale {
        true => Some(wide.mul(&wide_grad)?.broadcast_mul(&inverse)?.sum(0)?.to_dtype(scale.dtype())?),
        false => None,
    };
    Ok((to_x, to_scale))
}

/// `silu(gate) * up`: the gated unit of Llama's feed-forward part (Shazeer 2020).
pub(super) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if !gate.device().is_cpu() {
        return gate.silu()?.mul(up);
    }
    by_dtype!(gate.dtype(), T => with_slices!(T; gates = gate, ups = up; {
        let mut out: Vec<T> = gates.to_vec();
        out.par_chunks_mut(1 << 14).zip(ups.par_chunks(1 << 14)).for_each(|(out, ups)| {
            out.iter_mut().zip(ups).for_each(|(g, u)| *g = *g * *u / (T::ONE + Real::exp(T::ZERO - *g)));
        });
        Tensor::from_vec(out, gate.shape(), gate.device())
    }))
}

/// Gradients of [`swiglu`] by `gate` and `up`.
pub(super) fn swiglu_backward(gate: &Tensor, up: &Tensor, grad: &Tensor) -> Result<(Tensor, Tensor)> {
    if !gate.device().is_cpu() {
        let sigmoid = (gate.neg()?.exp()? + 1.0)?.recip()?;
        let silu = gate.mul(&sigmoid)?;
        let slope = sigmoid.mul(&((gate.sub(&silu)? + 1.0)?))?;
        return Ok((grad.mul(up)?.mul(&slope)?, grad.mul(&silu)?));
    }
    by_dtype!(gate.dtype(), T => with_slices!(T; gates = gate, ups = up, grads = grad; {
        let (mut to_gate, mut to_up): (Vec<T>, Vec<T>) = (grads.to_vec(), grads.to_vec());
        to_gate
            .par_chunks_mut(1 << 14)
            .zip(to_up.par_chunks_mut(1 << 14))
            .zip(gates.par_chunks(1 << 14).zip(ups.par_chunks(1 << 14)))
            .for_each(|((to_gate, to_up), (gates, ups))| {
                for i in 0..gates.len() {
                    let sigmoid = T::ONE / (T::ONE + Real::exp(T::ZERO - gates[i]));
                    let silu = gates[i] * sigmoid;
                    to_gate[i] *= ups[i] * sigmoid * (T::ONE + gates[i] - silu);
                    to_up[i] *= silu;
                }
            });
        Ok((
            Tensor::from_vec(to_gate, gate.shape(), gate.device())?,
            Tensor::from_vec(to_up, gate.shape(), gate.device())?,
        ))
    }))
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn tensor(rows: usize, width: usize, phase: f64) -> Tensor {
        let values: Vec<f64> = (0..rows * width).map(|i| (i as f64 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (rows, width), &Device::Cpu).unwrap()
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        a.sub(b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    /// Central differences of `sum(f(x) * weights)` by every number of `x`.
    fn slope(f: &dyn Fn(&Tensor) -> Tensor, x: &Tensor, weights: &Tensor) -> Tensor {
        let values: Vec<f64> = x.flatten_all().unwrap().to_vec1().unwrap();
        let at = |index: usize, step: f64| {
            let mut moved = values.clone();
            moved[index] += step;
            let moved = Tensor::from_vec(moved, x.shape(), &Device::Cpu).unwrap();
            f(&moved).mul(weights).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
        };
        let slopes: Vec<f64> = (0..values.len()).map(|i| (at(i, 1e-6) - at(i, -1e-6)) / 2e-6).collect();
        Tensor::from_vec(slopes, x.shape(), &Device::Cpu).unwrap()
    }

    #[test]
    fn gradients_are_slopes() {
        let (x, up, weights) = (tensor(5, 6, 0.1), tensor(5, 6, 2.0), tensor(5, 6, 4.0));
        let scale = tensor(1, 6, 3.0).squeeze(0).unwrap();
        let (to_x, to_scale) = rms_norm_backward(&x, &scale, 1e-5, &weights, Some(&up), true).unwrap();
        let expected = slope(&|x| rms_norm(x, &scale, 1e-5).unwrap(), &x, &weights).add(&up).unwrap();
        assert!(distance(&to_x, &expected) < 1e-8);
        let expected = slope(&|scale| rms_norm(&x, scale, 1e-5).unwrap(), &scale, &weights);
        assert!(distance(&to_scale.unwrap(), &expected) < 1e-8);
        let (to_gate, to_up) = swiglu_backward(&x, &up, &weights).unwrap();
        assert!(distance(&to_gate, &slope(&|x| swiglu(x, &up).unwrap(), &x, &weights)) < 1e-8);
        assert!(distance(&to_up, &slope(&|up| swiglu(&x, up).unwrap(), &up, &weights)) < 1e-8);
    }

    #[test]
    fn the_accelerators_formulas_agree() {
        let (x, through, weights) = (tensor(5, 6, 0.1), tensor(5, 6, 2.0), tensor(5, 6, 4.0));
        let scale = tensor(1, 6, 3.0).squeeze(0).unwrap();
        let ours = rms_norm_backward(&x, &scale, 1e-5, &weights, Some(&through), true).unwrap();
        let theirs = composed_rms_norm_backward(&x, &scale, 1e-5, &weights, Some(&through), true).unwrap();
        assert!(distance(&ours.0, &theirs.0) < 1e-12 && distance(&ours.1.unwrap(), &theirs.1.unwrap()) < 1e-12);
    }
}
