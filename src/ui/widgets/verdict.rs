//! A verdict: what was found, in a sentence, with an icon whose shape (not only its colour) says of which kind.

use eframe::egui::{
    Color32, Painter, Pos2, Rect, Response, RichText, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo,
};

use crate::ui::theme;

/// Kind of verdict; each has its own shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// Something was shown: filled disc with a tick, accent colour.
    Shown,
    /// Nothing was shown either way: ring with a dash, grey.
    Nothing,
    /// Done as asked: ring with a tick, green.
    Good,
    /// Read with care: triangle, amber.
    Caution,
    /// It failed or disagrees: disc with a cross, red.
    Failed,
}

impl VerdictKind {
    /// The word a screen reader puts before the sentence.
    fn word(self) -> &'static str {
        match self {
            Self::Shown => "Shown",
            Self::Nothing => "Nothing shown",
            Self::Good => "Good",
            Self::Caution => "Caution",
            Self::Failed => "Failed",
        }
    }
    fn colour(self, ui: &Ui) -> Color32 {
        let palette = theme::palette(ui);
        match self {
            Self::Shown => palette.accent,
            Self::Nothing => palette.weak_text,
            Self::Good => palette.good,
            Self::Caution => palette.warning,
            Self::Failed => palette.bad,
        }
    }
}

/// Draws icon and sentence.
pub fn verdict(ui: &mut Ui, kind: VerdictKind, text: &str) -> Response {
    let colour = kind.colour(ui);
    ui.horizontal_top(|ui| {
        let (rect, icon) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::hover());
        icon.widget_info(|| WidgetInfo::labeled(Role::Image, true, kind.word()));
        paint_icon(ui.painter(), rect, kind, colour, theme::palette(ui).on_accent);
        let style = if text.chars().count() <= 90 { theme::section_style() } else { theme::strong_style() };
        ui.label(RichText::new(text).text_style(style))
    })
    .inner
}

fn paint_icon(painter: &Painter, rect: Rect, kind: VerdictKind, colour: Color32, inside: Color32) {
    let centre = rect.center();
    let at = |x: f32, y: f32| Pos2::new(centre.x + x, centre.y + y);
    let thick = |colour| Stroke::new(2.0, colour);
    let tick = |colour| Shape::line(vec![at(-4.0, 0.0), at(-1.2, 3.2), at(4.4, -3.4)], thick(colour));
    match kind {
        VerdictKind::Shown => {
            painter.circle_filled(centre, 9.0, colour);
            painter.add(tick(inside));
        }
        VerdictKind::Good => {
            painter.circle_stroke(centre, 8.0, thick(colour));
            painter.add(tick(colour));
        }
        VerdictKind::Nothing => {
            painter.circle_stroke(centre, 8.0, thick(colour));
            painter.line_segment([at(-4.0, 0.0), at(4.0, 0.0)], thick(colour));
        }
        VerdictKind::Caution => {
            painter.add(Shape::closed_line(vec![at(0.0, -8.0), at(9.0, 7.5), at(-9.0, 7.5)], thick(colour)));
            painter.line_segment([at(0.0, -3.0), at(0.0, 2.0)], thick(colour));
            painter.circle_filled(at(0.0, 4.8), 1.2, colour);
        }
        VerdictKind::Failed => {
            painter.circle_filled(centre, 9.0, colour);
            painter.line_segment([at(-3.4, -3.4), at(3.4, 3.4)], thick(inside));
            painter.line_segment([at(3.4, -3.4), at(-3.4, 3.4)], thick(inside));
        }
    }
}
