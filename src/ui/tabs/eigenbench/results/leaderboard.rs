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
/// Half widths in Elo that numbers of scenarios are given for.
const WANTED: [f64; 4] = [20.0, 15.0, 10.0, 5.0];

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
    let interval = |model: usize| {
        let found = board.intervals.as_ref()?;
        let own = &found.anchored_elo.as_ref().unwrap_or(&found.elo)[model].interval;
        Some([own.lower, own.upper])
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
    page.parts.extend(stopping_rule(view, &interval));
    page
}

/// How many scenarios narrower intervals want.
fn stopping_rule(view: &ResultsView, interval: &dyn Fn(usize) -> Option<[f64; 2]>) -> Option<Part> {
    let board = view.board.as_ref().ok()?;
    let half = |&model: &usize| interval(model).map(|[low, high]| (high - low) / 2.0);
    let widest = view.order.iter().filter_map(half).reduce(f64::max)?;
    let by_scenario = view.rows as f64 / board.scenarios as f64;
    let row = |wanted: f64| {
        let scenarios = scenarios_wanted(board.scenarios, widest, wanted);
        vec![
            Cell::Number(Some(wanted), |value| format!("\u{b1}{}", number::fixed(value, 0))),
            Cell::count(scenarios as u64),
            Cell::count((scenarios as f64 * by_scenario).round() as u64),
            Cell::count((scenarios - board.scenarios) as u64),
        ]
    };
    let header = ["Wanted, Elo", "Scenarios", "Judgements", "Scenarios more"];
    let title = format!(
        "What narrower intervals want (the widest is \u{b1}{} Elo on {})",
        number::fixed(widest, 0),
        number::counted(board.scenarios as u64, "scenario", "scenarios")
    );
    let rows = WANTED.map(row);
    Some(Part::Table(Sheet::new("eigenbench-scenarios-wanted", &title, &header, &rows, Some(help::STOPPING_RULE))))
}

fn table(view: &ResultsView, interval: &dyn Fn(usize) -> Option<[f64; 2]>) -> Sheet {
    let header = ["Model", "Rank", "Ranks in 95 %", "Elo", "Trust", "Above the next", "Elo, judges alike"];
    let elo = view.elo().unwrap_or_default();
    let Ok(board) = &view.board else { return Sheet::new(TABLE, "Leaderboard", &header, &[], None) };
    let uniform = view.robustness.as_ref().map(|found| {
        let elo: Vec<Option<f64>> = found.uniform.iter().copied().map(Some).collect();
        view.anchored(&elo)
    });
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
            Cell::Number(uniform.as_ref().and_then(|uniform| uniform[model]), words::elo),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.order.iter().enumerate().map(row).collect();
    Sheet::new(TABLE, "Leaderboard", &header, &rows, Some(help::EIGENTRUST))
}
