//! Verdicts of judges on the answers to questions: what was shown in which order, and what each judge made of it.

use std::collections::{BTreeMap, BTreeSet};

use super::votes::{Ballot, Group, Votes};

/// One verdict.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Verdict {
    /// Place in [`Verdicts::questions`].
    pub question: u32,
    /// Place in [`Verdicts::judges`].
    pub judge: u16,
    /// Which of a judge's repeated looks, from 0.
    pub pass: u16,
    /// Models in the order in which their answers were shown, as places in [`Verdicts::models`].
    pub shown: Vec<u16>,
    /// All that were shown, or two of which neither is better.
    pub ballot: Ballot,
}

/// A question of a clause.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct QuestionPlace {
    /// No two questions share one.
    pub id: String,
    /// Place in [`Verdicts::clauses`].
    pub clause: u32,
}

/// Everything that was judged.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Verdicts {
    pub models: Vec<String>,
    pub judges: Vec<String>,
    pub clauses: Vec<String>,
    pub questions: Vec<QuestionPlace>,
    /// Words of each model's answer, by question and model; `None` where there is no answer at hand.
    pub lengths: Vec<Vec<Option<u32>>>,
    pub verdicts: Vec<Verdict>,
}

/// What is drawn again together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cluster {
    /// All verdicts on a question.
    #[default]
    Question,
    /// All verdicts on a clause's questions: honest where questions of one clause are alike (dempo.md, section 6.2).
    Clause,
}

/// What counts as one comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Every verdict.
    #[default]
    Votes,
    /// Each question once for each pair of models, as most verdicts have it.
    Majorities,
}

/// Verdicts that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection {
    /// Places of judges; `None`: all.
    pub judges: Option<BTreeSet<u16>>,
    /// Places of clauses; `None`: all.
    pub clauses: Option<BTreeSet<u32>>,
}

impl Selection {
    /// One judge alone.
    pub fn judge(judge: u16) -> Self {
        Self { judges: Some(BTreeSet::from([judge])), clauses: None }
    }
}

impl Verdict {
    /// How each model in [`Verdict::shown`] did, as its place from 0 (best) on; the two of a tie share 0.5. Of a ballot that
    /// leaves models out, those have none.
    pub fn ranks(&self) -> Vec<Option<f64>> {
        let rank = |model: &u16| match &self.ballot {
            Ballot::Order(order) => order.iter().position(|other| other == model).map(|place| place as f64),
            Ballot::Tie(a, b) => (a == model || b == model).then_some(0.5),
        };
        self.shown.iter().map(rank).collect()
    }

    /// Calls `see` for each pair of models that the ballot compares: the one above, the one below, and whether they are tied
    /// instead.
    pub fn pairs(&self, mut see: impl FnMut(u16, u16, bool)) {
        match &self.ballot {
            Ballot::Order(order) => {
                for (place, &above) in order.iter().enumerate() {
                    order[place + 1..].iter().for_each(|&below| see(above, below, false));
                }
            }
            &Ballot::Tie(a, b) => see(a, b, true),
        }
    }
}

impl Verdicts {
    /// The verdicts of a selection; names, questions and their places stay.
    pub fn selected(&self, selection: &Selection) -> Self {
        let chosen = |verdict: &&Verdict| {
            let clause = self.questions[verdict.question as usize].clause;
            selection.judges.as_ref().is_none_or(|judges| judges.contains(&verdict.judge))
                && selection.clauses.as_ref().is_none_or(|clauses| clauses.contains(&clause))
        };
        Self {
            models: self.models.clone(),
            judges: self.judges.clone(),
            clauses: self.clauses.clone(),
            questions: self.questions.clone(),
            lengths: self.lengths.clone(),
            verdicts: self.verdicts.iter().filter(chosen).cloned().collect(),
        }
    }

    /// How many clusters there are.
    pub fn clusters(&self, by: Cluster) -> usize {
        match by {
            Cluster::Question => self.questions.len(),
            Cluster::Clause => self.clauses.len(),
        }
    }

    /// The cluster of a question, as a place among [`Verdicts::questions`] or [`Verdicts::clauses`].
    pub fn cluster_of(&self, question: u32, by: Cluster) -> usize {
        match by {
            Cluster::Question => question as usize,
            Cluster::Clause => self.questions[question as usize].clause as usize,
        }
    }

    /// The name of a cluster.
    pub fn cluster_name(&self, cluster: usize, by: Cluster) -> &str {
        match by {
            Cluster::Question => &self.questions[cluster].id,
            Cluster::Clause => &self.clauses[cluster],
        }
    }

    /// All ballots, in groups that are drawn again together. Clusters without verdicts are no groups.
    pub fn votes(&self, by: Cluster) -> Votes {
        self.grouped(by, self.verdicts.iter().map(|verdict| (verdict.question, &verdict.ballot, 1)))
    }

    /// Ballots that count as one comparison each. Majorities are always those of a question.
    pub fn ballots(&self, unit: Unit, by: Cluster) -> Votes {
        if unit == Unit::Votes {
            return self.votes(by);
        }
        let majorities = self.votes(Cluster::Question).majorities();
        let places: BTreeMap<&str, u32> =
            (0..).zip(&self.questions).map(|(at, place)| (place.id.as_str(), at)).collect();
        let cast = majorities.groups.iter().flat_map(|group| {
            let question = places[group.name.as_str()];
            group.cast.iter().map({
                let ballots = &majorities.ballots;
                move |&(ballot, times)| (question, &ballots[ballot as usize], times)
            })
        });
        self.grouped(by, cast)
    }

    fn grouped<'a>(&self, by: Cluster, cast: impl Iterator<Item = (u32, &'a Ballot, u32)>) -> Votes {
        let mut known: BTreeMap<&Ballot, u32> = BTreeMap::new();
        let mut ballots: Vec<Ballot> = Vec::new();
        let mut groups: Vec<BTreeMap<u32, u32>> = vec![BTreeMap::new(); self.clusters(by)];
        for (question, ballot, times) in cast {
            let place = *known.entry(ballot).or_insert_with(|| {
                ballots.push(ballot.clone());
                ballots.len() as u32 - 1
            });
            *groups[self.cluster_of(question, by)].entry(place).or_default() += times;
        }
        let named = groups.into_iter().enumerate().filter(|(_, cast)| !cast.is_empty());
        let groups = named.map(|(cluster, cast)| Group {
            name: self.cluster_name(cluster, by).to_owned(),
            cast: cast.into_iter().collect(),
        });
        Votes { models: self.models.clone(), groups: groups.collect(), ballots }
    }
}

#[cfg(test)]
pub(crate) mod examples {
    use super::*;
    use crate::statistics::Stream;

    /// Verdicts of one clause by letters: question, judge, pass, models in the order shown, and what was made of them: an
    /// order, or two letters with = between them.
    pub fn verdicts(models: &str, all: &[(u32, u16, u16, &str, &str)]) -> Verdicts {
        let place = |letter: char| models.find(letter).unwrap() as u16;
        let questions = all.iter().map(|row| row.0 + 1).max().unwrap_or(0);
        let judges = all.iter().map(|row| row.1 + 1).max().unwrap_or(0);
        let verdict = |&(question, judge, pass, shown, ballot): &(u32, u16, u16, &str, &str)| {
            let order: Vec<u16> = ballot.chars().filter(|letter| *letter != '=').map(place).collect();
            let ballot = if ballot.contains('=') { Ballot::Tie(order[0], order[1]) } else { Ballot::Order(order) };
            Verdict { question, judge, pass, shown: shown.chars().map(place).collect(), ballot }
        };
        Verdicts {
            models: models.chars().map(String::from).collect(),
            judges: (0..judges).map(|judge| format!("judge {judge}")).collect(),
            clauses: vec!["clause".to_owned()],
            questions: (0..questions).map(|place| QuestionPlace { id: format!("q{place}"), clause: 0 }).collect(),
            lengths: vec![vec![None; models.len()]; questions as usize],
            verdicts: all.iter().map(verdict).collect(),
        }
    }

    /// The same verdicts with model k at place `places[k]`.
    pub fn relabelled(all: &Verdicts, places: &[u16]) -> Verdicts {
        let mut found = all.clone();
        let renamed = |model: u16| places[usize::from(model)];
        for (model, &place) in places.iter().enumerate() {
            found.models[usize::from(place)] = all.models[model].clone();
            for (lengths, known) in found.lengths.iter_mut().zip(&all.lengths) {
                lengths[usize::from(place)] = known[model];
            }
        }
        for verdict in &mut found.verdicts {
            verdict.shown.iter_mut().for_each(|model| *model = renamed(*model));
            verdict.ballot = match &verdict.ballot {
                Ballot::Order(order) => Ballot::Order(order.iter().map(|&model| renamed(model)).collect()),
                &Ballot::Tie(a, b) => Ballot::Tie(renamed(a), renamed(b)),
            };
        }
        found
    }

    /// Rankings drawn from Plackett-Luce with these log abilities, and shown in random orders, the same for every pass of a
    /// question; four questions a clause. An answer gains `first` in ability where it is shown first.
    pub fn drawn(abilities: &[f64], questions: u32, passes: u16, first: f64, seed: u64) -> Verdicts {
        let models = abilities.len();
        let mut all = Verdicts {
            models: (0..models).map(|model| format!("m{model}")).collect(),
            judges: vec!["judge".to_owned()],
            clauses: (0..questions.div_ceil(4)).map(|clause| format!("c{clause}")).collect(),
            questions: (0..questions)
                .map(|place| QuestionPlace { id: format!("q{place}"), clause: place / 4 })
                .collect(),
            lengths: vec![vec![None; models]; questions as usize],
            verdicts: Vec::new(),
        };
        for question in 0..questions {
            let mut stream = Stream::new(seed, u64::from(question));
            let shown: Vec<u16> = stream.distinct(models, models).into_iter().map(|model| model as u16).collect();
            for pass in 0..passes {
                let mut sizes: Vec<f64> = abilities.iter().map(|ability| ability.exp()).collect();
                sizes[usize::from(shown[0])] *= first.exp();
                let order = (0..models).map(|_| {
                    let chosen = stream.weighted(&sizes);
                    sizes[chosen] = 0.0;
                    chosen as u16
                });
                let ballot = Ballot::Order(order.collect());
                all.verdicts.push(Verdict { question, judge: 0, pass, shown: shown.clone(), ballot });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::examples::{drawn, verdicts};
    use super::*;

    #[test]
    fn groups_are_questions_or_clauses_and_selections_narrow_them() {
        let mut all = verdicts(
            "ABC",
            &[(0, 0, 0, "ABC", "ABC"), (0, 1, 0, "CBA", "BAC"), (1, 0, 0, "AB", "A=B"), (2, 0, 0, "ABC", "CBA")],
        );
        all.clauses.push("other".to_owned());
        all.questions[2].clause = 1;
        let votes = all.votes(Cluster::Question);
        assert_eq!(votes.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["q0", "q1", "q2"]);
        let votes = all.votes(Cluster::Clause);
        assert_eq!(votes.groups.iter().map(|group| group.cast.len()).collect::<Vec<_>>(), [3, 1]);
        let wins = votes.wins(&votes.weights());
        assert_eq!((wins.of(0, 1), wins.of(1, 0), wins.of(1, 2)), (1.5, 2.5, 2.0));
        let one = all.selected(&Selection::judge(1));
        assert_eq!(one.votes(Cluster::Question).groups.len(), 1, "questions without verdicts are no groups");
        let clause = Selection { judges: None, clauses: Some(BTreeSet::from([1])) };
        assert_eq!(all.selected(&clause).verdicts.len(), 1);
    }

    #[test]
    fn majorities_are_of_questions_however_they_are_drawn_again() {
        let all = drawn(&[1.0, 0.2, -0.5], 12, 5, 0.0, 3);
        let by_question = all.ballots(Unit::Majorities, Cluster::Question);
        let by_clause = all.ballots(Unit::Majorities, Cluster::Clause);
        assert_eq!(by_clause.groups.len(), 3);
        let known = all.votes(Cluster::Question).majorities();
        assert_eq!(by_question.wins(&by_question.weights()), known.wins(&known.weights()));
        assert_eq!(by_clause.wins(&by_clause.weights()), known.wins(&known.weights()));
        assert_eq!(all.ballots(Unit::Votes, Cluster::Clause), all.votes(Cluster::Clause));
    }

    #[test]
    fn ranks_follow_the_order_shown() {
        let all = verdicts("ABC", &[(0, 0, 0, "CAB", "ABC"), (0, 0, 1, "BA", "A=B"), (0, 0, 2, "CAB", "BC")]);
        assert_eq!(all.verdicts[0].ranks(), [Some(2.0), Some(0.0), Some(1.0)]);
        assert_eq!(all.verdicts[1].ranks(), [Some(0.5), Some(0.5)]);
        assert_eq!(all.verdicts[2].ranks(), [Some(1.0), None, Some(0.0)]);
    }
}
