//! Escape experiments: chains from one anchor until they leave its neighbourhood, over temperatures, beside what the
//! margin around the anchor predicts (glauber.md section 4).

use super::starts::typed;
use super::theory::attractors;
use super::{Template, Vocabulary, space};
use crate::glauber::chain::{Cell, Chains, Ensemble, Meeting, Record, Scan, Start};
use crate::glauber::conditionals::{Conditionals, ConditionalsError, Precision};
use crate::glauber::margin::{Escape, MarginProfile, MarginSpec, ShellReplacements, profile};
use crate::glauber::space::Space;
use crate::glauber::temperature::Temperature;
use crate::progress::Progress;
use crate::statistics::{
    Crossing, ExponentialMean, Exponentiality, KaplanMeier, Lifetime, LineFit, RestrictedMean, SurvivalPoint,
    exponential_mean, exponentiality, line_fit, sorted_lifetimes,
};

/// Most chains at one temperature.
pub const MOST_CHAINS: u64 = 100_000;
/// Most temperatures of a run.
pub const MOST_TEMPERATURES: usize = 32;
/// Most lengths of a run.
pub const MOST_LENGTHS: usize = 16;
/// Most sweeps of a chain.
pub const MOST_SWEEPS: u64 = 1_000_000_000;
/// Stretches of the hazard.
const HAZARD_BINS: usize = 8;
/// Resamples behind the p-value of exponentiality.
const RESAMPLES: u32 = 400;
/// Half the width of a 95 % interval in standard errors.
const Z: f64 = 1.959_963_984_540_054;

/// Where all chains start.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The fixed point of argmax dynamics to which most of so many quenches from uniform states lead.
    Quenched(u32),
    /// A typed sentence.
    Typed(String),
}

/// When a chain has escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Once more free sites than the radius differ from the anchor.
    #[default]
    Distance,
    /// Once argmax dynamics leads from its state to another attractor than from the anchor.
    Basin,
}

impl Criterion {
    pub const ALL: [Self; 2] = [Self::Distance, Self::Basin];

    fn is_distance(&self) -> bool {
        *self == Self::Distance
    }

    fn name(self) -> &'static str {
        match self {
            Self::Distance => "distance",
            Self::Basin => "basin",
        }
    }
}

impl std::fmt::Display for Criterion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Criterion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|criterion| criterion.name() == text.trim());
        found.ok_or_else(|| format!("{text:?} does not say when a chain has escaped: type distance or basin"))
    }
}

/// What an escape run does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EscapeSpec {
    pub version: u32,
    pub model: String,
    /// Free sites; with a template, as many as it leaves free.
    pub length: usize,
    /// Lengths beside it, for E[T] against the length: each has an anchor and chains of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<usize>,
    #[serde(default)]
    pub template: Option<Template>,
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// Positive; each has its own chains.
    pub temperatures: Vec<Temperature>,
    pub scan: Scan,
    pub anchor: Anchor,
    #[serde(default, skip_serializing_if = "Criterion::is_distance")]
    pub criterion: Criterion,
    /// Largest distance from the anchor, in free sites, at which a chain has not escaped; where the criterion is another,
    /// that up to which margins are sampled.
    pub radius: u32,
    /// The radius as a share of the free sites, rounded down, in place of `radius`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radius_share: Option<f64>,
    /// Chains at each temperature and length.
    pub chains: u64,
    /// Most sweeps (n steps each) of a chain; who has not escaped by then is censored.
    pub cap_sweeps: u64,
    /// States sampled in each shell of the ball, for the predictions; 0 leaves them out.
    pub per_shell: u32,
    /// Tokens that a greedy adversary tries at each site of a shell; 0 leaves it out.
    #[serde(default)]
    pub candidates: u32,
    pub seed: u64,
}

impl EscapeSpec {
    /// Free sites: of the first length, then of those beside it.
    pub fn lengths(&self) -> Vec<usize> {
        let first = self.template.as_ref().map_or(self.length, |template| template.free.len());
        std::iter::once(first).chain(self.further.iter().copied()).collect()
    }

    /// Radius at so many free sites.
    pub fn radius_at(&self, sites: usize) -> u32 {
        self.radius_share.map_or(self.radius, |share| (share * sites as f64 + 1e-9).floor() as u32)
    }

    /// The run at one of its lengths, counted from 0; it ends with the same chains as the whole run has there if it is the
    /// first.
    pub fn at_length(&self, place: usize) -> Self {
        let sites = self.lengths()[place];
        Self {
            length: if self.template.is_some() { self.length } else { sites },
            further: Vec::new(),
            radius: self.radius_at(sites),
            radius_share: None,
            ..self.clone()
        }
    }

    /// Refuses what cannot run, before a model is loaded.
    pub fn check(&self) -> Result<(), ConditionalsError> {
        let lengths = self.lengths();
        let too_wide = lengths.iter().find(|&&sites| self.radius_at(sites) as usize >= sites);
        let twice = self.temperatures.iter().enumerate().find(|(k, tau)| self.temperatures[..*k].contains(tau));
        let problem = if self.template.is_some() && !self.further.is_empty() {
            "a template has one length, its own: leave the further lengths out, or the template".to_owned()
        } else if lengths.contains(&0) {
            "a chain of length 0 has nothing to move: choose a length of at least 1".to_owned()
        } else if lengths.len() > MOST_LENGTHS {
            format!("{} lengths: give at most {MOST_LENGTHS}", lengths.len())
        } else if let Some(length) = (1..lengths.len()).find(|&k| lengths[..k].contains(&lengths[k])) {
            format!("the length {} stands twice in the list: give each once", lengths[length])
        } else if let Some(share) = self.radius_share.filter(|share| !(0.0..1.0).contains(share)) {
            format!("a radius of {share} of the length: choose a share from 0 to below 1")
        } else if self.temperatures.is_empty() || self.temperatures.len() > MOST_TEMPERATURES {
            format!("{} temperatures: give 1 to {MOST_TEMPERATURES}", self.temperatures.len())
        } else if self.temperatures.contains(&Temperature::ZERO) {
            "at temperature 0 a chain never leaves a fixed point: give positive temperatures".to_owned()
        } else if let Some((_, tau)) = twice {
            format!("the temperature {tau} stands twice in the list: give each once")
        } else if let Some(&sites) = too_wide {
            let radius = self.radius_at(sites);
            format!("a radius of {radius} at {sites} free positions cannot be left: choose one below {sites}")
        } else if !(1..=MOST_CHAINS).contains(&self.chains) {
            format!("{} chains: choose 1 to {MOST_CHAINS}", self.chains)
        } else if !(1..=MOST_SWEEPS).contains(&self.cap_sweeps) {
            format!("a cap of {} sweeps: choose 1 to {MOST_SWEEPS}", self.cap_sweeps)
        } else if self.anchor == Anchor::Quenched(0) {
            "no quench finds no anchor: choose at least one, or type a sentence".to_owned()
        } else {
            return Ok(());
        };
        Err(ConditionalsError::Invalid(problem))
    }

    /// The space on `model` of a run of one length.
    pub fn space(&self, model: &dyn Conditionals) -> Result<Space, ConditionalsError> {
        self.check()?;
        let space = space(model, self.length, &self.vocabulary, self.template.as_ref())?;
        if space.allowed().len() < 2 {
            return Err(ConditionalsError::Invalid(
                "only one token is allowed, so nothing can escape: allow at least two".to_owned(),
            ));
        }
        Ok(space)
    }

    /// Finds the anchor and samples the margin around it.
    pub fn ball(
        &self,
        model: &dyn Conditionals,
        space: &Space,
        progress: &dyn Progress,
    ) -> Result<Ball, ConditionalsError> {
        let (anchor, quenches) = match &self.anchor {
            Anchor::Typed(sentence) => (typed(model, space, sentence)?, None),
            Anchor::Quenched(count) => {
                let found = attractors(*count, model, space, self.seed, progress)?;
                let fixed = found.iter().find(|attractor| attractor.period() == 1);
                let fixed = fixed.and_then(|found| Some((found.cycle.first()?.clone(), found.members as u64)));
                let Some((state, members)) = fixed else {
                    return Err(ConditionalsError::Invalid(format!(
                        "none of {count} quenches ended in a fixed point: quench more often, or type the sentence that \
                         chains shall leave"
                    )));
                };
                (state, Some(Quenches { led_here: members, all: u64::from(*count) }))
            }
        };
        // Shell 0 alone tells whether the anchor is a fixed point.
        let settings = MarginSpec {
            radius: if self.per_shell > 0 { self.radius as usize } else { 0 },
            samples: self.per_shell.max(1) as usize,
            rule: ShellReplacements::Conditional { temperature: Temperature::ONE },
            candidates: self.candidates as usize,
            temperatures: self.temperatures.clone(),
            precision: Precision::F32,
            seed: self.seed,
        };
        let margin = profile(model, space, &anchor, &settings, progress)?;
        Ok(Ball { anchor, quenches, margin })
    }

    /// The run's cells, one for each length and temperature, `balls` being those of its lengths in their order: model `k` is
    /// the model at length `k`. Their noise is independent, so that slopes are those of independent estimates.
    pub fn cells(&self, balls: &[(Space, Ball)]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (model, (space, ball)) in balls.iter().enumerate() {
            let sites = space.free().len();
            for &temperature in &self.temperatures {
                // Multiples of the golden ratio: no two cells, and no two small seeds, share noise.
                let seed = self.seed.wrapping_add((cells.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                cells.push(Cell {
                    model,
                    space: space.clone(),
                    temperature,
                    scan: self.scan,
                    chains: match self.criterion {
                        Criterion::Distance => Chains::Single { radius: Some(self.radius_at(sites)) },
                        Criterion::Basin => Chains::Basin,
                    },
                    start: Start::Same(vec![ball.anchor.clone()]),
                    count: self.chains,
                    cap: self.cap_sweeps.saturating_mul(sites as u64),
                    record: Record::Nothing,
                    seed,
                });
            }
        }
        cells
    }
}

/// How many quenches led to the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quenches {
    pub led_here: u64,
    pub all: u64,
}

/// The anchor and the margin around it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Ball {
    /// A whole sequence.
    pub anchor: Vec<u32>,
    /// `None` for a typed anchor.
    pub quenches: Option<Quenches>,
    /// Up to the radius; of the anchor alone where no predictions were asked for.
    pub margin: MarginProfile,
}

/// Escapes at one temperature.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EscapeAt {
    pub temperature: Temperature,
    pub chains: u64,
    pub escaped: u64,
    /// Chains that still ran when this was written; 0 once the run is done.
    pub running: u64,
    /// Share of chains that had not escaped when they were last seen.
    pub censored_share: f64,
    /// Kaplan-Meier curve of P(T > t), steps.
    pub survival: Vec<SurvivalPoint>,
    pub median: Crossing,
    /// E[min(T, horizon)], whatever the law of T: a lower bound on E[T], and E[T] itself where nothing is censored.
    pub restricted_mean: Option<RestrictedMean>,
    /// E[T] if T is exponential, with censored times counted.
    pub exponential_mean: Option<ExponentialMean>,
    /// `None` for fewer than 5 escapes.
    pub exponentiality: Option<Exponentiality>,
    /// The birth-death lower bound with the smallest margin sampled in the ball, and with the largest deviation
    /// probability sampled. A guaranteed bound only as far as the sample saw the worst state.
    pub by_margin: Option<Escape>,
    pub by_deviation: Option<Escape>,
}

/// E[T] as an Arrhenius plot has it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MeanEscape {
    /// Every chain escaped: the sample mean with its 95 % interval, steps.
    Measured { mean: f64, lower: f64, upper: f64 },
    /// Some did not: E[T] is at least this (the mean of min(T, cap)), and if T is exponential it is the fitted mean in
    /// its 95 % interval (its upper end open without an escape).
    AtLeast { steps: f64, fitted: Option<f64>, fitted_lower: Option<f64>, fitted_upper: Option<f64> },
}

impl EscapeAt {
    /// E[T]; `None` before the first step.
    pub fn mean(&self) -> Option<MeanEscape> {
        let restricted = self.restricted_mean?;
        Some(if self.escaped == self.chains {
            let half = Z * restricted.standard_error;
            let (mean, lower) = (restricted.mean, (restricted.mean - half).max(1.0));
            MeanEscape::Measured { mean, lower, upper: restricted.mean + half }
        } else {
            let fit = self.exponential_mean.as_ref();
            MeanEscape::AtLeast {
                steps: restricted.mean,
                fitted: fit.and_then(|fit| fit.mean),
                fitted_lower: fit.map(|fit| fit.lower),
                fitted_upper: fit.and_then(|fit| fit.upper),
            }
        })
    }
}

/// Slope of `ln E[T]` against 1/tau, nats, over the temperatures at which every chain escaped.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Arrhenius {
    /// Weighted least squares on the measured means.
    pub measured: LineFit,
    /// Slope of the same line through the bound by margin at the same temperatures; `None` where that is not predicted.
    pub predicted: Option<f64>,
    /// `(radius + 1) m`, to which the predicted slope tends as the temperature falls; `None` unless the margin is
    /// positive.
    pub limit: Option<f64>,
    pub temperatures: u64,
}

/// Slope of `ln E[T]` against the length at one temperature, nats a free site, over the lengths at which every chain
/// escaped. A straight line is what exponential growth would give, not a proof of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LengthGrowth {
    pub temperature: Temperature,
    /// Weighted least squares on the measured means.
    pub measured: LineFit,
    /// Slope of the same line through the bound by margin at the same lengths; `None` where that is not predicted.
    pub predicted: Option<f64>,
    pub lengths: u64,
}

/// What an escape run found at all its lengths.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EscapeFindings {
    #[serde(flatten)]
    pub first: EscapeResult,
    /// At the lengths beside the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<EscapeResult>,
    /// By temperature, where at least two lengths have a measured mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<LengthGrowth>,
}

impl EscapeFindings {
    /// What was found at each length, in the order of the spec.
    pub fn lengths(&self) -> impl Iterator<Item = &EscapeResult> {
        std::iter::once(&self.first).chain(&self.further)
    }
}

/// What an escape run found at one length.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct EscapeResult {
    #[serde(flatten)]
    pub ball: Ball,
    /// The anchor's tokens as text.
    pub anchor_text: Vec<String>,
    pub sites: u64,
    pub radius: u64,
    /// Most steps of a chain.
    pub cap: u64,
    /// Smallest margin seen in the ball, nats: an upper bound on the uniform margin. `None` where it was not sampled.
    pub margin_upper: Option<f64>,
    pub temperatures: Vec<EscapeAt>,
    /// `None` for fewer than two temperatures at which every chain escaped.
    pub arrhenius: Option<Arrhenius>,
}

/// What the cells have shown so far, chains that still run being censored where they stand. `models` and `balls` are those
/// of the lengths, in their order; `meetings` are all that were handed over.
pub fn findings(
    spec: &EscapeSpec,
    models: &[&dyn Conditionals],
    balls: &[(Space, Ball)],
    ensemble: &Ensemble<'_>,
    meetings: &[Meeting],
) -> Result<EscapeFindings, ConditionalsError> {
    let mut found = Vec::with_capacity(balls.len());
    for (place, ((_, ball), model)) in balls.iter().zip(models).enumerate() {
        let first = place * spec.temperatures.len();
        found.push(result(&spec.at_length(place), *model, ball, first, (ensemble, meetings))?);
    }
    let growth = growth(&found);
    let mut lengths = found.into_iter();
    let first = lengths.next().ok_or_else(|| ConditionalsError::Invalid("a run without a length".to_owned()))?;
    Ok(EscapeFindings { first, further: lengths.collect(), growth })
}

/// A run of one length, whose cells are those from number `first` on.
fn result(
    spec: &EscapeSpec,
    model: &dyn Conditionals,
    ball: &Ball,
    first: usize,
    (ensemble, meetings): (&Ensemble<'_>, &[Meeting]),
) -> Result<EscapeResult, ConditionalsError> {
    let sites = ball.margin.sites;
    let radius = spec.radius as usize;
    let sampled = spec.per_shell > 0;
    let predicted = if sampled { Some(ball.margin.predictions(radius)?) } else { None };
    let mut temperatures = Vec::with_capacity(spec.temperatures.len());
    for (place, &temperature) in spec.temperatures.iter().enumerate() {
        let cell = first + place;
        let ended = meetings.iter().filter(|meeting| meeting.cell == cell);
        let ended = ended.map(|meeting| Lifetime { time: meeting.time, event: meeting.met });
        let apart = ensemble.apart(cell);
        let running = apart.iter().map(|chain| Lifetime::censored(chain.time));
        let lifetimes = sorted_lifetimes(&ended.chain(running).collect::<Vec<_>>());
        let curve = KaplanMeier::new(&lifetimes);
        let prediction = |which: usize| predicted.as_ref().map(|predicted| predicted[which][place].clone());
        temperatures.push(EscapeAt {
            temperature,
            chains: curve.n,
            escaped: curve.events,
            running: apart.len() as u64,
            censored_share: crate::statistics::censored_share(&lifetimes),
            median: curve.crossing(0.5),
            restricted_mean: curve.restricted_mean(u64::MAX).filter(|mean| mean.horizon > 0),
            exponential_mean: exponential_mean(&lifetimes),
            exponentiality: exponentiality(&lifetimes, HAZARD_BINS, RESAMPLES, spec.seed),
            by_margin: prediction(0),
            by_deviation: prediction(1),
            survival: curve.points,
        });
    }
    let margin_upper = if sampled { ball.margin.uniform_margin_upper(radius) } else { None };
    Ok(EscapeResult {
        anchor_text: ball.anchor.iter().map(|&token| model.text(token)).collect(),
        sites: sites as u64,
        radius: radius as u64,
        cap: spec.cap_sweeps.saturating_mul(sites as u64),
        arrhenius: arrhenius(&temperatures, radius, margin_upper),
        margin_upper,
        temperatures,
        ball: ball.clone(),
    })
}

/// `ln E[T]`, its standard error, and the bound by margin, of those of `at` where every chain escaped, over `x`.
struct WholeMeans {
    points: Vec<[f64; 3]>,
    /// `None` where some of them have no bound.
    bound: Option<Vec<[f64; 3]>>,
}

impl WholeMeans {
    fn new<'a>(at: impl Iterator<Item = (f64, &'a EscapeAt)>) -> Self {
        let whole = at.filter_map(|(x, at)| match at.mean()? {
            MeanEscape::Measured { mean, .. } if at.chains > 1 => {
                let error = at.restricted_mean?.standard_error / mean;
                let bound = at.by_margin.as_ref().and_then(|escape| escape.log_steps);
                (error > 0.0).then(|| ([x, mean.ln(), error], bound.map(|bound| [x, bound, error])))
            }
            _ => None,
        });
        let (points, bounds): (Vec<_>, Vec<_>) = whole.unzip();
        Self { points, bound: bounds.into_iter().collect() }
    }

    fn measured(&self) -> Option<LineFit> {
        line_fit(&self.points)
    }

    fn predicted(&self) -> Option<f64> {
        self.bound.as_deref().and_then(line_fit).map(|fit| fit.slope)
    }
}

fn arrhenius(at: &[EscapeAt], radius: usize, margin: Option<f64>) -> Option<Arrhenius> {
    let whole = WholeMeans::new(at.iter().map(|at| (1.0 / at.temperature.get(), at)));
    Some(Arrhenius {
        measured: whole.measured()?,
        predicted: whole.predicted(),
        limit: margin.filter(|&margin| margin > 0.0).map(|margin| (radius + 1) as f64 * margin),
        temperatures: whole.points.len() as u64,
    })
}

/// By temperature; all `found` have the same ones.
fn growth(found: &[EscapeResult]) -> Vec<LengthGrowth> {
    let temperatures = found.first().map_or(&[][..], |found| &found.temperatures);
    let of = |(place, at): (usize, &EscapeAt)| {
        let along = found.iter().filter_map(|found| Some((found.sites as f64, found.temperatures.get(place)?)));
        let whole = WholeMeans::new(along);
        Some(LengthGrowth {
            temperature: at.temperature,
            measured: whole.measured()?,
            predicted: whole.predicted(),
            lengths: whole.points.len() as u64,
        })
    };
    temperatures.iter().enumerate().filter_map(of).collect()
}

#[cfg(test)]
#[path = "escape_tests.rs"]
mod tests;
