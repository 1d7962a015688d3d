//! Training a masked language model from text: what it learns, what it leaves behind, and how it goes on.

// The tests' own helper functions may panic like the tests do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use kleroterion::models::TrainMlmSpec;
use kleroterion::models::train_mlm::{TrainError, TrainReport, TrainingProgress, train};
use kleroterion::progress::{Cancelled, Progress, Silent};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sentences in which subject, verb and object tell one another, and number is marked twice.
fn grammar(sentences: usize) -> String {
    let kinds = [
        ("wolf", "wolves", "howl", "moon"),
        ("cook", "cooks", "stir", "soup"),
        ("judge", "judges", "weigh", "case"),
        ("sailor", "sailors", "mend", "sail"),
        ("child", "children", "climb", "tree"),
        ("clerk", "clerks", "draw", "lot"),
    ];
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let mut text = String::new();
    for _ in 0..sentences {
        let (one, many, verb, object) = kinds[generator.random_range(0..kinds.len())];
        let time = ["now", "today", "again"][generator.random_range(0..3)];
        text += &if generator.random_bool(0.5) {
            format!("this {one} {verb}s its {object} {time}\n")
        } else {
            format!("these {many} {verb} their {object} {time}\n")
        };
    }
    text
}

/// Entropy of a word drawn from the text, in nats: what guessing without context comes to at best.
fn unigram_entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    text.split_whitespace().for_each(|word| *counts.entry(word).or_default() += 1.0);
    let total: f64 = counts.values().sum();
    counts.values().map(|n| -n / total * (n / total).ln()).sum()
}

fn spec(out: &str) -> TrainMlmSpec {
    TrainMlmSpec {
        text: "text.txt".into(),
        out: out.into(),
        vocabulary: 200,
        hidden: 16,
        layers: 2,
        heads: 2,
        intermediate: 32,
        length: 12,
        batch: 8,
        steps: 40,
        learning_rate: 3e-3,
        warmup_steps: 5,
        validation: 0.1,
        validate_every: 15,
        checkpoint_every: 1000,
        ..TrainMlmSpec::default()
    }
}

fn project(sentences: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("text.txt"), grammar(sentences)).unwrap();
    folder
}

fn run(spec: &TrainMlmSpec, root: &Path, progress: &dyn Progress) -> Result<TrainReport, TrainError> {
    train(spec, root, &mut |_| Ok(()), progress)
}

/// Cancels once `units` of the stage `name` are done, and remembers the stages.
struct CancelAt {
    name: &'static str,
    units: u64,
    at: Mutex<(Vec<String>, u64)>,
}

impl CancelAt {
    fn new(name: &'static str, units: u64) -> Self {
        Self { name, units, at: Mutex::default() }
    }
}

impl Progress for CancelAt {
    fn stage(&self, name: &str) {
        let mut at = self.at.lock().unwrap();
        at.0.push(name.to_owned());
        at.1 = 0;
    }
    fn report(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.at.lock().unwrap().1 = done;
    }
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let at = self.at.lock().unwrap();
        if at.0.last().is_some_and(|stage| stage == self.name) && at.1 >= self.units { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn it_learns_what_the_words_say_about_one_another() {
    let folder = project(400);
    let spec = TrainMlmSpec { hidden: 32, intermediate: 64, batch: 32, steps: 300, validate_every: 150, ..spec("m") };
    let mut points = Vec::new();
    let report = train(
        &spec,
        folder.path(),
        &mut |point: &TrainingProgress| {
            points.push(*point);
            Ok(())
        },
        &Silent,
    )
    .unwrap();
    let unigram = unigram_entropy(&grammar(400));
    let last = report.validation.last().unwrap();
    println!("unigram {unigram:.3}, report {report:?}");
    assert!(last.cross_entropy + 4.0 * last.standard_error < 0.5 * unigram, "{last:?}, unigram entropy {unigram}");
    assert!(last.accuracy > 0.6, "{last:?}");
    assert_eq!(report.validation.iter().map(|v| v.step).collect::<Vec<_>>(), [150, 300]);
    assert_eq!(points.len(), 30);
    assert_eq!(points[29].cross_entropy, Some(last.cross_entropy));
    assert_eq!(points[29].loss, report.final_loss);
    assert!(points[29].loss < points[0].loss);
}

#[test]
fn a_training_that_was_stopped_ends_in_the_same_bytes() {
    let folder = project(120);
    let whole = run(&spec("whole"), folder.path(), &Silent).unwrap();
    for (out, stops) in [
        ("stopped-between-steps", vec![("training", 20)]),
        ("stopped-while-validating", vec![("validating", 1)]),
        ("stopped-often", vec![("training", 3), ("training", 4), ("validating", 0), ("training", 39)]),
    ] {
        for (stage, units) in stops {
            let outcome = run(&spec(out), folder.path(), &CancelAt::new(stage, units));
            assert!(matches!(outcome, Err(TrainError::Cancelled)), "{out}: {outcome:?}");
            assert!(!folder.path().join(out).join("model.safetensors").exists());
        }
        let report = run(&spec(out), folder.path(), &Silent).unwrap();
        assert_eq!((report.validation, report.final_loss), (whole.validation.clone(), whole.final_loss), "{out}");
        for file in ["model.safetensors", "loss_curve.csv", "config.json", "tokenizer.json", "vocab.txt"] {
            let read = |out: &str| std::fs::read(folder.path().join(out).join(file)).unwrap();
            assert!(read(out) == read("whole"), "{out}/{file} differs");
        }
    }
}

#[test]
fn the_seed_and_not_the_threads_decide_the_model() {
    let folder = project(60);
    let model = |out: &str| std::fs::read(folder.path().join(out).join("model.safetensors")).unwrap();
    let short = |out| TrainMlmSpec { steps: 12, validate_every: 6, ..spec(out) };
    for (out, threads) in [("one", 1), ("four", 4)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&short(out), folder.path(), &Silent)).unwrap();
    }
    run(&TrainMlmSpec { seed: 1, ..short("other") }, folder.path(), &Silent).unwrap();
    assert!(model("one") == model("four"));
    assert!(model("one") != model("other"));
}

#[test]
fn the_folder_is_a_bert_in_the_hugging_face_layout() {
    let folder = project(60);
    let spec = TrainMlmSpec { steps: 6, ..spec("model") };
    let stages = CancelAt::new("never", 0);
    let report = run(&spec, folder.path(), &stages).unwrap();
    assert_eq!(
        stages.at.lock().unwrap().0,
        ["reading text", "training the vocabulary", "encoding", "training", "validating", "training"]
    );
    let at = |file: &str| folder.path().join("model").join(file);
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(at("config.json")).unwrap()).unwrap();
    let vocabulary = std::fs::read_to_string(at("vocab.txt")).unwrap();
    assert_eq!(config["model_type"], "bert");
    assert_eq!(config["vocab_size"], vocabulary.lines().count());
    assert_eq!(report.vocabulary, vocabulary.lines().count() as u64);
    assert!(vocabulary.starts_with("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"));

    let bytes = std::fs::read(at("model.safetensors")).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    // 3 embeddings, 2 norms of embeddings, 16 a layer, 5 in the head.
    assert_eq!(tensors.len(), 5 + 2 * 16 + 5);
    assert!(tensors.iter().all(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F32));
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("bert.embeddings.word_embeddings.weight"), [vocabulary.lines().count(), 16]);
    assert_eq!(shape("bert.embeddings.position_embeddings.weight"), [12, 16]);
    assert_eq!(shape("bert.encoder.layer.1.attention.self.key.weight"), [16, 16]);
    assert_eq!(shape("bert.encoder.layer.1.intermediate.dense.weight"), [32, 16]);
    assert_eq!(shape("cls.predictions.bias"), [vocabulary.lines().count()]);
    let count: usize = tensors.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum();
    assert_eq!(report.parameters, count as u64);

    let tokenizer = tokenizers::Tokenizer::from_file(at("tokenizer.json")).unwrap();
    let encoded = tokenizer.encode("These wolves [MASK] their moon", true).unwrap();
    assert_eq!((encoded.get_ids()[0], encoded.get_tokens().contains(&"[MASK]".to_owned())), (2, true));
    assert!(
        std::fs::read_to_string(at("loss_curve.csv"))
            .unwrap()
            .starts_with("step,loss,learning_rate,cross_entropy,accuracy\n6,")
    );
    // A finished training says again what it came to, and leaves its model as it is.
    let stages = CancelAt::new("never", 0);
    let again = run(&spec, folder.path(), &stages).unwrap();
    assert_eq!(stages.at.lock().unwrap().0, ["reading text", "training"]);
    assert_eq!((again.validation, again.final_loss), (report.validation, report.final_loss));
    assert!(std::fs::read(at("model.safetensors")).unwrap() == bytes);
}

#[test]
fn another_training_s_checkpoint_is_refused_by_what_differs() {
    let folder = project(60);
    run(&spec("model"), folder.path(), &CancelAt::new("training", 12)).unwrap_err();
    let refusal = |spec: &TrainMlmSpec| run(spec, folder.path(), &Silent).unwrap_err().to_string();
    let message = refusal(&TrainMlmSpec { hidden: 32, seed: 5, ..spec("model") });
    assert!(message.contains("hidden: 32 now, 16 then"), "{message}");
    assert!(message.contains("seed: 5 now, 0 then"), "{message}");
    assert!(!message.contains("layers"), "{message}");
    std::fs::write(folder.path().join("text.txt"), grammar(61)).unwrap();
    let message = refusal(&spec("model"));
    assert!(message.contains("text: its content has changed"), "{message}");
    std::fs::write(folder.path().join("text.txt"), grammar(60)).unwrap();

    let checkpoint = folder.path().join("model/checkpoint.safetensors");
    let bytes = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    let message = refusal(&spec("model"));
    assert!(message.contains("the checkpoint cannot be read") && message.contains("delete it"), "{message}");
    std::fs::write(&checkpoint, &bytes).unwrap();
    run(&spec("model"), folder.path(), &Silent).unwrap();
}

#[test]
fn somebody_else_s_model_is_not_overwritten() {
    let folder = project(60);
    std::fs::create_dir(folder.path().join("model")).unwrap();
    std::fs::write(folder.path().join("model/model.safetensors"), "theirs").unwrap();
    let message = run(&spec("model"), folder.path(), &Silent).unwrap_err().to_string();
    assert!(message.contains("already holds a model"), "{message}");
    assert_eq!(std::fs::read(folder.path().join("model/model.safetensors")).unwrap(), b"theirs");
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let folder = project(60);
    std::fs::create_dir(folder.path().join("model")).unwrap();
    let lock = std::fs::File::create(folder.path().join("model/.training.lock")).unwrap();
    lock.lock().unwrap();
    let message = run(&spec("model"), folder.path(), &Silent).unwrap_err().to_string();
    assert!(message.contains("another training is writing"), "{message}");
    drop(lock);
    run(&TrainMlmSpec { steps: 6, ..spec("model") }, folder.path(), &Silent).unwrap();
}

#[test]
fn a_report_line_that_cannot_be_kept_is_asked_for_again() {
    let folder = project(60);
    let mut points = Vec::new();
    let outcome = train(
        &spec("model"),
        folder.path(),
        &mut |point| {
            if point.step == 20 {
                return Err("the disk is full".into());
            }
            points.push(point.step);
            Ok(())
        },
        &Silent,
    );
    assert!(outcome.unwrap_err().to_string().contains("the disk is full"));
    let mut keep = |point: &TrainingProgress| {
        points.push(point.step);
        Ok(())
    };
    train(&spec("model"), folder.path(), &mut keep, &Silent).unwrap();
    assert_eq!(points, [10, 15, 20, 30, 40]);
}

#[test]
fn settings_that_cannot_be_say_so() {
    let folder = project(60);
    for (spec, words) in [
        (TrainMlmSpec { heads: 3, ..spec("m") }, "hidden size 16 is not a multiple of 3 heads"),
        (TrainMlmSpec { steps: 0, ..spec("m") }, "steps is 0"),
        (TrainMlmSpec { masked: 1.5, ..spec("m") }, "masked is 1.5"),
        (TrainMlmSpec { length: 2, ..spec("m") }, "length is 2"),
        (TrainMlmSpec { warmup_steps: 40, ..spec("m") }, "warm-up takes 40 of 40 steps"),
        (TrainMlmSpec { learning_rate: f64::NAN, ..spec("m") }, "learning rate is NaN"),
        (TrainMlmSpec { version: 2, ..spec("m") }, "version 1, not 2"),
        (TrainMlmSpec { text: "missing.txt".into(), ..spec("m") }, "the text cannot be read"),
        (TrainMlmSpec { learning_rate: 1e30, ..spec("m") }, "no longer finite"),
    ] {
        let message = run(&spec, folder.path(), &Silent).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}
