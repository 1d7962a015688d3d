//! The right side: why. What each mode asks, the caption for a paper, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::draft::Mode;
use super::words;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::help::{self, Help};
use crate::ui::tabs::shared::run_state;
use crate::ui::theme;
use crate::ui::widgets::card;
use crate::ui::widgets::stat::{explain, what_is};

/// Draws the right side.
pub fn show(ui: &mut Ui, mode: Mode, run: Option<&RunRow>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("mixing why").auto_shrink([false, false]).show(ui, |ui| {
        if let Some(caption) = run.and_then(|run| caption(&run.spec)) {
            run_state::caption_card(ui, caption, commands);
        }
        if let Some(run) = run {
            run_state::provenance(ui, run, commands);
        }
        let (title, first, more): (&str, Help, &[Help]) = match mode {
            Mode::Phase => (
                "What is a phase diagram?",
                help::PHASE_DIAGRAM,
                &[
                    help::T_COUPLE,
                    help::SURVIVAL,
                    help::COUPLING,
                    help::SCAN,
                    help::START,
                    help::KAPPA,
                    help::DRIFT,
                    help::GROWTH_LAWS,
                    help::CRITICAL,
                    help::FINITE_SIZE,
                    help::ORDER_PARAMETER,
                    help::TAU_D,
                    help::ESCAPE,
                ],
            ),
            Mode::Pairs => (
                "What is a coupling time?",
                help::T_COUPLE,
                &[
                    help::SURVIVAL,
                    help::COUPLING,
                    help::HAMMING,
                    help::DRIFT,
                    help::KAPPA,
                    help::LAG_BOUND,
                    help::ALPHA,
                    help::TAU_D,
                    help::MIXING_BOUND,
                    help::MARGIN,
                    help::ESCAPE,
                    help::NEAR_TIES,
                    help::SEPARATION,
                    help::R_HAT,
                    help::EFFECTIVE_SAMPLE_SIZE,
                ],
            ),
            Mode::Exact => (
                "What is the mixing time?",
                help::MIXING_TIME,
                &[
                    help::SPECTRAL_GAP,
                    help::ALPHA,
                    help::MIXING_BOUND,
                    help::ENTROPY_PRODUCTION,
                    help::R,
                    help::SCAN_DEPENDENCE,
                    help::PERFECT_SAMPLES,
                    help::BASIN,
                ],
            ),
        };
        card(ui, title, |ui| explain(ui, first.text));
        card(ui, "More words", |ui| {
            for text in more {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 2.0;
                    let mut name = text.name.trim_start_matches("the ").trim_start_matches("a ").to_owned();
                    if let Some(first) = name.get_mut(..1) {
                        first.make_ascii_uppercase();
                    }
                    ui.label(theme::caption(name));
                    what_is(ui, text.name, text.text);
                });
            }
        });
    });
}

/// A caption for a paper.
fn caption(spec: &RunSpec) -> Option<String> {
    Some(match spec {
        RunSpec::Phase(spec) => format!(
            "Coupling times of Glauber dynamics on {} over {} temperatures and {} lengths: {}; {} to {} pairs a cell, cap {}, \
             censored cells at least the cap; t_couple(1/4) from Kaplan-Meier curves, bootstrap intervals, seed {}. {}",
            spec.subjects().collect::<Vec<_>>().join(", "),
            spec.grid.temperatures.len(),
            spec.grid.lengths.len(),
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary),
            spec.batch,
            spec.most_pairs,
            number::counted(spec.grid.cap_sweeps, "sweep", "sweeps"),
            spec.seed,
            words::METHOD
        ),
        RunSpec::Mix(spec) => format!(
            "{} coupled pairs of Glauber chains on {} at temperature {}, {} free positions: {}; cap {}, seed {}. {}",
            number::count(spec.pairs),
            spec.model,
            spec.temperature,
            words::free_positions(spec.length, spec.template.as_ref()),
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary),
            number::counted(spec.cap_sweeps, "sweep", "sweeps"),
            spec.seed,
            words::METHOD
        ),
        RunSpec::Exact(spec) => format!(
            "Glauber dynamics (random scan) on {} at temperature {}, {} free positions, {}, by enumeration of all states{}. {}",
            spec.model,
            spec.temperature,
            words::free_positions(spec.length, spec.template.as_ref()),
            words::vocabulary(&spec.vocabulary),
            spec.perfect.as_ref().map_or(String::new(), |perfect| format!(
                ", beside {} by coupling from the past, seed {}",
                number::counted(perfect.samples, "perfect sample", "perfect samples"),
                perfect.seed
            )),
            words::METHOD
        ),
        _ => return None,
    })
}
