//! What a training is told to do, and which settings cannot be.

use std::path::PathBuf;

use super::TrainError;

/// What `train-mlm` does; the whole of it, for reproduction.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrainMlmSpec {
    pub version: u32,
    /// Plain text, one paragraph per line; relative paths are inside the project.
    pub text: PathBuf,
    /// Folder that receives the model in the Hugging Face layout, its checkpoints and its loss curve.
    pub out: PathBuf,
    pub vocabulary: u32,
    pub hidden: u32,
    pub layers: u32,
    pub heads: u32,
    pub intermediate: u32,
    /// Longest piece in tokens, with start and end tokens.
    pub length: u32,
    /// Pieces per step.
    pub batch: u32,
    pub steps: u64,
    pub learning_rate: f64,
    pub warmup_steps: u64,
    pub weight_decay: f64,
    /// Share of tokens masked.
    pub masked: f64,
    /// Share of paragraphs held out for validation.
    pub validation: f64,
    /// Steps between validations, and between checkpoints.
    pub validate_every: u64,
    pub checkpoint_every: u64,
    pub seed: u64,
}

impl Default for TrainMlmSpec {
    /// A model of about 1.2 million weights, minutes to train on one core; the paths are for the caller to fill in.
    fn default() -> Self {
        Self {
            version: 1,
            text: PathBuf::new(),
            out: PathBuf::new(),
            vocabulary: 4096,
            hidden: 128,
            layers: 3,
            heads: 4,
            intermediate: 512,
            length: 64,
            batch: 64,
            steps: 2000,
            learning_rate: 1e-3,
            warmup_steps: 100,
            weight_decay: 0.01,
            masked: 0.15,
            validation: 0.02,
            validate_every: 250,
            checkpoint_every: 250,
            seed: 0,
        }
    }
}

impl TrainMlmSpec {
    /// The first setting that cannot be, with what to do about it.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let fail = |problem: String, remedy: &str| Err(TrainError::setting(problem, remedy));
        if self.version != 1 {
            return fail(
                format!("this program trains by settings of version 1, not {}", self.version),
                "use the program version that wrote them, or set the version to 1",
            );
        }
        let counts = [
            ("layers", u64::from(self.layers)),
            ("heads", u64::from(self.heads)),
            ("hidden", u64::from(self.hidden)),
            ("intermediate", u64::from(self.intermediate)),
            ("batch", u64::from(self.batch)),
            ("steps", self.steps),
            ("validate_every", self.validate_every),
            ("checkpoint_every", self.checkpoint_every),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return fail(format!("{name} is 0"), "it has to be at least 1");
        }
        if !self.hidden.is_multiple_of(self.heads) {
            return fail(
                format!("hidden size {} is not a multiple of {} heads", self.hidden, self.heads),
                "choose a hidden size that the heads divide",
            );
        }
        if self.length < 3 || self.length > 4096 {
            return fail(
                format!("length is {}", self.length),
                "it has to be from 3 (start, one token, end) to 4096 tokens",
            );
        }
        if self.vocabulary < 16 || self.vocabulary > 1_000_000 {
            return fail(format!("vocabulary is {}", self.vocabulary), "it has to be from 16 to 1,000,000 tokens");
        }
        if self.warmup_steps >= self.steps {
            return fail(
                format!("warm-up takes {} of {} steps", self.warmup_steps, self.steps),
                "leave steps after the warm-up",
            );
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return fail(format!("learning rate is {}", self.learning_rate), "it has to be above 0; 0.001 is usual");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return fail(format!("weight decay is {}", self.weight_decay), "it has to be 0 or above; 0.01 is usual");
        }
        for (name, share) in [("masked", self.masked), ("validation", self.validation)] {
            if !(share > 0.0 && share < 1.0) {
                return fail(format!("{name} is {share}"), "it is a share above 0 and below 1");
            }
        }
        if self.text.as_os_str().is_empty() {
            return fail("no text is named".into(), "name a plain text file with one paragraph per line");
        }
        if self.out.as_os_str().is_empty() {
            return fail("no output folder is named".into(), "name a folder for the model");
        }
        Ok(())
    }

    /// The settings in which `self` and `other` differ, as "name: mine, theirs". Paths do not count: a project may have
    /// moved, and the text is compared by its content.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |spec: &Self| match serde_json::to_value(spec) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (mine, theirs) = (fields(self), fields(other));
        mine.iter()
            .filter(|(name, value)| *name != "text" && *name != "out" && theirs.get(*name) != Some(value))
            .map(|(name, value)| {
                format!("{name}: {value} now, {} then", theirs.get(name).unwrap_or(&serde_json::Value::Null))
            })
            .collect()
    }
}
