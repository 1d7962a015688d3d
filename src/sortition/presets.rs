//! Quotas that others have used or that a census gives, to begin with.

use super::quotas::{AttributeQuotas, Quotas, ValueQuota};

/// The answer of people who do not want to tell.
pub const UNSAID: &str = "Prefer not to say";
/// The answer of people whom no value names.
pub const OTHER: &str = "Other";

/// Quotas to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The paper's quotas for the United States, for PRISM's raters.
    PaperUnitedStates,
    /// Sex, race and origin, and age of adults in the census of the United States, 2020.
    CensusUnitedStates,
}

impl Preset {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 2] = [Self::PaperUnitedStates, Self::CensusUnitedStates];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::PaperUnitedStates => "US adults, as in the paper on PRISM",
            Self::CensusUnitedStates => "US Census 2020",
        }
    }

    /// Where its numbers are from.
    pub fn source(self) -> &'static str {
        match self {
            Self::PaperUnitedStates => {
                "Sana, Wu and Wells, Democratic Preference Alignment via Sortition-Weighted RLHF, arXiv:2602.05113 (2026): \
                 shares of US adults by seven attributes, as PRISM's survey names them"
            }
            Self::CensusUnitedStates => {
                "US Census Bureau, Census of 2020: sex and age from the Demographic and Housing Characteristics, race and \
                 Hispanic origin from the Redistricting Data (P.L. 94-171). Sex, race and origin are of all residents, age \
                 is of those aged 18 and over"
            }
        }
    }

    /// The size and relative tolerance that it was used with, where it was.
    pub fn usual(self) -> Option<(u32, f64)> {
        match self {
            Self::PaperUnitedStates => Some((145, 0.1)),
            Self::CensusUnitedStates => None,
        }
    }

    /// The quotas for a panel of `size` with relative tolerance `tolerance`: see [`ValueQuota::from_share`].
    pub fn quotas(self, size: u32, tolerance: f64) -> Quotas {
        let attributes = match self {
            Self::PaperUnitedStates => PAPER
                .iter()
                .map(|(name, values)| AttributeQuotas {
                    name: (*name).to_owned(),
                    values: values
                        .iter()
                        .map(|&(value, share, free)| from_share(value, share, free, size, tolerance))
                        .collect(),
                })
                .collect(),
            Self::CensusUnitedStates => {
                CENSUS.iter().map(|(name, counts)| from_counts(*name, counts, size, tolerance)).collect()
            }
        };
        Quotas { size, attributes }
    }
}

/// Quotas of one attribute from how many people of a population have each value.
pub fn from_counts<V: AsRef<str>>(
    name: impl Into<String>,
    counts: &[(V, u64)],
    size: u32,
    tolerance: f64,
) -> AttributeQuotas {
    let all: u64 = counts.iter().map(|(_, count)| count).sum();
    let share = |count: u64| if all == 0 { 0.0 } else { count as f64 / all as f64 };
    let values = counts.iter().map(|(value, count)| from_share(value.as_ref(), share(*count), false, size, tolerance));
    AttributeQuotas { name: name.into(), values: values.collect() }
}

/// A share's bounds, which a relaxation may widen to anything; free values have no bounds.
fn from_share(value: &str, share: f64, free: bool, size: u32, tolerance: f64) -> ValueQuota {
    let quota = ValueQuota { min_flex: 0, max_flex: size, ..ValueQuota::from_share(value, share, size, tolerance) };
    if free { ValueQuota { min: 0, max: size, slack: true, ..quota } } else { quota }
}

/// The paper's attributes with their values.
pub(super) fn papers_attributes() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    PAPER.iter().map(|(name, values)| (*name, values.iter().map(|(value, ..)| *value).collect()))
}

/// Value, share of the population, and whether its number is free.
type Share = (&'static str, f64, bool);

/// The paper's configuration for the United States.
const PAPER: [(&str, &[Share]); 7] = [
    (
        "ethnicity",
        &[
            ("White", 0.60, false),
            ("Black", 0.12, false),
            ("Hispanic", 0.18, false),
            ("Asian", 0.06, false),
            ("Mixed", 0.02, false),
            (OTHER, 0.01, true),
            (UNSAID, 0.01, true),
        ],
    ),
    (
        "religion",
        &[
            ("Christian", 0.63, false),
            ("No Affiliation", 0.29, false),
            ("Jewish", 0.02, false),
            ("Muslim", 0.01, false),
            (OTHER, 0.03, true),
            (UNSAID, 0.02, true),
        ],
    ),
    (
        "marital_status",
        &[
            ("Married", 0.49, false),
            ("Never been married", 0.34, false),
            ("Divorced / Separated", 0.10, false),
            ("Widowed", 0.05, false),
            (UNSAID, 0.02, true),
        ],
    ),
    (
        "gender",
        &[
            ("Female", 0.51, false),
            ("Male", 0.48, false),
            ("Non-binary / third gender", 0.005, false),
            (UNSAID, 0.005, true),
        ],
    ),
    (
        "age",
        &[
            ("18-24 years old", 0.12, false),
            ("25-34 years old", 0.17, false),
            ("35-44 years old", 0.17, false),
            ("45-54 years old", 0.16, false),
            ("55-64 years old", 0.15, false),
            ("65+ years old", 0.23, false),
        ],
    ),
    (
        "employment_status",
        &[
            ("Working full-time", 0.52, false),
            ("Working part-time", 0.13, false),
            ("Student", 0.07, false),
            ("Unemployed, seeking work", 0.04, false),
            ("Unemployed, not seeking work", 0.06, false),
            ("Retired", 0.12, false),
            ("Homemaker / Stay-at-home parent", 0.04, false),
            (UNSAID, 0.02, true),
        ],
    ),
    (
        "education",
        &[
            ("Some Primary", 0.005, false),
            ("Completed Primary School", 0.015, false),
            ("Some Secondary", 0.05, false),
            ("Completed Secondary School", 0.29, false),
            ("Vocational", 0.05, false),
            ("Some University but no degree", 0.20, false),
            ("University Bachelors Degree", 0.23, false),
            ("Graduate / Professional degree", 0.15, false),
            (UNSAID, 0.01, true),
        ],
    ),
];

/// Residents of the United States on 1 April 2020. Race is of people who named one race and no Hispanic origin. The bands
/// of age are the two whose counts both publications give.
const CENSUS: [(&str, &[(&str, u64)]); 3] = [
    ("sex", &[("Female", 168_763_470), ("Male", 162_685_811)]),
    (
        "race_and_origin",
        &[
            ("White", 191_697_647),
            ("Hispanic or Latino", 62_080_044),
            ("Black or African American", 39_940_338),
            ("Asian", 19_618_719),
            ("Two or more races", 13_548_983),
            ("American Indian and Alaska Native", 2_251_699),
            ("Some other race", 1_689_833),
            ("Native Hawaiian and Other Pacific Islander", 622_018),
        ],
    ),
    ("age", &[("18-64", 202_550_780), ("65 and over", 55_792_501)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_an_attribute_make_a_whole() {
        for (name, values) in PAPER {
            let sum: f64 = values.iter().map(|(_, share, _)| share).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{name}: {sum}");
        }
        let total = |place: usize| CENSUS[place].1.iter().map(|(_, count)| count).sum::<u64>();
        // Residents, and residents of 18 years and over, as published.
        assert_eq!([total(0), total(1), total(2)], [331_449_281, 331_449_281, 258_343_281]);
    }

    #[test]
    fn the_papers_bounds_are_known() {
        let quotas = Preset::PaperUnitedStates.quotas(145, 0.1);
        let bounds = |name: &str| {
            let attribute = quotas.attributes.iter().find(|attribute| attribute.name == name).unwrap();
            attribute.values.iter().map(|value| (value.min, value.max)).collect::<Vec<_>>()
        };
        assert_eq!(bounds("ethnicity"), [(78, 96), (15, 20), (23, 29), (7, 10), (2, 4), (0, 145), (0, 145)]);
        assert_eq!(bounds("religion"), [(82, 101), (37, 47), (2, 4), (1, 2), (0, 145), (0, 145)]);
        assert_eq!(bounds("gender"), [(66, 82), (62, 77), (0, 1), (0, 145)]);
        assert_eq!(bounds("age"), [(15, 20), (22, 28), (22, 28), (20, 26), (19, 24), (30, 37)]);
        let employment = [(67, 83), (16, 21), (9, 12), (5, 7), (7, 10), (15, 20), (5, 7), (0, 145)];
        assert_eq!(bounds("employment_status"), employment);
    }

    #[test]
    fn counts_become_shares() {
        let quotas = from_counts("x", &[("a", 1), ("b", 3)], 20, 0.1);
        let values: Vec<_> = quotas.values.iter().map(|value| (value.target, value.min, value.max)).collect();
        assert_eq!(values, [(Some(0.25), 4, 6), (Some(0.75), 13, 17)]);
        let nobody: [(&str, u64); 1] = [("a", 0)];
        assert_eq!(from_counts("x", &nobody, 20, 0.1).values[0].target, Some(0.0));
        let census = Preset::CensusUnitedStates.quotas(100, 0.05);
        assert_eq!(census.attributes[0].values[0].min, 48);
    }
}
