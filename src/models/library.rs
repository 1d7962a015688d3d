//! Finding and loading a model by the name a user gives, and keeping it while it is in use.

use std::path::PathBuf;
use std::sync::Arc;

use crate::glauber::conditionals::{Conditionals, ModelIdentity};
use crate::progress::Progress;

/// What a model reference means. `agora` -> shipped; `./dir` or `/dir` -> folder; `owner/name[@revision]` -> hub;
/// `ising:n=6,beta=0.5` -> toy; `random:layers=2,hidden=64,vocabulary=200,seed=0` -> random-init transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A model under `assets/models`, embedded in the program.
    Shipped(String),
    /// A folder in the Hugging Face layout.
    Folder(PathBuf),
    /// A repository of a hub, at a revision (`main` if none is given).
    Hub { repository: String, revision: Option<String> },
    /// A toy backend by its text (glauber::toys), or a random-init transformer.
    Toy(String),
}

impl ModelSource {
    /// Reads a reference; an existing folder wins over a hub name.
    pub fn parse(_reference: &str) -> Result<Self, ModelError> {
        todo!()
    }
}

/// Why a model could not be had. Every message names the file, the tensor or the setting, and a remedy.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("{0}")]
    Other(String),
}

/// A model ready to be asked. Cloning shares the weights.
#[derive(Clone)]
pub struct LoadedModel {
    pub identity: ModelIdentity,
    pub conditionals: Arc<dyn Conditionals>,
}

/// Loads models and keeps the ones in use, so that a run and the window share one copy.
#[derive(Default)]
pub struct Library {}

impl Library {
    /// The model `reference` names; downloads a hub model that is not in the cache yet unless offline.
    pub fn open(&self, _reference: &str, _progress: &dyn Progress) -> Result<LoadedModel, ModelError> {
        todo!()
    }
    /// Names and one-line descriptions of the shipped models.
    pub fn shipped() -> Vec<(&'static str, &'static str)> {
        todo!()
    }
}
