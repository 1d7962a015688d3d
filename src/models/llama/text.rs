//! Conversations to tokens and back: the tokenizer of a causal model and the template its conversations are put in.

use std::path::Path;

use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;
use tokenizers::Tokenizer;

use super::config::LlamaConfig;
use super::network::TokenTree;
use crate::dempo::preference::{Message, Preference, Role};
use crate::models::error::ModelError;

/// Which template puts a conversation into text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateChoice {
    /// The tokenizer's own where it has one, else [`TemplateChoice::Plain`].
    #[default]
    Auto,
    /// Lines that begin with `System:`, `User:` and `Assistant:`, as the paper has for base models (dempo.md section 1.2).
    Plain,
    /// The tokenizer's own.
    Tokenizer,
}

#[expect(clippy::large_enum_variant, reason = "a tokenizer has one")]
enum Template {
    Plain,
    Own { environment: Environment<'static>, bos: String, eos: String },
}

/// A tokenizer that puts preferences into tokens.
pub struct ConversationTokenizer {
    tokenizer: Tokenizer,
    template: Template,
    /// What a plain text begins and ends with.
    bos: Option<u32>,
    eos: Option<u32>,
}

/// How a preference fared when it was put into tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenized {
    /// Two branches: chosen, rejected.
    pub tree: TokenTree,
    /// Tokens left out so that prompt and answer fit: the oldest of the prompt, the last of an answer.
    pub left_out: usize,
}

fn unreadable(path: &Path, problem: String, remedy: &str) -> ModelError {
    ModelError::Unreadable { path: path.to_owned(), problem, remedy: remedy.to_owned() }
}

impl ConversationTokenizer {
    /// The tokenizer of a folder in the Hugging Face layout, with its chat template (`chat_template.jinja`, or in
    /// `tokenizer_config.json`) where it has one and `choice` wants it.
    ///
    /// # Errors
    /// [`ModelError`] where there is no `tokenizer.json`, or a template that was asked for is missing or does not parse.
    pub fn from_folder(folder: &Path, config: &LlamaConfig, choice: TemplateChoice) -> Result<Self, ModelError> {
        let path = folder.join("tokenizer.json");
        let json = std::fs::read(&path).map_err(|e| {
            unreadable(
                &path,
                format!("the tokenizer cannot be read: {e}"),
                "Put the model's tokenizer.json there (AutoTokenizer.save_pretrained of Python's transformers writes it)",
            )
        })?;
        let settings_path = folder.join("tokenizer_config.json");
        let settings: Value = match std::fs::read_to_string(&settings_path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| {
                unreadable(&settings_path, format!("the tokenizer's settings are damaged: {e}"), "Fetch the file again")
            })?,
            Err(_) => Value::Null,
        };
        let template = match std::fs::read_to_string(folder.join("chat_template.jinja")) {
            Ok(text) => Some(text),
            Err(_) => default_template(&settings["chat_template"]),
        };
        Self::new(&json, &path, &settings, template, config, choice)
    }

    /// A tokenizer out of the text of its `tokenizer.json`, without a template of its own.
    ///
    /// # Errors
    /// As [`ConversationTokenizer::from_folder`].
    pub fn from_json(json: &str, config: &LlamaConfig) -> Result<Self, ModelError> {
        let origin = Path::new("tokenizer.json");
        Self::new(json.as_bytes(), origin, &Value::Null, None, config, TemplateChoice::Plain)
    }

    fn new(
        json: &[u8],
        origin: &Path,
        settings: &Value,
        template: Option<String>,
        config: &LlamaConfig,
        choice: TemplateChoice,
    ) -> Result<Self, ModelError> {
        let again = "Take the tokenizer files of the same model again";
        let mut tokenizer = Tokenizer::from_bytes(json)
            .map_err(|e| unreadable(origin, format!("the tokenizer cannot be read: {e}"), again))?;
        // Lengths are the caller's affair: a stored truncation would silently shorten texts.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| unreadable(origin, e.to_string(), again))?;
        let size = tokenizer.get_vocab(true).values().max().map_or(0, |&last| last as usize + 1);
        if size > config.vocabulary {
            return Err(ModelError::VocabularyMismatch {
                tokenizer: size,
                model: config.vocabulary,
                file: origin.to_owned(),
            });
        }
        let named = |key: &str| match &settings[key] {
            Value::String(text) => Some(text.clone()),
            Value::Object(token) => token.get("content").and_then(Value::as_str).map(str::to_owned),
            _ => None,
        };
        let bos = named("bos_token").and_then(|text| tokenizer.token_to_id(&text)).or(config.bos);
        let eos = named("eos_token").and_then(|text| tokenizer.token_to_id(&text)).or(config.eos.first().copied());
        let text_of = |id: Option<u32>| id.and_then(|id| tokenizer.id_to_token(id)).unwrap_or_default();
        let template = match (choice, template) {
            (TemplateChoice::Plain, _) | (TemplateChoice::Auto, None) => Template::Plain,
            (TemplateChoice::Tokenizer, None) => {
                return Err(unreadable(
                    origin,
                    "the tokenizer has no chat template".into(),
                    "Choose the plain template, or put chat_template.jinja beside it",
                ));
            }
            (_, Some(text)) => {
                Template::Own { environment: environment(text, origin)?, bos: text_of(bos), eos: text_of(eos) }
            }
        };
        Ok(Self { tokenizer, template, bos, eos })
    }

    /// `plain` or `tokenizer`: the template in use.
    pub fn template(&self) -> TemplateChoice {
        match self.template {
            Template::Plain => TemplateChoice::Plain,
            Template::Own { .. } => TemplateChoice::Tokenizer,
        }
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|e| ModelError::Other(format!("a text cannot be put into tokens: {e}")))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of some tokens, special ones left out.
    ///
    /// # Errors
    /// [`ModelError::Other`] where the tokenizer cannot put them together.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids, true).map_err(|e| ModelError::Other(format!("tokens cannot be put into text: {e}")))
    }

    /// The conversation so far, ready for the assistant's answer.
    ///
    /// # Errors
    /// [`ModelError::Other`] with what the template or the tokenizer says.
    pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        match &self.template {
            Template::Plain => {
                let mut ids: Vec<u32> = self.bos.into_iter().collect();
                ids.extend(self.encode(&plain(messages))?);
                Ok(ids)
            }
            Template::Own { .. } => self.encode(&self.rendered(messages, true)?),
        }
    }

    /// The tokens of an answer after `messages`, its end included.
    fn answer(&self, messages: &[Message], answer: &str) -> Result<Vec<u32>, ModelError> {
        match &self.template {
            Template::Plain => {
                let mut ids = self.encode(&format!(" {}", answer.trim()))?;
                ids.extend(self.eos);
                Ok(ids)
            }
            Template::Own { .. } => {
                let before = self.rendered(messages, true)?;
                let mut all = messages.to_vec();
                all.push(Message::new(Role::Assistant, answer.trim()));
                let whole = self.rendered(&all, false)?;
                let text = whole.strip_prefix(&before).ok_or_else(|| {
                    ModelError::Other(
                        "the chat template writes a conversation differently once it is answered; choose the plain template"
                            .into(),
                    )
                })?;
                self.encode(text)
            }
        }
    }

    /// A preference in tokens, cut so that the prompt and the longer answer are at most `longest`: first the oldest tokens of
    /// the prompt (never its first), then the last of an answer.
    ///
    /// # Errors
    /// [`ModelError::Other`] with what the template or the tokenizer says.
    pub fn preference(&self, preference: &Preference, longest: usize) -> Result<Tokenized, ModelError> {
        let mut prompt = self.prompt(&preference.prompt)?;
        let mut branches = Vec::with_capacity(2);
        for answer in [&preference.chosen, &preference.rejected] {
            branches.push(self.answer(&preference.prompt, answer)?);
        }
        let before = prompt.len() + branches[0].len() + branches[1].len();
        let longer = branches[0].len().max(branches[1].len());
        let room = longest.saturating_sub(longer).max(1);
        if prompt.len() > room {
            // The first token is the start of the text, on which models rely.
            prompt.drain(1..=prompt.len() - room);
        }
        for branch in &mut branches {
            branch.truncate(longest.saturating_sub(prompt.len()));
        }
        let left_out = before - prompt.len() - branches[0].len() - branches[1].len();
        Ok(Tokenized { tree: TokenTree { prompt, branches }, left_out })
    }

    fn rendered(&self, messages: &[Message], asks: bool) -> Result<String, ModelError> {
        let Template::Own { environment, bos, eos } = &self.template else { return Ok(plain(messages)) };
        environment
            .get_template("chat")
            .and_then(|template| {
                template.render(context! {
                    messages => messages,
                    add_generation_prompt => asks,
                    bos_token => bos,
                    eos_token => eos,
                })
            })
            .map_err(|e| {
                ModelError::Other(format!("the chat template cannot be filled in: {e}; choose the plain template"))
            })
    }
}

/// The paper's template for models without one.
fn plain(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let speaker = match message.role {
            Role::System => "System",
            Role::User => "User",
            Role::Assistant => "Assistant",
        };
        text.push_str(&format!("{speaker}: {}\n", message.content.trim()));
    }
    text + "Assistant:"
}

/// One template, or the default among several.
fn default_template(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list
            .iter()
            .find(|entry| entry["name"] == "default")
            .and_then(|entry| entry["template"].as_str())
            .map(str::to_owned),
        _ => None,
    }
}

fn environment(template: String, origin: &Path) -> Result<Environment<'static>, ModelError> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |text: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, text))
    });
    // Templates of Llama 3 write today's date; a training must not depend on the day it runs.
    environment.add_function("strftime_now", |_: String| "26 Jul 2024".to_owned());
    // A template comes with a stranger's model: it may not run for ever.
    environment.set_fuel(Some(1_000_000));
    environment.add_template_owned("chat", template).map_err(|e| {
        unreadable(origin, format!("the chat template cannot be read: {e}"), "Choose the plain template")
    })?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and marks as tokens, split at spaces; `<s>` and `</s>` around.
    fn tokenizer(template: Option<&str>, choice: TemplateChoice) -> Result<ConversationTokenizer, ModelError> {
        let words = ["<s>", "</s>", "User:", "Assistant:", "System:", "a", "b", "c", "[U]", "[A]", "?"];
        let vocabulary: serde_json::Map<String, Value> =
            words.iter().enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
        let special = |id: usize| {
            serde_json::json!({"id": id, "content": words[id], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        };
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [special(0), special(1)],
            "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}
        });
        let config = LlamaConfig::parse(
            r#"{"model_type":"llama","vocab_size":11,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
                "intermediate_size":12,"bos_token_id":0,"eos_token_id":1}"#,
        )?;
        let template = template.map(str::to_owned);
        ConversationTokenizer::new(json.to_string().as_bytes(), Path::new("t"), &Value::Null, template, &config, choice)
    }

    fn preference() -> Preference {
        Preference {
            id: "1".into(),
            rater: "r".into(),
            conversation: String::new(),
            turn: 1,
            prompt: vec![
                Message::new(Role::System, "c"),
                Message::new(Role::User, "a"),
                Message::new(Role::Assistant, "b"),
                Message::new(Role::User, "b b"),
            ],
            chosen: "c c c".into(),
            rejected: "a".into(),
            margin: None,
            model_chosen: None,
            model_rejected: None,
        }
    }

    #[test]
    fn the_plain_template_is_the_papers() {
        let tokenizer = tokenizer(None, TemplateChoice::Auto).unwrap();
        assert_eq!(tokenizer.template(), TemplateChoice::Plain);
        let tokens = tokenizer.preference(&preference(), 100).unwrap();
        assert_eq!(tokens.tree.prompt, [0, 4, 7, 2, 5, 3, 6, 2, 6, 6, 3]);
        assert_eq!(tokens.tree.branches, [vec![7, 7, 7, 1], vec![5, 1]]);
        assert_eq!(tokens.left_out, 0);
        assert_eq!(tokenizer.decode(&tokens.tree.branches[1]).unwrap(), "a");
    }

    #[test]
    fn what_does_not_fit_is_cut_at_the_old_end() {
        let tokenizer = tokenizer(None, TemplateChoice::Plain).unwrap();
        let tokens = tokenizer.preference(&preference(), 7).unwrap();
        assert_eq!(tokens.tree.prompt, [0, 6, 3]);
        assert_eq!(tokens.tree.branches, [vec![7, 7, 7, 1], vec![5, 1]]);
        assert_eq!(tokens.left_out, 8);
        let tokens = tokenizer.preference(&preference(), 3).unwrap();
        assert_eq!((tokens.tree.prompt, tokens.tree.branches), (vec![0], vec![vec![7, 7], vec![5, 1]]));
    }

    #[test]
    fn the_tokenizers_template_is_followed() {
        let template = "{{ bos_token }} {% for m in messages %}{% if m['role'] == 'user' %}[U] {{ m['content'].strip() }} \
            {% elif m.role == 'assistant' %}[A] {{ m['content'] }} {{ eos_token }} {% endif %}{% endfor %}\
            {% if add_generation_prompt %}[A] {% endif %}";
        let tokenizer = tokenizer(Some(template), TemplateChoice::Auto).unwrap();
        let tokens = tokenizer.preference(&preference(), 100).unwrap();
        assert_eq!(tokens.tree.prompt, [0, 8, 5, 9, 6, 1, 8, 6, 6, 9]);
        assert_eq!(tokens.tree.branches, [vec![7, 7, 7, 1], vec![5, 1]]);
    }

    #[test]
    fn templates_that_cannot_be_used_say_so() {
        let refused = |template: Option<&str>| match tokenizer(template, TemplateChoice::Tokenizer) {
            Err(error) => error.to_string(),
            Ok(tokenizer) => tokenizer.preference(&preference(), 100).unwrap_err().to_string(),
        };
        assert!(refused(None).contains("no chat template"));
        assert!(refused(Some("{% for %}")).contains("cannot be read"));
        assert!(refused(Some("{{ raise_exception('no system') }}")).contains("no system"));
        assert!(refused(Some("{% for i in range(9999999) %}{{ i }}{% endfor %}")).contains("cannot be filled in"));
        assert!(refused(Some("{{ messages | length }}")).contains("differently"));
    }
}
