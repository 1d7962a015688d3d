//! The bottom line: work under way, the device, and whether everything is saved.

use std::collections::BTreeMap;

use eframe::egui::{self, RichText};

use super::command::{Command, TabKind};
use super::context::RunProgress;
use super::widgets::progress_bar;
use super::{format, theme};
use crate::figures::number;
use crate::store::{RunId, RunRow, RunState};

/// How the project's database stands to what is on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    NoProject,
    Opening,
    Saving,
    Saved,
}

/// What the bar shows.
pub struct Status<'a> {
    /// Not archived, newest first.
    pub runs: &'a [RunRow],
    pub progress: Option<&'a BTreeMap<RunId, RunProgress>>,
    pub saving: Saving,
}

/// Draws the bar.
pub fn show(ui: &mut egui::Ui, status: &Status<'_>, commands: &mut Vec<Command>) {
    let weak = theme::palette(ui).weak_text;
    ui.horizontal(|ui| {
        let of = |state| status.runs.iter().rev().find(move |run: &&RunRow| run.state == state);
        match of(RunState::Running).or_else(|| of(RunState::Paused)) {
            Some(run) => job(ui, run, status.progress.and_then(|all| all.get(&run.id)), commands),
            None => {
                ui.label(RichText::new("No run under way").color(weak));
            }
        }
        let queued = status.runs.iter().filter(|run| run.state == RunState::Queued).count();
        if queued > 0 && ui.link(format!("{} queued", number::count(queued as u64))).clicked() {
            commands.push(Command::ShowTab(TabKind::Runs));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let saved = match status.saving {
                Saving::NoProject => "No project",
                Saving::Opening => "Opening the project…",
                Saving::Saving => "Saving…",
                Saving::Saved => "All changes saved",
            };
            ui.label(RichText::new(saved).color(weak));
            ui.separator();
            ui.label(RichText::new(crate::jobs::device()).color(weak)).on_hover_text("Where models are evaluated");
        });
    });
}

fn job(ui: &mut egui::Ui, run: &RunRow, progress: Option<&RunProgress>, commands: &mut Vec<Command>) {
    let name = format!("Run {} · {}", run.id.0, format::run_kind(&run.kind));
    if ui.link(name).on_hover_text("Show this run").clicked() {
        commands.push(Command::ShowRun(run.id));
    }
    let share = progress.filter(|p| p.total > 0).map(|p| p.done as f32 / p.total as f32);
    if let Some(share) = share {
        let bar = progress_bar(ui, share, 140.0, 8.0, "");
        let percent = number::percent(f64::from(share));
        bar.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &percent));
    }
    ui.label(progress_words(run.state, progress));
    if run.state == RunState::Paused {
        if ui.button("Resume").clicked() {
            commands.push(Command::ResumeRun(run.id));
        }
    } else if ui.button("Pause").clicked() {
        commands.push(Command::PauseRun(run.id));
    }
    if ui.button("Cancel").on_hover_text("Ends the run; what it found stays").clicked() {
        commands.push(Command::CancelRun(run.id));
    }
}

/// `scoring rectangles · 512 of 2,048 · 310/s · 5 s left`.
pub fn progress_words(state: RunState, progress: Option<&RunProgress>) -> String {
    let mut parts = Vec::new();
    if state == RunState::Paused {
        parts.push("paused".to_owned());
    }
    if let Some(progress) = progress {
        if !progress.stage.is_empty() {
            parts.push(progress.stage.clone());
        }
        if progress.total > 0 {
            parts.push(format!("{} of {}", number::count(progress.done), number::count(progress.total)));
        }
        if state != RunState::Paused {
            parts.extend(progress.rate.filter(|rate| rate.is_finite()).map(format::rate));
            parts.extend(progress.seconds_left.map(|seconds| format!("{} left", number::duration(seconds))));
        }
    }
    if parts.is_empty() {
        parts.push(format::run_state(state).to_lowercase());
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_sentence() {
        let progress = RunProgress {
            stage: "scoring rectangles".into(),
            done: 512,
            total: 2048,
            rate: Some(310.0),
            seconds_left: Some(5.0),
            ..RunProgress::default()
        };
        let running = progress_words(RunState::Running, Some(&progress));
        assert_eq!(running, "scoring rectangles · 512 of 2,048 · 310/s · 5.0 s left");
        let held = progress_words(RunState::Paused, Some(&progress));
        assert_eq!(held, "paused · scoring rectangles · 512 of 2,048");
        assert_eq!(progress_words(RunState::Running, None), "running");
    }
}
