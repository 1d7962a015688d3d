//! One question at a time.

use std::time::{Duration, Instant};

use kleroterion::progress::{Cancelled, Silent};
use kleroterion::providers::chat::{Chat as _, ChatError, Ending, Reply, Usage};
use kleroterion::providers::http::Endpoint;
use kleroterion::providers::settings::{LongestField, ProviderSettings};
use serde_json::json;

use super::mock_provider::{MockProvider, MockReply};
use super::{Until, endpoint, question, settings};

/// What comes of one question to a provider that answers by `script`, and how often it was asked.
fn ask(script: impl Fn(usize) -> MockReply + Send + Sync + 'static) -> (Result<Reply, ChatError>, usize) {
    let server = MockProvider::start(move |_, n| script(n));
    let outcome = endpoint(&server).ask(&question("Well?"), &Silent);
    (outcome, server.asked().len())
}

/// A reply after one failed attempt.
fn second(fault: impl Fn() -> MockReply + Send + Sync + 'static) -> Reply {
    let (outcome, asked) = ask(move |n| if n == 0 { fault() } else { MockReply::said("Yes.") });
    let reply = outcome.unwrap();
    assert_eq!((asked, reply.text.as_str(), reply.failed_attempts.len()), (2, "Yes.", 1), "{reply:?}");
    reply
}

fn stopped(script: impl Fn(usize) -> MockReply + Send + Sync + 'static, attempts: usize) -> String {
    match ask(script) {
        (Err(ChatError::Stopped(words)), asked) if asked == attempts => words,
        other => panic!("{other:?}"),
    }
}

fn failed(script: impl Fn(usize) -> MockReply + Send + Sync + 'static, attempts: usize) -> String {
    match ask(script) {
        (Err(ChatError::Failed(words)), asked) if asked == attempts => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_answer_is_read_whole() {
    let server = MockProvider::start(|_, _| MockReply::priced("Yes, \u{65e5}\u{672c} \u{1f600}.", 0.002));
    let reply = endpoint(&server).ask(&question("Well?"), &Silent).unwrap();
    assert_eq!(reply.text, "Yes, \u{65e5}\u{672c} \u{1f600}.");
    assert_eq!((reply.ending, reply.cost, reply.reasoning), (Ending::Whole, Some(0.002), None));
    assert_eq!(reply.usage, Some(Usage { prompt_tokens: 10, completion_tokens: 3 }));
    assert!(reply.seconds > 0.0 && reply.failed_attempts.is_empty());
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "POST /v1/chat/completions");
    assert_eq!(asked.headers["content-type"], "application/json");
    assert!(!asked.headers.contains_key("authorization"));
    let messages = json!([{"role": "user", "content": "Well?"}]);
    assert_eq!(
        asked.body,
        json!({"model": "mock", "messages": messages, "stream": false, "max_tokens": 64, "temperature": 0.7})
    );
}

#[test]
fn only_the_fields_a_provider_takes_are_sent() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    let mut full = question("Well?");
    full.stop = vec!["END".into()];
    full.seed = Some(u64::MAX);
    endpoint(&server).ask(&full, &Silent).unwrap();
    let bare = ProviderSettings {
        longest_field: LongestField::MaxCompletionTokens,
        sends_seed: false,
        sends_temperature: false,
        sends_stop: false,
        ..settings(&server)
    };
    Endpoint::new(bare).unwrap().ask(&full, &Silent).unwrap();
    let asked = server.asked();
    assert_eq!((&asked[0].body["stop"], &asked[0].body["seed"]), (&json!(["END"]), &json!(u64::MAX)));
    let fields: Vec<&String> = asked[1].body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["max_completion_tokens", "messages", "model", "stream"]);
}

#[test]
fn endings_and_reasoning_are_told_apart() {
    let reply = |script: fn() -> MockReply| ask(move |_| script()).0.unwrap();
    let truncated = reply(|| MockReply::truncated("Ye"));
    assert_eq!((truncated.ending, truncated.text.as_str()), (Ending::Truncated, "Ye"));
    assert_eq!(reply(MockReply::filtered).ending, Ending::Filtered);
    assert_eq!(reply(MockReply::empty).ending, Ending::Empty);
    assert_eq!(reply(|| MockReply::refusal("I will not.")).ending, Ending::Refused);
    assert_eq!(reply(|| MockReply::without_usage("Yes.")).usage, None);
    for field in ["reasoning", "reasoning_content"] {
        let (outcome, _) = ask(move |_| MockReply::reasoning(field, "hm", "Yes."));
        let reply = outcome.unwrap();
        assert_eq!((reply.text.as_str(), reply.reasoning.as_deref()), ("Yes.", Some("hm")), "{field}");
    }
    let thinking = reply(|| MockReply::said("<think>\nhm\n</think>\n\nYes."));
    assert_eq!((thinking.text.as_str(), thinking.reasoning.as_deref()), ("Yes.", Some("hm")));
}

#[test]
fn long_answers_arrive_whole_and_endless_ones_are_refused() {
    let text = "\u{e9}l\u{e9}phant ".repeat(2000);
    let sent = text.clone();
    assert_eq!(ask(move |_| MockReply::said(&sent)).0.unwrap().text, text);
    let words = failed(|_| MockReply::new(200, vec![b' '; (16 << 20) + 1]), 1);
    assert!(words.contains("longer than 16 MB"), "{words}");
}

#[test]
fn passing_faults_are_repeated() {
    assert!(second(|| MockReply::error(500, "oops")).failed_attempts[0].contains("500: oops"));
    assert!(second(MockReply::cut).failed_attempts[0].contains("cut off"));
    assert!(second(MockReply::invalid_json).failed_attempts[0].contains("not valid JSON"));
    assert!(second(|| MockReply::error_inside(502, "down")).failed_attempts[0].contains("502: down"));
    assert!(second(|| MockReply::new(200, "{}")).failed_attempts[0].contains("no choices"));
    for status in [408, 409, 503, 529] {
        second(move || MockReply::error(status, "wait"));
    }
    second(|| MockReply::limited(None));
}

#[test]
fn what_lasts_fails_after_four_attempts_with_a_remedy() {
    let words = failed(|_| MockReply::error(500, "oops"), 4);
    assert!(
        words.starts_with("Mock is in trouble (500: oops), at the last of 4 attempts. Try again later ("),
        "{words}"
    );
    failed(|_| MockReply::limited(None), 4);
    failed(|_| MockReply::new(200, "<html>sign in</html>"), 4);
}

#[test]
fn retry_after_is_honoured_in_both_forms() {
    let began = Instant::now();
    assert!(second(|| MockReply::limited(Some("1"))).seconds >= 1.0);
    // One second by the provider's own clock, which is years behind.
    let dated =
        || MockReply::limited(Some("Wed, 21 Oct 2015 07:28:01 GMT")).header("Date", "Wed, 21 Oct 2015 07:28:00 GMT");
    assert!(second(dated).seconds >= 1.0);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_no_question_can_pass_stops_the_provider_at_once() {
    for (status, part) in [
        (400, "refuses the form"),
        (401, "does not accept the key"),
        (402, "credit"),
        (403, "forbids"),
        (404, "knows no such model"),
        (422, "refuses the form"),
    ] {
        let words = stopped(move |_| MockReply::error(status, "because"), 1);
        assert!(words.contains(part) && words.contains(". ") && words.ends_with("/v1)"), "{words}");
        let words = stopped(move |_| MockReply::error_inside(status, "because"), 1);
        assert!(words.contains(part), "{words}");
    }
    let quota = json!({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}});
    assert!(stopped(move |_| MockReply::new(429, quota.to_string()), 1).contains("credit"));
}

#[test]
fn a_question_that_is_too_long_fails_alone() {
    let words = failed(|_| MockReply::error(400, "This model's maximum context length is 4096 tokens"), 1);
    assert!(words.contains("Shorten"), "{words}");
    failed(|_| MockReply::error(403, "Your input was flagged by moderation"), 1);
}

#[test]
fn a_slow_provider_runs_into_the_timeout() {
    let server = MockProvider::start(|_, n| {
        MockReply::said("Yes.").after(if n == 0 { Duration::from_secs(20) } else { Duration::from_millis(50) })
    });
    let reply = Endpoint::new(ProviderSettings { timeout_seconds: 1, ..settings(&server) })
        .unwrap()
        .ask(&question("Well?"), &Silent)
        .unwrap();
    assert_eq!(reply.text, "Yes.");
    assert!(reply.failed_attempts[0].contains("within 1 s"), "{reply:?}");
}

#[test]
fn a_provider_that_is_not_there_is_stopped() {
    // A port that nobody listens to.
    let gone = ProviderSettings {
        first_wait_seconds: 0.01,
        attempts: 2,
        ..ProviderSettings::new("Gone", "http://127.0.0.1:1/v1", None)
    };
    match Endpoint::new(gone).unwrap().ask(&question("Well?"), &Silent) {
        Err(ChatError::Stopped(words)) => {
            assert!(words.contains("cannot be reached (the connection was refused), at the last of 2"), "{words}");
            assert!(words.contains("Start its server"), "{words}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cancellation_is_noticed_while_an_answer_is_awaited_and_hangs_up() {
    let server = MockProvider::start(|_, _| MockReply::said("Late.").after(Duration::from_secs(30)));
    let began = Instant::now();
    let outcome = endpoint(&server).ask(&question("Well?"), &Until::after(300));
    let took = began.elapsed();
    assert_eq!(outcome, Err(ChatError::Cancelled(Cancelled)));
    // About 25 ms after it on a machine that is idle.
    assert!(took < Duration::from_millis(1000), "{took:?}");
    let patience = Instant::now() + Duration::from_secs(5);
    while server.hung_up() == 0 {
        assert!(Instant::now() < patience, "the connection was left open");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_cancellation_is_noticed_between_attempts() {
    let server = MockProvider::start(|_, _| MockReply::limited(Some("100")));
    let began = Instant::now();
    let outcome = endpoint(&server).ask(&question("Well?"), &Until::after(300));
    let took = began.elapsed();
    assert_eq!(outcome, Err(ChatError::Cancelled(Cancelled)));
    assert!(took < Duration::from_millis(1000), "{took:?}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_connection_serves_several_questions() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    let endpoint = endpoint(&server);
    for _ in 0..3 {
        endpoint.ask(&question("Well?"), &Silent).unwrap();
    }
    assert_eq!((server.asked().len(), server.connections()), (3, 1));
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_no_fault() {
    let server = MockProvider::start(|_, _| {
        let reply = MockReply::said("Yes.");
        // All of it arrives, then the connection is closed.
        MockReply { cut: Some(reply.body.len()), ..reply }
    });
    let endpoint = endpoint(&server);
    for _ in 0..3 {
        let reply = endpoint.ask(&question("Well?"), &Silent).unwrap();
        assert_eq!(reply.failed_attempts, Vec::<String>::new());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_connection_that_is_not_secure_stops_the_provider_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // No TLS, whatever was said.
            std::io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let settings = ProviderSettings::new("Mock", format!("https://127.0.0.1:{port}/v1"), None);
    match Endpoint::new(settings).unwrap().ask(&question("Well?"), &Silent) {
        Err(ChatError::Stopped(words)) => assert!(words.starts_with("there is no secure connection"), "{words}"),
        other => panic!("{other:?}"),
    }
}
