//! Perfect samples, escapes and reference chains on the command line: keys, known answers, exit codes, messages.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::process::Output;

use program::stderr;
use serde_json::Value;

fn kleroterion(folder: &Path, line: &str) -> Output {
    program::kleroterion(folder, &line.split_whitespace().collect::<Vec<_>>())
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

#[test]
fn independent_sites_escape_as_the_recursion_says() {
    // glauber.md A10: n = 8, eta = 0.1, r = 3 gives E[T] = 601.90476; the field sets eta.
    let line = "escape --model ising:beta=0,field=1.0986122886681098 --length 8 --temperatures 1,0.9 --radius 3 --chains 300 \
                --cap 100000 --seed 5";
    let found = ended(line, 0);
    let at = &found["temperatures"][0];
    assert_eq!(at["mean"]["kind"], "measured");
    assert!(number(&at["mean"]["lower"]) < 601.904_76 && 601.904_76 < number(&at["mean"]["upper"]), "{}", at["mean"]);
    assert!((number(&at["by_margin"]["steps"]) / 601.904_76 - 1.0).abs() < 1e-5);
    assert!(number(&at["exponentiality"]["p_value"]) > 0.01);
    assert!(number(&found["arrhenius"]["measured"]["slope"]) > 0.0);
    assert_eq!(ended(&format!("{line} --threads 1"), 0), found);
    let folder = tempfile::tempdir().unwrap();
    for (line, said) in [
        ("escape --model ising --length 4 --radius 4", "cannot be left"),
        ("escape --model ising --lengths 4,4", "twice"),
        ("escape --model ising --length 4 --lengths 4,6", "cannot be used with"),
        ("escape --model ising --length 4 --radius-share 1.5", "share"),
        ("escape --model ising --length 4 --criterion far", "distance or basin"),
        ("escape --model ising --length 4 --temperatures 0", "positive"),
        ("escape --model ising --length 4 --anchor +-", "cannot start"),
    ] {
        let output = kleroterion(folder.path(), line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{line}: {}", stderr(&output));
    }
}

#[test]
fn escapes_at_several_lengths_and_from_basins() {
    let line = "escape --model ising:beta=0,field=1.0986122886681098 --lengths 4,6,8 --radius-share 0.25 --chains 200 --cap 100000 \
                --seed 5";
    let found = ended(line, 0);
    let further = found["further"].as_array().unwrap();
    let radii: Vec<_> = further.iter().map(|at| (number(&at["sites"]), number(&at["radius"]))).collect();
    assert_eq!((number(&found["radius"]), radii), (1.0, vec![(6.0, 1.0), (8.0, 2.0)]));
    assert_eq!(further[1]["temperatures"][0]["mean"]["kind"], "measured");
    let growth = &found["growth"][0];
    assert_eq!(number(&growth["lengths"]), 3.0);
    assert!(number(&growth["measured"]["slope"]) > 0.0);
    assert_eq!(ended(&format!("{line} --threads 1"), 0), found);
    // A free site alone decides nothing: with a field on all, every state leads back to plus, and no basin is left.
    let basin = ended(
        "escape --model ising:beta=0,field=1.0986122886681098 --length 4 --criterion basin --chains 20 --cap 50 --seed 5",
        0,
    );
    let at = &basin["temperatures"][0];
    assert_eq!((number(&at["escaped"]), number(&at["censored_share"])), (0.0, 1.0));
    assert_eq!(basin["spec"]["criterion"], "basin");
}

#[test]
fn reference_chains_accept_some_and_cost_more() {
    let line = "trajectories --model curie-weiss:beta=1 --length 6 --chains 16 --sweeps 60 --no-political --seed 3 \
                --dynamics metropolis --pll --law-a typed:++++++ --law-b uniform";
    let found = ended(line, 0);
    let reference = &found["reference"];
    let (steps, novel) = (number(&reference["steps"]), number(&reference["novel"]));
    assert_eq!(steps, 16.0 * 60.0 * 6.0);
    assert!(0.0 < number(&reference["accepted"]) && number(&reference["accepted"]) < novel && novel < steps);
    // Toys are not asked equal questions once: a row a step, five more for each novel proposal, and the first energies.
    assert_eq!(number(&reference["rows"]), steps + 5.0 * novel + 16.0 * 6.0);
    assert_eq!(found["run_spec"]["dynamics"]["energy"], "normalised");
    assert_eq!(number(&found["run_spec"]["dynamics"]["proposal"]), 1.0);
    let named = |name: &str| found["diagnostics"].as_array().unwrap().iter().any(|found| found["name"] == name);
    assert!(named("pseudo-log-likelihood"));
    assert!(found["separation"].is_object(), "two laws of starts");
    assert_eq!(ended(&format!("{line} --threads 1"), 0), found);

    let folder = tempfile::tempdir().unwrap();
    for (line, said) in [
        ("mix --model ising --length 4 --dynamics metropolis", "couplings are defined for Glauber dynamics only"),
        ("trajectories --model ising --length 4 --dynamics metropolis --scan systematic", "random scan"),
        ("trajectories --model ising --length 4 --dynamics metropolis --temperature 0", "above 0"),
        ("trajectories --model ising --length 4 --energy raw", "--dynamics metropolis"),
        ("trajectories --model ising --length 4 --law-a uniform", "--law-b"),
        ("trajectories --model ising --length 4 --start typed --from ++++ --to +x++", "\"x\" at position 1"),
        ("mix --model agora --length 3 --start typed --from ☃☃☃ --to law", "has no token for"),
        ("mix --model ising --length 4 --law-a typed:++?+ --cap 5", "\"?\" at position 2"),
    ] {
        let output = kleroterion(folder.path(), line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{line}: {}", stderr(&output));
    }
}
