//! Table backends: independent sites, a pair of 2-site tables, random tables with and without a joint.

use super::settings::Settings;
use super::{MOST_ENTRIES, answer, collect};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row};
use crate::statistics::Stream;

/// Random logits, uniform in [-2, 2): moderate, positive probabilities, and exact arithmetic on every machine.
fn random_logits(count: usize, seed: u64, stream: u64) -> Vec<f64> {
    let mut stream = Stream::new(seed, stream);
    (0..count).map(|_| 4.0 * stream.unit() - 2.0).collect()
}

/// Refuses more entries than a toy may hold.
fn entries(count: Option<usize>) -> Result<usize, String> {
    count
        .filter(|&count| count <= MOST_ENTRIES)
        .ok_or_else(|| format!("the table would have more than {MOST_ENTRIES} entries: make n or v smaller"))
}

/// Independent sites, each with its own random law.
pub(super) struct Product {
    sites: usize,
    vocabulary: usize,
    /// `[sites, vocabulary]`.
    logits: Vec<f64>,
}

impl Product {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        let sites = settings.count("n", 8, 1, 4096)?;
        let vocabulary = settings.count("v", 5, 2, 65_536)?;
        let seed = settings.value("seed", 0u64, "a whole number", |_| true)?;
        let count = entries(sites.checked_mul(vocabulary))?;
        Ok(Self { sites, vocabulary, logits: random_logits(count, seed, 0) })
    }
}

impl Conditionals for Product {
    fn sites(&self) -> (usize, usize) {
        (self.sites, self.sites)
    }
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        answer(self.sites, self.vocabulary, rows, precision, out, |row, out| {
            out.copy_from_slice(&self.logits[row.position * self.vocabulary..][..self.vocabulary]);
        })
    }
}

/// Two sites with hand-written tables; by default the incompatible pair of glauber.md A2 (Goyal et al.).
pub(super) struct TablePair {
    vocabulary: usize,
    /// `first[x2 * v + x1]` = log p(x1 | x2).
    first: Vec<f64>,
    /// `second[x1 * v + x2]` = log p(x2 | x1).
    second: Vec<f64>,
}

impl TablePair {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        let first = settings.numbers("p", &[0.99, 0.01, 0.01, 0.99])?;
        let second = settings.numbers("q", &[0.5; 4])?;
        let vocabulary = first.len().isqrt();
        for (key, table) in [("p", &first), ("q", &second)] {
            if !(2..=256).contains(&vocabulary) || table.len() != vocabulary * vocabulary {
                return Err(format!(
                    "{key}= has {} numbers: p and q must both be square, v rows of v numbers with v from 2 to 256",
                    table.len()
                ));
            }
            for (k, row) in table.chunks_exact(vocabulary).enumerate() {
                let sum: f64 = row.iter().sum();
                if (sum - 1.0).abs() > 1e-9 {
                    return Err(format!("row {} of {key}= sums to {sum}, not to 1", k + 1));
                }
            }
        }
        let logs = |table: Vec<f64>| table.into_iter().map(f64::ln).collect();
        Ok(Self { vocabulary, first: logs(first), second: logs(second) })
    }
}

impl Conditionals for TablePair {
    fn sites(&self) -> (usize, usize) {
        (2, 2)
    }
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        answer(2, self.vocabulary, rows, precision, out, |row, out| {
            let (table, given) =
                if row.position == 0 { (&self.first, row.state[1]) } else { (&self.second, row.state[0]) };
            out.copy_from_slice(&table[given as usize * self.vocabulary..][..self.vocabulary]);
        })
    }
}

/// Conditionals of one random positive joint, or independent random rows; `bump` multiplies one conditional entry,
/// that of token 0 at site 0 while all other sites hold token 0, and the softmax renormalises its row (A3).
pub(super) struct RandomTable {
    sites: usize,
    vocabulary: usize,
    /// Log of the joint `[v^n]`, or one such table for each site where the rows are independent; site 0 counts most.
    logits: Vec<f64>,
    compatible: bool,
    log_bump: f64,
}

impl RandomTable {
    pub(super) fn new(settings: &mut Settings) -> Result<Self, String> {
        let sites = settings.count("n", 3, 1, 22)?;
        let vocabulary = settings.count("v", 3, 2, 2048)?;
        let seed = settings.value("seed", 0u64, "a whole number", |_| true)?;
        let compatible = settings.value("compatible", false, "true or false", |_| true)?;
        let bump = settings.value("bump", 1.0, "a positive number up to 1000", |b: &f64| *b > 0.0 && *b <= 1000.0)?;
        let states = vocabulary.checked_pow(sites as u32);
        let tables = if compatible { 1 } else { sites };
        let count = entries(states.and_then(|states| states.checked_mul(tables)))?;
        Ok(Self { sites, vocabulary, logits: random_logits(count, seed, 0), compatible, log_bump: bump.ln() })
    }
}

impl Conditionals for RandomTable {
    fn sites(&self) -> (usize, usize) {
        (self.sites, self.sites)
    }
    fn vocabulary(&self) -> usize {
        self.vocabulary
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        collect(self, rows, precision)
    }
    fn logits_into(&self, rows: &[Row<'_>], precision: Precision, out: &mut Vec<f64>) -> Result<(), ConditionalsError> {
        let v = self.vocabulary;
        answer(self.sites, v, rows, precision, out, |row, out| {
            // Index of the state with token 0 at the masked site, and how far its next token lies.
            let (mut start, mut stride) = (0, 1);
            for (site, &token) in row.state.iter().enumerate() {
                let masked = site == row.position;
                start = start * v + if masked { 0 } else { token as usize };
                stride = if masked { 1 } else { stride * v };
            }
            if !self.compatible {
                start += row.position * (self.logits.len() / self.sites);
            }
            for (token, value) in out.iter_mut().enumerate() {
                *value = self.logits[start + token * stride];
            }
            if row.position == 0 && row.state[1..].iter().all(|&token| token == 0) {
                out[0] += self.log_bump;
            }
        })
    }
}
