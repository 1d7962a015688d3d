//! `kleroterion preferences transforms`: what changes of Soft's weights do to them.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use super::preferences::failure;
use super::preferences_weigh::{read_lottery, transform};
use super::terminal::TerminalProgress;
use crate::dempo::scheme::Transform;
use crate::dempo::soft_weights::{USUAL, soft_weights};
use crate::formats::preferences::PreferenceFile;

/// Compare transforms of Soft's weights.
#[derive(Args)]
pub(crate) struct Transforms {
    /// Preferences as `preferences import` writes them.
    #[arg(long, value_name = "FILE")]
    preferences: PathBuf,
    /// The lottery, as `panel lottery` wrote it: everybody's chance.
    #[arg(long, value_name = "FILE")]
    lottery: PathBuf,
    /// none, sqrt, square or clip:LOW:HIGH; may be repeated (default: all four, clipped at 0.05 and 0.95).
    #[arg(long, value_name = "NAME", value_parser = transform)]
    transform: Vec<Transform>,
    /// Write the full result with every rater's weight as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Transforms {
    pub(crate) fn run(self) -> Outcome {
        let progress = TerminalProgress::new();
        let file = PreferenceFile::open(&self.preferences, &progress);
        progress.finish();
        let file = file.map_err(failure)?;
        let chances = read_lottery(&self.lottery, &file)?.chances();
        let wanted = if self.transform.is_empty() { USUAL.to_vec() } else { self.transform };
        let found = soft_weights(&file.raters_of_pairs(), &chances, &wanted).map_err(Failure::input)?;
        for one in &found {
            eprintln!(
                "{}: {} raters worth {:.1}, pairs worth {:.1}, weights {:.3} to {:.3} times the mean{}",
                one.transform.words(),
                one.raters,
                one.effective_raters,
                one.effective_pairs,
                one.least,
                one.most,
                if one.closed_form { "; closed form" } else { "; no longer the closed form" }
            );
        }
        let report = json!({ "preferences_sha256": file.sha256(), "transforms": found });
        output::write_json(self.json.as_deref(), &report)
    }
}
