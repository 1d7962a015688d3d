//! An audit file that somebody handed over: every check that was made of it, and what did not hold.

use eframe::egui::{ComboBox, ScrollArea, Ui};

use crate::figures::number;
use crate::jobs::spec::{RunSpec, VerifyPanelSpec};
use crate::sortition::audit::{self, AuditCheck, Subject};
use crate::store::{RunId, RunRow};
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::run_state::{self, say};
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table, empty_state};

/// Which check is shown, and what it found.
#[derive(Default)]
pub struct AuditView {
    picked: Option<RunId>,
    loaded: Loaded<Option<Vec<AuditCheck>>>,
}

fn audits<'a>(context: &TabContext<'a>) -> impl Iterator<Item = (&'a RunRow, &'a VerifyPanelSpec)> {
    context.runs.iter().filter_map(|run| match &run.spec {
        RunSpec::VerifyPanel(spec) => Some((run, spec)),
        _ => None,
    })
}

impl AuditView {
    /// Shows this check from now on.
    pub fn pick(&mut self, run: RunId) {
        self.picked = Some(run);
    }

    /// Draws the newest check, or the one that was picked.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        let picked = self.picked.and_then(|id| audits(context).find(|(run, _)| run.id == id));
        let Some((run, spec)) = picked.or_else(|| audits(context).next()) else {
            let text = "Somebody's audit file holds a lottery and its draws. Everything in it is computed again here, on your \
                        machine, from the file alone.";
            if empty_state(ui, "No audit file was checked yet", text, Some("Check an audit file…")) {
                commands.push(Command::ChooseAudit);
            }
            return;
        };
        let id = run.id;
        self.loaded.follow(context, id, |_| move |project| project.document(id, audit::CHECKS));
        ScrollArea::vertical().id_salt(("panel audit", id)).auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("Audit file");
                let name = |run: &RunRow, spec: &VerifyPanelSpec| format!("Run {}: {}", run.id.0, spec.name);
                let combo = ComboBox::from_id_salt("panel shown audit").width(220.0).truncate();
                let combo = combo.selected_text(name(run, spec)).show_ui(ui, |ui| {
                    for (other, spec) in audits(context) {
                        if ui.selectable_label(other.id == id, name(other, spec)).clicked() {
                            self.picked = Some(other.id);
                        }
                    }
                });
                combo.response.labelled_by(label.id);
                if ui.button("Check another file…").clicked() {
                    commands.push(Command::ChooseAudit);
                }
            });
            run_state::state(ui, context, run, commands);
            match self.loaded.get() {
                Some(Ok(Some(checks))) => found(ui, id, checks, commands),
                Some(Ok(None)) | None => {}
                Some(Err(problem)) => run_state::unreadable(ui, problem),
            }
            card(ui, "What the file says", |ui| says(ui, spec, commands));
            run_state::provenance(ui, run, commands);
        });
    }
}

/// A subject in words.
fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::People => "People",
        Subject::Before => "Seats settled before",
        Subject::Panels => "Panels",
        Subject::Chances => "Chances",
        Subject::Certificate => "Certificate",
        Subject::Draws => "Draws",
        Subject::Numbered => "Numbered panels",
    }
}

fn found(ui: &mut Ui, run: RunId, checks: &[AuditCheck], commands: &mut Vec<Command>) {
    let broken = checks.iter().filter(|check| !check.holds()).count();
    card(ui, "", |ui| {
        let all = number::counted(checks.len() as u64, "check", "checks");
        if broken == 0 {
            say(ui, VerdictKind::Good, &format!("It verifies: {all} hold, computed again from the file alone."));
        } else {
            let broken = number::count(broken as u64);
            say(ui, VerdictKind::Failed, &format!("It does not verify: {broken} of {all} fail."));
        }
    });
    for check in checks {
        card(ui, subject(check.subject), |ui| {
            if check.holds() {
                say(ui, VerdictKind::Good, &format!("Holds. {}", check.told));
                return;
            }
            say(ui, VerdictKind::Failed, "Does not hold. What differs:");
            let rows = check.differences.iter().map(|d| vec![d.field.clone(), d.recorded.clone(), d.found.clone()]);
            let table = Table {
                name: format!("audit differences, {}", subject(check.subject).to_lowercase()),
                header: ["field", "in the file", "found now"].map(str::to_owned).to_vec(),
                rows: rows.collect(),
            };
            data_table(ui, &format!("panel audit {} {:?}", run.0, check.subject), &table, None, commands);
        });
    }
}

fn says(ui: &mut Ui, spec: &VerifyPanelSpec, commands: &mut Vec<Command>) {
    let file = &spec.audit;
    let (size, people) = (file.quotas.size, file.people.len() as u64);
    let rule = format!("{}: {size} of {} people, {} panels.", file.algorithm, number::count(people), file.panels.len());
    ui.label(rule);
    if let Some(before) = &file.before {
        let settled = number::counted(before.people.len() as u64, "person was", "people were");
        ui.label(format!("{settled} settled before, for a panel of {}.", before.quotas.size));
    }
    let numbered = file.numbered.iter().flat_map(|numbered| &numbered.draws);
    for draw in file.draws.iter().chain(numbered) {
        let number = number::count(draw.drawn.panel as u64 + 1);
        ui.label(format!("Drawn with “{}”: panel {number}.", draw.drawn.words));
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::caption("hash of the panel").weak());
            ui.label(theme::mono(draw.drawn.panel_hash.as_str()));
        });
    }
    for (name, hash) in [("hash of the people", &file.pool_sha256), ("hash of the list", &file.list_sha256)] {
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::caption(name).weak());
            ui.label(theme::mono(hash.as_str()));
        });
    }
    if ui.button("Copy the hash of the people").clicked() {
        commands.push(Command::CopyText(file.pool_sha256.clone()));
    }
}
