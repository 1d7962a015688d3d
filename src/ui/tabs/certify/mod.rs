//! The Certify tab: does any joint distribution have this model's conditionals?
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod certificate;
mod data;
mod draft;
mod explanation;
mod figures;
mod form;
mod one_context;
mod outcome;
mod rectangle;
mod sentence;
mod survey;
mod survey_form;
mod tokens;
mod view;
mod words;

use eframe::egui::Ui;

use self::draft::Draft;
use self::explanation::Shown;
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
pub struct CertifyTab {
    draft: FormDraft<Draft>,
    /// The draft as of the last undo point.
    form: FormState,
    questions: Questions,
    outcome: Outcome,
    /// The right side is hidden.
    why_hidden: bool,
}

impl CertifyTab {
    /// Draws the whole tab (left form, centre results, right explanation) into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.questions.listen(context.answers);
        self.outcome.survey_state.listen(context);
        if self.draft.model.is_empty()
            && let Some(first) = context.models.first()
        {
            self.draft.adjust(|draft| draft.model.clone_from(&first.reference));
        }
        columns::form(ui, "certify", |ui| {
            let (draft, form, questions) = (&mut self.draft, &mut self.form, &mut self.questions);
            if form::show(ui, context, draft, form, questions, commands) {
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
            columns::why(ui, "certify", |ui| {
                let shown = match run.map(|run| &run.spec) {
                    Some(RunSpec::Certify(_)) => match self.outcome.context.get() {
                        Some(Ok(Some(view))) => Shown::Context(view, &self.outcome.one_context),
                        _ => Shown::Nothing,
                    },
                    Some(RunSpec::Survey(_)) => match self.outcome.survey.get() {
                        Some(Ok(view)) => match self.outcome.survey_state.facet(view) {
                            Some(facet) => Shown::Survey(view, facet),
                            None => Shown::Nothing,
                        },
                        _ => Shown::Nothing,
                    },
                    _ => Shown::Nothing,
                };
                explanation::show(ui, mode, run, shown, commands);
            });
        }
        columns::results(ui, |ui| {
            self.outcome.show(ui, context, &mut self.draft, run, &mut self.why_hidden, commands);
        });
        self.draft.settle(ui, TabKind::Certify, commands);
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

    /// Fills the draft from a certify or survey spec.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        self.draft.set_spec(spec);
        self.form.reset();
    }

    /// Fills what is still empty in the form from the runs shown beside it; to be called when a project is opened.
    pub fn start_from(&mut self, runs: &[RunRow], lists: &[(String, Vec<String>)]) {
        self.draft.start_from(runs.iter().map(|run| &run.spec), lists);
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
        let mut tab = CertifyTab::default();
        tab.set_draft(r#"{"model":"agora","mode":"survey"}"#);
        let before = tab.draft();
        assert_eq!(tab.draft.mode, Mode::Survey);
        for broken in ["", "{", r#"{"temperature":"hot"}"#] {
            tab.set_draft(broken);
            assert_eq!(tab.draft(), before, "{broken:?}");
        }
    }
}
