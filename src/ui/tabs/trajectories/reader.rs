//! Reader and map: the sentences of a chain one after the other, and where they lie among all others.

use eframe::egui::{self, Key, RichText, Ui};

use super::outcome::Looking;
use super::view::View;
use super::{figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::trajectories::BasinKind;
use crate::ui::command::Command;
use crate::ui::widgets::{card, figure_view, stats};
use crate::ui::{help, theme};

/// Snapshots that Page Up and Page Down pass over.
const PAGE: usize = 10;
/// From this width on the map stands beside the reader.
const SIDE_BY_SIDE: f32 = 640.0;
/// Snapshots farther from a click than this share of the map are not meant.
const NEAR: f64 = 0.05;

/// The map as drawn last: all snapshots, and on top the chain that is looked at.
pub struct Map {
    of: (u64, BasinKind),
    at: [usize; 2],
    figure: Figure,
    /// Layers below the chain.
    below: usize,
}

/// Draws the part. `asking`: the model has not yet said how it reads the tokens.
pub fn show(ui: &mut Ui, view: &View, looking: &mut Looking, asking: bool, commands: &mut Vec<Command>) {
    let Some(walk) = &view.walk else {
        ui.horizontal(|ui| {
            if asking || view.unread.is_none() {
                ui.spinner();
            }
            ui.label(if asking {
                "Asking the model how it reads the recorded tokens."
            } else {
                "The first sentences appear here once tokens are committed."
            });
        });
        map(ui, view, looking, commands);
        return;
    };
    looking.chain = looking.chain.min(walk.chains.len().saturating_sub(1));
    let last = walk.chains.get(looking.chain).map_or(0, |states| states.len().saturating_sub(1));
    if looking.following {
        looking.snapshot = last;
    }
    looking.snapshot = looking.snapshot.min(last);
    keys(ui, looking, last);
    if ui.available_width() >= SIDE_BY_SIDE {
        ui.columns(2, |columns| {
            reader(&mut columns[0], view, looking, last, commands);
            course(&mut columns[0], view, looking, commands);
            map(&mut columns[1], view, looking, commands);
        });
    } else {
        reader(ui, view, looking, last, commands);
        map(ui, view, looking, commands);
        course(ui, view, looking, commands);
    }
}

/// Arrows move along the chain while no field has the focus.
fn keys(ui: &Ui, looking: &mut Looking, last: usize) {
    if ui.memory(|memory| memory.focused().is_some()) {
        return;
    }
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
    let before = looking.snapshot;
    if pressed(Key::ArrowLeft) {
        looking.snapshot = looking.snapshot.saturating_sub(1);
    }
    if pressed(Key::ArrowRight) {
        looking.snapshot = (looking.snapshot + 1).min(last);
    }
    if pressed(Key::PageUp) {
        looking.snapshot = looking.snapshot.saturating_sub(PAGE);
    }
    if pressed(Key::PageDown) {
        looking.snapshot = (looking.snapshot + PAGE).min(last);
    }
    if looking.snapshot != before {
        looking.following = looking.snapshot == last;
    }
}

fn reader(ui: &mut Ui, view: &View, looking: &mut Looking, last: usize, commands: &mut Vec<Command>) {
    card(ui, "Reader", |ui| {
        choose(ui, view, looking, last, commands);
        sentence(ui, view, looking);
        labels(ui, view, looking);
        numbers(ui, view, looking);
    });
}

fn choose(ui: &mut Ui, view: &View, looking: &mut Looking, last: usize, commands: &mut Vec<Command>) {
    let chains = view.walk.as_ref().map_or(0, |walk| walk.chains.len());
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Chain");
        egui::ComboBox::from_id_salt("trajectories chain")
            .width(72.0)
            .selected_text((looking.chain + 1).to_string())
            .show_ui(ui, |ui| {
                for chain in 0..chains {
                    ui.selectable_value(&mut looking.chain, chain, (chain + 1).to_string());
                }
            })
            .response
            .labelled_by(label.id);
        ui.label(theme::caption(format!("of {chains}")).weak());
        if ui.button("Export chain…").on_hover_text("Every snapshot of this chain as a table (CSV).").clicked() {
            commands.push(Command::ExportTable(Box::new(view.chain_table(looking.chain))));
        }
        if let Some(sentence) = view.sentence([looking.chain, looking.snapshot])
            && ui.button("Copy sentence").clicked()
        {
            commands.push(Command::CopyText(sentence));
        }
    });
    ui.horizontal(|ui| {
        let sweep = view.sweep(looking.snapshot);
        let label = ui.label(format!("Sweep {} of {}", number::count(sweep), number::count(view.sweep(last))));
        ui.spacing_mut().slider_width = (ui.available_width() - 24.0).max(80.0);
        let slider = egui::Slider::new(&mut looking.snapshot, 0..=last).show_value(false);
        let response = ui.add(slider).labelled_by(label.id).on_hover_text("Arrow keys move it too.");
        if response.changed() {
            looking.following = looking.snapshot == last;
        }
    });
}

/// The tokens, changed ones on a ground of their own and underlined.
fn sentence(ui: &mut Ui, view: &View, looking: &Looking) {
    let (Some(walk), Some(reading)) = (&view.walk, &view.reading) else { return };
    let Some(states) = walk.chains.get(looking.chain) else { return };
    let Some(state) = states.get(looking.snapshot) else { return };
    let before = looking.snapshot.checked_sub(1).map(|before| &states[before]);
    let palette = theme::palette(ui);
    let free = reading.cell.space.free();
    let mut changed = 0u64;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 4.0);
        for (site, &token) in state.iter().enumerate() {
            let differs = before.is_some_and(|before| before[site] != token);
            changed += u64::from(differs);
            let mut text = RichText::new(reading.text(token)).text_style(theme::section_style());
            if differs {
                text = text.background_color(palette.selection).underline();
            } else if free.binary_search(&site).is_err() {
                text = text.color(palette.weak_text);
            }
            ui.label(text).on_hover_text(match (differs, before) {
                (true, Some(before)) => format!("Position {site}; before: {}", reading.text(before[site])),
                _ => format!("Position {site}"),
            });
        }
    });
    let note = match before {
        None => "The start of this chain.".to_owned(),
        Some(_) => {
            format!("{} changed since the snapshot before (underlined).", number::counted(changed, "token", "tokens"))
        }
    };
    // A column of two stretches lines over its width; words keep their own.
    ui.vertical(|ui| ui.label(theme::caption(note).weak()));
}

fn labels(ui: &mut Ui, view: &View, looking: &mut Looking) {
    if view.basins.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.label("In");
        for set in &view.basins {
            match set.label(looking.chain, looking.snapshot) {
                Some(basin) => {
                    let what = format!("Shows this basin. {}", words::kind_sentence(set.kind));
                    if ui.button(words::basin_name(set.kind, basin)).on_hover_text(what).clicked() {
                        (looking.kind, looking.basin) = (Some(set.kind), Some(basin));
                        looking.part = super::outcome::Part::Basins;
                    }
                }
                None => {
                    ui.label(theme::caption(format!("no {}", words::kind_singular(set.kind))).weak());
                }
            }
        }
    });
}

fn numbers(ui: &mut Ui, view: &View, looking: &Looking) {
    let observed = view.stages.observables.as_ref();
    let seen = observed.and_then(|all| all.get(looking.chain)?.get(looking.snapshot));
    let Some(seen) = seen else {
        ui.label(theme::caption("Distances and shares appear when the chains have been read.").weak());
        return;
    };
    let sites = view.reading.as_ref().map_or(view.spec.length, |reading| reading.cell.space.free().len());
    let mut all = vec![
        ("Off the start", format!("{} of {sites}", seen.hamming_to_start), help::HAMMING_TO_START.text),
        ("Cosine to the start", number::fixed(seen.cosine_to_start, 3), help::COSINE_TO_START.text),
        ("Edit rate", seen.edit_rate.map_or("none yet".to_owned(), number::percent), help::EDIT_RATE.text),
        ("Distinct tokens", number::percent(seen.distinct_token_share), help::DISTINCT_TOKENS.text),
    ];
    if let Some(value) = seen.pseudo_log_likelihood {
        all.push(("Pseudo-log-likelihood", number::nats_with_unit(value), help::PSEUDO_LOG_LIKELIHOOD.text));
    }
    let scores =
        view.stages.political.as_ref().and_then(|found| found.scores.get(looking.chain)?.get(looking.snapshot));
    if let Some(scores) = scores {
        let text = help::POLITICAL_PROBE.text;
        all.push(("Listed words", scores.hits.to_string(), text));
        all.push(("Axis score", number::fixed(scores.axis, 3), text));
        all.push(("Classifier", number::percent(scores.probability), text));
    }
    stats(ui, &all);
}

fn course(ui: &mut Ui, view: &View, looking: &mut Looking, commands: &mut Vec<Command>) {
    let Some(observed) = view.stages.observables.as_ref().and_then(|all| all.get(looking.chain)) else { return };
    let of = (view.serial, looking.chain);
    if looking.course.as_ref().is_none_or(|(drawn, _)| *drawn != of) {
        looking.course = Some((of, figures::course(looking.chain, observed, view.spec.length)));
    }
    let Some((_, figure)) = &looking.course else { return };
    let draw = |ui: &mut Ui| figure_view(ui, "trajectories course", figure, 180.0, &[], commands).clicked;
    let clicked = card(ui, "", draw).inner;
    if let Some([sweep, _]) = clicked {
        let snapshot = (sweep / view.spec.every as f64).round().clamp(0.0, observed.len() as f64 - 1.0);
        looking.jump([looking.chain, snapshot as usize]);
    }
}

/// The choice of a notion of basin among those that are ready.
pub fn kinds(ui: &mut Ui, view: &View, looking: &mut Looking) {
    let Some(shown) = looking.kind(view) else { return };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for set in &view.basins {
            let chosen = ui.selectable_label(set.kind == shown, words::kind_name(set.kind));
            if chosen.on_hover_text(words::kind_sentence(set.kind)).clicked() && set.kind != shown {
                (looking.kind, looking.basin) = (Some(set.kind), None);
            }
        }
    });
}

fn map(ui: &mut Ui, view: &View, looking: &mut Looking, commands: &mut Vec<Command>) {
    card(ui, "", |ui| {
        let (Some(projection), Some(kind)) = (view.stages.projection.as_deref(), looking.kind(view)) else {
            ui.label(theme::strong("Map of the snapshots"));
            ui.label(theme::caption("Appears when the chains have walked and their snapshots are clustered.").weak());
            return;
        };
        kinds(ui, view, looking);
        let at = [looking.chain, looking.snapshot];
        let sweep = view.sweep(looking.snapshot);
        if looking.map.as_ref().is_none_or(|map| map.of != (view.serial, kind)) {
            let Some(base) = view.basins_of(kind).and_then(|set| set.map.as_ref()) else { return };
            let below = base.layers.len();
            // No chain has this number: its course is drawn below.
            let nowhere = [usize::MAX, 0];
            looking.map = Some(Map { of: (view.serial, kind), at: nowhere, figure: base.clone(), below });
        }
        let Some(map) = &mut looking.map else { return };
        if map.at[0] != at[0] {
            map.figure.layers.truncate(map.below);
            map.figure.layers.extend(figures::path(projection, at[0], at[1], sweep));
        } else if map.at[1] != at[1] {
            map.figure.layers.truncate(map.below + 1);
            map.figure.layers.extend(figures::here(projection, at[0], at[1], sweep));
        }
        map.at = at;
        // With the verdict above it within the first screen of 800 points, and no larger than it needs to be.
        let screen = ui.ctx().content_rect().height();
        let height = (screen * 0.45).min(screen - 510.0).clamp(240.0, 640.0);
        let clicked = figure_view(ui, "trajectories map", &map.figure, height, &[], commands).clicked;
        ui.label(theme::caption("Click a point to read it.").weak());
        if let Some(at) = clicked.and_then(|click| nearest(view, click)) {
            looking.jump(at);
        }
    });
}

/// The snapshot nearest to a click on the map, distances measured in the map's own extent.
fn nearest(view: &View, [x, y]: [f64; 2]) -> Option<[usize; 2]> {
    let projection = view.stages.projection.as_deref()?;
    let all = || {
        projection.coordinates.iter().enumerate().flat_map(move |(chain, points)| {
            (0..points.len() / projection.dimensions)
                .filter_map(move |snapshot| Some(([chain, snapshot], figures::place(projection, chain, snapshot)?)))
        })
    };
    let extent = |axis: usize| {
        let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, point)| {
            (low.min(point[axis]), high.max(point[axis]))
        });
        (high - low).max(1e-9)
    };
    let (wide, high) = (extent(0), extent(1));
    let distance = |point: &[f64; 2]| ((point[0] - x) / wide).hypot((point[1] - y) / high);
    let (at, point) = all().min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)))?;
    (distance(&point) < NEAR).then_some(at)
}
