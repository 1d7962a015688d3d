//! What a preference training is told to do, and which settings cannot be.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::dempo::objective::Objective;
use crate::dempo::schedule::{Budget, Mode};
use crate::dempo::scheme::{Scheme, Transform};
use crate::dempo::training::LearningRate;
use crate::models::llama::{AdamWSettings, Arithmetic, LoraSettings, TemplateChoice};

/// Whose preferences count how much, by the raters' own ids.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case")]
pub enum RaterScheme {
    /// Every member of one panel alike.
    Hard { panel: Vec<String> },
    /// Everybody by the chance to be on the panel; who is not named has none.
    Soft { inclusion: BTreeMap<String, f64> },
    /// Every rater alike.
    Full,
    /// Every pair alike.
    Pooled,
    /// Every pair of some raters alike, such as PRISM's balanced sample of the United States.
    Subset { name: String, raters: Vec<String> },
}

impl RaterScheme {
    /// `Hard Panel`, `Soft Panel`, …: what a figure calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Hard { .. } => "Hard Panel",
            Self::Soft { .. } => "Soft Panel",
            Self::Full => "Full",
            Self::Pooled => "Pooled",
            Self::Subset { name, .. } => name,
        }
    }

    /// The scheme over places among `raters`, and how many of the people it names have no preferences there.
    pub(super) fn resolve(&self, raters: &[String]) -> (Scheme, usize) {
        let places: HashMap<&str, u32> = raters.iter().map(String::as_str).zip(0..).collect();
        let known = |ids: &[String]| {
            let found: Vec<u32> = ids.iter().filter_map(|id| places.get(id.as_str()).copied()).collect();
            let missing = ids.len() - found.len();
            (found, missing)
        };
        match self {
            Self::Hard { panel } => {
                let (panel, missing) = known(panel);
                (Scheme::Hard { panel }, missing)
            }
            Self::Soft { inclusion } => {
                let chances = raters.iter().map(|id| inclusion.get(id).copied().unwrap_or(0.0)).collect();
                let missing =
                    inclusion.iter().filter(|(id, chance)| **chance > 0.0 && !places.contains_key(id.as_str())).count();
                (Scheme::Soft { inclusion: chances }, missing)
            }
            Self::Full => (Scheme::Full, 0),
            Self::Pooled => (Scheme::Pooled, 0),
            Self::Subset { raters, .. } => {
                let (raters, missing) = known(raters);
                (Scheme::Subset { raters }, missing)
            }
        }
    }
}

/// Which tensors are trained.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "train", rename_all = "kebab-case")]
pub enum Tensors {
    Adapter(LoraSettings),
    /// All of them, as the paper does; for small models.
    Everything,
}

/// What `train run` does; the whole of it, for reproduction. Relative paths are inside the project.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    pub version: u32,
    /// Shipped name, folder or hub name of a Llama.
    pub model: String,
    /// Preferences, as `preferences import` writes them.
    pub preferences: PathBuf,
    /// A table of the raters with their attributes, for accuracy by group; none leaves groups out.
    pub people: Option<PathBuf>,
    /// Folder that receives the adapter or model, the checkpoint and the reports.
    pub out: PathBuf,
    pub scheme: RaterScheme,
    pub transform: Transform,
    pub mode: Mode,
    pub budget: Budget,
    /// B: pairs per step.
    pub window: usize,
    /// Pairs computed at once.
    pub together: usize,
    /// Share of the raters held out for evaluation.
    pub held_out: f64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    pub objective: Objective,
    pub tensors: Tensors,
    pub optimiser: AdamWSettings,
    pub learning_rate: LearningRate,
    /// Longest prompt with its longer answer, in tokens.
    pub longest: usize,
    pub template: TemplateChoice,
    pub arithmetic: Arithmetic,
    /// Keeps only the inputs of layers for the way back: less memory, half as much time again.
    pub checkpointing: bool,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Also writes the whole model with the adapter merged in.
    pub merge: bool,
    /// Questions answered at every evaluation.
    pub sample_prompts: Vec<String>,
    pub seed: u64,
}

impl Default for TrainSpec {
    /// The paper's settings (dempo.md section 5.5) with an adapter, whose rate is ten times that of all tensors; the model,
    /// the files and the scheme are for the caller to fill in.
    fn default() -> Self {
        Self {
            version: 1,
            model: String::new(),
            preferences: PathBuf::new(),
            people: None,
            out: PathBuf::new(),
            scheme: RaterScheme::Full,
            transform: Transform::None,
            mode: Mode::ImportanceSampling,
            budget: Budget::EqualSteps(3538),
            window: 32,
            together: 4,
            held_out: 0.02,
            evaluate_every: 100,
            objective: Objective::default(),
            tensors: Tensors::Adapter(LoraSettings::default()),
            optimiser: AdamWSettings::default(),
            learning_rate: LearningRate { highest: 5e-5, ..LearningRate::default() },
            longest: 3072,
            template: TemplateChoice::Auto,
            arithmetic: Arithmetic::Auto,
            checkpointing: false,
            checkpoint_every: 100,
            merge: false,
            sample_prompts: Vec::new(),
            seed: 0,
        }
    }
}

impl TrainSpec {
    /// The first setting that cannot be, with what to do about it.
    pub fn check(&self) -> Result<(), String> {
        if self.version != 1 {
            return Err(format!(
                "this program trains by settings of version 1, not {}; use the program that wrote them, or set the version to 1",
                self.version
            ));
        }
        let texts = [
            ("model", self.model.trim().is_empty(), "a shipped name (ekklesia), a folder or a hub name"),
            ("preferences", self.preferences.as_os_str().is_empty(), "a file that `preferences import` wrote"),
            ("out", self.out.as_os_str().is_empty(), "a folder for the adapter and the reports"),
        ];
        if let Some((name, _, remedy)) = texts.iter().find(|(_, empty, _)| *empty) {
            return Err(format!("no {name} is named; give {remedy}"));
        }
        let counts = [
            ("window", self.window as u64),
            ("together", self.together as u64),
            ("evaluate_every", self.evaluate_every),
            ("checkpoint_every", self.checkpoint_every),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(format!("{name} is 0; it has to be at least 1"));
        }
        if self.longest < 8 {
            return Err(format!("longest is {}; a prompt and an answer need at least 8 tokens", self.longest));
        }
        if let RaterScheme::Hard { panel } = &self.scheme
            && panel.is_empty()
        {
            return Err("the panel is empty; draw one in the Panel tab, or name its members".into());
        }
        if let Tensors::Adapter(lora) = &self.tensors {
            if lora.rank == 0 || lora.targets.is_empty() {
                return Err("the adapter has nothing to train; give it a rank of at least 1 and some matrices".into());
            }
            if !(lora.alpha.is_finite() && lora.alpha > 0.0) {
                return Err(format!("alpha is {}; it has to be above 0, and twice the rank is usual", lora.alpha));
            }
            let known = crate::models::llama::ADAPTABLE;
            if let Some(unknown) = lora.targets.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(format!("{unknown:?} is no matrix of a Llama; there are {}", known.join(", ")));
            }
        }
        let AdamWSettings { beta1, beta2, epsilon, weight_decay, longest_gradient } = self.optimiser;
        for (name, beta) in [("beta1", beta1), ("beta2", beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(format!("{name} of the optimiser is {beta}; it has to be from 0 to below 1"));
            }
        }
        if !(epsilon > 0.0 && weight_decay >= 0.0 && epsilon.is_finite() && weight_decay.is_finite()) {
            return Err("the optimiser needs an epsilon above 0 and a weight decay of at least 0".into());
        }
        if longest_gradient.is_some_and(|longest| longest.is_nan() || longest <= 0.0) {
            return Err("the longest gradient has to be above 0; leave it out to shorten none".into());
        }
        self.objective.check()?;
        self.learning_rate.check()
    }

    /// The same training with paths that hold outside the project in `directory`.
    pub fn inside(&self, directory: &std::path::Path) -> Self {
        let model = match self.model.strip_prefix("./") {
            Some(rest) => directory.join(rest).display().to_string(),
            None => self.model.clone(),
        };
        Self {
            model,
            preferences: directory.join(&self.preferences),
            people: self.people.as_deref().map(|people| directory.join(people)),
            out: directory.join(&self.out),
            ..self.clone()
        }
    }

    /// The settings in which `self` and `other` differ, as "name: mine, theirs". Paths do not count: a project may have
    /// moved, and files are compared by their content.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |spec: &Self| match serde_json::to_value(spec) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (mine, theirs) = (fields(self), fields(other));
        mine.iter()
            .filter(|(name, value)| {
                !["model", "preferences", "people", "out"].contains(&name.as_str()) && theirs.get(*name) != Some(value)
            })
            .map(|(name, value)| {
                format!("{name}: {value} now, {} then", theirs.get(name).unwrap_or(&serde_json::Value::Null))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TrainSpec {
        TrainSpec { model: "m".into(), preferences: "p".into(), out: "o".into(), ..TrainSpec::default() }
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        assert_eq!(spec().check(), Ok(()));
        let cases: [(TrainSpec, &str); 7] = [
            (TrainSpec { model: " ".into(), ..spec() }, "model"),
            (TrainSpec { window: 0, ..spec() }, "window"),
            (TrainSpec { longest: 3, ..spec() }, "longest"),
            (TrainSpec { scheme: RaterScheme::Hard { panel: vec![] }, ..spec() }, "panel is empty"),
            (TrainSpec { version: 2, ..spec() }, "version 1"),
            (TrainSpec { objective: Objective { beta: -1.0, ..Objective::default() }, ..spec() }, "beta"),
            (
                TrainSpec {
                    tensors: Tensors::Adapter(LoraSettings {
                        targets: ["c_attn".into()].into(),
                        ..LoraSettings::default()
                    }),
                    ..spec()
                },
                "c_attn",
            ),
        ];
        for (spec, named) in cases {
            let error = spec.check().unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_scheme_finds_its_raters_by_name() {
        let raters = ["x", "y", "z"].map(String::from);
        let hard = RaterScheme::Hard { panel: vec!["z".into(), "nobody".into()] };
        assert_eq!(hard.resolve(&raters), (Scheme::Hard { panel: vec![2] }, 1));
        let soft = RaterScheme::Soft { inclusion: [("y".into(), 0.5), ("gone".into(), 0.0)].into() };
        assert_eq!(soft.resolve(&raters), (Scheme::Soft { inclusion: vec![0.0, 0.5, 0.0] }, 0));
    }

    #[test]
    fn a_spec_survives_its_file_and_unknown_settings_are_refused() {
        let text = serde_json::to_string(&spec()).unwrap();
        assert_eq!(serde_json::from_str::<TrainSpec>(&text).unwrap(), spec());
        assert!(serde_json::from_str::<TrainSpec>(r#"{"model":"m","lerning_rate":1}"#).is_err());
        let other = TrainSpec { seed: 4, out: "elsewhere".into(), ..spec() };
        assert_eq!(spec().differences(&other), ["seed: 0 now, 4 then"]);
    }
}
