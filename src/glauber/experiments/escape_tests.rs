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
        template: None,
        vocabulary: Vocabulary::Whole,
        temperatures: vec![Temperature::ONE],
        scan: Scan::Random,
        anchor: Anchor::Quenched(8),
        radius,
        chains: 400,
        cap_sweeps: 100_000,
        per_shell: 8,
        candidates: 0,
        seed: 3,
    }
}

fn run(spec: &EscapeSpec) -> EscapeResult {
    let toy = toys::parse(&toys::with_sites(&spec.model, spec.length).unwrap()).unwrap();
    let space = spec.space(toy.as_ref()).unwrap();
    let ball = spec.ball(toy.as_ref(), &space, &Silent).unwrap();
    let cells = spec.cells(&space, &ball.anchor);
    let mut ensemble =
        Ensemble::new(vec![toy.as_ref()], cells, Options { dedupe: false, ..Options::default() }).unwrap();
    let mut meetings = Vec::new();
    while !ensemble.finished() {
        meetings.extend(ensemble.advance(Budget::Rounds(10_000), &Silent).unwrap().meetings);
    }
    result(spec, toy.as_ref(), &ball, &ensemble, &meetings).unwrap()
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
