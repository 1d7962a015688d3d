//! `kleroterion trajectories`: where single chains go, and where they stay.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::chains::{SpaceArgs, StartArgs};
use super::demand::{Failure, Outcome};
use super::dynamics::DynamicsArgs;
use super::run::carry_out;
use super::singles::law;
use super::{Common, dynamics, output};
use crate::formats::sentences;
use crate::glauber::chain::Scan;
use crate::glauber::experiments::StartChoice;
use crate::glauber::experiments::trajectories::{TrajectoriesResult, TrajectoriesSpec};
use crate::glauber::probe::{ProbeLists, ProbeSettings};
use crate::glauber::temperature::Temperature;
use crate::glauber::trajectories::TrajectorySpec;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Follow single chains: basins, dwell times, recurrences, political content.
#[derive(Args)]
pub(crate) struct Trajectories {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// Tokens of the chain.
    #[arg(long, value_name = "N", required_unless_present = "template", default_value_t = 0)]
    length: usize,
    /// Temperature: 0 (argmax), a positive number, or inf.
    #[arg(long, value_name = "T", default_value = "1", allow_hyphen_values = true)]
    temperature: Temperature,
    #[arg(long, value_name = "K", default_value_t = 16)]
    chains: u64,
    /// Sweeps (one update per token each) of a chain.
    #[arg(long, value_name = "SWEEPS", default_value_t = 100)]
    sweeps: u64,
    /// Sweeps between snapshots.
    #[arg(long, value_name = "SWEEPS", default_value_t = 1)]
    every: u64,
    /// Order of updates: random, systematic or permutation.
    #[arg(long, value_name = "SCAN", default_value = "random")]
    scan: Scan,
    #[command(flatten)]
    dynamics: DynamicsArgs,
    /// Start every other chain from this law and the rest from --law-b, and bound how far they stay apart: `uniform`,
    /// `anchor:1`, `typed:SENTENCE` or `sentences:FILE`.
    #[arg(long, value_name = "LAW", requires = "law_b", conflicts_with = "start", allow_hyphen_values = true)]
    law_a: Option<String>,
    /// Where the others start.
    #[arg(long, value_name = "LAW", requires = "law_a", conflicts_with = "start", allow_hyphen_values = true)]
    law_b: Option<String>,
    /// Compute the pseudo-log-likelihood of every snapshot: its course, R-hat and effective size. Costs one forward row
    /// for each token of each different state.
    #[arg(long)]
    pll: bool,
    /// Leave out the political probe.
    #[arg(long)]
    no_political: bool,
    /// How snapshots are read: JSON of analysis settings, as the window saves it.
    #[arg(long, value_name = "FILE")]
    analysis: Option<PathBuf>,
    /// Lists and rules of the political probe: JSON, as the window saves it.
    #[arg(long, value_name = "FILE")]
    probe: Option<PathBuf>,
    /// The probe's own lists instead of the shipped ones: words, one on each line.
    #[arg(long, value_name = "FILE")]
    lexicon: Option<PathBuf>,
    /// Political seed sentences, one on each line.
    #[arg(long, value_name = "FILE")]
    political_seeds: Option<PathBuf>,
    /// Neutral seed sentences, one on each line.
    #[arg(long, value_name = "FILE")]
    neutral_seeds: Option<PathBuf>,
    /// Statements to train the probe on: CSV with the columns text and label (political or neutral).
    #[arg(long, value_name = "FILE")]
    statements: Option<PathBuf>,
    /// Sentences for the probe's corpus baseline.
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// Also run the chains on random weights of the model's shape, as a baseline.
    #[arg(long)]
    random_baseline: bool,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    space: SpaceArgs,
    #[command(flatten)]
    common: Common,
}

impl Trajectories {
    pub(crate) fn run(self) -> Outcome {
        let political = if self.no_political { None } else { Some(self.probe_settings()?) };
        let mut analysis = settings::<TrajectorySpec>(self.analysis.as_deref())?;
        analysis.pseudo_log_likelihood |= self.pll;
        let laws = match (&self.law_a, &self.law_b) {
            (Some(a), Some(b)) => Some([law(a)?, law(b)?]),
            _ => None,
        };
        let corpus = self.corpus.as_deref().map(sentences::read).transpose().map_err(Failure::input)?;
        let spec = TrajectoriesSpec {
            version: 1,
            model: self.model,
            length: self.length,
            temperature: self.temperature,
            scan: self.scan,
            dynamics: self.dynamics.choice(self.temperature)?,
            start: if laws.is_some() { StartChoice::Uniform } else { self.start.choice()? },
            laws,
            chains: self.chains,
            sweeps: self.sweeps,
            every: self.every,
            vocabulary: self.space.vocabulary(),
            template: self.space.template(),
            analysis: TrajectorySpec { seed: self.common.seed, ..analysis },
            political,
            corpus: corpus.unwrap_or_default(),
            random_baseline: self.random_baseline,
            seed: self.common.seed,
        };
        let RunOutcome::Trajectories(result) = carry_out(&self.common, &RunSpec::Trajectories(spec.clone()))? else {
            return Err(Failure::Internal("a trajectories run returned another kind of result".into()));
        };
        describe(&spec, &result);
        let mut report = serde_json::to_value(&*result).map_err(Failure::internal)?;
        if let Some(fields) = report.as_object_mut() {
            fields.insert("run_spec".to_owned(), json!(spec));
            fields.insert("seed".to_owned(), json!(spec.seed));
        }
        output::write_json(self.common.json.as_deref(), &report)
    }

    fn probe_settings(&self) -> Result<ProbeSettings, Failure> {
        let mut settings = settings::<ProbeSettings>(self.probe.as_deref())?;
        let lists = &mut settings.lists;
        let read = |path: &PathBuf| text(path);
        if let Some(path) = &self.lexicon {
            lists.lexicon = ProbeLists::read_lexicon(&read(path)?);
        }
        if let Some(path) = &self.political_seeds {
            lists.political_seeds = ProbeLists::read_seeds(&read(path)?);
        }
        if let Some(path) = &self.neutral_seeds {
            lists.neutral_seeds = ProbeLists::read_seeds(&read(path)?);
        }
        if let Some(path) = &self.statements {
            lists.statements = ProbeLists::read_statements(&read(path)?)
                .map_err(|error| Failure::Input(format!("{error} ({})", path.display())))?;
        }
        Ok(ProbeSettings { seed: self.common.seed, ..settings })
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::Input(format!("the file cannot be read: {error}. Check its name ({})", path.display()))
    })
}

/// Settings from a JSON file, or the standard ones without a file.
fn settings<T: Default + DeserializeOwned>(path: Option<&Path>) -> Result<T, Failure> {
    let Some(path) = path else { return Ok(T::default()) };
    serde_json::from_str(&text(path)?).map_err(|error| {
        Failure::Input(format!(
            "these settings cannot be read: {error}. Save them from the window again ({})",
            path.display()
        ))
    })
}

fn describe(spec: &TrajectoriesSpec, result: &TrajectoriesResult) {
    let found = &result.analysis;
    eprintln!(
        "seed {}; {} chains of {} tokens, {} sweeps at temperature {}",
        spec.seed, spec.chains, found.sites, spec.sweeps, spec.temperature
    );
    if let Some(reference) = &result.reference {
        dynamics::describe(reference);
    }
    let basins = &found.basins;
    eprintln!(
        "{} zero-temperature attractors, {} clusters",
        basins.attractors.basins.len(),
        basins.clusters.basins.len()
    );
    if let Some(separation) = &result.separation {
        eprintln!(
            "the two starts stay apart by at least {:.3} in total variation (held-out classifier{})",
            separation.lower.max(0.0),
            if separation.attainable() > 0.0 { "" } else { "; too few chains to show any difference" }
        );
    }
    for diagnostic in &result.diagnostics {
        let r_hat = diagnostic.convergence.r_hat.map_or_else(|| "undefined".to_owned(), |r| format!("{r:.3}"));
        eprintln!(
            "{}: R-hat {r_hat}, bulk ESS {:.0} (a diagnostic, not proof)",
            diagnostic.name, diagnostic.convergence.bulk_ess
        );
    }
    if let Some(political) = &found.political {
        for instrument in &political.instruments {
            eprintln!("political share by {:?}: {:.3}", instrument.instrument, instrument.share.share);
        }
    }
}
