//! What only a survey asks: sentences, models beside, strata, sampling and controls.

use eframe::egui::{self, Ui};

use super::draft::{CONTROLS, DISTANCES, Draft, PLAUSIBILITIES, most_rectangles};
use super::words;
use crate::figures::number;
use crate::glauber::survey::Plausibility;
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker;
use crate::ui::theme;
use crate::ui::widgets::card;

/// Sentences to try, for a project without any.
const SAMPLE: &str = "the council of citizens was chosen by lot every year .
a good law protects the weak against the strong .
the old man told the children a story about the sea .
nothing is more useful than the power to speak in public .
the ship left the harbour before the storm came .
every citizen may speak , but few are heard .";

/// Forward rows of one rectangle: two rows at each position, four times (single and double precision, batched and alone).
const ROWS_PER_RECTANGLE: u64 = 16;

/// Draws the cards.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, commands: &mut Vec<Command>) {
    card(ui, "2  Sentences", |ui| sentences(ui, context, draft, commands));
    card(ui, "3  Strata", |ui| strata(ui, draft));
    card(ui, "4  Sampling", |ui| sampling(ui, context, draft));
    card(ui, "5  Beside it", |ui| beside(ui, context, draft));
}

fn sentences(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, commands: &mut Vec<Command>) {
    let label = ui.label("Sentences from");
    let survey = &mut draft.survey;
    egui::ComboBox::from_id_salt("survey sentence list")
        .width(ui.available_width())
        .truncate()
        .selected_text(survey.list.clone().unwrap_or("typed lines".to_owned()))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut survey.list, None, "typed lines");
            for (name, sentences) in context.sentence_lists {
                let text = format!("{name} ({})", number::count(sentences.len() as u64));
                ui.selectable_value(&mut survey.list, Some(name.clone()), text);
            }
        })
        .response
        .labelled_by(label.id);
    if survey.list.is_none() {
        let label = ui.label(theme::caption("One sentence per line"));
        egui::ScrollArea::vertical().id_salt("survey lines scroll").max_height(140.0).show(ui, |ui| {
            ui.add(
                egui::TextEdit::multiline(&mut survey.lines)
                    .id_salt("survey lines")
                    .desired_rows(4)
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        });
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Import…").on_hover_text("Reads a text or CSV file of sentences into this project.").clicked() {
            commands.push(Command::ImportSentences);
        }
        if survey.list.is_none() && survey.lines.trim().is_empty() && ui.button("Use a sample").clicked() {
            survey.lines = SAMPLE.to_owned();
        }
    });
    let count = draft.survey_sentences(context.sentence_lists).len();
    ui.label(theme::caption(number::counted(count as u64, "sentence", "sentences")).weak());
}

/// A check box for membership of `value` in `ticked`.
fn tick<T: Copy + PartialEq>(ui: &mut Ui, ticked: &mut Vec<T>, value: T, text: &str) {
    let mut on = ticked.contains(&value);
    if ui.checkbox(&mut on, text).changed() {
        if on {
            ticked.push(value);
        } else {
            ticked.retain(|other| *other != value);
        }
    }
}

fn strata(ui: &mut Ui, draft: &mut Draft) {
    ui.label(theme::strong("Tokens of each pair"));
    for plausibility in PLAUSIBILITIES {
        tick(ui, &mut draft.survey.plausibilities, plausibility, words::plausibility_sentence(plausibility));
    }
    ui.label(theme::strong("Distance between the positions"));
    ui.horizontal_wrapped(|ui| {
        for distance in DISTANCES {
            tick(ui, &mut draft.survey.distances, distance, words::distance_name(distance));
        }
    });
    ui.label(theme::caption("Each combination is a stratum; strata are never pooled.").weak());
}

fn sampling(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft) {
    let survey = &mut draft.survey;
    let number_field = |ui: &mut Ui, name: &str, value: &mut u32, range: std::ops::RangeInclusive<u32>, why: &str| {
        ui.horizontal(|ui| {
            let label = ui.label(name).on_hover_text(why);
            ui.add(egui::DragValue::new(value).range(range).speed(0.2)).labelled_by(label.id).on_hover_text(why);
        });
    };
    number_field(
        ui,
        "Rectangles per sentence",
        &mut survey.per_context,
        1..=1000,
        "In each stratum. With one per sentence the intervals are Wilson's; with more they come from a bootstrap over sentences.",
    );
    if survey.plausibilities.contains(&Plausibility::TopK) {
        number_field(
            ui,
            "Likely means: among the top",
            &mut survey.top_k,
            2..=1000,
            "The k of \u{201c}two of the k likeliest tokens\u{201d}.",
        );
    }
    number_field(
        ui,
        "Bootstrap resamples",
        &mut survey.resamples,
        100..=100_000,
        "Resamples of whole sentences behind each bootstrap interval; at least 1,000 for a paper.",
    );
    if let Ok(RunSpec::Survey(spec)) = draft.spec(context.sentence_lists) {
        let rectangles = most_rectangles(&spec);
        ui.label(
            theme::caption(format!(
                "At most {}, about {} model rows. Sentences too short for a distance give none.",
                number::counted(rectangles, "rectangle", "rectangles"),
                number::count(rectangles * ROWS_PER_RECTANGLE)
            ))
            .weak(),
        );
    }
}

fn beside(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft) {
    ui.label(theme::strong("Controls"));
    for control in CONTROLS {
        tick(ui, &mut draft.survey.controls, control, words::control_sentence(control));
    }
    ui.label(theme::strong("Other models, same sentences"));
    model_picker::add_beside(ui, context, "survey", &draft.model, &mut draft.survey.beside);
}

/// Fills in sentences to try.
pub fn sample(draft: &mut Draft) {
    draft.survey.list = None;
    draft.survey.lines = SAMPLE.to_owned();
}
