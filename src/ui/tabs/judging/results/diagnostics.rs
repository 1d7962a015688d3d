//! Whether one scale fits at all: independence of irrelevant alternatives, transitivity, two laws of rankings.

use eframe::egui::{ComboBox, Ui};

use super::view::ResultsView;
use super::words;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ranking::held_out::HeldOut;
use crate::ranking::iia::{Independence, LeftOut};
use crate::ranking::transitivity::{Circles, Triple};
use crate::ui::command::Command;
use crate::ui::help::judging as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sentence, Sheet, Shown, draw, linear, names};
use crate::ui::widgets::VerdictKind;

/// Resamples that must violate a transitivity before it is called violated.
const SURE: f64 = 0.95;

/// What is looked at.
#[derive(Default)]
pub struct State {
    /// Model left out, as a place.
    left_out: usize,
    made: Option<((u64, usize), Page)>,
}

/// Draws the part.
pub(super) fn show(ui: &mut Ui, view: &ResultsView, state: &mut State, commands: &mut Vec<Command>) {
    if let Ok(found) = &view.independence {
        state.left_out = state.left_out.min(found.left_out.len().saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Scores without");
            ComboBox::from_id_salt("judging left out")
                .selected_text(view.model(state.left_out))
                .show_ui(ui, |ui| {
                    for row in &found.left_out {
                        ui.selectable_value(&mut state.left_out, row.model, view.model(row.model));
                    }
                })
                .response
                .labelled_by(label.id);
        });
    }
    let wanted = (view.serial, state.left_out);
    if state.made.as_ref().is_none_or(|(of, _)| *of != wanted) {
        state.made = Some((wanted, page(view, state.left_out)));
    }
    if let Some((_, page)) = &state.made {
        draw(ui, "judging diagnostics", page, commands);
    }
}

/// All checks, with a figure of one model left out.
pub fn page(view: &ResultsView, left_out: usize) -> Page {
    let mut page = Page::default();
    match &view.independence {
        Ok(found) => {
            page.sentences.push(independence_sentence(view, found));
            if let Some(row) = found.left_out.get(left_out) {
                let figure = Shown { figure: changes(view, row), height: 240.0, help: help::IRRELEVANT_ALTERNATIVES };
                page.parts.push(Part::Figures(vec![figure]));
            }
            page.parts.push(Part::Table(left_out_table(view, found)));
            page.parts.push(Part::Table(changes_table(view, found)));
            if found.failed > 0 {
                let failed = number::counted(found.failed as u64, "resample", "resamples");
                page.parts.push(Part::Note(format!("{failed} had no fit and are left out.")));
            }
        }
        Err(reason) => {
            let text = format!("Independence of irrelevant alternatives is not tested: {reason}");
            page.sentences.push((VerdictKind::Nothing, text));
        }
    }
    if view.triples.is_empty() {
        page.parts.push(Part::Note(
            "No three models all met each other, so that transitivity cannot be looked at.".to_owned(),
        ));
    } else {
        page.sentences.push(transitivity_sentence(view));
        page.parts.push(Part::Table(triples(view)));
    }
    if !view.circles.is_empty() {
        page.parts.push(Part::Table(circles(view)));
    }
    if !view.held_out.is_empty() {
        page.sentences.extend(law_sentence(view));
        page.parts.push(Part::Table(laws(view)));
        for (law, reason) in view.held_out.iter().filter_map(|(law, found)| Some((law, found.as_ref().err()?))) {
            page.parts.push(Part::Note(format!("{}: {reason}", words::method_name(*law))));
        }
    }
    page
}

fn independence_sentence(view: &ResultsView, found: &Independence) -> Sentence {
    let tested = found.left_out.iter().filter_map(|row| Some((row.model, row.holm?)));
    let Some((model, p)) = tested.min_by(|a, b| a.1.total_cmp(&b.1)) else {
        let text = "Scores do not vary between resamples: independence of irrelevant alternatives cannot be tested";
        return (VerdictKind::Nothing, text.to_owned());
    };
    let p_text = words::p_value(p);
    if p < words::LEVEL {
        let text =
            format!("Scores depend on who else is ranked, most of all on {}: Holm p = {p_text}", view.model(model));
        (VerdictKind::Caution, text)
    } else {
        (
            VerdictKind::Good,
            format!("Leaving a model out changes nothing visible between the others: Holm p = {p_text}"),
        )
    }
}

fn transitivity_sentence(view: &ResultsView) -> Sentence {
    let short = |at: usize| view.triples.iter().filter(|triple| triple.short[at] > 0.0).count();
    let sure = |at: usize| {
        let violated = |triple: &&Triple| triple.violated.is_some_and(|shares| shares[at] >= SURE);
        view.triples.iter().filter(violated).count()
    };
    let all = number::counted(view.triples.len() as u64, "triple", "triples");
    match (short(0), sure(2)) {
        (circles, _) if circles > 0 => {
            (VerdictKind::Caution, format!("{circles} of {all} of models beat each other in a circle"))
        }
        (_, sure) if sure > 0 => {
            let text = format!("No circles, but {sure} of {all} fall short of what one scale asks for, beyond chance");
            (VerdictKind::Caution, text)
        }
        _ => {
            (VerdictKind::Good, format!("All {all} of models are as transitive as one scale asks for, but for chance"))
        }
    }
}

/// Log-likelihood of a held-out ranking.
fn unseen(found: &HeldOut) -> f64 {
    found.test / found.test_rankings
}

fn law_sentence(view: &ResultsView) -> Option<Sentence> {
    let found = view.held_out.iter().filter_map(|(law, found)| Some((*law, unseen(found.as_ref().ok()?))));
    let mut known: Vec<_> = found.filter(|(_, value)| value.is_finite()).collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let [(best, first), (other, second)] = known[..] else { return None };
    let text = format!(
        "{} foretells unseen rankings better than {}, by {} nats a ranking",
        words::method_name(best),
        words::method_name(other),
        number::nats(first - second)
    );
    Some((VerdictKind::Shown, text))
}

fn changes(view: &ResultsView, row: &LeftOut) -> Figure {
    let point = |(place, change): (usize, &crate::ranking::iia::Change)| {
        [place as f64, change.without - change.with, change.interval[0], change.interval[1]]
    };
    let names_of = row.changes.iter().map(|change| {
        let [a, b] = change.models.map(|model| view.model(model));
        format!("{a} - {b}")
    });
    let p = row.p_value.map_or_else(|| "not tested".to_owned(), |p| format!("p = {}", words::p_value(p)));
    Figure {
        title: format!("Differences of scores without {}", view.model(row.model)),
        caption: format!(
            "How much the difference of two models' log abilities changes when {} is left out of all rankings; all together {p} \
             (chi-square {} on {}); {}.",
            view.model(row.model),
            number::general(row.chi_square, 3),
            number::counted(row.degrees as u64, "degree", "degrees"),
            words::clusters(view)
        ),
        x: names("pair", names_of),
        y: linear("change of the difference"),
        layers: vec![
            Layer::Guide { name: "no change".to_owned(), slope: 0.0, intercept: 0.0 },
            Layer::Intervals {
                name: "with 95 % interval".to_owned(),
                colour: 0,
                points: row.changes.iter().enumerate().map(point).collect(),
            },
        ],
    }
}

fn left_out_table(view: &ResultsView, found: &Independence) -> Sheet {
    let header = ["left out", "chi-square", "degrees", "p", "Holm p", "largest change"];
    let row = |row: &LeftOut| {
        let largest = row.changes.iter().map(|change| (change.without - change.with).abs()).fold(0.0, f64::max);
        vec![
            Cell::text(view.model(row.model)),
            Cell::Number(row.p_value.map(|_| row.chi_square), words::three),
            Cell::count(row.degrees as u64),
            Cell::Number(row.p_value, words::p_value),
            Cell::Number(row.holm, words::p_value),
            Cell::Number(Some(largest), words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = found.left_out.iter().map(row).collect();
    let title = "Independence of irrelevant alternatives";
    Sheet::new("independence", title, &header, &rows, Some(help::IRRELEVANT_ALTERNATIVES))
}

fn changes_table(view: &ResultsView, found: &Independence) -> Sheet {
    let header = ["left out", "model", "against", "with all", "without", "change", "p", "Holm p"];
    let rows: Vec<Vec<Cell>> = found
        .left_out
        .iter()
        .flat_map(|row| {
            row.changes.iter().map(|change| {
                vec![
                    Cell::text(view.model(row.model)),
                    Cell::text(view.model(change.models[0])),
                    Cell::text(view.model(change.models[1])),
                    Cell::Number(Some(change.with), words::three),
                    Cell::Number(Some(change.without), words::three),
                    Cell::Estimate(Some(change.without - change.with), Some(change.interval), words::three),
                    Cell::Number(Some(change.p_value), words::p_value),
                    Cell::Number(Some(change.holm), words::p_value),
                ]
            })
        })
        .collect();
    Sheet::new("independence-changes", "Every pair without every model", &header, &rows, None)
}

fn triples(view: &ResultsView) -> Sheet {
    let header = [
        "first",
        "second",
        "third",
        "first over second",
        "second over third",
        "first over third",
        "short of weak",
        "short of moderate",
        "short of strong",
        "resamples short of strong",
    ];
    let row = |triple: &Triple| {
        let mut cells: Vec<Cell> = triple.models.map(|model| Cell::text(view.model(model))).into();
        cells.extend(triple.shares.map(|share| Cell::Number(Some(share), words::three)));
        cells.extend(triple.short.map(|short| Cell::Number(Some(short), words::three)));
        cells.push(Cell::Number(triple.violated.map(|shares| shares[2]), number::percent));
        cells
    };
    let rows: Vec<Vec<Cell>> = view.triples.iter().map(row).collect();
    Sheet::new("transitivity", "Transitivity", &header, &rows, Some(help::STOCHASTIC_TRANSITIVITY))
}

fn circles(view: &ResultsView) -> Sheet {
    let header = ["judge", "triples decided", "circles", "share"];
    let row = |found: &Circles| {
        vec![
            Cell::text(view.judge(found.judge)),
            Cell::count(found.triples),
            Cell::count(found.circles),
            Cell::Estimate(Some(found.rate), found.interval, words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.circles.iter().map(row).collect();
    let title = "Circles within one judge's choices on one question";
    Sheet::new("circles", title, &header, &rows, Some(help::STOCHASTIC_TRANSITIVITY))
}

fn laws(view: &ResultsView) -> Sheet {
    let header =
        ["law", "rankings fitted", "nats a ranking, fitted", "rankings kept back", "nats a ranking, kept back"];
    let row = |(law, found): &(crate::ranking::Method, Result<HeldOut, String>)| {
        let found = found.as_ref().ok();
        vec![
            Cell::text(words::method_name(*law)),
            Cell::Number(found.map(|found| found.train_rankings), |value| number::count(value as u64)),
            Cell::Number(found.map(|found| found.train / found.train_rankings), words::three),
            Cell::Number(found.map(|found| found.test_rankings), |value| number::count(value as u64)),
            Cell::Number(found.map(unseen), words::three),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.held_out.iter().map(row).collect();
    Sheet::new("held-out", "Two laws on unseen questions", &header, &rows, Some(help::HELD_OUT_RANKINGS))
}
