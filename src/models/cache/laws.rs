//! Laws of draws beside the logits they were made of.
//!
//! At low temperature a law holds a handful of a large vocabulary: thousands of laws take the bytes of a hundred rows of
//! logits, and a chain that stays where it is draws without touching a row.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::CachedConditionals;
use super::recent::{Answer, LawKey, Question, Recent};
use crate::glauber::conditionals::{ConditionalsError, Draw, Laws, Precision, Row, check_finite, check_rows};
use crate::glauber::law::Law;

/// Tokens of the vocabulary for each that a law may hold if it is kept: a longer law is made anew from its logits.
const COMPACT: usize = 12;

impl CachedConditionals {
    /// How the law of each draw is found.
    fn keys(&self, draws: &[Draw<'_>]) -> Result<Vec<LawKey>, ConditionalsError> {
        let (sites, vocabulary) = (self.inner.sites(), self.inner.vocabulary());
        let mut lists = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut keys: Vec<LawKey> = Vec::with_capacity(draws.len());
        for (k, draw) in draws.iter().enumerate() {
            check_rows(&[draw.row], sites, vocabulary)?;
            let before = k.checked_sub(1).filter(|&before| Arc::ptr_eq(draws[before].allowed, draw.allowed));
            let allowed = match before {
                Some(before) => keys[before].allowed,
                None => number(&mut lists, draw.allowed, vocabulary)?,
            };
            keys.push(LawKey { temperature: draw.temperature.get().to_bits(), allowed });
        }
        Ok(keys)
    }

    /// Makes a law, and keeps it if it is short.
    fn make(&self, recent: &mut Recent, question: Question, logits: &Answer, draw: &Draw<'_>) -> Arc<Law> {
        let set = |law: &mut Law| match logits {
            Answer::Single(values) => law.set(draw.temperature, values, None, draw.allowed),
            Answer::Below(values) => law.set(draw.temperature, values, self.inner.offsets(), draw.allowed),
            Answer::Double(values) => law.set(draw.temperature, values, None, draw.allowed),
            Answer::Law(kept) => law.clone_from(kept),
        };
        // Long laws are over after a step, so their memory goes round.
        let law = recent.rooms.make(set);
        if law.tokens().len() > self.inner.vocabulary().div_ceil(COMPACT) {
            return law;
        }
        let law = Arc::new(Law::clone(&law));
        recent.insert(question, Answer::Law(law.clone()), self.bound);
        law
    }

    /// The law of a draw, from itself or from its logits.
    fn find(&self, recent: &mut Recent, draw: &Draw<'_>, precision: Precision, key: LawKey) -> Option<Arc<Law>> {
        let mut question = Question::new(&draw.row, precision, Some(key));
        if let Some(Answer::Law(law)) = recent.get(&question) {
            return Some(law);
        }
        question.law = None;
        let logits = recent.get(&question)?;
        question.law = Some(key);
        Some(self.make(recent, question, &logits, draw))
    }
}

/// The number of a list of tokens, which is added if it is new.
fn number(lists: &mut Vec<Arc<[u32]>>, allowed: &Arc<[u32]>, vocabulary: usize) -> Result<u32, ConditionalsError> {
    let found = lists.iter().position(|list| Arc::ptr_eq(list, allowed));
    if let Some(found) = found.or_else(|| lists.iter().position(|list| list == allowed)) {
        return Ok(found as u32);
    }
    if allowed.is_empty() {
        return Err(ConditionalsError::Invalid("no token may be drawn: allow at least one".to_owned()));
    }
    if let Some(&token) = allowed.iter().find(|&&token| token as usize >= vocabulary) {
        return Err(ConditionalsError::Token { token, vocabulary });
    }
    lists.push(allowed.clone());
    Ok(lists.len() as u32 - 1)
}

impl Laws for CachedConditionals {
    fn kept(
        &self,
        draws: &[Draw<'_>],
        precision: Precision,
        laws: &mut Vec<Option<Arc<Law>>>,
    ) -> Result<(), ConditionalsError> {
        let keys = self.keys(draws)?;
        let mut recent = self.lock();
        laws.clear();
        laws.extend(draws.iter().zip(keys).map(|(draw, key)| self.find(&mut recent, draw, precision, key)));
        recent.hits += laws.iter().flatten().count() as u64;
        Ok(())
    }

    fn evaluated(&self, draws: &[Draw<'_>], precision: Precision) -> Result<Vec<Arc<Law>>, ConditionalsError> {
        let keys = self.keys(draws)?;
        let mut laws: Vec<Option<Arc<Law>>> = vec![None; draws.len()];
        let (mut rows, mut asked): (Vec<Row<'_>>, HashMap<Question, usize>) = (Vec::new(), HashMap::new());
        let mut sources = Vec::with_capacity(draws.len());
        {
            let mut recent = self.lock();
            for ((draw, &key), law) in draws.iter().zip(&keys).zip(&mut laws) {
                *law = self.find(&mut recent, draw, precision, key);
                let next = rows.len();
                let mut source = next;
                if law.is_none() {
                    source = *asked.entry(Question::new(&draw.row, precision, None)).or_insert(next);
                    if source == next {
                        rows.push(draw.row);
                    }
                }
                sources.push(source);
            }
            recent.misses += rows.len() as u64;
        }
        let logits = self.ask(&rows, precision)?;
        let offsets = self.inner.offsets();
        let mut answers: Vec<Option<Answer>> = vec![None; rows.len()];
        let mut made: HashMap<(LawKey, usize), Arc<Law>> = HashMap::new();
        let mut recent = self.lock();
        // Row by row, so that each is in the processor's caches until its law is made.
        for ((draw, key), (law, source)) in draws.iter().zip(keys).zip(laws.iter_mut().zip(sources)) {
            if law.is_some() {
                continue;
            }
            if let Some(made) = made.get(&(key, source)) {
                *law = Some(made.clone());
                continue;
            }
            let answer = match &answers[source] {
                Some(answer) => answer,
                None => {
                    check_finite(logits.row(source))?;
                    let answer = Answer::new(logits.row(source), offsets);
                    recent.insert(Question::new(&draw.row, precision, None), answer.clone(), self.bound);
                    answers[source].insert(answer)
                }
            };
            let fresh = self.make(&mut recent, Question::new(&draw.row, precision, Some(key)), answer, draw);
            made.insert((key, source), fresh.clone());
            *law = Some(fresh);
        }
        Ok(laws.into_iter().flatten().collect())
    }
}
