//! The editor of scenarios, in the centre: one at a time, of however many there are.

use std::sync::Arc;

use eframe::egui::{DragValue, ScrollArea, TextEdit, Ui};

use crate::eigenbench::scenario::{Scenario, check_scenarios};
use crate::figures::number;
use crate::ui::format;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state};

/// Which scenario is open, and what is looked for.
#[derive(Default)]
pub struct ScenarioEditor {
    place: usize,
    wanted: String,
}

impl ScenarioEditor {
    /// Draws it; changes go into `scenarios` at once. False where it is to be closed.
    pub fn show(&mut self, ui: &mut Ui, scenarios: &mut Arc<Vec<Scenario>>) -> bool {
        let mut open = true;
        ScrollArea::vertical().id_salt("scenario editor").auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::section("Scenarios"));
                if ui.button("Done").on_hover_text("Goes back to the results; everything is saved.").clicked() {
                    open = false;
                }
            });
            ui.horizontal_wrapped(|ui| {
                let last = scenarios.len().saturating_sub(1);
                self.place = self.place.min(last);
                if ui.button("Previous").clicked() {
                    self.place = self.place.saturating_sub(1);
                }
                if ui.button("Next").clicked() {
                    self.place = (self.place + 1).min(last);
                }
                let label = ui.label("Scenario");
                let mut shown = self.place + 1;
                ui.add(DragValue::new(&mut shown).range(1..=last + 1).speed(0.2)).labelled_by(label.id);
                self.place = shown - 1;
                ui.label(theme::caption(format!("of {}", number::count(scenarios.len() as u64))).weak());
                let label = ui.label("Find");
                let field = TextEdit::singleline(&mut self.wanted).id_salt("scenario wanted").desired_width(160.0);
                let sought = ui.add(field.hint_text("a word")).labelled_by(label.id);
                if sought.changed() || ui.button("Find the next").clicked() {
                    self.find(scenarios, !sought.changed());
                }
                if ui.button("Add a scenario").clicked() {
                    let made = Arc::make_mut(scenarios);
                    let mut ids = (made.len() + 1..).map(|number| number.to_string());
                    let id = ids.find(|id| made.iter().all(|known| known.id != *id)).unwrap_or_default();
                    made.push(Scenario { id, text: String::new() });
                    self.place = made.len() - 1;
                }
            });
            if scenarios.is_empty() {
                let text =
                    "Add a scenario, import a list of them with the form, or take the 120 that come with the program.";
                empty_state(ui, "No scenario yet", text, None);
                return;
            }
            if let Err(problem) = check_scenarios(scenarios) {
                ui.label(theme::caption(format::sentence(&problem)).color(theme::palette(ui).warning));
            }
            self.one(ui, scenarios);
        });
        open
    }

    fn find(&mut self, scenarios: &[Scenario], further: bool) {
        let wanted = self.wanted.trim().to_lowercase();
        let all = scenarios.len();
        if wanted.is_empty() || all == 0 {
            return;
        }
        let from = self.place + usize::from(further);
        let mut places = (from..from + all).map(|place| place % all);
        if let Some(found) = places.find(|&place| scenarios[place].text.to_lowercase().contains(&wanted)) {
            self.place = found;
        }
    }

    fn one(&mut self, ui: &mut Ui, scenarios: &mut Arc<Vec<Scenario>>) {
        let Scenario { id, text } = scenarios[self.place].clone();
        let mut removed = false;
        card(ui, &format!("Scenario {id}"), |ui| {
            let mut edited = text;
            let width = ui.available_width().min(theme::READING_WIDTH);
            let label = ui.label(theme::caption("What somebody brings"));
            let field = TextEdit::multiline(&mut edited).id_salt(("scenario", id.as_str())).desired_rows(6);
            if ui.add(field.desired_width(width)).labelled_by(label.id).changed() {
                Arc::make_mut(scenarios)[self.place].text = edited;
            }
            removed = ui.button("Remove this scenario").on_hover_text("Ctrl+Z brings it back.").clicked();
        });
        if removed {
            Arc::make_mut(scenarios).remove(self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_with_a_word_is_found_round_the_end() {
        let list: Vec<Scenario> = ["a cat", "a dog", "a Cat again"]
            .iter()
            .zip(1..)
            .map(|(text, id)| Scenario { id: id.to_string(), text: (*text).to_owned() })
            .collect();
        let mut editor = ScenarioEditor { place: 1, wanted: "cat".into() };
        editor.find(&list, false);
        assert_eq!(editor.place, 2);
        editor.find(&list, true);
        assert_eq!(editor.place, 0);
        editor.wanted = "bird".into();
        editor.find(&list, true);
        assert_eq!(editor.place, 0);
    }
}
