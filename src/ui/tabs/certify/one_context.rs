//! Results of one context: verdict, rectangle field, the selected rectangle, all rectangles, the certificate.

use eframe::egui::{self, Key, Modifiers, Ui};

use super::certificate::{self, Verifications};
use super::survey::TWO_COLUMNS;
use super::view::{At, ContextView};
use super::{figures, rectangle, words};
use crate::figures::number;
use crate::store::{RunId, RunRow};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::{card, data_table_of, figure_view};

/// What is selected in the results of one context.
#[derive(Default)]
pub struct OneContext {
    /// The run the selection belongs to.
    run: Option<RunId>,
    /// A rectangle chosen by hand; otherwise the one with the largest |R|.
    chosen: Option<At>,
    /// The first of two clicked cells.
    first_cell: Option<(usize, usize)>,
}

impl OneContext {
    /// The selected rectangle of `view`.
    pub fn selected(&self, view: &ContextView) -> Option<At> {
        self.chosen.filter(|&at| view.contains(at)).or_else(|| view.largest())
    }
    /// Takes a clicked cell: the first opens a rectangle, the second, in another row and column, closes it.
    fn click(&mut self, cell: (usize, usize)) {
        match self.first_cell {
            Some(first) if first.0 != cell.0 && first.1 != cell.1 => {
                self.chosen =
                    Some((first.0.min(cell.0), first.0.max(cell.0), first.1.min(cell.1), first.1.max(cell.1)));
                self.first_cell = None;
            }
            Some(first) if first == cell => self.first_cell = None,
            _ => self.first_cell = Some(cell),
        }
    }
    /// Cells to outline.
    fn marked(&self, view: &ContextView) -> Vec<(usize, usize)> {
        if let Some(cell) = self.first_cell {
            return vec![cell];
        }
        let Some((a, a2, b, b2)) = self.selected(view) else { return Vec::new() };
        vec![(a, b), (a, b2), (a2, b), (a2, b2)]
    }
}

/// Draws the results.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    view: &ContextView,
    state: &mut OneContext,
    verifications: &mut Verifications,
    commands: &mut Vec<Command>,
) {
    if state.run != Some(run.id) {
        *state = OneContext { run: Some(run.id), ..OneContext::default() };
    }
    let chosen_by_hand = state.first_cell.is_some() || state.chosen.is_some();
    if chosen_by_hand && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        (state.first_cell, state.chosen) = (None, None);
    }
    let result = &view.result;
    let (kind, sentence) = words::verdict(&result.certificate.assessment);
    say(ui, kind, &sentence);
    ui.label(
        theme::caption(format!(
            "{} in \u{201c}{}\u{201d}, positions {} and {} (counted from 0), τ = {}: {} among {} × {} tokens; the largest |R| decides.",
            view.spec.model,
            words::shortened(&view.spec.sentence, 80),
            view.spec.positions.0,
            view.spec.positions.1,
            number::general(view.spec.temperature, 4),
            number::counted(view.total, "rectangle", "rectangles"),
            result.texts_a.len(),
            result.texts_b.len(),
        ))
        .weak(),
    );
    let Some(at) = state.selected(view) else {
        card(ui, "", |ui| field(ui, view, state, commands));
        return;
    };
    let temperature = figures::temperature(view.corners(at).r(1.0), view.spec.temperature);
    // In a wide window the field and the rectangle chosen in it stand side by side.
    let columns = if ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
    ui.columns(columns, |columns| {
        let last = columns.len() - 1;
        card(&mut columns[0], "", |ui| field(ui, view, state, commands));
        card(&mut columns[last], "Selected rectangle", |ui| {
            corner_choice(ui, view, at, state);
            rectangle::show(ui, view, at, commands);
        });
        card(&mut columns[0], "", |ui| {
            figure_view(ui, "certify temperature", &temperature, 200.0, &[], commands);
        });
        card(&mut columns[last], "Certificate", |ui| {
            certificate::show(ui, context, view, at, verifications, commands);
        });
    });
    card(ui, "All rectangles", |ui| all_rectangles(ui, view, at, state, commands));
}

fn field(ui: &mut Ui, view: &ContextView, state: &mut OneContext, commands: &mut Vec<Command>) {
    let rows = view.result.texts_a.len() as f32;
    let height = (rows * 40.0 + 70.0).clamp(220.0, 420.0);
    let marked = state.marked(view);
    let response = figure_view(ui, "certify field", &view.field, height, &marked, commands);
    if let Some(cell) = response.clicked_cell {
        state.click(cell);
    }
    let hint = match state.first_cell {
        Some((row, column)) => format!(
            "First corner: {} and {}. Now click a cell in another row and another column; Esc lets go.",
            view.result.texts_a[row.min(view.result.texts_a.len() - 1)],
            view.result.texts_b[column.min(view.result.texts_b.len() - 1)]
        ),
        None => "Click two cells in different rows and columns to choose a rectangle; outlined: the selected one."
            .to_owned(),
    };
    ui.label(theme::caption(hint));
}

/// The four tokens as combo boxes: the same choice for the keyboard.
fn corner_choice(ui: &mut Ui, view: &ContextView, at: At, state: &mut OneContext) {
    let (mut a, mut a2, mut b, mut b2) = at;
    ui.horizontal_wrapped(|ui| {
        corner(ui, "a", &view.result.texts_a, &mut a, a2);
        corner(ui, "a'", &view.result.texts_a, &mut a2, a);
        corner(ui, "b", &view.result.texts_b, &mut b, b2);
        corner(ui, "b'", &view.result.texts_b, &mut b2, b);
        if state.chosen.is_some() && ui.button("Largest |R|").on_hover_text("Goes back to the largest |R|.").clicked() {
            state.chosen = None;
            (a, a2, b, b2) = at;
        }
    });
    let changed = (a.min(a2), a.max(a2), b.min(b2), b.max(b2));
    if changed != at {
        state.chosen = Some(changed);
        state.first_cell = None;
    }
}

fn corner(ui: &mut Ui, name: &str, texts: &[String], chosen: &mut usize, other: usize) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let label = ui.label(name);
        egui::ComboBox::from_id_salt(("certify corner", name))
            .width(104.0)
            .truncate()
            .selected_text(theme::mono(texts.get(*chosen).cloned().unwrap_or_default()))
            .show_ui(ui, |ui| {
                for (place, text) in texts.iter().enumerate().filter(|(place, _)| *place != other) {
                    ui.selectable_value(chosen, place, theme::mono(text));
                }
            })
            .response
            .labelled_by(label.id);
    });
}

fn all_rectangles(ui: &mut Ui, view: &ContextView, at: At, state: &mut OneContext, commands: &mut Vec<Command>) {
    if view.total > view.order.len() as u64 {
        ui.label(
            theme::caption(format!(
                "The {} with the largest |R| of {}. Choose any other in the field.",
                number::count(view.order.len() as u64),
                number::count(view.total)
            ))
            .weak(),
        );
    }
    let selected = view.order.iter().position(|&k| view.result.rectangles[k].at == at);
    if let Some(row) =
        data_table_of(ui, "certify rectangles", &view.table, selected, Some(&view.data), commands).clicked
    {
        state.chosen = view.order.get(row).map(|&k| view.result.rectangles[k].at);
        state.first_cell = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clicks_in_different_rows_and_columns_choose_a_rectangle() {
        let mut state = OneContext::default();
        state.click((3, 1));
        assert_eq!((state.first_cell, state.chosen), (Some((3, 1)), None));
        state.click((3, 2));
        assert_eq!(state.first_cell, Some((3, 2)), "the same row starts again");
        state.click((0, 4));
        assert_eq!((state.first_cell, state.chosen), (None, Some((0, 3, 2, 4))));
        state.click((1, 1));
        state.click((1, 1));
        assert_eq!(state.first_cell, None, "the same cell again lets go");
    }
}
