//! Transition or crossover: what becomes of the change as the length grows (glauber.md section 5.3, F11).

use super::Estimate;
use super::critical::{Critical, falls};
use super::snapshots::{Snapshot, Snapshots};

/// Growth exponents below this count as none: `n^0.25` gains 19 % at a doubling.
const FLAT: f64 = 0.25;
/// Fewest lengths for a trend.
const LENGTHS: usize = 3;

/// Whether a quantity grows with n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// The interval of its growth exponent lies above 0.
    Grows,
    /// The interval lies below 0.25, and not above 0.
    Flat,
    /// Neither, or not measured.
    Unclear,
}

/// What the change with temperature is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The slope steepens with n and the susceptibility grows.
    TransitionLike,
    /// Neither: curves of all lengths overlay.
    Crossover,
    Undecided,
}

/// One length's share in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LengthSize {
    pub n: u32,
    /// Largest `-d log t / d tau` over the common window.
    pub largest_slope: Option<f64>,
    /// Largest `n Var(order parameter)` over temperatures, and where.
    pub susceptibility: Option<f64>,
    pub susceptibility_at: Option<f64>,
}

/// The finite-size panel.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FiniteSize {
    pub by_length: Vec<LengthSize>,
    /// Temperatures at which `t_couple` is known at every length: slopes are compared there alone.
    pub window: Option<[f64; 2]>,
    /// Exponent b of `largest slope ~ n^b`: 0 if curves overlay, 1 if times are exponential in n.
    pub slope_growth: Option<Estimate>,
    pub slope: Trend,
    /// Exponent of the largest susceptibility.
    pub susceptibility_growth: Option<Estimate>,
    pub susceptibility: Trend,
    /// Whether tau_c4(n) settles: its last move is no larger than the one before and than one grid spacing. `None`
    /// where fewer than three lengths have one.
    pub steepest_converges: Option<bool>,
    /// Some cells are censored: a slow side may be hidden, and "crossover" is not said.
    pub censored: bool,
    pub verdict: Verdict,
    /// The verdict in words.
    pub words: String,
}

/// Judges a grid of which `critical` has been read.
pub fn finite_size(grid: &Snapshots, critical: &Critical) -> FiniteSize {
    let window = window(grid);
    let slopes = |s: &Snapshot| largest_slopes(grid, s, &window);
    let peaks = |s: &Snapshot| -> Vec<Option<f64>> {
        s.susceptibility.iter().map(|row| row.iter().flatten().copied().reduce(f64::max)).collect()
    };
    let slope_growth = growth(grid, slopes);
    let susceptibility_growth = growth(grid, peaks);
    let (slope, susceptibility) = (trend(slope_growth), trend(susceptibility_growth));
    let censored = grid.censored.iter().flatten().any(|&c| c);
    let own = slopes(&grid.full);
    let by_length = grid.lengths.iter().enumerate().map(|(k, &n)| {
        let row = &grid.full.susceptibility[k];
        let best = (0..row.len()).filter(|&t| row[t].is_some()).max_by(|&a, &b| {
            // Known values only, by the filter.
            row[a].unwrap_or(0.0).total_cmp(&row[b].unwrap_or(0.0))
        });
        LengthSize {
            n,
            largest_slope: own[k],
            susceptibility: best.and_then(|t| row[t]),
            susceptibility_at: best.map(|t| grid.temperatures[t]),
        }
    });
    let verdict = match (slope, susceptibility) {
        (Trend::Grows, Trend::Grows) => Verdict::TransitionLike,
        (Trend::Flat, Trend::Flat) if !censored => Verdict::Crossover,
        _ => Verdict::Undecided,
    };
    FiniteSize {
        by_length: by_length.collect(),
        window: (window.len() >= 2)
            .then(|| [grid.temperatures[window[0]], grid.temperatures[window[window.len() - 1]]]),
        slope_growth,
        slope,
        susceptibility_growth,
        susceptibility,
        steepest_converges: converges(grid, critical),
        censored,
        verdict,
        words: words(verdict, slope, susceptibility, susceptibility_growth.is_some(), censored),
    }
}

/// Indices of temperatures at which every length's time is known.
fn window(grid: &Snapshots) -> Vec<usize> {
    let everywhere = |&tau: &usize| grid.full.log_time.iter().all(|row| row[tau].is_some());
    (0..grid.temperatures.len()).filter(everywhere).collect()
}

/// Largest fall of each length's curve over the window; `None` where a resample is censored in it.
fn largest_slopes(grid: &Snapshots, snapshot: &Snapshot, window: &[usize]) -> Vec<Option<f64>> {
    let taus: Vec<f64> = window.iter().map(|&tau| grid.temperatures[tau]).collect();
    let of = |row: &Vec<Option<f64>>| {
        let inside: Vec<Option<f64>> = window.iter().map(|&tau| row[tau]).collect();
        if inside.iter().any(Option::is_none) {
            return None;
        }
        falls(&taus, &inside).into_iter().map(|(_, fall)| fall).reduce(f64::max)
    };
    snapshot.log_time.iter().map(of).collect()
}

/// Slope of `log value` on `log n` by least squares, with its bootstrap interval. `None` for fewer than three lengths
/// with positive values.
fn growth(grid: &Snapshots, read: impl Fn(&Snapshot) -> Vec<Option<f64>>) -> Option<Estimate> {
    let exponent = |snapshot: &Snapshot| {
        let values = read(snapshot);
        let known = grid
            .lengths
            .iter()
            .zip(values)
            .filter_map(|(&n, value)| value.filter(|&x| x > 0.0).map(|x| (f64::from(n).ln(), x.ln())));
        let points: Vec<(f64, f64)> = known.collect();
        if points.len() < LENGTHS {
            return None;
        }
        let m = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / m, y + p.1 / m));
        let (xx, xy) =
            points.iter().fold((0.0, 0.0), |(xx, xy), p| (xx + (p.0 - x).powi(2), xy + (p.0 - x) * (p.1 - y)));
        Some(xy / xx)
    };
    let value = exponent(&grid.full)?;
    let resampled: Vec<f64> = grid.resampled.iter().filter_map(exponent).collect();
    Some(Estimate::new(value, &resampled))
}

fn trend(growth: Option<Estimate>) -> Trend {
    match growth {
        Some(Estimate { lower: Some(lower), .. }) if lower > 0.0 => Trend::Grows,
        Some(Estimate { upper: Some(upper), .. }) if upper < FLAT => Trend::Flat,
        _ => Trend::Unclear,
    }
}

fn converges(grid: &Snapshots, critical: &Critical) -> Option<bool> {
    let places: Vec<f64> = critical.by_length.iter().filter_map(|length| length.steepest.value()).collect();
    let [.., a, b, c] = places.as_slice() else { return None };
    let spacing = grid.temperatures.windows(2).find(|w| w[0] <= *c && *c <= w[1]).map_or(0.0, |w| w[1] - w[0]);
    Some((c - b).abs() <= (b - a).abs().max(spacing) && (c - b).abs() <= spacing)
}

fn words(verdict: Verdict, slope: Trend, susceptibility: Trend, measured: bool, censored: bool) -> String {
    let slope = match slope {
        Trend::Grows => "the slope of log t against tau steepens with n",
        Trend::Flat => "the slope of log t against tau does not steepen with n",
        Trend::Unclear => "whether the slope of log t against tau steepens with n is unclear",
    };
    let susceptibility = match susceptibility {
        Trend::Grows => "the susceptibility grows",
        Trend::Flat => "the susceptibility does not grow",
        Trend::Unclear if measured => "whether the susceptibility grows is unclear",
        Trend::Unclear => "no order parameter was measured at three lengths",
    };
    match verdict {
        Verdict::TransitionLike => format!("Transition-like on these lengths: {slope}, and {susceptibility}."),
        Verdict::Crossover => format!("A finite-size crossover, not a transition: {slope}, and {susceptibility}."),
        Verdict::Undecided => {
            let hidden = if censored { "; censored cells may hide a slow side (raise the cap)" } else { "" };
            format!("Transition or crossover is undecided: {slope}, and {susceptibility}{hidden}.")
        }
    }
}
