//! Results of the exact mode: mixing time, spectrum, influence, entropy production, rectangles, scans, basins.

mod perfect;
mod view;

use std::collections::BTreeMap;

use eframe::egui::Ui;

pub use self::view::ExactView;
use super::words;
use crate::figures::number;
use crate::glauber::exact::{ExactResult, Starts};
use crate::store::RunId;
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::tabs::shared::run_state::say;
use crate::ui::widgets::{VerdictKind, card, data_table, figure_view, stats};
use crate::ui::{help, theme};

const TWO_COLUMNS: f32 = 900.0;

/// Texts of the tokens, and what was made with them.
#[derive(Default)]
pub struct Exact {
    questions: Questions,
    /// Of which run, whether with texts.
    named: Option<(RunId, bool, Named)>,
}

/// What needs the tokens' texts.
struct Named {
    basins: Table,
    tokens: String,
    rectangle: Option<String>,
}

impl Exact {
    /// Takes in the frame's answers.
    pub fn listen(&mut self, context: &TabContext<'_>) {
        self.questions.listen(context.answers);
    }

    fn follow(&mut self, context: &TabContext<'_>, view: &ExactView) -> Option<&Named> {
        if self.named.as_ref().is_none_or(|(run, ready, _)| *run != view.run || !*ready) {
            let tokens = view.tokens();
            let live = self.questions.texts(context.session, &view.spec.model, &tokens);
            let failed = matches!(live, Live::Failed(_));
            let texts: Option<BTreeMap<u32, String>> =
                live.ready().map(|texts| tokens.iter().copied().zip(texts.iter().cloned()).collect());
            let ready = texts.is_some() || failed;
            if ready || self.named.as_ref().is_none_or(|(run, ..)| *run != view.run) {
                let texts = texts.unwrap_or_default();
                let text = |token: u32| texts.get(&token).cloned().unwrap_or_else(|| format!("#{token}"));
                self.named = Some((view.run, ready, named(view, text)));
            }
        }
        self.named.as_ref().map(|(_, _, named)| named)
    }
}

fn named(view: &ExactView, text: impl Fn(u32) -> String) -> Named {
    let result = &view.result;
    let rectangle = result.rectangles.largest.as_ref().map(|r| {
        let context = &result.rectangles.context;
        let other = |site: usize| if site == r.i || site == r.j { "_".to_owned() } else { text(context[site]) };
        let sentence: Vec<String> = (0..context.len()).map(other).collect();
        format!(
            "positions {} and {} (counted from 0), tokens {} | {} and {} | {}, in \u{201c}{}\u{201d}",
            r.i,
            r.j,
            text(r.a),
            text(r.a2),
            text(r.b),
            text(r.b2),
            sentence.join(" ")
        )
    });
    Named {
        basins: view.basins(&text),
        tokens: result.tokens.iter().take(40).map(|&token| text(token)).collect::<Vec<_>>().join(" "),
        rectangle,
    }
}

/// Draws the results.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, view: &ExactView, state: &mut Exact, commands: &mut Vec<Command>) {
    let result = &view.result;
    headline(ui, view);
    let named = state.follow(context, view);
    if let Some(named) = named {
        let what =
            format!("Tokens: {}. Restricted to them the chain is renormalised; no R inside changes.", named.tokens);
        ui.label(theme::caption(what).weak());
    }
    card(ui, "", |ui| numbers(ui, result));
    let columns = if ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
    ui.columns(columns, |columns| {
        let count = columns.len();
        let shown = [
            ("exact distance", view.distance.as_ref()),
            ("exact spectrum", view.spectrum.as_ref()),
            ("exact influence", view.influence.as_ref()),
        ];
        for (place, (id, figure)) in shown.into_iter().filter_map(|(id, figure)| Some((id, figure?))).enumerate() {
            card(&mut columns[place % count], "", |ui| {
                figure_view(ui, id, figure, 260.0, &[], commands);
            });
        }
    });
    if let Some(view) = &view.perfect {
        perfect::show(ui, view, commands);
    }
    let Some(named) = named else { return };
    card(ui, "Compatibility", |ui| compatibility(ui, result, named.rectangle.as_deref()));
    card(ui, "Basins of argmax dynamics", |ui| {
        if result.basin_count > result.basins.len() as u64 {
            let all = number::count(result.basin_count);
            ui.label(theme::caption(format!("The largest of {all} basins.")).weak());
        }
        data_table(ui, "exact basins", &named.basins, None, commands);
    });
}

fn headline(ui: &mut Ui, view: &ExactView) {
    let result = &view.result;
    let model = shortened(&view.spec.model, 40);
    let states = number::counted(result.states, "state", "states");
    let text = match (result.t_mix, result.t_mix_lower) {
        (Some(t), _) => format!(
            "{model}: t_mix(1/4) is exactly {} ({} sweeps) over all {states}.",
            number::counted(t, "step", "steps"),
            number::general(words::sweeps(t, result.sites as u32), 3)
        ),
        (None, Some(t)) => format!(
            "{model}: t_mix(1/4) is at least {}; not every one of the {states} was followed as a start.",
            number::counted(t, "step", "steps")
        ),
        (None, None) => format!(
            "{model}: no unique stationary law ({} closed classes of {states}), so there is no mixing time.",
            number::count(result.closed_classes)
        ),
    };
    let kind = if result.t_mix.is_some() { VerdictKind::Shown } else { VerdictKind::Nothing };
    say(ui, kind, &text);
    ui.label(
        theme::caption(format!(
            "τ = {}, {} free positions, random scan; enumerated, nothing sampled. {}",
            result.temperature,
            result.sites,
            words::METHOD
        ))
        .weak(),
    );
}

fn numbers(ui: &mut Ui, result: &ExactResult) {
    let or_none = |value: Option<f64>, digits: usize| {
        value.map_or("not defined".to_owned(), |value| number::general(value, digits))
    };
    let time = match (result.t_mix, result.t_mix_lower) {
        (Some(t), _) => format!("{} steps", number::count(t)),
        (None, Some(t)) => format!(">= {} steps", number::count(t)),
        (None, None) => "not defined".to_owned(),
    };
    let bound = result.influence.mixing_upper;
    let bound = bound.map_or("no bound: alpha >= 1".to_owned(), |steps| format!("<= {} steps", number::count(steps)));
    let mut all = vec![
        ("States", number::count(result.states), help::MIXING_TIME.text),
        ("t_mix(1/4)", time, help::MIXING_TIME.text),
        ("Alpha", number::fixed(result.influence.alpha_col, 4), help::ALPHA.text),
        ("t_mix bound by alpha", bound, help::MIXING_BOUND.text),
        ("Spectral gap", or_none(result.gap, 5), help::SPECTRAL_GAP.text),
    ];
    if let Some(spectrum) = &result.spectrum {
        let relaxation = spectrum.relaxation_time.map_or("beyond f64".to_owned(), |t| number::general(t, 5));
        let pseudo = format!(">= {} (k = {})", number::general(spectrum.pseudo_gap_lower, 5), spectrum.pseudo_gap_at);
        all.extend([
            ("Relaxation time (steps)", relaxation, help::SPECTRAL_GAP.text),
            ("Pseudo-spectral gap", pseudo, help::SPECTRAL_GAP.text),
            ("Gap of P P*", number::general(spectrum.reversibilisation_gap, 5), help::SPECTRAL_GAP.text),
        ]);
    }
    stats(ui, &all);
    if result.d_over == Some(Starts::Chosen) {
        let starts = number::counted(result.starts.len() as u64, "start was", "starts were");
        ui.label(theme::caption(format!("Only {starts} followed: d(t) and the time are lower bounds.")).weak());
    }
}

fn compatibility(ui: &mut Ui, result: &ExactResult, rectangle: Option<&str>) {
    let nats = |value: Option<f64>| value.map_or("not defined".to_owned(), number::nats_with_unit);
    let production = result.entropy_production;
    let production =
        production.map_or("not defined".to_owned(), |sigma| format!("{} nats/step", number::general(sigma, 4)));
    let scan = |law: Option<f64>| law.map_or("not computed".to_owned(), |tv| number::general(tv, 4));
    let systematic = result.systematic_scan.as_ref().map(|law| law.tv_from_random);
    let permutation = result.permutation_scan.as_ref().map(|law| law.tv_from_random);
    stats(
        ui,
        &[
            ("Largest |R|", nats(result.max_abs_r), help::R.text),
            ("Entropy production", production, help::ENTROPY_PRODUCTION.text),
            ("TV to the systematic scan", scan(systematic), help::SCAN_DEPENDENCE.text),
            ("TV to the permutation scan", scan(permutation), help::SCAN_DEPENDENCE.text),
        ],
    );
    let count = number::counted(result.rectangles.count, "rectangle", "rectangles");
    match rectangle {
        Some(place) => ui.label(theme::caption(format!("Largest |R| of all {count}: {place}."))),
        None => ui.label(theme::caption(format!("{count} inside the space."))),
    };
}
