//! The collusion lab: the closed form under sliders, a simulation through the whole pipeline, and a live series with language models.

use std::sync::Arc;

use eframe::egui::{DragValue, ScrollArea, Slider, TextEdit, Ui};

use super::live_series::LiveSeries;
use crate::eigenbench::collusion::{Gain, Group, Remedy, SimulatedGain, Simulation, WORD};
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::jobs::collect::collusion_series;
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::help::eigenbench_labs as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear};
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, disabled_button};

type Simulated = Result<Arc<Vec<SimulatedGain>>, String>;

/// Settings, and what was computed of them.
pub struct CollusionLab {
    group: Group,
    /// The page of the closed form, and what it was made of.
    closed: Option<(Group, Page)>,
    simulation: Simulation,
    task: Option<(Simulation, Task<Simulated>)>,
    simulated: Option<(Simulation, Result<Page, String>)>,
    word: String,
    most_live: u16,
    live: LiveSeries,
}

impl Default for CollusionLab {
    fn default() -> Self {
        Self {
            group: Group { honest: 4, colluders: 5, mass: 0.9, damping: 0.0, trusted: false },
            closed: None,
            simulation: Simulation {
                honest: 4,
                most_colluders: 5,
                loyalty: 1.0,
                scenarios: 100,
                replicates: 20,
                damping: 0.3,
                seed: 0,
            },
            task: None,
            simulated: None,
            word: WORD.to_owned(),
            most_live: 5,
            live: LiveSeries::default(),
        }
    }
}

fn slider(ui: &mut Ui, name: &str, slider: Slider<'_>, why: &str) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(slider).labelled_by(label.id).on_hover_text(why);
    });
}

impl CollusionLab {
    /// Draws the lab; `form` is the collection that the form describes, or what is missing.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        commands: &mut Vec<Command>,
    ) {
        ScrollArea::vertical().id_salt("collusion lab").auto_shrink([false, false]).show(ui, |ui| {
            ui.label(theme::section("What does a group gain that puts itself first?"));
            self.closed_form(ui, commands);
            self.simulate(ui, context, commands);
            self.play(ui, context, form, commands);
            ui.add_space(theme::STEP);
        });
    }

    fn closed_form(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let Group { honest, colluders, mass, damping, trusted } = &mut self.group;
        card(ui, "In closed form", |ui| {
            ui.horizontal_wrapped(|ui| {
                slider(ui, "Honest", Slider::new(honest, 1..=40), "Honest judges, who trust all alike.");
                slider(ui, "Colluders, up to", Slider::new(colluders, 1..=40), "Groups of none to so many.");
            });
            ui.horizontal_wrapped(|ui| {
                let why = "Trust that a colluder gives to its group, itself included.";
                slider(ui, "Trust kept in the group", Slider::new(mass, 0.0..=1.0).max_decimals(2), why);
                let why = "Share of trust that goes back at every step.";
                slider(ui, "Damping", Slider::new(damping, 0.0..=0.9).max_decimals(2), why);
                ui.checkbox(trusted, "back to the honest").on_hover_text("Else to all models alike.");
            });
        });
        if self.closed.as_ref().is_none_or(|(of, _)| *of != self.group) {
            self.closed = Some((self.group, closed_page(&self.group)));
        }
        if let Some((_, page)) = &self.closed {
            draw(ui, "collusion closed form", page, commands);
        }
    }

    fn simulate(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        if let Some((of, task)) = &mut self.task
            && let Some(found) = task.result()
        {
            let page = found.as_ref().map(|found| simulated_page(of, found)).map_err(Clone::clone);
            self.simulated = Some((*of, page));
            self.task = None;
        }
        let Simulation { honest, most_colluders, loyalty, scenarios, replicates, damping, seed } = &mut self.simulation;
        let mut begin = false;
        card(ui, "In simulated populations", |ui| {
            let text = "Models with known dispositions judge one another in random groups; colluders choose their own whenever \
                        they can. Their judgements go through the same fit as real ones.";
            ui.label(theme::caption(text).weak());
            let field = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
                let label = ui.label(name).on_hover_text(why);
                ui.add(field).labelled_by(label.id).on_hover_text(why);
            };
            ui.horizontal_wrapped(|ui| {
                field(ui, "Honest models", DragValue::new(honest).range(2..=30), "With dispositions drawn anew.");
                field(ui, "Colluders up to", DragValue::new(most_colluders).range(1..=30), "Drawn like the honest.");
                let why = "Chance that a colluder chooses its group whatever it sees.";
                field(ui, "Loyalty", DragValue::new(loyalty).range(0.0..=1.0).speed(0.01), why);
                field(ui, "Scenarios", DragValue::new(scenarios).range(1..=5000), "Of each population.");
                field(ui, "Populations", DragValue::new(replicates).range(1..=500), "For each size of the group.");
                field(ui, "Damping of the remedies", DragValue::new(damping).range(0.0..=1.0).speed(0.01), "Alpha.");
                field(ui, "Simulation's seed", DragValue::new(seed), "The same seed gives the same populations.");
            });
            match &self.task {
                Some((_, task)) => {
                    if task.show(ui, "Stop simulating") {
                        self.task = None;
                    }
                }
                None => begin = ui.button("Simulate").clicked(),
            }
        });
        if begin {
            let simulation = self.simulation;
            let task = Task::begin(context, move |progress| {
                progress.stage("simulating populations");
                simulation.run(progress).map(Arc::new).map_err(|problem| problem.to_string())
            });
            self.task = Some((simulation, task));
        }
        match &self.simulated {
            Some((_, Ok(page))) => {
                draw(ui, "collusion simulated", page, commands);
            }
            Some((_, Err(problem))) => {
                ui.label(theme::caption(format::sentence(problem)).color(theme::palette(ui).bad));
            }
            None => {}
        }
    }

    fn play(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        form: &Result<RunSpec, String>,
        commands: &mut Vec<Command>,
    ) {
        card(ui, "With a language model", |ui| {
            let text = "One collection for each size of the group, by the criteria, scenarios and first model of the form: the \
                        same model speaks as three honest personas and as colluders, who know each other by a word.";
            ui.label(theme::caption(text).weak());
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("Word");
                ui.add(TextEdit::singleline(&mut self.word).id_salt("collusion word").desired_width(120.0))
                    .labelled_by(label.id);
                let label = ui.label("Colluders up to");
                ui.add(DragValue::new(&mut self.most_live).range(1..=12)).labelled_by(label.id);
            });
            let word = self.word.trim();
            let series = match form {
                _ if word.is_empty() => Err("Give the word that colluders know each other by.".to_owned()),
                Ok(RunSpec::Collect(base)) => {
                    collusion_series(base, self.most_live, word).map_err(|why| format::sentence(&why))
                }
                Ok(_) => Err("The form describes no collection.".to_owned()),
                Err(why) => Err(why.clone()),
            };
            match series {
                Ok(series) => {
                    let calls: u64 = series.iter().map(|spec| spec.estimate().calls).sum();
                    let count = number::counted(series.len() as u64, "collection", "collections");
                    let text = format!("{count}, {}.", number::counted(calls, "call", "calls"));
                    ui.label(theme::caption(text).weak());
                    if ui.button("Start the series").clicked() {
                        let runs = series.into_iter().map(|spec| Command::StartRun(Box::new(RunSpec::Collect(spec))));
                        commands.extend(runs);
                    }
                }
                Err(why) => {
                    ui.label(theme::caption(why.as_str()).weak());
                    disabled_button(ui, "Start the series", &why);
                }
            }
        });
        self.live.show(ui, context, commands);
    }
}

fn curve(name: &str, colour: usize, dashed: bool, points: impl Iterator<Item = (u32, Option<f64>)>) -> Layer {
    let points = points.filter_map(|(x, y)| Some([f64::from(x), y.filter(|y| y.is_finite())?])).collect();
    Layer::Line { name: name.to_owned(), colour, points, dashed }
}

fn closed_page(group: &Group) -> Page {
    let gains: Vec<Gain> = (0..=group.colluders).map(|colluders| Group { colluders, ..*group }.gain()).collect();
    let mut page = Page::default();
    if let Some(last) = gains.last() {
        let text = format!(
            "{} against {} honest take {} of all trust; {} by a plain mean of all judges.",
            number::counted(u64::from(last.colluders), "colluder", "colluders"),
            group.honest,
            number::percent(last.share),
            number::percent(last.mean_share)
        );
        let more = last.share > last.mean_share + 1e-9;
        page.sentences.push((if more { VerdictKind::Caution } else { VerdictKind::Shown }, text));
    }
    let x = || linear("colluders");
    let elo = Figure {
        title: "Elo of colluders and of the honest".to_owned(),
        caption: format!(
            "{} honest judges trust all alike; colluders keep {} of their trust in their group; damping {}.",
            group.honest,
            number::percent(group.mass),
            number::fixed(group.damping, 2)
        ),
        x: x(),
        y: linear("Elo"),
        layers: vec![
            Layer::Guide { name: String::new(), slope: 0.0, intercept: 1500.0 },
            curve("colluders", 0, false, gains.iter().map(|gain| (gain.colluders, gain.elo_colluder))),
            curve("honest", 1, false, gains.iter().map(|gain| (gain.colluders, Some(gain.elo_honest)))),
            curve("colluders, plain mean", 0, true, gains.iter().map(|gain| (gain.colluders, gain.mean_elo_colluder))),
        ],
    };
    let share = Figure {
        title: "Trust in the group".to_owned(),
        caption: "Share of all trust that settles in the group, beside its share in a plain mean of all judges."
            .to_owned(),
        x: x(),
        y: linear("share of trust"),
        layers: vec![
            curve("settled", 0, false, gains.iter().map(|gain| (gain.colluders, Some(gain.share)))),
            curve("plain mean", 0, true, gains.iter().map(|gain| (gain.colluders, Some(gain.mean_share)))),
        ],
    };
    let shown = |figure| Shown { figure, height: 240.0, help: help::COLLUSION };
    page.parts.push(Part::Figures(vec![shown(elo), shown(share)]));
    page
}

fn remedy_name(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Nothing => "Nothing is done",
        Remedy::Damping => "Trust goes back to all alike",
        Remedy::PreTrust => "Trust goes back to the honest",
        Remedy::LeftOut => "Colluders' judgements are left out",
    }
}

fn simulated_page(of: &Simulation, found: &[SimulatedGain]) -> Page {
    let mut page = Page::default();
    let last = |remedy| found.iter().rfind(|own| own.remedy == remedy && own.colluding.is_some());
    if let (Some(plain), Some(out)) = (last(Remedy::Nothing), last(Remedy::LeftOut))
        && let (Some(with), Some(without)) = (plain.colluding, out.colluding)
    {
        let text = format!(
            "{} gain {} Elo each by colluding, on average over {}.",
            number::counted(u64::from(plain.colluders), "colluder", "colluders"),
            number::fixed(with.mean - without.mean, 0),
            number::counted(u64::from(of.replicates), "population", "populations")
        );
        page.sentences.push((VerdictKind::Shown, text));
    }
    let figures = Remedy::ALL.map(|remedy| {
        let own = || found.iter().filter(move |own| own.remedy == remedy);
        let around = |mean: f64, deviation: Option<f64>| {
            let error = deviation.unwrap_or(0.0) / f64::from(of.replicates).sqrt() * 1.96;
            [mean, mean - error, mean + error]
        };
        let colluding = own().filter_map(|own| {
            let [mean, low, high] = own.colluding.map(|elo| around(elo.mean, elo.deviation))?;
            Some([f64::from(own.colluders), mean, low, high])
        });
        let honest = own().map(|own| {
            let [mean, low, high] = around(own.honest.mean, own.honest.deviation);
            [f64::from(own.colluders), mean, low, high]
        });
        Shown {
            figure: Figure {
                title: remedy_name(remedy).to_owned(),
                caption: format!(
                    "Mean Elo with 95 % intervals over {}; loyalty {}, {}, seed {}.",
                    number::counted(u64::from(of.replicates), "population", "populations"),
                    number::fixed(of.loyalty, 2),
                    number::counted(u64::from(of.scenarios), "scenario", "scenarios"),
                    of.seed
                ),
                x: linear("colluders"),
                y: linear("mean Elo"),
                layers: vec![
                    Layer::Intervals { name: "colluders".to_owned(), colour: 0, points: colluding.collect() },
                    Layer::Intervals { name: "honest".to_owned(), colour: 1, points: honest.collect() },
                ],
            },
            height: 220.0,
            help: help::COLLUSION_SIMULATED,
        }
    });
    page.parts.push(Part::Figures(figures.into()));
    let header = [
        "Remedy",
        "Colluders",
        "Elo of colluders",
        "Standard deviation",
        "Elo of the honest",
        "Standard deviation of the honest",
    ];
    let row = |own: &SimulatedGain| {
        let one = |value: f64| number::fixed(value, 1);
        vec![
            Cell::text(remedy_name(own.remedy)),
            Cell::count(u64::from(own.colluders)),
            Cell::Number(own.colluding.map(|elo| elo.mean), one),
            Cell::Number(own.colluding.and_then(|elo| elo.deviation), one),
            Cell::Number(Some(own.honest.mean), one),
            Cell::Number(own.honest.deviation, one),
        ]
    };
    let rows: Vec<Vec<Cell>> = found.iter().map(row).collect();
    page.parts.push(Part::Table(Sheet::new("eigenbench-collusion", "Simulated groups", &header, &rows, None)));
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn both_pages_say_what_the_group_gains() {
        let lab = CollusionLab::default();
        let page = closed_page(&Group { colluders: 1, ..lab.group });
        assert!(page.sentences[0].1.contains("66.7 %") && page.sentences[0].0 == VerdictKind::Caution);
        let small = Simulation { most_colluders: 2, scenarios: 40, replicates: 3, ..lab.simulation };
        let found = small.run(&Silent).unwrap();
        let page = simulated_page(&small, &found);
        assert!(page.sentences[0].1.starts_with("2 colluders gain"));
        let Part::Figures(figures) = &page.parts[0] else { panic!() };
        assert_eq!(figures.len(), 4);
        // Without colluders there is no point for them, and intervals hold their means.
        let Layer::Intervals { points, .. } = &figures[0].figure.layers[0] else { panic!() };
        assert!(points.len() == 2 && points.iter().all(|[_, mean, low, high]| low <= mean && mean <= high));
    }
}
