//! Text inside drawings: escaping, estimated widths, line breaks.

/// Text safe inside XML content and quoted attributes. Characters that XML 1.0 forbids become U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            _ => safe.push(character),
        }
    }
    safe
}

/// Estimated width in ems, a little generous: enough to leave room, without parsing fonts.
pub fn ems(text: &str) -> f64 {
    text.chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 0.3,
            ' ' | 'f' | 'r' | 't' | 'I' | '(' | ')' | '-' | '/' => 0.42,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
            'A'..='Z' => 0.68,
            '\u{1100}'.. => 1.05,
            _ => 0.6,
        })
        .sum()
}

/// `text` broken between words into lines of at most `width` ems; a longer word has a line of its own.
pub fn lines(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if ems(line) + 0.42 + ems(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `text` shortened with an ellipsis to at most `width` ems.
pub fn shortened(text: &str, width: f64) -> String {
    if ems(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if ems(&short) + 0.9 > width {
            short.pop();
            break;
        }
    }
    short + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_forbidden_characters_are_harmless() {
        assert_eq!(escaped("<b> & \"it's\"\u{0}\n"), "&lt;b&gt; &amp; &quot;it&#39;s&quot;\u{fffd} ");
    }

    #[test]
    fn lines_break_between_words_and_lose_none() {
        let text = "On the diagonal the two conditionals agree exactly";
        let broken = lines(text, 12.0);
        assert!(broken.len() > 2 && broken.iter().all(|line| ems(line) <= 12.0));
        assert_eq!(broken.join(" "), text);
        assert_eq!(lines("incompatibility", 3.0), ["incompatibility"]);
        assert_eq!(shortened("incompatibility", 5.0), "incomp…");
    }
}
