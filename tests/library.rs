//! Opening models by name, and asking them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kleroterion::glauber::conditionals::{Conditionals, ConditionalsError, ModelIdentity, Precision, Row};
use kleroterion::models::{CachedConditionals, Library, LoadedModel, ModelError, ModelSource};
use kleroterion::progress::Silent;

fn agora_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/models/agora")
}

fn open(reference: &str) -> Result<LoadedModel, ModelError> {
    Library::default().open(reference, &Silent)
}

fn copy_of_agora() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"] {
        std::fs::copy(agora_folder().join(name), folder.path().join(name)).expect("a copy of the shipped model");
    }
    folder
}

#[test]
fn references_mean_what_they_look_like() {
    let parse = |text: &str| ModelSource::parse(text).unwrap();
    let hub = |repository: &str, revision: Option<&str>| ModelSource::Hub {
        repository: repository.to_owned(),
        revision: revision.map(str::to_owned),
    };
    assert_eq!(parse(" agora "), ModelSource::Shipped("agora".to_owned()));
    assert_eq!(parse("ising:n=6,beta=0.5"), ModelSource::Toy("ising:n=6,beta=0.5".to_owned()));
    assert_eq!(parse("random-like:agora,seed=1"), ModelSource::Toy("random-like:agora,seed=1".to_owned()));
    assert_eq!(parse("google-bert/bert-base-uncased"), hub("google-bert/bert-base-uncased", None));
    assert_eq!(parse("bert-base-uncased@v1.0"), hub("bert-base-uncased", Some("v1.0")));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(parse(folder.path().to_str().unwrap()), ModelSource::Folder(folder.path().to_owned()));
    // An existing folder wins over a hub name, and `src/models` could be either.
    assert_eq!(parse("src/models"), ModelSource::Folder("src/models".into()));
    for wrong in [
        "",
        "../none",
        "/none/at/all",
        "a/b/c",
        "../../no-such-folder",
        "owner/..",
        "a b",
        "o/n@../x",
        "o/n@",
        "Cargo.toml",
    ] {
        let error = ModelSource::parse(wrong).err().unwrap_or_else(|| panic!("{wrong:?} was taken"));
        assert!(error.to_string().contains(". "), "{wrong:?}: {error} names no remedy");
    }
}

#[test]
fn the_shipped_model_opens_and_predicts() {
    let model = open("agora").unwrap();
    let identity = &model.identity;
    assert_eq!((identity.reference.as_str(), identity.architecture.as_str()), ("agora", "bert"));
    assert!(identity.parameters > 1_000_000, "{identity:?}");
    for hash in [&identity.weights_sha256, &identity.config_sha256, &identity.tokenizer_sha256] {
        assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    let c = &model.conditionals;
    assert_eq!(c.vocabulary(), 8192);
    let state = c.tokenize("He sat down in the old [MASK] and closed his eyes.").unwrap();
    let position = state.iter().position(|&token| c.text(token) == "[MASK]").unwrap();
    let logits = c.logits(&[Row { state: &state, position }], Precision::F32).unwrap();
    let row = logits.row(0);
    assert!(row.iter().all(|value| value.is_finite()));
    let logit = |word: &str| row[c.token(word).unwrap() as usize];
    assert!(logit("house") > logit("whom") && logit("room") > logit("##ing"), "the model has not learnt English");
    assert_eq!((0..8192).filter(|&token| c.ordinary(token)).count(), 8192 - 5);
    assert!(c.continuation(c.token("##ing").unwrap()) && !c.continuation(c.token("house").unwrap()));
}

#[test]
fn a_folder_holds_the_same_model() {
    let folder = copy_of_agora();
    let path = folder.path().to_str().unwrap();
    let (local, shipped) = (open(path).unwrap(), open("agora").unwrap());
    let named = |model: &LoadedModel| ModelIdentity { reference: String::new(), ..model.identity.clone() };
    assert_eq!(named(&local), named(&shipped));
    let state = shipped.conditionals.tokenize("freedom is a word").unwrap();
    let rows = [Row { state: &state, position: 2 }];
    let logits = |model: &LoadedModel| model.conditionals.logits(&rows, Precision::F64).unwrap();
    assert_eq!(logits(&local), logits(&shipped));
    // vocab.txt alone gives the same tokens.
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let plain = open(path).unwrap();
    let sentence = "Naïve citizens' unquestionable rights, [MASK].";
    assert_eq!(plain.conditionals.tokenize(sentence), shipped.conditionals.tokenize(sentence));
    assert_ne!(plain.identity.tokenizer_sha256, shipped.identity.tokenizer_sha256);
}

#[test]
fn rows_of_any_length_come_back_in_order() {
    let model = open("agora").unwrap();
    let c = &model.conditionals;
    let states: Vec<Vec<u32>> = ["the man", "the old man went home", "a ship", "the queen of spades", "yes"]
        .iter()
        .map(|sentence| c.tokenize(sentence).unwrap())
        .collect();
    let rows: Vec<Row<'_>> = [(0, 1), (1, 3), (2, 0), (3, 2), (4, 0), (1, 0), (0, 0)]
        .iter()
        .map(|&(state, position): &(usize, usize)| Row { state: &states[state], position })
        .collect();
    let together = c.logits(&rows, Precision::F64).unwrap();
    for (k, row) in rows.iter().enumerate() {
        let alone = c.logits(&[*row], Precision::F64).unwrap();
        for (a, b) in together.row(k).iter().zip(alone.row(0)) {
            assert!((a - b).abs() < 1e-9, "row {k}: {a} beside {b}");
        }
    }
    // The token at the masked site is ignored.
    let mut other = states[1].clone();
    other[3] = 7000;
    let pair = [Row { state: &states[1], position: 3 }, Row { state: &other, position: 3 }];
    let logits = c.logits(&pair, Precision::F64).unwrap();
    assert_eq!(logits.row(0), logits.row(1));
    // The cache gives the same answers, and again without the model.
    let cached = CachedConditionals::new(c.clone(), CachedConditionals::DEFAULT_BYTES);
    assert_eq!(cached.logits(&rows, Precision::F64).unwrap(), together);
    let before = cached.counts();
    assert_eq!(cached.logits(&rows, Precision::F64).unwrap(), together);
    assert_eq!(cached.counts().hits, before.hits + rows.len() as u64);
    assert_eq!(cached.counts().misses, before.misses);
    let shared = model.cached().logits(&rows, Precision::F64).unwrap();
    for k in 0..rows.len() {
        assert!(shared.row(k).iter().zip(together.row(k)).all(|(a, b)| (a - b).abs() < 1e-9));
    }
}

#[test]
fn questions_that_cannot_be_asked_are_named() {
    let model = open("agora").unwrap();
    let c = &model.conditionals;
    assert_eq!(c.sites(), (1, 126));
    let long = vec![100; 127];
    let ask = |state: &[u32], position| c.logits(&[Row { state, position }], Precision::F32);
    assert_eq!(ask(&long, 0), Err(ConditionalsError::Length { got: 127, min: 1, max: 126 }));
    assert!(ask(&long[..126], 125).is_ok());
    assert_eq!(ask(&[5, 6], 2), Err(ConditionalsError::Position { position: 2, length: 2 }));
    assert_eq!(ask(&[5, 8192], 0), Err(ConditionalsError::Token { token: 8192, vocabulary: 8192 }));
    assert!(c.tokenize("a ☃ b").unwrap_err().to_string().contains('☃'));
}

#[test]
fn a_model_is_loaded_once_while_in_use() {
    let folder = copy_of_agora();
    let path = folder.path().to_str().unwrap().to_owned();
    let dotted = format!("{path}/.");
    let (first, second) = (open(&path).unwrap(), open(&dotted).unwrap());
    assert!(Arc::ptr_eq(&first.conditionals, &second.conditionals));
    assert!(Arc::ptr_eq(&first.cached(), &second.cached()));
    assert_eq!((&first.identity.reference, &second.identity.reference), (&path, &dotted));
    // A model written anew in the same folder is another model.
    let config = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    std::fs::write(folder.path().join("config.json"), format!("{config}\n")).unwrap();
    let third = open(&path).unwrap();
    assert!(!Arc::ptr_eq(&first.conditionals, &third.conditionals));
    assert_ne!(third.identity.config_sha256, second.identity.config_sha256);
    // Threads that open one model at once share one loading.
    let text = "random:layers=1,hidden=32,vocabulary=50,seed=77";
    let models: Vec<LoadedModel> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| open(text).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(models.iter().all(|model| Arc::ptr_eq(&model.conditionals, &models[0].conditionals)));
}

#[test]
fn random_models_are_reproducible_and_alike_in_shape() {
    let [a, b, c] = ["random:seed=1", "random:layers=2,seed=1", "random:seed=2"].map(|text| open(text).unwrap());
    assert_eq!(a.identity.weights_sha256, b.identity.weights_sha256);
    assert_ne!(a.identity.weights_sha256, c.identity.weights_sha256);
    let state = a.conditionals.tokenize("7 8 9 [MASK] 199").unwrap();
    assert_eq!(state, [7, 8, 9, 4, 199]);
    let rows = [Row { state: &state, position: 1 }];
    let logits = |model: &LoadedModel| model.conditionals.logits(&rows, Precision::F64).unwrap();
    assert_eq!(logits(&a), logits(&b));
    assert_ne!(logits(&a), logits(&c));

    let (agora, like) = (open("agora").unwrap(), open("random-like:agora,seed=3").unwrap());
    assert_eq!(like.identity.parameters, agora.identity.parameters);
    assert_eq!(like.identity.tokenizer_sha256, agora.identity.tokenizer_sha256);
    assert_ne!(like.identity.weights_sha256, agora.identity.weights_sha256);
    let sentence = "the people shall govern";
    assert_eq!(like.conditionals.tokenize(sentence), agora.conditionals.tokenize(sentence));
    let error = open("random-like:ising:n=4").err().unwrap().to_string();
    assert!(error.contains("is a toy"), "{error}");
}

#[test]
fn toys_open_by_their_text() {
    let toy = open("ising:n=5,beta=0.3").unwrap();
    assert_eq!((toy.identity.architecture.as_str(), toy.conditionals.sites()), ("toy", (5, 5)));
    assert_eq!(open("ising:beta=0.3,n=5").unwrap().identity.weights_sha256, toy.identity.weights_sha256);
    let error = open("isling:n=5").err().unwrap().to_string();
    assert!(error.contains("isling") && error.contains("curie-weiss"), "{error}");
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let folder = copy_of_agora();
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
    let words: Vec<String> = special.into_iter().chain((5..9000).map(|k| format!("w{k}"))).collect();
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    for count in [9000, 6000] {
        std::fs::write(folder.path().join("vocab.txt"), words[..count].join("\n")).unwrap();
        let error = open(folder.path().to_str().unwrap()).err().unwrap();
        assert!(matches!(error, ModelError::VocabularyMismatch { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(&count.to_string()) && message.contains("8192"), "{message}");
    }
}

#[test]
fn missing_files_are_named() {
    let folder = copy_of_agora();
    let path = folder.path().to_str().unwrap().to_owned();
    let message = || open(&path).err().unwrap().to_string();
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert!(message().contains("model.safetensors"), "{}", message());
    std::fs::remove_file(folder.path().join("config.json")).unwrap();
    assert!(message().contains("no config.json"), "{}", message());
}

#[test]
fn cached_answers_do_not_depend_on_what_was_asked_before() {
    let model = open("agora").unwrap();
    let states: Vec<Vec<u32>> =
        (0..60u32).map(|k| (0..6 + k % 2).map(|i| 200 + (k * 37 + i * 101) % 7000).collect()).collect();
    let rows: Vec<Row<'_>> =
        states.iter().zip(0..).map(|(state, k): (_, usize)| Row { state, position: k % 6 }).collect();
    let fresh = || CachedConditionals::new(model.conditionals.clone(), 64 << 20).reproducible();
    let together = fresh().logits(&rows, Precision::F32).unwrap();
    let cache = fresh();
    for k in [31, 7, 0, 59, 8] {
        let alone = cache.logits(&rows[k..=k], Precision::F32).unwrap();
        let bits = |row: &[f64]| row.iter().map(|value| value.to_bits()).collect::<Vec<u64>>();
        assert!(bits(alone.row(0)) == bits(together.row(k)), "row {k}");
    }
    assert!(cache.logits(&rows, Precision::F32).unwrap() == together);
}
