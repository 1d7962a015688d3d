//! The left side: what goes in, one card after the other, and the button that starts it.

use eframe::egui::{self, DragValue, Frame, Margin, Panel, ScrollArea, Ui};

use super::draft::{Draft, Mode};
use super::template::Reading;
use super::{chain_form, phase_form, singles_form, template};
use crate::glauber::experiments::perfect::{MOST_SAMPLES, MOST_STEPS};
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::{self, ModelPicker};
use crate::ui::tabs::shared::questions::Questions;
use crate::ui::tabs::shared::start;
use crate::ui::theme;
use crate::ui::widgets::card;

/// What the form keeps between frames besides the draft.
#[derive(Default)]
pub struct FormState {
    picker: ModelPicker,
    beside: ModelPicker,
}

impl FormState {
    /// Forgets half-typed text, after the draft was replaced from outside.
    pub fn reset(&mut self) {
        self.picker.reset();
        self.beside.reset();
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
    let pressed = ui.input_mut(|input| input.consume_shortcut(&start::START));
    mode_switch(ui, draft);
    // The button stays in sight however long the form is.
    let started = Panel::bottom("mixing start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| {
            let text = match draft.mode {
                Mode::Phase => "Run phase diagram",
                Mode::Pairs => "Run coupled pairs",
                Mode::Exact => "Enumerate",
            };
            let spec = state.picker.pending().and_then(|()| obstacle(context, draft, questions));
            start::button(ui, text, spec, pressed, commands)
        })
        .inner;
    ScrollArea::vertical().id_salt("mixing form").auto_shrink([false, false]).show(ui, |ui| {
        card(ui, "1  Model", |ui| {
            state.picker.show(ui, context, "mixing", &mut draft.model);
            model_picker::download(ui, context, &draft.model, commands);
        });
        match draft.mode {
            Mode::Phase => phase_form::show(ui, context, draft, &mut state.beside, commands),
            Mode::Pairs => pairs(ui, context, draft, questions, commands),
            Mode::Exact => exact(ui, context, draft, questions),
        }
        start::command_line(ui, "mixing", &draft.spec(context.sentence_lists), commands);
        ui.add_space(theme::STEP);
    });
    started
}

fn mode_switch(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal_wrapped(|ui| {
        // All three fit beside each other.
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 9.0;
        ui.selectable_value(&mut draft.mode, Mode::Phase, "Phase diagram")
            .on_hover_text("Coupled pairs over a grid of temperatures and lengths: where does mixing become slow?");
        ui.selectable_value(&mut draft.mode, Mode::Pairs, "Coupled pairs")
            .on_hover_text("One temperature and length, closely: survival, drift, bounds, and the chains themselves.");
        ui.selectable_value(&mut draft.mode, Mode::Exact, "Exact")
            .on_hover_text("A few tokens at a few positions: every state is enumerated and nothing is sampled.");
    });
}

/// Why the run cannot start, if so.
fn obstacle(context: &TabContext<'_>, draft: &Draft, questions: &mut Questions) -> Result<RunSpec, String> {
    let spec = draft.spec(context.sentence_lists)?;
    let template = match &spec {
        RunSpec::Mix(spec) => spec.template.as_ref(),
        RunSpec::Exact(spec) => spec.template.as_ref(),
        _ => None,
    };
    if let Some(found) = template {
        match template::read(questions, context, &draft.model, &found.sentence) {
            Reading::Tokens(count) => {
                if let Some(&site) = found.free.iter().find(|&&site| site >= count) {
                    return Err(format!(
                        "Position {site} (counted from 0) is past the template's {count} tokens: choose again."
                    ));
                }
            }
            Reading::Waiting => return Err("Waiting for the model to read the template.".to_owned()),
            Reading::Refused => {
                return Err("The template or the model needs attention: see the message there.".to_owned());
            }
        }
    }
    Ok(spec)
}

/// A number with its name before it.
pub fn number<T: egui::emath::Numeric>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    range: std::ops::RangeInclusive<T>,
    why: &str,
) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(DragValue::new(value).range(range).speed(0.1)).labelled_by(label.id).on_hover_text(why);
    });
}

/// A temperature as text, since infinity is one.
fn temperature(ui: &mut Ui, id: &str, text: &mut String) {
    ui.horizontal(|ui| {
        let label = ui.label("Temperature τ");
        ui.add(egui::TextEdit::singleline(text).id_salt((id, "temperature")).desired_width(90.0))
            .labelled_by(label.id)
            .on_hover_text("1 is the model as it is, 0 its likeliest tokens, infinity uniform tokens.");
    });
}

fn seed(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal(|ui| {
        let label = ui.label("Seed");
        ui.add(DragValue::new(&mut draft.seed).speed(0.2)).labelled_by(label.id);
        ui.label(theme::caption("for every random choice").weak());
    });
}

/// The seed, as the last card of a mode has it.
pub fn seed_card(ui: &mut Ui, draft: &mut Draft) {
    seed(ui, draft);
}

fn pairs(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    questions: &mut Questions,
    commands: &mut Vec<Command>,
) {
    let model = draft.model.clone();
    card(ui, "2  Chain", |ui| {
        template::show(ui, context, "mixing pairs", &model, &mut draft.pairs.template, questions);
        if !draft.pairs.template.on {
            number(
                ui,
                "Length in tokens",
                &mut draft.pairs.length,
                1..=512,
                "Free positions n; one sweep is n single-site steps.",
            );
        }
        temperature(ui, "mixing pairs", &mut draft.pairs.temperature);
        chain_form::vocabulary(ui, &mut draft.chain);
    });
    card(ui, "3  Coupling and start", |ui| {
        chain_form::dynamics(ui, &mut draft.chain);
        chain_form::start(ui, context, &mut draft.chain, commands);
    });
    card(ui, "4  Amount", |ui| {
        let pairs = &mut draft.pairs;
        number(ui, "Pairs", &mut pairs.pairs, 1..=100_000, "Independent pairs of chains.");
        number(
            ui,
            "Cap in sweeps",
            &mut pairs.cap_sweeps,
            1..=1_000_000,
            "Pairs that have not met by then are censored: their time is at least the cap.",
        );
        number(
            ui,
            "Lag in sweeps",
            &mut pairs.lag_sweeps,
            0..=1_000_000,
            "Runs as many pairs of which one follows the other by this lag: they bound the distance to stationarity. 0 leaves them out.",
        );
        ui.checkbox(&mut pairs.record, "Keep every token, to read the chains")
            .on_hover_text("Stores every chosen token, so that each pair can be read step by step.");
        let mut theory = pairs.theory.is_some();
        if ui.checkbox(&mut theory, "Sample influence and margins (theory)").changed() {
            pairs.theory = theory.then(Default::default);
        }
        seed(ui, draft);
    });
    card(ui, "5  Two starts", |ui| singles_form::show(ui, context, &mut draft.pairs.singles, commands));
}

fn exact(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, questions: &mut Questions) {
    let model = draft.model.clone();
    let exact = &mut draft.exact;
    card(ui, "2  Tokens", |ui| {
        let label = ui.label("Allowed tokens, between spaces");
        ui.add(
            egui::TextEdit::singleline(&mut exact.tokens)
                .id_salt("mixing exact tokens")
                .hint_text("such as: war peace law")
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
        ui.label(
            theme::caption(
                "Empty: the whole vocabulary, for toys. Fewer tokens are another chain (renormalised), but no R changes.",
            )
            .weak(),
        );
    });
    card(ui, "3  Chain", |ui| {
        template::show(ui, context, "mixing exact", &model, &mut exact.template, questions);
        if !exact.template.on {
            number(ui, "Length in tokens", &mut exact.length, 1..=16, "Free positions n; there are (tokens)^n states.");
        }
        temperature(ui, "mixing exact", &mut exact.temperature);
        let tokens = exact.tokens.split_whitespace().count();
        if tokens > 1 {
            let n = if exact.template.on { exact.template.free.len() } else { exact.length };
            let states = (tokens as f64).powi(n as i32);
            ui.label(theme::caption(format!("{} states", crate::figures::number::general(states, 6))).weak());
        }
    });
    card(ui, "4  Cross-check", |ui| {
        let perfect = &mut draft.exact.perfect;
        ui.checkbox(&mut perfect.on, "Perfect samples beside the law").on_hover_text(
            "Draws exact samples of the stationary law by coupling from the past over all states, and compares them with \
             the enumerated law. At most 4,096 states and a positive temperature.",
        );
        if perfect.on {
            number(ui, "Samples", &mut perfect.samples, 1..=MOST_SAMPLES, "Independent draws.");
            number(
                ui,
                "Most steps from the past",
                &mut perfect.most_steps,
                1..=MOST_STEPS,
                "A draw that needs more ends the check: leaving it out would bias the others.",
            );
            seed(ui, draft);
        }
    });
}

/// Fills the form with something that runs within a minute.
pub fn sample(draft: &mut Draft) {
    match draft.mode {
        Mode::Phase => draft.phase = Default::default(),
        Mode::Pairs => draft.pairs = Default::default(),
        Mode::Exact => {
            draft.exact = Default::default();
            if draft.model == "agora" {
                draft.exact.tokens = "war peace law people".to_owned();
            }
        }
    }
    if draft.model.trim().is_empty() {
        draft.model = "agora".to_owned();
    }
}
