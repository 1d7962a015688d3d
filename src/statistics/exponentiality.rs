//! Whether times are exponential, as metastable escape times are in the limit (glauber.md section 4).
//!
//! Times are whole steps, so the exponential law is taken in its discrete form, the geometric law `P(T > t) = q^t`; for
//! long times the two are the same, for short ones only this form is right.

use super::Stream;
use super::special::{chi_square_quantile, chi_square_survival};
use super::survival::{KaplanMeier, Lifetime};

/// How the p-value of the distance is found, for labels.
pub const P_VALUE_METHOD: &str = "parametric bootstrap (Lilliefors' test by Monte Carlo, censoring redrawn)";

/// The mean of an exponential law from censored times: total time over events.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ExponentialMean {
    /// Time under observation summed over all lifetimes, steps.
    pub total_time: u64,
    pub events: u64,
    /// Steps; `None` without events.
    pub mean: Option<f64>,
    /// 95 % interval by chi-square laws; without events `lower` is the one-sided 95 % bound. `upper` is open without
    /// events.
    pub lower: f64,
    pub upper: Option<f64>,
}

/// Maximum-likelihood mean and chi-square interval (Epstein and Sobel 1953; with a fixed cap the lower end takes two
/// more degrees of freedom, which makes it conservative). `None` where no time was observed at all.
pub fn exponential_mean(lifetimes: &[Lifetime]) -> Option<ExponentialMean> {
    let total_time: u64 = lifetimes.iter().map(|l| l.time).sum();
    let events = lifetimes.iter().filter(|l| l.event).count() as u64;
    if total_time == 0 {
        return None;
    }
    let (doubled, d) = (2.0 * total_time as f64, 2.0 * events as f64);
    let more = if events < lifetimes.len() as u64 { 2.0 } else { 0.0 };
    let level = if events == 0 { 0.95 } else { 0.975 };
    Some(ExponentialMean {
        total_time,
        events,
        mean: (events > 0).then(|| total_time as f64 / events as f64),
        lower: doubled / chi_square_quantile(level, d + more),
        upper: (events > 0).then(|| doubled / chi_square_quantile(0.025, d)),
    })
}

/// Events over exposure in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct HazardBin {
    /// From just after `start` to `end`, steps.
    pub start: u64,
    pub end: u64,
    pub events: u64,
    /// Lifetimes times steps under observation in the stretch.
    pub exposure: u64,
    /// Events per step, with the exact 95 % Poisson interval.
    pub hazard: f64,
    pub lower: f64,
    pub upper: f64,
}

/// What speaks for and against an exponential law.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Exponentiality {
    pub mean: ExponentialMean,
    /// Largest distance between the Kaplan-Meier curve and the fitted law while observed (Lilliefors 1969).
    pub distance: f64,
    /// See [`P_VALUE_METHOD`]. Small: not exponential.
    pub p_value: f64,
    pub resamples: u32,
    pub seed: u64,
    /// `[expected, observed]` event times in steps, one for each distinct event time; on the diagonal if exponential.
    pub qq: Vec<[f64; 2]>,
    /// Hazard over stretches with about equally many events; flat if exponential.
    pub hazard: Vec<HazardBin>,
    /// P-value of Pearson's chi-square test of equal hazards; `None` for fewer than two stretches.
    pub flat_p_value: Option<f64>,
}

/// Largest distance between the curve and `q^t`, and the fitted `ln q`. `None` for a law that cannot be fitted.
fn distance(lifetimes: &[Lifetime]) -> Option<(f64, f64)> {
    let total: u64 = lifetimes.iter().map(|l| l.time).sum();
    let events = lifetimes.iter().filter(|l| l.event).count() as u64;
    if events == 0 || events >= total {
        return None;
    }
    let rate = (-(events as f64) / total as f64).ln_1p();
    let curve = KaplanMeier::new(lifetimes);
    let (mut largest, mut before) = (0.0f64, 1.0);
    for point in &curve.points {
        // The curve is flat between events, so its distance is largest just before or at one, or at the end.
        let time = point.time as f64;
        largest = largest.max((before - (rate * (time - 1.0).max(0.0)).exp()).abs());
        largest = largest.max((point.s - (rate * time).exp()).abs());
        before = point.s;
    }
    Some((largest, rate))
}

/// Tests whether positive `lifetimes` are exponential; `bins` stretches for the hazard.
///
/// Each resample draws times from the fitted law and censoring times from the Kaplan-Meier curve of the censoring (with
/// a common cap: the cap), refits, and takes the distance again. `None` for fewer than 5 events, or times that are all
/// 1.
pub fn exponentiality(lifetimes: &[Lifetime], bins: usize, resamples: u32, seed: u64) -> Option<Exponentiality> {
    let mean = exponential_mean(lifetimes).filter(|mean| mean.events >= 5)?;
    let (distance_seen, rate) = distance(lifetimes)?;
    let turned: Vec<Lifetime> = lifetimes.iter().map(|l| Lifetime { event: !l.event, ..*l }).collect();
    let censoring = KaplanMeier::new(&turned);
    let mut larger = 0u32;
    for r in 0..resamples {
        let mut stream = Stream::new(seed, u64::from(r));
        let drawn: Vec<Lifetime> = lifetimes
            .iter()
            .map(|_| {
                let time = ((1.0 - stream.unit()).ln() / rate).ceil().max(1.0) as u64;
                let u = stream.unit();
                let cap = censoring.points.iter().find(|p| p.s <= u && p.events > 0).map_or(u64::MAX, |p| p.time);
                Lifetime { time: time.min(cap), event: time <= cap }
            })
            .collect();
        // A resample that cannot be fitted speaks for nothing; counting it as larger keeps the test conservative.
        larger += u32::from(distance(&drawn).is_none_or(|(d, _)| d >= distance_seen));
    }
    let curve = KaplanMeier::new(lifetimes);
    let mut qq = Vec::new();
    let mut before = 1.0;
    for point in &curve.points {
        if point.events > 0 {
            // The middle of the jump, as plotting positions (k - 1/2) / n.
            qq.push([((before + point.s) / 2.0).ln() / rate, point.time as f64]);
        }
        before = point.s;
    }
    let hazard = hazards(lifetimes, bins);
    Some(Exponentiality {
        mean,
        distance: distance_seen,
        p_value: f64::from(larger + 1) / f64::from(resamples + 1),
        resamples,
        seed,
        qq,
        flat_p_value: flatness(&hazard),
        hazard,
    })
}

/// Hazards over at most `bins` stretches that split the events evenly; stretches end at event times, the last where
/// observation ends.
pub fn hazards(lifetimes: &[Lifetime], bins: usize) -> Vec<HazardBin> {
    let mut times: Vec<u64> = lifetimes.iter().filter(|l| l.event).map(|l| l.time).collect();
    times.sort_unstable();
    let Some(last) = lifetimes.iter().map(|l| l.time).max().filter(|_| !times.is_empty() && bins > 0) else {
        return Vec::new();
    };
    let mut ends: Vec<u64> = (1..bins).map(|k| times[(k * times.len() / bins).min(times.len() - 1)]).collect();
    ends.push(last);
    ends.dedup();
    let mut start = 0;
    let mut found = Vec::new();
    for end in ends.into_iter().filter(|&end| end > 0) {
        let inside = |l: &&Lifetime| l.event && l.time > start && l.time <= end;
        let events = lifetimes.iter().filter(inside).count() as u64;
        let exposure: u64 = lifetimes.iter().map(|l| l.time.min(end).saturating_sub(start)).sum();
        let (d, e) = (2.0 * events as f64, 2.0 * exposure as f64);
        found.push(HazardBin {
            start,
            end,
            events,
            exposure,
            hazard: events as f64 / exposure as f64,
            lower: if events == 0 { 0.0 } else { chi_square_quantile(0.025, d) / e },
            upper: chi_square_quantile(0.975, d + 2.0) / e,
        });
        start = end;
    }
    found
}

/// Pearson's test that all stretches have one hazard.
fn flatness(bins: &[HazardBin]) -> Option<f64> {
    let (events, exposure) = bins.iter().fold((0, 0), |(d, e), bin| (d + bin.events, e + bin.exposure));
    if bins.len() < 2 || events == 0 {
        return None;
    }
    let rate = events as f64 / exposure as f64;
    let statistic: f64 = bins
        .iter()
        .map(|bin| {
            let expected = rate * bin.exposure as f64;
            (bin.events as f64 - expected).powi(2) / expected
        })
        .sum();
    Some(chi_square_survival(statistic, (bins.len() - 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Geometric times of the given mean, capped.
    fn geometric(n: usize, mean: f64, cap: u64, seed: u64) -> Vec<Lifetime> {
        let mut stream = Stream::new(seed, 99);
        let rate = (-1.0 / mean).ln_1p();
        (0..n)
            .map(|_| {
                let time = ((1.0 - stream.unit()).ln() / rate).ceil().max(1.0) as u64;
                Lifetime { time: time.min(cap), event: time <= cap }
            })
            .collect()
    }

    #[test]
    fn means_under_censoring() {
        let a11 =
            [(3, true), (5, false), (7, true), (9, false), (11, true)].map(|(time, event)| Lifetime { time, event });
        let found = exponential_mean(&a11).unwrap();
        assert_eq!((found.total_time, found.events, found.mean), (35, 3, Some(35.0 / 3.0)));
        // qchisq(.975, 8) = 17.53455, qchisq(.025, 6) = 1.237344
        assert!((found.lower - 70.0 / 17.534546).abs() < 1e-5 && (found.upper.unwrap() - 70.0 / 1.237344).abs() < 1e-3);
        let none = exponential_mean(&[Lifetime::censored(100); 10]).unwrap();
        // One-sided: total / -ln 0.05.
        assert!((none.lower - 1000.0 / -(0.05f64.ln())).abs() < 1e-6 && none.mean.is_none() && none.upper.is_none());
        let covered = (0..400)
            .filter(|&seed| {
                let found = exponential_mean(&geometric(20, 500.0, 400, seed)).unwrap();
                found.lower <= 500.0 && found.upper.unwrap() >= 500.0
            })
            .count();
        assert!((372..=398).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn geometric_times_pass_and_the_level_holds() {
        for (n, mean, cap) in [(40, 1e5, u64::MAX), (60, 300.0, 250), (40, 3.0, u64::MAX)] {
            let rejected = (0..100)
                .filter(|&seed| exponentiality(&geometric(n, mean, cap, seed), 4, 99, seed).unwrap().p_value <= 0.05)
                .count();
            assert!(rejected <= 13, "{rejected} of 100 rejected at mean {mean}, cap {cap}");
        }
        let found = exponentiality(&geometric(400, 1000.0, 3000, 4), 5, 199, 1).unwrap();
        assert!(found.p_value > 0.05 && found.flat_p_value.unwrap() > 0.01, "{found:?}");
        assert_eq!(found.hazard.len(), 5);
        assert!(found.hazard.iter().filter(|b| b.lower <= 0.001 && 0.001 <= b.upper).count() >= 4);
        assert_eq!(found.hazard.iter().map(|b| b.events).sum::<u64>(), found.mean.events);
        assert_eq!(found.hazard.iter().map(|b| b.exposure).sum::<u64>(), found.mean.total_time);
        // Near the diagonal where the bulk is.
        for [expected, observed] in found.qq.iter().filter(|[e, _]| *e > 200.0 && *e < 1500.0) {
            assert!((observed / expected - 1.0).abs() < 0.2, "{expected} {observed}");
        }
    }

    /// Stephens 1974: for the exponential with mean estimated, 5 % critical value of
    /// (D - 0.2/n)(sqrt n + 0.26 + 0.5/sqrt n) is 1.094.
    #[test]
    fn monte_carlo_agrees_with_stephens() {
        let n = 50.0f64;
        let critical = 1.094 / (n.sqrt() + 0.26 + 0.5 / n.sqrt()) + 0.2 / n;
        let above = (0..4000).filter(|&s| distance(&geometric(50, 1e6, u64::MAX, s)).unwrap().0 > critical).count();
        assert!((150..=250).contains(&above), "{above} of 4000, 200 expected");
    }

    #[test]
    fn other_laws_fail() {
        // Coupon-collector-like times: a delay, then a narrow spread.
        let delayed: Vec<_> =
            geometric(100, 100.0, u64::MAX, 1).iter().map(|l| Lifetime::event(l.time + 200)).collect();
        let found = exponentiality(&delayed, 4, 199, 2).unwrap();
        assert!(found.p_value <= 0.005 && found.flat_p_value.unwrap() < 1e-3, "{found:?}");
        assert_eq!(Some(found), exponentiality(&delayed, 4, 199, 2));
        assert_eq!(exponentiality(&[Lifetime::event(1); 9], 4, 99, 2), None);
        assert_eq!(exponentiality(&delayed[..4], 4, 99, 2), None);
        assert!(hazards(&[Lifetime::censored(3)], 4).is_empty());
    }
}
