//! People as judges beside the models: what they are asked, how far their trust lies from that of the models, and what mixing it in
//! does (eigenbench.md, section 8; the paper's figures 6 and 7).

use std::collections::BTreeMap;

use super::btd::{FitSpec, fit};
use super::comparisons::{Choice, Comparison, counted};
use super::diagnostics::trust_distances;
use super::existence::obstacles;
use super::trust::{PreTrust, Settling, elo, trust_matrix};
use crate::progress::{Cancelled, Progress};
use crate::statistics::Stream;

/// Looks that are laid out for a person.
pub const MOST_LOOKS: usize = 2_000;

/// Two responses before a person, who chooses by each criterion in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonLook {
    pub scenario: u32,
    /// Whose response is on the left.
    pub first: u16,
    pub second: u16,
}

/// Looks of a person in their order: in each round every scenario shows one pair, the one that came up least; the order of
/// scenarios, the choice among equals and the sides follow from the name and `seed`. `responses` are the models that responded to
/// each scenario. At most [`MOST_LOOKS`]: nobody judges more.
pub fn person_looks(name: &str, seed: u64, responses: &BTreeMap<u32, Vec<u16>>) -> Vec<PersonLook> {
    let mixed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut stream = Stream::new(seed ^ mixed, 0);
    let scenarios: Vec<(&u32, &Vec<u16>)> = responses.iter().filter(|(_, models)| models.len() > 1).collect();
    let mut left: Vec<Vec<(u16, u16)>> = scenarios
        .iter()
        .map(|(_, models)| {
            let mut pairs = Vec::new();
            for (at, &a) in models.iter().enumerate() {
                pairs.extend(models[at + 1..].iter().map(|&b| (a.min(b), a.max(b))));
            }
            pairs
        })
        .collect();
    let models = responses.values().flatten().max().map_or(0, |last| usize::from(*last) + 1);
    // How often each pair came up, by its lower and its higher place.
    let mut shown = vec![0_u32; models * models];
    let at = |pair: &(u16, u16)| usize::from(pair.0) * models + usize::from(pair.1);
    let mut looks = Vec::new();
    while looks.len() < MOST_LOOKS && left.iter().any(|pairs| !pairs.is_empty()) {
        for place in stream.distinct(scenarios.len(), scenarios.len()) {
            let pairs = &mut left[place];
            let Some(least) = pairs.iter().map(|pair| shown[at(pair)]).min() else { continue };
            let rare: Vec<usize> = (0..pairs.len()).filter(|&place| shown[at(&pairs[place])] == least).collect();
            let pair = pairs.remove(rare[stream.below(rare.len() as u64) as usize]);
            shown[at(&pair)] += 1;
            let (first, second) = if stream.below(2) == 0 { pair } else { (pair.1, pair.0) };
            looks.push(PersonLook { scenario: *scenarios[place].0, first, second });
        }
    }
    looks.truncate(MOST_LOOKS);
    looks
}

/// Mean sums of absolute differences between rows of trust; `None` where there are no two such rows.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct MeanDistances {
    /// .3133 in the paper.
    pub between_people: Option<f64>,
    /// .3130 in the paper.
    pub people_and_models: Option<f64>,
    pub between_models: Option<f64>,
}

/// Means over a trust matrix `[judges, models]` whose first rows are those of the models; only `judges` whose rows rest on judgements
/// of their own count.
pub fn mean_distances(matrix: &[f64], models: usize, judged: &[bool]) -> MeanDistances {
    let distances = trust_distances(matrix, models);
    let judges = judged.len();
    let mean = |of: &dyn Fn(bool, bool) -> bool| {
        let (mut sum, mut count) = (0.0, 0.0);
        for a in 0..judges {
            for b in a + 1..judges {
                if judged[a] && judged[b] && of(a >= models, b >= models) {
                    sum += distances[a * judges + b];
                    count += 1.0;
                }
            }
        }
        (count > 0.0).then(|| sum / count)
    };
    MeanDistances {
        between_people: mean(&|a, b| a && b),
        people_and_models: mean(&|a, b| a != b),
        between_models: mean(&|a, b| !a && !b),
    }
}

/// A leaderboard at one share of trust that goes back to people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Teleported {
    /// Share (alpha): 0 is the models' leaderboard, 1 the people's mean trust.
    pub share: f64,
    pub trust: Vec<f64>,
    pub elo: Vec<f64>,
}

/// The leaderboard of a trust matrix `[judges, models]` at shares from 0 to 1 in so many steps; empty without people, or where trust
/// does not settle at some share.
pub fn teleport_curve(matrix: &[f64], models: usize, steps: u32) -> Vec<Teleported> {
    if matrix.len() <= models * models {
        return Vec::new();
    }
    let at = |step: u32| {
        let share = f64::from(step) / f64::from(steps);
        let settling = Settling { damping: share, pre_trust: PreTrust::Outside };
        let trust = settling.settle(matrix, models).ok()?.trust;
        Some(Teleported { share, elo: elo(&trust), trust })
    };
    (0..=steps).map(at).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// One person beside the models.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PersonReport {
    /// Choices, and ties among them.
    pub rows: u64,
    pub ties: u64,
    /// Strict choices where the models' judges have a majority, and how many agree with it.
    pub compared: u64,
    pub agreeing: u64,
    /// Elo by a scalar fit of the person's own choices alone (the paper's way); `None` where these compare too little.
    pub own_elo: Option<Vec<f64>>,
}

/// Reports on judges from place `models` on; `people` of them.
///
/// # Errors
/// When the caller asks for the end.
pub fn person_reports(
    models: usize,
    people: usize,
    rows: &[Comparison],
    ridge: f64,
    progress: &dyn Progress,
) -> Result<Vec<PersonReport>, Cancelled> {
    // Net choices of the models' judges for the lower place of each pair.
    type Key = (u32, u16, u16, u16);
    let key = |row: &Comparison| (row.scenario, row.criterion, row.first.min(row.second), row.first.max(row.second));
    let net = |row: &Comparison| match (row.choice, row.first < row.second) {
        (Choice::Tie, _) => 0,
        (Choice::First, true) | (Choice::Second, false) => 1,
        _ => -1,
    };
    let mut majority: BTreeMap<Key, i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| usize::from(row.judge) < models) {
        *majority.entry(key(row)).or_default() += net(row);
    }
    let mut reports = Vec::with_capacity(people);
    for person in models..models + people {
        progress.checkpoint()?;
        let own: Vec<Comparison> = rows.iter().filter(|row| usize::from(row.judge) == person).copied().collect();
        let (mut compared, mut agreeing) = (0, 0);
        for row in own.iter().filter(|row| row.choice != Choice::Tie) {
            let others = majority.get(&key(row)).copied().unwrap_or(0);
            if others != 0 {
                compared += 1;
                agreeing += u64::from(others.signum() == net(row));
            }
        }
        let alone: Vec<Comparison> = own.iter().map(|row| Comparison { judge: 0, ..*row }).collect();
        // Every model must be there, and nothing may fall apart.
        let own_elo = match obstacles(models, &counted(&alone, |_| 1.0), true).is_empty() {
            true => {
                // With the ridge alone a scalar fit exists whatever was chosen.
                let spec = FitSpec { dimension: 1, ridge: ridge.max(1e-4), starts: 2, seed: 0 };
                let fitted = fit(models, &counted(&alone, |_| 1.0), spec, None, progress)?;
                Some(elo(&trust_matrix(&fitted.model)[..models]))
            }
            false => None,
        };
        let ties = own.iter().filter(|row| row.choice == Choice::Tie).count() as u64;
        reports.push(PersonReport { rows: own.len() as u64, ties, compared, agreeing, own_elo });
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn everybody(scenarios: u32, models: u16) -> BTreeMap<u32, Vec<u16>> {
        (0..scenarios).map(|scenario| (scenario, (0..models).collect())).collect()
    }

    #[test]
    fn looks_are_balanced_and_follow_from_the_name() {
        let responses = everybody(12, 4);
        let looks = person_looks("Ada", 3, &responses);
        assert_eq!(looks.len(), 12 * 6);
        assert_eq!(looks, person_looks("Ada", 3, &responses));
        assert_ne!(looks, person_looks("Ben", 3, &responses));
        // A round shows every scenario once, and every pair alike often.
        let round = &looks[..12];
        let scenarios: std::collections::BTreeSet<u32> = round.iter().map(|look| look.scenario).collect();
        assert_eq!(scenarios.len(), 12);
        let mut counts: BTreeMap<(u16, u16), u32> = BTreeMap::new();
        round.iter().for_each(|look| {
            *counts.entry((look.first.min(look.second), look.first.max(look.second))).or_default() += 1;
        });
        assert!(counts.len() == 6 && counts.values().all(|count| *count == 2), "{counts:?}");
        let left = looks.iter().filter(|look| look.first < look.second).count();
        assert!((20..=52).contains(&left), "{left}");
        assert_eq!(person_looks("Ada", 3, &everybody(200, 12)).len(), MOST_LOOKS);
        // Where fewer than two responded there is nothing to compare.
        assert!(person_looks("Ada", 3, &BTreeMap::from([(0, vec![1])])).is_empty());
    }

    #[test]
    fn mixing_people_in_goes_from_the_models_leaderboard_to_their_mean_trust() {
        let matrix = [0.7, 0.3, 0.4, 0.6, 0.1, 0.9, 0.3, 0.7];
        let curve = teleport_curve(&matrix, 2, 4);
        assert_eq!(curve.len(), 5);
        assert!((curve[0].trust[0] - 4.0 / 7.0).abs() < 1e-12 && (curve[4].trust[0] - 0.2).abs() < 1e-12);
        assert!(curve.windows(2).all(|pair| pair[0].trust[0] > pair[1].trust[0]));
        assert!(teleport_curve(&matrix[..4], 2, 4).is_empty());
        let found = mean_distances(&matrix, 2, &[true; 4]);
        assert!((found.between_people.unwrap() - 0.4).abs() < 1e-12);
        assert!((found.between_models.unwrap() - 0.6).abs() < 1e-12);
        assert!((found.people_and_models.unwrap() - (1.2 + 0.8 + 0.6 + 0.2) / 4.0).abs() < 1e-12);
        assert_eq!(mean_distances(&matrix, 2, &[true, true, true, false]).between_people, None);
    }

    #[test]
    fn a_person_is_held_against_the_majority_of_models() {
        let row = |judge, scenario, first, second, choice| Comparison {
            scenario,
            criterion: 0,
            pass: 0,
            judge,
            first,
            second,
            choice,
        };
        let rows = [
            row(0, 0, 0, 1, Choice::First),
            row(1, 0, 1, 0, Choice::Second),
            row(0, 1, 0, 1, Choice::Second),
            // The person: with the majority, against it, a tie, and where no model judged.
            row(2, 0, 1, 0, Choice::Second),
            row(2, 1, 0, 1, Choice::First),
            row(2, 0, 0, 1, Choice::Tie),
            row(2, 5, 0, 1, Choice::First),
        ];
        let found = person_reports(2, 1, &rows, 1e-3, &Silent).unwrap();
        let PersonReport { rows, ties, compared, agreeing, own_elo } = &found[0];
        assert_eq!((*rows, *ties, *compared, *agreeing), (4, 1, 2, 1));
        let own = own_elo.as_ref().unwrap();
        assert!(own[0] > own[1], "{own:?}");
    }
}
