//! One record of a file as a preference: plain prompts and replies, lists of messages, or whole conversations that share
//! their beginning, as TRL's datasets have them.

use serde_json::{Map, Value};

use super::columns::{Columns, Field};
use crate::dempo::preference::{Message, Preference, Role};

/// The rater of pairs in a file that names none.
pub(super) const EVERYONE: &str = "everyone";

/// What a column of text holds.
enum Said {
    Text(String),
    Messages(Vec<Message>),
}

/// The preference of a record; `row` names it where it has no id. Without a rater its rater is empty.
pub(super) fn preference(record: &Map<String, Value>, columns: &Columns, row: u64) -> Result<Preference, String> {
    let said = |field: Field| columns.get(record, field).map(|value| said(value, field.name())).transpose();
    let missing = |field: Field| format!("there is no {}", field.name());
    let chosen = said(Field::Chosen)?.ok_or_else(|| missing(Field::Chosen))?;
    let rejected = said(Field::Rejected)?.ok_or_else(|| missing(Field::Rejected))?;
    let (mut prompt, chosen, rejected) = match (said(Field::Prompt)?, chosen, rejected) {
        (prompt, Said::Text(chosen), Said::Text(rejected)) => match prompt {
            Some(prompt) => (prompt.messages(), chosen, rejected),
            None => from_transcripts(&chosen, &rejected)?,
        },
        (prompt, chosen, rejected) => {
            let before = prompt.map(Said::messages).unwrap_or_default();
            from_conversations(before, chosen.reply(), rejected.reply())?
        }
    };
    let text = |field: Field| columns.get(record, field).map(|value| plain(value, field.name())).transpose();
    if let Some(system) = text(Field::System)?.filter(|system| !system.trim().is_empty()) {
        prompt.insert(0, Message::new(Role::System, system));
    }
    let number = |field: Field| match text(field)?.filter(|text| !text.trim().is_empty()) {
        Some(text) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(format!("the {} \"{text}\" is no number", field.name())),
        },
        None => Ok(None),
    };
    let margin = match number(Field::Margin)? {
        Some(margin) => Some(margin),
        None => number(Field::ScoreChosen)?.zip(number(Field::ScoreRejected)?).map(|(high, low)| high - low),
    };
    let turn = number(Field::Turn)?.unwrap_or(0.0);
    if !(0.0..=f64::from(u32::MAX)).contains(&turn) || turn.fract() != 0.0 {
        return Err(format!("the turn {turn} is no whole number"));
    }
    let id = text(Field::Id)?.filter(|id| !id.trim().is_empty());
    Ok(Preference {
        id: id.unwrap_or_else(|| format!("row-{row}")),
        rater: text(Field::Rater)?.unwrap_or_default().trim().to_owned(),
        conversation: text(Field::Conversation)?.unwrap_or_default(),
        turn: turn as u32,
        prompt,
        chosen,
        rejected,
        margin,
        model_chosen: text(Field::ModelChosen)?,
        model_rejected: text(Field::ModelRejected)?,
    })
}

impl Said {
    /// As what was asked: plain text is the user's.
    fn messages(self) -> Vec<Message> {
        match self {
            Self::Text(text) => vec![Message::new(Role::User, text)],
            Self::Messages(messages) => messages,
        }
    }

    /// As what was answered: plain text is the assistant's.
    fn reply(self) -> Vec<Message> {
        match self {
            Self::Text(text) => vec![Message::new(Role::Assistant, text)],
            Self::Messages(messages) => messages,
        }
    }
}

/// Text, a list of messages, or (in CSV) the JSON of one.
fn said(value: &Value, name: &str) -> Result<Said, String> {
    match value {
        Value::Array(list) => messages(list, name).map(Said::Messages),
        Value::String(text) if text.trim_start().starts_with('[') => match serde_json::from_str::<Value>(text) {
            Ok(Value::Array(list)) if list.iter().all(|item| item.get("role").is_some()) && !list.is_empty() => {
                messages(&list, name).map(Said::Messages)
            }
            _ => Ok(Said::Text(text.clone())),
        },
        other => plain(other, name).map(Said::Text),
    }
}

fn plain(value: &Value, name: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(format!("the {name} is neither text nor a list of messages")),
    }
}

fn messages(list: &[Value], name: &str) -> Result<Vec<Message>, String> {
    let message = |item: &Value| {
        let role = item.get("role").or_else(|| item.get("from")).and_then(Value::as_str);
        let role = match role.map(str::to_ascii_lowercase).as_deref() {
            Some("user" | "human") => Role::User,
            Some("assistant" | "gpt" | "model") => Role::Assistant,
            Some("system") => Role::System,
            Some(other) => {
                return Err(format!("the {name} has a message of \"{other}\"; known are system, user, assistant"));
            }
            None => return Err(format!("the {name} has a message without a role")),
        };
        let content = item.get("content").or_else(|| item.get("value"));
        Ok(Message::new(role, content.map(content_text).unwrap_or(Ok(String::new()))?))
    };
    list.iter().map(message).collect()
}

/// The text of a message: a string, or parts that are all text.
fn content_text(content: &Value) -> Result<String, String> {
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text").and_then(Value::as_str)).collect();
            texts.map(|texts| texts.concat()).ok_or_else(|| "a message has a part that is not text".to_owned())
        }
        _ => Err("the content of a message is neither text nor a list of parts".to_owned()),
    }
}

type Parts = (Vec<Message>, String, String);

/// Conversations that share their beginning: what they share is the prompt, and one reply of the assistant may be left of
/// each.
fn from_conversations(
    before: Vec<Message>,
    mut chosen: Vec<Message>,
    mut rejected: Vec<Message>,
) -> Result<Parts, String> {
    // The last message is a reply even where both are the same.
    let most = chosen.len().min(rejected.len()).saturating_sub(1);
    let shared = (0..most).take_while(|&place| chosen[place] == rejected[place]).count();
    let (chosen_reply, rejected_reply) = (chosen.split_off(shared), rejected.split_off(shared));
    let mut prompt = before;
    // Some files repeat the prompt in the conversations.
    if prompt.is_empty() || !chosen.starts_with(&prompt) {
        prompt.extend(chosen);
    } else {
        prompt = chosen;
    }
    let reply = |mut messages: Vec<Message>, name: &str| match (messages.pop(), messages.is_empty()) {
        (Some(Message { role: Role::Assistant, content }), true) => Ok(content),
        (Some(_), true) => Err(format!("the last message of the {name} conversation is not the assistant's")),
        (Some(_), false) => Err(format!(
            "the {name} conversation goes on for several messages after what both share; only one reply can be compared"
        )),
        (None, _) => Err(format!("the {name} conversation is empty")),
    };
    Ok((prompt, reply(chosen_reply, "chosen")?, reply(rejected_reply, "rejected")?))
}

/// Whole transcripts without a prompt of their own: with `Human:` and `Assistant:` at the beginning of paragraphs, as the
/// helpful-and-harmless data has them, else plain text, whose prompt is what both share up to the last blank.
fn from_transcripts(chosen: &str, rejected: &str) -> Result<Parts, String> {
    if let Some((chosen, rejected)) = turns(chosen).zip(turns(rejected)) {
        return from_conversations(Vec::new(), chosen, rejected);
    }
    let differ = chosen.char_indices().zip(rejected.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    let shared = &chosen[..differ.unwrap_or(chosen.len().min(rejected.len()))];
    let cut = shared.rfind(char::is_whitespace).unwrap_or(0);
    if chosen[..cut].trim().is_empty() {
        return Err("there is no prompt, and chosen and rejected share no beginning".to_owned());
    }
    let prompt = vec![Message::new(Role::User, &chosen[..cut])];
    Ok((prompt, chosen[cut..].trim_start().to_owned(), rejected[cut..].trim_start().to_owned()))
}

fn turns(text: &str) -> Option<Vec<Message>> {
    const MARKS: [(&str, Role); 2] = [("\n\nHuman:", Role::User), ("\n\nAssistant:", Role::Assistant)];
    let mut marks: Vec<(usize, usize, Role)> = MARKS
        .iter()
        .flat_map(|(mark, role)| text.match_indices(mark).map(|(at, mark)| (at, at + mark.len(), *role)))
        .collect();
    marks.sort_by_key(|mark| mark.0);
    let first = marks.first()?;
    if !text[..first.0].trim().is_empty() || first.2 != Role::User {
        return None;
    }
    let ends = marks.iter().skip(1).map(|mark| mark.0).chain([text.len()]);
    Some(marks.iter().zip(ends).map(|(&(_, start, role), end)| Message::new(role, text[start..end].trim())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn read(record: Value) -> Result<Preference, String> {
        preference(record.as_object().unwrap(), &Columns(&BTreeMap::new()), 4)
    }

    fn told(pair: &Preference) -> String {
        let letter = |role: Role| ["S", "U", "A"][role as usize];
        let said: Vec<String> = pair.prompt.iter().map(|m| format!("{}:{}", letter(m.role), m.content)).collect();
        format!("{} > {} | {}", said.join(" "), pair.chosen, pair.rejected)
    }

    #[test]
    fn all_dresses_of_a_pair_read_alike() {
        let user = |text: &str| json!({"role": "user", "content": text});
        let reply = |text: &str| json!({"role": "assistant", "content": text});
        let known = "U:Where? > Here. | There.";
        for record in [
            json!({"prompt": "Where?", "chosen": "Here.", "rejected": "There."}),
            json!({"prompt": [user("Where?")], "chosen": [reply("Here.")], "rejected": [reply("There.")]}),
            json!({"chosen": [user("Where?"), reply("Here.")], "rejected": [user("Where?"), reply("There.")]}),
            json!({"prompt": "Where?", "chosen": [user("Where?"), reply("Here.")], "rejected": [user("Where?"), reply("There.")]}),
            json!({"prompt": [user("Where?")], "chosen": "Here.", "rejected": "There."}),
            json!({"prompt": "[{\"role\":\"user\",\"content\":\"Where?\"}]", "chosen": "Here.", "rejected": "There."}),
            json!({"chosen": "\n\nHuman: Where?\n\nAssistant: Here.", "rejected": "\n\nHuman: Where?\n\nAssistant: There."}),
            json!({"prompt": "Where?", "chosen": [{"from": "gpt", "value": "Here."}],
                   "rejected": [{"role": "assistant", "content": [{"type": "text", "text": "There."}]}]}),
        ] {
            assert_eq!(told(&read(record.clone()).unwrap()), known, "{record}");
        }
        let longer = json!({"system": "Be kind.", "chosen": [user("Hi"), reply("Hello."), user("Where?"), reply("Here.")],
            "rejected": [user("Hi"), reply("Hello."), user("Where?"), reply("There.")]});
        assert_eq!(told(&read(longer).unwrap()), "S:Be kind. U:Hi A:Hello. U:Where? > Here. | There.");
        // Words stay whole where the prompt is what both texts share.
        let implicit = json!({"chosen": "The sky is blue.", "rejected": "The sky is black."});
        assert_eq!(told(&read(implicit).unwrap()), "U:The sky is > blue. | black.");
        let bracket = json!({"prompt": "[sic] why?", "chosen": "a", "rejected": "b"});
        assert_eq!(told(&read(bracket).unwrap()), "U:[sic] why? > a | b");
    }

    #[test]
    fn the_rest_of_a_record() {
        let pair = read(json!({"prompt": "p", "chosen": "c", "rejected": "r", "user_id": 12, "turn": "2",
            "score_chosen": 4.5, "score_rejected": "1", "chosen_model": "m"}))
        .unwrap();
        assert_eq!((pair.id.as_str(), pair.rater.as_str(), pair.turn, pair.margin), ("row-4", "12", 2, Some(3.5)));
        assert_eq!((pair.model_chosen.as_deref(), pair.model_rejected.as_deref()), (Some("m"), None));
        // The project's own form reads as itself.
        let again = read(serde_json::to_value(&pair).unwrap()).unwrap();
        assert_eq!(again, pair);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let user = |text: &str| json!({"role": "user", "content": text});
        let reply = |text: &str| json!({"role": "assistant", "content": text});
        for (record, reason) in [
            (json!({"prompt": "p", "chosen": "c"}), "there is no rejected"),
            (json!({"prompt": "p", "chosen": {"a": 1}, "rejected": "r"}), "the chosen is neither"),
            (
                json!({"prompt": "p", "chosen": "c", "rejected": "r", "margin": "much"}),
                "the margin \"much\" is no number",
            ),
            (json!({"prompt": "p", "chosen": "c", "rejected": "r", "turn": 1.5}), "the turn 1.5"),
            (json!({"chosen": "alpha", "rejected": "beta"}), "there is no prompt"),
            (json!({"chosen": [user("a"), user("b")], "rejected": [user("a"), reply("c")]}), "is not the assistant's"),
            (
                json!({"chosen": [user("a"), reply("b"), user("c"), reply("d")], "rejected": [user("a"), reply("x")]}),
                "goes on for several messages",
            ),
            (json!({"prompt": "p", "chosen": [], "rejected": [reply("r")]}), "the chosen conversation is empty"),
            (
                json!({"prompt": [{"role": "tool", "content": "x"}], "chosen": "c", "rejected": "r"}),
                "message of \"tool\"",
            ),
            (
                json!({"prompt": [{"role": "user", "content": [{"type": "image"}]}], "chosen": "c", "rejected": "r"}),
                "part that is not text",
            ),
        ] {
            let told = read(record.clone()).unwrap_err();
            assert!(told.contains(reason), "{record}: {told}");
        }
    }
}
