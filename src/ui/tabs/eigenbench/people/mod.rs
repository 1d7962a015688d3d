//! People beside the models: they judge blind, their trust is held against that of the models, and it can be mixed in.

mod against;
mod rate;
mod teleport;

use std::sync::Arc;

use eframe::egui::Ui;

use self::against::Against;
use self::rate::Rate;
use super::view::View;
use crate::formats::people_comparisons;
use crate::jobs::collect::Judgements;
use crate::store::RunId;
use crate::ui::command::{Command, EigenBenchPath, LateTable, Table};
use crate::ui::context::TabContext;
use crate::ui::help::eigenbench_people as help;
use crate::ui::widgets::{empty_state, what_is};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Rate,
    Against,
    Teleport,
}

const PARTS: [(Part, &str, &str); 3] = [
    (
        Part::Rate,
        "Judge yourself",
        "Blind, with the keys 1, 0 and 2; your trust then stands beside that of the models.",
    ),
    (Part::Against, "People and models", "How far people's trust lies from that of the models, and from each other."),
    (Part::Teleport, "Mix people in", "The leaderboard as trust goes back to people more and more."),
];

/// The people part of the tab.
#[derive(Default)]
pub struct People {
    part: Part,
    rate: Rate,
    against: Against,
}

impl People {
    /// Draws the part for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (part, name, why) in PARTS {
                ui.selectable_value(&mut self.part, part, name).on_hover_text(why);
            }
            let what = "A table with person, scenario, criterion, first, second and choice, for this run.";
            if ui.button("Import choices…").on_hover_text(what).clicked() {
                commands.push(Command::ChooseForEigenBench(EigenBenchPath::People));
            }
            if view.judgements.people > 0 && ui.button("Export choices…").clicked() {
                commands.push(Command::ExportLate(table(run, &view.judgements)));
            }
            what_is(ui, help::HUMAN_PANEL.name, help::HUMAN_PANEL.text);
        });
        match self.part {
            Part::Rate => self.rate.show(ui, context, run, view, commands),
            Part::Against | Part::Teleport if view.judgements.people == 0 => {
                let text = "Judge a few pairs yourself, let others do so, or import choices that were made elsewhere.";
                if empty_state(ui, "Nobody has judged yet", text, Some("Judge yourself")) {
                    self.part = Part::Rate;
                }
            }
            Part::Against => self.against.show(ui, context, run, view, false, commands),
            Part::Teleport => self.against.show(ui, context, run, view, true, commands),
        }
    }
}

fn table(run: RunId, judgements: &Arc<Judgements>) -> LateTable {
    let (name, judgements) = (format!("people-{}", run.0), judgements.clone());
    LateTable::new(&name.clone(), move || {
        let mut rows = people_comparisons::table(&judgements.names(), &judgements.choices());
        let header = rows.remove(0);
        Table { name: name.clone(), header, rows }
    })
}
