//! The part of the form that asks for single chains from two starts.

use eframe::egui::{self, Ui};

use super::chain_form::sentence_source;
use super::draft::{LawDraft, LawKind, SinglesDraft};
use super::form::number;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::widgets::what_is;
use crate::ui::{help, theme};

const KINDS: [(LawKind, &str, &str); 4] = [
    (LawKind::Uniform, "random tokens", "Every token drawn uniformly, anew for each chain."),
    (
        LawKind::Anchor,
        "anchor of a basin",
        "The sentence to which most random starts are drawn at temperature 0; with 2 the second most, and so on.",
    ),
    (LawKind::Sentences, "sentences", "One of a list of sentences, drawn for each chain."),
    (LawKind::Typed, "a typed sentence", "The same sentence for every chain."),
];

/// Draws the card's content.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, draft: &mut SinglesDraft, commands: &mut Vec<Command>) {
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
    law(ui, context, "Start A", &mut draft.a, commands);
    law(ui, context, "Start B", &mut draft.b, commands);
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

fn law(ui: &mut Ui, context: &TabContext<'_>, name: &str, law: &mut LawDraft, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let label = ui.label(name);
        let shown = KINDS.iter().find(|(kind, ..)| *kind == law.kind).map_or("", |(_, text, _)| text);
        egui::ComboBox::from_id_salt(("mixing law", name))
            .width(ui.available_width())
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for (kind, text, why) in KINDS {
                    ui.selectable_value(&mut law.kind, kind, text).on_hover_text(why);
                }
            })
            .response
            .labelled_by(label.id);
    });
    match law.kind {
        LawKind::Uniform => {}
        LawKind::Anchor => {
            let why = "1 is the anchor with the largest basin among 16 quenches from random starts.";
            number(ui, &format!("{name}: anchor number"), &mut law.anchor, 1..=16, why);
        }
        LawKind::Sentences => sentence_source(ui, context, name, (&mut law.list, &mut law.lines), commands),
        LawKind::Typed => {
            let label = ui.label(theme::caption(format!("{name}: sentence")));
            ui.add(
                egui::TextEdit::singleline(&mut law.sentence)
                    .id_salt(("mixing law sentence", name))
                    .hint_text("a sentence as long as the chain, or longer")
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        }
    }
}
