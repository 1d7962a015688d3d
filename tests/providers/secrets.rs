//! A key goes to its provider and nowhere else.

use std::ffi::OsString;
use std::time::Duration;

use kleroterion::progress::Silent;
use kleroterion::providers::chat::Chat as _;
use kleroterion::providers::http::Endpoint;
use kleroterion::providers::probe::probe;
use kleroterion::providers::settings::{ProviderSettings, SettingsError};

use super::mock_provider::{MockProvider, MockReply};
use super::{question, settings};

const KEY: &str = "sk-test-0123456789abcdefABCDEF";

fn with_key(server: &MockProvider) -> Endpoint {
    let settings = ProviderSettings { key_variable: Some("MOCK_KEY".into()), timeout_seconds: 1, ..settings(server) };
    Endpoint::with_environment(settings, |name| (name == "MOCK_KEY").then(|| OsString::from(KEY))).unwrap()
}

#[test]
fn the_key_is_sent_as_a_bearer() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    with_key(&server).ask(&question("Well?"), &Silent).unwrap();
    assert_eq!(server.asked()[0].headers["authorization"], format!("Bearer {KEY}"));
}

#[test]
fn a_missing_key_is_told_by_the_name_of_its_variable() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    let settings = ProviderSettings { key_variable: Some("MOCK_KEY".into()), ..settings(&server) };
    let error = Endpoint::with_environment(settings, |_| None).unwrap_err();
    assert!(matches!(error, SettingsError::Key { .. }) && error.to_string().contains("MOCK_KEY"), "{error}");
}

#[test]
fn a_provider_that_repeats_the_key_does_not_bring_it_into_any_message_or_answer() {
    let echoes: Vec<fn() -> MockReply> = vec![
        || MockReply::error(400, &format!("bad header Bearer {KEY}")),
        || MockReply::error(401, &format!("Incorrect API key provided: {}***{}", &KEY[..8], &KEY[20..])),
        || MockReply::error(403, KEY),
        || MockReply::error(404, KEY),
        || MockReply::error(500, &format!("{}{KEY}", "x".repeat(280))),
        || MockReply::limited(None).header("X-Key", KEY),
        || MockReply::new(500, KEY),
        || MockReply::error_inside(502, KEY),
        || MockReply::error_inside(401, KEY),
        || MockReply::new(200, KEY),
        || MockReply::new(200, format!(r#"{{"error":"{KEY}"}}"#)),
        || MockReply::said(KEY),
        || MockReply::reasoning("reasoning", KEY, "Yes."),
        || MockReply::said(KEY).after(Duration::from_millis(1500)),
    ];
    for (number, echo) in echoes.into_iter().enumerate() {
        let models = MockReply { delay: Duration::ZERO, ..echo() };
        let server = MockProvider::with_models(models, move |_, _| echo());
        let endpoint = with_key(&server);
        let outcome = endpoint.ask(&question("Well?"), &Silent);
        let probe = probe(&endpoint, Some("mock"), &Silent).unwrap();
        let mut shown = format!("{outcome:?} {endpoint:?} {probe:?}");
        shown += &serde_json::to_string(endpoint.settings()).unwrap();
        match outcome {
            Ok(reply) => shown += &serde_json::to_string(&reply).unwrap(),
            Err(error) => shown += &error.to_string(),
        }
        // Not even the part that a cut message would keep.
        assert!(!shown.contains(&KEY[8..16]) && !shown.contains(&KEY[20..]), "{number}: {shown}");
    }
}

#[test]
fn a_redirect_takes_no_key_and_no_question_elsewhere() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = MockProvider::start(|_, _| MockReply::said("Mine now."));
        let target = format!("{}/chat/completions", elsewhere.base_url());
        let server = MockProvider::start(move |_, _| MockReply::new(status, "").header("Location", &target));
        let error = with_key(&server).ask(&question("Well?"), &Silent).unwrap_err().to_string();
        assert!(error.contains("sends the question elsewhere"), "{error}");
        assert!(elsewhere.asked().is_empty());
    }
}
