//! The right side: what stands in the way of a panel, and what the lottery and the draw mean.

use eframe::egui::{ScrollArea, Ui};

use super::PanelTab;
use super::lamp;
use super::outcome::View;
use crate::sortition::feasibility::Lamp;
use crate::ui::command::Command;
use crate::ui::widgets::card;
use crate::ui::{help, theme};

impl PanelTab {
    /// Draws the right side.
    pub(super) fn why(&mut self, ui: &mut Ui, _commands: &mut Vec<Command>) {
        ScrollArea::vertical().id_salt("panel why").auto_shrink([false, false]).show(ui, |ui| {
            match self.outcome.view {
                View::Quotas => self.why_quotas(ui),
                View::Lottery => texts(ui, &[help::CHANCE, help::GINI]),
                View::Draw => texts(ui, &[help::PUBLIC_DRAW, help::PUBLIC_LOTTERY]),
            }
            ui.add_space(theme::STEP);
        });
    }

    fn why_quotas(&mut self, ui: &mut Ui) {
        let Some((_, _, reading)) = &self.read else { return };
        if let Some(answer) = self.lamp.answer() {
            let report = &answer.report;
            let title = if report.lamp == Lamp::Infeasible { "What cannot hold together" } else { "Worth knowing" };
            if !report.findings.is_empty() {
                card(ui, title, |ui| {
                    lamp::findings(ui, report, &self.draft, reading, &mut self.cursor);
                });
            }
        }
        self.suggestions.show(ui, &mut self.lamp, &mut self.draft, reading, &mut self.cursor);
        card(ui, "How to edit", |ui| {
            for line in [
                "Arrow keys, Tab and Enter move; typing replaces, F2 edits, Escape keeps.",
                "Shift and arrows select a block; copy and paste work with any spreadsheet.",
                "Ctrl+D repeats the first selected row, or the row above.",
                "Delete empties cells; Space switches slack and lock.",
                "Ctrl+Z takes back any change.",
            ] {
                ui.label(theme::caption(line).weak());
            }
        });
        texts(ui, &[help::QUOTA]);
    }
}

fn texts(ui: &mut Ui, all: &[help::Help]) {
    for text in all {
        card(ui, &format!("What is {}?", text.name), |ui| crate::ui::widgets::stat::explain(ui, text.text));
    }
}
