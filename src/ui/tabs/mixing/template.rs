//! The choice between free positions throughout and a template.

use eframe::egui::Ui;

use super::draft::TemplateDraft;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::tabs::shared::template::{self, Template};

/// What is known of a template's tokens.
pub enum Reading {
    Tokens(usize),
    Waiting,
    Refused,
}

/// How many tokens `sentence` has under `model`.
pub fn read(questions: &mut Questions, context: &TabContext<'_>, model: &str, sentence: &str) -> Reading {
    match questions.tokens(context.session, model, sentence) {
        Live::Ready(tokens) => Reading::Tokens(tokens.len()),
        Live::Waiting(_) | Live::Nothing => Reading::Waiting,
        Live::Failed(_) => Reading::Refused,
    }
}

/// The choice between a length and a template, and the template's tokens.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    id: &str,
    model: &str,
    template: &mut TemplateDraft,
    questions: &mut Questions,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 9.0;
        ui.selectable_value(&mut template.on, false, "All positions free");
        ui.selectable_value(&mut template.on, true, "Template sentence")
            .on_hover_text("A sentence of which only the tokens you free may change.");
    });
    if template.on {
        let parts = Template { sentence: &mut template.sentence, free: &mut template.free };
        template::show(ui, context, id, model, parts, questions);
    }
}
