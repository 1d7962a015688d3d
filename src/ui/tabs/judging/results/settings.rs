//! The row of settings above the results: whose verdicts, on what, and how they are counted.

use std::collections::BTreeSet;

use eframe::egui::{ComboBox, DragValue, ScrollArea, Ui};

use super::view::Settings;
use super::words;
use crate::figures::number;
use crate::ranking::verdicts::{Cluster, Unit, Verdicts};
use crate::ui::widgets::card;

/// Height of a list of clauses.
const LIST: f32 = 320.0;

impl Settings {
    /// Whether no verdict is left.
    pub(super) fn selection_is_empty(&self, verdicts: &Verdicts) -> bool {
        let selection = &self.selection;
        (selection.judges.is_some() || selection.clauses.is_some())
            && !verdicts.verdicts.iter().any(|verdict| {
                let clause = verdicts.questions[verdict.question as usize].clause;
                selection.judges.as_ref().is_none_or(|judges| judges.contains(&verdict.judge))
                    && selection.clauses.as_ref().is_none_or(|clauses| clauses.contains(&clause))
            })
    }
}

/// Draws the settings.
pub(super) fn show(ui: &mut Ui, verdicts: &Verdicts, settings: &mut Settings) {
    card(ui, "", |ui| {
        ui.horizontal_wrapped(|ui| {
            let judges: Vec<(u16, &str)> = (0..).zip(verdicts.judges.iter().map(String::as_str)).collect();
            several(ui, "Judges", ["judge", "judges"], &judges, &mut settings.selection.judges);
            let clauses: Vec<(u32, &str)> = (0..).zip(verdicts.clauses.iter().map(String::as_str)).collect();
            several(ui, "Clauses", ["clause", "clauses"], &clauses, &mut settings.selection.clauses);
            one(ui, "Count", &mut settings.unit, &[Unit::Votes, Unit::Majorities], words::unit_name);
            one(ui, "Draw again", &mut settings.cluster, &[Cluster::Question, Cluster::Clause], words::cluster_name);
            let label = ui.label("Resamples");
            ui.add(DragValue::new(&mut settings.resamples).range(100..=10_000).speed(10.0)).labelled_by(label.id);
            let label = ui.label("Seed");
            ui.add(DragValue::new(&mut settings.seed)).labelled_by(label.id);
        });
    });
}

fn one<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    value: &mut T,
    all: &[T],
    name: fn(T) -> (&'static str, &'static str),
) {
    let label_response = ui.label(label);
    ComboBox::from_id_salt(("judging setting", label))
        .selected_text(name(*value).0)
        .show_ui(ui, |ui| {
            for &other in all {
                let (text, about) = name(other);
                ui.selectable_value(value, other, text).on_hover_text(about);
            }
        })
        .response
        .labelled_by(label_response.id);
}

/// A choice of some of many; all of them is `None`.
fn several<P: Copy + Ord>(
    ui: &mut Ui,
    label: &str,
    [single, plural]: [&str; 2],
    all: &[(P, &str)],
    chosen: &mut Option<BTreeSet<P>>,
) {
    let text = match chosen {
        None => format!("All {plural}"),
        Some(chosen) => number::counted(chosen.len() as u64, single, plural),
    };
    let label_response = ui.label(label);
    ComboBox::from_id_salt(("judging selection", label))
        .selected_text(text)
        .close_behavior(eframe::egui::PopupCloseBehavior::CloseOnClickOutside)
        .show_ui(ui, |ui| {
            ui.horizontal(|ui| {
                if ui.button("All").clicked() {
                    *chosen = None;
                }
                if ui.button("None").clicked() {
                    *chosen = Some(BTreeSet::new());
                }
            });
            ScrollArea::vertical().max_height(LIST).show(ui, |ui| {
                for &(place, name) in all {
                    let mut within = chosen.as_ref().is_none_or(|chosen| chosen.contains(&place));
                    if ui.checkbox(&mut within, words::short(name, 80)).on_hover_text(name).changed() {
                        let set = chosen.get_or_insert_with(|| all.iter().map(|(place, _)| *place).collect());
                        if within {
                            set.insert(place);
                        } else {
                            set.remove(&place);
                        }
                        if set.len() == all.len() {
                            *chosen = None;
                        }
                    }
                }
            });
        })
        .response
        .labelled_by(label_response.id);
}
