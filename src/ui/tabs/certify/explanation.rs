//! The right side: why. What each statistic means, the caption for a paper, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::draft::Mode;
use super::one_context::OneContext;
use super::view::{ContextView, Facet, SurveyView};
use super::words;
use crate::figures::number;
use crate::store::{RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::tabs::shared::run_state;
use crate::ui::widgets::card;
use crate::ui::widgets::stat::{self, stat};
use crate::ui::{help, theme};

/// What the right side explains.
pub enum Shown<'a> {
    Context(&'a ContextView, &'a OneContext),
    Survey(&'a SurveyView, &'a Facet),
    Nothing,
}

/// Draws the right side.
pub fn show(ui: &mut Ui, mode: Mode, run: Option<&RunRow>, shown: Shown<'_>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("certify why").auto_shrink([false, false]).show(ui, |ui| {
        match shown {
            Shown::Context(view, state) => context(ui, view, state, commands),
            Shown::Survey(view, facet) => {
                survey(ui, view, facet, run.is_some_and(|run| run.state == RunState::Done), commands);
            }
            Shown::Nothing => {}
        }
        if let Some(run) = run {
            run_state::provenance(ui, run, commands);
        }
        card(ui, "What is tested?", |ui| {
            stat::explain(ui, help::RECTANGLE_TEST.text);
        });
        if mode == Mode::Survey {
            card(ui, "Controls", controls);
        }
    });
}

/// What the numbers would be without anything learnt: a sentence for each control, more behind its question mark.
fn controls(ui: &mut Ui) {
    for (name, text) in [
        ("Ising model", help::CONTROL_ISING),
        ("Random weights", help::CONTROL_RANDOM_INIT),
        ("Directions permuted", help::CONTROL_PERMUTED),
    ] {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.label(theme::strong(name));
            stat::what_is(ui, text.name, text.text);
        });
        ui.label(theme::caption(text.first_sentence()));
    }
}

fn context(ui: &mut Ui, view: &ContextView, state: &OneContext, commands: &mut Vec<Command>) {
    let result = &view.result;
    card(ui, "Statistics", |ui| {
        stat(ui, "Largest |R|", &number::nats_with_unit(result.max_abs_r), help::R.text);
        stat(ui, "Root mean square of D", &number::nats_with_unit(result.rms), help::RECTANGLE_FIELD.text);
        let certified = result
            .rectangles
            .iter()
            .filter(|rectangle| rectangle.assessment.c1 == crate::glauber::certificate::Verdict::Certified)
            .count();
        let share = format!("{} of {}", number::count(certified as u64), number::count(result.rectangles.len() as u64));
        stat(ui, "Rectangles certified", &share, help::CERTIFICATE_C1.text);
        if let Some(found) = state.selected(view).and_then(|at| view.rectangle(at)) {
            let assessment = &found.assessment;
            stat(ui, "R of the selected rectangle", &number::nats_with_unit(assessment.r64), help::R.text);
            stat(ui, "|R| / error bound", &ratio(assessment.r64, assessment.e64), help::ERROR_BOUND.text);
            stat(ui, "Error in single precision", &number::bound(assessment.e32), help::ERROR_BOUND.text);
        }
    });
    let sizes = (result.texts_a.len(), result.texts_b.len());
    let caption = words::context_caption(&view.spec, &result.certificate.assessment, sizes, view.total);
    run_state::caption_card(ui, caption, commands);
}

/// How many error bounds fit into |R|.
fn ratio(r: f64, error: f64) -> String {
    if error == 0.0 { "no error seen".to_owned() } else { number::general((r / error).abs(), 3) }
}

fn survey(ui: &mut Ui, view: &SurveyView, facet: &Facet, finished: bool, commands: &mut Vec<Command>) {
    card(ui, "Statistics", |ui| {
        let own = &facet.own;
        let of_all = |count: u64| format!("{} of {}", number::count(count), number::count(own.records));
        ui.label(
            theme::caption(format!(
                "{}, {}, all distances",
                words::shortened(&view.spec.model, 24),
                words::plausibility_name(facet.tokens)
            ))
            .weak(),
        );
        stat(ui, "Certified", &of_all(own.certified), help::PREVALENCE.text);
        stat(ui, "Signs disagree", &of_all(own.signs_differ), help::SIGN_DISAGREEMENT.text);
        stat(ui, "Mean asymmetry", &number::fixed(own.asymmetry, 3), help::ASYMMETRY_INDEX.text);
        ui.label(theme::caption("Shares with intervals are by stratum only.").weak());
        for text in [help::WILSON_INTERVAL, help::CLUSTER_BOOTSTRAP, help::SPEARMAN] {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let mut name = text.name.trim_start_matches("the ").to_owned();
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                ui.label(theme::caption(name).weak());
                stat::what_is(ui, text.name, text.text);
            });
        }
    });
    let caption = words::survey_caption(&view.spec, view.records.len(), view.sentences, view.strata.len(), finished);
    run_state::caption_card(ui, caption, commands);
}
