//! What the commands that run chains share: their arguments, and how numbers are told.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::demand::Failure;
use crate::formats::sentences;
use crate::glauber::chain::{Coupling, Scan};
use crate::glauber::experiments::{StartChoice, Template, Vocabulary};
use crate::glauber::temperature::Temperature;
use crate::statistics::{Crossing, CrossingEstimate};

/// Which tokens move, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct SpaceArgs {
    /// Allowed tokens: `whole`, `whole-words`, or a list separated by commas (a comma itself: `\,`).
    #[arg(long, value_name = "LIST", default_value = "whole", allow_hyphen_values = true)]
    vocabulary: String,
    /// A sentence of which only the tokens of --free move; the length is then their number.
    #[arg(long, value_name = "S", requires = "free", allow_hyphen_values = true)]
    template: Option<String>,
    /// Positions that move, counted from 0, such as 1,4,5.
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "template")]
    free: Vec<usize>,
}

impl SpaceArgs {
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        vocabulary(&self.vocabulary)
    }

    pub(crate) fn template(&self) -> Option<Template> {
        let free = self.free.clone();
        self.template.clone().map(|sentence| Template { sentence, free })
    }
}

/// Reads `whole`, `whole-words` or a list of tokens.
pub(crate) fn vocabulary(text: &str) -> Vocabulary {
    match text.trim() {
        "whole" => Vocabulary::Whole,
        "whole-words" => Vocabulary::WholeWords,
        list => Vocabulary::Typed(super::certify::token_list(list)),
    }
}

/// Where chains start.
#[derive(Args, Clone, Debug)]
pub(crate) struct StartArgs {
    /// `uniform`, `opposite` (different at every site), `neighbours` (different at one), `sentences` (of --sentences)
    /// or `typed` (--from and --to).
    #[arg(long, value_name = "HOW", default_value = "opposite")]
    start: String,
    /// One sentence per line, or CSV with a column named `sentence`.
    #[arg(long, value_name = "FILE")]
    sentences: Option<PathBuf>,
    /// The first of two typed starts.
    #[arg(long, value_name = "S", requires = "to", allow_hyphen_values = true)]
    from: Option<String>,
    /// The second.
    #[arg(long, value_name = "S", requires = "from", allow_hyphen_values = true)]
    to: Option<String>,
}

impl StartArgs {
    pub(crate) fn choice(&self) -> Result<StartChoice, Failure> {
        let missing = |what: &str| Failure::Input(format!("--start {} needs {what}", self.start));
        match self.start.as_str() {
            "uniform" => Ok(StartChoice::Uniform),
            "opposite" => Ok(StartChoice::Opposite),
            "neighbours" => Ok(StartChoice::Neighbours),
            "sentences" => {
                let file = self.sentences.as_ref().ok_or_else(|| missing("--sentences FILE"))?;
                Ok(StartChoice::Sentences(sentences::read(file).map_err(Failure::input)?))
            }
            "typed" => match (&self.from, &self.to) {
                (Some(from), Some(to)) => Ok(StartChoice::Typed(from.clone(), to.clone())),
                _ => Err(missing("--from S and --to S")),
            },
            other => Err(Failure::Input(format!(
                "{other:?} is no start: use uniform, opposite, neighbours, sentences or typed"
            ))),
        }
    }
}

/// The dynamics: order of updates and coupling.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct DynamicsArgs {
    /// Order of updates: random, systematic or permutation. Part of the result's identity.
    #[arg(long, value_name = "SCAN", default_value = "random")]
    pub(crate) scan: Scan,
    /// Coupling: maximal, gumbel, inverse-cdf or independent.
    #[arg(long, value_name = "C", default_value = "maximal")]
    pub(crate) coupling: Coupling,
}

/// A list of temperatures such as `0.5,1,inf`.
pub(crate) fn temperatures(text: &str) -> Result<Vec<Temperature>, String> {
    text.split(',').map(str::parse).collect()
}

/// A coupling time for a script: a number only where it was reached.
pub(crate) fn crossing(crossing: &Crossing) -> Value {
    json!(crossing.time())
}

/// A coupling time with its interval, in words.
pub(crate) fn told(found: &CrossingEstimate) -> String {
    match (found.estimate.time(), found.upper) {
        (Some(_), Some(upper)) => format!("{} steps [{}, {upper}]", found.estimate, found.lower),
        (Some(_), None) => format!("{} steps [{}, open]", found.estimate, found.lower),
        (None, _) => format!("{} steps", found.estimate),
    }
}

/// Takes `key` of an object apart into a plain number (or null) and, under `key_estimate`, everything known of it.
pub(crate) fn plain_crossing(object: &mut Value, key: &str, plain: Value) {
    if let Some(fields) = object.as_object_mut()
        && let Some(full) = fields.insert(key.to_owned(), plain)
    {
        fields.insert(format!("{key}_estimate"), full);
    }
}
