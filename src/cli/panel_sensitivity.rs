//! `kleroterion panel sensitivity`: one pool, panels of several sizes.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::output;
use super::panel::{Files, Given};
use super::terminal::TerminalProgress;
use crate::sortition::algorithm::Algorithm;
use crate::sortition::lottery_run::LotterySpec;
use crate::sortition::size_sensitivity::{by_size, usual_sizes};

/// How chances depend on the size of the panel.
#[derive(Args)]
pub(crate) struct Sensitivity {
    #[command(flatten)]
    files: Files,
    /// Sizes to look at, separated by commas (default: half of --size to one and a half times). Quotas are scaled from --size:
    /// those that are shares are made anew, counts keep their proportion, min rounded down and max up.
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    sizes: Vec<u32>,
    /// leximin, maximin, nash, goldilocks, legacy, uniform or random.
    #[arg(long, value_name = "NAME", default_value = "leximin")]
    algorithm: Algorithm,
    /// Draws of the rules whose chances are estimated (legacy, uniform, random).
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    draws: u64,
    /// Seed of every random choice.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the full result as JSON to FILE (`-`: standard output).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Sensitivity {
    pub(crate) fn run(self) -> Outcome {
        if self.sizes.contains(&0) {
            return Err(Failure::Input("--sizes: a panel of 0 people is none; give sizes of at least 1".to_owned()));
        }
        let Given { pool, quotas, before } = self.files.read()?;
        let sizes = match self.sizes.as_slice() {
            [] => usual_sizes(quotas.size, pool.len()),
            sizes => sizes.to_vec(),
        };
        let spec = LotterySpec {
            version: 1,
            pool,
            quotas,
            one_per_household: self.files.one_per_household(),
            algorithm: self.algorithm,
            draws: self.draws,
            seed: self.seed,
            before,
        };
        let progress = TerminalProgress::new();
        let rows = by_size(&spec, &sizes, Some(self.files.tolerance()), &progress);
        progress.finish();
        let rows = rows.map_err(|_| Failure::Cancelled)?;
        for row in &rows {
            match row.evenness() {
                Some(figures) => eprintln!(
                    "{}: chances {:.4} to {:.4}, Gini {:.4}, geometric mean {:.4}, worth {:.1} people; {}",
                    row.size,
                    figures.minimum,
                    figures.maximum,
                    figures.gini,
                    figures.geometric_mean,
                    figures.effective,
                    row.standing()
                ),
                None => eprintln!("{}: {}", row.size, row.standing()),
            }
        }
        let report =
            json!({ "algorithm": spec.algorithm, "seed": spec.seed, "people": spec.pool.len(), "sizes": rows });
        output::write_json(self.json.as_deref(), &report)
    }
}
