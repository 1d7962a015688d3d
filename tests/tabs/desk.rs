//! One tab on a real project, runner and session, driven through the accessibility tree: what the workbench does for it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event as Input, Key, Modifiers, PointerButton, Pos2, Theme, Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kleroterion::jobs::runner::{Event, Runner};
use kleroterion::jobs::session::Session;
use kleroterion::jobs::spec::RunSpec;
use kleroterion::models::Library;
use kleroterion::store::{Project, ProjectInfo, RunFilter, RunId, RunRow, RunState};
use kleroterion::ui::command::Command;
use kleroterion::ui::context::{ModelChoice, RunProgress, TabContext};
use kleroterion::ui::tabs::certify::CertifyTab;
use kleroterion::ui::tabs::mixing::MixingTab;
use kleroterion::ui::tabs::trajectories::TrajectoriesTab;

/// What the workbench asks of a tab with a form.
pub trait Tab: Default + 'static {
    fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>);
    fn set_draft(&mut self, draft: &str);
    fn set_spec(&mut self, spec: &RunSpec);
    fn show_run(&mut self, run: RunId);
}

macro_rules! tab {
    ($($tab:ty),*) => { $(
        impl Tab for $tab {
            fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
                self.show(context, ui, commands);
            }

            fn set_draft(&mut self, draft: &str) {
                self.set_draft(draft);
            }

            fn set_spec(&mut self, spec: &RunSpec) {
                self.set_spec(spec);
            }

            fn show_run(&mut self, run: RunId) {
                self.show_run(run);
            }
        }
    )* };
}

tab!(CertifyTab, MixingTab, TrajectoriesTab);

/// Lists runs, starts them, hands over answers.
pub struct Desk<T> {
    pub tab: T,
    info: ProjectInfo,
    pub directory: PathBuf,
    pub runner: Runner,
    session: Session,
    pub runs: Vec<RunRow>,
    progress: BTreeMap<RunId, RunProgress>,
    versions: BTreeMap<RunId, u64>,
    wake: Arc<dyn Fn() + Send + Sync>,
    models: Vec<ModelChoice>,
    lists: Vec<(String, Vec<String>)>,
    pub commands: Vec<Command>,
    _folder: tempfile::TempDir,
    _project: Project,
}

impl<T: Tab> Desk<T> {
    fn new(models: &[&str], list: Option<(&str, &str)>, draft: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("project");
        let project = Project::create(&directory, "journey").unwrap();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        let library = Arc::new(Library::default());
        let model = |reference: &&str| ModelChoice {
            reference: (*reference).to_owned(),
            description: "a model to try".to_owned(),
        };
        let mut tab = T::default();
        tab.set_draft(draft);
        Self {
            tab,
            info: project.info().clone(),
            runner: Runner::new(&directory, library.clone(), wake.clone()).unwrap(),
            session: Session::new(library, wake.clone()),
            directory,
            runs: Vec::new(),
            progress: BTreeMap::new(),
            versions: BTreeMap::new(),
            wake,
            models: models.iter().map(model).collect(),
            lists: list.into_iter().map(|(name, line)| (name.to_owned(), vec![line.to_owned()])).collect(),
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
            sentence_lists: &self.lists,
            directory: &self.directory,
            wake: &self.wake,
        };
        let mut commands = Vec::new();
        self.tab.show(&context, ui, &mut commands);
        for command in commands {
            match &command {
                Command::StartRun(spec) => {
                    let run = self.runner.start(spec).unwrap();
                    self.tab.show_run(run);
                }
                Command::DuplicateAsForm(run) => {
                    let spec = self.runs.iter().find(|row| row.id == *run).unwrap().spec.clone();
                    self.tab.set_spec(&spec);
                }
                _ => {}
            }
            self.commands.push(command);
        }
    }

    /// Specs of the runs that the tab has started, in their order.
    pub fn started(&self) -> Vec<RunSpec> {
        let started = self.commands.iter().filter_map(|command| match command {
            Command::StartRun(spec) => Some((**spec).clone()),
            _ => None,
        });
        started.collect()
    }
}

pub type Window<T> = (Rc<RefCell<Desk<T>>>, Harness<'static>);

/// A window of this size on a new project with these models, at most one list of one sentence, and a form.
pub fn window<T: Tab>(size: [f32; 2], models: &[&str], list: Option<(&str, &str)>, draft: &str) -> Window<T> {
    let desk = Rc::new(RefCell::new(Desk::new(models, list, draft)));
    let drawn = desk.clone();
    let mut harness = crate::support::harness(size, Theme::Light, move |ui| drawn.borrow_mut().frame(ui));
    harness.run_steps(3);
    (desk, harness)
}

/// Whether a label or value on screen holds `text`.
pub fn has(harness: &Harness<'_>, text: &str) -> bool {
    let contains = |found: Option<String>| found.is_some_and(|found| found.contains(text));
    harness.query_all_by(|node| contains(node.label()) || contains(node.value())).next().is_some()
}

/// Steps until `text` is on screen.
pub fn wait_for(harness: &mut Harness<'_>, text: &str) {
    let since = Instant::now();
    while !has(harness, text) {
        assert!(since.elapsed() < Duration::from_secs(90), "{text:?} never appeared");
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
    harness.step();
}

/// Steps until the newest run is done and its last results are on screen.
pub fn wait_done<T: Tab>(desk: &Rc<RefCell<Desk<T>>>, harness: &mut Harness<'_>) {
    let since = Instant::now();
    loop {
        harness.step();
        let done = desk.borrow().runs.first().is_some_and(|run| run.state == RunState::Done);
        if done {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(90), "the run never ended: {:?}", desk.borrow().runs.first());
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
}

/// Clicks the first of this role and name.
pub fn click(harness: &mut Harness<'_>, role: Role, label: &str) {
    harness.get_all_by_role_and_label(role, label).next().unwrap_or_else(|| panic!("no {label:?}")).click();
    harness.run_steps(3);
}

/// Replaces what an input holds.
pub fn type_into(harness: &mut Harness<'_>, role: Role, label: &str, text: &str) {
    harness.get_by_role_and_label(role, label).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.run_steps(2);
    harness.get_by_role_and_label(role, label).type_text(text);
    harness.run_steps(2);
}

pub fn key(harness: &mut Harness<'_>, key: Key) {
    harness.key_press(key);
    harness.run_steps(3);
}

pub fn click_at(harness: &mut Harness<'_>, at: Pos2) {
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

/// Clicks the topmost row of a table below `top`.
pub fn click_row(harness: &mut Harness<'_>, top: f32) {
    // A table is laid out in the frame after it appears.
    harness.run_steps(3);
    let rows = harness.query_all_by_role(Role::Row);
    let below = rows.map(|row| row.rect()).filter(|row| row.is_positive() && row.top() > top);
    let row = below.min_by(|a, b| a.top().total_cmp(&b.top())).expect("a row");
    click_at(harness, row.lerp_inside(vec2(0.4, 0.5)));
}
