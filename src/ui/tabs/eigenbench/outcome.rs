//! The centre: which run is shown, where it stands, and its parts.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::loaded::Loaded;
use super::super::shared::page::draw;
use super::super::shared::picked_run::PickedRun;
use super::super::shared::run_state::{changed_since, run_picker, say, state, unreadable};
use super::compare::Compare;
use super::losses;
use super::people::People;
use super::results::Results;
use super::rows::Rows;
use super::view::View;
use crate::figures::number;
use crate::jobs::collect::Judgements;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::theme;
use crate::ui::widgets::VerdictKind;

/// The parts of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Results,
    Rows,
    People,
    Losses,
    Compare,
}

const PARTS: [(Part, &str, &str); 5] = [
    (Part::Results, "Results", "The leaderboard and everything behind it, while judging goes on."),
    (Part::Rows, "Judgements", "Every judgement, with the responses, reflections and calls behind it."),
    (Part::People, "People", "People judge beside the models: blind, with keys; and what mixing their trust in does."),
    (Part::Losses, "Calls and losses", "What was asked of each model, what was lost on the way, and what it cost."),
    (Part::Compare, "Compare runs", "This run beside another: who moved, and whether that could be chance."),
];

/// What the centre keeps between frames.
#[derive(Default)]
pub struct Outcome {
    picked: PickedRun,
    view: Loaded<Option<View>>,
    part: Part,
    results: Results,
    rows: Rows,
    people: People,
    compare: Compare,
}

/// Whether a run is shown in this tab.
pub fn is_eigenbench(run: &RunRow) -> bool {
    matches!(run.spec, RunSpec::Collect(_) | RunSpec::ImportComparisons(_))
}

fn run_name(run: &RunRow) -> String {
    format!("Run {}: {}, {}", run.id.0, format::run_kind(&run.kind), format::about(&run.spec))
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
        self.picked.current(context, is_eigenbench)
    }

    /// Draws the centre for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        run: &RunRow,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) {
        self.view.follow(context, run.id, |known| {
            let known = known.and_then(Option::as_ref).map(View::known);
            let (spec, id) = (run.spec.clone(), run.id);
            move |project| View::load(project, id, &spec, known.as_ref())
        });
        let scroll = ScrollArea::vertical().id_salt(("eigenbench outcome", run.id, self.part as u8));
        scroll.auto_shrink([false, false]).show(ui, |ui| {
            let runs = context.runs.iter().filter(|run| is_eigenbench(run));
            let picked = run_picker(ui, "eigenbench", run, runs, run_name, why_hidden);
            self.picked.take(picked);
            if matches!(run.spec, RunSpec::Collect(_)) {
                changed_since(ui, form, run, commands);
            }
            state(ui, context, run, commands);
            let view = match self.view.get() {
                None => {
                    ui.spinner();
                    return;
                }
                Some(Err(problem)) => {
                    unreadable(ui, problem);
                    return;
                }
                Some(Ok(None)) => return,
                Some(Ok(Some(view))) => view,
            };
            calls(ui, view);
            coverage(ui, view);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for (part, name, why) in PARTS {
                    ui.selectable_value(&mut self.part, part, name).on_hover_text(why);
                }
            });
            match self.part {
                Part::Results => {
                    let live = matches!(run.state, RunState::Running | RunState::Queued);
                    if let Some(filter) = self.results.show(ui, context, run.id, &view.judged, live, commands) {
                        self.rows.filter = filter;
                        self.part = Part::Rows;
                    }
                }
                Part::Rows => self.rows.show(ui, context, run.id, view, commands),
                Part::People => self.people.show(ui, context, run.id, view, commands),
                Part::Losses => {
                    draw(ui, "eigenbench losses", &losses::page(view), commands);
                }
                Part::Compare => {
                    let others = context.runs.iter().filter(|run| is_eigenbench(run));
                    self.compare.show(ui, context, run.id, view, others, commands);
                }
            }
        });
    }
}

/// What was asked and what it cost; of an import, what the file held.
fn calls(ui: &mut Ui, view: &View) {
    if view.spec.is_none() {
        imported(ui, &view.judgements);
        return;
    }
    let totals = &view.totals;
    if totals.answered + totals.failed == 0 {
        return;
    }
    let cost = view.cost.map_or("not known".to_owned(), |dollars| format!("${dollars:.4}"));
    let why = "Calls that this run made first. What was answered before in this project is not asked again.";
    facts(
        ui,
        &[
            (
                "Judgements",
                number::count(view.judgements.rows.len() as u64),
                "Choices that could be read, by criterion.",
            ),
            ("Calls answered", number::count(totals.answered), why),
            ("Calls that failed", number::count(totals.failed), why),
            ("Tokens read", number::count(totals.prompt_tokens), "As far as providers say."),
            ("Tokens written", number::count(totals.completion_tokens), "As far as providers say."),
            ("Cost", cost, "US dollars: what providers say, else tokens at the prices of the form."),
        ],
    );
}

fn imported(ui: &mut Ui, judgements: &Judgements) {
    let count = |all: usize| number::count(all as u64);
    facts(
        ui,
        &[
            ("Judgements", count(judgements.rows.len()), "Choices in the file, by criterion."),
            ("Models", count(judgements.models.len()), "Those whose responses were compared."),
            ("Judges outside", count(judgements.outside.len()), "Judges whom nobody judged."),
            ("Scenarios", count(judgements.scenarios.len()), "What the models responded to."),
        ],
    );
}

/// Figures in a line: the results below want the room.
fn facts(ui: &mut Ui, facts: &[(&str, String, &str)]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (place, (name, value, why)) in facts.iter().enumerate() {
            if place > 0 {
                ui.label(theme::caption("·").weak());
            }
            ui.label(theme::caption(*name).weak()).on_hover_text(*why);
            ui.label(theme::caption(value)).on_hover_text(*why);
        }
    });
}

/// What was lost on the way.
fn coverage(ui: &mut Ui, view: &View) {
    let Some(coverage) = &view.coverage else { return };
    for warning in coverage.warnings() {
        say(ui, VerdictKind::Caution, &format!("{}.", format::sentence(&warning).trim_end_matches('.')));
    }
}
