//! The mathematics of a pool and its quotas: a panel counted by types of people (dempo.md, section 3.1).
//!
//! People with the same values are exchangeable, so a panel is a vector `c` of counts, `0 <= c_t <= m_t`, `sum c = k`,
//! with rows of bounds on sums of counts. People who share a household with somebody of the pool are types of their own
//! where the household rule holds, with one row a household.

use std::collections::{BTreeMap, BTreeSet};

use super::pool::Pool;
use super::quotas::{QuotaError, Quotas};

/// People that no quota and no rule can tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonType {
    /// For each attribute with quotas, the place of the value in `AttributeQuotas::values`.
    pub values: Vec<u16>,
    /// The people, as places in the pool, ascending.
    pub members: Vec<u32>,
}

impl PersonType {
    /// How many people there are of this type (m_t).
    pub fn size(&self) -> u32 {
        self.members.len() as u32
    }
}

/// What a row of bounds is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowKind {
    /// One value of one attribute, as places in the quotas.
    Quota { attribute: usize, value: usize },
    /// At most one of a household; `person` is its first member's place in the pool.
    Household { person: u32 },
}

/// `min <= sum of the counts of these types <= max`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub kind: RowKind,
    /// Places in [`Problem::types`], ascending.
    pub types: Vec<u32>,
    /// Fewest people.
    pub min: u32,
    /// Most people.
    pub max: u32,
}

/// Types of people and rows of bounds for a panel of fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Members of a panel (k).
    pub size: u32,
    /// Types in the order of their values, so that the same pool always gives the same problem.
    pub types: Vec<PersonType>,
    /// One row a value of each attribute with quotas, in the order of the quotas, then the households.
    pub rows: Vec<Row>,
}

impl Problem {
    /// The problem of `pool` under `quotas`; with `one_per_household`, no two people of one household may sit together.
    pub fn new(pool: &Pool, quotas: &Quotas, one_per_household: bool) -> Result<Self, QuotaError> {
        quotas.check(pool)?;
        // From the pool's numbering of values to that of the quotas.
        let columns: Vec<(usize, Vec<u16>)> = quotas
            .attributes
            .iter()
            .map(|attribute| {
                let place = pool.attributes().iter().position(|known| known.name == attribute.name).unwrap_or_default();
                let number = |value: &String| {
                    let found = attribute.values.iter().position(|quota| quota.value == *value);
                    found.map_or(u16::MAX, |place| place as u16)
                };
                (place, pool.attributes()[place].values.iter().map(number).collect())
            })
            .collect();
        let mut households: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        if one_per_household {
            for person in 0..pool.len() {
                if let Some(key) = pool.household(person) {
                    households.entry(key).or_default().push(person as u32);
                }
            }
        }
        // In the order of their first members, so that what a household is called does not matter.
        let mut households: Vec<Vec<u32>> = households.into_values().filter(|people| people.len() > 1).collect();
        households.sort_unstable();
        let shared: BTreeSet<u32> = households.iter().flatten().copied().collect();
        let mut groups: BTreeMap<(Vec<u16>, Option<u32>), Vec<u32>> = BTreeMap::new();
        for person in 0..pool.len() {
            let known = pool.values(person);
            let values = columns.iter().map(|(place, number)| number[usize::from(known[*place])]).collect();
            let person = person as u32;
            groups.entry((values, shared.contains(&person).then_some(person))).or_default().push(person);
        }
        let types: Vec<PersonType> =
            groups.into_iter().map(|((values, _), members)| PersonType { values, members }).collect();
        let mut rows = Vec::new();
        for (attribute, quota) in quotas.attributes.iter().enumerate() {
            for (value, bounds) in quota.values.iter().enumerate() {
                let has = |t: &u32| usize::from(types[*t as usize].values[attribute]) == value;
                let (min, max) = if bounds.slack { (0, quotas.size) } else { (bounds.min, bounds.max) };
                let kind = RowKind::Quota { attribute, value };
                rows.push(Row { kind, types: (0..types.len() as u32).filter(has).collect(), min, max });
            }
        }
        let mut place = vec![0; pool.len()];
        for (t, kind) in types.iter().enumerate() {
            for &person in &kind.members {
                place[person as usize] = t as u32;
            }
        }
        for people in &households {
            let mut members: Vec<u32> = people.iter().map(|&person| place[person as usize]).collect();
            members.sort_unstable();
            rows.push(Row { kind: RowKind::Household { person: people[0] }, types: members, min: 0, max: 1 });
        }
        Ok(Self { size: quotas.size, types, rows })
    }

    /// How many people there are of all types (n).
    pub fn people(&self) -> usize {
        self.types.iter().map(|kind| kind.members.len()).sum()
    }

    /// Whether `counts`, one number a type, are a panel: within the types, of the right size, within every row.
    pub fn admits(&self, counts: &[u32]) -> bool {
        counts.len() == self.types.len()
            && counts.iter().zip(&self.types).all(|(&count, kind)| count <= kind.size())
            && counts.iter().sum::<u32>() == self.size
            && self.rows.iter().all(|row| {
                let sum: u32 = row.types.iter().map(|&t| counts[t as usize]).sum();
                row.min <= sum && sum <= row.max
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Attribute;
    use super::super::quotas::{AttributeQuotas, ValueQuota};
    use super::*;

    fn quotas(size: u32) -> Quotas {
        let values = vec![ValueQuota::bounded("M", 0, 1), ValueQuota::bounded("F", 1, 2)];
        Quotas { size, attributes: vec![AttributeQuotas { name: "gender".into(), values }] }
    }

    fn pool(households: Vec<String>) -> Pool {
        let attribute =
            |name: &str, values: [&str; 2]| Attribute { name: name.into(), values: values.map(String::from).to_vec() };
        let attributes = vec![attribute("free", ["x", "y"]), attribute("gender", ["F", "M"])];
        let ids = ["a", "b", "c", "d"].map(String::from).to_vec();
        Pool::new(attributes, ids, &[vec![0, 0], vec![1, 0], vec![0, 1], vec![1, 0]], households).unwrap()
    }

    #[test]
    fn attributes_without_quotas_do_not_split_types() {
        let problem = Problem::new(&pool(Vec::new()), &quotas(2), true).unwrap();
        assert_eq!(problem.types.len(), 2);
        assert_eq!(problem.types[1].members, [0, 1, 3]);
        assert!(problem.admits(&[0, 2]) && problem.admits(&[1, 1]) && !problem.admits(&[2, 0]));
    }

    #[test]
    fn a_household_splits_its_members_from_their_type() {
        let homes = ["h", "", "h", ""].map(String::from).to_vec();
        let problem = Problem::new(&pool(homes.clone()), &quotas(2), true).unwrap();
        assert_eq!(problem.types.len(), 3);
        let row = problem.rows.last().unwrap();
        assert_eq!((row.min, row.max, row.types.len()), (0, 1, 2));
        assert_eq!(Problem::new(&pool(homes), &quotas(2), false).unwrap().types.len(), 2);
    }

    #[test]
    fn a_value_without_a_quota_is_named() {
        let mut short = quotas(2);
        short.attributes[0].values.pop();
        let error = Problem::new(&pool(Vec::new()), &short, false).unwrap_err();
        assert!(
            error.to_string().contains("person 'a' has 'F' for 'gender'") && error.to_string().contains("3 people")
        );
    }
}
