//! The form's advanced part: how the snapshots are read, and the command line of the run.

use eframe::egui::{self, CollapsingHeader, DragValue, Ui};

use super::super::shared::model_picker::shortened;
use super::draft::Draft;
use super::form::number_field;
use super::words;
use crate::glauber::trajectories::{BasinKind, Microstates};
use crate::jobs::spec::RunSpec;
use crate::ui::command::Command;
use crate::ui::theme;

/// Draws both parts, folded at first.
pub fn show(ui: &mut Ui, draft: &mut Draft, spec: &Result<RunSpec, String>, commands: &mut Vec<Command>) {
    CollapsingHeader::new("Advanced: how snapshots are read")
        .id_salt("trajectories analysis")
        .show(ui, |ui| analysis(ui, draft));
    CollapsingHeader::new("Command line").id_salt("trajectories command line").show(ui, |ui| match spec {
        Ok(run) => {
            let line = run.command_line();
            ui.label(theme::caption("The same run without a window:").weak());
            ui.label(theme::mono(shortened(&line, 400)));
            let json = |name: &str, text: serde_json::Result<String>| Command::ExportText {
                name: name.to_owned(),
                text: text.unwrap_or_default(),
            };
            ui.horizontal_wrapped(|ui| {
                if ui.button("Copy command line").clicked() {
                    commands.push(Command::CopyText(line.clone()));
                }
                let RunSpec::Trajectories(spec) = run else { return };
                if line.contains(" --analysis ") && ui.button("Save analysis.json…").clicked() {
                    commands.push(json("analysis.json", serde_json::to_string_pretty(&spec.analysis)));
                }
                if line.contains(" --probe ") && ui.button("Save probe.json…").clicked() {
                    commands.push(json("probe.json", serde_json::to_string_pretty(&spec.political)));
                }
            });
        }
        Err(why) => {
            ui.label(theme::caption(format!("The command line appears once the form is complete. {why}")).weak());
        }
    });
}

fn analysis(ui: &mut Ui, draft: &mut Draft) {
    let spec = &mut draft.analysis;
    number_field(
        ui,
        "Principal components",
        DragValue::new(&mut spec.components).range(1..=100).speed(0.05),
        "Coordinates kept of the snapshots' embeddings; clusters and microstates live in them.",
    );
    ui.checkbox(&mut spec.centre, "Take off the mean embedding first")
        .on_hover_text("Embeddings of one model share a large common direction; without it they all look alike.");
    automatic(ui, "Clusters", &mut spec.clusters.clusters, 2, "As many as have the largest silhouette.");
    if spec.clusters.clusters.is_none() {
        number_field(
            ui,
            "Most clusters tried",
            DragValue::new(&mut spec.clusters.most).range(2..=40).speed(0.05),
            "Silhouettes are compared from 2 to this number.",
        );
    }
    ui.separator();
    ui.label(theme::strong("Markov state model"));
    let mut cells = match spec.metastable.microstates {
        Microstates::Cells(cells) | Microstates::Attractors(cells) => cells,
    };
    let mut attractors = matches!(spec.metastable.microstates, Microstates::Attractors(_));
    ui.checkbox(&mut attractors, "Attractors as microstates")
        .on_hover_text("Otherwise k-means cells of the principal components.");
    number_field(
        ui,
        "Microstates",
        DragValue::new(&mut cells).range(2..=400).speed(0.2),
        "Between these the model counts transitions.",
    );
    spec.metastable.microstates = if attractors { Microstates::Attractors(cells) } else { Microstates::Cells(cells) };
    number_field(
        ui,
        "Lag (snapshots)",
        DragValue::new(&mut spec.metastable.lag).range(1..=10_000).speed(0.05),
        "Time between the two ends of a counted transition.",
    );
    lags(ui, &mut spec.metastable.lags);
    automatic(ui, "Metastable sets", &mut spec.metastable.sets, 2, "By the largest gap between timescales.");
    ui.separator();
    ui.label(theme::strong("Stays and returns"));
    let label = ui.label("Basins that are timed");
    egui::ComboBox::from_id_salt("trajectories timed basins")
        .width(ui.available_width())
        .selected_text(words::kind_name(spec.cores.basins))
        .show_ui(ui, |ui| {
            for kind in [BasinKind::Clusters, BasinKind::Attractors, BasinKind::Metastable] {
                ui.selectable_value(&mut spec.cores.basins, kind, words::kind_name(kind));
            }
        })
        .response
        .labelled_by(label.id);
    match spec.cores.basins {
        BasinKind::Attractors => {
            let mut limited = spec.cores.attractor_radius.is_some();
            if ui.checkbox(&mut limited, "Core: near the attractor only").changed() {
                spec.cores.attractor_radius = limited.then_some(2);
            }
            if let Some(radius) = &mut spec.cores.attractor_radius {
                number_field(
                    ui,
                    "Tokens that may differ",
                    DragValue::new(radius).range(0..=512),
                    "Radius of the core.",
                );
            }
        }
        BasinKind::Clusters => number_field(
            ui,
            "Core: share of the members",
            DragValue::new(&mut spec.cores.cluster_share).range(0.05..=1.0).speed(0.01),
            "Nearest to the centre first. A stay ends in another core, not at the border.",
        ),
        BasinKind::Metastable => number_field(
            ui,
            "Core: least membership",
            DragValue::new(&mut spec.cores.least_membership).range(0.0..=1.0).speed(0.01),
            "Of a microstate in its set. A stay ends in another core, not at the border.",
        ),
    }
    number_field(
        ui,
        "Recurrent: share of chains",
        DragValue::new(&mut spec.recurrent.share_of_chains).range(0.0..=1.0).speed(0.01),
        "A recurrent basin is visited by at least this share of the chains,",
    );
    number_field(
        ui,
        "Recurrent: re-entries",
        DragValue::new(&mut spec.recurrent.reentries).range(1..=100).speed(0.05),
        "and re-entered this often by one chain after a long enough absence.",
    );
    number_field(
        ui,
        "Absence (autocorrelation times)",
        DragValue::new(&mut spec.recurrent.absence_iat).range(0.0..=100.0).speed(0.05),
        "Shorter absences do not count as a return.",
    );
    ui.separator();
    ui.label(theme::strong("Recurrence plots"));
    number_field(
        ui,
        "Near: quantile of distances",
        DragValue::new(&mut spec.recurrence.quantile).range(0.001..=0.9).speed(0.005),
        "Two snapshots recur when they are among this share of nearest pairs.",
    );
    ui.separator();
    number_field(
        ui,
        "Resamples",
        DragValue::new(&mut spec.resamples).range(50..=5_000).speed(5),
        "Of whole chains, for each bootstrap interval.",
    );
    ui.checkbox(&mut spec.pseudo_log_likelihood, "Pseudo-log-likelihoods")
        .on_hover_text(
            "Their course over time, R-hat and effective size. Costs one forward row for each token of each different state.",
        );
    if draft.political && !draft.is_toy() {
        ui.separator();
        ui.label(theme::strong("Political probe"));
        number_field(
            ui,
            "Words of the list",
            DragValue::new(&mut draft.hits).range(1..=20).speed(0.05),
            "From this many words of the list on, a sentence counts for the lexicon.",
        );
        number_field(
            ui,
            "Probability",
            DragValue::new(&mut draft.probability).range(0.01..=0.99).speed(0.01),
            "From this probability on, a sentence counts for the classifier.",
        );
    }
}

/// A number that the program may choose.
fn automatic(ui: &mut Ui, name: &str, value: &mut Option<usize>, first: usize, why: &str) {
    let mut chosen = value.is_none();
    if ui.checkbox(&mut chosen, format!("{name}: number by itself")).on_hover_text(why).changed() {
        *value = (!chosen).then_some(first);
    }
    if let Some(number) = value {
        number_field(ui, name, DragValue::new(number).range(1..=100).speed(0.05), "As many as this.");
    }
}

/// Lags as text: kept in the interface until the field is left.
fn lags(ui: &mut Ui, lags: &mut Vec<usize>) {
    let id = ui.make_persistent_id("trajectories lags");
    let written = lags.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    let mut text: String = ui.data(|data| data.get_temp(id)).unwrap_or_else(|| written.clone());
    let label = ui.label("Lags shown (snapshots)");
    let field = ui
        .add(
            egui::TextEdit::singleline(&mut text)
                .id_salt("trajectories lags field")
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id)
        .on_hover_text("A Markov model needs timescales that do not change from some lag on.");
    if field.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, text));
    } else if field.lost_focus() {
        let mut read: Vec<usize> =
            text.split([' ', ',']).filter_map(|lag| lag.trim().parse().ok()).filter(|&lag| lag > 0).collect();
        read.sort_unstable();
        read.dedup();
        if !read.is_empty() {
            *lags = read;
        }
        ui.data_mut(|data| data.remove::<String>(id));
    }
}
