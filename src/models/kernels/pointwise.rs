//! Single-precision passes over rows: normalisation with the sum before it, and activations with the bias before them.

use super::super::config::Activation;
use super::simd::{LANES, error_function, exponential, hyperbolic_tangent, multiply_add, sum_lanes, vectorised};

/// Sum of `f(x)` over a row, in a fixed order.
#[inline(always)]
fn row_sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane += f(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += f(x);
    }
    sum_lanes(lanes)
}

/// (x - mean) / sqrt(variance + eps) * scale + shift, the variance as the mean squared deviation (two passes).
#[inline(always)]
fn normalise_row<const FMA: bool>(row: &mut [f32], scale: &[f32], shift: Option<&[f32]>, eps: f32) {
    let count = row.len() as f32;
    let mean = row_sum(row, |x| x) / count;
    let variance = row_sum(row, |x| (x - mean) * (x - mean)) / count;
    let factor = 1.0 / (variance + eps).sqrt();
    match shift {
        Some(shift) => {
            for ((x, &s), &b) in row.iter_mut().zip(scale).zip(shift) {
                *x = multiply_add::<FMA>((*x - mean) * factor, s, b);
            }
        }
        None => {
            for (x, &s) in row.iter_mut().zip(scale) {
                *x = (*x - mean) * factor * s;
            }
        }
    }
}

#[inline(always)]
fn add_norm_rows<const FMA: bool>(
    rows: &mut [f32],
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
    scale: &[f32],
    shift: Option<&[f32]>,
    eps: f32,
) {
    let width = scale.len();
    for (index, row) in rows.chunks_exact_mut(width).enumerate() {
        if let Some(residual) = residual {
            for (x, &r) in row.iter_mut().zip(&residual[index * width..(index + 1) * width]) {
                *x += r;
            }
        }
        if let Some(bias) = bias {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
        normalise_row::<FMA>(row, scale, shift, eps);
    }
}

vectorised! {
    /// rows := norm(rows + bias + residual), row by row; `scale` gives the width.
    fn add_norm(
        rows: &mut [f32],
        bias: Option<&[f32]>,
        residual: Option<&[f32]>,
        scale: &[f32],
        shift: Option<&[f32]>,
        eps: f32,
    ) = add_norm_rows
}

#[inline(always)]
fn activate<const FMA: bool>(activation: Activation, row: &mut [f32]) {
    // One loop per activation, so that each is a straight line for the vectoriser.
    match activation {
        Activation::Gelu => {
            for x in row {
                let half = 0.5 * *x;
                *x = multiply_add::<FMA>(half, error_function::<FMA>(*x * std::f32::consts::FRAC_1_SQRT_2), half);
            }
        }
        Activation::GeluTanh => {
            for x in row {
                let inner = 0.797_884_6 * multiply_add::<FMA>(0.044_715 * *x * *x, *x, *x);
                *x = 0.5 * *x * (1.0 + hyperbolic_tangent::<FMA>(inner));
            }
        }
        Activation::Relu => {
            for x in row {
                *x = x.max(0.0);
            }
        }
        Activation::Silu => {
            for x in row {
                *x /= 1.0 + exponential::<FMA>(-*x);
            }
        }
        Activation::Tanh => {
            for x in row {
                *x = hyperbolic_tangent::<FMA>(*x);
            }
        }
    }
}

#[inline(always)]
fn bias_activation_rows<const FMA: bool>(rows: &mut [f32], width: usize, bias: Option<&[f32]>, activation: Activation) {
    for row in rows.chunks_exact_mut(width) {
        if let Some(bias) = bias {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
        activate::<FMA>(activation, row);
    }
}

vectorised! {
    /// rows := activation(rows + bias).
    fn bias_activation(rows: &mut [f32], width: usize, bias: Option<&[f32]>, activation: Activation) = bias_activation_rows
}

#[inline(always)]
fn gated_rows<const FMA: bool>(
    out: &mut [f32],
    pairs: &[f32],
    width: usize,
    bias: Option<&[f32]>,
    activation: Activation,
) {
    for (row, pair) in out.chunks_exact_mut(width).zip(pairs.chunks_exact(2 * width)) {
        let (value, gate) = pair.split_at(width);
        row.copy_from_slice(value);
        if let Some(bias) = bias {
            for (x, &b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
        activate::<FMA>(activation, row);
        match bias {
            Some(bias) => {
                for ((x, &g), &b) in row.iter_mut().zip(gate).zip(&bias[width..]) {
                    *x *= g + b;
                }
            }
            None => {
                for (x, &g) in row.iter_mut().zip(gate) {
                    *x *= g;
                }
            }
        }
    }
}

vectorised! {
    /// out := activation(first half + bias) * (second half + bias) of each row of `2 * width` (Shazeer, arXiv 2002.05202).
    fn gated(out: &mut [f32], pairs: &[f32], width: usize, bias: Option<&[f32]>, activation: Activation) = gated_rows
}
