//! The Certify tab through the accessibility tree, on a real project, runner and session: from the first look to a
//! saved certificate.

use crate::desk::{click, click_at, wait_for};
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::glauber::certificate::Certificate;
use kleroterion::glauber::certify::{CertifySpec, TokenChoice};
use kleroterion::jobs::spec::RunSpec;
use kleroterion::store::RunState;
use kleroterion::ui::command::Command;
use kleroterion::ui::tabs::certify::CertifyTab;

type Window = crate::desk::Window<CertifyTab>;

fn window(size: [f32; 2]) -> Window {
    crate::desk::window(size, &["ising:n=3,beta=0.5", "table-pair", "agora"], Some(("spins", "1 1")), "")
}

fn choose_model(harness: &mut Harness<'_>, model: &str) {
    click(harness, Role::ComboBox, "Masked language model");
    harness.get_by_label(model).click();
    harness.step();
    harness.step();
}

fn certified() -> Window {
    // Tall enough for the whole tab, so that nothing waits below the fold.
    let (desk, mut harness) = window([1280.0, 2400.0]);
    choose_model(&mut harness, "table-pair");
    harness.get_by_role_and_label(Role::MultilineTextInput, "Sentence").focus();
    harness.step();
    harness.get_by_role_and_label(Role::MultilineTextInput, "Sentence").type_text("0 1");
    wait_for(&mut harness, "Position 1: 1");
    assert!(
        harness.query_all_by_label_contains("Choose two positions").next().is_some(),
        "the button says what is missing"
    );
    click(&mut harness, Role::Button, "Position 0: 0");
    click(&mut harness, Role::Button, "Position 1: 1");
    wait_for(&mut harness, "0.9900");
    wait_for(&mut harness, "0.5000");
    // The button takes its place in the frame after the last answer.
    harness.step();
    click(&mut harness, Role::Button, "Certify");
    wait_for(&mut harness, "No joint distribution has these conditionals");
    (desk, harness)
}

#[test]
fn a_newcomer_sees_what_to_do_and_can_fill_in_a_sample() {
    let (desk, mut harness) = window([1280.0, 800.0]);
    harness.get_by_label("Nothing certified yet");
    let button = harness.get_by_role_and_label(Role::Button, "Certify");
    assert!(button.accesskit_node().is_disabled());
    click(&mut harness, Role::Button, "Fill in a sample");
    wait_for(&mut harness, "Position 2: ");
    harness.step();
    assert!(!harness.get_by_role_and_label(Role::Button, "Certify").accesskit_node().is_disabled());
    assert!(desk.borrow().commands.iter().any(|command| matches!(command, Command::DraftEdited(_))), "an undo point");
}

#[test]
fn a_sentence_the_model_cannot_read_is_refused_in_words() {
    let (_desk, mut harness) = window([1280.0, 1200.0]);
    choose_model(&mut harness, "table-pair");
    harness.get_by_role_and_label(Role::MultilineTextInput, "Sentence").focus();
    harness.step();
    harness.get_by_role_and_label(Role::MultilineTextInput, "Sentence").type_text("0 zebra");
    wait_for(&mut harness, "zebra\" is not");
    assert!(harness.get_by_role_and_label(Role::Button, "Certify").accesskit_node().is_disabled());
}

#[test]
fn table_pair_is_certified_saved_and_verified() {
    let (desk, mut harness) = certified();
    let verdict = harness.query_all_by_label_contains("No joint distribution").next().expect("the verdict");
    let text = verdict.accesskit_node().label().or(verdict.accesskit_node().value()).unwrap_or_default();
    assert!(text.contains("9.190 nats"), "{text}");
    assert!(harness.query_all_by_label("Rectangle field").next().is_some());
    click(&mut harness, Role::Button, "Save certificate…");
    let saved = desk.borrow().commands.iter().find_map(|command| match command {
        Command::ExportText { text, .. } => Some(text.clone()),
        _ => None,
    });
    let certificate: Certificate = serde_json::from_str(&saved.expect("a certificate to save")).unwrap();
    assert!((certificate.assessment.r64.abs() - 2.0 * 99.0_f64.ln()).abs() < 1e-9);
    click(&mut harness, Role::Button, "Verify now");
    wait_for(&mut harness, "It verifies");
}

#[test]
fn control_enter_starts_and_a_changed_form_is_told() {
    let (desk, mut harness) = certified();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.step();
    harness.step();
    let started = desk
        .borrow()
        .commands
        .iter()
        .filter(|c| matches!(c, Command::StartRun(spec) if matches!(**spec, RunSpec::Certify(_))))
        .count();
    assert_eq!(started, 2);
    assert!(harness.query_by_label("Fill the form from this run").is_none());
    click(&mut harness, Role::Button, "Position 0: 0, chosen as i");
    assert!(harness.query_by_label_contains("The form is incomplete").is_some());
    click(&mut harness, Role::Button, "Position 0: 0");
    assert!(harness.query_by_label_contains("The form has changed").is_some(), "i and j have changed places");
}

/// All texts in nats that stand below the heading "Selected rectangle".
fn selected_numbers(harness: &Harness<'_>) -> Vec<String> {
    let top = harness.get_by_label("Selected rectangle").rect().top();
    let below = harness.query_all_by_label_contains(" nats").filter(|node| node.rect().top() > top);
    below.filter_map(|node| node.accesskit_node().label().or(node.accesskit_node().value())).collect()
}

#[test]
fn two_cells_choose_a_rectangle_and_its_r_is_shown() {
    let (_desk, mut harness) = window([1280.0, 2400.0]);
    choose_model(&mut harness, "agora");
    click(&mut harness, Role::Button, "Fill in a sample");
    wait_for(&mut harness, "Ready");
    harness.step();
    click(&mut harness, Role::Button, "Certify");
    wait_for(&mut harness, "No joint distribution has these conditionals");
    harness.step();
    assert!(harness.query_by_role_and_label(Role::Button, "Largest |R|").is_none(), "the largest is shown at first");
    let before = selected_numbers(&harness);
    let field = harness.get_by_role_and_label(Role::Figure, "Rectangle field").rect();
    click_at(&mut harness, field.lerp_inside(eframe::egui::vec2(0.45, 0.15)));
    assert!(harness.query_by_label_contains("First corner: ").is_some(), "one cell is half a rectangle");
    assert_eq!(selected_numbers(&harness), before);
    click_at(&mut harness, field.lerp_inside(eframe::egui::vec2(0.7, 0.5)));
    assert!(harness.query_by_label_contains("First corner: ").is_none());
    let after = selected_numbers(&harness);
    assert_eq!(before.len(), after.len());
    assert_ne!(before, after, "another rectangle has other numbers");
    click(&mut harness, Role::Button, "Largest |R|");
    assert_eq!(selected_numbers(&harness), before);
}

#[test]
fn a_failed_run_shows_its_error() {
    let (desk, mut harness) = window([1280.0, 1200.0]);
    let spec = CertifySpec {
        version: 1,
        model: "table-pair".to_owned(),
        sentence: "0 1".to_owned(),
        positions: (0, 5),
        tokens_a: TokenChoice::Top(2),
        tokens_b: TokenChoice::Top(2),
        temperature: 1.0,
        seed: 0,
    };
    desk.borrow().runner.start(&RunSpec::Certify(spec)).unwrap();
    wait_for(&mut harness, "This run failed.");
    let row = desk.borrow().runs[0].clone();
    assert_eq!(row.state, RunState::Failed);
    let error = row.error.expect("a reason is recorded");
    harness.step();
    assert!(harness.query_by_label(&error).is_some(), "{error}");
    harness.get_by_role_and_label(Role::Button, "Try again");
    click(&mut harness, Role::Button, "Show the log");
    assert!(desk.borrow().commands.iter().any(|command| matches!(command, Command::ShowLog)));
}
