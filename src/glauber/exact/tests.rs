//! Acceptance checks of exact mode (glauber.md section 9) and cross-checks against independent computations.

use proptest::prelude::*;

use super::*;
use crate::glauber::toys;
use crate::progress::{Cancelled, Silent};

fn close(found: f64, known: f64, tolerance: f64) {
    assert!((found - known).abs() <= tolerance, "found {found}, known {known}");
}

fn model(text: &str) -> Box<dyn Conditionals> {
    toys::parse(text).unwrap()
}

fn solve_with(text: &str, spec: &ExactSpec) -> ExactResult {
    let model = model(text);
    let space = Space::whole(model.as_ref(), model.sites().0).unwrap();
    exact(model.as_ref(), &space, spec, &Silent).unwrap()
}

fn at(tau: f64) -> ExactSpec {
    ExactSpec::new(Temperature::new(tau).unwrap())
}

fn solve(text: &str, tau: f64) -> ExactResult {
    solve_with(text, &at(tau))
}

fn chain(text: &str, tau: f64) -> ExactChain {
    let model = model(text);
    let space = Space::whole(model.as_ref(), model.sites().0).unwrap();
    ExactChain::over(model.as_ref(), &space, Temperature::new(tau).unwrap(), &Silent).unwrap()
}

#[test]
fn a1_compatible_tables_have_no_affinity() {
    for text in ["random-table:n=4,v=3,compatible=true,seed=3", "ising:n=6,beta=0.7,field=0.2", "curie-weiss:n=6"] {
        let found = solve(text, 1.0);
        assert!(found.max_abs_r.unwrap() <= 1e-12, "{text}: {:?}", found.max_abs_r);
        assert!(found.entropy_production.unwrap().abs() <= 1e-12 && found.largest_flux.unwrap() <= 1e-14, "{text}");
        assert!(found.systematic_scan.unwrap().tv_from_random <= 1e-12, "{text}");
        assert!(found.permutation_scan.unwrap().tv_from_random <= 1e-11, "{text}");
        // A reversible P is its own adjoint, so the gap of P P* is that of P squared.
        let spectrum = found.spectrum.unwrap();
        close(spectrum.reversibilisation_gap, 1.0 - spectrum.slem.powi(2), 1e-10);
    }
}

#[test]
fn a2_the_pair_of_goyal_et_al() {
    let found = solve("table-pair", 1.0);
    close(found.max_abs_r.unwrap(), 9.190239700, 5e-10);
    let r = found.rectangles;
    assert_eq!((r.count, r.largest.map(|r| (r.i, r.j, r.a, r.a2, r.b, r.b2))), (1, Some((0, 1, 0, 1, 0, 1))));
    for (k, known) in [0.3725, 0.1275, 0.1275, 0.3725].into_iter().enumerate() {
        close(found.pi.as_ref().unwrap()[k], known, 1e-14);
        close(found.systematic_scan.as_ref().unwrap().law.as_ref().unwrap()[k], 0.25, 1e-14);
    }
    close(found.systematic_scan.as_ref().unwrap().tv_from_random, 0.245, 1e-14);
    close(found.entropy_production.unwrap(), 0.562902182, 5e-10);
    close(found.largest_flux.unwrap(), 0.06125, 1e-14);
    let moduli = found.spectrum.unwrap().eigenvalues.unwrap();
    for (z, known) in moduli.iter().zip([1.0, 0.5, 0.5, 0.0]) {
        close(z[0].hypot(z[1]), known, 1e-7);
    }
    close(solve("table-pair", 0.5).max_abs_r.unwrap(), 18.380479401, 5e-10);
    let backwards = chain("table-pair", 1.0).systematic_scan_law(&[1, 0]).unwrap();
    for (p, known) in backwards.iter().zip([0.495, 0.005, 0.005, 0.495]) {
        close(*p, known, 1e-14);
    }
}

#[test]
fn the_permutation_scan_is_the_mean_over_orders() {
    let (chain, law) = (chain("random-table:n=3,v=3,seed=8", 0.7), solve("random-table:n=3,v=3,seed=8", 0.7));
    let law = law.permutation_scan.unwrap().law.unwrap();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut after = vec![0.0; 27];
    for order in orders {
        let swept = order.iter().fold(law.clone(), |law, &site| chain.update(&law, site));
        after.iter_mut().zip(swept).for_each(|(sum, p)| *sum += p / 6.0);
    }
    assert!(stationary::total_variation(&law, &after) < 1e-12);
    assert!(stationary::total_variation(&law, &chain.random_scan_law().unwrap()) > 1e-3, "the scans differ");
}

#[test]
fn a3_one_bumped_entry() {
    let found = solve("random-table:n=3,v=3,seed=4,compatible=true,bump=1.5", 1.0);
    close(found.max_abs_r.unwrap(), 0.4054651081, 5e-11);
    let (rectangle, context) = (found.rectangles.largest.unwrap(), found.rectangles.context);
    // The entry is token 0 at site 0 while all others hold 0.
    assert!(rectangle.i == 0 && rectangle.a == 0 && rectangle.b == 0);
    assert!(context.iter().enumerate().all(|(site, &token)| site == 0 || site == rectangle.j || token == 0));
    assert_eq!(found.rectangles.count, 3 * 3 * 3 * 3);
    assert!(found.largest_flux.unwrap() > 1e-5 && found.entropy_production.unwrap() > 1e-5);
}

#[test]
fn a4_independent_sites() {
    for (text, tau) in [("product:n=5,v=3,seed=2", 1.0), ("random-table:n=4,v=4,seed=1", f64::INFINITY)] {
        let found = solve(text, tau);
        let n = found.sites as f64;
        close(found.gap.unwrap(), 1.0 / n, 1e-12);
        close(found.spectrum.as_ref().unwrap().relaxation_time.unwrap(), n, 1e-9);
        assert!(found.influence.matrix.values.iter().all(|&c| c < 1e-15));
        assert!(found.influence.alpha_col < 1e-14 && found.influence.rho < 1e-14);
        assert_eq!(found.influence.mixing_upper, Some((n * (n.ln() + 4f64.ln())).ceil() as u64));
        assert!(found.influence.mixing_upper.unwrap() >= found.t_mix.unwrap());
    }
}

#[test]
fn a5_fair_bits() {
    let found = solve("product:n=8,v=2", f64::INFINITY);
    assert_eq!(
        (found.states, found.t_mix, found.t_mix_lower, found.d_over),
        (256, Some(12), Some(12), Some(Starts::All))
    );
    let model = model("product:n=16,v=2");
    let space = Space::whole(model.as_ref(), 16).unwrap();
    let chain = ExactChain::over(model.as_ref(), &space, Temperature::INFINITE, &Silent).unwrap();
    let law = chain.random_scan_law().unwrap();
    let mixing = mixing::over_chosen_starts(&chain, &law, vec![0], 100, &Silent).unwrap();
    assert_eq!((mixing.quarter, mixing.above_at), (Some(29), Some(28)));
    // Cut short, it is a lower bound and no mixing time.
    let cut = mixing::over_chosen_starts(&chain, &law, vec![0], 20, &Silent).unwrap();
    assert_eq!((cut.quarter, cut.above_at, cut.curve.len()), (None, Some(20), 21));
}

#[test]
fn a6_two_sites_of_one_joint() {
    let found = solve("table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8", 1.0);
    for (z, known) in found.spectrum.as_ref().unwrap().eigenvalues.as_ref().unwrap().iter().zip([1.0, 0.8, 0.2, 0.0]) {
        close(z[0], known, 1e-13);
        close(z[1], 0.0, 1e-13);
    }
    for (p, known) in found.pi.as_ref().unwrap().iter().zip([0.4, 0.1, 0.1, 0.4]) {
        close(*p, known, 1e-14);
    }
    close(found.d[0].d, 0.9, 1e-14);
    for point in &found.d[1..] {
        close(point.d, 0.5 * 0.8f64.powi(point.t as i32), 1e-13);
    }
    assert_eq!(found.t_mix, Some(4));
    close(found.influence.matrix.get(0, 1), 0.6, 1e-14);
    close(found.influence.alpha_col, 0.6, 1e-14);
    close(found.influence.rho, 0.6, 1e-9);
    // Systematic scan: a sweep shrinks the distance of its laws by .36.
    let chain = chain("table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8", 1.0);
    let sweep = |law: Vec<f64>| chain.update(&chain.update(&law, 0), 1);
    let tv = |law: &[f64]| stationary::total_variation(law, found.pi.as_ref().unwrap());
    let (mut law, mut ratio) = (sweep(vec![1.0, 0.0, 0.0, 0.0]), 0.0);
    for _ in 0..6 {
        let next = sweep(law.clone());
        ratio = tv(&next) / tv(&law);
        law = next;
    }
    close(ratio, 0.36, 1e-9);
}

#[test]
fn a7_and_a8_curie_weiss() {
    for (beta, t_mix, alpha, bound) in
        [(0.5, 18, 0.4369312, Some(50)), (1.0, 32, 0.8704713, Some(215)), (1.5, 82, 7.0 * 0.1853330, None)]
    {
        let found = solve(&format!("curie-weiss:n=8,beta={beta}"), 1.0);
        assert_eq!(found.t_mix, Some(t_mix), "beta {beta}");
        close(found.influence.matrix.get(2, 5), (beta / 8.0f64).tanh(), 1e-14);
        close(found.influence.alpha_col, alpha, 5e-6);
        close(found.influence.rho, found.influence.alpha_row, 1e-8);
        assert_eq!(found.influence.mixing_upper, bound, "beta {beta}");
        assert_eq!(found.basin_count, 2, "all + and all -");
        for basin in &found.basins {
            // The theorem's bound for every basin.
            let bottleneck = basin.bottleneck.unwrap();
            assert!(basin.fixed_point && bottleneck.mixing_lower.unwrap() <= t_mix as f64);
        }
    }
    // n = 16: alpha .4685975 and the real bound 125.22 rounds up.
    let model = model("curie-weiss:n=16,beta=0.5");
    let space = Space::whole(model.as_ref(), 16).unwrap();
    let chain = ExactChain::over(model.as_ref(), &space, Temperature::new(1.0).unwrap(), &Silent).unwrap();
    let influence = structure::influence(&chain);
    close(influence.get(0, 15), 0.0312398, 5e-8);
    close(influence.alpha_col(), 0.4685975, 5e-7);
    assert_eq!(contraction_bound(16, influence.alpha_col(), 0.25), Some(126));
}

/// d(t) and t_mix by stepping every start one by one, against the doubling and binary descent.
#[test]
fn the_binary_descent_finds_the_same_time_as_single_steps() {
    for (text, tau) in [
        ("table-pair:p=0.99;0.01;0.02;0.98,q=0.97;0.03;0.05;0.95", 1.0),
        ("potts:n=4,q=3,beta=1.5", 0.9),
        ("ising:n=7,beta=1,field=0.1", 1.0),
    ] {
        let (chain, found) = (chain(text, tau), solve(text, tau));
        let law = chain.random_scan_law().unwrap();
        let mixing = mixing::over_chosen_starts(&chain, &law, (0..chain.states()).collect(), 100_000, &Silent).unwrap();
        assert_eq!(found.t_mix, mixing.quarter, "{text}");
        assert!(found.t_mix.unwrap() > 32, "{text}: {:?} needs the descent", found.t_mix);
        for point in &found.d {
            if let Some(single) = mixing.curve.iter().find(|single| single.t == point.t) {
                close(point.d, single.d, 1e-12);
            }
        }
        assert!(found.d.windows(2).all(|pair| pair[0].t < pair[1].t && pair[0].d >= pair[1].d - 1e-13));
    }
}

/// A cold pair whose mixing time is known in closed form: two wells, d(t) = lambda^t / 2 with 1 - lambda tiny.
#[test]
fn astronomically_slow_chains_are_exact() {
    let text = "table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8";
    for (tau, digits) in [(0.2, 1e-6), (0.05, 1e-6), (0.036, 1e-6)] {
        let found = solve(text, tau);
        // At tau the conditionals are (p, 1 - p) with odds 4^(1/tau); the slow eigenvalue is p for two sites.
        let wrong = 1.0 / (1.0 + 4f64.powf(1.0 / tau));
        let known = (2f64.ln() / -(-wrong).ln_1p()).ceil();
        let t_mix = found.t_mix.unwrap() as f64;
        assert!((t_mix / known - 1.0).abs() < digits, "tau {tau}: {t_mix} and {known}");
        assert_eq!(found.random_scan.unwrap().method, Method::Gth);
        assert_eq!(found.closed_classes, 1);
    }
    let colder = solve(text, 0.02);
    assert_eq!((colder.t_mix, colder.t_mix_lower), (None, Some((1 << 62) + 1)), "4^50 is beyond 2^62");
    assert!(colder.spectrum.unwrap().relaxation_time.is_none(), "the gap is lost in rounding");
}

#[test]
fn zero_temperature_has_closed_classes() {
    let found = solve("curie-weiss:n=5,beta=1", 0.0);
    assert_eq!((found.closed_classes, found.pi.clone(), found.t_mix, found.slem), (2, None, None, None));
    assert_eq!(found.basins.iter().map(|basin| basin.states).sum::<u64>(), 32);
    assert!(found.basins.iter().all(|basin| basin.mass.is_none() && basin.fixed_point));
    // The two chains of A2 at 0: site 1 follows site 2, and site 2 always takes the first token: one fixed point.
    let found = solve("table-pair:p=0.9;0.1;0.1;0.9,q=0.6;0.4;0.6;0.4", 0.0);
    assert_eq!((found.closed_classes, found.pi), (1, Some(vec![1.0, 0.0, 0.0, 0.0])));
    assert_eq!(found.max_abs_r, None, "R is infinite");
    assert_eq!(found.basins[0].attractor, [[0, 0]]);
    // Two updates in any order reach it; the slowest start is as far as the chance that one of them has not come: site 2
    // first, then site 1, from 01: P(T > t) is 1/2^t (1 + t) for t >= 1.
    for point in &found.d {
        let t = point.t as f64;
        close(point.d, (1.0 + t) / 2f64.powf(t), 1e-14);
    }
}

#[test]
fn argmax_cycles_are_called_cycles() {
    // Site 1 copies site 2, site 2 wants to differ from site 1: no fixed point.
    let found = solve("table-pair:p=0.9;0.1;0.1;0.9,q=0.1;0.9;0.9;0.1", 0.3);
    assert_eq!(found.basin_count, 1);
    let basin = &found.basins[0];
    assert!(!basin.fixed_point && basin.states == 4 && basin.bottleneck.is_none());
    assert_eq!(basin.attractor, [[0, 1], [1, 0]]);
    close(basin.mass.unwrap(), 1.0, 1e-14);
    assert!(found.entropy_production.unwrap() > 1.0);
}

#[test]
fn a_bottleneck_by_hand() {
    let text = "table-pair:p=0.8;0.2;0.2;0.8,q=0.8;0.2;0.2;0.8";
    let sets = vec![vec![vec![0, 0]], vec![vec![0, 0], vec![0, 1], vec![1, 0]], vec![]];
    let found = solve_with(text, &ExactSpec { sets, ..at(1.0) });
    // From 00 either site leaves with probability .2 / 2.
    let first = found.bottlenecks[0].unwrap();
    close(first.phi, 0.2, 1e-14);
    close(first.mixing_lower.unwrap(), 1.25, 1e-13);
    // The complement of the second set is 11.
    let second = found.bottlenecks[1].unwrap();
    close(second.mass, 0.4, 1e-14);
    close(second.phi, 0.2, 1e-14);
    assert_eq!(found.bottlenecks[2], None);
}

/// The iterative methods for large spaces against dense matrices, on spaces where both can be used.
#[test]
fn krylov_methods_agree_with_dense_matrices() {
    for (text, tau) in [("random-table:n=4,v=4,seed=3", 0.5), ("curie-weiss:n=8,beta=1.3", 1.0)] {
        let chain = chain(text, tau);
        let law = chain.random_scan_law().unwrap();
        let dense = spectrum::spectrum(&chain, &law, 4, &Silent).unwrap().spectrum;
        let found = spectrum::krylov(&chain, &law, 4, &Silent).unwrap();
        let krylov = found.spectrum;
        close(krylov.slem, dense.slem, 1e-9);
        assert!(krylov.slem_residual.unwrap() < 1e-9);
        close(krylov.reversibilisation_gap, dense.reversibilisation_gap, 1e-9);
        close(krylov.pseudo_gap_lower, dense.pseudo_gap_lower, 1e-9);
        assert_eq!((krylov.pseudo_gap_at, krylov.pseudo_gap_bound), (dense.pseudo_gap_at, dense.pseudo_gap_bound));
        let mut step = |law: &[f64], after: &mut [f64]| chain.step(law, after);
        let iterated = stationary::iterate(chain.states(), &mut step, &Silent).unwrap();
        assert!(iterated.residual <= RESIDUAL);
        assert!(stationary::total_variation(&iterated.law, &law) < 1e-10);
        // The worst start is an extreme of the slowest mode.
        let from = starts(&chain, &law, &at(tau), found.slowest.as_deref());
        let chosen = mixing::over_chosen_starts(&chain, &law, from, 10_000, &Silent).unwrap();
        let all = mixing::over_all_starts(&chain, &law, &Silent).unwrap();
        assert_eq!(chosen.quarter, all.quarter, "{text}");
    }
}

#[test]
fn large_spaces_give_lower_bounds() {
    let model = model("random-table:n=7,v=3,seed=6");
    let space = Space::whole(model.as_ref(), 7).unwrap();
    let spec = ExactSpec { starts: vec![vec![2; 7]], keep_law: false, pseudo_gap_bound: 2, ..at(1.0) };
    let found = exact(model.as_ref(), &space, &spec, &Silent).unwrap();
    assert_eq!((found.states, found.contexts, found.t_mix, found.pi.is_none()), (2187, 7 * 729, None, true));
    assert_eq!(found.d_over, Some(Starts::Chosen));
    assert_eq!(found.starts[0], [2; 7]);
    assert!(found.t_mix_lower.unwrap() > 7 && found.random_scan.unwrap().residual <= RESIDUAL);
    assert!(found.permutation_scan.unwrap().tv_from_random > 1e-4);
    // It can be stored and read.
    let json = serde_json::to_string(&found_again(&spec)).unwrap();
    assert_eq!(serde_json::from_str::<ExactResult>(&json).unwrap(), found_again(&spec));
    for key in ["states", "t_mix", "d", "pi", "slem", "gap", "influence", "entropy_production", "max_abs_r"] {
        assert!(json.contains(&format!("\"{key}\":")), "{key}");
    }
}

fn found_again(spec: &ExactSpec) -> ExactResult {
    solve_with("table-pair", &ExactSpec { starts: vec![], keep_law: true, ..spec.clone() })
}

#[test]
fn a_space_around_a_template() {
    // Freezing the ends of an Ising chain to + leaves the law of the rest, given +.
    let (model, beta) = (model("ising:n=4,beta=0.6,field=0.1,shape=chain"), 0.6f64);
    let space = Space::new(model.as_ref(), vec![1, 0, 0, 1], &[0, 3], vec![0, 1]).unwrap();
    let found = exact(model.as_ref(), &space, &at(1.0), &Silent).unwrap();
    assert_eq!((found.states, found.sites, found.contexts), (4, 2, 4));
    let weight = |s: [f64; 2]| (beta * (s[0] + s[0] * s[1] + s[1]) + 0.1 * (s[0] + s[1])).exp();
    let weights = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]].map(weight);
    for (p, w) in found.pi.unwrap().iter().zip(weights) {
        close(*p, w / weights.iter().sum::<f64>(), 1e-14);
    }
    assert_eq!(found.basins[0].attractor, [[1, 1, 1, 1]]);
    let rectangle = found.rectangles.largest.unwrap();
    assert_eq!((rectangle.i, rectangle.j, found.rectangles.count), (1, 2, 1), "positions of the whole sequence");
    // A restriction of the vocabulary keeps every R inside it (P2).
    let model = toys::parse("random-table:n=3,v=4,seed=3").unwrap();
    let whole =
        ExactChain::over(model.as_ref(), &Space::whole(model.as_ref(), 3).unwrap(), Temperature::INFINITE, &Silent);
    let part = Space::new(model.as_ref(), vec![0; 3], &[], vec![1, 3]).unwrap();
    let part = ExactChain::over(model.as_ref(), &part, Temperature::INFINITE, &Silent).unwrap();
    let (whole, r) = (whole.unwrap(), structure::rectangles(&part));
    let at = r.largest.unwrap();
    let d = |a: u32, b: u32| {
        let mut state = r.context.clone();
        (state[at.i], state[at.j]) = (a, b);
        let index = whole.index(&state).unwrap();
        whole.logits(at.i)[index] - whole.logits(at.j)[index]
    };
    close((d(at.a, at.b) - d(at.a2, at.b) - d(at.a, at.b2) + d(at.a2, at.b2)).abs(), r.max_abs_r_at_1, 1e-13);
}

#[test]
fn what_cannot_be_enumerated_says_why() {
    let problem = |text: &str, allowed: u32, spec: &ExactSpec| {
        let model = model(text);
        let n = model.sites().0;
        let space = Space::new(model.as_ref(), vec![0; n], &[], (0..allowed).collect()).unwrap();
        exact(model.as_ref(), &space, spec, &Silent).unwrap_err().to_string()
    };
    let text = problem("product:n=12,v=8", 8, &at(1.0));
    assert!(
        text.contains("8^12 = 68719476736") && text.contains("65536") && text.contains("at most 2 tokens"),
        "{text}"
    );
    assert!(problem("product:n=40,v=2", 2, &at(1.0)).contains("fewer free sites"));
    let spec = ExactSpec { starts: vec![vec![0, 7]], ..at(1.0) };
    assert!(problem("table-pair", 2, &spec).contains("not a state"));
    let spec = ExactSpec { pseudo_gap_bound: 0, ..at(1.0) };
    assert!(problem("table-pair", 2, &spec).contains("1 to 64"));
    struct Stops;
    impl Progress for Stops {
        fn stage(&self, _: &str) {}
        fn report(&self, _: u64, _: u64) {}
        fn checkpoint(&self) -> Result<(), Cancelled> {
            Err(Cancelled)
        }
    }
    let model = model("ising:n=4");
    let space = Space::whole(model.as_ref(), 4).unwrap();
    assert_eq!(exact(model.as_ref(), &space, &at(1.0), &Stops), Err(ConditionalsError::Cancelled(Cancelled)));
}

#[test]
fn one_token_or_one_site() {
    let model = model("random-table:n=3,v=3");
    let space = Space::new(model.as_ref(), vec![0; 3], &[], vec![2]).unwrap();
    let found = exact(model.as_ref(), &space, &at(1.0), &Silent).unwrap();
    assert_eq!((found.states, found.t_mix, found.slem, found.rectangles.largest), (1, Some(0), Some(0.0), None));
    let space = Space::new(model.as_ref(), vec![0, 1, 2], &[0, 2], vec![0, 1, 2]).unwrap();
    let found = exact(model.as_ref(), &space, &at(1.0), &Silent).unwrap();
    assert_eq!((found.states, found.t_mix, found.rectangles.count), (3, Some(1), 0));
    close(found.slem.unwrap(), 0.0, 1e-13);
    let spectrum = found.spectrum.unwrap();
    close(spectrum.pseudo_gap_lower, 1.0, 1e-12);
    assert_eq!(spectrum.pseudo_gap_bound, 1, "no other k can give more");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Bounds that hold for every chain: contraction from above, bottlenecks from below; pi is kept by the step.
    #[test]
    fn bounds_bracket_the_mixing_time(seed in 0u64..500, n in 2usize..4, v in 2usize..4, tau in 0.3f64..6.0) {
        let found = solve(&format!("random-table:n={n},v={v},seed={seed}"), tau);
        let t_mix = found.t_mix.unwrap();
        prop_assert!(found.influence.mixing_upper.is_none_or(|upper| upper >= t_mix));
        for basin in &found.basins {
            prop_assert!(basin.bottleneck.is_none_or(|b| b.mixing_lower.unwrap() <= t_mix as f64));
        }
        prop_assert!(found.random_scan.unwrap().residual < 1e-14);
        prop_assert!((found.pi.as_ref().unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-13);
        // rho is at most either sum; slem is at most the contraction of the Hamming metric.
        let influence = &found.influence;
        prop_assert!(influence.rho <= influence.alpha_col.min(influence.alpha_row) + 1e-9);
        prop_assert!(found.slem.unwrap() <= 1.0 - (1.0 - influence.alpha_col) / n as f64 + 1e-10);
        let spectrum = found.spectrum.unwrap();
        prop_assert!(spectrum.pseudo_gap_lower >= spectrum.reversibilisation_gap - 1e-12);
        // d(t) >= slem^t / 2 [LPW 12.5, also for complex eigenvalues and without reversibility].
        for point in &found.d {
            prop_assert!(point.d >= found.slem.unwrap().powf(point.t as f64) / 2.0 - 1e-9);
        }
    }
}
