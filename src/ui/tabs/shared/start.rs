//! The button that starts a run, and the command line that does the same.

use eframe::egui::{self, Key, KeyboardShortcut, Modifiers, Ui};

use super::model_picker::shortened;
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::theme;
use crate::ui::widgets::{disabled_button, primary_button};

/// Starts the run the form describes.
pub const START: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);

/// The form's one button, or why it cannot be pressed; tells whether a run was started.
pub fn button(
    ui: &mut Ui,
    text: &str,
    spec: Result<RunSpec, String>,
    pressed: bool,
    commands: &mut Vec<Command>,
) -> bool {
    match spec {
        Ok(spec) => {
            let clicked = primary_button(ui, text)
                .on_hover_text(format!("Starts the run ({}).", ui.ctx().format_shortcut(&START)))
                .clicked();
            if clicked || pressed {
                commands.push(Command::StartRun(Box::new(spec)));
                return true;
            }
        }
        Err(why) => {
            // The reason stands above, so that the button keeps its place when it wakes.
            ui.label(theme::caption(why.as_str()).weak());
            disabled_button(ui, text, &why);
        }
    }
    false
}

/// The run's command line, folded away.
pub fn command_line(ui: &mut Ui, id: &str, spec: &Result<RunSpec, String>, commands: &mut Vec<Command>) {
    egui::CollapsingHeader::new("Advanced").id_salt((id, "advanced")).show(ui, |ui| match spec {
        Ok(spec) => {
            let line = spec.command_line();
            ui.label(theme::caption("The same run without a window:").weak());
            ui.label(theme::mono(shortened(&line, 400)));
            if ui.button("Copy command line").clicked() {
                commands.push(Command::CopyText(line));
            }
        }
        Err(why) => {
            ui.label(theme::caption(format!("The command line appears once the form is complete. {why}")).weak());
        }
    });
}
