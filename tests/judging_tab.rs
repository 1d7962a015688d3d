//! The Judging tab in the whole workbench, driven through the accessibility tree: the example, an endpoint, the editor, blind
//! judging by keys, results, transcripts.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/journey.rs"]
#[allow(dead_code, reason = "each journey uses a part of it")]
mod journey;
#[path = "support/mock_provider.rs"]
#[allow(dead_code, reason = "each test file uses a part of the provider's faults")]
mod mock_provider;
#[path = "support/mod.rs"]
mod support;
#[path = "support/workbench.rs"]
mod workbench;

use eframe::egui::{Key, Theme};
use journey::Window;
use kleroterion::jobs::judge::{AnswersFrom, JudgeSpec, JudgedBy};
use kleroterion::jobs::speaker::Speaker;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::store::Project;
use kleroterion::ui::command::{Command, JudgingPath, TabKind};
use mock_provider::{MockProvider, MockReply};
use serde_json::{Value, json};

fn judgings(window: &Window) -> Vec<JudgeSpec> {
    let runs = window.runs().into_iter();
    runs.filter_map(|run| if let RunSpec::Judge(spec) = run.spec { Some(spec) } else { None }).collect()
}

#[test]
fn the_example_needs_neither_key_nor_download() {
    let mut window = Window::new(TabKind::Judging, &[]);
    assert!(window.has("Nothing judged yet"));
    assert!(!window.can("Collect answers"));
    window.click("Fill in a small example");
    assert!(window.has("20 clauses, 120 questions"));
    window.click("Answer and judge");
    window.wait_for("is done");
    window.wait_for("Scores");
    let spec = judgings(&window).remove(0);
    assert_eq!((spec.entrants.len(), spec.constitution.questions.len()), (3, 20));
    assert!(matches!(spec.judges[0].by, JudgedBy::Words(_)));
    assert!(!window.has("The form has changed"), "the form describes the run");
    // Models of this machine cost nothing.
    window.wait_for("$0.0000");
    window.picture("judging-scores.png");
    window.press("Answers");
    window.wait_for("Told of war");
    // A model as small as this one may have nothing to say to a question.
    for _ in 0..19 {
        if window.has("Verdicts") {
            break;
        }
        window.press("Next");
    }
    window.wait_for("Verdicts");
    window.click("Call behind the answer of As it is");
    window.wait_for("tokens read");
    window.picture("judging-answers.png");
}

/// Answers of two models of which the judge always takes the second.
fn answers(request: &Value) -> MockReply {
    let messages = request["messages"].as_array().unwrap();
    let prompt = messages.last().unwrap()["content"].as_str().unwrap();
    match request["model"].as_str().unwrap() {
        "judge" => {
            let first = prompt.find("This is two").unwrap() < prompt.find("This is one").unwrap();
            MockReply::said(if first { "A > B" } else { "B > A" })
        }
        model => MockReply::said(&format!("This is {model}.")),
    }
}

fn draft(provider: &MockProvider, judge: bool) -> String {
    let address = json!({"name": "Mine", "base_url": provider.base_url()});
    let voice = |name: &str| json!({"name": name, "kind": "provider", "provider": address, "model": name});
    let judges = if judge { vec![voice("judge")] } else { vec![] };
    let constitution = json!({
        "name": "Two",
        "clauses": [{"id": "1", "text": "Be kind."}, {"id": "2", "text": "Be brief."}],
        "questions": [
            {"id": "1.1", "clause": "1", "text": "Why is the sky far?"},
            {"id": "1.2", "clause": "1", "text": "How do I begin?"},
            {"id": "2.1", "clause": "2", "text": "What is time?"},
        ],
    });
    let passes = 2;
    json!({"constitution": constitution, "entrants": [voice("one"), voice("two")], "judges": judges, "passes": passes})
        .to_string()
}

#[test]
fn an_endpoint_is_probed_asked_and_its_verdicts_shown() {
    let models = MockReply::new(200, json!({"data": [{"id": "one"}, {"id": "two"}, {"id": "judge"}]}).to_string());
    let provider = MockProvider::with_models(models, |request, _| answers(request));
    let mut window = Window::new(TabKind::Judging, &[("judging", &draft(&provider, true))]);
    assert!(window.has("12 calls, about"));
    window.click("Edit one");
    window.click("Probe the provider of one");
    window.wait_for("answered in");
    assert!(window.has("3 models on offer"));
    window.click("Close one");
    window.click("Answer and judge");
    window.wait_for("is done");
    window.wait_for("Calls answered");
    let spec = judgings(&window).remove(0);
    let AnswersFrom::Speaker(Speaker::Provider { provider: asked, .. }) = &spec.entrants[0].answers else { panic!() };
    assert_eq!(asked.base_url, provider.base_url());
    window.press("Answers");
    window.wait_for("two > one");
    window.wait_for("2 of 2 comparisons won here");
    window.click("Call behind pass 2 of judge, pair 1");
    window.wait_for("You compare answers");
    window.picture("judging-call.png");
    // The editor changes the constitution, and the results say that the form has moved on.
    window.click("Edit…");
    window.click("Add a question");
    window.type_into("Question 1.3", "Who asks?");
    window.click("Done");
    assert!(window.has("2 clauses, 4 questions"));
    window.wait_for("The form has changed since this run.");
}

#[test]
fn a_person_judges_blind_by_the_keyboard() {
    let provider = MockProvider::start(|request, _| answers(request));
    let mut window =
        Window::of_size(TabKind::Judging, [1280.0, 1600.0], Theme::Dark, &[("judging", &draft(&provider, false))]);
    window.click("Collect answers");
    window.wait_for("is done");
    window.press("Judge yourself");
    window.type_into("Your name or a pseudonym", "Ada");
    window.press("Begin");
    assert!(window.has("Ada: 0 of 3"));
    assert!(window.has("This is one.") && !window.has("Answer one"), "nobody is told who wrote what");
    for judged in 1..=3 {
        // The first key says it all: of two answers the other one comes last.
        window.harness.key_press(Key::B);
        window.harness.run_steps(3);
        window.wait_for(&format!("{judged} of 3"));
    }
    window.wait_for("All judged");
    let project = Project::open_reader(&window.project()).unwrap();
    let run = window.runs()[0].id;
    let rows = project.verdicts(run).unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.judge == "Ada (person)" && row.call.is_none()));
    window.harness.key_press(Key::Backspace);
    window.harness.run_steps(3);
    window.wait_for("2 of 3");
    window.wait_for("Answer A");
    assert_eq!(project.verdicts(run).unwrap().len(), 2);
    window.harness.key_press(Key::A);
    window.harness.run_steps(3);
    window.wait_for("All judged");
    window.press("Results");
    window.wait_for("Draw again");
    window.wait_for("Scores");
    window.picture("judging-person.png");
}

#[test]
fn a_constitution_is_imported_and_a_wrong_one_changes_nothing() {
    let mut window = Window::new(TabKind::Judging, &[]);
    let path = window.folder.path().join("ours.txt");
    std::fs::write(&path, "1. Be kind.\n2. Be brief.\n").unwrap();
    window.apply(Command::ChooseForJudging(JudgingPath::Constitution));
    window.answer("File", &path, "Import");
    window.wait_for("2 clauses and 0 questions were imported");
    assert!(window.has("2 clauses, 0 questions"));
    let questions = window.folder.path().join("questions.csv");
    std::fs::write(&questions, "clause,question\n1,Why?\nBe brief.,How?\n").unwrap();
    window.apply(Command::ChooseForJudging(JudgingPath::Questions));
    window.answer("File", &questions, "Import");
    window.wait_for("2 questions were added.");
    assert!(window.has("2 clauses, 2 questions"));
    std::fs::write(&questions, "clause,question\n7,Why?\n").unwrap();
    window.apply(Command::ChooseForJudging(JudgingPath::Questions));
    window.answer("File", &questions, "Import");
    window.wait_for("questions.csv");
    assert!(window.has("2 clauses, 2 questions"));
}
