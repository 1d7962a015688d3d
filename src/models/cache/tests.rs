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
    assert_eq!(cache.counts().bytes - halves.counts().bytes, 4 * VOCABULARY as usize, "f32 logits take half the bytes");
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

/// Single-precision numbers with something added in double precision at the end, as the head of a model does it.
struct Raised(Vec<f64>);

impl Conditionals for Raised {
    fn sites(&self) -> (usize, usize) {
        (1, 8)
    }
    fn vocabulary(&self) -> usize {
        self.0.len()
    }
    fn logits(&self, rows: &[Row<'_>], precision: Precision) -> Result<Logits, ConditionalsError> {
        let numbers = |row: &Row<'_>| {
            let site = row.position as f32;
            let numbers =
                self.0.iter().enumerate().map(move |(v, offset)| f64::from((site + v as f32).sin() * 7.3) + offset);
            numbers.map(|x| if precision == Precision::F64 { x + x * 1e-13 } else { x }).collect::<Vec<f64>>()
        };
        Ok(Logits::new(rows.iter().flat_map(numbers).collect(), self.0.len()))
    }
    fn offsets(&self) -> Option<&[f64]> {
        Some(&self.0)
    }
}

#[test]
fn logits_are_kept_in_half_the_bytes_only_where_every_bit_comes_back() {
    let model = Arc::new(Raised((0..1000).map(|v| f64::from(v) * 1e-3 + 0.1).collect()));
    let row = [Row { state: &[1, 2, 3], position: 1 }];
    for (precision, bytes) in [(Precision::F32, 4..5), (Precision::F64, 8..9)] {
        let cache = CachedConditionals::new(model.clone(), 1 << 20).reproducible();
        let fresh = cache.logits(&row, precision).unwrap();
        assert_eq!(fresh, model.logits(&row, precision).unwrap());
        assert_eq!(cache.logits(&row, precision).unwrap(), fresh);
        assert_eq!(cache.counts().hits, 1);
        assert!(bytes.contains(&(cache.counts().bytes / 1000)), "{:?}", cache.counts());
        // The law of a draw is that of the whole logits, whether they are fresh or kept.
        let allowed: Arc<[u32]> = (3..990).collect();
        let temperature = crate::glauber::temperature::Temperature::new(0.5).unwrap();
        let draw = [crate::glauber::conditionals::Draw { row: row[0], temperature, allowed: &allowed }];
        let mut law = crate::glauber::law::Law::default();
        law.set(temperature, fresh.row(0), None, &allowed);
        let mut kept = Vec::new();
        cache.laws().unwrap().kept(&draw, precision, &mut kept).unwrap();
        assert_eq!(kept[0].as_deref(), Some(&law));
        let other = CachedConditionals::new(model.clone(), 1 << 20).reproducible();
        assert_eq!(*other.laws().unwrap().evaluated(&draw, precision).unwrap()[0], law);
    }
}

#[test]
fn laws_that_someone_holds_are_not_written_over() {
    let mut rooms = recent::Rooms::default();
    let allowed: Vec<u32> = (0..8).collect();
    let law = |peak: usize| {
        let mut logits = [0.0; 8];
        logits[peak % 8] = 1.0 + peak as f64 * 1e-3;
        let mut law = crate::glauber::law::Law::default();
        law.set(crate::glauber::temperature::Temperature::ONE, &logits, None, &allowed);
        law
    };
    let held: Vec<_> = (0..300).map(|k| rooms.make(|room| *room = law(k))).collect();
    assert!(held.iter().enumerate().all(|(k, held)| **held == law(k)));
    drop(held);
    let again: Vec<_> = (0..100).map(|k| rooms.make(|room| *room = law(k + 7))).collect();
    assert!(again.iter().enumerate().all(|(k, held)| **held == law(k + 7)));
}
