//! Results of a phase diagram: verdict, maps, the selected cell, theory beside measurement, growth, critical temperatures.

mod cell;
mod figures;
mod tables;
mod verdict;
mod view;

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, Ui};

use self::cell::CellView;
pub use self::cell::pairs_table;
pub use self::view::PhaseView;
use self::view::{Row, Subject};
use super::reader::Reader;
use super::words;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::phase::{CriticalTemperature, Verdict};
use crate::glauber::temperature::Temperature;
use crate::store::{RunId, RunRow, RunState, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::run_state::{bring_into_view, say, unreadable};
use crate::ui::widgets::{VerdictKind, card, data_table, figure_view, stats, what_is};
use crate::ui::{help, theme};

/// Width from which figures stand side by side.
const TWO_COLUMNS: f32 = 1040.0;

/// A cell by what it is, so that it stays selected while the map grows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Chosen {
    subject: usize,
    length: u32,
    temperature: Temperature,
}

/// What is selected in a diagram.
#[derive(Default)]
pub struct Phase {
    run: Option<RunId>,
    chosen: Option<Chosen>,
    /// The selected cell has not been brought into view yet.
    arriving: bool,
    /// The model whose curves are shown below the maps.
    subject: usize,
    cell: Requested<Result<CellView, StoreError>>,
    /// What `cell` was asked for.
    asked: Option<(Chosen, usize, bool)>,
    /// Reads a pair of the selected cell.
    reader: Reader,
}

impl Phase {
    /// Takes in the frame's answers.
    pub fn listen(&mut self, context: &TabContext<'_>) {
        self.reader.listen(context);
    }
}

/// Draws the results as far as they have come; a run that keeps a cell's tokens, if one was asked for.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    view: &PhaseView,
    state: &mut Phase,
    commands: &mut Vec<Command>,
) -> Option<MixSpec> {
    if state.run != Some(run.id) {
        *state = Phase { run: Some(run.id), ..Phase::default() };
    }
    if state.chosen.is_some() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        // Inside out: the pair that is read, then its cell.
        if state.reader.pair().is_some() {
            state.reader.close();
        } else {
            state.chosen = None;
        }
    }
    headline(ui, run, view);
    maps(ui, view, state, commands);
    let wanted = selected(ui, context, run, view, state, commands);
    subject_choice(ui, view, state);
    let subject = view.subjects.get(state.subject).or(view.subjects.first())?;
    let length = state.chosen.map(|chosen| chosen.length);
    let at = length.and_then(|length| view.lengths.iter().position(|&other| other == length));
    let at = at.unwrap_or(view.lengths.len().saturating_sub(1));
    figures_side_by_side(
        ui,
        &[
            ("phase times", Some(&subject.times)),
            ("phase alpha", subject.alpha.as_ref()),
            ("phase arrhenius", subject.arrhenius.get(at).and_then(Option::as_ref)),
        ],
        commands,
    );
    bounds(ui, view, subject, commands);
    growth(ui, subject, commands);
    critical(ui, subject);
    finite_size(ui, view, subject, commands);
    card(ui, "All cells", |ui| {
        ui.label(theme::caption("Click a cell to see it above.").weak());
        let at = |chosen: Chosen| {
            view.rows.iter().position(|row| {
                (row.subject as usize, row.length, row.temperature)
                    == (chosen.subject, chosen.length, chosen.temperature)
            })
        };
        let marked = state.chosen.and_then(at);
        if let Some(row) = data_table(ui, "phase cells", &view.cells_table, marked, commands).clicked {
            state.chosen = view.rows.get(row).map(|row| of(row));
            state.arriving = true;
        }
    });
    wanted
}

fn of(row: &Row) -> Chosen {
    Chosen { subject: row.subject as usize, length: row.length, temperature: row.temperature }
}

fn headline(ui: &mut Ui, run: &RunRow, view: &PhaseView) {
    let (kind, text) = &view.verdict;
    let model = shortened(&view.spec.model, 40);
    if *kind == VerdictKind::Nothing {
        say(ui, *kind, text);
    } else {
        say(ui, *kind, &format!("{model}{}: {text}", if run.state == RunState::Done { "" } else { ", so far" }));
    }
    let spec = &view.spec;
    ui.label(
        theme::caption(format!(
            "{} of {} finished; {}; cap {}. Coupling times bound mixing from above, for these starts. The program implements \
             the method of arXiv 2605.16378; formulas reconstructed.",
            number::count(view.finished as u64),
            number::counted(view.rows.len() as u64, "cell", "cells"),
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary),
            number::counted(spec.grid.cap_sweeps, "sweep", "sweeps"),
        ))
        .weak(),
    );
}

fn maps(ui: &mut Ui, view: &PhaseView, state: &mut Phase, commands: &mut Vec<Command>) {
    let columns = if view.subjects.len() > 1 && ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
    let height = (view.lengths.len() as f32 * 34.0 + 60.0).clamp(150.0, 380.0);
    let mut clicked = None;
    ui.columns(columns, |columns| {
        let count = columns.len();
        for (number, subject) in view.subjects.iter().enumerate() {
            let marked: Vec<(usize, usize)> = state
                .chosen
                .filter(|chosen| chosen.subject == number)
                .and_then(|chosen| view.spot(chosen.length, chosen.temperature))
                .into_iter()
                .collect();
            card(&mut columns[number % count], "", |ui| {
                let id = format!("phase map {number}");
                let response = figure_view(ui, &id, &subject.heat, height, &marked, commands);
                if let Some((length, temperature)) = response.clicked_cell.and_then(|cell| view.place(cell)) {
                    clicked = Some(Chosen { subject: number, length, temperature });
                }
            });
        }
    });
    if let Some(cell) = clicked {
        state.chosen = if state.chosen == Some(cell) { None } else { Some(cell) };
        (state.subject, state.arriving) = (cell.subject, true);
    }
}

/// The selected cell, or how to select one.
fn selected(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    view: &PhaseView,
    state: &mut Phase,
    commands: &mut Vec<Command>,
) -> Option<MixSpec> {
    let Some(chosen) = state.chosen else {
        ui.label(
            theme::caption("Click a cell, or move to it with the arrow keys and press Enter, to see its pairs.").weak(),
        );
        return None;
    };
    let Some(row) = view.cell(chosen.subject, chosen.length, chosen.temperature) else {
        ui.label(theme::caption("This cell has not been run yet.").weak());
        return None;
    };
    let pairs = row.summary.result.as_ref().map_or(0, |result| result.pairs) as usize;
    let wanted = (chosen, pairs, row.finished);
    if state.asked != Some(wanted) {
        if state.asked.is_some_and(|(cell, ..)| cell != chosen) {
            state.cell.clear();
            state.reader.close();
        }
        if !state.cell.waiting() {
            state.asked = Some(wanted);
            let (id, spec, row) = (run.id, view.spec.clone(), Arc::clone(row));
            context.query(&mut state.cell, move |project| CellView::load(project, id, &spec, row));
        }
    }
    match state.cell.get() {
        Some(Ok(cell)) => {
            let (wanted, drawn) = cell::show(ui, view, cell, state.reader.pair(), commands);
            if std::mem::take(&mut state.arriving) {
                bring_into_view(ui, drawn);
            }
            if let Some(pair) = wanted.pair.filter(|&pair| pair < row.summary.kept) {
                // Each cell of the diagram is two of the ensemble.
                state.reader.open(context, run.id, 2 * row.cell, pair);
            }
            state.reader.show(ui, context, run.id, (&cell.same, &cell.meetings), commands);
            cell::curves(ui, cell, commands);
            return wanted.run;
        }
        Some(Err(problem)) => unreadable(ui, problem),
        None => {
            ui.spinner();
        }
    }
    None
}

/// Which model's curves are shown.
fn subject_choice(ui: &mut Ui, view: &PhaseView, state: &mut Phase) {
    if view.subjects.len() < 2 {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("Curves of");
        for (number, subject) in view.subjects.iter().enumerate() {
            ui.selectable_value(&mut state.subject, number, shortened(&subject.name, 40));
        }
    });
}

/// The figures that there are, in two columns where there is room.
fn figures_side_by_side(ui: &mut Ui, figures: &[(&str, Option<&Figure>)], commands: &mut Vec<Command>) {
    let shown: Vec<(&str, &Figure)> = figures.iter().filter_map(|&(id, figure)| Some((id, figure?))).collect();
    if shown.is_empty() {
        return;
    }
    let columns = if shown.len() > 1 && ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
    ui.columns(columns, |columns| {
        let count = columns.len();
        for (place, (id, figure)) in shown.into_iter().enumerate() {
            card(&mut columns[place % count], "", |ui| {
                figure_view(ui, id, figure, 260.0, &[], commands);
            });
        }
    });
}

fn bounds(ui: &mut Ui, view: &PhaseView, subject: &Subject, commands: &mut Vec<Command>) {
    card(ui, "Theory beside measurement", |ui| {
        explained(
            ui,
            "Bounds from a sample err on the side that their names say.",
            &[help::ALPHA, help::TAU_D, help::MIXING_BOUND, help::ESCAPE],
        );
        if subject.bounds.rows.is_empty() {
            let why = if view.spec.theory.is_none() {
                "Theory was left out of this run. Tick it in the form to see influence, bounds and escape predictions."
            } else {
                "Influence and margins are sampled once every cell has its first pairs."
            };
            ui.label(why);
        } else {
            data_table(ui, "phase bounds", &subject.bounds, None, commands);
        }
    });
}

fn growth(ui: &mut Ui, subject: &Subject, commands: &mut Vec<Command>) {
    card(ui, "Growth with length", |ui| {
        explained(
            ui,
            "Four laws fitted to all pairs of a temperature, censored ones included.",
            &[help::GROWTH_LAWS, help::AKAIKE],
        );
        if subject.growth.rows.is_empty() {
            ui.label("Fits appear once two lengths of a temperature have pairs.");
            return;
        }
        data_table(ui, "phase growth", &subject.growth, None, commands);
        if let Some(figure) = &subject.exponents {
            figure_view(ui, "phase exponents", figure, 220.0, &[], commands);
        }
        if subject.laws.rows.is_empty() {
            ui.label("The pairs do not determine all four laws at any temperature yet.");
        } else {
            data_table(ui, "phase laws", &subject.laws, None, commands);
        }
    });
}

fn critical(ui: &mut Ui, subject: &Subject) {
    let critical = subject.findings.as_ref().and_then(|found| found.critical.as_ref());
    let Some(critical) = critical else { return };
    card(ui, "Critical temperatures", |ui| {
        explained(ui, "Four readings that need not agree on a finite grid.", &[help::CRITICAL]);
        for (name, what, found) in [
            ("τ_c1", "the growth rate c of a n e^(cn) crosses 0", &critical.growth_rate),
            ("τ_c2", "n log n and a n e^(cn) fit equally well", &critical.model_change),
            ("τ_c3", "kappa changes sign", &critical.contraction),
            ("τ_c4", "log t_couple falls most steeply, longest length", &critical.steepest),
        ] {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::strong(name));
                match found {
                    CriticalTemperature::Found { tau, found_share } => {
                        ui.label(format!("{}: {what}", words::estimate(tau, 4)));
                        if *found_share < 1.0 {
                            let share = number::percent(*found_share);
                            ui.label(theme::caption(format!("found in {share} of resamples")).weak());
                        }
                    }
                    CriticalTemperature::NotReached { reason } => {
                        ui.label(format!("not reached: {reason} ({what})"));
                    }
                }
            });
        }
    });
}

fn finite_size(ui: &mut Ui, view: &PhaseView, subject: &Subject, commands: &mut Vec<Command>) {
    let size = subject.findings.as_ref().and_then(|found| found.finite_size.as_ref());
    let Some(size) = size else { return };
    card(ui, "Transition or crossover?", |ui| {
        let kind = if size.verdict == Verdict::Undecided { VerdictKind::Nothing } else { VerdictKind::Shown };
        say(ui, kind, &size.words);
        let exponent = |estimate: Option<crate::glauber::phase::Estimate>| {
            estimate.map_or("not known".to_owned(), |estimate| words::estimate(&estimate, 3))
        };
        let settles = match size.steepest_converges {
            Some(true) => "settles",
            Some(false) => "still moves",
            None => "not known",
        };
        let window = size.window.map_or("none".to_owned(), |[low, high]| format!("τ = {low} to {high}"));
        stats(
            ui,
            &[
                ("Slope exponent b", exponent(size.slope_growth), help::FINITE_SIZE.text),
                ("Susceptibility exponent", exponent(size.susceptibility_growth), help::FINITE_SIZE.text),
                ("Compared over", window, help::FINITE_SIZE.text),
                ("τ_c4 with n", settles.to_owned(), help::CRITICAL.text),
            ],
        );
        if size.censored {
            let cap = number::counted(view.spec.grid.cap_sweeps, "sweep", "sweeps");
            ui.label(
                theme::caption(format!("Some cells are censored at {cap}, so a crossover is not claimed.")).weak(),
            );
        }
        let columns = if ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
        ui.columns(columns, |columns| {
            let last = columns.len() - 1;
            if let Some(figure) = &subject.slopes {
                figure_view(&mut columns[0], "phase slopes", figure, 220.0, &[], commands);
            }
            if let Some(figure) = &subject.susceptibility {
                figure_view(&mut columns[last], "phase susceptibility", figure, 220.0, &[], commands);
            }
        });
        data_table(ui, "phase sizes", &subject.sizes, None, commands);
    });
}

/// A sentence with its question marks.
fn explained(ui: &mut Ui, sentence: &str, helps: &[help::Help]) {
    ui.label(theme::caption(sentence).weak());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for explanation in helps {
            ui.label(theme::caption(explanation.name));
            what_is(ui, explanation.name, explanation.text);
        }
    });
}
