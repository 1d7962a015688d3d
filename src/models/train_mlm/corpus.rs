//! Text on disk to masked batches of token ids: read line by line, split by paragraph, cut into pieces.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use super::TrainError;
use super::wordpiece::{CLS, MASK, PAD, SEP, SPECIAL, WordCounts};
use crate::progress::Progress;

/// Paragraphs handed to the threads at once; bounds the text held in memory.
const CHUNK: usize = 4096;
/// Batches that are filled from one run of shuffled pieces, sorted by length: less padding, almost all of the chance.
const BATCHES_SORTED_TOGETHER: usize = 50;

/// What a stream of random numbers is for. Each purpose and index has its own ChaCha stream of the one seed, so that
/// nothing depends on how often anything else drew.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    HoldOut = 1,
    Weights = 2,
    Order = 3,
    TrainingMask = 4,
    ValidationMask = 5,
}

/// The generator for the `index`-th use of `purpose`.
pub(super) fn generator(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(((purpose as u64) << 56) | index);
    generator
}

/// What a first reading of a text file found.
pub(super) struct Text {
    pub(super) sha256: String,
    /// Lines with something on them.
    pub(super) paragraphs: u64,
}

/// Reads the file once: its hash, how many paragraphs it has, and that all of it is UTF-8.
pub(super) fn scan(path: &Path, progress: &dyn Progress) -> Result<Text, TrainError> {
    let mut hash = Sha256::new();
    let mut paragraphs = 0;
    for_each_line(path, progress, |line| {
        hash.update(line);
        paragraphs += u64::from(paragraph(line).is_some());
        Ok(())
    })?;
    if paragraphs < 2 {
        let found = if paragraphs == 0 { "no paragraph" } else { "only one paragraph" };
        return Err(TrainError::file(
            format!("the text has {found}, and some are held out for validation"),
            "give a plain text file with one paragraph per line, at least 2 of them",
            path,
        ));
    }
    Ok(Text { sha256: hex(&hash.finalize()), paragraphs })
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hands over each line with its end, reporting bytes read of the file's size.
fn for_each_line(
    path: &Path,
    progress: &dyn Progress,
    mut visit: impl FnMut(&str) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let fail = |e: std::io::Error| {
        TrainError::file(format!("the text cannot be read ({e})"), "name a readable plain text file", path)
    };
    let file = File::open(path).map_err(fail)?;
    let size = file.metadata().map_err(fail)?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut line, mut number, mut read) = (Vec::new(), 0u64, 0u64);
    loop {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line).map_err(fail)?;
        if bytes == 0 {
            return Ok(());
        }
        let text = std::str::from_utf8(&line).map_err(|at| {
            TrainError::file(
                format!("line {} of the text is not UTF-8 (byte {})", number + 1, at.valid_up_to() + 1),
                "save the text as UTF-8",
                path,
            )
        })?;
        visit(text)?;
        number += 1;
        read += bytes as u64;
        if number.is_multiple_of(1024) {
            progress.report(read, size.max(read));
            progress.checkpoint()?;
        }
    }
}

/// A line without its margins and byte-order mark, or nothing where it is blank.
fn paragraph(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('\u{feff}').trim();
    (!text.is_empty()).then_some(text)
}

/// Hands over the paragraphs in chunks, each with whether it is held out.
fn for_each_chunk(
    path: &Path,
    held_out: &[bool],
    progress: &dyn Progress,
    mut visit: impl FnMut(&[(String, bool)]) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let mut chunk = Vec::with_capacity(CHUNK);
    let mut seen = 0usize;
    for_each_line(path, progress, |line| {
        let Some(text) = paragraph(line) else { return Ok(()) };
        let Some(&held) = held_out.get(seen) else { return Err(changed(path)) };
        chunk.push((text.to_owned(), held));
        seen += 1;
        if chunk.len() == CHUNK {
            visit(&chunk)?;
            chunk.clear();
        }
        Ok(())
    })?;
    if seen != held_out.len() {
        return Err(changed(path));
    }
    visit(&chunk)
}

fn changed(path: &Path) -> TrainError {
    TrainError::file("the text changed while it was being read", "start again once it is complete", path)
}

/// Which paragraphs are held out: the given share of them, at least one and not all, drawn from the seed.
pub(super) fn hold_out(paragraphs: u64, share: f64, seed: u64) -> Vec<bool> {
    let paragraphs = paragraphs as usize;
    let held = ((paragraphs as f64 * share).round() as usize).clamp(1, paragraphs.saturating_sub(1).max(1));
    let mut order: Vec<usize> = (0..paragraphs).collect();
    order.shuffle(&mut generator(seed, Purpose::HoldOut, 0));
    let mut held_out = vec![false; paragraphs];
    for &index in order.iter().take(held) {
        held_out[index] = true;
    }
    held_out
}

/// Counts the words of the paragraphs that are not held out.
pub(super) fn count_words(path: &Path, held_out: &[bool], progress: &dyn Progress) -> Result<WordCounts, TrainError> {
    let mut counts = WordCounts::default();
    for_each_chunk(path, held_out, progress, |chunk| {
        let parts: Vec<WordCounts> = chunk
            .par_chunks(CHUNK / 16)
            .map(|part| {
                let mut counts = WordCounts::default();
                for (text, _) in part.iter().filter(|(_, held)| !held) {
                    counts.add_text(text)?;
                }
                Ok(counts)
            })
            .collect::<Result<_, TrainError>>()?;
        parts.into_iter().for_each(|part| counts.merge(part));
        Ok(())
    })?;
    Ok(counts)
}

/// Runs of token ids, without start and end tokens.
#[derive(Default)]
pub(super) struct Pieces {
    tokens: Vec<u32>,
    /// Where each piece ends in `tokens`.
    ends: Vec<usize>,
}

impl Pieces {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.tokens[start..self.ends[index]]
    }

    /// Cuts a paragraph into the fewest pieces of at most `longest` tokens, as even as can be, so that no piece is a
    /// leftover of a token or two. Pieces with nothing to guess are left out.
    fn push(&mut self, paragraph: &[u32], longest: usize) {
        let count = paragraph.len().div_ceil(longest);
        for i in 0..count {
            let piece = &paragraph[i * paragraph.len() / count..(i + 1) * paragraph.len() / count];
            if piece.iter().any(|&token| can_be_masked(token)) {
                self.tokens.extend_from_slice(piece);
                self.ends.push(self.tokens.len());
            }
        }
    }
}

/// Unknown and other special tokens are nothing to learn to predict.
fn can_be_masked(token: u32) -> bool {
    token as usize >= SPECIAL.len()
}

/// The text as token ids: pieces to train on, and pieces held out, each of at most `length` tokens with their start
/// and end tokens.
pub(super) fn encode(
    path: &Path,
    tokenizer: &Tokenizer,
    held_out: &[bool],
    length: usize,
    progress: &dyn Progress,
) -> Result<(Pieces, Pieces), TrainError> {
    let mut tokenizer = tokenizer.clone();
    // A paragraph that writes "[MASK]" means those six characters, not the token.
    tokenizer.set_encode_special_tokens(true);
    let (mut training, mut validation) = (Pieces::default(), Pieces::default());
    for_each_chunk(path, held_out, progress, |chunk| {
        let encoded: Vec<Vec<u32>> = chunk
            .par_iter()
            .map(|(text, _)| tokenizer.encode_fast(text.as_str(), false).map(|e| e.get_ids().to_vec()))
            .collect::<Result<_, _>>()
            .map_err(|e| TrainError::Tokenizer(e.to_string()))?;
        for (ids, (_, held)) in encoded.iter().zip(chunk) {
            if *held { &mut validation } else { &mut training }.push(ids, length - 2);
        }
        Ok(())
    })?;
    for (pieces, name) in [(&training, "to train on"), (&validation, "held out for validation")] {
        if pieces.len() == 0 {
            return Err(TrainError::file(
                format!("the paragraphs {name} hold no word that the vocabulary knows"),
                "give more text, a larger vocabulary or a larger validation share",
                path,
            ));
        }
    }
    Ok((training, validation))
}

/// Masked pieces, padded to the longest of them.
pub(super) struct Batch {
    /// Token ids in rows of `width`: start token, piece, end token, padding; masked positions hold `[MASK]`.
    pub(super) ids: Vec<u32>,
    pub(super) width: usize,
    /// Tokens in each row without padding.
    pub(super) lengths: Vec<usize>,
    /// Masked positions as indices into `ids`.
    pub(super) masked: Vec<u32>,
    /// The token under each mask.
    pub(super) targets: Vec<u32>,
}

impl Batch {
    /// Masks `share` of each piece's tokens in expectation, and at least one.
    pub(super) fn new(pieces: &Pieces, indices: &[u32], share: f64, generator: &mut ChaCha8Rng) -> Self {
        let lengths: Vec<usize> = indices.iter().map(|&i| pieces.get(i as usize).len() + 2).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        let mut batch =
            Self { ids: vec![PAD; indices.len() * width], width, lengths, masked: Vec::new(), targets: Vec::new() };
        for (row, &index) in indices.iter().enumerate() {
            let piece = pieces.get(index as usize);
            let start = row * width;
            batch.ids[start] = CLS;
            batch.ids[start + 1..=start + piece.len()].copy_from_slice(piece);
            batch.ids[start + piece.len() + 1] = SEP;
            let mut candidates: Vec<usize> = (0..piece.len()).filter(|&i| can_be_masked(piece[i])).collect();
            let wanted = (candidates.len() as f64 * share + generator.random::<f64>()).floor() as usize;
            let (chosen, _) = candidates.partial_shuffle(generator, wanted.max(1));
            chosen.sort_unstable();
            for &position in chosen.iter() {
                let place = start + 1 + position;
                batch.masked.push(place as u32);
                batch.targets.push(piece[position]);
                batch.ids[place] = MASK;
            }
        }
        batch
    }
}

/// In which order the pieces are trained on: a function of the seed and the step alone.
pub(super) struct Order {
    seed: u64,
    batch: usize,
    epoch: Option<u64>,
    batches: Vec<Vec<u32>>,
}

impl Order {
    pub(super) fn new(seed: u64, batch: usize) -> Self {
        Self { seed, batch, epoch: None, batches: Vec::new() }
    }

    /// The pieces of the step that follows `step` steps.
    pub(super) fn indices(&mut self, pieces: &Pieces, step: u64) -> &[u32] {
        let per_epoch = pieces.len().div_ceil(self.batch) as u64;
        let epoch = step / per_epoch;
        if self.epoch != Some(epoch) {
            let mut generator = generator(self.seed, Purpose::Order, epoch);
            let mut indices: Vec<u32> = (0..pieces.len() as u32).collect();
            indices.shuffle(&mut generator);
            self.batches = batches_by_length(pieces, indices, self.batch);
            self.batches.shuffle(&mut generator);
            self.epoch = Some(epoch);
        }
        &self.batches[(step % per_epoch) as usize]
    }
}

/// Batches of pieces of similar length.
pub(super) fn batches_by_length(pieces: &Pieces, mut indices: Vec<u32>, batch: usize) -> Vec<Vec<u32>> {
    indices
        .chunks_mut(batch * BATCHES_SORTED_TOGETHER)
        .flat_map(|run| {
            run.sort_by_key(|&i| (pieces.get(i as usize).len(), i));
            run.chunks(batch).map(<[u32]>::to_vec).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::models::train_mlm::wordpiece;
    use crate::progress::Silent;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn pieces(lengths: &[usize]) -> Pieces {
        let mut pieces = Pieces::default();
        lengths.iter().for_each(|&n| pieces.push(&(5..5 + n as u32).collect::<Vec<_>>(), 1000));
        pieces
    }

    #[test]
    fn blank_lines_and_line_ends_are_no_paragraphs() {
        let text = scan(file("\u{feff}one\r\n\r\n  \ntwo\nthree".as_bytes()).path(), &Silent).unwrap();
        assert_eq!(text.paragraphs, 3);
    }

    #[test]
    fn a_text_that_cannot_be_used_says_why_and_where() {
        for (content, words) in [
            (&b""[..], "no paragraph"),
            (b"\n \n", "no paragraph"),
            (b"alone", "only one paragraph"),
            (b"fine\nbad \xff\n", "line 2 of the text is not UTF-8 (byte 5)"),
        ] {
            let file = file(content);
            let message = scan(file.path(), &Silent).err().unwrap().to_string();
            assert!(message.contains(words), "{message}");
            assert!(message.ends_with(&file.path().display().to_string()), "{message}");
        }
        let message = scan(Path::new("no/such/file"), &Silent).err().unwrap().to_string();
        assert!(message.contains("cannot be read"), "{message}");
    }

    #[test]
    fn the_split_is_by_share_and_seed_and_never_empty() {
        let held = |n, share, seed| hold_out(n, share, seed).iter().filter(|&&h| h).count();
        assert_eq!((held(200, 0.1, 1), held(3, 0.01, 1), held(2, 0.99, 1)), (20, 1, 1));
        assert_eq!(hold_out(200, 0.1, 1), hold_out(200, 0.1, 1));
        assert_ne!(hold_out(200, 0.1, 1), hold_out(200, 0.1, 2));
    }

    #[test]
    fn held_out_words_do_not_reach_the_vocabulary() {
        let file = file(b"alpha beta\ngamma\ndelta");
        let counts = count_words(file.path(), &[false, true, false], &Silent).unwrap();
        assert_eq!(counts.0.keys().collect::<Vec<_>>(), ["alpha", "beta", "delta"]);
    }

    #[test]
    fn paragraphs_are_cut_evenly_and_text_about_masks_stays_text() {
        let file = file("a b c d e f g\na [MASK] b\n".as_bytes());
        let counts = count_words(file.path(), &[false, false], &Silent).unwrap();
        let vocabulary = wordpiece::learn(&counts, 100, &Silent).unwrap();
        let tokenizer = wordpiece::tokenizer(&vocabulary).unwrap();
        let (training, held) = encode(file.path(), &tokenizer, &[false, true], 5, &Silent).unwrap();
        assert_eq!((0..training.len()).map(|i| training.get(i).len()).collect::<Vec<_>>(), [2, 2, 3]);
        assert!((0..held.len()).all(|i| !held.get(i).contains(&MASK)));
    }

    #[test]
    fn a_batch_masks_the_share_asked_for_and_remembers_the_tokens() {
        let pieces = pieces(&[1, 40, 100]);
        let mut masked = 0;
        for index in 0..200 {
            let batch = Batch::new(&pieces, &[0, 1, 2], 0.15, &mut generator(3, Purpose::TrainingMask, index));
            assert_eq!((batch.width, batch.lengths.as_slice()), (102, &[3, 42, 102][..]));
            assert_eq!(batch.ids.iter().filter(|&&id| id == MASK).count(), batch.masked.len());
            for (&place, &target) in batch.masked.iter().zip(&batch.targets) {
                assert_eq!(batch.ids[place as usize], MASK);
                let (row, position) = (place as usize / 102, place as usize % 102 - 1);
                assert_eq!(pieces.get(row)[position], target);
            }
            masked += batch.masked.len() - 1;
        }
        // 140 tokens a batch at 0.15, and always the only token of the first piece.
        let share = masked as f64 / (200.0 * 140.0);
        assert!((share - 0.15).abs() < 0.005, "{share}");
    }

    #[test]
    fn every_epoch_visits_every_piece_once_in_batches_of_similar_length() {
        let lengths: Vec<usize> = (0..103).map(|i| 1 + i * 37 % 60).collect();
        let pieces = pieces(&lengths);
        let mut order = Order::new(7, 8);
        let mut epochs = Vec::new();
        for epoch in 0..2u64 {
            let mut seen = Vec::new();
            for step in 0..13 {
                let indices = order.indices(&pieces, epoch * 13 + step).to_vec();
                let of = |i: &u32| lengths[*i as usize];
                assert!(indices.iter().map(of).max().unwrap() - indices.iter().map(of).min().unwrap() <= 8);
                seen.extend(indices);
            }
            epochs.push(seen.clone());
            seen.sort_unstable();
            assert_eq!(seen, (0..103).collect::<Vec<_>>());
        }
        assert_ne!(epochs[0], epochs[1]);
        assert_eq!(Order::new(7, 8).indices(&pieces, 17), order.indices(&pieces, 17));
    }
}
