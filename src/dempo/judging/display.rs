//! Which answers a judge sees together, and in which order.

use sha2::{Digest, Sha256};

use crate::statistics::Stream;

/// How answers are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparing {
    /// All answers to a question at once, into one order.
    #[default]
    Listwise,
    /// Each pair of them; a second pass shows each pair the other way round.
    Pairwise,
}

/// One look of a judge at answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// Which pair of the question, from 0; 0 where all are shown.
    pub pair: u32,
    /// Models in the order in which their answers are shown.
    pub shown: Vec<u16>,
}

/// What a judge sees of one question in one pass. The order comes from SHA-256 of `question:seed:pass` (dempo.md, section
/// 6), so it depends on neither the judge nor the other questions. `present` are the models with an answer, ascending; with
/// fewer than two there is nothing to see.
pub fn displays(comparing: Comparing, question: &str, seed: u64, pass: u16, present: &[u16]) -> Vec<Display> {
    if present.len() < 2 {
        return Vec::new();
    }
    match comparing {
        Comparing::Listwise => {
            let mut shown = present.to_vec();
            let mut stream = stream(&format!("{question}:{seed}:{pass}"));
            for last in (1..shown.len()).rev() {
                shown.swap(last, stream.below(last as u64 + 1) as usize);
            }
            vec![Display { pair: 0, shown }]
        }
        Comparing::Pairwise => {
            // Passes come in twos: the first of two decides, the second turns.
            let mut stream = stream(&format!("{question}:{seed}:{}", pass / 2));
            let mut all = Vec::new();
            for (place, &a) in present.iter().enumerate() {
                for &b in &present[place + 1..] {
                    let turned = (stream.below(2) == 1) != (pass % 2 == 1);
                    let shown = if turned { vec![b, a] } else { vec![a, b] };
                    all.push(Display { pair: all.len() as u32, shown });
                }
            }
            all
        }
    }
}

fn stream(text: &str) -> Stream {
    let digest = Sha256::digest(text.as_bytes());
    let mut seed = [0; 8];
    seed.copy_from_slice(&digest[..8]);
    Stream::new(u64::from_be_bytes(seed), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_even_and_do_not_depend_on_the_judge() {
        let mut first = [0; 4];
        for question in 0..4000 {
            let seen = displays(Comparing::Listwise, &format!("q{question}"), 7, 0, &[0, 1, 2, 3]);
            assert_eq!(seen, displays(Comparing::Listwise, &format!("q{question}"), 7, 0, &[0, 1, 2, 3]));
            first[usize::from(seen[0].shown[0])] += 1;
        }
        assert!(first.iter().all(|&count| (count - 1000i32).abs() < 120), "{first:?}");
    }

    #[test]
    fn the_second_pass_turns_every_pair() {
        let one = displays(Comparing::Pairwise, "q", 1, 4, &[0, 2, 5]);
        let two = displays(Comparing::Pairwise, "q", 1, 5, &[0, 2, 5]);
        assert_eq!(one.len(), 3);
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.pair, two.pair);
            assert_eq!([one.shown[1], one.shown[0]], two.shown[..]);
        }
        assert!(displays(Comparing::Pairwise, "q", 1, 0, &[3]).is_empty());
    }
}
