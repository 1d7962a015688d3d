//! Models two by two: effects with intervals, tables of votes, how decided questions are.

use eframe::egui::{ComboBox, Ui};

use super::scores::choose_method;
use super::view::{ResultsView, Scored};
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::Method;
use crate::ranking::mallows::keeps;
use crate::ranking::ranks::{MARGIN_BINS, Margins};
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear, names};
use crate::ui::widgets::VerdictKind;

/// What is looked at.
pub struct State {
    method: Method,
    /// Place in [`ResultsView::margins`].
    pair: usize,
    made: Option<((u64, Method, usize), Page)>,
}

impl Default for State {
    fn default() -> Self {
        Self { method: Method::BradleyTerry, pair: 0, made: None }
    }
}

/// Draws the part.
pub(super) fn show(ui: &mut Ui, view: &ResultsView, state: &mut State, commands: &mut Vec<Command>) {
    choose_method(ui, "judging pairs method", &mut state.method);
    state.pair = state.pair.min(view.margins.len().saturating_sub(1));
    if let Some(chosen) = view.margins.get(state.pair) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Margins of");
            ComboBox::from_id_salt("judging margins pair")
                .selected_text(versus(view, chosen))
                .show_ui(ui, |ui| {
                    for (place, pair) in view.margins.iter().enumerate() {
                        ui.selectable_value(&mut state.pair, place, versus(view, pair));
                    }
                })
                .response
                .labelled_by(label.id);
        });
    }
    let wanted = (view.serial, state.method, state.pair);
    if state.made.as_ref().is_none_or(|(of, _)| *of != wanted) {
        state.made = Some((wanted, page(view, state.method, state.pair)));
    }
    if let Some((_, page)) = &state.made {
        draw(ui, "judging pairs", page, commands);
    }
}

fn versus(view: &ResultsView, pair: &Margins) -> String {
    format!("{} and {}", view.model(pair.models[0]), view.model(pair.models[1]))
}

/// Effects by one method, and the margins of one pair.
pub fn page(view: &ResultsView, method: Method, pair: usize) -> Page {
    let mut page = Page::default();
    match view.by(method) {
        Ok(scored) => {
            let apart = scored.comparisons.iter().filter(|pair| pair.holm < words::LEVEL).count();
            let all = scored.comparisons.len();
            let kind = if apart > 0 { VerdictKind::Shown } else { VerdictKind::Nothing };
            let text = format!(
                "{apart} of {} are told apart at 5 %, all held together",
                number::counted(all as u64, "pair", "pairs")
            );
            page.sentences.push((kind, text));
            page.sentences.extend(scored.comparisons.first().map(|pair| words::pair(view, method, pair)));
            page.parts.push(Part::Table(effects(view, method, scored)));
        }
        Err(reason) => {
            let text = format!("{} has no answer: {reason}", words::method_name(method));
            page.sentences.push((VerdictKind::Failed, text));
        }
    }
    let mut figures = vec![Shown { figure: win_rates(view), height: 280.0, help: help::PAIR_EFFECT }];
    if let Ok(scored) = view.by(Method::Mallows) {
        figures.extend(mallows(view, scored).map(|figure| Shown { figure, height: 280.0, help: help::MALLOWS_PAIRS }));
    }
    if let Some(pair) = view.margins.get(pair) {
        figures.push(Shown { figure: margins(view, pair), height: 220.0, help: help::QUESTION_MARGIN });
    }
    page.parts.push(Part::Figures(figures));
    page
}

fn effects(view: &ResultsView, method: Method, scored: &Scored) -> Sheet {
    let header = ["above", "below", "win rate", "margin", "difference", "odds ratio", "p", "Holm p"];
    let row = |pair: &crate::ranking::comparison::Comparison| {
        vec![
            Cell::text(view.model(pair.models[0])),
            Cell::text(view.model(pair.models[1])),
            Cell::Estimate(pair.win_rate, pair.win_rate_interval, words::three),
            Cell::Estimate(pair.margin, pair.margin_interval, words::three),
            Cell::Estimate(Some(pair.difference), Some(pair.interval), words::score(method)),
            Cell::Estimate(pair.odds_ratio, pair.odds_ratio_interval, words::three),
            Cell::Number(Some(pair.p_value), words::p_value),
            Cell::Number(Some(pair.holm), words::p_value),
        ]
    };
    let rows: Vec<Vec<Cell>> = scored.comparisons.iter().map(row).collect();
    let title = format!("Effects by {}", words::method_name(method));
    Sheet::new("pair-effects", &title, &header, &rows, Some(help::PAIR_EFFECT))
}

/// A square table of models against models.
fn square(view: &ResultsView, title: &str, caption: String, name: &str, value: impl Fn(usize, usize) -> f64) -> Figure {
    let order = &view.order;
    let model = || order.iter().map(|&model| view.model(model).to_owned());
    let cells = order.iter().flat_map(|&row| order.iter().map(move |&column| (row, column)));
    Figure {
        title: title.to_owned(),
        caption,
        x: names("below", model()),
        y: names("above", model()),
        layers: vec![Layer::Heat {
            name: name.to_owned(),
            unit: String::new(),
            rows: order.len(),
            columns: order.len(),
            values: cells.map(|(row, column)| if row == column { f64::NAN } else { value(row, column) }).collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

fn win_rates(view: &ResultsView) -> Figure {
    let (unit, _) = words::unit_name(view.settings.unit);
    square(
        view,
        "Pairwise win rates",
        format!(
            "Share of comparisons in which the model of the row is above that of the column ({}).",
            unit.to_lowercase()
        ),
        "win rate",
        |above, below| view.wins.share(above, below).unwrap_or(f64::NAN),
    )
}

fn mallows(view: &ResultsView, scored: &Scored) -> Option<Figure> {
    let (consensus, dispersion) = (scored.found.consensus.as_ref()?, scored.found.dispersion.as_ref()?);
    let mut place = vec![0; consensus.order.len()];
    consensus.order.iter().enumerate().for_each(|(at, &model)| place[model] = at);
    let caption = format!(
        "Chance that the model of the row is above that of the column under Mallows, phi = {}.",
        number::general(dispersion.phi, 4)
    );
    Some(square(view, "Pairs under Mallows", caption, "chance", |above, below| {
        let kept = keeps(place[above].abs_diff(place[below]), dispersion.phi);
        if place[above] < place[below] { kept } else { 1.0 - kept }
    }))
}

fn margins(view: &ResultsView, pair: &Margins) -> Figure {
    let width = 2.0 / MARGIN_BINS as f64;
    let mut outline = Vec::with_capacity(2 * MARGIN_BINS + 2);
    outline.push([-1.0, 0.0]);
    for (bin, &count) in pair.groups.iter().enumerate() {
        let from = -1.0 + width * bin as f64;
        outline.extend([[from, count as f64], [from + width, count as f64]]);
    }
    outline.push([1.0, 0.0]);
    let [first, second] = pair.models.map(|model| view.model(model));
    Figure {
        title: format!("Margins of {first} over {second}"),
        caption: format!(
            "Questions by how decided they are; mean margin {}. All verdicts put {first} above on {} and {second} on {}.",
            words::three(pair.mean),
            number::counted(pair.unanimous[0], "question", "questions"),
            number::count(pair.unanimous[1])
        ),
        x: linear("margin: share above less share below"),
        y: linear("questions"),
        layers: vec![Layer::Line { name: String::new(), colour: 0, points: outline, dashed: false }],
    }
}
