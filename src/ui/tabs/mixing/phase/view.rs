//! What the diagram draws, worked out on a background thread when results arrive.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{figures, tables, verdict};
use crate::figures::figure::Figure;
use crate::glauber::curie_weiss::CurieWeiss;
use crate::glauber::experiments::phase::{CellSummary, PhaseFindings, PhaseSpec};
use crate::glauber::temperature::Temperature;
use crate::glauber::toys;
use crate::jobs::chains::FINDINGS;
use crate::progress::Silent;
use crate::store::{ChainCellRow, Project, RunId, StoreError};
use crate::ui::command::Table;
use crate::ui::widgets::VerdictKind;

/// A cell with what it has shown so far.
pub type Row = ChainCellRow<CellSummary>;

/// Exact mixing times by the bits of the effective beta, and the length.
pub type Exact = BTreeMap<(u64, u32), Option<u64>>;

/// Longest Curie-Weiss chain whose exact time is computed beside the diagram.
const LONGEST_EXACT: u32 = 256;

/// One model's diagram.
pub struct Subject {
    pub name: String,
    pub heat: Figure,
    pub times: Figure,
    /// `None` without theory.
    pub alpha: Option<Figure>,
    /// By place of the length in [`PhaseView::lengths`]; `None` without a margin there.
    pub arrhenius: Vec<Option<Figure>>,
    pub exponents: Option<Figure>,
    pub susceptibility: Option<Figure>,
    pub slopes: Option<Figure>,
    pub laws: Table,
    pub growth: Table,
    pub bounds: Table,
    pub sizes: Table,
    pub findings: Option<PhaseFindings>,
}

/// Results of a phase run so far, ready to draw.
pub struct PhaseView {
    pub spec: PhaseSpec,
    /// Ascending.
    pub temperatures: Vec<Temperature>,
    pub lengths: Vec<u32>,
    pub subjects: Vec<Subject>,
    pub rows: Vec<Arc<Row>>,
    pub cells_table: Table,
    pub finished: usize,
    pub verdict: (VerdictKind, String),
    exact: Arc<Exact>,
}

impl PhaseView {
    /// Reads what the run has committed; `known` is the view before, whose exact times are kept.
    pub fn load(
        project: &Project,
        run: RunId,
        spec: &PhaseSpec,
        known: Option<Arc<Exact>>,
    ) -> Result<Self, StoreError> {
        let rows = project.chain_cells::<CellSummary>(run)?;
        let findings = project.document::<Vec<PhaseFindings>>(run, FINDINGS)?.unwrap_or_default();
        Ok(Self::new(spec, rows, findings, known.unwrap_or_default()))
    }

    /// The exact times computed so far, to be handed to the next [`Self::load`].
    pub fn exact(&self) -> Arc<Exact> {
        self.exact.clone()
    }

    /// Works out figures and tables.
    pub fn new(spec: &PhaseSpec, rows: Vec<Row>, findings: Vec<PhaseFindings>, mut exact: Arc<Exact>) -> Self {
        let mut temperatures = spec.grid.temperatures.clone();
        temperatures.sort_by(|a, b| a.get().total_cmp(&b.get()));
        let mut lengths = spec.grid.lengths.clone();
        lengths.sort_unstable();
        let rows: Vec<Arc<Row>> = rows.into_iter().map(Arc::new).collect();
        let subjects = spec
            .subjects()
            .enumerate()
            .map(|(number, name)| {
                let beta = curie_weiss_beta(name);
                if let Some(beta) = beta {
                    complete(Arc::make_mut(&mut exact), beta, &temperatures, &lengths);
                }
                let part = Part {
                    spec,
                    name,
                    temperatures: &temperatures,
                    lengths: &lengths,
                    rows: rows.iter().filter(|row| row.subject as usize == number).map(|row| &**row).collect(),
                    findings: findings.iter().find(|found| found.subject == number),
                    beta,
                    exact: &exact,
                };
                part.subject()
            })
            .collect();
        let finished = rows.iter().filter(|row| row.finished).count();
        let own: Vec<&Row> = rows.iter().filter(|row| row.subject == 0).map(|row| &**row).collect();
        let verdict = verdict::verdict(spec, &temperatures, &own, findings.iter().find(|found| found.subject == 0));
        let cells_table = tables::cells(&rows, spec);
        Self { spec: spec.clone(), temperatures, lengths, subjects, rows, cells_table, finished, verdict, exact }
    }

    /// The cell at this place of a subject's map.
    pub fn cell(&self, subject: usize, length: u32, temperature: Temperature) -> Option<&Arc<Row>> {
        self.rows
            .iter()
            .find(|row| row.subject as usize == subject && row.length == length && row.temperature == temperature)
    }

    /// Length and temperature of a row and column of a map; the longest length is on top.
    pub fn place(&self, (row, column): (usize, usize)) -> Option<(u32, Temperature)> {
        let length = self.lengths.len().checked_sub(row + 1).map(|at| self.lengths[at])?;
        Some((length, *self.temperatures.get(column)?))
    }

    /// Row and column of a cell.
    pub fn spot(&self, length: u32, temperature: Temperature) -> Option<(usize, usize)> {
        let row = self.lengths.iter().rev().position(|&other| other == length)?;
        Some((row, self.temperatures.iter().position(|&other| other == temperature)?))
    }
}

/// What one subject's figures are made of.
pub struct Part<'a> {
    pub spec: &'a PhaseSpec,
    pub name: &'a str,
    pub temperatures: &'a [Temperature],
    pub lengths: &'a [u32],
    pub rows: Vec<&'a Row>,
    pub findings: Option<&'a PhaseFindings>,
    /// Of a Curie-Weiss control.
    beta: Option<f64>,
    exact: &'a Exact,
}

impl Part<'_> {
    fn subject(&self) -> Subject {
        Subject {
            name: self.name.to_owned(),
            heat: figures::heat(self),
            times: figures::times(self),
            alpha: figures::alpha(self),
            arrhenius: self.lengths.iter().map(|&length| figures::arrhenius(self, length)).collect(),
            exponents: figures::exponents(self),
            susceptibility: figures::susceptibility(self),
            slopes: figures::slopes(self),
            laws: tables::laws(self),
            growth: tables::growth(self),
            bounds: tables::bounds(self),
            sizes: tables::sizes(self),
            findings: self.findings.cloned(),
        }
    }

    /// The cell at this temperature and length.
    pub fn cell(&self, length: u32, temperature: Temperature) -> Option<&Row> {
        self.rows.iter().copied().find(|row| row.length == length && row.temperature == temperature)
    }

    /// Exact mixing time of a Curie-Weiss control, steps.
    pub fn exact(&self, length: u32, temperature: Temperature) -> Option<u64> {
        let beta = effective(self.beta?, temperature)?;
        self.exact.get(&(beta.to_bits(), length)).copied().flatten()
    }

    /// Whether an exact mixing time is known for this model.
    pub fn is_exact(&self) -> bool {
        self.beta.is_some()
    }
}

/// The inverse temperature at which a control of `beta` runs at `temperature`.
fn effective(beta: f64, temperature: Temperature) -> Option<f64> {
    let tau = temperature.get();
    (tau > 0.0).then(|| beta / tau).filter(|beta| beta.is_finite())
}

/// Beta of a Curie-Weiss toy.
fn curie_weiss_beta(reference: &str) -> Option<f64> {
    let canonical = toys::canonical(reference).ok()?;
    let settings = canonical.strip_prefix("curie-weiss:")?;
    settings.split(',').find_map(|setting| setting.strip_prefix("beta="))?.parse().ok()
}

/// Computes the exact times that are missing.
fn complete(exact: &mut Exact, beta: f64, temperatures: &[Temperature], lengths: &[u32]) {
    for &temperature in temperatures {
        let Some(beta) = effective(beta, temperature) else { continue };
        for &length in lengths.iter().filter(|&&length| length <= LONGEST_EXACT) {
            exact.entry((beta.to_bits(), length)).or_insert_with(|| {
                let model = CurieWeiss::new(length as usize, beta).ok()?;
                model.mixing_time(0.25, &Silent).ok().flatten()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_brings_its_exact_time() {
        assert_eq!(curie_weiss_beta("curie-weiss:beta=1.5"), Some(1.5));
        assert_eq!(curie_weiss_beta("agora"), None);
        let mut exact = Exact::new();
        let tau = Temperature::new(2.0).unwrap();
        complete(&mut exact, 1.0, &[tau], &[8, 16]);
        // glauber.md A7 at beta = 1 / 2.
        assert_eq!(exact[&(0.5f64.to_bits(), 8)], Some(18));
        assert_eq!(exact[&(0.5f64.to_bits(), 16)], Some(46));
    }
}
