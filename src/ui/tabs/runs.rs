//! The Runs tab: every run of the project, and what made it.

use eframe::egui::{self, CentralPanel, ComboBox, Frame, Margin, Panel, TextEdit};

use crate::figures::number;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::{Command, NewRun, TabKind, Table};
use crate::ui::context::TabContext;
use crate::ui::status_bar::progress_words;
use crate::ui::tabs::provenance::{ProvenanceView, worked};
use crate::ui::widgets::{data_table, empty_state};
use crate::ui::{format, theme};

const KINDS: [&str; 14] = [
    "certify",
    "survey",
    "verify",
    "phase",
    "mix",
    "exact",
    "escape",
    "trajectories",
    "lottery",
    "verify-panel",
    "train",
    "import-trl",
    "train-mlm",
    "fetch",
];
const STATES: [RunState; 7] = [
    RunState::Queued,
    RunState::Running,
    RunState::Paused,
    RunState::Interrupted,
    RunState::Done,
    RunState::Failed,
    RunState::Cancelled,
];

/// State of the tab: filters and the run looked at.
#[derive(Default)]
pub struct RunsTab {
    kind: Option<&'static str>,
    state: Option<RunState>,
    search: String,
    archived: bool,
    detail: Option<ProvenanceView>,
}

impl RunsTab {
    /// Looks at a run.
    pub fn select(&mut self, run: RunId) {
        if self.detail.as_ref().is_none_or(|detail| detail.run() != run) {
            self.detail = Some(ProvenanceView::new(run));
        }
    }

    /// Draws the tab. `all` holds archived runs too, newest first.
    pub fn show(&mut self, context: &TabContext<'_>, all: &[RunRow], ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let frame = Frame::new().fill(palette.card).inner_margin(Margin::same(16));
        if self.detail.is_none()
            && let Some(newest) = all.iter().find(|run| !run.archived)
        {
            self.detail = Some(ProvenanceView::new(newest.id));
        }
        Panel::right("run detail").resizable(true).default_size(420.0).size_range(320.0..=720.0).frame(frame).show(
            ui,
            |ui| match &mut self.detail {
                Some(detail) => {
                    let row = all.iter().find(|run| run.id == detail.run());
                    detail.show(ui, context, row, commands);
                }
                None => {
                    ui.label(theme::section("What made a run"));
                    ui.label("Choose a run in the table to see its settings, models, hashes, times and log.");
                }
            },
        );
        CentralPanel::default().frame(Frame::new().inner_margin(Margin::same(16))).show(ui, |ui| {
            self.filters(ui, commands);
            ui.add_space(theme::STEP);
            if all.is_empty() {
                let text = "Start one in the Certify tab. Every run is kept here with its settings, seed and hashes.";
                if empty_state(ui, "No run yet", text, Some("Go to Certify")) {
                    commands.push(Command::ShowTab(TabKind::Certify));
                }
                return;
            }
            let shown: Vec<&RunRow> = all.iter().filter(|run| self.passes(run)).collect();
            if shown.is_empty() {
                if empty_state(ui, "No run matches", "Change the filters or the search.", Some("Show all runs")) {
                    let detail = self.detail.take();
                    *self = Self { detail, ..Self::default() };
                }
                return;
            }
            let table = table(&shown, context);
            let selected = self.detail.as_ref().and_then(|detail| shown.iter().position(|run| run.id == detail.run()));
            if let Some(clicked) = data_table(ui, "runs", &table, selected, commands).clicked
                && let Some(run) = shown.get(clicked)
            {
                self.select(run.id);
            }
        });
    }

    fn filters(&mut self, ui: &mut egui::Ui, commands: &mut Vec<Command>) {
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::title("Runs"));
            ui.menu_button("New run…", |ui| {
                for (text, command) in [
                    ("Certify or survey…", Command::ShowTab(TabKind::Certify)),
                    ("Phase diagram, coupled pairs or exact space…", Command::ShowTab(TabKind::Mixing)),
                    ("Trajectories…", Command::ShowTab(TabKind::Trajectories)),
                    ("Train a model…", Command::NewRun(NewRun::TrainMlm)),
                    ("Download a model…", Command::NewRun(NewRun::Fetch)),
                    ("Verify a certificate or audit file…", Command::ChooseCertificate),
                ] {
                    if ui.button(text).clicked() {
                        commands.push(command);
                        ui.close();
                    }
                }
            });
        });
        ui.horizontal_wrapped(|ui| {
            let kind = self.kind.map_or_else(|| "All kinds".to_owned(), format::run_kind);
            let combo = ComboBox::from_id_salt("kind").selected_text(kind).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.kind, None, "All kinds");
                for kind in KINDS {
                    ui.selectable_value(&mut self.kind, Some(kind), format::run_kind(kind));
                }
            });
            named(&combo.response, "Kind of run");
            let state = self.state.map_or("All states", format::run_state);
            let combo = ComboBox::from_id_salt("state").selected_text(state).show_ui(ui, |ui| {
                ui.selectable_value(&mut self.state, None, "All states");
                for state in STATES {
                    ui.selectable_value(&mut self.state, Some(state), format::run_state(state));
                }
            });
            named(&combo.response, "State of the run");
            ui.add(
                TextEdit::singleline(&mut self.search).hint_text("Search model, sentence, seed").desired_width(220.0),
            );
            ui.checkbox(&mut self.archived, "Archived too");
        });
    }

    fn passes(&self, run: &RunRow) -> bool {
        let wanted = self.search.trim().to_lowercase();
        (self.archived || !run.archived)
            && self.kind.is_none_or(|kind| run.kind == kind)
            && self.state.is_none_or(|state| run.state == state)
            && (wanted.is_empty() || searched(run).to_lowercase().contains(&wanted))
    }
}

fn named(response: &egui::Response, name: &str) {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, name));
}

/// The words of a run that a search goes through.
fn searched(run: &RunRow) -> String {
    let spec = format::settings(&run.spec);
    format!("run {} {} {spec}", run.id.0, format::run_kind(&run.kind))
}

fn table(shown: &[&RunRow], context: &TabContext<'_>) -> Table {
    let header = ["Run", "Kind", "Model", "About", "State", "Started", "Worked", "Seed"];
    let rows = shown
        .iter()
        .map(|run| {
            let state = match run.state {
                RunState::Running | RunState::Paused => {
                    let words = progress_words(run.state, context.progress.get(&run.id));
                    let share = context.progress.get(&run.id).filter(|p| p.total > 0);
                    let share = share.map(|p| number::percent(p.done as f64 / p.total as f64));
                    share.map_or(words, |share| format!("{} {share}", format::run_state(run.state)))
                }
                state => format::run_state(state).to_owned(),
            };
            let state = if run.archived { format!("{state}, archived") } else { state };
            vec![
                run.id.0.to_string(),
                format::run_kind(&run.kind),
                run.spec.model().unwrap_or("-").to_owned(),
                format::about(&run.spec),
                state,
                run.started.as_deref().map_or_else(|| "-".to_owned(), format::local_time),
                number::duration(worked(run, context.progress.get(&run.id))),
                run.seed.to_string(),
            ]
        })
        .collect();
    Table { name: "Runs".to_owned(), header: header.map(str::to_owned).to_vec(), rows }
}
