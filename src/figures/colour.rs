//! Colours of data: categories, magnitudes, signed values. Plain sRGB, so that print and screen agree.

/// An sRGB colour.
pub type Rgb = [u8; 3];

/// Colours of figures on paper.
pub mod print {
    use super::Rgb;
    /// Page.
    pub const PAPER: Rgb = [255, 255, 255];
    /// Text and axes.
    pub const INK: Rgb = [26, 30, 36];
    /// Captions.
    pub const WEAK_INK: Rgb = [90, 98, 108];
    /// Grid lines.
    pub const GRID: Rgb = [226, 229, 233];
    /// Guides across the figure.
    pub const GUIDE: Rgb = [120, 128, 138];
}

/// Okabe and Ito's hues (2008), moved as little as needed for 3:1 contrast on white while any two stay 0.12 OKLab units
/// apart in normal, protan and deutan sight.
const CATEGORICAL_LIGHT: [Rgb; 7] =
    [[16, 84, 174], [231, 89, 0], [16, 155, 115], [149, 4, 111], [130, 75, 4], [24, 46, 39], [67, 151, 239]];
/// The same for a dark card.
const CATEGORICAL_DARK: [Rgb; 7] =
    [[133, 171, 253], [249, 150, 0], [4, 209, 159], [187, 105, 129], [255, 239, 76], [232, 230, 255], [3, 108, 199]];

/// Number of categorical colours before they repeat.
pub const CATEGORIES: usize = CATEGORICAL_LIGHT.len();

/// Categorical colour `index` (repeats after [`CATEGORIES`]) for a light or dark ground.
pub fn categorical(index: usize, dark: bool) -> Rgb {
    let colours = if dark { &CATEGORICAL_DARK } else { &CATEGORICAL_LIGHT };
    colours[index % CATEGORIES]
}

/// Eleven equally spaced colours of matplotlib's viridis (public domain, CC0).
const VIRIDIS: [Rgb; 11] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x24, 0x75],
    [0x41, 0x44, 0x87],
    [0x35, 0x5F, 0x8D],
    [0x2A, 0x78, 0x8E],
    [0x21, 0x91, 0x8C],
    [0x22, 0xA8, 0x84],
    [0x44, 0xBF, 0x70],
    [0x7A, 0xD1, 0x51],
    [0xBD, 0xDF, 0x26],
    [0xFD, 0xE7, 0x25],
];

/// Colour of values that are not numbers.
pub const MISSING: Rgb = [150, 154, 160];

/// Viridis at `t` in `0..=1` (clamped); [`MISSING`] for NaN.
pub fn magnitude(t: f64) -> Rgb {
    if t.is_nan() {
        return MISSING;
    }
    let place = t.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let low = (place.floor() as usize).min(VIRIDIS.len() - 2);
    let share = place - low as f64;
    std::array::from_fn(|c| {
        let (a, b) = (f64::from(VIRIDIS[low][c]), f64::from(VIRIDIS[low + 1][c]));
        (a + (b - a) * share).round() as u8
    })
}

/// OKLab ends and centre of the diverging map: blue below, neutral at 0, vermilion above; both ends equally dark and
/// equally colourful, so that -t and t weigh the same to the eye.
const DIVERGING_LIGHTNESS: (f64, f64) = (0.965, 0.45);
const DIVERGING_CHROMA: f64 = 0.135;
const DIVERGING_HUES: (f64, f64) = (250.0, 42.0);

/// Blue to vermilion at `t` in `-1..=1` (clamped), neutral at 0, in even perceptual steps; [`MISSING`] for NaN.
pub fn diverging(t: f64) -> Rgb {
    if t.is_nan() {
        return MISSING;
    }
    let strength = t.clamp(-1.0, 1.0).abs();
    let (centre, end) = DIVERGING_LIGHTNESS;
    let hue = if t < 0.0 { DIVERGING_HUES.0 } else { DIVERGING_HUES.1 }.to_radians();
    let chroma = DIVERGING_CHROMA * strength;
    from_oklab([centre + (end - centre) * strength, chroma * hue.cos(), chroma * hue.sin()])
}

/// Relative luminance of WCAG 2.2.
pub fn luminance(colour: Rgb) -> f64 {
    let [r, g, b] = colour.map(|c| to_linear(f64::from(c) / 255.0));
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Contrast ratio of WCAG 2.2, from 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn to_linear(c: f64) -> f64 {
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

fn to_gamma(c: f64) -> f64 {
    if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 }
}

/// OKLab (Ottosson 2020) to sRGB, clamped to the gamut.
fn from_oklab([l, a, b]: [f64; 3]) -> Rgb {
    let l3 = (l + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m3 = (l - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s3 = (l - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l3 - 3.307_711_591_3 * m3 + 0.230_969_929_2 * s3,
        -1.268_438_004_6 * l3 + 2.609_757_401_1 * m3 - 0.341_319_396_5 * s3,
        -0.004_196_086_3 * l3 - 0.703_418_614_7 * m3 + 1.707_614_701_0 * s3,
    ]
    .map(|c| (to_gamma(c.clamp(0.0, 1.0)) * 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// sRGB to OKLab, the inverse of [`from_oklab`].
    fn oklab(colour: Rgb) -> [f64; 3] {
        let [r, g, b] = colour.map(|c| to_linear(f64::from(c) / 255.0));
        lab_of_linear([r, g, b])
    }

    fn lab_of_linear([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).max(0.0).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).max(0.0).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).max(0.0).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }

    fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
        (0..3).map(|c| (a[c] - b[c]).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn viridis_darkens_monotonically_and_names_missing_values() {
        let lightness: Vec<f64> = (0..=100).map(|t| oklab(magnitude(f64::from(t) / 100.0))[0]).collect();
        assert!(lightness.windows(2).all(|w| w[1] >= w[0] - 1e-3), "{lightness:?}");
        assert_eq!(magnitude(f64::NAN), MISSING);
        assert_eq!(magnitude(f64::INFINITY), VIRIDIS[10]);
        assert_eq!(magnitude(-3.0), VIRIDIS[0]);
    }

    #[test]
    fn the_diverging_map_is_even_and_balanced() {
        let lab: Vec<[f64; 3]> = (-20..=20).map(|t| oklab(diverging(f64::from(t) / 20.0))).collect();
        let steps: Vec<f64> = lab.windows(2).map(|w| distance(w[0], w[1])).collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        assert!(steps.iter().all(|s| (s / mean - 1.0).abs() < 0.3), "{steps:?}");
        for t in 0..20 {
            assert!((lab[t][0] - lab[40 - t][0]).abs() < 0.01, "step {t} is not as dark on both sides");
        }
        let [r, g, b] = diverging(0.0);
        assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1, "0 is neutral");
    }

    /// Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
    const SIGHTS: [(&str, [[f64; 3]; 3]); 3] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        ("protan", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
        ("deutan", [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    ];

    #[test]
    fn categories_stay_apart_for_colour_blind_readers() {
        for dark in [false, true] {
            for (sight, matrix) in SIGHTS {
                let seen: Vec<[f64; 3]> = (0..CATEGORIES)
                    .map(|k| {
                        let linear = categorical(k, dark).map(|c| to_linear(f64::from(c) / 255.0));
                        lab_of_linear(matrix.map(|row| (0..3).map(|c| row[c] * linear[c]).sum()))
                    })
                    .collect();
                for a in 0..CATEGORIES {
                    for b in 0..a {
                        let apart = distance(seen[a], seen[b]);
                        assert!(apart > 0.12, "{a} and {b} are {apart:.3} apart ({sight}, dark: {dark})");
                    }
                }
            }
        }
    }

    #[test]
    fn categories_have_graphic_contrast_on_paper() {
        for k in 0..CATEGORIES {
            let ratio = contrast(categorical(k, false), print::PAPER);
            assert!(ratio >= 3.0, "{k}: {ratio:.2}");
        }
        for ink in [print::INK, print::WEAK_INK] {
            assert!(contrast(ink, print::PAPER) >= 4.5);
        }
    }
}
