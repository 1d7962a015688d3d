//! Times to an event, some of them censored: Kaplan-Meier curves and what is read off them.

use super::{Stream, normal_quantile, zero_count_upper};

/// Relative slack for "S(t) <= eps": a product of 48 factors must not miss 1/4 by a rounding.
const SLACK: f64 = 1.0 + 1e-10;

/// One observed time in steps: to the event, or to the end of observation without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lifetime {
    pub time: u64,
    /// Whether the event came at `time`; otherwise it comes after `time` (right-censored).
    pub event: bool,
}

impl Lifetime {
    /// The event came at `time`.
    pub fn event(time: u64) -> Self {
        Self { time, event: true }
    }

    /// Nothing had happened by `time`.
    pub fn censored(time: u64) -> Self {
        Self { time, event: false }
    }
}

/// Ascending by time, events before censored times at the same time: who is censored at t was at risk at t.
pub fn sorted_lifetimes(lifetimes: &[Lifetime]) -> Vec<Lifetime> {
    let mut sorted = lifetimes.to_vec();
    sorted.sort_by_key(|l| (l.time, !l.event));
    sorted
}

/// Share of censored times; 0 for none.
pub fn censored_share(lifetimes: &[Lifetime]) -> f64 {
    lifetimes.iter().filter(|l| !l.event).count() as f64 / lifetimes.len().max(1) as f64
}

/// The Kaplan-Meier curve just after one distinct observed time.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SurvivalPoint {
    /// Steps.
    pub time: u64,
    /// Still under observation just before `time`.
    pub at_risk: u64,
    pub events: u64,
    pub censored: u64,
    /// S(t), the estimate of P(T > t).
    pub s: f64,
    /// Greenwood's variance of S(t).
    pub variance: f64,
    /// 95 % interval of S(t), log-log transformed.
    pub lower: f64,
    pub upper: f64,
}

/// Where a survival curve first falls to a level, or that it does not while it is observed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Crossing {
    /// `inf{t : S(t) <= eps}`, steps.
    Reached { time: u64 },
    /// The curve is still above the level when observation ends: the time is not known, only that it is later.
    Censored { at_least: u64, censored_share: f64 },
}

impl Crossing {
    /// The time where it is known.
    pub fn time(&self) -> Option<u64> {
        match self {
            Self::Reached { time } => Some(*time),
            Self::Censored { .. } => None,
        }
    }

    /// The time where it is known, the end of observation where not.
    pub fn at_least(&self) -> u64 {
        match self {
            Self::Reached { time } => *time,
            Self::Censored { at_least, .. } => *at_least,
        }
    }
}

impl std::fmt::Display for Crossing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reached { time } => write!(f, "{time}"),
            Self::Censored { at_least, censored_share } => {
                write!(f, ">= {at_least} (censored {} %)", (100.0 * censored_share).round())
            }
        }
    }
}

/// A crossing time with its 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CrossingEstimate {
    /// The level eps.
    pub level: f64,
    pub estimate: Crossing,
    /// Lower end, steps; where `lower_censored`, the end of observation, beyond which the lower end lies.
    pub lower: u64,
    pub lower_censored: bool,
    /// Upper end, steps; `None` where the resamples that make it are censored: the interval is open.
    pub upper: Option<u64>,
    pub resamples: u32,
    pub seed: u64,
}

impl CrossingEstimate {
    /// Width of the interval over the estimate; `None` where either is censored or the estimate is 0.
    pub fn relative_width(&self) -> Option<f64> {
        let (time, upper) = (self.estimate.time()?, self.upper?);
        (time > 0).then(|| (upper - self.lower) as f64 / time as f64)
    }
}

/// Mean of min(T, horizon) with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RestrictedMean {
    /// Steps.
    pub horizon: u64,
    pub mean: f64,
    pub standard_error: f64,
}

/// A Kaplan-Meier estimate (Kaplan and Meier 1958; glauber.md section 5.2).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct KaplanMeier {
    /// Number of lifetimes.
    pub n: u64,
    pub events: u64,
    /// One point for each distinct time, ascending.
    pub points: Vec<SurvivalPoint>,
}

impl KaplanMeier {
    /// The curve of `lifetimes`; without any, the curve that stays at 1.
    pub fn new(lifetimes: &[Lifetime]) -> Self {
        let sorted = sorted_lifetimes(lifetimes);
        let n = sorted.len() as u64;
        let z = normal_quantile(0.975);
        let (mut at_risk, mut s, mut greenwood, mut any_censored) = (n, 1.0, 0.0, false);
        let mut points: Vec<SurvivalPoint> = Vec::new();
        for ties in sorted.chunk_by(|a, b| a.time == b.time) {
            let events = ties.iter().filter(|l| l.event).count() as u64;
            let censored = ties.len() as u64 - events;
            let left = at_risk - events;
            // Before any censoring the estimate is a plain share: exact, where the product would round.
            s = if any_censored { s * (left as f64 / at_risk as f64) } else { left as f64 / n as f64 };
            let (lower, upper) = if left == 0 {
                // Greenwood's formula ends here. S cannot exceed what bounded it before; with nothing before, all n
                // had the event at once.
                (0.0, points.last().map_or_else(|| zero_count_upper(n), |p| p.upper))
            } else {
                greenwood += events as f64 / (at_risk as f64 * left as f64);
                log_log(s, greenwood, z, at_risk)
            };
            let variance = if left == 0 { 0.0 } else { s * s * greenwood };
            points.push(SurvivalPoint { time: ties[0].time, at_risk, events, censored, s, variance, lower, upper });
            at_risk -= ties.len() as u64;
            any_censored |= censored > 0;
        }
        Self { n, events: sorted.iter().filter(|l| l.event).count() as u64, points }
    }

    /// S(t) = P(T > t); after the last observed time, its last value.
    pub fn at(&self, time: u64) -> f64 {
        self.points[..self.points.partition_point(|p| p.time <= time)].last().map_or(1.0, |p| p.s)
    }

    /// Last observed time; 0 without lifetimes.
    pub fn horizon(&self) -> u64 {
        self.points.last().map_or(0, |p| p.time)
    }

    /// `inf{t : S(t) <= level}`.
    pub fn crossing(&self, level: f64) -> Crossing {
        match self.points.iter().find(|p| p.s <= level * SLACK) {
            Some(point) => Crossing::Reached { time: point.time },
            None => Crossing::Censored {
                at_least: self.horizon(),
                censored_share: (self.n - self.events) as f64 / self.n.max(1) as f64,
            },
        }
    }

    /// Mean of min(T, horizon): the area under S up to `horizon` (its end of observation at most).
    ///
    /// Variance: sum over events of (area from the event to the horizon)^2 d / (n (n - d)) (Klein and Moeschberger
    /// 2003, section 4.5). `None` without lifetimes.
    pub fn restricted_mean(&self, horizon: u64) -> Option<RestrictedMean> {
        let horizon = horizon.min(self.horizon());
        if self.n == 0 {
            return None;
        }
        let inside = &self.points[..self.points.partition_point(|p| p.time < horizon)];
        let starts = std::iter::once((0, 1.0)).chain(inside.iter().map(|p| (p.time, p.s)));
        let ends = inside.iter().map(|p| p.time).chain([horizon]);
        let areas: Vec<f64> = starts.zip(ends).map(|((start, s), end)| (end - start) as f64 * s).collect();
        // `after` is the area from an event to the horizon: area k + 1 begins at point k.
        let (mut after, mut variance) = (0.0, 0.0);
        for (point, area) in inside.iter().zip(&areas[1..]).rev() {
            after += area;
            if point.at_risk > point.events {
                let (d, n) = (point.events as f64, point.at_risk as f64);
                variance += after * after * d / (n * (n - d));
            }
        }
        Some(RestrictedMean { horizon, mean: after + areas[0], standard_error: variance.sqrt() })
    }
}

/// 95 % interval of S on the scale log(-log S). While nothing has happened to `at_risk` lifetimes Greenwood's variance
/// is 0, and their exact one-sided bound takes its place.
fn log_log(s: f64, greenwood: f64, z: f64, at_risk: u64) -> (f64, f64) {
    if s >= 1.0 {
        return (1.0 - zero_count_upper(at_risk), 1.0);
    }
    let half = z * greenwood.sqrt() / s.ln().abs();
    (s.powf(half.exp()), s.powf((-half).exp()))
}

/// Crossing of the curve in which lifetime `k` of `sorted` (see [`sorted_lifetimes`]) counts `weights[k]` times.
pub fn weighted_crossing(sorted: &[Lifetime], weights: &[u32], level: f64) -> Crossing {
    let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
    let (mut at_risk, mut s, mut censored, mut last) = (total, 1.0, 0u64, 0);
    for (lifetime, &weight) in sorted.iter().zip(weights) {
        if weight == 0 {
            continue;
        }
        let weight = u64::from(weight);
        last = lifetime.time;
        if lifetime.event {
            let left = at_risk - weight;
            s = if censored > 0 { s * (left as f64 / at_risk as f64) } else { left as f64 / total as f64 };
            if s <= level * SLACK {
                return Crossing::Reached { time: last };
            }
        } else {
            censored += weight;
        }
        at_risk -= weight;
    }
    Crossing::Censored { at_least: last, censored_share: censored as f64 / total.max(1) as f64 }
}

/// How often each of `n` observations is drawn in one bootstrap resample.
pub fn resample_counts(n: usize, stream: &mut Stream) -> Vec<u32> {
    let mut counts = vec![0; n];
    for _ in 0..n {
        counts[stream.below(n as u64) as usize] += 1;
    }
    counts
}

/// `inf{t : S(t) <= level}` with a 95 % percentile interval from resampling whole pairs; `None` without lifetimes.
///
/// Resample r draws from stream r of `seed`. A censored resample counts as later than every time.
pub fn crossing_estimate(lifetimes: &[Lifetime], level: f64, resamples: u32, seed: u64) -> Option<CrossingEstimate> {
    if lifetimes.is_empty() || resamples == 0 {
        return None;
    }
    let sorted = sorted_lifetimes(lifetimes);
    let estimate = KaplanMeier::new(lifetimes).crossing(level);
    let mut found: Vec<Crossing> = (0..resamples)
        .map(|r| {
            let counts = resample_counts(sorted.len(), &mut Stream::new(seed, u64::from(r)));
            weighted_crossing(&sorted, &counts, level)
        })
        .collect();
    found.sort_by_key(|c| (c.time().is_none(), c.at_least()));
    let at = |p: f64| found[((p * f64::from(resamples)).floor() as usize).min(found.len() - 1)];
    let (low, high) = (at(0.025), at(0.975));
    // Both ends enclose the estimate, which a coarse bootstrap may miss by a step.
    let lower = low.at_least().min(estimate.at_least());
    let upper = match (estimate, high) {
        (Crossing::Reached { time }, Crossing::Reached { time: high }) => Some(high.max(time)),
        _ => None,
    };
    let lower_censored = low.time().is_none() && estimate.time().is_none();
    Some(CrossingEstimate { level, estimate, lower, lower_censored, upper, resamples, seed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a11() -> Vec<Lifetime> {
        [(3, true), (5, false), (7, true), (9, false), (11, true)]
            .map(|(time, event)| Lifetime { time, event })
            .to_vec()
    }

    #[test]
    fn a11_kaplan_meier() {
        let curve = KaplanMeier::new(&a11());
        for (point, known) in curve.points.iter().zip([0.8, 0.8, 0.8 * 2.0 / 3.0, 0.8 * 2.0 / 3.0, 0.0]) {
            assert!((point.s - known).abs() < 1e-15, "{point:?}");
        }
        assert_eq!(curve.points.iter().map(|p| p.at_risk).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
        // Greenwood by hand at 7: S^2 (1/(5*4) + 1/(3*2)).
        let known = (0.8f64 * 2.0 / 3.0).powi(2) * (1.0 / 20.0 + 1.0 / 6.0);
        assert!((curve.points[2].variance - known).abs() < 1e-15);
        // R, survfit(conf.type = "log-log") at 3: 0.2038, 0.9692.
        let first = curve.points[0];
        assert!((first.lower - 0.2038).abs() < 5e-5 && (first.upper - 0.9692).abs() < 5e-5, "{first:?}");
        assert_eq!((curve.at(2), curve.at(3), curve.at(8)), (1.0, 0.8, curve.points[2].s));
        // Areas: 3 + 4*.8 + 4*.5333 = 8.3333.
        let mean = curve.restricted_mean(100).unwrap();
        assert!((mean.mean - (3.0 + 3.2 + 4.0 * 0.8 * 2.0 / 3.0)).abs() < 1e-12 && mean.horizon == 11);
        // By hand: areas after 3 and 7 are 5.3333 and 2.1333.
        let variance: f64 = (16f64 / 3.0).powi(2) / 20.0 + (32f64 / 15.0).powi(2) / 6.0;
        assert!((mean.standard_error - variance.sqrt()).abs() < 1e-12);
        assert!((curve.restricted_mean(5).unwrap().mean - 4.6).abs() < 1e-12);
    }

    #[test]
    fn a11_all_censored_is_printed_as_at_least_the_cap() {
        let lifetimes = vec![Lifetime::censored(4000); 64];
        let found = crossing_estimate(&lifetimes, 0.25, 200, 1).unwrap();
        assert_eq!(found.estimate.to_string(), ">= 4000 (censored 100 %)");
        assert_eq!((found.lower, found.lower_censored, found.upper), (4000, true, None));
        assert_eq!(found.relative_width(), None);
        let [point] = KaplanMeier::new(&lifetimes).points[..] else { panic!("one time") };
        assert!((point.lower - 0.05f64.powf(1.0 / 64.0)).abs() < 1e-12 && (point.s, point.upper) == (1.0, 1.0));
    }

    #[test]
    fn crossings_are_exact_at_the_level() {
        for n in [4u64, 48, 1000, 99_996] {
            let lifetimes: Vec<_> = (1..=n).map(Lifetime::event).collect();
            assert_eq!(KaplanMeier::new(&lifetimes).crossing(0.25), Crossing::Reached { time: n * 3 / 4 }, "{n}");
        }
        let curve = KaplanMeier::new(&a11());
        assert_eq!(curve.crossing(0.8), Crossing::Reached { time: 3 });
        assert_eq!(curve.crossing(0.5), Crossing::Reached { time: 11 });
        let sorted = sorted_lifetimes(&a11());
        for level in [0.9, 0.8, 0.6, 0.5, 0.1] {
            assert_eq!(weighted_crossing(&sorted, &[1; 5], level), curve.crossing(level));
        }
        // Doubling every lifetime changes nothing.
        assert_eq!(weighted_crossing(&sorted, &[2; 5], 0.6), curve.crossing(0.6));
    }

    #[test]
    fn intervals_cover_and_open_upwards() {
        // Geometric times with a known quantile: P(T > t) = 0.99^t <= 1/4 from t = 138 on.
        let mut covered = 0;
        for seed in 0..200 {
            let mut stream = Stream::new(seed, 77);
            let lifetimes: Vec<_> =
                (0..60).map(|_| Lifetime::event(((1.0 - stream.unit()).ln() / 0.99f64.ln()).ceil() as u64)).collect();
            let found = crossing_estimate(&lifetimes, 0.25, 200, seed).unwrap();
            covered += u32::from(found.lower <= 138 && found.upper.unwrap() >= 138);
        }
        assert!((180..=199).contains(&covered), "{covered} of 200");
        // 30 of 40 met: S ends exactly at 1/4, and many resamples stay above it.
        let mut lifetimes: Vec<_> = (1..=30).map(Lifetime::event).collect();
        lifetimes.extend([Lifetime::censored(30); 10]);
        let found = crossing_estimate(&lifetimes, 0.25, 400, 3).unwrap();
        assert_eq!((found.estimate, found.upper), (Crossing::Reached { time: 30 }, None));
        assert!(found.lower < 30);
        assert_eq!(Some(found), crossing_estimate(&lifetimes, 0.25, 400, 3));
        assert_eq!(crossing_estimate(&[], 0.25, 400, 3), None);
    }

    #[test]
    fn one_time_for_all_bounds_the_survival_exactly() {
        let curve = KaplanMeier::new(&[Lifetime::event(5); 300]);
        let point = curve.points[0];
        assert_eq!((point.s, point.lower), (0.0, 0.0));
        assert!((point.upper - 0.00994).abs() < 5e-6);
        assert_eq!(curve.restricted_mean(9).unwrap(), RestrictedMean { horizon: 5, mean: 5.0, standard_error: 0.0 });
    }
}
