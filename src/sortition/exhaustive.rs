//! Tests: what the diagnosis says of small random pools, against trying every set of people.

use proptest::prelude::*;

use super::census::{Bound, Census, Rule};
use super::conflict::conflict;
use super::feasibility::{Lamp, Stage, check, check_edit};
use super::pool::{Attribute, Pool};
use super::problem::Problem;
use super::program::{Effort, Program};
use super::quotas::{AttributeQuotas, Quotas, ValueQuota};
use super::reach::unreachable;
use super::relaxation::{Change, Limits, Price, Wishes, apply, relax};
use super::sensitivity::sensitivity;
use crate::progress::{Cancelled, Progress, Silent};

#[derive(Clone, Debug)]
struct Case {
    pool: Pool,
    quotas: Quotas,
    households: bool,
}

/// Up to 7 people with 3 attributes of 2 or 3 values, some of them living together.
fn cases() -> impl Strategy<Value = Case> {
    let person = (0u16..2, 0u16..2, 0u16..3, 0u8..5);
    let bounds = proptest::collection::vec((0u32..3, 0u32..4, 0u8..5), 7);
    (proptest::collection::vec(person, 2..8), bounds, 1u32..5, any::<bool>()).prop_map(
        |(people, bounds, size, households)| {
            let name = |number: usize| ["x", "y", "z"][number].to_owned();
            let widths = [2usize, 2, 3];
            let attributes = (0..3).map(|number| Attribute {
                name: name(number),
                values: (0..widths[number]).map(|value| format!("{}{value}", name(number))).collect(),
            });
            let attributes: Vec<Attribute> = attributes.collect();
            let ids = (0..people.len()).map(|person| format!("p{person}")).collect();
            let rows: Vec<Vec<u16>> = people.iter().map(|&(x, y, z, _)| vec![x, y, z]).collect();
            let homes = people.iter().map(|&(.., home)| if home < 2 { format!("h{home}") } else { String::new() });
            let pool = Pool::new(attributes.clone(), ids, &rows, homes.collect()).unwrap();
            let mut bounds = bounds.into_iter();
            let mut quota = |value: &String| {
                let (min, span, slack) = bounds.next().unwrap();
                let min = min.saturating_sub(1);
                ValueQuota { slack: slack == 0, ..ValueQuota::bounded(value.clone(), min, min + span) }
            };
            let quotas = attributes.iter().map(|attribute| AttributeQuotas {
                name: attribute.name.clone(),
                values: attribute.values.iter().map(&mut quota).collect(),
            });
            let quotas = Quotas { size: size.min(people.len() as u32), attributes: quotas.collect() };
            Case { pool, quotas, households }
        },
    )
}

impl Case {
    fn census(&self) -> Census {
        Census::new(&self.pool, &self.quotas, self.households).unwrap()
    }

    fn sets(&self) -> impl Iterator<Item = Vec<usize>> {
        let people = self.pool.len();
        (0u32..1 << people).map(move |code| (0..people).filter(|person| code >> person & 1 == 1).collect())
    }

    fn apart(&self, set: &[usize]) -> bool {
        let home = |person: &usize| self.pool.household(*person);
        set.iter().enumerate().all(|(place, a)| set[..place].iter().all(|b| home(a).is_none() || home(a) != home(b)))
    }

    fn count(&self, set: &[usize], attribute: usize, value: usize) -> u32 {
        set.iter().filter(|&&person| usize::from(self.pool.values(person)[attribute]) == value).count() as u32
    }

    /// Bounds by attribute and value.
    fn limits(&self) -> Vec<(usize, usize, u32, u32)> {
        let of = |(attribute, quota): (usize, &AttributeQuotas)| {
            let bound = |(value, quota): (usize, &ValueQuota)| match quota.slack {
                true => (attribute, value, 0, self.quotas.size),
                false => (attribute, value, quota.min, quota.max),
            };
            quota.values.iter().enumerate().map(bound).collect::<Vec<_>>()
        };
        self.quotas.attributes.iter().enumerate().flat_map(of).collect()
    }

    fn everything(&self) -> Vec<Rule> {
        let quota = |(attribute, value, ..): (usize, usize, u32, u32)| {
            let of = &self.quotas.attributes[attribute];
            [Bound::Min, Bound::Max].map(|bound| Rule::Quota {
                attribute: of.name.clone(),
                value: of.values[value].value.clone(),
                bound,
            })
        };
        let mut rules: Vec<Rule> = self.limits().into_iter().flat_map(quota).collect();
        rules.push(Rule::Size);
        rules.extend(self.households.then_some(Rule::Households));
        rules
    }

    fn meets(&self, set: &[usize], rules: &[Rule]) -> bool {
        let has = |attribute: usize, value: usize, bound: Bound| {
            let of = &self.quotas.attributes[attribute];
            let (attribute, value) = (of.name.clone(), of.values[value].value.clone());
            rules.contains(&Rule::Quota { attribute, value, bound })
        };
        (!rules.contains(&Rule::Size) || set.len() as u32 == self.quotas.size)
            && (!rules.contains(&Rule::Households) || self.apart(set))
            && self.limits().iter().all(|&(attribute, value, min, max)| {
                let count = self.count(set, attribute, value);
                (count >= min || !has(attribute, value, Bound::Min))
                    && (count <= max || !has(attribute, value, Bound::Max))
            })
    }

    fn panels(&self) -> Vec<Vec<usize>> {
        let rules = self.everything();
        self.sets().filter(|set| self.meets(set, &rules)).collect()
    }

    /// Whether fractions of people meet some of the rules.
    fn fractions_meet(&self, rules: &[Rule]) -> bool {
        let mut program = Program::default();
        for _ in 0..self.pool.len() {
            program.column(0.0, 0.0, 1.0);
        }
        let quota = |attribute: usize, value: usize, bound| Rule::Quota {
            attribute: self.quotas.attributes[attribute].name.clone(),
            value: self.quotas.attributes[attribute].values[value].value.clone(),
            bound,
        };
        for (attribute, value, min, max) in self.limits() {
            let with = (0..self.pool.len()).filter(|&p| usize::from(self.pool.values(p)[attribute]) == value);
            let lower = if rules.contains(&quota(attribute, value, Bound::Min)) { f64::from(min) } else { 0.0 };
            let upper = if rules.contains(&quota(attribute, value, Bound::Max)) { f64::from(max) } else { 9.0 };
            program.constrain(with.map(|person| (person, 1.0)).collect(), lower, upper);
        }
        if rules.contains(&Rule::Size) {
            let size = f64::from(self.quotas.size);
            program.constrain((0..self.pool.len()).map(|person| (person, 1.0)).collect(), size, size);
        }
        for home in ["h0", "h1"].into_iter().filter(|_| rules.contains(&Rule::Households)) {
            let together = (0..self.pool.len()).filter(|&person| self.pool.household(person) == Some(home));
            program.constrain(together.map(|person| (person, 1.0)).collect(), 0.0, 1.0);
        }
        program.solve(Effort::EXACT, &Silent).is_ok()
    }

    /// By how much each bound must move for a set to be a panel: rows by (min, max).
    fn moves(&self, set: &[usize]) -> Vec<u32> {
        let of = |&(attribute, value, min, max): &(usize, usize, u32, u32)| {
            let count = self.count(set, attribute, value);
            [min.saturating_sub(count), count.saturating_sub(max)]
        };
        self.limits().iter().flat_map(of).collect()
    }

    fn moves_of(&self, changes: &[Change]) -> Vec<u32> {
        let of = |&(attribute, value, ..): &(usize, usize, u32, u32)| {
            let of = &self.quotas.attributes[attribute];
            [Bound::Min, Bound::Max].map(|bound| {
                let is = |change: &&Change| {
                    change.attribute == of.name && change.value == of.values[value].value && change.bound == bound
                };
                changes.iter().find(is).map_or(0, |change| change.from.abs_diff(change.to))
            })
        };
        self.limits().iter().flat_map(of).collect()
    }
}

fn minimal(mut moves: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
    moves.sort();
    moves.dedup();
    let below = |a: &[u32], b: &[u32]| a != b && a.iter().zip(b).all(|(a, b)| a <= b);
    let all = moves.clone();
    moves.retain(|one| !all.iter().any(|other| below(other, one)));
    moves
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_census_gives_the_same_problem(case in cases()) {
        let census = case.census();
        let problem = Problem::new(&case.pool, &case.quotas, case.households).unwrap();
        prop_assert_eq!(census.problem(&case.quotas), problem);
        prop_assert!(census.fits(&case.quotas, case.households) && !census.fits(&case.quotas, !case.households));
    }

    #[test]
    fn the_lamp_is_right_and_conflicts_are_conflicts(case in cases()) {
        let (census, panels) = (case.census(), case.panels());
        let report = check(&case.pool, &case.quotas, case.households, &Silent);
        let edit = check_edit(&census, &case.quotas, None, &Silent);
        let found = conflict(&census, &case.quotas, &Silent).unwrap();
        prop_assert_eq!(edit.lamp, report.lamp);
        if !panels.is_empty() {
            prop_assert_eq!(report.lamp, Lamp::Feasible);
            prop_assert!(found.is_none());
            prop_assert!(census.admits(&case.quotas, report.witness.as_ref().unwrap()));
            let again = check_edit(&census, &case.quotas, report.witness.as_ref(), &Silent);
            prop_assert_eq!(again.witness, report.witness);
            return Ok(());
        }
        prop_assert_eq!(report.lamp, Lamp::Infeasible);
        prop_assert!(!report.findings.is_empty());
        let found = found.unwrap();
        prop_assert!(found.irreducible);
        prop_assert!(!case.sets().any(|set| case.meets(&set, &found.rules)));
        prop_assert_eq!(found.only_whole, case.fractions_meet(&case.everything()));
        for left_out in 0..found.rules.len() {
            let mut rules = found.rules.clone();
            rules.remove(left_out);
            let possible = match found.only_whole {
                true => case.sets().any(|set| case.meets(&set, &rules)),
                false => case.fractions_meet(&rules),
            };
            prop_assert!(possible);
        }
        match &found.certificate {
            None => prop_assert!(found.only_whole),
            Some(certificate) => {
                prop_assert!(certificate.proves(&census, &case.quotas));
                // The proof does not prove what it should not.
                let free = apply(&case.quotas, &[]);
                let mut loose = free.clone();
                loose.attributes.iter_mut().flat_map(|a| &mut a.values).for_each(|q| (q.min, q.max) = (0, free.size));
                let possible = case.sets().any(|set| case.apart(&set) && set.len() as u32 == loose.size);
                prop_assert!(!possible || !certificate.proves(&census, &loose));
            }
        }
    }

    #[test]
    fn exactly_those_without_a_panel_are_unreachable(case in cases()) {
        let panels = case.panels();
        if panels.is_empty() {
            return Ok(());
        }
        let found = unreachable(&case.census(), &case.quotas, &[], &Silent).unwrap();
        let expected = (0..case.pool.len()).filter(|person| !panels.iter().any(|panel| panel.contains(person)));
        prop_assert_eq!(found.people(), expected.map(|person| person as u32).collect::<Vec<_>>());
        prop_assert!(found.undecided.is_empty());
        for group in &found.groups {
            prop_assert!(!group.rules.is_empty());
            for &person in &group.people {
                let with = |set: &Vec<usize>| set.contains(&(person as usize)) && case.meets(set, &group.rules);
                prop_assert!(!case.sets().any(|set| with(&set)), "{:?}", group);
            }
        }
    }

    #[test]
    fn relaxations_are_the_cheapest_minimal_ones(
        case in cases(), protective in any::<bool>(), alike in any::<bool>(), wanted in 0usize..3, locked in 0usize..3, count in 1usize..5,
    ) {
        let locked = case.quotas.attributes.iter().take(locked).map(|of| (of.name.clone(), of.values[0].value.clone()));
        let wishes = Wishes {
            count,
            price: if protective { Price::Protective } else { Price::People },
            limits: Some(Limits::Free),
            alike,
            locked: locked.collect(),
            reachable: (0..wanted.min(case.pool.len()) as u32).collect(),
        };
        // Bounds that may move, as far as they may.
        let most: Vec<u32> = case.limits().iter().flat_map(|&(attribute, value, min, max)| {
            let of = &case.quotas.attributes[attribute];
            let stays = of.values[value].slack
                || wishes.locked.contains(&(of.name.clone(), of.values[value].value.clone()));
            if stays { [0, 0] } else { [min, case.quotas.size.saturating_sub(max)] }
        }).collect();
        let panels: Vec<Vec<usize>> = case.sets().filter(|set| {
            set.len() as u32 == case.quotas.size && (!case.households || case.apart(set))
                && case.moves(set).iter().zip(&most).all(|(by, most)| by <= most)
        }).collect();
        let mut all: Vec<Vec<u32>> = minimal(panels.iter().map(|set| case.moves(set)).collect());
        if !wishes.reachable.is_empty() {
            all = vec![vec![0; most.len()]];
            for &person in &wishes.reachable {
                let with = panels.iter().filter(|set| set.contains(&(person as usize)));
                let moves = minimal(with.map(|set| case.moves(set)).collect());
                let joined = |one: &Vec<u32>, other: &Vec<u32>| one.iter().zip(other).map(|(a, b)| *a.max(b)).collect();
                all = minimal(all.iter().flat_map(|one| moves.iter().map(move |other| joined(one, other))).collect());
            }
        }
        let limits = case.limits();
        let cost = |moves: &[u32]| -> f64 {
            moves.iter().enumerate().map(|(place, &by)| {
                let weight = 1.0 + 2.0 / f64::from(limits[place / 2].2.max(1));
                f64::from(by) * if protective && place % 2 == 0 { weight } else { 1.0 }
            }).sum()
        };
        let found = relax(&case.census(), &case.quotas, &wishes, &Silent).unwrap();
        prop_assert!(found.complete);
        let mut left = all.clone();
        for relaxation in &found.found {
            let moves = case.moves_of(&relaxation.changes);
            let cheapest = left.iter().map(|moves| cost(moves)).min_by(f64::total_cmp).unwrap();
            prop_assert!(left.contains(&moves), "{:?} of {:?}", moves, left);
            prop_assert!((cost(&moves) - cheapest).abs() < 1e-9);
            left.retain(|other| match alike {
                true => *other != moves,
                false => other.iter().zip(&moves).any(|(&other, &by)| by > 0 && other == 0),
            });
            prop_assert_eq!(relaxation.people, moves.iter().sum::<u32>());
            let changed = Case { quotas: apply(&case.quotas, &relaxation.changes), ..case.clone() };
            prop_assert!(!changed.panels().is_empty());
        }
        prop_assert!(found.found.len() == count || left.is_empty());
    }

    #[test]
    fn sensitivity_is_what_solving_again_gives(case in cases()) {
        let census = case.census();
        let lowest = |case: &Case| {
            let problem = Problem::new(&case.pool, &case.quotas, case.households).unwrap();
            let mut program = Program::default();
            for kind in &problem.types {
                program.column(0.0, 0.0, f64::from(kind.size()));
            }
            let z = program.column(-1.0, 0.0, 1.0);
            for row in &problem.rows {
                let terms = row.types.iter().map(|&t| (t as usize, 1.0)).collect();
                program.constrain(terms, f64::from(row.min), f64::from(row.max));
            }
            let size = f64::from(problem.size);
            program.constrain((0..z).map(|t| (t, 1.0)).collect(), size, size);
            for (t, kind) in problem.types.iter().enumerate() {
                program.constrain(vec![(t, 1.0), (z, -f64::from(kind.size()))], 0.0, f64::INFINITY);
            }
            program.solve(Effort::EXACT, &Silent).ok().map(|vertex| -vertex.cost)
        };
        let found = sensitivity(&census, &case.quotas, &[], &Silent).unwrap();
        let chance = lowest(&case);
        prop_assert_eq!(found.is_some(), chance.is_some());
        let (Some(found), Some(chance)) = (found, chance) else { return Ok(()) };
        prop_assert!((found.chance - chance).abs() < 1e-7);
        for (attribute, value, min, max) in case.limits() {
            if case.quotas.attributes[attribute].values[value].slack {
                continue;
            }
            for bound in [Bound::Min, Bound::Max] {
                if bound == Bound::Min && min == 0 {
                    continue;
                }
                let mut looser = case.clone();
                let quota = &mut looser.quotas.attributes[attribute].values[value];
                match bound {
                    Bound::Min => (quota.min, quota.min_flex) = (min - 1, min - 1),
                    Bound::Max => (quota.max, quota.max_flex) = (max + 1, max + 1),
                }
                let (name, value) = (case.quotas.attributes[attribute].name.clone(), quota.value.clone());
                let then = lowest(&looser).unwrap();
                let rule = Rule::Quota { attribute: name, value, bound };
                let row = found.rows.iter().find(|row| row.rule == rule);
                match row {
                    Some(row) => {
                        prop_assert!((row.relaxed - then).abs() < 1e-7);
                        prop_assert!(row.at_most >= then - 1e-7 && row.price >= 0.0);
                    }
                    None => prop_assert!(then < chance + 1e-7, "{:?} {} {}", rule, chance, then),
                }
            }
        }
    }
}

/// Cancels after a number of looks.
struct Impatient(std::sync::atomic::AtomicI64);

impl Progress for Impatient {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {}
    fn checkpoint(&self) -> Result<(), Cancelled> {
        match self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) {
            left if left > 0 => Ok(()),
            _ => Err(Cancelled),
        }
    }
}

#[test]
fn a_check_that_is_ended_knows_what_it_knows() {
    let bounds = [("x", "0", 1, 1), ("x", "1", 1, 1), ("y", "0", 1, 1), ("y", "1", 1, 1)];
    let people: [(&[&str], usize); 3] = [(&["0", "0"], 1), (&["1", "1"], 1), (&["0", "1"], 1)];
    let (pool, quotas) = super::sampled::instances::instance(2, &bounds, &people);
    let ended = check(&pool, &quotas, false, &Impatient(0.into()));
    assert_eq!((ended.lamp, ended.witness), (Lamp::Unknown, None));
    // Enough for the panel, not for the people.
    let ended = (1..20).map(|looks| check(&pool, &quotas, false, &Impatient(looks.into())));
    let ended: Vec<_> = ended.filter(|report| report.lamp == Lamp::Feasible && report.unreachable.is_none()).collect();
    assert!(!ended.is_empty() && ended.iter().all(|report| report.findings.last().unwrap().stage == Stage::Reach));
    let whole = check(&pool, &quotas, false, &Silent).unreachable.unwrap();
    assert_eq!(whole.people(), [2]);
}

#[test]
fn findings_name_rows_and_numbers() {
    let bounds = [("Gender", "Women", 12, 14), ("Gender", "Men", 4, 6), ("Age", "Old", 0, 3), ("Age", "Young", 0, 4)];
    let people: [(&[&str], usize); 2] = [(&["Women", "Old"], 9), (&["Men", "Young"], 30)];
    let (pool, quotas) = super::sampled::instances::instance(15, &bounds, &people);
    let report = check(&pool, &quotas, false, &Silent);
    let sentences: Vec<&str> = report.findings.iter().map(|finding| finding.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "Gender: the lower bounds add up to 16, the panel has 15 seats.",
            "Age: the upper bounds add up to 7, the panel has 15 seats to fill.",
            "Gender: Women needs at least 12, the pool has 9.",
        ]
    );
    assert_eq!(report.findings[2].numbers, Some((12, 9)));
}
