//! Answers in a list from the most to the least recently used.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::size_of;
use std::sync::Arc;

use crate::glauber::conditionals::{Precision, Row};
use crate::glauber::law::Law;

/// A question: the tokens around the masked site (the site itself holds `u32::MAX`), the site, and the arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    precision: Precision,
    position: u32,
    /// The law that is made of the logits; `None` for the logits themselves.
    pub(super) law: Option<LawKey>,
    context: Box<[u32]>,
}

/// Which law: the bits of its temperature, and the number of its list of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LawKey {
    pub(super) temperature: u64,
    pub(super) allowed: u32,
}

impl Question {
    pub(super) fn new(row: &Row<'_>, precision: Precision, law: Option<LawKey>) -> Self {
        let mut context: Box<[u32]> = row.state.into();
        if let Some(site) = context.get_mut(row.position) {
            *site = u32::MAX;
        }
        Self { precision, position: row.position as u32, law, context }
    }
}

/// Logits of one question, in half the bytes where that loses nothing, or a law.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Single(Arc<[f32]>),
    /// What the model's offsets are to be added to.
    Below(Arc<[f32]>),
    Double(Arc<[f64]>),
    Law(Arc<Law>),
}

impl Answer {
    pub(super) fn new(logits: &[f64], offsets: Option<&[f64]>) -> Self {
        if let Some(offsets) = offsets.filter(|offsets| offsets.len() == logits.len()) {
            let below: Arc<[f32]> = logits.iter().zip(offsets).map(|(logit, offset)| (logit - offset) as f32).collect();
            let each = below.iter().zip(logits.iter().zip(offsets));
            if each.fold(true, |exact, (&below, (&logit, offset))| exact & (f64::from(below) + offset == logit)) {
                return Self::Below(below);
            }
        }
        if logits.iter().all(|&value| f64::from(value as f32) == value) {
            Self::Single(logits.iter().map(|&value| value as f32).collect())
        } else {
            Self::Double(logits.into())
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Single(values) | Self::Below(values) => size_of_val::<[f32]>(values),
            Self::Double(values) => size_of_val::<[f64]>(values),
            Self::Law(law) => size_of::<Law>() + law.bytes(),
        }
    }

    /// Appends the logits to `out`; a law has none.
    pub(super) fn write(&self, offsets: Option<&[f64]>, out: &mut Vec<f64>) {
        match self {
            Self::Below(values) => {
                let offsets = offsets.unwrap_or_default();
                out.extend(values.iter().zip(offsets).map(|(&value, offset)| f64::from(value) + offset));
            }
            Self::Single(values) => out.extend(values.iter().map(|&value| f64::from(value))),
            Self::Double(values) => out.extend_from_slice(values),
            Self::Law(_) => {}
        }
    }
}

/// Memory for laws in use, taken again once nobody holds them.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    laws: Vec<Arc<Law>>,
    next: usize,
}

impl Rooms {
    /// Most laws whose memory is held.
    const MOST: usize = 64;

    /// A law that `set` has made, in memory that was used before if there is any.
    pub(super) fn make(&mut self, set: impl FnOnce(&mut Law)) -> Arc<Law> {
        self.next = (self.next + 1) % Self::MOST;
        if self.laws.len() <= self.next && self.laws.len() < Self::MOST {
            self.laws.push(Arc::default());
            self.next = self.laws.len() - 1;
        }
        let room = &mut self.laws[self.next];
        match Arc::get_mut(room) {
            Some(law) => set(law),
            None => {
                let mut law = Law::default();
                set(&mut law);
                *room = Arc::new(law);
            }
        }
        room.clone()
    }

    /// Gives the memory back.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// End of the list of entries.
const NONE: usize = usize::MAX;

#[derive(Debug)]
struct Entry {
    question: Arc<Question>,
    answer: Answer,
    newer: usize,
    older: usize,
}

/// Entries in a list from the most to the least recently used, found through a map. The map is never iterated.
#[derive(Debug)]
pub(super) struct Recent {
    slots: HashMap<Arc<Question>, usize, BuildHasherDefault<Fold>>,
    entries: Vec<Entry>,
    newest: usize,
    oldest: usize,
    /// Where laws are made that are too long to be kept.
    pub(super) rooms: Rooms,
    pub(super) bytes: usize,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) evicted: u64,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            slots: HashMap::default(),
            entries: Vec::new(),
            newest: NONE,
            oldest: NONE,
            rooms: Rooms::default(),
            bytes: 0,
            hits: 0,
            misses: 0,
            evicted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

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

    pub(super) fn get(&mut self, question: &Question) -> Option<Answer> {
        let slot = *self.slots.get(question)?;
        self.unlink(slot);
        self.put_first(slot);
        Some(self.entries[slot].answer.clone())
    }

    pub(super) fn remove_oldest(&mut self) {
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

    pub(super) fn insert(&mut self, question: Question, answer: Answer, bound: usize) {
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

/// A hash for keys that no adversary chooses, in a few instructions a word.
#[derive(Default)]
pub(super) struct Fold(u64);

impl Fold {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|&word| self.add(u64::from_le_bytes(word)));
        rest.iter().for_each(|&byte| self.add(u64::from(byte)));
    }

    fn write_u32(&mut self, word: u32) {
        self.add(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.add(word as u64);
    }

    fn finish(&self) -> u64 {
        // The high bits have seen every word; tables look at the low ones too.
        self.0.rotate_left(26)
    }
}
