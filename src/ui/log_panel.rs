//! What happened in this sitting: every notice, kept, searchable, copyable.

use std::collections::VecDeque;

use eframe::egui::{self, RichText, ScrollArea, TextEdit};

use super::command::Command;
use super::theme;

/// How serious a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    Success,
    Warning,
    Error,
}

impl Level {
    /// The word shown beside a line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "Note",
            Self::Success => "Done",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Local time of day, `14:03:22`.
    pub at: String,
    pub level: Level,
    pub text: String,
}

/// The lines, newest last, and what is shown of them.
#[derive(Debug, Default)]
pub struct Log {
    entries: VecDeque<Entry>,
    search: String,
    problems_only: bool,
}

const KEPT: usize = 5_000;

impl Log {
    pub fn add(&mut self, level: Level, text: impl Into<String>) {
        let at = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
        self.entries.push_back(Entry { at, level, text: text.into() });
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// Lines that pass the search and the filter, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = &Entry> {
        let wanted = self.search.to_lowercase();
        self.entries.iter().filter(move |entry| {
            (!self.problems_only || entry.level >= Level::Warning)
                && (wanted.is_empty() || entry.text.to_lowercase().contains(&wanted))
        })
    }

    /// Draws the panel's contents.
    pub fn show(&mut self, ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Log").strong());
            ui.add(TextEdit::singleline(&mut self.search).hint_text("Search the log").desired_width(200.0));
            ui.checkbox(&mut self.problems_only, "Problems only");
            if ui.button("Copy").on_hover_text("Copies the lines shown").clicked() {
                let lines: Vec<String> =
                    self.shown().map(|entry| format!("{}\t{}\t{}", entry.at, entry.level.word(), entry.text)).collect();
                commands.push(Command::CopyText(lines.join("\n")));
            }
            if ui.button("Close log").clicked() {
                commands.push(Command::ShowLog);
            }
        });
        ui.separator();
        ScrollArea::vertical().id_salt("log").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
            let mut any = false;
            for entry in self.shown() {
                any = true;
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(&entry.at).monospace().color(palette.weak_text));
                    let colour = match entry.level {
                        Level::Info => palette.weak_text,
                        Level::Success => palette.good,
                        Level::Warning => palette.warning,
                        Level::Error => palette.bad,
                    };
                    ui.label(RichText::new(entry.level.word()).color(colour));
                    ui.label(&entry.text);
                });
            }
            if !any {
                let why = if self.entries.is_empty() { "Nothing has happened yet." } else { "No line matches." };
                ui.label(RichText::new(why).color(palette.weak_text));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_the_newest_and_filters() {
        let mut log = Log::default();
        for k in 0..KEPT + 5 {
            log.add(Level::Info, format!("line {k}"));
        }
        log.add(Level::Error, "Run 3 failed");
        assert_eq!(log.entries.len(), KEPT);
        log.problems_only = true;
        assert_eq!(log.shown().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), ["Run 3 failed"]);
        log.problems_only = false;
        log.search = "LINE 5004".into();
        assert_eq!(log.shown().count(), 1);
    }
}
