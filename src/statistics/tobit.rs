//! Normal linear regression with right-censored answers, by maximum likelihood.

use super::special::{log_normal_survival, normal_hazard, solve_positive};

/// Most Newton steps; the likelihood is concave, a dozen suffice.
const STEPS: usize = 200;

/// All observations that share one row of covariates, by what the likelihood needs of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TobitCell {
    /// Covariates, a constant included where the model has one.
    pub x: Vec<f64>,
    /// Number, sum and sum of squares of the answers seen.
    pub events: f64,
    pub sum: f64,
    pub sum_squares: f64,
    /// Answers known only to exceed a value: the value, and how many.
    pub censored: Vec<(f64, f64)>,
}

/// `y = x beta + sd * epsilon` with standard normal errors.
#[derive(Clone, Debug, PartialEq)]
pub struct TobitFit {
    pub beta: Vec<f64>,
    pub sd: f64,
    /// Log likelihood of `y` at the maximum.
    pub log_likelihood: f64,
}

/// Log likelihood, gradient and negative Hessian in `(beta / sd, 1 / sd)`, in which it is concave (Olsen 1978).
fn likelihood(cells: &[TobitCell], theta: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let d = theta.len();
    let gamma = theta[d - 1];
    let (mut value, mut gradient, mut curvature) = (0.0, vec![0.0; d], vec![0.0; d * d]);
    let mut row = vec![0.0; d];
    for cell in cells {
        let mean: f64 = cell.x.iter().zip(theta).map(|(x, delta)| x * delta).sum();
        let (m, s1, s2) = (cell.events, cell.sum, cell.sum_squares);
        if m > 0.0 {
            // r = gamma y - x delta, summed over the cell.
            let squares = gamma * gamma * s2 - 2.0 * gamma * mean * s1 + m * mean * mean;
            value += m * gamma.ln() - 0.5 * squares - 0.5 * m * std::f64::consts::TAU.ln();
            let first = gamma * s1 - m * mean;
            for i in 0..d - 1 {
                gradient[i] += first * cell.x[i];
                for j in 0..d - 1 {
                    curvature[i * d + j] += m * cell.x[i] * cell.x[j];
                }
                curvature[i * d + d - 1] -= cell.x[i] * s1;
                curvature[(d - 1) * d + i] -= cell.x[i] * s1;
            }
            gradient[d - 1] += m / gamma - (gamma * s2 - mean * s1);
            curvature[d * d - 1] += m / (gamma * gamma) + s2;
        }
        for &(y, weight) in &cell.censored {
            let r = gamma * y - mean;
            let hazard = normal_hazard(r);
            let bend = weight * hazard * (hazard - r).max(0.0);
            value += weight * log_normal_survival(r);
            // dr/dtheta
            row[..d - 1].iter_mut().zip(&cell.x).for_each(|(r, x)| *r = -x);
            row[d - 1] = y;
            for i in 0..d {
                gradient[i] -= weight * hazard * row[i];
                for j in 0..d {
                    curvature[i * d + j] += bend * row[i] * row[j];
                }
            }
        }
    }
    (value, gradient, curvature)
}

/// Fits by damped Newton steps from `start` (an earlier fit of similar data) or from least squares.
///
/// `None` where no maximum exists: fewer distinct rows with events than covariates, or answers without spread.
pub fn tobit(cells: &[TobitCell], start: Option<&TobitFit>) -> Option<TobitFit> {
    let p = cells.first()?.x.len();
    let d = p + 1;
    let theta = match start {
        Some(fit) => fit.beta.iter().map(|b| b / fit.sd).chain([1.0 / fit.sd]).collect(),
        None => least_squares(cells, p)?,
    };
    let mut theta: Vec<f64> = theta;
    let (mut value, mut gradient, mut curvature) = likelihood(cells, &theta);
    for _ in 0..STEPS {
        let step = solve_positive(&curvature, &gradient)?;
        let decrement: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        if !decrement.is_finite() || !value.is_finite() {
            return None;
        }
        if decrement < 1e-16 * (1.0 + value.abs()) {
            break;
        }
        let mut size = 1.0;
        let better = loop {
            let next: Vec<f64> = theta.iter().zip(&step).map(|(t, s)| t + size * s).collect();
            if next[d - 1] > 0.0 {
                let found = likelihood(cells, &next);
                if found.0 >= value + 1e-4 * size * decrement {
                    break Some((next, found));
                }
            }
            size /= 2.0;
            if size < 1e-12 {
                break None;
            }
        };
        // No step improves by more than rounding: this is the maximum.
        let Some((next, found)) = better else { break };
        theta = next;
        (value, gradient, curvature) = found;
    }
    let sd = 1.0 / theta[d - 1];
    let beta: Vec<f64> = theta[..p].iter().map(|delta| delta * sd).collect();
    // Answers without spread drive sd to 0 and the likelihood to infinity: no fit.
    (sd > 1e-9 && beta.iter().all(|b| b.is_finite())).then_some(TobitFit { beta, sd, log_likelihood: value })
}

/// Least squares on the events alone, as `(beta / sd, 1 / sd)`; `None` where their rows do not determine it.
fn least_squares(cells: &[TobitCell], p: usize) -> Option<Vec<f64>> {
    let (mut a, mut b) = (vec![0.0; p * p], vec![0.0; p]);
    for cell in cells {
        for i in 0..p {
            b[i] += cell.x[i] * cell.sum;
            for j in 0..p {
                a[i * p + j] += cell.events * cell.x[i] * cell.x[j];
            }
        }
    }
    let beta = solve_positive(&a, &b)?;
    let (mut squares, mut events) = (0.0, 0.0);
    for cell in cells {
        let mean: f64 = cell.x.iter().zip(&beta).map(|(x, b)| x * b).sum();
        squares += cell.sum_squares - 2.0 * mean * cell.sum + cell.events * mean * mean;
        events += cell.events;
    }
    let sd = (squares / events).sqrt();
    (sd > 1e-9).then(|| beta.iter().map(|b| b / sd).chain([1.0 / sd]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{Stream, normal_quantile};

    fn cell(x: &[f64], answers: &[f64], cap: f64) -> TobitCell {
        let mut cell = TobitCell { x: x.to_vec(), ..TobitCell::default() };
        for &y in answers {
            if y < cap {
                cell.events += 1.0;
                cell.sum += y;
                cell.sum_squares += y * y;
            } else {
                cell.censored.push((cap, 1.0));
            }
        }
        cell
    }

    #[test]
    fn without_censoring_it_is_least_squares() {
        let cells = [cell(&[1.0, 0.0], &[1.0, 3.0], 99.0), cell(&[1.0, 2.0], &[5.0, 7.0], 99.0)];
        let fit = tobit(&cells, None).unwrap();
        // Means 2 and 6, all residuals 1.
        assert!((fit.beta[0] - 2.0).abs() < 1e-9 && (fit.beta[1] - 2.0).abs() < 1e-9 && (fit.sd - 1.0).abs() < 1e-9);
        let known = -2.0 * std::f64::consts::TAU.ln() - 2.0;
        assert!((fit.log_likelihood - known).abs() < 1e-9);
    }

    #[test]
    fn censoring_does_not_bias_and_the_score_vanishes() {
        let mut stream = Stream::new(5, 0);
        let cells: Vec<TobitCell> = (0..8)
            .map(|k| {
                let x = f64::from(k);
                let answers: Vec<f64> =
                    (0..4000).map(|_| 1.0 + 0.5 * x + 0.7 * normal_quantile(stream.unit().max(1e-12))).collect();
                cell(&[1.0, x], &answers, 3.5)
            })
            .collect();
        let fit = tobit(&cells, None).unwrap();
        assert!((fit.beta[0] - 1.0).abs() < 0.03 && (fit.beta[1] - 0.5).abs() < 0.01, "{fit:?}");
        assert!((fit.sd - 0.7).abs() < 0.015, "{fit:?}");
        // The maximum, against differences of the likelihood itself.
        let at = |beta: [f64; 2], sd: f64| likelihood(&cells, &[beta[0] / sd, beta[1] / sd, 1.0 / sd]).0;
        let best = at([fit.beta[0], fit.beta[1]], fit.sd);
        for (a, b, s) in [(1e-3, 0.0, 0.0), (-1e-3, 0.0, 0.0), (0.0, 1e-3, 0.0), (0.0, -1e-3, 0.0), (0.0, 0.0, 1e-3)] {
            assert!(at([fit.beta[0] + a, fit.beta[1] + b], fit.sd + s) < best);
        }
        // From another start, the same maximum.
        let start = TobitFit { beta: vec![-3.0, 2.0], sd: 4.0, log_likelihood: 0.0 };
        let again = tobit(&cells, Some(&start)).unwrap();
        assert!((again.beta[1] - fit.beta[1]).abs() < 1e-8 && (again.sd - fit.sd).abs() < 1e-8);
    }

    #[test]
    fn no_maximum_no_fit() {
        assert_eq!(tobit(&[], None), None);
        assert_eq!(tobit(&[cell(&[1.0], &[9.0, 9.0], 5.0)], None), None, "all censored");
        assert_eq!(tobit(&[cell(&[1.0], &[2.0, 2.0], 5.0)], None), None, "no spread");
        let one_row = [cell(&[1.0, 1.0], &[1.0, 2.0], 5.0), cell(&[1.0, 2.0], &[9.0], 5.0)];
        assert_eq!(tobit(&one_row, None), None, "a slope needs events at two places");
    }
}
