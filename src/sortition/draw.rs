//! Drawing in public: from words that everybody saw to one panel, so that a stranger can repeat it.
//!
//! 1. The words (dice, a lottery's numbers, a beacon) are written in one line: blank characters (Unicode's White_Space) at
//!    both ends are dropped, every run of them inside becomes one space. Nothing else is changed. The seed is the SHA-256 digest of
//!    the line in UTF-8, without a line end: `printf '%s' 'LINE' | sha256sum`.
//! 2. The text of a panel is its members' identifiers sorted by their UTF-8 bytes, joined by line feeds, without one at
//!    the end; its hash is the SHA-256 digest of that text. The text of a list is one line a panel in order,
//!    `NUMBER WEIGHT HASH`, each ended by a line feed: the number counts from 1, the weight is the panel's chance times
//!    2^64 as a whole number (see [`weights`]), or 1 for every panel of a list of equal ones. Its hash is the SHA-256
//!    digest of that text: `sha256sum LIST`.
//! 3. The random numbers are words of 64 bits: word `j` (from 0) is the first 8 bytes, most significant first, of the
//!    SHA-256 digest of the text `SEED:j`, SEED as 64 small hexadecimal digits, j in decimal:
//!    `printf '%s' 'SEED:0' | sha256sum | cut -c1-16`.
//! 4. The panel is the first whose running sum of weights exceeds the number drawn below the sum S of all weights. With
//!    S = 2^64 that is word 0. Otherwise a word is passed over where it is not below the largest multiple of S up to 2^64,
//!    and the first that is not is taken modulo S.

use sha2::{Digest, Sha256};

use super::lottery::Lottery;

/// 2^64, the sum of the weights of a lottery.
const WHOLE: u128 = 1 << 64;

/// Why nothing can be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DrawError {
    /// The words are blank.
    #[error("no words to draw from: type what the dice or the beacon showed")]
    NoWords,
    /// There is nothing to draw from.
    #[error("the lottery has no panels: compute it first")]
    NoPanels,
    /// A probability is no probability.
    #[error("panel {number} has probability {probability}: compute the lottery again")]
    Probability { number: usize, probability: f64 },
    /// The probabilities do not sum to 1.
    #[error("the probabilities sum to {0}, not to 1: compute the lottery again")]
    Sum(f64),
    /// A member has no identifier, or one that would break the lines of a list.
    #[error("member {member} of panel {number} has no usable id: ids must not be empty nor contain line ends")]
    Id { number: usize, member: u32 },
}

/// The words as they are hashed: see the module's first step.
pub fn line_of(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Small hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The seed that words mean, as 64 hexadecimal digits.
pub fn seed_of(words: &str) -> Result<String, DrawError> {
    let line = line_of(words);
    if line.is_empty() { Err(DrawError::NoWords) } else { Ok(sha256(&line)) }
}

/// Word number `j` of `seed`: see the module's third step.
fn word(seed: &str, j: u64) -> u64 {
    let digest = Sha256::digest(format!("{seed}:{j}").as_bytes());
    digest.iter().take(8).fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// A number below `sum`, which is at most 2^64 and not 0, without bias.
fn below(seed: &str, sum: u128) -> u128 {
    let limit = WHOLE - WHOLE % sum;
    let mut j = 0;
    loop {
        let drawn = u128::from(word(seed, j));
        if drawn < limit {
            return drawn % sum;
        }
        j += 1;
    }
}

/// The hash of a panel's members by their identifiers.
pub fn panel_hash<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    sha256(&ids.join("\n"))
}

/// Probabilities as whole numbers that sum to exactly 2^64: each rounded down from its share of their sum, what is left over
/// given one by one to the largest remainders, ties to the first. A panel with all the probability has 2^64 - 1, the largest
/// number that fits.
pub fn weights(probabilities: &[f64]) -> Result<Vec<u64>, DrawError> {
    if probabilities.is_empty() {
        return Err(DrawError::NoPanels);
    }
    for (place, &probability) in probabilities.iter().enumerate() {
        if !(0.0..=1.0 + 1e-9).contains(&probability) {
            return Err(DrawError::Probability { number: place + 1, probability });
        }
    }
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > 1e-6 {
        return Err(DrawError::Sum(sum));
    }
    // Whole multiples of 2^-96, whose sums and products below are exact.
    let fine: Vec<u128> = probabilities.iter().map(|&p| (p * 2f64.powi(96)) as u128).collect();
    let total: u128 = fine.iter().sum();
    if probabilities.len() == 1 || fine.contains(&total) {
        return Ok(fine.iter().map(|&part| if part == total { u64::MAX } else { 0 }).collect());
    }
    // part 2^64 / total by long division, bit by bit, with what remains.
    let divide = |part: u128| {
        (0..64).fold((0u64, part), |(quotient, rest), _| {
            let twice = rest * 2;
            if twice >= total { (quotient << 1 | 1, twice - total) } else { (quotient << 1, twice) }
        })
    };
    let parts: Vec<(u64, u128)> = fine.into_iter().map(divide).collect();
    let mut weights: Vec<u64> = parts.iter().map(|&(quotient, _)| quotient).collect();
    let left = WHOLE - weights.iter().map(|&weight| u128::from(weight)).sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| parts[b].1.cmp(&parts[a].1));
    for &place in order.iter().take(left as usize) {
        weights[place] += 1;
    }
    Ok(weights)
}

/// A list of panels as it is published before the draw.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PublishedList {
    /// Each panel's weight; equal lists have 1 everywhere.
    pub weights: Vec<u64>,
    /// Each panel's hash.
    pub hashes: Vec<String>,
    /// The text of the list: see the module's second step.
    pub text: String,
    /// The hash of the text.
    pub hash: String,
}

/// What was drawn and everything needed to draw it again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Drawn {
    /// The words in one line.
    pub words: String,
    /// The seed, 64 hexadecimal digits.
    pub seed: String,
    /// The number that was drawn, below the sum of the weights.
    pub number: u64,
    /// The panel's place in the list, from 0 (the published number is one more).
    pub panel: usize,
    /// Its hash.
    pub panel_hash: String,
    /// The hash of the list it was drawn from.
    pub list_hash: String,
}

impl PublishedList {
    /// The list of a lottery, weighted by its probabilities; `ids` names the people of the pool.
    pub fn weighted(lottery: &Lottery, ids: &[String]) -> Result<Self, DrawError> {
        let probabilities: Vec<f64> = lottery.panels.iter().map(|panel| panel.probability).collect();
        Self::new(lottery, ids, weights(&probabilities)?)
    }

    /// The list of numbered panels that are equally likely; probabilities are not looked at.
    pub fn equal(lottery: &Lottery, ids: &[String]) -> Result<Self, DrawError> {
        if lottery.panels.is_empty() {
            return Err(DrawError::NoPanels);
        }
        Self::new(lottery, ids, vec![1; lottery.panels.len()])
    }

    fn new(lottery: &Lottery, ids: &[String], weights: Vec<u64>) -> Result<Self, DrawError> {
        let mut hashes = Vec::with_capacity(weights.len());
        for (place, panel) in lottery.panels.iter().enumerate() {
            let mut members = Vec::with_capacity(panel.members.len());
            for &member in &panel.members {
                let usable = |id: &&String| !id.is_empty() && !id.contains(['\n', '\r']);
                let id = ids.get(member as usize).filter(usable);
                members.push(id.ok_or(DrawError::Id { number: place + 1, member })?.as_str());
            }
            hashes.push(panel_hash(members));
        }
        let line = |(place, (weight, hash)): (usize, (&u64, &String))| format!("{} {weight} {hash}\n", place + 1);
        let text: String = weights.iter().zip(&hashes).enumerate().map(line).collect();
        let hash = sha256(&text);
        Ok(Self { weights, hashes, text, hash })
    }

    /// Draws with what the dice or the beacon showed.
    pub fn draw(&self, words: &str) -> Result<Drawn, DrawError> {
        let seed = seed_of(words)?;
        let sum: u128 = self.weights.iter().map(|&weight| u128::from(weight)).sum();
        if sum == 0 {
            return Err(DrawError::NoPanels);
        }
        let number = below(&seed, sum);
        let mut passed = 0;
        let holds = |&weight: &u64| {
            passed += u128::from(weight);
            number < passed
        };
        let panel = self.weights.iter().position(holds).ok_or(DrawError::NoPanels)?;
        let (panel_hash, list_hash) = (self.hashes[panel].clone(), self.hash.clone());
        Ok(Drawn { words: line_of(words), seed, number: number as u64, panel, panel_hash, list_hash })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lottery::Panel;
    use super::*;
    use proptest::prelude::*;

    const KNOWN_SEED: &str = "7220cb8167e6b97384c39d299cf8a53cb0370a97ecb956c3378ccb36f0810ee8";
    const KNOWN_WORD: &str = "ae171fbc34707c6c";
    const KNOWN_PANEL: &str = "18d81eb111f72e48170c9f741c250c9c39a106ee398525097ecb106b8a607aa5";
    const KNOWN_LIST: &str = "f8d12591a72c5ade6424b1fd23ea8993b5dc7d45668349a4fa2daa9099a4adc5";
    const KNOWN_NUMBER: u64 = 12_544_530_180_257_905_772;
    const KNOWN_DRAWN: usize = 1;

    fn lottery(probabilities: &[f64]) -> Lottery {
        let panel = |(place, &probability): (usize, &f64)| Panel { members: vec![place as u32, 3], probability };
        Lottery { panels: probabilities.iter().enumerate().map(panel).collect() }
    }

    fn ids() -> Vec<String> {
        ["b", "a", "é", "Z"].map(String::from).to_vec()
    }

    /// Known answers; the commands of the module's description give the same with any sha256sum.
    #[test]
    fn known_answers() {
        assert_eq!(seed_of(" 4 2\t6  1 ").unwrap(), KNOWN_SEED);
        assert_eq!(line_of(" 4 2\t6  1 "), "4 2 6 1");
        assert_eq!(format!("{:016x}", word(KNOWN_SEED, 0)), KNOWN_WORD);
        assert_eq!(panel_hash(["b", "Z"]), KNOWN_PANEL);
        let list = PublishedList::weighted(&lottery(&[0.5, 0.25, 0.25]), &ids()).unwrap();
        assert_eq!(list.weights, [1 << 63, 1 << 62, 1 << 62]);
        assert_eq!(list.hash, KNOWN_LIST);
        let drawn = list.draw("4 2 6 1").unwrap();
        assert_eq!((drawn.number, drawn.panel), (KNOWN_NUMBER, KNOWN_DRAWN));
        let equal = PublishedList::equal(&lottery(&[0.5, 0.25, 0.25]), &ids()).unwrap();
        assert!(equal.text.starts_with("1 1 "));
        let drawn = equal.draw("4 2 6 1").unwrap();
        assert_eq!((drawn.number, drawn.panel), (KNOWN_NUMBER % 3, (KNOWN_NUMBER % 3) as usize));
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let list = PublishedList::weighted(&lottery(&[0.7, 0.1, 0.2]), &ids()).unwrap();
        let mut counts = [0.0f64; 3];
        for draw in 0..6000 {
            counts[list.draw(&format!("draw {draw}")).unwrap().panel] += 1.0;
        }
        for (count, probability) in counts.iter().zip([0.7, 0.1, 0.2]) {
            assert!((count - 6000.0 * probability).abs() < 5.0 * (6000.0 * probability * (1.0 - probability)).sqrt());
        }
    }

    #[test]
    fn what_cannot_be_drawn_from() {
        assert_eq!(seed_of(" \n"), Err(DrawError::NoWords));
        assert_eq!(weights(&[]), Err(DrawError::NoPanels));
        assert!(matches!(weights(&[0.5, 0.4]), Err(DrawError::Sum(_))));
        assert!(matches!(weights(&[1.5, -0.5]), Err(DrawError::Probability { number: 1, .. })));
        let one = PublishedList::weighted(&lottery(&[1.0]), &ids()).unwrap();
        assert_eq!(one.draw("x").unwrap().panel, 0);
        let broken = PublishedList::equal(&lottery(&[1.0]), &["a".into(), "b".into(), "c".into(), "d\n".into()]);
        assert_eq!(broken, Err(DrawError::Id { number: 1, member: 3 }));
    }

    proptest! {
        /// Weights sum to 2^64 and are the probabilities to within one part.
        #[test]
        fn weights_are_whole(parts in proptest::collection::vec(0.0001..1.0f64, 2..80)) {
            let sum: f64 = parts.iter().sum();
            let probabilities: Vec<f64> = parts.iter().map(|part| part / sum).collect();
            let found = weights(&probabilities).unwrap();
            prop_assert_eq!(found.iter().map(|&weight| u128::from(weight)).sum::<u128>(), WHOLE);
            for (weight, p) in found.iter().zip(&probabilities) {
                prop_assert!((*weight as f64 / 2f64.powi(64) - p).abs() < 1e-14);
            }
        }
    }
}
