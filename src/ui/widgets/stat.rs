//! A statistic with its name, value and explanation.

use eframe::egui::{
    Align, Layout, Popup, PopupCloseBehavior, Response, RichText, Role, Sense, Stroke, Ui, Vec2, WidgetInfo,
};

use crate::ui::theme;

/// Name in small type, value below it, and a "?" that opens the explanation (named `What is <label>?`).
pub fn stat(ui: &mut Ui, label: &str, value: &str, explanation: &str) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        // Neighbours in a row keep their distance whatever their values.
        ui.set_min_width(112.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.label(theme::caption(label).color(theme::palette(ui).weak_text));
            what_is(ui, label, explanation);
        });
        ui.label(theme::section(value));
    })
    .response
}

/// Several statistics in rows of equal columns, as many as fit: label, value, explanation.
pub fn stats(ui: &mut Ui, all: &[(&str, String, &str)]) {
    const WIDTH: f32 = 196.0;
    let most = (ui.available_width() / WIDTH).floor().max(1.0) as usize;
    let columns = most.min(all.len().max(1));
    for row in all.chunks(columns) {
        ui.columns(columns, |columns| {
            for (ui, (label, value, explanation)) in columns.iter_mut().zip(row) {
                stat(ui, label, value, explanation);
            }
        });
    }
}

/// The "?" button alone: `What is <name>?`, which opens `explanation`.
pub fn what_is(ui: &mut Ui, name: &str, explanation: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(theme::TARGET, theme::TARGET), Sense::click());
    let question = format!("What is {name}?");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &question));
    let palette = theme::palette(ui);
    let colour = if response.hovered() || response.has_focus() { palette.accent } else { palette.weak_text };
    let painter = ui.painter();
    painter.circle_stroke(rect.center(), 7.5, Stroke::new(if response.has_focus() { 2.0 } else { 1.0 }, colour));
    painter.text(
        rect.center(),
        eframe::egui::Align2::CENTER_CENTER,
        "?",
        eframe::egui::FontId::new(11.0, theme::section_style().resolve(ui.style()).family),
        colour,
    );
    Popup::from_toggle_button_response(&response)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .accessible_name(&question)
        .width(theme::READING_WIDTH.min(420.0))
        .show(|ui| {
            ui.label(theme::strong(question.as_str()));
            explain(ui, explanation);
        });
    if response.hovered() && !Popup::is_id_open(ui.ctx(), Popup::default_response_id(&response)) {
        response.clone().on_hover_text(first_sentence(explanation));
    }
    response
}

/// Paragraphs of an explanation; lines indented by four spaces are formulas.
pub fn explain(ui: &mut Ui, text: &str) {
    ui.with_layout(Layout::top_down(Align::LEFT), |ui| {
        for paragraph in text.trim().split("\n\n") {
            if paragraph.starts_with("    ") {
                for line in paragraph.lines() {
                    ui.label(theme::mono(line.trim()));
                }
            } else {
                ui.label(RichText::new(paragraph.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
    });
}

/// Text up to the first full stop that ends a sentence.
pub fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    let end = text.find(". ").into_iter().chain(text.find(".\n")).min();
    end.map_or(text, |at| &text[..=at])
}
