use super::*;

const VOCAB: &str =
    "[PAD]\n[unused0]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfree\n##dom\n##s\nof\n,\n.\ncafe\nCafé\n[\n]\n##\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn read_folder(files: &[(&str, &str)]) -> Result<MlmTokenizer, ModelError> {
    MlmTokenizer::from_folder(folder(files).path())
}

fn texts(tokenizer: &MlmTokenizer, ids: &[u32]) -> Vec<String> {
    ids.iter().map(|&id| tokenizer.text(id)).collect()
}

/// Every text is unlike the others, and typing it gives its token.
fn assert_one_to_one(tokenizer: &MlmTokenizer) {
    let shown: BTreeSet<String> = (0..tokenizer.size() as u32).map(|id| tokenizer.text(id)).collect();
    assert_eq!(shown.len(), tokenizer.size());
    for id in (0..tokenizer.size() as u32).filter(|&id| tokenizer.ordinary(id)) {
        assert_eq!(tokenizer.token(&tokenizer.text(id)), Some(id), "{:?}", tokenizer.text(id));
    }
}

#[test]
fn vocab_txt_reads_as_bert_does() {
    let tokenizer = read_folder(&[("vocab.txt", VOCAB)]).unwrap();
    let ids = tokenizer.encode(" The FREEDOMS of [MASK], Café. ").unwrap();
    assert_eq!(texts(&tokenizer, &ids), ["the", "free", "##dom", "##s", "of", "[MASK]", ",", "cafe", "."]);
    assert_eq!((tokenizer.prefix(), tokenizer.suffix(), tokenizer.mask()), (&[3][..], &[4][..], 5));
    assert_eq!(tokenizer.size(), 18);
    let not_ordinary: Vec<u32> = (0..20).filter(|&id| !tokenizer.ordinary(id)).collect();
    assert_eq!(not_ordinary, [0, 1, 2, 3, 4, 5, 18, 19]);
    let continuations: Vec<u32> = (0..20).filter(|&id| tokenizer.continuation(id)).collect();
    assert_eq!(continuations, [8, 9], "the token ## by itself continues nothing");
    assert_eq!(tokenizer.token("Free"), Some(7));
    assert_eq!(tokenizer.token("slavery"), None);
    assert_one_to_one(&tokenizer);
}

#[test]
fn case_is_kept_where_the_settings_say_so() {
    let settings = r#"{"do_lower_case": false, "strip_accents": null}"#;
    let tokenizer = read_folder(&[("vocab.txt", VOCAB), ("tokenizer_config.json", settings)]).unwrap();
    assert_eq!(tokenizer.encode("Café of").unwrap(), [14, 10]);
    assert!(tokenizer.encode("The").unwrap_err().contains("\"The\""));
}

#[test]
fn what_cannot_stand_in_a_sentence_is_named() {
    let tokenizer = read_folder(&[("vocab.txt", VOCAB)]).unwrap();
    assert!(tokenizer.encode("the zebra").unwrap_err().contains("\"zebra\""));
    assert!(tokenizer.encode("the [SEP] of").unwrap_err().contains("[SEP] cannot stand"));
}

#[test]
fn the_vocabulary_must_fit_the_model() {
    let tokenizer = read_folder(&[("vocab.txt", VOCAB)]).unwrap();
    for model in [18, 19, 24, 64, 128] {
        assert!(tokenizer.check(model).is_ok(), "{model}");
    }
    for model in [17, 30, 200] {
        let error = tokenizer.check(model).unwrap_err();
        assert!(matches!(error, ModelError::VocabularyMismatch { tokenizer: 18, .. }), "{error}");
        assert!(error.to_string().contains("18") && error.to_string().contains(&model.to_string()));
    }
}

/// A small vocabulary in GPT-2's byte alphabet, where `Ġ` is the space and `Ã©` is é.
fn roberta() -> [(&'static str, &'static str); 2] {
    let vocab = r#"{"<s>":0,"<pad>":1,"</s>":2,"<unk>":3,"f":4,"r":5,"e":6,"d":7,"o":8,"m":9,"Ġ":10,"fr":11,"ee":12,
        "free":13,"Ġf":14,"Ġfr":15,"Ġfree":16,"do":17,"dom":18,",":19,"Ġ,":20,"Ã":21,"©":22,"Ã©":23,"<mask>":24,
        "madeupword0000":25}"#;
    let merges = "#version: 0.2\nf r\ne e\nfr ee\nĠ free\nd o\ndo m\nĠ ,\nÃ ©\n";
    [("vocab.json", vocab), ("merges.txt", merges)]
}

#[test]
fn byte_level_files_read_as_roberta_does() {
    let tokenizer = read_folder(&roberta()).unwrap();
    let ids = tokenizer.encode("free freedom, [MASK]é").unwrap();
    assert_eq!(ids, [13, 16, 18, 19, 24, 23], "<mask> takes the space before it");
    assert_eq!((tokenizer.prefix(), tokenizer.suffix(), tokenizer.mask()), (&[0][..], &[2][..], 24));
    assert_eq!(texts(&tokenizer, &ids), ["##free", "free", "##dom", ",", "<mask>", "##é"]);
    assert_eq!(tokenizer.text(20), "Ġ,", "a second comma keeps its spelling");
    assert!(tokenizer.continuation(18) && !tokenizer.continuation(16) && !tokenizer.continuation(19));
    assert_eq!(
        (tokenizer.token("free"), tokenizer.token("##free"), tokenizer.token("Ġfree")),
        (Some(16), Some(13), Some(16))
    );
    assert!((0..4).chain([24]).all(|id| !tokenizer.ordinary(id)));
    assert_one_to_one(&tokenizer);
}

#[test]
fn placeholders_are_told_from_words() {
    for text in ["[unused7]", "<unused12>", "<extra_id_3>", "[reserved_1]", "<madeupword0001>", ""] {
        assert!(placeholder(text), "{text}");
    }
    for text in ["unused", "[unused]", "[", "<x>", "reserved"] {
        assert!(!placeholder(text), "{text}");
    }
}

#[test]
fn a_missing_mask_or_file_is_named() {
    let message = |files: &[(&str, &str)]| read_folder(files).err().unwrap().to_string();
    assert!(message(&[("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")]).contains("no mask token"));
    assert!(message(&[]).contains("no tokenizer"));
    assert!(message(&[("spiece.model", "")]).contains("spiece.model"));
    assert!(message(&[("tokenizer.json", "{}")]).contains("cannot be read"));
    assert!(message(&[("vocab.txt", VOCAB), ("tokenizer_config.json", "{")]).contains("tokenizer_config.json"));
    let [_, merges] = roberta();
    assert!(message(&[("vocab.json", "[]"), merges]).contains("vocab.json"));
}

#[test]
fn an_own_mask_name_is_taken_from_the_settings() {
    let vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n{m}\na\n";
    let settings = r#"{"mask_token": {"content": "{m}"}}"#;
    let tokenizer = read_folder(&[("vocab.txt", vocab), ("tokenizer_config.json", settings)]).unwrap();
    assert_eq!(tokenizer.encode("a [MASK] a").unwrap(), [5, 4, 5]);
}

#[test]
fn a_start_and_an_end_are_found_without_a_post_processor() {
    let json = r###"{"version":"1.0","added_tokens":[{"id":3,"content":"[MASK]","single_word":false,"lstrip":false,
        "rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":"BertPreTokenizer"},
        "post_processor":null,"decoder":null,"truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst",
        "stride":0},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
        "max_input_chars_per_word":100,"vocab":{"[CLS]":0,"[SEP]":1,"[UNK]":2,"[MASK]":3,"a":4}}}"###;
    let tokenizer = MlmTokenizer::from_json(json, Path::new("test")).unwrap();
    assert_eq!((tokenizer.prefix(), tokenizer.suffix()), (&[0][..], &[1][..]));
    assert_eq!(tokenizer.encode("a a a a").unwrap().len(), 4, "a stored truncation is not applied");
}

#[test]
fn bert_base_tokenizer_of_the_shared_data() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/models/tokenizers/bert-base-uncased");
    if !path.is_dir() {
        eprintln!("skipped: the shared data is not here");
        return;
    }
    let tokenizer = MlmTokenizer::from_folder(&path).unwrap();
    assert_eq!((tokenizer.size(), tokenizer.mask()), (30_522, 103));
    assert_eq!((tokenizer.prefix(), tokenizer.suffix()), (&[101][..], &[102][..]));
    // Ids as documented for bert-base-uncased: "hello world" is 7592 2088.
    assert_eq!(tokenizer.encode("Hello [MASK] world!").unwrap(), [7592, 103, 2088, 999]);
    assert!(!tokenizer.ordinary(1) && tokenizer.text(1) == "[unused0]");
    assert_eq!((0..30_522).filter(|&id| !tokenizer.ordinary(id)).count(), 994 + 5);
    assert_eq!(tokenizer.text(7592), "hello");
    // The same vocabulary as vocab.txt gives the same ids.
    let lines: Vec<String> = (0..30_522).map(|id| tokenizer.raw[id as usize].clone().unwrap()).collect();
    let plain = read_folder(&[("vocab.txt", &lines.join("\n"))]).unwrap();
    for sentence in ["Unbelievable naïve façades, 東京 & co-operation?", "isn't  it\tso", "[MASK] 1984 ##ing"] {
        assert_eq!(plain.encode(sentence).unwrap(), tokenizer.encode(sentence).unwrap(), "{sentence}");
    }
    assert!(plain.ordinary(7592) && !plain.ordinary(0) && plain.suffix() == [102]);
}
