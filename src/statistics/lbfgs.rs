//! Limited-memory BFGS for smooth functions of many variables (Nocedal 1980; line search with the approximate Wolfe
//! conditions of Hager and Zhang 2005, which still tell steps apart where rounding hides what is gained).

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 20;

/// Where a descent ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The point.
    pub at: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// Largest entry of the gradient there.
    pub slope: f64,
    /// Steps taken.
    pub steps: usize,
}

/// Goes down from `start` until no entry of the gradient is larger than `slope`, for at most `steps` steps, or until
/// rounding leaves nothing to gain. `function` fills the gradient and returns the value.
pub fn minimise(
    start: Vec<f64>,
    slope: f64,
    steps: usize,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let mut at = start;
    let mut gradient = vec![0.0; at.len()];
    let mut value = function(&at, &mut gradient);
    let mut memory: std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)> = std::collections::VecDeque::new();
    let mut taken = 0;
    while taken < steps && largest(&gradient) > slope {
        let mut direction = direction(&gradient, &memory);
        let mut descent = dot(&direction, &gradient);
        if descent >= 0.0 {
            memory.clear();
            direction = gradient.iter().map(|g| -g).collect();
            descent = dot(&direction, &gradient);
        }
        let first = if memory.is_empty() { (1.0 / largest(&gradient)).min(1.0) } else { 1.0 };
        let Some((next, reached, new_gradient)) = search(&at, value, &direction, descent, first, &mut function) else {
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        let step: Vec<f64> = next.iter().zip(&at).map(|(new, old)| new - old).collect();
        let change: Vec<f64> = new_gradient.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let curvature = dot(&step, &change);
        if curvature > 1e-14 * dot(&change, &change) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((step, change, curvature));
        }
        (at, value, gradient) = (next, reached, new_gradient);
        taken += 1;
    }
    let slope = largest(&gradient);
    Minimum { at, value, slope, steps: taken }
}

/// A point along the direction that meets the (approximate) Wolfe conditions, by bracketing and bisection.
fn search(
    at: &[f64],
    value: f64,
    direction: &[f64],
    descent: f64,
    first: f64,
    function: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut length = first;
    let noise = 1e-13 * (1.0 + value.abs());
    for _ in 0..60 {
        let next: Vec<f64> = at.iter().zip(direction).map(|(x, d)| x + length * d).collect();
        let mut gradient = vec![0.0; at.len()];
        let reached = function(&next, &mut gradient);
        let slope = dot(direction, &gradient);
        let sinks = reached <= value + 1e-4 * length * descent || (reached <= value + noise && slope <= -0.8 * descent);
        if !reached.is_finite() || !sinks {
            high = length;
        } else if slope < 0.9 * descent {
            low = length;
        } else {
            return Some((next, reached, gradient));
        }
        length = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * length };
    }
    None
}

/// Minus the inverse of the remembered curvature times the gradient (two loops).
fn direction(gradient: &[f64], memory: &std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut weights = Vec::with_capacity(memory.len());
    for (step, change, curvature) in memory.iter().rev() {
        let weight = dot(step, &q) / curvature;
        q.iter_mut().zip(change).for_each(|(q, change)| *q -= weight * change);
        weights.push(weight);
    }
    if let Some((_, change, curvature)) = memory.back() {
        let scale = curvature / dot(change, change);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((step, change, curvature), weight) in memory.iter().zip(weights.into_iter().rev()) {
        let other = dot(change, &q) / curvature;
        q.iter_mut().zip(step).for_each(|(q, step)| *q += (weight - other) * step);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().map(|value| value.abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bent_valley_of_rosenbrock() {
        let function = |x: &[f64], gradient: &mut [f64]| {
            gradient.fill(0.0);
            let mut value = 0.0;
            for i in 0..x.len() - 1 {
                let (bend, rest) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
                value += 100.0 * bend * bend + rest * rest;
                gradient[i] += -400.0 * bend * x[i] - 2.0 * rest;
                gradient[i + 1] += 200.0 * bend;
            }
            value
        };
        let found = minimise(vec![-1.2, 1.0, -1.2, 1.0, 0.5], 1e-10, 500, function);
        assert!(found.slope <= 1e-10, "{found:?}");
        assert!(found.at.iter().all(|x| (x - 1.0).abs() < 1e-9), "{found:?}");
        assert!(found.steps < 150, "{}", found.steps);
    }
}
