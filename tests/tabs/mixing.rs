//! The Mixing tab through the accessibility tree, on a real project, runner and session: a diagram that fills while it
//! runs, a cell and its chains, an enumerated space.

use std::cell::RefCell;
use std::rc::Rc;

use crate::desk::{Desk, click, click_at, click_row, has, type_into, wait_done, wait_for};
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::glauber::experiments::mix::MixSpec;
use kleroterion::glauber::experiments::phase::PhaseSpec;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::ui::command::Command;
use kleroterion::ui::tabs::mixing::MixingTab;

type Window = crate::desk::Window<MixingTab>;

fn window(height: f32) -> Window {
    crate::desk::window([1280.0, height], &["potts:q=3,beta=1", "ising:beta=0.5"], None, "")
}

/// A finished diagram of the Potts toy beside the default control.
fn diagram() -> Window {
    let (desk, mut harness) = window(6400.0);
    type_into(&mut harness, Role::MultilineTextInput, "Temperatures", "0.1, 1, 4");
    type_into(&mut harness, Role::MultilineTextInput, "Lengths in tokens", "4, 8");
    click(&mut harness, Role::Button, "Run phase diagram");
    wait_for(&mut harness, "Phase diagram: potts:q=3,beta=1");
    wait_done(&desk, &mut harness);
    (desk, harness)
}

fn phase_spec(desk: &Rc<RefCell<Desk<MixingTab>>>) -> PhaseSpec {
    match desk.borrow().started().first() {
        Some(RunSpec::Phase(spec)) => spec.clone(),
        other => panic!("a phase run should have been started, not {other:?}"),
    }
}

#[test]
fn a_newcomer_sees_what_to_do_in_each_mode() {
    let (desk, mut harness) = window(1400.0);
    assert!(has(&harness, "No phase diagram yet"));
    click(&mut harness, Role::Button, "Coupled pairs");
    assert!(has(&harness, "No coupled pairs yet"));
    click(&mut harness, Role::Button, "Exact");
    assert!(has(&harness, "Nothing enumerated yet"));
    click(&mut harness, Role::Button, "Fill in a sample");
    assert!(!harness.get_by_role_and_label(Role::Button, "Enumerate").accesskit_node().is_disabled());
    assert!(desk.borrow().commands.iter().any(|command| matches!(command, Command::DraftEdited(_))), "an undo point");
}

#[test]
fn bad_input_says_why() {
    let (_desk, mut harness) = window(1400.0);
    type_into(&mut harness, Role::MultilineTextInput, "Temperatures", "1, hot");
    assert!(has(&harness, "\u{201c}hot\u{201d} is not a temperature"));
    assert!(harness.get_by_role_and_label(Role::Button, "Run phase diagram").accesskit_node().is_disabled());
    type_into(&mut harness, Role::MultilineTextInput, "Temperatures", "1, 2, 1");
    assert!(has(&harness, "stands twice in the grid"));
    click(&mut harness, Role::Button, "Exact");
    type_into(&mut harness, Role::TextInput, "Allowed tokens, between spaces", "only");
    assert!(has(&harness, "One token has one state"));
}

#[test]
fn a_diagram_fills_a_cell_opens_and_its_chains_are_read() {
    let (desk, mut harness) = diagram();
    let spec = phase_spec(&desk);
    assert_eq!(spec.beside, ["curie-weiss:beta=1"]);
    assert!(has(&harness, "some cells are censored at 30 sweeps"), "the coldest pairs did not all meet");
    assert!(has(&harness, "Phase diagram: curie-weiss:beta=1"));
    assert!(has(&harness, "Critical temperatures") && has(&harness, "Transition or crossover?"));
    assert!(!has(&harness, "finite-size crossover on this grid"), "censored cells forbid the word");
    assert!(has(&harness, ">= "), "censored times are written as bounds");

    // The hottest, shortest cell: bottom right of the map.
    let map = harness.get_by_role_and_label(Role::Figure, "Phase diagram: potts:q=3,beta=1").rect();
    // Two rows of cells, then the names of the temperatures.
    click_at(&mut harness, map.lerp_inside(vec2(0.85, 0.5)));
    wait_for(&mut harness, "Selected cell: τ = 4, n = 4");
    wait_for(&mut harness, "Pairs that have not met");
    assert!(has(&harness, "Drift of the distance") && has(&harness, "Hamming distance"));
    assert!(harness.query_by_role_and_label(Role::Button, "Export pairs as CSV").is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!has(&harness, "Selected cell"), "Esc lets the cell go");

    // The same by keyboard: the map keeps its cursor where it was clicked.
    harness.get_by_role_and_label(Role::Figure, "Phase diagram: potts:q=3,beta=1").focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    wait_for(&mut harness, "Selected cell: τ = 4, n = 8");

    // Its pairs are read from the tokens that the diagram kept.
    wait_for(&mut harness, "Click a pair to read its two chains");
    assert!(!has(&harness, "Run these pairs with every token kept"));
    // The card of the cell stands above the tables of fits.
    let card = harness.get_by_label("Selected cell: τ = 4, n = 8").rect().top();
    click_row(&mut harness, card);
    wait_for(&mut harness, "The chains met after");
    click(&mut harness, Role::Button, "To the end");
    assert!(has(&harness, "the chains differ at 0 of 8 positions"));
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!has(&harness, "The chains met after") && has(&harness, "Selected cell"), "Esc closes the pair first");
    assert_eq!(desk.borrow().started().len(), 1, "nothing was run for it");
}

#[test]
fn a_cell_without_tokens_offers_the_run_that_keeps_them() {
    let (desk, mut harness) = window(6400.0);
    desk.borrow_mut().tab.set_draft(
        r#"{"model":"potts:q=3,beta=1","phase":{"temperatures":"4","lengths":"8","beside":[],"keep_tokens":"none"}}"#,
    );
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Run phase diagram");
    wait_done(&desk, &mut harness);
    let spec = phase_spec(&desk);
    harness.get_by_role_and_label(Role::Figure, "Phase diagram: potts:q=3,beta=1").focus();
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    wait_for(&mut harness, "The tokens of these pairs were not kept");
    click(&mut harness, Role::Button, "Run these pairs with every token kept");
    let started = desk.borrow().started();
    let Some(RunSpec::Mix(MixSpec { record: true, length: 8, seed, .. })) = started.last() else {
        panic!("a recorded mix run, not {:?}", started.last())
    };
    assert_eq!(*seed, spec.seed);
    wait_for(&mut harness, "three quarters of the pairs meet within");
    wait_done(&desk, &mut harness);
    wait_for(&mut harness, "Click a pair to read its two chains");
    let row = harness.query_all_by_role(Role::Row).next().expect("a pair").rect();
    click_at(&mut harness, row.lerp_inside(vec2(0.4, 0.5)));
    wait_for(&mut harness, "The chains met after");
    assert!(has(&harness, "Step 0 of "));
    click(&mut harness, Role::Button, "Step forward");
    assert!(has(&harness, "Step 1 of "));
    click(&mut harness, Role::Button, "To the end");
    assert!(has(&harness, "the chains differ at 0 of 8 positions"));
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(!has(&harness, "The chains met after"), "Esc closes the pair");
}

#[test]
fn figures_and_tables_are_exported() {
    let (desk, mut harness) = diagram();
    click(&mut harness, Role::Button, "Export Phase diagram: potts:q=3,beta=1");
    click(&mut harness, Role::Button, "SVG drawing…");
    click(&mut harness, Role::Button, "Export cells as CSV");
    let desk = desk.borrow();
    assert!(desk.commands.iter().any(|command| matches!(command, Command::ExportFigure(..))));
    let table = desk.commands.iter().find_map(|command| match command {
        Command::ExportTable(table) => Some(table.clone()),
        _ => None,
    });
    assert_eq!(table.expect("the cells").rows.len(), 12);
}

#[test]
fn perfect_samples_are_compared_with_the_law() {
    let (desk, mut harness) = window(3000.0);
    click(&mut harness, Role::ComboBox, "Masked language model");
    harness.get_by_label("ising:beta=0.5").click();
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Exact");
    click(&mut harness, Role::CheckBox, "Perfect samples beside the law");
    type_into(&mut harness, Role::TextInput, "Temperature τ", "0");
    assert!(has(&harness, "At temperature 0 there is no single stationary law"));
    assert!(harness.get_by_role_and_label(Role::Button, "Enumerate").accesskit_node().is_disabled());
    type_into(&mut harness, Role::TextInput, "Temperature τ", "1");
    // The reason for the refusal is gone: the button moves back to its place within a few frames.
    harness.run_steps(6);
    click(&mut harness, Role::Button, "Enumerate");
    wait_for(&mut harness, "2,000 perfect samples show no difference from the enumerated law");
    wait_done(&desk, &mut harness);
    assert!(has(&harness, "TV by chance alone"));
    assert!(harness.query_by_role_and_label(Role::Figure, "Perfect samples and the stationary law").is_some());
    click(&mut harness, Role::Button, "Export depths as CSV");
    let desk = desk.borrow();
    let Some(Command::ExportTable(table)) = desk.commands.last() else { panic!("{:?}", desk.commands.last()) };
    let samples = table.rows.iter().map(|row| row[1].replace(',', "").parse::<u64>().unwrap());
    assert_eq!(samples.sum::<u64>(), 2000);
}

#[test]
fn a_small_space_is_enumerated() {
    let (desk, mut harness) = window(3000.0);
    click(&mut harness, Role::ComboBox, "Masked language model");
    harness.get_by_label("ising:beta=0.5").click();
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Exact");
    click(&mut harness, Role::Button, "Enumerate");
    wait_for(&mut harness, "t_mix(1/4) is exactly");
    wait_done(&desk, &mut harness);
    assert!(has(&harness, "over all 16 states"));
    for figure in ["Distance to the stationary law", "Spectrum", "Exact influence"] {
        assert!(harness.query_by_role_and_label(Role::Figure, figure).is_some(), "{figure}");
    }
    wait_for(&mut harness, "- - - -");
    assert!(has(&harness, "fixed point"));
}

#[test]
fn two_starts_are_compared_and_diagnosed() {
    let (desk, mut harness) = window(6400.0);
    desk.borrow_mut().tab.set_draft(
        r#"{"mode":"pairs","model":"ising:beta=0.5","pairs":{"length":6,"temperature":"0.05","pairs":8,"cap_sweeps":20}}"#,
    );
    harness.run_steps(3);
    click(&mut harness, Role::ComboBox, "Start A");
    harness.get_by_label("a typed sentence").click();
    harness.run_steps(3);
    assert!(has(&harness, "Type the sentence from which single chains start"), "what is missing is said");
    type_into(&mut harness, Role::TextInput, "Start A: sentence", "+ + + + + +");
    click(&mut harness, Role::ComboBox, "Start B");
    harness.get_by_label("a typed sentence").click();
    harness.run_steps(3);
    type_into(&mut harness, Role::TextInput, "Start B: sentence", "- - - - - -");
    type_into(&mut harness, Role::TextInput, "Compare after sweeps", "2, 9");
    click(&mut harness, Role::Button, "Run coupled pairs");
    wait_done(&desk, &mut harness);
    let started = desk.borrow().started();
    let Some(RunSpec::Mix(MixSpec { singles: Some(singles), .. })) = started.last() else {
        panic!("single chains, not {:?}", started.last())
    };
    assert_eq!((singles.times.as_slice(), singles.chains), (&[2, 9][..], 16));
    // At this temperature spins that agree stay: 8 + 8 held-out chains are all told right.
    wait_for(&mut harness, "After 9 sweeps the two starts are still apart: total variation at least 0.2");
    let figure = "Distance of the two starts, bounded from below";
    assert!(harness.query_by_role_and_label(Role::Figure, figure).is_some());
    assert!(has(&harness, "Diagnostics, not proof of mixing"));
    click(&mut harness, Role::Button, "What is R-hat?");
    assert!(has(&harness, "never prove"));
}

#[test]
fn chains_leave_an_anchor_and_their_times_are_fitted() {
    let (desk, mut harness) = window(5200.0);
    desk.borrow_mut()
        .tab
        .set_draft(r#"{"model":"ising:beta=0.5","escape":{"temperatures":"0.3","chains":40,"cap_sweeps":5000}}"#);
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Escape");
    assert!(has(&harness, "No escapes yet"));
    type_into(&mut harness, Role::MultilineTextInput, "Temperatures", "0, 1");
    assert!(has(&harness, "never leaves a fixed point"), "why the button sleeps");
    type_into(&mut harness, Role::MultilineTextInput, "Temperatures", "0.5, 0.7, 1");
    assert!(!harness.get_by_role_and_label(Role::Button, "Run escapes").accesskit_node().is_disabled());
    // The button moves once when the reason above it goes.
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Run escapes");
    wait_done(&desk, &mut harness);
    let started = desk.borrow().started();
    let Some(RunSpec::Escape(spec)) = started.last() else { panic!("escapes, not {:?}", started.last()) };
    assert_eq!((spec.temperatures.len(), spec.chains, spec.radius), (3, 40, 2));
    wait_for(&mut harness, "ln E[T] rises by");
    assert!(has(&harness, "over the 3 temperatures at which every chain escaped"));
    for figure in ["Arrhenius plot", "Chains still near the anchor", "Are escapes exponential?"] {
        assert!(harness.query_by_role_and_label(Role::Figure, figure).is_some(), "{figure}");
    }
    assert!(has(&harness, "Uniform margin, upper bound") && has(&harness, "so none is proved"));
    click(&mut harness, Role::Button, "Export escapes as CSV");
    let exported = desk.borrow().commands.iter().any(|command| match command {
        Command::ExportTable(table) => table.rows.len() == 3 && table.header.iter().any(|name| name == "E[T] (steps)"),
        _ => false,
    });
    assert!(exported);
    // Lengths beside it: E[T] against n, and each length on its own.
    type_into(&mut harness, Role::MultilineTextInput, "Further lengths", "4, 6");
    click(&mut harness, Role::CheckBox, "Radius grows with the length");
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Run escapes");
    wait_done(&desk, &mut harness);
    let started = desk.borrow().started();
    let Some(RunSpec::Escape(spec)) = started.last() else { panic!("escapes") };
    assert_eq!((spec.lengths(), spec.radius_share), (vec![8, 4, 6], Some(0.25)));
    wait_for(&mut harness, "nats a position at");
    assert!(harness.query_by_role_and_label(Role::Figure, "Escape time against length").is_some());
    click(&mut harness, Role::Button, "n = 4");
    harness.run_steps(2);
    wait_for(&mut harness, "4 free positions, radius 1, random scan");
    click(&mut harness, Role::Button, "Export escape-growth as CSV");
    let exported = desk.borrow().commands.iter().any(|command| match command {
        Command::ExportTable(table) => table.name == "escape-growth" && !table.rows.is_empty(),
        _ => false,
    });
    assert!(exported);
    // The other criterion.
    click(&mut harness, Role::Button, "Its basin changes");
    harness.run_steps(3);
    click(&mut harness, Role::Button, "Run escapes");
    wait_done(&desk, &mut harness);
    wait_for(&mut harness, "Chains end when their basin changes");
    click(&mut harness, Role::Button, "What is an Arrhenius plot?");
    assert!(has(&harness, "barrier of fixed height"));
}

#[test]
fn a_typed_start_that_the_model_cannot_read_is_told_on_the_form() {
    let (desk, mut harness) = window(2400.0);
    desk.borrow_mut().tab.set_draft(
        r#"{"mode":"escape","model":"ising:beta=0.5","escape":{"length":4,"kind":"typed","sentence":"+ + x +"}}"#,
    );
    harness.run_steps(3);
    wait_for(&mut harness, "\"x\" at position 2");
    assert!(has(&harness, "A typed start cannot be used"));
    assert!(harness.get_by_role_and_label(Role::Button, "Run escapes").accesskit_node().is_disabled());
    type_into(&mut harness, Role::TextInput, "Anchor sentence", "+ +");
    wait_for(&mut harness, "2 of the 4 tokens");
    type_into(&mut harness, Role::TextInput, "Anchor sentence", "+ + - +");
    harness.run_steps(3);
    assert!(!harness.get_by_role_and_label(Role::Button, "Run escapes").accesskit_node().is_disabled());
    // The same of coupled pairs.
    click(&mut harness, Role::Button, "Coupled pairs");
    desk.borrow_mut().tab.set_draft(
        r#"{"mode":"pairs","model":"ising:beta=0.5","pairs":{"length":4},"chain":{"start":"typed","from":"++++","to":"+o++"}}"#,
    );
    harness.run_steps(3);
    wait_for(&mut harness, "\"o\" at position 1");
    assert!(harness.get_by_role_and_label(Role::Button, "Run coupled pairs").accesskit_node().is_disabled());
}
