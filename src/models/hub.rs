//! Models from a hub: which files, where they are kept, and what to say when one cannot be had.
//!
//! The cache has the layout every Hugging Face library shares (`blobs`, `snapshots/<commit>`, `refs`), so a model fetched by
//! another program is found here and the other way round. hf-hub describes the layout; the transfer is our own because its
//! progress trait cannot cancel.

use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::error::ModelError;
use super::{hash, tokenizer};
use crate::progress::Progress;

mod client;

use client::{Client, RemoteFile};

/// Where models are fetched from and kept.
#[derive(Clone, PartialEq, Eq)]
pub struct HubSettings {
    /// `https://huggingface.co` or a mirror.
    pub endpoint: String,
    /// The folder that holds `models--owner--name`.
    pub cache: PathBuf,
    /// Sent to the endpoint's own host only, and only over TLS or to this machine.
    pub token: Option<String>,
    /// Take models from the cache only.
    pub offline: bool,
}

impl std::fmt::Debug for HubSettings {
    /// Without the token, which must not reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSettings")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "set"))
            .field("offline", &self.offline)
            .finish()
    }
}

impl HubSettings {
    /// What the variables of the Hugging Face libraries say: HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, HF_TOKEN, HF_TOKEN_PATH,
    /// HF_HUB_OFFLINE; else the usual endpoint, cache and token file.
    pub fn from_environment() -> Result<Self, ModelError> {
        Self::from_variables(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    /// [`HubSettings::from_environment`] with the variables given.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ModelError> {
        let home = match variable("HF_HOME") {
            Some(home) => PathBuf::from(home),
            None => directories::BaseDirs::new()
                .map(|dirs| dirs.home_dir().join(".cache").join("huggingface"))
                .ok_or_else(|| {
                    ModelError::Hub(
                        "there is no home folder to keep models in. Set HF_HOME to a folder that you may write"
                            .to_owned(),
                    )
                })?,
        };
        let token_file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let token = variable("HF_TOKEN").or_else(|| std::fs::read_to_string(token_file).ok());
        Ok(Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            cache: variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: variable("HF_HUB_OFFLINE")
                .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")),
        })
    }
}

/// A model's files on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// A folder in the Hugging Face layout.
    pub folder: PathBuf,
    /// The commit they belong to; a run records it.
    pub commit: String,
}

/// Whether `text` can be the name of a repository: `name` or `owner/name`.
pub(super) fn is_repository(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with(['.', '-'])
            && !part.contains("..")
            && !part.contains("--")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match text.split_once('/') {
        Some((owner, name)) => part(owner) && part(name),
        None => part(text),
    }
}

/// Whether `text` can be a branch, tag or commit. Slashes are folders of `refs`, so no part may climb out.
pub(super) fn is_revision(text: &str) -> bool {
    text.len() <= 200
        && text.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte))
        })
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// The files of `repository` at `revision` (default `main`), from the cache or the hub.
///
/// A branch or tag is resolved anew when the hub can be reached; if it cannot, the copy in the cache serves. A revision that
/// is a commit already in the cache needs no network. Bytes are reported to `progress`; cancelling keeps what has arrived,
/// and the next call goes on from there, as it does after a broken connection.
pub fn fetch(
    repository: &str,
    revision: Option<&str>,
    settings: &HubSettings,
    progress: &dyn Progress,
) -> Result<Fetched, ModelError> {
    let revision = revision.unwrap_or("main");
    if !is_repository(repository) || !is_revision(revision) {
        return Err(ModelError::Hub(format!(
            "{repository}@{revision} is not a hub name. Write owner/name, or owner/name@revision"
        )));
    }
    let place = Place::new(repository, revision, settings);
    let cached = place.cached();
    if settings.offline || is_commit(revision) {
        if let Some(fetched) = cached {
            return Ok(fetched);
        }
        if settings.offline {
            return Err(ModelError::Hub(format!(
                "{repository}@{revision} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it. Unset \
                 HF_HUB_OFFLINE, or name a folder that holds the model ({})",
                settings.cache.display()
            )));
        }
    }
    progress.stage(&format!("asking for {repository}"));
    progress.checkpoint()?;
    let client = Client::new(settings)?;
    let listing = match client.listing(repository, revision) {
        Ok(listing) => listing,
        Err(client::Failure::Unreachable(reason)) => {
            return cached.ok_or_else(|| {
                ModelError::Hub(format!(
                    "the hub {} cannot be reached and {repository}@{revision} is not in the cache ({reason}). Check the \
                     network and try again",
                    settings.endpoint
                ))
            });
        }
        Err(client::Failure::Final(error)) => return Err(error),
    };
    if !is_commit(&listing.commit) {
        return Err(ModelError::Hub(format!("the hub {} sent a malformed commit for {repository}", settings.endpoint)));
    }
    let snapshot = place.cache.pointer_path(&listing.commit);
    let fetch = Fetch { client: &client, place: &place, repository, commit: &listing.commit, progress };
    if complete(&snapshot).is_none() {
        fetch.all(&listing.files, &snapshot)?;
    }
    place.cache.create_ref(&listing.commit).map_err(|error| unwritable(&place.root, &error))?;
    complete(&snapshot).map(|()| Fetched { folder: snapshot.clone(), commit: listing.commit.clone() }).ok_or_else(
        || {
            ModelError::Hub(format!(
                "the files of {repository} did not stay in the cache ({}). Try again",
                snapshot.display()
            ))
        },
    )
}

/// Where a repository lies in the cache.
struct Place {
    cache: CacheRepo,
    root: PathBuf,
    revision: String,
}

impl Place {
    fn new(repository: &str, revision: &str, settings: &HubSettings) -> Self {
        let repo = Repo::with_revision(repository.to_owned(), RepoType::Model, revision.to_owned());
        let root = settings.cache.join(repo.folder_name());
        Self { cache: Cache::new(settings.cache.clone()).repo(repo), root, revision: revision.to_owned() }
    }

    /// The snapshot the revision last meant, if all its files are there.
    fn cached(&self) -> Option<Fetched> {
        let commit = if is_commit(&self.revision) {
            self.revision.clone()
        } else {
            std::fs::read_to_string(self.root.join("refs").join(&self.revision)).ok()?.trim().to_owned()
        };
        let folder = self.cache.pointer_path(&commit);
        (is_commit(&commit) && complete(&folder).is_some()).then_some(Fetched { folder, commit })
    }
}

/// Whether a folder holds all a masked language model needs. Settings are fetched before weights, so weights that are there
/// mean that the rest is.
fn complete(folder: &Path) -> Option<()> {
    let weights = hash::weight_files(folder).ok()?;
    let whole = folder.join("config.json").is_file()
        && tokenizer::files(folder).is_ok()
        && weights.iter().all(|path| path.is_file());
    whole.then_some(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> ModelError {
    ModelError::Unreadable {
        path: path.to_owned(),
        problem: format!("the model cache cannot be written: {error}"),
        remedy: "Free some space, or set HF_HOME to a folder that you may write".to_owned(),
    }
}

/// The files of a listing that are wanted, in the order of fetching; weights come last. Only names from this list, and
/// plain names from a shard index, are ever fetched: a path in a listing cannot lead out of the cache.
fn wanted(files: &[String], repository: &str) -> Result<(Vec<&'static str>, &'static str), ModelError> {
    let has = |name: &str| files.iter().any(|file| file == name);
    let lacks = |what: &str, remedy: &str| Err(ModelError::Hub(format!("{repository} has no {what}. {remedy}")));
    if !has("config.json") {
        return lacks("config.json", "Name a repository in the layout of Python's transformers");
    }
    let mut small = vec!["config.json"];
    if has("tokenizer.json") {
        small.push("tokenizer.json");
    } else if has("vocab.txt") {
        small.push("vocab.txt");
    } else if has("vocab.json") && has("merges.txt") {
        small.extend(["vocab.json", "merges.txt"]);
    } else {
        return lacks(
            "tokenizer this program reads",
            "It reads tokenizer.json, vocab.txt, or vocab.json with merges.txt; save one with AutoTokenizer.save_pretrained",
        );
    }
    small.extend(["tokenizer_config.json", "special_tokens_map.json"].into_iter().filter(|name| has(name)));
    let weights = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"];
    match weights.into_iter().find(|name| has(name)) {
        Some(name) => Ok((small, name)),
        None => lacks("weights this program reads", "It reads model.safetensors, its shards, and pytorch_model.bin"),
    }
}

/// One fetching of a snapshot.
struct Fetch<'a> {
    client: &'a Client,
    place: &'a Place,
    repository: &'a str,
    commit: &'a str,
    progress: &'a dyn Progress,
}

impl Fetch<'_> {
    fn all(&self, listing: &[String], snapshot: &Path) -> Result<(), ModelError> {
        std::fs::create_dir_all(snapshot).map_err(|error| unwritable(snapshot, &error))?;
        std::fs::create_dir_all(self.place.root.join("blobs")).map_err(|error| unwritable(&self.place.root, &error))?;
        let (small, weights) = wanted(listing, self.repository)?;
        let mut names: Vec<String> = small.into_iter().map(str::to_owned).collect();
        if weights == "model.safetensors.index.json" {
            // The index must be at hand before the whole size is known.
            self.some(&[weights.to_owned()], snapshot)?;
            let shards = hash::weight_files(snapshot)?;
            for shard in shards.iter().filter_map(|path| path.file_name()?.to_str()) {
                if !listing.iter().any(|file| file == shard) {
                    return Err(ModelError::Hub(format!("{} lacks its weight file {shard}", self.repository)));
                }
                names.push(shard.to_owned());
            }
        } else {
            names.push(weights.to_owned());
        }
        self.some(&names, snapshot)
    }

    fn some(&self, names: &[String], snapshot: &Path) -> Result<(), ModelError> {
        let mut missing: Vec<(&String, RemoteFile)> = Vec::new();
        for name in names.iter().filter(|name| !snapshot.join(name).is_file()) {
            self.progress.checkpoint()?;
            missing.push((name, self.client.describe(self.repository, self.commit, name)?));
        }
        let total = missing.iter().map(|(_, file)| file.size).sum();
        self.progress.stage(&format!("fetching {}", self.repository));
        let mut done = 0;
        self.progress.report(done, total);
        for (name, file) in &missing {
            let blob = self.place.cache.blob_path(&file.key);
            self.client.download(file, &blob, self.progress, &mut |bytes| self.progress.report(done + bytes, total))?;
            point(&blob, &snapshot.join(name)).map_err(|error| unwritable(snapshot, &error))?;
            done += file.size;
            self.progress.report(done, total);
        }
        Ok(())
    }
}

/// Makes `pointer` (in `snapshots/<commit>`) mean `blob`: a relative link, or a copy where links are not to be had.
fn point(blob: &Path, pointer: &Path) -> std::io::Result<()> {
    if std::fs::symlink_metadata(pointer).is_ok() {
        std::fs::remove_file(pointer)?;
    }
    #[cfg(unix)]
    if let Some(name) = blob.file_name() {
        return std::os::unix::fs::symlink(Path::new("../../blobs").join(name), pointer);
    }
    std::fs::hard_link(blob, pointer).or_else(|_| std::fs::copy(blob, pointer).map(drop))
}

#[cfg(test)]
mod tests;
