//! The leaderboard as trust goes back to people: a slider, and the curve over all its places.

use std::sync::Arc;

use eframe::egui::{Slider, Ui};

use super::against::PeopleFindings;
use crate::figures::figure::{Figure, Layer};
use crate::figures::number;
use crate::ui::command::Command;
use crate::ui::help::eigenbench_people as help;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet, Shown, draw, linear};
use crate::ui::widgets::{VerdictKind, card, empty_state};

/// Where the slider stands, and the page of that place.
#[derive(Default)]
pub struct Teleport {
    share: f64,
    made: Option<(f64, Page)>,
}

impl Teleport {
    /// The same place, for other findings.
    pub fn renewed(self) -> Self {
        Self { made: None, ..self }
    }

    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, found: &Arc<PeopleFindings>, commands: &mut Vec<Command>) {
        if found.curve.is_empty() {
            empty_state(ui, "Trust does not settle", "Let more people judge, or more pairs.", None);
            return;
        }
        card(ui, "", |ui| {
            ui.horizontal_wrapped(|ui| {
                let label = ui.label("Trust that goes back to people at every step");
                ui.spacing_mut().slider_width = 260.0;
                let slider = Slider::new(&mut self.share, 0.0..=1.0).max_decimals(2).step_by(0.02);
                ui.add(slider)
                    .labelled_by(label.id)
                    .on_hover_text("0 is the models' leaderboard, 1 the people's mean trust.");
            });
        });
        if self.made.as_ref().is_none_or(|(of, _)| *of != self.share) {
            self.made = Some((self.share, page(found, self.share)));
        }
        if let Some((_, page)) = &self.made {
            draw(ui, "eigenbench teleport", page, commands);
        }
    }
}

fn order(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    order
}

/// The leaderboard at `share`, and the curve.
pub fn page(found: &PeopleFindings, share: f64) -> Page {
    let mut page = Page::default();
    let steps = found.curve.len() - 1;
    let at = ((share * steps as f64).round() as usize).min(steps);
    let (start, here) = (&found.curve[0], &found.curve[at]);
    let (before, now) = (order(&start.trust), order(&here.trust));
    let moved = before.iter().zip(&now).filter(|(a, b)| a != b).count();
    let model = |place: usize| found.judged.models[place].as_str();
    let text = match moved {
        0 => format!(
            "With {} of trust going back to people the order is that of the models.",
            number::percent(here.share)
        ),
        _ => format!(
            "With {} of trust going back to people {} leads; {} of {} places have somebody else.",
            number::percent(here.share),
            model(now[0]),
            moved,
            now.len()
        ),
    };
    page.sentences.push((if moved == 0 { VerdictKind::Nothing } else { VerdictKind::Shown }, text));
    // One curve a model; beyond the palette the colours come again.
    let curve = |(place, &own): (usize, &usize)| Layer::Line {
        name: model(own).to_owned(),
        colour: place,
        points: found.curve.iter().map(|point| [point.share, point.elo[own]]).filter(|[_, y]| y.is_finite()).collect(),
        dashed: false,
    };
    page.parts.push(Part::Figures(vec![Shown {
        figure: Figure {
            title: "Elo as people are mixed in".to_owned(),
            caption: format!(
                "Elo of each model by the share of trust that goes back to {} at every step (alpha; 0: models alone).",
                number::counted(found.people as u64, "person", "people")
            ),
            x: linear("share going back to people"),
            y: linear("Elo"),
            layers: before.iter().enumerate().map(curve).collect(),
        },
        height: 300.0,
        help: help::TELEPORTATION,
    }]));
    let header = ["Model", "Rank", "Rank among models", "Elo", "Elo by models alone", "Trust"];
    let rank = |order: &[usize], own: usize| order.iter().position(|model| *model == own).map_or(0, |at| at as u64 + 1);
    let row = |&own: &usize| {
        let elo = |value: f64| number::fixed(value, 0);
        vec![
            Cell::text(model(own)),
            Cell::count(rank(&now, own)),
            Cell::count(rank(&before, own)),
            Cell::Number(Some(here.elo[own]), elo),
            Cell::Number(Some(start.elo[own]), elo),
            Cell::Number(Some(here.trust[own]), |value| number::fixed(value, 4)),
        ]
    };
    let rows: Vec<Vec<Cell>> = now.iter().map(row).collect();
    let title = "Leaderboard with people mixed in";
    page.parts.push(Part::Table(Sheet::new("eigenbench-teleport", title, &header, &rows, Some(help::TELEPORTATION))));
    page
}
