//! Whether to believe the judges: agreement, and what else sways them.

use eframe::egui::Ui;

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::agreement::Agreement;
use crate::ranking::length::LengthBias;
use crate::ranking::position::PositionBias;
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear, names};
use crate::ui::widgets::VerdictKind;

/// What was made of the view.
#[derive(Default)]
pub struct State {
    made: Option<(u64, Page)>,
}

/// Draws the part.
pub(super) fn show(ui: &mut Ui, view: &ResultsView, state: &mut State, commands: &mut Vec<Command>) {
    if state.made.as_ref().is_none_or(|(of, _)| *of != view.serial) {
        state.made = Some((view.serial, page(view)));
    }
    if let Some((_, page)) = &state.made {
        draw(ui, "judging judges", page, commands);
    }
}

/// All judges.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page { sentences: words::warnings(view), ..Page::default() };
    if page.sentences.is_empty() {
        let text = "Neither places nor lengths of answers sway the judges visibly, and they agree with themselves";
        page.sentences.push((VerdictKind::Good, text.to_owned()));
    }
    page.parts.push(Part::Table(reliability(view)));
    let mut figures: Vec<Shown> = Vec::new();
    if let Some(bias) = view.positions.first() {
        figures.push(Shown { figure: positions(view, bias), height: 240.0, help: help::POSITION_BIAS });
    }
    if view.reliability.len() > 1 && !view.agreement.is_empty() {
        figures.push(Shown { figure: matrix(view), height: 240.0, help: help::JUDGE_AGREEMENT });
    }
    if !figures.is_empty() {
        page.parts.push(Part::Figures(figures));
    }
    if !view.agreement.is_empty() {
        page.parts.push(Part::Table(agreement(view)));
    }
    if view.positions.is_empty() {
        page.parts.push(Part::Note(
            "No verdict ranks all answers that it was shown, so that places cannot be compared.".to_owned(),
        ));
    } else {
        page.parts.push(Part::Table(by_position(view)));
    }
    if view.lengths.is_empty() {
        let text = "Lengths of answers are not known, or none differ: whether longer ones win cannot be said.";
        page.parts.push(Part::Note(text.to_owned()));
    } else {
        page.parts.push(Part::Table(by_length(view)));
    }
    page
}

fn reliability(view: &ResultsView) -> Sheet {
    let header =
        ["judge", "questions with two looks", "Kendall's tau", "most frequent first model", "Fleiss' kappa of firsts"];
    let rows: Vec<Vec<Cell>> = view
        .reliability
        .iter()
        .map(|(judge, found)| {
            let number = |value: Option<f64>| Cell::Number(value, words::three);
            vec![
                Cell::text(view.judge(Some(*judge))),
                Cell::count(found.as_ref().map_or(0, |found| found.groups as u64)),
                number(found.as_ref().map(|found| found.kendall_tau)),
                number(found.as_ref().map(|found| found.top_agreement)),
                number(found.as_ref().and_then(|found| found.fleiss_kappa)),
            ]
        })
        .collect();
    Sheet::new("reliability", "Judges with themselves, complete rankings", &header, &rows, Some(help::JUDGE_AGREEMENT))
}

fn agreement(view: &ResultsView) -> Sheet {
    let header = ["judge", "with", "questions", "Kendall's tau", "same first model", "kappa"];
    let row = |found: &Agreement| {
        let [a, b] = found.judges.map(|judge| view.judge(Some(judge)));
        vec![
            Cell::text(a),
            Cell::text(if a == b { "itself" } else { b }),
            Cell::count(found.questions),
            Cell::Number(Some(found.kendall_tau), words::three),
            Cell::Number(found.same_first, words::three),
            Cell::Number(found.kappa, words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.agreement.iter().map(row).collect();
    Sheet::new("agreement", "Two looks at one question", &header, &rows, Some(help::JUDGE_AGREEMENT))
}

fn matrix(view: &ResultsView) -> Figure {
    let judges: Vec<u16> = view.reliability.iter().map(|(judge, _)| *judge).collect();
    let tau = |a: u16, b: u16| {
        let found = view.agreement.iter().find(|row| row.judges == [a.min(b), a.max(b)]);
        found.map_or(f64::NAN, |row| row.kendall_tau)
    };
    let name = || judges.iter().map(|&judge| view.judge(Some(judge)).to_owned());
    Figure {
        title: "Agreement of judges".to_owned(),
        caption: "Mean Kendall's tau of two looks at one question; on the diagonal two looks of one judge.".to_owned(),
        x: names("judge", name()),
        y: names("judge", name()),
        layers: vec![Layer::Heat {
            name: "Kendall's tau".to_owned(),
            unit: String::new(),
            rows: judges.len(),
            columns: judges.len(),
            values: judges.iter().flat_map(|&a| judges.iter().map(move |&b| tau(a, b))).collect(),
            diverging: true,
            at_least: Vec::new(),
        }],
    }
}

fn positions(view: &ResultsView, bias: &PositionBias) -> Figure {
    let (mut with, mut alone) = (Vec::new(), Vec::new());
    for (place, position) in bias.positions.iter().enumerate() {
        match position.mean_rank_interval {
            Some([low, high]) => with.push([place as f64, position.mean_rank + 1.0, low + 1.0, high + 1.0]),
            None => alone.push([place as f64, position.mean_rank + 1.0]),
        }
    }
    let shown = bias.positions.len();
    let mut layers =
        vec![Layer::Guide { name: "no bias".to_owned(), slope: 0.0, intercept: (shown as f64 + 1.0) / 2.0 }];
    if !with.is_empty() {
        layers.push(Layer::Intervals { name: "mean rank".to_owned(), colour: 0, points: with });
    }
    if !alone.is_empty() {
        layers.push(Layer::Points { name: "mean rank".to_owned(), colour: 0, points: alone });
    }
    Figure {
        title: "Rank by place shown".to_owned(),
        caption: format!(
            "Mean rank (1 is best) of the answers shown at each place, {}; p = {} that chance does as much; {}.",
            number::counted(bias.verdicts, "verdict", "verdicts"),
            words::p_value(bias.p_value),
            words::clusters(view)
        ),
        x: names("place shown", (0..shown).map(|place| words::ordinal(place, shown))),
        y: linear("mean rank"),
        layers,
    }
}

fn by_position(view: &ResultsView) -> Sheet {
    let header = ["judge", "place shown", "mean rank", "came first", "verdicts", "correlation of place and rank", "p"];
    let rows = |bias: &PositionBias| -> Vec<Vec<Cell>> {
        let shown = bias.positions.len();
        let one_more = |interval: Option<[f64; 2]>| interval.map(|interval| interval.map(|value| value + 1.0));
        let places = bias.positions.iter().enumerate();
        places
            .map(|(place, position)| {
                vec![
                    Cell::text(view.judge(bias.judge)),
                    Cell::text(words::ordinal(place, shown)),
                    Cell::Estimate(Some(position.mean_rank + 1.0), one_more(position.mean_rank_interval), words::three),
                    Cell::Estimate(Some(position.first), position.first_interval, words::three),
                    Cell::count(bias.verdicts),
                    Cell::Estimate(bias.correlation, bias.correlation_interval, words::three),
                    Cell::Number((!bias.fixed_order).then_some(bias.p_value), words::p_value),
                ]
            })
            .collect()
    };
    let rows: Vec<Vec<Cell>> = view.positions.iter().flat_map(rows).collect();
    Sheet::new("position-bias", "Places", &header, &rows, Some(help::POSITION_BIAS))
}

fn by_length(view: &ResultsView) -> Sheet {
    let header = ["judge", "decided pairs", "longer wins", "correlation of words and rank"];
    let row = |found: &LengthBias| {
        vec![
            Cell::text(view.judge(found.judge)),
            Cell::count(found.pairs),
            Cell::Estimate(Some(found.longer_wins), found.interval, words::three),
            Cell::Estimate(found.correlation, found.correlation_interval, words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.lengths.iter().map(row).collect();
    Sheet::new("length-bias", "Lengths", &header, &rows, Some(help::LENGTH_BIAS))
}
