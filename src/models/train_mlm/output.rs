//! The model's folder in the Hugging Face layout, each file written whole or not at all.

use std::collections::HashMap;
use std::path::Path;

use super::network::{EPSILON, INITIAL_DEVIATION, Network, Sizes, TYPES};
use super::wordpiece::{PAD, SPECIAL, text, tokenizer};
use super::{TrainError, TrainingProgress};
use crate::formats::whole_file;

pub(super) const MODEL: &str = "model.safetensors";
pub(super) const VOCABULARY: &str = "vocab.txt";

/// Writes a file so that a crash leaves the old one or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), TrainError> {
    whole_file::write(path, content).map_err(|e| {
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

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use rand::RngExt;

    use super::*;
    use crate::glauber::conditionals::Precision;
    use crate::models::MaskedLm;
    use crate::models::train_mlm::corpus::{Batch, Purpose, generator};

    /// The exported folder, read by the library's own BERT, answers as the training's network does.
    #[test]
    fn the_exported_model_is_the_trained_one() {
        let sizes = Sizes { vocabulary: 50, hidden: 16, layers: 3, heads: 4, intermediate: 24, length: 12 };
        let network = Network::new(sizes, 1, DType::F32).unwrap();
        let mut generator = generator(2, Purpose::Weights, 1);
        for (_, var) in network.parameters() {
            let values: Vec<f32> = (0..var.elem_count()).map(|_| generator.random::<f32>() - 0.5).collect();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        let batch = Batch {
            ids: vec![2, 4, 6, 7, 4, 9, 3, 2, 10, 4, 3, 0, 0, 0],
            width: 7,
            lengths: vec![7, 4],
            masked: vec![1, 4, 9],
            targets: vec![5, 8, 12],
        };
        let ours: Vec<Vec<f32>> = network.logits(&batch).unwrap().to_vec2().unwrap();

        let folder = tempfile::tempdir().unwrap();
        write_model(folder.path(), &network).unwrap();
        let model = MaskedLm::from_folder(folder.path()).unwrap();
        assert_eq!(model.parameters(), network.size());
        assert_eq!(model.max_length(), 12);
        for (&place, ours) in batch.masked.iter().zip(&ours) {
            let (sequence, position) = (place as usize / batch.width, place as usize % batch.width);
            let ids = batch.ids[sequence * batch.width..][..batch.lengths[sequence]].to_vec();
            for precision in [Precision::F32, Precision::F64] {
                let theirs = model.logits(std::slice::from_ref(&ids), &[position], precision).unwrap();
                let differences = theirs.row(0).iter().zip(ours).map(|(a, b)| (a - f64::from(*b)).abs());
                assert!(differences.fold(0.0, f64::max) < 1e-5, "place {place}, {precision:?}");
            }
        }
    }
}
