//! A part of a tab's results as a value: sentences, figures and tables, which one function draws.

use eframe::egui::{Label, Ui};

use super::run_state::say;
use crate::figures::figure::{Axis, Figure, Ticks};
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::help::Help;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table_of, figure_view, what_is};

/// From this width on two figures stand side by side.
const SIDE_BY_SIDE: f32 = 700.0;

/// A sentence with its kind.
pub type Sentence = (VerdictKind, String);

/// A part of the results.
#[derive(Default)]
pub struct Page {
    /// What was found, in plain words.
    pub sentences: Vec<Sentence>,
    pub parts: Vec<Part>,
}

/// What stands on a page.
pub enum Part {
    /// One figure, or several side by side.
    Figures(Vec<Shown>),
    Table(Sheet),
    Note(String),
}

/// A figure with its height and what explains it.
pub struct Shown {
    pub figure: Figure,
    pub height: f32,
    pub help: Help,
}

/// A table as it is read, and as it is exported.
pub struct Sheet {
    pub title: String,
    pub help: Option<Help>,
    pub shown: Table,
    pub exact: LateTable,
}

/// One cell of a [`Sheet`].
#[derive(Clone, Debug)]
pub enum Cell {
    Text(String),
    Number(Option<f64>, fn(f64) -> String),
    /// A value with its interval, which the export has in columns of their own.
    Estimate(Option<f64>, Option<[f64; 2]>, fn(f64) -> String),
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn count(value: u64) -> Self {
        Self::Number(Some(value as f64), |value| crate::figures::number::count(value as u64))
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, write) => value.map_or_else(String::new, write),
            Self::Estimate(value, interval, write) => {
                value.map_or_else(String::new, |value| estimate(value, *interval, *write))
            }
        }
    }

    fn exact(&self) -> Vec<String> {
        let number =
            |value: Option<f64>| value.filter(|value| value.is_finite()).map_or_else(String::new, |v| v.to_string());
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Number(value, _) => vec![number(*value)],
            Self::Estimate(value, interval, _) => {
                vec![number(*value), number(interval.map(|[low, _]| low)), number(interval.map(|[_, high]| high))]
            }
        }
    }
}

impl Sheet {
    /// A table whose columns are headed by `header`; rows hold cells of one kind in each column. `name` is that of the file.
    pub fn new(name: &str, title: &str, header: &[&str], rows: &[Vec<Cell>], help: Option<Help>) -> Self {
        let shown = Table {
            name: name.to_owned(),
            header: header.iter().map(|head| (*head).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(Cell::shown).collect()).collect(),
        };
        let mut wide = Vec::new();
        for (column, head) in header.iter().enumerate() {
            let stem = head.to_lowercase().replace([' ', '-'], "_").replace('\'', "");
            wide.push(stem.clone());
            if rows.iter().any(|row| matches!(row.get(column), Some(Cell::Estimate(..)))) {
                wide.extend([format!("{stem}_lower"), format!("{stem}_upper")]);
            }
        }
        let exact = Table {
            name: name.to_owned(),
            header: wide,
            rows: rows.iter().map(|row| row.iter().flat_map(Cell::exact).collect()).collect(),
        };
        let exact = LateTable::new(name, move || exact.clone());
        Self { title: title.to_owned(), help, shown, exact }
    }
}

/// `0.28 [0.25, 0.31]`.
pub fn estimate(value: f64, interval: Option<[f64; 2]>, write: fn(f64) -> String) -> String {
    match interval {
        Some([low, high]) => format!("{} [{}, {}]", write(value), write(low), write(high)),
        None => write(value),
    }
}

/// An axis of numbers.
pub fn linear(label: &str) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Linear { range: None } }
}

/// An axis of names.
pub fn names(label: &str, names: impl Iterator<Item = String>) -> Axis {
    Axis { label: label.to_owned(), ticks: Ticks::Names(names.collect()) }
}

/// What was clicked on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Click {
    /// A cell of the heat map with this title.
    Cell { title: String, row: usize, column: usize },
    /// A row of the table with this file name, whatever the order on screen.
    Row { name: String, row: usize },
}

/// Draws a page; `id` tells it from others.
pub fn draw(ui: &mut Ui, id: &str, page: &Page, commands: &mut Vec<Command>) -> Option<Click> {
    let mut click = None;
    for (kind, text) in &page.sentences {
        say(ui, *kind, text);
    }
    for (place, part) in page.parts.iter().enumerate() {
        let id = format!("{id} {place}");
        match part {
            Part::Figures(figures) => click = side_by_side(ui, &id, figures, commands).or(click.take()),
            Part::Table(sheet) => {
                card(ui, &sheet.title, |ui| {
                    if let Some(help) = sheet.help {
                        explained(ui, help);
                    }
                    let response = data_table_of(ui, &id, &sheet.shown, None, Some(&sheet.exact), commands);
                    if let Some(row) = response.clicked {
                        click = Some(Click::Row { name: sheet.shown.name.clone(), row });
                    }
                });
            }
            Part::Note(text) => {
                ui.scope(|ui| {
                    ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                    ui.label(theme::caption(text.as_str()).weak());
                });
            }
        }
    }
    click
}

fn side_by_side(ui: &mut Ui, id: &str, figures: &[Shown], commands: &mut Vec<Command>) -> Option<Click> {
    let mut click = None;
    let mut one = |ui: &mut Ui, place: usize, shown: &Shown| {
        card(ui, "", |ui| {
            let response = figure_view(ui, &format!("{id} {place}"), &shown.figure, shown.height, &[], commands);
            if let Some((row, column)) = response.clicked_cell {
                click = Some(Click::Cell { title: shown.figure.title.clone(), row, column });
            }
            explained(ui, shown.help);
        });
    };
    for (row, pair) in figures.chunks(2).enumerate() {
        match pair {
            [left, right] if ui.available_width() >= SIDE_BY_SIDE => {
                ui.columns_const(|[a, b]| {
                    one(a, 2 * row, left);
                    one(b, 2 * row + 1, right);
                });
            }
            _ => pair.iter().enumerate().for_each(|(at, shown)| one(ui, 2 * row + at, shown)),
        }
    }
    click
}

/// "?" and the first sentence of what it opens.
fn explained(ui: &mut Ui, help: Help) {
    ui.horizontal_top(|ui| {
        what_is(ui, help.name, help.text);
        ui.add(Label::new(theme::caption(help.first_sentence()).weak()).wrap());
    });
}
