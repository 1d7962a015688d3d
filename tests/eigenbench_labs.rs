//! `kleroterion eigenbench collusion` and `label-recovery` as scripts see them (eigenbench.md, section 14, checks 12 and 16).

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use program::{kleroterion, stderr};
use serde_json::Value;

fn output(folder: &Path, line: &str) -> std::process::Output {
    let arguments: Vec<&str> = ["eigenbench"].into_iter().chain(line.split_whitespace()).collect();
    kleroterion(folder, &arguments)
}

fn report(folder: &Path, line: &str) -> Value {
    let output = output(folder, &format!("{line} --json -"));
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(folder: &Path, line: &str) -> String {
    let output = output(folder, line);
    assert!(!output.status.success(), "{line} was not refused");
    stderr(&output)
}

fn near(found: &Value, known: f64, within: f64) {
    assert!((found.as_f64().unwrap() - known).abs() < within, "{found} {known}");
}

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/eigenbench").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Check 16.
#[test]
fn one_colluder_among_four_takes_two_thirds() {
    let folder = tempfile::tempdir().unwrap();
    let found = report(folder.path(), "collusion --honest 4 --colluders 2 --mass 0.9");
    let gains = found["closed_form"].as_array().unwrap();
    assert_eq!(gains.len(), 3);
    assert!(gains[0]["elo_colluder"].is_null() && found["simulation"].is_null());
    near(&gains[1]["share"], 2.0 / 3.0, 1e-12);
    near(&gains[1]["mean_share"], 0.34, 1e-12);
    near(&gains[1]["elo_colluder"], 1709.15, 0.01);
    near(&gains[1]["elo_honest"], 1347.92, 0.01);
    let damped = report(folder.path(), "collusion --colluders 1 --mass 0.9 --damping 0.3");
    let trusted = report(folder.path(), "collusion --colluders 1 --mass 0.9 --damping 0.3 --pretrust");
    let share = |found: &Value| found["closed_form"][1]["share"].as_f64().unwrap();
    // x = ((1 - a) G/N + a p) / (1 - (1 - a)(c - G/N)), p being 1/5 or 0.
    assert!((share(&damped) - 0.2 / 0.51).abs() < 1e-12 && (share(&trusted) - 0.14 / 0.51).abs() < 1e-12);
}

#[test]
fn a_simulation_follows_its_seed_and_names_its_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let line = "collusion --honest 4 --colluders 1 --simulate --scenarios 40 --replicates 3 --damping 0.3 --seed";
    let found = report(folder.path(), &format!("{line} 7"));
    assert_eq!(found, report(folder.path(), &format!("{line} 7")));
    assert_ne!(found["simulation"], report(folder.path(), &format!("{line} 8"))["simulation"]);
    let rows = found["simulation"].as_array().unwrap();
    assert_eq!(rows.len(), 2 * 4);
    let elo = |remedy: &str| {
        let row = rows.iter().find(|row| row["colluders"] == 1 && row["remedy"] == remedy).unwrap();
        row["colluding"]["mean"].as_f64().unwrap()
    };
    for remedy in ["damping", "pre-trust", "left-out"] {
        assert!(elo("nothing") > elo(remedy), "{remedy}: {rows:?}");
    }
}

#[test]
fn collusion_refuses_what_makes_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    for (line, problem) in [
        ("collusion --honest 0", "at least one honest"),
        ("collusion --mass 1.5", "from 0 to 1"),
        ("collusion --mass NaN", "from 0 to 1"),
        ("collusion --simulate --honest 60 --colluders 5", "at most 64"),
        ("collusion --simulate --replicates 0", "at least one scenario"),
    ] {
        let said = refusal(folder.path(), line);
        assert!(said.contains(problem), "{line}: {said}");
    }
}

#[test]
fn answers_are_ranked_and_held_against_key_and_reference() {
    let folder = tempfile::tempdir().unwrap();
    // m is right throughout, n in all but the last two, o only now and then, and once silent.
    let rows = ["A,A,A", "B,B,C", "C,C,D", "D,D,A", "A,A,B", "B,B,B", "C,B,D", "D,A,"];
    let key = ["A", "B", "C", "D", "A", "B", "C", "D"];
    let lines = rows.iter().zip(key).enumerate().map(|(at, (row, key))| format!("{at},{row},{key}\n"));
    std::fs::write(folder.path().join("answers.csv"), format!("question,m,n,o,key\n{}", lines.collect::<String>()))
        .unwrap();
    std::fs::write(folder.path().join("scores.csv"), "model,score\no,0.1\nm,0.9\nn,0.5\n").unwrap();
    let found = report(folder.path(), "label-recovery --answers answers.csv --reference scores.csv");
    assert_eq!(found["accuracy"], serde_json::json!([[1.0, 1.0], [0.75, 0.75], [0.25, 2.0 / 7.0]]));
    assert_eq!(found["against_reference"]["win_share"]["pairs"], 3);
    let elo: Vec<f64> = found["elo"].as_array().unwrap().iter().map(|elo| elo.as_f64().unwrap()).collect();
    assert!(elo[2] < elo[0] && elo[2] < elo[1], "{elo:?}");

    let said = refusal(folder.path(), "label-recovery --answers nowhere.csv");
    assert!(said.contains("nowhere.csv"), "{said}");
    std::fs::write(folder.path().join("gap.csv"), "question,m,n,key\n1,A,B,A\n2,A,B,\n").unwrap();
    let said = refusal(folder.path(), "label-recovery --answers gap.csv");
    assert!(said.contains("line 3") && said.contains("Fill it in") && said.contains("gap.csv"), "{said}");
}

/// Check 12.
#[test]
fn published_answers_to_gpqa_give_the_known_counts_and_distances() {
    let (Some(answers), Some(reference)) = (shared("gpqa_448x15_answers.csv"), shared("gpqa_reference_scores.csv"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let line = format!("label-recovery --answers {} --key A --reference {}", answers.display(), reference.display());
    let found = report(folder.path(), &line);
    assert_eq!((found["rows"].as_u64(), found["ties"].as_u64()), (Some(518_517), Some(333_195)));
    let distance = |of: &str| found["against_reference"][of]["distance"].as_f64().unwrap();
    assert_eq!(distance("eigentrust"), 8.0);
    // Without lenses and trust, and by majorities with blanks counted as the proxy does or as wrong.
    assert_eq!([distance("win_share"), distance("majority_of_answered"), distance("majority")], [11.0, 12.0, 25.0]);
    let right: Vec<f64> =
        found["accuracy"].as_array().unwrap().iter().map(|own| (own[0].as_f64().unwrap() * 448.0).round()).collect();
    assert_eq!(right[..3], [332.0, 254.0, 282.0]);
}
