use std::sync::Arc;

use eframe::egui::{Context, Pos2, RawInput, Rect, Vec2};

use super::view::ResultsView;
use super::*;
use crate::eigenbench::comparisons::{Choice, Comparison};
use crate::eigenbench::trust::{PreTrust, Settling};
use crate::progress::Silent;
use crate::statistics::Stream;
use crate::ui::tabs::shared::page;
use crate::ui::widgets::VerdictKind;

/// Four models of two language models under two personas; the first wins most.
fn judged(scenarios: u32) -> Judged {
    let abilities: [f64; 4] = [1.4, 0.1, 0.0, -1.2];
    let mut stream = Stream::new(3, 0);
    let mut rows = Vec::new();
    for scenario in 0..scenarios {
        for criterion in 0..2 {
            for first in 0..4u16 {
                for second in (0..4u16).filter(|&second| second != first) {
                    let (a, b) = (abilities[usize::from(first)], abilities[usize::from(second)]);
                    let sizes = [0.7 * (0.5 * (a + b)).exp(), a.exp(), b.exp()];
                    let choice = [Choice::Tie, Choice::First, Choice::Second][stream.weighted(&sizes)];
                    rows.push(Comparison {
                        scenario,
                        criterion,
                        pass: 0,
                        judge: (scenario % 4) as u16,
                        first,
                        second,
                        choice,
                    });
                }
            }
        }
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    Judged {
        models: names(&["a as plain", "a as stern", "b as plain", "b as stern"]),
        outside: Vec::new(),
        criteria: names(&["1: kind", "2: brief"]),
        language_models: vec![0, 0, 1, 1],
        personas: names(&["", "x", "", "x"]),
        lengths: (0..scenarios).map(|_| (0..4).map(|_| Some(20 + stream.below(80) as u32)).collect()).collect(),
        rows,
    }
}

fn view(judged: Judged, change: impl Fn(&mut Settings)) -> ResultsView {
    let mut settings = Settings::default();
    settings.board.resamples = 30;
    settings.board.fit.starts = 2;
    settings.board.folds = Some(3);
    change(&mut settings);
    ResultsView::compute(Arc::new(judged), settings, 1, &Silent).unwrap()
}

#[test]
fn every_page_says_something_and_can_be_drawn_whatever_was_judged() {
    let mut person = judged(24);
    person.outside = vec!["person".to_owned()];
    let own = person.rows[0];
    person.rows.extend((0..12).map(|scenario| Comparison { scenario, judge: 4, pass: 1, ..own }));
    let mut few = judged(2);
    few.rows.truncate(3);
    for view in [
        view(judged(40), |_| ()),
        view(judged(40), |settings| settings.quick = true),
        view(judged(12), |settings| settings.board.anchors = vec![1]),
        view(person.clone(), |_| ()),
        view(person, |settings| settings.judges_left_out = [4].into()),
        view(few, |_| ()),
    ] {
        for (part, name, _) in Part::ALL {
            let made = part.page(&view);
            assert!(!made.sentences.is_empty(), "{name}");
            for piece in &made.parts {
                match piece {
                    page::Part::Table(sheet) => {
                        let exact = sheet.exact.make();
                        for table in [&sheet.shown, &exact] {
                            assert!(table.rows.iter().all(|row| row.len() == table.header.len()), "{name}");
                        }
                    }
                    page::Part::Figures(figures) => {
                        for shown in figures {
                            assert!(shown.figure.caption.ends_with('.'), "{}", shown.figure.caption);
                        }
                    }
                    page::Part::Note(text) => assert!(text.ends_with('.'), "{text}"),
                }
            }
            for width in [480.0, 1200.0] {
                let context = Context::default();
                theme::install(&context);
                let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, Vec2::new(width, 900.0)));
                let mut commands = Vec::new();
                let mut output = context.run_ui(RawInput { screen_rect, ..RawInput::default() }, |ui| {
                    draw(ui, name, &made, &mut commands);
                });
                output.textures_delta.clear();
                assert!(commands.is_empty() && !output.shapes.is_empty(), "{name}");
            }
        }
    }
}

#[test]
fn the_leader_is_told_in_plain_words() {
    let view = view(judged(60), |_| ());
    let page = leaderboard::page(&view);
    assert_eq!(page.sentences[0].0, VerdictKind::Shown, "{:?}", page.sentences);
    assert!(page.sentences[0].1.starts_with("a as plain is clearly above all others"), "{:?}", page.sentences);
    assert!(personas::page(&view).sentences[0].1.contains("variance"));
}

#[test]
fn a_click_asks_for_the_judgements_behind_it() {
    let view = view(judged(60), |_| ());
    let (first, last) = (view.order[0] as u16, view.order[3] as u16);
    assert_eq!((first, last), (0, 3));
    let cell = |title: &str, row, column| Click::Cell { title: title.to_owned(), row, column };
    let none = RowFilter::default();
    let asked = |part, click: &Click| asked_for(&view, part, click);
    let wanted = RowFilter { judge: Some(first), model: Some(last), ..none };
    assert_eq!(asked(Part::Trust, &cell(trust::TRUST, 0, 3)), Some(wanted));
    let wanted = RowFilter { model: Some(last), against: Some(first), ..none };
    assert_eq!(asked(Part::Trust, &cell(trust::WINS, 3, 0)), Some(wanted));
    let wanted = RowFilter { criterion: Some(1), model: Some(first), ..none };
    assert_eq!(asked(Part::Criteria, &cell(criteria::ELO, 1, 0)), Some(wanted));
    assert_eq!(
        asked(Part::Trust, &cell(trust::POINTS, 0, 3)),
        Some(RowFilter { judge: Some(first), model: Some(last), ..none })
    );
    // The first judge's last pair is the third model against the last.
    let row = Click::Row { name: trust::BY_JUDGE.to_owned(), row: 5 };
    let wanted = RowFilter { judge: Some(first), model: Some(view.order[2] as u16), against: Some(last), ..none };
    assert_eq!(asked(Part::Trust, &row), Some(wanted));
    let row = Click::Row { name: leaderboard::TABLE.to_owned(), row: 3 };
    assert_eq!(asked(Part::Leaderboard, &row), Some(RowFilter { model: Some(last), ..none }));
    assert_eq!(asked(Part::Leaderboard, &cell("Chance of being above", 0, 1)), None);
}

#[test]
fn all_leaderboards_stand_on_the_anchor() {
    let view = view(judged(40), |settings| settings.board.anchors = vec![1]);
    let robust = view.robustness.as_ref().unwrap();
    for variant in robust.variants.iter().chain(&robust.without_judges) {
        let elo = view.anchored(variant.elo.as_ref().unwrap());
        assert!((elo[1].unwrap() - 1500.0).abs() < 1e-9, "{variant:?}");
    }
    // Without the anchor the others keep the mean that they are shown with.
    let elo = view.anchored(robust.without_models[1].elo.as_ref().unwrap());
    let mean = |elo: &[Option<f64>]| [0, 2, 3].iter().map(|&model| elo[model].unwrap()).sum::<f64>() / 3.0;
    let shown: Vec<Option<f64>> = view.elo().unwrap().iter().copied().map(Some).collect();
    assert_eq!(elo[1], None);
    assert!((mean(&elo) - mean(&shown)).abs() < 1e-9);
}

#[test]
fn settings_of_another_run_name_nobody_of_the_last() {
    let mut settings = Settings { criteria: [1].into(), judges_left_out: [7].into(), ..Settings::default() };
    settings.board.anchors = vec![5];
    settings.board.settling = Settling { damping: 0.2, pre_trust: PreTrust::Models(vec![5]) };
    settings.board.fit.dimension = 3;
    let kept = settings::of_another_run(&settings);
    let mut known = Settings::default();
    known.board.settling.damping = 0.2;
    known.board.fit.dimension = 3;
    assert_eq!(kept, known);
}
