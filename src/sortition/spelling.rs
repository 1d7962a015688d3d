//! Texts that differ only in dress, and texts that may be slips of each other.

/// A text without what people do not mean to tell apart: case, spaces at the ends, lengths of spaces, kinds of dashes and
/// of apostrophes.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        for c in word.chars() {
            match c {
                '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
                '\u{2018}' | '\u{2019}' | '`' | '\u{b4}' => folded.push('\''),
                '\u{200b}' | '\u{feff}' => (),
                _ => folded.extend(c.to_lowercase()),
            }
        }
    }
    folded
}

/// The candidate that `text` is most likely a slip of: the fewest letters inserted, left out, replaced or swapped with a
/// neighbour, at most a third of the text. The first of equally near ones.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(text);
    let letters: Vec<char> = folded.chars().collect();
    let near = |candidate: &'a str| {
        let other: Vec<char> = fold(candidate).chars().collect();
        let most = letters.len().max(other.len()) / 3;
        let distance = if letters.len().abs_diff(other.len()) > most { usize::MAX } else { slips(&letters, &other) };
        (distance <= most).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(near).min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// The distance of Damerau and Levenshtein, with swaps of neighbours that are not changed again.
fn slips(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_is_folded() {
        assert_eq!(fold("  Level 2\u{a0}\u{a0}OR  3 "), "level 2 or 3");
        assert_eq!(fold("16–29"), fold("16-29"));
        assert_eq!(fold("Don’t know"), "don't know");
        assert_ne!(fold("16-29"), fold("1629"));
    }

    #[test]
    fn slips_find_what_was_meant() {
        let values = ["Female", "Male", "Non-binary", "Prefer not to say"];
        for (text, meant) in [
            ("Femlae", Some("Female")),
            ("mle", Some("Male")),
            ("nonbinary", Some("Non-binary")),
            ("Prefer not say", Some("Prefer not to say")),
            ("Unknown", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, values), meant, "{text}");
        }
        assert_eq!(slips(&['a', 'b', 'c'], &['b', 'a', 'c', 'd']), 2);
    }
}
