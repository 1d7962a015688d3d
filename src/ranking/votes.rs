//! Ballots on models: rankings, pairwise choices and ties, kept in groups that are resampled together.

use std::collections::BTreeMap;

/// One thing that a judge said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Ballot {
    /// Models as places in [`Votes::models`], best first; at least two, each once. Others were not judged.
    Order(Vec<u16>),
    /// Neither of two models is better.
    Tie(u16, u16),
}

/// Ballots that belong together, such as all passes on one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What the user calls it.
    pub name: String,
    /// Places in [`Votes::ballots`] with how often each was cast.
    pub cast: Vec<(u32, u32)>,
}

/// All ballots. Equal ones are stored once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Votes {
    /// Names.
    pub models: Vec<String>,
    /// Different ballots.
    pub ballots: Vec<Ballot>,
    /// In the order in which they were first met.
    pub groups: Vec<Group>,
}

/// How often each model was put above each other; a tie is half a win for both.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Wins {
    models: usize,
    counts: Vec<f64>,
}

impl Wins {
    fn new(models: usize) -> Self {
        Self { models, counts: vec![0.0; models * models] }
    }

    /// From a square table by rows; the diagonal does not count.
    pub fn of_table(rows: &[Vec<f64>]) -> Self {
        let mut wins = Self::new(rows.len());
        for (above, row) in rows.iter().enumerate() {
            row.iter()
                .enumerate()
                .filter(|(below, _)| *below != above)
                .for_each(|(below, by)| wins.add(above, below, *by));
        }
        wins
    }

    fn add(&mut self, above: usize, below: usize, by: f64) {
        self.counts[above * self.models + below] += by;
    }

    /// How many models there are.
    pub fn models(&self) -> usize {
        self.models
    }

    /// How often one was put above the other.
    pub fn of(&self, above: usize, below: usize) -> f64 {
        self.counts[above * self.models + below]
    }

    /// How often two models were compared.
    pub fn met(&self, a: usize, b: usize) -> f64 {
        self.of(a, b) + self.of(b, a)
    }

    /// The share of its comparisons with the other that a model won.
    pub fn share(&self, above: usize, below: usize) -> Option<f64> {
        let met = self.met(above, below);
        (met > 0.0).then(|| self.of(above, below) / met)
    }
}

/// Collects ballots.
#[derive(Debug, Default)]
pub struct Collector {
    models: Vec<String>,
    known: BTreeMap<String, u16>,
    ballots: BTreeMap<Ballot, u32>,
    groups: Vec<(String, BTreeMap<u32, u32>)>,
    places: BTreeMap<String, usize>,
}

impl Collector {
    /// The place of a model, which is new where its name is.
    pub fn model(&mut self, name: &str) -> u16 {
        if let Some(&place) = self.known.get(name) {
            return place;
        }
        let place = self.models.len() as u16;
        self.models.push(name.to_owned());
        self.known.insert(name.to_owned(), place);
        place
    }

    /// Makes models known in this order.
    pub fn models(&mut self, names: &[String]) {
        for name in names {
            self.model(name);
        }
    }

    /// Casts a ballot `times` times in a group.
    pub fn cast(&mut self, group: &str, ballot: Ballot, times: u32) {
        let fresh = self.ballots.len() as u32;
        let ballot = *self.ballots.entry(ballot).or_insert(fresh);
        let place = *self.places.entry(group.to_owned()).or_insert_with(|| {
            self.groups.push((group.to_owned(), BTreeMap::new()));
            self.groups.len() - 1
        });
        *self.groups[place].1.entry(ballot).or_default() += times;
    }

    /// All that was cast.
    pub fn votes(self) -> Votes {
        let mut ballots: Vec<(Ballot, u32)> = self.ballots.into_iter().collect();
        ballots.sort_unstable_by_key(|&(_, place)| place);
        let groups = self.groups.into_iter().map(|(name, cast)| Group { name, cast: cast.into_iter().collect() });
        Votes {
            models: self.models,
            ballots: ballots.into_iter().map(|(ballot, _)| ballot).collect(),
            groups: groups.collect(),
        }
    }
}

impl Votes {
    /// How often each ballot was cast.
    pub fn weights(&self) -> Vec<f64> {
        self.weights_of(&vec![1; self.groups.len()])
    }

    /// How often each ballot was cast where each group counts `times` times.
    pub fn weights_of(&self, times: &[u32]) -> Vec<f64> {
        let mut weights = vec![0.0; self.ballots.len()];
        for (group, &times) in self.groups.iter().zip(times).filter(|(_, times)| **times > 0) {
            group.cast.iter().for_each(|&(ballot, count)| weights[ballot as usize] += f64::from(count * times));
        }
        weights
    }

    /// Pairwise counts of ballots cast with these `weights`. A ranking counts in all its pairs.
    pub fn wins(&self, weights: &[f64]) -> Wins {
        let mut wins = Wins::new(self.models.len());
        for (ballot, &weight) in self.ballots.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            count(&mut wins, ballot, weight);
        }
        wins
    }

    /// Pairwise counts of one group's ballots.
    pub fn wins_of(&self, group: &Group) -> Wins {
        let mut wins = Wins::new(self.models.len());
        for &(ballot, times) in &group.cast {
            count(&mut wins, &self.ballots[ballot as usize], f64::from(times));
        }
        wins
    }

    /// Whether every ballot ranks every model.
    pub fn complete(&self) -> bool {
        let whole = |ballot: &Ballot| matches!(ballot, Ballot::Order(order) if order.len() == self.models.len());
        self.ballots.iter().all(whole)
    }

    /// The same ballots as if one model had never been shown; those that rank fewer than two others say nothing any more.
    /// Groups keep their places, so that draws of them mean the same.
    pub fn without(&self, model: usize) -> Self {
        let renamed = |other: u16| match usize::from(other).cmp(&model) {
            std::cmp::Ordering::Less => Some(other),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(other - 1),
        };
        let narrowed = |ballot: &Ballot| match ballot {
            Ballot::Order(order) => {
                let order: Vec<u16> = order.iter().filter_map(|&other| renamed(other)).collect();
                (order.len() > 1).then_some(Ballot::Order(order))
            }
            &Ballot::Tie(a, b) => Some(Ballot::Tie(renamed(a)?, renamed(b)?)),
        };
        let mut known: BTreeMap<Ballot, u32> = BTreeMap::new();
        let places: Vec<Option<u32>> = self
            .ballots
            .iter()
            .map(|ballot| {
                let fresh = known.len() as u32;
                Some(*known.entry(narrowed(ballot)?).or_insert(fresh))
            })
            .collect();
        let mut ballots: Vec<(Ballot, u32)> = known.into_iter().collect();
        ballots.sort_unstable_by_key(|&(_, place)| place);
        let group = |group: &Group| {
            let mut cast: BTreeMap<u32, u32> = BTreeMap::new();
            for &(ballot, times) in &group.cast {
                if let Some(place) = places[ballot as usize] {
                    *cast.entry(place).or_default() += times;
                }
            }
            Group { name: group.name.clone(), cast: cast.into_iter().collect() }
        };
        let others = self.models.iter().enumerate().filter(|(place, _)| *place != model);
        Self {
            models: others.map(|(_, name)| name.clone()).collect(),
            ballots: ballots.into_iter().map(|(ballot, _)| ballot).collect(),
            groups: self.groups.iter().map(group).collect(),
        }
    }

    /// The majority of each group on each pair of models as one ballot a pair (the paper's count of questions); where as
    /// many judges stand on either side it is a tie.
    pub fn majorities(&self) -> Self {
        let mut collector = Collector::default();
        collector.models(&self.models);
        for group in &self.groups {
            let wins = self.wins_of(group);
            for a in 0..self.models.len() {
                for b in a + 1..self.models.len() {
                    if wins.met(a, b) == 0.0 {
                        continue;
                    }
                    let (first, second) = (a as u16, b as u16);
                    let ballot = match wins.of(a, b).total_cmp(&wins.of(b, a)) {
                        std::cmp::Ordering::Greater => Ballot::Order(vec![first, second]),
                        std::cmp::Ordering::Less => Ballot::Order(vec![second, first]),
                        std::cmp::Ordering::Equal => Ballot::Tie(first, second),
                    };
                    collector.cast(&group.name, ballot, 1);
                }
            }
        }
        collector.votes()
    }
}

fn count(wins: &mut Wins, ballot: &Ballot, weight: f64) {
    match ballot {
        Ballot::Order(order) => {
            for (place, &above) in order.iter().enumerate() {
                order[place + 1..].iter().for_each(|&below| wins.add(above.into(), below.into(), weight));
            }
        }
        &Ballot::Tie(a, b) => {
            wins.add(a.into(), b.into(), 0.5 * weight);
            wins.add(b.into(), a.into(), 0.5 * weight);
        }
    }
}

#[cfg(test)]
pub(super) mod examples {
    use super::*;

    /// Rankings by letters, each cast so often, each in a group of its own.
    pub fn rankings(cast: &[(&str, u32)]) -> Votes {
        let mut collector = Collector::default();
        let mut letters: Vec<char> = cast.iter().flat_map(|(order, _)| order.chars()).collect();
        letters.sort_unstable();
        collector.models(&letters.iter().map(char::to_string).collect::<Vec<_>>());
        for (number, &(order, times)) in cast.iter().enumerate() {
            for time in 0..times {
                let order = order.chars().map(|letter| collector.model(&letter.to_string())).collect();
                collector.cast(&format!("{number}:{time}"), Ballot::Order(order), 1);
            }
        }
        collector.votes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ballots_are_stored_once_and_groups_keep_their_order() {
        let mut collector = Collector::default();
        let (a, b, c) = (collector.model("a"), collector.model("b"), collector.model("c"));
        collector.cast("q2", Ballot::Order(vec![a, b, c]), 1);
        collector.cast("q1", Ballot::Order(vec![b, a, c]), 1);
        collector.cast("q2", Ballot::Order(vec![a, b, c]), 2);
        collector.cast("q1", Ballot::Tie(a, c), 1);
        let votes = collector.votes();
        assert_eq!(votes.ballots.len(), 3);
        assert_eq!(votes.groups[0].name, "q2");
        assert_eq!(votes.weights(), [3.0, 1.0, 1.0]);
        assert_eq!(votes.weights_of(&[0, 2]), [0.0, 2.0, 2.0]);
        let wins = votes.wins(&votes.weights());
        assert_eq!((wins.of(0, 1), wins.of(1, 0), wins.of(0, 2), wins.of(2, 0)), (3.0, 1.0, 4.5, 0.5));
        assert!(!votes.complete());
        // q2 stands for a over b over c; q1 for b over a, and for a over c by one and a half to one half.
        let majorities = votes.majorities();
        let wins = majorities.wins(&majorities.weights());
        assert_eq!((wins.of(0, 1), wins.of(1, 0), wins.of(0, 2), wins.of(2, 0)), (1.0, 1.0, 2.0, 0.0));
    }
    #[test]
    fn without_a_model_the_others_keep_their_order() {
        let mut collector = Collector::default();
        let (a, b, c) = (collector.model("a"), collector.model("b"), collector.model("c"));
        collector.cast("q", Ballot::Order(vec![c, a, b]), 1);
        collector.cast("q", Ballot::Order(vec![c, b, a]), 2);
        collector.cast("r", Ballot::Tie(a, c), 1);
        collector.cast("s", Ballot::Order(vec![b, c]), 1);
        let without = collector.votes().without(usize::from(a));
        assert_eq!(without.models, ["b", "c"]);
        assert_eq!(without.ballots, [Ballot::Order(vec![1, 0]), Ballot::Order(vec![0, 1])]);
        let cast: Vec<_> = without.groups.iter().map(|group| group.cast.clone()).collect();
        assert_eq!(cast, [vec![(0, 3)], vec![], vec![(1, 1)]], "r keeps its place though nothing is left of it");
    }
}
