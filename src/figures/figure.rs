//! The figure value, free of any toolkit.

/// A complete figure: everything its SVG, PNG and CSV hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub title: String,
    /// A sentence that can be pasted into a paper.
    pub caption: String,
    pub x: Axis,
    pub y: Axis,
    pub layers: Vec<Layer>,
}

/// Name with unit, and what the ticks say.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// `|R| (nats)`.
    pub label: String,
    pub ticks: Ticks,
}

/// Kind of ticks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ticks {
    /// Nice numbers over the data's range, or over the given range.
    Linear { range: Option<(f64, f64)> },
    /// Powers of ten; data must be positive.
    Log { range: Option<(f64, f64)> },
    /// One tick per name, at 0, 1, 2, …
    Names(Vec<String>),
}

/// Series keep their colour across tabs: the index picks from the theme's categorical palette.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    Points {
        name: String,
        colour: usize,
        points: Vec<[f64; 2]>,
    },
    Line {
        name: String,
        colour: usize,
        points: Vec<[f64; 2]>,
        dashed: bool,
    },
    /// Words beside points, as many as there are points; has no place in the legend.
    Labels {
        points: Vec<[f64; 2]>,
        texts: Vec<String>,
    },
    /// Interval band: x, lower, upper.
    Band {
        name: String,
        colour: usize,
        points: Vec<[f64; 3]>,
    },
    /// Estimate with interval at x: `[x, estimate, lower, upper]`.
    Intervals {
        name: String,
        colour: usize,
        points: Vec<[f64; 4]>,
    },
    /// Row-major cells `[rows, columns]` at integer coordinates (columns = x, rows = y from the top); `diverging` centres
    /// the colour map on 0, otherwise magnitudes.
    Heat {
        name: String,
        unit: String,
        rows: usize,
        columns: usize,
        values: Vec<f64>,
        diverging: bool,
        /// Cells whose value is only a lower bound (a censored time): hatched, and read as "at least". As long as
        /// `values`, or empty where there are none.
        at_least: Vec<bool>,
    },
    /// A line across the figure: `y = slope * x + intercept`.
    Guide {
        name: String,
        slope: f64,
        intercept: f64,
    },
}
