//! The attention of `attention` as compositions of candle's operations, for accelerators.

use candle_core::{D, DType, Device, Result, Tensor};

use super::attention::{Branching, Heads};
use super::rope::Rotary;

/// One sequence's tables and sizes on a device.
struct Sequence<'a> {
    tree: &'a Branching,
    heads: Heads,
    cos: Tensor,
    sin: Tensor,
}

/// Heads first: (heads, rows, width) out of (rows, heads * width).
fn split(x: &Tensor, width: usize) -> Result<Tensor> {
    let (rows, all) = x.dims2()?;
    x.reshape((rows, all / width, width))?.transpose(0, 1)?.contiguous()
}

fn joined(x: &Tensor) -> Result<Tensor> {
    let (heads, rows, width) = x.dims3()?;
    x.transpose(0, 1)?.contiguous()?.reshape((rows, heads * width))
}

impl<'a> Sequence<'a> {
    fn new(tree: &'a Branching, heads: Heads, rotary: &Rotary, dtype: DType, device: &Device) -> Result<Self> {
        Self::at(tree, 0, heads, rotary, dtype, device)
    }

    /// A sequence that begins at position `start`.
    fn at(
        tree: &'a Branching,
        start: usize,
        heads: Heads,
        rotary: &Rotary,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let positions: Vec<usize> = tree.positions().iter().map(|position| start + position).collect();
        let (cos, sin) = rotary.rows(&positions);
        let table = |values: Vec<f64>| {
            let half = heads.width / 2;
            let rows = values.len() / half;
            // Single precision first: half precision cannot tell late positions apart.
            let wide = Tensor::from_vec(values, (1, rows, half), &Device::Cpu)?;
            wide.to_dtype(if dtype == DType::F64 { dtype } else { DType::F32 })?.to_device(device)
        };
        Ok(Self { tree, heads, cos: table(cos)?, sin: table(sin)? })
    }

    /// Turned (or turned back) rows of every head.
    fn turn(&self, x: &Tensor, backward: bool) -> Result<Tensor> {
        let half = self.heads.width / 2;
        let wide = x.to_dtype(self.cos.dtype())?;
        let (first, second) = (wide.narrow(D::Minus1, 0, half)?, wide.narrow(D::Minus1, half, half)?);
        let sin = if backward { self.sin.neg()? } else { self.sin.clone() };
        let a = first.broadcast_mul(&self.cos)?.sub(&second.broadcast_mul(&sin)?)?;
        let b = second.broadcast_mul(&self.cos)?.add(&first.broadcast_mul(&sin)?)?;
        Tensor::cat(&[a, b], D::Minus1)?.to_dtype(x.dtype())
    }

    /// The prompt's path and every branch's: first key count, first row and number of the queries.
    fn paths(&self) -> Vec<(usize, usize, usize)> {
        let mut paths = Vec::new();
        if self.tree.prompt > 0 {
            paths.push((0, 0, self.tree.prompt));
        }
        paths.extend(
            self.tree.starts().filter(|(_, length)| *length > 0).map(|(start, n)| (self.tree.prompt, start, n)),
        );
        paths
    }

    /// Keys or values along a path.
    fn along(&self, x: &Tensor, (first, start, length): (usize, usize, usize)) -> Result<Tensor> {
        let own = x.narrow(1, start, length)?;
        if first == 0 { own.contiguous() } else { Tensor::cat(&[x.narrow(1, 0, first)?, own], 1)?.contiguous() }
    }

    /// Queries of a path, the heads of a group one under the other: (kv, group * n, width).
    fn grouped(&self, x: &Tensor, (_, start, length): (usize, usize, usize)) -> Result<Tensor> {
        let Heads { queries, kv, width } = self.heads;
        x.narrow(1, start, length)?.contiguous()?.reshape((kv, queries / kv * length, width))
    }

    fn weights(&self, q: &Tensor, k: &Tensor, (first, _, length): (usize, usize, usize)) -> Result<Tensor> {
        let Heads { queries, kv, width } = self.heads;
        let seen = first + length;
        let scores = (q.matmul(&k.t()?)? * (1.0 / (width as f64).sqrt()))?;
        let wide = if scores.dtype() == DType::F64 { scores } else { scores.to_dtype(DType::F32)? };
        let mask: Vec<f32> = (0..length)
            .flat_map(|query| (0..seen).map(move |key| if key > first + query { -1e30 } else { 0.0 }))
            .collect();
        let mask = Tensor::from_vec(mask, (1, 1, length, seen), q.device())?.to_dtype(wide.dtype())?;
        let wide = wide.reshape((kv, queries / kv, length, seen))?.broadcast_add(&mask)?;
        let shifted = wide.broadcast_sub(&wide.max_keepdim(D::Minus1)?)?.exp()?;
        let weights = shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)?;
        weights.reshape((kv, queries / kv * length, seen))?.to_dtype(q.dtype())
    }
}

/// The rows of each sequence.
fn spans(trees: &[Branching]) -> impl Iterator<Item = (&Branching, usize, usize)> {
    trees.iter().scan(0, |next, tree| {
        let start = *next;
        *next += tree.rows();
        Some((tree, start, tree.rows()))
    })
}

/// Rows of heads turned by their positions, the first of which is `start`, for accelerators.
pub(super) fn turned(x: &Tensor, width: usize, start: usize, rotary: &Rotary) -> Result<Tensor> {
    let (rows, all) = x.dims2()?;
    let heads = Heads { queries: all / width, kv: all / width, width };
    let tree = Branching { prompt: 0, branches: vec![rows] };
    let sequence = Sequence::at(&tree, start, heads, rotary, x.dtype(), x.device())?;
    joined(&sequence.turn(&split(x, width)?, false)?)
}

/// Attention of one row of turned queries to turned keys and to values, (rows, kv * width) each.
pub(super) fn one_query(q: &Tensor, keys: &Tensor, values: &Tensor, heads: Heads) -> Result<Tensor> {
    let Heads { queries, kv, width } = heads;
    let q = q.reshape((kv, queries / kv, width))?;
    let scores = (q.matmul(&split(keys, width)?.t()?)? * (1.0 / (width as f64).sqrt()))?;
    let wide = if scores.dtype() == DType::F64 { scores } else { scores.to_dtype(DType::F32)? };
    let shifted = wide.broadcast_sub(&wide.max_keepdim(D::Minus1)?)?.exp()?;
    let weights = shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)?.to_dtype(q.dtype())?;
    weights.matmul(&split(values, width)?)?.reshape((1, queries * width))
}

pub(super) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: Heads,
    trees: &[Branching],
    rotary: &Rotary,
) -> Result<Tensor> {
    let mut parts = Vec::new();
    for (tree, start, rows) in spans(trees) {
        let sequence = Sequence::new(tree, heads, rotary, q.dtype(), q.device())?;
        let part = |x: &Tensor| split(&x.narrow(0, start, rows)?, heads.width);
        let (q, k, v) = (sequence.turn(&part(q)?, false)?, sequence.turn(&part(k)?, false)?, part(v)?);
        for path in sequence.paths() {
            let weights = sequence.weights(&sequence.grouped(&q, path)?, &sequence.along(&k, path)?, path)?;
            let out = weights.matmul(&sequence.along(&v, path)?)?;
            parts.push(joined(&out.reshape((heads.queries, path.2, heads.width))?)?);
        }
    }
    Tensor::cat(&parts, 0)
}

pub(super) fn attention_backward(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    grad: &Tensor,
    heads: Heads,
    trees: &[Branching],
    rotary: &Rotary,
) -> Result<[Tensor; 3]> {
    let mut parts: [Vec<Tensor>; 3] = Default::default();
    for (tree, start, rows) in spans(trees) {
        let sequence = Sequence::new(tree, heads, rotary, q.dtype(), q.device())?;
        let part = |x: &Tensor| split(&x.narrow(0, start, rows)?, heads.width);
        let (q, k) = (sequence.turn(&part(q)?, false)?, sequence.turn(&part(k)?, false)?);
        let (v, grad) = (part(v)?, part(grad)?);
        let mut to_queries = Vec::new();
        let (mut to_keys, mut to_values) = (k.zeros_like()?, v.zeros_like()?);
        for path in sequence.paths() {
            let (queries, keys, values) =
                (sequence.grouped(&q, path)?, sequence.along(&k, path)?, sequence.along(&v, path)?);
            let grad = sequence.grouped(&grad, path)?;
            let weights = sequence.weights(&queries, &keys, path)?;
            let slopes = grad.matmul(&values.t()?)?;
            let mean = slopes.mul(&weights)?.sum_keepdim(D::Minus1)?;
            let scores = (weights.mul(&slopes.broadcast_sub(&mean)?)? * (1.0 / (heads.width as f64).sqrt()))?;
            let to_query = scores.matmul(&keys)?.reshape((heads.queries, path.2, heads.width))?;
            to_queries.push(to_query);
            // Padded to all rows: where the path's keys lie among the sequence's.
            let spread = |x: Tensor| -> Result<Tensor> {
                let (first, start, length) = path;
                let own = x.narrow(1, first, length)?.pad_with_zeros(1, start, rows - start - length)?;
                if first == 0 { Ok(own) } else { own + x.narrow(1, 0, first)?.pad_with_zeros(1, 0, rows - first)? }
            };
            to_keys = (to_keys + spread(scores.t()?.matmul(&queries)?)?)?;
            to_values = (to_values + spread(weights.t()?.matmul(&grad)?)?)?;
        }
        let to_queries = Tensor::cat(&to_queries, 1)?;
        parts[0].push(joined(&sequence.turn(&to_queries, true)?)?);
        parts[1].push(joined(&sequence.turn(&to_keys, true)?)?);
        parts[2].push(joined(&to_values)?);
    }
    let [q, k, v] = parts;
    Ok([Tensor::cat(&q, 0)?, Tensor::cat(&k, 0)?, Tensor::cat(&v, 0)?])
}

#[cfg(test)]
mod tests {
    use super::super::attention as cpu;
    use super::*;
    use crate::models::llama::config::LlamaConfig;

    fn tensor(rows: usize, width: usize, phase: f64) -> Tensor {
        let values: Vec<f64> = (0..rows * width).map(|i| (i as f64 * 0.7 + phase).sin()).collect();
        Tensor::from_vec(values, (rows, width), &Device::Cpu).unwrap()
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        a.sub(b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    fn rotary(width: usize) -> Rotary {
        let text = format!(
            r#"{{"model_type":"llama","vocab_size":4,"hidden_size":{width},"num_hidden_layers":1,
               "num_attention_heads":1,"intermediate_size":4}}"#
        );
        Rotary::new(&LlamaConfig::parse(&text).unwrap(), 300)
    }

    /// A pair that shares a long prompt, a single text, and a branch of no rows; more rows than a block has.
    #[test]
    fn both_attentions_agree_and_sharing_a_prompt_changes_nothing() {
        let heads = Heads { queries: 4, kv: 2, width: 6 };
        let trees = [
            Branching { prompt: 70, branches: vec![5, 80] },
            Branching { prompt: 0, branches: vec![9] },
            Branching { prompt: 3, branches: vec![0, 2] },
        ];
        let rows = trees.iter().map(Branching::rows).sum();
        let rotary = rotary(6);
        let (q, k, v) = (tensor(rows, 24, 0.0), tensor(rows, 12, 1.0), tensor(rows, 12, 2.0));
        let grad = tensor(rows, 24, 3.0);
        let ours = cpu::attention(&q, &k, &v, heads, &trees, &rotary).unwrap();
        let theirs = attention(&q, &k, &v, heads, &trees, &rotary).unwrap();
        assert!(distance(&ours, &theirs) < 1e-12);
        let our_slopes = cpu::attention_backward(&q, &k, &v, &grad, heads, &trees, &rotary).unwrap();
        let their_slopes = attention_backward(&q, &k, &v, &grad, heads, &trees, &rotary).unwrap();
        for (a, b) in our_slopes.iter().zip(&their_slopes) {
            assert!(distance(a, b) < 1e-11);
        }
        // The second branch alone behind a copy of the prompt.
        let alone = [Branching { prompt: 0, branches: vec![150] }];
        let pick = |x: &Tensor| Tensor::cat(&[x.narrow(0, 0, 70).unwrap(), x.narrow(0, 75, 80).unwrap()], 0).unwrap();
        let single = cpu::attention(&pick(&q), &pick(&k), &pick(&v), heads, &alone, &rotary).unwrap();
        assert!(distance(&single, &pick(&ours)) < 1e-12);
    }

    #[test]
    fn gradients_are_slopes() {
        let heads = Heads { queries: 2, kv: 1, width: 4 };
        let trees = [Branching { prompt: 3, branches: vec![2, 3] }];
        let rotary = rotary(4);
        let inputs = [tensor(8, 8, 0.0), tensor(8, 4, 1.0), tensor(8, 4, 2.0)];
        let grad = tensor(8, 8, 3.0);
        let value = |x: &[Tensor; 3]| {
            let out = cpu::attention(&x[0], &x[1], &x[2], heads, &trees, &rotary).unwrap();
            out.mul(&grad).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap()
        };
        let slopes =
            cpu::attention_backward(&inputs[0], &inputs[1], &inputs[2], &grad, heads, &trees, &rotary).unwrap();
        for (which, slopes) in slopes.iter().enumerate() {
            let slopes: Vec<f64> = slopes.flatten_all().unwrap().to_vec1().unwrap();
            let start: Vec<f64> = inputs[which].flatten_all().unwrap().to_vec1().unwrap();
            for (at, slope) in slopes.iter().enumerate() {
                let moved = |step: f64| {
                    let mut values = start.clone();
                    values[at] += step;
                    let mut inputs = inputs.clone();
                    inputs[which] = Tensor::from_vec(values, inputs[which].shape(), &Device::Cpu).unwrap();
                    value(&inputs)
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((slope - expected).abs() < 1e-8, "input {which}, number {at}: {slope} {expected}");
            }
        }
    }
}
