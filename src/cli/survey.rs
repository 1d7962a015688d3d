//! `kleroterion survey`: rectangles sampled by stratum, prevalence with intervals, beside controls.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::formats::sentences;
use crate::glauber::survey::{Control, Distance, Plausibility, Stratum, SurveySpec};
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Sample rectangles over many sentences.
#[derive(Args)]
pub(crate) struct Survey {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// One sentence per line, or CSV with a column named `sentence`.
    #[arg(long, value_name = "FILE")]
    sentences: PathBuf,
    /// Strata: distances d1,d2,d3-4,d5-8,d9+ and token draws t1 (original and draw), t2 (top k), t3 (uniform).
    #[arg(long, value_name = "LIST", default_value = "d1,d2,d3-4,d5-8,d9+,t1,t2,t3")]
    strata: String,
    /// Rectangles per sentence and stratum; with 1 the intervals are Wilson's, else a bootstrap over sentences.
    #[arg(long, value_name = "K", default_value_t = 1)]
    per_context: u32,
    /// k of t2.
    #[arg(long, value_name = "K", default_value_t = 10)]
    top_k: u32,
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    temperature: f64,
    /// Controls: any of ising,random-init,permuted, or none.
    #[arg(long, value_name = "LIST", default_value = "ising,random-init,permuted")]
    controls: String,
    /// A further model on the same sentences; may be repeated.
    #[arg(long, value_name = "M")]
    beside: Vec<String>,
    /// Bootstrap resamples.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: u32,
    #[command(flatten)]
    common: Common,
}

impl Survey {
    pub(crate) fn run(self) -> Outcome {
        let (distances, plausibilities) = strata(&self.strata)?;
        let spec = SurveySpec {
            version: 1,
            model: self.model,
            beside: self.beside,
            sentences: sentences::read(&self.sentences).map_err(Failure::input)?,
            plausibilities,
            distances,
            per_context: self.per_context,
            top_k: self.top_k,
            temperature: self.temperature,
            controls: controls(&self.controls)?,
            resamples: self.resamples,
            seed: self.common.seed,
        };
        let outcome = carry_out(&self.common, &RunSpec::Survey(spec.clone()))?;
        let RunOutcome::Survey { subjects, records, strata } = outcome else {
            return Err(Failure::Internal("a survey run returned another kind of result".into()));
        };
        eprintln!("seed {}; {} rectangles", spec.seed, records.len());
        for stratum in &strata {
            eprintln!(
                "{:<48} n = {:>6}  certified {:.3} [{:.3}, {:.3}]  median |R| {:.4}",
                stratum.name,
                stratum.n,
                stratum.prevalence,
                stratum.interval[0],
                stratum.interval[1],
                stratum.quantiles[2]
            );
        }
        let (of_models, of_controls): (Vec<&Stratum>, Vec<&Stratum>) = strata.iter().partition(|s| s.control.is_none());
        let report = json!({
            "spec": spec, "seed": spec.seed, "subjects": subjects,
            "strata": of_models, "controls": of_controls, "records": records,
        });
        output::write_json(self.common.json.as_deref(), &report)
    }
}

fn strata(list: &str) -> Result<(Vec<Distance>, Vec<Plausibility>), Failure> {
    let (mut distances, mut plausibilities) = (Vec::new(), Vec::new());
    for name in list.split(',').map(str::trim) {
        match name {
            "d1" => distances.push(Distance::One),
            "d2" => distances.push(Distance::Two),
            "d3-4" => distances.push(Distance::ThreeFour),
            "d5-8" => distances.push(Distance::FiveToEight),
            "d9+" => distances.push(Distance::NineUp),
            "t1" => plausibilities.push(Plausibility::OriginalAndDraw),
            "t2" => plausibilities.push(Plausibility::TopK),
            "t3" => plausibilities.push(Plausibility::Uniform),
            _ => {
                return Err(Failure::Input(format!(
                    "{name:?} is not a stratum; use d1, d2, d3-4, d5-8, d9+, t1, t2, t3"
                )));
            }
        }
    }
    if distances.is_empty() {
        distances = vec![Distance::One, Distance::Two, Distance::ThreeFour, Distance::FiveToEight, Distance::NineUp];
    }
    if plausibilities.is_empty() {
        plausibilities = vec![Plausibility::OriginalAndDraw, Plausibility::TopK, Plausibility::Uniform];
    }
    distances.sort_unstable();
    distances.dedup();
    plausibilities.sort_unstable();
    plausibilities.dedup();
    Ok((distances, plausibilities))
}

fn controls(list: &str) -> Result<Vec<Control>, Failure> {
    if list == "none" {
        return Ok(Vec::new());
    }
    list.split(',')
        .map(|name| match name.trim() {
            "ising" => Ok(Control::Ising),
            "random-init" => Ok(Control::RandomInit),
            "permuted" => Ok(Control::Permuted),
            other => {
                Err(Failure::Input(format!("{other:?} is not a control; use ising, random-init, permuted or none")))
            }
        })
        .collect()
}
