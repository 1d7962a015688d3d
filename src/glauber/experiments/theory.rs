//! What theory says of a space from sampled states: influence with its bounds, and the margin around an anchor.

use crate::glauber::conditionals::{Conditionals, ConditionalsError, Precision};
use crate::glauber::influence::{InfluenceSpec, Replacements, SampledInfluence, sampled_influence};
use crate::glauber::margin::{Escape, MarginProfile, MarginSpec, ShellReplacements, profile};
use crate::glauber::quench::{Attractor, QuenchSettings, quench};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::Stream;

/// Streams of the seed from which states are drawn.
const INFLUENCE_STREAM: u64 = 1 << 40;
const ANCHOR_STREAM: u64 = (1 << 40) + 1;

/// How influence and margin are sampled.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TheorySpec {
    /// States, uniform on the space, at which influence is measured.
    pub states: u32,
    /// Replacement tokens for each site of a state.
    pub replacements: u32,
    /// Quenches from uniform states that look for an anchor; 0 leaves the margin out.
    pub anchors: u32,
    /// Largest distance from the anchor at which the margin is sampled; at most the length.
    pub radius: u32,
    /// States sampled in each shell around it.
    pub per_shell: u32,
    /// Tokens that a greedy adversary tries at each site; 0 leaves it out.
    #[serde(default)]
    pub candidates: u32,
}

impl Default for TheorySpec {
    fn default() -> Self {
        Self { states: 4, replacements: 2, anchors: 16, radius: 2, per_shell: 16, candidates: 0 }
    }
}

/// Influence and margin of one space, sampled. Everything that rests on a sample says in its name which way it errs.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Theory {
    /// Free sites and allowed tokens.
    pub length: u32,
    pub vocabulary: u64,
    /// `None` where a single site or token leaves no influence.
    pub influence: Option<SampledInfluence>,
    /// Around the anchor to which most quenches led.
    pub margin: Option<MarginProfile>,
    /// Radius of the ball below: the largest sampled at which no margin of 0 or less was seen; `None` where the margin
    /// is not positive even next to the anchor.
    pub escape_radius: Option<u64>,
    /// Escape from that ball at each temperature, by the smallest margin seen and by the deviation probabilities seen.
    /// Predictions: from a sample neither is a guaranteed bound.
    pub escape_by_margin: Vec<Escape>,
    pub escape_by_deviation: Vec<Escape>,
}

/// Samples what `spec` asks for on `space`; the same seed gives the same theory.
pub fn theory(
    spec: &TheorySpec,
    model: &dyn Conditionals,
    space: &Space,
    temperatures: &[Temperature],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Theory, ConditionalsError> {
    let sites = space.free().len();
    let mut found = Theory {
        length: sites as u32,
        vocabulary: space.allowed().len() as u64,
        influence: None,
        margin: None,
        escape_radius: None,
        escape_by_margin: Vec::new(),
        escape_by_deviation: Vec::new(),
    };
    if sites >= 2 && space.allowed().len() >= 2 && spec.states > 0 {
        let mut stream = Stream::new(seed, INFLUENCE_STREAM);
        let states: Vec<Vec<u32>> = (0..spec.states).map(|_| space.uniform(&mut stream)).collect();
        let settings = InfluenceSpec {
            temperatures: temperatures.to_vec(),
            replacements: spec.replacements as usize,
            rule: Replacements::Conditional { temperature: Temperature::ONE },
            precision: Precision::F32,
            seed,
        };
        found.influence = Some(sampled_influence(model, space, &settings, &states, progress)?);
    }
    if spec.anchors > 0
        && space.allowed().len() >= 2
        && let Some(anchor) = anchor(spec.anchors, model, space, seed, progress)?
    {
        let settings = MarginSpec {
            radius: (spec.radius as usize).min(sites),
            samples: spec.per_shell.max(1) as usize,
            rule: ShellReplacements::Conditional { temperature: Temperature::ONE },
            candidates: spec.candidates as usize,
            temperatures: temperatures.to_vec(),
            precision: Precision::F32,
            seed,
        };
        let margin = profile(model, space, &anchor, &settings, progress)?;
        let positive = |&distance: &usize| margin.uniform_margin_upper(distance).is_some_and(|margin| margin > 0.0);
        let radius = (0..=settings.radius.min(sites.saturating_sub(1))).take_while(positive).last();
        if let Some(radius) = radius {
            let [by_margin, by_deviation] = margin.predictions(radius)?;
            (found.escape_by_margin, found.escape_by_deviation) = (by_margin, by_deviation);
        }
        found.escape_radius = radius.map(|radius| radius as u64);
        found.margin = Some(margin);
    }
    Ok(found)
}

/// The fixed point to which most of `count` quenches from uniform states lead; `None` where all end in cycles.
fn anchor(
    count: u32,
    model: &dyn Conditionals,
    space: &Space,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<Vec<u32>>, ConditionalsError> {
    let found = attractors(count, model, space, seed, progress)?;
    let fixed = found.into_iter().find(|attractor| attractor.period() == 1);
    Ok(fixed.and_then(|attractor| attractor.cycle.into_iter().next()))
}

/// Where `count` quenches from uniform states lead; most members first.
pub(super) fn attractors(
    count: u32,
    model: &dyn Conditionals,
    space: &Space,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Vec<Attractor>, ConditionalsError> {
    let mut stream = Stream::new(seed, ANCHOR_STREAM);
    let starts: Vec<Vec<u32>> = (0..count).map(|_| space.uniform(&mut stream)).collect();
    let starts: Vec<&[u32]> = starts.iter().map(Vec::as_slice).collect();
    Ok(quench(model, space, &starts, &QuenchSettings::default(), progress)?.attractors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::toys;
    use crate::progress::Silent;

    #[test]
    fn curie_weiss_has_its_known_influence_and_an_anchor() {
        let toy = toys::parse("curie-weiss:n=8,beta=1.5").unwrap();
        let space = Space::whole(toy.as_ref(), 8).unwrap();
        let taus = [Temperature::new(0.5).unwrap(), Temperature::ONE, Temperature::new(4.0).unwrap()];
        let spec = TheorySpec { states: 40, radius: 3, ..TheorySpec::default() };
        let found = theory(&spec, toy.as_ref(), &space, &taus, 3, &Silent).unwrap();
        // One spin moves the field by 2 beta / n: C_ij = tanh(beta / n) at S = -1 -> +1 (glauber.md A8).
        let at = &found.influence.as_ref().unwrap().at[1];
        let known = 7.0 * (1.5f64 / 8.0).tanh();
        assert!(at.alpha_col_lower <= known + 1e-7 && at.alpha_col_lower > 0.5 * known, "{}", at.alpha_col_lower);
        let margin = found.margin.as_ref().unwrap();
        assert!(margin.fixed_point && margin.anchor.iter().all(|&token| token == margin.anchor[0]));
        // Around all-plus the margin at distance d is 2 beta (7 - 2 d) / n: positive up to d = 3.
        assert_eq!(found.escape_radius, Some(3));
        let seen = margin.uniform_margin_upper(3).unwrap();
        assert!((seen - 2.0 * 1.5 * 1.0 / 8.0).abs() < 1e-6, "{seen}");
        assert_eq!(found.escape_by_margin.len(), 3);
        assert_eq!(theory(&spec, toy.as_ref(), &space, &taus, 3, &Silent).unwrap(), found, "same seed, same theory");
    }
}
