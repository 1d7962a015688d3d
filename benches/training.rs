//! A step of preference training and the writing of tokens: how long, and with how much memory.
//!
//! `cargo bench --bench training` prints one line a case; `python benches/peers/training.py` does the same work with PyTorch,
//! transformers and PEFT. Both take processor time of this process, so that a busy machine does not count, and start from
//! the same shapes with random weights. Filter by name: `cargo bench --bench training -- small`.

use std::path::Path;
use std::time::Instant;

use kleroterion::models::llama::{
    AdamW, AdamWSettings, GenerationSettings, Keep, LoraSettings, Network, TokenTree, Trained, random,
};
use kleroterion::progress::Silent;

/// One shape with its batch.
struct Case {
    name: &'static str,
    config: &'static str,
    pairs: usize,
    prompt: usize,
    answer: usize,
    rank: usize,
}

const CASES: [Case; 2] = [
    Case {
        name: "small",
        config: r#"{"model_type":"llama","vocab_size":2048,"hidden_size":192,"intermediate_size":512,"num_hidden_layers":4,
            "num_attention_heads":6,"num_key_value_heads":2,"max_position_embeddings":512,"tie_word_embeddings":true,
            "bos_token_id":0,"eos_token_id":[]}"#,
        pairs: 16,
        prompt: 24,
        answer: 40,
        rank: 8,
    },
    Case {
        name: "135M",
        config: r#"{"model_type":"llama","vocab_size":49152,"hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,
            "num_attention_heads":9,"num_key_value_heads":3,"max_position_embeddings":2048,"tie_word_embeddings":true,
            "bos_token_id":0,"eos_token_id":[]}"#,
        pairs: 2,
        prompt: 64,
        answer: 64,
        rank: 16,
    },
];

/// Processor seconds of this process, all threads.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the struct it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A line of `/proc/self/status` in MiB, where there is one.
fn memory(line: &str) -> Option<f64> {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let text = status.lines().find(|text| text.starts_with(line))?;
    text.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// Begins the peak of resident memory anew.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

fn trees(case: &Case) -> Vec<TokenTree> {
    let token = |i: usize| (i * 7919 % 2000) as u32 + 2;
    (0..case.pairs)
        .map(|pair| {
            let at = |start: usize, count: usize| (start..start + count).map(|i| token(pair * 977 + i)).collect();
            TokenTree { prompt: at(0, case.prompt), branches: vec![at(300, case.answer), at(600, case.answer)] }
        })
        .collect()
}

fn step(network: &mut Network, optimiser: &mut AdamW, trees: &[TokenTree], keep: Keep) {
    let reference = network.pass(trees, Keep::Inputs, false).expect("the reference").branches();
    let pass = network.pass(trees, keep, true).expect("a pass");
    let slopes: Vec<f64> = pass
        .branches()
        .chunks(2)
        .zip(reference.chunks(2))
        .flat_map(|(own, base)| {
            let h = 0.1 * (own[0].log_prob - base[0].log_prob - own[1].log_prob + base[1].log_prob);
            let slope = -0.1 / (1.0 + h.exp()) / trees.len() as f64;
            [slope, -slope]
        })
        .collect();
    network.backward(pass, &slopes).expect("a way back");
    optimiser.step(network, 1e-4).expect("a step");
}

fn main() {
    let filter = std::env::args().nth(1).filter(|argument| !argument.starts_with('-')).unwrap_or_default();
    for case in CASES.iter().filter(|case| case.name.contains(&filter)) {
        let lora = LoraSettings { rank: case.rank, alpha: 2.0 * case.rank as f64, ..LoraSettings::default() };
        let mut network = random(case.config, 1, &Trained::Adapter(lora, 1)).expect("a network");
        let trees = trees(case);
        let tokens = case.pairs * 2 * (case.prompt + case.answer);
        let rounds = if case.pairs > 4 { 20 } else { 4 };
        for (name, keep) in [("keeping activations", Keep::Activations), ("keeping inputs", Keep::Inputs)] {
            let mut optimiser = AdamW::new(AdamWSettings::default(), &network).expect("an optimiser");
            step(&mut network, &mut optimiser, &trees, keep);
            let before = memory("VmRSS:");
            forget_peak();
            let mut times: Vec<f64> = (0..rounds)
                .map(|_| {
                    let start = processor_seconds();
                    step(&mut network, &mut optimiser, &trees, keep);
                    processor_seconds() - start
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let peak = memory("VmHWM:").zip(before).map_or(f64::NAN, |(peak, before)| peak - before);
            println!(
                "{}, {name}: {:.1} ms of processor a step (median {:.1}), {:.0} tokens a processor second, {peak:.0} MiB above rest",
                case.name,
                times[0] * 1e3,
                times[times.len() / 2] * 1e3,
                tokens as f64 / times[0],
            );
        }
        let settings =
            GenerationSettings { longest: if case.pairs > 4 { 200 } else { 24 }, ..GenerationSettings::default() };
        let (start, wall) = (processor_seconds(), Instant::now());
        let written = network.generate(&trees[0].prompt, &settings, false, &mut |_| true, &Silent).expect("a text");
        println!(
            "{}, writing: {:.1} tokens a processor second, {:.1} a second",
            case.name,
            written.len() as f64 / (processor_seconds() - start),
            written.len() as f64 / wall.elapsed().as_secs_f64()
        );
    }
}
