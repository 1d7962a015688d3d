//! The passes between matrix products, each in two forms.
//!
//! On the processor in single precision they are fused loops ([`pointwise`], [`attention`]). In double precision, and on an
//! accelerator, they are compositions of plain candle operations, which say the same in the open. Tests hold the two together.

mod attention;
mod fused;
mod pointwise;
mod simd;

use candle_core::{D, DType, Device, Tensor};

use super::config::Activation;

/// What candle's operations return; layers that are loaded fail in other ways too.
pub(super) type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// Whether the fused loops apply to `x`.
fn is_fused(x: &Tensor) -> bool {
    x.dtype() == DType::F32 && matches!(x.device(), Device::Cpu)
}

/// An affine map, stored `[in, out]` so that a product reads it along its rows.
#[derive(Clone)]
pub(super) struct Linear {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl Linear {
    /// From a weight in the usual `[out, in]` layout.
    pub fn new(weight: &Tensor, bias: Option<Tensor>) -> Result<Self> {
        Ok(Self { weight: weight.t()?.contiguous()?, bias })
    }

    /// x W, without the bias, which the pass after it adds.
    pub fn product(&self, x: &Tensor) -> Result<Tensor> {
        product(x, &self.weight)
    }

    /// x W + b.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let product = self.product(x)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }

    /// The columns `from..from + count` as a map of their own.
    pub fn columns(&self, from: usize, count: usize) -> Result<Self> {
        Ok(Self {
            weight: self.weight.narrow(1, from, count)?.contiguous()?,
            bias: self.bias.as_ref().map(|b| b.narrow(0, from, count)?.contiguous()).transpose()?,
        })
    }

    pub fn to_dtype(&self, dtype: DType) -> Result<Self> {
        Ok(Self { weight: self.weight.to_dtype(dtype)?, bias: convert(&self.bias, dtype)? })
    }
}

/// Whether [`product`] gives each row the same bits whatever rows stand beside it: so with the matrix product built in, not
/// with a library linked in its place.
pub(super) const ROW_WISE: bool = cfg!(not(any(feature = "mkl", feature = "accelerate")));

/// x W, `x` being `[rows, in]` and W `[in, out]`. On the processor in single precision the bits of a row depend on it alone.
///
/// The built-in product adds up the terms of every number in one order, cut at the same places whatever the rows, with three
/// exceptions: one row, few numbers in all, and long sums in small matrices. Rows of zeros keep it from those.
pub(super) fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (rows, terms) = x.dims2()?;
    let least = least_rows(terms, weight.dim(1)?);
    if !is_fused(x) || rows >= least {
        return x.matmul(weight);
    }
    x.pad_with_zeros(0, 0, least - rows)?.matmul(weight)?.narrow(0, 0, rows)
}

/// Rows from which on the built-in product of `[rows, terms]` and `[terms, out]` takes its general path.
fn least_rows(terms: usize, out: usize) -> usize {
    if terms > 512 && out <= 64 {
        return 65;
    }
    (256 / out + 1).max(2)
}

/// The rows of `x` one after another in double precision, with `bias` added to each.
pub(super) fn raised(x: &Tensor, bias: &[f64]) -> Result<Vec<f64>> {
    if is_fused(x) {
        return fused::raised(x, bias);
    }
    let x = x.flatten_all()?;
    let mut values: Vec<f64> = match x.dtype() {
        DType::F64 => x.to_vec1()?,
        _ => x.to_dtype(DType::F32)?.to_vec1::<f32>()?.into_iter().map(f64::from).collect(),
    };
    for row in values.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(value, bias)| *value += bias);
    }
    Ok(values)
}

/// Converts a tensor that may be absent.
pub(super) fn convert(tensor: &Option<Tensor>, dtype: DType) -> Result<Option<Tensor>> {
    tensor.as_ref().map(|t| t.to_dtype(dtype)).transpose()
}

/// Layer normalisation (Ba et al., arXiv 1607.06450).
#[derive(Clone)]
pub(super) struct Norm {
    pub scale: Tensor,
    pub shift: Option<Tensor>,
    pub eps: f64,
}

impl Norm {
    pub fn to_dtype(&self, dtype: DType) -> Result<Self> {
        Ok(Self { scale: self.scale.to_dtype(dtype)?, shift: convert(&self.shift, dtype)?, eps: self.eps })
    }

    /// norm(x), leaving `x` as it is.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if is_fused(x) { self.after_sum(x.copy()?, None, None) } else { self.composed(x) }
    }

    /// norm(x + bias + residual), over the rows of `x` `[rows, width]`. Takes `x`, which nothing else may hold: the fused form
    /// writes over it.
    pub fn after_sum(&self, x: Tensor, bias: Option<&Tensor>, residual: Option<&Tensor>) -> Result<Tensor> {
        if is_fused(&x) {
            x.inplace_op1(&fused::AddNorm { bias, residual, norm: self })?;
            return Ok(x);
        }
        let mut sum = x;
        if let Some(residual) = residual {
            sum = (sum + residual)?;
        }
        if let Some(bias) = bias {
            sum = sum.broadcast_add(bias)?;
        }
        self.composed(&sum)
    }

    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        if is_half(x) {
            // Sums and squares of half-precision numbers lose digits, or overflow.
            return self.to_dtype(DType::F32)?.composed(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype());
        }
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let scaled = centred.broadcast_div(&(variance + self.eps)?.sqrt()?)?.broadcast_mul(&self.scale)?;
        match &self.shift {
            Some(shift) => scaled.broadcast_add(shift),
            None => Ok(scaled),
        }
    }
}

/// Whether `x` is in half precision, in which only products are computed.
fn is_half(x: &Tensor) -> bool {
    matches!(x.dtype(), DType::BF16 | DType::F16)
}

/// Softmax over the last dimension.
pub(super) fn softmax(x: &Tensor) -> Result<Tensor> {
    if is_half(x) {
        return candle_nn::ops::softmax(&x.to_dtype(DType::F32)?, D::Minus1)?.to_dtype(x.dtype());
    }
    candle_nn::ops::softmax(x, D::Minus1)
}

/// The activation of `x`, by plain operations.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if is_half(x) {
        return activate(&x.to_dtype(DType::F32)?, activation)?.to_dtype(x.dtype());
    }
    match activation {
        Activation::Gelu => (x * 0.5)? * ((x * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)?,
        Activation::GeluTanh => {
            let inner = ((x + (x.powf(3.0)? * 0.044715)?)? * (2.0 / std::f64::consts::PI).sqrt())?;
            (x * 0.5)? * (inner.tanh()? + 1.0)?
        }
        Activation::Relu => x.relu(),
        Activation::Silu => x / (x.neg()?.exp()? + 1.0)?,
        Activation::Tanh => x.tanh(),
    }
}

/// activation(x + bias). Takes `x`, which nothing else may hold: the fused form writes over it.
pub(super) fn bias_activation(x: Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    if is_fused(&x) {
        x.inplace_op1(&fused::BiasActivation { bias, activation })?;
        return Ok(x);
    }
    match bias {
        Some(bias) => activate(&x.broadcast_add(bias)?, activation),
        None => activate(&x, activation),
    }
}

/// activation(a) * b, where a row of `x + bias` is a, b side by side.
pub(super) fn gated(x: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let width = x.dim(D::Minus1)? / 2;
    if is_fused(x) {
        return x.apply_op1_no_bwd(&fused::Gated { bias, activation });
    }
    let x = match bias {
        Some(bias) => x.broadcast_add(bias)?,
        None => x.clone(),
    };
    activate(&x.narrow(D::Minus1, 0, width)?, activation)? * x.narrow(D::Minus1, width, width)?
}

/// Rotary position tables (Su et al., arXiv 2104.09864), `[positions, width / 2]` each.
#[derive(Clone)]
pub(super) struct Rotary {
    pub cosines: Tensor,
    pub sines: Tensor,
}

impl Rotary {
    /// Tables computed in double precision and rounded once.
    pub fn new(theta: f64, width: usize, positions: usize, dtype: DType, device: &Device) -> Result<Self> {
        let half = width / 2;
        let angles: Vec<f64> = (0..positions)
            .flat_map(|p| (0..half).map(move |i| p as f64 / theta.powf(2.0 * i as f64 / width as f64)))
            .collect();
        let table = |f: fn(f64) -> f64| {
            let values: Vec<f64> = angles.iter().map(|&a| f(a)).collect();
            Tensor::from_vec(values, (positions, half), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
        };
        Ok(Self { cosines: table(f64::cos)?, sines: table(f64::sin)? })
    }

    /// Turns `x` `[batch, heads, rows, width]` by the positions of its rows, `[batch * rows]` or `[rows]` of them.
    fn turn(&self, x: &Tensor, positions: &Tensor) -> Result<Tensor> {
        let (batch, _, rows, width) = x.dims4()?;
        let groups = if positions.elem_count() == rows { 1 } else { batch };
        let table = |t: &Tensor| t.index_select(positions, 0)?.reshape((groups, 1, rows, width / 2));
        let (cosines, sines) = (table(&self.cosines)?, table(&self.sines)?);
        let (low, high) = (x.narrow(3, 0, width / 2)?, x.narrow(3, width / 2, width / 2)?);
        let turned_low = (low.broadcast_mul(&cosines)? - high.broadcast_mul(&sines)?)?;
        let turned_high = (high.broadcast_mul(&cosines)? + low.broadcast_mul(&sines)?)?;
        Tensor::cat(&[turned_low, turned_high], 3)
    }
}

/// Which positions of each sequence are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    /// Every position.
    All,
    /// One position per sequence.
    One(&'a [usize]),
}

/// A batch of sequences of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub batch: usize,
    pub length: usize,
}

impl Shape {
    /// Row numbers, in a `[batch * length, ...]` tensor, of what is asked.
    pub fn rows(&self, asked: &[usize], device: &Device) -> Result<Tensor> {
        let rows: Vec<u32> = asked.iter().enumerate().map(|(b, &p)| (b * self.length + p) as u32).collect();
        Tensor::from_vec(rows, asked.len(), device)
    }
}

/// Scaled dot-product attention over projections that still lack their biases.
pub(super) struct Attention<'a> {
    pub shape: Shape,
    pub heads: usize,
    pub scale: f64,
    pub asked: Asked<'a>,
    pub rotary: Option<&'a Rotary>,
    pub window: Option<usize>,
}

/// Projections for [`Attention`], and their biases.
pub(super) enum Projections<'a> {
    /// Queries, keys and values side by side, `[batch * length, 3 * hidden]`.
    Fused { all: &'a Tensor, bias: Option<&'a Tensor> },
    /// Queries of the asked rows, and keys and values of every row side by side.
    Split { query: &'a Tensor, query_bias: Option<&'a Tensor>, rest: &'a Tensor, rest_bias: Option<&'a Tensor> },
}

impl Attention<'_> {
    /// The heads' contexts side by side, `[batch * queries, hidden]`.
    pub fn forward(&self, projections: &Projections<'_>) -> Result<Tensor> {
        let rows = match projections {
            Projections::Fused { all, .. } => all,
            Projections::Split { rest, .. } => rest,
        };
        if is_fused(rows) {
            return rows.apply_op1_no_bwd(&fused::Attend { attention: self, projections });
        }
        let biased = |x: &Tensor, bias: Option<&Tensor>| match bias {
            Some(bias) => x.broadcast_add(bias),
            None => Ok(x.clone()),
        };
        let (query, key, value) = match projections {
            Projections::Fused { all, bias } => {
                let all = biased(all, *bias)?;
                let hidden = all.dim(1)? / 3;
                (all.narrow(1, 0, hidden)?, all.narrow(1, hidden, hidden)?, all.narrow(1, 2 * hidden, hidden)?)
            }
            Projections::Split { query, query_bias, rest, rest_bias } => {
                let rest = biased(rest, *rest_bias)?;
                let hidden = rest.dim(1)? / 2;
                (biased(query, *query_bias)?, rest.narrow(1, 0, hidden)?, rest.narrow(1, hidden, hidden)?)
            }
        };
        let (mut query, mut key, value) = (self.by_head(&query)?, self.by_head(&key)?, self.by_head(&value)?);
        if let Some(rotary) = self.rotary {
            let device = &value.device().clone();
            query = rotary.turn(&query, &self.positions(device)?)?.contiguous()?;
            let every: Vec<u32> = (0..self.shape.length as u32).collect();
            key = rotary.turn(&key, &Tensor::from_vec(every, self.shape.length, device)?)?.contiguous()?;
        }
        let mut scores = (query.matmul(&key.t()?)? * self.scale)?;
        if let Some(window) = self.window {
            scores = scores.broadcast_add(&self.window_mask(window, &scores)?)?;
        }
        self.side_by_side(&softmax(&scores)?.matmul(&value)?)
    }

    /// `[batch * rows, hidden]` as `[batch, heads, rows, width]`.
    pub fn by_head(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, hidden) = x.dims2()?;
        x.reshape((self.shape.batch, rows / self.shape.batch, self.heads, hidden / self.heads))?
            .transpose(1, 2)?
            .contiguous()
    }

    /// The inverse of [`Self::by_head`].
    pub fn side_by_side(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, heads, rows, width) = x.dims4()?;
        x.transpose(1, 2)?.contiguous()?.reshape((batch * rows, heads * width))
    }

    /// Where the queries stand: `[length]`, or one per sequence.
    fn positions(&self, device: &Device) -> Result<Tensor> {
        let positions: Vec<u32> = match self.asked {
            Asked::All => (0..self.shape.length as u32).collect(),
            Asked::One(asked) => asked.iter().map(|&p| p as u32).collect(),
        };
        let count = positions.len();
        Tensor::from_vec(positions, count, device)
    }

    /// 0 where a query sees a key and -1e30 elsewhere (finite, since 0 times infinity is not a number).
    fn window_mask(&self, window: usize, scores: &Tensor) -> Result<Tensor> {
        let every: Vec<usize> = (0..self.shape.length).collect();
        let (groups, queries) = match self.asked {
            Asked::All => (1, every.as_slice()),
            Asked::One(asked) => (asked.len(), asked),
        };
        let mask: Vec<f32> = queries
            .iter()
            .flat_map(|&q| every.iter().map(move |&k| if q.abs_diff(k) <= window { 0.0 } else { -1e30 }))
            .collect();
        Tensor::from_vec(mask, (groups, 1, queries.len() / groups, self.shape.length), scores.device())?
            .to_dtype(scores.dtype())
    }
}
