//! From the body of an HTTP answer to what was said, how it ended and what it cost.

use serde_json::Value;

use super::chat::{Ending, Usage};

/// Tags between which models think aloud.
const THINKING: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];
/// Characters of a provider's own words that a message repeats.
const QUOTED: usize = 300;

/// What a body says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    Answer(Answer),
    Error(ProviderError),
}

/// The model's part of a reply.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub text: String,
    pub reasoning: Option<String>,
    pub ending: Ending,
    pub usage: Option<Usage>,
    pub cost: Option<f64>,
}

/// What a provider says went wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ProviderError {
    /// A status inside the body, where there is one.
    pub status: Option<u16>,
    /// Its names of the error (`code`, `type`), lower case.
    pub kind: String,
    /// In its own words; may be empty.
    pub message: String,
}

impl ProviderError {
    /// Its words, cut to a length that fits a message; empty if it has none.
    pub fn quoted(&self) -> String {
        let words = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        match words.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("{}...", &words[..end]),
            None => words,
        }
    }
}

/// Reads the body of a success.
///
/// # Errors
/// What is wrong with it, in words that follow "the answer".
pub(super) fn read(body: &[u8]) -> Result<Body, &'static str> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "is not valid JSON")?;
    let error = &value["error"];
    if !error.is_null() {
        return Ok(Body::Error(error_in(&value)));
    }
    let choice = &value["choices"][0];
    if !choice.is_object() {
        return Err("has no choices");
    }
    let finish = choice["finish_reason"].as_str().unwrap_or_default().to_ascii_lowercase();
    if !choice["error"].is_null() || finish == "error" {
        return Ok(Body::Error(error_in(choice)));
    }
    let message = &choice["message"];
    if !message.is_object() {
        return Err("has no message");
    }
    let (mut text, mut reasoning) = without_thinking(&content(&message["content"]));
    if let Some(apart) = ["reasoning_content", "reasoning"].iter().find_map(|field| said(&message[field])) {
        reasoning.insert(0, apart);
    }
    let refusal = said(&message["refusal"]);
    let ending = match finish.as_str() {
        "content_filter" | "safety" | "recitation" => Ending::Filtered,
        "refusal" => Ending::Refused,
        _ if refusal.is_some() => Ending::Refused,
        "length" | "max_tokens" => Ending::Truncated,
        _ if text.trim().is_empty() => Ending::Empty,
        _ => Ending::Whole,
    };
    if let (true, Some(refusal)) = (text.trim().is_empty(), refusal) {
        text = refusal;
    }
    if text.trim().is_empty() {
        text.clear();
    }
    let usage = &value["usage"];
    let tokens = |field: &str| usage[field].as_u64();
    Ok(Body::Answer(Answer {
        text,
        reasoning: (!reasoning.is_empty()).then(|| reasoning.join("\n\n")),
        ending,
        usage: tokens("prompt_tokens")
            .zip(tokens("completion_tokens"))
            .map(|(prompt_tokens, completion_tokens)| Usage { prompt_tokens, completion_tokens }),
        cost: usage["cost"].as_f64().filter(|cost| cost.is_finite() && *cost >= 0.0),
    }))
}

/// Reads the body of a failure, whatever its form.
pub(super) fn read_error(body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => error_in(&value),
        // A web page says nothing that fits a message.
        Err(_) => match std::str::from_utf8(body).map(str::trim) {
            Ok(text) if !text.starts_with('<') => ProviderError { message: text.to_owned(), ..Default::default() },
            _ => ProviderError::default(),
        },
    }
}

/// OpenAI's `{"error": {..}}`, Ollama's `{"error": ".."}`, vLLM's flat form and FastAPI's `{"detail": ..}`.
fn error_in(value: &Value) -> ProviderError {
    let error = if value["error"].is_null() { value } else { &value["error"] };
    if let Some(message) = error.as_str() {
        return ProviderError { message: message.to_owned(), ..Default::default() };
    }
    let detail = &error["detail"];
    let message = said(&error["message"])
        .or_else(|| said(detail))
        .or_else(|| (!detail.is_null()).then(|| detail.to_string()))
        .unwrap_or_default();
    // OpenRouter passes on what the model's host said.
    let raw = &error["metadata"]["raw"];
    let message = match said(raw).or_else(|| (!raw.is_null()).then(|| raw.to_string())) {
        Some(raw) => format!("{message}: {raw}"),
        None => message,
    };
    let code = &error["code"];
    let number = code.as_u64().or_else(|| code.as_str().and_then(|code| code.parse().ok()));
    let names: Vec<String> =
        [code, &error["type"]].iter().filter_map(|name| said(name)).map(|name| name.to_ascii_lowercase()).collect();
    ProviderError {
        status: number.and_then(|number| u16::try_from(number).ok()).filter(|status| (300..600).contains(status)),
        kind: names.join(" "),
        message,
    }
}

/// A text that is not blank.
fn said(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// A message's content: a text, or parts of which some are texts.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Splits a text into what is to be read and the thoughts in it. A block begins at the start of a line, so that a
/// text may speak of the tags; one that is never closed goes to the end. A closing tag that ends a line or stands at
/// the start of one, with no opening tag before it, ends thoughts that the model's template opened.
fn without_thinking(text: &str) -> (String, Vec<String>) {
    let (mut left, mut kept) = (text, String::new());
    let mut thoughts = Vec::new();
    if let Some((thought, rest)) = closed_only(text) {
        thoughts.push(thought);
        left = rest.trim_start();
    }
    while let Some((start, open, close)) = opening(left, kept.trim().is_empty()) {
        kept.push_str(&left[..start]);
        let inside = &left[start + open.len()..];
        let (thought, rest) = inside.split_once(close).unwrap_or((inside, ""));
        thoughts.push(thought);
        left = rest.trim_start();
    }
    kept.push_str(left);
    if thoughts.is_empty() {
        return (kept, vec![]);
    }
    let thoughts = thoughts.into_iter().map(str::trim).filter(|thought| !thought.is_empty());
    (kept.trim().to_owned(), thoughts.map(str::to_owned).collect())
}

/// The first opening tag at the start of a line, with its closing tag.
fn opening(text: &str, first: bool) -> Option<(usize, &'static str, &'static str)> {
    let starts_line = |at: usize| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        before.ends_with('\n') || (before.is_empty() && (first || at == 0))
    };
    THINKING
        .iter()
        .filter_map(|&(open, close)| {
            let at = text.match_indices(open).map(|(at, _)| at).find(|&at| starts_line(at))?;
            Some((at, open, close))
        })
        .min_by_key(|&(at, ..)| at)
}

/// What stands before and after a closing tag that has no opening one.
fn closed_only(text: &str) -> Option<(&str, &str)> {
    THINKING.iter().find_map(|&(open, close)| {
        let at = text.find(close)?;
        let (before, after) = (&text[..at], &text[at + close.len()..]);
        let alone = before.trim_end_matches([' ', '\t']).ends_with('\n') || after.starts_with(['\n', '\r']);
        (alone && !before.contains(open)).then_some((before, after))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(value: &Value) -> Answer {
        match read(value.to_string().as_bytes()).unwrap() {
            Body::Answer(answer) => answer,
            Body::Error(error) => panic!("{error:?}"),
        }
    }

    fn choice(message: Value, finish: &str) -> Value {
        json!({"choices": [{"message": message, "finish_reason": finish}]})
    }

    #[test]
    fn endings_follow_what_the_provider_says() {
        let ending = |message, finish| answer(&choice(message, finish)).ending;
        assert_eq!(ending(json!({"content": "Yes."}), "stop"), Ending::Whole);
        assert_eq!(ending(json!({"content": "Yes."}), "eos"), Ending::Whole);
        assert_eq!(ending(json!({"content": "Ye"}), "length"), Ending::Truncated);
        assert_eq!(ending(json!({"content": ""}), "length"), Ending::Truncated);
        assert_eq!(ending(json!({"content": "Ye"}), "content_filter"), Ending::Filtered);
        assert_eq!(ending(json!({"content": null}), "stop"), Ending::Empty);
        assert_eq!(ending(json!({"content": " \n"}), "stop"), Ending::Empty);
        let refused = answer(&choice(json!({"content": null, "refusal": "I will not."}), "stop"));
        assert_eq!((refused.ending, refused.text.as_str()), (Ending::Refused, "I will not."));
    }

    #[test]
    fn thoughts_are_kept_apart_from_the_answer() {
        let split = |text: &str| {
            let (text, thoughts) = without_thinking(text);
            (text, thoughts.join("|"))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(split("<think>\nhm\n</think>\n\nYes."), pair("Yes.", "hm"));
        assert_eq!(split("  <thinking>hm</thinking> Yes."), pair("Yes.", "hm"));
        assert_eq!(split("<think>a</think><think>b</think>Yes."), pair("Yes.", "a|b"));
        assert_eq!(split("First.\n<think>a</think>\nThen."), pair("First.\nThen.", "a"));
        assert_eq!(split("the template opened it\n</think>\n\nYes."), pair("Yes.", "the template opened it"));
        assert_eq!(split("<think>never closed"), pair("", "never closed"));
        assert_eq!(split("<think>\n\n</think>\n\nYes."), pair("Yes.", ""));
    }

    #[test]
    fn a_text_may_speak_of_the_tags() {
        for text in ["Put it into <think> and </think> tags.", " Write `<think>` first. ", "a < b\n"] {
            assert_eq!(without_thinking(text), (text.to_owned(), vec![]));
        }
    }

    #[test]
    fn reasoning_usage_and_cost_are_read_where_they_are() {
        let whole = answer(&json!({
            "choices": [{"message": {"content": "<think>b</think>Yes.", "reasoning": "a"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "cost": 0.00125}
        }));
        assert_eq!(whole.text, "Yes.");
        assert_eq!(whole.reasoning.as_deref(), Some("a\n\nb"));
        assert_eq!(whole.usage, Some(Usage { prompt_tokens: 7, completion_tokens: 3 }));
        assert_eq!(whole.cost, Some(0.00125));
        let bare = answer(&choice(json!({"content": [{"type": "text", "text": "Ye"}, {"text": "s."}]}), "stop"));
        assert_eq!((bare.text.as_str(), bare.usage, bare.cost, bare.reasoning), ("Yes.", None, None, None));
        let apart = answer(&choice(json!({"content": "Yes.", "reasoning_content": "why"}), "stop"));
        assert_eq!(apart.reasoning.as_deref(), Some("why"));
    }

    #[test]
    fn errors_are_found_in_every_dress() {
        let error = |text: &str| match read(text.as_bytes()) {
            Ok(Body::Error(error)) => (error.status, error.message),
            other => panic!("{other:?}"),
        };
        let pair = |status, message: &str| (status, message.to_owned());
        assert_eq!(error(r#"{"error":{"code":502,"message":"down"}}"#), pair(Some(502), "down"));
        assert_eq!(error(r#"{"error":{"code":"429","message":"slow"}}"#), pair(Some(429), "slow"));
        assert_eq!(error(r#"{"error":"model not found"}"#), pair(None, "model not found"));
        let inside = r#"{"choices":[{"finish_reason":"error","error":{"code":503,"message":"gone"}}]}"#;
        assert_eq!(error(inside), pair(Some(503), "gone"));
        let passed_on = r#"{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"too long"}}}"#;
        assert_eq!(read_error(passed_on.as_bytes()).message, "Provider returned error: too long");
        let flat = read_error(br#"{"object":"error","message":"bad","type":"BadRequestError","code":400}"#);
        assert_eq!((flat.status, flat.kind.as_str(), flat.message.as_str()), (Some(400), "badrequesterror", "bad"));
        assert_eq!(read_error(br#"{"detail":"Not Found"}"#).message, "Not Found");
        assert_eq!(read_error(b"no such page\n").message, "no such page");
        assert_eq!(read_error(b"<html>nginx</html>"), ProviderError::default());
        assert_eq!(read_error(&[0xff, 0xfe]), ProviderError::default());
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert_eq!(read(b"{\"choices\": [").unwrap_err(), "is not valid JSON");
        assert_eq!(read(b"{}").unwrap_err(), "has no choices");
        assert_eq!(read(br#"{"choices":[{}]}"#).unwrap_err(), "has no message");
    }

    proptest::proptest! {
        #[test]
        fn whatever_arrives_is_read_without_a_panic(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec!["<think>", "</think>", "<thinking>", "</thinking>", "\n", " ", "a", "\u{e9}"]),
                0..12,
            ),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        ) {
            let text = pieces.concat();
            let (kept, thoughts) = without_thinking(&text);
            let letters = |text: &str| text.chars().filter(|c| matches!(c, '\u{e9}')).count();
            let told: usize = thoughts.iter().map(|thought| letters(thought)).sum();
            proptest::prop_assert_eq!(letters(&kept) + told, letters(&text), "a letter was lost: {:?}", text);
            read(&bytes).ok();
            read_error(&bytes);
        }
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let error = ProviderError { message: "\u{e9}\n ".repeat(400), ..Default::default() };
        assert_eq!(error.quoted().chars().count(), QUOTED + 3);
    }
}
