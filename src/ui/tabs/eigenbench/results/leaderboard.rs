//! The leaderboard: trust and Elo with intervals, ranges of ranks, and who is above whom.

use super::view::ResultsView;
use super::words;
use crate::eigenbench::findings::scenarios_wanted;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, linear, names};
use crate::ui::widgets::VerdictKind;

/// Name of the table of models.
pub const TABLE: &str = "eigenbench-leaderboard";
/// Half width in Elo that the number of scenarios is given for.
const WANTED: f64 = 10.0;

/// The leaderboard.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let board = match &view.board {
        Ok(board) => board,
        Err(problem) => {
            page.sentences.push((VerdictKind::Failed, format!("There is no leaderboard: {problem}.")));
            return page;
        }
    };
    page.sentences.extend(words::standing(view));
    page.sentences.extend(words::cautions(view));
    let elo = view.elo().unwrap_or_default();
    let shift = |model: usize| elo[model] - board.elo[model];
    let interval = |model: usize| {
        let own = &board.intervals.as_ref()?.elo[model].interval;
        Some([own.lower + shift(model), own.upper + shift(model)])
    };
    let layer = match board.intervals {
        Some(_) => Layer::Intervals {
            name: "with 95 % interval".to_owned(),
            colour: 0,
            points: (view.order.iter().enumerate())
                .map(|(place, &model)| {
                    let [low, high] = interval(model).unwrap_or([elo[model]; 2]);
                    [place as f64, elo[model], low.min(elo[model]), high.max(elo[model])]
                })
                .collect(),
        },
        None => Layer::Points {
            name: "Elo".to_owned(),
            colour: 0,
            points: view.order.iter().enumerate().map(|(place, &model)| [place as f64, elo[model]]).collect(),
        },
    };
    let base = Layer::Guide { name: String::new(), slope: 0.0, intercept: 1500.0 };
    let figure = Figure {
        title: "Leaderboard".to_owned(),
        caption: format!("Elo of trust ({}). {}", words::basis(view), words::intervals(view)),
        x: names("model", view.ordered_models()),
        y: linear("Elo"),
        layers: vec![base, layer],
    };
    let mut figures = vec![Shown { figure, height: 280.0, help: help::TRUST_ELO }];
    if let Some(intervals) = &board.intervals {
        let n = view.order.len();
        let value = |a: usize, b: usize| if a == b { f64::NAN } else { intervals.above[a][b] };
        figures.push(Shown {
            figure: Figure {
                title: "Chance of being above".to_owned(),
                caption: "Share of resamples in which the model of the row stands above that of the column.".to_owned(),
                x: names("model", view.ordered_models()),
                y: names("model", view.ordered_models()),
                layers: vec![Layer::Heat {
                    name: "above".to_owned(),
                    unit: "share of resamples".to_owned(),
                    rows: n,
                    columns: n,
                    values: view.order.iter().flat_map(|&a| view.order.iter().map(move |&b| value(a, b))).collect(),
                    diverging: false,
                    at_least: Vec::new(),
                }],
            },
            height: 280.0,
            help: help::ABOVE,
        });
    }
    page.parts.push(Part::Figures(figures));
    page.parts.push(Part::Table(table(view, &interval)));
    if let Some(intervals) = &board.intervals {
        let widest =
            intervals.elo.iter().map(|own| (own.interval.upper - own.interval.lower) / 2.0).fold(0.0, f64::max);
        let wanted = scenarios_wanted(board.scenarios, widest, WANTED);
        let text = format!(
            "The widest interval is ±{} Elo on {}. If intervals shrink with the root of their number, ±{} wants about {}.",
            number::fixed(widest, 0),
            number::counted(board.scenarios as u64, "scenario", "scenarios"),
            number::fixed(WANTED, 0),
            number::count(wanted as u64),
        );
        page.parts.push(Part::Note(text));
    }
    page
}

fn table(view: &ResultsView, interval: &dyn Fn(usize) -> Option<[f64; 2]>) -> Sheet {
    let header = ["Model", "Rank", "Ranks in 95 %", "Elo", "Trust", "Above the next", "Elo, judges alike"];
    let elo = view.elo().unwrap_or_default();
    let Ok(board) = &view.board else { return Sheet::new(TABLE, "Leaderboard", &header, &[], None) };
    let uniform = view.robustness.as_ref().map(|found| &found.uniform);
    let row = |(place, &model): (usize, &usize)| {
        let ranks = board.intervals.as_ref().map(|intervals| intervals.elo[model].interval.ranks);
        let ranks = ranks.map_or(String::new(), |[best, worst]| match best == worst {
            true => best.to_string(),
            false => format!("{best} to {worst}"),
        });
        let next = view.order.get(place + 1);
        let above = board.intervals.as_ref().zip(next).map(|(intervals, &next)| intervals.above[model][next]);
        vec![
            Cell::text(view.model(model)),
            Cell::count(place as u64 + 1),
            Cell::Text(ranks),
            Cell::Estimate(Some(elo[model]), interval(model), words::elo),
            Cell::Number(Some(board.trust[model]), words::four),
            Cell::Number(above, number::percent),
            Cell::Number(uniform.map(|uniform| uniform[model]), words::elo),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.order.iter().enumerate().map(row).collect();
    Sheet::new(TABLE, "Leaderboard", &header, &rows, Some(help::EIGENTRUST))
}
