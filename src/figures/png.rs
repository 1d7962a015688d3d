//! Figure to PNG: the SVG, rendered with the bundled fonts only, so that pixels are the same on every machine.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use super::figure::Figure;
use super::{fonts, svg};

/// Pixels per point of a picture nobody chose a resolution for: 300 dots per inch.
pub const DEFAULT_SCALE: f32 = 300.0 / 72.0;

/// The most pixels along one side.
const LARGEST_SIDE: f32 = 16_384.0;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    #[error("The picture would be {width:.0} by {height:.0} pixels; choose a smaller size (at most {LARGEST_SIDE:.0})")]
    TooLarge { width: f32, height: f32 },
    #[error("The drawing could not be read: {0}")]
    Drawing(#[from] resvg::usvg::Error),
    #[error("The picture could not be encoded: {0}")]
    Encoding(String),
}

/// The figure as a PNG file: `width` and `height` in points, `scale` in pixels per point.
///
/// # Errors
/// A size that is not positive or too large.
pub fn encode(figure: &Figure, width: f64, height: f64, scale: f32) -> Result<Vec<u8>, PngError> {
    from_svg(&svg::text(figure, width, height), scale)
}

/// An SVG document as a PNG file; `scale` in pixels per point.
///
/// # Errors
/// As [`encode`], or a document that is not SVG.
pub fn from_svg(document: &str, scale: f32) -> Result<Vec<u8>, PngError> {
    // 72 dots per inch: one unit of the tree is one point.
    let options = Options {
        dpi: 72.0,
        font_family: fonts::SANS_FAMILY.to_owned(),
        fontdb: font_database(),
        ..Options::default()
    };
    let tree = Tree::from_str(document, &options)?;
    let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
    let within = |side: f32| (1.0..=LARGEST_SIDE).contains(&side);
    if !within(width) || !within(height) {
        return Err(PngError::TooLarge { width, height });
    }
    let mut picture =
        Pixmap::new(width.round() as u32, height.round() as u32).ok_or(PngError::TooLarge { width, height })?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
}

/// Only the bundled fonts, parsed once.
fn font_database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    let make = || {
        let mut database = Database::new();
        for font in [fonts::SANS, fonts::SANS_SEMIBOLD, fonts::MONO] {
            database.load_font_data(font.to_vec());
        }
        database.set_sans_serif_family(fonts::SANS_FAMILY);
        database.set_serif_family(fonts::SANS_FAMILY);
        database.set_monospace_family(fonts::MONO_FAMILY);
        Arc::new(database)
    };
    DATABASE.get_or_init(make).clone()
}
