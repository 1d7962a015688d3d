//! Single chains from two starts: how far apart they are at least, and whether numbers along them agree.

use eframe::egui::Ui;

use super::super::figures::{axis, linear};
use crate::figures::figure::{Figure, Layer, Ticks};
use crate::figures::number;
use crate::glauber::experiments::singles::{SinglesResult, SinglesSpec, StartLaw};
use crate::ui::command::{Command, Table};
use crate::ui::tabs::shared::diagnostics;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::widgets::{card, data_table, figure_view};
use crate::ui::{help, theme};

/// What the single chains draw.
pub struct SinglesView {
    /// `None` for fewer chains than can be told apart.
    separation: Option<Figure>,
    diagnostics: Table,
    /// The largest bound and its sweep, in words.
    sentence: String,
    starts: String,
}

impl SinglesView {
    /// Works out figure and table.
    pub fn new(spec: &SinglesSpec, found: &SinglesResult) -> Self {
        let known: Vec<(f64, f64, f64)> = found
            .separations
            .iter()
            .filter_map(|at| at.found.as_ref().map(|found| (at.sweep as f64, found.lower, found.estimate)))
            .collect();
        let line = |of: &dyn Fn(&(f64, f64, f64)) -> f64| known.iter().map(|at| [at.0, of(at)]).collect::<Vec<_>>();
        let [a, b] = [0, 1].map(|side| format!("{}: {}", law(&spec.laws[side]), shortened(&found.first[side], 60)));
        let chains = number::counted(found.chains, "chain", "chains");
        let separation = (!known.is_empty()).then(|| Figure {
            title: "Distance of the two starts, bounded from below".to_owned(),
            caption: format!(
                "Total variation between the laws of chains from A ({a}) and from B ({b}), {chains} each: lower end of the \
                 95 % Clopper-Pearson interval of a classifier on held-out chains, each time by itself, and the \
                 classifier's estimate."
            ),
            x: linear("sweeps of n steps"),
            y: axis("total variation, lower bound", Ticks::Linear { range: Some((-0.03, 1.03)) }),
            layers: vec![
                Layer::Line { name: "lower bound, 95 %".to_owned(), colour: 0, points: line(&|at| at.1), dashed: false },
                Layer::Points { name: "compared here".to_owned(), colour: 0, points: line(&|at| at.1) },
                Layer::Line { name: "estimate".to_owned(), colour: 1, points: line(&|at| at.2.max(0.0)), dashed: true },
            ],
        });
        let apart = found.separations.iter().rev().find(|at| at.found.as_ref().is_some_and(|found| found.lower > 0.0));
        let sentence = match apart.and_then(|at| Some((at.sweep, at.found.as_ref()?.lower))) {
            Some((sweep, lower)) => format!(
                "After {} the two starts are still apart: total variation at least {}.",
                number::counted(sweep, "sweep", "sweeps"),
                number::fixed(lower, 3)
            ),
            None if known.is_empty() => "Too few chains to hold some out: give at least 8 from each start.".to_owned(),
            None => "The classifier does not tell the two starts apart at any of these times. That shows nothing: \
                     another one might."
                .to_owned(),
        };
        Self {
            separation,
            diagnostics: diagnostics::table(&found.diagnostics, 1),
            sentence,
            starts: format!("{chains} each from A ({a}) and B ({b})."),
        }
    }
}

fn law(law: &StartLaw) -> String {
    match law {
        StartLaw::Uniform => "random tokens, such as".to_owned(),
        StartLaw::Anchor(rank) => format!("anchor {rank}"),
        StartLaw::Sentences(sentences) => {
            format!("{}, such as", number::counted(sentences.len() as u64, "sentence", "sentences"))
        }
        StartLaw::Typed(_) => "typed".to_owned(),
    }
}

/// Draws the card.
pub fn show(ui: &mut Ui, view: Option<&SinglesView>, asked: bool, commands: &mut Vec<Command>) {
    card(ui, "Two starts: lower bounds and diagnostics", |ui| {
        let Some(view) = view else {
            ui.label(if asked {
                "Single chains are read once all have ended."
            } else {
                "Single chains were left out of this run. Tick Compare two starts in the form to see lower bounds, R-hat and \
                 effective sample sizes."
            });
            return;
        };
        ui.label(&view.sentence);
        ui.label(theme::caption(&view.starts).weak());
        if let Some(figure) = &view.separation {
            figure_view(ui, "pairs separation", figure, 220.0, &[], commands);
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.label(theme::caption(help::SEPARATION.name));
            crate::ui::widgets::what_is(ui, help::SEPARATION.name, help::SEPARATION.text);
        });
        diagnostics::headline(ui);
        if view.diagnostics.rows.is_empty() {
            let text = "Nothing to diagnose: the chains do not move, or are shorter than 8 sweeps.";
            ui.label(theme::caption(text).weak());
        } else {
            data_table(ui, "pairs diagnostics", &view.diagnostics, None, commands);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glauber::experiments::singles::SeparationAt;
    use crate::statistics::separation;

    #[test]
    fn the_sentence_claims_the_last_time_that_is_bounded() {
        let side = |value: f64| vec![vec![value]; 40];
        let at = |sweep, b| SeparationAt { sweep, step: sweep, found: separation(&side(0.0), &side(b), 1).ok() };
        let mut found = SinglesResult {
            chains: 40,
            first: ["a".to_owned(), "b".to_owned()],
            diagnostics: Vec::new(),
            separations: vec![at(1, 1.0), at(5, 1.0), at(20, 0.0)],
        };
        let view = SinglesView::new(&SinglesSpec::default(), &found);
        assert!(view.sentence.starts_with("After 5 sweeps"), "{}", view.sentence);
        found.separations.drain(..2);
        let view = SinglesView::new(&SinglesSpec::default(), &found);
        assert!(view.sentence.contains("shows nothing") && view.separation.is_some());
        found.separations[0].found = None;
        assert!(SinglesView::new(&SinglesSpec::default(), &found).separation.is_none());
    }
}
