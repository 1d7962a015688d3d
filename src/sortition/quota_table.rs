//! Quotas in the layouts of the Sortition Foundation: one row a value, with its bounds.
//!
//! The columns are `feature, value, min, max` and, if wished, `min_flex, max_flex`; older files call the first two
//! `category, feature` or `category, name`. Where no flexible limits are given, a relaxation may go from nobody to the
//! whole panel: that is what the Foundation's own tools take them for, and what tells a file from bounds made with
//! [`ValueQuota::bounded`], whose limits are the bounds. Two columns are ours: `target`, the share of the population
//! (0.51 or 51%), from which the bounds are made where `min` and `max` are blank; and `slack`, true where no bound is
//! meant.

use std::collections::HashMap;

use super::import_report::did_you_mean;
use super::pool::Pool;
use super::quotas::{AttributeQuotas, Quotas, ValueQuota};
use super::spelling::{fold, nearest};
use super::table::{Table, TableFull};

/// The names of the first two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// `feature, value`: the newest.
    FeatureValue,
    /// `category, feature`.
    CategoryFeature,
    /// `category, name`: the oldest.
    CategoryName,
}

impl Header {
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::FeatureValue => ["feature", "value"],
            Self::CategoryFeature => ["category", "feature"],
            Self::CategoryName => ["category", "name"],
        }
    }
}

/// Why a table gives no quotas. Rows are those of the source.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuotaTableError {
    /// Columns are missing.
    #[error(
        "the columns are {}: there must be feature, value, min and max (or category, name, min and max)", .0.join(", ")
    )]
    Columns(Vec<String>),
    /// A blank name.
    #[error("row {row}: {column} is blank. Fill it in")]
    Blank { row: u32, column: String },
    /// A count that is none.
    #[error("row {row}: {column} is \"{text}\", not a whole number of people. Write digits only")]
    NotACount { row: u32, column: String, text: String },
    /// A share that is none.
    #[error("row {row}: {column} is \"{text}\", not a share. Write 0.51 or 51%")]
    NotAShare { row: u32, column: String, text: String },
    /// A mark that is neither true nor false.
    #[error("row {row}: {column} is \"{text}\". Write true or false")]
    NotAMark { row: u32, column: String, text: String },
    /// Bounds in the wrong order.
    #[error("row {row}: {attribute}, {value} has min {min} above max {max}. Swap them, or correct one")]
    MinAboveMax { row: u32, attribute: String, value: String, min: u32, max: u32 },
    /// Flexible limits inside the bounds.
    #[error(
        "row {row}: {attribute}, {value} has flexible limits {min_flex} to {max_flex} that do not contain {min} to {max}. \
         Widen them, or leave them blank"
    )]
    FlexInside { row: u32, attribute: String, value: String, min: u32, max: u32, min_flex: u32, max_flex: u32 },
    /// The same value twice.
    #[error("rows {first} and {row}: {attribute}, {value} stands twice. Keep one of them")]
    Twice { first: u32, row: u32, attribute: String, value: String },
}

/// The columns of a table of quotas.
struct Columns {
    attribute: usize,
    value: usize,
    min: usize,
    max: usize,
    min_flex: Option<usize>,
    max_flex: Option<usize>,
    target: Option<usize>,
    slack: Option<usize>,
}

impl Columns {
    fn find(table: &Table) -> Option<Self> {
        let at = |name: &str| table.column(name);
        let (attribute, value) = match (at("category"), at("feature"), at("attribute")) {
            (Some(category), feature, _) => (category, feature.or(at("name")).or(at("value"))?),
            (None, Some(attribute), _) | (None, None, Some(attribute)) => (attribute, at("value").or(at("name"))?),
            (None, None, None) => return None,
        };
        Some(Self {
            attribute,
            value,
            min: at("min")?,
            max: at("max")?,
            min_flex: at("min_flex"),
            max_flex: at("max_flex"),
            target: at("target").or(at("target_share")).or(at("share")),
            slack: at("slack"),
        })
    }
}

/// Whether a table has the columns of quotas: `feature, value, min, max` in any of the layouts.
pub fn has_quota_columns(table: &Table) -> bool {
    Columns::find(table).is_some()
}

/// The quotas of a table for a panel of `size`; `tolerance` is the relative one of bounds that are made from targets. All
/// that stands against it is told at once.
pub fn read(table: &Table, size: u32, tolerance: f64) -> Result<Quotas, Vec<QuotaTableError>> {
    let Some(columns) = Columns::find(table) else {
        return Err(vec![QuotaTableError::Columns(table.names().map(str::to_owned).collect())]);
    };
    let mut reading = Reading { table, row: 0, errors: Vec::new() };
    let mut quotas = Quotas { size, attributes: Vec::new() };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut first: HashMap<(usize, String), u32> = HashMap::new();
    for row in 0..table.len() {
        reading.row = row;
        let Some(quota) = reading.quota(&columns, size, tolerance) else { continue };
        let name = table.cell(row, columns.attribute).trim();
        let place = *places.entry(fold(name)).or_insert_with(|| {
            quotas.attributes.push(AttributeQuotas { name: name.to_owned(), values: Vec::new() });
            quotas.attributes.len() - 1
        });
        let (attribute, value, row) = (name.to_owned(), quota.value.clone(), table.source_row(row));
        match first.insert((place, fold(&quota.value)), row) {
            Some(first) => reading.errors.push(QuotaTableError::Twice { first, row, attribute, value }),
            None => {
                reading.errors.extend(contradiction(row, attribute, &quota));
                quotas.attributes[place].values.push(quota);
            }
        }
    }
    if reading.errors.is_empty() { Ok(quotas) } else { Err(reading.errors) }
}

fn contradiction(row: u32, attribute: String, quota: &ValueQuota) -> Option<QuotaTableError> {
    let ValueQuota { min, max, min_flex, max_flex, .. } = *quota;
    let value = quota.value.clone();
    if quota.slack {
        None
    } else if min > max {
        Some(QuotaTableError::MinAboveMax { row, attribute, value, min, max })
    } else if min_flex > min || max_flex < max {
        Some(QuotaTableError::FlexInside { row, attribute, value, min, max, min_flex, max_flex })
    } else {
        None
    }
}

/// One row being read, and what stood against the rows so far.
struct Reading<'t> {
    table: &'t Table,
    row: usize,
    errors: Vec<QuotaTableError>,
}

impl<'t> Reading<'t> {
    fn cell(&self, column: usize) -> &'t str {
        self.table.cell(self.row, column).trim()
    }

    /// The number of the row and the name of a column, for an error.
    fn at(&self, column: usize) -> (u32, String) {
        (self.table.source_row(self.row), self.table.name(column).trim().to_owned())
    }

    /// The quota of the row; none if something stands against it, which is noted.
    fn quota(&mut self, columns: &Columns, size: u32, tolerance: f64) -> Option<ValueQuota> {
        let before = self.errors.len();
        for column in [columns.attribute, columns.value] {
            if self.cell(column).is_empty() {
                let (row, column) = self.at(column);
                self.errors.push(QuotaTableError::Blank { row, column });
            }
        }
        let value = self.cell(columns.value);
        let target = columns.target.and_then(|column| self.share(column));
        let slack = columns.slack.is_some_and(|column| self.mark(column));
        let unbounded = self.cell(columns.min).is_empty() && self.cell(columns.max).is_empty();
        let made = match target {
            Some(share) if unbounded && !slack => ValueQuota::from_share(value, share, size, tolerance),
            _ if unbounded && slack => ValueQuota::bounded(value, 0, size),
            _ => {
                let (min, max) = (self.count(columns.min), self.count(columns.max));
                ValueQuota::bounded(value, min.unwrap_or_default(), max.unwrap_or_default())
            }
        };
        let filled = |reading: &Self, column: Option<usize>| column.filter(|&column| !reading.cell(column).is_empty());
        let min_flex = filled(self, columns.min_flex).map_or(Some(0), |column| self.count(column));
        let max_flex = filled(self, columns.max_flex).map_or(Some(size.max(made.max)), |column| self.count(column));
        let (Some(min_flex), Some(max_flex)) = (min_flex, max_flex) else { return None };
        (self.errors.len() == before).then_some(ValueQuota { target, slack, min_flex, max_flex, ..made })
    }

    fn count(&mut self, column: usize) -> Option<u32> {
        let text = self.cell(column);
        // Spreadsheets write whole numbers as 12.0 at times.
        let whole = text.strip_suffix(".0").unwrap_or(text).parse().ok();
        if whole.is_none() {
            let (row, column) = self.at(column);
            self.errors.push(match text {
                "" => QuotaTableError::Blank { row, column },
                text => QuotaTableError::NotACount { row, column, text: text.to_owned() },
            });
        }
        whole
    }

    fn share(&mut self, column: usize) -> Option<f64> {
        let text = self.cell(column);
        if text.is_empty() {
            return None;
        }
        let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits.trim_end(), 100.0));
        let share = digits.replace(',', ".").parse::<f64>().ok().map(|number| number / scale);
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            let ((row, column), text) = (self.at(column), text.to_owned());
            self.errors.push(QuotaTableError::NotAShare { row, column, text });
        }
        share
    }

    fn mark(&mut self, column: usize) -> bool {
        let text = self.cell(column);
        match fold(text).as_str() {
            "true" | "yes" | "1" => true,
            "" | "false" | "no" | "0" => false,
            _ => {
                let ((row, column), text) = (self.at(column), text.to_owned());
                self.errors.push(QuotaTableError::NotAMark { row, column, text });
                false
            }
        }
    }
}

/// The table of `quotas`; [`read`] gives the same quotas back. Flexible limits stand in files of the newest layout, and in
/// older ones where they say something; targets and slack where there are any.
pub fn table(quotas: &Quotas, header: Header) -> Result<Table, TableFull> {
    let values = || quotas.attributes.iter().flat_map(|attribute| &attribute.values);
    let flex = header == Header::FeatureValue
        || values().any(|value| value.min_flex != 0 || value.max_flex != quotas.size.max(value.max));
    let target = values().any(|value| value.target.is_some());
    let slack = values().any(|value| value.slack);
    let mut names = header.names().to_vec();
    names.extend(["min", "max"]);
    names.extend(if flex { &["min_flex", "max_flex"][..] } else { &[] });
    names.extend(if target { Some("target") } else { None });
    names.extend(if slack { Some("slack") } else { None });
    let mut table = Table::new(names.into_iter().map(str::to_owned));
    for attribute in &quotas.attributes {
        for value in &attribute.values {
            let mut cells =
                vec![attribute.name.clone(), value.value.clone(), value.min.to_string(), value.max.to_string()];
            if flex {
                cells.extend([value.min_flex.to_string(), value.max_flex.to_string()]);
            }
            if target {
                cells.push(value.target.map_or_else(String::new, |share| share.to_string()));
            }
            if slack {
                cells.push(value.slack.to_string());
            }
            table.push(table.len() as u32 + 2, cells.iter().map(String::as_str))?;
        }
    }
    Ok(table)
}

/// Where quotas and people differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The quotas spell an attribute otherwise; the people's spelling was taken.
    #[error("the quotas' attribute \"{from}\" is the people's \"{to}\"")]
    Attribute { from: String, to: String },
    /// The quotas spell a value otherwise; the people's spelling was taken.
    #[error("{attribute}: the quotas' \"{from}\" is the people's \"{to}\"")]
    Value { attribute: String, from: String, to: String },
    /// An attribute that the people do not have.
    #[error(
        "the quotas name the attribute \"{attribute}\", which the people do not have{}. Rename it, or take it out",
        did_you_mean(nearest.as_deref())
    )]
    NoAttribute { attribute: String, nearest: Option<String> },
    /// A value that nobody has.
    #[error(
        "{attribute}: nobody has \"{value}\"{}{}", did_you_mean(nearest.as_deref()),
        if *min > 0 { format!(", of which {min} or more are to be chosen. Correct the value, or lower its min") } else { String::new() }
    )]
    Nobody { attribute: String, value: String, min: u32, nearest: Option<String> },
    /// A value that people have and the quotas do not name.
    #[error(
        "{attribute}: {people} {} \"{value}\", which the quotas do not name{}. Add a row for it, merge it, or leave these people out",
        if *people == 1 { "person has" } else { "people have" }, did_you_mean(nearest.as_deref())
    )]
    NoQuota { attribute: String, value: String, people: usize, nearest: Option<String> },
}

/// The quotas in the people's spelling, and where the two differ. Names match but for case, spaces and dashes; those that
/// match exactly come first.
pub fn match_to(quotas: &Quotas, pool: &Pool) -> (Quotas, Vec<Difference>) {
    let mut matched = quotas.clone();
    let mut differences = Vec::new();
    for quota in &mut matched.attributes {
        let names = || pool.attributes().iter().map(|attribute| attribute.name.as_str());
        let Some(place) = find(&quota.name, names()) else {
            let nearest = nearest(&quota.name, names()).map(str::to_owned);
            differences.push(Difference::NoAttribute { attribute: quota.name.clone(), nearest });
            continue;
        };
        let attribute = &pool.attributes()[place];
        if quota.name != attribute.name {
            let from = std::mem::replace(&mut quota.name, attribute.name.clone());
            differences.push(Difference::Attribute { from, to: attribute.name.clone() });
        }
        values(quota, attribute, &pool.counts(place), &mut differences);
    }
    (matched, differences)
}

fn find<'a>(wanted: &str, mut names: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
    let folded = fold(wanted);
    let exact = names.clone().position(|name| name == wanted);
    exact.or_else(|| names.position(|name| fold(name) == folded))
}

fn values(
    quota: &mut AttributeQuotas,
    attribute: &super::pool::Attribute,
    counts: &[usize],
    differences: &mut Vec<Difference>,
) {
    let name = &attribute.name;
    let known = || attribute.values.iter().map(String::as_str);
    let found: Vec<Option<usize>> = quota.values.iter().map(|value| find(&value.value, known())).collect();
    let unmatched = |place: &usize| counts[*place] > 0 && !found.contains(&Some(*place));
    let unnamed: Vec<usize> = (0..counts.len()).filter(unmatched).collect();
    let absent = |found: Option<usize>| found.is_none_or(|place| counts[place] == 0);
    let nobody: Vec<String> = (quota.values.iter().zip(&found))
        .filter(|&(_, &found)| absent(found))
        .map(|(value, _)| value.value.clone())
        .collect();
    for (value, &found) in quota.values.iter_mut().zip(&found) {
        if let Some(place) = found.filter(|&place| attribute.values[place] != value.value) {
            let to = attribute.values[place].clone();
            let from = std::mem::replace(&mut value.value, to.clone());
            differences.push(Difference::Value { attribute: name.clone(), from, to });
        }
        if absent(found) {
            let candidates = unnamed.iter().map(|&place| attribute.values[place].as_str());
            let nearest = nearest(&value.value, candidates).map(str::to_owned);
            let (attribute, min) = (name.clone(), if value.slack { 0 } else { value.min });
            differences.push(Difference::Nobody { attribute, value: value.value.clone(), min, nearest });
        }
    }
    for place in unnamed {
        let value = attribute.values[place].clone();
        let nearest = nearest(&value, nobody.iter().map(String::as_str)).map(str::to_owned);
        differences.push(Difference::NoQuota { attribute: name.clone(), value, people: counts[place], nearest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::pool::Attribute;
    use crate::sortition::presets::Preset;

    fn parsed(names: &[&str], rows: &[&[&str]]) -> Result<Quotas, Vec<QuotaTableError>> {
        let mut table = Table::new(names.iter().map(|&name| name.to_owned()));
        for (row, cells) in rows.iter().enumerate() {
            table.push(row as u32 + 2, cells.iter().copied()).unwrap();
        }
        read(&table, 3, 0.1)
    }

    #[test]
    fn all_headers_say_the_same() {
        let old = [&["Gender", "F", "1", "2"][..], &["gender ", "M", "0", "1.0"]];
        let named = parsed(&["category", "name", "min", "max"], &old).unwrap();
        let value = &named.attributes[0].values[0];
        assert_eq!((value.min, value.max, value.min_flex, value.max_flex), (1, 2, 0, 3));
        assert_eq!(parsed(&["category", "feature", "min", "max"], &old).unwrap(), named);
        assert_eq!(parsed(&["Feature", "Value", "MIN", " max"], &old).unwrap(), named);
        let new = [&["Gender", "F", "1", "2", "0", "3"][..], &["Gender", "M", "0", "1", "", ""]];
        assert_eq!(parsed(&["feature", "value", "min", "max", "min_flex", "max_flex"], &new).unwrap(), named);
    }

    #[test]
    fn targets_make_bounds() {
        let names = ["feature", "value", "min", "max", "target", "slack"];
        let rows = [
            &["a", "x", "", "", "50%", ""][..],
            &["a", "y", "1", "3", "0,25", "no"],
            &["a", "z", "", "", "0.25", "yes"],
        ];
        let quotas = parsed(&names, &rows).unwrap();
        let told: Vec<_> = quotas.attributes[0].values.iter().map(|v| (v.target, v.min, v.max, v.slack)).collect();
        assert_eq!(told, [(Some(0.5), 1, 2, false), (Some(0.25), 1, 3, false), (Some(0.25), 0, 3, true)]);
    }

    #[test]
    fn every_bad_cell_is_told() {
        let names = ["feature", "value", "min", "max", "min_flex", "max_flex", "target"];
        let rows = [
            &["a", "x", "one", "2.5", "0", "3", "1.2"][..],
            &["a", "y", "3", "1", "", "", ""],
            &["a", "z", "1", "2", "2", "3", ""],
            &["a", "Y ", "0", "1", "", "", ""],
            &["", "w", "-1", "", "", "", ""],
        ];
        let told: Vec<String> = parsed(&names, &rows).unwrap_err().iter().map(ToString::to_string).collect();
        let begins = [
            "row 2: target is \"1.2\", not a share",
            "row 2: min is \"one\", not a whole number of people",
            "row 2: max is \"2.5\", not a whole number",
            "row 3: a, y has min 3 above max 1",
            "row 4: a, z has flexible limits 2 to 3 that do not contain 1 to 2",
            "rows 3 and 5: a, Y stands twice",
            "row 6: feature is blank",
            "row 6: min is \"-1\", not a whole number",
            "row 6: max is blank",
        ];
        assert_eq!(told.len(), begins.len(), "{told:#?}");
        for (told, begin) in told.iter().zip(begins) {
            assert!(told.starts_with(begin), "{told}");
        }
        let problem = parsed(&["a", "b"], &[&["1", "2"]]).unwrap_err()[0].to_string();
        assert!(problem.starts_with("the columns are a, b: there must be feature, value, min and max"), "{problem}");
    }

    #[test]
    fn quotas_come_back_from_their_table() {
        let mut bounded = Quotas { size: 5, attributes: Vec::new() };
        let values = vec![ValueQuota::bounded("x", 1, 2), ValueQuota::bounded("y, z", 0, 9)];
        bounded.attributes.push(AttributeQuotas { name: "a".into(), values });
        for quotas in [Preset::PaperUnitedStates.quotas(145, 0.1), Preset::CensusUnitedStates.quotas(30, 0.2), bounded]
        {
            for header in [Header::FeatureValue, Header::CategoryFeature, Header::CategoryName] {
                assert_eq!(read(&table(&quotas, header).unwrap(), quotas.size, 0.0).unwrap(), quotas);
            }
        }
        let plain = parsed(&["category", "name", "min", "max"], &[&["a", "x", "1", "2"]]).unwrap();
        let names = |header| table(&plain, header).unwrap().names().collect::<Vec<_>>().join(",");
        assert_eq!(names(Header::CategoryName), "category,name,min,max");
        assert_eq!(names(Header::FeatureValue), "feature,value,min,max,min_flex,max_flex");
    }

    #[test]
    fn quotas_take_the_peoples_spelling() {
        let values = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let attributes = vec![
            Attribute { name: "Gender".into(), values: values(&["Female", "Male", "Non-binary", "Gone"]) },
            Attribute { name: "Age".into(), values: values(&["16-29", "30+"]) },
        ];
        let people = [vec![0, 0], vec![1, 0], vec![2, 1], vec![2, 1]];
        let ids = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let pool = Pool::new(attributes, ids, &people, Vec::new()).unwrap();
        let names = ["feature", "value", "min", "max"];
        let rows = [
            &["gender", "female", "1", "2"][..],
            &["gender", "Male", "0", "1"],
            &["gender", "Non-binry", "1", "1"],
            &["gender", "Gone", "0", "1"],
            &["agee", "16–29", "0", "3"],
        ];
        let (quotas, differences) = match_to(&parsed(&names, &rows).unwrap(), &pool);
        let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "the quotas' attribute \"gender\" is the people's \"Gender\"",
                "Gender: the quotas' \"female\" is the people's \"Female\"",
                "Gender: nobody has \"Non-binry\" (\"Non-binary\" is near), of which 1 or more are to be chosen. Correct the value, or \
                 lower its min",
                "Gender: nobody has \"Gone\"",
                "Gender: 2 people have \"Non-binary\", which the quotas do not name (\"Non-binry\" is near). Add a row for it, merge it, \
                 or leave these people out",
                "the quotas name the attribute \"agee\", which the people do not have (\"Age\" is near). Rename it, or take it out",
            ]
        );
        assert_eq!(quotas.attributes[0].values[0].value, "Female");
        let rows = [&["Age", "16–29", "0", "3"][..], &["Age", "30+", "0", "3"]];
        let (quotas, differences) = match_to(&parsed(&names, &rows).unwrap(), &pool);
        assert_eq!((&*quotas.attributes[0].values[0].value, differences.len()), ("16-29", 1));
        assert_eq!(quotas.check(&pool), Ok(()));
    }
}
