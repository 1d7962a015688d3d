//! What three instruments call political: shares, baselines, rates, and how good the instruments are.

use eframe::egui::Ui;

use super::super::shared::run_state::say;
use super::outcome::{not_yet, table};
use super::political_view::{InstrumentView, PoliticalView};
use super::timing::beside;
use super::view::View;
use super::words;
use crate::figures::number;
use crate::ui::command::Command;
use crate::ui::widgets::stat::{stat, what_is};
use crate::ui::widgets::{VerdictKind, card, empty_state, figure_view};
use crate::ui::{help, theme};

const HEIGHT: f32 = 220.0;
/// From this width on the three instruments stand side by side.
const THREE: f32 = 900.0;

/// Draws the part.
pub fn show(ui: &mut Ui, view: &View, running: bool, commands: &mut Vec<Command>) {
    if view.spec.political.is_none() {
        let what = "Tick \u{201c}Ask how political the sentences are\u{201d} in the form and run again. Toys have no words to ask about.";
        empty_state(ui, "This run had no political probe", what, None);
        return;
    }
    let Some(found) = &view.political else {
        not_yet(ui, running, "Political shares");
        return;
    };
    say(ui, VerdictKind::Nothing, &summary(found));
    ui.label(
        theme::caption(
            "\u{201c}Political\u{201d} is what the lists of this run say: sentences about parliaments, elections, laws, courts, \
             taxes, war. Nothing here says left or right, for or against, or what the model believes; the three instruments \
             are separate rulers, none of them the truth.",
        )
        .weak(),
    );
    if let Some(dependence) = view.start_dependence() {
        ui.label(theme::caption(words::dependence(dependence)).weak());
    }
    card(ui, "Share over time", |ui| {
        if ui.available_width() >= THREE {
            ui.columns(found.instruments.len().max(1), |columns| {
                for (column, seen) in columns.iter_mut().zip(&found.instruments) {
                    instrument(column, seen, commands);
                }
            });
        } else {
            for seen in &found.instruments {
                instrument(ui, seen, commands);
            }
        }
    });
    card(ui, "Shares, entries and exits", |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::caption("Baselines").weak());
            what_is(ui, "a baseline", help::PROBE_BASELINES.text);
        });
        table(ui, "trajectories political shares", &found.shares, commands);
        let stays = ("trajectories political stays", &found.stays);
        beside(ui, &[("trajectories baselines", &found.baselines), stays], commands);
    });
    card(ui, "How good the probe is", |ui| {
        ui.label(theme::caption(found.made.as_str()));
        ui.horizontal(|ui| {
            ui.label(theme::caption("AUC, sensitivity, specificity").weak());
            what_is(ui, "the AUC", help::PROBE_QUALITY.text);
        });
        table(ui, "trajectories probe quality", &found.quality, commands);
        stat(ui, "Brier score of the classifier", &number::fixed(found.brier, 3), help::BRIER_SCORE.text);
        figure_view(ui, "trajectories calibration", &found.calibration, HEIGHT, &[], commands);
        ui.label(
            theme::caption(
                "Held-out statements resemble those trained on: on the half-grammatical sentences of a hot chain the probe is \
                 worse than this.",
            )
            .weak(),
        );
    });
}

fn instrument(ui: &mut Ui, seen: &InstrumentView, commands: &mut Vec<Command>) {
    let name = words::instrument_name(seen.instrument);
    let id = format!("trajectories political {name}");
    figure_view(ui, &id, &seen.over_time, HEIGHT, &[], commands);
    ui.label(theme::caption(format!("Rule: {}", seen.rule)));
}

/// The three shares in a sentence.
fn summary(found: &PoliticalView) -> String {
    let shares: Vec<String> = found
        .instruments
        .iter()
        .map(|seen| format!("{} by the {}", seen.share, words::instrument_name(seen.instrument)))
        .collect();
    format!("Share of snapshots called political: {}.", shares.join("; "))
}
