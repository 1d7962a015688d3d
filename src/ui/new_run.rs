//! Forms of runs that have no tab of their own: training a model, downloading one.

use std::path::{Path, PathBuf};

use eframe::egui::{self, DragValue, RichText, ScrollArea, TextEdit};

use super::command::Command;
use super::dialogs::{bottom_row, modal_frame};
use super::name_cell::name_cell;
use super::theme;
use super::widgets::primary_button;
use crate::jobs::spec::{FetchSpec, RunSpec};
use crate::models::TrainMlmSpec;

/// An open form.
#[derive(Clone, Debug, PartialEq)]
pub enum NewRunForm {
    Train { spec: Box<TrainMlmSpec>, text: String, out: String },
    Fetch { model: String },
}

impl NewRunForm {
    /// The default sizes, into a folder of the project.
    pub fn train() -> Self {
        Self::from_train(&TrainMlmSpec { out: PathBuf::from("models/mine"), ..TrainMlmSpec::default() })
    }
    pub fn from_train(spec: &TrainMlmSpec) -> Self {
        let (text, out) = (spec.text.display().to_string(), spec.out.display().to_string());
        Self::Train { spec: Box::new(spec.clone()), text, out }
    }
    pub fn fetch() -> Self {
        Self::Fetch { model: String::new() }
    }
    pub fn from_fetch(spec: &FetchSpec) -> Self {
        Self::Fetch { model: spec.model.clone() }
    }

    /// What would run, or what is still wrong.
    pub fn spec(&self) -> Result<RunSpec, String> {
        match self {
            Self::Train { spec, text, out } => {
                let mut spec = spec.clone();
                spec.text = PathBuf::from(text.trim());
                spec.out = PathBuf::from(out.trim());
                check(&spec)?;
                Ok(RunSpec::TrainMlm(*spec))
            }
            Self::Fetch { model } => {
                let model = model.trim();
                let repository = model.split('@').next().unwrap_or_default();
                if repository.split('/').filter(|part| !part.is_empty()).count() != 2 || model.contains(' ') {
                    return Err("Give owner/name, such as google/bert_uncased_L-2_H-128_A-2".to_owned());
                }
                Ok(RunSpec::Fetch(FetchSpec { version: 1, model: model.to_owned() }))
            }
        }
    }

    /// Draws the form over the window; true when it should go away.
    pub fn show(&mut self, ctx: &egui::Context, project: &Path, commands: &mut Vec<Command>) -> bool {
        let response = egui::Modal::new(egui::Id::unique("new run")).frame(modal_frame(ctx)).show(ctx, |ui| {
            ui.set_width(520.0);
            match self {
                Self::Train { spec, text, out } => train_form(ui, spec, text, out, project),
                Self::Fetch { model } => fetch_form(ui, model),
            }
            self.finish(ui, commands)
        });
        response.inner || response.should_close()
    }

    fn finish(&self, ui: &mut egui::Ui, commands: &mut Vec<Command>) -> bool {
        let palette = theme::palette(ui);
        ui.add_space(theme::STEP);
        let spec = self.spec();
        match &spec {
            Ok(spec) => {
                ui.label(theme::caption("The same from the command line").color(palette.weak_text));
                ui.add(egui::Label::new(theme::mono(spec.command_line())).wrap());
            }
            Err(why) => {
                ui.label(RichText::new(why).color(palette.warning));
            }
        }
        ui.add_space(theme::STEP);
        bottom_row(ui, |ui| {
            let start = ui.add_enabled_ui(spec.is_ok(), |ui| primary_button(ui, "Start")).inner;
            let start = match &spec {
                Err(why) => start.on_disabled_hover_text(why),
                Ok(_) => start,
            };
            let cancelled = ui.button("Cancel").clicked();
            match spec {
                Ok(spec) if start.clicked() => {
                    commands.push(Command::StartRun(Box::new(spec)));
                    true
                }
                _ => cancelled,
            }
        })
    }
}

fn check(spec: &TrainMlmSpec) -> Result<(), String> {
    let problem = if spec.text.as_os_str().is_empty() {
        "Name the text file to train on: one paragraph on each line"
    } else if spec.out.as_os_str().is_empty() {
        "Name the folder that receives the model"
    } else if spec.heads == 0 || !spec.hidden.is_multiple_of(spec.heads) {
        "The width must be a multiple of the number of heads"
    } else if spec.layers == 0 || spec.hidden == 0 || spec.intermediate == 0 || spec.steps == 0 || spec.batch == 0 {
        "Sizes must be at least 1"
    } else if spec.length < 8 {
        "Pieces must be at least 8 tokens long"
    } else if spec.warmup_steps >= spec.steps {
        "The warm-up must be shorter than the training"
    } else {
        return Ok(());
    };
    Err(problem.to_owned())
}

fn heading(ui: &mut egui::Ui, title: &str, text: &str) {
    ui.heading(title);
    ui.label(RichText::new(text).color(theme::palette(ui).weak_text));
    ui.add_space(theme::STEP);
}

fn fetch_form(ui: &mut egui::Ui, model: &mut String) {
    heading(ui, "Download a model", "The model is kept in the usual Hugging Face cache and works offline afterwards.");
    let label = ui.label("Name on the hub");
    let field =
        TextEdit::singleline(model).hint_text("owner/name, or owner/name@revision").desired_width(f32::INFINITY);
    ui.add(field).labelled_by(label.id);
}

fn train_form(ui: &mut egui::Ui, spec: &mut TrainMlmSpec, text: &mut String, out: &mut String, project: &Path) {
    heading(
        ui,
        "Train a model",
        "Trains a masked language model (BERT layout) and its WordPiece tokenizer on your text. It can be paused and resumed.",
    );
    let inside = format!("A path without a leading / is inside {}", project.display());
    let label = ui.label("Text, one paragraph per line");
    let field = TextEdit::singleline(text).hint_text("corpus.txt").desired_width(f32::INFINITY);
    ui.add(field).labelled_by(label.id).on_hover_text(&inside);
    let label = ui.label("Folder for the model");
    ui.add(TextEdit::singleline(out).desired_width(f32::INFINITY)).labelled_by(label.id).on_hover_text(&inside);
    ui.add_space(theme::STEP);
    ScrollArea::vertical().id_salt("sizes").max_height(320.0).show(ui, |ui| {
        ui.columns_const(|[left, right]| {
            left.label(theme::strong("Model"));
            number(
                left,
                "Vocabulary",
                "Tokens of the tokenizer",
                DragValue::new(&mut spec.vocabulary).range(300..=60_000).speed(50),
            );
            number(left, "Layers", "Transformer blocks", DragValue::new(&mut spec.layers).range(1..=24).speed(0.05));
            number(
                left,
                "Width",
                "Size of each token's vector",
                DragValue::new(&mut spec.hidden).range(16..=1024).speed(1),
            );
            number(
                left,
                "Heads",
                "Attention heads; they divide the width",
                DragValue::new(&mut spec.heads).range(1..=16).speed(0.05),
            );
            number(
                left,
                "Inner width",
                "Of the feed-forward part, usually 4 times the width",
                DragValue::new(&mut spec.intermediate).range(16..=4096).speed(4),
            );
            number(
                left,
                "Piece length",
                "Tokens of a training piece",
                DragValue::new(&mut spec.length).range(8..=512).speed(1),
            );
            right.label(theme::strong("Training"));
            number(right, "Steps", "Optimiser steps", DragValue::new(&mut spec.steps).range(1..=10_000_000).speed(100));
            number(right, "Batch", "Pieces in a step", DragValue::new(&mut spec.batch).range(1..=1024).speed(1));
            number(
                right,
                "Learning rate",
                "Largest, after the warm-up",
                DragValue::new(&mut spec.learning_rate).range(1e-6..=1.0).speed(1e-5).max_decimals(6),
            );
            number(
                right,
                "Warm-up steps",
                "Steps until the learning rate is reached",
                DragValue::new(&mut spec.warmup_steps).range(0..=100_000).speed(10),
            );
            number(
                right,
                "Validate every",
                "Steps between validations",
                DragValue::new(&mut spec.validate_every).range(1..=100_000).speed(10),
            );
            number(right, "Seed", "Same seed, same model", DragValue::new(&mut spec.seed));
        });
    });
    spec.checkpoint_every = spec.validate_every;
}

fn number(ui: &mut egui::Ui, name: &str, tooltip: &str, value: DragValue<'_>) {
    ui.horizontal(|ui| {
        let label = name_cell(ui, 112.0, RichText::new(name));
        ui.add_sized([96.0, 24.0], value).labelled_by(label.id).on_hover_text(tooltip);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_form_says_what_is_wrong_before_it_runs() {
        let mut form = NewRunForm::train();
        assert!(form.spec().unwrap_err().contains("text file"));
        let NewRunForm::Train { spec, text, .. } = &mut form else { panic!() };
        *text = " corpus.txt ".into();
        spec.heads = 3;
        assert!(form.spec().unwrap_err().contains("multiple of the number of heads"));
        let NewRunForm::Train { spec, .. } = &mut form else { panic!() };
        spec.heads = 4;
        let Ok(RunSpec::TrainMlm(spec)) = form.spec() else { panic!() };
        assert_eq!(spec.text, PathBuf::from("corpus.txt"));
        assert_eq!(NewRunForm::from_train(&spec).spec(), Ok(RunSpec::TrainMlm(spec)));
    }

    #[test]
    fn a_download_needs_owner_and_name() {
        for bad in ["", "bert", "a/b/c", "a b/c"] {
            assert!(NewRunForm::Fetch { model: bad.into() }.spec().is_err(), "{bad}");
        }
        for good in ["owner/name", " owner/name@main "] {
            assert!(NewRunForm::Fetch { model: good.into() }.spec().is_ok(), "{good}");
        }
    }
}
