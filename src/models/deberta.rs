//! DeBERTa-v2 (He et al., arXiv 2006.03654): attention over contents and relative positions, disentangled.
//!
//! The score of query i and key j is q_i·k_j + q_i·K(i-j) + k_j·Q(i-j), over sqrt(width × number of terms), where K and Q
//! project an embedding of the distance, whose larger values share logarithmic buckets.

use candle_core::{D, DType, Device, Tensor};

use super::config::{Activation, Config, DebertaSettings};
use super::error::ModelError;
use super::kernels::{Asked, Linear, Norm, Result, Shape, activate, bias_activation, convert, softmax};
use super::loader::Loader;
use super::masked_lm::Encoder;
use super::weights::Initial;

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    /// Projections of distances; where absent, the content's own are shared, or that term is not in the score.
    position_key: Option<Linear>,
    position_query: Option<Linear>,
    attended: Linear,
    attended_norm: Norm,
    widen: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

impl Layer {
    fn load(loader: &Loader<'_>, k: usize, config: &Config, settings: &DebertaSettings) -> Result<Self, ModelError> {
        let (hidden, eps) = (config.hidden, config.norm_eps);
        let at = |part: &str| format!("deberta.encoder.layer.{k}.{part}");
        let square = |part: &str| loader.linear(&at(part), hidden, hidden, true);
        let own = settings.relative_attention && !settings.share_attention_key;
        Ok(Self {
            query: square("attention.self.query_proj")?,
            key: square("attention.self.key_proj")?,
            value: square("attention.self.value_proj")?,
            position_key: (own && settings.content_to_position)
                .then(|| square("attention.self.pos_key_proj"))
                .transpose()?,
            position_query: (own && settings.position_to_content)
                .then(|| square("attention.self.pos_query_proj"))
                .transpose()?,
            attended: square("attention.output.dense")?,
            attended_norm: loader.norm(&at("attention.output.LayerNorm"), hidden, eps, true)?,
            widen: loader.linear(&at("intermediate.dense"), hidden, config.intermediate, true)?,
            narrow: loader.linear(&at("output.dense"), config.intermediate, hidden, true)?,
            narrow_norm: loader.norm(&at("output.LayerNorm"), hidden, eps, true)?,
        })
    }

    fn to_dtype(&self, dtype: DType) -> Result<Self> {
        let optional = |linear: &Option<Linear>| linear.as_ref().map(|l| l.to_dtype(dtype)).transpose();
        Ok(Self {
            query: self.query.to_dtype(dtype)?,
            key: self.key.to_dtype(dtype)?,
            value: self.value.to_dtype(dtype)?,
            position_key: optional(&self.position_key)?,
            position_query: optional(&self.position_query)?,
            attended: self.attended.to_dtype(dtype)?,
            attended_norm: self.attended_norm.to_dtype(dtype)?,
            widen: self.widen.to_dtype(dtype)?,
            narrow: self.narrow.to_dtype(dtype)?,
            narrow_norm: self.narrow_norm.to_dtype(dtype)?,
        })
    }

    fn finish(&self, context: &Tensor, residual: &Tensor, activation: Activation) -> Result<Tensor> {
        let attended = self.attended.product(context)?;
        let x = self.attended_norm.after_sum(attended, self.attended.bias.as_ref(), Some(residual))?;
        let wide = bias_activation(self.widen.product(&x)?, self.widen.bias.as_ref(), activation)?;
        self.narrow_norm.after_sum(self.narrow.product(&wide)?, self.narrow.bias.as_ref(), Some(&x))
    }
}

/// A convolution beside the first layer, as in the larger v2 checkpoints.
struct Convolution {
    kernel: Tensor,
    bias: Tensor,
    norm: Norm,
    groups: usize,
    activation: Activation,
}

impl Convolution {
    /// norm(layer + activation(convolution of the embeddings)).
    fn forward(&self, embeddings: &Tensor, layer: &Tensor, shape: Shape) -> Result<Tensor> {
        let (rows, hidden) = embeddings.dims2()?;
        let columns = embeddings.reshape((shape.batch, shape.length, hidden))?.transpose(1, 2)?.contiguous()?;
        let padding = (self.kernel.dim(2)? - 1) / 2;
        let convolved = columns.conv1d(&self.kernel, padding, 1, 1, self.groups)?;
        let convolved = convolved.transpose(1, 2)?.contiguous()?.reshape((rows, hidden))?;
        let activated = activate(&convolved.broadcast_add(&self.bias)?, self.activation)?;
        self.norm.after_sum(activated, None, Some(layer))
    }
}

/// The DeBERTa-v2 encoder.
pub(super) struct Deberta {
    words: Tensor,
    positions: Option<Tensor>,
    first_type: Option<Tensor>,
    embedding_projection: Option<Linear>,
    embedding_norm: Norm,
    /// Embeddings of distances, `[2 * span, hidden]`, and their normalisation.
    relative: Option<(Tensor, Option<Norm>)>,
    layers: Vec<Layer>,
    convolution: Option<Convolution>,
    heads: usize,
    activation: Activation,
    settings: DebertaSettings,
}

/// Row of the table of distances for the distance `i - j`: one row each up to half of the buckets, logarithmic steps beyond.
/// In single precision like the models' own code, since a bucket's border may depend on the rounding.
fn distance_row(distance: i64, settings: &DebertaSettings) -> u32 {
    let span = settings.position_buckets.unwrap_or(settings.max_relative_positions) as i64;
    let bucket = match settings.position_buckets {
        Some(buckets) if distance.unsigned_abs() as usize > buckets / 2 => {
            let middle = (buckets / 2) as f32;
            let ratio = (distance.unsigned_abs() as f32 / middle).ln();
            let whole = ((settings.max_relative_positions as f32 - 1.0) / middle).ln();
            let steps = (ratio / whole * (middle - 1.0)).ceil() + middle;
            steps as i64 * distance.signum()
        }
        _ => distance,
    };
    (bucket + span).clamp(0, 2 * span - 1) as u32
}

impl Deberta {
    pub fn load(loader: &Loader<'_>, config: &Config, settings: &DebertaSettings) -> Result<Self, ModelError> {
        let (width, hidden, eps) = (config.embedding, config.hidden, config.norm_eps);
        let embedding = |part: &str| format!("deberta.embeddings.{part}");
        let words = loader.table(&embedding("word_embeddings"), config.vocabulary, width)?;
        let positions = settings
            .position_biased_input
            .then(|| loader.table(&embedding("position_embeddings"), config.positions, width))
            .transpose()?;
        let span = settings.position_buckets.unwrap_or(settings.max_relative_positions);
        let relative = if settings.relative_attention {
            let table = loader.table("deberta.encoder.rel_embeddings", 2 * span, hidden)?;
            let norm = settings
                .norm_relative
                .then(|| loader.norm("deberta.encoder.LayerNorm", hidden, eps, true))
                .transpose()?;
            Some((table, norm))
        } else {
            None
        };
        let convolution = match settings.convolution {
            Some((size, groups, activation)) => {
                let at = "deberta.encoder.conv";
                let shape = [hidden, hidden / groups, size];
                Some(Convolution {
                    kernel: loader.tensor(&format!("{at}.conv.weight"), &shape, Initial::Normal)?,
                    bias: loader.tensor(&format!("{at}.conv.bias"), &[hidden], Initial::Zero)?,
                    norm: loader.norm(&format!("{at}.LayerNorm"), hidden, eps, true)?,
                    groups,
                    activation,
                })
            }
            None => None,
        };
        Ok(Self {
            words,
            positions,
            first_type: loader.first_row(&embedding("token_type_embeddings"), settings.token_types, width)?,
            embedding_projection: (width != hidden)
                .then(|| loader.linear(&embedding("embed_proj"), width, hidden, false))
                .transpose()?,
            embedding_norm: loader.norm(&embedding("LayerNorm"), hidden, eps, true)?,
            relative,
            layers: (0..config.layers)
                .map(|k| Layer::load(loader, k, config, settings))
                .collect::<Result<_, ModelError>>()?,
            convolution,
            heads: config.heads,
            activation: config.activation,
            settings: settings.clone(),
        })
    }

    fn embed(&self, ids: &[u32], shape: Shape) -> Result<Tensor> {
        let device = self.words.device();
        let mut x = self.words.index_select(&Tensor::from_slice(ids, ids.len(), device)?, 0)?;
        if let Some(positions) = &self.positions {
            let rows: Vec<u32> = (0..ids.len()).map(|k| (k % shape.length) as u32).collect();
            x = (x + positions.index_select(&Tensor::from_vec(rows, ids.len(), device)?, 0)?)?;
        }
        if let Some(first_type) = &self.first_type {
            x = x.broadcast_add(first_type)?;
        }
        if let Some(projection) = &self.embedding_projection {
            x = projection.forward(&x)?;
        }
        self.embedding_norm.after_sum(x, None, None)
    }

    /// `[batch * rows, hidden]` as `[heads, batch * rows, width]`.
    fn by_head(&self, x: &Tensor) -> Result<Tensor> {
        let (rows, hidden) = x.dims2()?;
        x.reshape((rows, self.heads, hidden / self.heads))?.transpose(0, 1)?.contiguous()
    }

    /// Embeddings of the distances `1 - length ..= length - 1`, normalised: `[2 * length - 1, hidden]`.
    fn distances(&self, length: usize) -> Result<Option<Tensor>> {
        let Some((table, norm)) = &self.relative else { return Ok(None) };
        let rows: Vec<u32> = (1 - length as i64..length as i64).map(|d| distance_row(d, &self.settings)).collect();
        let count = rows.len();
        let picked = table.index_select(&Tensor::from_vec(rows, count, table.device())?, 0)?;
        match norm {
            Some(norm) => norm.after_sum(picked, None, None).map(Some),
            None => Ok(Some(picked)),
        }
    }

    /// The contexts of `queries` rows per sequence standing at `positions`: `[batch * queries, hidden]`.
    fn attend(
        &self,
        layer: &Layer,
        x: &Tensor,
        asking: &Tensor,
        shape: Shape,
        asked: Asked<'_>,
        distances: Option<&Tensor>,
    ) -> Result<Tensor> {
        let Shape { batch, length } = shape;
        let (heads, hidden) = (self.heads, x.dim(1)?);
        let (width, queries) = (hidden / heads, asking.dim(0)? / batch);
        let query = self.by_head(&layer.query.forward(asking)?)?;
        let key = self.by_head(&layer.key.forward(x)?)?;
        let value = self.by_head(&layer.value.forward(x)?)?.reshape((heads * batch, length, width))?;
        let terms = 1 + usize::from(self.settings.content_to_position) + usize::from(self.settings.position_to_content);
        // The root is rounded to single precision in the models' own code, in whatever arithmetic the rest runs.
        let scale = 1.0 / f64::from(((width * terms) as f32).sqrt());
        let rows = |x: &Tensor, rows| x.reshape((heads * batch, rows, width));
        let mut scores = rows(&query, queries)?.matmul(&rows(&key, length)?.t()?)?;
        if let Some(distances) = distances {
            let count = 2 * length - 1;
            if self.settings.content_to_position {
                let project = layer.position_key.as_ref().unwrap_or(&layer.key);
                let position_key = self.by_head(&project.forward(distances)?)?;
                let all = query.matmul(&position_key.t()?)?.reshape((heads * batch, queries, count))?;
                let picks = self.picks(shape, asked, false, x.device())?;
                scores = (scores + all.gather(&picks, D::Minus1)?)?;
            }
            if self.settings.position_to_content {
                let project = layer.position_query.as_ref().unwrap_or(&layer.query);
                let position_query = self.by_head(&project.forward(distances)?)?;
                let all = key.matmul(&position_query.t()?)?.reshape((heads * batch, length, count))?;
                let picks = self.picks(shape, asked, true, x.device())?;
                scores = (scores + all.gather(&picks, D::Minus1)?.transpose(1, 2)?)?;
            }
        }
        let weights = softmax(&(scores * scale)?)?;
        weights
            .matmul(&value)?
            .reshape((heads, batch * queries, width))?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((batch * queries, hidden))
    }

    /// Rows of [`Self::distances`] for each query and key: `[heads * batch, queries, keys]`, or with `keys_first`
    /// `[heads * batch, keys, queries]`.
    fn picks(&self, shape: Shape, asked: Asked<'_>, keys_first: bool, device: &Device) -> Result<Tensor> {
        let Shape { batch, length } = shape;
        let every: Vec<usize> = (0..length).collect();
        let mut picks = Vec::new();
        for b in 0..batch {
            let positions = match asked {
                Asked::All => every.as_slice(),
                Asked::One(asked) => &asked[b..=b],
            };
            let row = |query: usize, key: usize| (query + length - 1 - key) as u32;
            if keys_first {
                picks.extend(every.iter().flat_map(|&k| positions.iter().map(move |&q| row(q, k))));
            } else {
                picks.extend(positions.iter().flat_map(|&q| every.iter().map(move |&k| row(q, k))));
            }
        }
        let queries = picks.len() / (batch * length);
        let inner = if keys_first { (length, queries) } else { (queries, length) };
        Tensor::from_vec(picks, (1, batch, inner.0, inner.1), device)?
            .broadcast_as((self.heads, batch, inner.0, inner.1))?
            .contiguous()?
            .reshape((self.heads * batch, inner.0, inner.1))
    }
}

impl Encoder for Deberta {
    fn forward(&self, ids: &[u32], shape: Shape, asked: Asked<'_>) -> Result<Tensor> {
        let embeddings = self.embed(ids, shape)?;
        let distances = self.distances(shape.length)?;
        let mut x = embeddings.clone();
        for (depth, layer) in self.layers.iter().enumerate() {
            let convolution = self.convolution.as_ref().filter(|_| depth == 0);
            let last = depth + 1 == self.layers.len();
            x = match asked {
                // The convolution looks at neighbouring rows, so it needs all of them.
                Asked::One(positions) if last && convolution.is_none() => {
                    let residual = x.index_select(&shape.rows(positions, x.device())?, 0)?;
                    let context = self.attend(layer, &x, &residual, shape, asked, distances.as_ref())?;
                    layer.finish(&context, &residual, self.activation)?
                }
                _ => {
                    let context = self.attend(layer, &x, &x, shape, Asked::All, distances.as_ref())?;
                    let mut out = layer.finish(&context, &x, self.activation)?;
                    if let Some(convolution) = convolution {
                        out = convolution.forward(&embeddings, &out, shape)?;
                    }
                    match asked {
                        Asked::One(positions) if last => out.index_select(&shape.rows(positions, x.device())?, 0)?,
                        _ => out,
                    }
                }
            };
        }
        Ok(x)
    }

    fn row_wise(&self) -> bool {
        // Queries of all sequences meet the distances in one small product.
        false
    }

    fn words(&self) -> &Tensor {
        &self.words
    }

    fn to_dtype(&self, dtype: DType) -> Result<Box<dyn Encoder>> {
        let norm = |norm: &Option<Norm>| norm.as_ref().map(|n| n.to_dtype(dtype)).transpose();
        let relative = match &self.relative {
            Some((table, scaling)) => Some((table.to_dtype(dtype)?, norm(scaling)?)),
            None => None,
        };
        let convolution = match &self.convolution {
            Some(convolution) => Some(Convolution {
                kernel: convolution.kernel.to_dtype(dtype)?,
                bias: convolution.bias.to_dtype(dtype)?,
                norm: convolution.norm.to_dtype(dtype)?,
                groups: convolution.groups,
                activation: convolution.activation,
            }),
            None => None,
        };
        Ok(Box::new(Self {
            words: self.words.to_dtype(dtype)?,
            positions: convert(&self.positions, dtype)?,
            first_type: convert(&self.first_type, dtype)?,
            embedding_projection: self.embedding_projection.as_ref().map(|p| p.to_dtype(dtype)).transpose()?,
            embedding_norm: self.embedding_norm.to_dtype(dtype)?,
            relative,
            layers: self.layers.iter().map(|layer| layer.to_dtype(dtype)).collect::<Result<_>>()?,
            convolution,
            heads: self.heads,
            activation: self.activation,
            settings: self.settings.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_into_logarithmic_buckets() {
        let settings = DebertaSettings {
            token_types: 0,
            position_biased_input: false,
            relative_attention: true,
            content_to_position: true,
            position_to_content: true,
            share_attention_key: true,
            position_buckets: Some(16),
            max_relative_positions: 64,
            norm_relative: false,
            convolution: None,
        };
        let row = |d| i64::from(distance_row(d, &settings)) - 16;
        // Up to half of the buckets one distance each; the farthest distance in the last bucket; odd around 0.
        assert_eq!((-8..=8).map(row).collect::<Vec<_>>(), (-8..=8).collect::<Vec<_>>());
        assert_eq!((row(63), row(-63), row(1000)), (15, -15, 15));
        assert!((0..63).all(|d| row(d) <= row(d + 1) && row(-d) == -row(d)));
    }
}
