//! Single chains beside coupled pairs: their arguments, and what is told of them.

use std::path::Path;

use clap::Args;

use super::demand::Failure;
use crate::formats::sentences;
use crate::glauber::experiments::singles::{SinglesResult, SinglesSpec, StartLaw};

/// Single chains from two start laws.
#[derive(Args, Clone, Debug)]
pub(crate) struct SinglesArgs {
    /// Single chains from each of two start laws, for R-hat, effective sizes and lower bounds on total variation; 0 leaves
    /// them out.
    #[arg(long, value_name = "K", default_value_t = SinglesSpec::default().chains)]
    single_chains: u64,
    /// Where the first half of them starts: `uniform`, `anchor:1` (the zero-temperature attractor to which most quenches
    /// lead, 2 the next), `typed:SENTENCE`, or `sentences:FILE`.
    #[arg(long, value_name = "LAW", default_value = "uniform", allow_hyphen_values = true)]
    law_a: String,
    /// Where the others start.
    #[arg(long, value_name = "LAW", default_value = "anchor:1", allow_hyphen_values = true)]
    law_b: String,
    /// Sweeps after which the two are compared; they run to the last.
    #[arg(long, value_name = "SWEEPS", value_delimiter = ',', default_values_t = SinglesSpec::default().times)]
    compare_at: Vec<u64>,
}

impl SinglesArgs {
    pub(crate) fn spec(self) -> Result<Option<SinglesSpec>, Failure> {
        if self.single_chains == 0 {
            return Ok(None);
        }
        let laws = [law(&self.law_a)?, law(&self.law_b)?];
        Ok(Some(SinglesSpec { laws, chains: self.single_chains, times: self.compare_at }))
    }
}

fn law(text: &str) -> Result<StartLaw, Failure> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let anchor = || rest.parse().ok().filter(|&rank: &u32| rank > 0).map(StartLaw::Anchor);
    let known = match kind {
        "uniform" if rest.is_empty() => Some(StartLaw::Uniform),
        "anchor" => anchor(),
        "typed" if !rest.is_empty() => Some(StartLaw::Typed(rest.to_owned())),
        "sentences" if !rest.is_empty() => {
            Some(StartLaw::Sentences(sentences::read(Path::new(rest)).map_err(Failure::input)?))
        }
        _ => None,
    };
    known.ok_or_else(|| {
        Failure::Input(format!("{text:?} is no law of starts: use uniform, anchor:1, typed:SENTENCE or sentences:FILE"))
    })
}

/// Tells what the chains showed.
pub(crate) fn describe(found: &SinglesResult) {
    for at in &found.separations {
        if let Some(separation) = &at.found {
            eprintln!(
                "after {} sweeps the two starts are apart by at least {:.3} in total variation (held-out classifier, 95 %)",
                at.sweep, separation.lower
            );
        }
    }
    for diagnostic in &found.diagnostics {
        let convergence = &diagnostic.convergence;
        let r_hat = convergence.r_hat.map_or_else(|| "undefined".to_owned(), |r| format!("{r:.3}"));
        eprintln!(
            "{}: R-hat {r_hat}, bulk ESS {:.0}, tail ESS {:.0} (diagnostics, not proof)",
            diagnostic.name, convergence.bulk_ess, convergence.tail_ess
        );
    }
}
