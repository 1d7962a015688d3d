//! All that a training needs to go on as if it had never stopped, in one file.
//!
//! The order of the data and the masks are functions of the seed and the step, so the step is their whole state.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use super::network::Network;
use super::optimiser::AdamW;
use super::output::write_whole;
use super::{TrainError, TrainMlmSpec, TrainingProgress, Validation};

pub(super) const FILE: &str = "checkpoint.safetensors";
/// Where in the file's metadata the state is.
const KEY: &str = "training";

/// The training apart from its tensors.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    pub(super) spec: TrainMlmSpec,
    pub(super) text_sha256: String,
    pub(super) vocabulary_sha256: String,
    /// Steps taken.
    pub(super) step: u64,
    /// Exponential mean of the training loss, begun at 0.
    pub(super) mean_loss: f64,
    pub(super) curve: Vec<TrainingProgress>,
    pub(super) validation: Vec<Validation>,
    /// Seconds spent in earlier sittings and this one.
    pub(super) seconds: f64,
}

impl State {
    /// Whether nothing is left to compute: every step taken, and the last validation made and reported.
    pub(super) fn is_finished(&self) -> bool {
        let last = self.spec.steps;
        self.step == last
            && self.validation.last().is_some_and(|validation| validation.step == last)
            && self.curve.last().is_some_and(|point| point.step == last)
    }
}

/// Writes the state, the weights and the optimiser's moments.
pub(super) fn save(folder: &Path, state: &State, network: &Network, optimiser: &AdamW) -> Result<(), TrainError> {
    let path = folder.join(FILE);
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    for ((name, var), moments) in network.parameters().into_iter().zip(&optimiser.moments) {
        let moment = |values: &[f32]| Tensor::from_slice(values, var.shape(), &Device::Cpu);
        tensors.push((format!("first/{name}"), moment(&moments.first)?));
        tensors.push((format!("second/{name}"), moment(&moments.second)?));
        tensors.push((format!("weights/{name}"), var.as_detached_tensor()));
    }
    let state = serde_json::to_string(state)
        .map_err(|e| TrainError::file(format!("the checkpoint cannot be written ({e})"), "start again", &path))?;
    let metadata = HashMap::from([(KEY.to_owned(), state)]);
    let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(candle_core::Error::from)?;
    write_whole(&path, &bytes)
}

/// A checkpoint as it was read.
pub(super) struct Checkpoint {
    pub(super) state: State,
    tensors: HashMap<String, Tensor>,
}

impl Checkpoint {
    /// The checkpoint in `folder`, if there is one.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, TrainError> {
        let path = folder.join(FILE);
        let fail = |e: String| {
            TrainError::file(
                format!("the checkpoint cannot be read ({e})"),
                "delete it to train from the start, or choose another output folder",
                &path,
            )
        };
        let bytes = match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|e| fail(e.to_string()))?,
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| fail(e.to_string()))?;
        let state = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| fail("it holds no training state".into()))?;
        let state = serde_json::from_str(state).map_err(|e| fail(e.to_string()))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| fail(e.to_string()))?;
        Ok(Some(Self { state, tensors }))
    }

    /// Refuses to go on where the settings or the text are not those the checkpoint was made with.
    pub(super) fn check(&self, folder: &Path, spec: &TrainMlmSpec, text_sha256: &str) -> Result<(), TrainError> {
        let mut differences = spec.differences(&self.state.spec);
        if text_sha256 != self.state.text_sha256 {
            differences.push("text: its content has changed".into());
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(TrainError::file(
            format!("the output folder holds a checkpoint of another training ({})", differences.join("; ")),
            "choose another output folder, or give the same settings and text to go on",
            folder,
        ))
    }

    /// Puts the weights and moments where they were.
    pub(super) fn restore(&self, folder: &Path, network: &Network, optimiser: &mut AdamW) -> Result<(), TrainError> {
        let fail = |e: String| {
            TrainError::file(
                format!("the checkpoint does not fit its own settings ({e})"),
                "delete it to train from the start",
                &folder.join(FILE),
            )
        };
        let tensor = |part: &str, name: &str, like: &Tensor| match self.tensors.get(&format!("{part}/{name}")) {
            Some(tensor) if tensor.shape() == like.shape() && tensor.dtype() == like.dtype() => Ok(tensor),
            Some(_) => Err(fail(format!("{part} of {name} have another shape"))),
            None => Err(fail(format!("{part} of {name} are missing"))),
        };
        for ((name, var), moments) in network.parameters().into_iter().zip(&mut optimiser.moments) {
            var.set(tensor("weights", &name, var)?)?;
            moments.first = tensor("first", &name, var)?.flatten_all()?.to_vec1()?;
            moments.second = tensor("second", &name, var)?.flatten_all()?.to_vec1()?;
        }
        Ok(())
    }
}
