//! Exact mixing of the Curie-Weiss heat-bath chain, the control whose answer is known (glauber.md A7).
//!
//! From all-plus the state stays exchangeable, so the number of plus spins is a birth-death chain that carries the
//! whole distance to stationarity. At beta = 0 the spins are fair bits (A5). Theory: Levin, Luczak and Peres 2010
//! (arXiv 0712.0790); Ding, Lubetzky and Peres 2009 (arXiv 0806.1906).

use super::conditionals::ConditionalsError;
use crate::progress::Progress;

/// Most spins: a matrix of this size is squared about 60 times.
const LARGEST: usize = 512;
/// Times beyond `2^LEVELS` steps are not sought.
const LEVELS: usize = 62;

/// Random-scan heat bath on `n` spins at inverse temperature `beta`: P(plus | sum S of the others) = 1/(1+e^(-2 beta
/// S/n)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurieWeiss {
    n: usize,
    beta: f64,
}

impl CurieWeiss {
    /// `n` from 1 to 512; a finite `beta`.
    pub fn new(n: usize, beta: f64) -> Result<Self, ConditionalsError> {
        if n == 0 || n > LARGEST {
            return Err(ConditionalsError::Invalid(format!("{n} spins: choose from 1 to {LARGEST}")));
        }
        if !beta.is_finite() {
            return Err(ConditionalsError::Invalid("the inverse temperature is not finite: type a number".to_owned()));
        }
        Ok(Self { n, beta })
    }

    /// Probability that the chosen spin becomes plus where the others sum to `others`.
    pub fn plus(&self, others: f64) -> f64 {
        1.0 / (1.0 + (-2.0 * self.beta * others / self.n as f64).exp())
    }

    /// Probabilities of one plus spin more, and one fewer, in a step from `k` of them.
    pub fn rates(&self, k: usize) -> (f64, f64) {
        let (n, sum) = (self.n as f64, 2.0 * k as f64 - self.n as f64);
        let up = (n - k as f64) / n * self.plus(sum + 1.0);
        // One minus the probability, computed where it is small.
        let down = k as f64 / n * self.plus(-(sum - 1.0));
        (up, down)
    }

    /// Stationary law of the number of plus spins, `n + 1` entries, from detailed balance.
    pub fn stationary(&self) -> Vec<f64> {
        let mut logs = vec![0.0];
        for k in 0..self.n {
            logs.push(logs[k] + (self.rates(k).0 / self.rates(k + 1).1).ln());
        }
        let log_sum = crate::statistics::log_sum_exp(logs.iter().copied());
        logs.into_iter().map(|log| (log - log_sum).exp()).collect()
    }

    /// One step of the chain's law.
    pub fn step(&self, law: &[f64]) -> Vec<f64> {
        let mut next = vec![0.0; law.len()];
        for (k, mass) in law.iter().enumerate() {
            let (up, down) = self.rates(k);
            next[k] += mass * (1.0 - up - down);
            if k < self.n {
                next[k + 1] += mass * up;
            }
            if k > 0 {
                next[k - 1] += mass * down;
            }
        }
        next
    }

    /// All mass on all-plus.
    pub fn all_plus(&self) -> Vec<f64> {
        let mut law = vec![0.0; self.n + 1];
        law[self.n] = 1.0;
        law
    }

    /// TV distance between `law` and the stationary law.
    pub fn distance(&self, law: &[f64]) -> f64 {
        law.iter().zip(self.stationary()).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
    }

    /// `t_mix(eps)` from all-plus, steps: the first t at which the law is within `eps` of stationary. `None` beyond
    /// 2^62.
    ///
    /// Doubling, then descent: the kernel is squared until its power has mixed, and the powers below it are added as
    /// long as the law stays too far.
    pub fn mixing_time(&self, eps: f64, progress: &dyn Progress) -> Result<Option<u64>, ConditionalsError> {
        if !(eps > 0.0 && eps < 1.0) {
            return Err(ConditionalsError::Invalid(format!("a distance of {eps}: choose one between 0 and 1")));
        }
        let stationary = self.stationary();
        let far = |law: &[f64]| law.iter().zip(&stationary).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0 > eps;
        let mut law = self.all_plus();
        if !far(&law) {
            return Ok(Some(0));
        }
        let mut powers = vec![self.kernel()];
        while far(&advanced(&law, &powers[powers.len() - 1])) {
            if powers.len() > LEVELS {
                return Ok(None);
            }
            progress.checkpoint()?;
            powers.push(squared(&powers[powers.len() - 1], self.n + 1));
        }
        // After `steps` the law is far; it no longer is after one step of the smallest power that remains.
        let mut steps = 0u64;
        for (level, power) in powers.iter().enumerate().rev() {
            let next = advanced(&law, power);
            if far(&next) {
                law = next;
                steps += 1 << level;
            }
        }
        Ok(Some(steps + 1))
    }

    /// TV distance from all-plus at each of the ascending `steps`, for drawing beside measured curves.
    pub fn distances(&self, steps: &[u64], progress: &dyn Progress) -> Result<Vec<f64>, ConditionalsError> {
        let stationary = self.stationary();
        let (mut law, mut now, mut powers) = (self.all_plus(), 0, vec![self.kernel()]);
        let mut found = Vec::with_capacity(steps.len());
        for &step in steps {
            if step < now {
                return Err(ConditionalsError::Invalid("times are not ascending: sort them".to_owned()));
            }
            let mut left = step - now;
            for level in 0.. {
                if left == 0 {
                    break;
                }
                progress.checkpoint()?;
                if level >= powers.len() {
                    powers.push(squared(&powers[powers.len() - 1], self.n + 1));
                }
                if left & 1 == 1 {
                    law = advanced(&law, &powers[level]);
                }
                left >>= 1;
            }
            now = step;
            found.push(law.iter().zip(&stationary).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0);
        }
        Ok(found)
    }

    /// The kernel, row-major, `(n + 1)^2`.
    fn kernel(&self) -> Vec<f64> {
        let size = self.n + 1;
        let mut kernel = vec![0.0; size * size];
        for k in 0..size {
            let (up, down) = self.rates(k);
            if k + 1 < size {
                kernel[k * size + k + 1] = up;
            }
            if k > 0 {
                kernel[k * size + k - 1] = down;
            }
            kernel[k * size + k] = 1.0 - up - down;
        }
        kernel
    }
}

/// `law * kernel`.
fn advanced(law: &[f64], kernel: &[f64]) -> Vec<f64> {
    let mut next = vec![0.0; law.len()];
    for (mass, row) in law.iter().zip(kernel.chunks(law.len())) {
        next.iter_mut().zip(row).for_each(|(to, p)| *to += mass * p);
    }
    next
}

/// The square of a stochastic matrix. Its diagonal is what the other entries of the row leave of 1: these are sums of
/// positive terms and keep their relative accuracy, so a gap of 1e-9 keeps its digits through thirty squarings, which
/// plain squaring would lose to roundings of numbers near 1.
fn squared(kernel: &[f64], size: usize) -> Vec<f64> {
    let mut square = vec![0.0; size * size];
    for (k, (row, from)) in square.chunks_mut(size).zip(kernel.chunks(size)).enumerate() {
        for (p, through) in from.iter().zip(kernel.chunks(size)) {
            row.iter_mut().zip(through).for_each(|(to, q)| *to += p * q);
        }
        row[k] = 0.0;
        row[k] = (1.0 - row.iter().sum::<f64>()).max(0.0);
    }
    square
}

/// Height per spin of the barrier between the two phases, and the magnetisation of either: `c = beta m^2 / 2 + H(m) -
/// ln 2` at the positive root of `m = tanh(beta m)`; mixing takes about `e^(c n)`. `None` at `beta` of at most 1: no
/// barrier.
pub fn barrier(beta: f64) -> Option<(f64, f64)> {
    if !(beta > 1.0 && beta.is_finite()) {
        return None;
    }
    // The root lies above the place where beta m - atanh m is largest.
    let (mut low, mut high) = ((1.0 - 1.0 / beta).sqrt(), 1.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if (beta * middle).tanh() > middle { low = middle } else { high = middle }
    }
    let m = (low + high) / 2.0;
    let share = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    let entropy = share((1.0 + m) / 2.0) + share((1.0 - m) / 2.0);
    Some((beta * m * m / 2.0 + entropy - std::f64::consts::LN_2, m))
}

/// Leading order of `t_mix` where `beta < 1`: `n ln n / (2 (1 - beta))` steps.
pub fn fast_asymptote(n: usize, beta: f64) -> Option<f64> {
    (beta < 1.0).then(|| n as f64 * (n as f64).ln() / (2.0 * (1.0 - beta)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn mixing(n: usize, beta: f64) -> u64 {
        CurieWeiss::new(n, beta).unwrap().mixing_time(0.25, &Silent).unwrap().unwrap()
    }

    #[test]
    fn a5_fair_bits() {
        assert_eq!([8, 16, 32].map(|n| mixing(n, 0.0)), [12, 29, 70]);
    }

    #[test]
    fn a7_mixing_times() {
        let sizes = [8, 16, 32, 64, 128];
        assert_eq!(sizes.map(|n| mixing(n, 0.5)), [18, 46, 114, 273, 635]);
        assert_eq!(sizes.map(|n| mixing(n, 1.0)), [32, 99, 291, 843, 2414]);
        assert_eq!([8, 16, 32, 64].map(|n| mixing(n, 1.5)), [82, 476, 5806, 429_429]);
        // The slow mode alone in 70-digit arithmetic (gap 5.2511762753e-10) crosses at 1319985768.53; the
        // specification's 1.31998578e9 is off by one in its last digit.
        assert_eq!(mixing(128, 1.5), 1_319_985_769);
        let ratio = 635.0 / fast_asymptote(128, 0.5).unwrap();
        assert!((1.02..1.03).contains(&ratio), "{ratio}");
        assert_eq!(fast_asymptote(8, 1.0), None);
    }

    #[test]
    fn squaring_agrees_with_single_steps() {
        for (n, beta) in [(8, 0.0), (16, 1.0), (16, 1.5), (32, 1.5), (5, -0.8)] {
            let chain = CurieWeiss::new(n, beta).unwrap();
            let (mut law, mut t) = (chain.all_plus(), 0);
            let grid: Vec<u64> = (0..40).map(|k| k * k).collect();
            let curve = chain.distances(&grid, &Silent).unwrap();
            let mut crossed = None;
            while crossed.is_none() || t <= 1521 {
                if let Ok(k) = grid.binary_search(&t) {
                    assert!((curve[k] - chain.distance(&law)).abs() < 1e-12);
                }
                if crossed.is_none() && chain.distance(&law) <= 0.25 {
                    crossed = Some(t);
                }
                law = chain.step(&law);
                t += 1;
            }
            assert_eq!(crossed, Some(mixing(n, beta)));
        }
    }

    #[test]
    fn a7_barrier() {
        let (c, m) = barrier(1.5).unwrap();
        assert!((c - 0.115194169).abs() < 5e-10 && (m - 0.858559637).abs() < 5e-10, "{c} {m}");
        assert_eq!(barrier(1.0), None);
        // The slope of ln t comes down to it: .1255 between 64 and 128.
        let slope = (1.31998578e9f64 / 429_429.0).ln() / 64.0;
        assert!((slope - 0.1255).abs() < 5e-5 && slope > c);
    }

    #[test]
    fn the_law_is_stationary_and_bad_sizes_are_refused() {
        let chain = CurieWeiss::new(20, 1.2).unwrap();
        let law = chain.stationary();
        let moved: f64 = chain.step(&law).iter().zip(&law).map(|(x, y)| (x - y).abs()).sum();
        assert!(moved < 1e-14 && (law.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(CurieWeiss::new(0, 1.0).is_err() && CurieWeiss::new(8, f64::NAN).is_err());
        assert!(chain.mixing_time(0.0, &Silent).is_err() && chain.distances(&[3, 2], &Silent).is_err());
        assert_eq!(CurieWeiss::new(300, 9.0).unwrap().mixing_time(0.25, &Silent), Ok(None), "beyond 2^62");
    }
}
