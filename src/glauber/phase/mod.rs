//! The phase diagram over temperature and length (glauber.md section 5.3).
//!
//! Cells hold coupled pairs; [`growth()`] says how the coupling time grows with n at one temperature, [`critical()`]
//! where that changes, [`finite_size()`] whether the change deserves the name of a transition.

mod cells;
mod critical;
mod finite_size;
mod growth;
mod plan;
mod snapshots;
#[cfg(test)]
mod tests;

pub use cells::{CellResult, PhaseCell, cell_result};
pub use critical::{Critical, CriticalTemperature, LengthCritical, critical};
pub use finite_size::{FiniteSize, LengthSize, Trend, Verdict, finite_size};
pub use growth::{Growth, GrowthFit, GrowthModel, LocalExponent, growth};
pub use plan::{Decision, Finished, Grid, Policy, Work, order_of_work};
pub use snapshots::{Snapshots, snapshots};

use crate::statistics::quantile;

/// A number with a 95 % interval; an end is `None` where it is open or not known.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl Estimate {
    /// Percentile interval from bootstrap values, of which infinities open their end; none from fewer than 20.
    fn new(value: f64, resampled: &[f64]) -> Self {
        let order = crate::statistics::sorted(resampled);
        let end = |p: f64| Some(quantile(&order, p)).filter(|x| x.is_finite() && order.len() >= 20);
        Self { value, lower: end(0.025), upper: end(0.975) }
    }
}
