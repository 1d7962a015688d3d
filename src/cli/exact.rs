//! `kleroterion exact`: a few tokens on a few sites, everything known.

use clap::Args;
use serde_json::{Value, json};

use super::chains::vocabulary;
use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::glauber::exact::ExactResult;
use crate::glauber::experiments::Template;
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::perfect::{PerfectResult, PerfectSpec};
use crate::glauber::temperature::Temperature;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Enumerate a small space: stationary law, mixing time, spectrum, influence, every rectangle.
#[derive(Args)]
pub(crate) struct Exact {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// Allowed tokens, separated by commas (a comma itself: `\,`), or `whole` for a small vocabulary.
    #[arg(long, value_name = "LIST", default_value = "whole", allow_hyphen_values = true)]
    tokens: String,
    /// Tokens of the chain.
    #[arg(long, value_name = "N", required_unless_present = "template", default_value_t = 0)]
    length: usize,
    /// Temperature: 0 (argmax), a positive number, or inf.
    #[arg(long, value_name = "T", default_value = "1", allow_hyphen_values = true)]
    temperature: Temperature,
    /// A sentence of which only the tokens of --free move.
    #[arg(long, value_name = "S", requires = "free", allow_hyphen_values = true)]
    template: Option<String>,
    /// Positions that move, counted from 0.
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "template")]
    free: Vec<usize>,
    /// Write the stationary law too, one number for each state (the first site counts most).
    #[arg(long)]
    law: bool,
    /// Draw N perfect samples by coupling from the past and compare them with the stationary law; at most 4096 states
    /// and a positive temperature.
    #[arg(long, value_name = "N")]
    perfect_samples: Option<u64>,
    /// Steps from the past that a perfect sample may take; one that needs more ends the check, exit code 1.
    #[arg(long, value_name = "STEPS", default_value_t = PerfectSpec::default().most_steps, requires = "perfect_samples")]
    perfect_steps: u64,
    #[command(flatten)]
    common: Common,
}

impl Exact {
    pub(crate) fn run(self) -> Outcome {
        let free = self.free;
        let spec = ExactRunSpec {
            version: 1,
            model: self.model,
            vocabulary: vocabulary(&self.tokens),
            length: self.length,
            template: self.template.map(|sentence| Template { sentence, free }),
            temperature: self.temperature,
            keep_law: self.law,
            perfect: self.perfect_samples.map(|samples| PerfectSpec {
                samples,
                most_steps: self.perfect_steps,
                seed: self.common.seed,
            }),
        };
        let RunOutcome::Exact { result, perfect } = carry_out(&self.common, &RunSpec::Exact(spec.clone()))? else {
            return Err(Failure::Internal("an exact run returned another kind of result".into()));
        };
        describe(&result);
        let mut report = report(&spec, &result)?;
        if let (Some(found), Some(fields)) = (&perfect, report.as_object_mut()) {
            fields.insert("perfect".to_owned(), json!(found));
        }
        output::write_json(self.common.json.as_deref(), &report)?;
        perfect.as_ref().map_or(Ok(()), compared)
    }
}

/// Tells what perfect samples say of the stationary law; a check that could not be finished is a negative answer.
fn compared(found: &PerfectResult) -> Outcome {
    if let Some(problem) = &found.problem {
        eprintln!("perfect samples: {} of {} drawn, then not finished: {problem}", found.drawn, found.samples);
        return Err(Failure::Negative);
    }
    let Some(fit) = &found.fit else { return Ok(()) };
    eprintln!(
        "{} perfect samples, seed {}: total variation to the stationary law {:.5}, by chance alone {:.5} (below {:.5} in 95 %)",
        found.drawn, found.seed, fit.tv, fit.tv_expected, fit.tv_upper
    );
    match (fit.chi_square, fit.p_value) {
        (Some(chi), Some(p)) => {
            eprintln!(
                "chi-square {chi:.3} on {} degrees of freedom ({} states pooled), p = {p:.4}",
                fit.degrees, fit.pooled
            );
        }
        _ => eprintln!("no chi-square test: fewer than two cells are expected to hold 5 draws; draw more"),
    }
    if let (Some(median), Some(last)) = (found.median_depth(), found.depths.last()) {
        eprintln!("half of the samples began at most {median} steps in the past, all of them at most {}", last.steps);
    }
    Ok(())
}

/// The result with what a script expects plain: `d` as numbers at t = 0, 1, 2, … as far as every step was followed, and
/// the influence matrix as rows.
fn report(spec: &ExactRunSpec, result: &ExactResult) -> Result<Value, Failure> {
    let mut report = serde_json::to_value(result).map_err(Failure::internal)?;
    let fields = report.as_object_mut().ok_or_else(|| Failure::Internal("a result is no object".into()))?;
    let curve = fields.remove("d").unwrap_or_default();
    fields.insert("d_curve".to_owned(), curve);
    let steps = result.d.iter().zip(0u64..).take_while(|(point, t)| point.t == *t);
    fields.insert("d".to_owned(), steps.map(|(point, _)| point.d).collect());
    let matrix = &result.influence.matrix;
    let rows: Vec<&[f64]> = matrix.values.chunks_exact(matrix.sites.max(1)).collect();
    if let Some(influence) = fields.get_mut("influence").and_then(Value::as_object_mut) {
        influence.insert("matrix".to_owned(), json!(rows));
    }
    fields.insert("spec".to_owned(), json!(spec));
    Ok(report)
}

fn describe(result: &ExactResult) {
    eprintln!("{} states at temperature {}", result.states, result.temperature);
    match (result.t_mix, result.t_mix_lower) {
        (Some(time), _) => eprintln!("t_mix(1/4) = {time} steps"),
        (None, Some(lower)) => eprintln!("t_mix(1/4) >= {lower} steps (lower bound: not every start was followed)"),
        (None, None) => eprintln!("t_mix(1/4) is not known: the chain has no single stationary law"),
    }
    if let (Some(slem), Some(gap)) = (result.slem, result.gap) {
        eprintln!("second eigenvalue {slem:.6} in modulus, gap {gap:.3e}");
    }
    if let Some(production) = result.entropy_production {
        eprintln!("entropy production {production:.3e} nats per step");
    }
    if let Some(r) = result.max_abs_r {
        eprintln!("largest |R| over {} rectangles: {r:.9} nats", result.rectangles.count);
    }
    let influence = &result.influence;
    match influence.mixing_upper {
        Some(bound) => eprintln!("Dobrushin alpha = {:.4}: t_mix(1/4) <= {bound} steps", influence.alpha_col),
        None => eprintln!("Dobrushin alpha = {:.4}: no bound", influence.alpha_col),
    }
}
