//! Testing a provider.

use kleroterion::progress::Silent;
use kleroterion::providers::http::Endpoint;
use kleroterion::providers::probe::probe;
use kleroterion::providers::settings::ProviderSettings;
use serde_json::json;

use super::endpoint;
use super::mock_provider::{MockProvider, MockReply};

#[test]
fn a_healthy_provider_lists_its_models_and_answers() {
    let models = json!({"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}).to_string();
    let server = MockProvider::with_models(MockReply::new(200, models), |_, _| MockReply::truncated("Y"));
    let probe = probe(&endpoint(&server), None, &Silent).unwrap();
    assert_eq!(probe.models, ["a", "b"]);
    assert_eq!((probe.answered, probe.asked.as_deref(), probe.problems.len()), (true, Some("a"), 0), "{probe:?}");
    assert!(probe.seconds > 0.0);
    let asked = server.asked();
    assert_eq!(asked[0].line, "GET /v1/models");
    assert_eq!((&asked[1].body["model"], &asked[1].body["max_tokens"]), (&json!("a"), &json!(1)));
}

#[test]
fn problems_are_told_once_and_nothing_is_repeated() {
    let server = MockProvider::with_models(MockReply::error(404, "no such page"), |_, _| {
        MockReply::error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    });
    let found = probe(&endpoint(&server), Some("mine"), &Silent).unwrap();
    assert!(!found.answered && found.models.is_empty());
    assert_eq!(found.problems.len(), 2, "{found:?}");
    assert!(found.problems[1].contains("longest_field"), "{found:?}");
    assert_eq!(server.asked().len(), 2);

    let gone = ProviderSettings::new("Gone", "http://127.0.0.1:1/v1", None);
    let found = probe(&Endpoint::new(gone).unwrap(), Some("mine"), &Silent).unwrap();
    assert_eq!(found.problems.len(), 1, "{found:?}");
}

#[test]
fn a_model_that_is_not_listed_and_an_empty_list_are_problems() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    let found = probe(&endpoint(&server), Some("other"), &Silent).unwrap();
    assert!(found.answered && found.problems[0].contains("does not list"), "{found:?}");
    let server = MockProvider::with_models(MockReply::new(200, r#"{"data":[]}"#), |_, _| MockReply::said("Yes."));
    let found = probe(&endpoint(&server), None, &Silent).unwrap();
    assert!(!found.answered && found.problems[0].contains("offers no model"), "{found:?}");
    let server = MockProvider::with_models(MockReply::new(200, "[1]"), |_, _| MockReply::said("Yes."));
    let found = probe(&endpoint(&server), Some("mock"), &Silent).unwrap();
    assert!(found.answered && found.problems[0].contains("no list of models"), "{found:?}");
}
