//! Whether people agree among themselves and with the models, and where they contradict the models most (eigenbench.md, sections 7
//! and 8).

use std::collections::BTreeMap;

use super::comparisons::{Choice, Comparison};
use super::diagnostics::{Distance, agreement, krippendorff_alpha};

/// A pair under one scenario and criterion that most people and most models decide the other way round.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Contradiction {
    pub scenario: u32,
    pub criterion: u16,
    /// The model that people prefer.
    pub preferred: u16,
    /// The model that the models' judges prefer.
    pub other: u16,
    /// Mean over people who judged the pair, 1 for one who prefers `preferred`, 0 for a tie, -1 for the contrary; above 0.
    pub people: f64,
    /// The same over the models' judges; below 0.
    pub models: f64,
}

/// Agreement of people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PeopleAgreement {
    /// Krippendorff's alpha among people; `None` where no two of them judged the same pair, or all said the same.
    pub among_people: Option<f64>,
    /// Each person's alpha with the models' majority; `None` where both judged no pair in common, or always said the same thing.
    pub with_majority: Vec<Option<f64>>,
    /// From the one with the widest gap between both means on.
    pub contradictions: Vec<Contradiction>,
}

/// What each judge said of one pair: 1 where the lower place was preferred over all looks, -1 where the higher, 0 for neither.
type Signs = BTreeMap<u16, f64>;

/// Agreement of the `people` who judge from place `models` on, over reconciled rows. A unit is a pair of models under one scenario and
/// criterion; what a judge said of it is the sign of its choices over both orders and all looks, and the models' majority is the sign
/// of the sum of theirs.
pub fn people_agreement(models: usize, people: usize, rows: &[Comparison], distance: Distance) -> PeopleAgreement {
    let is_model = |judge: u16| usize::from(judge) < models;
    let is_person = |judge: u16| (models..models + people).contains(&usize::from(judge));
    let of_people: Vec<Comparison> = rows.iter().filter(|row| is_person(row.judge)).copied().collect();
    let mut units: Vec<Vec<Vec<f64>>> = vec![Vec::new(); people];
    let mut contradictions = Vec::new();
    for ((scenario, criterion, low, high), signs) in signs(rows) {
        let of = |wanted: &dyn Fn(u16) -> bool| -> Vec<f64> {
            signs.iter().filter(|(judge, _)| wanted(**judge)).map(|(_, sign)| *sign).collect()
        };
        let (by_models, by_people) = (of(&is_model), of(&is_person));
        if by_models.is_empty() || by_people.is_empty() {
            continue;
        }
        let majority = sign(by_models.iter().sum());
        for (&judge, &own) in signs.iter().filter(|(judge, _)| is_person(**judge)) {
            // Both directions, so that alpha does not depend on which model is named first.
            units[usize::from(judge) - models].extend([vec![own, majority], vec![-own, -majority]]);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (ours, theirs) = (mean(&by_people), mean(&by_models));
        if ours * theirs < 0.0 {
            let (preferred, other) = if ours > 0.0 { (low, high) } else { (high, low) };
            let (people, models) = (ours.abs(), -theirs.abs());
            contradictions.push(Contradiction { scenario, criterion, preferred, other, people, models });
        }
    }
    // A stable sort: equal gaps stay in the order of scenarios.
    let gap = |own: &Contradiction| own.people - own.models;
    contradictions.sort_by(|a, b| gap(b).total_cmp(&gap(a)));
    PeopleAgreement {
        among_people: agreement(&of_people, distance),
        with_majority: units.iter().map(|units| krippendorff_alpha(units, distance)).collect(),
        contradictions,
    }
}

fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

fn signs(rows: &[Comparison]) -> BTreeMap<(u32, u16, u16, u16), Signs> {
    let mut nets: BTreeMap<(u32, u16, u16, u16), Signs> = BTreeMap::new();
    for row in rows {
        let (low, high) = (row.first.min(row.second), row.first.max(row.second));
        let net = match (row.choice, row.first == low) {
            (Choice::Tie, _) => 0.0,
            (Choice::First, true) | (Choice::Second, false) => 1.0,
            _ => -1.0,
        };
        *nets.entry((row.scenario, row.criterion, low, high)).or_default().entry(row.judge).or_default() += net;
    }
    nets.values_mut().flat_map(BTreeMap::values_mut).for_each(|net| *net = sign(*net));
    nets
}

#[cfg(test)]
mod tests {
    use super::Choice::{First, Second, Tie};
    use super::*;

    fn row(judge: u16, scenario: u32, first: u16, second: u16, choice: Choice) -> Comparison {
        Comparison { scenario, criterion: 0, pass: 0, judge, first, second, choice }
    }

    #[test]
    fn who_always_agrees_has_one_and_who_always_contradicts_has_less_than_chance() {
        // Models 0 and 1; people 2 (as the models) and 3 (never). The order of a pair does not matter.
        let mut rows = Vec::new();
        for scenario in 0..4 {
            let choice = if scenario % 2 == 0 { First } else { Second };
            rows.extend([row(0, scenario, 0, 1, choice), row(1, scenario, 1, 0, choice.turned())]);
            rows.extend([row(2, scenario, 1, 0, choice.turned()), row(3, scenario, 0, 1, choice.turned())]);
        }
        let found = people_agreement(2, 2, &rows, Distance::Nominal);
        // 8 units of two values that always differ, 8 values of each kind: 1 - 1 / (2 * 8 * 8 / (15 * 16)).
        let worst = 1.0 - 15.0 / 8.0;
        assert_eq!(found.with_majority[0], Some(1.0));
        assert!((found.with_majority[1].unwrap() - worst).abs() < 1e-12, "{found:?}");
        assert!((found.among_people.unwrap() - worst).abs() < 1e-12, "{found:?}");
        // One person each way is no majority of people.
        assert!(found.contradictions.is_empty());
    }

    #[test]
    fn contradictions_name_whom_people_prefer_and_begin_with_the_widest_gap() {
        let rows = [
            // Models are of two minds out of three, people of one.
            row(0, 0, 0, 1, First),
            row(1, 0, 0, 1, First),
            row(2, 0, 0, 1, Tie),
            row(3, 0, 0, 1, Second),
            // All against all, with the higher place first.
            row(0, 1, 2, 1, First),
            row(3, 1, 2, 1, Second),
            row(4, 1, 1, 2, First),
            // Agreement, a tie of the models, and a pair that no model judged.
            row(0, 2, 0, 1, First),
            row(3, 2, 0, 1, First),
            row(0, 3, 0, 1, Tie),
            row(3, 3, 0, 1, First),
            row(4, 4, 0, 2, First),
        ];
        let found = people_agreement(3, 2, &rows, Distance::Nominal).contradictions;
        let told: Vec<_> =
            found.iter().map(|own| (own.scenario, own.preferred, own.other, own.people, own.models)).collect();
        assert_eq!(told, [(1, 1, 2, 1.0, -1.0), (0, 1, 0, 1.0, -2.0 / 3.0)]);
    }

    #[test]
    fn people_who_share_no_pair_have_no_agreement() {
        let rows = [row(0, 0, 0, 1, First), row(2, 1, 0, 1, First), row(3, 2, 0, 1, Second)];
        let found = people_agreement(2, 2, &rows, Distance::Interval);
        assert_eq!(
            found,
            PeopleAgreement { among_people: None, with_majority: vec![None, None], contradictions: Vec::new() }
        );
    }
}
