//! What only a phase diagram asks: models beside, the grid, how many pairs, order parameter and theory.

use eframe::egui::{self, Ui};

use super::chain_form;
use super::draft::Draft;
use super::form::{number, seed_card};
use crate::figures::number as write;
use crate::glauber::experiments::{KeepTokens, TOKEN_BUDGET};
use crate::glauber::phase::Grid;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::ModelPicker;
use crate::ui::tabs::shared::start_law::Problems;
use crate::ui::widgets::{card, what_is};
use crate::ui::{help, theme};

/// Grids to start from: name, numbers between commas.
const TEMPERATURES: [(&str, &str); 3] = [
    ("Coarse, 0.3 to 4", "0.3, 0.5, 0.7, 0.85, 1, 1.3, 1.6, 2, 2.5, 3.2, 4"),
    ("Five, for a first look", "0.5, 0.85, 1.3, 2, 4"),
    ("Around 1, for Curie-Weiss", "0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.4"),
];
const LENGTHS: [(&str, &str); 3] = [
    ("Short, 4 to 16", "4, 8, 12, 16"),
    ("Three, for a first look", "4, 8, 16"),
    ("Doubling, 4 to 64", "4, 8, 16, 32, 64"),
];

/// Pairs of a cell that are kept when a number is first asked for.
const FIRST_KEPT: u64 = 8;

/// Draws the cards.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    beside: &mut ModelPicker,
    problems: &Problems,
    commands: &mut Vec<Command>,
) {
    card(ui, "2  Grid", |ui| grid(ui, draft));
    card(ui, "3  Coupling and start", |ui| {
        chain_form::dynamics(ui, &mut draft.chain);
        chain_form::start(ui, context, &mut draft.chain, problems, commands);
        chain_form::vocabulary(ui, &mut draft.chain);
    });
    card(ui, "4  Pairs", |ui| pairs(ui, draft));
    card(ui, "5  Beside it", |ui| {
        let model = draft.model.clone();
        beside.beside(ui, context, "mixing", &model, &mut draft.phase.beside);
        let control = "curie-weiss:beta=1";
        if !draft.phase.beside.iter().any(|model| model == control)
            && ui
                .button("Add the Curie-Weiss control")
                .on_hover_text("Spins whose exact mixing time is known at every temperature: a ruler beside the model.")
                .clicked()
        {
            draft.phase.beside.push(control.to_owned());
        }
    });
    card(ui, "6  Order, theory, seed", |ui| order(ui, draft));
}

/// A list of numbers as text, with a menu of presets.
pub fn numbers(ui: &mut Ui, name: &str, text: &mut String, presets: &[(&str, String)]) -> egui::Response {
    ui.horizontal(|ui| {
        let label = ui.label(name);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let menu = ui.menu_button("Presets", |ui| {
                for (preset, numbers) in presets {
                    if ui.button(*preset).on_hover_text(numbers).clicked() {
                        text.clone_from(numbers);
                        ui.close();
                    }
                }
            });
            menu.response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Presets for {name}")));
        });
        label
    });
    let field = egui::TextEdit::multiline(text)
        .id_salt(("mixing numbers", name))
        .desired_rows(1)
        .desired_width(ui.available_width());
    let response = ui.add(field);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
    response
}

fn grid(ui: &mut Ui, draft: &mut Draft) {
    let full = Grid::default();
    let written = |values: Vec<String>| values.join(", ");
    let preset = |(name, numbers): &(&'static str, &str)| (*name, (*numbers).to_owned());
    let mut temperatures: Vec<(&str, String)> = TEMPERATURES.iter().map(preset).collect();
    temperatures.push(("Full, 13 temperatures", written(full.temperatures.iter().map(ToString::to_string).collect())));
    let mut lengths: Vec<(&str, String)> = LENGTHS.iter().map(preset).collect();
    lengths.push(("Full, 9 lengths", written(full.lengths.iter().map(ToString::to_string).collect())));
    numbers(ui, "Temperatures", &mut draft.phase.temperatures, &temperatures);
    numbers(ui, "Lengths in tokens", &mut draft.phase.lengths, &lengths);
    number(
        ui,
        "Cap in sweeps",
        &mut draft.phase.cap_sweeps,
        1..=1_000_000,
        "The longest a pair runs, in sweeps of n steps; a pair that has not met by then is censored.",
    );
    let cells = match (draft.temperatures(), draft.lengths()) {
        (Ok(temperatures), Ok(lengths)) => temperatures.len() * lengths.len() * (1 + draft.phase.beside.len()),
        (Err(problem), _) | (_, Err(problem)) => {
            ui.label(theme::caption(problem).color(theme::palette(ui).bad));
            return;
        }
    };
    ui.label(theme::caption(write::counted(cells as u64, "cell", "cells")).weak());
}

fn pairs(ui: &mut Ui, draft: &mut Draft) {
    let phase = &mut draft.phase;
    number(
        ui,
        "Pairs at a time",
        &mut phase.batch,
        1..=10_000,
        "Every cell gets this many pairs first, for a coarse picture; then the least certain cells get more.",
    );
    number(ui, "Most pairs of a cell", &mut phase.most_pairs, 1..=100_000, "A cell that has run so many is finished.");
    let mut percent = phase.relative_width * 100.0;
    number(
        ui,
        "Precision in %",
        &mut percent,
        1.0..=200.0,
        "A cell is finished once the 95 % interval of its coupling time is narrower than this share of it.",
    );
    if (percent - phase.relative_width * 100.0).abs() > 1e-9 {
        phase.relative_width = percent / 100.0;
    }
    keep_tokens(ui, draft);
}

/// Which pairs can be read afterwards, and what that takes at most.
fn keep_tokens(ui: &mut Ui, draft: &mut Draft) {
    let keep = &mut draft.phase.keep_tokens;
    let label = ui.label("Pairs that can be read afterwards");
    let budget = format!("As many as fit {}", write::bytes(TOKEN_BUDGET));
    let first = match *keep {
        KeepTokens::First(count) => count,
        _ => FIRST_KEPT,
    };
    let all = [
        (KeepTokens::Budgeted, budget.as_str()),
        (KeepTokens::All, "All"),
        (KeepTokens::First(first), "The first of each cell"),
        (KeepTokens::None, "None"),
    ];
    let shown = all.iter().find(|(choice, _)| choice == keep).map_or("", |(_, text)| text);
    egui::ComboBox::from_id_salt("mixing kept tokens")
        .width(ui.available_width())
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (choice, text) in all {
                ui.selectable_value(keep, choice, text);
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(
            "Keeps the token of every step of these pairs, so that a click on a cell and a pair reads them.",
        );
    if let KeepTokens::First(count) = keep {
        number(ui, "Pairs kept of a cell", count, 1..=100_000, "The first so many pairs of each cell.");
    }
    if let (Ok(temperatures), Ok(lengths)) = (draft.temperatures(), draft.lengths()) {
        let phase = &draft.phase;
        let cells = temperatures.len() * (1 + phase.beside.len());
        // Two chains of a pair, two bytes a token of a vocabulary of up to 65,536.
        let pair = |&length: &u32| 4 * phase.cap_sweeps.saturating_mul(u64::from(length));
        let pairs: Vec<u64> = lengths.iter().flat_map(|length| std::iter::repeat_n(pair(length), cells)).collect();
        let most = phase.keep_tokens.most_bytes(phase.most_pairs, &pairs);
        if most > 0 {
            let text = format!("At most {} if no pair meets; nothing after a meeting.", write::bytes(most));
            ui.label(theme::caption(text).weak());
        }
    }
}

fn order(ui: &mut Ui, draft: &mut Draft) {
    let phase = &mut draft.phase;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label("Order parameter");
        what_is(ui, help::ORDER_PARAMETER.name, help::ORDER_PARAMETER.text);
    });
    number(ui, "Chains of a cell", &mut phase.order_chains, 0..=10_000, "Single chains, in couples; 0 leaves it out.");
    number(ui, "Sweeps before it is read", &mut phase.order_sweeps, 1..=100_000, "How long each of these chains runs.");
    let mut theory = phase.theory.is_some();
    if ui
        .checkbox(&mut theory, "Sample influence and margins (theory)")
        .on_hover_text("Puts the mixing and escape bounds beside what is measured.")
        .changed()
    {
        phase.theory = theory.then(Default::default);
    }
    seed_card(ui, draft);
}
