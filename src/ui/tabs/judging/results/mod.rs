//! What can be said of verdicts: settings, a computation on a background thread, and six views of what it found.

mod clauses;
mod diagnostics;
mod judges;
mod pairs;
mod ranks;
mod scores;
mod settings;
#[cfg(test)]
mod tests;
mod view;
mod words;

use std::sync::Arc;

use eframe::egui::Ui;

use crate::figures::number;
use crate::progress::Cancelled;
use crate::ranking::verdicts::Verdicts;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::empty_state;

use view::{ResultsView, Settings};

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Scores,
    Pairs,
    Clauses,
    Ranks,
    Judges,
    Diagnostics,
}

impl Part {
    const ALL: [(Self, &str, &str); 6] = [
        (Self::Scores, "Scores", "Seven methods side by side, with intervals and the chances of each rank."),
        (Self::Pairs, "Pairs", "How far models stand apart two by two, and whether that could be chance."),
        (Self::Clauses, "Clauses", "Who wins where, and which clauses tell models apart."),
        (Self::Ranks, "Ranks", "Which ranks models were given, and how shares of wins settle."),
        (Self::Judges, "Judges", "Whether judges agree, and whether places or lengths of answers sway them."),
        (Self::Diagnostics, "Diagnostics", "Whether one scale of abilities fits the verdicts at all."),
    ];
}

/// The verdicts and settings that something was computed from.
struct Question {
    verdicts: Arc<Verdicts>,
    settings: Settings,
}

impl Question {
    fn is(&self, verdicts: &Arc<Verdicts>, settings: &Settings) -> bool {
        Arc::ptr_eq(&self.verdicts, verdicts) && self.settings == *settings
    }
}

/// A view on its way.
type Computation = Task<Result<Arc<ResultsView>, Cancelled>>;

/// The results part of the tab, with its settings and what it computes.
#[derive(Default)]
pub struct Results {
    settings: Settings,
    part: Part,
    working: Option<(Question, Computation)>,
    /// The newest view and what it answers.
    view: Option<(Question, Arc<ResultsView>)>,
    /// A computation that the user ended, until something changes.
    stopped: Option<Question>,
    serial: u64,
    scores: scores::State,
    pairs: pairs::State,
    clauses: clauses::State,
    ranks: ranks::State,
    judges: judges::State,
    diagnostics: diagnostics::State,
}

impl Results {
    /// Draws everything that is known of `verdicts`, and computes what is not on a background thread. A new `Arc` is a new
    /// set of verdicts: the views before stay until its own are there.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        verdicts: &Arc<Verdicts>,
        commands: &mut Vec<Command>,
    ) {
        if verdicts.verdicts.is_empty() {
            let what = "Start a run of judging, judge answers yourself, or import rankings: results appear with the first \
                        verdict.";
            empty_state(ui, "No verdicts yet", what, None);
            return;
        }
        settings::show(ui, verdicts, &mut self.settings);
        self.follow(context, verdicts);
        if self.settings.selection_is_empty(verdicts) {
            let what = "Choose at least one judge and one clause with verdicts.";
            if empty_state(ui, "No verdict is selected", what, Some("Select everything")) {
                self.settings.selection = crate::ranking::verdicts::Selection::default();
            }
            return;
        }
        if let Some((_, task)) = &self.working
            && task.show(ui, "Stop computing")
            && let Some((question, _)) = self.working.take()
        {
            self.stopped = Some(question);
        }
        if self.stopped.is_some() {
            let text = "Computing was stopped: change a setting, or compute again.";
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::caption(text).weak());
                if ui.button("Compute again").clicked() {
                    self.stopped = None;
                }
            });
        }
        let Some((_, view)) = &self.view else { return };
        let view = view.clone();
        ui.horizontal_wrapped(|ui| {
            for (part, name, about) in Part::ALL {
                ui.selectable_value(&mut self.part, part, name).on_hover_text(about);
            }
        });
        ui.label(theme::caption(counted(&view)).weak());
        match self.part {
            Part::Scores => scores::show(ui, &view, &mut self.scores, commands),
            Part::Pairs => pairs::show(ui, &view, &mut self.pairs, commands),
            Part::Clauses => clauses::show(ui, &view, &mut self.clauses, commands),
            Part::Ranks => ranks::show(ui, &view, &mut self.ranks, commands),
            Part::Judges => judges::show(ui, &view, &mut self.judges, commands),
            Part::Diagnostics => diagnostics::show(ui, &view, &mut self.diagnostics, commands),
        }
    }

    /// Takes over what was computed, and computes what is asked now. New settings end a computation under way; new verdicts
    /// wait for it, since while judges work there are new ones all the time.
    fn follow(&mut self, context: &TabContext<'_>, verdicts: &Arc<Verdicts>) {
        if let Some((_, task)) = &mut self.working
            && let Some(result) = task.result()
        {
            let result = result.clone();
            if let Some((question, _)) = self.working.take()
                && let Ok(view) = result
            {
                self.view = Some((question, view));
            }
        }
        if self.stopped.as_ref().is_some_and(|stopped| !stopped.is(verdicts, &self.settings)) {
            self.stopped = None;
        }
        let known = self.view.as_ref().is_some_and(|(question, _)| question.is(verdicts, &self.settings));
        let under_way = self.working.as_ref().is_some_and(|(question, _)| question.settings == self.settings);
        if known || under_way || self.stopped.is_some() || self.settings.selection_is_empty(verdicts) {
            return;
        }
        self.serial += 1;
        let (serial, settings, of) = (self.serial, self.settings.clone(), verdicts.clone());
        let task =
            Task::begin(context, move |progress| ResultsView::compute(&of, &settings, serial, progress).map(Arc::new));
        self.working = Some((Question { verdicts: verdicts.clone(), settings: self.settings.clone() }, task));
    }
}

fn counted(view: &ResultsView) -> String {
    format!(
        "{} on {} of {}.",
        number::counted(view.verdicts.verdicts.len() as u64, "verdict", "verdicts"),
        number::counted(view.questions, "question", "questions"),
        number::counted(view.judged_clauses, "clause", "clauses")
    )
}
