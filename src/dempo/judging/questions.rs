//! Questions out of a writer's reply.

use std::collections::BTreeSet;

/// The questions in a reply: a JSON list of strings (or of objects with one string), with anything around it, or else one
/// question a line. Each is trimmed; repeated ones count once.
///
/// # Errors
/// What is wrong with the reply, in words that the writer can be told.
pub fn read_questions(reply: &str) -> Result<Vec<String>, String> {
    let found = json_texts(reply).unwrap_or_else(|| {
        let lines = crate::dempo::constitution::Constitution::from_lines("", reply).clauses;
        lines.into_iter().map(|line| line.text).filter(|line| line.trim_end_matches('"').ends_with('?')).collect()
    });
    let mut seen = BTreeSet::new();
    let texts = found.iter().map(|text| text.trim().trim_matches('"').trim());
    let questions: Vec<String> =
        texts.filter(|text| !text.is_empty() && seen.insert(text.to_lowercase())).map(str::to_owned).collect();
    if questions.is_empty() { Err("it holds no JSON list of questions".into()) } else { Ok(questions) }
}

fn json_texts(reply: &str) -> Option<Vec<String>> {
    use serde_json::Value;
    let from = reply.find('[')?;
    let mut values = serde_json::Deserializer::from_str(&reply[from..]).into_iter::<Vec<Value>>();
    let list = values.next()?.ok()?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => fields.values().find_map(Value::as_str).map(str::to_owned),
        _ => None,
    };
    list.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_found_in_a_list_or_in_lines() {
        let json = "Here you are:\n```json\n[\"Why?\", {\"question\": \"How?\"}, \" why? \"]\n```";
        assert_eq!(read_questions(json).unwrap(), ["Why?", "How?"]);
        assert_eq!(read_questions("Sure!\n1. Why?\n2. \"How?\"").unwrap(), ["Why?", "How?"]);
        assert!(read_questions("I would rather not.").is_err());
        assert!(read_questions("[1, 2]").is_err());
    }
}
