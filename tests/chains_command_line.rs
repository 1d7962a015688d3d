//! The commands that run chains, as scripts see them: keys, exit codes, messages, and the contract's examples.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::process::{Command, Output};

use program::stderr;
use serde_json::Value;

fn kleroterion(folder: &Path, line: &str) -> Output {
    program::kleroterion(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// The JSON of a command that succeeds and leaves nothing behind.
fn report(line: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = kleroterion(folder.path(), &format!("{line} --json -"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn has(report: &Value, keys: &[&str]) {
    for key in keys {
        assert!(report.get(key).is_some(), "{key} is missing");
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn mix_meets_like_a_coupon_collector() {
    let line = "mix --model product:v=3 --length 8 --temperature inf --pairs 2000 --coupling gumbel --cap 60";
    let found = report(line);
    has(&found, &["survival", "t_couple", "censored_share", "hamming", "drift", "kappa", "seed"]);
    for key in ["step", "s", "lower", "upper"] {
        assert!(found["survival"][3].get(key).is_some(), "{key}");
    }
    // glauber.md A4: exactly 26; the interval of an estimate from 2,000 pairs.
    assert!((number(&found["t_couple"]) - 26.0).abs() <= 2.0, "{}", found["t_couple"]);
    assert_eq!(number(&found["censored_share"]), 0.0);
    assert_eq!(report(line), found, "the same command, the same result");
    assert_eq!(report(&format!("{line} --threads 1")), found, "whatever the threads");
}

#[test]
fn a_censored_time_is_null() {
    let found = report("mix --model curie-weiss:beta=3 --length 10 --temperature 0.2 --pairs 20 --cap 5");
    assert!(found["t_couple"].is_null() && number(&found["censored_share"]) > 0.75);
    assert_eq!(found["t_couple_estimate"]["estimate"]["at_least"], 50);
}

#[test]
fn exact_gives_the_known_numbers() {
    // glauber.md A2 and A6.
    let pair = report("exact --model table-pair --tokens 0,1 --length 2 --temperature 1 --law");
    has(&pair, &["states", "t_mix", "d", "pi", "slem", "gap", "influence", "entropy_production", "max_abs_r"]);
    assert!((number(&pair["max_abs_r"]) - 9.190_239_7).abs() < 1e-7);
    assert!((number(&pair["entropy_production"]) - 0.562_902_182).abs() < 1e-8);
    for (state, known) in [0.3725, 0.1275, 0.1275, 0.3725].into_iter().enumerate() {
        assert!((number(&pair["pi"][state]) - known).abs() < 1e-12);
    }
    let joint = report("exact --model table-pair:p=.8;.2;.2;.8,q=.8;.2;.2;.8 --tokens 0,1 --length 2 --temperature 1");
    assert_eq!((number(&joint["states"]), number(&joint["t_mix"])), (4.0, 4.0));
    for (t, known) in [(0, 0.9), (1, 0.4), (2, 0.32), (3, 0.256)] {
        assert!((number(&joint["d"][t]) - known).abs() < 1e-9, "{t}");
    }
    assert!((number(&joint["influence"]["matrix"][0][1]) - 0.6).abs() < 1e-12);
}

#[test]
fn a_diagram_has_cells_fits_and_critical_temperatures() {
    let found = report(
        "phase --model curie-weiss:beta=1 --temperatures 0.5,1,2 --lengths 4,6,8 --cap 40 --pairs 32 --order-chains 0",
    );
    has(&found, &["cells", "fits", "critical"]);
    assert_eq!(found["cells"].as_array().unwrap().len(), 9);
    assert_eq!(found["cells"][0]["pairs_with_tokens"], found["cells"][0]["pairs"]);
    for key in ["temperature", "length", "pairs", "t_couple", "censored_share"] {
        assert!(found["cells"][0].get(key).is_some(), "{key}");
    }
    let names: Vec<&str> = found["critical"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tau_c1", "tau_c2", "tau_c3", "tau_c4"]);
}

#[test]
fn trajectories_have_basins_dwell_and_recurrence() {
    let found = report(
        "trajectories --model curie-weiss:beta=2 --length 6 --temperature 0.6 --chains 6 --sweeps 40 --no-political",
    );
    has(&found, &["basins", "dwell", "recurrence", "political"]);
    assert!(found["political"].is_null());
    assert_eq!(found["basins"]["attractors"]["basins"].as_array().unwrap().len(), 2);
}

#[test]
fn bad_input_ends_with_2_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for (line, said) in [
        ("mix --model ising --length 4 --vocabulary nine", "take it out of the vocabulary"),
        ("mix --model ising --length 4 --temperature -1", "not a temperature"),
        ("mix --model ising --length 4 --start typed", "--from"),
        ("mix --model ising --length 4 --coupling magnetic", "magnetic"),
        ("mix --model ising --length 4 --law-a basin", "anchor:1"),
        ("mix --model ising --length 4 --law-a sentences:nowhere.txt", "nowhere.txt"),
        ("mix --model ising --length 4 --law-b anchor:9", "no anchor 9"),
        ("mix --model ising --length 4 --compare-at 5,2", "ascend"),
        ("phase --model ising --temperatures 1 --lengths 4 --keep-tokens some", "first:8"),
        ("exact --model potts:q=5 --length 9", "65"),
        ("phase --model ising --temperatures 1,1 --lengths 4", "twice"),
        ("phase --model table-pair --temperatures 1 --lengths 3", "length 2"),
        ("trajectories --model ising --length 4 --sweeps 0", "sweep"),
        ("trajectories --model ising --length 4 --lexicon nowhere.txt", "nowhere.txt"),
    ] {
        let output = kleroterion(folder.path(), line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{line}: {}", stderr(&output));
    }
}

#[test]
fn mix_brings_diagnostics_and_lower_bounds_for_any_two_starts() {
    let usual = report("mix --model curie-weiss:beta=1 --length 8 --temperature 0.2 --pairs 4 --cap 5");
    let singles = &usual["singles"];
    let names: Vec<&str> =
        singles["diagnostics"].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|name| name.contains("overlap")), "{names:?}");
    let first = &singles["diagnostics"][0]["convergence"];
    has(first, &["r_hat", "bulk_ess", "tail_ess"]);
    assert_eq!(singles["separations"].as_array().unwrap().len(), 5);

    // Two wells: all chains of either start stay in their own, so every held-out one is told right.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("minus.txt"), "- - - - - - - -\n- - - - - - - +\n").unwrap();
    let line = "mix --model curie-weiss:beta=1 --length 8 --temperature 0.2 --pairs 4 --cap 5 --single-chains 40 \
                --law-b sentences:minus.txt --compare-at 0,3,9 --json -";
    let output = Command::new(env!("CARGO_BIN_EXE_kleroterion"))
        .args(line.split_whitespace())
        .args(["--law-a", "typed:+ + + + + + + +"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (place, sweep) in [0, 3, 9].into_iter().enumerate() {
        let at = &found["singles"]["separations"][place];
        assert_eq!((&at["sweep"], &at["step"]), (&sweep.into(), &(8 * sweep).into()));
        assert!(number(&at["found"]["lower"]) > 0.6, "{at}");
    }
    assert!(stderr(&output).contains("not proof"));
    assert!(report("mix --model ising --length 4 --pairs 4 --single-chains 0")["singles"].is_null());
}
