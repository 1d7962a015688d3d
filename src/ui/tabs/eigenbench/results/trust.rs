//! Who trusts whom, and who wins against whom.

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, names};
use crate::ui::widgets::VerdictKind;

/// Title of the heat map of trust.
pub const TRUST: &str = "Trust of judges in models";
/// Title of the heat map of shares won.
pub const WINS: &str = "Share won against";

/// Title of the heat map of points that judges give.
pub const POINTS: &str = "Points that judges give";
/// Name of the table of shares won by judge.
pub const BY_JUDGE: &str = "eigenbench-wins-by-judge";

/// Judge, model and the one against it of each row of the table by judge.
pub fn by_judge(view: &ResultsView) -> Vec<[usize; 3]> {
    let mut found = Vec::new();
    for judge in view.judge_order() {
        for (place, &a) in view.order.iter().enumerate() {
            let met = view.order[place + 1..].iter().filter(|&&b| view.wins_by_judge[judge][a][b].is_some());
            found.extend(met.map(|&b| [judge, a, b]));
        }
    }
    found
}

/// The trust matrix and the win matrix.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let mut figures = Vec::new();
    match &view.board {
        Ok(board) => {
            page.sentences.extend(itself(view, &board.matrix));
            let judges = view.judge_order();
            let values = judges
                .iter()
                .flat_map(|&judge| view.order.iter().map(move |&model| board.matrix[judge][model]))
                .collect();
            figures.push(Shown {
                figure: Figure {
                    title: TRUST.to_owned(),
                    caption: format!(
                        "Chance that a judge (row) names a model (column) when it picks the best of all, ties split ({}).",
                        words::basis(view)
                    ),
                    x: names("model", view.ordered_models()),
                    y: names("judge", view.ordered_judges()),
                    layers: vec![Layer::Heat {
                        name: "trust".to_owned(),
                        unit: "chance".to_owned(),
                        rows: judges.len(),
                        columns: view.order.len(),
                        values,
                        diverging: false,
                        at_least: Vec::new(),
                    }],
                },
                height: 320.0,
                help: help::TRUST_MATRIX,
            });
        }
        Err(problem) => {
            page.sentences.push((VerdictKind::Failed, format!("There is no trust matrix: {problem}.")));
        }
    }
    let share = |a: usize, b: usize| view.wins[a][b].map_or(f64::NAN, |own| own.share);
    figures.push(Shown {
        figure: Figure {
            title: WINS.to_owned(),
            caption: "Share of points of the model of the row against that of the column as counted, a tie being half."
                .to_owned(),
            x: names("model", view.ordered_models()),
            y: names("model", view.ordered_models()),
            layers: vec![Layer::Heat {
                name: "won".to_owned(),
                unit: "share of points".to_owned(),
                rows: view.order.len(),
                columns: view.order.len(),
                values: view.order.iter().flat_map(|&a| view.order.iter().map(move |&b| share(a, b))).collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 320.0,
        help: help::WIN_MATRIX,
    });
    let given = |judge: usize, model: usize| view.points_by_judge[judge][model].map_or(f64::NAN, |own| own.share);
    let judges = view.judge_order();
    figures.push(Shown {
        figure: Figure {
            title: POINTS.to_owned(),
            caption: "Share of points that a judge (row) gives a model (column) against all others, as counted, a tie being half."
                .to_owned(),
            x: names("model", view.ordered_models()),
            y: names("judge", view.ordered_judges()),
            layers: vec![Layer::Heat {
                name: "given".to_owned(),
                unit: "share of points".to_owned(),
                rows: judges.len(),
                columns: view.order.len(),
                values: (judges.iter())
                    .flat_map(|&judge| view.order.iter().map(move |&model| given(judge, model)))
                    .collect(),
                diverging: false,
                at_least: Vec::new(),
            }],
        },
        height: 320.0,
        help: help::WIN_MATRIX,
    });
    page.parts.push(Part::Figures(figures));
    page.parts.push(Part::Note("Click a cell for the judgements behind it.".to_owned()));
    let header = ["Model", "Against", "Share won", "Judgements"];
    let mut rows = Vec::new();
    for (place, &a) in view.order.iter().enumerate() {
        for &b in &view.order[place + 1..] {
            let own = view.wins[a][b];
            rows.push(vec![
                Cell::text(view.model(a)),
                Cell::text(view.model(b)),
                Cell::Estimate(own.map(|own| own.share), own.and_then(|own| own.interval), number::percent),
                Cell::count(own.map_or(0, |own| own.rows)),
            ]);
        }
    }
    let sheet = Sheet::new("eigenbench-wins", "Two by two", &header, &rows, Some(help::WIN_MATRIX));
    page.parts.push(Part::Table(sheet));
    let header = ["Judge", "Model", "Against", "Share won", "Judgements"];
    let row = |[judge, a, b]: [usize; 3]| {
        let own = view.wins_by_judge[judge][a][b];
        vec![
            Cell::text(view.judge(judge)),
            Cell::text(view.model(a)),
            Cell::text(view.model(b)),
            Cell::Estimate(own.map(|own| own.share), own.and_then(|own| own.interval), number::percent),
            Cell::count(own.map_or(0, |own| own.rows)),
        ]
    };
    let rows: Vec<Vec<Cell>> = by_judge(view).into_iter().map(row).collect();
    let title = "Two by two, by judge";
    page.parts.push(Part::Table(Sheet::new(BY_JUDGE, title, &header, &rows, Some(help::WIN_MATRIX))));
    page.parts.push(Part::Note("Click a row for the judgements behind it.".to_owned()));
    page
}

/// Whether judges put themselves above where others put them.
fn itself(view: &ResultsView, matrix: &[Vec<f64>]) -> Option<(VerdictKind, String)> {
    let n = view.judged.models.len();
    let more = |&model: &usize| {
        let others: f64 = (0..n).filter(|&judge| judge != model).map(|judge| matrix[judge][model]).sum();
        matrix[model][model] > others / (n as f64 - 1.0)
    };
    let own = (0..n).filter(more).count();
    (n > 1).then(|| {
        let text = format!("{own} of {n} models trust themselves more than the others do on average.");
        (if own * 2 > n { VerdictKind::Caution } else { VerdictKind::Nothing }, text)
    })
}
