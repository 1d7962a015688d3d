//! Adapters and merged weights as files: PEFT's layout in and out (PEFT 0.21), safetensors in Hugging Face's layout.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::config::LlamaConfig;
use super::network::{ADAPTABLE, LoraSettings, Network};
use super::text::TemplateChoice;
use crate::formats::whole_file;
use crate::models::error::ModelError;
use crate::progress::Progress;
use crate::statistics::Stream;

const CONFIG: &str = "adapter_config.json";
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";

/// PEFT's first A: uniform within 1/sqrt(in). A tensor depends on the seed and its own name only.
pub(super) fn initial_a(rank: usize, inner: usize, seed: u64, name: &str) -> Result<Tensor, ModelError> {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
    let (mut stream, bound) = (Stream::new(seed, number), 1.0 / (inner as f64).sqrt());
    let values: Vec<f64> = (0..rank * inner).map(|_| bound * (2.0 * stream.unit() - 1.0)).collect();
    Ok(Tensor::from_vec(values, (rank, inner), &Device::Cpu)?)
}

pub(super) fn unreadable(path: &Path, problem: impl Into<String>, remedy: &str) -> ModelError {
    ModelError::Unreadable { path: path.to_owned(), problem: problem.into(), remedy: remedy.to_owned() }
}

/// The settings of the adapter in `folder`.
///
/// # Errors
/// [`ModelError::Unreadable`] for a file that cannot be read, [`ModelError::Config`] for a kind of adapter that this
/// program does not have: what changes the result is read or refused.
pub fn read_settings(folder: &Path) -> Result<LoraSettings, ModelError> {
    let path = folder.join(CONFIG);
    let text = std::fs::read_to_string(&path).map_err(|e| {
        unreadable(&path, format!("the adapter's settings cannot be read: {e}"), "Take the whole folder PEFT saved")
    })?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|e| unreadable(&path, format!("the adapter's settings are damaged: {e}"), "Fetch the file again"))?;
    let refuse =
        |setting: &str, problem: String| ModelError::Config { setting: format!("adapter: {setting}"), problem };
    let kind = value["peft_type"].as_str().unwrap_or_default();
    if kind != "LORA" {
        return Err(refuse("peft_type", format!("is {kind:?}; only LORA adapters are read")));
    }
    for flag in ["use_dora", "fan_in_fan_out", "lora_bias"] {
        if value[flag].as_bool().unwrap_or(false) {
            return Err(refuse(flag, "is true, which this program does not have".into()));
        }
    }
    if !matches!(value["bias"].as_str(), None | Some("none")) {
        return Err(refuse("bias", format!("is {}; only \"none\" is read", value["bias"])));
    }
    for patterns in ["rank_pattern", "alpha_pattern"] {
        if value[patterns].as_object().is_some_and(|patterns| !patterns.is_empty()) {
            return Err(refuse(patterns, "is set; one rank and one alpha for all matrices are read".into()));
        }
    }
    if value["modules_to_save"].as_array().is_some_and(|list| !list.is_empty()) {
        return Err(refuse("modules_to_save", "is set; only low-rank updates are read".into()));
    }
    let rank = value["r"].as_u64().filter(|r| (1..=65_536).contains(r));
    let rank = rank.ok_or_else(|| refuse("r", format!("is {}, not a rank", value["r"])))? as usize;
    let alpha = value["lora_alpha"].as_f64().filter(|a| a.is_finite() && *a > 0.0);
    let alpha = alpha.ok_or_else(|| refuse("lora_alpha", format!("is {}, not a scale", value["lora_alpha"])))?;
    let targets: BTreeSet<String> = match &value["target_modules"] {
        Value::String(all) if all == "all-linear" => ADAPTABLE.map(str::to_owned).into(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => return Err(refuse("target_modules", format!("is {other}, not a list of matrices"))),
    };
    if let Some(unknown) = targets.iter().find(|name| !ADAPTABLE.contains(&name.as_str())) {
        return Err(refuse("target_modules", format!("names {unknown:?}; known are {}", ADAPTABLE.join(", "))));
    }
    Ok(LoraSettings { rank, alpha, rank_stabilised: value["use_rslora"].as_bool().unwrap_or(false), targets })
}

/// Writes the adapter a training begins with (A drawn from the seed, B zero) and returns how many numbers it has.
///
/// # Errors
/// [`ModelError::Unreadable`] naming the file.
pub fn write_initial_adapter(
    config: &LlamaConfig,
    settings: &LoraSettings,
    seed: u64,
    path: &Path,
) -> Result<u64, ModelError> {
    let mut tensors = Vec::new();
    for layer in 0..config.layers {
        for (part, rows, columns) in config.matrices() {
            if settings.targets.iter().any(|target| part.ends_with(&format!(".{target}"))) {
                let stem = format!("base_model.model.model.layers.{layer}.{part}");
                let a = initial_a(settings.rank, columns, seed, &stem)?.to_dtype(DType::F32)?;
                let b = Tensor::zeros((rows, settings.rank), DType::F32, &Device::Cpu)?;
                tensors.push((format!("{stem}.lora_A.weight"), a));
                tensors.push((format!("{stem}.lora_B.weight"), b));
            }
        }
    }
    let numbers = tensors.iter().map(|(_, tensor)| tensor.elem_count() as u64).sum();
    write_tensors(path, tensors)?;
    Ok(numbers)
}

/// Whether the adapter in `folder` fits the Llama that `reference` names, by names and shapes; weights are not read.
///
/// # Errors
/// [`ModelError`] naming the first tensor that does not.
pub fn check_adapter(reference: &str, folder: &Path, progress: &dyn Progress) -> Result<(), ModelError> {
    let settings = read_settings(folder)?;
    let (config, _) = super::open_tokenizer(reference, TemplateChoice::Plain, progress)?;
    let path = folder.join(WEIGHTS);
    let mut tensors = candle_core::safetensors::load(&path, &Device::Cpu).map_err(|e| {
        unreadable(&path, format!("the adapter cannot be read: {e}"), "Take the whole folder PEFT saved")
    })?;
    for layer in 0..config.layers {
        for (part, rows, columns) in config.matrices() {
            if !settings.targets.iter().any(|target| part.ends_with(&format!(".{target}"))) {
                continue;
            }
            for (side, expected) in [("A", [settings.rank, columns]), ("B", [rows, settings.rank])] {
                let name = format!("base_model.model.model.layers.{layer}.{part}.lora_{side}.weight");
                match tensors.remove(&name) {
                    None => return Err(ModelError::MissingTensor { name, file: path.display().to_string() }),
                    Some(tensor) if tensor.dims() != expected => {
                        let got = tensor.dims().to_vec();
                        return Err(ModelError::WrongShape { name, expected: expected.to_vec(), got });
                    }
                    Some(_) => {}
                }
            }
        }
    }
    no_others(&tensors, &path)
}

fn no_others(tensors: &HashMap<String, Tensor>, path: &Path) -> Result<(), ModelError> {
    match tensors.keys().min() {
        None => Ok(()),
        Some(name) => Err(unreadable(
            path,
            format!("the adapter holds {name:?}, for which this model has no place"),
            "Take the adapter of this very model",
        )),
    }
}

impl Network {
    /// Replaces the adapter's tensors by those of `folder`.
    ///
    /// # Errors
    /// [`ModelError`] where the file is unreadable, or lacks a tensor, or has one this network has no place for.
    pub fn load_adapter(&mut self, folder: &Path) -> Result<(), ModelError> {
        let path = folder.join(WEIGHTS);
        let mut tensors = candle_core::safetensors::load(&path, &Device::Cpu).map_err(|e| {
            unreadable(&path, format!("the adapter cannot be read: {e}"), "Take the whole folder PEFT saved")
        })?;
        for at in 0..self.parameters.list().len() {
            let parameter = &self.parameters.list()[at];
            let tensor = tensors.remove(&parameter.name).ok_or_else(|| ModelError::MissingTensor {
                name: parameter.name.clone(),
                file: path.display().to_string(),
            })?;
            if tensor.shape() != parameter.value.shape() {
                return Err(ModelError::WrongShape {
                    name: parameter.name.clone(),
                    expected: parameter.value.dims().to_vec(),
                    got: tensor.dims().to_vec(),
                });
            }
            let tensor = tensor.to_dtype(parameter.value.dtype())?.to_device(&self.device)?;
            self.parameters.set(at, tensor);
        }
        no_others(&tensors, &path)
    }

    /// Writes the adapter as PEFT reads it; `base` names the model it belongs to.
    ///
    /// # Errors
    /// [`ModelError`] where the network has no adapter or the folder cannot be written.
    pub fn save_adapter(&self, folder: &Path, base: &str) -> Result<(), ModelError> {
        let Some(settings) = &self.adapter else {
            return Err(ModelError::Other("this model has no adapter to save".into()));
        };
        let config = json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": settings.rank,
            "lora_alpha": settings.alpha,
            "lora_dropout": 0.0,
            "use_rslora": settings.rank_stabilised,
            "target_modules": settings.targets,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
        });
        let tensors = self.parameters.list().iter().map(|p| (p.name.clone(), p.value.clone())).collect();
        write_tensors(&folder.join(WEIGHTS), tensors)?;
        let text = serde_json::to_string_pretty(&config).map_err(|e| ModelError::Other(e.to_string()))?;
        write(&folder.join(CONFIG), text.as_bytes())
    }

    /// The weights with the adapter merged in, by their names in a checkpoint, as `dtype`.
    ///
    /// # Errors
    /// What the device says.
    fn merged(&self, dtype: DType) -> Result<Vec<(String, Tensor)>, ModelError> {
        let mut tensors = Vec::new();
        let mut add = |name: String, tensor: Tensor| -> Result<(), ModelError> {
            tensors.push((name, tensor.to_dtype(dtype)?.to_device(&Device::Cpu)?));
            Ok(())
        };
        add("model.embed_tokens.weight".into(), self.embeddings.tensor(&self.parameters).clone())?;
        for (at, block) in self.blocks.iter().enumerate() {
            let layer = format!("model.layers.{at}");
            for (part, matrix) in block.matrices() {
                add(format!("{layer}.{part}.weight"), matrix.merged(&self.parameters)?)?;
            }
            for (part, norm) in
                [("input_layernorm", &block.attention_norm), ("post_attention_layernorm", &block.feed_norm)]
            {
                add(format!("{layer}.{part}.weight"), norm.tensor(&self.parameters).clone())?;
            }
        }
        add("model.norm.weight".into(), self.norm.tensor(&self.parameters).clone())?;
        if let Some(head) = &self.head {
            add("lm_head.weight".into(), head.tensor(&self.parameters).clone())?;
        }
        Ok(tensors)
    }

    /// Writes `model.safetensors` with the adapter merged in, in single precision (double where the network has it).
    ///
    /// # Errors
    /// [`ModelError`] where the file cannot be written.
    pub fn save_merged(&self, folder: &Path) -> Result<(), ModelError> {
        let dtype = if self.dtype == DType::F64 { DType::F64 } else { DType::F32 };
        write_tensors(&folder.join("model.safetensors"), self.merged(dtype)?)
    }
}

fn write_tensors(path: &Path, tensors: Vec<(String, Tensor)>) -> Result<(), ModelError> {
    let cpu = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_device(&Device::Cpu)?.contiguous()?));
    let tensors = tensors.into_iter().map(cpu).collect::<candle_core::Result<Vec<_>>>()?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(candle_core::Error::from)?;
    write(path, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    whole_file::write(path, bytes).map_err(|e| {
        unreadable(path, format!("the file cannot be written: {e}"), "Check the folder and the space left")
    })
}
