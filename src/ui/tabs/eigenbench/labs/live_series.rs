//! What came of collections with colluding personas: mean Elo over the size of the group.

use std::collections::BTreeMap;

use eframe::egui::Ui;

use crate::eigenbench::findings::{Findings, Settings};
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::jobs::collect::{Judgements, colluders};
use crate::jobs::spec::RunSpec;
use crate::progress::Silent;
use crate::store::{RunId, RunState, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::help::eigenbench_labs as help;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear};
use crate::ui::widgets::VerdictKind;

/// One collection of a series.
#[derive(Clone, Debug, PartialEq)]
struct LivePoint {
    run: RunId,
    colluders: usize,
    /// Mean Elo of colluders and of honest personas, each with the bounds of the mean of their intervals; `None` without a
    /// leaderboard.
    colluding: Option<[f64; 3]>,
    honest: Option<[f64; 3]>,
}

/// Finished collections, read on a background thread whenever there is another one.
#[derive(Default)]
pub struct LiveSeries {
    asked: Vec<RunId>,
    points: Requested<Result<Vec<LivePoint>, StoreError>>,
    made: Option<Page>,
}

impl LiveSeries {
    /// Draws what is there; nothing where no such collection has ended.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        let ended: BTreeMap<RunId, _> = (context.runs.iter())
            .filter(|run| run.state == RunState::Done)
            .filter_map(|run| match &run.spec {
                RunSpec::Collect(spec) if colluders(spec).is_some() => Some((run.id, spec.clone())),
                _ => None,
            })
            .collect();
        if ended.is_empty() {
            return;
        }
        let runs: Vec<RunId> = ended.keys().copied().collect();
        if self.asked != runs && !self.points.waiting() {
            self.asked = runs;
            self.made = None;
            context.query(&mut self.points, move |project| {
                let mut points = Vec::with_capacity(ended.len());
                for (run, spec) in ended {
                    let count = colluders(&spec).unwrap_or_default();
                    let Some(found) = Judgements::load(project, run, &RunSpec::Collect(spec))? else { continue };
                    let judged = found.judged(None);
                    let settings = Settings { quick: true, ..Settings::default() };
                    let elo = Findings::compute(&judged, &settings, &Silent).ok().and_then(|found| found.board.ok());
                    let mean = |values: &[f64]| {
                        let mean = values.iter().sum::<f64>() / values.len() as f64;
                        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                        (!values.is_empty()).then_some([mean, low, high])
                    };
                    let (honest, colluding) = match &elo {
                        // Honest personas come first.
                        Some(board) => {
                            let (honest, colluding) = board.elo.split_at(board.elo.len() - count);
                            (mean(honest), mean(colluding))
                        }
                        None => (None, None),
                    };
                    points.push(LivePoint { run, colluders: count, colluding, honest });
                }
                points.sort_by_key(|point| (point.colluders, point.run));
                Ok(points)
            });
        }
        match self.points.get() {
            Some(Ok(points)) => {
                let page = self.made.get_or_insert_with(|| page(points));
                draw(ui, "collusion live", page, commands);
            }
            Some(Err(problem)) => {
                ui.label(problem.to_string());
            }
            None => {
                ui.spinner();
            }
        }
    }
}

fn page(points: &[LivePoint]) -> Page {
    let mut page = Page::default();
    let series = |of: fn(&LivePoint) -> Option<[f64; 3]>| {
        points
            .iter()
            .filter_map(|point| {
                let [mean, low, high] = of(point)?;
                Some([point.colluders as f64, mean, low, high])
            })
            .collect::<Vec<[f64; 4]>>()
    };
    let text = format!(
        "{} with colluding personas {} ended.",
        number::counted(points.len() as u64, "collection", "collections"),
        if points.len() == 1 { "has" } else { "have" }
    );
    page.sentences.push((VerdictKind::Nothing, text));
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: "Colluding personas of a language model".to_owned(),
            caption: "Mean Elo of colluders and of honest personas in each collection; bars reach from the lowest to the highest \
                      of them."
                .to_owned(),
            x: linear("colluders"),
            y: linear("mean Elo"),
            layers: vec![
                Layer::Intervals { name: "colluders".to_owned(), colour: 0, points: series(|point| point.colluding) },
                Layer::Intervals { name: "honest".to_owned(), colour: 1, points: series(|point| point.honest) },
            ],
        },
        height: 240.0,
        help: help::COLLUSION,
    }]));
    let header = ["Run", "Colluders", "Mean Elo of colluders", "Mean Elo of the honest"];
    let elo = |value: f64| number::fixed(value, 0);
    let row = |point: &LivePoint| {
        vec![
            Cell::count(point.run.0.unsigned_abs()),
            Cell::count(point.colluders as u64),
            Cell::Number(point.colluding.map(|own| own[0]), elo),
            Cell::Number(point.honest.map(|own| own[0]), elo),
        ]
    };
    let rows: Vec<Vec<Cell>> = points.iter().map(row).collect();
    page.parts.push(Part::Table(Sheet::new("eigenbench-live-collusion", "Collections", &header, &rows, None)));
    page
}
