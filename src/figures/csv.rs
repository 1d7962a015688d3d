//! Figure to CSV: one long table that holds every number of the figure at full precision.

use super::figure::{Axis, Figure, Layer, Ticks};

/// Columns of the table. `layer` is the kind of mark; cells that do not apply to it are empty.
pub const HEADER: [&str; 9] = ["layer", "name", "x", "y", "lower", "upper", "row", "column", "value"];

/// The figure as CSV with [`HEADER`]. Named ticks are written by name, numbers as the shortest text that reads back
/// to the same double; values that are not finite as `NaN`, `inf`, `-inf`.
pub fn text(figure: &Figure) -> String {
    let mut text = HEADER.join(",");
    text.push('\n');
    let mut row = |cells: [String; 9]| {
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push('\n');
    };
    let none = String::new;
    for layer in &figure.layers {
        match layer {
            Layer::Points { name, points, .. } | Layer::Line { name, points, .. } => {
                let kind = if matches!(layer, Layer::Points { .. }) { "points" } else { "line" };
                for [x, y] in points {
                    let (x, y) = (place(&figure.x, *x), place(&figure.y, *y));
                    row([kind.into(), name.clone(), x, y, none(), none(), none(), none(), none()]);
                }
            }
            Layer::Labels { points, texts } => {
                for ([x, y], text) in points.iter().zip(texts) {
                    let (x, y) = (place(&figure.x, *x), place(&figure.y, *y));
                    row(["label".into(), text.clone(), x, y, none(), none(), none(), none(), none()]);
                }
            }
            Layer::Band { name, points, .. } => {
                for [x, lower, upper] in points {
                    let x = place(&figure.x, *x);
                    row(["band".into(), name.clone(), x, none(), exact(*lower), exact(*upper), none(), none(), none()]);
                }
            }
            Layer::Intervals { name, points, .. } => {
                for [x, y, lower, upper] in points {
                    let (x, lower, upper) = (place(&figure.x, *x), exact(*lower), exact(*upper));
                    row(["interval".into(), name.clone(), x, exact(*y), lower, upper, none(), none(), none()]);
                }
            }
            Layer::Heat { name, rows, columns, values, at_least, .. } => {
                for (k, value) in values.iter().enumerate().take(rows * columns) {
                    let (r, c) = (place(&figure.y, (k / columns) as f64), place(&figure.x, (k % columns) as f64));
                    let kind = if at_least.get(k) == Some(&true) { "cell-at-least" } else { "cell" };
                    row([kind.into(), name.clone(), none(), none(), none(), none(), r, c, exact(*value)]);
                }
            }
            Layer::Guide { name, slope, intercept } => {
                let equation = format!("y = {} * x + {}", exact(*slope), exact(*intercept));
                row(["guide".into(), name.clone(), none(), none(), none(), none(), none(), none(), equation]);
            }
        }
    }
    text
}

/// A coordinate: the name of a named tick, else the number.
fn place(axis: &Axis, value: f64) -> String {
    match &axis.ticks {
        // Marks that stand beside one another belong to the tick they stand around.
        Ticks::Names(names) if value > -0.5 => {
            names.get(value.round() as usize).cloned().unwrap_or_else(|| exact(value))
        }
        _ => exact(value),
    }
}

/// The shortest text that reads back to the same double.
fn exact(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-4 || value.abs() >= 1e16) { format!("{value:e}") } else { value.to_string() }
}

/// RFC 4180 quoting. A leading `=`, `+`, `-` or `@` of a name is left alone: figures hold no formulas, and a quote mark
/// would change tokens such as `-`.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
