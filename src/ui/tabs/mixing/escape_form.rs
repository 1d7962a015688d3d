//! What only escapes ask: the chain, the anchor and its neighbourhood, how much.

use eframe::egui::Ui;

use super::draft::{AnchorKind, Draft, EscapeDraft};
use super::form::{number, seed_card};
use super::{chain_form, phase_form, template};
use crate::glauber::experiments::escape::{Criterion, MOST_CHAINS, MOST_SWEEPS};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::questions::Questions;
use crate::ui::tabs::shared::start_law::{self, Problems};
use crate::ui::widgets::{card, what_is};
use crate::ui::{help, theme};

/// Temperatures to start from: name, numbers between commas.
const TEMPERATURES: [(&str, &str); 3] = [
    ("Cold, 0.3 to 0.85", "0.3, 0.4, 0.5, 0.65, 0.85"),
    ("Even steps of 1/τ, from 1 to 3", "1, 0.6667, 0.5, 0.4, 0.3333"),
    ("One, at 0.5", "0.5"),
];

/// Lengths to put beside one of 8.
const LENGTHS: [(&str, &str); 3] = [("None", ""), ("4, 6, 10, 12", "4, 6, 10, 12"), ("16 and 32", "16, 32")];

/// Draws the cards.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, questions: &mut Questions, problems: &Problems) {
    let model = draft.model.clone();
    card(ui, "2  Chain", |ui| {
        let escape = &mut draft.escape;
        template::show(ui, context, "mixing escape", &model, &mut escape.template, questions);
        if !escape.template.on {
            let why = "Free positions n; one sweep is n single-site steps.";
            number(ui, "Length in tokens", &mut escape.length, 1..=512, why);
            let presets = LENGTHS.map(|(name, numbers)| (name, numbers.to_owned()));
            let why = "Lengths beside it, between commas, for the escape time against the length. Each has an anchor and chains of \
                       its own; leave it empty for one length.";
            phase_form::numbers(ui, "Further lengths", &mut escape.further, &presets).on_hover_text(why);
            if let Err(problem) = escape.further() {
                ui.label(theme::caption(problem).color(theme::palette(ui).bad));
            }
        }
        let presets = TEMPERATURES.map(|(name, numbers)| (name, numbers.to_owned()));
        phase_form::numbers(ui, "Temperatures", &mut escape.temperatures, &presets);
        if let Err(problem) = escape.temperatures() {
            ui.label(theme::caption(problem).color(theme::palette(ui).bad));
        }
        chain_form::scan(ui, &mut draft.chain);
        chain_form::vocabulary(ui, &mut draft.chain);
    });
    card(ui, "3  Anchor", |ui| {
        let escape = &mut draft.escape;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.selectable_value(&mut escape.kind, AnchorKind::Quenched, "Found by quenches").on_hover_text(
                "The sentence to which most random starts are drawn at temperature 0 and that argmax updates leave as it is.",
            );
            ui.selectable_value(&mut escape.kind, AnchorKind::Typed, "Typed")
                .on_hover_text("A sentence of your own; the result says whether argmax updates leave it as it is.");
            what_is(ui, help::MARGIN.name, help::MARGIN.text);
        });
        match escape.kind {
            AnchorKind::Quenched => {
                number(
                    ui,
                    "Quenches",
                    &mut escape.quenches,
                    1..=10_000,
                    "Random starts that are run down to temperature 0.",
                );
            }
            AnchorKind::Typed => {
                start_law::typed_field(ui, ("mixing escape", "Anchor sentence"), &mut escape.sentence, problems);
            }
        }
        escaped_when(ui, escape);
    });
    card(ui, "4  Amount", |ui| {
        let escape = &mut draft.escape;
        number(
            ui,
            "Chains at each temperature",
            &mut escape.chains,
            1..=MOST_CHAINS,
            "Independent chains from the anchor.",
        );
        number(
            ui,
            "Cap in sweeps",
            &mut escape.cap_sweeps,
            1..=MOST_SWEEPS,
            "Chains that have not escaped by then are censored: their time is more than the cap.",
        );
        seed_card(ui, draft);
    });
    card(ui, "5  Prediction", |ui| {
        let escape = &mut draft.escape;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.label("From sampled margins");
            what_is(ui, help::ESCAPE.name, help::ESCAPE.text);
        });
        let why = "States sampled at each distance from the anchor, up to the radius; n forward rows each. 0 leaves the \
                   prediction out.";
        number(ui, "States in each shell", &mut escape.per_shell, 0..=100_000, why);
        let why = "Tokens that an adversary tries at each position to make the margin small; 0 leaves it out. Costs many rows.";
        number(ui, "Adversary's tokens", &mut escape.candidates, 0..=1_000, why);
    });
}

/// What counts as an escape, and the radius.
fn escaped_when(ui: &mut Ui, escape: &mut EscapeDraft) {
    ui.label("A chain has escaped when");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.selectable_value(&mut escape.criterion, Criterion::Distance, "Its distance grows")
            .on_hover_text("More positions than the radius differ from the anchor.");
        ui.selectable_value(&mut escape.criterion, Criterion::Basin, "Its basin changes").on_hover_text(
            "Updates at temperature 0 lead from it to another sentence than from the anchor. Each new state is quenched: on a \
             network that costs many more rows than counting positions.",
        );
        what_is(ui, help::BASIN.name, help::BASIN.text);
    });
    let why = match escape.criterion {
        Criterion::Distance => "A chain has escaped once more positions than this differ from the anchor.",
        Criterion::Basin => {
            "How far from the anchor margins are sampled for the prediction; chains end with their basin."
        }
    };
    if escape.relative {
        number(ui, "Radius in % of the length", &mut escape.radius_percent, 0.0..=99.0, why);
    } else {
        number(ui, "Radius in tokens", &mut escape.radius, 0..=511, why);
    }
    ui.checkbox(&mut escape.relative, "Radius grows with the length")
        .on_hover_text("A share of the positions, rounded down: what lengths are compared at.");
}
