//! Basins: a table of each notion; a click lists the members, a click on a member opens the reader.

use eframe::egui::Ui;

use super::basin_view::{BasinSet, MEMBERS_LISTED};
use super::outcome::{Looking, Part, not_yet};
use super::reader::kinds;
use super::view::View;
use super::words;
use crate::figures::number;
use crate::glauber::trajectories::BasinKind;
use crate::ui::command::{Command, Table};
use crate::ui::widgets::{card, data_table, stats};
use crate::ui::{help, theme};

/// The members of the basin in view.
pub struct Members {
    of: (u64, BasinKind, usize),
    snapshots: Vec<[usize; 2]>,
    table: Table,
}

/// Draws the part.
pub fn show(ui: &mut Ui, view: &View, looking: &mut Looking, running: bool, commands: &mut Vec<Command>) {
    let Some(kind) = looking.kind(view) else {
        not_yet(ui, running, "Basins");
        return;
    };
    let Some(set) = view.basins_of(kind) else { return };
    card(ui, "Basins", |ui| {
        kinds(ui, view, looking);
        let mut all = vec![(words::kind_name(kind), number::count(set.basins.len() as u64), explained(kind))];
        about(&mut all, view, kind);
        stats(ui, &all);
        ui.label(theme::caption(words::kind_sentence(kind)).weak());
        if let Some(dependence) = view.start_dependence() {
            ui.label(theme::caption(words::dependence(dependence)).weak());
        }
        if set.basins.len() > set.order.len() {
            let (listed, all) = (number::count(set.order.len() as u64), number::count(set.basins.len() as u64));
            ui.label(theme::caption(format!("The {listed} with the most snapshots of {all}.")).weak());
        }
        let selected = looking.basin.and_then(|basin| set.order.iter().position(|&own| own == basin));
        let id = format!("trajectories basins {}", words::kind_name(kind));
        if let Some(row) = data_table(ui, &id, &set.table, selected, commands).clicked {
            let basin = set.order.get(row).copied();
            looking.basin = if looking.basin == basin { None } else { basin };
            looking.kind = Some(kind);
        }
        if looking.basin.is_none() {
            ui.label(theme::caption("Click a basin to list its members.").weak());
        }
    });
    if let Some(basin) = looking.basin.filter(|&basin| basin < set.basins.len()) {
        members(ui, view, set, basin, looking, commands);
    }
}

/// What a notion of basin is, at length.
pub fn explained(kind: BasinKind) -> &'static str {
    match kind {
        BasinKind::Attractors => help::ATTRACTORS.text,
        BasinKind::Clusters => help::CLUSTERS.text,
        BasinKind::Metastable => help::METASTABLE_SETS.text,
    }
}

/// Numbers that only one notion has.
fn about(all: &mut Vec<(&str, String, &str)>, view: &View, kind: BasinKind) {
    let text = explained(kind);
    match kind {
        BasinKind::Attractors => {
            if let Some(found) = &view.stages.attractors {
                let cycles = found.basins.iter().filter(|basin| basin.cycle.len() > 1).count();
                all.push(("Of them cycles", number::count(cycles as u64), text));
                all.push(("Unresolved snapshots", number::count(found.unresolved as u64), text));
            }
        }
        BasinKind::Clusters => {
            if let Some(found) = &view.stages.clusters {
                let chosen = found.curve.iter().find(|at| at.clusters == found.basins.len());
                let value = chosen.and_then(|at| at.silhouette).map_or("none".to_owned(), |s| number::fixed(s, 3));
                all.push(("Mean silhouette", value, text));
            }
        }
        BasinKind::Metastable => {
            if let Some(relaxation) = view.stages.metastable.as_ref().and_then(|found| found.relaxation.as_ref()) {
                all.push(("Least membership", number::fixed(relaxation.least_membership, 2), text));
            }
        }
    }
}

fn members(ui: &mut Ui, view: &View, set: &BasinSet, basin: usize, looking: &mut Looking, commands: &mut Vec<Command>) {
    let of = (view.serial, set.kind, basin);
    if looking.members.as_ref().is_none_or(|members| members.of != of) {
        let snapshots = set.members(basin);
        let rows = snapshots
            .iter()
            .map(|&[chain, snapshot]| {
                let sentence = view.sentence([chain, snapshot]).unwrap_or("not available".to_owned());
                vec![sentence, (chain + 1).to_string(), view.sweep(snapshot).to_string()]
            })
            .collect();
        let name = format!("members of {}", words::basin_name(set.kind, basin));
        let header = ["sentence", "chain", "sweep"].map(str::to_owned).to_vec();
        looking.members = Some(Members { of, snapshots, table: Table { name, header, rows } });
    }
    let mut chosen = None;
    if let Some(members) = &looking.members {
        let title = words::basin_name(set.kind, basin);
        card(ui, &crate::ui::format::sentence(&title), |ui| {
            let own = &set.basins[basin];
            let what = if set.kind == BasinKind::Attractors { "Attractor" } else { "In the middle" };
            ui.label(format!("{what}: {}", own.text));
            if own.members > members.snapshots.len() {
                ui.label(
                    theme::caption(format!(
                        "{} of {} members, spread evenly (at most {MEMBERS_LISTED}).",
                        members.snapshots.len(),
                        number::count(own.members as u64)
                    ))
                    .weak(),
                );
            }
            ui.label(theme::caption("Click a member to read it; Esc closes this list.").weak());
            let row = data_table(ui, "trajectories members", &members.table, None, commands).clicked;
            chosen = row.and_then(|row| members.snapshots.get(row).copied());
        });
    }
    if let Some(at) = chosen {
        looking.jump(at);
        looking.part = Part::Reader;
    }
}
