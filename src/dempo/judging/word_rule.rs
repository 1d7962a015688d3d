//! A judge that is no model: it counts words. It shows what the lab does without a key or a large model, and checks that a
//! known preference is recovered.

use sha2::{Digest, Sha256};

/// Prefers answers with more of some words and fewer of others.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordRule {
    /// Each occurrence counts one; lower case, single words.
    pub wanted: Vec<String>,
    /// Each occurrence takes one away.
    pub unwanted: Vec<String>,
}

impl WordRule {
    /// # Errors
    /// Where nothing is counted, or something that is not one word.
    pub fn check(&self) -> Result<(), String> {
        if self.wanted.is_empty() && self.unwanted.is_empty() {
            return Err("it counts no words. Name words that it wants or does not want".into());
        }
        let odd = self.wanted.iter().chain(&self.unwanted).find(|word| words(word).count() != 1);
        odd.map_or(Ok(()), |word| Err(format!("{word:?} is not one word")))
    }

    /// Words wanted less words not wanted.
    pub fn score(&self, answer: &str) -> i64 {
        let mut score = 0;
        for word in words(answer) {
            score += i64::from(self.wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(&word)));
            score -= i64::from(self.unwanted.iter().any(|unwanted| unwanted.eq_ignore_ascii_case(&word)));
        }
        score
    }

    /// The `answers` of `models`, best first. Equal ones are ordered by a hash of `salt` and the model, so that no place in
    /// the display and no model is favoured.
    pub fn order(&self, models: &[u16], answers: &[&str], salt: &str) -> Vec<u16> {
        let mut ranked: Vec<(i64, Vec<u8>, u16)> = models
            .iter()
            .zip(answers)
            .map(|(&model, answer)| {
                (-self.score(answer), Sha256::digest(format!("{salt}:{model}").as_bytes()).to_vec(), model)
            })
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, _, model)| model).collect()
    }

    /// Whether two answers count alike.
    pub fn ties(&self, a: &str, b: &str) -> bool {
        self.score(a) == self.score(b)
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_whole() {
        let rule = WordRule { wanted: vec!["wait".into()], unwanted: vec!["now".into()] };
        assert_eq!(rule.check(), Ok(()));
        assert_eq!(rule.score("Wait, and WAIT; waiting is known now."), 1);
        assert_eq!(rule.order(&[4, 9], &["now", "wait"], "q:0"), [9, 4]);
        assert!(rule.ties("", "Wait now"));
        assert!(WordRule::default().check().is_err());
        assert!(WordRule { wanted: vec!["two words".into()], unwanted: vec![] }.check().is_err());
    }

    #[test]
    fn equal_answers_favour_nobody() {
        let rule = WordRule { wanted: vec!["x".into()], unwanted: vec![] };
        let first = (0..1000).filter(|k| rule.order(&[0, 1], &["", ""], &k.to_string())[0] == 0).count();
        assert!((400..600).contains(&first), "{first}");
    }
}
