//! The Training tab: a language model learns what raters prefer, weighed by a panel, and one sees whom it comes to serve.
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod answers;
mod chat;
mod curves;
mod diagnostics;
mod diagnostics_figures;
mod draft;
mod explanation;
mod form;
mod groups;
mod import;
mod outcome;
mod scheme_form;
mod settings_form;
mod sources;
mod trl_export;
mod typed;
mod view;
mod words;

use std::path::{Path, PathBuf};

use eframe::egui::{ScrollArea, Ui};

use self::draft::{Draft, LotterySource};
use self::form::Ready;
use self::import::Imports;
use self::outcome::Outcome;
use self::sources::Sources;
use self::trl_export::TrlExport;
use super::shared::columns;
use super::shared::form_draft::FormDraft;
use crate::jobs::spec::RunSpec;
use crate::jobs::train::ImportTrlSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::{Command, TabKind, TrainingPath};
use crate::ui::context::TabContext;
use crate::ui::theme;
use crate::ui::widgets::empty_state;

/// State of the tab: the draft form, what its files hold, what is looked at.
#[derive(Default)]
pub struct TrainingTab {
    draft: FormDraft<Draft>,
    sources: Sources,
    imports: Imports,
    ready: Ready,
    outcome: Outcome,
    export: TrlExport,
    /// A job of TRL that was chosen since the last frame.
    job: Option<PathBuf>,
    /// The right side is hidden.
    why_hidden: bool,
}

impl TrainingTab {
    /// Draws the whole tab into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        if self.imports.advance(context, &mut self.draft) {
            self.sources.refresh();
        }
        self.sources.follow(context, &self.draft, ui.ctx().cumulative_frame_nr());
        self.ready.follow(&self.draft, &mut self.sources, context.runs);
        self.sources.follow_outlook(context, self.ready.spec().ok());
        self.start_sample(commands);
        if let Some(job) = self.job.take() {
            let trained = job.join("trained");
            commands.push(Command::StartRun(Box::new(RunSpec::ImportTrl(ImportTrlSpec { version: 1, job, trained }))));
        }
        columns::form(ui, "training", |ui| {
            let parts = (&mut self.sources, &mut self.imports, &self.ready);
            if form::show(ui, context, &mut self.draft, parts, commands) {
                self.outcome.follow_newest();
            }
        });
        let run = self.outcome.current(context);
        if !self.why_hidden {
            columns::why(ui, "training", |ui| {
                let view = run.and_then(|run| self.outcome.view(run.id));
                explanation::show(ui, run, view, commands);
            });
        }
        columns::results(ui, |ui| {
            self.export.show(ui, context, self.ready.spec().map(|spec| &**spec));
            match run {
                Some(run) => {
                    self.outcome.show(ui, context, &self.ready, run, &mut self.why_hidden, commands);
                }
                None => self.nothing_yet(ui, context),
            }
        });
        self.draft.settle(ui, TabKind::Training, commands);
    }

    /// Starts the training on the sample once its files are there and read.
    fn start_sample(&mut self, commands: &mut Vec<Command>) {
        if !self.imports.start_after || self.imports.busy() {
            return;
        }
        if let Some(Ok(_)) = self.sources.raters()
            && let Some(Ok(_)) = self.sources.chances()
            && let Ok(spec) = self.ready.spec()
        {
            commands.push(Command::StartRun(Box::new(RunSpec::Train((**spec).clone()))));
            self.imports.start_after = false;
            self.outcome.follow_newest();
        }
    }

    fn nothing_yet(&mut self, ui: &mut Ui, context: &TabContext<'_>) {
        ScrollArea::vertical().id_salt("training nothing").auto_shrink([false, false]).show(ui, |ui| {
            let text = "A small language model that comes with the program learns what made-up raters prefer, weighed by a \
                        lottery over panels. In a minute or two this page shows whom it comes to serve. Or choose your own \
                        preferences and press Train.";
            let action = (!self.imports.busy()).then_some("Train on the sample");
            if empty_state(ui, "No training yet", text, action) {
                self.imports.begin_sample(context, true);
            }
            if self.imports.busy() {
                ui.vertical_centered(|ui| ui.label(theme::caption("The sample is being made; the form tells how far it is.")));
            }
        });
    }

    /// The draft as JSON, for autosave and undo.
    pub fn draft(&self) -> String {
        self.draft.json()
    }

    /// Replaces the draft; ignores what it cannot read.
    pub fn set_draft(&mut self, json: &str) {
        self.draft.replace(json);
    }

    /// Fills the draft from a run's spec.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        if let RunSpec::Train(spec) = spec {
            let draft = Draft { alike: self.draft.alike.clone(), ..Draft::of(spec) };
            self.draft.adjust(|now| now.clone_from(&draft));
        }
    }

    /// Fills the form from the newest of the runs shown beside it while nobody has touched it; to be called when a
    /// project is opened.
    pub fn start_from(&mut self, runs: &[RunRow]) {
        let newest = runs.iter().find(|run| matches!(run.spec, RunSpec::Train(_)));
        if *self.draft == Draft::default()
            && let Some(run) = newest
        {
            self.set_spec(&run.spec);
        }
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
    }

    /// Takes in preferences that were dropped or chosen: as they are, or by an import.
    pub fn take_source(&mut self, path: PathBuf) {
        self.imports.take(path);
    }

    /// Takes a path that was asked for.
    pub fn take_path(&mut self, wanted: TrainingPath, path: PathBuf) {
        let text = |path: &Path| path.display().to_string();
        match wanted {
            TrainingPath::Preferences | TrainingPath::Prism => self.take_source(path),
            TrainingPath::People => self.draft.people = text(&path),
            TrainingPath::Lottery => self.draft.lottery = LotterySource::File(text(&path)),
            TrainingPath::Model => self.draft.model = text(&path),
            TrainingPath::TrlExport => self.export.take(path),
            TrainingPath::TrlJob => self.job = Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_cannot_be_read_changes_nothing() {
        let mut tab = TrainingTab::default();
        tab.set_draft(r#"{"preferences":"p.jsonl","window":3}"#);
        let before = tab.draft();
        assert_eq!(tab.draft.window, 3);
        for broken in ["", "{", r#"{"window":"wide"}"#] {
            tab.set_draft(broken);
            assert_eq!(tab.draft(), before, "{broken:?}");
        }
    }
}
