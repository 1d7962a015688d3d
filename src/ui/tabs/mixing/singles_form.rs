//! The part of the form that asks for single chains from two starts.

use eframe::egui::{self, Ui};

use super::draft::SinglesDraft;
use super::form::number;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::help;
use crate::ui::tabs::shared::start_law::{self, Problems};
use crate::ui::widgets::what_is;

/// Draws the card's content.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut SinglesDraft,
    problems: &Problems,
    commands: &mut Vec<Command>,
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.checkbox(&mut draft.on, "Compare two starts").on_hover_text(
            "Runs independent single chains from two starts: how far apart they still are at least, R-hat and effective \
             sample sizes.",
        );
        what_is(ui, help::SEPARATION.name, help::SEPARATION.text);
    });
    if !draft.on {
        return;
    }
    for (name, law) in [("Start A", &mut draft.a), ("Start B", &mut draft.b)] {
        start_law::show(ui, context, ("mixing", name), law, problems, commands);
    }
    let why = "Half of the chains teach a classifier, the others measure it: more chains give tighter bounds.";
    number(ui, "Chains from each", &mut draft.chains, 2..=10_000, why);
    ui.horizontal(|ui| {
        let label = ui.label("Compare after sweeps");
        ui.add(
            egui::TextEdit::singleline(&mut draft.times)
                .id_salt("mixing compare at")
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id)
        .on_hover_text("Between commas; the chains run to the last.");
    });
}
