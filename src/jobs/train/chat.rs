//! The model before and after a training, answering the same words side by side.

use std::path::Path;

use super::{Tensors, TrainSpec};
use crate::dempo::preference::Message;
use crate::models::llama::{self, ConversationTokenizer, GenerationSettings, Network, OpenSettings, Trained};
use crate::models::{ModelError, llama::OpenLlama};
use crate::progress::Progress;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The model as it was before the training.
    Base,
    Trained,
}

/// Both models, open for conversation.
pub struct Chat {
    /// With an adapter one network is both; otherwise this is the trained one.
    trained: Network,
    base: Option<Network>,
    tokenizer: ConversationTokenizer,
}

impl Chat {
    /// Opens what a finished training left, with relative paths inside `directory`.
    ///
    /// # Errors
    /// [`ModelError`] where the model or what was trained cannot be opened.
    pub fn open(directory: &Path, spec: &TrainSpec, progress: &dyn Progress) -> Result<Self, ModelError> {
        let spec = spec.inside(directory);
        let open = |reference: &str, trained| {
            let settings = OpenSettings { trained, arithmetic: spec.arithmetic, template: spec.template };
            llama::open(reference, &settings, progress)
        };
        match &spec.tensors {
            Tensors::Adapter(lora) => {
                let OpenLlama { mut network, tokenizer, .. } =
                    open(&spec.model, Trained::Adapter(lora.clone(), spec.seed))?;
                network.load_adapter(&spec.out)?;
                Ok(Self { trained: network, base: None, tokenizer })
            }
            Tensors::Everything => {
                let OpenLlama { network: base, tokenizer, .. } = open(&spec.model, Trained::Nothing)?;
                let trained = open(&spec.out.display().to_string(), Trained::Nothing)?.network;
                Ok(Self { trained, base: Some(base), tokenizer })
            }
        }
    }

    /// What `speaker` says next in a conversation; `heard` gets the text so far with every token.
    ///
    /// # Errors
    /// [`ModelError`]: too long a conversation, or cancelled.
    pub fn answer(
        &mut self,
        speaker: Speaker,
        conversation: &[Message],
        settings: &GenerationSettings,
        heard: &mut dyn FnMut(&str),
        progress: &dyn Progress,
    ) -> Result<String, ModelError> {
        let ids = self.tokenizer.prompt(conversation)?;
        let (network, adapted) = match (speaker, &mut self.base) {
            (Speaker::Base, Some(base)) => (base, true),
            (Speaker::Base, None) => (&mut self.trained, false),
            (Speaker::Trained, _) => (&mut self.trained, true),
        };
        let tokenizer = &self.tokenizer;
        let mut written = Vec::new();
        let mut on_token = |token: u32| {
            written.push(token);
            // Half a letter may not decode; the whole text does at the end.
            if let Ok(text) = tokenizer.decode(&written) {
                heard(text.trim());
            }
            true
        };
        let ids = network.generate(&ids, settings, adapted, &mut on_token, progress)?;
        Ok(tokenizer.decode(&ids)?.trim().to_owned())
    }
}
