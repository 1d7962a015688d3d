//! Raters who do not exist, with preferences that are known: what a policy trained on any weighting of them should prefer
//! can be told beforehand.
//!
//! A reply has four qualities, each with two sides. A rater's log-odds of preferring one side of a quality to the other, all
//! else alike, are sums over the groups the rater belongs to; of two replies each is chosen as Bradley and Terry have it, by
//! the difference of its qualities. Volunteers differ from the population so that unweighted and sortition-weighted raters
//! want different things.

use std::collections::BTreeMap;

use super::population_texts::{
    ATTRIBUTES, EVERYBODY, KEPT_BACK, LogOdds, QUALITIES, QUESTIONS, Quality, REPLIES, TOPICS,
};
use super::preference::{Message, Preference, Role};
use crate::sortition::pool::{Attribute, Pool, PoolError};
use crate::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};
use crate::statistics::Stream;

/// Relative tolerance of the quotas.
const TOLERANCE: f64 = 0.1;
/// Backgrounds before which each probe puts the two sides of a quality.
const BACKGROUNDS: u64 = 4;

/// How many people, and how much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub raters: usize,
    /// Mean number of pairs; raters have between half and one and a half times as many, so that pooling pairs is not the same
    /// as averaging raters.
    pub pairs_per_rater: u64,
    /// Members of a panel.
    pub panel: u32,
}

/// Why there is no such population.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PopulationError {
    #[error(
        "a sample of {raters} raters has {have} with {attribute} \"{value}\", and a panel of {panel} needs {need}: ask for \
             more raters or a smaller panel"
    )]
    TooFew { raters: usize, panel: u32, attribute: String, value: String, have: usize, need: u32 },
    #[error("there must be raters and pairs: ask for at least one of each")]
    Nothing,
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// A quality of replies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QualityNames {
    pub name: String,
    pub minus: String,
    pub plus: String,
}

/// What members of a group add to their log-odds, by quality.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct GroupTruth {
    pub attribute: String,
    pub value: String,
    pub population_share: f64,
    pub volunteer_share: f64,
    pub log_odds: LogOdds,
}

/// What a weighting of raters wants of one quality.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Wanted {
    pub quality: String,
    /// Mean difference of utility between the plus and the minus side.
    pub utility: f64,
    /// Share of choices for the plus side, all else alike: the mean over raters of their probabilities.
    pub choice: f64,
    /// Log-odds of that share: where DPO's loss is least for such a pair, `beta` times the difference of log-ratios is this.
    pub log_odds: f64,
    /// The side that is wanted more often.
    pub side: String,
}

/// All that is known of a sample.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Truth {
    pub seed: u64,
    pub qualities: Vec<QualityNames>,
    pub groups: Vec<GroupTruth>,
    /// Every rater's log-odds, by quality.
    pub raters: BTreeMap<String, LogOdds>,
    /// What the population wants, every combination of groups by its share.
    pub population: Vec<Wanted>,
    /// What the raters of this sample want, each alike.
    pub sample: Vec<Wanted>,
}

/// A sample of raters.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    pub pool: Pool,
    /// Quotas that make a panel look like the population.
    pub quotas: Quotas,
    pub preferences: Vec<Preference>,
    /// Pairs about subjects that nobody was asked about, which differ in one quality alone. The rater's id is the quality,
    /// the chosen reply has its plus side: whether a model prefers it says what the model learned.
    pub probes: Vec<Preference>,
    pub truth: Truth,
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// What raters with these weights and log-odds want; weights need no norm.
fn wanted(raters: &[(f64, LogOdds)]) -> Vec<Wanted> {
    let total: f64 = raters.iter().map(|(weight, _)| weight).sum();
    let mean =
        |of: &dyn Fn(&LogOdds) -> f64| raters.iter().map(|(weight, odds)| weight * of(odds)).sum::<f64>() / total;
    let quality = |(place, quality): (usize, &Quality)| {
        let choice = mean(&|odds| sigmoid(odds[place]));
        Wanted {
            quality: quality.name.to_owned(),
            utility: mean(&|odds| odds[place]),
            choice,
            log_odds: (choice / (1.0 - choice)).ln(),
            side: quality.sides[usize::from(choice > 0.5)].0.to_owned(),
        }
    };
    REPLIES.iter().enumerate().map(quality).collect()
}

impl Truth {
    /// What a weighting of raters wants, by their ids; raters who are not known are passed over, and `None` where all are or
    /// nobody has a weight.
    pub fn wanted<'i>(&self, weights: impl IntoIterator<Item = (&'i str, f64)>) -> Option<Vec<Wanted>> {
        let known = |(id, weight): (&str, f64)| self.raters.get(id).map(|odds| (weight, *odds));
        let raters: Vec<(f64, LogOdds)> =
            weights.into_iter().filter_map(known).filter(|(weight, _)| *weight > 0.0).collect();
        (!raters.is_empty()).then(|| wanted(&raters))
    }
}

/// The population itself: every combination of groups with its share.
fn population() -> Vec<(f64, LogOdds)> {
    ATTRIBUTES.iter().fold(vec![(1.0, EVERYBODY)], |parts, (_, groups)| {
        let with = |&(share, odds): &(f64, LogOdds)| {
            groups.map(|(_, percent, _, adds)| {
                (share * f64::from(percent) / 100.0, std::array::from_fn(|place| odds[place] + adds[place]))
            })
        };
        parts.iter().flat_map(with).collect()
    })
}

/// A reply about `topic` with these sides, put in the drawn words.
fn reply(topic: &str, sides: [usize; QUALITIES], stream: &mut Stream) -> String {
    let [pace, seat, openness, length] = std::array::from_fn(|place| {
        let words = REPLIES[place].sides[sides[place]].1;
        words[stream.below(words.len() as u64) as usize]
    });
    format!("{}, {seat}, {openness}.{length}", pace.replace("{}", topic))
}

fn question(topic: &str, stream: &mut Stream) -> Message {
    let words = QUESTIONS[stream.below(QUESTIONS.len() as u64) as usize];
    Message::new(Role::User, words.replace("{}", topic))
}

fn sides(stream: &mut Stream) -> [usize; QUALITIES] {
    std::array::from_fn(|_| stream.below(2) as usize)
}

fn preference(id: String, rater: &str, prompt: Message, chosen: String, rejected: String) -> Preference {
    Preference {
        id,
        rater: rater.to_owned(),
        conversation: String::new(),
        turn: 0,
        prompt: vec![prompt],
        chosen,
        rejected,
        margin: None,
        model_chosen: None,
        model_rejected: None,
    }
}

impl Population {
    /// The sample of this size and seed.
    ///
    /// # Errors
    /// [`PopulationError`] where a panel's quotas cannot be met for lack of people of some group.
    pub fn new(size: Size, seed: u64) -> Result<Self, PopulationError> {
        if size.raters == 0 || size.pairs_per_rater == 0 {
            return Err(PopulationError::Nothing);
        }
        let width = size.raters.to_string().len().max(3);
        let mut raters = BTreeMap::new();
        let (mut ids, mut rows, mut preferences) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..size.raters {
            let mut stream = Stream::new(seed, number as u64);
            let values = ATTRIBUTES.map(|(_, groups)| stream.weighted(&groups.map(|group| f64::from(group.2))) as u16);
            let odds: LogOdds = std::array::from_fn(|place| {
                let adds =
                    ATTRIBUTES.iter().zip(values).map(|((_, groups), value)| groups[usize::from(value)].3[place]);
                EVERYBODY[place] + adds.sum::<f64>()
            });
            let id = format!("R{:0width$}", number + 1);
            let most = size.pairs_per_rater + size.pairs_per_rater / 2;
            let least = size.pairs_per_rater.div_ceil(2);
            for pair in 0..least + stream.below(most - least + 1) {
                preferences.push(choice(&format!("{id}-{:02}", pair + 1), &id, &odds, &mut stream));
            }
            raters.insert(id.clone(), odds);
            ids.push(id);
            rows.push(values.to_vec());
        }
        let attributes = ATTRIBUTES.map(|(name, groups)| Attribute {
            name: name.to_owned(),
            values: groups.map(|group| group.0.to_owned()).to_vec(),
        });
        let pool = Pool::new(attributes.to_vec(), ids, &rows, Vec::new())?;
        let quotas = quotas(size.panel);
        enough(&pool, &quotas)?;
        let everybody: Vec<(f64, LogOdds)> = raters.values().map(|odds| (1.0, *odds)).collect();
        let truth = Truth {
            seed,
            qualities: REPLIES.iter().map(names).collect(),
            groups: ATTRIBUTES
                .iter()
                .flat_map(|(attribute, groups)| groups.map(|group| truth_of(attribute, group)))
                .collect(),
            raters,
            population: wanted(&population()),
            sample: wanted(&everybody),
        };
        Ok(Self { pool, quotas, preferences, probes: probes(seed), truth })
    }
}

fn names(quality: &Quality) -> QualityNames {
    let [minus, plus] = [0, 1].map(|side| quality.sides[side].0.to_owned());
    QualityNames { name: quality.name.to_owned(), minus, plus }
}

fn truth_of(attribute: &str, (value, population, volunteers, log_odds): super::population_texts::Group) -> GroupTruth {
    GroupTruth {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
        population_share: f64::from(population) / 100.0,
        volunteer_share: f64::from(volunteers) / 100.0,
        log_odds,
    }
}

/// Two replies with different qualities, and which of them the rater chooses.
fn choice(id: &str, rater: &str, odds: &LogOdds, stream: &mut Stream) -> Preference {
    let asked = TOPICS.len() - KEPT_BACK;
    let topic = TOPICS[stream.below(asked as u64) as usize];
    let prompt = question(topic, stream);
    let one = sides(stream);
    let mut other = sides(stream);
    while other == one {
        other = sides(stream);
    }
    let gain: f64 = (0..QUALITIES).map(|place| odds[place] * (one[place] as f64 - other[place] as f64)).sum();
    let texts = [reply(topic, one, stream), reply(topic, other, stream)];
    let [first, second] = texts;
    let (chosen, rejected) = if stream.unit() < sigmoid(gain) { (first, second) } else { (second, first) };
    preference(id.to_owned(), rater, prompt, chosen, rejected)
}

fn probes(seed: u64) -> Vec<Preference> {
    // Streams of raters are numbered from 0; this one is out of their way.
    let mut stream = Stream::new(seed, u64::MAX);
    let mut found = Vec::new();
    for (place, quality) in REPLIES.iter().enumerate() {
        for topic in &TOPICS[TOPICS.len() - KEPT_BACK..] {
            for background in 0..BACKGROUNDS {
                let prompt = question(topic, &mut stream);
                let mut plus = sides(&mut stream);
                plus[place] = 1;
                let mut minus = plus;
                minus[place] = 0;
                // The same words for all else.
                let words = stream.below(1 << 32);
                let [plus, minus] = [plus, minus].map(|sides| reply(topic, sides, &mut Stream::new(words, 0)));
                let id = format!("{}-{}-{}", quality.name, topic.replace(' ', "-"), background + 1);
                found.push(preference(id, quality.name, prompt, plus, minus));
            }
        }
    }
    found
}

fn quotas(panel: u32) -> Quotas {
    let attributes = ATTRIBUTES.iter().map(|(name, groups)| AttributeQuotas {
        name: (*name).to_owned(),
        values: groups
            .iter()
            .map(|(value, share, ..)| ValueQuota::from_share(*value, f64::from(*share) / 100.0, panel, TOLERANCE))
            .collect(),
    });
    Quotas { size: panel, attributes: attributes.collect() }
}

/// Whether there are people enough for each quota by itself.
fn enough(pool: &Pool, quotas: &Quotas) -> Result<(), PopulationError> {
    for (place, attribute) in quotas.attributes.iter().enumerate() {
        for (quota, have) in attribute.values.iter().zip(pool.counts(place)) {
            if have < quota.min as usize {
                return Err(PopulationError::TooFew {
                    raters: pool.len(),
                    panel: quotas.size,
                    attribute: attribute.name.clone(),
                    value: quota.value.clone(),
                    have,
                    need: quota.min,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::sortition::feasibility;

    fn sample(raters: usize, seed: u64) -> Population {
        Population::new(Size { raters, pairs_per_rater: 12, panel: 40 }, seed).unwrap()
    }

    #[test]
    fn replies_are_short_and_plain() {
        let mut stream = Stream::new(0, 0);
        for topic in TOPICS {
            assert!(topic.split(' ').count() <= 3, "{topic}");
            for kind in 0..16 {
                let sides = std::array::from_fn(|place| kind >> place & 1);
                for _ in 0..20 {
                    let text = reply(topic, sides, &mut stream);
                    assert!(text.is_ascii() && text.split_whitespace().count() <= 25, "{text}");
                }
            }
        }
        for (_, groups) in ATTRIBUTES {
            assert_eq!(groups.iter().map(|group| group.1).sum::<u32>(), 100);
            assert_eq!(groups.iter().map(|group| group.2).sum::<u32>(), 100);
        }
    }

    #[test]
    fn volunteers_want_what_the_population_does_not() {
        let found = sample(400, 0);
        assert_eq!((found.pool.len(), found.truth.raters.len(), found.quotas.size), (400, 400, 40));
        for place in [0, 1, 3] {
            let (all, own) = (&found.truth.population[place], &found.truth.sample[place]);
            assert!(all.side != own.side && (all.choice - own.choice).abs() > 0.1, "{all:?} {own:?}");
        }
        let control = (&found.truth.population[2], &found.truth.sample[2]);
        assert!(control.0.side == "open" && (control.0.choice - control.1.choice).abs() < 1e-12);
        // By hand, from the shares and log-odds of the ages.
        let pace = 0.3 * sigmoid(3.0) + 0.4 * sigmoid(1.2) + 0.3 * sigmoid(-1.8);
        assert!((found.truth.population[0].choice - pace).abs() < 1e-12);
        assert!((found.truth.population[0].utility - 0.84).abs() < 1e-12);
        // Raters weighted towards the young want what the young want.
        let young = found.pool.ids().iter().enumerate().filter(|(person, _)| found.pool.values(*person)[0] == 0);
        let young = found.truth.wanted(young.map(|(_, id)| (id.as_str(), 1.0))).unwrap();
        assert!((young[0].choice - sigmoid(3.0)).abs() < 1e-12 && young[0].side == "bold");
        assert_eq!(found.truth.wanted([("nobody", 1.0)]), None);
    }

    #[test]
    fn a_panel_exists() {
        for seed in 0..3 {
            let found = sample(400, seed);
            found.quotas.check(&found.pool).unwrap();
            let report = feasibility::check(&found.pool, &found.quotas, false, &Silent);
            assert_eq!(report.lamp, feasibility::Lamp::Feasible, "seed {seed}");
        }
        let few = Population::new(Size { raters: 60, pairs_per_rater: 2, panel: 40 }, 0).unwrap_err();
        assert!(matches!(few, PopulationError::TooFew { .. }), "{few}");
    }

    #[test]
    fn choices_follow_the_log_odds() {
        let found = sample(1000, 3);
        let sides = |text: &str| REPLIES.each_ref().map(|quality| has_plus(quality, text));
        // Among pairs that differ in openness alone, the open reply is chosen with probability s(1.2).
        let (mut all, mut chosen) = (0.0, 0.0);
        for pair in &found.preferences {
            let [one, other] = [&pair.chosen, &pair.rejected].map(|text| sides(text));
            if one[2] != other[2] && [0, 1, 3].iter().all(|&place| one[place] == other[place]) {
                all += 1.0;
                chosen += f64::from(u8::from(one[2]));
            }
        }
        let known = sigmoid(1.2);
        assert!(
            all > 500.0 && (chosen / all - known).abs() < 5.0 * (known * (1.0 - known) / all).sqrt(),
            "{chosen} {all}"
        );
    }

    /// Whether a reply has the plus side of a quality, by its words.
    fn has_plus(quality: &Quality, text: &str) -> bool {
        quality.sides[1].1.iter().any(|words| words.split("{}").all(|part| text.contains(part)))
    }

    #[test]
    fn probes_differ_in_one_quality_about_new_subjects() {
        let found = sample(400, 1);
        assert_eq!(found.probes.len(), QUALITIES * KEPT_BACK * BACKGROUNDS as usize);
        for probe in &found.probes {
            assert_eq!(probe.unusable(), None);
            let topic = TOPICS.iter().rev().take(KEPT_BACK).find(|topic| probe.chosen.contains(*topic));
            assert!(
                topic.is_some_and(|topic| !found.preferences.iter().any(|pair| pair.prompt[0].content.contains(topic)))
            );
            if probe.rater == "length" {
                assert!(probe.chosen.starts_with(&probe.rejected), "{probe:?}");
            }
        }
        let again = sample(400, 1);
        assert_eq!(again, found);
        assert_ne!(sample(400, 2).preferences, found.preferences);
        assert!(found.preferences.iter().all(|pair| pair.unusable().is_none()));
    }
}
