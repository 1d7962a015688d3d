//! What an import tells: why a table gives no pool, and what became of every row of one that does.

use super::household::MergedHousehold;
use super::pool::PoolError;
use super::table::SomeRows;

/// Values of one attribute, at most: more are names or numbers, and no quota.
pub const MAX_VALUES: usize = 1000;

/// Why a mapping makes no pool of a table. Rows are those of the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A column that the table does not have.
    #[error("there is no column \"{column}\" for {purpose}{}. Choose another column", did_you_mean(nearest.as_deref()))]
    NoColumn { column: String, purpose: &'static str, nearest: Option<String> },
    /// An attribute without a name.
    #[error("the attribute of column \"{column}\" has no name. Give it one")]
    NoName { column: String },
    /// Two attributes of one name.
    #[error("two attributes are called \"{0}\". Rename one of them")]
    AttributeTwice(String),
    /// More values than an attribute can have.
    #[error(
        "\"{attribute}\" has {values} values, more than {MAX_VALUES}: column \"{column}\" holds names or numbers. \
         Merge its values, or leave it out"
    )]
    TooManyValues { attribute: String, column: String, values: usize },
    /// Blank cells where they are refused.
    #[error("{rows}: no value of \"{attribute}\". Fill it in, or choose what blank cells become")]
    Missing { attribute: String, rows: SomeRows },
    /// A value that is not listed, where such are refused.
    #[error("{rows}: \"{value}\" is no value of \"{attribute}\"{}. Merge it into a value, or leave these people out", did_you_mean(nearest.as_deref()))]
    Unlisted { attribute: String, value: String, nearest: Option<String>, rows: SomeRows },
    /// A value that a spreadsheet lost.
    #[error(
        "{rows}: \"{text}\" stands where the value of \"{attribute}\" was lost. Export the table again, or choose what it becomes"
    )]
    Lost { attribute: String, text: String, rows: SomeRows },
    /// Blank identifiers.
    #[error("{rows}: no id. Fill it in, choose another column, or have the rows numbered")]
    NoId { rows: SomeRows },
    /// People with the same identifier.
    #[error("{rows}: the same id \"{id}\". Correct it, choose another column, or choose which of the rows to keep")]
    SameId { id: String, rows: SomeRows },
    /// Nobody is left.
    #[error("nobody is left of {rows} rows: {}. Change what is left out", reasons(left_out))]
    NoPeople { rows: usize, left_out: Vec<(String, usize)> },
    /// More errors than are told.
    #[error("and {0} more problems of these kinds")]
    More(usize),
    /// The people are no pool.
    #[error("{0}")]
    Pool(#[from] PoolError),
}

pub(super) fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (\"{nearest}\" is near)"))
}

fn reasons(left_out: &[(String, usize)]) -> String {
    left_out.iter().map(|(reason, rows)| format!("{rows} for {reason}")).collect::<Vec<_>>().join(", ")
}

/// Why people were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What stands in a column, by [`super::mapping::Mapping::leave_out`].
    Column { column: String, text: String },
    /// A value of an attribute: a rule leaves its people out, or none lists it.
    Value { attribute: String, text: String },
    /// No value of an attribute.
    Missing { attribute: String },
    /// An identifier that stood before.
    SameId,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column { column, text } if text.is_empty() => write!(f, "a blank \"{column}\""),
            Self::Column { column, text } => write!(f, "\"{text}\" in \"{column}\""),
            Self::Value { attribute, text } => write!(f, "\"{text}\" as \"{attribute}\""),
            Self::Missing { attribute } => write!(f, "no value of \"{attribute}\""),
            Self::SameId => f.write_str("an id that stood before"),
        }
    }
}

/// People who were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The reason; the first one where there are several.
    pub reason: Reason,
    /// Their rows in the source, all of them.
    pub rows: Vec<u32>,
}

/// A value that texts other than itself became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedValue {
    /// The attribute.
    pub attribute: String,
    /// The value.
    pub value: String,
    /// The texts with how many people of the pool have each; an empty text is a blank cell.
    pub from: Vec<(String, usize)>,
}

/// What became of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Rows of the table: as many as people and people left out.
    pub rows: usize,
    /// For each person of the pool, the place of their row in the table.
    pub places: Vec<u32>,
    /// Who was left out.
    pub left_out: Vec<LeftOut>,
    /// Values made of other texts than their own.
    pub merged: Vec<MergedValue>,
    /// Rows whose identifiers were changed so that each is one person's.
    pub renamed_ids: Vec<u32>,
    /// Households whose addresses were written in several ways.
    pub households: Vec<MergedHousehold>,
}
