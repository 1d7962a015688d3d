//! The Training tab in the whole workbench, driven through the accessibility tree: the sample, the form, live results, imports,
//! lotteries, several schemes, exports.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/journey.rs"]
#[allow(dead_code, reason = "each journey uses a part of it")]
mod journey;
#[path = "support/mod.rs"]
mod support;
#[path = "support/workbench.rs"]
mod workbench;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Theme};
use egui_kittest::kittest::{NodeT, Queryable};
use journey::Window;
use kleroterion::dempo::population::{Population, Size};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::jobs::train::{RaterScheme, Tensors, TrainSpec};
use kleroterion::sortition::algorithm::Algorithm;
use kleroterion::sortition::lottery_run::LotterySpec;
use kleroterion::ui::command::{Command, TabKind, TrainingPath};

/// Settings with which a training of the shipped model takes seconds: without a reference no pair is looked at beforehand.
const SMALL: &str = r#"{"reference_free":true,"steps":6,"window":4,"evaluate_every":3,"checkpoint_every":3,"longest":96,"rank":4,"held_out":"3",
    "questions":"How should we handle quiet hours?"}"#;

impl Window {
    fn trainings(&self) -> Vec<TrainSpec> {
        let runs = self.runs().into_iter();
        runs.filter_map(|run| if let RunSpec::Train(spec) = run.spec { Some(spec) } else { None }).collect()
    }

    /// The sample in the form, with small settings.
    fn with_sample() -> Self {
        let mut window = Self::new(TabKind::Training, &[("training", SMALL)]);
        window.click("Make a sample population");
        window.wait_for("pairs of 200 raters");
        window.wait_for("worth ");
        window
    }
}

#[test]
fn the_sample_is_one_click_away_and_alive() {
    let draft = SMALL.replace(r#""reference_free":true,"#, "");
    let mut window = Window::new(TabKind::Training, &[("training", &draft)]);
    assert!(window.has("No training yet"));
    assert!(window.has("Choose preferences first") && !window.can("Train"));
    window.click("Train on the sample");
    window.wait_for("is done");
    window.wait_for("whom it has not learned from");
    let spec = window.trainings().remove(0);
    let RaterScheme::Soft { inclusion } = &spec.scheme else { panic!("{:?}", spec.scheme) };
    assert_eq!(inclusion.len(), 200);
    assert!((inclusion.values().sum::<f64>() - 20.0).abs() < 1e-6);
    assert_eq!(spec.preferences, Path::new("sample-population/preferences.jsonl"));
    assert_eq!((spec.out.as_path(), spec.window, spec.longest), (Path::new("training/soft-0"), 4, 96));
    assert!(matches!(&spec.tensors, Tensors::Adapter(lora) if lora.rank == 4));
    assert!(!window.has("The form has changed"), "the form describes the run");
    for title in
        ["Loss", "Accuracy", "Margin", "Rewards", "Log-probabilities", "Entropy", "Gradient norm", "Learning rate"]
    {
        assert!(window.figure(title), "{title}");
    }
    assert!(window.has("6 of 6") && window.has("Held-out loss") && window.has("Closed form: a mean over panels."));
    window.picture("curves-high.png");

    window.press("Groups");
    assert!(window.figure("Accuracy by age") || window.figure("Accuracy by gender"), "{:?}", window.labels());
    assert!(window.has("held-out raters after step 6"));
    window.click("The last steps");
    assert!(window.has("24 pairs of the last 6 steps"));
    window.picture("groups-high.png");
    window.press("Raters");
    assert!(window.figure("Visits per rater"));
    window.press("Answers");
    assert!(window.has("After step 0") && window.has("After step 6"));
    window.picture("answers-high.png");

    window.press("Chat");
    window.type_into("Question to both", "What should our town do about youth clubs?");
    window.press("Ask");
    window.wait_for("Begin anew");
    assert!(window.has("Before the training") && window.has("After the training"));
    assert_eq!(window.harness.get_all_by_label("What should our town do about youth clubs?").count(), 2);
    window.picture("chat-high.png");
    let path = window.folder.path().join("conversation.csv");
    window.click("Export conversation…");
    window.answer("File", &path, "Save");
    window.wait_for(&format!("Saved {}", path.display()));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("question,before the training,after the training"));
}

#[test]
fn schemes_alike_are_queued_laid_over_each_other_and_exported() {
    let mut window = Window::with_sample();
    assert!(window.can("Queue 3 trainings"));
    window.click("Queue 3 trainings");
    window.wait_for("Run 3 (training) is done");
    let mut trainings = window.trainings();
    trainings.sort_by_key(|spec| spec.scheme.name().to_owned());
    let names: Vec<&str> = trainings.iter().map(|spec| spec.scheme.name()).collect();
    assert_eq!(names, ["Full", "Hard Panel", "Soft Panel"]);
    let RaterScheme::Hard { panel } = &trainings[1].scheme else { panic!("a panel") };
    assert_eq!((panel.len(), trainings[1].out.as_path()), (20, Path::new("training/hard-0")));
    let alike = TrainSpec { scheme: RaterScheme::Full, out: "training/full-0".into(), ..trainings[2].clone() };
    assert_eq!(alike, trainings[0], "only scheme and folder differ");

    window.open("Compare with");
    for name in ["Run 1: Hard Panel, seed 0", "Run 2: Soft Panel, seed 0"] {
        window.click(name);
    }
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(3);
    window.wait_for("Run 1: Hard Panel, seed 0, held out");
    assert!(window.has("Run 2: Soft Panel, seed 0, chosen"), "{:?}", window.labels());
    window.picture("overlay-high.png");
    window.press("Visits");
    let path = window.folder.path().join("steps.csv");
    window.click("Export steps…");
    window.answer("File", &path, "Save");
    window.wait_for(&format!("Saved {}", path.display()));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("step,visits,seconds,loss,learning_rate") && lines[6].starts_with("6,24,"), "{text}");

    let path = window.folder.path().join("loss.csv");
    window.click("Export Loss");
    window.click("CSV data…");
    window.answer("File", &path, "Save");
    window.wait_for(&format!("Saved {}", path.display()));
    assert!(std::fs::read_to_string(&path).unwrap().contains("Run 1: Hard Panel, seed 0"));
}

#[test]
fn gradients_updates_and_transforms_are_one_click_away() {
    let mut window = Window::with_sample();
    window.press("Train");
    window.wait_for("Run 1 (training) is done");
    window.press("Diagnostics");
    assert!(window.has("Compared: Soft Panel, Hard Panel, Full, Pooled."), "{:?}", window.labels());
    window.press("Compare gradients");
    window.wait_for("A sample: ");
    assert!(window.figure("Cosines between gradients") && window.figure("Lengths of gradients"));
    assert!(window.has("estimated from 24 draws"), "{:?}", window.labels());
    window.click("When trained");
    window.press("Compare gradients");
    window.wait_for("when trained; ");
    window.press("Measure updates");
    window.wait_for("moved its trained tensors the furthest");
    assert!(window.figure("Update by layer") && window.has("Run 1: Soft Panel, seed 0"));
    window.press("Compare transforms");
    window.wait_for("every transform gives up the closed form");
    assert!(window.figure("Soft weights under transforms") && window.has("no longer the closed form"));
    window.picture("diagnostics-high.png");

    let path = window.folder.path().join("transforms.csv");
    window.click("Export Soft weights under transforms");
    window.click("CSV data…");
    window.answer("File", &path, "Save");
    window.wait_for(&format!("Saved {}", path.display()));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("square roots") && text.contains("clipped at 5 and 95 %"), "{text}");

    // A long computation can be ended.
    window.click("At the start");
    window.click("All");
    window.press("Compare gradients");
    window.press("Cancel");
    assert!(window.can("Compare gradients") && !window.has("Exact: "));
}

#[test]
fn settings_that_cannot_be_are_told_beside_their_fields() {
    let mut window = Window::with_sample();
    assert!(window.can("Train"));
    for (field, text, told) in [
        ("Beta", "x", "Beta: type a number"),
        ("Learning rate", "-1", "Learning rate: it has to be above 0"),
        ("Label smoothing", "0.5", "Label smoothing: it has to be from 0 to below 0.5"),
        ("Held-out raters (%)", "100", "Held-out raters (%): somebody has to be left"),
    ] {
        let before = window.harness.get_by_role_and_label(Role::TextInput, field).accesskit_node().value().unwrap();
        window.type_into(field, text);
        assert!(window.has(told), "{told}: {:?}", window.labels());
        assert!(!window.can("Train"), "{field}");
        window.type_into(field, &before);
        assert!(!window.has(told) && window.can("Train"), "{field}");
    }
    window.type_into("Preferences", "nowhere.jsonl");
    window.wait_for("The preferences cannot be read");
    assert!(!window.can("Train"));
    window.type_into("Preferences", "sample-population/preferences.jsonl");
    window.wait_for("pairs of 200 raters");
    window.click("Subset");
    assert!(window.has("Name the raters of the subset"));
    window.open("Raters' weights");
    window.click("squares");
    assert!(window.has("No longer the closed form"));
    window.click("Full");
    window.wait_for("No longer the closed form.");
    window.type_into("People (optional)", "sample-population/quotas.csv");
    window.wait_for("has no column of ids");
    assert!(!window.can("Train"));
}

#[test]
fn preferences_of_another_form_are_imported_and_a_lopsided_weighting_is_noticed() {
    let mut window = Window::new(TabKind::Training, &[("training", SMALL)]);
    // One rater has nine in ten of the pairs.
    let mut text = String::from("whose,prompt,chosen,rejected\n");
    for pair in 0..99 {
        let rater = if pair < 12 { pair } else { 0 };
        writeln!(text, "w{rater},What about plan {pair}?,We should do it.,We should not.").unwrap();
    }
    let path = window.folder.path().join("mine.csv");
    std::fs::write(&path, text).unwrap();
    window.apply(Command::ChooseForTraining(TrainingPath::Preferences));
    window.answer("File", &path, "Use");
    window.wait_for("Columns by other names");
    window.type_into("Columns by other names", "rater=whose");
    window.click("Import with these columns");
    window.wait_for("Imported 99 pairs of 12 raters");
    window.wait_for("99 pairs of 12 raters");
    assert!(window.project().join("preferences/mine.jsonl").is_file());
    window.click("Pooled");
    window.wait_for("No longer the closed form.");
    window.press("Train");
    window.wait_for("Run 1 (training) is done");
    window.wait_for("A few raters carry most of the weight");
    assert_eq!(window.trainings()[0].preferences, Path::new("preferences/mine.jsonl"));

    let path = window.folder.path().join("bad.jsonl");
    let line = r#"{"rater":"a","prompt":"Why?","chosen":"So.","rejected":"No."}"#;
    std::fs::write(&path, format!("{line}\nnonsense\n")).unwrap();
    window.apply(Command::ChooseForTraining(TrainingPath::Preferences));
    window.answer("File", &path, "Use");
    window.wait_for("1 of 2 lines cannot be read");
    window.click("Import without these lines");
    window.wait_for("Imported 1 pair of 1 rater");
    assert!(window.has("1 of 2 lines cannot be read and were left out: line 2"));

    let prism = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/prism");
    window.apply(Command::ChooseForTraining(TrainingPath::Prism));
    window.answer("Folder", &prism, "Import");
    window.wait_for("(prism)");
    assert!(window.project().join("preferences/prism.jsonl").is_file());
}

#[test]
fn a_lottery_of_the_panel_tab_makes_hard_and_soft_panels() {
    let drawn = r#"{"draw":{"drawn":{"run":1,"words":"3 1 4","equal":null}}}"#;
    let draft = r#"{"preferences":"sample-population/preferences.jsonl","alike":[],"held_out":"0"}"#;
    let mut window = Window::new(TabKind::Training, &[("panel", drawn), ("training", draft)]);
    window.click("Make a sample population");
    window.wait_for("pairs of 200 raters");
    let made = Population::new(Size { raters: 200, pairs_per_rater: 8, panel: 20 }, 0).unwrap();
    window.apply(Command::StartRun(Box::new(RunSpec::Lottery(LotterySpec {
        version: 1,
        pool: Arc::new(made.pool),
        quotas: made.quotas,
        one_per_household: false,
        algorithm: Algorithm::Leximin,
        draws: 1000,
        seed: 1,
        before: None,
    }))));
    window.wait_for("Run 1 (lottery) is done");
    window.open("Lottery");
    window.click("Run 1: leximin, 20 of 200");
    window.wait_for("200 people; a panel of 20 was drawn.");
    window.click("Hard");
    window.wait_for("worth 20.0 equal ones");
    window.picture("form-high.png");
}

#[test]
fn a_training_leaves_as_a_trl_job_and_a_form_is_filled_from_a_run() {
    let mut window = Window::with_sample();
    let job = window.folder.path().join("job");
    window.apply(Command::ChooseForTraining(TrainingPath::TrlExport));
    window.answer("Empty folder", &job, "Export");
    window.wait_for("The TRL job is ready.");
    for name in ["settings.json", "visits.jsonl", "pairs.jsonl", "train.py", "model/config.json"] {
        assert!(job.join(name).is_file(), "{name}");
    }
    window.apply(Command::ChooseForTraining(TrainingPath::TrlExport));
    window.answer("Empty folder", &job, "Export");
    window.wait_for("No job was written.");
    window.apply(Command::ChooseForTraining(TrainingPath::TrlJob));
    window.answer("Folder", &job, "Import");
    window.wait_for("This run failed.");
    assert!(window.has("the job's log cannot be read"), "{:?}", window.labels());

    window.press("Train");
    window.wait_for("is done");
    window.type_into("Beta", "0.3");
    window.wait_for("The form has changed since this run.");
    window.click("Fill the form from this run");
    assert!(!window.has("The form has changed since this run."), "{:?}", window.labels());
    let beta = window.harness.get_by_role_and_label(Role::TextInput, "Beta").accesskit_node().value();
    assert_eq!(beta.as_deref(), Some("0.1"));
}

#[test]
fn verdict_and_first_curves_are_on_the_first_screen() {
    for (size, theme, below) in [
        ([1280.0, 800.0], Theme::Light, 800.0),
        ([1280.0, 800.0], Theme::Dark, 800.0),
        ([2560.0, 1440.0], Theme::Light, 1000.0),
    ] {
        let mut window = Window::of_size(TabKind::Training, size, theme, &[("training", SMALL)]);
        let name = format!("{}-{theme:?}", size[0]);
        window.picture(&format!("empty-{name}.png"));
        window.click("Train on the sample");
        window.wait_for("whom it has not learned from");
        window.wait_for("is done");
        window.harness.run_steps(4);
        let loss = window.harness.get_by_role_and_label(Role::Figure, "Loss").rect();
        assert!(loss.top() < below && loss.right() <= size[0] && loss.height() >= 120.0, "{size:?}: {loss:?}");
        window.picture(&format!("curves-{name}.png"));
        for part in ["Groups", "Raters", "Answers"] {
            window.press(part);
            window.picture(&format!("{}-{name}.png", part.to_lowercase()));
        }
    }
}
