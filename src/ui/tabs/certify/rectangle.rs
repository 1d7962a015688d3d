//! One rectangle: its eight log-probabilities as two 2×2 tables, R and what R says.

use eframe::egui::{self, Align, Layout, Ui};

use super::view::{At, ContextView};
use super::words;
use crate::figures::number;
use crate::ui::command::{Command, Table, TableFormat};
use crate::ui::widgets::stat;
use crate::ui::{help, theme};

/// Draws the rectangle at `at`.
pub fn show(ui: &mut Ui, view: &ContextView, at: At, commands: &mut Vec<Command>) {
    let values = view.log_probabilities(at);
    let [a, a2, b, b2] = view.texts(at);
    let side_by_side = ui.available_width() >= 560.0;
    let at_i = |ui: &mut Ui| {
        law(ui, "Law at i, given the token at j", [a, a2], [b, b2], [values[0], values[2], values[1], values[3]]);
    };
    let at_j = |ui: &mut Ui| {
        law(ui, "Law at j, given the token at i", [a, a2], [b, b2], [values[4], values[5], values[6], values[7]]);
    };
    if side_by_side {
        ui.columns(2, |columns| {
            at_i(&mut columns[0]);
            at_j(&mut columns[1]);
        });
    } else {
        at_i(ui);
        at_j(ui);
    }
    ui.horizontal(|ui| {
        ui.label(theme::caption("log-probabilities in nats; hover for the probability").weak());
        let table = numbers(view, at, &values);
        if ui.button("Copy numbers").clicked() {
            commands.push(Command::CopyTable(Box::new(table.clone()), TableFormat::Tsv));
        }
        if ui.button("Export numbers…").clicked() {
            commands.push(Command::ExportTable(Box::new(table)));
        }
    });
    let corners = view.corners(at);
    let r = corners.r(view.spec.temperature);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = theme::STEP * 1.5;
        stat(ui, "R", &number::nats_with_unit(r), help::R.text);
        let error = view.rectangle(at).map(|found| number::bound(found.assessment.e64));
        stat(ui, "Error of R", error.as_deref().unwrap_or("not assessed"), help::ERROR_BOUND.text);
        stat(ui, "LOR seen from i", &number::nats(corners.lor_i()), help::LOG_ODDS_RATIO.text);
        stat(ui, "LOR seen from j", &number::nats(corners.lor_j()), help::LOG_ODDS_RATIO.text);
        stat(ui, "|R| / 8", &number::nats_with_unit(r.abs() / 8.0), help::LOG_DISTANCE_BOUND.text);
    });
    ui.label(words::distance_bound(r));
}

/// A 2×2 table of log-probabilities: rows a, a', columns b, b'; `values` row by row.
fn law(ui: &mut Ui, title: &str, rows: [&str; 2], columns: [&str; 2], values: [f64; 4]) {
    let palette = theme::palette(ui);
    ui.label(theme::strong(title));
    let width = ((ui.available_width() - 2.0 * ui.spacing().item_spacing.x) / 3.0).floor().clamp(56.0, 140.0);
    let cell = |ui: &mut Ui, contents: &mut dyn FnMut(&mut Ui)| {
        ui.allocate_ui_with_layout(egui::vec2(width, theme::TARGET), Layout::right_to_left(Align::Center), |ui| {
            ui.set_min_width(width);
            contents(ui);
        });
    };
    ui.horizontal(|ui| {
        cell(ui, &mut |_| {});
        for column in columns {
            cell(ui, &mut |ui| {
                ui.add(egui::Label::new(theme::mono(column).color(palette.weak_text)).truncate());
            });
        }
    });
    for (row, name) in rows.into_iter().enumerate() {
        ui.horizontal(|ui| {
            cell(ui, &mut |ui| {
                ui.add(egui::Label::new(theme::mono(name).color(palette.weak_text)).truncate());
            });
            for column in 0..2 {
                let value = values[2 * row + column];
                cell(ui, &mut |ui| {
                    ui.label(number::nats(value))
                        .on_hover_text(format!("{value:.12} nats: probability {}", number::probability(value.exp())));
                });
            }
        });
    }
}

/// The eight numbers as a table.
fn numbers(view: &ContextView, at: At, values: &[f64; 8]) -> Table {
    let [a, a2, b, b2] = view.texts(at);
    let logits = view.corners(at).0;
    let pairs = [(a, b), (a2, b), (a, b2), (a2, b2), (b, a), (b2, a), (b, a2), (b2, a2)];
    let rows = pairs
        .iter()
        .enumerate()
        .map(|(k, (token, given))| {
            let site = if k < 4 { "i" } else { "j" };
            vec![
                site.to_owned(),
                (*token).to_owned(),
                (*given).to_owned(),
                logits[k].to_string(),
                values[k].to_string(),
                values[k].exp().to_string(),
            ]
        })
        .collect();
    let header =
        ["law at", "token", "given at the other position", "logit (nats)", "log-probability (nats)", "probability"];
    Table { name: "rectangle".to_owned(), header: header.map(str::to_owned).to_vec(), rows }
}
