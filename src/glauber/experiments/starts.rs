//! Where chains start, as a run records it: in words, before a model has read them.

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
    /// sequence or longer. Sentences that are too short, or hold a token that the space does not allow, are left out;
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

/// Those of the sentences that are long enough and allowed, as states of the space.
pub(super) fn fitting(
    model: &dyn Conditionals,
    space: &Space,
    sentences: &[String],
) -> Result<Vec<Vec<u32>>, ConditionalsError> {
    sentences.iter().map(|sentence| fitted(model, space, sentence)).filter_map(Result::transpose).collect()
}

/// A sentence as a state of the space, if it is long enough and allowed there.
fn fitted(model: &dyn Conditionals, space: &Space, sentence: &str) -> Result<Option<Vec<u32>>, ConditionalsError> {
    let tokens = model.tokenize(sentence)?;
    if tokens.len() < space.template().len() {
        return Ok(None);
    }
    let mut state = space.template().to_vec();
    for &site in space.free() {
        state[site] = tokens[site];
    }
    Ok(space.holds(&state).then_some(state))
}

pub(super) fn typed(model: &dyn Conditionals, space: &Space, sentence: &str) -> Result<Vec<u32>, ConditionalsError> {
    fitted(model, space, sentence)?.ok_or_else(|| {
        ConditionalsError::Invalid(format!(
            "{sentence:?} cannot start this chain: it needs {} tokens, all of them in the chain's vocabulary",
            space.template().len()
        ))
    })
}
