//! The state space of a chain: which sites move, which tokens they may take, what stands at the others.

use std::sync::Arc;

use super::conditionals::{Conditionals, ConditionalsError};
use crate::statistics::Stream;

/// V^n: `n` free sites over `V` allowed tokens, around the tokens of a fixed template (glauber.md section 1).
///
/// A state is the whole sequence, template included, as the model's [`super::conditionals::Row`] takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    template: Vec<u32>,
    free: Vec<usize>,
    allowed: Arc<[u32]>,
}

impl Space {
    /// A space in which the sites `frozen` keep their token of `template` and all others move over `allowed`.
    ///
    /// `allowed` is kept ascending and without repeats. Errors say what to change: an empty vocabulary, a token that may
    /// not stand in a state, nothing left to move, a template the model does not take.
    pub fn new(
        model: &dyn Conditionals,
        template: Vec<u32>,
        frozen: &[usize],
        mut allowed: Vec<u32>,
    ) -> Result<Self, ConditionalsError> {
        let invalid = |problem: String| Err(ConditionalsError::Invalid(problem));
        let (got, (min, max)) = (template.len(), model.sites());
        if got < min || got > max {
            return Err(ConditionalsError::Length { got, min, max });
        }
        if let Some(&position) = frozen.iter().find(|&&site| site >= got) {
            return Err(ConditionalsError::Position { position, length: got });
        }
        let free: Vec<usize> = (0..got).filter(|site| !frozen.contains(site)).collect();
        if free.is_empty() {
            return invalid("every site is frozen: leave at least one free to move".to_owned());
        }
        if let Some(token) = frozen.iter().map(|&site| template[site]).find(|&t| t as usize >= model.vocabulary()) {
            return Err(ConditionalsError::Token { token, vocabulary: model.vocabulary() });
        }
        allowed.sort_unstable();
        allowed.dedup();
        if allowed.is_empty() {
            return invalid("the vocabulary is empty: allow at least one token".to_owned());
        }
        if let Some(&token) = allowed.iter().find(|&&token| !model.ordinary(token)) {
            let text = model.text(token);
            return invalid(format!("{text:?} may not stand in a sentence: take it out of the vocabulary"));
        }
        Ok(Self { template, free, allowed: allowed.into() })
    }

    /// `sites` free sites and nothing else, over every ordinary token of `model`.
    pub fn whole(model: &dyn Conditionals, sites: usize) -> Result<Self, ConditionalsError> {
        let allowed: Vec<u32> = (0..model.vocabulary() as u32).filter(|&token| model.ordinary(token)).collect();
        let filler = allowed.first().copied().unwrap_or(0);
        Self::new(model, vec![filler; sites], &[], allowed)
    }

    /// The free sites, ascending; their number is the chain's length n.
    pub fn free(&self) -> &[usize] {
        &self.free
    }

    /// The tokens a free site may take, ascending by id.
    pub fn allowed(&self) -> &[u32] {
        &self.allowed
    }

    /// As [`Self::allowed`], shared: equal lists are then mostly one list.
    pub fn allowed_shared(&self) -> &Arc<[u32]> {
        &self.allowed
    }

    /// What stands at the frozen sites; its free sites hold anything.
    pub fn template(&self) -> &[u32] {
        &self.template
    }

    /// Whether `state` has the template's length and frozen tokens, and allowed ones elsewhere.
    pub fn holds(&self, state: &[u32]) -> bool {
        state.len() == self.template.len()
            && state.iter().enumerate().all(|(site, token)| match self.free.binary_search(&site) {
                Ok(_) => self.allowed.binary_search(token).is_ok(),
                Err(_) => *token == self.template[site],
            })
    }

    /// A state uniform on the space.
    pub fn uniform(&self, stream: &mut Stream) -> Vec<u32> {
        let mut state = self.template.clone();
        for &site in &self.free {
            state[site] = self.allowed[stream.below(self.allowed.len() as u64) as usize];
        }
        state
    }

    /// Number of free sites at which two states differ.
    pub fn hamming(&self, x: &[u32], y: &[u32]) -> usize {
        self.free.iter().filter(|&&site| x[site] != y[site]).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    #[test]
    fn a_space_around_a_template() {
        let toy = toys::parse("potts:n=4,q=5").unwrap();
        let space = Space::new(toy.as_ref(), vec![4, 0, 4, 0], &[0, 2], vec![3, 1, 3]).unwrap();
        assert_eq!((space.free(), space.allowed()), (&[1, 3][..], &[1, 3][..]));
        let state = space.uniform(&mut Stream::new(1, 0));
        assert!(space.holds(&state) && (state[0], state[2]) == (4, 4));
        assert!(!space.holds(&[4, 2, 4, 1]) && !space.holds(&[3, 1, 4, 1]) && !space.holds(&[4, 1, 4]));
        assert_eq!(space.hamming(&[4, 1, 4, 1], &[4, 3, 4, 1]), 1);
        assert_eq!(Space::whole(toy.as_ref(), 4).unwrap().allowed(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn bad_spaces_say_what_to_change() {
        let toy = toys::parse("potts:n=2,q=3").unwrap();
        let problem = |template: &[u32], frozen: &[usize], allowed: &[u32]| {
            Space::new(toy.as_ref(), template.to_vec(), frozen, allowed.to_vec()).unwrap_err().to_string()
        };
        assert!(problem(&[0, 0], &[], &[]).contains("vocabulary is empty"));
        assert!(problem(&[0, 0], &[0, 1], &[0]).contains("every site is frozen"));
        assert!(problem(&[0, 0, 0], &[], &[0]).contains("3 tokens"));
        assert!(problem(&[0, 0], &[2], &[0]).contains("position 2"));
        assert!(problem(&[9, 0], &[0], &[0]).contains("token id 9"));
        assert!(problem(&[0, 0], &[], &[7]).contains("may not stand"));
    }
}
