//! `kleroterion preferences` as scripts see it. The raters of `samples/prism` and all that they were told are made up.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use kleroterion::dempo::preference::Preference;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use program::{kleroterion, stderr};
use serde_json::{Value, json};

fn run(folder: &Path, line: &str) -> Output {
    let arguments: Vec<&str> = std::iter::once("preferences").chain(line.split_whitespace()).collect();
    kleroterion(folder, &arguments)
}

fn report(folder: &Path, line: &str) -> Value {
    let output = run(folder, &format!("{line} --json -"));
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The message of a command that ends with exit code 2.
fn refusal(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
    stderr(&output)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn pairs(path: &Path) -> Vec<Preference> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/prism").join(name)
}

/// A copy of some of the files of PRISM's layout.
fn prism(folder: &Path, names: &[&str]) {
    fs::create_dir_all(folder.join("prism")).unwrap();
    for name in names {
        fs::copy(sample(name), folder.join("prism").join(name)).unwrap();
    }
}

#[test]
fn prism_becomes_pairs_in_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prism(folder, &["survey.jsonl", "utterances.jsonl"]);
    let all = report(folder, "import --prism prism --out all.jsonl");
    assert_eq!((&all["pairs"], &all["raters"], &all["conversations"]), (&json!(10), &json!(3), &json!(4)));
    let dropped = json!({ "tied-scores": 1, "empty-reply": 1, "equal-replies": 1, "no-score": 1 });
    assert_eq!(all["dropped"], dropped);
    assert_eq!(all["pairs_per_rater"], json!([1.0, 2.0, 3.0, 4.5, 6.0]));
    assert_eq!((&all["raters_without_demographics"], &all["raters_without_pairs"]), (&json!(1), &json!(1)));
    assert_eq!((&all["scattered_conversations"], &all["lines"]), (&json!(0), &json!(15)));
    let found = pairs(&folder.join("all.jsonl"));
    let later = found.iter().find(|pair| pair.turn == 1).unwrap();
    let said: Vec<&str> = later.prompt.iter().map(|message| message.content.as_str()).collect();
    let known = ["Who should mend the old bridge?", "The county, since lorries from everywhere use it.", "And when?"];
    assert_eq!(said, known);
    assert_eq!((later.chosen.as_str(), later.margin), ("In May, when the river is low.", Some(1.0)));
    assert_eq!((later.id.as_str(), later.model_rejected.as_deref()), ("ut6>ut5", Some("model-0")));
    let best = report(folder, "import --prism prism --pairs best --out best.jsonl");
    assert_eq!((&best["pairs"], &best["dropped"]["later-turn"]), (&json!(7), &json!(1)));
    assert!(pairs(&folder.join("best.jsonl")).iter().all(|pair| pair.turn == 0 && pair.prompt.len() == 1));
    let wide = report(folder, "import --prism prism --delta 5 --out wide.jsonl");
    assert_eq!((&wide["pairs"], &wide["dropped"]["small-margin"]), (&json!(9), &json!(2)));
}

#[test]
fn scattered_conversations_are_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prism(folder, &["survey.jsonl", "utterances.jsonl"]);
    report(folder, "import --prism prism --out whole.jsonl");
    let text = fs::read_to_string(folder.join("prism/utterances.jsonl")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    // Every fourth line first, so that no conversation stands together, with Windows line ends and blank lines.
    lines = (0..4).flat_map(|start| lines[start..].iter().step_by(4).copied()).collect();
    fs::write(folder.join("prism/utterances.jsonl"), lines.join("\r\n\r\n")).unwrap();
    let found = report(folder, "import --prism prism --out scattered.jsonl");
    assert_eq!((&found["pairs"], &found["scattered_conversations"]), (&json!(10), &json!(4)));
    let sorted = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted("scattered.jsonl"), sorted("whole.jsonl"));
}

#[test]
fn conversations_stand_in_for_utterances() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prism(folder, &["survey.jsonl", "utterances.jsonl"]);
    report(folder, "import --prism prism --out utterances.jsonl");
    fs::remove_file(folder.join("prism/utterances.jsonl")).unwrap();
    assert!(refusal(folder, "import --prism prism --out none.jsonl").contains("neither utterances.jsonl nor"));
    prism(folder, &["conversations.jsonl"]);
    fs::remove_file(folder.join("prism/survey.jsonl")).unwrap();
    let found = report(folder, "import --prism prism --out conversations.jsonl");
    assert_eq!((&found["pairs"], &found["raters_without_demographics"]), (&json!(10), &Value::Null));
    assert_eq!(found["notes"].as_array().unwrap().len(), 2);
    let texts = |name: &str| -> Vec<[String; 3]> {
        pairs(&folder.join(name)).into_iter().map(|pair| [pair.rater, pair.chosen, pair.rejected]).collect()
    };
    assert_eq!(texts("conversations.jsonl"), texts("utterances.jsonl"));
}

#[test]
fn malformed_lines_are_counted_and_leave_the_old_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prism(folder, &["survey.jsonl", "utterances.jsonl"]);
    let path = folder.join("prism/utterances.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.insert(1, "{\"utterance_id\": \"ut".into());
    lines.push(lines[0].replace("\"turn\": 0", "\"turn\": \"first\""));
    lines.push(lines[0].replace("\"user1\"", "\"somebody else\""));
    lines.push(lines[0].clone());
    fs::write(&path, lines.join("\n")).unwrap();
    fs::write(folder.join("out.jsonl"), "as it was").unwrap();
    let told = refusal(folder, "import --prism prism --out out.jsonl");
    assert!(told.contains("3 of 19 lines cannot be read (line 2: EOF while parsing a string"), "{told}");
    assert!(told.contains("line 17: invalid type") && told.contains("--skip-malformed"), "{told}");
    assert!(
        told.contains("line 18: conversation c1 is user1's in an earlier line, and somebody else's here"),
        "{told}"
    );
    assert_eq!(fs::read_to_string(folder.join("out.jsonl")).unwrap(), "as it was");
    let skipped = report(folder, "import --prism prism --skip-malformed --out out.jsonl");
    assert_eq!((&skipped["pairs"], &skipped["malformed"]["count"]), (&json!(10), &json!(3)));
    assert_eq!(
        (&skipped["dropped"]["duplicate-reply"], &skipped["malformed"]["first"][1]["line"]),
        (&json!(1), &json!(17))
    );
    // The first conversation goes on after others.
    assert_eq!(skipped["scattered_conversations"], json!(1));
    fs::write(folder.join("prism/survey.jsonl"), "{\"age\": 3}\n").unwrap();
    fs::write(&path, &text).unwrap();
    assert!(refusal(folder, "import --prism prism --out out.jsonl").contains("missing field `user_id`"));
}

fn write_parquet(path: &Path, columns: &[(&str, [&str; 3])]) {
    let fields: String = columns.iter().map(|(name, _)| format!("required binary {name} (UTF8);")).collect();
    let schema = Arc::new(parse_message_type(&format!("message pairs {{ {fields} }}")).unwrap());
    let snappy = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(fs::File::create(path).unwrap(), schema, Arc::new(snappy)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, cells) in columns {
        let mut column = group.next_column().unwrap().unwrap();
        let cells: Vec<ByteArray> = cells.iter().map(|text| ByteArray::from(*text)).collect();
        column.typed::<ByteArrayType>().write_batch(&cells, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn every_layout_of_a_file_gives_the_same_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let columns = [
        ("pair_id", ["p1", "p2", "p1"]),
        ("annotator", ["x", "y", "x"]),
        ("prompt", ["Where, then?", "When?", "Where, then?"]),
        ("chosen", ["Here.", "Now.\nOr soon.", "Again."]),
        ("rejected", ["There.", "Never.", "No."]),
    ];
    let row = |row: usize| -> Value { columns.iter().map(|(name, cells)| (*name, cells[row])).collect() };
    let lines: Vec<String> = (0..3).map(|number| row(number).to_string()).collect();
    fs::write(folder.join("a.jsonl"), format!("\u{feff}{}\n\n", lines.join("\r\n"))).unwrap();
    let mut csv = csv::WriterBuilder::new().delimiter(b';').from_path(folder.join("a.csv")).unwrap();
    csv.write_record(columns.map(|(name, _)| name)).unwrap();
    (0..3).for_each(|row| csv.write_record(columns.map(|(_, cells)| cells[row])).unwrap());
    csv.flush().unwrap();
    write_parquet(&folder.join("a.parquet"), &columns);
    for (name, format) in [("a.jsonl", "jsonl"), ("a.csv", "csv"), ("a.parquet", "parquet")] {
        let found = report(folder, &format!("import --file {name} --out {name}.out"));
        assert_eq!((&found["format"], &found["pairs"], &found["raters"]), (&json!(format), &json!(2), &json!(2)));
        assert_eq!(found["dropped"], json!({ "duplicate-id": 1 }), "{name}");
        assert_eq!(pairs(&folder.join(format!("{name}.out"))), pairs(&folder.join("a.jsonl.out")), "{name}");
        assert_eq!(found["sha256"], report(folder, "import --file a.jsonl --out again")["sha256"]);
    }
    let second = &pairs(&folder.join("a.csv.out"))[1];
    assert_eq!((second.id.as_str(), second.rater.as_str(), second.chosen.as_str()), ("p2", "y", "Now.\nOr soon."));
    // What was imported can be imported.
    report(folder, "import --file a.jsonl.out --out twice.jsonl");
    assert_eq!(fs::read(folder.join("twice.jsonl")).unwrap(), fs::read(folder.join("a.jsonl.out")).unwrap());
}

#[test]
fn files_that_do_not_fit_are_refused_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("a.csv", "prompt,chosen,rejected,who\np,c,r,1\np,c,r\np,c,d,2\np,,d,2\n");
    let told = refusal(folder, "import --file a.csv --out out");
    assert!(
        told.contains("no column says whose") && told.contains("\"who\"") && told.contains("--column rater=NAME"),
        "{told}"
    );
    let told = refusal(folder, "import --file a.csv --column rater=who --out out");
    assert!(
        told.contains(
            "2 of 4 lines cannot be read (line 3: the row has 3 cells, the header 4; line 5: there is no chosen"
        ),
        "{told}"
    );
    let found = report(folder, "import --file a.csv --column rater=who --skip-malformed --out out");
    assert_eq!((&found["pairs"], &found["raters"]), (&json!(2), &json!(2)));
    assert!(refusal(folder, "import --file a.csv --column voter=who --out out").contains("the fields are id, rater"));
    write("b.csv", "prompt,good,bad,rater\np,c,r,1\n");
    assert!(refusal(folder, "import --file b.csv --out out").contains("there is no column for the chosen"));
    write("a.json", "[{\"prompt\": \"p\"}]");
    assert!(refusal(folder, "import --file a.json --out out").contains("jq -c '.[]'"));
    write("trl.jsonl", "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"weight\":3}\n");
    assert!(refusal(folder, "import --file trl.jsonl --format jsonl --out out").contains("--column rater=NAME"));
    let trl = report(folder, "import --file trl.jsonl --out trl.out");
    assert_eq!((&trl["format"], trl["notes"].as_array().unwrap().len()), (&json!("trl"), 2));
    assert_eq!(pairs(&folder.join("trl.out"))[0].rater, "everyone");
    write(
        "mixed.jsonl",
        "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"user\":\"x\"}\n",
    );
    assert!(refusal(folder, "import --file mixed.jsonl --out out").contains("line 2: it names the rater x"));
    write("nobody.jsonl", "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\",\"user\":null}\n");
    assert!(refusal(folder, "import --file nobody.jsonl --out out").contains("1 left out for no rater"));
    write("same.jsonl", "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"c\",\"rater\":1}\n");
    assert!(refusal(folder, "import --file same.jsonl --out out2").contains("1 left out for equal replies"));
    assert!(!folder.join("out2").exists());
    write("bad.parquet", "PAR1 and nothing else");
    assert!(refusal(folder, "import --file bad.parquet --out out").contains("cannot be read"));
    assert!(refusal(folder, "import --file nowhere.jsonl --out out").contains("nowhere.jsonl"));
    assert!(refusal(folder, "import --out out").contains("--prism"));
    assert!(refusal(folder, "import --file a.csv --prism x --out out").contains("cannot be used with"));
}

#[test]
fn a_made_up_sample_from_lottery_to_weights() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let made = report(folder, "sample --out s --raters 200 --pairs-per-rater 6 --size 20 --seed 1");
    assert_eq!((&made["raters"], &made["probes"]), (&json!(200), &json!(96)));
    report(folder, "sample --out again --raters 200 --pairs-per-rater 6 --size 20 --seed 1");
    for name in ["people.csv", "quotas.csv", "preferences.jsonl", "probes.jsonl", "truth.json"] {
        assert_eq!(fs::read(folder.join("s").join(name)).unwrap(), fs::read(folder.join("again").join(name)).unwrap());
    }
    let lottery =
        "panel lottery --people s/people.csv --quotas s/quotas.csv --size 20 --algorithm leximin --json lottery.json";
    let output = kleroterion(folder, &lottery.split_whitespace().collect::<Vec<_>>());
    assert!(output.status.success(), "{}", stderr(&output));
    let draw = kleroterion(
        folder,
        &[
            "panel",
            "draw",
            "--lottery",
            "lottery.json",
            "--dice",
            "3 1 4",
            "--json",
            "drawn.json",
            "--audit",
            "audit.json",
        ],
    );
    assert!(draw.status.success(), "{}", stderr(&draw));
    let base = "weigh --preferences s/preferences.jsonl --truth s/truth.json";
    let soft = report(folder, &format!("{base} --scheme soft --lottery lottery.json"));
    let full = report(folder, &format!("{base} --scheme full"));
    let hard =
        report(folder, &format!("{base} --scheme hard --panel drawn.json --lottery lottery.json --steps 10 --batch 8"));
    // The raters want one thing, weighted towards the population another, except of the control.
    let sides = |report: &Value| -> Vec<String> {
        let wanted = report["truth"]["weighted"].as_array().unwrap();
        wanted.iter().map(|one| one["side"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sides(&full), ["cautious", "central", "open", "long"]);
    assert_eq!(sides(&soft), ["bold", "local", "open", "short"]);
    for (weighted, alike) in list(&full["truth"]["weighted"]).iter().zip(list(&full["truth"]["sample"])) {
        assert!((number(&weighted["choice"]) - number(&alike["choice"])).abs() < 1e-12, "{weighted} {alike}");
    }
    // The identity holds on the data, pooled means do not have it, and both variances agree.
    let identity = &soft["identity"];
    assert!(number(&identity["difference"]).abs() < 1e-12 && number(&identity["standard_deviation"]) > 0.0);
    assert!((number(&identity["variance"]) - number(&identity["variance_by_pairs"])).abs() < 1e-12);
    assert!((number(&identity["pooled"]["expected_hard"]) - number(&identity["pooled"]["soft"])).abs() > 1e-6);
    // Quotas keep shares within their bounds: 6 of 20 are young, give or take one.
    let young = &soft["panels"][0];
    assert_eq!((&young["value"], &list(&soft["panels"]).len()), (&json!("18 to 34"), &9));
    assert!((0.25..=0.35).contains(&number(&young["share"])), "{young}");
    assert_eq!((&hard["raters_used"], &hard["visits"]["visits"]), (&json!(20), &json!(80)));
    assert!((number(&hard["ess_raters"]) - 20.0).abs() < 1e-9, "{}", hard["ess_raters"]);
    assert_eq!((&full["closed_form"], &full["raters_used"]), (&json!(true), &json!(200)));
    assert!((number(&full["design_effect"]) - 1.0).abs() < 1e-9, "{}", full["design_effect"]);
    assert!(number(&soft["ess_raters"]) < 199.0 && number(&soft["ess_raters"]) > 20.0, "{}", soft["ess_raters"]);
    // The audit file's last draw and a list of ids are the same panel.
    let drawn: Value = serde_json::from_slice(&fs::read(folder.join("drawn.json")).unwrap()).unwrap();
    let ids: Vec<&str> = drawn["panel"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    fs::write(folder.join("list.txt"), ids.join("\n")).unwrap();
    for panel in ["audit.json", "list.txt"] {
        let again = report(folder, &format!("{base} --scheme hard --panel {panel}"));
        assert_eq!(again["shares"], hard["shares"], "{panel}");
    }
    // Losses that are given take the place of counts.
    let losses: String = (1..=200).map(|number| format!("R{number:03},{}\n", number as f64 / 100.0)).collect();
    fs::write(folder.join("losses.csv"), format!("rater,loss\n{losses}")).unwrap();
    let lossy = report(folder, &format!("{base} --scheme soft --lottery lottery.json --losses losses.csv"));
    assert_eq!(lossy["identity"]["of"], json!("losses"));
    assert!(number(&lossy["identity"]["difference"]).abs() < 1e-12);
    let clipped = report(folder, &format!("{base} --scheme soft --lottery lottery.json --transform clip:0.05:0.95"));
    let compared = report(folder, "transforms --preferences s/preferences.jsonl --lottery lottery.json");
    let transforms = compared["transforms"].as_array().unwrap();
    let names: Vec<&str> = transforms.iter().map(|one| one["transform"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "square-root", "square", "clip"]);
    // The same figures as one by one, and only what is as it is keeps the closed form.
    assert_eq!(
        (&transforms[0]["effective_raters"], &transforms[0]["closed_form"]),
        (&soft["ess_raters"], &true.into())
    );
    assert_eq!(
        (&transforms[3]["effective_raters"], &transforms[3]["closed_form"]),
        (&clipped["ess_raters"], &false.into())
    );
    assert_eq!(transforms[0]["curve"].as_array().unwrap().len(), soft["raters_used"].as_u64().unwrap() as usize);
    assert!(
        clipped["closed_form"] == json!(false)
            && clipped["notes"][0].as_str().unwrap().contains("no longer the closed form")
    );
}

#[test]
fn schemes_say_what_they_lack() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prism(folder, &["survey.jsonl", "utterances.jsonl"]);
    report(folder, "import --prism prism --out p.jsonl");
    let weigh = |rest: &str| format!("weigh --preferences p.jsonl --scheme {rest}");
    for (rest, told) in [
        ("hard", "hard needs --panel"),
        ("soft", "soft needs --lottery"),
        ("us-rep", "us-rep needs --survey"),
        ("full --transform cube", "give none, sqrt, square or clip"),
        ("full --transform clip:0.9:0.1", "quantiles 0.9 and 0.1 do not clip"),
        ("full --batch 0", "a window of 0 pairs"),
        ("full --steps 0", "trains nothing"),
        ("full --steps 3 --epochs 2", "cannot be used with"),
        ("soft --lottery prism/survey.jsonl", "the lottery cannot be read"),
        ("us-rep --survey prism/survey.jsonl --value maybe", "no rater has \"maybe\""),
        ("us-rep --survey prism/survey.jsonl --attribute region", "there is no column \"region\""),
    ] {
        let found = refusal(folder, &weigh(rest));
        assert!(found.contains(told), "{rest}: {found}");
    }
    fs::write(folder.join("nobody.txt"), "somebody\nelse\n").unwrap();
    assert!(refusal(folder, &weigh("hard --panel nobody.txt")).contains("nobody with a weight has any pairs"));
    assert!(refusal(folder, "weigh --preferences prism/utterances.jsonl --scheme full").contains("15 of 15 lines"));
    let rep = report(folder, &weigh("us-rep --survey prism/survey.jsonl"));
    assert_eq!((&rep["raters_used"], &rep["pairs_used"], &rep["closed_form"]), (&json!(1), &json!(6), &json!(false)));
    assert!(rep["notes"][0].as_str().unwrap().contains("1 raters are not in the survey"));
    let pooled = report(folder, &weigh("pooled --sampling importance --visits 40 --batch 16"));
    assert!((number(&pooled["ess_pairs"]) - 10.0).abs() < 1e-12 && pooled["visits"]["steps"] == json!(3));
    for (rater, share) in [("user1", 0.6), ("user2", 0.3), ("user3", 0.1)] {
        assert!((number(&pooled["shares"][rater]) - share).abs() < 1e-15, "{}", pooled["shares"]);
    }
}
