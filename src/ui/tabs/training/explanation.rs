//! The right side: why. What the weights did, what a preference training is, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::run_state::{caption_card, provenance};
use super::view::View;
use super::words;
use crate::figures::number;
use crate::jobs::train::TrainPlan;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::help;
use crate::ui::theme;
use crate::ui::widgets::card;
use crate::ui::widgets::stat::{self, stat};

/// Draws the right side.
pub fn show(ui: &mut Ui, run: Option<&RunRow>, view: Option<&View>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("training why").auto_shrink([false, false]).show(ui, |ui| {
        if let Some(plan) = view.and_then(|view| view.plan.as_deref()) {
            card(ui, "Weights of this run", |ui| weights(ui, plan));
        }
        if let (Some(run), Some(view)) = (run, view.filter(|view| !view.steps.is_empty())) {
            caption_card(ui, words::caption(run, view), commands);
        }
        if let Some(run) = run {
            provenance(ui, run, commands);
        }
        card(ui, "What is a preference training?", |ui| stat::explain(ui, help::DPO.text));
        card(ui, "What is a scheme?", |ui| stat::explain(ui, help::RATER_SCHEME.text));
    });
}

fn weights(ui: &mut Ui, plan: &TrainPlan) {
    let effective = help::EFFECTIVE_PEOPLE.text;
    let count = |value: usize| number::count(value as u64);
    stat(ui, "Raters", &count(plan.outlook.raters), help::RATER_SCHEME.text);
    stat(ui, "Worth equal raters", &number::fixed(plan.outlook.effective_raters, 1), effective);
    stat(ui, "Pairs", &count(plan.outlook.pairs), help::RATER_SCHEME.text);
    stat(ui, "Worth equal pairs", &number::fixed(plan.outlook.effective_pairs, 1), effective);
    stat(ui, "Visits", &number::count(plan.outlook.visits), help::RATER_SCHEME.text);
    stat(ui, "Held-out raters", &count(plan.outlook.held_out_raters), help::HELD_OUT_RATERS.text);
    let closed = if plan.outlook.closed_form { "yes" } else { "no" };
    stat(ui, "Closed form", closed, help::CLOSED_FORM.text);
    let share = plan.trained as f64 / plan.parameters.max(1) as f64;
    let trained = format!("{} ({})", number::count(plan.trained), number::percent(share));
    stat(ui, "Numbers trained", &trained, help::DPO.text);
    if plan.outlook.without_pairs > 0 {
        let people = number::counted(plan.outlook.without_pairs as u64, "person", "people");
        ui.label(theme::caption(format!("{people} of the scheme have no preferences in the file.")));
    }
}
