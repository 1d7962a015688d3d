//! The fused loops as candle operations: they find the numbers behind tensors and share rows out among threads.
//!
//! A row is computed by one thread and in one order, so the bits do not depend on the number of threads.

use candle_core::{CpuStorage, CustomOp1, InplaceOp1, Layout, Result, Shape as TensorShape, Storage, Tensor, bail};
use rayon::prelude::*;

use super::super::config::Activation;
use super::attention::{Scratch, Sequence, attend};
use super::{Asked, Attention, Norm, Projections, pointwise};

/// Numbers per task below which sharing out costs more than it gains.
const PER_TASK: usize = 1 << 15;

/// Runs `f` on the contiguous numbers of `tensor`.
fn with_slice<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(contiguous(storage, layout)?),
        _ => bail!("a fused loop was given a tensor that is not on the processor"),
    }
}

/// As [`with_slice`], for a tensor that may be absent.
fn with_optional<R>(tensor: Option<&Tensor>, f: impl FnOnce(Option<&[f32]>) -> Result<R>) -> Result<R> {
    match tensor {
        Some(tensor) => with_slice(tensor, |slice| f(Some(slice))),
        None => f(None),
    }
}

/// See [`super::raised`].
pub(super) fn raised(x: &Tensor, bias: &[f64]) -> Result<Vec<f64>> {
    with_slice(x, |x| {
        let mut values = Vec::with_capacity(x.len());
        for row in x.chunks_exact(bias.len()) {
            values.extend(row.iter().zip(bias).map(|(&value, bias)| f64::from(value) + bias));
        }
        Ok(values)
    })
}

fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("a fused loop was given a tensor with gaps"),
    }
}

fn contiguous_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((from, to)), CpuStorage::F32(numbers)) => Ok(&mut numbers[from..to]),
        _ => bail!("a fused loop was given a tensor with gaps, or one not in single precision"),
    }
}

/// Rows of `width` numbers per task.
fn rows_per_task(numbers: usize, width: usize) -> usize {
    let tasks = (numbers / PER_TASK).clamp(1, rayon::current_num_threads());
    (numbers / width).div_ceil(tasks).max(1)
}

/// x := norm(x + bias + residual).
pub(super) struct AddNorm<'a> {
    pub bias: Option<&'a Tensor>,
    pub residual: Option<&'a Tensor>,
    pub norm: &'a Norm,
}

impl InplaceOp1 for AddNorm<'_> {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let rows = contiguous_mut(storage, layout)?;
        let eps = self.norm.eps as f32;
        with_slice(&self.norm.scale, |scale| {
            with_optional(self.norm.shift.as_ref(), |shift| {
                with_optional(self.bias, |bias| {
                    with_optional(self.residual, |residual| {
                        let part = rows_per_task(rows.len(), scale.len()) * scale.len();
                        if part >= rows.len() {
                            pointwise::add_norm(rows, bias, residual, scale, shift, eps);
                        } else {
                            rows.par_chunks_mut(part).enumerate().for_each(|(index, rows)| {
                                let residual = residual.map(|r| &r[index * part..][..rows.len()]);
                                pointwise::add_norm(rows, bias, residual, scale, shift, eps);
                            });
                        }
                        Ok(())
                    })
                })
            })
        })
    }
}

/// x := activation(x + bias).
pub(super) struct BiasActivation<'a> {
    pub bias: Option<&'a Tensor>,
    pub activation: Activation,
}

impl InplaceOp1 for BiasActivation<'_> {
    fn name(&self) -> &'static str {
        "bias-activation"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = layout.dims().last().copied().unwrap_or(1).max(1);
        let rows = contiguous_mut(storage, layout)?;
        with_optional(self.bias, |bias| {
            let part = rows_per_task(rows.len(), width) * width;
            if part >= rows.len() {
                pointwise::bias_activation(rows, width, bias, self.activation);
            } else {
                rows.par_chunks_mut(part)
                    .for_each(|rows| pointwise::bias_activation(rows, width, bias, self.activation));
            }
            Ok(())
        })
    }
}

/// activation(a) * b for rows a, b.
pub(super) struct Gated<'a> {
    pub bias: Option<&'a Tensor>,
    pub activation: Activation,
}

impl CustomOp1 for Gated<'_> {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, TensorShape)> {
        let pairs = contiguous(storage, layout)?;
        let (rows, double) = layout.shape().dims2()?;
        let width = double / 2;
        let mut out = vec![0.0; rows * width];
        with_optional(self.bias, |bias| {
            let part = rows_per_task(pairs.len(), double);
            if part >= rows {
                pointwise::gated(&mut out, pairs, width, bias, self.activation);
            } else {
                out.par_chunks_mut(part * width)
                    .zip(pairs.par_chunks(part * double))
                    .for_each(|(out, pairs)| pointwise::gated(out, pairs, width, bias, self.activation));
            }
            Ok(())
        })?;
        Ok((CpuStorage::F32(out), (rows, width).into()))
    }
}

/// [`Attention`] over the rows it is applied to: fused projections, or keys and values.
pub(super) struct Attend<'a> {
    pub attention: &'a Attention<'a>,
    pub projections: &'a Projections<'a>,
}

impl CustomOp1 for Attend<'_> {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, TensorShape)> {
        let rows = contiguous(storage, layout)?;
        let stride = layout.shape().dims2()?.1;
        let out = match self.projections {
            Projections::Fused { bias, .. } => with_optional(*bias, |bias| {
                let hidden = stride / 3;
                self.run(hidden, Side { numbers: rows, stride, bias }, Side { numbers: rows, stride, bias }, hidden)
            }),
            Projections::Split { query, query_bias, rest_bias, .. } => with_slice(query, |query| {
                with_optional(*query_bias, |query_bias| {
                    with_optional(*rest_bias, |bias| {
                        let hidden = stride / 2;
                        let queries = Side { numbers: query, stride: hidden, bias: query_bias };
                        self.run(hidden, queries, Side { numbers: rows, stride, bias }, 0)
                    })
                })
            }),
        }?;
        let shape = (out.len() / self.hidden(stride), self.hidden(stride)).into();
        Ok((CpuStorage::F32(out), shape))
    }
}

/// Rows of numbers and the bias they still lack.
#[derive(Clone, Copy)]
struct Side<'a> {
    numbers: &'a [f32],
    stride: usize,
    bias: Option<&'a [f32]>,
}

impl Attend<'_> {
    fn hidden(&self, stride: usize) -> usize {
        match self.projections {
            Projections::Fused { .. } => stride / 3,
            Projections::Split { .. } => stride / 2,
        }
    }

    /// `key` is where the keys begin in a row of `rows`.
    fn run(&self, hidden: usize, query: Side<'_>, rows: Side<'_>, key: usize) -> Result<Vec<f32>> {
        let Attention { shape, heads, scale, asked, rotary, window } = *self.attention;
        let every: Vec<usize> = (0..shape.length).collect();
        let queries = match asked {
            Asked::All => shape.length,
            Asked::One(_) => 1,
        };
        let mut out = vec![0.0; shape.batch * queries * hidden];
        with_optional(rotary.map(|r| &r.cosines), |cosines| {
            with_optional(rotary.map(|r| &r.sines), |sines| {
                let one = |scratch: &mut Scratch, (b, out): (usize, &mut [f32])| {
                    let sequence = Sequence {
                        query: &query.numbers[b * queries * query.stride..][..queries * query.stride],
                        query_stride: query.stride,
                        query_bias: query.bias,
                        rows: &rows.numbers[b * shape.length * rows.stride..][..shape.length * rows.stride],
                        row_stride: rows.stride,
                        key,
                        value: key + hidden,
                        row_bias: rows.bias,
                        heads,
                        width: hidden / heads,
                        scale: scale as f32,
                        positions: match asked {
                            Asked::All => &every,
                            Asked::One(asked) => &asked[b..=b],
                        },
                        rotary: cosines.zip(sines),
                        window,
                    };
                    attend(out, &sequence, scratch);
                };
                let per_sequence = queries * hidden;
                if rayon::current_num_threads() == 1 || shape.batch == 1 || rows.numbers.len() < PER_TASK {
                    let mut scratch = Scratch::default();
                    out.chunks_mut(per_sequence).enumerate().for_each(|item| one(&mut scratch, item));
                } else {
                    out.par_chunks_mut(per_sequence).enumerate().for_each_init(Scratch::default, one);
                }
                Ok(())
            })
        })?;
        Ok(out)
    }
}
