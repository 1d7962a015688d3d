//! A first mapping, guessed from the table alone or from the quotas it is to meet.

use super::household::is_area;
use super::mapping::{AttributeMapping, Duplicates, HouseholdMapping, IdSource, Mapping};
use super::prism;
use super::quotas::Quotas;
use super::spelling::fold;
use super::table::Table;

/// A column of more distinct texts than this is not offered as an attribute.
const MOST_VALUES: usize = 30;
/// Texts longer than this are answers in one's own words.
const LONGEST_VALUE: usize = 80;
/// Names of columns that hold identifiers, the likeliest first.
const ID_NAMES: [&str; 9] = [
    "nationbuilder_id",
    "respondent_id",
    "person_id",
    "unique_id",
    "user_id",
    "participant_id",
    "id",
    "external_id",
    "uuid",
];

/// A mapping to begin with. Tables of PRISM's survey have one of their own ([`prism::mapping`]); for others: the id is a
/// filled column with one of the usual names; attributes are columns of few values; addresses are known by their names.
/// Columns that name or reach a person are no attributes.
pub fn suggest(table: &Table) -> Mapping {
    if prism::is_survey(table) {
        return prism::mapping();
    }
    let id = id_column(table);
    let household = household(table);
    let addressed =
        |column: usize| household.iter().any(|wanted| wanted.columns.iter().any(|name| name == table.name(column)));
    let attributes = (0..table.width())
        .filter(|&column| Some(column) != id && !addressed(column) && is_attribute(table, column))
        .map(|column| AttributeMapping::plain(table.name(column), table.name(column)))
        .collect();
    Mapping {
        id: id.map_or(IdSource::Numbered, |column| IdSource::Column(table.name(column).to_owned())),
        duplicates: Duplicates::Refuse,
        leave_out: Vec::new(),
        attributes,
        household,
    }
}

/// The suggestion with the attributes that `quotas` name, their values in the quotas' order. An attribute that is no
/// column is mapped from a column of its own name, so that applying the mapping tells what is missing.
pub fn suggest_for(table: &Table, quotas: &Quotas) -> Mapping {
    let suggested = suggest(table);
    let attribute = |quota: &super::quotas::AttributeQuotas| {
        let known = suggested.attributes.iter().find(|known| fold(&known.name) == fold(&quota.name));
        let column = table.column(&quota.name).map_or(quota.name.as_str(), |column| table.name(column));
        let base = known.cloned().unwrap_or_else(|| AttributeMapping::plain(column, &*quota.name));
        let order = quota.values.iter().map(|value| value.value.clone()).collect();
        AttributeMapping { name: quota.name.clone(), order, ..base }
    };
    Mapping { attributes: quotas.attributes.iter().map(attribute).collect(), ..suggested }
}

/// The column of identifiers: under a usual name, if half of the rows or more have one of their own there; failing that,
/// under a name with the word "id", if every row has.
fn id_column(table: &Table) -> Option<usize> {
    let distinct = |column: usize| table.distinct(column).0.iter().filter(|(text, _)| !text.is_empty()).count();
    // Ids that are blank or stand twice are errors to be told, not a reason to number the rows instead.
    let usual = ID_NAMES.iter().filter_map(|name| table.column(name));
    let found = usual.into_iter().find(|&column| distinct(column) * 2 >= table.len());
    let named = |column: &usize| words(table.name(*column)).any(|word| word == "id");
    found.or_else(|| (0..table.width()).find(|column| named(column) && distinct(*column) == table.len()))
}

fn words(name: &str) -> impl Iterator<Item = String> {
    let folded = fold(name);
    folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The columns of addresses; places larger than a house only beside a street.
fn household(table: &Table) -> Option<HouseholdMapping> {
    const STREETS: [&str; 4] = ["address", "street", "household", "adresse"];
    const ELECTRONIC: [&str; 5] = ["email", "mail", "ip", "web", "internet"];
    let street = |column: &usize| {
        let name = fold(table.name(*column));
        STREETS.iter().any(|street| name.contains(street))
            && !words(&name).any(|word| ELECTRONIC.contains(&word.as_str()))
    };
    // A town or postcode of the address; the region somebody is counted under is an attribute.
    let part = |column: &usize| {
        let near = ["city", "town", "zip", "postcode", "post code", "postal", "plz"];
        let name = fold(table.name(*column));
        is_area(&name) && near.iter().any(|near| name.contains(near))
    };
    let columns = || 0..table.width();
    if !columns().any(|column| street(&column)) {
        return None;
    }
    let chosen = columns().filter(|column| street(column) || part(column));
    Some(HouseholdMapping { columns: chosen.map(|column| table.name(column).to_owned()).collect(), normalise: true })
}

fn is_attribute(table: &Table, column: usize) -> bool {
    const PERSONAL: [&str; 12] = [
        "name",
        "surname",
        "firstname",
        "lastname",
        "email",
        "mail",
        "phone",
        "mobile",
        "tel",
        "telephone",
        "birthday",
        "dob",
    ];
    if words(table.name(column)).any(|word| PERSONAL.contains(&word.as_str())) {
        return false;
    }
    let texts = table.distinct(column).0;
    let values = texts.iter().filter(|(text, _)| !text.is_empty()).count();
    let filled: usize = texts.iter().filter(|(text, _)| !text.is_empty()).map(|(_, count)| count).sum();
    (1..=MOST_VALUES).contains(&values)
        && values < filled
        && texts.iter().all(|(text, _)| text.chars().count() <= LONGEST_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::quotas::{AttributeQuotas, ValueQuota};

    fn table(names: &[&str], rows: &[&[&str]]) -> Table {
        let mut table = Table::new(names.iter().map(|&name| name.to_owned()));
        for (row, cells) in rows.iter().enumerate() {
            table.push(row as u32 + 2, cells.iter().copied()).unwrap();
        }
        table
    }

    #[test]
    fn columns_are_taken_for_what_they_are() {
        let names = [
            "nationbuilder_id",
            "first_name",
            "email address",
            "primary_address1",
            "primary_zip",
            "Gender",
            "Region",
            "note",
        ];
        let long = "x".repeat(100);
        let people = table(
            &names,
            &[
                &["p1", "Ann", "a@b", "1 High St", "X1", "F", "North", &long],
                &["p2", "Ann", "c@d", "2 High St", "X1", "M", "North", "y"],
                &["p3", "Bob", "e@f", "1 High St", "X1", "", "South", "y"],
                &["p4", "Bob", "e@f", "1 High St", "X1", "F", "South", "y"],
            ],
        );
        let mapping = suggest(&people);
        assert_eq!(mapping.id, IdSource::Column("nationbuilder_id".into()));
        let household = mapping.household.unwrap();
        assert_eq!(household.columns, ["primary_address1", "primary_zip"]);
        let attributes: Vec<&str> = mapping.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        assert_eq!(attributes, ["Gender", "Region"]);
    }

    #[test]
    fn ids_that_stand_twice_are_still_ids() {
        let people = table(&["id", "g"], &[&["a", "f"], &["a", "f"], &["", "m"], &["b", "m"]]);
        assert_eq!(suggest(&people).id, IdSource::Column("id".into()));
        let people = table(&["voter id", "id"], &[&["a", "f"], &["b", "f"], &["c", "f"], &["d", "m"], &["e", "m"]]);
        assert_eq!(suggest(&people).id, IdSource::Column("voter id".into()));
    }

    #[test]
    fn without_an_id_rows_are_numbered() {
        let people = table(&["gender", "leaning"], &[&["f", "l"], &["m", "l"], &["f", "c"], &["m", "c"]]);
        let mapping = suggest(&people);
        assert_eq!((mapping.id, mapping.household, mapping.attributes.len()), (IdSource::Numbered, None, 2));
    }

    #[test]
    fn quotas_name_the_attributes() {
        let people = table(&["id", "GENDER", "x"], &[&["1", "m", "a"], &["2", "f", "a"], &["3", "f", "b"]]);
        let values = vec![ValueQuota::bounded("F", 1, 1), ValueQuota::bounded("M", 1, 1)];
        let quotas = Quotas { size: 2, attributes: vec![AttributeQuotas { name: "Gender".into(), values }] };
        let mapping = suggest_for(&people, &quotas);
        assert_eq!(mapping.attributes.len(), 1);
        assert_eq!((&*mapping.attributes[0].column, &*mapping.attributes[0].name), ("GENDER", "Gender"));
        let (pool, _) = crate::sortition::import::apply(&people, &mapping).unwrap();
        assert_eq!(
            (pool.attributes()[0].values.clone(), pool.counts(0)),
            (vec!["F".to_owned(), "M".to_owned()], vec![2, 1])
        );
    }
}
