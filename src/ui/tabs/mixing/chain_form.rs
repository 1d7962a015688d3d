//! Coupling, scan, start and vocabulary: the part of the form that a diagram and single cells share.

use eframe::egui::{self, Ui};

use super::draft::{ChainDraft, StartKind, VocabularyKind};
use super::words;
use crate::glauber::chain::{Coupling, Scan};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::start_law::{self, Problems};
use crate::ui::widgets::what_is;
use crate::ui::{help, theme};

/// A combo box over a few named values, each with a sentence.
fn choice<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    explanation: &help::Help,
    value: &mut T,
    all: &[T],
    text: impl Fn(T) -> &'static str,
    sentence: impl Fn(T) -> &'static str,
) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let label = ui.label(name);
        what_is(ui, explanation.name, explanation.text);
        egui::ComboBox::from_id_salt(("mixing choice", name))
            .width(ui.available_width())
            .truncate()
            .selected_text(text(*value))
            .show_ui(ui, |ui| {
                for &option in all {
                    ui.selectable_value(value, option, text(option)).on_hover_text(sentence(option));
                }
            })
            .response
            .labelled_by(label.id);
    });
}

/// The order of updates.
pub fn scan(ui: &mut Ui, chain: &mut ChainDraft) {
    choice(ui, "Scan", &help::SCAN, &mut chain.scan, &Scan::ALL, words::scan_name, words::scan_sentence);
}

/// Coupling and scan.
pub fn dynamics(ui: &mut Ui, chain: &mut ChainDraft) {
    choice(
        ui,
        "Coupling",
        &help::COUPLING,
        &mut chain.coupling,
        &Coupling::ALL,
        words::coupling_name,
        words::coupling_sentence,
    );
    scan(ui, chain);
}

/// Where pairs start.
pub fn start(
    ui: &mut Ui,
    context: &TabContext<'_>,
    chain: &mut ChainDraft,
    problems: &Problems,
    commands: &mut Vec<Command>,
) {
    const ALL: [StartKind; 5] =
        [StartKind::Uniform, StartKind::Opposite, StartKind::Neighbours, StartKind::Sentences, StartKind::Typed];
    choice(ui, "Start", &help::START, &mut chain.start, &ALL, words::start_kind_name, words::start_kind_sentence);
    match chain.start {
        StartKind::Sentences => {
            start_law::sentence_source(ui, context, ("mixing", "Start"), (&mut chain.list, &mut chain.lines), commands);
        }
        StartKind::Typed => {
            for (name, text) in [("From (chain X)", &mut chain.from), ("To (chain Y)", &mut chain.to)] {
                start_law::typed_field(ui, ("mixing", name), text, problems);
            }
        }
        StartKind::Uniform | StartKind::Opposite | StartKind::Neighbours => {}
    }
}

/// Which tokens may stand at the free positions.
pub fn vocabulary(ui: &mut Ui, chain: &mut ChainDraft) {
    const ALL: [VocabularyKind; 3] = [VocabularyKind::Whole, VocabularyKind::WholeWords, VocabularyKind::Typed];
    choice(
        ui,
        "Tokens",
        &help::CHAIN_VOCABULARY,
        &mut chain.vocabulary,
        &ALL,
        words::vocabulary_kind_name,
        words::vocabulary_kind_sentence,
    );
    if chain.vocabulary == VocabularyKind::Typed {
        let label = ui.label(theme::caption("Allowed tokens, between spaces"));
        ui.add(
            egui::TextEdit::singleline(&mut chain.typed)
                .id_salt("mixing vocabulary")
                .hint_text("two or more, such as: war peace law")
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    }
}
