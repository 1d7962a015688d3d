//! The people a panel is drawn from.

use std::collections::HashMap;

/// One thing known of everybody, with the values it takes ("gender": "female", "male").
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attribute {
    /// Its name, as the quotas call it.
    pub name: String,
    /// Its values; people refer to them by place.
    pub values: Vec<String>,
}

/// Why a table of people is no pool. Persons count from 0, in the order they were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Two people carry the same identifier.
    #[error("persons {first} and {second} have the same id '{id}'")]
    DuplicateId { id: String, first: usize, second: usize },
    /// Two attributes carry the same name.
    #[error("attribute '{0}' stands twice")]
    DuplicateAttribute(String),
    /// A person's row of values does not have one value of each attribute.
    #[error("person {person} has {found} values where there are {expected} attributes")]
    Width { person: usize, found: usize, expected: usize },
    /// A person's value is none of the attribute's.
    #[error("person {person} has value number {value} of '{attribute}', which has {known}")]
    Value { person: usize, attribute: String, value: usize, known: usize },
    /// Households are given for some people only.
    #[error("{households} households for {people} people")]
    Households { households: usize, people: usize },
}

/// People with one value of each attribute, and the household they live in where a rule needs it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pool {
    attributes: Vec<Attribute>,
    ids: Vec<String>,
    /// Row-major: person by attribute.
    values: Vec<u16>,
    /// A key for each person; people with the same key live together. Empty where nothing is known of households.
    households: Vec<String>,
}

impl Pool {
    /// A pool of `ids.len()` people; `values` has one row a person, one place in `Attribute::values` an attribute.
    /// `households` is empty or has one key a person (an empty key: lives with nobody of the pool).
    pub fn new(
        attributes: Vec<Attribute>,
        ids: Vec<String>,
        values: &[Vec<u16>],
        households: Vec<String>,
    ) -> Result<Self, PoolError> {
        let mut seen = HashMap::with_capacity(ids.len());
        for (person, id) in ids.iter().enumerate() {
            if let Some(first) = seen.insert(id.as_str(), person) {
                return Err(PoolError::DuplicateId { id: id.clone(), first, second: person });
            }
        }
        for (place, attribute) in attributes.iter().enumerate() {
            if attributes[..place].iter().any(|other| other.name == attribute.name) {
                return Err(PoolError::DuplicateAttribute(attribute.name.clone()));
            }
        }
        if !households.is_empty() && households.len() != ids.len() {
            return Err(PoolError::Households { households: households.len(), people: ids.len() });
        }
        if values.len() != ids.len() {
            let (found, expected) = (0, attributes.len());
            return Err(PoolError::Width { person: values.len().min(ids.len()), found, expected });
        }
        let mut flat = Vec::with_capacity(ids.len() * attributes.len());
        for (person, row) in values.iter().enumerate() {
            if row.len() != attributes.len() {
                return Err(PoolError::Width { person, found: row.len(), expected: attributes.len() });
            }
            for (attribute, &value) in attributes.iter().zip(row) {
                let (value, known) = (usize::from(value), attribute.values.len());
                if value >= known {
                    return Err(PoolError::Value { person, attribute: attribute.name.clone(), value, known });
                }
            }
            flat.extend_from_slice(row);
        }
        Ok(Self { attributes, ids, values: flat, households })
    }

    /// How many people there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// What is known of everybody.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// Everybody's identifier, in order.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The values of `person`, one place in `Attribute::values` an attribute.
    pub fn values(&self, person: usize) -> &[u16] {
        &self.values[person * self.attributes.len()..][..self.attributes.len()]
    }

    /// The household of `person`, where one is known.
    pub fn household(&self, person: usize) -> Option<&str> {
        self.households.get(person).map(String::as_str).filter(|key| !key.is_empty())
    }

    /// How many people have each value of `attribute`.
    pub fn counts(&self, attribute: usize) -> Vec<usize> {
        let mut counts = vec![0; self.attributes[attribute].values.len()];
        for person in 0..self.len() {
            counts[usize::from(self.values(person)[attribute])] += 1;
        }
        counts
    }

    /// The pool of the people for whom `keep` holds, in the same order.
    pub fn filtered(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.len()).filter(|&person| keep(person)).collect();
        Self {
            attributes: self.attributes.clone(),
            ids: kept.iter().map(|&person| self.ids[person].clone()).collect(),
            values: kept.iter().flat_map(|&person| self.values(person).iter().copied()).collect(),
            households: match self.households.is_empty() {
                true => Vec::new(),
                false => kept.iter().map(|&person| self.households[person].clone()).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gender() -> Vec<Attribute> {
        vec![Attribute { name: "gender".into(), values: vec!["F".into(), "M".into()] }]
    }

    #[test]
    fn people_are_counted_by_value() {
        let ids = vec!["a".into(), "b".into(), "c".into()];
        let pool = Pool::new(gender(), ids, &[vec![0], vec![1], vec![0]], vec!["x".into(), String::new(), "x".into()]);
        let pool = pool.unwrap();
        assert_eq!(pool.counts(0), [2, 1]);
        assert_eq!(pool.household(1), None);
        let women = pool.filtered(|person| pool.values(person)[0] == 0);
        assert_eq!(women.ids(), ["a", "c"]);
        assert_eq!(women.household(1), Some("x"));
    }

    #[test]
    fn what_is_no_pool_is_refused() {
        let two = |a: &str, b: &str| vec![a.to_string(), b.to_string()];
        let refused = |ids, values: &[Vec<u16>]| Pool::new(gender(), ids, values, Vec::new()).unwrap_err();
        assert!(matches!(refused(two("a", "a"), &[vec![0], vec![1]]), PoolError::DuplicateId { second: 1, .. }));
        assert!(matches!(refused(two("a", "b"), &[vec![0], vec![]]), PoolError::Width { person: 1, .. }));
        assert!(matches!(refused(two("a", "b"), &[vec![2], vec![1]]), PoolError::Value { person: 0, .. }));
    }
}
