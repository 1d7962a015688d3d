//! What makes a chain the chain it is, as a run records it.

use crate::glauber::conditionals::{Conditionals, ConditionalsError};
use crate::glauber::space::Space;

/// Which tokens the free sites may take.
///
/// A smaller vocabulary is another chain: its conditionals are renormalised. No R changes (glauber.md section 2.1, P2).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// Every ordinary token.
    #[default]
    Whole,
    /// Ordinary tokens that begin a word: no `##ing`.
    WholeWords,
    /// Typed token texts.
    Typed(Vec<String>),
}

impl Vocabulary {
    /// The allowed tokens, ascending.
    pub fn tokens(&self, model: &dyn Conditionals) -> Result<Vec<u32>, ConditionalsError> {
        let ordinary = || (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token));
        let mut tokens: Vec<u32> = match self {
            Self::Whole => ordinary().collect(),
            Self::WholeWords => ordinary().filter(|&token| !model.continuation(token)).collect(),
            Self::Typed(texts) => texts.iter().map(|text| named(model, text)).collect::<Result<_, _>>()?,
        };
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }
}

fn named(model: &dyn Conditionals, text: &str) -> Result<u32, ConditionalsError> {
    model.token(text).ok_or_else(|| {
        ConditionalsError::Invalid(format!("{text:?} is not one token of this model: take it out of the vocabulary"))
    })
}

/// A sentence of which only some tokens move.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Template {
    pub sentence: String,
    /// The sites that move, counted from 0 among the sentence's tokens; all others keep their token.
    pub free: Vec<usize>,
}

/// The space of a chain of `length` free sites, or of a template's (whose length is then its own).
pub fn space(
    model: &dyn Conditionals,
    length: usize,
    vocabulary: &Vocabulary,
    template: Option<&Template>,
) -> Result<Space, ConditionalsError> {
    let allowed = vocabulary.tokens(model)?;
    let Some(template) = template else {
        let filler = allowed.first().copied().unwrap_or(0);
        return Space::new(model, vec![filler; length], &[], allowed);
    };
    let tokens = model.tokenize(&template.sentence)?;
    if let Some(&position) = template.free.iter().find(|&&site| site >= tokens.len()) {
        return Err(ConditionalsError::Position { position, length: tokens.len() });
    }
    let frozen: Vec<usize> = (0..tokens.len()).filter(|site| !template.free.contains(site)).collect();
    Space::new(model, tokens, &frozen, allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn spaces_from_settings() {
        let toy = toys::parse("potts:n=4,q=5").unwrap();
        let typed = Vocabulary::Typed(vec!["3".into(), "1".into(), "3".into()]);
        let template = Template { sentence: "4 0 4 0".into(), free: vec![1, 3] };
        let found = space(toy.as_ref(), 9, &typed, Some(&template)).unwrap();
        assert_eq!((found.free(), found.allowed()), (&[1, 3][..], &[1, 3][..]));
        assert_eq!(found.template()[0], 4);
        let whole = space(toy.as_ref(), 4, &Vocabulary::Whole, None).unwrap();
        assert_eq!((whole.free().len(), whole.allowed().len()), (4, 5));
        let unknown = Vocabulary::Typed(vec!["nine".into()]);
        assert!(space(toy.as_ref(), 4, &unknown, None).unwrap_err().to_string().contains("\"nine\""));
        let beyond = Template { sentence: "4 0 4 0".into(), free: vec![4] };
        assert!(space(toy.as_ref(), 4, &typed, Some(&beyond)).is_err());
        assert!(space(toy.as_ref(), 4, &Vocabulary::Typed(vec![]), None).is_err());
    }
}
