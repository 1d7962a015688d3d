use super::*;
use crate::glauber::curie_weiss::CurieWeiss;
use crate::glauber::mixing::DriftCount;
use crate::glauber::temperature::Temperature;
use crate::progress::{Cancelled, Progress, Silent};
use crate::statistics::{Lifetime, Stream, censored_share, normal_quantile};

fn tau(value: f64) -> Temperature {
    Temperature::new(value).unwrap()
}

fn cell(temperature: f64, n: u32, pairs: Vec<Lifetime>) -> PhaseCell {
    PhaseCell { temperature: tau(temperature), n, pairs, neighbours: None, order: Vec::new() }
}

/// Coalescence of the Curie-Weiss chain from all-plus and all-minus under one uniform a step: X stays above Y, so three
/// counts carry the pair (both plus, differing, both minus).
fn coalescence(n: u32, beta: f64, pairs: u64, cap: u64, seed: u64) -> Vec<Lifetime> {
    let chain = CurieWeiss::new(n as usize, beta).unwrap();
    let plus: Vec<f64> = (0..=2 * n).map(|k| chain.plus(f64::from(k) - f64::from(n))).collect();
    (0..pairs)
        .map(|pair| {
            let mut stream = Stream::new(seed, u64::from(n) << 32 | pair);
            let (mut both, mut apart) = (0i64, i64::from(n));
            for step in 0..cap {
                if apart == 0 {
                    return Lifetime::event(step);
                }
                let site = stream.below(u64::from(n)) as i64;
                // Whether the chosen spin is plus in X and in Y.
                let (x, y) = (i64::from(site < both + apart), i64::from(site < both));
                // Index of the others' sum: 2 (plus spins) - n + 1 - 2 (own spin plus), shifted by n.
                let others = |count: i64, own: i64| (2 * count + 1 - 2 * own) as usize;
                let (p, q) = (plus[others(both + apart, x)], plus[others(both, y)]);
                let u = stream.unit();
                let (x_new, y_new) = (i64::from(u < p), i64::from(u < q));
                both += y_new - y;
                apart += (x_new - x) - (y_new - y);
            }
            if apart == 0 { Lifetime::event(cap) } else { Lifetime::censored(cap) }
        })
        .collect()
}

fn curie_weiss(beta: f64) -> Growth {
    let lengths = [4, 6, 8, 12, 16, 24, 32, 48];
    let cells: Vec<_> = lengths.iter().map(|&n| cell(1.0 / beta, n, coalescence(n, beta, 200, 8000, 14))).collect();
    growth(&cells, 0.25, 100, 1, &Silent).unwrap()
}

fn aicc(growth: &Growth, model: GrowthModel) -> f64 {
    growth.fits.iter().find(|fit| fit.model == model).unwrap().aicc
}

#[test]
fn a14_fast_curie_weiss_is_not_exponential() {
    let found = curie_weiss(0.5);
    let exponential = aicc(&found, GrowthModel::Exponential).min(aicc(&found, GrowthModel::NExponential));
    let p = found.fits[1].slope.unwrap();
    let polynomial = aicc(&found, GrowthModel::NLogN).min(aicc(&found, GrowthModel::Power));
    assert!(exponential - polynomial > 20.0 && p.value < 1.6, "{:?}", found.fits);
    assert!(p.lower.unwrap() < p.value && p.value < p.upper.unwrap());
    assert!(!found.best.unwrap().exponential());
    assert!(found.words.starts_with("Super-polynomial not established"), "{}", found.words);
    assert!((found.fits.iter().map(|fit| fit.weight).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(found.exponents.iter().all(|e| !e.at_least && (0.9..2.2).contains(&e.log_log.value)));
}

#[test]
fn a14_slow_curie_weiss_is_exponential() {
    let found = curie_weiss(1.5);
    assert!(aicc(&found, GrowthModel::NLogN) - aicc(&found, GrowthModel::NExponential) > 500.0, "{:?}", found.fits);
    let c = found.fits[3].slope.unwrap();
    // Between the barrier per spin (0.1152, reached from above) and its local value at small n (0.2198).
    assert!(c.lower.unwrap() > 0.1 && c.upper.unwrap() < 0.22, "{c:?}");
    let last = found.exponents.last().unwrap();
    assert!(last.at_least && last.log_log.lower.is_none(), "48 sites are censored: {last:?}");
}

/// Coupling times bound the distance: S of pairs from the two extremes is at least the exact distance between them,
/// which is at least that to stationarity from one.
#[test]
fn coupling_curves_lie_above_the_exact_distance() {
    let pairs = coalescence(16, 0.5, 2000, 2000, 5);
    let curve = crate::statistics::KaplanMeier::new(&pairs);
    let steps: Vec<u64> = (0..20).map(|k| 10 * k).collect();
    let exact = CurieWeiss::new(16, 0.5).unwrap().distances(&steps, &Silent).unwrap();
    for (&step, distance) in steps.iter().zip(exact) {
        assert!(curve.at(step) >= distance - 0.03, "{step}: {} {distance}", curve.at(step));
    }
}

/// Log-normal times about a known law.
fn synthetic(n: u32, mean: f64, sd: f64, count: u64, cap: u64, seed: u64) -> Vec<Lifetime> {
    (0..count)
        .map(|pair| {
            let u = Stream::new(seed, u64::from(n) << 32 | pair).unit().clamp(1e-12, 1.0 - 1e-12);
            let time = (mean + sd * normal_quantile(u)).exp().round().max(1.0);
            if time <= cap as f64 { Lifetime::event(time as u64) } else { Lifetime::censored(cap) }
        })
        .collect()
}

#[test]
fn laws_are_recovered_through_censoring() {
    let exponential = |n: u32| 2.0 + f64::from(n).ln() + 0.15 * f64::from(n);
    let cells: Vec<_> =
        [48, 4, 8, 16, 32].iter().map(|&n| cell(0.7, n, synthetic(n, exponential(n), 0.6, 400, 20_000, 3))).collect();
    assert!(censored_share(&cells[0].pairs) > 0.8);
    let found = growth(&cells, 0.25, 100, 2, &Silent).unwrap();
    let fit = &found.fits[3];
    assert_eq!(found.best, Some(GrowthModel::NExponential));
    let (c, a) = (fit.slope.unwrap(), fit.log_a);
    assert!((c.value - 0.15).abs() < 0.006 && (a.value - 2.0).abs() < 0.1 && (fit.sd - 0.6).abs() < 0.03, "{fit:?}");
    assert!(c.lower.unwrap() < 0.15 && 0.15 < c.upper.unwrap());
    assert!((fit.median(16.0).ln() - exponential(16)).abs() < 0.1);
    let last = found.exponents.last().unwrap();
    assert!(last.at_least && last.log_log.upper.is_none() && last.n == [16, 32], "{last:?}");
    assert!(found.rising && found.words.starts_with("Super-polynomial on these lengths"), "{}", found.words);
    assert_eq!(found, growth(&cells, 0.25, 100, 2, &Silent).unwrap());
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Growth>(&json).unwrap(), found);

    // A power law, however steep, is never called super-polynomial.
    let power = |n: u32| 1.0 + 4.0 * f64::from(n).ln();
    let cells: Vec<_> =
        [4, 8, 16, 32].iter().map(|&n| cell(0.7, n, synthetic(n, power(n), 0.6, 300, u64::MAX, 4))).collect();
    let found = growth(&cells, 0.25, 60, 2, &Silent).unwrap();
    assert_eq!(found.best, Some(GrowthModel::Power));
    assert!(found.words.contains("not established") && found.words.contains("n^4.0"), "{}", found.words);
}

#[test]
fn what_cannot_be_told_is_not() {
    let censored: Vec<_> = [4, 8, 16].iter().map(|&n| cell(0.3, n, vec![Lifetime::censored(100); 20])).collect();
    let found = growth(&censored, 0.25, 50, 1, &Silent).unwrap();
    assert!(found.fits.is_empty() && found.best.is_none() && found.exponents.is_empty());
    assert!(found.words.contains("not determined"), "{}", found.words);
    let mixed = [cell(1.0, 4, vec![Lifetime::event(3)]), cell(2.0, 4, vec![Lifetime::event(3)])];
    assert!(growth(&mixed, 0.25, 5, 1, &Silent).unwrap_err().to_string().contains("one temperature"));
    let twice = [mixed[0].clone(), mixed[0].clone()];
    assert!(growth(&twice, 0.25, 5, 1, &Silent).is_err() && snapshots(&twice, 0.25, 5, 1, &Silent).is_err());
    assert!(growth(&[], 0.25, 5, 1, &Silent).is_err() && growth(&mixed[..1], 1.0, 5, 1, &Silent).is_err());
    // Pairs that were equal from the start say nothing of coupling.
    let mut pairs = synthetic(4, 3.0, 0.5, 30, u64::MAX, 1);
    pairs.push(Lifetime::event(0));
    let cells = [cell(1.0, 4, pairs), cell(1.0, 8, synthetic(8, 4.0, 0.5, 30, u64::MAX, 1))];
    let found = growth(&cells, 0.25, 20, 1, &Silent).unwrap();
    assert_eq!((found.left_out, found.pairs, found.fits.len()), (1, 60, 4));

    struct Stops;
    impl Progress for Stops {
        fn stage(&self, _: &str) {}
        fn report(&self, _: u64, _: u64) {}
        fn checkpoint(&self) -> Result<(), Cancelled> {
            Err(Cancelled)
        }
    }
    assert!(growth(&cells, 0.25, 20, 1, &Stops).is_err() && snapshots(&cells, 0.25, 20, 1, &Stops).is_err());
}

/// `log t = log(n log n) + n^power * height / (1 + e^((tau - 1.5) / width))`: a step at 1.5 with an order parameter
/// whose variance has a peak there.
fn step_grid(power: f64, cap: u64) -> Vec<PhaseCell> {
    let mut cells = Vec::new();
    for k in 0..13u32 {
        let t = 0.75 + 0.125 * f64::from(k);
        for n in [4u32, 8, 16, 32] {
            let size = f64::from(n);
            let height = 0.8 * (size / 4.0).powf(power);
            let log_t = 1.5 + (size * size.ln()).ln() + height / (1.0 + ((t - 1.5) / 0.1).exp());
            let mut found = cell(t, n, synthetic(n, log_t, 0.3, 300, cap, 100 + u64::from(k)));
            let kappa = (t - 1.6).clamp(-0.5, 0.5);
            let moved = (1000.0 * kappa.abs() / size * 4.0).round() as u64;
            let sum = if kappa > 0.0 { -(moved as i64) } else { moved as i64 };
            found.neighbours = Some(DriftCount { h: 1, count: 4000, sum, squares: moved + 200 });
            // Fluctuations of independent sites, enlarged near the step.
            let spread = (size.powf(power) * (-((t - 1.5) / 0.2).powi(2)).exp() + 1.0).sqrt() / size.sqrt();
            let mut stream = Stream::new(7, u64::from(n) << 32 | u64::from(k));
            found.order = (0..400).map(|_| spread * normal_quantile(stream.unit().clamp(1e-12, 1.0 - 1e-12))).collect();
            cells.push(found);
        }
    }
    cells
}

#[test]
fn critical_temperatures_of_a_known_step() {
    let grid = snapshots(&step_grid(1.0, u64::MAX), 0.25, 100, 1, &Silent).unwrap();
    let found = critical(&grid);
    for (name, critical, known, tolerance) in [
        ("steepest", &found.steepest, 1.5, 0.07),
        ("contraction", &found.contraction, 1.6, 0.03),
        ("model change", &found.model_change, 1.7, 0.2),
    ] {
        let CriticalTemperature::Found { tau, found_share } = critical else { panic!("{name}: {critical}") };
        assert!((tau.value - known).abs() < tolerance && *found_share >= 0.95, "{name}: {critical}");
        assert!(tau.lower.unwrap() <= tau.value && tau.value <= tau.upper.unwrap(), "{name}: {critical}");
    }
    // M4 on n log n data keeps a positive rate, and this is said.
    assert!(found.growth_rate.to_string().contains("not reached in this grid: the growth rate c is still positive"));
    let panel = finite_size(&grid, &found);
    assert_eq!(
        (panel.slope, panel.susceptibility, panel.verdict),
        (Trend::Grows, Trend::Grows, Verdict::TransitionLike)
    );
    let b = panel.slope_growth.unwrap();
    assert!((b.value - 1.0).abs() < 0.15, "{b:?}");
    assert_eq!(panel.steepest_converges, Some(true));
    assert!((panel.by_length[3].susceptibility_at.unwrap() - 1.5).abs() <= 0.125);
    assert_eq!(panel.window, Some([0.75, 2.25]));
    assert_eq!(grid, snapshots(&step_grid(1.0, u64::MAX), 0.25, 100, 1, &Silent).unwrap());
    let json = serde_json::to_string(&(&found, &panel)).unwrap();
    assert_eq!(serde_json::from_str::<(Critical, FiniteSize)>(&json).unwrap(), (found, panel));
}

/// F11: curves of all lengths overlay, the susceptibility does not grow.
#[test]
fn a_crossover_is_called_one() {
    let grid = snapshots(&step_grid(0.0, u64::MAX), 0.25, 100, 1, &Silent).unwrap();
    let panel = finite_size(&grid, &critical(&grid));
    assert_eq!((panel.slope, panel.susceptibility), (Trend::Flat, Trend::Flat), "{panel:?}");
    assert_eq!(panel.verdict, Verdict::Crossover);
    assert!(panel.words.contains("crossover, not a transition"), "{}", panel.words);
    // Censored cells could hide a slow side.
    let grid = snapshots(&step_grid(0.0, 150), 0.25, 60, 1, &Silent).unwrap();
    let panel = finite_size(&grid, &critical(&grid));
    assert!(panel.censored && panel.verdict == Verdict::Undecided && panel.words.contains("raise the cap"));
    let mut bare = step_grid(0.0, u64::MAX);
    bare.iter_mut().for_each(|cell| cell.order.clear());
    let grid = snapshots(&bare, 0.25, 60, 1, &Silent).unwrap();
    let panel = finite_size(&grid, &critical(&grid));
    assert_eq!((panel.verdict, panel.susceptibility), (Verdict::Undecided, Trend::Unclear));
    assert!(panel.words.contains("no order parameter"), "{}", panel.words);
}

/// In the Curie-Weiss model `log t` only steepens as tau falls: no place is steepest, the bend lies near tau_c = 1.
#[test]
fn curie_weiss_has_a_bend_and_no_steepest_place() {
    let mut cells = Vec::new();
    for k in 0..12u32 {
        let t = 0.6 + 0.1 * f64::from(k);
        for n in [16u32, 32, 64] {
            // Exact mixing times, as pairs that all take them but for a spread.
            let exact = CurieWeiss::new(n as usize, 1.0 / t).unwrap().mixing_time(0.25, &Silent).unwrap().unwrap();
            cells.push(cell(t, n, synthetic(n, (exact as f64).ln(), 0.02, 60, u64::MAX, u64::from(k))));
        }
    }
    let found = critical(&snapshots(&cells, 0.25, 40, 1, &Silent).unwrap());
    let last = found.by_length.last().unwrap();
    assert!(last.steepest.to_string().contains("steepest at the coldest known place"), "{}", last.steepest);
    let bend = last.bend.value().unwrap();
    assert!((0.7..1.0).contains(&bend), "{}", last.bend);
    assert_eq!(found.contraction.value(), None);
}

#[test]
fn cells_are_shown_and_hatched() {
    let mut seen = cell(1.0, 8, (1..=64).map(Lifetime::event).collect());
    seen.order = (0..64).map(|k| f64::from(k % 2)).collect();
    seen.neighbours = Some(DriftCount { h: 1, count: 100, sum: -10, squares: 14 });
    let found = cell_result(&seen, 0.25, 200, 1).unwrap();
    assert_eq!((found.log10_sweeps, found.log10_sweeps_at_least), (Some(6f64.log10()), None));
    let chi = found.susceptibility.unwrap();
    assert!((chi.value - 8.0 * 0.25 * 64.0 / 63.0).abs() < 1e-12 && chi.upper.unwrap() >= chi.lower.unwrap());
    assert!((found.kappa.unwrap().kappa - 0.8).abs() < 1e-12 && !found.censored);
    let found = cell_result(&cell(0.0, 8, vec![Lifetime::censored(800); 9]), 0.25, 200, 1).unwrap();
    assert_eq!((found.log10_sweeps, found.log10_sweeps_at_least, found.censored), (None, Some(2.0), true));
    assert!(cell_result(&cell(1.0, 8, Vec::new()), 0.25, 200, 1).unwrap_err().to_string().contains("temperature 1"));
}

#[test]
fn pairs_are_added_until_a_cell_is_known() {
    let policy = Policy { resamples: 200, ..Policy::default() };
    let more = |pairs| Decision::More { pairs };
    let finished = |because| Decision::Finished { because };
    assert_eq!(policy.decide(&[]), more(64));
    assert_eq!(policy.decide(&vec![Lifetime::event(9); 64]), finished(Finished::Precise));
    assert_eq!(policy.decide(&vec![Lifetime::event(0); 64]), finished(Finished::Precise));
    assert_eq!(policy.decide(&vec![Lifetime::censored(99); 64]), finished(Finished::Capped));
    assert_eq!(policy.decide(&vec![Lifetime::event(9); 4096]), finished(Finished::PairsSpent));
    // Just at the level at the cap: neither capped beyond doubt nor known.
    let mut pairs: Vec<_> = (1..=46).map(Lifetime::event).collect();
    pairs.extend([Lifetime::censored(46); 18]);
    assert_eq!(policy.decide(&pairs), more(64));
    // Exponential-like times need a few hundred pairs, and the loop ends.
    let times = |count: usize| -> Vec<Lifetime> {
        let mut stream = Stream::new(8, 0);
        (0..count).map(|_| Lifetime::event((-1e4 * (1.0 - stream.unit()).ln()).ceil() as u64)).collect()
    };
    let (mut have, mut rounds) = (64, 0);
    let end = loop {
        match policy.decide(&times(have)) {
            Decision::More { pairs } => have += pairs as usize,
            Decision::Finished { because } => break because,
        }
        rounds += 1;
    };
    // Theory: relative sd of the 3/4 quantile is sqrt(3 / K) / ln 4, so 3.92 of it is 0.2 at K = 600.
    assert!(end == Finished::Precise && (300..1500).contains(&have) && rounds < 12, "{end:?} {have} {rounds}");
}

#[test]
fn the_picture_grows_from_coarse_to_fine() {
    let grid = Grid::default();
    assert_eq!((grid.temperatures.len(), grid.lengths.len(), grid.cap(16)), (13, 9, 8000));
    let shape = [grid.temperatures.len(), grid.lengths.len()];
    let work = |place, pairs, width, decision| Work { place, shape, pairs, decision, width };
    let more = Decision::More { pairs: 64 };
    let mut cells: Vec<Work> = (0..117).map(|k| work([k / 9, k % 9], 0, None, more)).collect();
    let order = order_of_work(&cells);
    let places: Vec<[usize; 2]> = order.iter().map(|&k| cells[k].place).collect();
    assert_eq!(places[..4], [[0, 0], [12, 0], [0, 8], [12, 8]]);
    assert_eq!(places[4..9], [[6, 0], [0, 4], [6, 4], [12, 4], [6, 8]]);
    let mut all = order.clone();
    all.sort_unstable();
    assert_eq!(all, (0..117).collect::<Vec<_>>());
    // Begun cells come after empty ones, the least known first; finished ones not at all.
    cells[0] = work([0, 0], 64, Some(0.3), more);
    cells[1] = work([0, 1], 64, Some(0.9), more);
    cells[2] = work([0, 2], 64, None, more);
    cells[3].decision = Decision::Finished { because: Finished::Precise };
    let order = order_of_work(&cells);
    assert_eq!(order[113..], [2, 1, 0]);
    assert!(!order.contains(&3) && order.len() == 116);
}
