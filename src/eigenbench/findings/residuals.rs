//! Whether the Bradley-Terry-Davidson model says what judges did.

use crate::eigenbench::comparisons::Cell;

/// Judgements of one judge on one ordered pair, against what the model expects.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Residual {
    pub judge: u16,
    pub first: u16,
    pub second: u16,
    pub rows: f64,
    /// Points of the first, a tie being half.
    pub observed: f64,
    pub expected: f64,
    /// Observed less expected in standard deviations; 0 where the model leaves no doubt.
    pub standardised: f64,
}

/// How often something came true that the model gave a chance like this.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CalibrationBin {
    /// Mean chance that was given.
    pub predicted: f64,
    /// Share that came true.
    pub observed: f64,
    /// Events (a tie, the first, the second, each for each judgement).
    pub events: f64,
}

/// Chances of a tie, of the first, of the second.
pub(super) fn chances(scores: &[f64], lambda: f64, first: usize, second: usize) -> [f64; 3] {
    let (a, b) = (scores[first], scores[second]);
    let largest = a.max(b);
    let sizes = [lambda * (0.5 * (a + b) - largest).exp(), (a - largest).exp(), (b - largest).exp()];
    let all: f64 = sizes.iter().sum();
    sizes.map(|size| size / all)
}

/// Residuals of all cells, and calibration in tenths. `scores` are `[judges][models]`.
pub(super) fn residuals(cells: &[Cell], scores: &[Vec<f64>], lambda: &[f64]) -> (Vec<Residual>, Vec<CalibrationBin>) {
    let mut found = Vec::with_capacity(cells.len());
    let mut bins = [[0.0; 3]; 10];
    for cell in cells {
        let judge = usize::from(cell.judge);
        let chances = chances(&scores[judge], lambda[judge], usize::from(cell.first), usize::from(cell.second));
        let rows = cell.rows();
        let observed = cell.counts[1] + 0.5 * cell.counts[0];
        let mean = chances[1] + 0.5 * chances[0];
        let variance = rows * (chances[1] + 0.25 * chances[0] - mean * mean);
        let expected = rows * mean;
        let standardised = if variance > 1e-12 { (observed - expected) / variance.sqrt() } else { 0.0 };
        let Cell { judge, first, second, .. } = *cell;
        found.push(Residual { judge, first, second, rows, observed, expected, standardised });
        for (chance, count) in chances.into_iter().zip(cell.counts) {
            let bin = &mut bins[((chance * 10.0) as usize).min(9)];
            bin[0] += rows * chance;
            bin[1] += count;
            bin[2] += rows;
        }
    }
    let bin = |&[predicted, observed, events]: &[f64; 3]| CalibrationBin {
        predicted: predicted / events,
        observed: observed / events,
        events,
    };
    (found, bins.iter().filter(|bin| bin[2] > 0.0).map(bin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_leaves_no_residual() {
        // Scores ln 4 apart, lambda 1: 8 wins, 2 losses, 4 ties of 14 are just what is expected.
        let scores = [vec![4f64.ln(), 0.0]];
        let cell = |counts| Cell { judge: 0, first: 0, second: 1, counts };
        let (found, bins) = residuals(&[cell([4.0, 8.0, 2.0])], &scores, &[1.0]);
        assert!(found[0].standardised.abs() < 1e-12 && (found[0].expected - 10.0).abs() < 1e-12);
        assert!(bins.iter().all(|bin| (bin.predicted - bin.observed).abs() < 1e-12));
        assert!((bins.iter().map(|bin| bin.events).sum::<f64>() - 42.0).abs() < 1e-12);
        let (found, _) = residuals(&[cell([0.0, 14.0, 0.0])], &scores, &[1.0]);
        // Points have mean 5/7 and variance 4/7 + 1/4 * 2/7 - 25/49 = 13/98 each.
        assert!((found[0].standardised - 4.0 / (14.0f64 * 13.0 / 98.0).sqrt()).abs() < 1e-9);
    }
}
