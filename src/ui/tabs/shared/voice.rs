//! Those whom a form names: who answers or judges, what stands behind each name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::dempo::judging::WordRule;
use crate::jobs::speaker::Speaker;
use crate::models::llama::TemplateChoice;
use crate::providers::mock::MockPersona;
use crate::providers::settings::{ProviderSettings, presets};

/// What stands behind a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoiceKind {
    /// A Llama of this machine.
    #[default]
    Local,
    /// A model behind an endpoint.
    Provider,
    /// A file of answers; for those who are compared.
    File,
    /// A count of words; for those who judge.
    Words,
    /// A persona whose verdicts follow a known model; for EigenBench.
    Mock,
}

/// One who answers or judges. Fields of other kinds keep what was typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Voice {
    pub name: String,
    pub kind: VoiceKind,
    /// Shipped name, folder or hub name.
    pub local: String,
    /// Folder of an adapter; may be empty.
    pub adapter: String,
    pub template: TemplateChoice,
    pub provider: ProviderSettings,
    /// As the provider names it.
    pub model: String,
    pub file: String,
    /// Of a model that is compared: goes before every question.
    pub instructions: String,
    /// Words between blanks or commas.
    pub wanted: String,
    pub unwanted: String,
    pub mock: MockPersona,
}

impl Default for Voice {
    fn default() -> Self {
        let mut presets = presets();
        Self {
            name: String::new(),
            kind: VoiceKind::Local,
            local: String::new(),
            adapter: String::new(),
            template: TemplateChoice::Auto,
            provider: presets.swap_remove(0),
            model: String::new(),
            file: String::new(),
            instructions: String::new(),
            wanted: String::new(),
            unwanted: String::new(),
            mock: MockPersona::default(),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

impl Voice {
    /// Who is asked.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub fn speaker(&self) -> Result<Speaker, String> {
        let speaker = match self.kind {
            VoiceKind::Provider => {
                Speaker::Provider { provider: self.provider.clone(), model: self.model.trim().to_owned() }
            }
            VoiceKind::Mock => Speaker::Mock { mock: self.mock },
            _ => Speaker::Local {
                model: self.local.trim().to_owned(),
                adapter: (!self.adapter.trim().is_empty()).then(|| PathBuf::from(self.adapter.trim())),
                template: self.template,
            },
        };
        speaker.check()?;
        Ok(speaker)
    }

    /// The count of words that judges.
    pub fn rule(&self) -> WordRule {
        WordRule { wanted: words(&self.wanted), unwanted: words(&self.unwanted) }
    }

    /// Fills the fields of a speaker.
    pub fn take(&mut self, speaker: &Speaker) {
        match speaker {
            Speaker::Provider { provider, model } => {
                self.kind = VoiceKind::Provider;
                self.provider = provider.clone();
                self.model.clone_from(model);
            }
            Speaker::Mock { mock } => (self.kind, self.mock) = (VoiceKind::Mock, *mock),
            Speaker::Local { model, adapter, template } => {
                self.kind = VoiceKind::Local;
                self.local.clone_from(model);
                self.adapter = adapter.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
                self.template = *template;
            }
        }
    }

    /// The name of the model in requests, where it is asked at a price.
    pub fn priced(&self) -> Option<&str> {
        (self.kind == VoiceKind::Provider && !self.model.trim().is_empty()).then(|| self.model.trim())
    }
}

/// A name that none of `voices` has: `stem` with a number.
pub fn free_name(voices: &[Voice], stem: &str) -> String {
    let mut names = (1..).map(|number| format!("{stem} {number}"));
    names.find(|name| voices.iter().all(|voice| voice.name != *name)).unwrap_or_default()
}
