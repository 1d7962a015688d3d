//! People who do not exist: the volunteers of an invented town, for a first look at quotas and lotteries.
//!
//! Aldermoor wants to know what to do with its old harbour. As everywhere, those who answer the invitation are older and
//! longer at school than the town is. Everything here is made up; the same people come out every time.

use super::pool::{Attribute, Pool, PoolError};
use super::quotas::{AttributeQuotas, Quotas, ValueQuota};
use crate::statistics::Stream;

/// How many people volunteered.
const PEOPLE: u64 = 300;
/// Members of the panel.
const SIZE: u32 = 30;
/// Relative tolerance of the quotas.
const TOLERANCE: f64 = 0.1;
/// Chance that somebody lives with the person before them.
const TOGETHER: f64 = 0.08;

/// Value, share of the town in percent, weight among the volunteers in percent.
type Value = (&'static str, u32, u32);

const TOWN: [(&str, &[Value]); 5] = [
    ("Gender", &[("Woman", 50, 56), ("Man", 48, 41), ("Non-binary", 2, 3)]),
    ("Age", &[("16 to 29", 22, 11), ("30 to 44", 26, 20), ("45 to 59", 25, 29), ("60 and over", 27, 40)]),
    ("District", &[("Harbour", 18, 29), ("Old Town", 27, 33), ("Hillside", 31, 22), ("Marsh End", 24, 16)]),
    ("Schooling", &[("Compulsory", 25, 9), ("Vocational", 40, 29), ("Degree", 35, 62)]),
    ("Harbour plan", &[("In favour", 41, 47), ("Against", 33, 38), ("Undecided", 26, 15)]),
];

/// The volunteers of Aldermoor.
pub fn pool() -> Result<Pool, PoolError> {
    let attributes = TOWN.iter().map(|(name, values)| Attribute {
        name: (*name).to_owned(),
        values: values.iter().map(|(value, ..)| (*value).to_owned()).collect(),
    });
    let mut households: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for person in 0..PEOPLE {
        let mut stream = Stream::new(0, person);
        let draw = |stream: &mut Stream, values: &[Value]| {
            let weights: Vec<f64> = values.iter().map(|&(.., weight)| f64::from(weight)).collect();
            stream.weighted(&weights) as u16
        };
        rows.push(TOWN.iter().map(|(_, values)| draw(&mut stream, values)).collect::<Vec<u16>>());
        match households.last() {
            Some(before) if stream.unit() < TOGETHER => households.push(before.clone()),
            _ => households.push(format!("house {}", person + 1)),
        }
    }
    let ids = (1..=PEOPLE).map(|person| format!("A{person:03}")).collect();
    Pool::new(attributes.collect(), ids, &rows, households)
}

/// Quotas that make a panel of 30 look like the town, within a tenth.
pub fn quotas() -> Quotas {
    let attributes = TOWN.iter().map(|(name, values)| AttributeQuotas {
        name: (*name).to_owned(),
        values: values
            .iter()
            .map(|(value, share, _)| ValueQuota::from_share(*value, f64::from(*share) / 100.0, SIZE, TOLERANCE))
            .collect(),
    });
    Quotas { size: SIZE, attributes: attributes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_town_is_whole_and_its_volunteers_can_fill_the_panel() {
        for (name, values) in TOWN {
            for share in [values.iter().map(|v| v.1).sum::<u32>(), values.iter().map(|v| v.2).sum()] {
                assert_eq!(share, 100, "{name}");
            }
        }
        let (pool, quotas) = (pool().unwrap(), quotas());
        quotas.check(&pool).unwrap();
        for (place, attribute) in quotas.attributes.iter().enumerate() {
            for (quota, count) in attribute.values.iter().zip(pool.counts(place)) {
                assert!(count >= quota.min as usize, "{}: {} has {count}", attribute.name, quota.value);
            }
        }
        let shared = (1..pool.len()).filter(|&k| pool.household(k) == pool.household(k - 1)).count();
        assert!(shared > 5, "{shared} people live with the one before");
    }
}
