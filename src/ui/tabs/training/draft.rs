//! The form as data: whose preferences, which scheme, how the training goes. Autosave and undo keep it as one JSON text.
//!
//! Numbers that have no natural steps are kept as they were typed; what is wrong with one is told beside its field.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sources::Chances;
use super::typed;
use crate::dempo::objective::{Loss, Objective};
use crate::dempo::schedule::{Budget, Mode};
use crate::dempo::scheme::Transform;
use crate::dempo::training::{Decay, LearningRate};
use crate::jobs::train::{RaterScheme, Tensors, TrainSpec};
use crate::models::llama::{ADAPTABLE, Arithmetic, LoraSettings, TemplateChoice};
use crate::store::RunRow;
use crate::ui::dialogs::expanded;

/// A scheme by name; whom it names comes from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeKind {
    Hard,
    Soft,
    #[default]
    Full,
    Pooled,
    Subset,
}

impl SchemeKind {
    pub const ALL: [Self; 5] = [Self::Hard, Self::Soft, Self::Full, Self::Pooled, Self::Subset];

    pub fn of(scheme: &RaterScheme) -> Self {
        match scheme {
            RaterScheme::Hard { .. } => Self::Hard,
            RaterScheme::Soft { .. } => Self::Soft,
            RaterScheme::Full => Self::Full,
            RaterScheme::Pooled => Self::Pooled,
            RaterScheme::Subset { .. } => Self::Subset,
        }
    }

    /// Whether it takes a panel or chances from a lottery.
    pub fn needs_lottery(self) -> bool {
        matches!(self, Self::Hard | Self::Soft)
    }
}

/// Where the panel or the chances come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LotterySource {
    #[default]
    None,
    /// A lottery of this project, and the panel that was drawn from it.
    Run(i64),
    /// A panel's audit file.
    File(String),
    /// What the run had from which the form was filled.
    Kept,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformKind {
    #[default]
    None,
    SquareRoot,
    Square,
    Clip,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetKind {
    #[default]
    Steps,
    Epochs,
    Visits,
}

/// The whole form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub preferences: String,
    pub people: String,
    pub model: String,
    pub scheme: SchemeKind,
    pub lottery: LotterySource,
    /// The scheme of a run from which the form was filled.
    pub kept: Option<RaterScheme>,
    pub subset_name: String,
    /// Ids of a subset's raters, between blanks or commas.
    pub subset: String,
    pub transform: TransformKind,
    /// Percent.
    pub clip_low: String,
    pub clip_high: String,
    pub mode: Mode,
    pub budget: BudgetKind,
    pub steps: u64,
    pub epochs: String,
    pub visits: u64,
    pub window: usize,
    pub together: usize,
    /// Percent of the raters.
    pub held_out: String,
    pub evaluate_every: u64,
    pub checkpoint_every: u64,
    pub everything: bool,
    pub rank: usize,
    pub alpha: String,
    pub rank_stabilised: bool,
    pub targets: BTreeSet<String>,
    pub ipo: bool,
    pub smoothing: String,
    pub reference_free: bool,
    pub beta: String,
    pub rate: String,
    /// Percent of the steps.
    pub warmup: String,
    pub constant: bool,
    pub longest: usize,
    pub template: TemplateChoice,
    pub arithmetic: Arithmetic,
    pub checkpointing: bool,
    pub merge: bool,
    /// One a line.
    pub questions: String,
    pub seed: u64,
    /// Empty: a folder in the project that is named after scheme and seed.
    pub out: String,
    /// Schemes that are trained alike, one run each.
    pub alike: BTreeSet<SchemeKind>,
}

impl Default for Draft {
    /// What trains the shipped model in a minute or two; the paper's settings are for models a thousand times its size.
    fn default() -> Self {
        let spec = TrainSpec::default();
        Self {
            preferences: String::new(),
            people: String::new(),
            model: "ekklesia".to_owned(),
            scheme: SchemeKind::Full,
            lottery: LotterySource::None,
            kept: None,
            subset_name: "US-Rep".to_owned(),
            subset: String::new(),
            transform: TransformKind::None,
            clip_low: "5".to_owned(),
            clip_high: "95".to_owned(),
            mode: spec.mode,
            budget: BudgetKind::Steps,
            steps: 100,
            epochs: "1".to_owned(),
            visits: 3200,
            window: 16,
            together: spec.together,
            held_out: "10".to_owned(),
            evaluate_every: 20,
            checkpoint_every: 20,
            everything: false,
            rank: 16,
            alpha: "32".to_owned(),
            rank_stabilised: false,
            targets: ADAPTABLE.map(str::to_owned).into(),
            ipo: false,
            smoothing: "0".to_owned(),
            reference_free: false,
            beta: "0.1".to_owned(),
            rate: "1e-3".to_owned(),
            warmup: "10".to_owned(),
            constant: false,
            longest: 256,
            template: spec.template,
            arithmetic: spec.arithmetic,
            checkpointing: false,
            merge: false,
            questions: String::new(),
            seed: 0,
            out: String::new(),
            alike: [SchemeKind::Hard, SchemeKind::Soft, SchemeKind::Full].into(),
        }
    }
}

impl Draft {
    /// The form that describes `spec`.
    pub fn of(spec: &TrainSpec) -> Self {
        let path = |path: &std::path::Path| path.display().to_string();
        let mut draft = Self {
            preferences: path(&spec.preferences),
            people: spec.people.as_deref().map(path).unwrap_or_default(),
            model: spec.model.clone(),
            scheme: SchemeKind::of(&spec.scheme),
            mode: spec.mode,
            window: spec.window,
            together: spec.together,
            held_out: typed::percent(spec.held_out),
            evaluate_every: spec.evaluate_every,
            checkpoint_every: spec.checkpoint_every,
            everything: spec.tensors == Tensors::Everything,
            ipo: spec.objective.loss == Loss::Ipo,
            reference_free: spec.objective.reference_free,
            beta: spec.objective.beta.to_string(),
            rate: typed::scientific(spec.learning_rate.highest),
            warmup: typed::percent(spec.learning_rate.warmup),
            constant: spec.learning_rate.decay == Decay::Constant,
            longest: spec.longest,
            template: spec.template,
            arithmetic: spec.arithmetic,
            checkpointing: spec.checkpointing,
            merge: spec.merge,
            questions: spec.sample_prompts.join("\n"),
            seed: spec.seed,
            out: path(&spec.out),
            ..Self::default()
        };
        if draft.scheme.needs_lottery() {
            (draft.lottery, draft.kept) = (LotterySource::Kept, Some(spec.scheme.clone()));
        }
        if let RaterScheme::Subset { name, raters } = &spec.scheme {
            (draft.subset_name, draft.subset) = (name.clone(), raters.join("\n"));
        }
        match spec.transform {
            Transform::None => {}
            Transform::SquareRoot => draft.transform = TransformKind::SquareRoot,
            Transform::Square => draft.transform = TransformKind::Square,
            Transform::Clip { low, high } => {
                draft.transform = TransformKind::Clip;
                (draft.clip_low, draft.clip_high) = (typed::percent(low), typed::percent(high));
            }
        }
        match spec.budget {
            Budget::EqualSteps(steps) => (draft.budget, draft.steps) = (BudgetKind::Steps, steps),
            Budget::EqualEpochs(epochs) => (draft.budget, draft.epochs) = (BudgetKind::Epochs, epochs.to_string()),
            Budget::EqualVisits(visits) => (draft.budget, draft.visits) = (BudgetKind::Visits, visits),
        }
        if let Tensors::Adapter(lora) = &spec.tensors {
            (draft.rank, draft.alpha) = (lora.rank, lora.alpha.to_string());
            (draft.rank_stabilised, draft.targets) = (lora.rank_stabilised, lora.targets.clone());
        }
        if let Loss::Sigmoid { label_smoothing } = spec.objective.loss {
            draft.smoothing = label_smoothing.to_string();
        }
        draft
    }

    /// Whom a scheme counts, or what is missing for it.
    pub fn rater_scheme(
        &self,
        kind: SchemeKind,
        chances: Option<&Result<Chances, String>>,
    ) -> Result<RaterScheme, String> {
        if kind.needs_lottery() {
            if self.lottery == LotterySource::Kept {
                let kept = self.kept.clone().filter(|kept| SchemeKind::of(kept) == kind);
                return kept.ok_or_else(|| "The run had no such lottery: choose one of the Panel tab.".to_owned());
            }
            let chances = match chances {
                _ if self.lottery == LotterySource::None => {
                    return Err("Choose a lottery: it says who is on the panel, and with what chance.".to_owned());
                }
                None => return Err("The lottery is being read.".to_owned()),
                Some(Err(problem)) => return Err(crate::ui::format::sentence(problem)),
                Some(Ok(chances)) => chances,
            };
            return match (kind, &chances.panel) {
                (SchemeKind::Soft, _) => Ok(RaterScheme::Soft { inclusion: chances.inclusion.clone() }),
                (_, Some(panel)) => Ok(RaterScheme::Hard { panel: panel.clone() }),
                (_, None) => Err(
                    "Nothing was drawn from this lottery yet: draw a panel in the Panel tab, or train on its chances (Soft)."
                        .to_owned(),
                ),
            };
        }
        match kind {
            SchemeKind::Pooled => Ok(RaterScheme::Pooled),
            SchemeKind::Subset => {
                let raters = typed::ids(&self.subset);
                if raters.is_empty() {
                    return Err("Name the raters of the subset, such as PRISM's balanced sample of the United States."
                        .to_owned());
                }
                let name = self.subset_name.trim();
                let name = if name.is_empty() { "Subset" } else { name }.to_owned();
                Ok(RaterScheme::Subset { name, raters })
            }
            _ => Ok(RaterScheme::Full),
        }
    }

    pub fn transform(&self) -> Result<Transform, String> {
        Ok(match self.transform {
            TransformKind::None => Transform::None,
            TransformKind::SquareRoot => Transform::SquareRoot,
            TransformKind::Square => Transform::Square,
            TransformKind::Clip => {
                let (low, high) = (typed::share(&self.clip_low)?, typed::share(&self.clip_high)?);
                if low >= high {
                    return Err("The lower percentile has to be below the upper one.".to_owned());
                }
                Transform::Clip { low, high }
            }
        })
    }

    fn budget(&self) -> Result<Budget, String> {
        Ok(match self.budget {
            BudgetKind::Steps => Budget::EqualSteps(self.steps),
            BudgetKind::Epochs => Budget::EqualEpochs(typed::positive(&self.epochs)?),
            BudgetKind::Visits => Budget::EqualVisits(self.visits),
        })
    }

    /// The name of a scheme's folder, `soft-0`.
    fn folder(&self, kind: SchemeKind) -> String {
        let name = match kind {
            SchemeKind::Hard => "hard".to_owned(),
            SchemeKind::Soft => "soft".to_owned(),
            SchemeKind::Full => "full".to_owned(),
            SchemeKind::Pooled => "pooled".to_owned(),
            SchemeKind::Subset => {
                let lower = self.subset_name.trim().to_lowercase();
                lower.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect()
            }
        };
        format!("{name}-{}", self.seed)
    }

    /// The training of a scheme by everything else that the form says. `runs` tells which folders are taken.
    ///
    /// # Errors
    /// The first thing that is missing or cannot be, as a sentence.
    pub fn spec(
        &self,
        kind: SchemeKind,
        chances: Option<&Result<Chances, String>>,
        runs: &[RunRow],
    ) -> Result<TrainSpec, String> {
        let field = |name: &'static str| move |problem: String| format!("{name}: {problem}");
        if self.preferences.trim().is_empty() {
            return Err("Choose preferences first, or make a sample population.".to_owned());
        }
        let scheme = self.rater_scheme(kind, chances)?;
        let tensors = if self.everything {
            Tensors::Everything
        } else {
            let alpha = typed::positive(&self.alpha).map_err(field("Alpha"))?;
            Tensors::Adapter(LoraSettings {
                rank: self.rank,
                alpha,
                rank_stabilised: self.rank_stabilised,
                targets: self.targets.clone(),
            })
        };
        let loss = match self.ipo {
            true => Loss::Ipo,
            false => {
                Loss::Sigmoid { label_smoothing: typed::smoothing(&self.smoothing).map_err(field("Label smoothing"))? }
            }
        };
        let people = self.people.trim();
        let mut spec = TrainSpec {
            model: self.model.trim().to_owned(),
            preferences: expanded(self.preferences.trim()),
            people: (!people.is_empty()).then(|| expanded(people)),
            out: expanded(self.out.trim()),
            scheme,
            transform: self.transform().map_err(field("Clipping"))?,
            mode: self.mode,
            budget: self.budget().map_err(field("Epochs"))?,
            window: self.window,
            together: self.together.min(self.window),
            held_out: typed::held_out(&self.held_out).map_err(field("Held-out raters"))?,
            evaluate_every: self.evaluate_every,
            objective: Objective {
                loss,
                beta: typed::positive(&self.beta).map_err(field("Beta"))?,
                reference_free: self.reference_free,
            },
            tensors,
            learning_rate: LearningRate {
                highest: typed::positive(&self.rate).map_err(field("Learning rate"))?,
                warmup: typed::share(&self.warmup).map_err(field("Warm-up"))?,
                decay: if self.constant { Decay::Constant } else { Decay::Linear },
            },
            longest: self.longest,
            template: self.template,
            arithmetic: self.arithmetic,
            checkpointing: self.checkpointing,
            checkpoint_every: self.checkpoint_every,
            merge: self.merge,
            sample_prompts: self
                .questions
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
            seed: self.seed,
            ..TrainSpec::default()
        };
        if spec.out.as_os_str().is_empty() || (kind != self.scheme) {
            spec.out = self.free_folder(kind, &spec, runs);
        }
        spec.check().map_err(|problem| crate::ui::format::sentence(&problem))?;
        Ok(spec)
    }

    /// A folder in the project that no other training has; that of an equal one, which it goes on with.
    fn free_folder(&self, kind: SchemeKind, spec: &TrainSpec, runs: &[RunRow]) -> PathBuf {
        use crate::jobs::spec::RunSpec;
        let stem = format!("training/{}", self.folder(kind));
        let names = (1..).map(|number| match number {
            1 => PathBuf::from(&stem),
            number => PathBuf::from(format!("{stem}-{number}")),
        });
        let takes = |out: &PathBuf| {
            let wanted = TrainSpec { out: out.clone(), ..spec.clone() };
            runs.iter().any(|run| matches!(&run.spec, RunSpec::Train(other) if other.out == *out && *other != wanted))
        };
        names.into_iter().find(|out| !takes(out)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_and_its_spec_tell_the_same() {
        let draft = Draft { preferences: "p.jsonl".into(), beta: "0.2".into(), out: "o".into(), ..Draft::default() };
        let spec = draft.spec(SchemeKind::Full, None, &[]).unwrap();
        assert_eq!((spec.objective.beta, spec.held_out, spec.learning_rate.highest), (0.2, 0.1, 1e-3));
        let again = Draft::of(&spec);
        assert_eq!(again.spec(SchemeKind::Full, None, &[]).unwrap(), spec);
        let hard = TrainSpec { scheme: RaterScheme::Hard { panel: vec!["a".into()] }, ..spec.clone() };
        assert_eq!(Draft::of(&hard).spec(SchemeKind::Hard, None, &[]).unwrap(), hard);
        let clipped = TrainSpec { transform: Transform::Clip { low: 0.05, high: 0.95 }, ..spec.clone() };
        assert_eq!(Draft::of(&clipped).spec(SchemeKind::Full, None, &[]).unwrap(), clipped);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let told = |draft: Draft, kind| draft.spec(kind, None, &[]).unwrap_err();
        let whole = Draft { preferences: "p.jsonl".into(), ..Draft::default() };
        assert!(told(Draft::default(), SchemeKind::Full).starts_with("Choose preferences"));
        assert!(told(whole.clone(), SchemeKind::Hard).starts_with("Choose a lottery"));
        assert!(told(whole.clone(), SchemeKind::Subset).starts_with("Name the raters"));
        assert!(told(Draft { beta: "x".into(), ..whole.clone() }, SchemeKind::Full).starts_with("Beta: "));
        assert!(told(Draft { smoothing: "0.5".into(), ..whole.clone() }, SchemeKind::Full).contains("below 0.5"));
        assert!(told(Draft { held_out: "100".into(), ..whole }, SchemeKind::Full).starts_with("Held-out"));
    }
}
