//! The sentence and its tokens as chips: click two to choose the positions.

use eframe::egui::{self, Button, RichText, Role, Ui, WidgetInfo};

use super::draft::Draft;
use super::words;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::theme;

/// A sentence to try on models that read English.
pub const SAMPLE: &str = "the council of citizens was chosen by lot every year .";
/// Positions of the sample: "council" and "chosen" in most vocabularies.
const SAMPLE_POSITIONS: [usize; 2] = [1, 5];

/// Puts a sentence in the form that `model` can read: English, or spins for a toy.
pub fn sample(draft: &mut Draft) {
    let sites = toy_sites(&draft.model);
    draft.sentence = sites.map_or(SAMPLE.to_owned(), |sites| vec!["0"; sites].join(" "));
    draft.positions = if sites.is_some() { vec![0, 1] } else { SAMPLE_POSITIONS.to_vec() };
}

/// Number of sites a toy's text asks for; `None` for models that read words.
fn toy_sites(model: &str) -> Option<usize> {
    if model.trim().starts_with("table-pair") {
        return Some(2);
    }
    let (_, settings) = model.split_once(':')?;
    let sites = settings.split(',').find_map(|setting| setting.trim().strip_prefix("n="))?;
    sites.trim().parse().ok().filter(|sites| (2..=64).contains(sites))
}

/// Draws the card.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    draft: &mut Draft,
    questions: &mut Questions,
    commands: &mut Vec<Command>,
) {
    let width = ui.available_width();
    let label = ui.label("Sentence");
    let field = ui
        .add(
            egui::TextEdit::multiline(&mut draft.sentence)
                .id_salt("certify sentence")
                .hint_text("Type a sentence")
                .desired_rows(2)
                .desired_width(width),
        )
        .labelled_by(label.id);
    // One context is one line; a pasted line break is a space.
    if field.changed() && draft.sentence.contains(['\n', '\r']) {
        draft.sentence = draft.sentence.replace(['\n', '\r'], " ");
    }
    ui.horizontal_wrapped(|ui| {
        pick(ui, context, draft);
        if ui.button("Import…").on_hover_text("Reads a text or CSV file of sentences into this project.").clicked() {
            commands.push(Command::ImportSentences);
        }
        if draft.sentence.trim().is_empty() && ui.button("Use a sample").clicked() {
            sample(draft);
        }
    });
    chips(ui, context, draft, questions);
}

fn pick(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft) {
    let menu = ui.menu_button("Pick from a list", |ui| {
        ui.set_min_width(240.0);
        if context.sentence_lists.is_empty() {
            ui.label("This project has no sentence lists yet. Import one.");
        }
        for (name, sentences) in context.sentence_lists {
            ui.menu_button(name, |ui| {
                ui.set_min_width(360.0);
                egui::ScrollArea::vertical().max_height(320.0).show_rows(
                    ui,
                    theme::TARGET,
                    sentences.len(),
                    |ui, rows| {
                        for sentence in &sentences[rows] {
                            if ui.button(words::shortened(sentence, 70)).clicked() {
                                draft.sentence.clone_from(sentence);
                                draft.positions.clear();
                                ui.close();
                            }
                        }
                    },
                );
            });
        }
    });
    menu.response.on_hover_text("Sentences of this project.");
}

fn chips(ui: &mut Ui, context: &TabContext<'_>, draft: &mut Draft, questions: &mut Questions) {
    let palette = theme::palette(ui);
    let live = questions.tokens(context.session, &draft.model, &draft.sentence);
    let (tokens, current) = match live {
        Live::Nothing => {
            ui.label(theme::caption("Its tokens appear here; click two of them to choose the positions.").weak());
            return;
        }
        Live::Failed(problem) => {
            ui.label(RichText::new(problem).color(palette.bad));
            return;
        }
        Live::Waiting(None) => return,
        Live::Waiting(Some(tokens)) => (tokens, false),
        Live::Ready(tokens) => (tokens, true),
    };
    if current && draft.positions.iter().any(|&site| site >= tokens.len()) {
        // A shorter sentence: what was chosen beyond its end must not wait there for the next click.
        draft.positions.retain(|&site| site < tokens.len());
    }
    ui.label(theme::caption("Click two tokens: the positions i and j").weak());
    let mut clicked = None;
    ui.add_enabled_ui(current, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
            for (site, (_, text)) in tokens.iter().enumerate() {
                if chip(ui, site, text, draft.positions.iter().position(|&chosen| chosen == site)) {
                    clicked = Some(site);
                }
            }
        });
    });
    if let Some(site) = clicked {
        draft.click_position(site);
    }
    let named = |place: usize| draft.positions.get(place).and_then(|&site| Some((site, &tokens.get(site)?.1)));
    let summary = match (named(0), named(1)) {
        (Some((i, a)), Some((j, b))) => {
            format!("i = position {i} \u{201c}{a}\u{201d}, j = position {j} \u{201c}{b}\u{201d} (counted from 0)")
        }
        (Some((i, a)), None) => format!("i = position {i} \u{201c}{a}\u{201d}; now click the token for j"),
        _ => format!("{} tokens", tokens.len()),
    };
    ui.label(theme::caption(summary));
}

/// One token; `chosen` is 0 for i, 1 for j. Tells whether it was clicked.
fn chip(ui: &mut Ui, site: usize, text: &str, chosen: Option<usize>) -> bool {
    let palette = theme::palette(ui);
    let dark = ui.visuals().dark_mode;
    let role = chosen.map(|place| if place == 0 { "i" } else { "j" });
    let shown = role.map_or(text.to_owned(), |role| format!("{role}: {text}"));
    let mut button = Button::new(theme::mono(shown)).min_size(egui::vec2(theme::TARGET, theme::TARGET));
    if let Some(place) = chosen {
        button = button.fill(palette.selection).stroke(egui::Stroke::new(2.0, theme::categorical(place, dark)));
    }
    let response = ui.add(button);
    let name = match role {
        Some(role) => format!("Position {site}: {text}, chosen as {role}"),
        None => format!("Position {site}: {text}"),
    };
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, chosen.is_some(), &name));
    let response = if text.starts_with("##") {
        response.on_hover_text(format!("Position {site}, counted from 0. A piece that continues the word before it."))
    } else {
        response.on_hover_text(format!("Position {site}, counted from 0"))
    };
    response.clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_fits_the_model() {
        let check = |model: &str, sentence: &str| {
            let mut draft = Draft { model: model.to_owned(), ..Draft::default() };
            sample(&mut draft);
            assert_eq!((draft.sentence.as_str(), draft.positions.len()), (sentence, 2));
        };
        check("agora", SAMPLE);
        check("table-pair", "0 0");
        check("ising:n=3,beta=0.5", "0 0 0");
        check("ising:n=nonsense", SAMPLE);
    }
}
