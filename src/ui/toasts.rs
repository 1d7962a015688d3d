//! Short notices in the corner that go by themselves; the log keeps them.
//!
//! Ordinary egui areas, so that a screen reader and the tests read them.

use eframe::egui::{self, Align2, Frame, Margin, RichText};

use super::log_panel::Level;
use super::theme;

#[derive(Debug)]
struct Toast {
    id: u64,
    level: Level,
    text: String,
    /// Egui time at which it goes; set when it is first shown.
    until: Option<f64>,
}

/// The notices on show, oldest first.
#[derive(Debug, Default)]
pub struct Toasts {
    list: Vec<Toast>,
    next: u64,
}

const SHOWN: usize = 4;
/// Longest text of a notice, in characters; the log has all of it.
const LONGEST: usize = 200;

/// The first line, shortened.
fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < text.trim_end().len() {
        format!("{}… (all of it in the log, Ctrl+L)", short.trim_end().trim_end_matches('.'))
    } else {
        short
    }
}

impl Toasts {
    pub fn add(&mut self, level: Level, text: impl Into<String>) {
        self.list.push(Toast { id: self.next, level, text: brief(&text.into()), until: None });
        self.next += 1;
        if self.list.len() > SHOWN {
            self.list.remove(0);
        }
    }

    /// Draws the notices above the status bar and drops those whose time is over. A pointer on one keeps it.
    pub fn show(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        let mut bottom = -48.0;
        for toast in self.list.iter_mut().rev() {
            let seconds = if toast.level == Level::Error { 12.0 } else { 5.0 };
            let until = *toast.until.get_or_insert(now + seconds);
            let shown = egui::Area::new(egui::Id::unique(("toast", toast.id)))
                .anchor(Align2::RIGHT_BOTTOM, [-16.0, bottom])
                .order(egui::Order::Foreground)
                .show(ctx, |ui| toast_frame(ui, toast.level, &toast.text));
            let rect = shown.response.rect;
            bottom -= rect.height() + 8.0;
            let hovered = ctx.input(|input| input.pointer.hover_pos()).is_some_and(|at| rect.contains(at));
            if shown.inner {
                toast.until = Some(now);
            } else if hovered {
                toast.until = Some(until.max(now + 2.0));
            }
        }
        self.list.retain(|toast| toast.until.is_none_or(|until| until > now));
        let next = self.list.iter().filter_map(|toast| toast.until).fold(f64::INFINITY, f64::min);
        if next.is_finite() {
            ctx.request_repaint_after_secs((next - now) as f32 + 0.01);
        }
    }
}

/// Draws one notice; true when its close button was clicked.
fn toast_frame(ui: &mut egui::Ui, level: Level, text: &str) -> bool {
    let palette = theme::palette(ui);
    let (word, colour) = match level {
        Level::Info => ("Note", palette.accent),
        Level::Success => ("Done", palette.good),
        Level::Warning => ("Warning", palette.warning),
        Level::Error => ("Failed", palette.bad),
    };
    Frame::popup(ui.style())
        .fill(palette.card)
        .inner_margin(Margin::symmetric(12, 8))
        .show(ui, |ui| {
            ui.set_max_width(380.0);
            ui.horizontal_top(|ui| {
                ui.label(RichText::new(word).strong().color(colour));
                let width = (ui.available_width() - 48.0).max(120.0);
                ui.scope(|ui| {
                    ui.set_max_width(width);
                    ui.add(egui::Label::new(text).wrap());
                });
                ui.add(egui::Button::new("Close").small().frame(false)).clicked()
            })
            .inner
        })
        .inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_says_where_the_rest_is() {
        assert_eq!(brief("Saved a.png"), "Saved a.png");
        assert_eq!(brief("First.\nSecond."), "First… (all of it in the log, Ctrl+L)");
        assert!(brief(&"é".repeat(1000)).chars().count() < LONGEST + 40);
    }
}
