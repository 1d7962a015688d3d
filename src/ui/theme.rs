//! Type, space and colour of the window: with `figures::colour` (colours of data) the only file that names a colour.

use std::sync::Arc;

use eframe::egui::epaint::Shadow;
use eframe::egui::style::{Selection, WidgetVisuals, Widgets};
use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText, Stroke, Style,
    TextStyle, Theme, Vec2, Visuals,
};

use crate::figures::{colour, fonts};

/// The program's colours that depend on light or dark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    pub text: Color32,
    pub weak_text: Color32,
    pub background: Color32,
    pub card: Color32,
    pub hairline: Color32,
    pub accent: Color32,
    /// Text on the accent colour (primary buttons).
    pub on_accent: Color32,
    pub good: Color32,
    pub warning: Color32,
    pub bad: Color32,
    /// Fill of buttons and inputs at rest.
    pub control: Color32,
    /// Fill of buttons under the pointer.
    pub control_hovered: Color32,
    /// Edge of buttons and inputs; 3:1 against the card.
    pub control_edge: Color32,
    /// Ground of selected rows and text.
    pub selection: Color32,
}

const LIGHT: Palette = Palette {
    text: Color32::from_rgb(27, 32, 39),
    weak_text: Color32::from_rgb(88, 97, 109),
    background: Color32::from_rgb(245, 246, 248),
    card: Color32::from_rgb(255, 255, 255),
    hairline: Color32::from_rgb(222, 226, 231),
    accent: Color32::from_rgb(24, 88, 158),
    on_accent: Color32::from_rgb(255, 255, 255),
    good: Color32::from_rgb(22, 106, 62),
    warning: Color32::from_rgb(134, 82, 0),
    bad: Color32::from_rgb(172, 34, 34),
    control: Color32::from_rgb(250, 251, 252),
    control_hovered: Color32::from_rgb(236, 240, 245),
    control_edge: Color32::from_rgb(136, 144, 154),
    selection: Color32::from_rgb(214, 229, 246),
};

const DARK: Palette = Palette {
    text: Color32::from_rgb(229, 232, 236),
    weak_text: Color32::from_rgb(163, 171, 182),
    background: Color32::from_rgb(21, 24, 28),
    card: Color32::from_rgb(30, 34, 39),
    hairline: Color32::from_rgb(54, 60, 68),
    accent: Color32::from_rgb(125, 178, 246),
    on_accent: Color32::from_rgb(12, 24, 40),
    good: Color32::from_rgb(105, 200, 143),
    warning: Color32::from_rgb(231, 179, 87),
    bad: Color32::from_rgb(246, 138, 130),
    control: Color32::from_rgb(40, 45, 52),
    control_hovered: Color32::from_rgb(52, 58, 67),
    control_edge: Color32::from_rgb(116, 125, 137),
    selection: Color32::from_rgb(36, 66, 104),
};

/// Width of a comfortable paragraph: about 72 characters of body text.
pub const READING_WIDTH: f32 = 540.0;
/// One step of the spacing grid; cards and gaps use multiples of it.
pub const STEP: f32 = 8.0;
/// Least height of anything that can be clicked.
pub const TARGET: f32 = 28.0;

/// Font family of headings.
fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Text style of section headings (17 px).
pub fn section_style() -> TextStyle {
    TextStyle::Name("section".into())
}

/// Text style of emphasised body text (14 px semibold).
pub fn strong_style() -> TextStyle {
    TextStyle::Name("strong".into())
}

/// A tab's or window's title, 22 px.
pub fn title(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(TextStyle::Heading)
}

/// A section heading, 17 px.
pub fn section(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(section_style())
}

/// Emphasised body text.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(strong_style())
}

/// A caption, 12 px; combine with `.weak()` for secondary text.
pub fn caption(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(TextStyle::Small)
}

/// Tokens, ids, hashes, commands.
pub fn mono(text: impl Into<String>) -> RichText {
    RichText::new(text).text_style(TextStyle::Monospace)
}

/// The palette of the theme `ui` is drawn in.
pub fn palette(ui: &egui::Ui) -> Palette {
    palette_of(ui.visuals().dark_mode)
}

/// The palette of the light or dark theme.
pub fn palette_of(dark: bool) -> Palette {
    if dark { DARK } else { LIGHT }
}

/// Colour-blind-safe categorical colour `index` (Okabe-Ito hues, adjusted for the theme's contrast).
pub fn categorical(index: usize, dark: bool) -> Color32 {
    opaque(colour::categorical(index, dark))
}

/// Colour of a magnitude `t` in `0..=1` (viridis).
pub fn magnitude(t: f64) -> Color32 {
    opaque(colour::magnitude(t))
}

/// Colour of a signed value `t` in `-1..=1`: blue below, neutral at 0, vermilion above.
pub fn diverging(t: f64) -> Color32 {
    opaque(colour::diverging(t))
}

/// Ground, ink and accent of a projector: the highest contrast there is, in either theme.
pub fn projector() -> (Color32, Color32, Color32) {
    (Color32::BLACK, Color32::WHITE, Color32::from_rgb(255, 214, 92))
}

fn opaque([r, g, b]: colour::Rgb) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// Installs fonts, text styles, spacing and both visuals.
pub fn install(context: &egui::Context) {
    context.set_fonts(font_definitions());
    context.set_style_of(Theme::Light, style(Theme::Light));
    context.set_style_of(Theme::Dark, style(Theme::Dark));
}

/// Plex first; egui's own fonts remain as fallback for rare glyphs.
fn font_definitions() -> FontDefinitions {
    let mut definitions = FontDefinitions::default();
    let bundled = [("plex-sans", fonts::SANS), ("plex-semibold", fonts::SANS_SEMIBOLD), ("plex-mono", fonts::MONO)];
    for (name, bytes) in bundled {
        definitions.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = |family: &FontFamily| definitions.families.get(family).cloned().unwrap_or_default();
    let (proportional, monospace) = (fallback(&FontFamily::Proportional), fallback(&FontFamily::Monospace));
    let chain = |first: &[&str], rest: &[String]| -> Vec<String> {
        first.iter().map(|name| (*name).to_owned()).chain(rest.iter().cloned()).collect()
    };
    // Hack covers arrows and mathematics that Plex lacks.
    let sans_rest: Vec<String> = proportional.iter().cloned().chain(["Hack".to_owned()]).collect();
    definitions.families.insert(FontFamily::Proportional, chain(&["plex-sans"], &sans_rest));
    definitions.families.insert(semibold(), chain(&["plex-semibold"], &sans_rest));
    definitions.families.insert(FontFamily::Monospace, chain(&["plex-mono", "plex-sans"], &monospace));
    definitions
}

fn style(theme: Theme) -> Style {
    let mut style = Style { visuals: visuals(theme), ..theme.default_style() };
    style.text_styles = [
        (TextStyle::Small, FontId::new(12.0, FontFamily::Proportional)),
        (TextStyle::Body, FontId::new(14.0, FontFamily::Proportional)),
        (TextStyle::Button, FontId::new(14.0, FontFamily::Proportional)),
        (TextStyle::Monospace, FontId::new(13.0, FontFamily::Monospace)),
        (TextStyle::Heading, FontId::new(22.0, semibold())),
        (section_style(), FontId::new(17.0, semibold())),
        (strong_style(), FontId::new(14.0, semibold())),
    ]
    .into();
    style.drag_value_text_style = TextStyle::Body;
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(STEP, STEP);
    spacing.button_padding = Vec2::new(12.0, 4.0);
    spacing.interact_size = Vec2::new(40.0, TARGET);
    spacing.menu_margin = Margin::same(6);
    spacing.window_margin = Margin::same(16);
    spacing.indent = 20.0;
    spacing.icon_width = 18.0;
    spacing.icon_width_inner = 10.0;
    spacing.icon_spacing = STEP;
    spacing.combo_width = 120.0;
    spacing.tooltip_width = 420.0;
    style.interaction.tooltip_delay = 0.3;
    style.animation_time = 0.1;
    style
}

fn visuals(theme: Theme) -> Visuals {
    let dark = theme == Theme::Dark;
    let palette = palette_of(dark);
    let mut visuals = if dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(6);
    let widget = |fill: Color32, edge: Stroke, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: edge,
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let edge = Stroke::new(1.0, palette.control_edge);
    let focus = Stroke::new(1.5, palette.accent);
    visuals.widgets = Widgets {
        noninteractive: widget(palette.card, Stroke::new(1.0, palette.hairline), palette.text),
        inactive: widget(palette.control, edge, palette.text),
        hovered: widget(palette.control_hovered, focus, palette.text),
        active: widget(palette.selection, focus, palette.text),
        open: widget(palette.control_hovered, edge, palette.text),
    };
    visuals.weak_text_color = Some(palette.weak_text);
    visuals.selection = Selection { bg_fill: palette.selection, stroke: Stroke::new(1.0, palette.text) };
    visuals.hyperlink_color = palette.accent;
    visuals.faint_bg_color = palette.background;
    visuals.extreme_bg_color = palette.card;
    visuals.text_edit_bg_color = Some(palette.control);
    visuals.code_bg_color = palette.background;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.bad;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.hairline);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.panel_fill = palette.background;
    let shade = Color32::from_black_alpha(if dark { 110 } else { 36 });
    visuals.window_shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: shade };
    visuals.popup_shadow = Shadow { offset: [0, 4], blur: 12, spread: 0, color: shade };
    visuals.text_cursor.stroke = Stroke::new(2.0, palette.accent);
    visuals.slider_trailing_fill = true;
    visuals.indent_has_left_vline = false;
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb(colour: Color32) -> colour::Rgb {
        [colour.r(), colour.g(), colour.b()]
    }

    #[test]
    fn text_has_aa_contrast_in_both_themes() {
        for dark in [false, true] {
            let p = palette_of(dark);
            let inks = [
                ("text", p.text),
                ("weak text", p.weak_text),
                ("accent", p.accent),
                ("good", p.good),
                ("warning", p.warning),
                ("bad", p.bad),
            ];
            let grounds = [
                ("background", p.background),
                ("card", p.card),
                ("control", p.control),
                ("hovered", p.control_hovered),
            ];
            for (ink_name, ink) in inks {
                for (ground_name, ground) in grounds {
                    let ratio = colour::contrast(rgb(ink), rgb(ground));
                    assert!(ratio >= 4.5, "{ink_name} on {ground_name}, dark {dark}: {ratio:.2}");
                }
            }
            for (name, ink, ground) in [("on accent", p.on_accent, p.accent), ("selected", p.text, p.selection)] {
                let ratio = colour::contrast(rgb(ink), rgb(ground));
                assert!(ratio >= 4.5, "{name}, dark {dark}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn edges_and_categories_have_graphic_contrast_in_both_themes() {
        for dark in [false, true] {
            let p = palette_of(dark);
            let edge = colour::contrast(rgb(p.control_edge), rgb(p.card));
            assert!(edge >= 3.0, "edge of controls, dark {dark}: {edge:.2}");
            for k in 0..colour::CATEGORIES {
                let ratio = colour::contrast(rgb(categorical(k, dark)), rgb(p.card));
                assert!(ratio >= 3.0, "category {k}, dark {dark}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn bundled_fonts_cover_what_the_program_writes() {
        let context = egui::Context::default();
        install(&context);
        let written = "ABCabc019.,-−×·±≤≥≠≈∞√→←↑↓…–—“”′²³⁰₀₁₂½|ΔΣαβλμρστφχ";
        let output = context.run_ui(egui::RawInput::default(), |ui| {
            for style in [TextStyle::Body, TextStyle::Heading, TextStyle::Monospace] {
                let font = style.resolve(ui.style());
                for character in written.chars() {
                    assert!(ui.fonts_mut(|f| f.has_glyph(&font, character)), "{character} in {style:?}");
                }
            }
        });
        output.drop_without_applying_deltas();
    }
}
