//! Single-precision attention of one short sequence at a time, straight from the fused projections.
//!
//! Sequences here have tens of tokens. One matrix product per sequence and head would be too small to run well, so the scores
//! of four queries against sixteen keys are held in registers instead, and no score matrix is ever written to memory.

use super::simd::{LANES, exponential, multiply_add, sum_lanes, vectorised};

/// Queries handled together.
const QUERIES: usize = 4;

/// One sequence's projections and how to attend over them.
#[derive(Clone, Copy)]
pub(super) struct Sequence<'a> {
    /// Query rows, `query_stride` apart; each begins with the heads' queries side by side.
    pub query: &'a [f32],
    pub query_stride: usize,
    pub query_bias: Option<&'a [f32]>,
    /// Key-and-value rows, `row_stride` apart, with the heads' keys from `key` and their values from `value` on.
    pub rows: &'a [f32],
    pub row_stride: usize,
    pub key: usize,
    pub value: usize,
    /// Bias in the layout of a row of `rows`.
    pub row_bias: Option<&'a [f32]>,
    pub heads: usize,
    pub width: usize,
    pub scale: f32,
    /// Where in the sequence each query stands.
    pub positions: &'a [usize],
    /// Cosines and sines, `width / 2` per position.
    pub rotary: Option<(&'a [f32], &'a [f32])>,
    /// Largest distance a query sees.
    pub window: Option<usize>,
}

/// Memory reused from sequence to sequence.
#[derive(Default)]
pub(super) struct Scratch {
    query: Vec<f32>,
    /// Keys, transposed: `[width, keys rounded up]`.
    keys: Vec<f32>,
    /// Values: `[keys, width rounded up]`.
    values: Vec<f32>,
    weights: Vec<f32>,
    row: Vec<f32>,
}

/// Copies one head's part of a row, adds its bias and turns it by its position.
#[inline(always)]
fn load<const FMA: bool>(
    into: &mut [f32],
    from: &[f32],
    bias: Option<&[f32]>,
    rotary: Option<(&[f32], &[f32])>,
    position: usize,
) {
    into.copy_from_slice(from);
    if let Some(bias) = bias {
        for (x, &b) in into.iter_mut().zip(bias) {
            *x += b;
        }
    }
    if let Some((cosines, sines)) = rotary {
        let half = into.len() / 2;
        let (low, high) = into.split_at_mut(half);
        let turns = cosines[position * half..].iter().zip(&sines[position * half..]);
        for ((a, b), (&cosine, &sine)) in low.iter_mut().zip(high).zip(turns) {
            (*a, *b) = (multiply_add::<FMA>(*a, cosine, -*b * sine), multiply_add::<FMA>(*b, cosine, *a * sine));
        }
    }
}

/// Turns scores into weights that sum to one over the keys a query sees; the other weights become 0.
#[inline(always)]
fn softmax<const FMA: bool>(weights: &mut [f32], keys: usize, position: usize, window: Option<usize>) {
    let (from, to) = match window {
        Some(window) => (position.saturating_sub(window), keys.min(position + window + 1)),
        None => (0, keys),
    };
    let top = weights[from..to].iter().fold(f32::NEG_INFINITY, |top, &x| top.max(x));
    let mut lanes = [0.0; LANES];
    let (blocks, _) = weights.as_chunks_mut::<LANES>();
    for (block_index, block) in blocks.iter_mut().enumerate() {
        for (lane, x) in block.iter_mut().enumerate() {
            let key = block_index * LANES + lane;
            let e = exponential::<FMA>(*x - top);
            *x = if key >= from && key < to { e } else { 0.0 };
            lanes[lane] += *x;
        }
    }
    let factor = 1.0 / sum_lanes(lanes);
    for x in weights {
        *x *= factor;
    }
}

#[inline(always)]
fn attend_body<const FMA: bool>(out: &mut [f32], sequence: &Sequence<'_>, scratch: &mut Scratch) {
    let Sequence { width, heads, rotary, .. } = *sequence;
    let (queries, hidden) = (sequence.positions.len(), heads * width);
    let keys = sequence.rows.len() / sequence.row_stride;
    let (keys_up, width_up) = (keys.next_multiple_of(LANES), width.next_multiple_of(LANES));
    scratch.query.resize(queries.next_multiple_of(QUERIES) * width, 0.0);
    scratch.keys.resize(width * keys_up, 0.0);
    scratch.values.resize(keys * width_up, 0.0);
    scratch.weights.resize(QUERIES * keys_up, 0.0);
    scratch.row.resize(width, 0.0);
    let Scratch { query, keys: key_columns, values, weights, row } = scratch;
    for head in 0..heads {
        let at = head * width;
        for (index, &position) in sequence.positions.iter().enumerate() {
            let from = &sequence.query[index * sequence.query_stride + at..][..width];
            let into = &mut query[index * width..][..width];
            load::<FMA>(into, from, sequence.query_bias.map(|b| &b[at..at + width]), rotary, position);
            for x in into {
                *x *= sequence.scale;
            }
        }
        for (index, source) in sequence.rows.chunks_exact(sequence.row_stride).enumerate() {
            let (key, value) = (sequence.key + at, sequence.value + at);
            load::<FMA>(row, &source[key..key + width], sequence.row_bias.map(|b| &b[key..key + width]), rotary, index);
            for (c, &x) in row.iter().enumerate() {
                key_columns[c * keys_up + index] = x;
            }
            load::<FMA>(
                &mut values[index * width_up..][..width],
                &source[value..value + width],
                sequence.row_bias.map(|b| &b[value..value + width]),
                None,
                index,
            );
        }
        for first in (0..queries).step_by(QUERIES) {
            for block in (0..keys_up).step_by(LANES) {
                let mut sums = [[0.0f32; LANES]; QUERIES];
                for c in 0..width {
                    let column: &[f32] = &key_columns[c * keys_up + block..][..LANES];
                    for (q, sums) in sums.iter_mut().enumerate() {
                        let x = query[(first + q) * width + c];
                        for (sum, &k) in sums.iter_mut().zip(column) {
                            *sum = multiply_add::<FMA>(x, k, *sum);
                        }
                    }
                }
                for (q, sums) in sums.iter().enumerate() {
                    weights[q * keys_up + block..][..LANES].copy_from_slice(sums);
                }
            }
            let present = QUERIES.min(queries - first);
            for q in 0..present {
                let position = sequence.positions[first + q];
                softmax::<FMA>(&mut weights[q * keys_up..][..keys_up], keys, position, sequence.window);
            }
            for block in (0..width_up).step_by(LANES) {
                let mut sums = [[0.0f32; LANES]; QUERIES];
                for j in 0..keys {
                    let value: &[f32] = &values[j * width_up + block..][..LANES];
                    for (q, sums) in sums.iter_mut().enumerate() {
                        let weight = weights[q * keys_up + j];
                        for (sum, &v) in sums.iter_mut().zip(value) {
                            *sum = multiply_add::<FMA>(weight, v, *sum);
                        }
                    }
                }
                let take = LANES.min(width - block);
                for (q, sums) in sums.iter().enumerate().take(present) {
                    out[(first + q) * hidden + at + block..][..take].copy_from_slice(&sums[..take]);
                }
            }
        }
    }
}

vectorised! {
    /// out := the heads' contexts side by side, `[queries, heads * width]`, for one sequence.
    fn attend(out: &mut [f32], sequence: &Sequence<'_>, scratch: &mut Scratch) = attend_body
}
