//! Questions the window asks: a path, whether to replace, what happens to running work; and settings, keys, about.
//!
//! A path is always asked for with a field that can be typed into; "Browse…" opens the desktop's chooser off the UI
//! thread. On a machine without one the field is all that is needed.

use std::path::{Path, PathBuf};

use eframe::egui::{self, RichText, TextEdit};

use super::command::{Command, EigenBenchPath, FigureFormat, JudgingPath, LateTable, LateText, Table, TrainingPath};
use super::command_palette::{Entry, keys_text};
use super::dialog_words;
use super::name_cell::name_cell;
use super::settings::{Settings, ThemeChoice};
use super::theme;
use crate::figures::figure::Figure;

/// What is written to a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Export {
    Figure(Box<Figure>, FigureFormat),
    /// As CSV.
    Table(Box<Table>),
    /// As CSV, made on the way.
    Late(LateTable),
    /// As it is, made on the way.
    LateText(LateText),
    Text {
        name: String,
        text: String,
    },
}

impl Export {
    /// File name to begin with, from the title.
    pub fn file_name(&self) -> String {
        match self {
            Self::Figure(figure, format) => {
                let ending = match format {
                    FigureFormat::Png => "png",
                    FigureFormat::Svg => "svg",
                    FigureFormat::Csv => "csv",
                };
                format!("{}.{ending}", file_stem(&figure.title))
            }
            Self::Table(table) => format!("{}.csv", file_stem(&table.name)),
            Self::Late(table) => format!("{}.csv", file_stem(&table.name)),
            Self::LateText(text) => text.name.clone(),
            Self::Text { name, .. } => name.clone(),
        }
    }
    /// What it is, for titles and notices.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Figure(..) => "figure",
            Self::Table(_) | Self::Late(_) => "table",
            Self::Text { .. } | Self::LateText(_) => "file",
        }
    }
}

/// Letters, digits and dashes of a title, at most 60, never empty.
fn file_stem(title: &str) -> String {
    let mut stem = String::new();
    for letter in title.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            stem.push(letter);
        } else if !stem.ends_with('-') && !stem.is_empty() {
            stem.push('-');
        }
        if stem.chars().count() >= 60 {
            break;
        }
    }
    let stem = stem.trim_matches('-');
    if stem.is_empty() { "untitled".to_owned() } else { stem.to_owned() }
}

/// What a path is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    NewProject,
    OpenProject,
    DuplicateProject,
    CopySample(PathBuf),
    ImportSentences,
    Certificate,
    /// A panel's audit file.
    Audit,
    Quotas,
    /// People who are on the panel already.
    Seated,
    People,
    Training(TrainingPath),
    Judging(JudgingPath),
    EigenBench(EigenBenchPath),
    Export(Export),
}

/// Which chooser "Browse…" opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chooser {
    Folder,
    OpenFile,
    SaveFile,
}

impl Purpose {
    pub fn chooser(&self) -> Chooser {
        match self {
            Self::NewProject | Self::OpenProject | Self::DuplicateProject | Self::CopySample(_) => Chooser::Folder,
            Self::Training(TrainingPath::Preferences | TrainingPath::People | TrainingPath::Lottery) => {
                Chooser::OpenFile
            }
            Self::Training(_)
            | Self::Judging(JudgingPath::Adapter(_))
            | Self::EigenBench(EigenBenchPath::Adapter(_)) => Chooser::Folder,
            Self::Judging(_) | Self::EigenBench(_) => Chooser::OpenFile,
            Self::ImportSentences | Self::Certificate | Self::Audit | Self::Quotas | Self::Seated | Self::People => {
                Chooser::OpenFile
            }
            Self::Export(_) => Chooser::SaveFile,
        }
    }
    /// File name endings that make sense, with their description.
    pub fn endings(&self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::ImportSentences => Some(("Sentences", &["txt", "csv"])),
            Self::Certificate => Some(("Certificate or audit file", &["json"])),
            Self::Audit => Some(("Audit file", &["json"])),
            Self::Quotas => Some(("Quotas", &["csv", "tsv", "txt", "xlsx", "jsonl"])),
            Self::Seated => Some(("People by their ids", &["csv", "tsv", "txt"])),
            Self::People => Some(("People", &["csv", "tsv", "txt", "xlsx", "jsonl"])),
            Self::Training(TrainingPath::Preferences) => Some(("Preferences", &["jsonl", "csv", "tsv", "parquet"])),
            Self::Training(TrainingPath::People) => Some(("People", &["csv", "tsv", "txt", "xlsx", "jsonl"])),
            Self::Training(TrainingPath::Lottery) => Some(("Audit file", &["json"])),
            Self::EigenBench(EigenBenchPath::People | EigenBenchPath::LabelAnswers | EigenBenchPath::LabelScores) => {
                Some(("Table", &["csv"]))
            }
            Self::EigenBench(EigenBenchPath::Scenarios) => {
                Some(("Scenarios", &["json", "jsonl", "txt", "md", "csv", "tsv", "xlsx"]))
            }
            Self::EigenBench(EigenBenchPath::Judgements) => Some(("Judgements", &["csv", "json", "jsonl"])),
            Self::Judging(JudgingPath::Constitution) | Self::EigenBench(EigenBenchPath::Constitution) => {
                Some(("Constitution", &["json", "txt", "md", "csv", "tsv", "xlsx"]))
            }
            Self::Judging(JudgingPath::Verdicts) => Some(("Verdicts", &["jsonl", "csv"])),
            Self::Judging(JudgingPath::Questions) => Some(("Questions", &["jsonl", "csv", "tsv", "xlsx"])),
            Self::Judging(JudgingPath::Answers(_)) => Some(("Answers", &["jsonl"])),
            _ => None,
        }
    }
    fn words(&self) -> (String, &'static str, &'static str, &'static str) {
        match self {
            Self::NewProject => (
                "New project".into(),
                "A project is a folder with a database. Everything you do is saved in it as you go.",
                "New folder",
                "Make project",
            ),
            Self::OpenProject => (
                "Open project".into(),
                "Choose the folder that holds project.sqlite or project.toml.",
                "Folder",
                "Open",
            ),
            Self::DuplicateProject => {
                ("Save a copy".into(), "Copies the project with all its runs.", "New folder", "Copy")
            }
            Self::CopySample(_) => (
                "Copy the sample".into(),
                "The copy is yours to change. It opens at once.",
                "New folder",
                "Copy and open",
            ),
            Self::ImportSentences => (
                "Import sentences".into(),
                "A text file with one sentence per line, or a CSV file with a column named sentence.",
                "File",
                "Import",
            ),
            Self::Certificate => (
                "Verify a certificate".into(),
                "The model is evaluated again from the file alone; every difference is listed.",
                "File",
                "Verify",
            ),
            Self::Audit => (
                "Check an audit file".into(),
                "Everything in it is computed again from the file alone: hashes, panels, chances, certificate, draws.",
                "File",
                "Check",
            ),
            Self::Quotas => (
                "Import quotas".into(),
                "The Sortition Foundation's layouts: feature, value, min, max, or category, name, min, max; min_flex and max_flex if you like.",
                "File",
                "Import",
            ),
            Self::Seated => (
                "Seat people from a file".into(),
                "One id on each line, or a table with a column of ids and, if you like, one named why. All of them are seated, or nobody.",
                "File",
                "Seat them",
            ),
            Self::People => (
                "Import people".into(),
                "A table with one row for each person: CSV, Excel (xlsx) or JSON lines. You see what is in it before anything is stored.",
                "File",
                "Preview",
            ),
            Self::Training(wanted) => dialog_words::training(*wanted),
            Self::Judging(wanted) => dialog_words::judging(*wanted),
            Self::EigenBench(wanted) => dialog_words::eigenbench(*wanted),
            Self::Export(export) => (format!("Export {}", export.noun()), "", "File", "Save"),
        }
    }
}

/// A path is being asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct PathDialog {
    /// Tells late answers of a chooser from those of this dialog.
    pub id: u64,
    pub purpose: Purpose,
    pub path: String,
    /// Name of a new project.
    pub name: Option<String>,
    /// What the chooser had to say.
    pub note: Option<String>,
    pub browsing: bool,
    focused: bool,
}

impl PathDialog {
    pub fn new(id: u64, purpose: Purpose, path: &Path) -> Self {
        let name = (purpose == Purpose::NewProject).then(|| "My project".to_owned());
        Self { id, purpose, path: path.display().to_string(), name, note: None, browsing: false, focused: false }
    }
}

/// What follows once running work was stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    Quit,
    CloseProject,
    Open(PathBuf),
    Create { directory: PathBuf, name: String },
}

/// The one question that is open.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    Path(PathDialog),
    /// The file is there already.
    Replace {
        export: Export,
        path: PathBuf,
    },
    /// Work is queued, running or held.
    StopWork {
        then: Then,
        runs: usize,
    },
    Settings,
    Shortcuts,
    About,
}

/// What the user did in this frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    Cancelled,
    Browse,
    /// The path (made absolute where it began with `~`) and, for a new project, its name.
    Path(PathBuf, Option<String>),
    Replace,
    Stop,
}

impl Dialog {
    /// Draws the dialog over the window.
    pub fn show(
        &mut self,
        ctx: &egui::Context,
        settings: &Settings,
        entries: &[Entry],
        commands: &mut Vec<Command>,
    ) -> Outcome {
        let response = egui::Modal::new(egui::Id::unique("dialog")).frame(modal_frame(ctx)).show(ctx, |ui| {
            ui.set_width(480.0);
            match self {
                Self::Path(dialog) => path_dialog(ui, dialog),
                Self::Replace { path, .. } => replace_dialog(ui, path),
                Self::StopWork { then, runs } => stop_dialog(ui, then, *runs),
                Self::Settings => settings_dialog(ui, settings, commands),
                Self::Shortcuts => shortcuts_dialog(ui, entries),
                Self::About => about_dialog(ui),
            }
        });
        if response.inner == Outcome::Open && response.should_close() { Outcome::Cancelled } else { response.inner }
    }
}

/// The card of a dialog, with room around its contents.
pub fn modal_frame(ctx: &egui::Context) -> egui::Frame {
    egui::Frame::window(&ctx.global_style()).inner_margin(egui::Margin::same(20))
}

fn heading(ui: &mut egui::Ui, title: &str, text: &str) {
    ui.heading(title);
    if !text.is_empty() {
        let weak = theme::palette(ui).weak_text;
        ui.label(RichText::new(text).color(weak));
    }
    ui.add_space(8.0);
}

/// Buttons at the right, the primary one last; gives whether it, and whether the other, was clicked.
fn buttons(ui: &mut egui::Ui, other: &str, primary: &str, disabled: Option<&str>) -> (bool, bool) {
    ui.add_space(12.0);
    bottom_row(ui, |ui| {
        let accent = theme::palette(ui).accent;
        let text = RichText::new(primary).strong();
        let button = egui::Button::new(text).stroke((1.0, accent)).min_size(egui::vec2(88.0, 28.0));
        let mut response = ui.add_enabled(disabled.is_none(), button);
        if let Some(why) = disabled {
            response = response.on_disabled_hover_text(why);
        }
        let other = ui.add(egui::Button::new(other).min_size(egui::vec2(88.0, 28.0)));
        (response.clicked(), other.clicked())
    })
}

/// A row at the right edge, as high as its buttons: laid out right to left alone it would take all height there is.
pub fn bottom_row<R>(ui: &mut egui::Ui, contents: impl FnOnce(&mut egui::Ui) -> R) -> R {
    ui.horizontal(|ui| ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), contents).inner).inner
}

fn path_dialog(ui: &mut egui::Ui, dialog: &mut PathDialog) -> Outcome {
    let (title, text, label, verb) = dialog.purpose.words();
    heading(ui, &title, text);
    let mut entered = false;
    if let Some(name) = &mut dialog.name {
        let label = ui.label("Name");
        ui.add(TextEdit::singleline(name).desired_width(f32::INFINITY)).labelled_by(label.id);
        ui.add_space(4.0);
    }
    let label = ui.label(label);
    let mut outcome = Outcome::Open;
    ui.horizontal(|ui| {
        let width = ui.available_width() - 96.0;
        let field = ui.add(TextEdit::singleline(&mut dialog.path).desired_width(width)).labelled_by(label.id);
        if !dialog.focused {
            field.request_focus();
            dialog.focused = true;
        }
        entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let browse = ui.add_enabled(!dialog.browsing, egui::Button::new("Browse…"));
        if browse.on_disabled_hover_text("The file chooser is open").clicked() {
            outcome = Outcome::Browse;
        }
    });
    if let Some(note) = &dialog.note {
        let colour = theme::palette(ui).warning;
        ui.label(RichText::new(note).color(colour));
    }
    let empty = dialog.path.trim().is_empty() || dialog.name.as_ref().is_some_and(|name| name.trim().is_empty());
    let disabled = empty.then_some("Fill in the field first");
    let (done, cancelled) = buttons(ui, "Cancel", verb, disabled);
    if cancelled {
        return Outcome::Cancelled;
    }
    if (done || entered) && !empty {
        let name = dialog.name.as_ref().map(|name| name.trim().to_owned());
        return Outcome::Path(expanded(dialog.path.trim()), name);
    }
    outcome
}

/// A typed path, with `~` as the home folder.
pub fn expanded(typed: &str) -> PathBuf {
    let home = || directories::UserDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
    match typed.strip_prefix('~').map(|rest| rest.trim_start_matches(['/', '\\'])) {
        Some(rest) if typed == "~" || typed.starts_with("~/") || typed.starts_with("~\\") => {
            home().map_or_else(|| PathBuf::from(typed), |home| home.join(rest))
        }
        _ => PathBuf::from(typed),
    }
}

fn replace_dialog(ui: &mut egui::Ui, path: &Path) -> Outcome {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    heading(ui, &format!("Replace {name}?"), "A file with this name is there already.");
    ui.label(path.display().to_string());
    match buttons(ui, "Cancel", "Replace", None) {
        (true, _) => Outcome::Replace,
        (_, true) => Outcome::Cancelled,
        _ => Outcome::Open,
    }
}

fn stop_dialog(ui: &mut egui::Ui, then: &Then, runs: usize) -> Outcome {
    let what = if runs == 1 { "A run is not finished".to_owned() } else { format!("{runs} runs are not finished") };
    let when = match then {
        Then::Quit => "the window closes",
        Then::CloseProject => "the project closes",
        Then::Open(_) | Then::Create { .. } => "the other project opens",
    };
    let text = format!("If {when}, they stop at their last saved batch and can be resumed from there later.");
    heading(ui, &what, &text);
    // Nothing is lost by stopping, so the usual key does it.
    let entered = ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
    match buttons(ui, "Keep working", "Stop, resume later", None) {
        _ if entered => Outcome::Stop,
        (true, _) => Outcome::Stop,
        (_, true) => Outcome::Cancelled,
        _ => Outcome::Open,
    }
}

fn settings_dialog(ui: &mut egui::Ui, settings: &Settings, commands: &mut Vec<Command>) -> Outcome {
    heading(ui, "Settings", "Changes apply at once.");
    ui.label("Theme");
    ui.horizontal(|ui| {
        for (choice, name) in
            [(ThemeChoice::System, "As the system"), (ThemeChoice::Light, "Light"), (ThemeChoice::Dark, "Dark")]
        {
            if ui.radio(settings.theme == choice, name).clicked() {
                commands.push(Command::SetTheme(choice));
            }
        }
    });
    ui.add_space(8.0);
    ui.label(format!("Zoom: {:.0} %", settings.zoom * 100.0));
    ui.horizontal(|ui| {
        for (name, command) in
            [("Smaller", Command::ZoomOut), ("Larger", Command::ZoomIn), ("Usual size", Command::ZoomReset)]
        {
            if ui.button(name).clicked() {
                commands.push(command);
            }
        }
    });
    ui.add_space(8.0);
    let weak = theme::palette(ui).weak_text;
    ui.label(
        RichText::new(
            "Models from a hub are kept in the usual Hugging Face cache (HF_HOME). A token for gated models is read \
             from HF_TOKEN; HF_HUB_OFFLINE=1 keeps the program off the network.",
        )
        .color(weak),
    );
    closing(ui)
}

fn closing(ui: &mut egui::Ui) -> Outcome {
    ui.add_space(12.0);
    let close = bottom_row(ui, |ui| ui.add(egui::Button::new("Close").min_size(egui::vec2(88.0, 28.0))).clicked());
    if close { Outcome::Cancelled } else { Outcome::Open }
}

fn shortcuts_dialog(ui: &mut egui::Ui, entries: &[Entry]) -> Outcome {
    heading(ui, "Keyboard shortcuts", "");
    ui.spacing_mut().item_spacing.y = 0.0;
    let keys: Vec<(&str, String)> = entries
        .iter()
        .filter_map(|entry| entry.shortcut.map(|keys| (entry.name.as_str(), keys_text(ui.ctx(), &keys))))
        .collect();
    let mut line = |name: &str, keys: &str| {
        ui.horizontal(|ui| {
            name_cell(ui, 150.0, theme::mono(keys));
            ui.label(name.trim_end_matches('…'));
        });
    };
    for (name, keys) in &keys {
        line(name, keys);
    }
    line("Start the run of the form", "Ctrl+Enter");
    line("Go back, close", "Escape");
    closing(ui)
}

fn about_dialog(ui: &mut egui::Ui) -> Outcome {
    heading(ui, &format!("Kleroterion {}", env!("CARGO_PKG_VERSION")), env!("CARGO_PKG_DESCRIPTION"));
    ui.label(
        "A workbench for one question: whose values does a language model carry? It certifies that a masked language \
         model's conditionals belong to no joint distribution.",
    );
    ui.add_space(8.0);
    ui.label("Method: Glauber dynamics on masked language models, arXiv 2605.16378.");
    ui.label(format!("Licence: {}. The fonts are under the SIL Open Font Licence.", env!("CARGO_PKG_LICENSE")));
    closing(ui)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_come_from_titles() {
        assert_eq!(file_stem("Rectangle field: |R| (nats)"), "rectangle-field-r-nats");
        assert_eq!(file_stem("///"), "untitled");
        assert!(file_stem(&"long ".repeat(50)).chars().count() <= 60);
    }

    #[test]
    fn only_a_leading_tilde_is_the_home_folder() {
        assert_eq!(expanded("a~b/c"), PathBuf::from("a~b/c"));
        assert_eq!(expanded("~someone/x"), PathBuf::from("~someone/x"));
        if let Some(dirs) = directories::UserDirs::new() {
            assert_eq!(expanded("~/x"), dirs.home_dir().join("x"));
        }
    }
}
