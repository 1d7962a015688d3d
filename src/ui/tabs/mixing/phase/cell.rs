//! One cell of the diagram: its survival curve, distances, drift and pairs.

use std::sync::Arc;

use eframe::egui::{Rect, Ui};

use super::super::figures::{self, Mean, Survival};
use super::super::words;
use super::view::{PhaseView, Row};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::chain::Meeting;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::experiments::phase::PhaseSpec;
use crate::jobs::spec::RunSpec;
use crate::statistics::{Crossing, KaplanMeier, Lifetime, sorted_lifetimes};
use crate::store::{Project, RunId, StoreError};
use crate::ui::command::{Command, Table};
use crate::ui::widgets::{card, data_table, figure_view, stats};
use crate::ui::{help, theme};

/// A cell ready to draw.
pub struct CellView {
    pub row: Arc<Row>,
    /// `None` before the first pair has ended.
    survival: Option<Figure>,
    median: Option<Crossing>,
    hamming: Figure,
    drift: Figure,
    pairs: Table,
    /// The pairs that have ended, in the order of the table.
    pub meetings: Vec<Meeting>,
    /// The run of coupled pairs that has the same pairs as this cell.
    pub same: MixSpec,
}

impl CellView {
    /// Reads the pairs of a cell and works out its figures.
    pub fn load(project: &Project, run: RunId, spec: &PhaseSpec, row: Arc<Row>) -> Result<Self, StoreError> {
        // Each cell of the diagram is two of the ensemble: its pairs, and neighbours for kappa.
        let meetings = project.chain_meetings(run, Some(2 * row.cell))?;
        Ok(Self::new(spec, row, meetings))
    }

    fn new(spec: &PhaseSpec, row: Arc<Row>, meetings: Vec<Meeting>) -> Self {
        let about = format!(
            "τ = {}, n = {}, {}",
            row.temperature,
            row.length,
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary)
        );
        let n = row.length;
        let lifetimes: Vec<Lifetime> =
            meetings.iter().map(|meeting| Lifetime { time: meeting.time, event: meeting.met }).collect();
        let sorted = sorted_lifetimes(&lifetimes);
        let curve = KaplanMeier::new(&sorted);
        let result = row.summary.result.as_ref();
        let survival = result.filter(|_| !sorted.is_empty()).map(|result| {
            let points: Vec<Survival> = curve
                .points
                .iter()
                .map(|p| Survival { step: p.time, s: p.s, lower: p.lower, upper: p.upper })
                .collect();
            let censored: Vec<u64> = sorted.iter().filter(|pair| !pair.event).map(|pair| pair.time).collect();
            figures::survival(&points, &censored, curve.horizon(), &result.t_couple, n, &about)
        });
        let distances = row.summary.curve.iter().map(|point| Mean {
            x: point.time as f64,
            mean: point.mean,
            standard_error: point.standard_error,
        });
        let drift = row.summary.drift.iter().map(|point| Mean {
            x: f64::from(point.distance),
            mean: point.mean,
            standard_error: point.standard_error,
        });
        Self {
            median: (!sorted.is_empty()).then(|| curve.crossing(0.5)),
            survival,
            hamming: figures::hamming(&distances.collect::<Vec<_>>(), n, &about),
            drift: figures::drift(&drift.collect::<Vec<_>>(), &about),
            pairs: pairs_table(&meetings, n),
            same: recorded(spec, &row),
            meetings,
            row,
        }
    }
}

/// Pairs with their times.
pub fn pairs_table(meetings: &[Meeting], n: u32) -> Table {
    let rows = meetings.iter().map(|meeting| {
        vec![
            meeting.pair.to_string(),
            meeting.time.to_string(),
            number::fixed(words::sweeps(meeting.time, n), 2),
            if meeting.met { "met" } else { "censored" }.to_owned(),
        ]
    });
    Table {
        name: "pairs".to_owned(),
        header: ["pair", "steps", "sweeps", "outcome"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// The run that keeps every token of this cell's pairs.
fn recorded(spec: &PhaseSpec, row: &Row) -> MixSpec {
    MixSpec {
        version: 1,
        model: spec.subjects().nth(row.subject as usize).unwrap_or(&spec.model).to_owned(),
        length: row.length as usize,
        temperature: row.temperature,
        scan: spec.scan,
        coupling: spec.coupling,
        start: spec.start.clone(),
        pairs: row.summary.result.as_ref().map_or(spec.batch, |result| result.pairs).max(1),
        cap_sweeps: spec.grid.cap_sweeps,
        lag_sweeps: 0,
        vocabulary: spec.vocabulary.clone(),
        template: None,
        record: true,
        theory: None,
        singles: None,
        seed: spec.seed,
    }
}

/// What was asked for in a cell.
#[derive(Default)]
pub struct Wanted {
    /// A run that keeps every token.
    pub run: Option<MixSpec>,
    /// A pair to read.
    pub pair: Option<u64>,
}

/// Draws numbers and pairs of the cell, of which pair number `open` is being read; what was asked for, and where they were
/// drawn.
pub fn show(
    ui: &mut Ui,
    view: &PhaseView,
    cell: &CellView,
    open: Option<u64>,
    commands: &mut Vec<Command>,
) -> (Wanted, Rect) {
    let row = &cell.row;
    let mut wanted = Wanted::default();
    let drawn = card(ui, &format!("Selected cell: τ = {}, n = {}", row.temperature, row.length), |ui| {
        let name = view.subjects.get(row.subject as usize).map_or("", |subject| subject.name.as_str());
        let spec = &view.spec;
        ui.label(
            theme::caption(format!(
                "{name}; {}. A coupling time bounds mixing for these starts only.",
                words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary)
            ))
            .weak(),
        );
        numbers(ui, cell);
        wanted.run = kept(ui, cell, commands);
        let selected = open.and_then(|pair| cell.meetings.iter().position(|meeting| meeting.pair == pair));
        // Low enough that the chains show right below it.
        let clicked = ui.scope(|ui| {
            ui.set_max_height(220.0);
            data_table(ui, "cell pairs", &cell.pairs, selected, commands).clicked
        });
        wanted.pair = clicked.inner.and_then(|row| cell.meetings.get(row)).map(|meeting| meeting.pair);
    });
    (wanted, drawn.response.rect)
}

/// Draws the curves of the cell.
pub fn curves(ui: &mut Ui, cell: &CellView, commands: &mut Vec<Command>) {
    card(ui, "Curves of this cell", |ui| {
        let columns = if ui.available_width() >= 900.0 { 3 } else { 1 };
        ui.columns(columns, |columns| {
            let last = columns.len() - 1;
            match &cell.survival {
                Some(figure) => {
                    figure_view(&mut columns[0], "cell survival", figure, 210.0, &[], commands);
                }
                None => {
                    columns[0].label("No pair of this cell has ended yet.");
                }
            }
            figure_view(&mut columns[last.min(1)], "cell hamming", &cell.hamming, 210.0, &[], commands);
            figure_view(&mut columns[last], "cell drift", &cell.drift, 210.0, &[], commands);
        });
    });
}

/// Says which pairs can be read, and offers the run that keeps the others.
fn kept(ui: &mut Ui, cell: &CellView, commands: &mut Vec<Command>) -> Option<MixSpec> {
    let pairs = cell.row.summary.result.as_ref().map_or(0, |result| result.pairs);
    let kept = cell.row.summary.kept;
    let mut wanted = None;
    ui.horizontal_wrapped(|ui| {
        let text = if kept >= pairs {
            "Click a pair to read its two chains step by step. Esc lets the cell go.".to_owned()
        } else if kept == 0 {
            "The tokens of these pairs were not kept. Esc lets the cell go.".to_owned()
        } else {
            format!(
                "Click a pair below number {} to read its two chains step by step: the tokens of the first {} of {} were \
                 kept. Esc lets the cell go.",
                number::count(kept),
                number::count(kept),
                number::counted(pairs, "pair", "pairs")
            )
        };
        ui.label(theme::caption(text).weak());
        if kept < pairs {
            let button = ui.button("Run these pairs with every token kept");
            let why = "Starts a run of coupled pairs with the same seed, starts and cap that keeps every token, so that \
                       each pair of chains can be read step by step.";
            if button.on_hover_text(why).clicked() {
                commands.push(Command::StartRun(Box::new(RunSpec::Mix(cell.same.clone()))));
                wanted = Some(cell.same.clone());
            }
        }
    });
    wanted
}

fn numbers(ui: &mut Ui, cell: &CellView) {
    let row = &cell.row;
    let Some(result) = &row.summary.result else { return };
    let t = &result.t_couple;
    let apart =
        format!("{} of {}", number::percent(result.censored_share), number::counted(result.pairs, "pair", "pairs"));
    let ties = format!("{} of {}", number::count(row.summary.near_ties), number::count(row.summary.draws));
    let mut all = vec![
        ("t_couple(1/4)", words::crossing(&t.estimate, row.length), help::T_COUPLE.text),
        ("95 % interval (steps)", words::crossing_interval(t), help::T_COUPLE.text),
        ("Kappa (95 %)", words::kappa(result.kappa.as_ref()), help::KAPPA.text),
        ("Censored", apart, help::SURVIVAL.text),
        ("Near-ties", ties, help::NEAR_TIES.text),
    ];
    if let Some(median) = &cell.median {
        all.insert(2, ("Median", words::crossing(median, row.length), help::SURVIVAL.text));
    }
    if let Some(susceptibility) = &result.susceptibility {
        all.push(("Susceptibility", words::estimate(susceptibility, 3), help::ORDER_PARAMETER.text));
    }
    stats(ui, &all);
}
