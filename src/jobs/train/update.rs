//! How far finished trainings moved their models.

use std::path::{Path, PathBuf};

use super::{JobError, TrainSpec};
use crate::models::llama::{self, UpdateSize};
use crate::progress::Progress;

/// One training and what it left.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// What tables call it.
    pub name: String,
    /// The model before.
    pub model: String,
    /// Folder of the adapter or of the whole model after.
    pub out: PathBuf,
}

impl Moved {
    /// The training of `spec`, with relative paths inside `directory`.
    pub fn of_run(name: String, spec: &TrainSpec, directory: &Path) -> Self {
        let TrainSpec { model, out, .. } = spec.inside(directory);
        Self { name, model, out }
    }

    /// What a folder says of itself: an adapter names its model.
    ///
    /// # Errors
    /// Why the model is not known, with a remedy.
    pub fn of_folder(out: &Path) -> Result<Self, String> {
        let (name, place) = (out.display().to_string(), out.join("adapter_config.json"));
        let named = std::fs::read_to_string(&place)
            .ok()
            .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
            .and_then(|value| value["base_model_name_or_path"].as_str().map(str::to_owned));
        match named {
            Some(model) if !model.trim().is_empty() => Ok(Self { name, model, out: out.to_owned() }),
            _ => Err(format!(
                "the folder does not say which model was trained; name it with --model ({})",
                out.display()
            )),
        }
    }

    /// Measures the update.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit, or cancellation.
    pub fn measure(&self, progress: &dyn Progress) -> Result<UpdateSize, JobError> {
        let found = llama::update_size(&self.model, &self.out, progress);
        found.map_err(|error| match JobError::from(error) {
            JobError::Input(problem) => JobError::Input(format!("{}: {problem}", self.name)),
            other => other,
        })
    }
}
