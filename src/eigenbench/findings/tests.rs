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
    // Trust by criterion is whole, and settles at the Elo that is told.
    assert_eq!((conditioned.trust.len(), conditioned.trust[0].len()), (2, 4));
    for (own, elo_of) in conditioned.trust.iter().zip(&conditioned.elo) {
        assert!(own.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-9));
        let settled = elo(&Settling::default().settle(&own.concat(), 4).unwrap().trust);
        assert!(settled.iter().zip(elo_of).all(|(a, b)| (a - b).abs() < 1e-9));
    }
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

#[test]
fn a_judge_outside_without_judgements_trusts_all_alike_and_changes_nothing() {
    let plain = judged(20);
    let mut with = plain.clone();
    with.outside = vec!["person".to_owned()];
    let person = with.rows[0];
    with.rows.extend((0..12).map(|scenario| Comparison { scenario, judge: 4, pass: 1, ..person }));
    let without = Settings { judges_left_out: [4].into(), ..settings() };
    let (plain, with) =
        [(&plain, &settings()), (&with, &without)].map(|(of, by)| Findings::compute(of, by, &Silent).unwrap()).into();
    let [own, other] = [&plain, &with].map(|found| found.board.as_ref().unwrap());
    assert_eq!((own.elo.clone(), own.lambda.len(), other.lambda.len()), (other.elo.clone(), 4, 5));
    assert_eq!(other.matrix[4], [0.25; 4]);
    assert!(with.distances.len() == 5 && with.distances.iter().all(|row| row.len() == 5), "{:?}", with.distances);
    assert_eq!(other.lens_map.as_ref().map(|map| map.lenses.len() / map.singular_values.len()), Some(5));
    assert_eq!(plain.robustness.unwrap().without_judges, with.robustness.unwrap().without_judges);
}

/// Judges who say the same: whose judgements are left out then moves nobody much, and pulls nobody towards the middle.
#[test]
fn leaving_out_one_of_judges_who_agree_moves_nobody() {
    let mut one = judged(60);
    one.rows.retain(|row| row.judge == 0);
    let copies: Vec<Comparison> =
        (0..4).flat_map(|judge| one.rows.iter().map(move |row| Comparison { judge, ..*row })).collect();
    let agreed = Judged { rows: copies, ..one };
    let found = Findings::compute(&agreed, &settings(), &Silent).unwrap();
    let board = &found.board.as_ref().unwrap().elo;
    for variant in &found.robustness.as_ref().unwrap().without_judges {
        for (own, all) in variant.elo.as_ref().unwrap().iter().zip(board) {
            assert!((own.unwrap() - all).abs() < 3.0, "{variant:?} {board:?}");
        }
        assert_eq!((variant.starts, variant.starts_agreeing), (3, 3));
    }
}

#[test]
fn an_anchor_has_no_interval_of_its_own() {
    let mut settings = settings();
    settings.board.anchors = vec![1];
    let found = Findings::compute(&judged(40), &settings, &Silent).unwrap();
    let board = found.board.unwrap();
    let intervals = board.intervals.unwrap();
    let anchored = intervals.anchored_elo.unwrap();
    let own = &anchored[1].interval;
    assert!((own.lower - 1500.0).abs() < 1e-9 && (own.upper - 1500.0).abs() < 1e-9);
    for (model, elo) in board.anchored_elo.unwrap().into_iter().enumerate() {
        let own = &anchored[model].interval;
        assert!(own.lower <= elo + 1e-9 && elo <= own.upper + 1e-9, "{model} {elo} {own:?}");
        assert_eq!(own.ranks, intervals.elo[model].interval.ranks);
    }
}
