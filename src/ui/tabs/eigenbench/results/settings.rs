//! The row of settings above the results: which judgements count, and how they are fitted.

use std::collections::BTreeSet;

use eframe::egui::{CollapsingHeader, ComboBox, DragValue, PopupCloseBehavior, ScrollArea, Ui};

use crate::eigenbench::findings::{Judged, Settings};
use crate::eigenbench::trust::PreTrust;
use crate::eigenbench::uncertainty::Unit;
use crate::figures::number;
use crate::ui::help::eigenbench as help;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::widgets::{card, what_is};

/// Height of a list.
const LIST: f32 = 320.0;

/// What stays of settings where another run is shown: nothing that names models, judges or criteria by their places.
pub fn of_another_run(settings: &Settings) -> Settings {
    let mut kept = Settings { criteria: BTreeSet::new(), judges_left_out: BTreeSet::new(), ..settings.clone() };
    kept.board.anchors.clear();
    if let PreTrust::Models(_) = kept.board.settling.pre_trust {
        kept.board.settling.pre_trust = PreTrust::Equal;
    }
    kept
}

/// Draws the settings.
pub fn show(ui: &mut Ui, judged: &Judged, settings: &mut Settings) {
    card(ui, "", |ui| {
        ui.horizontal_wrapped(|ui| {
            criteria(ui, judged, settings);
            judges(ui, judged, settings);
            let why = "Else a judge's judgements of its own responses are left out.";
            ui.checkbox(&mut settings.self_judging, "Judges judge themselves").on_hover_text(why);
        });
        CollapsingHeader::new("How it is fitted").id_salt("eigenbench fit settings").show(ui, |ui| {
            ui.horizontal_wrapped(|ui| fit(ui, judged, settings));
        });
    });
}

fn criteria(ui: &mut Ui, judged: &Judged, settings: &mut Settings) {
    let all: Vec<(u16, &str)> = (0..).zip(judged.criteria.iter().map(String::as_str)).collect();
    let count = settings.criteria.len() as u64;
    let text = if count == 0 { "all".to_owned() } else { number::count(count) };
    let chosen = |settings: &Settings, place: u16| settings.criteria.is_empty() || settings.criteria.contains(&place);
    several(ui, "Criteria", &text, &all, |place, set| {
        if let Some(within) = set {
            if settings.criteria.is_empty() {
                settings.criteria = (0..judged.criteria.len() as u16).collect();
            }
            if within {
                settings.criteria.insert(place)
            } else {
                settings.criteria.remove(&place)
            };
            if settings.criteria.len() == judged.criteria.len() {
                settings.criteria = BTreeSet::new();
            }
        }
        chosen(settings, place)
    });
}

fn judges(ui: &mut Ui, judged: &Judged, settings: &mut Settings) {
    let names: Vec<String> = (0..judged.judges() as u16).map(|place| judged.judge(place).to_owned()).collect();
    let all: Vec<(u16, &str)> = (0..).zip(names.iter().map(String::as_str)).collect();
    let out = settings.judges_left_out.len();
    let text = if out == 0 { "all".to_owned() } else { number::count((all.len() - out) as u64) };
    several(ui, "Judges", &text, &all, |place, set| {
        match set {
            Some(true) => {
                settings.judges_left_out.remove(&place);
            }
            Some(false) => {
                settings.judges_left_out.insert(place);
            }
            None => {}
        }
        !settings.judges_left_out.contains(&place)
    });
}

/// A list of boxes; `state` sets one where it is told to, and says whether it is set.
fn several(ui: &mut Ui, name: &str, text: &str, all: &[(u16, &str)], mut state: impl FnMut(u16, Option<bool>) -> bool) {
    let label = ui.label(name);
    ComboBox::from_id_salt(("eigenbench selection", name))
        .width(72.0)
        .selected_text(text)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show_ui(ui, |ui| {
            ScrollArea::vertical().max_height(LIST).show(ui, |ui| {
                for &(place, name) in all {
                    let mut within = state(place, None);
                    if ui.checkbox(&mut within, shortened(name, 80)).on_hover_text(name).changed() {
                        state(place, Some(within));
                    }
                }
            });
        })
        .response
        .labelled_by(label.id);
}

fn fit(ui: &mut Ui, judged: &Judged, settings: &mut Settings) {
    let board = &mut settings.board;
    let field = |ui: &mut Ui, name: &str, field: DragValue<'_>, why: &str| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(field).labelled_by(label.id).on_hover_text(why);
    };
    let most = judged.models.len().clamp(1, 64);
    field(
        ui,
        "Dimension",
        DragValue::new(&mut board.fit.dimension).range(1..=most).speed(0.05),
        "Of judges' lenses (d).",
    );
    let why =
        "Weight of half the sum of squared parameters beside the mean loss; 0 is the plain maximum of the likelihood.";
    field(ui, "Ridge", DragValue::new(&mut board.fit.ridge).range(0.0..=1.0).speed(0.0005).max_decimals(5), why);
    field(ui, "Starts", DragValue::new(&mut board.fit.starts).range(1..=100).speed(0.1), "Descents from other starts.");
    field(ui, "Seed", DragValue::new(&mut board.fit.seed).speed(0.1), "Of starts and resamples.");
    field(
        ui,
        "Resamples",
        DragValue::new(&mut board.resamples).range(0..=10_000).speed(5.0),
        "Refits for intervals; 0 gives none.",
    );
    let label = ui.label("Draw again");
    let unit = |unit| match unit {
        Unit::Scenario => "scenarios",
        Unit::Rows => "judgements (as in the paper)",
    };
    ComboBox::from_id_salt("eigenbench unit")
        .selected_text(unit(board.unit))
        .show_ui(ui, |ui| {
            for other in [Unit::Scenario, Unit::Rows] {
                ui.selectable_value(&mut board.unit, other, unit(other));
            }
        })
        .response
        .labelled_by(label.id);
    let why = "Strict choices that contradict each other in the two orders of a pair then count as ties.";
    ui.checkbox(&mut board.reconcile, "Contradictions are ties").on_hover_text(why);
    let why = "Else a model that judged nothing stands in the way of a leaderboard.";
    ui.checkbox(&mut board.dangling, "Silent judges trust all alike").on_hover_text(why);
    let mut validate = board.folds.is_some();
    if ui.checkbox(&mut validate, "Choose the dimension by held-out scenarios").changed() {
        board.folds = validate.then_some(5);
    }
    ui.label("Damping").on_hover_text("Share of trust that goes back at every step (alpha).");
    let damping = ui.add(eframe::egui::Slider::new(&mut board.settling.damping, 0.0..=1.0).max_decimals(2));
    damping.ctx.accesskit_node_builder(damping.id, |node| node.set_label("Damping"));
    let label = ui.label("to");
    let name = |trust: &PreTrust| match trust {
        PreTrust::Equal => "all models alike".to_owned(),
        PreTrust::Outside => "whom people trust".to_owned(),
        PreTrust::Models(chosen) => match chosen.first().and_then(|&model| judged.models.get(model)) {
            Some(model) => model.clone(),
            None => "nobody".to_owned(),
        },
    };
    let shown = name(&board.settling.pre_trust);
    ComboBox::from_id_salt("eigenbench pre-trust")
        .selected_text(shown)
        .show_ui(ui, |ui| {
            let mut choices = vec![PreTrust::Equal];
            if !judged.outside.is_empty() {
                choices.push(PreTrust::Outside);
            }
            choices.extend((0..judged.models.len()).map(|model| PreTrust::Models(vec![model])));
            for choice in choices {
                let text = name(&choice);
                ui.selectable_value(&mut board.settling.pre_trust, choice, text);
            }
        })
        .response
        .labelled_by(label.id);
    let label =
        ui.label("Anchor").on_hover_text("This model then has 1500, so that leaderboards of two populations compare.");
    let shown = board.anchors.first().and_then(|&model| judged.models.get(model)).map_or("none", String::as_str);
    ComboBox::from_id_salt("eigenbench anchor")
        .selected_text(shown)
        .show_ui(ui, |ui| {
            ui.selectable_value(&mut board.anchors, Vec::new(), "none");
            for (model, name) in judged.models.iter().enumerate() {
                ui.selectable_value(&mut board.anchors, vec![model], name);
            }
        })
        .response
        .labelled_by(label.id);
    what_is(ui, help::EIGENTRUST.name, help::EIGENTRUST.text);
}
