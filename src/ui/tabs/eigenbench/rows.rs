//! Every judgement as a row, and behind each row what was asked and said.

use std::sync::Arc;

use eframe::egui::{ComboBox, DragValue, Label, Role, ScrollArea, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};

use super::view::View;
use crate::eigenbench::comparisons::Choice;
use crate::eigenbench::scenario::Scenario;
use crate::figures::number;
use crate::jobs::collect::Judgements;
use crate::store::{CallId, CallRow, CallsBehind, ComparisonRow, RunId, StoreError};
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::run_state::bring_into_view;
use crate::ui::tabs::shared::transcript;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state};

const ROW_HEIGHT: f32 = 24.0;
/// Rows that show at once.
const SHOWN: f32 = 14.0;

/// Which rows are looked at: those that agree with everything that is named. Numbers are places among models, judges outside
/// the population after them, criteria of all constitutions, and scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowFilter {
    pub judge: Option<u16>,
    /// One of the two that were compared.
    pub model: Option<u16>,
    /// The other of the two.
    pub against: Option<u16>,
    pub criterion: Option<u16>,
    pub scenario: Option<u32>,
}

impl RowFilter {
    /// Whether a row is looked at; `criterion` is its criterion counted over all constitutions.
    fn lets(&self, row: &ComparisonRow, criterion: u16) -> bool {
        let pair = [row.first, row.second];
        self.judge.is_none_or(|judge| row.judge == judge)
            && self.model.is_none_or(|model| pair.contains(&model))
            && self.against.is_none_or(|model| pair.contains(&model))
            && self.criterion.is_none_or(|wanted| criterion == wanted)
            && self.scenario.is_none_or(|scenario| row.scenario == scenario)
    }
}

/// The calls behind one row, as far as they are in the project.
struct Behind {
    responses: [Option<CallRow>; 2],
    reflections: [Option<CallRow>; 2],
    verdict: Option<CallRow>,
}

/// What is looked at.
#[derive(Default)]
pub struct Rows {
    pub filter: RowFilter,
    /// Places of the rows that the filter lets through, with what they were made from.
    made: Option<(Arc<Vec<ComparisonRow>>, RowFilter, Vec<usize>)>,
    criteria: Vec<String>,
    selected: Option<usize>,
    fresh: bool,
    behind: Requested<Result<Box<Behind>, StoreError>>,
}

fn who(ui: &mut Ui, name: &str, none: &str, of: &[String], value: &mut Option<u16>) {
    let label = ui.label(name);
    let shown = value.and_then(|place| of.get(usize::from(place))).map_or(none, String::as_str).to_owned();
    ComboBox::from_id_salt(("eigenbench rows", name))
        .width(150.0)
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            ui.selectable_value(value, None, none);
            for (place, name) in (0_u16..).zip(of) {
                ui.selectable_value(value, Some(place), name.as_str());
            }
        })
        .response
        .labelled_by(label.id);
}

impl Rows {
    /// Draws the part.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        let rows = &view.judgements.rows;
        if rows.is_empty() {
            empty_state(ui, "No judgements yet", "They appear here as judges give them.", None);
            return;
        }
        self.follow(view);
        self.filters(ui, &view.judgements);
        let Some((_, _, places)) = &self.made else { return };
        let (found, all) = (places.len() as u64, rows.len() as u64);
        let mut clicked = None;
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::caption(format!("{} of {} judgements", number::count(found), number::count(all))).weak());
            if self.filter != RowFilter::default() && ui.button("Show all").clicked() {
                self.filter = RowFilter::default();
            }
            let what = "Every judgement with names, as eigenbench fit reads them (CSV).";
            if ui.button("Export judgements…").on_hover_text(what).clicked() {
                commands.push(Command::ExportLate(table(run, view)));
            }
        });
        if places.is_empty() {
            empty_state(ui, "No judgement is as you ask", "Take back one of the choices above.", None);
            return;
        }
        card(ui, "", |ui| clicked = self.table(ui, view, places));
        if let Some(place) = clicked {
            self.selected = Some(place);
            self.fresh = true;
            let calls = rows[place].calls;
            context.query(&mut self.behind, move |project| {
                let one = |id: Option<CallId>| id.map_or(Ok(None), |id| project.call(id));
                let CallsBehind { verdict, responses: [r, s], reflections: [f, g] } = calls;
                let (responses, reflections) = ([one(r)?, one(s)?], [one(f)?, one(g)?]);
                Ok(Box::new(Behind { responses, reflections, verdict: one(verdict)? }))
            });
        }
        self.behind(ui, view);
    }

    /// Looks through the rows again where they, or what is asked of them, changed.
    fn follow(&mut self, view: &View) {
        let known = |(rows, filter, _): &(Arc<Vec<ComparisonRow>>, RowFilter, Vec<usize>)| {
            Arc::ptr_eq(rows, &view.judgements.rows) && *filter == self.filter
        };
        if self.made.as_ref().is_some_and(known) {
            return;
        }
        let all = &view.judgements.rows;
        self.criteria = view.judgements.criteria();
        let first = view.judgements.first_criteria();
        let lets = |row: &ComparisonRow| {
            let offset = first.get(usize::from(row.constitution)).copied().unwrap_or_default();
            self.filter.lets(row, offset + row.criterion)
        };
        let places: Vec<usize> = (0..).zip(all.iter()).filter(|(_, row)| lets(row)).map(|(at, _)| at).collect();
        // Rows that came in between move the one that was looked at.
        if self.made.as_ref().is_none_or(|(rows, _, _)| !Arc::ptr_eq(rows, all)) {
            self.selected = None;
        }
        self.made = Some((all.clone(), self.filter, places));
    }

    fn filters(&mut self, ui: &mut Ui, judgements: &Judgements) {
        let names = &judgements.models;
        let judges = [names.as_slice(), &judgements.outside].concat();
        ui.horizontal_wrapped(|ui| {
            who(ui, "Judge", "any judge", &judges, &mut self.filter.judge);
            who(ui, "Model", "any model", names, &mut self.filter.model);
            who(ui, "against", "any other", names, &mut self.filter.against);
            who(ui, "Criterion", "any criterion", &self.criteria, &mut self.filter.criterion);
            let mut one = self.filter.scenario.is_some();
            ui.checkbox(&mut one, "One scenario");
            if one {
                let mut shown = self.filter.scenario.unwrap_or(0) + 1;
                let last = judgements.scenarios.len().max(1) as u32;
                let field = ui.add(DragValue::new(&mut shown).range(1..=last).speed(0.2));
                field.ctx.accesskit_node_builder(field.id, |node| node.set_label("Number of the scenario"));
                self.filter.scenario = Some(shown - 1);
            } else {
                self.filter.scenario = None;
            }
        });
    }

    /// The rows; one that was clicked.
    fn table(&self, ui: &mut Ui, view: &View, places: &[usize]) -> Option<usize> {
        let mut clicked = None;
        let judgements = &view.judgements;
        let name = |place: u16| judgements.judge(place);
        let first = judgements.first_criteria();
        let height = ROW_HEIGHT * SHOWN.min(places.len() as f32 + 1.5);
        let width = ui.available_width();
        ScrollArea::horizontal().id_salt("eigenbench rows wide").auto_shrink([false, true]).show(ui, |ui| {
            ui.set_max_width(width);
            TableBuilder::new(ui)
                .id_salt("eigenbench rows table")
                .striped(true)
                .sense(Sense::click())
                .max_scroll_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, true])
                .columns(Column::initial(130.0).clip(true).resizable(true), 1)
                .columns(Column::initial(104.0).clip(true).resizable(true), 3)
                .column(Column::initial(60.0).clip(true).resizable(true))
                .column(Column::remainder().at_least(120.0).clip(true))
                .header(ROW_HEIGHT, |mut header| {
                    for title in ["Scenario", "Judge", "First", "Second", "Choice", "Criterion"] {
                        header.col(|ui| {
                            ui.label(theme::strong(title));
                        });
                    }
                })
                .body(|body| {
                    body.rows(ROW_HEIGHT, places.len(), |mut line| {
                        let place = places[line.index()];
                        let row = &judgements.rows[place];
                        line.set_selected(self.selected == Some(place));
                        let scenario = judgements.scenarios.get(row.scenario as usize);
                        let criterion = first.get(usize::from(row.constitution)).copied().unwrap_or_default();
                        let criterion = self.criteria.get(usize::from(criterion + row.criterion));
                        let choice = match row.choice {
                            Choice::Tie => "tie",
                            Choice::First => "first",
                            Choice::Second => "second",
                        };
                        let start = scenario.map_or_else(String::new, beginning);
                        let cells = [
                            start.as_str(),
                            name(row.judge),
                            name(row.first),
                            name(row.second),
                            choice,
                            criterion.map_or("", String::as_str),
                        ];
                        for (column, text) in cells.iter().enumerate() {
                            let (_, cell) = line.col(|ui| {
                                ui.add(Label::new(*text).selectable(false).truncate());
                            });
                            if column == 0 {
                                // The first cell stands for its row: the row's middle may be a handle that resizes a column.
                                let selected = self.selected == Some(place);
                                cell.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, cells.join(", ")));
                            }
                        }
                        if line.response().clicked() {
                            clicked = Some(place);
                        }
                    });
                });
        });
        clicked
    }

    /// What was asked and said behind the row that was clicked.
    fn behind(&mut self, ui: &mut Ui, view: &View) {
        let Some(row) = self.selected.and_then(|place| view.judgements.rows.get(place)) else {
            ui.label(
                theme::caption("Click a judgement for the responses, reflections and the verdict behind it.").weak(),
            );
            return;
        };
        let judgements = &view.judgements;
        let name = |place: u16| judgements.judge(place);
        let drawn = card(ui, "Behind this judgement", |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            if let Some(scenario) = judgements.scenarios.get(row.scenario as usize) {
                let text = if scenario.text.is_empty() { &scenario.id } else { &scenario.text };
                ui.label(theme::strong(text));
            }
            if row.calls == CallsBehind::default() {
                let text = "The table that this judgement was imported from holds no texts.";
                ui.label(theme::caption(text).weak());
                return;
            }
            let behind = match self.behind.get() {
                None => {
                    ui.spinner();
                    return;
                }
                Some(Err(problem)) => {
                    ui.label(format::sentence(&problem.to_string()));
                    return;
                }
                Some(Ok(behind)) => behind,
            };
            let chosen = match row.choice {
                Choice::Tie => "neither".to_owned(),
                Choice::First => name(row.first).to_owned(),
                Choice::Second => name(row.second).to_owned(),
            };
            ui.label(format!("{} chose {chosen}.", name(row.judge)));
            for (side, (response, reflection)) in behind.responses.iter().zip(&behind.reflections).enumerate() {
                let model = name([row.first, row.second][side]);
                let which = ["First", "Second"][side];
                ui.label(theme::strong(format!("{which}: {model}")));
                said(ui, response.as_ref(), "The response is no longer in the project.");
                call(ui, (side, "response"), "The call for the response", response.as_ref());
                ui.label(theme::caption(format!("What {} noted of it", name(row.judge))));
                said(ui, reflection.as_ref(), "There is no reflection.");
                call(ui, (side, "reflection"), "The call for the reflection", reflection.as_ref());
            }
            ui.label(theme::strong("Verdict"));
            said(ui, behind.verdict.as_ref(), "The verdict is no longer in the project.");
            call(ui, (2, "verdict"), "The call for the verdict", behind.verdict.as_ref());
        });
        if std::mem::take(&mut self.fresh) {
            bring_into_view(ui, drawn.response.rect);
        }
    }
}

/// A scenario's id and how its text begins.
fn beginning(scenario: &Scenario) -> String {
    match scenario.text.trim() {
        "" => scenario.id.clone(),
        text => format!("{}: {}", scenario.id, shortened(text, 60)),
    }
}

fn said(ui: &mut Ui, call: Option<&CallRow>, absent: &str) {
    match call.map(|call| &call.reply) {
        Some(Ok(reply)) => ui.label(reply.text.trim()),
        Some(Err(problem)) => ui.label(theme::caption(format::sentence(problem)).color(theme::palette(ui).bad)),
        None => ui.label(theme::caption(absent).weak()),
    };
}

fn call(ui: &mut Ui, id: (usize, &str), name: &str, call: Option<&CallRow>) {
    let Some(call) = call else { return };
    eframe::egui::CollapsingHeader::new(theme::caption(name))
        .id_salt(("eigenbench call", id))
        .show(ui, |ui| transcript::show(ui, call));
}

/// All judgements with names, as `eigenbench fit` reads them.
fn table(run: RunId, view: &View) -> LateTable {
    let judgements = view.judgements.clone();
    let name = format!("judgements-{}", run.0);
    LateTable::new(&name.clone(), move || {
        let criteria = judgements.criteria();
        let first = judgements.first_criteria();
        let model = |place: u16| judgements.judge(place).to_owned();
        let cells = |row: &ComparisonRow| {
            let criterion = usize::from(first[usize::from(row.constitution)] + row.criterion);
            vec![
                judgements.scenarios[row.scenario as usize].id.clone(),
                model(row.judge),
                model(row.first),
                model(row.second),
                row.choice.figure().to_string(),
                criteria[criterion].clone(),
                row.pass.to_string(),
            ]
        };
        Table {
            name: name.clone(),
            header: ["scenario", "judge", "eval1", "eval2", "choice", "criterion", "pass"].map(str::to_owned).to_vec(),
            rows: judgements.rows.iter().map(cells).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_through_what_agrees_with_all_of_it() {
        let row = ComparisonRow {
            constitution: 0,
            scenario: 3,
            pass: 0,
            judge: 1,
            first: 2,
            second: 0,
            criterion: 1,
            choice: Choice::Tie,
            calls: CallsBehind::default(),
        };
        let lets = |filter: RowFilter| filter.lets(&row, 5);
        assert!(lets(RowFilter::default()));
        assert!(lets(RowFilter { judge: Some(1), model: Some(0), against: Some(2), ..RowFilter::default() }));
        assert!(lets(RowFilter { criterion: Some(5), scenario: Some(3), ..RowFilter::default() }));
        assert!(!lets(RowFilter { criterion: Some(1), ..RowFilter::default() }));
        assert!(!lets(RowFilter { model: Some(1), ..RowFilter::default() }));
        assert!(!lets(RowFilter { judge: Some(1), against: Some(1), ..RowFilter::default() }));
    }
}
