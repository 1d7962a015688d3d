//! `kleroterion escape`: chains from one anchor until they leave its neighbourhood.

use clap::Args;
use serde_json::json;

use super::chains::{SpaceArgs, temperatures};
use super::demand::{Failure, Outcome};
use super::run::carry_out;
use super::{Common, output};
use crate::glauber::chain::Scan;
use crate::glauber::experiments::escape::{
    Anchor, Criterion, EscapeFindings, EscapeResult, EscapeSpec, LengthGrowth, MeanEscape,
};
use crate::glauber::temperature::Temperature;
use crate::jobs::runner::RunOutcome;
use crate::jobs::spec::RunSpec;

/// Run chains from a fixed point until they leave its neighbourhood, beside the time that its margin predicts.
#[derive(Args)]
pub(crate) struct EscapeCommand {
    /// Shipped name, folder, hub name or toy.
    #[arg(long, value_name = "M")]
    model: String,
    /// Tokens of the chain.
    #[arg(long, value_name = "N", required_unless_present_any = ["template", "lengths"], default_value_t = 0)]
    length: usize,
    /// Several lengths, such as 4,6,8, for E[T] against the length; each has an anchor and chains of its own.
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with_all = ["length", "template"])]
    lengths: Vec<usize>,
    /// Temperatures, such as 0.5,0.7,1; positive or inf.
    #[arg(long, value_name = "LIST", default_value = "1", allow_hyphen_values = true, value_parser = temperatures)]
    temperatures: std::vec::Vec<Temperature>,
    /// When a chain has escaped: distance (more than R positions differ from the anchor) or basin (argmax dynamics leads from
    /// it to another attractor than from the anchor).
    #[arg(long, value_name = "WHEN", default_value = "distance")]
    criterion: Criterion,
    /// Most positions that may differ from the anchor; under --criterion basin, how far from it margins are sampled.
    #[arg(long, value_name = "R", default_value_t = 2)]
    radius: u32,
    /// The radius as a share of the length, rounded down, such as 0.25.
    #[arg(long, value_name = "SHARE", conflicts_with = "radius", allow_hyphen_values = true)]
    radius_share: Option<f64>,
    /// Start from this sentence instead of a fixed point found by quenches.
    #[arg(long, value_name = "S", allow_hyphen_values = true, conflicts_with = "quenches")]
    anchor: Option<String>,
    /// Quenches from uniform states that look for the anchor.
    #[arg(long, value_name = "K", default_value_t = 16)]
    quenches: u32,
    /// Chains at each temperature.
    #[arg(long, value_name = "K", default_value_t = 64)]
    chains: u64,
    /// Most sweeps (one update per token each) of a chain.
    #[arg(long, value_name = "SWEEPS", default_value_t = 200)]
    cap: u64,
    /// States sampled in each shell around the anchor, for the predictions; 0 leaves them out.
    #[arg(long, value_name = "K", default_value_t = 16)]
    per_shell: u32,
    /// Tokens that an adversary tries at each position of a shell; 0 leaves it out.
    #[arg(long, value_name = "K", default_value_t = 0)]
    adversary: u32,
    /// Order of updates: random, systematic or permutation. The predictions are for random.
    #[arg(long, value_name = "SCAN", default_value = "random")]
    scan: Scan,
    #[command(flatten)]
    space: SpaceArgs,
    #[command(flatten)]
    common: Common,
}

impl EscapeCommand {
    pub(crate) fn run(self) -> Outcome {
        let (length, further) = match self.lengths.split_first() {
            Some((&first, further)) => (first, further.to_vec()),
            None => (self.length, Vec::new()),
        };
        let spec = EscapeSpec {
            version: 1,
            model: self.model,
            length,
            further,
            template: self.space.template(),
            vocabulary: self.space.vocabulary(),
            temperatures: self.temperatures,
            scan: self.scan,
            anchor: self.anchor.map_or(Anchor::Quenched(self.quenches), Anchor::Typed),
            criterion: self.criterion,
            radius: self.radius,
            radius_share: self.radius_share,
            chains: self.chains,
            cap_sweeps: self.cap,
            per_shell: self.per_shell,
            candidates: self.adversary,
            seed: self.common.seed,
        };
        let RunOutcome::Escape(found) = carry_out(&self.common, &RunSpec::Escape(spec.clone()))? else {
            return Err(Failure::Internal("an escape run returned another kind of result".into()));
        };
        describe(&spec, &found);
        let mut report = serde_json::to_value(&*found).map_err(Failure::internal)?;
        add_means(&mut report, &found.first);
        if let Some(rows) = report.get_mut("further").and_then(|rows| rows.as_array_mut()) {
            rows.iter_mut().zip(&found.further).for_each(|(row, at)| add_means(row, at));
        }
        if let Some(fields) = report.as_object_mut() {
            fields.insert("spec".to_owned(), json!(spec));
            fields.insert("seed".to_owned(), json!(spec.seed));
        }
        output::write_json(self.common.json.as_deref(), &report)
    }
}

/// E[T] beside what it was made of, at each temperature of one length.
fn add_means(report: &mut serde_json::Value, result: &EscapeResult) {
    if let Some(rows) = report.get_mut("temperatures").and_then(|rows| rows.as_array_mut()) {
        for (row, at) in rows.iter_mut().zip(&result.temperatures) {
            row["mean"] = json!(at.mean());
        }
    }
}

fn describe(spec: &EscapeSpec, found: &EscapeFindings) {
    eprintln!("seed {}", spec.seed);
    for result in found.lengths() {
        if !found.further.is_empty() {
            eprintln!("length {}, radius {}:", result.sites, result.radius);
        }
        describe_length(result);
    }
    for LengthGrowth { temperature, measured, predicted, lengths } in &found.growth {
        let half = 1.96 * measured.slope_error;
        eprintln!(
            "temperature {temperature}: ln E[T] rises by {:.3} nats a token (95 %: {:.3} to {:.3}) over {lengths} lengths{}",
            measured.slope,
            measured.slope - half,
            measured.slope + half,
            predicted.map_or(String::new(), |slope| format!("; of the bound {slope:.3}"))
        );
    }
}

fn describe_length(result: &EscapeResult) {
    let from = match result.ball.quenches {
        Some(found) => format!("{} of {} quenches led there", found.led_here, found.all),
        None => "typed".to_owned(),
    };
    let fixed = if result.ball.margin.fixed_point { "a fixed point" } else { "NOT a fixed point" };
    eprintln!("anchor ({from}, {fixed}): {}", result.anchor_text.join(" "));
    if let Some(margin) = result.margin_upper {
        eprintln!(
            "smallest margin seen up to distance {}: {margin:.4} nats (the true one is at most this)",
            result.radius
        );
    }
    for at in &result.temperatures {
        let mean = match at.mean() {
            Some(MeanEscape::Measured { mean, lower, upper }) => format!("{mean:.1} steps [{lower:.1}, {upper:.1}]"),
            Some(MeanEscape::AtLeast { steps, fitted, fitted_lower, .. }) => {
                let fit = match (fitted, fitted_lower) {
                    (Some(mean), _) => format!("; {mean:.1} if exponential"),
                    (None, Some(lower)) => format!("; at least {lower:.1} in 95 % if exponential"),
                    (None, None) => String::new(),
                };
                format!(">= {steps:.1} steps ({:.0} % censored{fit})", 100.0 * at.censored_share)
            }
            None => "not measured".to_owned(),
        };
        let bound = at.by_margin.as_ref().and_then(|escape| escape.steps);
        let bound = bound.map_or(String::new(), |steps| format!("; birth-death bound by the margin seen {steps:.1}"));
        let fit = at.exponentiality.as_ref();
        let fit = fit.map_or(String::new(), |fit| format!("; exponential: p = {:.3}", fit.p_value));
        eprintln!("temperature {}: E[T] {mean}{bound}{fit}", at.temperature);
    }
    if let Some(found) = &result.arrhenius {
        let half = 1.96 * found.measured.slope_error;
        eprintln!(
            "Arrhenius slope {:.3} nats (95 %: {:.3} to {:.3}) over {} temperatures{}{}",
            found.measured.slope,
            found.measured.slope - half,
            found.measured.slope + half,
            found.temperatures,
            found.predicted.map_or(String::new(), |slope| format!("; of the bound {slope:.3}")),
            found.limit.map_or(String::new(), |limit| format!("; (r+1) m = {limit:.3}"))
        );
    }
}
