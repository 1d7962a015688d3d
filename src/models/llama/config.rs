//! Reading the `config.json` of a Llama: Llama 2 and 3.x, in the spellings of transformers 4 and 5.
//!
//! A setting that changes what the network computes is read or refused, never ignored: rotary settings misread would
//! be silently wrong (candle.md section 2).

use serde_json::Value;

use crate::models::config::{Settings, refuse};
use crate::models::error::ModelError;

/// How rotary frequencies are stretched for contexts longer than the first training's (Llama 3.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeScaling {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_positions: usize,
}

/// What `config.json` says of a Llama.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / kv_heads` heads of queries.
    pub kv_heads: usize,
    pub head_width: usize,
    pub intermediate: usize,
    /// Longest sequence in tokens.
    pub positions: usize,
    pub norm_eps: f64,
    pub rope_theta: f64,
    pub rope_scaling: Option<RopeScaling>,
    /// Whether the head is the embedding table.
    pub tied: bool,
    /// Token every sequence begins with, where there is one.
    pub bos: Option<u32>,
    /// Tokens that end a text.
    pub eos: Vec<u32>,
}

impl LlamaConfig {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::UnknownArchitecture`] and [`ModelError::Config`], naming the setting.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let settings = Settings::parse(text)?;
        let kind = settings.text("model_type")?.unwrap_or_default();
        if kind != "llama" {
            return Err(ModelError::UnknownArchitecture { found: kind, known: "llama (as a causal model)".into() });
        }
        for name in ["attention_bias", "mlp_bias"] {
            if settings.flag(name, false)? {
                return Err(refuse(name, "is true; Llama's layers have no biases here"));
            }
        }
        match settings.text("hidden_act")?.as_deref() {
            None | Some("silu" | "swish") => {}
            Some(other) => return Err(refuse("hidden_act", &format!("is {other:?}; only \"silu\" is known"))),
        }
        if settings.first(&["quantization_config"]).is_some() {
            return Err(refuse("quantization_config", "is set; take the weights that were not quantised"));
        }
        let hidden = settings.size(&["hidden_size"])?;
        let heads = settings.size(&["num_attention_heads"])?;
        let kv_heads = settings.optional_size("num_key_value_heads")?.unwrap_or(heads);
        if heads % kv_heads != 0 {
            return Err(refuse("num_key_value_heads", &format!("is {kv_heads}, which does not divide {heads} heads")));
        }
        let head_width = match settings.optional_size("head_dim")? {
            Some(width) => width,
            None if hidden % heads == 0 => hidden / heads,
            None => {
                return Err(refuse("num_attention_heads", &format!("is {heads}, which does not divide {hidden}")));
            }
        };
        if head_width % 2 != 0 {
            return Err(refuse("head_dim", &format!("is {head_width}; rotary positions turn pairs of numbers")));
        }
        let norm_eps = settings.number(&["rms_norm_eps"])?.unwrap_or(1e-6);
        if norm_eps <= 0.0 {
            return Err(refuse("rms_norm_eps", "is not positive"));
        }
        let (rope_theta, rope_scaling) = rope(&settings)?;
        Ok(Self {
            vocabulary: settings.size(&["vocab_size"])?,
            hidden,
            layers: settings.size(&["num_hidden_layers"])?,
            heads,
            kv_heads,
            head_width,
            intermediate: settings.size(&["intermediate_size"])?,
            positions: settings.optional_size("max_position_embeddings")?.unwrap_or(2048),
            norm_eps,
            rope_theta,
            rope_scaling,
            tied: settings.flag("tie_word_embeddings", false)?,
            bos: tokens(&settings, "bos_token_id")?.first().copied(),
            eos: tokens(&settings, "eos_token_id")?,
        })
    }

    /// Rows and columns of each matrix of a layer, by its name in a checkpoint's layer.
    pub(super) fn matrices(&self) -> [(&'static str, usize, usize); 7] {
        let (queries, kv) = (self.heads * self.head_width, self.kv_heads * self.head_width);
        [
            ("self_attn.q_proj", queries, self.hidden),
            ("self_attn.k_proj", kv, self.hidden),
            ("self_attn.v_proj", kv, self.hidden),
            ("self_attn.o_proj", self.hidden, queries),
            ("mlp.gate_proj", self.intermediate, self.hidden),
            ("mlp.up_proj", self.intermediate, self.hidden),
            ("mlp.down_proj", self.hidden, self.intermediate),
        ]
    }

    /// Numbers in all tensors.
    pub fn parameters(&self) -> u64 {
        let layer: usize = self.matrices().iter().map(|(_, rows, columns)| rows * columns).sum();
        let tables = self.vocabulary * self.hidden * if self.tied { 1 } else { 2 };
        (self.layers * (layer + 2 * self.hidden) + tables + self.hidden) as u64
    }
}

/// One token id or a list of them; none where the setting is absent or -1.
fn tokens(settings: &Settings, name: &str) -> Result<Vec<u32>, ModelError> {
    let Some((_, value)) = settings.first(&[name]) else { return Ok(Vec::new()) };
    let one = |value: &Value| match value.as_i64() {
        Some(-1) => Ok(None),
        Some(id) => u32::try_from(id).map(Some).map_err(|_| refuse(name, &format!("is {id}, not a token"))),
        None => Err(refuse(name, &format!("is {value}, not a token"))),
    };
    match value {
        Value::Array(list) => list.iter().filter_map(|value| one(value).transpose()).collect(),
        value => Ok(one(value)?.into_iter().collect()),
    }
}

/// Base and scaling of the rotary frequencies: `rope_parameters` (transformers 5) or `rope_theta` with `rope_scaling`.
fn rope(settings: &Settings) -> Result<(f64, Option<RopeScaling>), ModelError> {
    let (name, value) = match (settings.first(&["rope_parameters"]), settings.first(&["rope_scaling"])) {
        (Some(_), Some(_)) => {
            return Err(refuse(
                "rope_scaling",
                "stands beside rope_parameters; keep the one the weights were trained with",
            ));
        }
        (Some(found), None) | (None, Some(found)) => found,
        (None, None) => ("rope_scaling", &Value::Null),
    };
    let object = match value {
        Value::Null => serde_json::Map::new(),
        Value::Object(object) => object.clone(),
        other => return Err(refuse(name, &format!("is {other}, not an object"))),
    };
    let number = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_f64()
            .filter(|x| x.is_finite() && *x > 0.0)
            .map(Some)
            .ok_or_else(|| refuse(&format!("{name}.{key}"), &format!("is {value}, not a positive number"))),
    };
    let theta = match number("rope_theta")? {
        Some(theta) => theta,
        None => settings.number(&["rope_theta"])?.unwrap_or(10_000.0),
    };
    if theta <= 0.0 {
        return Err(refuse("rope_theta", "is not positive"));
    }
    let kind = object.get("rope_type").or_else(|| object.get("type")).and_then(Value::as_str).unwrap_or("default");
    const KNOWN: [&str; 8] = [
        "rope_type",
        "type",
        "rope_theta",
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
        "partial_rotary_factor",
    ];
    if let Some(unknown) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(refuse(&format!("{name}.{unknown}"), "is a rotary setting this program does not know"));
    }
    if number("partial_rotary_factor")?.is_some_and(|share| share != 1.0) {
        return Err(refuse(&format!("{name}.partial_rotary_factor"), "is not 1; Llama turns every pair"));
    }
    let needed = |key: &str| {
        number(key)?.ok_or_else(|| refuse(&format!("{name}.{key}"), "is missing, and scaling of type llama3 needs it"))
    };
    match kind {
        "default" if object.contains_key("factor") => {
            Err(refuse(&format!("{name}.factor"), "is set, but the rotary type is \"default\""))
        }
        "default" => Ok((theta, None)),
        "llama3" => Ok((
            theta,
            Some(RopeScaling {
                factor: needed("factor")?,
                low_freq_factor: needed("low_freq_factor")?,
                high_freq_factor: needed("high_freq_factor")?,
                original_positions: needed("original_max_position_embeddings")? as usize,
            }),
        )),
        other => {
            Err(refuse(&format!("{name}.rope_type"), &format!("is {other:?}; known are \"default\" and \"llama3\"")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(extra: &str) -> Result<LlamaConfig, String> {
        let text = format!(
            r#"{{"model_type":"llama","vocab_size":10,"hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
               "intermediate_size":12{extra}}}"#
        );
        LlamaConfig::parse(&text).map_err(|e| e.to_string())
    }

    #[test]
    fn both_spellings_of_the_rotary_settings_are_read() {
        let old = r#","rope_theta":500000.0,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,
            "original_max_position_embeddings":8192,"rope_type":"llama3"}"#;
        let new = r#","rope_parameters":{"rope_theta":500000.0,"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,
            "original_max_position_embeddings":8192,"rope_type":"llama3"}"#;
        let (old, new) = (parse(old).unwrap(), parse(new).unwrap());
        assert_eq!(old, new);
        assert_eq!(old.rope_theta, 500_000.0);
        assert_eq!(old.rope_scaling.unwrap().factor, 32.0);
        let plain = parse(r#","rope_parameters":{"rope_theta":77.0,"rope_type":"default"}"#).unwrap();
        assert_eq!((plain.rope_theta, plain.rope_scaling), (77.0, None));
        assert_eq!(parse("").unwrap().rope_theta, 10_000.0);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (extra, named) in [
            (r#","rope_scaling":{"type":"yarn","factor":4.0}"#, "yarn"),
            (r#","rope_scaling":{"type":"linear","factor":4.0}"#, "linear"),
            (r#","rope_parameters":{"rope_type":"default","attention_factor":1.2}"#, "attention_factor"),
            (r#","rope_parameters":{"rope_type":"llama3","factor":8.0}"#, "low_freq_factor"),
            (r#","attention_bias":true"#, "attention_bias"),
            (r#","hidden_act":"gelu""#, "hidden_act"),
            (r#","num_key_value_heads":3"#, "num_key_value_heads"),
            (r#","quantization_config":{"bits":4}"#, "quantization_config"),
        ] {
            let error = parse(extra).unwrap_err();
            assert!(error.contains(named), "{extra}: {error}");
        }
    }

    #[test]
    fn one_end_token_or_several() {
        assert_eq!(parse(r#","eos_token_id":2,"bos_token_id":1"#).unwrap().eos, [2]);
        assert_eq!(parse(r#","eos_token_id":[128001,128008]"#).unwrap().eos, [128_001, 128_008]);
        assert_eq!(parse(r#","bos_token_id":null"#).unwrap().bos, None);
    }
}
