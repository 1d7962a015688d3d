//! Which column is what, by the names that files commonly give.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Id,
    Rater,
    System,
    Prompt,
    Chosen,
    Rejected,
    Conversation,
    Turn,
    Margin,
    ScoreChosen,
    ScoreRejected,
    ModelChosen,
    ModelRejected,
}

/// Each field with its name on the command line and the usual names of its column, the likeliest first.
const FIELDS: [(Field, &str, &[&str]); 13] = [
    (Field::Id, "id", &["id", "pair_id", "preference_id", "comparison_id", "example_id", "interaction_id"]),
    (
        Field::Rater,
        "rater",
        &["rater", "rater_id", "user_id", "user", "annotator_id", "annotator", "worker_id", "worker", "participant_id"],
    ),
    (Field::System, "system", &["system", "system_prompt"]),
    (Field::Prompt, "prompt", &["prompt", "instruction", "question", "user_prompt", "input", "context"]),
    (Field::Chosen, "chosen", &["chosen", "chosen_response", "response_chosen", "preferred"]),
    (Field::Rejected, "rejected", &["rejected", "rejected_response", "response_rejected", "dispreferred"]),
    (Field::Conversation, "conversation", &["conversation", "conversation_id", "dialogue_id"]),
    (Field::Turn, "turn", &["turn"]),
    (Field::Margin, "margin", &["margin"]),
    (Field::ScoreChosen, "score-chosen", &["score_chosen", "chosen_score", "chosen_rating"]),
    (Field::ScoreRejected, "score-rejected", &["score_rejected", "rejected_score", "rejected_rating"]),
    (Field::ModelChosen, "model-chosen", &["model_chosen", "chosen_model"]),
    (Field::ModelRejected, "model-rejected", &["model_rejected", "rejected_model"]),
];

/// Columns of weights, which are not taken: schemes make weights.
const WEIGHTS: [&str; 2] = ["weight", "sample_weight"];

impl Field {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|(field, ..)| *field == self).map_or("", |(_, name, _)| name)
    }

    /// The field of that name.
    pub fn named(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, known, _)| *known == name).map(|(field, ..)| *field)
    }

    /// All names, for messages.
    pub fn names() -> String {
        FIELDS.map(|(_, name, _)| name).join(", ")
    }
}

/// The usual names of a field's column.
fn usual(field: Field) -> &'static [&'static str] {
    FIELDS.iter().find(|(known, ..)| *known == field).map_or(&[], |(.., names)| names)
}

/// The value under a name, whatever its case.
fn named<'r>(record: &'r Map<String, Value>, name: &str) -> Option<&'r Value> {
    let alike = |(key, _): &(&String, &Value)| key.eq_ignore_ascii_case(name);
    record.get(name).or_else(|| record.iter().find(alike).map(|(_, value)| value))
}

/// Columns that the user named, the usual names for the rest.
pub(super) struct Columns<'c>(pub(super) &'c BTreeMap<Field, String>);

impl Columns<'_> {
    /// The value of a field in a record, unless it is missing or null.
    pub(super) fn get<'r>(&self, record: &'r Map<String, Value>, field: Field) -> Option<&'r Value> {
        let some = |value: &&Value| !value.is_null();
        match self.0.get(&field) {
            Some(name) => record.get(name).filter(some),
            None => usual(field).iter().find_map(|name| named(record, name).filter(some)),
        }
    }

    /// Whether a record has a column for a field, be it null.
    pub(super) fn has(&self, record: &Map<String, Value>, field: Field) -> bool {
        match self.0.get(&field) {
            Some(name) => record.contains_key(name),
            None => usual(field).iter().any(|name| named(record, name).is_some()),
        }
    }

    /// The column of weights that a record has.
    pub(super) fn weight<'r>(&self, record: &'r Map<String, Value>) -> Option<&'r str> {
        record.keys().map(String::as_str).find(|key| WEIGHTS.iter().any(|name| key.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_found_by_their_usual_names_or_the_given_one() {
        let record = json!({"User_ID": 7, "instruction": "x", "prompt": null, "vote": "y", "Weight": 2});
        let record = record.as_object().unwrap();
        let none = BTreeMap::new();
        let usual = Columns(&none);
        assert_eq!(usual.get(record, Field::Rater), Some(&json!(7)));
        assert_eq!((usual.get(record, Field::Chosen), usual.weight(record)), (None, Some("Weight")));
        assert_eq!(usual.get(record, Field::Prompt), Some(&json!("x")));
        assert!(usual.has(record, Field::Prompt) && usual.has(record, Field::Rater) && !usual.has(record, Field::Turn));
        let given = BTreeMap::from([(Field::Chosen, "vote".to_owned()), (Field::Rater, "voter".to_owned())]);
        let given = Columns(&given);
        assert_eq!((given.get(record, Field::Chosen), given.get(record, Field::Rater)), (Some(&json!("y")), None));
        for (field, name, _) in FIELDS {
            assert_eq!((Field::named(name), field.name()), (Some(field), name));
        }
    }
}
