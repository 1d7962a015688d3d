//! The whole workbench on a project of its own, on the Panel tab, driven through the accessibility tree.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{DroppedFile, Event, Key, Modifiers, Theme};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::store::Project;
use kleroterion::ui::Workbench;
use kleroterion::ui::command::{Command, TabKind};
use kleroterion::ui::settings::ThemeChoice;

/// A file that is dropped.
#[derive(Debug)]
struct OnDisk(PathBuf);

impl DroppedFile for OnDisk {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// A workbench with a project of its own, on the Panel tab.
pub struct Window {
    pub workbench: Rc<RefCell<Workbench>>,
    pub harness: Harness<'static>,
    pub folder: tempfile::TempDir,
}

impl Window {
    pub fn new() -> Self {
        Self::of_height(900.0)
    }

    /// A window so high that nothing waits below the fold.
    pub fn of_height(height: f32) -> Self {
        Self::of_size([1440.0, height], Theme::Light)
    }

    /// A window of this size in points.
    pub fn of_size(size: [f32; 2], theme: Theme) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("assembly");
        drop(Project::create(&directory, "Assembly").unwrap());
        let (workbench, harness) = crate::workbench::shown(&folder.path().join("settings"), size, theme);
        let mut window = Self { workbench, harness, folder };
        let choice = match theme {
            Theme::Dark => ThemeChoice::Dark,
            Theme::Light => ThemeChoice::Light,
        };
        window.apply(Command::SetTheme(choice));
        window.apply(Command::OpenProject(directory));
        window.wait_for("All changes saved");
        window.apply(Command::ShowTab(TabKind::Panel));
        window
    }

    /// A window whose project holds the invented people and their quotas.
    pub fn sample() -> Self {
        Self::new().begin_with_sample()
    }

    pub fn begin_with_sample(self) -> Self {
        let mut window = self;
        window.wait_for("Draw a citizens' assembly");
        window.click("Begin with the sample");
        window.wait_for("300 people");
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

    /// Everything that is on screen, in words.
    fn labels(&self) -> Vec<String> {
        self.harness
            .query_all_by(|node| node.label().is_some())
            .filter_map(|node| node.accesskit_node().label())
            .collect()
    }

    pub fn wait_for(&mut self, text: &str) {
        let began = Instant::now();
        while !self.has(text) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "waited in vain for {text}; there is {:?}",
                self.labels()
            );
            std::thread::sleep(Duration::from_millis(10));
            self.harness.step();
        }
    }

    pub fn click(&mut self, label: &str) {
        // What has just appeared may move once, until its size is known.
        self.harness.run_steps(2);
        self.harness.get_all_by_label(label).next().unwrap().click();
        self.harness.run_steps(3);
    }

    pub fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(3);
    }

    pub fn text(&mut self, text: &str) {
        self.harness.event(Event::Text(text.to_owned()));
        self.harness.run_steps(3);
    }

    /// Drops a file on the window.
    pub fn drop_file(&mut self, path: &Path) {
        self.harness.input_mut().dropped_files.push(Arc::new(OnDisk(path.to_path_buf())));
        self.harness.run_steps(3);
    }

    /// Puts the cursor on a cell by its spoken name.
    pub fn cell(&mut self, start: &str) {
        self.harness.run_steps(2);
        self.harness
            .get_by(move |node| node.role() == Role::Cell && node.label().is_some_and(|label| label.starts_with(start)))
            .click();
        self.harness.run_steps(3);
    }

    pub fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_role_and_label(Role::TextInput, label).focus();
        self.harness.run_steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.harness.get_by_role_and_label(Role::TextInput, label).type_text(text);
        self.harness.run_steps(3);
    }

    /// The label of the button that tells of `words`.
    pub fn finding(&self, words: &str) -> String {
        let told = |label: Option<String>| label.is_some_and(|label| label.contains(words));
        let node = self.harness.query_all_by(|node| node.role() == Role::Button && told(node.label())).next().unwrap();
        node.accesskit_node().label().unwrap()
    }

    pub fn picture(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("PANEL_PICTURES") {
            let image = self.harness.render().unwrap();
            image.save(Path::new(&folder).join(name)).unwrap();
        }
    }

    /// The folder of the project.
    pub fn project(&self) -> PathBuf {
        self.folder.path().join("assembly")
    }

    /// Answers the dialog that asks for a file, and waits until it was written.
    pub fn save_as(&mut self, path: &Path) {
        self.harness.run_steps(3);
        self.type_into("File", path.to_str().unwrap());
        self.click("Save");
        let told = format!("Saved {}", path.display());
        self.wait_for(&told);
    }

    /// Opens a menu and clicks one of its lines.
    pub fn choose(&mut self, menu: &str, line: &str) {
        self.click(menu);
        self.wait_for(line);
        self.click(line);
    }
}
