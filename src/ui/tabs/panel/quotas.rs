//! The centre while quotas are edited: tools, the grid, and what to do where it is empty.

use eframe::egui::{RichText, Ui};

use super::PanelTab;
use super::draft::Place;
use super::grid::{self, Beside};
use super::lamp;
use super::people::Gathered;
use super::reading::Reading;
use crate::figures::number;
use crate::ui::command::Command;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button, empty_state};

impl PanelTab {
    /// Draws the quotas.
    pub(super) fn quotas(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        if self.draft.pool.is_none() && self.draft.quotas.is_empty() {
            let text = "Import the people who may be drawn (a table with one row for each), or look around with 300 invented \
                        volunteers and quotas that fit them.";
            if empty_state(ui, "Draw a citizens' assembly", text, Some("Begin with the sample")) {
                self.begin_sample(commands);
            }
            return;
        }
        let found = self.people.get().cloned();
        let Some((_, _, reading)) = self.read.take() else { return };
        if !reading.places.is_empty() && found.is_some() {
            lamp::show(ui, &mut self.lamp, &self.draft, &reading);
        }
        card(ui, "", |ui| {
            self.tools(ui, &reading, found.as_ref());
            self.unnamed(ui, &reading, found.as_ref());
            if reading.places.is_empty() {
                self.first_rows(ui, found.as_ref());
                return;
            }
            let height = (ui.available_height() - 28.0).max(200.0);
            let counts = found.as_ref().map(|found| &*found.counts);
            let (expected, drawn) = self.outcome.seats();
            let beside = Beside { reading: &reading, counts, expected, drawn };
            grid::show(ui, &mut self.draft, &mut self.cursor, beside, height, commands);
        });
    }

    /// What rows can be added and removed.
    fn tools(&mut self, ui: &mut Ui, reading: &Reading, found: Option<&Gathered>) {
        ui.horizontal_wrapped(|ui| {
            let at = reading.places.get(self.cursor.at.0).copied();
            if ui.button("Add value").on_hover_text("A new row below the cursor, of the same attribute.").clicked() {
                let place = self.draft.add_value(at);
                self.go_to(place, 1);
            }
            if ui.button("Add attribute").clicked() {
                let place = self.draft.add_attribute();
                self.go_to(place, 0);
            }
            let (top, bottom, ..) = self.cursor.block();
            let chosen: Vec<Place> = reading.places.iter().skip(top).take(bottom + 1 - top).copied().collect();
            let text =
                if chosen.len() == 1 { "Remove row".to_owned() } else { format!("Remove {} rows", chosen.len()) };
            if chosen.is_empty() {
                disabled_button(ui, "Remove row", "There are no rows.");
            } else if ui.button(text).on_hover_text("Undo brings them back.").clicked() {
                self.draft.remove(&chosen);
            }
            if let Some(found) = found {
                let attributes = found.stored.pool.attributes();
                if attributes.iter().any(|known| self.draft.quotas.iter().all(|quota| quota.name != known.name)) {
                    let more = ui.button("Add all attributes of the people");
                    if more.on_hover_text("Rows without bounds for everything the table knows.").clicked() {
                        self.draft.add_attributes(attributes, None);
                    }
                }
            }
            if let Some(note) = &self.cursor.note {
                ui.label(theme::caption(note.as_str()).weak());
            }
        });
    }

    /// Says which values of the people no row names.
    fn unnamed(&mut self, ui: &mut Ui, reading: &Reading, found: Option<&Gathered>) {
        let Some(first) = reading.unnamed.first() else { return };
        let (attribute, value, people) = first;
        let people = number::counted(*people as u64, "person has", "people have");
        let more = match reading.unnamed.len() - 1 {
            0 => String::new(),
            more => format!(" The same holds for {}.", number::counted(more as u64, "other value", "other values")),
        };
        ui.horizontal_wrapped(|ui| {
            let text = format!("{people} “{value}” for {attribute}, which no row names.{more}");
            ui.label(RichText::new(text).color(theme::palette(ui).warning));
            if ui.button("Add rows for them").clicked()
                && let Some(found) = found
            {
                self.draft.add_missing_values(found.stored.pool.attributes());
            }
        });
    }

    /// The grid is empty.
    fn first_rows(&mut self, ui: &mut Ui, found: Option<&Gathered>) {
        let Some(found) = found else {
            ui.spinner();
            return;
        };
        let text = "One row for each value of what the table knows of everybody. Then type the shares of the population, or \
                    the fewest and most people of each value. A table copied from a spreadsheet can be pasted too.";
        if empty_state(ui, "No quotas yet", text, Some("Add the attributes of the people")) {
            self.draft.add_attributes(found.stored.pool.attributes(), None);
        }
        ui.vertical_centered(|ui| {
            let text = "Or with the people's own shares";
            if ui.button(text).on_hover_text("A panel that looks like the pool, as a start.").clicked() {
                let pool = &found.stored.pool;
                let counts: Vec<Vec<usize>> = (0..pool.attributes().len()).map(|k| pool.counts(k)).collect();
                self.draft.add_attributes(pool.attributes(), Some(&counts));
            }
        });
    }

    /// Puts the cursor on a row that was just made.
    fn go_to(&mut self, place: Place, column: usize) {
        if let Some(row) = self.draft.places().iter().position(|&other| other == place) {
            self.cursor.put((row, column));
        }
    }
}
