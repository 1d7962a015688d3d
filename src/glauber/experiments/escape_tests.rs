use super::*;
use crate::glauber::chain::{Budget, Options};
use crate::glauber::margin::expected_escape;
use crate::glauber::toys;
use crate::progress::Silent;

fn spec(model: &str, length: usize, radius: u32) -> EscapeSpec {
    EscapeSpec {
        version: 1,
        model: model.to_owned(),
        length,
        further: Vec::new(),
        template: None,
        vocabulary: Vocabulary::Whole,
        temperatures: vec![Temperature::ONE],
        scan: Scan::Random,
        anchor: Anchor::Quenched(8),
        criterion: Criterion::Distance,
        radius,
        radius_share: None,
        chains: 400,
        cap_sweeps: 100_000,
        per_shell: 8,
        candidates: 0,
        seed: 3,
    }
}

fn run_all(spec: &EscapeSpec) -> EscapeFindings {
    let at = |length: usize| toys::parse(&toys::with_sites(&spec.model, length).unwrap()).unwrap();
    let owned: Vec<_> = spec.lengths().into_iter().map(at).collect();
    let models: Vec<&dyn Conditionals> = owned.iter().map(AsRef::as_ref).collect();
    let ball = |(place, model): (usize, &&dyn Conditionals)| {
        let spec = spec.at_length(place);
        let space = spec.space(*model).unwrap();
        let ball = spec.ball(*model, &space, &Silent).unwrap();
        (space, ball)
    };
    let balls: Vec<_> = models.iter().enumerate().map(ball).collect();
    let options = Options { dedupe: false, ..Options::default() };
    let mut ensemble = Ensemble::new(models.clone(), spec.cells(&balls), options).unwrap();
    let mut meetings = Vec::new();
    while !ensemble.finished() {
        meetings.extend(ensemble.advance(Budget::Rounds(10_000), &Silent).unwrap().meetings);
    }
    findings(spec, &models, &balls, &ensemble, &meetings).unwrap()
}

fn run(spec: &EscapeSpec) -> EscapeResult {
    run_all(spec).first
}

/// Independent spins of which each is set against its field with probability 1/10: eta of glauber.md A10.
const TENTH: &str = "ising:n=8,beta=0,field=1.0986122886681098";

#[test]
fn a10_independent_sites_escape_as_the_recursion_says() {
    let found = run(&spec(TENTH, 8, 3));
    assert_eq!(found.anchor_text, ["+"; 8]);
    assert_eq!(found.ball.quenches, Some(Quenches { led_here: 8, all: 8 }));
    assert!((found.margin_upper.unwrap() - 9f64.ln()).abs() < 1e-6);
    let at = &found.temperatures[0];
    // E[T] = 601.90476 exactly, and for independent sites the bound is attained.
    let known = expected_escape(8, 0.1, 3).unwrap().unwrap();
    assert!((known - 601.90476).abs() < 1e-4);
    for prediction in [&at.by_margin, &at.by_deviation] {
        assert!((prediction.as_ref().unwrap().steps.unwrap() / known - 1.0).abs() < 1e-5);
    }
    let Some(MeanEscape::Measured { mean, lower, upper }) = at.mean() else { panic!("{:?}", at.mean()) };
    assert!(lower < known && known < upper && lower < mean && mean < upper, "{lower} {known} {upper}");
    assert!(at.exponentiality.as_ref().unwrap().p_value > 0.01, "escape is nearly exponential");
    assert_eq!((at.chains, at.escaped, at.running), (400, 400, 0));
    assert_eq!(found.arrhenius, None, "one temperature has no slope");
}

#[test]
fn the_slope_is_that_of_the_margin() {
    let temperatures = [1.0, 0.8, 0.65].map(|tau| Temperature::new(tau).unwrap()).to_vec();
    let found = run(&EscapeSpec { temperatures, chains: 300, ..spec(TENTH, 6, 1) });
    let slope = found.arrhenius.unwrap();
    assert_eq!(slope.temperatures, 3);
    // For independent sites the bound is exact, so its slope must be met.
    let predicted = slope.predicted.unwrap();
    assert!((slope.measured.slope - predicted).abs() < 4.0 * slope.measured.slope_error, "{slope:?}");
    assert!((slope.limit.unwrap() - 2.0 * 9f64.ln()).abs() < 1e-5 && predicted < slope.limit.unwrap());
}

#[test]
fn censored_escapes_are_bounds() {
    let cold = vec![Temperature::new(0.3).unwrap()];
    let found = run(&EscapeSpec { temperatures: cold, chains: 50, cap_sweeps: 20, ..spec(TENTH, 8, 3) });
    let at = &found.temperatures[0];
    assert_eq!((at.escaped, at.censored_share), (0, 1.0));
    let Some(MeanEscape::AtLeast { steps, fitted, fitted_lower, fitted_upper }) = at.mean() else { panic!() };
    // Nothing escaped in 160 steps of 50 chains: an exponential mean below 160 * 50 / 3 is refuted at 95 %.
    assert_eq!((steps, fitted, fitted_upper), (160.0, None, None));
    assert!((fitted_lower.unwrap() - 8000.0 / 20f64.ln()).abs() < 1.0);
    assert_eq!((found.arrhenius, &at.exponentiality), (None, &None));
    let none = run(&EscapeSpec { per_shell: 0, cap_sweeps: 5, ..spec(TENTH, 8, 3) });
    assert!(none.temperatures[0].by_margin.is_none() && none.margin_upper.is_none() && none.ball.margin.fixed_point);
}

#[test]
fn a_typed_anchor_need_not_be_a_fixed_point_and_bad_input_is_refused() {
    let found = run(&EscapeSpec { anchor: Anchor::Typed("- - - - - - - -".to_owned()), ..spec(TENTH, 8, 3) });
    assert!(!found.ball.margin.fixed_point && found.ball.quenches.is_none());
    // The field pulls every site away: the margin is -ln 9 and escape takes a few steps.
    assert!((found.margin_upper.unwrap() + 9f64.ln()).abs() < 1e-6);
    let Some(MeanEscape::Measured { mean, .. }) = found.temperatures[0].mean() else { panic!() };
    assert!(mean < 12.0, "{mean}");
    let problem = |change: &dyn Fn(&mut EscapeSpec)| {
        let mut changed = spec(TENTH, 8, 3);
        change(&mut changed);
        changed.check().unwrap_err().to_string()
    };
    assert!(problem(&|s| s.radius = 8).contains("cannot be left"));
    assert!(problem(&|s| s.temperatures = vec![Temperature::ZERO]).contains("positive"));
    assert!(problem(&|s| s.temperatures = vec![Temperature::ONE; 2]).contains("twice"));
    assert!(problem(&|s| s.temperatures.clear()).contains("temperatures"));
    assert!(problem(&|s| s.chains = 0).contains("chains"));
    assert!(problem(&|s| s.cap_sweeps = 0).contains("cap"));
    assert!(problem(&|s| s.anchor = Anchor::Quenched(0)).contains("quench"));
}

#[test]
fn independent_sites_escape_at_each_length_as_the_recursion_says() {
    let lengths = EscapeSpec { further: vec![4, 8], radius_share: Some(0.25), chains: 300, ..spec(TENTH, 6, 0) };
    let found = run_all(&lengths);
    let sizes: Vec<_> = found.lengths().map(|at| (at.sites, at.radius)).collect();
    assert_eq!(sizes, [(6, 1), (4, 1), (8, 2)], "a quarter of the length, rounded down");
    for at in found.lengths() {
        let known = expected_escape(at.sites as usize, 0.1, at.radius as usize).unwrap().unwrap();
        let Some(MeanEscape::Measured { mean, lower, upper }) = at.temperatures[0].mean() else { panic!() };
        let spread = (upper - lower) / 2.0;
        assert!((mean - known).abs() < 2.0 * spread, "{}: {mean} for {known}", at.sites);
    }
    let [growth] = found.growth.as_slice() else { panic!("{:?}", found.growth) };
    assert_eq!((growth.lengths, growth.temperature), (3, Temperature::ONE));
    // The bound is exact for independent sites: its slope must be met.
    let predicted = growth.predicted.unwrap();
    assert!((growth.measured.slope - predicted).abs() < 4.0 * growth.measured.slope_error, "{growth:?}");
    // The first length has the chains that it has alone.
    let alone = run(&EscapeSpec { further: Vec::new(), ..lengths.clone() });
    assert_eq!(alone, found.first);
    // A spec of before reads as one of now, and is written as it was.
    let old = serde_json::to_value(spec(TENTH, 6, 1)).unwrap();
    assert!(["further", "criterion", "radius_share"].iter().all(|key| old.get(key).is_none()), "{old}");
    assert_eq!(serde_json::from_value::<EscapeSpec>(old).unwrap(), spec(TENTH, 6, 1));
    let document = serde_json::to_value(&alone).unwrap();
    assert_eq!(serde_json::from_value::<EscapeFindings>(document).unwrap().first, alone);
    let problem = |change: &dyn Fn(&mut EscapeSpec)| {
        let mut changed = spec(TENTH, 8, 3);
        change(&mut changed);
        changed.check().unwrap_err().to_string()
    };
    assert!(problem(&|s| s.further = vec![4, 8]).contains("length 8 stands twice"));
    assert!(problem(&|s| s.further = vec![3]).contains("at 3 free positions cannot be left"));
    assert!(problem(&|s| s.radius_share = Some(1.0)).contains("share"));
    let template = Template { sentence: "+ +".to_owned(), free: vec![0, 1] };
    assert!(problem(&|s| (s.template, s.further) = (Some(template.clone()), vec![4])).contains("template"));
}

#[test]
fn a_basin_is_left_when_argmax_dynamics_leads_elsewhere() {
    let model = "curie-weiss:n=4,beta=1";
    let basin = EscapeSpec {
        criterion: Criterion::Basin,
        anchor: Anchor::Typed("+ + + +".to_owned()),
        temperatures: vec![Temperature::new(0.6).unwrap()],
        ..spec(model, 4, 1)
    };
    let found = run(&basin);
    // Which states lead where, by quenching all 16 of them; the mean time by solving (I - Q) t = 1 on those of the basin.
    let toy = toys::parse(model).unwrap();
    let space = basin.space(toy.as_ref()).unwrap();
    let states: Vec<Vec<u32>> = (0..16u32).map(|k| (0..4).map(|site| k >> site & 1).collect()).collect();
    let borrowed: Vec<&[u32]> = states.iter().map(Vec::as_slice).collect();
    let settings = crate::glauber::quench::QuenchSettings::default();
    let labels = crate::glauber::quench::quench(toy.as_ref(), &space, &borrowed, &settings, &Silent).unwrap().labels;
    let anchor = states.iter().position(|state| *state == found.ball.anchor).unwrap();
    let inside: Vec<usize> = (0..16).filter(|&k| labels[k] == labels[anchor]).collect();
    assert!(inside.len() > 4 && inside.len() < 16, "{labels:?}");
    let step = |from: usize, to: usize| -> f64 {
        let moved: Vec<usize> = (0..4).filter(|&site| states[from][site] != states[to][site]).collect();
        let chance = |site: usize| {
            let row = crate::glauber::conditionals::Row { state: &states[from], position: site };
            let logits = crate::glauber::conditionals::ask(toy.as_ref(), &[row], Precision::F64).unwrap();
            let weight = |token: u32| (logits.row(0)[token as usize] / 0.6).exp();
            weight(states[to][site]) / (weight(0) + weight(1)) / 4.0
        };
        match moved.as_slice() {
            [] => (0..4).map(chance).sum(),
            [site] => chance(*site),
            _ => 0.0,
        }
    };
    // The mean is the fixed point of t = 1 + Q t.
    let mut times = [0.0; 16];
    for _ in 0..20_000 {
        let before = times;
        for &from in &inside {
            times[from] = 1.0 + inside.iter().map(|&to| step(from, to) * before[to]).sum::<f64>();
        }
    }
    let Some(MeanEscape::Measured { mean, lower, upper }) = found.temperatures[0].mean() else { panic!() };
    let (known, spread) = (times[anchor], (upper - lower) / 2.0);
    assert!((mean - known).abs() < 1.6 * spread, "{mean} [{lower}, {upper}] for {known}");
    // Distance counts other escapes.
    let by_distance = run(&EscapeSpec { criterion: Criterion::Distance, ..basin });
    assert_ne!(by_distance.temperatures[0].restricted_mean, found.temperatures[0].restricted_mean);
    assert_eq!("basin".parse(), Ok(Criterion::Basin));
    assert!("far".parse::<Criterion>().unwrap_err().contains("basin"));
}
