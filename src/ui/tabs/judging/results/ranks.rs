//! Ranks that models were given, how often they were among the best, and how shares settle.

use eframe::egui::Ui;

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::ranks::Ranks;
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, estimate, linear, names};
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
        draw(ui, "judging ranks", page, commands);
    }
}

/// Ranks and the course of shares.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let mut figures = Vec::new();
    let best = |a: &&Ranks, b: &&Ranks| a.among_first[0].total_cmp(&b.among_first[0]).then(b.model.cmp(&a.model));
    match view.ranks.iter().max_by(best) {
        Some(row) => {
            let interval = row.among_first_intervals.as_ref().map(|intervals| intervals[0]);
            let share = estimate(row.among_first[0], interval, number::percent);
            let text = format!("{} is ranked first most often: {share} of rankings", view.model(row.model));
            page.sentences.push((VerdictKind::Shown, text));
            figures.push(Shown { figure: distribution(view), height: 260.0, help: help::RANK_DISTRIBUTION });
            figures.push(Shown { figure: among_first(view), height: 260.0, help: help::RANK_DISTRIBUTION });
        }
        None => {
            let text = "No verdict ranks all models, so that places among all of them are not known";
            page.sentences.push((VerdictKind::Nothing, text.to_owned()));
        }
    }
    if !view.trajectory.is_empty() {
        figures.push(Shown { figure: trajectory(view), height: 260.0, help: help::SHARE_TRAJECTORY });
    }
    page.parts.push(Part::Figures(figures));
    if !view.ranks.is_empty() {
        page.parts.push(Part::Table(table(view)));
    }
    page
}

fn in_order(view: &ResultsView) -> Vec<&Ranks> {
    view.order.iter().filter_map(|model| view.ranks.iter().find(|row| row.model == *model)).collect()
}

fn distribution(view: &ResultsView) -> Figure {
    let rows = in_order(view);
    Figure {
        title: "Distribution of ranks".to_owned(),
        caption: "Share of complete rankings in which a model had each rank; rows sum to 1.".to_owned(),
        x: names("rank", (1..=rows.len()).map(|rank| rank.to_string())),
        y: names("model", rows.iter().map(|row| view.model(row.model).to_owned())),
        layers: vec![Layer::Heat {
            name: "share of rankings".to_owned(),
            unit: String::new(),
            rows: rows.len(),
            columns: rows.len(),
            values: rows.iter().flat_map(|row| row.shares.iter().copied()).collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

fn among_first(view: &ResultsView) -> Figure {
    let layers = in_order(view).into_iter().map(|row| Layer::Line {
        name: view.model(row.model).to_owned(),
        colour: row.model,
        points: row.among_first.iter().enumerate().map(|(k, share)| [k as f64, *share]).collect(),
        dashed: false,
    });
    Figure {
        title: "Among the first k".to_owned(),
        caption: "Share of complete rankings in which a model is among the first k.".to_owned(),
        x: names("k", (1..=view.verdicts.models.len()).map(|k| k.to_string())),
        y: linear("share of rankings"),
        layers: layers.collect(),
    }
}

fn trajectory(view: &ResultsView) -> Figure {
    let layers = view.order.iter().map(|&model| Layer::Line {
        name: view.model(model).to_owned(),
        colour: model,
        points: view.trajectory.iter().map(|point| [point.groups as f64, point.shares[model]]).collect(),
        dashed: false,
    });
    Figure {
        title: "Win shares as questions accumulate".to_owned(),
        caption:
            "Each model's share of the comparisons won in the first questions, in the order in which they are listed."
                .to_owned(),
        x: linear("questions"),
        y: linear("win share"),
        layers: layers.collect(),
    }
}

fn table(view: &ResultsView) -> Sheet {
    let models = view.verdicts.models.len();
    let heads: Vec<String> =
        (1..=models).map(|rank| format!("rank {rank}")).chain((1..models).map(|k| format!("first {k}"))).collect();
    let mut header = vec!["model", "mean rank"];
    header.extend(heads.iter().map(String::as_str));
    let row = |row: &Ranks| {
        let mut cells = vec![Cell::text(view.model(row.model)), Cell::Number(Some(row.mean + 1.0), words::three)];
        cells.extend(row.shares.iter().map(|share| Cell::Number(Some(*share), words::three)));
        let interval = |k: usize| row.among_first_intervals.as_ref().map(|intervals| intervals[k]);
        cells.extend((0..models - 1).map(|k| Cell::Estimate(Some(row.among_first[k]), interval(k), words::three)));
        cells
    };
    let rows: Vec<Vec<Cell>> = in_order(view).into_iter().map(row).collect();
    Sheet::new("ranks", "Ranks", &header, &rows, Some(help::RANK_DISTRIBUTION))
}
