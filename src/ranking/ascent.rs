//! Newton's method for concave log-likelihoods of abilities that are known up to a constant.

use crate::statistics::solve_positive;

/// Newton decrement, relative to the value, below which whole steps are safe and rounding hides what they gain.
const NEAR: f64 = 1e-12;
/// Whole steps from there: each squares what is left.
const LAST_STEPS: usize = 3;
/// Steps; a concave likelihood with a finite maximum takes a dozen.
const STEPS: usize = 200;

/// A log-likelihood at one point.
pub(super) struct Point {
    pub value: f64,
    pub gradient: Vec<f64>,
    /// The negative Hessian by rows.
    pub curvature: Vec<f64>,
}

/// The maximum over abilities whose mean is 0, from `start` on. `None` where no finite maximum was reached.
pub(super) fn maximise(start: &[f64], at: impl Fn(&[f64]) -> Point) -> Option<Vec<f64>> {
    let models = start.len();
    let mut abilities = start.to_vec();
    if models < 2 {
        return Some(abilities);
    }
    // The last ability stays where it is while the others move.
    let free = models - 1;
    let mut point = at(&abilities);
    let mut last = 0;
    for _ in 0..STEPS {
        let rows = (0..free).flat_map(|row| point.curvature[row * models..][..free].iter().copied());
        let step = solve_positive(&rows.collect::<Vec<f64>>(), &point.gradient[..free])?;
        let decrement: f64 = step.iter().zip(&point.gradient).map(|(step, slope)| step * slope).sum();
        let mut scale = 1.0;
        if decrement <= NEAR * (1.0 + point.value.abs()) {
            last += 1;
            moved_by(&mut abilities, &step, scale);
            if last == LAST_STEPS {
                let mean = abilities.iter().sum::<f64>() / models as f64;
                abilities.iter_mut().for_each(|ability| *ability -= mean);
                return Some(abilities);
            }
            point = at(&abilities);
            continue;
        }
        loop {
            let mut next = abilities.clone();
            moved_by(&mut next, &step, scale);
            let reached = at(&next);
            if reached.value >= point.value + 1e-4 * scale * decrement {
                (abilities, point) = (next, reached);
                break;
            }
            scale *= 0.5;
            if scale < 1e-10 {
                return None;
            }
        }
    }
    None
}

fn moved_by(abilities: &mut [f64], step: &[f64], scale: f64) {
    abilities.iter_mut().zip(step).for_each(|(ability, step)| *ability += scale * step);
}
