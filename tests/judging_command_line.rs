//! `kleroterion constitution` as scripts see it: import, questions, judge, results, export, and what goes wrong.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/mock_provider.rs"]
#[allow(dead_code, reason = "each test file uses a part of the provider's faults")]
mod mock_provider;
#[path = "support/program.rs"]
mod program;

use std::path::Path;

use kleroterion::store::{Project, RunFilter};
use mock_provider::{MockProvider, MockReply};
use program::{kleroterion, stderr};
use serde_json::{Value, json};

fn ran(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--json", "-"]);
    let output = kleroterion(folder, &all);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = kleroterion(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
    stderr(&output)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Two models of which the judge likes the first more often.
fn provider() -> MockProvider {
    MockProvider::start(|request, call| {
        let prompt = request["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
        match request["model"].as_str().unwrap() {
            "judge" => {
                let best = if call % 4 == 0 { "I am two." } else { "I am one." };
                let first = prompt.find(best).unwrap() == prompt.find("I am").unwrap();
                MockReply::said(if first { "A > B" } else { "B > A" })
            }
            "writer" => MockReply::said("[\"Why so?\", \"How so?\"]"),
            model => MockReply::said(&format!("I am {model}.")),
        }
    })
}

#[test]
fn a_constitution_goes_from_a_list_to_results() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let provider = provider();
    let who = |model: &str| format!("{}#{model}", provider.base_url());
    std::fs::write(folder.join("ours.txt"), "1. Be kind.\n2. Be brief.\n3. Be fair.\n").unwrap();
    let written = ran(
        folder,
        &[
            "constitution",
            "questions",
            "--constitution",
            "ours.txt",
            "--writer",
            &who("writer"),
            "--count",
            "2",
            "--out",
            "ours.json",
        ],
    );
    assert_eq!(written["questions"].as_array().unwrap().len(), 6);
    let read = ran(folder, &["constitution", "import", "ours.json"]);
    assert_eq!((read["clauses"].as_array().unwrap().len(), read["questions"].as_array().unwrap().len()), (3, 6));

    Project::create(&folder.join("project"), "Test").unwrap();
    let (one, two, judge) =
        (format!("One={}", who("one")), format!("Two={}", who("two")), format!("J={}", who("judge")));
    let judge_arguments = [
        "constitution",
        "judge",
        "--constitution",
        "ours.json",
        "--model",
        &one,
        "--model",
        &two,
        "--judge",
        &judge,
        "--passes",
        "2",
        "--project",
        "project",
        "--rankings",
        "judged.jsonl",
        "--seed",
        "5",
    ];
    let judged = ran(folder, &judge_arguments);
    assert_eq!(judged["answers"].as_array().unwrap().len(), 12);
    assert_eq!(judged["verdicts"].as_array().unwrap().len(), 12);
    assert_eq!(judged["coverage"]["judges"][0]["verdicts"], 12);
    assert_eq!((&judged["models"], &judged["seed"]), (&json!(["One", "Two"]), &json!(5)));

    let stored = ran(folder, &["constitution", "results", "--project", "project", "--run", "1", "--bootstrap", "100"]);
    let from_file = ran(folder, &["constitution", "results", "--verdicts", "judged.jsonl", "--bootstrap", "100"]);
    assert_eq!(stored["methods"], from_file["methods"]);
    assert_eq!(stored["methods"].as_array().unwrap().len(), 7);
    let by_clause = ran(
        folder,
        &["constitution", "results", "--project", "project", "--run", "1", "--bootstrap", "100", "--cluster", "clause"],
    );
    assert_ne!(stored["methods"], by_clause["methods"], "intervals over clauses are other ones");
    let scored = ran(
        folder,
        &["rankings", "score", "--rankings", "judged.jsonl", "--method", "bradley-terry", "--cluster", "clause"],
    );
    let score = &scored["results"][0];
    let position = stored["models"].as_array().unwrap().iter().position(|name| *name == score["name"]).unwrap();
    assert_eq!(stored["methods"][0]["outcome"]["Ok"]["found"]["scores"][position], score["score"]);

    let output = kleroterion(folder, &["constitution", "export", "--project", "project", "--run", "1", "--out", "out"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let out = folder.join("out");
    assert_eq!(lines(&out.join("answers.jsonl")).len(), 12);
    assert_eq!(lines(&out.join("rankings.jsonl")), lines(&folder.join("judged.jsonl")));
    let calls = lines(&out.join("calls.jsonl"));
    // Clauses share their questions here, and equal questions are one call: 2 x 2 answers, 12 looks.
    assert_eq!(calls.len(), 16);
    assert!(calls.iter().all(|call| call["reply"]["text"].is_string() && call["error"].is_null()));

    // Scoring with a project keeps the verdicts there.
    ran(folder, &["rankings", "score", "--rankings", "judged.jsonl", "--method", "borda", "--project", "project"]);
    let kept = Project::open_reader(&folder.join("project")).unwrap().runs(&RunFilter::default()).unwrap();
    assert_eq!((kept.len(), kept[0].kind.as_str()), (2, "import-verdicts"));

    // What other programs judged comes in beside it.
    let imported = ran(folder, &["constitution", "import-verdicts", "judged.jsonl", "--project", "project"]);
    assert_eq!(imported["verdicts"], 12);
    let again = ran(folder, &["constitution", "results", "--project", "project", "--run", "3", "--bootstrap", "100"]);
    assert_eq!(again["methods"], stored["methods"]);
}

#[test]
fn what_cannot_be_is_said_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let provider = provider();
    let one = format!("One={}#one", provider.base_url());
    let two = format!("Two={}#two", provider.base_url());
    let base = ["constitution", "judge", "--constitution", "everyday", "--model", &one];
    let with = |more: &[&str]| refused(folder, &[&base[..], more].concat());
    assert!(with(&[]).contains("fewer than two models"));
    assert!(with(&["--model", "Two=gpt"]).contains("names nobody"));
    assert!(with(&["--model", &one]).contains("own name"));
    assert!(with(&["--model", &two, "--judge", "J=words:"]).contains("counts no words"));
    assert!(with(&["--model", &two, "--passes", "0"]).contains("at least once"));
    assert!(with(&["--model", &two, "--price", "one"]).contains("no price"));
    assert!(with(&["--model", &two, "--budget=-1"]).contains("budget"));
    let bare = ["constitution", "judge", "--constitution", "kindness", "--model", &one, "--model", &two];
    assert!(refused(folder, &bare).contains("no questions"));
    assert!(refused(folder, &["constitution", "import", "nowhere.json"]).contains("nowhere.json"));
    std::fs::write(folder.join("bad.jsonl"), "{\"ranking\": [\"a\"]}\n").unwrap();
    let message = refused(folder, &["constitution", "results", "--verdicts", "bad.jsonl"]);
    assert!(message.contains("line 1") && message.contains("bad.jsonl"), "{message}");
    assert!(provider.asked().is_empty());
}

#[test]
fn a_key_is_sent_and_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let provider = provider();
    Project::create(&folder.join("project"), "Test").unwrap();
    let (one, two) = (format!("One={}#one", provider.base_url()), format!("Two={}#two", provider.base_url()));
    let secret = "sk-test-0123456789abcdef";
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kleroterion"))
        .args([
            "constitution",
            "judge",
            "--constitution",
            "everyday",
            "--per-clause",
            "1",
            "--model",
            &one,
            "--model",
            &two,
        ])
        .args(["--key-variable", "JUDGING_TEST_KEY", "--project", "project", "--json", "out.json"])
        .current_dir(folder)
        .env("JUDGING_TEST_KEY", secret)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let sent = provider.asked();
    assert_eq!(sent.len(), 40);
    assert!(sent.iter().all(|asked| asked.headers["authorization"] == format!("Bearer {secret}")));
    let mut files = vec![folder.join("out.json")];
    files.extend(std::fs::read_dir(folder.join("project")).unwrap().map(|entry| entry.unwrap().path()));
    for file in files.into_iter().filter(|file| file.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", file.display());
    }
    assert!(!stderr(&output).contains(secret));
}
