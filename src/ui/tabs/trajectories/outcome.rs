//! The centre: which run is shown, where it stands, the verdict, and its parts.

use std::sync::Arc;

use eframe::egui::{Key, ScrollArea, Ui};

use super::super::shared::run_state::{changed_since, run_picker, say, state, unreadable};
use super::view::View;
use super::{basins, political, reader, timing, words};
use crate::figures::figure::Figure;
use crate::glauber::experiments::trajectories::{Reading, TrajectoriesSpec};
use crate::glauber::trajectories::BasinKind;
use crate::jobs::session::{Answer, Question};
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow, RunState, StoreError};
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::widgets::{VerdictKind, empty_state, what_is};
use crate::ui::{help, theme};

/// The parts of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    #[default]
    Reader,
    Basins,
    Time,
    Political,
}

const PARTS: [(Part, &str, &str); 4] = [
    (Part::Reader, "Reader and map", "The sentences of each chain, and where they lie."),
    (Part::Basins, "Basins", "Where chains stay: attractors, clusters, metastable sets."),
    (Part::Time, "Dwell and recurrence", "How long chains stay, whether they come back, how slowly they relax."),
    (Part::Political, "Political", "What three instruments call political, and how good they are."),
];

/// What the reader looks at.
#[derive(Default)]
pub struct Looking {
    pub part: Part,
    pub chain: usize,
    pub snapshot: usize,
    /// The last snapshot stays in view while the chain goes on.
    pub following: bool,
    /// Notion of basin; without one the first that is ready.
    pub kind: Option<BasinKind>,
    pub basin: Option<usize>,
    /// Figures and tables made from the view for what is looked at.
    pub map: Option<reader::Map>,
    pub course: Option<((u64, usize), Figure)>,
    pub members: Option<basins::Members>,
}

impl Looking {
    /// Goes to a snapshot.
    pub fn jump(&mut self, [chain, snapshot]: [usize; 2]) {
        (self.chain, self.snapshot, self.following) = (chain, snapshot, false);
    }

    /// The notion of basin in view.
    pub fn kind(&self, view: &View) -> Option<BasinKind> {
        let wanted = self.kind.unwrap_or(view.spec.analysis.cores.basins);
        view.basins_of(wanted).or(view.basins.first()).map(|set| set.kind)
    }
}

/// What the model was asked about the run in view.
#[derive(Default)]
struct Asked {
    run: Option<RunId>,
    question: Option<Question>,
    answer: Option<Result<Arc<Reading>, String>>,
    /// Frame in which the tab was last drawn: an answer that came while another tab was in view is lost.
    frame: u64,
}

/// What the centre keeps between frames.
#[derive(Default)]
pub struct Outcome {
    /// A run chosen by hand; otherwise the newest is shown.
    picked: Option<RunId>,
    shown: Option<RunId>,
    asked: Asked,
    /// Run, version, and whether the reading was known, of the view last asked for.
    of: Option<(RunId, u64, bool)>,
    view: Requested<Result<View, StoreError>>,
    pub looking: Looking,
}

impl Outcome {
    /// Shows the results of `run` from now on.
    pub fn pick(&mut self, run: RunId) {
        self.picked = Some(run);
    }
    /// Follows the newest run again.
    pub fn follow_newest(&mut self) {
        self.picked = None;
    }

    /// Takes in what the session answered.
    pub fn listen(&mut self, answers: &[Answer]) {
        for answer in answers {
            if let Answer::Reading { question, reading } = answer
                && self.asked.question.as_ref() == Some(question)
            {
                self.asked.answer = Some(reading.clone());
            }
        }
    }

    /// The run to show.
    pub fn current<'a>(&self, context: &TabContext<'a>) -> Option<(&'a RunRow, &'a TrajectoriesSpec)> {
        let all = || context.runs.iter().filter_map(|run| Some((run, spec_of(run)?)));
        let picked = self.picked.and_then(|id| all().find(|(run, _)| run.id == id));
        picked.or_else(|| all().next())
    }

    /// The view, if there is one of the run that is shown.
    pub fn view(&mut self) -> Option<&View> {
        self.view.get().and_then(|view| view.as_ref().ok())
    }

    /// Keeps model and store asked about `run`.
    fn keep_up(&mut self, context: &TabContext<'_>, frame: u64, run: &RunRow, spec: &TrajectoriesSpec) {
        if self.shown != Some(run.id) {
            self.shown = Some(run.id);
            self.view.clear();
            self.of = None;
            self.looking = Looking { part: self.looking.part, following: true, ..Looking::default() };
        }
        let away = frame > self.asked.frame + 1 && self.asked.answer.is_none();
        self.asked.frame = frame;
        if self.asked.run != Some(run.id) || away {
            let question = Question::Reading { spec: Box::new(spec.clone()) };
            context.session.ask(question.clone());
            self.asked = Asked { run: Some(run.id), question: Some(question), answer: None, frame };
        }
        let reading = self.asked.answer.as_ref().and_then(|answer| answer.as_ref().ok()).cloned();
        let version = context.versions.get(&run.id).copied().unwrap_or(0);
        let now = (run.id, version, reading.is_some());
        let known = self.view.get().and_then(|view| view.as_ref().ok()).map(View::known);
        if self.of != Some(now) && !self.view.waiting() {
            self.of = Some(now);
            let (id, spec) = (run.id, Arc::new(spec.clone()));
            context.query(&mut self.view, move |project| View::load(project, id, spec, reading, known.as_ref()));
        }
    }

    /// Draws the centre for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        run: Option<(&RunRow, &TrajectoriesSpec)>,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        let Some((run, spec)) = run else {
            nothing_yet(ui);
            return;
        };
        self.keep_up(context, ui.ctx().cumulative_frame_nr(), run, spec);
        let part = self.looking.part;
        // Each part of each run scrolls on its own: another one starts at its top.
        let scroll = ScrollArea::vertical().id_salt(("trajectories outcome", run.id, part as u8));
        scroll.auto_shrink([false, false]).show(ui, |ui| {
            self.heading(ui, context, form, run, spec, why_hidden, commands);
            state(ui, context, run, commands);
            self.results(ui, run, commands);
            ui.add_space(theme::STEP * 2.0);
        });
    }

    fn results(&mut self, ui: &mut Ui, run: &RunRow, commands: &mut Vec<Command>) {
        let Self { view, asked, looking, .. } = self;
        let view = match view.get() {
            None => {
                ui.spinner();
                return;
            }
            Some(Err(problem)) => {
                unreadable(ui, problem);
                return;
            }
            Some(Ok(view)) => view,
        };
        let running = matches!(run.state, RunState::Queued | RunState::Running | RunState::Paused);
        if running || !view.basins.is_empty() || view.walk.is_some() {
            let (kind, text) = words::verdict(view, running);
            say(ui, kind, &text);
        }
        if let Some(found) = &view.stages.reference {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                ui.label(theme::caption(words::reference(found)));
                what_is(ui, help::METROPOLIS.name, help::METROPOLIS.text);
            });
        }
        if let Some(Err(problem)) = &asked.answer {
            say(ui, VerdictKind::Caution, "The sentences cannot be shown: the model of this run did not open.");
            ui.label(theme::caption(crate::ui::format::sentence(problem)));
        }
        if let Some(problem) = &view.unread {
            say(ui, VerdictKind::Caution, "The recorded tokens cannot be read with this model.");
            ui.label(theme::caption(crate::ui::format::sentence(problem)));
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (part, name, what) in PARTS {
                ui.selectable_value(&mut looking.part, part, name).on_hover_text(what);
            }
        });
        let escaped =
            ui.input(|input| input.key_pressed(Key::Escape)) && ui.memory(|memory| memory.focused().is_none());
        if escaped && looking.basin.is_some() {
            looking.basin = None;
        } else if escaped {
            looking.part = Part::Reader;
        }
        match looking.part {
            Part::Reader => reader::show(ui, view, looking, asked.answer.is_none(), commands),
            Part::Basins => basins::show(ui, view, looking, running, commands),
            Part::Time => timing::show(ui, view, looking, running, commands),
            Part::Political => political::show(ui, view, running, commands),
        }
    }

    /// Which run this is, when it ran, whether the form has moved on.
    #[expect(clippy::too_many_arguments, reason = "one line of the tab; a struct would be used once")]
    fn heading(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        run: &RunRow,
        spec: &TrajectoriesSpec,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        let runs = context.runs.iter().filter(|run| spec_of(run).is_some());
        let picked = run_picker(ui, "trajectories", run, runs, words::run_name, why_hidden);
        self.picked = picked.or(self.picked);
        ui.label(theme::caption(words::dynamics(spec)).weak());
        changed_since(ui, form, run, commands);
    }
}

/// The spec of a run of this tab.
fn spec_of(run: &RunRow) -> Option<&TrajectoriesSpec> {
    match &run.spec {
        RunSpec::Trajectories(spec) => Some(spec),
        _ => None,
    }
}

/// What a part shows before its stage has come.
pub fn not_yet(ui: &mut Ui, running: bool, what: &str) {
    if running {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(format!("{what} will appear here when the chains have walked and this stage is done."));
        });
    } else {
        empty_state(
            ui,
            "Nothing here",
            &format!("{what} were not worked out: the run ended before. Continue it, or run it again."),
            None,
        );
    }
}

/// A table that stands under its own heading.
pub fn table(ui: &mut Ui, id: &str, table: &Table, commands: &mut Vec<Command>) {
    crate::ui::widgets::data_table(ui, id, table, None, commands);
}

fn nothing_yet(ui: &mut Ui) {
    empty_state(
        ui,
        "No trajectories yet",
        "Choose a model and press Run trajectories: chains resample one word after another, and this page shows where they \
         go, where they stay, and what they come back to. The form is filled in for about a minute of work.",
        None,
    );
}
