//! The right side: why. What judging by a constitution is, and what made the run.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::run_state::{caption_card, provenance};
use crate::dempo::judging::Comparing;
use crate::figures::number;
use crate::jobs::judge::JudgeSpec;
use crate::jobs::spec::RunSpec;
use crate::store::RunRow;
use crate::ui::command::Command;
use crate::ui::help;
use crate::ui::widgets::card;
use crate::ui::widgets::stat;

/// Draws the right side.
pub fn show(ui: &mut Ui, run: Option<&RunRow>, commands: &mut Vec<Command>) {
    ScrollArea::vertical().id_salt("judging why").auto_shrink([false, false]).show(ui, |ui| {
        if let Some(run) = run {
            if let RunSpec::Judge(spec) = &run.spec {
                caption_card(ui, caption(spec), commands);
            }
            provenance(ui, run, commands);
        }
        card(ui, "What is judging by a constitution?", |ui| stat::explain(ui, help::judging::JUDGING.text));
        card(ui, "What do intervals cover?", |ui| stat::explain(ui, help::judging::JUDGING_INTERVALS.text));
    });
}

/// What was done, for a paper.
fn caption(spec: &JudgeSpec) -> String {
    let judges: Vec<&str> = spec.judges.iter().map(|judge| judge.name.as_str()).collect();
    let judges = if judges.is_empty() { "people".to_owned() } else { judges.join(", ") };
    let how = match spec.comparing {
        Comparing::Listwise => "ranked all answers to a question at once",
        Comparing::Pairwise => "compared answers two by two",
    };
    format!(
        "{} answered {} on {} of \"{}\" (temperature {}, at most {} tokens). {judges} {how}, {} each, answers unnamed and in an \
         order drawn anew for each pass (seed {}).",
        number::counted(spec.entrants.len() as u64, "model", "models"),
        number::counted(spec.constitution.questions.len() as u64, "question", "questions"),
        number::counted(spec.constitution.clauses.len() as u64, "clause", "clauses"),
        spec.constitution.name,
        spec.answer_temperature,
        spec.longest_answer,
        number::counted(u64::from(spec.passes), "pass", "passes"),
        spec.seed,
    )
}
