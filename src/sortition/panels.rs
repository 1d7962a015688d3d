//! Panels of a problem as a program that is solved again and again: one column a type, one row a quota, then the size.
//! Households join as they are violated.

use super::problem::{Problem, RowKind};
use super::sampled::rows_of_types;
use super::simplex::Simplex;

/// The program of one problem; its bounds, limits and costs are the caller's to set.
#[derive(Clone, Debug)]
pub(super) struct Panels {
    /// One column a type, in the order of the problem.
    pub simplex: Simplex,
    /// The number of quota rows; they come first in the problem and here.
    quotas: usize,
}

impl Panels {
    pub(super) fn new(problem: &Problem) -> Self {
        let quotas = problem.rows.iter().take_while(|row| matches!(row.kind, RowKind::Quota { .. })).count();
        let mut limits: Vec<(f64, f64)> =
            problem.rows[..quotas].iter().map(|row| (f64::from(row.min), f64::from(row.max))).collect();
        limits.push((f64::from(problem.size), f64::from(problem.size)));
        let mut simplex = Simplex::new(limits);
        for (kind, rows) in problem.types.iter().zip(rows_of_types(problem)) {
            let own = rows.into_iter().filter(|&row| (row as usize) < quotas).chain([quotas as u32]);
            simplex.column(own.map(|row| (row, 1.0)).collect(), 0.0, 0.0, f64::from(kind.size()));
        }
        for row in &problem.rows[quotas..] {
            let terms = row.types.iter().map(|&t| (t as usize, 1.0)).collect();
            simplex.lazy_row(terms, f64::from(row.min), f64::from(row.max));
        }
        Self { simplex, quotas }
    }

    /// Other limits for a row of the problem.
    pub(super) fn set_limits(&mut self, row: usize, lower: f64, upper: f64) {
        match row.checked_sub(self.quotas) {
            None => self.simplex.set_limits(row, lower, upper),
            Some(waiting) => self.simplex.set_lazy_limits(waiting, lower, upper),
        }
    }

    /// What one unit more of the binding limit of each row of the problem, and at the end of the size, adds to the least
    /// cost.
    pub(super) fn prices(&self, problem: &Problem) -> Vec<f64> {
        let mut prices: Vec<f64> = (0..self.quotas).map(|row| self.simplex.price(row)).collect();
        prices.resize(problem.rows.len(), 0.0);
        for (row, waiting) in self.simplex.joined() {
            prices[self.quotas + waiting] = self.simplex.price(row);
        }
        prices.push(self.simplex.price(self.quotas));
        prices
    }
}
