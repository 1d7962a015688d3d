//! The left side: whose preferences, which scheme, how the training goes, and the button that starts it.

use std::rc::Rc;
use std::sync::Arc;

use eframe::egui::{self, DragValue, Frame, Margin, Panel, ScrollArea, TextEdit, Ui};

use super::draft::{BudgetKind, Draft, SchemeKind};
use super::import::Imports;
use super::scheme_form;
use super::settings_form;
use super::sources::Sources;
use super::words;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::jobs::train::TrainSpec;
use crate::models::llama;
use crate::store::RunRow;
use crate::ui::command::{Command, TrainingPath};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::download;
use crate::ui::tabs::shared::start::{self, START};
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button, what_is};
use crate::ui::{format, help};

/// What the form makes of the draft, gone through only where something changed.
#[derive(Default)]
pub struct Ready {
    made: Option<Made>,
}

struct Made {
    draft: Draft,
    /// Which lottery was asked for, whether it was there, and how many runs there were.
    of: (u64, bool, usize),
    spec: Result<Arc<TrainSpec>, String>,
    run: Rc<Result<RunSpec, String>>,
    alike: Vec<(SchemeKind, Result<TrainSpec, String>)>,
}

impl Ready {
    /// Works the draft out.
    pub fn follow(&mut self, draft: &Draft, sources: &mut Sources, runs: &[RunRow]) {
        let asked = sources.lotteries_asked();
        let chances = sources.chances();
        let of = (asked, chances.is_some(), runs.len());
        if self.made.as_ref().is_some_and(|made| made.draft == *draft && made.of == of) {
            return;
        }
        let spec = draft.spec(draft.scheme, chances, runs);
        self.made = Some(Made {
            run: Rc::new(spec.clone().map(RunSpec::Train)),
            spec: spec.map(Arc::new),
            alike: SchemeKind::ALL.map(|kind| (kind, draft.spec(kind, chances, runs))).into(),
            draft: draft.clone(),
            of,
        });
    }

    pub fn spec(&self) -> Result<&Arc<TrainSpec>, String> {
        match &self.made {
            Some(made) => made.spec.as_ref().map_err(Clone::clone),
            None => Err("The form is being read.".to_owned()),
        }
    }

    /// The run that the form describes now, or what is missing.
    pub fn run(&self) -> Rc<Result<RunSpec, String>> {
        match &self.made {
            Some(made) => made.run.clone(),
            None => Rc::new(Err("The form is being read.".to_owned())),
        }
    }

    /// The form's training under every scheme, or what is missing for it.
    pub fn alike(&self) -> &[(SchemeKind, Result<TrainSpec, String>)] {
        self.made.as_ref().map_or(&[], |made| &made.alike)
    }
}

/// Why the training cannot start although every setting is right.
pub fn obstacle(sources: &mut Sources, imports: &Imports, draft: &Draft) -> Option<String> {
    if imports.busy() {
        return Some("Preferences are on their way into the project.".to_owned());
    }
    if draft.preferences.trim().is_empty() {
        return None;
    }
    match sources.raters() {
        None => return Some("The preferences are being read.".to_owned()),
        Some(Err(problem)) => return Some(format::sentence(problem)),
        Some(Ok(_)) => {}
    }
    if !draft.people.trim().is_empty()
        && let Some(Err(problem)) = sources.people()
    {
        return Some(format::sentence(problem));
    }
    match sources.outlook() {
        Some(Err(problem)) => Some(format::sentence(problem)),
        _ => None,
    }
}

/// Draws the form; tells whether a run was started.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    (sources, imports, ready): (&mut Sources, &mut Imports, &Ready),
    commands: &mut Vec<Command>,
) -> bool {
    let pressed = ui.input_mut(|input| input.consume_shortcut(&START));
    let spec = match obstacle(sources, imports, draft) {
        Some(why) => Err(why),
        None => (*ready.run()).clone(),
    };
    let mut started = Panel::bottom("training start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| start::button(ui, "Train", spec.clone(), pressed, commands))
        .inner;
    ScrollArea::vertical().id_salt("training form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Preferences", |ui| preferences(ui, context, draft, sources, imports, commands));
        card(ui, "2  Model", |ui| model(ui, context, draft, commands));
        card(ui, "3  Scheme", |ui| scheme_form::show(ui, context, draft, sources, commands));
        card(ui, "4  How much", |ui| amount(ui, draft));
        card(ui, "5  What the weights do", |ui| outlook(ui, sources, ready));
        card(ui, "6  How it learns", |ui| settings_form::learning(ui, draft));
        card(ui, "7  Questions and folder", |ui| settings_form::questions(ui, draft, ready.spec().ok()));
        card(ui, "8  Schemes alike", |ui| started |= alike(ui, draft, sources, imports, ready, commands));
        settings_form::advanced(ui, draft, &spec, commands);
        ui.add_space(theme::STEP);
    });
    started
}

/// A path that is typed, with a button that opens a chooser.
pub fn path_field(
    ui: &mut Ui,
    name: &str,
    text: &mut String,
    hint: &str,
    wanted: TrainingPath,
    commands: &mut Vec<Command>,
) {
    let label = ui.label(name);
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 92.0).max(80.0);
        let field = TextEdit::singleline(text).id_salt(("training path", name)).hint_text(hint);
        ui.add(field.desired_width(width)).labelled_by(label.id).on_hover_text(
            "A path without a leading / is inside the project. A file can be dropped on the window too.",
        );
        let choose = ui.button("Choose…");
        choose.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Choose {}", name.to_lowercase()))
        });
        if choose.clicked() {
            commands.push(Command::ChooseForTraining(wanted));
        }
    });
}

/// What is wrong, in its place.
pub fn wrong(ui: &mut Ui, text: &str) {
    ui.label(theme::caption(format::sentence(text)).color(theme::palette(ui).bad));
}

fn preferences(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    sources: &mut Sources,
    imports: &mut Imports,
    commands: &mut Vec<Command>,
) {
    path_field(ui, "Preferences", &mut draft.preferences, "preferences.jsonl", TrainingPath::Preferences, commands);
    if !draft.preferences.trim().is_empty() {
        let reading = sources.reading();
        match sources.raters() {
            None if reading => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label(theme::caption("Reading the preferences …"));
                });
            }
            None => {}
            Some(Err(problem)) => wrong(ui, problem),
            Some(Ok(raters)) => {
                let pairs = number::counted(raters.rater_of.len() as u64, "pair", "pairs");
                let of = number::counted(raters.ids.len() as u64, "rater", "raters");
                ui.label(theme::strong(format!("{pairs} of {of}")))
                    .on_hover_text(format!("SHA-256: {}", raters.sha256));
            }
        }
    }
    ui.horizontal_wrapped(|ui| {
        let import = ui.button("Import PRISM…");
        if import.on_hover_text("The folder that holds utterances.jsonl and survey.jsonl.").clicked() {
            commands.push(Command::ChooseForTraining(TrainingPath::Prism));
        }
        let sample = ui.button("Make a sample population");
        let what = "Writes made-up raters with known wishes, their people and a lottery into the project, and fills the form.";
        if sample.on_hover_text(what).clicked() {
            imports.begin_sample(context, false);
        }
        ui.checkbox(&mut imports.best, "PRISM: chosen replies only").on_hover_text(
            "Only the chosen reply beside each other one, in first turns; otherwise all replies of a turn whose scores differ.",
        );
    });
    imports.show(ui, context);
    path_field(ui, "People (optional)", &mut draft.people, "people.csv", TrainingPath::People, commands);
    match (draft.people.trim().is_empty(), sources.people()) {
        (true, _) => {
            ui.label(theme::caption("A table of the raters shows accuracy by group.").weak());
        }
        (false, Some(Err(problem))) => wrong(ui, problem),
        (false, Some(Ok(seen))) => {
            let unknown = match seen.unknown {
                0 => String::new(),
                unknown => format!(" {} are not in it.", number::counted(unknown as u64, "rater", "raters")),
            };
            let groups =
                if seen.attributes.is_empty() { "no attribute".to_owned() } else { seen.attributes.join(", ") };
            ui.label(theme::caption(format!("Groups by {groups}.{unknown}")).weak());
        }
        (false, None) => {}
    }
}

fn model(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, commands: &mut Vec<Command>) {
    path_field(ui, "Model", &mut draft.model, "ekklesia, ./model or owner/name", TrainingPath::Model, commands);
    let shipped = llama::shipped_llamas();
    match shipped.iter().find(|(name, _)| *name == draft.model.trim()) {
        Some((_, description)) => {
            ui.label(theme::caption(*description).weak());
        }
        None => {
            if draft.model.trim().is_empty() {
                wrong(ui, "Name a Llama: a shipped one, a folder, or a hub name.");
            }
            ui.horizontal_wrapped(|ui| {
                for (name, description) in shipped {
                    if ui.button(format!("Use {name}")).on_hover_text(description).clicked() {
                        name.clone_into(&mut draft.model);
                    }
                }
            });
        }
    }
    download(ui, context, draft.model.trim(), commands);
}

fn amount(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for kind in [BudgetKind::Steps, BudgetKind::Epochs, BudgetKind::Visits] {
            let (name, why) = words::budget_name(kind);
            ui.selectable_value(&mut draft.budget, kind, name).on_hover_text(why);
        }
    });
    match draft.budget {
        BudgetKind::Steps => {
            whole(ui, "Steps of the run", DragValue::new(&mut draft.steps).range(1..=10_000_000), "Windows in all.");
        }
        BudgetKind::Epochs => settings_form::number_text(
            ui,
            "Epochs of the run",
            &mut draft.epochs,
            super::typed::positive,
            "Times that each pair is looked at, on average.",
        ),
        BudgetKind::Visits => {
            whole(
                ui,
                "Visits of the run",
                DragValue::new(&mut draft.visits).range(1..=u64::MAX),
                "Looks at a pair in all.",
            );
        }
    }
    whole(
        ui,
        "Pairs per step",
        DragValue::new(&mut draft.window).range(1..=4096).speed(0.2),
        "The window: the gradient of so many pairs makes a step.",
    );
    settings_form::number_text(
        ui,
        "Held-out raters (%)",
        &mut draft.held_out,
        super::typed::held_out,
        "Raters whom the model never learns from; it is judged by them.",
    );
    whole(
        ui,
        "Steps between evaluations",
        DragValue::new(&mut draft.evaluate_every).range(1..=1_000_000).speed(0.2),
        "How often held-out raters are looked at and questions answered.",
    );
    whole(ui, "Seed", DragValue::new(&mut draft.seed).speed(0.2), "For every random choice.");
}

/// A whole number with its name before it.
pub fn whole(ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(field).labelled_by(label.id).on_hover_text(why);
    });
}

fn outlook(ui: &mut Ui, sources: &mut Sources, ready: &Ready) {
    if ready.spec().is_err() {
        ui.label(theme::caption("What the weights do is shown here once the form is complete.").weak());
        return;
    }
    match sources.outlook() {
        None => {
            ui.label(theme::caption("Waiting for the preferences.").weak());
        }
        Some(Err(problem)) => wrong(ui, problem),
        Some(Ok(found)) => {
            let counted = |count: usize, one, many| number::counted(count as u64, one, many);
            ui.label(format!(
                "{}, worth {} equal ones; {}, worth {}.",
                counted(found.raters, "rater", "raters"),
                number::fixed(found.effective_raters, 1),
                counted(found.pairs, "pair", "pairs"),
                number::fixed(found.effective_pairs, 1)
            ));
            let mut visits: Vec<u64> = found.visits_per_rater.iter().copied().filter(|&visits| visits > 0).collect();
            visits.sort_unstable();
            if let (Some(least), Some(most)) = (visits.first(), visits.last()) {
                ui.label(theme::caption(format!(
                    "{}, {}: {least} to {most} a rater, median {}.",
                    number::counted(found.steps, "step", "steps"),
                    number::counted(found.visits, "visit", "visits"),
                    visits[visits.len() / 2]
                )));
            }
            ui.label(theme::caption(format!(
                "Held out: {} of {}.",
                counted(found.held_out_pairs, "pair", "pairs"),
                counted(found.held_out_raters, "rater", "raters")
            )));
            if found.without_pairs > 0 {
                let people = counted(found.without_pairs, "person", "people");
                ui.label(theme::caption(format!("{people} of the scheme have no preferences here.")));
            }
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                let text =
                    if found.closed_form { "Closed form: a mean over panels." } else { "No longer the closed form." };
                ui.label(theme::caption(text));
                what_is(ui, help::CLOSED_FORM.name, help::CLOSED_FORM.text);
            });
        }
    }
}

/// Several schemes with the same settings; true when runs were queued.
fn alike(
    ui: &mut Ui,
    draft: &mut Draft,
    sources: &mut Sources,
    imports: &Imports,
    ready: &Ready,
    commands: &mut Vec<Command>,
) -> bool {
    ui.label(
        theme::caption("The same settings under several schemes, one run each, to be laid over each other.").weak(),
    );
    let mut specs = Vec::new();
    let mut missing = None;
    ui.horizontal_wrapped(|ui| {
        for (kind, spec) in ready.alike() {
            let mut chosen = draft.alike.contains(kind);
            let name = match kind {
                SchemeKind::Subset if !draft.subset_name.trim().is_empty() => draft.subset_name.trim().to_owned(),
                kind => words::scheme_name(*kind).to_owned(),
            };
            let tick = ui.checkbox(&mut chosen, format!("{name} too")).on_hover_text(words::scheme_sentence(*kind));
            if tick.changed() {
                if chosen {
                    draft.alike.insert(*kind);
                } else {
                    draft.alike.remove(kind);
                }
            }
            match spec {
                Ok(spec) if chosen => specs.push(spec.clone()),
                Err(why) if chosen => missing = missing.take().or_else(|| Some(format!("{name}: {why}"))),
                _ => {}
            }
        }
    });
    let why =
        obstacle(sources, imports, draft).or(missing).or_else(|| specs.is_empty().then(|| "Tick a scheme.".to_owned()));
    let text = format!("Queue {}", number::counted(specs.len() as u64, "training", "trainings"));
    match why {
        Some(why) => {
            ui.label(theme::caption(why.as_str()).weak());
            disabled_button(ui, "Queue trainings", &why);
            false
        }
        None => {
            let clicked = ui.button(text).on_hover_text("They run one after the other.").clicked();
            if clicked {
                commands.extend(specs.into_iter().map(|spec| Command::StartRun(Box::new(RunSpec::Train(spec)))));
            }
            clicked
        }
    }
}
