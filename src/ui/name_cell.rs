//! The name at the left of a value, as wide as those above and below it.

use eframe::egui::{self, Align, Label, Layout, RichText};

/// Draws `name` at the left of a cell of this width, shortened where it does not fit.
pub fn name_cell(ui: &mut egui::Ui, width: f32, name: RichText) -> egui::Response {
    let size = egui::vec2(width, 18.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(Label::new(name).truncate())
    })
    .inner
}
