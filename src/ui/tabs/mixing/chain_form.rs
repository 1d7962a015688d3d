//! Coupling, scan, start and vocabulary: the part of the form that a diagram and single cells share.

use eframe::egui::{self, Ui};

use super::draft::{ChainDraft, StartKind, VocabularyKind, listed};
use super::words;
use crate::figures::number;
use crate::glauber::chain::{Coupling, Scan};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
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
    choice(ui, "Scan", &help::SCAN, &mut chain.scan, &Scan::ALL, words::scan_name, words::scan_sentence);
}

/// Where pairs start.
pub fn start(ui: &mut Ui, context: &TabContext<'_>, chain: &mut ChainDraft, commands: &mut Vec<Command>) {
    const ALL: [StartKind; 5] =
        [StartKind::Uniform, StartKind::Opposite, StartKind::Neighbours, StartKind::Sentences, StartKind::Typed];
    choice(ui, "Start", &help::START, &mut chain.start, &ALL, words::start_kind_name, words::start_kind_sentence);
    match chain.start {
        StartKind::Sentences => {
            sentence_source(ui, context, "Start", (&mut chain.list, &mut chain.lines), commands);
        }
        StartKind::Typed => {
            for (name, text) in [("From (chain X)", &mut chain.from), ("To (chain Y)", &mut chain.to)] {
                let label = ui.label(theme::caption(name));
                ui.add(
                    egui::TextEdit::singleline(text)
                        .id_salt(("mixing start", name))
                        .hint_text("a sentence as long as the chain, or longer")
                        .desired_width(ui.available_width()),
                )
                .labelled_by(label.id);
            }
        }
        StartKind::Uniform | StartKind::Opposite | StartKind::Neighbours => {}
    }
}

/// A list of the project or typed lines; `id` tells this choice from others of the form.
pub fn sentence_source(
    ui: &mut Ui,
    context: &TabContext<'_>,
    id: &str,
    (list, lines): (&mut Option<String>, &mut String),
    commands: &mut Vec<Command>,
) {
    let label = ui.label(format!("{id}: sentences from"));
    egui::ComboBox::from_id_salt(("mixing sentence list", id))
        .width(ui.available_width())
        .truncate()
        .selected_text(list.clone().unwrap_or("typed lines".to_owned()))
        .show_ui(ui, |ui| {
            ui.selectable_value(list, None, "typed lines");
            for (name, sentences) in context.sentence_lists {
                let text = format!("{name} ({})", number::count(sentences.len() as u64));
                ui.selectable_value(list, Some(name.clone()), text);
            }
        })
        .response
        .labelled_by(label.id);
    if list.is_none() {
        let label = ui.label(theme::caption("One sentence per line"));
        egui::ScrollArea::vertical().id_salt(("mixing lines scroll", id)).max_height(110.0).show(ui, |ui| {
            ui.add(
                egui::TextEdit::multiline(lines)
                    .id_salt(("mixing lines", id))
                    .desired_rows(3)
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        });
    }
    if ui.button("Import…").on_hover_text("Reads a text or CSV file of sentences into this project.").clicked() {
        commands.push(Command::ImportSentences);
    }
    let count = listed(list.as_ref(), lines, context.sentence_lists).len();
    let count = number::counted(count as u64, "sentence", "sentences");
    ui.label(theme::caption(format!("{count}; those shorter than a chain are left out")).weak());
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
