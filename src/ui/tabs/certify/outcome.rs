//! The centre: which run is shown, where it stands, and then its results.

use eframe::egui::{ScrollArea, Ui};

use super::draft::{Draft, Mode};
use super::one_context::OneContext;
use super::survey::Survey;
use super::view::{ContextView, SurveyView};
use super::{certificate, one_context, sentence, survey, words};
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::run_state;
use crate::ui::theme;
use crate::ui::widgets::empty_state;

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
                    if let (Some(shown), Some(Ok(Some(view)))) = (self.context.run(), self.context.get())
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
            run_state::state(ui, context, run, commands);
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
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
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
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
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
                _ => {}
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
        let runs = context.runs.iter().filter(|other| belongs(other, draft.mode));
        if let Some(picked) = run_state::run_picker(ui, "certify", run, runs, run_name, why_hidden) {
            self.picked = Some(picked);
        }
        run_state::changed_since(ui, &draft.spec(context.sentence_lists), run, commands);
    }
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
        _ => run.kind.clone(),
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
