//! `kleroterion rankings score` as scripts see it, against published numbers.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kleroterion::ranking::bootstrap::Bootstrap;
use kleroterion::ranking::comparison::comparisons;
use kleroterion::ranking::votes::Wins;
use kleroterion::ranking::{Method, mallows};
use program::{kleroterion, stderr};
use serde_json::Value;

fn scored(folder: &Path, line: &str) -> Value {
    let arguments: Vec<&str> =
        ["rankings", "score", "--json", "-"].into_iter().chain(line.split_whitespace()).collect();
    let output = kleroterion(folder, &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn scores(report: &Value) -> BTreeMap<String, f64> {
    let rows = report["results"].as_array().unwrap();
    rows.iter().map(|row| (row["name"].as_str().unwrap().to_owned(), row["score"].as_f64().unwrap())).collect()
}

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// dempo.md, section 12, check 12: what was published of 15,000 rankings a size of model, from the counts of its pairs.
#[test]
fn published_scores_from_published_counts() {
    let Some(path) = shared("dempo/paper_numbers.json") else { return };
    let published: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for (name, model) in published["models"].as_object().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        for (file, rate, all) in
            [("majorities.csv", "win_rate_a_majority", 3000.0), ("votes.csv", "win_rate_a_votes", 15_000.0)]
        {
            let mut text = "left,right,winner,count\n".to_owned();
            for pair in model["pairwise"].as_array().unwrap() {
                let (a, b) = (pair["a"].as_str().unwrap(), pair["b"].as_str().unwrap());
                let won = (pair[rate].as_f64().unwrap() * all).round();
                text += &format!("{a},{b},left,{won}\n{a},{b},right,{}\n", all - won);
            }
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let found = scores(&scored(folder.path(), "--pairs majorities.csv --method bradley-terry"));
        for (variant, known) in model["bt"].as_object().unwrap() {
            // The published ones come from an iteration that stopped 6e-7 short of the maximum; all printed digits agree.
            let known = known[0].as_f64().unwrap();
            assert!((found[variant] - known).abs() < 1e-6, "{name} {variant}: {} {known}", found[variant]);
        }
        let found = scores(&scored(folder.path(), "--pairs votes.csv --method borda"));
        for (variant, known) in model["borda_avg"].as_object().into_iter().flatten() {
            assert!((found[variant] - known.as_f64().unwrap()).abs() < 1e-9, "{name} {variant}: {}", found[variant]);
        }
        let found = scores(&scored(folder.path(), "--pairs votes.csv --method copeland-net"));
        for (variant, known) in model["copeland_net"].as_object().into_iter().flatten() {
            assert_eq!(found[variant], known.as_f64().unwrap(), "{name} {variant}");
        }
        let mut classical: Vec<f64> =
            scores(&scored(folder.path(), "--pairs votes.csv --method copeland")).into_values().collect();
        classical.sort_by(f64::total_cmp);
        assert_eq!(classical, [-4.0, -2.0, 0.0, 2.0, 4.0], "{name}");
        let kemeny = scored(folder.path(), "--pairs votes.csv --method kemeny");
        published_pairs(name, model);
        let Some(known) = model["kemeny"]["order"].as_array() else { continue };
        assert_eq!(kemeny["order"].as_array().unwrap(), known, "{name}");
        assert_eq!(kemeny["agreeing"].as_f64(), model["kemeny"]["score"].as_f64(), "{name}");
        let mallows = scored(folder.path(), "--pairs votes.csv --method mallows");
        assert_eq!(mallows["order"], model["mallows"]["order"], "{name}");
        // The published fit saw 12,000 of the rankings; all 15,000 give nearly the same.
        let phi = mallows["dispersion"]["phi"].as_f64().unwrap();
        assert!((phi - model["mallows"]["phi"].as_f64().unwrap()).abs() < 0.01, "{name}: {phi}");
        published_mallows(folder.path(), name, &model["mallows"], &kemeny);
    }
}

/// The published shares of every pair with their margins, and the wins of every model.
fn published_pairs(name: &str, model: &Value) {
    let names: Vec<String> = model["bt"].as_object().unwrap().keys().cloned().collect();
    for (rate, all) in [("win_rate_a_majority", 3000.0), ("win_rate_a_votes", 15_000.0)] {
        let mut rows = vec![vec![0.0; names.len()]; names.len()];
        let pairs = model["pairwise"].as_array().unwrap();
        let places = |pair: &Value| {
            ["a", "b"].map(|side| names.iter().position(|name| pair[side].as_str() == Some(name)).unwrap())
        };
        for pair in pairs {
            let [a, b] = places(pair);
            rows[a][b] = (pair[rate].as_f64().unwrap() * all).round();
            rows[b][a] = all - rows[a][b];
        }
        let wins = Wins::of_table(&rows);
        let scores = kleroterion::ranking::bradley_terry::bradley_terry(&wins).unwrap().scores;
        let resampled = Bootstrap { scores: vec![scores.clone()], failed: 0 };
        let found = comparisons(Method::BradleyTerry, &scores, &wins, &resampled, &[], 0.95);
        assert_eq!(found.len(), pairs.len());
        for pair in pairs {
            let [a, b] = places(pair);
            let own = found.iter().find(|own| own.models == [a, b] || own.models == [b, a]).unwrap();
            let known = pair[rate].as_f64().unwrap();
            let (share, margin) = (own.win_rate.unwrap(), own.margin.unwrap());
            let turned = if own.models == [a, b] { (share, margin) } else { (1.0 - share, -margin) };
            assert!(
                (turned.0 - known).abs() < 1e-12 && (turned.1 - (2.0 * known - 1.0)).abs() < 1e-12,
                "{name} {pair}"
            );
        }
        if rate == "win_rate_a_majority" {
            for (variant, known) in model["bt_wins"].as_object().unwrap() {
                let place = names.iter().position(|name| name == variant).unwrap();
                let won: f64 =
                    (0..names.len()).filter(|other| *other != place).map(|other| wins.of(place, other)).sum();
                assert_eq!(Some(won), known.as_f64(), "{name} {variant}");
            }
        }
    }
}

/// The published dispersion and both likelihoods: the rankings kept back turn round what all of them do less what those
/// fitted do.
fn published_mallows(folder: &Path, name: &str, known: &Value, kemeny: &Value) {
    let number = |key: &str| known[key].as_f64().unwrap();
    let (train, test) = (number("n_train"), number("n_test"));
    let turned = (number("mean_kendall_train") * train).round();
    // Ten pairs that together are turned round so often.
    let order: Vec<&str> = known["order"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut text = "left,right,winner,count\n".to_owned();
    let (each, rest) = ((turned / 10.0).floor(), turned % 10.0);
    for (place, above) in order.iter().enumerate() {
        for (gap, below) in order[place + 1..].iter().enumerate() {
            let lost = each + if place == 0 && gap == 0 { rest } else { 0.0 };
            text += &format!("{above},{below},left,{}\n{above},{below},right,{lost}\n", train - lost);
        }
    }
    std::fs::write(folder.join("train.csv"), text).unwrap();
    let fitted = scored(folder, "--pairs train.csv --method mallows");
    assert_eq!(fitted["order"], known["order"], "{name}");
    // The published dispersion comes from a search that stopped 8e-6 short of the maximum; ours is at least as likely.
    let phi = fitted["dispersion"]["phi"].as_f64().unwrap();
    assert!((phi - number("phi")).abs() < 1e-5, "{name}: {phi} {}", number("phi"));
    let likelihood = fitted["log_likelihood"].as_f64().unwrap();
    let gained = likelihood - number("ll_train");
    assert!((0.0..1e-5).contains(&gained), "{name}: {likelihood}");
    let published = mallows::log_likelihood(order.len(), number("phi"), train, turned / train);
    assert!((published - number("ll_train")).abs() < 1e-8, "{name}: {published}");
    let all = 10.0 * (train + test) - kemeny["agreeing"].as_f64().unwrap();
    let unseen = mallows::log_likelihood(order.len(), number("phi"), test, (all - turned) / test);
    assert!((unseen - number("ll_test")).abs() < 1e-8, "{name}: {unseen}");
}

/// Shares of abilities, to the last digits of another program's.
#[test]
fn the_same_abilities_as_another_program() {
    for name in ["simple", "food", "llmfao"] {
        let (Some(pairs), Some(golden)) =
            (shared(&format!("rankings/{name}.csv")), shared(&format!("rankings/{name}-golden.csv")))
        else {
            continue;
        };
        let mut reader = csv::Reader::from_path(golden).unwrap();
        let rows = reader.records().map(Result::unwrap).filter(|row| &row[0] == "bradley_terry");
        let known: BTreeMap<String, f64> = rows.map(|row| (row[1].to_owned(), row[2].parse().unwrap())).collect();
        let folder = tempfile::tempdir().unwrap();
        let line = format!("--pairs {} --method bradley-terry", pairs.display());
        let found = scores(&scored(folder.path(), &line));
        let total: f64 = found.values().map(|score| score.exp()).sum();
        for (item, share) in known {
            let own = found[&item].exp() / total;
            assert!((own - share).abs() < 1e-6 * share.max(1e-3), "{name} {item}: {own} {share}");
        }
    }
}

/// Questions of several clauses with five passes each, whose true order is a to e.
fn questions(folder: &Path) {
    let mut text = String::new();
    for question in 0..60u64 {
        let rankings: Vec<Vec<&str>> = (0..5)
            .map(|pass| {
                let mut order = vec!["a", "b", "c", "d", "e"];
                let turned = (question * 7 + pass * 3) % 4;
                order.swap(turned as usize, turned as usize + 1);
                if (question + pass) % 3 == 0 {
                    order.swap(0, 2);
                }
                if (question + 2 * pass) % 7 == 0 {
                    order.reverse();
                }
                order
            })
            .collect();
        let line = serde_json::json!({
            "question": question, "clause": question % 12, "models": ["a", "b", "c", "d", "e"], "rankings": rankings,
        });
        text += &format!("{line}\n");
    }
    std::fs::write(folder.join("rankings.jsonl"), text).unwrap();
}

#[test]
fn rankings_have_intervals_ranks_comparisons_and_reliability() {
    let folder = tempfile::tempdir().unwrap();
    questions(folder.path());
    let line = "--rankings rankings.jsonl --method plackett-luce --bootstrap 200 --seed 4 --held-out 0.2";
    let report = scored(folder.path(), line);
    let rows = report["results"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<String>(), "abcde");
    for row in rows {
        let [lower, score, upper] = ["lower", "score", "upper"].map(|key| row[key].as_f64().unwrap());
        assert!(lower <= score && score <= upper && lower < upper, "{row}");
    }
    assert_eq!(report["comparisons"].as_array().unwrap().len(), 10);
    assert_eq!(report["bootstrap"]["rank_probabilities"].as_array().unwrap().len(), 5);
    assert_eq!(report["reliability"]["groups"], 60);
    assert_eq!(report["held_out"]["test_rankings"], 60.0);
    assert_eq!(report, scored(folder.path(), line), "the seed decides");
    // Clauses hold five questions each: fewer things are drawn again.
    let clustered = scored(folder.path(), &format!("{line} --cluster clause"));
    assert_eq!(clustered["groups"], 12);
    assert_eq!(scores(&clustered), scores(&report));
    assert_ne!(clustered["results"][0]["lower"], report["results"][0]["lower"]);
    let majorities = scored(folder.path(), "--rankings rankings.jsonl --method bradley-terry --unit majorities");
    assert_eq!(majorities["unit"], "majorities");
}

#[test]
fn what_cannot_be_scored_says_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pairs.csv"), "left,right,winner\na,b,left\na,b,tie\nb,c,left\n").unwrap();
    for (line, part) in [
        ("--pairs pairs.csv --method bradley-terry", "a, b never lost to c"),
        ("--pairs pairs.csv --method plackett-luce", "knows no ties"),
        ("--pairs pairs.csv --method borda", "a and c were never compared"),
        ("--pairs pairs.csv --method mallows", "Mallows needs all"),
        ("--pairs nowhere.csv --method borda", "nowhere.csv"),
        ("--pairs pairs.csv --method copeland --cluster judge", "no column \"judge\""),
        ("--pairs pairs.csv --method copeland --held-out 2", "between 0 and 1"),
    ] {
        let arguments: Vec<&str> = ["rankings", "score"].into_iter().chain(line.split_whitespace()).collect();
        let output = kleroterion(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).contains(part), "{line}: {}", stderr(&output));
    }
}
