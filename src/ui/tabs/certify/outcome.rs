//! The centre: which run is shown, where it stands, and then its results.

use eframe::egui::{self, ScrollArea, TextWrapMode, Ui};

use super::draft::{Draft, Mode};
use super::one_context::OneContext;
use super::survey::Survey;
use super::view::{ContextView, SurveyView};
use super::{certificate, one_context, sentence, survey, words};
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{Project, RunId, RunRow, RunState, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, empty_state, progress_bar, verdict};

/// Something read from the store for one run, read again whenever that run's results grow.
pub struct Loaded<T> {
    of: Option<(RunId, u64)>,
    value: Requested<Result<T, StoreError>>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self { of: None, value: Requested::default() }
    }
}

impl<T: Send + 'static> Loaded<T> {
    /// Keeps up with `run`; `read` gets the value known so far and makes the query for the next.
    pub fn follow<Q>(&mut self, context: &TabContext<'_>, run: RunId, read: impl FnOnce(Option<&T>) -> Q)
    where
        Q: FnOnce(&Project) -> Result<T, StoreError> + Send + 'static,
    {
        let version = context.versions.get(&run).copied().unwrap_or(0);
        if self.of.is_some_and(|(of, _)| of != run) {
            self.of = None;
            self.value.clear();
        }
        let known = self.value.get().and_then(|value| value.as_ref().ok());
        if self.of != Some((run, version)) {
            let query = read(known);
            if !self.value.waiting() {
                self.of = Some((run, version));
                context.query(&mut self.value, query);
            }
        }
    }
    /// What is there, if anything.
    pub fn get(&mut self) -> Option<&Result<T, StoreError>> {
        self.value.get()
    }
    /// The version last asked for.
    pub fn version(&self) -> u64 {
        self.of.map_or(0, |(_, version)| version)
    }
}

/// What the centre keeps between frames.
#[derive(Default)]
pub struct Outcome {
    /// A run chosen by hand; otherwise the newest of the mode is shown.
    picked: Option<RunId>,
    /// The picked run has just been asked for from outside: the form's mode follows it.
    arriving: bool,
    /// The form's mode at the last look.
    mode: Option<Mode>,
    pub context: Loaded<Option<ContextView>>,
    pub survey: Loaded<SurveyView>,
    pub one_context: OneContext,
    pub survey_state: Survey,
    pub verifications: certificate::Verifications,
}

impl Outcome {
    /// Shows the results of `run` from now on.
    pub fn pick(&mut self, run: RunId) {
        self.picked = Some(run);
        self.arriving = true;
    }
    /// Follows the newest run again.
    pub fn follow_newest(&mut self) {
        self.picked = None;
    }

    /// The run to show, given the form's mode (which a run picked from outside may change).
    pub fn current<'a>(&mut self, context: &TabContext<'a>, mode: &mut Mode) -> Option<&'a RunRow> {
        let picked = self.picked.and_then(|id| context.runs.iter().find(|run| run.id == id));
        if let (Some(run), true) = (picked, self.arriving) {
            self.arriving = false;
            match &run.spec {
                RunSpec::Certify(_) => *mode = Mode::OneContext,
                RunSpec::Survey(_) => *mode = Mode::Survey,
                // The verification of the certificate in view shows below that certificate: the view stays.
                RunSpec::Verify(spec) if *mode == Mode::OneContext => {
                    if let (Some((shown, _)), Some(Ok(Some(view)))) = (self.context.of, self.context.get())
                        && view.certificate == spec.certificate
                    {
                        self.picked = Some(shown);
                    }
                }
                _ => {}
            }
        } else if self.mode.is_some_and(|before| before != *mode) {
            // The reader went to the other question: what was picked for this one gives way.
            self.picked = None;
        }
        self.mode = Some(*mode);
        let picked = self.picked.and_then(|id| context.runs.iter().find(|run| run.id == id));
        let shows = |run: &&RunRow| belongs(run, *mode) || matches!(run.spec, RunSpec::Verify(_));
        picked.filter(shows).or_else(|| context.runs.iter().find(|run| belongs(run, *mode)))
    }

    /// Draws the centre for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        draft: &mut Draft,
        run: Option<&RunRow>,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        let Some(run) = run else {
            nothing_yet(ui, draft);
            return;
        };
        // Each run scrolls on its own: another run starts at its top.
        ScrollArea::vertical().id_salt(("certify outcome", run.id)).auto_shrink([false, false]).show(ui, |ui| {
            self.heading(ui, context, draft, run, why_hidden, commands);
            state(ui, context, run, commands);
            match &run.spec {
                RunSpec::Certify(spec) => {
                    let spec = spec.clone();
                    let id = run.id;
                    self.context.follow(context, id, |_| move |project| ContextView::load(project, id, &spec));
                    match self.context.get() {
                        Some(Ok(Some(view))) => {
                            one_context::show(
                                ui,
                                context,
                                run,
                                view,
                                &mut self.one_context,
                                &mut self.verifications,
                                commands,
                            );
                        }
                        Some(Ok(None)) | None => {}
                        Some(Err(problem)) => unreadable(ui, problem),
                    }
                }
                RunSpec::Survey(spec) => {
                    let id = run.id;
                    self.survey.follow(context, id, |known| {
                        let (spec, records) =
                            (spec.clone(), known.map(|view| view.records.clone()).unwrap_or_default());
                        move |project| SurveyView::load(project, id, &spec, &records)
                    });
                    let version = self.survey.version();
                    match self.survey.get() {
                        Some(Ok(view)) => {
                            survey::show(ui, context, run, version, view, &mut self.survey_state, draft, commands);
                        }
                        None => {}
                        Some(Err(problem)) => unreadable(ui, problem),
                    }
                }
                RunSpec::Verify(spec) => {
                    certificate::show_verification(
                        ui,
                        context,
                        run,
                        &spec.certificate,
                        &mut self.verifications,
                        commands,
                    );
                }
                RunSpec::TrainMlm(_) | RunSpec::Fetch(_) => {}
            }
            ui.add_space(theme::STEP * 2.0);
        });
    }

    /// Which run this is, when it ran, whether the form has moved on.
    fn heading(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        draft: &Draft,
        run: &RunRow,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Run");
            egui::ComboBox::from_id_salt("certify shown run")
                .width(240.0)
                .truncate()
                .selected_text(run_name(run))
                .show_ui(ui, |ui| {
                    for other in context.runs.iter().filter(|other| belongs(other, draft.mode)) {
                        if ui.selectable_label(other.id == run.id, run_name(other)).clicked() {
                            self.picked = Some(other.id);
                        }
                    }
                })
                .response
                .labelled_by(label.id);
            ui.label(theme::caption(format!("{}, {}", words::state_name(run.state), words::run_time(run))).weak());
            let text = if *why_hidden { "Show explanation" } else { "Hide explanation" };
            if ui.small_button(text).clicked() {
                *why_hidden = !*why_hidden;
            }
        });
        let form = draft.spec(context.sentence_lists);
        let same = form.as_ref().is_ok_and(|spec| *spec == run.spec);
        if !same && !matches!(run.spec, RunSpec::Verify(_)) {
            ui.horizontal_wrapped(|ui| {
                let palette = theme::palette(ui);
                let words = if form.is_ok() {
                    "The form has changed since this run."
                } else {
                    "The form is incomplete; this run is an earlier one."
                };
                ui.label(theme::caption(words).color(palette.warning));
                if ui.small_button("Fill the form from this run").clicked() {
                    commands.push(Command::DuplicateAsForm(run.id));
                }
            });
        }
    }
}

/// A verdict that wraps within the column, however long it is.
pub fn say(ui: &mut Ui, kind: VerdictKind, text: &str) {
    ui.scope(|ui| {
        ui.style_mut().wrap_mode = Some(TextWrapMode::Wrap);
        verdict(ui, kind, text);
    });
}

/// Whether `run` answers the question of `mode`.
fn belongs(run: &RunRow, mode: Mode) -> bool {
    match mode {
        Mode::OneContext => matches!(run.spec, RunSpec::Certify(_)),
        Mode::Survey => matches!(run.spec, RunSpec::Survey(_)),
    }
}

/// `12: agora, "the council …"`.
fn run_name(run: &RunRow) -> String {
    let what = match &run.spec {
        RunSpec::Certify(spec) => format!("{}, \u{201c}{}\u{201d}", spec.model, words::shortened(&spec.sentence, 28)),
        RunSpec::Survey(spec) => {
            format!("{}, {}", spec.model, number::counted(spec.sentences.len() as u64, "sentence", "sentences"))
        }
        RunSpec::Verify(_) => "verification of a certificate".to_owned(),
        RunSpec::TrainMlm(_) | RunSpec::Fetch(_) => run.kind.clone(),
    };
    format!("{}: {what}", run.id.0)
}

fn nothing_yet(ui: &mut Ui, draft: &mut Draft) {
    let (headline, what) = match draft.mode {
        Mode::OneContext => (
            "Nothing certified yet",
            "Choose a model, type a sentence and click two of its tokens, then press Certify. The test asks whether any joint \
             distribution has the model's conditionals at these two positions.",
        ),
        Mode::Survey => (
            "No survey yet",
            "Choose a model and a list of sentences, then press Run survey. It samples rectangles by stratum and says how \
             often they are incompatible, beside controls.",
        ),
    };
    if empty_state(ui, headline, what, Some("Fill in a sample")) {
        match draft.mode {
            Mode::OneContext => sentence::sample(draft),
            Mode::Survey => super::survey_form::sample(draft),
        }
    }
}

fn unreadable(ui: &mut Ui, problem: &StoreError) {
    say(ui, VerdictKind::Failed, "The results could not be read.");
    ui.label(problem.to_string());
}

/// Progress with pause and cancel, or what went wrong with its remedy. Nothing for a finished run.
pub fn state(ui: &mut Ui, context: &TabContext<'_>, run: &RunRow, commands: &mut Vec<Command>) {
    match run.state {
        RunState::Done => {}
        RunState::Queued => {
            ui.horizontal(|ui| {
                ui.label("Waiting for the runs before it.");
                cancel(ui, run, commands);
            });
        }
        RunState::Running | RunState::Paused => progress(ui, context, run, commands),
        RunState::Interrupted => {
            say(ui, VerdictKind::Caution, "This run was interrupted. What it had finished is kept.");
            ui.horizontal(|ui| {
                resume(ui, run, "Continue", commands);
                cancel(ui, run, commands);
            });
        }
        RunState::Cancelled => {
            say(ui, VerdictKind::Caution, "This run was cancelled. What it had finished is kept.");
            resume(ui, run, "Continue", commands);
        }
        RunState::Failed => {
            say(ui, VerdictKind::Failed, "This run failed.");
            ui.label(run.error.as_deref().unwrap_or("No message was recorded; the log may say more."));
            ui.horizontal(|ui| {
                resume(ui, run, "Try again", commands);
                if ui.button("Show the log").clicked() {
                    commands.push(Command::ShowLog);
                }
            });
        }
    }
}

fn progress(ui: &mut Ui, context: &TabContext<'_>, run: &RunRow, commands: &mut Vec<Command>) {
    let known = context.progress.get(&run.id);
    let paused = run.state == RunState::Paused;
    let share = known.filter(|p| p.total > 0).map(|p| p.done as f32 / p.total as f32);
    let mut words = known.filter(|p| !p.stage.is_empty()).map_or("Starting".to_owned(), |p| p.stage.clone());
    if let Some(p) = known {
        if p.total > 0 {
            words += &format!(", {} of {}", number::count(p.done), number::count(p.total));
        }
        if let Some(rate) = p.rate {
            words += &format!(", {} a second", number::general(rate, 3));
        }
        if let Some(left) = p.seconds_left.filter(|_| !paused) {
            words += &format!(", {} left", number::duration(left));
        }
    }
    ui.horizontal(|ui| {
        if !paused {
            ui.spinner();
        }
        ui.label(if paused { format!("Paused. {words}") } else { words });
    });
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 200.0).clamp(80.0, theme::READING_WIDTH);
        progress_bar(ui, share.unwrap_or(0.0), width, 12.0, "");
        if paused {
            resume(ui, run, "Continue", commands);
        } else if ui.button("Pause").clicked() {
            commands.push(Command::PauseRun(run.id));
        }
        cancel(ui, run, commands);
    });
}

fn resume(ui: &mut Ui, run: &RunRow, text: &str, commands: &mut Vec<Command>) {
    if ui.button(text).clicked() {
        commands.push(Command::ResumeRun(run.id));
    }
}

fn cancel(ui: &mut Ui, run: &RunRow, commands: &mut Vec<Command>) {
    if ui.button("Cancel").on_hover_text("Stops this run; what it has finished is kept.").clicked() {
        commands.push(Command::CancelRun(run.id));
    }
}
