//! LEXIMIN and MAXIMIN against instances whose answers are known, and against brute force over all panels.

#[path = "support/instances.rs"]
mod instances;

use instances::instance;
use kleroterion::progress::Silent;
use kleroterion::sortition::certificate::{Certificate, CertificateError, Proof, TOLERANCE};
use kleroterion::sortition::fairness;
use kleroterion::sortition::leximin::{Found, leximin, maximin};
use kleroterion::sortition::lottery::{TypeLottery, TypePanel};
use kleroterion::sortition::pool::{Attribute, Pool};
use kleroterion::sortition::problem::Problem;
use kleroterion::sortition::program::{Effort, Program, Unsolved};
use kleroterion::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};
use kleroterion::sortition::relaxed_leximin::Stage;
use kleroterion::sortition::seating::seat;
use proptest::prelude::*;

/// A problem from attributes with bounds for their values "0", "1", ..., and people as rows of values.
fn problem(size: u32, bounds: &[&[(u32, u32)]], people: &[&[u16]]) -> Problem {
    let name = |attribute: usize| format!("a{attribute}");
    let quota = |(value, &(min, max)): (usize, &(u32, u32))| ValueQuota::bounded(value.to_string(), min, max);
    let quotas = bounds.iter().enumerate().map(|(attribute, values)| AttributeQuotas {
        name: name(attribute),
        values: values.iter().enumerate().map(quota).collect(),
    });
    let attributes = bounds.iter().enumerate().map(|(attribute, values)| Attribute {
        name: name(attribute),
        values: (0..values.len()).map(|value| value.to_string()).collect(),
    });
    let rows: Vec<Vec<u16>> = people.iter().map(|row| row.to_vec()).collect();
    let ids = (0..people.len()).map(|person| person.to_string()).collect();
    let pool = Pool::new(attributes.collect(), ids, &rows, Vec::new()).unwrap();
    Problem::new(&pool, &Quotas { size, attributes: quotas.collect() }, true).unwrap()
}

/// Everybody's chance, by summation over panels of named people.
fn chances(problem: &Problem, lottery: &TypeLottery) -> Vec<f64> {
    seat(problem, lottery, 11).inclusion(problem.people())
}

fn exact(problem: &Problem, found: &Found) {
    let checked = found.certificate.check(problem, &found.lottery).unwrap();
    assert!(checked.exact, "{checked:?}");
    let sum: f64 = chances(problem, &found.lottery).iter().sum();
    assert!((sum - f64::from(problem.size)).abs() < 1e-9 * f64::from(problem.size), "{sum}");
}

fn assert_chances(problem: &Problem, expected: &[f64]) {
    let found = leximin(problem, 3, &Silent).unwrap();
    exact(problem, &found);
    let own = chances(problem, &found.lottery);
    assert!(own.iter().zip(expected).all(|(own, known)| (own - known).abs() < 1e-6), "{own:?}, not {expected:?}");
    let lowest = |chances: &[f64]| chances.iter().copied().fold(1.0, f64::min);
    let first = maximin(problem, 3, &Silent).unwrap();
    exact(problem, &first);
    assert!((lowest(&chances(problem, &first.lottery)) - lowest(expected)).abs() < 1e-6);
}

const ONE_EACH: &[(u32, u32)] = &[(1, 1), (1, 1)];

#[test]
fn one_woman_who_is_young_and_four_men_who_are_old() {
    let people: [&[u16]; 9] = [&[0, 0], &[1, 1], &[1, 1], &[1, 1], &[1, 1], &[0, 1], &[0, 1], &[1, 0], &[1, 0]];
    let problem = problem(2, &[ONE_EACH, ONE_EACH], &people);
    let sixth = 1.0 / 6.0;
    assert_chances(&problem, &[4.0 * sixth, sixth, sixth, sixth, sixth, sixth, sixth, sixth, sixth]);
    let found = leximin(&problem, 0, &Silent).unwrap();
    let even = fairness::evenness(&chances(&problem, &found.lottery)).unwrap();
    assert!((even.gini - 2.0 / 9.0).abs() < 1e-6 && (even.geometric_mean - 0.1944215).abs() < 1e-6, "{even:?}");
}

#[test]
fn equal_chances_where_they_can_be_equal() {
    let people: [&[u16]; 8] = [&[0, 0], &[1, 1], &[0, 1], &[0, 1], &[0, 1], &[1, 0], &[1, 0], &[1, 0]];
    let problem = problem(2, &[ONE_EACH, ONE_EACH], &people);
    assert_chances(&problem, &[0.25; 8]);
    let found = leximin(&problem, 0, &Silent).unwrap();
    let first = |panel: &&TypePanel| panel.counts[0].0 == 0;
    let together: f64 = found.lottery.panels.iter().filter(first).map(|panel| panel.probability).sum();
    assert!((together - 0.25).abs() < 1e-6);
}

#[test]
fn blocks_are_three_stages() {
    let people: Vec<&[u16]> =
        [&[0u16] as &[u16]; 2].into_iter().chain([&[1u16] as &[u16]; 3]).chain([&[2u16] as &[u16]; 6]).collect();
    let problem = problem(3, &[&[(1, 1); 3]], &people);
    let mut expected = vec![0.5; 2];
    expected.extend([1.0 / 3.0; 3]);
    expected.extend([1.0 / 6.0; 6]);
    assert_chances(&problem, &expected);
    let found = leximin(&problem, 0, &Silent).unwrap();
    assert!(matches!(&found.certificate.proof, Proof::Multipliers { stages } if stages.len() == 3));
    let even = fairness::evenness(&chances(&problem, &found.lottery)).unwrap();
    assert!((even.gini - 8.0 / 33.0).abs() < 1e-6);
}

#[test]
fn whoever_must_be_seated_is() {
    let problem = problem(2, &[ONE_EACH], &[&[0], &[1], &[1]]);
    assert_chances(&problem, &[1.0, 0.5, 0.5]);
}

const PARITY: [&[u16]; 5] = [&[0, 0, 0], &[0, 1, 1], &[1, 0, 1], &[1, 1, 0], &[1, 1, 1]];

#[test]
fn people_whom_no_panel_can_contain_are_named() {
    let problem = problem(2, &[ONE_EACH; 3], &PARITY);
    let found = leximin(&problem, 0, &Silent).unwrap();
    assert_eq!(chances(&problem, &found.lottery), [1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(found.certificate.unreachable, [1, 2, 3]);
    let checked = found.certificate.check(&problem, &found.lottery).unwrap();
    // Quotas by themselves admit half a seat for each of them: less than one, so whole panels have none.
    assert!(checked.exact && checked.unshown.is_empty(), "{checked:?}");
}

#[test]
fn no_panel_is_an_error() {
    let people: Vec<&[u16]> = PARITY[..4].to_vec();
    let problem = problem(2, &[ONE_EACH; 3], &people);
    assert_eq!(leximin(&problem, 0, &Silent), Err(Unsolved::Infeasible));
    assert_eq!(maximin(&problem, 0, &Silent), Err(Unsolved::Infeasible));
}

fn blocks() -> (Problem, Found) {
    let people: Vec<&[u16]> = [&[0u16] as &[u16]; 2].into_iter().chain([&[1u16] as &[u16]; 3]).collect();
    let problem = problem(2, &[ONE_EACH], &people);
    let found = leximin(&problem, 5, &Silent).unwrap();
    (problem, found)
}

#[test]
fn a_tampered_certificate_or_lottery_is_found_out() {
    let (problem, found) = blocks();
    let Found { lottery, certificate } = found;
    let stages = |change: &dyn Fn(&mut Vec<Stage>)| -> Certificate {
        let mut other = certificate.clone();
        if let Proof::Multipliers { stages } = &mut other.proof {
            change(stages);
        }
        other
    };
    let check = |certificate: &Certificate| certificate.check(&problem, &lottery);
    assert!(check(&certificate).unwrap().open == 0);
    assert!(matches!(check(&stages(&|s| s.clear())), Err(CertificateError::Order { .. })));
    assert!(matches!(check(&stages(&|s| s[0].chance += 0.01)), Err(CertificateError::Order { .. })));
    assert!(matches!(check(&stages(&|s| s[0].multipliers.size += 0.01)), Err(CertificateError::Stage { .. })));
    assert!(matches!(check(&stages(&|s| s[1].fixed = s[0].fixed.clone())), Err(CertificateError::Order { .. })));
    assert!(check(&stages(&|s| s.truncate(1))).unwrap().open > 0);
    let mut other = certificate.clone();
    other.chances[0] = f64::NAN;
    assert!(matches!(check(&other), Err(CertificateError::Chance(0))));

    let nothing = TypeLottery::default();
    assert!(matches!(certificate.check(&problem, &nothing), Err(CertificateError::Total(_))));
    let mut broken = lottery.clone();
    broken.panels[0].counts = vec![(0, 2)];
    assert!(matches!(certificate.check(&problem, &broken), Err(CertificateError::Panel(0))));
    let mut heavy = lottery;
    heavy.panels[0].probability += 1e-3;
    let refused = certificate.check(&problem, &heavy);
    assert!(matches!(refused, Err(CertificateError::Total(_) | CertificateError::Probability { .. })), "{refused:?}");
}

#[test]
fn a_less_fair_lottery_is_not_called_exact() {
    let people: [&[u16]; 9] = [&[0, 0], &[1, 1], &[1, 1], &[1, 1], &[1, 1], &[0, 1], &[0, 1], &[1, 0], &[1, 0]];
    let problem = problem(2, &[ONE_EACH, ONE_EACH], &people);
    let mut found = leximin(&problem, 0, &Silent).unwrap();
    for (panel, probability) in found.lottery.panels.iter_mut().zip([0.5, 0.5]) {
        panel.probability = probability;
    }
    let checked = found.certificate.check(&problem, &found.lottery).unwrap();
    assert!(!checked.exact && checked.deviation > 0.04, "{checked:?}");
    // Nor when the certificate is made to say the same as the lottery.
    let expected = found.lottery.expected_counts(4);
    found.certificate.chances =
        problem.types.iter().zip(&expected).map(|(kind, count)| count / f64::from(kind.size())).collect();
    let claimed = found.certificate.check(&problem, &found.lottery);
    assert!(!matches!(&claimed, Ok(checked) if checked.exact), "{claimed:?}");
}

/// Every panel of a small problem.
fn panels(problem: &Problem) -> Vec<Vec<u32>> {
    let mut panels = vec![Vec::new()];
    for kind in &problem.types {
        let longer = |counts: &Vec<u32>| -> Vec<Vec<u32>> {
            (0..=kind.size()).map(|count| counts.iter().copied().chain([count]).collect()).collect()
        };
        panels = panels.iter().flat_map(longer).filter(|c| c.iter().sum::<u32>() <= problem.size).collect();
    }
    panels.retain(|counts| problem.admits(counts));
    panels
}

/// LEXIMIN over enumerated panels by one linear program a question: how high can the lowest go, who can go higher.
fn brute_force(problem: &Problem, panels: &[Vec<u32>]) -> Vec<f64> {
    let types = problem.types.len();
    let share = |t: usize, counts: &[u32]| f64::from(counts[t]) / f64::from(problem.types[t].size());
    let solve = |floor: &[Option<f64>], lowest: Option<f64>, raised: Option<usize>| -> f64 {
        let mut program = Program::default();
        for counts in panels {
            program.column(raised.map_or(0.0, |t| -share(t, counts)), 0.0, 1.0);
        }
        let level = program.column(if raised.is_some() { 0.0 } else { -1.0 }, lowest.unwrap_or(0.0), 1.0);
        program.constrain((0..level).map(|panel| (panel, 1.0)).collect(), 1.0, 1.0);
        for (t, own) in floor.iter().enumerate() {
            let mut terms: Vec<(usize, f64)> =
                panels.iter().enumerate().map(|(panel, counts)| (panel, share(t, counts))).collect();
            if own.is_none() {
                terms.push((level, -1.0));
            }
            program.constrain(terms, own.unwrap_or(0.0) - 1e-9, f64::INFINITY);
        }
        -program.solve(Effort::EXACT, &Silent).unwrap().cost
    };
    let mut floor: Vec<Option<f64>> =
        (0..types).map(|t| panels.iter().all(|counts| counts[t] == 0).then_some(0.0)).collect();
    while floor.iter().any(Option::is_none) {
        let lowest = solve(&floor, None, None);
        let open: Vec<usize> = (0..types).filter(|&t| floor[t].is_none()).collect();
        let stuck: Vec<usize> =
            open.into_iter().filter(|&t| solve(&floor, Some(lowest - 1e-8), Some(t)) < lowest + 1e-5).collect();
        assert!(!stuck.is_empty(), "nobody is stuck at {lowest}");
        stuck.iter().for_each(|&t| floor[t] = Some(lowest));
    }
    floor.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Random people with three attributes; quotas around a panel drawn of them, so that there is at least one.
    #[test]
    fn nothing_beats_leximin(
        people in proptest::collection::vec((0u16..2, 0u16..2, 0u16..3), 5..11),
        size in 2usize..5,
        room in proptest::collection::vec((0u32..2, 0u32..2), 7),
        seed in 0u64..1000,
    ) {
        let rows: Vec<[u16; 3]> = people.iter().map(|&(a, b, c)| [a, b, c]).collect();
        let rows: Vec<&[u16]> = rows.iter().map(|row| &row[..]).collect();
        let mut room = room.into_iter();
        let bounds: Vec<Vec<(u32, u32)>> = [2u16, 2, 3]
            .into_iter()
            .enumerate()
            .map(|(attribute, values)| {
                (0..values)
                    .map(|value| {
                        let seated = rows[..size].iter().filter(|row| row[attribute] == value).count() as u32;
                        let (below, above) = room.next().unwrap();
                        (seated.saturating_sub(below), (seated + above).min(size as u32))
                    })
                    .collect()
            })
            .collect();
        let bounds: Vec<&[(u32, u32)]> = bounds.iter().map(|values| &values[..]).collect();
        let problem = problem(size as u32, &bounds, &rows);
        let panels = panels(&problem);
        let best = brute_force(&problem, &panels);
        let found = leximin(&problem, seed, &Silent).unwrap();
        let checked = found.certificate.check(&problem, &found.lottery).unwrap();
        prop_assert!(checked.exact, "{checked:?}");
        let expected = found.lottery.expected_counts(problem.types.len());
        for ((kind, count), best) in problem.types.iter().zip(&expected).zip(&best) {
            let chance = count / f64::from(kind.size());
            prop_assert!((chance - best).abs() < 2e-5, "{chance}, not {best}");
        }
        let unreachable: Vec<u32> = (0..problem.types.len() as u32)
            .filter(|&t| panels.iter().all(|counts| counts[t as usize] == 0))
            .collect();
        prop_assert_eq!(&found.certificate.unreachable, &unreachable);
        let lowest = |chances: &[f64]| {
            let open = (0..chances.len()).filter(|&t| !unreachable.contains(&(t as u32)));
            open.map(|t| chances[t]).fold(f64::INFINITY, f64::min)
        };
        let first = maximin(&problem, seed, &Silent).unwrap();
        let own: Vec<f64> = first
            .lottery
            .expected_counts(problem.types.len())
            .iter()
            .zip(&problem.types)
            .map(|(count, kind)| count / f64::from(kind.size()))
            .collect();
        prop_assert!((lowest(&own) - lowest(&best)).abs() < 1e-5, "{} not {}", lowest(&own), lowest(&best));
        prop_assert_eq!(&leximin(&problem, seed, &Silent).unwrap(), &found);
    }
}

#[test]
fn equal_chances_as_the_reference_has_them() {
    for name in ["example_small_20", "example_large_200"] {
        let Some((pool, quotas)) = instance(name) else { continue };
        let problem = Problem::new(&pool, &quotas, true).unwrap();
        let found = leximin(&problem, 1, &Silent).unwrap();
        exact(&problem, &found);
        // The reference says: minimum 10.0 %, Gini coefficient 0.0 %, geometric mean 10.0 %.
        let even = fairness::evenness(&chances(&problem, &found.lottery)).unwrap();
        assert!((even.minimum - 0.1).abs() < TOLERANCE && even.gini < TOLERANCE, "{even:?}");
        assert!((even.geometric_mean - 0.1).abs() < TOLERANCE, "{even:?}");
    }
}

#[test]
fn a_fixture_with_four_attributes() {
    let Some((pool, quotas)) = instance("sf_fixture_22") else { return };
    let problem = Problem::new(&pool, &quotas, true).unwrap();
    let found = leximin(&problem, 1, &Silent).unwrap();
    exact(&problem, &found);
    let own = chances(&problem, &found.lottery);
    let even = fairness::evenness(&own).unwrap();
    assert!((even.minimum - 1.0 / 11.0).abs() < TOLERANCE && (even.maximum - 0.470903).abs() < 2e-6, "{even:?}");
    assert!((even.gini - 0.1404).abs() < 5e-5 && (even.geometric_mean - 0.141206).abs() < 1e-6, "{even:?}");
    let mut levels = own;
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|a, b| (*a - *b).abs() < 1e-5);
    let known = [1.0 / 11.0, 3.0 / 26.0, 0.125, 3.0 / 19.0, 1.0 / 6.0];
    assert!(levels.len() == 11, "{levels:?}");
    assert!(levels.iter().zip(known).all(|(level, known)| (level - known).abs() < 2e-6), "{levels:?}");
}

#[test]
fn the_lowest_chance_of_a_pool_of_hundreds_of_types() {
    let Some((pool, quotas)) = instance("prismlike_36") else { return };
    let problem = Problem::new(&pool, &quotas, true).unwrap();
    let found = leximin(&problem, 1, &Silent).unwrap();
    exact(&problem, &found);
    let lowest = chances(&problem, &found.lottery).into_iter().fold(1.0, f64::min);
    assert!((lowest - 0.05412).abs() < 5e-6, "{lowest}");
}
