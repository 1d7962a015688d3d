//! The model's folder in the Hugging Face layout, each file written whole or not at all.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::network::{EPSILON, INITIAL_DEVIATION, Network, Sizes, TYPES};
use super::wordpiece::{PAD, SPECIAL, text, tokenizer};
use super::{TrainError, TrainingProgress};

pub(super) const MODEL: &str = "model.safetensors";
pub(super) const VOCABULARY: &str = "vocab.txt";

/// Writes a file beside its place and then moves it there, so that a crash leaves the old file or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), TrainError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    File::create(&partial)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|e| {
            TrainError::file(
                format!("a file of the model cannot be written ({e})"),
                "free some space or choose a folder that can be written, and start again to go on",
                path,
            )
        })
}

/// The tokenizer's files: `tokenizer.json`, `tokenizer_config.json`, `vocab.txt`.
pub(super) fn write_tokenizer(folder: &Path, vocabulary: &[String], length: u32) -> Result<(), TrainError> {
    let json = tokenizer(vocabulary)?.to_string(true).map_err(|e| TrainError::Tokenizer(e.to_string()))?;
    let [pad, unknown, start, end, mask] = SPECIAL;
    let config = serde_json::json!({
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": true,
        "model_max_length": length,
        "pad_token": pad,
        "unk_token": unknown,
        "cls_token": start,
        "sep_token": end,
        "mask_token": mask,
    });
    write_whole(&folder.join("tokenizer.json"), json.as_bytes())?;
    write_whole(&folder.join("tokenizer_config.json"), format!("{config:#}\n").as_bytes())?;
    write_whole(&folder.join(VOCABULARY), text(vocabulary).as_bytes())
}

/// `config.json` and `model.safetensors`.
pub(super) fn write_model(folder: &Path, network: &Network) -> Result<(), TrainError> {
    write_whole(&folder.join("config.json"), format!("{:#}\n", config(&network.sizes)).as_bytes())?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(network.exported()?, Some(metadata)).map_err(candle_core::Error::from)?;
    write_whole(&folder.join(MODEL), &bytes)
}

fn config(sizes: &Sizes) -> serde_json::Value {
    serde_json::json!({
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.intermediate,
        "max_position_embeddings": sizes.length,
        "type_vocab_size": TYPES,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "initializer_range": INITIAL_DEVIATION,
        "layer_norm_eps": EPSILON,
        "pad_token_id": PAD,
        "tie_word_embeddings": true,
        "torch_dtype": "float32",
    })
}

/// `loss_curve.csv`: the report lines, with empty fields where nothing was measured.
pub(super) fn write_curve(folder: &Path, curve: &[TrainingProgress]) -> Result<(), TrainError> {
    let path = folder.join("loss_curve.csv");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for point in curve {
        writer.serialize(point).map_err(|e| {
            TrainError::file(format!("the loss curve cannot be written ({e})"), "start again to go on", &path)
        })?;
    }
    let bytes = writer.into_inner().map_err(|e| {
        TrainError::file(format!("the loss curve cannot be written ({e})"), "start again to go on", &path)
    })?;
    write_whole(&path, &bytes)
}
