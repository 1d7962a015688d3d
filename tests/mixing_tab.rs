//! The Mixing tab through the accessibility tree, on a real project, runner and session: a diagram that fills while it
//! runs, a cell and its chains, an enumerated space.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event as Input, Key, Modifiers, PointerButton, Pos2, Theme, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::glauber::experiments::mix::MixSpec;
use kleroterion::glauber::experiments::phase::PhaseSpec;
use kleroterion::jobs::runner::{Event, Runner};
use kleroterion::jobs::session::Session;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::store::{Project, ProjectInfo, RunFilter, RunId, RunRow, RunState};
use kleroterion::ui::command::Command;
use kleroterion::ui::context::{ModelChoice, RunProgress, TabContext};
use kleroterion::ui::tabs::mixing::MixingTab;

/// What the workbench does for the tab: lists runs, starts them, hands over answers.
struct Desk {
    tab: MixingTab,
    info: ProjectInfo,
    directory: PathBuf,
    runner: Runner,
    session: Session,
    runs: Vec<RunRow>,
    progress: BTreeMap<RunId, RunProgress>,
    versions: BTreeMap<RunId, u64>,
    wake: Arc<dyn Fn() + Send + Sync>,
    models: Vec<ModelChoice>,
    commands: Vec<Command>,
    _folder: tempfile::TempDir,
    _project: Project,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("project");
        let project = Project::create(&directory, "journey").unwrap();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        let library = Arc::new(Library::default());
        let model = |reference: &str| ModelChoice { reference: reference.to_owned(), description: "a toy".to_owned() };
        Self {
            tab: MixingTab::default(),
            info: project.info().clone(),
            runner: Runner::new(&directory, library.clone(), wake.clone()).unwrap(),
            session: Session::new(library, wake.clone()),
            directory,
            runs: Vec::new(),
            progress: BTreeMap::new(),
            versions: BTreeMap::new(),
            wake,
            models: vec![model("potts:q=3,beta=1"), model("ising:beta=0.5")],
            commands: Vec::new(),
            _folder: folder,
            _project: project,
        }
    }

    fn frame(&mut self, ui: &mut Ui) {
        for event in self.runner.drain() {
            let (Event::State { run, .. } | Event::Progress { run, .. } | Event::Results { run }) = event;
            *self.versions.entry(run).or_default() += 1;
        }
        self.runs = Project::open_reader(&self.directory).unwrap().runs(&RunFilter::default()).unwrap();
        let answers = self.session.drain();
        let context = TabContext {
            project: &self.info,
            runs: &self.runs,
            progress: &self.progress,
            versions: &self.versions,
            session: &self.session,
            answers: &answers,
            models: &self.models,
            sentence_lists: &[],
            directory: &self.directory,
            wake: &self.wake,
        };
        let mut commands = Vec::new();
        self.tab.show(&context, ui, &mut commands);
        for command in commands {
            if let Command::StartRun(spec) = &command {
                let run = self.runner.start(spec).unwrap();
                self.tab.show_run(run);
            }
            self.commands.push(command);
        }
    }

    fn started(&self) -> Vec<RunSpec> {
        let started = self.commands.iter().filter_map(|command| match command {
            Command::StartRun(spec) => Some((**spec).clone()),
            _ => None,
        });
        started.collect()
    }
}

type Window = (Rc<RefCell<Desk>>, Harness<'static>);

fn window(height: f32) -> Window {
    let desk = Rc::new(RefCell::new(Desk::new()));
    let drawn = desk.clone();
    let mut harness = support::harness([1280.0, height], Theme::Light, move |ui| drawn.borrow_mut().frame(ui));
    harness.run_steps(3);
    (desk, harness)
}

fn has(harness: &Harness<'_>, text: &str) -> bool {
    let contains = |found: Option<String>| found.is_some_and(|found| found.contains(text));
    harness.query_all_by(|node| contains(node.label()) || contains(node.value())).next().is_some()
}

/// Steps until `text` is on screen.
fn wait_for(harness: &mut Harness<'_>, text: &str) {
    let since = Instant::now();
    while !has(harness, text) {
        assert!(since.elapsed() < Duration::from_secs(60), "{text:?} never appeared");
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
}

fn wait_done(desk: &Rc<RefCell<Desk>>, harness: &mut Harness<'_>) {
    let since = Instant::now();
    loop {
        harness.step();
        let done = desk.borrow().runs.first().is_some_and(|run| run.state == RunState::Done);
        if done {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "the run never ended: {:?}", desk.borrow().runs.first());
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
}

fn click(harness: &mut Harness<'_>, role: Role, label: &str) {
    harness.get_by_role_and_label(role, label).click();
    harness.run_steps(3);
}

fn type_into(harness: &mut Harness<'_>, role: Role, label: &str, text: &str) {
    harness.get_by_role_and_label(role, label).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.get_by_role_and_label(role, label).type_text(text);
    harness.run_steps(2);
}

fn click_at(harness: &mut Harness<'_>, at: Pos2) {
    harness.event(Input::PointerMoved(at));
    harness.step();
    for pressed in [true, false] {
        harness.event(Input::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        });
        harness.step();
    }
    harness.step();
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

fn phase_spec(desk: &Rc<RefCell<Desk>>) -> PhaseSpec {
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

    wait_for(&mut harness, "Run these pairs with every token kept");
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
