//! A template: a sentence whose tokens are freed or frozen by a click.

use eframe::egui::{self, Button, RichText, Role, Ui, WidgetInfo};

use super::draft::TemplateDraft;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::theme;

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
    if !template.on {
        return;
    }
    let label = ui.label("Template");
    let field = ui
        .add(
            egui::TextEdit::multiline(&mut template.sentence)
                .id_salt((id, "template"))
                .hint_text("the council of citizens was chosen by lot")
                .desired_rows(2)
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    if field.changed() && template.sentence.contains(['\n', '\r']) {
        template.sentence = template.sentence.replace(['\n', '\r'], " ");
    }
    let tokens = match questions.tokens(context.session, model, &template.sentence) {
        Live::Nothing => {
            ui.label(theme::caption("Its tokens appear here; click those that may move.").weak());
            return;
        }
        Live::Failed(problem) => {
            ui.label(RichText::new(problem).color(theme::palette(ui).bad));
            return;
        }
        Live::Waiting(None) => {
            ui.spinner();
            return;
        }
        Live::Waiting(Some(tokens)) | Live::Ready(tokens) => tokens,
    };
    ui.label(theme::caption("Click a token to free it, click again to freeze it").weak());
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for (site, (_, text)) in tokens.iter().enumerate() {
            if chip(ui, site, text, template.free.contains(&site)) {
                clicked = Some(site);
            }
        }
    });
    let (free, all) = (template.free.iter().filter(|&&site| site < tokens.len()).count(), tokens.len());
    ui.label(theme::caption(format!("{free} of {all} tokens are free")));
    ui.horizontal_wrapped(|ui| {
        if ui.small_button("Free all").clicked() {
            template.free = (0..all).collect();
        }
        if ui.small_button("Freeze all").clicked() {
            template.free.clear();
        }
    });
    if let Some(site) = clicked {
        template.click(site);
    }
}

fn chip(ui: &mut Ui, site: usize, text: &str, free: bool) -> bool {
    let palette = theme::palette(ui);
    let mut button = Button::new(theme::mono(text)).min_size(egui::vec2(theme::TARGET, theme::TARGET));
    if free {
        let edge = theme::categorical(0, ui.visuals().dark_mode);
        button = button.fill(palette.selection).stroke(egui::Stroke::new(2.0, edge));
    }
    let response = ui.add(button);
    let name = format!("Position {site}: {text}, {}", if free { "free" } else { "frozen" });
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, free, &name));
    response.on_hover_text(format!("Position {site}, counted from 0")).clicked()
}
