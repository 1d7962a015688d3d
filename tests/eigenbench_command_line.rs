//! `kleroterion eigenbench fit` as scripts see it (eigenbench.md, section 14).

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kleroterion::jobs::collect::Judgements;
use kleroterion::jobs::import_comparisons::ImportComparisonsSpec;
use kleroterion::jobs::runner::run_headless;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::progress::Silent;
use kleroterion::store::{CallId, Project, RunFilter, RunId};
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

/// Evaluations as the authors write them: two models under two scenarios, judged by one of them and by a stranger.
fn evaluations() -> String {
    let mut lines = Vec::new();
    for scenario in 0..2 {
        for judge in ["ann", "ben", "zoe"] {
            for (first, second) in [("ann", "ben"), ("ben", "ann")] {
                let choice = |criterion: usize| match (criterion, scenario, judge) {
                    (0, _, "ben") => u8::from(first == "ben") + 2 * u8::from(second == "ben"),
                    (1, 0, _) => 0,
                    _ => 1 + u8::from(second == "ann"),
                };
                let verdict = format!(
                    "<criterion_1_choice>{}</criterion_1_choice><criterion_2_choice>{}</criterion_2_choice>",
                    choice(0),
                    choice(1)
                );
                let response = |model: &str| format!("{model} answers matter {scenario} in words.");
                lines.push(
                    serde_json::json!({
                        "constitution": "Be kind.\nBe brief.", "scenario": format!("Matter {scenario}"),
                        "scenario_index": scenario, "judge": 0, "judge_name": judge,
                        "eval1": 0, "eval1_name": first, "eval1 response": response(first),
                        "eval1 reflection": format!("{judge} on {first}"),
                        "eval2": 1, "eval2_name": second, "eval2 response": response(second),
                        "eval2 reflection": format!("{judge} on {second}"),
                        "judge response": verdict,
                    })
                    .to_string(),
                );
            }
        }
    }
    lines.join("\n")
}

fn ran(folder: &Path, line: &[&str]) -> Value {
    let output = kleroterion(folder, line);
    assert!(output.status.success(), "{line:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[test]
fn imported_rows_lead_to_what_was_said_and_come_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("p")).unwrap();
    // A sample project takes its file from its own folder.
    std::fs::write(folder.join("p/mock.jsonl"), evaluations()).unwrap();
    let sample = "name = \"Mock\"\n[[run]]\nkind = \"import-comparisons\"\nfile = \"mock.jsonl\"\n";
    std::fs::write(folder.join("p/project.toml"), sample).unwrap();
    ran(folder, &["run", "--project", "p", "--run", "1"]);
    let imported = ran(folder, &["eigenbench", "import", "p/mock.jsonl", "--project", "p", "--json", "-"]);
    assert_eq!((imported["run"].as_i64(), imported["rows"].as_i64()), (Some(2), Some(24)));

    let project = Project::open_reader(&folder.join("p")).unwrap();
    let spec = project.run(RunId(2)).unwrap().spec;
    assert!(spec.command_line().ends_with("eigenbench import mock.jsonl"), "{}", spec.command_line());
    let found = Judgements::load(&project, RunId(2), &spec).unwrap().unwrap();
    assert_eq!((found.models.join(" "), found.outside.join(" ")), ("ann ben".to_owned(), "zoe".to_owned()));
    assert_eq!(
        (found.criteria().join(" "), found.scenarios[1].text.as_str()),
        ("Be kind. Be brief.".to_owned(), "Matter 1")
    );
    assert_eq!(found.lengths.as_ref().unwrap()[0], [Some(6), Some(6)]);
    for row in found.rows.iter() {
        let said = |call: Option<CallId>| {
            let call = project.call(call.unwrap()).unwrap().unwrap();
            assert_eq!(call.provider, "imported");
            (call.request.model, call.reply.unwrap().text, call.request.messages.last().unwrap().content.clone())
        };
        let (judge, verdict, asked) = said(row.calls.verdict);
        assert_eq!(judge, found.judge(row.judge));
        let choice = format!("<criterion_{}_choice>{}<", row.criterion + 1, row.choice.figure());
        assert!(verdict.contains(&choice), "{verdict} {choice}");
        for (side, model) in [row.first, row.second].into_iter().enumerate() {
            let (speaker, response, scenario) = said(row.calls.responses[side]);
            assert_eq!(speaker, found.judge(model));
            assert_eq!(response, format!("{speaker} answers matter {} in words.", row.scenario));
            assert_eq!(scenario, found.scenarios[row.scenario as usize].text);
            assert_eq!(said(row.calls.reflections[side]).1, format!("{judge} on {speaker}"));
            assert!(asked.contains(&response));
        }
    }
    // Both runs lead to the same calls: four responses, twelve reflections, twelve verdicts.
    let first = Judgements::load(&project, RunId(1), &project.run(RunId(1)).unwrap().spec).unwrap().unwrap();
    assert_eq!(first.rows, found.rows);
    assert_eq!(
        (project.call_totals(RunId(1)).unwrap().answered, project.call_totals(RunId(2)).unwrap().answered),
        (28, 0)
    );

    let report =
        ran(folder, &["eigenbench", "report", "--project", "p", "--run", "2", "--bootstrap", "5", "--json", "-"]);
    let board = &report["constitutions"][0];
    assert_eq!((report["complete"].as_bool(), board["judges"][2]["name"].as_str()), (Some(true), Some("zoe")));
    assert_eq!(board["leaderboard"]["outside"][0], "zoe", "{board}");
    ran(folder, &["eigenbench", "export", "--project", "p", "--run", "2", "--out", "out.jsonl"]);
    let sorted = |text: String| {
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            ["judge", "eval1", "eval2"].iter().for_each(|number| drop(line.as_object_mut().unwrap().remove(*number)));
        }
        lines.sort_by_key(Value::to_string);
        lines
    };
    assert_eq!(sorted(std::fs::read_to_string(folder.join("out.jsonl")).unwrap()), sorted(evaluations()));

    // Another answer to the same question is another call.
    std::fs::write(folder.join("other.jsonl"), evaluations().replace("answers", "replies to")).unwrap();
    ran(folder, &["eigenbench", "import", "other.jsonl", "--project", "p"]);
    let spec = project.run(RunId(3)).unwrap().spec;
    let other = Judgements::load(&project, RunId(3), &spec).unwrap().unwrap();
    let response = project.call(other.rows[0].calls.responses[0].unwrap()).unwrap().unwrap();
    assert!(response.reply.unwrap().text.contains("replies to"));
}

#[test]
fn a_table_becomes_a_run_with_the_leaderboard_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(Project::create(&folder.join("p"), "Test").unwrap());
    // Repeated judgements that no column tells apart.
    let text = comparisons(false);
    let rows = text.split_once('\n').unwrap().1;
    let stranger = "0,human,m0,m1,1\n0,human,m1,m2,2\n0,human,m2,m0,1\n0,human,m0,m2,1\n";
    std::fs::write(folder.join("c.csv"), format!("{text}{rows}{stranger}")).unwrap();
    let line = ["eigenbench", "fit", "--comparisons", "c.csv", "--project", "p", "--bootstrap", "20", "--json", "-"];
    let from_file = ran(folder, &line);
    assert_eq!(from_file["run"].as_i64(), Some(1));
    let line = ["eigenbench", "report", "--project", "p", "--run", "1", "--bootstrap", "20", "--json", "-"];
    let report = ran(folder, &line);
    let board = &report["constitutions"][0]["leaderboard"];
    for key in ["models", "outside", "trust", "elo", "orders", "intervals", "rows", "scenarios"] {
        assert_eq!(board[key], from_file[key], "{key}");
    }
    assert_eq!(board["outside"][0], "human");
    ran(folder, &["eigenbench", "export", "--project", "p", "--run", "1", "--out", "again.csv"]);
    let again = fitted(folder, "--comparisons again.csv --bootstrap 20");
    assert_eq!(again["elo"], from_file["elo"]);
    let refused =
        kleroterion(folder, &["eigenbench", "export", "--project", "p", "--run", "1", "--out", "again.jsonl"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("holds no texts"), "{}", stderr(&refused));
}

#[test]
fn a_wrong_row_changes_nothing_and_a_changed_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    drop(Project::create(&folder.join("p"), "Test").unwrap());
    std::fs::write(folder.join("e.jsonl"), evaluations()).unwrap();
    ran(folder, &["eigenbench", "import", "e.jsonl", "--project", "p"]);
    let project = Project::open_reader(&folder.join("p")).unwrap();
    let calls = project.call_totals(RunId(1)).unwrap().answered;
    std::fs::write(folder.join("wrong.jsonl"), evaluations().replacen("\"ben\"", "\"\"", 1)).unwrap();
    std::fs::write(folder.join("wrong.csv"), "scenario,judge,eval1,eval2,choice\n0,a,b,c,1\n0,a,b,c,9\n").unwrap();
    for (file, part) in [("wrong.jsonl", "evaluation 1 (line 1)"), ("wrong.csv", "line 3: the choice is \"9\"")] {
        let output = kleroterion(folder, &["eigenbench", "import", file, "--project", "p"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    assert_eq!(project.runs(&RunFilter::default()).unwrap().len(), 1);
    assert_eq!(project.call_totals(RunId(1)).unwrap().answered, calls);
    drop(project);

    let writer = Project::open(&folder.join("p")).unwrap();
    let known =
        ImportComparisonsSpec { sha256: Some("0".repeat(64)), ..ImportComparisonsSpec::of(folder.join("e.jsonl")) };
    let spec = RunSpec::ImportComparisons(known);
    let problem = run_headless(Some(&writer), Arc::new(Library::default()), &spec, &Silent).unwrap_err().to_string();
    assert!(problem.contains("has changed"), "{problem}");
    assert!(writer.comparison_rows(RunId(2)).unwrap().is_empty());
    assert_eq!(Judgements::load(&writer, RunId(2), &spec).unwrap(), None);
}

#[test]
fn people_join_a_run_come_out_again_and_bad_rows_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("evaluations.jsonl"), evaluations()).unwrap();
    drop(Project::create(&folder.path().join("p"), "People").unwrap());
    let import = ["eigenbench", "import", &path("evaluations.jsonl"), "--project", &path("p"), "--json", "-"];
    ran(folder.path(), &import);
    let header = "person,scenario,criterion,first,second,choice\n";
    let people = |rows: &str| {
        std::fs::write(path("people.csv"), format!("{header}{rows}")).unwrap();
        let line =
            ["eigenbench", "import-people", &path("people.csv"), "--project", &path("p"), "--run", "1", "--json", "-"];
        kleroterion(folder.path(), &line)
    };
    let report = || {
        ran(
            folder.path(),
            &[
                "eigenbench",
                "report",
                "--project",
                &path("p"),
                "--run",
                "1",
                "--bootstrap",
                "0",
                "--dangling",
                "uniform",
                "--json",
                "-",
            ],
        )
    };
    let outside = |report: &Value| report["constitutions"][0]["leaderboard"]["outside"].clone();
    assert_eq!(outside(&report()), serde_json::json!(["zoe"]));
    let refused = people("Ada,1,Be kind.,ann,ben,1\nAda,1,Be kind.,ann,nobody,1\n");
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("line 3: no model is called"), "{}", stderr(&refused));
    assert_eq!(outside(&report()), serde_json::json!(["zoe"]));
    let taken = people("Ada,1,Be kind.,ann,ben,1\nBen B.,2,2,ben,ann,tie\nAda,1,2,ann,ben,2\n");
    assert!(taken.status.success(), "{}", stderr(&taken));
    assert_eq!(outside(&report()), serde_json::json!(["zoe", "Ada", "Ben B."]));
    assert!(report()["constitutions"][0]["findings"]["wins"].is_array());
    // Where all trust goes back to one model, it has all of it.
    let trusted = ran(
        folder.path(),
        &[
            "eigenbench",
            "report",
            "--project",
            &path("p"),
            "--run",
            "1",
            "--bootstrap",
            "0",
            "--dangling",
            "uniform",
            "--damping",
            "1",
            "--pre-trust",
            "ben",
            "--json",
            "-",
        ],
    );
    assert_eq!(trusted["constitutions"][0]["leaderboard"]["trust"], serde_json::json!([0.0, 1.0]));
    let out = path("out.csv");
    ran(folder.path(), &["eigenbench", "export-people", "--project", &path("p"), "--run", "1", "--out", &out]);
    let written = std::fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().count(), 4, "{written}");
    // What came out goes in again, in place of what is there.
    let rows: String = written.lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert!(people(&rows).status.success());
    let choices = Project::open_reader(&folder.path().join("p")).unwrap().person_comparisons(RunId(1)).unwrap();
    assert_eq!(choices.len(), 3);
}
