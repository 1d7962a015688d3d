//! Makes a pool of a table under a mapping, and accounts for every row.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::household;
use super::import_report::{ImportError, ImportReport, LeftOut, MAX_VALUES, MergedValue, Reason};
use super::mapping::{AttributeMapping, Duplicates, IdSource, MISSING, Mapping, Policy, Target};
use super::pool::{Attribute, Pool};
use super::spelling::{fold, nearest};
use super::table::{SomeRows, Table, is_lost};

/// Errors that are told one by one; the rest are counted.
const MAX_ERRORS: usize = 50;

/// What a text of an attribute's column becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Value(u32),
    LeaveOut,
    LeaveOutMissing,
    RefuseMissing,
    Refuse,
    Lost,
}

/// The texts of a column and what becomes of them.
struct Answers<'t> {
    texts: Vec<(&'t str, usize)>,
    rows: Vec<u32>,
    outcomes: Vec<Outcome>,
    /// Values in order; the first `listed` ones are those of the mapping's `order`.
    values: Vec<String>,
    listed: usize,
}

/// The pool that `mapping` makes of `table`, with an account of every row; or all that stands against it.
pub fn apply(table: &Table, mapping: &Mapping) -> Result<(Pool, ImportReport), Vec<ImportError>> {
    let columns = Columns::find(table, mapping)?;
    let mut report = ImportReport { rows: table.len(), ..ImportReport::default() };
    let mut kept = vec![true; table.len()];
    leave_out(table, mapping, &columns, &mut kept, &mut report);
    let answers: Vec<Answers<'_>> = mapping
        .attributes
        .iter()
        .zip(&columns.attributes)
        .map(|(attribute, &column)| answers(table, column, attribute))
        .collect();
    for (attribute, answers) in mapping.attributes.iter().zip(&answers) {
        leave_out_by_value(table, attribute, answers, &mut kept, &mut report);
    }
    let mut errors = Vec::new();
    let ids = ids(table, mapping, columns.id, &mut kept, &mut report, &mut errors);
    for (attribute, answers) in mapping.attributes.iter().zip(&answers) {
        refusals(table, attribute, answers, &kept, &mut errors);
    }
    report.places = (0..table.len() as u32).filter(|&row| kept[row as usize]).collect();
    if report.places.is_empty() {
        let left_out = report.left_out.iter().map(|left| (left.reason.to_string(), left.rows.len())).collect();
        errors.push(ImportError::NoPeople { rows: table.len(), left_out });
    }
    if !errors.is_empty() {
        return Err(limited(errors));
    }
    let mut attributes = Vec::with_capacity(answers.len());
    let mut values = vec![Vec::with_capacity(answers.len()); report.places.len()];
    for (attribute, answers) in mapping.attributes.iter().zip(&answers) {
        let finished = finish(attribute, answers, &report.places, &mut values, &mut report.merged);
        attributes.push(finished.map_err(|error| vec![error])?);
    }
    let mut households = Vec::new();
    if let Some(wanted) = &mapping.household {
        let rows = report.places.iter().map(|&row| row as usize);
        (households, report.households) = household::households(table, rows, &columns.household, wanted.normalise);
    }
    let pool = Pool::new(attributes, ids, &values, households).map_err(|error| vec![error.into()])?;
    Ok((pool, report))
}

fn limited(mut errors: Vec<ImportError>) -> Vec<ImportError> {
    let more = errors.len().saturating_sub(MAX_ERRORS);
    if more > 0 {
        errors.truncate(MAX_ERRORS);
        errors.push(ImportError::More(more));
    }
    errors
}

/// The columns that a mapping names.
struct Columns {
    id: Option<usize>,
    leave_out: Vec<usize>,
    attributes: Vec<usize>,
    household: Vec<usize>,
}

impl Columns {
    fn find(table: &Table, mapping: &Mapping) -> Result<Self, Vec<ImportError>> {
        let mut errors = Vec::new();
        let mut find = |column: &str, purpose: &'static str| {
            let found = table.column(column);
            if found.is_none() {
                let nearest = nearest(column, table.names()).map(str::to_owned);
                errors.push(ImportError::NoColumn { column: column.to_owned(), purpose, nearest });
            }
            found.unwrap_or_default()
        };
        let columns = Self {
            id: match &mapping.id {
                IdSource::Column(column) => Some(find(column, "ids")),
                IdSource::Numbered => None,
            },
            leave_out: mapping.leave_out.iter().map(|rule| find(&rule.column, "whom to leave out")).collect(),
            attributes: mapping.attributes.iter().map(|attribute| find(&attribute.column, "an attribute")).collect(),
            household: mapping
                .household
                .iter()
                .flat_map(|wanted| wanted.columns.iter().map(|column| column.as_str()))
                .map(|column| find(column, "addresses"))
                .collect(),
        };
        for (place, attribute) in mapping.attributes.iter().enumerate() {
            if attribute.name.trim().is_empty() {
                errors.push(ImportError::NoName { column: attribute.column.clone() });
            } else if mapping.attributes[..place].iter().any(|other| fold(&other.name) == fold(&attribute.name)) {
                errors.push(ImportError::AttributeTwice(attribute.name.clone()));
            }
        }
        if errors.is_empty() { Ok(columns) } else { Err(errors) }
    }
}

/// Leaves people out for what stands in columns.
fn leave_out(table: &Table, mapping: &Mapping, columns: &Columns, kept: &mut [bool], report: &mut ImportReport) {
    for (rule, &column) in mapping.leave_out.iter().zip(&columns.leave_out) {
        for text in &rule.texts {
            let folded = fold(text);
            let (texts, rows) = table.distinct(column);
            let fits: Vec<bool> = texts.iter().map(|(text, _)| fold(text) == folded).collect();
            let reason = Reason::Column { column: rule.column.clone(), text: text.clone() };
            take(table, kept, report, reason, |row| fits[rows[row] as usize]);
        }
    }
}

/// Takes the people out for whom `gone` holds and who are still there.
fn take(
    table: &Table,
    kept: &mut [bool],
    report: &mut ImportReport,
    reason: Reason,
    mut gone: impl FnMut(usize) -> bool,
) {
    let mut rows = Vec::new();
    for (row, kept) in kept.iter_mut().enumerate() {
        if *kept && gone(row) {
            *kept = false;
            rows.push(table.source_row(row));
        }
    }
    if !rows.is_empty() {
        report.left_out.push(LeftOut { reason, rows });
    }
}

/// What the texts of a column become.
fn answers<'t>(table: &'t Table, column: usize, attribute: &AttributeMapping) -> Answers<'t> {
    let (texts, rows) = table.distinct(column);
    let mut values: Vec<String> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut listed = HashSet::new();
    let mut value = |value: &str, values: &mut Vec<String>| {
        let next = values.len() as u32;
        *known.entry(fold(value)).or_insert_with(|| {
            values.push(value.trim().to_owned());
            next
        })
    };
    for name in &attribute.order {
        listed.insert(fold(name));
        value(name, &mut values);
    }
    let listed_values = values.len();
    // Of spellings that differ in dress only, the most frequent one names the value.
    let mut frequent: Vec<usize> = (0..texts.len()).collect();
    frequent.sort_by_key(|&place| std::cmp::Reverse(texts[place].1));
    let mut spelling: HashMap<String, &str> = HashMap::new();
    for &place in &frequent {
        spelling.entry(fold(texts[place].0)).or_insert(texts[place].0);
    }
    let outcomes = texts
        .iter()
        .map(|&(text, _)| {
            let rule = attribute.target(text);
            let policy = match rule {
                Some(Target::Value(name)) if !name.trim().is_empty() => {
                    return Outcome::Value(value(name, &mut values));
                }
                Some(Target::LeaveOut) => return Outcome::LeaveOut,
                Some(Target::Missing | Target::Value(_)) => None,
                None if text.is_empty() => None,
                None if listed.contains(&fold(text)) => return Outcome::Value(value(text, &mut values)),
                None if is_lost(text) => return Outcome::Lost,
                None => Some(&attribute.unlisted),
            };
            match (policy, policy.unwrap_or(&attribute.missing)) {
                (None, Policy::Keep) => Outcome::Value(value(MISSING, &mut values)),
                (Some(_), Policy::Keep) => {
                    let name = spelling.get(&fold(text)).copied().unwrap_or(text);
                    Outcome::Value(value(name, &mut values))
                }
                (_, Policy::Value(name)) => Outcome::Value(value(name, &mut values)),
                (None, Policy::LeaveOut) => Outcome::LeaveOutMissing,
                (Some(_), Policy::LeaveOut) => Outcome::LeaveOut,
                (None, Policy::Refuse) => Outcome::RefuseMissing,
                (Some(_), Policy::Refuse) => Outcome::Refuse,
            }
        })
        .collect();
    Answers { texts, rows, outcomes, values, listed: listed_values }
}

fn leave_out_by_value(
    table: &Table,
    attribute: &AttributeMapping,
    answers: &Answers<'_>,
    kept: &mut [bool],
    report: &mut ImportReport,
) {
    let name = || attribute.name.clone();
    if answers.outcomes.contains(&Outcome::LeaveOutMissing) {
        let gone = |row: usize| answers.outcomes[answers.rows[row] as usize] == Outcome::LeaveOutMissing;
        take(table, kept, report, Reason::Missing { attribute: name() }, gone);
    }
    let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, kept) in kept.iter_mut().enumerate() {
        let text = answers.rows[row];
        if *kept && answers.outcomes[text as usize] == Outcome::LeaveOut {
            *kept = false;
            rows.entry(text).or_default().push(table.source_row(row));
        }
    }
    for (text, rows) in rows {
        let text = answers.texts[text as usize].0.to_owned();
        report.left_out.push(LeftOut { reason: Reason::Value { attribute: name(), text }, rows });
    }
}

/// The identifiers of the people who are kept.
fn ids(
    table: &Table,
    mapping: &Mapping,
    column: Option<usize>,
    kept: &mut [bool],
    report: &mut ImportReport,
    errors: &mut Vec<ImportError>,
) -> Vec<String> {
    let Some(column) = column else {
        return (0..table.len()).filter(|&row| kept[row]).map(|row| (row + 1).to_string()).collect();
    };
    let (texts, rows) = table.distinct(column);
    let mut times = vec![0_u32; texts.len()];
    if mapping.duplicates == Duplicates::KeepFirst {
        let again = |row: usize| {
            let text = rows[row] as usize;
            times[text] += 1;
            times[text] > 1 && !texts[text].0.is_empty()
        };
        take(table, kept, report, Reason::SameId, again);
    }
    let people: Vec<usize> = (0..table.len()).filter(|&row| kept[row]).collect();
    if mapping.duplicates == Duplicates::MakeUnique {
        let mut taken: HashSet<String> = texts.iter().map(|(text, _)| (*text).to_owned()).collect();
        let unique = |&row: &usize| {
            let text = rows[row] as usize;
            times[text] += 1;
            let id = texts[text].0;
            if times[text] == 1 && !id.is_empty() {
                return id.to_owned();
            }
            report.renamed_ids.push(table.source_row(row));
            let stem = if id.is_empty() { format!("row {}", table.source_row(row)) } else { id.to_owned() };
            let mut number = times[text];
            let mut other = if id.is_empty() { stem.clone() } else { format!("{stem} ({number})") };
            while !taken.insert(other.clone()) {
                number += 1;
                other = format!("{stem} ({number})");
            }
            other
        };
        return people.iter().map(unique).collect();
    }
    let mut counts = vec![0_u32; texts.len()];
    for &row in &people {
        counts[rows[row] as usize] += 1;
    }
    let mut refused: BTreeMap<u32, SomeRows> = BTreeMap::new();
    for &row in &people {
        let text = rows[row];
        if counts[text as usize] > 1 || texts[text as usize].0.is_empty() {
            refused.entry(text).or_default().add(table.source_row(row));
        }
    }
    for (text, rows) in refused {
        let id = texts[text as usize].0.to_owned();
        errors.push(if id.is_empty() { ImportError::NoId { rows } } else { ImportError::SameId { id, rows } });
    }
    people.iter().map(|&row| table.cell(row, column).to_owned()).collect()
}

/// What stands against people who are kept.
fn refusals(
    table: &Table,
    attribute: &AttributeMapping,
    answers: &Answers<'_>,
    kept: &[bool],
    errors: &mut Vec<ImportError>,
) {
    let refused = |outcome: Outcome| matches!(outcome, Outcome::Refuse | Outcome::RefuseMissing | Outcome::Lost);
    if !answers.outcomes.iter().any(|&outcome| refused(outcome)) {
        return;
    }
    let mut rows: BTreeMap<u32, SomeRows> = BTreeMap::new();
    for (row, &text) in answers.rows.iter().enumerate() {
        if kept[row] && refused(answers.outcomes[text as usize]) {
            rows.entry(text).or_default().add(table.source_row(row));
        }
    }
    let mut missing = SomeRows::default();
    for (text, rows) in rows {
        let name = attribute.name.clone();
        let value = answers.texts[text as usize].0.to_owned();
        match answers.outcomes[text as usize] {
            Outcome::Lost => errors.push(ImportError::Lost { attribute: name, text: value, rows }),
            Outcome::RefuseMissing => {
                missing.all += rows.all;
                missing.first.extend(rows.first);
            }
            _ => {
                let nearest = nearest(&value, answers.values.iter().map(String::as_str)).map(str::to_owned);
                errors.push(ImportError::Unlisted { attribute: name, value, nearest, rows });
            }
        }
    }
    if missing.all > 0 {
        missing.first.sort_unstable();
        missing.first.truncate(5);
        errors.push(ImportError::Missing { attribute: attribute.name.clone(), rows: missing });
    }
}

/// Numbers the values that people have, adds them to everybody's row, and notes what was merged.
fn finish(
    attribute: &AttributeMapping,
    answers: &Answers<'_>,
    places: &[u32],
    people: &mut [Vec<u16>],
    merged: &mut Vec<MergedValue>,
) -> Result<Attribute, ImportError> {
    let value = |text: u32| match answers.outcomes[text as usize] {
        Outcome::Value(value) => value as usize,
        _ => 0,
    };
    let mut texts = vec![0_usize; answers.texts.len()];
    let mut counts = vec![0_usize; answers.values.len()];
    for &row in places {
        let text = answers.rows[row as usize];
        texts[text as usize] += 1;
        counts[value(text)] += 1;
    }
    let used: Vec<usize> =
        (0..answers.values.len()).filter(|&value| value < answers.listed || counts[value] > 0).collect();
    if used.len() > MAX_VALUES {
        let (attribute, column) = (attribute.name.clone(), attribute.column.clone());
        return Err(ImportError::TooManyValues { attribute, column, values: used.len() });
    }
    let mut numbers = vec![0_u16; answers.values.len()];
    for (number, &value) in used.iter().enumerate() {
        numbers[value] = number as u16;
    }
    for (person, &row) in people.iter_mut().zip(places) {
        person.push(numbers[value(answers.rows[row as usize])]);
    }
    let mut from: BTreeMap<usize, Vec<(String, usize)>> = BTreeMap::new();
    for (text, &(name, _)) in answers.texts.iter().enumerate().filter(|&(text, _)| texts[text] > 0) {
        from.entry(value(text as u32)).or_default().push((name.to_owned(), texts[text]));
    }
    for (value, from) in from {
        let name = &answers.values[value];
        if from.iter().any(|(text, _)| text != name) {
            merged.push(MergedValue { attribute: attribute.name.clone(), value: name.clone(), from });
        }
    }
    let values = used.into_iter().map(|value| answers.values[value].clone()).collect();
    Ok(Attribute { name: attribute.name.trim().to_owned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::mapping::{HouseholdMapping, LeaveOut, Source, ValueRule};

    fn table(rows: &[[&str; 4]]) -> Table {
        let mut table = Table::new(["id", "gender", "age", "home"].map(str::to_owned));
        for (row, cells) in rows.iter().enumerate() {
            table.push(row as u32 + 2, cells.iter().copied()).unwrap();
        }
        table
    }

    fn mapping() -> Mapping {
        Mapping {
            id: IdSource::Column("id".into()),
            duplicates: Duplicates::Refuse,
            leave_out: Vec::new(),
            attributes: vec![AttributeMapping::plain("gender", "Gender")],
            household: None,
        }
    }

    fn rule(text: &str, to: Target) -> ValueRule {
        ValueRule { from: Source::Text(text.into()), to }
    }

    fn told(table: &Table, mapping: &Mapping) -> Vec<String> {
        apply(table, mapping).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_row_is_accounted_for() {
        let people = table(&[
            ["a", "f", "17", "1 High St"],
            ["b", "Female", "30", ""],
            ["c", "female", "64", "1 high street"],
            ["d", "M", "40", "2 High St"],
            ["e", "", "x", "2 High St"],
            ["f", "robot", "40", "2 High St"],
            ["g", "M", "41", ""],
        ]);
        let mut mapping = mapping();
        mapping.leave_out.push(LeaveOut { column: "AGE".into(), texts: vec!["17".into(), "41".into()] });
        let gender = &mut mapping.attributes[0];
        gender.order = vec!["Female".into(), "Male".into(), "Other".into()];
        gender.rules = vec![rule("F", Target::Value("Female".into())), rule("m", Target::Value("male".into()))];
        gender.rules.push(rule("robot", Target::LeaveOut));
        gender.missing = Policy::Value("Other".into());
        let band =
            |low, high, name: &str| ValueRule { from: Source::Numbers { low, high }, to: Target::Value(name.into()) };
        let mut age = AttributeMapping::plain("age", "Age");
        age.rules =
            vec![band(Some(18.0), Some(39.0), "18-39"), band(Some(40.0), None, "40+"), rule("x", Target::Missing)];
        mapping.attributes.push(age);
        mapping.household = Some(HouseholdMapping { columns: vec!["home".into()], normalise: true });
        let (pool, report) = apply(&people, &mapping).unwrap();
        assert_eq!(pool.ids(), ["b", "c", "d", "e"]);
        assert_eq!(pool.attributes()[0].values, ["Female", "Male", "Other"]);
        assert_eq!(
            (pool.counts(0), &pool.attributes()[1].values),
            (vec![2, 1, 1], &["18-39", "40+", MISSING].map(str::to_owned).to_vec())
        );
        assert_eq!((pool.household(0), pool.household(2) == pool.household(3)), (None, true));
        assert_eq!(report.places, [1, 2, 3, 4]);
        let left: Vec<_> = report.left_out.iter().map(|left| (left.reason.to_string(), left.rows.clone())).collect();
        let expected =
            [("\"17\" in \"AGE\"", vec![2]), ("\"41\" in \"AGE\"", vec![8]), ("\"robot\" as \"Gender\"", vec![7])];
        assert_eq!(left, expected.map(|(reason, rows)| (reason.to_owned(), rows)));
        assert_eq!(report.rows, pool.len() + report.left_out.iter().map(|left| left.rows.len()).sum::<usize>());
        let merged = &report.merged[0];
        assert_eq!(
            (&*merged.value, &merged.from),
            ("Female", &vec![("Female".to_owned(), 1), ("female".to_owned(), 1)])
        );
        // Only what was mapped is in the pool.
        let stored = serde_json::to_string(&pool).unwrap();
        assert!(!stored.contains("High"), "{stored}");
    }

    #[test]
    fn values_that_differ_in_dress_take_the_most_frequent_spelling() {
        let people =
            table(&[["a", "female ", "", ""], ["b", "Female", "", ""], ["c", "Female", "", ""], ["d", "male", "", ""]]);
        let (pool, report) = apply(&people, &mapping()).unwrap();
        assert_eq!(pool.attributes()[0].values, ["Female", "male"]);
        assert_eq!(report.merged.len(), 1);
    }

    #[test]
    fn refusals_name_rows_and_remedies() {
        let people = table(&[
            ["a", "f", "", ""],
            ["a", "", "", ""],
            ["", "femlae", "", ""],
            ["d", "####", "", ""],
            ["a", "femlae", "", ""],
        ]);
        let mut mapping = mapping();
        mapping.attributes[0].order = vec!["female".into(), "f".into()];
        mapping.attributes[0].unlisted = Policy::Refuse;
        mapping.attributes[0].missing = Policy::Refuse;
        let errors = told(&people, &mapping);
        assert!(errors[0].starts_with("rows 2, 3, 6: the same id \"a\". Correct it"), "{errors:?}");
        assert!(errors[1].starts_with("row 4: no id. Fill it in"), "{errors:?}");
        assert!(
            errors[2].starts_with("rows 4, 6: \"femlae\" is no value of \"Gender\" (\"female\" is near)"),
            "{errors:?}"
        );
        assert!(errors[3].starts_with("row 5: \"####\" stands where the value of \"Gender\" was lost"), "{errors:?}");
        assert!(errors[4].starts_with("row 3: no value of \"Gender\""), "{errors:?}");
        mapping.attributes.push(AttributeMapping::plain("aeg", "gender"));
        let errors = told(&people, &mapping);
        assert!(errors[0].contains("no column \"aeg\" for an attribute (\"age\" is near)"), "{errors:?}");
        assert_eq!(errors[1], "two attributes are called \"gender\". Rename one of them");
    }

    #[test]
    fn ids_that_stand_twice_are_refused_dropped_or_told_apart() {
        let people = table(&[["a", "f", "", ""], ["a", "m", "", ""], ["", "m", "", ""], ["a (2)", "m", "", ""]]);
        let mut mapping = mapping();
        mapping.duplicates = Duplicates::MakeUnique;
        let (pool, report) = apply(&people, &mapping).unwrap();
        assert_eq!(pool.ids(), ["a", "a (3)", "row 4", "a (2)"]);
        assert_eq!(report.renamed_ids, [3, 4]);
        mapping.duplicates = Duplicates::KeepFirst;
        assert_eq!(
            told(&people, &mapping),
            ["row 4: no id. Fill it in, choose another column, or have the rows numbered"]
        );
        mapping.leave_out.push(LeaveOut { column: "id".into(), texts: vec![String::new()] });
        let (pool, report) = apply(&people, &mapping).unwrap();
        assert_eq!(pool.ids(), ["a", "a (2)"]);
        assert_eq!(report.left_out[1], LeftOut { reason: Reason::SameId, rows: vec![3] });
        mapping.id = IdSource::Numbered;
        assert_eq!(apply(&people, &mapping).unwrap().0.ids(), ["1", "2", "4"]);
    }

    #[test]
    fn nobody_left_and_columns_of_names() {
        let people = table(&[["a", "f", "", ""], ["b", "", "", ""]]);
        let mut none = mapping();
        none.leave_out.push(LeaveOut { column: "gender".into(), texts: vec!["F".into()] });
        none.attributes[0].missing = Policy::LeaveOut;
        let expected = "nobody is left of 2 rows: 1 for \"F\" in \"gender\", 1 for no value of \"Gender\". Change what is left out";
        assert_eq!(told(&people, &none), [expected]);
        let mut many = Table::new(["id".to_owned(), "gender".to_owned()]);
        for row in 0..2000 {
            let text = format!("p{row}");
            many.push(row, [text.as_str(), &text]).unwrap();
        }
        assert!(told(&many, &mapping())[0].starts_with("\"Gender\" has 2000 values, more than 1000"));
    }
}
