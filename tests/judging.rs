//! Judging by a constitution, end to end against a provider on this machine that follows a script: a known preference is
//! recovered, faults are counted, nothing is asked twice, and a run that was stopped goes on to the same result.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/mock_provider.rs"]
#[allow(dead_code, reason = "each test file uses a part of the provider's faults")]
mod mock_provider;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kleroterion::dempo::constitution::{Constitution, Question};
use kleroterion::dempo::judging::{Comparing, WordRule};
use kleroterion::jobs::judge::{AnswersFrom, Entrant, Judge, JudgeSpec, Judged, JudgedBy, QuestionsSpec};
use kleroterion::jobs::runner::{JobError, RunOutcome, run_headless, run_stored};
use kleroterion::jobs::speaker::Speaker;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::{Cancelled, Progress, Silent};
use kleroterion::providers::settings::ProviderSettings;
use kleroterion::ranking::verdicts::Cluster;
use kleroterion::ranking::{Method, aggregate};
use kleroterion::store::{CallId, Project, RunFilter, RunState};
use mock_provider::{MockProvider, MockReply};
use serde_json::Value;

/// How much the judge likes each model: log abilities.
const ABILITIES: [(&str, f64); 4] = [("alpha", 1.2), ("beta", 0.4), ("gamma", -0.4), ("delta", -1.2)];

fn constitution(questions: usize) -> Arc<Constitution> {
    let mut made = Constitution::from_lines("Small", "Be kind.\nBe brief.\nBe fair.");
    for number in 0..questions {
        let clause = made.clauses[number % 3].id.clone();
        let id = format!("q{number}");
        made.questions.push(Question { id, clause, text: format!("What about matter {number}?") });
    }
    Arc::new(made)
}

fn last_message(request: &Value) -> &str {
    request["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap()
}

/// A number in (0, 1) out of a text.
fn chance(text: &str) -> f64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// The letters of an order drawn from Plackett and Luce's law with the known abilities.
fn order(request: &Value) -> String {
    // After a repair the answers stand further up.
    let shown = request["messages"].as_array().unwrap().iter().filter_map(|message| message["content"].as_str());
    let prompt = shown.rev().find(|text| text.contains("Answer A:")).unwrap_or_default();
    let mut keys: Vec<(f64, char)> = Vec::new();
    for (at, _) in prompt.match_indices("Answer ") {
        let rest = &prompt[at + 7..];
        let Some((label, text)) = rest.split_once(":\n") else { continue };
        let [label] = label.chars().collect::<Vec<char>>()[..] else { continue };
        let Some((_, ability)) = ABILITIES.iter().find(|(name, _)| text.starts_with(&format!("I, {name},"))) else {
            continue;
        };
        // Gumbel noise turns abilities into an order with the right law.
        let noise = -(-chance(&format!("{prompt}{label}{}", request["seed"])).ln()).ln();
        keys.push((ability + noise, label));
    }
    keys.sort_by(|a, b| b.0.total_cmp(&a.0));
    keys.iter().map(|(_, label)| label.to_string()).collect::<Vec<_>>().join(" > ")
}

fn answer(request: &Value) -> MockReply {
    let model = request["model"].as_str().unwrap();
    match model {
        "judge" => MockReply::said(&order(request)),
        "writer" => MockReply::said("[\"One?\", \"Two?\", \"Three?\"]"),
        model => MockReply::said(&format!("I, {model}, think of it: {}", last_message(request))),
    }
}

fn speaker(provider: &MockProvider, model: &str) -> Speaker {
    let provider =
        ProviderSettings { first_wait_seconds: 0.01, ..ProviderSettings::new("Mock", provider.base_url(), None) };
    Speaker::Provider { provider, model: model.to_owned() }
}

fn spec(provider: &MockProvider, questions: usize) -> JudgeSpec {
    let entrant = |(name, _): (&str, f64)| Entrant {
        name: name.to_owned(),
        instructions: String::new(),
        answers: AnswersFrom::Speaker(speaker(provider, name)),
    };
    JudgeSpec {
        entrants: ABILITIES.into_iter().map(entrant).collect(),
        judges: vec![Judge { name: "Judge".into(), by: JudgedBy::Speaker(speaker(provider, "judge")) }],
        passes: 2,
        ..JudgeSpec::of(constitution(questions))
    }
}

fn judged(project: Option<&Project>, spec: &JudgeSpec) -> Result<Judged, JobError> {
    let library = Arc::new(Library::default());
    match run_headless(project, library, &RunSpec::Judge(spec.clone()), &Silent)? {
        RunOutcome::Judge(judged) => Ok(*judged),
        other => panic!("{other:?}"),
    }
}

fn project(folder: &Path) -> Project {
    Project::create(&folder.join("project"), "Test").unwrap()
}

#[test]
fn a_known_preference_is_recovered() {
    let provider = MockProvider::start(|request, _| answer(request));
    let judged = judged(None, &spec(&provider, 300)).unwrap();
    assert_eq!(judged.answers.len(), 1200);
    assert_eq!(judged.verdicts.verdicts.len(), 600);
    assert!(judged.coverage.warnings().is_empty());
    let votes = judged.verdicts.votes(Cluster::Question);
    let found = aggregate(Method::PlackettLuce, &votes, &votes.weights()).unwrap();
    for ((name, ability), score) in ABILITIES.iter().zip(&found.scores) {
        // About three standard errors of 600 rankings.
        assert!((ability - score).abs() < 0.2, "{name}: {ability} {score}");
    }
    // No judge was told a name, and each saw every answer.
    let judging = provider.asked().into_iter().find(|asked| asked.body["model"] == "judge").unwrap();
    let messages = judging.body["messages"].to_string();
    for label in ["Answer A:", "Answer B:", "Answer C:", "Answer D:"] {
        assert!(messages.contains(label));
    }
    assert_eq!(judging.body["temperature"], 0.0);
}

#[test]
fn pairs_are_turned_round_in_the_second_pass() {
    let provider = MockProvider::start(|request, _| match request["model"].as_str() {
        // Always the answer shown first: the two passes cancel each other.
        Some("judge") => MockReply::said("A"),
        _ => answer(request),
    });
    let spec = JudgeSpec { comparing: Comparing::Pairwise, ..spec(&provider, 6) };
    let judged = judged(None, &spec).unwrap();
    assert_eq!(judged.verdicts.verdicts.len(), 6 * 6 * 2);
    let votes = judged.verdicts.votes(Cluster::Question);
    let wins = votes.wins(&votes.weights());
    for a in 0..4 {
        for b in 0..a {
            assert_eq!(wins.of(a, b), wins.of(b, a));
        }
    }
}

#[test]
fn unreadable_replies_are_asked_for_again_and_counted() {
    let provider = MockProvider::start(|request, _| {
        let turns = request["messages"].as_array().unwrap().len();
        let prompt = request["messages"][1]["content"].as_str().unwrap_or_default();
        match request["model"].as_str() {
            Some("judge") if prompt.contains("matter 1?") => MockReply::said("I would rather not."),
            Some("judge") if prompt.contains("matter 2?") && turns < 6 => MockReply::said("A > A"),
            Some("gamma") if last_message(request).contains("matter 3?") => MockReply::empty(),
            Some("delta") if last_message(request).contains("matter 4?") => MockReply::error(500, "no"),
            Some("beta") => MockReply::truncated(&format!("I, beta, say {}", last_message(request))),
            _ => answer(request),
        }
    });
    let spec = spec(&provider, 6);
    let judged = judged(None, &spec).unwrap();
    let judge = &judged.coverage.judges[0];
    assert_eq!((judge.looks, judge.verdicts, judge.repaired, judge.unread), (12, 10, 2, 2));
    let models = &judged.coverage.models;
    assert_eq!((models[1].truncated, models[2].empty, models[3].failed), (6, 1, 1));
    assert_eq!(judged.coverage.warnings().len(), 3, "{:?}", judged.coverage.warnings());
    // Nothing was shown in the place of what is missing.
    let shown: BTreeMap<u32, usize> =
        judged.verdicts.verdicts.iter().map(|verdict| (verdict.question, verdict.shown.len())).collect();
    assert_eq!(shown, BTreeMap::from([(0, 4), (2, 4), (3, 3), (4, 3), (5, 4)]));
    // A repair says what was wrong, after the judge's own words.
    let asked = provider.asked();
    let repair = asked
        .iter()
        .find(|asked| asked.body["model"] == "judge" && asked.body["messages"].as_array().unwrap().len() == 4);
    let messages = repair.unwrap().body["messages"].to_string();
    assert!(messages.contains("named twice") || messages.contains("no line of letters"), "{messages}");
}

/// Cancels at the `n`th report.
struct Ends {
    left: AtomicUsize,
}

impl Progress for Ends {
    fn stage(&self, _name: &str) {}
    fn report(&self, _done: u64, _total: u64) {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1))).unwrap();
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.left.load(Ordering::SeqCst) == 0 { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn a_stopped_run_goes_on_to_the_same_result_and_asks_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| match last_message(request) {
        text if text.contains("matter 5?") && request["messages"].as_array().unwrap().len() == 2 => {
            MockReply::said("hm")
        }
        _ => answer(request),
    });
    let spec = spec(&provider, 20);
    let whole = judged(None, &spec).unwrap();
    // Looks that show the same order are two calls all the same.
    let needed = provider.asked().len();
    let project = project(folder.path());
    let library = Arc::new(Library::default());
    let run_spec = RunSpec::Judge(spec.clone());
    let first = run_headless(Some(&project), library.clone(), &run_spec, &Ends { left: AtomicUsize::new(30) });
    assert!(matches!(first, Err(JobError::Cancelled)));
    let run = project.runs(&RunFilter::default()).unwrap()[0].id;
    let mut sittings = 1;
    let resumed = loop {
        match run_stored(&project, library.clone(), run, &Ends { left: AtomicUsize::new(15) }) {
            Err(JobError::Cancelled) => sittings += 1,
            Ok(RunOutcome::Judge(judged)) => break *judged,
            other => panic!("{other:?}"),
        }
    };
    assert!(sittings > 1, "{sittings}");
    assert_eq!(resumed.verdicts, whole.verdicts);
    assert_eq!(resumed.coverage, whole.coverage);
    let texts = |judged: &Judged| judged.answers.iter().map(|answer| answer.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&resumed), texts(&whole));
    // What was under way when a sitting ended may be asked again; nothing that was kept is.
    let kept = project.call_totals(run).unwrap();
    assert_eq!(kept.answered as usize, needed);
    let again = provider.asked().len() - 2 * needed;
    assert!(again <= 10 * sittings, "{again} calls were repeated over {sittings} stops");
    // The same questions in another run cost nothing.
    let asked = provider.asked().len();
    let second = judged(Some(&project), &spec).unwrap();
    assert_eq!((second.verdicts, provider.asked().len()), (whole.verdicts, asked));
}

#[test]
fn every_number_leads_to_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| answer(request));
    let project = project(folder.path());
    judged(Some(&project), &spec(&provider, 3)).unwrap();
    let run = project.runs(&RunFilter::default()).unwrap()[0].id;
    let verdicts = project.verdicts(run).unwrap();
    assert_eq!(verdicts.len(), 6);
    for verdict in &verdicts {
        let call = project.call(verdict.call.unwrap()).unwrap().unwrap();
        assert_eq!(call.request.model, "judge");
        assert!(call.reply.unwrap().text.contains('>'));
    }
    for row in project.answers(run).unwrap() {
        let call = project.call(row.call.unwrap()).unwrap().unwrap();
        assert_eq!(call.reply.unwrap().text, row.text);
    }
    assert_eq!(project.calls(run, CallId(0), 100).unwrap().len(), 3 * 4 + 6);
}

#[test]
fn a_budget_stops_before_it_is_passed_and_a_wrong_key_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let provider = MockProvider::start(|request, _| MockReply { ..answer(request) });
    let mut limited = spec(&provider, 30);
    let names = ABILITIES.iter().map(|(name, _)| *name).chain(["judge"]);
    let price = kleroterion::providers::price::Price { prompt: 1.0, completion: 1.0 };
    limited.prices.0 = names.map(|name| (name.to_owned(), price)).collect();
    limited.budget = Some(0.002);
    let project = project(folder.path());
    let stopped = judged(Some(&project), &limited).unwrap_err().to_string();
    assert!(stopped.contains("budget"), "{stopped}");
    let run = project.runs(&RunFilter::default()).unwrap()[0].clone();
    assert_eq!(run.state, RunState::Failed);
    let totals = project.call_totals(run.id).unwrap();
    assert!(totals.answered > 0);
    assert!((totals.prompt_tokens + totals.completion_tokens) as f64 * 1e-6 <= 0.002);

    let refusing = MockProvider::start(|_, _| MockReply::error(401, "bad key"));
    let stopped = judged(None, &spec(&refusing, 30)).unwrap_err();
    assert!(matches!(&stopped, JobError::Input(text) if text.contains("key")), "{stopped}");
    assert!(refusing.asked().len() <= 10);
}

#[test]
fn a_word_count_and_a_file_need_no_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calm.jsonl");
    let lines = (0..4).map(|n| format!("{{\"question\": \"q{n}\", \"answer\": \"Wait and ask.\"}}\n"));
    std::fs::write(&path, lines.collect::<String>()).unwrap();
    let hasty = folder.path().join("hasty.jsonl");
    let lines = (0..4).map(|n| format!("{{\"question\": \"What about matter {n}?\", \"answer\": \"Now!\"}}\n"));
    std::fs::write(&hasty, lines.collect::<String>()).unwrap();
    let entrant = |name: &str, path: &Path| Entrant {
        name: name.into(),
        instructions: String::new(),
        answers: AnswersFrom::File(path.into()),
    };
    let rule = WordRule { wanted: vec!["wait".into()], unwanted: vec!["now".into()] };
    let spec = JudgeSpec {
        entrants: vec![entrant("Calm", &path), entrant("Hasty", &hasty)],
        judges: vec![Judge { name: "Count".into(), by: JudgedBy::Words(rule) }],
        ..JudgeSpec::of(constitution(4))
    };
    let judged = judged(None, &spec).unwrap();
    assert_eq!(judged.verdicts.verdicts.len(), 20);
    let votes = judged.verdicts.votes(Cluster::Question);
    assert_eq!(votes.wins(&votes.weights()).of(0, 1), 20.0);
}

#[test]
fn a_writer_is_asked_until_every_clause_has_questions() {
    let provider = MockProvider::start(|request, _| {
        let turns = request["messages"].as_array().unwrap().len();
        match request["messages"][0]["content"].as_str().unwrap() {
            text if text.contains("Be brief.") && turns < 3 => MockReply::said("No."),
            text if text.contains("Be fair.") => MockReply::said("Never."),
            _ => answer(request),
        }
    });
    let spec = QuestionsSpec { count: 2, ..QuestionsSpec::of(constitution(0), speaker(&provider, "writer")) };
    let outcome = run_headless(None, Arc::new(Library::default()), &RunSpec::Questions(spec), &Silent).unwrap();
    let RunOutcome::Questions(found) = outcome else { panic!() };
    let texts: Vec<(&str, &str)> =
        found.questions.iter().map(|question| (question.id.as_str(), question.text.as_str())).collect();
    assert_eq!(texts, [("1.1", "One?"), ("1.2", "Two?"), ("2.1", "One?"), ("2.2", "Two?")]);
    assert_eq!((found.without, found.short), (vec!["3".to_owned()], vec![]));
}
