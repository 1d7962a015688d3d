//! What the model answers to the sample questions while it learns.

use eframe::egui::Ui;

use super::view::View;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::RunRow;
use crate::ui::command::{Command, Table};
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state};

/// Draws the part.
pub fn show(ui: &mut Ui, run: &RunRow, view: &View, commands: &mut Vec<Command>) {
    if view.samples.is_empty() {
        let asked = matches!(&run.spec, RunSpec::Train(spec) if !spec.sample_prompts.is_empty());
        let what = if asked {
            "The first answers appear with the first evaluation."
        } else {
            "Type sample questions in the form, one a line: the next training answers them at every evaluation."
        };
        empty_state(ui, "No answers", what, None);
        return;
    }
    if ui.button("Export answers…").on_hover_text("Every answer with its step as a table (CSV).").clicked() {
        let rows = view.samples.iter();
        let rows = rows.map(|sample| vec![sample.step.to_string(), sample.prompt.clone(), sample.answer.clone()]);
        let header = ["step", "question", "answer"].map(str::to_owned).to_vec();
        let table = Table { name: format!("answers-{}", run.id.0), header, rows: rows.collect() };
        commands.push(Command::ExportTable(Box::new(table)));
    }
    let mut prompts: Vec<&str> = Vec::new();
    for sample in view.samples.iter() {
        if !prompts.contains(&sample.prompt.as_str()) {
            prompts.push(&sample.prompt);
        }
    }
    for prompt in prompts {
        card(ui, prompt, |ui| {
            // The newest first: what the model says now stands beside the question.
            for sample in view.samples.iter().rev().filter(|sample| sample.prompt == prompt) {
                ui.label(theme::caption(format!("After step {}", number::count(sample.step))).weak());
                let answer = if sample.answer.is_empty() {
                    "(nothing: the likeliest token ends the answer at once)"
                } else {
                    sample.answer.as_str()
                };
                ui.scope(|ui| {
                    ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                    ui.label(answer);
                });
                ui.add_space(theme::STEP / 2.0);
            }
        });
    }
}
