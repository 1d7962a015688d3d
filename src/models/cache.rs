//! Answers to conditional questions, kept so that an identical context is evaluated once.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::glauber::conditionals::{Conditionals, ConditionalsError, Logits, Precision, Row, check_rows};

/// A question: the tokens around the masked site (the site itself holds `u32::MAX`), the site, and the arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    precision: Precision,
    position: u32,
    context: Box<[u32]>,
}

impl Question {
    fn new(row: &Row<'_>, precision: Precision) -> Self {
        let mut context: Box<[u32]> = row.state.into();
        if let Some(site) = context.get_mut(row.position) {
            *site = u32::MAX;
        }
        Self { precision, position: row.position as u32, context }
    }
}

/// Logits of one question, in half the bytes where that loses nothing.
#[derive(Clone, Debug)]
enum Answer {
    Single(Arc<[f32]>),
    Double(Arc<[f64]>),
}

impl Answer {
    fn new(logits: &[f64]) -> Self {
        if logits.iter().all(|&value| f64::from(value as f32) == value) {
            Self::Single(logits.iter().map(|&value| value as f32).collect())
        } else {
            Self::Double(logits.into())
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Single(values) => size_of_val::<[f32]>(values),
            Self::Double(values) => size_of_val::<[f64]>(values),
        }
    }

    fn write(&self, out: &mut Vec<f64>) {
        match self {
            Self::Single(values) => out.extend(values.iter().map(|&value| f64::from(value))),
            Self::Double(values) => out.extend_from_slice(values),
        }
    }
}

/// Rows in a call of a reproducible cache.
const BLOCK: usize = 16;

/// End of the list of entries.
const NONE: usize = usize::MAX;

struct Entry {
    question: Arc<Question>,
    answer: Answer,
    newer: usize,
    older: usize,
}

/// Entries in a list from the most to the least recently used, found through a map. The map is never iterated.
struct Recent {
    slots: HashMap<Arc<Question>, usize>,
    entries: Vec<Entry>,
    newest: usize,
    oldest: usize,
    bytes: usize,
    hits: u64,
    misses: u64,
    evicted: u64,
}

impl Recent {
    fn unlink(&mut self, slot: usize) {
        let (newer, older) = (self.entries[slot].newer, self.entries[slot].older);
        match newer {
            NONE => self.newest = older,
            _ => self.entries[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.entries[older].newer = newer,
        }
    }

    fn put_first(&mut self, slot: usize) {
        self.entries[slot].newer = NONE;
        self.entries[slot].older = self.newest;
        match self.newest {
            NONE => self.oldest = slot,
            first => self.entries[first].newer = slot,
        }
        self.newest = slot;
    }

    fn get(&mut self, question: &Question) -> Option<Answer> {
        let slot = *self.slots.get(question)?;
        self.unlink(slot);
        self.put_first(slot);
        Some(self.entries[slot].answer.clone())
    }

    fn remove_oldest(&mut self) {
        let slot = self.oldest;
        self.unlink(slot);
        let last = self.entries.len() - 1;
        let gone = self.entries.swap_remove(slot);
        self.bytes -= cost(&gone.question, &gone.answer);
        self.slots.remove(&gone.question);
        self.evicted += 1;
        if slot < last {
            // The last entry moved into the free slot: its neighbours and the map must learn of it.
            let (newer, older) = (self.entries[slot].newer, self.entries[slot].older);
            match newer {
                NONE => self.newest = slot,
                _ => self.entries[newer].older = slot,
            }
            match older {
                NONE => self.oldest = slot,
                _ => self.entries[older].newer = slot,
            }
            self.slots.insert(self.entries[slot].question.clone(), slot);
        }
    }

    fn insert(&mut self, question: Question, answer: Answer, bound: usize) {
        let cost = cost(&question, &answer);
        // Another thread may have answered the same question meanwhile; its answer stays.
        if cost > bound || self.slots.contains_key(&question) {
            return;
        }
        while self.bytes + cost > bound {
            self.remove_oldest();
        }
        let question = Arc::new(question);
        let slot = self.entries.len();
        self.entries.push(Entry { question: question.clone(), answer, newer: NONE, older: NONE });
        self.slots.insert(question, slot);
        self.put_first(slot);
        self.bytes += cost;
    }
}

/// Bytes an entry holds: logits, context, and the list and map around them.
fn cost(question: &Question, answer: &Answer) -> usize {
    answer.bytes() + size_of_val::<[u32]>(&question.context) + size_of::<Question>() + size_of::<Entry>() + 64
}

/// What a cache holds and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheCounts {
    /// Questions answered without the model, repeats within a batch included.
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
    block: Option<usize>,
    recent: Mutex<Recent>,
}

impl CachedConditionals {
    /// Bytes a cache holds at most unless told otherwise.
    pub const DEFAULT_BYTES: usize = 256 << 20;

    /// Wraps `inner` with a cache of at most `bytes`.
    pub fn new(inner: Arc<dyn Conditionals>, bytes: usize) -> Self {
        let recent = Recent {
            slots: HashMap::new(),
            entries: Vec::new(),
            newest: NONE,
            oldest: NONE,
            bytes: 0,
            hits: 0,
            misses: 0,
            evicted: 0,
        };
        Self { inner, bound: bytes, block: None, recent: Mutex::new(recent) }
    }

    /// Makes the bits of an answer depend on its question alone, not on what was asked before or beside it, so that runs
    /// repeat whatever the cache holds and however threads interleave.
    ///
    /// The sums of a matrix product are arranged by its shape, so the model is asked in blocks of one shape: always 16 rows
    /// of one length, the last block filled up with repeats. Sixteen rows already saturate a CPU (candle.md section 3), so
    /// large batches lose little; a lone question costs about four times its price.
    pub fn reproducible(mut self) -> Self {
        self.block = Some(BLOCK);
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
            entries: recent.entries.len(),
            bytes: recent.bytes,
        }
    }

    fn ask(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        let Some(size) = self.block else { return self.inner.logits(rows, precision) };
        let vocabulary = self.inner.vocabulary();
        let mut values = vec![0.0; rows.len() * vocabulary];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&k| rows[k].state.len());
        let blocks: Vec<&[usize]> = order
            .chunk_by(|&a, &b| rows[a].state.len() == rows[b].state.len())
            .flat_map(|group| group.chunks(size))
            .collect();
        // Blocks know nothing of one another, so which thread answers one changes no bit.
        let answers = blocks
            .par_iter()
            .map(|chunk| {
                let last = chunk[chunk.len() - 1];
                let block: Vec<Row<'_>> =
                    chunk.iter().chain(std::iter::repeat(&last)).take(size).map(|&k| rows[k]).collect();
                self.inner.logits(&block, precision)
            })
            .collect::<Result<Vec<Logits>, ConditionalsError>>()?;
        for (chunk, logits) in blocks.iter().zip(&answers) {
            for (answer, &k) in chunk.iter().enumerate() {
                values[k * vocabulary..(k + 1) * vocabulary].copy_from_slice(logits.row(answer));
            }
        }
        Ok(Logits::new(values, vocabulary))
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
                let question = Question::new(row, precision);
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
        let vocabulary = self.inner.vocabulary();
        values.clear();
        values.reserve(rows.len() * vocabulary);
        for source in &sources {
            match (source, &fresh) {
                (Source::Kept(answer), _) => answer.write(values),
                (Source::Asked(index), Some(logits)) => values.extend_from_slice(logits.row(*index)),
                (Source::Asked(_), None) => unreachable!("a row was asked, so the model answered"),
            }
        }
        if let Some(logits) = fresh {
            // In the order of the questions, so that what is dropped does not depend on a hash.
            let mut pairs: Vec<(Question, usize)> = questions.into_iter().collect();
            pairs.sort_by_key(|&(_, index)| index);
            let answers: Vec<(Question, Answer)> =
                pairs.into_iter().map(|(question, index)| (question, Answer::new(logits.row(index)))).collect();
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
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const VOCABULARY: u32 = 256;

    /// Logits that spell the question, and a count of the rows asked.
    struct Spelling {
        asked: AtomicUsize,
        fraction: f64,
    }

    impl Conditionals for Spelling {
        fn sites(&self) -> (usize, usize) {
            (1, 8)
        }
        fn vocabulary(&self) -> usize {
            VOCABULARY as usize
        }
        fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
            self.asked.fetch_add(rows.len(), Ordering::SeqCst);
            let mut values = Vec::new();
            for row in rows {
                for v in 0..VOCABULARY {
                    let mut value = row.position as f64 * 1000.0 + f64::from(v) + self.fraction;
                    for (i, &token) in row.state.iter().enumerate() {
                        if i != row.position {
                            value += f64::from(token) * 7f64.powi(i as i32);
                        }
                    }
                    values.push(if precision == Precision::F64 { value + 0.5 } else { value });
                }
            }
            Ok(Logits::new(values, VOCABULARY as usize))
        }
    }

    fn cached(fraction: f64, bytes: usize) -> (Arc<Spelling>, CachedConditionals) {
        let inner = Arc::new(Spelling { asked: AtomicUsize::new(0), fraction });
        (inner.clone(), CachedConditionals::new(inner, bytes))
    }

    #[test]
    fn repeats_are_answered_once_and_alike() {
        let (inner, cache) = cached(0.0, 1 << 20);
        let states = [vec![1, 2, 3], vec![1, 4, 3], vec![4, 4, 3], vec![1, 2]];
        // Rows 0 and 1 differ only at the masked site: one question.
        let rows: Vec<Row<'_>> = [(0, 1), (1, 1), (2, 1), (0, 0), (3, 1), (0, 1)]
            .iter()
            .map(|&(state, position)| Row { state: &states[state], position })
            .collect();
        let first = cache.logits(&rows, Precision::F32).unwrap();
        assert_eq!(inner.asked.load(Ordering::SeqCst), 4);
        let direct = inner.logits(&rows, Precision::F32).unwrap();
        assert_eq!(first, direct);
        assert_eq!(cache.logits(&rows, Precision::F32).unwrap(), direct);
        assert_eq!(inner.asked.load(Ordering::SeqCst), 4 + 6, "the second batch asked the model nothing");
        let counts = cache.counts();
        assert_eq!((counts.hits, counts.misses, counts.entries), (2 + 6, 4, 4));
        // Double precision is another question.
        let double = cache.logits(&rows[..1], Precision::F64).unwrap();
        assert_eq!(double.row(0)[0], direct.row(0)[0] + 0.5);
        assert_eq!(cache.counts().misses, 5);
    }

    #[test]
    fn a_cache_at_rest_keeps_the_newest() {
        let (inner, cache) = cached(0.0, 1 << 20);
        let states: Vec<Vec<u32>> = (0..10).map(|k| vec![k, 0]).collect();
        let rows: Vec<Row<'_>> = states.iter().map(|state| Row { state, position: 1 }).collect();
        cache.logits(&rows, Precision::F32).unwrap();
        let each = cache.counts().bytes / 10;
        cache.shrink(3 * each + each / 2);
        assert_eq!(cache.counts().entries, 3);
        cache.logits(&rows[7..], Precision::F32).unwrap();
        assert_eq!(inner.asked.load(Ordering::SeqCst), 10, "the newest three were kept");
        cache.shrink(0);
        assert_eq!((cache.counts().entries, cache.counts().bytes), (0, 0));
    }

    #[test]
    fn values_beyond_single_precision_are_kept_whole() {
        let (_, cache) = cached(0.1, 1 << 20);
        let state = [1, 2, 3];
        let rows = [Row { state: &state, position: 0 }];
        let fresh = cache.logits(&rows, Precision::F64).unwrap();
        assert_eq!(cache.logits(&rows, Precision::F64).unwrap(), fresh);
        assert_eq!(cache.counts().hits, 1);
        let (_, halves) = cached(0.0, 1 << 20);
        halves.logits(&rows, Precision::F32).unwrap();
        assert_eq!(
            cache.counts().bytes - halves.counts().bytes,
            4 * VOCABULARY as usize,
            "f32 logits take half the bytes"
        );
    }

    #[test]
    fn the_bound_is_kept_and_the_least_recent_go_first() {
        let (inner, cache) = cached(0.0, 40_000);
        let state = |k: u32| vec![k, k + 1, k + 2];
        let ask = |k: u32| {
            let before = inner.asked.load(Ordering::SeqCst);
            let state = state(k);
            let row = [Row { state: &state, position: 2 }];
            let answer = cache.logits(&row, Precision::F32).unwrap();
            assert_eq!(answer.row(0)[0], 2000.0 + f64::from(k) + 7.0 * f64::from(k + 1));
            inner.asked.load(Ordering::SeqCst) > before
        };
        for k in 0..200 {
            ask(k);
            // Question 0 is used all along, so it stays.
            assert!(k == 0 || !ask(0), "question 0 was dropped at {k}");
            assert!(cache.counts().bytes <= 40_000);
        }
        let counts = cache.counts();
        assert!(counts.entries > 5 && counts.entries < 40, "{counts:?}");
        assert_eq!(counts.evicted, 200 - counts.entries as u64);
        let kept = counts.entries as u32 - 1;
        for k in (200 - kept)..200 {
            assert!(!ask(k), "question {k} should be kept");
        }
        assert!(ask(100), "question 100 is long gone");
    }

    #[test]
    fn an_answer_larger_than_the_bound_passes_through() {
        let (inner, cache) = cached(0.0, 50);
        let state = [1, 2];
        let row = [Row { state: &state, position: 0 }];
        for _ in 0..2 {
            cache.logits(&row, Precision::F32).unwrap();
        }
        assert_eq!((inner.asked.load(Ordering::SeqCst), cache.counts().entries), (2, 0));
    }

    #[test]
    fn threads_share_one_cache() {
        let (inner, cache) = cached(0.0, 60_000);
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let (inner, cache) = (&inner, &cache);
                scope.spawn(move || {
                    for k in 0..300u32 {
                        let state = vec![(k * k + thread) % 40, 1, 2];
                        let rows = [Row { state: &state, position: 1 }, Row { state: &state, position: 2 }];
                        let (got, want) = (cache.logits(&rows, Precision::F32), inner.logits(&rows, Precision::F32));
                        assert_eq!(got, want);
                    }
                });
            }
        });
        let counts = cache.counts();
        assert_eq!(counts.hits + counts.misses, 4 * 300 * 2);
        assert!(counts.bytes <= 60_000 && counts.hits > 0);
    }

    #[test]
    fn a_site_outside_the_state_is_an_error() {
        let (_, cache) = cached(0.0, 1 << 20);
        let rows = [Row { state: &[1, 2], position: 2 }];
        let expected = Err(ConditionalsError::Position { position: 2, length: 2 });
        assert_eq!(cache.logits(&rows, Precision::F32), expected);
    }

    /// Answers that betray how many rows came along.
    struct Crowd;

    impl Conditionals for Crowd {
        fn sites(&self) -> (usize, usize) {
            (1, 8)
        }
        fn vocabulary(&self) -> usize {
            50
        }
        fn logits(&self, rows: &[Row<'_>], _: Precision) -> Result<Logits, ConditionalsError> {
            assert!(rows.iter().all(|row| row.state.len() == rows[0].state.len()), "one length per block");
            let value = |row: &Row<'_>| 100.0 * f64::from(row.state[0]) + row.state.len() as f64 / 8.0;
            let crowd = rows.len() as f64 / 1024.0;
            Ok(Logits::new(rows.iter().flat_map(|row| vec![value(row) + crowd; 50]).collect(), 50))
        }
    }

    #[test]
    fn reproducible_answers_do_not_depend_on_company() {
        let states: Vec<Vec<u32>> = (0..40u32).map(|k| vec![k; 2 + (k % 3) as usize]).collect();
        let rows: Vec<Row<'_>> = states.iter().map(|state| Row { state, position: 1 }).collect();
        let fresh = || CachedConditionals::new(Arc::new(Crowd), 1 << 20).reproducible();
        let together = fresh().logits(&rows, Precision::F32).unwrap();
        let cache = fresh();
        for k in (0..40).rev() {
            let alone = cache.logits(&rows[k..=k], Precision::F32).unwrap();
            assert_eq!(alone.row(0), together.row(k));
            assert_eq!(alone.row(0)[0], 100.0 * k as f64 + states[k].len() as f64 / 8.0 + 16.0 / 1024.0);
        }
    }
}
