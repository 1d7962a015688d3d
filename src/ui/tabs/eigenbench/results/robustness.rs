//! How far to believe it: what hangs on choices, on single judges and models, and whether the model fits.

use super::view::ResultsView;
use super::words;
use crate::eigenbench::findings::Variant;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::help::{Help, eigenbench as help};
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, linear};
use crate::ui::widgets::VerdictKind;

/// Name of the table of residuals.
pub const RESIDUALS: &str = "eigenbench-residuals";
/// Residuals beyond this are told.
const LARGE: f64 = 3.0;
/// So many residuals are listed.
const LISTED: usize = 200;

/// Places of residuals, the largest first.
pub fn residual_order(view: &ResultsView) -> Vec<usize> {
    let Some(found) = &view.robustness else { return Vec::new() };
    let mut order: Vec<usize> = (0..found.residuals.len()).collect();
    let size = |at: usize| found.residuals[at].standardised.abs();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    order.truncate(LISTED);
    order
}

/// How far to believe it.
pub fn page(view: &ResultsView) -> Page {
    let mut page = Page::default();
    let (board, found) = match (&view.board, &view.robustness) {
        (Ok(board), Some(found)) => (board, found),
        (Err(problem), _) => {
            page.sentences.push((VerdictKind::Failed, format!("There is no leaderboard: {problem}.")));
            return page;
        }
        (_, None) => {
            page.sentences.push((VerdictKind::Nothing, "This is computed once judgements rest.".to_owned()));
            return page;
        }
    };
    let agreeing = format!("{} of {} starts end at the same trust", board.starts_agreeing, board.starts);
    let kind = if board.starts_agreeing == board.starts { VerdictKind::Shown } else { VerdictKind::Caution };
    page.sentences.push((kind, format!("{agreeing}; mean loss {} per judgement.", number::fixed(board.mean_nll, 4))));
    let large = found.residuals.iter().filter(|own| own.standardised.abs() > LARGE).count();
    if large > 0 {
        let text = format!(
            "{} of {} kinds of judgements (judge, first, second) are more than {LARGE} standard deviations from what the model \
             expects.",
            large,
            found.residuals.len()
        );
        page.sentences.push((VerdictKind::Caution, text));
    }
    let settles = match (board.power_steps, found.second_eigenvalue) {
        (Some(steps), Some(size)) => format!(
            "Trust settles quickly: the second eigenvalue has size {}, and the authors' iteration would take {}.",
            number::fixed(size, 3),
            number::counted(u64::from(steps), "step", "steps")
        ),
        (None, _) => {
            "The authors' power iteration would not have ended within 1,000 steps; elimination gives the law that it \
                      goes round."
                .to_owned()
        }
        (Some(_), None) => String::new(),
    };
    if !settles.is_empty() {
        page.parts.push(Part::Note(settles));
    }
    let unsettled: Vec<&str> = (found.variants.iter().chain(&found.without_judges).chain(&found.without_models))
        .filter(|variant| variant.starts_agreeing < variant.starts)
        .map(|variant| variant.name.as_str())
        .collect();
    if !unsettled.is_empty() {
        let text = format!(
            "Starts do not agree for {}: what is left of the judgements does not determine {} leaderboard. A ridge, or fewer \
             dimensions, would.",
            unsettled.join(", "),
            if unsettled.len() == 1 { "its" } else { "their" }
        );
        page.sentences.push((VerdictKind::Caution, text));
    }
    for (name, title, variants, help) in [
        ("eigenbench-sensitivity", "Elo under other choices", &found.variants, help::SENSITIVITY),
        ("eigenbench-without-judges", "Elo without the judgements of", &found.without_judges, help::LEFT_OUT),
        ("eigenbench-without-models", "Elo without the model", &found.without_models, help::LEFT_OUT),
    ] {
        if !variants.is_empty() {
            page.parts.push(Part::Table(table(view, name, title, variants, help)));
        }
    }
    if let Some(held_out) = &board.held_out {
        let header = ["Dimension", "Held-out loss", "Standard error"];
        let row = |own: &crate::eigenbench::choice_of_dimension::HeldOutLoss| {
            vec![
                Cell::count(own.dimension as u64),
                Cell::Number(Some(own.loss), words::four),
                Cell::Number(Some(own.error), words::four),
            ]
        };
        let rows: Vec<Vec<Cell>> = held_out.iter().map(row).collect();
        let title = "How many dimensions lenses need";
        page.parts.push(Part::Table(Sheet::new("eigenbench-dimensions", title, &header, &rows, Some(help::HELD_OUT))));
    }
    let points = found.calibration.iter().map(|bin| [bin.predicted, bin.observed]).collect();
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: "Calibration".to_owned(),
            caption:
                "How often a tie, the first or the second came, against the chance that the fitted model gave it, in \
                      tenths."
                    .to_owned(),
            x: linear("chance given"),
            y: linear("share observed"),
            layers: vec![
                Layer::Guide { name: "as given".to_owned(), slope: 1.0, intercept: 0.0 },
                Layer::Points { name: "tenths".to_owned(), colour: 0, points },
            ],
        },
        height: 260.0,
        help: help::CALIBRATION,
    }]));
    let header =
        ["Judge", "First", "Second", "Judgements", "Points of the first", "Expected", "Standard deviations off"];
    let row = |at: usize| {
        let own = &found.residuals[at];
        vec![
            Cell::text(view.judge(usize::from(own.judge))),
            Cell::text(view.model(usize::from(own.first))),
            Cell::text(view.model(usize::from(own.second))),
            Cell::count(own.rows as u64),
            Cell::Number(Some(own.observed), |value| number::fixed(value, 1)),
            Cell::Number(Some(own.expected), |value| number::fixed(value, 1)),
            Cell::Number(Some(own.standardised), |value| number::fixed(value, 2)),
        ]
    };
    let rows: Vec<Vec<Cell>> = residual_order(view).into_iter().map(row).collect();
    let title = "Judgements that the model expects least";
    page.parts.push(Part::Table(Sheet::new(RESIDUALS, title, &header, &rows, Some(help::RESIDUAL))));
    page.parts.push(Part::Note("Click a row for the judgements behind it.".to_owned()));
    page
}

/// One row a variant, one column a model, with how many pairs change their order and how far the model moves that moves most.
fn table(view: &ResultsView, name: &str, title: &str, variants: &[Variant], help: Help) -> Sheet {
    let first = ["Variant", "Order changes", "Largest move", "Starts agreeing"].map(str::to_owned);
    let header: Vec<String> = first.into_iter().chain(view.ordered_models()).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let board = view.elo().unwrap_or_default();
    let row = |variant: &Variant| {
        let elo = variant.elo.as_ref().ok().map(|elo| view.anchored(elo));
        let value = |model: usize| elo.as_ref().and_then(|elo| elo[model]);
        let there: Vec<f64> = view.order.iter().filter_map(|&model| value(model)).collect();
        let turned: usize =
            there.iter().enumerate().map(|(at, a)| there[at + 1..].iter().filter(|b| a < b).count()).sum();
        let told = match &variant.elo {
            Ok(_) => Cell::Text(number::counted(turned as u64, "pair", "pairs")),
            Err(problem) => Cell::Text(problem.clone()),
        };
        let moved = |&model: &usize| value(model).map(|elo| (elo - board[model]).abs());
        let most = view.order.iter().filter_map(moved).reduce(f64::max);
        let starts = match variant.starts {
            0 => String::new(),
            starts => format!("{} of {starts}", variant.starts_agreeing),
        };
        let cells = view.order.iter().map(|&model| Cell::Number(value(model), words::elo));
        let first = [Cell::text(&variant.name), told, Cell::Number(most, words::elo), Cell::Text(starts)];
        first.into_iter().chain(cells).collect::<Vec<Cell>>()
    };
    let rows: Vec<Vec<Cell>> = variants.iter().map(row).collect();
    Sheet::new(name, title, &header, &rows, Some(help))
}
