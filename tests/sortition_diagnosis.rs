//! Quotas that were written down with their answers: small ones known exactly, and two of real size.

use std::path::{Path, PathBuf};

use kleroterion::progress::Silent;
use kleroterion::sortition::census::{Bound, Census, Rule};
use kleroterion::sortition::conflict::conflict;
use kleroterion::sortition::feasibility::{Lamp, Stage, check, check_edit};
use kleroterion::sortition::pool::{Attribute, Pool};
use kleroterion::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};
use kleroterion::sortition::reach::unreachable;
use kleroterion::sortition::relaxation::{Change, Limits, Price, Wishes, apply, relax};
use kleroterion::sortition::sensitivity::sensitivity;

fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sortition").join(name);
    if !folder.exists() {
        eprintln!("skipped: {name} is not here");
        return None;
    }
    Some(folder)
}

fn load(name: &str, size: u32) -> Option<(Pool, Quotas)> {
    let folder = folder(name)?;
    let mut attributes: Vec<AttributeQuotas> = Vec::new();
    for row in csv::Reader::from_path(folder.join("categories.csv")).unwrap().records() {
        let row = row.unwrap();
        let number = |column: usize| row[column].parse::<u32>().unwrap();
        let mut quota = ValueQuota::bounded(&row[1], number(2), number(3));
        if row.len() > 4 {
            (quota.min_flex, quota.max_flex) = (number(4), number(5));
        }
        match attributes.iter_mut().find(|attribute| attribute.name == row[0]) {
            Some(attribute) => attribute.values.push(quota),
            None => attributes.push(AttributeQuotas { name: row[0].into(), values: vec![quota] }),
        }
    }
    let quotas = Quotas { size, attributes };
    let mut people = csv::Reader::from_path(folder.join("respondents.csv")).unwrap();
    let header = people.headers().unwrap().clone();
    let known = |attribute: &AttributeQuotas| Attribute {
        name: attribute.name.clone(),
        values: attribute.values.iter().map(|quota| quota.value.clone()).collect(),
    };
    let known: Vec<Attribute> = quotas.attributes.iter().map(known).collect();
    let column = |attribute: &Attribute| header.iter().position(|name| name == attribute.name).unwrap();
    let columns: Vec<usize> = known.iter().map(column).collect();
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    for row in people.records() {
        let row = row.unwrap();
        let place = |(attribute, &column): (&Attribute, &usize)| {
            attribute.values.iter().position(|value| value.eq_ignore_ascii_case(&row[column])).unwrap() as u16
        };
        rows.push(known.iter().zip(&columns).map(place).collect::<Vec<u16>>());
        ids.push(row[0].to_owned());
    }
    Some((Pool::new(known, ids, &rows, Vec::new()).unwrap(), quotas))
}

fn changes(pool: &Pool, quotas: &Quotas, price: Price) -> Vec<Vec<Change>> {
    let census = Census::new(pool, quotas, true).unwrap();
    let found = relax(&census, quotas, &Wishes { price, ..Wishes::default() }, &Silent).unwrap();
    assert!(found.complete && found.found.iter().all(|relaxation| relaxation.minimal));
    found.found.into_iter().map(|relaxation| relaxation.changes).collect()
}

fn change(attribute: &str, value: &str, bound: Bound, from: u32, to: u32) -> Change {
    Change { attribute: attribute.into(), value: value.into(), bound, from, to }
}

fn quota<'a>(quotas: &'a mut Quotas, attribute: &str, value: &str) -> &'a mut ValueQuota {
    let of = quotas.attributes.iter_mut().find(|of| of.name == attribute).unwrap();
    of.values.iter_mut().find(|quota| quota.value == value).unwrap()
}

#[test]
fn too_few_women_have_one_smallest_relaxation() {
    let Some((pool, quotas)) = load("tiny_infeasible_pool_2", 2) else { return };
    let report = check(&pool, &quotas, true, &Silent);
    assert_eq!(report.lamp, Lamp::Infeasible);
    assert_eq!(report.findings[0].sentence, "gender: F needs at least 2, the pool has 1.");
    let only = vec![change("gender", "F", Bound::Min, 2, 1), change("gender", "M", Bound::Max, 0, 1)];
    assert_eq!(changes(&pool, &quotas, Price::People), std::slice::from_ref(&only));
    assert_eq!(changes(&pool, &quotas, Price::Protective), [only]);
}

#[test]
fn margins_that_exist_but_not_together() {
    let Some((pool, quotas)) = load("tiny_infeasible_joint_2", 2) else { return };
    let report = check(&pool, &quotas, true, &Silent);
    assert_eq!((report.lamp, report.findings[0].stage), (Lamp::Infeasible, Stage::Fractions));
    assert_eq!(report.findings[0].numbers, Some((2, 1)));
    let men = vec![change("gender", "F", Bound::Min, 1, 0), change("gender", "M", Bound::Max, 1, 2)];
    let mixed = vec![change("age", "Y", Bound::Min, 2, 1), change("age", "O", Bound::Max, 0, 1)];
    let found = changes(&pool, &quotas, Price::People);
    assert!(found.len() == 2 && found.contains(&men) && found.contains(&mixed), "{found:?}");
    // Where small groups are protected, two young fewer are cheaper than one woman fewer.
    assert_eq!(changes(&pool, &quotas, Price::Protective), [mixed, men]);
    let census = Census::new(&pool, &quotas, true).unwrap();
    let found = conflict(&census, &quotas, &Silent).unwrap().unwrap();
    assert!(found.irreducible && found.certificate.unwrap().proves(&census, &quotas));
}

#[test]
fn three_people_whom_only_fractions_could_seat() {
    let Some((pool, quotas)) = load("tiny_parity_2", 2) else { return };
    let report = check(&pool, &quotas, true, &Silent);
    assert_eq!(report.lamp, Lamp::Feasible);
    let people = report.unreachable.unwrap().people();
    let all: Vec<u32> = (0..pool.len() as u32).collect();
    let alike = |person: &u32| pool.values(*person as usize).windows(2).all(|pair| pair[0] == pair[1]);
    assert_eq!(people, all.into_iter().filter(|person| !alike(person)).collect::<Vec<_>>());
    assert_eq!(people.len(), 3);
}

#[test]
fn averages_without_a_panel() {
    let Some((pool, quotas)) = load("tiny_parity_infeasible_2", 2) else { return };
    let report = check(&pool, &quotas, true, &Silent);
    assert_eq!((report.lamp, report.findings[0].stage), (Lamp::Infeasible, Stage::Panels));
    let census = Census::new(&pool, &quotas, true).unwrap();
    let found = conflict(&census, &quotas, &Silent).unwrap().unwrap();
    assert!(found.only_whole && found.irreducible && found.certificate.is_none());
}

#[test]
fn a_real_pool_is_met_and_everybody_is_in_reach() {
    for (name, size, chance) in [("sf_fixture_22", 22, 1.0 / 11.0), ("prismlike_145", 145, 0.05)] {
        let Some((pool, quotas)) = load(name, size) else { return };
        let census = Census::new(&pool, &quotas, true).unwrap();
        let report = check_edit(&census, &quotas, None, &Silent);
        assert_eq!((report.lamp, report.findings.len()), (Lamp::Feasible, 0));
        let witness = report.witness.unwrap();
        let mut counts = vec![0; census.types()];
        witness.iter().for_each(|&(t, count)| counts[t as usize] = count);
        assert!(census.problem(&quotas).admits(&counts));
        let reach = unreachable(&census, &quotas, &[witness], &Silent).unwrap();
        assert!(reach.people().is_empty() && reach.undecided.is_empty());
        let found = sensitivity(&census, &quotas, &[], &Silent).unwrap().unwrap();
        assert!((found.chance - chance).abs() < 1e-8, "{name}: {}", found.chance);
        assert!(found.rows.iter().all(|row| row.relaxed > found.chance && row.relaxed <= row.at_most));
    }
}

#[test]
fn a_real_pool_with_an_impossible_edit() {
    let Some((pool, mut quotas)) = load("prismlike_145", 145) else { return };
    // Many retired people and hardly anybody of the age at which most of them are; no sum gives it away.
    for (attribute, most) in [("age", 60), ("employment_status", 100)] {
        let of = quotas.attributes.iter_mut().find(|of| of.name == attribute).unwrap();
        for value in &mut of.values {
            (value.min, value.max) = (value.min.min(1), most);
        }
    }
    (quota(&mut quotas, "age", "65+ years old").max, quota(&mut quotas, "employment_status", "Retired").min) = (4, 40);
    for value in quotas.attributes.iter_mut().flat_map(|of| &mut of.values) {
        (value.min_flex, value.max_flex) = (value.min, value.max);
    }
    let census = Census::new(&pool, &quotas, true).unwrap();
    let report = check_edit(&census, &quotas, None, &Silent);
    assert_eq!((report.lamp, report.findings[0].stage), (Lamp::Infeasible, Stage::Fractions));
    let found = conflict(&census, &quotas, &Silent).unwrap().unwrap();
    assert!(found.irreducible && found.certificate.as_ref().unwrap().proves(&census, &quotas));
    let of = |rule: &Rule, name: &str| matches!(rule, Rule::Quota { value, .. } if value == name);
    assert!(found.rules.iter().any(|rule| of(rule, "Retired")), "{}", found.sentence);
    for (alike, expected) in [(false, 2), (true, 3)] {
        let wishes = Wishes { count: 3, limits: Some(Limits::Free), alike, ..Wishes::default() };
        let relaxations = relax(&census, &quotas, &wishes, &Silent).unwrap();
        // More of the old or fewer of the retired; or some of both.
        assert_eq!((relaxations.found.len(), relaxations.complete), (expected, true));
        for relaxation in &relaxations.found {
            assert!(relaxation.people >= relaxations.found[0].people);
            let report = check_edit(&census, &apply(&quotas, &relaxation.changes), None, &Silent);
            assert_eq!(report.lamp, Lamp::Feasible);
        }
    }
}
