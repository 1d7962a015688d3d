//! Draws egui's output on the CPU: no GPU, no OpenGL, no display, the same pixels on every machine.
//!
//! Follows egui_glow: colours are premultiplied and multiplied in gamma space, textures are sampled in gamma space, and
//! each triangle is blended with "one, one minus source alpha". Every pixel belongs to exactly one of two triangles that
//! share an edge, so translucent quads show no seam.

use std::collections::BTreeMap;

use eframe::egui::epaint::{ClippedPrimitive, ImageData, Mesh, Primitive, Vertex};
use eframe::egui::{
    self, Color32, Pos2, RawInput, Rect, TextureFilter, TextureId, TextureOptions, TextureWrapMode, TexturesDelta,
    Theme, Ui, Vec2, ViewportId,
};

use super::theme;

/// A picture: rows from the top, four bytes per pixel (red, green, blue, alpha; not premultiplied).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

impl Image {
    /// Colour of a pixel, counted from the top left.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = 4 * (y * self.width + x);
        std::array::from_fn(|channel| self.rgba[at + channel])
    }

    /// The picture as a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let (width, height) = (self.width as u32, self.height as u32);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgba)?;
        writer.finish()?;
        Ok(file)
    }
}

/// A texture as egui gave it: premultiplied colours in gamma space.
struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
    options: TextureOptions,
}

/// Keeps the textures between frames and paints meshes.
#[derive(Default)]
pub struct Painter {
    textures: BTreeMap<TextureId, Texture>,
    /// Textures to free at the next update: the frame that frees them may still show them.
    freed: Vec<TextureId>,
}

impl Painter {
    /// A painter without textures.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over new, changed and freed textures. Call once per frame, before [`Self::paint`].
    pub fn update(&mut self, delta: &TexturesDelta) {
        for id in self.freed.drain(..) {
            self.textures.remove(&id);
        }
        let mut changed: Vec<_> = delta.set.iter().collect();
        changed.sort_by_key(|(id, _)| **id);
        for (id, deltas) in changed {
            for delta in deltas {
                let ImageData::Color(image) = &delta.image;
                let [width, height] = image.size;
                match delta.pos {
                    None => {
                        let pixels = image.pixels.clone();
                        self.textures.insert(*id, Texture { width, height, pixels, options: delta.options });
                    }
                    Some([left, top]) => {
                        let Some(texture) = self.textures.get_mut(id) else { continue };
                        if left + width > texture.width || top + height > texture.height {
                            continue;
                        }
                        for (row, patch) in image.pixels.chunks_exact(width.max(1)).enumerate() {
                            let start = (top + row) * texture.width + left;
                            texture.pixels[start..start + width].copy_from_slice(patch);
                        }
                        texture.options = delta.options;
                    }
                }
            }
        }
        self.freed.extend(delta.free.iter().copied());
        self.freed.sort_unstable();
    }

    /// Paints `clipped` over an opaque `background`. `size` is in pixels.
    pub fn paint(
        &self,
        clipped: &[ClippedPrimitive],
        pixels_per_point: f32,
        size: [usize; 2],
        background: Color32,
    ) -> Image {
        let [width, height] = size;
        let mut canvas = Canvas { width, height, pixels: vec![background.to_opaque(); width * height] };
        for primitive in clipped {
            // Callbacks draw with a graphics interface that is not there.
            let Primitive::Mesh(mesh) = &primitive.primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let clip = PixelRect::of(primitive.clip_rect, pixels_per_point, size);
            canvas.mesh(mesh, texture, pixels_per_point, clip);
        }
        Image { width, height, rgba: canvas.pixels.iter().flat_map(|pixel| pixel.to_array()).collect() }
    }
}

/// Runs `run` without a window for `frames` frames of a quarter second (so that animations end) and paints the last.
/// `size` is in pixels.
pub fn shot(
    size: [usize; 2],
    pixels_per_point: f32,
    theme: Theme,
    frames: usize,
    mut run: impl FnMut(&mut Ui),
) -> Image {
    let context = egui::Context::default();
    theme::install(&context);
    context.set_theme(theme);
    context.set_pixels_per_point(pixels_per_point);
    let mut painter = Painter::new();
    let mut shapes = Vec::new();
    for frame in 0..frames.max(1) {
        let screen = Vec2::new(size[0] as f32, size[1] as f32) / pixels_per_point;
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, screen)),
            time: Some(frame as f64 * 0.25),
            predicted_dt: 0.25,
            focused: true,
            ..RawInput::default()
        };
        input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(pixels_per_point);
        let mut output = context.run_ui(input, &mut run);
        painter.update(&output.textures_delta);
        output.textures_delta.clear();
        shapes = output.shapes;
    }
    let clipped = context.tessellate(shapes, pixels_per_point);
    painter.paint(&clipped, pixels_per_point, size, theme::palette_of(theme == Theme::Dark).background)
}

/// A rectangle of whole pixels, half open.
#[derive(Clone, Copy)]
struct PixelRect {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl PixelRect {
    /// The pixels of a clip rectangle, rounded as egui_glow's scissor.
    fn of(clip: Rect, pixels_per_point: f32, [width, height]: [usize; 2]) -> Self {
        let pixel = |points: f32, most: usize| (points * pixels_per_point).round().clamp(0.0, most as f32) as usize;
        Self {
            left: pixel(clip.min.x, width),
            top: pixel(clip.min.y, height),
            right: pixel(clip.max.x, width),
            bottom: pixel(clip.max.y, height),
        }
    }
}

/// What varies over a triangle: red, green, blue, alpha (0 to 255) and the texture coordinates in texels.
type Varying = [f32; 6];

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
}

impl Canvas {
    fn mesh(&mut self, mesh: &Mesh, texture: &Texture, pixels_per_point: f32, clip: PixelRect) {
        if clip.left >= clip.right || clip.top >= clip.bottom || texture.pixels.is_empty() {
            return;
        }
        for corners in mesh.indices.chunks_exact(3) {
            let vertex = |k: usize| mesh.vertices.get(corners[k] as usize);
            if let (Some(a), Some(b), Some(c)) = (vertex(0), vertex(1), vertex(2)) {
                self.triangle([a, b, c], texture, pixels_per_point, clip);
            }
        }
    }

    fn triangle(&mut self, corners: [&Vertex; 3], texture: &Texture, pixels_per_point: f32, clip: PixelRect) {
        let place = |vertex: &Vertex| (vertex.pos.x * pixels_per_point, vertex.pos.y * pixels_per_point);
        let mut points = corners.map(place);
        if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
            return;
        }
        let flat = corners[0].color == corners[1].color
            && corners[1].color == corners[2].color
            && corners[0].uv == corners[1].uv
            && corners[1].uv == corners[2].uv;
        let paint = if flat {
            if corners[0].color == Color32::TRANSPARENT {
                return;
            }
            let texel = texture.sample(texels(corners[0], texture), texture.options.magnification);
            Paint::Flat(multiply(corners[0].color.to_array().map(f32::from), texel))
        } else {
            match Gradient::of(points, corners.map(|vertex| varying(vertex, texture))) {
                Some(gradient) => Paint::Varying(gradient, texture.filter_for(&gradient)),
                None => return,
            }
        };
        // Edges are computed from their upper end, whichever triangle they belong to: neighbours meet without overlap.
        points.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
        let [upper, middle, lower] = points;
        let first = ((upper.1 - 0.5).ceil().max(clip.top as f32)) as usize;
        let last = ((lower.1 - 0.5).ceil().clamp(0.0, clip.bottom as f32)) as usize;
        for row in first..last {
            let y = row as f32 + 0.5;
            let long = crossing(upper, lower, y);
            let short = if y < middle.1 { crossing(upper, middle, y) } else { crossing(middle, lower, y) };
            let start = (long.min(short) - 0.5).ceil().max(clip.left as f32) as usize;
            let end = (long.max(short) - 0.5).ceil().clamp(0.0, clip.right as f32) as usize;
            if start < end {
                let line = row * self.width;
                paint.span(&mut self.pixels[line + start..line + end], start, y, texture);
            }
        }
        debug_assert!(clip.bottom <= self.height);
    }
}

/// Where the edge from `a` down to `b` crosses the height `y`.
fn crossing(a: (f32, f32), b: (f32, f32), y: f32) -> f32 {
    let height = b.1 - a.1;
    if height <= 0.0 { a.0 } else { a.0 + (y - a.1) * (b.0 - a.0) / height }
}

fn texels(vertex: &Vertex, texture: &Texture) -> (f32, f32) {
    (vertex.uv.x * texture.width as f32, vertex.uv.y * texture.height as f32)
}

fn varying(vertex: &Vertex, texture: &Texture) -> Varying {
    let [r, g, b, a] = vertex.color.to_array().map(f32::from);
    let (u, v) = texels(vertex, texture);
    [r, g, b, a, u, v]
}

/// Vertex colour times texel, both 0 to 255, premultiplied, in gamma space.
fn multiply(colour: [f32; 4], texel: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|channel| colour[channel] * texel[channel] / 255.0)
}

/// How what varies changes from pixel to pixel; affine, since egui has no perspective.
#[derive(Clone, Copy)]
struct Gradient {
    origin: (f32, f32),
    start: Varying,
    per_x: Varying,
    per_y: Varying,
}

impl Gradient {
    /// `None` for triangles without area.
    fn of(points: [(f32, f32); 3], values: [Varying; 3]) -> Option<Self> {
        let [a, b, c] = points;
        let (ab, ac) = ((b.0 - a.0, b.1 - a.1), (c.0 - a.0, c.1 - a.1));
        let area = ab.0 * ac.1 - ab.1 * ac.0;
        if area == 0.0 || !area.is_finite() {
            return None;
        }
        let change = |k: usize| (values[1][k] - values[0][k], values[2][k] - values[0][k]);
        Some(Self {
            origin: a,
            start: values[0],
            per_x: std::array::from_fn(|k| (change(k).0 * ac.1 - change(k).1 * ab.1) / area),
            per_y: std::array::from_fn(|k| (change(k).1 * ab.0 - change(k).0 * ac.0) / area),
        })
    }

    fn at(&self, x: f32, y: f32) -> Varying {
        let (dx, dy) = (x - self.origin.0, y - self.origin.1);
        std::array::from_fn(|k| self.start[k] + dx * self.per_x[k] + dy * self.per_y[k])
    }
}

/// How a triangle is filled.
enum Paint {
    Flat([f32; 4]),
    Varying(Gradient, TextureFilter),
}

impl Paint {
    /// Blends one row of pixels that starts at column `start`; `y` is the height of the pixel centres.
    fn span(&self, pixels: &mut [Color32], start: usize, y: f32, texture: &Texture) {
        match self {
            Self::Flat(source) if source[3] >= 255.0 => pixels.fill(blend(*source, Color32::BLACK)),
            Self::Flat(source) => {
                for pixel in pixels {
                    *pixel = blend(*source, *pixel);
                }
            }
            Self::Varying(gradient, filter) => {
                for (offset, pixel) in pixels.iter_mut().enumerate() {
                    let [r, g, b, a, u, v] = gradient.at((start + offset) as f32 + 0.5, y);
                    // Centres of edge pixels can lie a little outside the triangle's colours.
                    let colour = [r, g, b, a].map(|channel| channel.clamp(0.0, 255.0));
                    *pixel = blend(multiply(colour, texture.sample((u, v), *filter)), *pixel);
                }
            }
        }
    }
}

/// Source over destination, premultiplied, in gamma space.
fn blend(source: [f32; 4], below: Color32) -> Color32 {
    let through = 1.0 - source[3] / 255.0;
    let below = below.to_array();
    let [r, g, b, a] = std::array::from_fn(|k| (source[k] + f32::from(below[k]) * through + 0.5).min(255.0) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

impl Texture {
    /// Minified (more than one texel per pixel) or magnified.
    fn filter_for(&self, gradient: &Gradient) -> TextureFilter {
        let step = [gradient.per_x[4], gradient.per_x[5], gradient.per_y[4], gradient.per_y[5]];
        let most = step.into_iter().fold(0.0, |most: f32, texels| most.max(texels.abs()));
        if most > 1.0 { self.options.minification } else { self.options.magnification }
    }

    /// The colour at a place in texels; texel centres lie at halves.
    fn sample(&self, (u, v): (f32, f32), filter: TextureFilter) -> [f32; 4] {
        match filter {
            TextureFilter::Nearest => self.texel(u.floor() as i64, v.floor() as i64),
            TextureFilter::Linear => {
                let (u, v) = (u - 0.5, v - 0.5);
                let (left, top) = (u.floor(), v.floor());
                let (x, y) = (u - left, v - top);
                let (column, row) = (left as i64, top as i64);
                let upper_left = self.texel(column, row);
                if x < 1e-3 && y < 1e-3 {
                    return upper_left;
                }
                let corners = [upper_left, self.texel(column + 1, row)];
                let lower = [self.texel(column, row + 1), self.texel(column + 1, row + 1)];
                std::array::from_fn(|k| {
                    let above = corners[0][k] + (corners[1][k] - corners[0][k]) * x;
                    let below = lower[0][k] + (lower[1][k] - lower[0][k]) * x;
                    above + (below - above) * y
                })
            }
        }
    }

    fn texel(&self, column: i64, row: i64) -> [f32; 4] {
        let wrap = |place: i64, size: usize| {
            let size = size as i64;
            let place = match self.options.wrap_mode {
                TextureWrapMode::ClampToEdge => place.clamp(0, size - 1),
                TextureWrapMode::Repeat => place.rem_euclid(size),
                TextureWrapMode::MirroredRepeat => {
                    let place = place.rem_euclid(2 * size);
                    if place < size { place } else { 2 * size - 1 - place }
                }
            };
            place as usize
        };
        self.pixels[wrap(row, self.height) * self.width + wrap(column, self.width)].to_array().map(f32::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::epaint::{ColorImage, ImageDelta};
    use eframe::egui::{Align2, FontId, Stroke};

    const RED: Color32 = Color32::from_rgb(200, 10, 20);
    const WHITE: Color32 = Color32::from_rgb(255, 255, 255);

    fn painter_with(id: TextureId, image: ColorImage, options: TextureOptions) -> Painter {
        let mut delta = TexturesDelta::default();
        delta.push(id, ImageDelta::full(image, options));
        let mut painter = Painter::new();
        painter.update(&delta);
        delta.clear();
        painter
    }

    fn clipped(mesh: Mesh, clip: Rect) -> Vec<ClippedPrimitive> {
        vec![ClippedPrimitive { clip_rect: clip, primitive: Primitive::Mesh(mesh) }]
    }

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect::from_min_max(Pos2::new(left, top), Pos2::new(right, bottom))
    }

    #[test]
    fn a_translucent_quad_has_no_seam_and_keeps_its_edges() {
        let painter = painter_with(TextureId::default(), ColorImage::filled([1, 1], WHITE), TextureOptions::LINEAR);
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(rect(2.0, 3.0, 10.0, 8.0), Color32::from_rgba_premultiplied(100, 0, 0, 128));
        let image = painter.paint(&clipped(mesh, rect(0.0, 0.0, 16.0, 16.0)), 1.0, [16, 16], WHITE);
        // 100 + 255 * (1 - 128/255) = 227; 255 * (1 - 128/255) = 127.
        for y in 0..16 {
            for x in 0..16 {
                let inside = (2..10).contains(&x) && (3..8).contains(&y);
                let expected = if inside { [227, 127, 127, 255] } else { [255; 4] };
                assert_eq!(image.pixel(x, y), expected, "at {x}, {y}");
            }
        }
    }

    #[test]
    fn clipping_and_scale_count_in_pixels() {
        let painter = painter_with(TextureId::default(), ColorImage::filled([1, 1], WHITE), TextureOptions::LINEAR);
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(rect(0.0, 0.0, 8.0, 8.0), RED);
        let image = painter.paint(&clipped(mesh, rect(1.0, 1.0, 3.0, 4.0)), 2.0, [16, 16], WHITE);
        let red = image.rgba.chunks_exact(4).filter(|pixel| pixel[1] == 10).count();
        assert_eq!(red, 4 * 6);
        assert_eq!(image.pixel(2, 2), [200, 10, 20, 255]);
        assert_eq!(image.pixel(6, 2), [255; 4]);
    }

    #[test]
    fn textures_are_sampled_as_asked_and_patched_in_place() {
        let black_white = ColorImage::new([2, 1], vec![Color32::BLACK, WHITE]);
        let id = TextureId::User(7);
        let middle = |options: TextureOptions| {
            let painter = painter_with(id, black_white.clone(), options);
            let mut mesh = Mesh::with_texture(id);
            mesh.add_rect_with_uv(rect(0.0, 0.0, 8.0, 1.0), rect(0.0, 0.0, 1.0, 1.0), WHITE);
            let image = painter.paint(&clipped(mesh, rect(0.0, 0.0, 8.0, 1.0)), 1.0, [8, 1], RED);
            (0..8).map(|x| image.pixel(x, 0)[0]).collect::<Vec<u8>>()
        };
        assert_eq!(middle(TextureOptions::NEAREST), [0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(middle(TextureOptions::LINEAR), [0, 0, 32, 96, 159, 223, 255, 255]);

        let mut painter = painter_with(id, black_white, TextureOptions::NEAREST);
        let mut delta = TexturesDelta::default();
        delta.push(id, ImageDelta::partial([1, 0], ColorImage::filled([1, 1], RED), TextureOptions::NEAREST));
        delta.free(id);
        painter.update(&delta);
        delta.clear();
        assert_eq!(painter.textures[&id].pixels, [Color32::BLACK, RED], "freed textures live until the next frame");
        painter.update(&TexturesDelta::default());
        assert!(painter.textures.is_empty());
    }

    fn demo(ui: &mut Ui) {
        let painter = ui.painter();
        painter.rect_filled(rect(20.0, 20.0, 60.0, 40.0), 0.0, RED);
        painter.text(Pos2::new(20.0, 60.0), Align2::LEFT_TOP, "Rectangle", FontId::proportional(20.0), Color32::BLACK);
        painter.line_segment([Pos2::new(100.0, 10.0), Pos2::new(140.0, 50.0)], Stroke::new(2.0, Color32::BLACK));
    }

    #[test]
    fn a_shot_has_what_was_drawn_where_it_was_drawn_and_repeats_exactly() {
        let image = shot([160, 100], 1.0, Theme::Light, 2, demo);
        assert_eq!(image.pixel(40, 30), [200, 10, 20, 255]);
        assert_eq!(image.pixel(10, 30), image.pixel(70, 30), "nothing beside the rectangle");
        let ink = |left: usize, top: usize, right: usize, bottom: usize| {
            (top..bottom)
                .flat_map(|y| (left..right).map(move |x| (x, y)))
                .filter(|&(x, y)| image.pixel(x, y)[0] < 100)
                .count()
        };
        let letters = ink(20, 60, 120, 84);
        assert!((150..900).contains(&letters), "{letters} dark pixels of text");
        assert_eq!(ink(0, 88, 160, 100), 0, "no ink below the text");
        assert!(ink(115, 25, 125, 35) > 5, "the line passes here");
        assert_eq!(image, shot([160, 100], 1.0, Theme::Light, 2, demo));
    }

    #[test]
    fn a_png_reads_back() {
        let image = shot([64, 32], 1.0, Theme::Dark, 1, demo);
        let file = image.png().expect("encoding into memory");
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!(pixels, image.rgba);
    }
}
