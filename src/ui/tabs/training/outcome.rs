//! The centre: which run is shown, where it stands, the verdict, and its parts.

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{self, ScrollArea, Slider, Ui};

use super::super::shared::loaded::Loaded;
use super::super::shared::picked_run::PickedRun;
use super::super::shared::run_state::{changed_since, run_picker, say, state, unreadable};
use super::chat::ChatState;
use super::curves::{self, Along, Curve, Drawing, Measure};
use super::diagnostics::DiagnosticsState;
use super::form::Ready;
use super::groups::{self, GroupsState};
use super::view::View;
use super::{answers, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::context::TabContext;
use crate::ui::widgets::{VerdictKind, card, empty_state, figure_view, stats, what_is};
use crate::ui::{help, theme};

/// The parts of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Curves,
    Groups,
    Raters,
    Diagnostics,
    Answers,
    Chat,
}

const PARTS: [(Part, &str, &str); 6] = [
    (Part::Curves, "Curves", "Loss, rewards, accuracy and the rest, step by step; several runs over each other."),
    (Part::Groups, "Groups", "Whom the model serves: accuracy and margin by group and by weight."),
    (Part::Raters, "Raters", "How often each rater's pairs are visited."),
    (Part::Diagnostics, "Diagnostics", "Gradients of the schemes, size of the updates, transforms of weights."),
    (Part::Answers, "Answers", "What the model answers to the sample questions as it learns."),
    (Part::Chat, "Chat", "A conversation with the model before and after the training, side by side."),
];
/// Runs over each other at most: as many as have a colour.
const MOST_RUNS: usize = 8;
/// From this width of the centre on, figures stand in two or in three columns.
const COLUMNS: [f32; 2] = [640.0, 1500.0];
const HEIGHT: f32 = 190.0;

/// Figures as drawn last.
struct Drawn {
    of: (Vec<(RunId, u64)>, Along, f64),
    figures: Vec<Figure>,
}

/// What the centre keeps between frames.
pub struct Outcome {
    picked: PickedRun,
    views: BTreeMap<RunId, Loaded<View>>,
    /// Runs laid over the one that is shown.
    beside: BTreeSet<RunId>,
    part: Part,
    drawing: Drawing,
    drawn: Option<Drawn>,
    groups: GroupsState,
    diagnostics: DiagnosticsState,
    chat: ChatState,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            picked: PickedRun::default(),
            views: BTreeMap::new(),
            beside: BTreeSet::new(),
            part: Part::default(),
            drawing: Drawing { along: Along::Steps, smoothing: 0.6 },
            drawn: None,
            groups: GroupsState::default(),
            diagnostics: DiagnosticsState::default(),
            chat: ChatState::default(),
        }
    }
}

/// Whether a run is shown in this tab.
pub fn is_training(run: &RunRow) -> bool {
    matches!(run.spec, RunSpec::Train(_) | RunSpec::ImportTrl(_))
}

impl Outcome {
    /// Shows the results of `run` from now on.
    pub fn pick(&mut self, run: RunId) {
        self.picked.pick(run);
    }

    /// Follows the newest run again.
    pub fn follow_newest(&mut self) {
        self.picked.follow_newest();
    }

    /// The run to show.
    pub fn current<'a>(&self, context: &TabContext<'a>) -> Option<&'a RunRow> {
        self.picked.current(context, is_training)
    }

    /// The view of a run, if there is one.
    pub fn view(&mut self, run: RunId) -> Option<&View> {
        self.views.get_mut(&run)?.get()?.as_ref().ok()
    }

    /// Keeps up with the run that is shown and those beside it.
    fn keep_up(&mut self, context: &TabContext<'_>, run: &RunRow) {
        let there = |id: &RunId| context.runs.iter().any(|run| run.id == *id && is_training(run));
        self.beside.retain(|id| there(id) && *id != run.id);
        let wanted: Vec<RunId> = std::iter::once(run.id).chain(self.beside.iter().copied()).collect();
        self.views.retain(|id, _| wanted.contains(id));
        for id in wanted {
            let Some(row) = context.runs.iter().find(|run| run.id == id) else { continue };
            self.views.entry(id).or_default().follow(context, id, |known| {
                let (spec, known) = (row.spec.clone(), known.cloned());
                move |project| View::load(project, id, &spec, known.as_ref())
            });
        }
    }

    /// Draws the centre for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        ready: &Ready,
        run: &RunRow,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        self.keep_up(context, run);
        let scroll = ScrollArea::vertical().id_salt(("training outcome", run.id, self.part as u8));
        scroll.auto_shrink([false, false]).show(ui, |ui| {
            let runs = context.runs.iter().filter(|run| is_training(run));
            let picked = run_picker(ui, "training", run, runs, words::run_name, why_hidden);
            self.picked.take(picked);
            if matches!(run.spec, RunSpec::Train(_)) {
                changed_since(ui, &ready.run(), run, commands);
            }
            state(ui, context, run, commands);
            self.results(ui, context, ready, run, commands);
            ui.add_space(theme::STEP * 2.0);
        });
    }

    fn results(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        ready: &Ready,
        run: &RunRow,
        commands: &mut Vec<Command>,
    ) {
        let view = match self.views.get_mut(&run.id).and_then(Loaded::get) {
            None => {
                ui.spinner();
                return;
            }
            Some(Err(problem)) => {
                unreadable(ui, problem);
                return;
            }
            Some(Ok(view)) => view.clone(),
        };
        let running = matches!(run.state, RunState::Queued | RunState::Running | RunState::Paused);
        if !view.steps.is_empty() || !view.evaluations.is_empty() {
            let (kind, text) = words::verdict(&view, running);
            say(ui, kind, &text);
        } else if running {
            ui.label(theme::caption("The first numbers appear when the reference has looked at the pairs.").weak());
        }
        for notice in view.notices.iter() {
            say(ui, VerdictKind::Caution, &notice.title);
            ui.scope(|ui| {
                ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                ui.label(theme::caption(notice.text.as_str()));
            });
        }
        numbers(ui, &view, run.state == RunState::Running);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (part, name, what) in PARTS {
                ui.selectable_value(&mut self.part, part, name).on_hover_text(what);
            }
        });
        match self.part {
            Part::Curves => self.curves(ui, context, run, &view, commands),
            Part::Groups => groups::show(ui, &view, &mut self.groups, commands),
            Part::Raters => groups::show_visits(ui, &view, &mut self.groups, commands),
            Part::Diagnostics => self.diagnostics.show(ui, context, ready, run, commands),
            Part::Answers => answers::show(ui, run, &view, commands),
            Part::Chat => self.chat.show(ui, context, run, commands),
        }
    }

    fn curves(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: &RunRow,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        self.controls(ui, context, run, view, commands);
        if view.steps.is_empty() && view.evaluations.is_empty() {
            empty_state(ui, "No step yet", "Curves grow here from the first step on.", None);
            return;
        }
        let mut shown: Vec<(RunId, View)> = vec![(run.id, view.clone())];
        for id in self.beside.iter().take(MOST_RUNS - 1) {
            if let Some(Ok(view)) = self.views.get_mut(id).and_then(Loaded::get) {
                shown.push((*id, view.clone()));
            }
        }
        let serials: Vec<(RunId, u64)> = shown.iter().map(|(id, view)| (*id, view.serial)).collect();
        let of = (serials, self.drawing.along, self.drawing.smoothing);
        if self.drawn.as_ref().is_none_or(|drawn| drawn.of != of) {
            let name =
                |id: RunId| context.runs.iter().find(|run| run.id == id).map(words::run_name).unwrap_or_default();
            let curves: Vec<Curve<'_>> =
                shown.iter().enumerate().map(|(colour, (id, view))| Curve { name: name(*id), colour, view }).collect();
            let figures = Measure::ALL.iter().filter_map(|measure| curves::figure(*measure, &curves, self.drawing));
            self.drawn = Some(Drawn { figures: figures.collect(), of });
        }
        let Some(drawn) = &self.drawn else { return };
        let columns = 1 + COLUMNS.iter().filter(|width| ui.available_width() >= **width).count();
        for row in drawn.figures.chunks(columns) {
            ui.columns(columns, |columns| {
                for (ui, figure) in columns.iter_mut().zip(row) {
                    let id = format!("training {}", figure.title);
                    card(ui, "", |ui| figure_view(ui, &id, figure, HEIGHT, &[], commands));
                }
            });
        }
    }

    fn controls(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: &RunRow,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Smoothing");
            ui.spacing_mut().slider_width = 110.0;
            ui.add(Slider::new(&mut self.drawing.smoothing, 0.0..=0.99).fixed_decimals(2))
                .labelled_by(label.id)
                .on_hover_text("How much the past weighs in the mean that is drawn; 0 draws every step as it was.");
            ui.label("Along");
            ui.selectable_value(&mut self.drawing.along, Along::Steps, "Steps");
            ui.selectable_value(&mut self.drawing.along, Along::Visits, "Visits")
                .on_hover_text("Pairs looked at: runs with windows of different sizes have seen alike then.");
            what_is(ui, help::IMPLICIT_REWARD.name, help::IMPLICIT_REWARD.text);
            let others: Vec<&RunRow> =
                context.runs.iter().filter(|other| is_training(other) && other.id != run.id).collect();
            if !others.is_empty() {
                let label = ui.label("Compare with");
                let text = match self.beside.len() {
                    0 => "no other run".to_owned(),
                    count => number::counted(count as u64, "run", "runs"),
                };
                egui::ComboBox::from_id_salt("training beside")
                    .selected_text(text)
                    .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
                    .show_ui(ui, |ui| {
                        for other in others {
                            let mut chosen = self.beside.contains(&other.id);
                            let room = chosen || self.beside.len() + 1 < MOST_RUNS;
                            let tick = egui::Checkbox::new(&mut chosen, words::run_name(other));
                            let tick = ui.add_enabled(room, tick);
                            if tick.on_disabled_hover_text("There are colours for eight runs.").changed() {
                                if chosen {
                                    self.beside.insert(other.id);
                                } else {
                                    self.beside.remove(&other.id);
                                }
                            }
                        }
                    })
                    .response
                    .labelled_by(label.id);
            }
            let export = ui.button("Export steps…").on_hover_text("Every number of every step as a table (CSV).");
            if export.clicked() {
                let view = view.clone();
                commands
                    .push(Command::ExportLate(LateTable::new(&format!("training-{}", run.id.0), move || steps(&view))));
            }
        });
    }
}

/// Every step with all of its numbers.
fn steps(view: &View) -> Table {
    let header = [
        "step",
        "visits",
        "seconds",
        "loss",
        "learning_rate",
        "gradient_norm",
        "tokens",
        "reward_chosen",
        "reward_rejected",
        "margin",
        "accuracy",
        "log_prob_chosen",
        "log_prob_rejected",
        "entropy",
    ];
    let rows = view.steps.iter().map(|row| {
        let step = &row.report;
        let mut cells = vec![step.step.to_string(), view.visits_after(step.step).to_string(), row.seconds.to_string()];
        cells.extend([step.loss, step.learning_rate, step.gradient_norm].map(|x| x.to_string()));
        cells.push(step.tokens.to_string());
        let rest = [step.reward_chosen, step.reward_rejected, step.margin, step.accuracy];
        cells.extend(rest.map(|x| x.to_string()));
        cells.extend([step.log_prob_chosen, step.log_prob_rejected].map(|x| x.to_string()));
        cells.push(step.entropy.map_or(String::new(), |x| x.to_string()));
        cells
    });
    Table { name: "steps".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

/// The figures of the last step in a row.
fn numbers(ui: &mut Ui, view: &View, running: bool) {
    let Some(last) = view.steps.last() else { return };
    let step = &last.report;
    let planned = view.plan.as_ref().map_or(step.step, |plan| plan.outlook.steps);
    let dpo = help::DPO.text;
    let mut all = vec![
        ("Step", format!("{} of {}", number::count(step.step), number::count(planned)), dpo),
        ("Loss", number::fixed(step.loss, 3), dpo),
    ];
    if let Some(speed) = view.tokens_per_second() {
        all.push(("Tokens per second", number::count(speed.round() as u64), dpo));
    }
    if let Some(memory) = view.memory.filter(|_| running) {
        all.push(("Memory of the program", number::bytes(memory), dpo));
    }
    if let Some(held) = view.evaluations.last() {
        let text = help::HELD_OUT_RATERS.text;
        all.push(("Held-out loss", words::with_error(held.loss, held.loss_error, held.raters, 3), text));
        all.push(("Held-out accuracy", words::with_error(held.accuracy, held.accuracy_error, held.raters, 3), text));
    }
    card(ui, "", |ui| stats(ui, &all));
}
