//! Where things stand: menus, tabs, the tab's body, log and status bar; dialogs above them.

use eframe::egui::{self, CentralPanel, Frame, Margin, Panel, RichText};

use super::{Problem, ProjectState, Workbench, unfinished};
use crate::ui::command::{Command, TabKind};
use crate::ui::command_palette::{Entry, Menu, menu_line};
use crate::ui::status_bar::{self, Saving, Status};
use crate::ui::tabs::home::HomeView;
use crate::ui::theme;

impl Workbench {
    pub(super) fn layout(&mut self, ui: &mut egui::Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let bar = Frame::new().fill(palette.card).inner_margin(Margin::symmetric(12, 4));
        Panel::top("menu").frame(bar).show(ui, |ui| {
            egui::MenuBar::new().ui(ui, |ui| {
                self.menus(ui, entries, commands);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| self.project_name(ui));
            });
        });
        Panel::top("tabs").frame(bar.inner_margin(Margin { left: 12, right: 12, top: 0, bottom: 0 })).show(ui, |ui| {
            ui.horizontal(|ui| self.tab_strip(ui, commands));
        });
        let status_frame = Frame::new().fill(palette.card).inner_margin(Margin::symmetric(12, 4));
        Panel::bottom("status").frame(status_frame).show(ui, |ui| {
            let open = match &self.project {
                ProjectState::Open(open, _) => Some(open),
                _ => None,
            };
            let opening = matches!(self.project, ProjectState::Opening(..));
            let status = Status {
                runs: open.map_or(&[], |open| &open.runs),
                progress: open.map(|open| &open.progress),
                saving: match (open, self.unsaved, opening) {
                    (Some(_), 0, _) => Saving::Saved,
                    (Some(_), _, _) => Saving::Saving,
                    (None, _, true) => Saving::Opening,
                    (None, _, false) => Saving::NoProject,
                },
            };
            status_bar::show(ui, &status, commands);
        });
        if self.settings.log_open {
            let frame = Frame::new().fill(palette.card).inner_margin(Margin::symmetric(12, 8));
            Panel::bottom("log").resizable(true).default_size(180.0).frame(frame).show(ui, |ui| {
                self.log.show(ui, commands);
            });
        }
        CentralPanel::no_frame().show(ui, |ui| self.body(ui, commands));
    }

    fn menus(&mut self, ui: &mut egui::Ui, entries: &[Entry], commands: &mut Vec<Command>) {
        for menu in Menu::ALL {
            ui.menu_button(menu.name(), |ui| {
                ui.set_min_width(220.0);
                for (k, entry) in entries.iter().filter(|entry| entry.menu == menu).enumerate() {
                    menu_line(ui, entry, commands);
                    if menu == Menu::File && k == 1 {
                        self.recent_menu(ui, commands);
                    }
                }
            });
        }
    }

    fn recent_menu(&self, ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        if self.settings.recent.is_empty() {
            let nothing = ui.add_enabled(false, egui::Button::new("Open recent"));
            nothing.on_disabled_hover_text("No project has been opened yet");
            return;
        }
        ui.menu_button("Open recent", |ui| {
            for project in &self.settings.recent {
                let place = project.directory.display().to_string();
                if ui.button(&project.name).on_hover_text(place).clicked() {
                    commands.push(Command::OpenProject(project.directory.clone()));
                    ui.close();
                }
            }
        });
    }

    fn project_name(&self, ui: &mut egui::Ui) {
        let weak = theme::palette(ui).weak_text;
        match &self.project {
            ProjectState::Open(open, _) => {
                ui.label(theme::strong(&open.info.name)).on_hover_text(open.directory.display().to_string());
            }
            ProjectState::Opening(..) => {
                ui.label(RichText::new("Opening…").color(weak));
            }
            ProjectState::None => {
                ui.label(RichText::new("No project").color(weak));
            }
        }
    }

    fn tab_strip(&mut self, ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        ui.spacing_mut().item_spacing.x = 4.0;
        for tab in TabKind::ALL {
            let name = tab.name();
            if tab_button(ui, name, self.tab == tab).clicked() {
                commands.push(Command::ShowTab(tab));
            }
        }
    }

    fn body(&mut self, ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        match self.tab {
            TabKind::Home => {
                let (opening, open) = match &self.project {
                    ProjectState::Opening(directory, _) => (Some(directory.as_path()), None),
                    ProjectState::Open(open, _) => (None, Some(&open.info)),
                    ProjectState::None => (None, None),
                };
                let view = HomeView {
                    recent: &self.settings.recent,
                    scan: self.home_scan.get(),
                    opening,
                    open,
                    problem: self
                        .problem
                        .as_ref()
                        .map(|Problem { directory, message }| (directory.as_path(), message.as_str())),
                };
                self.home.show(ui, &view, commands);
            }
            TabKind::Certify => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.certify.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => {
                    no_project(ui, "Certify asks whether any joint distribution has a model's conditionals.", commands)
                }
            },
            TabKind::Mixing => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.mixing.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(ui, "Mixing measures how fast a chain of resampled words forgets its start.", commands),
            },
            TabKind::Trajectories => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.trajectories.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(ui, "Trajectories shows where a chain wanders, and where it gets trapped.", commands),
            },
            TabKind::Panel => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.panel.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(
                    ui,
                    "Panel draws a citizens' assembly by lot, under quotas that everybody can check.",
                    commands,
                ),
            },
            TabKind::Training => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.training.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(
                    ui,
                    "Training teaches a language model what a panel prefers, and shows whom it comes to serve.",
                    commands,
                ),
            },
            TabKind::Judging => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.judging.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(
                    ui,
                    "Judging holds models' answers to a constitution, and shows which model follows it best.",
                    commands,
                ),
            },
            TabKind::EigenBench => match &mut self.project {
                ProjectState::Open(open, _) => {
                    self.eigenbench.show(&open.context(&self.wake), ui, commands);
                    open.answers.clear();
                }
                _ => no_project(
                    ui,
                    "EigenBench has models judge one another, and shows whose values they trust and how sure that is.",
                    commands,
                ),
            },
            TabKind::Runs => match &self.project {
                ProjectState::Open(open, _) => {
                    self.runs.show(&open.context(&self.wake), &open.all_runs, ui, commands);
                }
                _ => no_project(ui, "Here is every run of a project, with what exactly made it.", commands),
            },
        }
    }

    /// Windows and dialogs above the tab.
    pub(super) fn overlays(&mut self, ctx: &egui::Context, entries: &[Entry], commands: &mut Vec<Command>) {
        if let ProjectState::Open(open, _) = &self.project {
            let context = open.context(&self.wake);
            self.provenance.retain_mut(|view| {
                let row = open.run(view.run());
                view.window(ctx, &context, row, commands)
            });
            if let Some(form) = &mut self.new_run
                && form.show(ctx, &open.directory, commands)
            {
                self.new_run = None;
            }
        }
        if let Some(palette) = &mut self.palette
            && palette.show(ctx, entries, commands)
        {
            self.palette = None;
        }
        if let Some(mut dialog) = self.dialog.take() {
            let outcome = dialog.show(ctx, &self.settings, entries, commands);
            self.dialog = Some(dialog);
            self.dialog_answered(ctx, outcome);
        }
        self.drop_hint(ctx);
        self.toasts.show(ctx);
    }

    /// Says what may be dropped while something hovers over the window.
    fn drop_hint(&self, ctx: &egui::Context) {
        if ctx.input(|input| input.raw.hovered_files.is_empty()) {
            return;
        }
        egui::Area::new(egui::Id::unique("drop hint"))
            .order(egui::Order::Foreground)
            .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
            .show(ctx, |ui| {
                Frame::popup(ui.style()).inner_margin(24).show(ui, |ui| {
                    ui.label(theme::section("Drop it here"));
                    ui.label(
                        "A project folder opens; sentences (txt, csv) are imported, or people (csv, xlsx) on the Panel tab, or preferences (jsonl, csv, parquet, a folder of PRISM) on the Training tab; a certificate (json) is verified.",
                    );
                });
            });
    }

    /// How many runs are queued, running or held.
    pub fn unfinished_runs(&self) -> usize {
        self.open().map_or(0, unfinished)
    }
}

fn tab_button(ui: &mut egui::Ui, name: &str, chosen: bool) -> egui::Response {
    let palette = theme::palette(ui);
    let text = if chosen { theme::strong(name) } else { RichText::new(name).color(palette.weak_text) };
    let button = egui::Button::selectable(false, text).min_size(egui::vec2(72.0, 32.0)).frame_when_inactive(false);
    let response = ui.add(button);
    if chosen {
        let line = egui::Rect::from_min_max(
            egui::pos2(response.rect.left() + 8.0, response.rect.bottom() - 2.0),
            egui::pos2(response.rect.right() - 8.0, response.rect.bottom()),
        );
        ui.painter().rect_filled(line, 1.0, palette.accent);
    }
    let info = || egui::WidgetInfo::selected(egui::Role::Tab, true, chosen, name);
    response.widget_info(info);
    response
}

/// What a tab shows without a project.
fn no_project(ui: &mut egui::Ui, text: &str, commands: &mut Vec<Command>) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.28);
        ui.label(theme::title("No project is open"));
        ui.label(text);
        ui.add_space(theme::STEP);
        if ui.button("Choose one on the start page").clicked() {
            commands.push(Command::ShowTab(TabKind::Home));
        }
    });
}
