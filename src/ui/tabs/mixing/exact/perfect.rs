//! Perfect samples beside the enumerated law.

use eframe::egui::Ui;

use super::super::figures::linear;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::perfect::PerfectResult;
use crate::statistics::wilson;
use crate::ui::command::{Command, Table};
use crate::ui::tabs::shared::run_state::say;
use crate::ui::widgets::{VerdictKind, card, data_table, figure_view, stats};
use crate::ui::{help, theme};

/// Above so many states the shares are drawn without their intervals.
const INTERVALS: usize = 256;
/// Below this p-value the samples are said to contradict the law.
const CONTRADICTED: f64 = 1e-3;

/// Perfect samples, ready to draw.
pub struct PerfectView {
    pub result: PerfectResult,
    agreement: Option<Figure>,
    depths: Table,
}

impl PerfectView {
    /// Works out the figure and the table.
    pub fn new(spec: &ExactRunSpec, result: PerfectResult) -> Self {
        Self { agreement: agreement(spec, &result), depths: depths(&result), result }
    }
}

fn agreement(spec: &ExactRunSpec, result: &PerfectResult) -> Option<Figure> {
    let fit = result.fit.as_ref()?;
    let total = fit.total as f64;
    let shares = result.law.iter().zip(&result.counts).map(|(&p, &count)| (p, count));
    let observed = if result.law.len() <= INTERVALS {
        let points = shares.map(|(p, count)| {
            let [lower, upper] = wilson(count, fit.total, 0.95);
            [p, count as f64 / total, lower, upper]
        });
        Layer::Intervals { name: "share of the draws, 95 % interval".to_owned(), colour: 0, points: points.collect() }
    } else {
        let points = shares.map(|(p, count)| [p, count as f64 / total]);
        Layer::Points { name: "share of the draws".to_owned(), colour: 0, points: points.collect() }
    };
    let p = fit.p_value.map_or("no chi-square test".to_owned(), |p| format!("p = {}", number::general(p, 3)));
    Some(Figure {
        title: "Perfect samples and the stationary law".to_owned(),
        caption: format!(
            "Share of {} draws by coupling from the past at each of {} states, against its enumerated probability; on the \
             diagonal they agree ({p}). {}, τ = {}, seed {}.",
            number::count(fit.total),
            number::count(result.law.len() as u64),
            spec.model,
            spec.temperature,
            result.seed
        ),
        x: linear("enumerated probability"),
        y: linear("share of perfect samples"),
        layers: vec![Layer::Guide { name: "equal".to_owned(), slope: 1.0, intercept: 0.0 }, observed],
    })
}

fn depths(result: &PerfectResult) -> Table {
    let mut seen = 0;
    let rows = result.depths.iter().map(|depth| {
        seen += depth.draws;
        vec![
            number::count(depth.steps),
            number::count(depth.draws),
            number::percent(seen as f64 / result.drawn.max(1) as f64),
        ]
    });
    let header = ["began so many steps before (half were too few)", "samples", "decided by then"];
    Table { name: "depths".to_owned(), header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

/// Draws the card.
pub fn show(ui: &mut Ui, view: &PerfectView, commands: &mut Vec<Command>) {
    let result = &view.result;
    card(ui, "Perfect samples beside the law", |ui| {
        let (kind, text) = verdict(result);
        say(ui, kind, &text);
        if let Some(fit) = &result.fit {
            let chi = fit.chi_square.map_or("too few draws".to_owned(), |chi| {
                format!("{} on {} degrees", number::general(chi, 5), number::count(fit.degrees))
            });
            let p = fit.p_value.map_or("too few draws".to_owned(), |p| number::general(p, 3));
            let by_chance =
                format!("{} (95 %: below {})", number::general(fit.tv_expected, 3), number::general(fit.tv_upper, 3));
            let depth = result.median_depth().map_or("–".to_owned(), |steps| number::counted(steps, "step", "steps"));
            stats(
                ui,
                &[
                    ("Chi-square", chi, help::PERFECT_SAMPLES.text),
                    ("p-value", p, help::PERFECT_SAMPLES.text),
                    ("TV to the law", number::general(fit.tv, 3), help::PERFECT_SAMPLES.text),
                    ("TV by chance alone", by_chance, help::PERFECT_SAMPLES.text),
                    ("Median start in the past", depth, help::PERFECT_SAMPLES.text),
                ],
            );
            if fit.pooled > 0 {
                let pooled = number::counted(fit.pooled, "state", "states");
                ui.label(theme::caption(format!("{pooled} too rare to test alone, pooled into one cell.")).weak());
            }
        }
        if let Some(figure) = &view.agreement {
            figure_view(ui, "exact perfect", figure, 260.0, &[], commands);
        }
        if !view.depths.rows.is_empty() {
            data_table(ui, "exact depths", &view.depths, None, commands);
        }
    });
}

fn verdict(result: &PerfectResult) -> (VerdictKind, String) {
    let drawn = number::counted(result.drawn, "perfect sample", "perfect samples");
    if let Some(problem) = &result.problem {
        return (
            VerdictKind::Nothing,
            format!("Not compared: {drawn} of {} drawn, then {problem}.", number::count(result.samples)),
        );
    }
    let so_far = if result.drawn < result.samples { " so far" } else { "" };
    match result.fit.as_ref().map(|fit| fit.p_value) {
        Some(Some(p)) if p < CONTRADICTED => (
            VerdictKind::Failed,
            format!("{drawn}{so_far} contradict the enumerated law (p = {}).", number::general(p, 3)),
        ),
        Some(Some(p)) => (
            VerdictKind::Shown,
            format!("{drawn}{so_far} show no difference from the enumerated law (p = {}).", number::general(p, 3)),
        ),
        _ => (VerdictKind::Nothing, format!("{drawn}{so_far}: too few for a chi-square test; draw more.")),
    }
}
