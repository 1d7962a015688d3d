//! Who judges whom under which scenario (eigenbench.md, section 3.2). A plan follows from the scheme, the seed and the numbers
//! of scenarios alone: it does not depend on what was answered, and a longer list of scenarios begins with the same groups.

use crate::statistics::Stream;

/// A way to choose judges and groups.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scheme {
    /// `groups` times a scenario one judge and `size` models, all alike likely; the judge may be among them.
    RandomJudgeGroup { size: u16, groups: u16 },
    /// The same, but rare judges and models are drawn more often: with chances in proportion to `(1 + n)^-alpha`, `n` being how
    /// often earlier groups of the plan have one. With `alpha` 0 this is the scheme above.
    AdaptiveInverseCount { size: u16, groups: u16, alpha: f64 },
    /// Every judge, all models.
    AllToAll,
    /// Models join a population that was compared before: `old` of the first `known` models and all later ones in one group a
    /// scenario; the judge comes from all models under even scenarios, from the new ones under odd.
    AddModels { known: u16, old: u16 },
}

/// One judge and the models whose responses it compares, each pair in both orders.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Group {
    /// Place of the scenario.
    pub scenario: u32,
    /// Number of the group under its scenario: comparisons of two groups are two looks, even at one pair by one judge.
    pub pass: u32,
    pub judge: u16,
    /// In the order drawn, each once.
    pub members: Vec<u16>,
}

/// How many models there are, and who of them judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    pub models: u16,
    /// Places, ascending.
    pub judges: Vec<u16>,
}

/// Why a scheme does not fit its population.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SchemeError {
    #[error("groups of {0} models are no comparison. Take at least 2")]
    SmallGroup(u16),
    #[error("groups of {size} models are larger than the population of {models}. Take smaller groups")]
    LargeGroup { size: u16, models: u16 },
    #[error("0 groups a scenario compare nothing. Take at least 1")]
    NoGroups,
    #[error("the exponent {0} of the adaptive scheme is not a number of 0 or more")]
    Exponent(f64),
    #[error("nobody judges. Choose at least one judge")]
    NoJudge,
    #[error("{known} of {models} models are said to be known: there must be at least one known and one new")]
    NothingNew { known: u16, models: u16 },
    #[error("{old} of {known} known models are asked for in each group. Take fewer, at least 1")]
    Old { old: u16, known: u16 },
}

impl Scheme {
    /// # Errors
    /// [`SchemeError`].
    pub fn check(&self, population: &Population) -> Result<(), SchemeError> {
        let models = population.models;
        if population.judges.is_empty() {
            return Err(SchemeError::NoJudge);
        }
        match *self {
            Self::RandomJudgeGroup { size, groups } | Self::AdaptiveInverseCount { size, groups, .. } => {
                if size < 2 {
                    return Err(SchemeError::SmallGroup(size));
                }
                if size > models {
                    return Err(SchemeError::LargeGroup { size, models });
                }
                if groups == 0 {
                    return Err(SchemeError::NoGroups);
                }
            }
            Self::AllToAll if models < 2 => return Err(SchemeError::SmallGroup(models)),
            Self::AllToAll => {}
            Self::AddModels { known, old } => {
                if known == 0 || known >= models {
                    return Err(SchemeError::NothingNew { known, models });
                }
                if old == 0 || old > known {
                    return Err(SchemeError::Old { old, known });
                }
            }
        }
        match *self {
            Self::AdaptiveInverseCount { alpha, .. } if !(alpha.is_finite() && alpha >= 0.0) => {
                Err(SchemeError::Exponent(alpha))
            }
            _ => Ok(()),
        }
    }

    /// The groups of the first `scenarios` scenarios, in their order. Group `p` of scenario `s` is drawn from stream `s 2^32 + p`
    /// of `seed`; a scheme must pass [`Scheme::check`].
    pub fn plan(&self, population: &Population, scenarios: u32, seed: u64) -> Vec<Group> {
        let models = population.models;
        let judges = &population.judges;
        let (mut judged, mut shown) = (vec![0u32; judges.len()], vec![0u32; usize::from(models)]);
        let mut plan = Vec::new();
        for scenario in 0..scenarios {
            let stream = |pass: u32| Stream::new(seed, (u64::from(scenario) << 32) | u64::from(pass));
            match *self {
                Self::RandomJudgeGroup { size, groups } => {
                    for pass in 0..u32::from(groups) {
                        let mut stream = stream(pass);
                        let judge = judges[stream.below(judges.len() as u64) as usize];
                        let members = stream.distinct(usize::from(size), usize::from(models));
                        let members = members.into_iter().map(|model| model as u16).collect();
                        plan.push(Group { scenario, pass, judge, members });
                    }
                }
                Self::AdaptiveInverseCount { size, groups, alpha } => {
                    for pass in 0..u32::from(groups) {
                        let mut stream = stream(pass);
                        let rarity = |count: &u32| f64::from(1 + count).powf(-alpha);
                        let judge = stream.weighted(&judged.iter().map(rarity).collect::<Vec<_>>());
                        judged[judge] += 1;
                        let mut weights: Vec<f64> = shown.iter().map(rarity).collect();
                        let mut members = Vec::with_capacity(usize::from(size));
                        for _ in 0..size {
                            let model = stream.weighted(&weights);
                            weights[model] = 0.0;
                            members.push(model as u16);
                        }
                        members.iter().for_each(|&model| shown[usize::from(model)] += 1);
                        plan.push(Group { scenario, pass, judge: judges[judge], members });
                    }
                }
                Self::AllToAll => {
                    for (pass, &judge) in (0..).zip(judges) {
                        plan.push(Group { scenario, pass, judge, members: (0..models).collect() });
                    }
                }
                Self::AddModels { known, old } => {
                    let mut stream = stream(0);
                    let new: Vec<u16> = judges.iter().copied().filter(|&judge| judge >= known).collect();
                    let among = if scenario % 2 == 0 || new.is_empty() { judges } else { &new };
                    let judge = among[stream.below(among.len() as u64) as usize];
                    let drawn = stream.distinct(usize::from(old), usize::from(known));
                    let members = drawn.into_iter().map(|model| model as u16).chain(known..models).collect();
                    plan.push(Group { scenario, pass: 0, judge, members });
                }
            }
        }
        plan
    }
}

impl Group {
    /// Every two of its members, in both orders one after the other.
    pub fn ordered_pairs(&self) -> impl Iterator<Item = (u16, u16)> {
        let pairs = self
            .members
            .iter()
            .enumerate()
            .flat_map(|(at, &one)| self.members[at + 1..].iter().map(move |&other| (one, other)));
        pairs.flat_map(|(one, other)| [(one, other), (other, one)])
    }
}

/// Calls that a plan makes where nothing fails and no two texts are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedCalls {
    pub responses: u64,
    pub reflections: u64,
    pub comparisons: u64,
}

/// Counts the calls of a plan under one constitution: responses are shared by all groups of a scenario, reflections by all
/// groups of a scenario with one judge.
pub fn planned_calls(plan: &[Group]) -> PlannedCalls {
    use std::collections::BTreeSet;
    let (mut responses, mut reflections) = (BTreeSet::new(), BTreeSet::new());
    let mut comparisons = 0;
    for group in plan {
        for &model in &group.members {
            responses.insert((group.scenario, model));
            reflections.insert((group.scenario, group.judge, model));
        }
        let size = group.members.len() as u64;
        comparisons += size * (size - 1);
    }
    PlannedCalls { responses: responses.len() as u64, reflections: reflections.len() as u64, comparisons }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everybody(models: u16) -> Population {
        Population { models, judges: (0..models).collect() }
    }

    /// eigenbench.md, section 3.5.
    #[test]
    fn calls_are_those_of_the_cost_model() {
        let population = everybody(10);
        let all = planned_calls(&Scheme::AllToAll.plan(&population, 100, 1));
        assert_eq!(all.responses + all.reflections + all.comparisons, 101_000);
        let group = planned_calls(&Scheme::RandomJudgeGroup { size: 4, groups: 1 }.plan(&population, 50, 1));
        assert_eq!(group, PlannedCalls { responses: 200, reflections: 200, comparisons: 600 });
    }

    #[test]
    fn a_plan_follows_from_seed_and_scenario_alone() {
        let population = everybody(7);
        for scheme in [
            Scheme::RandomJudgeGroup { size: 3, groups: 2 },
            Scheme::AdaptiveInverseCount { size: 3, groups: 2, alpha: 2.0 },
            Scheme::AllToAll,
            Scheme::AddModels { known: 4, old: 2 },
        ] {
            assert_eq!(scheme.check(&population), Ok(()));
            let (long, short) = (scheme.plan(&population, 40, 5), scheme.plan(&population, 9, 5));
            assert_eq!(long[..short.len()], short);
            for group in &long {
                let mut members = group.members.clone();
                members.sort_unstable();
                members.dedup();
                assert_eq!(members.len(), group.members.len());
            }
            if scheme != Scheme::AllToAll {
                assert_ne!(long, scheme.plan(&population, 40, 6));
            }
        }
    }

    #[test]
    fn all_judges_and_models_are_alike_likely() {
        let population = Population { models: 5, judges: vec![1, 4] };
        let plan = Scheme::RandomJudgeGroup { size: 2, groups: 1 }.plan(&population, 10_000, 3);
        let (mut judged, mut shown) = ([0u32; 5], [0u32; 5]);
        for group in &plan {
            judged[usize::from(group.judge)] += 1;
            group.members.iter().for_each(|&model| shown[usize::from(model)] += 1);
        }
        // Five standard deviations of a binomial count.
        assert!(judged[1].abs_diff(5_000) < 250 && judged[1] + judged[4] == 10_000, "{judged:?}");
        assert!(shown.iter().all(|count| count.abs_diff(4_000) < 245), "{shown:?}");
    }

    #[test]
    fn the_adaptive_scheme_evens_out_counts() {
        let spread = |alpha: f64| {
            let plan = Scheme::AdaptiveInverseCount { size: 2, groups: 1, alpha }.plan(&everybody(8), 200, 3);
            let mut shown = [0i64; 8];
            plan.iter().flat_map(|group| &group.members).for_each(|&model| shown[usize::from(model)] += 1);
            shown.iter().max().unwrap() - shown.iter().min().unwrap()
        };
        assert!(spread(2.0) < 12 && spread(2.0) < spread(0.0), "{} {}", spread(2.0), spread(0.0));
    }

    #[test]
    fn new_models_meet_known_ones_and_judge_every_other_scenario() {
        let plan = Scheme::AddModels { known: 5, old: 2 }.plan(&everybody(7), 20, 1);
        for group in &plan {
            assert_eq!(group.members.len(), 4);
            assert!(group.members[..2].iter().all(|&model| model < 5) && group.members[2..] == [5, 6]);
            assert!(group.scenario % 2 == 0 || group.judge >= 5);
            assert_eq!(group.ordered_pairs().count(), 12);
        }
        assert!(plan.iter().any(|group| group.judge < 5));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let population = everybody(3);
        let check = |scheme: Scheme| scheme.check(&population).unwrap_err();
        let large = check(Scheme::RandomJudgeGroup { size: 4, groups: 1 });
        assert_eq!(large, SchemeError::LargeGroup { size: 4, models: 3 });
        assert_eq!(check(Scheme::RandomJudgeGroup { size: 1, groups: 1 }), SchemeError::SmallGroup(1));
        assert_eq!(check(Scheme::AdaptiveInverseCount { size: 2, groups: 0, alpha: 2.0 }), SchemeError::NoGroups);
        let exponent = check(Scheme::AdaptiveInverseCount { size: 2, groups: 1, alpha: -1.0 });
        assert_eq!(exponent, SchemeError::Exponent(-1.0));
        assert_eq!(check(Scheme::AddModels { known: 3, old: 1 }), SchemeError::NothingNew { known: 3, models: 3 });
        let nobody = Population { models: 3, judges: vec![] };
        assert_eq!(Scheme::AllToAll.check(&nobody), Err(SchemeError::NoJudge));
    }
}
