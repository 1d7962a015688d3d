//! The left side: by which constitution, who is compared, who judges, and the button that starts it.

use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{self, CollapsingHeader, DragValue, Frame, Margin, Panel, ScrollArea, TextEdit, Ui};

use super::draft::Draft;
use crate::dempo::judging::{Comparing, Prompts};
use crate::figures::number;
use crate::formats::constitutions;
use crate::jobs::judge::{AnswersFrom, JudgeSpec, JudgedBy};
use crate::jobs::spec::RunSpec;
use crate::jobs::train::Tensors;
use crate::providers::price::{Estimate, Planned, Price};
use crate::store::RunState;
use crate::ui::command::{Command, JudgingPath};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::made_run::MadeRun;
use crate::ui::tabs::shared::money;
use crate::ui::tabs::shared::start::{self, START};
use crate::ui::tabs::shared::voice::{Voice, VoiceKind, free_name};
use crate::ui::tabs::shared::voices::{self, Place, Probes};
use crate::ui::widgets::{card, disabled_button, what_is};
use crate::ui::{format, help, theme};

/// How the estimate comes about.
const TOKENS: &str = "An estimate: a token is taken for four characters, an answer for half its longest length, a verdict for \
                      thirty tokens. What was asked before in this project is not asked again.";

/// What the form keeps between frames beside the draft.
#[derive(Default)]
pub struct FormState {
    probes: Probes,
    entrant: Option<usize>,
    judge: Option<usize>,
    /// The editor of clauses and questions is shown in the centre.
    pub editing: bool,
    made: MadeRun<Draft>,
}

impl FormState {
    /// Works the draft out.
    pub fn follow(&mut self, draft: &Draft) {
        self.made.follow(draft, |draft| {
            let spec = draft.spec()?;
            let cost = estimate(&spec);
            Ok((RunSpec::Judge(spec), cost))
        });
    }

    /// The run that the form describes now, or what is missing.
    pub fn run(&self) -> Arc<Result<RunSpec, String>> {
        self.made.run()
    }
}

/// What the calls of a judging may come to: answers of half their longest length, verdicts of thirty tokens.
fn estimate(spec: &JudgeSpec) -> Estimate {
    let questions = &spec.constitution.questions;
    let count = questions.len() as u64;
    let mean = |total: usize| total.checked_div(questions.len().max(1)).unwrap_or(0) as u64;
    let question = mean(questions.iter().map(|question| question.text.len()).sum());
    let clause = spec.constitution.clauses.iter().map(|clause| clause.text.len()).sum::<usize>()
        / spec.constitution.clauses.len().max(1);
    let answer = u64::from(spec.longest_answer) * 2;
    let mut planned = Vec::new();
    for entrant in &spec.entrants {
        if let AnswersFrom::Speaker(speaker) = &entrant.answers {
            planned.push(Planned {
                model: speaker.model(),
                calls: count,
                prompt_characters: question + spec.prompts.answer_system.len() as u64,
                answer_characters: answer,
            });
        }
    }
    let models = spec.entrants.len() as u64;
    let (looks, shown, prompt) = match spec.comparing {
        Comparing::Listwise => (1, models, &spec.prompts.listwise),
        Comparing::Pairwise => (models * (models - 1) / 2, 2, &spec.prompts.pairwise),
    };
    for judge in &spec.judges {
        if let JudgedBy::Speaker(speaker) = &judge.by {
            planned.push(Planned {
                model: speaker.model(),
                calls: count * u64::from(spec.passes) * looks,
                prompt_characters: prompt.len() as u64
                    + spec.prompts.judge_system.len() as u64
                    + clause as u64
                    + question
                    + shown * (answer + 12),
                answer_characters: 120,
            });
        }
    }
    let mut prices = spec.prices.clone();
    for own in spec.speakers().filter(|speaker| speaker.is_free()) {
        prices.0.insert(own.model().to_owned(), Price::FREE);
    }
    prices.estimate(&planned)
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
    let started = Panel::bottom("judging start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| {
            if let Some(estimate) = state.made.estimate() {
                money::estimate(ui, &estimate, TOKENS);
            }
            let text = if draft.judges.is_empty() { "Collect answers" } else { "Answer and judge" };
            start::button(ui, text, (*spec).clone(), pressed, commands)
        })
        .inner;
    ScrollArea::vertical().id_salt("judging form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Constitution", |ui| constitution(ui, context, draft, state, commands));
        card(ui, "2  Models compared", |ui| entrants(ui, context, draft, state, commands));
        card(ui, "3  Judges", |ui| judges(ui, context, draft, state, commands));
        card(ui, "4  How they judge", |ui| how(ui, draft));
        card(ui, "5  Budget", |ui| {
            let Draft { money, entrants, judges, writer, .. } = draft;
            let everybody = entrants.iter().chain(&*judges).chain([&*writer]);
            money::show(ui, "judging", money, everybody);
        });
        advanced(ui, draft);
        start::command_line(ui, "judging", &spec, commands);
        ui.add_space(theme::STEP);
    });
    started
}

fn constitution(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    commands: &mut Vec<Command>,
) {
    let label = ui.label("Principles and questions");
    let empty = draft.constitution.clauses.is_empty();
    let shown = if empty { "Choose…".to_owned() } else { draft.constitution.name.clone() };
    egui::ComboBox::from_id_salt("judging constitution")
        .width(ui.available_width())
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (_, shipped) in constitutions::shipped() {
                if ui.selectable_label(false, &shipped.name).clicked() {
                    draft.constitution = Arc::new(shipped);
                }
            }
        })
        .response
        .labelled_by(label.id);
    if !empty {
        ui.label(theme::caption(format!(
            "{}, {}",
            number::counted(draft.constitution.clauses.len() as u64, "clause", "clauses"),
            number::counted(draft.constitution.questions.len() as u64, "question", "questions")
        )));
    }
    ui.horizontal_wrapped(|ui| {
        let import = ui.button("Import…");
        let what = "JSON, a text with a clause a line, or a table with the columns clause and question.";
        if import.on_hover_text(what).clicked() {
            commands.push(Command::ChooseForJudging(JudgingPath::Constitution));
        }
        let what = "For the clauses that are there: JSON lines or a table with clause and question.";
        if !empty && ui.button("Import questions…").on_hover_text(what).clicked() {
            commands.push(Command::ChooseForJudging(JudgingPath::Questions));
        }
        let text = if state.editing { "Close the editor" } else { "Edit…" };
        if ui.button(text).on_hover_text("Clauses and questions, in the centre.").clicked() {
            state.editing = !state.editing;
        }
        if !empty && ui.button("Export…").on_hover_text("Clauses and questions as JSON.").clicked() {
            let text = serde_json::to_string_pretty(&*draft.constitution).unwrap_or_default();
            commands.push(Command::ExportText { name: format!("{}.json", draft.constitution.name), text });
        }
    });
    if draft.constitution.questions.len() > draft.constitution.clauses.len() {
        ui.horizontal(|ui| {
            let why = "Takes the first questions of each clause; 0 takes all.";
            let label = ui.label("Questions a clause").on_hover_text(why);
            ui.add(DragValue::new(&mut draft.questions_a_clause).range(0..=1000).speed(0.1)).labelled_by(label.id);
        });
    }
    CollapsingHeader::new("Have a model write questions").id_salt("judging writer").show(ui, |ui| {
        voices::fields(ui, context, &mut state.probes, Place::Writer, &mut draft.writer, commands);
        ui.horizontal(|ui| {
            let label = ui.label("Questions a clause to write");
            ui.add(DragValue::new(&mut draft.written).range(1..=200).speed(0.2)).labelled_by(label.id);
        });
        match draft.writing() {
            Ok(spec) => {
                let what = "They stand in the run; take them over from there.";
                if ui.button("Write questions").on_hover_text(what).clicked() {
                    commands.push(Command::StartRun(Box::new(RunSpec::Questions(spec))));
                }
            }
            Err(why) => {
                ui.label(theme::caption(format::sentence(&why)).weak());
                disabled_button(ui, "Write questions", &why);
            }
        }
    });
}

/// What a finished training of this project left, as one who is compared.
fn trained(context: &TabContext<'_>) -> Vec<Voice> {
    let done = context.runs.iter().filter(|run| run.state == RunState::Done);
    let found = done.filter_map(|run| {
        let RunSpec::Train(spec) = &run.spec else { return None };
        let out = spec.out.display().to_string();
        let mut voice = Voice {
            name: format!("{} (run {})", spec.scheme.name(), run.id.0),
            template: spec.template,
            ..Voice::default()
        };
        match spec.tensors {
            Tensors::Adapter(_) => {
                voice.local.clone_from(&spec.model);
                voice.adapter = out;
            }
            Tensors::Everything => voice.local = if spec.out.is_relative() { format!("./{out}") } else { out },
        }
        Some(voice)
    });
    found.collect()
}

fn entrants(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    commands: &mut Vec<Command>,
) {
    voices::rows(ui, context, &mut state.probes, &mut state.entrant, &mut draft.entrants, Place::Entrant, commands);
    if draft.entrants.len() < 2 {
        ui.label(theme::caption("At least two models answer the same questions.").weak());
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Add a model").clicked() {
            let like = draft.entrants.last().cloned().unwrap_or_default();
            draft.entrants.push(Voice { name: free_name(&draft.entrants, "Model"), file: String::new(), ..like });
            state.entrant = Some(draft.entrants.len() - 1);
        }
        let there: BTreeSet<(&str, &str)> =
            draft.entrants.iter().map(|voice| (voice.local.as_str(), voice.adapter.as_str())).collect();
        let fresh: Vec<Voice> = trained(context)
            .into_iter()
            .filter(|voice| !there.contains(&(voice.local.as_str(), voice.adapter.as_str())))
            .collect();
        if !fresh.is_empty() {
            let what = "Adds what the finished trainings of this project left, and the model they began from.";
            if ui.button("Add trained models").on_hover_text(what).clicked() {
                let bases: BTreeSet<String> =
                    fresh.iter().filter(|voice| !voice.adapter.is_empty()).map(|voice| voice.local.clone()).collect();
                for base in bases {
                    let known = draft.entrants.iter().any(|voice| voice.local == base && voice.adapter.is_empty());
                    if !known {
                        draft.entrants.push(Voice { name: base.clone(), local: base, ..Voice::default() });
                    }
                }
                draft.entrants.extend(fresh.into_iter().rev());
            }
        }
    });
}

fn judges(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    commands: &mut Vec<Command>,
) {
    voices::rows(ui, context, &mut state.probes, &mut state.judge, &mut draft.judges, Place::Judge, commands);
    if draft.judges.is_empty() {
        let what =
            "Without a judge only answers are collected. You can always judge yourself, blind, once they are there.";
        ui.label(theme::caption(what).weak());
    }
    ui.horizontal_wrapped(|ui| {
        if ui.button("Add a judge").clicked() {
            let like = draft.judges.last().cloned().unwrap_or(Voice { kind: VoiceKind::Provider, ..Voice::default() });
            draft.judges.push(Voice { name: free_name(&draft.judges, "Judge"), ..like });
            state.judge = Some(draft.judges.len() - 1);
        }
        let what = "Rankings or pairs that were given elsewhere, as a run of their own.";
        if ui.button("Import verdicts…").on_hover_text(what).clicked() {
            commands.push(Command::ChooseForJudging(JudgingPath::Verdicts));
        }
    });
}

fn how(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.selectable_value(&mut draft.comparing, Comparing::Listwise, "All at once")
            .on_hover_text("A judge puts all answers to a question into one order.");
        ui.selectable_value(&mut draft.comparing, Comparing::Pairwise, "In pairs")
            .on_hover_text("A judge compares two answers at a time; every second pass turns each pair round.");
        what_is(ui, help::judging::JUDGING.name, help::judging::JUDGING.text);
    });
    let whole = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
        ui.horizontal(|ui| {
            let label = ui.label(name).on_hover_text(why);
            ui.add(field).labelled_by(label.id).on_hover_text(why);
        });
    };
    whole(
        ui,
        "Passes",
        DragValue::new(&mut draft.passes).range(1..=100).speed(0.05),
        "Looks of each judge at each question, each with the answers in another order; 5 in the paper.",
    );
    whole(
        ui,
        "Retries",
        DragValue::new(&mut draft.retries).range(0..=10).speed(0.05),
        "How often a judge whose reply cannot be read is asked again.",
    );
    whole(ui, "Seed", DragValue::new(&mut draft.seed).speed(0.2), "Decides in which order answers are shown.");
}

fn advanced(ui: &mut Ui, draft: &mut Draft) {
    CollapsingHeader::new("Lengths, temperatures and prompts").id_salt("judging lengths").show(ui, |ui| {
        let field = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
            ui.horizontal(|ui| {
                let label = ui.label(name).on_hover_text(why);
                ui.add(field).labelled_by(label.id).on_hover_text(why);
            });
        };
        let why = "Tokens of an answer at most; 256 in the paper.";
        field(ui, "Longest answer", DragValue::new(&mut draft.longest_answer).range(1..=100_000), why);
        let why = "0 takes the likeliest words, as in the paper.";
        let heat = DragValue::new(&mut draft.answer_temperature).range(0.0..=2.0).speed(0.01);
        field(ui, "Temperature of answers", heat, why);
        let why = "Tokens of a verdict at most; judges that think aloud need thousands.";
        field(ui, "Longest verdict", DragValue::new(&mut draft.longest_verdict).range(1..=100_000), why);
        let heat = DragValue::new(&mut draft.judge_temperature).range(0.0..=2.0).speed(0.01);
        field(ui, "Temperature of judges", heat, "0 in the paper.");
        let Prompts { answer_system, judge_system, listwise, pairwise, repair, writer } = &mut draft.prompts;
        for (name, text) in [
            ("Before every question", answer_system),
            ("Before every judgement", judge_system),
            ("Prompt for all at once", listwise),
            ("Prompt for pairs", pairwise),
            ("Prompt after an unreadable reply", repair),
            ("Prompt for writing questions", writer),
        ] {
            let label = ui.label(theme::caption(name));
            ScrollArea::vertical().id_salt(("judging prompt scroll", name)).max_height(96.0).show(ui, |ui| {
                let width = ui.available_width();
                ui.add(
                    TextEdit::multiline(text).id_salt(("judging prompt", name)).desired_rows(2).desired_width(width),
                )
                .labelled_by(label.id);
            });
        }
        if let Err(problem) = draft.prompts.check() {
            ui.label(theme::caption(format::sentence(&problem.to_string())).color(theme::palette(ui).bad));
        }
        let shipped = draft.prompts == Prompts::default();
        if ui.add_enabled(!shipped, egui::Button::new("Take the shipped prompts again")).clicked() {
            draft.prompts = Prompts::default();
        }
    });
}
