//! The birth-death chain that bounds how long a state stays near its anchor.

use super::super::conditionals::ConditionalsError;
use super::super::temperature::Temperature;

/// `eta = (V - 1) e^(-m/tau) / (1 + (V - 1) e^(-m/tau))`: an upper bound on the probability that a site with margin at
/// least `margin` (nats) among `vocabulary` tokens is set to another token than the anchor's.
pub fn deviation_bound(margin: f64, vocabulary: usize, temperature: Temperature) -> f64 {
    let others = vocabulary.saturating_sub(1) as f64;
    if others == 0.0 {
        return 0.0;
    }
    // Infinite temperature leaves the margin without force; temperature 0 decides by its sign, a tie leaving it open.
    let scaled = match (margin, temperature.get()) {
        (0.0, _) => 0.0,
        (m, tau) => m / tau,
    };
    1.0 / (1.0 + (scaled - others.ln()).exp())
}

fn check(sites: usize, eta: f64, radius: usize) -> Result<(), ConditionalsError> {
    if radius >= sites {
        return Err(ConditionalsError::Invalid(format!(
            "a radius of {radius} at {sites} sites cannot be left: choose a radius below the number of sites"
        )));
    }
    if !(eta > 0.0 && eta < 1.0) {
        return Err(ConditionalsError::Invalid(format!(
            "the deviation probability is {eta}: escape is predicted for numbers between 0 and 1"
        )));
    }
    Ok(())
}

/// The passages of the birth-death chain from k to k + 1 deviating sites: `ln E[steps]` and its derivative in m/tau.
fn passages(sites: usize, eta: f64, radius: usize) -> impl Iterator<Item = (f64, f64)> {
    let n = sites as f64;
    let mut before: Option<(f64, f64)> = None;
    (0..=radius).map(move |k| {
        let share = k as f64 / n;
        // 1/u_k, whose logarithm has slope -eta'/eta = 1 - eta; and d_k/u_k h_(k-1), d_k/u_k having slope 1.
        let first = (-((1.0 - share).ln() + eta.ln()), 1.0 - eta);
        let passage = match before {
            None => first,
            Some((log, slope)) => {
                add(first, (share.ln() + (-eta).ln_1p() - (1.0 - share).ln() - eta.ln() + log, 1.0 + slope))
            }
        };
        before = Some(passage);
        passage
    })
}

/// Sum of two positive numbers given by logarithms, each with the derivative of its logarithm.
fn add(x: (f64, f64), y: (f64, f64)) -> (f64, f64) {
    let (large, small) = if x.0 >= y.0 { (x, y) } else { (y, x) };
    let ratio = (small.0 - large.0).exp();
    (large.0 + ratio.ln_1p(), (large.1 + ratio * small.1) / (1.0 + ratio))
}

fn escape(sites: usize, eta: f64, radius: usize) -> Result<(f64, f64), ConditionalsError> {
    check(sites, eta, radius)?;
    Ok(passages(sites, eta, radius).reduce(add).unwrap_or((f64::NEG_INFINITY, 0.0)))
}

/// `ln E[T]`, T the single-site steps from the anchor until `radius + 1` sites deviate, each updated site deviating with
/// probability `eta` (between 0 and 1).
///
/// `E[T] = sum_{k=0}^{radius} h_k, h_0 = 1/u_0, h_k = 1/u_k + (d_k/u_k) h_(k-1)`, with `u_k = (1 - k/n) eta` and
/// `d_k = (k/n) (1 - eta)`. Exact for independent sites; with an `eta` that bounds the deviation in the whole ball of that
/// radius it is a lower bound for the chain.
pub fn log_expected_escape(sites: usize, eta: f64, radius: usize) -> Result<f64, ConditionalsError> {
    escape(sites, eta, radius).map(|(log, _)| log)
}

/// `E[T]` in steps; see [`log_expected_escape`]. `None` beyond what f64 holds.
pub fn expected_escape(sites: usize, eta: f64, radius: usize) -> Result<Option<f64>, ConditionalsError> {
    log_expected_escape(sites, eta, radius).map(|log| Some(log.exp()).filter(|steps| steps.is_finite()))
}

/// Slope `d ln E[T] / d(m/tau)` at `eta(m/tau)`, which tends to `radius + 1` as the temperature falls.
pub fn arrhenius_slope(sites: usize, eta: f64, radius: usize) -> Result<f64, ConditionalsError> {
    escape(sites, eta, radius).map(|(_, slope)| slope)
}

/// Rate of escape per site, nats: the relative entropy of rho to eta, `rho ln(rho/eta) + (1-rho) ln((1-rho)/(1-eta))` for
/// `eta < rho`, and 0 otherwise, where escape is not exponentially slow. `ln E[T] ~ n rate` for a radius of `rho n`.
///
/// glauber.md section 4 has `rho ln((1-eta)/eta) - H(rho)`, which is less by `ln 1/(1-eta)`: right only as eta tends to 0.
/// The stationary law of the deviating sites is binomial(n, eta), whose large deviations have this rate.
pub fn rate(rho: f64, eta: f64) -> f64 {
    if eta >= rho {
        return 0.0;
    }
    let stays = if rho < 1.0 { (1.0 - rho) * ((1.0 - rho) / (1.0 - eta)).ln() } else { 0.0 };
    rho * (rho / eta).ln() + stays
}

/// Leading term `n rate(radius/n, eta)` of `ln E[T]`; the remainder grows like `ln(n)/2` for `eta < radius/n`.
pub fn asymptotic_log_escape(sites: usize, eta: f64, radius: usize) -> Result<f64, ConditionalsError> {
    check(sites, eta, radius)?;
    Ok(sites as f64 * rate(radius as f64 / sites as f64, eta))
}

/// The temperature below which a uniform margin makes escape to a radius of `rho n` exponentially slow in n, that is
/// `eta < rho`: `tau_low = m / (ln(V - 1) + ln((1 - rho)/rho))`.
///
/// Sharper than the sufficient `m / (ln(V - 1) + H(rho)/rho)` of glauber.md section 4, which comes of the rate there.
/// Infinite where eta is below rho at every temperature; `None` where the margin is not positive, rho not between 0 and
/// 1, or there are fewer than two tokens.
pub fn temperature_low(margin: f64, vocabulary: usize, rho: f64) -> Option<Temperature> {
    if !(margin > 0.0 && rho > 0.0 && rho < 1.0 && vocabulary >= 2) {
        return None;
    }
    let barrier = (vocabulary as f64 - 1.0).ln() + ((1.0 - rho) / rho).ln();
    if barrier > 0.0 { Temperature::new(margin / barrier) } else { Some(Temperature::INFINITE) }
}

/// What a uniform margin predicts for escape from the ball of `radius` around an anchor.
///
/// True lower bounds where the margin holds at every state of the ball; from a sampled margin, which is an upper bound on
/// the uniform one, they are predictions.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Escape {
    pub sites: usize,
    pub radius: usize,
    pub temperature: Temperature,
    /// Probability that an updated site deviates.
    pub eta: f64,
    /// `ln E[T]`, steps; `None` where eta is 0 or 1 in f64.
    pub log_steps: Option<f64>,
    /// `E[T]` in steps; `None` also beyond what f64 holds.
    pub steps: Option<f64>,
    /// `n rate(radius/n)`, the leading term of `log_steps`.
    pub asymptotic_log_steps: Option<f64>,
    /// Rate per site, nats.
    pub rate: Option<f64>,
    /// `d ln E[T] / d(m/tau)`.
    pub slope: Option<f64>,
}

/// Escape at each temperature from the ball of `radius` with deviation probability `eta(temperature)`: that of
/// [`deviation_bound`], or the sharper one that sampling found.
pub fn predict(
    sites: usize,
    radius: usize,
    temperatures: &[Temperature],
    eta: impl Fn(Temperature) -> f64,
) -> Result<Vec<Escape>, ConditionalsError> {
    check(sites, 0.5, radius)?;
    let at = |&temperature: &Temperature| {
        let eta = eta(temperature);
        let inside = Some(eta).filter(|&eta| eta > 0.0 && eta < 1.0);
        let found = inside.map(|eta| escape(sites, eta, radius)).transpose()?;
        let rate = inside.map(|eta| rate(radius as f64 / sites as f64, eta));
        Ok(Escape {
            sites,
            radius,
            temperature,
            eta,
            log_steps: found.map(|(log, _)| log),
            steps: found.map(|(log, _)| log.exp()).filter(|steps| steps.is_finite()),
            asymptotic_log_steps: rate.map(|rate| rate * sites as f64),
            rate,
            slope: found.map(|(_, slope)| slope),
        })
    };
    temperatures.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, known: f64, tolerance: f64) {
        assert!((found - known).abs() <= tolerance, "found {found}, known {known}");
    }

    fn tau(value: f64) -> Temperature {
        Temperature::new(value).unwrap()
    }

    #[test]
    fn a10_expected_escapes() {
        for (sites, eta, radius, known) in
            [(8, 0.1, 3, 601.90476), (16, 0.1, 7, 47289.0665), (20, 0.05, 9, 208519014.75)]
        {
            let found = expected_escape(sites, eta, radius).unwrap().unwrap();
            close(found / known, 1.0, 1e-8);
        }
        // The first step out of the anchor has probability eta.
        close(expected_escape(5, 0.25, 0).unwrap().unwrap(), 4.0, 1e-12);
    }

    /// Mean hitting times by solving (I - Q) t = 1 over 0..=radius, an independent computation.
    #[test]
    fn the_recursion_solves_the_linear_system() {
        for (sites, eta, radius) in [(8, 0.1, 3), (16, 0.1, 7), (6, 0.6, 5), (30, 0.3, 12)] {
            let (n, size) = (sites as f64, radius + 1);
            let up = |k: usize| (1.0 - k as f64 / n) * eta;
            let down = |k: usize| k as f64 / n * (1.0 - eta);
            // Tridiagonal elimination from the lowest state.
            let (mut pivot, mut right) = (vec![0.0; size], vec![1.0; size]);
            for k in 0..size {
                pivot[k] = up(k) + down(k);
                if k > 0 {
                    let factor = down(k) / pivot[k - 1];
                    pivot[k] -= factor * up(k - 1);
                    right[k] += factor * right[k - 1];
                }
            }
            let mut time = 0.0;
            for k in (0..size).rev() {
                time = (right[k] + up(k) * time) / pivot[k];
            }
            close(log_expected_escape(sites, eta, radius).unwrap(), time.ln(), 1e-9);
        }
    }

    #[test]
    fn the_arrhenius_slope_tends_to_the_radius_plus_one() {
        // glauber.md gives 2.59, 3.97, 3.9995 for r = 3 without n and V: n = 8, V = 9 has them.
        for (scaled, known) in [(4.0, 2.59195957902), (8.0, 3.97138498088), (12.0, 3.99947569816)] {
            let eta = deviation_bound(scaled, 9, tau(1.0));
            close(arrhenius_slope(8, eta, 3).unwrap(), known, 1e-9);
            // Against a difference quotient.
            let log = |s: f64| log_expected_escape(8, deviation_bound(s, 9, tau(1.0)), 3).unwrap();
            close((log(scaled + 1e-4) - log(scaled - 1e-4)) / 2e-4, known, 1e-6);
        }
        close(arrhenius_slope(20, deviation_bound(40.0, 30_000, tau(1.0)), 6).unwrap(), 7.0, 1e-3);
    }

    #[test]
    fn deviation_probabilities() {
        close(deviation_bound(2.0, 5, tau(0.5)), 4.0 * (-4f64).exp() / (1.0 + 4.0 * (-4f64).exp()), 1e-15);
        // Attained where all others tie: the law of logits m, 0, 0, 0, 0.
        let mut law = Vec::new();
        tau(0.5).law(&[2.0, 0.0, 0.0, 0.0, 0.0], &[0, 1, 2, 3, 4], &mut law);
        close(deviation_bound(2.0, 5, tau(0.5)), 1.0 - law[0], 1e-15);
        close(deviation_bound(3.0, 5, Temperature::INFINITE), 0.8, 1e-15);
        assert_eq!(deviation_bound(3.0, 5, Temperature::ZERO), 0.0);
        assert_eq!(deviation_bound(-3.0, 5, Temperature::ZERO), 1.0);
        assert_eq!(deviation_bound(3.0, 1, tau(1.0)), 0.0);
        // No underflow before f64 ends: the odds are e^-650.
        close(deviation_bound(650.0, 2, tau(1.0)).ln(), -650.0, 1e-9);
    }

    #[test]
    fn asymptotics_in_the_number_of_sites() {
        // What is left of ln E[T] beside n rate grows like ln(n)/2.
        let (eta, rho) = (0.1, 0.5);
        let log = |n: usize| log_expected_escape(n, eta, n / 2).unwrap();
        let excess = |n: usize| log(n) - asymptotic_log_escape(n, eta, n / 2).unwrap() - (n as f64).ln() / 2.0;
        for n in [100, 1000, 10_000] {
            assert!((excess(n) - excess(100_000)).abs() <= 20.0 / n as f64, "{n}: {}", excess(n));
        }
        close((log(4000) - log(2000)) / 2000.0, rate(rho, eta), 1e-3);
        // The rate of glauber.md section 4 misses ln 1/(1 - eta) = 0.105 for each site.
        let written = rho * 9f64.ln() - 2f64.ln();
        close(rate(rho, eta) - written, -(0.9f64.ln()), 1e-12);
        assert_eq!(expected_escape(10_000, eta, 5000).unwrap(), None, "e^5000 is beyond f64, its logarithm is not");
        close(rate(1.0, 0.25), 4f64.ln(), 1e-15);
        // At tau_low eta is rho: above it the rate is 0 and below it positive.
        let low = temperature_low(2.0, 50, 0.3).unwrap().get();
        close(deviation_bound(2.0, 50, tau(low)), 0.3, 1e-12);
        assert!(rate(0.3, deviation_bound(2.0, 50, tau(0.99 * low))) > 0.0);
        assert_eq!(rate(0.3, deviation_bound(2.0, 50, tau(1.01 * low))), 0.0);
        assert_eq!(temperature_low(-1.0, 50, 0.3), None);
        assert_eq!(temperature_low(1.0, 2, 0.6), Some(Temperature::INFINITE), "fair coins rarely show 60 % heads");
    }

    #[test]
    fn predictions_over_temperatures() {
        let temperatures = [0.0, 0.5, 1.0].map(tau);
        let found = predict(8, 3, &temperatures, |t| deviation_bound(4.0, 9, t)).unwrap();
        assert_eq!((found[0].eta, found[0].log_steps, found[0].steps), (0.0, None, None));
        close(found[2].slope.unwrap(), 2.59196, 1e-5);
        assert!(found[1].log_steps.unwrap() > found[2].log_steps.unwrap());
        close(found[1].asymptotic_log_steps.unwrap(), asymptotic_log_escape(8, found[1].eta, 3).unwrap(), 1e-14);
        assert!(predict(8, 8, &temperatures, |_| 0.5).unwrap_err().to_string().contains("radius"));
        assert!(expected_escape(8, 0.0, 3).unwrap_err().to_string().contains("between 0 and 1"));
        assert!(expected_escape(8, f64::NAN, 3).is_err());
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Escape>>(&json).unwrap(), found);
    }
}
