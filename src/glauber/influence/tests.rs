use proptest::prelude::*;

use super::*;
use crate::glauber::conditionals::{Conditionals, Precision};
use crate::glauber::exact::{ExactSpec, exact};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::glauber::toys;
use crate::progress::Silent;
use crate::statistics::Stream;

fn tau(value: f64) -> Temperature {
    Temperature::new(value).unwrap()
}

fn spec(temperatures: &[f64], replacements: usize, rule: Replacements) -> InfluenceSpec {
    let temperatures = temperatures.iter().copied().map(tau).collect();
    InfluenceSpec { temperatures, replacements, rule, precision: Precision::F64, seed: 3 }
}

fn model(text: &str) -> (Box<dyn Conditionals>, Space) {
    let model = toys::parse(text).unwrap();
    let space = Space::whole(model.as_ref(), model.sites().0).unwrap();
    (model, space)
}

fn every_state(model: &dyn Conditionals) -> Vec<Vec<u32>> {
    let (n, v) = (model.sites().0, model.vocabulary());
    (0..v.pow(n as u32)).map(|k| (0..n).rev().map(|site| (k / v.pow(site as u32) % v) as u32).collect()).collect()
}

fn tv_of(u: &[f64], w: &[f64], temperature: Temperature) -> f64 {
    let places: Vec<u32> = (0..u.len() as u32).collect();
    let (mut p, mut q) = (Vec::new(), Vec::new());
    temperature.law(u, &places, &mut p);
    temperature.law(w, &places, &mut q);
    p.iter().zip(&q).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0
}

#[test]
fn a16_the_tanh_bound() {
    let mut stream = Stream::new(16, 0);
    let (mut broken, mut largest) = (0, 0.0f64);
    for _ in 0..100_000 {
        let v = 2 + stream.below(6) as usize;
        let scale = 8.0 * stream.unit();
        let mut draw = || (0..v).map(|_| scale * (2.0 * stream.unit() - 1.0)).collect::<Vec<f64>>();
        let (u, h) = (draw(), draw());
        let w: Vec<f64> = u.iter().zip(&h).map(|(a, b)| a + b).collect();
        let (low, high) = h.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, m), &x| (l.min(x), m.max(x)));
        let temperature = 0.25 + 3.0 * stream.unit();
        let (tv, bound) = (tv_of(&u, &w, tau(temperature)), tanh_bound(high - low, temperature));
        broken += usize::from(tv > bound + 1e-12);
        largest = largest.max(tv / bound);
    }
    assert_eq!(broken, 0);
    assert!(largest > 0.99, "the bound is nearly attained: {largest}");
    // Two points, u = (delta/2, 0)/2 and back: equality.
    let tv = tv_of(&[0.75, -0.75], &[-0.75, 0.75], tau(1.0));
    assert!((tv - 0.6351489524).abs() < 5e-11 && (tanh_bound(3.0, 1.0) - tv).abs() < 1e-15, "{tv}");
    assert_eq!(tanh_bound(0.0, 0.0), 0.0);
    assert_eq!((tanh_bound(1.0, 0.0), tanh_bound(1.0, f64::INFINITY)), (1.0, 0.0));
}

#[test]
fn matrix_norms_and_radius() {
    let of = |sites: usize, values: &[f64]| InfluenceMatrix { sites, values: values.to_vec() };
    let c = of(3, &[0.0, 0.1, 0.2, 0.3, 0.0, 0.4, 0.0, 0.5, 0.0]);
    assert!((c.alpha_col() - 0.6).abs() < 1e-15 && (c.alpha_row() - 0.7).abs() < 1e-15);
    // Its characteristic polynomial: x^3 - 0.23 x - 0.03.
    let x = c.spectral_radius();
    assert!((x.powi(3) - 0.23 * x - 0.03).abs() < 1e-9 && x > 0.4, "{x}");
    // Periodic, reducible, nilpotent and zero matrices.
    assert!((of(2, &[0.0, 0.9, 0.4, 0.0]).spectral_radius() - 0.6).abs() < 1e-9);
    let two_parts = [0.0, 0.2, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.0, 0.0, 0.7, 0.0];
    assert!((of(4, &two_parts).spectral_radius() - 0.7).abs() < 1e-6);
    assert!(of(2, &[0.0, 0.8, 0.0, 0.0]).spectral_radius() < 1e-3, "its radius is 0");
    assert_eq!(InfluenceMatrix::zero(4).spectral_radius(), 0.0);
}

#[test]
fn a8_bounds_of_curie_weiss() {
    // The real bounds are 49.24 and 125.22 steps.
    assert_eq!(contraction_bound(8, 7.0 * (0.5f64 / 8.0).tanh(), 0.25), Some(50));
    assert_eq!(contraction_bound(16, 15.0 * (0.5f64 / 16.0).tanh(), 0.25), Some(126));
    let alpha = 15.0 * (1.5f64 / 16.0).tanh();
    assert!((alpha - 1.402).abs() < 5e-4);
    assert_eq!(contraction_bound(16, alpha, 0.25), None);
    assert_eq!((contraction_bound(1, 0.0, 0.25), contraction_bound(4, 1.0, 0.25)), (Some(2), None));
    assert_eq!(contraction_bound(4, f64::NAN, 0.25), None);
}

/// With every state and every replacement the sample is the whole space, and the lower bounds are the exact matrix.
#[test]
fn a_complete_sample_is_exact() {
    for text in ["random-table:n=3,v=3,seed=7", "curie-weiss:n=4,beta=1.2"] {
        let (model, space) = model(text);
        let spec = spec(&[0.0, 0.5, 1.0, 2.0, f64::INFINITY], model.vocabulary() - 1, Replacements::Uniform);
        let states = every_state(model.as_ref());
        let found = sampled_influence(model.as_ref(), &space, &spec, &states, &Silent).unwrap();
        let n = space.free().len() as u64;
        let k = spec.replacements as u64;
        assert_eq!((found.states, found.rows), (states.len() as u64, states.len() as u64 * (n + n * (n - 1) * k)));
        for at in &found.at {
            let truth = exact(model.as_ref(), &space, &ExactSpec::new(at.temperature), &Silent).unwrap().influence;
            for (found, known) in at.max_lower.values.iter().zip(&truth.matrix.values) {
                assert!((found - known).abs() < 1e-14, "{text} at {}", at.temperature);
            }
            assert!((at.alpha_col_lower - truth.alpha_col).abs() < 1e-13 && (at.rho_lower - truth.rho).abs() < 1e-8);
            assert_eq!(at.optimistic_mixing, truth.mixing_upper);
            assert!(at.tanh_alpha >= at.alpha_col_lower - 1e-13, "the tanh bound holds");
            let order = |x: &InfluenceMatrix, y: &InfluenceMatrix| x.values.iter().zip(&y.values).all(|(a, b)| a <= b);
            assert!(order(&at.quantile_95, &at.max_lower) && order(&at.mean, &at.max_lower));
        }
        assert_eq!(found.at[4].alpha_col_lower, 0.0);
    }
}

#[test]
fn oscillations_and_threshold_of_curie_weiss() {
    let (model, space) = model("curie-weiss:n=6,beta=0.9");
    let spec = spec(&[1.0, 3.0], 1, Replacements::Conditional { temperature: tau(1.0) });
    let found = sampled_influence(model.as_ref(), &space, &spec, &[vec![0, 1, 0, 1, 1, 1]], &Silent).unwrap();
    // A flip changes S by 2 and each of the two logits by 2 beta / n, in opposite directions.
    let delta = 4.0 * 0.9 / 6.0;
    for (i, j) in (0..6).flat_map(|i| (0..6).map(move |j| (i, j))) {
        let known = if i == j { 0.0 } else { delta };
        assert!((found.oscillation_lower.get(i, j) - known).abs() < 1e-14);
    }
    assert!((found.threshold_lower - 5.0 * delta / 4.0).abs() < 1e-13);
    assert_eq!(found.at[1].optimistic_mixing_by_threshold, contraction_bound(6, 0.75 / 3.0, 0.25));
    assert!(found.at[0].optimistic_mixing_by_threshold.is_some());
}

#[test]
fn states_are_independent_shares() {
    let (model, space) = model("random-table:n=3,v=5,seed=1");
    let spec = spec(&[0.7, 1.5], 2, Replacements::Conditional { temperature: tau(0.8) });
    let mut stream = Stream::new(1, 1);
    let states: Vec<Vec<u32>> = (0..5).map(|_| space.uniform(&mut stream)).collect();
    let whole = sampled_influence(model.as_ref(), &space, &spec, &states, &Silent).unwrap();
    let share = |k: usize| influence_of_state(model.as_ref(), &space, &spec, k as u64, &states[k], &Silent).unwrap();
    let mut shares: Vec<StateInfluence> = [3, 0, 4, 2, 1].map(share).to_vec();
    let stored: Vec<StateInfluence> = serde_json::from_str(&serde_json::to_string(&shares).unwrap()).unwrap();
    assert_eq!(merge(&spec, &stored).unwrap(), whole);
    shares[1] = shares[0].clone();
    assert!(merge(&spec, &shares).unwrap_err().to_string().contains("once"));
    assert!(merge(&spec, &[]).is_err());
    let at = &whole.at[0];
    let json = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<SampledInfluence>(&json).unwrap(), whole);
    // Sampled maxima stay below the exact supremum.
    let truth = exact(model.as_ref(), &space, &ExactSpec::new(tau(0.7)), &Silent).unwrap().influence.matrix;
    assert!(at.max_lower.values.iter().zip(&truth.values).all(|(found, known)| *found <= known + 1e-14));
    assert!(at.alpha_col_lower > 0.2);
}

#[test]
fn replacements_are_others_and_come_from_their_law() {
    let (model, space) = model("product:n=2,v=4,seed=6");
    let law = {
        let logits = model.logits(&[crate::glauber::conditionals::Row { state: &[0, 0], position: 0 }], Precision::F64);
        let (logits, mut law) = (logits.unwrap(), Vec::new());
        tau(1.0).law(logits.row(0), &[1, 2, 3], &mut law);
        (logits, law)
    };
    let rule = Replacements::Conditional { temperature: tau(1.0) };
    let mut counts = [0u32; 4];
    for seed in 0..4000 {
        let mut stream = Stream::new(seed, 0);
        let drawn = sampled::draw(rule, law.0.row(0), space.allowed(), 0, 1, &mut stream);
        counts[drawn[0] as usize] += 1;
    }
    assert_eq!(counts[0], 0, "never the token that stands there");
    for (count, p) in counts[1..].iter().zip(&law.1) {
        // Five standard deviations.
        assert!((f64::from(*count) - 4000.0 * p).abs() < 5.0 * (4000.0 * p * (1.0 - p)).sqrt(), "{counts:?}");
    }
    let mut stream = Stream::new(1, 0);
    for rule in [rule, Replacements::Uniform, Replacements::Conditional { temperature: Temperature::ZERO }] {
        let mut all = sampled::draw(rule, law.0.row(0), space.allowed(), 2, 3, &mut stream);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 3], "all others, each once, even where the law has no mass for them");
    }
}

#[test]
fn questions_without_sense_are_refused() {
    let (model, space) = model("random-table");
    let problem = |spec: &InfluenceSpec, state: &[u32]| {
        influence_of_state(model.as_ref(), &space, spec, 0, state, &Silent).unwrap_err().to_string()
    };
    assert!(problem(&spec(&[], 1, Replacements::Uniform), &[0, 0, 0]).contains("temperature"));
    assert!(problem(&spec(&[1.0], 0, Replacements::Uniform), &[0, 0, 0]).contains("1 to 1024"));
    assert!(problem(&spec(&[1.0], 1, Replacements::Uniform), &[0, 0, 9]).contains("not of the space"));
    let narrow = Space::new(model.as_ref(), vec![0; 3], &[1, 2], vec![0, 1]).unwrap();
    let spec = spec(&[1.0], 1, Replacements::Uniform);
    let refused = influence_of_state(model.as_ref(), &narrow, &spec, 0, &[0; 3], &Silent).unwrap_err();
    assert!(refused.to_string().contains("two free sites"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The radius solves the eigenvalue equation of random matrices: it is at most each norm and, for symmetric ones, at
    /// least the Rayleigh quotient of the constant vector.
    #[test]
    fn the_radius_lies_between_its_bounds(seed in any::<u64>(), n in 2usize..8) {
        let mut stream = Stream::new(seed, 0);
        let mut matrix = InfluenceMatrix::zero(n);
        for i in 0..n {
            for j in 0..i {
                let value = stream.unit();
                matrix.set(i, j, value);
                matrix.set(j, i, value);
            }
        }
        let radius = matrix.spectral_radius();
        let mean = matrix.values.iter().sum::<f64>() / n as f64;
        prop_assert!(radius <= matrix.alpha_row() + 1e-9 && radius >= mean - 1e-9);
    }
}
