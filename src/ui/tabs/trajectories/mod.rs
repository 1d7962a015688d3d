//! The Trajectories tab: where do chains go, where do they stay, what do they come back to?
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod advanced;
mod basin_view;
mod basins;
mod draft;
mod explanation;
mod figures;
mod form;
mod lists;
mod outcome;
mod political;
mod political_view;
mod reader;
mod time_view;
mod timing;
mod view;
mod words;

use eframe::egui::Ui;

use self::draft::Draft;
use self::form::FormState;
use self::lists::ListsOutcome;
use self::outcome::Outcome;
use super::shared::columns;
use super::shared::form_draft::FormDraft;
use super::shared::questions::Questions;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::{Command, TabKind};
use crate::ui::context::TabContext;

/// State of the tab: the draft form, what is looked at, what was asked of the store and the model.
#[derive(Default)]
pub struct TrajectoriesTab {
    draft: FormDraft<Draft>,
    /// The draft as of the last undo point.
    form: FormState,
    questions: Questions,
    outcome: Outcome,
    /// The right side is hidden.
    why_hidden: bool,
}

impl TrajectoriesTab {
    /// Draws the whole tab into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.questions.listen(context.answers);
        self.outcome.listen(context.answers);
        if self.draft.model.is_empty()
            && let Some(first) = context.models.first()
        {
            self.draft.adjust(|draft| draft.model.clone_from(&first.reference));
        }
        columns::form(ui, "trajectories", |ui| {
            if form::show(ui, context, &mut self.draft, &mut self.form, &mut self.questions, commands) {
                self.outcome.follow_newest();
            }
        });
        let run = self.outcome.current(context);
        if !self.why_hidden {
            columns::why(ui, "trajectories", |ui| {
                explanation::show(ui, run.map(|(run, _)| run), self.outcome.view(), commands)
            });
        }
        let form = self.form.spec(context, &self.draft);
        columns::results(ui, |ui| {
            self.outcome.show(ui, context, &form, run, &mut self.why_hidden, commands);
        });
        if let Some(dialog) = &mut self.form.lists {
            match dialog.show(ui.ctx()) {
                ListsOutcome::Open => {}
                ListsOutcome::Cancelled => self.form.lists = None,
                ListsOutcome::Use(lists) => {
                    self.draft.lists = lists;
                    self.form.lists = None;
                }
            }
        }
        self.draft.settle(ui, TabKind::Trajectories, commands);
    }

    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        self.draft.json()
    }

    /// Replaces the draft; ignores what it cannot read.
    pub fn set_draft(&mut self, json: &str) {
        if self.draft.replace(json) {
            self.form.reset();
        }
    }

    /// Fills the draft from a run's spec.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        if let RunSpec::Trajectories(spec) = spec {
            self.draft.set_spec(spec);
            self.draft.accept();
            self.form.reset();
        }
    }

    /// Fills the form from the newest of the runs shown beside it while nobody has touched it; to be called when a
    /// project is opened.
    pub fn start_from(&mut self, runs: &[RunRow]) {
        let untouched = *self.draft == Draft { model: self.draft.model.clone(), ..Draft::default() };
        if untouched && let Some(run) = runs.iter().find(|run| matches!(run.spec, RunSpec::Trajectories(_))) {
            self.set_spec(&run.spec);
        }
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_cannot_be_read_changes_nothing() {
        let mut tab = TrajectoriesTab::default();
        tab.set_draft(r#"{"model":"agora","chains":3}"#);
        let before = tab.draft();
        assert_eq!(tab.draft.chains, 3);
        for broken in ["", "{", r#"{"temperature":"hot"}"#] {
            tab.set_draft(broken);
            assert_eq!(tab.draft(), before, "{broken:?}");
        }
    }
}
