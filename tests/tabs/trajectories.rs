//! The Trajectories tab through the accessibility tree, on a real project, runner and session: a run from the form, its
//! sentences read while results arrive, basins, stays, the political probe and its lists.

use crate::desk::{click, click_row, has, key, wait_for};
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::ui::command::Command;
use kleroterion::ui::tabs::trajectories::TrajectoriesTab;

type Window = crate::desk::Window<TrajectoriesTab>;

fn window(size: [f32; 2], draft: &str) -> Window {
    let list = Some(("town", "the town chose a council"));
    crate::desk::window(size, &["agora", "ising:n=4,beta=0.4"], list, draft)
}

/// A short run of a toy, from its form to its end.
fn walked() -> Window {
    let draft = r#"{"model":"ising:n=4,beta=0.4","length":6,"chains":6,"sweeps":40,"temperature":1.0}"#;
    // Tall enough that nothing waits below the fold.
    let (desk, mut harness) = window([1280.0, 3000.0], draft);
    click(&mut harness, Role::Button, "Run trajectories");
    wait_for(&mut harness, "6 chains visited");
    wait_for(&mut harness, "conditional on the start");
    (desk, harness)
}

#[test]
fn a_newcomer_can_start_at_once_and_bad_input_says_why() {
    let (desk, mut harness) = window([1280.0, 1600.0], "");
    harness.get_by_label("No trajectories yet");
    assert!(!harness.get_by_role_and_label(Role::Button, "Run trajectories").accesskit_node().is_disabled());
    desk.borrow_mut().tab.set_draft(r#"{"model":"agora","every":300}"#);
    harness.step();
    harness.step();
    assert!(has(&harness, "a snapshot every 300 sweeps") || has(&harness, "A snapshot every 300 sweeps"));
    let button = harness.get_by_role_and_label(Role::Button, "Run trajectories");
    assert!(button.accesskit_node().is_disabled());
    desk.borrow_mut().tab.set_draft(r#"{"model":"agora"}"#);
    harness.step();
    click(&mut harness, Role::Button, "Two sentences");
    assert!(has(&harness, "Type the two sentences"));
}

#[test]
fn sentence_and_map_are_on_the_first_screen() {
    // What menus, tabs and the status line leave of 800 points, and of 1440.
    for (size, below) in [([1280.0, 800.0], 690.0), ([2560.0, 1440.0], 1330.0)] {
        let draft = r#"{"model":"ising:n=4,beta=0.4","length":6,"chains":6,"sweeps":40,"temperature":1.0}"#;
        let (_desk, mut harness) = window(size, draft);
        click(&mut harness, Role::Button, "Run trajectories");
        wait_for(&mut harness, "conditional on the start");
        wait_for(&mut harness, "Click a point to read it");
        let map = harness.get_by_role_and_label(Role::Figure, "Map of the snapshots").rect();
        assert!(map.bottom() <= below && map.height() >= 200.0 && map.right() <= size[0], "{size:?}: {map:?}");
        let reader = harness.get_by_label("Reader").rect();
        assert!(reader.bottom() < below && reader.right() < map.left(), "the sentences stand beside it: {reader:?}");
    }
}

#[test]
fn sentences_are_read_with_the_keys_and_exported() {
    let (desk, mut harness) = walked();
    assert!(has(&harness, "Sweep 40 of 40"));
    key(&mut harness, Key::ArrowLeft);
    assert!(has(&harness, "Sweep 39 of 40"));
    key(&mut harness, Key::PageUp);
    assert!(has(&harness, "Sweep 29 of 40"));
    assert!(has(&harness, "changed since the snapshot before"));
    assert!(harness.query_by_role_and_label(Role::Figure, "Map of the snapshots").is_some());
    assert!(harness.query_by_role_and_label(Role::Figure, "Course of chain 1").is_some());
    click(&mut harness, Role::Button, "Export chain…");
    let desk = desk.borrow();
    let table = desk.commands.iter().find_map(|command| match command {
        Command::ExportTable(table) => Some(table.clone()),
        _ => None,
    });
    let table = table.expect("a chain to export");
    assert_eq!((table.rows.len(), table.rows[40][1].as_str()), (41, "40"));
    assert_eq!(table.rows[0].len(), table.header.len());
    assert!(table.rows.iter().all(|row| row[2].split(' ').count() == 6), "{:?}", table.rows[0]);
}

#[test]
fn a_basin_lists_its_members_and_a_member_opens_the_reader() {
    let (_desk, mut harness) = walked();
    click(&mut harness, Role::Button, "Basins");
    click(&mut harness, Role::Button, "Attractors");
    click_row(&mut harness, 0.0);
    assert!(has(&harness, "Click a member to read it"));
    key(&mut harness, Key::Escape);
    assert!(!has(&harness, "Click a member to read it"), "Esc closes the list");
    click_row(&mut harness, 0.0);
    let members = harness.get_by_label("Click a member to read it; Esc closes this list.").rect().bottom();
    click_row(&mut harness, members);
    assert!(has(&harness, "Sweep "), "the reader is back");
    assert!(harness.query_by_label("Export chain…").is_some());
}

#[test]
fn stays_and_diagnostics_claim_no_mixing() {
    let (desk, mut harness) = walked();
    click(&mut harness, Role::Button, "Dwell and recurrence");
    for title in ["Implied timescales", "Recurrence plot of chain 1"] {
        assert!(harness.query_by_role_and_label(Role::Figure, title).is_some(), "{title}");
    }
    assert!(has(&harness, "Median stay") && has(&harness, "not proof of mixing"));
    click(&mut harness, Role::Button, "What is R-hat?");
    assert!(has(&harness, "never prove"));
    key(&mut harness, Key::Escape);
    click(&mut harness, Role::Button, "Political");
    assert!(has(&harness, "This run had no political probe"), "toys are not probed");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.step();
    let started = desk.borrow().commands.iter().filter(|c| matches!(c, Command::StartRun(_))).count();
    assert_eq!(started, 2, "the keys start a run as well");
}

#[test]
fn a_changed_form_is_told_and_filled_again() {
    let (desk, mut harness) = walked();
    assert!(harness.query_by_label("Fill the form from this run").is_none());
    desk.borrow_mut().tab.set_draft(r#"{"model":"ising:n=4,beta=0.4","chains":7}"#);
    harness.step();
    harness.step();
    assert!(has(&harness, "The form has changed"));
    click(&mut harness, Role::Button, "Fill the form from this run");
    harness.step();
    assert!(!has(&harness, "The form has changed"));
}

#[test]
fn the_lists_are_edited_counted_and_restored() {
    let (desk, mut harness) = window([1280.0, 2400.0], r#"{"model":"agora"}"#);
    click(&mut harness, Role::Button, "Edit lists…");
    assert!(has(&harness, "political and 62 neutral seeds"), "the shipped lists are counted");
    let words = harness.get_by_role_and_label(Role::MultilineTextInput, "Words of the lexicon");
    words.focus();
    harness.step();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.step();
    harness.key_press(Key::Delete);
    harness.step();
    harness.step();
    assert!(has(&harness, "word list is empty"));
    assert!(harness.get_by_role_and_label(Role::Button, "Use these lists").accesskit_node().is_disabled());
    harness.get_by_role_and_label(Role::MultilineTextInput, "Words of the lexicon").type_text("senate");
    harness.step();
    harness.step();
    assert!(has(&harness, "1 word"));
    click(&mut harness, Role::Button, "Use these lists");
    assert!(desk.borrow().tab.draft().contains(r#""lexicon":["senate"]"#));
    assert!(has(&harness, "edited"));
    click(&mut harness, Role::Button, "Edit lists…");
    click(&mut harness, Role::Button, "Restore the shipped lists");
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Use these lists");
    assert!(desk.borrow().tab.draft().contains(r#""lists":null"#));
}

#[test]
fn three_instruments_stand_side_by_side() {
    let draft = r#"{"model":"agora","length":4,"chains":2,"sweeps":2,"corpus":{"list":"town"}}"#;
    let (desk, mut harness) = window([2560.0, 3000.0], draft);
    click(&mut harness, Role::Button, "Run trajectories");
    wait_for(&mut harness, "2 chains visited");
    click(&mut harness, Role::Button, "Political");
    wait_for(&mut harness, "Share of snapshots called political");
    for title in
        ["Share by the word list", "Share by the seed axis", "Share by the classifier", "Calibration of the classifier"]
    {
        assert!(harness.query_by_role_and_label(Role::Figure, title).is_some(), "{title}");
    }
    assert!(has(&harness, "Nothing here says left or right"));
    assert!(has(&harness, "corpus"), "the baseline is drawn");
    let desk = desk.borrow();
    let RunSpec::Trajectories(spec) = &desk.runs[0].spec else { panic!("a trajectories run") };
    let probe = spec.political.as_ref().expect("the lists used are stored with the run");
    assert!(probe.lists.lexicon.len() > 100 && spec.corpus.len() == 1);
}

#[test]
fn reference_chains_show_what_they_accepted() {
    let draft = r#"{"model":"ising:n=4,beta=0.4","length":6,"chains":16,"sweeps":40,"temperature":1.0}"#;
    let (desk, mut harness) = window([1280.0, 3600.0], draft);
    click(&mut harness, Role::Button, "Metropolis-Hastings");
    assert!(has(&harness, "Up to 6 forward rows a step, where Glauber takes one"));
    assert!(!has(&harness, "Scan: order of updates"), "its positions are random");
    click(&mut harness, Role::Button, "Two laws");
    assert!(has(&harness, "Start B: anchor number"));
    click(&mut harness, Role::ComboBox, "Start A");
    harness.get_by_label("a typed sentence").click();
    harness.run_steps(3);
    crate::desk::type_into(&mut harness, Role::TextInput, "Start A: sentence", "+ + ? + + +");
    wait_for(&mut harness, "\"?\" at position 2");
    assert!(harness.get_by_role_and_label(Role::Button, "Run trajectories").accesskit_node().is_disabled());
    crate::desk::type_into(&mut harness, Role::TextInput, "Start A: sentence", "+ + + + + +");
    harness.get_by_label("Advanced: how snapshots are read").click();
    harness.run_steps(10);
    click(&mut harness, Role::CheckBox, "Pseudo-log-likelihoods");
    click(&mut harness, Role::Button, "Run trajectories");
    wait_for(&mut harness, "of novel proposals accepted");
    wait_for(&mut harness, "16 chains visited");
    assert!(has(&harness, "Metropolis-Hastings on log-probabilities"), "how the chains moved stands beside the run");
    click(&mut harness, Role::Button, "Dwell and recurrence");
    wait_for(&mut harness, "Distance of the two starts at the end, lower bound");
    assert!(harness.query_by_role_and_label(Role::Figure, "Pseudo-log-likelihood").is_some());
    assert!(has(&harness, "not proof of mixing") && has(&harness, "pseudo-log-likelihood"));
    click(&mut harness, Role::Button, "What is Metropolis-Hastings?");
    assert!(has(&harness, "reversible whatever"));
    let started = desk.borrow().started();
    let Some(RunSpec::Trajectories(spec)) = started.last() else { panic!("{:?}", started.last()) };
    assert!(!spec.dynamics.is_glauber() && spec.laws.is_some() && spec.analysis.pseudo_log_likelihood);
}
