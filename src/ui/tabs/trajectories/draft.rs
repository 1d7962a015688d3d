//! The form as data: what autosave, undo and "fill the form" keep, and how it becomes a run's spec.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::glauber::chain::Scan;
use crate::glauber::experiments::trajectories::TrajectoriesSpec;
use crate::glauber::experiments::{StartChoice, Template, Vocabulary};
use crate::glauber::probe::{ProbeLists, ProbeSettings};
use crate::glauber::temperature::Temperature;
use crate::glauber::trajectories::TrajectorySpec;
use crate::models::ModelSource;

/// Version written into the specs this form makes.
const SPEC_VERSION: u32 = 1;

/// What moves: a whole sequence of some length, or some tokens of a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    #[default]
    Length,
    Template,
}

/// How hot: the two limits are no numbers on a slider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heat {
    Zero,
    #[default]
    Finite,
    Infinite,
}

/// Where chains start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartKind {
    #[default]
    Uniform,
    Typed,
    Sentences,
}

/// Which tokens may be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowed {
    #[default]
    Whole,
    WholeWords,
    Typed,
}

/// Sentences: a named list of the project, or lines of their own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sentences {
    pub list: Option<String>,
    /// One sentence per line; count without a list.
    pub lines: String,
}

impl Sentences {
    /// The sentences themselves.
    pub fn resolve(&self, lists: &[(String, Vec<String>)]) -> Vec<String> {
        match &self.list {
            Some(name) => lists.iter().find(|(list, _)| list == name).map(|(_, all)| all.clone()).unwrap_or_default(),
            None => self.lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        }
    }

    /// Those of a spec, as lines.
    fn of(sentences: &[String]) -> Self {
        Self { list: None, lines: sentences.join("\n") }
    }
}

/// The whole form. What another choice makes idle keeps its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub model: String,
    pub shape: Shape,
    pub length: usize,
    pub template: String,
    /// Sites of the template that move, ascending.
    pub free: Vec<usize>,
    pub heat: Heat,
    pub temperature: f64,
    pub scan: Scan,
    pub start: StartKind,
    pub from: String,
    pub to: String,
    pub start_sentences: Sentences,
    pub chains: u64,
    pub sweeps: u64,
    pub every: u64,
    pub words: Allowed,
    /// Token texts between spaces.
    pub typed_words: String,
    pub seed: u64,
    pub analysis: TrajectorySpec,
    pub political: bool,
    /// Edited lists; `None` are the shipped ones.
    pub lists: Option<ProbeLists>,
    /// Lexicon hits, and probability, from which a sentence counts.
    pub hits: usize,
    pub probability: f64,
    /// For the probe's corpus baseline; empty leaves it out.
    pub corpus: Sentences,
    pub random_baseline: bool,
}

impl Default for Draft {
    fn default() -> Self {
        let probe = ProbeSettings { lists: no_lists(), ..ProbeSettings::default() };
        Self {
            model: String::new(),
            shape: Shape::Length,
            length: 12,
            template: String::new(),
            free: Vec::new(),
            heat: Heat::Finite,
            temperature: 0.7,
            scan: Scan::Random,
            start: StartKind::Uniform,
            from: String::new(),
            to: String::new(),
            start_sentences: Sentences::default(),
            chains: 16,
            sweeps: 100,
            every: 1,
            words: Allowed::Whole,
            typed_words: String::new(),
            seed: 1,
            analysis: TrajectorySpec::default(),
            political: true,
            lists: None,
            hits: probe.hits,
            probability: probe.probability,
            corpus: Sentences::default(),
            random_baseline: false,
        }
    }
}

fn no_lists() -> ProbeLists {
    ProbeLists { lexicon: Vec::new(), political_seeds: Vec::new(), neutral_seeds: Vec::new(), statements: Vec::new() }
}

impl Draft {
    /// Whether the model's tokens are no words, so that nothing can be political.
    pub fn is_toy(&self) -> bool {
        matches!(ModelSource::parse(self.model.trim()), Ok(ModelSource::Toy(_)))
    }

    /// Sites that move.
    pub fn sites(&self) -> u64 {
        match self.shape {
            Shape::Length => self.length as u64,
            Shape::Template => self.free.len() as u64,
        }
    }

    /// States looked at.
    pub fn snapshots(&self) -> u64 {
        self.chains.saturating_mul(self.sweeps / self.every.max(1) + 1)
    }

    /// The temperature, if it is one.
    pub fn tau(&self) -> Option<Temperature> {
        match self.heat {
            Heat::Zero => Some(Temperature::ZERO),
            Heat::Infinite => Some(Temperature::INFINITE),
            Heat::Finite => Temperature::new(self.temperature).filter(|tau| tau.get() > 0.0 && tau.get().is_finite()),
        }
    }

    /// The lists of the probe as they would be used.
    pub fn probe_lists(&self) -> ProbeLists {
        static SHIPPED: LazyLock<ProbeLists> = LazyLock::new(ProbeLists::default);
        self.lists.clone().unwrap_or_else(|| SHIPPED.clone())
    }

    /// The run the form describes now, or in one sentence what is missing.
    pub fn spec(&self, lists: &[(String, Vec<String>)]) -> Result<TrajectoriesSpec, String> {
        if self.model.trim().is_empty() {
            return Err("Choose a model first.".to_owned());
        }
        let template = match self.shape {
            Shape::Length => None,
            Shape::Template if self.template.trim().is_empty() => {
                return Err("Type the sentence of which some tokens move.".to_owned());
            }
            Shape::Template if self.free.is_empty() => {
                return Err("Click the tokens of the sentence that may move.".to_owned());
            }
            Shape::Template => Some(Template { sentence: self.template.trim().to_owned(), free: self.free.clone() }),
        };
        let Some(temperature) = self.tau() else {
            return Err("The temperature must be a number above zero.".to_owned());
        };
        let start = match self.start {
            StartKind::Uniform => StartChoice::Uniform,
            StartKind::Typed => {
                let (from, to) = (self.from.trim(), self.to.trim());
                if from.is_empty() || to.is_empty() {
                    return Err("Type the two sentences that the chains start from.".to_owned());
                }
                StartChoice::Typed(from.to_owned(), to.to_owned())
            }
            StartKind::Sentences => {
                let sentences = self.start_sentences.resolve(lists);
                if sentences.len() < 2 {
                    return Err("Pick a list of at least two sentences to start from, or type them.".to_owned());
                }
                StartChoice::Sentences(sentences)
            }
        };
        let vocabulary = match self.words {
            Allowed::Whole => Vocabulary::Whole,
            Allowed::WholeWords => Vocabulary::WholeWords,
            Allowed::Typed => {
                let typed: Vec<String> = self.typed_words.split_whitespace().map(str::to_owned).collect();
                if typed.len() < 2 {
                    return Err("Name at least two tokens that may be drawn.".to_owned());
                }
                Vocabulary::Typed(typed)
            }
        };
        let probed = self.political && !self.is_toy();
        let political = probed.then(|| ProbeSettings {
            lists: self.probe_lists(),
            hits: self.hits,
            probability: self.probability,
            seed: self.seed,
            ..ProbeSettings { lists: no_lists(), ..ProbeSettings::default() }
        });
        let spec = TrajectoriesSpec {
            version: SPEC_VERSION,
            model: self.model.trim().to_owned(),
            length: if template.is_some() { self.free.len() } else { self.length },
            temperature,
            scan: self.scan,
            start,
            chains: self.chains,
            sweeps: self.sweeps,
            every: self.every,
            vocabulary,
            template,
            analysis: TrajectorySpec { seed: self.seed, ..self.analysis.clone() },
            political,
            corpus: if probed { self.corpus.resolve(lists) } else { Vec::new() },
            random_baseline: probed && self.random_baseline,
            seed: self.seed,
        };
        spec.check().map_err(|problem| crate::ui::format::sentence(&format!("{problem}.")))?;
        Ok(spec)
    }

    /// Fills the form from a spec.
    pub fn set_spec(&mut self, spec: &TrajectoriesSpec) {
        self.model = spec.model.clone();
        match &spec.template {
            None => (self.shape, self.length) = (Shape::Length, spec.length),
            Some(template) => {
                self.shape = Shape::Template;
                (self.template, self.free) = (template.sentence.clone(), template.free.clone());
                self.free.sort_unstable();
                self.free.dedup();
            }
        }
        let tau = spec.temperature.get();
        self.heat = if tau == 0.0 {
            Heat::Zero
        } else if tau.is_infinite() {
            Heat::Infinite
        } else {
            self.temperature = tau;
            Heat::Finite
        };
        self.scan = spec.scan;
        match &spec.start {
            StartChoice::Typed(from, to) => {
                self.start = StartKind::Typed;
                (self.from, self.to) = (from.clone(), to.clone());
            }
            StartChoice::Sentences(sentences) => {
                self.start = StartKind::Sentences;
                self.start_sentences = Sentences::of(sentences);
            }
            // A single chain starts from X, which is uniform under all three.
            StartChoice::Uniform | StartChoice::Opposite | StartChoice::Neighbours => self.start = StartKind::Uniform,
        }
        (self.chains, self.sweeps, self.every) = (spec.chains, spec.sweeps, spec.every);
        match &spec.vocabulary {
            Vocabulary::Whole => self.words = Allowed::Whole,
            Vocabulary::WholeWords => self.words = Allowed::WholeWords,
            Vocabulary::Typed(tokens) => (self.words, self.typed_words) = (Allowed::Typed, tokens.join(" ")),
        }
        self.seed = spec.seed;
        self.analysis = spec.analysis.clone();
        if let Some(probe) = &spec.political {
            self.lists = (probe.lists != ProbeLists::default()).then(|| probe.lists.clone());
            (self.hits, self.probability) = (probe.hits, probe.probability);
        }
        if !self.is_toy() {
            self.political = spec.political.is_some();
            self.corpus = Sentences::of(&spec.corpus);
            self.random_baseline = spec.random_baseline;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Draft {
        Draft { model: "agora".to_owned(), ..Draft::default() }
    }

    #[test]
    fn the_reason_names_what_is_missing() {
        let check = |draft: Draft, word: &str| {
            let reason = draft.spec(&[]).expect_err("not ready");
            assert!(reason.contains(word), "{reason:?} should mention {word:?}");
        };
        check(Draft::default(), "model");
        check(Draft { shape: Shape::Template, ..ready() }, "sentence");
        check(Draft { shape: Shape::Template, template: "a b".to_owned(), ..ready() }, "Click");
        check(Draft { temperature: 0.0, ..ready() }, "temperature");
        check(Draft { start: StartKind::Typed, from: "a".to_owned(), ..ready() }, "two sentences");
        check(Draft { start: StartKind::Sentences, ..ready() }, "list");
        check(Draft { words: Allowed::Typed, typed_words: "one".to_owned(), ..ready() }, "two tokens");
        check(Draft { every: 200, ..ready() }, "snapshot");
        check(Draft { lists: Some(no_lists()), ..ready() }, "word list is empty");
    }

    #[test]
    fn a_spec_fills_the_form_that_makes_it() {
        let lists = vec![("proverbs".to_owned(), vec!["time flies".to_owned(), "art is long".to_owned()])];
        let mut draft = Draft {
            shape: Shape::Template,
            template: "the people choose".to_owned(),
            heat: Heat::Infinite,
            scan: Scan::Permutation,
            start: StartKind::Sentences,
            start_sentences: Sentences { list: Some("proverbs".to_owned()), lines: String::new() },
            words: Allowed::WholeWords,
            random_baseline: true,
            corpus: Sentences { list: Some("proverbs".to_owned()), lines: String::new() },
            seed: 7,
            ..ready()
        };
        draft.free = vec![1, 2];
        draft.analysis.components = 4;
        let spec = draft.spec(&lists).unwrap();
        assert_eq!((spec.analysis.seed, spec.length, spec.corpus.len()), (7, 2, 2));
        let mut other = Draft::default();
        other.set_spec(&spec);
        assert_eq!(other.spec(&[]).unwrap(), spec, "a run's sentences no longer need the list they came from");
    }

    #[test]
    fn toys_are_not_probed() {
        let toy = Draft { model: "ising:n=4,beta=1".to_owned(), random_baseline: true, ..Draft::default() };
        let spec = toy.spec(&[]).unwrap();
        assert!(spec.political.is_none() && !spec.random_baseline);
        let mut draft = ready();
        draft.set_spec(&spec);
        assert!(draft.political, "the choice for models that read words is kept");
    }

    #[test]
    fn drafts_survive_json_and_unknown_fields() {
        let draft = Draft { lists: Some(ProbeLists::default()), ..ready() };
        let json = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&json).unwrap(), draft);
        let partial: Draft = serde_json::from_str(r#"{"model":"agora","later":1}"#).unwrap();
        assert_eq!(partial, ready());
    }
}
