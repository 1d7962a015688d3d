//! How a table of people becomes a pool: which column tells people apart, which columns are attributes and how their
//! texts become values, who is left out, and who lives together.

use super::spelling::fold;
use super::table::Table;

/// What is made of a table. Columns are named as the table names them, but for case and spaces.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Mapping {
    /// Where identifiers come from.
    pub id: IdSource,
    /// What happens to people with the same identifier.
    pub duplicates: Duplicates,
    /// People who are left out before anything else is looked at.
    pub leave_out: Vec<LeaveOut>,
    /// The attributes of the pool, in order.
    pub attributes: Vec<AttributeMapping>,
    /// The address, where a rule of one person per household may be wished for.
    pub household: Option<HouseholdMapping>,
}

/// Where identifiers come from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdSource {
    /// A column.
    Column(String),
    /// The place in the table, from 1.
    Numbered,
}

/// What happens to people with the same identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The table is refused, and both rows are named.
    #[default]
    Refuse,
    /// The first row is kept, the others are left out.
    KeepFirst,
    /// The others are called `id (2)`, `id (3)`; blank identifiers become `row 17`.
    MakeUnique,
}

/// People who are left out for what stands in a column.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeaveOut {
    /// The column.
    pub column: String,
    /// The texts; an empty one means blank cells.
    pub texts: Vec<String>,
}

/// How a column becomes an attribute.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AttributeMapping {
    /// The column.
    pub column: String,
    /// The name of the attribute.
    pub name: String,
    /// Values in the order wanted; others follow in the order of the table. Values that only differ in case, spaces or
    /// dashes are the same value.
    pub order: Vec<String>,
    /// What texts become; the first rule that fits holds. Texts without a rule are values as they stand.
    pub rules: Vec<ValueRule>,
    /// What happens to values without a rule that are not in `order`.
    pub unlisted: Policy,
    /// What happens to blank cells, and to texts that rules call missing.
    pub missing: Policy,
}

/// What some texts of a column become.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ValueRule {
    /// Which texts.
    pub from: Source,
    /// What they become.
    pub to: Target,
}

/// Which texts a rule is about.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// This text, but for case, spaces and dashes.
    Text(String),
    /// Numbers from `low` to `high`, both included and without a limit where none is given: ages become bands.
    Numbers { low: Option<f64>, high: Option<f64> },
}

/// What a text becomes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This value; texts with the same target are merged.
    Value(String),
    /// A missing value.
    Missing,
    /// The people are left out.
    LeaveOut,
}

/// What happens where there is no value, or none that is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is kept as a value of its own: as it stands, and where it is blank as [`MISSING`].
    #[default]
    Keep,
    /// It becomes this value.
    Value(String),
    /// The people are left out.
    LeaveOut,
    /// The table is refused, and the rows are named.
    Refuse,
}

/// The value of people of whom it is not known, where [`Policy::Keep`] holds.
pub const MISSING: &str = "(missing)";

/// Which columns make an address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HouseholdMapping {
    /// The columns.
    pub columns: Vec<String>,
    /// Whether addresses are the same that differ in dress only ([`super::household::normalise`]); otherwise they must be
    /// equal letter by letter.
    pub normalise: bool,
}

impl AttributeMapping {
    /// A column whose texts are values as they stand, blank ones as a value of their own.
    pub fn plain(column: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            column: column.into(),
            name: name.into(),
            order: Vec::new(),
            rules: Vec::new(),
            unlisted: Policy::Keep,
            missing: Policy::Keep,
        }
    }

    /// What the rules make of a text; none if none fits.
    pub fn target(&self, text: &str) -> Option<&Target> {
        let folded = fold(text);
        let number = || text.trim().replace(',', ".").parse::<f64>().ok();
        let fits = |rule: &&ValueRule| match &rule.from {
            Source::Text(from) => fold(from) == folded,
            Source::Numbers { low, high } => number()
                .is_some_and(|number| low.is_none_or(|low| number >= low) && high.is_none_or(|high| number <= high)),
        };
        self.rules.iter().find(fits).map(|rule| &rule.to)
    }
}

/// What a column looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnPreview {
    /// Its name.
    pub name: String,
    /// Blank cells.
    pub blanks: usize,
    /// Distinct texts, blanks aside.
    pub distinct: usize,
    /// The most frequent texts with their counts, as many as were asked for; blanks aside.
    pub values: Vec<(String, usize)>,
}

/// The beginning of a table and what its columns look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// One entry a column.
    pub columns: Vec<ColumnPreview>,
    /// The first rows with their numbers in the source.
    pub rows: Vec<(u32, Vec<String>)>,
}

/// A look at a table before it is mapped: its first `rows` rows and up to `values` values of each column.
pub fn preview(table: &Table, rows: usize, values: usize) -> Preview {
    let column = |column: usize| {
        let mut found = table.distinct(column).0;
        let blanks = found.iter().find(|(text, _)| text.is_empty()).map_or(0, |&(_, count)| count);
        found.retain(|(text, _)| !text.is_empty());
        let distinct = found.len();
        // Stable: equally frequent texts stay in the order of the table.
        found.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        found.truncate(values);
        let values = found.into_iter().map(|(text, count)| (text.to_owned(), count)).collect();
        ColumnPreview { name: table.name(column).to_owned(), blanks, distinct, values }
    };
    let cells = |row: usize| (0..table.width()).map(|column| table.cell(row, column).to_owned()).collect();
    Preview {
        columns: (0..table.width()).map(column).collect(),
        rows: (0..table.len().min(rows)).map(|row| (table.source_row(row), cells(row))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::prism;

    #[test]
    fn mappings_come_back_from_their_text() {
        let mut mapping = prism::mapping();
        let from = Source::Numbers { low: Some(65.0), high: None };
        mapping.attributes[0].rules.push(ValueRule { from, to: Target::Missing });
        mapping.household = Some(HouseholdMapping { columns: vec!["street".into()], normalise: true });
        let text = serde_json::to_string(&mapping).unwrap();
        assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
    }

    #[test]
    fn a_preview_shows_the_most_frequent_texts_first() {
        let mut table = Table::new(["id".to_owned(), "g".to_owned()]);
        for (row, cells) in [["a", "x"], ["b", "y"], ["c", ""], ["d", "y"]].into_iter().enumerate() {
            table.push(row as u32 + 2, cells).unwrap();
        }
        let preview = preview(&table, 2, 1);
        assert_eq!(
            preview.rows,
            [(2, vec!["a".to_owned(), "x".to_owned()]), (3, vec!["b".to_owned(), "y".to_owned()])]
        );
        let column = ColumnPreview { name: "g".into(), blanks: 1, distinct: 2, values: vec![("y".into(), 2)] };
        assert_eq!(preview.columns[1], column);
    }
}
