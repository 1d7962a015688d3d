//! Buttons and empty states that always say what to do next.

use eframe::egui::{Button, ProgressBar, Response, RichText, Stroke, StrokeKind, Ui};

use crate::ui::theme;

/// The one button of a form that starts its work.
pub fn primary_button(ui: &mut Ui, text: &str) -> Response {
    let palette = theme::palette(ui);
    let response = ui.add(
        Button::new(RichText::new(text).text_style(theme::strong_style()).color(palette.on_accent))
            .fill(palette.accent),
    );
    if response.has_focus() {
        // The button is as dark as its usual mark of focus: a ring around it stands out from any ground.
        let ring = Stroke::new(2.0, palette.text);
        ui.painter().rect_stroke(response.rect.expand(2.0), 4.0, ring, StrokeKind::Outside);
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    response
}

/// A button that cannot be pressed now; hovering (and a screen reader) says why.
pub fn disabled_button(ui: &mut Ui, text: &str, why: &str) -> Response {
    let response = ui.add_enabled(false, Button::new(text)).on_disabled_hover_text(why);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(why));
    response
}

/// How far work has come, `share` in `0..=1`; both parts stand out from any ground of the window.
pub fn progress_bar(ui: &mut Ui, share: f32, width: f32, height: f32, text: &str) -> Response {
    let palette = theme::palette(ui);
    ui.scope(|ui| {
        ui.visuals_mut().extreme_bg_color = palette.hairline;
        let mut bar = ProgressBar::new(share).desired_width(width).desired_height(height).fill(palette.accent);
        if !text.is_empty() {
            bar = bar.text(RichText::new(text).color(palette.text)).fill(palette.selection);
        }
        ui.add(bar)
    })
    .inner
}

/// What a view shows while it has nothing to show: a headline, what to do, and a button for it where there is one.
/// True when the button was pressed.
pub fn empty_state(ui: &mut Ui, headline: &str, what_to_do: &str, action: Option<&str>) -> bool {
    ui.vertical_centered(|ui| {
        ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
        ui.add_space(theme::STEP * 4.0);
        ui.label(theme::section(headline));
        ui.label(RichText::new(what_to_do).color(theme::palette(ui).weak_text));
        ui.add_space(theme::STEP);
        let pressed = action.is_some_and(|text| primary_button(ui, text).clicked());
        ui.add_space(theme::STEP * 4.0);
        pressed
    })
    .inner
}
