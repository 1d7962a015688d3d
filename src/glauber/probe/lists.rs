//! The word list, seed sentences and labelled statements of the probe, shipped and as edited.

use crate::glauber::conditionals::ConditionalsError;

const LEXICON: &str = include_str!("../../../assets/probe/political_lexicon.txt");
const POLITICAL_SEEDS: &str = include_str!("../../../assets/probe/political_seeds.csv");
const NEUTRAL_SEEDS: &str = include_str!("../../../assets/probe/neutral_seeds.csv");
const STATEMENTS: &str = include_str!("../../../assets/probe/statements.csv");

/// A sentence with its label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Statement {
    pub text: String,
    pub political: bool,
}

/// The lists a probe is made of. They are part of a run's specification, so a result always shows those it used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProbeLists {
    /// Single words, lower case.
    pub lexicon: Vec<String>,
    pub political_seeds: Vec<String>,
    pub neutral_seeds: Vec<String>,
    pub statements: Vec<Statement>,
}

impl Default for ProbeLists {
    /// The shipped lists; `assets/probe/README.md` says how they were written and what they cannot do.
    fn default() -> Self {
        Self {
            lexicon: Self::read_lexicon(LEXICON),
            political_seeds: Self::read_seeds(POLITICAL_SEEDS),
            neutral_seeds: Self::read_seeds(NEUTRAL_SEEDS),
            statements: Self::read_statements(STATEMENTS).unwrap_or_default(),
        }
    }
}

impl ProbeLists {
    /// One word a line, lower-cased; blank lines and lines that begin with `#` are left out, repeats too.
    pub fn read_lexicon(text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let word = line.to_lowercase();
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// One sentence a line; a first line `text` is a heading. A sentence with a comma may stand in double quotes.
    pub fn read_seeds(text: &str) -> Vec<String> {
        let lines = text.lines().enumerate().filter(|(k, line)| !(*k == 0 && line.trim() == "text"));
        lines.map(|(_, line)| unquoted(line.trim())).filter(|line| !line.is_empty()).collect()
    }

    /// `text,label` lines, label `political` or `other`; a first line `text,label` is a heading. The label is what
    /// stands behind the last comma. Errors name the line.
    pub fn read_statements(text: &str) -> Result<Vec<Statement>, ConditionalsError> {
        let mut statements = Vec::new();
        for (k, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || (k == 0 && line == "text,label") {
                continue;
            }
            let (sentence, label) = line.rsplit_once(',').unwrap_or((line, ""));
            let political = match label.trim() {
                "political" => true,
                "other" => false,
                _ => {
                    return Err(ConditionalsError::Invalid(format!(
                        "line {} of the statements has the label {label:?}: write \"political\" or \"other\" behind the last comma",
                        k + 1
                    )));
                }
            };
            statements.push(Statement { text: unquoted(sentence.trim()), political });
        }
        Ok(statements)
    }

    /// The statements as [`Self::read_statements`] reads them.
    pub fn write_statements(&self) -> String {
        let mut text = String::from("text,label\n");
        for statement in &self.statements {
            let label = if statement.political { "political" } else { "other" };
            let sentence = quoted(&statement.text);
            text.push_str(&format!("{sentence},{label}\n"));
        }
        text
    }

    /// Refuses lists no probe can be made of, saying which one to fill.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let invalid = |problem: &str| Err(ConditionalsError::Invalid(problem.to_owned()));
        if self.lexicon.is_empty() {
            return invalid("the political word list is empty: add words");
        }
        if self.political_seeds.is_empty() || self.neutral_seeds.is_empty() {
            return invalid("a seed list is empty: the axis needs political and neutral sentences");
        }
        let political = self.statements.iter().filter(|s| s.political).count();
        if political < 10 || self.statements.len() - political < 10 {
            return invalid("the logistic probe needs 10 statements or more of each label: add statements");
        }
        Ok(())
    }
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_shipped_lists_are_as_large_as_they_say() {
        let lists = ProbeLists::default();
        assert_eq!(lists.check(), Ok(()));
        assert!(lists.lexicon.len() >= 150, "{} words", lists.lexicon.len());
        assert!(lists.lexicon.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase())), "single words");
        assert!(lists.political_seeds.len() >= 60 && lists.neutral_seeds.len() >= 60);
        let political = lists.statements.iter().filter(|s| s.political).count();
        assert!(lists.statements.len() >= 300, "{} statements", lists.statements.len());
        assert_eq!(2 * political, lists.statements.len(), "half and half");
        assert_eq!(ProbeLists::read_statements(STATEMENTS).unwrap(), lists.statements);
        let mut seen = BTreeSet::new();
        let seeds = lists.political_seeds.iter().chain(&lists.neutral_seeds);
        for text in seeds.chain(lists.statements.iter().map(|s| &s.text)) {
            assert!(seen.insert(text), "{text:?} stands twice: a seed among the statements would be tested on itself");
            let words = text.split_whitespace().count();
            assert!((3..=16).contains(&words), "{text:?} has {words} words");
        }
    }

    #[test]
    fn lists_are_read_and_written() {
        assert_eq!(ProbeLists::read_lexicon("# words\nLaw\n\nwar\nlaw\n"), ["law", "war"]);
        assert_eq!(ProbeLists::read_seeds("text\nthe law\n\"well, then\"\n"), ["the law", "well, then"]);
        let statements =
            ProbeLists::read_statements("text,label\n\"war, he said\",political\nit rains,other\n").unwrap();
        assert_eq!(statements[0], Statement { text: "war, he said".to_owned(), political: true });
        let lists = ProbeLists { statements, ..ProbeLists::default() };
        assert_eq!(ProbeLists::read_statements(&lists.write_statements()).unwrap(), lists.statements);
        let error = ProbeLists::read_statements("text,label\nit rains,weather\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("\"weather\""), "{error}");
        assert!(ProbeLists { lexicon: vec![], ..lists }.check().unwrap_err().to_string().contains("word list"));
    }
}
