//! Figure to SVG, in print style: white page, 1.5 pt lines, sizes in points, coordinates to a hundredth of a point.

use std::fmt::Write;

use super::colour::{self, Rgb, print};
use super::figure::{Axis, Figure, Layer, Ticks};
use super::fonts::SANS_FAMILY;
use super::lettering::{ems, escaped, lines, shortened};
use super::number;
use super::scale::{Scale, Spread, Tick, heat_range, heat_share, scales};

/// Width and height in points of a figure nobody chose a size for: a column and a half of a journal page.
pub const DEFAULT_SIZE: (f64, f64) = (440.0, 300.0);

/// Widths and heights outside this range (points) are brought into it.
const SIZES: (f64, f64) = (120.0, 4000.0);

const TITLE: f64 = 11.5;
const LABEL: f64 = 9.5;
const TICK: f64 = 8.5;
const CAPTION: f64 = 8.5;
const LEADING: f64 = 1.35;
const PAD: f64 = 10.0;
const THICK: f64 = 1.5;
const BAR: f64 = 9.0;

/// The figure as a complete SVG document of this size in points. Values that cannot be drawn are left out: lines break
/// there, cells are struck through.
pub fn text(figure: &Figure, width: f64, height: f64) -> String {
    let clamp = |size: f64, default: f64| if size.is_finite() { size.clamp(SIZES.0, SIZES.1) } else { default };
    let (width, height) = (clamp(width, DEFAULT_SIZE.0), clamp(height, DEFAULT_SIZE.1));
    let mut drawing = Drawing { out: String::new() };
    let (w, h) = (n(width), n(height));
    drawing.line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}pt" height="{h}pt" viewBox="0 0 {w} {h}" role="img" font-family="'{SANS_FAMILY}', Helvetica, Arial, sans-serif" font-size="{TICK}" fill="{}">"#,
        hex(print::INK)
    ));
    drawing.line(format_args!("<title>{}</title>", escaped(&figure.title)));
    drawing.line(format_args!("<desc>{}</desc>", escaped(&figure.caption)));
    drawing.line(format_args!(r#"<rect width="{w}" height="{h}" fill="{}"/>"#, hex(print::PAPER)));
    drawing.figure(figure, width, height);
    drawing.line(format_args!("</svg>"));
    drawing.out
}

/// A coordinate: two decimals, zeros dropped.
fn n(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A plot's frame on the page and the scales inside it.
struct Frame {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    /// Page coordinates of a share of the axes; far outside is brought near, for viewers with small number ranges.
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (x, y) = (x.clamp(-50.0, 50.0), y.clamp(-50.0, 50.0));
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }
    fn point(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some(self.at((self.x.place(x)?, self.y.place(y)?)))
    }
}

/// Where text is anchored horizontally.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

struct Drawing {
    out: String,
}

impl Drawing {
    fn line(&mut self, markup: std::fmt::Arguments<'_>) {
        self.out.write_fmt(markup).expect("writing into a string");
        self.out.push('\n');
    }

    /// Text at its baseline; `style` is further attributes.
    fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, style: &str, content: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let space = if style.is_empty() { "" } else { " " };
        self.line(format_args!(
            r#"<text x="{}" y="{}" font-size="{}"{anchor}{space}{style}>{content}</text>"#,
            n(x),
            n(y),
            n(size)
        ));
    }

    /// Text read from bottom to top, centred on or ending at `at`.
    fn turned(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, style: &str, content: &str) {
        let turn = format!(r#"transform="rotate(-90 {} {})" {style}"#, n(x), n(y));
        self.text((x, y), anchor, size, turn.trim_end(), content);
    }

    fn stroke(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), width: f64, ink: Rgb) {
        self.line(format_args!(
            r#"<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{width}"/>"#,
            n(x1),
            n(y1),
            n(x2),
            n(y2),
            hex(ink)
        ));
    }

    /// Title and legend on top, caption at the bottom, the plot in what is left.
    fn figure(&mut self, figure: &Figure, width: f64, height: f64) {
        let mut top = PAD;
        for line in lines(&figure.title, (width - 2.0 * PAD) / TITLE) {
            top += TITLE * LEADING;
            self.text((PAD, top - 4.0), Anchor::Start, TITLE, r#"font-weight="600""#, &escaped(&line));
        }
        let mut bottom = height - PAD;
        let caption = lines(&figure.caption, (width - 2.0 * PAD) / CAPTION);
        // A caption longer than a third of the page would leave no figure.
        let kept = caption.len().min((height / 3.0 / (CAPTION * LEADING)) as usize);
        bottom -= kept as f64 * CAPTION * LEADING;
        let weak = format!(r#"fill="{}""#, hex(print::WEAK_INK));
        for (k, line) in caption.iter().take(kept).enumerate() {
            let y = bottom + (k + 1) as f64 * CAPTION * LEADING - 2.0;
            self.text((PAD, y), Anchor::Start, CAPTION, &weak, &escaped(line));
        }
        if kept > 0 {
            bottom -= 6.0;
        }
        let heat = figure.layers.iter().find(|layer| matches!(layer, Layer::Heat { .. }));
        if heat.is_none() {
            top = self.legend(figure, width, top);
        }
        top += 8.0;
        let (x, y) = scales(figure);
        match heat {
            Some(layer) => self.heat(figure, layer, Frame { left: PAD, top, right: width - PAD, bottom, x, y }),
            None => self.plot(figure, Frame { left: PAD, top, right: width - PAD, bottom, x, y }),
        }
    }

    /// Marks and names of the layers in rows; returns the lower edge.
    fn legend(&mut self, figure: &Figure, width: f64, top: f64) -> f64 {
        let named: Vec<&Layer> = figure.layers.iter().filter(|layer| !layer_name(layer).is_empty()).collect();
        if named.len() < 2 {
            return top;
        }
        let row_height = TICK * 1.6;
        let (mut x, mut y) = (PAD, top + row_height * 0.8);
        for layer in named {
            let name = layer_name(layer);
            let wide = 20.0 + ems(name) * TICK + 12.0;
            if x > PAD && x + wide > width - PAD {
                (x, y) = (PAD, y + row_height);
            }
            let (left, middle, right) = ((x, y - 3.0), (x + 8.0, y - 3.0), (x + 16.0, y - 3.0));
            match layer {
                Layer::Points { colour, .. } => self.marker(middle, *colour, 2.6, 1.0),
                Layer::Intervals { colour, .. } => {
                    let ink = colour::categorical(*colour, false);
                    self.stroke((middle.0, y - 8.0), (middle.0, y + 2.0), 1.0, ink);
                    self.marker(middle, *colour, 2.6, 1.0);
                }
                Layer::Line { colour, dashed, .. } => self.path(&[left, right], *colour, *dashed),
                Layer::Band { colour, .. } => self.line(format_args!(
                    r#"<rect x="{}" y="{}" width="16" height="7" fill="{}" fill-opacity="0.22"/>"#,
                    n(x),
                    n(y - 6.5),
                    hex(colour::categorical(*colour, false))
                )),
                Layer::Guide { .. } => self.guide_path(&[left, right]),
                Layer::Heat { .. } | Layer::Labels { .. } => {}
            }
            self.text((x + 20.0, y), Anchor::Start, TICK, "", &escaped(name));
            x += wide;
        }
        y + row_height * 0.2
    }

    /// Axes, grid and layers inside the rectangle that `page` gives them, labels included.
    fn plot(&mut self, figure: &Figure, page: Frame) {
        let label_height = |axis: &Axis| if axis.label.is_empty() { 0.0 } else { LABEL * LEADING };
        let mut frame = page;
        let page_left = frame.left;
        let page_bottom = frame.bottom;
        frame.bottom = (frame.bottom - TICK * LEADING - 5.0 - label_height(&figure.x)).max(frame.top + 20.0);
        let y_ticks = axis_ticks(&figure.y, frame.y, frame.bottom - frame.top, TICK * 2.8);
        let widest = y_ticks.iter().map(|tick| tick_ems(tick) * TICK).fold(0.0, f64::max);
        let widest = widest.min((frame.right - frame.left) * 0.35);
        frame.left = (frame.left + label_height(&figure.y) + widest + 6.0).min(frame.right - 20.0);
        frame.right -= 4.0;
        let x_ticks = axis_ticks(&figure.x, frame.x, frame.right - frame.left, 0.0);

        for tick in &x_ticks {
            let Some(place) = frame.x.place(tick.value) else { continue };
            let (x, _) = frame.at((place, 0.0));
            self.stroke((x, frame.top), (x, frame.bottom), 0.5, print::GRID);
            self.stroke((x, frame.bottom), (x, frame.bottom + 3.5), 0.75, print::INK);
            let at = (x, frame.bottom + 5.0 + TICK);
            self.text(at, Anchor::Middle, TICK, "", &tick_markup(tick));
        }
        for tick in &y_ticks {
            let Some(place) = frame.y.place(tick.value) else { continue };
            let (_, y) = frame.at((0.0, place));
            self.stroke((frame.left, y), (frame.right, y), 0.5, print::GRID);
            self.stroke((frame.left - 3.5, y), (frame.left, y), 0.75, print::INK);
            let short = Tick { text: shortened(&tick.text, widest / TICK + 0.1), ..tick.clone() };
            self.text((frame.left - 6.0, y + TICK * 0.35), Anchor::End, TICK, "", &tick_markup(&short));
        }
        for place in frame.x.minor_ticks().into_iter().filter_map(|value| frame.x.place(value)) {
            let (x, y) = frame.at((place, 0.0));
            self.stroke((x, y), (x, y + 2.0), 0.5, print::INK);
        }
        for place in frame.y.minor_ticks().into_iter().filter_map(|value| frame.y.place(value)) {
            let (x, y) = frame.at((0.0, place));
            self.stroke((x - 2.0, y), (x, y), 0.5, print::INK);
        }
        self.layers(figure, &frame);
        self.stroke((frame.left, frame.top), (frame.left, frame.bottom), 0.75, print::INK);
        self.stroke((frame.left, frame.bottom), (frame.right, frame.bottom), 0.75, print::INK);
        let middle = ((frame.left + frame.right) / 2.0, (frame.top + frame.bottom) / 2.0);
        self.text((middle.0, page_bottom - 2.0), Anchor::Middle, LABEL, "", &escaped(&figure.x.label));
        self.turned((page_left + LABEL * 0.8, middle.1), Anchor::Middle, LABEL, "", &escaped(&figure.y.label));
    }

    /// All layers, clipped to the frame.
    fn layers(&mut self, figure: &Figure, frame: &Frame) {
        let (x, y) = (n(frame.left), n(frame.top));
        let (w, h) = (n(frame.right - frame.left), n(frame.bottom - frame.top));
        self.line(format_args!(
            r#"<clipPath id="plot"><rect x="{x}" y="{y}" width="{w}" height="{h}"/></clipPath><g clip-path="url(#plot)">"#
        ));
        for layer in &figure.layers {
            match layer {
                Layer::Points { colour, points, .. } => {
                    let (size, opacity) = if points.len() <= 400 { (2.4, 0.9) } else { (1.3, 0.5) };
                    for place in points.iter().filter_map(|p| frame.point(p[0], p[1])) {
                        self.marker(place, *colour, size, opacity);
                    }
                }
                Layer::Line { colour, points, dashed, .. } => {
                    let places: Vec<_> = points.iter().map(|p| frame.point(p[0], p[1])).collect();
                    for run in places.split(Option::is_none) {
                        let run: Vec<(f64, f64)> = run.iter().copied().flatten().collect();
                        self.path(&run, *colour, *dashed);
                    }
                }
                Layer::Band { colour, points, .. } => self.band(frame, *colour, points),
                Layer::Intervals { colour, points, .. } => {
                    let ink = colour::categorical(*colour, false);
                    for p in points {
                        if let (Some(low), Some(high)) = (frame.point(p[0], p[2]), frame.point(p[0], p[3])) {
                            self.stroke(low, high, 1.0, ink);
                            for (x, y) in [low, high] {
                                self.stroke((x - 2.5, y), (x + 2.5, y), 1.0, ink);
                            }
                        }
                        if let Some(place) = frame.point(p[0], p[1]) {
                            self.marker(place, *colour, 2.8, 1.0);
                        }
                    }
                }
                Layer::Guide { slope, intercept, .. } => {
                    for run in guide_runs(frame, *slope, *intercept) {
                        let places: Vec<(f64, f64)> = run.into_iter().map(|place| frame.at(place)).collect();
                        self.guide_path(&places);
                    }
                }
                Layer::Labels { points, texts } => {
                    for (point, text) in points.iter().zip(texts) {
                        if let Some((x, y)) = frame.point(point[0], point[1]) {
                            self.text((x + 5.0, y - 4.0), Anchor::Start, TICK, "", &escaped(text));
                        }
                    }
                }
                Layer::Heat { .. } => {}
            }
        }
        self.line(format_args!("</g>"));
    }

    fn band(&mut self, frame: &Frame, colour: usize, points: &[[f64; 3]]) {
        let edges: Vec<_> = points.iter().map(|p| Some((frame.point(p[0], p[1])?, frame.point(p[0], p[2])?))).collect();
        for run in edges.split(Option::is_none).filter(|run| run.len() > 1) {
            let lower = run.iter().flatten().map(|(low, _)| *low);
            let upper = run.iter().rev().flatten().map(|(_, high)| *high);
            let corners: Vec<String> = lower.chain(upper).map(|(x, y)| format!("{},{}", n(x), n(y))).collect();
            let ink = hex(colour::categorical(colour, false));
            self.line(format_args!(r#"<polygon points="{}" fill="{ink}" fill-opacity="0.22"/>"#, corners.join(" ")));
        }
    }

    fn path(&mut self, places: &[(f64, f64)], colour: usize, dashed: bool) {
        if places.len() == 1 {
            // A lone point between gaps would vanish as a line.
            return self.marker(places[0], 0, THICK / 2.0, 1.0);
        }
        if places.is_empty() {
            return;
        }
        let corners: Vec<String> = places.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
        let dashes = if dashed { r#" stroke-dasharray="5 3""# } else { "" };
        let ink = hex(colour::categorical(colour, false));
        self.line(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{ink}" stroke-width="{THICK}" stroke-linejoin="round"{dashes}/>"#,
            corners.join(" ")
        ));
    }

    fn guide_path(&mut self, places: &[(f64, f64)]) {
        let corners: Vec<String> = places.iter().map(|(x, y)| format!("{},{}", n(*x), n(*y))).collect();
        self.line(format_args!(
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="0.75" stroke-dasharray="4 3"/>"#,
            corners.join(" "),
            hex(print::GUIDE)
        ));
    }

    /// The mark of a series: colour and shape both tell it apart.
    fn marker(&mut self, (x, y): (f64, f64), series: usize, size: f64, opacity: f64) {
        let ink = hex(colour::categorical(series, false));
        let opacity = if opacity < 1.0 { format!(r#" fill-opacity="{opacity}""#) } else { String::new() };
        const H: f64 = 0.866;
        let corners: &[(f64, f64)] = match series % 7 {
            0 => {
                return self.line(format_args!(
                    r#"<circle cx="{}" cy="{}" r="{}" fill="{ink}"{opacity}/>"#,
                    n(x),
                    n(y),
                    n(size)
                ));
            }
            1 => &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
            2 => &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
            3 => &[(0.0, -1.1), (H * 1.1, 0.55), (-H * 1.1, 0.55)],
            4 => &[(0.0, 1.1), (-H * 1.1, -0.55), (H * 1.1, -0.55)],
            5 => &[(-1.1, 0.0), (0.55, -H * 1.1), (0.55, H * 1.1)],
            _ => &[(1.1, 0.0), (-0.55, -H * 1.1), (-0.55, H * 1.1)],
        };
        let corners: Vec<String> =
            corners.iter().map(|(dx, dy)| format!("{},{}", n(x + dx * size), n(y + dy * size))).collect();
        self.line(format_args!(r#"<polygon points="{}" fill="{ink}"{opacity}/>"#, corners.join(" ")));
    }

    /// Cells, names along both sides, and the colour bar with its unit.
    fn heat(&mut self, figure: &Figure, layer: &Layer, page: Frame) {
        let Layer::Heat { unit, rows, columns, values, diverging, at_least, .. } = layer else { return };
        if *rows == 0 || *columns == 0 {
            let middle = ((page.left + page.right) / 2.0, (page.top + page.bottom) / 2.0);
            return self.text(middle, Anchor::Middle, LABEL, "", "No cells to show");
        }
        let range = heat_range(values, *diverging);
        let bar_scale = Scale { low: range.0, high: range.1, spread: Spread::Linear };
        let names = |axis: &Axis, count: usize| -> Vec<String> { (0..count).map(|k| tick_name(axis, k)).collect() };
        let (row_names, column_names) = (names(&figure.y, *rows), names(&figure.x, *columns));
        let widest = |names: &[String]| names.iter().map(|name| ems(name) * TICK).fold(0.0, f64::max);
        let label = |axis: &Axis| if axis.label.is_empty() { 0.0 } else { LABEL * LEADING };

        let bar_names =
            bar_scale.ticks(5).iter().map(|tick| tick_ems(tick) * TICK).fold(ems(unit) * TICK - BAR, f64::max);
        let row_space = widest(&row_names).min((page.right - page.left) * 0.3);
        let left = page.left + label(&figure.y) + row_space + 4.0;
        let right = (page.right - bar_names - BAR - 18.0).max(left + 10.0);
        let cell_width = (right - left) / *columns as f64;
        let upright = widest(&column_names) + 3.0 <= cell_width;
        let name_height =
            if upright { TICK * LEADING } else { widest(&column_names).min((page.bottom - page.top) * 0.35) + 4.0 };
        let top = page.top + if unit.is_empty() { 0.0 } else { TICK };
        let bottom = (page.bottom - name_height - 4.0 - label(&figure.x)).max(top + 10.0);
        let cell_height = (bottom - top) / *rows as f64;

        self.line(format_args!(r#"<g shape-rendering="crispEdges">"#));
        for (k, value) in (0..rows * columns).map(|k| (k, values.get(k).copied().unwrap_or(f64::NAN))) {
            let (x, y) = (left + (k % columns) as f64 * cell_width, top + (k / columns) as f64 * cell_height);
            let share = heat_share(value, range, *diverging);
            let fill = if *diverging { colour::diverging(share) } else { colour::magnitude(share) };
            let (x, y, w, h) = (n(x), n(y), n(cell_width), n(cell_height));
            self.line(format_args!(r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{}"/>"#, hex(fill)));
        }
        self.line(format_args!("</g>"));
        for k in (0..rows * columns).filter(|k| !values.get(*k).is_some_and(|value| value.is_finite())) {
            let (x, y) = (left + (k % columns) as f64 * cell_width, top + (k / columns) as f64 * cell_height);
            self.stroke((x, y + cell_height), (x + cell_width, y), 0.75, print::INK);
        }
        for k in (0..rows * columns).filter(|k| at_least.get(*k) == Some(&true)) {
            let (x, y) = (left + (k % columns) as f64 * cell_width, top + (k / columns) as f64 * cell_height);
            self.hatch((x, y, cell_width, cell_height));
        }
        for (row, name) in row_names.iter().enumerate().step_by((TICK * 1.1 / cell_height).ceil().max(1.0) as usize) {
            let y = top + (row as f64 + 0.5) * cell_height + TICK * 0.35;
            self.text((left - 4.0, y), Anchor::End, TICK, "", &escaped(&shortened(name, row_space / TICK + 0.1)));
        }
        let stride = if upright { 1 } else { (TICK * 1.1 / cell_width).ceil().max(1.0) as usize };
        for (column, name) in column_names.iter().enumerate().step_by(stride) {
            let x = left + (column as f64 + 0.5) * cell_width;
            if upright {
                self.text((x, bottom + 3.0 + TICK), Anchor::Middle, TICK, "", &escaped(name));
            } else {
                let name = escaped(&shortened(name, name_height / TICK));
                self.turned((x + TICK * 0.35, bottom + 4.0), Anchor::End, TICK, "", &name);
            }
        }
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        self.text((middle.0, page.bottom - 2.0), Anchor::Middle, LABEL, "", &escaped(&figure.x.label));
        self.turned((page.left + LABEL * 0.8, middle.1), Anchor::Middle, LABEL, "", &escaped(&figure.y.label));
        self.colour_bar((right + 12.0, top, bottom), bar_scale, *diverging, unit);
    }

    /// Parallel strokes over a cell whose value is only a bound, cut at its edges.
    fn hatch(&mut self, (x, y, width, height): (f64, f64, f64, f64)) {
        const STEP: f64 = 5.0;
        let mut at = STEP - (x + y + height).rem_euclid(STEP);
        while at < width + height {
            // The stroke x + t, bottom - t of slope one, from where it enters the cell to where it leaves.
            let (from, to) = ((at - height).max(0.0), at.min(width));
            let place = |along: f64| (x + along, y + height - (at - along));
            self.stroke(place(from), place(to), 0.6, print::INK);
            at += STEP;
        }
    }

    fn colour_bar(&mut self, (x, top, bottom): (f64, f64, f64), scale: Scale, diverging: bool, unit: &str) {
        self.line(format_args!(r#"<linearGradient id="bar" x1="0" y1="1" x2="0" y2="0">"#));
        for stop in 0..=32 {
            let share = f64::from(stop) / 32.0;
            let ink = if diverging { colour::diverging(2.0 * share - 1.0) } else { colour::magnitude(share) };
            self.line(format_args!(r#"<stop offset="{}" stop-color="{}"/>"#, share, hex(ink)));
        }
        let (left, height) = (n(x), n(bottom - top));
        self.line(format_args!("</linearGradient>"));
        self.line(format_args!(
            r#"<rect x="{left}" y="{}" width="{BAR}" height="{height}" fill="url(#bar)"/>"#,
            n(top)
        ));
        for tick in scale.ticks(((bottom - top) / 28.0).clamp(2.0, 8.0) as usize) {
            let Some(place) = scale.place(tick.value) else { continue };
            let y = bottom - place * (bottom - top);
            self.stroke((x + BAR, y), (x + BAR + 2.5, y), 0.75, print::INK);
            self.text((x + BAR + 4.5, y + TICK * 0.35), Anchor::Start, TICK, "", &tick_markup(&tick));
        }
        self.text((x, top - 4.0), Anchor::Start, TICK, "", &escaped(unit));
    }
}

fn layer_name(layer: &Layer) -> &str {
    match layer {
        Layer::Points { name, .. }
        | Layer::Line { name, .. }
        | Layer::Band { name, .. }
        | Layer::Intervals { name, .. }
        | Layer::Heat { name, .. }
        | Layer::Guide { name, .. } => name,
        Layer::Labels { .. } => "",
    }
}

fn tick_name(axis: &Axis, index: usize) -> String {
    match &axis.ticks {
        Ticks::Names(names) => names.get(index).cloned().unwrap_or_default(),
        _ => number::count(index as u64),
    }
}

/// Ticks that fit along `length` points: names every so many, numbers as the scale likes. `spacing` is the least distance
/// of names; 0 lets their width decide.
fn axis_ticks(axis: &Axis, scale: Scale, length: f64, spacing: f64) -> Vec<Tick> {
    let Ticks::Names(names) = &axis.ticks else {
        return scale.ticks((length / if spacing > 0.0 { 32.0 } else { 58.0 }).clamp(2.0, 12.0) as usize);
    };
    let wide = names.iter().map(|name| ems(name) * TICK + 6.0).fold(1.0, f64::max);
    let needed = if spacing > 0.0 { TICK * 1.2 } else { wide };
    let stride = (needed * names.len() as f64 / length.max(1.0)).ceil().max(1.0) as usize;
    let tick = |(place, name): (usize, &String)| Tick { value: place as f64, text: name.clone(), power: None };
    names.iter().enumerate().step_by(stride).map(tick).collect()
}

fn tick_ems(tick: &Tick) -> f64 {
    tick.power.map_or_else(|| ems(&tick.text), |power| 1.3 + 0.75 * ems(&power.to_string()))
}

/// Ten to a power with a raised exponent; numbers with a true minus sign.
fn tick_markup(tick: &Tick) -> String {
    match tick.power {
        Some(power) => {
            let (size, power) = (n(TICK * 0.75), power.to_string().replace('-', "−"));
            format!(r#"10<tspan dy="-3" font-size="{size}">{power}</tspan>"#)
        }
        None => {
            let text = escaped(&tick.text);
            let digit = text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if digit { text.replacen('-', "−", 1) } else { text }
        }
    }
}

/// A place in shares of both axes.
type Place = (f64, f64);

/// The visible runs of `y = slope * x + intercept`: a straight one on linear axes, a bent one on a log axis.
fn guide_runs(frame: &Frame, slope: f64, intercept: f64) -> Vec<Vec<Place>> {
    let straight = slope == 0.0 || (frame.x.spread != Spread::Log && frame.y.spread != Spread::Log);
    let pieces: usize = if straight { 1 } else { 96 };
    let (low, high) = (frame.x.straight(frame.x.low), frame.x.straight(frame.x.high));
    let at = |k: usize| {
        let share = k as f64 / pieces as f64;
        let x = frame.x.bent(low + (high - low) * share);
        Some((share, frame.y.place(slope * x + intercept)?))
    };
    let mut runs: Vec<Vec<Place>> = Vec::new();
    for (from, to) in (0..pieces).filter_map(|k| clipped(at(k)?, at(k + 1)?)) {
        match runs.last_mut() {
            Some(run) if run.last() == Some(&from) => run.push(to),
            _ => runs.push(vec![from, to]),
        }
    }
    runs
}

/// The part of a segment whose second coordinate is within 0 to 1.
fn clipped(from: Place, to: Place) -> Option<(Place, Place)> {
    let rise = to.1 - from.1;
    let (mut start, mut end) = (0.0f64, 1.0f64);
    if rise == 0.0 {
        if !(0.0..=1.0).contains(&from.1) {
            return None;
        }
    } else {
        let (a, b) = (-from.1 / rise, (1.0 - from.1) / rise);
        (start, end) = (start.max(a.min(b)), end.min(a.max(b)));
    }
    let at = |t: f64| (from.0 + (to.0 - from.0) * t, from.1 + rise * t);
    (start < end).then(|| (at(start), at(end)))
}
