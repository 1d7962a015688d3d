//! What a judge's reply says.

use serde_json::Value;

use super::prompts::label;
use crate::ranking::votes::Ballot;

/// The ballot in a reply to a display of `shown` models. A pair may end in a tie; more answers need an order of all.
///
/// The last line that can be read counts, since some judges think aloud first: letters with `>` or commas between them, a
/// JSON list of letters, or one in an object; `Answer B` and `**B**` are read as `B`.
///
/// # Errors
/// What is wrong with the reply, in words that the judge can be told.
pub fn read_ballot(reply: &str, shown: &[u16], pair: bool) -> Result<Ballot, String> {
    if let Some(letters) = json_letters(reply) {
        return ballot(&letters, shown, pair);
    }
    let lines: Vec<&str> = reply.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut problem = None;
    for line in lines.iter().rev() {
        match letters_of(line) {
            Some(letters) => match ballot(&letters, shown, pair) {
                Ok(ballot) => return Ok(ballot),
                Err(found) => problem = problem.or(Some(found)),
            },
            None => continue,
        }
    }
    Err(problem.unwrap_or_else(|| match (lines.is_empty(), pair) {
        (true, _) => "it is empty".into(),
        (false, true) => "it says neither A, B nor tie".into(),
        (false, false) => "it holds no line of letters with > between them".into(),
    }))
}

/// A letter for an answer, or a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Letter(char),
    Tie,
}

fn ballot(letters: &[Said], shown: &[u16], pair: bool) -> Result<Ballot, String> {
    if pair && let [one] = letters {
        return match *one {
            Said::Tie => Ok(Ballot::Tie(shown[0].min(shown[1]), shown[0].max(shown[1]))),
            Said::Letter('A') => Ok(Ballot::Order(vec![shown[0], shown[1]])),
            Said::Letter('B') => Ok(Ballot::Order(vec![shown[1], shown[0]])),
            Said::Letter(other) => Err(format!("there is no answer {other}")),
        };
    }
    let mut order = Vec::with_capacity(shown.len());
    for said in letters {
        let Said::Letter(letter) = *said else { return Err("ties are not allowed in an order of all answers".into()) };
        let model = (letter as usize).checked_sub('A' as usize).and_then(|place| shown.get(place));
        let Some(&model) = model else { return Err(format!("there is no answer {letter}")) };
        if order.contains(&model) {
            return Err(format!("answer {letter} is named twice"));
        }
        order.push(model);
    }
    match shown.iter().position(|model| !order.contains(model)) {
        None => Ok(Ballot::Order(order)),
        Some(missing) => Err(format!("answer {} is missing", label(missing))),
    }
}

/// The letters of a line that holds nothing but letters and what may stand around and between them.
fn letters_of(line: &str) -> Option<Vec<Said>> {
    // What stands before a colon announces the order ("Ranking: B > A").
    let line = line.rsplit_once(':').map_or(line, |(_, after)| after);
    let parts = line.split(['>', ',', '=', '≻', '→', '<']).map(bare);
    let mut letters = Vec::new();
    if line.contains('<') {
        // Worst first, or a mark-up tag: not guessed.
        return None;
    }
    for part in parts {
        letters.push(said(&part)?);
    }
    // A line of equals is a tie of two or nothing that was asked for.
    if line.contains('=') {
        return (letters.len() == 2).then(|| vec![Said::Tie]);
    }
    Some(letters)
}

fn said(part: &str) -> Option<Said> {
    let word = part.to_ascii_lowercase();
    let word = word.strip_prefix("answer ").unwrap_or(&word).trim();
    if ["tie", "equal", "neither", "both"].contains(&word) {
        return Some(Said::Tie);
    }
    let mut characters = word.chars();
    match (characters.next(), characters.next()) {
        (Some(letter @ 'a'..='z'), None) => Some(Said::Letter(letter.to_ascii_uppercase())),
        _ => None,
    }
}

/// A part without marks around it.
fn bare(part: &str) -> String {
    part.trim_matches(|c: char| c.is_whitespace() || "*_`\"'()[]{}.#".contains(c)).to_owned()
}

/// The letters of the first JSON list in the reply, alone or in an object, where all of it are letters.
fn json_letters(reply: &str) -> Option<Vec<Said>> {
    let from = reply.find(['[', '{'])?;
    let mut values = serde_json::Deserializer::from_str(&reply[from..]).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(fields) => fields.values().find_map(Value::as_array)?,
        _ => return None,
    };
    list.iter().map(|entry| entry.as_str().and_then(|text| said(&bare(text)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_in_any_dress() {
        let order = Ok(Ballot::Order(vec![7, 3, 5]));
        for reply in [
            "C > A > B",
            "c>a>b",
            "I weighed A > B first.\n\nRanking: **C** > **A** > **B**.",
            "Answer C, Answer A, Answer B",
            "{\"ranking\": [\"C\", \"A\", \"B\"]}",
            "```json\n[\"C\", \"A\", \"B\"]\n```",
            "A > A > B\nno: C > A > B",
        ] {
            assert_eq!(read_ballot(reply, &[3, 5, 7], false), order, "{reply}");
        }
    }

    #[test]
    fn what_is_no_order_is_told() {
        let problem = |reply: &str| read_ballot(reply, &[3, 5, 7], false).unwrap_err();
        assert_eq!(problem("C > A"), "answer B is missing");
        assert_eq!(problem("C > A > A"), "answer A is named twice");
        assert_eq!(problem("D > A > B"), "there is no answer D");
        assert_eq!(problem(" \n"), "it is empty");
        assert!(problem("I cannot rank these.").contains("no line of letters"));
        assert!(problem("A = B = C").contains("no line"));
        assert!(problem("A < B < C").contains("no line"));
        assert!(problem("tie").contains("ties are not allowed"));
    }

    #[test]
    fn a_pair_has_a_winner_or_none() {
        let read = |reply: &str| read_ballot(reply, &[4, 1], true);
        assert_eq!(read("B"), Ok(Ballot::Order(vec![1, 4])));
        assert_eq!(read("The better one is: **A**."), Ok(Ballot::Order(vec![4, 1])));
        assert_eq!(read("Tie."), Ok(Ballot::Tie(1, 4)));
        assert_eq!(read("A > B"), Ok(Ballot::Order(vec![4, 1])));
        assert_eq!(read("A = B"), Ok(Ballot::Tie(1, 4)));
        assert_eq!(read("[\"B\"]"), Ok(Ballot::Order(vec![1, 4])));
        assert!(read("C").unwrap_err().contains("no answer C"));
        assert!(read("A good answer.").unwrap_err().contains("neither"));
    }
}
