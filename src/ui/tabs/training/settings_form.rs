//! Cards of the form: how the model learns, what it is asked, and the advanced part.

use std::sync::Arc;

use eframe::egui::{self, CollapsingHeader, DragValue, ScrollArea, TextEdit, Ui};

use super::draft::Draft;
use super::form::{whole, wrong};
use super::typed;
use crate::jobs::spec::RunSpec;
use crate::jobs::train::TrainSpec;
use crate::models::llama::{ADAPTABLE, Arithmetic, TemplateChoice};
use crate::ui::command::{Command, TrainingPath};
use crate::ui::widgets::{disabled_button, what_is};
use crate::ui::{help, theme};

/// A number that is kept as it was typed; what is wrong with it stands below it.
pub fn number_text<T>(ui: &mut Ui, name: &str, text: &mut String, read: impl Fn(&str) -> Result<T, String>, why: &str) {
    ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(why);
        ui.add(TextEdit::singleline(text).id_salt(("training number", name)).desired_width(72.0))
            .labelled_by(label.id)
            .on_hover_text(why);
    });
    if let Err(problem) = read(text) {
        wrong(ui, &format!("{name}: {problem}"));
    }
}

/// Objective, tensors and rate.
pub fn learning(ui: &mut Ui, draft: &mut Draft) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.selectable_value(&mut draft.ipo, false, "DPO").on_hover_text("The sigmoid loss.");
        ui.selectable_value(&mut draft.ipo, true, "IPO").on_hover_text("A squared loss: the margin has a target.");
        what_is(ui, help::DPO.name, help::DPO.text);
    });
    number_text(
        ui,
        "Beta",
        &mut draft.beta,
        typed::positive,
        "How strongly the model is held to the reference; 0.1 in the paper.",
    );
    if !draft.ipo {
        let why = "Probability that a preference was recorded the wrong way round.";
        number_text(ui, "Label smoothing", &mut draft.smoothing, typed::smoothing, why);
    }
    ui.checkbox(&mut draft.reference_free, "Without a reference")
        .on_hover_text("As if the reference gave every answer the same probability.");
    ui.separator();
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.selectable_value(&mut draft.everything, false, "Adapter")
            .on_hover_text("A low-rank adapter beside the chosen matrices (LoRA).");
        ui.selectable_value(&mut draft.everything, true, "Everything")
            .on_hover_text("All tensors, as in the paper; for small models, at a tenth of an adapter's learning rate.");
    });
    if !draft.everything {
        whole(ui, "Rank", DragValue::new(&mut draft.rank).range(1..=1024).speed(0.1), "Rank of the update.");
        number_text(ui, "Alpha", &mut draft.alpha, typed::positive, "The update is scaled by alpha over the rank.");
        ui.label("Matrices");
        ui.horizontal_wrapped(|ui| {
            for name in ADAPTABLE {
                let mut chosen = draft.targets.contains(name);
                if ui.checkbox(&mut chosen, name).changed() {
                    if chosen {
                        draft.targets.insert(name.to_owned());
                    } else {
                        draft.targets.remove(name);
                    }
                }
            }
        });
        if draft.targets.is_empty() {
            wrong(ui, "An adapter needs a matrix to stand beside.");
        }
    }
    number_text(
        ui,
        "Learning rate",
        &mut draft.rate,
        typed::positive,
        "The highest; the shipped model bears 1e-3, models of a billion parameters 5e-5 with an adapter and 5e-6 without.",
    );
    number_text(
        ui,
        "Warm-up (%)",
        &mut draft.warmup,
        typed::share,
        "Share of the steps in which the rate rises from 0.",
    );
    ui.checkbox(&mut draft.constant, "Constant after the warm-up")
        .on_hover_text("Otherwise the rate falls in a line to 0.");
}

/// Sample questions and the output folder.
pub fn questions(ui: &mut Ui, draft: &mut Draft, spec: Option<&Arc<TrainSpec>>) {
    let label = ui.label("Sample questions, one a line");
    ScrollArea::vertical().id_salt("training questions scroll").max_height(96.0).show(ui, |ui| {
        ui.add(
            TextEdit::multiline(&mut draft.questions)
                .id_salt("training questions")
                .hint_text("answered at every evaluation")
                .desired_rows(2)
                .desired_width(ui.available_width()),
        )
        .labelled_by(label.id);
    });
    let label = ui.label("Output folder");
    let hint = spec.map_or_else(|| "training/full-0".to_owned(), |spec| spec.out.display().to_string());
    ui.add(
        TextEdit::singleline(&mut draft.out)
            .id_salt("training out")
            .hint_text(hint)
            .desired_width(ui.available_width()),
    )
    .labelled_by(label.id)
    .on_hover_text(
        "Receives the adapter or model, the checkpoint and the reports. Empty: named after scheme and seed.",
    );
}

/// Memory, templates, the command line, and jobs that are carried out elsewhere.
pub fn advanced(ui: &mut Ui, draft: &mut Draft, spec: &Result<RunSpec, String>, commands: &mut Vec<Command>) {
    CollapsingHeader::new("Advanced: memory and text").id_salt("training advanced").show(ui, |ui| {
        whole(
            ui,
            "Longest pair (tokens)",
            DragValue::new(&mut draft.longest).range(8..=1_000_000).speed(1.0),
            "Prompt with its longer answer; what is longer is cut.",
        );
        whole(
            ui,
            "Pairs computed at once",
            DragValue::new(&mut draft.together).range(1..=256).speed(0.1),
            "More is faster and takes more memory; results differ by rounding only.",
        );
        whole(
            ui,
            "Steps between checkpoints",
            DragValue::new(&mut draft.checkpoint_every).range(1..=1_000_000).speed(0.2),
            "A run that is stopped goes on from the last one.",
        );
        ui.checkbox(&mut draft.checkpointing, "Activation checkpointing")
            .on_hover_text("Less memory, half as much time again.");
        ui.checkbox(&mut draft.rank_stabilised, "Scale by the root of the rank");
        ui.checkbox(&mut draft.merge, "Write the merged model too");
        choice(
            ui,
            "Template",
            &mut draft.template,
            &[
                (TemplateChoice::Auto, "the tokenizer's where it has one"),
                (TemplateChoice::Plain, "plain: User:, Assistant:"),
                (TemplateChoice::Tokenizer, "the tokenizer's"),
            ],
        );
        choice(
            ui,
            "Arithmetic",
            &mut draft.arithmetic,
            &[
                (Arithmetic::Auto, "as the device likes it"),
                (Arithmetic::F32, "single precision"),
                (Arithmetic::F64, "double precision, on the processor"),
            ],
        );
    });
    CollapsingHeader::new("Elsewhere: TRL and the command line").id_salt("training elsewhere").show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            let what = "Writes this training as a job for TRL and Accelerate, to be carried out on a larger machine.";
            match spec {
                Ok(_) => {
                    if ui.button("Export as TRL job…").on_hover_text(what).clicked() {
                        commands.push(Command::ChooseForTraining(TrainingPath::TrlExport));
                    }
                }
                Err(why) => {
                    disabled_button(ui, "Export as TRL job…", why);
                }
            }
            let what = "Takes the log and the adapter of such a job into the project, as a run.";
            if ui.button("Import TRL job…").on_hover_text(what).clicked() {
                commands.push(Command::ChooseForTraining(TrainingPath::TrlJob));
            }
        });
        match spec {
            Ok(run) => {
                let line = run.command_line();
                ui.label(theme::caption("The same training without a window, from the project's folder:").weak());
                ui.label(theme::mono(line.as_str()));
                ui.horizontal_wrapped(|ui| {
                    if ui.button("Copy command line").clicked() {
                        commands.push(Command::CopyText(line));
                    }
                    if let RunSpec::Train(spec) = run
                        && ui.button("Save training.json…").clicked()
                    {
                        let text = serde_json::to_string_pretty(spec).unwrap_or_default();
                        commands.push(Command::ExportText { name: "training.json".to_owned(), text });
                    }
                });
            }
            Err(why) => {
                ui.label(theme::caption(format!("The command line appears once the form is complete. {why}")).weak());
            }
        }
    });
}

fn choice<T: Copy + PartialEq>(ui: &mut Ui, name: &str, value: &mut T, all: &[(T, &str)]) {
    let label = ui.label(name);
    let shown = all.iter().find(|(choice, _)| choice == value).map_or("", |(_, text)| text);
    egui::ComboBox::from_id_salt(("training choice", name))
        .width(ui.available_width())
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (choice, text) in all {
                ui.selectable_value(value, *choice, *text);
            }
        })
        .response
        .labelled_by(label.id);
}
