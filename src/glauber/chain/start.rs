//! Where chains start: from the seed and the chain's number alone.

use crate::glauber::conditionals::ConditionalsError;
use crate::glauber::space::Space;
use crate::statistics::Stream;

/// The starting states of coupled pairs (X, Y); single chains start from X.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// X and Y independent and uniform on the space.
    Uniform,
    /// X uniform, Y uniform among the states that differ from X at every free site.
    Opposite,
    /// X one of the listed states (corpus sentences), Y another of them; both drawn from the seed.
    Corpus(Vec<Vec<u32>>),
    /// X one of the listed states drawn from the seed, or uniform where none is listed; Y differs from it at one uniform
    /// free site, by a uniform other token: for the contraction coefficient kappa (glauber.md section 3.4).
    Neighbours(Vec<Vec<u32>>),
    /// Pair k starts from entry k, modulo their number: typed sentences, pairs of anchors.
    Given(Vec<[Vec<u32>; 2]>),
    /// Chain k starts from entry k, modulo their number, and so does its partner, if it has one: anchors of escapes, or
    /// pairs with a lag.
    Same(Vec<Vec<u32>>),
    /// Single chains of even number start as the first says, those of odd number as the second.
    InTurn(Box<[Start; 2]>),
}

impl Start {
    /// Refuses states outside `space` and starts that the space does not have; the error says what to change.
    pub fn check(&self, space: &Space, pairs: bool) -> Result<(), ConditionalsError> {
        let invalid = |problem: &str| Err(ConditionalsError::Invalid(problem.to_owned()));
        let one_token = space.allowed().len() < 2;
        let listed: Vec<&Vec<u32>> = match self {
            Self::InTurn(starts) => {
                if pairs {
                    return invalid("two starts in turn are for single chains: give pairs another start");
                }
                return starts.iter().try_for_each(|start| start.check(space, false));
            }
            Self::Uniform => vec![],
            Self::Opposite if pairs && one_token => {
                return invalid("only one token is allowed, so no state differs: allow at least two");
            }
            Self::Opposite => vec![],
            Self::Neighbours(_) if pairs && one_token => {
                return invalid("only one token is allowed, so no state has a neighbour: allow at least two");
            }
            Self::Corpus(states) if pairs && states.len() < 2 => {
                return invalid("a pair starts from two sentences: give at least two");
            }
            Self::Neighbours(states) => states.iter().collect(),
            Self::Corpus(states) | Self::Same(states) if states.is_empty() => {
                return invalid("no state to start from: give at least one");
            }
            Self::Given(pairs) if pairs.is_empty() => return invalid("no pair to start from: give at least one"),
            Self::Corpus(states) | Self::Same(states) => states.iter().collect(),
            Self::Given(pairs) => pairs.iter().flatten().collect(),
        };
        match listed.iter().position(|state| !space.holds(state)) {
            Some(at) => Err(ConditionalsError::Invalid(format!(
                "starting state {} of the list is not in the space: it must have {} tokens, the template's at frozen \
                 positions and allowed ones elsewhere",
                at + 1,
                space.template().len()
            ))),
            None => Ok(()),
        }
    }

    /// Where pair number `pair` of `seed` starts. The start must fit the space ([`Self::check`]).
    pub fn pair(&self, space: &Space, seed: u64, pair: u64) -> [Vec<u32>; 2] {
        let mut stream = Stream::new(seed, pair);
        match self {
            Self::Uniform => {
                let x = space.uniform(&mut stream);
                [x, space.uniform(&mut stream)]
            }
            Self::Opposite => {
                let x = space.uniform(&mut stream);
                let mut y = x.clone();
                space.free().iter().for_each(|&site| y[site] = another(space, x[site], &mut stream));
                [x, y]
            }
            Self::Corpus(states) => {
                let drawn = stream.distinct(2, states.len());
                let x = states[drawn[0]].clone();
                [x.clone(), drawn.get(1).map_or(x, |&second| states[second].clone())]
            }
            Self::Neighbours(states) => {
                let x = match states.len() {
                    0 => space.uniform(&mut stream),
                    listed => states[stream.below(listed as u64) as usize].clone(),
                };
                let site = space.free()[stream.below(space.free().len() as u64) as usize];
                let mut y = x.clone();
                y[site] = another(space, x[site], &mut stream);
                [x, y]
            }
            Self::Given(pairs) => pairs[(pair % pairs.len() as u64) as usize].clone(),
            Self::Same(states) => {
                let x = states[(pair % states.len() as u64) as usize].clone();
                [x.clone(), x]
            }
            Self::InTurn(starts) => starts[(pair % 2) as usize].pair(space, seed, pair),
        }
    }
}

/// A uniform allowed token other than `token`; `token` itself where it is the only one.
fn another(space: &Space, token: u32, stream: &mut Stream) -> u32 {
    let allowed = space.allowed();
    let drawn = stream.below(allowed.len() as u64 - 1) as usize;
    // Skipping the token itself leaves the others equally likely.
    let own = allowed.binary_search(&token).unwrap_or(allowed.len());
    allowed[(drawn + usize::from(drawn >= own)).min(allowed.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;

    fn space() -> Space {
        let toy = toys::parse("potts:n=5,q=6").unwrap();
        Space::new(toy.as_ref(), vec![5, 0, 0, 5, 0], &[0, 3], vec![0, 2, 3]).unwrap()
    }

    #[test]
    fn starts_are_in_the_space_and_as_far_apart_as_they_say() {
        let space = space();
        let listed = vec![vec![5, 0, 0, 5, 0], vec![5, 2, 2, 5, 2], vec![5, 3, 3, 5, 3]];
        for (start, distances) in [
            (Start::Uniform, 0..=3),
            (Start::Opposite, 3..=3),
            (Start::Corpus(listed.clone()), 3..=3),
            (Start::Neighbours(listed.clone()), 1..=1),
            (Start::Neighbours(vec![]), 1..=1),
            (Start::Given(vec![[listed[0].clone(), listed[1].clone()]]), 3..=3),
            (Start::Same(listed.clone()), 0..=0),
        ] {
            start.check(&space, true).unwrap();
            let mut seen = std::collections::BTreeSet::new();
            for pair in 0..60 {
                let [x, y] = start.pair(&space, 7, pair);
                assert!(space.holds(&x) && space.holds(&y), "{start:?}");
                assert!(distances.contains(&space.hamming(&x, &y)), "{start:?}: {x:?} {y:?}");
                assert_eq!(start.pair(&space, 7, pair), [x.clone(), y.clone()], "from the seed alone");
                seen.insert((x, y));
            }
            let fewest = if matches!(start, Start::Given(_)) { 1 } else { 3 };
            assert!(seen.len() >= fewest, "{start:?}: {}", seen.len());
        }
    }

    #[test]
    fn impossible_starts_say_what_to_change() {
        let space = space();
        let problem = |start: Start| start.check(&space, true).unwrap_err().to_string();
        assert!(problem(Start::Corpus(vec![vec![5, 0, 0, 5, 0]])).contains("at least two"));
        assert!(problem(Start::Same(vec![])).contains("at least one"));
        assert!(problem(Start::Given(vec![])).contains("at least one"));
        assert!(problem(Start::Same(vec![vec![5, 0, 0, 5, 0], vec![0; 5]])).contains("state 2"));
        let toy = toys::parse("potts:n=2,q=3").unwrap();
        let narrow = Space::new(toy.as_ref(), vec![0, 0], &[], vec![1]).unwrap();
        assert!(
            Start::Opposite.check(&narrow, true).is_err() && Start::Neighbours(vec![]).check(&narrow, true).is_err()
        );
        assert_eq!(Start::Opposite.check(&narrow, false), Ok(()), "one chain needs no other state");
        assert_eq!(Start::Opposite.pair(&narrow, 0, 0)[0], [1, 1]);
    }
}
