//! What the diagram says so far, in a sentence or two.

use super::view::Row;
use crate::figures::number;
use crate::glauber::experiments::phase::{PhaseFindings, PhaseSpec};
use crate::glauber::phase::Verdict;
use crate::glauber::temperature::Temperature;
use crate::ui::widgets::VerdictKind;

use super::super::words;

/// The cells of one temperature, together.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    /// Cells with results.
    cells: usize,
    /// Cells whose coupling time is known, and the longest of them in sweeps.
    known: usize,
    sweeps: f64,
    /// Pairs run, and pairs that did not meet.
    pairs: u64,
    apart: u64,
}

fn column(rows: &[&Row], temperature: Temperature) -> Column {
    let mut column = Column::default();
    for row in rows.iter().filter(|row| row.temperature == temperature) {
        let Some(result) = &row.summary.result else { continue };
        column.cells += 1;
        column.pairs += result.pairs;
        column.apart += (result.censored_share * result.pairs as f64).round() as u64;
        if let Some(time) = result.t_couple.estimate.time() {
            column.known += 1;
            column.sweeps = column.sweeps.max(words::sweeps(time, row.length));
        }
    }
    column
}

/// `at τ = 2` or `from τ = 2 to 4`.
fn span(from: Temperature, to: Temperature) -> String {
    if from == to { format!("at τ = {from}") } else { format!("from τ = {from} to {to}") }
}

/// The verdict about the first model; `rows` are its cells, `temperatures` ascend.
pub fn verdict(
    spec: &PhaseSpec,
    temperatures: &[Temperature],
    rows: &[&Row],
    findings: Option<&PhaseFindings>,
) -> (VerdictKind, String) {
    let columns: Vec<(Temperature, Column)> = temperatures.iter().map(|&tau| (tau, column(rows, tau))).collect();
    let seen: Vec<&(Temperature, Column)> = columns.iter().filter(|(_, column)| column.cells > 0).collect();
    let cap = number::counted(spec.grid.cap_sweeps, "sweep", "sweeps");
    let mut parts: Vec<String> = Vec::new();
    let fast: Vec<_> = seen.iter().rev().take_while(|(_, column)| column.known == column.cells).collect();
    if let (Some((to, _)), Some((from, _))) = (fast.first(), fast.last()) {
        let sweeps = fast.iter().map(|(_, column)| column.sweeps).fold(0.0, f64::max);
        let pairs: u64 = fast.iter().map(|(_, column)| column.pairs).sum();
        parts.push(format!(
            "{} three quarters of the pairs meet within {} sweeps at every length ({} pairs)",
            span(*from, *to),
            number::general(sweeps.ceil(), 4),
            number::count(pairs)
        ));
    }
    let frozen: Vec<_> = seen.iter().take_while(|(_, column)| column.apart == column.pairs).collect();
    if let (Some((from, _)), Some((to, _))) = (frozen.first(), frozen.last()) {
        let pairs: u64 = frozen.iter().map(|(_, column)| column.pairs).sum();
        parts.push(format!("{} none of {} pairs met within {cap}", span(*from, *to), number::count(pairs)));
    }
    let between: Vec<_> = seen.iter().take(seen.len() - fast.len()).skip(frozen.len()).collect();
    if let (Some((from, _)), Some((to, _))) = (between.first(), between.last()) {
        parts.push(format!("{} some cells are censored at {cap}", span(*from, *to)));
    }
    if parts.is_empty() {
        return (VerdictKind::Nothing, "Nothing is known yet: the first pairs are still running.".to_owned());
    }
    let mut text = parts.join("; ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    let size = findings.and_then(|found| found.finite_size.as_ref());
    match size.map(|size| size.verdict) {
        Some(Verdict::Crossover) => text += " The change with temperature is a finite-size crossover on this grid.",
        Some(Verdict::TransitionLike) => text += " The change with temperature is transition-like on these lengths.",
        Some(Verdict::Undecided) | None => {}
    }
    (VerdictKind::Shown, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::chain::{Coupling, Scan};
    use crate::glauber::experiments::phase::CellSummary;
    use crate::glauber::experiments::{KeepTokens, StartChoice, Vocabulary};
    use crate::glauber::phase::{Grid, PhaseCell, cell_result};
    use crate::statistics::Lifetime;

    fn row(tau: f64, times: &[u64], met: usize) -> Row {
        let temperature = Temperature::new(tau).unwrap();
        let pairs: Vec<Lifetime> =
            times.iter().enumerate().map(|(k, &time)| Lifetime { time, event: k < met }).collect();
        let cell = PhaseCell { temperature, n: 4, pairs, neighbours: None, order: Vec::new() };
        let result = Some(cell_result(&cell, 0.25, 50, 1).unwrap());
        let summary = CellSummary { result, curve: Vec::new(), drift: Vec::new(), draws: 0, near_ties: 0, kept: 0 };
        Row { cell: 0, subject: 0, model: "toy".to_owned(), length: 4, temperature, cap: 40, finished: true, summary }
    }

    #[test]
    fn the_sentence_tells_what_is_known_and_no_more() {
        let taus = [0.5, 1.0, 2.0];
        let spec = PhaseSpec {
            version: 1,
            model: "toy".to_owned(),
            beside: Vec::new(),
            grid: Grid {
                temperatures: taus.iter().map(|&tau| Temperature::new(tau).unwrap()).collect(),
                lengths: vec![4],
                cap_sweeps: 10,
            },
            scan: Scan::Random,
            coupling: Coupling::Maximal,
            start: StartChoice::Uniform,
            vocabulary: Vocabulary::Whole,
            batch: 4,
            most_pairs: 4,
            relative_width: 0.2,
            order_chains: 0,
            order_sweeps: 1,
            theory: None,
            keep_tokens: KeepTokens::None,
            seed: 1,
        };
        let cold = row(0.5, &[40, 40, 40, 40], 0);
        let middle = row(1.0, &[9, 40, 40, 40], 1);
        let hot = row(2.0, &[4, 6, 8, 9], 4);
        let (kind, text) = verdict(&spec, &spec.grid.temperatures, &[&cold, &middle, &hot], None);
        assert_eq!(kind, VerdictKind::Shown);
        assert_eq!(
            text,
            "At τ = 2 three quarters of the pairs meet within 2 sweeps at every length (4 pairs); at τ = 0.5 none of 4 \
             pairs met within 10 sweeps; at τ = 1 some cells are censored at 10 sweeps."
        );
        assert!(!text.contains("crossover"));
        let (kind, _) = verdict(&spec, &spec.grid.temperatures, &[], None);
        assert_eq!(kind, VerdictKind::Nothing);
    }
}
