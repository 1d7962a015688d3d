//! `kleroterion eigenbench fit` as scripts see it (eigenbench.md, section 14).

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use program::{kleroterion, stderr};
use serde_json::Value;

fn fitted(folder: &Path, line: &str) -> Value {
    let arguments: Vec<&str> =
        ["eigenbench", "fit", "--json", "-"].into_iter().chain(line.split_whitespace()).collect();
    let output = kleroterion(folder, &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn near(found: &Value, known: &Value, within: f64) {
    let (found, known) = (numbers(found), numbers(known));
    assert_eq!(found.len(), known.len());
    assert!(found.iter().zip(&known).all(|(a, b)| (a - b).abs() < within), "{found:?} {known:?}");
}

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/eigenbench").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Checks 9 and 11: the maxima of the likelihood that another program found.
#[test]
fn published_and_synthetic_comparisons_have_their_known_maxima() {
    let (Some(fixtures), Some(small), Some(synthetic)) =
        (shared("fixtures.json"), shared("eb_20250623_4x4_comparisons.csv"), shared("synthetic_n5_d2_20000.csv"))
    else {
        return;
    };
    let known: Value = serde_json::from_slice(&std::fs::read(fixtures).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for dimension in 1..=3 {
        let report = fitted(folder.path(), &format!("--comparisons {} --ridge 0 --dim {dimension}", small.display()));
        let known = &known[format!("A_mle_d{dimension}")];
        let loss = report["mean_nll"].as_f64().unwrap();
        assert!((loss - known["nll"].as_f64().unwrap()).abs() < 1e-9, "{dimension}: {loss}");
        // Pairs whose two orders contradict each other, over all judges.
        assert_eq!((report["orders"]["first"].as_u64(), report["orders"]["second"].as_u64()), (Some(510), Some(72)));
        near(&report["elo"], &known["elo"], 1e-3);
        near(&report["trust"], &known["t"], 1e-6);
        for (row, known) in report["matrix"].as_array().unwrap().iter().zip(known["T"].as_array().unwrap()) {
            near(row, known, 1e-5);
        }
    }
    let report = fitted(folder.path(), &format!("--comparisons {} --ridge 0 --dim 2", synthetic.display()));
    let known = &known["synthetic"];
    assert!(report["mean_nll"].as_f64().unwrap() <= known["mle_nll"].as_f64().unwrap() + 1e-8);
    near(&report["elo"], &known["mle_elo"], 0.01);
    assert!(report["starts_agreeing"].as_u64().unwrap() > 1);
}

/// Three models that judge each other over scenarios, both orders.
fn comparisons(swapped: bool) -> String {
    let mut text = "scenario,judge,eval1,eval2,choice\n".to_owned();
    for scenario in 0..30u32 {
        for judge in 0..3u32 {
            for (first, second) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
                let choice = match (scenario * 7 + judge * 5 + first * 3 + second) % 5 {
                    0 => 0,
                    1 | 2 => 1 + u32::from(first > second),
                    3 => 1,
                    _ => 2,
                };
                text += &match (swapped, choice) {
                    (false, _) => format!("{scenario},m{judge},m{first},m{second},{choice}\n"),
                    (true, 0) => format!("{scenario},m{judge},m{second},m{first},0\n"),
                    (true, _) => format!("{scenario},m{judge},m{second},m{first},{}\n", 3 - choice),
                };
            }
        }
    }
    text
}

/// Check 8, and what is drawn again.
#[test]
fn orders_do_not_matter_and_scenarios_widen_intervals() {
    let folder = tempfile::tempdir().unwrap();
    let text = comparisons(false);
    std::fs::write(folder.path().join("a.csv"), &text).unwrap();
    std::fs::write(folder.path().join("b.csv"), comparisons(true)).unwrap();
    let rows = text.split_once('\n').unwrap().1;
    std::fs::write(folder.path().join("twice.csv"), format!("{text}{rows}")).unwrap();
    let a = fitted(folder.path(), "--comparisons a.csv --ridge 0 --dim 2");
    let place = |report: &Value, name: &str| {
        report["models"].as_array().unwrap().iter().position(|model| model == name).unwrap()
    };
    for other in ["b.csv", "twice.csv"] {
        let b = fitted(folder.path(), &format!("--comparisons {other} --ridge 0 --dim 2"));
        for name in ["m0", "m1", "m2"] {
            let trust = |report: &Value| report["trust"][place(report, name)].as_f64().unwrap();
            assert!((trust(&a) - trust(&b)).abs() < 1e-7, "{other} {name}");
        }
    }
    let line = "--comparisons a.csv --bootstrap 100 --seed 2";
    let scenarios = fitted(folder.path(), line);
    let models = scenarios["intervals"]["elo"].as_array().unwrap();
    for (model, elo) in models.iter().zip(numbers(&scenarios["elo"])) {
        assert!(model["lower"].as_f64().unwrap() < elo && elo < model["upper"].as_f64().unwrap(), "{model} {elo}");
    }
    let mut again = fitted(folder.path(), line);
    again["seconds"] = scenarios["seconds"].clone();
    assert_eq!(scenarios, again, "the seed decides");
    let rows = fitted(folder.path(), &format!("{line} --cluster rows --cross-validate 5"));
    assert_eq!(rows["held_out"].as_array().unwrap().len(), 2);
    assert_ne!(rows["intervals"], scenarios["intervals"]);
}

/// Check 6: members are named, and nothing is computed.
#[test]
fn what_determines_no_leaderboard_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let header = "scenario,judge,eval1,eval2,choice\n";
    for (rows, line, part) in [
        ("0,a,a,b,1\n0,b,b,a,1\n0,c,c,d,1\n0,d,d,c,1\n", "", "(a, b) and (c, d)"),
        ("0,a,a,b,1\n0,a,b,a,1\n", "", "b judged nothing"),
        ("0,a,a,b,1\n0,b,a,b,1\n", "--ridge 0", "for the judge a none of a ever lost to b"),
        ("0,a,a,b,7\n", "", "line 2: the choice is \"7\""),
    ] {
        std::fs::write(folder.path().join("c.csv"), format!("{header}{rows}")).unwrap();
        let arguments = ["eigenbench", "fit", "--comparisons", "c.csv", "--json", "out.json"];
        let arguments: Vec<&str> = arguments.into_iter().chain(line.split_whitespace()).collect();
        let output = kleroterion(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
        assert!(!folder.path().join("out.json").exists());
    }
}
