//! `kleroterion panel` and `verify` on audit files, as scripts see them.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::Path;

use program::{kleroterion, stderr};
use serde_json::Value;

/// A folder with people of gender and age, as many of each pair of values as `people` says, and these quotas.
fn instance(people: &[(&str, &str, usize)], quotas: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "id,gender,age\n".to_owned();
    let each = people.iter().flat_map(|&(gender, age, count)| std::iter::repeat_n((gender, age), count));
    for (number, (gender, age)) in each.enumerate() {
        text += &format!("t{number},{gender},{age}\n");
    }
    std::fs::write(folder.path().join("people.csv"), text).unwrap();
    std::fs::write(folder.path().join("quotas.csv"), quotas).unwrap();
    folder
}

const SQUARE: &[(&str, &str, usize)] = &[("F", "Y", 1), ("M", "O", 4), ("F", "O", 2), ("M", "Y", 2)];
const ONE_EACH: &str = "category,feature,min,max\ngender,F,1,1\ngender,M,1,1\nage,Y,1,1\nage,O,1,1\n";

fn lottery(folder: &Path, algorithm: &str, name: &str) -> Value {
    let line = [
        "panel",
        "lottery",
        "--people",
        "people.csv",
        "--quotas",
        "quotas.csv",
        "--size",
        "2",
        "--algorithm",
        algorithm,
        "--json",
        name,
    ];
    let output = kleroterion(folder, &line);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    read(folder, name)
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn leximin_and_nash_of_the_square() {
    let folder = instance(SQUARE, ONE_EACH);
    let found = lottery(folder.path(), "leximin", "leximin.json");
    assert_eq!(found["status"], "exact");
    assert!((number(&found["inclusion"]["t0"]) - 2.0 / 3.0).abs() < 1e-6);
    assert!((number(&found["statistics"]["gini"]) - 2.0 / 9.0).abs() < 1e-6);
    assert!((number(&found["statistics"]["geometric_mean"]) - 0.194_421_5).abs() < 1e-6);
    assert!((number(&found["statistics"]["ess"]) - 6.0).abs() < 1e-5);
    let nash = lottery(folder.path(), "nash", "nash.json");
    assert_eq!(nash["status"], "exact");
    assert!((number(&nash["inclusion"]["t0"]) - 5.0 / 9.0).abs() < 1e-5);
    assert!((number(&nash["statistics"]["min"]) - 5.0 / 36.0).abs() < 1e-5);
    // Sums over panels, and the same file again.
    let total: f64 = found["inclusion"].as_object().unwrap().values().map(number).sum();
    assert!((total - 2.0).abs() < 1e-9);
    let mut again = lottery(folder.path(), "leximin", "again.json");
    again["seconds"] = found["seconds"].clone();
    assert_eq!(again, found);
}

#[test]
fn every_algorithm_gives_chances_that_sum_to_the_size() {
    let folder = instance(SQUARE, ONE_EACH);
    for algorithm in ["maximin", "goldilocks", "legacy", "uniform", "random"] {
        let found = lottery(folder.path(), algorithm, "found.json");
        let total: f64 = found["inclusion"].as_object().unwrap().values().map(number).sum();
        assert!((total - 2.0).abs() < 1e-6, "{algorithm}: {total}");
        for panel in found["panels"].as_array().unwrap() {
            assert_eq!(panel["members"].as_array().unwrap().len(), 2, "{algorithm}");
        }
        let verified = kleroterion(folder.path(), &["verify", "found.json"]);
        assert_eq!(verified.status.code(), Some(0), "{algorithm}: {}", stderr(&verified));
    }
}

#[test]
fn a_draw_is_repeated_and_a_forged_file_is_found_out() {
    let folder = instance(SQUARE, ONE_EACH);
    lottery(folder.path(), "leximin", "lottery.json");
    let draw = |dice: &str| {
        let line =
            ["panel", "draw", "--lottery", "lottery.json", "--dice", dice, "--audit", "audit.json", "--json", "d.json"];
        let output = kleroterion(folder.path(), &line);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        read(folder.path(), "d.json")
    };
    let first = draw("6 1 4");
    assert_eq!(first["panel"].as_array().unwrap().len(), 2);
    assert!(first["index"].is_u64() && first["hashes"]["panel"].is_string());
    assert_eq!(draw("  6  1 4 "), first, "blanks do not matter");
    let verified = kleroterion(folder.path(), &["verify", "audit.json", "--json", "v.json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    let report = read(folder.path(), "v.json");
    assert_eq!((report["kind"].as_str(), report["ok"].as_bool()), (Some("panel"), Some(true)));
    // Every kind of forgery is named.
    let whole = read(folder.path(), "audit.json");
    let forgeries: [(&str, Value, &str); 5] = [
        ("/draws/0/panel", Value::from(first["index"].as_u64().unwrap() + 1), "draws"),
        ("/inclusion/t0", Value::from(0.7), "inclusion"),
        ("/panels/0/probability", Value::from(0.9), "panels"),
        ("/quotas/attributes/0/values/0/max", Value::from(0), "content"),
        ("/people/1/values/0", Value::from("F"), "pool_sha256"),
    ];
    for (place, forged, field) in forgeries {
        let mut file = whole.clone();
        *file.pointer_mut(place).unwrap() = forged;
        std::fs::write(folder.path().join("forged.json"), file.to_string()).unwrap();
        let output = kleroterion(folder.path(), &["verify", "forged.json", "--json", "v.json"]);
        assert_eq!(output.status.code(), Some(1), "{place}");
        let found = read(folder.path(), "v.json");
        let named =
            found["differences"].as_array().unwrap().iter().any(|d| d["field"].as_str().unwrap().starts_with(field));
        assert!(named, "{place}: {found}");
    }
}

#[test]
fn what_cannot_be_met_is_explained() {
    // Women are all old, men all young: each margin is there, together they are not.
    let quotas = "category,feature,min,max\ngender,F,1,1\ngender,M,1,1\nage,Y,2,2\nage,O,0,0\n";
    let folder = instance(&[("F", "O", 3), ("M", "Y", 3)], quotas);
    let line =
        |verb| ["panel", verb, "--people", "people.csv", "--quotas", "quotas.csv", "--size", "2", "--json", "c.json"];
    let output = kleroterion(folder.path(), &line("check"));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let found = read(folder.path(), "c.json");
    assert_eq!(found["feasible"], false);
    assert!(!found["reasons"].as_array().unwrap().is_empty() && found["conflict"].is_object());
    let relaxations = found["relaxations"].as_array().unwrap();
    assert_eq!(relaxations.len(), 2, "{found}");
    for relaxation in relaxations {
        let moved: i64 = relaxation
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["from"].as_i64().unwrap() - c["to"].as_i64().unwrap()).abs())
            .sum();
        assert_eq!(moved, 2, "{relaxation}");
    }
    assert_eq!(kleroterion(folder.path(), &line("relax")).status.code(), Some(0));
    let output = kleroterion(folder.path(), &line("lottery"));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!read(folder.path(), "c.json")["reasons"].as_array().unwrap().is_empty());
    // The square can be met.
    let folder = instance(SQUARE, ONE_EACH);
    assert_eq!(kleroterion(folder.path(), &line("check")).status.code(), Some(0));
    assert_eq!(read(folder.path(), "c.json")["unreachable"].as_array().unwrap().len(), 0);
}

#[test]
fn bad_input_names_file_and_row() {
    let folder = instance(SQUARE, "category,feature,min,max\ngender,F,1,x\ngender,M,3,1\n");
    let line = ["panel", "lottery", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "2"];
    let output = kleroterion(folder.path(), &line);
    assert_eq!(output.status.code(), Some(2));
    for part in ["row 2", "row 3", "quotas.csv"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let folder = instance(SQUARE, ONE_EACH);
    let line = ["panel", "lottery", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "20"];
    let output = kleroterion(folder.path(), &line);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = kleroterion(folder.path(), &["panel", "draw", "--lottery", "people.csv", "--dice", "1"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// A lottery of a panel of three with somebody seated already, and one who is not to be drawn.
fn seated(folder: &Path) -> Value {
    std::fs::write(folder.join("already.csv"), "id,why\nt1,pilot panel\n").unwrap();
    std::fs::write(folder.join("left.txt"), "t2\n").unwrap();
    let quotas = "category,feature,min,max\ngender,F,1,1\ngender,M,2,2\nage,Y,1,2\nage,O,1,2\n";
    std::fs::write(folder.join("quotas.csv"), quotas).unwrap();
    let line = ["panel", "lottery", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "3"];
    let more = ["--already", "already.csv", "--left", "left.txt", "--numbered", "6", "--json", "seated.json"];
    let output = kleroterion(folder, &[&line[..], &more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 seated already, 2 seats to draw"), "{}", stderr(&output));
    read(folder, "seated.json")
}

#[test]
fn people_who_are_seated_reduce_the_quotas_and_stay_in_the_file() {
    let folder = instance(SQUARE, ONE_EACH);
    let found = seated(folder.path());
    assert_eq!(found["quotas"]["size"], 2);
    assert_eq!(found["before"]["quotas"]["size"], 3);
    assert!(found["inclusion"].get("t1").is_none() && found["inclusion"].get("t2").is_none(), "{found}");
    assert_eq!(found["before"]["people"][0]["why"], "pilot panel");
    for panel in found["panels"].as_array().unwrap() {
        assert_eq!(panel["members"].as_array().unwrap().len(), 2);
    }
    let total: f64 = found["inclusion"].as_object().unwrap().values().map(number).sum();
    assert!((total - 2.0).abs() < 1e-9);
    // Drawn with alternates, and with tables of the people's own columns.
    let line = ["panel", "draw", "--lottery", "seated.json", "--dice", "3 5", "--alternates", "2", "--json", "d.json"];
    let files =
        ["--people", "people.csv", "--selected", "selected.csv", "--remaining", "remaining.csv", "--audit", "a.json"];
    let output = kleroterion(folder.path(), &[&line[..], &files].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let drawn = read(folder.path(), "d.json");
    assert_eq!((drawn["seated"][0].as_str(), drawn["alternates"].as_array().unwrap().len()), (Some("t1"), 2));
    let rows = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.starts_with("id,gender,age\r\n"), "{text}");
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<String>>()
    };
    let (selected, remaining) = (rows("selected.csv"), rows("remaining.csv"));
    assert_eq!((selected.len(), remaining.len()), (3, 5), "nine people less one who left: {selected:?} {remaining:?}");
    assert!(selected.contains(&"t1".to_owned()) && !remaining.iter().any(|id| selected.contains(id) || id == "t2"));
    let verified = kleroterion(folder.path(), &["verify", "a.json", "--json", "v.json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    let subjects: Vec<String> = read(folder.path(), "v.json")["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(subjects, ["people", "before", "panels", "chances", "certificate", "draws", "numbered"]);
    // Quotas that the seated break are told, and so is a stranger.
    std::fs::write(folder.path().join("already.csv"), "id\nt0\nt5\n").unwrap();
    let line = ["panel", "check", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "3"];
    let output = kleroterion(folder.path(), &[&line[..], &["--already", "already.csv"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("2 of the people who are seated have 'F'"), "{}", stderr(&output));
    std::fs::write(folder.path().join("already.csv"), "id\nt99\n").unwrap();
    let output = kleroterion(folder.path(), &[&line[..], &["--already", "already.csv"]].concat());
    assert!(stderr(&output).contains("nobody among the people has the id \"t99\""), "{}", stderr(&output));
}

/// One pool, several sizes: the known chances at 2, sure seats at 6, and at 8 more women than there are.
#[test]
fn sizes_are_compared_and_infeasible_ones_say_why() {
    let folder = instance(SQUARE, ONE_EACH);
    let line = "panel sensitivity --people people.csv --quotas quotas.csv --size 2 --sizes 2,6,8 --json sizes.json";
    let output = kleroterion(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let found = read(folder.path(), "sizes.json");
    let rows = found["sizes"].as_array().unwrap();
    assert_eq!(
        (&rows[0]["outcome"], &rows[0]["status"], &rows[0]["size"]),
        (&"held".into(), &"exact".into(), &2.into())
    );
    let figures = &rows[0]["evenness"];
    for (name, value) in [("minimum", 1.0 / 6.0), ("maximum", 2.0 / 3.0), ("gini", 2.0 / 9.0), ("effective", 6.0)] {
        assert!((number(&figures[name]) - value).abs() < 1e-5, "{name}: {figures}");
    }
    assert!((number(&figures["geometric_mean"]) - 0.194_421_5).abs() < 1e-6);
    assert!((number(&rows[1]["evenness"]["maximum"]) - 1.0).abs() < 1e-6, "{}", rows[1]);
    assert_eq!(rows[2]["outcome"], "infeasible");
    assert!(rows[2]["reasons"][0].as_str().unwrap().contains('F'), "{}", rows[2]);
    assert!(stderr(&output).contains("8: infeasible: "), "{}", stderr(&output));
    let zero = line.replace("2,6,8", "2,0");
    let output = kleroterion(folder.path(), &zero.split_whitespace().collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn forged_seats_and_forged_numbers_are_found_out() {
    let folder = instance(SQUARE, ONE_EACH);
    seated(folder.path());
    let line = ["panel", "draw", "--numbered", "--lottery", "seated.json", "--dice", "2", "--audit", "whole.json"];
    let output = kleroterion(folder.path(), &line);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let whole = read(folder.path(), "whole.json");
    let verify = |file: &Value| {
        std::fs::write(folder.path().join("forged.json"), file.to_string()).unwrap();
        let output = kleroterion(folder.path(), &["verify", "forged.json", "--json", "v.json"]);
        (output.status.code(), read(folder.path(), "v.json"))
    };
    assert_eq!(verify(&whole).0, Some(0), "{}", verify(&whole).1);
    let other = 1 - whole["numbered"]["draws"][0]["panel"].as_u64().unwrap().min(1);
    let forgeries: [(&str, Value, &str); 9] = [
        ("/before/people/0/why", Value::from("a friend"), "before.sha256"),
        ("/before/people/1/standing", Value::from("seated"), "before"),
        ("/before/people/0/id", Value::from("t3"), "before"),
        ("/before/quotas/attributes/0/values/0/max", Value::from(3), "before"),
        ("/before/quotas/size", Value::from(4), "before"),
        ("/numbered/panels/0/0", Value::from(6), "numbered"),
        ("/numbered/list_sha256", Value::from("0".repeat(64)), "numbered.list_sha256"),
        ("/numbered/deviation", Value::from(0.5), "numbered.deviation"),
        ("/numbered/draws/0/panel", Value::from(other), "numbered.draws"),
    ];
    for (place, forged, field) in forgeries {
        let mut file = whole.clone();
        *file.pointer_mut(place).unwrap_or_else(|| panic!("no {place}: {whole}")) = forged;
        let (code, found) = verify(&file);
        assert_eq!(code, Some(1), "{place}");
        let named =
            found["differences"].as_array().unwrap().iter().any(|d| d["field"].as_str().unwrap().starts_with(field));
        assert!(named, "{place}: {found}");
    }
    // A panel swapped for another of the list, consistently but for the hash.
    let mut file = whole.clone();
    file["numbered"]["panels"].as_array_mut().unwrap().swap(0, 5);
    if file["numbered"]["panels"] != whole["numbered"]["panels"] {
        assert_eq!(verify(&file).0, Some(1));
    }
}
