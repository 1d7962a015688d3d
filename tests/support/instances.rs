//! Published instances of sortition, read from the folder beside the repository where there is one.

use std::path::{Path, PathBuf};

use kleroterion::sortition::pool::{Attribute, Pool};
use kleroterion::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};

/// The pool and quotas of an instance whose name ends in the size of its panels, or nothing with a message.
pub fn instance(name: &str) -> Option<(Pool, Quotas)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/sortition").join(name);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let rows = |file: &str| -> Vec<csv::StringRecord> {
        let path: PathBuf = folder.join(file);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
        reader.records().map(Result::unwrap).collect()
    };
    let size = name.rsplit('_').next().unwrap().parse().unwrap();
    let mut attributes: Vec<AttributeQuotas> = Vec::new();
    for row in rows("categories.csv").iter().skip(1) {
        let quota = ValueQuota::bounded(&row[1], row[2].parse().unwrap(), row[3].parse().unwrap());
        match attributes.iter_mut().find(|known| known.name == row[0]) {
            Some(known) => known.values.push(quota),
            None => attributes.push(AttributeQuotas { name: row[0].into(), values: vec![quota] }),
        }
    }
    let known: Vec<Attribute> = attributes
        .iter()
        .map(|quota| Attribute {
            name: quota.name.clone(),
            values: quota.values.iter().map(|value| value.value.clone()).collect(),
        })
        .collect();
    let people = rows("respondents.csv");
    let column = |name: &str| people[0].iter().position(|header| header == name).unwrap();
    let columns: Vec<usize> = known.iter().map(|attribute| column(&attribute.name)).collect();
    let values: Vec<Vec<u16>> = people[1..]
        .iter()
        .map(|row| {
            let place = |(attribute, &column): (&Attribute, &usize)| {
                attribute.values.iter().position(|value| value.eq_ignore_ascii_case(row[column].trim())).unwrap() as u16
            };
            known.iter().zip(&columns).map(place).collect()
        })
        .collect();
    let ids = (0..values.len()).map(|person| format!("p{person}")).collect();
    Some((Pool::new(known, ids, &values, Vec::new()).unwrap(), Quotas { size, attributes }))
}
