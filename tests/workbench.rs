//! The workbench through its accessibility tree: start page, projects, tabs, menus, palette, dialogs. No display.

#[path = "support/workbench.rs"]
mod shown;
mod support;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kleroterion::jobs::spec::{FetchSpec, RunSpec};
use kleroterion::store::{Project, RunFilter, RunState};
use kleroterion::ui::Workbench;
use kleroterion::ui::command::{Command, TabKind};

/// A workbench with settings of its own, and a harness that shows it.
struct Window {
    settings: tempfile::TempDir,
    workbench: Rc<RefCell<Workbench>>,
    harness: Harness<'static>,
}

impl Window {
    fn new() -> Self {
        Self::with_settings(tempfile::tempdir().unwrap())
    }

    fn with_settings(settings: tempfile::TempDir) -> Self {
        let (workbench, harness) = shown::shown(settings.path(), [1280.0, 800.0], Theme::Light);
        Self { settings, workbench, harness }
    }

    /// Steps until `done`, and fails with what was waited for after a while.
    fn wait(&mut self, what: &str, done: impl Fn(&Harness<'static>) -> bool) {
        let began = Instant::now();
        while !done(&self.harness) {
            assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
        self.harness.check_accessibility();
    }

    fn has(harness: &Harness<'static>, text: &str) -> bool {
        let contains = |found: Option<String>| found.is_some_and(|found| found.contains(text));
        harness.query_all_by(|node| contains(node.label()) || contains(node.value())).next().is_some()
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(text, |harness| Self::has(harness, text));
    }

    fn click(&mut self, label: &str) {
        self.harness.get_all_by_label(label).next().unwrap().click();
        self.steps(3);
    }

    fn steps(&mut self, count: usize) {
        self.harness.run_steps(count);
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.steps(3);
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_role_and_label(egui::accesskit::Role::TextInput, label).focus();
        self.steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.harness.get_by_role_and_label(egui::accesskit::Role::TextInput, label).type_text(text);
        self.steps(2);
    }

    fn apply(&mut self, command: Command) {
        self.workbench.borrow_mut().apply(&self.harness.ctx, command);
        self.steps(2);
    }

    fn open(&mut self, project: &Path) {
        self.apply(Command::OpenProject(project.to_path_buf()));
        self.wait_for("All changes saved");
    }
}

fn project(folder: &Path, name: &str) -> std::path::PathBuf {
    let directory = folder.join(name);
    drop(Project::create(&directory, name).unwrap());
    directory
}

#[test]
fn a_newcomer_makes_a_project_and_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::new();
    window.wait_for("None yet.");
    window.click("New project…");
    window.type_into("Name", "Agora study");
    let directory = folder.path().join("agora-study");
    window.type_into("New folder", directory.to_str().unwrap());
    window.click("Make project");
    window.wait_for("All changes saved");
    assert!(directory.join("project.sqlite").is_file());
    window.click("Home");
    window.wait_for("Open now:");
    window.apply(Command::CloseProject);
    let settings_dir = window.settings.path().join("settings.json");
    window.wait("the recent list on disk", |_| {
        std::fs::read_to_string(&settings_dir).is_ok_and(|text| text.contains("Agora study"))
    });
    let Window { settings, workbench, harness } = window;
    drop((workbench, harness));
    let mut again = Window::with_settings(settings);
    again.wait_for("Agora study");
    again.click("Agora study");
    again.wait_for("All changes saved");
}

#[test]
fn a_folder_that_is_no_project_says_why_and_can_be_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::new();
    window.steps(2);
    window.type_into("Or type the folder of a project", folder.path().join("nothing").to_str().unwrap());
    window.click("Open");
    window.wait_for("The project did not open");
    assert!(Window::has(&window.harness, "nothing"), "the message names the folder");
    window.click("Dismiss");
    assert!(!Window::has(&window.harness, "The project did not open"));
}

#[test]
fn a_project_that_was_open_comes_back_when_another_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::new();
    window.open(&project(folder.path(), "mine"));
    window.apply(Command::OpenProject(folder.path().join("nothing")));
    window.wait_for("The project did not open");
    window.wait_for("All changes saved");
    window.wait_for("Open now:");
    assert!(Window::has(&window.harness, "mine"));
    assert!(Window::has(&window.harness, "The project did not open"), "the reason stays in view");
}

#[test]
fn recent_projects_that_are_gone_are_told_and_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let directory = project(folder.path(), "gone");
    let mut window = Window::new();
    window.open(&directory);
    window.apply(Command::CloseProject);
    window.workbench.borrow_mut().shut_down();
    std::fs::remove_dir_all(&directory).unwrap();
    window.apply(Command::OpenProject(directory));
    window.wait_for("The project did not open");
    window.wait_for("Not there any more.");
    window.click("Forget");
    window.wait_for("None yet.");
}

#[test]
fn tabs_menus_palette_and_dialogs_work_by_name_and_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let directory = project(folder.path(), "keys");
    let mut window = Window::new();
    window.steps(3);
    window.click("Runs");
    window.wait_for("No project is open");
    window.open(&directory);
    window.key(Modifiers::COMMAND, Key::Num9);
    window.wait_for("No run yet");
    window.key(Modifiers::COMMAND, Key::Num1);
    window.wait_for("Recent projects");

    window.click("Help");
    window.click("About Kleroterion");
    window.wait_for("arXiv 2605.16378");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!Window::has(&window.harness, "arXiv 2605.16378"), "Escape closes a dialog");

    window.key(Modifiers::COMMAND, Key::K);
    // The palette's field has the focus at once.
    window.harness.event(egui::Event::Text("shortcuts".into()));
    window.steps(2);
    window.key(Modifiers::NONE, Key::Enter);
    window.wait_for("Find a command");
    assert!(Window::has(&window.harness, "Ctrl+Shift+Z"), "shortcuts are listed");
    window.click("Close");

    window.key(Modifiers::COMMAND, Key::L);
    window.wait_for("Problems only");
    window.click("Close log");
    assert!(!Window::has(&window.harness, "Problems only"));

    window.key(Modifiers::COMMAND, Key::Plus);
    window.steps(2);
    assert!((window.harness.ctx.zoom_factor() - 1.1).abs() < 1e-3);
    window.key(Modifiers::COMMAND, Key::Num0);
    window.steps(2);
    assert!((window.harness.ctx.zoom_factor() - 1.0).abs() < 1e-3);
}

#[test]
fn a_run_shows_what_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let directory = project(folder.path(), "provenance");
    let mut window = Window::new();
    window.open(&directory);
    window.apply(Command::ShowTab(TabKind::Runs));
    // Not a folder, not in a cache: whatever the network, this run fails and says why.
    let spec = FetchSpec { version: 1, model: "no-such-owner-0f7a/no such name".into() };
    window.apply(Command::StartRun(Box::new(RunSpec::Fetch(spec))));
    window.wait_for("Run 1 · Download");
    window.wait("the run's end", |harness| Window::has(harness, "failed"));
    window.wait_for("What made it");
    assert!(Window::has(&window.harness, "Kleroterion 0."), "the program version");
    assert!(Window::has(&window.harness, "kleroterion "), "the command line");
    window.click("Duplicate as form");
    window.wait_for("Download a model");
    window.key(Modifiers::NONE, Key::Escape);
    window.click("Archive");
    window.wait("an empty list", |harness| Window::has(harness, "No run matches"));
    window.click("Archived too");
    window.wait_for("Bring back");
    let runs = Project::open_reader(&directory).unwrap().runs(&RunFilter { kind: None, archived: true }).unwrap();
    assert!(runs.iter().any(|run| run.archived && run.state == RunState::Failed));
}

#[test]
fn closing_with_work_under_way_asks_first() {
    let folder = tempfile::tempdir().unwrap();
    let directory = project(folder.path(), "closing");
    let text = (0..400).map(|k| format!("The {k}th citizen drew a lot and took a seat.\n")).collect::<String>();
    std::fs::write(directory.join("corpus.txt"), text.repeat(20)).unwrap();
    let mut window = Window::new();
    window.open(&directory);
    let spec = kleroterion::models::TrainMlmSpec {
        text: "corpus.txt".into(),
        out: "model".into(),
        steps: 1_000_000,
        ..kleroterion::models::TrainMlmSpec::default()
    };
    window.apply(Command::StartRun(Box::new(RunSpec::TrainMlm(spec))));
    window.wait_for("Pause");
    window.apply(Command::Quit);
    window.wait_for("A run is not finished");
    window.click("Keep working");
    assert!(!Window::has(&window.harness, "A run is not finished"));
    assert!(window.workbench.borrow().project_open());
    window.apply(Command::CloseProject);
    window.wait_for("A run is not finished");
    window.click("Stop, resume later");
    window.wait_for("No project");
    window.workbench.borrow_mut().shut_down();
    let runs = Project::open_reader(&directory).unwrap().runs(&RunFilter::default()).unwrap();
    assert_eq!(runs.len(), 1);
    assert!(matches!(runs[0].state, RunState::Interrupted | RunState::Queued), "{:?}", runs[0].state);
    window.open(&directory);
    window.wait_for("interrupted");
}

#[test]
fn sentences_are_imported_and_a_bad_file_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let directory = project(folder.path(), "sentences");
    std::fs::write(folder.path().join("good.txt"), "One sentence.\nAnother one.\n").unwrap();
    std::fs::write(folder.path().join("bad.csv"), "id,text\n1,a\n").unwrap();
    let mut window = Window::new();
    window.open(&directory);
    for (file, told) in [("good.txt", "Imported 2 sentences as good"), ("bad.csv", "bad.csv")] {
        window.key(Modifiers::COMMAND, Key::I);
        window.type_into("File", folder.path().join(file).to_str().unwrap());
        window.click("Import");
        window.wait_for(told);
    }
    let lists = Project::open_reader(&directory).unwrap().sentence_lists().unwrap();
    assert!(lists.iter().any(|(name, sentences)| name == "good" && sentences.len() == 2));
}

#[test]
fn an_export_lands_where_it_was_asked_for_and_asks_before_replacing() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::new();
    window.steps(3);
    let path = folder.path().join("note.txt");
    for round in 0..2 {
        window.apply(Command::ExportText { name: "note.txt".into(), text: format!("round {round}") });
        window.type_into("File", path.to_str().unwrap());
        window.click("Save");
        if round == 1 {
            window.wait_for("Replace note.txt?");
            window.click("Replace");
        }
        window.wait("the file", |_| std::fs::read_to_string(&path).is_ok_and(|text| text == format!("round {round}")));
    }
    window.wait_for("Saved ");
}
