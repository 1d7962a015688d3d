//! The ceremony: the draw on a projector, step by step, by keyboard alone.

use eframe::egui::{self, Align, Color32, Event, FontId, Key, Layout, RichText, TextEdit, Ui};

use super::draft::Draft;
use super::draw::{DrawState, record};
use super::lottery_view::LotteryView;
use crate::figures::number;
use crate::sortition::draw::line_of;
use crate::store::RunId;
use crate::ui::theme;

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Lottery,
    List,
    Dice,
    Number,
    Panel,
    Members,
}

impl Step {
    fn next(self) -> Self {
        match self {
            Self::Lottery => Self::List,
            Self::List => Self::Dice,
            Self::Dice => Self::Number,
            Self::Number => Self::Panel,
            Self::Panel | Self::Members => Self::Members,
        }
    }

    fn back(self) -> Self {
        match self {
            Self::Lottery | Self::List => Self::Lottery,
            Self::Dice => Self::List,
            Self::Number => Self::Dice,
            Self::Panel => Self::Number,
            Self::Members => Self::Panel,
        }
    }
}

/// What the keys did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Stay,
    Next,
    Back,
    Leave,
}

/// Draws the ceremony over the whole window; false when it was left.
pub fn show(
    ui: &mut Ui,
    run: RunId,
    view: &LotteryView,
    draft: &mut Draft,
    state: &mut DrawState,
    step: &mut Step,
) -> bool {
    match turn(ui, *step) {
        Turn::Leave => return false,
        Turn::Back => *step = step.back(),
        Turn::Next if *step == Step::Dice => {
            if !line_of(&draft.draw.words).is_empty() {
                record(draft, run);
                *step = Step::Number;
            }
        }
        Turn::Next => *step = step.next(),
        Turn::Stay => {}
    }
    let screen = ui.ctx().content_rect();
    let (ground, ink, accent) = theme::projector();
    egui::Area::new(egui::Id::unique("panel ceremony")).order(egui::Order::Foreground).fixed_pos(screen.min).show(
        ui.ctx(),
        |ui| {
            ui.set_min_size(screen.size());
            ui.painter().rect_filled(screen, 0.0, ground);
            // Sizes follow the screen, so that the last row reads too.
            let unit = (screen.height() / 24.0).clamp(18.0, 72.0);
            let inner = screen.shrink2(egui::vec2(unit * 2.0, unit));
            let layout = Layout::top_down(Align::Center);
            ui.scope_builder(egui::UiBuilder::new().max_rect(inner).layout(layout), |ui| {
                let words = Words { unit, ink, accent };
                stage(ui, &words, view, draft, state, *step);
                let hint = match step {
                    Step::Dice => "Enter goes on   ·   Escape leaves",
                    Step::Members => "Backspace goes back   ·   Escape leaves",
                    _ => "Space goes on   ·   Backspace goes back   ·   Escape leaves",
                };
                let at = egui::pos2(screen.center().x, screen.bottom() - unit);
                let font = FontId::proportional(unit * 0.55);
                ui.painter().text(at, egui::Align2::CENTER_CENTER, hint, font, ink.gamma_multiply(0.7));
            });
        },
    );
    true
}

/// What the keyboard asks for; the keys it used are gone.
fn turn(ui: &Ui, step: Step) -> Turn {
    let typing = step == Step::Dice;
    let mut turn = Turn::Stay;
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key, pressed: true, .. } = event else {
                return typing || !matches!(event, Event::Text(_));
            };
            turn = match key {
                Key::Escape => Turn::Leave,
                Key::Enter => Turn::Next,
                Key::Space | Key::ArrowRight | Key::PageDown if !typing => Turn::Next,
                Key::Backspace | Key::ArrowLeft | Key::PageUp if !typing => Turn::Back,
                _ => return true,
            };
            false
        });
    });
    turn
}

struct Words {
    unit: f32,
    ink: Color32,
    accent: Color32,
}

impl Words {
    fn small(&self, ui: &mut Ui, text: impl Into<String>) {
        ui.label(RichText::new(text).font(FontId::proportional(self.unit)).color(self.ink));
    }

    fn big(&self, ui: &mut Ui, text: impl Into<String>) {
        ui.add_space(self.unit * 0.5);
        ui.label(RichText::new(text).font(FontId::proportional(self.unit * 4.0)).color(self.accent));
        ui.add_space(self.unit * 0.5);
    }

    /// A hash in groups of eight, so that it can be compared by eye.
    fn hash(&self, ui: &mut Ui, hash: &str) {
        let groups: Vec<String> =
            hash.as_bytes().chunks(8).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
        for line in groups.chunks(4) {
            ui.label(RichText::new(line.join("  ")).font(FontId::monospace(self.unit * 1.2)).color(self.accent));
        }
    }
}

fn stage(ui: &mut Ui, words: &Words, view: &LotteryView, draft: &mut Draft, state: &mut DrawState, step: Step) {
    ui.add_space(words.unit * 2.0);
    let list = state.list(view, draft);
    match step {
        Step::Lottery => {
            words.small(ui, "A panel will be drawn by lot");
            words.big(ui, number::count(u64::from(view.spec.quotas.size)));
            words.small(ui, format!("members from {} people", number::count(view.spec.pool.len() as u64)));
            let panels = list.map_or(0, |list| list.weights.len());
            words.small(ui, format!("{} panels can come out", number::count(panels as u64)));
            let least = number::fixed(100.0 * view.result.evenness.minimum, 2);
            words.small(ui, format!("Nobody's chance is below {least} %"));
        }
        Step::List => {
            words.small(ui, "The list of panels, published beforehand, has the SHA-256 hash");
            ui.add_space(words.unit);
            if let Some(list) = list {
                words.hash(ui, &list.hash);
            }
        }
        Step::Dice => {
            words.small(ui, "What do the dice show?");
            ui.add_space(words.unit);
            let font = FontId::monospace(words.unit * 2.0);
            let field = TextEdit::singleline(&mut draft.draw.words)
                .id(egui::Id::unique("ceremony dice"))
                .font(font)
                .align(egui::Align2::CENTER_CENTER)
                .desired_width(ui.available_width() * 0.8);
            let response = ui.add(field);
            response.widget_info(|| {
                let mut info = egui::WidgetInfo::labeled(egui::Role::TextInput, true, "What the dice show");
                info.current_text_value = Some(draft.draw.words.clone());
                info
            });
            response.request_focus();
        }
        Step::Number | Step::Panel | Step::Members => match state.outcome() {
            None => {
                ui.spinner();
            }
            Some(outcome) if step == Step::Number => {
                words.small(ui, format!("The dice: {}", outcome.drawn.words));
                words.small(ui, "Their SHA-256 hash is the seed");
                ui.add_space(words.unit);
                words.hash(ui, &outcome.drawn.seed);
                ui.add_space(words.unit);
                words.small(ui, format!("which gives the number {}", number::count(outcome.drawn.number)));
            }
            Some(outcome) if step == Step::Panel => {
                words.small(ui, "The panel drawn is number");
                words.big(ui, number::count(outcome.drawn.panel as u64 + 1));
                words.small(ui, "Its members' hash");
                words.hash(ui, &outcome.drawn.panel_hash);
            }
            Some(outcome) => {
                words.small(ui, format!("Panel {}", number::count(outcome.drawn.panel as u64 + 1)));
                ui.add_space(words.unit * 0.5);
                let ids: Vec<&str> =
                    outcome.table.rows.iter().filter_map(|row| row.first()).map(String::as_str).collect();
                // As many in a line, and as large, as lets all of them fit.
                let columns = (ids.len() as f32).sqrt().ceil().max(1.0) as usize;
                let lines = ids.len().div_ceil(columns).max(1);
                let size =
                    ((ui.available_height() - words.unit * 3.0) / lines as f32 * 0.7).clamp(12.0, words.unit * 1.5);
                for line in ids.chunks(columns) {
                    ui.label(RichText::new(line.join("    ")).font(FontId::monospace(size)).color(words.accent));
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_forth_and_back() {
        let mut step = Step::Lottery;
        for _ in 0..10 {
            step = step.next();
        }
        assert_eq!(step, Step::Members);
        for _ in 0..10 {
            step = step.back();
        }
        assert_eq!(step, Step::Lottery);
    }
}
