//! The start page: recent projects, samples, and the ways in.

use std::path::Path;

use eframe::egui::{self, Frame, Margin, RichText, ScrollArea, TextEdit};

use crate::store::ProjectInfo;
use crate::ui::command::{Command, TabKind};
use crate::ui::dialogs::expanded;
use crate::ui::name_cell::name_cell;
use crate::ui::recent::{HomeScan, RecentProject, Sample};
use crate::ui::widgets::{card, disabled_button, primary_button};
use crate::ui::{format, theme};

/// What the page shows.
pub struct HomeView<'a> {
    pub recent: &'a [RecentProject],
    /// `None` until the disk was looked at.
    pub scan: Option<&'a HomeScan>,
    /// A project that is being opened.
    pub opening: Option<&'a Path>,
    pub open: Option<&'a ProjectInfo>,
    /// Folder and reason of a project that would not open.
    pub problem: Option<(&'a Path, &'a str)>,
}

/// State of the page: the typed path.
#[derive(Default)]
pub struct HomeTab {
    path: String,
}

const WIDTH: f32 = 1040.0;

impl HomeTab {
    /// Draws the page.
    pub fn show(&mut self, ui: &mut egui::Ui, view: &HomeView<'_>, commands: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("home").auto_shrink([false, false]).show(ui, |ui| {
            let margin = ((ui.available_width() - WIDTH) / 2.0).max(24.0);
            Frame::new().inner_margin(Margin::symmetric(margin as i8, 24)).show(ui, |ui| {
                ui.label(theme::title("Kleroterion"));
                let weak = theme::palette(ui).weak_text;
                ui.label(RichText::new("Whose values does a language model carry? Start by asking whether its answers fit together at all.").color(weak));
                ui.add_space(theme::STEP);
                problem_banner(ui, view, commands);
                opening_line(ui, view);
                ui.spacing_mut().item_spacing = egui::vec2(theme::STEP * 2.0, theme::STEP * 2.0);
                ui.columns_const(|[left, right]| {
                    // Columns justify their text; these read better ragged.
                    let ragged = egui::Layout::top_down(egui::Align::Min);
                    left.with_layout(ragged, |ui| {
                        self.ways_in(ui, view, commands);
                        samples(ui, view, commands);
                    });
                    right.with_layout(ragged, |ui| {
                        recent(ui, view, commands);
                        what_you_can_do(ui);
                    });
                });
            });
        });
    }

    fn ways_in(&mut self, ui: &mut egui::Ui, view: &HomeView<'_>, commands: &mut Vec<Command>) {
        card(ui, "Start", |ui| {
            usual_spacing(ui);
            if let Some(open) = view.open {
                ui.horizontal_wrapped(|ui| {
                    ui.label("Open now:");
                    ui.label(theme::strong(&open.name));
                });
                if !open.description.is_empty() {
                    ui.label(&open.description);
                }
                ui.horizontal(|ui| {
                    if primary_button(ui, "Continue in Certify").clicked() {
                        commands.push(Command::ShowTab(TabKind::Certify));
                    }
                });
            }
            ui.horizontal_wrapped(|ui| {
                if ui.button("New project…").clicked() {
                    commands.push(Command::NewProject);
                }
                if ui.button("Open project…").clicked() {
                    commands.push(Command::ChooseProject);
                }
            });
            let label = ui.label("Or type the folder of a project");
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 76.0).max(80.0);
                let field = TextEdit::singleline(&mut self.path).desired_width(width);
                let response = ui.add(field).labelled_by(label.id);
                let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                let typed = !self.path.trim().is_empty();
                let open = ui.add_enabled(typed, egui::Button::new("Open"));
                let clicked = open.on_disabled_hover_text("Type a folder first").clicked();
                if typed && (entered || clicked) {
                    commands.push(Command::OpenProject(expanded(self.path.trim())));
                }
            });
            let weak = theme::palette(ui).weak_text;
            let hint = "You can also drop a project folder, a file of sentences or a certificate on this window.";
            ui.label(theme::caption(hint).color(weak));
        });
    }
}

fn problem_banner(ui: &mut egui::Ui, view: &HomeView<'_>, commands: &mut Vec<Command>) {
    let Some((directory, message)) = view.problem else { return };
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.card)
        .stroke((1.5, palette.bad))
        .corner_radius(8)
        .inner_margin(Margin::symmetric(16, 12))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.label(theme::strong("The project did not open").color(palette.bad));
            ui.label(message);
            ui.horizontal(|ui| {
                if ui.button("Try again").clicked() {
                    commands.push(Command::OpenProject(directory.to_path_buf()));
                }
                if ui.button("Dismiss").clicked() {
                    commands.push(Command::DismissProblem);
                }
                if ui.button("Copy message").clicked() {
                    commands.push(Command::CopyText(message.to_owned()));
                }
            });
        });
    ui.add_space(theme::STEP);
}

fn opening_line(ui: &mut egui::Ui, view: &HomeView<'_>) {
    if let Some(directory) = view.opening {
        ui.label(theme::strong("Opening…"));
        ui.label(theme::caption(directory.display().to_string()));
        ui.add_space(theme::STEP);
    }
}

fn samples(ui: &mut egui::Ui, view: &HomeView<'_>, commands: &mut Vec<Command>) {
    card(ui, "Sample projects", |ui| {
        usual_spacing(ui);
        let weak = theme::palette(ui).weak_text;
        let Some(scan) = view.scan else {
            ui.label(RichText::new("Looking for samples…").color(weak));
            return;
        };
        if scan.samples.is_empty() {
            ui.label(
                RichText::new("None came with this copy of the program. The source repository has them in projects.")
                    .color(weak),
            );
        }
        for sample in &scan.samples {
            sample_line(ui, sample, commands);
        }
    });
}

fn sample_line(ui: &mut egui::Ui, sample: &Sample, commands: &mut Vec<Command>) {
    ui.label(theme::strong(&sample.name)).on_hover_text(sample.directory.display().to_string());
    if !sample.description.is_empty() {
        ui.label(&sample.description);
    }
    ui.horizontal(|ui| {
        let text = format!("Open {}", sample.name);
        if !sample.writable {
            disabled_button(ui, &text, "Its folder cannot be written to. Copy it to a folder of yours");
        } else if primary_button(ui, &text).clicked() {
            commands.push(Command::OpenProject(sample.directory.clone()));
        }
        if ui.button("Copy…").on_hover_text("Makes a copy of your own and opens it").clicked() {
            commands.push(Command::CopySample(sample.directory.clone()));
        }
    });
}

fn recent(ui: &mut egui::Ui, view: &HomeView<'_>, commands: &mut Vec<Command>) {
    card(ui, "Recent projects", |ui| {
        usual_spacing(ui);
        let palette = theme::palette(ui);
        if view.recent.is_empty() {
            let text = "None yet. Open the sample on the left to see a model certified in a minute.";
            ui.label(RichText::new(text).color(palette.weak_text));
        }
        for (k, project) in view.recent.iter().enumerate() {
            if k > 0 {
                ui.separator();
            }
            let present = view.scan.is_none_or(|scan| scan.present.contains(&project.directory));
            ui.horizontal(|ui| {
                let name = if present { theme::strong(&project.name) } else { RichText::new(&project.name) };
                let response = ui.add_enabled(present, egui::Link::new(name));
                if response.on_hover_text("Open this project").clicked() {
                    commands.push(Command::OpenProject(project.directory.clone()));
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let forget = ui.button("Forget");
                    if forget.on_hover_text("Takes it from this list; the folder stays").clicked() {
                        commands.push(Command::ForgetRecent(project.directory.clone()));
                    }
                    ui.label(theme::caption(format::local_time(&project.opened)).color(palette.weak_text));
                });
            });
            ui.add(
                egui::Label::new(theme::caption(project.directory.display().to_string()).color(palette.weak_text))
                    .truncate(),
            );
            if !present {
                let text = "Not there any more. Open it from its new place, or forget it.";
                ui.label(theme::caption(text).color(palette.warning));
            }
        }
    });
}

fn what_you_can_do(ui: &mut egui::Ui) {
    card(ui, "What you can do here", |ui| {
        usual_spacing(ui);
        for (what, how) in [
            (
                "Certify",
                "Pick a masked language model and a sentence, click two words, and see whether any joint distribution has its conditionals.",
            ),
            ("Survey", "Measure over many sentences how often it has none, beside controls and other models."),
            ("Prove it", "Export a certificate that anyone can verify from the file alone."),
            ("Train", "Train a small model on your own text, and ask it the same questions."),
        ] {
            ui.horizontal_top(|ui| {
                name_cell(ui, 64.0, theme::strong(what));
                ui.add(egui::Label::new(how).wrap());
            });
        }
    });
}

/// Inside a card things stand closer than the cards do.
fn usual_spacing(ui: &mut egui::Ui) {
    ui.spacing_mut().item_spacing = egui::vec2(theme::STEP, theme::STEP);
}
