//! Reading `config.json`: one description for the spellings of transformers 4 and 5 and of older checkpoints.
//!
//! A setting that changes what the network computes is read or refused, never ignored.

use serde_json::{Map, Value};

use super::error::ModelError;

/// The encoders this program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Bert,
    DistilBert,
    Roberta,
    XlmRoberta,
    Albert,
    Electra,
    ModernBert,
    DebertaV2,
}

impl Architecture {
    const ALL: [Self; 8] = [
        Self::Bert,
        Self::DistilBert,
        Self::Roberta,
        Self::XlmRoberta,
        Self::Albert,
        Self::Electra,
        Self::ModernBert,
        Self::DebertaV2,
    ];

    /// The value of `model_type` in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::DistilBert => "distilbert",
            Self::Roberta => "roberta",
            Self::XlmRoberta => "xlm-roberta",
            Self::Albert => "albert",
            Self::Electra => "electra",
            Self::ModernBert => "modernbert",
            Self::DebertaV2 => "deberta-v2",
        }
    }

    fn parse(name: &str) -> Result<Self, ModelError> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| ModelError::UnknownArchitecture {
            found: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Pointwise nonlinearities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x Φ(x), by the error function.
    Gelu,
    /// Its approximation by a hyperbolic tangent.
    GeluTanh,
    Relu,
    Silu,
    Tanh,
}

/// What differs between the families beyond the common sizes.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    PostNorm(PostNormSettings),
    ModernBert(ModernBertSettings),
    Deberta(DebertaSettings),
}

/// Settings of the BERT family: normalisation after each residual sum, learned absolute positions.
#[derive(Clone, Debug, PartialEq)]
pub struct PostNormSettings {
    /// Rows of the token-type table; 0 where there is none.
    pub token_types: usize,
    /// RoBERTa numbers positions from `padding + 1` and gives every padding token the position `padding`.
    pub padding_for_positions: Option<u32>,
    /// ALBERT: number of distinct layer groups, and layers in each.
    pub groups: Option<(usize, usize)>,
}

/// Settings of ModernBERT: normalisation first, rotary positions, alternating global and local attention.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernBertSettings {
    /// Per layer, whether it attends within the window only.
    pub sliding: Vec<bool>,
    /// Largest distance a sliding layer sees.
    pub window: usize,
    pub global_theta: f64,
    pub local_theta: f64,
    pub attention_bias: bool,
    pub mlp_bias: bool,
    pub norm_bias: bool,
    pub head_bias: bool,
    pub decoder_bias: bool,
    pub head_activation: Activation,
}

/// Settings of DeBERTa-v2: disentangled attention over content and relative position.
#[derive(Clone, Debug, PartialEq)]
pub struct DebertaSettings {
    pub token_types: usize,
    /// Whether absolute positions are added to the embeddings.
    pub position_biased_input: bool,
    pub relative_attention: bool,
    pub content_to_position: bool,
    pub position_to_content: bool,
    pub share_attention_key: bool,
    /// Buckets on each side; `None` where every distance has its own row.
    pub position_buckets: Option<usize>,
    pub max_relative_positions: usize,
    pub norm_relative: bool,
    /// Kernel size, groups and activation of the convolution beside the first layer.
    pub convolution: Option<(usize, usize, Activation)>,
}

/// What `config.json` says of a masked language model.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub architecture: Architecture,
    pub vocabulary: usize,
    pub hidden: usize,
    /// Width of the embedding table; differs from `hidden` in ALBERT and ELECTRA.
    pub embedding: usize,
    pub layers: usize,
    pub heads: usize,
    pub intermediate: usize,
    /// Rows of the position table.
    pub positions: usize,
    /// Longest sequence in tokens, start and end included.
    pub max_length: usize,
    pub activation: Activation,
    pub norm_eps: f64,
    /// Standard deviation of random initial weights.
    pub initializer_range: f64,
    /// Whether the decoder is the embedding table.
    pub tied: bool,
    pub family: Family,
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// Errors: [`ModelError::UnknownArchitecture`], [`ModelError::Discriminator`], [`ModelError::Config`].
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let settings = Settings::parse(text)?;
        let architecture = Architecture::parse(&settings.text("model_type")?.unwrap_or_default())?;
        settings.refuse_what_is_not_a_masked_lm(architecture)?;
        let hidden = settings.size(&["hidden_size", "dim"])?;
        let heads = settings.size(&["num_attention_heads", "n_heads"])?;
        if hidden % heads != 0 {
            return Err(refuse(
                "num_attention_heads",
                &format!("is {heads}, which does not divide hidden_size {hidden}"),
            ));
        }
        let positions = settings.size(&["max_position_embeddings"])?;
        let layers = settings.size(&["num_hidden_layers", "n_layers"])?;
        let family = settings.family(architecture, layers, positions)?;
        let max_length = match &family {
            Family::PostNorm(PostNormSettings { padding_for_positions: Some(padding), .. }) => {
                positions.saturating_sub(*padding as usize + 1)
            }
            _ => positions,
        };
        if max_length == 0 {
            return Err(refuse("max_position_embeddings", "leaves no room for a sequence"));
        }
        let default_eps = match architecture {
            Architecture::ModernBert => 1e-5,
            Architecture::DebertaV2 => 1e-7,
            _ => 1e-12,
        };
        let norm_eps = settings.number(&["layer_norm_eps", "norm_eps"])?.unwrap_or(default_eps);
        let embedding = settings.optional_size("embedding_size")?.unwrap_or(match architecture {
            Architecture::Albert | Architecture::Electra => 128,
            _ => hidden,
        });
        if embedding != hidden
            && !matches!(architecture, Architecture::Albert | Architecture::Electra | Architecture::DebertaV2)
        {
            return Err(refuse(
                "embedding_size",
                "differs from hidden_size, which this architecture does not provide for",
            ));
        }
        Ok(Self {
            architecture,
            vocabulary: settings.size(&["vocab_size"])?,
            hidden,
            embedding,
            layers,
            heads,
            intermediate: settings.size(&["intermediate_size", "hidden_dim"])?,
            positions,
            max_length,
            activation: settings.activation(
                &["hidden_act", "activation", "hidden_activation"],
                if architecture == Architecture::Albert { Activation::GeluTanh } else { Activation::Gelu },
            )?,
            norm_eps: if norm_eps > 0.0 { norm_eps } else { return Err(refuse("layer_norm_eps", "is not positive")) },
            initializer_range: settings.number(&["initializer_range"])?.unwrap_or(0.02),
            tied: settings.flag("tie_word_embeddings", true)?,
            family,
        })
    }

    /// Width of one attention head.
    pub fn head_width(&self) -> usize {
        self.hidden / self.heads
    }
}

pub(super) fn refuse(setting: &str, problem: &str) -> ModelError {
    ModelError::Config { setting: setting.to_owned(), problem: problem.to_owned() }
}

/// The settings of a `config.json`; those of null count as absent.
pub(super) struct Settings(Map<String, Value>);

impl Settings {
    /// Reads the text of a `config.json`.
    pub(super) fn parse(text: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(text).map_err(|e| ModelError::Config {
            setting: "config.json".into(),
            problem: format!("is not valid JSON ({e}); fetch the file again"),
        })?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(refuse("config.json", "is not a JSON object; fetch the file again")),
        }
    }

    /// The first of `names` that is there and not null.
    pub(super) fn first<'a>(&'a self, names: &[&'a str]) -> Option<(&'a str, &'a Value)> {
        names.iter().find_map(|&name| self.0.get(name).filter(|v| !v.is_null()).map(|v| (name, v)))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ModelError> {
        match self.first(&[name]) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some(_) => Err(refuse(name, "is not text")),
        }
    }

    pub(super) fn size(&self, names: &[&str]) -> Result<usize, ModelError> {
        let (name, value) = self.first(names).ok_or_else(|| refuse(names[0], "is missing"))?;
        // The bound keeps products of sizes far from overflow; no published encoder comes near it.
        match value.as_u64() {
            Some(size @ 1..=16_777_216) => Ok(size as usize),
            _ => Err(refuse(name, &format!("is {value}, not a whole number from 1 to 16777216"))),
        }
    }

    pub(super) fn optional_size(&self, name: &str) -> Result<Option<usize>, ModelError> {
        if self.first(&[name]).is_some() { self.size(&[name]).map(Some) } else { Ok(None) }
    }

    /// A size that may be 0 or -1 for "none".
    fn count(&self, name: &str, default: usize) -> Result<usize, ModelError> {
        match self.first(&[name]) {
            None => Ok(default),
            Some((_, value)) if value.as_i64().is_some_and(|v| v <= 0) => Ok(0),
            Some(_) => self.size(&[name]),
        }
    }

    pub(super) fn number(&self, names: &[&str]) -> Result<Option<f64>, ModelError> {
        let Some((name, value)) = self.first(names) else { return Ok(None) };
        value
            .as_f64()
            .filter(|v| v.is_finite())
            .map(Some)
            .ok_or_else(|| refuse(name, &format!("is {value}, not a number")))
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, ModelError> {
        match self.first(&[name]) {
            None => Ok(default),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((_, value)) => Err(refuse(name, &format!("is {value}, neither true nor false"))),
        }
    }

    fn activation(&self, names: &[&str], default: Activation) -> Result<Activation, ModelError> {
        let Some((name, value)) = self.first(names) else { return Ok(default) };
        match value.as_str() {
            Some("gelu" | "gelu_python") => Ok(Activation::Gelu),
            Some("gelu_new" | "gelu_pytorch_tanh" | "gelu_fast") => Ok(Activation::GeluTanh),
            Some("relu") => Ok(Activation::Relu),
            Some("silu" | "swish") => Ok(Activation::Silu),
            Some("tanh") => Ok(Activation::Tanh),
            _ => {
                Err(refuse(name, &format!("is {value}; known are gelu, gelu_new, gelu_pytorch_tanh, relu, silu, tanh")))
            }
        }
    }

    fn refuse_what_is_not_a_masked_lm(&self, architecture: Architecture) -> Result<(), ModelError> {
        let classes = self.0.get("architectures").and_then(Value::as_array).cloned().unwrap_or_default();
        let discriminator = |class: &str| {
            class == "ElectraForPreTraining" || class.contains("Discriminator") || class.contains("ReplacedToken")
        };
        if let Some(class) = classes.iter().filter_map(Value::as_str).find(|class| discriminator(class)) {
            return Err(ModelError::Discriminator {
                architecture: architecture.name().into(),
                reason: format!("config.json calls it {class}"),
            });
        }
        if self.flag("is_decoder", false)? {
            return Err(refuse("is_decoder", "is true: the model sees only what comes before, so it is no masked LM"));
        }
        match self.text("position_embedding_type")?.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => {
                Err(refuse("position_embedding_type", &format!("is {other:?}; only \"absolute\" is supported")))
            }
        }
    }

    fn family(&self, architecture: Architecture, layers: usize, positions: usize) -> Result<Family, ModelError> {
        Ok(match architecture {
            Architecture::ModernBert => Family::ModernBert(self.modern_bert(layers)?),
            Architecture::DebertaV2 => Family::Deberta(self.deberta(positions)?),
            _ => Family::PostNorm(PostNormSettings {
                token_types: match architecture {
                    Architecture::DistilBert => 0,
                    _ => self.count("type_vocab_size", 2)?,
                },
                padding_for_positions: match architecture {
                    Architecture::Roberta | Architecture::XlmRoberta => Some(self.count("pad_token_id", 1)? as u32),
                    _ => None,
                },
                groups: if architecture == Architecture::Albert { Some(self.groups(layers)?) } else { None },
            }),
        })
    }

    fn groups(&self, layers: usize) -> Result<(usize, usize), ModelError> {
        let groups = self.optional_size("num_hidden_groups")?.unwrap_or(1);
        if groups > layers {
            return Err(refuse("num_hidden_groups", "is larger than num_hidden_layers"));
        }
        Ok((groups, self.optional_size("inner_group_num")?.unwrap_or(1)))
    }

    fn modern_bert(&self, layers: usize) -> Result<ModernBertSettings, ModelError> {
        let sliding = match self.first(&["layer_types"]) {
            Some((name, value)) => {
                let types = value.as_array().ok_or_else(|| refuse(name, "is not a list"))?;
                let read = |t: &Value| match t.as_str() {
                    Some("full_attention") => Ok(false),
                    Some("sliding_attention") => Ok(true),
                    _ => Err(refuse(name, &format!("names {t}; known are full_attention and sliding_attention"))),
                };
                types.iter().map(read).collect::<Result<Vec<_>, _>>()?
            }
            None => {
                let every = self.optional_size("global_attn_every_n_layers")?.unwrap_or(3);
                (0..layers).map(|layer| layer % every != 0).collect()
            }
        };
        if sliding.len() != layers {
            return Err(refuse(
                "layer_types",
                &format!("names {} layers, but num_hidden_layers is {layers}", sliding.len()),
            ));
        }
        if self.first(&["rope_scaling"]).is_some() {
            return Err(refuse("rope_scaling", "asks for scaled rotary positions, which are not supported"));
        }
        let window = match self.optional_size("local_attention")? {
            Some(whole) => whole / 2,
            None => self.optional_size("sliding_window")?.unwrap_or(64),
        };
        Ok(ModernBertSettings {
            sliding,
            window,
            global_theta: self.theta("full_attention", "global_rope_theta", 160_000.0)?,
            local_theta: self.theta("sliding_attention", "local_rope_theta", 10_000.0)?,
            attention_bias: self.flag("attention_bias", false)?,
            mlp_bias: self.flag("mlp_bias", false)?,
            norm_bias: self.flag("norm_bias", false)?,
            head_bias: self.flag("classifier_bias", false)?,
            decoder_bias: self.flag("decoder_bias", true)?,
            head_activation: self.activation(&["classifier_activation"], Activation::Gelu)?,
        })
    }

    /// The base of the rotary frequencies: transformers 5 nests it by layer type, transformers 4 has it flat.
    fn theta(&self, kind: &str, flat: &str, default: f64) -> Result<f64, ModelError> {
        let nested = self.0.get("rope_parameters").and_then(|all| all.get(kind)).filter(|v| !v.is_null());
        if let Some(rope) = nested.and_then(|n| n.get("rope_type")).filter(|t| t.as_str() != Some("default")) {
            return Err(refuse(
                "rope_parameters",
                &format!("asks for rotary positions of type {rope}; only \"default\" is supported"),
            ));
        }
        let theta = match nested.and_then(|n| n.get("rope_theta")) {
            Some(value) => value.as_f64().ok_or_else(|| refuse("rope_theta", &format!("is {value}, not a number")))?,
            // A local theta of null means "as the global one" in configurations of transformers 4.
            None if self.0.get(flat).is_some_and(Value::is_null) => {
                self.number(&["global_rope_theta"])?.unwrap_or(160_000.0)
            }
            None => self.number(&[flat])?.unwrap_or(default),
        };
        if theta > 0.0 { Ok(theta) } else { Err(refuse("rope_theta", "is not positive")) }
    }

    fn deberta(&self, positions: usize) -> Result<DebertaSettings, ModelError> {
        let kinds: Vec<String> = match self.first(&["pos_att_type"]) {
            None => Vec::new(),
            Some((_, Value::String(text))) => text.split('|').map(|k| k.trim().to_lowercase()).collect(),
            Some((_, Value::Array(list))) => {
                list.iter().filter_map(Value::as_str).map(|k| k.trim().to_lowercase()).collect()
            }
            Some((name, value)) => return Err(refuse(name, &format!("is {value}, not a list"))),
        };
        if let Some(other) = kinds.iter().find(|k| !matches!(k.as_str(), "c2p" | "p2c" | "none" | "")) {
            return Err(refuse("pos_att_type", &format!("names {other:?}; known are c2p and p2c")));
        }
        if self.first(&["attention_head_size"]).is_some() {
            return Err(refuse("attention_head_size", "is set; only hidden_size / num_attention_heads is supported"));
        }
        let has = |kind: &str| kinds.iter().any(|k| k == kind);
        let norm = self.text("norm_rel_ebd")?.unwrap_or_else(|| "none".into()).to_lowercase();
        let kernel = self.count("conv_kernel_size", 0)?;
        Ok(DebertaSettings {
            token_types: self.count("type_vocab_size", 0)?,
            position_biased_input: self.flag("position_biased_input", true)?,
            relative_attention: self.flag("relative_attention", false)?,
            content_to_position: has("c2p"),
            position_to_content: has("p2c"),
            share_attention_key: self.flag("share_att_key", false)?,
            position_buckets: match self.count("position_buckets", 0)? {
                0 => None,
                buckets => Some(buckets),
            },
            max_relative_positions: match self.count("max_relative_positions", 0)? {
                0 => positions,
                count => count,
            },
            norm_relative: norm.split('|').any(|part| part.trim() == "layer_norm"),
            convolution: match kernel {
                0 => None,
                _ => Some((
                    kernel,
                    self.optional_size("conv_groups")?.unwrap_or(1),
                    self.activation(&["conv_act"], Activation::Tanh)?,
                )),
            },
        })
    }
}
