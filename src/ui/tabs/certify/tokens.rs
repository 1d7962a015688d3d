//! The token sets at the two positions, with the model's own likeliest tokens beside them.

use eframe::egui::{self, Align, Button, Layout, RichText, Role, ScrollArea, Ui, WidgetInfo};

use super::draft::{ChoiceKind, Draft, TokenDraft};
use crate::figures::number;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::questions::{LikelyToken, Live, Questions};
use crate::ui::theme;

/// Largest token set a form offers; |A| |B| rectangles grow with the square of each.
const MOST_TOKENS: u32 = 64;
/// Likely tokens listed at least.
const LISTED: usize = 8;

/// Draws the card: one part for each position.
pub fn show(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, questions: &mut Questions) {
    let texts: Vec<String> = questions
        .tokens(context.session, &draft.model, &draft.sentence)
        .ready()
        .map(|tokens| tokens.iter().map(|(_, text)| text.clone()).collect())
        .unwrap_or_default();
    for (place, name) in ["i", "j"].into_iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        let site = draft.positions.get(place).copied().filter(|&site| site < texts.len());
        let heading = match site {
            Some(site) => format!("At {name}, in place of \u{201c}{}\u{201d}", texts[site]),
            None => format!("At {name}"),
        };
        ui.label(theme::strong(heading));
        choice(ui, name, &mut draft.tokens[place]);
        match site {
            Some(site) => {
                let k = listed(draft, place);
                let live = questions.likely(context.session, &draft.model, &draft.sentence, site, k);
                likely(ui, name, &mut draft.tokens[place], live);
            }
            None => {
                ui.label(theme::caption("The likeliest tokens are listed once the position is chosen.").weak());
            }
        }
    }
}

fn choice(ui: &mut Ui, name: &str, tokens: &mut TokenDraft) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (kind, text, what) in [
            (ChoiceKind::Likeliest, "Likeliest", "the k likeliest tokens there, given the rest of the sentence"),
            (ChoiceKind::Typed, "Typed", "tokens you name"),
            (ChoiceKind::Random, "Random", "k uniform tokens of the vocabulary, from the seed"),
        ] {
            let selected = tokens.kind == kind;
            let response = ui.selectable_label(selected, text);
            let accessible = format!("{text} tokens at {name}");
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, selected, &accessible));
            if response.on_hover_text(what).clicked() {
                tokens.kind = kind;
            }
        }
    });
    if tokens.kind == ChoiceKind::Typed {
        let label = ui.label(theme::caption(format!("Tokens at {name}, between spaces")));
        ui.add(
            egui::TextEdit::singleline(&mut tokens.typed)
                .id_salt(("certify typed tokens", name))
                .hint_text("two or more, such as: wise brave")
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    } else {
        ui.horizontal(|ui| {
            let label = ui.label(format!("Number of tokens at {name}"));
            ui.add(egui::DragValue::new(&mut tokens.count).range(2..=MOST_TOKENS).speed(0.1)).labelled_by(label.id);
        });
    }
}

/// How many of the likeliest tokens are asked for at a position.
pub fn listed(draft: &Draft, place: usize) -> usize {
    LISTED.max(draft.tokens[place].count as usize)
}

/// The likeliest tokens with probabilities; in the typed mode a click takes one in or out.
fn likely(ui: &mut Ui, name: &str, tokens: &mut TokenDraft, live: Live<'_, Vec<LikelyToken>>) {
    let palette = theme::palette(ui);
    let (list, current) = match live {
        Live::Nothing | Live::Waiting(None) => {
            ui.spinner();
            return;
        }
        Live::Failed(problem) => {
            ui.label(RichText::new(problem).color(palette.bad));
            return;
        }
        Live::Waiting(Some(list)) => (list, false),
        Live::Ready(list) => (list, true),
    };
    let typed = tokens.typed_tokens();
    let mut toggled = None;
    ui.add_enabled_ui(current, |ui| {
        if tokens.kind == ChoiceKind::Random {
            ui.label(theme::caption("The likeliest, for comparison; the draw follows the seed.").weak());
        }
        // As high as a usual list: one that scrolls inside the form would catch the wheel.
        let height = theme::TARGET * list.len().clamp(4, 10) as f32;
        let area = ScrollArea::vertical().id_salt(("certify likely tokens", name));
        area.max_height(height).min_scrolled_height(height).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (rank, (_, text, probability)) in list.iter().enumerate() {
                let inside = match tokens.kind {
                    ChoiceKind::Likeliest => rank < tokens.count as usize,
                    ChoiceKind::Typed => typed.contains(text),
                    ChoiceKind::Random => false,
                };
                if likely_row(ui, name, tokens.kind, inside, text, *probability) {
                    toggled = Some(text.clone());
                }
            }
        });
    });
    if let Some(text) = toggled {
        let mut typed = typed;
        match typed.iter().position(|token| *token == text) {
            Some(at) => drop(typed.remove(at)),
            None => typed.push(text),
        }
        tokens.typed = typed.join(" ");
    }
}

/// One likely token; tells whether it was clicked to be taken in or out.
fn likely_row(ui: &mut Ui, name: &str, kind: ChoiceKind, inside: bool, text: &str, probability: f64) -> bool {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), theme::TARGET), egui::Sense::hover());
    let mut row = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    // The bar behind the text is the probability itself.
    let bar = egui::Rect::from_min_size(
        rect.min + egui::vec2(0.0, 2.0),
        egui::vec2(rect.width() * probability.clamp(0.0, 1.0) as f32, rect.height() - 4.0),
    );
    row.painter().rect_filled(bar, 3.0, palette.selection);
    let mut clicked = false;
    if kind == ChoiceKind::Typed {
        let response = row.add(Button::selectable(inside, theme::mono(text)));
        let accessible = format!("{text} at {name}, probability {}", number::probability(probability));
        response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, inside, &accessible));
        clicked = response.on_hover_text("Takes this token into the set, or out of it.").clicked();
    } else {
        row.add_space(4.0);
        let ink = if inside { palette.text } else { palette.weak_text };
        row.label(theme::mono(text).color(ink));
    }
    row.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(4.0);
        ui.label(theme::caption(number::probability(probability)).weak());
    });
    clicked
}
