//! The EigenBench tab in the whole workbench, driven through the accessibility tree: the example with mock personas, results and
//! the judgements behind them, a person judging by keys, an endpoint asked live, the two laboratories.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

#[path = "support/journey.rs"]
#[allow(dead_code, reason = "each journey uses a part of it")]
mod journey;
#[path = "support/mod.rs"]
mod support;
#[path = "support/workbench.rs"]
mod workbench;

use eframe::egui::{Key, Theme};
use journey::Window;
use kleroterion::eigenbench::comparisons::Choice;
use kleroterion::jobs::collect::CollectSpec;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::store::{PersonComparison, Project, RunId, RunState};
use kleroterion::ui::command::{EigenBenchPath, TabKind};

fn collections(window: &Window) -> Vec<CollectSpec> {
    let runs = window.runs().into_iter();
    runs.filter_map(|run| if let RunSpec::Collect(spec) = run.spec { Some(spec) } else { None }).collect()
}

/// A window with the finished example in it.
fn example(size: [f32; 2], theme: Theme) -> Window {
    let mut window = Window::of_size(TabKind::EigenBench, size, theme, &[]);
    assert!(window.has("Nothing judged yet"));
    assert!(!window.can("Collect judgements"));
    window.click("Fill in a small example");
    assert!(window.has("600 calls, about"));
    window.click("Collect judgements");
    window.wait_for("2,880 judgements on 30 scenarios");
    // A first look comes without intervals.
    window.wait_for("intervals over 200 resamples");
    window
}

fn choices(window: &Window) -> Vec<PersonComparison> {
    Project::open_reader(&window.project()).unwrap().person_comparisons(RunId(1)).unwrap()
}

#[test]
fn the_example_forms_a_leaderboard_that_leads_down_to_the_calls() {
    let mut window = example([1440.0, 3600.0], Theme::Light);
    let spec = collections(&window).remove(0);
    assert_eq!((spec.models.len(), spec.scenarios.len()), (4, 30));
    assert!(!window.has("The form has changed"), "the form describes the run");
    // The numbers of the personas are known: so is the order.
    window.wait_for("Amber (mock)");
    assert!(window.figure("Leaderboard") && window.figure("Chance of being above"));
    window.picture("eigenbench-leaderboard.png");
    for (part, figure) in [
        ("Lens map", "Lens map"),
        ("Trust and wins", "Trust of judges in models"),
        ("Judges", "Distance of trust"),
        ("Criteria", "Elo by criterion"),
        ("How sure", "Calibration"),
    ] {
        window.press(part);
        assert!(window.figure(figure), "{part}: {:?}", window.labels());
        window.picture(&format!("eigenbench-{}.png", part.to_lowercase().replace(' ', "-")));
    }
    window.press("Personas");
    assert!(window.has("Nothing is split"));
    window.press("Calls and losses");
    assert!(window.has("Nothing was lost") && window.has("Calls of this run"));
    window.press("Judgements");
    assert!(window.has("2,880 of 2,880 judgements"));
    window.click_row("tie");
    window.wait_for("Behind this judgement");
    window.wait_for("Mock response with disposition");
    assert!(window.has("chose neither"));
    window.picture("eigenbench-judgements.png");
}

#[test]
fn a_person_judges_by_keys_takes_one_back_and_is_mixed_in() {
    let mut window = example([1280.0, 1400.0], Theme::Dark);
    window.press("People");
    window.type_into("Your name or a pseudonym", "Ada");
    window.press("Begin");
    window.wait_for("Left is better (1)");
    window.wait_for("Mock response with disposition");
    assert!(!window.has("Amber (mock) is better"), "nobody is named");
    for (key, given) in [(Key::Num1, 1), (Key::Num0, 2), (Key::Num2, 3)] {
        window.key(key);
        window.wait_for(&format!("Ada: {given} of"));
        window.wait_for("Left is better (1)");
    }
    window.key(Key::Backspace);
    window.wait_for("Ada: 2 of");
    window.key(Key::Num1);
    window.wait_for("Ada: 3 of");
    window.wait_until(|window| {
        choices(window).iter().filter(|row| row.choice == Choice::First).count() == 2 && choices(window).len() == 3
    });
    window.picture("eigenbench-person.png");
    window.press("People and models");
    window.wait_for("Trust of models and people");
    // What was computed before the last choice came stays until the next is there.
    window.wait_for("Ada made 3 choices");
    window.press("Mix people in");
    window.wait_for("Leaderboard with people mixed in");
    window.picture("eigenbench-teleport.png");
    // Choices that were made elsewhere join them; a wrong row changes nothing.
    let file = window.project().join("people.csv");
    let header = "person,scenario,criterion,first,second,choice\n";
    std::fs::write(&file, format!("{header}Ben,1,1,Amber (mock),Nobody,1\n")).unwrap();
    window.apply(kleroterion::ui::command::Command::ChooseForEigenBench(EigenBenchPath::People));
    window.answer("File", &file, "Import");
    window.wait_for("no model is called");
    assert_eq!(choices(&window).len(), 3);
    std::fs::write(&file, format!("{header}Ben,1,1,Amber (mock),Birch (mock),1\n")).unwrap();
    window.apply(kleroterion::ui::command::Command::ChooseForEigenBench(EigenBenchPath::People));
    window.answer("File", &file, "Import");
    window.wait_for("1 choices of people were imported");
    window.wait_until(|window| choices(window).len() == 4);
}

#[test]
fn the_laboratories_need_no_run() {
    let mut window = Window::new(TabKind::EigenBench, &[]);
    window.press("Collusion lab");
    assert!(window.figure("Elo of colluders and of the honest"));
    assert!(window.has("of all trust"));
    assert!(!window.can("Start the series"));
    window.press("Simulate");
    window.wait_for("Elo each by colluding");
    assert!(window.figure("Colluders' judgements are left out"));
    window.picture("eigenbench-collusion.png");
    window.press("Label-recovery lab");
    window.press("Simulate answers");
    window.wait_for("These answers are simulated");
    assert!(window.figure("Trust against the truth"));
    window.picture("eigenbench-label-recovery.png");
    assert!(window.runs().is_empty());
}

#[test]
fn two_runs_stand_beside_each_other() {
    let mut window = example([1440.0, 3600.0], Theme::Light);
    window.press("Compare runs");
    assert!(window.has("There is no other run"));
    window.press("Take the shipped 120");
    window.press("Add a model");
    window.wait_for("Name of Model 1");
    window.click("Mock");
    window.click("Collect judgements");
    window.wait_until(|window| {
        let runs = window.runs();
        runs.len() == 2 && runs.iter().all(|run| run.state == RunState::Done)
    });
    window.press("Compare runs");
    window.wait_for("Elo is anchored to the models that both have");
    assert!(window.figure("Elo in two runs"));
    window.picture("eigenbench-two-runs.png");
}
