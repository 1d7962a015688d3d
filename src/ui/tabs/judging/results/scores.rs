//! Seven methods side by side: scores with intervals, the chances of each rank.

use eframe::egui::{ComboBox, Ui};

use super::view::{ResultsView, Scored};
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::Method;
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear, names};
use crate::ui::widgets::VerdictKind;

/// What is looked at.
pub struct State {
    pub method: Method,
    made: Option<((u64, Method), Page)>,
}

impl Default for State {
    fn default() -> Self {
        Self { method: Method::BradleyTerry, made: None }
    }
}

/// Draws the part.
pub(super) fn show(ui: &mut Ui, view: &ResultsView, state: &mut State, commands: &mut Vec<Command>) {
    choose_method(ui, "judging scores method", &mut state.method);
    let wanted = (view.serial, state.method);
    if state.made.as_ref().is_none_or(|(of, _)| *of != wanted) {
        state.made = Some((wanted, page(view, state.method)));
    }
    if let Some((_, page)) = &state.made {
        draw(ui, "judging scores", page, commands);
    }
}

/// A choice among the seven methods.
pub fn choose_method(ui: &mut Ui, id: &str, method: &mut Method) {
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("By");
        ComboBox::from_id_salt(id)
            .selected_text(words::method_name(*method))
            .show_ui(ui, |ui| {
                for other in Method::ALL {
                    ui.selectable_value(method, other, words::method_name(other))
                        .on_hover_text(words::method_sentence(other));
                }
            })
            .response
            .labelled_by(label.id);
        ui.label(crate::ui::theme::caption(words::method_sentence(*method)).weak());
    });
}

/// All that is known by one method, with the others beside it.
pub fn page(view: &ResultsView, method: Method) -> Page {
    let mut page = Page::default();
    match view.by(method) {
        Ok(scored) => {
            page.sentences.extend(scored.comparisons.first().map(|pair| words::pair(view, method, pair)));
            if let Some(consensus) = scored.found.consensus.as_ref().filter(|consensus| consensus.orders > 1.5) {
                let orders = number::fixed(consensus.orders, 0);
                let text =
                    format!("{orders} orders agree with as many votes: the one shown puts models named first higher");
                page.sentences.push((VerdictKind::Caution, text));
            }
            page.sentences.extend(words::warnings(view));
            let figures = vec![
                Shown { figure: dots(view, method, scored), height: 260.0, help: help::MODEL_SCORE },
                Shown { figure: rank_heat(view, method, scored), height: 260.0, help: help::RANK_PROBABILITY },
            ];
            page.parts.push(Part::Figures(figures));
        }
        Err(reason) => {
            let text = format!("{} has no answer: {reason}", words::method_name(method));
            page.sentences.push((VerdictKind::Failed, text));
            page.sentences.extend(words::warnings(view));
        }
    }
    page.parts.push(Part::Table(side_by_side(view)));
    for row in &view.methods {
        if let (Err(reason), true) = (&row.outcome, row.method != method) {
            page.parts.push(Part::Note(format!("{}: {reason}", words::method_name(row.method))));
        }
    }
    page
}

/// Models from the best on by this method.
fn best_first(scored: &Scored) -> Vec<usize> {
    let scores = &scored.found.scores;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}

fn dots(view: &ResultsView, method: Method, scored: &Scored) -> Figure {
    let order = best_first(scored);
    let point = |(place, &model): (usize, &usize)| {
        let [low, high] = scored.intervals[model];
        [place as f64, scored.found.scores[model], low, high]
    };
    let guide = (method != Method::Borda && method != Method::Kemeny).then(|| Layer::Guide {
        name: String::new(),
        slope: 0.0,
        intercept: 0.0,
    });
    let points = order.iter().enumerate().map(point).collect();
    let intervals = Layer::Intervals { name: "with 95 % interval".to_owned(), colour: 0, points };
    Figure {
        title: format!("Scores by {}", words::method_name(method)),
        caption: format!("{} {}.", words::method_sentence(method), words::clusters(view)),
        x: names("model", order.iter().map(|&model| view.model(model).to_owned())),
        y: linear(words::score_unit(method)),
        layers: guide.into_iter().chain([intervals]).collect(),
    }
}

fn rank_heat(view: &ResultsView, method: Method, scored: &Scored) -> Figure {
    let order = best_first(scored);
    let models = order.len();
    Figure {
        title: "Chance of each rank".to_owned(),
        caption: format!(
            "Share of resamples in which each model has each rank by {}; {}.",
            words::method_name(method),
            words::clusters(view)
        ),
        x: names("rank", (1..=models).map(|rank| rank.to_string())),
        y: names("model", order.iter().map(|&model| view.model(model).to_owned())),
        layers: vec![Layer::Heat {
            name: "share of resamples".to_owned(),
            unit: String::new(),
            rows: models,
            columns: models,
            values: order.iter().flat_map(|&model| scored.rank_probabilities[model].iter().copied()).collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

/// One row a model, one column a method.
fn side_by_side(view: &ResultsView) -> Sheet {
    let mut header = vec!["model"];
    header.extend(view.methods.iter().map(|row| words::method_name(row.method)));
    let cell = |model: usize| {
        move |row: &super::view::MethodScores| match &row.outcome {
            Ok(scored) => Cell::Estimate(
                Some(scored.found.scores[model]),
                scored.intervals.get(model).copied(),
                words::score(row.method),
            ),
            Err(_) => Cell::Estimate(None, None, words::three),
        }
    };
    let rows: Vec<Vec<Cell>> = view
        .order
        .iter()
        .map(|&model| {
            std::iter::once(Cell::text(view.model(model))).chain(view.methods.iter().map(cell(model))).collect()
        })
        .collect();
    Sheet::new("scores", "Seven methods side by side", &header, &rows, Some(help::MODEL_SCORE))
}
