//! One list of commands with name, tooltip, shortcut and reason when unavailable. Menus, shortcuts and the palette
//! (Ctrl+K) are all made from it.

use eframe::egui::{self, Align2, Key, KeyboardShortcut, Modifiers, RichText, ScrollArea, TextEdit};

use super::command::{Command, NewRun, TabKind};
use super::settings::ThemeChoice;
use super::theme;
use crate::store::{RunId, RunState};

/// The menu a command stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    File,
    Edit,
    View,
    Run,
    Help,
}

impl Menu {
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::View, Self::Run, Self::Help];

    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Run => "Run",
            Self::Help => "Help",
        }
    }
}

/// One line of a menu and of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub menu: Menu,
    pub name: String,
    pub tooltip: &'static str,
    pub shortcut: Option<KeyboardShortcut>,
    pub command: Command,
    /// Why it cannot be done now.
    pub disabled: Option<&'static str>,
    /// A line is drawn above it.
    pub starts_group: bool,
    /// For choices: whether it is the present one.
    pub chosen: Option<bool>,
}

/// What decides which commands can be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    pub project_open: bool,
    pub can_undo: bool,
    pub can_redo: bool,
    pub theme: ThemeChoice,
    pub tab: TabKind,
    pub log_open: bool,
    /// The run under way or held, if any.
    pub active: Option<(RunId, RunState)>,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const NO_PROJECT: &str = "Open a project first";

/// All commands that need no further input, in the order of the menus.
pub fn entries(now: &Situation) -> Vec<Entry> {
    let mut list = Vec::new();
    let project = (!now.project_open).then_some(NO_PROJECT);
    let mut add = |menu, name: &str, tooltip, keys: Option<(Modifiers, Key)>, command, disabled, starts_group| {
        list.push(Entry {
            menu,
            name: name.to_owned(),
            tooltip,
            shortcut: keys.map(|(modifiers, key)| KeyboardShortcut::new(modifiers, key)),
            command,
            disabled,
            starts_group,
            chosen: None,
        });
    };
    use Menu::{Edit, File, Help, Run, View};
    add(
        File,
        "New project…",
        "Makes a project in an empty folder",
        Some((CTRL, Key::N)),
        Command::NewProject,
        None,
        false,
    );
    add(File, "Open project…", "Opens a project's folder", Some((CTRL, Key::O)), Command::ChooseProject, None, false);
    add(
        File,
        "Save a copy…",
        "Copies the whole project to a new folder",
        None,
        Command::DuplicateProject,
        project,
        true,
    );
    add(File, "Reveal in file manager", "Opens the project's folder", None, Command::RevealProject, project, false);
    add(
        File,
        "Import sentences…",
        "Reads a text file (one sentence per line) or a CSV file with a column named sentence",
        Some((CTRL, Key::I)),
        Command::ImportSentences,
        project,
        true,
    );
    add(File, "Close project", "Goes back to the start page", None, Command::CloseProject, project, true);
    add(File, "Quit", "Closes the window", Some((CTRL, Key::Q)), Command::Quit, None, false);
    let undo = (!now.can_undo).then_some("There is nothing to undo");
    let redo = (!now.can_redo).then_some("There is nothing to redo");
    add(Edit, "Undo", "Takes back the last change of a form", Some((CTRL, Key::Z)), Command::Undo, undo, false);
    add(Edit, "Redo", "Makes the change again", Some((CTRL_SHIFT, Key::Z)), Command::Redo, redo, false);
    add(Edit, "Settings…", "Theme, zoom, folders", Some((CTRL, Key::Comma)), Command::ShowSettings, None, true);
    for (k, (tab, name, tooltip)) in [
        (TabKind::Home, "Show Home", "Recent and sample projects"),
        (TabKind::Certify, "Show Certify", "Does any joint distribution have this model's conditionals?"),
        (TabKind::Mixing, "Show Mixing", "How fast do chains of resampled words forget their start?"),
        (TabKind::Trajectories, "Show Trajectories", "Where do chains wander, and where are they trapped?"),
        (TabKind::Panel, "Show Panel", "Who is drawn for an assembly, and how likely is everybody?"),
        (
            TabKind::Training,
            "Show Training",
            "What does a model learn from a panel's preferences, and whom does it serve?",
        ),
        (TabKind::Judging, "Show Judging", "Which model's answers follow a constitution best?"),
        (TabKind::EigenBench, "Show EigenBench", "Whose values do models trust, when they judge one another?"),
        (TabKind::Runs, "Show Runs", "Every run of the project, and what made it"),
    ]
    .into_iter()
    .enumerate()
    {
        let key =
            [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9][k];
        add(View, name, tooltip, Some((CTRL, key)), Command::ShowTab(tab), None, false);
    }
    let log = if now.log_open { "Hide the log" } else { "Show the log" };
    add(View, log, "Everything that happened in this sitting", Some((CTRL, Key::L)), Command::ShowLog, None, true);
    add(View, "Zoom in", "Makes everything larger", Some((CTRL, Key::Plus)), Command::ZoomIn, None, true);
    add(View, "Zoom out", "Makes everything smaller", Some((CTRL, Key::Minus)), Command::ZoomOut, None, false);
    add(View, "Usual size", "Undoes zooming", Some((CTRL, Key::Num0)), Command::ZoomReset, None, false);
    for (choice, name) in [
        (ThemeChoice::Light, "Light theme"),
        (ThemeChoice::Dark, "Dark theme"),
        (ThemeChoice::System, "Theme of the system"),
    ] {
        add(View, name, "Colours of the window", None, Command::SetTheme(choice), None, choice == ThemeChoice::Light);
    }
    add(
        Run,
        "Train a model…",
        "Trains a small masked language model on your own text",
        None,
        Command::NewRun(NewRun::TrainMlm),
        project,
        false,
    );
    add(Run, "Download a model…", "Fetches a model from a hub", None, Command::NewRun(NewRun::Fetch), project, false);
    add(
        Run,
        "Verify a certificate…",
        "Evaluates the model again and says what differs",
        None,
        Command::ChooseCertificate,
        project,
        false,
    );
    match now.active {
        Some((run, RunState::Paused)) => {
            add(Run, "Resume the paused run", "Goes on where it stopped", None, Command::ResumeRun(run), None, true);
            add(
                Run,
                "Cancel the paused run",
                "Ends it; what it found stays",
                None,
                Command::CancelRun(run),
                None,
                false,
            );
        }
        Some((run, _)) => {
            add(Run, "Pause the run under way", "Holds it", None, Command::PauseRun(run), None, true);
            add(
                Run,
                "Cancel the run under way",
                "Ends it; what it found stays",
                None,
                Command::CancelRun(run),
                None,
                false,
            );
        }
        None => {}
    }
    add(Help, "Find a command…", "Every command by its name", Some((CTRL, Key::K)), Command::ShowPalette, None, false);
    add(Help, "Keyboard shortcuts", "All of them on one page", None, Command::ShowShortcuts, None, false);
    add(Help, "About Kleroterion", "Version, licence, sources", None, Command::ShowAbout, None, true);
    for entry in &mut list {
        entry.chosen = match &entry.command {
            Command::SetTheme(choice) => Some(*choice == now.theme),
            Command::ShowTab(tab) => Some(*tab == now.tab),
            _ => None,
        };
    }
    list
}

/// Commands whose shortcut was pressed in this frame. Undo and redo stay with a text field that has the focus.
pub fn pressed(ctx: &egui::Context, entries: &[Entry]) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    let mut list: Vec<&Entry> = entries.iter().filter(|entry| entry.shortcut.is_some()).collect();
    // egui matches a shortcut also when more modifiers are held: the longer ones come first.
    list.sort_by_key(|entry| !entry.shortcut.is_some_and(|shortcut| shortcut.modifiers.shift));
    let mut commands = Vec::new();
    for entry in list {
        let Some(shortcut) = entry.shortcut else { continue };
        if typing && matches!(entry.command, Command::Undo | Command::Redo) {
            continue;
        }
        let mut hit = ctx.input_mut(|input| input.consume_shortcut(&shortcut));
        if entry.command == Command::ZoomIn {
            // On many keyboards plus is the shifted equals key.
            hit |= ctx.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(CTRL, Key::Equals)));
        }
        if entry.command == Command::Redo {
            hit |= ctx.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(CTRL, Key::Y)));
        }
        if hit && entry.disabled.is_none() {
            commands.push(entry.command.clone());
        }
    }
    commands
}

/// Keys as they are printed on the keyboard: `Ctrl+,` rather than `Ctrl+Comma`.
pub fn keys_text(ctx: &egui::Context, keys: &egui::KeyboardShortcut) -> String {
    ctx.format_shortcut(keys).replace("Comma", ",").replace("Minus", "-")
}

/// Draws one command as a menu line; pushes it when clicked.
pub fn menu_line(ui: &mut egui::Ui, entry: &Entry, commands: &mut Vec<Command>) {
    if entry.starts_group {
        ui.separator();
    }
    let mut button = egui::Button::new(entry.name.as_str()).selected(entry.chosen == Some(true));
    if let Some(shortcut) = entry.shortcut {
        button = button.shortcut_text(keys_text(ui.ctx(), &shortcut));
    }
    let response = ui.add_enabled(entry.disabled.is_none(), button).on_hover_text(entry.tooltip);
    let response = match entry.disabled {
        Some(why) => response.on_disabled_hover_text(why),
        None => response,
    };
    if response.clicked() {
        commands.push(entry.command.clone());
        ui.close();
    }
}

/// The open palette.
#[derive(Debug, Default)]
pub struct Palette {
    query: String,
    selected: usize,
}

impl Palette {
    /// Draws the palette over the window. True when it should go away.
    pub fn show(&mut self, ctx: &egui::Context, entries: &[Entry], commands: &mut Vec<Command>) -> bool {
        let modal = egui::Modal::new(egui::Id::unique("palette"))
            .frame(egui::Frame::window(&ctx.global_style()).inner_margin(egui::Margin::same(12)))
            .area(egui::Modal::default_area(egui::Id::unique("palette")).anchor(Align2::CENTER_TOP, [0.0, 80.0]));
        let response = modal.show(ctx, |ui| {
            ui.set_width(520.0);
            let moved = ui.input_mut(|input| {
                input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown) as isize
                    - input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp) as isize
            });
            let entered = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
            let field =
                ui.add(TextEdit::singleline(&mut self.query).hint_text("Type a command").desired_width(f32::INFINITY));
            if !field.has_focus() {
                field.request_focus();
            }
            if field.changed() {
                self.selected = 0;
            }
            let found = matching(entries, &self.query);
            self.selected = self.selected.saturating_add_signed(moved).min(found.len().saturating_sub(1));
            ui.add_space(4.0);
            let mut done = false;
            ScrollArea::vertical().id_salt("palette").max_height(360.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for (k, entry) in found.iter().enumerate() {
                    let response = palette_line(ui, entry, k == self.selected);
                    if moved != 0 && k == self.selected {
                        response.scroll_to_me(None);
                    }
                    let chosen = response.clicked() || (entered && k == self.selected);
                    if chosen && entry.disabled.is_none() {
                        commands.push(entry.command.clone());
                        done = true;
                    }
                }
                if found.is_empty() {
                    let weak = theme::palette(ui).weak_text;
                    ui.label(RichText::new("No command has this name.").color(weak));
                }
            });
            done
        });
        response.inner || response.should_close()
    }
}

fn palette_line(ui: &mut egui::Ui, entry: &Entry, selected: bool) -> egui::Response {
    let right = match (entry.disabled, entry.shortcut) {
        (Some(why), _) => why.to_owned(),
        (None, Some(shortcut)) => keys_text(ui.ctx(), &shortcut),
        (None, None) => entry.menu.name().to_owned(),
    };
    let button = egui::Button::new(entry.name.as_str())
        .selected(selected)
        .frame_when_inactive(selected)
        .shortcut_text(right)
        .min_size(egui::vec2(ui.available_width(), 28.0));
    ui.add_enabled(entry.disabled.is_none(), button).on_hover_text(entry.tooltip)
}

/// Entries whose name has the letters of `query` in order, closest together first.
fn matching<'a>(entries: &'a [Entry], query: &str) -> Vec<&'a Entry> {
    let mut found: Vec<(usize, &Entry)> =
        entries.iter().filter_map(|entry| spread(&entry.name, query).map(|spread| (spread, entry))).collect();
    found.sort_by_key(|(spread, entry)| (entry.disabled.is_some(), *spread));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// How far apart the letters of `query` stand in `name`; `None` if they are not all there in this order.
fn spread(name: &str, query: &str) -> Option<usize> {
    let mut first = None;
    let mut last = 0;
    let mut letters = name.chars().flat_map(char::to_lowercase).enumerate();
    for wanted in query.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase) {
        let (at, _) = letters.by_ref().find(|(_, letter)| *letter == wanted)?;
        first.get_or_insert(at);
        last = at;
    }
    Some(last - first.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(project_open: bool) -> Situation {
        Situation {
            project_open,
            can_undo: false,
            can_redo: false,
            theme: ThemeChoice::System,
            tab: TabKind::Home,
            log_open: false,
            active: None,
        }
    }

    #[test]
    fn no_two_commands_share_a_name_or_a_shortcut() {
        let list = entries(&situation(true));
        for (k, one) in list.iter().enumerate() {
            for other in &list[k + 1..] {
                assert_ne!(one.name, other.name);
                assert!(one.shortcut.is_none() || one.shortcut != other.shortcut, "{} / {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn what_needs_a_project_says_so() {
        let list = entries(&situation(false));
        let copy = list.iter().find(|entry| entry.command == Command::DuplicateProject).unwrap();
        assert_eq!(copy.disabled, Some(NO_PROJECT));
        assert!(entries(&situation(true)).iter().all(|entry| entry.disabled != Some(NO_PROJECT)));
    }

    #[test]
    fn the_palette_finds_by_letters_in_order() {
        let list = entries(&situation(true));
        assert_eq!(matching(&list, "newproj")[0].name, "New project…");
        assert_eq!(matching(&list, "dark")[0].name, "Dark theme");
        assert!(matching(&list, "zzzz").is_empty());
        assert_eq!(matching(&list, "").len(), list.len());
    }
}
