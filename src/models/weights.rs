//! Where weights come from: safetensors (one file, shards, or bytes in the program), `pytorch_model.bin`, or a seed.
//!
//! Tensors are found under their usual names, with or without the encoder's prefix, `gamma`/`beta` for
//! `weight`/`bias` of old normalisation layers, and are checked against the shape the configuration calls for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candle_core::safetensors::{BufferedSafetensors, MmapedSafetensors, SliceSafetensors};
use candle_core::{DType, Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::error::ModelError;

/// What a weight starts as when it is drawn rather than read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Initial {
    Normal,
    Zero,
    One,
}

enum Source {
    Mapped(MmapedSafetensors),
    Buffered(BufferedSafetensors),
    Embedded(SliceSafetensors<'static>),
    Pickled(BTreeMap<String, Tensor>),
    Random { seed: u64, deviation: f64 },
}

/// A set of named tensors in the type they were stored in.
pub(super) struct Weights {
    source: Source,
    /// Stored names and shapes; empty for random weights, which have any name.
    stored: BTreeMap<String, (DType, Vec<usize>)>,
    /// `bert.` and the like.
    prefix: String,
    origin: String,
    /// Names taken so far with their number of elements, to count the parameters of the network.
    taken: Mutex<BTreeMap<String, u64>>,
}

fn unreadable(path: &Path, problem: impl ToString, remedy: &str) -> ModelError {
    ModelError::Unreadable { path: path.to_owned(), problem: problem.to_string(), remedy: remedy.to_owned() }
}

impl Weights {
    /// The weights in `dir`: `model.safetensors`, its shards, or `pytorch_model.bin`, whichever is there first.
    pub fn from_folder(dir: &Path) -> Result<Self, ModelError> {
        let single = dir.join("model.safetensors");
        let index = dir.join("model.safetensors.index.json");
        let pickled = dir.join("pytorch_model.bin");
        if single.is_file() {
            Self::mapped(&[single])
        } else if index.is_file() {
            Self::mapped(&shards(dir, &index)?)
        } else if pickled.is_file() {
            Self::pickled(&pickled)
        } else {
            Err(unreadable(
                dir,
                "the folder has no weights",
                "It needs model.safetensors, model.safetensors.index.json with its parts, or pytorch_model.bin",
            ))
        }
    }

    fn mapped(paths: &[PathBuf]) -> Result<Self, ModelError> {
        let first = &paths[0];
        // SAFETY: a mapping is undefined behaviour if the file changes under it. Programs that write weights replace the
        // file (a rename, which leaves a mapping as it was), and the mapping lives, as a rule, while the network is built.
        let file = unsafe { MmapedSafetensors::multi(paths) }
            .map_err(|e| unreadable(first, format!("the weights cannot be read: {e}"), "Fetch the file again"))?;
        let stored = describe(file.tensors())?;
        Ok(Self::new(Source::Mapped(file), stored, first.display().to_string()))
    }

    /// A whole safetensors file in memory.
    pub fn from_bytes(bytes: Cow<'static, [u8]>) -> Result<Self, ModelError> {
        let damaged = |e: candle_core::Error| {
            unreadable(Path::new("weights in memory"), format!("the weights cannot be read: {e}"), "Fetch them again")
        };
        let (source, stored) = match bytes {
            Cow::Borrowed(bytes) => {
                let file = SliceSafetensors::new(bytes).map_err(damaged)?;
                let stored = describe(file.tensors())?;
                (Source::Embedded(file), stored)
            }
            Cow::Owned(bytes) => {
                let file = BufferedSafetensors::new(bytes).map_err(damaged)?;
                let stored = describe(file.tensors())?;
                (Source::Buffered(file), stored)
            }
        };
        Ok(Self::new(source, stored, "weights in memory".into()))
    }

    fn pickled(path: &Path) -> Result<Self, ModelError> {
        let start = std::fs::File::open(path)
            .and_then(|mut file| {
                let mut start = [0; 2];
                std::io::Read::read_exact(&mut file, &mut start).map(|()| start)
            })
            .map_err(|e| unreadable(path, format!("the weights cannot be read: {e}"), "Fetch the file again"))?;
        if &start != b"PK" {
            return Err(unreadable(
                path,
                "the weights are in the format PyTorch wrote before version 1.6",
                "Load the model in Python and save it again, best as model.safetensors",
            ));
        }
        let tensors: BTreeMap<_, _> = candle_core::pickle::read_all(path)
            .map_err(|e| {
                unreadable(path, format!("the weights cannot be read: {e}"), "Save them as model.safetensors")
            })?
            .into_iter()
            .collect();
        let stored = tensors.iter().map(|(name, t)| (name.clone(), (t.dtype(), t.dims().to_vec()))).collect();
        Ok(Self::new(Source::Pickled(tensors), stored, path.display().to_string()))
    }

    /// Normal weights of the given standard deviation, zero biases, unit scales. A tensor depends on the seed and its
    /// own name only, not on the order in which tensors are asked for nor on the machine.
    pub fn random(seed: u64, deviation: f64) -> Self {
        Self::new(Source::Random { seed, deviation }, BTreeMap::new(), format!("random weights, seed {seed}"))
    }

    fn new(source: Source, stored: BTreeMap<String, (DType, Vec<usize>)>, origin: String) -> Self {
        Self { source, stored, prefix: String::new(), origin, taken: Mutex::default() }
    }

    /// Declares that the names asked for begin with `prefix`, which a checkpoint of the bare encoder lacks.
    pub fn set_prefix(&mut self, prefix: &str) {
        self.prefix = prefix.to_owned();
    }

    /// Whether any stored name begins with `start`.
    pub fn has(&self, start: &str) -> bool {
        self.stored.keys().any(|name| name.starts_with(start))
    }

    pub fn is_random(&self) -> bool {
        matches!(self.source, Source::Random { .. })
    }

    /// Whether a tensor is stored in double precision, so that single precision would lose digits.
    pub fn holds_doubles(&self) -> bool {
        self.stored.values().any(|(dtype, _)| *dtype == DType::F64)
    }

    /// Number of distinct weights taken so far.
    pub fn parameters(&self) -> u64 {
        self.taken.lock().map(|taken| taken.values().sum()).unwrap_or_default()
    }

    /// The stored name for `name`, if there is one.
    fn find(&self, name: &str) -> Option<String> {
        let mut candidates = vec![name.to_owned()];
        if let Some(bare) = name.strip_prefix(&self.prefix) {
            candidates.push(bare.to_owned());
        }
        for i in 0..candidates.len() {
            for (new, old) in [(".weight", ".gamma"), (".bias", ".beta")] {
                if let Some(stem) = candidates[i].strip_suffix(new) {
                    candidates.push(format!("{stem}{old}"));
                }
            }
        }
        candidates.into_iter().find(|candidate| self.stored.contains_key(candidate))
    }

    /// Whether `name` can be had.
    pub fn contains(&self, name: &str) -> bool {
        self.is_random() || self.find(name).is_some()
    }

    /// The tensor `name`, of exactly `shape`, exactly converted where `dtype` holds every stored value.
    ///
    /// Errors: [`ModelError::MissingTensor`], [`ModelError::WrongShape`].
    pub fn take(&self, name: &str, shape: &[usize], initial: Initial, dtype: DType) -> Result<Tensor, ModelError> {
        let (stored_name, tensor) = if let Source::Random { seed, deviation } = self.source {
            (name.to_owned(), drawn(name, shape, initial, seed, deviation)?)
        } else {
            let stored_name = self
                .find(name)
                .ok_or_else(|| ModelError::MissingTensor { name: name.to_owned(), file: self.origin.clone() })?;
            let (_, got) = &self.stored[&stored_name];
            if got != shape {
                return Err(ModelError::WrongShape { name: stored_name, expected: shape.to_vec(), got: got.clone() });
            }
            let tensor = self.read(&stored_name)?;
            (stored_name, tensor)
        };
        if !matches!(tensor.dtype(), DType::F16 | DType::BF16 | DType::F32 | DType::F64) {
            return Err(unreadable(
                Path::new(&self.origin),
                format!("the tensor {stored_name:?} holds {:?}, not floating-point numbers", tensor.dtype()),
                "Quantised weights are not supported; take the original ones",
            ));
        }
        if let Ok(mut taken) = self.taken.lock() {
            taken.insert(stored_name, shape.iter().product::<usize>() as u64);
        }
        Ok(tensor.to_dtype(dtype)?)
    }

    fn read(&self, name: &str) -> Result<Tensor, ModelError> {
        let tensor = match &self.source {
            Source::Mapped(file) => file.load(name, &Device::Cpu)?,
            Source::Buffered(file) => file.load(name, &Device::Cpu)?,
            Source::Embedded(file) => file.load(name, &Device::Cpu)?,
            Source::Pickled(tensors) => tensors[name].contiguous()?,
            Source::Random { .. } => unreachable!("random weights are drawn, not read"),
        };
        Ok(tensor)
    }
}

/// Names, types and shapes of a safetensors file.
fn describe(
    tensors: Vec<(String, safetensors::tensor::TensorView<'_>)>,
) -> Result<BTreeMap<String, (DType, Vec<usize>)>, ModelError> {
    // A type candle does not know cannot be a weight; it is left out and then missing if it was one.
    Ok(tensors
        .into_iter()
        .filter_map(|(name, view)| Some((name, (DType::try_from(view.dtype()).ok()?, view.shape().to_vec()))))
        .collect())
}

/// The files a `model.safetensors.index.json` names, all of them inside `dir`.
fn shards(dir: &Path, index: &Path) -> Result<Vec<PathBuf>, ModelError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = std::fs::read_to_string(index)
        .map_err(|e| unreadable(index, format!("the index of the weights cannot be read: {e}"), "Fetch it again"))?;
    let parsed: Index = serde_json::from_str(&text)
        .map_err(|e| unreadable(index, format!("the index of the weights is damaged: {e}"), "Fetch it again"))?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    if names.is_empty() {
        return Err(unreadable(index, "the index of the weights names no file", "Fetch it again"));
    }
    names
        .into_iter()
        .map(|name| {
            let path = dir.join(&name);
            if Path::new(&name).file_name().is_none_or(|file| file != name.as_str()) {
                Err(unreadable(
                    index,
                    format!("the index names {name:?}, which is not a plain file name"),
                    "Do not use it",
                ))
            } else if !path.is_file() {
                Err(unreadable(&path, "a part of the weights is missing", "Fetch the whole model again"))
            } else {
                Ok(path)
            }
        })
        .collect()
}

fn drawn(name: &str, shape: &[usize], initial: Initial, seed: u64, deviation: f64) -> Result<Tensor, ModelError> {
    let tensor = match initial {
        Initial::Zero => Tensor::zeros(shape, DType::F32, &Device::Cpu)?,
        Initial::One => Tensor::ones(shape, DType::F32, &Device::Cpu)?,
        Initial::Normal => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let digest = Sha256::digest(name.as_bytes());
            rng.set_stream(digest.iter().take(8).fold(0, |stream, &byte| stream << 8 | u64::from(byte)));
            let count: usize = shape.iter().product();
            let mut values = Vec::with_capacity(count + 1);
            while values.len() < count {
                let (first, second) = normal_pair(&mut rng);
                values.push((deviation * first) as f32);
                values.push((deviation * second) as f32);
            }
            values.truncate(count);
            Tensor::from_vec(values, shape, &Device::Cpu)?
        }
    };
    Ok(tensor)
}

/// Two independent standard normals by Marsaglia's polar method (SIAM Review 6:260, 1964). Only sums, products,
/// quotients and square roots enter, so that every machine draws the same bits.
fn normal_pair(rng: &mut ChaCha8Rng) -> (f64, f64) {
    loop {
        let mut uniform = || (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 52) as f64) - 1.0;
        let (u, v) = (uniform(), uniform());
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            let scale = (-2.0 * portable_ln(s) / s).sqrt();
            return (u * scale, v * scale);
        }
    }
}

/// ln of a positive normal number, to a few units in the last place, from IEEE operations only: libraries differ in the
/// last bit of their own.
fn portable_ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), |argument| < 0.172: 11 terms reach 1e-17.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = (0..11).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_logarithm_is_the_logarithm() {
        for k in 1..2000 {
            let x = f64::from(k) / 1000.0;
            assert!((portable_ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1.0), "{x}");
        }
    }

    #[test]
    fn random_weights_depend_on_seed_and_name_only() {
        let take = |weights: &Weights, name: &str| {
            weights
                .take(name, &[50, 40], Initial::Normal, DType::F32)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        let (one, two) = (Weights::random(1, 0.5), Weights::random(2, 0.5));
        let (a, b) = (take(&one, "a"), take(&one, "b"));
        assert_eq!(a, take(&one, "a"));
        assert_ne!(a, b);
        assert_ne!(a, take(&two, "a"));
        let mean = a.iter().sum::<f32>() / 2000.0;
        let variance = a.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 2000.0;
        // Standard errors: 0.011 for the mean, 0.008 for the variance.
        assert!(mean.abs() < 0.045 && (variance - 0.25).abs() < 0.032, "{mean} {variance}");
    }
}
