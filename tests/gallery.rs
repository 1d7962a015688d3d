//! All widgets on one page, in light and dark: what they draw (snapshots) and what they do (clicks, keys).

mod samples;
mod support;

use std::cell::RefCell;
use std::rc::Rc;

use eframe::egui::{self, Key, Theme, Ui};
use egui_kittest::kittest::{NodeT, Queryable};
use kleroterion::figures::figure::{Layer, Ticks};
use kleroterion::ui::command::{Command, FigureFormat, Table, TableFormat};
use kleroterion::ui::painter::shot;
use kleroterion::ui::theme;
use kleroterion::ui::widgets::{
    FigureResponse, TableResponse, VerdictKind, card, data_table, disabled_button, empty_state, figure_view,
    primary_button, stat, verdict,
};

use samples::{decay, field, noise, prevalence, scatter};

fn runs() -> Table {
    let row = |k: usize| {
        vec![
            format!("survey {k}"),
            "agora · top-k".to_owned(),
            kleroterion::figures::number::count(1000 + 37 * k as u64),
            kleroterion::figures::number::probability(0.9 / (k + 1) as f64),
            kleroterion::figures::number::duration(3.7 * (k * k) as f64),
        ]
    };
    Table {
        name: "Runs".to_owned(),
        header: ["Run", "Stratum", "Rectangles", "Prevalence", "Time"].map(str::to_owned).to_vec(),
        rows: (0..40).map(row).collect(),
    }
}

fn gallery(ui: &mut Ui, commands: &mut Vec<Command>) {
    egui::Panel::left("form").default_size(300.0).show(ui, |ui| {
        ui.add_space(8.0);
        ui.label(theme::title("Certify"));
        card(ui, "1. Model", |ui| {
            ui.label("agora: a small masked language model that comes with the program.");
            ui.label(theme::mono("sha256 9f31c0…"));
            ui.checkbox(&mut true, "Deterministic kernels");
            ui.add(egui::Slider::new(&mut 3.0, 0.0..=10.0).text("Temperature"));
        });
        card(ui, "2. Sentence", |ui| {
            let name = ui.label("Sentence");
            let mut text = "The old bank by the river".to_owned();
            ui.add(egui::TextEdit::singleline(&mut text).desired_width(f32::INFINITY)).labelled_by(name.id);
            ui.horizontal(|ui| {
                primary_button(ui, "Certify");
                ui.button("Add to survey…").on_hover_text("Uses the same sentence");
            });
            disabled_button(ui, "Resume", "Nothing is paused.");
        });
        card(ui, "Nothing yet", |ui| {
            empty_state(ui, "No runs yet", "Certify the sample sentence to see one.", Some("Open the sample"));
        });
    });
    egui::CentralPanel::default().show(ui, |ui| {
        verdict(ui, VerdictKind::Shown, "No joint distribution has these conditionals: R = 3.142, error below 1e-12");
        ui.horizontal(|ui| {
            verdict(ui, VerdictKind::Nothing, "Nothing shown");
            verdict(ui, VerdictKind::Good, "Verified");
            verdict(ui, VerdictKind::Caution, "Evidence only");
            verdict(ui, VerdictKind::Failed, "Does not verify");
        });
        ui.horizontal(|ui| {
            stat(ui, "R", "3.142 nats", "The difference of two log odds ratios. It is zero if a joint exists.");
            stat(ui, "the error bound", "below 1e-12", "What rounding can change. Nothing more.");
            stat(ui, "the prevalence", "0.412 (0.380 to 0.445)", "The share of rectangles that are certified.");
        });
        ui.columns(2, |columns| {
            card(&mut columns[0], "", |ui| figure_view(ui, "field", &field(), 230.0, &[(1, 2), (4, 5)], commands));
            card(&mut columns[1], "", |ui| figure_view(ui, "scatter", &scatter(), 230.0, &[], commands));
            card(&mut columns[0], "", |ui| figure_view(ui, "prevalence", &prevalence(), 170.0, &[], commands));
            card(&mut columns[1], "", |ui| figure_view(ui, "decay", &decay(), 170.0, &[], commands));
        });
        data_table(ui, "runs", &runs(), Some(2), commands);
    });
}

#[test]
fn the_gallery_looks_as_it_did() {
    let mut results = egui_kittest::SnapshotResults::new();
    for (theme, name) in [(Theme::Light, "gallery_light"), (Theme::Dark, "gallery_dark")] {
        let mut harness = support::harness([1360.0, 1080.0], theme, |ui| gallery(ui, &mut Vec::new()));
        harness.run();
        harness.snapshot(name);
        results.extend(harness.take_snapshot_results());
    }
}

#[test]
fn a_figure_exports_and_copies_through_commands() {
    let commands = Rc::new(RefCell::new(Vec::new()));
    let sink = commands.clone();
    let mut harness = support::harness([600.0, 400.0], Theme::Light, move |ui| {
        figure_view(ui, "decay", &decay(), 300.0, &[], &mut sink.borrow_mut());
    });
    harness.run();
    for (item, format) in
        [("SVG drawing…", FigureFormat::Svg), ("PNG image…", FigureFormat::Png), ("CSV data…", FigureFormat::Csv)]
    {
        harness.get_by_label("Export Loss curve").click();
        harness.run();
        harness.get_by_label(item).click();
        harness.run();
        assert_eq!(commands.borrow_mut().pop(), Some(Command::ExportFigure(Box::new(decay()), format)));
    }
    harness.get_by_label("Export Loss curve").click();
    harness.run();
    harness.get_by_label("Copy data as CSV").click();
    harness.run();
    let Some(Command::CopyText(text)) = commands.borrow_mut().pop() else { panic!("nothing was copied") };
    assert_eq!(text.lines().count(), 1 + 50 + 50 + 1);
}

#[test]
fn a_heat_map_is_clicked_with_pointer_and_keyboard() {
    let last = Rc::new(RefCell::new(FigureResponse::default()));
    let sink = last.clone();
    let mut harness = support::harness([500.0, 400.0], Theme::Light, move |ui| {
        let response = figure_view(ui, "field", &field(), 300.0, &[(0, 0)], &mut Vec::new());
        if response.clicked_cell.is_some() {
            *sink.borrow_mut() = response;
        }
    });
    harness.run();
    let map = harness.get_by_role_and_label(egui::Role::Figure, "Rectangle field");
    assert!(map.accesskit_node().description().unwrap_or_default().contains("Token at site 2"));
    map.focus();
    harness.run();
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowRight, Key::ArrowLeft, Key::ArrowRight, Key::Enter] {
        harness.key_press(key);
        harness.run();
    }
    assert_eq!(last.borrow().clicked_cell, Some((2, 1)));
    assert_eq!(last.borrow().clicked, Some([2.0, 1.0]));
    let value = harness.get_by_role_and_label(egui::Role::Figure, "Rectangle field").accesskit_node().value();
    assert!(value.unwrap_or_default().starts_with("Token at site 2: money\nToken at site 5: rich\nCentred D: "));
}

#[test]
fn a_table_sorts_copies_and_is_clicked() {
    let state = Rc::new(RefCell::new((Vec::new(), TableResponse::default())));
    let sink = state.clone();
    let table = runs();
    let mut harness = support::harness([800.0, 500.0], Theme::Light, move |ui| {
        let (commands, response) = &mut *sink.borrow_mut();
        let now = data_table(ui, "runs", &table, None, commands);
        if now.clicked.is_some() {
            *response = now;
        }
    });
    harness.run();
    harness.get_by_label("Time").click();
    harness.run();
    harness.get_by_label("Time").click();
    harness.run();
    assert_eq!(harness.get_by_label("Time").accesskit_node().description().as_deref(), Some("sorted descending"));
    harness.get_by_label_contains("survey 39,").click();
    harness.run();
    assert_eq!(state.borrow().1.clicked, Some(39), "the row's own index, whatever the order");
    harness.get_by_label("Copy Runs").click();
    harness.run();
    harness.get_by_label("Markdown").click();
    harness.run();
    let command = state.borrow_mut().0.pop();
    let Some(Command::CopyTable(copied, TableFormat::Markdown)) = command else { panic!("{command:?}") };
    assert_eq!(copied.rows[0][0], "survey 39", "copied as shown");
    assert_eq!(copied.rows.len(), 40);
}

#[test]
fn a_statistic_explains_itself() {
    let mut harness = support::harness([600.0, 300.0], Theme::Light, |ui| {
        stat(ui, "R", "3.142 nats", "The difference of two log odds ratios. It is zero if a joint exists.");
    });
    harness.run();
    assert!(harness.query_by_label_contains("It is zero").is_none());
    harness.get_by_label("What is R?").click();
    harness.run();
    assert!(harness.query_by_label_contains("It is zero").is_some());
}

/// Median time of a frame in milliseconds, and of painting it.
fn frame_cost(size: [usize; 2], mut content: impl FnMut(&mut Ui)) -> f64 {
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let started = std::time::Instant::now();
            shot(size, 1.0, Theme::Light, 12, &mut content);
            let twelve = started.elapsed().as_secs_f64();
            let started = std::time::Instant::now();
            shot(size, 1.0, Theme::Light, 2, &mut content);
            (twelve - started.elapsed().as_secs_f64()) / 10.0 * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[2]
}

#[test]
fn large_figures_stay_quick() {
    let mut heat = field();
    heat.layers = vec![Layer::Heat {
        name: "Centred D".to_owned(),
        unit: "nats".to_owned(),
        rows: 64,
        columns: 64,
        values: (0..64 * 64).map(noise).collect(),
        diverging: true,
        at_least: Vec::new(),
    }];
    let cells = frame_cost([800, 600], |ui| {
        figure_view(ui, "field", &heat, 500.0, &[], &mut Vec::new());
    });
    let mut line = decay();
    line.x.ticks = Ticks::Linear { range: None };
    line.layers = vec![Layer::Line {
        name: "loss".to_owned(),
        colour: 0,
        points: (0..100_000).map(|k| [k as f64, noise(k)]).collect(),
        dashed: false,
    }];
    let points = frame_cost([800, 600], |ui| {
        figure_view(ui, "decay", &line, 500.0, &[], &mut Vec::new());
    });
    println!("64 x 64 cells: {cells:.2} ms a frame; 100,000 points: {points:.2} ms a frame");
    // Generous, for busy machines.
    assert!(cells < 30.0 && points < 60.0);
}

#[test]
fn a_window_is_painted_in_a_fraction_of_a_second() {
    let started = std::time::Instant::now();
    let image = shot([1280, 800], 1.0, Theme::Light, 2, |ui| gallery(ui, &mut Vec::new()));
    let both = started.elapsed().as_secs_f64();
    println!("two frames and one painting of 1280 x 800: {:.0} ms", both * 1e3);
    assert_eq!((image.width, image.height), (1280, 800));
    assert!(both < 3.0, "{both} s");
}

#[test]
fn fifty_thousand_rows_cost_as_much_as_a_screenful() {
    let mut table = runs();
    table.rows = (0..50_000)
        .map(|k| vec![format!("survey {k}"), String::new(), k.to_string(), noise(k).to_string(), "1 s".to_owned()])
        .collect();
    let mut harness = support::harness([800.0, 600.0], Theme::Light, move |ui| {
        data_table(ui, "runs", &table, None, &mut Vec::new());
    });
    harness.run();
    harness.get_by_label("Prevalence").click();
    harness.run();
    let started = std::time::Instant::now();
    harness.run_steps(20);
    let frame = started.elapsed().as_secs_f64() / 20.0;
    println!("{:.2} ms a frame", frame * 1e3);
    // Generous, for busy machines: laying out all rows would take a hundred times as long.
    assert!(frame < 0.05, "{frame} s a frame");
}
