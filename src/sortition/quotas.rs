//! Quotas: how many people of each value a panel may have.

use super::pool::Pool;

/// The bounds of one value of one attribute.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ValueQuota {
    /// The value, as the pool spells it.
    pub value: String,
    /// The share of the population that the bounds were made from, in [0, 1].
    pub target: Option<f64>,
    /// Fewest people of this value.
    pub min: u32,
    /// Most people of this value.
    pub max: u32,
    /// The lowest `min` that a relaxation may propose.
    pub min_flex: u32,
    /// The highest `max` that a relaxation may propose.
    pub max_flex: u32,
    /// Whether no bound is meant: any number from 0 to the size of the panel.
    pub slack: bool,
}

/// The quotas of one attribute.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AttributeQuotas {
    /// The attribute, as the pool calls it.
    pub name: String,
    /// One entry a value.
    pub values: Vec<ValueQuota>,
}

/// The size of a panel and its quotas.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Quotas {
    /// Members of a panel (k).
    pub size: u32,
    /// One entry an attribute; attributes of the pool without an entry are free.
    pub attributes: Vec<AttributeQuotas>,
}

/// Why quotas cannot be put to a pool at all, before any question of feasibility.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// The quotas name something the pool does not know.
    #[error(
        "the quotas name the attribute '{0}', which the people do not have: rename it, or take it out of the quotas"
    )]
    UnknownAttribute(String),
    /// An attribute stands twice.
    #[error("the attribute '{0}' stands twice in the quotas")]
    DuplicateAttribute(String),
    /// A value stands twice.
    #[error("the value '{value}' of '{attribute}' stands twice in the quotas")]
    DuplicateValue { attribute: String, value: String },
    /// Somebody has a value that the quotas do not name.
    #[error(
        "person '{id}' has '{value}' for '{attribute}', which the quotas do not name \
         ({people} people in all): add a row for it, merge it into another value, or drop these people"
    )]
    UnknownValue { attribute: String, value: String, id: String, people: usize },
    /// The lower bound lies above the upper one.
    #[error("{attribute}: {value} has min {min} above max {max}")]
    MinAboveMax { attribute: String, value: String, min: u32, max: u32 },
    /// The flexible bounds lie inside the bounds.
    #[error("{attribute}: {value} has flexible limits {min_flex} to {max_flex} that do not contain {min} to {max}")]
    FlexInside { attribute: String, value: String, min: u32, max: u32, min_flex: u32, max_flex: u32 },
    /// Nobody is to be drawn.
    #[error("the panel has size 0: give the number of people to draw")]
    Empty,
    /// More are to be drawn than there are.
    #[error("the panel has {size} members, the pool {people}: ask for fewer, or find more people")]
    LargerThanPool { size: u32, people: usize },
}

impl ValueQuota {
    /// Bounds without a target; the flexible limits are the bounds themselves.
    pub fn bounded(value: impl Into<String>, min: u32, max: u32) -> Self {
        Self { value: value.into(), target: None, min, max, min_flex: min, max_flex: max, slack: false }
    }

    /// Bounds from a share `p` of a panel of `size` with relative tolerance `tolerance`:
    /// `floor(p k (1 - tolerance))` to `ceil(p k (1 + tolerance))`, within 0 to k (dempo.md, section 2.1). Products within
    /// 1e-9 of a whole number count as whole, so that binary fractions do not move a bound by a person.
    pub fn from_share(value: impl Into<String>, share: f64, size: u32, tolerance: f64) -> Self {
        let (min, max) = bounds_from_share(share, size, tolerance);
        Self { target: Some(share), ..Self::bounded(value, min, max) }
    }
}

/// The bounds that a share means: see [`ValueQuota::from_share`].
pub fn bounds_from_share(share: f64, size: u32, tolerance: f64) -> (u32, u32) {
    let expected = share * f64::from(size);
    let low = (expected * (1.0 - tolerance) + 1e-9).floor().max(0.0);
    let high = (expected * (1.0 + tolerance) - 1e-9).ceil().clamp(0.0, f64::from(size));
    (low as u32, high as u32)
}

impl Quotas {
    /// Whether the quotas are well formed and name what the pool has. Feasibility is another question.
    pub fn check(&self, pool: &Pool) -> Result<(), QuotaError> {
        let mut errors = self.errors_of_numbers(pool.len());
        errors.extend(self.errors_of_names(pool));
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything wrong with the numbers, for a pool of `people`: it changes with every edit of a bound.
    pub fn errors_of_numbers(&self, people: usize) -> Vec<QuotaError> {
        let mut errors = Vec::new();
        if self.size == 0 {
            errors.push(QuotaError::Empty);
        }
        if self.size as usize > people {
            errors.push(QuotaError::LargerThanPool { size: self.size, people });
        }
        errors.extend(self.attributes.iter().flat_map(AttributeQuotas::errors_of_bounds));
        errors
    }

    /// Everything wrong with the names of attributes and values: what the people do not have, what stands twice, and
    /// what people have that the quotas do not name.
    pub fn errors_of_names(&self, pool: &Pool) -> Vec<QuotaError> {
        let mut errors = Vec::new();
        for (place, quotas) in self.attributes.iter().enumerate() {
            let name = &quotas.name;
            if self.attributes[..place].iter().any(|other| other.name == *name) {
                errors.push(QuotaError::DuplicateAttribute(name.clone()));
                continue;
            }
            for (place, quota) in quotas.values.iter().enumerate() {
                if quotas.values[..place].iter().any(|other| other.value == quota.value) {
                    let (attribute, value) = (name.clone(), quota.value.clone());
                    errors.push(QuotaError::DuplicateValue { attribute, value });
                }
            }
            let Some(attribute) = pool.attributes().iter().position(|known| known.name == *name) else {
                errors.push(QuotaError::UnknownAttribute(name.clone()));
                continue;
            };
            let counts = pool.counts(attribute);
            for (place, (value, &people)) in pool.attributes()[attribute].values.iter().zip(&counts).enumerate() {
                if people > 0 && !quotas.values.iter().any(|quota| quota.value == *value) {
                    let has = |person: &usize| usize::from(pool.values(*person)[attribute]) == place;
                    let id = (0..pool.len()).find(has).map(|person| pool.ids()[person].clone()).unwrap_or_default();
                    let (attribute, value) = (name.clone(), value.clone());
                    errors.push(QuotaError::UnknownValue { attribute, value, id, people });
                }
            }
        }
        errors
    }
}

impl AttributeQuotas {
    /// The values whose bounds are not in order.
    fn errors_of_bounds(&self) -> Vec<QuotaError> {
        let mut errors = Vec::new();
        for quota in self.values.iter().filter(|quota| !quota.slack) {
            let (attribute, value) = (self.name.clone(), quota.value.clone());
            let ValueQuota { min, max, min_flex, max_flex, .. } = *quota;
            if min > max {
                errors.push(QuotaError::MinAboveMax { attribute, value, min, max });
            } else if min_flex > min || max_flex < max {
                errors.push(QuotaError::FlexInside { attribute, value, min, max, min_flex, max_flex });
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_the_bounds_of_the_papers_configuration() {
        // 145 seats, a tenth of tolerance: White 0.60, Black 0.12, Widowed 0.05, small values down to 0.005.
        let bounds = [0.60, 0.12, 0.05, 0.005].map(|share| bounds_from_share(share, 145, 0.1));
        assert_eq!(bounds, [(78, 96), (15, 20), (6, 8), (0, 1)]);
    }

    #[test]
    fn every_error_is_collected() {
        use super::super::pool::Attribute;
        let gender = Attribute { name: "gender".into(), values: vec!["F".into(), "M".into()] };
        let pool = Pool::new(vec![gender], vec!["a".into(), "b".into()], &[vec![0], vec![1]], Vec::new()).unwrap();
        let of = |name: &str, values| AttributeQuotas { name: name.into(), values };
        let women = || ValueQuota::bounded("F", 2, 1);
        let attributes = vec![of("gender", vec![women(), women()]), of("age", vec![]), of("gender", vec![])];
        let quotas = Quotas { size: 3, attributes };
        let names = quotas.errors_of_names(&pool);
        assert!(matches!(names[0], QuotaError::DuplicateValue { .. }));
        assert!(matches!(names[1], QuotaError::UnknownValue { people: 1, .. }));
        assert!(matches!(names[2], QuotaError::UnknownAttribute(_)));
        assert!(matches!(names[3], QuotaError::DuplicateAttribute(_)));
        let numbers = quotas.errors_of_numbers(pool.len());
        assert!(matches!(numbers[0], QuotaError::LargerThanPool { size: 3, people: 2 }));
        assert_eq!(numbers.iter().filter(|error| matches!(error, QuotaError::MinAboveMax { .. })).count(), 2);
        assert_eq!((names.len(), numbers.len()), (4, 3));
        assert_eq!(quotas.check(&pool).unwrap_err(), numbers[0]);
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(bounds_from_share(0.3, 10, 0.0), (3, 3));
        assert_eq!(bounds_from_share(0.7, 10, 0.0), (7, 7));
    }
}
