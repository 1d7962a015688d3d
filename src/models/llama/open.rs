//! Opening a Llama by the name a user gives: shipped, a folder, or a hub's.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device};

use super::config::LlamaConfig;
use super::network::{Network, Trained};
use super::text::{ConversationTokenizer, TemplateChoice};
use crate::glauber::conditionals::ModelIdentity;
use crate::models::error::ModelError;
use crate::models::hub::{self, HubSettings};
use crate::models::library::ModelSource;
use crate::models::weights::Weights;
use crate::models::{device, hash, shipped};
use crate::progress::Progress;

/// Arithmetic of a training or generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arithmetic {
    /// Single precision on the processor; on an accelerator bf16 with trained tensors and their steps in single.
    #[default]
    Auto,
    F32,
    /// Double precision, on the processor.
    F64,
}

/// How a Llama is opened.
#[derive(Clone, Debug)]
pub struct OpenSettings {
    pub trained: Trained,
    pub arithmetic: Arithmetic,
    pub template: TemplateChoice,
}

impl Default for OpenSettings {
    fn default() -> Self {
        Self { trained: Trained::Nothing, arithmetic: Arithmetic::Auto, template: TemplateChoice::Auto }
    }
}

/// A Llama with its tokenizer.
pub struct OpenLlama {
    pub identity: ModelIdentity,
    pub network: Network,
    pub tokenizer: ConversationTokenizer,
}

/// Names and one-line descriptions of the shipped Llamas.
pub fn shipped_llamas() -> Vec<(&'static str, &'static str)> {
    shipped::SHIPPED_LLAMAS.iter().map(|model| (model.name, model.description)).collect()
}

/// A network of the shape that the text of a `config.json` describes, with weights drawn from a seed, in single precision on
/// the processor.
///
/// # Errors
/// [`ModelError::Config`] and its like for the text.
pub fn random(config: &str, seed: u64, trained: &Trained) -> Result<Network, ModelError> {
    Network::new(LlamaConfig::parse(config)?, &Weights::random(seed, 0.02), trained, DType::F32, &Device::Cpu)
}

/// Opens the Llama `reference` names: a shipped name, a folder in the Hugging Face layout, or `owner/name[@revision]`.
///
/// # Errors
/// [`ModelError`], naming the file or setting and a remedy.
pub fn open(reference: &str, settings: &OpenSettings, progress: &dyn Progress) -> Result<OpenLlama, ModelError> {
    if let Some(files) = shipped_files(reference) {
        progress.stage(&format!("loading {reference}"));
        let config = LlamaConfig::parse(files.config)?;
        let tokenizer = ConversationTokenizer::from_json(files.tokenizer, &config)?;
        let weights = Weights::from_bytes(Cow::Borrowed(files.weights))?;
        let hashes = [files.weights, files.config.as_bytes(), files.tokenizer.as_bytes()].map(hash::bytes);
        return build(reference, None, config, tokenizer, weights, hashes, settings);
    }
    let (folder, revision) = locate(reference, progress)?;
    progress.stage(&format!("loading {reference}"));
    let config = read_config(&folder)?;
    let tokenizer = ConversationTokenizer::from_folder(&folder, &config, settings.template)?;
    let weights = Weights::from_folder(&folder)?;
    let hashes = [
        hash::files(&hash::weight_files(&folder)?, progress)?,
        hash::files(&[folder.join("config.json")], progress)?,
        hash::files(&[folder.join("tokenizer.json")], progress)?,
    ];
    build(reference, revision, config, tokenizer, weights, hashes, settings)
}

/// Only the settings and the weights of a Llama, which are read when they are taken.
///
/// # Errors
/// As [`open`].
pub(super) fn open_weights(reference: &str, progress: &dyn Progress) -> Result<(LlamaConfig, Weights), ModelError> {
    let (config, mut weights) = match shipped_files(reference) {
        Some(files) => (LlamaConfig::parse(files.config)?, Weights::from_bytes(Cow::Borrowed(files.weights))?),
        None => {
            let (folder, _) = locate(reference, progress)?;
            (read_config(&folder)?, Weights::from_folder(&folder)?)
        }
    };
    weights.set_prefix("model.");
    Ok((config, weights))
}

/// Only the settings and the tokenizer of a Llama, without its weights: enough to put preferences into tokens.
///
/// # Errors
/// As [`open`].
pub fn open_tokenizer(
    reference: &str,
    template: TemplateChoice,
    progress: &dyn Progress,
) -> Result<(LlamaConfig, ConversationTokenizer), ModelError> {
    if let Some(files) = shipped_files(reference) {
        let config = LlamaConfig::parse(files.config)?;
        let tokenizer = ConversationTokenizer::from_json(files.tokenizer, &config)?;
        return Ok((config, tokenizer));
    }
    let (folder, _) = locate(reference, progress)?;
    let config = read_config(&folder)?;
    let tokenizer = ConversationTokenizer::from_folder(&folder, &config, template)?;
    Ok((config, tokenizer))
}

fn shipped_files(reference: &str) -> Option<&'static shipped::Shipped> {
    shipped::SHIPPED_LLAMAS.iter().find(|model| model.name == reference.trim())
}

fn read_config(folder: &Path) -> Result<LlamaConfig, ModelError> {
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| ModelError::Unreadable {
        path: path.clone(),
        problem: format!("the model's settings cannot be read: {e}"),
        remedy: "Name the folder that holds config.json, tokenizer.json and the weights of one model".into(),
    })?;
    LlamaConfig::parse(&text)
}

/// The folder of a reference, and the commit where it was fetched.
fn locate(reference: &str, progress: &dyn Progress) -> Result<(PathBuf, Option<String>), ModelError> {
    match ModelSource::parse(reference)? {
        ModelSource::Folder(folder) => Ok((folder, None)),
        ModelSource::Hub { repository, revision } => {
            let fetched = hub::fetch(&repository, revision.as_deref(), &HubSettings::from_environment()?, progress)?;
            Ok((fetched.folder, Some(fetched.commit)))
        }
        ModelSource::Shipped(name) => Err(ModelError::UnknownArchitecture {
            found: format!("{name}, a masked language model"),
            known: "llama (as a causal model)".into(),
        }),
        ModelSource::Toy(text) => Err(ModelError::Other(format!(
            "{text:?} is a toy. Training needs a Llama: {}, a folder, or a hub name",
            shipped::SHIPPED_LLAMAS.iter().map(|model| model.name).collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn build(
    reference: &str,
    revision: Option<String>,
    config: LlamaConfig,
    tokenizer: ConversationTokenizer,
    mut weights: Weights,
    [weights_sha256, config_sha256, tokenizer_sha256]: [String; 3],
    settings: &OpenSettings,
) -> Result<OpenLlama, ModelError> {
    weights.set_prefix("model.");
    let (dtype, device) = match settings.arithmetic {
        Arithmetic::F64 => (DType::F64, Device::Cpu),
        Arithmetic::F32 => (DType::F32, device::best()),
        Arithmetic::Auto => {
            let device = device::best();
            (if device.is_cpu() { DType::F32 } else { DType::BF16 }, device)
        }
    };
    let network = Network::new(config, &weights, &settings.trained, dtype, &device)?;
    let identity = ModelIdentity {
        reference: reference.to_owned(),
        architecture: "llama".into(),
        revision,
        weights_sha256,
        config_sha256,
        tokenizer_sha256,
        parameters: weights.parameters(),
    };
    Ok(OpenLlama { identity, network, tokenizer })
}

/// Writes the whole of a shipped model into a folder.
///
/// # Errors
/// [`ModelError::Unreadable`] naming the file.
pub fn copy_model(name: &str, target: &Path) -> Result<(), ModelError> {
    let files = shipped_files(name).ok_or_else(|| ModelError::Other(format!("no Llama {name:?} is shipped")))?;
    write(target, "config.json", files.config.as_bytes())?;
    write(target, "tokenizer.json", files.tokenizer.as_bytes())?;
    write(target, "model.safetensors", files.weights)
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<(), ModelError> {
    let path = folder.join(name);
    crate::formats::whole_file::write(&path, content).map_err(|e| ModelError::Unreadable {
        path: path.clone(),
        problem: format!("the file cannot be written: {e}"),
        remedy: "Check the folder and the space left".into(),
    })
}

/// Copies what a model's folder needs beside its weights, so that a trained model can be opened by itself.
///
/// # Errors
/// [`ModelError::Unreadable`] naming the file.
pub fn copy_settings(reference: &str, target: &Path, progress: &dyn Progress) -> Result<(), ModelError> {
    if let Some(files) = shipped_files(reference) {
        write(target, "config.json", files.config.as_bytes())?;
        return write(target, "tokenizer.json", files.tokenizer.as_bytes());
    }
    let (folder, _) = locate(reference, progress)?;
    let names =
        ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"];
    for name in names {
        // What the model lacks the trained one lacks too; the first two were read when it was opened.
        if let Ok(content) = std::fs::read(folder.join(name)) {
            write(target, name, &content)?;
        }
    }
    Ok(())
}
