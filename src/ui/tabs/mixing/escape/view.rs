//! What escapes draw, worked out on a background thread when results arrive.

use super::super::figures as chain_figures;
use super::super::pairs::shells;
use super::super::words;
use super::figures;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::experiments::escape::{EscapeAt, EscapeResult, EscapeSpec, MeanEscape};
use crate::jobs::chains::RESULT;
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;
use crate::ui::widgets::VerdictKind;

/// Escapes so far, ready to draw.
pub struct EscapeView {
    pub spec: EscapeSpec,
    pub result: EscapeResult,
    /// `None` before the first step.
    pub arrhenius: Option<Figure>,
    pub survival: Figure,
    /// `None` for fewer than 5 escapes at every temperature.
    pub exponential: Option<Figure>,
    /// `None` where the margins were not sampled.
    pub margins: Option<Figure>,
    pub shells: Option<Table>,
    pub table: Table,
    pub kind: VerdictKind,
    /// The finding in a sentence.
    pub sentence: String,
}

impl EscapeView {
    /// Reads what the run has committed; `None` before its first summary.
    pub fn load(project: &Project, run: RunId, spec: &EscapeSpec) -> Result<Option<Self>, StoreError> {
        Ok(project.document::<EscapeResult>(run, RESULT)?.map(|result| Self::new(spec, result)))
    }

    /// Works out figures and table.
    pub fn new(spec: &EscapeSpec, result: EscapeResult) -> Self {
        let sampled = spec.per_shell > 0;
        let (kind, sentence) = verdict(&result);
        Self {
            arrhenius: figures::arrhenius(spec, &result),
            survival: figures::survival(spec, &result),
            exponential: figures::exponential(spec, &result),
            margins: sampled.then(|| chain_figures::margins(&result.ball.margin)),
            shells: sampled.then(|| shells(&result.ball.margin)),
            table: table(&result),
            kind,
            sentence,
            spec: spec.clone(),
            result,
        }
    }
}

/// E[T] in words: `601.9 steps`, or `>= 800 steps` where chains were censored.
fn told(mean: Option<MeanEscape>) -> String {
    match mean {
        None => "not measured".to_owned(),
        Some(MeanEscape::Measured { mean, .. }) => format!("{} steps", number::general(mean, 4)),
        Some(MeanEscape::AtLeast { steps, .. }) => format!(">= {} steps", number::general(steps, 4)),
    }
}

fn verdict(result: &EscapeResult) -> (VerdictKind, String) {
    let mut by_heat: Vec<&EscapeAt> = result.temperatures.iter().collect();
    by_heat.sort_by(|a, b| b.temperature.get().total_cmp(&a.temperature.get()));
    let (Some(hot), Some(cold)) = (by_heat.first(), by_heat.last()) else {
        return (VerdictKind::Nothing, "Nothing was measured.".to_owned());
    };
    let range = if by_heat.len() == 1 {
        format!("Leaving the anchor takes {} on average at τ = {}", told(cold.mean()), cold.temperature)
    } else {
        format!(
            "Leaving the anchor takes {} on average at τ = {}, and {} at τ = {}",
            told(hot.mean()),
            hot.temperature,
            told(cold.mean()),
            cold.temperature
        )
    };
    match &result.arrhenius {
        Some(found) => (
            VerdictKind::Shown,
            format!(
                "{range}: ln E[T] rises by {} nats per unit of 1/τ over the {} at which every chain escaped.",
                words::slope(&found.measured),
                number::counted(found.temperatures, "temperature", "temperatures")
            ),
        ),
        None => {
            (VerdictKind::Nothing, format!("{range}. A slope needs two temperatures at which every chain escaped."))
        }
    }
}

const HEADER: [&str; 13] = [
    "τ",
    "1/τ",
    "chains",
    "escaped",
    "still running",
    "censored",
    "E[T] (steps)",
    "95 % interval",
    "E[T] if exponential",
    "median T",
    "exponential, p",
    "bound, smallest margin seen (steps)",
    "bound, deviations seen (steps)",
];

fn table(result: &EscapeResult) -> Table {
    let between = |lower: f64, upper: Option<f64>| {
        let upper = upper.map_or("open".to_owned(), |upper| number::general(upper, 4));
        format!("{} to {upper}", number::general(lower, 4))
    };
    let none = || "–".to_owned();
    let rows = result.temperatures.iter().map(|at| {
        let (mean, interval, fitted) = match at.mean() {
            None => (none(), none(), none()),
            Some(MeanEscape::Measured { mean, lower, upper }) => {
                (number::general(mean, 4), between(lower, Some(upper)), none())
            }
            Some(MeanEscape::AtLeast { steps, fitted, fitted_lower, fitted_upper }) => {
                let range = fitted_lower.map(|lower| between(lower, fitted_upper));
                let fitted = match (fitted, range) {
                    (Some(mean), Some(range)) => format!("{} ({range})", number::general(mean, 4)),
                    (None, Some(range)) => range,
                    _ => none(),
                };
                (format!(">= {}", number::general(steps, 4)), "censored".to_owned(), fitted)
            }
        };
        let bound = |log: Option<f64>| log.map_or_else(none, words::log_steps);
        vec![
            at.temperature.to_string(),
            number::general(1.0 / at.temperature.get(), 4),
            number::count(at.chains),
            number::count(at.escaped),
            number::count(at.running),
            number::percent(at.censored_share),
            mean,
            interval,
            fitted,
            words::crossing(&at.median, result.sites as u32),
            at.exponentiality.as_ref().map_or_else(none, |fit| number::general(fit.p_value, 3)),
            bound(at.by_margin.as_ref().and_then(|escape| escape.log_steps)),
            bound(at.by_deviation.as_ref().and_then(|escape| escape.log_steps)),
        ]
    });
    Table { name: "escapes".to_owned(), header: HEADER.map(str::to_owned).to_vec(), rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::figure::Layer;
    use crate::glauber::chain::Scan;
    use crate::glauber::experiments::Vocabulary;
    use crate::glauber::experiments::escape::Anchor;
    use crate::glauber::temperature::Temperature;
    use crate::jobs::runner::{RunOutcome, run_headless};
    use crate::jobs::spec::RunSpec;
    use crate::models::Library;
    use crate::progress::Silent;

    /// Independent sites that deviate with probability 0.1 at temperature 1 (glauber.md A10).
    fn view(temperatures: &[f64], cap_sweeps: u64) -> EscapeView {
        let spec = EscapeSpec {
            version: 1,
            model: "ising:beta=0,field=1.0986122886681098".to_owned(),
            length: 8,
            template: None,
            vocabulary: Vocabulary::Whole,
            temperatures: temperatures.iter().map(|&tau| Temperature::new(tau).unwrap()).collect(),
            scan: Scan::Random,
            anchor: Anchor::Quenched(8),
            radius: 3,
            chains: 60,
            cap_sweeps,
            per_shell: 8,
            candidates: 0,
            seed: 2,
        };
        let run = run_headless(None, std::sync::Arc::new(Library::default()), &RunSpec::Escape(spec.clone()), &Silent);
        let Ok(RunOutcome::Escape(result)) = run else { panic!("escapes") };
        EscapeView::new(&spec, *result)
    }

    fn named<'a>(figure: &'a Figure, start: &str) -> Option<&'a Layer> {
        figure.layers.iter().find(|layer| match layer {
            Layer::Points { name, .. }
            | Layer::Line { name, .. }
            | Layer::Band { name, .. }
            | Layer::Intervals { name, .. } => name.starts_with(start),
            _ => false,
        })
    }

    #[test]
    fn measured_and_censored_temperatures_are_told_apart() {
        let all = view(&[1.0, 1.5, 2.0], 100_000);
        let figure = all.arrhenius.as_ref().unwrap();
        assert!(named(figure, "fitted line").is_some() && named(figure, "censored").is_none());
        let Some(Layer::Intervals { points, .. }) = named(figure, "all escaped") else { panic!("intervals") };
        assert_eq!(points.len(), 3);
        // For independent sites the bound is attained: A10's 601.9 steps at temperature 1.
        let Some(Layer::Line { points, .. }) = named(figure, "birth-death bound, smallest") else { panic!("a bound") };
        assert!((points[2][1] / 601.904_76 - 1.0).abs() < 1e-4, "{points:?}");
        assert!(all.sentence.contains("over the 3 temperatures"), "{}", all.sentence);
        // A cap of five sweeps leaves most chains at temperature 1 where they are.
        let short = view(&[1.0], 5);
        let figure = short.arrhenius.as_ref().unwrap();
        assert!(named(figure, "all escaped").is_none());
        let Some(Layer::Points { points, .. }) = named(figure, "censored") else { panic!("marked as censored") };
        assert!(points[0][1] <= 40.0, "at most the cap of 40 steps");
        assert!(short.table.rows[0][6].starts_with(">= ") && short.table.rows[0][7] == "censored");
        assert!(
            short.sentence.contains(">= ") && short.sentence.contains("needs two temperatures"),
            "{}",
            short.sentence
        );
    }
}
