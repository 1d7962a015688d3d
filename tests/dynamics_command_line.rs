//! Perfect samples, escapes and reference chains on the command line: keys, known answers, exit codes, messages.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn kleroterion(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kleroterion"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON of a command that ends with `code`.
fn ended(line: &str, code: i32) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = kleroterion(folder.path(), &format!("{line} --json -"));
    assert_eq!(output.status.code(), Some(code), "{line}: {}", stderr(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn perfect_samples_agree_with_the_enumerated_law() {
    let line = "exact --model table-pair --length 2 --perfect-samples 4000 --seed 3";
    let found = ended(line, 0);
    let perfect = &found["perfect"];
    assert!(found["pi"].is_null(), "the law only on request");
    // glauber.md A2: .3725, .1275, .1275, .3725.
    for (state, known) in [0.3725, 0.1275, 0.1275, 0.3725].into_iter().enumerate() {
        assert!((number(&perfect["law"][state]) - known).abs() < 1e-12);
        // Four standard deviations of a share of 4,000 draws.
        assert!(
            (number(&perfect["counts"][state]) / 4000.0 - known).abs() < 4.0 * (known * (1.0 - known) / 4000.0).sqrt()
        );
    }
    let fit = &perfect["fit"];
    assert_eq!((fit["degrees"].as_u64(), fit["total"].as_u64()), (Some(3), Some(4000)));
    assert!(number(&fit["p_value"]) > 1e-3 && number(&fit["tv"]) < number(&fit["tv_upper"]));
    assert_eq!(ended(&format!("{line} --threads 1"), 0), found);
    let hurried = ended("exact --model ising:n=6 --length 6 --perfect-samples 10 --perfect-steps 6", 1);
    assert!(hurried["perfect"]["fit"].is_null() && hurried["t_mix"].is_u64(), "the enumeration stands");
}

#[test]
fn what_cannot_be_drawn_ends_with_2_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for (line, said) in [
        ("exact --model ising --length 13 --perfect-samples 5", "4096"),
        ("exact --model ising --length 4 --temperature 0 --perfect-samples 5", "positive temperature"),
        ("exact --model ising --length 4 --perfect-samples 0", "choose 1 to"),
        ("exact --model ising --length 4 --perfect-steps 9", "--perfect-samples"),
    ] {
        let output = kleroterion(folder.path(), line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{line}: {}", stderr(&output));
    }
}
