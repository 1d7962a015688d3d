//! The Sortition Foundation's files: a table of people, one row each, and a table of quotas, one row a value.

use std::fmt;
use std::path::{Path, PathBuf};

use super::table;
use crate::sortition::import;
use crate::sortition::import_report::ImportReport;
use crate::sortition::mapping::{HouseholdMapping, IdSource, Policy};
use crate::sortition::pool::Pool;
use crate::sortition::quota_table::{self, Header};
use crate::sortition::quotas::Quotas;
use crate::sortition::suggestion::suggest_for;
use crate::sortition::table::{Table, TableFull};

/// Problems that a message tells before it only counts them.
const TOLD: usize = 20;

/// Bytes of a table of quotas at most: some thousands of rows.
const MOST_OF_QUOTAS: u64 = 1 << 20;

/// A file that was refused, for all its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, each with its row and the remedy.
    pub problems: Vec<String>,
    /// The file.
    pub path: PathBuf,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<&str> = self.problems.iter().take(TOLD).map(String::as_str).collect();
        f.write_str(&told.join("; "))?;
        match self.problems.len() - told.len() {
            0 => (),
            more => write!(f, "; and {more} more problems")?,
        }
        write!(f, " ({})", self.path.display())
    }
}

impl Refused {
    fn new<E: ToString>(path: &Path, problems: &[E]) -> Self {
        Self { problems: problems.iter().map(ToString::to_string).collect(), path: path.into() }
    }
}

/// How rows of people are read where no mapping is at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleOptions {
    /// The column of identifiers; otherwise one of the usual names, otherwise rows are numbered from 1.
    pub id: Option<String>,
    /// The columns of the address; otherwise those with the usual names.
    pub household: Vec<String>,
}

/// Quotas from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadQuotas {
    /// The quotas.
    pub quotas: Quotas,
    /// What the reader of the file had to assume.
    pub warnings: Vec<String>,
}

/// People from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPeople {
    /// The people, with the attributes that the quotas name.
    pub pool: Pool,
    /// The table they are from, with all its columns.
    pub table: Table,
    /// What became of its rows.
    pub report: ImportReport,
    /// What the reader of the file had to assume.
    pub warnings: Vec<String>,
}

/// The quotas of a file for a panel of `size`, in any layout that [`quota_table`] knows; `tolerance` is the relative one of
/// bounds made from targets.
pub fn read_quotas(path: &Path, size: u32, tolerance: f64) -> Result<ReadQuotas, Refused> {
    let read = table::read(path, None).map_err(|error| Refused::new(path, &[error.problem]))?;
    let quotas = quota_table::read(&read.table, size, tolerance).map_err(|errors| Refused::new(path, &errors))?;
    Ok(ReadQuotas { quotas, warnings: read.warnings.iter().map(ToString::to_string).collect() })
}

/// Whether a file holds quotas, by its columns; what cannot be read, or is larger than any table of quotas, does not.
pub fn holds_quotas(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() <= MOST_OF_QUOTAS)
        && table::read(path, None).is_ok_and(|read| quota_table::has_quota_columns(&read.table))
}

/// People with the attributes that `quotas` name, their values in the quotas' spelling. Blank cells and values that the
/// quotas do not name are refused, unless the table is one whose mapping says what becomes of them (PRISM's survey).
pub fn read_people(path: &Path, quotas: &Quotas, options: &PeopleOptions) -> Result<ReadPeople, Refused> {
    let read = table::read(path, None).map_err(|error| Refused::new(path, &[error.problem]))?;
    let mut mapping = suggest_for(&read.table, quotas);
    if let Some(column) = &options.id {
        mapping.id = IdSource::Column(column.clone());
    }
    if !options.household.is_empty() {
        mapping.household = Some(HouseholdMapping { columns: options.household.clone(), normalise: true });
    }
    for attribute in &mut mapping.attributes {
        for policy in [&mut attribute.unlisted, &mut attribute.missing] {
            if *policy == Policy::Keep {
                *policy = Policy::Refuse;
            }
        }
    }
    let (pool, report) = import::apply(&read.table, &mapping).map_err(|errors| Refused::new(path, &errors))?;
    let warnings = read.warnings.iter().map(ToString::to_string).collect();
    Ok(ReadPeople { pool, table: read.table, report, warnings })
}

/// Quotas as CSV.
pub fn quotas_csv(quotas: &Quotas, header: Header) -> Result<String, TableFull> {
    let table = quota_table::table(quotas, header)?;
    Ok(table_csv(&table, 0..table.len()))
}

/// Rows of a table as CSV, with all its columns: those who were selected, or those who remain.
pub fn table_csv(table: &Table, rows: impl IntoIterator<Item = usize>) -> String {
    let cells = |row: usize| (0..table.width()).map(move |column| table.cell(row, column).to_owned());
    csv(table.names().map(str::to_owned).collect(), rows.into_iter().map(|row| cells(row).collect()))
}

/// People as CSV where their own table is not at hand: identifiers and attributes.
pub fn pool_csv(pool: &Pool, people: impl IntoIterator<Item = usize>) -> String {
    let names =
        std::iter::once("id".to_owned()).chain(pool.attributes().iter().map(|attribute| attribute.name.clone()));
    let row = |person: usize| {
        let values = pool.attributes().iter().zip(pool.values(person));
        let texts = values.map(|(attribute, &value)| attribute.values[usize::from(value)].clone());
        std::iter::once(pool.ids()[person].clone()).chain(texts).collect()
    };
    csv(names.collect(), people.into_iter().map(row))
}

fn csv(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let quoted = |cell: &String| {
        let plain = !cell.contains([',', ';', '\t', '"', '\n', '\r']) && cell.trim() == cell;
        if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let line = |row: Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
    std::iter::once(header).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::presets::Preset;
    use crate::sortition::table::SomeRows;

    fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn people_take_the_quotas_spelling_and_live_together() {
        let folder = tempfile::tempdir().unwrap();
        let quotas = written(&folder, "q.csv", "\u{feff}Feature;Value;Min;Max\r\nGender;F;1;1\r\nGender;M;0.0;1\r\n");
        let quotas = read_quotas(&quotas, 2, 0.0).unwrap().quotas;
        let people = written(
            &folder,
            "p.csv",
            "id,g,gender,street,zip\na,x, f ,1  High St,X1\nb,x,M,\"1, high street\",x1\nc,x,M,,\n",
        );
        let options = PeopleOptions { id: None, household: vec!["street".into(), "zip".into()] };
        let read = read_people(&people, &quotas, &options).unwrap();
        assert_eq!((read.pool.counts(0), read.pool.attributes().len()), (vec![1, 2], 1));
        assert_eq!((read.pool.household(0) == read.pool.household(1), read.pool.household(2)), (true, None));
        assert_eq!(read.report.households[0].addresses[1], ("1, high street, x1".to_owned(), vec![3]));
        // The chosen with all their columns, and as the pool knows them.
        assert_eq!(
            table_csv(&read.table, [1, 2]),
            "id,g,gender,street,zip\r\nb,x,M,\"1, high street\",x1\r\nc,x,M,,\r\n"
        );
        assert_eq!(pool_csv(&read.pool, [0]), "id,Gender\r\na,F\r\n");
        assert_eq!(
            quotas_csv(&quotas, Header::CategoryName).unwrap(),
            "category,name,min,max\r\nGender,F,1,1\r\nGender,M,0,1\r\n"
        );
    }

    #[test]
    fn every_problem_is_told_and_the_file_last() {
        let folder = tempfile::tempdir().unwrap();
        let quotas =
            read_quotas(&written(&folder, "q.csv", "feature,value,min,max\nG,Fee,1,1\nG,M,1,1\n"), 2, 0.0).unwrap();
        let people = written(&folder, "p.csv", "id,G\na,Fee\na,Fe\nb,\nc,Fe\n");
        let refused = read_people(&people, &quotas.quotas, &PeopleOptions::default()).unwrap_err().to_string();
        for part in [
            "rows 2, 3: the same id \"a\"",
            "rows 3, 5: \"Fe\" is no value of \"G\" (\"Fee\" is near)",
            "row 4: no value of \"G\"",
        ] {
            assert!(refused.contains(part), "{refused}");
        }
        assert!(refused.ends_with("p.csv)"), "{refused}");
        let rows: String = (0..30).map(|row| format!("G,v{row},x,1\n")).collect();
        let quotas = written(&folder, "q.csv", &format!("feature,value,min,max\n{rows}"));
        let refused = read_quotas(&quotas, 2, 0.0).unwrap_err();
        assert_eq!(refused.problems.len(), 30);
        assert!(refused.to_string().contains("; and 10 more problems ("), "{refused}");
        let none = PeopleOptions { id: Some("ID number".into()), household: Vec::new() };
        let people = written(&folder, "p.csv", "id,x\na,1\n");
        let quotas = Quotas { size: 1, attributes: Vec::new() };
        assert!(
            read_people(&people, &quotas, &none)
                .unwrap_err()
                .to_string()
                .starts_with("there is no column \"ID number\" for ids")
        );
    }

    #[test]
    fn a_survey_of_prism_meets_the_papers_quotas() {
        let line = |id: &str, only: bool, religion: &str, ethnicity: &str| {
            format!(
                "{{\"user_id\":\"{id}\",\"survey_only\":{only},\"age\":\"25-34 years old\",\"gender\":\"Male\",\
                 \"employment_status\":\"Retired\",\"education\":\"Vocational\",\"marital_status\":\"Married\",\
                 \"religion\":{{\"self_described\":\"own words\",\"categorised\":\"x\",\"simplified\":{religion}}},\
                 \"ethnicity\":{{\"self_described\":\"y\",\"categorised\":\"y\",\"simplified\":\"{ethnicity}\"}},\
                 \"lm_usecases\":{{\"search\":1}},\"order_lm_usecases\":[\"search\",\"work\"],\"timing_duration_s\":61.0}}\n"
            )
        };
        let lines = [
            line("made-up 0", false, "\"No Affiliation\"", "White"),
            line("made-up 1", true, "\"Christian\"", "White"),
            line("made-up 2", false, "null", "Martian"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = written(&folder, "survey.jsonl", &lines.concat());
        let quotas = Preset::PaperUnitedStates.quotas(1, 0.1);
        let read = read_people(&path, &quotas, &PeopleOptions::default()).unwrap();
        assert_eq!(read.pool.ids(), ["made-up 0", "made-up 2"]);
        assert_eq!(read.report.left_out[0].rows, [2]);
        assert_eq!(quotas.check(&read.pool), Ok(()));
        let of = |name: &str| {
            let place = read.pool.attributes().iter().position(|attribute| attribute.name == name).unwrap();
            read.pool.attributes()[place].values[usize::from(read.pool.values(1)[place])].clone()
        };
        assert_eq!([of("religion"), of("ethnicity")], ["Prefer not to say", "Other"]);
        assert_eq!(read.warnings, ["\"order_lm_usecases\" holds lists; their items were joined with \"; \""]);
        let own_words = SomeRows::of(&read.table, read.table.column("religion.self_described").unwrap(), |text| {
            text == "own words"
        });
        assert_eq!(own_words.all, 3);
        assert!(!serde_json::to_string(&read.pool).unwrap().contains("own words"));
    }
}
