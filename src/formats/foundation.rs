//! The Sortition Foundation's CSV files: quotas with their old headers (`category,name,min,max` and
//! `category,feature,min,max`) and new ones (`feature,value,min,max[,min_flex,max_flex]`), and people, one row each.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::sortition::pool::{Attribute, Pool};
use crate::sortition::quotas::{AttributeQuotas, Quotas, ValueQuota};

/// Most bytes of a file that is read.
const MAX_BYTES: u64 = 1 << 30;
/// Problems named before the rest is only counted.
const NAMED: usize = 20;

/// How rows of people are read.
#[derive(Clone, Debug, Default)]
pub struct PeopleOptions {
    /// The column of identifiers; otherwise the first of the usual names, otherwise rows are numbered from 1.
    pub id: Option<String>,
    /// Columns that make an address, for the rule of one per household; people are of one household if all are equal but
    /// for case and spaces, and not all are empty.
    pub household: Vec<String>,
}

/// What is wrong with a file; one line a problem, the file last.
fn refusal(path: &Path, mut problems: Vec<String>) -> String {
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    format!("{} ({})", problems.join("; "), path.display())
}

/// The text of a file in UTF-8, with or without a byte order mark.
fn text(path: &Path) -> Result<String, String> {
    let failed = |problem: String| format!("{problem} ({})", path.display());
    let unreadable = |error: std::io::Error| failed(format!("the file cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(failed(format!("the file has {size} bytes, more than the {MAX_BYTES} that are read. Split it")));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map_or(&bytes[..], |rest| rest);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let row = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Err(failed(format!("row {row} is not in UTF-8. Save the file as \"CSV UTF-8\" and import that")))
        }
    }
}

/// The separator of a header: the most frequent of comma, semicolon and tab.
fn separator(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: u8| header.bytes().filter(|&byte| byte == separator).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|&separator| (count(separator), separator == b',')).unwrap_or(b',')
}

/// Header and rows with their numbers in the file (the header is row 1); empty rows are passed over.
type Table = (Vec<String>, Vec<(u64, csv::StringRecord)>);

fn table(path: &Path) -> Result<Table, String> {
    let text = text(path)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(&text))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| refusal(path, vec![format!("this is no CSV: {error}")]);
    let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    if header.iter().all(String::is_empty) {
        return Err(refusal(path, vec!["the file is empty: its first row must name the columns".into()]));
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let row = record.position().map_or(0, csv::Position::line);
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() != header.len() {
            problems.push(format!("row {row} has {} cells where the header has {}", record.len(), header.len()));
        }
        rows.push((row, record));
    }
    if problems.is_empty() { Ok((header, rows)) } else { Err(refusal(path, problems)) }
}

fn place(header: &[String], name: &str) -> Option<usize> {
    header.iter().position(|column| column.eq_ignore_ascii_case(name))
}

/// The quotas of a file for a panel of `size`. Without flexible limits a relaxation may go from 0 to `size`.
pub fn read_quotas(path: &Path, size: u32) -> Result<Quotas, String> {
    let (header, rows) = table(path)?;
    let at = |name: &str| place(&header, name);
    // In the old layout "category" is the attribute and "feature" or "name" its value.
    let columns = match (at("category"), at("feature").or(at("name")), at("feature"), at("value")) {
        (Some(attribute), Some(value), ..) | (None, _, Some(attribute), Some(value)) => Some((attribute, value)),
        _ => None,
    };
    let (Some((attribute, value)), Some(min), Some(max)) = (columns, at("min"), at("max")) else {
        let problem = format!(
            "the header is {:?}: it must name the columns feature, value, min and max (or category, name, min, max)",
            header.join(",")
        );
        return Err(refusal(path, vec![problem]));
    };
    let flex = [at("min_flex"), at("max_flex")];
    let mut quotas = Quotas { size, attributes: Vec::new() };
    let mut problems = Vec::new();
    for (row, record) in &rows {
        let mut number = |column: usize| {
            let cell = &record[column];
            // Spreadsheets write whole numbers as 12.0 at times.
            let whole = cell.strip_suffix(".0").unwrap_or(cell).parse::<u32>();
            whole
                .map_err(|_| problems.push(format!("row {row}: {} is {cell:?}, not a whole number", header[column])))
                .ok()
        };
        let (Some(min), Some(max)) = (number(min), number(max)) else { continue };
        let mut limit = |column: Option<usize>, otherwise: u32| {
            let column = column.filter(|&column| !record[column].is_empty());
            column.map_or(Some(otherwise), &mut number)
        };
        let (Some(min_flex), Some(max_flex)) = (limit(flex[0], 0), limit(flex[1], size.max(max))) else { continue };
        let (name, value) = (&record[attribute], &record[value]);
        if min > max {
            problems.push(format!("row {row}: {name}, {value} has min {min} above max {max}"));
        }
        if min_flex > min || max_flex < max {
            problems.push(format!(
                "row {row}: {name}, {value} has flexible limits {min_flex} to {max_flex} that do not contain {min} to {max}"
            ));
        }
        let known = quotas.attributes.iter().position(|quota| quota.name == name);
        let place = known.unwrap_or_else(|| {
            quotas.attributes.push(AttributeQuotas { name: name.to_owned(), values: Vec::new() });
            quotas.attributes.len() - 1
        });
        let values = &mut quotas.attributes[place].values;
        if values.iter().any(|quota| quota.value.eq_ignore_ascii_case(value)) {
            problems.push(format!("row {row}: {name}, {value} stands twice"));
        }
        values.push(ValueQuota { min_flex, max_flex, ..ValueQuota::bounded(value, min, max) });
    }
    if rows.is_empty() {
        problems.push("there are no quotas: add a row for each value".into());
    }
    if problems.is_empty() { Ok(quotas) } else { Err(refusal(path, problems)) }
}

/// People with the attributes that `quotas` name; values match but for case and spaces at their ends.
pub fn read_people(path: &Path, quotas: &Quotas, options: &PeopleOptions) -> Result<Pool, String> {
    let (header, rows) = table(path)?;
    let mut problems = Vec::new();
    let mut column = |name: &str, what: &str| {
        let found = place(&header, name);
        if found.is_none() {
            problems.push(format!("there is no column {name:?} for {what}: the columns are {}", header.join(", ")));
        }
        found
    };
    let attributes: Vec<Option<usize>> = quotas.attributes.iter().map(|quota| column(&quota.name, "a quota")).collect();
    let home: Vec<Option<usize>> = options.household.iter().map(|name| column(name, "households")).collect();
    let usual = ["id", "nationbuilder_id", "user_id", "person_id", "unique_id", "respondent_id"];
    let id = match &options.id {
        Some(name) => column(name, "identifiers"),
        None => usual.iter().find_map(|name| place(&header, name)),
    };
    let (Some(attributes), Some(home)) =
        (attributes.into_iter().collect::<Option<Vec<_>>>(), home.into_iter().collect::<Option<Vec<_>>>())
    else {
        return Err(refusal(path, problems));
    };
    if rows.is_empty() {
        problems.push("there are no people: add a row for each person".into());
    }
    let known: Vec<HashMap<String, u16>> = quotas
        .attributes
        .iter()
        .map(|quota| quota.values.iter().zip(0..).map(|(quota, place)| (quota.value.to_lowercase(), place)).collect())
        .collect();
    let (mut ids, mut values, mut households) = (Vec::new(), Vec::new(), Vec::new());
    let mut first: HashMap<String, u64> = HashMap::new();
    let mut unknown: BTreeMap<(usize, String), (u64, usize)> = BTreeMap::new();
    for (number, (row, record)) in rows.iter().enumerate() {
        let own = id.map_or_else(|| (number + 1).to_string(), |column| record[column].to_owned());
        if own.is_empty() {
            problems.push(format!("row {row} has no id: fill it in, or name another column with --id"));
        } else if let Some(other) = first.insert(own.clone(), *row) {
            problems.push(format!("rows {other} and {row} have the same id {own:?}: keep one of them"));
        }
        let mut person = Vec::with_capacity(attributes.len());
        for (place, (&column, known)) in attributes.iter().zip(&known).enumerate() {
            match known.get(&record[column].to_lowercase()) {
                Some(&value) => person.push(value),
                None => unknown.entry((place, record[column].to_owned())).or_insert((*row, 0)).1 += 1,
            }
        }
        let address: Vec<String> = home
            .iter()
            .map(|&column| record[column].to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        households.push(if address.iter().all(String::is_empty) { String::new() } else { address.join("\n") });
        ids.push(own);
        values.push(person);
    }
    for ((place, value), (row, people)) in unknown {
        let name = &quotas.attributes[place].name;
        let shown = if value.is_empty() { "nothing".to_owned() } else { format!("{value:?}") };
        problems.push(format!(
            "row {row} has {shown} for {name}, which the quotas do not name ({people} in all): add a row for it, or correct it"
        ));
    }
    if !problems.is_empty() {
        return Err(refusal(path, problems));
    }
    let attributes = quotas
        .attributes
        .iter()
        .map(|quota| Attribute {
            name: quota.name.clone(),
            values: quota.values.iter().map(|quota| quota.value.clone()).collect(),
        })
        .collect();
    let households = if home.is_empty() { Vec::new() } else { households };
    Pool::new(attributes, ids, &values, households).map_err(|error| refusal(path, vec![error.to_string()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn old_and_new_headers_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let texts = [
            "category,name,min,max\nGender,F,1,2\nGender,M,0,1\n",
            "category,feature,min,max\nGender,F,1,2\nGender,M,0,1\n",
            "\u{feff}Feature;Value;Min;Max\r\nGender;F;1;2\r\nGender;M;0.0;1\r\n",
            "feature,value,min,max,min_flex,max_flex\nGender,F,1,2,0,3\nGender,M,0,1,,\n",
        ];
        let read = texts.map(|text| read_quotas(&write(&folder, "q.csv", text.as_bytes()), 3).unwrap());
        assert!(read.iter().all(|quotas| *quotas == read[0]));
        let first = &read[0].attributes[0].values[0];
        assert_eq!((first.min, first.max, first.min_flex, first.max_flex), (1, 2, 0, 3));
    }

    #[test]
    fn every_bad_row_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "q.csv", b"feature,value,min,max\nG,F,x,2\nG,M,3,1\nG,m,0,1\n");
        let problem = read_quotas(&path, 3).unwrap_err();
        for part in ["row 2: min is \"x\"", "row 3: G, M has min 3 above max 1", "row 4: G, m stands twice", "q.csv"] {
            assert!(problem.contains(part), "{problem}");
        }
        let problem = read_quotas(&write(&folder, "q.csv", b"a,b\n1,2\n"), 3).unwrap_err();
        assert!(problem.contains("feature, value, min and max"), "{problem}");
        let problem = read_quotas(&write(&folder, "q.csv", b"feature,value,min,max\nG,\xff,1,2\n"), 3).unwrap_err();
        assert!(problem.contains("row 2 is not in UTF-8"), "{problem}");
    }

    #[test]
    fn people_match_quotas_and_households() {
        let folder = tempfile::tempdir().unwrap();
        let quotas = read_quotas(&write(&folder, "q.csv", b"feature,value,min,max\nG,F,1,1\nG,M,1,1\n"), 2).unwrap();
        let people = write(&folder, "p.csv", b"id,g,street,zip\na, f ,1  High St,X1\nb,M,1 high st,x1\nc,M,,\n");
        let options = PeopleOptions { id: None, household: vec!["street".into(), "zip".into()] };
        let pool = read_people(&people, &quotas, &options).unwrap();
        assert_eq!((pool.len(), pool.counts(0)), (3, vec![1, 2]));
        assert_eq!(pool.household(0), pool.household(1));
        assert_eq!(pool.household(2), None);
        let bad = write(&folder, "p.csv", b"id,G\na,F\na,X\nb,\nc,X\n");
        let problem = read_people(&bad, &quotas, &PeopleOptions::default()).unwrap_err();
        for part in ["rows 2 and 3 have the same id", "row 3 has \"X\" for G", "(2 in all)", "row 4 has nothing for G"]
        {
            assert!(problem.contains(part), "{problem}");
        }
    }
}
