//! Two runs beside each other: who moved, and whether that could be chance.

use std::sync::Arc;

use eframe::egui::{ComboBox, Ui};

use super::view::View;
use crate::eigenbench::btd::FitSpec;
use crate::eigenbench::findings::Judged;
use crate::eigenbench::leaderboard::LeaderboardSpec;
use crate::eigenbench::trust::Settling;
use crate::eigenbench::two_runs::{CommonModel, Side, TwoRuns, compare};
use crate::eigenbench::uncertainty::Unit;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::store::{RunId, RunRow};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::help;
use crate::ui::tabs::shared::loaded::Loaded;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear};
use crate::ui::tabs::shared::task::Task;
use crate::ui::widgets::{VerdictKind, empty_state};

/// Refits of each run.
const RESAMPLES: u32 = 200;

/// What was judged in both runs.
type Question = [Arc<Judged>; 2];

fn side(judged: &Judged) -> Side<'_> {
    Side { models: &judged.models, outside: &judged.outside, rows: &judged.rows }
}

/// The other run, and what was computed of both.
#[derive(Default)]
pub struct Compare {
    other: Option<RunId>,
    view: Loaded<Option<View>>,
    asked: Option<Question>,
    task: Option<Task<Result<Arc<TwoRuns>, String>>>,
    made: Option<Result<Page, String>>,
}

fn same(a: &Question, b: &Question) -> bool {
    a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

impl Compare {
    /// Draws the part for `run`; `others` are the runs that it can be compared with.
    pub fn show<'a>(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        others: impl Iterator<Item = &'a RunRow>,
        commands: &mut Vec<Command>,
    ) {
        let others: Vec<&RunRow> = others.filter(|other| other.id != run).collect();
        if others.is_empty() {
            let text = "Collect once more: by other criteria, on other scenarios, or with another model. The two runs then \
                        stand beside each other here.";
            empty_state(ui, "There is no other run", text, None);
            return;
        }
        let name = |other: &RunRow| format!("Run {}: {}", other.id.0, format::about(&other.spec));
        let chosen = self.other.and_then(|id| others.iter().find(|other| other.id == id)).unwrap_or(&others[0]);
        let mut picked = chosen.id;
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(format!("Run {} against", run.0));
            ComboBox::from_id_salt("eigenbench other run")
                .width(320.0)
                .truncate()
                .selected_text(name(chosen))
                .show_ui(ui, |ui| {
                    for other in &others {
                        ui.selectable_value(&mut picked, other.id, name(other));
                    }
                })
                .response
                .labelled_by(label.id);
        });
        self.other = Some(picked);
        self.view.follow(context, picked, |known| {
            let known = known.and_then(Option::as_ref).map(View::known);
            let spec = chosen.spec.clone();
            move |project| View::load(project, picked, &spec, known.as_ref())
        });
        let Some(Ok(Some(other))) = self.view.get() else {
            ui.spinner();
            return;
        };
        let question = [view.judged.clone(), other.judged.clone()];
        if self.asked.as_ref().is_none_or(|asked| !same(asked, &question)) {
            let [here, there] = question.clone();
            self.task = Some(Task::begin(context, move |progress| {
                let found = compare(side(&here), side(&there), &settings(), progress);
                found.map(Arc::new).map_err(|problem| problem.to_string())
            }));
            self.asked = Some(question);
            self.made = None;
        }
        if let Some(found) = self.task.as_mut().and_then(|task| task.result().cloned()) {
            self.made = Some(found.map(|found| page(&found, [run, picked])));
            self.task = None;
        }
        if let Some(task) = &self.task
            && task.show(ui, "Stop comparing")
        {
            self.task = None;
            self.made = Some(Err("Comparing was stopped: choose the other run again.".to_owned()));
        }
        match &self.made {
            Some(Ok(page)) => {
                draw(ui, "eigenbench two runs", page, commands);
            }
            Some(Err(problem)) => {
                empty_state(ui, "The two cannot be compared", &format::sentence(problem), None);
            }
            None => {}
        }
    }
}

fn settings() -> LeaderboardSpec {
    LeaderboardSpec {
        fit: FitSpec { dimension: 2, ridge: 1e-3, starts: 5, seed: 0 },
        settling: Settling::default(),
        // A judge that is silent in one of them is no reason against comparing the others.
        dangling: true,
        reconcile: true,
        resamples: RESAMPLES,
        unit: Unit::Scenario,
        folds: None,
        anchors: Vec::new(),
    }
}

fn elo(value: f64) -> String {
    number::fixed(value, 0)
}

/// Everything about two runs.
fn page(found: &TwoRuns, runs: [RunId; 2]) -> Page {
    let mut page = Page::default();
    let [first, second] = runs.map(|run| format!("run {}", run.0));
    let moved = |model: &&CommonModel| model.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0);
    let movers: Vec<String> = found
        .common
        .iter()
        .filter(moved)
        .map(|model| {
            let way = if model.difference > 0.0 { "up" } else { "down" };
            let [low, high] = model.interval.unwrap_or_default();
            format!("{} {way} {} [{}, {}]", model.name, elo(model.difference.abs()), elo(low), elo(high))
        })
        .collect();
    let text = match movers.is_empty() {
        true => format!("Nobody moved from {first} to {second} by more than drawing other scenarios would move them."),
        false => format!("From {first} to {second}: {}.", movers.join("; ")),
    };
    page.sentences.push((if movers.is_empty() { VerdictKind::Nothing } else { VerdictKind::Shown }, text));
    for (only, run) in found.only.iter().zip([&first, &second]) {
        if !only.is_empty() {
            let text = format!("Only {run} has {}. Elo is anchored to the models that both have.", only.join(", "));
            page.sentences.push((VerdictKind::Caution, text));
        }
    }
    let order = number::counted(found.discordant as u64, "pair of models", "pairs of models");
    let spearman = found.spearman.map_or(String::new(), |rho| format!(" Spearman's rho is {}.", number::fixed(rho, 2)));
    let orders = match found.discordant {
        0 => "The two order all models alike".to_owned(),
        _ => format!("The two order {order} unlike each other"),
    };
    page.parts.push(Part::Note(format!("{orders}.{spearman}")));
    let points = found.common.iter().map(|model| model.elo).collect();
    let figure = Figure {
        title: "Elo in two runs".to_owned(),
        caption: format!("Elo in {first} and {second}, each with the mean of the common models at 1500."),
        x: linear(&format!("Elo in {first}")),
        y: linear(&format!("Elo in {second}")),
        layers: vec![
            Layer::Guide { name: "alike".to_owned(), slope: 1.0, intercept: 0.0 },
            Layer::Points { name: "models".to_owned(), colour: 0, points },
            Layer::Labels {
                points: found.common.iter().map(|model| model.elo).collect(),
                texts: found.common.iter().map(|model| model.name.clone()).collect(),
            },
        ],
    };
    page.parts.push(Part::Figures(vec![Shown { figure, height: 280.0, help: help::eigenbench::TRUST_ELO }]));
    let header = ["Model", "Rank, first", "Rank, second", "Elo, first", "Elo, second", "Difference"];
    let rows: Vec<Vec<Cell>> = found
        .common
        .iter()
        .map(|model| {
            vec![
                Cell::text(&model.name),
                Cell::count(model.ranks[0] as u64),
                Cell::count(model.ranks[1] as u64),
                Cell::Number(Some(model.elo[0]), elo),
                Cell::Number(Some(model.elo[1]), elo),
                Cell::Estimate(Some(model.difference), model.interval, elo),
            ]
        })
        .collect();
    let title = format!("{} beside {second}", format::sentence(&first));
    page.parts.push(Part::Table(Sheet::new("eigenbench-two-runs", &title, &header, &rows, None)));
    let judges: Vec<Vec<Cell>> = found
        .judges
        .iter()
        .map(|(name, apart)| vec![Cell::text(name), Cell::Number(Some(*apart), |value| number::fixed(value, 3))])
        .collect();
    if !judges.is_empty() {
        let header = ["Judge", "Distance of trust"];
        page.parts.push(Part::Table(Sheet::new(
            "eigenbench-judges-of-two-runs",
            "Judges of both",
            &header,
            &judges,
            None,
        )));
        let text = "Sums of absolute differences between a judge's trust in the common models in one run and in the other: 0 \
                    where it trusts alike, 2 where it trusts nobody in common.";
        page.parts.push(Part::Note(text.to_owned()));
    }
    page
}
