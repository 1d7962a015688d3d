//! BERT with its masked-token head, in operations that have gradients.
//!
//! Post-layer-norm encoder as in Devlin et al. 2019 without dropout; the decoder is the word embedding. The query, key
//! and value projections of a layer are one matrix here and three in the files. The last layer's feed-forward part and
//! the head see only the masked places, since nothing else is asked for.

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, RngExt};

use super::attention::attention;
use super::corpus::{Batch, Purpose, generator};
use super::operations::{cross_entropy, embed, gelu, layer_norm, linear};
use super::spec::TrainMlmSpec;

/// BERT's layer-norm constant.
pub(super) const EPSILON: f64 = 1e-12;
/// Standard deviation of the initial weights.
pub(super) const INITIAL_DEVIATION: f64 = 0.02;
/// BERT's two segment types; a single text is all of type 0.
pub(super) const TYPES: usize = 2;

/// How large each part is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizes {
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) intermediate: usize,
    pub(super) length: usize,
}

impl Sizes {
    /// The sizes the spec asks for, with the vocabulary that the text had.
    pub(super) fn new(spec: &TrainMlmSpec, vocabulary: usize) -> Self {
        Self {
            vocabulary,
            hidden: spec.hidden as usize,
            layers: spec.layers as usize,
            heads: spec.heads as usize,
            intermediate: spec.intermediate as usize,
            length: spec.length as usize,
        }
    }
}

struct Dense {
    weight: Var,
    bias: Var,
}

impl Dense {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        linear(x, &self.weight, &self.bias)
    }
}

struct Norm {
    scale: Var,
    shift: Var,
}

impl Norm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(x, &self.scale, &self.shift, EPSILON)
    }
}

struct Layer {
    qkv: Dense,
    attended: Dense,
    attended_norm: Norm,
    widen: Dense,
    narrow: Dense,
    output_norm: Norm,
}

impl Layer {
    /// The layer's output at all places, or only at those in `places`.
    fn forward(&self, x: &Tensor, heads: usize, lengths: &[usize], places: Option<&Tensor>) -> Result<Tensor> {
        let context = attention(&self.qkv.forward(x)?, heads, lengths.to_vec())?;
        let (context, x) = match places {
            Some(places) => (context.index_select(places, 0)?, x.index_select(places, 0)?),
            None => (context, x.clone()),
        };
        let x = self.attended_norm.forward(&(self.attended.forward(&context)? + x)?)?;
        let wide = gelu(&self.widen.forward(&x)?)?;
        self.output_norm.forward(&(self.narrow.forward(&wide)? + x)?)
    }
}

/// The masked language model while it is trained.
pub(super) struct Network {
    pub(super) sizes: Sizes,
    words: Var,
    positions: Var,
    types: Var,
    embeddings_norm: Norm,
    layers: Vec<Layer>,
    head: Dense,
    head_norm: Norm,
    head_bias: Var,
}

/// Makes the parameters, drawing the random ones in a fixed order.
struct Initial<R> {
    generator: R,
    dtype: DType,
}

impl<R: Rng> Initial<R> {
    fn normal(&mut self, shape: (usize, usize)) -> Result<Var> {
        // Box and Muller's method; 1 - u keeps the logarithm finite.
        let values: Vec<f64> = (0..shape.0 * shape.1)
            .map(|_| {
                let (u, angle) = (1.0 - self.generator.random::<f64>(), self.generator.random::<f64>());
                INITIAL_DEVIATION * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
            })
            .collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.dtype)?)
    }

    fn dense(&mut self, outer: usize, inner: usize) -> Result<Dense> {
        Ok(Dense { weight: self.normal((outer, inner))?, bias: Var::zeros(outer, self.dtype, &Device::Cpu)? })
    }

    fn norm(&self, width: usize) -> Result<Norm> {
        Ok(Norm {
            scale: Var::ones(width, self.dtype, &Device::Cpu)?,
            shift: Var::zeros(width, self.dtype, &Device::Cpu)?,
        })
    }
}

impl Network {
    /// An untrained network: weights normal with deviation 0.02, biases 0, layer norms the identity.
    pub(super) fn new(sizes: Sizes, seed: u64, dtype: DType) -> Result<Self> {
        let mut initial = Initial { generator: generator(seed, Purpose::Weights, 0), dtype };
        let Sizes { vocabulary, hidden, intermediate, length, .. } = sizes;
        let words = initial.normal((vocabulary, hidden))?;
        let positions = initial.normal((length, hidden))?;
        let types = initial.normal((TYPES, hidden))?;
        let layers = (0..sizes.layers)
            .map(|_| {
                Ok(Layer {
                    qkv: initial.dense(3 * hidden, hidden)?,
                    attended: initial.dense(hidden, hidden)?,
                    attended_norm: initial.norm(hidden)?,
                    widen: initial.dense(intermediate, hidden)?,
                    narrow: initial.dense(hidden, intermediate)?,
                    output_norm: initial.norm(hidden)?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            sizes,
            words,
            positions,
            types,
            embeddings_norm: initial.norm(hidden)?,
            layers,
            head: initial.dense(hidden, hidden)?,
            head_norm: initial.norm(hidden)?,
            head_bias: Var::zeros(vocabulary, dtype, &Device::Cpu)?,
        })
    }

    /// Logits at the masked places of the batch: (masked, vocabulary).
    pub(super) fn logits(&self, batch: &Batch) -> Result<Tensor> {
        let places = Tensor::new(batch.masked.as_slice(), &Device::Cpu)?;
        let embedded = embed(&self.words, &self.positions, &self.types, batch.ids.clone(), batch.width)?;
        let mut x = self.embeddings_norm.forward(&embedded)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            x = layer.forward(&x, self.sizes.heads, &batch.lengths, last.then_some(&places))?;
        }
        let x = self.head_norm.forward(&gelu(&self.head.forward(&x)?)?)?;
        linear(&x, &self.words, &self.head_bias)
    }

    /// Mean cross-entropy in nats per masked token: a scalar with a gradient.
    pub(super) fn loss(&self, batch: &Batch) -> Result<Tensor> {
        cross_entropy(&self.logits(batch)?, batch.targets.clone())
    }

    /// Every trained tensor by its name, in a fixed order.
    pub(super) fn parameters(&self) -> Vec<(String, &Var)> {
        let mut list: Vec<(String, &Var)> = Vec::new();
        for (name, var) in [("word", &self.words), ("position", &self.positions), ("token_type", &self.types)] {
            list.push((format!("bert.embeddings.{name}_embeddings.weight"), var));
        }
        let mut pair = |name: String, weight, bias| {
            list.push((format!("{name}.weight"), weight));
            list.push((format!("{name}.bias"), bias));
        };
        pair("bert.embeddings.LayerNorm".into(), &self.embeddings_norm.scale, &self.embeddings_norm.shift);
        for (index, layer) in self.layers.iter().enumerate() {
            let at = format!("bert.encoder.layer.{index}");
            pair(format!("{at}.attention.self.qkv"), &layer.qkv.weight, &layer.qkv.bias);
            pair(format!("{at}.attention.output.dense"), &layer.attended.weight, &layer.attended.bias);
            pair(format!("{at}.attention.output.LayerNorm"), &layer.attended_norm.scale, &layer.attended_norm.shift);
            pair(format!("{at}.intermediate.dense"), &layer.widen.weight, &layer.widen.bias);
            pair(format!("{at}.output.dense"), &layer.narrow.weight, &layer.narrow.bias);
            pair(format!("{at}.output.LayerNorm"), &layer.output_norm.scale, &layer.output_norm.shift);
        }
        pair("cls.predictions.transform.dense".into(), &self.head.weight, &self.head.bias);
        pair("cls.predictions.transform.LayerNorm".into(), &self.head_norm.scale, &self.head_norm.shift);
        list.push(("cls.predictions.bias".into(), &self.head_bias));
        list
    }

    /// Trained numbers.
    pub(super) fn size(&self) -> u64 {
        self.parameters().iter().map(|(_, var)| var.elem_count() as u64).sum()
    }

    /// The tensors as Hugging Face's BERT names and cuts them; the tied decoder is left out, as there.
    pub(super) fn exported(&self) -> Result<Vec<(String, Tensor)>> {
        let mut tensors = Vec::new();
        for (name, var) in self.parameters() {
            let tensor = var.as_detached_tensor();
            match name.split_once(".qkv.") {
                Some((before, after)) => {
                    for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
                        let hidden = self.sizes.hidden;
                        let third = tensor.narrow(0, part * hidden, hidden)?.contiguous()?;
                        tensors.push((format!("{before}.{name}.{after}"), third));
                    }
                }
                None => tensors.push((name, tensor)),
            }
        }
        Ok(tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { vocabulary: 13, hidden: 8, layers: 2, heads: 2, intermediate: 12, length: 7 };

    /// Two sequences of different lengths, three masks.
    fn batch() -> Batch {
        Batch {
            ids: vec![2, 4, 6, 7, 4, 9, 3, 2, 10, 4, 3, 0, 0, 0],
            width: 7,
            lengths: vec![7, 4],
            masked: vec![1, 4, 9],
            targets: vec![5, 8, 12],
        }
    }

    /// A network whose every number is drawn wide enough that all gradients are far from 0.
    fn network() -> Network {
        let network = Network::new(SIZES, 1, DType::F64).unwrap();
        let mut generator = generator(2, Purpose::Weights, 1);
        for (_, var) in network.parameters() {
            let values: Vec<f64> = (0..var.elem_count()).map(|_| generator.random::<f64>() * 1.6 - 0.8).collect();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        network
    }

    #[test]
    fn every_gradient_agrees_with_central_differences() {
        let (network, batch) = (network(), batch());
        let loss = || network.loss(&batch).unwrap().to_scalar::<f64>().unwrap();
        let gradients = network.loss(&batch).unwrap().backward().unwrap();
        let mut generator = generator(3, Purpose::Weights, 2);
        for (name, var) in network.parameters() {
            let gradient = gradients.get(var).unwrap_or_else(|| panic!("{name} has no gradient"));
            let gradient: Vec<f64> = gradient.flatten_all().unwrap().to_vec1().unwrap();
            let scale = gradient.iter().fold(0.0, |a: f64, g| a.max(g.abs()));
            assert!(scale > 1e-6, "the gradient of {name} is nothing");
            let values: Vec<f64> = var.flatten_all().unwrap().to_vec1().unwrap();
            let set = |values: Vec<f64>| {
                var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
            };
            for _ in 0..6 {
                let (i, step) = (generator.random_range(0..values.len()), 1e-5);
                let at = |x: f64| {
                    let mut moved = values.clone();
                    moved[i] += x;
                    set(moved);
                    loss()
                };
                let difference = (at(step) - at(-step)) / (2.0 * step);
                let error = (gradient[i] - difference).abs() / scale;
                assert!(error < 1e-6, "{name}[{i}]: {} against {difference}", gradient[i]);
            }
            set(values);
        }
    }

    #[test]
    fn a_fresh_f32_network_moves_every_tensor() {
        let network = Network::new(SIZES, 1, DType::F32).unwrap();
        let gradients = network.loss(&batch()).unwrap().backward().unwrap();
        for (name, var) in network.parameters() {
            let gradient: Vec<f32> = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            assert!(gradient.iter().any(|g| *g != 0.0), "{name}");
            assert!(gradient.iter().all(|g| g.is_finite()), "{name}");
        }
    }

    #[test]
    fn f32_logits_are_close_to_f64() {
        let wide = network();
        let narrow = Network::new(SIZES, 1, DType::F32).unwrap();
        for ((_, to), (_, from)) in narrow.parameters().iter().zip(wide.parameters()) {
            to.set(&from.to_dtype(DType::F32).unwrap()).unwrap();
        }
        let values = |network: &Network| -> Vec<f64> {
            let logits = network.logits(&batch()).unwrap().to_dtype(DType::F64).unwrap();
            logits.flatten_all().unwrap().to_vec1().unwrap()
        };
        for (a, b) in values(&wide).iter().zip(values(&narrow)) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn padding_and_neighbours_in_a_batch_change_nothing() {
        let network = network();
        let alone = Batch { ids: vec![2, 10, 4, 3], width: 4, lengths: vec![4], masked: vec![2], targets: vec![12] };
        let together: Vec<Vec<f64>> = network.logits(&batch()).unwrap().to_vec2().unwrap();
        let alone: Vec<Vec<f64>> = network.logits(&alone).unwrap().to_vec2().unwrap();
        for (a, b) in together[2].iter().zip(&alone[0]) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn an_untrained_network_guesses_evenly() {
        let network = Network::new(SIZES, 1, DType::F32).unwrap();
        let loss = network.loss(&batch()).unwrap().to_scalar::<f32>().unwrap();
        assert!((loss - 13f32.ln()).abs() < 0.1, "{loss}");
    }
}
