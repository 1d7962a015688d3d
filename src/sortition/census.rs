//! What questions about quotas need to know of a pool, counted once: types of people, people and households of each
//! value. Bounds may then change with every key that is pressed.

use std::collections::BTreeSet;

use super::pool::Pool;
use super::problem::Problem;
use super::quotas::{QuotaError, Quotas};
use super::simplex::Simplex;

/// One end of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// At least so many.
    Min,
    /// At most so many.
    Max,
}

/// One thing that is asked of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Rule {
    /// One end of the quota of a value.
    Quota { attribute: String, value: String, bound: Bound },
    /// As many members as the panel has seats.
    Size,
    /// At most one member of a household.
    Households,
}

/// A pool counted for the attributes and values that quotas name.
#[derive(Clone, Debug)]
pub struct Census {
    /// Types and rows; the bounds in it are without meaning.
    skeleton: Problem,
    names: Vec<(String, Vec<String>)>,
    one_per_household: bool,
    /// The row of the first value of each attribute, and at the end the number of quota rows.
    offsets: Vec<usize>,
    people: Vec<u32>,
    homes: Vec<u32>,
    all_homes: u32,
}

impl Census {
    /// Counts `pool` for the attributes and values of `quotas`, whatever their bounds are. Where `one_per_household`, no
    /// two people of one household may sit together. Fails with everything that is wrong with the names.
    pub fn new(pool: &Pool, quotas: &Quotas, one_per_household: bool) -> Result<Self, Vec<QuotaError>> {
        let errors = quotas.errors_of_names(pool);
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut free = quotas.clone();
        free.size = 1;
        free.attributes.iter_mut().flat_map(|attribute| &mut attribute.values).for_each(|quota| quota.slack = true);
        let skeleton = Problem::new(pool, &free, one_per_household).map_err(|error| vec![error])?;
        let mut offsets = vec![0];
        for attribute in &quotas.attributes {
            offsets.push(offsets.last().copied().unwrap_or_default() + attribute.values.len());
        }
        let rows = offsets.last().copied().unwrap_or_default();
        let people = (0..rows).map(|row| skeleton.rows[row].types.iter().map(|&t| skeleton.types[t as usize].size()));
        let people: Vec<u32> = people.map(Iterator::sum).collect();
        let shared = |person: u32| pool.household(person as usize).filter(|_| one_per_household);
        let homes_of = |members: &mut dyn Iterator<Item = u32>| {
            let mut alone = 0;
            let mut keys = BTreeSet::new();
            members.for_each(|person| match shared(person) {
                Some(key) => drop(keys.insert(key)),
                None => alone += 1,
            });
            alone + keys.len() as u32
        };
        let members = |t: &u32| skeleton.types[*t as usize].members.iter().copied();
        let (homes, all_homes) = match one_per_household {
            false => (people.clone(), pool.len() as u32),
            true => (
                (0..rows).map(|row| homes_of(&mut skeleton.rows[row].types.iter().flat_map(members))).collect(),
                homes_of(&mut (0..pool.len() as u32)),
            ),
        };
        let names = quotas
            .attributes
            .iter()
            .map(|attribute| {
                (attribute.name.clone(), attribute.values.iter().map(|quota| quota.value.clone()).collect())
            })
            .collect();
        Ok(Self { skeleton, names, one_per_household, offsets, people, homes, all_homes })
    }

    /// Whether this census still serves: the same attributes and values in the same order, and the same rule.
    pub fn fits(&self, quotas: &Quotas, one_per_household: bool) -> bool {
        let same = |(known, quota): (&(String, Vec<String>), &super::quotas::AttributeQuotas)| {
            known.0 == quota.name && known.1.iter().eq(quota.values.iter().map(|quota| &quota.value))
        };
        self.one_per_household == one_per_household
            && self.names.len() == quotas.attributes.len()
            && self.names.iter().zip(&quotas.attributes).all(same)
    }

    /// The problem of these quotas, which the census fits; the same as [`Problem::new`] gives.
    pub fn problem(&self, quotas: &Quotas) -> Problem {
        let mut problem = self.skeleton.clone();
        problem.size = quotas.size;
        for (row, (min, max)) in problem.rows.iter_mut().zip(self.limits(quotas)) {
            (row.min, row.max) = (min, max);
        }
        problem
    }

    /// How many people the pool has.
    pub fn people(&self) -> usize {
        self.skeleton.people()
    }

    /// How many types of people the pool has.
    pub fn types(&self) -> usize {
        self.skeleton.types.len()
    }

    /// How many people have a value, by places in the quotas.
    pub fn people_with(&self, attribute: usize, value: usize) -> u32 {
        self.people[self.offsets[attribute] + value]
    }

    /// How many people who may sit together have a value, by places in the quotas: one a household where the rule holds.
    pub fn homes_with(&self, attribute: usize, value: usize) -> u32 {
        self.homes[self.offsets[attribute] + value]
    }

    /// How many people may sit together as far as households go.
    pub(super) fn all_homes(&self) -> u32 {
        self.all_homes
    }

    pub(super) fn skeleton(&self) -> &Problem {
        &self.skeleton
    }

    /// The number of quota rows.
    pub(super) fn rows(&self) -> usize {
        self.people.len()
    }

    /// People in each quota row.
    pub(super) fn people_in(&self, row: usize) -> u32 {
        self.people[row]
    }

    /// The households whose members may not sit together, as types.
    pub(super) fn households(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.skeleton.rows[self.rows()..].iter().map(|row| row.types.as_slice())
    }

    /// The bounds of each quota row.
    pub(super) fn limits(&self, quotas: &Quotas) -> Vec<(u32, u32)> {
        let values = quotas.attributes.iter().flat_map(|attribute| &attribute.values);
        values.map(|quota| if quota.slack { (0, quotas.size) } else { (quota.min, quota.max) }).collect()
    }

    /// Places in the quotas of a quota row.
    pub(super) fn places(&self, row: usize) -> (usize, usize) {
        let attribute = self.offsets.partition_point(|&offset| offset <= row) - 1;
        (attribute, row - self.offsets[attribute])
    }

    /// The rule that one end of a quota row is.
    pub(super) fn rule(&self, row: usize, bound: Bound) -> Rule {
        let (attribute, value) = self.places(row);
        let (name, values) = &self.names[attribute];
        Rule::Quota { attribute: name.clone(), value: values[value].clone(), bound }
    }

    /// The quota row of names, where the census knows them.
    pub(super) fn row(&self, attribute: &str, value: &str) -> Option<usize> {
        let place = self.names.iter().position(|(name, _)| name == attribute)?;
        Some(self.offsets[place] + self.names[place].1.iter().position(|known| known == value)?)
    }

    /// The quota rows that a type counts in.
    pub(super) fn rows_of(&self, kind: usize) -> impl Iterator<Item = usize> {
        let values = &self.skeleton.types[kind].values;
        values.iter().zip(&self.offsets).map(|(&value, &offset)| offset + usize::from(value))
    }

    /// Panels as a program: one column a type, the quota rows, then the size; `more` rows without limits of their own
    /// follow. Households join as they are violated.
    pub(super) fn simplex(&self, limits: &[(u32, u32)], size: u32, households: bool, more: usize) -> Simplex {
        let of = |&(min, max): &(u32, u32)| (f64::from(min), f64::from(max));
        let mut all: Vec<(f64, f64)> = limits.iter().map(of).collect();
        all.push((f64::from(size), f64::from(size)));
        all.extend(std::iter::repeat_n((0.0, self.people() as f64), more));
        let mut simplex = Simplex::new(all);
        for (t, kind) in self.skeleton.types.iter().enumerate() {
            let terms = self.rows_of(t).chain([self.rows()]).map(|row| (row as u32, 1.0)).collect();
            simplex.column(terms, 0.0, 0.0, f64::from(kind.size()));
        }
        if households {
            for types in self.households() {
                simplex.lazy_row(types.iter().map(|&t| (t as usize, 1.0)).collect(), 0.0, 1.0);
            }
        }
        simplex
    }

    /// Whether `counts` of types are a panel under these quotas, which the census fits.
    pub fn admits(&self, quotas: &Quotas, counts: &[(u32, u32)]) -> bool {
        let mut sums = vec![0; self.rows()];
        let mut seats = 0;
        let mut last = None;
        for &(t, count) in counts {
            let known = (t as usize) < self.types() && last.is_none_or(|last| last < t);
            if !known || count > self.skeleton.types[t as usize].size() {
                return false;
            }
            last = Some(t);
            seats += count;
            self.rows_of(t as usize).for_each(|row| sums[row] += count);
        }
        let seated = |t: &u32| match counts.binary_search_by_key(t, |&(t, _)| t) {
            Ok(place) => counts[place].1,
            Err(_) => 0,
        };
        seats == quotas.size
            && sums.iter().zip(self.limits(quotas)).all(|(&sum, (min, max))| min <= sum && sum <= max)
            && self.households().all(|types| types.iter().map(seated).sum::<u32>() <= 1)
    }
}

impl Rule {
    /// The rule in words, with its number: "Gender: Women at least 12".
    pub fn words(&self, quotas: &Quotas) -> String {
        match self {
            Self::Size => format!("the {} seats of the panel", quotas.size),
            Self::Households => "one person a household".to_owned(),
            Self::Quota { attribute, value, bound } => {
                let of = quotas.attributes.iter().find(|known| known.name == *attribute);
                let quota = of.and_then(|of| of.values.iter().find(|known| known.value == *value));
                let number = quota.map_or(0, |quota| if *bound == Bound::Min { quota.min } else { quota.max });
                let ends = if *bound == Bound::Min { "at least" } else { "at most" };
                format!("{attribute}: {value} {ends} {number}")
            }
        }
    }
}

/// Rules in a row: "A, B and C".
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
