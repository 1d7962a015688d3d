//! Tables of one diagram.

use std::sync::Arc;

use super::super::words;
use super::view::{Part, Row};
use crate::figures::number;
use crate::glauber::experiments::phase::PhaseSpec;
use crate::glauber::phase::Estimate;
use crate::ui::command::Table;

fn table(name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { name: name.to_owned(), header: header.iter().map(|&name| name.to_owned()).collect(), rows }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// Every cell of every model.
pub fn cells(rows: &[Arc<Row>], spec: &PhaseSpec) -> Table {
    let subjects: Vec<&str> = spec.subjects().collect();
    let one = |row: &Arc<Row>| {
        let result = row.summary.result.as_ref();
        vec![
            subjects.get(row.subject as usize).copied().unwrap_or_default().to_owned(),
            row.length.to_string(),
            row.temperature.to_string(),
            number::count(result.map_or(0, |result| result.pairs)),
            or_dash(result.map(|result| words::crossing(&result.t_couple.estimate, row.length))),
            or_dash(result.map(|result| words::crossing_interval(&result.t_couple))),
            or_dash(result.map(|result| number::percent(result.censored_share))),
            or_dash(result.map(|result| words::kappa(result.kappa.as_ref()))),
            or_dash(result.and_then(|result| result.susceptibility).map(|s| words::estimate(&s, 3))),
            if row.finished { "finished" } else { "running" }.to_owned(),
        ]
    };
    let header = [
        "model",
        "length",
        "temperature",
        "pairs",
        "t_couple(1/4)",
        "95 % interval (steps)",
        "censored",
        "kappa (95 %)",
        "susceptibility (95 %)",
        "state",
    ];
    table("cells", &header, rows.iter().map(one).collect())
}

/// The four laws at each temperature.
pub fn laws(part: &Part<'_>) -> Table {
    let mut rows = Vec::new();
    for growth in part.findings.into_iter().flat_map(|found| &found.fits) {
        for fit in &growth.fits {
            let scale = Estimate {
                value: fit.log_a.value.exp(),
                lower: fit.log_a.lower.map(f64::exp),
                upper: fit.log_a.upper.map(f64::exp),
            };
            rows.push(vec![
                growth.temperature.to_string(),
                fit.model.formula().to_owned(),
                number::fixed(fit.aicc, 1),
                number::fixed(fit.delta, 1),
                number::probability(fit.weight),
                words::estimate(&scale, 3),
                or_dash(fit.slope.map(|slope| words::estimate(&slope, 3))),
                number::fixed(fit.sd, 2),
                if growth.best == Some(fit.model) { "lowest AICc" } else { "" }.to_owned(),
            ]);
        }
    }
    let header =
        ["temperature", "law", "AICc", "delta", "Akaike weight", "a (95 %)", "p or c (95 %)", "spread of log T", ""];
    table("growth laws", &header, rows)
}

/// The finding at each temperature.
pub fn growth(part: &Part<'_>) -> Table {
    let one = |growth: &crate::glauber::phase::Growth| {
        let exponents = growth.exponents.iter().map(|e| {
            let at_least = if e.at_least { ">= " } else { "" };
            format!("{at_least}{} ({} to {})", number::fixed(e.log_log.value, 2), e.n[0], e.n[1])
        });
        vec![
            growth.temperature.to_string(),
            growth.words.clone(),
            exponents.collect::<Vec<_>>().join("; "),
            number::count(growth.pairs),
        ]
    };
    let rows = part.findings.into_iter().flat_map(|found| &found.fits).map(one).collect();
    table("growth", &["temperature", "finding", "local exponents (between lengths)", "pairs"], rows)
}

/// Theory beside measurement, cell by cell.
pub fn bounds(part: &Part<'_>) -> Table {
    let mut rows = Vec::new();
    for &length in part.lengths {
        let theory = part.findings.into_iter().flat_map(|found| &found.theory).find(|theory| theory.length == length);
        for &temperature in part.temperatures {
            let influence = theory.and_then(|theory| theory.influence.as_ref());
            let at = influence.and_then(|found| found.at.iter().find(|at| at.temperature == temperature));
            let escape = theory.and_then(|theory| {
                theory.escape_by_deviation.iter().find(|escape| escape.temperature == temperature)?.log_steps
            });
            let exact = part.exact(length, temperature);
            let measured = part.cell(length, temperature).and_then(|row| row.summary.result.as_ref());
            if theory.is_none() && exact.is_none() {
                continue;
            }
            rows.push(vec![
                length.to_string(),
                temperature.to_string(),
                or_dash(measured.map(|result| words::crossing(&result.t_couple.estimate, length))),
                or_dash(at.map(|at| number::fixed(at.alpha_col_lower, 3))),
                or_dash(at.map(|at| number::fixed(at.tanh_alpha, 3))),
                or_dash(influence.map(|found| number::fixed(found.threshold_lower, 2))),
                or_dash(at.map(|at| words::bound(at.optimistic_mixing))),
                or_dash(at.map(|at| words::bound(at.optimistic_mixing_by_threshold))),
                or_dash(exact.map(number::count)),
                or_dash(escape.map(words::log_steps)),
            ]);
        }
    }
    let header = [
        "length",
        "temperature",
        "measured t_couple(1/4)",
        "alpha, lower bound",
        "tanh bound, sampled",
        "tau_D, lower bound",
        "t_mix bound by alpha, optimistic (steps)",
        "t_mix bound by tau_D, optimistic (steps)",
        "exact t_mix(1/4) (steps)",
        "escape, predicted (steps)",
    ];
    table("bounds", &header, rows)
}

/// The finite-size numbers by length.
pub fn sizes(part: &Part<'_>) -> Table {
    let Some(found) = part.findings else { return table("finite size", &[], Vec::new()) };
    let critical = |length: u32| {
        let critical = found.critical.as_ref()?;
        critical.by_length.iter().find(|at| at.n == length)
    };
    let rows = found.finite_size.iter().flat_map(|size| &size.by_length).map(|at| {
        vec![
            at.n.to_string(),
            or_dash(at.largest_slope.map(|slope| number::general(slope, 3))),
            or_dash(at.susceptibility.map(|value| number::general(value, 3))),
            or_dash(at.susceptibility_at.map(|tau| number::general(tau, 4))),
            or_dash(critical(at.n).map(|at| at.steepest.to_string())),
            or_dash(critical(at.n).map(|at| at.bend.to_string())),
        ]
    });
    let header = [
        "length",
        "largest slope",
        "largest susceptibility",
        "at temperature",
        "steepest at (tau_c4)",
        "bends most at",
    ];
    table("finite size", &header, rows.collect())
}
