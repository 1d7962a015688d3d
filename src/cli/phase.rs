//! `kleroterion phase`: a diagram over temperature and length.

use clap::Args;
use serde_json::{Value, json};

use super::chains::{DynamicsArgs, SpaceArgs, StartArgs, crossing, temperatures, told};
use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::glauber::experiments::KeepTokens;
use crate::glauber::experiments::phase::{CellSummary, PhaseFindings, PhaseSpec};
use crate::glauber::experiments::theory::TheorySpec;
use crate::glauber::phase::{Critical, CriticalTemperature, Grid};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;
use crate::store::ChainCellRow;

/// Couple pairs over a grid of temperatures and lengths; fit growth laws and critical temperatures.
#[derive(Args)]
pub(crate) struct Phase {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// Temperatures, such as 0.5,1,2,inf.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    temperatures: String,
    /// Lengths, such as 4,8,16.
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    lengths: Vec<u32>,
    /// A further model or control on the same grid, such as curie-weiss:beta=1; may be repeated.
    #[arg(long, value_name = "M")]
    beside: Vec<String>,
    /// Most sweeps (one update per token each) of a chain.
    #[arg(long, value_name = "SWEEPS", default_value_t = 100)]
    cap: u64,
    /// Pairs added to a cell at a time.
    #[arg(long, value_name = "K", default_value_t = 16)]
    batch: u64,
    /// Most pairs of a cell.
    #[arg(long, value_name = "K", default_value_t = 64)]
    pairs: u64,
    /// A cell is finished once its interval is narrower than this share of its coupling time.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    precision: f64,
    /// Chains behind each cell's order parameter; 0 leaves it out.
    #[arg(long, value_name = "K", default_value_t = 32)]
    order_chains: u64,
    /// Sweeps after which it is read.
    #[arg(long, value_name = "SWEEPS", default_value_t = 20)]
    order_sweeps: u64,
    /// Leave out influence and margins.
    #[arg(long)]
    no_theory: bool,
    /// Which pairs keep the token of every step, to be read in the window (with --project): `budgeted` (as many of each
    /// cell's first pairs as are sure to fit 500 MB for the run), `all`, `first:N` of each cell, or `none`.
    #[arg(long, value_name = "WHICH", default_value = "budgeted")]
    keep_tokens: KeepTokens,
    #[command(flatten)]
    dynamics: DynamicsArgs,
    #[command(flatten)]
    start: StartArgs,
    #[command(flatten)]
    space: SpaceArgs,
    #[command(flatten)]
    common: Common,
}

impl Phase {
    pub(crate) fn run(self) -> Outcome {
        if self.space.template().is_some() {
            return Err(Failure::Input("a template has one length: use `kleroterion mix` for it".into()));
        }
        let spec = PhaseSpec {
            version: 1,
            model: self.model,
            beside: self.beside,
            grid: Grid {
                temperatures: temperatures(&self.temperatures).map_err(Failure::Input)?,
                lengths: self.lengths,
                cap_sweeps: self.cap,
            },
            scan: self.dynamics.scan,
            coupling: self.dynamics.coupling,
            start: self.start.choice()?,
            vocabulary: self.space.vocabulary(),
            batch: self.batch,
            most_pairs: self.pairs,
            relative_width: self.precision,
            order_chains: self.order_chains,
            order_sweeps: self.order_sweeps,
            theory: (!self.no_theory).then(TheorySpec::default),
            keep_tokens: self.keep_tokens,
            seed: self.common.seed,
        };
        let RunOutcome::Phase { cells, findings } = carry_out(&self.common, &RunSpec::Phase(spec.clone()))? else {
            return Err(Failure::Internal("a phase run returned another kind of result".into()));
        };
        describe(&spec, &cells, &findings);
        let subjects: Vec<&str> = spec.subjects().collect();
        let report = json!({
            "spec": spec, "seed": spec.seed, "subjects": subjects,
            "cells": cells.iter().map(cell).collect::<Result<Vec<_>, _>>()?,
            "fits": fits(&subjects, &findings),
            "critical": findings.iter().flat_map(|found| critical(subjects[found.subject], found)).collect::<Vec<_>>(),
            "findings": findings,
        });
        output::write_json(self.common.json.as_deref(), &report)
    }
}

fn cell(row: &ChainCellRow<CellSummary>) -> Result<Value, Failure> {
    let result = row.summary.result.as_ref();
    Ok(json!({
        "model": row.model, "subject": row.subject, "temperature": row.temperature, "length": row.length,
        "cap": row.cap, "finished": row.finished,
        "pairs": result.map_or(0, |result| result.pairs), "pairs_with_tokens": row.summary.kept,
        "t_couple": result.map(|result| crossing(&result.t_couple.estimate)),
        "t_couple_estimate": result.map(|result| result.t_couple),
        "censored": result.map(|result| result.censored),
        "censored_share": result.map(|result| result.censored_share),
        "kappa": result.and_then(|result| result.kappa),
        "susceptibility": result.and_then(|result| result.susceptibility),
        "summary": serde_json::to_value(&row.summary).map_err(Failure::internal)?,
    }))
}

fn fits(subjects: &[&str], findings: &[PhaseFindings]) -> Vec<Value> {
    let of = |found: &PhaseFindings| {
        let model = subjects[found.subject].to_owned();
        found.fits.iter().map(move |growth| json!({ "model": model, "growth": growth })).collect::<Vec<_>>()
    };
    findings.iter().flat_map(of).collect()
}

/// The four estimates by name.
pub(crate) fn named(critical: &Critical) -> [(&'static str, &'static str, &CriticalTemperature); 4] {
    [
        ("tau_c1", "growth rate c of a n exp(c n) crosses 0", &critical.growth_rate),
        ("tau_c2", "n log n and a n exp(c n) fit alike", &critical.model_change),
        ("tau_c3", "kappa changes sign", &critical.contraction),
        ("tau_c4", "steepest at the longest length", &critical.steepest),
    ]
}

fn critical(model: &str, found: &PhaseFindings) -> Vec<Value> {
    let Some(critical) = &found.critical else { return Vec::new() };
    named(critical)
        .into_iter()
        .map(|(name, meaning, estimate)| {
            json!({ "model": model, "name": name, "meaning": meaning, "tau": estimate.value(), "estimate": estimate })
        })
        .collect()
}

fn describe(spec: &PhaseSpec, cells: &[ChainCellRow<CellSummary>], findings: &[PhaseFindings]) {
    eprintln!("seed {}; {} cells, {} scan, {} coupling", spec.seed, cells.len(), spec.scan, spec.coupling);
    for row in cells {
        if let Some(result) = &row.summary.result {
            let (model, tau, n) = (&row.model, row.temperature, row.length);
            eprintln!("{model}  tau {tau}  n {n}: {} ({} pairs)", told(&result.t_couple), result.pairs);
        }
    }
    for found in findings {
        let model = spec.subjects().nth(found.subject).unwrap_or_default();
        for growth in &found.fits {
            eprintln!("{model}  tau {}: {}", growth.temperature, growth.words);
        }
        if let Some(critical) = &found.critical {
            for (name, meaning, estimate) in named(critical) {
                match estimate {
                    CriticalTemperature::Found { tau, .. } => {
                        let end = |end: Option<f64>| end.map_or_else(|| "open".to_owned(), |end| format!("{end:.3}"));
                        let (lower, upper) = (end(tau.lower), end(tau.upper));
                        eprintln!("{model}  {name} = {:.3} [{lower}, {upper}] ({meaning})", tau.value);
                    }
                    CriticalTemperature::NotReached { reason } => eprintln!("{model}  {name}: {reason} ({meaning})"),
                }
            }
        }
        if let Some(size) = &found.finite_size {
            eprintln!("{model}  finite size: {}", size.words);
        }
    }
}
