use super::*;
use crate::eigenbench::comparisons::Choice;
use crate::progress::Silent;
use crate::statistics::Stream;

/// Four models, two criteria, judges with a lens each, lengths that mean nothing.
fn judged(scenarios: u32) -> Judged {
    let abilities: [f64; 4] = [0.8, 0.2, -0.3, -0.7];
    let lenses = [1.2, 0.8, 1.0, 0.6];
    let mut stream = Stream::new(3, 0);
    let mut rows = Vec::new();
    for scenario in 0..scenarios {
        let judge = (scenario % 4) as u16;
        for criterion in 0..2 {
            for first in 0..4u16 {
                for second in (0..4u16).filter(|&second| second != first) {
                    let score = |model: u16| lenses[usize::from(judge)] * abilities[usize::from(model)];
                    let (a, b) = (score(first), score(second));
                    let sizes = [0.7 * (0.5 * (a + b)).exp(), a.exp(), b.exp()];
                    let choice = [Choice::Tie, Choice::First, Choice::Second][stream.weighted(&sizes)];
                    rows.push(Comparison { scenario, criterion, pass: 0, judge, first, second, choice });
                }
            }
        }
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    Judged {
        models: names(&["a", "b", "c", "d"]),
        outside: Vec::new(),
        criteria: names(&["kind", "brief"]),
        language_models: vec![0, 0, 1, 1],
        personas: names(&["", "x", "", "x"]),
        lengths: (0..scenarios).map(|_| (0..4).map(|_| Some(20 + stream.below(80) as u32)).collect()).collect(),
        rows,
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.board.resamples = 40;
    settings.board.fit.starts = 3;
    settings
}

#[test]
fn everything_is_there_at_once() {
    let judged = judged(80);
    let found = Findings::compute(&judged, &settings(), &Silent).unwrap();
    let board = found.board.as_ref().unwrap();
    assert!(board.elo[0] > board.elo[1] && board.elo[2] > board.elo[3], "{:?}", board.elo);
    assert_eq!((found.rows, found.by_criterion.len()), (80 * 24, 2));
    for own in &found.by_criterion {
        let elo = own.elo.as_ref().unwrap();
        assert!(elo[0].elo > elo[3].elo && elo.iter().all(|own| own.interval.is_some()));
    }
    let conditioned = found.conditioned.as_ref().unwrap();
    assert!(conditioned.mean_nll < conditioned.mean_nll_merged + 1e-3, "{conditioned:?}");
    assert!(conditioned.elo.iter().all(|elo| elo[0] > elo[3]));
    let length = found.length.as_ref().unwrap();
    assert!(length.effects.iter().all(|effect| effect.abs() < 1.0), "{:?}", length.effects);
    assert_eq!(found.personas.as_ref().unwrap().grid, [[0, 1], [2, 3]]);
    let robust = found.robustness.as_ref().unwrap();
    assert!(robust.variants.iter().all(|variant| variant.elo.is_ok()), "{:?}", robust.variants);
    assert_eq!((robust.without_judges.len(), robust.without_models.len()), (4, 4));
    assert!(robust.second_eigenvalue.unwrap() < 0.5 && robust.second_eigenvalue.unwrap() >= 0.0);
    // The model that is left out has no Elo, and the others keep their mean.
    let gone = robust.without_models[1].elo.as_ref().unwrap();
    assert_eq!(gone[1], None);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / 3.0;
    let others: Vec<f64> = gone.iter().copied().flatten().collect();
    assert!((mean(&others) - mean(&[board.elo[0], board.elo[2], board.elo[3]])).abs() < 1e-9);
    // The model is the one that made the judgements, so that residuals are standard.
    let square = |all: &[Residual]| all.iter().map(|own| own.standardised.powi(2)).sum::<f64>() / all.len() as f64;
    assert!((0.5..1.5).contains(&square(&robust.residuals)));
}

#[test]
fn a_quick_look_has_the_leaderboard_and_what_is_counted() {
    let judged = judged(20);
    let found = Findings::compute(&judged, &Settings { quick: true, ..settings() }, &Silent).unwrap();
    assert!(found.board.as_ref().unwrap().intervals.is_none() && found.robustness.is_none());
    assert!(found.wins[0][1].is_some() && found.by_criterion.is_empty());
}

#[test]
fn judgements_are_chosen_by_criterion_judge_and_whether_one_judges_oneself() {
    let judged = judged(20);
    let rows = |change: fn(&mut Settings)| {
        let mut settings = Settings { quick: true, ..settings() };
        change(&mut settings);
        Findings::compute(&judged, &settings, &Silent).unwrap().rows
    };
    assert_eq!(rows(|_| ()), 480);
    assert_eq!(rows(|settings| settings.criteria = [1].into()), 240);
    assert_eq!(rows(|settings| settings.judges_left_out = [0, 3].into()), 240);
    assert_eq!(rows(|settings| settings.self_judging = false), 240);
    // Where nothing is left, the reason is a sentence.
    let nothing = Settings { judges_left_out: (0..4).collect(), ..settings() };
    let found = Findings::compute(&judged, &nothing, &Silent).unwrap();
    assert!(found.board.unwrap_err().contains("never compared"));
}

#[test]
fn leaving_out_a_judge_outside_changes_no_other_row_of_trust_much() {
    let mut judged = judged(40);
    judged.outside = vec!["person".to_owned()];
    let person = judged.rows[0];
    judged.rows.extend((0..30).map(|scenario| Comparison { scenario, judge: 4, pass: 1, ..person }));
    let found = Findings::compute(&judged, &settings(), &Silent).unwrap();
    assert_eq!((found.judges.len(), found.distances.len(), found.coverage.len()), (5, 5, 5));
    let robust = found.robustness.unwrap();
    assert_eq!(robust.without_judges.last().map(|variant| variant.name.as_str()), Some("person"));
}

#[test]
fn half_the_width_wants_four_times_the_scenarios() {
    assert_eq!(scenarios_wanted(50, 20.0, 10.0), 200);
    assert_eq!(scenarios_wanted(50, 20.0, 30.0), 50);
}
