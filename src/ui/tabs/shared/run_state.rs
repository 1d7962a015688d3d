//! Which run is shown, where it stands, and whether the form has moved on.

use eframe::egui::{self, TextWrapMode, Ui};

use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow, RunState, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, progress_bar, verdict};

/// When a run was finished, or else started or made, in local time.
pub fn run_time(run: &RunRow) -> String {
    format::local_time(run.finished.as_ref().or(run.started.as_ref()).unwrap_or(&run.created))
}

/// A state, within a sentence.
pub fn state_name(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "waiting its turn",
        RunState::Running => "running",
        RunState::Paused => "paused",
        RunState::Interrupted => "interrupted",
        RunState::Done => "done",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
    }
}

/// The combo box that chooses among `runs`, and a button that hides or shows the explanation; a run that was chosen.
pub fn run_picker<'a>(
    ui: &mut Ui,
    id: &str,
    run: &RunRow,
    runs: impl Iterator<Item = &'a RunRow>,
    name: impl Fn(&RunRow) -> String,
    why_hidden: &mut bool,
) -> Option<RunId> {
    let mut picked = None;
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Run");
        egui::ComboBox::from_id_salt((id, "shown run"))
            .width(240.0)
            .truncate()
            .selected_text(name(run))
            .show_ui(ui, |ui| {
                for other in runs {
                    if ui.selectable_label(other.id == run.id, name(other)).clicked() {
                        picked = Some(other.id);
                    }
                }
            })
            .response
            .labelled_by(label.id);
        ui.label(theme::caption(format!("{}, {}", state_name(run.state), run_time(run))).weak());
        let text = if *why_hidden { "Show explanation" } else { "Hide explanation" };
        if ui.small_button(text).clicked() {
            *why_hidden = !*why_hidden;
        }
    });
    picked
}

/// Says that the form no longer describes `run`, where that is so, and offers to fill it again.
pub fn changed_since(ui: &mut Ui, form: &Result<RunSpec, String>, run: &RunRow, commands: &mut Vec<Command>) {
    if form.as_ref().is_ok_and(|spec| *spec == run.spec) || matches!(run.spec, RunSpec::Verify(_)) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let palette = theme::palette(ui);
        let words = if form.is_ok() {
            "The form has changed since this run."
        } else {
            "The form is incomplete; this run is an earlier one."
        };
        ui.label(theme::caption(words).color(palette.warning));
        if ui.small_button("Fill the form from this run").clicked() {
            commands.push(Command::DuplicateAsForm(run.id));
        }
    });
}

/// What made the run, and the way to make it again.
pub fn provenance(ui: &mut Ui, run: &RunRow, commands: &mut Vec<Command>) {
    card(ui, "Provenance", |ui| {
        ui.label(theme::caption(format!(
            "Run {}, {}, seed {}, version {}",
            run.id.0,
            run_time(run),
            run.seed,
            run.program_version
        )));
        ui.horizontal_wrapped(|ui| {
            if ui.button("What exactly made this?").clicked() {
                commands.push(Command::ShowProvenance(run.id));
            }
            if ui.button("Run again").on_hover_text("Starts a new run with the same spec and seed.").clicked() {
                commands.push(Command::RunAgain(run.id));
            }
        });
    });
}

/// A caption that can be pasted into a paper.
pub fn caption_card(ui: &mut Ui, caption: String, commands: &mut Vec<Command>) {
    card(ui, "Caption for a paper", |ui| {
        ui.label(theme::caption(caption.as_str()));
        if ui.button("Copy caption text").clicked() {
            commands.push(Command::CopyText(caption));
        }
    });
}

/// Scrolls just so far that the upper part of `drawn` shows, for details that open below what was clicked.
pub fn bring_into_view(ui: &Ui, drawn: egui::Rect) {
    let upper = egui::Rect::from_min_size(drawn.min, egui::vec2(drawn.width(), drawn.height().min(320.0)));
    ui.scroll_to_rect(upper, None);
}

/// A verdict that wraps within the column, however long it is.
pub fn say(ui: &mut Ui, kind: VerdictKind, text: &str) {
    ui.scope(|ui| {
        ui.style_mut().wrap_mode = Some(TextWrapMode::Wrap);
        verdict(ui, kind, text);
    });
}

/// Results that could not be read, and why.
pub fn unreadable(ui: &mut Ui, problem: &StoreError) {
    say(ui, VerdictKind::Failed, "The results could not be read.");
    ui.label(problem.to_string());
}

/// Progress with pause and cancel, or what went wrong with its remedy. Nothing for a finished run.
pub fn state(ui: &mut Ui, context: &TabContext<'_>, run: &RunRow, commands: &mut Vec<Command>) {
    match run.state {
        RunState::Done => {}
        RunState::Queued => {
            ui.horizontal(|ui| {
                ui.label("Waiting for the runs before it.");
                cancel(ui, run, commands);
            });
        }
        RunState::Running | RunState::Paused => progress(ui, context, run, commands),
        RunState::Interrupted => {
            say(ui, VerdictKind::Caution, "This run was interrupted. What it had finished is kept.");
            ui.horizontal(|ui| {
                resume(ui, run, "Continue", commands);
                cancel(ui, run, commands);
            });
        }
        RunState::Cancelled => {
            say(ui, VerdictKind::Caution, "This run was cancelled. What it had finished is kept.");
            resume(ui, run, "Continue", commands);
        }
        RunState::Failed => {
            say(ui, VerdictKind::Failed, "This run failed.");
            ui.label(run.error.as_deref().unwrap_or("No message was recorded; the log may say more."));
            ui.horizontal(|ui| {
                resume(ui, run, "Try again", commands);
                if ui.button("Show the log").clicked() {
                    commands.push(Command::ShowLog);
                }
            });
        }
    }
}

fn progress(ui: &mut Ui, context: &TabContext<'_>, run: &RunRow, commands: &mut Vec<Command>) {
    let known = context.progress.get(&run.id);
    let paused = run.state == RunState::Paused;
    let share = known.filter(|p| p.total > 0).map(|p| p.done as f32 / p.total as f32);
    let mut words = known.filter(|p| !p.stage.is_empty()).map_or("Starting".to_owned(), |p| p.stage.clone());
    if let Some(p) = known {
        if p.total > 0 {
            words += &format!(", {} of {}", number::count(p.done), number::count(p.total));
        }
        if let Some(rate) = p.rate {
            words += &format!(", {} a second", number::general(rate, 3));
        }
        if let Some(left) = p.seconds_left.filter(|_| !paused) {
            words += &format!(", {} left", number::duration(left));
        }
    }
    ui.horizontal(|ui| {
        if !paused {
            ui.spinner();
        }
        ui.label(if paused { format!("Paused. {words}") } else { words });
    });
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 200.0).clamp(80.0, theme::READING_WIDTH);
        progress_bar(ui, share.unwrap_or(0.0), width, 12.0, "");
        if paused {
            resume(ui, run, "Continue", commands);
        } else if ui.button("Pause").clicked() {
            commands.push(Command::PauseRun(run.id));
        }
        cancel(ui, run, commands);
    });
}

fn resume(ui: &mut Ui, run: &RunRow, text: &str, commands: &mut Vec<Command>) {
    if ui.button(text).clicked() {
        commands.push(Command::ResumeRun(run.id));
    }
}

fn cancel(ui: &mut Ui, run: &RunRow, commands: &mut Vec<Command>) {
    if ui.button("Cancel").on_hover_text("Stops this run; what it has finished is kept.").clicked() {
        commands.push(Command::CancelRun(run.id));
    }
}
