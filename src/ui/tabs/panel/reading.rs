//! What the quota grid says: the quotas it means, and what is wrong with which cell.

use std::collections::BTreeMap;

use super::cells::Column;
use super::draft::{Draft, Place, share, tolerance};
use crate::figures::number;
use crate::sortition::pool::Pool;
use crate::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};

/// People as the grid needs them: how many have which value. Made once, on a background thread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Everybody.
    pub people: usize,
    attributes: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Counts {
    /// Counts the people of a pool.
    pub fn new(pool: &Pool) -> Self {
        let attribute = |(k, attribute): (usize, &crate::sortition::pool::Attribute)| {
            let counts = attribute.values.iter().cloned().zip(pool.counts(k)).collect();
            (attribute.name.clone(), counts)
        };
        Self { people: pool.len(), attributes: pool.attributes().iter().enumerate().map(attribute).collect() }
    }

    /// People with this value; `None` where the pool does not know the attribute.
    pub fn of(&self, attribute: &str, value: &str) -> Option<usize> {
        self.attributes.get(attribute).map(|values| values.get(value).copied().unwrap_or(0))
    }
}

/// A grid that was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Its rows.
    pub places: Vec<Place>,
    /// What is wrong, by row and column.
    pub issues: BTreeMap<(usize, Column), String>,
    /// Values that people have and no row names: attribute, value, people.
    pub unnamed: Vec<(String, String, usize)>,
    /// The quotas, where nothing is wrong.
    pub quotas: Option<Quotas>,
}

impl Reading {
    /// Reads the grid of `draft`.
    pub fn new(draft: &Draft, counts: Option<&Counts>) -> Self {
        let places = draft.places();
        let mut reading = Self { places, ..Self::default() };
        let mut attributes: Vec<AttributeQuotas> = Vec::new();
        for row in 0..reading.places.len() {
            let place = reading.places[row];
            if place.value == 0 {
                let name = draft.quotas[place.attribute].name.clone();
                reading.check_attribute(row, draft, counts, &name);
                attributes.push(AttributeQuotas { name, values: Vec::new() });
            }
            let quota = reading.row(row, draft);
            if let Some(attribute) = attributes.last_mut() {
                attribute.values.push(quota);
            }
        }
        if let Some(counts) = counts {
            reading.find_unnamed(draft, counts);
        }
        if reading.issues.is_empty() && reading.unnamed.is_empty() && draft.size > 0 && !attributes.is_empty() {
            reading.quotas = Some(Quotas { size: draft.size, attributes });
        }
        reading
    }

    fn wrong(&mut self, row: usize, column: Column, text: String) {
        self.issues.entry((row, column)).or_insert(text);
    }

    fn check_attribute(&mut self, row: usize, draft: &Draft, counts: Option<&Counts>, name: &str) {
        if name.is_empty() {
            self.wrong(row, Column::Attribute, "Give the attribute a name.".to_owned());
        } else if draft.quotas[..self.places[row].attribute].iter().any(|other| other.name == name) {
            self.wrong(row, Column::Attribute, format!("{name} stands twice: put its values together."));
        } else if counts.is_some_and(|counts| !counts.attributes.contains_key(name)) {
            self.wrong(row, Column::Attribute, format!("The people's table has no attribute {name}."));
        }
    }

    /// The quota that a row means; what cannot be read counts as no bound.
    fn row(&mut self, row: usize, draft: &Draft) -> ValueQuota {
        let place = self.places[row];
        let attribute = &draft.quotas[place.attribute];
        let typed = &attribute.values[place.value];
        let mut number = |column, text: &str, blank: u32| match text.trim() {
            "" => blank,
            text => text.parse().unwrap_or_else(|_| {
                self.issues.insert((row, column), format!("“{text}” is not a whole number of people."));
                blank
            }),
        };
        let min = number(Column::Min, &typed.min, 0);
        let max = number(Column::Max, &typed.max, draft.size);
        let min_flex = number(Column::FlexMin, &typed.flex_min, 0);
        let max_flex = number(Column::FlexMax, &typed.flex_max, draft.size.max(max));
        let name = typed.value.as_str();
        if name.is_empty() {
            self.wrong(row, Column::Value, "Give the value a name.".to_owned());
        } else if attribute.values[..place.value].iter().any(|other| other.value == name) {
            self.wrong(row, Column::Value, format!("{name} stands twice under {}.", attribute.name));
        }
        let target = (!typed.share.is_empty()).then(|| share(&typed.share)).flatten();
        if !typed.share.is_empty() && target.is_none() {
            self.wrong(row, Column::Share, format!("“{}” is not a share from 0 to 100 percent.", typed.share));
        }
        if !typed.tolerance.is_empty() && tolerance(&typed.tolerance).is_none() {
            self.wrong(row, Column::Tolerance, format!("“{}” is not a tolerance in percent.", typed.tolerance));
        }
        if !typed.slack {
            let clear = |reading: &Self, column| !reading.issues.contains_key(&(row, column));
            if min > max && clear(self, Column::Min) && clear(self, Column::Max) {
                self.wrong(row, Column::Min, format!("min {min} lies above max {max}."));
            } else if min_flex > min && clear(self, Column::FlexMin) && clear(self, Column::Min) {
                self.wrong(row, Column::FlexMin, format!("flex min {min_flex} lies above min {min}."));
            } else if max_flex < max && clear(self, Column::FlexMax) && clear(self, Column::Max) {
                self.wrong(row, Column::FlexMax, format!("flex max {max_flex} lies below max {max}."));
            }
        }
        ValueQuota { value: name.to_owned(), target, min, max, min_flex, max_flex, slack: typed.slack }
    }

    fn find_unnamed(&mut self, draft: &Draft, counts: &Counts) {
        for attribute in &draft.quotas {
            let Some(values) = counts.attributes.get(&attribute.name) else { continue };
            for (value, &people) in values {
                if people > 0 && attribute.values.iter().all(|row| row.value != *value) {
                    self.unnamed.push((attribute.name.clone(), value.clone(), people));
                }
            }
        }
        self.unnamed.sort();
    }

    /// The row of a value, by names.
    pub fn row_of(&self, draft: &Draft, attribute: &str, value: &str) -> Option<usize> {
        self.places.iter().position(|&place| {
            draft.quotas[place.attribute].name == attribute
                && draft.quotas[place.attribute].values[place.value].value == value
        })
    }

    /// What keeps the quotas from being used, in one sentence.
    pub fn obstacle(&self, draft: &Draft) -> Option<String> {
        if draft.size == 0 {
            return Some("Say how many people are to be drawn.".to_owned());
        }
        if self.places.is_empty() {
            return Some("Add quotas first: the attributes of your people, or a preset.".to_owned());
        }
        if let Some(((row, _), text)) = self.issues.iter().next() {
            let place = self.places[*row];
            let attribute = &draft.quotas[place.attribute];
            let others = match self.issues.len() - 1 {
                0 => String::new(),
                more => format!(" ({} more)", number::count(more as u64)),
            };
            return Some(format!("{}, {}: {text}{others}", attribute.name, attribute.values[place.value].value));
        }
        let (attribute, value, people) = self.unnamed.first()?;
        let people = number::counted(*people as u64, "person has", "people have");
        Some(format!("{people} “{value}” for {attribute}, which no row names: add a row for it."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::sample_pool;

    #[test]
    fn the_sample_reads_without_a_complaint() {
        let (pool, quotas) = (sample_pool::pool().unwrap(), sample_pool::quotas());
        let mut draft = Draft::default();
        draft.set_quotas(&quotas);
        let reading = Reading::new(&draft, Some(&Counts::new(&pool)));
        assert!(reading.issues.is_empty() && reading.unnamed.is_empty(), "{:?}", reading.issues);
        let read = reading.quotas.unwrap();
        assert_eq!(read.attributes[1].values[2].min, quotas.attributes[1].values[2].min);
        read.check(&pool).unwrap();
    }

    #[test]
    fn what_is_wrong_is_told_in_its_cell() {
        let mut draft = Draft::default();
        draft.set_quotas(&sample_pool::quotas());
        let counts = Counts::new(&sample_pool::pool().unwrap());
        let place = Place { attribute: 0, value: 1 };
        for (column, text, told) in [
            (Column::Min, "a dozen", "not a whole number"),
            (Column::Min, "29", "min 29 lies above max"),
            (Column::Share, "130", "not a share"),
            (Column::FlexMax, "1", "lies below max"),
            (Column::Value, "Woman", "stands twice"),
            (Column::Attribute, "Age", "stands twice"),
        ] {
            let mut draft = draft.clone();
            draft.set(place, column, text);
            let reading = Reading::new(&draft, Some(&counts));
            let found = reading.issues.values().any(|issue| issue.contains(told));
            assert!(found && reading.quotas.is_none(), "{column:?} {text}: {:?}", reading.issues);
            assert!(reading.obstacle(&draft).is_some());
        }
        draft.remove(&[place]);
        let reading = Reading::new(&draft, Some(&counts));
        assert_eq!(reading.unnamed[0].1, "Man");
        assert!(reading.quotas.is_none());
    }
}
