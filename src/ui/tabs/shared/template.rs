//! A template: a sentence whose tokens are freed or frozen by a click.

use eframe::egui::{self, Button, RichText, Role, Ui, WidgetInfo};

use super::questions::{Live, Questions};
use crate::ui::context::TabContext;
use crate::ui::theme;

/// A template as a form edits it.
pub struct Template<'a> {
    pub sentence: &'a mut String,
    /// Positions that may move, ascending.
    pub free: &'a mut Vec<usize>,
}

/// Draws the sentence and its tokens; `id` tells this template from those of other forms.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    id: &str,
    model: &str,
    template: Template<'_>,
    questions: &mut Questions,
) {
    let Template { sentence, free } = template;
    let label = ui.label("Template");
    let field = ui
        .add(
            egui::TextEdit::multiline(sentence)
                .id_salt((id, "template"))
                .hint_text("the council of citizens was chosen by lot")
                .desired_rows(2)
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    // One context is one line; a pasted line break is a space.
    if field.changed() && sentence.contains(['\n', '\r']) {
        *sentence = sentence.replace(['\n', '\r'], " ");
    }
    let (tokens, current) = match questions.tokens(context.session, model, sentence) {
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
        Live::Waiting(Some(tokens)) => (tokens, false),
        Live::Ready(tokens) => (tokens, true),
    };
    ui.label(theme::caption("Click a token to free it, click again to freeze it").weak());
    let mut clicked = None;
    // Tokens of the sentence before are shown until the new ones arrive, but not clicked.
    ui.add_enabled_ui(current, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
            for (site, (_, text)) in tokens.iter().enumerate() {
                if chip(ui, site, text, free.contains(&site)) {
                    clicked = Some(site);
                }
            }
        });
    });
    let all = tokens.len();
    let among = free.iter().filter(|&&site| site < all).count();
    ui.label(theme::caption(format!("{among} of {all} tokens are free")));
    ui.horizontal_wrapped(|ui| {
        if ui.small_button("Free all").clicked() {
            *free = (0..all).collect();
        }
        if ui.small_button("Freeze all").clicked() {
            free.clear();
        }
    });
    if let Some(site) = clicked {
        toggle(free, site);
    }
}

/// Frees the token at `site`, or freezes it.
fn toggle(free: &mut Vec<usize>, site: usize) {
    match free.binary_search(&site) {
        Ok(at) => drop(free.remove(at)),
        Err(at) => free.insert(at, site),
    }
}

/// One token of the template; tells whether it was clicked.
fn chip(ui: &mut Ui, site: usize, text: &str, free: bool) -> bool {
    let palette = theme::palette(ui);
    let mut button = Button::new(theme::mono(text)).min_size(egui::vec2(theme::TARGET, theme::TARGET));
    if free {
        button = button.fill(palette.selection).stroke(egui::Stroke::new(2.0, palette.accent));
    }
    let response = ui.add(button);
    let name = format!("Position {site}: {text}, {}", if free { "free" } else { "frozen" });
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, free, &name));
    response.on_hover_text(format!("Position {site}, counted from 0")).clicked()
}

#[cfg(test)]
mod tests {
    #[test]
    fn clicking_frees_and_freezes() {
        let mut free = Vec::new();
        for site in [4, 1, 4, 2] {
            super::toggle(&mut free, site);
        }
        assert_eq!(free, [1, 2]);
    }
}
