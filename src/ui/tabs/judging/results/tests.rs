//! Pages of small sets of verdicts: what they say, and that figures and tables are whole.

use std::time::Instant;

use eframe::egui::{Context, Pos2, RawInput, Rect, Vec2};

use super::view::{ResultsView, Settings};
use super::{clauses, diagnostics, judges, pairs, ranks, scores, words};
use crate::figures::figure::{Figure, Layer, Ticks};
use crate::progress::Silent;
use crate::ranking::Method;
use crate::ranking::verdicts::examples::{drawn, verdicts};
use crate::ranking::verdicts::{Cluster, Selection, Unit, Verdicts};
use crate::ui::tabs::shared::page::{Page, Part, draw};
use crate::ui::theme;
use crate::ui::widgets::VerdictKind;

fn view(verdicts: &Verdicts, settings: Settings) -> ResultsView {
    ResultsView::compute(verdicts, &settings, 1, &Silent).unwrap()
}

fn few() -> Settings {
    Settings { resamples: 400, ..Settings::default() }
}

/// Four models, judged twice on each of 80 questions by someone who prefers what comes first.
fn biased() -> ResultsView {
    let mut all = drawn(&[0.8, 0.2, -0.2, -0.8], 80, 2, 0.9, 3);
    all.lengths = vec![vec![Some(140), Some(120), Some(100), Some(80)]; 80];
    view(&all, few())
}

/// Pairwise choices only, in a circle, of two judges; one tie.
fn pairwise() -> ResultsView {
    let one = [(0, "AB", "AB"), (0, "BC", "BC"), (0, "AC", "CA"), (1, "AB", "AB"), (1, "BC", "CB"), (1, "AC", "A=C")];
    let rows: Vec<(u32, u16, u16, &str, &str)> = (0..2u16)
        .flat_map(|judge| one.iter().map(move |&(question, shown, ballot)| (question, judge, 0, shown, ballot)))
        .collect();
    view(&verdicts("ABC", &rows), few())
}

fn pages(view: &ResultsView) -> Vec<(&'static str, Page)> {
    let mut all = vec![
        ("clauses", clauses::page(view)),
        ("judges", judges::page(view)),
        ("diagnostics", diagnostics::page(view, 0)),
        ("ranks", ranks::page(view)),
    ];
    for method in Method::ALL {
        all.push(("scores", scores::page(view, method)));
        all.push(("pairs", pairs::page(view, method, 0)));
    }
    all
}

fn says(page: &Page, part: &str) -> bool {
    page.sentences.iter().any(|(_, text)| text.contains(part))
}

fn whole(figure: &Figure) {
    let names = |ticks: &Ticks| if let Ticks::Names(names) = ticks { Some(names.len()) } else { None };
    assert!(!figure.title.is_empty() && figure.caption.ends_with('.'), "{}: {}", figure.title, figure.caption);
    for layer in &figure.layers {
        match layer {
            Layer::Heat { rows, columns, values, .. } => {
                assert_eq!(values.len(), rows * columns, "{}", figure.title);
                assert_eq!((names(&figure.y.ticks), names(&figure.x.ticks)), (Some(*rows), Some(*columns)));
            }
            Layer::Intervals { points, .. } => {
                for [x, value, low, high] in points {
                    assert!(low <= high && value.is_finite(), "{}: {points:?}", figure.title);
                    assert!(names(&figure.x.ticks).is_none_or(|names| *x < names as f64));
                }
            }
            _ => {}
        }
    }
}

/// Draws a page in a narrow window and in a wide one.
fn drawn_at(page: &Page, name: &str) {
    for width in [480.0, 1200.0] {
        let context = Context::default();
        theme::install(&context);
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, Vec2::new(width, 900.0)));
        let mut commands = Vec::new();
        let mut output = context.run_ui(RawInput { screen_rect, ..RawInput::default() }, |ui| {
            draw(ui, &format!("judging {name}"), page, &mut commands);
        });
        output.textures_delta.clear();
        assert!(commands.is_empty() && !output.shapes.is_empty(), "{name}");
    }
}

#[test]
fn figures_and_tables_are_whole_whatever_was_judged() {
    let majorities = Settings { unit: Unit::Majorities, cluster: Cluster::Clause, ..few() };
    let one_question = verdicts("ABC", &[(0, 0, 0, "ABC", "ABC"), (0, 0, 1, "ABC", "CBA")]);
    for view in [
        biased(),
        pairwise(),
        view(&drawn(&[0.5, 0.0, -0.5], 40, 3, 0.0, 5), majorities),
        view(&one_question, few()),
        view(&verdicts("AB", &[(0, 0, 0, "AB", "AB")]), few()),
    ] {
        for (name, page) in pages(&view) {
            assert!(!page.sentences.is_empty(), "{name} says something");
            for part in &page.parts {
                match part {
                    Part::Figures(figures) => figures.iter().for_each(|shown| whole(&shown.figure)),
                    Part::Table(sheet) => {
                        let exact = sheet.exact.make();
                        for table in [&sheet.shown, &exact] {
                            assert!(table.rows.iter().all(|row| row.len() == table.header.len()), "{name}: {table:?}");
                        }
                        assert_eq!(sheet.shown.rows.len(), exact.rows.len());
                    }
                    Part::Note(text) => assert!(text.ends_with('.') || text.contains(':'), "{text}"),
                }
            }
            drawn_at(&page, name);
        }
    }
}

#[test]
fn bias_and_rank_are_told_in_plain_words() {
    let view = biased();
    let page = scores::page(&view, Method::BradleyTerry);
    assert_eq!(page.sentences[0].0, VerdictKind::Shown, "{:?}", page.sentences);
    assert!(says(&page, "m0 is ranked above m1: ") && says(&page, "Holm p = "), "{:?}", page.sentences);
    assert!(says(&page, "Judges prefer the answer shown first"), "{:?}", page.sentences);
    assert!(says(&page, "Longer answers win"), "{:?}", page.sentences);
    assert!(says(&page, "All looks are of one judge"), "{:?}", page.sentences);
    let quick = Settings { resamples: 100, ..Settings::default() };
    let page = scores::page(&self::view(&drawn(&[1.0, 0.0, -1.0], 40, 2, 0.0, 3), quick), Method::Borda);
    assert!(says(&page, "With 100 resamples no pair of 3 models can be told apart: draw 120 or more"));
    let fair = drawn(&[0.0, 0.0, 0.0], 60, 1, 0.0, 8);
    let page = scores::page(&self::view(&fair, few()), Method::BradleyTerry);
    assert!(says(&page, "Nothing tells") && !says(&page, "Judges prefer"), "{:?}", page.sentences);
}

#[test]
fn a_method_without_an_answer_says_why() {
    let view = pairwise();
    let page = scores::page(&view, Method::PlackettLuce);
    assert_eq!(page.sentences[0].0, VerdictKind::Failed);
    assert!(says(&page, "Plackett-Luce has no answer: ") && says(&page, "knows no ties"), "{:?}", page.sentences);
    let page = diagnostics::page(&view, 0);
    assert!(says(&page, "Independence of irrelevant alternatives is not tested"));
    assert_eq!(view.circles[0].circles, 2, "both judges go round on question 0");
}

#[test]
fn a_selection_leaves_the_rest_out_and_clauses_widen_intervals() {
    let all = drawn(&[0.8, 0.2, -0.2, -0.8], 80, 2, 0.0, 3);
    let clause = Selection { judges: None, clauses: Some([0, 3].into()) };
    let some = view(&all, Settings { selection: clause, ..few() });
    assert_eq!((some.questions, some.judged_clauses, some.verdicts.verdicts.len()), (8, 2, 16));
    let none = Settings { selection: Selection { judges: Some([].into()), clauses: None }, ..few() };
    assert!(none.selection_is_empty(&all) && !few().selection_is_empty(&all));
    let by_clause = view(&all, Settings { cluster: Cluster::Clause, ..few() });
    let by_question = view(&all, few());
    let scores = |view: &ResultsView| view.by(Method::BradleyTerry).unwrap().found.scores.clone();
    let intervals = |view: &ResultsView| view.by(Method::BradleyTerry).unwrap().intervals.clone();
    assert_eq!(scores(&by_clause), scores(&by_question));
    assert_ne!(intervals(&by_clause), intervals(&by_question));
}

#[test]
fn places_have_names() {
    assert_eq!(
        (0..5).map(|place| words::ordinal(place, 5)).collect::<Vec<_>>(),
        ["first", "second", "third", "fourth", "last"]
    );
    assert_eq!(words::ordinal(0, 1), "first");
    assert_eq!(words::ordinal(6, 9), "at place 7");
    assert_eq!(words::short("a clause on fairness", 9), "a clause…");
}

/// 3,000 questions, five passes: the size of the paper's evaluation. Prints how long it takes.
#[test]
fn fifteen_thousand_verdicts() {
    let all = drawn(&[0.37, 0.11, 0.07, 0.03, -0.58], 3_000, 5, 0.0, 1);
    let began = Instant::now();
    let view = view(&all, Settings::default());
    println!("15,000 verdicts, 1,000 resamples: {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!((view.questions, view.judged_clauses), (3_000, 750));
    assert!(view.methods.iter().all(|row| row.outcome.is_ok()));
    let page = scores::page(&view, Method::PlackettLuce);
    assert!(says(&page, "m0 is ranked above m1"), "{:?}", page.sentences);
}
