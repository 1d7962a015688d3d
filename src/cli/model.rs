//! `kleroterion model`: what models there are, what one is, whether ours computes what the reference does.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use super::run::carry_out;
use super::terminal::TerminalProgress;
use crate::glauber::toys::TOYS;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::{FetchSpec, RunSpec};
use crate::models::{CheckedType, FastType, Library, check as compare};

#[derive(Subcommand)]
pub(crate) enum Model {
    /// Compare a folder's logits with a reference file.
    Check(Check),
    /// List the shipped models and the toys.
    List,
    /// Say what a model is: architecture, sizes, hashes.
    Show(Show),
    /// Number the tokens of a sentence, as --positions counts them.
    Tokens(Tokens),
    /// Download a hub model into the cache; an interrupted download goes on where it stopped.
    Fetch(Fetch),
}

impl Model {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Check(command) => command.run(),
            Self::List => {
                for (name, description) in Library::shipped() {
                    println!("{name}\t{description}");
                }
                eprintln!("Toys with known answers, with their settings at the defaults:");
                for toy in TOYS.lines() {
                    println!("{}", toy.replacen(' ', "\t", 1));
                }
                Ok(())
            }
            Self::Show(command) => command.run(),
            Self::Tokens(command) => command.run(),
            Self::Fetch(command) => command.run(),
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F32,
    F64,
    /// Half precision, as an accelerator may run it.
    Bf16,
    F16,
}

/// Compare a folder's logits with a reference file.
#[derive(Args)]
pub(crate) struct Check {
    /// Folder in the Hugging Face layout.
    dir: PathBuf,
    /// JSON with input_ids, attention_mask and the reference logits.
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    #[arg(long, value_enum, default_value = "f64")]
    dtype: Dtype,
    /// Largest accepted difference (default: 1e-9 in f64, 1e-4 in f32, 1e-1 in bf16, 2e-2 in f16).
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Check {
    fn run(self) -> Outcome {
        let (checked, usual) = match self.dtype {
            Dtype::F32 => (CheckedType::F32, 1e-4),
            Dtype::F64 => (CheckedType::F64, 1e-9),
            Dtype::Bf16 => (CheckedType::Half(FastType::Bf16), 1e-1),
            Dtype::F16 => (CheckedType::Half(FastType::F16), 2e-2),
        };
        let tolerance = self.tolerance.unwrap_or(usual);
        let report = compare(&self.dir, &self.reference, checked, tolerance).map_err(Failure::input)?;
        eprintln!(
            "{}: {} rows, largest difference {:.3e}, tolerance {:.0e}: {}",
            report.architecture,
            report.rows,
            report.max_abs_diff,
            report.tolerance,
            if report.ok { "ok" } else { "differs" }
        );
        output::write_json(self.json.as_deref(), &serde_json::to_value(&report).map_err(Failure::internal)?)?;
        if report.ok { Ok(()) } else { Err(Failure::Negative) }
    }
}

/// Say what a model is.
#[derive(Args)]
pub(crate) struct Show {
    /// Shipped name, folder, hub name or toy.
    model: String,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Show {
    fn run(self) -> Outcome {
        let progress = TerminalProgress::new();
        let opened = Library::default().open(&self.model, &progress);
        progress.finish();
        let model = opened.map_err(Failure::input)?;
        let (shortest, longest) = model.conditionals.sites();
        let identity = &model.identity;
        eprintln!(
            "{}: {}, {} parameters, vocabulary {}, {shortest} to {longest} tokens",
            identity.reference,
            identity.architecture,
            identity.parameters,
            model.conditionals.vocabulary()
        );
        eprintln!("weights sha256 {}", identity.weights_sha256);
        let report = json!({ "identity": identity, "vocabulary": model.conditionals.vocabulary(), "sites": [shortest, longest] });
        output::write_json(self.json.as_deref(), &report)
    }
}

/// Number the tokens of a sentence.
#[derive(Args)]
pub(crate) struct Tokens {
    /// Shipped name, folder, hub name or toy.
    model: String,
    sentence: String,
}

impl Tokens {
    fn run(self) -> Outcome {
        let progress = TerminalProgress::new();
        let opened = Library::default().open(&self.model, &progress);
        progress.finish();
        let conditionals = opened.map_err(Failure::input)?.conditionals;
        let tokens = conditionals.tokenize(&self.sentence).map_err(Failure::input)?;
        for (position, token) in tokens.into_iter().enumerate() {
            println!("{position}\t{}", conditionals.text(token));
        }
        Ok(())
    }
}

/// Download a hub model into the cache.
#[derive(Args)]
pub(crate) struct Fetch {
    /// `owner/name` or `owner/name@revision`.
    model: String,
    /// Write the result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Fetch {
    fn run(self) -> Outcome {
        let common = super::Common { json: self.json, project: None, seed: 0, threads: None };
        let spec = RunSpec::Fetch(FetchSpec { version: 1, model: self.model });
        let RunOutcome::Fetch { identity } = carry_out(&common, &spec)? else {
            return Err(Failure::Internal("a fetch run returned another kind of result".into()));
        };
        eprintln!(
            "{} is in the cache, revision {}",
            identity.reference,
            identity.revision.as_deref().unwrap_or("unknown")
        );
        output::write_json(common.json.as_deref(), &json!({ "identity": identity }))
    }
}
