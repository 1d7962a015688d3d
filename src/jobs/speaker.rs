//! Whoever a run asks: an endpoint, a Llama of this machine, or a mock persona.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::work::{JobError, hash_file};
use crate::models::ModelError;
use crate::models::llama::{self, GenerationSettings, OpenLlama, OpenSettings, TemplateChoice, Trained};
use crate::progress::Progress;
use crate::providers::chat::{Chat, ChatError, ChatRequest, Ending, Reply, Usage};
use crate::providers::mock::MockPersona;
use crate::providers::settings::ProviderSettings;

/// Whoever answers, as a spec names it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Speaker {
    /// A model behind an endpoint.
    Provider {
        provider: ProviderSettings,
        /// As the provider names it.
        model: String,
    },
    /// A Llama on this machine.
    Local {
        /// A shipped name, a folder, or a hub's name.
        model: String,
        /// Folder of a PEFT adapter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adapter: Option<PathBuf>,
        #[serde(default)]
        template: TemplateChoice,
    },
    /// Nobody: a persona whose verdicts follow a known model, for trying EigenBench out.
    Mock { mock: MockPersona },
}

impl Speaker {
    /// The model's name in a request: what an endpoint is asked for.
    pub fn model(&self) -> &str {
        match self {
            Self::Provider { model, .. } | Self::Local { model, .. } => model,
            Self::Mock { .. } => "mock",
        }
    }

    /// Whether asking it costs nothing.
    pub fn is_free(&self) -> bool {
        !matches!(self, Self::Provider { .. })
    }

    /// Whether it is a model of this machine.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }

    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Provider { provider, model } => {
                provider.check().map_err(|e| e.to_string())?;
                if model.trim().is_empty() {
                    return Err(format!("no model of {} is named. Type the name that it goes by there", provider.name));
                }
                Ok(())
            }
            Self::Local { model, .. } if model.trim().is_empty() => {
                Err("a model of this machine is not named. Type a shipped name, a folder or a hub name".into())
            }
            Self::Local { .. } => Ok(()),
            Self::Mock { mock } => mock.check(),
        }
    }
}

/// A Llama of this machine as one who answers: one question at a time.
pub(super) struct LocalChat {
    identity: String,
    open: Mutex<OpenLlama>,
    adapted: bool,
}

impl LocalChat {
    /// Opens the model, and the adapter in the folder `adapter`.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit, or cancellation.
    pub(super) fn open(
        reference: &str,
        adapter: Option<&Path>,
        template: TemplateChoice,
        progress: &dyn Progress,
    ) -> Result<Self, JobError> {
        let trained = match adapter {
            Some(folder) => Trained::Adapter(llama::read_settings(folder)?, 0),
            None => Trained::Nothing,
        };
        let settings = OpenSettings { trained, template, ..OpenSettings::default() };
        let mut open = llama::open(reference, &settings, progress)?;
        let mut adapted_by = Vec::new();
        if let Some(folder) = adapter {
            open.network.load_adapter(folder)?;
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                adapted_by.push(hash_file(&folder.join(name), progress)?);
            }
        }
        let model = &open.identity;
        let identity = format!(
            "local: weights {}, adapter {adapted_by:?}, settings {}, tokenizer {}, template {:?}",
            model.weights_sha256,
            model.config_sha256,
            model.tokenizer_sha256,
            open.tokenizer.template()
        );
        Ok(Self { identity, open: Mutex::new(open), adapted: adapter.is_some() })
    }
}

impl Chat for LocalChat {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn at_once(&self) -> usize {
        1
    }

    fn ask(&self, request: &ChatRequest, progress: &dyn Progress) -> Result<Reply, ChatError> {
        let began = Instant::now();
        let failed = |error: ModelError| match error {
            ModelError::Cancelled(cancelled) => ChatError::Cancelled(cancelled),
            other => ChatError::Failed(other.to_string()),
        };
        // A panic in generation ends the run; what it left is not used again.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let OpenLlama { network, tokenizer, .. } = &mut *open;
        let prompt = tokenizer.prompt(&request.messages).map_err(failed)?;
        let settings = GenerationSettings {
            longest: request.longest as usize,
            temperature: request.temperature,
            top_p: 1.0,
            seed: request.seed.unwrap_or(0).wrapping_add(u64::from(request.sample)),
        };
        let mut written = Vec::new();
        let mut stopped = false;
        let mut on_token = |token: u32| {
            written.push(token);
            // Half a letter may not decode yet; it is looked at again with the next token.
            let text = tokenizer.decode(&written).unwrap_or_default();
            stopped = request.stop.iter().any(|stop| text.contains(stop.as_str()));
            !stopped
        };
        let ids = network.generate(&prompt, &settings, self.adapted, &mut on_token, progress).map_err(failed)?;
        let whole = tokenizer.decode(&ids).map_err(failed)?;
        let end = request.stop.iter().filter_map(|stop| whole.find(stop.as_str())).min().unwrap_or(whole.len());
        let text = whole[..end].trim().to_owned();
        let ending = match () {
            () if text.is_empty() => Ending::Empty,
            () if !stopped && ids.len() >= settings.longest => Ending::Truncated,
            () => Ending::Whole,
        };
        Ok(Reply {
            text,
            reasoning: None,
            ending,
            usage: Some(Usage { prompt_tokens: prompt.len() as u64, completion_tokens: ids.len() as u64 }),
            cost: None,
            seconds: began.elapsed().as_secs_f64(),
            failed_attempts: Vec::new(),
        })
    }
}
