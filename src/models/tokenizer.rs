//! Text to token ids and back, for every layout a masked language model is shipped with.
//!
//! A `tokenizer.json` is read as it is. `vocab.txt` (WordPiece) and `vocab.json` with `merges.txt` (byte-level BPE) are
//! first turned into the same JSON, so that one path serves all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokenizers::Tokenizer;

use super::error::ModelError;

/// Names special tokens go by when nothing but the vocabulary says which they are.
const SPECIAL_NAMES: [&str; 14] = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "<s>",
    "</s>",
    "<pad>",
    "<unk>",
    "<mask>",
    "<cls>",
    "<sep>",
    "<eod>",
    "<|endoftext|>",
];

/// How a vocabulary tells the start of a word from its continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pieces {
    /// WordPiece: continuations carry this prefix (`##`).
    ContinuationPrefix(String),
    /// Byte-level BPE (`Ġ`) and SentencePiece (`▁`): word starts carry this mark.
    StartMark(char),
    /// Every token is a word.
    Words,
}

/// Files a tokenizer was read from, in the order in which they are hashed.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    for names in [&["tokenizer.json"][..], &["vocab.txt"], &["vocab.json", "merges.txt"]] {
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        if paths.iter().all(|path| path.is_file()) {
            return Ok(paths);
        }
    }
    let sentencepiece = ["spiece.model", "spm.model", "sentencepiece.bpe.model"];
    let problem = match sentencepiece.iter().find(|name| folder.join(name).is_file()) {
        Some(name) => format!("the tokenizer is there only as {name}, which this program does not read"),
        None => "the folder has no tokenizer".to_owned(),
    };
    let remedy = "Put tokenizer.json, vocab.txt, or vocab.json with merges.txt beside config.json \
                  (AutoTokenizer.save_pretrained of Python's transformers writes tokenizer.json)";
    Err(ModelError::Unreadable { path: folder.to_owned(), problem, remedy: remedy.to_owned() })
}

/// A tokenizer with what masked-site questions need: the start and end tokens, the mask, and what each token is.
pub struct MlmTokenizer {
    tokenizer: Tokenizer,
    /// The file it was read from, for messages.
    origin: PathBuf,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
    mask: u32,
    unknown: Option<u32>,
    /// By id; `None` where the vocabulary has a gap.
    raw: Vec<Option<String>>,
    shown: Vec<String>,
    ids: BTreeMap<String, u32>,
    ordinary: Vec<bool>,
    continuation: Vec<bool>,
}

impl MlmTokenizer {
    /// Reads the tokenizer of a folder in the Hugging Face layout.
    pub fn from_folder(folder: &Path) -> Result<Self, ModelError> {
        let files = files(folder)?;
        let settings = settings(folder)?;
        let json = match files[0].file_name().and_then(|name| name.to_str()) {
            Some("vocab.txt") => word_piece(&read(&files[0])?, &settings)?,
            Some("vocab.json") => byte_level(&read(&files[0])?, &read(&files[1])?, &settings, &files[0])?,
            _ => read(&files[0])?,
        };
        Self::new(&json, &settings, &files[0])
    }

    /// Reads the text of a `tokenizer.json`; `origin` is named in messages.
    pub fn from_json(json: &str, origin: &Path) -> Result<Self, ModelError> {
        Self::new(json, &Value::Null, origin)
    }

    fn new(json: &str, settings: &Value, origin: &Path) -> Result<Self, ModelError> {
        let unreadable = |problem: String| ModelError::Unreadable {
            path: origin.to_owned(),
            problem,
            remedy: "Take the tokenizer files of the same model again".to_owned(),
        };
        let mut tokenizer = Tokenizer::from_bytes(json)
            .map_err(|error| unreadable(format!("the tokenizer cannot be read: {error}")))?;
        // Lengths are the caller's affair: a stored truncation would silently shorten sentences.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| unreadable(error.to_string()))?;

        let vocabulary: BTreeMap<String, u32> = tokenizer.get_vocab(true).into_iter().collect();
        let Some(size) = vocabulary.values().max().map(|&last| last as usize + 1) else {
            return Err(unreadable("the tokenizer has an empty vocabulary".to_owned()));
        };
        if size > 1 << 22 {
            return Err(unreadable(format!("the tokenizer has a token id of {}", size - 1)));
        }
        let mut raw: Vec<Option<String>> = vec![None; size];
        for (text, &id) in &vocabulary {
            raw[id as usize] = Some(text.clone());
        }

        let named = |key: &str, names: &[&str]| {
            setting_text(settings, key)
                .into_iter()
                .chain(names.iter().map(|name| (*name).to_owned()))
                .find_map(|name| vocabulary.get(&name).map(|&id| (name, id)))
        };
        let (mask_text, mask) = named("mask_token", &["[MASK]", "<mask>"]).ok_or_else(|| ModelError::Unreadable {
            path: origin.to_owned(),
            problem: "the tokenizer has no mask token ([MASK] or <mask>), so no site can be masked".to_owned(),
            remedy:
                "Take a masked language model with its own tokenizer, or name the mask_token in tokenizer_config.json"
                    .to_owned(),
        })?;
        let unknown = named("unk_token", &["[UNK]", "<unk>"]).map(|(_, id)| id);
        let (prefix, suffix) = frame(&tokenizer, &mask_text, mask, &vocabulary).map_err(unreadable)?;

        let mut special: BTreeSet<u32> =
            SPECIAL_NAMES.iter().filter_map(|name| vocabulary.get(*name).copied()).collect();
        special.extend([mask]);
        special.extend(unknown);
        special.extend(prefix.iter().chain(&suffix));
        for (id, token) in tokenizer.get_added_tokens_decoder().into_iter().collect::<BTreeMap<_, _>>() {
            if token.special {
                special.insert(id);
            }
        }

        let pieces = pieces(&tokenizer, &vocabulary);
        let ordinary: Vec<bool> = (0..size as u32)
            .map(|id| raw[id as usize].as_deref().is_some_and(|text| !special.contains(&id) && !placeholder(text)))
            .collect();
        let continuation: Vec<bool> = (0..size)
            .map(|id| ordinary[id] && raw[id].as_deref().is_some_and(|text| continues(&pieces, text)))
            .collect();
        let (shown, ids) = display(&raw, &pieces, &ordinary, &continuation);
        Ok(Self {
            tokenizer,
            origin: origin.to_owned(),
            prefix,
            suffix,
            mask,
            unknown,
            raw,
            shown,
            ids,
            ordinary,
            continuation,
        })
    }

    /// One past the largest token id.
    pub fn size(&self) -> usize {
        self.raw.len()
    }

    /// Fails unless every id has a row in an embedding table of `model` rows, and nearly every row an id.
    ///
    /// Tables are often padded to a multiple of 8, 64 or 128 and may hold spare rows, so a tokenizer may be up to a tenth
    /// smaller; more than that and the two belong to different models.
    pub fn check(&self, model: usize) -> Result<(), ModelError> {
        let size = self.size();
        let padded = [8, 64, 128].iter().any(|&multiple| size.next_multiple_of(multiple) == model);
        if size > model || (size * 10 < model * 9 && !padded) {
            return Err(ModelError::VocabularyMismatch { tokenizer: size, model, file: self.origin.clone() });
        }
        Ok(())
    }

    /// Start tokens that precede every sequence.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// End tokens that follow every sequence.
    pub fn suffix(&self) -> &[u32] {
        &self.suffix
    }

    /// The token that stands for an unknown site.
    pub fn mask(&self) -> u32 {
        self.mask
    }

    /// Whether `token` may stand in a state: neither special nor a placeholder such as `[unused7]`.
    pub fn ordinary(&self, token: u32) -> bool {
        self.ordinary.get(token as usize).copied().unwrap_or(false)
    }

    /// Whether `token` goes on with a word instead of starting one.
    pub fn continuation(&self, token: u32) -> bool {
        self.continuation.get(token as usize).copied().unwrap_or(false)
    }

    /// How `token` is shown and typed: words plainly, continuations with `##`, in every family of tokenizers alike.
    pub fn text(&self, token: u32) -> String {
        self.shown.get(token as usize).cloned().unwrap_or_else(|| format!("<{token}>"))
    }

    /// The id of a typed token: as shown, as the vocabulary spells it, or as one token of running text.
    pub fn token(&self, text: &str) -> Option<u32> {
        let text = text.trim();
        if let Some(id) = self.ids.get(text).copied().or_else(|| self.tokenizer.token_to_id(text)) {
            return Some(id);
        }
        match self.tokenizer.encode_fast(text, false).ok()?.get_ids() {
            [id] if Some(*id) != self.unknown => Some(*id),
            _ => None,
        }
    }

    /// Splits a sentence into ids without start and end tokens. A typed `[MASK]` becomes the mask token, whatever the
    /// model calls it; anything the vocabulary cannot spell, and any other special token, is an error.
    pub fn encode(&self, sentence: &str) -> Result<Vec<u32>, String> {
        let mask = self.raw[self.mask as usize].as_deref().unwrap_or("[MASK]");
        let sentence = sentence.trim();
        let sentence = if mask == "[MASK]" { sentence.to_owned() } else { sentence.replace("[MASK]", mask) };
        let encoding = self.tokenizer.encode(sentence.as_str(), false).map_err(|error| error.to_string())?;
        for (position, (&id, &(start, end))) in encoding.get_ids().iter().zip(encoding.get_offsets()).enumerate() {
            let piece = sentence.get(start..end).unwrap_or_default();
            if Some(id) == self.unknown {
                return Err(format!(
                    "the model's vocabulary has no token for {piece:?} at position {position} (counted from 0). Leave it out \
                     or replace it"
                ));
            }
            if id != self.mask && !self.ordinary(id) {
                let shown = self.text(id);
                return Err(format!(
                    "{shown} cannot stand in a sentence (position {position}, counted from 0). Leave it out; start and end \
                     are added"
                ));
            }
        }
        Ok(encoding.get_ids().to_vec())
    }
}

fn read(path: &Path) -> Result<String, ModelError> {
    std::fs::read_to_string(path).map_err(|error| ModelError::Unreadable {
        path: path.to_owned(),
        problem: format!("a tokenizer file cannot be read: {error}"),
        remedy: "Check that the file is whole and that you may read it".to_owned(),
    })
}

/// `tokenizer_config.json` over `special_tokens_map.json`; an empty object if neither is there.
fn settings(folder: &Path) -> Result<Value, ModelError> {
    let mut merged = serde_json::Map::new();
    for name in ["special_tokens_map.json", "tokenizer_config.json"] {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let value: Value = serde_json::from_str(&read(&path)?).map_err(|error| ModelError::Unreadable {
            path: path.clone(),
            problem: format!("{name} is not JSON: {error}"),
            remedy: "Take the file again, or remove it to use the defaults".to_owned(),
        })?;
        if let Value::Object(fields) = value {
            merged.extend(fields);
        }
    }
    Ok(Value::Object(merged))
}

/// A token setting, which is a string or an object with its `content`.
fn setting_text(settings: &Value, key: &str) -> Option<String> {
    let value = settings.get(key)?;
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

fn added(tokens: &[(String, u64)], lstrip: Option<&str>) -> Value {
    let one = |(content, id): &(String, u64)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": Some(content.as_str()) == lstrip,
               "rstrip": false, "normalized": false, "special": true})
    };
    tokens.iter().map(one).collect()
}

/// The `tokenizer.json` of a `vocab.txt` (one token per line, the line number is the id), as BERT reads it.
fn word_piece(vocab: &str, settings: &Value) -> Result<String, ModelError> {
    let ids: serde_json::Map<String, Value> =
        vocab.lines().enumerate().map(|(id, token)| (token.to_owned(), json!(id))).collect();
    let name = |key: &str, default: &str| setting_text(settings, key).unwrap_or_else(|| default.to_owned());
    let flag = |key: &str| settings.get(key).and_then(Value::as_bool);
    let [pad, unk, cls, sep, mask] = [
        name("pad_token", "[PAD]"),
        name("unk_token", "[UNK]"),
        name("cls_token", "[CLS]"),
        name("sep_token", "[SEP]"),
        name("mask_token", "[MASK]"),
    ];
    let id = |token: &str| ids.get(token).and_then(Value::as_u64);
    let special: Vec<(String, u64)> =
        [&pad, &unk, &cls, &sep, &mask].iter().filter_map(|token| Some(((*token).clone(), id(token)?))).collect();
    let post = match (id(&cls), id(&sep)) {
        (Some(start), Some(end)) => json!({"type": "BertProcessing", "sep": [sep, end], "cls": [cls, start]}),
        _ => Value::Null,
    };
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added(&special, None),
        "normalizer": {"type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": flag("tokenize_chinese_chars").unwrap_or(true),
            "strip_accents": flag("strip_accents"), "lowercase": flag("do_lower_case").unwrap_or(true)},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": post,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": unk, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
    });
    Ok(tokenizer.to_string())
}

/// The `tokenizer.json` of RoBERTa's `vocab.json` and `merges.txt`.
fn byte_level(vocab: &str, merges: &str, settings: &Value, origin: &Path) -> Result<String, ModelError> {
    let ids: serde_json::Map<String, Value> = serde_json::from_str(vocab).map_err(|error| ModelError::Unreadable {
        path: origin.to_owned(),
        problem: format!("vocab.json is not a JSON object of tokens and ids: {error}"),
        remedy: "Take the file of the same model again".to_owned(),
    })?;
    let pairs: Vec<Vec<&str>> = merges
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.is_empty())
        .map(|line| line.splitn(2, ' ').collect())
        .collect();
    let name = |key: &str, default: &str| setting_text(settings, key).unwrap_or_else(|| default.to_owned());
    let [start, end, unk, pad, mask] = [
        name("cls_token", "<s>"),
        name("sep_token", "</s>"),
        name("unk_token", "<unk>"),
        name("pad_token", "<pad>"),
        name("mask_token", "<mask>"),
    ];
    let id = |token: &str| ids.get(token).and_then(Value::as_u64);
    let special: Vec<(String, u64)> =
        [&start, &end, &unk, &pad, &mask].iter().filter_map(|token| Some(((*token).clone(), id(token)?))).collect();
    let space = settings.get("add_prefix_space").and_then(Value::as_bool).unwrap_or(false);
    let post = match (id(&start), id(&end)) {
        (Some(first), Some(last)) => json!({"type": "RobertaProcessing", "sep": [end, last], "cls": [start, first],
            "trim_offsets": true, "add_prefix_space": space}),
        _ => Value::Null,
    };
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added(&special, Some(&mask)),
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true, "use_regex": true},
        "post_processor": post,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "vocab": ids, "merges": pairs},
    });
    Ok(tokenizer.to_string())
}

/// Start and end tokens, as the post-processor puts them around a lone mask; by name if there is no post-processor.
fn frame(
    tokenizer: &Tokenizer,
    mask_text: &str,
    mask: u32,
    vocabulary: &BTreeMap<String, u32>,
) -> Result<(Vec<u32>, Vec<u32>), String> {
    let encoding = tokenizer.encode_fast(mask_text, true).map_err(|error| error.to_string())?;
    let ids = encoding.get_ids();
    let site = ids
        .iter()
        .position(|&id| id == mask)
        .ok_or_else(|| format!("the tokenizer does not read its own mask token {mask_text} as one token"))?;
    let (prefix, suffix) = (ids[..site].to_vec(), ids[site + 1..].to_vec());
    if !prefix.is_empty() || !suffix.is_empty() {
        return Ok((prefix, suffix));
    }
    let pair = [("[CLS]", "[SEP]"), ("<s>", "</s>")]
        .iter()
        .find_map(|(start, end)| Some((*vocabulary.get(*start)?, *vocabulary.get(*end)?)));
    Ok(pair.map_or((prefix, suffix), |(start, end)| (vec![start], vec![end])))
}

fn pieces(tokenizer: &Tokenizer, vocabulary: &BTreeMap<String, u32>) -> Pieces {
    if let tokenizers::ModelWrapper::WordPiece(model) = tokenizer.get_model() {
        return Pieces::ContinuationPrefix(model.continuing_subword_prefix.clone());
    }
    let count = |mark: char| vocabulary.keys().filter(|text| text.starts_with(mark)).count();
    let (bytes, sentence) = (count('Ġ'), count('▁'));
    match bytes.max(sentence) {
        0 => Pieces::Words,
        _ if bytes > sentence => Pieces::StartMark('Ġ'),
        _ => Pieces::StartMark('▁'),
    }
}

/// Whether a token only fills a row of the table: `[unused7]`, `<unused3>`, `<madeupword0001>`, `<extra_id_5>`.
fn placeholder(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.or_else(|| text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')));
    let stems = ["unused", "madeupword", "extra_id_", "reserved_"];
    text.is_empty()
        || inner.is_some_and(|inner| {
            stems.iter().any(|stem| {
                inner.strip_prefix(stem).is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
            })
        })
}

/// Byte-level vocabularies and SentencePiece mark the start of a word, so a letter or digit without the mark goes on with
/// one; punctuation without it stands alone. (The first word of a text may lack the mark in RoBERTa's tokenizer.)
fn continues(pieces: &Pieces, text: &str) -> bool {
    match pieces {
        Pieces::ContinuationPrefix(prefix) => {
            !prefix.is_empty() && text.len() > prefix.len() && text.starts_with(prefix.as_str())
        }
        Pieces::StartMark('Ġ') => match decode_bytes(text) {
            Some(decoded) => decoded.chars().next().is_some_and(char::is_alphanumeric),
            None => !text.starts_with('Ġ'),
        },
        Pieces::StartMark(mark) => !text.starts_with(*mark) && text.chars().next().is_some_and(char::is_alphanumeric),
        Pieces::Words => false,
    }
}

/// Texts by id and ids by text, one to one: a word without its mark, a continuation with `##`; where two tokens would look
/// alike (`Ġ,` and `,`), the one with the mark keeps its raw spelling.
fn display(
    raw: &[Option<String>],
    pieces: &Pieces,
    ordinary: &[bool],
    continuation: &[bool],
) -> (Vec<String>, BTreeMap<String, u32>) {
    let wanted = |id: usize| -> Option<String> {
        let text = raw[id].as_deref()?;
        let Pieces::StartMark(mark) = pieces else { return Some(text.to_owned()) };
        if !ordinary[id] {
            return Some(text.to_owned());
        }
        let plain = if *mark == 'Ġ' { decode_bytes(text)? } else { text.replace(*mark, " ") };
        let trimmed = plain.trim();
        if trimmed.is_empty() || trimmed.chars().any(char::is_control) {
            return None;
        }
        Some(if continuation[id] { format!("##{trimmed}") } else { trimmed.to_owned() })
    };
    let marked = |id: usize| match (pieces, raw[id].as_deref()) {
        (Pieces::StartMark(mark), Some(text)) => text.starts_with(*mark),
        _ => false,
    };
    // Letters first need their mark to be words, punctuation does not: unmarked tokens choose first.
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by_key(|&id| (marked(id), id));
    let mut shown = vec![String::new(); raw.len()];
    let mut ids = BTreeMap::new();
    for id in order {
        let numbered = format!("<{id}>");
        let choices = [wanted(id), raw[id].clone().filter(|text| !text.trim().is_empty()), Some(numbered.clone())];
        let text = choices.into_iter().flatten().find(|text| !ids.contains_key(text)).unwrap_or(numbered);
        shown[id] = text.clone();
        if raw[id].is_some() {
            ids.insert(text, id as u32);
        }
    }
    (shown, ids)
}

/// The text of a byte-level token, whose characters each stand for one byte (GPT-2's alphabet: printable bytes stand for
/// themselves, the others, in order, for U+0100 onwards); `None` if the bytes are not whole UTF-8.
fn decode_bytes(token: &str) -> Option<String> {
    let printable = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let moved: Vec<u8> = (0..=255u8).filter(|&byte| !printable(byte)).collect();
    let bytes: Option<Vec<u8>> = token
        .chars()
        .map(|c| {
            let code = u32::from(c);
            match u8::try_from(code) {
                Ok(byte) => printable(byte).then_some(byte),
                Err(_) => moved.get(code as usize - 0x100).copied(),
            }
        })
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests;
