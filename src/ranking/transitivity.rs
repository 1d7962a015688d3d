//! Whether pairwise shares could come from one scale (dempo.md, section 6.1): stochastic transitivity of all verdicts
//! together, and circles within the choices of one judge on one question.

use super::resampling::Sums;
use super::verdicts::{Cluster, Verdicts};
use super::votes::Wins;

/// How strict a transitivity is. Where a model i beats j, and j beats k, each at least half of the time:
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strictness {
    /// i beats k at least half of the time.
    Weak,
    /// As often as the less sure of the two, at least.
    Moderate,
    /// As often as the surer of the two, at least. Bradley-Terry has it.
    Strong,
}

impl Strictness {
    /// All, the least strict first.
    pub const ALL: [Self; 3] = [Self::Weak, Self::Moderate, Self::Strong];

    fn asks(self, [first, second, _]: [f64; 3]) -> f64 {
        match self {
            Self::Weak => 0.5,
            Self::Moderate => first.min(second),
            Self::Strong => first.max(second),
        }
    }
}

/// Three models that all met each other.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Triple {
    /// Places i, j and k: i beats j and j beats k at least half of the time. Of several such orders (a circle has three) the
    /// one in which i does best against k.
    pub models: [usize; 3],
    /// Shares of i over j, j over k and i over k.
    pub shares: [f64; 3],
    /// By [`Strictness::ALL`]: how far the share of i over k falls short; 0 where transitivity holds.
    pub short: [f64; 3],
    /// By [`Strictness::ALL`]: share of resamples in which these three violate it, in whatever order; `None` without
    /// resamples.
    pub violated: Option<[f64; 3]>,
}

/// All triples of models, in order of their places; those of which two never met are left out. `resampled` are tables of
/// votes drawn again, or none.
pub fn transitivity(wins: &Wins, resampled: &[Wins]) -> Vec<Triple> {
    let models = wins.models();
    let mut all = Vec::new();
    for a in 0..models {
        for b in a + 1..models {
            for c in b + 1..models {
                all.extend(
                    triple(wins, [a, b, c]).map(|found| Triple { violated: violated(resampled, [a, b, c]), ..found }),
                );
            }
        }
    }
    all
}

fn violated(resampled: &[Wins], models: [usize; 3]) -> Option<[f64; 3]> {
    let mut counts = [0.0; 3];
    let mut drawn = 0.0;
    for found in resampled.iter().filter_map(|wins| triple(wins, models)) {
        drawn += 1.0;
        counts.iter_mut().zip(found.short).for_each(|(count, short)| *count += f64::from(u8::from(short > 0.0)));
    }
    (drawn > 0.0).then(|| counts.map(|count| count / drawn))
}

fn triple(wins: &Wins, [a, b, c]: [usize; 3]) -> Option<Triple> {
    let mut best: Option<Triple> = None;
    for [i, j, k] in [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
        let shares = [wins.share(i, j)?, wins.share(j, k)?, wins.share(i, k)?];
        let beats = shares[0] >= 0.5 && shares[1] >= 0.5;
        if beats && best.as_ref().is_none_or(|best| shares[2] > best.shares[2]) {
            let short = Strictness::ALL.map(|strictness| (strictness.asks(shares) - shares[2]).max(0.0));
            best = Some(Triple { models: [i, j, k], shares, short, violated: None });
        }
    }
    best
}

/// Circles among the pairwise choices of a judge on a question: A above B, B above C, C above A.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Circles {
    /// Place in [`Verdicts::judges`]; `None`: all of them.
    pub judge: Option<u16>,
    /// Triples of models whose three pairs a judge decided on one question.
    pub triples: u64,
    /// Those that are circles.
    pub circles: u64,
    /// Their share; a quarter of all triples where choices are coins.
    pub rate: f64,
    /// 95 % interval over clusters; `None` where there are fewer than two.
    pub interval: Option<[f64; 2]>,
}

/// All judges together first, then each judge. Rankings hold no circles, so that only ballots on two models count; where a
/// judge looked several times at a pair, most looks decide. Empty where no judge decided three such pairs.
pub fn circles(verdicts: &Verdicts, by: Cluster, resamples: usize, seed: u64) -> Vec<Circles> {
    let models = verdicts.models.len();
    let judges = verdicts.judges.len();
    let mut nets = std::collections::BTreeMap::<(u32, u16), Vec<i32>>::new();
    for verdict in verdicts.verdicts.iter().filter(|verdict| verdict.shown.len() == 2) {
        let net = nets.entry((verdict.question, verdict.judge)).or_insert_with(|| vec![0; models * models]);
        verdict.pairs(|above, below, tied| {
            let (above, below) = (usize::from(above), usize::from(below));
            if !tied {
                net[above * models + below] += 1;
                net[below * models + above] -= 1;
            }
        });
    }
    // Of each cluster triples and circles, of all judges and then of each.
    let mut sums = Sums::new(verdicts.clusters(by), 2 * (judges + 1));
    for (&(question, judge), net) in &nets {
        let [triples, circles] = counted(models, net);
        let row = sums.of(verdicts.cluster_of(question, by));
        for column in [0, 2 * (usize::from(judge) + 1)] {
            row[column] += triples;
            row[column + 1] += circles;
        }
    }
    let sums = sums.nonempty();
    if sums.len() == 0 {
        return Vec::new();
    }
    let total = sums.total();
    let of = |judge: usize| {
        let column = 2 * judge;
        let rate = |sums: &[f64]| (sums[column] > 0.0).then(|| sums[column + 1] / sums[column]);
        Some(Circles {
            judge: judge.checked_sub(1).map(|judge| judge as u16),
            triples: total[column] as u64,
            circles: total[column + 1] as u64,
            rate: rate(&total)?,
            interval: sums.interval(resamples, seed, rate),
        })
    };
    (0..=judges).filter_map(of).collect()
}

fn counted(models: usize, net: &[i32]) -> [f64; 2] {
    let (mut triples, mut circles) = (0.0, 0.0);
    let over = |a: usize, b: usize| net[a * models + b];
    for a in 0..models {
        for b in a + 1..models {
            for c in b + 1..models {
                let signs = [over(a, b), over(b, c), over(c, a)].map(i32::signum);
                if !signs.contains(&0) {
                    triples += 1.0;
                    circles += f64::from(u8::from(signs[0] == signs[1] && signs[1] == signs[2]));
                }
            }
        }
    }
    [triples, circles]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::verdicts::examples::{drawn, relabelled, verdicts};

    /// Shares of A over B, B over C and A over C in per cent.
    fn shares(ab: f64, bc: f64, ac: f64) -> Wins {
        Wins::of_table(&[vec![0.0, ab, ac], vec![100.0 - ab, 0.0, bc], vec![100.0 - ac, 100.0 - bc, 0.0]])
    }

    fn short(wins: &Wins) -> ([usize; 3], [f64; 3]) {
        let all = transitivity(wins, &[]);
        let rounded = all[0].short.map(|short| (short * 1e9).round() / 1e9);
        (all[0].models, rounded)
    }

    #[test]
    fn each_strictness_asks_for_more() {
        assert_eq!(short(&shares(70.0, 60.0, 80.0)), ([0, 1, 2], [0.0, 0.0, 0.0]));
        assert_eq!(short(&shares(70.0, 60.0, 65.0)), ([0, 1, 2], [0.0, 0.0, 0.05]));
        assert_eq!(short(&shares(70.0, 60.0, 55.0)), ([0, 1, 2], [0.0, 0.05, 0.15]));
        // A circle: C beats A 55 to 45. Its weakest link is the one that is missed.
        assert_eq!(short(&shares(70.0, 60.0, 45.0)), ([0, 1, 2], [0.05, 0.15, 0.25]));
        // The other way round: A over C, C over B, B over A.
        assert_eq!(short(&shares(45.0, 30.0, 60.0)), ([0, 2, 1], [0.05, 0.15, 0.25]));
    }

    #[test]
    fn resamples_say_how_sure_a_violation_is() {
        let resampled =
            [shares(70.0, 60.0, 80.0), shares(70.0, 60.0, 65.0), shares(70.0, 60.0, 45.0), shares(60.0, 70.0, 61.0)];
        let found = &transitivity(&shares(70.0, 60.0, 65.0), &resampled)[0];
        assert_eq!(found.violated, Some([0.25, 0.25, 0.75]));
        let apart = Wins::of_table(&[vec![0.0, 1.0, 0.0], vec![1.0, 0.0, 1.0], vec![0.0, 1.0, 0.0]]);
        assert!(transitivity(&apart, &[]).is_empty(), "A and C never met");
    }

    #[test]
    fn triples_are_the_same_by_other_names() {
        let all = drawn(&[0.1, 0.0, -0.1], 20, 3, 0.0, 2);
        let places = [1u16, 2, 0];
        let of = |verdicts: &Verdicts| {
            let votes = verdicts.votes(Cluster::Question);
            transitivity(&votes.wins(&votes.weights()), &[]).remove(0)
        };
        let (one, other) = (of(&all), of(&relabelled(&all, &places)));
        assert_eq!(one.models.map(|model| usize::from(places[model])), other.models);
        assert_eq!((one.shares, one.short), (other.shares, other.short));
    }

    #[test]
    fn circles_are_counted_by_question_and_judge() {
        let all = verdicts(
            "ABC",
            &[
                // Judge 0 on question 0: a circle.
                (0, 0, 0, "AB", "AB"),
                (0, 0, 0, "BC", "BC"),
                (0, 0, 0, "AC", "CA"),
                // On question 1: an order, by two looks to one at the last pair.
                (1, 0, 0, "AB", "AB"),
                (1, 0, 0, "BC", "BC"),
                (1, 0, 0, "AC", "CA"),
                (1, 0, 1, "AC", "AC"),
                (1, 0, 2, "AC", "AC"),
                // Judge 1 leaves one pair undecided, and ranks question 2.
                (0, 1, 0, "AB", "AB"),
                (0, 1, 0, "BC", "BC"),
                (0, 1, 0, "AC", "A=C"),
                (2, 1, 0, "ABC", "ABC"),
            ],
        );
        let found = circles(&all, Cluster::Question, 100, 1);
        assert_eq!(found.len(), 2, "judge 1 decided no triple");
        assert_eq!((found[0].judge, found[0].triples, found[0].circles, found[0].rate), (None, 2, 1, 0.5));
        assert_eq!(found[1].judge, Some(0));
        assert_eq!(found[0].interval, Some([0.0, 1.0]));
        let rankings = verdicts("ABC", &[(0, 0, 0, "ABC", "ABC")]);
        assert!(circles(&rankings, Cluster::Question, 10, 1).is_empty());
    }
}
