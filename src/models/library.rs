//! Finding and loading a model by the name a user gives, and keeping it while it is in use.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use super::cache::CachedConditionals;
use super::conditionals::MaskedLmConditionals;
use super::error::ModelError;
use super::hash;
use super::hub::{self, HubSettings};
use super::masked_lm::MaskedLm;
use super::random::{self, RandomModel};
use super::shipped;
use super::tokenizer::{self, MlmTokenizer};
use crate::glauber::conditionals::{Conditionals, ModelIdentity};
use crate::glauber::toys;
use crate::glauber::trajectories::{Embeddings, for_toy};
use crate::progress::Progress;

/// Bytes of cached answers that a model keeps between runs.
const CACHED_AT_REST: usize = 16 << 20;
/// Time between two looks at whether another opening of the same model has loaded it.
const WAIT: Duration = Duration::from_millis(10);

/// Toys that may be named without settings.
const TOYS: [&str; 7] = ["product", "ising", "curie-weiss", "potts", "table-pair", "random-table", "random"];

/// What a model reference means. `agora` -> shipped; `./dir` or `/dir` -> folder; `owner/name[@revision]` -> hub;
/// `ising:n=6,beta=0.5` -> toy; `random:layers=2,hidden=64,vocabulary=200,seed=0` -> random-init transformer;
/// `random-like:agora,seed=1` -> random weights in the shape, and with the tokenizer, of another model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A model under `assets/models`, embedded in the program.
    Shipped(String),
    /// A folder in the Hugging Face layout.
    Folder(PathBuf),
    /// A repository of a hub, at a revision (`main` if none is given).
    Hub { repository: String, revision: Option<String> },
    /// A toy backend by its text (glauber::toys), or a random-init transformer.
    Toy(String),
}

impl ModelSource {
    /// Reads a reference; an existing folder wins over a hub name. Looks at the file system, not at the network.
    pub fn parse(reference: &str) -> Result<Self, ModelError> {
        let text = reference.trim();
        if shipped::find(text).is_some() {
            return Ok(Self::Shipped(text.to_owned()));
        }
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        // One letter before a colon is a drive.
        let is_scheme = |s: &str| s.len() > 1 && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if scheme.is_some_and(is_scheme) || TOYS.contains(&text) {
            return Ok(Self::Toy(text.to_owned()));
        }
        let path = match text.strip_prefix("~/").zip(directories::BaseDirs::new()) {
            Some((rest, home)) => home.home_dir().join(rest),
            None => PathBuf::from(text),
        };
        if !text.is_empty() && path.is_dir() {
            return Ok(Self::Folder(path));
        }
        let names = || shipped::SHIPPED.iter().map(|model| model.name).collect::<Vec<_>>().join(", ");
        let looks_local = text.starts_with('.') || text.starts_with('~') || path.is_absolute() || text.contains('\\');
        if looks_local || path.is_file() {
            let problem = if path.is_file() { "this is a file, not a folder" } else { "there is no such folder" };
            return Err(ModelError::Unreadable {
                path,
                problem: problem.to_owned(),
                remedy: "Name the folder that holds config.json, the tokenizer and the weights".to_owned(),
            });
        }
        let (repository, revision) = match text.split_once('@') {
            Some((repository, revision)) => (repository, Some(revision.to_owned())),
            None => (text, None),
        };
        if !hub::is_repository(repository) || revision.as_deref().is_some_and(|revision| !hub::is_revision(revision)) {
            return Err(ModelError::Other(format!(
                "{text:?} names no model. Write a shipped name ({}), a folder, a hub name (owner/name or \
                 owner/name@revision) or a toy (ising:n=6,beta=0.5)",
                names()
            )));
        }
        Ok(Self::Hub { repository: repository.to_owned(), revision })
    }
}

/// Weights and what they came with, shared by everyone who opened the model.
struct Shared {
    identity: ModelIdentity,
    conditionals: Arc<dyn Conditionals>,
    cached: Arc<CachedConditionals>,
    /// What a `random-like` model takes over; `None` for a toy.
    network: Option<Arc<MaskedLmConditionals>>,
}

impl Shared {
    fn new(
        identity: ModelIdentity,
        conditionals: Arc<dyn Conditionals>,
        network: Option<Arc<MaskedLmConditionals>>,
    ) -> Self {
        let cached = CachedConditionals::new(conditionals.clone(), CachedConditionals::DEFAULT_BYTES);
        // Toys answer each row by itself; a network's sums depend on the shape of the batch.
        let cached = Arc::new(if network.is_some() { cached.reproducible() } else { cached });
        Self { identity, conditionals, cached, network }
    }
}

/// A model ready to be asked. Cloning shares the weights.
#[derive(Clone)]
pub struct LoadedModel {
    pub identity: ModelIdentity,
    /// The model itself. Certificates ask this one: no answer comes from another batch.
    pub conditionals: Arc<dyn Conditionals>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for LoadedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedModel").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl LoadedModel {
    /// A model made by the caller, such as a toy in a test.
    pub fn new(identity: ModelIdentity, conditionals: Arc<dyn Conditionals>) -> Self {
        let shared = Arc::new(Shared::new(identity.clone(), conditionals.clone(), None));
        Self { identity, conditionals, shared }
    }

    /// The model behind a cache that everyone who opened it shares: for chains, surveys and the window. An answer's bits
    /// depend on its question alone ([`CachedConditionals::reproducible`]).
    pub fn cached(&self) -> Arc<CachedConditionals> {
        self.shared.cached.clone()
    }

    /// What chains ask: the model behind its cache, or a toy itself, which answers faster than a cache would.
    pub fn for_chains(&self) -> Arc<dyn Conditionals> {
        match &self.shared.network {
            Some(_) => self.cached(),
            None => self.conditionals.clone(),
        }
    }

    /// Lets go of most cached answers, at the end of a run: the window may keep the model open for hours.
    pub fn rest(&self) {
        self.shared.cached.shrink(CACHED_AT_REST);
    }

    /// Whether it is a toy rather than a network.
    pub fn is_toy(&self) -> bool {
        self.shared.network.is_none()
    }

    /// Sentences as vectors: a network's own hidden layer, a toy's tokens.
    pub fn embeddings(&self) -> Arc<dyn Embeddings> {
        match &self.shared.network {
            Some(network) => network.clone(),
            None => Arc::from(for_toy(&*self.conditionals)),
        }
    }
}

/// Models in use in this process by canonical reference. The inner lock is held while its model loads, so that two
/// openings at once share one loading and others go on.
static IN_USE: Mutex<BTreeMap<String, Arc<Mutex<Weak<Shared>>>>> = Mutex::new(BTreeMap::new());

/// Loads models and keeps the ones in use, so that a run and the window share one copy.
#[derive(Clone, Debug, Default)]
pub struct Library {
    hub: Option<HubSettings>,
    made: BTreeMap<String, LoadedModel>,
}

impl Library {
    /// A library that fetches from a given hub into a given cache, instead of what the environment says.
    pub fn with_hub(hub: HubSettings) -> Self {
        Self { hub: Some(hub), ..Self::default() }
    }

    /// The same library, in which `reference` names a model that the caller made; it wins over any other meaning.
    pub fn with_model(mut self, reference: &str, model: LoadedModel) -> Self {
        self.made.insert(reference.to_owned(), model);
        self
    }

    /// The model `reference` names; downloads a hub model that is not in the cache yet unless offline.
    pub fn open(&self, reference: &str, progress: &dyn Progress) -> Result<LoadedModel, ModelError> {
        let reference = reference.trim();
        if let Some(made) = self.made.get(reference) {
            return Ok(made.clone());
        }
        let source = ModelSource::parse(reference)?;
        let (key, place) = self.locate(source, progress)?;
        let slot = {
            let mut models = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
            // Forget what nobody uses and nobody is loading.
            models.retain(|_, slot| {
                Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|shared| shared.strong_count() > 0)
            });
            models.entry(key).or_default().clone()
        };
        // Whoever loads it may be paused for long: waiting for it can be paused and cancelled like loading.
        let mut slot = loop {
            match slot.try_lock() {
                Ok(slot) => break slot,
                Err(TryLockError::Poisoned(slot)) => break slot.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    progress.checkpoint()?;
                    std::thread::sleep(WAIT);
                }
            }
        };
        let shared = match slot.upgrade() {
            Some(shared) => shared,
            None => {
                progress.stage(&format!("loading {reference}"));
                let shared = Arc::new(self.load(place, progress)?);
                *slot = Arc::downgrade(&shared);
                shared
            }
        };
        let identity = ModelIdentity { reference: reference.to_owned(), ..shared.identity.clone() };
        Ok(LoadedModel { identity, conditionals: shared.conditionals.clone(), shared })
    }

    /// Names and one-line descriptions of the shipped models.
    pub fn shipped() -> Vec<(&'static str, &'static str)> {
        shipped::SHIPPED.iter().map(|model| (model.name, model.description)).collect()
    }

    /// Where the model lies, and a key that is equal exactly for equal weights.
    fn locate(&self, source: ModelSource, progress: &dyn Progress) -> Result<(String, Place), ModelError> {
        Ok(match source {
            ModelSource::Shipped(name) => (format!("shipped {name}"), Place::Shipped(name)),
            ModelSource::Folder(folder) => {
                let folder = folder.canonicalize().unwrap_or(folder);
                (format!("folder {} {}", folder.display(), stamp(&folder)), Place::Folder(folder, None))
            }
            ModelSource::Hub { repository, revision } => {
                let settings = self.hub.clone().map_or_else(HubSettings::from_environment, Ok)?;
                let fetched = hub::fetch(&repository, revision.as_deref(), &settings, progress)?;
                let key = format!("folder {} {}", fetched.folder.display(), stamp(&fetched.folder));
                (key, Place::Folder(fetched.folder, Some(fetched.commit)))
            }
            ModelSource::Toy(text) => match text.split_once(':').unwrap_or((&text, "")) {
                ("random", settings) => {
                    let model = RandomModel::parse(settings)?;
                    (model.canonical(), Place::Random(model))
                }
                ("random-like", rest) => {
                    let (reference, seed) = random::like(rest)?;
                    let base = self.open(reference, progress)?;
                    let identity = &base.identity;
                    let key = format!("random-like {seed} {} {}", identity.config_sha256, identity.tokenizer_sha256);
                    (key, Place::RandomLike(base, seed))
                }
                _ => (format!("toy {text}"), Place::Toy(text)),
            },
        })
    }

    fn load(&self, place: Place, progress: &dyn Progress) -> Result<Shared, ModelError> {
        match place {
            Place::Shipped(name) => load_shipped(&name),
            Place::Folder(folder, revision) => load_folder(&folder, revision, progress),
            Place::Random(random) => load_random(&random),
            Place::RandomLike(base, seed) => load_random_like(&base, seed),
            Place::Toy(text) => load_toy(&text),
        }
    }
}

/// A source made concrete.
enum Place {
    Shipped(String),
    Folder(PathBuf, Option<String>),
    Random(RandomModel),
    RandomLike(LoadedModel, u64),
    Toy(String),
}

/// Sizes and times of a folder's files, so that a model trained anew in the same place is read anew.
fn stamp(folder: &Path) -> String {
    let mut stamps: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let metadata = std::fs::metadata(entry.path()).ok().filter(std::fs::Metadata::is_file)?;
            let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
            Some(format!("{}:{}:{modified}", entry.file_name().display(), metadata.len()))
        })
        .collect();
    stamps.sort();
    stamps.join(" ")
}

fn network(
    model: MaskedLm,
    tokenizer: Arc<MlmTokenizer>,
    revision: Option<String>,
    [weights_sha256, config_sha256, tokenizer_sha256]: [String; 3],
) -> Result<Shared, ModelError> {
    let identity = ModelIdentity {
        // Filled in by `open`: one model may be named in several ways.
        reference: String::new(),
        architecture: model.architecture().to_owned(),
        revision,
        weights_sha256,
        config_sha256,
        tokenizer_sha256,
        parameters: model.parameters(),
    };
    let conditionals = Arc::new(MaskedLmConditionals::new(model, tokenizer)?);
    Ok(Shared::new(identity, conditionals.clone(), Some(conditionals)))
}

fn load_shipped(name: &str) -> Result<Shared, ModelError> {
    let files = shipped::find(name).ok_or_else(|| ModelError::Other(format!("no model {name:?} is shipped")))?;
    let model = MaskedLm::from_bytes(files.config, Cow::Borrowed(files.weights))?;
    let tokenizer = MlmTokenizer::from_json(files.tokenizer, Path::new(name))?;
    let hashes = [files.weights, files.config.as_bytes(), files.tokenizer.as_bytes()].map(hash::bytes);
    network(model, Arc::new(tokenizer), None, hashes)
}

fn load_folder(folder: &Path, revision: Option<String>, progress: &dyn Progress) -> Result<Shared, ModelError> {
    // Cheap questions first: a missing or foreign tokenizer is known before gigabytes are read.
    let config = folder.join("config.json");
    if !config.is_file() {
        return Err(ModelError::Unreadable {
            path: folder.to_owned(),
            problem: "the folder has no config.json".to_owned(),
            remedy: "Name the folder that holds config.json, the tokenizer and the weights of one model".to_owned(),
        });
    }
    let tokenizer = Arc::new(MlmTokenizer::from_folder(folder)?);
    let model = MaskedLm::from_folder(folder)?;
    tokenizer.check(model.vocabulary())?;
    let hashes = [
        hash::files(&hash::weight_files(folder)?, progress)?,
        hash::files(&[config], progress)?,
        hash::files(&tokenizer::files(folder)?, progress)?,
    ];
    network(model, tokenizer, revision, hashes)
}

fn load_random(random: &RandomModel) -> Result<Shared, ModelError> {
    let config = random.config();
    let model = MaskedLm::random(&config, random.seed)?;
    let hashes = [random.canonical(), config, random.tokenizer_json()].map(|text| hash::bytes(text.as_bytes()));
    network(model, Arc::new(random.tokenizer()?), None, hashes)
}

fn load_random_like(base: &LoadedModel, seed: u64) -> Result<Shared, ModelError> {
    let Some(network_of) = &base.shared.network else {
        return Err(ModelError::Other(format!(
            "{} is a toy, which has no shape to draw weights for. Name a masked language model after random-like:",
            base.identity.reference
        )));
    };
    let identity = &base.identity;
    let drawn = MaskedLm::random(network_of.model().config_json(), seed)?;
    let hashes = [
        hash::bytes(format!("random-like:{},seed={seed}", identity.config_sha256).as_bytes()),
        identity.config_sha256.clone(),
        identity.tokenizer_sha256.clone(),
    ];
    network(drawn, network_of.tokenizer().clone(), identity.revision.clone(), hashes)
}

fn load_toy(text: &str) -> Result<Shared, ModelError> {
    let toy = toys::parse(text).map_err(ModelError::Other)?;
    let canonical = toys::canonical(text).map_err(ModelError::Other)?;
    let identity = ModelIdentity {
        reference: String::new(),
        architecture: "toy".to_owned(),
        revision: None,
        weights_sha256: hash::bytes(canonical.as_bytes()),
        config_sha256: String::new(),
        tokenizer_sha256: String::new(),
        parameters: 0,
    };
    Ok(Shared::new(identity, Arc::from(toy), None))
}
