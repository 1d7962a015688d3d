//! The masked-LM head: dense, activation, normalisation, decoder with bias.

use candle_core::{DType, Tensor};

use super::config::{Activation, Architecture, Config, Family};
use super::error::ModelError;
use super::kernels::{Linear, Norm, Result, bias_activation, product, raised};
use super::loader::Loader;
use super::weights::Initial;

/// Where a family keeps its head.
struct HeadNames {
    dense: &'static str,
    norm: &'static str,
    decoder: &'static str,
    /// The decoder's bias; checkpoints have one name or the other.
    bias: [&'static str; 2],
}

fn names(architecture: Architecture, weights: &super::weights::Weights) -> HeadNames {
    let bert = HeadNames {
        dense: "cls.predictions.transform.dense",
        norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
    };
    match architecture {
        Architecture::Bert => bert,
        Architecture::DebertaV2 if weights.has("lm_predictions.lm_head.") && !weights.has("cls.predictions.") => {
            HeadNames {
                dense: "lm_predictions.lm_head.dense",
                norm: "lm_predictions.lm_head.LayerNorm",
                decoder: "lm_predictions.lm_head.decoder.weight",
                bias: ["lm_predictions.lm_head.bias", "lm_predictions.lm_head.decoder.bias"],
            }
        }
        Architecture::DebertaV2 => bert,
        Architecture::DistilBert => HeadNames {
            dense: "vocab_transform",
            norm: "vocab_layer_norm",
            decoder: "vocab_projector.weight",
            bias: ["vocab_projector.bias"; 2],
        },
        Architecture::Roberta | Architecture::XlmRoberta => HeadNames {
            dense: "lm_head.dense",
            norm: "lm_head.layer_norm",
            decoder: "lm_head.decoder.weight",
            bias: ["lm_head.bias", "lm_head.decoder.bias"],
        },
        Architecture::Albert => HeadNames {
            dense: "predictions.dense",
            norm: "predictions.LayerNorm",
            decoder: "predictions.decoder.weight",
            bias: ["predictions.bias", "predictions.decoder.bias"],
        },
        Architecture::Electra => HeadNames {
            dense: "generator_predictions.dense",
            norm: "generator_predictions.LayerNorm",
            decoder: "generator_lm_head.weight",
            bias: ["generator_lm_head.bias"; 2],
        },
        Architecture::ModernBert => {
            HeadNames { dense: "head.dense", norm: "head.norm", decoder: "decoder.weight", bias: ["decoder.bias"; 2] }
        }
    }
}

/// A masked-LM head without its decoder's bias, which is added on the way out, in double precision.
pub(super) struct Head {
    dense: Linear,
    activation: Activation,
    norm: Norm,
    /// `[vocabulary, embedding]`; shares the embedding table's memory where the two are tied.
    decoder: Tensor,
    /// The decoder `[embedding, vocabulary]` along its rows, as products read it fastest, if it is small.
    turned: Option<Tensor>,
    bias: Vec<f64>,
}

/// Most numbers of a decoder that is held twice. In models with larger ones it takes little of a pass.
const TURNED: usize = 1 << 22;

fn turned(decoder: &Tensor) -> Result<Option<Tensor>> {
    let small = decoder.dtype() == DType::F32 && decoder.device().is_cpu() && decoder.elem_count() <= TURNED;
    small.then(|| decoder.t()?.contiguous()).transpose()
}

impl Head {
    /// `words` is the embedding table, the decoder of a tied model.
    pub fn load(loader: &Loader<'_>, config: &Config, words: &Tensor) -> Result<Self, ModelError> {
        let names = names(config.architecture, loader.weights);
        let (dense_bias, norm_bias, decoder_bias) = match &config.family {
            Family::ModernBert(settings) => (settings.head_bias, settings.norm_bias, settings.decoder_bias),
            _ => (true, true, true),
        };
        let activation = match (&config.family, config.architecture) {
            // These heads have their activation in the code of their models, whatever the layers use.
            (_, Architecture::Roberta | Architecture::XlmRoberta | Architecture::Electra) => Activation::Gelu,
            (Family::ModernBert(settings), _) => settings.head_activation,
            _ => config.activation,
        };
        let width = config.embedding;
        let decoder = if config.tied {
            words.clone()
        } else {
            loader.tensor(names.decoder, &[config.vocabulary, width], Initial::Normal)?
        };
        let bias = if decoder_bias {
            // An untied decoder has a bias of its own beside the head's, which then goes unused.
            let mut candidates = names.bias;
            if !config.tied {
                candidates.reverse();
            }
            let name = candidates.into_iter().find(|name| loader.weights.contains(name)).unwrap_or(names.bias[0]);
            loader.weights.take(name, &[config.vocabulary], Initial::Zero, DType::F64)?.to_vec1()?
        } else {
            vec![0.0; config.vocabulary]
        };
        Ok(Self {
            dense: loader.linear(names.dense, config.hidden, width, dense_bias)?,
            activation,
            norm: loader.norm(names.norm, width, config.norm_eps, norm_bias)?,
            turned: turned(&decoder)?,
            decoder,
            bias,
        })
    }

    /// Logits of hidden rows `[rows, hidden]`, one row of the vocabulary after another.
    pub fn forward(&self, hidden: &Tensor) -> Result<Vec<f64>> {
        let x = bias_activation(self.dense.product(hidden)?, self.dense.bias.as_ref(), self.activation)?;
        let x = self.norm.after_sum(x, None, None)?;
        let products = match &self.turned {
            Some(turned) => product(&x, turned)?,
            None => product(&x, &self.decoder.t()?)?,
        };
        raised(&products, &self.bias)
    }

    /// The decoder's bias.
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// The same head in another arithmetic; `words` is the embedding table in that arithmetic.
    pub fn to_dtype(&self, dtype: DType, tied: bool, words: &Tensor) -> Result<Self> {
        let decoder = if tied { words.clone() } else { self.decoder.to_dtype(dtype)? };
        Ok(Self {
            dense: self.dense.to_dtype(dtype)?,
            activation: self.activation,
            norm: self.norm.to_dtype(dtype)?,
            turned: turned(&decoder)?,
            decoder,
            bias: self.bias.clone(),
        })
    }
}
