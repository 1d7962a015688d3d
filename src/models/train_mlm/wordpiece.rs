//! A WordPiece vocabulary learnt from text, and the tokenizer that reads with it.
//!
//! The vocabulary is grown as the `tokenizers` crate grows it (pairs merged by frequency, `##` before pieces inside a
//! word), but not by that crate: its trainer numbers the pieces, and so breaks ties, in the order of a randomly seeded
//! hash map, and the same text would give another vocabulary, and so another model, each time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{
    AddedToken, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    Tokenizer,
};

use super::TrainError;
use crate::progress::Progress;

/// The tokens every vocabulary begins with, at ids 0 to 4.
pub(super) const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
pub(super) const PAD: u32 = 0;
pub(super) const CLS: u32 = 2;
pub(super) const SEP: u32 = 3;
pub(super) const MASK: u32 = 4;

/// Longer words are unknown to the tokenizer, as in BERT.
const LONGEST_WORD: usize = 100;
/// Rarer pairs are not merged: a piece seen once teaches nothing.
const LEAST_FREQUENCY: u64 = 2;
/// Most single characters kept, counting initial and inner forms apart; at most half of the vocabulary.
const MOST_CHARACTERS: usize = 2000;

fn normalizer() -> BertNormalizer {
    BertNormalizer::new(true, true, None, true)
}

/// How often each word occurs in some text, after lower-casing and splitting as the tokenizer does it.
#[derive(Default)]
pub(super) struct WordCounts(pub(super) BTreeMap<String, u64>);

impl WordCounts {
    pub(super) fn add_text(&mut self, text: &str) -> Result<(), TrainError> {
        let fail = |e: tokenizers::Error| TrainError::Tokenizer(e.to_string());
        let mut normalized = NormalizedString::from(text);
        normalizer().normalize(&mut normalized).map_err(fail)?;
        let mut words = PreTokenizedString::from(normalized);
        BertPreTokenizer.pre_tokenize(&mut words).map_err(fail)?;
        for (word, _, _) in words.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            match self.0.get_mut(word) {
                Some(count) => *count += 1,
                None => _ = self.0.insert(word.to_owned(), 1),
            }
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (word, count) in other.0 {
            *self.0.entry(word).or_default() += count;
        }
    }
}

type Pair = (u32, u32);

/// The pairs that may be merged, with how often each occurs and in which words.
#[derive(Default)]
struct Pairs {
    counts: HashMap<Pair, u64>,
    words: HashMap<Pair, Vec<u32>>,
}

impl Pairs {
    fn add(&mut self, index: u32, pieces: &[u32], count: u64) {
        for pair in pieces.windows(2).map(|p| (p[0], p[1])) {
            *self.counts.entry(pair).or_default() += count;
            let words = self.words.entry(pair).or_default();
            if words.last() != Some(&index) {
                words.push(index);
            }
        }
    }

    fn remove(&mut self, pieces: &[u32], count: u64) {
        for pair in pieces.windows(2).map(|p| (p[0], p[1])) {
            if let Some(total) = self.counts.get_mut(&pair) {
                *total = total.saturating_sub(count);
            }
        }
    }

    fn count(&self, pair: &Pair) -> u64 {
        self.counts.get(pair).copied().unwrap_or(0)
    }
}

/// Learns a vocabulary of at most `size` tokens: the special ones, the commonest characters, then merged pieces, the
/// most frequent pair first, ties by the age of its parts. The same counts always give the same list.
pub(super) fn learn(counts: &WordCounts, size: usize, progress: &dyn Progress) -> Result<Vec<String>, TrainError> {
    let mut vocabulary: Vec<String> = SPECIAL.iter().map(|s| (*s).to_owned()).collect();
    let mut ids: HashMap<String, u32> = HashMap::new();
    for character in alphabet(counts, (size - SPECIAL.len()).div_ceil(2).min(MOST_CHARACTERS)) {
        ids.insert(character.clone(), vocabulary.len() as u32);
        vocabulary.push(character);
    }
    let mut words = split(counts, &ids);
    let mut pairs = Pairs::default();
    let mut seen = BTreeSet::new();
    for (index, (pieces, count)) in words.iter().enumerate() {
        pairs.add(index as u32, pieces, *count);
        seen.extend(pieces.windows(2).map(|p| (p[0], p[1])));
    }
    let mut queue: BinaryHeap<(u64, Reverse<Pair>)> =
        seen.into_iter().map(|pair| (pairs.count(&pair), Reverse(pair))).collect();

    while vocabulary.len() < size {
        let Some((count, Reverse(pair))) = queue.pop() else { break };
        let now = pairs.count(&pair);
        if now != count {
            // The pair was counted before some of its occurrences were merged away.
            queue.push((now, Reverse(pair)));
            continue;
        }
        if count < LEAST_FREQUENCY {
            break;
        }
        let right = &vocabulary[pair.1 as usize];
        let piece = format!("{}{}", vocabulary[pair.0 as usize], right.strip_prefix("##").unwrap_or(right));
        let id = *ids.entry(piece.clone()).or_insert_with(|| {
            vocabulary.push(piece);
            vocabulary.len() as u32 - 1
        });
        let mut grown = BTreeSet::new();
        for index in pairs.words.remove(&pair).unwrap_or_default() {
            let (pieces, count) = &mut words[index as usize];
            pairs.remove(pieces, *count);
            merge(pieces, pair, id);
            pairs.add(index, pieces, *count);
            grown.extend(pieces.windows(2).map(|p| (p[0], p[1])).filter(|p| p.0 == id || p.1 == id));
        }
        queue.extend(grown.into_iter().map(|pair| (pairs.count(&pair), Reverse(pair))));
        if vocabulary.len().is_multiple_of(64) {
            progress.report(vocabulary.len() as u64, size as u64);
            progress.checkpoint()?;
        }
    }
    Ok(vocabulary)
}

/// The `most` commonest characters in initial ("a") and inner ("##a") form, in alphabetical order.
fn alphabet(counts: &WordCounts, most: usize) -> Vec<String> {
    let mut characters: BTreeMap<String, u64> = BTreeMap::new();
    for (word, count) in counts.0.iter().filter(|(word, _)| word.chars().count() <= LONGEST_WORD) {
        for character in forms(word) {
            *characters.entry(character).or_default() += count;
        }
    }
    let mut ranked: Vec<_> = characters.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(most);
    let mut kept: Vec<String> = ranked.into_iter().map(|(character, _)| character).collect();
    kept.sort();
    kept
}

fn forms(word: &str) -> impl Iterator<Item = String> {
    word.chars().enumerate().map(|(i, c)| if i == 0 { c.to_string() } else { format!("##{c}") })
}

/// Each word as the ids of its characters; words with a character outside the alphabet are unknown, and left out.
fn split(counts: &WordCounts, ids: &HashMap<String, u32>) -> Vec<(Vec<u32>, u64)> {
    let pieces = |word: &str| forms(word).map(|form| ids.get(&form).copied()).collect::<Option<Vec<u32>>>();
    counts
        .0
        .iter()
        .filter(|(word, _)| word.chars().count() <= LONGEST_WORD)
        .filter_map(|(word, count)| pieces(word).map(|pieces| (pieces, *count)))
        .collect()
}

/// Puts `id` in place of each occurrence of `pair`, from the left.
fn merge(pieces: &mut Vec<u32>, pair: Pair, id: u32) {
    let (mut read, mut write) = (0, 0);
    while read < pieces.len() {
        let found = read + 1 < pieces.len() && (pieces[read], pieces[read + 1]) == pair;
        pieces[write] = if found { id } else { pieces[read] };
        read += if found { 2 } else { 1 };
        write += 1;
    }
    pieces.truncate(write);
}

/// The BERT tokenizer (clean, lower-case, strip accents, split at spaces and punctuation) over a vocabulary in id order.
pub(super) fn tokenizer(vocabulary: &[String]) -> Result<Tokenizer, TrainError> {
    let fail = |e: tokenizers::Error| TrainError::Tokenizer(e.to_string());
    let ids = WordPiece::read_bytes(text(vocabulary).as_bytes()).map_err(fail)?;
    let model = WordPiece::builder()
        .vocab(ids)
        .unk_token(SPECIAL[1].to_owned())
        .continuing_subword_prefix("##".to_owned())
        .max_input_chars_per_word(LONGEST_WORD)
        .build()
        .map_err(fail)?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(normalizer())).map_err(fail)?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    let [cls, sep] = [CLS, SEP].map(|id| (SPECIAL[id as usize].to_owned(), id));
    tokenizer.with_post_processor(Some(BertProcessing::new(sep, cls)));
    tokenizer.with_decoder(Some(WordPieceDecoder::new("##".to_owned(), true)));
    tokenizer.add_special_tokens(SPECIAL.map(|token| AddedToken::from(token, true))).map_err(fail)?;
    Ok(tokenizer)
}

/// The vocabulary as `vocab.txt`: one token per line, in id order.
pub(super) fn text(vocabulary: &[String]) -> String {
    vocabulary.iter().flat_map(|token| [token.as_str(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn counts(text: &str) -> WordCounts {
        let mut counts = WordCounts::default();
        counts.add_text(text).unwrap();
        counts
    }

    #[test]
    fn words_are_lower_cased_and_split_at_punctuation() {
        let counts = counts("The café, the CAFÉ.");
        let words: Vec<_> = counts.0.iter().map(|(w, n)| (w.as_str(), *n)).collect();
        assert_eq!(words, [(",", 1), (".", 1), ("cafe", 2), ("the", 2)]);
    }

    #[test]
    fn merges_go_by_frequency_and_then_by_age() {
        // By hand: "ab" occurs 4 times; then "abc" and "cd" both 3 times, and "c" is older than "ab".
        let counts = counts("ab abc abc abc cd cd cd");
        let vocabulary = learn(&counts, 40, &Silent).unwrap();
        assert_eq!(vocabulary[5..], ["##b", "##c", "##d", "a", "c", "ab", "cd", "abc"].map(String::from));
    }

    #[test]
    fn a_pair_inside_a_run_of_itself_is_merged_from_the_left() {
        let mut pieces = vec![1, 7, 7, 7, 2];
        merge(&mut pieces, (7, 7), 9);
        assert_eq!(pieces, [1, 9, 7, 2]);
    }

    #[test]
    fn the_same_text_gives_the_same_files() {
        let text = "whose values does a language model carry? whose language carries a value? values, values.";
        let files = || {
            let vocabulary = learn(&counts(text), 60, &Silent).unwrap();
            (super::text(&vocabulary), tokenizer(&vocabulary).unwrap().to_string(true).unwrap())
        };
        let first = files();
        for _ in 0..5 {
            assert!(files() == first, "the vocabulary depends on more than the text");
        }
        assert!(first.0.contains("\nvalue"));
    }

    #[test]
    fn the_tokenizer_round_trips_and_frames_a_sentence() {
        let vocabulary = learn(&counts(&"the cat sat on the mat . ".repeat(3)), 200, &Silent).unwrap();
        let tokenizer = tokenizer(&vocabulary).unwrap();
        let encoded = tokenizer.encode("The cat sat [MASK] the mat!", true).unwrap();
        assert_eq!(encoded.get_tokens(), ["[CLS]", "the", "cat", "sat", "[MASK]", "the", "mat", "[UNK]", "[SEP]"]);
        assert_eq!(encoded.get_ids()[0], CLS);
        assert_eq!(encoded.get_ids()[4], MASK);
    }

    #[test]
    fn a_small_vocabulary_keeps_the_commonest_characters() {
        let counts = counts("a a a a b b b c c d e f g h i j k l m n o p");
        let vocabulary = learn(&counts, 11, &Silent).unwrap();
        assert_eq!(vocabulary[5..], ["a", "b", "c"].map(String::from));
    }
}
