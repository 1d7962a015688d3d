//! Transformers with random weights: the control that has a trained model's shape and none of its training.

use std::path::Path;

use serde_json::json;

use super::error::ModelError;
use super::tokenizer::MlmTokenizer;

/// What `random:…` takes, with the defaults.
const USAGE: &str = "random:layers=2,hidden=64,heads=2,vocabulary=200,length=32,seed=0";

/// Tokens of a random model that are not words.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// The shape and seed of a BERT-layout model with random weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RandomModel {
    layers: u64,
    hidden: u64,
    heads: u64,
    vocabulary: u64,
    /// Longest sequence, start and end included.
    length: u64,
    pub seed: u64,
}

impl RandomModel {
    /// Reads the settings after `random:`; the rest stay at their defaults.
    pub fn parse(settings: &str) -> Result<Self, ModelError> {
        let mut model = Self { layers: 2, hidden: 64, heads: 2, vocabulary: 200, length: 32, seed: 0 };
        for setting in settings.split(',').map(str::trim).filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            let number: u64 = value.trim().parse().map_err(|_| wrong(&format!("{setting:?} is not a name=number")))?;
            let (field, range) = match name.trim() {
                "layers" => (&mut model.layers, 1..=96),
                "hidden" => (&mut model.hidden, 1..=8192),
                "heads" => (&mut model.heads, 1..=256),
                "vocabulary" => (&mut model.vocabulary, SPECIAL.len() as u64 + 1..=300_000),
                "length" => (&mut model.length, 3..=8192),
                "seed" => (&mut model.seed, 0..=u64::MAX),
                other => return Err(wrong(&format!("there is no setting {other:?}"))),
            };
            if !range.contains(&number) {
                return Err(wrong(&format!("{name} must lie from {} to {}", range.start(), range.end())));
            }
            *field = number;
        }
        if !model.hidden.is_multiple_of(model.heads) {
            return Err(wrong(&format!("hidden={} is no multiple of heads={}", model.hidden, model.heads)));
        }
        let weights = model.hidden * (model.vocabulary + model.length + 12 * model.layers * model.hidden);
        if weights > 1 << 31 {
            return Err(wrong(&format!("about {weights} weights are more than this program draws")));
        }
        Ok(model)
    }

    /// The same model with every setting written out; equal texts mean equal weights.
    pub fn canonical(&self) -> String {
        let Self { layers, hidden, heads, vocabulary, length, seed } = self;
        format!(
            "random:layers={layers},hidden={hidden},heads={heads},vocabulary={vocabulary},length={length},seed={seed}"
        )
    }

    /// Its `config.json`.
    pub fn config(&self) -> String {
        json!({
            "architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": self.vocabulary,
            "hidden_size": self.hidden, "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "intermediate_size": 4 * self.hidden, "hidden_act": "gelu", "max_position_embeddings": self.length,
            "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0, "initializer_range": 0.02,
            "tie_word_embeddings": true,
        })
        .to_string()
    }

    /// Its `tokenizer.json`: a word is the decimal spelling of its own id, as in the toys.
    pub fn tokenizer_json(&self) -> String {
        let word = |id: u64| SPECIAL.get(id as usize).map_or_else(|| id.to_string(), |name| (*name).to_owned());
        let vocabulary: serde_json::Map<String, serde_json::Value> =
            (0..self.vocabulary).map(|id| (word(id), json!(id))).collect();
        let added: Vec<serde_json::Value> = SPECIAL
            .iter()
            .zip(0..)
            .map(|(name, id): (_, u64)| {
                json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true})
            })
            .collect();
        json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        })
        .to_string()
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> Result<MlmTokenizer, ModelError> {
        MlmTokenizer::from_json(&self.tokenizer_json(), Path::new(&self.canonical()))
    }
}

/// Splits what follows `random-like:` into the reference and the seed.
pub(super) fn like(text: &str) -> Result<(&str, u64), ModelError> {
    let (reference, seed) = match text.rsplit_once(",seed=") {
        Some((reference, seed)) => {
            (reference, seed.trim().parse().map_err(|_| wrong(&format!("seed={seed} is not a whole number")))?)
        }
        None => (text, 0),
    };
    if reference.trim().is_empty() {
        return Err(ModelError::Other(
            "random-like names no model. Write random-like:agora,seed=1, with any model in agora's place".to_owned(),
        ));
    }
    Ok((reference.trim(), seed))
}

fn wrong(problem: &str) -> ModelError {
    ModelError::Other(format!("{problem}. A random model is written {USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_named_when_wrong() {
        let model = RandomModel::parse("layers=1, hidden=32,seed=9").unwrap();
        assert_eq!(model.canonical(), "random:layers=1,hidden=32,heads=2,vocabulary=200,length=32,seed=9");
        assert_eq!(RandomModel::parse("").unwrap().seed, 0);
        for (text, word) in [
            ("hiden=3", "hiden"),
            ("layers=x", "layers=x"),
            ("layers=0", "1 to 96"),
            ("hidden=33", "no multiple"),
            ("layers=96,hidden=8192,heads=2", "weights"),
        ] {
            let message = RandomModel::parse(text).unwrap_err().to_string();
            assert!(message.contains(word) && message.contains("random:layers=2"), "{message}");
        }
    }

    #[test]
    fn words_are_their_own_ids() {
        let tokenizer = RandomModel::parse("vocabulary=20").unwrap().tokenizer().unwrap();
        assert_eq!(tokenizer.size(), 20);
        assert_eq!(tokenizer.encode("7 19 [MASK] 5").unwrap(), [7, 19, 4, 5]);
        assert_eq!((tokenizer.prefix(), tokenizer.suffix()), (&[2][..], &[3][..]));
        assert!(tokenizer.encode("7 20").unwrap_err().contains("20"));
        assert_eq!((0..20).filter(|&id| tokenizer.ordinary(id)).count(), 15);
    }

    #[test]
    fn a_like_reference_may_hold_commas() {
        assert_eq!(like("agora,seed=3").unwrap(), ("agora", 3));
        assert_eq!(like("agora").unwrap(), ("agora", 0));
        assert_eq!(like("random:layers=1,seed=4,seed=5").unwrap(), ("random:layers=1,seed=4", 5));
        assert!(like(",seed=5").is_err() && like("agora,seed=x").is_err());
    }
}
