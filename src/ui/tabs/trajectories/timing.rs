//! Dwell and recurrence: stays and returns, the Markov state model, recurrence plots, diagnostics.

use eframe::egui::{self, Ui};

use super::super::shared::diagnostics;
use super::outcome::{Looking, Part, not_yet, table};
use super::time_view::{Markov, RecurrenceView, TimedBasin, Timing};
use super::view::View;
use super::words;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::ui::command::Command;
use crate::ui::widgets::stat::{stat, what_is};
use crate::ui::widgets::{card, figure_view, stats};
use crate::ui::{help, theme};

/// Width that a figure beside others needs.
const SIDE_BY_SIDE: f32 = 300.0;
const HEIGHT: f32 = 230.0;

/// Draws the part.
pub fn show(ui: &mut Ui, view: &View, looking: &mut Looking, running: bool, commands: &mut Vec<Command>) {
    if view.recurrence.is_empty() && view.markov.is_none() && view.timing.is_none() {
        not_yet(ui, running, "Stays, returns and recurrence plots");
        return;
    }
    if let Some(timing) = &view.timing {
        card(ui, "Stays and returns", |ui| stays(ui, view, timing, looking, commands));
    }
    if let Some(markov) = &view.markov {
        card(ui, "Markov state model", |ui| model(ui, markov, commands));
    }
    if !view.recurrence.is_empty() {
        card(ui, "Recurrence", |ui| recurrence(ui, view, looking, commands));
    }
    diagnostics(ui, view, commands);
}

/// Figures beside each other where there is room, else one below the other.
pub fn beside(ui: &mut Ui, figures: &[(&str, &Figure)], commands: &mut Vec<Command>) {
    if ui.available_width() >= SIDE_BY_SIDE * figures.len() as f32 {
        ui.columns(figures.len().max(1), |columns| {
            for (column, (id, figure)) in columns.iter_mut().zip(figures) {
                figure_view(column, id, figure, HEIGHT, &[], commands);
            }
        });
    } else {
        for (id, figure) in figures {
            figure_view(ui, id, figure, HEIGHT, &[], commands);
        }
    }
}

fn stays(ui: &mut Ui, view: &View, timing: &Timing, looking: &mut Looking, commands: &mut Vec<Command>) {
    let kind = timing.kind;
    let own = looking.basin.filter(|_| looking.kind(view) == Some(kind));
    let place = own.and_then(|basin| timing.basins.iter().position(|timed| timed.found.basin == basin)).unwrap_or(0);
    let Some(timed) = timing.basins.get(place) else {
        ui.label("No chain was ever in the core of a basin, so there is no stay to time.");
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Basin, strongest trap first");
        egui::ComboBox::from_id_salt("trajectories timed basin")
            .width(160.0)
            .selected_text(timed.name.as_str())
            .show_ui(ui, |ui| {
                for (other, basin) in timing.basins.iter().enumerate() {
                    if ui.selectable_label(other == place, basin.name.as_str()).clicked() {
                        (looking.kind, looking.basin) = (Some(kind), Some(basin.found.basin));
                    }
                }
            })
            .response
            .labelled_by(label.id);
        what_is(ui, "a stay", help::DWELL_TIME.text);
    });
    if timing.total > timing.basins.len() {
        let note = format!("The {} strongest of {}.", timing.basins.len(), number::count(timing.total as u64));
        ui.label(theme::caption(note).weak());
    }
    numbers(ui, timed);
    let recurrent = recurrent(timed);
    ui.label(recurrent);
    ui.label(theme::caption(timing.rule.as_str()).weak());
    if timed.returns.n == 0 {
        figure_view(ui, "trajectories stays", &timed.stays_figure, HEIGHT, &[], commands);
        ui.label(theme::caption("No chain left this basin, so there is no return to time.").weak());
        return;
    }
    let figures = [("trajectories stays", &timed.stays_figure), ("trajectories returns", &timed.returns_figure)];
    beside(ui, &figures, commands);
}

fn numbers(ui: &mut Ui, timed: &TimedBasin) {
    let found = &timed.found;
    let text = help::DWELL_TIME.text;
    let mean = match (found.exponential_mean, found.exponential_interval) {
        (Some(mean), Some([lower, upper])) => format!(
            "{} ({} to {}) sweeps",
            number::general(mean, 3),
            number::general(lower, 3),
            number::general(upper, 3)
        ),
        (Some(mean), None) => format!("{} sweeps (no interval)", number::general(mean, 3)),
        (None, _) => format!("no stay ended in {} sweeps", number::count(found.exposure)),
    };
    let longest = if found.longest_censored { ">= " } else { "" };
    let mut all = vec![
        ("Median stay", words::median(&timed.median), help::KAPLAN_MEIER.text),
        ("Mean stay if exponential", mean, text),
        ("Stays, ended", format!("{}, {}", timed.stays.n, timed.stays.events), text),
        ("Longest stay", format!("{longest}{} sweeps", number::count(found.longest)), text),
        ("Chains", number::count(found.chains as u64), text),
    ];
    if timed.returns.n > 0 {
        all.push(("Median absence", words::median(&timed.return_median), help::RECURRENT_BASIN.text));
    }
    stats(ui, &all);
}

/// Whether the basin is recurrent, and why.
fn recurrent(timed: &TimedBasin) -> String {
    let found = &timed.found;
    let chains = number::counted(found.chains as u64, "chain", "chains");
    match (found.recurrent, found.most_reentries_by_one_chain) {
        (Some(true), Some(most)) => format!("Recurrent: {chains} came here, and one came back {most} times."),
        (Some(false), Some(0)) => {
            format!("Not recurrent by the rule: {chains} came here, and none came back after a long enough absence.")
        }
        (Some(false), Some(most)) => {
            let times = number::counted(most as u64, "time", "times");
            format!("Not recurrent by the rule: {chains} came here, and no chain came back more than {times}.")
        }
        _ => format!("{chains} came here; whether it is recurrent cannot be said."),
    }
}

fn model(ui: &mut Ui, markov: &Markov, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.label(theme::caption("Implied timescales").weak());
        what_is(ui, "an implied timescale", help::IMPLIED_TIMESCALES.text);
        ui.label(theme::caption("Chapman-Kolmogorov test").weak());
        what_is(ui, "the Chapman-Kolmogorov test", help::CHAPMAN_KOLMOGOROV.text);
    });
    for sentence in &markov.sentences {
        ui.label(theme::caption(sentence.as_str()));
    }
    let test = markov.chapman_kolmogorov.as_ref().map(|figure| ("trajectories chapman-kolmogorov", figure));
    let figures: Vec<(&str, &Figure)> =
        std::iter::once(("trajectories timescales", &markov.timescales)).chain(test).collect();
    beside(ui, &figures, commands);
}

fn recurrence(ui: &mut Ui, view: &View, looking: &mut Looking, commands: &mut Vec<Command>) {
    let shown = view.recurrence.iter().find(|plot| plot.chain == looking.chain).unwrap_or(&view.recurrence[0]);
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Chain");
        egui::ComboBox::from_id_salt("trajectories recurrence chain")
            .width(72.0)
            .selected_text((shown.chain + 1).to_string())
            .show_ui(ui, |ui| {
                for plot in &view.recurrence {
                    if ui.selectable_label(plot.chain == shown.chain, (plot.chain + 1).to_string()).clicked() {
                        looking.jump([plot.chain, 0]);
                    }
                }
            })
            .response
            .labelled_by(label.id);
    });
    measures(ui, shown, view.spec.every);
    let size = ui.available_width().min(460.0);
    let step = shown.stride;
    let clicked = ui
        .scope(|ui| {
            ui.set_max_width(size + 80.0);
            let id = format!("trajectories recurrence {}", shown.chain);
            figure_view(ui, &id, &shown.figure, size, &[], commands).clicked_cell
        })
        .inner;
    if let Some((row, _)) = clicked {
        looking.jump([shown.chain, row * step]);
        looking.part = Part::Reader;
    }
}

fn measures(ui: &mut Ui, shown: &RecurrenceView, every: u64) {
    let found = &shown.measures;
    let text = help::RECURRENCE_PLOT.text;
    let share = |value: Option<f64>| value.map_or("nothing recurs".to_owned(), number::percent);
    let longest = number::counted(found.longest_diagonal as u64, "snapshot", "snapshots");
    stats(
        ui,
        &[
            ("Recurrence rate", number::percent(found.rate), text),
            ("Determinism", share(found.determinism), text),
            ("Laminarity", share(found.laminarity), text),
            ("Longest repetition", longest, text),
        ],
    );
    if shown.stride > 1 {
        let sweeps = shown.stride as u64 * every;
        ui.label(theme::caption(format!("Thinned: one row every {sweeps} sweeps.")).weak());
    }
}

fn diagnostics(ui: &mut Ui, view: &View, commands: &mut Vec<Command>) {
    let (Some(found), Some(ending)) = (&view.diagnostics, &view.stages.ending) else { return };
    card(ui, "Diagnostics", |ui| {
        diagnostics::headline(ui);
        if found.rows.is_empty() {
            ui.label(
                theme::caption("Nothing to diagnose: the chains do not move, or are shorter than 4 snapshots.").weak(),
            );
        } else {
            table(ui, "trajectories diagnostics", found, commands);
        }
        match &ending.separation {
            Some(found) => {
                let value = format!(
                    "{} (estimate {}, {} of {} held-out chains told right)",
                    number::fixed(found.lower.max(0.0), 3),
                    number::fixed(found.estimate, 3),
                    found.right[0] + found.right[1],
                    found.held_out[0] + found.held_out[1]
                );
                stat(ui, "Distance of the two starts at the end, lower bound", &value, help::SEPARATION.text);
            }
            None => {
                let why = "How far chains from different starts stay apart is bounded for two typed starts and 16 chains or more; \
                           the Mixing tab compares any two starts.";
                ui.label(theme::caption(why).weak());
            }
        }
    });
}
