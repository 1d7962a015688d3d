//! The right side: why. What a trajectory is, the caption for a paper, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::run_state::{caption_card, provenance};
use super::basins::explained;
use super::view::View;
use super::words;
use crate::figures::number;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::widgets::card;
use crate::ui::widgets::stat::{self, stat};
use crate::ui::{help, theme};

/// Draws the right side.
pub fn show(ui: &mut Ui, run: Option<&RunRow>, view: Option<&View>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("trajectories why").auto_shrink([false, false]).show(ui, |ui| {
        if let Some(view) = view.filter(|view| !view.basins.is_empty()) {
            statistics(ui, view);
            caption_card(ui, words::caption(view), commands);
        }
        if let Some(run) = run {
            provenance(ui, run, commands);
        }
        card(ui, "What is a trajectory?", |ui| stat::explain(ui, help::TRAJECTORY.text));
    });
}

fn statistics(ui: &mut Ui, view: &View) {
    card(ui, "Statistics", |ui| {
        let snapshots = view.basins.first().map_or(0, |set| set.basins.iter().map(|basin| basin.members as u64).sum());
        stat(ui, "Snapshots", &number::count(snapshots), help::TRAJECTORY.text);
        for set in &view.basins {
            stat(ui, words::kind_name(set.kind), &number::count(set.basins.len() as u64), explained(set.kind));
        }
        if let Some(iat) = view.stages.dwell.as_ref().and_then(|dwell| dwell.iat_sweeps) {
            let value = format!("{} sweeps", number::general(iat, 3));
            stat(ui, "Autocorrelation time", &value, help::AUTOCORRELATION_TIME.text);
        }
        if let Some(found) = view.stages.reference {
            let share = |rate: Option<f64>| rate.map_or("none yet".to_owned(), number::percent);
            stat(ui, "Novel proposals accepted", &share(found.acceptance.rate()), help::METROPOLIS.text);
            stat(ui, "Steps that moved", &share(found.acceptance.novel_transition_rate()), help::METROPOLIS.text);
            let rows = found.rows_per_step().map_or("none yet".to_owned(), |rows| number::general(rows, 3));
            stat(ui, "Forward rows a step", &rows, help::METROPOLIS.text);
        }
        let worst = view.stages.ending.as_ref().and_then(|ending| {
            ending.diagnostics.iter().filter_map(|found| found.convergence.r_hat).max_by(f64::total_cmp)
        });
        if let Some(worst) = worst {
            stat(ui, "Largest R-hat", &number::fixed(worst, 3), help::R_HAT.text);
            ui.label(theme::caption("A diagnostic, not proof of mixing.").weak());
        }
    });
}
