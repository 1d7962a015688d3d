//! A Llama whose tensors can be trained: log-probabilities of continuations, and their gradient.

use std::collections::BTreeSet;

use candle_core::{D, DType, Device, Tensor};

use super::attention::{Branching, Heads};
use super::block::{Block, Kept, Shape, norm_backward};
use super::config::LlamaConfig;
use super::head::{TokenLaw, laws, laws_backward};
use super::linear::{Linear, Lora, Weight};
use super::parameters::Parameters;
use super::pointwise::rms_norm;
use super::rope::Rotary;
use crate::models::error::ModelError;
use crate::models::training::real::{Real, add_into, by_dtype, with_slices};
use crate::models::weights::{Initial, Weights};

/// The matrices of a layer that an adapter may stand beside.
pub const ADAPTABLE: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// A low-rank adapter (LoRA, Hu et al. 2021, arXiv:2106.09685).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LoraSettings {
    /// Rank of the update.
    pub rank: usize,
    /// The update is scaled by `alpha / rank`, or by `alpha / sqrt(rank)` where `rank_stabilised`.
    pub alpha: f64,
    #[serde(default)]
    pub rank_stabilised: bool,
    /// Names out of [`ADAPTABLE`].
    pub targets: BTreeSet<String>,
}

impl Default for LoraSettings {
    /// Rank 16 beside every matrix, scaled by 2.
    fn default() -> Self {
        Self { rank: 16, alpha: 32.0, rank_stabilised: false, targets: ADAPTABLE.map(str::to_owned).into() }
    }
}

impl LoraSettings {
    /// What B A is multiplied by.
    pub(super) fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rank_stabilised { rank.sqrt() } else { rank }
    }
}

/// Which tensors are trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Trained {
    Nothing,
    /// An adapter; its A are drawn from the seed and its B are 0, as PEFT has them.
    Adapter(LoraSettings, u64),
    /// Every tensor.
    Everything,
}

/// Tokens of a prompt and of the continuations whose probabilities are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTree {
    pub prompt: Vec<u32>,
    pub branches: Vec<Vec<u32>>,
}

/// Whether a pass keeps what every layer's way back needs, or only the layers' inputs, computing the rest again
/// (activation checkpointing: half as much time again, a fraction of the memory).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Activations,
    Inputs,
}

pub struct Network {
    pub(super) config: LlamaConfig,
    pub(super) device: Device,
    /// Type of activations and frozen tensors.
    pub(super) dtype: DType,
    pub(super) rotary: Rotary,
    pub(super) embeddings: Weight,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Weight,
    /// `None` where the embedding table is the head.
    pub(super) head: Option<Weight>,
    pub(super) parameters: Parameters,
    pub(super) adapter: Option<LoraSettings>,
}

/// Where the rows and targets of some trees are.
struct Places {
    trees: Vec<Branching>,
    ids: Vec<u32>,
    /// Rows that predict, and what they predict.
    rows: Vec<u32>,
    targets: Vec<u32>,
    /// Numbers of targets of each branch, all trees' branches in order.
    branches: Vec<usize>,
}

impl Places {
    fn new(trees: &[TokenTree]) -> Self {
        let mut places =
            Self { trees: Vec::new(), ids: Vec::new(), rows: Vec::new(), targets: Vec::new(), branches: Vec::new() };
        for tree in trees {
            let first = places.ids.len();
            places.ids.extend(&tree.prompt);
            let mut lengths = Vec::new();
            for branch in &tree.branches {
                let start = places.ids.len();
                // The last token is predicted but predicts nothing.
                let shown = &branch[..branch.len().saturating_sub(1)];
                places.ids.extend(shown);
                lengths.push(shown.len());
                let before = places.targets.len();
                for (at, &target) in branch.iter().enumerate() {
                    let row = match at {
                        0 if tree.prompt.is_empty() => continue,
                        0 => first + tree.prompt.len() - 1,
                        at => start + at - 1,
                    };
                    places.rows.push(row as u32);
                    places.targets.push(target);
                }
                places.branches.push(places.targets.len() - before);
            }
            places.trees.push(Branching { prompt: tree.prompt.len(), branches: lengths });
        }
        places
    }
}

/// One pass over some trees, with what the way back needs.
pub struct Pass {
    places: Places,
    kept: Vec<KeptLayer>,
    /// The last layer's rows that predict.
    last: Tensor,
    normal: Tensor,
    logits: Option<Tensor>,
    laws: Vec<TokenLaw>,
}

enum KeptLayer {
    Input(Tensor),
    All(Kept),
}

/// Sums over the tokens of one branch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BranchLaw {
    /// ln p(branch given prompt), in nats.
    pub log_prob: f64,
    pub tokens: usize,
    /// Sum over tokens of the law's entropy, in nats.
    pub entropy: f64,
    /// Tokens that were the likeliest.
    pub first: usize,
}

impl Pass {
    /// The laws of all trees' branches, in order.
    pub fn branches(&self) -> Vec<BranchLaw> {
        let mut rest = self.laws.as_slice();
        self.places
            .branches
            .iter()
            .map(|&tokens| {
                let (own, others) = rest.split_at(tokens);
                rest = others;
                BranchLaw {
                    log_prob: own.iter().map(|law| law.log_prob).sum(),
                    tokens,
                    entropy: own.iter().map(|law| law.entropy).sum(),
                    first: own.iter().filter(|law| law.first).count(),
                }
            })
            .collect()
    }
}

impl Network {
    /// Builds the network from its weights.
    ///
    /// # Errors
    /// [`ModelError`] for a missing tensor, a wrong shape, or an adapter target the network does not have.
    pub(in crate::models) fn new(
        config: LlamaConfig,
        weights: &Weights,
        trained: &Trained,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let mut build = Build { weights, trained, dtype, device, parameters: Parameters::default() };
        let embeddings =
            build.tensor("model.embed_tokens.weight", &[config.vocabulary, config.hidden], Initial::Normal)?;
        let blocks = (0..config.layers).map(|at| build.block(&config, at)).collect::<Result<_, ModelError>>()?;
        let norm = build.tensor("model.norm.weight", &[config.hidden], Initial::One)?;
        let head = match config.tied {
            true => None,
            false => Some(build.tensor("lm_head.weight", &[config.vocabulary, config.hidden], Initial::Normal)?),
        };
        let adapter = match trained {
            Trained::Adapter(settings, _) => Some(settings.clone()),
            _ => None,
        };
        Ok(Self {
            rotary: Rotary::new(&config, 0),
            config,
            device: device.clone(),
            dtype,
            embeddings,
            blocks,
            norm,
            head,
            parameters: build.parameters,
            adapter,
        })
    }

    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Numbers that are trained.
    pub fn trained_numbers(&self) -> u64 {
        self.parameters.list().iter().map(|parameter| parameter.value.elem_count() as u64).sum()
    }

    pub(super) fn heads(&self) -> Heads {
        Heads { queries: self.config.heads, kv: self.config.kv_heads, width: self.config.head_width }
    }

    pub(super) fn head_weight(&self) -> &Weight {
        self.head.as_ref().unwrap_or(&self.embeddings)
    }

    /// Makes the rotary tables long enough.
    pub(super) fn reach(&mut self, positions: usize) -> Result<(), ModelError> {
        if positions > self.config.positions {
            return Err(ModelError::Length {
                got: positions,
                expected: format!("at most {} (max_position_embeddings)", self.config.positions),
            });
        }
        if positions > self.rotary.positions() {
            self.rotary = Rotary::new(&self.config, positions.next_power_of_two().min(self.config.positions));
        }
        Ok(())
    }

    /// The embeddings of `ids`.
    pub(super) fn embed(&self, ids: &[u32]) -> Result<Tensor, ModelError> {
        if let Some(&token) = ids.iter().find(|&&id| id as usize >= self.config.vocabulary) {
            return Err(ModelError::Token { token, vocabulary: self.config.vocabulary });
        }
        let ids = Tensor::new(ids, &self.device)?;
        Ok(self.embeddings.tensor(&self.parameters).index_select(&ids, 0)?.to_dtype(self.dtype)?)
    }

    /// Laws of every branch's tokens. `adapted` says whether the adapter takes part: without it the answer is the
    /// reference policy's.
    ///
    /// # Errors
    /// [`ModelError::Length`], [`ModelError::Token`], [`ModelError::NonFinite`], or what the device says.
    pub fn pass(&mut self, trees: &[TokenTree], keep: Keep, adapted: bool) -> Result<Pass, ModelError> {
        let places = Places::new(trees);
        let longest = trees
            .iter()
            .map(|tree| tree.prompt.len() + tree.branches.iter().map(Vec::len).max().unwrap_or(0))
            .max()
            .unwrap_or(0);
        self.reach(longest)?;
        if let Some(&token) = places.targets.iter().find(|&&id| id as usize >= self.config.vocabulary) {
            return Err(ModelError::Token { token, vocabulary: self.config.vocabulary });
        }
        let shape =
            Shape { heads: self.heads(), epsilon: self.config.norm_eps, rotary: &self.rotary, trees: &places.trees };
        let mut x = self.embed(&places.ids)?;
        let mut kept = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let (y, activations) = block.forward(&x, &self.parameters, &shape, adapted)?;
            kept.push(match keep {
                Keep::Activations => KeptLayer::All(activations),
                Keep::Inputs => KeptLayer::Input(x),
            });
            x = y;
        }
        let rows = Tensor::new(places.rows.as_slice(), &self.device)?;
        let last = x.index_select(&rows, 0)?;
        let normal = rms_norm(&last, self.norm.tensor(&self.parameters), self.config.norm_eps)?;
        let (laws, logits) = laws(&normal, self.head_weight().tensor(&self.parameters), &places.targets)?;
        if let Some(at) = laws.iter().position(|law| !law.log_prob.is_finite()) {
            return Err(ModelError::NonFinite {
                value: laws[at].log_prob,
                token: places.targets[at] as usize,
                arithmetic: "training",
            });
        }
        Ok(Pass { places, kept, last, normal, logits, laws })
    }

    /// Adds to the trained tensors' gradients that of `sum(factor * ln p(branch))`, one factor per branch in the order
    /// of [`Pass::branches`].
    ///
    /// # Errors
    /// What the device says.
    pub fn backward(&mut self, pass: Pass, factors: &[f64]) -> Result<(), ModelError> {
        let Pass { places, mut kept, last, normal, logits, .. } = pass;
        let by_token: Vec<f64> = places
            .branches
            .iter()
            .zip(factors)
            .flat_map(|(&tokens, &factor)| std::iter::repeat_n(factor, tokens))
            .collect();
        let epsilon = self.config.norm_eps;
        let parameters = &mut self.parameters;
        let head = self.head.as_ref().unwrap_or(&self.embeddings);
        let to_normal = laws_backward(&normal, head, &places.targets, &by_token, logits.as_ref(), parameters)?;
        drop((normal, logits));
        let zeros = last.zeros_like()?;
        let to_last = norm_backward(&last, &self.norm, epsilon, &to_normal, &zeros, parameters)?;
        let mut grad = scattered(&to_last, &places.rows, places.ids.len())?;
        let shape = Shape {
            heads: Heads { queries: self.config.heads, kv: self.config.kv_heads, width: self.config.head_width },
            epsilon,
            rotary: &self.rotary,
            trees: &places.trees,
        };
        for (index, block) in self.blocks.iter().enumerate().rev() {
            let Some(layer) = kept.pop() else { return Err(ModelError::Other("a layer kept nothing".into())) };
            let activations = match layer {
                KeptLayer::All(activations) => activations,
                // The gradient is that of the adapted network: the reference policy has none.
                KeptLayer::Input(x) => block.forward(&x, parameters, &shape, true)?.1,
            };
            let wants_x = index > 0 || self.embeddings.trained().is_some();
            match block.backward(activations, &grad, parameters, &shape, wants_x)? {
                Some(to_x) => grad = to_x,
                None => return Ok(()),
            }
        }
        if let Some(at) = self.embeddings.trained() {
            parameters.accumulate(at, scattered(&grad, &places.ids, self.config.vocabulary)?)?;
        }
        Ok(())
    }
}

/// Rows added to those of a zero matrix of `count` rows, row `i` to row `rows[i]`.
fn scattered(x: &Tensor, rows: &[u32], count: usize) -> candle_core::Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    if !x.device().is_cpu() {
        let zeros = Tensor::zeros((count, width), x.dtype(), x.device())?;
        return zeros.index_add(&Tensor::new(rows, x.device())?, x, 0);
    }
    by_dtype!(x.dtype(), T => with_slices!(T; xs = x; {
        let mut out = vec![T::ZERO; count * width];
        for (x, &row) in xs.chunks(width).zip(rows) {
            add_into(&mut out[row as usize * width..][..width], x);
        }
        Tensor::from_vec(out, (count, width), x.device())
    }))
}

struct Build<'a> {
    weights: &'a Weights,
    trained: &'a Trained,
    dtype: DType,
    device: &'a Device,
    parameters: Parameters,
}

impl Build<'_> {
    fn tensor(&mut self, name: &str, shape: &[usize], initial: Initial) -> Result<Weight, ModelError> {
        let everything = *self.trained == Trained::Everything;
        let dtype = if everything { self.master() } else { self.dtype };
        let tensor = self.weights.take(name, shape, initial, dtype)?.to_device(self.device)?;
        Ok(if everything {
            Weight::Trained(self.parameters.add(name.to_owned(), tensor))
        } else {
            Weight::Frozen(tensor)
        })
    }

    /// Type of trained tensors: never half precision, in which small steps vanish.
    fn master(&self) -> DType {
        if self.dtype == DType::F64 { DType::F64 } else { DType::F32 }
    }

    fn linear(&mut self, layer: &str, part: &str, outer: usize, inner: usize) -> Result<Linear, ModelError> {
        let weight = self.tensor(&format!("{layer}.{part}.weight"), &[outer, inner], Initial::Normal)?;
        let lora = match self.trained {
            Trained::Adapter(settings, seed)
                if settings.targets.iter().any(|target| part.ends_with(&format!(".{target}"))) =>
            {
                let master = self.master();
                let stem = format!("base_model.model.{layer}.{part}");
                let a = super::adapter::initial_a(settings.rank, inner, *seed, &stem)?.to_dtype(master)?;
                let b = Tensor::zeros((outer, settings.rank), master, self.device)?;
                Some(Lora {
                    a: self.parameters.add(format!("{stem}.lora_A.weight"), a.to_device(self.device)?),
                    b: self.parameters.add(format!("{stem}.lora_B.weight"), b),
                    scale: settings.scale(),
                })
            }
            _ => None,
        };
        Ok(Linear { weight, lora })
    }

    fn block(&mut self, config: &LlamaConfig, at: usize) -> Result<Block, ModelError> {
        let layer = format!("model.layers.{at}");
        let hidden = config.hidden;
        let [q, k, v, o, gate, up, down] = config.matrices();
        let mut linear = |(part, outer, inner): (&str, usize, usize)| self.linear(&layer, part, outer, inner);
        let (q, k, v, o) = (linear(q)?, linear(k)?, linear(v)?, linear(o)?);
        let (gate, up, down) = (linear(gate)?, linear(up)?, linear(down)?);
        let mut norm = |part: &str| self.tensor(&format!("{layer}.{part}.weight"), &[hidden], Initial::One);
        let (attention_norm, feed_norm) = (norm("input_layernorm")?, norm("post_attention_layernorm")?);
        Ok(Block { attention_norm, q, k, v, o, feed_norm, gate, up, down })
    }
}
