//! The form as data: what autosave, undo and "duplicate as form" keep, and how it becomes a run's spec.

mod chain;
mod escape;
mod perfect;
mod singles;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::chain::{ChainDraft, StartKind, VocabularyKind};
pub use self::escape::{AnchorKind, EscapeDraft};
pub use self::perfect::PerfectDraft;
pub use self::singles::SinglesDraft;
use crate::glauber::experiments::escape::EscapeSpec;
use crate::glauber::experiments::exact::ExactRunSpec;
use crate::glauber::experiments::mix::MixSpec;
use crate::glauber::experiments::phase::PhaseSpec;
use crate::glauber::experiments::theory::TheorySpec;
use crate::glauber::experiments::{KeepTokens, Template, TypedStarts, Vocabulary};
use crate::glauber::phase::Grid;
use crate::glauber::temperature::Temperature;
use crate::jobs::spec::RunSpec;

/// Version written into the specs this form makes.
const SPEC_VERSION: u32 = 1;

/// Which of the four questions the tab asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// How does mixing depend on temperature and length?
    #[default]
    Phase,
    /// One temperature and length, closely.
    Pairs,
    /// A space small enough to enumerate.
    Exact,
    /// How long chains stay around an anchor, over temperatures.
    Escape,
}

/// What only a phase diagram asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PhaseDraft {
    pub beside: Vec<String>,
    /// Numbers between commas, as typed.
    pub temperatures: String,
    pub lengths: String,
    pub cap_sweeps: u64,
    pub batch: u64,
    pub most_pairs: u64,
    pub relative_width: f64,
    pub order_chains: u64,
    pub order_sweeps: u64,
    pub theory: Option<TheorySpec>,
    pub keep_tokens: KeepTokens,
}

impl Default for PhaseDraft {
    fn default() -> Self {
        Self {
            beside: vec!["curie-weiss:beta=1".to_owned()],
            temperatures: "0.3, 0.5, 0.7, 0.85, 1, 1.3, 1.6, 2, 2.5, 3.2, 4".to_owned(),
            lengths: "4, 8, 12, 16".to_owned(),
            cap_sweeps: 30,
            batch: 6,
            most_pairs: 48,
            relative_width: 0.2,
            order_chains: 16,
            order_sweeps: 10,
            theory: Some(TheorySpec::default()),
            keep_tokens: KeepTokens::default(),
        }
    }
}

/// A sentence of which only some tokens move.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateDraft {
    /// Whether the chain moves on a template at all.
    pub on: bool,
    pub sentence: String,
    /// Positions that move, ascending.
    pub free: Vec<usize>,
}

impl TemplateDraft {
    /// What enters the spec; `None` where no template is asked for.
    fn template(&self) -> Result<Option<Template>, String> {
        if !self.on {
            return Ok(None);
        }
        if self.sentence.trim().is_empty() {
            return Err("Type the template sentence first.".to_owned());
        }
        if self.free.is_empty() {
            return Err("Every token is frozen: click the tokens of the template that may move.".to_owned());
        }
        Ok(Some(Template { sentence: self.sentence.trim().to_owned(), free: self.free.clone() }))
    }

    fn set(&mut self, template: Option<&Template>) {
        self.on = template.is_some();
        if let Some(template) = template {
            self.sentence.clone_from(&template.sentence);
            self.free.clone_from(&template.free);
        }
    }
}

/// What only coupled pairs ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PairsDraft {
    pub length: usize,
    pub template: TemplateDraft,
    /// As typed: `infinity` is a temperature.
    pub temperature: String,
    pub pairs: u64,
    pub cap_sweeps: u64,
    pub lag_sweeps: u64,
    pub record: bool,
    pub theory: Option<TheorySpec>,
    pub singles: SinglesDraft,
}

impl Default for PairsDraft {
    fn default() -> Self {
        Self {
            length: 8,
            template: TemplateDraft::default(),
            temperature: "1".to_owned(),
            pairs: 64,
            cap_sweeps: 100,
            lag_sweeps: 0,
            record: true,
            theory: Some(TheorySpec::default()),
            singles: SinglesDraft::default(),
        }
    }
}

/// What only the exact mode asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExactDraft {
    /// Token texts between spaces; empty: the whole vocabulary, as tables and spins have it.
    pub tokens: String,
    pub length: usize,
    pub template: TemplateDraft,
    pub temperature: String,
    /// Perfect samples beside the enumeration.
    pub perfect: PerfectDraft,
}

impl Default for ExactDraft {
    fn default() -> Self {
        Self {
            tokens: String::new(),
            length: 4,
            template: TemplateDraft::default(),
            temperature: "1".to_owned(),
            perfect: PerfectDraft::default(),
        }
    }
}

/// The whole form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub mode: Mode,
    pub model: String,
    pub chain: ChainDraft,
    pub seed: u64,
    pub phase: PhaseDraft,
    pub pairs: PairsDraft,
    pub exact: ExactDraft,
    pub escape: EscapeDraft,
    /// A run or a hand has filled these modes, so that a project's runs no longer do.
    pub begun: bool,
}

/// Reads `text` as a list between commas or spaces; `what` names one entry in the message.
pub fn list<T>(text: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let entries = text.split([',', ';', ' ', '\n', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| read(entry).ok_or_else(|| format!("\u{201c}{entry}\u{201d} is not {what}."))).collect()
}

fn temperature(text: &str) -> Result<Temperature, String> {
    if text.trim().is_empty() {
        return Err("Type a temperature, such as 1.".to_owned());
    }
    text.parse().map_err(|_| {
        format!("\u{201c}{}\u{201d} is not a temperature: type a number from 0 upwards, or infinity.", text.trim())
    })
}

/// Temperatures as the form writes them.
fn written<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

impl Draft {
    /// The temperatures typed for a phase diagram.
    pub fn temperatures(&self) -> Result<Vec<Temperature>, String> {
        let what = "a temperature: type numbers from 0 upwards, or infinity, between commas";
        list(&self.phase.temperatures, what, |entry| entry.parse().ok())
    }

    /// The lengths typed for a phase diagram.
    pub fn lengths(&self) -> Result<Vec<u32>, String> {
        list(&self.phase.lengths, "a length: type whole numbers between commas", |entry| entry.parse().ok())
    }

    /// The run the form describes now, or in one sentence what is missing.
    pub fn spec(&self, lists: &[(String, Vec<String>)]) -> Result<RunSpec, String> {
        if self.model.trim().is_empty() {
            return Err("Choose a model first.".to_owned());
        }
        match self.mode {
            Mode::Phase => self.phase_spec(lists).map(RunSpec::Phase),
            Mode::Pairs => self.mix_spec(lists).map(RunSpec::Mix),
            Mode::Exact => self.exact_spec().map(RunSpec::Exact),
            Mode::Escape => self.escape_spec().map(RunSpec::Escape),
        }
    }

    fn phase_spec(&self, lists: &[(String, Vec<String>)]) -> Result<PhaseSpec, String> {
        let phase = &self.phase;
        let model = self.model.trim().to_owned();
        let spec = PhaseSpec {
            version: SPEC_VERSION,
            beside: phase.beside.iter().filter(|&other| other.trim() != model).cloned().collect(),
            model,
            grid: Grid { temperatures: self.temperatures()?, lengths: self.lengths()?, cap_sweeps: phase.cap_sweeps },
            scan: self.chain.scan,
            coupling: self.chain.coupling,
            start: self.chain.start(lists)?,
            vocabulary: self.chain.vocabulary()?,
            batch: phase.batch,
            most_pairs: phase.most_pairs,
            relative_width: phase.relative_width,
            order_chains: phase.order_chains,
            order_sweeps: phase.order_sweeps,
            theory: phase.theory.clone(),
            keep_tokens: phase.keep_tokens,
            seed: self.seed,
        };
        spec.check().map_err(|error| crate::ui::format::sentence(&format!("{error}.")))?;
        Ok(spec)
    }

    fn mix_spec(&self, lists: &[(String, Vec<String>)]) -> Result<MixSpec, String> {
        let pairs = &self.pairs;
        let template = pairs.template.template()?;
        let spec = MixSpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            // A template has its own length: what the other choice holds is no part of the run.
            length: if template.is_some() { 0 } else { pairs.length },
            temperature: temperature(&pairs.temperature)?,
            scan: self.chain.scan,
            coupling: self.chain.coupling,
            start: self.chain.start(lists)?,
            pairs: pairs.pairs,
            cap_sweeps: pairs.cap_sweeps,
            lag_sweeps: pairs.lag_sweeps,
            vocabulary: self.chain.vocabulary()?,
            template,
            record: pairs.record,
            theory: pairs.theory.clone(),
            singles: pairs.singles.spec(lists)?,
            seed: self.seed,
        };
        spec.check().map_err(|error| crate::ui::format::sentence(&format!("{error}.")))?;
        Ok(spec)
    }

    fn exact_spec(&self) -> Result<ExactRunSpec, String> {
        let exact = &self.exact;
        let template = exact.template.template()?;
        let length = template.as_ref().map_or(exact.length, |template| template.free.len());
        if length == 0 {
            return Err("A chain of length 0 has nothing to move: choose a length of at least 1.".to_owned());
        }
        let tokens = chain::tokens(&exact.tokens);
        if tokens.len() == 1 {
            return Err("One token has one state: type at least two, between spaces.".to_owned());
        }
        let states = (tokens.len().max(2) as u64).checked_pow(length as u32);
        if states.is_none_or(|states| states > crate::glauber::exact::MOST_STATES as u64) {
            return Err(format!(
                "{} tokens at {length} positions make more than {} states: choose fewer tokens or a shorter chain.",
                tokens.len().max(2),
                crate::figures::number::count(crate::glauber::exact::MOST_STATES as u64)
            ));
        }
        let temperature = temperature(&exact.temperature)?;
        Ok(ExactRunSpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            perfect: exact.perfect.spec(states, temperature, self.seed)?,
            vocabulary: chain::typed_or_whole(tokens),
            length: if template.is_some() { 0 } else { length },
            template,
            temperature,
            keep_law: false,
        })
    }

    fn escape_spec(&self) -> Result<EscapeSpec, String> {
        let escape = &self.escape;
        let template = escape.template.template()?;
        let spec = EscapeSpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            length: if template.is_some() { 0 } else { escape.length },
            further: escape.further()?,
            template,
            vocabulary: self.chain.vocabulary()?,
            temperatures: escape.temperatures()?,
            scan: self.chain.scan,
            anchor: escape.anchor()?,
            criterion: escape.criterion,
            radius: escape.radius,
            radius_share: escape.radius_share(),
            chains: escape.chains,
            cap_sweeps: escape.cap_sweeps,
            per_shell: escape.per_shell,
            candidates: escape.candidates,
            seed: self.seed,
        };
        spec.check().map_err(|error| crate::ui::format::sentence(&format!("{error}.")))?;
        Ok(spec)
    }

    /// The typed starts that the form's mode uses now, and the space they must fit; none where the space is not yet
    /// complete.
    pub fn typed_starts(&self) -> TypedStarts {
        let mut sentences: Vec<&str> = Vec::new();
        let (length, template) = match self.mode {
            Mode::Phase => (self.lengths().ok().and_then(|lengths| lengths.into_iter().max()), None),
            Mode::Pairs => (u32::try_from(self.pairs.length).ok(), Some(&self.pairs.template)),
            // A sentence that fits the longest chain fits all.
            Mode::Escape => {
                let further = self.escape.further().unwrap_or_default().into_iter();
                let longest = further.fold(self.escape.length, usize::max);
                (u32::try_from(longest).ok(), Some(&self.escape.template))
            }
            Mode::Exact => (None, None),
        };
        if matches!(self.mode, Mode::Phase | Mode::Pairs) && self.chain.start == StartKind::Typed {
            sentences.extend([self.chain.from.as_str(), self.chain.to.as_str()]);
        }
        if self.mode == Mode::Pairs && self.pairs.singles.on {
            sentences.extend([&self.pairs.singles.a, &self.pairs.singles.b].into_iter().filter_map(|law| law.typed()));
        }
        if self.mode == Mode::Escape && self.escape.kind == AnchorKind::Typed {
            sentences.push(&self.escape.sentence);
        }
        let template = template.map_or(Ok(None), TemplateDraft::template);
        let (Some(length), Ok(template), Ok(vocabulary)) = (length, template, self.chain.vocabulary()) else {
            return TypedStarts {
                model: String::new(),
                length: 0,
                template: None,
                vocabulary: Vocabulary::Whole,
                sentences: Vec::new(),
            };
        };
        TypedStarts {
            model: self.model.trim().to_owned(),
            length: length as usize,
            template,
            vocabulary,
            sentences: sentences.into_iter().map(str::to_owned).collect(),
        }
    }

    /// Fills the form from a phase, mix, exact or escape spec; other kinds leave it as it is.
    pub fn set_spec(&mut self, spec: &RunSpec) {
        match spec {
            RunSpec::Phase(spec) => {
                self.mode = Mode::Phase;
                self.model.clone_from(&spec.model);
                self.seed = spec.seed;
                self.chain.set(spec.scan, spec.coupling, &spec.start, &spec.vocabulary);
                self.phase = PhaseDraft {
                    beside: spec.beside.clone(),
                    temperatures: written(&spec.grid.temperatures),
                    lengths: written(&spec.grid.lengths),
                    cap_sweeps: spec.grid.cap_sweeps,
                    batch: spec.batch,
                    most_pairs: spec.most_pairs,
                    relative_width: spec.relative_width,
                    order_chains: spec.order_chains,
                    order_sweeps: spec.order_sweeps,
                    theory: spec.theory.clone(),
                    keep_tokens: spec.keep_tokens,
                };
            }
            RunSpec::Mix(spec) => {
                self.mode = Mode::Pairs;
                self.model.clone_from(&spec.model);
                self.seed = spec.seed;
                self.chain.set(spec.scan, spec.coupling, &spec.start, &spec.vocabulary);
                let mut template = std::mem::take(&mut self.pairs.template);
                let mut singles = std::mem::take(&mut self.pairs.singles);
                singles.set(spec.singles.as_ref());
                template.set(spec.template.as_ref());
                self.pairs = PairsDraft {
                    length: if spec.template.is_some() { self.pairs.length } else { spec.length },
                    template,
                    temperature: spec.temperature.to_string(),
                    pairs: spec.pairs,
                    cap_sweeps: spec.cap_sweeps,
                    lag_sweeps: spec.lag_sweeps,
                    record: spec.record,
                    theory: spec.theory.clone(),
                    singles,
                };
            }
            RunSpec::Exact(spec) => {
                self.mode = Mode::Exact;
                self.model.clone_from(&spec.model);
                self.exact.tokens = match &spec.vocabulary {
                    Vocabulary::Typed(tokens) => tokens.join(" "),
                    _ => String::new(),
                };
                if spec.template.is_none() {
                    self.exact.length = spec.length;
                }
                self.exact.template.set(spec.template.as_ref());
                self.exact.temperature = spec.temperature.to_string();
                self.exact.perfect.set(spec.perfect.as_ref());
                if let Some(perfect) = &spec.perfect {
                    self.seed = perfect.seed;
                }
            }
            RunSpec::Escape(spec) => {
                self.mode = Mode::Escape;
                self.model.clone_from(&spec.model);
                self.seed = spec.seed;
                self.chain.scan = spec.scan;
                self.chain.set_vocabulary(&spec.vocabulary);
                self.escape.set(spec);
            }
            _ => return,
        }
        self.begun = true;
    }

    /// Fills a form that nobody has touched from the newest run of its kinds; the mode stays the default one if that
    /// has a run.
    pub fn start_from<'a>(&mut self, runs: impl Iterator<Item = &'a RunSpec> + Clone) {
        if self.begun {
            return;
        }
        let phase = runs.clone().find(|spec| matches!(spec, RunSpec::Phase(_)));
        let newest = runs.clone().find(|spec| is_of_tab(spec));
        if let Some(spec) = phase.or(newest) {
            self.set_spec(spec);
        }
    }
}

fn is_of_tab(spec: &RunSpec) -> bool {
    matches!(spec, RunSpec::Phase(_) | RunSpec::Mix(_) | RunSpec::Exact(_) | RunSpec::Escape(_))
}
