//! The left side: by which criteria, on which scenarios, which models, who judges whom, and the button that starts it.

use std::sync::Arc;

use eframe::egui::{self, CollapsingHeader, DragValue, Frame, Margin, Panel, ScrollArea, TextEdit, Ui};

use super::draft::Draft;
use crate::eigenbench::protocol::{Protocol, Scope};
use crate::eigenbench::sampling::Scheme;
use crate::figures::number;
use crate::formats::{constitutions, scenarios};
use crate::jobs::spec::RunSpec;
use crate::ui::command::{Command, EigenBenchPath};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::made_run::MadeRun;
use crate::ui::tabs::shared::money;
use crate::ui::tabs::shared::start::{self, START};
use crate::ui::tabs::shared::voice::{Voice, VoiceKind, free_name};
use crate::ui::tabs::shared::voices::{self, Place, Probes};
use crate::ui::widgets::card;
use crate::ui::{format, theme};

/// How the estimate comes about.
const TOKENS: &str = "An estimate: a token is taken for four characters, a response or reflection for 1,500 characters. What was \
                      asked before in this project is not asked again.";

/// What is edited in the centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editing {
    /// The criteria of this constitution.
    Criteria(usize),
    Scenarios,
}

/// What the form keeps between frames beside the draft.
#[derive(Default)]
pub struct FormState {
    probes: Probes,
    model: Option<usize>,
    /// An editor is shown in the centre.
    pub editing: Option<Editing>,
    made: MadeRun<Draft>,
}

impl FormState {
    /// Works the draft out.
    pub fn follow(&mut self, draft: &Draft) {
        self.made.follow(draft, |draft| {
            let spec = draft.spec()?;
            let cost = spec.estimate();
            Ok((RunSpec::Collect(spec), cost))
        });
    }

    /// The run that the form describes now, or what is missing.
    pub fn run(&self) -> Arc<Result<RunSpec, String>> {
        self.made.run()
    }
}

/// Draws the form; tells whether a run was started.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    commands: &mut Vec<Command>,
) -> bool {
    let pressed = ui.input_mut(|input| input.consume_shortcut(&START));
    let spec = state.run();
    let started = Panel::bottom("eigenbench start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| {
            if let Some(estimate) = state.made.estimate() {
                money::estimate(ui, &estimate, TOKENS);
            }
            start::button(ui, "Collect judgements", (*spec).clone(), pressed, commands)
        })
        .inner;
    ScrollArea::vertical().id_salt("eigenbench form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Criteria", |ui| criteria(ui, draft, state, commands));
        card(ui, "2  Scenarios", |ui| asked(ui, draft, state, commands));
        card(ui, "3  Models", |ui| population(ui, context, draft, state, commands));
        card(ui, "4  Who judges whom", |ui| sampling(ui, draft));
        card(ui, "5  Budget", |ui| money::show(ui, "eigenbench", &mut draft.money, draft.models.iter()));
        advanced(ui, draft);
        start::command_line(ui, "eigenbench", &spec, commands);
        ui.add_space(theme::STEP);
    });
    started
}

fn named_button(ui: &mut Ui, text: &str, name: &str) -> bool {
    let button = ui.small_button(text);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    button.clicked()
}

fn criteria(ui: &mut Ui, draft: &mut Draft, state: &mut FormState, commands: &mut Vec<Command>) {
    let mut gone = None;
    for (place, constitution) in draft.constitutions.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::strong(&constitution.name));
            let count = number::counted(constitution.clauses.len() as u64, "criterion", "criteria");
            ui.label(theme::caption(count).weak());
            if named_button(ui, "Edit", &format!("Edit {}", constitution.name)) {
                let this = Some(Editing::Criteria(place));
                state.editing = if state.editing == this { None } else { this };
            }
            if named_button(ui, "×", &format!("Remove {}", constitution.name)) {
                gone = Some(place);
            }
        });
    }
    if let Some(place) = gone {
        draft.constitutions.remove(place);
        state.editing = None;
    }
    if draft.constitutions.is_empty() {
        ui.label(theme::caption("Judges compare two responses by each criterion. Evaluees never see them.").weak());
    }
    ui.horizontal_wrapped(|ui| {
        ui.menu_button("Add", |ui| {
            for (_, shipped) in constitutions::shipped() {
                let taken = draft.constitutions.iter().any(|known| known.name == shipped.name);
                if ui.add_enabled(!taken, egui::Button::new(&shipped.name)).clicked() {
                    draft.constitutions.push(Arc::new(shipped));
                }
            }
        })
        .response
        .on_hover_text(
            "Criteria that come with the program. Several are judged one after the other, on the same responses.",
        );
        let what = "JSON (also the EigenBench authors' lists), or a text with a criterion a line.";
        if ui.button("Import…").on_hover_text(what).clicked() {
            commands.push(Command::ChooseForEigenBench(EigenBenchPath::Constitution));
        }
    });
}

fn asked(ui: &mut Ui, draft: &mut Draft, state: &mut FormState, commands: &mut Vec<Command>) {
    let all = draft.scenarios.len();
    if all == 0 {
        ui.label(theme::caption("What models respond to: matters that somebody brings to them.").weak());
    } else {
        ui.label(number::counted(all as u64, "scenario", "scenarios"));
        ui.horizontal(|ui| {
            let why = "Takes the first ones; 0 takes all. A longer run later asks nothing again.";
            let label = ui.label("Ask the first").on_hover_text(why);
            ui.add(DragValue::new(&mut draft.scenarios_asked).range(0..=all).speed(0.3)).labelled_by(label.id);
        });
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Take the shipped 120").on_hover_text("Everyday matters, written for this program.").clicked() {
            draft.scenarios = Arc::new(scenarios::shipped());
        }
        let what = "JSON, a text with a scenario a line, or a table with a column named scenario.";
        if ui.button("Import scenarios…").on_hover_text(what).clicked() {
            commands.push(Command::ChooseForEigenBench(EigenBenchPath::Scenarios));
        }
        let shown = state.editing == Some(Editing::Scenarios);
        let text = if shown { "Close the scenarios" } else { "Edit scenarios…" };
        if ui.button(text).clicked() {
            state.editing = if shown { None } else { Some(Editing::Scenarios) };
        }
    });
}

fn population(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    commands: &mut Vec<Command>,
) {
    voices::rows(ui, context, &mut state.probes, &mut state.model, &mut draft.models, Place::Participant, commands);
    if draft.models.len() < 2 {
        ui.label(theme::caption("At least two models. Each responds, and each judges the others and itself.").weak());
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Add a model").clicked() {
            let like = draft.models.last().cloned().unwrap_or(Voice { kind: VoiceKind::Provider, ..Voice::default() });
            draft.models.push(Voice { name: free_name(&draft.models, "Model"), ..like });
            state.model = Some(draft.models.len() - 1);
        }
        import_judgements(ui, commands);
    });
    CollapsingHeader::new("Personas").id_salt("eigenbench personas").show(ui, |ui| {
        let label = ui.label(theme::caption("One a line: name, colon, text"));
        let field = TextEdit::multiline(&mut draft.personas).id_salt("eigenbench personas text").desired_rows(5);
        ui.add(field.desired_width(ui.available_width())).labelled_by(label.id);
        let (models, personas) = draft.crossing();
        let text = format!("Make {} models", models * personas);
        let what = format!("Every one of {models} language models under every one of {personas} personas.");
        if ui.add_enabled(models * personas > 0, egui::Button::new(text)).on_hover_text(what).clicked() {
            draft.cross();
            state.model = None;
        }
    });
    if draft.models.len() > 1 {
        CollapsingHeader::new("Who judges").id_salt("eigenbench judges").show(ui, |ui| {
            for voice in &draft.models {
                let name = voice.name.trim().to_owned();
                let mut judges = !draft.silent.contains(&name);
                if ui.checkbox(&mut judges, &name).changed() {
                    if judges {
                        draft.silent.remove(&name);
                    } else {
                        draft.silent.insert(name);
                    }
                }
            }
            let text = "A model that does not judge has no row of trust of its own: the fit then wants \"Silent judges trust \
                        all alike\".";
            ui.label(theme::caption(text).weak());
        });
    }
}

/// The button that asks for a file of judgements given elsewhere.
pub fn import_judgements(ui: &mut Ui, commands: &mut Vec<Command>) {
    let what = "Judgements that were given elsewhere: the EigenBench authors' evaluations with all texts (JSON lines or an \
                array), or a table with scenario, judge, eval1, eval2 and choice (CSV).";
    if ui.button("Import judgements…").on_hover_text(what).clicked() {
        commands.push(Command::ChooseForEigenBench(EigenBenchPath::Judgements));
    }
}

fn sampling(ui: &mut Ui, draft: &mut Draft) {
    let models = draft.models.len() as u16;
    let (size, groups) = match draft.scheme {
        Scheme::RandomJudgeGroup { size, groups } | Scheme::AdaptiveInverseCount { size, groups, .. } => (size, groups),
        Scheme::AllToAll | Scheme::AddModels { .. } => (models.clamp(2, 4), 1),
    };
    let known = models.saturating_sub(1).max(1);
    let schemes = [
        (
            Scheme::RandomJudgeGroup { size, groups },
            "Random groups",
            "One judge and one group of models a scenario, all alike likely (the paper's way).",
        ),
        (
            Scheme::AdaptiveInverseCount { size, groups, alpha: 2.0 },
            "Rare ones first",
            "The same, but judges and models that came up seldom are drawn more often.",
        ),
        (Scheme::AllToAll, "Everybody", "Every judge compares every pair under every scenario: dear, and complete."),
        (
            Scheme::AddModels { known, old: known.min(2) },
            "Add models",
            "New models join a population that was compared before: each meets some known ones under every scenario.",
        ),
    ];
    let alike = |a: &Scheme, b: &Scheme| std::mem::discriminant(a) == std::mem::discriminant(b);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (scheme, name, why) in schemes {
            let chosen = alike(&scheme, &draft.scheme);
            if ui.selectable_label(chosen, name).on_hover_text(why).clicked() && !chosen {
                draft.scheme = scheme;
            }
        }
    });
    let number = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
        ui.horizontal(|ui| {
            let label = ui.label(name).on_hover_text(why);
            ui.add(field).labelled_by(label.id).on_hover_text(why);
        });
    };
    match &mut draft.scheme {
        Scheme::RandomJudgeGroup { size, groups } => {
            number(ui, "Models a group", DragValue::new(size).range(2..=64).speed(0.05), "4 in the paper.");
            number(ui, "Groups a scenario", DragValue::new(groups).range(1..=64).speed(0.05), "1 in the paper.");
        }
        Scheme::AdaptiveInverseCount { size, groups, alpha } => {
            number(ui, "Models a group", DragValue::new(size).range(2..=64).speed(0.05), "4 in the paper.");
            number(ui, "Groups a scenario", DragValue::new(groups).range(1..=64).speed(0.05), "1 in the paper.");
            let why = "Chances go with (1 + count) to the power of minus this; 0 is no preference.";
            number(ui, "Exponent", DragValue::new(alpha).range(0.0..=10.0).speed(0.05), why);
        }
        Scheme::AllToAll => {}
        Scheme::AddModels { known, old } => {
            let why = "So many of the first models of the list were compared before.";
            number(ui, "Known models", DragValue::new(known).range(1..=1000).speed(0.1), why);
            number(ui, "Known ones a group", DragValue::new(old).range(1..=1000).speed(0.05), "2 in the paper's code.");
        }
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let scope = &mut draft.form.scope;
        ui.selectable_value(scope, Scope::PerCriterion, "By each criterion")
            .on_hover_text("One choice by each criterion, in one reply.");
        ui.selectable_value(scope, Scope::Whole, "As a whole").on_hover_text("One choice by all criteria together.");
    });
    ui.checkbox(&mut draft.form.ties, "Ties are allowed").on_hover_text("Else a judge must choose one of the two.");
    number(ui, "Seed", DragValue::new(&mut draft.seed).speed(0.2), "Decides who judges whom.");
}

fn advanced(ui: &mut Ui, draft: &mut Draft) {
    CollapsingHeader::new("Lengths, temperatures and prompts").id_salt("eigenbench lengths").show(ui, |ui| {
        let field = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
            ui.horizontal(|ui| {
                let label = ui.label(name).on_hover_text(why);
                ui.add(field).labelled_by(label.id).on_hover_text(why);
            });
        };
        let tokens = |value| DragValue::new(value).range(1..=100_000);
        let heat = |value| DragValue::new(value).range(0.0..=2.0).speed(0.01);
        field(ui, "Longest response", tokens(&mut draft.longest_response), "Tokens; what is cut is not judged.");
        field(ui, "Longest reflection", tokens(&mut draft.longest_reflection), "Tokens; what is cut is not shown.");
        field(ui, "Longest verdict", tokens(&mut draft.longest_verdict), "Tokens; judges that think aloud need more.");
        field(ui, "Temperature of responses", heat(&mut draft.response_temperature), "1 in the paper.");
        field(ui, "Temperature of judges", heat(&mut draft.judge_temperature), "1 in the paper.");
        let why = "How often a verdict of which a part cannot be read is asked for again.";
        field(ui, "Repairs", DragValue::new(&mut draft.repairs).range(0..=10).speed(0.05), why);
        let Protocol {
            response_system,
            reflection_system,
            reflection,
            comparison_system,
            comparison,
            form_per_criterion,
            form_whole,
            figures_with_ties,
            figures_without_ties,
            repair,
        } = &mut draft.protocol;
        for (name, text) in [
            ("Before every scenario", response_system),
            ("Before every reflection", reflection_system),
            ("Prompt for a reflection", reflection),
            ("Before every comparison", comparison_system),
            ("Prompt for a comparison", comparison),
            ("Form of a verdict by criterion", form_per_criterion),
            ("Form of a verdict as a whole", form_whole),
            ("What the figures mean, with ties", figures_with_ties),
            ("What the figures mean, without ties", figures_without_ties),
            ("Prompt after an unreadable verdict", repair),
        ] {
            let label = ui.label(theme::caption(name));
            ScrollArea::vertical().id_salt(("eigenbench prompt scroll", name)).max_height(96.0).show(ui, |ui| {
                let width = ui.available_width();
                let field = TextEdit::multiline(text).id_salt(("eigenbench prompt", name)).desired_rows(2);
                ui.add(field.desired_width(width)).labelled_by(label.id);
            });
        }
        if let Err(problem) = draft.protocol.check() {
            ui.label(theme::caption(format::sentence(&problem.to_string())).color(theme::palette(ui).bad));
        }
        let shipped = draft.protocol == Protocol::default();
        if ui.add_enabled(!shipped, egui::Button::new("Take the shipped prompts again")).clicked() {
            draft.protocol = Protocol::default();
        }
    });
}
