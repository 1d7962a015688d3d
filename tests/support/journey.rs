//! A journey through the whole workbench, driven through the accessibility tree.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::store::{Project, RunFilter, RunRow};
use kleroterion::ui::Workbench;
use kleroterion::ui::command::{Command, TabKind};
use kleroterion::ui::settings::ThemeChoice;

/// A workbench with a project of its own, on one of its tabs.
pub struct Window {
    pub workbench: Rc<RefCell<Workbench>>,
    pub harness: Harness<'static>,
    pub folder: tempfile::TempDir,
}

impl Window {
    /// So high that nothing waits below the fold.
    pub fn new(tab: TabKind, drafts: &[(&str, &str)]) -> Self {
        Self::of_size(tab, [1440.0, 3600.0], Theme::Light, drafts)
    }

    pub fn of_size(tab: TabKind, size: [f32; 2], theme: Theme, drafts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("assembly");
        let project = Project::create(&directory, "Assembly").unwrap();
        for (key, draft) in drafts {
            project.put_draft(key, draft).unwrap();
        }
        drop(project);
        let (workbench, harness) = crate::workbench::shown(&folder.path().join("settings"), size, theme);
        let mut window = Self { workbench, harness, folder };
        let choice = if theme == Theme::Dark { ThemeChoice::Dark } else { ThemeChoice::Light };
        window.apply(Command::SetTheme(choice));
        window.apply(Command::OpenProject(directory));
        window.wait_for("All changes saved");
        window.apply(Command::ShowTab(tab));
        window
    }

    pub fn apply(&mut self, command: Command) {
        self.workbench.borrow_mut().apply(&self.harness.ctx, command);
        self.harness.run_steps(2);
    }

    pub fn has(&self, text: &str) -> bool {
        let contains = |found: Option<String>| found.is_some_and(|found| found.contains(text));
        self.harness.query_all_by(|node| contains(node.label()) || contains(node.value())).next().is_some()
    }

    pub fn labels(&self) -> Vec<String> {
        let named = self.harness.query_all_by(|node| node.label().is_some());
        named.filter_map(|node| node.accesskit_node().label()).collect()
    }

    pub fn wait_for(&mut self, text: &str) {
        let began = Instant::now();
        while !self.has(text) {
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(240), "waited in vain for {text}; there is {:?}", self.labels());
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
    }

    /// Waits until something holds outside the window.
    pub fn wait_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(240), "waited in vain; there is {:?}", self.labels());
            std::thread::sleep(Duration::from_millis(20));
            self.harness.step();
        }
    }

    /// Presses a key outside any field.
    pub fn key(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run_steps(3);
    }

    pub fn click(&mut self, label: &str) {
        // What has just appeared may move once, until its size is known.
        self.harness.run_steps(2);
        let found = self.harness.get_all_by_label(label).next();
        found.unwrap_or_else(|| panic!("no {label:?}")).click();
        self.harness.run_steps(3);
    }

    /// Clicks a button whose words stand elsewhere too.
    /// Clicks the first row of a table that has `text` in it, with the pointer.
    pub fn click_row(&mut self, text: &str) {
        self.harness.run_steps(2);
        let has = |found: Option<String>| found.is_some_and(|found| found.contains(text));
        let rows = self.harness.query_all_by_role(Role::Row);
        let at = rows.into_iter().find(|row| has(row.accesskit_node().label())).unwrap().rect().center();
        self.harness.hover_at(at);
        self.harness.drag_at(at);
        self.harness.drop_at(at);
        self.harness.run_steps(3);
    }

    pub fn press(&mut self, label: &str) {
        self.harness.run_steps(2);
        self.harness.get_all_by_role_and_label(Role::Button, label).next().unwrap().click();
        self.harness.run_steps(3);
    }

    /// Opens a combo box.
    pub fn open(&mut self, label: &str) {
        self.harness.run_steps(2);
        self.harness.get_by_role_and_label(Role::ComboBox, label).click();
        self.harness.run_steps(3);
    }

    pub fn type_into(&mut self, label: &str, text: &str) {
        let role = match self.harness.query_by_role_and_label(Role::TextInput, label) {
            Some(_) => Role::TextInput,
            None => Role::MultilineTextInput,
        };
        self.harness.get_by_role_and_label(role, label).focus();
        self.harness.run_steps(2);
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.run_steps(2);
        self.harness.get_by_role_and_label(role, label).type_text(text);
        self.harness.run_steps(3);
    }

    pub fn figure(&self, title: &str) -> bool {
        self.harness.query_by_role_and_label(Role::Figure, title).is_some()
    }

    pub fn can(&self, button: &str) -> bool {
        !self.harness.get_by_role_and_label(Role::Button, button).accesskit_node().is_disabled()
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("assembly")
    }

    pub fn runs(&self) -> Vec<RunRow> {
        Project::open_reader(&self.project()).unwrap().runs(&RunFilter::default()).unwrap()
    }

    /// Answers the dialog that asks for a path.
    pub fn answer(&mut self, field: &str, path: &Path, verb: &str) {
        self.harness.run_steps(3);
        self.type_into(field, path.to_str().unwrap());
        self.click(verb);
    }

    /// Where `JOURNEY_PICTURES` names a folder: what the window looks like now.
    pub fn picture(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("JOURNEY_PICTURES") {
            let image = self.harness.render().unwrap();
            image.save(Path::new(&folder).join(name)).unwrap();
        }
    }
}
