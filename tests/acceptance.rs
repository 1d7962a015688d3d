//! Acceptance checks with exactly known answers: glauber.md A1, A2, A3, A13 and properties P1 to P4, P6, P7.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use kleroterion::glauber::certificate::{Verdict, assess};
use kleroterion::glauber::conditionals::{Conditionals, Precision};
use kleroterion::glauber::exact::ExactChain;
use kleroterion::glauber::rectangle::{Block, Corners, Rectangle};
use kleroterion::glauber::toys;
use kleroterion::progress::Silent;
use proptest::prelude::*;

fn toy(text: &str) -> Box<dyn Conditionals> {
    toys::parse(text).unwrap()
}

/// Every state of a backend with a fixed number of sites.
fn states(model: &dyn Conditionals) -> Vec<Vec<u32>> {
    let (n, v) = (model.sites().0, model.vocabulary());
    (0..v.pow(n as u32)).map(|k| (0..n).rev().map(|site| (k / v.pow(site as u32) % v) as u32).collect()).collect()
}

/// Every rectangle in every context, with the context's state and its f64 corners.
fn rectangles(model: &dyn Conditionals) -> Vec<(Vec<u32>, Rectangle, Corners)> {
    let (n, v) = (model.sites().0, model.vocabulary());
    let tokens: Vec<u32> = (0..v as u32).collect();
    let pairs: Vec<(usize, usize)> = (0..v).flat_map(|k| (k + 1..v).map(move |l| (k, l))).collect();
    let mut all = Vec::new();
    for (i, j) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
        for state in states(model).into_iter().filter(|state| state[i] == 0 && state[j] == 0) {
            let block =
                Block::evaluate(model, &state, (i, j), &tokens, &tokens, Precision::F64, false, &Silent).unwrap();
            for &(a, a2) in &pairs {
                for &(b, b2) in &pairs {
                    let corners = block.corners(a, a2, b, b2);
                    let [a, a2, b, b2] = [a, a2, b, b2].map(|k| tokens[k]);
                    all.push((state.clone(), Rectangle { i, j, a, a2, b, b2 }, corners));
                }
            }
        }
    }
    all
}

fn largest(model: &dyn Conditionals) -> f64 {
    rectangles(model).iter().map(|(.., corners)| corners.r(1.0).abs()).fold(0.0, f64::max)
}

fn close(found: f64, known: f64, tolerance: f64) {
    assert!((found - known).abs() <= tolerance, "found {found}, known {known}");
}

#[test]
fn a1_a_joint_gives_no_rectangle_and_no_entropy() {
    for text in [
        "random-table:n=3,v=3,seed=1,compatible=true",
        "random-table:n=2,v=6,seed=2,compatible=true",
        "random-table:n=5,v=2,seed=3,compatible=true",
        "ising:n=6,beta=0.5",
        "ising:n=6,beta=0.9,field=0.3",
        "ising:n=6,beta=-0.7,field=0.1,shape=chain",
        "curie-weiss:n=6,beta=1.5",
        "potts:n=4,q=3,beta=0.8",
        "product:n=3,v=4,seed=5",
    ] {
        let model = toy(text);
        let all = rectangles(model.as_ref());
        assert!(!all.is_empty());
        assert!(largest(model.as_ref()) <= 1e-12, "{text}: {}", largest(model.as_ref()));
        for (state, rectangle, _) in all.iter().step_by(7) {
            let (_, assessment) = assess(model.as_ref(), state, *rectangle, 1.0, &Silent).unwrap();
            assert_eq!(assessment.c1, Verdict::NoCertificate, "{text} {rectangle:?}");
        }
        let chain = ExactChain::new(model.as_ref(), 1.0).unwrap();
        let law = chain.random_scan_law().unwrap();
        assert!(chain.entropy_production(&law).abs() <= 1e-12, "{text}");
    }
}

#[test]
fn a2_the_pair_of_goyal_et_al() {
    let model = toy("table-pair");
    let pair = Rectangle { i: 0, j: 1, a: 0, a2: 1, b: 0, b2: 1 };
    let at = |tau| assess(model.as_ref(), &[0, 0], pair, tau, &Silent).unwrap().1;
    close(at(1.0).r64, 9.190239700, 5e-10);
    close(at(0.5).r64, 18.380479401, 5e-10);
    assert_eq!((at(1.0).c1, at(0.5).c2), (Verdict::Certified, Some(Verdict::Certified)));

    let chain = ExactChain::new(model.as_ref(), 1.0).unwrap();
    let law = chain.random_scan_law().unwrap();
    let first_then_second = chain.systematic_scan_law(&[0, 1]).unwrap();
    let second_then_first = chain.systematic_scan_law(&[1, 0]).unwrap();
    for k in 0..4 {
        close(law[k], [0.3725, 0.1275, 0.1275, 0.3725][k], 1e-12);
        close(first_then_second[k], 0.25, 1e-12);
        close(second_then_first[k], [0.495, 0.005, 0.005, 0.495][k], 1e-12);
        close(law[k], (first_then_second[k] + second_then_first[k]) / 2.0, 1e-12);
    }
    close(chain.largest_flux(&law), 0.06125, 1e-12);
    close(chain.entropy_production(&law), 0.562902182, 5e-10);
    // P7: one independent cycle, so entropy production is its flux times R.
    close(chain.entropy_production(&law), chain.largest_flux(&law) * at(1.0).r64.abs(), 1e-12);

    // Eigenvalues of the kernel have moduli 1, .5, .5, 0: by symmetry under exchange of the two tokens they are those
    // of two 2x2 blocks, on states (00, 01) plus and minus their mirror images (11, 10).
    let kernel = chain.kernel();
    let mut moduli = Vec::new();
    for sign in [1.0, -1.0] {
        let block = |x: usize, y: usize| kernel[x * 4 + y] + sign * kernel[x * 4 + 3 - y];
        let (trace, determinant) = (block(0, 0) + block(1, 1), block(0, 0) * block(1, 1) - block(0, 1) * block(1, 0));
        let discriminant = trace * trace / 4.0 - determinant;
        match discriminant >= 0.0 {
            true => moduli.extend([1.0, -1.0].map(|s: f64| (trace / 2.0 + s * discriminant.sqrt()).abs())),
            false => moduli.extend([determinant.sqrt(); 2]),
        }
    }
    moduli.sort_by(|x, y| y.total_cmp(x));
    for (found, known) in moduli.iter().zip([1.0, 0.5, 0.5, 0.0]) {
        close(*found, known, 1e-7);
    }
}

#[test]
fn a3_one_bumped_entry_shows_only_where_it_is() {
    for text in
        ["random-table:n=3,v=3,seed=4,compatible=true,bump=1.5", "random-table:n=2,v=5,compatible=true,bump=1.5"]
    {
        let model = toy(text);
        close(largest(model.as_ref()), 0.4054651081, 5e-11);
        for (state, r, corners) in rectangles(model.as_ref()) {
            // The entry is token 0 at site 0 while all other sites hold 0.
            let others_zero = state.iter().enumerate().all(|(site, &token)| site == r.i || site == r.j || token == 0);
            let contains = others_zero && r.i == 0 && r.a == 0 && r.b == 0;
            let known = if contains { 1.5f64.ln() } else { 0.0 };
            close(corners.r(1.0).abs(), known, 1e-12);
        }
        // P4: the chain is no longer reversible; without the bump it is.
        let flux = |text: &str| {
            let chain = ExactChain::new(toy(text).as_ref(), 1.0).unwrap();
            chain.largest_flux(&chain.random_scan_law().unwrap())
        };
        assert!(flux(text) > 1e-5, "{text}: {}", flux(text));
        assert!(flux(&text.replace(",bump=1.5", "")) < 1e-15);
    }
}

#[test]
fn a13_temperature_scales_r_and_vocabulary_does_not_change_it() {
    let model = toy("random-table:n=3,v=8,seed=9");
    let state = [1, 5, 2];
    let rectangle = Rectangle { i: 0, j: 2, a: 3, a2: 6, b: 0, b2: 7 };
    let (corners, at_one) = assess(model.as_ref(), &state, rectangle, 1.0, &Silent).unwrap();
    assert!(at_one.r64.abs() > 0.1);
    for tau in [0.25, 0.5, 0.75, 1.0, 1.3, 2.0, 3.0, 4.0] {
        let (_, x) = assess(model.as_ref(), &state, rectangle, tau, &Silent).unwrap();
        close(x.r64 * tau, at_one.r64, 1e-12);
        assert_eq!(x.c1, at_one.c1);
        // From the tempered probabilities themselves, normalised over the whole or a restricted vocabulary.
        for kept in [(0..8).collect::<Vec<u32>>(), vec![0, 3, 6, 7]] {
            close(from_probabilities(model.as_ref(), &state, rectangle, tau, &kept) * tau, corners.r(1.0), 1e-12);
        }
    }
}

/// R as the logarithm of a ratio of probabilities, with the vocabulary restricted to `kept`.
fn from_probabilities(model: &dyn Conditionals, state: &[u32], r: Rectangle, tau: f64, kept: &[u32]) -> f64 {
    let (a, b) = ([r.a, r.a2], [r.b, r.b2]);
    let block = Block::evaluate(model, state, (r.i, r.j), &a, &b, Precision::F64, false, &Silent).unwrap();
    let p = |row: &[f64], token: u32| {
        let sum: f64 = kept.iter().map(|&v| (row[v as usize] / tau).exp()).sum();
        (row[token as usize] / tau).exp() / sum
    };
    let (i, j) = (|k, token| p(block.at_i.row(k), token), |k, token| p(block.at_j.row(k), token));
    let up = i(0, r.a) * j(1, r.b) * i(1, r.a2) * j(0, r.b2);
    let down = j(0, r.b) * i(0, r.a2) * j(1, r.b2) * i(1, r.a);
    (up / down).ln()
}

/// P6 on A2's pair: no compatible pair of tables comes closer than |R|/8 in all eight log-probabilities.
#[test]
fn p6_distance_to_every_joint() {
    let model = toy("table-pair");
    let log_probabilities = |model: &dyn Conditionals, tau| {
        Block::evaluate(model, &[0, 0], (0, 1), &[0, 1], &[0, 1], Precision::F64, false, &Silent)
            .unwrap()
            .log_probabilities(0, 1, 0, 1, tau)
    };
    let own = log_probabilities(model.as_ref(), 1.0);
    let mut closest = f64::INFINITY;
    for seed in 0..2000 {
        let other = toy(&format!("random-table:n=2,v=2,compatible=true,seed={seed}"));
        let other = log_probabilities(other.as_ref(), 0.2 + 0.01 * f64::from(seed % 200));
        closest = closest.min(own.iter().zip(other).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max));
    }
    let bound = 9.190239700 / 8.0;
    close(bound, 1.149, 5e-4);
    assert!(closest >= bound, "{closest} is closer than {bound}");
    assert!(closest < 4.0, "the search came near: {closest}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// P1.
    #[test]
    fn p1_compatible_joints_have_no_rectangle(seed in any::<u64>(), n in 2usize..5, v in 2usize..4) {
        let model = toy(&format!("random-table:n={n},v={v},seed={seed},compatible=true"));
        prop_assert!(largest(model.as_ref()) <= 1e-12);
    }

    /// P2: logits, probabilities and restricted probabilities give the same R.
    #[test]
    fn p2_normalisers_cancel(seed in any::<u64>(), tau in 0.25f64..4.0) {
        let model = toy(&format!("random-table:n=2,v=6,seed={seed}"));
        let r = Rectangle { i: 0, j: 1, a: 1, a2: 4, b: 2, b2: 5 };
        let (corners, _) = assess(model.as_ref(), &[0, 0], r, 1.0, &Silent).unwrap();
        for kept in [vec![0, 1, 2, 3, 4, 5], vec![1, 2, 4, 5]] {
            let found = from_probabilities(model.as_ref(), &[0, 0], r, tau, &kept);
            prop_assert!((found * tau - corners.r(1.0)).abs() < 1e-12);
        }
    }

    /// P3.
    #[test]
    fn p3_antisymmetry(seed in any::<u64>()) {
        let model = toy(&format!("random-table:n=3,v=4,seed={seed}"));
        let r = |rectangle| assess(model.as_ref(), &[3, 2, 1], rectangle, 1.0, &Silent).unwrap().0.r(1.0);
        let base = Rectangle { i: 0, j: 2, a: 1, a2: 3, b: 0, b2: 2 };
        let turned = [
            Rectangle { a: 3, a2: 1, ..base },
            Rectangle { b: 2, b2: 0, ..base },
            Rectangle { i: 2, j: 0, a: 0, a2: 2, b: 1, b2: 3 },
        ];
        for rectangle in turned {
            prop_assert!((r(rectangle) + r(base)).abs() < 1e-13);
        }
    }

    /// P4: reversible exactly where every rectangle is zero.
    #[test]
    fn p4_zero_rectangles_are_reversibility(
        seed in any::<u64>(), n in 2usize..4, v in 2usize..4, compatible in any::<bool>(),
    ) {
        let model = toy(&format!("random-table:n={n},v={v},seed={seed},compatible={compatible}"));
        let chain = ExactChain::new(model.as_ref(), 1.0).unwrap();
        let law = chain.random_scan_law().unwrap();
        let (size, flux, entropy) = (largest(model.as_ref()), chain.largest_flux(&law), chain.entropy_production(&law));
        if compatible {
            prop_assert!(size <= 1e-12 && flux <= 1e-14 && entropy.abs() <= 1e-12);
        } else {
            prop_assert!(size > 1e-6 && flux > 1e-12 && entropy > 0.0, "{} {} {}", size, flux, entropy);
        }
    }

    /// P7 in two sites of two tokens: the state space is one cycle, so entropy production is flux times R.
    #[test]
    fn p7_entropy_production_is_flux_times_r(seed in any::<u64>(), tau in 0.5f64..2.0) {
        let model = toy(&format!("random-table:n=2,v=2,seed={seed}"));
        let chain = ExactChain::new(model.as_ref(), tau).unwrap();
        let law = chain.random_scan_law().unwrap();
        let r = largest(model.as_ref()) / tau;
        let (entropy, flux) = (chain.entropy_production(&law), chain.largest_flux(&law));
        prop_assert!((entropy - flux * r).abs() <= 1e-12, "{} {} {}", entropy, flux, r);
    }
}
