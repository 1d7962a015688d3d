//! `kleroterion train-mlm`: a small masked language model of the user's own text.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::models::TrainMlmSpec;

/// Train a masked language model and its tokenizer from plain text. Run again with the same flags to resume.
#[derive(Args)]
pub(crate) struct TrainMlm {
    /// Plain UTF-8 text, one paragraph per line.
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Folder for the model, its checkpoints and its loss curve.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Entries of the WordPiece vocabulary.
    #[arg(long, default_value_t = TrainMlmSpec::default().vocabulary)]
    vocabulary: u32,
    /// Width of the encoder.
    #[arg(long, default_value_t = TrainMlmSpec::default().hidden)]
    hidden: u32,
    #[arg(long, default_value_t = TrainMlmSpec::default().layers)]
    layers: u32,
    #[arg(long, default_value_t = TrainMlmSpec::default().heads)]
    heads: u32,
    /// Width of the feed-forward part.
    #[arg(long, default_value_t = TrainMlmSpec::default().intermediate)]
    intermediate: u32,
    /// Longest piece of text in tokens.
    #[arg(long, default_value_t = TrainMlmSpec::default().length)]
    length: u32,
    /// Pieces per step.
    #[arg(long, default_value_t = TrainMlmSpec::default().batch)]
    batch: u32,
    #[arg(long, default_value_t = TrainMlmSpec::default().steps)]
    steps: u64,
    #[arg(long, default_value_t = TrainMlmSpec::default().learning_rate)]
    learning_rate: f64,
    /// Steps of linear warm-up (default: 100, or a tenth of a shorter training).
    #[arg(long)]
    warmup_steps: Option<u64>,
    #[arg(long, default_value_t = TrainMlmSpec::default().weight_decay)]
    weight_decay: f64,
    /// Share of tokens masked.
    #[arg(long, default_value_t = TrainMlmSpec::default().masked)]
    masked: f64,
    /// Share of paragraphs held out for validation.
    #[arg(long, default_value_t = TrainMlmSpec::default().validation)]
    validation: f64,
    /// Steps between validations.
    #[arg(long, default_value_t = TrainMlmSpec::default().validate_every)]
    validate_every: u64,
    /// Steps between checkpoints.
    #[arg(long, default_value_t = TrainMlmSpec::default().checkpoint_every)]
    checkpoint_every: u64,
    #[command(flatten)]
    common: Common,
}

impl TrainMlm {
    pub(crate) fn run(self) -> Outcome {
        // A stored run must name the same files from any working directory.
        let absolute = |path: PathBuf| std::path::absolute(&path).map_err(Failure::input);
        let spec = TrainMlmSpec {
            version: 1,
            text: absolute(self.text)?,
            out: absolute(self.out)?,
            vocabulary: self.vocabulary,
            hidden: self.hidden,
            layers: self.layers,
            heads: self.heads,
            intermediate: self.intermediate,
            length: self.length,
            batch: self.batch,
            steps: self.steps,
            learning_rate: self.learning_rate,
            warmup_steps: self.warmup_steps.unwrap_or(TrainMlmSpec::default().warmup_steps.min(self.steps / 10)),
            weight_decay: self.weight_decay,
            masked: self.masked,
            validation: self.validation,
            validate_every: self.validate_every,
            checkpoint_every: self.checkpoint_every,
            seed: self.common.seed,
        };
        let RunOutcome::TrainMlm(report) = carry_out(&self.common, &RunSpec::TrainMlm(spec.clone()))? else {
            return Err(Failure::Internal("a training run returned another kind of result".into()));
        };
        if let Some(last) = report.validation.last() {
            eprintln!(
                "seed {}; {} parameters; validation cross-entropy {:.4} nats per masked token, accuracy {:.3}; {}",
                spec.seed,
                report.parameters,
                last.cross_entropy,
                last.accuracy,
                spec.out.display()
            );
        }
        let report = json!({
            "spec": spec, "seed": spec.seed, "validation": report.validation, "parameters": report.parameters,
            "seconds": report.seconds, "final_loss": report.final_loss,
        });
        output::write_json(self.common.json.as_deref(), &report)
    }
}
