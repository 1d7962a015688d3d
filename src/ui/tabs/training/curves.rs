//! Curves of one run or several over each other, smoothed or not, by steps or by visits.

use super::view::View;
use super::words::half_width;
use crate::dempo::training::EvaluationReport;
use crate::figures::figure::{Axis, Figure, Layer, Ticks};
use crate::figures::number;
use crate::store::TrainingStepRow;

/// What a row of a run's steps is worth, where it has a value.
type Value = fn(&[TrainingStepRow], usize) -> Option<f64>;

/// What runs are aligned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Along {
    #[default]
    Steps,
    /// Pairs looked at: runs with windows of different sizes have seen alike then.
    Visits,
}

/// How curves are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawing {
    pub along: Along,
    /// Weight of the past in the exponential mean, 0 to 0.99; 0 draws every step as it was.
    pub smoothing: f64,
}

/// A run among the curves.
pub struct Curve<'a> {
    pub name: String,
    pub colour: usize,
    pub view: &'a View,
}

/// A figure of the tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Loss,
    Accuracy,
    Margin,
    Rewards,
    LogProbs,
    Entropy,
    GradientNorm,
    LearningRate,
    TokensPerSecond,
}

impl Measure {
    pub const ALL: [Self; 9] = [
        Self::Loss,
        Self::Accuracy,
        Self::Margin,
        Self::Rewards,
        Self::LogProbs,
        Self::Entropy,
        Self::GradientNorm,
        Self::LearningRate,
        Self::TokensPerSecond,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "Accuracy",
            Self::Margin => "Margin",
            Self::Rewards => "Rewards",
            Self::LogProbs => "Log-probabilities",
            Self::Entropy => "Entropy",
            Self::GradientNorm => "Gradient norm",
            Self::LearningRate => "Learning rate",
            Self::TokensPerSecond => "Tokens per second",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Loss => "Weighted loss of each step's pairs",
            Self::Accuracy => "Share of pairs of which the model rewards the chosen answer more",
            Self::Margin => "How much more the model rewards the chosen answer",
            Self::Rewards => "Implicit rewards: beta times the log-ratio of model and reference",
            Self::LogProbs => "Mean log-probability of whole answers under the model",
            Self::Entropy => "Mean entropy of the model's laws along chosen answers",
            Self::GradientNorm => "Length of the gradient before it is shortened",
            Self::LearningRate => "Learning rate of each step",
            Self::TokensPerSecond => "Answer tokens learned from in a second",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Loss => "loss (nats)",
            Self::Accuracy => "accuracy",
            Self::Margin => "margin (nats)",
            Self::Rewards => "reward (nats)",
            Self::LogProbs => "log-probability (nats)",
            Self::Entropy => "entropy (nats)",
            Self::GradientNorm => "gradient norm",
            Self::LearningRate => "learning rate",
            Self::TokensPerSecond => "tokens per second",
        }
    }

    /// The lines of a run: name of the part, and its values by row; a value that is not there is left out.
    fn parts(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Loss => vec![("", |rows, k| Some(rows[k].report.loss))],
            Self::Accuracy => vec![("", |rows, k| Some(rows[k].report.accuracy))],
            Self::Margin => vec![("", |rows, k| Some(rows[k].report.margin))],
            Self::Rewards => vec![
                ("chosen", |rows, k| Some(rows[k].report.reward_chosen)),
                ("rejected", |rows, k| Some(rows[k].report.reward_rejected)),
            ],
            Self::LogProbs => vec![
                ("chosen", |rows, k| Some(rows[k].report.log_prob_chosen)),
                ("rejected", |rows, k| Some(rows[k].report.log_prob_rejected)),
            ],
            Self::Entropy => vec![("", |rows, k| rows[k].report.entropy)],
            Self::GradientNorm => vec![("", |rows, k| Some(rows[k].report.gradient_norm))],
            Self::LearningRate => vec![("", |rows, k| Some(rows[k].report.learning_rate))],
            Self::TokensPerSecond => vec![("", |rows, k| {
                let seconds = rows[k].seconds - rows[k.checked_sub(1)?].seconds;
                (seconds > 0.0).then(|| rows[k].report.tokens as f64 / seconds)
            })],
        }
    }

    /// Value and standard error among held-out raters.
    fn held_out(self, report: &EvaluationReport) -> Option<[f64; 2]> {
        match self {
            Self::Loss => Some([report.loss, report.loss_error]),
            Self::Accuracy => Some([report.accuracy, report.accuracy_error]),
            Self::Margin => Some([report.margin, f64::NAN]),
            _ => None,
        }
    }

    fn guide(self) -> Option<(&'static str, f64)> {
        match self {
            Self::Accuracy => Some(("chance", 0.5)),
            Self::Margin => Some(("no margin", 0.0)),
            _ => None,
        }
    }
}

/// The exponential mean of `values` in which the past weighs `smoothing`, free of its start's bias.
pub fn smoothed(values: &[[f64; 2]], smoothing: f64) -> Vec<[f64; 2]> {
    if smoothing <= 0.0 {
        return values.to_vec();
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    let mut next = |[x, y]: [f64; 2]| {
        sum = smoothing * sum + (1.0 - smoothing) * y;
        weight = smoothing * weight + (1.0 - smoothing);
        [x, sum / weight]
    };
    values.iter().map(|&point| next(point)).collect()
}

/// The figure of a measure; `None` where no run has a value of it.
pub fn figure(measure: Measure, curves: &[Curve<'_>], drawing: Drawing) -> Option<Figure> {
    // The learning rate is set, not measured: there is no noise to smooth.
    let smoothing = if measure == Measure::LearningRate { 0.0 } else { drawing.smoothing };
    let drawing = Drawing { smoothing, ..drawing };
    let mut layers = Vec::new();
    if let Some((name, intercept)) = measure.guide() {
        layers.push(Layer::Guide { name: name.to_owned(), slope: 0.0, intercept });
    }
    let mut found = false;
    let alone = curves.len() == 1;
    for curve in curves {
        let x = |step: u64| match drawing.along {
            Along::Steps => step as f64,
            Along::Visits => curve.view.visits_after(step),
        };
        let rows = &curve.view.steps[..];
        for (number, (part, value)) in measure.parts().into_iter().enumerate() {
            let points = (0..rows.len()).filter_map(|k| Some([x(rows[k].report.step), value(rows, k)?]));
            let points: Vec<[f64; 2]> = points.filter(|[_, y]| y.is_finite()).collect();
            if points.is_empty() {
                continue;
            }
            found = true;
            let (name, colour, dashed) = match (alone, part) {
                (true, "") => ("trained on".to_owned(), curve.colour, false),
                (true, part) => (part.to_owned(), number, false),
                (false, "") => (curve.name.clone(), curve.colour, false),
                (false, part) => (format!("{}, {part}", curve.name), curve.colour, number > 0),
            };
            layers.push(Layer::Line { name, colour, points: smoothed(&points, drawing.smoothing), dashed });
        }
        let evaluations = &curve.view.evaluations[..];
        let held = evaluations.iter().filter_map(|report| Some((report, measure.held_out(report)?)));
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for (report, [value, error]) in held.filter(|(_, [value, _])| value.is_finite()) {
            match half_width(error, report.raters) {
                Some(half) => with.push([x(report.step), value, value - half, value + half]),
                None => without.push([x(report.step), value]),
            }
        }
        let one = evaluations.last().is_some_and(|last| last.raters == 1);
        let (name, colour) = match (alone, one) {
            (true, false) => ("held-out raters".to_owned(), 1),
            (true, true) => ("one held-out rater, no interval".to_owned(), 1),
            (false, false) => (format!("{}, held out", curve.name), curve.colour),
            (false, true) => (format!("{}, one held out, no interval", curve.name), curve.colour),
        };
        found |= !with.is_empty() || !without.is_empty();
        if !with.is_empty() {
            layers.push(Layer::Intervals { name: name.clone(), colour, points: with });
        }
        if !without.is_empty() {
            layers.push(Layer::Points { name, colour, points: without });
        }
    }
    found.then(|| Figure {
        title: measure.title().to_owned(),
        caption: caption(measure, curves, drawing),
        x: Axis {
            label: match drawing.along {
                Along::Steps => "steps".to_owned(),
                Along::Visits => "pairs looked at".to_owned(),
            },
            ticks: Ticks::Linear { range: None },
        },
        y: Axis { label: measure.unit().to_owned(), ticks: Ticks::Linear { range: None } },
        layers,
    })
}

fn caption(measure: Measure, curves: &[Curve<'_>], drawing: Drawing) -> String {
    let mut text = measure.about().to_owned();
    if drawing.smoothing > 0.0 {
        text += &format!("; exponential mean, the past weighs {}", number::fixed(drawing.smoothing, 2));
    }
    let held = curves.iter().any(|curve| curve.view.evaluations.iter().any(|report| report.raters > 1));
    if held && matches!(measure, Measure::Loss | Measure::Accuracy) {
        text += "; held-out raters with 95 % intervals over raters (Student's t)";
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_leaves_constants_and_begins_at_the_first_value() {
        let constant: Vec<[f64; 2]> = (0..9).map(|k| [f64::from(k), 3.0]).collect();
        assert!(smoothed(&constant, 0.9).iter().all(|[_, y]| (y - 3.0).abs() < 1e-12));
        let jump = [[1.0, 0.0], [2.0, 1.0], [3.0, 1.0]];
        let half = smoothed(&jump, 0.5);
        assert_eq!(half[0], [1.0, 0.0]);
        // 1/2 of 1 over 3/4, then 3/4 over 7/8.
        assert!((half[1][1] - 2.0 / 3.0).abs() < 1e-12 && (half[2][1] - 6.0 / 7.0).abs() < 1e-12);
        assert_eq!(smoothed(&jump, 0.0), jump);
    }
}
