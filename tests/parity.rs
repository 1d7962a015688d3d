//! The encoders against the reference implementation's logits, and against themselves.

// A test fails by panicking, in its helpers too.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use kleroterion::glauber::conditionals::Precision;
use kleroterion::models::{CheckReport, CheckedType, FastType, MaskedLm, ModelError, check};

/// The folder of parity models, or nothing with a message.
fn parity() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/parity");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

fn compare(architecture: &str, checked: CheckedType, tolerance: f64) {
    let Some(folder) = parity() else { return };
    let dir = folder.join(architecture);
    let report = check(&dir, &dir.join("reference.json"), checked, tolerance).unwrap();
    println!("{report:?}");
    assert_eq!(report.architecture, architecture);
    assert_eq!(report.rows, 17 + 17 + 11 + 6);
    assert!(report.ok, "{report:?}");
}

macro_rules! parity_tests {
    ($($name:ident $architecture:literal $double:literal;)*) => {$(
        #[test]
        fn $name() {
            compare($architecture, CheckedType::F64, $double);
            compare($architecture, CheckedType::F32, 1e-4);
            // As an accelerator may run it; the rounding of 8 and of 11 bits shows and stays small.
            compare($architecture, CheckedType::Half(FastType::Bf16), 1e-1);
            compare($architecture, CheckedType::Half(FastType::F16), 2e-2);
        }
    )*};
}

parity_tests! {
    bert_agrees "bert" 1e-9;
    distilbert_agrees "distilbert" 1e-9;
    roberta_agrees "roberta" 1e-9;
    xlm_roberta_agrees "xlm-roberta" 1e-9;
    albert_agrees "albert" 1e-9;
    electra_agrees "electra" 1e-9;
    deberta_v2_agrees "deberta-v2" 1e-9;
    // The reference evaluates softmax and rotary positions in single precision: 2e-7 of this is its own error.
    modernbert_agrees "modernbert" 1e-6;
}

#[test]
fn modernbert_agrees_with_a_reference_in_double_precision_throughout() {
    let Some(folder) = parity() else { return };
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/modernbert_double.json");
    let report = check(&folder.join("modernbert"), &golden, CheckedType::F64, 1e-9).unwrap();
    assert!(report.ok && report.rows == 17, "{report:?}");
}

/// Small configurations of every architecture, with what differs between them set to something that matters.
fn shapes() -> Vec<(&'static str, String)> {
    let bert = |kind: &str, more: &str| {
        format!(
            r#"{{"model_type": "{kind}", "vocab_size": 61, "hidden_size": 48, "num_hidden_layers": 3,
                 "num_attention_heads": 4, "intermediate_size": 80, "max_position_embeddings": 40,
                 "initializer_range": 0.2 {more}}}"#
        )
    };
    vec![
        ("bert", bert("bert", "")),
        (
            "distilbert",
            r#"{"model_type": "distilbert", "vocab_size": 61, "dim": 48, "n_layers": 2, "n_heads": 3, "hidden_dim": 80,
                "max_position_embeddings": 40, "initializer_range": 0.2}"#
                .to_owned(),
        ),
        ("roberta", bert("roberta", r#", "pad_token_id": 1, "type_vocab_size": 1, "tie_word_embeddings": false"#)),
        ("xlm-roberta", bert("xlm-roberta", r#", "type_vocab_size": 1"#)),
        ("albert", bert("albert", r#", "embedding_size": 16, "num_hidden_groups": 2, "inner_group_num": 2"#)),
        ("electra", bert("electra", r#", "embedding_size": 16, "hidden_act": "relu""#)),
        (
            "modernbert",
            bert(
                "modernbert",
                r#", "global_attn_every_n_layers": 2, "local_attention": 6, "global_rope_theta": 160000.0,
                   "local_rope_theta": 10000.0, "attention_bias": true, "mlp_bias": true"#,
            ),
        ),
        (
            "deberta-v2",
            bert(
                "deberta-v2",
                r#", "relative_attention": true, "pos_att_type": "c2p|p2c", "position_buckets": 8,
                   "conv_kernel_size": 3, "position_biased_input": false, "type_vocab_size": 0"#,
            ),
        ),
    ]
}

fn sequences(count: usize, length: usize) -> Vec<Vec<u32>> {
    (0..count).map(|k| (0..length).map(|i| ((7 * k + 13 * i + i * i * (k + 3)) % 57 + 4) as u32).collect()).collect()
}

/// The largest absolute difference, which must be small against logits that are not.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().any(|x| x.abs() > 0.1), "logits near 0 show nothing");
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

#[test]
fn single_precision_is_near_double_and_one_position_is_a_row_of_all() {
    for (name, config) in shapes() {
        let model = MaskedLm::random(&config, 5).unwrap();
        assert_eq!(model.architecture(), name);
        for length in [1, 2, 11, 33] {
            let batch = sequences(3, length);
            let positions = [0, length / 2, length - 1];
            for (precision, tolerance) in [(Precision::F32, 2e-5), (Precision::F64, 1e-12)] {
                let asked = model.logits(&batch, &positions, precision).unwrap();
                assert_eq!((asked.rows(), asked.vocabulary()), (3, 61));
                for (k, &position) in positions.iter().enumerate() {
                    let all = model.all_logits(&batch[k], precision).unwrap();
                    let gap = distance(asked.row(k), all.row(position));
                    assert!(gap < tolerance, "{name}, length {length}, {precision:?}: {gap}");
                }
            }
            let single = model.all_logits(&batch[0], Precision::F32).unwrap();
            let double = model.all_logits(&batch[0], Precision::F64).unwrap();
            for i in 0..length {
                let gap = distance(single.row(i), double.row(i));
                assert!(gap > 0.0 && gap < 5e-5, "{name}, length {length}: {gap}");
            }
        }
    }
}

#[test]
fn a_batch_is_its_rows_and_repeats_to_the_bit() {
    let wide = r#"{"model_type": "bert", "vocab_size": 300, "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 1100, "max_position_embeddings": 40, "initializer_range": 0.1}"#;
    for (name, config) in shapes().into_iter().chain([("bert", wide.to_owned())]) {
        let model = MaskedLm::random(&config, 6).unwrap();
        // More rows than go through in one pass.
        let batch = sequences(150, 9);
        let positions: Vec<usize> = (0..150).map(|k| k % 9).collect();
        let together = model.logits(&batch, &positions, Precision::F32).unwrap();
        assert_eq!(together, model.clone().logits(&batch, &positions, Precision::F32).unwrap(), "{name}");
        let row_wise = model.row_wise(Precision::F32);
        assert_eq!(row_wise, name != "deberta-v2" && cfg!(not(any(feature = "mkl", feature = "accelerate"))));
        for (k, count) in
            [(0, 1), (1, 1), (77, 1), (149, 1), (3, 2), (40, 3), (91, 4), (5, 7), (60, 16), (10, 33), (2, 80)]
        {
            let part = k..k + count;
            let some = model.logits(&batch[part.clone()], &positions[part.clone()], Precision::F32).unwrap();
            for (row, k) in part.enumerate() {
                let gap = distance(together.row(k), some.row(row));
                assert!(if row_wise { gap == 0.0 } else { gap < 1e-5 }, "{name}, {count} rows: {gap}");
            }
        }
        assert_ne!(together.row(0), together.row(9), "{name}");
    }
}

#[test]
fn random_models_depend_on_the_seed_only() {
    let (_, config) = shapes().swap_remove(0);
    let logits = |seed| MaskedLm::random(&config, seed).unwrap().all_logits(&[5, 6, 7], Precision::F32).unwrap();
    assert_eq!(logits(1), logits(1));
    assert_ne!(logits(1), logits(2));
    let model = MaskedLm::random(&config, 1).unwrap();
    let layer = 4 * 48 * 48 + 2 * 48 * 80 + 4 * 48 + 80 + 48 + 4 * 48;
    let embeddings = (61 + 40 + 2) * 48 + 2 * 48;
    assert_eq!(model.parameters(), (embeddings + 3 * layer + 48 * 48 + 3 * 48 + 61) as u64);
    assert_eq!((model.vocabulary(), model.max_length()), (61, 40));
}

#[test]
fn roberta_has_no_positions_for_the_padding_offset() {
    let (_, config) = shapes().swap_remove(2);
    assert_eq!(MaskedLm::random(&config, 1).unwrap().max_length(), 38);
}

#[test]
fn rotary_settings_of_both_spellings_are_read() {
    let flat = &shapes()[6].1;
    let types = r#""layer_types": ["full_attention", "sliding_attention", "full_attention"]"#;
    let rope = r#""rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
                                      "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}"#;
    let nested =
        flat.replace(r#""global_rope_theta": 160000.0"#, types).replace(r#""local_rope_theta": 10000.0"#, rope);
    let other = nested.replace("160000.0", "80000.0");
    let ids = &sequences(1, 9)[0];
    let logits = |config: &str| MaskedLm::random(config, 3).unwrap().all_logits(ids, Precision::F64).unwrap();
    assert_eq!(logits(flat), logits(&nested));
    assert_ne!(logits(flat), logits(&other));
    let scaled = nested.replace(r#""default", "rope_theta": 1000"#, r#""yarn", "rope_theta": 1000"#);
    let error = MaskedLm::random(&scaled, 3).err().unwrap();
    assert!(matches!(&error, ModelError::Config { setting, .. } if setting == "rope_parameters"), "{error}");
}

/// Every tensor of a small BERT.
fn bert_tensors() -> HashMap<String, Tensor> {
    let mut tensors = HashMap::new();
    let mut add = |name: &str, shape: &[usize]| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|i| (((i * 37 + name.len() * 11) % 101) as f32 / 50.0 - 1.0) * 0.3).collect();
        tensors.insert(name.to_owned(), Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    for (name, rows) in [("word", 61), ("position", 40), ("token_type", 2)] {
        add(&format!("bert.embeddings.{name}_embeddings.weight"), &[rows, 48]);
    }
    let mut norms = vec!["bert.embeddings.LayerNorm".to_owned(), "cls.predictions.transform.LayerNorm".to_owned()];
    let mut dense = vec![("cls.predictions.transform.dense".to_owned(), 48, 48)];
    for k in 0..3 {
        let at = format!("bert.encoder.layer.{k}.");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            dense.push((format!("{at}attention.{part}"), 48, 48));
        }
        dense.push((format!("{at}intermediate.dense"), 80, 48));
        dense.push((format!("{at}output.dense"), 48, 80));
        norms.push(format!("{at}attention.output.LayerNorm"));
        norms.push(format!("{at}output.LayerNorm"));
    }
    for (name, to, from) in dense {
        add(&format!("{name}.weight"), &[to, from]);
        add(&format!("{name}.bias"), &[to]);
    }
    for name in norms {
        add(&format!("{name}.weight"), &[48]);
        add(&format!("{name}.bias"), &[48]);
    }
    add("cls.predictions.bias", &[61]);
    tensors
}

fn bert_config() -> String {
    shapes().swap_remove(0).1
}

/// A model folder with these tensors.
fn folder(tensors: &HashMap<String, Tensor>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), bert_config()).unwrap();
    candle_core::safetensors::save(tensors, dir.path().join("model.safetensors")).unwrap();
    dir
}

fn load(tensors: &HashMap<String, Tensor>) -> Result<MaskedLm, ModelError> {
    MaskedLm::from_folder(folder(tensors).path())
}

fn answer(model: &MaskedLm, precision: Precision) -> Vec<f64> {
    model.all_logits(&[7, 8, 9, 10], precision).unwrap().row(2).to_vec()
}

#[test]
fn names_with_and_without_prefix_and_of_old_normalisations_are_one_model() {
    let tensors = bert_tensors();
    let dir = folder(&tensors);
    let expected = answer(&MaskedLm::from_folder(dir.path()).unwrap(), Precision::F64);
    let renamed =
        |f: &dyn Fn(&str) -> String| -> HashMap<_, _> { tensors.iter().map(|(n, t)| (f(n), t.clone())).collect() };
    let bare = renamed(&|name| name.trim_start_matches("bert.").to_owned());
    let old = renamed(&|name| {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    });
    for tensors in [bare, old] {
        assert_eq!(answer(&load(&tensors).unwrap(), Precision::F64), expected);
    }
    let bytes = std::fs::read(dir.path().join("model.safetensors")).unwrap();
    assert_eq!(answer(&MaskedLm::from_bytes(&bert_config(), bytes).unwrap(), Precision::F64), expected);
}

#[test]
fn shards_are_read_and_may_not_lie_outside_the_folder() {
    let tensors = bert_tensors();
    let expected = answer(&load(&tensors).unwrap(), Precision::F64);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), bert_config()).unwrap();
    let part = |name: &str| if name.contains("encoder") { "a.safetensors" } else { "b.safetensors" };
    for file in ["a.safetensors", "b.safetensors"] {
        let some: HashMap<_, _> =
            tensors.iter().filter(|(n, _)| part(n) == file).map(|(n, t)| (n.clone(), t.clone())).collect();
        candle_core::safetensors::save(&some, dir.path().join(file)).unwrap();
    }
    let write = |map: serde_json::Value| {
        let index = serde_json::json!({ "weight_map": map }).to_string();
        std::fs::write(dir.path().join("model.safetensors.index.json"), index).unwrap();
    };
    write(tensors.keys().map(|name| (name.clone(), part(name).into())).collect::<serde_json::Map<_, _>>().into());
    assert_eq!(answer(&MaskedLm::from_folder(dir.path()).unwrap(), Precision::F64), expected);
    write(serde_json::json!({ "bert.x": "../a.safetensors" }));
    assert!(matches!(MaskedLm::from_folder(dir.path()), Err(ModelError::Unreadable { .. })));
}

#[test]
fn every_stored_type_is_read_exactly_in_double_precision() {
    let exact = bert_tensors();
    for dtype in [DType::F16, DType::BF16, DType::F64] {
        let stored: HashMap<_, _> =
            exact.iter().map(|(n, t)| (n.clone(), ((t * 1.1).unwrap().to_dtype(dtype)).unwrap())).collect();
        let widened: HashMap<_, _> = stored.iter().map(|(n, t)| (n.clone(), t.to_dtype(DType::F64).unwrap())).collect();
        let (model, reference) = (load(&stored).unwrap(), load(&widened).unwrap());
        assert_eq!(answer(&model, Precision::F64), answer(&reference, Precision::F64), "{dtype:?}");
        let gap = distance(&answer(&model, Precision::F32), &answer(&model, Precision::F64));
        assert!(gap < 1e-4, "{dtype:?}: {gap}");
    }
}

#[test]
fn what_is_wrong_with_a_checkpoint_is_named() {
    let tensors = bert_tensors();
    let missing = "bert.encoder.layer.1.attention.self.key.weight";
    let mut without = tensors.clone();
    without.remove(missing);
    let error = load(&without).err().unwrap();
    assert!(matches!(&error, ModelError::MissingTensor { name, .. } if name == missing), "{error}");

    let mut misshapen = tensors.clone();
    misshapen.insert(missing.to_owned(), Tensor::zeros((48, 47), DType::F32, &Device::Cpu).unwrap());
    let error = load(&misshapen).err().unwrap();
    assert!(
        matches!(&error, ModelError::WrongShape { name, expected, got }
            if name == missing && expected == &[48, 48] && got == &[48, 47]),
        "{error}"
    );

    let mut damaged = tensors.clone();
    damaged.insert("cls.predictions.bias".into(), Tensor::full(f32::NAN, 61, &Device::Cpu).unwrap());
    let model = load(&damaged).unwrap();
    for precision in [Precision::F32, Precision::F64] {
        assert!(matches!(model.all_logits(&[5, 6], precision), Err(ModelError::NonFinite { .. })));
    }

    let mut integers = tensors;
    integers.insert("cls.predictions.bias".into(), Tensor::zeros(61, DType::I64, &Device::Cpu).unwrap());
    assert!(matches!(load(&integers), Err(ModelError::Unreadable { .. })));
}

#[test]
fn what_is_wrong_with_a_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(MaskedLm::from_folder(dir.path()), Err(ModelError::Unreadable { .. })));
    std::fs::write(dir.path().join("config.json"), bert_config()).unwrap();
    assert!(matches!(MaskedLm::from_folder(dir.path()), Err(ModelError::Unreadable { .. })));
    std::fs::write(dir.path().join("pytorch_model.bin"), b"\x80\x02\x8a\nl\xfc\x9cF").unwrap();
    let error = MaskedLm::from_folder(dir.path()).err().unwrap().to_string();
    assert!(error.contains("before version 1.6"), "{error}");
    std::fs::write(dir.path().join("model.safetensors"), b"not one").unwrap();
    assert!(matches!(MaskedLm::from_folder(dir.path()), Err(ModelError::Unreadable { .. })));
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    let parse = |config: &str| MaskedLm::random(config, 0).err().unwrap();
    let with = |from: &str, to: &str| parse(&bert_config().replace(from, to));
    assert!(matches!(with(r#""bert""#, r#""gpt2""#), ModelError::UnknownArchitecture { found, .. } if found == "gpt2"));
    assert!(matches!(parse("{}"), ModelError::UnknownArchitecture { .. }));
    assert!(matches!(parse("[1]"), ModelError::Config { .. }));
    let vocabulary = r#""vocab_size": 61,"#;
    for (from, to, named) in [
        (r#""num_attention_heads": 4"#, r#""num_attention_heads": 5"#, "num_attention_heads"),
        (r#""hidden_size": 48"#, r#""hidden_size": 48.5"#, "hidden_size"),
        (r#""hidden_size": 48"#, r#""hidden_size": 99999999999"#, "hidden_size"),
        (vocabulary, "", "vocab_size"),
        (vocabulary, r#""vocab_size": 61, "hidden_act": "mish","#, "hidden_act"),
        (vocabulary, r#""vocab_size": 61, "is_decoder": true,"#, "is_decoder"),
        (vocabulary, r#""vocab_size": 61, "position_embedding_type": "relative_key","#, "position_embedding_type"),
    ] {
        let error = with(from, to);
        assert!(matches!(&error, ModelError::Config { setting, .. } if setting == named), "{named}: {error}");
    }
}

#[test]
fn discriminators_are_refused() {
    let config = shapes().swap_remove(5).1;
    let named = config.replacen('{', r#"{"architectures": ["ElectraForPreTraining"], "#, 1);
    assert!(matches!(MaskedLm::random(&named, 0), Err(ModelError::Discriminator { .. })));
    for (config, name) in [
        (&config, "discriminator_predictions.dense.weight"),
        (&shapes()[7].1, "mask_predictions.dense.weight"),
        (&shapes()[7].1, "deberta.embeddings.word_embeddings.weight"),
    ] {
        let tensor = Tensor::zeros((4, 4), DType::F32, &Device::Cpu).unwrap();
        let dir = folder(&HashMap::from([(name.to_owned(), tensor)]));
        std::fs::write(dir.path().join("config.json"), config).unwrap();
        let error = MaskedLm::from_folder(dir.path()).err().unwrap();
        assert!(matches!(error, ModelError::Discriminator { .. }), "{error}");
    }
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let model = MaskedLm::random(&bert_config(), 0).unwrap();
    let ask = |sequences: &[Vec<u32>], positions: &[usize]| model.logits(sequences, positions, Precision::F32);
    assert_eq!(ask(&[], &[]).unwrap().rows(), 0);
    assert!(matches!(ask(&[vec![]], &[0]), Err(ModelError::Length { .. })));
    assert!(matches!(ask(&[vec![1; 41]], &[0]), Err(ModelError::Length { got: 41, .. })));
    assert!(matches!(ask(&[vec![1; 4], vec![1; 5]], &[0, 0]), Err(ModelError::Length { got: 5, .. })));
    assert!(matches!(ask(&[vec![1, 61]], &[0]), Err(ModelError::Token { token: 61, vocabulary: 61 })));
    assert!(matches!(ask(&[vec![1, 2]], &[2]), Err(ModelError::Position { position: 2, length: 2 })));
    assert!(ask(&[vec![1, 2]], &[]).is_err());
}

#[test]
fn a_check_fails_where_the_logits_differ() {
    let dir = folder(&bert_tensors());
    let model = MaskedLm::from_folder(dir.path()).unwrap();
    let logits = model.all_logits(&[5, 6, 7], Precision::F64).unwrap();
    let rows: Vec<Vec<f64>> = (0..3).map(|i| logits.row(i).to_vec()).collect();
    let write = |rows: &[Vec<f64>]| {
        let reference = serde_json::json!({
            "input_ids": [[5, 6, 7, 0]], "attention_mask": [[1, 1, 1, 0]], "lengths": [3], "logits_rows": [rows],
        });
        let path = dir.path().join("reference.json");
        std::fs::write(&path, reference.to_string()).unwrap();
        path
    };
    let exact = check(dir.path(), &write(&rows), CheckedType::F64, 0.0).unwrap();
    let expected = CheckReport { architecture: "bert".into(), rows: 3, max_abs_diff: 0.0, tolerance: 0.0, ok: true };
    assert_eq!(exact, expected);
    let mut off = rows.clone();
    off[1][4] += 0.25;
    let report = check(dir.path(), &write(&off), CheckedType::F64, 1e-9).unwrap();
    assert!(!report.ok && (report.max_abs_diff - 0.25).abs() < 1e-12, "{report:?}");
    assert!(check(dir.path(), &write(&rows[..2]), CheckedType::F64, 1e-9).is_err());
}
