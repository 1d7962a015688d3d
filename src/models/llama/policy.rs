//! A Llama as the policy of a training, and its whole state as one file.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::network::{BranchLaw, Keep, Network, TokenTree};
use super::optimiser::AdamW;
use crate::dempo::gradients::Differentiable;
use crate::dempo::objective::PairLogProbs;
use crate::dempo::training::{PairLaw, Policy, PolicyError};
use crate::formats::whole_file;
use crate::models::error::ModelError;

/// Where in the file's metadata the caller's part of the state is.
const KEY: &str = "training";

/// Gives a pair's prompt and its two answers, by its place.
pub type PairTokens<'a> = dyn Fn(usize) -> Result<TokenTree, String> + 'a;

/// A network in training.
pub struct LlamaPolicy<'a> {
    pub network: Network,
    pub optimiser: AdamW,
    pub keep: Keep,
    pub tokens: Box<PairTokens<'a>>,
}

impl From<ModelError> for PolicyError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            ModelError::NonFinite { .. } => Self::Diverged(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Pairs out of chosen and rejected branches.
pub(super) fn pair_laws(branches: &[BranchLaw]) -> Vec<PairLaw> {
    branches
        .chunks_exact(2)
        .map(|pair| PairLaw {
            log_probs: PairLogProbs {
                chosen: pair[0].log_prob,
                rejected: pair[1].log_prob,
                chosen_tokens: pair[0].tokens,
                rejected_tokens: pair[1].tokens,
            },
            entropy: pair[0].entropy / pair[0].tokens.max(1) as f64,
        })
        .collect()
}

impl LlamaPolicy<'_> {
    fn trees(&self, pairs: &[usize]) -> Result<Vec<TokenTree>, PolicyError> {
        pairs.iter().map(|&pair| (self.tokens)(pair).map_err(PolicyError::Failed)).collect()
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.optimiser.steps
    }

    /// Writes weights, moments and `state` so that a crash leaves the old file or the new one.
    ///
    /// # Errors
    /// [`ModelError`] naming the file.
    pub fn save(&self, path: &Path, state: &impl Serialize) -> Result<(), ModelError> {
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        let mut add = |part: &str, name: &str, tensor: &Tensor| -> Result<(), ModelError> {
            tensors.push((format!("{part}/{name}"), tensor.to_device(&Device::Cpu)?.contiguous()?));
            Ok(())
        };
        for (at, parameter) in self.network.parameters.list().iter().enumerate() {
            add("weights", &parameter.name, &parameter.value)?;
            add("first", &parameter.name, &self.optimiser.first[at])?;
            add("second", &parameter.name, &self.optimiser.second[at])?;
        }
        let state =
            serde_json::to_string(&(self.optimiser.steps, state)).map_err(|e| ModelError::Other(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), state)]);
        let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(candle_core::Error::from)?;
        whole_file::write(path, &bytes).map_err(|e| ModelError::Unreadable {
            path: path.to_owned(),
            problem: format!("the checkpoint cannot be written: {e}"),
            remedy: "Free some space, or choose another folder".into(),
        })
    }

    /// Puts weights and moments where they were when the file was saved, and returns the caller's part of the state;
    /// `None` where there is no file.
    ///
    /// # Errors
    /// [`ModelError`] where the file is damaged or is another network's.
    pub fn restore<S: DeserializeOwned>(&mut self, path: &Path) -> Result<Option<S>, ModelError> {
        let fail = |problem: String| ModelError::Unreadable {
            path: path.to_owned(),
            problem: format!("the checkpoint cannot be used: {problem}"),
            remedy: "Delete it to train from the start, or choose another output folder".into(),
        };
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|e| fail(e.to_string()))?,
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| fail(e.to_string()))?;
        let text = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| fail("it holds no training".into()))?;
        let (steps, state) = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| fail(e.to_string()))?;
        let mut values = Vec::new();
        for parameter in self.network.parameters.list() {
            for part in ["weights", "first", "second"] {
                let name = format!("{part}/{}", parameter.name);
                let tensor = tensors.get(&name).ok_or_else(|| fail(format!("{name} is missing")))?;
                if tensor.shape() != parameter.value.shape() || tensor.dtype() != parameter.value.dtype() {
                    return Err(fail(format!("{name} has another shape or type")));
                }
                values.push(tensor.to_device(&self.network.device)?);
            }
        }
        let mut values = values.into_iter();
        for at in 0..self.network.parameters.list().len() {
            if let (Some(weights), Some(first), Some(second)) = (values.next(), values.next(), values.next()) {
                self.network.parameters.set(at, weights);
                self.optimiser.first[at] = first;
                self.optimiser.second[at] = second;
            }
        }
        self.network.parameters.clear_gradients();
        self.optimiser.steps = steps;
        Ok(Some(state))
    }
}

impl Policy for LlamaPolicy<'_> {
    fn laws(&mut self, pairs: &[usize], reference: bool) -> Result<Vec<PairLaw>, PolicyError> {
        let trees = self.trees(pairs)?;
        Ok(pair_laws(&self.network.pass(&trees, Keep::Inputs, !reference)?.branches()))
    }

    fn learn(
        &mut self,
        pairs: &[usize],
        slopes: &mut dyn FnMut(&[PairLaw]) -> Vec<[f64; 2]>,
    ) -> Result<Vec<PairLaw>, PolicyError> {
        let trees = self.trees(pairs)?;
        let pass = self.network.pass(&trees, self.keep, true)?;
        let laws = pair_laws(&pass.branches());
        let slopes: Vec<f64> = slopes(&laws).into_iter().flatten().collect();
        self.network.backward(pass, &slopes)?;
        Ok(laws)
    }

    fn step(&mut self, learning_rate: f64) -> Result<f64, PolicyError> {
        self.optimiser.step(&mut self.network, learning_rate).map_err(|error| match error {
            ModelError::Other(problem) => PolicyError::Diverged(problem),
            other => other.into(),
        })
    }
}

impl Differentiable for LlamaPolicy<'_> {
    fn take_gradient(&mut self) -> Result<Vec<f64>, PolicyError> {
        let failed = |error: candle_core::Error| PolicyError::Failed(error.to_string());
        let mut all = Vec::new();
        for gradient in self.network.parameters.take_gradients().map_err(failed)? {
            let numbers = gradient.flatten_all().and_then(|flat| flat.to_dtype(DType::F64)?.to_vec1::<f64>());
            all.extend(numbers.map_err(failed)?);
        }
        Ok(all)
    }
}
