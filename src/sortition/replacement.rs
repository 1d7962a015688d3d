//! Panels that are partly seated: what is left to draw, who may still be drawn, and reserves for those who drop out.

use std::collections::HashSet;

use super::pool::Pool;
use super::quotas::Quotas;
use crate::statistics::Stream;

/// What is left to draw once some people are seated.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Remainder {
    /// Those who may still be drawn.
    pub pool: Pool,
    /// Their places in the whole pool.
    pub people: Vec<u32>,
    /// The seats left, every bound reduced by those who are seated.
    pub quotas: Quotas,
}

/// Why people cannot be kept as seated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    /// No such person.
    #[error("nobody has the place {person} in a pool of {people}")]
    Unknown { person: u32, people: usize },
    /// Somebody is named twice.
    #[error("'{0}' is named twice")]
    Twice(String),
    /// Nothing is left to draw.
    #[error("{seated} people are seated already and the panel has {size}: raise its size or take some of them out")]
    Full { seated: usize, size: u32 },
    /// Those who are seated exceed a maximum.
    #[error(
        "{seated} of the people who are seated have '{value}' for '{attribute}', and the most allowed is {max}: \
         raise the maximum or take {excess} of them out"
    )]
    AboveMax { attribute: String, value: String, seated: u32, max: u32, excess: u32 },
    /// Two who are seated live together.
    #[error("'{first}' and '{second}' live together: take one of them out or drop the rule of one per household")]
    SameHousehold { first: String, second: String },
}

/// People not named in `taken`, nor in `gone`; under the household rule nor living with one of `taken`. Ascending.
pub fn remaining(pool: &Pool, taken: &[u32], gone: &[u32], one_per_household: bool) -> Vec<u32> {
    let out: HashSet<u32> = taken.iter().chain(gone).copied().collect();
    let homes: HashSet<&str> = match one_per_household {
        true => taken.iter().filter_map(|&person| pool.household(person as usize)).collect(),
        false => HashSet::new(),
    };
    let free = |&person: &u32| {
        !out.contains(&person) && pool.household(person as usize).is_none_or(|home| !homes.contains(home))
    };
    (0..pool.len() as u32).filter(free).collect()
}

/// How many of `people` have each value of each attribute with quotas, in the order of the quotas; values that the quotas
/// do not name are not counted.
fn seats(pool: &Pool, quotas: &Quotas, people: &[u32]) -> Vec<Vec<u32>> {
    let count = |quota: &super::quotas::AttributeQuotas| {
        let mut seats = vec![0; quota.values.len()];
        let Some(place) = pool.attributes().iter().position(|attribute| attribute.name == quota.name) else {
            return seats;
        };
        for &person in people {
            let value = &pool.attributes()[place].values[usize::from(pool.values(person as usize)[place])];
            if let Some(known) = quota.values.iter().position(|bounds| bounds.value == *value) {
                seats[known] += 1;
            }
        }
        seats
    };
    quotas.attributes.iter().map(count).collect()
}

/// What is left to draw where `seated` people keep their seats and `gone` ones are not to be drawn (again): bounds reduced by
/// those who are seated, not below 0.
pub fn remainder(
    pool: &Pool,
    quotas: &Quotas,
    seated: &[u32],
    gone: &[u32],
    one_per_household: bool,
) -> Result<Remainder, ReplacementError> {
    let people = pool.len();
    let mut named = HashSet::new();
    for &person in seated.iter().chain(gone) {
        if person as usize >= people {
            return Err(ReplacementError::Unknown { person, people });
        }
        if !named.insert(person) {
            return Err(ReplacementError::Twice(pool.ids()[person as usize].clone()));
        }
    }
    if seated.len() >= quotas.size as usize {
        return Err(ReplacementError::Full { seated: seated.len(), size: quotas.size });
    }
    if one_per_household {
        for (place, &second) in seated.iter().enumerate() {
            let Some(home) = pool.household(second as usize) else { continue };
            let with = seated[..place].iter().find(|&&first| pool.household(first as usize) == Some(home));
            if let Some(&first) = with {
                let id = |person: u32| pool.ids()[person as usize].clone();
                return Err(ReplacementError::SameHousehold { first: id(first), second: id(second) });
            }
        }
    }
    let mut left = quotas.clone();
    left.size -= seated.len() as u32;
    for (quota, seats) in left.attributes.iter_mut().zip(seats(pool, quotas, seated)) {
        for (bounds, seated) in quota.values.iter_mut().zip(seats) {
            if seated > bounds.max && !bounds.slack {
                let (attribute, value, max) = (quota.name.clone(), bounds.value.clone(), bounds.max);
                let excess = seated - max;
                return Err(ReplacementError::AboveMax { attribute, value, seated, max, excess });
            }
            for bound in [&mut bounds.min, &mut bounds.max, &mut bounds.min_flex, &mut bounds.max_flex] {
                *bound = bound.saturating_sub(seated);
            }
            // The target is a share of the whole panel, not of the seats left.
            bounds.target = None;
        }
    }
    let free = remaining(pool, seated, gone, one_per_household);
    let kept: HashSet<u32> = free.iter().copied().collect();
    Ok(Remainder { pool: pool.filtered(|person| kept.contains(&(person as u32))), people: free, quotas: left })
}

/// An ordered list of `count` reserves for `panel`, given everybody's estimated chance to drop out (one a person of the pool,
/// in [0, 1]).
///
/// The rule: of each value the list should hold as large a share as the drop-outs that the panel's members lead one to
/// expect. Place by place, everybody left is scored by the sum over their values of expected less listed reserves, and
/// one of those with the largest score is taken at random. It is a rule of thumb, not an optimum; under the household
/// rule nobody is listed who lives with the panel or another reserve. The list is shorter where people run out.
pub fn reserves(
    pool: &Pool,
    quotas: &Quotas,
    panel: &[u32],
    drop_out: &[f64],
    count: usize,
    one_per_household: bool,
    seed: u64,
) -> Vec<u32> {
    let mut stream = Stream::new(seed, 0);
    let rate = |person: u32| drop_out.get(person as usize).copied().unwrap_or(0.0).max(0.0);
    let total: f64 = panel.iter().map(|&person| rate(person)).sum();
    // Expected reserves of each value, then what is still missing. Without drop-outs, the panel's own shares.
    let scale = |person: u32| match total > 0.0 {
        true => rate(person) / total,
        false => 1.0 / panel.len().max(1) as f64,
    };
    let places: Vec<Option<usize>> = quotas
        .attributes
        .iter()
        .map(|quota| pool.attributes().iter().position(|attribute| attribute.name == quota.name))
        .collect();
    let mut missing: Vec<Vec<f64>> =
        places.iter().map(|place| vec![0.0; place.map_or(0, |place| pool.attributes()[place].values.len())]).collect();
    let value = |person: u32, place: usize| usize::from(pool.values(person as usize)[place]);
    for &person in panel {
        for (place, missing) in places.iter().zip(&mut missing) {
            if let Some(place) = *place {
                missing[value(person, place)] += scale(person) * count as f64;
            }
        }
    }
    let mut listed: Vec<u32> = Vec::with_capacity(count);
    let mut taken = panel.to_vec();
    while listed.len() < count {
        let free = remaining(pool, &taken, &[], one_per_household);
        let score = |person: u32| {
            let parts = places.iter().zip(&missing);
            parts.filter_map(|(place, missing)| place.map(|place| missing[value(person, place)])).sum::<f64>()
        };
        let scored: Vec<(u32, f64)> = free.iter().map(|&person| (person, score(person))).collect();
        let best = scored.iter().map(|&(_, score)| score).fold(f64::NEG_INFINITY, f64::max);
        let equal: Vec<u32> =
            scored.iter().filter(|&&(_, score)| score >= best - 1e-9).map(|&(person, _)| person).collect();
        if equal.is_empty() {
            break;
        }
        let next = equal[stream.below(equal.len() as u64) as usize];
        for (place, missing) in places.iter().zip(&mut missing) {
            if let Some(place) = *place {
                missing[value(next, place)] -= 1.0;
            }
        }
        listed.push(next);
        taken.push(next);
    }
    listed
}

/// Who follows those who left.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CalledUp {
    /// The reserves called, in the order of the calls; fewer than left where reserves run out.
    pub called: Vec<u32>,
    /// The panel after that, ascending.
    pub panel: Vec<u32>,
    /// Seats by which it misses quotas, summed over values; an empty seat counts wherever it leaves a minimum short.
    pub missed: u32,
}

/// Fills the seats of `gone` members from the list: seat by seat the reserve after whom the panel misses quotas by the fewest
/// seats, the earliest on the list where several do equally well.
pub fn call_up(pool: &Pool, quotas: &Quotas, panel: &[u32], gone: &[u32], reserves: &[u32]) -> CalledUp {
    let mut members: Vec<u32> = panel.iter().copied().filter(|person| !gone.contains(person)).collect();
    let missed = |members: &[u32]| {
        let seats = seats(pool, quotas, members);
        let pairs = quotas.attributes.iter().zip(&seats).flat_map(|(quota, seats)| quota.values.iter().zip(seats));
        let miss = |(bounds, &seats): (&super::quotas::ValueQuota, &u32)| match bounds.slack {
            true => 0,
            false => bounds.min.saturating_sub(seats) + seats.saturating_sub(bounds.max),
        };
        pairs.map(miss).sum::<u32>()
    };
    let mut called = Vec::new();
    while members.len() < panel.len() {
        let free = reserves.iter().filter(|person| !members.contains(person) && !gone.contains(person));
        let score = |&person: &u32| {
            let with: Vec<u32> = members.iter().copied().chain([person]).collect();
            missed(&with)
        };
        let Some(&next) = free.min_by_key(|person| score(person)) else { break };
        members.push(next);
        called.push(next);
    }
    members.sort_unstable();
    let missed = missed(&members);
    CalledUp { called, panel: members, missed }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Problem;
    use super::super::sampled::instances::{SQUARE_BOUNDS, housed, instance};
    use super::*;

    #[test]
    fn bounds_are_reduced_by_the_seated() {
        let (pool, quotas) = housed();
        let left = remainder(&pool, &quotas, &[0, 3], &[5], true).unwrap();
        // p0 (FY) shares a house with p4 and p8; p5 is gone.
        assert_eq!(left.people, [1, 2, 6, 7, 9, 10]);
        assert_eq!(left.pool.ids()[2], "p6");
        let bounds: Vec<(u32, u32)> =
            left.quotas.attributes.iter().flat_map(|quota| &quota.values).map(|b| (b.min, b.max)).collect();
        assert_eq!((left.quotas.size, bounds), (2, vec![(1, 2), (0, 1), (0, 1), (1, 2)]));
        assert!(Problem::new(&left.pool, &left.quotas, true).is_ok());
        assert_eq!(remainder(&pool, &quotas, &[0, 3], &[], false).unwrap().people.len(), 9);
    }

    #[test]
    fn seats_that_cannot_be_kept() {
        let (pool, quotas) = housed();
        let refused = |seated: &[u32], gone: &[u32], rule| remainder(&pool, &quotas, seated, gone, rule).unwrap_err();
        assert_eq!(refused(&[99], &[], true), ReplacementError::Unknown { person: 99, people: 11 });
        assert_eq!(refused(&[1], &[1], true), ReplacementError::Twice("p1".into()));
        assert_eq!(refused(&[0, 1, 3, 5], &[], true), ReplacementError::Full { seated: 4, size: 4 });
        assert!(matches!(refused(&[0, 8], &[], true), ReplacementError::SameHousehold { .. }));
        let error = refused(&[0, 1, 2], &[], false);
        assert!(error.to_string().contains("3 of the people who are seated have 'Y'"), "{error}");
    }

    #[test]
    fn reserves_mirror_who_is_expected_to_leave() {
        let (pool, quotas) = housed();
        let panel = [0, 1, 3, 7];
        // Only the young women may leave.
        let rates: Vec<f64> = (0..11).map(|person| if person < 3 { 0.5 } else { 0.0 }).collect();
        let listed = reserves(&pool, &quotas, &panel, &rates, 3, true, 4);
        assert_eq!(listed[0], 2);
        assert!(listed.iter().all(|person| !panel.contains(person) && ![4, 8].contains(person)), "{listed:?}");
        assert_eq!(listed, reserves(&pool, &quotas, &panel, &rates, 3, true, 4));
        assert_eq!(reserves(&pool, &quotas, &panel, &rates, 99, false, 4).len(), 7);
    }

    #[test]
    fn the_first_who_keeps_the_quotas_is_called() {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 3), (&["M", "O"], 4), (&["F", "O"], 2), (&["M", "Y"], 2)];
        let (pool, quotas) = instance(2, &SQUARE_BOUNDS, &people);
        // FY leaves MO; another FY follows although an MY stands first.
        let found = call_up(&pool, &quotas, &[0, 3], &[0], &[9, 1, 2]);
        assert_eq!((found.called, found.panel, found.missed), (vec![1], vec![1, 3], 0));
        let none = call_up(&pool, &quotas, &[0, 3], &[0], &[]);
        assert!(none.called.is_empty() && none.missed == 2);
    }
}
