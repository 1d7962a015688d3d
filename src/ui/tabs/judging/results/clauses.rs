//! Clause by clause: win shares, difficulty, consistency of models.

use eframe::egui::Ui;

use super::view::ResultsView;
use super::words::{self, short};
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::by_clause::{ClauseShares, least_difficulty};
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sentence, Sheet, Shown, draw, linear, names};
use crate::ui::widgets::VerdictKind;

/// Characters of a clause on an axis.
const NAME: usize = 40;
/// Height of a row of the heat map.
const ROW: f32 = 17.0;

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
        draw(ui, "judging clauses", page, commands);
    }
}

/// All clauses.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    if view.clauses.is_empty() {
        let text = "No verdict compares two models, so that there are no shares of clauses";
        page.sentences.push((VerdictKind::Nothing, text.to_owned()));
        return page;
    }
    page.sentences.extend(leaders(view));
    let rows = view.clauses.len();
    let heat =
        Shown { figure: heat(view), height: (rows as f32 * ROW + 70.0).clamp(200.0, 1400.0), help: help::WIN_SHARE };
    page.parts.push(Part::Figures(vec![
        Shown { figure: difficulty(view), height: 240.0, help: help::CLAUSE_DIFFICULTY },
        Shown { figure: consistency(view), height: 240.0, help: help::MODEL_CONSISTENCY },
    ]));
    page.parts.push(Part::Figures(vec![heat]));
    page.parts.push(Part::Table(table(view)));
    page.parts.push(Part::Table(spread(view)));
    page
}

/// Who leads in how many clauses.
fn leaders(view: &ResultsView) -> Option<Sentence> {
    let mut leads = vec![0u64; view.verdicts.models.len()];
    for clause in &view.clauses {
        let best = (0..leads.len()).max_by(|&a, &b| clause.shares[a].total_cmp(&clause.shares[b]).then(b.cmp(&a)))?;
        leads[best] += 1;
    }
    let most = (0..leads.len()).max_by_key(|&model| (leads[model], std::cmp::Reverse(model)))?;
    let text = format!(
        "{} has the largest share of wins in {} of {}",
        view.model(most),
        number::count(leads[most]),
        number::counted(view.clauses.len() as u64, "clause", "clauses")
    );
    Some((VerdictKind::Shown, text))
}

fn clause_name<'a>(view: &'a ResultsView, clause: &ClauseShares) -> &'a str {
    &view.verdicts.clauses[clause.clause as usize]
}

/// Its number in the tables, with as much of its text as an axis has room for.
fn numbered(view: &ResultsView, clause: &ClauseShares) -> String {
    format!("{}. {}", clause.clause + 1, short(clause_name(view, clause), NAME))
}

fn heat(view: &ResultsView) -> Figure {
    let clauses = &view.clauses;
    let order = &view.order;
    Figure {
        title: "Win shares by clause".to_owned(),
        caption: "Each model's share of the comparisons won in a clause; rows sum to 1.".to_owned(),
        x: names("model", order.iter().map(|&model| view.model(model).to_owned())),
        y: names("clause", clauses.iter().map(|clause| numbered(view, clause))),
        layers: vec![Layer::Heat {
            name: "win share".to_owned(),
            unit: String::new(),
            rows: clauses.len(),
            columns: order.len(),
            values: clauses.iter().flat_map(|clause| order.iter().map(|&model| clause.shares[model])).collect(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

fn difficulty(view: &ResultsView) -> Figure {
    let mut order: Vec<&ClauseShares> = view.clauses.iter().collect();
    order.sort_by(|a, b| b.difficulty.total_cmp(&a.difficulty).then(a.clause.cmp(&b.clause)));
    let points = order.iter().enumerate().map(|(place, clause)| [place as f64, clause.difficulty]).collect();
    Figure {
        title: "Difficulty of clauses".to_owned(),
        caption:
            "Normalised entropy of win shares, the hardest clause first; the line is the least that rankings which all \
                  agree can have."
                .to_owned(),
        x: names("number of the clause", order.iter().map(|clause| (clause.clause + 1).to_string())),
        y: linear("difficulty"),
        layers: vec![
            Layer::Guide {
                name: "all rankings agree".to_owned(),
                slope: 0.0,
                intercept: least_difficulty(view.verdicts.models.len()),
            },
            Layer::Points { name: "clause".to_owned(), colour: 0, points },
        ],
    }
}

fn consistency(view: &ResultsView) -> Figure {
    let of = |model: &usize| view.consistency.iter().find(|row| row.model == *model).map(|row| row.five);
    let fives: Vec<[f64; 5]> = view.order.iter().filter_map(of).collect();
    let (mut middle, mut ends) = (Vec::new(), Vec::new());
    for (place, [least, lower, median, upper, most]) in fives.into_iter().enumerate() {
        let x = place as f64;
        middle.push([x, median, lower, upper]);
        ends.extend([[x, least], [x, most]]);
    }
    Figure {
        title: "Consistency of models".to_owned(),
        caption: "Win shares over clauses: median with the middle half, and the least and largest.".to_owned(),
        x: names("model", view.order.iter().map(|&model| view.model(model).to_owned())),
        y: linear("win share"),
        layers: vec![
            Layer::Intervals { name: "median and middle half".to_owned(), colour: 0, points: middle },
            Layer::Points { name: "least and largest".to_owned(), colour: 1, points: ends },
        ],
    }
}

fn table(view: &ResultsView) -> Sheet {
    let mut header = vec!["number", "clause", "questions", "difficulty"];
    header.extend(view.order.iter().map(|&model| view.model(model)));
    let row = |clause: &ClauseShares| {
        let mut cells = vec![
            Cell::count(u64::from(clause.clause) + 1),
            Cell::text(clause_name(view, clause)),
            Cell::count(clause.questions),
            Cell::Number(Some(clause.difficulty), words::three),
        ];
        cells.extend(view.order.iter().map(|&model| Cell::Number(Some(clause.shares[model]), words::three)));
        cells
    };
    let rows: Vec<Vec<Cell>> = view.clauses.iter().map(row).collect();
    Sheet::new("clauses", "Clauses", &header, &rows, Some(help::WIN_SHARE))
}

fn spread(view: &ResultsView) -> Sheet {
    let header =
        ["model", "least", "lower quartile", "median", "upper quartile", "largest", "worst clause", "best clause"];
    let row = |found: &crate::ranking::by_clause::Consistency| {
        let mut cells = vec![Cell::text(view.model(found.model))];
        cells.extend(found.five.map(|value| Cell::Number(Some(value), words::three)));
        cells.extend(found.extremes.map(|clause| Cell::text(view.verdicts.clauses[clause as usize].as_str())));
        cells
    };
    let rows: Vec<Vec<Cell>> = view.consistency.iter().map(row).collect();
    Sheet::new("consistency", "Consistency of models", &header, &rows, Some(help::MODEL_CONSISTENCY))
}
