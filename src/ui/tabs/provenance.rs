//! "What exactly made you?": everything that made a run, what it said, and how to make it again.

use std::collections::BTreeMap;

use eframe::egui::{self, CollapsingHeader, Label, RichText, ScrollArea};

use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::conditionals::ModelIdentity;
use crate::jobs::spec::RunSpec;
use crate::store::{LogLine, RunId, RunRow, RunState, StoreError, TrainingPoint, VerificationRow};
use crate::ui::command::Command;
use crate::ui::context::{RunProgress, TabContext};
use crate::ui::name_cell::name_cell;
use crate::ui::requested::Requested;
use crate::ui::status_bar::progress_words;
use crate::ui::widgets::{VerdictKind, figure_view, verdict};
use crate::ui::{format, theme};

/// What is read from the store for one run.
struct Details {
    log: Vec<LogLine>,
    curve: Vec<TrainingPoint>,
    verification: Option<VerificationRow>,
}

/// One run, looked at.
pub struct ProvenanceView {
    run: RunId,
    /// Version of the run whose details were asked for.
    version: Option<u64>,
    details: Requested<Result<Details, StoreError>>,
}

impl ProvenanceView {
    pub fn new(run: RunId) -> Self {
        Self { run, version: None, details: Requested::default() }
    }

    pub fn run(&self) -> RunId {
        self.run
    }

    /// Draws the view as a window of its own; false once it was closed.
    pub fn window(
        &mut self,
        ctx: &egui::Context,
        context: &TabContext<'_>,
        row: Option<&RunRow>,
        commands: &mut Vec<Command>,
    ) -> bool {
        let mut open = true;
        egui::Window::new(format!("What made run {}", self.run.0))
            .id(egui::Id::unique(("provenance", self.run)))
            .default_size([520.0, 560.0])
            .open(&mut open)
            .show(ctx, |ui| self.show(ui, context, row, commands));
        // Escape belongs to a dialog or a text field first.
        let free = ctx.memory(|memory| memory.top_modal_layer().is_none()) && !ctx.text_edit_focused();
        let escaped = free && ctx.input(|input| input.key_pressed(egui::Key::Escape));
        open && !escaped
    }

    /// Draws the view into a panel.
    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        context: &TabContext<'_>,
        row: Option<&RunRow>,
        commands: &mut Vec<Command>,
    ) {
        let Some(row) = row else {
            ui.label("This run is not in the project any more.");
            return;
        };
        let version = context.versions.get(&self.run).copied().unwrap_or_default();
        if self.version != Some(version) && !self.details.waiting() {
            self.version = Some(version);
            let (run, kind) = (self.run, row.kind.clone());
            context.query(&mut self.details, move |project| {
                Ok(Details {
                    log: project.log(run)?,
                    curve: if kind == "train-mlm" { project.training_curve(run)? } else { Vec::new() },
                    verification: if kind == "verify" { project.verification(run)? } else { None },
                })
            });
        }
        if row.state == RunState::Running {
            // The time worked is shown to the second.
            ui.ctx().request_repaint_after_secs(1.0);
        }
        ScrollArea::vertical().id_salt(("provenance", self.run)).auto_shrink([false, false]).show(ui, |ui| {
            header(ui, row, context, commands);
            match self.details.get() {
                Some(Ok(details)) => {
                    found(ui, row, details, commands);
                    made_by(ui, row, context, commands);
                    log(ui, row, &details.log, commands);
                }
                Some(Err(error)) => {
                    ui.label(RichText::new(error.to_string()).color(theme::palette(ui).bad));
                    made_by(ui, row, context, commands);
                }
                None => made_by(ui, row, context, commands),
            }
        });
    }
}

/// Colour of a state; its word always stands beside it.
pub fn state_colour(ui: &egui::Ui, state: RunState) -> egui::Color32 {
    let palette = theme::palette(ui);
    match state {
        RunState::Done => palette.good,
        RunState::Failed => palette.bad,
        RunState::Interrupted | RunState::Paused => palette.warning,
        RunState::Running => palette.accent,
        RunState::Queued | RunState::Cancelled => palette.weak_text,
    }
}

fn header(ui: &mut egui::Ui, row: &RunRow, context: &TabContext<'_>, commands: &mut Vec<Command>) {
    ui.label(theme::section(format!("Run {} · {}", row.id.0, format::run_kind(&row.kind))));
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format::run_state(row.state)).color(state_colour(ui, row.state)));
        if matches!(row.state, RunState::Running | RunState::Paused) {
            ui.label(progress_words(row.state, context.progress.get(&row.id)));
        }
    });
    ui.horizontal_wrapped(|ui| actions(ui, row, commands));
    if let Some(error) = &row.error {
        ui.label(RichText::new(error).color(theme::palette(ui).bad));
        ui.horizontal(|ui| {
            if ui.button("Copy message").clicked() {
                commands.push(Command::CopyText(error.clone()));
            }
        });
    }
    ui.separator();
}

/// Buttons for what can be done with a run in its state.
pub fn actions(ui: &mut egui::Ui, row: &RunRow, commands: &mut Vec<Command>) {
    let mut action = |text: &str, tooltip: &str, command: Command| {
        if ui.button(text).on_hover_text(tooltip).clicked() {
            commands.push(command);
        }
    };
    if matches!(row.kind.as_str(), "certify" | "survey" | "verify") {
        action("Show results", "Opens them in the Certify tab", Command::ShowRun(row.id));
    } else if matches!(row.kind.as_str(), "lottery" | "verify-panel") {
        action("Show results", "Opens them in the Panel tab", Command::ShowRun(row.id));
    }
    match row.state {
        RunState::Running => action("Pause", "Holds it at its next batch", Command::PauseRun(row.id)),
        RunState::Paused => action("Resume", "Goes on where it stopped", Command::ResumeRun(row.id)),
        RunState::Interrupted | RunState::Failed | RunState::Cancelled => {
            action("Resume", "Goes on from its last saved batch", Command::ResumeRun(row.id));
        }
        RunState::Queued | RunState::Done => {}
    }
    if matches!(row.state, RunState::Queued | RunState::Running | RunState::Paused) {
        action("Cancel", "Ends it; what it found stays", Command::CancelRun(row.id));
    } else {
        action("Run again", "A new run with the same settings and seed", Command::RunAgain(row.id));
    }
    if !matches!(row.kind.as_str(), "verify" | "verify-panel") {
        action("Duplicate as form", "Fills the form with these settings", Command::DuplicateAsForm(row.id));
    }
    if row.archived {
        action("Bring back", "Shows it in the lists again", Command::ArchiveRun(row.id, false));
    } else if matches!(row.state, RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Interrupted) {
        action("Archive", "Hides it from the lists; nothing is deleted", Command::ArchiveRun(row.id, true));
    }
}

fn found(ui: &mut egui::Ui, row: &RunRow, details: &Details, commands: &mut Vec<Command>) {
    if let Some(figure) = training_figure(row, &details.curve) {
        figure_view(ui, &format!("training {}", row.id.0), &figure, 240.0, &[], commands);
        if let Some(last) = details.curve.iter().rev().find(|point| point.cross_entropy.is_some()) {
            let cross_entropy =
                last.cross_entropy.map(|value| format!("{} nats per masked token", number::nats(value)));
            field(ui, "Validation", &cross_entropy.unwrap_or_default());
            if let Some(accuracy) = last.accuracy {
                field(ui, "Accuracy", &number::percent(accuracy));
            }
        }
        ui.separator();
    }
    if let Some(verification) = &details.verification {
        if verification.ok {
            verdict(ui, VerdictKind::Good, "The certificate verifies: every value was found again.");
        } else {
            let count = number::counted(verification.differences.len() as u64, "value differs", "values differ");
            verdict(ui, VerdictKind::Failed, &format!("The certificate does not verify: {count}."));
            for difference in &verification.differences {
                field(
                    ui,
                    &difference.field,
                    &format!("{} in the file, {} found", difference.recorded, difference.found),
                );
            }
        }
        ui.separator();
    }
}

/// Loss while training and at validations; `None` before the first point.
fn training_figure(row: &RunRow, curve: &[TrainingPoint]) -> Option<Figure> {
    if curve.is_empty() {
        return None;
    }
    let loss = curve.iter().map(|point| [point.step as f64, point.loss]).collect();
    let validation: Vec<[f64; 2]> =
        curve.iter().filter_map(|point| point.cross_entropy.map(|value| [point.step as f64, value])).collect();
    let mut layers = vec![Layer::Line { name: "training, smoothed".into(), colour: 0, points: loss, dashed: false }];
    if !validation.is_empty() {
        layers.push(Layer::Line { name: "validation".into(), colour: 1, points: validation.clone(), dashed: false });
        layers.push(Layer::Points { name: "validation".into(), colour: 1, points: validation });
    }
    Some(Figure {
        title: format!("Training of run {}", row.id.0),
        caption: format!(
            "Cross-entropy in nats per masked token against optimiser steps (run {}, seed {}).",
            row.id.0, row.seed
        ),
        x: Axis { label: "step".into(), ticks: Ticks::Linear { range: None } },
        y: Axis { label: "cross-entropy (nats per masked token)".into(), ticks: Ticks::Linear { range: None } },
        layers,
    })
}

/// Seconds a run has worked: as the window counts them while it is under way, else as recorded.
pub fn worked(row: &RunRow, progress: Option<&RunProgress>) -> f64 {
    let live = progress.filter(|_| matches!(row.state, RunState::Running | RunState::Paused));
    live.map_or(row.seconds, |progress| progress.seconds_worked().max(row.seconds))
}

fn made_by(ui: &mut egui::Ui, row: &RunRow, context: &TabContext<'_>, commands: &mut Vec<Command>) {
    ui.label(theme::strong("What made it"));
    field(ui, "Seed", &row.seed.to_string());
    hash_field(ui, "Settings", &row.spec_sha256, commands);
    let commit = row.git_commit.as_ref().map(|commit| format!(" ({})", commit.chars().take(12).collect::<String>()));
    field(ui, "Program", &format!("Kleroterion {}{}", row.program_version, commit.unwrap_or_default()));
    field(ui, "Device", &row.device);
    field(ui, "Created", &format::local_time(&row.created));
    if let Some(started) = &row.started {
        field(ui, "Started", &format::local_time(started));
    }
    if let Some(finished) = &row.finished {
        field(ui, "Finished", &format::local_time(finished));
    }
    field(ui, "Time worked", &number::duration(worked(row, context.progress.get(&row.id))));
    models(ui, row, commands);
    inputs(ui, row, commands);
    ui.add_space(theme::STEP);
    ui.horizontal(|ui| {
        ui.label(theme::strong("The same from the command line"));
        if ui.button("Copy command").clicked() {
            commands.push(Command::CopyText(row.spec.command_line()));
        }
    });
    ui.add(Label::new(theme::mono(shortened(&row.spec.command_line(), 600))).wrap());
    let title = if has_people(&row.spec) { "Settings without the people (JSON)" } else { "All settings (JSON)" };
    CollapsingHeader::new(title).id_salt(("spec", row.id)).show(ui, |ui| {
        let json = format::settings(&row.spec);
        if ui.button("Copy settings").clicked() {
            commands.push(Command::CopyText(json.clone()));
        }
        ui.add(Label::new(theme::mono(shortened(&json, 20_000))).wrap());
    });
}

fn models(ui: &mut egui::Ui, row: &RunRow, commands: &mut Vec<Command>) {
    let text = row.models_json.as_deref().unwrap_or("[]");
    let Ok(models) = serde_json::from_str::<Vec<ModelIdentity>>(text) else {
        field(ui, "Models", text);
        return;
    };
    for model in models {
        ui.add_space(4.0);
        field(ui, "Model", &model.reference);
        field(
            ui,
            "Architecture",
            &format!("{}, {}", model.architecture, number::counted(model.parameters, "weight", "weights")),
        );
        if let Some(revision) = &model.revision {
            hash_field(ui, "Revision", revision, commands);
        }
        for (name, hash) in [
            ("Weights", &model.weights_sha256),
            ("Configuration", &model.config_sha256),
            ("Tokenizer", &model.tokenizer_sha256),
        ] {
            if !hash.is_empty() {
                hash_field(ui, name, hash, commands);
            }
        }
    }
}

fn inputs(ui: &mut egui::Ui, row: &RunRow, commands: &mut Vec<Command>) {
    let text = row.inputs_json.as_deref().unwrap_or("{}");
    match serde_json::from_str::<BTreeMap<String, String>>(text) {
        Ok(inputs) => {
            for (file, hash) in &inputs {
                hash_field(ui, file, hash, commands);
            }
        }
        Err(_) => field(ui, "Inputs", text),
    }
}

fn log(ui: &mut egui::Ui, row: &RunRow, lines: &[LogLine], commands: &mut Vec<Command>) {
    let title = format!("Log ({})", number::counted(lines.len() as u64, "line", "lines"));
    CollapsingHeader::new(title).id_salt(("log", row.id)).show(ui, |ui| {
        if lines.is_empty() {
            ui.label(RichText::new("This run has said nothing.").color(theme::palette(ui).weak_text));
            return;
        }
        if ui.button("Copy log").clicked() {
            let text: Vec<String> =
                lines.iter().map(|line| format!("{}\t{}\t{}", line.at, line.level, line.message)).collect();
            commands.push(Command::CopyText(text.join("\n")));
        }
        for line in lines {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::caption(format::local_time(&line.at)).color(theme::palette(ui).weak_text));
                ui.label(theme::caption(&line.level));
                ui.label(&line.message);
            });
        }
    });
}

const NAME_WIDTH: f32 = 112.0;

fn field(ui: &mut egui::Ui, name: &str, value: &str) {
    let weak = theme::palette(ui).weak_text;
    ui.horizontal_top(|ui| {
        name_cell(ui, NAME_WIDTH, theme::caption(name).color(weak));
        ui.add(Label::new(value).wrap());
    });
}

/// A hash, shortened; hover shows it whole, a click copies it.
fn hash_field(ui: &mut egui::Ui, name: &str, hash: &str, commands: &mut Vec<Command>) {
    let weak = theme::palette(ui).weak_text;
    ui.horizontal(|ui| {
        // As high as the lines that are no links.
        ui.spacing_mut().interact_size.y = 20.0;
        name_cell(ui, NAME_WIDTH, theme::caption(name).color(weak)).on_hover_text(name);
        let short: String = hash.chars().take(16).collect();
        let text = if hash.chars().count() > 16 { format!("{short}…") } else { short };
        let response = ui.link(theme::mono(text)).on_hover_text(format!("{hash}\nClick to copy"));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Link, true, format!("{name}: {hash}")));
        if response.clicked() {
            commands.push(Command::CopyText(hash.to_owned()));
        }
    });
}

fn has_people(spec: &RunSpec) -> bool {
    matches!(spec, RunSpec::Lottery(_) | RunSpec::VerifyPanel(_))
}

/// The first `most` characters; a survey of ten thousand sentences must not be laid out at once.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… (copy to get all of it)", &text[..end]),
        None => text.to_owned(),
    }
}
