//! Figures of coupled pairs, wherever they were run.

use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::influence::InfluenceMatrix;
use crate::glauber::margin::MarginProfile;
use crate::statistics::{CrossingEstimate, LagBound};

use super::words;

/// Half the width of a 95 % interval in standard errors.
const Z: f64 = 1.96;

pub fn axis(label: &str, ticks: Ticks) -> Axis {
    Axis { label: label.to_owned(), ticks }
}

pub fn linear(label: &str) -> Axis {
    axis(label, Ticks::Linear { range: None })
}

pub fn log(label: &str) -> Axis {
    axis(label, Ticks::Log { range: None })
}

/// A mean with its standard error at `x`.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    pub x: f64,
    pub mean: f64,
    pub standard_error: Option<f64>,
}

/// S and its interval just after one time, steps.
#[derive(Clone, Copy, Debug)]
pub struct Survival {
    pub step: u64,
    pub s: f64,
    pub lower: f64,
    pub upper: f64,
}

/// The Kaplan-Meier curve of pairs over `n` positions; `censored` are the times at which pairs were given up.
pub fn survival(
    rows: &[Survival],
    censored: &[u64],
    horizon: u64,
    t: &CrossingEstimate,
    n: u32,
    about: &str,
) -> Figure {
    let (mut line, mut band) = (vec![[0.0, 1.0]], vec![[0.0, 1.0, 1.0]]);
    let mut last = (1.0, 1.0, 1.0);
    for row in rows {
        let x = words::sweeps(row.step, n);
        line.extend([[x, last.0], [x, row.s]]);
        band.extend([[x, last.1, last.2], [x, row.lower, row.upper]]);
        last = (row.s, row.lower, row.upper);
    }
    let end = words::sweeps(horizon, n);
    line.push([end, last.0]);
    band.push([end, last.1, last.2]);
    let at = |step: u64| rows.iter().rev().find(|row| row.step <= step).map_or(1.0, |row| row.s);
    let mut marks: Vec<[f64; 2]> = censored.iter().map(|&step| [words::sweeps(step, n), at(step)]).collect();
    marks.dedup();
    let mut layers = vec![
        Layer::Guide { name: "1/4".to_owned(), slope: 0.0, intercept: t.level },
        Layer::Band { name: "95 % interval".to_owned(), colour: 0, points: band },
        Layer::Line { name: "not met yet".to_owned(), colour: 0, points: line, dashed: false },
    ];
    if !marks.is_empty() {
        layers.push(Layer::Points { name: "censored".to_owned(), colour: 1, points: marks });
    }
    if let Some(time) = t.estimate.time() {
        let point = vec![[words::sweeps(time, n), t.level]];
        layers.push(Layer::Points { name: "t_couple(1/4)".to_owned(), colour: 2, points: point });
    }
    Figure {
        title: "Pairs that have not met".to_owned(),
        caption: format!(
            "Kaplan-Meier survival of coupled pairs, {about}; t_couple(1/4): {}, 95 % interval {} steps.",
            words::crossing(&t.estimate, n),
            words::crossing_interval(t)
        ),
        x: linear("sweeps of n steps"),
        y: axis("share not met, S(t)", Ticks::Linear { range: Some((-0.03, 1.03)) }),
        layers,
    }
}

/// Mean Hamming distance against time.
pub fn hamming(points: &[Mean], n: u32, about: &str) -> Figure {
    let scaled = |point: &Mean| point.x / f64::from(n.max(1));
    let band = points.iter().filter_map(|point| {
        let half = Z * point.standard_error?;
        Some([scaled(point), (point.mean - half).max(0.0), point.mean + half])
    });
    Figure {
        title: "Hamming distance".to_owned(),
        caption: format!(
            "Mean number of positions at which the two chains differ, pairs that have met counting as 0; {about}."
        ),
        x: linear("sweeps of n steps"),
        y: linear("mean Hamming distance"),
        layers: vec![
            Layer::Band { name: "95 % interval".to_owned(), colour: 0, points: band.collect() },
            Layer::Line {
                name: "mean".to_owned(),
                colour: 0,
                points: points.iter().map(|point| [scaled(point), point.mean]).collect(),
                dashed: false,
            },
        ],
    }
}

/// Mean change of the distance in one step, against the distance.
pub fn drift(points: &[Mean], about: &str) -> Figure {
    let intervals = points.iter().filter(|point| point.x > 0.0).map(|point| {
        let half = Z * point.standard_error.unwrap_or(0.0);
        [point.x, point.mean, point.mean - half, point.mean + half]
    });
    Figure {
        title: "Drift of the distance".to_owned(),
        caption: format!(
            "Mean change of the Hamming distance in one step, by the distance before it; below zero pairs approach. \
             Intervals treat steps as independent; {about}."
        ),
        x: linear("Hamming distance before the step"),
        y: linear("E[change of distance]"),
        layers: vec![
            Layer::Guide { name: "no drift".to_owned(), slope: 0.0, intercept: 0.0 },
            Layer::Intervals { name: "measured".to_owned(), colour: 0, points: intervals.collect() },
        ],
    }
}

/// Upper bounds on the distance to the stationary law.
pub fn lag_bounds(bounds: &[LagBound], n: u32, lag: u64) -> Figure {
    let known: Vec<&LagBound> = bounds.iter().filter(|bound| bound.is_bound).collect();
    let line = known.iter().map(|bound| [words::sweeps(bound.step, n), bound.value.min(1.0)]).collect();
    let upper = known.iter().filter_map(|bound| Some([words::sweeps(bound.step, n), bound.upper?.min(1.0)])).collect();
    let open = bounds.iter().filter(|bound| !bound.is_bound);
    let open: Vec<[f64; 2]> = open.map(|bound| [words::sweeps(bound.step, n), bound.value.min(1.0)]).collect();
    let mut layers = vec![
        Layer::Line { name: "estimate of the bound".to_owned(), colour: 0, points: line, dashed: false },
        Layer::Line { name: "its upper 95 % end".to_owned(), colour: 0, points: upper, dashed: true },
    ];
    if !open.is_empty() {
        let name = "at least this: pairs did not meet, no bound".to_owned();
        layers.push(Layer::Line { name, colour: 1, points: open, dashed: true });
    }
    Figure {
        title: "Distance to the stationary law, bounded from above".to_owned(),
        caption: format!(
            "L-lag coupling bound on TV(law at t, stationary law), lag {}, cut at 1.",
            number::counted(lag, "step", "steps")
        ),
        x: linear("sweeps of n steps"),
        y: axis("total variation, upper bound", Ticks::Linear { range: Some((0.0, 1.03)) }),
        layers,
    }
}

/// A matrix of influences: row = influenced position, column = influencing position.
pub fn influence(matrix: &InfluenceMatrix, title: &str, caption: String) -> Figure {
    let names: Vec<String> = (0..matrix.sites).map(|site| (site + 1).to_string()).collect();
    Figure {
        title: title.to_owned(),
        caption,
        x: axis("influencing free position", Ticks::Names(names.clone())),
        y: axis("influenced free position", Ticks::Names(names)),
        layers: vec![Layer::Heat {
            name: "total variation".to_owned(),
            unit: String::new(),
            rows: matrix.sites,
            columns: matrix.sites,
            values: matrix.values.clone(),
            diverging: false,
            at_least: Vec::new(),
        }],
    }
}

/// Margins in shells around an anchor.
pub fn margins(profile: &MarginProfile) -> Figure {
    let x = |distance: usize| distance as f64;
    let shells = &profile.shells;
    let inner = shells.iter().filter(|shell| shell.samples > 0);
    Figure {
        title: "Margin around the anchor".to_owned(),
        caption: format!(
            "Smallest margin seen at each Hamming distance from the anchor: an upper bound on the true minimum, from {} \
             sampled states a shell; band: 5 to 95 % over states.",
            number::count(shells.iter().map(|shell| shell.samples as u64).max().unwrap_or(0))
        ),
        x: linear("Hamming distance from the anchor"),
        y: linear("margin (nats)"),
        layers: vec![
            Layer::Guide { name: "no margin".to_owned(), slope: 0.0, intercept: 0.0 },
            Layer::Band {
                name: "5 to 95 % of states".to_owned(),
                colour: 1,
                points: inner.map(|shell| [x(shell.distance), shell.quantiles[1], shell.quantiles[5]]).collect(),
            },
            Layer::Line {
                name: "smallest seen (upper bound)".to_owned(),
                colour: 0,
                points: shells.iter().map(|shell| [x(shell.distance), shell.min_upper]).collect(),
                dashed: false,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{KaplanMeier, Lifetime, crossing_estimate};

    #[test]
    fn a_survival_curve_steps_down_and_marks_the_censored() {
        let pairs = [3, 7, 11].map(Lifetime::event).into_iter().chain([5, 9].map(Lifetime::censored));
        let pairs = crate::statistics::sorted_lifetimes(&pairs.collect::<Vec<_>>());
        let rows: Vec<Survival> = KaplanMeier::new(&pairs)
            .points
            .iter()
            .map(|p| Survival { step: p.time, s: p.s, lower: p.lower, upper: p.upper })
            .collect();
        let t = crossing_estimate(&pairs, 0.25, 50, 1).unwrap();
        let figure = survival(&rows, &[5, 9], 11, &t, 1, "a test");
        let Layer::Line { points, .. } = &figure.layers[2] else { panic!("the curve") };
        assert_eq!(points[..3], [[0.0, 1.0], [3.0, 1.0], [3.0, 0.8]]);
        let Layer::Points { points, .. } = &figure.layers[3] else { panic!("censored") };
        assert_eq!(points[0], [5.0, 0.8]);
    }
}
