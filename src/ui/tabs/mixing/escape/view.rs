//! What escapes draw, worked out on a background thread when results arrive.

use super::super::figures as chain_figures;
use super::super::pairs::shells;
use super::super::words;
use super::figures;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::experiments::escape::{EscapeAt, EscapeFindings, EscapeResult, EscapeSpec, MeanEscape};
use crate::jobs::chains::RESULT;
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::Table;
use crate::ui::widgets::VerdictKind;

/// Escapes so far, ready to draw.
pub struct EscapeView {
    pub found: EscapeFindings,
    /// In the order of the spec's lengths.
    pub lengths: Vec<LengthView>,
    /// E[T] against the length; `None` for one length.
    pub growth: Option<Figure>,
    pub growth_table: Option<Table>,
    /// All lengths and temperatures.
    pub table: Table,
    pub kind: VerdictKind,
    /// The finding in a sentence.
    pub sentence: String,
}

/// What is drawn of one length.
pub struct LengthView {
    /// The run as it would be at this length alone.
    pub spec: EscapeSpec,
    /// `None` before the first step.
    pub arrhenius: Option<Figure>,
    pub survival: Figure,
    /// `None` for fewer than 5 escapes at every temperature.
    pub exponential: Option<Figure>,
    /// `None` where the margins were not sampled.
    pub margins: Option<Figure>,
    pub shells: Option<Table>,
}

impl EscapeView {
    /// Reads what the run has committed; `None` before its first summary.
    pub fn load(project: &Project, run: RunId, spec: &EscapeSpec) -> Result<Option<Self>, StoreError> {
        Ok(project.document::<EscapeFindings>(run, RESULT)?.map(|found| Self::new(spec, found)))
    }

    /// Works out figures and tables.
    pub fn new(spec: &EscapeSpec, found: EscapeFindings) -> Self {
        let sampled = spec.per_shell > 0;
        let at = |(place, result): (usize, &EscapeResult)| {
            let spec = spec.at_length(place);
            LengthView {
                arrhenius: figures::arrhenius(&spec, result),
                survival: figures::survival(&spec, result),
                exponential: figures::exponential(&spec, result),
                margins: sampled.then(|| chain_figures::margins(&result.ball.margin)),
                shells: sampled.then(|| shells(&result.ball.margin)),
                spec,
            }
        };
        let (kind, sentence) = verdict(&found);
        Self {
            lengths: found.lengths().enumerate().map(at).collect(),
            growth: figures::growth(spec, &found),
            growth_table: (!found.further.is_empty()).then(|| growth_table(&found)),
            table: table(&found),
            kind,
            sentence,
            found,
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

fn verdict(found: &EscapeFindings) -> (VerdictKind, String) {
    let (kind, first) = verdict_at(&found.first);
    if found.further.is_empty() {
        return (kind, first);
    }
    let at = format!("At n = {}: {first}", found.first.sites);
    let coldest = found.growth.iter().min_by(|a, b| a.temperature.get().total_cmp(&b.temperature.get()));
    match coldest {
        Some(growth) => (
            VerdictKind::Shown,
            format!(
                "{at} With the length ln E[T] rises by {} nats a position at τ = {}, over the {} at which every chain escaped.",
                words::slope(&growth.measured),
                growth.temperature,
                number::counted(growth.lengths, "length", "lengths")
            ),
        ),
        None => (kind, format!("{at} Growth with the length needs two lengths at which every chain escaped.")),
    }
}

fn verdict_at(result: &EscapeResult) -> (VerdictKind, String) {
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

const HEADER: [&str; 15] = [
    "n",
    "radius",
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

fn growth_table(found: &EscapeFindings) -> Table {
    let rows = found.growth.iter().map(|growth| {
        vec![
            growth.temperature.to_string(),
            number::count(growth.lengths),
            words::slope(&growth.measured),
            growth.predicted.map_or_else(|| "–".to_owned(), number::nats),
        ]
    });
    let header = ["τ", "lengths", "slope (nats a position, 95 %)", "slope of the bound"];
    Table { name: "escape-growth".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

fn table(found: &EscapeFindings) -> Table {
    let each =
        |result: &EscapeResult| -> Vec<Vec<String>> { result.temperatures.iter().map(|at| row(result, at)).collect() };
    Table {
        name: "escapes".to_owned(),
        header: HEADER.map(str::to_owned).to_vec(),
        rows: found.lengths().flat_map(each).collect(),
    }
}

fn row(result: &EscapeResult, at: &EscapeAt) -> Vec<String> {
    let between = |lower: f64, upper: Option<f64>| {
        let upper = upper.map_or("open".to_owned(), |upper| number::general(upper, 4));
        format!("{} to {upper}", number::general(lower, 4))
    };
    let none = || "–".to_owned();
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
        number::count(result.sites),
        number::count(result.radius),
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::figure::Layer;
    use crate::glauber::chain::Scan;
    use crate::glauber::experiments::Vocabulary;
    use crate::glauber::experiments::escape::{Anchor, Criterion};
    use crate::glauber::temperature::Temperature;
    use crate::jobs::runner::{RunOutcome, run_headless};
    use crate::jobs::spec::RunSpec;
    use crate::models::Library;
    use crate::progress::Silent;

    /// Independent sites that deviate with probability 0.1 at temperature 1 (glauber.md A10).
    fn view(temperatures: &[f64], cap_sweeps: u64) -> EscapeView {
        run(&spec(temperatures, cap_sweeps))
    }

    fn spec(temperatures: &[f64], cap_sweeps: u64) -> EscapeSpec {
        EscapeSpec {
            version: 1,
            model: "ising:beta=0,field=1.0986122886681098".to_owned(),
            length: 8,
            further: Vec::new(),
            template: None,
            vocabulary: Vocabulary::Whole,
            temperatures: temperatures.iter().map(|&tau| Temperature::new(tau).unwrap()).collect(),
            scan: Scan::Random,
            anchor: Anchor::Quenched(8),
            criterion: Criterion::Distance,
            radius: 3,
            radius_share: None,
            chains: 60,
            cap_sweeps,
            per_shell: 8,
            candidates: 0,
            seed: 2,
        }
    }

    fn run(spec: &EscapeSpec) -> EscapeView {
        let run = run_headless(None, std::sync::Arc::new(Library::default()), &RunSpec::Escape(spec.clone()), &Silent);
        let Ok(RunOutcome::Escape(found)) = run else { panic!("escapes") };
        EscapeView::new(spec, *found)
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
        let figure = all.lengths[0].arrhenius.as_ref().unwrap();
        assert!(named(figure, "fitted line").is_some() && named(figure, "censored").is_none());
        let Some(Layer::Intervals { points, .. }) = named(figure, "all escaped") else { panic!("intervals") };
        assert_eq!(points.len(), 3);
        // For independent sites the bound is attained: A10's 601.9 steps at temperature 1.
        let Some(Layer::Line { points, .. }) = named(figure, "birth-death bound, smallest") else { panic!("a bound") };
        assert!((points[2][1] / 601.904_76 - 1.0).abs() < 1e-4, "{points:?}");
        assert!(all.sentence.contains("over the 3 temperatures"), "{}", all.sentence);
        // A cap of five sweeps leaves most chains at temperature 1 where they are.
        let short = view(&[1.0], 5);
        let figure = short.lengths[0].arrhenius.as_ref().unwrap();
        assert!(named(figure, "all escaped").is_none());
        let Some(Layer::Points { points, .. }) = named(figure, "censored") else { panic!("marked as censored") };
        assert!(points[0][1] <= 40.0, "at most the cap of 40 steps");
        assert!(short.table.rows[0][8].starts_with(">= ") && short.table.rows[0][9] == "censored");
        assert!(
            short.sentence.contains(">= ") && short.sentence.contains("needs two temperatures"),
            "{}",
            short.sentence
        );
    }

    #[test]
    fn lengths_stand_beside_one_another() {
        let further = EscapeSpec { further: vec![4, 6], radius_share: Some(0.3), ..spec(&[1.0, 0.5], 100) };
        let view = run(&further);
        assert_eq!((view.lengths.len(), view.table.rows.len()), (3, 6));
        assert_eq!(
            view.table.rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
            ["8", "8", "4", "4", "6", "6"]
        );
        let figure = view.growth.as_ref().unwrap();
        let Some(Layer::Intervals { points, .. }) = named(figure, "τ = 1, 95 %") else { panic!("means at τ = 1") };
        assert_eq!(points.iter().map(|point| point[0]).collect::<Vec<_>>(), [8.0, 4.0, 6.0]);
        assert!(named(figure, "τ = 1, fitted line").is_some());
        // Cold chains of eight sites stay: their point is a lower bound without an interval, and enters no line.
        let Some(Layer::Points { points, .. }) = named(figure, "τ = 0.5, censored") else { panic!("censored means") };
        assert!(points.iter().any(|point| point[0] == 8.0 && point[1] <= 800.0), "{points:?}");
        assert!(
            view.sentence.starts_with("At n = 8: ") && view.sentence.contains("nats a position"),
            "{}",
            view.sentence
        );
        assert_eq!(view.growth_table.as_ref().unwrap().rows[0][1], "3");
        assert!(run(&spec(&[1.0], 50)).growth.is_none(), "one length has no growth");
    }
}
