//! The left side: what goes in, one card after the other, and the button that starts it.

use std::rc::Rc;

use eframe::egui::{self, DragValue, Frame, Margin, Panel, ScrollArea, Ui};

use super::super::shared::model_picker::{ModelPicker, download};
use super::super::shared::questions::{Live, Questions};
use super::super::shared::start::{self, START};
use super::super::shared::template::{self, Template};
use super::draft::{Allowed, Draft, Heat, Sentences, Shape, StartKind};
use super::lists::ListsDialog;
use super::{advanced, words};
use crate::figures::number;
use crate::glauber::chain::Scan;
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::theme;
use crate::ui::widgets::card;

/// What the form keeps between frames besides the draft.
#[derive(Default)]
pub struct FormState {
    picker: ModelPicker,
    pub lists: Option<ListsDialog>,
    ready: Option<Ready>,
}

/// What the draft makes, and from what: lists of thousands of sentences are not gone through every frame.
struct Ready {
    draft: Draft,
    lists: Vec<(String, usize)>,
    spec: Rc<Result<RunSpec, String>>,
}

impl FormState {
    /// Forgets half-typed text, after the draft was replaced from outside.
    pub fn reset(&mut self) {
        self.picker.reset();
    }

    /// The run the form describes now, or what is missing.
    pub fn spec(&mut self, context: &TabContext<'_>, draft: &Draft) -> Rc<Result<RunSpec, String>> {
        let of = |(name, all): &(String, Vec<String>)| (name.clone(), all.len());
        let lists: Vec<(String, usize)> = context.sentence_lists.iter().map(of).collect();
        match &self.ready {
            Some(ready) if ready.draft == *draft && ready.lists == lists => ready.spec.clone(),
            _ => {
                let spec = Rc::new(draft.spec(context.sentence_lists).map(RunSpec::Trajectories));
                self.ready = Some(Ready { draft: draft.clone(), lists, spec: spec.clone() });
                spec
            }
        }
    }
}

/// Draws the form; the answer tells whether a run was started.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    questions: &mut Questions,
    commands: &mut Vec<Command>,
) -> bool {
    let start_pressed = state.lists.is_none() && ui.input_mut(|input| input.consume_shortcut(&START));
    // The button stays in sight however long the form is.
    let started = Panel::bottom("trajectories start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| start_button(ui, context, draft, state, questions, start_pressed, commands))
        .inner;
    ScrollArea::vertical().id_salt("trajectories form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Model", |ui| {
            state.picker.show(ui, context, "trajectories model", &mut draft.model);
            download(ui, context, &draft.model, commands);
        });
        card(ui, "2  Chain", |ui| chain(ui, context, draft, questions));
        card(ui, "3  Temperature and scan", |ui| temperature(ui, draft));
        card(ui, "4  Starts", |ui| starts(ui, context, draft, commands));
        card(ui, "5  How much", |ui| amount(ui, draft));
        card(ui, "6  Political probe", |ui| probe(ui, context, draft, state));
        let spec = state.spec(context, draft);
        advanced::show(ui, draft, &spec, commands);
        ui.add_space(theme::STEP);
    });
    started
}

/// A number with its name before it and a few words behind.
pub fn number_field(ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(field).labelled_by(label.id).on_hover_text(why);
    });
}

/// A row of choices of which one holds.
pub fn choices<T: Copy + PartialEq>(ui: &mut Ui, value: &mut T, all: &[(T, &str, &str)]) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (choice, text, why) in all {
            ui.selectable_value(value, *choice, *text).on_hover_text(*why);
        }
    });
}

fn chain(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, questions: &mut Questions) {
    choices(
        ui,
        &mut draft.shape,
        &[
            (Shape::Length, "Length", "Every token of a sequence of this length moves."),
            (Shape::Template, "Sentence", "Some tokens of a sentence move, the others stay."),
        ],
    );
    match draft.shape {
        Shape::Length => {
            let field = DragValue::new(&mut draft.length).range(1..=512).speed(0.1);
            number_field(ui, "Tokens", field, "How many tokens the chain has; all of them move.");
        }
        Shape::Template => {
            let parts = Template { sentence: &mut draft.template, free: &mut draft.free };
            template::show(ui, context, "trajectories", &draft.model, parts, questions);
        }
    }
    ui.label("Tokens that may be drawn");
    choices(
        ui,
        &mut draft.words,
        &[
            (Allowed::Whole, "All", "Every ordinary token of the model."),
            (Allowed::WholeWords, "Whole words", "No pieces that continue a word, such as ##ing."),
            (Allowed::Typed, "Typed", "Only the tokens you name."),
        ],
    );
    if draft.words == Allowed::Typed {
        let label = ui.label(theme::caption("Tokens, between spaces"));
        ui.add(
            egui::TextEdit::multiline(&mut draft.typed_words)
                .id_salt("trajectories vocabulary")
                .desired_rows(2)
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    }
    if draft.words != Allowed::Whole {
        ui.label(theme::caption("Fewer tokens make another chain: its probabilities are renormalised.").weak());
    }
}

fn temperature(ui: &mut Ui, draft: &mut Draft) {
    choices(
        ui,
        &mut draft.heat,
        &[
            (Heat::Zero, "0", "Always the likeliest token: chains run to an attractor and stay."),
            (Heat::Finite, "Between", "Probabilities to the power 1 over the temperature."),
            (Heat::Infinite, "Infinite", "Every token equally likely: no model at all, a baseline."),
        ],
    );
    if draft.heat == Heat::Finite {
        let label = ui.label("Temperature τ");
        ui.add(
            egui::Slider::new(&mut draft.temperature, 0.1..=4.0)
                .logarithmic(true)
                .clamping(egui::SliderClamping::Edits),
        )
        .labelled_by(label.id);
    }
    let label = ui.label("Scan: order of updates");
    egui::ComboBox::from_id_salt("trajectories scan")
        .width(ui.available_width())
        .selected_text(words::scan_name(draft.scan))
        .show_ui(ui, |ui| {
            for scan in Scan::ALL {
                ui.selectable_value(&mut draft.scan, scan, words::scan_name(scan));
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text("Conditionals without a joint distribution settle differently under each scan.");
}

fn starts(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, commands: &mut Vec<Command>) {
    choices(
        ui,
        &mut draft.start,
        &[
            (StartKind::Uniform, "Random", "Every chain starts from tokens drawn uniformly."),
            (
                StartKind::Typed,
                "Two sentences",
                "Every other chain starts from the second; how far they stay apart is bounded.",
            ),
            (StartKind::Sentences, "A list", "Each chain starts from a sentence of a list."),
        ],
    );
    let width = ui.available_width();
    match draft.start {
        StartKind::Uniform => {}
        StartKind::Typed => {
            for (name, text) in [("First sentence", &mut draft.from), ("Second sentence", &mut draft.to)] {
                let label = ui.label(name);
                ui.add(egui::TextEdit::singleline(text).id_salt(("trajectories start", name)).desired_width(width))
                    .labelled_by(label.id);
            }
            ui.label(theme::caption(format!("Each needs {} or more.", tokens(draft.sites()))).weak());
        }
        StartKind::Sentences => {
            sentences(ui, context, "Start sentences from", &mut draft.start_sentences, true, commands);
            ui.label(theme::caption(format!("Those shorter than {} are left out.", tokens(draft.sites()))).weak());
        }
    }
}

fn tokens(count: u64) -> String {
    number::counted(count, "token", "tokens")
}

/// A choice of a sentence list of the project, or of typed lines.
fn sentences(
    ui: &mut Ui,
    context: &TabContext<'_>,
    name: &str,
    chosen: &mut Sentences,
    needed: bool,
    commands: &mut Vec<Command>,
) {
    let label = ui.label(name);
    let none = if needed || !chosen.lines.trim().is_empty() { "typed lines" } else { "none" };
    egui::ComboBox::from_id_salt(("trajectories list", name))
        .width(ui.available_width())
        .truncate()
        .selected_text(chosen.list.clone().unwrap_or(none.to_owned()))
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut chosen.list, None, none);
            for (list, all) in context.sentence_lists {
                let text = format!("{list} ({})", number::count(all.len() as u64));
                ui.selectable_value(&mut chosen.list, Some(list.clone()), text);
            }
        })
        .response
        .labelled_by(label.id);
    if chosen.list.is_none() && (needed || !chosen.lines.trim().is_empty()) {
        let label = ui.label(theme::caption("One sentence per line"));
        ScrollArea::vertical().id_salt(("trajectories lines scroll", name)).max_height(120.0).show(ui, |ui| {
            ui.add(
                egui::TextEdit::multiline(&mut chosen.lines)
                    .id_salt(("trajectories lines", name))
                    .desired_rows(3)
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        });
    }
    ui.horizontal(|ui| {
        if ui.button("Import…").on_hover_text("Reads a text or CSV file of sentences into this project.").clicked() {
            commands.push(Command::ImportSentences);
        }
        let count = chosen.resolve(context.sentence_lists).len();
        ui.label(theme::caption(number::counted(count as u64, "sentence", "sentences")).weak());
    });
}

fn amount(ui: &mut Ui, draft: &mut Draft) {
    let (chains, sweeps, every) = (&mut draft.chains, &mut draft.sweeps, &mut draft.every);
    number_field(
        ui,
        "Chains",
        DragValue::new(chains).range(1..=10_000).speed(0.1),
        "Independent chains; intervals resample whole chains, so a few are not enough.",
    );
    number_field(
        ui,
        "Sweeps of each",
        DragValue::new(sweeps).range(1..=1_000_000).speed(1.0),
        "A sweep is one update for each token that moves.",
    );
    number_field(
        ui,
        "Sweeps between snapshots",
        DragValue::new(every).range(1..=100_000).speed(0.1),
        "What happens between two snapshots is not looked at.",
    );
    ui.horizontal(|ui| {
        let label = ui.label("Seed");
        ui.add(DragValue::new(&mut draft.seed).speed(0.2)).labelled_by(label.id);
        ui.label(theme::caption("for every random choice").weak());
    });
    let updates = draft.chains.saturating_mul(draft.sweeps).saturating_mul(draft.sites());
    ui.label(
        theme::caption(format!(
            "{} and {}",
            number::counted(updates, "update", "updates"),
            number::counted(draft.snapshots(), "snapshot", "snapshots")
        ))
        .weak(),
    );
}

fn probe(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, state: &mut FormState) {
    if draft.is_toy() {
        ui.label(theme::caption("A toy's tokens are not words: the probe is left out.").weak());
        return;
    }
    ui.checkbox(&mut draft.political, "Ask how political the sentences are").on_hover_text(
        "Three instruments on their own lists: a word list, an axis between seed sentences, a classifier.",
    );
    if !draft.political {
        return;
    }
    let lists = draft.lists.is_some();
    ui.horizontal(|ui| {
        if ui.button("Edit lists…").on_hover_text("Words, seed sentences and statements of the probe.").clicked() {
            state.lists = Some(ListsDialog::new(&draft.probe_lists()));
        }
        ui.label(theme::caption(if lists { "edited" } else { "as shipped" }).weak());
    });
    let mut ignored = Vec::new();
    sentences(ui, context, "Corpus baseline from", &mut draft.corpus, false, &mut ignored);
    ui.checkbox(&mut draft.random_baseline, "Random-weights baseline")
        .on_hover_text("Runs the same chains on random weights of the model's shape: about twice the time.");
}

/// Why the run cannot start, if so.
fn obstacle(context: &TabContext<'_>, draft: &Draft, questions: &mut Questions) -> Result<(), String> {
    if draft.shape == Shape::Template {
        match questions.tokens(context.session, &draft.model, &draft.template) {
            Live::Ready(tokens) => {
                if let Some(site) = draft.free.iter().find(|&&site| site >= tokens.len()) {
                    return Err(format!(
                        "Position {site} (counted from 0) is past the sentence's {} tokens: click the tokens again.",
                        tokens.len()
                    ));
                }
            }
            Live::Failed(_) => {
                return Err("The sentence or the model needs attention: see the message there.".to_owned());
            }
            Live::Waiting(_) | Live::Nothing => return Err("Waiting for the model to read the sentence.".to_owned()),
        }
    }
    Ok(())
}

fn start_button(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &Draft,
    state: &mut FormState,
    questions: &mut Questions,
    pressed: bool,
    commands: &mut Vec<Command>,
) -> bool {
    let spec = state.spec(context, draft);
    let ready = match &*spec {
        Ok(spec) => obstacle(context, draft, questions).map(|()| spec.clone()),
        Err(why) => Err(why.clone()),
    };
    start::button(ui, "Run trajectories", ready, pressed, commands)
}
