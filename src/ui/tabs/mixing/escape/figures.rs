//! Figures of escapes.

use super::super::figures::{axis, linear, log};
use super::super::words;
use crate::figures::figure::{Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::experiments::escape::{EscapeAt, EscapeFindings, EscapeResult, EscapeSpec, MeanEscape};
use crate::ui::format;

/// A prediction further above everything measured than this factor stands in the table only: it would press the
/// measurement into a line.
const HIGHEST: f64 = 1e4;
/// Points of the fit's band.
const FIT_POINTS: usize = 40;
/// Temperatures that have a curve of their own in a figure; all are in the table and its export.
const CURVES: usize = 6;

/// What runs, for captions.
pub fn about(spec: &EscapeSpec) -> String {
    format!(
        "{}, {} free positions, {}, {} scan, {}",
        spec.model,
        format::escape_lengths(spec),
        format::escape_rule(spec),
        words::scan_name(spec.scan),
        words::vocabulary(&spec.vocabulary)
    )
}

/// E[T] against 1/tau, with the line, what is censored, and what the margins predict; `None` before the first step.
pub fn arrhenius(spec: &EscapeSpec, result: &EscapeResult) -> Option<Figure> {
    let x = |at: &EscapeAt| 1.0 / at.temperature.get();
    let (mut measured, mut at_least, mut fitted) = (Vec::new(), Vec::new(), Vec::new());
    let mut largest = 1.0f64;
    for at in &result.temperatures {
        match at.mean() {
            None => {}
            Some(MeanEscape::Measured { mean, lower, upper }) => {
                measured.push([x(at), mean, lower, upper]);
                largest = largest.max(upper);
            }
            Some(MeanEscape::AtLeast { steps, fitted: mean, fitted_lower, fitted_upper }) => {
                at_least.push([x(at), steps]);
                largest = largest.max(steps);
                if let (Some(mean), Some(lower), Some(upper)) = (mean, fitted_lower, fitted_upper) {
                    fitted.push([x(at), mean, lower, upper]);
                    largest = largest.max(upper);
                }
            }
        }
    }
    if measured.is_empty() && at_least.is_empty() {
        return None;
    }
    let mut layers = Vec::new();
    let mut slope = "too few temperatures at which every chain escaped for a slope".to_owned();
    if let Some(found) = &result.arrhenius {
        let line = &found.measured;
        let ends = measured.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p[0]), b.max(p[0])));
        let along = |k: usize| ends.0 + (ends.1 - ends.0) * k as f64 / FIT_POINTS as f64;
        let band = (0..=FIT_POINTS).map(|k| {
            let (x, half) = (along(k), 1.96 * line.error_at(along(k)));
            [x, (line.at(x) - half).exp(), (line.at(x) + half).exp()]
        });
        layers.push(Layer::Band { name: "95 % band of the line".to_owned(), colour: 0, points: band.collect() });
        layers.push(Layer::Line {
            name: "fitted line".to_owned(),
            colour: 0,
            points: [ends.0, ends.1].map(|x| [x, line.at(x).exp()]).to_vec(),
            dashed: false,
        });
        slope = format!(
            "slope {} nats (95 %) over {}",
            words::slope(line),
            number::counted(found.temperatures, "temperature", "temperatures")
        );
    }
    if !measured.is_empty() {
        layers.push(Layer::Intervals { name: "all escaped, 95 %".to_owned(), colour: 0, points: measured });
    }
    if !fitted.is_empty() {
        let name = "some censored: if exponential, 95 %".to_owned();
        layers.push(Layer::Intervals { name, colour: 1, points: fitted });
    }
    if !at_least.is_empty() {
        layers.push(Layer::Points { name: "censored: at least this".to_owned(), colour: 1, points: at_least });
    }
    let bound = |of: &dyn Fn(&EscapeAt) -> Option<f64>| {
        let mut points: Vec<[f64; 2]> = result.temperatures.iter().filter_map(|at| Some([x(at), of(at)?])).collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        points
    };
    let bounds = [
        ("birth-death bound, smallest margin seen", 2, bound(&|at| at.by_margin.as_ref()?.steps)),
        ("birth-death bound, deviations seen", 3, bound(&|at| at.by_deviation.as_ref()?.steps)),
    ];
    let mut left_out = false;
    for (name, colour, mut points) in bounds {
        let all = points.len();
        points.retain(|point| point[1] <= HIGHEST * largest);
        left_out |= points.len() < all;
        match points.as_slice() {
            [] => {}
            [_] => layers.push(Layer::Points { name: name.to_owned(), colour, points }),
            _ => layers.push(Layer::Line { name: name.to_owned(), colour, points, dashed: true }),
        }
    }
    let left_out = if left_out { " Predictions far above everything measured are in the table only." } else { "" };
    Some(Figure {
        title: "Arrhenius plot".to_owned(),
        caption: format!(
            "Mean escape time against 1/τ; {slope}. Where chains were censored at the cap the mean of min(T, cap) is a lower \
             bound. The birth-death bounds rest on sampled margins: they hold only as far as the sample saw the worst \
             state.{left_out} {}.",
            about(spec)
        ),
        x: linear("1/τ"),
        y: log("E[T] (single-site steps)"),
        layers,
    })
}

/// E[T] against the length, one colour a temperature; `None` for one length, or before the first step.
pub fn growth(spec: &EscapeSpec, found: &EscapeFindings) -> Option<Figure> {
    if found.further.is_empty() {
        return None;
    }
    let mut layers = Vec::new();
    let mut any_censored = false;
    for (colour, place) in places(&found.first).into_iter().enumerate() {
        let temperature = found.first.temperatures[place].temperature;
        let (mut measured, mut at_least) = (Vec::new(), Vec::new());
        for at in found.lengths() {
            let x = at.sites as f64;
            match at.temperatures.get(place).and_then(EscapeAt::mean) {
                None => {}
                Some(MeanEscape::Measured { mean, lower, upper }) => measured.push([x, mean, lower, upper]),
                Some(MeanEscape::AtLeast { steps, .. }) => at_least.push([x, steps]),
            }
        }
        if let Some(growth) = found.growth.iter().find(|growth| growth.temperature == temperature) {
            let ends = measured.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p[0]), b.max(p[0])));
            layers.push(Layer::Line {
                name: format!("τ = {temperature}, fitted line"),
                colour,
                points: [ends.0, ends.1].map(|x| [x, growth.measured.at(x).exp()]).to_vec(),
                dashed: true,
            });
        }
        if !measured.is_empty() {
            layers.push(Layer::Intervals { name: format!("τ = {temperature}, 95 %"), colour, points: measured });
        }
        if !at_least.is_empty() {
            any_censored = true;
            let name = format!("τ = {temperature}, censored: at least this");
            layers.push(Layer::Points { name, colour, points: at_least });
        }
    }
    let censored = if any_censored {
        " Points without an interval: some chains were censored at the cap, and the mean of min(T, cap) is a lower bound."
    } else {
        ""
    };
    (!layers.is_empty()).then(|| Figure {
        title: "Escape time against length".to_owned(),
        caption: format!(
            "Mean escape time against the number of free positions.{censored} Lines are weighted fits over the lengths at \
             which every chain escaped; straight lines on this axis are what exponential growth would give. {}.",
            about(spec)
        ),
        x: linear("free positions n"),
        y: log("E[T] (single-site steps)"),
        layers,
    })
}

/// Places of the temperatures that get a curve of their own: spread over all of them.
fn places(result: &EscapeResult) -> Vec<usize> {
    let all = result.temperatures.len();
    let count = all.min(CURVES);
    (0..count).map(|k| if count < 2 { 0 } else { k * (all - 1) / (count - 1) }).collect()
}

fn shown(result: &EscapeResult) -> Vec<&EscapeAt> {
    places(result).into_iter().map(|place| &result.temperatures[place]).collect()
}

/// Kaplan-Meier curves of the escape times, one for each temperature.
pub fn survival(spec: &EscapeSpec, result: &EscapeResult) -> Figure {
    let mut layers = Vec::new();
    let mut censored = Vec::new();
    for (colour, at) in shown(result).into_iter().enumerate() {
        let (mut points, mut last) = (vec![[1.0, 1.0]], 1.0);
        for point in at.survival.iter().filter(|point| point.time > 0) {
            let time = point.time as f64;
            points.extend([[time, last], [time, point.s]]);
            last = point.s;
            if point.censored > 0 {
                censored.push([time, point.s]);
            }
        }
        layers.push(Layer::Line { name: format!("τ = {}", at.temperature), colour, points, dashed: false });
    }
    if !censored.is_empty() {
        layers.push(Layer::Points { name: "censored".to_owned(), colour: CURVES, points: censored });
    }
    Figure {
        title: "Chains still near the anchor".to_owned(),
        caption: format!("Kaplan-Meier curves of the escape time, censored at the cap; {}.", about(spec)),
        x: log("single-site steps"),
        y: axis("share not escaped, S(t)", Ticks::Linear { range: Some((-0.03, 1.03)) }),
        layers,
    }
}

/// Observed escape times against those of the fitted exponential law; `None` where nothing was fitted.
pub fn exponential(spec: &EscapeSpec, result: &EscapeResult) -> Option<Figure> {
    let fits = shown(result)
        .into_iter()
        .enumerate()
        .filter_map(|(colour, at)| Some((colour, at, at.exponentiality.as_ref()?)));
    let curves: Vec<Layer> = fits
        .map(|(colour, at, fit)| {
            let mean = at.exponential_mean.as_ref().and_then(|fit| fit.mean).unwrap_or(1.0);
            let points = fit.qq.iter().map(|[expected, observed]| [expected / mean, observed / mean]).collect();
            let name = format!("τ = {}, p = {}", at.temperature, number::general(fit.p_value, 2));
            Layer::Points { name, colour, points }
        })
        .collect();
    if curves.is_empty() {
        return None;
    }
    let mut layers = vec![Layer::Guide { name: "exponential".to_owned(), slope: 1.0, intercept: 0.0 }];
    layers.extend(curves);
    Some(Figure {
        title: "Are escapes exponential?".to_owned(),
        caption: format!(
            "Escape times against those of the fitted exponential law, both over the fitted mean; metastable escapes lie on \
             the diagonal. p: Lilliefors test by parametric bootstrap; {}.",
            about(spec)
        ),
        x: linear("expected if exponential (means)"),
        y: linear("observed (means)"),
        layers,
    })
}
