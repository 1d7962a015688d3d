//! The rectangle test: does any joint distribution have these conditionals? (spec: glauber.md sections 2.1, 2.2)
//!
//! Fix a context, tokens a != a' at site i and b != b' at site j. Conditionals of one joint give
//! `LOR_i = LOR_j`, so `R = (LOR_i - LOR_j) / tau != 0` certifies that no joint exists.

use super::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row, ask};
use crate::progress::Progress;
use crate::statistics::log_sum_exp;

/// Rows that travel in one call where a block is scored in batches: bounds memory and the wait for a cancel. A block of
/// at most this many rows is one batch.
const BATCH_ROWS: usize = 64;

/// Tokens at the corners of one rectangle: `a`, `a2` at site `i`, `b`, `b2` at site `j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Rectangle {
    pub i: usize,
    pub j: usize,
    pub a: u32,
    pub a2: u32,
    pub b: u32,
    pub b2: u32,
}

/// The eight logits of a rectangle in the order
/// `l_i(a|b), l_i(a2|b), l_i(a|b2), l_i(a2|b2), l_j(b|a), l_j(b2|a), l_j(b|a2), l_j(b2|a2)`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Corners(pub [f64; 8]);

impl Corners {
    /// The corners at rows `a`, `a2` and columns `b`, `b2` of two row-major tables `[|A|, columns]`: l_i(a|b) and l_j(b|a).
    pub fn of_tables(i: &[f64], j: &[f64], columns: usize, (a, a2, b, b2): (usize, usize, usize, usize)) -> Self {
        let at = |a: usize, b: usize| a * columns + b;
        Self([
            i[at(a, b)],
            i[at(a2, b)],
            i[at(a, b2)],
            i[at(a2, b2)],
            j[at(a, b)],
            j[at(a, b2)],
            j[at(a2, b)],
            j[at(a2, b2)],
        ])
    }
    /// Log odds ratio seen from site i, nats at tau = 1.
    pub fn lor_i(&self) -> f64 {
        let l = &self.0;
        (l[0] - l[1]) - (l[2] - l[3])
    }
    /// Log odds ratio seen from site j, nats at tau = 1.
    pub fn lor_j(&self) -> f64 {
        let l = &self.0;
        (l[4] - l[5]) - (l[6] - l[7])
    }
    /// R at temperature `tau`; proportional to 1/tau exactly.
    pub fn r(&self, tau: f64) -> f64 {
        (self.lor_i() - self.lor_j()) / tau
    }
}

/// All rectangles over token sets A (at i) and B (at j) in one context, from |A| + |B| forward rows.
#[derive(Clone, Debug)]
pub struct Block {
    pub i: usize,
    pub j: usize,
    pub tokens_a: Vec<u32>,
    pub tokens_b: Vec<u32>,
    /// Row `k`: logits at site i while j holds `tokens_b[k]`. Shape `[|B|, V]`.
    pub at_i: Logits,
    /// Row `k`: logits at site j while i holds `tokens_a[k]`. Shape `[|A|, V]`.
    pub at_j: Logits,
}

impl Block {
    /// Scores the |A| + |B| rows in batches of up to 64 (`alone` = false) or one row at a time (`alone` = true).
    ///
    /// Rows are those at site i first. `sites` must be two different sites of `state` and neither token set empty; what
    /// `state` holds at the two sites has no influence.
    #[expect(clippy::too_many_arguments, reason = "one question to a model; a struct for it would be used once")]
    pub fn evaluate(
        model: &dyn Conditionals,
        state: &[u32],
        sites: (usize, usize),
        tokens_a: &[u32],
        tokens_b: &[u32],
        precision: Precision,
        alone: bool,
        progress: &dyn Progress,
    ) -> Result<Self, ConditionalsError> {
        let (i, j) = sites;
        check_sites(sites, state.len())?;
        if tokens_a.is_empty() || tokens_b.is_empty() {
            return Err(ConditionalsError::Invalid("a rectangle needs tokens at both positions".into()));
        }
        let holding = |site: usize, token: u32| {
            let mut copy = state.to_vec();
            copy[site] = token;
            copy
        };
        let given_b: Vec<Vec<u32>> = tokens_b.iter().map(|&b| holding(j, b)).collect();
        let given_a: Vec<Vec<u32>> = tokens_a.iter().map(|&a| holding(i, a)).collect();
        let rows: Vec<Row<'_>> = given_b
            .iter()
            .map(|state| Row { state, position: i })
            .chain(given_a.iter().map(|state| Row { state, position: j }))
            .collect();
        let vocabulary = model.vocabulary();
        let mut values = Vec::with_capacity(rows.len() * vocabulary);
        for batch in rows.chunks(if alone { 1 } else { BATCH_ROWS }) {
            progress.checkpoint()?;
            let logits = ask(model, batch, precision)?;
            (0..logits.rows()).for_each(|k| values.extend_from_slice(logits.row(k)));
            progress.report((values.len() / vocabulary) as u64, rows.len() as u64);
        }
        let at_j = values.split_off(tokens_b.len() * vocabulary);
        Ok(Self {
            i,
            j,
            tokens_a: tokens_a.to_vec(),
            tokens_b: tokens_b.to_vec(),
            at_i: Logits::new(values, vocabulary),
            at_j: Logits::new(at_j, vocabulary),
        })
    }

    /// `l_i(a|b)`, indices into the token sets.
    fn l_i(&self, a: usize, b: usize) -> f64 {
        self.at_i.row(b)[self.tokens_a[a] as usize]
    }

    /// `l_j(b|a)`, indices into the token sets.
    fn l_j(&self, a: usize, b: usize) -> f64 {
        self.at_j.row(a)[self.tokens_b[b] as usize]
    }

    /// `l_i(a|b)` for all tokens, row-major `[|A|, |B|]`, nats.
    pub fn logits_i(&self) -> Vec<f64> {
        self.table(Self::l_i)
    }

    /// `l_j(b|a)` for all tokens, row-major `[|A|, |B|]`, nats.
    pub fn logits_j(&self) -> Vec<f64> {
        self.table(Self::l_j)
    }

    fn table(&self, entry: impl Fn(&Self, usize, usize) -> f64) -> Vec<f64> {
        let columns = self.tokens_b.len();
        (0..self.tokens_a.len() * columns).map(|k| entry(self, k / columns, k % columns)).collect()
    }

    /// `D[a, b] = l_i(a|b) - l_j(b|a)`, row-major `[|A|, |B|]`, nats.
    pub fn d(&self) -> Vec<f64> {
        self.table(|block, a, b| block.l_i(a, b) - block.l_j(a, b))
    }

    /// D with row and column means removed: the rectangle field.
    pub fn centred(&self) -> Vec<f64> {
        double_centre(self.d(), self.tokens_b.len())
    }

    /// Root mean square of the centred D: the block's incompatibility, nats.
    pub fn rms(&self) -> f64 {
        let centred = self.centred();
        (centred.iter().map(|x| x * x).sum::<f64>() / centred.len() as f64).sqrt()
    }

    /// The corners at rows `a`, `a2` and columns `b`, `b2` (indices into the token sets).
    pub fn corners(&self, a: usize, a2: usize, b: usize, b2: usize) -> Corners {
        Corners([
            self.l_i(a, b),
            self.l_i(a2, b),
            self.l_i(a, b2),
            self.l_i(a2, b2),
            self.l_j(a, b),
            self.l_j(a, b2),
            self.l_j(a2, b),
            self.l_j(a2, b2),
        ])
    }

    /// `log sum_v exp(l_i(v|b) / tau)` for each b: what a logit over tau loses to become a log-probability.
    pub fn normaliser_i(&self, tau: f64) -> Vec<f64> {
        (0..self.at_i.rows()).map(|k| normaliser(self.at_i.row(k), tau)).collect()
    }

    /// `log sum_v exp(l_j(v|a) / tau)` for each a.
    pub fn normaliser_j(&self, tau: f64) -> Vec<f64> {
        (0..self.at_j.rows()).map(|k| normaliser(self.at_j.row(k), tau)).collect()
    }

    /// log p of the eight corners at temperature `tau` (softmax in f64 over the whole vocabulary), order of [`Corners`].
    pub fn log_probabilities(&self, a: usize, a2: usize, b: usize, b2: usize, tau: f64) -> [f64; 8] {
        let (from_b, from_b2) = (normaliser(self.at_i.row(b), tau), normaliser(self.at_i.row(b2), tau));
        let (from_a, from_a2) = (normaliser(self.at_j.row(a), tau), normaliser(self.at_j.row(a2), tau));
        let loss = [from_b, from_b, from_b2, from_b2, from_a, from_a, from_a2, from_a2];
        let corners = self.corners(a, a2, b, b2).0;
        std::array::from_fn(|k| corners[k] / tau - loss[k])
    }

    /// Indices `(a, a2, b, b2)` (a < a2, b < b2) of the rectangle with the largest |R|, and that |R| at tau = 1.
    ///
    /// For two rows the largest |R| is the range of their difference in D, so this takes O(|A|^2 |B|); of equals the
    /// first is taken. All indices are 0 where a set has fewer than two tokens.
    pub fn largest(&self) -> ((usize, usize, usize, usize), f64) {
        let (rows, columns) = (self.tokens_a.len(), self.tokens_b.len());
        let d = self.d();
        let mut best = ((0, 0, 0, 0), f64::NEG_INFINITY);
        for a in 0..rows {
            for a2 in a + 1..rows {
                let difference = |b: usize| d[a * columns + b] - d[a2 * columns + b];
                let (mut least, mut most) = (0, 0);
                for b in 1..columns {
                    if difference(b) < difference(least) {
                        least = b;
                    }
                    if difference(b) > difference(most) {
                        most = b;
                    }
                }
                let range = difference(most) - difference(least);
                if range > best.1 {
                    // Where all differences are equal any two columns do.
                    let (b, b2) =
                        if least == most { (0, 1.min(columns - 1)) } else { (least.min(most), least.max(most)) };
                    best = ((a, a2, b, b2), range);
                }
            }
        }
        if rows < 2 || columns < 2 { ((0, 0, 0, 0), 0.0) } else { best }
    }
}

/// Two different sites within a state of `length` tokens.
pub(super) fn check_sites((i, j): (usize, usize), length: usize) -> Result<(), ConditionalsError> {
    if let Some(position) = [i, j].into_iter().find(|&site| site >= length) {
        return Err(ConditionalsError::Position { position, length });
    }
    if i == j {
        return Err(ConditionalsError::Invalid(format!("both positions are {i}: choose two different positions")));
    }
    Ok(())
}

fn normaliser(row: &[f64], tau: f64) -> f64 {
    log_sum_exp(row.iter().map(|l| l / tau))
}

/// Removes row and column means of a row-major table.
fn double_centre(mut d: Vec<f64>, columns: usize) -> Vec<f64> {
    let rows = d.len() / columns;
    for row in d.chunks_exact_mut(columns) {
        let mean = row.iter().sum::<f64>() / columns as f64;
        row.iter_mut().for_each(|x| *x -= mean);
    }
    for b in 0..columns {
        let mean = (0..rows).map(|a| d[a * columns + b]).sum::<f64>() / rows as f64;
        (0..rows).for_each(|a| d[a * columns + b] -= mean);
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;
    use proptest::prelude::*;

    fn block(text: &str, state: &[u32], sites: (usize, usize), a: &[u32], b: &[u32]) -> Block {
        let toy = toys::parse(text).unwrap();
        Block::evaluate(toy.as_ref(), state, sites, a, b, Precision::F64, false, &Silent).unwrap()
    }

    #[test]
    fn batches_and_rows_alone_agree_on_a_table() {
        let toy = toys::parse("random-table:n=3,v=100,seed=1").unwrap();
        let tokens: Vec<u32> = (0..70).collect();
        let evaluate = |alone| {
            Block::evaluate(toy.as_ref(), &[3, 4, 5], (2, 0), &tokens, &tokens, Precision::F32, alone, &Silent).unwrap()
        };
        let (batch, alone) = (evaluate(false), evaluate(true));
        assert_eq!((batch.at_i, batch.at_j), (alone.at_i, alone.at_j));
    }

    #[test]
    fn log_probabilities_are_those_of_the_table() {
        let block = block("table-pair", &[0, 0], (0, 1), &[0, 1], &[0, 1]);
        let known = [0.99, 0.01, 0.01, 0.99, 0.5, 0.5, 0.5, 0.5f64];
        for (found, p) in block.log_probabilities(0, 1, 0, 1, 1.0).iter().zip(known) {
            assert!((found - p.ln()).abs() < 1e-15);
        }
        let sharp = block.log_probabilities(0, 1, 0, 1, 0.5)[0];
        assert!((sharp - (0.99f64.powi(2) / (0.99f64.powi(2) + 0.01f64.powi(2))).ln()).abs() < 1e-15);
    }

    #[test]
    fn questions_without_sense_are_refused() {
        let toy = toys::parse("random-table").unwrap();
        let ask = |sites, a: &[u32]| {
            Block::evaluate(toy.as_ref(), &[0, 1, 2], sites, a, &[0, 1], Precision::F64, false, &Silent).map(|_| ())
        };
        assert!(ask((1, 1), &[0, 1]).unwrap_err().to_string().contains("different positions"));
        assert_eq!(ask((0, 3), &[0, 1]), Err(ConditionalsError::Position { position: 3, length: 3 }));
        assert_eq!(ask((0, 1), &[0, 3]), Err(ConditionalsError::Token { token: 3, vocabulary: 3 }));
        assert!(ask((0, 1), &[]).is_err());
    }

    #[test]
    fn a_block_without_rectangles_has_none() {
        let block = block("random-table", &[0, 1, 2], (0, 1), &[0], &[0, 1]);
        assert_eq!(block.largest(), ((0, 0, 0, 0), 0.0));
        assert!(block.rms() < 1e-15);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_largest_rectangle_is_the_largest(seed in 0u64..1000, v in 2usize..6) {
            let tokens: Vec<u32> = (0..v as u32).collect();
            let block = block(&format!("random-table:n=3,v={v},seed={seed}"), &[0, 1, 1], (0, 2), &tokens, &tokens);
            let (at, size) = block.largest();
            prop_assert!((block.corners(at.0, at.1, at.2, at.3).r(1.0).abs() - size).abs() < 1e-12);
            for a in 0..v { for a2 in a + 1..v { for b in 0..v { for b2 in b + 1..v {
                prop_assert!(block.corners(a, a2, b, b2).r(1.0).abs() <= size + 1e-12);
            } } } }
        }

        #[test]
        fn r_is_a_double_difference_of_the_centred_field(seed in 0u64..1000) {
            let block = block(&format!("random-table:n=2,v=4,seed={seed}"), &[0, 0], (0, 1), &[0, 1, 3], &[2, 1, 0]);
            let c = block.centred();
            for k in 0..3 {
                prop_assert!(c[3 * k..3 * k + 3].iter().sum::<f64>().abs() < 1e-12);
                prop_assert!((c[k] + c[k + 3] + c[k + 6]).abs() < 1e-12);
            }
            let double = c[0] - c[1] - c[6] + c[7];
            prop_assert!((double - block.corners(0, 2, 0, 1).r(1.0)).abs() < 1e-12);
        }
    }
}
