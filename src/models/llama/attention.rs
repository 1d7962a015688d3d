//! Causal attention with grouped heads over branching sequences, with its gradient, on the CPU.
//!
//! A preference pair shares its prompt: the prompt's rows are computed once, and each answer's rows attend to the
//! prompt and to the answer itself. The numbers are those of two separate sequences.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::product::{Cores, Matrix, product};
use super::rope::Rotary;
use crate::models::training::real::{Real, by_dtype, with_slices};

/// Rows of queries whose scores are held at once.
const BLOCK: usize = 64;

/// A prompt and the continuations that begin after it; rows are the prompt's, then each branch's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::models) struct Branching {
    pub(super) prompt: usize,
    pub(super) branches: Vec<usize>,
}

impl Branching {
    pub(super) fn rows(&self) -> usize {
        self.prompt + self.branches.iter().sum::<usize>()
    }

    /// The first row and the length of each branch.
    pub(super) fn starts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.branches.iter().scan(self.prompt, |next, &length| {
            let start = *next;
            *next += length;
            Some((start, length))
        })
    }

    /// Every row's position in its sequence.
    pub(super) fn positions(&self) -> Vec<usize> {
        let branches = self.branches.iter().flat_map(|&length| self.prompt..self.prompt + length);
        (0..self.prompt).chain(branches).collect()
    }
}

/// Heads and their width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub(super) queries: usize,
    pub(super) kv: usize,
    pub(super) width: usize,
}

impl Heads {
    /// Heads of queries served by one of keys and values.
    fn group(self) -> usize {
        self.queries / self.kv
    }
}

/// Queries that follow each other, with every key they may see: `first` keys before the first query, then their own.
struct Path<'a, T> {
    first: usize,
    width: usize,
    /// (first + n, width).
    keys: &'a [T],
    values: &'a [T],
}

impl<T: Real> Path<'_, T> {
    /// Blocks of queries: the first query, their number, and the keys that the last of them sees.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let queries = self.keys.len() / self.width - self.first;
        let first = self.first;
        (0..queries).step_by(BLOCK).map(move |start| {
            let count = BLOCK.min(queries - start);
            (start, count, first + start + count)
        })
    }

    /// softmax of the causal scores of `count` queries (already scaled) against `seen` keys.
    fn weights(&self, queries: &[T], start: usize, count: usize, seen: usize, weights: &mut Vec<T>) {
        weights.clear();
        weights.resize(count * seen, T::ZERO);
        let (a, b) = (Matrix::rows(queries, self.width), Matrix::rows(self.keys, self.width).transposed());
        product((weights, seen), (count, seen, self.width), a, b, T::ONE, false, Cores::One);
        for (query, row) in weights.chunks_mut(seen).enumerate() {
            let visible = self.first + start + query + 1;
            let (row, hidden) = row.split_at_mut(visible);
            hidden.fill(T::ZERO);
            let largest = row.iter().copied().fold(row[0], |a, b| if b > a { b } else { a });
            row.iter_mut().for_each(|x| *x = Real::exp(*x - largest));
            let inverse = T::ONE / row.iter().copied().fold(T::ZERO, |a, b| a + b);
            row.iter_mut().for_each(|x| *x *= inverse);
        }
    }

    /// The attended values of `queries` (n, width).
    fn forward(&self, queries: &[T], out: &mut [T]) {
        let mut weights = Vec::new();
        for (start, count, seen) in self.blocks() {
            self.weights(&queries[start * self.width..], start, count, seen, &mut weights);
            let (a, b) = (Matrix::rows(&weights, seen), Matrix::rows(self.values, self.width));
            let out = &mut out[start * self.width..];
            product((out, self.width), (count, self.width, seen), a, b, T::ONE, false, Cores::One);
        }
    }

    /// Gradients by the queries (written), the keys and the values (added), from that by the attended values.
    fn backward(&self, queries: &[T], grad: &[T], to_queries: &mut [T], to_keys: &mut [T], to_values: &mut [T]) {
        let width = self.width;
        let (mut weights, mut scores) = (Vec::new(), Vec::new());
        for (start, count, seen) in self.blocks() {
            let (queries, grad) = (&queries[start * width..], &grad[start * width..][..count * width]);
            self.weights(queries, start, count, seen, &mut weights);
            scores.clear();
            scores.resize(count * seen, T::ZERO);
            let (grads, values) = (Matrix::rows(grad, width), Matrix::rows(self.values, width));
            product((&mut scores, seen), (count, seen, width), grads, values.transposed(), T::ONE, false, Cores::One);
            for (score, weight) in scores.chunks_mut(seen).zip(weights.chunks(seen)) {
                let mean = score.iter().zip(weight).fold(T::ZERO, |sum, (s, w)| sum + *s * *w);
                score.iter_mut().zip(weight).for_each(|(s, w)| *s = *w * (*s - mean));
            }
            let (weights, scores) = (Matrix::rows(&weights, seen), Matrix::rows(&scores, seen));
            let to_queries = &mut to_queries[start * width..];
            let keys = Matrix::rows(self.keys, width);
            product((to_queries, width), (count, width, seen), scores, keys, T::ONE, false, Cores::One);
            let queries = Matrix::rows(queries, width);
            product((to_keys, width), (seen, width, count), scores.transposed(), queries, T::ONE, true, Cores::One);
            product((to_values, width), (seen, width, count), weights.transposed(), grads, T::ONE, true, Cores::One);
        }
    }
}

/// One sequence's rows of one head of keys, or of one of queries: (rows, width) out of rows of all heads.
fn head<T: Real>(rows: &[T], all: usize, head: usize, width: usize) -> Vec<T> {
    rows.chunks(all).flat_map(|row| &row[head * width..][..width]).copied().collect()
}

/// One head of keys and values with the heads of queries it serves, of one branching sequence.
struct Unit<'a, T> {
    tree: &'a Branching,
    heads: Heads,
    rotary: &'a Rotary,
    positions: Vec<usize>,
    keys: Vec<T>,
    values: Vec<T>,
}

impl<'a, T: Real> Unit<'a, T> {
    fn new(tree: &'a Branching, heads: Heads, rotary: &'a Rotary, k: &[T], v: &[T], kv: usize) -> Self {
        let (all, width) = (heads.kv * heads.width, heads.width);
        let mut unit = Self {
            tree,
            heads,
            rotary,
            positions: tree.positions(),
            keys: head(k, all, kv, width),
            values: head(v, all, kv, width),
        };
        let keys = std::mem::take(&mut unit.keys);
        unit.keys = unit.turned(keys, false);
        unit
    }

    fn turned(&self, mut rows: Vec<T>, backward: bool) -> Vec<T> {
        for (row, &position) in rows.chunks_mut(self.heads.width).zip(&self.positions) {
            self.rotary.turn(row, position, backward);
        }
        rows
    }

    fn scale(&self) -> T {
        T::from_f64(1.0 / (self.heads.width as f64).sqrt())
    }

    /// The turned and scaled queries of head `query`.
    fn queries(&self, q: &[T], query: usize) -> Vec<T> {
        let mut rows = self.turned(head(q, self.heads.queries * self.heads.width, query, self.heads.width), false);
        let scale = self.scale();
        rows.iter_mut().for_each(|x| *x *= scale);
        rows
    }

    /// Keys and values along a path: the prompt's, then the branch's.
    fn along(&self, rows: &[T], start: usize, length: usize) -> Vec<T> {
        let width = self.heads.width;
        [&rows[..self.tree.prompt * width], &rows[start * width..][..length * width]].concat()
    }

    fn path<'p>(&self, first: usize, keys: &'p [T], values: &'p [T]) -> Path<'p, T> {
        Path { first, width: self.heads.width, keys, values }
    }

    /// Attended values of each head of queries in the group, one after the other: (group, rows, width).
    fn forward(&self, q: &[T], kv: usize) -> Vec<T> {
        let (width, rows, prompt) = (self.heads.width, self.tree.rows(), self.tree.prompt);
        let group = self.heads.group();
        let queries: Vec<Vec<T>> = (0..group).map(|g| self.queries(q, kv * group + g)).collect();
        let mut out = vec![T::ZERO; group * rows * width];
        let spine = self.path(0, &self.keys[..prompt * width], &self.values[..prompt * width]);
        for (queries, out) in queries.iter().zip(out.chunks_mut(rows * width)) {
            spine.forward(queries, out);
        }
        for (start, length) in self.tree.starts() {
            let (keys, values) = (self.along(&self.keys, start, length), self.along(&self.values, start, length));
            let path = self.path(prompt, &keys, &values);
            for (queries, out) in queries.iter().zip(out.chunks_mut(rows * width)) {
                path.forward(&queries[start * width..], &mut out[start * width..]);
            }
        }
        out
    }

    /// Gradients by the group's queries (group, rows, width), the keys and the values (rows, width).
    fn backward(&self, q: &[T], grad: &[T], kv: usize) -> [Vec<T>; 3] {
        let (width, rows, prompt) = (self.heads.width, self.tree.rows(), self.tree.prompt);
        let group = self.heads.group();
        let mut to_queries = Vec::with_capacity(group * rows * width);
        let (mut to_keys, mut to_values) = (vec![T::ZERO; rows * width], vec![T::ZERO; rows * width]);
        let branches: Vec<_> = self
            .tree
            .starts()
            .map(|(start, length)| {
                (start, length, self.along(&self.keys, start, length), self.along(&self.values, start, length))
            })
            .collect();
        let spine = self.path(0, &self.keys[..prompt * width], &self.values[..prompt * width]);
        for g in 0..group {
            let query = kv * group + g;
            let queries = self.queries(q, query);
            let grad = head(grad, self.heads.queries * width, query, width);
            let mut to_head = vec![T::ZERO; rows * width];
            spine.backward(&queries, &grad, &mut to_head, &mut to_keys, &mut to_values);
            for (start, length, keys, values) in &branches {
                let at = start * width;
                let (mut to_path_keys, mut to_path_values) = (vec![T::ZERO; keys.len()], vec![T::ZERO; keys.len()]);
                self.path(prompt, keys, values).backward(
                    &queries[at..],
                    &grad[at..],
                    &mut to_head[at..],
                    &mut to_path_keys,
                    &mut to_path_values,
                );
                for (total, path) in [(&mut to_keys, &to_path_keys), (&mut to_values, &to_path_values)] {
                    let (before, own) = path.split_at(prompt * width);
                    total.iter_mut().zip(before).for_each(|(total, x)| *total += *x);
                    total[at..][..length * width].iter_mut().zip(own).for_each(|(total, x)| *total += *x);
                }
            }
            let scale = self.scale();
            to_head.iter_mut().for_each(|x| *x *= scale);
            to_queries.extend(self.turned(to_head, true));
        }
        [to_queries, self.turned(to_keys, true), to_values]
    }
}

/// Where a unit's head goes in the rows of all heads.
fn scatter<T: Real>(rows: &mut [T], all: usize, head: usize, width: usize, values: &[T]) {
    for (row, values) in rows.chunks_mut(all).zip(values.chunks(width)) {
        row[head * width..][..width].copy_from_slice(values);
    }
}

/// The slice of every sequence's rows, `width` numbers each.
fn by_sequence<'a, T>(values: &'a [T], trees: &[Branching], width: usize) -> Vec<&'a [T]> {
    let mut rest = values;
    trees
        .iter()
        .map(|tree| {
            let (own, others) = rest.split_at(tree.rows() * width);
            rest = others;
            own
        })
        .collect()
}

fn by_sequence_mut<'a, T>(values: &'a mut [T], trees: &[Branching], width: usize) -> Vec<&'a mut [T]> {
    let mut rest = values;
    trees
        .iter()
        .map(|tree| {
            let (own, others) = std::mem::take(&mut rest).split_at_mut(tree.rows() * width);
            rest = others;
            own
        })
        .collect()
}

/// Rows of heads turned by their positions, the first of which is `start`.
pub(super) fn turned(x: &Tensor, width: usize, start: usize, rotary: &Rotary) -> Result<Tensor> {
    let all = x.dim(1)?;
    by_dtype!(x.dtype(), T => with_slices!(T; xs = x; {
        let mut out: Vec<T> = xs.to_vec();
        for (row, out) in out.chunks_mut(all).enumerate() {
            out.chunks_mut(width).for_each(|head| rotary.turn(head, start + row, false));
        }
        Tensor::from_vec(out, x.shape(), x.device())
    }))
}

/// Attention of all sequences: `q` is (rows, queries * width), `k` and `v` (rows, kv * width), not yet turned.
pub(super) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: Heads,
    trees: &[Branching],
    rotary: &Rotary,
) -> Result<Tensor> {
    let (all, kv_all, width) = (heads.queries * heads.width, heads.kv * heads.width, heads.width);
    by_dtype!(q.dtype(), T => with_slices!(T; qs = q, ks = k, vs = v; {
        let (qs, ks, vs) = (by_sequence(qs, trees, all), by_sequence(ks, trees, kv_all), by_sequence(vs, trees, kv_all));
        let units: Vec<Vec<T>> = (0..trees.len() * heads.kv)
            .into_par_iter()
            .map(|unit| {
                let (at, kv) = (unit / heads.kv, unit % heads.kv);
                Unit::new(&trees[at], heads, rotary, ks[at], vs[at], kv).forward(qs[at], kv)
            })
            .collect();
        let mut out = vec![T::ZERO; q.elem_count()];
        by_sequence_mut(&mut out, trees, all).into_par_iter().zip(units.par_chunks(heads.kv)).for_each(|(out, units)| {
            for (query, values) in units.iter().flat_map(|unit| unit.chunks(unit.len() / heads.group())).enumerate() {
                scatter(out, all, query, width, values);
            }
        });
        Tensor::from_vec(out, q.shape(), q.device())
    }))
}

/// Gradients of [`attention`] by `q`, `k` and `v`, its weights computed anew.
pub(super) fn attention_backward(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    grad: &Tensor,
    heads: Heads,
    trees: &[Branching],
    rotary: &Rotary,
) -> Result<[Tensor; 3]> {
    let (all, kv_all, width) = (heads.queries * heads.width, heads.kv * heads.width, heads.width);
    by_dtype!(q.dtype(), T => with_slices!(T; qs = q, ks = k, vs = v, grads = grad; {
        let (qs, grads) = (by_sequence(qs, trees, all), by_sequence(grads, trees, all));
        let (ks, vs) = (by_sequence(ks, trees, kv_all), by_sequence(vs, trees, kv_all));
        let units: Vec<[Vec<T>; 3]> = (0..trees.len() * heads.kv)
            .into_par_iter()
            .map(|unit| {
                let (at, kv) = (unit / heads.kv, unit % heads.kv);
                Unit::new(&trees[at], heads, rotary, ks[at], vs[at], kv).backward(qs[at], grads[at], kv)
            })
            .collect();
        let (mut to_q, mut to_k, mut to_v) =
            (vec![T::ZERO; q.elem_count()], vec![T::ZERO; k.elem_count()], vec![T::ZERO; k.elem_count()]);
        by_sequence_mut(&mut to_q, trees, all)
            .into_par_iter()
            .zip(by_sequence_mut(&mut to_k, trees, kv_all))
            .zip(by_sequence_mut(&mut to_v, trees, kv_all))
            .zip(units.par_chunks(heads.kv))
            .for_each(|(((to_q, to_k), to_v), units)| {
                for (kv, [queries, keys, values]) in units.iter().enumerate() {
                    for (g, values) in queries.chunks(queries.len() / heads.group()).enumerate() {
                        scatter(to_q, all, kv * heads.group() + g, width, values);
                    }
                    scatter(to_k, kv_all, kv, width, keys);
                    scatter(to_v, kv_all, kv, width, values);
                }
            });
        Ok([
            Tensor::from_vec(to_q, q.shape(), q.device())?,
            Tensor::from_vec(to_k, k.shape(), k.device())?,
            Tensor::from_vec(to_v, v.shape(), v.device())?,
        ])
    }))
}
