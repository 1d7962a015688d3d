//! Where pairs of any source go: checked, counted and written.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::BadLines;
use super::file::write_line;
use crate::dempo::pairs::Tally;
use crate::dempo::preference::{Dropped, Preference};
use crate::statistics::{quantile, sorted};

/// What became of a source.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ImportReport {
    /// What the source was taken for.
    pub format: String,
    /// Lines or rows that were read.
    pub lines: u64,
    /// Those that are not what they should be, and were left out.
    pub malformed: BadLines,
    /// Pairs that were written.
    pub pairs: u64,
    /// Their raters.
    pub raters: u64,
    /// Pairs a rater: least, quartiles and most.
    pub pairs_per_rater: [f64; 5],
    /// What was left out, by reason.
    pub dropped: Tally,
    /// Raters of whom the survey knows nothing; they are kept. `None` where there is no survey.
    pub raters_without_demographics: Option<u64>,
    /// Raters of the survey who expressed no preferences that count.
    pub raters_without_pairs: Option<u64>,
    /// Conversations, where the source has them.
    pub conversations: Option<u64>,
    /// Conversations whose lines do not stand together; they were put together.
    pub scattered_conversations: u64,
    /// What the reader of the file should know.
    pub notes: Vec<String>,
    /// SHA-256 of what was written, hexadecimal.
    pub sha256: String,
}

/// A key for an id that takes 16 bytes, however long the id; two ids with one key are beyond reach.
pub(super) fn key(id: &str) -> [u8; 16] {
    let digest = Sha256::digest(id.as_bytes());
    std::array::from_fn(|place| digest[place])
}

/// Takes pairs.
pub(super) struct Sink<'w> {
    out: &'w mut dyn Write,
    hash: Sha256,
    ids: HashSet<[u8; 16]>,
    raters: BTreeMap<String, u64>,
    pairs: u64,
    pub(super) dropped: Tally,
    pub(super) malformed: BadLines,
    pub(super) lines: u64,
    pub(super) notes: Vec<String>,
}

/// Writes and hashes.
struct Hashed<'h>(&'h mut dyn Write, &'h mut Sha256);

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<'w> Sink<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            hash: Sha256::new(),
            ids: HashSet::new(),
            raters: BTreeMap::new(),
            pairs: 0,
            dropped: Tally::new(),
            malformed: BadLines::default(),
            lines: 0,
            notes: Vec::new(),
        }
    }

    /// Writes the pair, or counts why not.
    pub(super) fn take(&mut self, pair: &Preference) -> io::Result<()> {
        let why = pair.unusable().or_else(|| (!self.ids.insert(key(&pair.id))).then_some(Dropped::DuplicateId));
        if let Some(why) = why {
            *self.dropped.entry(why).or_default() += 1;
            return Ok(());
        }
        self.pairs += 1;
        *self.raters.entry(pair.rater.clone()).or_default() += 1;
        write_line(&mut Hashed(self.out, &mut self.hash), pair)
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Pairs of each rater.
    pub(super) fn raters(&self) -> &BTreeMap<String, u64> {
        &self.raters
    }

    /// What was left out, in words.
    pub(super) fn dropped_in_words(&self) -> String {
        let words = |(why, count): (&Dropped, &u64)| {
            let name = serde_json::to_value(why).ok().and_then(|name| name.as_str().map(|name| name.replace('-', " ")));
            format!("{count} left out for {}", name.unwrap_or_default())
        };
        match self.dropped.is_empty() {
            true => format!("{} lines were read", self.lines),
            false => self.dropped.iter().map(words).collect::<Vec<_>>().join(", "),
        }
    }

    /// The report, without what only some sources know.
    pub(super) fn report(self, format: &str) -> ImportReport {
        let counts: Vec<f64> = self.raters.values().map(|&count| count as f64).collect();
        let order = sorted(&counts);
        let pairs_per_rater = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile(&order, share));
        ImportReport {
            format: format.to_owned(),
            lines: self.lines,
            malformed: self.malformed,
            pairs: self.pairs,
            raters: self.raters.len() as u64,
            pairs_per_rater,
            dropped: self.dropped,
            raters_without_demographics: None,
            raters_without_pairs: None,
            conversations: None,
            scattered_conversations: 0,
            notes: self.notes,
            sha256: self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}
