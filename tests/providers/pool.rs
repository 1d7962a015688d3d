//! Many questions at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kleroterion::progress::{Cancelled, Progress, Silent};
use kleroterion::providers::chat::{Chat, ChatError, ChatRequest, Ending, Reply, Usage};
use kleroterion::providers::http::Endpoint;
use kleroterion::providers::pool::{PoolError, Spent, ask_all};
use kleroterion::providers::price::{Price, PriceTable};
use kleroterion::providers::settings::ProviderSettings;

use super::mock_provider::{MockProvider, MockReply};
use super::{Pausable, Until, endpoint, question, settings};

/// Numbered questions, each to the chat that `to` names.
fn questions(count: usize, to: impl Fn(usize) -> usize) -> Vec<(usize, ChatRequest)> {
    (0..count).map(|n| (to(n), question(&format!("Question {n}")))).collect()
}

/// All outcomes by number, and what they cost; every question must have one.
fn all(
    chats: &[&dyn Chat],
    wanted: &[(usize, ChatRequest)],
    prices: &PriceTable,
    budget: Option<f64>,
) -> (Vec<Result<Reply, ChatError>>, Spent) {
    let mut outcomes = BTreeMap::new();
    let here = std::thread::current().id();
    let mut take = |number: usize, outcome| {
        assert_eq!(std::thread::current().id(), here);
        assert!(outcomes.insert(number, outcome).is_none(), "{number} came twice");
        Ok::<(), Infallible>(())
    };
    let spent = ask_all(chats, wanted, prices, budget, &mut take, &Silent).unwrap();
    assert_eq!(outcomes.len(), wanted.len());
    (outcomes.into_values().collect(), spent)
}

fn free() -> PriceTable {
    prices(0.0)
}

/// Answers cost `dollars` a million tokens, questions nothing.
fn prices(dollars: f64) -> PriceTable {
    PriceTable(BTreeMap::from([("mock".to_owned(), Price { prompt: 0.0, completion: dollars })]))
}

/// What a question said, echoed.
fn echo(body: &serde_json::Value) -> String {
    body["messages"][0]["content"].as_str().unwrap().to_owned()
}

#[test]
fn every_question_is_answered_once_by_whom_it_was_meant_for() {
    let first =
        MockProvider::start(|body, n| MockReply::said(&echo(body)).after(Duration::from_millis(20 + n as u64 % 7)));
    let second = MockProvider::start(|body, n| {
        if n % 5 == 0 { MockReply::error(503, "wait") } else { MockReply::said(&format!("2: {}", echo(body))) }
    });
    let (a, b) = (endpoint(&first), endpoint(&second));
    let wanted = questions(60, |n| n % 2);
    let (outcomes, spent) = all(&[&a, &b], &wanted, &free(), None);
    for (n, outcome) in outcomes.iter().enumerate() {
        let expected = if n % 2 == 0 { format!("Question {n}") } else { format!("2: Question {n}") };
        assert_eq!(outcome.as_ref().unwrap().text, expected);
    }
    assert_eq!((spent.sent, spent.answered, spent.prompt_tokens, spent.budget_reached), (60, 60, 600, false));
    assert_eq!(first.asked().len(), 30);
    assert!(first.most_at_once() <= 10 && first.most_at_once() > 1, "{}", first.most_at_once());
}

#[test]
fn a_stopped_provider_does_not_stop_the_other() {
    let broke = MockProvider::start(|_, n| if n < 3 { MockReply::said("Yes.") } else { MockReply::error(402, "pay") });
    let sound = MockProvider::start(|_, _| MockReply::said("Yes.").after(Duration::from_millis(5)));
    let one = Endpoint::new(ProviderSettings { at_once: 1, ..settings(&broke) }).unwrap();
    let (outcomes, spent) = all(&[&one, &endpoint(&sound)], &questions(80, |n| n % 2), &free(), None);
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(_) => assert!(n % 2 == 1 || n < 6),
            Err(ChatError::Stopped(words)) => assert!(n % 2 == 0 && n >= 6 && words.contains("credit"), "{n}: {words}"),
            Err(other) => panic!("{other}"),
        }
    }
    // What follows the first refusal is not sent.
    assert_eq!((broke.asked().len(), sound.asked().len()), (4, 40));
    assert_eq!((spent.sent, spent.answered), (44, 43));
}

#[test]
fn fewer_calls_are_made_at_once_after_too_many() {
    let server = MockProvider::start(|_, n| {
        if n < 8 { MockReply::limited(Some("0.2")) } else { MockReply::said("Yes.").after(Duration::from_millis(40)) }
            .after(Duration::from_millis(40))
    });
    let endpoint = Endpoint::new(ProviderSettings { at_once: 8, ..settings(&server) }).unwrap();
    assert_eq!(endpoint.at_once(), 8);
    let mut first = true;
    let mut take = |_, outcome: Result<Reply, ChatError>| {
        outcome.unwrap();
        if first {
            // The first answers are those of the second round.
            first = false;
            assert!(endpoint.at_once() < 8, "{}", endpoint.at_once());
        }
        Ok::<(), Infallible>(())
    };
    ask_all(&[&endpoint], &questions(8, |_| 0), &free(), None, &mut take, &Silent).unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 16);
    assert!(asked[8].at - asked[7].at >= Duration::from_millis(200), "the pause asked for was not kept");
    server.forget_most();
    ask_all(&[&endpoint], &questions(4, |_| 0), &free(), None, &mut |_, _| Ok::<(), Infallible>(()), &Silent).unwrap();
    assert!((1..=5).contains(&server.most_at_once()), "{}", server.most_at_once());
}

#[test]
fn no_call_starts_that_could_pass_the_budget() {
    // A word each, where 64 might have come; a thousand dollars a million tokens: 0.001 each, at most 0.064.
    let server = MockProvider::start(|_, _| MockReply::said("Yes.").after(Duration::from_millis(5)));
    let (outcomes, spent) = all(&[&endpoint(&server)], &questions(100, |_| 0), &prices(1000.0), Some(0.1));
    let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    // Calls start one at a time while 0.064 are left: after 36 there are 0.064, after 37 there are not.
    assert!((36..=37).contains(&answered), "{answered}");
    assert_eq!((server.asked().len(), server.most_at_once()), (answered, 1));
    assert!(spent.budget_reached && spent.dollars <= 0.1 && (spent.dollars - answered as f64 * 0.001).abs() < 1e-9);
    for outcome in &outcomes[answered..] {
        assert!(matches!(outcome, Err(ChatError::Stopped(words)) if words.contains("budget of 0.10")), "{outcome:?}");
    }
}

#[test]
fn a_reply_that_does_not_say_what_it_used_counts_with_the_most() {
    let server = MockProvider::start(|_, _| MockReply::without_usage("Yes."));
    let (_, spent) = all(&[&endpoint(&server)], &questions(10, |_| 0), &prices(1000.0), Some(0.2));
    assert_eq!((spent.answered, spent.bounded, spent.budget_reached), (3, 3, true));
    assert!((spent.dollars - 0.192).abs() < 1e-9);
    let (_, spent) = all(&[&endpoint(&server)], &questions(10, |_| 0), &PriceTable::default(), None);
    assert_eq!((spent.answered, spent.unpriced, spent.dollars), (10, 10, 0.0));
}

#[test]
fn a_budget_needs_prices_and_an_amount() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes."));
    let endpoint = endpoint(&server);
    let refuse = |prices: &PriceTable, budget: f64| {
        let mut take = |_, _| Ok::<(), Infallible>(());
        ask_all(&[&endpoint], &questions(2, |_| 0), prices, Some(budget), &mut take, &Silent).unwrap_err()
    };
    assert!(matches!(refuse(&PriceTable::default(), 1.0), PoolError::NoPrice(model) if model == "mock"));
    assert!(matches!(refuse(&free(), f64::NAN), PoolError::NoBudget(_)));
    assert!(matches!(refuse(&free(), -1.0), PoolError::NoBudget(_)));
    assert!(server.asked().is_empty());
}

#[test]
fn a_cancellation_ends_the_work_soon_and_keeps_what_was_answered() {
    let server = MockProvider::start(|_, n| {
        MockReply::said("Yes.").after(if n < 5 { Duration::ZERO } else { Duration::from_secs(30) })
    });
    let mut kept = 0;
    let mut take = |_, outcome: Result<Reply, ChatError>| {
        outcome.unwrap();
        kept += 1;
        Ok::<(), Infallible>(())
    };
    let began = Instant::now();
    let end = ask_all(&[&endpoint(&server)], &questions(50, |_| 0), &free(), None, &mut take, &Until::after(1000));
    let took = began.elapsed();
    assert!(matches!(end, Err(PoolError::Cancelled(Cancelled))), "{end:?}");
    assert_eq!(kept, 5);
    assert!(took < Duration::from_millis(2000), "{took:?}");
    assert_eq!(server.asked().len(), 15);
}

#[test]
fn a_caller_that_cannot_take_a_reply_ends_the_work() {
    let server = MockProvider::start(|_, n| MockReply::said("Yes.").after(Duration::from_millis(20 * n as u64)));
    let mut calls = 0;
    let mut take = |_, _| {
        calls += 1;
        if calls == 3 { Err("the disk is full") } else { Ok(()) }
    };
    let end = ask_all(&[&endpoint(&server)], &questions(50, |_| 0), &free(), None, &mut take, &Silent);
    assert!(matches!(end, Err(PoolError::Caller("the disk is full"))), "{end:?}");
    assert_eq!(calls, 3);
    assert!(server.asked().len() < 20);
}

#[test]
fn a_pause_starts_nothing_new_but_hands_out_what_is_under_way() {
    let server = MockProvider::start(|_, _| MockReply::said("Yes.").after(Duration::from_millis(600)));
    let endpoint = Endpoint::new(ProviderSettings { at_once: 2, ..settings(&server) }).unwrap();
    let progress = Pausable::default();
    let came = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            progress.0.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1000));
            assert_eq!((server.asked().len(), came.lock().unwrap().len()), (2, 2));
            progress.0.store(false, Ordering::SeqCst);
        });
        let mut take = |number, outcome: Result<Reply, ChatError>| {
            came.lock().unwrap().push((number, outcome.unwrap()));
            Ok::<(), Infallible>(())
        };
        ask_all(&[&endpoint], &questions(4, |_| 0), &free(), None, &mut take, &progress).unwrap();
    });
    assert_eq!(came.into_inner().unwrap().len(), 4);
}

/// A chat without a network, one question at a time.
struct Local {
    under_way: AtomicUsize,
}

impl Chat for Local {
    fn identity(&self) -> &str {
        "local"
    }

    fn at_once(&self) -> usize {
        1
    }

    fn ask(&self, request: &ChatRequest, progress: &dyn Progress) -> Result<Reply, ChatError> {
        assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0);
        progress.checkpoint()?;
        std::thread::sleep(Duration::from_millis(1));
        assert!(!request.messages[0].content.contains("panic"), "asked to");
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        Ok(Reply {
            text: request.messages[0].content.clone(),
            reasoning: None,
            ending: Ending::Whole,
            usage: Some(Usage { prompt_tokens: 1, completion_tokens: 1 }),
            cost: None,
            seconds: 0.0,
            failed_attempts: vec![],
        })
    }
}

#[test]
fn a_chat_of_this_machine_is_asked_one_question_at_a_time_beside_an_endpoint() {
    let server = MockProvider::start(|body, _| MockReply::said(&echo(body)));
    let local = Local { under_way: AtomicUsize::new(0) };
    let (outcomes, _) = all(&[&local, &endpoint(&server)], &questions(40, |n| n % 2), &free(), None);
    assert!(outcomes.iter().enumerate().all(|(n, o)| o.as_ref().unwrap().text == format!("Question {n}")));
    assert_eq!(server.asked().len(), 20);
}

#[test]
fn a_panic_of_the_caller_ends_the_work() {
    let server = MockProvider::start(|_, n| {
        MockReply::said("Yes.").after(if n == 0 { Duration::ZERO } else { Duration::from_secs(30) })
    });
    let endpoint = endpoint(&server);
    let began = Instant::now();
    let panicked = std::panic::catch_unwind(|| {
        let mut take = |_, _| -> Result<(), Infallible> { panic!("asked to") };
        ask_all(&[&endpoint], &questions(5, |_| 0), &free(), None, &mut take, &Silent).ok();
    });
    assert!(panicked.is_err() && began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_panic_of_a_chat_reaches_the_caller() {
    let local = Local { under_way: AtomicUsize::new(0) };
    let wanted = vec![(0, question("panic"))];
    let panicked = std::panic::catch_unwind(|| {
        ask_all(&[&local], &wanted, &free(), None, &mut |_, _| Ok::<(), Infallible>(()), &Silent).ok();
    });
    assert!(panicked.is_err());
}
