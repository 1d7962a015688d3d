//! The Judging tab: models answer the questions of a constitution, judges compare the answers, and one sees who follows it
//! best and how sure that is.
//!
//! Left the form ([`form`]), in the centre what came out ([`outcome`]), right why ([`explanation`]).

mod answers;
mod draft;
mod explanation;
mod form;
mod outcome;
mod person;
pub mod results;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{ScrollArea, Ui};

use self::draft::Draft;
use self::form::FormState;
use self::outcome::Outcome;
use super::shared::columns;
use super::shared::constitution_editor::ConstitutionEditor;
use super::shared::form_draft::FormDraft;
use super::shared::told::{self, Told};
use crate::dempo::constitution::{Constitution, Question};
use crate::formats::table::TableWarning;
use crate::formats::{constitutions, verdicts};
use crate::jobs::judge::ImportVerdictsSpec;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::{Command, JudgingPath, TabKind};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::requested::Requested;
use crate::ui::widgets::empty_state;

/// What a file held, with what was assumed while reading it.
#[derive(Clone)]
struct Imported {
    constitution: Option<Constitution>,
    questions: Vec<Question>,
    warnings: Vec<String>,
}

fn import(path: &Path, only_questions: bool, known: &Constitution) -> Result<Imported, String> {
    let words = |warnings: Vec<TableWarning>| warnings.iter().map(ToString::to_string).collect();
    if only_questions {
        let read = constitutions::read_questions(path, known).map_err(|error| error.to_string())?;
        return Ok(Imported { constitution: None, questions: read.questions, warnings: words(read.warnings) });
    }
    let read = constitutions::read(path).map_err(|error| error.to_string())?;
    Ok(Imported { constitution: Some(read.constitution), questions: Vec::new(), warnings: words(read.warnings) })
}

/// State of the tab: the draft form, what is looked at, what is being read.
#[derive(Default)]
pub struct JudgingTab {
    draft: FormDraft<Draft>,
    form: FormState,
    editor: ConstitutionEditor,
    outcome: Outcome,
    /// A file that is to be read, and whether it holds only questions.
    chosen: Option<(PathBuf, bool)>,
    reading: Requested<Result<Imported, String>>,
    /// A file of verdicts that is to be read.
    chosen_verdicts: Option<PathBuf>,
    verdicts: Requested<Result<ImportVerdictsSpec, String>>,
    /// What the last import did, or why it did nothing.
    told: Told,
    why_hidden: bool,
}

impl JudgingTab {
    /// Draws the whole tab into `ui`.
    pub fn show(&mut self, context: &TabContext<'_>, ui: &mut Ui, commands: &mut Vec<Command>) {
        self.read(context);
        self.read_verdicts(context, commands);
        self.form.follow(&self.draft);
        columns::form(ui, "judging", |ui| {
            if form::show(ui, context, &mut self.draft, &mut self.form, commands) {
                self.outcome.follow_newest();
                self.form.editing = false;
            }
        });
        let run = self.outcome.current(context);
        if !self.why_hidden {
            columns::why(ui, "judging", |ui| explanation::show(ui, run, commands));
        }
        columns::results(ui, |ui| {
            told::show(ui, &mut self.told);
            if self.form.editing {
                self.editor.show(ui, &mut self.draft.constitution, &mut self.form.editing, true);
                return;
            }
            match run {
                Some(run) => {
                    let form = self.form.run();
                    let taken = self.outcome.show(ui, context, &form, run, &mut self.why_hidden, commands);
                    if let Some(questions) = taken {
                        self.take_questions(questions);
                    }
                }
                None => self.nothing_yet(ui),
            }
        });
        self.draft.settle(ui, TabKind::Judging, commands);
    }

    /// Reads a file that was chosen, on a background thread, and takes over what is in it.
    fn read(&mut self, context: &TabContext<'_>) {
        if let Some((path, only_questions)) = self.chosen.take() {
            let (wake, known) = (context.wake.clone(), self.draft.constitution.clone());
            self.told = None;
            self.reading.ask(move || wake(), move || import(&path, only_questions, &known));
        }
        let Some(found) = self.reading.get().cloned() else { return };
        self.reading.clear();
        self.told = Some(match found {
            Ok(Imported { constitution, questions, warnings }) => {
                let mut told = match constitution {
                    Some(read) => {
                        let (clauses, questions) = (read.clauses.len(), read.questions.len());
                        let text = format!("{}: {clauses} clauses and {questions} questions were imported.", read.name);
                        self.draft.constitution = Arc::new(read);
                        text
                    }
                    None => {
                        let text = format!("{} questions were added.", questions.len());
                        self.take_questions(questions);
                        text
                    }
                };
                for warning in warnings {
                    told.push(' ');
                    told.push_str(&format::sentence(&warning));
                }
                Ok(told)
            }
            Err(problem) => Err(format::sentence(&problem)),
        });
    }

    /// Reads verdicts that were given elsewhere, and makes a run of them.
    fn read_verdicts(&mut self, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        if let Some(path) = self.chosen_verdicts.take() {
            let wake = context.wake.clone();
            self.told = None;
            self.verdicts.ask(
                move || wake(),
                move || {
                    let verdicts = Arc::new(verdicts::read(&path, false).map_err(|error| error.to_string())?);
                    let source = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    Ok(ImportVerdictsSpec { version: 1, source, verdicts })
                },
            );
        }
        let Some(found) = self.verdicts.get().cloned() else { return };
        self.verdicts.clear();
        match found {
            Ok(spec) => {
                commands.push(Command::StartRun(Box::new(RunSpec::ImportVerdicts(spec))));
                self.outcome.follow_newest();
            }
            Err(problem) => self.told = Some(Err(format::sentence(&problem))),
        }
    }

    /// Adds questions; one with an id that is taken replaces what has it.
    fn take_questions(&mut self, questions: Vec<Question>) {
        let mut constitution: Constitution = (*self.draft.constitution).clone();
        for question in questions {
            match constitution.questions.iter_mut().find(|known| known.id == question.id) {
                Some(known) => *known = question,
                None => constitution.questions.push(question),
            }
        }
        self.draft.constitution = Arc::new(constitution);
    }

    fn nothing_yet(&mut self, ui: &mut Ui) {
        ScrollArea::vertical().id_salt("judging nothing").auto_shrink([false, false]).show(ui, |ui| {
            let text = "Models answer questions that put a constitution to the test; judges, who do not know which model \
                        wrote what, rank the answers; seven methods make scores of the rankings. Fill the form with a small \
                        example on this machine, or choose your own constitution, models and judges.";
            if empty_state(ui, "Nothing judged yet", text, Some("Fill in a small example")) {
                self.fill_example();
            }
        });
    }

    /// Two ways of one shipped model and a word count, on a few shipped questions: works without key or download.
    fn fill_example(&mut self) {
        if let Some(shipped) = constitutions::shipped()
            .into_iter()
            .map(|(_, shipped)| shipped)
            .find(|shipped| !shipped.questions.is_empty())
        {
            self.draft.fill_example(Arc::new(shipped));
        }
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
        match spec {
            RunSpec::Judge(spec) => {
                let draft = Draft { writer: self.draft.writer.clone(), ..Draft::of(spec) };
                self.draft.adjust(|now| now.clone_from(&draft));
            }
            RunSpec::Questions(spec) => {
                let mut draft = Draft { constitution: spec.constitution.clone(), ..(*self.draft).clone() };
                draft.writer.take(&spec.writer);
                (draft.written, draft.prompts) = (spec.count, spec.prompts.clone());
                self.draft.adjust(|now| now.clone_from(&draft));
            }
            _ => {}
        }
    }

    /// Fills the form from the newest judging while nobody has touched it; to be called when a project is opened.
    pub fn start_from(&mut self, runs: &[RunRow]) {
        let newest = runs.iter().find(|run| matches!(run.spec, RunSpec::Judge(_)));
        if *self.draft == Draft::default()
            && let Some(run) = newest
        {
            self.set_spec(&run.spec);
        }
    }

    /// Shows the results of this run.
    pub fn show_run(&mut self, run: RunId) {
        self.outcome.pick(run);
        self.form.editing = false;
    }

    /// Takes a path that was asked for or dropped.
    pub fn take_path(&mut self, wanted: JudgingPath, path: PathBuf) {
        let text = path.display().to_string();
        match wanted {
            JudgingPath::Constitution => self.chosen = Some((path, false)),
            JudgingPath::Questions => self.chosen = Some((path, true)),
            JudgingPath::Verdicts => self.chosen_verdicts = Some(path),
            JudgingPath::Answers(row) => {
                if let Some(voice) = self.draft.entrants.get_mut(row) {
                    voice.file = text;
                }
            }
            JudgingPath::Adapter(row) => {
                if let Some(voice) = self.draft.entrants.get_mut(row) {
                    voice.adapter = text;
                }
            }
        }
    }
}
