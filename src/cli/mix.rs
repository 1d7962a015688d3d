//! `kleroterion mix`: coupled pairs at one temperature and length.

use clap::Args;
use serde_json::json;

use super::chains::{DynamicsArgs, SpaceArgs, StartArgs, crossing, plain_crossing, told};
use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::singles::{self, SinglesArgs};
use super::{Common, output};
use crate::glauber::experiments::mix::{MixResult, MixSpec};
use crate::glauber::experiments::theory::TheorySpec;
use crate::glauber::temperature::Temperature;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Run coupled pairs of chains until they meet, and bound how fast the chain forgets its start.
#[derive(Args)]
pub(crate) struct Mix {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// Tokens of the chain.
    #[arg(long, value_name = "N", required_unless_present = "template", default_value_t = 0)]
    length: usize,
    /// Temperature: 0 (argmax), a positive number, or inf.
    #[arg(long, value_name = "T", default_value = "1", allow_hyphen_values = true)]
    temperature: Temperature,
    /// Pairs of chains.
    #[arg(long, value_name = "K", default_value_t = 64)]
    pairs: u64,
    /// Most sweeps (one update per token each) of a chain.
    #[arg(long, value_name = "SWEEPS", default_value_t = 200)]
    cap: u64,
    /// Also run pairs of which one follows the other by this many sweeps, for L-lag bounds on total variation.
    #[arg(long, value_name = "SWEEPS", default_value_t = 0)]
    lag: u64,
    /// Keep every token that the pairs choose (with --project).
    #[arg(long)]
    record: bool,
    /// Also sample influence and margins, with the bounds that follow.
    #[arg(long)]
    theory: bool,
    #[command(flatten)]
    singles: SinglesArgs,
    #[command(flatten)]
    dynamics: DynamicsArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    space: SpaceArgs,
    #[command(flatten)]
    common: Common,
}

impl Mix {
    pub(crate) fn run(self) -> Outcome {
        let spec = MixSpec {
            version: 1,
            model: self.model,
            length: self.length,
            temperature: self.temperature,
            scan: self.dynamics.scan,
            coupling: self.dynamics.coupling,
            start: self.start.choice()?,
            pairs: self.pairs,
            cap_sweeps: self.cap,
            lag_sweeps: self.lag,
            vocabulary: self.space.vocabulary(),
            template: self.space.template(),
            record: self.record,
            theory: self.theory.then(TheorySpec::default),
            singles: self.singles.spec()?,
            seed: self.common.seed,
        };
        let RunOutcome::Mix(result) = carry_out(&self.common, &RunSpec::Mix(spec.clone()))? else {
            return Err(Failure::Internal("a mix run returned another kind of result".into()));
        };
        describe(&spec, &result);
        let mut report = serde_json::to_value(&*result).map_err(Failure::internal)?;
        plain_crossing(&mut report, "t_couple", crossing(&result.summary.t_couple.estimate));
        plain_crossing(&mut report, "median", crossing(&result.summary.median));
        if let Some(fields) = report.as_object_mut() {
            fields.insert("spec".to_owned(), json!(spec));
            fields.insert("seed".to_owned(), json!(spec.seed));
        }
        output::write_json(self.common.json.as_deref(), &report)
    }
}

fn describe(spec: &MixSpec, result: &MixResult) {
    let found = &result.summary;
    eprintln!(
        "seed {}; {} pairs of {} tokens at temperature {}, {} scan, {} coupling",
        spec.seed, found.pairs, found.sites, spec.temperature, spec.scan, spec.coupling
    );
    eprintln!("survival at most 1/4 at {} (cap {} steps)", told(&found.t_couple), result.cap);
    eprintln!("censored: {:.1} % of the pairs", 100.0 * found.censored_share);
    if let Some(kappa) = &found.kappa {
        let word = if kappa.lower > 0.0 {
            "neighbours approach on average"
        } else if kappa.upper < 0.0 {
            "neighbours part on average"
        } else {
            "undecided"
        };
        eprintln!("kappa = {:.3} [{:.3}, {:.3}]: {word}", kappa.kappa, kappa.lower, kappa.upper);
    }
    if let Some(found) = &result.singles {
        singles::describe(found);
    }
    if result.near_ties > 0 {
        eprintln!(
            "{} of {} draws were near-ties: another batch shape may decide them otherwise",
            result.near_ties, result.draws
        );
    }
}
