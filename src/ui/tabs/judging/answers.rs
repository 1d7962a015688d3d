//! Every answer beside the others, the verdicts on it, and the calls they came from.

use std::collections::BTreeMap;

use eframe::egui::{ComboBox, DragValue, Ui};

use super::view::View;
use crate::figures::number;
use crate::jobs::judge::JudgeSpec;
use crate::providers::chat::Ending;
use crate::ranking::votes::Ballot;
use crate::store::{AnswerRow, CallId, CallRow, RunId, StoreError, VerdictRow};
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::run_state::bring_into_view;
use crate::ui::tabs::shared::transcript;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state};

/// Which question is looked at, and which call.
#[derive(Default)]
pub struct Answers {
    question: usize,
    call: Option<CallId>,
    /// It was asked for in this frame: its card is to be scrolled to.
    fresh: bool,
    shown: Requested<Result<Option<CallRow>, StoreError>>,
}

/// How an answer ended, where that is worth a word.
fn ending(ending: Ending) -> Option<&'static str> {
    match ending {
        Ending::Whole => None,
        Ending::Truncated => Some("cut at the longest length"),
        Ending::Filtered => Some("cut by the provider's filter"),
        Ending::Refused => Some("marked as a refusal"),
        Ending::Empty => Some("empty: not shown to judges"),
    }
}

/// A ballot in words.
pub fn ballot_words(models: &[String], ballot: &Ballot) -> String {
    let name = |model: u16| models.get(usize::from(model)).map_or("?", String::as_str);
    match ballot {
        Ballot::Order(order) => order.iter().map(|&model| name(model)).collect::<Vec<_>>().join(" > "),
        &Ballot::Tie(a, b) => format!("{} = {}", name(a), name(b)),
    }
}

impl Answers {
    /// Draws the part.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        let Some(spec) = &view.spec else { return };
        if view.answers.is_empty() {
            empty_state(ui, "No answers yet", "They appear here as they come.", None);
            return;
        }
        let questions = &spec.constitution.questions;
        self.question = self.question.min(questions.len() - 1);
        ui.horizontal_wrapped(|ui| {
            if ui.button("Previous").clicked() {
                self.question = self.question.saturating_sub(1);
            }
            if ui.button("Next").clicked() {
                self.question = (self.question + 1).min(questions.len() - 1);
            }
            let label = ui.label("Question");
            let mut place = self.question + 1;
            ui.add(DragValue::new(&mut place).range(1..=questions.len()).speed(0.2)).labelled_by(label.id);
            self.question = place - 1;
            ui.label(theme::caption(format!("of {}", number::count(questions.len() as u64))).weak());
            let label = ui.label("of clause");
            let clause = &questions[self.question].clause;
            ComboBox::from_id_salt("judging answers clause")
                .width(180.0)
                .truncate()
                .selected_text(clause.as_str())
                .show_ui(ui, |ui| {
                    for known in &spec.constitution.clauses {
                        let name = format!("{}: {}", known.id, shortened(&known.text, 60));
                        if ui.selectable_label(known.id == *clause, name).clicked()
                            && let Some(first) = questions.iter().position(|question| question.clause == known.id)
                        {
                            self.question = first;
                        }
                    }
                })
                .response
                .labelled_by(label.id);
            exports(ui, run, view, spec, commands);
        });
        self.one(ui, context, view, spec);
    }

    fn one(&mut self, ui: &mut Ui, context: &TabContext<'_>, view: &View, spec: &JudgeSpec) {
        let place = self.question as u32;
        let question = &spec.constitution.questions[self.question];
        let clause = spec.constitution.place_of(&question.clause);
        card(ui, "", |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            if let Some(clause) = clause {
                ui.label(theme::caption(&spec.constitution.clauses[clause].text).weak());
            }
            ui.label(theme::strong(&question.text));
        });
        let rows = view.rows.get(&place).map_or(&[][..], Vec::as_slice);
        let wins = wins(spec.entrants.len(), rows);
        for (model, entrant) in (0_u16..).zip(&spec.entrants) {
            card(ui, &entrant.name, |ui| {
                ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                let Some(answer) = view.answers.get(&(place, model)) else {
                    ui.label(theme::caption("No answer is there (yet).").weak());
                    return;
                };
                ui.label(if answer.text.trim().is_empty() { "(nothing)" } else { answer.text.trim() });
                let words = answer.text.split_whitespace().count() as u64;
                let mut notes = vec![number::counted(words, "word", "words")];
                notes.extend(ending(answer.ending).map(str::to_owned));
                if let Some((won, of)) = wins.get(&model) {
                    notes.push(format!("{won} of {of} comparisons won here"));
                }
                ui.horizontal_wrapped(|ui| {
                    ui.label(theme::caption(notes.join(", ")).weak());
                    self.call_button(ui, context, answer.call, &format!("Call behind the answer of {}", entrant.name));
                });
            });
        }
        if !rows.is_empty() {
            card(ui, "Verdicts", |ui| {
                for row in rows {
                    ui.horizontal_wrapped(|ui| {
                        ui.label(theme::caption(format!("{}, pass {}", row.judge, row.pass + 1)).weak());
                        ui.label(ballot_words(&view.verdicts.models, &row.ballot));
                        if row.replies > 1 {
                            ui.label(theme::caption(format!("after {} replies", row.replies)).weak());
                        }
                        let name = format!("Call behind pass {} of {}, pair {}", row.pass + 1, row.judge, row.pair + 1);
                        self.call_button(ui, context, row.call, &name);
                    });
                }
            });
        }
        self.transcript(ui);
    }

    fn call_button(&mut self, ui: &mut Ui, context: &TabContext<'_>, call: Option<CallId>, name: &str) {
        let Some(call) = call else { return };
        let button = ui.small_button("Call").on_hover_text("What was sent and what came back, below.");
        button.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Button, true, name));
        if button.clicked() {
            (self.call, self.fresh) = (Some(call), true);
            context.query(&mut self.shown, move |project| project.call(call));
        }
    }

    /// The call that was asked for.
    fn transcript(&mut self, ui: &mut Ui) {
        let Some(wanted) = self.call else { return };
        let mut closed = false;
        let drawn = card(ui, &format!("Call {}", wanted.0), |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            match self.shown.get() {
                None => {
                    ui.spinner();
                }
                Some(Err(problem)) => {
                    ui.label(format::sentence(&problem.to_string()));
                }
                Some(Ok(None)) => {
                    ui.label("It is no longer in the project.");
                }
                Some(Ok(Some(call))) => transcript::show(ui, call),
            }
            closed = ui.button("Close the call").clicked();
        });
        if std::mem::take(&mut self.fresh) {
            bring_into_view(ui, drawn.response.rect);
        }
        if closed {
            self.call = None;
        }
    }
}

/// Comparisons won, of how many, by model.
fn wins(models: usize, rows: &[VerdictRow]) -> BTreeMap<u16, (u32, u32)> {
    let mut found: BTreeMap<u16, (u32, u32)> = BTreeMap::new();
    for row in rows {
        if let Ballot::Order(order) = &row.ballot {
            let last = order.len() as u32 - 1;
            for (place, model) in (0..).zip(order).filter(|(_, model)| usize::from(**model) < models) {
                let counts = found.entry(*model).or_default();
                counts.0 += last - place;
                counts.1 += last;
            }
        }
    }
    found
}

fn exports(ui: &mut Ui, run: RunId, view: &View, spec: &std::sync::Arc<JudgeSpec>, commands: &mut Vec<Command>) {
    let export = ui.button("Export answers…").on_hover_text("Every answer as a table (CSV).");
    if export.clicked() {
        let (answers, spec) = (view.answers.clone(), spec.clone());
        let name = format!("answers-{}", run.0);
        commands.push(Command::ExportLate(LateTable::new(&name.clone(), move || Table {
            name: name.clone(),
            header: ["question", "clause", "model", "ending", "answer"].map(str::to_owned).to_vec(),
            rows: answers.values().map(|answer| answer_cells(&spec, answer)).collect(),
        })));
    }
    let export =
        ui.button("Export verdicts…").on_hover_text("Every verdict with the order in which answers were shown (CSV).");
    if export.clicked() {
        let (rows, spec, models) = (view.rows.clone(), spec.clone(), view.verdicts.models.clone());
        let name = format!("verdicts-{}", run.0);
        commands.push(Command::ExportLate(LateTable::new(&name.clone(), move || Table {
            name: name.clone(),
            header: ["question", "clause", "judge", "pass", "pair", "shown", "verdict"].map(str::to_owned).to_vec(),
            rows: rows.values().flatten().map(|row| verdict_cells(&spec, &models, row)).collect(),
        })));
    }
}

fn answer_cells(spec: &JudgeSpec, answer: &AnswerRow) -> Vec<String> {
    let question = &spec.constitution.questions[answer.question as usize];
    let model = spec.entrants[usize::from(answer.model)].name.clone();
    let ending = format!("{:?}", answer.ending).to_lowercase();
    vec![question.id.clone(), question.clause.clone(), model, ending, answer.text.clone()]
}

fn verdict_cells(spec: &JudgeSpec, models: &[String], row: &VerdictRow) -> Vec<String> {
    let question = &spec.constitution.questions[row.question as usize];
    let shown: Vec<&str> = row.shown.iter().map(|&model| models[usize::from(model)].as_str()).collect();
    vec![
        question.id.clone(),
        question.clause.clone(),
        row.judge.clone(),
        (row.pass + 1).to_string(),
        row.pair.to_string(),
        shown.join(", "),
        ballot_words(models, &row.ballot),
    ]
}
