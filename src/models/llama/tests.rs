//! The whole network: slopes against differences, checkpointing, shared prompts, generation, files, a trained model.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::network::{Keep, LoraSettings, Network, TokenTree, Trained};
use super::{AdamW, AdamWSettings, GenerationSettings, LlamaConfig, read_settings};
use crate::models::weights::Weights;
use crate::progress::Silent;

const CONFIG: &str = r#"{"model_type":"llama","vocab_size":19,"hidden_size":8,"num_hidden_layers":2,
    "num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":12,"max_position_embeddings":64,
    "tie_word_embeddings":TIED,"bos_token_id":0,"eos_token_id":1}"#;

/// A random network in double precision whose adapter, if it has one, is far from 0.
fn network(trained: &Trained, tied: bool) -> Network {
    let config = LlamaConfig::parse(&CONFIG.replace("TIED", if tied { "true" } else { "false" })).unwrap();
    let weights = Weights::random(1, 0.4);
    let mut network = Network::new(config, &weights, trained, DType::F64, &Device::Cpu).unwrap();
    for at in 0..network.parameters.list().len() {
        let value = &network.parameters.list()[at].value;
        if network.parameters.list()[at].name.contains("lora_B") {
            let values: Vec<f64> = (0..value.elem_count()).map(|i| 0.3 * ((i + at) as f64).sin()).collect();
            let value = Tensor::from_vec(values, value.shape(), &Device::Cpu).unwrap();
            network.parameters.set(at, value);
        }
    }
    network
}

fn adapter() -> Trained {
    Trained::Adapter(LoraSettings { rank: 2, alpha: 3.0, ..LoraSettings::default() }, 7)
}

fn trees() -> Vec<TokenTree> {
    vec![
        TokenTree { prompt: vec![0, 5, 9, 3], branches: vec![vec![4, 8, 1], vec![11, 1]] },
        TokenTree { prompt: vec![0], branches: vec![vec![7], vec![7, 2, 2, 6, 1]] },
        TokenTree { prompt: vec![], branches: vec![vec![3, 4, 5]] },
    ]
}

const FACTORS: [f64; 5] = [0.7, -0.4, 0.2, 1.1, -0.6];

fn value(network: &mut Network) -> f64 {
    let branches = network.pass(&trees(), Keep::Inputs, true).unwrap().branches();
    branches.iter().zip(FACTORS).map(|(branch, factor)| branch.log_prob * factor).sum()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Every trained tensor has a gradient, and every number of it is the slope of the value, trained by adapter or whole,
/// with the head tied or not.
#[test]
fn gradients_are_slopes_of_every_trained_tensor() {
    for (trained, tied, tensors) in
        [(adapter(), false, 28), (Trained::Everything, false, 21), (Trained::Everything, true, 20)]
    {
        let mut network = network(&trained, tied);
        let pass = network.pass(&trees(), Keep::Activations, true).unwrap();
        network.backward(pass, &FACTORS).unwrap();
        let gradients = network.parameters.take_gradients().unwrap();
        assert_eq!(gradients.len(), tensors);
        let mut worst = 0.0f64;
        for (at, gradient) in gradients.iter().enumerate() {
            let start = network.parameters.value(at).clone();
            let (values, slopes) = (numbers(&start), numbers(gradient));
            assert!(slopes.iter().any(|slope| slope.abs() > 1e-6), "{}", network.parameters.list()[at].name);
            // Each fifth number: there are some thousands.
            for i in (0..values.len()).step_by(5) {
                let mut at_step = |step: f64| {
                    let mut moved = values.clone();
                    moved[i] += step;
                    network.parameters.set(at, Tensor::from_vec(moved, start.shape(), &Device::Cpu).unwrap());
                    value(&mut network)
                };
                let slope = (at_step(1e-5) - at_step(-1e-5)) / 2e-5;
                worst = worst.max((slope - slopes[i]).abs() / slope.abs().max(1.0));
            }
            network.parameters.set(at, start);
        }
        assert!(worst < 1e-7, "{worst}");
    }
}

#[test]
fn keeping_only_the_inputs_gives_the_same_bits() {
    let mut network = network(&adapter(), true);
    let mut gradients = |keep: Keep| {
        let pass = network.pass(&trees(), keep, true).unwrap();
        network.backward(pass, &FACTORS).unwrap();
        network.parameters.take_gradients().unwrap().iter().flat_map(numbers).collect::<Vec<f64>>()
    };
    assert_eq!(gradients(Keep::Activations), gradients(Keep::Inputs));
}

#[test]
fn batching_and_sharing_a_prompt_change_no_log_probability() {
    let mut network = network(&adapter(), true);
    let together = network.pass(&trees(), Keep::Inputs, true).unwrap().branches();
    let mut apart = Vec::new();
    for tree in trees() {
        for branch in tree.branches {
            let alone = TokenTree { prompt: tree.prompt.clone(), branches: vec![branch] };
            apart.extend(network.pass(&[alone], Keep::Inputs, true).unwrap().branches());
        }
    }
    for (a, b) in together.iter().zip(&apart) {
        assert!((a.log_prob - b.log_prob).abs() < 1e-12 && a.tokens == b.tokens && a.first == b.first);
    }
    // Without a prompt the first token is given, not predicted.
    assert_eq!(together[4].tokens, 2);
}

#[test]
fn the_reference_is_the_network_without_its_adapter() {
    let mut adapted = network(&adapter(), true);
    let mut plain = network(&Trained::Nothing, true);
    let without = adapted.pass(&trees(), Keep::Inputs, false).unwrap().branches();
    let reference = plain.pass(&trees(), Keep::Inputs, true).unwrap().branches();
    assert_eq!(without, reference);
    assert_ne!(adapted.pass(&trees(), Keep::Inputs, true).unwrap().branches(), reference);
}

#[test]
fn generation_continues_as_whole_passes_do() {
    let mut network = network(&adapter(), true);
    let prompt = [0, 5, 9];
    let settings = GenerationSettings { longest: 12, ..GenerationSettings::default() };
    let written = network.generate(&prompt, &settings, true, &mut |_| true, &Silent).unwrap();
    let mut ids = prompt.to_vec();
    let mut expected = Vec::new();
    for _ in 0..12 {
        let logits = network.last_logits(&ids, true).unwrap();
        let best = (0..19).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as u32;
        if best == 1 {
            break;
        }
        expected.push(best);
        ids.push(best);
    }
    assert_eq!(written, expected);
    assert!(!written.is_empty());
    let drawn = GenerationSettings { longest: 6, temperature: 1.0, seed: 3, ..GenerationSettings::default() };
    let mut draw = || network.generate(&prompt, &drawn, true, &mut |_| true, &Silent).unwrap();
    assert_eq!(draw(), draw());
}

#[test]
fn an_adapter_survives_its_files_and_merging_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut trained = network(&adapter(), false);
    trained.save_adapter(folder.path(), "here").unwrap();
    let settings = read_settings(folder.path()).unwrap();
    assert_eq!(trained.adapter, Some(settings.clone()));
    let mut read = network(&Trained::Adapter(settings, 99), false);
    read.load_adapter(folder.path()).unwrap();
    let value_of = |network: &mut Network| network.pass(&trees(), Keep::Inputs, true).unwrap().branches();
    // Adapters are written as they are, in double precision here.
    assert_eq!(value_of(&mut trained), value_of(&mut read));
    trained.save_merged(folder.path()).unwrap();
    let weights = Weights::from_folder(folder.path()).unwrap();
    let config = trained.config().clone();
    let mut merged = Network::new(config, &weights, &Trained::Nothing, DType::F64, &Device::Cpu).unwrap();
    for (a, b) in value_of(&mut trained).iter().zip(value_of(&mut merged)) {
        assert!((a.log_prob - b.log_prob).abs() < 1e-12);
    }
}

#[test]
fn foreign_adapters_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    network(&adapter(), false).save_adapter(folder.path(), "here").unwrap();
    let path = folder.path().join("adapter_config.json");
    let good: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (setting, value, named) in [
        ("peft_type", "IA3".into(), "peft_type"),
        ("use_dora", true.into(), "use_dora"),
        ("target_modules", serde_json::json!(["q_proj", "c_attn"]), "c_attn"),
        ("r", 0.into(), "r"),
        ("modules_to_save", serde_json::json!(["lm_head"]), "modules_to_save"),
    ] {
        let mut changed = good.clone();
        changed[setting] = value;
        std::fs::write(&path, changed.to_string()).unwrap();
        let error = read_settings(folder.path()).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    std::fs::write(&path, good.to_string()).unwrap();
    let fewer = LoraSettings { targets: ["q_proj".to_owned()].into(), ..read_settings(folder.path()).unwrap() };
    let error = network(&Trained::Adapter(fewer, 0), false).load_adapter(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no place"), "{error}");
}

/// Only the prompt's and branches' tokens count, and what cannot be is said.
#[test]
fn bad_tokens_and_lengths_are_refused() {
    let mut network = network(&Trained::Nothing, true);
    let mut pass = |tree: TokenTree| match network.pass(&[tree], Keep::Inputs, true) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    };
    let error = pass(TokenTree { prompt: vec![0], branches: vec![vec![4, 40]] });
    assert!(error.contains("token id 40"), "{error}");
    let error = pass(TokenTree { prompt: vec![0; 60], branches: vec![vec![4; 5]] });
    assert!(error.contains("65") && error.contains("64"), "{error}");
}

/// A real trained model: logits, likelihood and greedy text of another program, and a few steps of training.
#[test]
fn stories260k_answers_as_its_reference_and_trains() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/stories260K");
    if !folder.is_dir() {
        println!("skipped: {} is not here", folder.display());
        return;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&read("reference.json")).unwrap();
    let ids = |key: &str| -> Vec<u32> { serde_json::from_value(reference[key].clone()).unwrap() };
    let config = LlamaConfig::parse(&read("config.json")).unwrap();
    let weights = Weights::from_folder(&folder).unwrap();
    let trained = Trained::Adapter(LoraSettings { rank: 4, ..LoraSettings::default() }, 1);
    let mut network = Network::new(config, &weights, &trained, DType::F32, &Device::Cpu).unwrap();
    let prompt = ids("ids");
    let logits = network.last_logits(&prompt, true).unwrap();
    let first: Vec<f64> = serde_json::from_value(reference["last_logits_first16"].clone()).unwrap();
    for (ours, theirs) in logits.iter().zip(&first) {
        assert!((ours - theirs).abs() < 2e-4 * theirs.abs().max(1.0), "{ours} {theirs}");
    }
    let tree = TokenTree { prompt: vec![prompt[0]], branches: vec![prompt[1..].to_vec()] };
    let branch = network.pass(&[tree], Keep::Inputs, true).unwrap().branches()[0];
    let nll = -branch.log_prob / branch.tokens as f64;
    assert!((nll - reference["mean_nll"].as_f64().unwrap()).abs() < 1e-4, "{nll}");
    let greedy = ids("greedy_200_from_bos");
    let settings = GenerationSettings { longest: 200, ..GenerationSettings::default() };
    let written = network.generate(&greedy[..1], &settings, true, &mut |_| true, &Silent).unwrap();
    assert_eq!(written[..], greedy[1..]);

    let mut optimiser = AdamW::new(AdamWSettings::default(), &network).unwrap();
    let tree = TokenTree { prompt: prompt[..4].to_vec(), branches: vec![prompt[4..].iter().rev().copied().collect()] };
    let mut step = || {
        let pass = network.pass(std::slice::from_ref(&tree), Keep::Activations, true).unwrap();
        let log_prob = pass.branches()[0].log_prob;
        network.backward(pass, &[-0.1]).unwrap();
        optimiser.step(&mut network, 1e-2).unwrap();
        log_prob
    };
    let (before, mut after) = (step(), 0.0);
    (0..10).for_each(|_| after = step());
    assert!(after > before + 5.0, "{before} {after}");
}
