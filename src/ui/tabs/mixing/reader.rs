//! Reading one pair: both chains at a step, what the last sweep changed, where they differ.

use eframe::egui::{self, RichText, Ui};

use super::figures::linear;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::glauber::chain::Meeting;
use crate::glauber::experiments::course::PairCourse;
use crate::glauber::experiments::mix::MixSpec;
use crate::store::{RunId, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::tabs::shared::run_state::{bring_into_view, unreadable};
use crate::ui::theme;
use crate::ui::widgets::{card, disabled_button, figure_view};

/// The bytes of both chains.
type Tokens = Result<[Vec<u8>; 2], StoreError>;

/// The pair being read.
#[derive(Default)]
pub struct Reader {
    pair: Option<u64>,
    tokens: Requested<Tokens>,
    /// The model has been asked for the course of `tokens`.
    asked: bool,
    /// Its chains have not been brought into view yet.
    arriving: bool,
    step: usize,
    questions: Questions,
    /// Distance against time, of this pair.
    distance: Option<(u64, Figure)>,
}

impl Reader {
    /// Takes in the frame's answers.
    pub fn listen(&mut self, context: &TabContext<'_>) {
        self.questions.listen(context.answers);
    }

    /// The pair being read.
    pub fn pair(&self) -> Option<u64> {
        self.pair
    }

    /// Stops reading.
    pub fn close(&mut self) {
        self.pair = None;
    }

    /// The texts of some tokens.
    pub fn texts(&mut self, context: &TabContext<'_>, model: &str, tokens: &[u32]) -> Live<'_, Vec<String>> {
        self.questions.texts(context.session, model, tokens)
    }

    /// Reads this pair of a cell (as the run's ensemble counts them) from its start.
    pub fn open(&mut self, context: &TabContext<'_>, run: RunId, cell: u32, pair: u64) {
        (self.pair, self.asked, self.arriving, self.step, self.distance) = (Some(pair), false, true, 0, None);
        self.tokens.clear();
        context.query(&mut self.tokens, move |project| {
            Ok([project.chain_tokens(run, cell, pair, false)?, project.chain_tokens(run, cell, pair, true)?])
        });
    }

    /// Draws the pair that is open, if one is: one of `meetings`, run as `spec` says (or a diagram with the same pairs).
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        (spec, meetings): (&MixSpec, &[Meeting]),
        commands: &mut Vec<Command>,
    ) {
        let Some(pair) = self.pair else { return };
        let met = meetings.iter().find(|meeting| meeting.pair == pair);
        let mut ready = false;
        let drawn = card(ui, &format!("Pair {pair}"), |ui| {
            match self.tokens.get() {
                None => {
                    ui.spinner();
                    return;
                }
                Some(Err(problem)) => {
                    unreadable(ui, problem);
                    return;
                }
                Some(Ok(tokens)) if !self.asked => {
                    self.questions.ask_pair(context.session, spec, pair, tokens.clone());
                    self.asked = true;
                }
                Some(Ok(_)) => {}
            }
            match self.questions.course() {
                Live::Ready(course) => {
                    ready = true;
                    if let Some(meeting) = met {
                        let steps = number::counted(meeting.time, "step", "steps");
                        ui.label(if meeting.met {
                            format!("The chains met after {steps} and go on as one from there.")
                        } else {
                            format!("The chains had not met after {steps}, where they were stopped.")
                        });
                    }
                    steps(ui, course, &mut self.step);
                    sequences(ui, course, self.step);
                    let known = self.distance.take().filter(|(of, _)| *of == pair);
                    let (_, figure) =
                        self.distance.insert(known.unwrap_or_else(|| (pair, distance_figure(run, course))));
                    figure_view(ui, "pair distance", figure, 160.0, &[], commands);
                }
                Live::Failed(problem) => {
                    ui.label(RichText::new(problem).color(theme::palette(ui).bad));
                }
                Live::Waiting(_) | Live::Nothing => {
                    ui.horizontal(|ui| {
                        ui.spinner();
                        ui.label(theme::caption("Asking the model for the texts of its tokens").weak());
                    });
                }
            }
        });
        if ready && std::mem::take(&mut self.arriving) {
            bring_into_view(ui, drawn.response.rect);
        }
    }
}

/// The slider over sweeps, and single steps.
fn steps(ui: &mut Ui, course: &PairCourse, step: &mut usize) {
    let (last, n) = (course.steps(), course.free.len().max(1));
    *step = (*step).min(last);
    let mut sweep = *step / n;
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Sweep");
        ui.spacing_mut().slider_width = 200.0;
        let slider = egui::Slider::new(&mut sweep, 0..=last.div_ceil(n));
        if ui.add(slider).labelled_by(label.id).changed() {
            *step = (sweep * n).min(last);
        }
        if *step > 0 {
            if ui.button("Step back").clicked() {
                *step -= 1;
            }
        } else {
            disabled_button(ui, "Step back", "This is the start.");
        }
        if *step < last {
            if ui.button("Step forward").clicked() {
                *step += 1;
            }
        } else {
            disabled_button(ui, "Step forward", "This is the last recorded step.");
        }
        if ui.button("To the end").clicked() {
            *step = last;
        }
    });
    ui.label(format!(
        "Step {} of {}, sweep {}; the chains differ at {} of {} positions.",
        number::count(*step as u64),
        number::count(last as u64),
        number::fixed(*step as f64 / n as f64, 2),
        course.distances.get(*step).copied().unwrap_or(0),
        n
    ));
    if course.recorded > last as u64 {
        let recorded = number::count(course.recorded);
        ui.label(theme::caption(format!("The first of {recorded} recorded steps; the project holds all.")).weak());
    }
}

/// Both sequences; what the last sweep changed is shaded, where they differ is underlined.
fn sequences(ui: &mut Ui, course: &PairCourse, step: usize) {
    let n = course.free.len().max(1);
    let now = [course.state(0, step), course.state(1, step)];
    let before = step.saturating_sub(n);
    let earlier = [course.state(0, before), course.state(1, before)];
    let updated = step.checked_sub(1).and_then(|last| course.updates[0].get(last)).map(|&(site, _)| site as usize);
    let palette = theme::palette(ui);
    for (chain, name) in ["X", "Y"].into_iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(theme::strong(name));
            for (site, &token) in now[chain].iter().enumerate() {
                let text = |token: u32| course.texts.get(&token).map_or("?", String::as_str);
                // As wide as the wider of the two, so that positions stand below each other.
                let width = now.iter().map(|state| text(state[site]).chars().count()).max().unwrap_or(1);
                let mut word = theme::mono(format!("{:<width$}", text(token)));
                if course.free.binary_search(&site).is_err() {
                    word = word.color(palette.weak_text);
                }
                if now[0][site] != now[1][site] {
                    word = word.underline();
                }
                if earlier[chain][site] != token {
                    word = word.background_color(palette.selection);
                }
                if updated == Some(site) {
                    word = word.strong().color(palette.accent);
                }
                ui.label(word).on_hover_text(format!("Position {site}, counted from 0"));
            }
        });
    }
    ui.label(
        theme::caption(
            "Shaded: changed within the last sweep. Underlined: X and Y differ. Coloured: the position of this step. Grey: \
             frozen.",
        )
        .weak(),
    );
}

fn distance_figure(run: RunId, course: &PairCourse) -> Figure {
    let n = course.free.len().max(1) as f64;
    let mut points: Vec<[f64; 2]> = Vec::new();
    for (step, &distance) in course.distances.iter().enumerate() {
        let (x, y) = (step as f64 / n, f64::from(distance));
        match points.last() {
            Some(&[_, last]) if last == y && step + 1 < course.distances.len() => {}
            Some(&[_, last]) => points.extend([[x, last], [x, y]]),
            None => points.push([x, y]),
        }
    }
    Figure {
        title: format!("Distance of pair {}", course.pair),
        caption: format!("Hamming distance of the two chains of pair {} of run {}.", course.pair, run.0),
        x: linear("sweeps of n steps"),
        y: linear("Hamming distance"),
        layers: vec![Layer::Line { name: "distance".to_owned(), colour: 0, points, dashed: false }],
    }
}
