//! The survey of PRISM (Kirk et al. 2024, `survey.jsonl`), as the paper on sortition-weighted learning takes people from it.
//!
//! Raters who only answered the survey have no conversations to learn from and are left out. A value that the paper's
//! quotas do not name becomes "Other", where the attribute has that, and else its people are left out; a missing one
//! becomes "Prefer not to say", where the attribute has that, and else as before.

use super::mapping::{AttributeMapping, Duplicates, IdSource, LeaveOut, Mapping, Policy};
use super::presets::{OTHER, UNSAID, papers_attributes};
use super::table::Table;

/// Whether a table is PRISM's survey: its identifiers, its mark of raters without conversations, and at least one of the
/// answers that were simplified.
pub fn is_survey(table: &Table) -> bool {
    let has = |name: &str| table.names().any(|column| column == name);
    has("user_id") && has("survey_only") && (has("ethnicity.simplified") || has("religion.simplified"))
}

/// The mapping of PRISM's survey to the paper's seven attributes.
pub fn mapping() -> Mapping {
    let attribute = |(name, values): (&str, Vec<&str>)| {
        let column = match name {
            "ethnicity" | "religion" => format!("{name}.simplified"),
            _ => name.to_owned(),
        };
        let unlisted = if values.contains(&OTHER) { Policy::Value(OTHER.to_owned()) } else { Policy::LeaveOut };
        let missing = if values.contains(&UNSAID) { Policy::Value(UNSAID.to_owned()) } else { unlisted.clone() };
        let order = values.into_iter().map(str::to_owned).collect();
        AttributeMapping { column, name: name.to_owned(), order, rules: Vec::new(), unlisted, missing }
    };
    Mapping {
        id: IdSource::Column("user_id".into()),
        duplicates: Duplicates::Refuse,
        leave_out: vec![LeaveOut { column: "survey_only".into(), texts: vec!["true".into()] }],
        attributes: papers_attributes().map(attribute).collect(),
        household: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sortition::import::apply;
    use crate::sortition::import_report::Reason;
    use crate::sortition::suggestion::suggest;

    /// Made-up raters with the keys of the survey.
    fn survey(rows: &[[&str; 6]]) -> Table {
        let names = [
            "user_id",
            "survey_only",
            "age",
            "gender",
            "ethnicity.simplified",
            "religion.simplified",
            "marital_status",
            "employment_status",
            "education",
        ];
        let mut table = Table::new(names.map(str::to_owned));
        for (row, &[id, only, age, gender, ethnicity, religion]) in rows.iter().enumerate() {
            let rest = ["Married", "Retired", "Vocational"];
            let cells = [id, only, age, gender, ethnicity, religion].into_iter().chain(rest);
            table.push(row as u32 + 1, cells).unwrap();
        }
        table
    }

    #[test]
    fn raters_are_taken_as_the_paper_takes_them() {
        let table = survey(&[
            ["user0", "false", "25-34 years old", "Female", "White", "Christian"],
            ["user1", "true", "25-34 years old", "Male", "Black", "Jewish"],
            ["user2", "false", "65+ years old", "", "Klingon", ""],
            ["user3", "false", "Prefer not to say", "Male", "Asian", "Muslim"],
            ["user4", "false", "18-24 years old", "Agender", "Asian", "Muslim"],
        ]);
        assert!(is_survey(&table));
        let (pool, report) = apply(&table, &suggest(&table)).unwrap();
        assert_eq!(pool.ids(), ["user0", "user2"]);
        let of = |person: usize, name: &str| {
            let place = pool.attributes().iter().position(|attribute| attribute.name == name).unwrap();
            pool.attributes()[place].values[usize::from(pool.values(person)[place])].as_str()
        };
        assert_eq!(["gender", "ethnicity", "religion"].map(|name| of(1, name)), [UNSAID, OTHER, UNSAID]);
        let reasons: Vec<_> = report.left_out.iter().map(|left| (left.reason.clone(), left.rows.clone())).collect();
        let value = |attribute: &str, text: &str| Reason::Value { attribute: attribute.into(), text: text.into() };
        assert_eq!(
            reasons,
            [
                (Reason::Column { column: "survey_only".into(), text: "true".into() }, vec![2]),
                (value("gender", "Agender"), vec![5]),
                (value("age", UNSAID), vec![4]),
            ]
        );
    }
}
