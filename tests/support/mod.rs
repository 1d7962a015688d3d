//! Shared by the tests that look at the window: egui_kittest with our CPU painter, so that snapshots need no GPU.

use eframe::egui;
use egui_kittest::{Harness, TestRenderer};
use kleroterion::ui::painter::Painter;
use kleroterion::ui::theme;

/// [`Painter`] as a renderer of egui_kittest.
#[derive(Default)]
pub struct CpuRenderer(Painter);

impl TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        self.0.update(delta);
        delta.clear();
    }

    fn render(&mut self, context: &egui::Context, output: &egui::FullOutput) -> Result<image::RgbaImage, String> {
        let scale = output.pixels_per_point;
        let size = context.content_rect().size() * scale;
        let size = [size.x.round() as usize, size.y.round() as usize];
        let clipped = context.tessellate(output.shapes.clone(), scale);
        let background = context.global_style().visuals.panel_fill;
        let image = self.0.paint(&clipped, scale, size, background);
        image::RgbaImage::from_raw(image.width as u32, image.height as u32, image.rgba)
            .ok_or_else(|| "the picture has the wrong size".to_owned())
    }
}

/// A harness of this size in points, in our theme, drawn by our painter.
pub fn harness<'a>(
    size: [f32; 2],
    theme_choice: egui::Theme,
    mut content: impl FnMut(&mut egui::Ui) + 'a,
) -> Harness<'a> {
    let mut installed = false;
    Harness::builder().with_size(size).with_theme(theme_choice).renderer(CpuRenderer::default()).build_ui(move |ui| {
        if !installed {
            theme::install(ui.ctx());
            installed = true;
            // The style of this first frame was chosen before; the next one has ours.
            ui.ctx().request_repaint();
            return;
        }
        content(ui);
    })
}
