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
