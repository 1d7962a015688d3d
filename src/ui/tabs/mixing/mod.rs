//! The Mixing tab: how fast do Glauber chains on a masked language model forget where they started?
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod chain_form;
mod draft;
mod escape;
mod escape_form;
mod exact;
mod explanation;
mod figures;
mod form;
mod outcome;
mod pairs;
mod phase;
mod phase_form;
mod reader;
mod singles_form;
mod template;
mod words;

use eframe::egui::Ui;

use self::draft::Draft;
use self::form::FormState;
use self::outcome::Outcome;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::{Command, TabKind};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::columns;
use crate::ui::tabs::shared::form_draft::FormDraft;
use crate::ui::tabs::shared::questions::Questions;

/// State of the tab: the draft form, what is selected, what was asked of the store.
#[derive(Default)]
pub struct MixingTab {
    draft: FormDraft<Draft>,
    /// The draft as of the last undo point.
    form: FormState,
    questions: Questions,
    outcome: Outcome,
    /// The right side is hidden.
    why_hidden: bool,
}

impl MixingTab {
    /// Draws the whole tab (left form, centre results, right explanation) into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.questions.listen(context.answers);
        self.outcome.pairs_state.listen(context);
        self.outcome.phase_state.listen(context);
        self.outcome.exact_state.listen(context);
        if self.draft.model.is_empty()
            && let Some(first) = context.models.first()
        {
            self.draft.adjust(|draft| draft.model.clone_from(&first.reference));
        }
        columns::form(ui, "mixing", |ui| {
            if form::show(ui, context, &mut self.draft, &mut self.form, &mut self.questions, commands) {
                self.outcome.follow_newest();
            }
        });
        let mut mode = self.draft.mode;
        let run = self.outcome.current(context, &mut mode);
        if mode != self.draft.mode {
            // A run asked for from elsewhere brings its mode along; that is no edit of the form.
            self.draft.adjust(|draft| draft.mode = mode);
        }
        if !self.why_hidden {
            columns::why(ui, "mixing", |ui| explanation::show(ui, mode, run, commands));
        }
        columns::results(ui, |ui| {
            self.outcome.show(ui, context, &mut self.draft, run, &mut self.why_hidden, commands);
        });
        if self.draft.edited(ui) {
            self.draft.begun = true;
        }
        self.draft.settle(ui, TabKind::Mixing, commands);
    }

    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        self.draft.json()
    }

    /// Replaces the draft (autosave, undo, "duplicate as form"); ignores what it cannot read.
    pub fn set_draft(&mut self, json: &str) {
        if self.draft.replace(json) {
            self.form.reset();
        }
    }

    /// Fills the draft from a phase, mix, exact or escape spec.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        self.draft.set_spec(spec);
        self.form.reset();
    }

    /// Fills a form that nobody has touched from the runs shown beside it; to be called when a project is opened.
    pub fn start_from(&mut self, runs: &[RunRow]) {
        self.draft.start_from(runs.iter().map(|run| &run.spec));
        self.draft.accept();
        self.form.reset();
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
    }
}

#[cfg(test)]
mod tests {
    use super::draft::Mode;
    use super::*;

    #[test]
    fn a_draft_that_cannot_be_read_changes_nothing() {
        let mut tab = MixingTab::default();
        tab.set_draft(r#"{"model":"agora","mode":"exact"}"#);
        let before = tab.draft();
        assert_eq!(tab.draft.mode, Mode::Exact);
        for broken in ["", "{", r#"{"seed":"many"}"#] {
            tab.set_draft(broken);
            assert_eq!(tab.draft(), before, "{broken:?}");
        }
    }
}
