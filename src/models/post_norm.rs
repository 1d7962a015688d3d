//! The BERT family: BERT, DistilBERT, RoBERTa, XLM-RoBERTa, ALBERT and the ELECTRA generator.
//!
//! One network (Devlin et al., arXiv 1810.04805) whose members differ in tensor names, in whether embeddings are projected to
//! the hidden width, in how positions are numbered, and in whether layers share weights.

use candle_core::{DType, Tensor};

use super::config::{Activation, Architecture, Config, PostNormSettings};
use super::error::ModelError;
use super::kernels::{Asked, Attention, Linear, Norm, Projections, Result, Shape, bias_activation, convert};
use super::loader::Loader;
use super::masked_lm::Encoder;

/// Names of one layer's parts, after the layer's own prefix.
struct LayerNames {
    projections: [&'static str; 3],
    attended: &'static str,
    attended_norm: &'static str,
    widen: &'static str,
    narrow: &'static str,
    narrow_norm: &'static str,
}

const BERT: LayerNames = LayerNames {
    projections: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attended: "attention.output.dense",
    attended_norm: "attention.output.LayerNorm",
    widen: "intermediate.dense",
    narrow: "output.dense",
    narrow_norm: "output.LayerNorm",
};

const DISTILBERT: LayerNames = LayerNames {
    projections: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attended: "attention.out_lin",
    attended_norm: "sa_layer_norm",
    widen: "ffn.lin1",
    narrow: "ffn.lin2",
    narrow_norm: "output_layer_norm",
};

const ALBERT: LayerNames = LayerNames {
    projections: ["attention.query", "attention.key", "attention.value"],
    attended: "attention.dense",
    attended_norm: "attention.LayerNorm",
    widen: "ffn",
    narrow: "ffn_output",
    narrow_norm: "full_layer_layer_norm",
};

/// What begins the names of the encoder's tensors.
pub(super) fn prefix(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Bert => "bert.",
        Architecture::DistilBert => "distilbert.",
        Architecture::Roberta | Architecture::XlmRoberta => "roberta.",
        Architecture::Albert => "albert.",
        Architecture::Electra => "electra.",
        Architecture::ModernBert => "model.",
        Architecture::DebertaV2 => "deberta.",
    }
}

struct Layer {
    projections: Linear,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

impl Layer {
    fn load(loader: &Loader<'_>, at: &str, names: &LayerNames, config: &Config) -> Result<Self, ModelError> {
        let (hidden, eps) = (config.hidden, config.norm_eps);
        let name = |part: &str| format!("{at}{part}");
        Ok(Self {
            projections: loader.joined(&names.projections.map(name), hidden, hidden)?,
            attended: loader.linear(&name(names.attended), hidden, hidden, true)?,
            attended_norm: loader.norm(&name(names.attended_norm), hidden, eps, true)?,
            widen: loader.linear(&name(names.widen), hidden, config.intermediate, true)?,
            narrow: loader.linear(&name(names.narrow), config.intermediate, hidden, true)?,
            narrow_norm: loader.norm(&name(names.narrow_norm), hidden, eps, true)?,
        })
    }

    fn to_dtype(&self, dtype: DType) -> Result<Self> {
        Ok(Self {
            projections: self.projections.to_dtype(dtype)?,
            attended: self.attended.to_dtype(dtype)?,
            attended_norm: self.attended_norm.to_dtype(dtype)?,
            widen: self.widen.to_dtype(dtype)?,
            narrow: self.narrow.to_dtype(dtype)?,
            narrow_norm: self.narrow_norm.to_dtype(dtype)?,
        })
    }

    /// Everything after the attention: `context` and `residual` have one row per asked position.
    fn finish(&self, context: &Tensor, residual: &Tensor, activation: Activation) -> Result<Tensor> {
        let attended = self.attended.product(context)?;
        let x = self.attended_norm.after_sum(attended, self.attended.bias.as_ref(), Some(residual))?;
        let wide = bias_activation(self.widen.product(&x)?, self.widen.bias.as_ref(), activation)?;
        self.narrow_norm.after_sum(self.narrow.product(&wide)?, self.narrow.bias.as_ref(), Some(&x))
    }
}

/// An encoder of the BERT family.
pub(super) struct PostNorm {
    words: Tensor,
    positions: Tensor,
    /// Row 0 of the token types, which every token here has.
    first_type: Option<Tensor>,
    embedding_norm: Norm,
    embedding_projection: Option<Linear>,
    layers: Vec<Layer>,
    /// Which of `layers` runs at each depth; ALBERT repeats them.
    order: Vec<usize>,
    /// The deepest layer's projections of queries, and of keys and values, which it needs for different rows.
    last_query: Linear,
    last_rest: Linear,
    heads: usize,
    activation: Activation,
    padding_for_positions: Option<u32>,
}

impl PostNorm {
    pub fn load(loader: &Loader<'_>, config: &Config, settings: &PostNormSettings) -> Result<Self, ModelError> {
        let prefix = prefix(config.architecture);
        let (width, hidden) = (config.embedding, config.hidden);
        let embedding = |part: &str| format!("{prefix}embeddings.{part}");
        let words = loader.table(&embedding("word_embeddings"), config.vocabulary, width)?;
        let positions = loader.table(&embedding("position_embeddings"), config.positions, width)?;
        let first_type = loader.first_row(&embedding("token_type_embeddings"), settings.token_types, width)?;
        let embedding_norm = loader.norm(&embedding("LayerNorm"), width, config.norm_eps, true)?;
        let embedding_projection = match config.architecture {
            Architecture::Albert => {
                Some(loader.linear(&format!("{prefix}encoder.embedding_hidden_mapping_in"), width, hidden, true)?)
            }
            Architecture::Electra if width != hidden => {
                Some(loader.linear(&format!("{prefix}embeddings_project"), width, hidden, true)?)
            }
            _ => None,
        };
        let (at, names, order): (Vec<String>, _, Vec<usize>) = match (settings.groups, config.architecture) {
            (Some((groups, inner)), _) => {
                let at = |k| format!("{prefix}encoder.albert_layer_groups.{}.albert_layers.{}.", k / inner, k % inner);
                // Depth k runs group floor(k * groups / layers), all of its inner layers in turn.
                let group = |k| k * groups / config.layers;
                let order = (0..config.layers).flat_map(|k| (0..inner).map(move |i| group(k) * inner + i)).collect();
                ((0..groups * inner).map(at).collect(), ALBERT, order)
            }
            (None, Architecture::DistilBert) => {
                let at = |k| format!("{prefix}transformer.layer.{k}.");
                ((0..config.layers).map(at).collect(), DISTILBERT, (0..config.layers).collect())
            }
            (None, _) => {
                let at = |k| format!("{prefix}encoder.layer.{k}.");
                ((0..config.layers).map(at).collect(), BERT, (0..config.layers).collect())
            }
        };
        let layers =
            at.iter().map(|at| Layer::load(loader, at, &names, config)).collect::<Result<Vec<_>, ModelError>>()?;
        let last = &layers[order[order.len() - 1]].projections;
        Ok(Self {
            last_query: last.columns(0, hidden)?,
            last_rest: last.columns(hidden, 2 * hidden)?,
            words,
            positions,
            first_type,
            embedding_norm,
            embedding_projection,
            layers,
            order,
            heads: config.heads,
            activation: config.activation,
            padding_for_positions: settings.padding_for_positions,
        })
    }

    /// Row of the position table for each token.
    fn position_rows(&self, ids: &[u32], shape: Shape) -> Vec<u32> {
        match self.padding_for_positions {
            None => (0..ids.len()).map(|k| (k % shape.length) as u32).collect(),
            Some(padding) => ids
                .chunks(shape.length)
                .flat_map(|sequence| {
                    sequence.iter().scan(padding, move |next, &id| {
                        if id == padding {
                            return Some(padding);
                        }
                        *next += 1;
                        Some(*next)
                    })
                })
                .collect(),
        }
    }

    fn embed(&self, ids: &[u32], shape: Shape) -> Result<Tensor> {
        let device = self.words.device();
        let rows = |rows: &[u32]| Tensor::from_slice(rows, rows.len(), device);
        let words = self.words.index_select(&rows(ids)?, 0)?;
        let positions = self.positions.index_select(&rows(&self.position_rows(ids, shape))?, 0)?;
        let x = self.embedding_norm.after_sum(words, self.first_type.as_ref(), Some(&positions))?;
        match &self.embedding_projection {
            Some(projection) => projection.forward(&x),
            None => Ok(x),
        }
    }
}

impl Encoder for PostNorm {
    fn forward(&self, ids: &[u32], shape: Shape, asked: Asked<'_>) -> Result<Tensor> {
        let mut x = self.embed(ids, shape)?;
        let width = x.dim(1)? / self.heads;
        let attention = |asked| Attention {
            shape,
            heads: self.heads,
            scale: (width as f64).powf(-0.5),
            asked,
            rotary: None,
            window: None,
        };
        for (depth, &which) in self.order.iter().enumerate() {
            let layer = &self.layers[which];
            let projections = &layer.projections;
            x = match asked {
                // Only the asked rows go on from here, but they look at all of them.
                Asked::One(positions) if depth + 1 == self.order.len() => {
                    let residual = x.index_select(&shape.rows(positions, x.device())?, 0)?;
                    let context = attention(asked).forward(&Projections::Split {
                        query: &self.last_query.product(&residual)?,
                        query_bias: self.last_query.bias.as_ref(),
                        rest: &self.last_rest.product(&x)?,
                        rest_bias: self.last_rest.bias.as_ref(),
                    })?;
                    layer.finish(&context, &residual, self.activation)?
                }
                _ => {
                    let all = projections.product(&x)?;
                    let context = attention(Asked::All)
                        .forward(&Projections::Fused { all: &all, bias: projections.bias.as_ref() })?;
                    layer.finish(&context, &x, self.activation)?
                }
            };
        }
        Ok(x)
    }

    fn words(&self) -> &Tensor {
        &self.words
    }

    fn to_dtype(&self, dtype: DType) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Self {
            words: self.words.to_dtype(dtype)?,
            positions: self.positions.to_dtype(dtype)?,
            first_type: convert(&self.first_type, dtype)?,
            embedding_norm: self.embedding_norm.to_dtype(dtype)?,
            embedding_projection: self.embedding_projection.as_ref().map(|p| p.to_dtype(dtype)).transpose()?,
            layers: self.layers.iter().map(|layer| layer.to_dtype(dtype)).collect::<Result<_>>()?,
            order: self.order.clone(),
            last_query: self.last_query.to_dtype(dtype)?,
            last_rest: self.last_rest.to_dtype(dtype)?,
            heads: self.heads,
            activation: self.activation,
            padding_for_positions: self.padding_for_positions,
        }))
    }
}
