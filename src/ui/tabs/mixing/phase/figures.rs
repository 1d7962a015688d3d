//! Figures over the grid of one model.

use super::super::figures::{axis, linear, log};
use super::super::words;
use super::view::{Part, Row};
use crate::figures::figure::{Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::experiments::theory::Theory;
use crate::glauber::temperature::Temperature;
use crate::ui::tabs::shared::model_picker::shortened;

/// What stands below every figure with a coupling time.
fn about(part: &Part<'_>) -> String {
    let spec = part.spec;
    format!(
        "{}, {}",
        shortened(part.name, 40),
        words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary)
    )
}

/// A temperature that a linear axis can show.
fn finite(temperature: Temperature) -> Option<f64> {
    Some(temperature.get()).filter(|tau| tau.is_finite())
}

/// The diagram: rows = lengths, the longest on top; columns = temperatures.
pub fn heat(part: &Part<'_>) -> Figure {
    let (mut values, mut at_least) = (Vec::new(), Vec::new());
    for &length in part.lengths.iter().rev() {
        for &temperature in part.temperatures {
            let result = part.cell(length, temperature).and_then(|row| row.summary.result.as_ref());
            let value = result.and_then(|result| result.log10_sweeps.or(result.log10_sweeps_at_least));
            values.push(value.unwrap_or(f64::NAN));
            at_least.push(result.is_some_and(|result| result.censored));
        }
    }
    Figure {
        title: format!("Phase diagram: {}", shortened(part.name, 40)),
        caption: format!(
            "log10 of t_couple(1/4) in sweeps; hatched: three quarters of the pairs had not met at the cap of {} sweeps, so \
             the time is at least that; a stroke: not run yet. {}.",
            number::count(part.spec.grid.cap_sweeps),
            about(part)
        ),
        x: axis("temperature τ", Ticks::Names(part.temperatures.iter().map(ToString::to_string).collect())),
        y: axis("length n", Ticks::Names(part.lengths.iter().rev().map(ToString::to_string).collect())),
        layers: vec![Layer::Heat {
            name: "log10(t_couple / n), sweeps".to_owned(),
            // The title and caption say the unit: beside the colour bar it would cover cells.
            unit: String::new(),
            rows: part.lengths.len(),
            columns: part.temperatures.len(),
            values,
            diverging: false,
            at_least,
        }],
    }
}

/// Coupling times against temperature, one series for each length; exact mixing times where they are known.
pub fn times(part: &Part<'_>) -> Figure {
    let mut layers = Vec::new();
    let mut exact_named = false;
    for (colour, &length) in part.lengths.iter().enumerate() {
        let known = part.temperatures.iter().filter_map(|&temperature| {
            let t = part.cell(length, temperature)?.summary.result.as_ref()?.t_couple;
            let (tau, time) = (finite(temperature)?, t.estimate.time().filter(|&time| time > 0)?);
            let upper = t.upper.unwrap_or(time);
            let sweeps = |steps: u64| words::sweeps(steps.max(1), length);
            Some([tau, sweeps(time), sweeps(t.lower), sweeps(upper)])
        });
        let known: Vec<[f64; 4]> = known.collect();
        if !known.is_empty() {
            let line = known.iter().map(|p| [p[0], p[1]]).collect();
            layers.push(Layer::Line { name: String::new(), colour, points: line, dashed: false });
            layers.push(Layer::Intervals { name: format!("n = {length}"), colour, points: known });
        }
        let exact = part.temperatures.iter().filter_map(|&temperature| {
            Some([finite(temperature)?, words::sweeps(part.exact(length, temperature)?, length)])
        });
        let exact: Vec<[f64; 2]> = exact.filter(|point| point[1] < 1e6).collect();
        if !exact.is_empty() {
            let name = if exact_named { "" } else { "exact t_mix(1/4), same colours" };
            exact_named = true;
            layers.push(Layer::Line { name: name.to_owned(), colour, points: exact, dashed: true });
        }
    }
    let cap = part.spec.grid.cap_sweeps as f64;
    let ends: Vec<f64> = part.temperatures.iter().filter_map(|&t| finite(t)).collect();
    if let (Some(&first), Some(&last)) = (ends.first(), ends.last()) {
        let points = vec![[first, cap], [last, cap]];
        let name = "cap: censored cells lie above".to_owned();
        layers.push(Layer::Line { name, colour: part.lengths.len(), points, dashed: true });
    }
    let exact = if part.is_exact() {
        " Dashed: the exact mixing time of the control from its worst start; a coupling time of typical starts may lie below it."
    } else {
        ""
    };
    Figure {
        title: format!("Coupling time against temperature: {}", shortened(part.name, 40)),
        caption: format!(
            "t_couple(1/4) in sweeps with 95 % bootstrap intervals over pairs; censored cells have no point. {}.{exact}",
            about(part)
        ),
        x: linear("temperature τ"),
        y: log("sweeps"),
        layers,
    }
}

fn theories<'a>(part: &'a Part<'_>) -> impl Iterator<Item = &'a Theory> {
    part.findings.into_iter().flat_map(|found| &found.theory)
}

/// Colour of a length's series.
fn colour(part: &Part<'_>, length: u32) -> usize {
    part.lengths.iter().position(|&other| other == length).unwrap_or(0)
}

/// Sampled alpha and the tanh bound against temperature.
pub fn alpha(part: &Part<'_>) -> Option<Figure> {
    let mut layers = vec![Layer::Guide { name: "1: no bound above".to_owned(), slope: 0.0, intercept: 1.0 }];
    for theory in theories(part) {
        let Some(influence) = &theory.influence else { continue };
        let colour = colour(part, theory.length);
        let mut at: Vec<_> = influence.at.iter().filter(|at| finite(at.temperature).is_some()).collect();
        at.sort_by(|a, b| a.temperature.get().total_cmp(&b.temperature.get()));
        let line = at.iter().map(|at| [at.temperature.get(), at.alpha_col_lower]).collect();
        let tanh = at.iter().map(|at| [at.temperature.get(), at.tanh_alpha]).collect();
        let name = format!("n = {}", theory.length);
        layers.push(Layer::Line { name, colour, points: line, dashed: false });
        let name = if layers.len() == 2 { "dashed: tanh bound with the oscillations seen" } else { "" };
        layers.push(Layer::Line { name: name.to_owned(), colour, points: tanh, dashed: true });
    }
    (layers.len() > 1).then(|| Figure {
        title: format!("Influence alpha: {}", shortened(part.name, 40)),
        caption:
            "Largest column sum of influences over sampled states: a lower bound on the true alpha. Where alpha is \
                  below 1 mixing is bounded by n (log n + log 4) / (1 - alpha); at 1 or above there is no bound."
                .to_owned(),
        x: linear("temperature τ"),
        y: linear("alpha (sampled, lower bound)"),
        layers,
    })
}

/// Escape predictions and measured times at one length, against 1/tau.
pub fn arrhenius(part: &Part<'_>, length: u32) -> Option<Figure> {
    let theory = theories(part).find(|theory| theory.length == length)?;
    let inverse = |temperature: Temperature| Some(1.0 / temperature.get()).filter(|x| x.is_finite());
    let line = |escapes: &[crate::glauber::margin::Escape]| -> Vec<[f64; 2]> {
        let mut points: Vec<[f64; 2]> =
            escapes.iter().filter_map(|escape| Some([inverse(escape.temperature)?, escape.log_steps?])).collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        points
    };
    let (margin, deviation) = (line(&theory.escape_by_margin), line(&theory.escape_by_deviation));
    if margin.is_empty() && deviation.is_empty() {
        return None;
    }
    let cells: Vec<&Row> = part.rows.iter().copied().filter(|row| row.length == length).collect();
    let measured = cells.iter().filter_map(|row| {
        let t = row.summary.result.as_ref()?.t_couple;
        let time = t.estimate.time().filter(|&time| time > 0)? as f64;
        let upper = t.upper.map_or(time, |upper| upper as f64);
        Some([inverse(row.temperature)?, time.ln(), (t.lower.max(1) as f64).ln(), upper.ln()])
    });
    let censored = cells.iter().filter_map(|row| {
        let t = row.summary.result.as_ref()?.t_couple;
        t.estimate.time().is_none().then_some(())?;
        Some([inverse(row.temperature)?, (t.estimate.at_least().max(1) as f64).ln()])
    });
    let (measured, censored): (Vec<_>, Vec<_>) = (measured.collect(), censored.collect());
    let mut layers = vec![
        Layer::Line { name: "escape by deviations seen".to_owned(), colour: 0, points: deviation, dashed: false },
        Layer::Line { name: "escape by smallest margin seen".to_owned(), colour: 1, points: margin, dashed: true },
        Layer::Intervals { name: "measured t_couple".to_owned(), colour: 2, points: measured },
    ];
    if !censored.is_empty() {
        layers.push(Layer::Points { name: "censored: at least".to_owned(), colour: 3, points: censored });
    }
    Some(Figure {
        title: format!("Escape prediction at length {length}: {}", shortened(part.name, 40)),
        caption: format!(
            "Predicted time to leave the ball of radius {} around the anchor most quenches led to (from sampled margins: a \
             prediction, not a bound), beside measured coupling times; a straight line is Arrhenius' law.",
            theory.escape_radius.map_or("unknown".to_owned(), number::count)
        ),
        x: linear("1 / τ"),
        y: linear("log steps (natural)"),
        layers,
    })
}

/// Local exponents of growth with length.
pub fn exponents(part: &Part<'_>) -> Option<Figure> {
    let mut series: Vec<([u32; 2], Vec<[f64; 4]>)> = Vec::new();
    for growth in part.findings.into_iter().flat_map(|found| &found.fits) {
        let Some(tau) = finite(growth.temperature) else { continue };
        for exponent in growth.exponents.iter().filter(|exponent| !exponent.at_least) {
            let e = exponent.log_log;
            let point = [tau, e.value, e.lower.unwrap_or(e.value), e.upper.unwrap_or(e.value)];
            match series.iter_mut().find(|(n, _)| *n == exponent.n) {
                Some((_, points)) => points.push(point),
                None => series.push((exponent.n, vec![point])),
            }
        }
    }
    series.sort_by_key(|(n, _)| *n);
    let mut layers = vec![Layer::Guide { name: "1: n log n tends here".to_owned(), slope: 0.0, intercept: 1.0 }];
    layers.extend(series.into_iter().enumerate().map(|(colour, (n, points))| Layer::Intervals {
        name: format!("n = {} to {}", n[0], n[1]),
        colour,
        points,
    }));
    (layers.len() > 1).then(|| Figure {
        title: format!("Local growth exponent: {}", shortened(part.name, 40)),
        caption: "d log t_couple / d log n between neighbouring lengths, 95 % bootstrap intervals; exponents that a \
                  censored cell only bounds from below are left out."
            .to_owned(),
        x: linear("temperature τ"),
        y: linear("d log t / d log n"),
        layers,
    })
}

/// `n Var(q)` against temperature.
pub fn susceptibility(part: &Part<'_>) -> Option<Figure> {
    let mut layers = Vec::new();
    for (colour, &length) in part.lengths.iter().enumerate() {
        let points = part.temperatures.iter().filter_map(|&temperature| {
            let s = part.cell(length, temperature)?.summary.result.as_ref()?.susceptibility?;
            Some([finite(temperature)?, s.value, s.lower.unwrap_or(s.value), s.upper.unwrap_or(s.value)])
        });
        let points: Vec<[f64; 4]> = points.collect();
        if !points.is_empty() {
            layers.push(Layer::Intervals { name: format!("n = {length}"), colour, points });
        }
    }
    (!layers.is_empty()).then(|| Figure {
        title: format!("Susceptibility: {}", shortened(part.name, 40)),
        caption: format!(
            "n times the variance of the overlap of two independent chains after {} sweeps, 95 % bootstrap intervals. A peak \
             that grows with n speaks for a transition.",
            number::count(part.spec.order_sweeps)
        ),
        x: linear("temperature τ"),
        y: linear("n Var(overlap)"),
        layers,
    })
}

/// Largest slope of log t against tau, by length.
pub fn slopes(part: &Part<'_>) -> Option<Figure> {
    let size = part.findings?.finite_size.as_ref()?;
    let points: Vec<[f64; 2]> = size
        .by_length
        .iter()
        .filter_map(|at| Some([f64::from(at.n), at.largest_slope.filter(|&slope| slope > 0.0)?]))
        .collect();
    (points.len() > 1).then(|| Figure {
        title: format!("Steepest slope against length: {}", shortened(part.name, 40)),
        caption:
            "Largest -d log t_couple / d tau over the temperatures at which every length is known. A slope that grows \
                  with n speaks for a transition, curves that overlay for a crossover."
                .to_owned(),
        x: log("length n"),
        y: log("largest slope"),
        layers: vec![
            Layer::Line { name: String::new(), colour: 0, points: points.clone(), dashed: false },
            Layer::Points { name: "largest slope".to_owned(), colour: 0, points },
        ],
    })
}
