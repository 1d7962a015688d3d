//! The right side: why. What EigenBench is, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::run_state::{caption_card, provenance};
use crate::eigenbench::sampling::Scheme;
use crate::figures::number;
use crate::jobs::collect::CollectSpec;
use crate::jobs::spec::RunSpec;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::help;
use crate::ui::widgets::card;
use crate::ui::widgets::stat;

/// Draws the right side.
pub fn show(ui: &mut Ui, run: Option<&RunRow>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("eigenbench why").auto_shrink([false, false]).show(ui, |ui| {
        if let Some(run) = run {
            if let RunSpec::Collect(spec) = &run.spec {
                caption_card(ui, caption(spec), commands);
            }
            provenance(ui, run, commands);
        }
        card(ui, "What is EigenBench?", |ui| stat::explain(ui, help::eigenbench::EIGENBENCH.text));
    });
}

/// What was done, for a paper.
fn caption(spec: &CollectSpec) -> String {
    let names: Vec<String> = spec.constitutions.iter().map(|one| format!("\"{}\"", one.name)).collect();
    let scheme = match spec.scheme {
        Scheme::RandomJudgeGroup { size, groups } => format!(
            "Under each scenario {} compared responses of {size} models",
            number::counted(u64::from(groups), "judge drawn at random", "judges drawn at random")
        ),
        Scheme::AdaptiveInverseCount { size, groups, alpha } => format!(
            "Under each scenario {} compared responses of {size} models, rare ones drawn more often (exponent {alpha})",
            number::counted(u64::from(groups), "judge", "judges")
        ),
        Scheme::AllToAll => "Under each scenario every judge compared all responses".to_owned(),
        Scheme::AddModels { known, old } => {
            format!("Under each scenario the new models met {old} of {known} that were compared before")
        }
    };
    let ties = if spec.form.ties { "ties allowed" } else { "without ties" };
    format!(
        "{} responded to {} and judged one another by {} (EigenBench, arXiv 2509.01938). {scheme}, in both orders, {ties}, after \
         reflecting on each; nobody was told who wrote what, and evaluees did not see the criteria (temperatures {} and {}, \
         seed {}).",
        number::counted(spec.models.len() as u64, "model", "models"),
        number::counted(spec.scenarios.len() as u64, "scenario", "scenarios"),
        names.join(", "),
        spec.response_temperature,
        spec.judge_temperature,
        spec.seed,
    )
}
