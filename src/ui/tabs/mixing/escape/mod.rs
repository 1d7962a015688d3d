//! Results of escapes: the Arrhenius plot, survival, exponentiality, and the margins that predict them.

mod figures;
mod view;

use eframe::egui::Ui;

pub use self::view::EscapeView;
use super::pairs::figures as columns;
use super::words;
use crate::figures::number;
use crate::glauber::experiments::escape::{Criterion, EscapeResult, EscapeSpec};
use crate::jobs::spec::RunSpec;
use crate::store::{RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::widgets::{VerdictKind, card, data_table, stats};
use crate::ui::{format, help, theme};

/// Draws the results as far as they have come, figures of the length at place `shown`.
pub fn show(ui: &mut Ui, run: &RunRow, view: &EscapeView, shown: &mut usize, commands: &mut Vec<Command>) {
    *shown = (*shown).min(view.lengths.len().saturating_sub(1));
    let (Some(length), Some(result)) = (view.lengths.get(*shown), view.found.lengths().nth(*shown)) else { return };
    headline(ui, run, view, (&length.spec, result));
    if view.lengths.len() > 1 {
        ui.horizontal_wrapped(|ui| {
            ui.label("Length shown:");
            for (place, at) in view.found.lengths().enumerate() {
                ui.selectable_value(shown, place, format!("n = {}", at.sites)).on_hover_text(
                    "Anchor, numbers and figures of this length; growth and the table are of all lengths.",
                );
            }
        });
    }
    numbers(ui, result);
    columns(
        ui,
        &[
            ("escape arrhenius", length.arrhenius.as_ref()),
            ("escape growth", view.growth.as_ref()),
            ("escape survival", Some(&length.survival)),
            ("escape exponential", length.exponential.as_ref()),
            ("escape margins", length.margins.as_ref()),
        ],
        commands,
    );
    if let Some(growth) = &view.growth_table {
        card(ui, "Growth with the length", |ui| {
            if growth.rows.is_empty() {
                ui.label("A slope needs two lengths at which every chain escaped.");
            } else {
                data_table(ui, "escape growth table", growth, None, commands);
            }
        });
    }
    card(ui, "Escapes at each temperature", |ui| {
        ui.label(
            theme::caption(
                "Bounds rest on sampled margins: they hold only as far as the sample saw the worst state, so none is proved.",
            )
            .weak(),
        );
        data_table(ui, "escape temperatures", &view.table, None, commands);
    });
    if let Some(shells) = &length.shells {
        card(ui, "Margin shells", |ui| {
            data_table(ui, "escape shells", shells, None, commands);
        });
    }
}

fn headline(ui: &mut Ui, run: &RunRow, view: &EscapeView, (spec, result): (&EscapeSpec, &EscapeResult)) {
    let so_far = if run.state == RunState::Done { "" } else { "So far: " };
    say(ui, view.kind, &format!("{so_far}{}: {}", shortened(&spec.model, 40), view.sentence));
    if !result.ball.margin.fixed_point {
        say(
            ui,
            VerdictKind::Caution,
            "The anchor is no fixed point: argmax updates change it, so that chains leave it at every temperature.",
        );
    }
    if let Some(margin) = result.margin_upper.filter(|&margin| margin <= 0.0) {
        let first = result.ball.margin.radius_hat_upper.unwrap_or(0);
        say(
            ui,
            VerdictKind::Caution,
            &format!(
                "No uniform margin within the radius: {} was seen, and at distance {first} already one that is not positive. \
                 The birth-death bounds say next to nothing here.",
                number::nats_with_unit(margin)
            ),
        );
    }
    if spec.scan != crate::glauber::chain::Scan::Random && spec.per_shell > 0 {
        say(ui, VerdictKind::Caution, "The birth-death bounds are for the random scan; these chains use another.");
    }
    if spec.criterion == Criterion::Basin && spec.per_shell > 0 {
        say(
            ui,
            VerdictKind::Caution,
            "Chains end when their basin changes. The birth-death bounds are for leaving the radius: they bound this time too \
             only if every state within it leads back to the anchor, as a positive margin there implies.",
        );
    }
    let from = match result.ball.quenches {
        Some(found) => format!("{} of {} quenches led here", number::count(found.led_here), number::count(found.all)),
        None => "typed".to_owned(),
    };
    ui.label(theme::caption(format!("Anchor ({from})")).weak());
    ui.label(theme::mono(result.anchor_text.join(" ")));
    let template = spec.template.as_ref().map_or(String::new(), |template| {
        format!(" in the template \u{201c}{}\u{201d}", shortened(&template.sentence, 70))
    });
    ui.label(
        theme::caption(format!(
            "{} free positions{template}, {}, {} scan, {}; {} at each temperature, cap {}. {}",
            result.sites,
            format::escape_rule(spec),
            words::scan_name(spec.scan),
            words::vocabulary(&spec.vocabulary),
            number::counted(spec.chains, "chain", "chains"),
            number::counted(spec.cap_sweeps, "sweep", "sweeps"),
            words::METHOD
        ))
        .weak(),
    );
}

fn numbers(ui: &mut Ui, result: &EscapeResult) {
    let total: u64 = result.temperatures.iter().map(|at| at.chains).sum();
    let escaped: u64 = result.temperatures.iter().map(|at| at.escaped).sum();
    let mut all = vec![
        ("Radius", number::counted(result.radius, "token", "tokens"), help::MARGIN.text),
        ("Escaped", format!("{} of {}", number::count(escaped), number::count(total)), help::ESCAPE_TIME.text),
    ];
    if let Some(margin) = result.margin_upper {
        all.push(("Uniform margin, upper bound", number::nats_with_unit(margin), help::MARGIN.text));
    }
    if let Some(found) = &result.arrhenius {
        all.push(("Slope (nats, 95 %)", words::slope(&found.measured), help::ARRHENIUS.text));
        // Without a positive margin the bound has no slope to speak of.
        if let Some(limit) = found.limit {
            let slope = found.predicted.map_or("not predicted".to_owned(), number::nats);
            all.push(("Slope of the bound", slope, help::ARRHENIUS.text));
            all.push(("(r + 1) m, its cold limit", number::nats(limit), help::ARRHENIUS.text));
        }
    }
    card(ui, "", |ui| stats(ui, &all));
}

/// A caption for a paper.
pub fn caption(spec: &RunSpec) -> Option<String> {
    let RunSpec::Escape(spec) = spec else { return None };
    Some(format!(
        "Escape times of Glauber dynamics from an anchor, {}, at {}: {} each, censored at {}; means with 95 % intervals, \
         lower bounds where censored; birth-death bounds from sampled margins; seed {}. {}",
        figures::about(spec),
        number::counted(spec.temperatures.len() as u64, "temperature", "temperatures"),
        number::counted(spec.chains, "chain", "chains"),
        number::counted(spec.cap_sweeps, "sweep", "sweeps"),
        spec.seed,
        words::METHOD
    ))
}
