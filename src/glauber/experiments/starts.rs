//! Where chains start, as a run records it: in words, before a model has read them.

use super::{Template, Vocabulary, space};
use crate::glauber::chain::Start;
use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::space::Space;

/// The starting states of pairs (X, Y); which one it was is part of every coupling time (glauber.md section 5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartChoice {
    /// Two independent uniform states.
    #[default]
    Uniform,
    /// X uniform, Y different from it at every free site.
    Opposite,
    /// X uniform, Y different from it at one site.
    Neighbours,
    /// Two of these sentences, drawn from the seed for each pair.
    Sentences(Vec<String>),
    /// X the first sentence and Y the second, in every pair.
    Typed(String, String),
}

impl StartChoice {
    /// The starts in a model's tokens.
    ///
    /// A sentence gives the tokens at the free sites of the space: those that stand there if it is as long as the whole
    /// sequence or longer. Sentences that are too short, or hold a token that the model or the space does not have, are left out;
    /// the error says if too few are left.
    pub fn start(&self, model: &dyn Conditionals, space: &Space) -> Result<Start, ConditionalsError> {
        Ok(match self {
            Self::Uniform => Start::Uniform,
            Self::Opposite => Start::Opposite,
            Self::Neighbours => Start::Neighbours(Vec::new()),
            Self::Sentences(sentences) => {
                let states = fitting(model, space, sentences)?;
                if states.len() < 2 {
                    let (all, fit) = (sentences.len(), states.len());
                    return Err(ConditionalsError::Invalid(format!(
                        "{fit} of {all} sentences can start a chain of {} tokens: give at least 2 that are as long and \
                         use allowed tokens only",
                        space.template().len()
                    )));
                }
                Start::Corpus(states)
            }
            Self::Typed(x, y) => Start::Given(vec![[typed(model, space, x)?, typed(model, space, y)?]]),
        })
    }
}

/// Those of the sentences that can start a chain, as states of the space.
pub(super) fn fitting(
    model: &dyn Conditionals,
    space: &Space,
    sentences: &[String],
) -> Result<Vec<Vec<u32>>, ConditionalsError> {
    let mut states = Vec::new();
    for sentence in sentences {
        match typed(model, space, sentence) {
            Ok(state) => states.push(state),
            Err(ConditionalsError::Sentence(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(states)
}

/// A typed sentence as a state of the space; the error ([`ConditionalsError::Sentence`]) names what keeps it from being
/// one, where, and what to change.
pub(super) fn typed(model: &dyn Conditionals, space: &Space, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
    let refused = |why: String| ConditionalsError::Sentence(format!("{sentence:?} cannot start this chain: {why}"));
    let tokens = model.tokenize(sentence).map_err(|error| match error {
        ConditionalsError::Sentence(why) => refused(why),
        other => other,
    })?;
    let needed = space.template().len();
    if tokens.len() < needed {
        return Err(refused(format!(
            "it has {} of the {needed} tokens that the chain has. Type a longer sentence, or choose a shorter chain",
            tokens.len()
        )));
    }
    let mut state = space.template().to_vec();
    for &site in space.free() {
        if space.allowed().binary_search(&tokens[site]).is_err() {
            return Err(refused(format!(
                "{:?} at position {site} (counted from 0) is not in the chain's vocabulary. Allow it, or replace it",
                model.text(tokens[site])
            )));
        }
        state[site] = tokens[site];
    }
    Ok(state)
}

/// Typed sentences that chains shall start from, and the chains' space.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedStarts {
    pub model: String,
    /// Free sites; a template has its own.
    pub length: usize,
    pub template: Option<Template>,
    pub vocabulary: Vocabulary,
    pub sentences: Vec<String>,
}

impl TypedStarts {
    /// For each sentence why it cannot start a chain, if so.
    pub fn problems(&self, model: &dyn Conditionals) -> Result<Vec<Option<String>>, ConditionalsError> {
        let space = space(model, self.length, &self.vocabulary, self.template.as_ref())?;
        let problem = |sentence: &String| match typed(model, &space, sentence) {
            Ok(_) => Ok(None),
            Err(ConditionalsError::Sentence(why)) => Ok(Some(why)),
            Err(error) => Err(error),
        };
        self.sentences.iter().map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn a_start_that_does_not_fit_names_token_position_and_remedy() {
        let toy = toys::parse("potts:n=4,q=5").unwrap();
        let asked = TypedStarts {
            model: "potts:q=5".to_owned(),
            length: 4,
            template: None,
            vocabulary: Vocabulary::Typed(["0", "1", "2"].map(str::to_owned).to_vec()),
            sentences: ["0 1 2 1", "0 1 x 1", "0 1", "0 1 2 4", "012100"].map(str::to_owned).to_vec(),
        };
        let found = asked.problems(toy.as_ref()).unwrap();
        let has = |at: usize, words: &[&str]| {
            let problem = found[at].as_ref().unwrap();
            assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
        };
        assert_eq!((&found[0], &found[4]), (&None, &None), "longer ones are cut");
        has(1, &["\"x\" at position 2", "Type tokens"]);
        has(2, &["2 of the 4 tokens", "longer"]);
        has(3, &["\"4\" at position 3", "Allow it"]);
        let space = space(toy.as_ref(), 4, &asked.vocabulary, None).unwrap();
        let states = fitting(toy.as_ref(), &space, &asked.sentences).unwrap();
        assert_eq!(states, [[0, 1, 2, 1], [0, 1, 2, 1]], "of a list those that do not fit are left out");
        let typed = StartChoice::Typed("0 1 2 1".to_owned(), "0 1 x 1".to_owned());
        assert!(matches!(typed.start(toy.as_ref(), &space), Err(ConditionalsError::Sentence(_))));
    }
}
