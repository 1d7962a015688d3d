//! The centre: which run is shown, where it stands, and then its results.

use eframe::egui::{ScrollArea, Ui};

use super::draft::{Draft, Mode};
use super::escape::EscapeView;
use super::exact::{Exact, ExactView};
use super::pairs::{Pairs, PairsView};
use super::phase::{Phase, PhaseView};
use super::{escape, exact, form, pairs, phase, words};
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::model_picker::shortened;
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
    pub phase: Loaded<PhaseView>,
    pub pairs: Loaded<Option<PairsView>>,
    pub exact: Loaded<Option<ExactView>>,
    pub escape: Loaded<Option<EscapeView>>,
    pub phase_state: Phase,
    pub pairs_state: Pairs,
    pub exact_state: Exact,
    /// Which of an escape run's lengths is shown, by its place.
    pub escape_length: usize,
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
            *mode = mode_of(run).unwrap_or(*mode);
        } else if self.mode.is_some_and(|before| before != *mode) && !self.arriving {
            // The reader went to another question: what was picked for this one gives way.
            self.picked = None;
        }
        self.mode = Some(*mode);
        let shows = |run: &&RunRow| mode_of(run) == Some(*mode);
        let picked = self.picked.and_then(|id| context.runs.iter().find(|run| run.id == id));
        picked.filter(shows).or_else(|| context.runs.iter().find(shows))
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
        ScrollArea::vertical().id_salt(("mixing outcome", run.id)).auto_shrink([false, false]).show(ui, |ui| {
            let runs = context.runs.iter().filter(|other| mode_of(other) == Some(draft.mode));
            if let Some(picked) = run_state::run_picker(ui, "mixing", run, runs, run_name, why_hidden) {
                self.picked = Some(picked);
            }
            run_state::changed_since(ui, &draft.spec(context.sentence_lists), run, commands);
            run_state::state(ui, context, run, commands);
            match &run.spec {
                RunSpec::Phase(spec) => {
                    let id = run.id;
                    self.phase.follow(context, id, |known| {
                        let (spec, exact) = (spec.clone(), known.map(PhaseView::exact));
                        move |project| PhaseView::load(project, id, &spec, exact)
                    });
                    match self.phase.get() {
                        Some(Ok(view)) => {
                            let wanted = phase::show(ui, context, run, view, &mut self.phase_state, commands);
                            if let Some(spec) = wanted {
                                // The form follows into the mode that shows the chains.
                                draft.set_spec(&RunSpec::Mix(spec));
                                self.follow_newest();
                            }
                        }
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
                        None => {}
                    }
                }
                RunSpec::Mix(spec) => {
                    let (id, spec) = (run.id, spec.clone());
                    self.pairs.follow(context, id, |_| move |project| PairsView::load(project, id, &spec));
                    match self.pairs.get() {
                        Some(Ok(Some(view))) => {
                            pairs::show(ui, context, run, view, &mut self.pairs_state, commands);
                        }
                        Some(Ok(None)) => {
                            ui.label("Results appear here as the first pairs run.");
                        }
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
                        None => {}
                    }
                }
                RunSpec::Exact(spec) => {
                    let (id, spec) = (run.id, spec.clone());
                    self.exact.follow(context, id, |_| move |project| ExactView::load(project, id, &spec));
                    match self.exact.get() {
                        Some(Ok(Some(view))) => exact::show(ui, context, view, &mut self.exact_state, commands),
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
                        Some(Ok(None)) | None => {}
                    }
                }
                RunSpec::Escape(spec) => {
                    let (id, spec) = (run.id, spec.clone());
                    self.escape.follow(context, id, |_| move |project| EscapeView::load(project, id, &spec));
                    match self.escape.get() {
                        Some(Ok(Some(view))) => escape::show(ui, run, view, &mut self.escape_length, commands),
                        Some(Ok(None)) => {
                            ui.label("Results appear here once the anchor is found and the first chains run.");
                        }
                        Some(Err(problem)) => run_state::unreadable(ui, problem),
                        None => {}
                    }
                }
                _ => {}
            }
            ui.add_space(theme::STEP * 2.0);
        });
    }
}

/// The mode whose question `run` answers.
fn mode_of(run: &RunRow) -> Option<Mode> {
    match run.spec {
        RunSpec::Phase(_) => Some(Mode::Phase),
        RunSpec::Mix(_) => Some(Mode::Pairs),
        RunSpec::Exact(_) => Some(Mode::Exact),
        RunSpec::Escape(_) => Some(Mode::Escape),
        _ => None,
    }
}

/// `12: agora, 11 × 4 cells`.
fn run_name(run: &RunRow) -> String {
    let what = match &run.spec {
        RunSpec::Phase(spec) => {
            let (temperatures, lengths) = (spec.grid.temperatures.len(), spec.grid.lengths.len());
            format!("{}, {temperatures} temperatures × {lengths} lengths", shortened(&spec.model, 24))
        }
        RunSpec::Mix(spec) => format!(
            "{}, τ = {}, n = {}, {}",
            shortened(&spec.model, 24),
            spec.temperature,
            words::free_positions(spec.length, spec.template.as_ref()),
            number::counted(spec.pairs, "pair", "pairs")
        ),
        RunSpec::Exact(spec) => {
            let n = words::free_positions(spec.length, spec.template.as_ref());
            format!("{}, τ = {}, n = {n}", shortened(&spec.model, 24), spec.temperature)
        }
        RunSpec::Escape(spec) => format!(
            "{}, n = {}, {}, {}",
            shortened(&spec.model, 24),
            format::escape_lengths(spec),
            format::escape_rule(spec),
            number::counted(spec.temperatures.len() as u64, "temperature", "temperatures")
        ),
        _ => run.kind.clone(),
    };
    format!("{}: {what}", run.id.0)
}

fn nothing_yet(ui: &mut Ui, draft: &mut Draft) {
    let (headline, what) = match draft.mode {
        Mode::Phase => (
            "No phase diagram yet",
            "Choose a model and press Run phase diagram. Pairs of chains that start apart are coupled at each temperature and \
             length; the map shows how soon they meet, or that they did not meet before the cap. The shipped model gives a \
             first picture within a minute.",
        ),
        Mode::Pairs => (
            "No coupled pairs yet",
            "Choose a model, a length and a temperature, then press Run coupled pairs. You see how soon pairs of chains meet, \
             what theory says about it, and you can read the chains themselves.",
        ),
        Mode::Exact => (
            "Nothing enumerated yet",
            "Choose a model, a few tokens and a short length, then press Enumerate. Every state is computed: the exact mixing \
             time, spectrum, influence and entropy production.",
        ),
        Mode::Escape => (
            "No escapes yet",
            "Choose a model and some temperatures, then press Run escapes. Chains start at a sentence that argmax updates leave \
             as it is; you see how long they stay near it, how that time grows as the temperature falls, and what the margins \
             around the sentence predict.",
        ),
    };
    if empty_state(ui, headline, what, Some("Fill in a sample")) {
        form::sample(draft);
    }
}
