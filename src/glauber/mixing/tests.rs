use super::*;
use crate::statistics::Stream;

fn options() -> SummaryOptions {
    SummaryOptions { resamples: 200, ..SummaryOptions::default() }
}

/// Independent bits coupled site by site: a pair that differs everywhere is a coupon collector.
fn coupons(n: u64, pairs: u64, cap: u64, seed: u64) -> (Vec<Lifetime>, Vec<HammingCount>, Vec<DriftCount>) {
    let mut hamming: Vec<HammingCount> =
        (0..=cap).map(|step| HammingCount { step, ..HammingCount::default() }).collect();
    let mut drift: Vec<DriftCount> = (0..=n as u32).map(|h| DriftCount { h, ..DriftCount::default() }).collect();
    let lifetimes = (0..pairs)
        .map(|pair| {
            let mut stream = Stream::new(seed, pair);
            let (mut d, mut met) = (n, None);
            for step in 0..=cap {
                let row = &mut hamming[step as usize];
                row.count += 1;
                row.sum += d;
                row.squares += d * d;
                if d == 0 {
                    met.get_or_insert(step);
                    continue;
                }
                let down = stream.below(n) < d;
                let row = &mut drift[d as usize];
                row.count += 1;
                row.sum -= i64::from(down);
                row.squares += u64::from(down);
                d -= u64::from(down);
            }
            met.map_or(Lifetime::censored(cap), Lifetime::event)
        })
        .collect();
    (lifetimes, hamming, drift)
}

/// A4: t_couple(1/4) is exactly 26 for n = 8, and E[T] = n H_n with sd 8.7185.
#[test]
fn a_coupon_collector_is_summarised() {
    let (pairs, hamming, drift) = coupons(8, 4000, 150, 3);
    let neighbours = Some(drift[1]);
    let cell = PairCell { sites: 8, pairs: &pairs, hamming: &hamming, drift: &drift, neighbours };
    let found = summarise(cell, options()).unwrap();
    assert_eq!(found.t_couple.estimate, Crossing::Reached { time: 26 });
    assert!(found.t_couple.lower >= 25 && found.t_couple.upper.unwrap() <= 27);
    assert!((found.restricted_mean.mean - 21.742857).abs() < 4.0 * 8.7185 / 4000f64.sqrt());
    assert!((found.restricted_mean.standard_error / (8.7185 / 4000f64.sqrt()) - 1.0).abs() < 0.06);
    for row in &found.hamming[..60] {
        let known = 8.0 * (7.0f64 / 8.0).powi(row.step as i32);
        assert!((row.mean - known).abs() <= 5.0 * row.standard_error.unwrap() + 1e-12, "{row:?}");
    }
    for row in &found.drift {
        assert!((row.drift + f64::from(row.h) / 8.0).abs() <= 5.0 * row.standard_error.unwrap() + 1e-9, "{row:?}");
    }
    let kappa = found.kappa.unwrap();
    assert!(kappa.lower < 1.0 && kappa.upper > 1.0 && (kappa.kappa - 1.0).abs() < 0.05, "{kappa:?}");
    assert_eq!(found.survival[0].sweep, found.survival[0].step as f64 / 8.0);
    assert_eq!((found.censored_share, found.median.time().is_some()), (0.0, true));
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<MixingSummary>(&json).unwrap(), found);
    for key in ["survival", "t_couple", "censored_share", "median", "restricted_mean", "hamming", "drift", "kappa"] {
        assert!(json.contains(&format!("\"{key}\":")), "{key}");
    }
}

#[test]
fn a_censored_cell_says_at_least() {
    let (pairs, hamming, drift) = coupons(16, 100, 20, 4);
    let found =
        summarise(PairCell { sites: 16, pairs: &pairs, hamming: &hamming, drift: &drift, neighbours: None }, options());
    let found = found.unwrap();
    assert_eq!(found.t_couple.estimate.to_string(), ">= 20 (censored 100 %)");
    assert_eq!((found.censored_share, found.kappa, found.restricted_mean.mean), (1.0, None, 20.0));
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["t_couple"]["estimate"]["kind"], "censored");
    assert!(json["t_couple"]["estimate"].get("time").is_none(), "a censored time is never a number");
}

#[test]
fn kappa_and_its_interval() {
    let steps = |count, sum, squares| DriftCount { h: 1, count, sum, squares };
    let found = contraction(10, steps(1000, -60, 140)).unwrap().unwrap();
    assert!((found.kappa - 0.6).abs() < 1e-12);
    // Normal theory: n sqrt((p + q - (p - q)^2) / m) = 0.1169.
    assert!((found.upper - found.lower - 2.0 * 1.96 * 0.1169).abs() < 0.02, "{found:?}");
    let turned = contraction(10, steps(1000, 60, 140)).unwrap().unwrap();
    assert!((turned.kappa + 0.6).abs() < 1e-12 && (turned.lower + found.upper).abs() < 1e-12);
    let still = contraction(10, steps(50, 0, 0)).unwrap().unwrap();
    assert!(still.kappa == 0.0 && still.lower < -0.5 && still.upper > 0.5, "nothing moved, little is known: {still:?}");
    assert_eq!(contraction(10, steps(0, 0, 0)), Ok(None));
    for bad in [steps(10, 3, 2), steps(10, 1, 2), steps(10, 0, 12), DriftCount { h: 2, ..steps(10, 0, 0) }] {
        assert!(contraction(10, bad).is_err(), "{bad:?}");
    }
    // Coverage at a small count.
    let covered = (0..500)
        .filter(|&seed| {
            let mut stream = Stream::new(seed, 0);
            let (mut sum, mut squares) = (0, 0);
            for _ in 0..80 {
                let move_ = [-1i64, 0, 1][stream.weighted(&[0.15, 0.8, 0.05])];
                sum += move_;
                squares += move_.unsigned_abs();
            }
            let found = contraction(10, steps(80, sum, squares)).unwrap().unwrap();
            found.lower <= 1.0 && found.upper >= 1.0
        })
        .count();
    assert!((460..=497).contains(&covered), "{covered} of 500");
}

#[test]
fn bad_requests_say_what_to_change() {
    let cell = PairCell { sites: 4, pairs: &[], hamming: &[], drift: &[], neighbours: None };
    assert!(summarise(cell, options()).unwrap_err().to_string().contains("at least one pair"));
    let pairs = [Lifetime::event(3)];
    let cell = PairCell { pairs: &pairs, ..cell };
    assert!(summarise(PairCell { sites: 0, ..cell }, options()).is_err());
    assert!(summarise(cell, SummaryOptions { level: 0.0, ..options() }).is_err());
    assert!(summarise(cell, SummaryOptions { resamples: 0, ..options() }).is_err());
    assert!(summarise(cell, options()).is_ok());
}
