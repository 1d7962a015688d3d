//! Logistic regression with an L2 penalty.

use super::random::Stream;

/// Newton steps after which a fit is called unfinished.
const MOST_STEPS: usize = 100;

/// `P(label) = 1 / (1 + exp(-(intercept + weights . x)))`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Logistic {
    pub weights: Vec<f64>,
    pub intercept: f64,
    /// Factor of `|weights|^2 / 2` beside the sum of the log losses; the intercept is free of it.
    pub penalty: f64,
    /// Newton steps taken.
    pub steps: usize,
    /// Whether the gradient vanished (below 1e-8 of the number of cases).
    pub converged: bool,
}

impl Logistic {
    /// Minimises `sum of log losses + penalty |w|^2 / 2` over row-major `points` by Newton's method with step halving.
    ///
    /// Where there are fewer points than numbers in each, the work is done in the span of the points, where the minimum
    /// lies (representer theorem): cost O(steps x min(points, width)^3). `None` unless both classes appear, `penalty` is
    /// positive and all is finite.
    pub fn fit(points: &[f64], width: usize, labels: &[bool], penalty: f64) -> Option<Self> {
        let rows = labels.len();
        let finite = points.iter().all(|x| x.is_finite()) && penalty.is_finite();
        let both = labels.iter().any(|&l| l) && labels.iter().any(|&l| !l);
        if width == 0 || points.len() != rows * width || !both || penalty <= 0.0 || !finite {
            return None;
        }
        if rows < width {
            let (basis, reduced) = span(points, width);
            let dimensions = basis.len() / width;
            let inner = newton(&reduced, dimensions, labels, penalty)?;
            let mut weights = vec![0.0; width];
            for (direction, factor) in basis.chunks_exact(width).zip(&inner.weights) {
                weights.iter_mut().zip(direction).for_each(|(w, d)| *w += factor * d);
            }
            return Some(Self { weights, ..inner });
        }
        newton(points, width, labels, penalty)
    }

    /// Probability that `point` belongs to the labelled class.
    pub fn probability(&self, point: &[f64]) -> f64 {
        sigmoid(self.intercept + dot(&self.weights, point))
    }
}

/// The penalty of least mean held-out log loss over `folds` folds drawn from `seed`; of equals the largest.
///
/// Folds are stratified. `None` where no penalty of `candidates` could be fitted on every fold.
pub fn choose_penalty(
    points: &[f64],
    width: usize,
    labels: &[bool],
    candidates: &[f64],
    folds: usize,
    seed: u64,
) -> Option<f64> {
    let mut fold_of = vec![0usize; labels.len()];
    for (number, class) in [false, true].into_iter().enumerate() {
        let members: Vec<usize> = (0..labels.len()).filter(|&k| labels[k] == class).collect();
        let order = Stream::new(seed, number as u64).distinct(members.len(), members.len());
        order.iter().enumerate().for_each(|(place, &k)| fold_of[members[k]] = place % folds.max(2));
    }
    let mut best: Option<(f64, f64)> = None;
    let mut ordered = candidates.to_vec();
    ordered.sort_by(|a, b| b.total_cmp(a));
    for penalty in ordered {
        let mut loss = 0.0;
        for fold in 0..folds.max(2) {
            let inside: Vec<usize> = (0..labels.len()).filter(|&k| fold_of[k] != fold).collect();
            let rows: Vec<f64> = inside.iter().flat_map(|&k| points[k * width..][..width].iter().copied()).collect();
            let kept: Vec<bool> = inside.iter().map(|&k| labels[k]).collect();
            let Some(model) = Logistic::fit(&rows, width, &kept, penalty) else {
                loss = f64::INFINITY;
                break;
            };
            for k in (0..labels.len()).filter(|&k| fold_of[k] == fold) {
                let score = model.intercept + dot(&model.weights, &points[k * width..][..width]);
                loss += softplus(if labels[k] { -score } else { score });
            }
        }
        if loss.is_finite() && best.is_none_or(|(least, _)| loss < least) {
            best = Some((loss, penalty));
        }
    }
    best.map(|(_, penalty)| penalty)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn sigmoid(score: f64) -> f64 {
    if score >= 0.0 { 1.0 / (1.0 + (-score).exp()) } else { score.exp() / (1.0 + score.exp()) }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Orthonormal basis of the span of the rows (Gram-Schmidt, each row twice) and the rows' coordinates in it.
fn span(points: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut basis: Vec<f64> = Vec::new();
    for row in points.chunks_exact(width) {
        let length = dot(row, row).sqrt();
        let mut rest = row.to_vec();
        for _ in 0..2 {
            for direction in basis.chunks_exact(width) {
                let along = dot(direction, &rest);
                rest.iter_mut().zip(direction).for_each(|(r, d)| *r -= along * d);
            }
        }
        let left = dot(&rest, &rest).sqrt();
        if left > 1e-10 * length {
            basis.extend(rest.iter().map(|r| r / left));
        }
    }
    if basis.is_empty() {
        // All rows are zero: one idle direction keeps the shapes whole.
        basis = vec![0.0; width];
    }
    let coordinates =
        points.chunks_exact(width).flat_map(|row| basis.chunks_exact(width).map(move |d| dot(d, row))).collect();
    (basis, coordinates)
}

fn newton(points: &[f64], width: usize, labels: &[bool], penalty: f64) -> Option<Logistic> {
    let size = width + 1;
    let rows = labels.len();
    // theta = (weights, intercept).
    let mut theta = vec![0.0; size];
    let score = |theta: &[f64], row: usize| dot(&theta[..width], &points[row * width..][..width]) + theta[width];
    let objective = |theta: &[f64]| {
        let loss: f64 = (0..rows).map(|r| softplus(if labels[r] { -score(theta, r) } else { score(theta, r) })).sum();
        loss + penalty / 2.0 * dot(&theta[..width], &theta[..width])
    };
    let mut value = objective(&theta);
    let (mut steps, mut converged) = (0, false);
    while steps < MOST_STEPS {
        let mut gradient: Vec<f64> = theta.iter().map(|t| penalty * t).collect();
        gradient[width] = 0.0;
        let mut hessian = vec![0.0; size * size];
        (0..width).for_each(|k| hessian[k * size + k] = penalty);
        for r in 0..rows {
            let p = sigmoid(score(&theta, r));
            let error = p - f64::from(u8::from(labels[r]));
            // A floor keeps the intercept's row positive where every case is certain.
            let curvature = (p * (1.0 - p)).max(1e-12);
            let x = |k: usize| if k == width { 1.0 } else { points[r * width + k] };
            for k in 0..size {
                gradient[k] += error * x(k);
                let scaled = curvature * x(k);
                (0..=k).for_each(|l| hessian[k * size + l] += scaled * x(l));
            }
        }
        if gradient.iter().map(|g| g.abs()).fold(0.0, f64::max) < 1e-8 * rows as f64 {
            converged = true;
            break;
        }
        let step = solve_positive(hessian, gradient)?;
        steps += 1;
        let mut factor = 1.0;
        let moved = loop {
            let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t - factor * s).collect();
            let there = objective(&next);
            if there <= value {
                break Some((next, there));
            }
            factor /= 2.0;
            if factor < 1e-10 {
                break None;
            }
        };
        // No step lowers the objective any more: rounding is all that is left.
        let Some((next, there)) = moved else { break };
        (theta, value) = (next, there);
    }
    let intercept = theta.pop()?;
    Some(Logistic { weights: theta, intercept, penalty, steps, converged })
}

/// Solves `matrix x = right` for a symmetric positive definite matrix given by its lower triangle (Cholesky).
fn solve_positive(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for k in 0..n {
        for l in 0..=k {
            let (upper, lower) = matrix.split_at(k * n);
            let known = if k == l { dot(&lower[..l], &lower[..l]) } else { dot(&lower[..l], &upper[l * n..][..l]) };
            let rest = matrix[k * n + l] - known;
            if k == l {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                matrix[k * n + k] = rest.sqrt();
            } else {
                matrix[k * n + l] = rest / matrix[l * n + l];
            }
        }
    }
    for k in 0..n {
        let known = dot(&matrix[k * n..][..k], &right[..k]);
        right[k] = (right[k] - known) / matrix[k * n + k];
    }
    for k in (0..n).rev() {
        let known: f64 = (k + 1..n).map(|l| matrix[l * n + k] * right[l]).sum();
        right[k] = (right[k] - known) / matrix[k * n + k];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_point_a_side_by_hand() {
        // x = 1 and x = -1: intercept 0 and penalty w = 2 sigmoid(-w).
        let fit = Logistic::fit(&[1.0, -1.0], 1, &[true, false], 0.5).unwrap();
        assert!(fit.converged && fit.intercept.abs() < 1e-9);
        assert!((0.5 * fit.weights[0] - 2.0 * sigmoid(-fit.weights[0])).abs() < 1e-7);
        assert!((fit.probability(&[0.0]) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_strong_penalty_leaves_the_base_rate() {
        let fit = Logistic::fit(&[1.0, -1.0, 2.0, 0.0], 1, &[true, false, true, true], 1e9).unwrap();
        assert!((fit.probability(&[5.0]) - 0.75).abs() < 1e-6);
    }

    #[test]
    fn more_numbers_than_points_give_the_same_minimum() {
        let mut stream = Stream::new(3, 0);
        let (rows, width) = (20, 50);
        let points: Vec<f64> = (0..rows * width).map(|_| stream.unit() - 0.5).collect();
        let labels: Vec<bool> = (0..rows).map(|r| points[r * width] > 0.0).collect();
        let reduced = Logistic::fit(&points, width, &labels, 0.1).unwrap();
        let direct = newton(&points, width, &labels, 0.1).unwrap();
        assert!(reduced.converged && direct.converged);
        for (a, b) in reduced.weights.iter().zip(&direct.weights) {
            assert!((a - b).abs() < 1e-6);
        }
        assert!((reduced.intercept - direct.intercept).abs() < 1e-6);
    }

    #[test]
    fn separable_classes_stay_finite() {
        let points: Vec<f64> = (0..40).map(|k| f64::from(k) - 19.5).collect();
        let labels: Vec<bool> = (0..40).map(|k| k >= 20).collect();
        let fit = Logistic::fit(&points, 1, &labels, 1e-6).unwrap();
        assert!(fit.weights[0].is_finite() && fit.probability(&[10.0]) > 0.999);
        assert_eq!(Logistic::fit(&points, 1, &[true; 40], 1.0), None);
        assert_eq!(Logistic::fit(&points, 1, &labels, 0.0), None);
    }

    #[test]
    fn noise_asks_for_a_large_penalty_and_a_signal_for_a_small_one() {
        let mut stream = Stream::new(9, 0);
        let candidates = [1e-3, 1e-1, 10.0, 1000.0];
        let noise: Vec<f64> = (0..60 * 20).map(|_| stream.unit() - 0.5).collect();
        let labels: Vec<bool> = (0..60).map(|_| stream.unit() < 0.5).collect();
        let of_noise = choose_penalty(&noise, 20, &labels, &candidates, 5, 1).unwrap();
        let signal: Vec<f64> = labels.iter().flat_map(|&l| [if l { 1.0 } else { -1.0 }, stream.unit() - 0.5]).collect();
        let of_signal = choose_penalty(&signal, 2, &labels, &candidates, 5, 1).unwrap();
        assert!(of_noise >= 10.0 && of_signal <= 1e-1, "{of_noise} {of_signal}");
        assert_eq!(choose_penalty(&signal, 2, &[true; 60], &candidates, 5, 1), None);
    }
}
