//! A masked language model: token ids in, logits out.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor};

use super::config::{Architecture, Config, Family};
use super::deberta::Deberta;
use super::device::{self, FastType};
use super::error::ModelError;
use super::head::Head;
use super::kernels::{self, Asked, Shape};
use super::loader::Loader;
use super::modern_bert::ModernBert;
use super::post_norm::{self, PostNorm};
use super::weights::Weights;
use crate::glauber::conditionals::{Logits, Precision};

/// Tokens that pass through the network at once. Larger passes gain nothing on a processor and cost memory.
const TOKENS_PER_PASS: usize = 1024;
/// Sequences that are embedded in one pass.
const EMBEDDED_TOGETHER: usize = 16;

/// Token ids to hidden states.
pub(super) trait Encoder: Send + Sync {
    /// Hidden states of the asked positions, `[rows, hidden]`. `ids` holds `shape.batch` sequences of `shape.length`.
    fn forward(&self, ids: &[u32], shape: Shape, asked: Asked<'_>) -> candle_core::Result<Tensor>;
    /// The embedding table, `[vocabulary, embedding]`.
    fn words(&self) -> &Tensor;
    /// Whether all its products between rows are [`super::kernels::product`]s, or within one sequence.
    fn row_wise(&self) -> bool {
        true
    }
    /// The same network with its weights converted, on the same device.
    fn to_dtype(&self, dtype: DType) -> candle_core::Result<Box<dyn Encoder>>;
}

/// Encoder and head in one arithmetic.
struct Network {
    encoder: Box<dyn Encoder>,
    head: Head,
}

impl Network {
    fn load(config: &Config, weights: &Weights, dtype: DType, device: &Device) -> Result<Self, ModelError> {
        let loader = Loader { weights, dtype, device };
        let encoder: Box<dyn Encoder> = match &config.family {
            Family::PostNorm(settings) => Box::new(PostNorm::load(&loader, config, settings)?),
            Family::ModernBert(settings) => Box::new(ModernBert::load(&loader, config, settings)?),
            Family::Deberta(settings) => Box::new(Deberta::load(&loader, config, settings)?),
        };
        let head = Head::load(&loader, config, encoder.words())?;
        Ok(Self { encoder, head })
    }

    fn to_double(&self, config: &Config) -> Result<Self, ModelError> {
        let encoder = self.encoder.to_dtype(DType::F64)?;
        let head = self.head.to_dtype(DType::F64, config.tied, encoder.words())?;
        Ok(Self { encoder, head })
    }
}

/// Double precision: where the network comes from, until it is asked for.
enum Double {
    /// The fast network, on the processor, holds every stored weight exactly.
    Widen,
    /// It does not, or is on an accelerator: the weights must be read again.
    Read(Box<Weights>),
    Ready(Arc<Network>),
}

struct Inner {
    config: Config,
    config_json: String,
    parameters: u64,
    fast_type: FastType,
    fast: Network,
    double: Mutex<Double>,
}

/// A masked language model with its weights. Cloning shares them.
///
/// `Precision::F32` runs on the first accelerator of the build (in half precision there if `KLEROTERION_GPU_TYPE` says
/// `bf16` or `f16`), else on the processor with fused loops. On the processor it is deterministic: the same batch
/// gives the same bits, and mostly a row the same bits in every batch ([`MaskedLm::row_wise`]).
/// `Precision::F64` runs plain operations on the processor over the stored weights, converted exactly, and is built on
/// first use.
#[derive(Clone)]
pub struct MaskedLm(Arc<Inner>);

impl MaskedLm {
    /// Reads `config.json` and the weights of a folder in the Hugging Face layout.
    ///
    /// Errors: every variant of [`ModelError`] that concerns files, settings, tensors or the device.
    pub fn from_folder(dir: &Path) -> Result<Self, ModelError> {
        let device = device::best();
        Self::from_folder_on(dir, FastType::on(&device), device)
    }

    /// Like [`Self::from_folder`], on the processor and with the fast passes in a type of the caller's choice.
    pub fn from_folder_in(dir: &Path, fast_type: FastType) -> Result<Self, ModelError> {
        Self::from_folder_on(dir, fast_type, Device::Cpu)
    }

    fn from_folder_on(dir: &Path, fast_type: FastType, device: Device) -> Result<Self, ModelError> {
        let path = dir.join("config.json");
        let config_json = std::fs::read_to_string(&path).map_err(|e| ModelError::Unreadable {
            problem: format!("the configuration cannot be read: {e}"),
            remedy: "A model folder holds config.json, a tokenizer and the weights".into(),
            path,
        })?;
        let config = Config::parse(&config_json)?;
        Self::build(config, config_json, Weights::from_folder(dir)?, fast_type, device)
    }

    /// From the text of `config.json` and the bytes of a safetensors file, such as a model embedded in the program.
    pub fn from_bytes(config_json: &str, safetensors: impl Into<Cow<'static, [u8]>>) -> Result<Self, ModelError> {
        let weights = Weights::from_bytes(safetensors.into())?;
        let device = device::best();
        Self::build(Config::parse(config_json)?, config_json.to_owned(), weights, FastType::on(&device), device)
    }

    /// Random weights of the shape `config_json` describes: normal with standard deviation `initializer_range` (0.02 where
    /// absent), zero biases, unit scales. The bits depend on `config_json` and `seed` only.
    pub fn random(config_json: &str, seed: u64) -> Result<Self, ModelError> {
        let config = Config::parse(config_json)?;
        let weights = Weights::random(seed, config.initializer_range);
        let device = device::best();
        Self::build(config, config_json.to_owned(), weights, FastType::on(&device), device)
    }

    fn build(
        config: Config,
        config_json: String,
        mut weights: Weights,
        fast_type: FastType,
        device: Device,
    ) -> Result<Self, ModelError> {
        weights.set_prefix(post_norm::prefix(config.architecture));
        refuse_discriminators(&config, &weights)?;
        let fast = Network::load(&config, &weights, fast_type.dtype(), &device)?;
        let parameters = weights.parameters();
        let exact = device.is_cpu() && fast_type == FastType::F32 && !weights.holds_doubles();
        let double = if exact { Double::Widen } else { Double::Read(Box::new(weights)) };
        Ok(Self(Arc::new(Inner { config, config_json, parameters, fast_type, fast, double: Mutex::new(double) })))
    }

    /// `bert`, `modernbert`, …: the `model_type` of `config.json`.
    pub fn architecture(&self) -> &str {
        self.0.config.architecture.name()
    }

    /// Entries of a logit row.
    pub fn vocabulary(&self) -> usize {
        self.0.config.vocabulary
    }

    /// Longest sequence in tokens, start and end included.
    pub fn max_length(&self) -> usize {
        self.0.config.max_length
    }

    /// Type of the fast passes, which `Precision::F32` asks for.
    pub fn fast_type(&self) -> FastType {
        self.0.fast_type
    }

    /// Whether the fast passes run on the processor, where repeated calls give the same bits.
    pub fn on_processor(&self) -> bool {
        self.0.fast.encoder.words().device().is_cpu()
    }

    /// Whether the bits of a row's logits do not depend on the batch it travels in: in single precision on the processor, with
    /// the built-in matrix product, for all architectures but DeBERTa.
    pub fn row_wise(&self, precision: Precision) -> bool {
        let fast = self.0.fast_type == FastType::F32 && self.on_processor();
        precision == Precision::F32 && fast && kernels::ROW_WISE && self.0.fast.encoder.row_wise()
    }

    /// What the head adds to the logit of each token at the end; in [`Precision::F32`] the rest is in single precision.
    pub fn bias(&self) -> &[f64] {
        self.0.fast.head.bias()
    }

    /// Number of weights, shared ones counted once.
    pub fn parameters(&self) -> u64 {
        self.0.parameters
    }

    /// The text of `config.json`.
    pub fn config_json(&self) -> &str {
        &self.0.config_json
    }

    /// Logits at one position of each sequence, `[sequences, vocabulary]`, in nats.
    ///
    /// `sequences` are of one length, whole as the model reads them: with start and end tokens, and with the mask token
    /// already at the position asked for. `positions[k]` counts from 0 in `sequences[k]`.
    ///
    /// Errors: [`ModelError::Length`], [`ModelError::Token`], [`ModelError::Position`], [`ModelError::NonFinite`],
    /// [`ModelError::Device`].
    pub fn logits(
        &self,
        sequences: &[Vec<u32>],
        positions: &[usize],
        precision: Precision,
    ) -> Result<Logits, ModelError> {
        if sequences.len() != positions.len() {
            return Err(ModelError::Other(format!(
                "{} positions were asked of {} sequences; each sequence needs one",
                positions.len(),
                sequences.len()
            )));
        }
        let length = sequences.first().map_or(1, Vec::len);
        for (sequence, &position) in sequences.iter().zip(positions) {
            self.check(sequence)?;
            if sequence.len() != length {
                return Err(ModelError::Length { got: sequence.len(), expected: length.to_string() });
            }
            if position >= length {
                return Err(ModelError::Position { position, length });
            }
        }
        let per_pass = (TOKENS_PER_PASS / length).max(16);
        let mut values = Vec::new();
        for (sequences, positions) in sequences.chunks(per_pass).zip(positions.chunks(per_pass)) {
            let shape = Shape { batch: sequences.len(), length };
            let pass = self.pass(&sequences.concat(), shape, Asked::One(positions), precision)?;
            // Mostly there is one pass, which needs no copy.
            if values.is_empty() { values = pass } else { values.extend(pass) }
        }
        Ok(Logits::new(values, self.vocabulary()))
    }

    /// Logits at every position of one sequence, `[ids.len(), vocabulary]`. Padding is left out rather than masked, which
    /// comes to the same: no position looks at it.
    ///
    /// Errors: as [`Self::logits`].
    pub fn all_logits(&self, ids: &[u32], precision: Precision) -> Result<Logits, ModelError> {
        self.check(ids)?;
        let values = self.pass(ids, Shape { batch: 1, length: ids.len() }, Asked::All, precision)?;
        Ok(Logits::new(values, self.vocabulary()))
    }

    /// Mean of the last layer's hidden states over all tokens of each sequence, start and end included:
    /// `[sequences, hidden]` in the order given (glauber.md section 6). Sequences are of one length and hold no mask token;
    /// a row's bits do not depend on the sequences beside it in the call.
    ///
    /// Errors: as [`Self::logits`].
    pub fn mean_hidden(&self, sequences: &[Vec<u32>]) -> Result<Vec<f32>, ModelError> {
        let length = sequences.first().map_or(1, Vec::len);
        for sequence in sequences {
            self.check(sequence)?;
            if sequence.len() != length {
                return Err(ModelError::Length { got: sequence.len(), expected: length.to_string() });
            }
        }
        let mut means = Vec::new();
        for block in sequences.chunks(EMBEDDED_TOGETHER) {
            // Blocks of one shape, the last filled up with repeats: sums are arranged by the shape of the batch.
            let mut ids = block.concat();
            for _ in block.len()..EMBEDDED_TOGETHER {
                ids.extend_from_slice(&block[0]);
            }
            let shape = Shape { batch: EMBEDDED_TOGETHER, length };
            let hidden = self.0.fast.encoder.forward(&ids, shape, Asked::All)?;
            let width = hidden.dim(1)?;
            let mean = hidden.to_dtype(DType::F32)?.reshape((EMBEDDED_TOGETHER, length, width))?.mean(1)?;
            let values = mean.flatten_all()?.to_vec1::<f32>()?;
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let arithmetic = self.0.fast_type.words();
                return Err(ModelError::NonFinite { value: f64::from(values[at]), token: at % width, arithmetic });
            }
            means.extend_from_slice(&values[..block.len() * width]);
        }
        Ok(means)
    }

    /// Width of the hidden states.
    pub fn hidden(&self) -> usize {
        self.0.config.hidden
    }

    fn check(&self, ids: &[u32]) -> Result<(), ModelError> {
        let (vocabulary, max_length) = (self.vocabulary(), self.max_length());
        if ids.is_empty() || ids.len() > max_length {
            return Err(ModelError::Length { got: ids.len(), expected: format!("1 to {max_length}") });
        }
        match ids.iter().find(|&&id| id as usize >= vocabulary) {
            Some(&token) => Err(ModelError::Token { token, vocabulary }),
            None => Ok(()),
        }
    }

    fn pass(&self, ids: &[u32], shape: Shape, asked: Asked<'_>, precision: Precision) -> Result<Vec<f64>, ModelError> {
        let double;
        let (network, arithmetic) = match precision {
            Precision::F32 => (&self.0.fast, self.0.fast_type.words()),
            Precision::F64 => {
                double = self.double()?;
                (&*double, "double precision")
            }
        };
        let logits = network.head.forward(&network.encoder.forward(ids, shape, asked)?)?;
        if logits.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(logits);
        }
        match logits.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(ModelError::NonFinite { value: logits[at], token: at % self.vocabulary(), arithmetic }),
            None => Ok(logits),
        }
    }

    fn double(&self) -> Result<Arc<Network>, ModelError> {
        let Inner { config, double, fast, .. } = &*self.0;
        let mut double = double.lock().map_err(|_| {
            ModelError::Other("building the double-precision network failed before; load the model again".into())
        })?;
        let network = match &*double {
            Double::Ready(network) => return Ok(network.clone()),
            Double::Widen => fast.to_double(config)?,
            Double::Read(weights) => Network::load(config, weights, DType::F64, &Device::Cpu)?,
        };
        let network = Arc::new(network);
        *double = Double::Ready(network.clone());
        Ok(network)
    }
}

/// A discriminator's weights have the encoder's names, and would pass for a model with its head missing.
fn refuse_discriminators(config: &Config, weights: &Weights) -> Result<(), ModelError> {
    let reason = match config.architecture {
        Architecture::Electra if weights.has("discriminator_predictions.") && !weights.has("generator_lm_head.") => {
            "it has discriminator_predictions and no generator_lm_head"
        }
        // DeBERTa-v3 was trained to detect replaced tokens; the language-model head left in its files is not its own.
        Architecture::DebertaV2 if weights.has("mask_predictions.") => {
            "it has mask_predictions, as DeBERTa-v3 checkpoints do, which were trained to detect replaced tokens"
        }
        Architecture::DebertaV2
            if !weights.is_random() && !weights.has("cls.predictions.") && !weights.has("lm_predictions.") =>
        {
            "it has no masked-LM head, as converted DeBERTa-v3 checkpoints do not"
        }
        _ => return Ok(()),
    };
    Err(ModelError::Discriminator { architecture: config.architecture.name().into(), reason: reason.into() })
}
