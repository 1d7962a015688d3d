//! Answers to conditional questions, kept so that an identical context is evaluated once.

mod laws;
mod recent;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::glauber::conditionals::{Conditionals, ConditionalsError, Laws, Logits, Precision, Row, check_rows};
use recent::{Answer, Question, Recent};

/// Rows in a call of a reproducible cache.
const BLOCK: usize = 16;
/// Most rows in a call, if each stands by itself: a processor gains nothing by more, and what is between fits its caches.
const MOST_TOGETHER: usize = 128;

/// What a cache holds and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheCounts {
    /// Questions answered without the model, repeats within a batch and looks ahead included.
    pub hits: u64,
    /// Questions the model was asked.
    pub misses: u64,
    /// Answers dropped to keep the bound.
    pub evicted: u64,
    pub entries: usize,
    pub bytes: usize,
}

/// [`Conditionals`] that asks its model each question once (spec: candle.md section 3, structural gains).
///
/// Logits are kept as the model gave them, before any temperature, so chains at all temperatures share them. An answer may
/// have been evaluated in another batch than the one at hand and then differs from it in its last bits (about 1e-5 in `F32`);
/// see [`CachedConditionals::reproducible`]. Certificates must ask the model itself.
pub struct CachedConditionals {
    inner: Arc<dyn Conditionals>,
    bound: usize,
    reproducible: bool,
    /// The lists of tokens that laws were asked over; laws name them by number.
    allowed: Mutex<Vec<Arc<[u32]>>>,
    recent: Mutex<Recent>,
}

/// What the model answered: the block of each row, and its place there.
struct Answers {
    logits: Vec<Logits>,
    places: Vec<(usize, usize)>,
}

impl Answers {
    fn row(&self, k: usize) -> &[f64] {
        let (block, row) = self.places[k];
        self.logits[block].row(row)
    }
}

impl CachedConditionals {
    /// Bytes a cache holds at most unless told otherwise.
    pub const DEFAULT_BYTES: usize = 256 << 20;

    /// Wraps `inner` with a cache of at most `bytes`.
    pub fn new(inner: Arc<dyn Conditionals>, bytes: usize) -> Self {
        Self { inner, bound: bytes, reproducible: false, allowed: Mutex::default(), recent: Mutex::new(Recent::new()) }
    }

    /// Makes the bits of an answer depend on its question alone, not on what was asked before or beside it, so that runs
    /// repeat whatever the cache holds and however threads interleave.
    ///
    /// A model that answers each row by itself ([`Conditionals::row_wise`]) is asked in whatever batches come. The others
    /// arrange their sums by the shape of the batch, so they are asked in blocks of one shape: always 16 rows of one length,
    /// the last block filled up with repeats, whereby a lone question costs the price of several.
    ///
    /// Such a cache also keeps laws for draws ([`Conditionals::laws`]), so that chains at low temperature seldom need logits.
    pub fn reproducible(mut self) -> Self {
        self.reproducible = true;
        self
    }

    /// The model without its cache.
    pub fn inner(&self) -> &Arc<dyn Conditionals> {
        &self.inner
    }

    /// Drops the answers that were not used for longest until at most `bytes` are held: for a model that stays open at
    /// rest.
    pub fn shrink(&self, bytes: usize) {
        let mut recent = self.lock();
        recent.rooms.clear();
        while recent.bytes > bytes {
            recent.remove_oldest();
        }
    }

    /// Hits, misses and what is held now.
    pub fn counts(&self) -> CacheCounts {
        let recent = self.lock();
        CacheCounts {
            hits: recent.hits,
            misses: recent.misses,
            evicted: recent.evicted,
            entries: recent.len(),
            bytes: recent.bytes,
        }
    }

    fn ask(&self, rows: &[Row<'_>], precision: Precision) -> Result<Answers, ConditionalsError> {
        // Rows that stand by themselves are shared out among the threads; others go in blocks of one shape.
        let fill = self.reproducible && !self.inner.row_wise(precision);
        let size = match (self.reproducible, fill) {
            (false, _) => rows.len().max(1),
            (true, true) => BLOCK,
            (true, false) => rows.len().div_ceil(rayon::current_num_threads()).clamp(BLOCK, MOST_TOGETHER),
        };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if self.reproducible {
            order.sort_by_key(|&k| rows[k].state.len());
        }
        let alike = |&a: &usize, &b: &usize| !self.reproducible || rows[a].state.len() == rows[b].state.len();
        let blocks: Vec<&[usize]> = order.chunk_by(alike).flat_map(|group| group.chunks(size)).collect();
        // Blocks know nothing of one another, so which thread answers one changes no bit.
        let logits = blocks
            .par_iter()
            .map(|chunk| {
                let last = &chunk[chunk.len() - 1];
                let count = if fill { size } else { chunk.len() };
                let block: Vec<Row<'_>> =
                    chunk.iter().chain(std::iter::repeat(last)).take(count).map(|&k| rows[k]).collect();
                let logits = self.inner.logits(&block, precision)?;
                let vocabulary = self.inner.vocabulary();
                if logits.rows() != count || logits.vocabulary() != vocabulary {
                    return Err(ConditionalsError::Backend(format!(
                        "{} rows of {} logits came back, {count} rows of {vocabulary} were asked",
                        logits.rows(),
                        logits.vocabulary(),
                    )));
                }
                Ok(logits)
            })
            .collect::<Result<Vec<Logits>, ConditionalsError>>()?;
        let mut places = vec![(0, 0); rows.len()];
        for (block, chunk) in blocks.iter().enumerate() {
            for (row, &k) in chunk.iter().enumerate() {
                places[k] = (block, row);
            }
        }
        Ok(Answers { logits, places })
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        // No user code runs under the lock, so a poisoned list is whole.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conditionals for CachedConditionals {
    fn sites(&self) -> (usize, usize) {
        self.inner.sites()
    }

    fn vocabulary(&self) -> usize {
        self.inner.vocabulary()
    }

    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        let mut values = Vec::new();
        self.logits_into(rows, precision, &mut values)?;
        Ok(Logits::new(values, self.inner.vocabulary()))
    }

    fn logits_into(
        &self,
        rows: &[Row<'_>],
        precision: Precision,
        values: &mut Vec<f64>,
    ) -> Result<(), ConditionalsError> {
        /// Where the answer to a row comes from.
        enum Source {
            Kept(Answer),
            Asked(usize),
        }
        // Before anything is looked up: whether a question is answered must not depend on what is kept.
        check_rows(rows, self.sites(), self.vocabulary())?;
        let mut asked: Vec<Row<'_>> = Vec::new();
        let mut questions: HashMap<Question, usize> = HashMap::new();
        let mut sources = Vec::with_capacity(rows.len());
        {
            let mut recent = self.lock();
            for row in rows {
                let question = Question::new(row, precision, None);
                if let Some(answer) = recent.get(&question) {
                    sources.push(Source::Kept(answer));
                    continue;
                }
                let next = asked.len();
                let index = *questions.entry(question).or_insert(next);
                if index == next {
                    asked.push(*row);
                }
                sources.push(Source::Asked(index));
            }
            recent.hits += (rows.len() - asked.len()) as u64;
            recent.misses += asked.len() as u64;
        }
        let fresh = if asked.is_empty() { None } else { Some(self.ask(&asked, precision)?) };
        let (vocabulary, offsets) = (self.inner.vocabulary(), self.inner.offsets());
        values.clear();
        values.reserve(rows.len() * vocabulary);
        for source in &sources {
            match (source, &fresh) {
                (Source::Kept(answer), _) => answer.write(offsets, values),
                (Source::Asked(index), Some(logits)) => values.extend_from_slice(logits.row(*index)),
                (Source::Asked(_), None) => unreachable!("a row was asked, so the model answered"),
            }
        }
        if let Some(logits) = fresh {
            // In the order of the questions, so that what is dropped does not depend on a hash.
            let mut pairs: Vec<(Question, usize)> = questions.into_iter().collect();
            pairs.sort_by_key(|&(_, index)| index);
            let answers: Vec<(Question, Answer)> = pairs
                .into_iter()
                .map(|(question, index)| (question, Answer::new(logits.row(index), offsets)))
                .collect();
            let mut recent = self.lock();
            for (question, answer) in answers {
                recent.insert(question, answer, self.bound);
            }
        }
        Ok(())
    }

    fn deterministic(&self) -> bool {
        self.inner.deterministic()
    }

    fn row_wise(&self, precision: Precision) -> bool {
        self.reproducible || self.inner.row_wise(precision)
    }

    fn laws(&self) -> Option<&dyn Laws> {
        // Where an answer's bits depend on the batch, so would the chains' on what is kept.
        self.reproducible.then_some(self)
    }

    fn ordinary(&self, token: u32) -> bool {
        self.inner.ordinary(token)
    }

    fn continuation(&self, token: u32) -> bool {
        self.inner.continuation(token)
    }

    fn text(&self, token: u32) -> String {
        self.inner.text(token)
    }

    fn token(&self, text: &str) -> Option<u32> {
        self.inner.token(text)
    }

    fn tokenize(&self, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
        self.inner.tokenize(sentence)
    }
}

#[cfg(test)]
mod tests;
