//! How many dimensions lenses need (eigenbench.md, section 4.5): cross-validation by scenarios, since both orders and all
//! criteria of a pair are near copies and rows would leak.

use super::btd::{FitSpec, fit};
use super::comparisons::{Comparison, counted};
use crate::progress::{Cancelled, Progress};
use crate::statistics::Stream;

/// Held-out loss of one dimension.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct HeldOutLoss {
    /// Dimension of lenses.
    pub dimension: usize,
    /// Mean negative log-likelihood of rows of scenarios that the fit has not seen.
    pub loss: f64,
    /// Standard error over the folds.
    pub error: f64,
}

/// The loss of each dimension over `folds` folds of scenarios, which `spec.seed` deals out.
///
/// # Errors
/// When the caller asks for the end.
pub fn cross_validate(
    models: usize,
    rows: &[Comparison],
    dimensions: &[usize],
    folds: usize,
    spec: FitSpec,
    progress: &dyn Progress,
) -> Result<Vec<HeldOutLoss>, Cancelled> {
    let scenarios = rows.iter().map(|row| row.scenario as usize + 1).max().unwrap_or(0);
    let mut fold_of = vec![0; scenarios];
    let order = Stream::new(spec.seed, u64::MAX).distinct(scenarios, scenarios);
    order.iter().enumerate().for_each(|(place, &scenario)| fold_of[scenario] = place % folds);
    let mut found = Vec::new();
    for &dimension in dimensions {
        let (mut total, mut seen, mut losses) = (0.0, 0.0, Vec::new());
        for fold in 0..folds {
            progress.checkpoint()?;
            let held = |row: usize| fold_of[rows[row].scenario as usize] == fold;
            let train = counted(rows, |row| f64::from(u8::from(!held(row))));
            let test = counted(rows, |row| f64::from(u8::from(held(row))));
            let fitted = fit(models, &train, FitSpec { dimension, ..spec }, None, &crate::progress::Silent)?;
            let count: f64 = test.iter().map(super::comparisons::Cell::rows).sum();
            if count > 0.0 {
                let loss = fitted.model.mean_nll(&test);
                total += loss * count;
                seen += count;
                losses.push(loss);
            }
        }
        let n = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / n;
        let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        found.push(HeldOutLoss { dimension, loss: total / f64::max(seen, 1.0), error: (variance / n).sqrt() });
    }
    Ok(found)
}
