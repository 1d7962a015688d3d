//! Preference training from the command line: the check against another program, whole runs on made-up raters, resuming
//! after a kill, and bad input.

#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use program::{kleroterion, stderr as errors};
use serde_json::{Value, json};

/// A folder with a small population and a file of settings for a short training on it.
fn population(name: &str) -> tempfile::TempDir {
    of_raters(name, "60")
}

fn of_raters(name: &str, raters: &str) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
    let sizes = ["--raters", raters, "--pairs-per-rater", "4"];
    let made = kleroterion(folder.path(), &[&["preferences", "sample", "--out", "."][..], &sizes].concat());
    assert!(made.status.success(), "{}", errors(&made));
    folder
}

fn settings(changes: Value) -> Value {
    let mut settings = json!({
        "model": "ekklesia", "preferences": "preferences.jsonl", "people": "people.csv", "out": "trained",
        "scheme": {"scheme": "full"}, "budget": {"equal-steps": 6}, "window": 4, "together": 2, "held_out": 0.05,
        "evaluate_every": 3, "checkpoint_every": 2, "learning_rate": {"highest": 0.001, "warmup": 0.1}, "longest": 96,
        "tensors": {"train": "adapter", "rank": 2, "alpha": 4.0, "targets": ["q_proj", "v_proj"]},
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn write(folder: &Path, name: &str, settings: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, settings.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn train(folder: &Path, changes: Value) -> (std::process::Output, Value) {
    let spec = write(folder, "training.json", &settings(changes));
    let json = folder.join("result.json");
    let done = kleroterion(folder, &["train", "run", "--spec", &spec, "--json", json.to_str().unwrap()]);
    let result = std::fs::read_to_string(&json).ok().and_then(|text| serde_json::from_str(&text).ok());
    (done, result.unwrap_or(Value::Null))
}

#[test]
fn another_programs_training_is_repeated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/dpo_parity");
    if !folder.is_dir() {
        println!("skipped: {} is not here", folder.display());
        return;
    }
    for (dtype, tolerance) in [("f32", 1e-4), ("f64", 1e-6)] {
        let out = kleroterion(&folder, &["train", "check", ".", "--dtype", dtype, "--json", "-"]);
        assert!(out.status.success(), "{}", errors(&out));
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["ok"], true);
        assert_eq!(report["losses"].as_array().unwrap().len(), 5);
        for difference in ["max_rel_loss", "max_rel_logp", "max_rel_grad_norm"] {
            assert!(report[difference].as_f64().unwrap() < tolerance, "{dtype} {report}");
        }
    }
}

#[test]
fn a_training_reports_its_steps_and_leaves_an_adapter() {
    let folder = population("train");
    let question = "What should our town do about buses?";
    let (done, result) = train(folder.path(), json!({"sample_prompts": [question]}));
    assert!(done.status.success(), "{}", errors(&done));
    let steps = result["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6);
    assert!((steps[0]["loss"].as_f64().unwrap() - 2f64.ln()).abs() < 0.05, "{}", steps[0]);
    assert_eq!(result["final"]["step"], 6);
    assert_eq!(result["evaluations"].as_array().unwrap().len(), 3);
    assert_eq!(result["plan"]["held_out_raters"], 3);
    assert_eq!(result["samples"].as_array().unwrap().len(), 3);
    assert_eq!(result["samples"][2]["prompt"], question);
    let out = folder.path().join("trained");
    let config: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("adapter_config.json")).unwrap()).unwrap();
    assert_eq!((config["peft_type"].as_str(), config["r"].as_u64()), (Some("LORA"), Some(2)));
    assert!(out.join("adapter_model.safetensors").is_file());
    // Every visit is there, with its rater.
    let lines = std::fs::read_to_string(out.join("steps.jsonl")).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["visits"].as_array().unwrap().len(), 4);
    // The same run again has nothing to do and says the same.
    let (_, again) = train(folder.path(), json!({"sample_prompts": [question]}));
    assert_eq!(again["steps"], result["steps"]);
    // Another training does not go on there.
    let (other, _) = train(folder.path(), json!({"seed": 5}));
    assert_eq!(other.status.code(), Some(2));
    assert!(errors(&other).contains("seed: 5 now, 0 then"), "{}", errors(&other));
}

/// Killed in the middle and started again, a training ends with the same bytes as one that was left alone, and so it does
/// on one thread.
#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    let folder = population("kill");
    let changes =
        |out: &str| json!({"out": out, "budget": {"equal-steps": 40}, "checkpoint_every": 3, "evaluate_every": 20});
    let (whole, _) = train(folder.path(), changes("whole"));
    assert!(whole.status.success(), "{}", errors(&whole));
    let spec = write(folder.path(), "killed.json", &settings(changes("killed")));
    let steps = folder.path().join("killed/steps.jsonl");
    let lines = || std::fs::read_to_string(&steps).map_or(0, |text| text.lines().count());
    let mut child = Command::new(env!("CARGO_BIN_EXE_kleroterion"))
        .args(["train", "run", "--threads", "1", "--spec", &spec])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now();
    while lines() < 5 && patience.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let reached = lines();
    assert!((5..40).contains(&reached), "killed after {reached} steps");
    let resumed = kleroterion(folder.path(), &["train", "run", "--spec", &spec]);
    assert!(resumed.status.success(), "{}", errors(&resumed));
    for name in ["steps.jsonl", "evaluations.jsonl", "adapter_model.safetensors"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert!(read("whole") == read("killed"), "{name} differs");
    }
}

/// Everything trained, and the result opened as a model of its own that a further training starts from.
#[test]
fn a_whole_model_is_trained_and_can_be_trained_further() {
    let folder = population("whole");
    let (done, result) = train(
        folder.path(),
        json!({"tensors": {"train": "everything"}, "budget": {"equal-steps": 2}, "checkpoint_every": 50, "held_out": 0.0}),
    );
    assert!(done.status.success(), "{}", errors(&done));
    assert_eq!(result["plan"]["trained"], result["plan"]["parameters"]);
    for name in ["model.safetensors", "config.json", "tokenizer.json"] {
        assert!(folder.path().join("trained").join(name).is_file(), "{name}");
    }
    let (further, result) = train(
        folder.path(),
        json!({"model": "./trained", "out": "further", "budget": {"equal-steps": 1}, "held_out": 0.0}),
    );
    assert!(further.status.success(), "{}", errors(&further));
    assert_eq!(result["steps"].as_array().unwrap().len(), 1);
}

/// A lottery's panel and chances become weights.
#[test]
fn a_lottery_makes_hard_and_soft_panels() {
    let folder = of_raters("panel", "400");
    let lottery = ["panel", "lottery", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "40"];
    let lottery = [&lottery[..], &["--algorithm", "leximin", "--json", "lottery.json"]].concat();
    let held = kleroterion(folder.path(), &lottery);
    assert!(held.status.success(), "{}", errors(&held));
    let draw = ["panel", "draw", "--lottery", "lottery.json", "--dice", "4 2 6", "--audit", "audit.json"];
    let drawn = kleroterion(folder.path(), &draw);
    assert!(drawn.status.success(), "{}", errors(&drawn));
    let short = |scheme: &str, file: &str, out: &str| json!({"scheme": {"scheme": scheme, "lottery": file}, "out": out, "budget": {"equal-steps": 1}, "held_out": 0.0});
    let (hard, hard_result) = train(folder.path(), short("hard", "audit.json", "hard"));
    assert!(hard.status.success(), "{}", errors(&hard));
    assert_eq!(hard_result["plan"]["raters"], 40);
    let (soft, soft_result) = train(folder.path(), short("soft", "audit.json", "soft"));
    assert!(soft.status.success(), "{}", errors(&soft));
    assert_eq!(soft_result["plan"]["closed_form"], true);
    assert!(soft_result["plan"]["raters"].as_u64() > hard_result["plan"]["raters"].as_u64());
    let (undrawn, _) = train(folder.path(), short("hard", "lottery.json", "undrawn"));
    assert_eq!(undrawn.status.code(), Some(2));
    assert!(errors(&undrawn).contains("nothing was drawn"), "{}", errors(&undrawn));
}

/// Made-up raters whose wishes are known: trained on those who came forward, the policy wants what they want; trained on the
/// chances of a balanced lottery, what the population wants, which is the opposite in pace and length.
#[test]
fn soft_panels_learn_the_populations_wishes_and_full_the_raters() {
    let folder = of_raters("truth", "400");
    let lottery = ["panel", "lottery", "--people", "people.csv", "--quotas", "quotas.csv", "--size", "40"];
    let held =
        kleroterion(folder.path(), &[&lottery[..], &["--algorithm", "leximin", "--json", "lottery.json"]].concat());
    assert!(held.status.success(), "{}", errors(&held));
    let all = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    let wishes = |scheme: Value, out: &str| {
        let changes = json!({
            "scheme": scheme, "out": out, "budget": {"equal-steps": 60}, "window": 16, "together": 16, "held_out": 0.0,
            "evaluate_every": 1000, "checkpoint_every": 1000, "learning_rate": {"highest": 0.004, "warmup": 0.1},
            "longest": 128, "tensors": {"train": "adapter", "rank": 8, "alpha": 16.0, "targets": all},
        });
        let (done, _) = train(folder.path(), changes);
        assert!(done.status.success(), "{}", errors(&done));
        let evaluate = ["train", "evaluate", "--adapter", out, "--preferences", "probes.jsonl", "--json", "-"];
        let found = kleroterion(folder.path(), &evaluate);
        assert!(found.status.success(), "{}", errors(&found));
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        // Which side each quality's probes are won by: positive for bold, central, open, long.
        move |quality: &str| {
            let rows = found["raters"].as_array().unwrap();
            rows.iter().find(|row| row["name"] == quality).unwrap()["margin"].as_f64().unwrap()
        }
    };
    let full = wishes(json!({"scheme": "full"}), "full");
    let soft = wishes(json!({"scheme": "soft", "lottery": "lottery.json"}), "soft");
    assert!(full("pace") < -0.05 && soft("pace") > full("pace") + 0.3, "{} {}", full("pace"), soft("pace"));
    assert!(full("length") > 0.05 && soft("length") < -0.05, "{} {}", full("length"), soft("length"));
    assert!(full("openness") > 0.1 && soft("openness") > 0.1, "{} {}", full("openness"), soft("openness"));
}

/// How far trainings moved: an adapter, everything, and a run of a project.
#[test]
fn updates_are_measured_by_tensor_and_across_runs() {
    let folder = population("updates");
    let short = |out: &str| json!({"out": out, "budget": {"equal-steps": 2}, "held_out": 0.0});
    let (done, _) = train(folder.path(), short("adapter"));
    assert!(done.status.success(), "{}", errors(&done));
    let mut everything = short("whole");
    everything["tensors"] = json!({"train": "everything"});
    let (done, _) = train(folder.path(), everything);
    assert!(done.status.success(), "{}", errors(&done));
    let measured = |line: &[&str]| -> Value {
        let out = kleroterion(folder.path(), &[&["train", "update-size", "--json", "-"], line].concat());
        assert!(out.status.success(), "{}", errors(&out));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    let adapter = &measured(&["adapter"])["trainings"][0];
    assert_eq!((&adapter["adapter"], &adapter["model"]), (&json!(true), &json!("ekklesia")));
    let tensors = adapter["tensors"].as_array().unwrap();
    let squares: f64 = tensors.iter().map(|one| number(&one["update"]).powi(2)).sum();
    assert!((squares.sqrt() / number(&adapter["update"]) - 1.0).abs() < 1e-9 && squares > 0.0);
    assert!(tensors.iter().all(|one| {
        let name = one["name"].as_str().unwrap();
        name.ends_with("q_proj.weight") || name.ends_with("v_proj.weight")
    }));
    assert!(number(&adapter["relative_to_model"]) < number(&adapter["relative"]));
    let both = measured(&["adapter", "whole", "--model", "ekklesia"]);
    let whole = &both["trainings"][1];
    assert_eq!((&both["trainings"][0]["update"], &whole["adapter"]), (&adapter["update"], &json!(false)));
    assert!(whole["tensors"].as_array().unwrap().len() > tensors.len() && number(&whole["update"]) > 0.0);
    assert_eq!(whole["relative"], whole["relative_to_model"]);
    let nameless = kleroterion(folder.path(), &["train", "update-size", "whole"]);
    assert_eq!(nameless.status.code(), Some(2));
    assert!(errors(&nameless).contains("--model"), "{}", errors(&nameless));
}

/// Schemes that are the same have the same gradient, others have not, a sample says that it is one.
#[test]
fn gradients_of_schemes_are_compared() {
    let folder = population("gradients");
    let ids: Vec<String> = {
        let text = std::fs::read_to_string(folder.path().join("preferences.jsonl")).unwrap();
        let rater = |line: &str| serde_json::from_str::<Value>(line).unwrap()["rater"].as_str().unwrap().to_owned();
        text.lines().map(rater).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    };
    let compared = |scheme: Value, line: &[&str]| -> (std::process::Output, Value) {
        let spec = write(folder.path(), "gradients.json", &settings(json!({"scheme": scheme, "held_out": 0.0})));
        let fixed = ["train", "gradients", "--spec", &spec, "--json", "-"];
        let out = kleroterion(folder.path(), &[&fixed[..], line].concat());
        let value = serde_json::from_slice(&out.stdout).unwrap_or(Value::Null);
        (out, value)
    };
    // Everybody on the panel: Hard is Full. Chances that are all alike: so is Soft.
    let (out, all) = compared(json!({"scheme": "hard", "panel": ids}), &["--schemes", "hard,full,pooled"]);
    assert!(out.status.success(), "{}", errors(&out));
    assert_eq!((&all["sampled"], &all["looked_at"], &all["at"]), (&json!(false), &json!(60), &json!("start")));
    let cosine = |value: &Value, a: usize, b: usize| value["cosines"][a][b]["value"].as_f64().unwrap();
    assert!((cosine(&all, 0, 1) - 1.0).abs() < 1e-9, "{}", all["cosines"]);
    assert_eq!(all["schemes"][0]["norm"], all["schemes"][1]["norm"]);
    let few = json!({"scheme": "hard", "panel": &ids[..6]});
    let (out, some) = compared(few.clone(), &["--schemes", "hard,full"]);
    assert!(out.status.success(), "{}", errors(&out));
    assert!(cosine(&some, 0, 1) < 0.99 && some["schemes"][0]["raters"] == 6, "{some}");
    let (out, sample) = compared(few.clone(), &["--schemes", "full,pooled", "--sample", "20"]);
    assert!(out.status.success() && errors(&out).contains("a sample"), "{}", errors(&out));
    assert_eq!((&sample["sampled"], &sample["draws"], &sample["raters"]), (&json!(true), &json!(20), &json!(60)));
    assert!(sample["schemes"][0]["norm"]["error"].as_f64().unwrap() > 0.0);

    // After a training, too.
    let (done, _) = train(folder.path(), json!({"budget": {"equal-steps": 2}, "held_out": 0.0}));
    assert!(done.status.success(), "{}", errors(&done));
    let (out, after) = compared(json!({"scheme": "full"}), &["--schemes", "full,pooled", "--trained", "trained"]);
    assert!(out.status.success(), "{}", errors(&out));
    assert!(after["schemes"][0]["norm"]["value"].as_f64().unwrap() > 0.0);
    assert_ne!(after["schemes"][0]["norm"], all["schemes"][1]["norm"]);
    let (refused, _) = compared(json!({"scheme": "full"}), &["--schemes", "soft"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors(&refused).contains("--lottery"), "{}", errors(&refused));
}

#[test]
fn what_cannot_be_trained_says_why() {
    let folder = population("bad");
    let refused = |changes: Value, expected: &str| {
        let (done, _) = train(folder.path(), changes);
        let said = errors(&done);
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected:?} is not in {said}");
    };
    refused(json!({"scheme": {"scheme": "hard", "panel": []}}), "panel is empty");
    refused(json!({"scheme": {"scheme": "hard", "panel": ["nobody"]}}), "nobody with a weight has any pairs");
    refused(json!({"window": 0}), "window is 0");
    refused(json!({"learning_rat": 1}), "learning_rat");
    refused(json!({"preferences": "none.jsonl"}), "none.jsonl");
    refused(json!({"model": "agora"}), "masked language model");
    refused(json!({"model": "./nowhere"}), "no such folder");
    refused(json!({"people": "quotas.csv"}), "ids");
    std::fs::write(folder.path().join("torn.jsonl"), "{\"id\": 1\n").unwrap();
    refused(json!({"preferences": "torn.jsonl"}), "line 1");
    assert!(!folder.path().join("trained/steps.jsonl").exists());
}

/// The job for another machine has every token and weight; its script's own test needs Python and is a bench's matter.
#[test]
fn a_job_for_trl_is_whole_and_only_its_own_log_comes_back() {
    let folder = population("trl");
    let spec = write(folder.path(), "training.json", &settings(json!({"held_out": 0.0})));
    let job = folder.path().join("job");
    let exported = kleroterion(folder.path(), &["train", "export-trl", "--spec", &spec, "--out", "job"]);
    assert!(exported.status.success(), "{}", errors(&exported));
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(job.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (pairs, visits) = (lines("pairs.jsonl"), lines("visits.jsonl"));
    assert_eq!(visits.len(), 24);
    assert!(visits.iter().all(|visit| (visit["pair"].as_u64().unwrap() as usize) < pairs.len()));
    assert_eq!(pairs[0]["prompt_ids"][0], 0);
    for name in ["train.py", "requirements.txt", "initial_adapter.safetensors", "model/model.safetensors"] {
        assert!(job.join(name).is_file(), "{name}");
    }
    let again = kleroterion(folder.path(), &["train", "export-trl", "--spec", &spec, "--out", "job"]);
    assert_eq!(again.status.code(), Some(2));
    // Our own run of the same settings stands in for the other machine's.
    let (done, result) = train(folder.path(), json!({"held_out": 0.0, "out": "job/trained"}));
    assert!(done.status.success(), "{}", errors(&done));
    let missing = kleroterion(folder.path(), &["train", "import-trl", "job"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(errors(&missing).contains("log.jsonl"), "{}", errors(&missing));
    let log: Vec<String> = result["steps"].as_array().unwrap().iter().map(Value::to_string).collect();
    std::fs::write(job.join("trained/log.jsonl"), log[..3].join("\n")).unwrap();
    let half = kleroterion(folder.path(), &["train", "import-trl", "job"]);
    assert!(errors(&half).contains("3 of 6 steps"), "{}", errors(&half));
    std::fs::write(job.join("trained/log.jsonl"), log.join("\n")).unwrap();
    let taken = kleroterion(folder.path(), &["train", "import-trl", "job", "--json", "-"]);
    assert!(taken.status.success(), "{}", errors(&taken));
    let taken: Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(taken["steps"], result["steps"]);
}
