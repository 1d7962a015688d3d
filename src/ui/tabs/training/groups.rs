//! Whom the model serves: accuracy and margin by group of raters and by weight, and how often raters are visited.

use std::sync::Arc;

use eframe::egui::{ComboBox, Ui};

use super::view::View;
use super::words::{half_width, with_error};
use crate::dempo::monitor::{GroupRow, by_value, by_weight_decile};
use crate::dempo::training::Visited;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::help;
use crate::ui::theme;
use crate::ui::widgets::{card, data_table, data_table_of, empty_state, figure_view, what_is};

/// From this width on two figures stand side by side.
const SIDE_BY_SIDE: f32 = 640.0;
const HEIGHT: f32 = 210.0;

/// Whose pairs are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Raters whom the model has not learned from, at the last evaluation.
    #[default]
    HeldOut,
    /// Pairs of the last steps.
    Recent,
}

/// What is looked at, and what was made of it.
#[derive(Default)]
pub struct GroupsState {
    whose: Whose,
    attribute: usize,
    made: Option<((u64, Whose), Made)>,
    visits: Option<(u64, Visits)>,
}

/// Rows of all attributes, the weights' last.
struct Made {
    parts: Vec<(String, Vec<GroupRow>)>,
    figures: Vec<[Figure; 2]>,
    table: Table,
    data: LateTable,
}

struct Visits {
    figure: Figure,
    table: Table,
}

fn source(view: &View, whose: Whose) -> (&[Visited], String) {
    match (whose, view.evaluations.last()) {
        (Whose::HeldOut, Some(last)) => {
            let raters = number::counted(last.raters as u64, "held-out rater", "held-out raters");
            (&last.visits, format!("{raters} after step {}", number::count(last.step)))
        }
        _ => {
            let steps = number::counted(view.recent_steps, "step", "steps");
            (
                &view.recent,
                format!("{} of the last {steps}", number::counted(view.recent.len() as u64, "pair", "pairs")),
            )
        }
    }
}

impl Made {
    fn new(view: &View, whose: Whose) -> Self {
        let (visits, of) = source(view, whose);
        let mut parts: Vec<(String, Vec<GroupRow>)> = view.groups.as_ref().map_or_else(Vec::new, |groups| {
            groups.attributes.iter().map(|attribute| (attribute.name.clone(), by_value(attribute, visits))).collect()
        });
        let deciles = by_weight_decile(visits);
        if deciles.len() > 1 {
            parts.push(("tenth of weight".to_owned(), deciles));
        }
        parts.retain(|(_, rows)| !rows.is_empty());
        let figures = parts.iter().map(|(name, rows)| [accuracy(name, rows, &of), margin(name, rows, &of)]).collect();
        let all: Vec<(String, GroupRow)> =
            parts.iter().flat_map(|(name, rows)| rows.iter().map(|row| (name.clone(), row.clone()))).collect();
        let data = Arc::new(all.clone());
        let header = ["attribute", "group", "raters", "pairs", "accuracy", "margin"].map(str::to_owned).to_vec();
        let rows = all
            .iter()
            .map(|(name, row)| {
                vec![
                    name.clone(),
                    row.name.clone(),
                    row.raters.to_string(),
                    row.pairs.to_string(),
                    with_error(row.accuracy, row.accuracy_error, row.raters, 3),
                    with_error(row.margin, row.margin_error, row.raters, 3),
                ]
            })
            .collect();
        Self {
            parts,
            figures,
            table: Table { name: "groups".to_owned(), header, rows },
            data: LateTable::new("groups", move || exact(&data)),
        }
    }
}

fn exact(all: &[(String, GroupRow)]) -> Table {
    let header = ["attribute", "group", "raters", "pairs", "accuracy", "accuracy_error", "margin", "margin_error"];
    let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
    let rows = all.iter().map(|(name, row)| {
        let mut cells = vec![name.clone(), row.name.clone(), row.raters.to_string(), row.pairs.to_string()];
        cells.extend([row.accuracy, row.accuracy_error, row.margin, row.margin_error].map(number));
        cells
    });
    Table { name: "groups".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

fn bars(rows: &[GroupRow], of: impl Fn(&GroupRow) -> [f64; 2], colour: usize) -> Vec<Layer> {
    let (mut with, mut alone) = (Vec::new(), Vec::new());
    for (place, row) in rows.iter().enumerate() {
        let [value, error] = of(row);
        match half_width(error, row.raters) {
            Some(half) => with.push([place as f64, value, value - half, value + half]),
            None => alone.push([place as f64, value]),
        }
    }
    let mut layers = Vec::new();
    if !with.is_empty() {
        layers.push(Layer::Intervals { name: "with 95 % interval".to_owned(), colour, points: with });
    }
    if !alone.is_empty() {
        layers.push(Layer::Points { name: "one rater, no interval".to_owned(), colour: 1, points: alone });
    }
    layers
}

fn group_figure(
    title: &str,
    unit: &str,
    name: &str,
    rows: &[GroupRow],
    of: &str,
    mut layers: Vec<Layer>,
    guide: f64,
) -> Figure {
    layers.insert(0, Layer::Guide { name: String::new(), slope: 0.0, intercept: guide });
    Figure {
        title: format!("{title} by {name}"),
        caption: format!(
            "{title} by {name}: {of}; means over raters, 95 % intervals (Student's t; none for one rater)."
        ),
        x: Axis { label: name.to_owned(), ticks: Ticks::Names(rows.iter().map(|row| row.name.clone()).collect()) },
        y: Axis { label: unit.to_owned(), ticks: Ticks::Linear { range: None } },
        layers,
    }
}

fn accuracy(name: &str, rows: &[GroupRow], of: &str) -> Figure {
    let layers = bars(rows, |row| [row.accuracy, row.accuracy_error], 0);
    group_figure("Accuracy", "accuracy", name, rows, of, layers, 0.5)
}

fn margin(name: &str, rows: &[GroupRow], of: &str) -> Figure {
    let layers = bars(rows, |row| [row.margin, row.margin_error], 2);
    group_figure("Margin", "margin (nats)", name, rows, of, layers, 0.0)
}

/// Draws the part.
pub fn show(ui: &mut Ui, view: &View, state: &mut GroupsState, commands: &mut Vec<Command>) {
    if view.evaluations.is_empty() && view.recent.is_empty() {
        empty_state(
            ui,
            "No pair was looked at yet",
            "Groups appear with the first evaluation or the first step.",
            None,
        );
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("Pairs of");
        if !view.evaluations.is_empty() {
            let why = "Raters whom the model has not learned from, at the last evaluation.";
            ui.selectable_value(&mut state.whose, Whose::HeldOut, "Held-out raters").on_hover_text(why);
        }
        if !view.recent.is_empty() {
            let why = "Pairs that the model has just learned from.";
            ui.selectable_value(&mut state.whose, Whose::Recent, "The last steps").on_hover_text(why);
        }
        let (_, of) = source(view, state.whose);
        ui.label(theme::caption(format!("{of}.")).weak());
        what_is(ui, help::GROUP_ACCURACY.name, help::GROUP_ACCURACY.text);
    });
    let wanted = (view.serial, state.whose);
    if state.made.as_ref().is_none_or(|(of, _)| *of != wanted) {
        state.made = Some((wanted, Made::new(view, state.whose)));
    }
    let Some((_, made)) = &state.made else { return };
    if view.groups.is_none() {
        ui.label(theme::caption("This run names no table of people, so that only weights tell raters apart.").weak());
    }
    if made.parts.is_empty() {
        ui.label(theme::caption("Nothing parts these raters into groups.").weak());
        return;
    }
    state.attribute = state.attribute.min(made.parts.len() - 1);
    ui.horizontal(|ui| {
        let label = ui.label("By");
        ComboBox::from_id_salt("training attribute")
            .selected_text(made.parts[state.attribute].0.as_str())
            .show_ui(ui, |ui| {
                for (place, (name, _)) in made.parts.iter().enumerate() {
                    ui.selectable_value(&mut state.attribute, place, name.as_str());
                }
            })
            .response
            .labelled_by(label.id);
    });
    let [accuracy, margin] = &made.figures[state.attribute];
    pair(ui, accuracy, margin, commands);
    card(ui, "All groups", |ui| {
        data_table_of(ui, "training groups", &made.table, None, Some(&made.data), commands);
    });
}

fn pair(ui: &mut Ui, left: &Figure, right: &Figure, commands: &mut Vec<Command>) {
    let mut one = |ui: &mut Ui, id: &str, figure: &Figure| {
        card(ui, "", |ui| figure_view(ui, id, figure, HEIGHT, &[], commands));
    };
    if ui.available_width() >= SIDE_BY_SIDE {
        ui.columns_const(|[a, b]| {
            one(a, "training group accuracy", left);
            one(b, "training group margin", right);
        });
    } else {
        one(ui, "training group accuracy", left);
        one(ui, "training group margin", right);
    }
}

/// Draws how often each rater was visited.
pub fn show_visits(ui: &mut Ui, view: &View, state: &mut GroupsState, commands: &mut Vec<Command>) {
    let Some(plan) = &view.plan else {
        empty_state(
            ui,
            "No plan yet",
            "How often raters are visited appears when the preferences have been read.",
            None,
        );
        return;
    };
    if state.visits.as_ref().is_none_or(|(of, _)| *of != view.serial) {
        let so_far = |place: usize| view.visits.get(place).copied().unwrap_or(0);
        let mut order: Vec<usize> =
            (0..plan.rater_ids.len()).filter(|&place| plan.outlook.visits_per_rater[place] > 0).collect();
        order.sort_by_key(|&place| (std::cmp::Reverse(plan.outlook.visits_per_rater[place]), place));
        let line = |of: &dyn Fn(usize) -> u64| {
            order.iter().enumerate().map(|(k, &place)| [k as f64 + 1.0, of(place) as f64]).collect()
        };
        let figure = Figure {
            title: "Visits per rater".to_owned(),
            caption: format!(
                "How often the pairs of each of {} are visited, from the most to the least.",
                number::counted(order.len() as u64, "rater", "raters")
            ),
            x: Axis { label: "raters, most visited first".to_owned(), ticks: Ticks::Linear { range: None } },
            y: Axis { label: "visits".to_owned(), ticks: Ticks::Linear { range: None } },
            layers: vec![
                Layer::Line {
                    name: "in the whole run".to_owned(),
                    colour: 0,
                    points: line(&|place| plan.outlook.visits_per_rater[place]),
                    dashed: false,
                },
                Layer::Points { name: "so far".to_owned(), colour: 1, points: line(&so_far) },
            ],
        };
        let rows = order.iter().map(|&place| {
            let whole = plan.outlook.visits_per_rater[place];
            vec![plan.rater_ids[place].clone(), whole.to_string(), so_far(place).to_string()]
        });
        let table = Table {
            name: "visits-per-rater".to_owned(),
            header: ["rater", "visits in the whole run", "visits so far"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        };
        state.visits = Some((view.serial, Visits { figure, table }));
    }
    let Some((_, visits)) = &state.visits else { return };
    card(ui, "", |ui| figure_view(ui, "training visits", &visits.figure, 260.0, &[], commands));
    card(ui, "Every rater", |ui| data_table(ui, "training raters", &visits.table, None, commands));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_widen_where_raters_are_few_and_one_rater_has_none() {
        let row = |raters, accuracy_error| GroupRow {
            name: String::new(),
            raters,
            pairs: 20,
            accuracy: 0.6,
            accuracy_error,
            margin: 0.0,
            margin_error: f64::NAN,
        };
        let rows = [row(2, 0.01), row(1, f64::NAN), row(1001, 0.01)];
        let layers = bars(&rows, |row| [row.accuracy, row.accuracy_error], 0);
        let [Layer::Intervals { points: with, .. }, Layer::Points { name, points: alone, .. }] = &layers[..] else {
            panic!("{layers:?}")
        };
        let half: Vec<f64> = with.iter().map(|[_, value, _, high]| (high - value) / 0.01).collect();
        assert!((half[0] - 12.706205).abs() < 1e-5 && (half[1] - 1.962339).abs() < 1e-5, "{half:?}");
        assert_eq!(name, "one rater, no interval");
        assert_eq!(alone[..], [[1.0, 0.6]]);
    }
}
