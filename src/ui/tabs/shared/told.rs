//! What an import did, or why it did nothing, above the centre until it is dismissed.

use eframe::egui::Ui;

use crate::ui::theme;

/// A sentence, or a problem with its remedy.
pub type Told = Option<Result<String, String>>;

/// Draws it, if there is something to tell.
pub fn show(ui: &mut Ui, told: &mut Told) {
    let Some(text) = told else { return };
    let mut gone = false;
    ui.horizontal_wrapped(|ui| {
        let palette = theme::palette(ui);
        match text {
            Ok(text) => ui.label(text.as_str()),
            Err(text) => ui.label(theme::strong(text.as_str()).color(palette.bad)),
        };
        gone = ui.small_button("Dismiss").clicked();
    });
    if gone {
        *told = None;
    }
}
