//! Survey: rectangles sampled by stratum, prevalence with intervals, beside controls (glauber.md section 2.4).

mod evaluation;
mod sampling;
mod summary;

pub use evaluation::run;
pub use sampling::plan;
pub use summary::summarise;

use super::conditionals::Conditionals;

/// How the token pairs of a rectangle are drawn; never pooled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plausibility {
    /// T1: the original token and one draw from p_i.
    OriginalAndDraw,
    /// T2: two draws from the top k of p_i (p_j).
    TopK,
    /// T3: two uniform draws from the ordinary vocabulary.
    Uniform,
}

/// Distances |i - j| taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    One,
    Two,
    ThreeFour,
    FiveToEight,
    NineUp,
}

impl Plausibility {
    /// As strata are named.
    pub fn label(self) -> &'static str {
        match self {
            Self::OriginalAndDraw => "original and draw",
            Self::TopK => "top-k",
            Self::Uniform => "uniform",
        }
    }
}

impl Distance {
    /// As strata are named: the |i - j| taken together.
    pub fn label(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::ThreeFour => "3-4",
            Self::FiveToEight => "5-8",
            Self::NineUp => "9+",
        }
    }
    /// Whether two sites this far apart belong here.
    pub fn holds(self, apart: usize) -> bool {
        match self {
            Self::One => apart == 1,
            Self::Two => apart == 2,
            Self::ThreeFour => (3..=4).contains(&apart),
            Self::FiveToEight => (5..=8).contains(&apart),
            Self::NineUp => apart >= 9,
        }
    }
}

/// Which null or reference accompanies the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Ising model: R = 0 by construction.
    Ising,
    /// The same architecture with random weights.
    RandomInit,
    /// The model's own LOR_j permuted across rectangles (null for the correlation).
    Permuted,
}

/// What a survey does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SurveySpec {
    pub version: u32,
    /// Model reference.
    pub model: String,
    /// Further models on the same contexts.
    pub beside: Vec<String>,
    /// Typed sentences: the contexts.
    pub sentences: Vec<String>,
    pub plausibilities: Vec<Plausibility>,
    pub distances: Vec<Distance>,
    /// Rectangles per (stratum, context) at most.
    pub per_context: u32,
    /// k of T2.
    pub top_k: u32,
    pub temperature: f64,
    pub controls: Vec<Control>,
    /// Bootstrap resamples of the intervals.
    pub resamples: u32,
    pub seed: u64,
}

/// One sampled rectangle and what was found. `model` indexes `[model, beside.., random-init, ising]` as listed by [`plan`].
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// Place in the plan: record `k` depends only on the spec and `k`.
    pub item: u64,
    pub subject: u32,
    pub context: u32,
    pub plausibility: Plausibility,
    pub distance: Distance,
    pub rectangle: super::rectangle::Rectangle,
    /// f64, tau = 1, nats.
    pub lor_i: f64,
    pub lor_j: f64,
    /// R at the spec's temperature and its error bound.
    pub r: f64,
    pub error: f64,
    pub certified: bool,
}

/// Name, estimate and 95 % interval.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Prevalence {
    /// `None`: share certified; otherwise share with |R| above this many nats.
    pub threshold: Option<f64>,
    pub estimate: f64,
    pub lower: f64,
    pub upper: f64,
    /// `wilson`, `cluster bootstrap` or `exact zero`.
    pub method: String,
}

/// What one stratum of one subject shows.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stratum {
    /// `agora · top-k · distance 1`.
    pub name: String,
    pub subject: u32,
    /// Which control these records are; `None` for a model. Of [`Control::Permuted`], `subject` is the model permuted.
    #[serde(default)]
    pub control: Option<Control>,
    pub plausibility: Plausibility,
    pub distance: Distance,
    pub n: u64,
    pub contexts: u64,
    /// Share certified, with its interval: the headline.
    pub prevalence: f64,
    pub interval: [f64; 2],
    pub prevalences: Vec<Prevalence>,
    /// 5, 25, 50, 75, 95 % quantiles of |R|.
    pub quantiles: [f64; 5],
    /// P(LOR_i * LOR_j < 0) with interval.
    pub sign_disagreement: Prevalence,
    /// Mean of |LOR_i - LOR_j| / (|LOR_i| + |LOR_j|), with interval.
    pub asymmetry: Prevalence,
    pub pearson: Option<f64>,
    pub spearman: Option<f64>,
}

/// The survey's subjects: the model, models beside it, and the model-like controls, in order.
#[derive(Clone)]
pub struct Subject {
    pub name: String,
    pub model: std::sync::Arc<dyn Conditionals>,
    /// States of this subject's contexts, one per sentence that fits.
    pub contexts: Vec<Vec<u32>>,
    pub control: Option<Control>,
}

#[cfg(test)]
mod tests;
