//! The left side: what goes in, one card after the other, and the button that starts it.

use eframe::egui::{self, Frame, Margin, Panel, ScrollArea, Ui};

use super::draft::{Draft, Mode};
use super::{sentence, survey_form, tokens};
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::{self, ModelPicker};
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::tabs::shared::start;
use crate::ui::theme;
use crate::ui::widgets::card;

/// What the form keeps between frames besides the draft.
#[derive(Default)]
pub struct FormState {
    picker: ModelPicker,
}

impl FormState {
    /// Forgets half-typed text, after the draft was replaced from outside.
    pub fn reset(&mut self) {
        self.picker.reset();
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
    let start_pressed = ui.input_mut(|input| input.consume_shortcut(&start::START));
    mode_switch(ui, draft);
    // The button stays in sight however long the form is.
    let started = Panel::bottom("certify start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| start_run(ui, context, draft, state, questions, start_pressed, commands))
        .inner;
    ScrollArea::vertical().id_salt("certify form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Model", |ui| model(ui, context, draft, state, questions, commands));
        match draft.mode {
            Mode::OneContext => {
                card(ui, "2  Sentence", |ui| sentence::show(ui, context, draft, questions, commands));
                card(ui, "3  Tokens", |ui| tokens::show(ui, context, draft, questions));
            }
            Mode::Survey => survey_form::show(ui, context, draft, commands),
        }
        card(
            ui,
            if draft.mode == Mode::Survey { "6  Temperature and seed" } else { "4  Temperature and seed" },
            |ui| {
                temperature(ui, draft);
            },
        );
        start::command_line(ui, "certify", &draft.spec(context.sentence_lists), commands);
        ui.add_space(theme::STEP);
    });
    started
}

fn mode_switch(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal(|ui| {
        ui.selectable_value(&mut draft.mode, Mode::OneContext, "One context")
            .on_hover_text("One sentence, two positions: every rectangle among two token sets.");
        ui.selectable_value(&mut draft.mode, Mode::Survey, "Survey")
            .on_hover_text("Many sentences: how often and how strongly the test fails, beside controls.");
    });
}

fn model(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    state: &mut FormState,
    questions: &mut Questions,
    commands: &mut Vec<Command>,
) {
    state.picker.show(ui, context, "certify", &mut draft.model);
    if draft.mode == Mode::OneContext && state.picker.pending().is_ok() {
        model_state(ui, context, draft, questions);
    }
    model_picker::download(ui, context, &draft.model, commands);
}

/// Whether the model could be opened, in words.
fn model_state(ui: &mut Ui, context: &TabContext<'_>, draft: &Draft, questions: &mut Questions) {
    let palette = theme::palette(ui);
    match questions.tokens(context.session, &draft.model, &draft.sentence) {
        Live::Waiting(_) => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(theme::caption(format!("Asking {} …", draft.model)).weak());
            });
        }
        Live::Ready(_) => {
            ui.label(theme::caption("Ready").color(palette.good));
        }
        Live::Failed(_) | Live::Nothing => {}
    }
}

fn temperature(ui: &mut Ui, draft: &mut Draft) {
    let label = ui.label("Temperature τ");
    ui.add(
        egui::Slider::new(&mut draft.temperature, 0.1..=4.0).logarithmic(true).clamping(egui::SliderClamping::Edits),
    )
    .labelled_by(label.id)
    .on_hover_text("R at temperature τ is R at temperature 1 divided by τ, exactly.");
    ui.label(theme::caption("R(τ) = R(1) / τ: temperature scales R, it never changes the verdict.").weak());
    ui.horizontal(|ui| {
        let label = ui.label("Seed");
        ui.add(egui::DragValue::new(&mut draft.seed).speed(0.2)).labelled_by(label.id);
        ui.label(theme::caption("for every random choice").weak());
    });
}

/// Why the run cannot start, if so.
fn obstacle(context: &TabContext<'_>, draft: &Draft, questions: &mut Questions) -> Result<RunSpec, String> {
    let spec = draft.spec(context.sentence_lists)?;
    if let RunSpec::Certify(certify) = &spec {
        match questions.tokens(context.session, &draft.model, &draft.sentence) {
            Live::Ready(_) => {
                // The likeliest tokens are asked for in any case; if they cannot be had (a sentence longer than the model
                // takes), neither can the run.
                let k = tokens::listed(draft, 0);
                if let Live::Failed(problem) =
                    questions.likely(context.session, &draft.model, &draft.sentence, certify.positions.0, k)
                {
                    return Err(format!("This sentence cannot be certified: {problem}."));
                }
                let Live::Ready(tokens) = questions.tokens(context.session, &draft.model, &draft.sentence) else {
                    return Err("Waiting for the model to read the sentence.".to_owned());
                };
                let last = certify.positions.0.max(certify.positions.1);
                if last >= tokens.len() {
                    return Err(format!(
                        "Position {} (counted from 0) is past the sentence's {} tokens: choose two positions again.",
                        last,
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
    Ok(spec)
}

fn start_run(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &Draft,
    state: &FormState,
    questions: &mut Questions,
    pressed: bool,
    commands: &mut Vec<Command>,
) -> bool {
    let text = match draft.mode {
        Mode::OneContext => "Certify",
        Mode::Survey => "Run survey",
    };
    let spec = state.picker.pending().and_then(|()| obstacle(context, draft, questions));
    start::button(ui, text, spec, pressed, commands)
}
