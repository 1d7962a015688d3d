//! The left side: what goes in, one card after the other, and the button that starts it.

use eframe::egui::{self, Frame, Key, KeyboardShortcut, Margin, Modifiers, Panel, ScrollArea, Ui};

use super::draft::{Draft, Mode};
use super::questions::{Live, Questions};
use super::{sentence, survey_form, tokens};
use crate::jobs::spec::{FetchSpec, RunSpec};
use crate::store::RunState;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button, primary_button, progress_bar};

/// Starts the run the form describes.
pub const START: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Enter);

/// What the form keeps between frames besides the draft.
#[derive(Default)]
pub struct FormState {
    /// A model reference being typed; enters the draft when the field is left, so that no half-typed name is looked up.
    typed_model: String,
    advanced: bool,
}

impl FormState {
    /// Forgets half-typed text, after the draft was replaced from outside.
    pub fn reset(&mut self) {
        self.typed_model.clear();
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
    let start_pressed = ui.input_mut(|input| input.consume_shortcut(&START));
    mode_switch(ui, draft);
    // The button stays in sight however long the form is.
    let started = Panel::bottom("certify start panel")
        .frame(Frame::new().inner_margin(Margin { left: 0, right: 0, top: 8, bottom: 12 }))
        .show_separator_line(false)
        .resizable(false)
        .show(ui, |ui| start(ui, context, draft, questions, start_pressed, commands))
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
        advanced(ui, context, draft, state, commands);
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
    let width = ui.available_width();
    let label = ui.label("Masked language model");
    let shown = if draft.model.is_empty() { "Choose a model" } else { draft.model.as_str() }.to_owned();
    egui::ComboBox::from_id_salt("certify model")
        .width(width)
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for choice in context.models {
                let selected = choice.reference == draft.model;
                if ui.selectable_label(selected, &choice.reference).on_hover_text(&choice.description).clicked() {
                    draft.model.clone_from(&choice.reference);
                }
            }
        })
        .response
        .labelled_by(label.id);
    if let Some(choice) = context.models.iter().find(|choice| choice.reference == draft.model) {
        ui.label(theme::caption(&choice.description).weak());
    }
    let label = ui.label(theme::caption("Or a folder, a hub name, or a toy"));
    let field = ui
        .add(
            egui::TextEdit::singleline(&mut state.typed_model)
                .id_salt("certify model reference")
                .hint_text("./model   owner/name   ising:n=6,beta=0.5")
                .desired_width(width),
        )
        .labelled_by(label.id);
    if field.lost_focus() && !state.typed_model.trim().is_empty() {
        draft.model = state.typed_model.trim().to_owned();
        state.typed_model.clear();
    }
    if draft.mode == Mode::OneContext {
        model_state(ui, context, draft, questions);
    }
    download(ui, context, &draft.model, commands);
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

/// Whether a reference can only be a hub name: `owner/name`, no path, no toy.
fn hub_name(reference: &str) -> bool {
    let reference = reference.trim();
    let mut parts = reference.split('/');
    matches!((parts.next(), parts.next(), parts.next()), (Some(owner), Some(name), None)
        if !owner.is_empty() && !name.is_empty() && !owner.starts_with(['.', '~']) && !reference.contains([':', ' ', '\\']))
}

fn download(ui: &mut Ui, context: &TabContext<'_>, model: &str, commands: &mut Vec<Command>) {
    if !hub_name(model) {
        return;
    }
    let fetching = context.runs.iter().find(|run| {
        matches!(&run.spec, RunSpec::Fetch(fetch) if fetch.model == model)
            && matches!(run.state, RunState::Queued | RunState::Running | RunState::Paused)
    });
    if let Some(run) = fetching {
        let progress = context.progress.get(&run.id);
        let share = progress.map_or(0.0, |p| if p.total == 0 { 0.0 } else { p.done as f32 / p.total as f32 });
        progress_bar(ui, share, ui.available_width(), 20.0, "Downloading …");
    } else if ui
        .button("Download now")
        .on_hover_text("Fetches the model into the cache as a run of its own, with progress; later it works offline.")
        .clicked()
    {
        commands.push(Command::StartRun(Box::new(RunSpec::Fetch(FetchSpec { version: 1, model: model.to_owned() }))));
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
            Live::Ready(tokens) => {
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

fn start(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &Draft,
    questions: &mut Questions,
    pressed: bool,
    commands: &mut Vec<Command>,
) -> bool {
    let text = match draft.mode {
        Mode::OneContext => "Certify",
        Mode::Survey => "Run survey",
    };
    match obstacle(context, draft, questions) {
        Ok(spec) => {
            let clicked = primary_button(ui, text)
                .on_hover_text(format!("Starts the run ({}).", ui.ctx().format_shortcut(&START)))
                .clicked();
            if clicked || pressed {
                commands.push(Command::StartRun(Box::new(spec)));
                return true;
            }
        }
        Err(why) => {
            // The reason stands above, so that the button keeps its place when it wakes.
            ui.label(theme::caption(why.as_str()).weak());
            disabled_button(ui, text, &why);
        }
    }
    false
}

fn advanced(ui: &mut Ui, context: &TabContext<'_>, draft: &Draft, state: &mut FormState, commands: &mut Vec<Command>) {
    let header = egui::CollapsingHeader::new("Advanced").id_salt("certify advanced").default_open(state.advanced);
    state.advanced = header
        .show(ui, |ui| match draft.spec(context.sentence_lists) {
            Ok(spec) => {
                let line = spec.command_line();
                ui.label(theme::caption("The same run without a window:").weak());
                ui.label(theme::mono(super::words::shortened(&line, 400)));
                if ui.button("Copy command line").clicked() {
                    commands.push(Command::CopyText(line));
                }
            }
            Err(why) => {
                ui.label(theme::caption(format!("The command line appears once the form is complete. {why}")).weak());
            }
        })
        .fully_open();
}

#[cfg(test)]
mod tests {
    use super::hub_name;

    #[test]
    fn only_owner_and_name_is_a_hub_name() {
        for name in ["google-bert/bert-base-uncased", "owner/name@main"] {
            assert!(hub_name(name), "{name}");
        }
        for name in ["agora", "./folder/model", "/abs/olute", "ising:n=6,beta=0.5", "~/model", "a/b/c", "C:\\x/y"] {
            assert!(!hub_name(name), "{name}");
        }
    }
}
