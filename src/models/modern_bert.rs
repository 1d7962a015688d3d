//! ModernBERT (Warner et al., arXiv 2412.13663): normalisation first, rotary positions, global and sliding attention in turn,
//! gated feed-forward layers.

use candle_core::{DType, Tensor};

use super::config::{Activation, Config, ModernBertSettings};
use super::error::ModelError;
use super::kernels::{Asked, Attention, Linear, Norm, Projections, Result, Rotary, Shape, gated};
use super::loader::Loader;
use super::masked_lm::Encoder;

struct Layer {
    /// Absent in the first layer, whose input is normalised already.
    attention_norm: Option<Norm>,
    projections: Linear,
    attended: Linear,
    gated_norm: Norm,
    widen: Linear,
    narrow: Linear,
    sliding: bool,
}

impl Layer {
    fn to_dtype(&self, dtype: DType) -> Result<Self> {
        Ok(Self {
            attention_norm: self.attention_norm.as_ref().map(|n| n.to_dtype(dtype)).transpose()?,
            projections: self.projections.to_dtype(dtype)?,
            attended: self.attended.to_dtype(dtype)?,
            gated_norm: self.gated_norm.to_dtype(dtype)?,
            widen: self.widen.to_dtype(dtype)?,
            narrow: self.narrow.to_dtype(dtype)?,
            sliding: self.sliding,
        })
    }
}

/// The ModernBERT encoder.
pub(super) struct ModernBert {
    words: Tensor,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    last_query: Linear,
    last_rest: Linear,
    final_norm: Norm,
    /// Tables for the global layers and for the sliding ones.
    rotaries: [Rotary; 2],
    thetas: [f64; 2],
    window: usize,
    heads: usize,
    activation: Activation,
    max_length: usize,
}

impl ModernBert {
    pub fn load(loader: &Loader<'_>, config: &Config, settings: &ModernBertSettings) -> Result<Self, ModelError> {
        let (hidden, wide, eps) = (config.hidden, config.intermediate, config.norm_eps);
        let norm = |name: &str| loader.norm(name, hidden, eps, settings.norm_bias);
        if !config.head_width().is_multiple_of(2) {
            return Err(ModelError::Config {
                setting: "num_attention_heads".into(),
                problem: "leaves heads of odd width, which rotary positions cannot turn".into(),
            });
        }
        let layers = (0..config.layers)
            .map(|k| {
                let at = |part: &str| format!("model.layers.{k}.{part}");
                Ok(Layer {
                    attention_norm: if k == 0 { None } else { Some(norm(&at("attn_norm"))?) },
                    projections: loader.linear(&at("attn.Wqkv"), hidden, 3 * hidden, settings.attention_bias)?,
                    attended: loader.linear(&at("attn.Wo"), hidden, hidden, settings.attention_bias)?,
                    gated_norm: norm(&at("mlp_norm"))?,
                    widen: loader.linear(&at("mlp.Wi"), hidden, 2 * wide, settings.mlp_bias)?,
                    narrow: loader.linear(&at("mlp.Wo"), wide, hidden, settings.mlp_bias)?,
                    sliding: settings.sliding[k],
                })
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let last = &layers[layers.len() - 1].projections;
        let thetas = [settings.global_theta, settings.local_theta];
        let table = |theta| Rotary::new(theta, config.head_width(), config.max_length, loader.dtype, loader.device);
        Ok(Self {
            words: loader.table("model.embeddings.tok_embeddings", config.vocabulary, hidden)?,
            embedding_norm: norm("model.embeddings.norm")?,
            last_query: last.columns(0, hidden)?,
            last_rest: last.columns(hidden, 2 * hidden)?,
            final_norm: norm("model.final_norm")?,
            rotaries: [table(thetas[0])?, table(thetas[1])?],
            thetas,
            window: settings.window,
            heads: config.heads,
            activation: config.activation,
            max_length: config.max_length,
            layers,
        })
    }
}

impl Encoder for ModernBert {
    fn forward(&self, ids: &[u32], shape: Shape, asked: Asked<'_>) -> Result<Tensor> {
        let ids = Tensor::from_slice(ids, ids.len(), self.words.device())?;
        let mut x = self.embedding_norm.after_sum(self.words.index_select(&ids, 0)?, None, None)?;
        let width = x.dim(1)? / self.heads;
        for (depth, layer) in self.layers.iter().enumerate() {
            let attention = |asked| Attention {
                shape,
                heads: self.heads,
                scale: (width as f64).powf(-0.5),
                asked,
                rotary: Some(&self.rotaries[usize::from(layer.sliding)]),
                window: layer.sliding.then_some(self.window),
            };
            let normed = match &layer.attention_norm {
                Some(norm) => norm.forward(&x)?,
                None => x.clone(),
            };
            let context = match asked {
                Asked::One(positions) if depth + 1 == self.layers.len() => {
                    let rows = shape.rows(positions, x.device())?;
                    x = x.index_select(&rows, 0)?;
                    attention(asked).forward(&Projections::Split {
                        query: &self.last_query.product(&normed.index_select(&rows, 0)?)?,
                        query_bias: self.last_query.bias.as_ref(),
                        rest: &self.last_rest.product(&normed)?,
                        rest_bias: self.last_rest.bias.as_ref(),
                    })?
                }
                _ => attention(Asked::All).forward(&Projections::Fused {
                    all: &layer.projections.product(&normed)?,
                    bias: layer.projections.bias.as_ref(),
                })?,
            };
            x = (x + layer.attended.forward(&context)?)?;
            let wide = layer.widen.product(&layer.gated_norm.forward(&x)?)?;
            let narrow = layer.narrow.forward(&gated(&wide, layer.widen.bias.as_ref(), self.activation)?)?;
            x = (x + narrow)?;
        }
        self.final_norm.forward(&x)
    }

    fn words(&self) -> &Tensor {
        &self.words
    }

    fn to_dtype(&self, dtype: DType) -> Result<Box<dyn Encoder>> {
        let (width, device) = (self.words.dim(1)? / self.heads, self.words.device());
        // Rounded tables cannot be widened again; they are computed anew.
        let table = |theta| Rotary::new(theta, width, self.max_length, dtype, device);
        Ok(Box::new(Self {
            words: self.words.to_dtype(dtype)?,
            embedding_norm: self.embedding_norm.to_dtype(dtype)?,
            layers: self.layers.iter().map(|layer| layer.to_dtype(dtype)).collect::<Result<_>>()?,
            last_query: self.last_query.to_dtype(dtype)?,
            last_rest: self.last_rest.to_dtype(dtype)?,
            final_norm: self.final_norm.to_dtype(dtype)?,
            rotaries: [table(self.thetas[0])?, table(self.thetas[1])?],
            thetas: self.thetas,
            window: self.window,
            heads: self.heads,
            activation: self.activation,
            max_length: self.max_length,
        }))
    }
}
