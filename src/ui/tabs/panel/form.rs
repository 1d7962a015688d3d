//! The left side: people, the panel, the lottery, and the button that starts it.

use eframe::egui::{self, DragValue, Frame, Margin, Panel, ScrollArea, TextEdit, Ui};

use super::already::AlreadyState;
use super::draft::{Draft, Source, tolerance};
use super::people::{Gathered, People};
use super::words;
use crate::jobs::spec::RunSpec;
use crate::sortition::algorithm::Algorithm;
use crate::ui::command::Command;
use crate::ui::tabs::shared::start;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button, primary_button};

/// Draws the form; `ready` says why a lottery cannot start now, or nothing. Tells whether one was started.
pub fn show(
    ui: &mut Ui,
    people: &mut People,
    already: &mut AlreadyState,
    draft: &mut Draft,
    ready: Result<(), String>,
    spec: impl FnOnce(&Draft, &Gathered) -> Option<RunSpec>,
    commands: &mut Vec<Command>,
) -> bool {
    let pressed = ui.input_mut(|input| input.consume_shortcut(&start::START));
    let mut started = false;
    Panel::bottom("panel start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| match &ready {
            Ok(()) => {
                let button = primary_button(ui, "Run the lottery");
                let keys = ui.ctx().format_shortcut(&start::START);
                let clicked = button.on_hover_text(format!("{} ({keys}).", draft.in_words())).clicked();
                started = clicked || pressed;
            }
            Err(why) => {
                ui.label(theme::caption(why.as_str()).weak());
                disabled_button(ui, "Run the lottery", why);
            }
        });
    ScrollArea::vertical().id_salt("panel form").auto_shrink([false, false]).show(ui, |ui| {
        people.card(ui, draft, commands);
        let sharing = people.get().map_or(0, |found| found.sharing);
        card(ui, "2  Panel", |ui| panel(ui, draft, sharing));
        already.card(ui, draft, people.get(), commands);
        card(ui, "4  Lottery", |ui| lottery(ui, draft));
        ui.add_space(theme::STEP);
    });
    if started
        && let Some(found) = people.get()
        && let Some(spec) = spec(draft, found)
    {
        commands.push(Command::StartRun(Box::new(spec)));
        return true;
    }
    false
}

fn panel(ui: &mut Ui, draft: &mut Draft, sharing: usize) {
    let (size, general) = (draft.size, draft.tolerance.clone());
    ui.horizontal(|ui| {
        let label = ui.label("People to draw");
        ui.add(DragValue::new(&mut draft.size).range(1..=100_000).speed(0.2)).labelled_by(label.id);
    });
    let source = draft.source;
    ui.horizontal(|ui| {
        ui.selectable_value(&mut draft.source, Source::Shares, "From shares")
            .on_hover_text("Min and max follow the shares of the population, the tolerance and the panel's size.");
        ui.selectable_value(&mut draft.source, Source::Counts, "From counts")
            .on_hover_text("Min and max are typed; they stay when the size changes.");
    });
    if draft.source == Source::Shares {
        ui.horizontal(|ui| {
            let label = ui.label("Tolerance for all");
            ui.add(TextEdit::singleline(&mut draft.tolerance).id_salt("panel tolerance").desired_width(48.0))
                .labelled_by(label.id);
            ui.label("% of each share");
        });
        if tolerance(&draft.tolerance).is_none() {
            let told = "Type a percentage, such as 10.";
            ui.label(theme::caption(told).color(theme::palette(ui).bad));
        }
    } else if ui
        .button("Shares from these counts")
        .on_hover_text("Fills each share with the middle of its bounds over the size of the panel.")
        .clicked()
    {
        draft.shares_from_counts();
    }
    let derive = size != draft.size || general != draft.tolerance || source != draft.source;
    if derive && draft.source == Source::Shares {
        draft.derive_all();
    }
    let why = "People with the same address never sit together.";
    let known = sharing > 0 || draft.one_per_household;
    let household = egui::Checkbox::new(&mut draft.one_per_household, "At most one of a household");
    if known {
        ui.add(household).on_hover_text(why);
    } else {
        let nobody = "Nobody is known to share a household: import people with a column that names it.";
        ui.add_enabled(false, household).on_disabled_hover_text(nobody);
    }
}

fn lottery(ui: &mut Ui, draft: &mut Draft) {
    let label = ui.label("Rule");
    egui::ComboBox::from_id_salt("panel rule")
        .width(ui.available_width())
        .selected_text(words::rule_name(draft.algorithm))
        .show_ui(ui, |ui| {
            for rule in Algorithm::ALL {
                ui.selectable_value(&mut draft.algorithm, rule, words::rule_name(rule))
                    .on_hover_text(words::rule_sentence(rule));
            }
        })
        .response
        .labelled_by(label.id);
    ui.label(theme::caption(words::rule_sentence(draft.algorithm)).weak());
    if draft.algorithm.is_sampled() {
        ui.horizontal(|ui| {
            let label = ui.label("Draws");
            ui.add(DragValue::new(&mut draft.draws).range(100..=10_000_000).speed(100.0))
                .labelled_by(label.id)
                .on_hover_text("Chances are counted from so many draws; more make the intervals narrower.");
        });
    }
    ui.horizontal(|ui| {
        let label = ui.label("Seed");
        ui.add(DragValue::new(&mut draft.seed).speed(0.2)).labelled_by(label.id);
        ui.label(theme::caption("not that of the draw").weak());
    });
}
