//! The centre: which run is shown, where it stands, and its parts.

use eframe::egui::{ScrollArea, Ui};

use super::super::shared::loaded::Loaded;
use super::super::shared::picked_run::PickedRun;
use super::super::shared::run_state::{changed_since, run_picker, say, state, unreadable};
use super::answers::Answers;
use super::person::Person;
use super::results::Results;
use super::view::View;
use crate::dempo::constitution::Question;
use crate::figures::number;
use crate::jobs::judge::WrittenQuestions;
use crate::jobs::spec::RunSpec;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::help;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, empty_state, stats};

/// The parts of the centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Results,
    Answers,
    Person,
}

const PARTS: [(Part, &str, &str); 3] = [
    (Part::Results, "Results", "Scores with intervals, pairs, clauses, judges and diagnostics."),
    (Part::Answers, "Answers", "Every answer beside the others, with the verdicts on it and the calls they came from."),
    (Part::Person, "Judge yourself", "Blind, with the keyboard: your verdicts stand beside those of the judges."),
];

/// What the centre keeps between frames.
#[derive(Default)]
pub struct Outcome {
    picked: PickedRun,
    view: Loaded<View>,
    part: Part,
    results: Results,
    answers: Answers,
    person: Person,
}

/// Whether a run is shown in this tab.
pub fn is_judging(run: &RunRow) -> bool {
    matches!(run.spec, RunSpec::Judge(_) | RunSpec::Questions(_) | RunSpec::ImportVerdicts(_))
}

fn run_name(run: &RunRow) -> String {
    format!("Run {}: {}, {}", run.id.0, format::run_kind(&run.kind).to_lowercase(), format::about(&run.spec))
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
        self.picked.current(context, is_judging)
    }

    /// Draws the centre for `run`; questions that are to be taken over into the form.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        run: &RunRow,
        why_hidden: &mut bool,
        commands: &mut Vec<Command>,
    ) -> Option<Vec<Question>> {
        self.view.follow(context, run.id, |known| {
            let (spec, known, id) = (run.spec.clone(), known.map(|view| view.verdicts.clone()), run.id);
            move |project| View::load(project, id, &spec, known.as_ref())
        });
        let mut taken = None;
        let scroll = ScrollArea::vertical().id_salt(("judging outcome", run.id, self.part as u8));
        scroll.auto_shrink([false, false]).show(ui, |ui| {
            let runs = context.runs.iter().filter(|run| is_judging(run));
            let picked = run_picker(ui, "judging", run, runs, run_name, why_hidden);
            self.picked.take(picked);
            if matches!(run.spec, RunSpec::Judge(_)) {
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
                Some(Ok(view)) => view,
            };
            calls(ui, view);
            if matches!(run.spec, RunSpec::ImportVerdicts(_)) {
                self.results.show(ui, context, &view.verdicts, commands);
                return;
            }
            if view.spec.is_none() {
                taken = written(ui, run, view.written.as_ref(), commands);
                return;
            }
            coverage(ui, view);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                for (part, name, why) in PARTS {
                    ui.selectable_value(&mut self.part, part, name).on_hover_text(why);
                }
            });
            match self.part {
                Part::Results => self.results.show(ui, context, &view.verdicts, commands),
                Part::Answers => self.answers.show(ui, context, run.id, view, commands),
                Part::Person => self.person.show(ui, run.id, view, commands),
            }
        });
        taken
    }
}

/// What was asked and what it cost.
fn calls(ui: &mut Ui, view: &View) {
    let totals = &view.totals;
    if totals.answered + totals.failed == 0 {
        return;
    }
    let cost = view.cost.map_or("not known".to_owned(), |dollars| format!("${dollars:.4}"));
    card(ui, "", |ui| {
        stats(
            ui,
            &[
                ("Calls answered", number::count(totals.answered), help::judging::JUDGING.text),
                ("Calls that failed", number::count(totals.failed), help::judging::JUDGING.text),
                ("Tokens read", number::count(totals.prompt_tokens), help::judging::JUDGING.text),
                ("Tokens written", number::count(totals.completion_tokens), help::judging::JUDGING.text),
                ("Cost", cost, help::judging::JUDGING.text),
            ],
        );
    });
}

/// What was lost on the way.
fn coverage(ui: &mut Ui, view: &View) {
    let Some(coverage) = &view.coverage else { return };
    for warning in coverage.warnings() {
        say(ui, VerdictKind::Caution, &format!("{}.", format::sentence(&warning).trim_end_matches('.')));
    }
    let truncated: Vec<String> = coverage
        .models
        .iter()
        .filter(|model| model.truncated > 0)
        .map(|model| format!("{} of {}", number::count(model.truncated), model.name))
        .collect();
    if !truncated.is_empty() {
        ui.label(
            theme::caption(format!("Cut at the longest length and judged as they are: {}.", truncated.join(", ")))
                .weak(),
        );
    }
}

/// Questions that a model wrote.
fn written(
    ui: &mut Ui,
    run: &RunRow,
    found: Option<&WrittenQuestions>,
    commands: &mut Vec<Command>,
) -> Option<Vec<Question>> {
    let Some(found) = found else {
        if run.state == RunState::Done {
            empty_state(ui, "No questions", "The run left no questions; its log may say why.", None);
        }
        return None;
    };
    let mut taken = None;
    if !found.without.is_empty() {
        let text = format!("No questions could be read for the clauses {}.", found.without.join(", "));
        say(ui, VerdictKind::Caution, &text);
    }
    ui.horizontal_wrapped(|ui| {
        let what = "Adds them to the constitution of the form; questions with the same ids are replaced.";
        if ui.button("Take the questions over").on_hover_text(what).clicked() {
            taken = Some(found.questions.clone());
        }
        if ui.button("Export questions…").clicked() {
            let row = |question: &Question| vec![question.id.clone(), question.clause.clone(), question.text.clone()];
            commands.push(Command::ExportTable(Box::new(Table {
                name: format!("questions-{}", run.id.0),
                header: ["id", "clause", "question"].map(str::to_owned).to_vec(),
                rows: found.questions.iter().map(row).collect(),
            })));
        }
    });
    card(ui, "Questions", |ui| {
        let mut clause = "";
        for question in &found.questions {
            if question.clause != clause {
                clause = &question.clause;
                ui.label(theme::strong(format!("Clause {clause}")));
            }
            ui.label(&question.text);
        }
    });
    taken
}
