//! The Panel tab through the accessibility tree of the whole workbench: from invented people to a panel.

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kleroterion::models::Library;
use kleroterion::store::Project;
use kleroterion::ui::Workbench;
use kleroterion::ui::command::{Command, TabKind};

/// A workbench with a project of its own, on the Panel tab.
struct Window {
    workbench: Rc<RefCell<Workbench>>,
    harness: Harness<'static>,
    folder: tempfile::TempDir,
}

impl Window {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("assembly");
        drop(Project::create(&directory, "Assembly").unwrap());
        let settings = folder.path().join("settings");
        let workbench = Workbench::new(settings, Arc::new(Library::default()), Arc::new(|| {}));
        let workbench = Rc::new(RefCell::new(workbench));
        let shown = workbench.clone();
        let mut prepared = false;
        let harness = support::harness([1440.0, 900.0], Theme::Light, move |ui| {
            let mut workbench = shown.borrow_mut();
            if !prepared {
                workbench.prepare(ui.ctx());
                prepared = true;
                ui.ctx().request_repaint();
                return;
            }
            workbench.logic(ui.ctx());
            workbench.ui(ui);
        });
        let mut window = Self { workbench, harness, folder };
        window.apply(Command::OpenProject(directory));
        window.wait_for("All changes saved");
        window.apply(Command::ShowTab(TabKind::Panel));
        window
    }

    /// A window whose project holds the invented people and their quotas.
    fn sample() -> Self {
        let mut window = Self::new();
        window.wait_for("Draw a citizens' assembly");
        window.click("Begin with the sample");
        window.wait_for("300 people");
        window
    }

    fn apply(&mut self, command: Command) {
        self.workbench.borrow_mut().apply(&self.harness.ctx, command);
        self.harness.run_steps(2);
    }

    fn has(&self, text: &str) -> bool {
        let contains = |found: Option<String>| found.is_some_and(|found| found.contains(text));
        self.harness.query_all_by(|node| contains(node.label()) || contains(node.value())).next().is_some()
    }

    fn wait_for(&mut self, text: &str) {
        let began = Instant::now();
        while !self.has(text) {
            assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {text}");
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
    }

    fn click(&mut self, label: &str) {
        self.harness.get_all_by_label(label).next().unwrap().click();
        self.harness.run_steps(3);
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    fn text(&mut self, text: &str) {
        self.harness.event(Event::Text(text.to_owned()));
        self.harness.run_steps(3);
    }

    /// Puts the cursor on a cell by its spoken name.
    fn cell(&mut self, start: &str) {
        self.harness
            .get_by(move |node| node.role() == Role::Cell && node.label().is_some_and(|label| label.starts_with(start)))
            .click();
        self.harness.run_steps(3);
    }

    fn picture(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("PANEL_PICTURES") {
            let image = self.harness.render().unwrap();
            image.save(std::path::Path::new(&folder).join(name)).unwrap();
        }
    }
}

#[test]
fn quotas_are_edited_with_the_keyboard_and_undone() {
    let mut window = Window::sample();
    window.wait_for("Gender, Woman, min, 13");
    window.picture("quotas.png");
    window.cell("Gender, Woman, min");
    window.text("1");
    window.text("4");
    window.picture("editing.png");
    window.key(Modifiers::NONE, Key::Enter);
    assert!(window.has("Gender, Woman, min, 14"));
    window.text("x");
    window.key(Modifiers::NONE, Key::Tab);
    window.wait_for("“x” is not a whole number");
    window.picture("issue.png");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Gender, Man, min, 12");
    window.key(Modifiers::COMMAND, Key::Z);
    window.wait_for("Gender, Woman, min, 13");
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.wait_for("Gender, Woman, min, 14");
    let project = Project::open_reader(&window.folder.path().join("assembly")).unwrap();
    let draft = project.draft("panel").unwrap().unwrap();
    assert!(draft.contains(r#""min":"14""#), "every edit is saved: {draft}");
}
