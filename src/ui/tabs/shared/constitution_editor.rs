//! The editor of a constitution's clauses and their questions, in the centre.

use std::sync::Arc;

use eframe::egui::{ComboBox, ScrollArea, TextEdit, Ui};

use crate::dempo::constitution::{Clause, Constitution, Question};
use crate::figures::number;
use crate::ui::format;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state};

/// Which clause is open.
#[derive(Default)]
pub struct ConstitutionEditor {
    clause: usize,
}

/// Ids that nothing has yet.
fn fresh(stem: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut ids = (1..).map(|number| format!("{stem}{number}"));
    ids.find(|id| !taken(id)).unwrap_or_default()
}

impl ConstitutionEditor {
    /// Draws it, with or without `questions`; changes go into `constitution` at once.
    pub fn show(&mut self, ui: &mut Ui, constitution: &mut Arc<Constitution>, open: &mut bool, questions: bool) {
        ScrollArea::vertical().id_salt("constitution editor").auto_shrink([false, false]).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::section(if questions { "Clauses and questions" } else { "Criteria" }));
                if ui.button("Done").on_hover_text("Goes back to the results; everything is saved.").clicked() {
                    *open = false;
                }
            });
            if let Err(problem) = constitution.check() {
                ui.label(theme::caption(format::sentence(&problem.to_string())).color(theme::palette(ui).warning));
            }
            let mut name = constitution.name.clone();
            let label = ui.label("Name");
            if ui.add(TextEdit::singleline(&mut name).id_salt("constitution name")).labelled_by(label.id).changed() {
                Arc::make_mut(constitution).name = name;
            }
            self.clause = self.clause.min(constitution.clauses.len().saturating_sub(1));
            ui.horizontal_wrapped(|ui| {
                if !constitution.clauses.is_empty() {
                    self.pick(ui, constitution);
                }
                if ui.button("Add a clause").clicked() {
                    let made = Arc::make_mut(constitution);
                    let id = fresh("", |id| made.clauses.iter().any(|clause| clause.id == id));
                    made.clauses.push(Clause { id, text: String::new() });
                    self.clause = made.clauses.len() - 1;
                }
            });
            if constitution.clauses.is_empty() {
                let text = "Add a clause, import a list of them with the form, or take a constitution that comes with the program.";
                empty_state(ui, "No clause yet", text, None);
                return;
            }
            self.edit(ui, constitution, questions);
        });
    }

    fn pick(&mut self, ui: &mut Ui, constitution: &Constitution) {
        let label = ui.label("Clause");
        let name = |clause: &Clause| format!("{}: {}", clause.id, shortened(&clause.text, 70));
        let width = (ui.available_width() - 120.0).clamp(160.0, 560.0);
        ComboBox::from_id_salt("constitution clause")
            .width(width)
            .truncate()
            .selected_text(name(&constitution.clauses[self.clause]))
            .show_ui(ui, |ui| {
                for (place, clause) in constitution.clauses.iter().enumerate() {
                    ui.selectable_value(&mut self.clause, place, name(clause));
                }
            })
            .response
            .labelled_by(label.id);
    }

    fn edit(&mut self, ui: &mut Ui, constitution: &mut Arc<Constitution>, questions: bool) {
        let Clause { id, text } = constitution.clauses[self.clause].clone();
        let mut removed = false;
        card(ui, &format!("Clause {id}"), |ui| {
            let mut edited = text;
            let label = ui.label(theme::caption("Principle"));
            let width = ui.available_width().min(theme::READING_WIDTH);
            let field = TextEdit::multiline(&mut edited).id_salt(("clause", id.as_str())).desired_rows(2);
            if ui.add(field.desired_width(width)).labelled_by(label.id).changed() {
                Arc::make_mut(constitution).clauses[self.clause].text = edited;
            }
            removed = ui.button("Remove this clause").on_hover_text("Ctrl+Z brings it back.").clicked();
        });
        if removed {
            let made = Arc::make_mut(constitution);
            made.clauses.remove(self.clause);
            made.questions.retain(|question| question.clause != id);
            return;
        }
        if !questions {
            return;
        }
        let own: Vec<usize> =
            (0..constitution.questions.len()).filter(|&at| constitution.questions[at].clause == id).collect();
        card(ui, &number::counted(own.len() as u64, "question", "questions"), |ui| {
            let mut gone = None;
            for &at in &own {
                let Question { id, text, .. } = constitution.questions[at].clone();
                let mut edited = text;
                ui.horizontal(|ui| {
                    let label = ui.label(theme::caption(format!("Question {id}")));
                    let width = (ui.available_width() - 84.0).clamp(120.0, theme::READING_WIDTH);
                    let field = TextEdit::multiline(&mut edited).id_salt(("question", id.as_str())).desired_rows(1);
                    if ui.add(field.desired_width(width)).labelled_by(label.id).changed() {
                        Arc::make_mut(constitution).questions[at].text = edited;
                    }
                    let remove = ui.small_button("Remove");
                    remove.widget_info(|| {
                        let name = format!("Remove question {id}");
                        eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, &name)
                    });
                    if remove.clicked() {
                        gone = Some(at);
                    }
                });
            }
            if let Some(at) = gone {
                Arc::make_mut(constitution).questions.remove(at);
            }
            if ui.button("Add a question").clicked() {
                let made = Arc::make_mut(constitution);
                let question = fresh(&format!("{id}."), |id| made.questions.iter().any(|known| known.id == id));
                made.questions.push(Question { id: question, clause: id.clone(), text: String::new() });
            }
        });
    }
}
